/*
 * fit_engine.h
 *	  What all fits share: the search for the maximum, and its report.
 */
#ifndef MODELS_CORE_FIT_ENGINE_H
#define MODELS_CORE_FIT_ENGINE_H

#include "models/core/fit.h"
#include "numerics/host.h"

/* Half-width of the box around the prior's centre: parameters within a factor of nine million. */
#define FIT_BOX 16.0

/*
 * A log-likelihood at the logarithms of n parameters, or at coefficients, which
 * are their own logarithms. Derivatives are in these.
 */
typedef double (*LnLikelihood)(void *data, const double *ln_params, double *gradient, double *hessian);

/* The function to maximise, less a penalty. */
typedef struct Target
{
	LnLikelihood likelihood;
	void *data;
	int n;
	int n_coefficients; /* the last of the n */
	double centre[FIT_MAX_PARAMS];
	double penalty;
	double within; /* so near to the maximum is near enough, in units of the log-likelihood; 0: the maximum itself */
} Target;

/* Starting points for the maximum, without and with the weak prior; in logarithms. */
typedef struct Start
{
	double alone[FIT_MAX_PARAMS];
	double with_prior[FIT_MAX_PARAMS];

	/* The likelihood of nearly the same data has clearly no maximum without the prior. */
	bool needs_prior;
} Start;

/*
 * Find the maximum. The start is replaced by the end of the search, for a
 * search on nearly the same data.
 */
extern void fit_target(const Host *host, const Target *target, Start *start, Fit *fit);

/* Turn derivatives in n parameters into those in their logarithms. */
extern void to_logarithms(int n, const double *params, double *gradient, double *hessian);

#endif /* MODELS_CORE_FIT_ENGINE_H */
