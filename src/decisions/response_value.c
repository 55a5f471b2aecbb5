/*
 * response_value.c
 *	  A response_curve as a value: construction, stored form, checks, merging,
 *	  fit.
 */
#include "compat.h"

#include <float.h>
#include <math.h>

#include "common/int.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "decisions/decisions.h"
#include "experiments/experiments.h"
#include "support/agg_group.h"
#include "support/agg_state.h"
#include "support/args.h"
#include "support/bytes.h"

#define MAX_LEVEL_BYTES (8 + MAX_VARINT_BYTES + 2 * MAX_EXACT_SUM_BYTES)
#define MAX_HEAD_BYTES (2 + 2 * MAX_VARINT_BYTES + 1 + 8 * 6)

/* Heads are exact as doubles. */
#define MOST_HEADS (INT64CONST(1) << 53)

/* A response_curve as a transition state: the same SQL type. */
typedef struct ResponseState
{
	GrowingState growing;
	uint32 unsettled; /* rows since the last carry propagation */
	int capacity;     /* capacity in levels */
	ResponseValue value;
} ResponseState;

static void
settle_levels(ResponseValue *value)
{
	for (int i = 0; i < value->n_levels; i++)
	{
		exact_sum_settle(&value->levels[i].response);
		exact_sum_settle(&value->levels[i].squares);
	}
}

ResponseValue
response_value_get(Datum datum)
{
	ResponseState *state = agg_state_to_read(datum);

	if (state != NULL)
	{
		settle_levels(&state->value);
		state->unsettled = 0;
		return state->value;
	}

	struct varlena *stored = PG_DETOAST_DATUM_PACKED(datum);
	const uint8 *at = (const uint8 *) VARDATA_ANY(stored);
	const uint8 *end = at + VARSIZE_ANY_EXHDR(stored);
	ResponseValue value = {0};

	if (end - at < 3)
		bytes_end_early();
	if (at[0] != RESPONSE_CURVE_VERSION)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version %d of stored response_curve", at[0])));
	value.given = (at[1] & RESPONSE_FLAG_GIVEN) != 0;
	value.single = (at[1] & RESPONSE_FLAG_SINGLE) != 0;
	at += 2;
	if (value.given)
	{
		value.curve.kind = (ResponseKind) *at++;
		for (int i = 0; i < RESPONSE_PARAMS; i++)
			value.curve.param[i] = get_float8(&at, end);
		for (int i = 0; i < 3; i++)
			value.curve.covariance[i] = get_float8(&at, end);
		value.tested_max = get_float8(&at, end);
		return value;
	}
	value.skipped = (int64) get_varint(&at, end);

	uint64 count = get_varint(&at, end);

	if (count > RESPONSE_MOST_LEVELS)
		bytes_end_early();
	value.n_levels = (int) count;
	value.levels = palloc_array(SpendLevel, Max(1, count));
	for (int i = 0; i < value.n_levels; i++)
	{
		SpendLevel *level = &value.levels[i];

		level->spend = get_float8(&at, end);
		level->heads = (int64) get_varint(&at, end);
		get_exact_sum(&at, end, &level->response);
		get_exact_sum(&at, end, &level->squares);
		value.tested_max = level->spend;
	}
	return value;
}

struct varlena *
response_value_pack(ResponseValue *value)
{
	struct varlena *result = palloc(VARHDRSZ + MAX_HEAD_BYTES + (Size) value->n_levels * MAX_LEVEL_BYTES);
	uint8 *at = (uint8 *) VARDATA(result);

	*at++ = RESPONSE_CURVE_VERSION;
	*at++ = (uint8) ((value->given ? RESPONSE_FLAG_GIVEN : 0) | (value->single ? RESPONSE_FLAG_SINGLE : 0));
	if (value->given)
	{
		*at++ = (uint8) value->curve.kind;
		for (int i = 0; i < RESPONSE_PARAMS; i++)
			at = put_float8(at, value->curve.param[i]);
		for (int i = 0; i < 3; i++)
			at = put_float8(at, value->curve.covariance[i]);
		at = put_float8(at, value->tested_max);
	}
	else
	{
		at = put_varint(at, (uint64) value->skipped);
		at = put_varint(at, (uint64) value->n_levels);
		for (int i = 0; i < value->n_levels; i++)
		{
			SpendLevel *level = &value->levels[i];

			at = put_float8(at, level->spend);
			at = put_varint(at, (uint64) level->heads);
			at = put_exact_sum(at, &level->response);
			at = put_exact_sum(at, &level->squares);
		}
	}
	SET_VARSIZE(result, at - (uint8 *) result);
	return result;
}

const char *
response_value_problem(ResponseValue *value)
{
	if (value->given)
	{
		if (!(value->tested_max > 0.0))
			return "tested_max is not positive";
		return response_curve_problem(&value->curve);
	}
	for (int i = 0; i < value->n_levels; i++)
	{
		SpendLevel *level = &value->levels[i];
		double most = (double) level->heads * RESPONSE_LARGEST;

		if (!(level->spend >= 0.0 && level->spend <= RESPONSE_LARGEST))
			return "a spend is out of range";
		if (i > 0 && !(level->spend > value->levels[i - 1].spend))
			return "the levels are not in order of spend";
		if (level->heads < 1 || level->heads > MOST_HEADS)
			return "a number of heads is out of range";
		if (!(fabs(exact_sum_value(&level->response)) <= most))
			return "a response is out of range";
		if (!(exact_sum_value(&level->squares) >= 0.0 && exact_sum_value(&level->squares) <= most * RESPONSE_LARGEST))
			return "a sum of squares is out of range";
		if (!value->single && exact_sum_value(&level->squares) != 0.0)
			return "there are squares of responses that are not of single heads";
	}
	return NULL;
}

/* The variance of n responses; 0 where it is no more than the rounding of their squares, so that all are alike. */
static double
single_variance(double n, double sum, double squares)
{
	double deviations = squares - sum / n * sum;

	return n > 1.0 && deviations > 4.0 * DBL_EPSILON * squares ? deviations / (n - 1.0) : 0.0;
}

/* The observations at each level, as input of the fit. */
static ResponseLevel *
levels_to_fit(ResponseValue *value)
{
	ResponseLevel *levels = palloc_array(ResponseLevel, value->n_levels);

	for (int i = 0; i < value->n_levels; i++)
	{
		SpendLevel *level = &value->levels[i];
		double n = (double) level->heads;
		double sum = exact_sum_value(&level->response);
		double variance = NAN;

		if (value->single)
			variance = single_variance(n, sum, exact_sum_value(&level->squares));
		levels[i] = (ResponseLevel){.spend = level->spend, .heads = n, .mean = sum / n, .variance = variance};
	}
	return levels;
}

bool
response_value_of_amounts(const ResponseValue *value)
{
	for (int i = 0; value->single && i < value->n_levels; i++)
	{
		ExactSum response = value->levels[i].response;
		ExactSum squares = value->levels[i].squares;

		if (exact_sum_value(&response) != exact_sum_value(&squares))
			return true;
	}
	return false;
}

/* Fits a curve of this kind, 0 for the best. */
static ResponseFit
fit_value(ResponseValue *value, int kind, WeightedCurve *others, int *n_others)
{
	if (value->given)
	{
		ResponseFit fit = {.curve = value->curve,
						   .status = RESPONSE_OK,
						   .sse = NAN,
						   .fit_prob = NAN,
						   .dispersion = 1.0};
		double k = value->curve.param[1];

		if (kind != 0 && kind != (int) value->curve.kind)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("this response_curve is \"%s\" and cannot be fitted as \"%s\"",
							response_kind_names[value->curve.kind], response_kind_names[kind])));
		fit.std_error[0] = value->curve.param[0] * sqrt(value->curve.covariance[0]);
		fit.std_error[1] = sqrt(value->curve.covariance[2]) * (value->curve.kind == RESPONSE_POWER ? k * (1.0 - k) : k);
		return fit;
	}
	if (value->n_levels < 3 || value->levels[0].spend != 0.0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a response curve needs three levels of spend or more, of which one is 0"),
				 errdetail("There are %d, the lowest of them %g.", value->n_levels,
						   value->n_levels > 0 ? value->levels[0].spend : 0.0),
				 errhint("Assign levels of spend at random, with width_bucket over assignment_place(unit, experiment): "
						 "without an experiment spend depends on response, not only response on spend.")));

	ResponseLevel *levels = levels_to_fit(value);

	return kind == 0 ? response_fit_best(levels, value->n_levels, others, n_others)
					 : response_fit(levels, value->n_levels, (ResponseKind) kind);
}

ResponseFit
response_value_fit_all(ResponseValue *value, WeightedCurve *others, int *n_others)
{
	*n_others = 0;
	return fit_value(value, 0, others, n_others);
}

const char *
response_status_name(ResponseStatus status)
{
	switch (status)
	{
		case RESPONSE_OK:
			return "ok";
		case RESPONSE_NO_RESPONSE:
			return "no_response";
		case RESPONSE_NO_SATURATION:
			return "no_saturation";
		case RESPONSE_NO_ERROR:
			return "no_std_error";
		case RESPONSE_INCOMPLETE:
			return "incomplete";
		case RESPONSE_SATURATED:
			return "saturated";
		case RESPONSE_POOR_FIT:
			return "poor_fit";
	}
	elog(ERROR, "unknown status %d", (int) status);
}

static double
level_number(FunctionCallInfo fcinfo, int argno, const char *name)
{
	double number = PG_GETARG_FLOAT8(argno);

	if (!(fabs(number) <= RESPONSE_LARGEST))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("%s %g is out of range", name, number),
				 errhint("Leave such rows out with FILTER (WHERE ...).")));
	return number;
}

static struct varlena *
pack_state(GrowingState *growing)
{
	ResponseState *state = (ResponseState *) growing;

	state->unsettled = 0;
	return response_value_pack(&state->value);
}

/* The state in the first argument if an aggregate may continue it; otherwise a new one with its contents. */
static ResponseState *
state_argument(FunctionCallInfo fcinfo)
{
	ResponseState *state = PG_ARGISNULL(0) ? NULL : agg_state_to_write(PG_GETARG_DATUM(0));

	if (state != NULL)
		return state;
	state = agg_state_make(sizeof(ResponseState), pack_state, agg_state_parent(fcinfo));
	state->value.single = true;
	if (!PG_ARGISNULL(0))
	{
		MemoryContext caller = MemoryContextSwitchTo(agg_state_context(&state->growing));
		SpendLevel *levels;

		state->value = response_value_get(PG_GETARG_DATUM(0));
		state->capacity = Max(1, state->value.n_levels);
		levels = palloc_array(SpendLevel, state->capacity);
		if (state->value.n_levels > 0)
			memcpy(levels, state->value.levels, sizeof(SpendLevel) * state->value.n_levels);
		state->value.levels = levels;
		MemoryContextSwitchTo(caller);
	}
	return state;
}

static void
given_curve(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a response_curve whose parameters were given cannot be merged"),
			 errhint("Only observations at levels of spend can be merged.")));
}

static void
too_many_levels(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("a response_curve cannot hold more than %d levels of spend", RESPONSE_MOST_LEVELS),
			 errhint("An experiment has a few levels, which are assigned at random; spend that depends on something "
					 "else is not a level.")));
}

static void
too_many_heads(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("a response_curve cannot count more than " INT64_FORMAT " heads", MOST_HEADS)));
}

/* The level of this spend, a new one if there is none yet. */
static SpendLevel *
find_level(ResponseState *state, double spend)
{
	ResponseValue *value = &state->value;
	int low = 0;
	int high = value->n_levels;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (value->levels[middle].spend < spend)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < value->n_levels && value->levels[low].spend == spend)
		return &value->levels[low];
	if (value->n_levels == RESPONSE_MOST_LEVELS)
		too_many_levels();
	if (value->n_levels >= state->capacity)
	{
		SpendLevel *more;

		state->capacity = Max(4, 2 * state->capacity);
		more = MemoryContextAlloc(agg_state_context(&state->growing), sizeof(SpendLevel) * state->capacity);
		if (value->levels != NULL)
		{
			memcpy(more, value->levels, sizeof(SpendLevel) * value->n_levels);
			pfree(value->levels);
		}
		value->levels = more;
	}
	memmove(&value->levels[low + 1], &value->levels[low], sizeof(SpendLevel) * (value->n_levels - low));
	value->n_levels++;
	memset(&value->levels[low], 0, sizeof(SpendLevel));
	value->levels[low].spend = spend;
	return &value->levels[low];
}

/* Squares are meaningful only while all rows are of single heads. */
static void
forget_squares(ResponseValue *value)
{
	value->single = false;
	for (int i = 0; i < value->n_levels; i++)
		memset(&value->levels[i].squares, 0, sizeof(ExactSum));
}

/* response_curve(spend_per_head, response [, heads]): transition */
AGG_FUNCTION_INFO_V1(response_curve_add);
static Datum
response_curve_add_in_group(PG_FUNCTION_ARGS)
{
	ResponseState *state = state_argument(fcinfo);
	SpendLevel *level;
	int64 heads = 1;

	for (int i = 1; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i))
		{
			state->value.skipped++;
			return agg_state_result(fcinfo, &state->growing);
		}
	if (PG_NARGS() > 3)
		heads = PG_GETARG_INT64(3);

	double response = level_number(fcinfo, 2, "response");
	double spend = level_number(fcinfo, 1, "spend_per_head") + 0.0;

	if (spend < 0.0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("spend_per_head must not be negative, but is %g", spend)));
	if (heads < 1 || heads > MOST_HEADS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("heads must be between 1 and " INT64_FORMAT ", but is " INT64_FORMAT, MOST_HEADS, heads),
				 errhint("It is the number of customers at this level, of whom response is the mean.")));
	if (state->value.given)
		given_curve();
	level = find_level(state, spend);
	level->heads += heads;
	if (level->heads > MOST_HEADS)
		too_many_heads();
	if (++state->unsettled >= EXACT_SUM_UNSETTLED)
	{
		settle_levels(&state->value);
		state->unsettled = 0;
	}
	if (heads > 1 && state->value.single)
		forget_squares(&state->value);
	if (heads == 1)
		exact_sum_add(&level->response, response);
	else
		exact_sum_add_product(&level->response, (double) heads, response);
	if (state->value.single)
		exact_sum_add_product(&level->squares, response, response);
	return agg_state_result(fcinfo, &state->growing);
}

/* Adds the levels of the second to the first: combine, and transition of rollup. */
AGG_FUNCTION_INFO_V1(response_curve_merge);
static Datum
response_curve_merge_in_group(PG_FUNCTION_ARGS)
{
	ResponseValue other;
	ResponseState *state;

	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);
	other = response_value_get(PG_GETARG_DATUM(1));
	/* the first may be a given curve, which cannot be merged */
	if (PG_ARGISNULL(0) && other.given)
		PG_RETURN_POINTER(response_value_pack(&other));
	state = state_argument(fcinfo);
	if (state->value.given || other.given)
		given_curve();
	settle_levels(&state->value);
	state->unsettled = 0;
	if (pg_add_s64_overflow(state->value.skipped, other.skipped, &state->value.skipped))
		state->value.skipped = PG_INT64_MAX;
	for (int i = 0; i < other.n_levels; i++)
	{
		SpendLevel *level = find_level(state, other.levels[i].spend);

		level->heads += other.levels[i].heads;
		if (level->heads > MOST_HEADS)
			too_many_heads();
		exact_sum_merge(&level->response, &other.levels[i].response);
		exact_sum_merge(&level->squares, &other.levels[i].squares);
	}
	if (!other.single || !state->value.single)
		forget_squares(&state->value);
	return agg_state_result(fcinfo, &state->growing);
}

AGG_FUNCTION_INFO_V1(response_curve_final);
static Datum
response_curve_final_in_group(PG_FUNCTION_ARGS)
{
	ResponseValue value = response_value_get(PG_GETARG_DATUM(0));

	PG_RETURN_POINTER(response_value_pack(&value));
}

/* The kind of curve that an argument names; 0: the best one. */
static int
kind_argument(FunctionCallInfo fcinfo, int argno)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(argno));

	if (strcmp(name, "auto") == 0)
		return 0;
	for (int kind = 1; kind <= RESPONSE_KINDS; kind++)
		if (strcmp(name, response_kind_names[kind]) == 0)
			return kind;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no curve \"%s\"", name),
			 errhint("There are auto, exp, hill and power.")));
}

/* response_params(response_curve, curve) → setof (curve, param, estimate, std_error, sse, status) */
PG_FUNCTION_INFO_V1(response_params);
Datum
response_params(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	ResponseValue value = response_value_get(PG_GETARG_DATUM(0));
	ResponseFit fit = fit_value(&value, kind_argument(fcinfo, 1), NULL, NULL);
	ResponseKind kind = fit.curve.kind;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < RESPONSE_PARAMS; i++)
	{
		bool no_response = !(fit.curve.param[0] > 0.0);
		Datum values[6] = {
			PointerGetDatum(cstring_to_text(response_kind_names[kind])),
			PointerGetDatum(cstring_to_text(response_param_names[kind][i])),
		};
		bool nulls[6] = {false};

		/* without response the second parameter is meaningless */
		put_number(values, nulls, 2, no_response && i > 0 ? NAN : fit.curve.param[i]);
		put_number(values, nulls, 3, fit.std_error[i]);
		put_number(values, nulls, 4, fit.sse);
		values[5] = PointerGetDatum(cstring_to_text(response_status_name(fit.status)));
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* expected_response(response_curve, spend_per_head, curve) → the incremental response; NULL if it is beyond a double */
PG_FUNCTION_INFO_V1(expected_response);
Datum
expected_response(PG_FUNCTION_ARGS)
{
	ResponseValue value = response_value_get(PG_GETARG_DATUM(0));
	double spend = nonnegative_argument(fcinfo, 1, "spend_per_head", NULL);
	ResponseFit fit = fit_value(&value, kind_argument(fcinfo, 2), NULL, NULL);

	double added = response_added(&fit.curve, spend);

	if (!isfinite(added))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(added + 0.0);
}

/* marginal_response(response_curve, spend_per_head, curve) → the response to one more unit; NULL if infinite */
PG_FUNCTION_INFO_V1(marginal_response);
Datum
marginal_response(PG_FUNCTION_ARGS)
{
	ResponseValue value = response_value_get(PG_GETARG_DATUM(0));
	double spend = nonnegative_argument(fcinfo, 1, "spend_per_head", NULL);
	ResponseFit fit = fit_value(&value, kind_argument(fcinfo, 2), NULL, NULL);
	double slope = response_slope(&fit.curve, spend);

	if (!isfinite(slope))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(slope + 0.0);
}
