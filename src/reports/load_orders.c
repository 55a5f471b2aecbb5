/*
 * load_orders.c
 *	  The nightly load: a window of the orders into a table of histories.
 *
 * For every customer with orders in the window, or with purchases in it that are
 * stored, the window is replaced: what is outside stays, what is inside is what
 * the orders say now. So a load can run twice, and late orders, cancellations and
 * changed amounts come right by loading their days again.
 *
 * load_orders_query writes down the query that finds the customers whose history
 * changes, and their new histories. load_orders locks the table of histories
 * against other writers, and only then takes the snapshot in which the query
 * sees orders and histories: loaders that run at once follow one another, and the
 * last one has seen the newest orders. Readers are never blocked.
 *
 * Where Citus has distributed orders and histories together, the work is done on the
 * shards, and by two statements: one that counts what will change, one that changes it.
 *
 * Every name that users gave is quoted, every function and operator has its
 * schema, and every column is cast to its base type: the query means the same
 * under any search_path. What has no schema in it (GROUP BY, DISTINCT, LEAST,
 * COALESCE, ON CONFLICT) is bound by operator class or by grammar.
 */
#include "compat.h"

#include <float.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "lib/stringinfo.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "reports/citus.h"
#include "reports/hidden_rows.h"
#include "support/args.h"
#include "support/sql_text.h"

/* The places of the arguments, the same in both functions. */
typedef enum LoadArgument
{
	LOAD_HISTORIES,
	LOAD_ORDERS,
	LOAD_CUSTOMER_ID,
	LOAD_ORDERED_AT,
	LOAD_AMOUNT,
	LOAD_ORDER_ID,
	LOAD_SINCE,
	LOAD_UNTIL,
} LoadArgument;

/* Everything that differs from load to load, ready to stand in SQL text. */
typedef struct LoadQuery
{
	const char *schema;
	const char *histories;
	const char *key;            /* column of the histories that identifies the customer */
	const char *history;        /* their column of type purchase_history */
	const char *key_type;       /* what keys are compared in */
	const char *stored_type;    /* what they are stored in: the same, or with a length or a precision */
	bool limited_key;           /* it has one */
	const char *unfit_customer; /* a column of the orders as it is, before it is cast to that */
	const char *unfit;      /* condition on customers of the orders who would be stored as another; NULL: none would */
	const char *wider_type; /* one for all of them */
	const char *same_history; /* a fresh history is that of a stored one's customer */
	const char *same_reach;   /* an order is of the customer whose window this is */
	const char *same_written; /* a row that was written is of this customer */
	const char *orders;
	const char *customer_id;    /* column of the orders, cast to its base type */
	const char *same_customer;  /* a row of the orders is of a customer of the window */
	const char *day;            /* day of a row of the orders */
	const char *purchase;       /* arguments of purchase_history */
	const char *amount;         /* amount of a row, exactly; NULL::numeric if there is none */
	const char *missing;        /* condition on rows that are no purchases */
	const char *order_id;       /* NULL: each row is an order */
	const char *whole_purchase; /* arguments of purchase_history for an order put together */
	const char *window;         /* condition on rows of the orders */
	const char *since;
	const char *until;
	bool on_shards; /* orders and histories lie on several servers, those of a customer on one */
} LoadQuery;

/* Each row is an order. */
static const char load_rows[] =
	"WITH fresh AS {materialized} (\n"
	"  SELECT {customer_id}::{key_type} AS customer_id, {since} AS since, {until} AS until,\n"
	"    @purchase_history({purchase}) FILTER (WHERE {customer_id} IS NOT NULL) AS history,\n"
	"    pg_catalog.count(*) FILTER (WHERE {missing}) AS skipped\n"
	"  FROM {orders} AS o\n"
	"  WHERE {window}\n"
	"  GROUP BY 1\n"
	"), skipped AS (\n"
	"  SELECT f.skipped FROM fresh AS f\n"
	")";

/*
 * Of the customer's orders with a line in the window, and those that begin after it: the last
 * day of all that begin before this one; and the last day that must be loaded anew.
 */
#define RELEVANT "w.inside OR w.day OPERATOR(pg_catalog.>=) {until}"
#define LAST_DAY_BEFORE \
	"pg_catalog.max(w.last_day) FILTER (WHERE " RELEVANT ") OVER (PARTITION BY w.customer_id ORDER BY w.day\n" \
	"      ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW)"
#define IS_APART "w.day OPERATOR(pg_catalog.>=) {until} AND w.day OPERATOR(pg_catalog.>) w.last_before"
#define REACHED "COALESCE(pg_catalog.min(w.last_before) FILTER (WHERE " IS_APART "), pg_catalog.max(w.last_day))"
#define REACHED_OVER \
	"COALESCE(pg_catalog.min(w.last_before) FILTER (WHERE " IS_APART ") OVER (PARTITION BY w.customer_id),\n" \
	"      pg_catalog.max(w.last_day) FILTER (WHERE " RELEVANT ") OVER (PARTITION BY w.customer_id))"

/*
 * Rows with one order_id are one order, of the day of the first. An order with a
 * line in the window may have begun before it: then all the customer's orders are
 * loaded anew from that day on, because the amount of that one may have changed. And it
 * may have been stored on the day of a later line, before an earlier one was there: then
 * orders are loaded anew to the day after its last line, and beyond it as long as other
 * orders that begin until then have lines (in the order of first days, to the first order
 * that begins after the last line of all before it). The customers are found a second time
 * for the join, because of a subquery the planner knows how many they are, and of a CTE it does not.
 */
static const char load_lines[] =
	"WITH customers AS MATERIALIZED (\n"
	"  SELECT {customer_id} AS customer_id, pg_catalog.count(*) FILTER (WHERE {missing}) AS skipped\n"
	"  FROM {orders} AS o\n"
	"  WHERE {window}\n"
	"  GROUP BY 1\n"
	"), lines AS MATERIALIZED (\n"
	"  SELECT c.customer_id::{key_type} AS customer_id, o.{order_id} AS order_id, {day} AS day, {amount} AS amount,\n"
	"    {window} AS inside\n"
	"  FROM (SELECT DISTINCT {customer_id} AS customer_id FROM {orders} AS o WHERE {window}) AS c\n"
	"    JOIN {orders} AS o ON {same_customer}\n"
	"  WHERE {day} IS NOT NULL\n"
	"), whole AS MATERIALIZED (\n"
	"  SELECT l.customer_id, pg_catalog.min(l.day) AS day, pg_catalog.max(l.day) AS last_day, pg_catalog.sum(l.amount) "
	"AS amount,\n"
	"    pg_catalog.bool_or(l.inside) AS inside\n"
	"  FROM lines AS l WHERE l.order_id IS NOT NULL GROUP BY l.customer_id, l.order_id\n"
	"  UNION ALL\n"
	"  SELECT l.customer_id, l.day, l.day, l.amount, l.inside FROM lines AS l WHERE l.order_id IS NULL\n"
	"), in_order AS (\n"
	"  SELECT w.customer_id, w.day, w.last_day, w.inside, " LAST_DAY_BEFORE " AS last_before\n"
	"  FROM whole AS w WHERE " RELEVANT "\n"
	"), reach AS (\n"
	"  SELECT w.customer_id, LEAST({since}, pg_catalog.min(w.day) FILTER (WHERE w.inside)) AS since,\n"
	"    GREATEST({until}, " REACHED " OPERATOR(pg_catalog.+) '1'::pg_catalog.int4) AS until\n"
	"  FROM in_order AS w GROUP BY w.customer_id\n"
	"), fresh AS MATERIALIZED (\n"
	"  SELECT w.customer_id, pg_catalog.min(r.since) AS since, pg_catalog.max(r.until) AS until,\n"
	"    @purchase_history({whole_purchase}) AS history\n"
	"  FROM whole AS w JOIN reach AS r ON {same_reach}\n"
	"  WHERE w.day OPERATOR(pg_catalog.>=) r.since AND (w.day OPERATOR(pg_catalog.<) r.until OR NOT "
	"pg_catalog.isfinite(r.until))\n"
	"  GROUP BY w.customer_id\n"
	"), skipped AS (\n"
	"  SELECT c.skipped FROM customers AS c\n"
	")";

/*
 * The same on shards. A UNION would end what Citus runs on them, so rows without an id, each
 * of which is an order, are told apart by where they are stored.
 */
static const char load_lines_on_shards[] =
	"WITH customers AS NOT MATERIALIZED (\n"
	"  SELECT {customer_id} AS customer_id, pg_catalog.count(*) FILTER (WHERE {missing}) AS skipped\n"
	"  FROM {orders} AS o\n"
	"  WHERE {window}\n"
	"  GROUP BY 1\n"
	"), whole AS NOT MATERIALIZED (\n"
	"  SELECT {customer_id}::{key_type} AS customer_id, pg_catalog.min({day}) AS day, pg_catalog.max({day}) AS "
	"last_day,\n"
	"    pg_catalog.sum({amount}) AS amount,\n"
	"    pg_catalog.bool_or({window}) AS inside\n"
	"  FROM customers AS c JOIN {orders} AS o ON {same_customer}\n"
	"  WHERE {day} IS NOT NULL\n"
	"  GROUP BY {customer_id}, o.{order_id}, CASE WHEN o.{order_id} IS NULL THEN o.tableoid END, CASE WHEN "
	"o.{order_id} IS NULL THEN o.ctid END\n"
	"), in_order AS NOT MATERIALIZED (\n"
	"  SELECT w.customer_id, w.day, w.last_day, w.amount, w.inside, " LAST_DAY_BEFORE " AS last_before\n"
	"  FROM whole AS w\n"
	"), placed AS NOT MATERIALIZED (\n"
	"  SELECT w.customer_id, w.day, w.amount, LEAST({since}, pg_catalog.min(w.day) FILTER (WHERE w.inside) OVER "
	"(PARTITION BY w.customer_id)) AS since,\n"
	"    GREATEST({until}, " REACHED_OVER " OPERATOR(pg_catalog.+) '1'::pg_catalog.int4) AS until\n"
	"  FROM in_order AS w\n"
	"), fresh AS NOT MATERIALIZED (\n"
	"  SELECT w.customer_id, pg_catalog.min(w.since) AS since, pg_catalog.max(w.until) AS until,\n"
	"    @purchase_history({whole_purchase}) FILTER (WHERE w.day OPERATOR(pg_catalog.>=) w.since AND\n"
	"      (w.day OPERATOR(pg_catalog.<) w.until OR NOT pg_catalog.isfinite(w.until))) AS history\n"
	"  FROM placed AS w\n"
	"  GROUP BY w.customer_id\n"
	"), skipped AS (\n"
	"  SELECT c.skipped FROM customers AS c\n"
	")";

/*
 * Each customer has one fresh history: DISTINCT says so to the planner, which would not put customers into a
 * hash table otherwise, but all histories.
 */
static const char load_changed[] =
	", touched AS (\n"
	"  SELECT COALESCE(f.customer_id, h.{key}::{key_type}) AS customer_id, h.{history} AS before,\n"
	"    @history_replace(COALESCE(h.{history}, {empty}), COALESCE(f.history, {empty}),\n"
	"      COALESCE(f.since, {since}), COALESCE(f.until, {until})) AS after\n"
	"  FROM (SELECT DISTINCT ON (f.customer_id) f.* FROM fresh AS f) AS f\n"
	"    FULL JOIN {histories} AS h ON {same_history}\n"
	"  WHERE f.history IS NOT NULL OR (h.{key} IS NOT NULL AND\n"
	"    @has_purchases_between(h.{history}, COALESCE(f.since, {since}), COALESCE(f.until, {until})))\n"
	"), changed AS MATERIALIZED (\n"
	"  SELECT t.customer_id, t.before, t.after FROM touched AS t\n"
	"  WHERE t.before IS NULL OR t.before OPERATOR(@<>) t.after\n"
	")";

/*
 * The same where orders and histories lie on several servers: no row may leave its own, and
 * the column that tells on which it lies must be there as it is.
 */
static const char load_changed_on_shards[] =
	", touched AS NOT MATERIALIZED (\n"
	"  SELECT f.customer_id, h.{history} AS before,\n"
	"    @history_replace(COALESCE(h.{history}, {empty}), f.history, f.since, f.until) AS after\n"
	"  FROM fresh AS f LEFT JOIN {histories} AS h ON {same_history}\n"
	"  WHERE f.history IS NOT NULL\n"
	"  UNION ALL\n"
	"  SELECT h.{key}::{key_type} AS customer_id, h.{history} AS before,\n"
	"    @history_replace(h.{history}, {empty}, COALESCE(f.since, {since}), COALESCE(f.until, {until})) AS after\n"
	"  FROM {histories} AS h LEFT JOIN fresh AS f ON {same_history}\n"
	"  WHERE f.history IS NULL AND @has_purchases_between(h.{history}, COALESCE(f.since, {since}), COALESCE(f.until, "
	"{until}))\n"
	"), changed AS NOT MATERIALIZED (\n"
	"  SELECT t.customer_id, t.before, t.after FROM touched AS t\n"
	"  WHERE t.before IS NULL OR t.before OPERATOR(@<>) t.after\n"
	")";

static const char load_insert_on_shards[] = "INSERT INTO {histories} ({key}, {history})\n";

static const char load_update_on_shards[] = "\nSELECT c.customer_id, c.after FROM changed AS c\n"
											"ON CONFLICT ({key}) DO UPDATE SET {history} = excluded.{history}";

static const char load_select[] = "\nSELECT c.customer_id AS {key}, c.after AS {history} FROM changed AS c";

static const char load_write[] = ", written AS (\n"
								 "  INSERT INTO {histories} ({key}, {history})\n"
								 "  SELECT c.customer_id, c.after FROM changed AS c ORDER BY c.customer_id\n"
								 "  ON CONFLICT ({key}) DO UPDATE SET {history} = excluded.{history}\n"
								 "  RETURNING {key}::{key_type} AS customer_id, {history} AS after\n"
								 ")";

#define COUNTS(before, after) \
	"\nSELECT pg_catalog.count(*),\n" \
	"  COALESCE(pg_catalog.sum(@purchases_missing_from(" after ", " before ")), 0)::pg_catalog.int8,\n" \
	"  COALESCE(pg_catalog.sum(@purchases_missing_from(" before ", " after ")), 0)::pg_catalog.int8,\n" \
	"  (SELECT COALESCE(pg_catalog.sum(s.skipped), 0)::pg_catalog.int8 FROM skipped AS s)\n"

/* What will be written. */
static const char load_count[] = COUNTS("COALESCE(c.before, {empty})", "c.after") "FROM changed AS c";

/* What was written, where triggers of the histories may drop rows, and change them. */
static const char load_count_written[] =
	COUNTS("COALESCE(c.before, {empty})",
		   "COALESCE(w.after, {empty})") "FROM written AS w LEFT JOIN changed AS c ON {same_written}";

/* Appends a template of this load's. */
static void
append_load(StringInfo out, const char *template, const LoadQuery *query)
{
	const SqlPart parts[] = {
		{"{histories}", query->histories},
		{"{key}", query->key},
		{"{history}", query->history},
		{"{key_type}", query->key_type},
		{"{same_history}", query->same_history},
		{"{same_reach}", query->same_reach},
		{"{same_written}", query->same_written},
		{"{orders}", query->orders},
		{"{customer_id}", query->customer_id},
		{"{same_customer}", query->same_customer},
		{"{day}", query->day},
		{"{purchase}", query->purchase},
		{"{amount}", query->amount},
		{"{missing}", query->missing},
		{"{order_id}", query->order_id},
		{"{whole_purchase}", query->whole_purchase},
		{"{window}", query->window},
		/* on one server this is computed once, on several it would travel to the coordinator and back */
		{"{materialized}", query->on_shards ? "NOT MATERIALIZED" : "MATERIALIZED"},
		{"{since}", query->since},
		{"{until}", query->until},
		{"{empty}", psprintf("'{\"orders\": []}'::%s.purchase_history", query->schema)},
	};

	sql_append_template(out, template, query->schema, parts, lengthof(parts));
}

/* The query up to the customers whose histories change. */
static void
append_load_head(StringInfo out, const LoadQuery *query)
{
	if (query->order_id == NULL)
		append_load(out, load_rows, query);
	else
		append_load(out, query->on_shards ? load_lines_on_shards : load_lines, query);
	append_load(out, query->on_shards ? load_changed_on_shards : load_changed, query);
}

static void
check_unique(Oid histories, const char *key)
{
	if (!sql_is_unique_over(histories, list_make1(unconstify(char *, key))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("\"%s\" has no unique index on \"%s\"", get_rel_name(histories), key),
				 errdetail("Without one a customer could have two histories."),
				 errhint("CREATE UNIQUE INDEX ON %s (%s);", sql_relation(histories), quote_identifier(key))));
}

/* The length or precision of a column's type, domains looked through; -1: it has none. */
static int32
column_modifier(Oid relation, const char *column)
{
	Oid type;
	int32 modifier;
	Oid collation;

	get_atttypetypmodcoll(relation, get_attnum(relation, column), &type, &modifier, &collation);
	(void) getBaseTypeAndTypmod(type, &modifier);
	return modifier;
}

/* The collation of a column; InvalidOid: its type has none. */
static Oid
column_collation(Oid relation, const char *column)
{
	Oid type;
	int32 modifier;
	Oid collation;

	get_atttypetypmodcoll(relation, get_attnum(relation, column), &type, &modifier, &collation);
	return collation;
}

/* A collation with its schema. */
static const char *
collation_text(Oid collation)
{
	HeapTuple tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", collation);

	Form_pg_collation form = (Form_pg_collation) GETSTRUCT(tuple);
	const char *text = quote_qualified_identifier(get_namespace_name(form->collnamespace), NameStr(form->collname));

	ReleaseSysCache(tuple);
	return text;
}

/* The table of histories: which column identifies the customer, and which holds the history. */
static void
histories_argument(FunctionCallInfo fcinfo, LoadQuery *query, Oid *key_type, Oid *key_collation)
{
	Oid oid = PG_GETARG_OID(LOAD_HISTORIES);
	const char *named = NameStr(*PG_GETARG_NAME(LOAD_CUSTOMER_ID));

	query->histories = sql_relation(oid);
	if (get_rel_relkind(oid) != RELKIND_RELATION && get_rel_relkind(oid) != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is not a table", get_rel_name(oid)),
				 errhint("Stored histories need a table with a row for each customer.")));

	/* The same name as in the orders, or the name that most would choose. */
	const char *customer_id = get_attnum(oid, named) != InvalidAttrNumber ? named : "customer_id";

	if (get_attnum(oid, customer_id) == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("\"%s\" has no column \"%s\"", get_rel_name(oid), named),
				 errhint("The customer has the same name as in the orders there, or is called customer_id.")));
	*key_type = sql_column_type(oid, customer_id);
	*key_collation = column_collation(oid, customer_id);
	query->limited_key = column_modifier(oid, customer_id) >= 0;
	query->stored_type = format_type_with_typemod(*key_type, column_modifier(oid, customer_id));

	const char *history = sql_history_column(oid, get_func_namespace(fcinfo->flinfo->fn_oid));

	if (history == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" has no column of type purchase_history", get_rel_name(oid)),
				 errhint(
					 "CREATE TABLE ... (customer_id ... PRIMARY KEY, history purchase_history NOT NULL) makes one.")));
	check_unique(oid, customer_id);
	query->history = quote_identifier(history);
	query->key = quote_identifier(customer_id);
}

static bool
is_integer(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

/* The condition that an integer is greater than this, or less than the negative of one more. */
static const char *
outside_of(const char *integer, const char *type, int64 most)
{
	return psprintf("(%s OPERATOR(pg_catalog.>) '" INT64_FORMAT "'::%s OR %s OPERATOR(pg_catalog.<) '" INT64_FORMAT
					"'::%s)",
					integer, most, type, integer, -most - 1, type);
}

/* The greatest integer up to which all of them, and their negatives, are apart in a type. */
static int64
most_apart(Oid type)
{
	switch (type)
	{
		case INT2OID:
			return PG_INT16_MAX;
		case INT4OID:
			return PG_INT32_MAX;
		case FLOAT4OID:
			return (INT64CONST(1) << FLT_MANT_DIG) - 1;
		case FLOAT8OID:
			return (INT64CONST(1) << DBL_MANT_DIG) - 1;
		default:
			return PG_INT64_MAX;
	}
}

/* Whether values are rounded to the precision of a column of this type. */
static bool
is_rounded(Oid type)
{
	return type == NUMERICOID || type == TIMEOID || type == TIMETZOID || type == TIMESTAMPOID ||
		type == TIMESTAMPTZOID || type == INTERVALOID;
}

/* Whether values of one type, stored in another that the server takes them for, may be no longer apart, whatever they are. */
static bool
loses_digits(Oid type, Oid key_type)
{
	bool approximate = key_type == FLOAT4OID || key_type == FLOAT8OID;

	return type != key_type && (key_type == NAMEOID || (approximate && type == NUMERICOID));
}

/* Which customers would be stored as another one. */
static void
find_unfit(LoadQuery *query, Oid type, Oid key_type, const char *customer)
{
	query->unfit_customer = customer;
	query->wider_type = "bigint";
	if (is_integer(type) && most_apart(key_type) < most_apart(type))
		query->unfit = outside_of(customer, sql_type(type), most_apart(key_type));
	else if (query->limited_key && is_rounded(key_type))
	{
		query->unfit =
			psprintf("NOT (%s)",
					 sql_equal(key_type, query->key, customer, psprintf("(%s::%s)", customer, query->stored_type)));
		query->wider_type = format_type_be(key_type);
	}
}

/*
 * The customer in the orders, and how it is compared with the customer in the histories. Who
 * is one customer is for the key of the histories to say: customers are grouped by its
 * equality, and in its collation. Integers are alike in all types, so that an index on
 * the orders serves.
 */
static void
customer_argument(FunctionCallInfo fcinfo, LoadQuery *query, Oid key_type, Oid key_collation)
{
	Oid orders = PG_GETARG_OID(LOAD_ORDERS);
	const char *column = NameStr(*PG_GETARG_NAME(LOAD_CUSTOMER_ID));
	Oid type = sql_column_type(orders, column);
	Oid compared;
	Oid key_compared;
	bool integers = is_integer(type) && is_integer(key_type);
	bool alike = type == key_type || integers ||
		(sql_is_server_type(type) && sql_is_server_type(key_type) && !loses_digits(type, key_type) &&
		 can_coerce_type(1, &type, &key_type, COERCION_IMPLICIT));

	/* between a user's types the casts are those of their owners */
	if (!alike)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("customers are of type %s in the orders, but of type %s in the histories", format_type_be(type),
						format_type_be(key_type)),
				 errhint("Make a view over the orders that casts the column.")));
	query->customer_id = sql_column("o", column, type);
	(void) sql_equality(type, column, &compared);
	(void) sql_equality(key_type, query->key, &key_compared);
	query->key_type = sql_type(key_compared);
	find_unfit(query, type, key_type, query->customer_id);
	if (compared != key_compared && !integers)
	{
		query->customer_id = psprintf("%s::%s", query->customer_id, query->key_type);
		type = key_compared;
	}
	if (OidIsValid(key_collation) && key_collation != column_collation(orders, column))
		query->customer_id = psprintf("(%s COLLATE %s)", query->customer_id, collation_text(key_collation));
	query->same_customer = sql_equal(type, column, query->customer_id, "c.customer_id");
	query->same_reach = sql_equal(key_compared, query->key, "w.customer_id", "r.customer_id");
	query->same_written = sql_equal(key_compared, query->key, "w.customer_id", "c.customer_id");
	query->same_history = sql_equal(key_compared, query->key, "f.customer_id", psprintf("h.%s", query->key));
}

/* Can a day be the day of a timestamp? Dates go further. */
static bool
is_day_of_timestamps(DateADT day)
{
	return day > DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE + 1 &&
		day < TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE - 1;
}

/*
 * Appends the condition that a row is of this day or later (>=), or of an earlier
 * day (<), in a form that an index on the column can answer. The day of a timestamptz
 * begins at another moment in each zone, and twice in some: then the index answers
 * for the days around it, too, and the row's own day decides.
 */
static void
append_bound(StringInfo window, const LoadQuery *query, const char *column, Oid type, const char *operator, DateADT day)
{
	bool decided = type == DATEOID;

	if (window->len > 0)
		appendStringInfoString(window, " AND ");
	if (DATE_IS_NOBEGIN(day) && operator[0] == '>')
	{
		appendStringInfo(window, "%s IS NOT NULL", column);
		return;
	}
	if (type == TIMESTAMPOID && is_day_of_timestamps(day))
	{
		appendStringInfo(window, "%s OPERATOR(pg_catalog.%s) %s::pg_catalog.timestamp", column, operator,
						 sql_date_literal(day));
		decided = true;
	}
	if (type == TIMESTAMPTZOID && is_day_of_timestamps(day))
		appendStringInfo(window,
						 "%s OPERATOR(pg_catalog.%s) pg_catalog.timezone('UTC'::pg_catalog.text, "
						 "%s::pg_catalog.timestamp) AND ",
						 column, operator, sql_date_literal(operator[0] == '<' ? day + 1 : day - 1));
	if (!decided || type == DATEOID)
		appendStringInfo(window, "%s OPERATOR(pg_catalog.%s) %s", query->day, operator, sql_date_literal(day));
}

/* The time of an order, and the window that is loaded. */
static const char *
time_and_window_arguments(FunctionCallInfo fcinfo, LoadQuery *query)
{
	const char *name = NameStr(*PG_GETARG_NAME(LOAD_ORDERED_AT));
	DateADT since = PG_GETARG_DATEADT(LOAD_SINCE);
	DateADT until = PG_ARGISNULL(LOAD_UNTIL) ? DATEVAL_NOEND : PG_GETARG_DATEADT(LOAD_UNTIL);
	Oid type;
	const char *column = sql_time_column("o", PG_GETARG_OID(LOAD_ORDERS), name, &type);
	StringInfoData window;

	query->since = sql_date_literal(since);
	query->until = sql_date_literal(until);
	check_days_not_reversed("since", since, "until", until, NULL);

	query->day = type == DATEOID ? column : psprintf("%s::pg_catalog.date", column);
	initStringInfo(&window);
	append_bound(&window, query, column, type, ">=", since);
	if (!DATE_IS_NOEND(until))
		append_bound(&window, query, column, type, "<", until);
	query->window = window.data;
	return sql_purchase_time(column, type);
}

/* The amount of a row, and of an order of several. */
static void
amount_argument(FunctionCallInfo fcinfo, const char *time, LoadQuery *query)
{
	query->purchase = time;
	query->whole_purchase = "w.day";
	query->amount = "NULL::pg_catalog.numeric";
	query->missing = psprintf("%s IS NULL", query->customer_id);
	if (PG_ARGISNULL(LOAD_AMOUNT))
		return;

	Oid orders = PG_GETARG_OID(LOAD_ORDERS);
	const char *name = NameStr(*PG_GETARG_NAME(LOAD_AMOUNT));
	Oid type;

	query->amount = sql_amount_column("o", orders, name, true, &type);
	query->purchase = psprintf("%s, %s", time, sql_amount_column("o", orders, name, false, &type));
	query->whole_purchase = "w.day, w.amount";
	query->missing = psprintf("%s OR %s IS NULL", query->missing, query->amount);
}

static LoadQuery
load_arguments(FunctionCallInfo fcinfo)
{
	static const char *const required[] = {"histories", "orders", "customer_id", "ordered_at"};
	LoadQuery query = {0};
	Oid key_type;
	Oid key_collation;

	refuse_nulls(fcinfo, 0, required, lengthof(required));
	refuse_null(fcinfo, LOAD_SINCE, "since",
				"It is the first day whose orders are loaded anew; '-infinity' loads all of them.");

	query.schema = sql_extension_schema(fcinfo);
	query.orders = sql_relation(PG_GETARG_OID(LOAD_ORDERS));
	histories_argument(fcinfo, &query, &key_type, &key_collation);
	customer_argument(fcinfo, &query, key_type, key_collation);
	amount_argument(fcinfo, time_and_window_arguments(fcinfo, &query), &query);
	query.on_shards = citus_together(PG_GETARG_OID(LOAD_HISTORIES), query.key, PG_GETARG_OID(LOAD_ORDERS),
									 quote_identifier(NameStr(*PG_GETARG_NAME(LOAD_CUSTOMER_ID))));
	if (!PG_ARGISNULL(LOAD_ORDER_ID))
		query.order_id = sql_id_column(PG_GETARG_OID(LOAD_ORDERS), NameStr(*PG_GETARG_NAME(LOAD_ORDER_ID)));
	return query;
}

/* load_orders_query(histories, orders, customer_id, ordered_at, ...) → text: the query, not run */
PG_FUNCTION_INFO_V1(load_orders_query);
Datum
load_orders_query(PG_FUNCTION_ARGS)
{
	LoadQuery query = load_arguments(fcinfo);
	StringInfoData text;

	initStringInfo(&text);
	append_load_head(&text, &query);
	append_load(&text, load_select, &query);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(text.data, text.len));
}

/*
 * Orders that row security hides would be taken for cancelled, unless it hides their histories, too. Whether it hides
 * those of the same customers no policy tells.
 */
static void
refuse_hidden_orders(FunctionCallInfo fcinfo)
{
	const char *orders = get_rel_name(PG_GETARG_OID(LOAD_ORDERS));
	const char *histories = get_rel_name(PG_GETARG_OID(LOAD_HISTORIES));
	const char *role = GetUserNameFromId(GetUserId(), false);

	if (!rows_may_be_hidden(PG_GETARG_OID(LOAD_ORDERS)))
		return;
	if (!rows_may_be_hidden(PG_GETARG_OID(LOAD_HISTORIES)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row security may hide orders of \"%s\" from %s", orders, role),
				 errdetail("Those would be taken out of the histories, as if they had been cancelled."),
				 errhint("Load as a role that sees all orders, or give the histories a policy that hides the same "
						 "customers.")));
	ereport(NOTICE,
			(errmsg("row security may hide orders of \"%s\", and histories of \"%s\", from %s", orders, histories,
					role),
			 errdetail(
				 "Orders that it hides are taken out of the histories that it shows, as if they had been cancelled."),
			 errhint("Both policies are to hide the same customers.")));
}

/* A history in a child is read with its parent, but what is written goes to the parent: a customer would have two. */
static void
refuse_children(Oid histories)
{
	if (get_rel_relkind(histories) == RELKIND_RELATION && find_inheritance_children(histories, NoLock) != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table \"%s\" has tables that inherit from it", get_rel_name(histories)),
				 errdetail("A unique index does not reach into them, so a customer could have a history in both."),
				 errhint("Load into each of them, or into a partitioned table.")));
}

/* Whether something may stand between a row and the table. Partitions may have triggers of their own. */
static bool
may_have_triggers(Oid histories)
{
	Relation opened = relation_open(histories, AccessShareLock);
	bool may = opened->rd_rel->relkind != RELKIND_RELATION || opened->rd_rel->relhastriggers;

	relation_close(opened, AccessShareLock);
	return may;
}

/* The server's error would not say which customer does not fit into the key; and of a number that is rounded there is none. */
static void
refuse_unfit_customers(const LoadQuery *query)
{
	if (query->unfit == NULL ||
		sql_run(psprintf("SELECT %s FROM %s AS o WHERE %s AND %s LIMIT 1", query->unfit_customer, query->orders,
						 query->window, query->unfit)) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("customer %s of %s does not fit into %s.%s, which is of type %s",
					SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1), query->orders, query->histories,
					query->key, query->stored_type),
			 errhint("ALTER TABLE %s ALTER %s TYPE %s;", query->histories, query->key, query->wider_type)));
}

/* Says where a customer does not fit into the key of the histories. */
static void
load_context(void *argument)
{
	const LoadQuery *query = argument;

	if (query->limited_key && geterrcode() == ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE)
		errcontext("load of %s into %s, whose key is of type %s", query->orders, query->histories, query->key_type);
}

/*
 * load_orders(histories, orders, customer_id, ordered_at, ...) → (customers, orders_added, orders_removed, rows_skipped)
 *
 * Replaces the window in the histories, and says what that changed.
 */
PG_FUNCTION_INFO_V1(load_orders);
Datum
load_orders(PG_FUNCTION_ARGS)
{
	LoadQuery query = load_arguments(fcinfo);
	StringInfoData text;
	TupleDesc descriptor;
	Datum values[4];
	bool nulls[4] = {false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE || descriptor->natts != lengthof(values))
		elog(ERROR, "load_orders must return a record of %d columns", (int) lengthof(values));
	refuse_read_only(fcinfo, PG_GETARG_OID(LOAD_HISTORIES));
	refuse_hidden_orders(fcinfo);
	refuse_children(PG_GETARG_OID(LOAD_HISTORIES));

	ErrorContextCallback context = {error_context_stack, load_context, &query};

	error_context_stack = &context;
	initStringInfo(&text);

	SPI_connect();
	refuse_unfit_customers(&query);
	/* The snapshot of the statement that follows is younger than the lock. */
	(void) sql_run(psprintf("LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE", query.histories));
	append_load_head(&text, &query);
	if (!query.on_shards)
		append_load(&text, load_write, &query);
	append_load(&text,
				!query.on_shards && may_have_triggers(PG_GETARG_OID(LOAD_HISTORIES)) ? load_count_written : load_count,
				&query);
	(void) sql_run(text.data);
	if (SPI_processed != 1 || SPI_tuptable->tupdesc->natts != lengthof(values))
		elog(ERROR, "load_orders did not get its counts");
	for (int i = 0; i < lengthof(values); i++)
		values[i] =
			Int64GetDatum(DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &nulls[i])));
	if (query.on_shards)
	{
		resetStringInfo(&text);
		append_load(&text, load_insert_on_shards, &query);
		append_load_head(&text, &query);
		append_load(&text, load_update_on_shards, &query);
		(void) sql_run(text.data);
	}
	SPI_finish();
	error_context_stack = context.previous;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
