/*
 * bgbb.h
 *	  The parameters of the BG/BB model, and its likelihood.
 */
#ifndef MODELS_BGBB_H
#define MODELS_BGBB_H

#include <math.h>

#include "models/population.h"

enum
{
	ALPHA,
	BETA,
	GAMMA,
	DELTA,
	BGBB_PARAMS
};

/*
 * Log-likelihood of a whole population.  gradient[4] and hessian[16] are in
 * natural parameters; either may be NULL.  -INFINITY if somebody bought more often
 * than there were periods.
 */
extern double bgbb_log_likelihood(const Population *population, const double *params,
								  double *gradient, double *hessian);

#endif							/* MODELS_BGBB_H */
