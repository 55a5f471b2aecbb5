/*
 * normal.c
 *	  Quantiles of the normal distribution.
 *
 * libm has the distribution function as erfc; its inverse is found by Halley's
 * method, which triples the correct digits with each step, from a starting
 * value good to three digits (Abramowitz & Stegun 26.2.23). The lower tail is
 * inverted, where erfc does not cancel.
 */
#include <math.h>

#include "numerics/normal.h"

static double
rough_lower_quantile(double p)
{
	double t = sqrt(-2 * log(p));

	return -(t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
}

double
normal_quantile(double p)
{
	if (p > 0.5)
		return -normal_quantile(1 - p);

	double z = rough_lower_quantile(p);

	/* Steps are taken on ln P(Z <= z), which is nearly quadratic in the tail. */
	for (int step = 0; step < 3; step++)
	{
		double below = 0.5 * erfc(-z * M_SQRT1_2);
		double density = exp(-0.5 * z * z) * 0.5 * M_2_SQRTPI * M_SQRT1_2;
		double slope = density / below;
		double error = log(below / p) / slope;

		z -= error / (1 + 0.5 * error * (z + slope));
	}
	return z;
}
