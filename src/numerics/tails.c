/*
 * tails.c
 *	  Student's t, chi-square, beta and gamma distributions.
 *
 * Both are incomplete gamma and beta functions, by their power series near the
 * origin and their continued fractions beyond it (Abramowitz & Stegun 6.5.29,
 * 6.5.31, 26.5.8), the fractions by the modified Lentz method.
 */
#include "numerics/tails.h"

#include <float.h>
#include <math.h>

#include "numerics/beta_prime.h"
#include "numerics/host.h"
#include "numerics/normal.h"
#include "numerics/root.h"
#include "numerics/special.h"

#define MOST_STEPS 100000

/* From here on the cube root of a gamma variable is normal as exactly as the series is: Wilson and Hilferty, PNAS 17:684 (1931). */
#define MOST_EXACT 1e8

#define TINY 1e-300

double
normal_prob(double z)
{
	return 0.5 * erfc(-z * 0.70710678118654752440);
}

/* The lower incomplete gamma function, regularised, by its power series; x < a + 1. */
static double
gamma_series(double a, double x)
{
	double term = 1.0 / a;
	double sum = term;

	for (int n = 1; n < MOST_STEPS && term > sum * DBL_EPSILON; n++)
	{
		term *= x / (a + n);
		sum += term;
	}
	return sum * exp(a * log(x) - x - lgamma(a));
}

/* The upper one, by its continued fraction; x >= a + 1. */
static double
gamma_fraction(double a, double x)
{
	double b = x + 1.0 - a;
	double c = 1.0 / TINY;
	double d = 1.0 / b;
	double h = d;

	for (int n = 1; n < MOST_STEPS; n++)
	{
		double an = -n * (n - a);
		double factor;

		b += 2.0;
		d = an * d + b;
		c = b + an / c;
		if (fabs(d) < TINY)
			d = TINY;
		if (fabs(c) < TINY)
			c = TINY;
		d = 1.0 / d;
		factor = d * c;
		h *= factor;
		if (fabs(factor - 1.0) < DBL_EPSILON)
			break;
	}
	return h * exp(a * log(x) - x - lgamma(a));
}

double
chi_square_tail(double x, double df)
{
	double a = df / 2.0;
	double half = x / 2.0;

	if (isnan(x) || isnan(df))
		return NAN;
	if (!(half > 0.0))
		return 1.0;
	if (a > MOST_EXACT)
		return normal_prob((1.0 - 1.0 / (9.0 * a) - cbrt(half / a)) * 3.0 * sqrt(a));
	return half < a + 1.0 ? 1.0 - gamma_series(a, half) : gamma_fraction(a, half);
}

/* The continued fraction of the incomplete beta function; x < (a + 1) / (a + b + 2). */
static double
beta_fraction(double a, double b, double x)
{
	double c = 1.0;
	double d = 1.0 - (a + b) * x / (a + 1.0);
	double h;

	d = 1.0 / (fabs(d) < TINY ? TINY : d);
	h = d;
	for (int m = 1; m < MOST_STEPS; m++)
	{
		double even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0));
		double factor;

		d = 1.0 + even * d;
		c = 1.0 + even / c;
		d = 1.0 / (fabs(d) < TINY ? TINY : d);
		c = fabs(c) < TINY ? TINY : c;
		h *= d * c;
		d = 1.0 + odd * d;
		c = 1.0 + odd / c;
		d = 1.0 / (fabs(d) < TINY ? TINY : d);
		c = fabs(c) < TINY ? TINY : c;
		factor = d * c;
		h *= factor;
		if (fabs(factor - 1.0) < DBL_EPSILON)
			break;
	}
	return h;
}

/* P(T > t), t > 0. */
static double
student_tail(double t, double df)
{
	double a = df / 2.0;
	double b = 0.5;
	double x = df / (df + t * t); /* t^2 / df may be tiny or huge: both x and 1 - x are exact */
	double y = t * t / (df + t * t);
	double ln_front = a * log1p(-y) + b * log(y) + sf_lnpoch(a, b) - lgamma(b);

	if (x < y)
		ln_front = a * log(x) + b * log1p(-x) + sf_lnpoch(a, b) - lgamma(b);
	if (x < (a + 1.0) / (a + b + 2.0))
		return 0.5 * exp(ln_front) * beta_fraction(a, b, x) / a;
	return 0.5 - 0.5 * exp(ln_front) * beta_fraction(b, a, y) / b;
}

double
student_two_sided(double t, double df)
{
	if (isnan(t) || !(df > 0.0))
		return NAN;
	if (!(t > 0.0))
		return 1.0;
	return isinf(t * t) ? 0.0 : 2.0 * student_tail(t, df);
}

/* The upper quantile, by bisection of ln t: slow but robust, and needed once per interval. */
double
student_quantile(double p, double df)
{
	double tail = p < 0.5 ? p : 1.0 - p;
	double low = -50.0;
	double high = 700.0;

	/* what is no number would take every step there is */
	if (!(df > 0.0))
		return NAN;
	if (p == 0.5)
		return 0.0;
	/* so close to the normal distribution that one more term of Cornish and Fisher is exact */
	if (df > 1e6)
	{
		double z = normal_quantile(p);

		return z + z * (z * z + 1.0) / (4.0 * df) + z * (5.0 * pow(z, 4) + 16.0 * z * z + 3.0) / (96.0 * df * df);
	}
	for (int i = 0; i < 64; i++)
	{
		double middle = (low + high) / 2.0;

		host_poll();
		/* beyond the largest double's root, t^2 would overflow */
		if (middle < 340.0 && student_tail(exp(middle), df) > tail)
			low = middle;
		else
			high = middle;
	}

	double t = exp((low + high) / 2.0);

	return p < 0.5 ? -t : t;
}

typedef struct BetaTarget
{
	double a;
	double b;
	double ln_beta_ab;
	double p;
} BetaTarget;

static double
beta_target(const void *data, double z, double *slope)
{
	const BetaTarget *target = data;

	host_poll();
	*slope = 0.0;
	return beta_prime_cdf(target->a, target->b, target->ln_beta_ab, z, slope) - target->p;
}

double
beta_quantile(double p, double a, double b)
{
	BetaTarget target = {a, b, ln_beta(a, b), p};
	RisingFunction f = {beta_target, &target};
	double odds = exp(rising_root(&f, INFINITY));

	return isinf(odds) ? 1.0 : odds / (1.0 + odds);
}

typedef struct GammaTarget
{
	double a;
	double ln_gamma_a;
	double p;
} GammaTarget;

static double
gamma_target(const void *data, double z, double *slope)
{
	const GammaTarget *target = data;
	double x = exp(z);

	host_poll();
	*slope = exp(target->a * z - x - target->ln_gamma_a);
	return 1.0 - chi_square_tail(2.0 * x, 2.0 * target->a) - target->p;
}

double
gamma_quantile(double p, double a)
{
	if (a > MOST_EXACT)
		return a * pow(1.0 - 1.0 / (9.0 * a) + normal_quantile(p) / (3.0 * sqrt(a)), 3);

	GammaTarget target = {a, lgamma(a), p};
	RisingFunction f = {gamma_target, &target};

	return exp(rising_root(&f, log(a + 60.0 * sqrt(a) + 60.0)));
}
