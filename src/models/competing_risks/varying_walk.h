/*
 * varying_walk.h
 *	  Walks over the stretches of constant rates between two ages.
 *
 * What varying_clocks.c and varying_derivatives.c share: each takes the
 * integral over the time of leaving, with other weights.
 */
#ifndef MODELS_COMPETING_RISKS_VARYING_WALK_H
#define MODELS_COMPETING_RISKS_VARYING_WALK_H

#include <math.h>
#include <stdbool.h>

#include "models/competing_risks/varying_clocks.h"
#include "numerics/quadrature.h"
#include "numerics/special.h"

/* Times on the two clocks since the walk began. */
typedef struct VaryingTimes
{
	double buying;
	double leaving;
} VaryingTimes;

/* The ages of the two clocks where the walk begins, and the shapes of their rates. */
typedef struct VaryingAges
{
	double n; /* r + x */
	double s;
	double buying;        /* alpha + Lambda */
	double leaving;       /* beta + M */
	VaryingTimes history; /* Lambda and M */
} VaryingAges;

/* A part of a segment. */
typedef struct VaryingStretch
{
	size_t segment;
	double begins; /* the age */
	double length; /* may be infinite */
	double buying; /* A */
	double leaving;
	VaryingTimes since; /* when it begins */
} VaryingStretch;

typedef struct VaryingWalk
{
	const VaryingClocks *clocks;
	size_t segment;
	double age;
	VaryingTimes since;
} VaryingWalk;

static inline VaryingWalk
varying_walk_start(const VaryingClocks *clocks, double from)
{
	VaryingWalk walk = {.clocks = clocks, .age = from};
	size_t low = 0;
	size_t high = clocks->n - 1;

	/* the first segment that ends after it, or the last */
	while (low < high)
	{
		size_t middle = low + (high - low) / 2;

		if (clocks->segments[middle].until > from)
			high = middle;
		else
			low = middle + 1;
	}
	walk.segment = low;
	return walk;
}

/* The next stretch before `until`; false if there is none. Its length is positive. */
static inline bool
varying_walk_next(VaryingWalk *walk, double until, VaryingStretch *stretch)
{
	const ClockSegment *segment = &walk->clocks->segments[walk->segment];
	double end = walk->segment + 1 < walk->clocks->n ? fmin(segment->until, until) : until;

	host_poll_at(walk->segment);
	if (!(end > walk->age))
		return false;
	*stretch = (VaryingStretch){
		.segment = walk->segment,
		.begins = walk->age,
		.length = end - walk->age,
		.buying = segment->buying,
		.leaving = segment->leaving,
		.since = walk->since,
	};
	walk->since.buying += stretch->buying * stretch->length;
	walk->since.leaving += stretch->leaving * stretch->length;
	walk->age = end;
	walk->segment += walk->segment + 1 < walk->clocks->n;
	return true;
}

/* Times on the clocks y after the beginning of a stretch. */
static inline VaryingTimes
varying_times(const VaryingStretch *stretch, double y)
{
	return (VaryingTimes){stretch->since.buying + stretch->buying * y, stretch->since.leaving + stretch->leaving * y};
}

/* Times on both clocks between two ages. */
static inline VaryingTimes
varying_times_between(const VaryingClocks *clocks, double from, double until)
{
	VaryingWalk walk = varying_walk_start(clocks, from);

	for (VaryingStretch stretch; varying_walk_next(&walk, until, &stretch);)
		;
	return walk.since;
}

/* The ages of the clocks of a customer with x repeat purchases at age t. */
static inline VaryingAges
varying_ages_at(const VaryingClocks *clocks, const double *params, double x, double t)
{
	VaryingTimes history = varying_times_between(clocks, 0.0, t);

	return (VaryingAges){
		.n = params[RISKS_R] + x,
		.s = params[PARETO_S],
		.buying = params[RISKS_ALPHA] + history.buying,
		.leaving = params[PARETO_BETA] + history.leaving,
		.history = history,
	};
}

/* ln of the probability that a customer neither bought nor left for such times. */
static inline double
varying_ln_quiet(const VaryingAges *ages, const VaryingTimes *at)
{
	return -ages->n * log1p(at->buying / ages->buying) - ages->s * log1p(at->leaving / ages->leaving);
}

/* ln of the likelihood of the purchases until t_x, at which the ages are; without the factors A at their times. */
static inline double
varying_ln_history(const double *params, const VaryingAges *ages, double x)
{
	return sf_lnpoch(params[RISKS_R], x) - params[RISKS_R] * log1p(ages->history.buying / params[RISKS_ALPHA]) -
		x * log(ages->buying) - params[PARETO_S] * log1p(ages->history.leaving / params[PARETO_BETA]);
}

/* How far the nearest singularity is from y after the beginning of a stretch, and how fast the integrand falls there. */
static inline double
varying_distance(const VaryingStretch *stretch, const VaryingAges *ages, double y, double *rate)
{
	VaryingTimes at = varying_times(stretch, y);
	double buying = (ages->buying + at.buying) / stretch->buying;
	double leaving = (ages->leaving + at.leaving) / stretch->leaving;

	*rate = (ages->n + 1.0) / buying + (ages->s + 1.0) / leaving;
	return fmin(buying, leaving);
}

static inline bool
varying_panel_next(Panel *panel, const VaryingStretch *stretch, const VaryingAges *ages)
{
	double rate;
	double distance = varying_distance(stretch, ages, panel->end, &rate);

	return panel_next(panel, stretch->length, distance, rate);
}

/*
 * The rule for a panel. With 8 points the error is about rho^-16: at rho = 10, where the panel is short compared with
 * the distance to the singularity and the integrand changes by less than a factor of e^2, it is below rounding.
 */
static inline const GaussRule *
varying_rule(const Panel *panel, const VaryingStretch *stretch, const VaryingAges *ages)
{
	double width = 2.0 * panel->half_width;
	double rate;
	double distance = varying_distance(stretch, ages, panel->end - width, &rate);

	return width < 0.45 * distance && rate * width < 2.0 ? &gauss_8 : &gauss_16;
}

static inline double
varying_node(const Panel *panel, const GaussRule *rule, int i)
{
	return panel->middle + panel->half_width * rule->node[i];
}

static inline double
varying_weight(const Panel *panel, const GaussRule *rule, int i)
{
	return panel->half_width * rule->weight[i];
}

/* What is left of an integral beyond this share is nothing. */
#define VARYING_REST 1e-20

/* Whether the rest of a sum can be left out: what it may still gain is at most the probability of nothing until y. */
static inline bool
varying_is_over(const VaryingAges *ages, const VaryingStretch *stretch, double y, double sum)
{
	VaryingTimes at = varying_times(stretch, y);

	/* NaN must end the loop, too */
	return !(exp(varying_ln_quiet(ages, &at)) > VARYING_REST * sum);
}

#endif /* MODELS_COMPETING_RISKS_VARYING_WALK_H */
