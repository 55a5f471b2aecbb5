/*
 * customer_scores.c
 *	  Scores that stay: as a materialized view, or as generations of a table.
 *
 * create_customer_scores acts with the caller's rights. Beside NAME it makes
 *
 *	- with storage 'materialized view': NAME, which REFRESH ... CONCURRENTLY refreshes;
 *	  NAME_bi, a plain view of it for tools that do not see materialized views; and
 *	  NAME_model, a plain view of what the last refresh fitted. refresh_customer_scores
 *	  adds NAME_refreshes, a table that keeps what each of its refreshes fitted, to that view.
 *	- with storage 'table': NAME_query, a view that is the query; NAME_generation_1 (or
 *	  _2), a table of its rows; NAME, a plain view of that table; and NAME_model, a table
 *	  with a row for each refresh and group. refresh_customer_scores writes the other
 *	  generation and lets NAME look at that.
 */
#include "compat.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_rewrite.h"
#include "commands/comment.h"
#include "commands/defrem.h"
#include "commands/vacuum.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/varlena.h"
#include "utils/resowner.h"

#include "reports/citus.h"
#include "reports/distributed.h"
#include "reports/fill.h"
#include "reports/hidden_rows.h"
#include "reports/orders_check.h"
#include "reports/progress.h"
#include "reports/scores_companion.h"
#include "reports/scores_query.h"
#include "reports/scores_relations.h"
#include "support/args.h"
#include "support/sql_text.h"

/* The arguments after those of the query. */
#define FIRST_QUERY_ARGUMENT 1
#define REPLACE_ARGUMENT 15
#define STORAGE_ARGUMENT 16
#define VERBOSE_ARGUMENT 17

/* Whether there are scores under this name; an error if they, or something else there, must not be replaced. */
static bool
finds_scores(const ScoresNames *names, bool replace)
{
	if (!OidIsValid(scores_relation(names->scores)))
		return false;
	if (!replace)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE), errmsg("relation %s already exists", names->scores),
				 are_scores(names) ? errhint("replace => true puts the new scores in its place.")
								   : errhint("Take another name.")));
	if (!are_scores(names))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s was not made by create_customer_scores, and is not replaced", names->scores),
				 errhint("Take another name, or drop it yourself.")));
	scores_refuse_other_owners(names);
	return true;
}

/*
 * What is kept of scores that are replaced; NULL: there are none. The first lock is that of a
 * refresh: the two follow one another, and what is there is looked up again after it.
 */
static ScoresKept *
make_room(const char *schema, const ScoresNames *names, bool table, bool replace)
{
	ScoresKept *kept;

	if (finds_scores(names, replace))
		(void) scores_lock(names);
	if (!finds_scores(names, replace))
	{
		scores_drop_leftovers(names, table, NULL);
		return NULL;
	}
	companion_save(schema, names);
	kept = scores_keep(names);
	scores_drop(names, kept);
	scores_drop_leftovers(names, table, companion_place(names, table));
	return kept;
}

/* The names of columns in a list with commas. */
static char *
column_list(List *columns)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	foreach (cell, columns)
		appendStringInfo(&out, "%s%s", out.len > 0 ? ", " : "", ((const ScoresColumn *) lfirst(cell))->name);
	return out.data;
}

static ScoresColumn *
refresh_column(const ScoresNames *names)
{
	ScoresColumn *column = palloc(sizeof(ScoresColumn));

	column->name = SCORES_REFRESH;
	column->comment = psprintf(SCORES_REFRESH_COMMENT "; read it from %s", names->model);
	return column;
}

/* A unique index for refreshes and for joins. */
static void
make_unique_index(const char *relation, const ScoresQuery *query)
{
	scores_run("CREATE UNIQUE INDEX ON %s (%s)", relation, scores_key_list(query, "", false));
}

/* The scores as a materialized view; gives the number of customers. */
static int64
make_materialized_view(const ScoresNames *names, const ScoresQuery *query, Progress *progress)
{
	List *columns = scores_query_columns(query);
	List *all_columns = lappend(list_copy(columns), refresh_column(names));

	progress_phase(progress, "scores");

	scores_run("CREATE MATERIALIZED VIEW %s AS\n%s\nWITH NO DATA", names->scores, scores_query_text(query, true));

	Oid view = scores_relation(names->scores);
	int64 customers = fill_relation(view, view, NULL);

	progress_done(progress, customers, "customers scored");
	progress_phase(progress, "indexes");
	make_unique_index(names->scores, query);
	/* and one that finds what was fitted */
	scores_run("CREATE INDEX ON %s" SCORES_FIT_INDEX, names->scores);
	scores_comment_on("MATERIALIZED VIEW", names->scores, SCORES_COMMENT, all_columns);
	scores_run("CREATE VIEW %s AS SELECT %s FROM %s", names->bi, column_list(columns), names->scores);
	scores_comment_on("VIEW", names->bi, SCORES_COMMENT, columns);
	companion_make_view(names, query);
	progress_done(progress, 2, "indexes made");
	return customers;
}

/* Drops what an interrupted refresh has left; a table that this file did not make is an error. */
static void
drop_leftover(const ScoresNames *names, const char *generation)
{
	if (!OidIsValid(scores_relation(generation)))
		return;
	scores_refuse_strangers(generation, SCORES_MARK_GENERATION);
	scores_run("DROP TABLE %s", generation);
}

/*
 * Makes a table of the rows of the query's view; gives their number, and a query of
 * those in which stands what was fitted: to search all rows for these would cost more than to note them.
 */
static int64
make_generation(const ScoresNames *names, const char *generation, char **fitted)
{
	StringInfoData places;
	int64 customers;

	initStringInfo(&places);
	scores_run("CREATE TABLE %s AS SELECT q.* FROM %s AS q WITH NO DATA", generation, names->query);
	customers = fill_relation(scores_relation(generation), scores_relation(names->query), &places);
	*fitted = psprintf("(SELECT g.* FROM pg_catalog.unnest('{%s}'::pg_catalog.tid[]) AS place JOIN %s AS g ON "
					   "g.ctid OPERATOR(pg_catalog.=) place.place)",
					   places.data, generation);
	return customers;
}

/*
 * So fine are the statistics of a generation (see ALTER TABLE ... SET STATISTICS), of which each has its own: at the
 * server's default they would cost a quarter of what it costs to score a million customers.
 */
#define STATISTICS_TARGET 20

/* Unless the server is to keep even less. */
static void
set_statistics(const char *generation, List *columns)
{
	StringInfoData actions;
	ListCell *cell;

	if (default_statistics_target <= STATISTICS_TARGET)
		return;
	initStringInfo(&actions);
	foreach (cell, columns)
		appendStringInfo(&actions, "%sALTER COLUMN %s SET STATISTICS %d", actions.len > 0 ? ", " : "",
						 ((const ScoresColumn *) lfirst(cell))->name, STATISTICS_TARGET);
	scores_run("ALTER TABLE %s %s", generation, actions.data);
}

/* Those of one generation for the other, also where users have changed them. */
static void
copy_statistics(const char *from, const char *to)
{
	scores_run("SELECT pg_catalog.string_agg(pg_catalog.format('ALTER COLUMN %%I SET STATISTICS "
			   "%%s'::pg_catalog.text,\n"
			   "  a.attname, a.attstattarget), ', '::pg_catalog.text) FROM pg_catalog.pg_attribute AS a\n"
			   "WHERE a.attrelid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid AND a.attnum OPERATOR(pg_catalog.>) "
			   "'0'::pg_catalog.int2\n"
			   "  AND NOT a.attisdropped AND a.attstattarget OPERATOR(pg_catalog.>=) '0'::pg_catalog.int4",
			   scores_relation(from));

	char *actions = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);

	if (actions != NULL)
		scores_run("ALTER TABLE %s %s", to, actions);
}

/* The scores as a view of the first generation of a table. */
static int64
make_table(const ScoresNames *names, const ScoresQuery *query, Progress *progress)
{
	List *columns = scores_query_columns(query);
	List *all_columns = lappend(list_copy(columns), refresh_column(names));
	const char *generation = names->generations[0];
	char *fitted;

	scores_run("CREATE VIEW %s AS\n%s", names->query, scores_query_text(query, true));
	scores_comment_on("VIEW", names->query, scores_mark(names, SCORES_MARK_QUERY), all_columns);
	progress_phase(progress, "scores");

	int64 customers = make_generation(names, generation, &fitted);

	progress_done(progress, customers, "customers scored");
	progress_phase(progress, "indexes");
	make_unique_index(generation, query);
	set_statistics(generation, all_columns);
	scores_run("ANALYZE %s", generation);
	scores_run("COMMENT ON TABLE %s IS %s", generation, quote_literal_cstr(scores_mark(names, SCORES_MARK_GENERATION)));
	scores_run("CREATE VIEW %s AS SELECT %s FROM %s", names->scores, column_list(columns), generation);
	scores_comment_on("VIEW", names->scores, SCORES_COMMENT, columns);
	companion_make_table(names, query, fitted);
	progress_done(progress, 1, "index made");
	return customers;
}

/* The same of a table that lies on several servers: the rows stay there. */
static int64
make_on_shards(const ScoresNames *names, Oid relation, const ScoresQuery *query, Progress *progress)
{
	List *columns = scores_query_columns(query);
	const char *generation = names->generations[0];
	int64 customers = distributed_make(names, relation, query, progress);

	scores_comment_on("VIEW", names->query, scores_mark(names, SCORES_MARK_QUERY), columns);
	progress_phase(progress, "indexes");
	scores_run("CREATE UNIQUE INDEX ON %s (%s)", generation, scores_key_list(query, "", false));
	scores_run("ANALYZE %s", generation);
	scores_run("COMMENT ON TABLE %s IS %s", generation, quote_literal_cstr(scores_mark(names, SCORES_MARK_GENERATION)));
	scores_run("CREATE VIEW %s AS SELECT %s FROM %s", names->scores, column_list(columns), generation);
	scores_comment_on("VIEW", names->scores, SCORES_COMMENT, columns);
	companion_make_table(names, query, distributed_refresh_rows(names));
	progress_done(progress, 1, "index made");
	return customers;
}

/* What reads a temporary table goes with the session, too; and no materialized view does. */
static void
refuse_temporary(Oid orders, text *name, bool table)
{
	const RangeVar *scores = makeRangeVarFromNameList(textToQualifiedNameList(name));

	if (get_rel_persistence(orders) != RELPERSISTENCE_TEMP ||
		(table && isTempNamespace(RangeVarGetCreationNamespace(scores))))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("%s is temporary, and %s would stay", get_rel_name(orders), text_to_cstring(name)),
			 errhint("Temporary scores go with the session: storage => 'table', and a name such as pg_temp.%s.",
					 quote_identifier(scores->relname))));
}

/* The server's error about the index would not name the column. */
static void
refuse_keys_without_order(const ScoresQuery *query)
{
	ListCell *cell;

	foreach (cell, query->keys)
	{
		const ScoresKey *key = lfirst(cell);

		if (!OidIsValid(GetDefaultOpClass(key->type, BTREE_AM_OID)))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("column %s is of type %s, which has no order to index it by", key->input,
							format_type_be(key->type)),
					 errhint("Make a view over the orders that casts it, to text for example.")));
	}
}

/* What the storage is to be: a table, or a materialized view. */
static bool
storage_is_table(const char *storage)
{
	if (pg_strcasecmp(storage, "table") == 0)
		return true;
	if (pg_strcasecmp(storage, "materialized view") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no storage \"%s\"", storage),
				 errhint("It is 'materialized view' or 'table'.")));
	return false;
}

/* Rows are checked before they are scored. Returns whether all histories are sure to be short enough. */
static bool
check_rows(const ScoresQuery *query, const OrdersTable *orders, Progress *progress)
{
	bool short_enough = true;

	progress_phase(progress, "check");
	if (query->history != NULL)
	{
		orders_check_histories(query->schema, query->relation, scores_known(query), query->history,
							   query->as_of == NULL ? "" : query->window);
		if (!query->one_row_each && !query->grouped)
			orders_check_single(orders);
	}
	else
	{
		short_enough = orders_check_rows(orders);
		orders_check_shared(orders);
	}
	progress_done(progress, 1, "table checked");
	return short_enough;
}

static int64
make_scores(bool table, const ScoresNames *names, const ScoresQuery *query, Progress *progress)
{
	return table ? make_table(names, query, progress) : make_materialized_view(names, query, progress);
}

/*
 * The same in a subtransaction: if it fails because a history is too long, the error is to
 * say whose, which the aggregate does not know.
 */
static int64
try_scores(bool table, const ScoresNames *names, const ScoresQuery *query, const OrdersTable *orders,
		   Progress *progress)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile int64 customers = 0;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		customers = make_scores(table, names, query, progress);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);

		ErrorData *error = CopyErrorData();

		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (error->sqlerrcode == ERRCODE_PROGRAM_LIMIT_EXCEEDED)
			orders_check_most(orders);
		ReThrowError(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return customers;
}

static void
check_scores(const ScoresNames *names, const ScoresQuery *query)
{
	if (!query->all_chosen)
		return;
	orders_check_scores(names->scores,
						list_length(query->keys) == 1 ? "s.customer_id"
													  : psprintf("ROW(%s)", scores_key_list(query, "s.", false)),
						query->order_id != NULL);
}

/* Says how many customers the rules leave without a segment. */
static void
check_rules(const ScoresNames *names, const ScoresQuery *query)
{
	bool isnull;
	int64 without;

	if (query->rules == NULL || get_attnum(scores_relation(names->scores), "segment") == InvalidAttrNumber ||
		get_attnum(scores_relation(names->scores), "rfm_score") == InvalidAttrNumber)
		return;
	scores_run("SELECT pg_catalog.count(*) FROM %s AS s WHERE s.segment IS NULL AND s.rfm_score IS NOT NULL",
			   names->scores);
	without = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	if (without > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " customer has no segment: no rule covers the score",
							   INT64_FORMAT " customers have no segment: no rule covers their scores",
							   (unsigned long) without, without),
				 errhint(
					 "segment_rules_check(rules) says which scores are not covered, and which are covered twice.")));
}

/* Says that nobody is scored. */
static void
say_empty(const ScoresNames *names)
{
	ereport(NOTICE,
			(errmsg("%s is empty: there are no orders to score", names->scores),
			 errhint("Refresh it when there are.")));
}

/* A count in the first row of the last query. */
static int64
counted(int column)
{
	bool isnull;

	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull));
}

/* Says that nobody is scored, or that there is no model to score them by; returns whether all have one. */
static bool
check_fit(const ScoresNames *names, int64 customers)
{
	const char *refreshed_at = companion_column(names->model, "refreshed_at");

	if (customers == 0)
	{
		say_empty(names);
		return false;
	}
	scores_run("SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE m.model IS NULL),\n"
			   "  pg_catalog.count(*) FILTER (WHERE m.model IS NOT NULL AND m.fit_status OPERATOR(pg_catalog.=) "
			   "'model_of_all'::pg_catalog.text)\n"
			   "FROM (SELECT k.%s AS model, k.%s AS fit_status, k.%s AS refreshed_at,\n"
			   "    pg_catalog.max(k.%s) OVER () AS last FROM %s AS k) AS m\n"
			   "WHERE m.refreshed_at OPERATOR(pg_catalog.=) m.last\n"
			   "  AND (m.fit_status OPERATOR(pg_catalog.=) 'no_orders'::pg_catalog.text) IS NOT TRUE",
			   companion_column(names->model, "model"), companion_column(names->model, "fit_status"), refreshed_at,
			   refreshed_at, names->model);

	int64 groups = counted(1);
	int64 without = counted(2);
	int64 of_all = counted(3);

	if (without > 0)
		ereport(NOTICE,
				(groups == 1 ? errmsg("there are too few customers for a model: scores that need one are missing")
							 : errmsg("there are too few customers for a model in " INT64_FORMAT " of " INT64_FORMAT
									  " groups: scores that need one are missing",
									  without, groups),
				 errhint("A model needs customers who came back. What the orders alone say is there.")));
	if (of_all > 0)
		ereport(NOTICE,
				(errmsg(INT64_FORMAT " of " INT64_FORMAT
									 " groups are too small for a model of their own, and have that of all customers",
						of_all, groups),
				 errhint("%s says which.", names->model)));
	return without == 0;
}

/* Says that a kept model gives nobody a value, though there are amounts. */
static void
check_values(const ScoresNames *names, const ScoresQuery *query)
{
	const char *clv = psprintf("clv_%sd", query->days);
	const char *status;

	if (query->kept_model == NULL || (query->amount == NULL && query->history == NULL) ||
		get_attnum(scores_relation(names->scores), clv) == InvalidAttrNumber ||
		get_attnum(scores_relation(names->scores), "score_status") == InvalidAttrNumber)
		return;
	scores_run("SELECT pg_catalog.count(s.%s), pg_catalog.max(s.score_status) FROM %s AS s", clv, names->scores);
	status = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2);
	if (counted(1) == 0 && status != NULL)
		ereport(NOTICE,
				(errmsg("no customer has a value: score_status is %s", status),
				 strcmp(status, "no_spend_model") == 0
					 ? errhint("The model has no spend part: keep one that was fitted to histories with amounts.")
					 : 0));
}

/*
 * create_customer_scores(view_name, orders, customer_id, ordered_at, amount, ...) → bigint
 *
 * Makes scores that can be refreshed, and gives the number of customers in them.
 */
PG_FUNCTION_INFO_V1(create_customer_scores);
Datum
create_customer_scores(PG_FUNCTION_ARGS)
{
	static const struct
	{
		int argument;
		const char *name;
	} required[] = {{0, "view_name"},
					{REPLACE_ARGUMENT, "replace"},
					{STORAGE_ARGUMENT, "storage"},
					{VERBOSE_ARGUMENT, "verbose"}};

	for (int i = 0; i < lengthof(required); i++)
		refuse_null(fcinfo, required[i].argument, required[i].name, NULL);
	refuse_read_only(fcinfo, InvalidOid);

	ScoresQuery query = scores_query_arguments(fcinfo, FIRST_QUERY_ARGUMENT);
	bool shards = distributed_scores_possible(PG_GETARG_OID(FIRST_QUERY_ARGUMENT), &query);
	bool table = storage_is_table(text_to_cstring(PG_GETARG_TEXT_PP(STORAGE_ARGUMENT))) || shards;
	ScoresNames names = scores_names(PG_GETARG_TEXT_PP(0));
	Progress progress;

	refuse_keys_without_order(&query);
	refuse_temporary(PG_GETARG_OID(FIRST_QUERY_ARGUMENT), PG_GETARG_TEXT_PP(0), table);

	int level = shards ? citus_settings(true) : 0;

	SPI_connect();
	progress_begin(&progress, "customer_scores", PG_GETARG_BOOL(VERBOSE_ARGUMENT));

	ScoresKept *kept = make_room(query.schema, &names, table, PG_GETARG_BOOL(REPLACE_ARGUMENT));
	const OrdersTable orders = {
		query.relation,    scores_known(&query), scores_customer(&query), query.time,     query.amount,
		query.amount_type, query.window,         query.order_id != NULL,  query.order_id,
	};

	notice_hidden_rows(PG_GETARG_OID(FIRST_QUERY_ARGUMENT));

	bool short_enough = check_rows(&query, &orders, &progress);
	int64 customers = shards ? make_on_shards(&names, PG_GETARG_OID(FIRST_QUERY_ARGUMENT), &query, &progress)
		: short_enough       ? make_scores(table, &names, &query, &progress)
							 : try_scores(table, &names, &query, &orders, &progress);

	scores_restore(kept, &names, table ? names.generations[0] : names.scores);
	check_scores(&names, &query);
	if (check_fit(&names, customers))
		check_values(&names, &query);
	check_rules(&names, &query);
	progress_end(&progress);
	if (shards)
		AtEOXact_GUC(false, level);
	SPI_finish();
	PG_RETURN_INT64(customers);
}

/* ------------------------------------------------------------- refresh */

/* So long readers may have to wait for a swap that waits for other readers, in milliseconds. */
#define SWAP_LOCK_TIMEOUT "40"

/* So long is waited between two attempts, in microseconds, so that readers come through. */
#define SWAP_PAUSE 200000L

/* Is this the table that the view reads? */
static bool
reads(Oid view, Oid table)
{
	scores_run("SELECT FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_rewrite AS r ON r.oid OPERATOR(pg_catalog.=) "
			   "d.objid\n"
			   "WHERE r.ev_class OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid AND d.refobjid OPERATOR(pg_catalog.=) "
			   "'%u'::pg_catalog.oid\n"
			   "  AND d.classid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid AND d.refclassid OPERATOR(pg_catalog.=) "
			   "'%u'::pg_catalog.oid",
			   view, table, (Oid) RewriteRelationId, (Oid) RelationRelationId);
	return SPI_processed > 0;
}

/* Which of the generations the view reads. */
static int
current_generation(Oid view, const ScoresNames *names)
{
	for (int i = 0; i < lengthof(names->generations); i++)
	{
		Oid table = scores_relation(names->generations[i]);

		if (OidIsValid(table) && reads(view, table))
			return i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s reads neither %s nor %s", names->scores, names->generations[0], names->generations[1]),
			 errhint("create_customer_scores(..., storage => 'table', replace => true) makes it anew.")));
}

/* Makes the indexes of one generation on the other, also those that users have added. */
static void
copy_indexes(const char *from, const char *to)
{
	ListCell *cell;

	foreach (cell, scores_indexes(from))
	{
		const ScoresIndex *index = lfirst(cell);

		scores_run("CREATE %sINDEX ON %s%s", index->unique ? "UNIQUE " : "", to, index->rest);
		scores_comment_index(index, to);
	}
}

/* Writes the generation that is not current, out of the way of readers; gives the rows in which stands what was fitted, too. */
static int64
write_generation(const ScoresNames *names, int current, Progress *progress, char **fitted)
{
	const char *fresh = names->generations[1 - current];
	int64 customers;

	drop_leftover(names, fresh);
	if (scores_on_shards(names))
	{
		customers = distributed_write(names, names->generations[current], fresh, progress);
		*fitted = distributed_refresh_rows(names);
	}
	else
	{
		progress_phase(progress, "scores");
		customers = make_generation(names, fresh, fitted);
		copy_statistics(names->generations[current], fresh);
		progress_done(progress, customers, "customers scored");
	}
	progress_phase(progress, "indexes");
	scores_copy_grants(names->generations[current], fresh);
	copy_indexes(names->generations[current], fresh);
	scores_run("COMMENT ON TABLE %s IS %s", fresh, quote_literal_cstr(scores_mark(names, SCORES_MARK_GENERATION)));
	scores_run("ANALYZE %s", fresh);
	progress_done(progress, customers, "customers indexed");
	return customers;
}

/* Locks a relation against readers, if that does not take long: who comes after us waits for us. */
static bool
lock_soon(Oid relation)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	int level = NewGUCNestLevel();
	volatile bool locked = true;

	(void) set_config_option("lock_timeout", SWAP_LOCK_TIMEOUT, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		LockRelationOid(relation, AccessExclusiveLock);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);

		ErrorData *error = CopyErrorData();

		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		locked = false;
		if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
			ReThrowError(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	AtEOXact_GUC(false, level);
	return locked;
}

/* A column that was added to the view is not one of the fresh generation's, whose column in its place is another. */
static void
refuse_added_columns(Oid view, const ScoresNames *names, const char *generation)
{
	Oid table = scores_relation(generation);
	const char *name;

	for (int i = 1; (name = get_attname(view, i, true)) != NULL; i++)
	{
		const char *column = get_attname(table, i, true);

		if (column == NULL || strcmp(column, SCORES_REFRESH) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("%s has a column \"%s\" that is none of the scores", names->scores, name),
					 errhint("Add it in a view over %s, and make the scores as they were: create_customer_scores(..., "
							 "storage => 'table', replace => true).",
							 names->scores)));
	}
}

/* The columns of a view, which are those of a generation in order, under names that users may have given them. */
static char *
view_columns(Oid view, Oid generation)
{
	StringInfoData out;
	Relation relation = relation_open(view, AccessShareLock);

	initStringInfo(&out);
	for (int i = 0; i < RelationGetNumberOfAttributes(relation); i++)
	{
		const char *name = NameStr(TupleDescAttr(RelationGetDescr(relation), i)->attname);
		const char *column = get_attname(generation, i + 1, true);

		appendStringInfo(&out, "%s%s AS %s", i > 0 ? ", " : "", quote_identifier(column == NULL ? name : column),
						 quote_identifier(name));
	}
	relation_close(relation, AccessShareLock);
	return out.data;
}

/*
 * Lets the view read the fresh generation. All that takes time is done before the view
 * is locked; what follows are a few rows of the catalogs, and the commit.
 */
static void
swap_generation(Oid view, const char *schema, const ScoresNames *names, int current, const char *fitted,
				Progress *progress)
{
	const char *fresh = names->generations[1 - current];
	Oid old = scores_relation(names->generations[current]);
	char *columns = view_columns(view, scores_relation(fresh));
	char *options = scores_view_options(names->scores);
	int64 attempts = 1;

	progress_phase(progress, "swap");
	companion_add(schema, names, fitted);
	for (; !lock_soon(view); attempts++)
	{
		CHECK_FOR_INTERRUPTS();
		pg_usleep(SWAP_PAUSE);
	}
	scores_run("CREATE OR REPLACE VIEW %s%s AS SELECT %s FROM %s", names->scores, options, columns, fresh);
	/* Who reads the table itself is left alone: then the next refresh drops it. */
	if (ConditionalLockRelationOid(old, AccessExclusiveLock))
		scores_run("DROP TABLE %s", names->generations[current]);
	progress_done(progress, attempts, attempts == 1 ? "attempt to lock the view" : "attempts to lock the view");
}

/* An error unless what is refreshed belongs to the current role, with all beside it. */
static void
check_owner(Oid view, const ScoresNames *names)
{
	if (!object_ownercheck(RelationRelationId, view, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_rel_relkind(view) == RELKIND_MATVIEW ? OBJECT_MATVIEW : OBJECT_VIEW,
					   names->scores);
	scores_refuse_other_owners(names);
}

/*
 * Whether this still is the relation of the scores, after a lock was waited for. If they have been
 * replaced by others of the same kind, those are refreshed; an error if there are none.
 */
static bool
is_still(Oid *view, char kind, const ScoresNames *names)
{
	Oid now = scores_relation(names->scores);

	if (now == *view)
		return true;
	if (!OidIsValid(now) || !are_scores(names) || get_rel_relkind(now) != kind)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s was dropped or replaced while refresh_customer_scores waited for it", names->scores),
				 errhint("If there are scores of this name, call it again.")));
	check_owner(now, names);
	*view = now;
	return false;
}

/* Refreshes a materialized view as its owner's schedule does, and keeps what was fitted. */
static void
refresh_materialized_view(Oid view, const char *schema, const ScoresNames *names, bool verbose)
{
	Progress progress;
	bool populated;

	progress_begin(&progress, "refresh_customer_scores", verbose);
	progress_phase(&progress, "scores");
	/* So REFRESH would lock it, too: refreshes follow one another. */
	while (scores_lock(names) != view)
		(void) is_still(&view, RELKIND_MATVIEW, names);
	populated = scores_are_populated(names);
	if (populated)
		companion_keep(schema, names, false);
	scores_run("REFRESH MATERIALIZED VIEW %s%s", populated ? "CONCURRENTLY " : "", names->scores);
	companion_keep(schema, names, true);
	if (scores_run("SELECT FROM %s AS s LIMIT 1", names->scores) == 0)
		say_empty(names);
	progress_done(&progress, 1, "view refreshed");
	progress_end(&progress);
}

/* Commits within a refresh. */
static void
commit_part(Progress *progress)
{
	progress_pause(progress);
	SPI_commit();
	progress_resume(progress);
}

/* What a refresh of scores on several servers does first, in transactions of its own. */
static void
refresh_on_shards(const ScoresNames *names, Progress *progress)
{
	distributed_write_histories(names, progress);
	commit_part(progress);
	distributed_write_fit(names, progress);
	commit_part(progress);
}

/*
 * Refreshes a table in two transactions: one writes the generation, the other swaps it
 * in, and holds the lock on the view for no longer than that. A lock of the session, which
 * readers do not meet, keeps other refreshes out from the first to the last; an error releases it.
 */
static void
refresh_table(Oid view, const char *schema, const ScoresNames *names, bool verbose)
{
	LockRelId session_lock = {.relId = view, .dbId = MyDatabaseId};
	Progress progress;
	int64 customers;
	char *fitted;
	int current;

	LockRelationIdForSession(&session_lock, ShareUpdateExclusiveLock);
	/* Another refresh may have ended while this one waited for it: see what it has left. */
	SPI_commit();
	while (!is_still(&view, RELKIND_VIEW, names))
	{
		UnlockRelationIdForSession(&session_lock, ShareUpdateExclusiveLock);
		session_lock.relId = view;
		LockRelationIdForSession(&session_lock, ShareUpdateExclusiveLock);
		SPI_commit();
	}

	current = current_generation(view, names);
	refuse_added_columns(view, names, names->generations[current]);
	progress_begin(&progress, "refresh_customer_scores", verbose);
	if (scores_on_shards(names))
		refresh_on_shards(names, &progress);
	customers = write_generation(names, current, &progress, &fitted);
	commit_part(&progress);
	swap_generation(view, schema, names, current, fitted, &progress);
	progress_end(&progress);
	SPI_commit();
	if (customers == 0)
		say_empty(names);
	UnlockRelationIdForSession(&session_lock, ShareUpdateExclusiveLock);
}

/* refresh_customer_scores(name, verbose): the scores anew, of a table or a materialized view */
PG_FUNCTION_INFO_V1(refresh_customer_scores);
Datum
refresh_customer_scores(PG_FUNCTION_ARGS)
{
	bool atomic =
		fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) || castNode(CallContext, fcinfo->context)->atomic;

	refuse_null(fcinfo, 0, "name", NULL);
	refuse_null(fcinfo, 1, "verbose", NULL);
	refuse_read_only(fcinfo, InvalidOid);

	Oid view = PG_GETARG_OID(0);
	const char *schema = sql_extension_schema(fcinfo);
	const char *name = sql_relation(view);
	ScoresNames names = scores_names(cstring_to_text(name));

	if (scores_kind(name) == RELKIND_VIEW && scores_kind(names.model) == RELKIND_RELATION &&
		!OidIsValid(scores_relation(names.query)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE), errmsg("%s, the query of %s, is missing", names.query, name),
				 errhint("DROP ... CASCADE of a column or table that it reads takes it away. Drop %s and %s, and make "
						 "the "
						 "scores again.",
						 name, names.model)));
	if (!are_scores(&names))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("%s was not made by create_customer_scores", name),
				 errhint("If it was renamed, rename it back, or rename what stands beside it, too: %s, and so on.",
						 names.model)));
	check_owner(view, &names);
	if (get_rel_relkind(view) == RELKIND_MATVIEW)
	{
		SPI_connect();
		refresh_materialized_view(view, schema, &names, PG_GETARG_BOOL(1));
		SPI_finish();
		PG_RETURN_VOID();
	}
	if (atomic)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("refresh_customer_scores cannot run inside a transaction block or a function"),
				 errdetail("It commits what it has written before it locks the view, so that readers do not wait."),
				 errhint("CALL it as a statement of its own.")));
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	refresh_table(view, schema, &names, PG_GETARG_BOOL(1));
	SPI_finish();
	PG_RETURN_VOID();
}
