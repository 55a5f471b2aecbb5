/*
 * scores_companion.c
 *	  NAME_model: what each refresh of scores fitted.
 *
 * A refresh that finds no orders, of all or of a group, leaves a row that says so: the row
 * before it would be taken for what was fitted last.
 *
 * The rows are the only record of what was fitted when. They stay when scores are replaced, also by
 * those with another storage, unless the new ones have other groups.
 */
#include "compat.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "commands/comment.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "reports/scores_companion.h"

/* The groups that the scores are kept by, quoted. */
static List *
group_names(const ScoresQuery *query)
{
	List *groups = NIL;
	ListCell *cell;

	foreach (cell, query->keys)
		if (((const ScoresKey *) lfirst(cell))->group)
			groups = lappend(groups, unconstify(char *, ((const ScoresKey *) lfirst(cell))->output));
	return groups;
}

/*
 * Where the columns begin that say what was fitted: at the first that still has its name, as users may have renamed
 * some. Those before tell groups apart, and those behind are what users have added.
 */
static int
first_of_model(Oid relation)
{
	ListCell *cell;

	foreach (cell, scores_model_columns())
	{
		AttrNumber number = get_attnum(relation, ((const ScoresColumn *) lfirst(cell))->name);

		if (number > foreach_current_index(cell))
			return number - 1 - foreach_current_index(cell);
	}
	return 0;
}

/* The column in this place, from 0; NULL: it was dropped, or there is none. */
static const char *
column_at(Oid relation, int place)
{
	const char *name = get_attname(relation, place + 1, true);

	return name != NULL && get_attnum(relation, name) != InvalidAttrNumber ? name : NULL;
}

/* The columns that tell groups apart, quoted. */
static List *
groups_of(const char *name)
{
	Oid relation = scores_relation(name);
	List *groups = NIL;

	if (!OidIsValid(relation))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation %s does not exist", name)));
	for (int i = 0; i < first_of_model(relation); i++)
		if (column_at(relation, i) != NULL)
			groups = lappend(groups, unconstify(char *, quote_identifier(column_at(relation, i))));
	return groups;
}

/* The place of a column among those that say what was fitted, from 0; -1: it is none of them. */
static int
place_of(const char *name)
{
	ListCell *cell;

	foreach (cell, scores_model_columns())
		if (strcmp(((const ScoresColumn *) lfirst(cell))->name, name) == 0)
			return foreach_current_index(cell);
	return -1;
}

const char *
companion_column(const char *companion, const char *name)
{
	Oid relation = scores_relation(companion);
	const char *there = column_at(relation, first_of_model(relation) + place_of(name));
	bool renamed = get_attnum(relation, name) == InvalidAttrNumber && there != NULL && place_of(there) < 0;

	return quote_identifier(renamed ? there : name);
}

/* The columns of a table that keep groups and what was fitted, quoted, in the order of the query of these. */
static List *
kept_columns(const char *table, List *groups)
{
	List *kept = list_copy(groups);
	ListCell *cell;

	foreach (cell, scores_model_columns())
		kept = lappend(kept, unconstify(char *, companion_column(table, ((const ScoresColumn *) lfirst(cell))->name)));
	return kept;
}

/* The same with their comments, of ScoresColumn. */
static List *
kept_comments(const char *table, List *groups)
{
	List *list = NIL;
	List *columns = scores_model_columns();
	ListCell *cell;

	foreach (cell, kept_columns(table, groups))
	{
		ScoresColumn *column = palloc(sizeof(ScoresColumn));
		int place = foreach_current_index(cell) - list_length(groups);

		column->name = lfirst(cell);
		column->comment = place < 0 ? SCORES_GROUP_COMMENT : ((const ScoresColumn *) list_nth(columns, place))->comment;
		list = lappend(list, column);
	}
	return list;
}

/* Columns in a list with commas, each with a comma behind it. */
static char *
open_list(List *names, const char *alias)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	foreach (cell, names)
		appendStringInfo(&out, "%s%s, ", alias, (const char *) lfirst(cell));
	return out.data;
}

/* The same without the last comma. */
static char *
column_list(List *names, const char *alias)
{
	char *list = open_list(names, alias);

	return pnstrdup(list, strlen(list) - strlen(", "));
}

/* What a query gives whose rows are not kept yet. */
static char *
not_kept(const char *table, const char *fitted)
{
	return psprintf("SELECT l.* FROM (%s) AS l\n"
					"WHERE NOT EXISTS (SELECT FROM %s AS k WHERE k.%s OPERATOR(pg_catalog.=) l.refreshed_at)",
					fitted, table, companion_column(table, "refreshed_at"));
}

/* Adds what a query gives to the table; columns that users have added have their defaults. */
static void
add_fitted(const char *table, const char *fitted, List *groups)
{
	scores_run("INSERT INTO %s (%s)\n%s", table, column_list(kept_columns(table, groups), ""), fitted);
}

/* Adds rows for who has no orders any more: all, or groups that are known from refreshes before. EXCEPT compares by the types' own equality. */
static void
add_missing(const char *table, const char *fitted, List *groups)
{
	const char *missing = groups == NIL ? psprintf("(SELECT) AS x WHERE NOT EXISTS (SELECT FROM (%s) AS l)", fitted)
										: psprintf("(SELECT %s FROM %s AS k EXCEPT SELECT %s FROM (%s) AS l) AS x",
												   column_list(groups, "k."), table, column_list(groups, "l."), fitted);

	scores_run("INSERT INTO %s (%s%s, %s, %s, %s)\n"
			   "SELECT %s'0'::pg_catalog.int8, 'no_orders'::pg_catalog.text,\n"
			   "  'there are no orders to score'::pg_catalog.text,\n"
			   "  COALESCE((SELECT pg_catalog.max(l.refreshed_at) FROM (%s) AS l), CURRENT_TIMESTAMP)\n"
			   "FROM %s",
			   table, open_list(groups, ""), companion_column(table, "customers"),
			   companion_column(table, "fit_status"), companion_column(table, "warnings"),
			   companion_column(table, "refreshed_at"), open_list(groups, "x."), fitted, missing);
}

/* Whether a column of a relation, quoted, is there and of the type that a query gives. */
static bool
has_column_like(Relation relation, const char *name, const FormData_pg_attribute *like)
{
	for (int i = 0; i < RelationGetNumberOfAttributes(relation); i++)
	{
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), i);

		if (!column->attisdropped && strcmp(quote_identifier(NameStr(column->attname)), name) == 0)
			return column->atttypid == like->atttypid && column->atttypmod == like->atttypmod;
	}
	return false;
}

/* Whether a table of earlier refreshes has these groups, and keeps all that the query gives. */
static bool
keeps(const char *table, const char *fitted, List *groups)
{
	Relation relation = relation_open(scores_relation(table), AccessShareLock);
	bool same = list_length(groups_of(table)) == list_length(groups);
	ListCell *cell;

	scores_run("SELECT q.* FROM (%s) AS q LIMIT 0", fitted);
	foreach (cell, kept_columns(table, groups))
		same = same &&
			has_column_like(relation, lfirst(cell), TupleDescAttr(SPI_tuptable->tupdesc, foreach_current_index(cell)));
	relation_close(relation, AccessShareLock);
	return same;
}

/* Whether a table of earlier refreshes can be gone on with; if not, it is dropped. */
static bool
goes_on(const char *table, const char *fitted, List *groups)
{
	if (scores_kind(table) == '\0')
		return false;
	if (keeps(table, fitted, groups))
		return true;
	scores_lose(table, "what earlier refreshes fitted");
	return false;
}

/* The columns of the table that keeps refreshes, as the view calls them. */
static char *
refreshes_as_shown(const ScoresNames *names, List *groups)
{
	Oid view = scores_relation(names->model);
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	foreach (cell, kept_columns(names->refreshes, groups))
		appendStringInfo(&out, "%sk.%s AS %s", out.len > 0 ? ", " : "", (const char *) lfirst(cell),
						 quote_identifier(column_at(view, foreach_current_index(cell))));
	return out.data;
}

/* Lets the view show what is kept, too. */
static void
show_refreshes(const ScoresNames *names, const char *last, List *groups)
{
	scores_run("CREATE OR REPLACE VIEW %s%s AS SELECT %s FROM %s AS k UNION ALL %s", names->model,
			   scores_view_options(names->model), refreshes_as_shown(names, groups), names->refreshes,
			   not_kept(names->refreshes, last));

	char *comment = GetComment(scores_relation(names->model), RelationRelationId, 0);

	if (comment != NULL && scores_own_comment(comment))
		scores_run("COMMENT ON VIEW %s IS %s", names->model, quote_literal_cstr(SCORES_KEPT_COMMENT));
}

static bool
has_refreshes(const ScoresNames *names)
{
	return scores_kind(names->refreshes) == RELKIND_RELATION &&
		scores_has_mark(names->refreshes, SCORES_MARK_REFRESHES);
}

void
companion_make_view(const ScoresNames *names, const ScoresQuery *query)
{
	List *groups = group_names(query);
	const char *last = scores_model_query(query->schema, names->scores, groups);

	scores_run("CREATE VIEW %s AS\n%s", names->model, last);
	scores_comment_on("VIEW", names->model, SCORES_LAST_COMMENT, kept_comments(names->model, groups));
	if (has_refreshes(names) && goes_on(names->refreshes, last, groups))
		show_refreshes(names, last, groups);
}

void
companion_make_table(const ScoresNames *names, const ScoresQuery *query, const char *rows)
{
	List *groups = group_names(query);
	const char *fitted = scores_model_query(query->schema, rows, groups);

	if (!goes_on(names->model, fitted, groups))
		scores_run("CREATE TABLE %s AS\n%s\nWITH NO DATA", names->model, fitted);
	scores_comment_on("TABLE", names->model, SCORES_EACH_COMMENT, kept_comments(names->model, groups));
	add_fitted(names->model, fitted, groups);
	add_missing(names->model, fitted, groups);
}

void
companion_add(const char *schema, const ScoresNames *names, const char *rows)
{
	List *groups = groups_of(names->model);
	const char *fitted = scores_model_query(schema, rows, groups);

	add_fitted(names->model, fitted, groups);
	add_missing(names->model, fitted, groups);
}

void
companion_keep(const char *schema, const ScoresNames *names, bool refreshed)
{
	List *groups = groups_of(names->model);
	const char *last = scores_model_query(schema, names->scores, groups);

	if (!OidIsValid(scores_relation(names->refreshes)))
	{
		scores_run("CREATE TABLE %s AS\n%s\nWITH NO DATA", names->refreshes, last);
		scores_narrow_grants(names->model, names->refreshes);
		scores_run("COMMENT ON TABLE %s IS %s", names->refreshes,
				   quote_literal_cstr(scores_mark(names, SCORES_MARK_REFRESHES)));
		show_refreshes(names, last, groups);
	}
	scores_refuse_strangers(names->refreshes, SCORES_MARK_REFRESHES);
	add_fitted(names->refreshes, not_kept(names->refreshes, last), groups);
	if (refreshed)
		add_missing(names->refreshes, last, groups);
}

/* What a materialized view without data, or one that was not refreshed by us, says is not kept. */
void
companion_save(const char *schema, const ScoresNames *names)
{
	if (scores_kind(names->scores) == RELKIND_MATVIEW && has_refreshes(names) && scores_are_populated(names))
		companion_keep(schema, names, false);
}

const char *
companion_place(const ScoresNames *names, bool table)
{
	const char *place = table ? names->model : names->refreshes;

	if (table && has_refreshes(names) && scores_kind(names->model) == '\0')
	{
		scores_run("ALTER TABLE %s RENAME TO %s", names->refreshes, scores_bare_name(names->model));
		return place;
	}
	if (!table && scores_kind(names->model) == RELKIND_RELATION)
	{
		if (scores_kind(names->refreshes) != '\0')
			scores_lose(names->model, "what earlier refreshes fitted");
		else
		{
			scores_run("ALTER TABLE %s RENAME TO %s", names->model, scores_bare_name(names->refreshes));
			scores_run("COMMENT ON TABLE %s IS %s", names->refreshes,
					   quote_literal_cstr(scores_mark(names, SCORES_MARK_REFRESHES)));
		}
	}
	return scores_kind(place) == RELKIND_RELATION ? place : NULL;
}
