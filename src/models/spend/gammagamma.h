/*
 * gammagamma.h
 *	  The gamma-gamma model: what a customer spends per purchase.
 *
 * The amounts of one customer are Gamma(p, rate nu); nu differs from customer
 * to customer as Gamma(q, rate gamma). Spend is independent of the number of
 * purchases. Parameters in this order: p, q (pure numbers), gamma (money).
 *
 * Fader & Hardie, "The Gamma-Gamma Model of Monetary Value" (note 025, 2013);
 * Colombo & Jiang, Journal of Interactive Marketing 13:3 (1999).
 */
#ifndef MODELS_SPEND_GAMMAGAMMA_H
#define MODELS_SPEND_GAMMAGAMMA_H

#include <stddef.h>
#include <stdint.h>

#include "models/spend/spend_model.h"

enum
{
	GG_P,
	GG_Q,
	GG_GAMMA,
	GAMMAGAMMA_PARAMS,
};

/*
 * Log-likelihood of points in ascending order of x (points of one x are
 * cheaper together). gradient[3] and hessian[9] are in natural parameters;
 * either may be NULL. Note 025, eq. (1a).
 */
extern double gammagamma_log_likelihood(const SpendPoint *points, size_t n_points, const double *params,
										double *gradient, double *hessian);

/*
 * Expected amount of a next purchase of a customer whose x purchases were
 * mean_spend on average: p (gamma + m x) / (p x + q - 1), note 025, eq. (5).
 * With x = 0 (mean_spend is then ignored) the mean over the population,
 * p gamma / (q - 1). NAN if it does not exist, that is if p x + q <= 1: the
 * model's tail is then so heavy that the integral is infinite.
 */
extern double gammagamma_expected_spend(const double *params, double x, double mean_spend);

extern const SpendModel gammagamma_model;

#endif /* MODELS_SPEND_GAMMAGAMMA_H */
