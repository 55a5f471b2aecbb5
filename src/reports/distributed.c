/*
 * distributed.c
 *	  Scores of tables that Citus distributes over several servers.
 *
 * A query that fits and scores in one would bring every customer to the coordinator
 * and back, and a materialized view would be a table of the coordinator. So the job is
 * made of statements, each of which runs on the shards:
 *
 *	NAME_histories	the histories of orders, distributed like these (NAME_input is their
 *					query); stored histories stay as they are
 *	NAME_fit		a reference table of one row: model, as_of and cut points (NAME_fit_query
 *					is its query); only partial bases and counts travel for it
 *	NAME_query		the query that scores a customer by that row
 *	NAME_generation_1, or _2
 *					its rows, distributed like the input
 *	NAME			a view of them
 *
 * NAME_fit is analysed: of a table that never was the planner expects hundreds of rows.
 */
#include "compat.h"

#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "reports/citus.h"
#include "reports/distributed.h"
#include "support/sql_text.h"

/* The part of the key that is this column of the input. */
static const ScoresKey *
key_of(const ScoresQuery *query, const char *column)
{
	ListCell *cell;

	foreach (cell, query->keys)
	{
		const ScoresKey *key = lfirst(cell);

		if (!key->group && strcmp(key->input, quote_identifier(column)) == 0)
			return key;
	}
	return NULL;
}

bool
distributed_scores_possible(Oid relation, const ScoresQuery *query)
{
	const char *column = citus_column(relation);

	if (column == NULL)
		return false;
	if (!query->grouped && key_of(query, column) != NULL)
		return true;
	ereport(WARNING,
			(errmsg("the scores of %s will be a table of the coordinator", query->relation),
			 query->grouped ? errdetail("With group_by every customer travels there and is scored there.")
							: errdetail("It is distributed by \"%s\", which does not identify the customer, so every "
										"customer travels there "
										"and is scored there.",
										column),
			 query->grouped
				 ? errhint("For scores that stay on the shards, make a set of them for each group, from a table "
						   "of its own.")
				 : errhint("For scores that stay on the shards, distribute the table by the customer.")));
	return false;
}

/*
 * Drops what is left of scores that were dropped by hand; something of another origin
 * under a name that is needed is an error.
 */
static void
make_room(const ScoresNames *names)
{
	const char *const relations[] = {names->fit_query, names->fit, names->histories, names->input};

	scores_drop_shards(names);
	for (int i = 0; i < lengthof(relations); i++)
		if (OidIsValid(scores_relation(relations[i])))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_TABLE),
					 errmsg("%s was not made by create_customer_scores, and is not replaced", relations[i]),
					 errhint("Rename it, or give the scores another name: this one is for what stands beside %s.",
							 names->scores)));
}

/* Makes a view of a query. */
static void
make_view(const ScoresNames *names, const char *view, const char *query)
{
	scores_run("CREATE VIEW %s AS\n%s", view, query);
	scores_run("COMMENT ON VIEW %s IS %s", view, quote_literal_cstr(scores_mark(names, SCORES_MARK_SHARDS)));
}

/* Makes an empty table with the columns of a view, distributed like another table. */
static void
make_like(const char *table, const char *view, const char *column, const char *neighbour)
{
	scores_run("CREATE TABLE %s AS SELECT q.* FROM %s AS q WITH NO DATA", table, view);
	scores_run("SELECT pg_catalog.create_distributed_table(%s::pg_catalog.regclass, %s::pg_catalog.text,\n"
			   "  colocate_with => %s::pg_catalog.text)",
			   quote_literal_cstr(table), quote_literal_cstr(column), quote_literal_cstr(neighbour));
}

/* The name of a column that is quoted, without the quotes. */
static char *
unquoted(const char *identifier)
{
	return strVal(linitial(textToQualifiedNameList(cstring_to_text(identifier))));
}

/* The column that a table with the columns of the scores is distributed by. */
static const char *
distribution_of(const char *relation)
{
	return citus_column(scores_relation(relation));
}

/* Writes the histories of all orders anew. */
static void
write_histories(const ScoresNames *names, Progress *progress)
{
	progress_phase(progress, "histories");
	scores_run("TRUNCATE TABLE %s", names->histories);

	int64 customers = scores_run("INSERT INTO %s SELECT q.* FROM %s AS q", names->histories, names->input);

	scores_run("ANALYZE %s", names->histories);
	progress_done(progress, customers, "histories written");
}

/* Fits anew: the only row of a table. */
static void
write_fit(const ScoresNames *names, Progress *progress)
{
	progress_phase(progress, "fit");
	scores_run("DELETE FROM %s", names->fit);
	scores_run("INSERT INTO %s SELECT q.* FROM %s AS q", names->fit, names->fit_query);
	scores_run("ANALYZE %s", names->fit);
	progress_done(progress, 1, "model fitted");
}

char *
distributed_refresh_rows(const ScoresNames *names)
{
	return psprintf("(SELECT pg_catalog.jsonb_build_object('model'::pg_catalog.text, f.model::pg_catalog.text,\n"
					"    'model_of_all'::pg_catalog.text, false,\n"
					"    'as_of'::pg_catalog.text, f.as_of, 'refreshed_at'::pg_catalog.text, CURRENT_TIMESTAMP) "
					"AS " SCORES_REFRESH "\n"
					"  FROM %s AS f)",
					names->fit);
}

int64
distributed_make(const ScoresNames *names, Oid relation, const ScoresQuery *asked, Progress *progress)
{
	ScoresQuery query = *asked;
	const char *column = citus_column(relation);
	const ScoresKey *key = key_of(asked, column);
	const char *generation = names->generations[0];

	make_room(names);
	query.on_shards = true;
	if (query.history == NULL)
	{
		make_view(names, names->input, scores_histories_text(&query));
		make_like(names->histories, names->input, unquoted(key->inner), query.relation);
		scores_run("COMMENT ON TABLE %s IS %s", names->histories,
				   quote_literal_cstr(scores_mark(names, SCORES_MARK_SHARDS)));
		write_histories(names, progress);
		query = scores_query_over(&query, names->histories);
	}

	make_view(names, names->fit_query, scores_fit_text(&query));
	scores_run("CREATE TABLE %s AS SELECT q.* FROM %s AS q WITH NO DATA", names->fit, names->fit_query);
	/* It is written by deleting its row, which a table that is published allows no other way. */
	scores_run("ALTER TABLE %s REPLICA IDENTITY FULL", names->fit);
	scores_run("SELECT pg_catalog.create_reference_table(%s::pg_catalog.regclass)", quote_literal_cstr(names->fit));
	scores_run("COMMENT ON TABLE %s IS %s", names->fit, quote_literal_cstr(scores_mark(names, SCORES_MARK_SHARDS)));
	write_fit(names, progress);

	query.fit_table = names->fit;
	query.kept_cuts = psprintf("(SELECT f.cuts FROM %s AS f)", names->fit);
	scores_run("CREATE VIEW %s AS\n%s", names->query, scores_query_text(&query, false));

	progress_phase(progress, "scores");
	make_like(generation, names->query, unquoted(key->output), query.relation);

	int64 customers = scores_run("INSERT INTO %s SELECT q.* FROM %s AS q", generation, names->query);

	progress_done(progress, customers, "customers scored");
	return customers;
}

void
distributed_write_histories(const ScoresNames *names, Progress *progress)
{
	if (scores_of_shards(names->histories))
		write_histories(names, progress);
}

void
distributed_write_fit(const ScoresNames *names, Progress *progress)
{
	int level = citus_settings(false);

	write_fit(names, progress);
	AtEOXact_GUC(false, level);
}

int64
distributed_write(const ScoresNames *names, const char *current, const char *fresh, Progress *progress)
{
	int level = citus_settings(false);

	progress_phase(progress, "scores");
	make_like(fresh, names->query, distribution_of(current), current);

	int64 customers = scores_run("INSERT INTO %s SELECT q.* FROM %s AS q", fresh, names->query);

	AtEOXact_GUC(false, level);
	progress_done(progress, customers, "customers scored");
	return customers;
}
