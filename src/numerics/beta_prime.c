/*
 * beta_prime.c
 *	  The beta prime distribution: a quotient of two gamma variables.
 *
 * I_u(a, b) is its density's factor u^a (1-u)^b / B(a, b), divided by a, times
 * the continued fraction DLMF 8.17.22, evaluated by Lentz's method. It converges
 * fast for u < (a + 1) / (a + b + 2); beyond that the complement is taken,
 * I_u(a, b) = 1 - I_(1-u)(b, a). The number of steps grows as the square root of
 * the larger of a and b.
 */
#include "numerics/beta_prime.h"

#include <float.h>
#include <math.h>

#include "numerics/special.h"

/* Enough for a + b up to about 1e9. */
#define MAX_STEPS 100000

#define TINY 1e-300

double
ln_beta(double a, double b)
{
	/* of the two, the larger one takes the smaller as its shift */
	return a < b ? lgamma(a) - sf_lnpoch(b, a) : lgamma(b) - sf_lnpoch(a, b);
}

static double
not_zero(double x)
{
	return fabs(x) < TINY ? TINY : x;
}

/* The continued fraction; its value is 1 at u = 0. */
static double
fraction(double a, double b, double u)
{
	double c = 1.0;
	double d = 1.0 / not_zero(1.0 - (a + b) / (a + 1.0) * u);
	double value = d;

	for (int m = 1; m < MAX_STEPS; m++)
	{
		double even = m * (b - m) / ((a + 2 * m - 1.0) * (a + 2 * m)) * u;
		double odd = -(a + m) / (a + 2 * m) * ((a + b + m) / (a + 2 * m + 1.0)) * u;
		double step;

		d = 1.0 / not_zero(1.0 + even * d);
		c = not_zero(1.0 + even / c);
		value *= d * c;
		d = 1.0 / not_zero(1.0 + odd * d);
		c = not_zero(1.0 + odd / c);
		step = d * c;
		value *= step;
		if (fabs(step - 1.0) <= DBL_EPSILON)
			break;
	}
	return value;
}

double
beta_prime_cdf(double a, double b, double ln_beta_ab, double z, double *slope)
{
	double odds = exp(-fabs(z)); /* of the smaller of u and 1 - u */
	double smaller = odds / (1.0 + odds);
	double larger = 1.0 / (1.0 + odds);
	double u = z < 0.0 ? smaller : larger;
	double ln_u = (z < 0.0 ? z : 0.0) - log1p(odds);
	double ln_rest = (z < 0.0 ? 0.0 : -z) - log1p(odds);
	double density = exp(a * ln_u + b * ln_rest - ln_beta_ab);

	*slope += density;
	if (u < (a + 1.0) / (a + b + 2.0))
		return density / a * fraction(a, b, u);
	return 1.0 - density / b * fraction(b, a, z < 0.0 ? larger : smaller);
}
