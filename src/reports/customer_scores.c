/*
 * customer_scores.c
 *	  The whole job as one query: from an orders table to scored customers.
 *
 * customer_scores_query writes the query down, and nothing more: users read
 * it, change it, put it into dbt. create_customer_scores runs it as a
 * materialized view. Both act with the caller's rights. In the query every
 * name that users gave is quoted and every function has its schema, so that
 * it means the same under any search_path.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "models/model.h"
#include "value/json.h"

/*
 * The columns, in order: name, expression over the summary s and the fit f,
 * and the comment that BI tools show. In all of them {days} stands for the
 * horizon and @ for the schema of the extension.
 */
typedef struct ScoreColumn
{
	const char *name;
	const char *expression;
	const char *comment;
} ScoreColumn;

static const ScoreColumn score_columns[] = {
	{"customer_id", "s.customer_id",
	"the customer, as in the orders"},
	{"first_order_on", "@first_order_on(s.history)",
	"day of the first order"},
	{"last_order_on", "@last_order_on(s.history)",
	"day of the last order"},
	{"order_count", "s.order_count",
	"number of orders, refunds not counted"},
	{"total_spend", "(CASE WHEN pg_catalog.abs(s.total_spend) OPERATOR(pg_catalog.<) 1e15 THEN s.total_spend END)::numeric(18,2)",
	"all amounts, net of refunds"},
	{"avg_order_value", "(CASE WHEN pg_catalog.abs(s.total_spend) OPERATOR(pg_catalog.<) 1e15 THEN @avg_order_value(s.history) END)::numeric(18,2)",
	"total spend divided by the number of orders"},
	{"recency_days", "s.recency_days",
	"days since the last order"},
	{"tenure_days", "@tenure_days(s.history, f.as_of)",
	"days since the first order"},
	{"avg_days_between_orders", "@avg_days_between_orders(s.history)",
	"mean number of days between days with an order"},
	{"r_score", "pg_catalog.substr(s.rfm_score, 1, 1)::smallint",
	"recency score, 1 to 5; 5 = the most recent"},
	{"f_score", "pg_catalog.substr(s.rfm_score, 2, 1)::smallint",
	"frequency score, 1 to 5; 5 = the most orders"},
	{"m_score", "pg_catalog.substr(s.rfm_score, 3, 1)::smallint",
	"monetary score, 1 to 5; 5 = the highest spend"},
	{"rfm_score", "s.rfm_score",
	"recency, frequency and monetary score in one; 555 is best"},
	{"segment", "@segment_of(s.rfm_score)",
	"name of the customer's segment"},
	{"churn_prob", "@churn_prob(s.history, f.model, f.as_of, NULL::double precision[])",
	"probability, 0 to 1, that the customer is gone"},
	{"expected_orders_{days}d", "@expected_orders(s.history, f.model, {days}, f.as_of, NULL::double precision[])",
	"expected number of days with an order in the next {days} days"},
	{"expected_order_value", "@expected_order_value(s.history, f.model, f.as_of)",
	"expected amount of a day with an order"},
	{"clv_{days}d", "@clv_estimate(s.history, f.model, {days}, {discount}, {margin}, f.as_of, NULL::double precision[])",
	"expected value of the next {days} days, discounted, times margin"},
	{"score_status", "@score_status(s.history, f.model, f.as_of, NULL::double precision[])",
	"ok, one_order, or why a score is missing"},
	{"as_of", "f.as_of",
	"the day the scores stand at"},
};

static const char query_head[] =
	"WITH histories AS MATERIALIZED (\n"
	"  SELECT o.{customer_id} AS customer_id, @purchase_history({purchase}) AS history\n"
	"  FROM {orders} AS o\n"
	"  WHERE o.{customer_id} IS NOT NULL{window}\n"
	"  GROUP BY o.{customer_id}\n"
	"), base AS MATERIALIZED (\n"
	"  SELECT @customer_base(h.history{until}) AS base FROM histories AS h\n"
	"), fit AS MATERIALIZED (\n"
	"  SELECT CASE WHEN @fit_problem(b.base, NULL::pg_catalog.date) IS NULL\n"
	"      THEN @clv_fit(b.base, {model}, NULL::pg_catalog.date, 7::double precision,\n"
	"        0::double precision, NULL::pg_catalog.text[]) END AS model,\n"
	"    @observed_until(b.base) AS as_of\n"
	"  FROM base AS b\n"
	"), summaries AS MATERIALIZED (\n"
	"  SELECT h.customer_id, h.history, @order_count(h.history) AS order_count,\n"
	"    @total_spend(h.history) AS total_spend, @recency_days(h.history, f.as_of) AS recency_days\n"
	"  FROM histories AS h CROSS JOIN fit AS f\n"
	"), cuts AS MATERIALIZED (\n"
	"  SELECT @rfm_cuts(s.recency_days, s.order_count, {monetary}) AS cuts FROM summaries AS s\n"
	"), scored AS (\n"
	"  SELECT s.*, @rfm_score(s.recency_days, s.order_count, {monetary}, c.cuts) AS rfm_score\n"
	"  FROM summaries AS s CROSS JOIN cuts AS c\n"
	")\n"
	"SELECT\n";

static const char query_tail[] = "\nFROM scored AS s CROSS JOIN fit AS f";

/* Everything that differs from query to query, ready to stand in SQL text. */
typedef struct ScoreQuery
{
	const char *schema;
	const char *orders;
	const char *customer_id;
	const char *purchase;		/* arguments of purchase_history */
	const char *monetary;
	const char *window;			/* further condition on the orders */
	const char *until;			/* further argument of customer_base */
	const char *model;
	const char *days;
	const char *discount;
	const char *margin;
} ScoreQuery;

/* Appends a template, with {name} replaced by what the query has under that name and @ by the schema. */
static void
append_template(StringInfo out, const char *template, const ScoreQuery *query)
{
	const struct
	{
		const char *name;
		const char *text;
	}			parts[] = {
		{"{orders}", query->orders}, {"{customer_id}", query->customer_id},
		{"{purchase}", query->purchase}, {"{monetary}", query->monetary},
		{"{window}", query->window}, {"{until}", query->until}, {"{model}", query->model},
		{"{days}", query->days}, {"{discount}", query->discount}, {"{margin}", query->margin},
	};

	for (const char *at = template; *at != '\0'; at++)
	{
		if (*at == '@')
			appendStringInfo(out, "%s.", query->schema);
		else if (*at != '{')
			appendStringInfoChar(out, *at);
		else
		{
			int			part = 0;

			while (strncmp(at, parts[part].name, strlen(parts[part].name)) != 0)
				if (++part == lengthof(parts))
					elog(ERROR, "unknown part in template: %s", at);
			appendStringInfoString(out, parts[part].text);
			at += strlen(parts[part].name) - 1;
		}
	}
}

static char *
query_text(const ScoreQuery *query)
{
	StringInfoData out;

	initStringInfo(&out);
	append_template(&out, query_head, query);
	for (int i = 0; i < lengthof(score_columns); i++)
	{
		appendStringInfoString(&out, i == 0 ? "  " : ",\n  ");
		append_template(&out, score_columns[i].expression, query);
		appendStringInfoString(&out, " AS ");
		append_template(&out, score_columns[i].name, query);
	}
	append_template(&out, query_tail, query);
	return out.data;
}

/* The type of a column given by name, domains looked through. */
static Oid
column_type(Oid relation, Name column)
{
	AttrNumber	number = get_attnum(relation, NameStr(*column));

	if (number == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of \"%s\" does not exist",
						NameStr(*column), get_rel_name(relation))));
	return getBaseType(get_atttype(relation, number));
}

/* The column as an argument of purchase_history, in a type that it takes. */
static const char *
time_argument(Oid relation, Name column)
{
	switch (column_type(relation, column))
	{
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return psprintf("o.%s", quote_identifier(NameStr(*column)));
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" must be a date, timestamp or timestamptz", NameStr(*column)),
					 errhint("Make a view over the orders that casts it.")));
	}
}

static const char *
amount_argument(Oid relation, Name column)
{
	const char *name = quote_identifier(NameStr(*column));

	switch (column_type(relation, column))
	{
		case NUMERICOID:
		case FLOAT8OID:
			return psprintf("o.%s", name);
		case FLOAT4OID:			/* by its decimal digits: 12.34 stays 12.34 */
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return psprintf("o.%s::numeric", name);
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" must be a number", NameStr(*column)),
					 errhint("Make a view over the orders that casts it to numeric.")));
	}
}

/*
 * A finite number as SQL text that reads back to the same double. It has its
 * type, as all arguments have: nobody's overload fits better than our function.
 */
static const char *
number_argument(double number, const char *name, double lowest)
{
	char	   *digits = palloc(DOUBLE_SHORTEST_DECIMAL_LEN);

	if (!isfinite(number) || number < lowest)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is out of range: %g", name, number)));
	double_to_shortest_decimal_buf(number, digits);
	return psprintf("'%s'::double precision", digits);
}

/* Raises an error for the first of the arguments that is NULL but must not be. */
static void
refuse_nulls(FunctionCallInfo fcinfo, int first, const char *const *names)
{
	for (int i = 0; names[i] != NULL; i++)
		if (PG_ARGISNULL(first + i) && names[i][0] != '\0')
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be null", names[i])));
}

/* What the log of orders adds to the query: names and types. */
static void
orders_arguments(FunctionCallInfo fcinfo, int first, ScoreQuery *query, const char **time)
{
	Oid			relation = PG_GETARG_OID(first);
	char	   *name = get_rel_name(relation);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	(void) column_type(relation, PG_GETARG_NAME(first + 1));

	query->orders = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name);
	query->customer_id = quote_identifier(NameStr(*PG_GETARG_NAME(first + 1)));
	*time = time_argument(relation, PG_GETARG_NAME(first + 2));
	query->purchase = *time;
	query->monetary = "0::double precision";
	if (!PG_ARGISNULL(first + 3))
	{
		query->purchase = psprintf("%s, %s", *time, amount_argument(relation, PG_GETARG_NAME(first + 3)));
		query->monetary = "s.total_spend";
	}
}

/* Arguments orders, customer_id, ordered_at, amount, horizon_days, annual_discount, margin, as_of, model. */
static ScoreQuery
query_arguments(FunctionCallInfo fcinfo, int first)
{
	static const char *const names[] = {
		"orders", "customer_id", "ordered_at", "", "horizon_days", "annual_discount", "margin", "", "model", NULL
	};
	ScoreQuery	query = {.window = "", .until = ""};
	const char *time;

	refuse_nulls(fcinfo, first, names);
	query.schema = quote_identifier(get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid)));
	orders_arguments(fcinfo, first, &query, &time);
	query.days = psprintf("%d", (int) PG_GETARG_INT32(first + 4));
	if (PG_GETARG_INT32(first + 4) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("horizon_days must not be negative, but is %s", query.days)));
	query.discount = number_argument(PG_GETARG_FLOAT8(first + 5), "annual_discount", 0);
	query.margin = number_argument(PG_GETARG_FLOAT8(first + 6), "margin", -INFINITY);

	char	   *model = text_to_cstring(PG_GETARG_TEXT_PP(first + 8));

	if (strcmp(model, "auto") != 0 && model_by_name(model) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no model \"%s\"", model)));
	query.model = psprintf("%s::pg_catalog.text", quote_literal_cstr(model));

	if (!PG_ARGISNULL(first + 7))
	{
		StringInfoData day;

		if (DATE_NOT_FINITE(PG_GETARG_DATEADT(first + 7)))
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("as_of must be finite")));
		initStringInfo(&day);
		json_append_date(&day, PG_GETARG_DATEADT(first + 7));
		day.data[0] = day.data[day.len - 1] = '\'';
		query.window = psprintf(" AND %s::pg_catalog.date OPERATOR(pg_catalog.<=) pg_catalog.date %s", time, day.data);
		query.until = psprintf(", pg_catalog.date %s", day.data);
	}
	return query;
}

/* customer_scores_query(orders, customer_id, ordered_at, amount, …) → text: the query, not run */
PG_FUNCTION_INFO_V1(customer_scores_query);
Datum
customer_scores_query(PG_FUNCTION_ARGS)
{
	ScoreQuery	query = query_arguments(fcinfo, 0);

	PG_RETURN_TEXT_P(cstring_to_text(query_text(&query)));
}

/* The name of a relation to be made, with the schema it will be made in. */
static const char *
qualified_new_name(text *name)
{
	RangeVar   *relation = makeRangeVarFromNameList(textToQualifiedNameList(name));
	Oid			schema = RangeVarGetCreationNamespace(relation);

	return quote_qualified_identifier(get_namespace_name(schema), relation->relname);
}

static void
run(const char *statement)
{
	int			result = SPI_execute(statement, false, 0);

	if (result < 0)
		elog(ERROR, "could not run \"%s\": %s", statement, SPI_result_code_string(result));
}

static void
comment_on_columns(const char *view, const ScoreQuery *query)
{
	for (int i = 0; i < lengthof(score_columns); i++)
	{
		StringInfoData name,
					comment;

		initStringInfo(&name);
		initStringInfo(&comment);
		append_template(&name, score_columns[i].name, query);
		append_template(&comment, score_columns[i].comment, query);
		run(psprintf("COMMENT ON COLUMN %s.%s IS %s", view, name.data, quote_literal_cstr(comment.data)));
	}
}

/*
 * create_customer_scores(view_name, orders, customer_id, ordered_at, amount, …) → bigint
 *
 * Makes the query a materialized view that can be refreshed concurrently, and
 * returns the number of customers in it.
 */
PG_FUNCTION_INFO_V1(create_customer_scores);
Datum
create_customer_scores(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"view_name", NULL};

	refuse_nulls(fcinfo, 0, names);

	ScoreQuery	query = query_arguments(fcinfo, 1);
	const char *view = qualified_new_name(PG_GETARG_TEXT_PP(0));

	SPI_connect();
	run(psprintf("CREATE MATERIALIZED VIEW %s AS\n%s", view, query_text(&query)));

	int64		customers = (int64) SPI_processed;

	run(psprintf("CREATE UNIQUE INDEX ON %s (customer_id)", view));
	run(psprintf("COMMENT ON MATERIALIZED VIEW %s IS %s", view,
				 quote_literal_cstr("one row per customer: what happened, RFM, and what to expect")));
	comment_on_columns(view, &query);
	SPI_finish();
	PG_RETURN_INT64(customers);
}
