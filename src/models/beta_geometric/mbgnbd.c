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

#include "models/beta_geometric/beta_geometric.h"
#include "models/core/model.h"
#include "numerics/special.h"

static double
mbgnbd_log_likelihood(const Population *population, const double *params, double *gradient, double *hessian)
{
	return beta_geometric_log_likelihood(population, params, true, gradient, hessian);
}

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

static double
mbgnbd_alive_prob(const double *params, double x, double t_x, double T)
{
	return model_weigh_dropout(mbgnbd_dropout_odds(params, x), beta_geometric_ln_silence(params, x, t_x, T)).alive;
}

static double
mbgnbd_gone_prob(const double *params, double x, double t_x, double T)
{
	return model_weigh_dropout(mbgnbd_dropout_odds(params, x), beta_geometric_ln_silence(params, x, t_x, T)).gone;
}

/* The probability that a new customer does not leave after the first purchase. */
static double
stays_at_first(const double *params)
{
	return params[BETA_GEO_B] / (params[BETA_GEO_A] + params[BETA_GEO_B]);
}

/* A live customer is a new one, with updated parameters. */
static double
mbgnbd_expected_transactions_if_alive(const double *params, double x, double t_x, double T, double horizon,
									  double delta)
{
	double n = params[BETA_GEO_R] + x;
	double age = params[BETA_GEO_ALPHA] + T;
	double b = params[BETA_GEO_B] + x + 1.0;

	(void) t_x;
	return delta == 0.0 ? beta_geometric_orders(n, age, params[BETA_GEO_A], b, horizon)
						: beta_geometric_discounted(n, age, params[BETA_GEO_A], b, horizon, delta);
}

static double
mbgnbd_new_customer_transactions(const double *params, double t)
{
	return stays_at_first(params) *
		beta_geometric_orders(params[BETA_GEO_R], params[BETA_GEO_ALPHA], params[BETA_GEO_A], params[BETA_GEO_B] + 1.0,
							  t);
}

/* The future of a live customer is that of a new one, with updated parameters. */
static double
live_pmf(const double *params, double x, double T, double t, double j)
{
	return beta_geometric_pmf(params[BETA_GEO_R] + x, params[BETA_GEO_ALPHA] + T, params[BETA_GEO_A],
							  params[BETA_GEO_B] + x + 1.0, t, j);
}

static double
mbgnbd_new_customer_transactions_pmf(const double *params, double t, double x)
{
	double stays = stays_at_first(params);

	return stays * live_pmf(params, 0.0, 0.0, t, x) + (x == 0.0 ? 1.0 - stays : 0.0);
}

static double
mbgnbd_order_prob(const double *params, double x, double t_x, double T, double horizon)
{
	return mbgnbd_alive_prob(params, x, t_x, T) * beta_geometric_order_prob_if_alive(params, x, t_x, T, horizon);
}

static double
mbgnbd_future_transactions_pmf(const double *params, double x, double t_x, double T, double horizon, double j)
{
	if (j == 0.0)
		return 1.0 - mbgnbd_order_prob(params, x, t_x, T, horizon);
	return mbgnbd_alive_prob(params, x, t_x, T) * live_pmf(params, x, T, horizon, j);
}

static double
mbgnbd_future_transactions_tail(const double *params, double x, double t_x, double T, double horizon, double j)
{
	return mbgnbd_alive_prob(params, x, t_x, T) *
		beta_geometric_tail(params[BETA_GEO_R] + x, params[BETA_GEO_ALPHA] + T, params[BETA_GEO_A],
							params[BETA_GEO_B] + x + 1.0, horizon, j);
}

static void
mbgnbd_expose(const Population *population, const double *params, SeasonWeights *weights, double *gradient)
{
	mbgnbd_log_likelihood(population, params, gradient, NULL);
	beta_geometric_expose(population, params, mbgnbd_alive_prob, weights);
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
	.n_params = BETA_GEO_PARAMS,
	.param_names = {"r", "alpha", "a", "b"},
	.n_effects = 3,
	.effects = {{"rate", BETA_GEO_ALPHA, -1.0}, {"dropout_a", BETA_GEO_A, 1.0}, {"dropout_b", BETA_GEO_B, 1.0}},
	.start = beta_geometric_start,
	.prior_centre = beta_geometric_prior_centre,
	.log_likelihood = mbgnbd_log_likelihood,
	.customer_log_likelihood = mbgnbd_customer_log_likelihood,
	.prob_alive = mbgnbd_alive_prob,
	.gone_prob = mbgnbd_gone_prob,
	.ln_silence = beta_geometric_ln_silence,
	.dropout_odds = mbgnbd_dropout_odds,
	.expected_transactions_if_alive = mbgnbd_expected_transactions_if_alive,
	.new_customer_transactions = mbgnbd_new_customer_transactions,
	.new_customer_transactions_pmf = mbgnbd_new_customer_transactions_pmf,
	.future_transactions_pmf = mbgnbd_future_transactions_pmf,
	.future_transactions_tail = mbgnbd_future_transactions_tail,
	.order_prob = mbgnbd_order_prob,
	.order_prob_if_alive = beta_geometric_order_prob_if_alive,
	.expose = mbgnbd_expose,
	.clock_param = BETA_GEO_ALPHA,
	.next_order_quantile = beta_geometric_next_order_quantile,
	.quantile_is_cheap = true,
	.begin_path = mbgnbd_begin_path,
	.next_order = beta_geometric_next_order,
};
