/*
 * acquisition_fit.c
 *	  Fitting an acquisition model, and the choice of one by a back-test.
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "equity/acquisition.h"
#include "population/customer_base.h"
#include "support/args.h"
#include "support/server_host.h"

/* A back-test forecasts this many years at most, each from what was known before it. */
#define MOST_ORIGINS 5

/* Years that an origin leaves to fit to, as far as there are so many. */
#define ORIGIN_YEARS 3

/* What a model is fitted to. */
typedef struct Input
{
	Period period;
	int flags;
	int32 first;
	int32 n;
	double *acquired;
	double *population; /* [1 + n] */
	double *lost;
	double *active;
	double *event;
} Input;

/* A list with an element for each period; NULL if the argument is. */
static double *
series_argument(FunctionCallInfo fcinfo, int argno, const char *name, int32 n, bool nulls_allowed)
{
	double *numbers;
	int32 count;

	if (PG_ARGISNULL(argno))
		return NULL;
	numbers = acquisition_array(fcinfo, argno, name, 0, ACQUISITION_MAX_PERIODS, nulls_allowed, &count);
	if (count != n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must have one element for each of the %d periods, but has %d", name, n, count)));
	return numbers;
}

/* The population before the first period and at the end of each; one number is a constant. */
static double *
population_argument(FunctionCallInfo fcinfo, int argno, const Input *input)
{
	double *population;
	double acquired = 0;
	int32 count;

	if (PG_ARGISNULL(argno))
		return NULL;
	population = acquisition_array(fcinfo, argno, "population", 1, ACQUISITION_MAX_PERIODS + 1, false, &count);
	if (count != 1 && count != input->n + 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("population must have 1 element or %d, but has %d", input->n + 1, count),
				 errhint("Give one number, or that before the first period and that at the end of each.")));
	if (count == 1)
	{
		population = repalloc(population, (input->n + 1) * sizeof(double));
		for (int i = 1; i <= input->n; i++)
			population[i] = population[0];
	}
	for (int i = 0; i < input->n; i++)
	{
		acquired += isnan(input->acquired[i]) ? 0 : input->acquired[i];
		if (population[i + 1] < acquired)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("population is %g after period %d, but %g customers were acquired until then",
							population[i + 1], i + 1, acquired),
					 errhint("The population is of all who may become customers, those who have included.")));
	}
	return population;
}

/* Nobody can be lost who was not acquired: the series begin with no customers. */
static void
check_lost(const Input *input)
{
	double acquired = 0;
	double lost = 0;

	for (int i = 0; input->lost != NULL && i < input->n; i++)
	{
		if (isnan(input->acquired[i]) || isnan(input->lost[i]))
			return;
		acquired += input->acquired[i];
		lost += input->lost[i];
		if (lost > acquired)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%g customers were lost until period %d, but only %g were acquired", lost, i + 1, acquired),
					 errhint("The series begin with the first customer. If there were some before, leave lost out.")));
	}
}

/* Whole periods of a year. */
static int32
year_of(Period period)
{
	return (int32) floor(acquisition_periods_per_year(period));
}

static bool
seasonal_argument(FunctionCallInfo fcinfo, int argno, Period period, int32 n)
{
	bool possible = period != PERIOD_YEAR && n >= 2 * year_of(period);

	if (PG_ARGISNULL(argno))
		return possible;
	if (PG_GETARG_BOOL(argno) && !possible)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 period == PERIOD_YEAR
					 ? errmsg("years have no seasons")
					 : errmsg("seasons take two years, %d periods, but there are %d", 2 * year_of(period), n),
				 errhint("Leave seasonal out, or set it to false.")));
	return PG_GETARG_BOOL(argno);
}

/* The method of that name; ACQUISITION_METHODS: auto. */
static AcquisitionMethod
method_argument(FunctionCallInfo fcinfo, int argno)
{
	char *name;

	refuse_null(fcinfo, argno, "method", NULL);
	name = text_to_cstring(PG_GETARG_TEXT_PP(argno));
	for (int i = 0; i < ACQUISITION_METHODS; i++)
		if (strcmp(name, acquisition_methods[i]) == 0)
			return (AcquisitionMethod) i;
	if (strcmp(name, "auto") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no method \"%s\"", name),
				 errhint("Use 'auto', 'naive', 'seasonal' or 'weibull-gamma'.")));
	return ACQUISITION_METHODS;
}

/* A series that the model has is one that the input has. */
static void
copy_numbers(double *to, const double *from, int count)
{
	if (to != NULL && from != NULL)
		memcpy(to, from, count * sizeof(double));
}

/* A model with the series of the input, as far as the method uses it; the parameters are to come. */
static AcquisitionModel *
model_of_input(const Input *input, AcquisitionMethod method)
{
	int kept = method == ACQUISITION_WEIBULL_GAMMA ? ACQUISITION_FLAGS : ACQUISITION_IS_SEASONAL;
	AcquisitionModel head = {.method = method,
							 .period = input->period,
							 .flags = input->flags & kept,
							 .first = input->first,
							 .n = input->n,
							 .dispersion = NAN,
							 .mape = {NAN, NAN, NAN}};
	AcquisitionModel *model;
	AcquisitionParts parts;

	head.n_params = acquisition_n_params(method, input->period, head.flags);
	model = acquisition_make(&head);
	parts = acquisition_parts(model);
	memcpy(parts.acquired, input->acquired, input->n * sizeof(double));
	copy_numbers(parts.population, input->population, input->n + 1);
	copy_numbers(parts.lost, input->lost, input->n);
	copy_numbers(parts.active, input->active, input->n);
	copy_numbers(parts.event, input->event, input->n);
	return model;
}

static void
put_fit(AcquisitionModel *model, bool converged, int iterations, const double *params, const double *covariance)
{
	AcquisitionParts parts = acquisition_parts(model);
	int n = model->n_params;

	model->flags |= converged ? ACQUISITION_CONVERGED : 0;
	model->iterations = iterations;
	for (int i = 0; i < n; i++)
	{
		parts.params[i] = params[i] + 0.0;
		for (int j = 0; j <= i; j++)
			parts.covariance[i * (i + 1) / 2 + j] = covariance[i * n + j] + 0.0;
	}
}

static AcquisitionModel *
fit_method(const Input *input, AcquisitionMethod method)
{
	AcquisitionModel *model = model_of_input(input, method);
	AcquisitionSeries series = acquisition_series(model);

	if (method == ACQUISITION_NAIVE)
	{
		model->dispersion = acquisition_naive_dispersion(&series);
		model->flags |= ACQUISITION_CONVERGED;
	}
	else if (method == ACQUISITION_SEASONAL)
	{
		SeasonalFit fit;

		seasonal_fit(&server_host, &series, &fit);
		model->dispersion = acquisition_dispersion(fit.dispersion);
		put_fit(model, fit.converged, 0, fit.params, fit.covariance);
	}
	else
	{
		SubscriberData data = acquisition_subscribers(model, 0, NULL, NULL);
		SubscriberFit fit;

		if (subscriber_observations(&data) <= subscriber_params(&data))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("weibull-gamma has %d parameters, but only %zu numbers are given", subscriber_params(&data),
							subscriber_observations(&data)),
					 errhint("Give more periods, or set seasonal to false.")));
		subscribers_fit(&data, &fit);
		model->dispersion = fit.variance;
		put_fit(model, fit.converged, fit.iterations, fit.theta, fit.covariance);
	}
	return model;
}

/* The first periods of an input. */
static Input
first_periods(const Input *input, int32 n)
{
	Input part = *input;

	part.n = n;
	return part;
}

/* How many periods the first fit of the back-test has; the others have years more. 0: there are too few for any. */
static int32
first_origin(const Input *input)
{
	int32 year = year_of(input->period);
	int32 fewest = Max(ACQUISITION_FEWEST_PERIODS, (input->flags & ACQUISITION_IS_SEASONAL) != 0 ? 2 * year : 0);
	int32 origin = input->n - year;

	if (origin < fewest)
		return 0;
	for (int i = 1; i < MOST_ORIGINS && origin - year >= Max(fewest, ORIGIN_YEARS * year); i++)
		origin -= year;
	return origin;
}

/* The mean absolute percentage error of forecasts of a year, each from what was known before it. */
static double
back_test(const Input *input, AcquisitionMethod method)
{
	int32 year = year_of(input->period);
	int32 n = 0;
	double *forecast = palloc_array(double, input->n);
	double *actual = palloc_array(double, input->n);

	for (int32 origin = first_origin(input); origin > 0 && origin + year <= input->n; origin += year)
	{
		Input known = first_periods(input, origin);
		AcquisitionModel *model = fit_method(&known, method);
		AcquisitionForecast ahead =
			acquisition_forecast_periods(model, year, input->population == NULL ? NULL : input->population + origin + 1,
										 NULL);

		memcpy(forecast + n, ahead.acquired, year * sizeof(double));
		memcpy(actual + n, input->acquired + origin, year * sizeof(double));
		n += year;
	}
	return acquisition_mape(actual, forecast, n);
}

/* The method with the smallest error, the simpler one of equals. */
static AcquisitionModel *
fit_best(const Input *input)
{
	AcquisitionMethod best = ACQUISITION_NAIVE;
	double mape[ACQUISITION_METHODS] = {NAN, NAN, NAN};
	AcquisitionModel *model;

	for (int method = 0; method < ACQUISITION_METHODS; method++)
		if (method != ACQUISITION_WEIBULL_GAMMA || input->population != NULL)
		{
			mape[method] = back_test(input, (AcquisitionMethod) method);
			if (mape[method] < mape[best])
				best = (AcquisitionMethod) method;
		}
	if (isnan(mape[ACQUISITION_NAIVE]))
		ereport(NOTICE,
				(errmsg("there are too few periods for a back-test, so the method is naive"),
				 errhint("Name the method, or give more periods.")));
	model = fit_method(input, best);
	memcpy(model->mape, mape, sizeof(mape));
	return model;
}

/* What is given without a use is refused. */
static void
check_use(const Input *input, AcquisitionMethod method)
{
	bool weibull = method == ACQUISITION_WEIBULL_GAMMA;
	double total = 0;

	for (int i = 0; i < input->n; i++)
		total += isnan(input->acquired[i]) ? 0 : input->acquired[i];
	if (!(total > 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("no customer was acquired in any period")));
	if (weibull && input->population == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("method weibull-gamma needs the population"),
				 errhint("Give the number of possible customers, or use another method.")));
	if (!weibull && (input->lost != NULL || input->active != NULL || input->event != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("lost, active and event are for method weibull-gamma only")));
}

/* acquisition_fit(acquired, first_period, period, method, population, seasonal, event, lost, active) → acquisition_model */
PG_FUNCTION_INFO_V1(acquisition_fit);
Datum
acquisition_fit(PG_FUNCTION_ARGS)
{
	AcquisitionMethod method;
	AcquisitionModel *model;
	Input input = {0};

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	method = method_argument(fcinfo, 3);
	input.period = period_argument(fcinfo, 2, "period");
	input.first = period_number(input.period, needed_day_argument(fcinfo, 1, "first_period", NULL));
	input.acquired = acquisition_array(fcinfo, 0, "acquired", ACQUISITION_FEWEST_PERIODS, ACQUISITION_MAX_PERIODS,
									   method == ACQUISITION_WEIBULL_GAMMA, &input.n);
	input.flags = seasonal_argument(fcinfo, 5, input.period, input.n) ? ACQUISITION_IS_SEASONAL : 0;
	input.population = population_argument(fcinfo, 4, &input);
	input.event = series_argument(fcinfo, 6, "event", input.n, false);
	input.lost = series_argument(fcinfo, 7, "lost", input.n, true);
	input.active = series_argument(fcinfo, 8, "active", input.n, true);
	check_use(&input, method);
	check_lost(&input);
	input.flags |= (input.population != NULL ? ACQUISITION_POPULATION : 0) |
		(input.event != NULL ? ACQUISITION_EVENT : 0) | (input.lost != NULL ? ACQUISITION_LOST : 0) |
		(input.active != NULL ? ACQUISITION_ACTIVE : 0);
	model = method == ACQUISITION_METHODS ? fit_best(&input) : fit_method(&input, method);
	if ((model->flags & ACQUISITION_CONVERGED) == 0)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("the fit of %s did not reach its best", acquisition_methods[model->method]),
				 errhint("A season without any customer has no effect that could be found: set seasonal to false, or "
						 "give more periods.")));
	Assert(acquisition_problem(model) == NULL);
	PG_RETURN_POINTER(model);
}

/* Whether periods of this kind are put together from periods of the other. */
static bool
made_of(Period period, Period part)
{
	return part == PERIOD_DAY || part == period || (part >= PERIOD_MONTH && part < period);
}

/* acquisition_step(base, period, first_day, last_day) → interval */
PG_FUNCTION_INFO_V1(acquisition_step);
Datum
acquisition_step(PG_FUNCTION_ARGS)
{
	BaseReader reader;

	refuse_null(fcinfo, 1, "period", "Leave it out, and it has its default.");
	if (any_null(fcinfo, 0, 3))
		PG_RETURN_NULL();
	base_open(&reader, PG_GETARG_DATUM(0));

	Period period = period_argument(fcinfo, 1, "period");
	int64 count = (int64) period_number(period, PG_GETARG_DATEADT(3)) - period_number(period, PG_GETARG_DATEADT(2)) + 1;
	PeriodLength length = period_length(period);
	Interval *step = palloc0(sizeof(Interval));

	/* the base does not know in which of the shorter periods its customers came */
	if (!made_of(period, reader.head.period))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the base counts by the %s: it does not say in which %s customers came",
						period_names[reader.head.period], period_names[period]),
				 errhint("Ask for each %s, or make the base of days: customer_base(history).",
						 period_names[reader.head.period])));
	if (count > CALENDAR_MAX_PERIODS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the customers of this base came in " INT64_FORMAT " %ss; at most %d are counted", count,
						period_names[period], CALENDAR_MAX_PERIODS),
				 errhint("Is there an order with a wrong day? See min(first_order_on(history)) and "
						 "observed_until(base).")));
	step->month = length.months;
	step->day = length.days;
	PG_RETURN_INTERVAL_P(step);
}
