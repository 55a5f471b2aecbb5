/*
 * orders_check.c
 *	  Checks of a table of orders, before its scores are used.
 *
 * Bad rows make scores wrong silently: rows that are left out, order lines
 * counted as orders, a customer_id for all anonymous sales of a till, a day in
 * the wrong year. Every report counts them and hints at a correction. Unlike
 * pure functions, reports may read the clock.
 */
#include "compat.h"

#include <float.h>

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "history/history.h"
#include "reports/orders_check.h"
#include "reports/orders_findings.h"
#include "support/args.h"
#include "support/sql_text.h"

/* A row that is in a history; {counted} is true without amounts. */
#define IN_HISTORY "{known} AND {time} IS NOT NULL AND {counted}"

static const char rows_template[] =
	"SELECT pg_catalog.count(*),\n"
	"  pg_catalog.count(*) FILTER (WHERE NOT ({known})),\n"
	"  pg_catalog.count(*) FILTER (WHERE {known} AND {time} IS NULL),\n"
	"  pg_catalog.count(*) FILTER (WHERE {known} AND {time} IS NOT NULL AND NOT {counted}),\n"
	"  pg_catalog.count(*) FILTER (WHERE " IN_HISTORY " AND {bad_time}),\n"
	"  pg_catalog.count(*) FILTER (WHERE " IN_HISTORY " AND {bad_amount}),\n"
	"  pg_catalog.count(*) FILTER (WHERE " IN_HISTORY " AND {refund}),\n"
	"  pg_catalog.count(*) FILTER (WHERE " IN_HISTORY " AND {huge})\n"
	"FROM {orders} AS o WHERE {time} IS NULL OR true{window}";

/* The rows, those that some of these counts may be about, and the refunds. */
static const char ordinary_template[] =
	"SELECT pg_catalog.count(*),\n"
	"  pg_catalog.count(*) FILTER (WHERE (" IN_HISTORY " AND NOT {bad_time} AND {ordinary}) IS NOT TRUE),\n"
	"  pg_catalog.count(*) FILTER (WHERE {refund})\n"
	"FROM {orders} AS o WHERE {time} IS NULL OR true{window}";

/* One order of so many times the median decides what the model says of all customers. */
#define HUGE_AMOUNT "10000"

/* So many times the median amount of some orders; NULL where that is no amount. */
static const char limit_template[] =
	"SELECT CASE WHEN m.median OPERATOR(pg_catalog.<) '1e300'::{type}\n"
	"    THEN m.median OPERATOR(pg_catalog.*) '" HUGE_AMOUNT "'::{type} END FROM\n"
	"  (SELECT pg_catalog.percentile_disc('0.5'::pg_catalog.float8) WITHIN GROUP (ORDER BY f.amount) AS median FROM\n"
	"    (SELECT {amount} AS amount FROM {orders} AS o WHERE {amount} OPERATOR(pg_catalog.>) '0'::{type} LIMIT 10000) "
	"AS "
	"f) AS m";

static const char huge_template[] = "SELECT {customer} FROM {orders} AS o WHERE " IN_HISTORY " AND {huge}{window}\n"
									"ORDER BY {amount} DESC, {customer} LIMIT 1";

static const char later_template[] =
	"SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE NOT (true{window}))\n"
	"FROM {orders} AS o WHERE " IN_HISTORY;

static const char later_histories_template[] =
	"SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE NOT (true{window}))\n"
	"FROM {relation} AS o WHERE {known} AND @has_purchases_between({history}, '-infinity'::pg_catalog.date, "
	"'infinity'::pg_catalog.date)";

static const char bad_time_template[] =
	"SELECT {customer} FROM {orders} AS o WHERE " IN_HISTORY " AND {bad_time}{window}\n"
	"ORDER BY {customer} LIMIT 1";

static const char bad_amount_template[] =
	"SELECT {customer} FROM {orders} AS o WHERE " IN_HISTORY " AND {bad_amount}{window}\n"
	"ORDER BY {customer} LIMIT 1";

static const char too_many_template[] =
	"SELECT {customer}, pg_catalog.count(*) FROM {orders} AS o WHERE " IN_HISTORY "{window}\n"
	"GROUP BY {customer}\n"
	"HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) '" CppAsString2(
		HISTORY_MAX_PURCHASES) "'::pg_catalog.int8\n"
							   "ORDER BY pg_catalog.count(*) DESC, {customer} LIMIT 1";

/*
 * The days with an order follow from the mean time between them. Who has a monetary score, or is expected to spend
 * so much, has a spend, and one that is too large for its column.
 */
static const char scores_template[] =
	"SELECT pg_catalog.count(*), pg_catalog.sum(s.order_count)::pg_catalog.int8, pg_catalog.max(s.order_count),\n"
	"  pg_catalog.sum(CASE WHEN coalesce(s.order_count, '0'::pg_catalog.int8) OPERATOR(pg_catalog.=) "
	"'0'::pg_catalog.int8 THEN '0'::pg_catalog.float8\n"
	"    WHEN s.avg_days_between_orders IS NULL THEN '1'::pg_catalog.float8\n"
	"    ELSE '1'::pg_catalog.float8 OPERATOR(pg_catalog.+) pg_catalog.round(\n"
	"      (s.last_order_on OPERATOR(pg_catalog.-) s.first_order_on)::pg_catalog.float8\n"
	"      OPERATOR(pg_catalog./) s.avg_days_between_orders) END)::pg_catalog.int8,\n"
	"  pg_catalog.count(*) FILTER (WHERE s.last_order_on OPERATOR(pg_catalog.>) {tomorrow}),\n"
	"  pg_catalog.max(s.as_of),\n"
	"  pg_catalog.count(*) FILTER (WHERE s.total_spend IS NULL AND (s.m_score IS NOT NULL OR\n"
	"    s.expected_transaction_value OPERATOR(pg_catalog.>) '1e12'::pg_catalog.float8)),\n"
	"  pg_catalog.count(*) FILTER (WHERE s.total_spend OPERATOR(pg_catalog.=) '0'::pg_catalog.numeric\n"
	"    AND s.expected_transaction_value OPERATOR(pg_catalog.>) '0'::pg_catalog.float8)\n"
	"FROM {view} AS s";

/* The customer with most orders, and the orders of the one of ORDERS_TILL_RANK. */
static const char till_template[] =
	"SELECT (SELECT {customer} FROM {view} AS s ORDER BY s.order_count DESC NULLS LAST, {customer} LIMIT 1),\n"
	"  (SELECT pg_catalog.min(l.order_count) FROM\n"
	"    (SELECT s.order_count FROM {view} AS s ORDER BY s.order_count DESC NULLS LAST LIMIT " CppAsString2(
		ORDERS_TILL_RANK) ") AS l)";

/* Each customer's orders, of which there is one for each row. */
#define ORDERS_OF_CUSTOMERS \
	"(SELECT {customer} AS customer, pg_catalog.count(*) AS order_count, pg_catalog.count(DISTINCT " \
	"{time}::pg_catalog.date) AS days,\n" \
	"    pg_catalog.min({time}::pg_catalog.date) AS first_order_on, pg_catalog.max({time}::pg_catalog.date) AS " \
	"last_order_on\n" \
	"  FROM {orders} AS o WHERE " IN_HISTORY " AND NOT {refund} GROUP BY {customer})"

static const char orders_template[] =
	"SELECT pg_catalog.count(*), pg_catalog.sum(s.order_count)::pg_catalog.int8, pg_catalog.max(s.order_count),\n"
	"  pg_catalog.sum(s.days)::pg_catalog.int8, pg_catalog.count(*) FILTER (WHERE s.last_order_on "
	"OPERATOR(pg_catalog.>) {tomorrow}),\n"
	"  pg_catalog.min(s.first_order_on), pg_catalog.max(s.last_order_on)\n"
	"FROM " ORDERS_OF_CUSTOMERS " AS s";

static const char numbers_template[] = "SELECT {customer}, pg_catalog.count(*) OVER () FROM {orders} AS o WHERE "
									   "{known} AND {time} IS NOT NULL AND {bad_amount}{window}\n"
									   "ORDER BY {customer} LIMIT 1";

static const char unknown_template[] =
	"SELECT pg_catalog.count(*) FILTER (WHERE {number} IS NULL), pg_catalog.count(*),\n"
	"  pg_catalog.count(*) FILTER (WHERE {bad_amount})\n"
	"FROM {orders} AS o WHERE {known} AND {time} IS NOT NULL{window}";

/* Runs a query that returns one row, or none. It sees the effects of earlier commands of this statement. */
static bool
query_row(const char *schema, const char *template, const SqlPart *parts, int count)
{
	StringInfoData query;

	initStringInfo(&query);
	sql_append_template(&query, template, schema, parts, count);
	return sql_run(query.data) > 0;
}

/* A column of the row, which is a number or NULL, taken for 0. */
static int64
row_count(int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* The customer in the first column, in the output form of the type: no user-defined cast is called. */
static char *
row_customer(void)
{
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* Rows that as_of leaves out are meant to be, unless they are most. */
static void
say_later(const char *schema, const char *template, const SqlPart *parts, int count, const char *what)
{
	query_row(schema, template, parts, count);

	int64 all = row_count(1);
	int64 later = row_count(2);

	if (later > all / 2)
		ereport(NOTICE,
				(errmsg(INT64_FORMAT " of " INT64_FORMAT " %s are left out: they come after as_of", later, all, what),
				 errhint(
					 "as_of is the day that the scores stand at. Without it they stand at the last day observed.")));
}

static void
say_left_out(int64 rows, int64 all, const char *without, OrdersCheck check, bool lines)
{
	/* the rest of an order of several lines stays */
	if (rows > 0 && lines)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " of " INT64_FORMAT " order lines is left out: it has no %s",
							   INT64_FORMAT " of " INT64_FORMAT " order lines are left out: they have no %s",
							   (unsigned long) rows, rows, all, without),
				 errhint("%s", orders_checks[check].fix)));
	else if (rows > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " of " INT64_FORMAT " orders is left out: it has no %s",
							   INT64_FORMAT " of " INT64_FORMAT " orders are left out: they have no %s",
							   (unsigned long) rows, rows, all, without),
				 errhint("%s", orders_checks[check].fix)));
}

/* The condition that an amount is no number that a history can hold. */
static const char *
bad_amount_of(const OrdersTable *table)
{
	return table->amount == NULL ? "false"
								 : psprintf("pg_catalog.abs(%s) OPERATOR(pg_catalog.>) '1.7976931348623157e308'::%s",
											table->amount, table->amount_type);
}

void
orders_check_numbers(const OrdersTable *table, const char *name)
{
	const SqlPart parts[] = {{"{orders}", table->orders},
							 {"{known}", table->known},
							 {"{customer}", table->customer},
							 {"{time}", table->time},
							 {"{bad_amount}", bad_amount_of(table)},
							 {"{window}", table->window},
							 {"{number}", table->amount}};
	int64 bad;

	query_row("", unknown_template, parts, lengthof(parts));
	bad = row_count(3);
	if (row_count(1) > 0)
		ereport(NOTICE,
				(errmsg("%s is null in " INT64_FORMAT " of " INT64_FORMAT " orders, and counts as zero there", name,
						row_count(1), row_count(2)),
				 errdetail("Customers all of whose orders are without it are missing from tables that show it."),
				 errhint("Give it for all orders, or leave the argument out.")));
	/* only where there are any are the orders read again, for an example */
	if (bad > 0 && query_row("", numbers_template, parts, lengthof(parts)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg_plural("%s is NaN, infinite or too large in " INT64_FORMAT " order, of customer %s",
							   "%s is NaN, infinite or too large in " INT64_FORMAT
							   " orders, one of them of customer %s",
							   (unsigned long) row_count(2), name, row_count(2), row_customer()),
				 errhint("%s", orders_checks[ORDERS_NOT_A_NUMBER].fix)));
}

/* The condition on rows of a history that their amount makes. */
static const char *
counted_rows(const OrdersTable *table)
{
	return table->amount == NULL ? "true" : psprintf("(%s IS NOT NULL)", table->amount);
}

/* The amount from which one is out of all proportion, as a literal; NULL: there is no saying. */
static const char *
huge_amount_of(const OrdersTable *table)
{
	const SqlPart parts[] = {{"{orders}", table->orders}, {"{amount}", table->amount}, {"{type}", table->amount_type}};

	if (table->amount == NULL || !query_row("", limit_template, parts, lengthof(parts)))
		return NULL;
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* The counts that a table's check needs. */
typedef struct RowCounts
{
	int64 rows;
	int64 no_customer;
	int64 no_time;
	int64 no_amount;
	int64 bad_times;
	int64 bad_amounts;
	int64 refunds;
	int64 huge;
} RowCounts;

/* Most tables have ordinary rows only, which one condition tells: then the others are not looked at row by row. */
static RowCounts
count_rows(const SqlPart *parts, int count)
{
	query_row("", ordinary_template, parts, count);
	if (row_count(2) == 0)
		return (RowCounts){.rows = row_count(1), .refunds = row_count(3)};
	query_row("", rows_template, parts, count);
	return (RowCounts){
		.rows = row_count(1),
		.no_customer = row_count(2),
		.no_time = row_count(3),
		.no_amount = row_count(4),
		.bad_times = row_count(5),
		.bad_amounts = row_count(6),
		.refunds = row_count(7),
		.huge = row_count(8),
	};
}

bool
orders_check_rows(const OrdersTable *table)
{
	const char *bad_amount = bad_amount_of(table);
	const char *limit = huge_amount_of(table);
	const char *amount = table->amount;
	const char *type = table->amount_type;
	const SqlPart parts[] =
		{{"{orders}", table->orders},
		 {"{known}", table->known},
		 {"{customer}", table->customer},
		 {"{time}", table->time},
		 {"{counted}", counted_rows(table)},
		 {"{bad_time}", psprintf("(NOT pg_catalog.isfinite(%s))", table->time)},
		 {"{bad_amount}", bad_amount},
		 {"{refund}", amount == NULL ? "false" : psprintf("%s OPERATOR(pg_catalog.<) '0'::%s", amount, type)},
		 {"{window}", table->window},
		 {"{huge}", limit == NULL ? "false" : psprintf("%s OPERATOR(pg_catalog.>) '%s'::%s", amount, limit, type)},
		 {"{ordinary}",
		  limit == NULL ? psprintf("NOT (%s)", bad_amount)
						: psprintf("%s OPERATOR(pg_catalog.<=) '%s'::%s AND %s OPERATOR(pg_catalog.>=) '-%s'::%s",
								   amount, limit, type, amount, limit, type)},
		 {"{amount}", amount}};
	const RowCounts counts = count_rows(parts, lengthof(parts));

	/* The orders may have been corrected between the two queries: then there is no row. */
	if (counts.bad_times > 0 && query_row("", bad_time_template, parts, lengthof(parts)))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg_plural("ordered_at is infinite in " INT64_FORMAT " order, of customer %s",
							   "ordered_at is infinite in " INT64_FORMAT " orders, one of them of customer %s",
							   (unsigned long) counts.bad_times, counts.bad_times, row_customer()),
				 errhint("%s", orders_checks[ORDERS_INFINITE_DATE].fix)));
	if (counts.bad_amounts > 0 && query_row("", bad_amount_template, parts, lengthof(parts)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg_plural("amount is NaN, infinite or too large in " INT64_FORMAT " order, of customer %s",
							   "amount is NaN, infinite or too large in " INT64_FORMAT
							   " orders, one of them of customer %s",
							   (unsigned long) counts.bad_amounts, counts.bad_amounts, row_customer()),
				 errhint("%s", orders_checks[ORDERS_NOT_A_NUMBER].fix)));
	if (counts.huge > 0 && query_row("", huge_template, parts, lengthof(parts)))
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " order, of customer %s, has an amount of more than " HUGE_AMOUNT
											" times the median",
							   INT64_FORMAT
							   " orders, the largest of customer %s, have an amount of more than " HUGE_AMOUNT
							   " times the median",
							   (unsigned long) counts.huge, counts.huge, row_customer()),
				 errdetail("The model of amounts, and so the values of all customers, depend on it."),
				 errhint("%s", orders_checks[ORDERS_LARGE_AMOUNT].fix)));
	if (table->window[0] != '\0')
		say_later("", later_template, parts, lengthof(parts), "orders");
	say_left_out(counts.no_customer, counts.rows, "customer", ORDERS_NO_CUSTOMER, table->lines);
	say_left_out(counts.no_time, counts.rows, "day", ORDERS_NO_DATE, table->lines);
	say_left_out(counts.no_amount, counts.rows, "amount", ORDERS_NO_AMOUNT, table->lines);
	if (orders_are_refunded(counts.refunds, counts.rows - counts.no_customer - counts.no_time - counts.no_amount))
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " of " INT64_FORMAT " orders has a negative amount",
							   INT64_FORMAT " of " INT64_FORMAT " orders have a negative amount",
							   (unsigned long) counts.refunds, counts.refunds, counts.rows),
				 errhint("%s", orders_checks[ORDERS_MANY_REFUNDS].fix)));
	return table->lines || counts.rows <= HISTORY_MAX_PURCHASES;
}

void
orders_check_most(const OrdersTable *table)
{
	const SqlPart parts[] = {{"{orders}", table->orders},        {"{known}", table->known},
							 {"{customer}", table->customer},    {"{time}", table->time},
							 {"{counted}", counted_rows(table)}, {"{window}", table->window}};

	if (query_row("", too_many_template, parts, lengthof(parts)))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("customer %s has " INT64_FORMAT " orders, and a purchase_history holds %d", row_customer(),
						row_count(2), HISTORY_MAX_PURCHASES),
				 errhint("%s", orders_checks[ORDERS_TOO_MANY_ORDERS].fix)));
}

void
orders_check_histories(const char *schema, const char *relation, const char *known, const char *history,
					   const char *window)
{
	const SqlPart parts[] = {{"{relation}", relation},
							 {"{known}", known},
							 {"{history}", history},
							 {"{window}", window}};

	query_row(schema,
			  "SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE NOT ({known})),\n"
			  "  pg_catalog.count(*) FILTER (WHERE {known} AND {history} IS NULL),\n"
			  "  pg_catalog.count(*) FILTER (WHERE {known} AND NOT @has_purchases_between({history}, "
			  "'-infinity'::pg_catalog.date, 'infinity'::pg_catalog.date))\n"
			  "FROM {relation} AS o",
			  parts, lengthof(parts));

	int64 rows = row_count(1);
	int64 no_customer = row_count(2);
	int64 no_history = row_count(3);
	int64 empty = row_count(4);

	if (no_customer > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " of " INT64_FORMAT " histories is left out: it has no customer",
							   INT64_FORMAT " of " INT64_FORMAT " histories are left out: they have no customer",
							   (unsigned long) no_customer, no_customer, rows),
				 errhint("If the customers are known, make a view that adds them.")));
	if (no_history > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " of " INT64_FORMAT " histories is left out: it is null",
							   INT64_FORMAT " of " INT64_FORMAT " histories are left out: they are null",
							   (unsigned long) no_history, no_history, rows)));
	if (empty > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " of " INT64_FORMAT " histories is left out: it is empty",
							   INT64_FORMAT " of " INT64_FORMAT " histories are left out: they are empty",
							   (unsigned long) empty, empty, rows),
				 errdetail("These customers have no orders, or all were cancelled.")));
	if (window[0] != '\0')
		say_later(schema, later_histories_template, parts, lengthof(parts), "histories");
}

void
orders_check_shared(const OrdersTable *table)
{
	const SqlPart parts[] = {{"{orders}", table->orders},
							 {"{known}", table->known},
							 {"{customer}", table->customer},
							 {"{order}", table->order_id},
							 {"{window}", table->window}};

	if (table->order_id == NULL)
		return;
	query_row("",
			  "SELECT pg_catalog.count(*) FROM (SELECT p.id\n"
			  "  FROM (SELECT DISTINCT o.{order} AS id, {customer} AS customer\n"
			  "    FROM {orders} AS o WHERE {known} AND o.{order} IS NOT NULL{window}) AS p\n"
			  "  GROUP BY p.id HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) '1'::pg_catalog.int8) AS s",
			  parts, lengthof(parts));
	if (row_count(1) > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " order id is of several customers, and counts as an order of each",
							   INT64_FORMAT " order ids are of several customers, and count as an order of each",
							   (unsigned long) row_count(1), row_count(1)),
				 errhint(
					 "If ids are those of a shop or a year, make a view in which they are told apart, or correct the "
					 "customer.")));
}

void
orders_check_single(const OrdersTable *table)
{
	const SqlPart parts[] = {{"{orders}", table->orders},
							 {"{known}", table->known},
							 {"{customer}", table->customer},
							 {"{window}", table->window}};

	query_row("",
			  "SELECT pg_catalog.count(*) FROM (SELECT {customer} AS customer\n"
			  "  FROM {orders} AS o WHERE {known}{window}\n"
			  "  GROUP BY {customer} HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) '1'::pg_catalog.int8) AS c",
			  parts, lengthof(parts));
	if (row_count(1) > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " customer has several histories, whose purchases count together",
							   INT64_FORMAT " customers have several histories, whose purchases count together",
							   (unsigned long) row_count(1), row_count(1)),
				 errhint(
					 "If a join has doubled rows, leave the copies out. A unique index on the customer says that there "
					 "are none.")));
}

/* Orders on a day with another order of the same customer, which models count as one transaction. */
static void
check_lines(int64 orders, int64 days, bool has_order_id)
{
	if (orders_look_like_lines(orders - days, orders))
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " of " INT64_FORMAT
											" orders is on a day with another order of the same customer",
							   INT64_FORMAT " of " INT64_FORMAT
											" orders are on a day with another order of the same customer",
							   (unsigned long) (orders - days), orders - days, orders),
				 errhint("%s",
						 has_order_id
							 ? "If order_id names lines or parcels of orders, name the column of the order itself."
							 : orders_checks[ORDERS_ORDER_LINES].fix)));
}

static void
check_till(const SqlPart *parts, int count, int64 customers, int64 orders, int64 most)
{
	if (orders_look_like_till(most, orders, customers, 0) && query_row("", till_template, parts, count) &&
		orders_look_like_till(most, orders, customers, row_count(2)))
		ereport(NOTICE,
				(errmsg("customer %s has " INT64_FORMAT " of " INT64_FORMAT " orders", row_customer(), most, orders),
				 errhint("%s", orders_checks[ORDERS_TILL].fix)));
}

/* Plus a day for sessions in another time zone. */
static void
check_clock(int64 customers, int64 later, DateADT as_of, DateADT today)
{
	if (DATE_NOT_FINITE(as_of) || as_of <= today + 1)
		return;
	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 later > 0
				 ? errmsg("the scores are as of %s, which is in the future: " INT64_FORMAT " of " INT64_FORMAT
						  " customers have orders after today",
						  DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(as_of))), later, customers)
				 : errmsg("the scores are as of %s, which is in the future",
						  DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(as_of)))),
			 errdetail("Customers without an order until then count as lost."),
			 errhint("Correct the dates, or leave later orders out: as_of => '%s'.",
					 DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(today))))));
}

static void
check_one_each(int64 most, int64 customers)
{
	if (orders_look_like_one_each(most, customers))
		ereport(NOTICE,
				(errmsg("each of " INT64_FORMAT " customers has exactly one order", customers),
				 errhint("%s", orders_checks[ORDERS_ONE_ORDER_IDS].fix)));
}

/* Frequency is counted from the worst end: where all are alike all have the lowest score, however often they ordered. */
static void
check_same_number(int64 orders, int64 most, int64 customers)
{
	if (most > 1 && customers > 1 && orders == most * customers)
		ereport(NOTICE,
				(errmsg("each of " INT64_FORMAT " customers has " INT64_FORMAT " orders: frequency tells nobody apart",
						customers, most),
				 errdetail("All have an f_score of 1, and segments such as \"New\" go by recency and amounts alone.")));
}

/* Columns of amounts have two digits behind the point, and fifteen before it. */
static void
check_unit(int64 customers, int64 too_large, int64 too_small)
{
	if (too_large > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " of " INT64_FORMAT
											" customers has a total_spend of 1e15 or more, which is not shown",
							   INT64_FORMAT " of " INT64_FORMAT
											" customers have a total_spend of 1e15 or more, which is not shown",
							   (unsigned long) too_large, too_large, customers),
				 errhint("Make a view over the orders with amounts in a larger unit.")));
	if (too_small > customers / 2)
		ereport(NOTICE,
				(errmsg(INT64_FORMAT " of " INT64_FORMAT " customers have a total_spend that rounds to 0.00", too_small,
						customers),
				 errhint("Make a view over the orders with amounts in a smaller unit.")));
}

void
orders_check_scores(const char *view, const char *customer, bool has_order_id)
{
	DateADT today = GetSQLCurrentDate();
	const SqlPart parts[] = {{"{view}", view}, {"{customer}", customer}, {"{tomorrow}", sql_date_literal(today + 1)}};

	query_row("", scores_template, parts, lengthof(parts));

	int64 customers = row_count(1);
	int64 orders = row_count(2);
	int64 most = row_count(3);
	int64 days = row_count(4);
	int64 later = row_count(5);
	int64 too_large = row_count(7);
	int64 too_small = row_count(8);
	bool isnull;
	DateADT as_of = DatumGetDateADT(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 6, &isnull));

	if (!isnull)
		check_clock(customers, later, as_of, today);
	check_unit(customers, too_large, too_small);
	check_lines(orders, days, has_order_id);
	check_till(parts, lengthof(parts), customers, orders, most);
	check_one_each(most, customers);
	check_same_number(orders, most, customers);
}

OrdersSpan
orders_check_orders(const OrdersTable *table)
{
	const SqlPart of_rows[] = {{"{orders}", table->orders},
							   {"{known}", table->known},
							   {"{customer}", table->customer},
							   {"{time}", table->time},
							   {"{counted}",
								table->amount == NULL ? "true" : psprintf("(%s IS NOT NULL)", table->amount)},
							   {"{refund}",
								table->amount == NULL ? "false"
													  : psprintf("(%s OPERATOR(pg_catalog.<) '0'::%s)", table->amount,
																 table->amount_type)},
							   {"{tomorrow}", sql_date_literal(GetSQLCurrentDate() + 1)}};
	StringInfoData view;

	initStringInfo(&view);
	sql_append_template(&view, ORDERS_OF_CUSTOMERS, "", of_rows, lengthof(of_rows));

	const SqlPart of_view[] = {{"{view}", view.data}, {"{customer}", "s.customer"}};

	query_row("", orders_template, of_rows, lengthof(of_rows));

	OrdersSpan span = {.customers = row_count(1)};
	int64 orders = row_count(2);
	int64 most = row_count(3);
	int64 days = row_count(4);
	int64 later = row_count(5);
	bool isnull;

	if (span.customers == 0)
		return span;
	span.first = DatumGetDateADT(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 6, &isnull));
	span.last = DatumGetDateADT(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 7, &isnull));
	if (later > 0)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg_plural(INT64_FORMAT " of " INT64_FORMAT " customers has orders after today, up to %s",
							   INT64_FORMAT " of " INT64_FORMAT " customers have orders after today, up to %s",
							   (unsigned long) later, later, span.customers, date_text(span.last)),
				 errhint("Correct the dates, or leave later orders out: until => '%s'.",
						 date_text(GetSQLCurrentDate() + 1))));
	if (!table->lines)
		check_lines(orders, days, table->order_id != NULL);
	check_till(of_view, lengthof(of_view), span.customers, orders, most);
	check_one_each(most, span.customers);
	return span;
}

/* A right that a function such as has_table_privilege(oid, text) tells. */
static bool
may(PGFunction tells, Oid object, const char *right)
{
	return DatumGetBool(DirectFunctionCall2(tells, ObjectIdGetDatum(object), CStringGetTextDatum(right)));
}

static bool
may_read_column(Oid relation, const char *column)
{
	return column == NULL ||
		DatumGetBool(DirectFunctionCall3(has_column_privilege_id_attnum, ObjectIdGetDatum(relation),
										 Int16GetDatum(get_attnum(relation, column)), CStringGetTextDatum("SELECT")));
}

bool
orders_may_read(Oid relation, const char *const *columns, int count)
{
	if (!may(has_schema_privilege_id, get_rel_namespace(relation), "USAGE"))
		return false;
	if (may(has_table_privilege_id, relation, "SELECT"))
		return true;
	for (int i = 0; i < count; i++)
		if (!may_read_column(relation, columns[i]))
			return false;
	return true;
}

void
orders_refuse_unreadable(Oid relation, const char *const *columns, int count)
{
	if (!orders_may_read(relation, columns, count))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("you may not read the orders in %s", sql_relation(relation)),
				 errhint("%s", orders_checks[ORDERS_NOT_READABLE].fix)));
}
