/*
 * actions.c
 *	  Two decision tables as queries: what to do for whom today.
 *
 * customer_triggers: each customer once, under the trigger that is worth most.
 * next_best_actions: each customer once, contacted or not, and why, within a budget.
 *
 * As with the scores, the query is written down by one function, to be read and
 * changed, and run by another with the caller's rights. See support/sql_text.h for
 * the rules of such texts.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "experiments/experiments.h"
#include "reports/scores_day.h"
#include "support/args.h"
#include "support/sql_text.h"

/* The smallest and the largest numbers that products are made of. */
#define SMALLEST "'" SQL_SMALLEST_NUMBER "'::pg_catalog.float8"
#define LARGEST "'" SQL_LARGEST_NUMBER "'::pg_catalog.float8"

/* A column as a text, or a NULL if the relation has no such column. */
static const char *
optional_text(Oid relation, const char *alias, const char *column)
{
	return get_attnum(relation, column) == InvalidAttrNumber ? "NULL::pg_catalog.text"
															 : sql_column_as(alias, relation, column, TEXTOID);
}

/* What a function returns: the rows of the query, whose columns are those of its result. */
static void
rows_of(FunctionCallInfo fcinfo, const char *query)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;

	(void) sql_read(query);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttuple(results->setResult, SPI_tuptable->vals[i]);
	}
}

/* The counts that a query of one row gives. */
static void
read_counts(const char *query, int64 *counts, int n_counts)
{
	(void) sql_read(query);
	for (int i = 0; i < n_counts; i++)
	{
		bool isnull;

		counts[i] = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &isnull));
	}
}

/* ---------------------------------------------------------------- triggers */

/* Needs or events, in the types of the query; days and values that are none are NULL. */
#define TRIGGER_SOURCE \
	"(SELECT {customer} AS customer_id, {item} AS item, CASE WHEN pg_catalog.isfinite({due}) THEN {due} END AS day,\n" \
	"      {value} AS value, {consent} AS consent FROM {relation} AS n)"

/* Events that the customer has not agreed to are no triggers; one without a kind could be any. */
#define EVENT_ALLOWED "COALESCE(@event_allowed(d.item, d.consent), d.consent, false)"

/* A day in the text, the same in each DateStyle; numbers are written as numeric for the same reason. */
#define DAY_TEXT(day) "pg_catalog.to_jsonb(" day ") OPERATOR(pg_catalog.#>>) ARRAY[]::pg_catalog._text"

/* What scores say of a customer; numbers that are no numbers are NULL. */
static const char triggers_head[] =
	"WITH found AS MATERIALIZED (\n"
	"  SELECT t.customer_id,\n"
	"    CASE WHEN t.lifecycle OPERATOR(pg_catalog.=) 'slipping'::pg_catalog.text THEN 'overdue'::pg_catalog.text\n"
	"      WHEN t.lifecycle OPERATOR(pg_catalog.=) 'probably lost'::pg_catalog.text THEN 'win_back'::pg_catalog.text\n"
	"      WHEN t.lifecycle OPERATOR(pg_catalog.=) 'new'::pg_catalog.text THEN 'second_order'::pg_catalog.text END AS "
	"trigger_name,\n"
	"    pg_catalog.concat_ws('; '::pg_catalog.text,\n"
	"      CASE WHEN t.recency IS NOT NULL THEN pg_catalog.concat('last order '::pg_catalog.text, "
	"t.recency::pg_catalog.numeric,\n"
	"        CASE WHEN t.recency OPERATOR(pg_catalog.=) '1'::pg_catalog.float8 THEN ' day ago'::pg_catalog.text ELSE ' "
	"days ago'::pg_catalog.text END) END,\n"
	"      CASE WHEN t.orders IS NOT NULL THEN pg_catalog.concat('orders: '::pg_catalog.text, "
	"t.orders::pg_catalog.numeric) END,\n"
	/* after one order some models have all customers alive by construction, which says nothing */
	"      CASE WHEN t.churn OPERATOR(pg_catalog.>) '0'::pg_catalog.float8 AND t.churn OPERATOR(pg_catalog.<=) "
	"'1'::pg_catalog.float8\n"
	"          OR t.churn OPERATOR(pg_catalog.=) '0'::pg_catalog.float8 AND (t.orders OPERATOR(pg_catalog.<=) "
	"'1'::pg_catalog.float8) IS NOT TRUE\n"
	"        THEN pg_catalog.concat(CASE WHEN t.churn OPERATOR(pg_catalog.>) '0.995'::pg_catalog.float8 THEN "
	"'<1'::pg_catalog.text\n"
	"            WHEN t.churn OPERATOR(pg_catalog.>) '0'::pg_catalog.float8 AND t.churn OPERATOR(pg_catalog.<) "
	"'0.005'::pg_catalog.float8 THEN '>99'::pg_catalog.text\n"
	"            ELSE pg_catalog.round(('100'::pg_catalog.float8 OPERATOR(pg_catalog.*)\n"
	"              ('1'::pg_catalog.float8 OPERATOR(pg_catalog.-) t.churn))::pg_catalog.numeric, "
	"'0'::pg_catalog.int4)::pg_catalog.text END,\n"
	"          ' % likely still a customer'::pg_catalog.text) END,\n"
	"      CASE WHEN t.recency IS NULL AND t.orders IS NULL AND t.churn IS NULL\n"
	"        THEN pg_catalog.concat('lifecycle: '::pg_catalog.text, t.lifecycle) END) AS why,\n"
	"    t.value_at_stake\n"
	"  FROM (SELECT {customer} AS customer_id, {lifecycle} AS lifecycle, pg_catalog.round({recency}) AS recency,\n"
	"      pg_catalog.round({orders}) AS orders, {churn} AS churn, {clv} AS value_at_stake\n"
	"    FROM {scores} AS s) AS t\n";

static const char triggers_need[] =
	"  UNION ALL\n"
	"  SELECT d.customer_id, 'need'::pg_catalog.text,\n"
	"    pg_catalog.concat_ws(' '::pg_catalog.text, d.item, 'due on'::pg_catalog.text, " DAY_TEXT(
		"d.day") "), d.value\n"
				 "  FROM " TRIGGER_SOURCE " AS d\n"
				 "  WHERE d.day OPERATOR(pg_catalog.>=) {as_of} AND d.day OPERATOR(pg_catalog.<=) {until}\n";

static const char triggers_event[] =
	"  UNION ALL\n"
	"  SELECT d.customer_id, 'anniversary'::pg_catalog.text,\n"
	"    pg_catalog.concat_ws(' '::pg_catalog.text, d.item, 'on'::pg_catalog.text, " DAY_TEXT(
		"@next_anniversary(d.day, {as_of})") "), d.value\n"
											 "  FROM " TRIGGER_SOURCE " AS d\n"
											 "  WHERE @next_anniversary(d.day, {as_of}) OPERATOR(pg_catalog.<=) "
											 "{until} AND " EVENT_ALLOWED "\n";

static const char triggers_tail[] = "), ranked AS (\n"
									"  SELECT f.*, pg_catalog.row_number() OVER (PARTITION BY f.customer_id\n"
									"    ORDER BY f.value_at_stake DESC, f.trigger_name, f.why) AS place\n"
									"  FROM found AS f\n"
									"  WHERE f.customer_id IS NOT NULL AND f.trigger_name IS NOT NULL AND "
									"f.value_at_stake OPERATOR(pg_catalog.>) '0'::pg_catalog.float8\n"
									")\n"
									"SELECT r.customer_id, r.trigger_name, r.why, r.value_at_stake, {slot} AS slot\n"
									"FROM ranked AS r{slots}\n"
									"WHERE r.place OPERATOR(pg_catalog.=) '1'::pg_catalog.int8\n"
									"ORDER BY r.value_at_stake DESC, r.customer_id";

/* Of several slots of a customer the first, in the order of their type. */
static const char triggers_slots[] =
	" LEFT JOIN (\n"
	"  SELECT DISTINCT ON (w.customer_id) w.customer_id, w.slot\n"
	"  FROM (SELECT {key} AS customer_id, {slot_text} AS slot, {slot_order} AS place FROM {slots_relation} AS w) AS w\n"
	"  ORDER BY w.customer_id, w.place, w.slot\n"
	") AS w ON w.customer_id OPERATOR(pg_catalog.=) r.customer_id";

/* Customers with a trigger by their scores, but without a value. */
static const char triggers_without_value[] =
	"SELECT pg_catalog.count(*) FROM {scores} AS s\n"
	"WHERE ({lifecycle} OPERATOR(pg_catalog.=) 'slipping'::pg_catalog.text OR "
	"{lifecycle} OPERATOR(pg_catalog.=) 'probably lost'::pg_catalog.text\n"
	"    OR {lifecycle} OPERATOR(pg_catalog.=) 'new'::pg_catalog.text)\n"
	"  AND ({customer} IS NULL OR ({clv}) IS NULL OR ({clv}) OPERATOR(pg_catalog.<=) "
	"'0'::pg_catalog.float8)";

/* Customers with a trigger who have several rows in the scores: what stands there for one may be several people. */
static const char triggers_of_several_rows[] =
	"SELECT pg_catalog.count(*), pg_catalog.min(t.customer_id) FROM (SELECT t.customer_id FROM (\n"
	"    SELECT {customer} AS customer_id, {lifecycle} AS lifecycle, {clv} AS clv FROM {scores} AS s) AS t\n"
	"  WHERE t.customer_id IS NOT NULL GROUP BY t.customer_id\n"
	"  HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) '1'::pg_catalog.int8 AND pg_catalog.bool_or(\n"
	"    t.clv OPERATOR(pg_catalog.>) '0'::pg_catalog.float8 AND (t.lifecycle OPERATOR(pg_catalog.=) "
	"'slipping'::pg_catalog.text\n"
	"      OR t.lifecycle OPERATOR(pg_catalog.=) 'probably lost'::pg_catalog.text OR t.lifecycle "
	"OPERATOR(pg_catalog.=) "
	"'new'::pg_catalog.text))) AS t";

/* Rows of needs or events that say not who, when or what it is worth. */
static const char triggers_incomplete[] = "SELECT pg_catalog.count(*) FROM " TRIGGER_SOURCE " AS d\n"
										  "WHERE d.customer_id IS NULL OR d.day IS NULL OR d.value IS NULL\n"
										  "  OR d.value OPERATOR(pg_catalog.<=) '0'::pg_catalog.float8";

static const char events_refused[] = "SELECT pg_catalog.count(*) FROM " TRIGGER_SOURCE " AS d WHERE NOT " EVENT_ALLOWED;

/* The column with the value of the customers, which is named after its days. */
static const char *
value_column(Oid scores)
{
	char *name;

	for (AttrNumber i = 1; (name = get_attname(scores, i, true)) != NULL; i++)
		if (strncmp(name, "clv_", 4) == 0 && strspn(name + 4, "0123456789") > 0)
			return name;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("\"%s\" has no column such as clv_365d", get_rel_name(scores)),
			 errhint("Scores are what create_customer_scores made, or a table with the same columns.")));
}

/* Whether customers have agreed to the use of an event; where there is no such column, nobody has said. */
static const char *
consent_column(Oid relation)
{
	if (get_attnum(relation, "consent") == InvalidAttrNumber)
		return "NULL::pg_catalog.bool";
	if (sql_column_type(relation, "consent") != BOOLOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"consent\" of \"%s\" must be boolean", get_rel_name(relation)),
				 errhint("True is consent, false a refusal, and NULL that nobody has asked.")));
	return sql_column("n", "consent", BOOLOID);
}

/* Appends a template over a relation of needs or events. */
static void
append_source(StringInfo out, const char *template, const char *schema, Oid relation, const char *item, const char *due,
			  const char *as_of, const char *until)
{
	Oid type;

	(void) sql_time_column("n", relation, due, &type);

	const SqlPart parts[] = {{"{customer}", sql_key_as_text("n", relation, "customer_id")},
							 {"{item}", sql_column_as("n", relation, item, TEXTOID)},
							 {"{due}", sql_column_as("n", relation, due, DATEOID)},
							 {"{value}", sql_finite_column("n", relation, "value")},
							 {"{consent}", consent_column(relation)},
							 {"{relation}", sql_relation(relation)},
							 {"{as_of}", as_of},
							 {"{until}", until}};

	sql_append_template(out, template, schema, parts, lengthof(parts));
}

/* The columns of the scores. */
#define N_SCORE_PARTS 7

static void
score_parts(Oid scores, SqlPart *parts)
{
	const SqlPart found[N_SCORE_PARTS] = {{"{customer}", sql_key_as_text("s", scores, "customer_id")},
										  {"{lifecycle}", sql_column_as("s", scores, "lifecycle", TEXTOID)},
										  {"{recency}", sql_finite_column("s", scores, "recency_days")},
										  {"{orders}", sql_finite_column("s", scores, "order_count")},
										  {"{churn}", sql_finite_column("s", scores, "churn_prob")},
										  {"{clv}", sql_finite_column("s", scores, value_column(scores))},
										  {"{scores}", sql_relation(scores)}};

	memcpy(parts, found, sizeof(found));
}

/* The order of slots: that of their type, or of their texts if the type is not the server's. */
static const char *
slot_order(Oid slots)
{
	Oid type = sql_column_type(slots, "slot");
	bool has_order = OidIsValid(lookup_type_cache(type, TYPECACHE_LT_OPR)->lt_opr);

	return has_order ? sql_column("w", "slot", type) : sql_column_as("w", slots, "slot", TEXTOID);
}

/* The last part, with the slots if there are any. */
static void
append_tail(StringInfo out, const char *schema, FunctionCallInfo fcinfo)
{
	bool has_slots = !PG_ARGISNULL(5);
	StringInfoData join;

	initStringInfo(&join);
	if (has_slots)
	{
		Oid slots = PG_GETARG_OID(5);
		const SqlPart parts[] = {{"{key}", sql_key_as_text("w", slots, "customer_id")},
								 {"{slot_text}", sql_column_as("w", slots, "slot", TEXTOID)},
								 {"{slot_order}", slot_order(slots)},
								 {"{slots_relation}", sql_relation(slots)}};

		sql_append_template(&join, triggers_slots, schema, parts, lengthof(parts));
	}

	const SqlPart parts[] = {{"{slots}", join.data}, {"{slot}", has_slots ? "w.slot" : "NULL::pg_catalog.text"}};

	sql_append_template(out, triggers_tail, schema, parts, lengthof(parts));
}

/* Arguments scores, as_of, days_ahead, needs, events, slots. */
static char *
triggers_query(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"scores", "as_of", "days_ahead"};
	SqlPart parts[N_SCORE_PARTS];
	StringInfoData out;

	refuse_nulls(fcinfo, 0, names, lengthof(names));

	const char *schema = sql_extension_schema(fcinfo);
	DateADT as_of = finite_day_argument(fcinfo, 1, "as_of", NULL);
	int32 ahead = int_argument(fcinfo, 2, "days_ahead", 0, 366,
							   "Needs and anniversaries of so many days from as_of on are triggers.");

	if (!IS_VALID_DATE((int64) as_of + ahead))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("days_ahead of %d days after %s is beyond the calendar", ahead, date_text(as_of))));

	const char *from = sql_date_literal(as_of);
	const char *until = sql_date_literal(as_of + ahead);

	initStringInfo(&out);
	score_parts(PG_GETARG_OID(0), parts);
	sql_append_template(&out, triggers_head, schema, parts, lengthof(parts));
	if (!PG_ARGISNULL(3))
		append_source(&out, triggers_need, schema, PG_GETARG_OID(3), "item", "due_on", from, until);
	if (!PG_ARGISNULL(4))
		append_source(&out, triggers_event, schema, PG_GETARG_OID(4), "event", "on", from, until);
	append_tail(&out, schema, fcinfo);
	return out.data;
}

/* customer_triggers_query(scores, as_of, days_ahead, needs, events, slots) → text: the query, not run */
PG_FUNCTION_INFO_V1(customer_triggers_query);
Datum
customer_triggers_query(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(triggers_query(fcinfo)));
}

/* The count that a query over the scores gives first; its row stays in SPI_tuptable. */
static int64
count_scores(const char *template, const char *schema, Oid scores)
{
	SqlPart parts[N_SCORE_PARTS];
	StringInfoData query;
	int64 count;

	initStringInfo(&query);
	score_parts(scores, parts);
	sql_append_template(&query, template, schema, parts, lengthof(parts));
	read_counts(query.data, &count, 1);
	return count;
}

/* Says how many customers have a trigger by their scores, but nothing that is at stake. */
static void
notice_without_value(const char *schema, Oid scores)
{
	int64 count = count_scores(triggers_without_value, schema, scores);

	if (count > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " customer of \"%s\" whose lifecycle is a trigger is left out",
							   INT64_FORMAT " customers of \"%s\" whose lifecycle is a trigger are left out",
							   (unsigned long) count, count, get_rel_name(scores)),
				 errdetail("Their %s is NULL, NaN, infinite or not above zero, or they have no customer_id.",
						   value_column(scores))));
}

/* Says whose customer_id stands in several rows of the scores: each is named once, others of that name are not. */
static void
notice_several_rows(const char *schema, Oid scores)
{
	int64 count = count_scores(triggers_of_several_rows, schema, scores);

	if (count > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " customer_id of \"%s\" has several rows, and is named once",
							   INT64_FORMAT " customer_ids of \"%s\" have several rows, and are named once",
							   (unsigned long) count, count, get_rel_name(scores)),
				 errdetail("One is customer \"%s\". The row that is worth most is taken.",
						   SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2)),
				 errhint("If these are several customers, known by other columns as well, pass a view of the scores in "
						 "which one column, customer_id, tells them apart.")));
}

/* Says that the scores stand at another day than the triggers: their recency counts to that day. */
static void
notice_far_day(Oid scores, DateADT as_of)
{
	const char *day;
	Oid type;
	Datum latest;
	bool isnull;

	if (get_attnum(scores, "as_of") == InvalidAttrNumber)
		return;
	type = sql_column_type(scores, "as_of");
	if (type != DATEOID && type != TIMESTAMPOID && type != TIMESTAMPTZOID)
		return;
	day = sql_column_as("s", scores, "as_of", DATEOID);
	(void) sql_read(psprintf("SELECT pg_catalog.max(%s) FROM %s AS s WHERE pg_catalog.isfinite(%s)", day,
							 sql_relation(scores), day));
	latest = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull && is_far_from_scores(as_of, DatumGetDateADT(latest)))
		ereport(NOTICE,
				(errmsg("the triggers of %s are by scores that stand at %s", date_text(as_of),
						date_text(DatumGetDateADT(latest))),
				 errdetail("How long ago the last order was, lifecycles and values are as of that day."),
				 errhint("Refresh the scores first.")));
}

/* Says how many rows of needs or events cannot be triggers. */
static void
notice_incomplete(const char *schema, Oid relation, const char *item, const char *due)
{
	StringInfoData query;
	int64 count;

	initStringInfo(&query);
	append_source(&query, triggers_incomplete, schema, relation, item, due, "", "");
	read_counts(query.data, &count, 1);
	if (count > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " row of \"%s\" is left out", INT64_FORMAT " rows of \"%s\" are left out",
							   (unsigned long) count, count, get_rel_name(relation)),
				 errdetail("customer_id, \"%s\" or value is NULL, NaN or infinite, or the value not above zero.",
						   due)));
}

/* Says how many events are not used since their customers have not agreed. */
static void
notice_refused(const char *schema, Oid events)
{
	StringInfoData query;
	int64 count;

	initStringInfo(&query);
	append_source(&query, events_refused, schema, events, "event", "on", "", "");
	read_counts(query.data, &count, 1);
	if (count > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " event of \"%s\" is not used",
							   INT64_FORMAT " events of \"%s\" are not used", (unsigned long) count, count,
							   get_rel_name(events)),
				 errdetail("The customer has refused, or has not agreed and the kind is sensitive or not given."),
				 errhint("What customers agreed to is in a boolean column consent.")));
}

/* customer_triggers(scores, as_of, …) → setof (customer_id, trigger_name, why, value_at_stake, slot) */
PG_FUNCTION_INFO_V1(customer_triggers);
Datum
customer_triggers(PG_FUNCTION_ARGS)
{
	const char *query = triggers_query(fcinfo);
	const char *schema = sql_extension_schema(fcinfo);
	MemoryContext caller;

	InitMaterializedSRF(fcinfo, 0);
	caller = CurrentMemoryContext;
	SPI_connect();
	notice_far_day(PG_GETARG_OID(0), PG_GETARG_DATEADT(1));
	notice_without_value(schema, PG_GETARG_OID(0));
	notice_several_rows(schema, PG_GETARG_OID(0));
	if (!PG_ARGISNULL(3))
		notice_incomplete(schema, PG_GETARG_OID(3), "item", "due_on");
	if (!PG_ARGISNULL(4))
	{
		notice_incomplete(schema, PG_GETARG_OID(4), "event", "on");
		notice_refused(schema, PG_GETARG_OID(4));
	}
	rows_of(fcinfo, query);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	return (Datum) 0;
}

/* ---------------------------------------------------------------- actions */

/*
 * Of each customer's actions action_steps keeps those that are the best at some price of
 * the budget. Their steps are taken in the order of gain per cost, until the budget ends.
 */
static const char actions_template[] =
	"WITH effects AS MATERIALIZED (\n"
	"  SELECT e.segment, CASE WHEN pg_catalog.abs(e.shrunk) OPERATOR(pg_catalog.<) " SMALLEST
	" THEN '0'::pg_catalog.float8 ELSE e.shrunk END AS shrunk\n"
	"  FROM @uplift_shrunk({uplift}, '0.9'::pg_catalog.float8, '1'::pg_catalog.float8, '0'::pg_catalog.float8) AS e\n"
	"  WHERE e.status OPERATOR(pg_catalog.=) 'ok'::pg_catalog.text AND pg_catalog.abs(e.shrunk) "
	"OPERATOR(pg_catalog.<=) " LARGEST "\n"
	"), given AS (\n"
	"  SELECT {customer} AS customer_id, {segment} AS segment, {action} AS action, {slot} AS slot, {value} AS value, "
	"{cost} AS cost,\n"
	"    {no_value} AS no_value, {no_cost} AS no_cost, {capped} AS capped\n"
	"  FROM {relation} AS c\n"
	"), judged AS MATERIALIZED (\n"
	"  SELECT g.customer_id, g.action, g.slot, g.cost,\n"
	"    CASE WHEN g.cost OPERATOR(pg_catalog.>=) '0'::pg_catalog.float8 THEN\n"
	"      ((e.shrunk OPERATOR(pg_catalog.*) g.value) OPERATOR(pg_catalog.-) g.cost) OPERATOR(pg_catalog.+) "
	"'0'::pg_catalog.float8 END AS gain,\n"
	"    CASE WHEN @assign_group(g.customer_id, {experiment}, {share}) OPERATOR(pg_catalog.=) "
	"'control'::pg_catalog.text THEN 'holdout'::pg_catalog.text\n"
	"      WHEN e.segment IS NULL THEN 'no_experiment'::pg_catalog.text\n"
	"      WHEN g.no_value THEN 'no_value'::pg_catalog.text\n"
	"      WHEN g.value IS NULL THEN 'value_out_of_range'::pg_catalog.text\n"
	"      WHEN g.no_cost THEN 'no_cost'::pg_catalog.text\n"
	"      WHEN g.cost IS NULL OR g.cost OPERATOR(pg_catalog.<) '0'::pg_catalog.float8 THEN "
	"'cost_out_of_range'::pg_catalog.text\n"
	"      WHEN g.capped THEN 'over_cap'::pg_catalog.text END AS reason\n"
	"  FROM given AS g LEFT JOIN effects AS e ON e.segment OPERATOR(pg_catalog.=) g.segment\n"
	"  WHERE g.customer_id IS NOT NULL\n"
	"), candidates AS (\n"
	"  SELECT j.customer_id, j.action, j.slot, j.cost, j.gain, j.reason IS NULL AND j.gain OPERATOR(pg_catalog.>) "
	"'0'::pg_catalog.float8 AS worth,\n"
	"    COALESCE(j.reason, 'costs_more_than_it_brings'::pg_catalog.text) AS reason\n"
	"  FROM judged AS j\n"
	"), choices AS MATERIALIZED (\n"
	"  SELECT k.*, pg_catalog.row_number() OVER (PARTITION BY k.customer_id\n"
	"    ORDER BY k.worth DESC, CASE WHEN k.worth THEN k.cost END,\n"
	"      k.reason OPERATOR(pg_catalog.=) 'costs_more_than_it_brings'::pg_catalog.text DESC, k.gain DESC NULLS LAST, "
	"k.action, k.slot) AS choice\n"
	"  FROM candidates AS k\n"
	"), offers AS (\n"
	"  SELECT h.customer_id, pg_catalog.array_agg(h.cost ORDER BY h.choice) AS costs, pg_catalog.array_agg(h.gain "
	"ORDER BY h.choice) AS gains\n"
	"  FROM choices AS h WHERE h.worth GROUP BY h.customer_id\n"
	"), spending AS (\n"
	"  SELECT o.customer_id, s.choice, pg_catalog.sum(s.cost) OVER (\n"
	"    ORDER BY s.gain_per_cost DESC, o.customer_id, s.choice ROWS UNBOUNDED PRECEDING) AS spent\n"
	"  FROM offers AS o CROSS JOIN LATERAL @action_steps(o.costs, o.gains) AS s\n"
	"), reached AS (\n"
	"  SELECT p.customer_id, pg_catalog.max(p.choice) FILTER (WHERE {within}) AS choice, pg_catalog.min(p.choice) AS "
	"first_choice\n"
	"  FROM spending AS p GROUP BY p.customer_id\n"
	"), decided AS (\n"
	"  SELECT h.customer_id, r.choice IS NOT NULL AS contact,\n"
	"    CASE WHEN r.choice IS NOT NULL THEN 'worth_it'::pg_catalog.text ELSE 'over_budget'::pg_catalog.text END AS "
	"why,\n"
	"    h.action, h.gain, h.slot, h.cost\n"
	"  FROM reached AS r JOIN choices AS h ON h.customer_id OPERATOR(pg_catalog.=) r.customer_id\n"
	"    AND h.choice OPERATOR(pg_catalog.=) COALESCE(r.choice, r.first_choice)::pg_catalog.int8\n"
	"  UNION ALL\n"
	"  SELECT h.customer_id, false, h.reason, h.action, h.gain, h.slot, h.cost\n"
	"  FROM choices AS h WHERE h.choice OPERATOR(pg_catalog.=) '1'::pg_catalog.int8 AND NOT COALESCE(h.worth, false)\n"
	")\n"
	"SELECT d.customer_id, d.contact, d.why,\n"
	"  d.action, d.gain AS expected_gain, CASE WHEN d.contact THEN d.slot END AS slot,\n"
	"  CASE WHEN d.contact THEN d.cost ELSE '0'::pg_catalog.float8 END AS cost,\n"
	"  COALESCE(pg_catalog.sum(CASE WHEN d.contact THEN d.gain END) OVER (), '0'::pg_catalog.float8) AS total_gain,\n"
	"  COALESCE(pg_catalog.sum(CASE WHEN d.contact THEN d.cost END) OVER (), '0'::pg_catalog.float8) AS total_cost\n"
	"FROM decided AS d\n"
	"ORDER BY d.contact DESC, d.gain DESC NULLS LAST, d.customer_id";

/* What of the candidates cannot be decided about. */
static const char actions_unusable[] = "SELECT pg_catalog.count(*) FILTER (WHERE {customer} IS NULL),\n"
									   "  pg_catalog.count(*) FILTER (WHERE {value_out_of_range}), pg_catalog.count(*) "
									   "FILTER (WHERE {cost_out_of_range})\n"
									   "FROM {relation} AS c";

/* A moment that is written without a type. One without a time of the day could be that day as well as its midnight. */
static TimestampTz
moment_from_text(char *text)
{
	if (strchr(text, ':') == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("as_of must be a day or a moment, and \"%s\" without a type could be either", text),
				 errhint("A day, such as date '2026-03-08', ends with its last second (UTC); a moment is such as "
						 "timestamptz '2026-03-08 00:00+00'.")));
	return DatumGetTimestampTz(
		DirectFunctionCall3(timestamptz_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/*
 * The time of a cap as SQL, from an argument that is a day or a moment. A day stays one, so that may_contact says
 * what it is of contacts, until its end: as a moment it would be its beginning.
 */
static const char *
cap_time(FunctionCallInfo fcinfo, int argno)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, argno);
	char literal[MAXDATELEN + 1];
	int utc = 0;
	TimestampTz moment;

	switch (type)
	{
		case DATEOID:
			return sql_date_literal(finite_day_argument(fcinfo, argno, "as_of", NULL));
		case TIMESTAMPTZOID:
			moment = PG_GETARG_TIMESTAMPTZ(argno);
			break;
		case TIMESTAMPOID:
			moment = DatumGetTimestampTz(DirectFunctionCall1(timestamp_timestamptz, PG_GETARG_DATUM(argno)));
			break;
		case UNKNOWNOID:
			moment = moment_from_text(PG_GETARG_CSTRING(argno));
			break;
		case TEXTOID:
			moment = moment_from_text(text_to_cstring(PG_GETARG_TEXT_PP(argno)));
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("as_of must be a date or a timestamptz, but is of type %s", format_type_be(type))));
	}
	if (TIMESTAMP_NOT_FINITE(moment))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("as_of must be finite, but is %s", TIMESTAMP_IS_NOBEGIN(moment) ? "-infinity" : "infinity")));
	JsonEncodeDateTime(literal, TimestampTzGetDatum(moment), TIMESTAMPTZOID, &utc);
	return psprintf("'%s'::pg_catalog.timestamptz", literal);
}

/* The condition for those who have had enough contacts; nobody without a cap. */
static const char *
cap_condition(FunctionCallInfo fcinfo, const char *schema, Oid relation)
{
	const char *time;
	Oid log;

	if (PG_ARGISNULL(6))
		return "false";
	if (PG_ARGISNULL(8))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a cap needs as_of"),
				 errhint("Contacts count within cap_days before that time.")));
	refuse_null(fcinfo, 7, "cap_days", NULL);
	(void) count_argument(fcinfo, 6, "cap");
	(void) positive_days_argument(fcinfo, 7, "cap_days");
	time = cap_time(fcinfo, 8);
	/* of another type a cast of its owner would be called */
	log = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, PointerGetDatum("contact_log"),
						  ObjectIdGetDatum(get_func_namespace(fcinfo->flinfo->fn_oid)));
	if (sql_column_type(relation, "contacts") != log)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"contacts\" must be a contact_log, but is %s",
						format_type_be(sql_column_type(relation, "contacts")))));
	return psprintf("NOT %s.may_contact(%s, %s, '%d'::pg_catalog.int4, %s)", schema, sql_column("c", "contacts", log),
					time, PG_GETARG_INT32(6), sql_float8_literal(PG_GETARG_FLOAT8(7)));
}

/* The condition for those whom the budget reaches, but for the rounding of a sum. */
static const char *
within_budget(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(3))
		return "true";
	return psprintf("p.spent OPERATOR(pg_catalog.<=) %s",
					sql_float8_literal(nonnegative_argument(fcinfo, 3, "budget", NULL) * (1 + 1e-12)));
}

/* A contact cost for all, which must be a number that can be a cost. */
static double
contact_cost(FunctionCallInfo fcinfo)
{
	double cost = nonnegative_argument(fcinfo, 2, "contact_cost", NULL);

	if (cost > strtod(SQL_LARGEST_NUMBER, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("contact_cost must not be beyond " SQL_LARGEST_NUMBER ", but is %g", cost)));
	return cost;
}

/* Arguments candidates, uplift, contact_cost, budget, experiment, control_share, cap, cap_days, as_of. */
static char *
actions_query(FunctionCallInfo fcinfo)
{
	StringInfoData out;

	refuse_null(fcinfo, 0, "candidates", NULL);
	refuse_null(fcinfo, 2, "contact_cost", NULL);
	refuse_null(fcinfo, 4, "experiment", NULL);
	refuse_null(fcinfo, 5, "control_share", NULL);
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("without an experiment nobody knows what a contact brings"),
				 errhint("Give the uplift of each segment: uplift_segments(segment, u).")));

	Oid relation = PG_GETARG_OID(0);
	const char *schema = sql_extension_schema(fcinfo);
	Oid output;
	bool is_varlena;
	const char *cost = sql_float8_literal(contact_cost(fcinfo));
	bool has_cost = get_attnum(relation, "cost") != InvalidAttrNumber;
	double share =
		share_argument(fcinfo, 5, "control_share", "Without a holdout nobody will know what the contacts brought.");

	getTypeOutputInfo(get_fn_expr_argtype(fcinfo->flinfo, 1), &output, &is_varlena);

	const SqlPart parts[] = {{"{uplift}",
							  psprintf("%s::%s.uplift_segments",
									   quote_literal_cstr(OidOutputFunctionCall(output, PG_GETARG_DATUM(1))), schema)},
							 {"{customer}", sql_key_as_text("c", relation, "customer_id")},
							 {"{segment}", sql_column_as("c", relation, "segment", TEXTOID)},
							 {"{value}", sql_finite_column("c", relation, "value")},
							 {"{no_value}", "c.value IS NULL"},
							 {"{action}", optional_text(relation, "c", "action")},
							 {"{slot}", optional_text(relation, "c", "slot")},
							 {"{cost}", has_cost ? sql_finite_column("c", relation, "cost") : cost},
							 {"{no_cost}", has_cost ? "c.cost IS NULL" : "false"},
							 {"{experiment}", sql_text_literal(text_to_cstring(PG_GETARG_TEXT_PP(4)))},
							 {"{share}", sql_float8_literal(share)},
							 {"{capped}", cap_condition(fcinfo, schema, relation)},
							 {"{relation}", sql_relation(relation)},
							 {"{within}", within_budget(fcinfo)}};

	initStringInfo(&out);
	sql_append_template(&out, actions_template, schema, parts, lengthof(parts));
	return out.data;
}

/* next_best_actions_query(candidates, uplift, contact_cost, budget, …) → text: the query, not run */
PG_FUNCTION_INFO_V1(next_best_actions_query);
Datum
next_best_actions_query(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(actions_query(fcinfo)));
}

/* Says how many candidates are none, also where their customer has a better one that hides them. */
static void
notice_unusable(const char *schema, Oid relation)
{
	bool has_cost = get_attnum(relation, "cost") != InvalidAttrNumber;
	const SqlPart parts[] = {{"{customer}", sql_key_as_text("c", relation, "customer_id")},
							 {"{value_out_of_range}", sql_is_out_of_range("c", relation, "value")},
							 {"{cost_out_of_range}",
							  has_cost ? psprintf("%s OR (%s) OPERATOR(pg_catalog.<) '0'::pg_catalog.float8",
												  sql_is_out_of_range("c", relation, "cost"),
												  sql_finite_column("c", relation, "cost"))
									   : "false"},
							 {"{relation}", sql_relation(relation)}};
	StringInfoData query;
	int64 counts[3];

	initStringInfo(&query);
	sql_append_template(&query, actions_unusable, schema, parts, lengthof(parts));
	read_counts(query.data, counts, lengthof(counts));
	if (counts[0] + counts[1] + counts[2] > 0)
		ereport(NOTICE,
				(errmsg("some rows of \"%s\" are no candidates", get_rel_name(relation)),
				 errdetail("Without a customer_id: " INT64_FORMAT
						   "; with a value that is NaN, infinite or beyond " SQL_LARGEST_NUMBER ": " INT64_FORMAT
						   "; with such a cost, or a negative one: " INT64_FORMAT ".",
						   counts[0], counts[1], counts[2])));
}

/* Says that an effect is not one of responses: a response is worth the value, and money would be multiplied by it. */
static void
notice_money(FunctionCallInfo fcinfo)
{
	NamedParts parts = parts_get(&uplift_segments_parts, PG_GETARG_DATUM(1));

	for (uint32 i = 0; i < parts.count; i++)
	{
		UpliftSums sums;

		CHECK_FOR_INTERRUPTS();
		uplift_read(parts.parts[i].data, parts.parts[i].data + parts.parts[i].bytes, &sums);
		if (sums.binary)
			continue;
		ereport(NOTICE,
				(errmsg("the outcomes of the experiment in segment \"%s\" are not 0 or 1", part_name(&parts.parts[i])),
				 errdetail("An effect is multiplied by the value of the candidate, as that of a response."),
				 errhint("If outcomes are money, give each candidate a value of 1, or measure responses.")));
		return;
	}
}

/* next_best_actions(candidates, uplift, contact_cost, budget, …) → setof (customer_id, contact, why, …) */
PG_FUNCTION_INFO_V1(next_best_actions);
Datum
next_best_actions(PG_FUNCTION_ARGS)
{
	const char *query = actions_query(fcinfo);
	MemoryContext caller;

	InitMaterializedSRF(fcinfo, 0);
	caller = CurrentMemoryContext;
	SPI_connect();
	notice_money(fcinfo);
	notice_unusable(sql_extension_schema(fcinfo), PG_GETARG_OID(0));
	rows_of(fcinfo, query);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	return (Datum) 0;
}
