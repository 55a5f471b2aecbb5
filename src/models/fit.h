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

#define FIT_MAX_COVARIATES 10
#define FIT_MAX_PARAMS (MODEL_MAX_PARAMS + MODEL_MAX_EFFECTS * FIT_MAX_COVARIATES)

/*
 * A fit's parameters are those of the model, in natural units, and after them
 * the coefficients of the covariates: all covariates of the model's first
 * effect, then all of the second, and so on.
 */
typedef struct Fit
{
	int			n_params;
	double		params[FIT_MAX_PARAMS];
	double		log_likelihood; /* of the data, without any prior or penalty */

	/*
	 * Covariance of the logarithms of the model's parameters, and of the
	 * coefficients as they are (row major, n_params * n_params), from the
	 * observed information of the data and the penalty that was asked for.
	 * Directions that these do not determine are left out of it.
	 *
	 * A parameter that is a whole number counts as identified; its rows and
	 * columns are zero, and its standard error is NAN.
	 */
	double		covariance[FIT_MAX_PARAMS * FIT_MAX_PARAMS];
	double		std_errors[FIT_MAX_PARAMS]; /* of params; NAN if not identified */
	bool		identified[FIT_MAX_PARAMS]; /* do data and penalty determine it? */

	bool		converged;
	bool		boundary;		/* a parameter stands at the edge of what is allowed */
	double		penalty;		/* as asked for */
	double		prior_sd;		/* of the logarithms; 0 if no prior was needed */
	int			iterations;		/* evaluations of the likelihood, of all customers */
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

/* All customers with the same covariates. */
typedef struct CovariateClass
{
	const Population *population;
	const double *covariates;
} CovariateClass;

/*
 * Fit a timing model to the customers of all classes, each of which has
 * n_covariates <= FIT_MAX_COVARIATES covariates (of which the model must know
 * the effects, if there are any).  For a fit without covariates one class is
 * enough.  The order of classes does not matter, to the bit, unless their
 * covariates are equal.
 *
 * Steps, box and prior are the same for all coefficients, so covariates should
 * be centred and about one in size.  One that is a combination of the others
 * has coefficients that are not identified; a constant other than zero makes
 * those of the parameters it acts on unidentifiable too.
 *
 * What is maximised is the log-likelihood less penalty / 2 times the sum of
 * squares of all ln(parameter / prior centre) and of all coefficients.
 *
 * A parameter that is a whole number is the one of 1, 2, ... that is best, as
 * far as the likelihood has not fallen twice in a row.  If the populations do
 * not know their log_gaps, it is 1.
 */
extern void fit_timing(const Host *host, const Model *model, const CovariateClass *classes,
					   size_t n_classes, int n_covariates, double penalty, Fit *fit);

/* Fit the gamma-gamma model to n_points > 0 points in any order. */
extern void fit_spend(const Host *host, const SpendPoint *points, size_t n_points, Fit *fit);

#endif							/* MODELS_FIT_H */
