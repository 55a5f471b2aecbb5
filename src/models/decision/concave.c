/*
 * concave.c
 *	  The concave hull of choices, by Andrew's monotone chain in one pass.
 */
#include "models/decision/concave.h"

#include <stdbool.h>
#include <stddef.h>

#include "numerics/host.h"

/* Gain per cost from one choice to another, as a pair whose quotient is not needed to compare. */
typedef struct Step
{
	double cost;
	double gain;
} Step;

/* The step to a choice from the one before it on the hull, or from no choice at all. */
static Step
step_to(const double *costs, const double *gains, const int *chosen, int depth, int choice)
{
	if (depth == 0)
		return (Step){costs[choice], gains[choice]};
	return (Step){costs[choice] - costs[chosen[depth - 1]], gains[choice] - gains[chosen[depth - 1]]};
}

/* Whether the first of two steps brings less per cost than the second. */
static bool
is_less_steep(Step first, Step second)
{
	/* scaled, so that the products of numbers as large as they may be stay finite */
	return first.gain * 1e-100 * second.cost < second.gain * 1e-100 * first.cost;
}

int
concave_choices(const double *costs, const double *gains, int count, int *chosen)
{
	int depth = 0;

	for (int i = 0; i < count; i++)
	{
		host_poll_at((size_t) i);
		if (!(gains[i] > 0.0) || (depth > 0 && !(gains[i] > gains[chosen[depth - 1]])))
			continue;
		while (depth > 0 &&
			   is_less_steep(step_to(costs, gains, chosen, depth - 1, chosen[depth - 1]),
							 step_to(costs, gains, chosen, depth, i)))
			depth--;
		chosen[depth++] = i;
	}
	return depth;
}
