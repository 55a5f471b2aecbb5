/*
 * check_orders.c
 *	  The data doctor: what is wrong with a relation of orders, before a user
 *	  scores it.
 *
 * The query that is run sorts the orders by customer, time and amount, with the
 * caller's rights, and every name in it has its schema (see support/sql_text.h); so
 * it works for tables, partitioned or foreign ones, and for views. What is found by
 * the pass over it (see orders_scan.h) is judged here.
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "clv_model/clv_model.h"
#include "history/history.h"
#include "numerics/correlation.h"
#include "reports/hidden_rows.h"
#include "reports/orders_check.h"
#include "reports/orders_findings.h"
#include "reports/orders_scan.h"
#include "support/args.h"
#include "support/json.h"
#include "support/sql_text.h"

static const char orders_template[] =
	"SELECT {customer}, {time}, {amount}, {order_id} FROM {orders} AS o ORDER BY 1, 2, 3";

/* An amount so many times the median is worth a look. */
#define LARGE_TIMES_MEDIAN 100
#define ENOUGH_FOR_MEDIAN 20

/* Orders at the very time of another one are lines of one order earlier than those of a day are. */
#define MANY_SAME_TIME 0.05

/* Two in twenty-four are near midnight by chance. */
#define MANY_NEAR_MIDNIGHT (1.0 / 6)
#define ENOUGH_TIMES 100

#define MANY_SAME_DAY 0.05
#define MANY_WITH_ONE_ORDER 0.75

/* A correlation that is more than this, and more than three standard errors. */
#define STRONG_CORRELATION 0.15
#define CORRELATION_ERRORS 3

/* What was given to check_orders. */
typedef struct CheckArguments
{
	Oid relation;
	const char *customer_id;
	const char *ordered_at;
	const char *amount; /* NULL: there are none */
	const char *order_id;
	bool until_today; /* no as_of was given */
	DateADT as_of;
} CheckArguments;

static void
report_with_severity(ReturnSetInfo *results, OrdersCheck check, OrdersSeverity severity, int64 rows, double of,
					 const char *example)
{
	const OrdersCheckInfo *info = &orders_checks[check];
	Datum values[6];
	bool nulls[6] = {false};

	values[0] = CStringGetTextDatum(info->name);
	values[1] = CStringGetTextDatum(orders_severity_names[severity]);
	values[2] = Int64GetDatum(rows);
	nulls[2] = rows < 0;
	nulls[3] = !(of > 0);
	values[3] = Float8GetDatum(nulls[3] ? 0 : rows / of);
	nulls[4] = example == NULL;
	values[4] = example == NULL ? (Datum) 0 : CStringGetTextDatum(example);
	values[5] = CStringGetTextDatum(info->fix);
	tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
}

/* One row of the result: so many of so many, or -1 where that says nothing. */
static void
report(ReturnSetInfo *results, OrdersCheck check, int64 rows, double of, const char *example)
{
	report_with_severity(results, check, orders_checks[check].severity, rows, of, example);
}

static void
report_count(ReturnSetInfo *results, OrdersCheck check, const OrdersCount *count, double of)
{
	if (count->rows > 0)
		report(results, check, count->rows, of, count->example);
}

/* A day as text in any DateStyle. */
static const char *
day_text(DateADT day)
{
	StringInfoData text;

	initStringInfo(&text);
	json_append_date(&text, day);
	text.data[text.len - 1] = '\0';
	return text.data + 1;
}

/* ---------------------------------------------------------------- the query */

/* Whether the caller may read the columns that were named. */
static bool
may_read(const CheckArguments *arguments)
{
	const char *const columns[] = {arguments->customer_id, arguments->ordered_at, arguments->amount,
								   arguments->order_id};

	return orders_may_read(arguments->relation, columns, lengthof(columns));
}

static void
refuse_other_relations(Oid relation)
{
	switch (get_rel_relkind(relation))
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
		case RELKIND_FOREIGN_TABLE:
			return;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("%s has no rows to check", sql_relation(relation)),
					 errhint("Name a table, a view, a materialized view or a foreign table.")));
	}
}

/*
 * A column of keys, in a form that sorts fast: equality is all that matters, and it is
 * that of bytes in every deterministic collation.
 */
static const char *
key_column(Oid relation, const char *name, OrdersColumn *column)
{
	Oid type = sql_column_type(relation, name);
	int32 typmod;
	Oid collation;
	Oid declared;
	const char *text = sql_column("o", name, type);

	get_atttypetypmodcoll(relation, get_attnum(relation, name), &declared, &typmod, &collation);
	if (OidIsValid(collation) && get_collation_isdeterministic(collation) &&
		(type == TEXTOID || type == VARCHAROID || type == BPCHAROID))
	{
		collation = C_COLLATION_OID;
		text = psprintf("%s COLLATE pg_catalog.\"C\"", text);
	}
	orders_column_init(column, name, type, collation);
	return text;
}

static const char *
amount_column(const CheckArguments *arguments, Oid *type)
{
	if (arguments->amount == NULL)
		return "NULL::pg_catalog.float8";

	const char *text = sql_amount_column("o", arguments->relation, arguments->amount, false, type);

	/* whole numbers need no detour through numeric */
	if (*type == sql_column_type(arguments->relation, arguments->amount))
		return text;
	*type = FLOAT8OID;
	return sql_column("o", arguments->amount, *type);
}

/* The scan for these arguments, and the text of its query. */
static OrdersScan *
make_scan(const CheckArguments *arguments, StringInfo query)
{
	Oid amount_type = InvalidOid;
	const char *amount = amount_column(arguments, &amount_type);
	Oid time_type;
	const char *time = sql_time_column("o", arguments->relation, arguments->ordered_at, &time_type);
	OrdersScan *scan = orders_scan_make(time_type, amount_type);
	const SqlPart parts[] = {
		{"{customer}", key_column(arguments->relation, arguments->customer_id, &scan->customer)},
		{"{time}", time},
		{"{amount}", amount},
		{"{order_id}",
		 arguments->order_id == NULL ? "NULL::pg_catalog.bool"
									 : key_column(arguments->relation, arguments->order_id, &scan->order_id)},
		{"{orders}", sql_relation(arguments->relation)},
	};

	if (arguments->order_id != NULL)
		scan->order_ids =
			tuplesort_begin_datum(scan->order_id.type, lookup_type_cache(scan->order_id.type, TYPECACHE_LT_OPR)->lt_opr,
								  scan->order_id.collation, false, work_mem, NULL, TUPLESORT_NONE);
	scan->as_of = arguments->as_of;
	/* a day for sessions in another time zone, where the clock was asked */
	scan->last_allowed = arguments->as_of + (arguments->until_today ? 1 : 0);
	sql_append_template(query, orders_template, "", parts, lengthof(parts));
	return scan;
}

static void
run_scan(OrdersScan *scan, const char *query)
{
	SPIExecuteOptions options = {.read_only = true, .dest = &scan->receiver};
	int level = sql_settings();

	SPI_connect();
	if (SPI_execute_extended(query, &options) < 0)
		elog(ERROR, "could not run \"%s\"", query);
	SPI_finish();
	AtEOXact_GUC(true, level);
	orders_scan_end(scan);
}

/* ---------------------------------------------------------------- verdicts */

static void
judge_rows(ReturnSetInfo *results, const OrdersScan *scan)
{
	if (scan->rows > 0 && scan->no_customer.rows == scan->rows)
		report(results, ORDERS_NO_CUSTOMERS, scan->rows, scan->rows, scan->no_customer.example);
	report_count(results, ORDERS_INFINITE_DATE, &scan->infinite_date, scan->rows);
	report_count(results, ORDERS_NOT_A_NUMBER, &scan->not_a_number, scan->rows);
	if (scan->most > HISTORY_MAX_PURCHASES)
		report(results, ORDERS_TOO_MANY_ORDERS, scan->most, scan->rows, scan->most_of);
	if (scan->no_customer.rows < scan->rows)
		report_count(results, ORDERS_NO_CUSTOMER, &scan->no_customer, scan->rows);
	report_count(results, ORDERS_NO_DATE, &scan->no_date, scan->rows);
	report_count(results, ORDERS_NO_AMOUNT, &scan->no_amount, scan->rows);
	report_count(results, ORDERS_FUTURE_DATE, &scan->future_date, scan->rows);
	report_count(results, ORDERS_OLD_DATE, &scan->old_date, scan->rows);
}

static bool
has_lines(const OrdersScan *scan)
{
	return orders_look_like_lines(scan->same_day.rows, scan->orders) || scan->same_time > MANY_SAME_TIME * scan->orders;
}

static int
compare_descending(const void *a, const void *b)
{
	int64 first = *(const int64 *) a, second = *(const int64 *) b;

	return (first < second) - (first > second);
}

/* Orders of all tills; zero: there is none. */
static int64
till_orders(OrdersScan *scan)
{
	int64 orders = 0;

	qsort(scan->largest, scan->n_largest, sizeof(int64), compare_descending);

	/* those that are not among the largest have one order each */
	int64 of_rank = scan->n_largest >= ORDERS_TILL_RANK ? scan->largest[ORDERS_TILL_RANK - 1]
		: scan->customers >= ORDERS_TILL_RANK           ? 1
														: 0;

	for (int i = 0; i < scan->n_largest; i++)
		if (orders_look_like_till(scan->largest[i], scan->orders, scan->customers, of_rank))
			orders += scan->largest[i];
	return orders;
}

static void
judge_ids(ReturnSetInfo *results, OrdersScan *scan)
{
	int64 of_tills = till_orders(scan);

	if (scan->order_ids != NULL)
	{
		OrdersCount duplicates = orders_scan_order_ids(scan);

		report_count(results, ORDERS_DUPLICATE_ORDER_ID, &duplicates, scan->rows);
	}
	report_count(results, ORDERS_DUPLICATE_ORDER, &scan->duplicate, scan->rows);
	if (has_lines(scan))
		report_count(results, ORDERS_ORDER_LINES, &scan->same_day, scan->orders);
	if (of_tills > 0)
		report(results, ORDERS_TILL, of_tills, scan->orders, scan->most_of);
	if (orders_look_like_one_each(scan->most, scan->customers))
		report(results, ORDERS_ONE_ORDER_IDS, scan->customers, scan->customers, scan->most_of);
}

static void
judge_amounts(ReturnSetInfo *results, const OrdersScan *scan)
{
	double low, high;
	int64 smaller;

	if (scan->steps != NULL && scan->used >= ENOUGH_FOR_MEDIAN)
	{
		double limit = LARGE_TIMES_MEDIAN * orders_median_amount(scan);

		if (scan->largest_amount > limit)
			report(results, ORDERS_LARGE_AMOUNT, Max(1, orders_amounts_above(scan, limit)), scan->used,
				   scan->largest_amount_of);
		if (orders_two_groups(scan, &low, &high, &smaller))
			report(results, ORDERS_TWO_CURRENCIES, smaller, scan->used,
				   psprintf("around %.3g and around %.3g", low, high));
	}
	if (orders_are_refunded(scan->refunds, scan->used))
		report(results, ORDERS_MANY_REFUNDS, scan->refunds, scan->used, NULL);
	report_count(results, ORDERS_REFUND_BEFORE_ORDER, &scan->refund_before_order, scan->used);
}

static void
judge_days(ReturnSetInfo *results, const OrdersScan *scan, bool until_today)
{
	DateADT day;
	int64 of;
	int64 count = orders_empty_days(scan, &of, &day);

	if (count > 0)
		report(results, ORDERS_DAYS_WITHOUT_ORDERS, count, of, day_text(day));
	if (orders_last_day_incomplete(scan, until_today, &day, &count))
		report(results, ORDERS_INCOMPLETE_LAST_DAY, count, -1, day_text(day));
	if (orders_first_seen_spike(scan, &day, &count))
		report(results, ORDERS_FIRST_SEEN_SPIKE, count, scan->customers, day_text(day));
	if (scan->timed >= ENOUGH_TIMES && scan->near_midnight > MANY_NEAR_MIDNIGHT * scan->timed)
		report(results, ORDERS_NEAR_MIDNIGHT, scan->near_midnight, scan->timed, NULL);
}

/* Of the number of orders and their mean amount; NaN where all customers have the same. */
static double
count_amount_correlation(const OrdersMoments *moments)
{
	double n = (double) moments->n;

	return correlation(moments->mean_x, moments->mean_y, moments->xx / n, moments->yy / n, moments->xy / n);
}

static void
judge_customers(ReturnSetInfo *results, const OrdersScan *scan)
{
	double r = count_amount_correlation(&scan->moments);

	if (scan->customers < CLV_FEW_CUSTOMERS)
		report(results, ORDERS_FEW_CUSTOMERS, scan->customers, -1, NULL);
	if (scan->repeat_customers < CLV_FEW_REPEATERS)
		report(results, ORDERS_FEW_REPEAT_CUSTOMERS, scan->repeat_customers, scan->customers, NULL);
	if (!has_lines(scan) && scan->same_day.rows > MANY_SAME_DAY * scan->orders)
		report_count(results, ORDERS_SAME_DAY_ORDERS, &scan->same_day, scan->orders);
	report_count(results, ORDERS_ZERO_AMOUNT, &scan->zero_amount, scan->used);
	if (scan->one_order_customers > MANY_WITH_ONE_ORDER * scan->customers &&
		!orders_look_like_one_each(scan->most, scan->customers))
		report(results, ORDERS_ONE_ORDER_SHARE, scan->one_order_customers, scan->customers, NULL);
	if (fabs(r) > STRONG_CORRELATION && fabs(r) * sqrt((double) scan->moments.n) > CORRELATION_ERRORS)
		report(results, ORDERS_COUNT_AMOUNT_CORRELATION, scan->moments.n, scan->customers,
			   psprintf("correlation %.2f", r));
}

/* ---------------------------------------------------------------- the function */

static CheckArguments
check_arguments(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"orders", "customer_id", "ordered_at"};

	refuse_nulls(fcinfo, 0, names, lengthof(names));

	CheckArguments arguments = {
		.relation = PG_GETARG_OID(0),
		.customer_id = optional_name_argument(fcinfo, 1),
		.ordered_at = optional_name_argument(fcinfo, 2),
		.amount = optional_name_argument(fcinfo, 3),
		.order_id = optional_name_argument(fcinfo, 4),
		.until_today = PG_ARGISNULL(5),
	};

	arguments.as_of = arguments.until_today ? GetSQLCurrentDate() : PG_GETARG_DATEADT(5);
	check_finite_day(arguments.as_of, "as_of", NULL);
	return arguments;
}

/* check_orders(orders, customer_id, ordered_at [, amount, order_id, as_of]) → setof (check_name, severity, rows, share, example, fix) */
PG_FUNCTION_INFO_V1(check_orders);
Datum
check_orders(PG_FUNCTION_ARGS)
{
	CheckArguments arguments = check_arguments(fcinfo);
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	StringInfoData query;
	OrdersScan *scan;

	initStringInfo(&query);
	(void) sql_relation(arguments.relation);
	refuse_other_relations(arguments.relation);
	scan = make_scan(&arguments, &query);
	InitMaterializedSRF(fcinfo, 0);
	if (!may_read(&arguments))
	{
		report(results, ORDERS_NOT_READABLE, -1, -1, sql_relation(arguments.relation));
		return (Datum) 0;
	}
	run_scan(scan, query.data);
	judge_rows(results, scan);
	judge_ids(results, scan);
	judge_amounts(results, scan);
	judge_days(results, scan, arguments.until_today);
	judge_customers(results, scan);
	if (rows_may_be_hidden(arguments.relation))
		report(results, ORDERS_HIDDEN_ROWS, -1, -1, NULL);
	return (Datum) 0;
}
