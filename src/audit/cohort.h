/*
 * cohort.h
 *	  cohort_audit: what the customers of each cohort did in each calendar
 *	  period, lenses 3 to 5 of The Customer-Base Audit.
 *
 * A cohort is all customers whose first order ever was in the same period. Of
 * customers whose first order was before the data begin (since), only those are
 * known who ordered afterwards: they are one cohort of unknown size, "before".
 * Money of a period before that of the customer's first order, which refunds of
 * orders make that are not in the data, is of no cohort. It is kept in the
 * period where it happened, as that of "refunds only", so that the totals of a
 * period match the ledger.
 *
 * The counts are a count map (see support/count_map.h), so they merge exactly:
 *
 *	customers		(cohort) → customers
 *	active			(cohort, period) → customers with an order in the period
 *	orders			… → their orders
 *	spend, profit	… → amounts, net of refunds, in units of 10^-4
 *	active_before	… → customers who were active in the period before, too
 *	second_order	… → customers whose second day with an order is in the period
 *	spend_unknown, profit_unknown	… → customers with an amount that is not known
 *
 * An amount that is not an integer number of units is added exactly, too: the
 * bits of the double are added to a number of 2,112 bits (a Kulisch
 * accumulator), stored as one entry for each 32 of them.
 *
 * Memory of a state: the count map's for each different (cohort, period),
 * about 8 entries of 24 bytes, a hash map of at most 65,536 cells of 72 bytes,
 * and a cache of 16 kB.
 */
#ifndef AUDIT_COHORT_H
#define AUDIT_COHORT_H

#include "compat.h"

#include "utils/date.h"

#include "support/calendar.h"
#include "support/count_map.h"

typedef enum CohortKind
{
	COHORT_CUSTOMERS = 1,
	COHORT_ACTIVE,
	COHORT_ORDERS,
	COHORT_SPEND,
	COHORT_PROFIT,
	COHORT_ACTIVE_BEFORE,
	COHORT_SECOND_ORDER,
	COHORT_SPEND_UNKNOWN,
	COHORT_PROFIT_UNKNOWN,
} CohortKind;

#define COHORT_KINDS (COHORT_PROFIT_UNKNOWN + 1)

/* The cohort of customers from before the data begin; sorts first. */
#define COHORT_BEFORE PG_INT32_MIN

/* The money of customers who had no order until then; sorts last. */
#define COHORT_REFUNDS PG_INT32_MAX

/* Amounts: place 0 holds units of 10^-4, place i + 1 multiples of 2^(32 i - 1074). */
#define COHORT_PLACES 67
#define COHORT_LOWEST_POWER (-1074)

/* Input may not count more than this. */
#define COHORT_MAX_COUNT (INT64CONST(1) << 53)

typedef struct CohortHead
{
	Period grain;
	bool has_profit;
	bool has_since;
	DateADT since; /* the data begin on this day, if has_since */
	DateADT until; /* and end before this */
} CohortHead;

/* The group of an entry: kind (8 bits), place (24), cohort (32, shifted so that it sorts as unsigned); the detail: the period. */
static inline uint64
cohort_group(CohortKind kind, int place, int32 cohort)
{
	return (uint64) kind << 56 | (uint64) place << 32 | ((uint32) cohort ^ 0x80000000U);
}

static inline CohortKind
cohort_kind(const CountEntry *entry)
{
	return (CohortKind) (entry->group >> 56);
}

static inline int
cohort_place(const CountEntry *entry)
{
	return (int) (entry->group >> 32 & 0xFFFFFF);
}

static inline int32
cohort_cohort(const CountEntry *entry)
{
	return (int32) ((uint32) entry->group ^ 0x80000000U);
}

static inline uint64
cohort_detail(int32 period)
{
	return (uint32) period ^ 0x80000000U;
}

static inline int32
cohort_period(const CountEntry *entry)
{
	return (int32) ((uint32) entry->detail ^ 0x80000000U);
}

/* The counts of a cohort in a period before they are flushed to the count map. */
typedef struct CohortCell
{
	int32 cohort;
	int32 period;
	bool used;
	int64 customers; /* of the cohort, who are counted in their first period */
	int64 active;
	int64 orders;
	int64 spend; /* units */
	int64 profit;
	int64 active_before;
	int64 second_order;
} CohortCell;

/* The period that a day lies in. */
typedef struct CohortDay
{
	DateADT day;
	int32 period;
} CohortDay;

/* The days of five years. */
#define COHORT_DAYS 2048

typedef struct CohortState
{
	CountMap map;
	CohortHead head;
	CohortDay *days;   /* a direct-mapped cache of COHORT_DAYS days; NULL while there are few customers */
	int64 customers;   /* added one by one */
	CohortCell *cells; /* a hash map with linear probing, at most half full; NULL: none yet */
	uint32 slots;
	uint32 used;
} CohortState;

extern const CountMapType cohort_tally;

extern CohortState *cohort_state_make(const CohortHead *head, MemoryContext parent);

/* The cell of a cohort and a period. */
extern CohortCell *cohort_cell(CohortState *state, int32 cohort, int32 period);

/* The number of the period that a day lies in. */
static inline int32
cohort_period_of(CohortState *state, DateADT day)
{
	CohortDay *known;

	if (state->days == NULL)
		return period_number(state->head.grain, day);
	known = &state->days[day & (COHORT_DAYS - 1)];
	if (unlikely(known->day != day))
		*known = (CohortDay){day, period_number(state->head.grain, day)};
	return known->period;
}

/* Counts a customer who is about to be added; enables the cache of days when it pays. */
extern void cohort_expect_customer(CohortState *state);

/* Adds an amount that is not an integer number of units. */
extern void cohort_add_double(CohortState *state, CohortKind kind, int32 cohort, int32 period, double amount);

/*
 * The stored form: version byte, grain (1 byte), flags (1: profit, 2: since),
 * until (varint, zigzag-encoded), days from since to until (varint, if there is
 * since), and the entries.
 */
#define COHORT_VERSION 1

typedef struct CohortView
{
	CohortHead head;
	CountEntry *entries;
	uint32 count;
} CohortView;

extern CohortView cohort_view(Datum value);
extern struct varlena *cohort_pack(const CountEntry *entries, uint32 count, const CohortHead *head);

/* What is wrong with sorted entries that came from outside; NULL: nothing. */
extern const char *cohort_problem(const CountEntry *entries, uint32 count, const CohortHead *head);

#endif /* AUDIT_COHORT_H */
