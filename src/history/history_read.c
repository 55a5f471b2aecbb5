/*
 * history_read.c
 *	  The accessors of a purchase history.
 *
 * Every function that takes a day uses the history as of that day, so that
 * past states can be queried without the orders table. NULL means that there
 * is no value, such as the last order of a customer without orders.
 */
#include "compat.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/tuplestore.h"

#include "history/history.h"
#include "support/args.h"
#include "support/result.h"

static HistorySummary
summary_argument(FunctionCallInfo fcinfo)
{
	return history_summarise(PG_GETARG_DATUM(0), HISTORY_ALL);
}

/* first_order_on(purchase_history) → date: day of the first order */
PG_FUNCTION_INFO_V1(first_order_on);
Datum
first_order_on(PG_FUNCTION_ARGS)
{
	HistorySummary summary = summary_argument(fcinfo);

	if (summary.transactions == 0)
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(summary.first);
}

/* last_order_on(purchase_history) → date: day of the last order */
PG_FUNCTION_INFO_V1(last_order_on);
Datum
last_order_on(PG_FUNCTION_ARGS)
{
	HistorySummary summary = summary_argument(fcinfo);

	if (summary.transactions == 0)
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(summary.last);
}

/* order_count(purchase_history) → bigint: orders, each counted, refunds not */
PG_FUNCTION_INFO_V1(order_count);
Datum
order_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(summary_argument(fcinfo).orders);
}

/* transaction_count(purchase_history) → integer: transactions, that is days with an order */
PG_FUNCTION_INFO_V1(transaction_count);
Datum
transaction_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(summary_argument(fcinfo).transactions);
}

/* total_spend(purchase_history) → float8: all amounts, net of refunds */
PG_FUNCTION_INFO_V1(total_spend);
Datum
total_spend(PG_FUNCTION_ARGS)
{
	HistorySummary summary = summary_argument(fcinfo);

	return finite_or_null(fcinfo, spend_value(&summary.total, summary.encoding));
}

/* avg_order_value(purchase_history) → float8: total spend over the number of orders */
PG_FUNCTION_INFO_V1(avg_order_value);
Datum
avg_order_value(PG_FUNCTION_ARGS)
{
	HistorySummary summary = summary_argument(fcinfo);

	if (summary.orders == 0)
		PG_RETURN_NULL();
	return finite_or_null(fcinfo, spend_value(&summary.total, summary.encoding) / summary.orders);
}

/* repeat_count(purchase_history [, as_of date]) → integer: x, transactions after the first */
PG_FUNCTION_INFO_V1(repeat_count);
Datum
repeat_count(PG_FUNCTION_ARGS)
{
	DateADT until = PG_NARGS() > 1 ? finite_day_argument(fcinfo, 1, "as_of", NULL) : HISTORY_ALL;
	HistorySummary summary = history_summarise(PG_GETARG_DATUM(0), until);

	PG_RETURN_INT32(Max(summary.transactions - 1, 0));
}

/* recency_days(purchase_history, as_of date) → integer: days since the last order */
PG_FUNCTION_INFO_V1(recency_days);
Datum
recency_days(PG_FUNCTION_ARGS)
{
	DateADT as_of = finite_day_argument(fcinfo, 1, "as_of", NULL);
	HistorySummary summary = history_summarise(PG_GETARG_DATUM(0), as_of);

	if (summary.transactions == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(as_of - summary.last);
}

/* tenure_days(purchase_history, as_of date) → integer: days since the first order */
PG_FUNCTION_INFO_V1(tenure_days);
Datum
tenure_days(PG_FUNCTION_ARGS)
{
	DateADT as_of = finite_day_argument(fcinfo, 1, "as_of", NULL);
	HistorySummary summary = history_summarise(PG_GETARG_DATUM(0), as_of);

	if (summary.transactions == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(as_of - summary.first);
}

/* avg_days_between_orders(purchase_history) → float8: mean gap between transactions */
PG_FUNCTION_INFO_V1(avg_days_between_orders);
Datum
avg_days_between_orders(PG_FUNCTION_ARGS)
{
	HistorySummary summary = summary_argument(fcinfo);

	return finite_or_null(fcinfo, history_days_between_orders(&summary));
}

/* history_summary(purchase_history, as_of date) → one row: what the accessors tell, as it stood on that day */
PG_FUNCTION_INFO_V1(history_summary);
Datum
history_summary(PG_FUNCTION_ARGS)
{
	enum
	{
		FIRST_ORDER_ON,
		LAST_ORDER_ON,
		ORDER_COUNT,
		TRANSACTION_COUNT,
		REPEAT_COUNT,
		TOTAL_SPEND,
		AVG_ORDER_VALUE,
		RECENCY_DAYS,
		TENURE_DAYS,
		AVG_DAYS_BETWEEN_ORDERS,
		N_COLUMNS,
	};
	DateADT as_of = finite_day_argument(fcinfo, 1, "as_of", NULL);
	HistorySummary summary = history_summarise(PG_GETARG_DATUM(0), as_of);
	double spend = spend_value(&summary.total, summary.encoding);
	bool none = summary.transactions == 0;
	Datum values[N_COLUMNS] = {0};
	bool nulls[N_COLUMNS] = {false};

	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = call_row(fcinfo);

	values[FIRST_ORDER_ON] = DateADTGetDatum(summary.first);
	values[LAST_ORDER_ON] = DateADTGetDatum(summary.last);
	values[RECENCY_DAYS] = Int32GetDatum(none ? 0 : as_of - summary.last);
	values[TENURE_DAYS] = Int32GetDatum(none ? 0 : as_of - summary.first);
	nulls[FIRST_ORDER_ON] = nulls[LAST_ORDER_ON] = nulls[RECENCY_DAYS] = nulls[TENURE_DAYS] = none;
	values[ORDER_COUNT] = Int64GetDatum(summary.orders);
	values[TRANSACTION_COUNT] = Int32GetDatum(summary.transactions);
	values[REPEAT_COUNT] = Int32GetDatum(Max(summary.transactions - 1, 0));
	set_float(values, nulls, TOTAL_SPEND, spend);
	set_float(values, nulls, AVG_ORDER_VALUE, summary.orders == 0 ? NAN : spend / summary.orders);
	set_float(values, nulls, AVG_DAYS_BETWEEN_ORDERS, history_days_between_orders(&summary));
	return call_row_fill(fcinfo->flinfo->fn_extra, values, nulls);
}

/* days_to_nth_order(purchase_history, n integer) → integer: from the first transaction to the nth */
PG_FUNCTION_INFO_V1(days_to_nth_order);
Datum
days_to_nth_order(PG_FUNCTION_ARGS)
{
	int32 n = PG_GETARG_INT32(1);
	int32 seen = 0;
	DateADT first = 0;
	HistoryReader reader;
	PurchaseDay day;

	if (n < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("n must be at least 1, not %d", n)));

	history_open(&reader, PG_GETARG_DATUM(0), HISTORY_ALL);
	while (history_next_day(&reader, &day))
	{
		if (day.orders == 0)
			continue;
		if (++seen == 1)
			first = day.day;
		if (seen == n)
			PG_RETURN_INT32(day.day - first);
	}
	PG_RETURN_NULL();
}

/* Skips to the first day of the half-open window [since, until) that is read. */
static bool
next_day_in_window(HistoryReader *reader, DateADT since, PurchaseDay *day)
{
	do
	{
		if (!history_next_day(reader, day))
			return false;
	} while (day->day < since);
	return true;
}

void
history_open_window(HistoryReader *reader, Datum history, DateADT until)
{
	history_open(reader, history, until);
	if (DATE_IS_NOBEGIN(until))
		reader->left = 0;
	else if (!DATE_IS_NOEND(until))
		reader->until = until - 1;
}

/* orders_between(purchase_history, since date, until date) → bigint: orders in [since, until) */
PG_FUNCTION_INFO_V1(orders_between);
Datum
orders_between(PG_FUNCTION_ARGS)
{
	HistoryReader reader;
	PurchaseDay day;
	int64 orders = 0;

	history_open_window(&reader, PG_GETARG_DATUM(0), PG_GETARG_DATEADT(2));
	while (next_day_in_window(&reader, PG_GETARG_DATEADT(1), &day))
		orders += day.orders;
	PG_RETURN_INT64(orders);
}

/* spend_between(purchase_history, since date, until date) → float8: spend in [since, until), net */
PG_FUNCTION_INFO_V1(spend_between);
Datum
spend_between(PG_FUNCTION_ARGS)
{
	HistoryReader reader;
	PurchaseDay day;
	Spend spend = {0};

	history_open_window(&reader, PG_GETARG_DATUM(0), PG_GETARG_DATEADT(2));
	while (next_day_in_window(&reader, PG_GETARG_DATEADT(1), &day))
		spend_merge(&spend, &day.spend);
	return finite_or_null(fcinfo, spend_value(&spend, reader.encoding));
}

/* history_until(purchase_history, as_of date) → purchase_history: as of that day */
PG_FUNCTION_INFO_V1(history_until);
Datum
history_until(PG_FUNCTION_ARGS)
{
	DateADT as_of = finite_day_argument(fcinfo, 1, "as_of", NULL);
	uint32 count;
	Purchase *purchases = history_unpack(PG_GETARG_VARLENA_PP(0), &count);
	uint32 kept = 0;

	while (kept < count && purchases[kept].day <= as_of)
		kept++;
	PG_RETURN_POINTER(history_pack(purchases, kept));
}

/* unnest(purchase_history) → setof (ordered_on date, amount float8): back to rows */
PG_FUNCTION_INFO_V1(purchase_history_unnest);
Datum
purchase_history_unnest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	HistoryReader reader;

	InitMaterializedSRF(fcinfo, 0);
	history_open(&reader, PG_GETARG_DATUM(0), HISTORY_ALL);
	while (history_next(&reader))
	{
		Datum values[2] = {DateADTGetDatum(reader.day), Float8GetDatum(history_amount(&reader))};
		bool nulls[2] = {false, isnan(history_amount(&reader))};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}
