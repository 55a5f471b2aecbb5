/*
 * bgcnbd.c
 *	  The BG/CNBD-k model: BG/NBD, with a rhythm.
 *
 * Reutterer, Platzer & Schroeder (2021), see cnbd.h.  The coin is tossed after every
 * repeat purchase, so that a customer who bought but once is alive.
 */
#include "models/cnbd.h"

static double
bgcnbd_log_likelihood(const Population *population, const double *params,
					  double *gradient, double *hessian)
{
	return cnbd_log_likelihood(population, params, false, gradient, hessian);
}

static double
bgcnbd_customer_log_likelihood(const double *params, double x, double t_x, double T)
{
	return cnbd_customer_log_likelihood(params, false, x, t_x, T);
}

static double
bgcnbd_alive_prob(const double *params, double x, double t_x, double T)
{
	return cnbd_alive_prob(params, false, x, t_x, T);
}

static double
bgcnbd_live_orders(const double *params, double x, double t_x, double T,
				   double horizon, double delta)
{
	return cnbd_live_orders(params, false, x, t_x, T, horizon, delta);
}

static double
bgcnbd_expected_orders_new(const double *params, double t)
{
	return cnbd_expected_orders_new(params, false, t);
}

static double
bgcnbd_orders_pmf(const double *params, double t, double x)
{
	return cnbd_orders_pmf(params, false, t, x);
}

static double
bgcnbd_future_orders_pmf(const double *params, double x, double t_x, double T,
						 double horizon, double j)
{
	return cnbd_future_orders_pmf(params, false, x, t_x, T, horizon, j);
}

static double
bgcnbd_order_prob(const double *params, double x, double t_x, double T, double horizon)
{
	return cnbd_order_prob(params, false, x, t_x, T, horizon);
}

static void
bgcnbd_begin_life(const double *params, Random *random, Life *life)
{
	cnbd_begin_life(params, false, random, life);
}

const Model bgcnbd_model = {
	.id = 5,
	.name = "bg/cnbd-k",
	.n_params = N_PARAMS,
	.param_names = {"r", "alpha", "a", "b", "k"},
	.n_fixed = 1,
	.recency_matters = true,
	.n_effects = 3,
	.effects = {{"rate", ALPHA, -1.0}, {"dropout_a", A, 1.0}, {"dropout_b", B, 1.0}},
	.start = cnbd_start,
	.prior_centre = cnbd_prior_centre,
	.log_likelihood = bgcnbd_log_likelihood,
	.customer_log_likelihood = bgcnbd_customer_log_likelihood,
	.alive_prob = bgcnbd_alive_prob,
	.live_orders = bgcnbd_live_orders,
	.expected_orders_new = bgcnbd_expected_orders_new,
	.orders_pmf = bgcnbd_orders_pmf,
	.future_orders_pmf = bgcnbd_future_orders_pmf,
	.order_prob = bgcnbd_order_prob,
	.next_order_quantile = cnbd_next_order_quantile,
	.begin_life = bgcnbd_begin_life,
	.next_order = cnbd_next_order
};
