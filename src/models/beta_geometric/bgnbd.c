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

#include "models/beta_geometric/beta_geometric.h"
#include "models/core/model.h"
#include "numerics/special.h"

static double
bgnbd_log_likelihood(const Population *population, const double *params, double *gradient, double *hessian)
{
	return beta_geometric_log_likelihood(population, params, false, gradient, hessian);
}

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

static double
bgnbd_alive_prob(const double *params, double x, double t_x, double T)
{
	return model_weigh_dropout(bgnbd_dropout_odds(params, x), beta_geometric_ln_silence(params, x, t_x, T)).alive;
}

static double
bgnbd_gone_prob(const double *params, double x, double t_x, double T)
{
	return model_weigh_dropout(bgnbd_dropout_odds(params, x), beta_geometric_ln_silence(params, x, t_x, T)).gone;
}

/* A live customer is a new one, with updated parameters. */
static double
bgnbd_expected_transactions_if_alive(const double *params, double x, double t_x, double T, double horizon, double delta)
{
	double n = params[BETA_GEO_R] + x;
	double age = params[BETA_GEO_ALPHA] + T;
	double b = params[BETA_GEO_B] + x;

	(void) t_x;
	return delta == 0.0 ? beta_geometric_orders(n, age, params[BETA_GEO_A], b, horizon)
						: beta_geometric_discounted(n, age, params[BETA_GEO_A], b, horizon, delta);
}

static double
bgnbd_new_customer_transactions(const double *params, double t)
{
	return beta_geometric_orders(params[BETA_GEO_R], params[BETA_GEO_ALPHA], params[BETA_GEO_A], params[BETA_GEO_B], t);
}

/* The future of a live customer is that of a new one, with updated parameters. */
static double
live_pmf(const double *params, double x, double T, double t, double j)
{
	return beta_geometric_pmf(params[BETA_GEO_R] + x, params[BETA_GEO_ALPHA] + T, params[BETA_GEO_A],
							  params[BETA_GEO_B] + x, t, j);
}

static double
bgnbd_new_customer_transactions_pmf(const double *params, double t, double x)
{
	return live_pmf(params, 0.0, 0.0, t, x);
}

static double
bgnbd_order_prob(const double *params, double x, double t_x, double T, double horizon)
{
	return bgnbd_alive_prob(params, x, t_x, T) * beta_geometric_order_prob_if_alive(params, x, t_x, T, horizon);
}

static double
bgnbd_future_transactions_pmf(const double *params, double x, double t_x, double T, double horizon, double j)
{
	if (j == 0.0)
		return 1.0 - bgnbd_order_prob(params, x, t_x, T, horizon);
	return bgnbd_alive_prob(params, x, t_x, T) * live_pmf(params, x, T, horizon, j);
}

static double
bgnbd_future_transactions_tail(const double *params, double x, double t_x, double T, double horizon, double j)
{
	return bgnbd_alive_prob(params, x, t_x, T) *
		beta_geometric_tail(params[BETA_GEO_R] + x, params[BETA_GEO_ALPHA] + T, params[BETA_GEO_A],
							params[BETA_GEO_B] + x, horizon, j);
}

static void
bgnbd_expose(const Population *population, const double *params, SeasonWeights *weights, double *gradient)
{
	bgnbd_log_likelihood(population, params, gradient, NULL);
	beta_geometric_expose(population, params, bgnbd_alive_prob, weights);
}

const Model bgnbd_model = {
	.id = 1,
	.name = "bg/nbd",
	.n_params = BETA_GEO_PARAMS,
	.param_names = {"r", "alpha", "a", "b"},
	.n_effects = 3,
	.effects = {{"rate", BETA_GEO_ALPHA, -1.0}, {"dropout_a", BETA_GEO_A, 1.0}, {"dropout_b", BETA_GEO_B, 1.0}},
	.start = beta_geometric_start,
	.prior_centre = beta_geometric_prior_centre,
	.log_likelihood = bgnbd_log_likelihood,
	.customer_log_likelihood = bgnbd_customer_log_likelihood,
	.prob_alive = bgnbd_alive_prob,
	.gone_prob = bgnbd_gone_prob,
	.ln_silence = beta_geometric_ln_silence,
	.dropout_odds = bgnbd_dropout_odds,
	.expected_transactions_if_alive = bgnbd_expected_transactions_if_alive,
	.new_customer_transactions = bgnbd_new_customer_transactions,
	.new_customer_transactions_pmf = bgnbd_new_customer_transactions_pmf,
	.future_transactions_pmf = bgnbd_future_transactions_pmf,
	.future_transactions_tail = bgnbd_future_transactions_tail,
	.order_prob = bgnbd_order_prob,
	.order_prob_if_alive = beta_geometric_order_prob_if_alive,
	.expose = bgnbd_expose,
	.clock_param = BETA_GEO_ALPHA,
	.next_order_quantile = beta_geometric_next_order_quantile,
	.quantile_is_cheap = true,
	.begin_path = beta_geometric_begin_path,
	.next_order = beta_geometric_next_order,
};
