/*
 * hours.c
 *	  hour_profile and hour_prior: which hours, weekdays or parts of the day a customer
 *	  prefers, as far as their own events and those of all customers say.
 *
 * Times are local: a timestamp without time zone. A timestamptz has no hour of its
 * own, so there is no function that takes one. A date would be taken for its midnight,
 * so there is one that refuses it, unless weekdays are asked for.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "models/decision/slots.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/server_host.h"
#include "timing/timing.h"

#define DAYPART_HOURS 6

static const char *const kind_names[SLOT_KINDS] = {
	[SLOT_HOUR] = "hour",
	[SLOT_WEEKDAY] = "weekday",
	[SLOT_DAYPART] = "daypart",
};
static const int first_slot[SLOT_KINDS] = {[SLOT_HOUR] = 0, [SLOT_WEEKDAY] = 1, [SLOT_DAYPART] = 1};
static const int slot_count[SLOT_KINDS] = {[SLOT_HOUR] = 24, [SLOT_WEEKDAY] = 7, [SLOT_DAYPART] = 4};

static const char *profile_problem(const CountValue *value);
static const char *prior_problem(const CountValue *value);

const CountValueType hour_profile_type = {
	.map =
		{
			.name = "hour_profile",
			.max_entries = SLOTS_MAX + 1,
			.counted = "slots",
			.hint = "There are no more.",
			.pack = count_value_pack_state,
		},
	.rows_name = "events",
	.rows = COUNT_ROWS_BY_GROUP,
	.columns = 1,
	.max_group = SLOTS_MAX - 1,
	.n_kinds = SLOT_KINDS,
	.kind_names = kind_names,
	.problem = profile_problem,
};

const CountValueType hour_prior_type = {
	.map =
		{
			.name = "hour_prior",
			.max_entries = 1000000,
			.counted = "numbers of events",
			.hint = "Leave out customers with very many events: they are no customers.",
			.pack = count_value_pack_state,
		},
	.rows_name = "customers",
	.rows = COUNT_ROWS_BY_ENTRY,
	.max_group = HOUR_PRIOR_ALL,
	.n_kinds = SLOT_KINDS,
	.kind_names = kind_names,
	.problem = prior_problem,
};

COUNT_VALUE_FUNCTIONS(hour_profile, hour_profile_type);
COUNT_VALUE_FUNCTIONS(hour_prior, hour_prior_type);

static bool
slot_of_kind(uint8 kind, uint64 slot)
{
	return slot >= first_slot[kind] && slot < first_slot[kind] + slot_count[kind];
}

static const char *
profile_problem(const CountValue *value)
{
	for (uint32 i = 0; i < value->count && value->entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
		if (!slot_of_kind(value->kind, value->entries[i].group))
			return "there is no such slot";
	return NULL;
}

/* The events of all slots are those of all customers, and nobody is in a slot twice. */
static const char *
prior_problem(const CountValue *value)
{
	int64 in_slot = 0;
	int64 events[2] = {0}; /* of all slots, and of all customers */
	int64 customers = 0;

	for (uint32 i = 0; i < value->count; i++)
		if (value->entries[i].group == HOUR_PRIOR_ALL &&
			pg_add_s64_overflow(customers, value->entries[i].value, &customers))
			return "there are too many customers";
	for (uint32 i = 0; i < value->count && value->entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
	{
		const CountEntry *entry = &value->entries[i];
		bool all = entry->group == HOUR_PRIOR_ALL;
		int64 product;

		if (!all && !slot_of_kind(value->kind, entry->group))
			return "there is no such slot";
		if (entry->detail < 1 || entry->detail > HOUR_MOST_EVENTS)
			return "a number of events is out of range";
		if (i == 0 || entry[-1].group != entry->group)
			in_slot = 0;
		if (pg_add_s64_overflow(in_slot, entry->value, &in_slot) || in_slot > customers)
			return "there are more customers in a slot than in all";
		if (pg_mul_s64_overflow(entry->value, (int64) entry->detail, &product) ||
			pg_add_s64_overflow(events[all], product, &events[all]))
			return "there are too many events";
	}
	return events[0] == events[1] ? NULL : "the events of the slots are not those of all together";
}

/* Monday is 1; j2day counts from Sunday. */
static int
weekday_slot(int julian_day)
{
	return (j2day(julian_day) + 6) % 7 + 1;
}

/* The slot that a local time lies in. */
static int
slot_of_time(uint8 kind, Timestamp at)
{
	struct pg_tm tm;
	fsec_t fsec;

	if (TIMESTAMP_NOT_FINITE(at) || timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("ts is %s",
						TIMESTAMP_IS_NOBEGIN(at)     ? "-infinity"
							: TIMESTAMP_IS_NOEND(at) ? "infinity"
													 : "out of range"),
				 errhint("Rows without a time are left out if it is NULL.")));
	switch ((SlotKind) kind)
	{
		case SLOT_WEEKDAY:
			return weekday_slot(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday));
		case SLOT_DAYPART:
			return tm.tm_hour / DAYPART_HOURS + 1;
		default:
			return tm.tm_hour;
	}
}

/* hour_profile(ts [, by]): transition */
AGG_FUNCTION_INFO_V1(hour_profile_add);
static Datum
hour_profile_add_in_group(PG_FUNCTION_ARGS)
{
	bool has_kind = PG_NARGS() > 2;
	uint8 kind;

	if (PG_ARGISNULL(1) || (has_kind && PG_ARGISNULL(2)))
		return agg_state_unchanged(fcinfo);
	kind = has_kind ? count_value_kind(&hour_profile_type, "by", text_to_cstring(PG_GETARG_TEXT_PP(2))) : SLOT_HOUR;
	return count_value_add(fcinfo, &hour_profile_type, kind, slot_of_time(kind, PG_GETARG_TIMESTAMP(1)), 0);
}

/* hour_profile(date [, by]): transition; a day has a weekday, and no hour: to the server it is its midnight */
AGG_FUNCTION_INFO_V1(hour_profile_add_day);
static Datum
hour_profile_add_day_in_group(PG_FUNCTION_ARGS)
{
	bool has_kind = PG_NARGS() > 2;
	uint8 kind = SLOT_HOUR;
	DateADT day;

	if (PG_ARGISNULL(1) || (has_kind && PG_ARGISNULL(2)))
		return agg_state_unchanged(fcinfo);
	if (has_kind)
		kind = count_value_kind(&hour_profile_type, "by", text_to_cstring(PG_GETARG_TEXT_PP(2)));
	if (kind != SLOT_WEEKDAY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ts is a date, which has no %s: all events would be at midnight", kind_names[kind]),
				 errhint("Give the local time of the event, or hour_profile(day, 'weekday').")));
	day = finite_day_argument(fcinfo, 1, "ts", "Rows without a time are left out if it is NULL.");
	return count_value_add(fcinfo, &hour_profile_type, kind, weekday_slot(day + POSTGRES_EPOCH_JDATE), 0);
}

/* hour_prior(profile): transition; who has no event tells nothing, and is counted as left out */
AGG_FUNCTION_INFO_V1(hour_prior_add);
static Datum
hour_prior_add_in_group(PG_FUNCTION_ARGS)
{
	CountValueState *state;
	CountValue profile;
	int64 all = 0;

	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);
	profile = count_value_get(&hour_profile_type, PG_GETARG_DATUM(1));
	for (uint32 i = 0; i < profile.count; i++)
		if (profile.entries[i].group != COUNT_VALUE_LEFT_OUT &&
			(pg_add_s64_overflow(all, profile.entries[i].value, &all) || all > HOUR_MOST_EVENTS))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("a customer has more than " INT64_FORMAT " events", HOUR_MOST_EVENTS),
					 errhint("%s", hour_prior_type.map.hint)));
	state = count_value_state(fcinfo, &hour_prior_type, profile.kind);
	for (uint32 i = 0; i < profile.count; i++)
		if (profile.entries[i].group != COUNT_VALUE_LEFT_OUT)
			count_map_add_hot(&state->map, profile.entries[i].group, profile.entries[i].value, 1);
	if (all > 0)
		count_map_add_hot(&state->map, HOUR_PRIOR_ALL, all, 1);
	else
		count_map_add_hot(&state->map, COUNT_VALUE_LEFT_OUT, 0, 1);
	return agg_state_result(fcinfo, &state->map.growing);
}

/* The Dirichlet prior of counts; false if nobody has any event. */
static bool
fit_prior(const CountValue *value, SlotPrior *prior)
{
	SlotCount *counts = palloc_array(SlotCount, Max(1, value->count));
	int count = 0;

	for (uint32 i = 0; i < value->count && value->entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
	{
		const CountEntry *entry = &value->entries[i];
		int slot =
			entry->group == HOUR_PRIOR_ALL ? slot_count[value->kind] : (int) entry->group - first_slot[value->kind];

		counts[count++] = (SlotCount){slot, (double) entry->detail, (double) entry->value};
	}
	if (count > 0)
		slot_prior_fit(&server_host, counts, count, slot_count[value->kind], prior);
	return count > 0;
}

/* hour_prior_params(prior) → setof (slot, alpha, share) */
PG_FUNCTION_INFO_V1(hour_prior_params);
Datum
hour_prior_params(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	CountValue value = count_value_get(&hour_prior_type, PG_GETARG_DATUM(0));
	SlotPrior prior;

	InitMaterializedSRF(fcinfo, 0);
	if (!fit_prior(&value, &prior))
		return (Datum) 0;
	for (int i = 0; i < prior.slots; i++)
	{
		Datum values[3] = {
			Int32GetDatum(i + first_slot[value.kind]),
			Float8GetDatum(prior.alpha[i]),
			Float8GetDatum(prior.alpha[i] / prior.sum),
		};
		bool nulls[3] = {false};

		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* log_likelihood(prior) → float8 */
PG_FUNCTION_INFO_V1(hour_prior_log_likelihood);
Datum
hour_prior_log_likelihood(PG_FUNCTION_ARGS)
{
	CountValue value = count_value_get(&hour_prior_type, PG_GETARG_DATUM(0));
	SlotPrior prior;

	if (!fit_prior(&value, &prior) || !isfinite(prior.log_likelihood))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(prior.log_likelihood);
}

/* The fit of the prior that a query asks about again and again. */
typedef struct PriorMemory
{
	struct varlena *value;
	uint8 kind;
	bool any; /* false: nobody has any event */
	SlotPrior prior;
} PriorMemory;

static const PriorMemory *
remembered_prior(FunctionCallInfo fcinfo, int argno)
{
	struct varlena *stored = agg_state_stored(PG_GETARG_DATUM(argno));
	PriorMemory *memory = fcinfo->flinfo->fn_extra;

	if (memory != NULL && VARSIZE_ANY(memory->value) == VARSIZE_ANY(stored) &&
		memcmp(memory->value, stored, VARSIZE_ANY(stored)) == 0)
		return memory;

	CountValue value = count_value_get(&hour_prior_type, PointerGetDatum(stored));
	PriorMemory fresh = {.kind = value.kind};

	fresh.any = fit_prior(&value, &fresh.prior);
	fresh.value = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, VARSIZE_ANY(stored));
	memcpy(fresh.value, stored, VARSIZE_ANY(stored));
	if (memory != NULL)
		pfree(memory->value);
	else
		memory = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(PriorMemory));
	*memory = fresh;
	fcinfo->flinfo->fn_extra = memory;
	return memory;
}

/* best_hour(profile, prior [, level]) → (slot, share, lift); without a profile the best slot of all customers */
PG_FUNCTION_INFO_V1(best_hour);
Datum
best_hour(PG_FUNCTION_ARGS)
{
	double events[SLOTS_MAX] = {0};
	const PriorMemory *memory;
	TupleDesc row;
	Datum values[3] = {0};
	bool nulls[3] = {true, true, true};
	double level;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	level =
		share_argument(fcinfo, 2, "level", "It is how certain a customer's own preference must be to count as one.");
	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	memory = remembered_prior(fcinfo, 1);
	if (!PG_ARGISNULL(0))
	{
		CountValue profile = count_value_get(&hour_profile_type, PG_GETARG_DATUM(0));

		if (profile.kind != memory->kind)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the profile is by %s, but the prior by %s", kind_names[profile.kind],
							kind_names[memory->kind]),
					 errhint("Build both by the same.")));
		for (uint32 i = 0; i < profile.count && profile.entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
			events[profile.entries[i].group - first_slot[profile.kind]] = (double) profile.entries[i].value;
	}
	if (memory->any)
	{
		SlotChoice choice = slot_choose(&memory->prior, events, level);

		values[0] = Int32GetDatum(choice.slot + first_slot[memory->kind]);
		values[1] = Float8GetDatum(choice.share);
		values[2] = Float8GetDatum(choice.lift);
		nulls[0] = nulls[1] = nulls[2] = false;
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls));
}
