/*
 * replenishment.c
 *	  replenishment: how soon customers buy a thing again, and when one of them will.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "history/history.h"
#include "models/decision/replenishment.h"
#include "numerics/normal.h"
#include "numerics/random.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "timing/timing.h"

/* The largest log interval that dates allow is below this. */
#define LONGEST_LOG 22.0

static const char *replenishment_problem(const CountValue *value);

const CountValueType replenishment_type = {
	.map =
		{
			.name = "replenishment",
			.max_entries = 1000000,
			.counted = "numbers of intervals",
			.hint = "Give histories of single customers and categories.",
			.pack = count_value_pack_state,
		},
	.rows_name = "customers",
	.rows = COUNT_ROWS_BY_GROUP,
	.columns = REPLENISHMENT_DETAILS,
	.first_columns = REPLENISHMENT_SHAPED,
	.max_group = HISTORY_MAX_PURCHASES,
	.problem = replenishment_problem,
};

COUNT_VALUE_FUNCTIONS(replenishment, replenishment_type);

/* The sum whose halves these are. */
static double
joined(const CountValue *value, uint64 group, ReplenishmentDetail high)
{
	return ldexp((double) count_value_of(value, group, high), 32 - REPLENISHMENT_BITS) +
		ldexp((double) count_value_of(value, group, high + 1), -REPLENISHMENT_BITS);
}

static IntervalGroup
group_of(const CountValue *value, uint64 intervals)
{
	double shaped = (double) count_value_of(value, intervals, REPLENISHMENT_SHAPED);

	return (IntervalGroup){
		.intervals = (double) intervals,
		.customers = (double) count_value_of(value, intervals, REPLENISHMENT_CUSTOMERS),
		.sum_mean = joined(value, intervals, REPLENISHMENT_MEAN_HIGH),
		.sum_square = joined(value, intervals, REPLENISHMENT_SQUARE_HIGH),
		.sum_variance = joined(value, intervals, REPLENISHMENT_VARIANCE_HIGH),
		.shaped = shaped,
		.sum_cube = joined(value, intervals, REPLENISHMENT_CUBE_HIGH),
		.sum_fourth = joined(value, intervals, REPLENISHMENT_FOURTH_HIGH),
		.sum_third_moment =
			joined(value, intervals, REPLENISHMENT_THIRD_MOMENT_HIGH) - shaped * REPLENISHMENT_THIRD_ADDED,
		.sum_fourth_moment = joined(value, intervals, REPLENISHMENT_FOURTH_MOMENT_HIGH),
		.sum_variance_square = joined(value, intervals, REPLENISHMENT_VARIANCE_SQUARE_HIGH),
	};
}

/* Whether the sums of the shape can be of log intervals of so many customers. */
static bool
shape_possible(const IntervalGroup *group)
{
	double cube = LONGEST_LOG * LONGEST_LOG * LONGEST_LOG;

	return group->shaped <= group->customers && group->sum_cube <= group->shaped * cube &&
		group->sum_fourth <= group->shaped * cube * LONGEST_LOG &&
		fabs(group->sum_third_moment) <= group->shaped * cube &&
		group->sum_fourth_moment <= group->shaped * cube * LONGEST_LOG &&
		group->sum_variance_square <= group->shaped * cube * LONGEST_LOG;
}

/* Whether these sums can be of log intervals of so many customers. */
static bool
group_possible(const CountValue *value, uint64 intervals)
{
	IntervalGroup group = group_of(value, intervals);
	double most_low = group.customers * 4294967296.0;

	if (!(group.customers > 0.0) || intervals == 0)
		return false;
	for (int low = REPLENISHMENT_MEAN_LOW; low < REPLENISHMENT_SHAPED; low += 2)
		if ((double) count_value_of(value, intervals, low) > most_low)
			return false;
	for (int low = REPLENISHMENT_CUBE_LOW; low < REPLENISHMENT_DETAILS; low += 2)
		if ((double) count_value_of(value, intervals, low) > most_low)
			return false;
	return shape_possible(&group) && group.sum_mean <= group.customers * LONGEST_LOG &&
		group.sum_square <= group.customers * LONGEST_LOG * LONGEST_LOG &&
		group.sum_variance <= group.customers * LONGEST_LOG * LONGEST_LOG;
}

static const char *
replenishment_problem(const CountValue *value)
{
	for (uint32 i = 0; i < value->count && value->entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
		if ((i == 0 || value->entries[i - 1].group != value->entries[i].group) &&
			!group_possible(value, value->entries[i].group))
			return "the sums are not those of so many customers";
	return NULL;
}

/* Log intervals as they come (Welford's sums, and those of higher powers: Pebay, Sandia report 2008-6212). */
typedef struct LogIntervals
{
	uint64 count;
	double mean;
	double squares; /* around the mean, as the others */
	double cubes;
	double fourths;
} LogIntervals;

static void
add_interval(void *context, int32 days)
{
	LogIntervals *intervals = context;
	double log_days = det_log((double) days);
	double off = log_days - intervals->mean;
	double before = (double) intervals->count;
	double count = before + 1.0;
	double part = off / count;
	double square = off * part * before;

	intervals->fourths += square * part * part * (count * count - 3.0 * count + 3.0) +
		6.0 * part * part * intervals->squares - 4.0 * part * intervals->cubes;
	intervals->cubes += square * part * (count - 2.0) - 3.0 * part * intervals->squares;
	intervals->count++;
	intervals->mean += off / (double) intervals->count;
	intervals->squares += off * (log_days - intervals->mean);
}

static LogIntervals
intervals_of(Datum history, HistorySummary *summary)
{
	LogIntervals intervals = {0};

	*summary = history_summarise_gaps(history, HISTORY_ALL, add_interval, &intervals);
	return intervals;
}

static void
add_sum(CountValueState *state, uint64 group, ReplenishmentDetail high, double number)
{
	uint64 units = (uint64) rint(ldexp(Max(0.0, number), REPLENISHMENT_BITS));

	count_map_add_hot(&state->map, group, high, (int64) (units >> 32));
	count_map_add_hot(&state->map, group, high + 1, (int64) (units & 0xffffffff));
}

/* replenishment(item_history): transition; who bought once tells no interval, and is counted as left out */
AGG_FUNCTION_INFO_V1(replenishment_add);
static Datum
replenishment_add_in_group(PG_FUNCTION_ARGS)
{
	CountValueState *state;
	HistorySummary summary;
	LogIntervals intervals;

	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);
	intervals = intervals_of(PG_GETARG_DATUM(1), &summary);
	state = count_value_state(fcinfo, &replenishment_type, 0);
	if (intervals.count == 0)
		count_map_add_hot(&state->map, COUNT_VALUE_LEFT_OUT, 0, 1);
	else
	{
		double mean = intervals.mean;
		double variance = intervals.squares / (double) intervals.count;

		count_map_add_hot(&state->map, intervals.count, REPLENISHMENT_CUSTOMERS, 1);
		add_sum(state, intervals.count, REPLENISHMENT_MEAN_HIGH, mean);
		add_sum(state, intervals.count, REPLENISHMENT_SQUARE_HIGH, mean * mean);
		add_sum(state, intervals.count, REPLENISHMENT_VARIANCE_HIGH, variance);
		count_map_add_hot(&state->map, intervals.count, REPLENISHMENT_SHAPED, 1);
		add_sum(state, intervals.count, REPLENISHMENT_CUBE_HIGH, mean * mean * mean);
		add_sum(state, intervals.count, REPLENISHMENT_FOURTH_HIGH, mean * mean * mean * mean);
		add_sum(state, intervals.count, REPLENISHMENT_THIRD_MOMENT_HIGH,
				intervals.cubes / (double) intervals.count + REPLENISHMENT_THIRD_ADDED);
		add_sum(state, intervals.count, REPLENISHMENT_FOURTH_MOMENT_HIGH, intervals.fourths / (double) intervals.count);
		add_sum(state, intervals.count, REPLENISHMENT_VARIANCE_SQUARE_HIGH, variance * variance);
	}
	return agg_state_result(fcinfo, &state->map.growing);
}

static ReplenishmentFit
fit_of(const CountValue *value)
{
	IntervalGroup *groups = palloc_array(IntervalGroup, Max(1, value->count));
	int count = 0;

	for (uint32 i = 0; i < value->count && value->entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i == 0 || value->entries[i - 1].group != value->entries[i].group)
			groups[count++] = group_of(value, value->entries[i].group);
	}
	return replenishment_fit(groups, count);
}

/* replenishment_params(v) → (customers, intervals, mu0, tau2, sigma2, typical_days, left_out, status) */
PG_FUNCTION_INFO_V1(replenishment_params);
Datum
replenishment_params(PG_FUNCTION_ARGS)
{
	static const char *const statuses[] = {
		[REPLENISHMENT_OK] = "ok",
		[REPLENISHMENT_NO_INTERVALS] = "no_intervals",
		[REPLENISHMENT_ONE_CUSTOMER] = "one_customer",
		[REPLENISHMENT_ONE_INTERVAL] = "one_interval",
		[REPLENISHMENT_POOR_FIT] = "poor_fit",
	};
	CountValue value = count_value_get(&replenishment_type, PG_GETARG_DATUM(0));
	ReplenishmentFit fit = fit_of(&value);
	const double numbers[] = {fit.mu0, fit.tau2, fit.sigma2, exp(fit.mu0)};
	TupleDesc row;
	Datum values[8];
	bool nulls[8] = {false};

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int64GetDatum((int64) fit.customers);
	values[1] = Int64GetDatum((int64) fit.intervals);
	for (int i = 0; i < 4; i++)
	{
		nulls[2 + i] = !isfinite(numbers[i]);
		values[2 + i] = Float8GetDatum(numbers[i]);
	}
	values[6] = Int64GetDatum(count_value_left_out(&value));
	values[7] = CStringGetTextDatum(statuses[fit.status]);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls));
}

/* The fit of the value that a query asks about again and again. */
typedef struct FitMemory
{
	struct varlena *value;
	ReplenishmentFit fit;
} FitMemory;

static const ReplenishmentFit *
remembered_fit(FunctionCallInfo fcinfo, int argno)
{
	struct varlena *stored = agg_state_stored(PG_GETARG_DATUM(argno));
	FitMemory *memory = fcinfo->flinfo->fn_extra;

	if (memory != NULL && VARSIZE_ANY(memory->value) == VARSIZE_ANY(stored) &&
		memcmp(memory->value, stored, VARSIZE_ANY(stored)) == 0)
		return &memory->fit;

	CountValue value = count_value_get(&replenishment_type, PointerGetDatum(stored));
	ReplenishmentFit fit = fit_of(&value);

	if (memory == NULL)
		memory = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(FitMemory));
	else
		pfree(memory->value);
	fcinfo->flinfo->fn_extra = NULL;
	memory->value = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, VARSIZE_ANY(stored));
	memcpy(memory->value, stored, VARSIZE_ANY(stored));
	memory->fit = fit;
	fcinfo->flinfo->fn_extra = memory;
	return &memory->fit;
}

/* A day so many after another, if the calendar has it. */
static void
put_day(Datum *value, bool *null, DateADT last, double days)
{
	double day = last + days;

	*null = !(day < DATE_END_JULIAN - POSTGRES_EPOCH_JDATE);
	*value = *null ? (Datum) 0 : DateADTGetDatum((DateADT) day);
}

/* next_need_on(v, item_history [, level]) → (due_on, low_on, high_on) */
PG_FUNCTION_INFO_V1(next_need_on);
Datum
next_need_on(PG_FUNCTION_ARGS)
{
	double level = share_argument(fcinfo, 2, "level", "0.9 is an interval that nine of ten days fall into.");
	const ReplenishmentFit *fit;
	HistorySummary summary;
	LogIntervals intervals;
	TupleDesc row;
	Datum values[3] = {0};
	bool nulls[3] = {true, true, true};

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	fit = remembered_fit(fcinfo, 0);
	intervals = intervals_of(PG_GETARG_DATUM(1), &summary);
	if (summary.transactions > 0 && isfinite(fit->mu0))
	{
		double mean, variance;

		replenishment_next(fit, (double) intervals.count, intervals.mean, &mean, &variance);

		double spread = normal_quantile((1 + level) / 2) * sqrt(variance);

		put_day(&values[0], &nulls[0], summary.last, rint(exp(mean)));
		put_day(&values[1], &nulls[1], summary.last, floor(exp(mean - spread)));
		put_day(&values[2], &nulls[2], summary.last, ceil(exp(mean + spread)));
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls));
}
