/*
 * history_io.c
 *	  The text and binary forms of purchase_history.
 *
 * Text:	{"orders": [["2026-01-05", 12.5], ["2026-01-09", null], …]}
 *			with an amount of null where it is not known
 * Binary:	version byte, count (int32), then day (int32, days since 2000-01-01)
 *			and amount (float8, NaN where not known) of each purchase in order
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"

#include "history/history.h"
#include "support/bytes.h"
#include "support/json.h"

#define WIRE_VERSION 1
#define WIRE_PURCHASE_BYTES 12

/* The error in a purchase from untrusted input, or NULL. */
static const char *
purchase_problem(const Purchase *purchase)
{
	if (!IS_VALID_DATE(purchase->day))
		return "day is out of range";
	if (isinf(purchase->amount))
		return "amount is infinite";
	return NULL;
}

PG_FUNCTION_INFO_V1(purchase_history_in);
Datum
purchase_history_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {"orders", NULL};
	JsonInput in = {"purchase_history", fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	JsonbContainer *orders;

	if (object == NULL || !json_check_members(&in, object, members) ||
		!json_array_member(&in, object, "orders", false, &orders))
		PG_RETURN_NULL();

	uint32 count = JsonContainerSize(orders);

	if (count > HISTORY_MAX_PURCHASES)
	{
		json_fail(&in, "There are more than %d orders.", HISTORY_MAX_PURCHASES);
		PG_RETURN_NULL();
	}

	Purchase *purchases = palloc0_array(Purchase, Max(1, count));

	for (uint32 i = 0; i < count; i++)
	{
		JsonbContainer *row = json_row(&in, orders, i, 2, "orders");

		CHECK_FOR_INTERRUPTS();
		if (row == NULL)
			PG_RETURN_NULL();

		JsonbValue *day = getIthJsonbValueFromContainer(row, 0);
		JsonbValue *amount = getIthJsonbValueFromContainer(row, 1);
		const char *problem;

		if (!json_read_date(&in, day, "day", &purchases[i].day))
			PG_RETURN_NULL();
		if (amount->type == jbvNull)
			purchases[i].amount = NAN;
		else if (!json_read_float(&in, amount, "amount", &purchases[i].amount))
			PG_RETURN_NULL();
		if ((problem = purchase_problem(&purchases[i])) != NULL)
		{
			json_fail(&in, "Order %u: %s.", i + 1, problem);
			PG_RETURN_NULL();
		}
		pfree(day);
		pfree(amount);
	}
	history_sort(purchases, count);
	PG_RETURN_POINTER(history_pack(purchases, count));
}

PG_FUNCTION_INFO_V1(purchase_history_out);
Datum
purchase_history_out(PG_FUNCTION_ARGS)
{
	HistoryReader reader;
	StringInfoData out;
	const char *separator = "";

	history_open(&reader, PG_GETARG_DATUM(0), HISTORY_ALL);
	initStringInfo(&out);
	appendStringInfoString(&out, "{\"orders\": [");
	while (history_next(&reader))
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfo(&out, "%s[", separator);
		json_append_date(&out, reader.day);
		appendStringInfoString(&out, ", ");
		json_append_float(&out, history_amount(&reader));
		appendStringInfoChar(&out, ']');
		separator = ", ";
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

/* The bytes are untrusted (COPY BINARY): everything is checked. */
PG_FUNCTION_INFO_V1(purchase_history_recv);
Datum
purchase_history_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int version = pq_getmsgbyte(in);

	if (version != WIRE_VERSION)
		bytes_malformed("purchase_history", "the version is unknown");

	uint32 count = pq_getmsgint(in, 4);

	if ((uint64) count * WIRE_PURCHASE_BYTES != (uint64) (in->len - in->cursor))
		bytes_malformed("purchase_history", "the length does not fit the number of purchases");
	if (count > HISTORY_MAX_PURCHASES)
		bytes_malformed("purchase_history", "there are too many purchases");

	Purchase *purchases = palloc0_array(Purchase, Max(1, count));

	for (uint32 i = 0; i < count; i++)
	{
		const char *problem;

		CHECK_FOR_INTERRUPTS();
		purchases[i].day = (DateADT) pq_getmsgint(in, 4);
		purchases[i].amount = pq_getmsgfloat8(in) + 0.0;
		if ((problem = purchase_problem(&purchases[i])) != NULL)
			bytes_malformed("purchase_history", problem);
		if (i > 0 && history_compare(&purchases[i - 1], &purchases[i]) > 0)
			bytes_malformed("purchase_history", "the purchases are not in order");
	}
	PG_RETURN_POINTER(history_pack(purchases, count));
}

PG_FUNCTION_INFO_V1(purchase_history_send);
Datum
purchase_history_send(PG_FUNCTION_ARGS)
{
	HistoryReader reader;
	StringInfoData out;

	history_open(&reader, PG_GETARG_DATUM(0), HISTORY_ALL);
	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendint32(&out, reader.left);
	while (history_next(&reader))
	{
		CHECK_FOR_INTERRUPTS();
		pq_sendint32(&out, (uint32) reader.day);
		pq_sendfloat8(&out, history_amount(&reader));
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
