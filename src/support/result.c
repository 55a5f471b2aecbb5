/*
 * result.c
 *	  Functions that return one row.
 *
 * A function that is called for millions of customers returns an expanded record: its columns are
 * read where they lie, while of a tuple each is searched from the first one on. What stores the row flattens it.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/expandedrecord.h"

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

CallRow *
call_row(FunctionCallInfo fcinfo)
{
	TupleDesc found;
	ExpandedRecordHeader *row;

	if (get_call_result_type(fcinfo, NULL, &found) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	row = make_expanded_record_from_tupdesc(BlessTupleDesc(found), fcinfo->flinfo->fn_mcxt);
	deconstruct_expanded_record(row);
	return row;
}

Datum
call_row_fill(CallRow *row, const Datum *values, const bool *nulls)
{
	memcpy(row->dvalues, values, row->nfields * sizeof(Datum));
	memcpy(row->dnulls, nulls, row->nfields * sizeof(bool));
	/* its size was that of the values before */
	row->flat_size = 0;
	return ExpandedRecordGetRODatum(row);
}

Datum
row_result(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc row;

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls)));
}

Datum *
word_texts(const char *const *words, int count, MemoryContext context)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	Datum *texts = palloc(count * sizeof(Datum));

	for (int i = 0; i < count; i++)
		texts[i] = CStringGetTextDatum(words[i]);
	MemoryContextSwitchTo(caller);
	return texts;
}
