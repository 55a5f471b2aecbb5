/*
 * journey.c
 *	  journey: what steps one customer took, and when; how far they came.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "journeys/journeys.h"
#include "support/agg_group.h"
#include "support/args.h"

static const char *journey_problem(const CountValue *value);

const CountValueType journey_type = {
	.map =
		{
			.name = "journey",
			.max_entries = 1000000,
			.counted = "events",
			.hint = "A journey is of one customer: group by customer.",
			.pack = count_value_pack_state,
		},
	.rows_name = "events",
	.rows = COUNT_ROWS_BY_MOMENT,
	.max_group = COUNT_VALUE_MAX_MOMENT,
	.problem = journey_problem,
};

COUNT_VALUE_FUNCTIONS(journey, journey_type);

const char *const funnel_mode_names[] = {"once", "increase", "clickhouse"};

static const char *
journey_problem(const CountValue *value)
{
	for (uint32 i = 0; i < value->count && value->entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
		if (value->entries[i].detail > PG_UINT32_MAX)
			return "a set of steps is out of range";
	return NULL;
}

static uint64
step_bit(int32 step)
{
	if (step < 1 || step > FUNNEL_STEPS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("step must be between 1 and %d, but is %d", FUNNEL_STEPS, step)));
	return UINT64CONST(1) << (step - 1);
}

/* Adds one event. */
static Datum
add_event(FunctionCallInfo fcinfo, uint64 steps)
{
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);

	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("%s is %s", "at", TIMESTAMP_IS_NOBEGIN(at) ? "-infinity" : "infinity"),
				 errhint("Rows without a time are left out and counted if it is NULL.")));
	return count_value_add(fcinfo, &journey_type, 0, count_value_moment(at), steps);
}

static Datum
leave_out(FunctionCallInfo fcinfo)
{
	return count_value_add(fcinfo, &journey_type, 0, COUNT_VALUE_LEFT_OUT, 0);
}

/* journey(at, step): transition */
AGG_FUNCTION_INFO_V1(journey_add);
static Datum
journey_add_in_group(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 1, 2))
		return leave_out(fcinfo);
	return add_event(fcinfo, step_bit(PG_GETARG_INT32(2)));
}

/* journey(at, steps): transition, of an event that is several steps or none */
AGG_FUNCTION_INFO_V1(journey_add_steps);
static Datum
journey_add_steps_in_group(PG_FUNCTION_ARGS)
{
	Datum *elements;
	bool *nulls;
	int count;
	uint64 steps = 0;

	if (any_null(fcinfo, 1, 2))
		return leave_out(fcinfo);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), INT4OID, sizeof(int32), true, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!nulls[i])
			steps |= step_bit(DatumGetInt32(elements[i]));
	}
	return add_event(fcinfo, steps);
}

FunnelEvent *
journey_events(Datum journey, int *count)
{
	CountValue value = count_value_get(&journey_type, journey);
	FunnelEvent *events = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, value.count) * sizeof(FunnelEvent));

	*count = 0;
	for (uint32 i = 0; i < value.count && value.entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
		events[(*count)++] =
			(FunnelEvent){value.entries[i].group, (uint32) value.entries[i].detail, value.entries[i].value};
	pfree(value.entries);
	return events;
}

uint64
within_argument(FunctionCallInfo fcinfo, int argno, const char *name)
{
	Interval *within = PG_GETARG_INTERVAL_P(argno);
	int64 days;
	int64 microseconds;

	if (within->month != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not have months, whose lengths differ", name),
				 errhint("Give it in days or hours; a day has 24 hours.")));
	days = (int64) within->day * USECS_PER_DAY;
	if (pg_add_s64_overflow(days, within->time, &microseconds) || microseconds < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must not be negative or infinite", name)));
	return (uint64) microseconds;
}

FunnelMode
mode_argument(FunctionCallInfo fcinfo, int argno, int n_modes)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(argno));

	for (int mode = 0; mode < n_modes; mode++)
		if (strcmp(name, funnel_mode_names[mode]) == 0)
			return (FunnelMode) mode;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("mode cannot be \"%s\"", json_excerpt(name, strlen(name))),
			 errhint(
				 n_modes > FUNNEL_CLICKHOUSE
					 ? "It is once (an event takes one step), increase (each step is later than the one before) or "
					   "clickhouse."
					 : "It is once (an event takes one step) or increase (each step is later than the one before).")));
}

/* Conditions of the mode clickhouse. */
static FunnelFlags
flags_argument(FunctionCallInfo fcinfo, int argno, FunnelMode mode)
{
	FunnelFlags flags = {false, false};
	Datum *elements;
	bool *nulls;
	int count;

	if (PG_ARGISNULL(argno))
		return flags;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argno), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		char *flag;

		CHECK_FOR_INTERRUPTS();
		refuse_null_element(nulls[i], i, "flags");
		flag = TextDatumGetCString(elements[i]);
		if (mode != FUNNEL_CLICKHOUSE || (strcmp(flag, "strict_order") != 0 && strcmp(flag, "dedup") != 0))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("flag \"%s\" is unknown in mode %s", json_excerpt(flag, strlen(flag)),
							funnel_mode_names[mode]),
					 errhint("Only mode clickhouse has flags: strict_order and dedup.")));
		flags.strict_order |= strcmp(flag, "strict_order") == 0;
		flags.dedup |= strcmp(flag, "dedup") == 0;
	}
	return flags;
}

/* journey_level(j, within, mode, steps, flags) → int */
PG_FUNCTION_INFO_V1(journey_level);
Datum
journey_level(PG_FUNCTION_ARGS)
{
	uint64 within;
	FunnelMode mode;
	FunnelFlags flags;
	FunnelEvent *events;
	int steps;
	int count;

	if (any_null(fcinfo, 0, 3))
		PG_RETURN_NULL();
	within = within_argument(fcinfo, 1, "within");
	mode = mode_argument(fcinfo, 2, 3);
	steps = int_argument(fcinfo, 3, "steps", 1, FUNNEL_STEPS, NULL);
	flags = flags_argument(fcinfo, 4, mode);
	events = journey_events(PG_GETARG_DATUM(0), &count);
	PG_RETURN_INT32(mode == FUNNEL_CLICKHOUSE ? funnel_clickhouse_level(events, count, within, steps, flags)
											  : funnel_chain(events, count, within, mode, steps).level);
}

Datum
interval_of(double microseconds)
{
	Interval *interval = palloc0(sizeof(Interval));

	interval->time = microseconds < (double) PG_INT64_MAX ? (int64) microseconds : PG_INT64_MAX - 1;
	return PointerGetDatum(interval);
}

/* journey_times(j, within, mode) → setof (step, reached_at, since_previous, since_first) */
PG_FUNCTION_INFO_V1(journey_times);
Datum
journey_times(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	uint64 within = within_argument(fcinfo, 1, "within");
	FunnelMode mode = mode_argument(fcinfo, 2, 2);
	int count;
	FunnelEvent *events = journey_events(PG_GETARG_DATUM(0), &count);
	FunnelChain chain = funnel_chain(events, count, within, mode, FUNNEL_STEPS);

	InitMaterializedSRF(fcinfo, 0);
	for (int s = 0; s < chain.level; s++)
	{
		Datum values[4] = {
			Int32GetDatum(s + 1),
			TimestampTzGetDatum(count_value_moment_timestamp(chain.at[s])),
			(Datum) 0,
			interval_of((double) (chain.at[s] - chain.at[0])),
		};
		bool nulls[4] = {false, false, s == 0, false};

		if (s > 0)
			values[2] = interval_of((double) (chain.at[s] - chain.at[s - 1]));
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* journey_entries(j, within, mode, steps) → setof (entry, entered_at, level, left_at) */
PG_FUNCTION_INFO_V1(journey_entries);
Datum
journey_entries(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	uint64 within = within_argument(fcinfo, 1, "within");
	FunnelMode mode = mode_argument(fcinfo, 2, 2);
	int steps = int_argument(fcinfo, 3, "steps", 1, FUNNEL_STEPS, NULL);
	int count;
	FunnelEvent *events = journey_events(PG_GETARG_DATUM(0), &count);
	int from = 0;

	InitMaterializedSRF(fcinfo, 0);
	for (int entry = 1;; entry++)
	{
		FunnelChain chain = funnel_attempt(events, count, &from, within, mode, steps);

		if (chain.level == 0)
			return (Datum) 0;

		Datum values[4] = {
			Int32GetDatum(entry),
			TimestampTzGetDatum(count_value_moment_timestamp(chain.at[0])),
			Int32GetDatum(chain.level),
			TimestampTzGetDatum(count_value_moment_timestamp(chain.at[chain.level - 1])),
		};
		bool nulls[4] = {false};

		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
}
