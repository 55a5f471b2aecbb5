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
#include "models/spend/gammagamma.h"

#include <math.h>

#include "numerics/beta_prime.h"
#include "numerics/host.h"
#include "numerics/special.h"
#include "numerics/sum.h"

/* Weighted sums over the points of one x. */
typedef enum SpendClassSum
{
	GG_SUM_CUSTOMERS,
	GG_SUM_LN_M,         /* ln m */
	GG_SUM_LN1P_U,       /* log1p(u) */
	GG_SUM_LN1P_INVERSE, /* log1p(1/u) */
	GG_SUM_V,            /* 1 / (gamma + S) */
	GG_SUM_V2,           /* 1 / (gamma + S)^2 */
	GG_SUM_SV,           /* S / (gamma + S) */
	GG_N_CLASS_SUMS,
} SpendClassSum;

typedef struct SpendTotals
{
	Sum value;
	Sum gradient[GAMMAGAMMA_PARAMS];
	Sum hessian[GAMMAGAMMA_PARAMS][GAMMAGAMMA_PARAMS]; /* upper triangle */
} SpendTotals;

static void
add_point(Sum *sums, const SpendPoint *point, double gamma)
{
	double w = point->customers;
	double u = point->total / gamma;
	double ln_u = log(u);
	double v = 1.0 / (gamma + point->total);
	double ln1p_u;
	double ln1p_inverse;

	/* the smaller of the two logarithms is exact, the other a sum without cancellation */
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

	sum_add(&sums[GG_SUM_CUSTOMERS], w);
	sum_add(&sums[GG_SUM_LN_M], w * log(point->total / point->x));
	sum_add(&sums[GG_SUM_LN1P_U], w * ln1p_u);
	sum_add(&sums[GG_SUM_LN1P_INVERSE], w * ln1p_inverse);
	sum_add(&sums[GG_SUM_V], w * v);
	sum_add(&sums[GG_SUM_V2], w * v * v);
	sum_add(&sums[GG_SUM_SV], w * point->total * v);
}

/* Turn the sums of all points with one x into their likelihood and derivatives. */
static void
add_class(SpendTotals *totals, const double *params, double x, const Sum *sums)
{
	double s[GG_N_CLASS_SUMS];
	double q = params[GG_Q];
	double gamma = params[GG_GAMMA];
	double px = params[GG_P] * x;
	double w;

	for (int i = 0; i < GG_N_CLASS_SUMS; i++)
		s[i] = sum_value(&sums[i]);
	w = s[GG_SUM_CUSTOMERS];

	sum_add(&totals->value, w * (sf_lnpoch(px, q) - lgamma(q)));
	sum_add(&totals->value, -q * s[GG_SUM_LN1P_U]);
	sum_add(&totals->value, -px * s[GG_SUM_LN1P_INVERSE]);
	sum_add(&totals->value, -s[GG_SUM_LN_M]);

	sum_add(&totals->gradient[GG_P], x * (w * sf_dpoch(px, q) - s[GG_SUM_LN1P_INVERSE]));
	sum_add(&totals->gradient[GG_Q], w * sf_dpoch(q, px) - s[GG_SUM_LN1P_U]);
	sum_add(&totals->gradient[GG_GAMMA], q * s[GG_SUM_SV] / gamma - px * s[GG_SUM_V]);

	sum_add(&totals->hessian[GG_P][GG_P], w * x * x * sf_tpoch(px, q));
	sum_add(&totals->hessian[GG_P][GG_Q], w * x * sf_trigamma(px + q));
	sum_add(&totals->hessian[GG_P][GG_GAMMA], -x * s[GG_SUM_V]);
	sum_add(&totals->hessian[GG_Q][GG_Q], w * sf_tpoch(q, px));
	sum_add(&totals->hessian[GG_Q][GG_GAMMA], s[GG_SUM_SV] / gamma);
	sum_add(&totals->hessian[GG_GAMMA][GG_GAMMA], (px + q) * s[GG_SUM_V2] - w * q / (gamma * gamma));
}

double
gammagamma_log_likelihood(const SpendPoint *points, size_t n_points, const double *params, double *gradient,
						  double *hessian)
{
	SpendTotals totals = {0};

	for (size_t i = 0; i < n_points;)
	{
		uint32_t x = points[i].x;
		Sum sums[GG_N_CLASS_SUMS] = {{0}};

		for (; i < n_points && points[i].x == x; i++)
		{
			host_poll_at(i);
			add_point(sums, &points[i], params[GG_GAMMA]);
		}
		add_class(&totals, params, x, sums);
	}

	for (int i = 0; i < GAMMAGAMMA_PARAMS && gradient != NULL; i++)
		gradient[i] = sum_value(&totals.gradient[i]);
	for (int i = 0; i < GAMMAGAMMA_PARAMS && hessian != NULL; i++)
		for (int k = i; k < GAMMAGAMMA_PARAMS; k++)
			hessian[i * GAMMAGAMMA_PARAMS + k] = hessian[k * GAMMAGAMMA_PARAMS + i] = sum_value(&totals.hessian[i][k]);
	return sum_value(&totals.value);
}

double
gammagamma_expected_spend(const double *params, double x, double mean_spend)
{
	double total = x > 0 ? mean_spend * x : 0.0;
	double shape = params[GG_P] * x + params[GG_Q];

	if (!(shape > 1.0))
		return NAN;
	return params[GG_P] * (params[GG_GAMMA] + total) / (shape - 1.0);
}

static SpendMean
mean_of(const double *params, double x, double spend)
{
	double shape = params[GG_P] * x + params[GG_Q] - 1;
	double by_p = (params[GG_Q] - 1) / shape;
	double by_q = -(params[GG_Q] / shape);

	(void) spend;
	return (SpendMean){
		.worth = shape > 0 ? params[GG_P] / shape : INFINITY,
		.amount = params[GG_GAMMA],
		.of_amount = {by_p, by_q, 1},
		.of_spend = {by_p, by_q, 0},
	};
}

/* nu is Gamma(q, rate gamma), and the amounts are Gamma(p, rate nu). */
static SpendCustomer
draw_customer(const double *params, Random *random)
{
	return (SpendCustomer){{params[GG_P], det_exp(det_log(params[GG_GAMMA]) - random_ln_gamma(random, params[GG_Q]))}};
}

static double
draw_amount(const SpendCustomer *customer, Random *random)
{
	return customer->state[1] * random_gamma(random, customer->state[0]);
}

/*
 * Given x orders of S in total, nu is Gamma(q + p x, rate gamma + S). So n further orders
 * come to (gamma + S) times a beta prime variable of shapes p n and q + p x: the compound
 * gamma distribution (Dubey, Metrika 16, 1970).
 */
static SpendTotal
total_of(const double *params, double x, double spend)
{
	return (SpendTotal){
		.scale = params[GG_GAMMA] + (x > 0 ? spend : 0.0),
		.state = {params[GG_P], params[GG_Q] + params[GG_P] * x},
	};
}

static double
total_constant(const SpendTotal *total, double n)
{
	return ln_beta(total->state[0] * n, total->state[1]);
}

static double
total_cdf(const SpendTotal *total, double n, double constant, double z, double *density)
{
	*density = 0.0;
	return beta_prime_cdf(total->state[0] * n, total->state[1], constant, z, density);
}

const SpendModel gammagamma_model = {
	.id = SPEND_DEFAULT_ID,
	.name = "gamma-gamma",
	.n_params = GAMMAGAMMA_PARAMS,
	.param_names = {"p", "q", "gamma"},
	.money_param = GG_GAMMA,
	.start = {5.0, 5.0, 1.0},
	.log_likelihood = gammagamma_log_likelihood,
	.expected_spend = gammagamma_expected_spend,
	.linear = true,
	.mean = mean_of,
	.draw_customer = draw_customer,
	.draw_amount = draw_amount,
	.total_has_one_shape = true,
	.total_of = total_of,
	.total_constant = total_constant,
	.total_cdf = total_cdf,
};
