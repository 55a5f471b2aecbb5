/*
 * tally.h
 *	  Counts: a map from keys to whole numbers, as it grows in an aggregate and
 *	  as it is stored.
 *
 * Several value types are such a map at heart: merging two of them adds them,
 * so that the order of rows and the way they are split among processes cannot
 * matter.
 *
 * While it grows, the map is a log: what is added is written behind what was
 * added before. When the log is full it is settled: put in order, equal keys
 * summed up; and it grows, unless that freed half of it. So each entry is
 * sorted once and merged a few times, all in long strides through memory, where
 * a hash table would wait for each key on its own; and in the end the entries
 * have to be in order anyway.
 *
 * In an aggregate the map and what its type adds to it are an expanded object:
 * the server leaves it where it is, and flattens it to the stored form when it
 * goes to another process. So whoever reads a value reads the stored form.
 *
 * What the keys mean is the type's business; it keeps its kinds of entries apart
 * by the highest byte of their groups.
 */
#ifndef VALUE_TALLY_H
#define VALUE_TALLY_H

#include "compat.h"

#include "common/int.h"
#include "lib/stringinfo.h"
#include "utils/expandeddatum.h"

#include "value/bytes.h"

/* One entry of the map; keys are ordered by (group, detail). */
typedef struct TallyEntry
{
	uint64		group;
	uint64		detail;
	int64		value;			/* never zero */
} TallyEntry;

StaticAssertDecl(sizeof(TallyEntry) == 24, "an entry has no hidden padding");

typedef struct Tally Tally;

/* The type whose states these are. */
typedef struct TallyType
{
	const char *name;			/* in SQL */
	uint32		most;			/* entries */
	const char *counted;		/* what there may not be more of, and what to do about it */
	const char *hint;

	/* The stored form of a state. */
	struct varlena *(*pack) (Tally *tally);

	/* Called when entries were settled, to put them into a coarser form; or NULL. */
	void		(*settled) (Tally *tally);
} TallyType;

/*
 * Keys that come again and again are first counted in so many places, which stay
 * in the processor's caches, as soon as the log is as large as these.
 */
#ifdef TALLY_EAGER				/* for fuzzing: a handful of entries goes every way that millions go */
#define TALLY_OFTEN_BITS 1
#else
#define TALLY_OFTEN_BITS 9
#endif
#define TALLY_OFTEN (1 << TALLY_OFTEN_BITS)

/* What a state begins with. */
struct Tally
{
	ExpandedObjectHeader header;
	const TallyType *type;
	struct varlena *packed;		/* between asking for the size of the stored form and for its bytes */
	TallyEntry *entries;
	uint32		room;			/* for so many */
	uint32		used;
	uint32		settled;		/* so many, from the first, are in order, each key once */
	TallyEntry *often;			/* NULL, or TALLY_OFTEN counts that are not among the entries yet */
};

/* A new state of so many bytes, all zero behind the tally, in a memory context below this one. */
extern void *tally_make(const TallyType *type, Size size, MemoryContext parent);

/* The state that an aggregate goes on with, if the value is one and not a stored form; or NULL. */
extern void *tally_to_write(Datum value);

/* The same for those who only read it. */
extern void *tally_to_read(Datum value);

/*
 * The stored form of a value that may be toasted, or still growing: what is read
 * more than once is best read from here.
 */
extern struct varlena *tally_stored(Datum value);

/* The memory that a state of this call lives in: the aggregate's, or elsewhere the call's. */
extern MemoryContext tally_parent(FunctionCallInfo fcinfo);

/* The result of a call that added to a state: inside an aggregate the state, elsewhere the value it stands for. */
extern Datum tally_result(FunctionCallInfo fcinfo, Tally *tally);

/* The result of a call that added nothing: the first argument as it is. */
extern Datum tally_unchanged(FunctionCallInfo fcinfo);

/* Makes room for so many entries more. */
extern void tally_make_room(Tally *tally, uint32 more);

/* Puts the entries in order, and sums up those of equal keys. */
extern void tally_settle(Tally *tally);

/* The errors of a count that is out of range. */
extern void tally_out_of_range(const TallyType *type);

/* The order of entries: by group, then by detail. */
static inline int
tally_compare(const TallyEntry *a, const TallyEntry *b)
{
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	return (a->detail > b->detail) - (a->detail < b->detail);
}

/* Adds to a key. What comes in order, as from a stored form, is not sorted again. */
static inline void
tally_add(Tally *tally, uint64 group, uint64 detail, int64 value)
{
	TallyEntry *entry;

	if (value == 0)
		return;
	if (unlikely(tally->used == tally->room))
		tally_make_room(tally, 1);
	entry = &tally->entries[tally->used];
	*entry = (TallyEntry) {group, detail, value};
	if (tally->settled == tally->used && (tally->used == 0 || tally_compare(entry - 1, entry) < 0))
		tally->settled++;
	tally->used++;
}

/* Adds to a key that is one of few. */
static inline void
tally_add_often(Tally *tally, uint64 group, uint64 detail, int64 value)
{
	uint64		hash = (detail ^ group >> 56) * UINT64CONST(0x9E3779B97F4A7C15);
	TallyEntry *entry;

	if (tally->often == NULL)
	{
		tally_add(tally, group, detail, value);
		return;
	}
	entry = &tally->often[hash >> (64 - TALLY_OFTEN_BITS)];
	if (likely(entry->detail == detail && entry->group == group))
	{
		if (unlikely(pg_add_s64_overflow(entry->value, value, &entry->value)))
			tally_out_of_range(tally->type);
		return;
	}
	tally_add(tally, entry->group, entry->detail, entry->value);
	*entry = (TallyEntry) {group, detail, value};
}

/* Sorts entries. */
extern void tally_sort(TallyEntry *entries, uint32 count);

/* Of sorted entries, one with the same key as the one before it; NULL: there is none. */
extern const TallyEntry *tally_twice(const TallyEntry *entries, uint32 count);

/* Entries as they are read, in memory of the reader's. */
typedef struct TallyList
{
	TallyEntry *entries;
	uint32		count;
} TallyList;

static inline void
tally_list_add(TallyList *list, uint64 group, uint64 detail, int64 value)
{
	list->entries[list->count++] = (TallyEntry) {group, detail, value};
}

/* The first of sorted entries with this key, or, if there is none, where it belongs. */
extern const TallyEntry *tally_find(const TallyEntry *entries, uint32 count, uint64 group, uint64 detail);

/*
 * The stored form: what the type says first, then the number of entries (varint)
 * and the entries in order: the group's distance from the one before, the
 * detail's (or the detail, in a new group), both as varints, and the value
 * (varint, sign folded).
 */
extern struct varlena *tally_pack(const TallyType *type, const uint8 *head, Size head_bytes,
								  const TallyEntry *entries, uint32 count);

/* Reads the number of entries of a stored form, which take three bytes or more each. */
static inline uint32
tally_get_count(const uint8 **at, const uint8 *end)
{
	uint64		count = get_varint(at, end);

	if (unlikely(count > (end - *at) / 3))
		bytes_end_early();
	return (uint32) count;
}

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
