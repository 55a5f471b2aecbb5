/*
 * journey_funnel.c
 *	  journey_funnel: how far many customers came, and how long each step took them.
 *
 * Customers are counted by the step they came to, and those who took a step by its time,
 * kept to one part in 512. So the value has at most some 256 entries for each doubling of
 * time and step, however many customers there are.
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "journeys/journeys.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/result.h"

static const char *journey_funnel_problem(const CountValue *value);

const CountValueType journey_funnel_type = {
	.map =
		{
			.name = "journey_funnel",
			.max_entries = 2 * FUNNEL_STEPS * 64 * (1 << (FUNNEL_TIME_BITS - 1)) + 1000,
			.counted = "times",
			.hint = "There are no more.",
			.pack = count_value_pack_state,
		},
	.rows_name = "customers",
	.rows = COUNT_ROWS_BY_ENTRY,
	.max_group = FUNNEL_GROUP(FUNNEL_STEPS, FUNNEL_SINCE_FIRST),
	.problem = journey_funnel_problem,
};

COUNT_VALUE_FUNCTIONS(journey_funnel, journey_funnel_type);

/* A time to FUNNEL_TIME_BITS bits; halves are rounded up. */
static uint64
rounded_time(uint64 microseconds)
{
	int shift;

	if (microseconds < UINT64CONST(1) << FUNNEL_TIME_BITS)
		return microseconds;
	shift = pg_leftmost_one_pos64(microseconds) - (FUNNEL_TIME_BITS - 1);
	microseconds += UINT64CONST(1) << (shift - 1);
	return microseconds >> shift << shift;
}

/* Customers of a step, by one of its counts. */
static int64
customers_of(const CountValue *value, int step, FunnelCount count)
{
	const CountEntry *entry = count_map_find(value->entries, value->count, FUNNEL_GROUP(step, count), 0);
	int64 customers = 0;

	for (; entry < value->entries + value->count && entry->group == FUNNEL_GROUP(step, count); entry++)
		if (pg_add_s64_overflow(customers, entry->value, &customers))
			count_map_out_of_range(&journey_funnel_type.map);
	return customers;
}

/* All customers, and how many came to each step at least. */
static void
reached_of(const CountValue *value, int64 *reached)
{
	int64 so_far = 0;

	for (int step = FUNNEL_STEPS; step >= 0; step--)
	{
		if (pg_add_s64_overflow(so_far, customers_of(value, step, FUNNEL_REACHED), &so_far))
			count_map_out_of_range(&journey_funnel_type.map);
		reached[step] = so_far;
	}
}

static const char *
journey_funnel_problem(const CountValue *value)
{
	int64 reached[FUNNEL_STEPS + 1];
	int64 total = 0;

	for (uint32 i = 0; i < value->count && value->entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
	{
		const CountEntry *entry = &value->entries[i];
		int count = entry->group % 4;

		if (count >= FUNNEL_COUNTS || (count == FUNNEL_REACHED && entry->detail != 0) ||
			(entry->group == FUNNEL_GROUP(0, FUNNEL_BY_MODE) && entry->detail > FUNNEL_INCREASE))
			return "an entry counts nothing";
		if (entry->group >= FUNNEL_GROUP(1, 0) && entry->detail != rounded_time(entry->detail))
			return "a time has too many digits";
		if (pg_add_s64_overflow(total, entry->value, &total))
			return "the customers are too many";
	}
	reached_of(value, reached);
	for (int step = 0; step <= FUNNEL_STEPS; step++)
		for (int count = FUNNEL_SINCE_PREVIOUS; count < FUNNEL_COUNTS; count++)
			if (customers_of(value, step, count) != (step == 1 ? 0 : reached[step]))
				return "the customers of a step are not those of its times";
	return NULL;
}

/* journey_funnel(j, within [, mode]): transition */
AGG_FUNCTION_INFO_V1(journey_funnel_add);
static Datum
journey_funnel_add_in_group(PG_FUNCTION_ARGS)
{
	CountValueState *state;
	FunnelMode mode = FUNNEL_ONCE;
	FunnelEvent *events;
	FunnelChain chain;
	uint64 within;
	int count;

	refuse_null(fcinfo, 2, "within", "It is the time from the first step to the last, such as '7 days'.");
	within = within_argument(fcinfo, 2, "within");
	if (PG_NARGS() > 3)
	{
		refuse_null(fcinfo, 3, "mode", "It is once or increase.");
		mode = mode_argument(fcinfo, 3, 2);
	}
	if (PG_ARGISNULL(1))
	{
		state = count_value_state(fcinfo, &journey_funnel_type, 0);
		count_map_add_hot(&state->map, COUNT_VALUE_LEFT_OUT, 0, 1);
		return agg_state_result(fcinfo, &state->map.growing);
	}
	events = journey_events(PG_GETARG_DATUM(1), &count);
	chain = funnel_chain(events, count, within, mode, FUNNEL_STEPS);
	pfree(events);
	state = count_value_state(fcinfo, &journey_funnel_type, 0);
	count_map_add_hot(&state->map, FUNNEL_GROUP(0, FUNNEL_WINDOW), within, 1);
	count_map_add_hot(&state->map, FUNNEL_GROUP(0, FUNNEL_BY_MODE), mode, 1);
	count_map_add_hot(&state->map, FUNNEL_GROUP(chain.level, FUNNEL_REACHED), 0, 1);
	for (int s = 1; s < chain.level; s++)
	{
		count_map_add_hot(&state->map, FUNNEL_GROUP(s + 1, FUNNEL_SINCE_PREVIOUS),
						  rounded_time(chain.at[s] - chain.at[s - 1]), 1);
		count_map_add_hot(&state->map, FUNNEL_GROUP(s + 1, FUNNEL_SINCE_FIRST), rounded_time(chain.at[s] - chain.at[0]),
						  1);
	}
	return agg_state_result(fcinfo, &state->map.growing);
}

/* A funnel for reading; an error if it was mixed from different ones. */
static CountValue
funnel_argument(FunctionCallInfo fcinfo, int64 *reached)
{
	CountValue value = count_value_get(&journey_funnel_type, PG_GETARG_DATUM(0));
	int kinds[FUNNEL_COUNTS] = {0};

	for (uint32 i = 0; i < value.count && value.entries[i].group < FUNNEL_GROUP(1, 0); i++)
		kinds[value.entries[i].group % 4]++;
	if (kinds[FUNNEL_WINDOW] > 1 || kinds[FUNNEL_BY_MODE] > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this journey_funnel was merged from funnels with different times or modes"),
				 errhint("Build one value for each.")));
	reached_of(&value, reached);
	return value;
}

/* The time within which this share of those who took a step did; customers > 0. */
static Datum
time_quantile(const CountValue *value, int step, FunnelCount count, double share, int64 customers)
{
	const CountEntry *entry = count_map_find(value->entries, value->count, FUNNEL_GROUP(step, count), 0);
	int64 needed = Max(1, (int64) ceil(share * (double) customers));
	int64 so_far = entry->value;

	while (so_far < needed)
		so_far += (++entry)->value;
	return interval_of((double) entry->detail);
}

/* funnel_steps(funnel, steps) → setof (step, reached, …) */
PG_FUNCTION_INFO_V1(funnel_steps);
Datum
funnel_steps(PG_FUNCTION_ARGS)
{
	static const double shares[] = {0.5, 0.9};
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	int64 reached[FUNNEL_STEPS + 1];
	CountValue value;
	int last = FUNNEL_STEPS;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	value = funnel_argument(fcinfo, reached);
	if (!PG_ARGISNULL(1))
		last = int_argument(fcinfo, 1, "steps", 1, FUNNEL_STEPS, NULL);
	else
		while (last > 0 && reached[last] == 0)
			last--;
	for (int step = 1; step <= last; step++)
	{
		int64 before = reached[step - 1];
		Datum values[9] = {Int32GetDatum(step), Int64GetDatum(reached[step])};
		bool nulls[9] = {false};

		set_float(values, nulls, 2, (double) reached[step] / (double) reached[0]);
		set_float(values, nulls, 3, (double) reached[step] / (double) before);
		values[4] = Int64GetDatum(before - reached[step]);
		for (int i = 0; i < 4; i++)
		{
			nulls[5 + i] = reached[step] == 0 || step == 1;
			if (!nulls[5 + i])
				values[5 + i] = time_quantile(&value, step, i < 2 ? FUNNEL_SINCE_PREVIOUS : FUNNEL_SINCE_FIRST,
											  shares[i % 2], reached[step]);
		}
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* funnel_phases(funnel, phases, last_steps) → setof (phase, first_step, last_step, entered, completed, share, share_of_all) */
PG_FUNCTION_INFO_V1(funnel_phases);
Datum
funnel_phases(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	int64 reached[FUNNEL_STEPS + 1];
	Datum *names;
	Datum *lasts;
	bool *name_nulls;
	bool *last_nulls;
	int phases;
	int n_lasts;
	int first = 1;

	funnel_argument(fcinfo, reached);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &names, &name_nulls, &phases);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), INT4OID, sizeof(int32), true, TYPALIGN_INT, &lasts, &last_nulls,
					  &n_lasts);
	if (phases != n_lasts || phases > FUNNEL_STEPS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("phases and last_steps must have as many elements, at most %d, but have %d and %d",
						FUNNEL_STEPS, phases, n_lasts)));
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < phases; i++)
	{
		int last = DatumGetInt32(lasts[i]);
		Datum values[7] = {names[i], Int32GetDatum(first)};
		bool nulls[7] = {false};

		refuse_null_element(name_nulls[i], i, "phases");
		refuse_null_element(last_nulls[i], i, "last_steps");
		if (last < first || last > FUNNEL_STEPS)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("last_steps must rise and be between 1 and %d, but element %d is %d", FUNNEL_STEPS, i + 1,
							last)));
		values[2] = Int32GetDatum(last);
		values[3] = Int64GetDatum(reached[first]);
		values[4] = Int64GetDatum(reached[last]);
		set_float(values, nulls, 5, (double) reached[last] / (double) reached[first]);
		set_float(values, nulls, 6, (double) reached[last] / (double) reached[0]);
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
		first = last + 1;
	}
	return (Datum) 0;
}
