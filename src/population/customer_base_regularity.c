/*
 * customer_base_regularity.c
 *	  How regularly the customers of a base buy.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "population/customer_base.h"
#include "models/core/regularity.h"
#include "support/call_memo.h"
#include "support/server_host.h"

/* The data of regularity: the customers by x and t_x, and the lengths of all gaps. */
static Regularity
regularity_of(Datum base)
{
	BaseParts parts = base_parts(base);
	BaseSlice timing = base_slice(&parts, BASE_TIMING);
	size_t n_gaps = 0;
	DayGaps *gaps = base_gaps_known(&parts.totals) ? base_gaps(&parts, &n_gaps) : NULL;
	RegularityClass *classes =
		MemoryContextAllocHuge(CurrentMemoryContext, ((Size) timing.count + 1) * sizeof(RegularityClass));
	size_t count = 0;

	for (uint32 i = 0; i < timing.count; i++)
	{
		double x = entry_x(&timing.entries[i]);
		double t_x = timing_t_x(&timing.entries[i]);

		CHECK_FOR_INTERRUPTS();
		if (count == 0 || classes[count - 1].x != x || classes[count - 1].t_x != t_x)
			classes[count++] = (RegularityClass){.x = x, .t_x = t_x};
		classes[count - 1].customers += (double) timing.entries[i].value;
	}
	pfree(parts.entries);
	return regularity_estimate(&server_host, classes, count, gaps, n_gaps);
}

/* The row of regularity(). */
static HeapTupleHeader
regularity_row(FunctionCallInfo fcinfo, Datum base)
{
	Regularity regularity = regularity_of(base);
	Datum values[3] = {
		Float8GetDatum(regularity.k),
		Float8GetDatum(regularity.std_error),
		Int64GetDatum((int64) regularity.customers),
	};
	bool nulls[3] = {!isfinite(regularity.k), !isfinite(regularity.std_error), false};
	TupleDesc row;

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return DatumGetHeapTupleHeader(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls)));
}

/* regularity(customer_base) → (k, std_error, customer_count) */
PG_FUNCTION_INFO_V1(customer_base_regularity);
Datum
customer_base_regularity(PG_FUNCTION_ARGS)
{
	CallMemo *cache = call_memo(fcinfo);
	Datum base = PG_GETARG_DATUM(0);
	struct varlena *row = call_memo_find(cache, &base, NULL, 0);

	if (row == NULL)
	{
		row = (struct varlena *) regularity_row(fcinfo, base);
		call_memo_keep(cache, row);
	}
	PG_RETURN_POINTER(row);
}
