/*
 * bgbb.h
 *	  The parameters of the BG/BB model, and its likelihood.
 */
#ifndef MODELS_DISCRETE_BGBB_H
#define MODELS_DISCRETE_BGBB_H

#include <math.h>

#include "models/core/population.h"

enum
{
	BGBB_ALPHA,
	BGBB_BETA,
	BGBB_GAMMA,
	BGBB_DELTA,
	BGBB_PARAMS,
};

/*
 * Log-likelihood of a whole population. gradient[4] and hessian[16] are in
 * natural parameters; either may be NULL. -INFINITY if a customer has more
 * purchases than periods. Ages are at most MODEL_MAX_PERIODS.
 */
extern double bgbb_log_likelihood(const Population *population, const double *params, double *gradient,
								  double *hessian);

#endif /* MODELS_DISCRETE_BGBB_H */
