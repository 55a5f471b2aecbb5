/*
 * questions.c
 *	  The three questions of a customer: do they have what I need, is it worth going, can
 *	  I trust them. Indices of them, and what each is worth.
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "numerics/normal.h"
#include "rates/rates.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/result.h"
#include "support/server_host.h"

static const char *const question_names[QUESTIONS] = {"need", "worth", "trust"};

/* An index of a question: NaN if it is NULL. */
static double
index_argument(FunctionCallInfo fcinfo, int argno, const char *name)
{
	double index;

	if (PG_ARGISNULL(argno))
		return NAN;
	index = PG_GETARG_FLOAT8(argno);
	if (!(index >= 0 && index <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be between 0 and 1, but is %g", name, index),
				 errhint("It is a rate, such as shrunken_rate and rate_indices give.")));
	return index;
}

/* An array of numbers; those that are NULL are NaN, or an error. */
static double *
numbers_argument(FunctionCallInfo fcinfo, int argno, const char *name, bool nulls_allowed, int *count)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(argno);
	Datum *elements;
	bool *nulls;
	double *numbers;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must have one dimension, but has %d", name, ARR_NDIM(array))));
	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, &nulls, count);
	numbers = palloc_array(double, Max(1, *count));
	for (int i = 0; i < *count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		refuse_null_element(nulls[i] && !nulls_allowed, i, name);
		numbers[i] = nulls[i] ? NAN : DatumGetFloat8(elements[i]);
	}
	return numbers;
}

/* So many weights; all alike if the argument is NULL or missing. */
static double *
weights_argument(FunctionCallInfo fcinfo, int argno, int expected)
{
	int count = expected;
	double *weights;
	double sum = 0;

	if (argno >= PG_NARGS() || PG_ARGISNULL(argno))
	{
		weights = palloc_array(double, Max(1, expected));
		for (int i = 0; i < expected; i++)
			weights[i] = 1.0;
		return weights;
	}
	weights = numbers_argument(fcinfo, argno, "weights", false, &count);
	if (count != expected)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("weights must have %d elements, but has %d", expected, count)));
	for (int i = 0; i < count; i++)
	{
		if (!(weights[i] >= 0) || isinf(weights[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("weights must not be negative or infinite, but element %d is %g", i + 1, weights[i])));
		sum += weights[i];
	}
	if (!(sum > 0) || isinf(sum))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the sum of weights must be positive and finite, but is %g", sum)));
	return weights;
}

/* rate_mean(rates, weights) → (index, coverage) */
PG_FUNCTION_INFO_V1(rate_mean);
Datum
rate_mean(PG_FUNCTION_ARGS)
{
	int count;
	double *rates;
	double *weights;
	double sum = 0;
	double known = 0;
	double all = 0;
	Datum values[2];
	bool nulls[2];

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	rates = numbers_argument(fcinfo, 0, "rates", true, &count);
	weights = count > 0 ? weights_argument(fcinfo, 1, count) : NULL;
	for (int i = 0; i < count; i++)
	{
		if (rates[i] < 0 || rates[i] > 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("rates must be between 0 and 1, but element %d is %g", i + 1, rates[i])));
		all += weights[i];
		if (isnan(rates[i]))
			continue;
		sum += weights[i] * rates[i];
		known += weights[i];
	}
	set_float(values, nulls, 0, sum / known);
	set_float(values, nulls, 1, count > 0 ? known / all : 0.0);
	return row_result(fcinfo, values, nulls);
}

/* three_questions(need, worth, trust, weights) → (total, coverage, need_gain, worth_gain, trust_gain, improve) */
PG_FUNCTION_INFO_V1(three_questions);
Datum
three_questions(PG_FUNCTION_ARGS)
{
	double index[QUESTIONS];
	double *weights = weights_argument(fcinfo, QUESTIONS, QUESTIONS);
	QuestionIndex result;
	Datum values[6];
	bool nulls[6] = {false};

	for (int i = 0; i < QUESTIONS; i++)
		index[i] = index_argument(fcinfo, i, question_names[i]);
	result = question_index(index, weights, QUESTIONS);
	set_float(values, nulls, 0, result.total);
	set_float(values, nulls, 1, result.coverage);
	for (int i = 0; i < QUESTIONS; i++)
		set_float(values, nulls, 2 + i, result.gains[i]);
	set_word(values, nulls, 5, result.improve < 0 ? NULL : question_names[result.improve]);
	return row_result(fcinfo, values, nulls);
}

/* question_priorities(need, worth, trust, value_at_stake, weights, target) → setof (question, …) */
PG_FUNCTION_INFO_V1(question_priorities);
Datum
question_priorities(PG_FUNCTION_ARGS)
{
	refuse_null_settings(fcinfo);

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	double *weights = weights_argument(fcinfo, 4, QUESTIONS);
	double index[QUESTIONS];
	double value;
	double target;
	double all = 0;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(3))
		return (Datum) 0;
	value = finite_argument(fcinfo, 3, "value_at_stake", NULL);
	target = index_argument(fcinfo, 5, "target");
	for (int i = 0; i < QUESTIONS; i++)
	{
		index[i] = index_argument(fcinfo, i, question_names[i]);
		all += weights[i];
	}
	for (int i = 0; i < QUESTIONS; i++)
	{
		double gap = isnan(index[i]) ? NAN : fmax(target - index[i], 0.0);
		Datum values[6] = {CStringGetTextDatum(question_names[i])};
		bool nulls[6] = {false};

		set_float(values, nulls, 1, index[i]);
		set_float(values, nulls, 2, gap);
		set_float(values, nulls, 3, weights[i] / all);
		set_float(values, nulls, 4, value);
		set_float(values, nulls, 5, gap * (weights[i] / all) * value);
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

typedef enum QuestionDetail
{
	QUESTION_CUSTOMERS,
	QUESTION_REPURCHASED,
	QUESTION_DETAILS,
} QuestionDetail;

/* A group has three decimals for each index, in hundredths: 82064091 is .82, .64 and .91. */
#define QUESTION_RADIX 1000

static const char *question_weights_problem(const CountValue *value);

const CountValueType question_weights_type = {
	.map =
		{
			.name = "question_weights",
			.max_entries = QUESTION_DETAILS * (QUESTION_STEPS + 1) * (QUESTION_STEPS + 1) * (QUESTION_STEPS + 1) + 1,
			.counted = "indices",
			.hint = "There are no more.",
			.pack = count_value_pack_state,
		},
	.rows_name = "customers",
	.rows = COUNT_ROWS_BY_GROUP,
	.columns = QUESTION_DETAILS,
	.max_group = (uint64) QUESTION_STEPS * (1 + QUESTION_RADIX + QUESTION_RADIX * QUESTION_RADIX),
	.problem = question_weights_problem,
};

COUNT_VALUE_FUNCTIONS(question_weights, question_weights_type);

static const char *
question_weights_problem(const CountValue *value)
{
	int64 customers = 0;

	for (uint32 i = 0; i < value->count && value->entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
	{
		const CountEntry *entry = &value->entries[i];

		if (entry->group % QUESTION_RADIX > QUESTION_STEPS ||
			entry->group / QUESTION_RADIX % QUESTION_RADIX > QUESTION_STEPS)
			return "an index is above 1";
		if (entry->detail == QUESTION_CUSTOMERS)
			customers = entry->value;
		else if (i == 0 || entry[-1].group != entry->group || entry->value > customers)
			return "more customers bought again than there are";
	}
	return NULL;
}

/* question_weights(repurchased, need, worth, trust): transition */
AGG_FUNCTION_INFO_V1(question_weights_add);
static Datum
question_weights_add_in_group(PG_FUNCTION_ARGS)
{
	CountValueState *state;
	uint64 group = 0;

	if (any_null(fcinfo, 1, 1 + QUESTIONS))
	{
		state = count_value_state(fcinfo, &question_weights_type, 0);
		count_map_add_hot(&state->map, COUNT_VALUE_LEFT_OUT, 0, 1);
		return agg_state_result(fcinfo, &state->map.growing);
	}
	for (int i = 0; i < QUESTIONS; i++)
		group =
			group * QUESTION_RADIX + (uint64) rint(index_argument(fcinfo, 2 + i, question_names[i]) * QUESTION_STEPS);
	state = count_value_state(fcinfo, &question_weights_type, 0);
	count_map_add_hot(&state->map, group, QUESTION_CUSTOMERS, 1);
	if (PG_GETARG_BOOL(1))
		count_map_add_hot(&state->map, group, QUESTION_REPURCHASED, 1);
	return agg_state_result(fcinfo, &state->map.growing);
}

static QuestionWeights
fit_weights(Datum datum)
{
	CountValue value = count_value_get(&question_weights_type, datum);
	QuestionCell *cells = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, value.count) * sizeof(QuestionCell));
	int count = 0;

	for (uint32 i = 0; i < value.count && value.entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
	{
		const CountEntry *entry = &value.entries[i];
		uint64 group = entry->group;

		if (entry->detail == QUESTION_REPURCHASED)
		{
			cells[count - 1].repurchased = (double) entry->value;
			continue;
		}
		cells[count] = (QuestionCell){.customers = (double) entry->value};
		for (int q = QUESTIONS - 1; q >= 0; q--, group /= QUESTION_RADIX)
			cells[count].index[q] = (double) (group % QUESTION_RADIX) / QUESTION_STEPS;
		count++;
	}
	return question_weights_fit(&server_host, cells, count);
}

/* Weights are shares of the positive coefficients: of no use where one is surely negative, or none is surely positive. */
static const char *
weights_status(const QuestionWeights *weights, double z)
{
	bool positive = false;

	if (!weights->identified)
		return "not_identified";
	if (isnan(weights->weight[0]))
		return "no_positive_effect";
	for (int i = 1; i <= QUESTIONS; i++)
	{
		if (weights->coefficient[i] + z * weights->std_error[i] < 0.0)
			return "negative_effect";
		positive = positive || weights->coefficient[i] - z * weights->std_error[i] > 0.0;
	}
	return positive ? "ok" : "no_sure_effect";
}

/* question_weight_params(v, level) → setof (question, coefficient, std_error, low, high, weight, status) */
PG_FUNCTION_INFO_V1(question_weight_params);
Datum
question_weight_params(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	double z = normal_quantile((1.0 + level_argument(fcinfo, 1)) / 2.0);
	QuestionWeights weights = fit_weights(PG_GETARG_DATUM(0));
	const char *status = weights_status(&weights, z);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i <= QUESTIONS; i++)
	{
		Datum values[7] = {CStringGetTextDatum(i == 0 ? "constant" : question_names[i - 1])};
		bool nulls[7] = {false};

		set_float(values, nulls, 1, weights.coefficient[i]);
		set_float(values, nulls, 2, weights.std_error[i]);
		set_float(values, nulls, 3, weights.coefficient[i] - z * weights.std_error[i]);
		set_float(values, nulls, 4, weights.coefficient[i] + z * weights.std_error[i]);
		set_float(values, nulls, 5, i == 0 ? NAN : weights.weight[i - 1]);
		values[6] = CStringGetTextDatum(status);
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* estimated_weights(v) → float8[] */
PG_FUNCTION_INFO_V1(estimated_weights);
Datum
estimated_weights(PG_FUNCTION_ARGS)
{
	QuestionWeights weights = fit_weights(PG_GETARG_DATUM(0));
	Datum elements[QUESTIONS];

	if (strcmp(weights_status(&weights, normal_quantile(0.95)), "ok") != 0)
		PG_RETURN_NULL();
	for (int i = 0; i < QUESTIONS; i++)
		elements[i] = Float8GetDatum(weights.weight[i]);
	PG_RETURN_ARRAYTYPE_P(
		construct_array(elements, QUESTIONS, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
