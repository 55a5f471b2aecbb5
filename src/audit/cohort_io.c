/*
 * cohort_io.c
 *	  The text and binary forms of cohort_audit.
 *
 * Text:	{"grain": "year", "until": "2025-01-01", "since": null, "profit": true,
 *			 "customers": [["cohort", customers], …],
 *			 "active": [["cohort", "period", customers], …], "orders": …, "active_before": …,
 *			 "second_order": …, "spend_unknown": …, "profit_unknown": …,
 *			 "spend": [["cohort", "period", place, value], …], "profit_amounts": …}
 *			Cohorts and periods are their first days; null is the cohort "before", and "no order"
 *			the customers with refunds only. Amounts at place
 *			0 are in units of 10^-4; for others see cohort.h. Members without elements are left out.
 * Binary:	version byte, grain, profit, whether there is since (1 byte each), until and since
 *			(int32 each), number of entries (int32), then group, detail and value (int64 each)
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "audit/cohort.h"
#include "support/bytes.h"
#include "support/json.h"

#define WIRE_VERSION 1

static const char *const member_names[COHORT_KINDS] = {
	[COHORT_CUSTOMERS] = "customers",
	[COHORT_ACTIVE] = "active",
	[COHORT_ORDERS] = "orders",
	[COHORT_SPEND] = "spend",
	[COHORT_PROFIT] = "profit_amounts",
	[COHORT_ACTIVE_BEFORE] = "active_before",
	[COHORT_SECOND_ORDER] = "second_order",
	[COHORT_SPEND_UNKNOWN] = "spend_unknown",
	[COHORT_PROFIT_UNKNOWN] = "profit_unknown",
};

/* What stands for COHORT_REFUNDS. */
static const char no_order[] = "no order";

/* The numbers in an element. */
static int
member_length(int kind)
{
	return kind == COHORT_CUSTOMERS ? 2 : kind == COHORT_SPEND || kind == COHORT_PROFIT ? 4 : 3;
}

/* A period by its first day. */
static bool
read_period(JsonInput *in, JsonbValue *value, const char *what, Period grain, int32 *period)
{
	DateADT day;

	if (!json_read_date(in, value, what, &day))
		return false;
	if (DATE_NOT_FINITE(day))
		return json_fail(in, "A %s must be a day.", what);
	*period = period_number(grain, day);
	return period_first_day(grain, *period) == day ||
		json_fail(in, "A %s must be the first day of a %s.", what, period_names[grain]);
}

static bool
read_cohort(JsonInput *in, JsonbValue *value, Period grain, int32 *cohort)
{
	*cohort = COHORT_BEFORE;
	if (value->type == jbvNull)
		return true;
	*cohort = COHORT_REFUNDS;
	if (value->type == jbvString && value->val.string.len == strlen(no_order) &&
		memcmp(value->val.string.val, no_order, strlen(no_order)) == 0)
		return true;
	return read_period(in, value, "cohort", grain, cohort);
}

static bool
read_entry(JsonInput *in, JsonbContainer *row, CohortKind kind, Period grain, CountEntry *entry)
{
	int length = member_length(kind);
	JsonbValue *value = getIthJsonbValueFromContainer(row, 0);
	int32 cohort;
	int32 period;
	int64 place = 0;

	if (!read_cohort(in, value, grain, &cohort))
		return false;
	entry->detail = 0;
	if (length > 2)
	{
		if (!read_period(in, getIthJsonbValueFromContainer(row, 1), "period", grain, &period))
			return false;
		entry->detail = cohort_detail(period);
	}
	if (length > 3 && !json_read_int(in, getIthJsonbValueFromContainer(row, 2), "place", 0, COHORT_PLACES, &place))
		return false;
	entry->group = cohort_group(kind, (int) place, cohort);
	return json_read_int(in, getIthJsonbValueFromContainer(row, length - 1), "number", PG_INT64_MIN, PG_INT64_MAX,
						 &entry->value);
}

/* All members of entries, which are then in order. */
static bool
read_entries(JsonInput *in, JsonbContainer *object, Period grain, CountList *list)
{
	JsonbContainer *rows[COHORT_KINDS];
	Size most = 0;
	const CountEntry *twice;

	for (int kind = COHORT_CUSTOMERS; kind < COHORT_KINDS; kind++)
	{
		if (!json_array_member(in, object, member_names[kind], kind != COHORT_CUSTOMERS, &rows[kind]))
			return false;
		most += rows[kind] == NULL ? 0 : JsonContainerSize(rows[kind]);
	}
	list->entries = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, most) * sizeof(CountEntry));
	for (int kind = COHORT_CUSTOMERS; kind < COHORT_KINDS; kind++)
		for (uint32 i = 0; rows[kind] != NULL && i < JsonContainerSize(rows[kind]); i++)
		{
			JsonbContainer *row = json_row(in, rows[kind], i, member_length(kind), member_names[kind]);

			CHECK_FOR_INTERRUPTS();
			if (row == NULL || !read_entry(in, row, (CohortKind) kind, grain, &list->entries[list->count]))
				return false;
			list->count++;
		}
	count_map_sort(list->entries, list->count);
	twice = count_map_duplicate(list->entries, list->count);
	return twice == NULL || json_fail(in, "\"%s\" has an element twice.", member_names[cohort_kind(twice)]);
}

static bool
read_head(JsonInput *in, JsonbContainer *object, CohortHead *head)
{
	char *grain = json_read_text(in, json_member(object, "grain"), "grain");

	if (grain == NULL)
		return false;
	if (!period_by_name(grain, &head->grain))
		return json_fail(in, "There is no grain \"%s\".", json_excerpt(grain, strlen(grain)));
	if (!json_read_date(in, json_member(object, "until"), "until", &head->until) ||
		!json_read_bool(in, json_member(object, "profit"), "profit", &head->has_profit))
		return false;
	head->has_since = json_member(object, "since") != NULL;
	return !head->has_since || json_read_date(in, json_member(object, "since"), "since", &head->since);
}

PG_FUNCTION_INFO_V1(cohort_audit_in);
Datum
cohort_audit_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {
		"grain", "until",          "since",         "profit",       "customers",     "active",         "orders",
		"spend", "profit_amounts", "active_before", "second_order", "spend_unknown", "profit_unknown", NULL,
	};
	JsonInput in = {"cohort_audit", fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	CohortHead head = {0};
	CountList list = {0};

	if (object == NULL || !json_check_members(&in, object, members) || !read_head(&in, object, &head) ||
		!read_entries(&in, object, head.grain, &list))
		PG_RETURN_NULL();

	const char *problem = cohort_problem(list.entries, list.count, &head);

	if (problem != NULL)
	{
		json_fail(&in, "The entries do not fit together: %s.", problem);
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(cohort_pack(list.entries, list.count, &head));
}

static void
append_entry(StringInfo out, const CountEntry *entry, Period grain)
{
	CohortKind kind = cohort_kind(entry);

	appendStringInfoChar(out, '[');
	if (cohort_cohort(entry) == COHORT_BEFORE)
		appendStringInfoString(out, "null");
	else if (cohort_cohort(entry) == COHORT_REFUNDS)
		appendStringInfo(out, "\"%s\"", no_order);
	else
		json_append_date(out, period_first_day(grain, cohort_cohort(entry)));
	if (kind != COHORT_CUSTOMERS)
	{
		appendStringInfoString(out, ", ");
		json_append_date(out, period_first_day(grain, cohort_period(entry)));
	}
	if (member_length(kind) == 4)
		appendStringInfo(out, ", %d", cohort_place(entry));
	appendStringInfo(out, ", " INT64_FORMAT "]", entry->value);
}

PG_FUNCTION_INFO_V1(cohort_audit_out);
Datum
cohort_audit_out(PG_FUNCTION_ARGS)
{
	CohortView view = cohort_view(PG_GETARG_DATUM(0));
	StringInfoData out;
	uint32 next = 0;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"grain\": \"%s\", \"until\": ", period_names[view.head.grain]);
	json_append_date(&out, view.head.until);
	appendStringInfoString(&out, ", \"since\": ");
	if (view.head.has_since)
		json_append_date(&out, view.head.since);
	else
		appendStringInfoString(&out, "null");
	appendStringInfo(&out, ", \"profit\": %s", view.head.has_profit ? "true" : "false");
	for (int kind = COHORT_CUSTOMERS; kind < COHORT_KINDS; kind++)
	{
		if (kind != COHORT_CUSTOMERS && (next == view.count || cohort_kind(&view.entries[next]) != kind))
			continue;
		appendStringInfo(&out, ", \"%s\": [", member_names[kind]);
		for (bool first = true; next < view.count && cohort_kind(&view.entries[next]) == kind; first = false)
		{
			CHECK_FOR_INTERRUPTS();
			appendStringInfoString(&out, first ? "" : ", ");
			append_entry(&out, &view.entries[next++], view.head.grain);
		}
		appendStringInfoChar(&out, ']');
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* The bytes are untrusted (COPY BINARY): everything is checked. */
PG_FUNCTION_INFO_V1(cohort_audit_recv);
Datum
cohort_audit_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	CohortHead head = {0};
	uint32 count;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed("cohort_audit", "the version is unknown");
	head.grain = (Period) pq_getmsgbyte(in);
	head.has_profit = receive_flag(in, "cohort_audit");
	head.has_since = receive_flag(in, "cohort_audit");
	head.until = (DateADT) pq_getmsgint(in, 4);
	head.since = (DateADT) pq_getmsgint(in, 4);
	if (!head.has_since && head.since != 0)
		bytes_malformed("cohort_audit", "there is a since, but its flag is not set");

	CountEntry *entries = count_map_receive(&cohort_tally, in, &count);
	const char *problem = cohort_problem(entries, count, &head);

	if (problem != NULL)
		bytes_malformed("cohort_audit", problem);
	PG_RETURN_POINTER(cohort_pack(entries, count, &head));
}

PG_FUNCTION_INFO_V1(cohort_audit_send);
Datum
cohort_audit_send(PG_FUNCTION_ARGS)
{
	CohortView view = cohort_view(PG_GETARG_DATUM(0));
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendbyte(&out, (uint8) view.head.grain);
	pq_sendbyte(&out, view.head.has_profit);
	pq_sendbyte(&out, view.head.has_since);
	pq_sendint32(&out, (uint32) view.head.until);
	pq_sendint32(&out, view.head.has_since ? (uint32) view.head.since : 0);
	pq_sendint32(&out, view.count);
	for (uint32 i = 0; i < view.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		count_map_send(&out, &view.entries[i]);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
