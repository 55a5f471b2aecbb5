/*
 * tally.h
 *	  Counts: a map from keys to whole numbers, as it grows in an aggregate and
 *	  as it is stored.
 *
 * Several value types are such a map at heart: merging two of them adds them,
 * so that the order of rows and the way they are split among processes cannot
 * matter. While it grows, the map is an open hash table (linear probing, at most
 * three quarters full) behind a head of the type's own; the whole state is one
 * flat value, which the executor can copy and send.
 *
 * What the keys mean is the type's business; it keeps its kinds of entries apart
 * by their groups, of which 0 is no one's.
 */
#ifndef VALUE_TALLY_H
#define VALUE_TALLY_H

#include "compat.h"

#include "common/int.h"
#include "lib/stringinfo.h"

#include "value/bytes.h"

/* One entry of the map; keys are ordered by (group, detail). */
typedef struct TallyEntry
{
	uint64		group;
	uint64		detail;
	int64		value;			/* never zero */
} TallyEntry;

StaticAssertDecl(sizeof(TallyEntry) == 24, "an entry has no hidden padding");

/* Where the stored form has its version. */
#define TALLY_MARK 0x80

/* What a state begins with. */
typedef struct Tally
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	uint8		mark;			/* TALLY_MARK */
	uint8		unused[3];		/* always zero */
	uint32		slots;			/* a power of two */
	uint32		used;			/* entries in the table */
	TallyEntry	pending;		/* to be added with the next; group 0: none */
} Tally;

/* The type whose states these are. */
typedef struct TallyType
{
	const char *name;			/* in SQL */
	Size		table;			/* offset of the entries in a state, a multiple of 8 */
	uint32		most;			/* entries */
	const char *counted;		/* what there may not be more of, and what to do about it */
	const char *hint;
} TallyType;

static inline bool
tally_is_state(struct varlena *value)
{
	return VARSIZE_ANY_EXHDR(value) > 0 && *(uint8 *) VARDATA_ANY(value) == TALLY_MARK;
}

/* The slots of the table: an entry of group 0 is an empty one. */
static inline TallyEntry *
tally_table(const TallyType *type, const Tally *tally)
{
	return (TallyEntry *) ((char *) tally + type->table);
}

/* A new state without entries. */
extern Tally *tally_make(const TallyType *type, uint32 slots);

/* A state with the same head, as many slots, and no entries. */
extern Tally *tally_emptied(const TallyType *type, const Tally *tally);

/* The same state in a larger table, with room for so many entries more. */
extern Tally *tally_make_room(const TallyType *type, Tally *tally, uint32 more);

/* The errors of a count that is out of range, and of a table that has too many entries. */
extern void tally_out_of_range(const TallyType *type);
extern void tally_too_large(const TallyType *type);

static inline void
tally_add_to_value(const TallyType *type, TallyEntry *entry, int64 value)
{
	if (unlikely(pg_add_s64_overflow(entry->value, value, &entry->value)))
		tally_out_of_range(type);
}

/*
 * Where to look for a key first: multiply and shift (Steele and Vigna's mixing
 * function), so that keys that differ in one bit differ in half of the bits of
 * their hashes. But details that differ in their lowest two bits only are
 * neighbours: four numbers that belong together share a cache line or two.
 */
static inline uint32
tally_first_slot(const Tally *tally, uint64 group, uint64 detail)
{
	uint64		hash = (group * UINT64CONST(0x9E3779B97F4A7C15)) ^ (detail >> 2);

	hash = (hash ^ (hash >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	hash = (hash ^ (hash >> 27)) * UINT64CONST(0x94D049BB133111EB);
	hash ^= hash >> 31;
	return (uint32) (hash << 2 | (detail & 3)) & (tally->slots - 1);
}

/* The entry of this key, or the empty one where it belongs. */
static inline TallyEntry *
tally_find(const TallyType *type, const Tally *tally, uint64 group, uint64 detail)
{
	TallyEntry *table = tally_table(type, tally);
	uint32		mask = tally->slots - 1;
	uint32		slot = tally_first_slot(tally, group, detail);

	while (table[slot].group != 0 &&
		   (table[slot].group != group || table[slot].detail != detail))
		slot = (slot + 1) & mask;
	return &table[slot];
}

/* The value of a key; 0 if it is not there. */
static inline int64
tally_value(const TallyType *type, const Tally *tally, uint64 group, uint64 detail)
{
	return tally_find(type, tally, group, detail)->value;
}

/* Adds to a key; the state returned takes the place of the one given. */
static inline Tally *
tally_add(const TallyType *type, Tally *tally, uint64 group, uint64 detail, int64 value)
{
	if (value == 0)
		return tally;

	TallyEntry *entry = tally_find(type, tally, group, detail);

	if (entry->group == 0)
	{
		if (tally->used >= tally->slots / 4 * 3)
		{
			tally = tally_make_room(type, tally, 1);
			entry = tally_find(type, tally, group, detail);
		}
		if (tally->used >= type->most)
			tally_too_large(type);
		entry->group = group;
		entry->detail = detail;
		tally->used++;
	}
	tally_add_to_value(type, entry, value);
	return tally;
}

/*
 * Adds to a key, but not at once. Most of an addition's time goes into
 * waiting for memory: it is sent for now, and the addition done when the next
 * one comes.
 */
static inline Tally *
tally_add_soon(const TallyType *type, Tally *tally, uint64 group, uint64 detail, int64 value)
{
	TallyEntry	previous = tally->pending;

#ifdef __GNUC__
	__builtin_prefetch(&tally_table(type, tally)[tally_first_slot(tally, group, detail)], 1);
#endif
	tally->pending = (TallyEntry) {group, detail, value};
	return tally_add(type, tally, previous.group, previous.detail, previous.value);
}

/* The order of entries: by group, then by detail. */
static inline int
tally_compare(const TallyEntry *a, const TallyEntry *b)
{
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	return (a->detail > b->detail) - (a->detail < b->detail);
}

/* All entries of a state, the pending one too, in no order: a copy. */
extern TallyEntry *tally_entries(const TallyType *type, const Tally *tally, uint32 *count);

/* Sorts entries and sums up those with equal keys; returns how many are left that are not zero. */
extern uint32 tally_sort(const TallyType *type, TallyEntry *entries, uint32 count);

/*
 * The stored form: what the type says first, then the number of entries (varint)
 * and the entries in order: the group's distance from the one before, the
 * detail's (or the detail, in a new group), both as varints, and the value
 * (varint, sign folded).
 */
extern struct varlena *tally_pack(const TallyType *type, const uint8 *head, Size head_bytes,
								  const TallyEntry *entries, uint32 count);

/* Reads the next entry of a stored form; the one before it (at first, zeros) is in its place. */
static inline void
tally_get(const uint8 **at, const uint8 *end, TallyEntry *entry)
{
	uint64		step = get_varint(at, end);
	uint64		detail = get_varint(at, end);

	entry->detail = step == 0 ? entry->detail + detail : detail;
	entry->group += step;
	entry->value = unfold_sign(get_varint(at, end));
}

/* The entries in a binary message, at its end: their number (int32), then group, detail and value (int64 each). */
extern TallyEntry *tally_receive(const TallyType *type, StringInfo in, uint32 *count);
extern void tally_send(StringInfo out, const TallyEntry *entry);

#endif							/* VALUE_TALLY_H */
