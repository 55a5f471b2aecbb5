/*
 * bgnbd.c
 *	  The BG/NBD model: beta-geometric dropout, negative binomial purchases.
 *
 * Fader, Hardie & Lee, "'Counting Your Customers' the Easy Way: An Alternative
 * to the Pareto/NBD Model", Marketing Science 24:2 (2005), 275-284.
 *
 * A live customer buys at a Poisson rate lambda ~ Gamma(r, rate alpha). After
 * every repeat purchase (not after the first) the customer leaves for good
 * with probability p ~ Beta(a, b). The likelihood of one history (eq. 6) is that
 * of beta_geometric_likelihood.c; a live customer is a new one with parameters
 * (r + x, alpha + T, a, b + x).
 */
#include <math.h>

#include "models/beta_geometric/beta_geometric_models.h"
#include "models/core/model.h"
#include "numerics/special.h"

static double
bgnbd_customer_log_likelihood(const double *params, double x, double t_x, double T)
{
	double r = params[BETA_GEO_R];
	double alpha = params[BETA_GEO_ALPHA];
	double a = params[BETA_GEO_A];
	double b = params[BETA_GEO_B];
	double q;

	if (x == 0)
		return -r * log1p(T / alpha);
	q = exp(-(r + x) * log1p((T - t_x) / (alpha + t_x)));
	return sf_lnpoch(r, x) - r * log1p(t_x / alpha) - x * log(alpha + t_x) + sf_lbeta_shift(a, b, x) +
		log(q + a / (b + (x - 1.0)));
}

/* Nobody leaves before the first repeat purchase. */
static double
bgnbd_dropout_odds(const double *params, double x)
{
	return x == 0 ? 0.0 : params[BETA_GEO_A] / (params[BETA_GEO_B] + (x - 1.0));
}

BETA_GEOMETRIC_MODEL_FUNCTIONS(bgnbd, 0.0)

static double
bgnbd_new_customer_transactions(const double *params, double t)
{
	return beta_geometric_orders(params[BETA_GEO_R], params[BETA_GEO_ALPHA], params[BETA_GEO_A], params[BETA_GEO_B], t);
}

static double
bgnbd_new_customer_transactions_pmf(const double *params, double t, double x)
{
	return bgnbd_live_pmf(params, 0.0, 0.0, t, x);
}

const Model bgnbd_model = {
	.id = 1,
	.name = "bg/nbd",
	.begin_path = beta_geometric_begin_path,
	BETA_GEOMETRIC_MODEL_MEMBERS(bgnbd),
};
