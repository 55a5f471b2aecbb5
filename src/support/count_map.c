/*
 * count_map.c
 *	  Growing, sorting and storing counts.
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "support/count_map.h"

#ifdef COUNT_MAP_EAGER
#define INITIAL_CAPACITY 2
#define FEW_ENTRIES 4
#else
#define INITIAL_CAPACITY 32
#define FEW_ENTRIES 1024
#endif
#define WIRE_ENTRY_BYTES 24

#define ST_SORT sort_few
#define ST_ELEMENT_TYPE CountEntry
#define ST_COMPARE(a, b) count_map_compare(a, b)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

static CountEntry *
make_entries(Size count)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, Max(1, count) * sizeof(CountEntry));
}

static struct varlena *
pack_map(GrowingState *state)
{
	CountMap *map = (CountMap *) state;

	return map->type->pack(map);
}

void *
count_map_make(const CountMapType *type, Size size, MemoryContext parent)
{
	CountMap *map = agg_state_make(size, pack_map, parent);

	map->type = type;
	map->capacity = INITIAL_CAPACITY;
	map->entries = MemoryContextAlloc(agg_state_context(&map->growing), INITIAL_CAPACITY * sizeof(CountEntry));
	return map;
}

void
count_map_out_of_range(const CountMapType *type)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("a count in %s is out of range", type->name)));
}

/*
 * Many entries are sorted digit by digit, the lowest digit first (Knuth, TAOCP
 * 3, 5.2.5). Most of the 128 bits of a key are the same in all entries of a
 * kind; of those that differ the highest few digits tell most entries apart,
 * and only runs of entries that they do not are sorted by what is left.
 */
#define DIGIT_BITS 11
#define DIGIT_VALUES (1 << DIGIT_BITS)
#define MAX_DIGITS 3

/* Eleven bits of one half of the key. */
typedef struct Digit
{
	bool of_group;
	int shift;
} Digit;

static inline uint32
digit_of(const CountEntry *entry, Digit digit)
{
	return (uint32) ((digit.of_group ? entry->group : entry->detail) >> digit.shift) & (DIGIT_VALUES - 1);
}

/* Adds the highest digits that cover these bits, as many as there is space for; returns the bits that are not covered. */
static uint64
digits_of_bits(uint64 bits, bool of_group, Digit *digits, int *count)
{
	while (bits != 0 && *count < MAX_DIGITS)
	{
		int shift = Max(0, pg_leftmost_one_pos64(bits) + 1 - DIGIT_BITS);

		digits[(*count)++] = (Digit){of_group, shift};
		bits &= (UINT64CONST(1) << shift) - 1;
	}
	return bits;
}

/* One pass: from entries to sorted. starts: how many entries have each value of the digit; overwritten. */
static void
sort_by_digit(const CountEntry *entries, CountEntry *sorted, uint32 count, Digit digit, uint32 *starts)
{
	uint32 start = 0;

	for (int i = 0; i < DIGIT_VALUES; i++)
	{
		uint32 size = starts[i];

		starts[i] = start;
		start += size;
	}
	for (uint32 i = 0; i < count; i++)
		sorted[starts[digit_of(&entries[i], digit)]++] = entries[i];
	CHECK_FOR_INTERRUPTS();
}

/* By all digits, of which the first is the highest: from entries to sorted. Both are overwritten. */
static void
sort_by_digits(CountEntry *entries, CountEntry *sorted, uint32 count, const Digit *digits, int n_digits)
{
	uint32 starts[MAX_DIGITS][DIGIT_VALUES] = {{0}};
	CountEntry *from = entries;

	for (uint32 i = 0; i < count; i++)
		for (int d = 0; d < n_digits; d++)
			starts[d][digit_of(&entries[i], digits[d])]++;
	for (int d = n_digits - 1; d >= 0; d--)
	{
		CountEntry *to = from == entries ? sorted : entries;

		sort_by_digit(from, to, count, digits[d], starts[d]);
		from = to;
	}
	if (from != sorted)
		memcpy(sorted, from, count * sizeof(CountEntry));
}

static void sort_entries(CountEntry *entries, CountEntry *sorted, uint32 count);

/* Sorts, by what is left, each run of sorted entries that agree in these bits. */
static void
sort_runs(CountEntry *entries, CountEntry *sorted, uint32 count, uint64 group_bits, uint64 detail_bits)
{
	uint32 start = 0;

	for (uint32 end = 1; end <= count; end++)
	{
		if (end < count && ((sorted[start].group ^ sorted[end].group) & group_bits) == 0 &&
			((sorted[start].detail ^ sorted[end].detail) & detail_bits) == 0)
			continue;
		if (end - start > 1)
		{
			memcpy(entries + start, sorted + start, (end - start) * sizeof(CountEntry));
			sort_entries(entries + start, sorted + start, end - start);
		}
		start = end;
	}
}

/*
 * Sorts entries into sorted; both are overwritten. In a run fewer bits differ,
 * by those of three digits, so that it calls itself three times at most.
 */
static void
sort_entries(CountEntry *entries, CountEntry *sorted, uint32 count)
{
	uint64 group_bits = 0, detail_bits = 0;
	uint64 group_left, detail_left;
	Digit digits[MAX_DIGITS] = {{0}};
	int n_digits = 0;

	if (count < FEW_ENTRIES)
	{
		memcpy(sorted, entries, count * sizeof(CountEntry));
		sort_few(sorted, count);
		return;
	}
	for (uint32 i = 1; i < count; i++)
	{
		group_bits |= entries[i].group ^ entries[0].group;
		detail_bits |= entries[i].detail ^ entries[0].detail;
	}
	group_left = digits_of_bits(group_bits, true, digits, &n_digits);
	detail_left = digits_of_bits(detail_bits, false, digits, &n_digits);
	sort_by_digits(entries, sorted, count, digits, n_digits);
	if ((group_left | detail_left) != 0)
		sort_runs(entries, sorted, count, group_bits & ~group_left, detail_bits & ~detail_left);
}

/* Sorts entries, with a buffer for as many. */
static void
sort_with(CountEntry *entries, CountEntry *buffer, uint32 count)
{
	const Digit kind = {true, 56};
	uint32 start = 0;

	if (count < FEW_ENTRIES)
	{
		sort_few(entries, count);
		return;
	}
	/* First by the kind, as the keys of each have bits of their own. */
	sort_by_digits(entries, buffer, count, &kind, 1);
	for (uint32 end = 1; end <= count; end++)
		if (end == count || buffer[end].group >> 56 != buffer[start].group >> 56)
		{
			sort_entries(buffer + start, entries + start, end - start);
			start = end;
		}
}

void
count_map_sort(CountEntry *entries, uint32 count)
{
	CountEntry *buffer = make_entries(count);

	sort_with(entries, buffer, count);
	pfree(buffer);
}

/* Adds an entry at the end of sorted ones, or to the last of them if it has the same key. */
static inline void
append_sum(const CountMapType *type, CountEntry *entries, uint32 *used, const CountEntry *entry)
{
	if (*used == 0 || count_map_compare(&entries[*used - 1], entry) != 0)
		entries[(*used)++] = *entry;
	else if (unlikely(pg_add_s64_overflow(entries[*used - 1].value, entry->value, &entries[*used - 1].value)))
		count_map_out_of_range(type);
	/* Positive and negative values can cancel: entries of zero are dropped. */
	if (entries[*used - 1].value == 0)
		(*used)--;
}

uint32
count_map_sum_up(const CountMapType *type, CountEntry *entries, uint32 count)
{
	uint32 kept = 0;

	for (uint32 i = 0; i < count; i++)
	{
		CountEntry entry = entries[i];

		CHECK_FOR_INTERRUPTS();
		append_sum(type, entries, &kept, &entry);
	}
	return kept;
}

static bool
in_order(const CountEntry *entries, uint32 count)
{
	for (uint32 i = 1; i < count; i++)
		if (count_map_compare(&entries[i - 1], &entries[i]) > 0)
			return false;
	return true;
}

/*
 * Merges the sorted prefix and the sorted entries behind it, of which the buffer
 * has a copy, where they are, from the end, and sums up equal keys. New memory
 * for the result would cost more than to move it to its place.
 */
static void
merge_unsettled(CountMap *map)
{
	const CountEntry *unsettled = map->buffer;
	CountEntry *entries = map->entries;
	uint32 count = map->used - map->n_sorted;
	uint32 n_sorted = map->n_sorted;
	uint32 place = map->used;

	while (count > 0 || n_sorted > 0)
	{
		bool of_prefix =
			count == 0 || (n_sorted > 0 && count_map_compare(&entries[n_sorted - 1], &unsettled[count - 1]) > 0);
		CountEntry entry = of_prefix ? entries[--n_sorted] : unsettled[--count];

		CHECK_FOR_INTERRUPTS();
		if (place == map->used || count_map_compare(&entries[place], &entry) != 0)
			entries[--place] = entry;
		else if (unlikely(pg_add_s64_overflow(entries[place].value, entry.value, &entries[place].value)))
			count_map_out_of_range(map->type);
		if (entries[place].value == 0)
			place++;
	}
	map->n_sorted = map->used -= place;
	memmove(entries, entries + place, map->used * sizeof(CountEntry));
}

/*
 * The buffer, with space for so many entries. A large one is kept: fresh pages
 * cost more than what is done with them.
 */
static void
enlarge_buffer(CountMap *map, uint32 count)
{
	if (map->buffer == NULL)
		map->buffer = MemoryContextAllocHuge(agg_state_context(&map->growing), count * sizeof(CountEntry));
	else if (map->buffer_room < count)
		map->buffer = repalloc_huge(map->buffer, count * sizeof(CountEntry));
	map->buffer_room = Max(map->buffer_room, count);
}

static void
drop_small_buffer(CountMap *map)
{
	if (map->buffer == NULL || map->buffer_room >= FEW_ENTRIES)
		return;
	pfree(map->buffer);
	map->buffer = NULL;
	map->buffer_room = 0;
}

/* The type may coarsen the compacted entries, which are then compacted again. */
static void
settle_log(CountMap *map)
{
	const CountMapType *type = map->type;

	while (map->n_sorted < map->used)
	{
		CountEntry *unsettled = map->entries + map->n_sorted;
		uint32 count = map->used - map->n_sorted;

		enlarge_buffer(map, count);
		if (!in_order(unsettled, count))
			sort_with(unsettled, map->buffer, count);
		memcpy(map->buffer, unsettled, count * sizeof(CountEntry));
		merge_unsettled(map);
		drop_small_buffer(map);
		if (type->compacted != NULL)
			type->compacted(map);
	}
	if (map->used > type->max_entries)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a %s cannot hold more than %u different %s", type->name, type->max_entries, type->counted),
				 errhint("%s", type->hint)));
}

/* At least half of the capacity is free afterwards, so that compaction is amortised. */
void
count_map_reserve(CountMap *map, uint32 more)
{
	Size needed;

	if (more <= map->capacity - map->used)
		return;
	settle_log(map);
	needed = map->used + (Size) Max(map->used, more);
	if (needed <= map->capacity)
		return;
	map->capacity = (uint32) pg_nextpower2_64(needed);
	map->entries = repalloc_huge(map->entries, map->capacity * sizeof(CountEntry));
	if (map->hot == NULL && map->capacity >= COUNT_MAP_HOT)
		map->hot = MemoryContextAllocZero(agg_state_context(&map->growing), COUNT_MAP_HOT * sizeof(CountEntry));
}

/* Merges a settled map and at most so many entries of a source into new memory. */
static void
merge_source(CountMap *map, uint32 count, CountSource next, void *context)
{
	uint32 capacity = map->used + count;
	CountEntry *merged = MemoryContextAllocHuge(agg_state_context(&map->growing), capacity * sizeof(CountEntry));
	const CountEntry *prefix = map->entries;
	const CountEntry *end = prefix + map->used;
	uint32 used = 0;
	CountEntry entry;

	for (bool more = next(context, &entry); more || prefix < end;)
	{
		CHECK_FOR_INTERRUPTS();
		if (!more || (prefix < end && count_map_compare(prefix, &entry) < 0))
			append_sum(map->type, merged, &used, prefix++);
		else
		{
			append_sum(map->type, merged, &used, &entry);
			more = next(context, &entry);
		}
	}
	pfree(map->entries);
	map->entries = merged;
	map->capacity = capacity;
	map->n_sorted = map->used = used;
}

void
count_map_merge(CountMap *map, uint32 count, CountSource next, void *context)
{
	CountEntry entry;

	if (count > map->used / 2)
	{
		settle_log(map);
		merge_source(map, count, next, context);
		if (map->type->compacted != NULL)
			map->type->compacted(map);
		settle_log(map);
		return;
	}
	count_map_reserve(map, count);
	while (next(context, &entry))
	{
		CHECK_FOR_INTERRUPTS();
		count_map_add(map, entry.group, entry.detail, entry.value);
	}
}

void
count_map_compact(CountMap *map)
{
	for (int i = 0; map->hot != NULL && i < COUNT_MAP_HOT; i++)
	{
		CountEntry entry = map->hot[i];

		map->hot[i] = (CountEntry){0};
		count_map_add(map, entry.group, entry.detail, entry.value);
	}
	settle_log(map);
}

const CountEntry *
count_map_duplicate(const CountEntry *entries, uint32 count)
{
	for (uint32 i = 1; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (count_map_compare(&entries[i - 1], &entries[i]) == 0)
			return &entries[i];
	}
	return NULL;
}

const CountEntry *
count_map_find(const CountEntry *entries, uint32 count, uint64 group, uint64 detail)
{
	CountEntry key = {group, detail, 0};
	uint32 low = 0;
	uint32 high = count;

	while (low < high)
	{
		uint32 middle = low + (high - low) / 2;

		if (count_map_compare(&entries[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return &entries[low];
}

struct varlena *
count_map_pack(const CountMapType *type, const uint8 *head, Size head_bytes, const CountEntry *entries, uint32 count)
{
	Size capacity = VARHDRSZ + head_bytes + MAX_VARINT_BYTES + (Size) count * MAX_ENTRY_BYTES;
	struct varlena *value = MemoryContextAllocHuge(CurrentMemoryContext, capacity);
	uint8 *at = (uint8 *) VARDATA(value);
	CountEntry previous = {0};

	memcpy(at, head, head_bytes);
	at = put_varint(at + head_bytes, count);
	for (uint32 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		at = count_map_put(at, &entries[i], &previous);
		previous = entries[i];
	}
	if (at - (uint8 *) value > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("%s is too large to be stored", type->name),
				 errhint("%s", type->hint)));
	SET_VARSIZE(value, at - (uint8 *) value);
	return repalloc(value, at - (uint8 *) value);
}

CountEntry *
count_map_receive(const CountMapType *type, StringInfo in, uint32 *count)
{
	*count = pq_getmsgint(in, 4);
	if ((uint64) *count * WIRE_ENTRY_BYTES != (uint64) (in->len - in->cursor))
		bytes_malformed(type->name, "the length does not fit the number of entries");

	CountEntry *entries = palloc_array(CountEntry, Max(1, *count));

	for (uint32 i = 0; i < *count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		entries[i].group = (uint64) pq_getmsgint64(in);
		entries[i].detail = (uint64) pq_getmsgint64(in);
		entries[i].value = pq_getmsgint64(in);
	}
	return entries;
}

void
count_map_send(StringInfo out, const CountEntry *entry)
{
	pq_sendint64(out, entry->group);
	pq_sendint64(out, entry->detail);
	pq_sendint64(out, (uint64) entry->value);
}

bool
count_map_from_text(JsonInput *in, StateBytes *bytes, CountEntry **entries, uint32 *count)
{
	uint64 announced;
	CountEntry entry = {0};

	if (!state_varint(bytes, &announced) || announced > (uint64) (bytes->end - bytes->at) / 3)
		return state_text_fail(in, "there are fewer entries than announced");
	*count = (uint32) announced;
	*entries = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, announced) * sizeof(CountEntry));
	for (uint32 i = 0; i < *count; i++)
	{
		uint64 step;
		uint64 detail;
		uint64 value;

		CHECK_FOR_INTERRUPTS();
		if (!state_varint(bytes, &step) || !state_varint(bytes, &detail) || !state_varint(bytes, &value))
			return state_text_fail(in, "an entry is incomplete");
		entry.detail = step == 0 ? entry.detail + detail : detail;
		entry.group += step;
		entry.value = zigzag_decode(value);
		(*entries)[i] = entry;
	}
	return bytes->at == bytes->end || state_text_fail(in, "there are bytes left over");
}
