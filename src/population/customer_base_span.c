/*
 * customer_base_span.c
 *	  Detect outliers at the begin and the end of a base.
 *
 * One order with a wrong year moves the end of observation, and with it every
 * score. Such a day is detected by the gap before it: the days on which some
 * customer orders for the first or the last time are sorted, and the end is an
 * outlier if it lies behind a gap wider than twice the widest one between the
 * days before it, and if there are no more customers behind it than one for
 * each thousand transactions, rounded up. The beginning likewise.
 *
 * Memory: 40 bytes for each different first or last day, so at most 80 for
 * each timing cell of the base, independent of the distance between the days.
 */
#include "compat.h"

#include "common/hashfn.h"
#include "miscadmin.h"

#include "population/customer_base.h"

/* The share of transactions that may be outliers. */
#define FAR_SHARE 0.001

/* The end is not an outlier within this number of days, however regular the days are ... */
#define NEAR_DAYS 30

/* ... or within this number, where there are too few different days to estimate regularity. */
#define NEAR_DAYS_OF_FEW 365
#define FEW_DAYS 30

/* The numbers of customers whose first and whose last order is on a day, or in a period. */
typedef struct SpanDay
{
	int32 number; /* of the period */
	char status;
	int64 first;
	int64 last;
} SpanDay;

#define SH_PREFIX span
#define SH_ELEMENT_TYPE SpanDay
#define SH_KEY_TYPE int32
#define SH_KEY number
#define SH_HASH_KEY(table, number) murmurhash32((uint32) (number))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static SpanDay *
day_of_span(span_hash *days, int32 number)
{
	bool found;
	SpanDay *day = span_insert(days, number, &found);

	if (!found)
		day->first = day->last = 0;
	return day;
}

static int
compare_days(const void *a, const void *b)
{
	int32 left = ((const SpanDay *) a)->number;
	int32 right = ((const SpanDay *) b)->number;

	return (left > right) - (left < right);
}

/* The first and last days of all customers, sorted. */
static SpanDay *
span_days(BaseSlice timing, Period period, int *count)
{
	span_hash *days = span_create(CurrentMemoryContext, 1024, NULL);
	span_iterator iterator;

	for (uint32 i = 0; i < timing.count; i++)
	{
		const BaseEntry *entry = &timing.entries[i];
		int32 first = period_number(period, timing_first(entry));

		CHECK_FOR_INTERRUPTS();
		day_of_span(days, first)->first += entry->value;
		day_of_span(days, first + (int32) timing_t_x(entry))->last += entry->value;
	}

	SpanDay *sorted = palloc_extended(Max(1, days->members) * sizeof(SpanDay), MCXT_ALLOC_HUGE);
	SpanDay *day;

	*count = 0;
	span_start_iterate(days, &iterator);
	while ((day = span_iterate(days, &iterator)) != NULL)
		sorted[(*count)++] = *day;
	span_destroy(days);
	qsort(sorted, *count, sizeof(SpanDay), compare_days);
	return sorted;
}

/* A number of days in periods, rounded up. */
static int64
periods_of(Period period, int days)
{
	return (int64) ceil(days / period_mean_days(period));
}

/* The widest gap that is not an outlier, given the number of days and the widest gap between two of them. */
static int64
allowed_gap(Period period, int days, int64 widest)
{
	return Max(2 * widest, periods_of(period, days < FEW_DAYS ? NEAR_DAYS_OF_FEW : NEAR_DAYS));
}

/*
 * The index, among days counted from one end (step 1: ascending), of the first
 * one behind a gap that is too wide with few enough customers beyond; count if
 * there is none. *widest receives the widest gap before it.
 */
static int
far_place(const SpanDay *days, int count, int step, Period period, double most, int64 *widest)
{
	const SpanDay *near = step > 0 ? days : days + count - 1;
	int64 beyond = 0;

	for (int i = 0; i < count; i++)
		beyond += step > 0 ? days[i].last : days[i].first;

	*widest = 0;
	for (int i = 0; i < count; i++)
	{
		const SpanDay *day = near + (ptrdiff_t) i * step;

		if (i > 0)
		{
			int64 gap = ((int64) day->number - (day - step)->number) * step;

			if ((double) beyond <= most && gap > allowed_gap(period, i, *widest))
				return i;
			*widest = Max(*widest, gap);
		}
		beyond -= step > 0 ? day->last : day->first;
	}
	return count;
}

static int64
customers_beyond(const SpanDay *days, int from, int until, bool last)
{
	int64 customers = 0;

	for (int i = from; i < until; i++)
		customers += last ? days[i].last : days[i].first;
	return customers;
}

BaseSpan
base_span(const BaseParts *parts, DateADT as_of)
{
	const BaseTotals *totals = &parts->totals;
	Period period = totals->head.period;
	double most = ceil(FAR_SHARE * ((double) totals->customers + totals->repeat_orders));
	int count;
	SpanDay *days = span_days(base_slice(parts, BASE_TIMING), period, &count);
	BaseSpan span = {0};
	int low = 0, high = count;
	int64 widest = 0;

	if (count == 0)
		return span;
	/* The wider of two gaps, one at each end, masks the other: it is found first, and then the other. */
	for (int pass = 0; pass < 2; pass++)
	{
		low = high - far_place(days + low, high - low, -1, period, most, &widest);
		high = low + far_place(days + low, high - low, 1, period, most, &widest);
	}
	span.first = period_first_day(period, days[low].number);
	span.earliest = period_first_day(period, days[0].number);
	span.last = period_first_day(period, days[high - 1].number + 1) - 1;
	span.far_first = customers_beyond(days, 0, low, false);
	span.far_last = customers_beyond(days, high, count, true);
	span.far_as_of = high == count &&
		(int64) period_number(period, as_of) - days[count - 1].number > allowed_gap(period, count - low, widest);
	pfree(days);
	return span;
}
