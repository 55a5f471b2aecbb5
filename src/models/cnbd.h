/*
 * cnbd.h
 *	  What BG/CNBD-k and MBG/CNBD-k have in common: purchases with a rhythm.
 *
 * Reutterer, Platzer & Schroeder, "Leveraging purchase regularity for predicting
 * customer behavior the easy way", International Journal of Research in Marketing
 * 38 (2021), 194-215.
 *
 * The time between two purchases has k stages, each over at a Poisson rate lambda
 * ~ Gamma(r, rate alpha), so that it is Erlang(k, lambda): the larger k, the more
 * regular.  After every repeat purchase (MBG: after the first one too) the
 * customer leaves for good with probability p ~ Beta(a, b).  k = 1 is BG/NBD or
 * MBG/NBD.
 *
 * A stage cannot be seen, so a live customer's future depends on how many are
 * likely to be over since the last purchase: this is why recency matters here.
 */
#ifndef MODELS_CNBD_H
#define MODELS_CNBD_H

#include <stdbool.h>

#include "models/model.h"

/* Purchases are not more regular than this.  For a larger k everything is NAN. */
#define CNBD_MAX_K MODEL_MAX_WHOLE

/* The parameters, in their order. */
enum
{
	R,
	ALPHA,
	A,
	B,
	K,
	N_PARAMS
};

/*
 * A live customer: the rate of the stages is Gamma(n + j, rate age) distributed, if
 * j of them are over since the last purchase, and the probability of leaving
 * Beta(a, b).
 */
typedef struct LiveCustomer
{
	int			k;
	double		n;
	double		age;			/* alpha + T */
	double		a;
	double		b;
	double		stage[CNBD_MAX_K];	/* probability of j, 0 <= j < k */
} LiveCustomer;

/*
 * The weights (n)_j rho^j / j!, j < k, of the stages that may be over: fills
 * weight[k] and returns their sum, S in the formulas.
 */
extern double cnbd_stage_weights(int k, double n, double rho, double *weight);

/*
 * Expected purchases of a live customer within time t, each discounted at the
 * rate delta >= 0; t may be INFINITY if delta > 0.
 */
extern double cnbd_orders(const LiveCustomer *customer, double t, double delta);

/* As Model has them, but for the coin: is it tossed after the first purchase too (MBG)? */
extern double cnbd_log_likelihood(const Population *population, const double *params,
								  bool coin_at_start, double *gradient, double *hessian);
extern double cnbd_customer_log_likelihood(const double *params, bool coin_at_start,
										   double x, double t_x, double T);
extern double cnbd_alive_prob(const double *params, bool coin_at_start,
							  double x, double t_x, double T);
extern double cnbd_live_orders(const double *params, bool coin_at_start,
							   double x, double t_x, double T, double horizon, double delta);
extern double cnbd_expected_orders_new(const double *params, bool coin_at_start, double t);
extern double cnbd_orders_pmf(const double *params, bool coin_at_start, double t, double x);
extern double cnbd_future_orders_pmf(const double *params, bool coin_at_start,
									 double x, double t_x, double T, double horizon, double j);
extern double cnbd_order_prob(const double *params, bool coin_at_start,
							  double x, double t_x, double T, double horizon);
extern void cnbd_begin_life(const double *params, bool coin_at_start, Random *random, Life *life);

/* As Model has them. */
extern void cnbd_start(const Population *population, double *params);
extern void cnbd_prior_centre(const Population *population, double *ln_params);
extern double cnbd_next_order_quantile(const double *params, double x, double t_x, double T,
									   double q);
extern double cnbd_next_order(Life *life, Random *random);

#endif							/* MODELS_CNBD_H */
