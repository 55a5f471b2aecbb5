/*
 * rfm_counts.c
 *	  Counting customers by their distinct values, and cutting the counts.
 */
#include "compat.h"

#include "common/int.h"
#include "miscadmin.h"

#include "rfm/rfm_counts.h"

#define INITIAL_SLOTS 16

/* Values of one bin agree in the sign, the exponent and eleven digits of the fraction. */
#define BIN_DROPPED_BITS 41

/* What values have in common that are counted together. */
static inline uint64
value_key(double value, bool binned)
{
	uint64		bits;

	memcpy(&bits, &value, sizeof(bits));
	return binned ? bits >> BIN_DROPPED_BITS : bits;
}

/* Spreads the bits of a key (the finalizer of MurmurHash3). */
static inline uint32
hash_key(uint64 key)
{
	key ^= key >> 33;
	key *= UINT64CONST(0xff51afd7ed558ccd);
	key ^= key >> 33;
	key *= UINT64CONST(0xc4ceb9fe1a85ec53);
	key ^= key >> 33;
	return (uint32) key;
}

static inline bool
better_value(int dimension, double value, double other)
{
	return dimension == RFM_RECENCY ? value < other : value > other;
}

static RfmCount *
map_slots(const RfmCounts *counts, int dimension)
{
	const RfmCount *slots = counts->slots;

	for (int i = 0; i < dimension; i++)
		slots += counts->maps[i].slots;
	return unconstify(RfmCount *, slots);
}

/* Where to look for a value first. */
static inline RfmCount *
first_slot(const RfmCounts *counts, int dimension, double value)
{
	const RfmMap *map = &counts->maps[dimension];

	return &map_slots(counts, dimension)[hash_key(value_key(value, map->binned)) & (map->slots - 1)];
}

/* The slot of a value, or the free one where it belongs. */
static inline RfmCount *
find_slot(const RfmCounts *counts, int dimension, double value)
{
	RfmCount   *slots = map_slots(counts, dimension);
	bool		binned = counts->maps[dimension].binned;
	uint32		mask = counts->maps[dimension].slots - 1;
	uint64		key = value_key(value, binned);
	uint32		at = hash_key(key) & mask;

	while (slots[at].customers != 0 && value_key(slots[at].value, binned) != key)
		at = (at + 1) & mask;
	return &slots[at];
}

/* Counts customers with a value in the slot that was found for it. */
static inline void
fill_slot(RfmCounts *counts, int dimension, RfmCount *slot, double value, int64 customers)
{
	if (slot->customers == 0)
		counts->maps[dimension].used++;
	if (slot->customers == 0 || better_value(dimension, value, slot->value))
		slot->value = value;
	slot->customers += customers;
}

/* Counts customers with a value for which there is room. */
static void
put_count(RfmCounts *counts, int dimension, double value, int64 customers)
{
	fill_slot(counts, dimension, find_slot(counts, dimension, value), value, customers);
}

static RfmCounts *
allocate_counts(int levels, const uint32 slots[RFM_DIMENSIONS])
{
	Size		size = offsetof(RfmCounts, slots) +
		((Size) slots[0] + slots[1] + slots[2]) * sizeof(RfmCount);
	RfmCounts  *counts = palloc0(size);

	SET_VARSIZE(counts, size);
	counts->mark = RFM_COUNTS_MARK;
	counts->levels = levels;
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		counts->maps[i].slots = slots[i];
	return counts;
}

RfmCounts *
rfm_counts_make(int levels)
{
	static const uint32 slots[RFM_DIMENSIONS] = {INITIAL_SLOTS, INITIAL_SLOTS, INITIAL_SLOTS};

	return allocate_counts(levels, slots);
}

/* A copy with so many slots for one of the dimensions, its counts put there anew. */
static RfmCounts *
rebuild_map(const RfmCounts *old, int dimension, uint32 slots, bool binned)
{
	uint32		all_slots[RFM_DIMENSIONS];
	RfmCounts  *counts;

	for (int i = 0; i < RFM_DIMENSIONS; i++)
		all_slots[i] = i == dimension ? slots : old->maps[i].slots;
	counts = allocate_counts(old->levels, all_slots);
	counts->customers = old->customers;
	counts->maps[dimension].binned = binned;

	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		const RfmCount *from = map_slots(old, i);

		if (i != dimension)
		{
			counts->maps[i] = old->maps[i];
			memcpy(map_slots(counts, i), from, old->maps[i].slots * sizeof(RfmCount));
			continue;
		}
		for (uint32 j = 0; j < old->maps[i].slots; j++)
			if (from[j].customers != 0)
				put_count(counts, i, from[j].value, from[j].customers);
	}
	return counts;
}

static uint32
slots_for(uint32 values)
{
	uint32		slots = INITIAL_SLOTS;

	while (values > slots / 4 * 3)
		slots *= 2;
	return slots;
}

/* A copy with a dimension in bins: they are far fewer than the values, and found faster in a small map. */
static RfmCounts *
rebuild_in_bins(const RfmCounts *old, int dimension)
{
	RfmCounts  *counts = rebuild_map(old, dimension, old->maps[dimension].slots, true);
	RfmCounts  *smaller = rebuild_map(counts, dimension, slots_for(counts->maps[dimension].used + 1), true);

	pfree(counts);
	return smaller;
}

/* The counts with room for one more value: they themselves, or a copy. */
static RfmCounts *
make_room(RfmCounts *counts, int dimension)
{
	const RfmMap *map = &counts->maps[dimension];

	if (!map->binned && map->used == RFM_MAX_EXACT)
		return rebuild_in_bins(counts, dimension);
	if (map->used >= map->slots / 4 * 3)
		return rebuild_map(counts, dimension, map->slots * 2, map->binned);
	return counts;
}

/* Counts customers with a value, in a larger copy if there is no room. */
static inline RfmCounts *
count_value(RfmCounts *counts, int dimension, double value, int64 customers)
{
	RfmCount   *slot = find_slot(counts, dimension, value);

	if (unlikely(slot->customers == 0))
	{
		counts = make_room(counts, dimension);
		slot = find_slot(counts, dimension, value);
	}
	fill_slot(counts, dimension, slot, value, customers);
	return counts;
}

RfmCounts *
rfm_counts_add(RfmCounts *counts, const double values[RFM_DIMENSIONS])
{
#ifdef __GNUC__
	/* Money has by far the most different values: its slot is sent for before the others are counted. */
	__builtin_prefetch(first_slot(counts, RFM_MONETARY, values[RFM_MONETARY] + 0.0), 1);
#endif
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		counts = count_value(counts, i, values[i] + 0.0, 1);
	counts->customers++;
	return counts;
}

RfmCounts *
rfm_counts_merge(RfmCounts *counts, const RfmCounts *other)
{
	int64		customers;

	if (pg_add_s64_overflow(counts->customers, other->customers, &customers) ||
		customers > RFM_MAX_CUSTOMERS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("too many customers for rfm_cuts")));

	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		const RfmMap *map = &other->maps[i];
		const RfmCount *slots = map_slots(other, i);

		if (map->binned && !counts->maps[i].binned)
			counts = rebuild_in_bins(counts, i);
		for (uint32 j = 0; j < map->slots; j++)
			if (slots[j].customers != 0)
				counts = count_value(counts, i, slots[j].value, slots[j].customers);
		CHECK_FOR_INTERRUPTS();
	}
	counts->customers = customers;
	return counts;
}

#define ST_SORT sort_counts
#define ST_ELEMENT_TYPE RfmCount
#define ST_COMPARE(a, b) ((a)->value < (b)->value ? -1 : (a)->value > (b)->value)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

RfmList
rfm_counts_list(const RfmCounts *counts, int dimension)
{
	const RfmMap *map = &counts->maps[dimension];
	const RfmCount *slots = map_slots(counts, dimension);
	RfmList		list = {.binned = map->binned};

	list.counts = palloc_array(RfmCount, Max(1, map->used));
	for (uint32 i = 0; i < map->slots; i++)
		if (slots[i].customers != 0)
			list.counts[list.length++] = slots[i];
	sort_counts(list.counts, list.length);
	return list;
}

void
rfm_counts_finish(const RfmCounts *counts, RfmCuts *cuts)
{
	memset(cuts, 0, sizeof(*cuts));
	cuts->levels = counts->levels;
	cuts->customers = counts->customers;

	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		RfmList		list = rfm_counts_list(counts, i);
		double	   *cut = cuts->cuts[i];
		int64		not_better = 0;
		int			k = 1;

		/* From the worst value to the best. */
		for (uint32 j = 0; j < list.length && k < cuts->levels; j++)
		{
			const RfmCount *count = &list.counts[i == RFM_RECENCY ? list.length - 1 - j : j];

			not_better += count->customers;
			while (k < cuts->levels && not_better * cuts->levels >= k * cuts->customers)
			{
				if (k == 1 || cut[k - 2] != count->value)
					cuts->effective_levels[i]++;
				cut[k++ - 1] = count->value;
			}
		}
		/* Every different cut ends a level that has customers; there may be some beyond the last. */
		if (cut[cuts->levels - 2] != list.counts[i == RFM_RECENCY ? 0 : list.length - 1].value)
			cuts->effective_levels[i]++;
		pfree(list.counts);
	}
}

/* What is wrong with the counts of one dimension, or NULL; else their sum. */
static const char *
list_problem(int dimension, const RfmList *list, int64 *customers)
{
	*customers = 0;
	if (!list->binned && list->length > RFM_MAX_EXACT)
		return "too many different values that are not binned";
	for (uint32 i = 0; i < list->length; i++)
	{
		const RfmCount *count = &list->counts[i];

		CHECK_FOR_INTERRUPTS();
		if (!isfinite(count->value))
			return "a value is not finite";
		if (dimension != RFM_MONETARY && rint(count->value) != count->value)
			return "a value is not whole";
		if (i > 0 && !(list->counts[i - 1].value < count->value))
			return "the values are not in order";
		if (i > 0 && list->binned &&
			value_key(list->counts[i - 1].value, true) == value_key(count->value, true))
			return "two values are of one bin";
		if (count->customers < 1 || count->customers > RFM_MAX_CUSTOMERS - *customers)
			return "a number of customers is out of range";
		*customers += count->customers;
	}
	if (*customers == 0)
		return "there are no customers";
	return NULL;
}

const char *
rfm_lists_problem(int levels, const RfmList lists[RFM_DIMENSIONS])
{
	int64		customers[RFM_DIMENSIONS];

	if (levels < RFM_MIN_LEVELS || levels > RFM_MAX_LEVELS)
		return "Levels are out of range";
	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		const char *problem = list_problem(i, &lists[i], &customers[i]);

		if (problem != NULL)
			return psprintf("%s: %s", rfm_dimension_names[i], problem);
		if (customers[i] != customers[0])
			return psprintf("%s: counts other customers than %s",
							rfm_dimension_names[i], rfm_dimension_names[0]);
	}
	return NULL;
}

RfmCounts *
rfm_counts_from_lists(int levels, const RfmList lists[RFM_DIMENSIONS])
{
	uint32		slots[RFM_DIMENSIONS];
	RfmCounts  *counts;

	Assert(rfm_lists_problem(levels, lists) == NULL);
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		slots[i] = slots_for(lists[i].length);

	counts = allocate_counts(levels, slots);
	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		counts->maps[i].binned = lists[i].binned;
		for (uint32 j = 0; j < lists[i].length; j++)
			put_count(counts, i, lists[i].counts[j].value, lists[i].counts[j].customers);
	}
	for (uint32 j = 0; j < lists[0].length; j++)
		counts->customers += lists[0].counts[j].customers;
	return counts;
}
