/*
 * cohort_read.c
 *	  The accessors of cohort_audit: lenses 3 to 5 of The Customer-Base Audit.
 *
 * share_active (of the cohort) is not the repeat_buying_rate (the share of
 * those active in a period who buy in the next one, too). Values that are not
 * fully observed are NULL, not 0.
 */
#include "compat.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/tuplestore.h"

#include "audit/audit.h"
#include "audit/cohort.h"
#include "support/result.h"

/* Two thousand cohorts in as many weeks. */
#define MOST_ROWS 2000000

/* The numbers of a cohort in a period. */
typedef struct CohortNumbers
{
	int64 active;
	int64 orders;
	int64 active_before;
	int64 second_order;
	double spend; /* NaN: not known */
	double profit;
} CohortNumbers;

/* The periods that the data cover. */
typedef struct CohortSpan
{
	int32 first; /* the earliest with a cohort or money, or of the day since */
	int32 last;
	int32 first_refund; /* the earliest with money of COHORT_REFUNDS; PG_INT32_MAX: there is none */
	int32 first_complete;
	int32 last_complete;
} CohortSpan;

static const CountEntry *
find_entry(const CohortView *view, CohortKind kind, int place, int32 cohort, uint64 detail)
{
	uint64 group = cohort_group(kind, place, cohort);
	const CountEntry *found = count_map_find(view->entries, view->count, group, detail);

	return found < view->entries + view->count && found->group == group && found->detail == detail ? found : NULL;
}

static int64
count_in(const CohortView *view, CohortKind kind, int32 cohort, int32 period)
{
	const CountEntry *entry = find_entry(view, kind, 0, cohort, cohort_detail(period));

	return entry == NULL ? 0 : entry->value;
}

/* Whether a kind of amounts has any that are not an integer number of units. */
static bool
has_doubles(const CohortView *view, CohortKind kind)
{
	const CountEntry *after = count_map_find(view->entries, view->count, cohort_group(kind + 1, 0, PG_INT32_MIN), 0);

	/* Entries are sorted by place before cohort, so the highest place is last. */
	return after > view->entries && cohort_kind(after - 1) == kind && cohort_place(after - 1) > 0;
}

/* A sum of amounts: units and doubles separately. */
typedef struct AmountSum
{
	Sum units;
	Sum doubles;
	bool unknown;
} AmountSum;

static void
add_entry(AmountSum *sum, const CountEntry *entry)
{
	int power = 32 * (cohort_place(entry) - 1) + COHORT_LOWEST_POWER;
	int64 high = entry->value / (INT64CONST(1) << 32);
	int64 low = entry->value % (INT64CONST(1) << 32);

	if (cohort_place(entry) == 0)
	{
		sum_add(&sum->units, (double) high * 4294967296.0);
		sum_add(&sum->units, (double) low);
		return;
	}
	sum_add(&sum->doubles, ldexp((double) high, power + 32));
	sum_add(&sum->doubles, ldexp((double) low, power));
}

/* NaN: not known. */
static double
amount_value(const AmountSum *sum)
{
	return sum->unknown ? NAN : sum_value(&sum->units) / AUDIT_UNIT + sum_value(&sum->doubles);
}

/* An amount of a cohort in a period. */
static double
amount_in(const CohortView *view, CohortKind kind, CohortKind unknown, int32 cohort, int32 period)
{
	AmountSum sum = {.unknown = count_in(view, unknown, cohort, period) > 0};

	for (int place = 0; place <= (has_doubles(view, kind) ? COHORT_PLACES : 0); place++)
	{
		const CountEntry *entry = find_entry(view, kind, place, cohort, cohort_detail(period));

		if (entry != NULL)
			add_entry(&sum, entry);
	}
	return amount_value(&sum);
}

static CohortNumbers
numbers_in(const CohortView *view, int32 cohort, int32 period)
{
	return (CohortNumbers){
		.active = count_in(view, COHORT_ACTIVE, cohort, period),
		.orders = count_in(view, COHORT_ORDERS, cohort, period),
		.active_before = count_in(view, COHORT_ACTIVE_BEFORE, cohort, period),
		.second_order = count_in(view, COHORT_SECOND_ORDER, cohort, period),
		.spend = amount_in(view, COHORT_SPEND, COHORT_SPEND_UNKNOWN, cohort, period),
		.profit = view->head.has_profit ? amount_in(view, COHORT_PROFIT, COHORT_PROFIT_UNKNOWN, cohort, period) : NAN,
	};
}

/* The number of cohorts: their sizes are the first entries of the map. */
static uint32
count_cohorts(const CohortView *view)
{
	uint32 count = 0;

	while (count < view->count && cohort_kind(&view->entries[count]) == COHORT_CUSTOMERS)
		count++;
	return count;
}

/* The first period with money of customers who had no order until then. */
static int32
find_first_refund(const CohortView *view, uint32 cohorts)
{
	int32 first = PG_INT32_MAX;

	if (cohorts == 0 || cohort_cohort(&view->entries[cohorts - 1]) != COHORT_REFUNDS)
		return first;
	for (uint32 i = cohorts; i < view->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (cohort_cohort(&view->entries[i]) == COHORT_REFUNDS)
			first = Min(first, cohort_period(&view->entries[i]));
	}
	return first;
}

static CohortSpan
span_of(const CohortView *view, uint32 cohorts)
{
	const CohortHead *head = &view->head;
	CohortSpan span = {.last = period_number(head->grain, head->until - 1)};
	uint32 first = cohorts > 0 && cohort_cohort(&view->entries[0]) == COHORT_BEFORE;

	span.last_complete = period_first_day(head->grain, span.last + 1) <= head->until ? span.last : span.last - 1;
	span.first_refund = find_first_refund(view, cohorts);
	span.first = first < cohorts ? Min(cohort_cohort(&view->entries[first]), span.first_refund) : span.last;
	span.first = Min(span.first, span.last);
	span.first_complete = span.first;
	if (head->has_since)
	{
		span.first = period_number(head->grain, head->since);
		span.first_complete = span.first + (period_first_day(head->grain, span.first) < head->since);
	}
	return span;
}

static void
check_rows(const CohortSpan *span, Period grain, int64 rows)
{
	int64 periods = (int64) span->last - span->first + 1;

	if (periods > CALENDAR_MAX_PERIODS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("this table would cover " INT64_FORMAT " %ss; at most %d are covered", periods,
						period_names[grain], CALENDAR_MAX_PERIODS),
				 errhint("Is there a history with a wrong day? See min(first_order_on(history)).")));
	if (rows > MOST_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("this table would have " INT64_FORMAT " rows; at most %d are made", rows, MOST_ROWS),
				 errhint(
					 "Use a coarser grain. Is there a history with a wrong day? See min(first_order_on(history)).")));
}

/* The display name of a period. */
static char *
period_label(Period grain, int32 period)
{
	int year, month, day;

	j2date(period_first_day(grain, period) + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	switch (grain)
	{
		case PERIOD_YEAR:
			return psprintf("%04d", year);
		case PERIOD_QUARTER:
			return psprintf("%04d-Q%d", year, (month + 2) / 3);
		case PERIOD_MONTH:
			return psprintf("%04d-%02d", year, month);
		default:
			return psprintf("%04d-%02d-%02d", year, month, day);
	}
}

static const char *
cohort_label(Period grain, int32 cohort)
{
	if (cohort == COHORT_BEFORE)
		return "before";
	return cohort == COHORT_REFUNDS ? "refunds only" : period_label(grain, cohort);
}

static void
put_cohort_row(ReturnSetInfo *results, const CohortView *view, const CohortSpan *span, const CountEntry *size,
			   int32 period)
{
	Period grain = view->head.grain;
	int32 cohort = cohort_cohort(size);
	bool no_start = cohort == COHORT_BEFORE || cohort == COHORT_REFUNDS;
	bool complete = period >= span->first_complete && period <= span->last_complete;
	bool size_known = !no_start && cohort >= span->first_complete && cohort <= span->last_complete;
	Datum values[13] = {0};
	bool nulls[13] = {false};

	values[0] = CStringGetTextDatum(cohort_label(grain, cohort));
	values[1] = DateADTGetDatum(no_start ? 0 : period_first_day(grain, cohort));
	values[2] = Int64GetDatum(size->value);
	values[3] = DateADTGetDatum(period_first_day(grain, period));
	values[4] = Int32GetDatum(no_start ? 0 : period - cohort);
	nulls[1] = nulls[4] = no_start;
	nulls[2] = !size_known;
	for (int i = 5; i < 12; i++)
		nulls[i] = !complete;
	if (complete)
	{
		CohortNumbers numbers = numbers_in(view, cohort, period);

		values[5] = Int64GetDatum(numbers.active);
		set_float(values, nulls, 6, size_known ? (double) numbers.active / (double) size->value : NAN);
		values[7] = Int64GetDatum(numbers.orders);
		set_float(values, nulls, 8, numbers.spend);
		set_float(values, nulls, 9, numbers.profit);
		values[10] = Int64GetDatum(numbers.active_before);
		values[11] = Int64GetDatum(numbers.second_order);
		nulls[10] = period == span->first && view->head.has_since;
	}
	values[12] = BoolGetDatum(complete);
	tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
}

/* The first period in which a cohort is shown. */
static int32
first_row(const CohortSpan *span, const CountEntry *size)
{
	int32 cohort = cohort_cohort(size);

	return cohort == COHORT_REFUNDS ? span->first_refund : Max(cohort, span->first);
}

/* cohort_table(cohort_audit) → setof (cohort, cohort_start, cohort_size, period_start, age, …): each cohort in each period */
PG_FUNCTION_INFO_V1(cohort_table);
Datum
cohort_table(PG_FUNCTION_ARGS)
{
	CohortView view = cohort_view(PG_GETARG_DATUM(0));
	uint32 cohorts = count_cohorts(&view);
	CohortSpan span = span_of(&view, cohorts);
	int64 rows = 0;

	for (uint32 i = 0; i < cohorts; i++)
		rows += Max(0, (int64) span.last - first_row(&span, &view.entries[i]) + 1);
	check_rows(&span, view.head.grain, rows);
	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; i < cohorts; i++)
		for (int32 period = first_row(&span, &view.entries[i]); period <= span.last; period++)
		{
			CHECK_FOR_INTERRUPTS();
			put_cohort_row((ReturnSetInfo *) fcinfo->resultinfo, &view, &span, &view.entries[i], period);
		}
	return (Datum) 0;
}

/* All cohorts in one period. */
typedef struct BasePeriod
{
	int64 active;
	int64 new;
	int64 kept;
	AmountSum spend;
	AmountSum spend_new;
} BasePeriod;

static BasePeriod *
sum_periods(const CohortView *view, const CohortSpan *span)
{
	BasePeriod *periods = palloc0_array(BasePeriod, (int64) span->last - span->first + 1);

	for (uint32 i = 0; i < view->count; i++)
	{
		const CountEntry *entry = &view->entries[i];
		CohortKind kind = cohort_kind(entry);
		BasePeriod *period = &periods[(int64) cohort_period(entry) - span->first];
		bool new = cohort_cohort(entry) == cohort_period(entry);

		CHECK_FOR_INTERRUPTS();
		switch (kind)
		{
			case COHORT_ACTIVE:
				period->active += entry->value;
				period->new += new ? entry->value : 0;
				break;
			case COHORT_ACTIVE_BEFORE:
				period->kept += entry->value;
				break;
			case COHORT_SPEND:
				add_entry(&period->spend, entry);
				if (new)
					add_entry(&period->spend_new, entry);
				break;
			case COHORT_SPEND_UNKNOWN:
				period->spend.unknown = true;
				break;
			default:
				break;
		}
	}
	return periods;
}

/* base_health(cohort_audit) → setof (period_start, active, new, kept, reactivated, lapsed, repeat_buying_rate, …) */
PG_FUNCTION_INFO_V1(base_health);
Datum
base_health(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	CohortView view = cohort_view(PG_GETARG_DATUM(0));
	uint32 cohorts = count_cohorts(&view);
	CohortSpan span = span_of(&view, cohorts);

	InitMaterializedSRF(fcinfo, 0);
	if (cohorts == 0)
		return (Datum) 0;
	check_rows(&span, view.head.grain, 0);

	BasePeriod *periods = sum_periods(&view, &span);

	for (int64 number = span.first; number <= span.last; number++)
	{
		const BasePeriod *period = &periods[number - span.first];
		bool complete = number >= span.first_complete && number <= span.last_complete;
		bool before_known = number > span.first_complete || !view.head.has_since;
		int64 active_before = number > span.first ? period[-1].active : 0;
		double spend = amount_value(&period->spend);
		Datum values[10] = {
			DateADTGetDatum(period_first_day(view.head.grain, (int32) number)),
			Int64GetDatum(period->active),
			Int64GetDatum(period->new),
			Int64GetDatum(period->kept),
			Int64GetDatum(period->active - period->new - period->kept),
			Int64GetDatum(active_before - period->kept),
		};
		bool nulls[10] = {false};

		CHECK_FOR_INTERRUPTS();
		for (int i = 1; i < 6; i++)
			nulls[i] = !complete || (i > 2 && !before_known);
		set_float(values, nulls, 6,
				  complete && number < span.last_complete ? (double) period[1].kept / (double) period->active : NAN);
		set_float(values, nulls, 7, complete ? spend : NAN);
		set_float(values, nulls, 8, complete && spend > 0 ? amount_value(&period->spend_new) / spend : NAN);
		values[9] = BoolGetDatum(complete);
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}
