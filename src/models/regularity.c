/*
 * regularity.c
 *	  How regularly customers buy: the shape k of the times between purchases.
 */
#include "models/regularity.h"

#include <math.h>

#include "numerics/root.h"
#include "numerics/special.h"

typedef struct Score
{
	const RegularityClass *classes;
	size_t		n_classes;
	double		share;
} Score;

/* Minus the derivative of the log-likelihood by k, at k = e^z, and its slope in z. */
static double
falling_score(const void *data, double z, double *slope)
{
	const Score *score = data;
	double		k = exp(z);
	double		value = -score->share;

	*slope = 0.0;
	for (size_t i = 0; i < score->n_classes; i++)
	{
		double		x = score->classes[i].x;
		double		customers = score->classes[i].customers;

		if (x < 2.0)
			continue;
		/* psi(kx) - psi(k), and trigamma likewise */
		value -= customers * x * sf_dpoch(k, k * (x - 1.0));
		*slope += customers * k * x * (sf_trigamma(k) - x * sf_trigamma(k * x));
	}
	return value;
}

/* Beyond this times are equal but for rounding. */
#define LARGEST_LN_K 16.0

Regularity
regularity_estimate(const RegularityClass *classes, size_t n_classes, double share)
{
	Regularity	result = {.k = NAN, .std_error = NAN};
	Score		score = {classes, n_classes, share};
	RisingFunction f = {falling_score, &score};
	double		slope;
	double		z;

	for (size_t i = 0; i < n_classes; i++)
		if (classes[i].x >= 2.0)
			result.customers += classes[i].customers;
	if (!(result.customers > 0.0) || isnan(share))
		return result;

	z = rising_root(&f, LARGEST_LN_K);
	if (z >= LARGEST_LN_K)
	{
		result.k = INFINITY;
		return result;
	}
	falling_score(&score, z, &slope);
	result.k = exp(z);
	/* the slope in z is k times the information about k */
	result.std_error = sqrt(result.k / slope);
	return result;
}
