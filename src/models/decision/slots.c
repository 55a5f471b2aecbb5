/*
 * slots.c
 *	  A Dirichlet prior by maximum likelihood, and what it says of a customer.
 *
 * All that the likelihood needs is how many customers have so many events in each
 * slot, and so many in all: with A the sum of all alpha
 *
 *	ln L = sum of customers * [ln Gamma(alpha + events) - ln Gamma(alpha)] over slots
 *		 - sum of customers * [ln Gamma(A + events) - ln Gamma(A)] over all together
 */
#include "models/decision/slots.h"

#include <math.h>
#include <stdbool.h>

#include "numerics/special.h"
#include "numerics/trust_region.h"

/*
 * Limits of ln alpha: where all customers have the same shares the best alpha is
 * infinite, and where nobody has a slot it is zero.
 */
#define WIDEST 12.0

#define MAX_ITERATIONS 200

typedef struct SlotLikelihood
{
	const Host *host;
	const SlotCount *counts;
	int count;
	int slots;
} SlotLikelihood;

/* Minus the likelihood, its gradient and its Hessian in ln alpha. */
static void
slot_objective(void *data, const double *theta, double *value, double *gradient, double *hessian)
{
	const SlotLikelihood *likelihood = data;
	int slots = likelihood->slots;
	double alpha[SLOTS_MAX + 1] = {0}; /* the sum comes last */
	double first[SLOTS_MAX + 1] = {0};
	double second[SLOTS_MAX + 1] = {0};

	for (int i = 0; i < slots; i++)
	{
		alpha[i] = exp(theta[i]);
		alpha[slots] += alpha[i];
	}
	*value = 0.0;
	for (int i = 0; i < likelihood->count; i++)
	{
		const SlotCount *count = &likelihood->counts[i];
		double a = alpha[count->slot];
		double weight = count->slot == slots ? count->customers : -count->customers;

		if ((i & 0xfff) == 0)
			likelihood->host->check_interrupts();
		*value += weight * sf_lnpoch(a, count->events);
		first[count->slot] += weight * sf_dpoch(a, count->events);
		second[count->slot] += weight * sf_tpoch(a, count->events);
	}
	for (int i = 0; i < slots; i++)
	{
		gradient[i] = alpha[i] * (first[i] + first[slots]);
		for (int j = 0; j < slots; j++)
			hessian[i * slots + j] = alpha[i] * alpha[j] * second[slots];
		hessian[i * slots + i] += alpha[i] * alpha[i] * second[i] + gradient[i];
	}
}

void
slot_prior_fit(const Host *host, const SlotCount *counts, int count, int slots, SlotPrior *prior)
{
	SlotLikelihood likelihood = {host, counts, count, slots};
	TrustRegionResult result;
	double theta[SLOTS_MAX] = {0};

	trust_region_minimise(host, slot_objective, &likelihood, slots, WIDEST, MAX_ITERATIONS, theta, &result);
	prior->slots = slots;
	prior->sum = 0.0;
	prior->log_likelihood = -result.value;
	for (int i = 0; i < slots; i++)
	{
		prior->alpha[i] = exp(theta[i]);
		prior->sum += prior->alpha[i];
	}
}

/* P(X < x), for x not above the mean or so: Abramowitz & Stegun 26.5.23 and 15.3.3. */
static double
beta_below(double a, double b, double x)
{
	double ln_density = a * log(x) + b * log1p(-x) - (lgamma(a) + lgamma(b) - lgamma(a + b));

	return exp(ln_density) / a * sf_hypergeometric1(a + b, a + 1.0, x);
}

double
beta_upper_tail(double a, double b, double x)
{
	return x < a / (a + b) ? 1.0 - beta_below(a, b, x) : beta_below(b, a, 1.0 - x);
}

SlotChoice
slot_choose(const SlotPrior *prior, const double *events, double level)
{
	SlotChoice choice = {0, 0.0, 1.0};
	double total = prior->sum;

	for (int i = 0; i < prior->slots; i++)
		total += events[i];
	for (int i = 0; i < prior->slots; i++)
	{
		double share = (prior->alpha[i] + events[i]) / total;

		if (share > choice.share)
			choice = (SlotChoice){i, share, 1.0};
	}

	double own = prior->alpha[choice.slot] + events[choice.slot];
	double of_all = prior->alpha[choice.slot] / prior->sum;

	if (total > prior->sum && total > own && beta_upper_tail(own, total - own, of_all) >= level)
		choice.lift = choice.share / of_all;
	return choice;
}
