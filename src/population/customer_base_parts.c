/*
 * customer_base_parts.c
 *	  A base as fits and diagnostics need it.
 *
 * A stored base is decoded once, entry by entry: base_totals() keeps nothing
 * but the sums, base_parts() the entries too, for those who go over them more
 * than once. That takes 24 bytes for each entry, of which there is at least one
 * for every three bytes of the stored form.
 */
#include "compat.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "population/customer_base.h"

/* Merging may have gone beyond what input allows. */
static void
count_customers(int64 *count, int64 more)
{
	if (pg_add_s64_overflow(*count, more, count))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the number of customers in customer_base is out of range")));
}

static void
count_entry(BaseTotals *totals, const BaseEntry *entry)
{
	if (entry_kind(entry) == BASE_TIMING)
	{
		count_customers(&totals->customers, entry->value);
		totals->repeaters += entry_x(entry) > 0 ? entry->value : 0;
		totals->repeat_orders += (double) entry->value * entry_x(entry);
		totals->classes = entry_class(entry) + 1;
		totals->first_day = Min(totals->first_day, timing_first(entry));
		totals->last_day =
			Max(totals->last_day, (DateADT) base_day_after(&totals->head, timing_first(entry), timing_t_x(entry)));
	}
	else if (entry_kind(entry) == BASE_LEFT_OUT)
		totals->left_out[entry->detail] = entry->value;
	else if (entry_kind(entry) == BASE_GAP)
	{
		totals->gaps += entry->value;
		totals->log_gaps += (double) entry->value * log((double) entry->detail);
	}
}

static BaseTotals
totals_begin(const BaseHead *head)
{
	return (BaseTotals){.head = *head, .first_day = DATEVAL_NOEND, .last_day = DATEVAL_NOBEGIN};
}

/* Unless a day is given, the period of the last order is observed to its end. */
static void
totals_end(BaseTotals *totals)
{
	totals->observed_until = totals->last_day > totals->head.until
		? base_period_end(totals->head.period, totals->last_day)
		: totals->head.until;
}

BaseTotals
base_totals(Datum base)
{
	BaseReader reader;

	base_open(&reader, base);

	BaseTotals totals = totals_begin(&reader.head);

	while (base_next(&reader))
	{
		CHECK_FOR_INTERRUPTS();
		count_entry(&totals, &reader.entry);
	}
	totals_end(&totals);
	return totals;
}

BaseParts
base_parts(Datum base)
{
	BaseReader reader;
	uint32 count = 0;
	int kinds = 0; /* whose begin is known */

	base_open(&reader, base);

	BaseParts parts = {
		.totals = totals_begin(&reader.head),
		.entries = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, reader.left) * sizeof(BaseEntry)),
	};

	while (base_next(&reader))
	{
		int kind = entry_kind(&reader.entry);

		CHECK_FOR_INTERRUPTS();
		if (kind >= BASE_KINDS)
			elog(ERROR, "unknown kind %d of an entry of a customer_base", kind);
		while (kinds <= kind)
			parts.begin[kinds++] = count;
		count_entry(&parts.totals, &reader.entry);
		parts.entries[count++] = reader.entry;
	}
	while (kinds <= BASE_KINDS)
		parts.begin[kinds++] = count;
	totals_end(&parts.totals);
	return parts;
}

DayGaps *
base_gaps(const BaseParts *parts, size_t *count)
{
	BaseSlice slice = base_slice(parts, BASE_GAP);
	DayGaps *gaps = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, slice.count) * sizeof(DayGaps));

	for (uint32 i = 0; i < slice.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		gaps[i] = (DayGaps){(double) slice.entries[i].detail, (double) slice.entries[i].value};
	}
	*count = slice.count;
	return gaps;
}

static void
add_bin(SpendPoint *points, size_t *count, const BaseEntry *bin, const double *sums)
{
	*count += spend_bin_points(entry_x(bin), base_bin_centre(entry_bin(bin)), sums[0], sums[1], sums[2], sums[3],
							   &points[*count]);
}

/* The points of bins: each becomes the two points with its moments. */
static void
add_bins(SpendPoint *points, size_t *count, BaseSlice bins)
{
	const BaseEntry *bin = NULL;
	double sums[BASE_MOMENTS] = {0};

	for (uint32 i = 0; i < bins.count; i++)
	{
		const BaseEntry *entry = &bins.entries[i];
		int power = entry_power(entry);

		CHECK_FOR_INTERRUPTS();
		if (power == 0)
		{
			if (bin != NULL)
				add_bin(points, count, bin, sums);
			bin = entry;
			memset(sums, 0, sizeof(sums));
		}
		sums[power] = power == 0 ? (double) entry->value : (double) entry->value / BASE_MOMENT_SCALE;
	}
	if (bin != NULL)
		add_bin(points, count, bin, sums);
}

SpendPoint *
base_spend_points(const BaseParts *parts, size_t *count)
{
	BaseSlice exact = base_slice(parts, BASE_SPEND);
	BaseSlice bins = base_slice(parts, BASE_SPEND_BIN);
	SpendPoint *points = MemoryContextAllocHuge(CurrentMemoryContext,
												((Size) exact.count + 2 * (Size) bins.count + 1) * sizeof(SpendPoint));

	for (*count = 0; *count < exact.count; ++*count)
	{
		const BaseEntry *entry = &exact.entries[*count];

		CHECK_FOR_INTERRUPTS();
		points[*count] = (SpendPoint){entry_x(entry), spend_of(entry), (double) entry->value};
	}
	add_bins(points, count, bins);
	return points;
}
