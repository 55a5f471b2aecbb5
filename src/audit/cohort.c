/*
 * cohort.c
 *	  A cohort_audit as a value: transition state, stored form, reader, checks.
 */
#include "compat.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "audit/cohort.h"
#include "common/int.h"

/*
 * The number of entries that can be read back from text: the server's JSON
 * arrays are limited to 256 MB, and an entry takes 80 bytes there.
 */
#define MAX_ENTRIES 3000000

#define FIRST_SLOTS 16
#define MOST_SLOTS 65536

/* The number of customers from which the cache of days pays. */
#define CUSTOMERS_TO_REMEMBER 64

#define FLAG_PROFIT 1
#define FLAG_SINCE 2

static struct varlena *pack_map(CountMap *map);

const CountMapType cohort_tally = {
	.name = "cohort_audit",
	.max_entries = MAX_ENTRIES,
	.counted = "cohorts and periods",
	.hint = "Use a coarser grain.",
	.pack = pack_map,
};

CohortState *
cohort_state_make(const CohortHead *head, MemoryContext parent)
{
	CohortState *state = count_map_make(&cohort_tally, sizeof(CohortState), parent);

	state->head = *head;
	return state;
}

/* Flushes the counts into the count map. */
static void
flush_cells(CohortState *state)
{
	for (uint32 i = 0; i < state->slots; i++)
	{
		CohortCell *cell = &state->cells[i];
		uint64 detail = cohort_detail(cell->period);

		if (!cell->used)
			continue;
		count_map_add(&state->map, cohort_group(COHORT_CUSTOMERS, 0, cell->cohort), 0, cell->customers);
		count_map_add(&state->map, cohort_group(COHORT_ACTIVE, 0, cell->cohort), detail, cell->active);
		count_map_add(&state->map, cohort_group(COHORT_ORDERS, 0, cell->cohort), detail, cell->orders);
		count_map_add(&state->map, cohort_group(COHORT_SPEND, 0, cell->cohort), detail, cell->spend);
		count_map_add(&state->map, cohort_group(COHORT_PROFIT, 0, cell->cohort), detail, cell->profit);
		count_map_add(&state->map, cohort_group(COHORT_ACTIVE_BEFORE, 0, cell->cohort), detail, cell->active_before);
		count_map_add(&state->map, cohort_group(COHORT_SECOND_ORDER, 0, cell->cohort), detail, cell->second_order);
		cell->used = false;
	}
	state->used = 0;
}

/* The slot of a cell, or the free one where it is to be inserted. */
static inline CohortCell *
find_cell(const CohortState *state, int32 cohort, int32 period)
{
	uint64 key = (uint64) (uint32) cohort << 32 | (uint32) period;
	uint32 mask = state->slots - 1;
	uint32 at = (uint32) (key * UINT64CONST(0x9E3779B97F4A7C15) >> 40) & mask;

	while (state->cells[at].used && (state->cells[at].cohort != cohort || state->cells[at].period != period))
		at = (at + 1) & mask;
	return &state->cells[at];
}

/* Doubles the slots, or, at the limit, flushes and empties them. */
static void
make_slots(CohortState *state)
{
	CohortCell *old = state->cells;
	uint32 slots = state->slots;

	if (slots == MOST_SLOTS)
	{
		flush_cells(state);
		return;
	}
	state->slots = slots == 0 ? FIRST_SLOTS : 2 * slots;
	state->cells = MemoryContextAllocZero(agg_state_context(&state->map.growing), state->slots * sizeof(CohortCell));
	for (uint32 i = 0; i < slots; i++)
		if (old[i].used)
			*find_cell(state, old[i].cohort, old[i].period) = old[i];
	if (old != NULL)
		pfree(old);
}

CohortCell *
cohort_cell(CohortState *state, int32 cohort, int32 period)
{
	CohortCell *cell = state->slots == 0 ? NULL : find_cell(state, cohort, period);

	if (likely(cell != NULL && cell->used))
		return cell;
	if (state->used >= state->slots / 2)
	{
		make_slots(state);
		cell = find_cell(state, cohort, period);
	}
	*cell = (CohortCell){.cohort = cohort, .period = period, .used = true};
	state->used++;
	return cell;
}

void
cohort_expect_customer(CohortState *state)
{
	if (likely(state->days != NULL) || ++state->customers < CUSTOMERS_TO_REMEMBER)
		return;
	state->days = MemoryContextAlloc(agg_state_context(&state->map.growing), COHORT_DAYS * sizeof(CohortDay));
	for (int i = 0; i < COHORT_DAYS; i++)
		state->days[i] = (CohortDay){DATEVAL_NOEND, 0};
}

void
cohort_add_double(CohortState *state, CohortKind kind, int32 cohort, int32 period, double amount)
{
	int exponent;
	uint64 fraction = (uint64) ldexp(fabs(frexp(amount, &exponent)), 53);
	int64 sign = amount < 0 ? -1 : 1;
	int offset = exponent - 53 - COHORT_LOWEST_POWER;

	/* A denormal number has fewer bits. */
	if (offset < 0)
	{
		fraction >>= -offset;
		offset = 0;
	}

	int shift = offset % 32;
	uint64 low = (fraction & 0xFFFFFFFF) << shift;
	uint64 high = ((fraction >> 32) << shift) + (low >> 32);
	uint64 pieces[] = {low & 0xFFFFFFFF, high & 0xFFFFFFFF, high >> 32};

	for (int i = 0; i < lengthof(pieces); i++)
		count_map_add(&state->map, cohort_group(kind, offset / 32 + i + 1, cohort), cohort_detail(period),
					  sign * (int64) pieces[i]);
}

/* The stored form of a state. */
static struct varlena *
pack_map(CountMap *map)
{
	CohortState *state = (CohortState *) map;

	flush_cells(state);
	count_map_compact(map);
	return cohort_pack(map->entries, map->used, &state->head);
}

struct varlena *
cohort_pack(const CountEntry *entries, uint32 count, const CohortHead *head)
{
	uint8 start[3 + 2 * MAX_VARINT_BYTES];
	uint8 *at = start;

	*at++ = COHORT_VERSION;
	*at++ = (uint8) head->grain;
	*at++ = (head->has_profit ? FLAG_PROFIT : 0) | (head->has_since ? FLAG_SINCE : 0);
	at = put_varint(at, zigzag_encode(head->until));
	if (head->has_since)
		at = put_varint(at, (uint64) ((int64) head->until - head->since));
	return count_map_pack(&cohort_tally, start, at - start, entries, count);
}

CohortView
cohort_view(Datum value)
{
	struct varlena *stored = agg_state_stored(value);
	const uint8 *at = (const uint8 *) VARDATA_ANY(stored);
	const uint8 *end = at + VARSIZE_ANY_EXHDR(stored);
	CohortView view = {0};
	CountEntry entry = {0};

	if (end - at < 3)
		bytes_end_early();
	if (at[0] != COHORT_VERSION || at[1] >= PERIODS)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version %d of a stored cohort_audit", at[0])));
	view.head.grain = (Period) at[1];
	view.head.has_profit = (at[2] & FLAG_PROFIT) != 0;
	view.head.has_since = (at[2] & FLAG_SINCE) != 0;
	at += 3;
	view.head.until = (DateADT) zigzag_decode(get_varint(&at, end));
	if (view.head.has_since)
		view.head.since = (DateADT) (view.head.until - (int64) get_varint(&at, end));
	view.count = count_map_get_count(&at, end);
	view.entries = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, (Size) view.count) * sizeof(CountEntry));
	for (uint32 i = 0; i < view.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		count_map_get(&at, end, &entry);
		view.entries[i] = entry;
	}
	return view;
}

/* Whether a number is that of a period within the server's range of dates and before the end of the data. */
static bool
period_exists(const CohortHead *head, int32 period)
{
	DateADT first = DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE;

	return period >= period_number(head->grain, first) && period <= period_number(head->grain, head->until - 1);
}

static const char *
head_problem(const CohortHead *head)
{
	if (head->grain <= PERIOD_DAY || head->grain >= PERIODS)
		return "there is no such grain";
	if (!IS_VALID_DATE(head->until) || !IS_VALID_DATE(head->until - 1))
		return "a day is out of range";
	if (head->has_since && (!IS_VALID_DATE(head->since) || head->since >= head->until))
		return "the data do not end after they began";
	return NULL;
}

/* The entry of another kind for the same cohort and period; 0: there is none. */
static int64
count_of(const CountEntry *entries, uint32 count, CohortKind kind, const CountEntry *entry)
{
	uint64 group = cohort_group(kind, 0, cohort_cohort(entry));
	uint64 detail = kind == COHORT_CUSTOMERS ? 0 : entry->detail;
	const CountEntry *found = count_map_find(entries, count, group, detail);

	return found < entries + count && found->group == group && found->detail == detail ? found->value : 0;
}

/* Whether a cohort may have numbers in a period. */
static bool
period_fits(int32 cohort, int32 period, const CohortHead *head)
{
	if (!period_exists(head, period))
		return false;
	if (cohort == COHORT_BEFORE || cohort == COHORT_REFUNDS)
		return !head->has_since || period >= period_number(head->grain, head->since);
	return period >= cohort;
}

static const char *
cell_problem(const CountEntry *entries, uint32 count, const CountEntry *entry, const CohortHead *head)
{
	CohortKind kind = cohort_kind(entry);
	int32 cohort = cohort_cohort(entry);
	int64 customers = count_of(entries, count, COHORT_CUSTOMERS, entry);
	int64 active = count_of(entries, count, COHORT_ACTIVE, entry);

	if (entry->detail > PG_UINT32_MAX || !period_fits(cohort, cohort_period(entry), head))
		return "a period is out of range";
	if (customers == 0)
		return "there is a cohort without customers";
	switch (kind)
	{
		case COHORT_ACTIVE:
		case COHORT_SPEND_UNKNOWN:
		case COHORT_PROFIT_UNKNOWN:
			return entry->value > customers ? "more customers are active than there are" : NULL;
		case COHORT_ORDERS:
			return entry->value < active || active == 0 ? "there are fewer orders than active customers" : NULL;
		case COHORT_ACTIVE_BEFORE:
		case COHORT_SECOND_ORDER:
			return entry->value > active ? "more customers are counted than are active" : NULL;
		default:
			return NULL;
	}
}

/* Whether there may be such a cohort. */
static bool
cohort_fits(int32 cohort, const CohortHead *head)
{
	if (cohort == COHORT_BEFORE)
		return head->has_since;
	return cohort == COHORT_REFUNDS ||
		(period_exists(head, cohort) && (!head->has_since || cohort >= period_number(head->grain, head->since)));
}

static const char *
entry_problem(const CountEntry *entries, uint32 count, const CountEntry *entry, const CohortHead *head)
{
	CohortKind kind = cohort_kind(entry);
	bool money = kind == COHORT_SPEND || kind == COHORT_PROFIT;
	bool unknown = kind == COHORT_SPEND_UNKNOWN || kind == COHORT_PROFIT_UNKNOWN;
	int32 cohort = cohort_cohort(entry);

	if (kind < COHORT_CUSTOMERS || kind >= COHORT_KINDS)
		return "there is no such kind of entry";
	if (cohort_place(entry) > (money ? COHORT_PLACES : 0))
		return "a place is out of range";
	if (entry->value == 0 || (!money && (entry->value < 0 || entry->value > COHORT_MAX_COUNT)))
		return "a number is out of range";
	if (!head->has_profit && (kind == COHORT_PROFIT || kind == COHORT_PROFIT_UNKNOWN))
		return "there is a profit, but the value has none";
	if (!cohort_fits(cohort, head))
		return "a cohort is out of range";
	if (cohort == COHORT_REFUNDS && !money && !unknown && kind != COHORT_CUSTOMERS)
		return "there are orders of customers without one";
	if (kind == COHORT_CUSTOMERS)
		return entry->detail != 0 ? "a cohort has a period" : NULL;
	return cell_problem(entries, count, entry, head);
}

const char *
cohort_problem(const CountEntry *entries, uint32 count, const CohortHead *head)
{
	const char *problem = head_problem(head);

	for (uint32 i = 0; i < count && problem == NULL; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0 && count_map_compare(&entries[i - 1], &entries[i]) >= 0)
			return "the entries are not in order";
		problem = entry_problem(entries, count, &entries[i], head);
	}
	return problem;
}
