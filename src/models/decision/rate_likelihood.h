/*
 * rate_likelihood.h
 *	  The likelihood of a prior of rates, for its fit and for how well it is known.
 */
#ifndef MODELS_DECISION_RATE_LIKELIHOOD_H
#define MODELS_DECISION_RATE_LIKELIHOOD_H

#include "models/decision/rates.h"

typedef struct PriorLikelihood
{
	const RateUnits *rows;
	int count;
	bool counts;
	double unit; /* of exposure */
} PriorLikelihood;

/*
 * The unit of exposure that likelihoods of counts are taken in: the geometric mean, for the strength of a prior may be
 * as small as the smallest exposure is against the largest.
 */
extern double rate_typical_exposure(const RateUnits *rows, int count, double units);

/* Limits of the logarithms of a and b, in units of that exposure: beyond them there is nothing to see. */
#define RATE_PRIOR_WIDEST 18.0
#define RATE_PRIOR_MAX_ITERATIONS 200

/* Minus the likelihood of a prior, its gradient and its Hessian in ln a and ln b; data is a PriorLikelihood. */
extern void rate_prior_objective(void *data, const double *theta, double *value, double *gradient, double *hessian);

#endif /* MODELS_DECISION_RATE_LIKELIHOOD_H */
