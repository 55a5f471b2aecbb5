/*
 * beta_survival_sum.c
 *	  Expected length of a run of failures in beta-binomial trials.
 *
 * The terms of the sum are all positive and decreasing, each in ratio to the
 * one before by
 *
 *		e^(-delta) prod over trials of (b + k) / (a + b + k),
 *
 * at first perhaps steeply, then ever more slowly: in the end like a power of
 * k, unless there is a discount. So the sum is taken term by term until the
 * remainder is negligible, or until the terms change so little that the rest
 * is an integral with small corrections. The integrand is the same term for k
 * that is not whole.
 *
 * With the number of ways to place `heads` successes of another kind among k
 * trials as a factor, the terms may rise at first, by (heads + 1 + k) / (1 +
 * k) each, to a peak.
 */
#include "numerics/beta_survival_sum.h"

#include <math.h>
#include <stdbool.h>

#include "numerics/host.h"
#include "numerics/quadrature.h"
#include "numerics/special.h"

/* Up to this limit the plain sum is the cheapest way. */
#define SHORT_LIMIT 1024.0

/* Terms that fall by less than this, this far from the zero of b + k, are smooth. */
#define SMOOTH_RATIO 0.98
#define SMOOTH_FROM 128.0

/* That ratio must not change by more from one term to the next: where there is a peak, it is wide. */
#define SMOOTH_BEND ((1.0 - SMOOTH_RATIO) * (1.0 - SMOOTH_RATIO))

/* Sums are scaled down by this before they overflow. */
#define LARGE 0x1p900
#define LN_LARGE (900.0 * M_LN2)

/* After a term this small the remainder is negligible. */
#define VANISHED 1e-30

/* A remainder below this share of an integral is neglected. */
#define INTEGRAL_REST 1e-17

/* Where the terms are a power of k to the last digit. */
#define POWER_FROM 1e20

/* No integral goes further. */
#define FURTHEST 1e300

/* The remaining trials, with the distributions updated by the failures so far. */
typedef struct Tosses
{
	BetaSurvival factors[2];
	int n_factors;
	double delta;
	double heads; /* to be placed among the trials; 0: there are none */
	double made;  /* trials so far */
} Tosses;

/* The trials after s more. */
static Tosses
tosses_after(const Tosses *tosses, double s)
{
	Tosses later = *tosses;

	for (int i = 0; i < later.n_factors; i++)
		later.factors[i].b += s;
	later.made += s;
	return later;
}

/* The smallest b; the placement factor counts as one more, at the number of trials made plus one. */
static double
smallest_b(const Tosses *tosses)
{
	double b = tosses->heads > 0.0 ? tosses->made + 1.0 : INFINITY;

	for (int i = 0; i < tosses->n_factors; i++)
		b = fmin(b, tosses->factors[i].b);
	return b;
}

/* The term s trials on, if the next one is 1. */
static double
term_after(const Tosses *tosses, double s)
{
	double ln = -tosses->delta * s;

	for (int i = 0; i < tosses->n_factors; i++)
		ln += sf_lbeta_shift(tosses->factors[i].a, tosses->factors[i].b, s);
	if (tosses->heads > 0.0)
		ln -= sf_lbeta_shift(tosses->heads, tosses->made + 1.0, s);
	return exp(ln);
}

/* The negative slope of its logarithm there. */
static double
fall_after(const Tosses *tosses, double s)
{
	double fall = tosses->delta;

	for (int i = 0; i < tosses->n_factors; i++)
		fall += sf_dpoch(tosses->factors[i].b + s, tosses->factors[i].a);
	if (tosses->heads > 0.0)
		fall -= sf_dpoch(tosses->made + 1.0 + s, tosses->heads);
	return fall;
}

/* Its curvature there, in the unit of 1 / s: about the inverse width of a peak. */
static double
bend_after(const Tosses *tosses, double s)
{
	double bend = 0.0;

	if (tosses->heads == 0.0)
		return 0.0; /* only falls, ever more slowly */
	for (int i = 0; i < tosses->n_factors; i++)
		bend -= sf_tpoch(tosses->factors[i].b + s, tosses->factors[i].a);
	return sqrt(fabs(bend + sf_tpoch(tosses->made + 1.0 + s, tosses->heads)));
}

/*
 * The difference of a sum of smooth terms to infinity and their integral:
 * Gregory's corrections, from the first forward differences (what Euler and
 * Maclaurin's are from derivatives).
 */
static double
gregory_correction(const Tosses *tosses)
{
	static const double corrections[] = {
		1.0 / 2, -1.0 / 12, 1.0 / 24, -19.0 / 720, 3.0 / 160, -863.0 / 60480, 275.0 / 24192,
	};
	enum
	{
		BETA_SUM_TERMS = sizeof(corrections) / sizeof(corrections[0]),
	};
	double difference[BETA_SUM_TERMS];
	double sum = 0.0;

	for (int k = 0; k < BETA_SUM_TERMS; k++)
		difference[k] = term_after(tosses, k);
	for (int order = 0; order < BETA_SUM_TERMS; order++)
	{
		sum += corrections[order] * difference[0];
		for (int k = 0; k < BETA_SUM_TERMS - 1 - order; k++)
			difference[k] = difference[k + 1] - difference[k];
	}
	return sum;
}

/*
 * The integral of the terms over s from 0 to limit, if the one at 0 is 1. The
 * variable is w = ln(1 + s / b), in which the poles, at negative b + s, are
 * pi away from the real axis.
 */
static double
smooth_integral(const Tosses *tosses, double limit)
{
	double b = smallest_b(tosses);
	double end = log1p(fmin(limit, FURTHEST) / b);
	double excess = -1.0 - tosses->heads; /* of the final power over that of 1 / s */
	double sum = 0.0;
	Panel panel = panel_start(0.0);

	for (int i = 0; i < tosses->n_factors; i++)
		excess += tosses->factors[i].a;
	for (;;)
	{
		double s = b * expm1(panel.end);
		double value = term_after(tosses, s);
		double rest = INFINITY;

		if (excess > 0.0)
			rest = value * (b + s) / excess;
		if (tosses->delta == 0.0 && isinf(limit) && b + s > POWER_FROM)
			return sum + rest;
		if (tosses->delta > 0.0)
			rest = fmin(rest, value / tosses->delta);
		if (!(rest > INTEGRAL_REST * sum))
			return sum;
		/* a panel is at most four widths of a peak wide */
		if (!panel_next(&panel, end, 1.0, (b + s) * (fabs(fall_after(tosses, s)) + 3.0 * bend_after(tosses, s)) + 1.0))
			return isinf(limit) ? INFINITY : sum;
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double w = panel_node(&panel, i);

			sum += panel_weight(&panel, i) * b * exp(w) * term_after(tosses, b * expm1(w));
		}
	}
}

/* The sum of smooth terms, the first of which is 1. */
static double
smooth_sum(const Tosses *tosses, double limit)
{
	double sum = smooth_integral(tosses, limit) + gregory_correction(tosses);

	if (isfinite(limit))
	{
		Tosses end = tosses_after(tosses, limit);

		sum -= term_after(tosses, limit) * gregory_correction(&end);
	}
	return sum;
}

/* Whether the terms from here on are smooth, by the ratio to the next one and that before it. */
static bool
is_smooth(const Tosses *tosses, double ratio, double ratio_before)
{
	if (smallest_b(tosses) < SMOOTH_FROM)
		return false;
	if (tosses->heads == 0.0)
		return ratio >= SMOOTH_RATIO;
	return fabs(ratio - 1.0) <= 1.0 - SMOOTH_RATIO && fabs(ratio - ratio_before) <= SMOOTH_BEND;
}

/* The sum of all terms, over e^ln_scale. */
static double
sum_terms(const Tosses *tosses, double limit, double *ln_scale)
{
	double discount = exp(-tosses->delta);
	double term = 1.0;
	double sum = 0.0;
	double before = INFINITY;
	size_t steps = 0;

	*ln_scale = 0.0;
	for (double k = 0.0; k < limit && term > VANISHED * sum; k++)
	{
		double ratio = discount * ((tosses->heads + 1.0 + k) / (1.0 + k));

		host_poll_at(steps++);
		for (int i = 0; i < tosses->n_factors; i++)
			ratio *= (tosses->factors[i].b + k) / (tosses->factors[i].a + tosses->factors[i].b + k);
		if (limit > SHORT_LIMIT && limit - k > SMOOTH_FROM && fabs(ratio - 1.0) <= 1.0 - SMOOTH_RATIO)
		{
			Tosses rest = tosses_after(tosses, k);

			if (is_smooth(&rest, ratio, before))
				return sum + term * smooth_sum(&rest, limit - k);
		}
		sum += term;
		term *= ratio;
		before = ratio;
		if (term > LARGE)
		{
			sum /= LARGE;
			term /= LARGE;
			*ln_scale += LN_LARGE;
		}
	}
	return sum;
}

static Tosses
tosses_of(const BetaSurvival *factors, int n_factors)
{
	Tosses tosses = {.n_factors = n_factors};

	for (int i = 0; i < n_factors; i++)
		tosses.factors[i] = factors[i];
	return tosses;
}

double
beta_survival_sum(const BetaSurvival *factors, int n_factors, double delta, double limit)
{
	Tosses tosses = tosses_of(factors, n_factors);
	double ln_scale;

	tosses.delta = delta;
	return sum_terms(&tosses, limit, &ln_scale); /* terms that fall need no scale */
}

double
coin_ln_ways(const BetaSurvival *factors, int n_factors, double heads, double limit)
{
	Tosses tosses = tosses_of(factors, n_factors);
	double ln_scale;
	double sum;

	tosses.heads = heads;
	sum = sum_terms(&tosses, limit, &ln_scale);
	return ln_scale + log(sum);
}
