/*
 * count_map.h
 *	  A map from keys to counts (integers), as it grows in an aggregate and as
 *	  it is stored.
 *
 * Several value types are based on such a map: merging two of them adds the
 * counts, so that the result does not depend on the order of rows or on how
 * they are split among processes.
 *
 * While it grows, the map is an append-only log. When the log is full it is
 * compacted: sorted, with equal keys summed up; and its capacity doubles,
 * unless that freed half of it. So each entry is sorted once and merged a few
 * times, with sequential memory access, where a hash table would have a cache
 * miss for each key; and the stored form is sorted anyway.
 *
 * In an aggregate the map and what its type adds to it are a state that the
 * server flattens (see support/agg_state.h). So readers of a value always get
 * the stored form.
 *
 * The meaning of the keys is defined by the type; the highest byte of the
 * group is the kind of entry.
 */
#ifndef SUPPORT_COUNT_MAP_H
#define SUPPORT_COUNT_MAP_H

#include "compat.h"

#include "common/int.h"
#include "lib/stringinfo.h"

#include "support/agg_state.h"
#include "support/bytes.h"
#include "support/state_text.h"

/* One entry of the map; keys are ordered by (group, detail). */
typedef struct CountEntry
{
	uint64 group;
	uint64 detail;
	int64 value; /* never zero */
} CountEntry;

StaticAssertDecl(sizeof(CountEntry) == 24, "an entry has no hidden padding");

typedef struct CountMap CountMap;

/* The type whose states these are. */
typedef struct CountMapType
{
	const char *name;    /* in SQL */
	uint32 max_entries;  /* entries */
	const char *counted; /* the noun for the message about too many entries, and its hint */
	const char *hint;

	/* The stored form of a state. */
	struct varlena *(*pack)(CountMap *map);

	/* Called after compaction, to coarsen the entries; or NULL. */
	void (*compacted)(CountMap *map);
} CountMapType;

/*
 * Frequent keys are first counted in a direct-mapped table with this number of
 * slots, which stays in the processor's cache, as soon as the log is as large
 * as the table.
 */
#ifdef COUNT_MAP_EAGER /* for fuzzing: few entries take all the code paths that millions take */
#define COUNT_MAP_HOT_BITS 1
#else
#define COUNT_MAP_HOT_BITS 11
#endif
#define COUNT_MAP_HOT (1 << COUNT_MAP_HOT_BITS)

/* The header of a state. */
struct CountMap
{
	GrowingState growing;
	const CountMapType *type;
	CountEntry *entries;
	uint32 capacity; /* for so many */
	uint32 used;
	uint32 n_sorted;    /* so many, from the first, are in order, each key once */
	CountEntry *buffer; /* NULL, or memory for sorting and merging, */
	uint32 buffer_room; /* of so many entries */
	CountEntry *hot;    /* NULL, or COUNT_MAP_HOT counts that are not in the log yet */
};

/* A new state of the given size, zero behind the count map, in a memory context below this one. */
extern void *count_map_make(const CountMapType *type, Size size, MemoryContext parent);

/* Ensures capacity for more entries. */
extern void count_map_reserve(CountMap *map, uint32 more);

/* Yields entries in order; false after the last. */
typedef bool (*CountSource)(void *context, CountEntry *entry);

/*
 * Adds at most so many entries, which come in order. Many are merged with what
 * is there as they come, few go into the log.
 */
extern void count_map_merge(CountMap *map, uint32 count, CountSource next, void *context);

/* Compacts the log: sorts the entries and sums up equal keys. */
extern void count_map_compact(CountMap *map);

/* The errors of a count that is out of range. */
extern void count_map_out_of_range(const CountMapType *type);

/* The order of entries: by group, then by detail. */
static inline int
count_map_compare(const CountEntry *a, const CountEntry *b)
{
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	return (a->detail > b->detail) - (a->detail < b->detail);
}

/* Adds to a key. Keys that arrive in order, as from a stored form, are not sorted again. */
static inline void
count_map_add(CountMap *map, uint64 group, uint64 detail, int64 value)
{
	CountEntry *entry;

	if (value == 0)
		return;
	if (unlikely(map->used == map->capacity))
		count_map_reserve(map, 1);
	entry = &map->entries[map->used];
	*entry = (CountEntry){group, detail, value};
	if (map->n_sorted == map->used && (map->used == 0 || count_map_compare(entry - 1, entry) < 0))
		map->n_sorted++;
	map->used++;
}

/* Adds to a frequent key. */
static inline void
count_map_add_hot(CountMap *map, uint64 group, uint64 detail, int64 value)
{
	uint64 hash = (detail ^ group >> 56) * UINT64CONST(0x9E3779B97F4A7C15);
	CountEntry *entry;

	if (map->hot == NULL)
	{
		count_map_add(map, group, detail, value);
		return;
	}
	entry = &map->hot[hash >> (64 - COUNT_MAP_HOT_BITS)];
	if (likely(entry->detail == detail && entry->group == group))
	{
		if (unlikely(pg_add_s64_overflow(entry->value, value, &entry->value)))
			count_map_out_of_range(map->type);
		return;
	}
	count_map_add(map, entry->group, entry->detail, entry->value);
	*entry = (CountEntry){group, detail, value};
}

/* Sorts entries. */
extern void count_map_sort(CountEntry *entries, uint32 count);

/* Sums up sorted entries with equal keys; returns the number of entries that are not zero. */
extern uint32 count_map_sum_up(const CountMapType *type, CountEntry *entries, uint32 count);

/* The first of sorted entries with the same key as the one before it; NULL if there is none. */
extern const CountEntry *count_map_duplicate(const CountEntry *entries, uint32 count);

/* Entries while they are read, in the caller's memory. */
typedef struct CountList
{
	CountEntry *entries;
	uint32 count;
} CountList;

static inline void
count_list_add(CountList *list, uint64 group, uint64 detail, int64 value)
{
	list->entries[list->count++] = (CountEntry){group, detail, value};
}

/* The first of sorted entries with this key, or its insertion point. */
extern const CountEntry *count_map_find(const CountEntry *entries, uint32 count, uint64 group, uint64 detail);

/*
 * The stored form: the header of the type, then the number of entries (varint)
 * and the entries in order: the difference of the group from the one before,
 * that of the detail (or the detail, in a new group), both as varints, and the
 * value (zigzag varint).
 */
extern struct varlena *count_map_pack(const CountMapType *type, const uint8 *head, Size head_bytes,
									  const CountEntry *entries, uint32 count);

/* Writes an entry behind the previous one (before the first, zeros), in MAX_ENTRY_BYTES or fewer; returns the end. */
#define MAX_ENTRY_BYTES (3 * MAX_VARINT_BYTES)
static inline uint8 *
count_map_put(uint8 *at, const CountEntry *entry, const CountEntry *previous)
{
	at = put_varint(at, entry->group - previous->group);
	at = put_varint(at, entry->group == previous->group ? entry->detail - previous->detail : entry->detail);
	return put_varint(at, zigzag_encode(entry->value));
}

/* Reads the number of entries of a stored form, which take three bytes or more each. */
static inline uint32
count_map_get_count(const uint8 **at, const uint8 *end)
{
	uint64 count = get_varint(at, end);

	if (unlikely(count > (end - *at) / 3))
		bytes_end_early();
	return (uint32) count;
}

/* Reads the next entry of a stored form into *entry, which holds the previous one (at first, zeros). */
static inline void
count_map_get(const uint8 **at, const uint8 *end, CountEntry *entry)
{
	uint64 step = get_varint(at, end);
	uint64 detail = get_varint(at, end);

	entry->detail = step == 0 ? entry->detail + detail : detail;
	entry->group += step;
	entry->value = zigzag_decode(get_varint(at, end));
}

/* The entries in a binary message, at its end: their number (int32), then group, detail and value (int64 each). */
extern CountEntry *count_map_receive(const CountMapType *type, StringInfo in, uint32 *count);
extern void count_map_send(StringInfo out, const CountEntry *entry);

/*
 * The entries at the end of the stored form of a state that came as text, so
 * untrusted (see support/state_text.h). They need be neither in order nor in range:
 * that is for the type to check. False after a soft error.
 */
extern bool count_map_from_text(JsonInput *in, StateBytes *bytes, CountEntry **entries, uint32 *count);

#endif /* SUPPORT_COUNT_MAP_H */
