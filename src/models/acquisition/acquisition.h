/*
 * acquisition.h
 *	  How many new customers each period brings: models of a series of counts.
 *
 *	naive		The same season of last year again (without seasons: the last period).
 *	seasonal	Counts are Poisson with an overdispersion phi; the logarithm of their mean
 *				is a + b t + c[season], t in years from the first period. Later than a
 *				year ahead the trend is damped. McCullagh & Nelder, Generalized Linear
 *				Models (1989), 6.2 (quasi-likelihood).
 *	weibull-gamma	(subscribers.h) How long a pool of possible customers takes to come.
 *
 * Seasons are numbered from 0; their number is 1 where there are none.
 */
#ifndef MODELS_ACQUISITION_ACQUISITION_H
#define MODELS_ACQUISITION_ACQUISITION_H

#include <stdbool.h>
#include <stddef.h>

#include "numerics/host.h"

#define ACQUISITION_MAX_SEASONS 12
/* An intercept, a trend, and a coefficient of each season but the first. */
#define SEASONAL_MAX_PARAMS (1 + ACQUISITION_MAX_SEASONS)

/* Later growth of a forecast, relative to that of the year before. */
#define TREND_DAMPING 0.8

typedef struct AcquisitionSeries
{
	size_t n;
	const double *acquired; /* counts, not negative */
	const int *season;      /* of each period */
	int n_seasons;
	double periods_per_year;
} AcquisitionSeries;

/* Periods of a year, whole: how far back naive looks. */
extern size_t acquisition_lag(const AcquisitionSeries *series);

/* A dispersion that was found: counts that did not vary at all are Poisson counts, 1. */
extern double acquisition_dispersion(double found);

/*
 * Variance of next year's counts as a multiple of this year's, from all pairs of periods
 * a year apart; NaN if there is none.
 */
extern double acquisition_naive_dispersion(const AcquisitionSeries *series);

/* Count and variance of the period that is `ahead` after the last one (1 is the next). */
extern double acquisition_naive(const AcquisitionSeries *series, size_t ahead, double dispersion, double *variance);

typedef struct SeasonalFit
{
	bool converged;
	int n_params; /* 1 + n_seasons, the trend second */
	double params[SEASONAL_MAX_PARAMS];
	double covariance[SEASONAL_MAX_PARAMS * SEASONAL_MAX_PARAMS];
	double dispersion; /* phi */
} SeasonalFit;

/* Fits `seasonal` by maximum quasi-likelihood. n must exceed the number of parameters. */
extern void seasonal_fit(const Host *host, const AcquisitionSeries *series, SeasonalFit *fit);

/* Years of growth that a forecast so many years after the last period contains. */
extern double damped_years(double years);

/* Mean and variance of a count `ahead` periods after the last of n, in a season. */
extern double seasonal_forecast(const SeasonalFit *fit, size_t n, size_t ahead, double periods_per_year, int season,
								double *variance);

/* The variance of a weighted sum of the next n counts: they share the parameters, and naive's steps from year to year. */
extern double acquisition_naive_total_variance(const AcquisitionSeries *series, size_t n, double dispersion,
											   const double *weights);
extern double seasonal_total_variance(const SeasonalFit *fit, size_t n, size_t ahead, double periods_per_year,
									  const int *seasons, const double *weights);

/* Mean absolute percentage error; periods without an actual count are left out; NaN: none is left. */
extern double acquisition_mape(const double *actual, const double *forecast, size_t n);

#endif /* MODELS_ACQUISITION_ACQUISITION_H */
