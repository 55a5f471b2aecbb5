/*
 * mbgcnbd.c
 *	  The MBG/CNBD-k model: MBG/NBD, with a rhythm.
 *
 * Reutterer, Platzer & Schroeder (2021), see cnbd.h.  The coin is tossed after every
 * purchase, the first included.
 */
#include "models/cnbd.h"

static double
mbgcnbd_log_likelihood(const Population *population, const double *params,
					   double *gradient, double *hessian)
{
	return cnbd_log_likelihood(population, params, true, gradient, hessian);
}

static double
mbgcnbd_customer_log_likelihood(const double *params, double x, double t_x, double T)
{
	return cnbd_customer_log_likelihood(params, true, x, t_x, T);
}

static double
mbgcnbd_alive_prob(const double *params, double x, double t_x, double T)
{
	return cnbd_alive_prob(params, true, x, t_x, T);
}

static double
mbgcnbd_live_orders(const double *params, double x, double t_x, double T,
					double horizon, double delta)
{
	return cnbd_live_orders(params, true, x, t_x, T, horizon, delta);
}

static double
mbgcnbd_expected_orders_new(const double *params, double t)
{
	return cnbd_expected_orders_new(params, true, t);
}

static double
mbgcnbd_orders_pmf(const double *params, double t, double x)
{
	return cnbd_orders_pmf(params, true, t, x);
}

static double
mbgcnbd_future_orders_pmf(const double *params, double x, double t_x, double T,
						  double horizon, double j)
{
	return cnbd_future_orders_pmf(params, true, x, t_x, T, horizon, j);
}

static double
mbgcnbd_order_prob(const double *params, double x, double t_x, double T, double horizon)
{
	return cnbd_order_prob(params, true, x, t_x, T, horizon);
}

static void
mbgcnbd_begin_life(const double *params, Random *random, Life *life)
{
	cnbd_begin_life(params, true, random, life);
}

const Model mbgcnbd_model = {
	.id = 6,
	.name = "mbg/cnbd-k",
	.n_params = N_PARAMS,
	.param_names = {"r", "alpha", "a", "b", "k"},
	.n_fixed = 1,
	.recency_matters = true,
	.n_effects = 3,
	.effects = {{"rate", ALPHA, -1.0}, {"dropout_a", A, 1.0}, {"dropout_b", B, 1.0}},
	.start = cnbd_start,
	.prior_centre = cnbd_prior_centre,
	.log_likelihood = mbgcnbd_log_likelihood,
	.customer_log_likelihood = mbgcnbd_customer_log_likelihood,
	.alive_prob = mbgcnbd_alive_prob,
	.live_orders = mbgcnbd_live_orders,
	.expected_orders_new = mbgcnbd_expected_orders_new,
	.orders_pmf = mbgcnbd_orders_pmf,
	.future_orders_pmf = mbgcnbd_future_orders_pmf,
	.order_prob = mbgcnbd_order_prob,
	.next_order_quantile = cnbd_next_order_quantile,
	.begin_life = mbgcnbd_begin_life,
	.next_order = cnbd_next_order
};
