/*
 * acquisition.c
 *	  The models naive and seasonal. See acquisition.h.
 */
#include "models/acquisition/acquisition.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "models/acquisition/inverse.h"
#include "numerics/trust_region.h"

#define MAX_ITERATIONS 200

/* Logarithms of counts and their differences stay within this. */
#define BOX 100.0

/* A period without new customers is as uncertain as one with half of one. */
#define NOTHING_SEEN 0.5

size_t
acquisition_lag(const AcquisitionSeries *series)
{
	return series->n_seasons > 1 ? (size_t) floor(series->periods_per_year) : 1;
}

double
acquisition_dispersion(double found)
{
	return found == 0 ? 1 : found;
}

double
acquisition_naive_dispersion(const AcquisitionSeries *series)
{
	size_t lag = acquisition_lag(series);
	double squares = 0;
	double counts = 0;

	for (size_t i = lag; i < series->n; i++)
	{
		double change = series->acquired[i] - series->acquired[i - lag];

		host_poll_at(i);
		squares += change * change;
		counts += series->acquired[i - lag];
	}
	return counts > 0 ? acquisition_dispersion(squares / counts) : NAN;
}

double
acquisition_naive(const AcquisitionSeries *series, size_t ahead, double dispersion, double *variance)
{
	size_t lag = acquisition_lag(series);
	size_t times = (ahead - 1) / lag + 1;
	double count = series->acquired[series->n + ahead - 1 - times * lag];

	*variance = dispersion * fmax(count, NOTHING_SEEN) * (double) times;
	return count;
}

double
acquisition_naive_total_variance(const AcquisitionSeries *series, size_t n, double dispersion, const double *weights)
{
	size_t lag = acquisition_lag(series);
	double variance = 0;

	/* A step of a season from one year to the next is in all counts of that season from then on. */
	for (size_t season = 0; season < lag && season < n; season++)
	{
		double unused;
		double of_step = dispersion * fmax(acquisition_naive(series, season + 1, 0, &unused), NOTHING_SEEN);
		double weight = 0;

		for (size_t i = season + (n - 1 - season) / lag * lag;; i -= lag)
		{
			host_poll_at(i);
			weight += weights[i];
			variance += of_step * weight * weight;
			if (i < lag)
				break;
		}
	}
	return variance;
}

/* The linear predictor's coefficients of a period: 1, t, and 1 in its season's place. */
static void
seasonal_row(int n_params, double t, int season, double *row)
{
	memset(row, 0, n_params * sizeof(double));
	row[0] = 1;
	row[1] = t;
	if (season > 0)
		row[1 + season] = 1;
}

static double
dot(const double *a, const double *b, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* The negative log-likelihood of independent Poisson counts, without what is constant. */
static void
seasonal_objective(void *data, const double *theta, double *value, double *gradient, double *hessian)
{
	const AcquisitionSeries *series = data;
	int n = 1 + series->n_seasons;
	double row[SEASONAL_MAX_PARAMS];

	*value = 0;
	memset(gradient, 0, n * sizeof(double));
	memset(hessian, 0, n * n * sizeof(double));
	for (size_t i = 0; i < series->n; i++)
	{
		double eta;
		double mean;

		host_poll_at(i);
		seasonal_row(n, i / series->periods_per_year, series->season[i], row);
		eta = dot(row, theta, n);
		mean = exp(eta);
		*value += mean - series->acquired[i] * eta;
		for (int j = 0; j < n; j++)
		{
			gradient[j] += (mean - series->acquired[i]) * row[j];
			for (int k = 0; k < n; k++)
				hessian[j * n + k] += mean * row[j] * row[k];
		}
	}
}

/* Pearson's statistic over its degrees of freedom. */
static double
seasonal_dispersion(const AcquisitionSeries *series, const double *theta, int n)
{
	double row[SEASONAL_MAX_PARAMS];
	double sum = 0;

	for (size_t i = 0; i < series->n; i++)
	{
		double mean;

		host_poll_at(i);
		seasonal_row(n, i / series->periods_per_year, series->season[i], row);
		mean = exp(dot(row, theta, n));
		if (mean > 0)
			sum += (series->acquired[i] - mean) * (series->acquired[i] - mean) / mean;
	}
	return sum / ((double) series->n - n);
}

void
seasonal_fit(const Host *host, const AcquisitionSeries *series, SeasonalFit *fit)
{
	int n = 1 + series->n_seasons;
	double mean = 0;
	TrustRegionResult result;

	*fit = (SeasonalFit){.n_params = n};
	for (size_t i = 0; i < series->n; i++)
		mean += series->acquired[i] / series->n;
	fit->params[0] = log(fmax(mean, DBL_MIN));
	trust_region_minimise(host, seasonal_objective, (void *) series, n, BOX, MAX_ITERATIONS, fit->params, &result);
	fit->converged = result.outcome == TRUST_REGION_CONVERGED;
	fit->dispersion = seasonal_dispersion(series, fit->params, n);
	symmetric_inverse(n, result.hessian, fit->covariance);
	for (int i = 0; i < n * n; i++)
		fit->covariance[i] *= fit->dispersion;
}

/* The rate of growth is constant for a year, and then falls by a factor each year. */
double
damped_years(double years)
{
	return years <= 1 ? years : 1 + expm1((years - 1) * log(TREND_DAMPING)) / log(TREND_DAMPING);
}

/* v' C v */
static double
quadratic_form(const SeasonalFit *fit, const double *vector)
{
	double sum = 0;

	for (int i = 0; i < fit->n_params; i++)
		sum += vector[i] * dot(&fit->covariance[i * fit->n_params], vector, fit->n_params);
	return sum;
}

/* The coefficients of a period `ahead` after the last of n. */
static void
forecast_row(const SeasonalFit *fit, size_t n, size_t ahead, double periods_per_year, int season, double *row)
{
	seasonal_row(fit->n_params, (n - 1.0) / periods_per_year + damped_years(ahead / periods_per_year), season, row);
}

double
seasonal_forecast(const SeasonalFit *fit, size_t n, size_t ahead, double periods_per_year, int season, double *variance)
{
	double row[SEASONAL_MAX_PARAMS];
	double mean;

	forecast_row(fit, n, ahead, periods_per_year, season, row);
	mean = exp(dot(row, fit->params, fit->n_params));
	*variance = fit->dispersion * mean + mean * mean * quadratic_form(fit, row);
	return mean;
}

double
seasonal_total_variance(const SeasonalFit *fit, size_t n, size_t ahead, double periods_per_year, const int *seasons,
						const double *weights)
{
	double gradient[SEASONAL_MAX_PARAMS] = {0};
	double variance = 0;

	for (size_t i = 0; i < ahead; i++)
	{
		double row[SEASONAL_MAX_PARAMS];
		double mean;

		host_poll_at(i);
		forecast_row(fit, n, i + 1, periods_per_year, seasons[i], row);
		mean = exp(dot(row, fit->params, fit->n_params));
		variance += weights[i] * weights[i] * fit->dispersion * mean;
		for (int j = 0; j < fit->n_params; j++)
			gradient[j] += weights[i] * mean * row[j];
	}
	return variance + quadratic_form(fit, gradient);
}

double
acquisition_mape(const double *actual, const double *forecast, size_t n)
{
	double sum = 0;
	size_t counted = 0;

	for (size_t i = 0; i < n; i++)
	{
		host_poll_at(i);
		if (actual[i] > 0)
		{
			sum += fabs(forecast[i] - actual[i]) / actual[i];
			counted++;
		}
	}
	return counted > 0 ? sum / counted : NAN;
}
