/*
 * fit_season.h
 *	  Estimate a season together with a timing model.
 *
 * The log-likelihood of customers with a season is that of the model on the season's
 * clock, plus, for each repeat purchase, ln of the factor of its day: of the days only
 * their counts by slot matter. It is maximised less a weak penalty on the logarithms of
 * the factors, by expectation-maximisation (Dempster, Laird & Rubin, JRSS B 39 (1977)):
 * given the parameters, what each slot was exposed to is the expected rate of those who
 * were customers then; given that, the factors are a Poisson regression of counts on
 * exposures. Years that are not whole, customers who join and who leave are so allowed for.
 */
#ifndef MODELS_CORE_FIT_SEASON_H
#define MODELS_CORE_FIT_SEASON_H

#include "models/core/fit.h"
#include "models/core/season.h"

/* What a season is estimated from. */
typedef struct SeasonData
{
	const Host *host;
	const CovariateClass *classes; /* of populations with days, on whatever clock: the fit sets it, and leaves none */
	size_t n_classes;
	int n_covariates;
	SeasonBy by;
	const double *counts; /* repeat purchases by slot */
	double penalty;       /* as of fit_timing */
} SeasonData;

typedef struct SeasonFit
{
	double factors[SEASON_PLACES]; /* of the slots */
	double ln_factors; /* sum over the repeat purchases of ln of their factor, which the fit's likelihood includes */
	double observed_share; /* of the places of the year, that any customer was exposed to */
	int iterations;        /* of all customers */
	bool converged;
} SeasonFit;

/* Seasons by the day of the year are waves: sines and cosines of so many frequencies. */
#define SEASON_WAVES 6

/* How many factors of a season are free: their mean is 1. */
extern int season_free_factors(SeasonBy by);

/* Fit both. The model must have expose. */
extern void fit_season(const SeasonData *data, const Model *model, SeasonFit *season, Fit *fit);

/* The sum over the repeat purchases of ln of their factor. */
extern double season_ln_factors(SeasonBy by, const double *factors, const double *counts);

#endif /* MODELS_CORE_FIT_SEASON_H */
