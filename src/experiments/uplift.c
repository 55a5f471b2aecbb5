/*
 * uplift.c
 *	  An uplift as a value: transition state, stored form, reader, checks,
 *	  merging.
 */
#include "compat.h"

#include <math.h>

#include "common/int.h"
#include "miscadmin.h"

#include "experiments/uplift.h"
#include "support/agg_group.h"
#include "support/bytes.h"

#define MAX_UPLIFT_BYTES \
	(2 + MAX_VARINT_BYTES + UPLIFT_ARMS * (MAX_VARINT_BYTES + UPLIFT_ALL_SUMS * MAX_EXACT_SUM_BYTES))

void
uplift_read(const uint8 *at, const uint8 *end, UpliftSums *sums)
{
	if (end - at < 2)
		bytes_end_early();
	if (at[0] != UPLIFT_VERSION)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version %d of stored uplift", at[0])));
	memset(sums, 0, sizeof(*sums));
	sums->has_before = (at[1] & UPLIFT_FLAG_BEFORE) != 0;
	sums->binary = (at[1] & UPLIFT_FLAG_BINARY) != 0;
	at += 2;
	sums->skipped = (int64) get_varint(&at, end);
	for (int arm = 0; arm < UPLIFT_ARMS; arm++)
	{
		sums->units[arm] = (int64) get_varint(&at, end);
		for (int i = 0; i < uplift_sum_count(sums); i++)
			get_exact_sum(&at, end, &sums->sums[arm][i]);
	}
}

struct varlena *
uplift_pack(UpliftSums *sums)
{
	uint8 buffer[MAX_UPLIFT_BYTES];
	uint8 *at = buffer;
	struct varlena *value;

	*at++ = UPLIFT_VERSION;
	*at++ = (uint8) ((sums->has_before ? UPLIFT_FLAG_BEFORE : 0) | (sums->binary ? UPLIFT_FLAG_BINARY : 0));
	at = put_varint(at, (uint64) sums->skipped);
	for (int arm = 0; arm < UPLIFT_ARMS; arm++)
	{
		at = put_varint(at, (uint64) sums->units[arm]);
		for (int i = 0; i < uplift_sum_count(sums); i++)
			at = put_exact_sum(at, &sums->sums[arm][i]);
	}
	value = palloc(VARHDRSZ + (at - buffer));
	SET_VARSIZE(value, VARHDRSZ + (at - buffer));
	memcpy(VARDATA(value), buffer, at - buffer);
	return value;
}

static void
out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("an uplift cannot count more than " INT64_FORMAT " units", UPLIFT_MOST_UNITS)));
}

void
uplift_merge_sums(UpliftSums *sums, const UpliftSums *other)
{
	if (sums->has_before != other->has_before)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an uplift with the covariate \"before\" cannot be merged with one without"),
				 errhint("Build both with uplift(treated, outcome), or both with uplift(treated, outcome, before).")));
	sums->binary = sums->binary && other->binary;
	if (pg_add_s64_overflow(sums->skipped, other->skipped, &sums->skipped))
		out_of_range();
	for (int arm = 0; arm < UPLIFT_ARMS; arm++)
	{
		sums->units[arm] += other->units[arm];
		if (sums->units[arm] > UPLIFT_MOST_UNITS)
			out_of_range();
		for (int i = 0; i < uplift_sum_count(sums); i++)
		{
			exact_sum_settle(&sums->sums[arm][i]);
			exact_sum_merge(&sums->sums[arm][i], &other->sums[arm][i]);
		}
	}
}

/* n * sum of a * b - sum of a * sum of b, without rounding but the last one. */
static double
centred(double n, ExactSum *products, ExactSum *a, ExactSum *b)
{
	double of_products[EXACT_SUM_MAX_PARTS];
	double of_a[EXACT_SUM_MAX_PARTS];
	double of_b[EXACT_SUM_MAX_PARTS];
	int n_products = exact_sum_parts(products, of_products);
	int n_a = exact_sum_parts(a, of_a);
	int n_b = exact_sum_parts(b, of_b);
	ExactSum result = {0};

	for (int i = 0; i < n_products; i++)
		exact_sum_add_product(&result, n, of_products[i]);
	for (int i = 0; i < n_a; i++)
		for (int k = 0; k < n_b; k++)
			exact_sum_add_product(&result, -of_a[i], of_b[k]);
	return exact_sum_value(&result);
}

static ExperimentArm
arm_moments(UpliftSums *sums, int arm)
{
	ExactSum *s = sums->sums[arm];
	double n = (double) sums->units[arm];
	double pairs = n * (n - 1.0);
	ExperimentArm moments = {.count = n};

	if (n < 1.0)
		return moments;
	moments.mean = exact_sum_value(&s[UPLIFT_OUTCOME]) / n;
	if (sums->has_before)
		moments.before_mean = exact_sum_value(&s[UPLIFT_BEFORE]) / n;
	if (n < 2.0)
		return moments;
	moments.variance = Max(0.0, centred(n, &s[UPLIFT_SQUARES], &s[UPLIFT_OUTCOME], &s[UPLIFT_OUTCOME]) / pairs);
	if (sums->has_before)
	{
		moments.before_variance =
			Max(0.0, centred(n, &s[UPLIFT_BEFORE_SQUARES], &s[UPLIFT_BEFORE], &s[UPLIFT_BEFORE]) / pairs);
		moments.covariance = centred(n, &s[UPLIFT_PRODUCTS], &s[UPLIFT_OUTCOME], &s[UPLIFT_BEFORE]) / pairs;
	}
	return moments;
}

Experiment
uplift_experiment(UpliftSums *sums)
{
	return (Experiment){
		.binary = sums->binary,
		.has_before = sums->has_before,
		.treated = arm_moments(sums, UPLIFT_TREATED),
		.control = arm_moments(sums, UPLIFT_CONTROL),
	};
}

/* Whether a sum and a sum of squares are possible for this many numbers. */
static bool
squares_fit(double n, ExactSum *sum, ExactSum *squares)
{
	double of_squares = exact_sum_value(squares);
	double slack = n * of_squares * 1e-12;

	return fabs(exact_sum_value(sum)) <= n * UPLIFT_LARGEST && of_squares >= 0.0 &&
		of_squares <= n * UPLIFT_LARGEST * UPLIFT_LARGEST && centred(n, squares, sum, sum) >= -slack;
}

const char *
uplift_problem(UpliftSums *sums)
{
	if (sums->skipped < 0)
		return "a count is negative";
	for (int arm = 0; arm < UPLIFT_ARMS; arm++)
	{
		double n = (double) sums->units[arm];
		ExactSum *s = sums->sums[arm];

		if (sums->units[arm] < 0 || sums->units[arm] > UPLIFT_MOST_UNITS)
			return "a number of units is out of range";
		if (!squares_fit(n, &s[UPLIFT_OUTCOME], &s[UPLIFT_SQUARES]))
			return "the sum of squares does not fit the outcomes";
		if (sums->has_before && !squares_fit(n, &s[UPLIFT_BEFORE], &s[UPLIFT_BEFORE_SQUARES]))
			return "the sum of squares does not fit the covariate";
		if (sums->has_before && !(fabs(exact_sum_value(&s[UPLIFT_PRODUCTS])) <= n * UPLIFT_LARGEST * UPLIFT_LARGEST))
			return "the sum of products is out of range";
		if (sums->binary)
		{
			double ones = exact_sum_value(&s[UPLIFT_OUTCOME]);

			if (memcmp(&s[UPLIFT_OUTCOME], &s[UPLIFT_SQUARES], sizeof(ExactSum)) != 0 || ones < 0.0 || ones > n ||
				ones != floor(ones))
				return "outcomes that are 0 or 1 do not add up to this";
		}
	}
	return NULL;
}

static struct varlena *
pack_state(GrowingState *growing)
{
	UpliftState *state = (UpliftState *) growing;

	state->unsettled = 0;
	return uplift_pack(&state->sums);
}

static UpliftState *
make_state(MemoryContext parent)
{
	UpliftState *state = agg_state_make(sizeof(UpliftState), pack_state, parent);

	state->sums.binary = true;
	return state;
}

void
uplift_get(Datum value, UpliftSums *sums)
{
	UpliftState *state = agg_state_to_read(value);

	if (state != NULL)
	{
		*sums = state->sums;
		for (int arm = 0; arm < UPLIFT_ARMS; arm++)
			for (int i = 0; i < UPLIFT_ALL_SUMS; i++)
				exact_sum_settle(&sums->sums[arm][i]);
		return;
	}

	struct varlena *stored = PG_DETOAST_DATUM_PACKED(value);
	const uint8 *at = (const uint8 *) VARDATA_ANY(stored);

	uplift_read(at, at + VARSIZE_ANY_EXHDR(stored), sums);
}

/* The state in the first argument if an aggregate may continue it; otherwise a new one with its contents. */
static inline UpliftState *
state_argument(FunctionCallInfo fcinfo, bool has_before)
{
	UpliftState *state = PG_ARGISNULL(0) ? NULL : agg_state_to_write(PG_GETARG_DATUM(0));

	if (likely(state != NULL))
		return state;
	state = make_state(agg_state_parent(fcinfo));
	if (PG_ARGISNULL(0))
		state->sums.has_before = has_before;
	else
		uplift_get(PG_GETARG_DATUM(0), &state->sums);
	return state;
}

static void
settle(UpliftState *state)
{
	for (int arm = 0; arm < UPLIFT_ARMS; arm++)
		for (int i = 0; i < UPLIFT_ALL_SUMS; i++)
			exact_sum_settle(&state->sums.sums[arm][i]);
	state->unsettled = 0;
}

/* Counts one unit. */
static inline ExactSum *
count_unit(UpliftState *state, bool treated)
{
	int arm = treated ? UPLIFT_TREATED : UPLIFT_CONTROL;

	if (unlikely(++state->unsettled >= EXACT_SUM_UNSETTLED))
		settle(state);
	if (unlikely(++state->sums.units[arm] > UPLIFT_MOST_UNITS))
		out_of_range();
	return state->sums.sums[arm];
}

static void
check_number(double number, const char *name)
{
	if (likely(fabs(number) <= UPLIFT_LARGEST))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 isfinite(number) ? errmsg("%s %g is out of range", name, number)
							  : errmsg("%s is %s", name,
									   isnan(number)    ? "NaN"
										   : number > 0 ? "Infinity"
														: "-Infinity"),
			 errhint("Leave such rows out with FILTER (WHERE ...).")));
}

/* Adds an outcome and its square; most are 0 or 1. */
static inline void
add_outcome(UpliftState *state, ExactSum *sums, double outcome)
{
	if (outcome == 0.0)
		return;
	exact_sum_add(&sums[UPLIFT_OUTCOME], outcome);
	if (outcome == 1.0)
	{
		exact_sum_add(&sums[UPLIFT_SQUARES], 1.0);
		return;
	}
	state->sums.binary = false;
	exact_sum_add_product(&sums[UPLIFT_SQUARES], outcome, outcome);
}

/* Whether a row has a NULL among its arguments; it is counted. */
static inline bool
skip_row(FunctionCallInfo fcinfo, UpliftState *state)
{
	for (int i = 1; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i))
		{
			state->sums.skipped++;
			return true;
		}
	return false;
}

/* uplift(treated, outcome float8): transition */
AGG_FUNCTION_INFO_V1(uplift_add);
static Datum
uplift_add_in_group(PG_FUNCTION_ARGS)
{
	UpliftState *state = state_argument(fcinfo, false);

	if (!skip_row(fcinfo, state))
	{
		double outcome = PG_GETARG_FLOAT8(2);

		check_number(outcome, "outcome");
		add_outcome(state, count_unit(state, PG_GETARG_BOOL(1)), outcome);
	}
	return agg_state_result(fcinfo, &state->growing);
}

/* uplift(treated, outcome boolean): transition */
AGG_FUNCTION_INFO_V1(uplift_add_response);
static Datum
uplift_add_response_in_group(PG_FUNCTION_ARGS)
{
	UpliftState *state = state_argument(fcinfo, false);

	if (!skip_row(fcinfo, state))
		add_outcome(state, count_unit(state, PG_GETARG_BOOL(1)), PG_GETARG_BOOL(2) ? 1.0 : 0.0);
	return agg_state_result(fcinfo, &state->growing);
}

/* uplift(treated, outcome, before): transition */
AGG_FUNCTION_INFO_V1(uplift_add_before);
static Datum
uplift_add_before_in_group(PG_FUNCTION_ARGS)
{
	UpliftState *state = state_argument(fcinfo, true);

	if (!skip_row(fcinfo, state))
	{
		double outcome = PG_GETARG_FLOAT8(2);
		double before = PG_GETARG_FLOAT8(3);
		ExactSum *sums;

		check_number(outcome, "outcome");
		check_number(before, "before");
		sums = count_unit(state, PG_GETARG_BOOL(1));
		add_outcome(state, sums, outcome);
		if (before != 0.0)
		{
			exact_sum_add(&sums[UPLIFT_BEFORE], before);
			exact_sum_add_product(&sums[UPLIFT_BEFORE_SQUARES], before, before);
			if (outcome != 0.0)
				exact_sum_add_product(&sums[UPLIFT_PRODUCTS], outcome, before);
		}
	}
	return agg_state_result(fcinfo, &state->growing);
}

/* Adds the second uplift to the first: combine, and transition of rollup. */
AGG_FUNCTION_INFO_V1(uplift_merge);
static Datum
uplift_merge_in_group(PG_FUNCTION_ARGS)
{
	UpliftSums other;
	UpliftState *state;

	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);
	uplift_get(PG_GETARG_DATUM(1), &other);
	state = state_argument(fcinfo, other.has_before);
	uplift_merge_sums(&state->sums, &other);
	state->unsettled = 0;
	return agg_state_result(fcinfo, &state->growing);
}

AGG_FUNCTION_INFO_V1(uplift_final);
static Datum
uplift_final_in_group(PG_FUNCTION_ARGS)
{
	UpliftSums sums;

	uplift_get(PG_GETARG_DATUM(0), &sums);
	PG_RETURN_POINTER(uplift_pack(&sums));
}

/* uplift_of_counts(n_treated, responses_treated, n_control, responses_control) → uplift */
PG_FUNCTION_INFO_V1(uplift_of_counts);
Datum
uplift_of_counts(PG_FUNCTION_ARGS)
{
	UpliftSums sums = {.binary = true};

	for (int arm = 0; arm < UPLIFT_ARMS; arm++)
	{
		int64 units = PG_GETARG_INT64(2 * arm);
		int64 responses = PG_GETARG_INT64(2 * arm + 1);

		if (units < 0 || units > UPLIFT_MOST_UNITS)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must be between 0 and " INT64_FORMAT ", but is " INT64_FORMAT,
							arm == UPLIFT_TREATED ? "n_treated" : "n_control", UPLIFT_MOST_UNITS, units)));
		if (responses < 0 || responses > units)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must be between 0 and " INT64_FORMAT ", but is " INT64_FORMAT,
							arm == UPLIFT_TREATED ? "responses_treated" : "responses_control", units, responses),
					 errhint("Each unit responds once or not at all.")));
		sums.units[arm] = units;
		exact_sum_add(&sums.sums[arm][UPLIFT_OUTCOME], (double) responses);
		exact_sum_add(&sums.sums[arm][UPLIFT_SQUARES], (double) responses);
	}
	PG_RETURN_POINTER(uplift_pack(&sums));
}
