/*
 * base_regularity.c
 *	  How regularly the customers of a base buy.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "models/regularity.h"

/* What is known of regularity: the customers by x, and how their gaps divide their time. */
static Regularity
regularity_of(Datum base)
{
	BaseTotals	totals = base_totals(base);
	double		share = totals.gaps == totals.repeat_orders ? totals.log_gaps : NAN;
	RegularityClass *classes;
	size_t		count = 0;
	BaseReader	reader;

	base_open(&reader, base);
	classes = MemoryContextAllocHuge(CurrentMemoryContext, (reader.left + 1) * sizeof(RegularityClass));
	while (base_next(&reader) && entry_kind(&reader.entry) == BASE_TIMING)
	{
		double		x = entry_x(&reader.entry);
		double		customers = (double) reader.entry.value;

		CHECK_FOR_INTERRUPTS();
		if (count == 0 || classes[count - 1].x != x)
			classes[count++] = (RegularityClass) {.x = x};
		classes[count - 1].customers += customers;
		if (x > 0)
			share -= customers * x * log((double) timing_t_x(&reader.entry));
	}
	return regularity_estimate(classes, count, share);
}

/* regularity(customer_base) → (k, std_error, customer_count) */
PG_FUNCTION_INFO_V1(customer_base_regularity);
Datum
customer_base_regularity(PG_FUNCTION_ARGS)
{
	Regularity	regularity = regularity_of(PointerGetDatum(tally_stored(PG_GETARG_DATUM(0))));
	Datum		values[3] = {
		Float8GetDatum(regularity.k),
		Float8GetDatum(regularity.std_error),
		Int64GetDatum((int64) regularity.customers)
	};
	bool		nulls[3] = {!isfinite(regularity.k), !isfinite(regularity.std_error), false};
	TupleDesc	row;

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls)));
}
