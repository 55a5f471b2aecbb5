/*
 * result.c
 *	  The row types of functions that return one row.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "funcapi.h"

#include "support/result.h"

TupleDesc
result_row_type(FunctionCallInfo fcinfo)
{
	TupleDesc found;
	TupleDesc row;
	MemoryContext caller;

	if (get_call_result_type(fcinfo, NULL, &found) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	row = BlessTupleDesc(CreateTupleDescCopy(found));
	MemoryContextSwitchTo(caller);
	return row;
}

Datum
row_result(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc row;

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls)));
}
