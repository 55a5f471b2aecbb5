/*
 * cnbd_models.c
 *	  The BG/CNBD-k and MBG/CNBD-k models: BG/NBD and MBG/NBD with regular
 *	  (Erlang-k) gaps between purchases.
 *
 * Reutterer, Platzer & Schroeder (2021), see cnbd.h. They differ in one thing. In
 * BG/CNBD-k a dropout trial follows every repeat purchase, so that a customer who
 * bought only once is alive; in MBG/CNBD-k every purchase, the first included.
 */
#include "models/cnbd/cnbd.h"

/* The functions of the model of this prefix; dropout_at_start: a dropout trial follows the first purchase, too. */
#define CNBD_MODEL_FUNCTIONS(prefix, dropout_at_start) \
	static double prefix##_log_likelihood(const Population *population, const double *params, double *gradient, \
										  double *hessian) \
	{ \
		return cnbd_log_likelihood(population, params, dropout_at_start, gradient, hessian); \
	} \
	static double prefix##_customer_log_likelihood(const double *params, double x, double t_x, double T) \
	{ \
		return cnbd_customer_log_likelihood(params, dropout_at_start, x, t_x, T); \
	} \
	static double prefix##_alive_prob(const double *params, double x, double t_x, double T) \
	{ \
		return cnbd_alive_prob(params, dropout_at_start, x, t_x, T); \
	} \
	static double prefix##_dropout_odds(const double *params, double x) \
	{ \
		return cnbd_dropout_odds(params, dropout_at_start, x); \
	} \
	static double prefix##_gone_prob(const double *params, double x, double t_x, double T) \
	{ \
		return cnbd_gone_prob(params, dropout_at_start, x, t_x, T); \
	} \
	static double prefix##_expected_transactions_if_alive(const double *params, double x, double t_x, double T, \
														  double horizon, double delta) \
	{ \
		return cnbd_expected_transactions_if_alive(params, dropout_at_start, x, t_x, T, horizon, delta); \
	} \
	static double prefix##_new_customer_transactions(const double *params, double t) \
	{ \
		return cnbd_new_customer_transactions(params, dropout_at_start, t); \
	} \
	static double prefix##_new_customer_transactions_pmf(const double *params, double t, double x) \
	{ \
		return cnbd_new_customer_transactions_pmf(params, dropout_at_start, t, x); \
	} \
	static double prefix##_future_transactions_pmf(const double *params, double x, double t_x, double T, \
												   double horizon, double j) \
	{ \
		return cnbd_future_transactions_pmf(params, dropout_at_start, x, t_x, T, horizon, j); \
	} \
	static double prefix##_order_prob(const double *params, double x, double t_x, double T, double horizon) \
	{ \
		return cnbd_order_prob(params, dropout_at_start, x, t_x, T, horizon); \
	} \
	static void prefix##_begin_path(const double *params, Random *random, SimulatedPath *path) \
	{ \
		cnbd_begin_path(params, dropout_at_start, random, path); \
	}

/* The members of both models. */
#define CNBD_MODEL_MEMBERS(prefix) \
	.n_params = CNBD_PARAMS, .param_names = {"r", "alpha", "a", "b", "k"}, .n_integer_params = 1, \
	.recency_matters = true, .n_effects = 3, \
	.effects = {{"rate", CNBD_ALPHA, -1.0}, {"dropout_a", CNBD_A, 1.0}, {"dropout_b", CNBD_B, 1.0}}, \
	.start = cnbd_start, .prior_centre = cnbd_prior_centre, .log_likelihood = prefix##_log_likelihood, \
	.customer_log_likelihood = prefix##_customer_log_likelihood, .prob_alive = prefix##_alive_prob, \
	.gone_prob = prefix##_gone_prob, .ln_silence = cnbd_ln_silence, .dropout_odds = prefix##_dropout_odds, \
	.expected_transactions_if_alive = prefix##_expected_transactions_if_alive, \
	.new_customer_transactions = prefix##_new_customer_transactions, \
	.new_customer_transactions_pmf = prefix##_new_customer_transactions_pmf, \
	.future_transactions_pmf = prefix##_future_transactions_pmf, .order_prob = prefix##_order_prob, \
	.order_prob_if_alive = cnbd_order_prob_if_alive, .next_order_quantile = cnbd_next_order_quantile, \
	.begin_path = prefix##_begin_path, .next_order = cnbd_next_order

CNBD_MODEL_FUNCTIONS(bgcnbd, false)
CNBD_MODEL_FUNCTIONS(mbgcnbd, true)

const Model bgcnbd_model = {
	.id = 5,
	.name = "bg/cnbd-k",
	.at_one = &bgnbd_model,
	CNBD_MODEL_MEMBERS(bgcnbd),
};

const Model mbgcnbd_model = {
	.id = 6,
	.name = "mbg/cnbd-k",
	.at_one = &mbgnbd_model,
	CNBD_MODEL_MEMBERS(mbgcnbd),
};
