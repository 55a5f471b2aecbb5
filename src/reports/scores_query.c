/*
 * scores_query.c
 *	  The whole job as one query: from orders, or histories, to scored customers.
 *
 * customer_scores_query writes the query down, and nothing more: users read
 * it, change it, put it into dbt. In it every name that users gave is quoted, and
 * all else has its schema and its exact type (see support/sql_text.h), so that it
 * means the same under any search_path.
 */
#include "compat.h"

#include <math.h>

#include "catalog/heap.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "clv_model/model_args.h"
#include "reports/citus.h"
#include "reports/orders_check.h"
#include "reports/scores_query.h"
#include "rfm/rfm.h"
#include "support/args.h"
#include "support/calendar.h"
#include "support/sql_text.h"

/* As many as max_parallel_workers_per_gather is likely to be. */
#define MOST_WORKERS 64

/* The places of the arguments, after the first. */
typedef enum ScoresArgument
{
	SCORES_ORDERS,
	SCORES_CUSTOMER_ID,
	SCORES_ORDERED_AT,
	SCORES_AMOUNT,
	SCORES_HORIZON_DAYS,
	SCORES_ANNUAL_DISCOUNT,
	SCORES_MARGIN,
	SCORES_AS_OF,
	SCORES_MODEL,
	SCORES_ORDER_ID,
	SCORES_GROUP_BY,
	SCORES_CUTS,
	SCORES_RULES,
	SCORES_COLUMNS,
} ScoresArgument;

/* What a column needs besides the history and the model. */
typedef enum ColumnNeed
{
	NEED_NOTHING_ELSE,
	NEED_CUTS,  /* cut points */
	NEED_RULES, /* those, and rules of segments */
	NEED_RANGE, /* of the value, which costs so much that it is there only if asked for */
} ColumnNeed;

/*
 * The columns after the keys, in order: name, expression, and the comment that BI tools
 * show. Expressions are over s, the customer, of whom s.scores is a row of what happened and of all scores, from one reading
 * of the history. In all of them {days} stands for the horizon, {model} and {as_of} for the fit's, and @ for the schema of
 * the extension.
 */
typedef struct ColumnText
{
	const char *name;
	const char *expression;
	const char *comment;
	ColumnNeed need;
} ColumnText;

static const ColumnText columns[] = {
	{"first_order_on", "(s.scores).first_order_on", "day of the first order"},
	{"last_order_on", "(s.scores).last_order_on", "day of the last order"},
	{"order_count", "(s.scores).order_count", "number of orders, refunds not counted"},
	{"total_spend", "(s.scores).total_spend::pg_catalog.numeric(18,2)", "all amounts, net of refunds"},
	{"avg_order_value", "(s.scores).avg_order_value::pg_catalog.numeric(18,2)",
	 "total spend divided by the number of orders"},
	{"recency_days", "(s.scores).recency_days", "days since the last order"},
	{"tenure_days", "(s.scores).tenure_days", "days since the first order"},
	{"avg_days_between_orders", "(s.scores).avg_days_between_orders", "mean number of days between days with an order"},
	{"r_score", "(s.scores).r_score", "recency score, 1 to {levels}; {levels} = the most recent", NEED_CUTS},
	{"f_score", "(s.scores).f_score", "frequency score, 1 to {levels}; {levels} = the most orders", NEED_CUTS},
	{"m_score", "(s.scores).m_score",
	 "monetary score, 1 to {levels}; {levels} = the highest spend; missing where all spend the same or nothing is "
	 "known of it",
	 NEED_CUTS},
	{"rfm_score", "(s.scores).rfm_score",
	 "recency, frequency and monetary score in one; {best} is best, {best_of_two} where there is no monetary score",
	 NEED_CUTS},
	{"segment", "(s.scores).segment", "name of the customer's segment, by what happened", NEED_RULES},
	{"lifecycle", "(s.scores).lifecycle", "new, active, slipping, probably lost or lost, by what the model expects"},
	{"churn_prob", "(s.scores).churn_prob", "probability, 0 to 1, that the customer is gone"},
	{"expected_transactions_{days}d", "(s.scores).expected_transactions",
	 "expected number of days with an order in the next {days} days"},
	{"order_prob_{days}d", "(s.scores).order_prob", "probability, 0 to 1, of an order in the next {days} days"},
	{"next_order_on", "(s.scores).next_order_on",
	 "day of the next order, as likely to come before as after it; missing if the customer is probably gone"},
	{"days_overdue", "(s.scores).days_overdue",
	 "days since the next order was to be expected; negative while it is not due"},
	{"expected_transaction_value", "(s.scores).expected_transaction_value", "expected amount of a day with an order"},
	{"clv_{days}d", "(s.scores).clv_estimate", "expected value of the next {days} days, discounted, times margin"},
	{"clv_low", "(s.clv_range).low",
	 "the customer's own value of the next {days} days is likely (nine in ten) not below this", NEED_RANGE},
	{"clv_high", "(s.clv_range).high",
	 "the customer's own value of the next {days} days is likely (nine in ten) not above this", NEED_RANGE},
	{"score_status", "(s.scores).score_status", "ok, one_order, or why a score is missing"},
	{"model", "{model_name}", "name of the model behind the scores"},
	{"fit_status", "{fit_status}",
	 "ok, or what speaks against that model: not_converged, not_identified, few_customers, weak_season; model_of_all "
	 "where a group is too small for a model of its own; NULL: the parameters were given, nothing was fitted"},
	{"as_of", "{as_of}", "the day the scores stand at"},
};

/* Rows with one order_id are one order, of the day of the first. */
static const char lines_template[] = "orders AS {lines_materialized}(\n"
									 "  SELECT {key_columns}, pg_catalog.min({day}) AS ordered_on{sum}\n"
									 "  FROM {relation} AS o\n"
									 "  WHERE {known} AND {day} IS NOT NULL AND o.{order_id} IS NOT NULL{window}\n"
									 "  GROUP BY {input_keys}, o.{order_id}\n"
									 "  UNION ALL\n"
									 "  SELECT {key_columns}, {day}{line_amount}\n"
									 "  FROM {relation} AS o\n"
									 "  WHERE {known} AND {day} IS NOT NULL AND o.{order_id} IS NULL{window}\n"
									 "), ";

/* Whose rows have no day, or no amount, has no history, and no row in the scores: as with stored histories, which may be null. */
#define HAVING_HISTORY "  HAVING @purchase_history({purchase}) IS NOT NULL\n"

static const char from_orders[] =
	"  SELECT {key_columns}{group_hash}, @purchase_history({purchase}) AS history{number}\n"
	"  FROM {relation} AS o\n"
	"  WHERE {known}{window}{part}\n"
	"  GROUP BY {input_keys}\n" HAVING_HISTORY;

static const char from_lines[] = "  SELECT {inner_keys}{group_hash}, @purchase_history({purchase}) AS history{number}\n"
								 "  FROM orders AS o{part_of_lines}\n"
								 "  GROUP BY {inner_keys}\n" HAVING_HISTORY;

static const char from_histories[] = "  SELECT {key_columns}{group_hash}, {history} AS history{number}\n"
									 "  FROM {relation} AS o\n"
									 "  WHERE {known}{window}{group_histories}\n";

/* Stored histories that are used as they are need not be copied to be read several times. */
static const char histories_head[] = "histories AS {materialized} (\n";

/* What numbers customers that come in parts. */
static const char numbered_head[] = "  SELECT p.*, pg_catalog.row_number() OVER () AS customer_number FROM (\n";

/* The fit: of all, of each group, or kept. */
static const char fit_template[] =
	", base AS MATERIALIZED (\n"
	"  SELECT @customer_base(h.history{until}) AS base{season_counts} FROM histories AS h\n"
	"), fit AS MATERIALIZED (\n"
	"  SELECT CASE WHEN @clv_fit_problem(b.base, NULL::pg_catalog.date) IS NULL\n"
	"      THEN @clv_fit(b.base, {fitted_name}, NULL::pg_catalog.date, '7'::pg_catalog.float8,\n"
	"        '0'::pg_catalog.float8, NULL::pg_catalog.text[], {season_of_b}) END AS model,\n"
	"    @observed_until(b.base) AS as_of{fit_warning}\n"
	"  FROM base AS b\n"
	")";

static const char group_fit_template[] =
	", base AS MATERIALIZED (\n"
	"  SELECT {groups_h}, @customer_base(h.history{until}) AS base{season_counts}{first_number}\n"
	"  FROM histories AS h GROUP BY {groups_h}\n"
	"), everyone AS MATERIALIZED (\n"
	"  SELECT @rollup(b.base) AS base{season_counts_of_all} FROM base AS b\n"
	"), fit_of_all AS MATERIALIZED (\n"
	"  SELECT CASE WHEN @clv_fit_problem(e.base, NULL::pg_catalog.date) IS NULL\n"
	"      THEN @clv_fit(e.base, {fitted_name}, NULL::pg_catalog.date, '7'::pg_catalog.float8,\n"
	"        '0'::pg_catalog.float8, NULL::pg_catalog.text[], {season_of_e}) END AS model{fit_warning_of_all}\n"
	"  FROM everyone AS e\n"
	"), sizes AS MATERIALIZED (\n"
	"  SELECT b.*{fit_warning}, @clv_fit_problem(b.base, NULL::pg_catalog.date) IS NOT NULL\n"
	"    OR @customer_count(b.base) OPERATOR(pg_catalog.<) '" CppAsString2(
		CLV_FEW_CUSTOMERS) "'::pg_catalog.int8\n"
						   "    OR @repeat_customer_count(b.base) OPERATOR(pg_catalog.<) '" CppAsString2(
							   CLV_FEW_REPEATERS) "'::pg_catalog.int8 AS too_small\n"
												  "  FROM base AS b\n"
												  "), fit AS MATERIALIZED (\n"
												  "  SELECT {groups_b}, b.too_small AS model_of_all, "
												  "@observed_until(b.base) AS as_of{first_number_out}{group_warning},\n"
												  "    CASE WHEN b.too_small THEN a.model\n"
												  "      ELSE @clv_fit(b.base, {fitted_name}, NULL::pg_catalog.date, "
												  "'7'::pg_catalog.float8,\n"
												  "        '0'::pg_catalog.float8, NULL::pg_catalog.text[], "
												  "{season_of_b}) END AS "
												  "model\n"
												  "  FROM sizes AS b CROSS JOIN fit_of_all AS a\n"
												  ")";

static const char kept_template[] = ", fit AS MATERIALIZED (\n"
									"  SELECT {kept_model} AS model,\n"
									"    {kept_as_of} AS as_of{kept_warning}\n"
									"  FROM histories AS h\n"
									")";

static const char group_kept_template[] =
	", fit AS MATERIALIZED (\n"
	"  SELECT {groups_h}, false AS model_of_all{first_number}, {kept_model} AS model,\n"
	"    {kept_as_of} AS as_of{kept_warning}\n"
	"  FROM histories AS h GROUP BY {groups_h}\n"
	")";

/* The fit that a reference table has, which is read on every shard. */
static const char fit_table_template[] = ", fit AS NOT MATERIALIZED (\n"
										 "  SELECT f.model, f.as_of, f.cuts FROM {fit_table} AS f\n"
										 ")";

/* Cut points on shards: what stands in an aggregate there must not be a subquery. */
static const char fit_cuts_template[] =
	", cuts AS MATERIALIZED (\n"
	"  SELECT @rfm_cuts(@recency_days(h.history, f.as_of), @order_count(h.history),\n"
	"    {monetary_on_shards}) AS cuts\n"
	"  FROM histories AS h CROSS JOIN fit AS f\n"
	")";

/*
 * The customers, each history read once. What is fenced off by OFFSET 0 is computed once for each customer,
 * and not once for each column.
 */
static const char scored_head[] =
	", scored AS (\n"
	"  SELECT {keys_of_h}{number_of_h}{group_fit},\n"
	"    @scored_customer(h.history, {fit_model}, {fit_as_of}, {days}, {discount}, {margin},\n"
	"      NULL::pg_catalog.float8[], {cuts}, {rules}) AS scores";

static const char range_template[] =
	",\n    @clv_prediction_interval(h.history, {fit_model}, '0.9'::pg_catalog.float8, {days}, {discount}, {margin},\n"
	"      {fit_as_of}, NULL::pg_catalog.float8[]) AS clv_range";

static const char scored_tail[] = "\n  FROM histories AS h{join_fit}{join_cuts}\n"
								  "  OFFSET 0\n"
								  ")";

/* The same on shards, where nothing may be fenced off: functions in FROM are computed once for each row. */
static const char scored_head_on_shards[] = ", scored AS NOT MATERIALIZED (\n"
											"  SELECT {keys_of_h}, y AS scores";

static const char range_on_shards[] = ", r AS clv_range";

static const char scored_from_on_shards[] =
	"\n  FROM histories AS h CROSS JOIN fit AS f{join_cuts_on_shards}\n"
	"    CROSS JOIN LATERAL @scored_customer(h.history, f.model, f.as_of, {days}, {discount}, {margin},\n"
	"      NULL::pg_catalog.float8[], {cuts_on_shards}, {rules}) AS y";

static const char range_from_on_shards[] = "\n    CROSS JOIN LATERAL @clv_prediction_interval(h.history, f.model, "
										   "'0.9'::pg_catalog.float8, {days}, {discount}, {margin},\n"
										   "      f.as_of, NULL::pg_catalog.float8[]) AS r";

static const char cuts_template[] = ", cuts AS MATERIALIZED (\n"
									"  SELECT {cuts_group}@rfm_cuts({fit_as_of} OPERATOR(pg_catalog.-) "
									"(h.history_summary).last_order_on, (h.history_summary).order_count,\n"
									"    {monetary_of_h}) AS cuts\n"
									"  FROM (SELECT {cuts_group}@history_summary(h.history, "
									"'5874897-12-31'::pg_catalog.date) AS history_summary\n"
									"    FROM histories AS h OFFSET 0) AS h{join_fit}{group_cuts}\n"
									")";

/* What was fitted, and when, in the row of one customer. */
static const char refresh_expression[] =
	"CASE WHEN {is_first} THEN pg_catalog.jsonb_build_object(\n"
	"    'model'::pg_catalog.text, {model}::pg_catalog.text, 'model_of_all'::pg_catalog.text, {model_of_all},\n"
	"    'as_of'::pg_catalog.text, {as_of}, 'warning'::pg_catalog.text, {warning},\n"
	"    'refreshed_at'::pg_catalog.text, CURRENT_TIMESTAMP) END";

/* The items of a list of keys: format with %1 for the column of the input, %2 for that of the scores, %3 for it within the query. */
static char *
key_items(const ScoresQuery *query, const char *format, const char *separator, bool groups_only)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	foreach (cell, query->keys)
	{
		const ScoresKey *key = lfirst(cell);

		if (groups_only && !key->group)
			continue;
		if (out.len > 0)
			appendStringInfoString(&out, separator);
		for (const char *at = format; *at != '\0'; at++)
			if (at[0] == '%')
			{
				at++;
				appendStringInfoString(&out, *at == '1' ? key->input : *at == '2' ? key->output : key->inner);
			}
			else
				appendStringInfoChar(&out, *at);
	}
	return out.data;
}

char *
scores_key_list(const ScoresQuery *query, const char *alias, bool groups_only)
{
	return key_items(query, psprintf("%s%%2", alias), ", ", groups_only);
}

/* Groups may be NULL, which is a group. */
char *
scores_known(const ScoresQuery *query)
{
	ScoresQuery keys_only = *query;
	ListCell *cell;

	keys_only.keys = NIL;
	foreach (cell, query->keys)
		if (!((const ScoresKey *) lfirst(cell))->group)
			keys_only.keys = lappend(keys_only.keys, lfirst(cell));
	return key_items(&keys_only, "o.%1 IS NOT NULL", " AND ", false);
}

char *
scores_customer(const ScoresQuery *query)
{
	return list_length(query->keys) == 1 ? key_items(query, "o.%1", "", false)
										 : psprintf("ROW(%s)", key_items(query, "o.%1", ", ", false));
}

/*
 * A hash of the group, by which groups are joined. Equal values have equal hashes,
 * whatever they look like; types that cannot be hashed are left to the comparison.
 */
static const char *
group_hash(const ScoresQuery *query, const char *format)
{
	ScoresQuery hashed = *query;
	ListCell *cell;

	if (!query->grouped)
		return "";
	hashed.keys = NIL;
	foreach (cell, query->keys)
		if (((const ScoresKey *) lfirst(cell))->hashed)
			hashed.keys = lappend(hashed.keys, lfirst(cell));

	const char *items = key_items(&hashed, format, ", ", true);

	return items[0] == '\0'
		? ", '0'::pg_catalog.int8 AS group_hash"
		: psprintf(", pg_catalog.hash_record_extended(ROW(%s), '0'::pg_catalog.int8) AS group_hash", items);
}

/* The group, in a list with commas. */
static const char *
group_list(const ScoresQuery *query, const char *alias)
{
	return query->grouped
		? psprintf("%s.group_hash, %s", alias, key_items(query, psprintf("%s.%%3", alias), ", ", true))
		: "";
}

/* Whether two rows are of one group, by the equality of its types: NULL is a group, too. */
static const char *
same_group(const ScoresQuery *query, const char *a, const char *b)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	appendStringInfo(&out, "%s.group_hash OPERATOR(pg_catalog.=) %s.group_hash", a, b);
	foreach (cell, query->keys)
	{
		const ScoresKey *key = lfirst(cell);

		if (key->group)
			appendStringInfo(&out, "\n    AND (%s OR %s.%s IS NULL AND %s.%s IS NULL)",
							 sql_equal(key->type, key->output, psprintf("%s.%s", a, key->inner),
									   psprintf("%s.%s", b, key->inner)),
							 a, key->inner, b, key->inner);
	}
	return out.data;
}

/* What joins rows to the row of their group; what there is one of for all is read by a subquery. */
static const char *
join_text(const ScoresQuery *query, const char *relation, const char *alias, const char *rows)
{
	return query->grouped ? psprintf(" JOIN %s AS %s ON %s", relation, alias, same_group(query, alias, rows)) : "";
}

/* The arguments of purchase_history. */
static const char *
purchase_arguments(const ScoresQuery *query)
{
	const char *time = query->order_id != NULL ? "o.ordered_on" : query->purchase_time;

	if (query->amount == NULL)
		return time;
	return psprintf("%s, %s", time, query->order_id != NULL ? "o.amount" : query->amount);
}

/*
 * The hash by which customers come in parts; NULL: none of what identifies them can be hashed. A group is no part of it: all rows
 * of a customer in a group are in one part then, too.
 */
static const char *
part_hash(const ScoresQuery *query)
{
	StringInfoData hash;
	ListCell *cell;

	initStringInfo(&hash);
	foreach (cell, query->keys)
	{
		const ScoresKey *key = lfirst(cell);

		if (!key->group && key->hashed)
			appendStringInfo(&hash, "%s%s", hash.len > 0 ? " OPERATOR(pg_catalog.#) " : "",
							 sql_hash(key->type, psprintf("o.%s", query->order_id == NULL ? key->input : key->inner)));
	}
	return hash.len > 0 ? hash.data : NULL;
}

/* What makes the condition of a part another condition, or the first; nothing where there is only one part. */
static const char *
part_text(const ScoresQuery *query, const char *before)
{
	return query->workers == 1
		? ""
		: psprintf("\n%s%s.in_part(%s, %d, %d)", before, query->schema, query->part_hash, query->part, query->workers);
}

/* The stored history as it is used. */
static const char *
stored_history(const ScoresQuery *query)
{
	const char *history = query->history;

	if (!query->one_row_each)
		history = psprintf("%s.rollup(%s)", query->schema, history);
	return query->as_of == NULL ? history : psprintf("%s.history_until(%s, %s)", query->schema, history, query->as_of);
}

/* The monetary value of a customer: NULL in a stored history without amounts, and then it counts in no cut points. */
static const char *
monetary(const ScoresQuery *query, const char *spend)
{
	return query->history == NULL && query->amount == NULL ? "'0'::pg_catalog.float8" : spend;
}

/* A column of the fit: of the group's, which stands in this row; or of the only one, which is then read once. */
static const char *
of_fit(const ScoresQuery *query, const char *row, const char *column)
{
	return query->grouped ? psprintf("%s.%s", row, column) : psprintf("(SELECT f.%s FROM fit AS f)", column);
}

/* What a function tells of the model. */
static const char *
told_of_fit(const ScoresQuery *query, const char *function)
{
	return query->grouped ? psprintf("%s.%s(s.model)", query->schema, function)
						  : psprintf("(SELECT %s.%s(f.model) FROM fit AS f)", query->schema, function);
}

/*
 * Whether customers are numbered, to tell the first of all, or of a group. Numbers cost a copy of
 * every row. A key of one column of the server's types tells a customer without them.
 */
static bool
is_numbered(const ScoresQuery *query)
{
	return query->with_refresh &&
		(query->grouped || list_length(query->keys) > 1 ||
		 !sql_is_server_type(((const ScoresKey *) linitial(query->keys))->type));
}

/* Whether a customer is the one in whose row stands what was fitted. */
static const char *
is_first(const ScoresQuery *query)
{
	const ScoresKey *key = linitial(query->keys);

	if (is_numbered(query))
		return psprintf("s.customer_number OPERATOR(pg_catalog.=) %s",
						query->grouped ? "s.first_customer" : "'1'::pg_catalog.int8");
	return sql_equal(key->type, key->output, psprintf("s.%s", key->inner),
					 psprintf("(SELECT h.%s FROM histories AS h LIMIT 1)", key->inner));
}

/* So many days without an order are worth a word, where the model is kept, and there is no base to tell what is usual. */
#define SILENT_DAYS "30"

/* Of a kept model: whether orders have stopped before the day that was asked for. */
static const char *
kept_warning(const ScoresQuery *query)
{
	if (query->as_of == NULL)
		return ", NULL::pg_catalog.text AS warning";
	return psprintf(",\n    CASE WHEN pg_catalog.max(%s) OPERATOR(pg_catalog.-) "
					"pg_catalog.max(%s.last_order_on(h.history))\n"
					"        OPERATOR(pg_catalog.>) '" SILENT_DAYS "'::pg_catalog.int4\n"
					"      THEN 'there is no order in the last " SILENT_DAYS
					" days before as_of. Customers without an order "
					"until then count as lost.'::pg_catalog.text END AS warning",
					query->as_of, query->schema);
}

/* The best code of the scores, with this monetary score. */
static char *
best_code(int levels, int monetary)
{
	RfmCode code = {.levels = levels, .scores = {levels, levels, monetary}};
	char text[RFM_CODE_BYTES];

	return pnstrdup(text, rfm_code_write(&code, text));
}

/* What a season is made of, counted like the base. */
static const char *
season_counts(const ScoresQuery *query)
{
	if (query->season == NULL)
		return "";
	return psprintf(", %s.season(h.history, %s%s) AS season", query->schema, query->season,
					query->as_of == NULL ? "" : psprintf(", %s", query->as_of));
}

/* What is wrong with the days of a base, which its model rests on. */
static const char *
fit_warning(const ScoresQuery *query, const char *base)
{
	if (!query->with_refresh)
		return "";
	return psprintf(",\n    %s.clv_fit_warning(%s.base, NULL::pg_catalog.date, %s) AS warning", query->schema, base,
					query->season == NULL ? psprintf("NULL::%s.season", query->schema) : psprintf("%s.season", base));
}

/* Of a group that has the model of all, also what is wrong with the days of all. */
static const char group_warning[] =
	",\n    CASE WHEN NOT b.too_small OR a.warning IS NULL THEN b.warning\n"
	"      WHEN (a.warning OPERATOR(pg_catalog.=) b.warning) IS NOT FALSE THEN a.warning\n"
	"      ELSE pg_catalog.concat(a.warning, '; '::pg_catalog.text, b.warning) END AS warning";

/* Whether one of the columns that were chosen needs this. Until they are chosen, their names alone are asked for. */
static bool
needs(const ScoresQuery *query, ColumnNeed need)
{
	for (int i = 0; i < lengthof(columns) && query->chosen != NULL; i++)
		if (query->chosen[i] && columns[i].need == need)
			return true;
	return false;
}

static bool
needs_cuts(const ScoresQuery *query)
{
	return needs(query, NEED_CUTS) || needs(query, NEED_RULES);
}

/* Whether the query has cut points of its own. */
static bool
has_cuts(const ScoresQuery *query)
{
	return needs_cuts(query) && query->kept_cuts == NULL;
}

/* The cut points of a customer. */
static const char *
cuts_text(const ScoresQuery *query)
{
	if (!needs_cuts(query))
		return psprintf("NULL::%s.rfm_cuts", query->schema);
	if (query->kept_cuts != NULL)
		return query->kept_cuts;
	return query->grouped ? "k.cuts" : "(SELECT k.cuts FROM cuts AS k)";
}

/* The rules by which there are segments. */
static const char *
rules_text(const ScoresQuery *query)
{
	if (!needs(query, NEED_RULES))
		return psprintf("NULL::%s.segment_rules", query->schema);
	return query->rules != NULL ? query->rules : psprintf("%s.default_segment_rules(%d)", query->schema, query->levels);
}

/* Appends a template of this query's. Parts that are not used in it may be empty. */
static void
append_template(StringInfo out, const char *template, const ScoresQuery *query)
{
	bool histories = query->history != NULL;
	const char *key_columns = key_items(query, "o.%1 AS %3", ", ", false);
	const SqlPart parts[] = {
		{"{relation}", query->relation},
		{"{key_columns}", key_columns},
		{"{input_keys}", key_items(query, "o.%1", ", ", false)},
		{"{inner_keys}", key_items(query, "o.%3", ", ", false)},
		{"{group_hash}", group_hash(query, query->order_id == NULL ? "o.%1" : "o.%3")},
		{"{groups_h}", group_list(query, "h")},
		{"{groups_b}", group_list(query, "b")},
		{"{known}", scores_known(query)},
		{"{purchase}", histories ? "" : purchase_arguments(query)},
		{"{history}", histories ? stored_history(query) : ""},
		{"{group_histories}",
		 histories && !query->one_row_each ? psprintf("\n  GROUP BY %s", key_items(query, "o.%1", ", ", false)) : ""},
		{"{day}", query->time == NULL ? "" : psprintf("%s::pg_catalog.date", query->time)},
		{"{sum}", query->amount == NULL ? "" : psprintf(", pg_catalog.sum(%s) AS amount", query->amount)},
		{"{line_amount}", query->amount == NULL ? "" : psprintf(", %s", query->amount)},
		{"{order_id}", query->order_id == NULL ? "" : query->order_id},
		{"{monetary_of_h}", monetary(query, "(h.history_summary).total_spend")},
		{"{monetary_on_shards}", monetary(query, psprintf("%s.total_spend(h.history)", query->schema))},
		{"{part}", part_text(query, "    AND ")},
		{"{part_of_lines}", part_text(query, "  WHERE ")},
		{"{lines_materialized}", query->workers > 1 ? "NOT MATERIALIZED " : ""},
		{"{materialized}",
		 query->on_shards || (query->one_row_each && query->as_of == NULL) ? "NOT MATERIALIZED" : "MATERIALIZED"},
		{"{window}", query->window},
		{"{until}", query->as_of == NULL ? "" : psprintf(", %s", query->as_of)},
		{"{season_counts}", season_counts(query)},
		{"{season_counts_of_all}",
		 query->season == NULL ? "" : psprintf(", %s.rollup(b.season) AS season", query->schema)},
		{"{season_of_b}", query->season == NULL ? psprintf("NULL::%s.season", query->schema) : "b.season"},
		{"{season_of_e}", query->season == NULL ? psprintf("NULL::%s.season", query->schema) : "e.season"},
		{"{fitted_name}", query->model == NULL ? "" : query->model},
		{"{kept_model}", query->kept_model == NULL ? "" : query->kept_model},
		{"{rules}", rules_text(query)},
		{"{kept_as_of}",
		 query->as_of == NULL ? psprintf("pg_catalog.max(%s.last_order_on(h.history))", query->schema)
							  : psprintf("pg_catalog.max(%s)", query->as_of)},
		{"{fit_model}", of_fit(query, "f", "model")},
		{"{fit_as_of}", of_fit(query, "f", "as_of")},
		{"{model}", of_fit(query, "s", "model")},
		{"{as_of}", of_fit(query, "s", "as_of")},
		{"{model_name}", told_of_fit(query, "model_name")},
		{"{fit_status}",
		 query->grouped ? psprintf("CASE WHEN s.model_of_all THEN 'model_of_all'::pg_catalog.text ELSE %s END",
								   told_of_fit(query, "fit_status"))
						: told_of_fit(query, "fit_status")},
		{"{model_of_all}", query->grouped ? "s.model_of_all" : "false"},
		{"{is_first}", query->with_refresh ? is_first(query) : ""},
		{"{number}",
		 is_numbered(query) && query->workers == 1 ? ", pg_catalog.row_number() OVER () AS customer_number" : ""},
		{"{number_of_h}", is_numbered(query) ? ", h.customer_number" : ""},
		{"{first_number}", query->with_refresh ? ", pg_catalog.min(h.customer_number) AS first_customer" : ""},
		{"{first_number_out}", query->with_refresh ? ", b.first_customer" : ""},
		{"{fit_warning}", fit_warning(query, "b")},
		{"{fit_warning_of_all}", fit_warning(query, "e")},
		{"{group_warning}", query->with_refresh ? group_warning : ""},
		{"{kept_warning}", query->with_refresh ? kept_warning(query) : ""},
		{"{warning}", of_fit(query, "s", "warning")},
		{"{keys_of_h}", key_items(query, "h.%3", ", ", false)},
		{"{group_fit}",
		 !query->grouped           ? ""
			 : query->with_refresh ? ", h.group_hash, f.model, f.as_of, f.model_of_all, f.first_customer, f.warning"
								   : ", h.group_hash, f.model, f.as_of, f.model_of_all"},
		{"{join_fit}", join_text(query, "fit", "f", "h")},
		{"{cuts}", cuts_text(query)},
		{"{join_cuts}", has_cuts(query) ? join_text(query, "cuts", "k", "h") : ""},
		{"{cuts_on_shards}",
		 query->fit_table != NULL ? "f.cuts"
			 : has_cuts(query)    ? "k.cuts"
								  : cuts_text(query)},
		{"{join_cuts_on_shards}", query->fit_table == NULL && has_cuts(query) ? " CROSS JOIN cuts AS k" : ""},
		{"{cuts_group}", query->grouped ? psprintf("%s, ", group_list(query, "h")) : ""},
		{"{group_cuts}", query->grouped ? psprintf(" GROUP BY %s", group_list(query, "h")) : ""},
		{"{days}", query->days},
		{"{levels}", psprintf("%d", query->levels)},
		{"{best}", best_code(query->levels, query->levels)},
		{"{best_of_two}", best_code(query->levels, RFM_NO_SCORE)},
		{"{discount}", query->discount},
		{"{margin}", query->margin},
		{"{fit_table}", query->fit_table == NULL ? "" : query->fit_table},
	};

	sql_append_template(out, template, query->schema, parts, lengthof(parts));
}

/* A template filled into a text of its own. */
static char *
filled(const char *template, const ScoresQuery *query)
{
	StringInfoData out;

	initStringInfo(&out);
	append_template(&out, template, query);
	return out.data;
}

static const char *
fit_text(const ScoresQuery *query)
{
	if (query->fit_table != NULL)
		return fit_table_template;
	if (query->kept_model != NULL)
		return query->grouped ? group_kept_template : kept_template;
	return query->grouped ? group_fit_template : fit_template;
}

static const char *
histories_text(const ScoresQuery *query)
{
	if (query->history != NULL)
		return from_histories;
	return query->order_id == NULL ? from_orders : from_lines;
}

/* The query as far as the histories. */
static void
append_histories(StringInfo out, const ScoresQuery *query)
{
	bool numbered = query->workers > 1 && is_numbered(query);

	appendStringInfoString(out, "WITH ");
	if (query->order_id != NULL)
		append_template(out, lines_template, query);
	append_template(out, histories_head, query);
	append_template(out, numbered ? numbered_head : "", query);
	for (int part = 0; part < query->workers; part++)
	{
		ScoresQuery of_part = *query;

		of_part.part = part;
		appendStringInfoString(out, part == 0 ? "" : "  UNION ALL\n");
		append_template(out, histories_text(query), &of_part);
	}
	appendStringInfoString(out, numbered ? "  ) AS p\n)" : ")");
}

/* The customers with their scores. */
static void
append_scored(StringInfo out, const ScoresQuery *query)
{
	bool range = needs(query, NEED_RANGE);

	if (query->on_shards && !query->grouped)
	{
		append_template(out, scored_head_on_shards, query);
		append_template(out, range ? range_on_shards : "", query);
		append_template(out, scored_from_on_shards, query);
		append_template(out, range ? range_from_on_shards : "", query);
		appendStringInfoString(out, "\n)");
	}
	else
	{
		append_template(out, scored_head, query);
		append_template(out, range ? range_template : "", query);
		append_template(out, scored_tail, query);
	}
}

char *
scores_query_text(const ScoresQuery *asked, bool with_refresh)
{
	ScoresQuery query = *asked;
	StringInfoData out;

	query.with_refresh = with_refresh;
	initStringInfo(&out);
	append_histories(&out, &query);
	append_template(&out, fit_text(&query), &query);
	if (has_cuts(&query))
		append_template(&out, query.on_shards && !query.grouped ? fit_cuts_template : cuts_template, &query);
	append_scored(&out, &query);
	appendStringInfo(&out, "\nSELECT\n  %s", key_items(&query, "s.%3 AS %2", ",\n  ", false));
	for (int i = 0; i < lengthof(columns); i++)
		if (query.chosen[i])
		{
			appendStringInfoString(&out, ",\n  ");
			append_template(&out, columns[i].expression, &query);
			appendStringInfoString(&out, " AS ");
			append_template(&out, columns[i].name, &query);
		}
	if (with_refresh)
	{
		appendStringInfoString(&out, ",\n  ");
		append_template(&out, refresh_expression, &query);
		appendStringInfoString(&out, " AS " SCORES_REFRESH);
	}
	appendStringInfoString(&out, "\nFROM scored AS s");
	return out.data;
}

char *
scores_histories_text(const ScoresQuery *query)
{
	StringInfoData out;

	initStringInfo(&out);
	append_histories(&out, query);
	appendStringInfo(&out, "\nSELECT %s, h.history FROM histories AS h", key_items(query, "h.%3 AS %3", ", ", false));
	return out.data;
}

char *
scores_fit_text(const ScoresQuery *query)
{
	StringInfoData out;

	initStringInfo(&out);
	append_histories(&out, query);
	append_template(&out, fit_text(query), query);
	if (has_cuts(query))
	{
		append_template(&out, fit_cuts_template, query);
		appendStringInfoString(&out, "\nSELECT f.model, f.as_of, c.cuts FROM fit AS f CROSS JOIN cuts AS c");
	}
	else
		appendStringInfo(&out, "\nSELECT f.model, f.as_of, %s AS cuts FROM fit AS f",
						 query->kept_cuts != NULL ? query->kept_cuts : psprintf("NULL::%s.rfm_cuts", query->schema));
	return out.data;
}

ScoresQuery
scores_query_over(const ScoresQuery *query, const char *histories)
{
	ScoresQuery over = *query;
	ListCell *cell;

	over.relation = histories;
	over.workers = 1;
	over.history = psprintf("o.history::%s.purchase_history", query->schema);
	over.one_row_each = true;
	over.time = over.purchase_time = over.amount = over.amount_type = over.order_id = NULL;
	over.window = "";
	over.keys = NIL;
	foreach (cell, query->keys)
	{
		ScoresKey *key = palloc(sizeof(ScoresKey));

		*key = *(const ScoresKey *) lfirst(cell);
		key->input = key->inner;
		over.keys = lappend(over.keys, key);
	}
	return over;
}

#define CUSTOMER_COMMENT "the customer, as in the orders"
#define KEY_COMMENT "part of what identifies the customer"
#define GROUP_COMMENT "the group, as in the input"

/* A column for the list. */
static ScoresColumn *
make_column(const char *name, const char *comment)
{
	ScoresColumn *column = palloc(sizeof(ScoresColumn));

	column->name = name;
	column->comment = comment;
	return column;
}

List *
scores_query_columns(const ScoresQuery *query)
{
	List *list = NIL;
	ListCell *cell;

	foreach (cell, query->keys)
	{
		const ScoresKey *key = lfirst(cell);

		list = lappend(list,
					   make_column(key->output,
								   key->group                                            ? GROUP_COMMENT
									   : list_length(query->keys) == 1 || query->grouped ? CUSTOMER_COMMENT
																						 : KEY_COMMENT));
	}
	for (int i = 0; i < lengthof(columns); i++)
		if (query->chosen[i])
			list = lappend(list, make_column(filled(columns[i].name, query), filled(columns[i].comment, query)));
	return list;
}

/* What the companion says of a fit: expressions over m, with the model and what was kept beside it. */
static const struct
{
	const char *name;
	const char *expression;
	const char *comment;
} model_columns[] = {
	{"model", "m.model", "the fitted, or kept, model; NULL: too few customers for one"},
	{"model_name", "@model_name(m.model)", "name of the timing model"},
	{"log_likelihood", "@log_likelihood(m.model)", "log-likelihood of the timing part"},
	{"converged", "@converged(m.model)", "whether the fit ended at the maximum of the likelihood"},
	{"identified", "(SELECT pg_catalog.bool_and(p.identified) FROM @clv_params(m.model) AS p)",
	 "whether the data determine every parameter"},
	{"customers", "@customer_count(m.model)", "customers that the model was fitted to"},
	{"fit_status", "CASE WHEN m.model_of_all THEN 'model_of_all'::pg_catalog.text ELSE @fit_status(m.model) END",
	 "ok, or what speaks against the model"},
	{"warnings",
	 "(SELECT pg_catalog.string_agg(w.column1, '; '::pg_catalog.text) FROM (VALUES\n"
	 "    (CASE WHEN m.model IS NULL THEN 'there are too few customers for a model: whatever needs one is "
	 "missing'::pg_catalog.text\n"
	 "    WHEN m.model_of_all THEN 'the group is too small for a model of its own: it has that of all "
	 "customers'::pg_catalog.text END),\n"
	 "    (CASE WHEN @fit_status(m.model) OPERATOR(pg_catalog.=) 'not_converged'::pg_catalog.text THEN 'the fit did "
	 "not find "
	 "the maximum of the likelihood: try another model'::pg_catalog.text\n"
	 "    WHEN @fit_status(m.model) OPERATOR(pg_catalog.=) 'not_identified'::pg_catalog.text THEN 'the data do not "
	 "determine all parameters: see clv_params(model)'::pg_catalog.text\n"
	 "    WHEN @fit_status(m.model) OPERATOR(pg_catalog.=) 'few_customers'::pg_catalog.text THEN 'the model rests on "
	 "few customers, or on few who came back'::pg_catalog.text\n"
	 "    WHEN @fit_status(m.model) OPERATOR(pg_catalog.=) 'weak_season'::pg_catalog.text THEN 'the season explains "
	 "less than its factors cost: leave it out, or estimate fewer factors'::pg_catalog.text END),\n"
	 "    (m.warning),\n"
	 "    (CASE WHEN m.as_of OPERATOR(pg_catalog.>) (m.refreshed_at::pg_catalog.date OPERATOR(pg_catalog.+) "
	 "'1'::pg_catalog.int4)\n"
	 "      THEN 'the day that the scores stand at was still to come'::pg_catalog.text END)) AS w)",
	 "what to know of the fit, and of the days it rests on; NULL: nothing"},
	{"as_of", "m.as_of", "the day the scores stand at"},
	{"refreshed_at", "m.refreshed_at", "when the scores were written"},
};

char *
scores_model_query(const char *schema, const char *scores, List *groups)
{
	StringInfoData out;
	StringInfoData names;
	ListCell *cell;

	initStringInfo(&out);
	initStringInfo(&names);
	appendStringInfoString(&out, "SELECT ");
	/* A group may be called like what is looked up. */
	foreach (cell, groups)
	{
		appendStringInfo(&out, "m.group_%d AS %s, ", foreach_current_index(cell) + 1, (const char *) lfirst(cell));
		appendStringInfo(&names, "s.%s AS group_%d, ", (const char *) lfirst(cell), foreach_current_index(cell) + 1);
	}
	for (int i = 0; i < lengthof(model_columns); i++)
	{
		appendStringInfoString(&out, i == 0 ? "" : ",\n  ");
		sql_append_template(&out, model_columns[i].expression, schema, NULL, 0);
		appendStringInfo(&out, " AS %s", model_columns[i].name);
	}
	appendStringInfo(
		&out,
		"\nFROM (SELECT %s"
		"(s." SCORES_REFRESH " OPERATOR(pg_catalog.->>) 'model'::pg_catalog.text)::%s.clv_model AS model,\n"
		"    (s." SCORES_REFRESH
		" OPERATOR(pg_catalog.->>) 'model_of_all'::pg_catalog.text)::pg_catalog.bool AS model_of_all,\n"
		"    (s." SCORES_REFRESH " OPERATOR(pg_catalog.->>) 'as_of'::pg_catalog.text)::pg_catalog.date AS as_of,\n"
		"    s." SCORES_REFRESH " OPERATOR(pg_catalog.->>) 'warning'::pg_catalog.text AS warning,\n"
		"    (s." SCORES_REFRESH
		" OPERATOR(pg_catalog.->>) 'refreshed_at'::pg_catalog.text)::pg_catalog.timestamptz AS refreshed_at\n"
		"  FROM %s AS s WHERE s." SCORES_REFRESH " IS NOT NULL) AS m",
		names.data, schema, scores);
	return out.data;
}

List *
scores_model_columns(void)
{
	List *list = NIL;

	for (int i = 0; i < lengthof(model_columns); i++)
		list = lappend(list, make_column(model_columns[i].name, model_columns[i].comment));
	return list;
}

/* The length of what stands in a comment at the beginning of another text, for a placeholder of length *placeholder; or 0. */
static size_t
filled_length(const char *text, const char *comment, size_t *placeholder)
{
	static const struct
	{
		const char *placeholder;
		const char *characters;
	} kinds[] = {{"{days}", "0123456789"},
				 {"{levels}", "0123456789"},
				 {"{best}", "0123456789A/"},
				 {"{best_of_two}", "0123456789A-/"}};

	for (int i = 0; i < lengthof(kinds); i++)
	{
		*placeholder = strlen(kinds[i].placeholder);
		if (strncmp(comment, kinds[i].placeholder, *placeholder) == 0)
			return strspn(text, kinds[i].characters);
	}
	return 0;
}

/* Whether a text is this comment, for any horizon and any levels, with or without more behind it. */
static bool
is_comment(const char *text, const char *comment, bool may_go_on)
{
	while (*comment != '\0' && *text != '\0')
	{
		size_t placeholder;
		size_t length = filled_length(text, comment, &placeholder);

		if (length > 0)
		{
			comment += placeholder;
			text += length;
		}
		else if (*comment++ != *text++)
			return false;
	}
	return *comment == '\0' && (may_go_on || *text == '\0');
}

bool
scores_own_comment(const char *text)
{
	static const char *const others[] = {
		CUSTOMER_COMMENT, KEY_COMMENT,         GROUP_COMMENT,       SCORES_GROUP_COMMENT,
		SCORES_COMMENT,   SCORES_LAST_COMMENT, SCORES_KEPT_COMMENT, SCORES_EACH_COMMENT,
	};

	for (int i = 0; i < lengthof(columns); i++)
		if (is_comment(text, columns[i].comment, false))
			return true;
	for (int i = 0; i < lengthof(model_columns); i++)
		if (is_comment(text, model_columns[i].comment, false))
			return true;
	for (int i = 0; i < lengthof(others); i++)
		if (is_comment(text, others[i], false))
			return true;
	return is_comment(text, SCORES_REFRESH_COMMENT, true);
}

/* ------------------------------------------------------------- arguments */

/* Raises an error for the first of the arguments that is NULL but must not be. */
static void
check_required(FunctionCallInfo fcinfo, int first)
{
	static const struct
	{
		int argument;
		const char *name;
	} required[] = {
		{SCORES_ORDERS, "orders"},
		{SCORES_CUSTOMER_ID, "customer_id"},
		{SCORES_HORIZON_DAYS, "horizon_days"},
		{SCORES_ANNUAL_DISCOUNT, "annual_discount"},
		{SCORES_MARGIN, "margin"},
		{SCORES_MODEL, "model"},
	};

	for (int i = 0; i < lengthof(required); i++)
		refuse_null(fcinfo, first + required[i].argument, required[i].name, NULL);
}

/* A text that was given where its type was left open; NULL: the argument is of another type. */
static char *
open_text_argument(FunctionCallInfo fcinfo, int argument)
{
	switch (get_fn_expr_argtype(fcinfo->flinfo, argument))
	{
		case UNKNOWNOID:
			return PG_GETARG_CSTRING(argument);
		case NAMEOID:
			return pstrdup(NameStr(*PG_GETARG_NAME(argument)));
		case TEXTOID:
		case VARCHAROID:
			return text_to_cstring(PG_GETARG_TEXT_PP(argument));
		default:
			return NULL;
	}
}

/* A value of a type, from its text. */
static Datum
value_from_text(Oid type, char *text)
{
	Oid input;
	Oid parameter;

	getTypeInputInfo(type, &input, &parameter);
	return OidInputFunctionCall(input, text, parameter, -1);
}

/* The names in an array of texts, or of names. */
static List *
names_of_array(ArrayType *array, const char *name)
{
	Oid type = ARR_ELEMTYPE(array);
	List *names = NIL;
	Datum *values;
	bool *nulls;
	int count;

	if (type == NAMEOID)
		deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &values, &nulls, &count);
	else
		deconstruct_array(array, type, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not have a null in it", name)));
		names = lappend(names,
						type == NAMEOID ? pstrdup(NameStr(*DatumGetName(values[i]))) : TextDatumGetCString(values[i]));
	}
	if (names == NIL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must not be empty", name)));
	return names;
}

/* The names in an argument: one, an array of them, or the text of an array. */
static List *
names_argument(FunctionCallInfo fcinfo, int argument, const char *name)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, argument);

	if (PG_ARGISNULL(argument))
		return NIL;

	char *text = open_text_argument(fcinfo, argument);

	/* What is a name already may look like anything. */
	if (text != NULL)
		return text[0] == '{' && type != NAMEOID
			? names_of_array(DatumGetArrayTypeP(value_from_text(NAMEARRAYOID, text)), name)
			: list_make1(text);
	if (type != NAMEARRAYOID && type != TEXTARRAYOID && type != VARCHARARRAYOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s must be the name of a column, or an array of names, but is of type %s", name,
						format_type_be(type)),
				 errhint("As in %s => 'a', or %s => ARRAY['a', 'b'].", name, name)));
	return names_of_array(PG_GETARG_ARRAYTYPE_P(argument), name);
}

/* The names that the query has for columns of its own, beside those of the scores. */
static const char *const inner_names[] = {
	"history",      "group_hash", "customer_number", "ordered_on", "amount", "base",      "first_customer", "too_small",
	"model_of_all", "cuts",       "warning",         "season",     "scores", "clv_range",
};

/* What a column of the scores is called within the query: the same, unless the query has another column of that name. */
static const char *
inner_name(const char *output, int number)
{
	bool taken = strncmp(output, "key_", strlen("key_")) == 0;

	for (int i = 0; i < lengthof(inner_names); i++)
		taken = taken || strcmp(output, inner_names[i]) == 0;
	return taken ? psprintf("key_%d", number) : quote_identifier(output);
}

/* Adds a column of the input that the scores are kept by. */
static void
add_key(ScoresQuery *query, Oid relation, const char *input, const char *output, bool group)
{
	ScoresKey *key = palloc(sizeof(ScoresKey));
	ListCell *cell;
	Oid compared;

	key->type = sql_column_type(relation, input);
	key->input = quote_identifier(input);
	key->output = quote_identifier(output);
	key->inner = inner_name(output, list_length(query->keys) + 1);
	(void) sql_equality(key->type, input, &compared);
	key->hashed = sql_can_hash(key->type);
	key->group = group;
	if (SystemAttributeByName(output) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("column \"%s\" is called like a column that every table has", output),
				 errhint("Make a view over the orders that gives it another name.")));
	foreach (cell, query->keys)
		if (strcmp(((const ScoresKey *) lfirst(cell))->output, key->output) == 0)
			ereport(ERROR,
					strcmp(((const ScoresKey *) lfirst(cell))->input, key->input) == 0
						? (errcode(ERRCODE_DUPLICATE_COLUMN), errmsg("column \"%s\" is named twice", output))
						: (errcode(ERRCODE_DUPLICATE_COLUMN),
						   errmsg("column \"%s\" of group_by has the name of the customer in scores", output),
						   errhint("Make a view over the orders that gives it another name.")));
	query->keys = lappend(query->keys, key);
}

/* The customer, and the group. */
static void
keys_arguments(FunctionCallInfo fcinfo, int first, ScoresQuery *query)
{
	Oid relation = PG_GETARG_OID(first + SCORES_ORDERS);
	List *keys = names_argument(fcinfo, first + SCORES_CUSTOMER_ID, "customer_id");
	ListCell *cell;

	foreach (cell, keys)
		add_key(query, relation, lfirst(cell), list_length(keys) == 1 ? "customer_id" : lfirst(cell), false);
	foreach (cell, names_argument(fcinfo, first + SCORES_GROUP_BY, "group_by"))
	{
		add_key(query, relation, lfirst(cell), lfirst(cell), true);
		query->grouped = true;
	}
}

/* What a column of type purchase_history, one row for each customer or more, adds to the query. */
static void
histories_arguments(FunctionCallInfo fcinfo, int first, ScoresQuery *query)
{
	static const int not_with_histories[] = {SCORES_AMOUNT, SCORES_ORDER_ID};
	Oid relation = PG_GETARG_OID(first + SCORES_ORDERS);
	Oid schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	const char *column = sql_history_column(relation, schema);
	List *names = names_argument(fcinfo, first + SCORES_CUSTOMER_ID, "customer_id");

	if (column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("ordered_at must not be null"),
				 errdetail("\"%s\" has no column of type purchase_history.", get_rel_name(relation)),
				 errhint("ordered_at is the column with the day or the time of the order.")));
	for (int i = 0; i < lengthof(not_with_histories); i++)
		if (!PG_ARGISNULL(first + not_with_histories[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s is of no use with histories",
							not_with_histories[i] == SCORES_AMOUNT ? "amount" : "order_id"),
					 errhint("Histories have their amounts. Give ordered_at to score orders.")));
	query->history = psprintf("o.%s::%s.purchase_history", quote_identifier(column), query->schema);

	/* In groups, a customer may have a row in each. */
	names = list_concat(names, names_argument(fcinfo, first + SCORES_GROUP_BY, "group_by"));
	query->one_row_each = get_rel_relkind(relation) != RELKIND_VIEW && sql_is_unique_over(relation, names);
}

/* What the log of orders adds to the query. */
static void
orders_arguments(FunctionCallInfo fcinfo, int first, ScoresQuery *query)
{
	Oid relation = PG_GETARG_OID(first + SCORES_ORDERS);
	Oid type;

	query->time = sql_time_column("o", relation, NameStr(*PG_GETARG_NAME(first + SCORES_ORDERED_AT)), &type);
	query->purchase_time = sql_purchase_time(query->time, type);
	if (!PG_ARGISNULL(first + SCORES_ORDER_ID))
		query->order_id = sql_id_column(relation, NameStr(*PG_GETARG_NAME(first + SCORES_ORDER_ID)));
	if (!PG_ARGISNULL(first + SCORES_AMOUNT))
	{
		query->amount = sql_amount_column("o", relation, NameStr(*PG_GETARG_NAME(first + SCORES_AMOUNT)),
										  query->order_id != NULL, &type);
		query->amount_type = sql_type(type);
	}
}

/* The day that a text says as 2026-01-31, and nothing else: no word, and the same for every DateStyle. */
static bool
read_iso_day(const char *text, DateADT *day)
{
	const char *end = text + strlen(text);

	return calendar_read_day(&text, end, 1, day) && text == end;
}

/* The day in an argument, which may also say which day it is to be. */
static void
day_argument(FunctionCallInfo fcinfo, int argument, ScoresQuery *query)
{
	char *text = open_text_argument(fcinfo, argument);
	DateADT day;

	if (text != NULL && pg_strcasecmp(text, "last day observed") == 0)
		return;
	if (text != NULL && pg_strcasecmp(text, "day of the refresh") == 0)
	{
		query->day = SCORES_REFRESH_DAY;
		query->as_of = "CURRENT_DATE";
		return;
	}
	if (text != NULL)
	{
		if (!read_iso_day(text, &day))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("as_of must be a day in ISO form, but is \"%s\"", text),
					 errhint("It is a day such as '2026-01-31', 'last day observed' or 'day of the refresh', which "
							 "moves.")));
	}
	else if (get_fn_expr_argtype(fcinfo->flinfo, argument) == DATEOID)
		day = PG_GETARG_DATEADT(argument);
	else
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("as_of must be a date, or a text, but is of type %s",
						format_type_be(get_fn_expr_argtype(fcinfo->flinfo, argument))),
				 errhint("It is a day, 'last day observed' or 'day of the refresh'.")));
	check_finite_day(day, "as_of", NULL);
	query->day = SCORES_GIVEN_DAY;
	query->as_of = sql_date_literal(day);
}

/* The part of the input until the day that the scores stand at. */
static const char *
window_text(const ScoresQuery *query)
{
	if (query->history != NULL)
		return psprintf(" AND %s.has_purchases_between(%s, '-infinity'::pg_catalog.date, %s)", query->schema,
						query->history,
						query->as_of == NULL ? "'infinity'::pg_catalog.date"
											 : psprintf("%s OPERATOR(pg_catalog.+) 1", query->as_of));
	return query->as_of == NULL
		? ""
		: psprintf(" AND %s::pg_catalog.date OPERATOR(pg_catalog.<=) %s", query->time, query->as_of);
}

/* The scoring query hands no covariates to the scores: a model that needs them could score nobody. */
static void
refuse_covariates(const ClvModel *model)
{
	if (model->n_covariates > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg_plural("the model has %d covariate, and the scoring query has none",
							   "the model has %d covariates, and the scoring query has none", model->n_covariates,
							   model->n_covariates),
				 errhint(
					 "Fit one to customer_base(history), or call the scores with the covariates of each customer.")));
}

static void
refuse_discrete(const Model *timing)
{
	if (timing->discrete)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s counts periods, and the scoring query counts days", timing->name),
				 errhint("There are %s. For %s, fit customer_base(history, 'month').", clv_model_names(true, false),
						 timing->name)));
}

/* The name of a model, or a model that is kept: as a value, or as its text. */
static void
model_argument(FunctionCallInfo fcinfo, int argument, ScoresQuery *query)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, argument);
	Oid model_type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, PointerGetDatum("clv_model"),
									 ObjectIdGetDatum(get_func_namespace(fcinfo->flinfo->fn_oid)));
	char *text = open_text_argument(fcinfo, argument);

	if (type == model_type || (text != NULL && text[0] == '{'))
	{
		Datum model = type == model_type ? PG_GETARG_DATUM(argument) : value_from_text(model_type, text);

		refuse_discrete(clv_model_timing(DatumGetClvModel(model)));
		refuse_covariates(DatumGetClvModel(model));
		query->kept_model = sql_value_literal(model_type, model);
	}
	else if (text != NULL)
	{
		const Model *timing = clv_model_named(text);

		if (timing != NULL)
			refuse_discrete(timing);
		query->model = sql_text_literal(timing == NULL ? "auto" : timing->name);
	}
	else
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("model must be a name or a clv_model, but is of type %s", format_type_be(type))));
}

/* The period of a season that is estimated with the model, the last argument but one of both functions. */
static void
season_argument(FunctionCallInfo fcinfo, int argument, ScoresQuery *query)
{
	if (PG_ARGISNULL(argument))
		return;
	if (query->kept_model != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a model that is kept has its own season, or none"),
				 errhint("Name a model to be fitted with the season: model => 'mbg/nbd', season => 'month'.")));
	query->season = sql_text_literal(
		season_by_names[season_counted_by_named(text_to_cstring(PG_GETARG_TEXT_PP(argument)), "season")]);
}

/* In how many parts histories are built, the last argument of both functions. */
static void
workers_argument(FunctionCallInfo fcinfo, Oid orders, ScoresQuery *query)
{
	refuse_null(fcinfo, PG_NARGS() - 1, "workers", "Leave it out, and it has its default.");
	query->workers =
		int_argument(fcinfo, PG_NARGS() - 1, "workers", 1, MOST_WORKERS,
					 "It is the number of parts that the histories are built in, each by a process of its own.");
	if (query->workers == 1)
		return;
	query->part_hash = part_hash(query);
	if (query->history != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("workers is of no use with histories"),
				 errhint("Histories are built already. Give ordered_at to score orders.")));
	if (citus_column(orders) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("workers is of no use with orders on several servers"),
				 errhint("Each shard of the orders has a process of its own already.")));
	if (query->part_hash == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the customers cannot be told apart by a hash of customer_id, and workers needs one"),
				 errhint("Make a view of the orders that casts it to text.")));
}

/* Cut points and rules that are kept. */
static void
kept_arguments(FunctionCallInfo fcinfo, int first, ScoresQuery *query)
{
	query->levels = RFM_DEFAULT_LEVELS;
	if (!PG_ARGISNULL(first + SCORES_CUTS))
	{
		RfmCuts cuts;

		rfm_cuts_read(&cuts, PG_GETARG_DATUM(first + SCORES_CUTS));
		query->levels = cuts.levels;
		query->kept_cuts = sql_value_literal(get_fn_expr_argtype(fcinfo->flinfo, first + SCORES_CUTS),
											 PG_GETARG_DATUM(first + SCORES_CUTS));
	}
	if (!PG_ARGISNULL(first + SCORES_RULES))
		query->rules = sql_value_literal(get_fn_expr_argtype(fcinfo->flinfo, first + SCORES_RULES),
										 PG_GETARG_DATUM(first + SCORES_RULES));
}

/* A column of the scores by its name; * are all that do not cost much. */
static void
choose_column(const char *name, const ScoresQuery *query, bool *chosen)
{
	List *names = NIL;
	bool found = false;

	for (int i = 0; i < lengthof(columns); i++)
	{
		char *column = filled(columns[i].name, query);
		bool this_one = strcmp(name, "*") == 0 ? columns[i].need != NEED_RANGE : strcmp(name, column) == 0;

		chosen[i] = chosen[i] || this_one;
		found = found || this_one;
		names = lappend(names, column);
	}

	ListCell *cell;

	foreach (cell, query->keys)
		if (strcmp(quote_identifier(name), ((const ScoresKey *) lfirst(cell))->output) == 0)
			found = true; /* is there anyway */
	if (!found)
	{
		const char *similar = sql_similar_name(name, names);

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("the scores have no column \"%s\"", name),
				 similar != NULL
					 ? errhint("Did you mean \"%s\"?", similar)
					 : errhint("doc/columns.md lists all columns; * are those that are there by default.")));
	}
}

static void
columns_argument(FunctionCallInfo fcinfo, int argument, ScoresQuery *query)
{
	bool *chosen = palloc0_array(bool, lengthof(columns));
	List *names = PG_ARGISNULL(argument) ? list_make1("*") : names_argument(fcinfo, argument, "columns");
	ListCell *cell;

	foreach (cell, names)
		choose_column(lfirst(cell), query, chosen);
	query->all_chosen = true;
	for (int i = 0; i < lengthof(columns); i++)
		query->all_chosen = query->all_chosen && (chosen[i] || columns[i].need == NEED_RANGE);
	query->chosen = chosen;

	/* Keys that are called like a column of the scores would be there twice. */
	foreach (cell, query->keys)
	{
		const ScoresKey *key = lfirst(cell);
		bool twice = strcmp(key->output, SCORES_REFRESH) == 0;

		for (int i = 0; i < lengthof(columns); i++)
			twice = twice || strcmp(key->output, filled(columns[i].name, query)) == 0;
		for (int i = 0; i < lengthof(model_columns); i++)
			twice = twice || (key->group && strcmp(key->output, model_columns[i].name) == 0);
		if (twice)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN), errmsg("the scores have a column %s of their own", key->output),
					 errhint("Make a view over the orders that gives it another name.")));
	}
}

ScoresQuery
scores_query_arguments(FunctionCallInfo fcinfo, int first)
{
	ScoresQuery query = {0};

	check_required(fcinfo, first);
	query.schema = sql_extension_schema(fcinfo);
	query.relation = sql_relation(PG_GETARG_OID(first + SCORES_ORDERS));
	keys_arguments(fcinfo, first, &query);
	if (PG_ARGISNULL(first + SCORES_ORDERED_AT))
		histories_arguments(fcinfo, first, &query);
	else
		orders_arguments(fcinfo, first, &query);
	query.days = psprintf("%d", (int) horizon_argument(fcinfo, first + SCORES_HORIZON_DAYS));
	query.discount = sql_float8_literal(discount_argument(fcinfo, first + SCORES_ANNUAL_DISCOUNT));
	query.margin = sql_float8_literal(margin_argument(fcinfo, first + SCORES_MARGIN));
	model_argument(fcinfo, first + SCORES_MODEL, &query);
	season_argument(fcinfo, PG_NARGS() - 2, &query);
	workers_argument(fcinfo, PG_GETARG_OID(first + SCORES_ORDERS), &query);
	if (!PG_ARGISNULL(first + SCORES_AS_OF))
		day_argument(fcinfo, first + SCORES_AS_OF, &query);
	query.window = window_text(&query);
	kept_arguments(fcinfo, first, &query);
	columns_argument(fcinfo, first + SCORES_COLUMNS, &query);
	return query;
}

/* customer_scores_query(orders, customer_id, ordered_at, amount, …) → text: the query, not run */
PG_FUNCTION_INFO_V1(customer_scores_query);
Datum
customer_scores_query(PG_FUNCTION_ARGS)
{
	ScoresQuery query = scores_query_arguments(fcinfo, 0);

	query.on_shards = citus_column(PG_GETARG_OID(0)) != NULL;
	PG_RETURN_TEXT_P(cstring_to_text(scores_query_text(&query, false)));
}
