/*
 * customer_rows.c
 *	  What tables of all customers say of one: their last snapshot, their next best action.
 *
 * Both are one look into an index, if the table has one over the customers. The customer
 * comes as text, and is read as a value of the column's type, so that the index fits.
 * Everything runs with the caller's rights, as closed SQL (see support/sql_text.h).
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "support/args.h"
#include "support/sql_text.h"

/* In the order of the function's columns; whether they are there at all comes last. */
static const char snapshot_template[] =
	"SELECT h.segment, h.segment_changed_on, h.previous_segment, h.lifecycle, h.lifecycle_changed_on,\n"
	"  h.previous_lifecycle, h.clv, h.changed_on, h.present\n"
	"FROM {relation} AS h WHERE {same_customer} AND h.changed_on OPERATOR(pg_catalog.<=) {day}\n"
	"ORDER BY h.changed_on DESC LIMIT 1";

/* next_best_actions gives each customer once: of two rows, one would be shown against the other. */
static const char action_template[] = "SELECT pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object({members}))\n"
									  "FROM {relation} AS h WHERE {same_customer} LIMIT 2";

/* What is told of an action, as next_best_actions names it. */
static const struct
{
	const char *name;
	Oid type;
} action_columns[] = {
	{"contact", BOOLOID},         {"why", TEXTOID},  {"action", TEXTOID},
	{"expected_gain", FLOAT8OID}, {"slot", TEXTOID}, {"cost", FLOAT8OID},
};

#define SNAPSHOT_COLUMNS 8

/* The condition that a row of the relation h is of this customer. */
static const char *
of_customer(Oid relation, char *customer)
{
	Oid type = sql_column_type(relation, "customer_id");
	Oid input;
	Oid io_param;
	Datum value;

	getTypeInputInfo(type, &input, &io_param);
	value = OidInputFunctionCall(input, customer, io_param, -1);
	return sql_equal(type, "customer_id", "h.customer_id", sql_value_literal(type, value));
}

/* Runs a query of a few rows; the number of them. */
static uint64
find_rows(const char *template, const SqlPart *parts, int n_parts)
{
	StringInfoData statement;

	initStringInfo(&statement);
	sql_append_template(&statement, template, "", parts, n_parts);
	return sql_read(statement.data);
}

/* customer_snapshot(snapshots, customer, as_of) → (segment, segment_changed_on, …, changed_on) */
PG_FUNCTION_INFO_V1(customer_snapshot);
Datum
customer_snapshot(PG_FUNCTION_ARGS)
{
	Oid relation = PG_GETARG_OID(0);
	DateADT as_of = finite_day_argument(fcinfo, 2, "as_of", NULL);
	MemoryContext caller = CurrentMemoryContext;
	Datum values[SNAPSHOT_COLUMNS + 1];
	bool nulls[SNAPSHOT_COLUMNS + 1];
	TupleDesc desc;
	HeapTuple result = NULL;
	SqlPart parts[] = {
		{"{relation}", sql_relation(relation)},
		{"{same_customer}", of_customer(relation, text_to_cstring(PG_GETARG_TEXT_PP(1)))},
		{"{day}", sql_date_literal(as_of)},
	};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "customer_snapshot returns a row");
	if (get_attnum(relation, "previous_changed_on") == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("%s holds no snapshots", sql_relation(relation)),
				 errhint("Name what create_snapshots has made.")));
	desc = BlessTupleDesc(desc);
	SPI_connect();
	if (find_rows(snapshot_template, parts, lengthof(parts)) > 0)
	{
		heap_deform_tuple(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, values, nulls);
		if (DatumGetBool(values[SNAPSHOT_COLUMNS]))
		{
			MemoryContext spi = MemoryContextSwitchTo(caller);

			result = heap_form_tuple(desc, values, nulls);
			MemoryContextSwitchTo(spi);
		}
	}
	SPI_finish();
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(HeapTupleGetDatum(result));
}

/* A column of the actions, or NULL of its type where there is none. */
static const char *
action_column(Oid relation, int i)
{
	const char *name = action_columns[i].name;

	if (get_attnum(relation, name) == InvalidAttrNumber)
		return psprintf("NULL::%s", sql_type(action_columns[i].type));
	return action_columns[i].type == FLOAT8OID ? sql_finite_column("h", relation, name)
											   : sql_column_as("h", relation, name, action_columns[i].type);
}

/* customer_action(actions, customer) → jsonb */
PG_FUNCTION_INFO_V1(customer_action);
Datum
customer_action(PG_FUNCTION_ARGS)
{
	Oid relation = PG_GETARG_OID(0);
	SqlPart parts[] = {
		{"{relation}", sql_relation(relation)},
		{"{same_customer}", of_customer(relation, text_to_cstring(PG_GETARG_TEXT_PP(1)))},
		{"{members}", NULL},
	};
	StringInfoData members;
	uint64 found;
	bool isnull = true;
	Datum value = (Datum) 0;

	/* an error that names similar columns, if this is no relation of actions */
	(void) sql_column_type(relation, "contact");
	initStringInfo(&members);
	for (int i = 0; i < lengthof(action_columns); i++)
		appendStringInfo(&members, "%s%s, %s", i > 0 ? ", " : "", sql_text_literal(action_columns[i].name),
						 action_column(relation, i));
	parts[2].text = members.data;
	SPI_connect();
	found = find_rows(action_template, parts, lengthof(parts));
	if (found > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("customer \"%s\" has several rows in %s", text_to_cstring(PG_GETARG_TEXT_PP(1)),
						sql_relation(relation)),
				 errhint("next_best_actions gives each customer once. Of the actions of several days, pass a view of "
						 "the last.")));
	if (found > 0)
	{
		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
		if (!isnull)
			value = SPI_datumTransfer(value, false, -1);
	}
	SPI_finish();
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(value);
}
