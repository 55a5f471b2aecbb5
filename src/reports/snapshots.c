/*
 * snapshots.c
 *	  Scores as they were: who changed, when, from what, and what it cost.
 *
 * create_snapshots makes, for a relation of scores,
 *
 *	  name_current		a row for each customer: where they stand, and all they changed
 *	  name_states		the segments and lifecycles that there were, by the number kept of them
 *	  name_moves		moves between segments by day, with the value lost
 *	  name_days			the days on which snapshots were taken
 *	  name_source		a view of what is looked at
 *	  name				a view of what changed, a row for each customer and day with a change
 *	  name_customers	a view of where customers stand, and where they stood before
 *
 * take_snapshot adds to the row of who is new, gone, in another segment or lifecycle,
 * or whose value has doubled or halved since their last change; nobody else costs any
 * space. A change is an element of three arrays, 16 bytes: a row of its own would cost ten
 * times as much, most of it in headers, in the index and in repeating what was before.
 * That is why the last snapshot can be taken back, and taken again. Everything runs with
 * the caller's rights, as closed SQL (see support/sql_text.h).
 */
#include "compat.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "reports/scores_day.h"
#include "reports/snapshots.h"
#include "segments/segments.h"
#include "support/args.h"
#include "support/sql_text.h"

/* The longest of what is put behind the name. */
#define LONGEST_SUFFIX ((int) strlen("_customers"))

#define SOURCE_COMMENT "what snapshots look at"

static const char *const source_templates[] = {
	"CREATE VIEW {source} AS SELECT {customer} AS customer_id, {segment} AS segment,\n"
	"  {lifecycle} AS lifecycle, {clv} AS clv, CASE WHEN pg_catalog.isfinite({as_of}) THEN {as_of} END AS as_of,\n"
	"  {out_of_range} AS clv_out_of_range, (pg_catalog.isfinite({as_of})) IS FALSE AS as_of_out_of_range\n"
	"FROM {scores} AS s",
	"COMMENT ON VIEW {source} IS '" SOURCE_COMMENT "'",
	"COMMENT ON COLUMN {source}.clv IS 'expected value; NULL where the scores say NaN, or more than " SQL_LARGEST_NUMBER
	"'",
	NULL,
};

/* Whether two texts differ, NULL being a text of its own. */
#define DIFFER(a, b) "((" a " OPERATOR(pg_catalog.=) " b ") IS NOT TRUE AND (" a " IS NOT NULL OR " b " IS NOT NULL))"

/* Whether a change of a customer is one of segment, of lifecycle. */
#define SEGMENT_BEGINS DIFFER("b.segment", "b.segment_before")
#define LIFECYCLE_BEGINS DIFFER("b.lifecycle", "b.lifecycle_before")
#define IS_PAST "k.no OPERATOR(pg_catalog.<=) k.earlier"

/*
 * All changes of customers, numbered: of each the state, its value, since when segment and
 * lifecycle are what they are, and the state in which they were something else. Between both
 * parts may stand a condition on the customers c.
 */
#define CHANGES_OF_CUSTOMERS \
	"(SELECT r.customer_id, r.no, r.changed_on, r.state, r.segment, r.lifecycle, r.clv, r.clv_before,\n" \
	"    r.changed_before, r.earlier, pg_catalog.first_value(r.changed_on) OVER s AS segment_changed_on,\n" \
	"    pg_catalog.first_value(r.state_before) OVER s AS previous_segment,\n" \
	"    pg_catalog.first_value(r.changed_on) OVER l AS lifecycle_changed_on,\n" \
	"    pg_catalog.first_value(r.state_before) OVER l AS previous_lifecycle\n" \
	"  FROM (SELECT b.*, pg_catalog.count(*) FILTER (WHERE " SEGMENT_BEGINS ") OVER o AS segments,\n" \
	"      pg_catalog.count(*) FILTER (WHERE " LIFECYCLE_BEGINS ") OVER o AS lifecycles\n" \
	"    FROM (SELECT c.customer_id, c.earlier, c.no, c.changed_on, c.state, t.segment, t.lifecycle, c.clv,\n" \
	"        pg_catalog.lag(c.clv) OVER o AS clv_before, pg_catalog.lag(c.changed_on) OVER o AS changed_before,\n" \
	"        pg_catalog.lag(c.state) OVER o AS state_before, pg_catalog.lag(t.segment) OVER o AS segment_before,\n" \
	"        pg_catalog.lag(t.lifecycle) OVER o AS lifecycle_before\n" \
	"      FROM (SELECT k.customer_id, k.changed_on AS last_changed_on, k.earlier, k.no, k.day AS changed_on,\n" \
	"          CASE WHEN " IS_PAST " THEN k.past_states[k.no] ELSE k.state END AS state,\n" \
	"          CASE WHEN " IS_PAST " THEN k.past_clv[k.no] ELSE k.clv END AS clv\n" \
	"        FROM (SELECT p.customer_id, p.changed_on, p.state, p.clv, p.past_states, p.past_clv, e.e AS day,\n" \
	"            e.ordinality::pg_catalog.int4 AS no,\n" \
	"            COALESCE(pg_catalog.cardinality(p.past_days), '0'::pg_catalog.int4) AS earlier\n" \
	"          FROM {current} AS p CROSS JOIN LATERAL\n" \
	"            pg_catalog.unnest(pg_catalog.array_append(p.past_days, p.changed_on)) WITH ORDINALITY AS e) AS k) " \
	"AS c\n" \
	"        LEFT JOIN {states} AS t ON t.code OPERATOR(pg_catalog.=) c.state\n"
#define IN_THEIR_ORDER \
	"      WINDOW o AS (PARTITION BY c.customer_id ORDER BY c.no)) AS b\n" \
	"    WINDOW o AS (PARTITION BY b.customer_id ORDER BY b.no)) AS r\n" \
	"  WINDOW s AS (PARTITION BY r.customer_id, r.segments ORDER BY r.no),\n" \
	"    l AS (PARTITION BY r.customer_id, r.lifecycles ORDER BY r.no))"

/* The state with the segment before, and that with the lifecycle before, of h. */
#define STATES_BEFORE \
	"LEFT JOIN {states} AS ps ON ps.code OPERATOR(pg_catalog.=) h.previous_segment\n" \
	"  LEFT JOIN {states} AS pl ON pl.code OPERATOR(pg_catalog.=) h.previous_lifecycle"

static const char *const create_templates[] = {
	"CREATE TABLE {states} (code pg_catalog.int4 PRIMARY KEY, segment pg_catalog.text NOT NULL,\n"
	"  lifecycle pg_catalog.text)",
	"COMMENT ON TABLE {states} IS 'segments and lifecycles in which customers were, by the number that is kept'",

	"CREATE TABLE {current} (customer_id {type} PRIMARY KEY, changed_on pg_catalog.date NOT NULL,\n"
	"  state pg_catalog.int4, clv pg_catalog.float8,\n"
	"  segment_changed_on pg_catalog.date NOT NULL, previous_segment pg_catalog.int4,\n"
	"  lifecycle_changed_on pg_catalog.date NOT NULL, previous_lifecycle pg_catalog.int4,\n"
	"  past_days pg_catalog.date[], past_states pg_catalog.int4[], past_clv pg_catalog.float8[])",
	"COMMENT ON TABLE {current} IS 'a row for each customer: where they stand, and what they changed before'",
	"COMMENT ON COLUMN {current}.changed_on IS 'day of the snapshot that first showed this'",
	"COMMENT ON COLUMN {current}.state IS 'number of segment and lifecycle; NULL: not among the scores any more'",
	"COMMENT ON COLUMN {current}.previous_segment IS 'number of the state with the segment before'",
	"COMMENT ON COLUMN {current}.previous_lifecycle IS 'number of the state with the lifecycle before'",
	"COMMENT ON COLUMN {current}.past_days IS 'days of the changes before; beside them states and values'",

	"CREATE TABLE {moves} (changed_on pg_catalog.date NOT NULL, from_segment pg_catalog.text,\n"
	"  to_segment pg_catalog.text, customers pg_catalog.int8 NOT NULL, clv_before pg_catalog.float8,\n"
	"  clv_after pg_catalog.float8, value_lost pg_catalog.float8, without_value pg_catalog.int8 NOT NULL)",
	"CREATE INDEX ON {moves} (changed_on)",
	/* Of a table that is published, rows without one could not be deleted, and no snapshot be taken again. */
	"ALTER TABLE {moves} REPLICA IDENTITY FULL",
	"COMMENT ON TABLE {moves} IS 'moves between segments by day, with the value before and after; from NULL: they were "
	"gone and come back, to NULL: they are gone; who is there for the first time has not moved'",
	"COMMENT ON COLUMN {moves}.value_lost IS 'value before less value after, of the customers who have both: who is "
	"gone has 0; NULL: nobody has'",
	"COMMENT ON COLUMN {moves}.without_value IS 'customers whose value before or after is not known'",

	"CREATE TABLE {days} (as_of pg_catalog.date PRIMARY KEY, customers pg_catalog.int8 NOT NULL, changes "
	"pg_catalog.int8 NOT NULL,\n"
	"  fingerprint pg_catalog.int8)",
	"COMMENT ON COLUMN {days}.fingerprint IS 'of all scores: where it is that of the day before, nothing has changed'",
	"COMMENT ON TABLE {days} IS 'the snapshots taken: day, customers among the scores, and changes that were written'",

	"CREATE VIEW {changes} AS SELECT h.customer_id, h.changed_on, h.state IS NOT NULL AS present, h.segment,\n"
	"  h.lifecycle, h.clv, h.segment_changed_on, ps.segment AS previous_segment,\n"
	"  h.lifecycle_changed_on, pl.lifecycle AS previous_lifecycle, h.clv_before AS previous_clv,\n"
	"  h.changed_before AS previous_changed_on\n"
	"FROM " CHANGES_OF_CUSTOMERS IN_THEIR_ORDER " AS h\n  " STATES_BEFORE,
	"COMMENT ON VIEW {changes} IS 'what changed of customers between snapshots: a row for each customer and day with "
	"a change'",
	"COMMENT ON COLUMN {changes}.changed_on IS 'day of the snapshot that first showed this'",
	"COMMENT ON COLUMN {changes}.present IS 'false: the customer is not among the scores any more'",
	"COMMENT ON COLUMN {changes}.clv IS 'expected value on that day; kept again when it has doubled or halved'",
	"COMMENT ON COLUMN {changes}.previous_clv IS 'expected value in the row before'",
	"COMMENT ON COLUMN {changes}.previous_changed_on IS 'day of the row before; NULL: the first'",

	"CREATE VIEW {customers} AS SELECT h.customer_id, t.segment, h.segment_changed_on,\n"
	"  ps.segment AS previous_segment, t.lifecycle, h.lifecycle_changed_on, pl.lifecycle AS previous_lifecycle,\n"
	"  h.clv, h.changed_on\n"
	"FROM {current} AS h JOIN {states} AS t ON t.code OPERATOR(pg_catalog.=) h.state\n  " STATES_BEFORE,
	"COMMENT ON VIEW {customers} IS 'where customers stand since when, and where they stood before'",
	NULL,
};

/* What cannot be told from what segment_transitions says of itself, or is refused by it. */
#define SEGMENT_IS "s.segment OPERATOR(pg_catalog.=) '"
#define AS_TEXT "'::pg_catalog.text"
#define MOST_SEGMENT_BYTES CppAsString2(SEGMENT_MAX_NAME_BYTES)
#define BAD_SEGMENT \
	"(" SEGMENT_IS AS_TEXT " OR " SEGMENT_IS SEGMENT_NEW AS_TEXT " OR " SEGMENT_IS SEGMENT_GONE AS_TEXT "\n" \
	"    OR pg_catalog.octet_length(s.segment) OPERATOR(pg_catalog.>) '" MOST_SEGMENT_BYTES "'::pg_catalog.int4)"

/* Takes the last snapshot back: what it changed is as it was before. */
static const char *const undo_templates[] = {
	"DELETE FROM {current} AS c WHERE c.changed_on OPERATOR(pg_catalog.=) {day} AND c.past_days IS NULL",
	"UPDATE {current} AS p SET (changed_on, state, clv, segment_changed_on, previous_segment, lifecycle_changed_on,\n"
	"    previous_lifecycle, past_days, past_states, past_clv) = ROW(\n"
	"  h.changed_on, h.state, h.clv, h.segment_changed_on, h.previous_segment, h.lifecycle_changed_on,\n"
	"  h.previous_lifecycle, CASE WHEN h.has_past THEN p.past_days[:h.until] END,\n"
	"  CASE WHEN h.has_past THEN p.past_states[:h.until] END, CASE WHEN h.has_past THEN p.past_clv[:h.until] END)\n"
	"FROM (SELECT a.*, a.no OPERATOR(pg_catalog.-) '1'::pg_catalog.int4 AS until,\n"
	"    a.no OPERATOR(pg_catalog.>) '1'::pg_catalog.int4 AS has_past\n"
	"  FROM " CHANGES_OF_CUSTOMERS "        WHERE c.last_changed_on OPERATOR(pg_catalog.=) {day}\n" IN_THEIR_ORDER
	" AS a\n"
	"  WHERE a.no OPERATOR(pg_catalog.=) a.earlier) AS h\n"
	"WHERE {same_change}",
	"DELETE FROM {moves} AS m WHERE m.changed_on OPERATOR(pg_catalog.=) {day}",
	"DELETE FROM {days} AS d WHERE d.as_of OPERATOR(pg_catalog.=) {day}",
	NULL,
};

/*
 * A value that has doubled or halved, by more than a hundredth of the mean: those of
 * lost customers fade for ever, and nobody wants to know.
 */
#define LITTLE 0.01
#define VALUE_MOVED \
	"((s.clv IS NULL) OPERATOR(pg_catalog.<>) (c.clv IS NULL) OR\n" \
	"      pg_catalog.abs(s.clv OPERATOR(pg_catalog.-) c.clv) OPERATOR(pg_catalog.>) GREATEST({little},\n" \
	"        GREATEST(pg_catalog.abs(s.clv), pg_catalog.abs(c.clv)) OPERATOR(pg_catalog./) '2'::pg_catalog.float8))"

/* Whether the customer c is in another segment, or lifecycle, by the scores s. */
#define SEGMENT_MOVED DIFFER("s.segment", "c.segment")
#define LIFECYCLE_MOVED DIFFER("s.lifecycle", "c.lifecycle")

/* Gives the number of changes. States that there were none of are numbered, in their order. */
static const char change_template[] =
	"WITH changed AS MATERIALIZED (\n"
	"  SELECT COALESCE(s.customer_id, c.customer_id) AS customer_id, c.customer_id IS NULL AS is_new,\n"
	"    s.segment, s.lifecycle, s.clv, c.segment AS segment_before, c.clv AS clv_before,\n"
	"    " SEGMENT_MOVED " AS segment_moved,\n"
	"    " LIFECYCLE_MOVED " AS lifecycle_moved\n"
	"  FROM (SELECT r.* FROM {source} AS r WHERE r.customer_id IS NOT NULL) AS s\n"
	"    FULL JOIN (SELECT k.customer_id, k.state, k.clv, t.segment, t.lifecycle\n"
	"      FROM {current} AS k LEFT JOIN {states} AS t ON t.code OPERATOR(pg_catalog.=) k.state) AS c\n"
	"    ON {same_customer}\n"
	"  WHERE c.customer_id IS NULL OR (s.customer_id IS NOT NULL) OPERATOR(pg_catalog.<>) (c.state IS NOT NULL) OR\n"
	"    s.customer_id IS NOT NULL AND (" SEGMENT_MOVED " OR\n"
	"      " LIFECYCLE_MOVED " OR\n"
	"      " VALUE_MOVED ")\n"
	"), fresh AS (\n"
	"  INSERT INTO {states} (code, segment, lifecycle)\n"
	"  SELECT (m.code OPERATOR(pg_catalog.+) pg_catalog.row_number() OVER (ORDER BY n.segment, n.lifecycle))\n"
	"    ::pg_catalog.int4, n.segment, n.lifecycle\n"
	"  FROM (SELECT c.segment, c.lifecycle FROM changed AS c WHERE c.segment IS NOT NULL\n"
	"      EXCEPT SELECT t.segment, t.lifecycle FROM {states} AS t) AS n,\n"
	"    (SELECT COALESCE(pg_catalog.max(t.code), '0'::pg_catalog.int4) AS code FROM {states} AS t) AS m\n"
	"  RETURNING code, segment, lifecycle\n"
	"), numbered AS MATERIALIZED (\n"
	"  SELECT n.*, t.code AS state FROM changed AS n\n"
	"    LEFT JOIN (SELECT k.code, k.segment, k.lifecycle FROM {states} AS k\n"
	"      UNION ALL SELECT f.code, f.segment, f.lifecycle FROM fresh AS f) AS t\n"
	"    ON t.segment OPERATOR(pg_catalog.=) n.segment\n"
	"      AND COALESCE(t.lifecycle, '') OPERATOR(pg_catalog.=) COALESCE(n.lifecycle, '')\n"
	"      AND (t.lifecycle IS NULL) OPERATOR(pg_catalog.=) (n.lifecycle IS NULL)\n"
	"), updated AS (\n"
	"  UPDATE {current} AS p SET (past_days, past_states, past_clv, changed_on, state, clv, segment_changed_on,\n"
	"    previous_segment, lifecycle_changed_on, previous_lifecycle) = ROW(\n"
	"      pg_catalog.array_append(p.past_days, p.changed_on), pg_catalog.array_append(p.past_states, p.state),\n"
	"      pg_catalog.array_append(p.past_clv, p.clv), {day}, h.state, h.clv,\n"
	"      CASE WHEN h.segment_moved THEN {day} ELSE p.segment_changed_on END,\n"
	"      CASE WHEN h.segment_moved THEN p.state ELSE p.previous_segment END,\n"
	"      CASE WHEN h.lifecycle_moved THEN {day} ELSE p.lifecycle_changed_on END,\n"
	"      CASE WHEN h.lifecycle_moved THEN p.state ELSE p.previous_lifecycle END)\n"
	"  FROM numbered AS h WHERE NOT h.is_new AND {same_change}\n"
	"), added AS (\n"
	"  INSERT INTO {current} (customer_id, changed_on, state, clv, segment_changed_on, lifecycle_changed_on)\n"
	"  SELECT n.customer_id, {day}, n.state, n.clv, {day}, {day} FROM numbered AS n WHERE n.is_new\n"
	"), moved AS (\n"
	"  INSERT INTO {moves} (changed_on, from_segment, to_segment, customers, clv_before, clv_after, value_lost,\n"
	"    without_value)\n"
	"  SELECT {day}, m.segment_before, m.segment, pg_catalog.count(*), pg_catalog.sum(m.before),\n"
	"    pg_catalog.sum(m.after), pg_catalog.sum(m.before OPERATOR(pg_catalog.-) m.after),\n"
	"    pg_catalog.count(*) FILTER (WHERE m.before IS NULL OR m.after IS NULL)\n"
	"  FROM (SELECT n.segment_before, n.segment,\n"
	"      CASE WHEN n.segment_before IS NULL THEN '0'::pg_catalog.float8 ELSE n.clv_before END AS before,\n"
	"      CASE WHEN n.segment IS NULL THEN '0'::pg_catalog.float8 ELSE n.clv END AS after\n"
	"    FROM changed AS n WHERE n.segment_moved AND NOT n.is_new) AS m\n"
	"  GROUP BY m.segment_before, m.segment\n"
	")\n"
	"SELECT pg_catalog.count(*) FROM changed";

/* What is to be known of the scores beforehand, in one pass. */
static const char totals_template[] =
	"SELECT pg_catalog.count(s.customer_id), pg_catalog.max(s.as_of),\n"
	"  COALESCE(pg_catalog.abs(pg_catalog.avg(s.clv) FILTER (WHERE s.customer_id IS NOT NULL)), "
	"'0'::pg_catalog.float8),\n"
	"  pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW(s.customer_id, s.segment, s.lifecycle, s.clv), "
	"'0'::pg_catalog.int8))\n"
	"    FILTER (WHERE s.customer_id IS NOT NULL),\n"
	"  pg_catalog.count(*) FILTER (WHERE s.clv_out_of_range AND s.customer_id IS NOT NULL),\n"
	"  pg_catalog.min(pg_catalog.concat(s.customer_id)) FILTER (WHERE s.clv_out_of_range AND s.customer_id IS NOT "
	"NULL),\n"
	"  pg_catalog.count(*) FILTER (WHERE s.as_of_out_of_range),\n"
	"  pg_catalog.count(*) FILTER (WHERE s.customer_id IS NULL), pg_catalog.min(s.as_of),\n"
	"  pg_catalog.min(s.segment) FILTER (WHERE " BAD_SEGMENT " AND s.customer_id IS NOT NULL)\n"
	"FROM {source} AS s";

/*
 * How many scores the last snapshot saw, and their fingerprint: rows that are there twice
 * cancel each other in the fingerprint, but not in the count.
 */
static const char last_template[] =
	"SELECT (SELECT d.fingerprint FROM {days} AS d\n"
	"  WHERE d.as_of OPERATOR(pg_catalog.=) (SELECT pg_catalog.max(l.as_of) FROM {days} AS l)\n"
	"    AND d.customers OPERATOR(pg_catalog.=) {count}::pg_catalog.int8)";

/* A customer with several rows: which of them counts would be chance. */
static const char twice_template[] =
	"SELECT (SELECT pg_catalog.concat(s.customer_id) FROM {source} AS s WHERE s.customer_id IS NOT NULL\n"
	"  GROUP BY s.customer_id HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) '1'::pg_catalog.int8\n"
	"  ORDER BY s.customer_id LIMIT 1)";

static const char days_template[] =
	"INSERT INTO {days} (as_of, customers, changes, fingerprint)\n"
	"VALUES ({day}, {count}::pg_catalog.int8, {written}::pg_catalog.int8, {fingerprint}::pg_catalog.int8)";

/* The state of the customer c on a day is the last that began until then. */
#define STATE_ON(day) \
	"CASE WHEN c.changed_on OPERATOR(pg_catalog.<=) " day " THEN c.state\n" \
	"    ELSE c.past_states[pg_catalog.width_bucket(" day ", c.past_days)] END"

static const char transitions_template[] =
	"SELECT @segment_transitions(a.segment, b.segment) FROM {current} AS c\n"
	"  LEFT JOIN {states} AS a ON a.code OPERATOR(pg_catalog.=) " STATE_ON(
		"{since}") "\n"
				   "  LEFT JOIN {states} AS b ON b.code OPERATOR(pg_catalog.=) " STATE_ON(
					   "{until}") "\n"
								  "WHERE COALESCE(c.past_days[1], c.changed_on) OPERATOR(pg_catalog.<=) {until}";

/* From so many days without a snapshot on it is worth a word. */
#define UNSEEN_DAYS 7

/* The names of all that belongs together, and the parts of the templates that they are. */
#define MAX_PARTS 20

typedef struct Snapshots
{
	SqlPart parts[MAX_PARTS];
	int n_parts;
	bool read_only; /* values are those that the caller's query sees */
} Snapshots;

static void
add_part(Snapshots *snapshots, const char *name, const char *text)
{
	Assert(snapshots->n_parts < MAX_PARTS);
	snapshots->parts[snapshots->n_parts++] = (SqlPart){name, text};
}

static void
add_names(Snapshots *snapshots, const char *schema, const char *name)
{
	static const char *const suffixes[] = {"source", "current", "states", "moves", "days", "customers"};

	if ((int) strlen(name) > NAMEDATALEN - 1 - LONGEST_SUFFIX)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG), errmsg("the name \"%s\" is too long for snapshots", name),
				 errhint("It may have %d bytes.", NAMEDATALEN - 1 - LONGEST_SUFFIX)));
	add_part(snapshots, "{changes}", quote_qualified_identifier(schema, name));
	for (int i = 0; i < lengthof(suffixes); i++)
		add_part(snapshots, psprintf("{%s}", suffixes[i]),
				 quote_qualified_identifier(schema, psprintf("%s_%s", name, suffixes[i])));
}

static const char *
same_customer(Oid type, const char *a, const char *b)
{
	return sql_equal(type, "customer_id", psprintf("%s.customer_id", a), psprintf("%s.customer_id", b));
}

static char *
statement_of(const char *template, const char *schema, const Snapshots *snapshots)
{
	StringInfoData statement;

	initStringInfo(&statement);
	sql_append_template(&statement, template, schema, snapshots->parts, snapshots->n_parts);
	return statement.data;
}

/* Runs a statement; the number of rows it touched. */
static int64
run(const char *template, const Snapshots *snapshots)
{
	return (int64) sql_run(statement_of(template, "", snapshots));
}

static void
run_all(const char *const *templates, const Snapshots *snapshots)
{
	for (int i = 0; templates[i] != NULL; i++)
		(void) run(templates[i], snapshots);
}

/* The only value of a query, or NULL. */
static Datum
query_value(const char *template, const char *schema, const Snapshots *snapshots, bool *isnull)
{
	int level = sql_settings();

	if (SPI_execute(statement_of(template, schema, snapshots), snapshots->read_only, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not run \"%s\"", template);
	AtEOXact_GUC(true, level);
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
}

/* ---------------------------------------------------------------- create_snapshots */

const char *
snapshots_value(Oid scores)
{
	char *name;

	/* past the last column there is no name; that of a dropped one matches nothing */
	for (AttrNumber number = 1; (name = get_attname(scores, number, true)) != NULL; number++)
	{
		int digits = strncmp(name, "clv_", 4) != 0 ? 0 : (int) strspn(name + 4, "0123456789");

		if (digits > 0 && strcmp(name + 4 + digits, "d") == 0)
			return name;
	}
	return get_attnum(scores, "clv") == InvalidAttrNumber ? NULL : "clv";
}

static bool
has_column(Oid scores, const char *name)
{
	return name != NULL && get_attnum(scores, name) != InvalidAttrNumber;
}

const char *const snapshots_others[SNAPSHOTS_OTHERS] = {"lifecycle", "as_of"};

int
snapshots_has_others(Oid scores)
{
	int others = 0;

	for (int i = 0; i < SNAPSHOTS_OTHERS; i++)
		others |= has_column(scores, snapshots_others[i]) << i;
	return others;
}

/* A column of the scores s, or NULL of its type where there is none. */
static const char *
optional_column(Oid scores, const char *name, Oid type)
{
	return has_column(scores, name) ? sql_column_as("s", scores, name, type) : psprintf("NULL::%s", sql_type(type));
}

/* The column with the expected value, and where it says something that is no value. */
static void
add_clv(Snapshots *snapshots, Oid scores)
{
	const char *name = snapshots_value(scores);

	add_part(snapshots, "{clv}", name == NULL ? "NULL::pg_catalog.float8" : sql_finite_column("s", scores, name));
	add_part(snapshots, "{out_of_range}", name == NULL ? "false" : sql_is_out_of_range("s", scores, name));
}

/* The column with the day of the scores. */
static const char *
day_column(Oid scores)
{
	Oid type;

	if (has_column(scores, "as_of"))
		(void) sql_time_column("s", scores, "as_of", &type);
	return optional_column(scores, "as_of", DATEOID);
}

/* What the view of the scores shows of them. */
static void
add_source(Snapshots *snapshots, Oid scores)
{
	Oid type = sql_column_type(scores, "customer_id");

	if (!sql_can_hash(type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("customer_id of %s is of type %s, which cannot be hashed", sql_relation(scores),
						format_type_be(type)),
				 errhint("Score a view over the orders that casts it, to text for example.")));
	add_part(snapshots, "{scores}", sql_relation(scores));
	add_part(snapshots, "{type}", sql_type(type));
	add_part(snapshots, "{customer}", sql_column("s", "customer_id", type));
	/* a customer without a segment is still there: the state is one of its own */
	add_part(snapshots, "{segment}",
			 psprintf("COALESCE(%s, '" SEGMENT_NONE "'::pg_catalog.text)",
					  sql_column_as("s", scores, "segment", TEXTOID)));
	add_part(snapshots, "{lifecycle}", optional_column(scores, "lifecycle", TEXTOID));
	add_part(snapshots, "{as_of}", day_column(scores));
	add_clv(snapshots, scores);
	(void) same_customer(type, "s", "c");
}

/* The snapshots of this name whose view of the scores was dropped with these; InvalidOid: there are none. */
static Oid
without_source(const char *name, Oid schema)
{
	Oid changes = get_relname_relid(name, schema);

	if (!OidIsValid(changes) || get_attnum(changes, "changed_on") == InvalidAttrNumber ||
		!OidIsValid(get_relname_relid(psprintf("%s_current", name), schema)))
		return InvalidOid;
	sql_refuse_other_owner(changes, "triggers and rules");
	if (OidIsValid(get_relname_relid(psprintf("%s_source", name), schema)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE), errmsg("there are snapshots %s already", sql_relation(changes)),
				 errhint("take_snapshot takes the next one. To have them look at other scores, or at those that have "
						 "taken the place of a renamed table, DROP VIEW %s first: what was kept stays.",
						 snapshots_source(changes))));
	return changes;
}

/* create_snapshots(name, scores) → void: new ones, or the view of the scores for those that have lost it */
PG_FUNCTION_INFO_V1(create_snapshots);
Datum
create_snapshots(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"name", "scores"};
	Snapshots snapshots = {0};

	refuse_nulls(fcinfo, 0, names, lengthof(names));
	refuse_read_only(fcinfo, InvalidOid);

	RangeVar *relation = makeRangeVarFromNameList(textToQualifiedNameList(PG_GETARG_TEXT_PP(0)));
	Oid schema = RangeVarGetCreationNamespace(relation);
	Oid changes = without_source(relation->relname, schema);

	SPI_connect();
	if (OidIsValid(changes))
		snapshots_make_source(changes, PG_GETARG_OID(1));
	else
	{
		add_names(&snapshots, get_namespace_name(schema), relation->relname);
		add_source(&snapshots, PG_GETARG_OID(1));
		run_all(source_templates, &snapshots);
		run_all(create_templates, &snapshots);
	}
	SPI_finish();
	PG_RETURN_VOID();
}

/* ---------------------------------------------------------------- scores that are replaced */

static const char over_template[] =
	"SELECT DISTINCT c.oid FROM pg_catalog.pg_depend AS d\n"
	"  JOIN pg_catalog.pg_rewrite AS r ON r.oid OPERATOR(pg_catalog.=) d.objid\n"
	"  JOIN pg_catalog.pg_class AS v ON v.oid OPERATOR(pg_catalog.=) r.ev_class\n"
	"  JOIN pg_catalog.pg_class AS c ON c.relnamespace OPERATOR(pg_catalog.=) v.relnamespace\n"
	"    AND pg_catalog.concat(c.relname, '_source'::pg_catalog.text) OPERATOR(pg_catalog.=) "
	"v.relname::pg_catalog.text\n"
	"WHERE d.classid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid AND d.refclassid OPERATOR(pg_catalog.=) "
	"'%u'::pg_catalog.oid\n"
	"  AND d.refobjid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid\n"
	"  AND v.relowner OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid AND c.relowner OPERATOR(pg_catalog.=) "
	"v.relowner\n"
	"  AND pg_catalog.obj_description(v.oid, 'pg_class'::pg_catalog.name) OPERATOR(pg_catalog.=) "
	"'" SOURCE_COMMENT "'::pg_catalog.text\n"
	"ORDER BY c.oid USING OPERATOR(pg_catalog.<)";

List *
snapshots_over(Oid scores)
{
	List *found = NIL;
	uint64 rows =
		sql_run(psprintf(over_template, (Oid) RewriteRelationId, (Oid) RelationRelationId, scores, GetUserId()));
	bool isnull;

	for (uint64 i = 0; i < rows; i++)
		found = lappend_oid(found,
							DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)));
	return found;
}

const char *
snapshots_source(Oid changes)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(changes)),
									  psprintf("%s_source", get_rel_name(changes)));
}

void
snapshots_make_source(Oid changes, Oid scores)
{
	static const char *const needed[] = {"customer_id", "segment"};
	Snapshots snapshots = {0};

	for (int i = 0; i < lengthof(needed); i++)
		if (!has_column(scores, needed[i]))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("%s has no column %s, which the snapshots %s look at", sql_relation(scores), needed[i],
							sql_relation(changes)),
					 errhint("Snapshots need customer_id and segment. Without them, DROP VIEW %s first.",
							 snapshots_source(changes))));
	if (sql_column_type(scores, "customer_id") != sql_column_type(changes, "customer_id"))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("customer_id is of type %s in %s, but of type %s in the snapshots %s",
						format_type_be(sql_column_type(scores, "customer_id")), sql_relation(scores),
						format_type_be(sql_column_type(changes, "customer_id")), sql_relation(changes)),
				 errhint("Take other snapshots of these scores.")));
	add_names(&snapshots, get_namespace_name(get_rel_namespace(changes)), get_rel_name(changes));
	add_source(&snapshots, scores);
	run_all(source_templates, &snapshots);
}

/* ---------------------------------------------------------------- take_snapshot */

/* The parts for a table of changes that there is. */
static void
find_snapshots(Snapshots *snapshots, Oid changes)
{
	char *name = get_rel_name(changes);

	(void) sql_relation(changes);

	Oid schema = get_rel_namespace(changes);

	if (get_attnum(changes, "changed_on") == InvalidAttrNumber ||
		!OidIsValid(get_relname_relid(psprintf("%s_current", name), schema)))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("%s holds no snapshots", sql_relation(changes)),
				 errhint("Name what create_snapshots has made.")));
	add_names(snapshots, get_namespace_name(schema), name);

	Oid type = sql_column_type(changes, "customer_id");

	add_part(snapshots, "{same_customer}", same_customer(type, "s", "c"));
	add_part(snapshots, "{same_change}", same_customer(type, "p", "h"));
}

/* What is to be known of the scores before they are compared. */
typedef struct Totals
{
	int64 customers;
	int64 fingerprint; /* what all scores together hash to */
	bool has_fingerprint;
	DateADT day; /* at which the scores stand, if they say so: the last of them */
	DateADT first_day;
	bool has_day;
	int64 values_out_of_range;
	const char *example; /* a customer whose value is */
	int64 days_out_of_range;
	int64 without_customer;
	const char *bad_segment; /* NULL: all can be kept */
} Totals;

/* A number of the only row of the last query. */
static int64
int64_result(int column, bool *isnull)
{
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);

	return *isnull ? 0 : DatumGetInt64(value);
}

/* Reads the totals, and adds the parts that depend on them. */
static Totals
read_totals(Snapshots *snapshots)
{
	Totals totals = {0};
	bool isnull;
	Datum day;
	double mean;

	(void) query_value(totals_template, "", snapshots, &isnull);
	totals.customers = int64_result(1, &isnull);
	day = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull);
	totals.has_day = !isnull;
	totals.day = isnull ? 0 : DatumGetDateADT(day);
	mean = DatumGetFloat8(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3, &isnull));
	totals.fingerprint = int64_result(4, &isnull);
	totals.has_fingerprint = !isnull;
	totals.values_out_of_range = int64_result(5, &isnull);
	totals.example = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 6);
	totals.days_out_of_range = int64_result(7, &isnull);
	totals.without_customer = int64_result(8, &isnull);
	day = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 9, &isnull);
	totals.first_day = isnull ? 0 : DatumGetDateADT(day);
	totals.bad_segment = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 10);

	add_part(snapshots, "{count}", psprintf("'" INT64_FORMAT "'", totals.customers));
	add_part(snapshots, "{little}", sql_float8_literal(LITTLE * mean));
	add_part(snapshots, "{fingerprint}",
			 totals.has_fingerprint ? psprintf("'" INT64_FORMAT "'", totals.fingerprint) : "NULL");
	return totals;
}

/* An error if a segment has a name that the transitions between snapshots could not give. */
static void
refuse_bad_segment(const Totals *totals)
{
	const char *name = totals->bad_segment;

	if (name == NULL)
		return;
	if (strlen(name) > SEGMENT_MAX_NAME_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("segment \"%.*s...\" of the scores is longer than %d bytes",
						pg_mbcliplen(name, (int) strlen(name), 60), name, SEGMENT_MAX_NAME_BYTES)));
	if (*name == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a segment of the scores is an empty text"),
				 errhint("NULL says that a customer has no segment.")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a segment of the scores is called %s", name),
			 errhint(SEGMENT_RESERVED_HINT)));
}

/* Says what of the scores is left out. */
static void
notice_left_out(const Totals *totals)
{
	if (totals->values_out_of_range > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT
							   " customer has an expected value that is NaN, infinite or beyond " SQL_LARGEST_NUMBER,
							   INT64_FORMAT
							   " customers have an expected value that is NaN, infinite or beyond " SQL_LARGEST_NUMBER,
							   (unsigned long) totals->values_out_of_range, totals->values_out_of_range),
				 errdetail("Among them is \"%s\". The snapshot has them without a value.", totals->example)));
	if (totals->days_out_of_range > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " row of the scores has an infinite as_of, which is ignored",
							   INT64_FORMAT " rows of the scores have an infinite as_of, which is ignored",
							   (unsigned long) totals->days_out_of_range, totals->days_out_of_range)));
	if (totals->without_customer > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " row of the scores has no customer_id, and is left out",
							   INT64_FORMAT " rows of the scores have no customer_id, and are left out",
							   (unsigned long) totals->without_customer, totals->without_customer)));
}

/* Says that the rows stand at different days; an error if that is in the future. */
static void
check_days(const Totals *totals)
{
	if (totals->first_day != totals->day)
		ereport(NOTICE,
				(errmsg("the scores stand at different days, from %s to %s", date_text(totals->first_day),
						date_text(totals->day)),
				 errdetail("The snapshot is of the last of them.")));
	/* all later snapshots would have to come after that day; another time zone may be a day ahead */
	if (totals->day > GetSQLCurrentDate() + 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the scores stand at %s, which is still to come", date_text(totals->day)),
				 errhint(
					 "Is there an order with a wrong day? Otherwise say the day: take_snapshot(name, as_of => ...).")));
}

/* The day of the snapshot: the argument, or the one that the scores stand at. */
static DateADT
snapshot_day(FunctionCallInfo fcinfo, const Totals *totals)
{
	DateADT day;

	if (PG_ARGISNULL(1))
	{
		if (!totals->has_day)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the scores do not say at which day they stand"),
					 errhint("Say it: take_snapshot(name, as_of => current_date).")));
		check_days(totals);
		return totals->day;
	}
	day = finite_day_argument(fcinfo, 1, "as_of", NULL);
	if (totals->has_day && is_far_from_scores(day, totals->day))
		ereport(NOTICE,
				(errmsg("the snapshot of %s keeps scores that stand at %s", date_text(day), date_text(totals->day)),
				 errhint("Refresh the scores first, or leave as_of out: a snapshot is of the day of its scores.")));
	return day;
}

/* An error if a customer has several rows: which of them counted would be chance. */
static void
refuse_several_rows(const Snapshots *snapshots)
{
	bool isnull;
	Datum customer = query_value(twice_template, "", snapshots, &isnull);

	if (!isnull)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("customer \"%s\" has several rows in the scores", TextDatumGetCString(customer)),
				 errhint(
					 "Take snapshots of a view in which customer_id tells customers apart: of scores by shop and "
					 "customer, for example, concat_ws('/', shop, customer_id). Rows of one customer in several groups "
					 "are one with DISTINCT ON (customer_id).")));
}

/* Whether there is a snapshot of that day, which then is the last one; an error if there are later ones. */
static bool
is_taken(const Snapshots *snapshots, DateADT day)
{
	bool isnull;
	Datum last = query_value("SELECT pg_catalog.max(d.as_of) FROM {days} AS d", "", snapshots, &isnull);

	if (!isnull && DatumGetDateADT(last) > day)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the snapshot of %s comes too late: there is one of %s", date_text(day),
						date_text(DatumGetDateADT(last))),
				 errhint("Snapshots are taken in the order of days; the last can be taken again.")));
	return !isnull && DatumGetDateADT(last) == day;
}

/* Whether these very scores were those of the last snapshot: comparing them would find nothing. */
static bool
is_unchanged(const Snapshots *snapshots, const Totals *totals)
{
	bool isnull;
	Datum last = query_value(last_template, "", snapshots, &isnull);

	return totals->has_fingerprint && !isnull && DatumGetInt64(last) == totals->fingerprint;
}

/* What is written to, and the view that is read, must be the caller's own: else they could run anything. */
static void
refuse_other_owners(Oid changes)
{
	static const char *const suffixes[] = {"current", "states", "moves", "days", "source"};

	sql_refuse_other_owner(changes, "triggers and rules");
	for (int i = 0; i < lengthof(suffixes); i++)
	{
		Oid relation =
			get_relname_relid(psprintf("%s_%s", get_rel_name(changes), suffixes[i]), get_rel_namespace(changes));

		if (!OidIsValid(relation))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_TABLE),
					 errmsg("what stands beside %s is gone: %s_%s", sql_relation(changes), get_rel_name(changes),
							suffixes[i]),
					 strcmp(suffixes[i], "source") == 0
						 ? errhint("If it was renamed, rename it back; if it was dropped with the scores, "
								   "create_snapshots(name, scores) makes it again.")
						 : errhint("If it was renamed, rename it back.")));
		sql_refuse_other_owner(relation, "triggers and rules");
	}
}

/* take_snapshot(snapshots [, as_of]) → bigint: the changes written */
PG_FUNCTION_INFO_V1(take_snapshot);
Datum
take_snapshot(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"snapshots"};
	Snapshots snapshots = {0};
	Totals totals;
	DateADT day;
	int64 written = 0;
	bool isnull;

	refuse_nulls(fcinfo, 0, names, lengthof(names));
	find_snapshots(&snapshots, PG_GETARG_OID(0));
	refuse_read_only(fcinfo, PG_GETARG_OID(0));
	refuse_other_owners(PG_GETARG_OID(0));
	SPI_connect();

	/* one at a time, and nobody reads half of one */
	(void) run("LOCK TABLE {days} IN SHARE ROW EXCLUSIVE MODE", &snapshots);
	totals = read_totals(&snapshots);
	refuse_bad_segment(&totals);
	day = snapshot_day(fcinfo, &totals);
	add_part(&snapshots, "{day}", sql_date_literal(day));
	if (is_taken(&snapshots, day))
		run_all(undo_templates, &snapshots);
	notice_left_out(&totals);
	if (!is_unchanged(&snapshots, &totals))
	{
		refuse_several_rows(&snapshots);
		(void) run(change_template, &snapshots);
		written = int64_result(1, &isnull);
	}
	add_part(&snapshots, "{written}", psprintf("'" INT64_FORMAT "'", written));
	(void) run(days_template, &snapshots);
	SPI_finish();
	PG_RETURN_INT64(written);
}

/* Says that nobody was looked at until the first of two days, or since long before the second. */
static void
notice_unseen_days(const Snapshots *snapshots, DateADT since, DateADT until)
{
	bool isnull;
	DateADT first =
		DatumGetDateADT(query_value("SELECT pg_catalog.min(d.as_of) FROM {days} AS d", "", snapshots, &isnull));
	DateADT last;

	if (isnull)
		return;
	last = DatumGetDateADT(query_value("SELECT pg_catalog.max(d.as_of) FROM {days} AS d", "", snapshots, &isnull));
	if (since < first)
		ereport(NOTICE,
				(errmsg("there is no snapshot of %s or before: all customers are (new)", date_text(since)),
				 errhint("The first snapshot is of %s.", date_text(first))));
	if (until > last + UNSEEN_DAYS)
		ereport(NOTICE,
				(errmsg("there is no snapshot of the last %d days until %s: who moved in them is not known",
						until - last, date_text(until)),
				 errhint("The last snapshot is of %s.", date_text(last))));
}

/* snapshot_transitions(snapshots, since, until) → segment_transitions */
PG_FUNCTION_INFO_V1(snapshot_transitions);
Datum
snapshot_transitions(PG_FUNCTION_ARGS)
{
	Snapshots snapshots = {.read_only = true};
	DateADT since = finite_day_argument(fcinfo, 1, "since", NULL);
	DateADT until = finite_day_argument(fcinfo, 2, "until", NULL);
	Datum value;
	bool isnull;

	if (until < since)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("until must not be before since")));
	find_snapshots(&snapshots, PG_GETARG_OID(0));
	add_part(&snapshots, "{since}", sql_date_literal(since));
	add_part(&snapshots, "{until}", sql_date_literal(until));
	SPI_connect();
	notice_unseen_days(&snapshots, since, until);
	value = query_value(transitions_template, sql_extension_schema(fcinfo), &snapshots, &isnull);
	if (!isnull)
		value = SPI_datumTransfer(value, false, -1);
	SPI_finish();
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(value);
}
