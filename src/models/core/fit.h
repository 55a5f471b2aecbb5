/*
 * fit.h
 *	  Fit a model to data by maximum likelihood.
 *
 * One engine for all models. It works on the logarithms of the parameters, by
 * a trust-region Newton method with exact derivatives. Where the parameters
 * are not identified it falls back to a weak prior and reports it.
 */
#ifndef MODELS_CORE_FIT_H
#define MODELS_CORE_FIT_H

#include <stdbool.h>

#include "models/spend/spend_model.h"
#include "models/core/model.h"
#include "numerics/host.h"

/* The minimum number of customers for a fit. */
#define FIT_FEWEST_CUSTOMERS 5

#define FIT_MAX_COVARIATES 10
#define FIT_MAX_PARAMS (MODEL_MAX_PARAMS + MODEL_MAX_EFFECTS * FIT_MAX_COVARIATES)

/*
 * A fit's parameters are those of the model, in natural units, and after them
 * the coefficients of the covariates: all covariates of the model's first
 * effect, then all of the second, and so on.
 */
typedef struct Fit
{
	int n_params;
	double params[FIT_MAX_PARAMS];
	double log_likelihood; /* of the data, without any prior or penalty */

	/*
	 * Comparable with the log-likelihoods of models without an integer
	 * parameter: that of 1, plus what the integer adds to it when times are
	 * observed in whole days.
	 */
	double comparable;

	/*
	 * Covariance of the logarithms of the model's parameters, and of the
	 * coefficients as they are (row major, n_params * n_params), from the
	 * observed information of the data and the requested penalty. Directions
	 * that these do not determine are left out of it.
	 *
	 * An integer parameter counts as identified; its rows and columns are
	 * zero, and its standard error is NAN.
	 */
	double covariance[FIT_MAX_PARAMS * FIT_MAX_PARAMS];
	double std_errors[FIT_MAX_PARAMS]; /* of params; NAN if not identified */
	bool identified[FIT_MAX_PARAMS];   /* determined by data and penalty */

	bool converged;
	bool boundary;   /* a parameter lies at the edge of its allowed range */
	double penalty;  /* as requested */
	double prior_sd; /* of the logarithms; 0 if no prior was needed */
	int iterations;  /* evaluations of the likelihood, of all customers */
} Fit;

/*
 * A log-likelihood at natural parameters params[n], with gradient[n] and
 * hessian[n * n] in natural parameters (row major, never NULL here).
 */
typedef double (*Likelihood)(void *data, const double *params, double *gradient, double *hessian);

/*
 * Maximise a log-likelihood of n <= MODEL_MAX_PARAMS positive parameters,
 * starting at start[n]. Parameters stay within e^-16 .. e^16 times the
 * centre of the prior, whose logarithm is prior_centre[n].
 *
 * If the maximum is not found, lies at the edge, or is flat in some direction,
 * the fit is done again with a normal prior of standard deviation 10 on the
 * logarithms, and prior_sd says so.
 */
extern void fit_likelihood(const Host *host, Likelihood likelihood, void *data, int n, const double *start,
						   const double *prior_centre, Fit *fit);

/* All customers with the same covariates. */
typedef struct CovariateClass
{
	const Population *population;
	const double *covariates;
} CovariateClass;

/*
 * Fit a timing model to the customers of all classes, each of which has
 * n_covariates <= FIT_MAX_COVARIATES covariates (of which the model must know
 * the effects, if there are any). For a fit without covariates one class is
 * enough. The order of classes does not matter, to the bit, unless their
 * covariates are equal.
 *
 * Steps, box and prior are the same for all coefficients, so covariates should
 * be centred and about one in size. One that is a combination of the others
 * has coefficients that are not identified; a constant other than zero makes
 * those of the parameters it acts on unidentifiable too.
 *
 * What is maximised is the log-likelihood less penalty / 2 times the sum of
 * squares of all ln(parameter / prior centre) and of all coefficients.
 *
 * An integer parameter is the best of 1, 2, ..., searched until the likelihood
 * has fallen twice in a row. If the populations' log_gaps are not known, it is
 * 1. Where the days of their gaps are known, the likelihood of whole days (see
 * whole_days.h) is compared; the other parameters are those of the continuous
 * likelihood in any case.
 */
extern void fit_timing(const Host *host, const Model *model, const CovariateClass *classes, size_t n_classes,
					   int n_covariates, double penalty, Fit *fit);

/*
 * The same search from given parameters and coefficients near its end, without coarse
 * copies: for a model without a nested model or an integer parameter. A linear function of
 * the logarithms and coefficients is added to the log-likelihood: tilt is its gradient,
 * NULL for none.
 */
extern void fit_timing_near(const Host *host, const Model *model, const CovariateClass *classes, size_t n_classes,
							int n_covariates, double penalty, const double *near, const double *tilt, Fit *fit);

/*
 * What the customers were exposed to under a fit of a model that knows seasons, and the
 * gradient of the log-likelihood in the logarithms and coefficients, without penalty or prior.
 * Populations have days.
 */
extern void fit_timing_expose(const Host *host, const Model *model, const CovariateClass *classes, size_t n_classes,
							  int n_covariates, const Fit *fit, SeasonWeights *weights, double *gradient);

/* The parameters of the customers of a class, from a fit. */
extern void fit_class_params(const Model *model, const Fit *fit, int n_covariates, const double *covariates,
							 double *params);

/*
 * Fits of several models to the same customers share their coarse copies, and what one
 * model needs of another. The result of each is that of fit_timing, to the bit. The classes
 * must stay until the end.
 */
typedef struct TimingFits TimingFits;

extern TimingFits *timing_fits_make(const Host *host, const CovariateClass *classes, size_t n_classes, int n_covariates,
									double penalty);
extern void timing_fits_model(TimingFits *fits, const Model *model, Fit *fit);
extern void timing_fits_free(TimingFits *fits);

/* Fit a spend model to n_points > 0 points in any order. */
extern void fit_spend(const Host *host, const SpendModel *model, const SpendPoint *points, size_t n_points, Fit *fit);

#endif /* MODELS_CORE_FIT_H */
