/*
 * scores_relations.c
 *	  The relations of one set of scores: their names, and what is kept of them when they are replaced.
 *
 * create_customer_scores(…, replace => true) drops the old relations and makes
 * new ones. What users have added to them is written down before and given to the new
 * ones after: grants, also on columns; comments that are not ours; indexes; options. What
 * else depends on a relation without keeping it from being dropped (triggers, rules,
 * statistics, publications) is named in a notice.
 */
#include "compat.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/comment.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "reports/scores_query.h"
#include "reports/scores_relations.h"
#include "reports/snapshots.h"
#include "support/sql_text.h"

#define BI_SUFFIX "_bi"
#define MODEL_SUFFIX "_model"
#define REFRESHES_SUFFIX "_refreshes"
#define QUERY_SUFFIX "_query"
#define FIRST_GENERATION_SUFFIX "_generation_1"
#define SECOND_GENERATION_SUFFIX "_generation_2"
#define FIT_SUFFIX "_fit"
#define FIT_QUERY_SUFFIX "_fit_query"
#define HISTORIES_SUFFIX "_histories"
#define INPUT_SUFFIX "_input"

/* The longest suffix fits behind a name of so many bytes. */
#define LONGEST_NAME (NAMEDATALEN - (int) sizeof(FIRST_GENERATION_SUFFIX))

/* The relations that users have to do with, which grants, comments and options are kept of. */
#define PUBLIC_RELATIONS 4

/* Those that only scores of tables on several servers have. */
#define DISTRIBUTED_RELATIONS 4

uint64
scores_run(const char *format, ...)
{
	va_list arguments;
	StringInfoData statement;
	int missing;

	initStringInfo(&statement);
	do
	{
		va_start(arguments, format);
		missing = appendStringInfoVA(&statement, format, arguments);
		va_end(arguments);
		if (missing > 0)
			enlargeStringInfo(&statement, missing);
	} while (missing > 0);
	return sql_run(statement.data);
}

/* Names are not cut for their suffixes: two long ones would have the same relations beside them. */
ScoresNames
scores_names(text *name)
{
	const char *relation = makeRangeVarFromNameList(textToQualifiedNameList(name))->relname;
	ScoresNames names = {.scores = sql_new_relation(name, "")};

	if ((int) strlen(relation) > LONGEST_NAME)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG), errmsg("the name \"%s\" is too long for scores", relation),
				 errdetail("What stands beside them is called the same, with " FIRST_GENERATION_SUFFIX
						   " and the like behind it."),
				 errhint("It may have %d bytes.", LONGEST_NAME)));
	names.bi = sql_new_relation(name, BI_SUFFIX);
	names.model = sql_new_relation(name, MODEL_SUFFIX);
	names.refreshes = sql_new_relation(name, REFRESHES_SUFFIX);
	names.query = sql_new_relation(name, QUERY_SUFFIX);
	names.generations[0] = sql_new_relation(name, FIRST_GENERATION_SUFFIX);
	names.generations[1] = sql_new_relation(name, SECOND_GENERATION_SUFFIX);
	names.fit = sql_new_relation(name, FIT_SUFFIX);
	names.fit_query = sql_new_relation(name, FIT_QUERY_SUFFIX);
	names.histories = sql_new_relation(name, HISTORIES_SUFFIX);
	names.input = sql_new_relation(name, INPUT_SUFFIX);
	return names;
}

Oid
scores_relation(const char *name)
{
	return RangeVarGetRelid(makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(name))), NoLock, true);
}

Oid
scores_lock(const ScoresNames *names)
{
	return RangeVarGetRelid(makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(names->scores))),
							ExclusiveLock, true);
}

char
scores_kind(const char *name)
{
	Oid relation = scores_relation(name);

	return OidIsValid(relation) ? get_rel_relkind(relation) : '\0';
}

bool
are_scores(const ScoresNames *names)
{
	char model = scores_kind(names->model);

	return (scores_kind(names->scores) == RELKIND_MATVIEW && model == RELKIND_VIEW) ||
		(scores_kind(names->scores) == RELKIND_VIEW && scores_kind(names->query) == RELKIND_VIEW &&
		 model == RELKIND_RELATION);
}

/* The owner's views run with the rights of the caller here, and so do triggers of a table that is written. */
void
scores_refuse_other_owners(const ScoresNames *names)
{
	const char *const relations[] = {
		names->scores,         names->bi,  names->model,     names->refreshes, names->query, names->generations[0],
		names->generations[1], names->fit, names->fit_query, names->histories, names->input,
	};
	int count = scores_on_shards(names) ? lengthof(relations) : lengthof(relations) - DISTRIBUTED_RELATIONS;

	for (int i = 0; i < count; i++)
	{
		Oid relation = scores_relation(relations[i]);

		if (OidIsValid(relation))
			sql_refuse_other_owner(relation, "views");
	}
}

const char *
scores_bare_name(const char *name)
{
	return quote_identifier(strVal(llast(textToQualifiedNameList(cstring_to_text(name)))));
}

/* After REFRESH … WITH NO DATA, or in a dump that was restored without data, they are not. */
bool
scores_are_populated(const ScoresNames *names)
{
	Relation relation = relation_open(scores_relation(names->scores), AccessShareLock);
	bool populated = RelationIsPopulated(relation);

	relation_close(relation, NoLock);
	return populated;
}

/*
 * The comments by which what we made is known again. The names in them are for readers: a
 * relation may have been renamed, or its schema, since then.
 */
static const struct
{
	const char *before; /* the name of the scores */
	const char *after;
} marks[] = {
	[SCORES_MARK_QUERY] = {"the query whose rows refresh_customer_scores stores for ", ""},
	[SCORES_MARK_GENERATION] = {"stored rows of ", ": read that, this comes and goes"},
	[SCORES_MARK_REFRESHES] = {"what refresh_customer_scores has kept of the refreshes of ", ""},
	[SCORES_MARK_SHARDS] = {"made by create_customer_scores for ",
							", which is distributed: refresh_customer_scores writes it"},
};

char *
scores_mark(const ScoresNames *names, ScoresMark mark)
{
	const char *scores = scores_bare_name(names->scores);

	if (mark == SCORES_MARK_REFRESHES)
		return psprintf("%s%s: read %s", marks[mark].before, scores, scores_bare_name(names->model));
	return psprintf("%s%s%s", marks[mark].before, scores, marks[mark].after);
}

bool
scores_has_mark(const char *name, ScoresMark mark)
{
	char *found = GetComment(scores_relation(name), RelationRelationId, 0);
	size_t before = strlen(marks[mark].before);
	size_t after = strlen(marks[mark].after);

	return found != NULL && strlen(found) > before + after && strncmp(found, marks[mark].before, before) == 0 &&
		strcmp(found + strlen(found) - after, marks[mark].after) == 0;
}

void
scores_refuse_strangers(const char *name, ScoresMark mark)
{
	if (!scores_has_mark(name, mark))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("%s was not made by create_customer_scores, and is not replaced", name),
				 errhint("Rename it: the scores need this name.")));
}

bool
scores_of_shards(const char *relation)
{
	return scores_has_mark(relation, SCORES_MARK_SHARDS);
}

bool
scores_on_shards(const ScoresNames *names)
{
	return scores_of_shards(names->fit) && scores_kind(names->fit) == RELKIND_RELATION;
}

void
scores_comment_on(const char *kind, const char *relation, const char *comment, List *columns)
{
	ListCell *cell;

	scores_run("COMMENT ON %s %s IS %s", kind, relation, quote_literal_cstr(comment));
	foreach (cell, columns)
	{
		const ScoresColumn *column = lfirst(cell);

		scores_run("COMMENT ON COLUMN %s.%s IS %s", relation, column->name, quote_literal_cstr(column->comment));
	}
}

char *
scores_view_options(const char *view)
{
	char *options;

	scores_run("SELECT ' WITH (' OPERATOR(pg_catalog.||) pg_catalog.array_to_string(c.reloptions, ', "
			   "'::pg_catalog.text) OPERATOR(pg_catalog.||) ')'\n"
			   "FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid",
			   scores_relation(view));
	options = SPI_processed == 0 ? NULL : SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	return options == NULL ? "" : options;
}

/* A column of a row of the last query, as text; NULL: it is null. */
static char *
row_text(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

/* What goes with a relation without a word. */
static const char *const lost_query =
	"SELECT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_catalog.pg_depend AS d\n"
	"WHERE d.refclassid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid AND d.refobjid OPERATOR(pg_catalog.=) "
	"'%u'::pg_catalog.oid\n"
	"  AND d.deptype::pg_catalog.text OPERATOR(pg_catalog.=) 'a'::pg_catalog.text AND d.classid "
	"OPERATOR(pg_catalog.<>) '%u'::pg_catalog.oid";

static List *
lost_with(Oid relation)
{
	List *lost = NIL;
	uint64 rows = scores_run(lost_query, (Oid) RelationRelationId, relation, (Oid) RelationRelationId);

	for (uint64 i = 0; i < rows; i++)
		lost = list_append_unique(lost, makeString(row_text(i, 1)));
	return lost;
}

static void
say_lost(const char *what)
{
	ereport(NOTICE, (errmsg("%s is lost", what), errhint("It belonged to what was replaced: make it again.")));
}

/* ---------------------------------------------------------------- dropping */

/* Drops a relation that may be of several kinds, if it is there. */
static void
drop_relation(const char *name)
{
	MemoryContext caller = CurrentMemoryContext;
	char kind = scores_kind(name);

	if (kind == '\0')
		return;
	PG_TRY();
	{
		scores_run("DROP %s %s",
				   kind == RELKIND_VIEW          ? "VIEW"
					   : kind == RELKIND_MATVIEW ? "MATERIALIZED VIEW"
												 : "TABLE",
				   name);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);

		ErrorData *error = CopyErrorData();

		if (error->sqlerrcode == ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST)
		{
			FlushErrorState();
			ereport(ERROR,
					(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					 errmsg("%s cannot be replaced: other objects depend on it", name),
					 error->detail == NULL ? 0 : errdetail("%s", error->detail),
					 errhint("Drop them, and make them again when the scores are there; or give the new scores another "
							 "name.")));
		}
		PG_RE_THROW();
	}
	PG_END_TRY();
}

void
scores_lose(const char *name, const char *what)
{
	ListCell *cell;
	List *lost = lost_with(scores_relation(name));

	scores_run("SELECT pg_catalog.count(*) FROM %s AS r", name);
	ereport(NOTICE,
			(errmsg("%s, kept in %s, is lost", what, name), errdetail("Rows: %s.", row_text(0, 1)),
			 errhint("The new scores have other groups, or none of the columns it needs.")));
	drop_relation(name);
	foreach (cell, lost)
		say_lost(strVal(lfirst(cell)));
}

/* Those that only scores of tables on several servers have, in the order in which they can be dropped. */
static const char *
shard_relation(const ScoresNames *names, int i)
{
	const char *const relations[DISTRIBUTED_RELATIONS] = {names->fit_query, names->fit, names->histories, names->input};

	return relations[i];
}

void
scores_drop_shards(const ScoresNames *names)
{
	for (int i = 0; i < DISTRIBUTED_RELATIONS; i++)
	{
		const char *name = shard_relation(names, i);

		if (scores_of_shards(name))
			scores_run("DROP %s %s", scores_kind(name) == RELKIND_VIEW ? "VIEW" : "TABLE", name);
	}
}

/* Whether a table has the columns of what refreshes fitted, one behind the other: users may have changed its comment. */
static bool
is_model_table(const char *name)
{
	List *columns = scores_model_columns();
	Oid table = scores_relation(name);
	AttrNumber first = get_attnum(table, ((const ScoresColumn *) linitial(columns))->name);
	ListCell *cell;

	if (first == InvalidAttrNumber || get_rel_relkind(table) != RELKIND_RELATION)
		return false;
	foreach (cell, columns)
		if (get_attnum(table, ((const ScoresColumn *) lfirst(cell))->name) != first + foreach_current_index(cell))
			return false;
	return true;
}

/* Whether a relation, which is there, is what scores have under this name. */
static bool
is_leftover(const ScoresNames *names, const char *name)
{
	char *comment;

	if (strcmp(name, names->model) == 0)
		return is_model_table(name);
	if (strcmp(name, names->refreshes) == 0)
		return scores_has_mark(name, SCORES_MARK_REFRESHES);
	if (strcmp(name, names->query) == 0)
		return scores_has_mark(name, SCORES_MARK_QUERY);
	if (strcmp(name, names->bi) != 0)
		return scores_has_mark(name, SCORES_MARK_GENERATION);
	comment = GetComment(scores_relation(name), RelationRelationId, 0);
	return comment != NULL && strcmp(comment, SCORES_COMMENT) == 0;
}

void
scores_drop_leftovers(const ScoresNames *names, bool table, const char *kept)
{
	const struct
	{
		const char *name;
		bool needed;
	} relations[] = {
		{names->bi, !table},
		{names->model, true},
		{names->refreshes, false},
		{names->generations[0], table},
		{names->generations[1], table},
		{names->query, table},
	};

	for (int i = 0; i < lengthof(relations); i++)
	{
		const char *name = relations[i].name;

		if (!OidIsValid(scores_relation(name)) || (kept != NULL && strcmp(name, kept) == 0))
			continue;
		if (is_leftover(names, name))
		{
			drop_relation(name);
			ereport(NOTICE, (errmsg("%s, left of scores that were dropped, is dropped, too", name)));
		}
		else if (relations[i].needed)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_TABLE),
					 errmsg("%s was not made by create_customer_scores, and is not replaced", name),
					 errhint("Rename it, or give the scores another name: this one is for what stands beside %s.",
							 names->scores)));
	}
}

/* ---------------------------------------------------------------- indexes */

/* Definitions name the schema of temporary tables pg_temp, whatever it is called. */
static ScoresIndex *
read_index(Oid index, Oid table)
{
	ScoresIndex *read = palloc(sizeof(ScoresIndex));
	char *definition = TextDatumGetCString(DirectFunctionCall1(pg_get_indexdef, ObjectIdGetDatum(index)));
	const char *name =
		quote_qualified_identifier(get_namespace_name_or_temp(get_rel_namespace(table)), get_rel_name(table));
	char *rest = strstr(definition, psprintf(" ON %s USING ", name));

	if (rest == NULL)
		elog(ERROR, "index definition is not understood: %s", definition);
	read->name = quote_identifier(get_rel_name(index));
	read->unique = strncmp(definition, "CREATE UNIQUE ", strlen("CREATE UNIQUE ")) == 0;
	read->rest = rest + strlen(" ON ") + strlen(name);
	read->comment = GetComment(index, RelationRelationId, 0);
	return read;
}

List *
scores_indexes(const char *relation)
{
	Oid table = scores_relation(relation);
	Relation opened = relation_open(table, AccessShareLock);
	List *indexes = RelationGetIndexList(opened);
	List *list = NIL;
	ListCell *cell;

	relation_close(opened, NoLock);
	foreach (cell, indexes)
		list = lappend(list, read_index(lfirst_oid(cell), table));
	return list;
}

/* The index of a relation that is like one of another; NULL: there is none. */
static const ScoresIndex *
index_like(const ScoresIndex *index, const char *relation)
{
	ListCell *cell;

	foreach (cell, scores_indexes(relation))
		if (strcmp(((const ScoresIndex *) lfirst(cell))->rest, index->rest) == 0)
			return lfirst(cell);
	return NULL;
}

void
scores_comment_index(const ScoresIndex *index, const char *relation)
{
	const ScoresIndex *like = index_like(index, relation);

	if (index->comment != NULL && like != NULL)
		scores_run("COMMENT ON INDEX %s.%s IS %s",
				   quote_identifier(get_namespace_name(get_rel_namespace(scores_relation(relation)))), like->name,
				   quote_literal_cstr(index->comment));
}

/* ---------------------------------------------------------------- what is kept */

/* A row of a grant, or of a comment: on a column, or on the whole relation. */
typedef struct KeptGrant
{
	const char *column; /* NULL: all */
	const char *privilege;
	const char *to; /* quoted */
	bool grantable;
} KeptGrant;

typedef struct KeptComment
{
	const char *column; /* NULL: of the relation */
	const char *text;
} KeptComment;

/* What was set of a column, or (column NULL) of the relation, as ALTER says it. */
typedef struct KeptSetting
{
	const char *column;
	const char *action;
} KeptSetting;

typedef struct KeptRelation
{
	const char *name;
	char kind;
	const char *options; /* NULL: none */
	List *grants;        /* of KeptGrant */
	List *comments;      /* of KeptComment */
	List *settings;      /* of KeptSetting */
} KeptRelation;

/* Snapshots, whose view of the scores is dropped and made again. */
typedef struct KeptSnapshots
{
	Oid changes;
	const char *over;  /* the scores, or their plain view */
	const char *value; /* the column of theirs that was the expected value; NULL: none */
	int others;        /* the other columns that they could take, see snapshots_has_others */
	KeptRelation source;
} KeptSnapshots;

struct ScoresKept
{
	KeptRelation relations[PUBLIC_RELATIONS];
	List *indexes; /* of ScoresIndex */
	ScoresIndex *key_index;
	KeptRelation rows; /* the table that held the rows; kind '\0': there was none */
	KeptRelation shards[DISTRIBUTED_RELATIONS];
	List *lost;      /* of String: descriptions */
	List *snapshots; /* of KeptSnapshots */
};

static const char *const grants_query =
	"SELECT NULL::pg_catalog.name, a.privilege_type, a.grantee, a.is_grantable\n"
	"FROM pg_catalog.pg_class AS c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS a\n"
	"WHERE c.oid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid AND a.grantee OPERATOR(pg_catalog.<>) c.relowner\n"
	"UNION ALL SELECT t.attname, a.privilege_type, a.grantee, a.is_grantable\n"
	"FROM pg_catalog.pg_attribute AS t JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) t.attrelid\n"
	"  CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) AS a\n"
	"WHERE t.attrelid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid AND NOT t.attisdropped AND a.grantee "
	"OPERATOR(pg_catalog.<>) c.relowner";

static const char *const comments_query =
	"SELECT t.attname, d.description FROM pg_catalog.pg_description AS d LEFT JOIN pg_catalog.pg_attribute AS t\n"
	"  ON t.attrelid OPERATOR(pg_catalog.=) d.objoid AND t.attnum OPERATOR(pg_catalog.=) d.objsubid AND d.objsubid "
	"OPERATOR(pg_catalog.<>) 0\n"
	"WHERE d.classoid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid AND d.objoid OPERATOR(pg_catalog.=) "
	"'%u'::pg_catalog.oid";

static const char *const options_query =
	"SELECT pg_catalog.array_to_string(c.reloptions, ', '::pg_catalog.text)\n"
	"FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid";

/* Targets of statistics, storage and compression where they are not those of the type, and the index of CLUSTER. */
static const char *const settings_query =
	"SELECT t.attname, pg_catalog.concat('SET STATISTICS '::pg_catalog.text, t.attstattarget)\n"
	"FROM pg_catalog.pg_attribute AS t WHERE t.attrelid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid\n"
	"  AND t.attnum OPERATOR(pg_catalog.>) '0'::pg_catalog.int4 AND NOT t.attisdropped\n"
	"  AND t.attstattarget OPERATOR(pg_catalog.>=) '0'::pg_catalog.int4\n"
	"UNION ALL SELECT t.attname, pg_catalog.concat('SET STORAGE '::pg_catalog.text, s.column2)\n"
	"FROM pg_catalog.pg_attribute AS t JOIN pg_catalog.pg_type AS y ON y.oid OPERATOR(pg_catalog.=) t.atttypid\n"
	"  JOIN (VALUES ('p'::pg_catalog.text, 'PLAIN'::pg_catalog.text), ('e', 'EXTERNAL'), ('m', 'MAIN'), ('x', "
	"'EXTENDED')) "
	"AS s\n"
	"  ON s.column1 OPERATOR(pg_catalog.=) t.attstorage::pg_catalog.text\n"
	"WHERE t.attrelid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid AND t.attnum OPERATOR(pg_catalog.>) "
	"'0'::pg_catalog.int4\n"
	"  AND NOT t.attisdropped AND s.column1 OPERATOR(pg_catalog.<>) y.typstorage::pg_catalog.text\n"
	"UNION ALL SELECT t.attname, pg_catalog.concat('SET COMPRESSION '::pg_catalog.text, s.column2)\n"
	"FROM pg_catalog.pg_attribute AS t JOIN (VALUES ('p'::pg_catalog.text, 'pglz'::pg_catalog.text), ('l', 'lz4')) AS "
	"s\n"
	"  ON s.column1 OPERATOR(pg_catalog.=) t.attcompression::pg_catalog.text\n"
	"WHERE t.attrelid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid AND NOT t.attisdropped\n"
	"UNION ALL SELECT t.attname, pg_catalog.concat('SET ('::pg_catalog.text, o.o, ')'::pg_catalog.text)\n"
	"FROM pg_catalog.pg_attribute AS t CROSS JOIN LATERAL pg_catalog.unnest(t.attoptions) AS o\n"
	"WHERE t.attrelid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid AND NOT t.attisdropped\n"
	"  AND pg_catalog.starts_with(o.o, 'n_distinct'::pg_catalog.text)\n"
	"UNION ALL SELECT NULL::pg_catalog.name, pg_catalog.concat('CLUSTER ON '::pg_catalog.text, "
	"pg_catalog.quote_ident(c.relname::pg_catalog.text))\n"
	"FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid\n"
	"WHERE i.indrelid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid AND i.indisclustered";

static const char *
role_text(Oid role)
{
	return OidIsValid(role) ? quote_identifier(GetUserNameFromId(role, false)) : "PUBLIC";
}

static List *
grants_of(Oid relation)
{
	List *grants = NIL;
	uint64 rows = scores_run(grants_query, relation, relation);

	for (uint64 i = 0; i < rows; i++)
	{
		KeptGrant *grant = palloc(sizeof(KeptGrant));
		bool isnull;

		grant->column = row_text(i, 1);
		grant->privilege = row_text(i, 2);
		grant->to =
			role_text(DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3, &isnull)));
		grant->grantable = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 4, &isnull));
		grants = lappend(grants, grant);
	}
	return grants;
}

/* The comments that users have made. */
static List *
comments_of(Oid relation)
{
	List *comments = NIL;
	uint64 rows = scores_run(comments_query, (Oid) RelationRelationId, relation);

	for (uint64 i = 0; i < rows; i++)
	{
		KeptComment *comment = palloc(sizeof(KeptComment));

		comment->column = row_text(i, 1);
		comment->text = row_text(i, 2);
		if (!scores_own_comment(comment->text))
			comments = lappend(comments, comment);
	}
	return comments;
}

static List *
settings_of(Oid relation)
{
	List *settings = NIL;
	uint64 rows = scores_run(settings_query, relation, relation, relation, relation, relation);

	for (uint64 i = 0; i < rows; i++)
	{
		KeptSetting *setting = palloc(sizeof(KeptSetting));

		setting->column = row_text(i, 1);
		setting->action = row_text(i, 2);
		settings = lappend(settings, setting);
	}
	return settings;
}

static KeptRelation
keep_relation(const char *name)
{
	KeptRelation kept = {.name = name, .kind = scores_kind(name)};
	Oid relation = scores_relation(name);

	if (!OidIsValid(relation))
		return kept;
	kept.grants = grants_of(relation);
	kept.comments = comments_of(relation);
	kept.settings = settings_of(relation);
	kept.options = scores_run(options_query, relation) == 0 ? NULL : row_text(0, 1);
	return kept;
}

static List *
keep_snapshots(const char *over)
{
	List *list = NIL;
	ListCell *cell;

	foreach (cell, snapshots_over(scores_relation(over)))
	{
		KeptSnapshots *kept = palloc(sizeof(KeptSnapshots));

		kept->changes = lfirst_oid(cell);
		kept->over = over;
		kept->value = snapshots_value(scores_relation(over));
		kept->others = snapshots_has_others(scores_relation(over));
		kept->source = keep_relation(snapshots_source(kept->changes));
		list = lappend(list, kept);
	}
	return list;
}

/* Values of another horizon cannot be compared with those before. */
static void
say_other_value(const KeptSnapshots *snapshots, Oid scores)
{
	const char *value = snapshots_value(scores);

	if (snapshots->value != NULL && (value == NULL || strcmp(value, snapshots->value) != 0))
		ereport(WARNING,
				(errmsg("snapshots \"%s\" took their value from %s, and from now on %s",
						get_rel_name(snapshots->changes), snapshots->value,
						value == NULL ? "have none" : psprintf("from %s", value)),
				 errhint("What moves lose or gain between the days before and after says nothing: take other "
						 "snapshots, or score with the horizon there was.")));
}

/* Columns that are gone would stay empty in every later snapshot. */
static void
say_missing_columns(const KeptSnapshots *snapshots, Oid scores)
{
	int missing = snapshots->others & ~snapshots_has_others(scores);
	StringInfoData columns;

	if (missing == 0)
		return;
	initStringInfo(&columns);
	for (int i = 0; i < SNAPSHOTS_OTHERS; i++)
		if (missing & 1 << i)
			appendStringInfo(&columns, "%s%s", columns.len == 0 ? "" : " and ", snapshots_others[i]);
	ereport(WARNING,
			(errmsg("snapshots \"%s\" took %s from the scores, which from now on have none",
					get_rel_name(snapshots->changes), columns.data),
			 missing & 1
				 ? errhint("Every customer would seem to leave their lifecycle: score with the columns there were.")
				 : errhint("Score with the columns there were, or say the day of each snapshot: "
						   "take_snapshot(name, as_of => ...).")));
}

/* Whether an index is that of materialized views which finds what was fitted. */
static bool
finds_fit(const ScoresIndex *index)
{
	return strcmp(index->rest, SCORES_FIT_INDEX) == 0;
}

ScoresKept *
scores_keep(const ScoresNames *names)
{
	ScoresKept *kept = palloc0(sizeof(ScoresKept));
	const char *const relations[] = {names->scores,        names->bi, names->model, names->query, names->generations[0],
									 names->generations[1]};

	for (int i = 0; i < PUBLIC_RELATIONS; i++)
		kept->relations[i] = keep_relation(relations[i]);
	for (int i = 0; i < DISTRIBUTED_RELATIONS; i++)
		if (scores_of_shards(shard_relation(names, i)))
			kept->shards[i] = keep_relation(shard_relation(names, i));
	kept->snapshots = list_concat(keep_snapshots(names->scores), keep_snapshots(names->bi));
	for (int i = 0; i < lengthof(relations); i++)
	{
		char kind = scores_kind(relations[i]);
		ListCell *cell;

		if (kind == '\0')
			continue;
		/* a table of what refreshes fitted stays as it is */
		if (relations[i] == names->model && kind == RELKIND_RELATION)
			continue;
		kept->lost = list_concat(kept->lost, lost_with(scores_relation(relations[i])));
		if (kind == RELKIND_VIEW)
			continue;
		if (kind == RELKIND_RELATION)
			kept->rows = keep_relation(relations[i]);
		foreach (cell, scores_indexes(relations[i]))
		{
			/* The first is that over the key, which may be another one from now on. */
			if (kept->key_index == NULL && ((const ScoresIndex *) lfirst(cell))->unique)
				kept->key_index = lfirst(cell);
			else if (!finds_fit(lfirst(cell)))
				kept->indexes = lappend(kept->indexes, lfirst(cell));
		}
	}
	return kept;
}

void
scores_drop(const ScoresNames *names, const ScoresKept *kept)
{
	ListCell *cell;

	foreach (cell, kept->snapshots)
		drop_relation(((const KeptSnapshots *) lfirst(cell))->source.name);
	if (scores_kind(names->scores) == RELKIND_MATVIEW)
	{
		drop_relation(names->bi);
		drop_relation(names->model);
		drop_relation(names->scores);
	}
	else
	{
		drop_relation(names->scores);
		for (int i = 0; i < lengthof(names->generations); i++)
			if (OidIsValid(scores_relation(names->generations[i])) &&
				scores_has_mark(names->generations[i], SCORES_MARK_GENERATION))
				drop_relation(names->generations[i]);
		drop_relation(names->query);
		scores_drop_shards(names);
	}
}

/* ---------------------------------------------------------------- and given back */

/* Runs a statement that may fail without harm: then its error, or NULL. */
static char *
try_to_run(const char *statement)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	char *volatile message = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		(void) sql_run(statement);
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
		/* What does not come from the statement is no answer to it. */
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
			ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INSUFFICIENT_RESOURCES)
			ReThrowError(error);
		message = error->message;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return message;
}

static bool
has_column(const char *relation, const char *column)
{
	return column == NULL || get_attnum(scores_relation(relation), column) != InvalidAttrNumber;
}

/* Takes the rights away that a new relation has by default. */
static void
revoke_grants(const char *relation)
{
	ListCell *cell;

	foreach (cell, grants_of(scores_relation(relation)))
		scores_run("REVOKE ALL ON TABLE %s FROM %s", relation, ((const KeptGrant *) lfirst(cell))->to);
}

static void
give_grant(const char *relation, const KeptGrant *grant)
{
	scores_run("GRANT %s%s ON TABLE %s TO %s%s", grant->privilege,
			   grant->column == NULL ? "" : psprintf(" (%s)", quote_identifier(grant->column)), relation, grant->to,
			   grant->grantable ? " WITH GRANT OPTION" : "");
}

/* Rights are those that they were, whatever new relations are given. */
static void
restore_grants(const KeptRelation *kept)
{
	ListCell *cell;

	revoke_grants(kept->name);
	foreach (cell, kept->grants)
	{
		const KeptGrant *grant = lfirst(cell);

		if (has_column(kept->name, grant->column))
			give_grant(kept->name, grant);
		else
			ereport(NOTICE,
					(errmsg("the grant of %s on column \"%s\" of %s is lost: the column is no longer there",
							grant->privilege, grant->column, kept->name)));
	}
}

/* Gives a new relation these rights, and no others, as far as it has their columns. */
static void
set_grants(const char *relation, List *grants)
{
	ListCell *cell;

	revoke_grants(relation);
	foreach (cell, grants)
		if (has_column(relation, ((const KeptGrant *) lfirst(cell))->column))
			give_grant(relation, lfirst(cell));
}

void
scores_copy_grants(const char *from, const char *to)
{
	set_grants(to, grants_of(scores_relation(from)));
}

/* Whether rights on a whole relation are among others. */
static bool
is_granted(const KeptGrant *grant, List *grants)
{
	ListCell *cell;

	foreach (cell, grants)
	{
		const KeptGrant *other = lfirst(cell);

		if (other->column == NULL && strcmp(other->privilege, grant->privilege) == 0 &&
			strcmp(other->to, grant->to) == 0 && (other->grantable || !grant->grantable))
			return true;
	}
	return false;
}

/* Of the rights that a new relation has by default, it keeps those that are also given on another. */
static void
keep_common_grants(const char *relation, List *grants)
{
	List *common = NIL;
	ListCell *cell;

	foreach (cell, grants_of(scores_relation(relation)))
		if (is_granted(lfirst(cell), grants))
			common = lappend(common, lfirst(cell));
	set_grants(relation, common);
}

void
scores_narrow_grants(const char *like, const char *relation)
{
	keep_common_grants(relation, grants_of(scores_relation(like)));
}

/* What stands beside the scores has the rights of what it takes the place of; where there was nothing, none that the scores do not give. */
static void
take_place(const ScoresKept *kept, const KeptRelation *before, const char *relation)
{
	if (scores_kind(relation) == '\0')
		return;
	if (before->kind != '\0')
		set_grants(relation, before->grants);
	else
		keep_common_grants(relation, kept->relations[0].grants);
}

static const char *
kind_text(char kind)
{
	return kind == RELKIND_VIEW ? "VIEW" : kind == RELKIND_MATVIEW ? "MATERIALIZED VIEW" : "TABLE";
}

/* Settings of a materialized view; the index that it is clustered on is there when indexes are. */
static void
restore_settings(const KeptRelation *kept)
{
	ListCell *cell;

	foreach (cell, kept->settings)
	{
		const KeptSetting *setting = lfirst(cell);
		const char *what = setting->column == NULL
			? setting->action
			: psprintf("ALTER COLUMN %s %s", quote_identifier(setting->column), setting->action);
		char *error = scores_kind(kept->name) != kept->kind
			? "there is no such relation with this storage"
			: try_to_run(psprintf("ALTER %s %s %s", kind_text(kept->kind), kept->name, what));

		if (error != NULL)
			ereport(NOTICE, (errmsg("the setting %s of %s is lost: %s", what, kept->name, error)));
	}
}

static void
restore_relation(const KeptRelation *kept)
{
	ListCell *cell;
	char kind = scores_kind(kept->name);

	if (kind == '\0')
	{
		if (kept->grants != NIL)
			ereport(NOTICE, (errmsg("the grants on %s are lost: there is no such view with this storage", kept->name)));
		return;
	}
	restore_grants(kept);
	foreach (cell, kept->comments)
	{
		const KeptComment *comment = lfirst(cell);

		if (!has_column(kept->name, comment->column))
			ereport(NOTICE,
					(errmsg("the comment on column \"%s\" of %s is lost: the column is no longer there",
							comment->column, kept->name)));
		else if (comment->column == NULL)
			scores_run("COMMENT ON %s %s IS %s", kind_text(kind), kept->name, quote_literal_cstr(comment->text));
		else
			scores_run("COMMENT ON COLUMN %s.%s IS %s", kept->name, quote_identifier(comment->column),
					   quote_literal_cstr(comment->text));
	}
	if (kept->options == NULL)
		return;
	if (kind == kept->kind)
		scores_run("ALTER %s %s SET (%s)", kind_text(kind), kept->name, kept->options);
	else
		ereport(NOTICE,
				(errmsg("the options %s of %s are lost: with this storage it is a relation of another kind",
						kept->options, kept->name)));
}

/* An index as it was, under its name if that is free; one that the scores have anyway is not made twice. */
static void
restore_index(const ScoresIndex *index, const char *schema, const char *rows)
{
	char *error = NULL;

	if (index_like(index, rows) == NULL)
		error =
			try_to_run(psprintf("CREATE %sINDEX %s ON %s%s", index->unique ? "UNIQUE " : "",
								OidIsValid(scores_relation(psprintf("%s.%s", schema, index->name))) ? "" : index->name,
								rows, index->rest));
	scores_comment_index(index, rows);
	if (error != NULL)
		ereport(NOTICE, (errmsg("the index %s is lost: %s", index->name, error)));
}

/* Of the index over the key, which is another one where the key is, the comment. */
static void
restore_key_index(const ScoresIndex *index, const char *rows)
{
	if (index == NULL || index->comment == NULL)
		return;
	if (index_like(index, rows) == NULL)
		ereport(NOTICE, (errmsg("the comment on the index %s is lost: the key is another one", index->name)));
	scores_comment_index(index, rows);
}

void
scores_restore(const ScoresKept *kept, const ScoresNames *names, const char *rows)
{
	ListCell *cell;

	if (kept == NULL)
		return;
	for (int i = 0; i < PUBLIC_RELATIONS; i++)
		if (kept->relations[i].kind != '\0')
			restore_relation(&kept->relations[i]);
		else
			take_place(kept, &kept->relations[i], kept->relations[i].name);
	if (scores_kind(rows) == RELKIND_RELATION)
		take_place(kept, &kept->rows, rows);
	for (int i = 0; i < DISTRIBUTED_RELATIONS; i++)
		if (scores_of_shards(shard_relation(names, i)))
			take_place(kept, &kept->shards[i], shard_relation(names, i));

	const char *schema = quote_identifier(get_namespace_name(get_rel_namespace(scores_relation(rows))));

	foreach (cell, kept->indexes)
		restore_index(lfirst(cell), schema, rows);
	restore_key_index(kept->key_index, rows);
	for (int i = 0; i < PUBLIC_RELATIONS; i++)
		restore_settings(&kept->relations[i]);
	foreach (cell, kept->snapshots)
	{
		const KeptSnapshots *snapshots = lfirst(cell);
		const char *over = OidIsValid(scores_relation(snapshots->over)) ? snapshots->over : names->scores;

		snapshots_make_source(snapshots->changes, scores_relation(over));
		restore_relation(&snapshots->source);
		say_other_value(snapshots, scores_relation(over));
		say_missing_columns(snapshots, scores_relation(over));
	}
	foreach (cell, kept->lost)
		say_lost(strVal(lfirst(cell)));
}
