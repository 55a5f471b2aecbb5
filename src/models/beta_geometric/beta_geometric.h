/*
 * beta_geometric.h
 *	  The beta-geometric family: its likelihood, and the expectations of a live
 *	  customer.
 *
 * The customer buys at a Poisson rate that is Gamma(n, A) distributed (shape
 * n, mean n / A) and, after each purchase, leaves for good with a probability
 * p that is Beta(a, b) distributed. BG/NBD, MBG/NBD and their relatives reduce
 * to this form by updating their parameters with the observed history.
 */
#ifndef MODELS_BETA_GEOMETRIC_BETA_GEOMETRIC_H
#define MODELS_BETA_GEOMETRIC_BETA_GEOMETRIC_H

#include <math.h>
#include <stdbool.h>

#include "models/core/model.h"

/* The parameters of the family, in order. */
enum
{
	BETA_GEO_R,
	BETA_GEO_ALPHA,
	BETA_GEO_A,
	BETA_GEO_B,
	BETA_GEO_PARAMS,
};

/*
 * How much faster than in alpha + T what a live customer is expected to buy bends, for any x: n p is
 * r a / (a + b) without a repeat purchase, and falls or grows towards a.
 */
static inline double
beta_geometric_steepness(const double *params)
{
	return fmax(1.0, fmax(params[BETA_GEO_R], params[BETA_GEO_A]));
}

/* The time over which it bends, at T = 0. */
extern double beta_geometric_bend(const double *params);

/*
 * Expected purchases within time t. n, A, a, b > 0; 0 <= t < INFINITY.
 * Fader, Hardie & Lee, Marketing Science 24:2 (2005), eq. (9), in a form that
 * exists for a = 1 and does not cancel.
 */
extern double beta_geometric_orders(double n, double A, double a, double b, double t);

/*
 * The same, a purchase at time s counting e^(-delta s). delta >= 0; t may be
 * INFINITY if delta > 0.
 */
extern double beta_geometric_discounted(double n, double A, double a, double b, double t, double delta);

/*
 * Probability of exactly x purchases (whole, >= 0) within time t. Fader, Hardie
 * & Lee (2005), eq. (8).
 */
extern double beta_geometric_pmf(double n, double A, double a, double b, double t, double x);

/* Probability of x purchases (whole, > 0) or more: a customer who never left would make them, and stays through x - 1. */
extern double beta_geometric_tail(double n, double A, double a, double b, double t, double x);

/*
 * Log-likelihood of a whole population under BG/NBD, or, if there is a dropout
 * trial after the first purchase too, MBG/NBD. params are r, alpha, a, b;
 * gradient[4] and hessian[16] are in natural parameters; either may be NULL.
 */
extern double beta_geometric_log_likelihood(const Population *population, const double *params, bool dropout_at_start,
											double *gradient, double *hessian);

/*
 * What BG/NBD and MBG/NBD have in common as models, see model.h. A simulated
 * path starts before the first dropout trial.
 */
extern void beta_geometric_start(const Population *population, double *params);
extern void beta_geometric_prior_centre(const Population *population, double *ln_params);
extern double beta_geometric_next_order_quantile(const double *params, double x, double t_x, double T, double q);
extern double beta_geometric_order_prob_if_alive(const double *params, double x, double t_x, double T, double horizon);
extern double beta_geometric_ln_silence(const double *params, double x, double t_x, double T);
extern void beta_geometric_expected_rates(const double *params, double x, double t_x, double T, double alive_prob,
										  double *alive, double *gone);
extern void beta_geometric_expose(const Population *population, const double *params,
								  double (*prob_alive)(const double *, double, double, double), SeasonWeights *weights);
extern void beta_geometric_begin_path(const double *params, Random *random, SimulatedPath *path);
extern double beta_geometric_next_order(SimulatedPath *path, Random *random);

#endif /* MODELS_BETA_GEOMETRIC_BETA_GEOMETRIC_H */
