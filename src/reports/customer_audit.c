/*
 * customer_audit.c
 *	  The five lenses as views over a table of orders, for tools that show
 *	  tables and no values of ours.
 *
 * create_customer_audit acts with the caller's rights, and its views with
 * their owner's. In their queries every name that users gave is quoted, every
 * function and operator has its schema, and every argument has exactly the type
 * that the function takes: nobody's overload fits better, in whatever schema.
 */
#include "compat.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "reports/hidden_rows.h"
#include "reports/orders_check.h"
#include "reports/scores_relations.h"
#include "support/args.h"
#include "support/calendar.h"
#include "support/sql_text.h"

/*
 * A view: the expression of each column over the row r of the readers' result,
 * and its comment. @ stands for the schema of the extension.
 */
typedef struct AuditColumn
{
	const char *name;
	const char *expression;
	const char *comment;
} AuditColumn;

#define MOST_AUDIT_COLUMNS 20

typedef struct AuditViewText
{
	const char *suffix;
	const char *comment;
	const char *from;                        /* the value v, and the rows r that a reader makes of it */
	const char *where;                       /* which rows, in which order */
	AuditColumn columns[MOST_AUDIT_COLUMNS]; /* up to one without a name */
} AuditViewText;

/* Rows with one order_id are one order, of the day of the first. Every column has a name that is ours. */
static const char whole_orders[] =
	"  SELECT o.{line_customer_id} AS customer, pg_catalog.min({line_day}) AS ordered_on,\n"
	"    pg_catalog.sum({line_amount}) AS amount, pg_catalog.sum({line_profit}) AS profit\n"
	"  FROM {relation} AS o\n"
	"  WHERE o.{line_customer_id} IS NOT NULL AND {line_day} IS NOT NULL AND o.{order_id} IS NOT NULL\n"
	"  GROUP BY o.{line_customer_id}, o.{order_id}\n"
	"  UNION ALL\n"
	"  SELECT o.{line_customer_id}, {line_day}, {line_amount}, {line_profit}\n"
	"  FROM {relation} AS o\n"
	"  WHERE o.{line_customer_id} IS NOT NULL AND {line_day} IS NOT NULL AND o.{order_id} IS NULL";

static const char histories[] =
	"WITH histories AS MATERIALIZED (\n"
	"  SELECT @purchase_history({time}, {amount}) AS history{profit_column}\n"
	"  FROM {orders} AS o\n"
	"  WHERE o.{customer_id} IS NOT NULL\n"
	"  GROUP BY o.{customer_id}\n"
	"), last AS MATERIALIZED (\n"
	"  SELECT {until} AS until FROM histories AS h\n"
	"), days AS MATERIALIZED (\n"
	"  SELECT l.until,\n"
	"    (l.until OPERATOR(pg_catalog.-) '1 year'::pg_catalog.interval)::pg_catalog.date AS since_2,\n"
	"    (l.until OPERATOR(pg_catalog.-) '2 years'::pg_catalog.interval)::pg_catalog.date AS since_1\n"
	"  FROM last AS l\n"
	")\n";

static const char cohorts_from[] = "(SELECT @cohort_audit(h.history, {grain}, d.until{since}{profit}) AS v FROM "
								   "histories AS h CROSS JOIN days AS d) AS a\n"
								   "CROSS JOIN LATERAL @cohort_table(a.v) AS r";

static const AuditViewText view_texts[] = {
	{"_deciles",
	 "the customers of the last twelve months in ten groups of equal size, the best first (lens 1); a last row "
	 "without a decile counts those who had nothing but refunds in these months, if there are any",
	 "(WITH audited AS MATERIALIZED (\n"
	 "    SELECT @period_audit(h.history, d.since_2, d.until{profit}) AS v FROM histories AS h CROSS JOIN days AS d\n"
	 "  )\n"
	 "  SELECT t.tile, t.customers, t.orders, t.spend, t.profit, t.share_customers, t.share_orders, t.share_spend,\n"
	 "    t.share_profit, t.aof, t.aov, t.margin, t.low_value, t.high_value\n"
	 "  FROM audited AS a CROSS JOIN LATERAL @audit_tiles(a.v, {measure}, 10, 'customers'::pg_catalog.text) AS t\n"
	 "  UNION ALL SELECT NULL::pg_catalog.int4, s.refund_only_customers, 0::pg_catalog.int8, s.refund_only_spend,\n"
	 "    s.refund_only_profit, NULL::pg_catalog.float8, NULL::pg_catalog.float8, NULL::pg_catalog.float8,\n"
	 "    NULL::pg_catalog.float8, NULL::pg_catalog.float8, NULL::pg_catalog.float8, NULL::pg_catalog.float8,\n"
	 "    NULL::pg_catalog.float8, NULL::pg_catalog.float8\n"
	 "  FROM audited AS a CROSS JOIN LATERAL @audit_summary(a.v) AS s\n"
	 "  WHERE s.refund_only_customers OPERATOR(pg_catalog.>) 0) AS r",
	 "ORDER BY r.tile USING OPERATOR(pg_catalog.<)",
	 {
		 {"decile", "r.tile",
		  "1 holds the best tenth of the customers, by {measure_name}; NULL: those with nothing but refunds in these "
		  "twelve months"},
		 {"customers", "r.customers",
		  "customers with an order in these twelve months; where the decile is NULL, with refunds and no order"},
		 {"orders", "r.orders", "their orders"},
		 {"spend", "r.spend", "their spend, net of refunds"},
		 {"profit", "r.profit", "their profit"},
		 {"share_customers", "r.share_customers", "of all customers with an order"},
		 {"share_orders", "r.share_orders", "of all orders"},
		 {"share_spend", "r.share_spend", "of the spend of customers with an order"},
		 {"share_profit", "r.share_profit", "of the profit of customers with an order"},
		 {"aof", "r.aof", "average order frequency: orders divided by customers"},
		 {"aov", "r.aov", "average order value: spend divided by orders"},
		 {"margin", "r.margin", "profit divided by spend"},
		 {"low_value", "r.low_value", "{measure_name} of the last customer of the decile"},
		 {"high_value", "r.high_value", "{measure_name} of the first customer of the decile"},
	 }},
	{"_change",
	 "who made the difference between the last twelve months and the twelve before (lens 2)",
	 "(SELECT @period_change(h.history, d.since_1, d.since_2, d.since_2, d.until{profit}) AS v FROM histories AS h "
	 "CROSS JOIN days AS d) AS a\n"
	 "CROSS JOIN LATERAL @change_groups(a.v) AS r",
	 "",
	 {
		 {"group_name", "r.group_name",
		  "both, lapsed (the first twelve months only), new, reactivated (came back), refunds only (no order in "
		  "either)"},
		 {"customers", "r.customers", "customers"},
		 {"orders_1", "r.orders_1", "orders in the first twelve months"},
		 {"orders_2", "r.orders_2", "orders in the last twelve months"},
		 {"spend_1", "r.spend_1", "spend in the first twelve months"},
		 {"spend_2", "r.spend_2", "spend in the last twelve months"},
		 {"spend_change", "r.spend_2 OPERATOR(pg_catalog.-) r.spend_1",
		  "spend in the last twelve months less that in the first"},
		 {"profit_1", "r.profit_1", "profit in the first twelve months"},
		 {"profit_2", "r.profit_2", "profit in the last twelve months"},
		 {"profit_change", "r.profit_2 OPERATOR(pg_catalog.-) r.profit_1",
		  "profit in the last twelve months less that in the first"},
		 {"aof_1", "r.aof_1", "orders divided by customers, in the first twelve months"},
		 {"aof_2", "r.aof_2", "orders divided by customers, in the last twelve months"},
		 {"aov_1", "r.aov_1", "spend divided by orders, in the first twelve months"},
		 {"aov_2", "r.aov_2", "spend divided by orders, in the last twelve months"},
	 }},
	{"_cohorts",
	 "each cohort by age: what customers do in the {grain_name}s after their first order (lenses 3 and 4); refunds "
	 "in a {grain_name} before it are of no cohort, and are left out",
	 cohorts_from,
	 "WHERE r.complete AND r.age IS NOT NULL",
	 {
		 {"cohort", "r.cohort", "the {grain_name} of the first order"},
		 {"cohort_start", "r.cohort_start", "first day of that {grain_name}"},
		 {"cohort_size", "r.cohort_size", "customers of the cohort"},
		 {"age", "r.age", "{grain_name}s since then; 0 is the {grain_name} of the first order"},
		 {"active", "r.active", "customers with an order in the {grain_name} of this age"},
		 {"share_active", "r.share_active", "of the cohort"},
		 {"orders", "r.orders", "their orders"},
		 {"spend", "r.spend", "their spend, net of refunds"},
		 {"profit", "r.profit", "their profit"},
		 {"spend_per_customer", "r.spend OPERATOR(pg_catalog./) r.cohort_size::pg_catalog.float8",
		  "spend divided by the size of the cohort"},
		 {"second_order_customers", "r.second_order_customers", "customers who came back for the first time"},
	 }},
	{"_c3",
	 "spend by cohort and {grain_name}: the customer cohort chart (lens 5); refunds in a {grain_name} before that of "
	 "the first order have rows of their own, refunds only",
	 cohorts_from,
	 "WHERE r.complete",
	 {
		 {"cohort", "r.cohort",
		  "the {grain_name} of the first order; before: before the data begin; refunds only: of customers who had no "
		  "order yet"},
		 {"cohort_start", "r.cohort_start", "first day of that {grain_name}"},
		 {"period_start", "r.period_start", "first day of the {grain_name} of these numbers"},
		 {"active", "r.active", "customers of the cohort with an order in it"},
		 {"orders", "r.orders", "their orders"},
		 {"spend", "r.spend", "their spend, net of refunds"},
		 {"profit", "r.profit", "their profit"},
	 }},
	{"_base_health",
	 "the whole customer base, {grain_name} by {grain_name} (lens 5)",
	 "(SELECT @cohort_audit(h.history, {grain}, d.until{since}{profit}) AS v FROM histories AS h CROSS JOIN days AS d) "
	 "AS a\n"
	 "CROSS JOIN LATERAL @base_health(a.v) AS r",
	 "WHERE r.complete ORDER BY r.period_start USING OPERATOR(pg_catalog.<)",
	 {
		 {"period_start", "r.period_start", "first day of the {grain_name}"},
		 {"active", "r.active", "customers with an order in it: new, kept and reactivated ones"},
		 {"new_customers", "r.new", "customers whose first order it was"},
		 {"kept", "r.kept", "customers active in the {grain_name} before, too"},
		 {"reactivated", "r.reactivated", "customers who came back after a {grain_name} or more without an order"},
		 {"lapsed", "r.lapsed", "customers active in the {grain_name} before, and not in this one"},
		 {"repeat_buying_rate", "r.repeat_buying_rate",
		  "of the active customers, those active in the next {grain_name}, too"},
		 {"spend", "r.spend", "spend, net of refunds, those of customers who had no order yet, too"},
		 {"share_spend_new", "r.share_spend_new", "of spend, that of new customers"},
	 }},
};

/* Everything that differs from call to call, ready to stand in SQL text. */
typedef struct AuditQuery
{
	const char *schema;
	const char *relation;
	const char *orders; /* the relation, or the orders that its lines make up */
	const char *customer_id;
	const char *customer; /* its column of the orders in its base type */
	const char *order_id; /* NULL: each row is an order */
	const char *line_customer_id;
	const char *line_customer;
	const char *line_day;
	const char *line_amount;
	const char *line_profit;
	const char *amount_type;
	const char *profit_type;
	const char *time;
	const char *amount;
	const char *profit_column; /* a further column of the histories, or nothing */
	const char *profit;        /* a further argument of the aggregates, or nothing */
	const char *measure;
	const char *measure_name;
	const char *grain;
	const char *grain_name;
	const char *since; /* a further argument, or nothing */
	const char *until;
} AuditQuery;

/* Appends a template of these views'. */
static void
append_part(StringInfo out, const char *template, const AuditQuery *query)
{
	const SqlPart parts[] = {
		{"{relation}", query->relation},
		{"{order_id}", query->order_id},
		{"{line_customer_id}", query->line_customer_id},
		{"{line_day}", query->line_day},
		{"{line_amount}", query->line_amount},
		{"{line_profit}", query->line_profit},
		{"{orders}", query->orders},
		{"{customer_id}", query->customer_id},
		{"{time}", query->time},
		{"{amount}", query->amount},
		{"{profit_column}", query->profit_column},
		{"{profit}", query->profit},
		{"{measure}", query->measure},
		{"{measure_name}", query->measure_name},
		{"{grain}", query->grain},
		{"{grain_name}", query->grain_name},
		{"{since}", query->since},
		{"{until}", query->until},
	};

	sql_append_template(out, template, query->schema, parts, lengthof(parts));
}

/* The same, filled into a text of its own. */
static const char *
filled(const char *template, const AuditQuery *query)
{
	StringInfoData out;

	initStringInfo(&out);
	append_part(&out, template, query);
	return out.data;
}

/* A day as SQL text. */
static const char *
day_text(DateADT day, const char *name)
{
	check_finite_day(day, name, NULL);
	return sql_date_literal(day);
}

/* The arguments, in their order. */
typedef enum AuditArgument
{
	CREATE_AUDIT_NAME_PREFIX,
	CREATE_AUDIT_ORDERS,
	CREATE_AUDIT_CUSTOMER_ID,
	CREATE_AUDIT_ORDERED_AT,
	CREATE_AUDIT_AMOUNT,
	CREATE_AUDIT_PROFIT,
	CREATE_AUDIT_GRAIN,
	CREATE_AUDIT_SINCE,
	CREATE_AUDIT_UNTIL,
	CREATE_AUDIT_ORDER_ID,
	CREATE_AUDIT_REPLACE,
} AuditArgument;

static void
grain_argument(FunctionCallInfo fcinfo, AuditQuery *query)
{
	query->grain_name = period_names[period_argument(fcinfo, CREATE_AUDIT_GRAIN, "grain")];
	query->grain = psprintf("'%s'::pg_catalog.text", query->grain_name);
}

/* The orders, put together from their lines if these say to which order they belong. */
static void
orders_argument(FunctionCallInfo fcinfo, AuditQuery *query)
{
	Oid relation = PG_GETARG_OID(CREATE_AUDIT_ORDERS);
	const char *customer_id = optional_name_argument(fcinfo, CREATE_AUDIT_CUSTOMER_ID);
	const char *order_id = optional_name_argument(fcinfo, CREATE_AUDIT_ORDER_ID);
	const char *profit = optional_name_argument(fcinfo, CREATE_AUDIT_PROFIT);
	Oid type;

	query->relation = query->orders = sql_relation(relation);
	query->line_customer_id = query->customer_id = quote_identifier(customer_id);
	query->line_customer = query->customer = sql_column("o", customer_id, sql_column_type(relation, customer_id));
	query->time = sql_time_column("o", relation, optional_name_argument(fcinfo, CREATE_AUDIT_ORDERED_AT), &type);
	query->line_day = psprintf("%s::pg_catalog.date", query->time);
	query->time = sql_purchase_time(query->time, type);
	query->amount =
		sql_amount_column("o", relation, optional_name_argument(fcinfo, CREATE_AUDIT_AMOUNT), order_id != NULL, &type);
	query->amount_type = sql_type(type);
	query->line_amount = query->amount;
	query->line_profit = "NULL::pg_catalog.numeric";
	if (profit != NULL)
	{
		/* a row that is left out, for want of an amount, is left out of both histories */
		query->line_profit = psprintf("CASE WHEN %s IS NOT NULL THEN %s END", query->line_amount,
									  sql_amount_column("o", relation, profit, order_id != NULL, &type));
		query->profit_type = sql_type(type);
	}
	if (order_id == NULL)
		return;
	query->order_id = sql_id_column(relation, order_id);
	query->orders = psprintf("(\n%s)", filled(whole_orders, query));
	query->customer_id = "customer";
	query->customer = sql_column("o", "customer", sql_column_type(relation, customer_id));
	query->time = "o.ordered_on";
	query->amount = "o.amount";
}

static AuditQuery
audit_arguments(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"name_prefix", "orders", "customer_id", "ordered_at", "amount", NULL, "grain"};
	AuditQuery query = {.profit_column = "", .profit = "", .since = ""};

	refuse_nulls(fcinfo, 0, names, lengthof(names));
	refuse_null(fcinfo, CREATE_AUDIT_REPLACE, "replace", NULL);
	query.schema = sql_extension_schema(fcinfo);
	grain_argument(fcinfo, &query);
	orders_argument(fcinfo, &query);
	query.measure_name = PG_ARGISNULL(CREATE_AUDIT_PROFIT) ? "spend" : "profit";
	query.measure = psprintf("'%s'::pg_catalog.text", query.measure_name);
	if (!PG_ARGISNULL(CREATE_AUDIT_PROFIT))
	{
		query.profit = ", h.profit";
		query.profit_column = psprintf(",\n    %s.purchase_history(%s, %s) AS profit", query.schema, query.time,
									   query.order_id != NULL ? "o.profit" : query.line_profit);
	}
	if (!PG_ARGISNULL(CREATE_AUDIT_SINCE))
		query.since = psprintf(", %s", day_text(PG_GETARG_DATEADT(CREATE_AUDIT_SINCE), "since"));
	query.until = PG_ARGISNULL(CREATE_AUDIT_UNTIL)
		? psprintf("pg_catalog.max(%s.last_order_on(h.history)) OPERATOR(pg_catalog.+) 1", query.schema)
		: psprintf("pg_catalog.max(%s)", day_text(PG_GETARG_DATEADT(CREATE_AUDIT_UNTIL), "until"));
	if (!PG_ARGISNULL(CREATE_AUDIT_SINCE) && !PG_ARGISNULL(CREATE_AUDIT_UNTIL))
		check_days_ordered("since", PG_GETARG_DATEADT(CREATE_AUDIT_SINCE), "until",
						   PG_GETARG_DATEADT(CREATE_AUDIT_UNTIL),
						   "since is the first day of the data, until the first day after them.");
	return query;
}

/* ---------------------------------------------------------------- checks */

/* From so many days without an order before until on, the last twelve months say nothing of the customers. */
#define LONG_AGO 366

/* The longest that the windows of deciles and change are together. */
#define TWO_YEARS 731

/* Days that leave most of the views empty. */
static void
check_span(FunctionCallInfo fcinfo, const OrdersSpan *span)
{
	DateADT since = PG_ARGISNULL(CREATE_AUDIT_SINCE) ? span->first : PG_GETARG_DATEADT(CREATE_AUDIT_SINCE);
	DateADT until = PG_ARGISNULL(CREATE_AUDIT_UNTIL) ? span->last + 1 : PG_GETARG_DATEADT(CREATE_AUDIT_UNTIL);

	if (span->customers == 0)
		ereport(NOTICE, (errmsg("there are no orders yet: the views have no customers")));
	else if (since > span->last)
		ereport(NOTICE,
				(errmsg("no order is of %s or later: the last is of %s", date_text(since), date_text(span->last)),
				 errhint("since is the first day of the data.")));
	else if (until <= span->first)
		ereport(NOTICE,
				(errmsg("no order is earlier than %s: the first is of %s", date_text(until), date_text(span->first)),
				 errhint("until is the first day after the data.")));
	else if (until - span->last > LONG_AGO)
		ereport(NOTICE,
				(errmsg("no order is of the twelve months before %s: the last is of %s", date_text(until),
						date_text(span->last)),
				 errhint("Leave until out, and the views end with the last order.")));
	else if (since > span->first && until - since < TWO_YEARS)
		ereport(NOTICE,
				(errmsg("since => '%s' does not shorten the windows of deciles and change", date_text(since)),
				 errdetail("They are the twelve months before %s and, of change, the twelve before these.",
						   date_text(until)),
				 errhint("period_audit and period_change take other windows.")));
}

/* What create_customer_scores says of orders, too. */
static void
check_data(FunctionCallInfo fcinfo, const AuditQuery *query)
{
	OrdersTable table = {
		query->relation,
		psprintf("(o.%s IS NOT NULL)", query->line_customer_id),
		query->line_customer,
		sql_column("o", optional_name_argument(fcinfo, CREATE_AUDIT_ORDERED_AT),
				   sql_column_type(PG_GETARG_OID(CREATE_AUDIT_ORDERS),
								   optional_name_argument(fcinfo, CREATE_AUDIT_ORDERED_AT))),
		query->line_amount,
		query->amount_type,
		"",
		query->order_id != NULL,
		query->order_id,
	};
	OrdersSpan span;

	notice_hidden_rows(PG_GETARG_OID(CREATE_AUDIT_ORDERS));
	if (!orders_check_rows(&table))
		orders_check_most(&table);
	orders_check_shared(&table);
	if (query->profit_type != NULL)
	{
		OrdersTable profits = table;

		profits.known = psprintf("(%s AND %s IS NOT NULL)", table.known, query->line_amount);
		profits.amount = psprintf("(%s)", query->line_profit);
		profits.amount_type = query->profit_type;
		orders_check_numbers(&profits, "profit");
	}
	table.orders = query->orders;
	table.known = psprintf("(o.%s IS NOT NULL)", query->customer_id);
	table.customer = query->customer;
	table.time = query->time;
	table.amount = query->amount;
	span = orders_check_orders(&table);
	check_span(fcinfo, &span);
}

/* ---------------------------------------------------------------- views */

/* Whether a relation is a view with these columns. */
static bool
is_view_of(Oid relation, const AuditViewText *text)
{
	AttrNumber number = 1;

	if (get_rel_relkind(relation) != RELKIND_VIEW)
		return false;
	for (const AuditColumn *column = text->columns; column->name != NULL; column++)
	{
		const char *name = get_attname(relation, number++, true);

		if (name == NULL || strcmp(name, column->name) != 0)
			return false;
	}
	return get_attname(relation, number, true) == NULL;
}

/* An error if there is a relation of that name that is not to be replaced. */
static void
check_room(const char *name, const AuditViewText *text, bool replace)
{
	RangeVar *range = makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(name)));
	Oid relation = RangeVarGetRelid(range, NoLock, true);
	bool ours = OidIsValid(relation) && is_view_of(relation, text);

	if (!OidIsValid(relation))
		return;
	if (replace && ours)
	{
		sql_refuse_other_owner(relation, "views");
		return;
	}
	if (!replace)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE), errmsg("relation %s already exists", name),
				 ours ? errhint("replace => true puts the new view in its place.") : errhint("Take another name.")));
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("%s was not made by create_customer_audit, and is not replaced", name),
			 errhint("Take another name, or drop it yourself.")));
}

/* Whether a comment is one that this function has made, for whatever grain and measure. */
static bool
is_own_comment(const char *comment, const char *template, const AuditQuery *query)
{
	static const char *const measures[] = {"spend", "profit"};
	AuditQuery other = *query;

	for (int period = 0; period < PERIODS; period++)
		for (int measure = 0; measure < lengthof(measures); measure++)
		{
			other.grain_name = period_names[period];
			other.measure_name = measures[measure];
			if (strcmp(comment, filled(template, &other)) == 0)
				return true;
		}
	return false;
}

/* Comments on a view, or on the column of a number above 0, unless there is a comment of the user's. */
static void
comment_on(const char *name, const char *column, int number, const char *template, const AuditQuery *query)
{
	char *comment = GetComment(scores_relation(name), RelationRelationId, number);

	if (comment == NULL || is_own_comment(comment, template, query))
		(void) sql_run(psprintf("COMMENT ON %s %s%s%s IS %s", number == 0 ? "VIEW" : "COLUMN", name,
								number == 0 ? "" : ".", column, quote_literal_cstr(filled(template, query))));
}

/* Makes a view, or replaces it; options that it has, such as security_invoker, are the user's and stay. */
static void
create_view(const char *name, const AuditViewText *text, const AuditQuery *query)
{
	int number = 0;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "CREATE OR REPLACE VIEW %s%s AS\n", name, scores_view_options(name));
	append_part(&out, histories, query);
	appendStringInfoString(&out, "SELECT");
	for (const AuditColumn *column = text->columns; column->name != NULL; column++)
		appendStringInfo(&out, "%s %s AS %s", column == text->columns ? "" : ",", column->expression, column->name);
	appendStringInfoString(&out, "\nFROM ");
	append_part(&out, text->from, query);
	appendStringInfo(&out, "\n%s", text->where);
	(void) sql_run(out.data);

	comment_on(name, "", number++, text->comment, query);
	for (const AuditColumn *column = text->columns; column->name != NULL; column++)
		comment_on(name, column->name, number++, column->comment, query);
}

/* create_customer_audit(name_prefix, orders, customer_id, ordered_at, amount, …) → text[]: the views that it made */
PG_FUNCTION_INFO_V1(create_customer_audit);
Datum
create_customer_audit(PG_FUNCTION_ARGS)
{
	refuse_read_only(fcinfo, InvalidOid);

	AuditQuery query = audit_arguments(fcinfo);
	const char *const columns[] = {
		optional_name_argument(fcinfo, CREATE_AUDIT_CUSTOMER_ID),
		optional_name_argument(fcinfo, CREATE_AUDIT_ORDERED_AT),
		optional_name_argument(fcinfo, CREATE_AUDIT_AMOUNT),
		optional_name_argument(fcinfo, CREATE_AUDIT_PROFIT),
		optional_name_argument(fcinfo, CREATE_AUDIT_ORDER_ID),
	};
	const char *names[lengthof(view_texts)];
	Datum texts[lengthof(view_texts)];

	for (int i = 0; i < lengthof(view_texts); i++)
	{
		names[i] = sql_new_relation(PG_GETARG_TEXT_PP(CREATE_AUDIT_NAME_PREFIX), view_texts[i].suffix);
		texts[i] = CStringGetTextDatum(names[i]);
	}

	ArrayType *result = construct_array(texts, lengthof(view_texts), TEXTOID, -1, false, TYPALIGN_INT);

	orders_refuse_unreadable(PG_GETARG_OID(CREATE_AUDIT_ORDERS), columns, lengthof(columns));
	SPI_connect();
	for (int i = 0; i < lengthof(view_texts); i++)
		check_room(names[i], &view_texts[i], PG_GETARG_BOOL(CREATE_AUDIT_REPLACE));
	check_data(fcinfo, &query);
	for (int i = 0; i < lengthof(view_texts); i++)
		create_view(names[i], &view_texts[i], &query);
	SPI_finish();
	PG_RETURN_ARRAYTYPE_P(result);
}
