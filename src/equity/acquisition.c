/*
 * acquisition.c
 *	  acquisition_model as a value: its layout, text and binary forms.
 *
 * Text:	{"method": "naive", "period": "month", "first_period": "2024-01-01", "seasonal": true,
 *			 "acquired": [120, 95, …], "population": […], "lost": […], "active": […], "event": […],
 *			 "fit": {"converged": true, "iterations": 9, "dispersion": 1.2, "mape": [0.1, 0.2, null],
 *					 "params": […], "covariance": […]}}
 *
 * Binary:	version byte, method, period and flags (1 byte each), first, n, iterations and
 *			n_params (int32 each), dispersion, mape and all numbers (float8 each)
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "equity/acquisition.h"
#include "support/args.h"
#include "support/bytes.h"
#include "support/json.h"

#define WIRE_VERSION 1
#define COVARIANCES(n) ((n) * ((n) + 1) / 2)

/* First days within the range of a date. */
#define MAX_PERIOD_NUMBER 1000000

const char *const acquisition_methods[ACQUISITION_METHODS] = {"naive", "seasonal", "weibull-gamma"};

double
acquisition_periods_per_year(Period period)
{
	switch (period)
	{
		case PERIOD_WEEK:
			return 365.2425 / 7;
		case PERIOD_MONTH:
			return 12;
		case PERIOD_QUARTER:
			return 4;
		default:
			return 1;
	}
}

/* Weeks have the seasons of quarters. */
int
acquisition_n_seasons(Period period, int flags)
{
	if ((flags & ACQUISITION_IS_SEASONAL) == 0 || period == PERIOD_YEAR)
		return 1;
	return period == PERIOD_MONTH ? 12 : 4;
}

int *
acquisition_seasons(Period period, int flags, int32 first, int32 n)
{
	int *seasons = palloc0_array(int, n);
	int count = acquisition_n_seasons(period, flags);

	for (int32 i = 0; i < n && count > 1; i++)
	{
		int32 number =
			period == PERIOD_WEEK ? period_number(PERIOD_QUARTER, period_first_day(period, first + i)) : first + i;

		seasons[i] = (number % count + count) % count;
	}
	return seasons;
}

int
acquisition_covariate_count(Period period, int flags)
{
	return acquisition_n_seasons(period, flags) - 1 + ((flags & ACQUISITION_EVENT) != 0);
}

double *
acquisition_covariates(Period period, int flags, int32 first, int32 n, const double *event)
{
	int width = acquisition_covariate_count(period, flags);
	double *covariates = palloc0_array(double, Max(1, n * width));
	int *seasons = acquisition_seasons(period, flags, first, n);

	for (int32 i = 0; i < n; i++)
	{
		if (seasons[i] > 0)
			covariates[i * width + seasons[i] - 1] = 1;
		if ((flags & ACQUISITION_EVENT) != 0)
			covariates[i * width + width - 1] = event[i];
	}
	return covariates;
}

int
acquisition_n_params(AcquisitionMethod method, Period period, int flags)
{
	int covariates = acquisition_covariate_count(period, flags);

	if (method == ACQUISITION_NAIVE)
		return 0;
	if (method == ACQUISITION_SEASONAL)
		return 1 + acquisition_n_seasons(period, flags);
	return 4 + covariates + ((flags & (ACQUISITION_LOST | ACQUISITION_ACTIVE)) != 0 ? 3 + covariates : 0);
}

Size
acquisition_numbers(const AcquisitionModel *model, AcquisitionParts *parts)
{
	AcquisitionParts found = {0};
	double *at = (double *) model->numbers;
	const struct
	{
		double **part;
		bool there;
		Size count;
	} layout[] = {{&found.acquired, true, model->n},
				  {&found.population, (model->flags & ACQUISITION_POPULATION) != 0, (Size) model->n + 1},
				  {&found.lost, (model->flags & ACQUISITION_LOST) != 0, model->n},
				  {&found.active, (model->flags & ACQUISITION_ACTIVE) != 0, model->n},
				  {&found.event, (model->flags & ACQUISITION_EVENT) != 0, model->n},
				  {&found.params, model->n_params > 0, model->n_params},
				  {&found.covariance, model->n_params > 0, COVARIANCES(model->n_params)}};

	for (int i = 0; i < lengthof(layout); i++)
		if (layout[i].there)
		{
			*layout[i].part = at;
			at += layout[i].count;
		}
	if (parts != NULL)
		*parts = found;
	return at - model->numbers;
}

AcquisitionModel *
acquisition_make(const AcquisitionModel *head)
{
	Size size = offsetof(AcquisitionModel, numbers) + acquisition_numbers(head, NULL) * sizeof(double);
	AcquisitionModel *model = palloc0(size);

	memcpy(model, head, offsetof(AcquisitionModel, numbers));
	SET_VARSIZE(model, size);
	model->version = ACQUISITION_MODEL_VERSION;
	return model;
}

const AcquisitionModel *
acquisition_get(Datum value)
{
	const AcquisitionModel *model = (const AcquisitionModel *) PG_DETOAST_DATUM(value);

	if (unlikely(VARSIZE(model) < offsetof(AcquisitionModel, numbers) || model->version != ACQUISITION_MODEL_VERSION))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version of a stored acquisition_model")));
	return model;
}

/* What is wrong with a head, on which the number of numbers depends; NULL: nothing. */
static const char *
head_problem(const AcquisitionModel *model)
{
	bool contracts = (model->flags & (ACQUISITION_LOST | ACQUISITION_ACTIVE)) != 0;

	if (model->method >= ACQUISITION_METHODS)
		return "the method is unknown";
	if (model->period < PERIOD_WEEK || model->period >= PERIODS)
		return "the period is unknown";
	if ((model->flags & ~ACQUISITION_FLAGS) != 0)
		return "a flag is unknown";
	if (model->n < ACQUISITION_FEWEST_PERIODS || model->n > ACQUISITION_MAX_PERIODS)
		return "there are too few or too many periods";
	if (model->first < -MAX_PERIOD_NUMBER || model->first > MAX_PERIOD_NUMBER ||
		!IS_VALID_DATE(period_first_day((Period) model->period, model->first)))
		return "the first period is out of range";
	if (model->iterations < 0)
		return "the number of iterations is negative";
	if ((model->flags & ACQUISITION_IS_SEASONAL) != 0 &&
		(model->period == PERIOD_YEAR || model->n < 2 * floor(acquisition_periods_per_year((Period) model->period))))
		return "seasons take two years";
	if (model->method == ACQUISITION_WEIBULL_GAMMA ? (model->flags & ACQUISITION_POPULATION) == 0
												   : contracts || (model->flags & ACQUISITION_EVENT) != 0)
		return "the method does not fit what is given";
	if (model->n_params !=
		acquisition_n_params((AcquisitionMethod) model->method, (Period) model->period, model->flags))
		return "the number of parameters does not fit the method";
	return NULL;
}

/* What is wrong with numbers of which each must not be negative, and may be unknown. */
static bool
counts_valid(const double *counts, int32 n, bool unknown_allowed)
{
	for (int32 i = 0; counts != NULL && i < n; i++)
		if (isnan(counts[i]) ? !unknown_allowed : counts[i] < 0 || counts[i] > ACQUISITION_MAX_COUNT)
			return false;
	return true;
}

static bool
numbers_finite(const double *numbers, int32 n)
{
	for (int32 i = 0; numbers != NULL && i < n; i++)
		if (!isfinite(numbers[i]))
			return false;
	return true;
}

const char *
acquisition_problem(const AcquisitionModel *model)
{
	const char *problem = head_problem(model);
	AcquisitionParts parts;

	if (problem != NULL)
		return problem;
	parts = acquisition_parts(model);
	if (!counts_valid(parts.acquired, model->n, model->method == ACQUISITION_WEIBULL_GAMMA) ||
		!counts_valid(parts.population, model->n + 1, false) || !counts_valid(parts.lost, model->n, true) ||
		!counts_valid(parts.active, model->n, true))
		return "a count is negative, or is not known";
	if (!numbers_finite(parts.event, model->n) || !numbers_finite(parts.params, model->n_params) ||
		!numbers_finite(parts.covariance, COVARIANCES(model->n_params)))
		return "a number is not known";
	for (int i = 0; i < model->n_params; i++)
		if (parts.covariance[COVARIANCES(i + 1) - 1] < 0)
			return "a variance is negative";
	if (model->dispersion < 0 || isinf(model->dispersion))
		return "the dispersion is out of range";
	if (!counts_valid(model->mape, ACQUISITION_METHODS, true))
		return "an error of the back-test is out of range";
	return NULL;
}

AcquisitionSeries
acquisition_series(const AcquisitionModel *model)
{
	Period period = (Period) model->period;

	return (AcquisitionSeries){
		.n = model->n,
		.acquired = acquisition_parts(model).acquired,
		.season = acquisition_seasons(period, model->flags, model->first, model->n),
		.n_seasons = acquisition_n_seasons(period, model->flags),
		.periods_per_year = acquisition_periods_per_year(period),
	};
}

/* The word's place in a list; -1: it is not there. */
static int
word_place(const char *word, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
		if (words[i] != NULL && strcmp(word, words[i]) == 0)
			return i;
	return -1;
}

/* The elements of an array member as numbers, null as NaN. A missing member has none. */
static bool
read_numbers(JsonInput *in, JsonbContainer *object, const char *key, double **numbers, int *count)
{
	JsonbContainer *array;

	*numbers = NULL;
	*count = 0;
	if (!json_array_member(in, object, key, true, &array))
		return false;
	if (array == NULL)
		return true;
	*count = JsonContainerSize(array);
	*numbers = palloc_array(double, Max(1, *count));
	for (int i = 0; i < *count; i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(array, i);

		CHECK_FOR_INTERRUPTS();
		(*numbers)[i] = NAN;
		if (value->type != jbvNull && !json_read_float(in, value, key, &(*numbers)[i]))
			return false;
	}
	return true;
}

/* The parts of the text, in the order in which they are stored. */
typedef struct TextParts
{
	double *numbers[7];
	int count[7];
} TextParts;

static const char *const series_keys[] = {"acquired", "population", "lost", "active", "event"};
static const char *const fit_keys[] = {"params", "covariance"};

static bool
read_fit(JsonInput *in, JsonbContainer *object, AcquisitionModel *head, TextParts *parts)
{
	static const char *const members[] = {"converged", "iterations", "dispersion", "mape",
										  "params",    "covariance", NULL};
	bool converged = false;
	int64 iterations;
	double *mape;
	int count;

	if (!json_check_members(in, object, members) ||
		!json_read_bool(in, json_member(object, "converged"), "converged", &converged) ||
		!json_read_int(in, json_member(object, "iterations"), "iterations", 0, PG_INT32_MAX, &iterations) ||
		!json_optional_float(in, object, "dispersion", &head->dispersion) ||
		!read_numbers(in, object, "mape", &mape, &count) ||
		!read_numbers(in, object, fit_keys[0], &parts->numbers[5], &parts->count[5]) ||
		!read_numbers(in, object, fit_keys[1], &parts->numbers[6], &parts->count[6]))
		return false;
	if (mape != NULL && count != ACQUISITION_METHODS)
		return json_fail(in, "\"mape\" must have %d elements.", ACQUISITION_METHODS);
	for (int i = 0; i < ACQUISITION_METHODS; i++)
		head->mape[i] = mape == NULL ? NAN : mape[i];
	head->iterations = (int32) iterations;
	head->flags |= converged ? ACQUISITION_CONVERGED : 0;
	head->n_params = Min(parts->count[5], SUBSCRIBER_MAX_PARAMS);
	return true;
}

/* The head, and the parts as they are in the text. */
static bool
read_head(JsonInput *in, JsonbContainer *object, AcquisitionModel *head, TextParts *parts)
{
	static const char *const members[] = {
		"method", "period", "first_period", "seasonal", "acquired", "population",
		"lost",   "active", "event",        "fit",      NULL,
	};
	static const int flags[] = {0, ACQUISITION_POPULATION, ACQUISITION_LOST, ACQUISITION_ACTIVE, ACQUISITION_EVENT};
	char *method;
	char *period;
	Period known;
	DateADT first = 0;
	bool seasonal = false;
	JsonbContainer *fit;

	if (!json_check_members(in, object, members) ||
		(method = json_read_text(in, json_member(object, "method"), "method")) == NULL ||
		(period = json_read_text(in, json_member(object, "period"), "period")) == NULL ||
		!json_read_date(in, json_member(object, "first_period"), "first_period", &first) ||
		!json_read_bool(in, json_member(object, "seasonal"), "seasonal", &seasonal) ||
		!json_object_member(in, object, "fit", false, &fit))
		return false;
	head->method = (uint8) word_place(method, acquisition_methods, ACQUISITION_METHODS);
	head->period = PERIODS; /* unknown */
	if (period_by_name(period, &known))
	{
		head->period = (uint8) known;
		head->first = period_number(known, first);
	}
	head->flags = seasonal ? ACQUISITION_IS_SEASONAL : 0;
	for (int i = 0; i < lengthof(series_keys); i++)
	{
		if (!read_numbers(in, object, series_keys[i], &parts->numbers[i], &parts->count[i]))
			return false;
		head->flags |= parts->numbers[i] != NULL ? flags[i] : 0;
	}
	head->n = parts->count[0];
	return read_fit(in, fit, head, parts);
}

PG_FUNCTION_INFO_V1(acquisition_model_in);
Datum
acquisition_model_in(PG_FUNCTION_ARGS)
{
	JsonInput in = {"acquisition_model", fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	AcquisitionModel head = {.dispersion = NAN};
	TextParts parts = {0};
	AcquisitionModel *model;
	const char *problem;
	double *at;

	if (object == NULL || !read_head(&in, object, &head, &parts))
		PG_RETURN_NULL();
	problem = head_problem(&head);
	for (int i = 0; i < lengthof(parts.numbers) && problem == NULL; i++)
	{
		const int counts[] = {head.n, head.n + 1, head.n, head.n, head.n, head.n_params, COVARIANCES(head.n_params)};

		if (parts.count[i] != (parts.numbers[i] == NULL ? 0 : counts[i]))
			problem = "the lists are not of the lengths that belong together";
	}
	if (problem == NULL && head.n_params > 0 && parts.numbers[6] == NULL)
		problem = "the covariance is missing";
	if (problem == NULL)
	{
		model = acquisition_make(&head);
		at = model->numbers;
		for (int i = 0; i < lengthof(parts.numbers); i++)
			if (parts.count[i] > 0)
			{
				memcpy(at, parts.numbers[i], parts.count[i] * sizeof(double));
				at += parts.count[i];
			}
		problem = acquisition_problem(model);
	}
	if (problem != NULL)
	{
		json_fail(&in, "The members do not fit together: %s.", problem);
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(model);
}

PG_FUNCTION_INFO_V1(acquisition_model_out);
Datum
acquisition_model_out(PG_FUNCTION_ARGS)
{
	const AcquisitionModel *model = acquisition_get(PG_GETARG_DATUM(0));
	AcquisitionParts parts = acquisition_parts(model);
	const double *series[] = {parts.acquired, parts.population, parts.lost, parts.active, parts.event};
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out,
					 "{\"method\": \"%s\", \"period\": \"%s\", \"first_period\": ", acquisition_methods[model->method],
					 period_names[model->period]);
	json_append_date(&out, period_first_day((Period) model->period, model->first));
	appendStringInfo(&out, ", \"seasonal\": %s", (model->flags & ACQUISITION_IS_SEASONAL) != 0 ? "true" : "false");
	for (int i = 0; i < lengthof(series_keys); i++)
		if (series[i] != NULL)
		{
			appendStringInfo(&out, ", \"%s\": ", series_keys[i]);
			json_append_floats(&out, series[i], model->n + (series[i] == parts.population));
		}
	appendStringInfo(&out, ", \"fit\": {\"converged\": %s, \"iterations\": %d, \"dispersion\": ",
					 (model->flags & ACQUISITION_CONVERGED) != 0 ? "true" : "false", model->iterations);
	json_append_float(&out, model->dispersion);
	appendStringInfoString(&out, ", \"mape\": ");
	json_append_floats(&out, model->mape, ACQUISITION_METHODS);
	if (model->n_params > 0)
	{
		appendStringInfoString(&out, ", \"params\": ");
		json_append_floats(&out, parts.params, model->n_params);
		appendStringInfoString(&out, ", \"covariance\": ");
		json_append_floats(&out, parts.covariance, COVARIANCES(model->n_params));
	}
	appendStringInfoString(&out, "}}");
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(acquisition_model_send);
Datum
acquisition_model_send(PG_FUNCTION_ARGS)
{
	const AcquisitionModel *model = acquisition_get(PG_GETARG_DATUM(0));
	Size count = acquisition_numbers(model, NULL);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendbyte(&out, model->method);
	pq_sendbyte(&out, model->period);
	pq_sendbyte(&out, model->flags);
	pq_sendint32(&out, (uint32) model->first);
	pq_sendint32(&out, (uint32) model->n);
	pq_sendint32(&out, (uint32) model->iterations);
	pq_sendint32(&out, (uint32) model->n_params);
	pq_sendfloat8(&out, model->dispersion);
	for (int i = 0; i < ACQUISITION_METHODS; i++)
		pq_sendfloat8(&out, model->mape[i]);
	for (Size i = 0; i < count; i++)
		pq_sendfloat8(&out, model->numbers[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Bytes may come from anywhere (COPY BINARY): the input is untrusted, and checked. */
PG_FUNCTION_INFO_V1(acquisition_model_recv);
Datum
acquisition_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	AcquisitionModel head = {0};
	AcquisitionModel *model;
	const char *problem;
	Size count;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed("acquisition_model", "the version is unknown");
	head.method = (uint8) pq_getmsgbyte(in);
	head.period = (uint8) pq_getmsgbyte(in);
	head.flags = (uint8) pq_getmsgbyte(in);
	head.first = (int32) pq_getmsgint(in, 4);
	head.n = (int32) pq_getmsgint(in, 4);
	head.iterations = (int32) pq_getmsgint(in, 4);
	head.n_params = (int32) pq_getmsgint(in, 4);
	head.dispersion = receive_float8(in);
	for (int i = 0; i < ACQUISITION_METHODS; i++)
		head.mape[i] = receive_float8(in);
	problem = head_problem(&head);
	if (problem != NULL)
		bytes_malformed("acquisition_model", problem);
	model = acquisition_make(&head);
	count = acquisition_numbers(model, NULL);
	for (Size i = 0; i < count; i++)
		model->numbers[i] = receive_float8(in);
	problem = acquisition_problem(model);
	if (problem != NULL)
		bytes_malformed("acquisition_model", problem);
	PG_RETURN_POINTER(model);
}

double *
acquisition_array(FunctionCallInfo fcinfo, int argno, const char *name, int32 lowest, int32 highest, bool nulls_allowed,
				  int32 *n)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(argno);
	Datum *elements;
	bool *nulls;
	double *numbers;
	int count;

	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, &nulls, &count);
	if (ARR_NDIM(array) > 1 || count < lowest || count > highest)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a list of %d to %d numbers, but has %d", name, lowest, highest, count)));
	numbers = palloc_array(double, Max(1, count));
	for (int i = 0; i < count; i++)
	{
		numbers[i] = nulls[i] ? NAN : DatumGetFloat8(elements[i]) + 0.0;
		refuse_null_element(nulls[i] && !nulls_allowed, i, name);
		if (!nulls[i] && !(numbers[i] >= 0 && numbers[i] <= ACQUISITION_MAX_COUNT))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("element %d of %s must be between 0 and %g, but is %g", i + 1, name, ACQUISITION_MAX_COUNT,
							numbers[i])));
	}
	*n = count;
	return numbers;
}
