/*
 * coin.c
 *	  How long coins of unknown bias show nothing but tails.
 *
 * The terms of the sum are all positive and fall, each to the one before by
 *
 *		e^(-delta) prod over coins of (b + k) / (a + b + k),
 *
 * at first perhaps steeply, then ever more slowly: in the end like a power of k,
 * unless there is a discount.  So the sum is taken term by term until nothing is
 * left, or until the terms change so little that the rest is an integral with
 * small corrections.  The integrand is the same term for k that is not whole.
 */
#include "numerics/coin.h"

#include <math.h>
#include <stdbool.h>

#include "numerics/quadrature.h"
#include "numerics/special.h"

/* Up to this limit the plain sum is the cheapest way. */
#define SHORT_LIMIT 1024.0

/* Terms that fall less than this, so far from where b + k is zero, are smooth. */
#define SMOOTH_RATIO 0.98
#define SMOOTH_FROM 128.0

/* A term that has fallen so deep leaves no rest worth having. */
#define VANISHED 1e-30

/* What is left of an integral beyond this share is nothing. */
#define INTEGRAL_REST 1e-17

/* Where the terms are a power of k to the last digit. */
#define POWER_FROM 1e20

/* No integral goes further. */
#define FURTHEST 1e300

/* What is still to be tossed: the coins, as tails so far have changed them. */
typedef struct Tosses
{
	Coin		coins[2];
	int			n_coins;
	double		delta;
} Tosses;

/* The coins after s tosses more. */
static Tosses
tosses_after(const Tosses *tosses, double s)
{
	Tosses		later = *tosses;

	for (int i = 0; i < later.n_coins; i++)
		later.coins[i].b += s;
	return later;
}

/* The smallest b. */
static double
smallest_b(const Tosses *tosses)
{
	double		b = INFINITY;

	for (int i = 0; i < tosses->n_coins; i++)
		b = fmin(b, tosses->coins[i].b);
	return b;
}

/* The term s tosses on, if the next one is 1. */
static double
term_after(const Tosses *tosses, double s)
{
	double		ln = -tosses->delta * s;

	for (int i = 0; i < tosses->n_coins; i++)
		ln += sf_lbeta_shift(tosses->coins[i].a, tosses->coins[i].b, s);
	return exp(ln);
}

/* How steeply its logarithm falls there. */
static double
fall_after(const Tosses *tosses, double s)
{
	double		fall = tosses->delta;

	for (int i = 0; i < tosses->n_coins; i++)
		fall += sf_dpoch(tosses->coins[i].b + s, tosses->coins[i].a);
	return fall;
}

/*
 * What a sum of smooth terms to infinity is more than their integral: Gregory's
 * corrections, from the first forward differences (what Euler and Maclaurin's are
 * from derivatives).
 */
static double
gregory_correction(const Tosses *tosses)
{
	static const double corrections[] = {
		1.0 / 2, -1.0 / 12, 1.0 / 24, -19.0 / 720, 3.0 / 160, -863.0 / 60480, 275.0 / 24192
	};
	enum
	{
		N = sizeof(corrections) / sizeof(corrections[0])
	};
	double		difference[N];
	double		sum = 0.0;

	for (int k = 0; k < N; k++)
		difference[k] = term_after(tosses, k);
	for (int order = 0; order < N; order++)
	{
		sum += corrections[order] * difference[0];
		for (int k = 0; k < N - 1 - order; k++)
			difference[k] = difference[k + 1] - difference[k];
	}
	return sum;
}

/*
 * The integral of the terms over s from 0 to limit, if the one at 0 is 1.  The
 * variable is w = ln(1 + s / b), in which the poles, at negative b + s, are
 * pi away from the real axis.
 */
static double
smooth_integral(const Tosses *tosses, double limit)
{
	double		b = smallest_b(tosses);
	double		end = log1p(fmin(limit, FURTHEST) / b);
	double		excess = -1.0;	/* of the final power over that of 1 / s */
	double		sum = 0.0;
	Panel		panel = panel_start(0.0);

	for (int i = 0; i < tosses->n_coins; i++)
		excess += tosses->coins[i].a;
	for (;;)
	{
		double		s = b * expm1(panel.end);
		double		value = term_after(tosses, s);
		double		rest = INFINITY;

		if (excess > 0.0)
			rest = value * (b + s) / excess;
		if (tosses->delta == 0.0 && isinf(limit) && b + s > POWER_FROM)
			return sum + rest;
		if (tosses->delta > 0.0)
			rest = fmin(rest, value / tosses->delta);
		if (!(rest > INTEGRAL_REST * sum))
			return sum;
		if (!panel_next(&panel, end, 1.0, (b + s) * fall_after(tosses, s) + 1.0))
			return isinf(limit) ? INFINITY : sum;
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double		w = panel_node(&panel, i);

			sum += panel_weight(&panel, i) * b * exp(w) * term_after(tosses, b * expm1(w));
		}
	}
}

/* The sum of smooth terms, the first of which is 1. */
static double
smooth_sum(const Tosses *tosses, double limit)
{
	double		sum = smooth_integral(tosses, limit) + gregory_correction(tosses);

	if (isfinite(limit))
	{
		Tosses		end = tosses_after(tosses, limit);

		sum -= term_after(tosses, limit) * gregory_correction(&end);
	}
	return sum;
}

double
coin_tosses(const Coin *coins, int n_coins, double delta, double limit)
{
	Tosses		tosses = {.n_coins = n_coins, .delta = delta};
	double		discount = exp(-delta);
	double		term = 1.0;
	double		sum = 0.0;

	for (int i = 0; i < n_coins; i++)
		tosses.coins[i] = coins[i];
	for (double k = 0.0; k < limit && term > VANISHED * sum; k++)
	{
		double		ratio = discount;

		for (int i = 0; i < n_coins; i++)
			ratio *= (coins[i].b + k) / (coins[i].a + coins[i].b + k);
		if (ratio >= SMOOTH_RATIO && limit > SHORT_LIMIT && limit - k > SMOOTH_FROM &&
			smallest_b(&tosses) + k >= SMOOTH_FROM)
		{
			Tosses		rest = tosses_after(&tosses, k);

			return sum + term * smooth_sum(&rest, limit - k);
		}
		sum += term;
		term *= ratio;
	}
	return sum;
}
