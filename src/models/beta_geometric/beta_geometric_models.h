/*
 * beta_geometric_models.h
 *	  The functions and members that BG/NBD and MBG/NBD have alike.
 *
 * They differ in when a dropout trial follows a purchase: after each but the first, or
 * after each. So the odds of having left are each model's own (prefix_dropout_odds), and
 * a live customer has come through x trials, or through one more (first_trial: 0 or 1):
 * they are a new BG/NBD customer with parameters (r + x, alpha + T, a, b + x + first_trial).
 */
#ifndef MODELS_BETA_GEOMETRIC_BETA_GEOMETRIC_MODELS_H
#define MODELS_BETA_GEOMETRIC_BETA_GEOMETRIC_MODELS_H

#include "models/beta_geometric/beta_geometric.h"

/* The functions of the model of this prefix. */
#define BETA_GEOMETRIC_MODEL_FUNCTIONS(prefix, first_trial) \
	static double prefix##_log_likelihood(const Population *population, const double *params, double *gradient, \
										  double *hessian) \
	{ \
		return beta_geometric_log_likelihood(population, params, (first_trial) > 0.0, gradient, hessian); \
	} \
	static double prefix##_alive_prob(const double *params, double x, double t_x, double T) \
	{ \
		return model_weigh_dropout(prefix##_dropout_odds(params, x), beta_geometric_ln_silence(params, x, t_x, T)) \
			.alive; \
	} \
	static double prefix##_gone_prob(const double *params, double x, double t_x, double T) \
	{ \
		return model_weigh_dropout(prefix##_dropout_odds(params, x), beta_geometric_ln_silence(params, x, t_x, T)) \
			.gone; \
	} \
	static double prefix##_expected_transactions_if_alive(const double *params, double x, double t_x, double T, \
														  double horizon, double delta) \
	{ \
		double n = params[BETA_GEO_R] + x; \
		double age = params[BETA_GEO_ALPHA] + T; \
		double b = params[BETA_GEO_B] + x + (first_trial); \
\
		(void) t_x; \
		return delta == 0.0 ? beta_geometric_orders(n, age, params[BETA_GEO_A], b, horizon) \
							: beta_geometric_discounted(n, age, params[BETA_GEO_A], b, horizon, delta); \
	} \
	static double prefix##_live_pmf(const double *params, double x, double T, double t, double j) \
	{ \
		return beta_geometric_pmf(params[BETA_GEO_R] + x, params[BETA_GEO_ALPHA] + T, params[BETA_GEO_A], \
								  params[BETA_GEO_B] + x + (first_trial), t, j); \
	} \
	static double prefix##_order_prob(const double *params, double x, double t_x, double T, double horizon) \
	{ \
		return prefix##_alive_prob(params, x, t_x, T) * \
			beta_geometric_order_prob_if_alive(params, x, t_x, T, horizon); \
	} \
	static double prefix##_future_transactions_pmf(const double *params, double x, double t_x, double T, \
												   double horizon, double j) \
	{ \
		if (j == 0.0) \
			return 1.0 - prefix##_order_prob(params, x, t_x, T, horizon); \
		return prefix##_alive_prob(params, x, t_x, T) * prefix##_live_pmf(params, x, T, horizon, j); \
	} \
	static double prefix##_future_transactions_tail(const double *params, double x, double t_x, double T, \
													double horizon, double j) \
	{ \
		return prefix##_alive_prob(params, x, t_x, T) * \
			beta_geometric_tail(params[BETA_GEO_R] + x, params[BETA_GEO_ALPHA] + T, params[BETA_GEO_A], \
								params[BETA_GEO_B] + x + (first_trial), horizon, j); \
	} \
	static void prefix##_expose(const Population *population, const double *params, SeasonWeights *weights, \
								double *gradient) \
	{ \
		prefix##_log_likelihood(population, params, gradient, NULL); \
		beta_geometric_expose(population, params, prefix##_alive_prob, weights); \
	}

/* The members of both models. */
#define BETA_GEOMETRIC_MODEL_MEMBERS(prefix) \
	.n_params = BETA_GEO_PARAMS, .param_names = {"r", "alpha", "a", "b"}, .n_effects = 3, \
	.effects = {{"rate", BETA_GEO_ALPHA, -1.0}, {"dropout_a", BETA_GEO_A, 1.0}, {"dropout_b", BETA_GEO_B, 1.0}}, \
	.start = beta_geometric_start, .prior_centre = beta_geometric_prior_centre, \
	.log_likelihood = prefix##_log_likelihood, .customer_log_likelihood = prefix##_customer_log_likelihood, \
	.prob_alive = prefix##_alive_prob, .gone_prob = prefix##_gone_prob, .ln_silence = beta_geometric_ln_silence, \
	.dropout_odds = prefix##_dropout_odds, .expected_transactions_if_alive = prefix##_expected_transactions_if_alive, \
	.new_customer_transactions = prefix##_new_customer_transactions, \
	.new_customer_transactions_pmf = prefix##_new_customer_transactions_pmf, \
	.future_transactions_pmf = prefix##_future_transactions_pmf, \
	.future_transactions_tail = prefix##_future_transactions_tail, .order_prob = prefix##_order_prob, \
	.order_prob_if_alive = beta_geometric_order_prob_if_alive, .expose = prefix##_expose, .bend = beta_geometric_bend, \
	.next_order_quantile = beta_geometric_next_order_quantile, .quantile_is_cheap = true, \
	.next_order = beta_geometric_next_order

#endif /* MODELS_BETA_GEOMETRIC_BETA_GEOMETRIC_MODELS_H */
