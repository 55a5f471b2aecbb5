/*
 * acquisition_read.c
 *	  What an acquisition_model tells: forecasts, parameters, the back-test.
 */
#include "compat.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "equity/acquisition.h"
#include "numerics/normal.h"
#include "support/args.h"
#include "support/result.h"
#include "support/server_host.h"

/* The series of n periods and more, the known ones first. */
static double *
extended(const double *known, int32 n, int32 more, const double *later, double otherwise)
{
	double *all = palloc_array(double, n + more + 1);

	memcpy(all, known, n * sizeof(double));
	for (int32 i = 0; i < more; i++)
		all[n + i] = later != NULL ? later[i] : otherwise;
	return all;
}

/* Population at the end of each period to come: each year grows as the last one did. */
static double *
growing_population(const AcquisitionModel *model, int32 periods)
{
	const double *population = acquisition_parts(model).population;
	int32 year = Min((int32) floor(acquisition_periods_per_year((Period) model->period)), model->n);
	double growth = (population[model->n] - population[model->n - year]) / year;
	double *later = palloc_array(double, Max(1, periods));

	for (int32 i = 0; i < periods; i++)
		later[i] = fmax(0, population[model->n] + growth * (i + 1));
	return later;
}

SubscriberData
acquisition_subscribers(const AcquisitionModel *model, int32 periods, const double *population, const double *event)
{
	AcquisitionParts parts = acquisition_parts(model);
	Period period = (Period) model->period;
	int32 n = model->n + periods;
	double *events = parts.event == NULL ? NULL : extended(parts.event, model->n, periods, event, 0);

	return (SubscriberData){
		.host = &server_host,
		.n = n,
		.observed =
			{
				extended(parts.acquired, model->n, periods, NULL, NAN),
				parts.lost == NULL ? NULL : extended(parts.lost, model->n, periods, NULL, NAN),
				parts.active == NULL ? NULL : extended(parts.active, model->n, periods, NULL, NAN),
			},
		.population = extended(parts.population, model->n + 1, periods,
							   population != NULL ? population : growing_population(model, periods), 0),
		.n_covariates = acquisition_covariate_count(period, model->flags),
		.covariates = acquisition_covariates(period, model->flags, model->first, n, events),
	};
}

/* The covariance of the parameters as a square. */
static void
square_covariance(const AcquisitionModel *model, double *square)
{
	const double *packed = acquisition_parts(model).covariance;

	for (int i = 0; i < model->n_params; i++)
		for (int j = 0; j <= i; j++)
			square[i * model->n_params + j] = square[j * model->n_params + i] = packed[i * (i + 1) / 2 + j];
}

static SeasonalFit
seasonal_of(const AcquisitionModel *model)
{
	SeasonalFit fit = {.n_params = model->n_params, .dispersion = model->dispersion};

	memcpy(fit.params, acquisition_parts(model).params, model->n_params * sizeof(double));
	square_covariance(model, fit.covariance);
	return fit;
}

/* g' C g for a model's parameters. */
static double
parameter_variance(const AcquisitionModel *model, const double *gradient)
{
	double square[SUBSCRIBER_MAX_PARAMS * SUBSCRIBER_MAX_PARAMS];
	double variance = 0;

	square_covariance(model, square);
	for (int i = 0; i < model->n_params; i++)
		for (int j = 0; j < model->n_params; j++)
			variance += gradient[i] * gradient[j] * square[i * model->n_params + j];
	return variance;
}

/* What weibull-gamma expects of all periods and those to come, with its derivatives. */
static void
expect_subscribers(const AcquisitionModel *model, const SubscriberData *data, double **expected, double **jacobian)
{
	Size figures = SUBSCRIBER_FIGURES * data->n;

	*expected = palloc_array(double, figures);
	*jacobian = MemoryContextAllocHuge(CurrentMemoryContext, figures * model->n_params * sizeof(double));
	subscribers_expect(data, acquisition_parts(model).params, *expected, *jacobian);
}

static void
forecast_subscribers(const AcquisitionModel *model, int32 periods, const double *population, const double *event,
					 AcquisitionForecast *forecast)
{
	SubscriberData data = acquisition_subscribers(model, periods, population, event);
	double *expected;
	double *jacobian;

	expect_subscribers(model, &data, &expected, &jacobian);
	subscribers_continue(&data, model->n, expected);
	for (int32 i = 0; i < periods; i++)
	{
		Size at = model->n + i;

		CHECK_FOR_INTERRUPTS();
		forecast->acquired[i] = expected[SUBSCRIBERS_ACQUIRED * data.n + at];
		forecast->lost[i] = expected[SUBSCRIBERS_LOST * data.n + at];
		forecast->active[i] = expected[SUBSCRIBERS_ACTIVE * data.n + at];
		forecast->variance[i] = model->dispersion + parameter_variance(model, &jacobian[at * model->n_params]);
	}
}

AcquisitionForecast
acquisition_forecast_periods(const AcquisitionModel *model, int32 periods, const double *population,
							 const double *event)
{
	AcquisitionForecast forecast = {
		palloc_array(double, periods),
		palloc_array(double, periods),
		palloc_array(double, periods),
		palloc_array(double, periods),
	};
	AcquisitionSeries series = acquisition_series(model);
	int *seasons = acquisition_seasons((Period) model->period, model->flags, model->first + model->n, periods);
	SeasonalFit fit;

	if (model->method == ACQUISITION_WEIBULL_GAMMA)
	{
		forecast_subscribers(model, periods, population, event, &forecast);
		return forecast;
	}
	if (model->method == ACQUISITION_SEASONAL)
		fit = seasonal_of(model);
	for (int32 i = 0; i < periods; i++)
	{
		forecast.acquired[i] = model->method == ACQUISITION_NAIVE
			? acquisition_naive(&series, i + 1, model->dispersion, &forecast.variance[i])
			: seasonal_forecast(&fit, model->n, i + 1, series.periods_per_year, seasons[i], &forecast.variance[i]);
		forecast.lost[i] = forecast.active[i] = NAN;
	}
	return forecast;
}

double
acquisition_total_variance(const AcquisitionModel *model, int32 periods, const double *weights)
{
	AcquisitionSeries series = acquisition_series(model);
	double gradient[SUBSCRIBER_MAX_PARAMS] = {0};
	double variance = 0;
	SubscriberData data;
	double *expected;
	double *jacobian;

	if (model->method == ACQUISITION_NAIVE)
		return acquisition_naive_total_variance(&series, periods, model->dispersion, weights);
	if (model->method == ACQUISITION_SEASONAL)
	{
		SeasonalFit fit = seasonal_of(model);

		return seasonal_total_variance(&fit, model->n, periods, series.periods_per_year,
									   acquisition_seasons((Period) model->period, model->flags,
														   model->first + model->n, periods),
									   weights);
	}
	data = acquisition_subscribers(model, periods, NULL, NULL);
	expect_subscribers(model, &data, &expected, &jacobian);
	for (int32 i = 0; i < periods; i++)
	{
		CHECK_FOR_INTERRUPTS();
		variance += weights[i] * weights[i] * model->dispersion;
		for (int j = 0; j < model->n_params; j++)
			gradient[j] += weights[i] * jacobian[(Size) (model->n + i) * model->n_params + j];
	}
	return variance + parameter_variance(model, gradient);
}

const char *
acquisition_forecast_status(const AcquisitionModel *model, double largest)
{
	const double *acquired = acquisition_parts(model).acquired;
	double seen = 0;

	for (int32 i = 0; i < model->n; i++)
		seen = fmax(seen, acquired[i]);
	if ((model->flags & ACQUISITION_CONVERGED) == 0)
		return "not_converged";
	return largest > ACQUISITION_EXTRAPOLATED * seen ? "extrapolated" : NULL;
}

/* A list of later numbers, one for each period; NULL if the argument is. */
static double *
later_argument(FunctionCallInfo fcinfo, int argno, const char *name, const AcquisitionModel *model, int32 periods)
{
	double *numbers;
	int32 count;

	if (PG_ARGISNULL(argno))
		return NULL;
	if (model->method != ACQUISITION_WEIBULL_GAMMA ||
		(strcmp(name, "event") == 0 && acquisition_parts(model).event == NULL))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the model has no %s", name)));
	numbers = acquisition_array(fcinfo, argno, name, 1, ACQUISITION_MAX_PERIODS, false, &count);
	if (count != periods)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must have one element for each of the %d periods, but has %d", name, periods, count)));
	return numbers;
}

/* acquisition_forecast(acquisition_model, periods, level, population, event) → setof rows */
PG_FUNCTION_INFO_V1(acquisition_forecast);
Datum
acquisition_forecast(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	const AcquisitionModel *model;
	AcquisitionForecast forecast;
	int32 periods;
	double z;

	InitMaterializedSRF(fcinfo, 0);
	model = acquisition_get(PG_GETARG_DATUM(0));
	periods = int_argument(fcinfo, 1, "periods", 1, ACQUISITION_MAX_PERIODS, NULL);
	z = normal_quantile(0.5 + level_argument(fcinfo, 2) / 2);
	forecast = acquisition_forecast_periods(model, periods, later_argument(fcinfo, 3, "population", model, periods),
											later_argument(fcinfo, 4, "event", model, periods));
	for (int32 i = 0; i < periods; i++)
	{
		double half = z * sqrt(forecast.variance[i]);
		const char *status = acquisition_forecast_status(model, forecast.acquired[i]);
		Datum values[7] = {
			DateADTGetDatum(period_first_day((Period) model->period, model->first + model->n + i)),
		};
		bool nulls[7] = {false};

		set_float(values, nulls, 1, forecast.acquired[i]);
		set_float(values, nulls, 2, half >= 0 ? fmax(0, forecast.acquired[i] - half) : NAN);
		set_float(values, nulls, 3, forecast.acquired[i] + half);
		set_float(values, nulls, 4, forecast.lost[i]);
		set_float(values, nulls, 5, forecast.active[i]);
		values[6] = CStringGetTextDatum(status != NULL ? status : isfinite(half) ? "ok" : "no_interval");
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static void
put_param(ReturnSetInfo *results, const char *name, double estimate, double std_error)
{
	Datum values[3] = {CStringGetTextDatum(name)};
	bool nulls[3] = {false};

	set_float(values, nulls, 1, estimate);
	set_float(values, nulls, 2, std_error);
	tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
}

static const char *
season_name(Period period, int season)
{
	static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
										 "jul", "aug", "sep", "oct", "nov", "dec"};

	return period == PERIOD_MONTH ? months[season] : psprintf("q%d", season + 1);
}

/* One process of weibull-gamma, from a place of its parameters on. Estimates are natural, errors by the delta method. */
static void
put_process(ReturnSetInfo *results, const AcquisitionModel *model, const char *prefix, int at, bool has_share)
{
	static const char *const baseline[] = {"r", "alpha", "c"};
	AcquisitionParts parts = acquisition_parts(model);
	int n_seasons = acquisition_n_seasons((Period) model->period, model->flags);
	int n = 3 + has_share + acquisition_covariate_count((Period) model->period, model->flags);

	for (int i = 0; i < n; i++, at++)
	{
		double theta = parts.params[at];
		double error = sqrt(parts.covariance[(at + 1) * (at + 2) / 2 - 1]);
		int covariate = i - 3 - has_share;

		if (i < 3)
			put_param(results, psprintf("%s_%s", prefix, baseline[i]), exp(theta), exp(theta) * error);
		else if (has_share && i == 3)
			put_param(results, "never_share", 1 / (1 + exp(theta)), error / ((1 + exp(theta)) * (1 + exp(-theta))));
		else
			put_param(results,
					  psprintf("%s_%s", prefix,
							   covariate < n_seasons - 1 ? season_name((Period) model->period, covariate + 1)
														 : "event"),
					  theta, error);
	}
}

/* acquisition_params(acquisition_model) → setof (param, estimate, std_error) */
PG_FUNCTION_INFO_V1(acquisition_params);
Datum
acquisition_params(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	const AcquisitionModel *model = acquisition_get(PG_GETARG_DATUM(0));
	AcquisitionParts parts = acquisition_parts(model);
	int covariates = acquisition_covariate_count((Period) model->period, model->flags);

	InitMaterializedSRF(fcinfo, 0);
	if (model->method == ACQUISITION_SEASONAL)
		for (int i = 0; i < model->n_params; i++)
			put_param(results,
					  i == 0       ? "intercept"
						  : i == 1 ? "trend"
								   : season_name((Period) model->period, i - 1),
					  parts.params[i], sqrt(parts.covariance[(i + 1) * (i + 2) / 2 - 1]));
	else if (model->method == ACQUISITION_WEIBULL_GAMMA)
	{
		put_process(results, model, "acquired", 0, true);
		if (model->n_params > 4 + covariates)
			put_process(results, model, "stay", 4 + covariates, false);
	}
	put_param(results, "dispersion", model->dispersion, NAN);
	return (Datum) 0;
}

/* acquisition_backtest(acquisition_model) → setof (method, mape, chosen) */
PG_FUNCTION_INFO_V1(acquisition_backtest);
Datum
acquisition_backtest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	const AcquisitionModel *model = acquisition_get(PG_GETARG_DATUM(0));

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < ACQUISITION_METHODS; i++)
		if (i == model->method || !isnan(model->mape[i]))
		{
			Datum values[3] = {CStringGetTextDatum(acquisition_methods[i])};
			bool nulls[3] = {false};

			set_float(values, nulls, 1, model->mape[i]);
			values[2] = BoolGetDatum(i == model->method);
			tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
		}
	return (Datum) 0;
}

/* acquisition_method(acquisition_model) → text */
PG_FUNCTION_INFO_V1(acquisition_method);
Datum
acquisition_method(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(acquisition_methods[acquisition_get(PG_GETARG_DATUM(0))->method]));
}
