/*
 * beta_geometric.h
 *	  The beta-geometric family: its likelihood, and what a live customer still buys.
 *
 * The customer buys at a Poisson rate that is Gamma(n, A) distributed (shape
 * n, mean n / A) and, after each purchase, leaves for good with a probability
 * p that is Beta(a, b) distributed.  BG/NBD, MBG/NBD and their relatives all
 * come to this point by updating their parameters with what was observed.
 */
#ifndef MODELS_BETA_GEOMETRIC_H
#define MODELS_BETA_GEOMETRIC_H

#include <stdbool.h>

#include "models/model.h"

/*
 * Expected purchases within time t.  n, A, a, b > 0; 0 <= t < INFINITY.
 * Fader, Hardie & Lee, Marketing Science 24:2 (2005), eq. (9), in a form that
 * exists for a = 1 and does not cancel.
 */
extern double beta_geometric_orders(double n, double A, double a, double b, double t);

/*
 * The same, a purchase at time s counting e^(-delta s).  delta >= 0; t may be
 * INFINITY if delta > 0.
 */
extern double beta_geometric_discounted(double n, double A, double a, double b,
										double t, double delta);

/*
 * Probability of exactly x purchases (whole, >= 0) within time t.  Fader, Hardie
 * & Lee (2005), eq. (8).
 */
extern double beta_geometric_pmf(double n, double A, double a, double b, double t, double x);

/*
 * Log-likelihood of a whole population under BG/NBD, or, if customers toss the
 * coin after their first purchase too, MBG/NBD.  params are r, alpha, a, b;
 * gradient[4] and hessian[16] are in natural parameters; either may be NULL.
 */
extern double beta_geometric_log_likelihood(const Population *population, const double *params,
											bool coin_at_start, double *gradient, double *hessian);

/*
 * What BG/NBD and MBG/NBD have in common as models, see model.h.  A life begins
 * without the coin's having been tossed.
 */
extern void beta_geometric_start(const Population *population, double *params);
extern void beta_geometric_prior_centre(const Population *population, double *ln_params);
extern double beta_geometric_next_order_quantile(const double *params, double x, double t_x,
												 double T, double q);
extern void beta_geometric_begin_life(const double *params, Random *random, Life *life);
extern double beta_geometric_next_order(Life *life, Random *random);

#endif							/* MODELS_BETA_GEOMETRIC_H */
