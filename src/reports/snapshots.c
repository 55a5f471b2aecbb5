/*
 * snapshots.c
 *	  Scores as they were: who changed, when, from what, and what it cost.
 *
 * create_snapshots makes, for a relation of scores, beside the table of changes
 *
 *	  name_current		the last row of every customer, to compare with
 *	  name_days			the days on which snapshots were taken
 *	  name_source		a view of what is looked at
 *	  name_customers	a view of where customers stand, and where they stood before
 *	  name_moves		a view of moves by day, with the value lost
 *
 * take_snapshot writes a row for who is new, gone, in another segment or lifecycle,
 * or whose value has doubled or halved since their last row; nobody else costs any
 * space. A change says what was before, so that the last snapshot can be taken back
 * and taken again. Everything runs with the caller's rights, as closed SQL (see
 * support/sql_text.h).
 */
#include "compat.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "reports/scores_day.h"
#include "reports/snapshots.h"
#include "support/args.h"
#include "support/sql_text.h"

/* The longest of what is put behind the name. */
#define LONGEST_SUFFIX ((int) strlen("_customers"))

/* What is kept of a customer, in this order in both tables. */
#define KEPT_COLUMNS \
	"customer_id, changed_on, present, segment, lifecycle, clv, segment_changed_on, previous_segment,\n" \
	"  lifecycle_changed_on, previous_lifecycle, previous_clv, previous_changed_on"

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

static const char *const create_templates[] = {
	"CREATE TABLE {changes} (customer_id {type} NOT NULL, changed_on pg_catalog.date NOT NULL,\n"
	"  present pg_catalog.bool NOT NULL, segment pg_catalog.text, lifecycle pg_catalog.text, clv pg_catalog.float8,\n"
	"  segment_changed_on pg_catalog.date, previous_segment pg_catalog.text,\n"
	"  lifecycle_changed_on pg_catalog.date, previous_lifecycle pg_catalog.text,\n"
	"  previous_clv pg_catalog.float8, previous_changed_on pg_catalog.date,\n"
	"  PRIMARY KEY (customer_id, changed_on))",
	"CREATE INDEX ON {changes} (changed_on)",
	"COMMENT ON TABLE {changes} IS 'what changed of customers between snapshots: a row for each customer and day with "
	"a change'",
	"COMMENT ON COLUMN {changes}.changed_on IS 'day of the snapshot that first showed this'",
	"COMMENT ON COLUMN {changes}.present IS 'false: the customer is not among the scores any more'",
	"COMMENT ON COLUMN {changes}.clv IS 'expected value on that day; kept again when it has doubled or halved'",
	"COMMENT ON COLUMN {changes}.previous_clv IS 'expected value in the row before'",
	"COMMENT ON COLUMN {changes}.previous_changed_on IS 'day of the row before; NULL: the first'",

	"CREATE TABLE {current} AS SELECT * FROM {changes} AS c WITH NO DATA",
	"ALTER TABLE {current} ADD PRIMARY KEY (customer_id)",
	"COMMENT ON TABLE {current} IS 'the last row of every customer: what the next snapshot is compared with'",

	"CREATE TABLE {days} (as_of pg_catalog.date PRIMARY KEY, customers pg_catalog.int8 NOT NULL, changes "
	"pg_catalog.int8 NOT NULL,\n"
	"  fingerprint pg_catalog.int8)",
	"COMMENT ON COLUMN {days}.fingerprint IS 'of all scores: where it is that of the day before, nothing has changed'",
	"COMMENT ON TABLE {days} IS 'the snapshots taken: day, customers among the scores, and rows that were written'",

	"CREATE VIEW {customers} AS SELECT c.customer_id, c.segment, c.segment_changed_on, c.previous_segment,\n"
	"  c.lifecycle, c.lifecycle_changed_on, c.previous_lifecycle, c.clv, c.changed_on\n"
	"FROM {current} AS c WHERE c.present",
	"COMMENT ON VIEW {customers} IS 'where customers stand since when, and where they stood before'",

	"CREATE VIEW {moves} AS SELECT m.changed_on, m.from_segment, m.to_segment, pg_catalog.count(*) AS customers,\n"
	"  pg_catalog.sum(m.clv_before) AS clv_before, pg_catalog.sum(m.clv_after) AS clv_after,\n"
	"  pg_catalog.sum(m.clv_before OPERATOR(pg_catalog.-) m.clv_after) AS value_lost,\n"
	"  pg_catalog.count(*) FILTER (WHERE m.clv_before IS NULL OR m.clv_after IS NULL) AS without_value\n"
	"FROM (SELECT h.changed_on, h.previous_segment AS from_segment, h.segment AS to_segment,\n"
	"    CASE WHEN h.previous_segment IS NULL THEN '0'::pg_catalog.float8 ELSE h.previous_clv END AS clv_before,\n"
	"    CASE WHEN h.present THEN h.clv ELSE '0'::pg_catalog.float8 END AS clv_after\n"
	"  FROM {changes} AS h WHERE h.segment_changed_on OPERATOR(pg_catalog.=) h.changed_on AND h.previous_changed_on IS "
	"NOT NULL) AS m\n"
	"GROUP BY m.changed_on, m.from_segment, m.to_segment",
	"COMMENT ON VIEW {moves} IS 'moves between segments by day, with the value before and after; from NULL: they were "
	"gone, to NULL: they are gone'",
	"COMMENT ON COLUMN {moves}.value_lost IS 'value before less value after, of the customers who have both: who is "
	"gone "
	"has 0; NULL: nobody has'",
	"COMMENT ON COLUMN {moves}.without_value IS 'customers whose value before or after is not known'",
	NULL,
};

/* Where customers without a segment stand. */
#define NO_SEGMENT "(no segment)"

/* Takes the last snapshot back: what it changed is as it was before. */
static const char *const undo_templates[] = {
	"DELETE FROM {current} AS c WHERE c.changed_on OPERATOR(pg_catalog.=) {day}",
	"INSERT INTO {current} (" KEPT_COLUMNS ")\n"
	"SELECT p.* FROM {changes} AS h JOIN {changes} AS p ON {same_change} AND p.changed_on OPERATOR(pg_catalog.=) "
	"h.previous_changed_on\n"
	"WHERE h.changed_on OPERATOR(pg_catalog.=) {day}",
	"DELETE FROM {changes} AS h WHERE h.changed_on OPERATOR(pg_catalog.=) {day}",
	"DELETE FROM {days} AS d WHERE d.as_of OPERATOR(pg_catalog.=) {day}",
	NULL,
};

/* Whether two texts differ, NULL being a text of its own. */
#define DIFFER(a, b) "((" a " OPERATOR(pg_catalog.=) " b ") IS NOT TRUE AND (" a " IS NOT NULL OR " b " IS NOT NULL))"

/*
 * A value that has doubled or halved, by more than a hundredth of the mean: those of
 * lost customers fade for ever, and nobody wants to know.
 */
#define LITTLE 0.01
#define VALUE_MOVED \
	"((s.clv IS NULL) OPERATOR(pg_catalog.<>) (c.clv IS NULL) OR\n" \
	"      pg_catalog.abs(s.clv OPERATOR(pg_catalog.-) c.clv) OPERATOR(pg_catalog.>) GREATEST({little},\n" \
	"        GREATEST(pg_catalog.abs(s.clv), pg_catalog.abs(c.clv)) OPERATOR(pg_catalog./) '2'::pg_catalog.float8))"

static const char change_template
	[] = "WITH changed AS MATERIALIZED (\n"
		 "  SELECT COALESCE(s.customer_id, c.customer_id) AS customer_id, s.customer_id IS NOT NULL AS present,\n"
		 "    s.segment, s.lifecycle, s.clv,\n"
		 "    CASE WHEN c.customer_id IS NULL OR " DIFFER(
			 "s.segment",
			 "c.segment") " THEN {day} ELSE c.segment_changed_on END AS segment_changed_on,\n"
						  "    CASE WHEN " DIFFER(
							  "s.segment",
							  "c.segment") " THEN c.segment ELSE c.previous_segment END AS previous_segment,\n"
										   "    CASE WHEN c.customer_id IS NULL OR " DIFFER(
											   "s.lifecycle",
											   "c.lifecycle") " THEN {day} ELSE c.lifecycle_changed_on END AS "
															  "lifecycle_changed_on,\n"
															  "    CASE WHEN " DIFFER(
																  "s.lifecycle",
																  "c.lifecycle") " THEN c.lifecycle ELSE "
																				 "c.previous_lifecycle END AS "
																				 "previous_lifecycle,\n"
																				 "    c.clv AS previous_clv, "
																				 "c.changed_on AS previous_changed_on\n"
																				 "  FROM (SELECT r.* FROM {source} AS "
																				 "r WHERE r.customer_id IS NOT NULL) "
																				 "AS s\n"
																				 "    FULL JOIN {current} AS c ON "
																				 "{same_customer}\n"
																				 "  WHERE c.customer_id IS NULL OR "
																				 "(s.customer_id IS NOT NULL) "
																				 "OPERATOR(pg_catalog.<>) c.present "
																				 "OR\n"
																				 "    s.customer_id IS NOT NULL AND "
																				 "(" DIFFER("s.segment", "c.segment") " OR " DIFFER(
																					 "s.lifecycle",
																					 "c.lifecycle") " OR\n"
																									"      " VALUE_MOVED
																									")\n"
																									")\n"
																									"INSERT INTO "
																									"{changes} "
																									"(" KEPT_COLUMNS
																									")\n"
																									"SELECT "
																									"n.customer_id, "
																									"{day}, n.present, "
																									"n.segment, "
																									"n.lifecycle, "
																									"n.clv, "
																									"n.segment_changed_"
																									"on, "
																									"n.previous_"
																									"segment,\n"
																									"  "
																									"n.lifecycle_"
																									"changed_on, "
																									"n.previous_"
																									"lifecycle, "
																									"n.previous_clv, "
																									"n.previous_"
																									"changed_on FROM "
																									"changed AS n";

/* The rows of that day take the place of those before them. */
static const char *const current_templates[] = {
	"DELETE FROM {current} AS p WHERE EXISTS (SELECT FROM {changes} AS h WHERE {same_change} AND h.changed_on "
	"OPERATOR(pg_catalog.=) {day})",
	"INSERT INTO {current} (" KEPT_COLUMNS ")\n"
	"SELECT h.* FROM {changes} AS h WHERE h.changed_on OPERATOR(pg_catalog.=) {day}",
	NULL,
};

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
	"  pg_catalog.count(*) FILTER (WHERE s.customer_id IS NULL), pg_catalog.min(s.as_of)\n"
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

/* The state on a day is the last row up to it. */
static const char transitions_template[] =
	"SELECT @segment_transitions(a.segment, b.segment) FROM\n"
	"  (SELECT DISTINCT ON (h.customer_id) h.customer_id, h.segment FROM {changes} AS h\n"
	"    WHERE h.changed_on OPERATOR(pg_catalog.<=) {since} ORDER BY h.customer_id, h.changed_on DESC) AS a\n"
	"  FULL JOIN (SELECT DISTINCT ON (h.customer_id) h.customer_id, h.segment FROM {changes} AS h\n"
	"    WHERE h.changed_on OPERATOR(pg_catalog.<=) {until} ORDER BY h.customer_id, h.changed_on DESC) AS b\n"
	"  ON {same_state}";

/* The names of all that belongs together, and the parts of the templates that they are. */
#define MAX_PARTS 20

typedef struct Snapshots
{
	SqlPart parts[MAX_PARTS];
	int n_parts;
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
	static const char *const suffixes[] = {"source", "current", "days", "customers", "moves"};

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
	if (SPI_execute(statement_of(template, schema, snapshots), false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not run \"%s\"", template);
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
}

/* ---------------------------------------------------------------- create_snapshots */

/* The column with the expected value, clv_365d or of another horizon; NULL: there is none. */
static const char *
clv_column(Oid scores)
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
	const char *name = clv_column(scores);

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

	add_part(snapshots, "{scores}", sql_relation(scores));
	add_part(snapshots, "{type}", sql_type(type));
	add_part(snapshots, "{customer}", sql_column("s", "customer_id", type));
	/* a customer without a segment is still there: the state is one of its own */
	add_part(snapshots, "{segment}",
			 psprintf("COALESCE(%s, '" NO_SEGMENT "'::pg_catalog.text)",
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
		!OidIsValid(get_relname_relid(psprintf("%s_current", name), schema)) ||
		OidIsValid(get_relname_relid(psprintf("%s_source", name), schema)))
		return InvalidOid;
	sql_refuse_other_owner(changes, "triggers and rules");
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
	add_part(snapshots, "{same_state}", same_customer(type, "a", "b"));
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

	add_part(snapshots, "{count}", psprintf("'" INT64_FORMAT "'", totals.customers));
	add_part(snapshots, "{little}", sql_float8_literal(LITTLE * mean));
	add_part(snapshots, "{fingerprint}",
			 totals.has_fingerprint ? psprintf("'" INT64_FORMAT "'", totals.fingerprint) : "NULL");
	return totals;
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
				 errhint("Take snapshots of a view that has one for each customer: "
						 "SELECT DISTINCT ON (customer_id) * FROM ... ORDER BY customer_id, ....")));
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
	static const char *const suffixes[] = {"current", "days", "source"};

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

/* take_snapshot(snapshots [, as_of]) → bigint: the rows written */
PG_FUNCTION_INFO_V1(take_snapshot);
Datum
take_snapshot(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"snapshots"};
	Snapshots snapshots = {0};
	Totals totals;
	DateADT day;
	int64 written = 0;

	refuse_nulls(fcinfo, 0, names, lengthof(names));
	find_snapshots(&snapshots, PG_GETARG_OID(0));
	refuse_other_owners(PG_GETARG_OID(0));
	SPI_connect();

	/* one at a time, and nobody reads half of one */
	(void) run("LOCK TABLE {days} IN SHARE ROW EXCLUSIVE MODE", &snapshots);
	totals = read_totals(&snapshots);
	day = snapshot_day(fcinfo, &totals);
	add_part(&snapshots, "{day}", sql_date_literal(day));
	if (is_taken(&snapshots, day))
		run_all(undo_templates, &snapshots);
	notice_left_out(&totals);
	if (!is_unchanged(&snapshots, &totals))
	{
		refuse_several_rows(&snapshots);
		written = run(change_template, &snapshots);
	}
	if (written > 0)
		run_all(current_templates, &snapshots);
	add_part(&snapshots, "{written}", psprintf("'" INT64_FORMAT "'", written));
	(void) run(days_template, &snapshots);
	SPI_finish();
	PG_RETURN_INT64(written);
}

/* snapshot_transitions(snapshots, since, until) → segment_transitions */
PG_FUNCTION_INFO_V1(snapshot_transitions);
Datum
snapshot_transitions(PG_FUNCTION_ARGS)
{
	Snapshots snapshots = {0};
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
	value = query_value(transitions_template, sql_extension_schema(fcinfo), &snapshots, &isnull);
	if (!isnull)
		value = SPI_datumTransfer(value, false, -1);
	SPI_finish();
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(value);
}
