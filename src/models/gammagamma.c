/*
 * gammagamma.c
 *	  The gamma-gamma model: what a customer spends per purchase.
 *
 * Fader & Hardie, "The Gamma-Gamma Model of Monetary Value" (note 025, 2013).
 * With S = m x the total of x purchases and u = S / gamma, the density of the
 * mean m is, in logarithms,
 *
 *		lpoch(p x, q) - lnGamma(q) - q log1p(u) - p x log1p(1/u) - ln m.
 *
 * The gamma functions depend on x alone and are taken once per x.
 */
#include "models/gammagamma.h"

#include <math.h>

#include "numerics/special.h"
#include "numerics/sum.h"

enum
{
	P,
	Q,
	GAMMA
};

/* A bin narrower than this, relative to its distance from the centre, is a point. */
#define POINT_VARIANCE 1e-9

/* Weighted sums over the points of one x. */
typedef enum ClassSum
{
	SUM_CUSTOMERS,
	SUM_LN_M,					/* ln m */
	SUM_LN1P_U,					/* log1p(u) */
	SUM_LN1P_INVERSE,			/* log1p(1/u) */
	SUM_V,						/* 1 / (gamma + S) */
	SUM_V2,						/* 1 / (gamma + S)^2 */
	SUM_SV,						/* S / (gamma + S) */
	N_CLASS_SUMS
} ClassSum;

typedef struct Totals
{
	Sum			value;
	Sum			gradient[GAMMAGAMMA_PARAMS];
	Sum			hessian[GAMMAGAMMA_PARAMS][GAMMAGAMMA_PARAMS];	/* upper triangle */
} Totals;

static void
add_point(Sum *sums, const SpendPoint *point, double gamma)
{
	double		w = point->customers;
	double		u = point->total / gamma;
	double		ln_u = log(u);
	double		v = 1.0 / (gamma + point->total);
	double		ln1p_u;
	double		ln1p_inverse;

	/* of the two logarithms the smaller is exact, the other a sum without cancellation */
	if (u > 1.0)
	{
		ln1p_inverse = log1p(1.0 / u);
		ln1p_u = ln1p_inverse + ln_u;
	}
	else
	{
		ln1p_u = log1p(u);
		ln1p_inverse = ln1p_u - ln_u;
	}

	sum_add(&sums[SUM_CUSTOMERS], w);
	sum_add(&sums[SUM_LN_M], w * log(point->total / point->x));
	sum_add(&sums[SUM_LN1P_U], w * ln1p_u);
	sum_add(&sums[SUM_LN1P_INVERSE], w * ln1p_inverse);
	sum_add(&sums[SUM_V], w * v);
	sum_add(&sums[SUM_V2], w * v * v);
	sum_add(&sums[SUM_SV], w * point->total * v);
}

/* Turn the sums of all points with one x into their likelihood and derivatives. */
static void
add_class(Totals *totals, const double *params, double x, const Sum *sums)
{
	double		s[N_CLASS_SUMS];
	double		q = params[Q];
	double		gamma = params[GAMMA];
	double		px = params[P] * x;
	double		w;

	for (int i = 0; i < N_CLASS_SUMS; i++)
		s[i] = sum_value(&sums[i]);
	w = s[SUM_CUSTOMERS];

	sum_add(&totals->value, w * (sf_lpoch(px, q) - lgamma(q)));
	sum_add(&totals->value, -q * s[SUM_LN1P_U]);
	sum_add(&totals->value, -px * s[SUM_LN1P_INVERSE]);
	sum_add(&totals->value, -s[SUM_LN_M]);

	sum_add(&totals->gradient[P], x * (w * sf_dpoch(px, q) - s[SUM_LN1P_INVERSE]));
	sum_add(&totals->gradient[Q], w * sf_dpoch(q, px) - s[SUM_LN1P_U]);
	sum_add(&totals->gradient[GAMMA], q * s[SUM_SV] / gamma - px * s[SUM_V]);

	sum_add(&totals->hessian[P][P], w * x * x * sf_tpoch(px, q));
	sum_add(&totals->hessian[P][Q], w * x * sf_trigamma(px + q));
	sum_add(&totals->hessian[P][GAMMA], -x * s[SUM_V]);
	sum_add(&totals->hessian[Q][Q], w * sf_tpoch(q, px));
	sum_add(&totals->hessian[Q][GAMMA], s[SUM_SV] / gamma);
	sum_add(&totals->hessian[GAMMA][GAMMA], (px + q) * s[SUM_V2] - w * q / (gamma * gamma));
}

double
gammagamma_log_likelihood(const SpendPoint *points, size_t n_points,
						  const double *params, double *gradient, double *hessian)
{
	Totals		totals = {0};

	for (size_t i = 0; i < n_points;)
	{
		uint32_t	x = points[i].x;
		Sum			sums[N_CLASS_SUMS] = {{0}};

		for (; i < n_points && points[i].x == x; i++)
			add_point(sums, &points[i], params[GAMMA]);
		add_class(&totals, params, x, sums);
	}

	for (int i = 0; i < GAMMAGAMMA_PARAMS && gradient != NULL; i++)
		gradient[i] = sum_value(&totals.gradient[i]);
	for (int i = 0; i < GAMMAGAMMA_PARAMS && hessian != NULL; i++)
		for (int k = i; k < GAMMAGAMMA_PARAMS; k++)
			hessian[i * GAMMAGAMMA_PARAMS + k] = hessian[k * GAMMAGAMMA_PARAMS + i] =
				sum_value(&totals.hessian[i][k]);
	return sum_value(&totals.value);
}

double
gammagamma_expected_spend(const double *params, double x, double mean_spend)
{
	double		total = x > 0 ? mean_spend * x : 0.0;
	double		shape = params[P] * x + params[Q];

	if (!(shape > 1.0))
		return NAN;
	return params[P] * (params[GAMMA] + total) / (shape - 1.0);
}

int
spend_bin_points(uint32_t x, double centre, double n,
				 double s1, double s2, double s3, SpendPoint points[2])
{
	double		mean = s1 / n;
	double		square = s2 / n;
	double		variance = square - mean * mean;
	double		third;
	double		middle;
	double		reach;
	double		below;
	double		above;

	points[0] = (SpendPoint) {.x = x, .total = centre * (1.0 + mean), .customers = n};
	if (n <= 1.0 || !(variance > POINT_VARIANCE * square))
		return 1;

	/*
	 * Around the mean the nodes are the roots of y^2 - (third / variance) y -
	 * variance: orthogonal to 1 and y.
	 */
	third = s3 / n - 3.0 * mean * square + 2.0 * mean * mean * mean;
	middle = 0.5 * third / variance;
	reach = sqrt(middle * middle + variance);
	/* of the two roots, take the one without cancellation; their product is -variance */
	above = middle > 0.0 ? middle + reach : variance / (reach - middle);
	below = -variance / above;

	/* rounding of the moments must not send a node below all spend */
	if (!(1.0 + mean + below > 0.0))
		return 1;
	points[0].total = centre * (1.0 + mean + below);
	points[0].customers = n * above / (above - below);
	points[1] = (SpendPoint) {
		.x = x,
		.total = centre * (1.0 + mean + above),
		.customers = n * -below / (above - below)
	};
	return 2;
}
