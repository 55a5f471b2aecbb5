/*
 * audit_io.c
 *	  The text and binary forms of period_audit and period_change.
 *
 * Text:	{"since": "2024-01-01", "until": "2025-01-01", "profit": true, "left_out": 0,
 *			 "customers": [[orders, spend, profit, customers], …]}
 *			of a period_change "since_1", "until_1", "since_2", "until_2", and
 *			[orders_1, spend_1, profit_1, orders_2, spend_2, profit_2, known,
 *			customers]; of counts that came from elsewhere without days.
 *			Numbers of one customer in a period, then how many customers have
 *			the same; without profit it is 0.
 * Binary:	version byte, number of periods (1 byte), profit (1 byte), since and until of each
 *			period (int32 each), customers left out (int64), number of rows (int32),
 *			and each row as in the text: counts int64, amounts float8
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"

#include "audit/audit.h"
#include "support/json.h"

#define WIRE_VERSION 1

/* The server's JSON arrays hold 256 MB, of which a number takes up to 24 bytes. */
#define JSON_ARRAY_BYTES 268000000
#define JSON_NUMBER_BYTES 24

static const char *const member_names[AUDIT_MEASURES] = {
	[AUDIT_SPEND] = "spend",
	[AUDIT_PROFIT] = "profit",
	[AUDIT_ORDERS] = "orders",
};

/* The words of a row in the order of the text. */
static const int word_order[AUDIT_MAX_WORDS] = {
	AUDIT_ORDERS,
	AUDIT_SPEND,
	AUDIT_PROFIT,
	AUDIT_MEASURES + AUDIT_ORDERS,
	AUDIT_MEASURES + AUDIT_SPEND,
	AUDIT_MEASURES + AUDIT_PROFIT,
	AUDIT_KNOWN,
};

/* The names of the days. */
static const char *
day_name(const AuditType *type, int period, bool until)
{
	if (type->most_periods == 1)
		return until ? "until" : "since";
	return psprintf("%s_%d", until ? "until" : "since", period + 1);
}

static const char *
head_problem(const AuditType *type, const AuditHead *head)
{
	if (head->periods != type->most_periods && (type->most_periods == 2 || head->periods != 0))
		return "there are other periods";
	for (int i = 0; i < head->periods; i++)
	{
		if (!IS_VALID_DATE(head->since[i]) || !IS_VALID_DATE(head->until[i]))
			return "a day is out of range";
		if (head->since[i] >= head->until[i])
			return "a period does not end after it began";
	}
	return head->periods == 2 && head->until[0] > head->since[1] ? "the periods overlap" : NULL;
}

/* The error in a row and its number of customers. */
static const char *
row_problem(const AuditState *state, const AuditWord *row, int64 customers)
{
	bool empty = true;

	for (int i = 0; i < state->type->words && i < AUDIT_KNOWN; i++)
	{
		int measure = i % AUDIT_MEASURES;

		if (measure == AUDIT_ORDERS && (row[i].units < 0 || row[i].units > AUDIT_MAX_COUNT))
			return "a number of orders is out of range";
		if (!row[i].exact && !isfinite(row[i].value))
			return "an amount is not finite";
		if (measure == AUDIT_PROFIT && !state->head.has_profit && (!row[i].exact || row[i].units != 0))
			return "there is a profit, but the value has none";
		empty &= row[i].exact && row[i].units == 0;
	}
	if (empty)
		return "there are customers without orders and amounts";
	if (state->type->words > AUDIT_KNOWN &&
		(row[AUDIT_KNOWN].units < 0 || row[AUDIT_KNOWN].units > 1 ||
		 (row[AUDIT_ORDERS].units > 0 && row[AUDIT_KNOWN].units == 0)))
		return "customers of the first period are not known in the second";
	return customers < 1 || customers > AUDIT_MAX_COUNT ? "a number of customers is out of range" : NULL;
}

/* Adds a row from untrusted input; returns the error, or NULL. */
static const char *
add_foreign_row(AuditState *state, const AuditWord *row, int64 customers, int64 *total)
{
	const char *problem = row_problem(state, row, customers);

	if (problem != NULL)
		return problem;
	*total += customers;
	if (*total > AUDIT_MAX_COUNT)
		return "the number of customers is too large";
	audit_add(state, row, customers);
	return NULL;
}

static bool
read_head(JsonInput *in, JsonbContainer *object, const AuditType *type, AuditHead *head)
{
	if (!json_read_bool(in, json_member(object, "profit"), "profit", &head->has_profit))
		return false;
	if (type->most_periods == 1 && json_member(object, "since") == NULL && json_member(object, "until") == NULL)
		return true;
	for (int i = 0; i < type->most_periods; i++)
		if (!json_read_date(in, json_member(object, day_name(type, i, false)), day_name(type, i, false),
							&head->since[i]) ||
			!json_read_date(in, json_member(object, day_name(type, i, true)), day_name(type, i, true), &head->until[i]))
			return false;
	head->periods = type->most_periods;

	const char *problem = head_problem(type, head);

	return problem == NULL || json_fail(in, "The days do not fit together: %s.", problem);
}

static bool
read_row(JsonInput *in, JsonbContainer *json, const AuditType *type, AuditWord *row, int64 *customers)
{
	for (int i = 0; i < type->words; i++)
	{
		int word = word_order[i];
		JsonbValue *value = getIthJsonbValueFromContainer(json, i);

		if (audit_is_money(word))
		{
			double amount;

			if (!json_read_float(in, value, member_names[word % AUDIT_MEASURES], &amount))
				return false;
			row[word] = audit_amount(amount);
		}
		else
		{
			row[word] = audit_count(0);
			if (!json_read_int(in, value, word == AUDIT_KNOWN ? "known" : "orders", 0,
							   word == AUDIT_KNOWN ? 1 : AUDIT_MAX_COUNT, &row[word].units))
				return false;
		}
		pfree(value);
	}
	return json_read_int(in, getIthJsonbValueFromContainer(json, type->words), "customers", 1, AUDIT_MAX_COUNT,
						 customers);
}

static bool
read_rows(JsonInput *in, JsonbContainer *object, AuditState *state)
{
	JsonbContainer *rows;
	int64 total = 0;

	if (!json_array_member(in, object, "customers", false, &rows))
		return false;
	for (uint32 i = 0; i < JsonContainerSize(rows); i++)
	{
		JsonbContainer *json = json_row(in, rows, i, state->type->members, "customers");
		AuditWord row[AUDIT_MAX_WORDS] = {0};
		int64 customers;

		CHECK_FOR_INTERRUPTS();
		if (json == NULL || !read_row(in, json, state->type, row, &customers))
			return false;

		const char *problem = add_foreign_row(state, row, customers, &total);

		if (problem != NULL)
			return json_fail(in, "Element %u of \"customers\" is wrong: %s.", i + 1, problem);
	}
	return true;
}

static Datum
value_in(FunctionCallInfo fcinfo, const AuditType *type, const char *const *members)
{
	JsonInput in = {type->map.name, fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	AuditHead head = {0};
	int64 left_out = 0;

	if (object == NULL || !json_check_members(&in, object, members) || !read_head(&in, object, type, &head))
		PG_RETURN_NULL();
	if (json_member(object, "left_out") != NULL &&
		!json_read_int(&in, json_member(object, "left_out"), "left_out", 0, AUDIT_MAX_COUNT, &left_out))
		PG_RETURN_NULL();

	AuditState *state = audit_state_make(type, &head, CurrentMemoryContext);

	audit_leave_out(state, left_out);
	if (!read_rows(&in, object, state))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state->type->map.pack(&state->map));
}

PG_FUNCTION_INFO_V1(period_audit_in);
Datum
period_audit_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {"since", "until", "profit", "left_out", "customers", NULL};

	return value_in(fcinfo, &audit_type, members);
}

PG_FUNCTION_INFO_V1(period_change_in);
Datum
period_change_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {
		"since_1", "until_1", "since_2", "until_2", "profit", "left_out", "customers", NULL,
	};

	return value_in(fcinfo, &change_type, members);
}

/* A text that could not be read again is not written. */
static void
check_text_size(const AuditView *view, const AuditType *type)
{
	if (view->count > JSON_ARRAY_BYTES / ((type->members + 1) * JSON_NUMBER_BYTES))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("this %s has too many different customers (%zu) for a JSON array", type->map.name, view->count),
				 errhint("Read it with its functions, or in its binary form, or build one per region or cohort.")));
}

static Datum
value_out(FunctionCallInfo fcinfo, const AuditType *type)
{
	AuditView view = audit_view(PG_GETARG_DATUM(0), type);
	StringInfoData out;

	check_text_size(&view, type);
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (int i = 0; i < view.head.periods; i++)
	{
		appendStringInfo(&out, "\"%s\": ", day_name(type, i, false));
		json_append_date(&out, view.head.since[i]);
		appendStringInfo(&out, ", \"%s\": ", day_name(type, i, true));
		json_append_date(&out, view.head.until[i]);
		appendStringInfoString(&out, ", ");
	}
	appendStringInfo(&out, "\"profit\": %s, \"left_out\": " INT64_FORMAT ", \"customers\": [",
					 view.head.has_profit ? "true" : "false", view.left_out);
	for (Size i = 0; i < view.count; i++)
	{
		const int64 *row = audit_row(&view, i);

		CHECK_FOR_INTERRUPTS();
		appendStringInfoString(&out, i == 0 ? "[" : ", [");
		for (int word = 0; word < type->words; word++)
		{
			if (audit_is_money(word_order[word]))
				json_append_float(&out, audit_value(&view, row, word_order[word]));
			else
				appendStringInfo(&out, INT64_FORMAT, row[word_order[word]]);
			appendStringInfoString(&out, ", ");
		}
		appendStringInfo(&out, INT64_FORMAT "]", audit_customers(&view, row));
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(period_audit_out);
Datum
period_audit_out(PG_FUNCTION_ARGS)
{
	return value_out(fcinfo, &audit_type);
}

PG_FUNCTION_INFO_V1(period_change_out);
Datum
period_change_out(PG_FUNCTION_ARGS)
{
	return value_out(fcinfo, &change_type);
}

static void
receive_row(StringInfo in, const AuditType *type, AuditWord *row)
{
	for (int i = 0; i < type->words; i++)
	{
		if (audit_is_money(word_order[i]))
			row[word_order[i]] = audit_amount(pq_getmsgfloat8(in));
		else
			row[word_order[i]] = audit_count(pq_getmsgint64(in));
	}
}

/* The bytes are untrusted (COPY BINARY): everything is checked. */
static Datum
value_recv(FunctionCallInfo fcinfo, const AuditType *type)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	AuditHead head = {0};
	int64 total = 0;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed(type->map.name, "the version is unknown");
	head.periods = pq_getmsgbyte(in);
	if (head.periods > type->most_periods)
		bytes_malformed(type->map.name, "there are other periods");

	int profit = pq_getmsgbyte(in);

	if (profit > 1)
		bytes_malformed(type->map.name, "the profit flag is neither 0 nor 1");
	head.has_profit = profit == 1;
	for (int i = 0; i < head.periods; i++)
	{
		head.since[i] = (DateADT) pq_getmsgint(in, 4);
		head.until[i] = (DateADT) pq_getmsgint(in, 4);
	}

	const char *problem = head_problem(type, &head);
	int64 left_out = pq_getmsgint64(in);
	uint32 count = pq_getmsgint(in, 4);

	if (problem == NULL && (left_out < 0 || left_out > AUDIT_MAX_COUNT))
		problem = "the number of customers left out is out of range";
	if (problem == NULL && (uint64) count * type->members * sizeof(int64) != (uint64) (in->len - in->cursor))
		problem = "the length does not fit the number of rows";
	if (problem != NULL)
		bytes_malformed(type->map.name, problem);

	AuditState *state = audit_state_make(type, &head, CurrentMemoryContext);

	audit_leave_out(state, left_out);
	for (uint32 i = 0; i < count; i++)
	{
		AuditWord row[AUDIT_MAX_WORDS] = {0};

		CHECK_FOR_INTERRUPTS();
		receive_row(in, type, row);
		problem = add_foreign_row(state, row, pq_getmsgint64(in), &total);
		if (problem != NULL)
			bytes_malformed(type->map.name, problem);
	}
	PG_RETURN_POINTER(type->map.pack(&state->map));
}

PG_FUNCTION_INFO_V1(period_audit_recv);
Datum
period_audit_recv(PG_FUNCTION_ARGS)
{
	return value_recv(fcinfo, &audit_type);
}

PG_FUNCTION_INFO_V1(period_change_recv);
Datum
period_change_recv(PG_FUNCTION_ARGS)
{
	return value_recv(fcinfo, &change_type);
}

static Datum
value_send(FunctionCallInfo fcinfo, const AuditType *type)
{
	AuditView view = audit_view(PG_GETARG_DATUM(0), type);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendbyte(&out, view.head.periods);
	pq_sendbyte(&out, view.head.has_profit);
	for (int i = 0; i < view.head.periods; i++)
	{
		pq_sendint32(&out, (uint32) view.head.since[i]);
		pq_sendint32(&out, (uint32) view.head.until[i]);
	}
	pq_sendint64(&out, view.left_out);
	pq_sendint32(&out, (uint32) view.count);
	for (Size i = 0; i < view.count; i++)
	{
		const int64 *row = audit_row(&view, i);

		CHECK_FOR_INTERRUPTS();
		for (int word = 0; word < type->words; word++)
		{
			if (audit_is_money(word_order[word]))
				pq_sendfloat8(&out, audit_value(&view, row, word_order[word]));
			else
				pq_sendint64(&out, row[word_order[word]]);
		}
		pq_sendint64(&out, audit_customers(&view, row));
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(period_audit_send);
Datum
period_audit_send(PG_FUNCTION_ARGS)
{
	return value_send(fcinfo, &audit_type);
}

PG_FUNCTION_INFO_V1(period_change_send);
Datum
period_change_send(PG_FUNCTION_ARGS)
{
	return value_send(fcinfo, &change_type);
}
