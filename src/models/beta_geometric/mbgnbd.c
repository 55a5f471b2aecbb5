/*
 * mbgnbd.c
 *	  The MBG/NBD model: BG/NBD with a dropout trial after the first purchase
 *	  too.
 *
 * Batislam, Denizel & Filiztekin, "Empirical validation and comparison of models
 * for customer base analysis", International Journal of Research in Marketing 24
 * (2007), 201-209; Hoppe & Wagner, "Customer base analysis: The case for a central
 * variant of the Betageometric/NBD model", Marketing JRM 3 (2007), 75-90.
 *
 * A live customer buys at a Poisson rate lambda ~ Gamma(r, rate alpha). After
 * every purchase, the first included, the customer leaves for good with
 * probability p ~ Beta(a, b). So even a customer who bought only once may have
 * dropped out, which BG/NBD excludes. A customer who is still alive has
 * survived that trial and is, from then on, a BG/NBD customer with parameters
 * (r + x, alpha + T, a, b + x + 1).
 */
#include <math.h>

#include "models/beta_geometric/beta_geometric_models.h"
#include "models/core/model.h"
#include "numerics/special.h"

static double
mbgnbd_customer_log_likelihood(const double *params, double x, double t_x, double T)
{
	double r = params[BETA_GEO_R];
	double alpha = params[BETA_GEO_ALPHA];
	double a = params[BETA_GEO_A];
	double b = params[BETA_GEO_B];
	double q = exp(-(r + x) * log1p((T - t_x) / (alpha + t_x)));

	return sf_lnpoch(r, x) - r * log1p(t_x / alpha) - x * log(alpha + t_x) + sf_lbeta_shift(a, b, x + 1.0) +
		log(q + a / (b + x));
}

static double
mbgnbd_dropout_odds(const double *params, double x)
{
	return params[BETA_GEO_A] / (params[BETA_GEO_B] + x);
}

BETA_GEOMETRIC_MODEL_FUNCTIONS(mbgnbd, 1.0)

/* The probability that a new customer does not leave after the first purchase. */
static double
stays_at_first(const double *params)
{
	return params[BETA_GEO_B] / (params[BETA_GEO_A] + params[BETA_GEO_B]);
}

static double
mbgnbd_new_customer_transactions(const double *params, double t)
{
	return stays_at_first(params) *
		beta_geometric_orders(params[BETA_GEO_R], params[BETA_GEO_ALPHA], params[BETA_GEO_A], params[BETA_GEO_B] + 1.0,
							  t);
}

static double
mbgnbd_new_customer_transactions_pmf(const double *params, double t, double x)
{
	double stays = stays_at_first(params);

	return stays * mbgnbd_live_pmf(params, 0.0, 0.0, t, x) + (x == 0.0 ? 1.0 - stays : 0.0);
}

static void
mbgnbd_begin_path(const double *params, Random *random, SimulatedPath *path)
{
	beta_geometric_begin_path(params, random, path);
	path->alive = random_uniform(random) >= path->dropout;
}

const Model mbgnbd_model = {
	.id = 3,
	.name = "mbg/nbd",
	.begin_path = mbgnbd_begin_path,
	BETA_GEOMETRIC_MODEL_MEMBERS(mbgnbd),
};
