/*
 * contact_log.c
 *	  contact_log: when one customer was contacted; windows that roll, and load.
 *
 * A log is a count of contacts by second. Times are those of the clock, not of a
 * calendar, so that a window of seven days is 168 hours wherever it ends.
 */
#include "compat.h"

#include <math.h>

#include "utils/timestamp.h"

#include "contacts/contacts.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/result.h"

const CountValueType contact_log_type = {
	.map =
		{
			.name = "contact_log",
			.max_entries = 1000000,
			.counted = "times",
			.hint = "A log is of one customer: group by customer.",
			.pack = count_value_pack_state,
		},
	.rows_name = "contacts",
	.rows = COUNT_ROWS_BY_TIME,
};

COUNT_VALUE_FUNCTIONS(contact_log, contact_log_type);

static TimestampTz
finite_timestamp(FunctionCallInfo fcinfo, int argno, const char *name)
{
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(argno);

	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("%s is %s", name, TIMESTAMP_IS_NOBEGIN(at) ? "-infinity" : "infinity"),
				 errhint("Rows without a time are left out if it is NULL.")));
	return at;
}

/* contact_log(sent_at): transition */
AGG_FUNCTION_INFO_V1(contact_log_add);
static Datum
contact_log_add_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);
	return count_value_add(fcinfo, &contact_log_type, 0, 0, count_value_second(finite_timestamp(fcinfo, 1, "sent_at")));
}

/* A log argument; a customer without one has had no contact. */
static CountValue
log_argument(FunctionCallInfo fcinfo, int argno)
{
	return PG_ARGISNULL(argno) ? (CountValue){0} : count_value_get(&contact_log_type, PG_GETARG_DATUM(argno));
}

/* Contacts later than so many days before as_of, and not after it. */
static int64
contacts_within_days(const CountValue *log, uint64 as_of, double days)
{
	double seconds = days * SECS_PER_DAY;
	int64 contacts = 0;

	for (uint32 i = 0; i < log->count; i++)
		if (log->entries[i].detail <= as_of && (double) (as_of - log->entries[i].detail) < seconds &&
			pg_add_s64_overflow(contacts, log->entries[i].value, &contacts))
			count_map_out_of_range(&contact_log_type.map);
	return contacts;
}

/* contacts_within(log, as_of, days) → bigint */
PG_FUNCTION_INFO_V1(contacts_within);
Datum
contacts_within(PG_FUNCTION_ARGS)
{
	CountValue log;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();

	uint64 as_of = count_value_second(finite_timestamp(fcinfo, 1, "as_of"));
	double days = positive_days_argument(fcinfo, 2, "days");

	log = log_argument(fcinfo, 0);
	PG_RETURN_INT64(contacts_within_days(&log, as_of, days));
}

/* contact_load(log, as_of, half_life_days) → float8 */
PG_FUNCTION_INFO_V1(contact_load);
Datum
contact_load(PG_FUNCTION_ARGS)
{
	CountValue log;
	double load = 0;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();

	uint64 as_of = count_value_second(finite_timestamp(fcinfo, 1, "as_of"));
	double half_life = positive_days_argument(fcinfo, 2, "half_life_days") * SECS_PER_DAY;

	log = log_argument(fcinfo, 0);
	for (uint32 i = 0; i < log.count && log.entries[i].detail <= as_of; i++)
		load += (double) log.entries[i].value * exp2(-(double) (as_of - log.entries[i].detail) / half_life);
	return finite_or_null(fcinfo, load);
}

/* may_contact(log, as_of, cap, days) → boolean */
PG_FUNCTION_INFO_V1(may_contact);
Datum
may_contact(PG_FUNCTION_ARGS)
{
	CountValue log;

	for (int i = 1; i <= 3; i++)
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();

	uint64 as_of = count_value_second(finite_timestamp(fcinfo, 1, "as_of"));
	int32 cap = PG_GETARG_INT32(2);
	double days = positive_days_argument(fcinfo, 3, "days");

	if (cap < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("cap must not be negative, but is %d", cap),
				 errhint("0 means that nobody may be contacted.")));
	log = log_argument(fcinfo, 0);
	PG_RETURN_BOOL(contacts_within_days(&log, as_of, days) < cap);
}

/* contact_count(log) → bigint */
PG_FUNCTION_INFO_V1(contact_log_contact_count);
Datum
contact_log_contact_count(PG_FUNCTION_ARGS)
{
	CountValue log = count_value_get(&contact_log_type, PG_GETARG_DATUM(0));
	int64 contacts = 0;

	for (uint32 i = 0; i < log.count; i++)
		if (pg_add_s64_overflow(contacts, log.entries[i].value, &contacts))
			count_map_out_of_range(&contact_log_type.map);
	PG_RETURN_INT64(contacts);
}

/* last_contact_at(log) → timestamptz */
PG_FUNCTION_INFO_V1(last_contact_at);
Datum
last_contact_at(PG_FUNCTION_ARGS)
{
	CountValue log = count_value_get(&contact_log_type, PG_GETARG_DATUM(0));

	if (log.count == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(count_value_timestamp(log.entries[log.count - 1].detail));
}
