/*
 * cnbd.h
 *	  What BG/CNBD-k and MBG/CNBD-k have in common: regular purchases.
 *
 * Reutterer, Platzer & Schroeder, "Leveraging purchase regularity for predicting
 * customer behavior the easy way", International Journal of Research in Marketing
 * 38 (2021), 194-215.
 *
 * The time between two purchases has k stages, each of exponential length with
 * a rate lambda ~ Gamma(r, rate alpha), so that it is Erlang(k, lambda): the
 * larger k, the more regular. After every repeat purchase (MBG: after the
 * first one too) the customer leaves for good with probability p ~ Beta(a, b).
 * k = 1 is BG/NBD or MBG/NBD.
 *
 * Stages are unobserved, so a live customer's future depends on how many are
 * likely to be complete since the last purchase: this is why recency matters
 * here.
 */
#ifndef MODELS_CNBD_CNBD_H
#define MODELS_CNBD_CNBD_H

#include <stdbool.h>

#include "models/core/model.h"

/* The largest k supported. For a larger one every result is NAN. */
#define CNBD_MAX_K MODEL_MAX_WHOLE

/* The parameters, in their order. */
enum
{
	CNBD_R,
	CNBD_ALPHA,
	CNBD_A,
	CNBD_B,
	CNBD_K,
	CNBD_PARAMS,
};

/*
 * A live customer: the rate of the stages is Gamma(n + j, rate age)
 * distributed if j of them are complete since the last purchase, and the
 * probability of dropout Beta(a, b).
 */
typedef struct LiveCustomer
{
	int k;
	double n;
	double age; /* alpha + T */
	double a;
	double b;
	double stage[CNBD_MAX_K]; /* probability of j, 0 <= j < k */
} LiveCustomer;

/*
 * The weights (n)_j rho^j / j!, j < k, of the stages that may be complete:
 * fills weight[k] and returns their sum, S in the formulas.
 */
extern double cnbd_stage_weights(int k, double n, double rho, double *weight);

/*
 * Expected purchases of a live customer within time t, each discounted at the
 * rate delta >= 0; t may be INFINITY if delta > 0.
 */
extern double cnbd_orders(const LiveCustomer *customer, double t, double delta);

/* As in Model, with one argument more: is there a dropout trial after the first purchase too (MBG)? */
extern double cnbd_log_likelihood(const Population *population, const double *params, bool dropout_at_start,
								  double *gradient, double *hessian);
extern double cnbd_customer_log_likelihood(const double *params, bool dropout_at_start, double x, double t_x, double T);
extern double cnbd_dropout_odds(const double *params, bool dropout_at_start, double x);
extern double cnbd_alive_prob(const double *params, bool dropout_at_start, double x, double t_x, double T);
extern double cnbd_gone_prob(const double *params, bool dropout_at_start, double x, double t_x, double T);
extern double cnbd_expected_transactions_if_alive(const double *params, bool dropout_at_start, double x, double t_x,
												  double T, double horizon, double delta);
extern double cnbd_new_customer_transactions(const double *params, bool dropout_at_start, double t);
extern double cnbd_new_customer_transactions_pmf(const double *params, bool dropout_at_start, double t, double x);
extern double cnbd_future_transactions_pmf(const double *params, bool dropout_at_start, double x, double t_x, double T,
										   double horizon, double j);
extern double cnbd_order_prob(const double *params, bool dropout_at_start, double x, double t_x, double T,
							  double horizon);
extern void cnbd_begin_path(const double *params, bool dropout_at_start, Random *random, SimulatedPath *path);

/* As in Model. */
extern void cnbd_start(const Population *population, double *params);
extern void cnbd_prior_centre(const Population *population, double *ln_params);
extern double cnbd_next_order_quantile(const double *params, double x, double t_x, double T, double q);
extern double cnbd_order_prob_if_alive(const double *params, double x, double t_x, double T, double horizon);
extern double cnbd_ln_silence(const double *params, double x, double t_x, double T);
extern double cnbd_next_order(SimulatedPath *path, Random *random);

#endif /* MODELS_CNBD_CNBD_H */
