/*
 * special.c
 *	  Special functions of the customer models, in forms that do not cancel.
 *
 * Two methods are used throughout. For whole shifts up to SHORT_SHIFT a ratio
 * of gammas is a short product, computed as such. For anything else the
 * argument is first raised by the recurrence Gamma(z+1) = z Gamma(z), and the
 * ratio is then taken between two Stirling series, leading terms combined by
 * log1p. The series are those of Abramowitz & Stegun, 6.1.41, 6.3.18 and
 * 6.4.12; beyond the shift the first omitted term is below 1e-18.
 */
#include "numerics/special.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "numerics/host.h"
#include "numerics/quadrature.h"

/* Up to this shift a plain product is both fastest and most exact. */
#define SHORT_SHIFT 128.0

/* Beyond these the asymptotic series are exact to a double. */
#define STIRLING_FROM 30.0
#define DIGAMMA_FROM 12.0

/* A remainder below this does not change a sum. */
#define NEGLIGIBLE 1e-17

/* The maximum length of a continued fraction. */
#define MAX_FRACTION 1e5

/* Products are turned into logarithms before they leave this range. */
#define PRODUCT_MAX 1e280
#define PRODUCT_MIN 1e-280

static bool
is_short(double shift)
{
	return shift <= SHORT_SHIFT && shift == floor(shift);
}

/*
 * The remainder of a function of z after its leading terms, as a polynomial in
 * 1 / z: its coefficients, beginning with that of z^0, which is 0.
 */
#define MAX_REST_TERMS 12

typedef struct Rest
{
	int n_terms;
	double term[MAX_REST_TERMS];
} Rest;

/* ln Gamma(z) - [(z - 1/2) ln z - z + ln(2 pi) / 2], for z >= STIRLING_FROM. */
static const Rest stirling_rest = {8, {0.0, 1.0 / 12, 0.0, -1.0 / 360, 0.0, 1.0 / 1260, 0.0, -1.0 / 1680}};

/* ln z - 1/(2z) - psi(z), for z >= DIGAMMA_FROM. */
static const Rest digamma_rest = {11,
								  {0.0, 0.0, 1.0 / 12, 0.0, -1.0 / 120, 0.0, 1.0 / 252, 0.0, -1.0 / 240, 0.0,
								   1.0 / 132}};

/* psi'(z) - 1/z - 1/(2z^2), for z >= DIGAMMA_FROM. */
static const Rest trigamma_rest = {12,
								   {0.0, 0.0, 0.0, 1.0 / 6, 0.0, -1.0 / 30, 0.0, 1.0 / 42, 0.0, -1.0 / 30, 0.0,
									5.0 / 66}};

/* The remainder at z. */
static double
rest_at(const Rest *rest, double z)
{
	double i = 1.0 / z;
	double sum = 0.0;

	for (int k = rest->n_terms - 1; k >= 0; k--)
		sum = sum * i + rest->term[k];
	return sum;
}

/*
 * The remainder at z + x less that at z: the polynomial's divided difference,
 * by Horner's scheme, times the difference of 1 / z, without cancellation
 * where x is small.
 */
static double
rest_step(const Rest *rest, double z, double x)
{
	double i = 1.0 / z;
	double j = 1.0 / (z + x);
	double sum = 0.0;
	double slope = 0.0;

	for (int k = rest->n_terms - 1; k >= 0; k--)
	{
		slope = slope * j + sum;
		sum = sum * i + rest->term[k];
	}
	return slope * (-x * i * j);
}

double
sf_lnpoch(double r, double x)
{
	double sum = 0.0;

	if (is_short(x))
	{
		double product = 1.0;

		for (int i = 0; i < (int) x; i++)
		{
			product *= r + i;
			if (product > PRODUCT_MAX || product < PRODUCT_MIN)
			{
				sum += log(product);
				product = 1.0;
			}
		}
		return sum + log(product);
	}

	for (; r < STIRLING_FROM; r += 1.0)
		sum -= log1p(x / r);
	return sum + (r - 0.5) * log1p(x / r) + x * log(r + x) - x + rest_step(&stirling_rest, r, x);
}

double
sf_dpoch(double r, double x)
{
	double sum = 0.0;

	if (is_short(x))
	{
		for (int i = 0; i < (int) x; i++)
			sum += 1.0 / (r + i);
		return sum;
	}

	for (; r < DIGAMMA_FROM; r += 1.0)
		sum += x / (r * (r + x));
	return sum + log1p(x / r) + 0.5 * x / (r * (r + x)) - rest_step(&digamma_rest, r, x);
}

double
sf_tpoch(double r, double x)
{
	double sum = 0.0;
	double step;

	if (is_short(x))
	{
		for (int i = 0; i < (int) x; i++)
			sum -= 1.0 / ((r + i) * (r + i));
		return sum;
	}

	/* 1/(r+x)^2 - 1/r^2 = -step (1/r + 1/(r+x)), step = 1/r - 1/(r+x) */
	for (; r < DIGAMMA_FROM; r += 1.0)
	{
		step = x / (r * (r + x));
		sum -= step * (1.0 / r + 1.0 / (r + x));
	}
	step = x / (r * (r + x));
	return sum - step - 0.5 * step * (1.0 / r + 1.0 / (r + x)) + rest_step(&trigamma_rest, r, x);
}

double
sf_trigamma(double x)
{
	double sum = 0.0;

	for (; x < DIGAMMA_FROM; x += 1.0)
		sum += 1.0 / (x * x);
	return sum + 1.0 / x + 0.5 / (x * x) + rest_at(&trigamma_rest, x);
}

double
sf_lbeta_shift(double a, double b, double h)
{
	double sum = 0.0;

	if (is_short(h))
	{
		for (int i = 0; i < (int) h; i++)
			sum -= log1p(a / (b + i));
		return sum;
	}

	/* it is symmetric in a and h, and the error is relative to the first */
	if (h < a)
		return sf_lbeta_shift(h, b, a);

	/* log1p(a/b) - log1p(a/(b+h)), as one logarithm */
	for (; b < STIRLING_FROM; b += 1.0)
		sum -= log1p(a / b * (h / (a + b + h)));
	/* every term is of the order of a h / b, where both are small */
	return sum - a * log1p(h / (a + b)) - h * log1p(a / (b + h)) + (b - 0.5) * log1p(a / b * (h / (a + b + h))) +
		rest_step(&stirling_rest, b, a) - rest_step(&stirling_rest, b + h, a);
}

double
sf_lnchoose(double n, double x)
{
	/* as a ratio of beta functions, whose first argument is never negative */
	return n < 1.0 ? sf_lbeta_shift(1.0 - n, n, x) : -sf_lbeta_shift(n - 1.0, 1.0, x);
}

double
sf_ln_negative_binomial(double n, double tau, double x)
{
	return sf_lnchoose(n, x) - n * log1p(tau) - (x > 0.0 ? x * log1p(1.0 / tau) : 0.0);
}

/* 1 less the probabilities below x, from x downwards; `exactly` is that of x. */
static double
less_from_above(double n, double z, double x, double exactly)
{
	double pi = exactly;
	double less = 0.0;

	for (double j = x; j > 0.0 && pi * j > NEGLIGIBLE; j--)
	{
		host_poll_at((size_t) j);
		pi *= j / (z * (n + j - 1.0));
		less += pi;
	}
	return 1.0 - less;
}

/* The same from 0 upwards, the first of them already subtracted. */
static double
less_from_below(double n, double tau, double x)
{
	double z = tau / (1.0 + tau);
	double pi = exp(-n * log1p(tau));
	double tail = -expm1(-n * log1p(tau));

	for (double j = 1.0; j < x; j++)
	{
		host_poll_at((size_t) j);
		pi *= z * (n + (j - 1.0)) / j;
		tail -= pi;
	}
	return tail;
}

double
sf_negative_binomial_tail(double n, double tau, double x)
{
	double z = tau / (1.0 + tau);
	double exactly;

	/*
	 * With n < 1 most of the probability below x is at 0; where tau is large,
	 * the rest is spread so widely that only a small part of it lies below x.
	 */
	if (n < 1.0 && tau > 4.0 * x)
		return less_from_below(n, tau, x);
	exactly = exp(sf_ln_negative_binomial(n, tau, x));
	if (n < 1.0 || x > n * tau)
		return exactly * sf_hypergeometric1(n + x, x + 1.0, z);
	return less_from_above(n, z, x, exactly);
}

double
sf_decayed_time(double q, double t)
{
	return q == 0.0 ? t : -expm1(-q * t) / q;
}

/*
 * Gauss's continued fraction (Abramowitz & Stegun 26.5.8 is a case of it), whose
 * coefficients are all positive here:
 *
 *		1/F = 1 - e_1 z / (1 - e_2 z / (1 - ...)),
 *		e_(2j+1) = (b+j) (c-1+j) / ((c+2j-1) (c+2j)),
 *		e_(2j) = j (c-b+j-1) / ((c+2j-2) (c+2j-1)),
 *
 * by the modified algorithm of Lentz (Thompson & Barnett, J. Comput. Phys. 64,
 * 1986).
 */
double
sf_hypergeometric1(double b, double c, double z)
{
	double value = 1.0;
	double C = 1.0;
	double D = 0.0;
	double step = 0.0;
	double last;
	double j = 0.0;
	bool odd = true;

	do
	{
		host_poll_at((size_t) j);
		last = step;

		/* the first is b / c, also at c = 1 */
		double e = j == 0.0 ? b / c
			: odd           ? (b + j) * (c - 1.0 + j) / ((c + 2.0 * j - 1.0) * (c + 2.0 * j))
							: j * (c - b + j - 1.0) / ((c + 2.0 * j - 2.0) * (c + 2.0 * j - 1.0));

		D = 1.0 / (1.0 - e * z * D);
		C = 1.0 - e * z / C;
		step = C * D;
		value *= step;
		if (odd)
			j++;
		odd = !odd;
		/* rounding may leave it at a number next to 1 for ever, and add up */
	} while (fabs(step - 1.0) > 0.5 * DBL_EPSILON && !(step == last && fabs(step - 1.0) <= 4.0 * DBL_EPSILON) &&
			 j < MAX_FRACTION);
	return 1.0 / value;
}

double
sf_scaled_expint(double nu, double k, double upper)
{
	/* the integrand falls below e^-60 by its first factor, or by its second */
	double end = fmin(upper, fmin(log1p(60.0 / k), 60.0 / fmax(nu - 1.0, 1e-300)));
	double sum = 0.0;

	for (Panel panel = panel_start(0.0); panel_next(&panel, end, 1.0, k * exp(panel.end) + fabs(nu - 1.0));)
	{
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double u = panel_node(&panel, i);

			sum += panel_weight(&panel, i) * exp(-k * expm1(u) + (1.0 - nu) * u);
		}
	}
	return sum;
}
