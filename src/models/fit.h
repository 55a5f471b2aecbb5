/*
 * fit.h
 *	  Fit a model to data: maximum likelihood, honestly reported.
 *
 * One engine for all models.  It works on the logarithms of the parameters,
 * by a trust-region Newton method with exact derivatives.  Where the data do
 * not determine the parameters it falls back to a weak prior and says so.
 */
#ifndef MODELS_FIT_H
#define MODELS_FIT_H

#include <stdbool.h>

#include "models/gammagamma.h"
#include "models/model.h"
#include "numerics/host.h"

typedef struct Fit
{
	int			n_params;
	double		params[MODEL_MAX_PARAMS];
	double		log_likelihood; /* of the data, without any prior */

	/*
	 * Covariance of the logarithms of the parameters, from the observed
	 * information of the data (row major, n_params * n_params).  Directions
	 * the data do not determine are left out of it.
	 */
	double		covariance[MODEL_MAX_PARAMS * MODEL_MAX_PARAMS];
	double		std_errors[MODEL_MAX_PARAMS];	/* of params; NAN if not identified */
	bool		identified[MODEL_MAX_PARAMS];	/* do the data determine it? */

	bool		converged;
	bool		boundary;		/* a parameter stands at the edge of what is allowed */
	double		prior_sd;		/* of the logarithms; 0 if no prior was needed */
	int			iterations;		/* evaluations of the likelihood */
} Fit;

/*
 * A log-likelihood at natural parameters params[n], with gradient[n] and
 * hessian[n * n] in natural parameters (row major, never NULL here).
 */
typedef double (*Likelihood) (void *data, const double *params,
							  double *gradient, double *hessian);

/*
 * Maximise a log-likelihood of n <= MODEL_MAX_PARAMS positive parameters,
 * starting at start[n].  Parameters stay within e^-16 .. e^16 times the
 * centre of the prior, whose logarithm is prior_centre[n].
 *
 * If the maximum is not found, lies at the edge, or is flat in some direction,
 * the fit is done again with a normal prior of standard deviation 10 on the
 * logarithms, and prior_sd says so.
 */
extern void fit_likelihood(const Host *host, Likelihood likelihood, void *data, int n,
						   const double *start, const double *prior_centre, Fit *fit);

/* Fit a timing model. */
extern void fit_timing(const Host *host, const Model *model, const Population *population,
					   Fit *fit);

/* Fit the gamma-gamma model to n_points > 0 points in any order. */
extern void fit_spend(const Host *host, const SpendPoint *points, size_t n_points, Fit *fit);

#endif							/* MODELS_FIT_H */
