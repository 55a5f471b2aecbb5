/*
 * bgnbd.c
 *	  The BG/NBD model: beta-geometric dropout, negative binomial purchases.
 *
 * Fader, Hardie & Lee, "'Counting Your Customers' the Easy Way: An Alternative
 * to the Pareto/NBD Model", Marketing Science 24:2 (2005), 275-284.
 *
 * A live customer buys at a Poisson rate lambda ~ Gamma(r, rate alpha).  After
 * every repeat purchase (not after the first) the customer leaves for good
 * with probability p ~ Beta(a, b).  The likelihood of one history (eq. 6) is that
 * of beta_geometric_likelihood.c; a live customer is a new one with parameters
 * (r + x, alpha + T, a, b + x).
 */
#include <math.h>

#include "models/beta_geometric.h"
#include "models/model.h"
#include "numerics/special.h"

enum
{
	R,
	ALPHA,
	A,
	B,
	N_PARAMS
};

static double
bgnbd_log_likelihood(const Population *population, const double *params,
					 double *gradient, double *hessian)
{
	return beta_geometric_log_likelihood(population, params, false, gradient, hessian);
}

static double
bgnbd_customer_log_likelihood(const double *params, double x, double t_x, double T)
{
	double		r = params[R];
	double		alpha = params[ALPHA];
	double		a = params[A];
	double		b = params[B];
	double		q;

	if (x == 0)
		return -r * log1p(T / alpha);
	q = exp(-(r + x) * log1p((T - t_x) / (alpha + t_x)));
	return sf_lpoch(r, x) - r * log1p(t_x / alpha) - x * log(alpha + t_x)
		+ sf_lbeta_shift(a, b, x) + log(q + a / (b + (x - 1.0)));
}

static double
bgnbd_alive_prob(const double *params, double x, double t_x, double T)
{
	double		ln_odds_dead;

	if (x == 0)
		return 1.0;
	ln_odds_dead = log(params[A] / (params[B] + (x - 1.0)))
		+ (params[R] + x) * log1p((T - t_x) / (params[ALPHA] + t_x));
	return 1.0 / (1.0 + exp(ln_odds_dead));
}

/* A live customer is a new one, with updated parameters. */
static double
bgnbd_live_orders(const double *params, double x, double t_x, double T,
				  double horizon, double delta)
{
	double		n = params[R] + x;
	double		age = params[ALPHA] + T;
	double		b = params[B] + x;

	(void) t_x;
	return delta == 0.0 ? beta_geometric_orders(n, age, params[A], b, horizon)
		: beta_geometric_discounted(n, age, params[A], b, horizon, delta);
}

static double
bgnbd_expected_orders_new(const double *params, double t)
{
	return beta_geometric_orders(params[R], params[ALPHA], params[A], params[B], t);
}

/* A live customer's future: that of a new one, with updated parameters. */
static double
live_pmf(const double *params, double x, double T, double t, double j)
{
	return beta_geometric_pmf(params[R] + x, params[ALPHA] + T, params[A], params[B] + x, t, j);
}

static double
bgnbd_orders_pmf(const double *params, double t, double x)
{
	return live_pmf(params, 0.0, 0.0, t, x);
}

static double
bgnbd_order_prob(const double *params, double x, double t_x, double T, double horizon)
{
	/* who is alive cannot leave before the next purchase */
	return bgnbd_alive_prob(params, x, t_x, T)
		* -expm1(-(params[R] + x) * log1p(horizon / (params[ALPHA] + T)));
}

static double
bgnbd_future_orders_pmf(const double *params, double x, double t_x, double T,
						double horizon, double j)
{
	if (j == 0.0)
		return 1.0 - bgnbd_order_prob(params, x, t_x, T, horizon);
	return bgnbd_alive_prob(params, x, t_x, T) * live_pmf(params, x, T, horizon, j);
}

const Model bgnbd_model = {
	.id = 1,
	.name = "bg/nbd",
	.n_params = N_PARAMS,
	.param_names = {"r", "alpha", "a", "b"},
	.n_effects = 3,
	.effects = {{"rate", ALPHA, -1.0}, {"dropout_a", A, 1.0}, {"dropout_b", B, 1.0}},
	.start = beta_geometric_start,
	.prior_centre = beta_geometric_prior_centre,
	.log_likelihood = bgnbd_log_likelihood,
	.customer_log_likelihood = bgnbd_customer_log_likelihood,
	.alive_prob = bgnbd_alive_prob,
	.live_orders = bgnbd_live_orders,
	.expected_orders_new = bgnbd_expected_orders_new,
	.orders_pmf = bgnbd_orders_pmf,
	.future_orders_pmf = bgnbd_future_orders_pmf,
	.order_prob = bgnbd_order_prob,
	.next_order_quantile = beta_geometric_next_order_quantile,
	.begin_life = beta_geometric_begin_life,
	.next_order = beta_geometric_next_order
};
