/*
 * sql_text.c
 *	  SQL that the extension generates: common parts of these texts.
 */
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
#include "utils/varlena.h"

#include "support/json.h"
#include "support/sql_text.h"

void
sql_append_template(StringInfo out, const char *template, const char *schema, const SqlPart *parts, int count)
{
	for (const char *at = template; *at != '\0'; at++)
	{
		if (*at == '@')
			appendStringInfo(out, "%s.", schema);
		else if (*at != '{')
			appendStringInfoChar(out, *at);
		else
		{
			int part = 0;

			while (part < count && strncmp(at, parts[part].name, strlen(parts[part].name)) != 0)
				part++;
			if (part == count)
				elog(ERROR, "unknown part in template: %s", at);
			appendStringInfoString(out, parts[part].text);
			at += strlen(parts[part].name) - 1;
		}
	}
}

const char *
sql_extension_schema(FunctionCallInfo fcinfo)
{
	return quote_identifier(get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid)));
}

const char *
sql_relation(Oid relation)
{
	char *name = get_rel_name(relation);

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relation)));
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name);
}

/* After a schema any keyword is allowed, so that names of the server's types need no quotes. */
const char *
sql_type(Oid type)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);

	Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);
	const char *name = form->typnamespace == PG_CATALOG_NAMESPACE
		? psprintf("pg_catalog.%s", NameStr(form->typname))
		: quote_qualified_identifier(get_namespace_name(form->typnamespace), NameStr(form->typname));

	ReleaseSysCache(tuple);
	return name;
}

const char *
sql_new_relation(text *name, const char *suffix)
{
	RangeVar *relation = makeRangeVarFromNameList(textToQualifiedNameList(name));
	Oid schema = RangeVarGetCreationNamespace(relation);
	char *whole = psprintf("%s%s", relation->relname, suffix);

	if (strlen(whole) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG), errmsg("the name \"%s\" is too long", whole),
				 errhint("Take a shorter name: with what is added to it, it may have up to %d bytes.",
						 NAMEDATALEN - 1)));
	return quote_qualified_identifier(get_namespace_name(schema), whole);
}

/* Up to so many changed letters a name may be meant for another. */
#define MOST_CHANGED_LETTERS 3

const char *
sql_similar_name(const char *wrong, List *names)
{
	int length = strlen(wrong);
	int nearest = Min(MOST_CHANGED_LETTERS, length / 2) + 1;
	const char *found = NULL;
	ListCell *cell;

	foreach (cell, names)
	{
		const char *name = lfirst(cell);
		int distance = strlen(name) >= NAMEDATALEN || length >= NAMEDATALEN
			? nearest
			: varstr_levenshtein_less_equal(wrong, length, name, strlen(name), 1, 1, 1, nearest, true);

		/* Names that differ in letter case only, or of which one begins the other, are alike, too. */
		if (pg_strcasecmp(name, wrong) == 0)
			return name;
		if (distance >= nearest && length > MOST_CHANGED_LETTERS && pg_strncasecmp(name, wrong, length) == 0)
			distance = nearest - 1;
		if (distance < nearest)
		{
			nearest = distance;
			found = name;
		}
	}
	return found;
}

/* The names of the columns of a relation, and perhaps only those of a type. */
static List *
column_names(Oid relation, Oid type)
{
	Relation opened = relation_open(relation, AccessShareLock);
	List *names = NIL;

	for (int i = 0; i < RelationGetNumberOfAttributes(opened); i++)
	{
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(opened), i);

		if (!column->attisdropped && (!OidIsValid(type) || getBaseType(column->atttypid) == type))
			names = lappend(names, pstrdup(NameStr(column->attname)));
	}
	relation_close(opened, AccessShareLock);
	return names;
}

Oid
sql_column_type(Oid relation, const char *column)
{
	AttrNumber number = get_attnum(relation, column);

	if (number == InvalidAttrNumber)
	{
		const char *similar = sql_similar_name(column, column_names(relation, InvalidOid));

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of \"%s\" does not exist", column, get_rel_name(relation)),
				 similar == NULL ? 0 : errhint("Did you mean \"%s\"?", similar)));
	}
	return getBaseType(get_atttype(relation, number));
}

const char *
sql_equality(Oid type, const char *column, Oid *compared)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_EQ_OPR);
	HeapTuple tuple;

	if (!OidIsValid(entry->eq_opr))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("column \"%s\" is of type %s, which has no equality", column, format_type_be(type)),
				 errhint("Make a view over the orders that casts it, to text for example.")));
	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(entry->eq_opr));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", entry->eq_opr);

	Form_pg_operator operator=(Form_pg_operator) GETSTRUCT(tuple);
	const char *text = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(operator->oprnamespace)),
								NameStr(operator->oprname));

	/* varchar is compared as text; all enums, and all arrays, by one operator. */
	*compared = IsPolymorphicType(operator->oprleft) ? type : operator->oprleft;
	ReleaseSysCache(tuple);
	return text;
}

const char *
sql_time_column(const char *alias, Oid relation, const char *column, Oid *type)
{
	*type = sql_column_type(relation, column);
	if (*type != DATEOID && *type != TIMESTAMPOID && *type != TIMESTAMPTZOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" must be a date, timestamp or timestamptz", column),
				 errhint("Make a view over the orders that casts it.")));
	return sql_column(alias, column, *type);
}

const char *
sql_purchase_time(const char *time, Oid type)
{
	return type == TIMESTAMPTZOID ? psprintf("%s::pg_catalog.date", time) : time;
}

const char *
sql_amount_column(const char *alias, Oid relation, const char *column, bool exact_sums, Oid *type)
{
	switch (sql_column_type(relation, column))
	{
		case FLOAT8OID:
			*type = exact_sums ? NUMERICOID : FLOAT8OID;
			break;
		case NUMERICOID:
		case FLOAT4OID: /* by its decimal digits: 12.34 stays 12.34 */
		case INT2OID:
		case INT4OID:
		case INT8OID:
			*type = NUMERICOID;
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("column \"%s\" must be a number", column),
					 errhint("Make a view over the orders that casts it to numeric.")));
	}
	return sql_column(alias, column, *type);
}

const char *
sql_history_column(Oid relation, Oid extension_schema)
{
	Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, PointerGetDatum("purchase_history"),
							   ObjectIdGetDatum(extension_schema));
	List *names = column_names(relation, type);

	if (list_length(names) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" has more than one column of type purchase_history: \"%s\" and \"%s\"",
						get_rel_name(relation), (char *) linitial(names), (char *) lsecond(names)),
				 errhint("Keep each kind of history in a table of its own.")));
	return names == NIL ? NULL : linitial(names);
}

/* Whether a column of an index takes for equal what the column of the table does. */
static bool
has_equality_of(HeapTuple index, int at, Oid relation, AttrNumber number)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(index);
	Oid family = get_opclass_family(get_index_column_opclass(form->indexrelid, at + 1));
	Oid type;
	int32 modifier;
	Oid collation;
	bool isnull;
	Datum collations = SysCacheGetAttr(INDEXRELID, index, Anum_pg_index_indcollation, &isnull);
	Oid of_index = ((const oidvector *) DatumGetPointer(collations))->values[at];

	get_atttypetypmodcoll(relation, number, &type, &modifier, &collation);
	if (get_op_opfamily_strategy(lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr, family) != BTEqualStrategyNumber)
		return false;
	return of_index == collation || !OidIsValid(of_index) || !OidIsValid(collation) ||
		(get_collation_isdeterministic(of_index) && get_collation_isdeterministic(collation));
}

/* Whether an index keeps these columns of the relation unique in all rows, by their own equality. */
static bool
index_is_unique_over(Oid index, Oid relation, List *columns)
{
	HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool unique;

	if (!HeapTupleIsValid(tuple))
		return false;

	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);

	unique = form->indisunique && form->indimmediate && form->indisvalid && form->indnkeyatts == list_length(columns) &&
		heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	for (int i = 0; unique && i < form->indnkeyatts; i++)
	{
		ListCell *cell;
		bool found = false;

		foreach (cell, columns)
			found = found || form->indkey.values[i] == get_attnum(relation, lfirst(cell));
		unique = found && has_equality_of(tuple, i, relation, form->indkey.values[i]);
	}
	ReleaseSysCache(tuple);
	return unique;
}

bool
sql_is_unique_over(Oid relation, List *columns)
{
	Relation opened = relation_open(relation, AccessShareLock);
	List *indexes = RelationGetIndexList(opened);
	ListCell *cell;
	bool unique = false;

	foreach (cell, indexes)
		unique = unique || index_is_unique_over(lfirst_oid(cell), relation, columns);
	relation_close(opened, AccessShareLock);
	return unique;
}

const char *
sql_column(const char *alias, const char *column, Oid type)
{
	return psprintf("%s.%s::%s", alias, quote_identifier(column), sql_type(type));
}

bool
sql_is_server_type(Oid type)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	bool of_server;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	of_server = ((Form_pg_type) GETSTRUCT(tuple))->typnamespace == PG_CATALOG_NAMESPACE;
	ReleaseSysCache(tuple);
	return of_server;
}

/* concat calls the output function of the type, and no cast. */
static const char *
text_form(const char *expression)
{
	return psprintf("CASE WHEN NOT (%s IS NULL) THEN pg_catalog.concat(%s) END", expression, expression);
}

const char *
sql_column_as(const char *alias, Oid relation, const char *column, Oid type)
{
	Oid own = sql_column_type(relation, column);
	const char *text = sql_column(alias, column, own);

	if (own == type)
		return text;
	if (!sql_is_server_type(own))
		text = text_form(text);
	return psprintf("(%s)::%s", text, sql_type(type));
}

const char *
sql_key_as_text(const char *alias, Oid relation, const char *column)
{
	Oid own = sql_column_type(relation, column);
	Oid declared;
	int32 typmod;
	Oid collation;

	get_atttypetypmodcoll(relation, get_attnum(relation, column), &declared, &typmod, &collation);
	if (OidIsValid(collation) && !get_collation_isdeterministic(collation))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" has a nondeterministic collation", column),
				 errdetail("Texts that are equal in it are told apart by what is written here."),
				 errhint("Make a view with one text for each customer, such as lower(%s) COLLATE \"C\".",
						 quote_identifier(column))));
	if (own == NUMERICOID)
		return psprintf("pg_catalog.trim_scale(%s)::pg_catalog.text", sql_column(alias, column, own));
	return sql_column_as(alias, relation, column, TEXTOID);
}

/* The column in a type whose numbers can be compared with the largest. */
static const char *
number_column(const char *alias, Oid relation, const char *column, Oid *type)
{
	Oid own = sql_column_type(relation, column);

	if (own != NUMERICOID && own != FLOAT8OID && own != FLOAT4OID && own != INT2OID && own != INT4OID && own != INT8OID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("column \"%s\" must be a number", column),
				 errhint("Make a view that casts it to numeric.")));
	*type = own == NUMERICOID ? NUMERICOID : FLOAT8OID;
	return sql_column_as(alias, relation, column, *type);
}

/* The size of a number against a limit. */
static const char *
size_compared(const char *number, const char *operator, const char * limit, Oid type)
{
	return psprintf("pg_catalog.abs(%s) OPERATOR(pg_catalog.%s) '%s'::%s", number, operator, limit, sql_type(type));
}

const char *
sql_finite_column(const char *alias, Oid relation, const char *column)
{
	Oid type;
	const char *number = number_column(alias, relation, column, &type);

	/* What is too small for a float8 is 0, and so is what may become it as a factor. */
	if (type == NUMERICOID)
		return psprintf("CASE WHEN %s THEN pg_catalog.round(%s, '100'::pg_catalog.int4)::pg_catalog.float8 END",
						size_compared(number, "<=", SQL_LARGEST_NUMBER, type), number);
	return psprintf("CASE WHEN %s THEN '0'::pg_catalog.float8 WHEN %s THEN %s END",
					size_compared(number, "<", SQL_SMALLEST_NUMBER, type),
					size_compared(number, "<=", SQL_LARGEST_NUMBER, type), number);
}

const char *
sql_is_out_of_range(const char *alias, Oid relation, const char *column)
{
	Oid type;
	const char *number = number_column(alias, relation, column, &type);

	return psprintf("(%s) IS TRUE", size_compared(number, ">", SQL_LARGEST_NUMBER, type));
}

const char *
sql_id_column(Oid relation, const char *column)
{
	Oid compared;

	(void) sql_equality(sql_column_type(relation, column), column, &compared);
	return quote_identifier(column);
}

/*
 * An operator over exactly these types is found before all others. One over anyenum and the
 * like is not: a cast of the owner of the type could bring in another. The labels of an
 * enum are unique, so its text form says the same.
 */
const char *
sql_equal(Oid type, const char *column, const char *a, const char *b)
{
	Oid compared;
	const char *equality = sql_equality(type, column, &compared);
	bool exact = compared != type || (get_typtype(type) == TYPTYPE_BASE && !OidIsValid(get_element_type(type)));

	if (exact || sql_is_server_type(type))
		return psprintf("%s::%s %s %s::%s", a, sql_type(compared), equality, b, sql_type(compared));
	if (get_typtype(type) != TYPTYPE_ENUM)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is of type %s, which has no equality of its own", column, format_type_be(type)),
				 errhint("Make a view that casts it to text.")));
	return psprintf("%s OPERATOR(pg_catalog.=) %s", text_form(a), text_form(b));
}

bool
sql_can_hash(Oid type)
{
	return OidIsValid(lookup_type_cache(type, TYPECACHE_HASH_EXTENDED_PROC)->hash_extended_proc);
}

/* Whether a function takes one argument of exactly this type. */
static bool
takes_exactly(Oid function, Oid type)
{
	Oid *types;
	int count;

	(void) get_func_signature(function, &types, &count);
	return count == 1 && types[0] == type;
}

/*
 * A class of operators may hash by a function of another type that is stored alike (bytea by one of "internal"), which
 * no statement could call with its own. Those, what is not of the server itself, and what is of any type go by the
 * type's class, which the server looks up.
 */
const char *
sql_hash(Oid type, const char *value)
{
	const TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_HASH_PROC);

	if (get_func_namespace(entry->hash_proc) != PG_CATALOG_NAMESPACE || IsPolymorphicType(entry->hash_opintype) ||
		!takes_exactly(entry->hash_proc, entry->hash_opintype))
		return psprintf("pg_catalog.hash_record(ROW(%s))", value);
	return psprintf("pg_catalog.%s(%s::%s)", quote_identifier(get_func_name(entry->hash_proc)), value,
					sql_type(entry->hash_opintype));
}

void
sql_refuse_other_owner(Oid relation, const char *what)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid owner;

	/* dropped by another session a moment ago: nothing of it runs */
	if (!HeapTupleIsValid(tuple))
		return;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	if (owner != GetUserId())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s belongs to another role, whose %s would run with the rights of the caller",
						sql_relation(relation), what),
				 errhint("If what it stands beside is that role's, too, SET ROLE to %s first. If not, drop or rename "
						 "it: under another owner it would keep what that role has put there.",
						 quote_identifier(GetUserNameFromId(owner, false)))));
}

const char *
sql_text_literal(const char *text)
{
	return psprintf("%s::pg_catalog.text", quote_literal_cstr(text));
}

const char *
sql_float8_literal(double number)
{
	char *digits = palloc(DOUBLE_SHORTEST_DECIMAL_LEN);

	double_to_shortest_decimal_buf(number, digits);
	return psprintf("'%s'::pg_catalog.float8", digits);
}

const char *
sql_date_literal(DateADT day)
{
	StringInfoData text;

	if (DATE_NOT_FINITE(day))
		return DATE_IS_NOBEGIN(day) ? "'-infinity'::pg_catalog.date" : "'infinity'::pg_catalog.date";
	/* The JSON form is a day in any DateStyle, but for its quotation marks. */
	initStringInfo(&text);
	json_append_date(&text, day);
	text.data[0] = text.data[text.len - 1] = '\'';
	return psprintf("%s::pg_catalog.date", text.data);
}

const char *
sql_value_literal(Oid type, Datum value)
{
	Oid output;
	bool varlena;

	getTypeOutputInfo(type, &output, &varlena);
	return psprintf("%s::%s", quote_literal_cstr(OidOutputFunctionCall(output, value)), sql_type(type));
}

/* The text without a part of it, which is a line. */
static char *
text_without(const char *text, const char *part)
{
	const char *at = text == NULL ? NULL : strstr(text, part);

	if (at == NULL)
		return text == NULL ? NULL : pstrdup(text);

	const char *rest = at + strlen(part);

	if (*rest == '\n')
		rest++;
	else if (at > text && at[-1] == '\n')
		at--;
	return psprintf("%.*s%s", (int) (at - text), text, rest);
}

int
sql_settings(void)
{
	int level = NewGUCNestLevel();

	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("quote_all_identifiers", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
	return level;
}

static uint64
run_statement(const char *statement, bool read_only)
{
	MemoryContext caller = CurrentMemoryContext;
	int level = sql_settings();
	int result = 0;

	PG_TRY();
	{
		result = SPI_execute(statement, read_only, 0);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);

		ErrorData *error = CopyErrorData();

		FlushErrorState();
		error->context = text_without(error->context, psprintf("SQL statement \"%s\"", statement));
		if (error->context != NULL && error->context[0] == '\0')
			error->context = NULL;
		error->internalquery = NULL;
		error->internalpos = 0;
		ReThrowError(error);
	}
	PG_END_TRY();
	AtEOXact_GUC(true, level);
	if (result < 0)
		elog(ERROR, "could not run \"%s\": %s", statement, SPI_result_code_string(result));
	return SPI_processed;
}

uint64
sql_run(const char *statement)
{
	return run_statement(statement, false);
}

uint64
sql_read(const char *statement)
{
	return run_statement(statement, true);
}
