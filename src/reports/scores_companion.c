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

/* The columns, of ScoresColumn. */
static List *
companion_columns(const ScoresQuery *query)
{
	List *list = NIL;
	ListCell *cell;

	foreach (cell, group_names(query))
	{
		ScoresColumn *column = palloc(sizeof(ScoresColumn));

		column->name = lfirst(cell);
		column->comment = SCORES_GROUP_COMMENT;
		list = lappend(list, column);
	}
	return list_concat(list, scores_model_columns());
}

/* The columns of the companion that tell groups apart, quoted: those before its own. */
static List *
companion_groups(const ScoresNames *names)
{
	Oid model = scores_relation(names->model);
	List *groups = NIL;
	Relation relation;

	if (!OidIsValid(model))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation %s does not exist", names->model)));
	relation = relation_open(model, AccessShareLock);
	for (int i = 0; i < RelationGetNumberOfAttributes(relation) - list_length(scores_model_columns()); i++)
		groups = lappend(groups,
						 unconstify(char *,
									quote_identifier(
										pstrdup(NameStr(TupleDescAttr(RelationGetDescr(relation), i)->attname)))));
	relation_close(relation, AccessShareLock);
	return groups;
}

/* The groups in a list with commas, each with a comma behind it. */
static char *
group_list(List *groups, const char *alias)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	foreach (cell, groups)
		appendStringInfo(&out, "%s%s, ", alias, (const char *) lfirst(cell));
	return out.data;
}

/* The same without the last comma. */
static char *
bare_group_list(List *groups, const char *alias)
{
	char *list = group_list(groups, alias);

	return pnstrdup(list, strlen(list) - strlen(", "));
}

/* Adds rows for who has no orders any more: all, or groups that are known from refreshes before. EXCEPT compares by the types' own equality. */
static void
add_missing(const char *table, const char *fitted, List *groups)
{
	const char *missing = groups == NIL
		? psprintf("(SELECT) AS x WHERE NOT EXISTS (SELECT FROM (%s) AS l)", fitted)
		: psprintf("(SELECT %s FROM %s AS k EXCEPT SELECT %s FROM (%s) AS l) AS x", bare_group_list(groups, "k."),
				   table, bare_group_list(groups, "l."), fitted);

	scores_run("INSERT INTO %s (%scustomers, fit_status, warnings, refreshed_at)\n"
			   "SELECT %s'0'::pg_catalog.int8, 'no_orders'::pg_catalog.text,\n"
			   "  'there are no orders to score'::pg_catalog.text,\n"
			   "  COALESCE((SELECT pg_catalog.max(l.refreshed_at) FROM (%s) AS l), CURRENT_TIMESTAMP)\n"
			   "FROM %s",
			   table, group_list(groups, ""), group_list(groups, "x."), fitted, missing);
}

/* Whether a table has the columns that a query gives. */
static bool
has_columns_of(const char *table, const char *query)
{
	Relation relation = relation_open(scores_relation(table), AccessShareLock);
	TupleDesc of_table = RelationGetDescr(relation);
	bool same;

	scores_run("SELECT q.* FROM (%s) AS q LIMIT 0", query);
	same = of_table->natts == SPI_tuptable->tupdesc->natts;
	for (int i = 0; same && i < of_table->natts; i++)
	{
		Form_pg_attribute a = TupleDescAttr(of_table, i);
		Form_pg_attribute b = TupleDescAttr(SPI_tuptable->tupdesc, i);

		same = !a->attisdropped && strcmp(NameStr(a->attname), NameStr(b->attname)) == 0 &&
			a->atttypid == b->atttypid && a->atttypmod == b->atttypmod;
	}
	relation_close(relation, AccessShareLock);
	return same;
}

/* Whether a table of earlier refreshes can be gone on with; if not, it is dropped. */
static bool
goes_on(const char *table, const char *fitted)
{
	if (scores_kind(table) == '\0')
		return false;
	if (has_columns_of(table, fitted))
		return true;
	scores_lose(table, "what earlier refreshes fitted");
	return false;
}

/* Lets the view show what is kept, too. */
static void
show_refreshes(const ScoresNames *names, const char *last)
{
	scores_run("CREATE OR REPLACE VIEW %s%s AS SELECT k.* FROM %s AS k UNION ALL SELECT l.* FROM (%s) AS l\n"
			   "WHERE NOT EXISTS (SELECT FROM %s AS k WHERE k.refreshed_at OPERATOR(pg_catalog.=) l.refreshed_at)",
			   names->model, scores_view_options(names->model), names->refreshes, last, names->refreshes);

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
	const char *last = scores_model_query(query->schema, names->scores, group_names(query));

	scores_run("CREATE VIEW %s AS\n%s", names->model, last);
	scores_comment_on("VIEW", names->model, SCORES_LAST_COMMENT, companion_columns(query));
	if (has_refreshes(names) && goes_on(names->refreshes, last))
		show_refreshes(names, last);
}

void
companion_make_table(const ScoresNames *names, const ScoresQuery *query, const char *rows)
{
	List *groups = group_names(query);
	const char *fitted = scores_model_query(query->schema, rows, groups);

	if (!goes_on(names->model, fitted))
		scores_run("CREATE TABLE %s AS\n%s\nWITH NO DATA", names->model, fitted);
	scores_comment_on("TABLE", names->model, SCORES_EACH_COMMENT, companion_columns(query));
	scores_run("INSERT INTO %s %s", names->model, fitted);
	add_missing(names->model, fitted, groups);
}

void
companion_add(const char *schema, const ScoresNames *names, const char *rows)
{
	List *groups = companion_groups(names);
	const char *fitted = scores_model_query(schema, rows, groups);

	scores_run("INSERT INTO %s %s", names->model, fitted);
	add_missing(names->model, fitted, groups);
}

void
companion_keep(const char *schema, const ScoresNames *names, bool refreshed)
{
	List *groups = companion_groups(names);
	const char *last = scores_model_query(schema, names->scores, groups);

	if (!OidIsValid(scores_relation(names->refreshes)))
	{
		scores_run("CREATE TABLE %s AS\n%s\nWITH NO DATA", names->refreshes, last);
		scores_run("COMMENT ON TABLE %s IS %s", names->refreshes,
				   quote_literal_cstr(scores_mark(names, SCORES_MARK_REFRESHES)));
		show_refreshes(names, last);
	}
	scores_refuse_strangers(names->refreshes, SCORES_MARK_REFRESHES);
	scores_run("INSERT INTO %s SELECT l.* FROM (%s) AS l\n"
			   "WHERE NOT EXISTS (SELECT FROM %s AS k WHERE k.refreshed_at OPERATOR(pg_catalog.=) l.refreshed_at)",
			   names->refreshes, last, names->refreshes);
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
