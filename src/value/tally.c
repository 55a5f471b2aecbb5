/*
 * tally.c
 *	  Growing, sorting and storing counts.
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "value/tally.h"

#ifdef TALLY_EAGER
#define INITIAL_ROOM 2
#define FEW_ENTRIES 4
#else
#define INITIAL_ROOM 32
#define FEW_ENTRIES 1024
#endif
#define WIRE_ENTRY_BYTES 24

#define ST_SORT sort_few
#define ST_ELEMENT_TYPE TallyEntry
#define ST_COMPARE(a, b) tally_compare(a, b)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

static TallyEntry *
make_entries(Size count)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, Max(1, count) * sizeof(TallyEntry));
}

/* The expanded object's size is that of its stored form, which is kept for the call that comes next. */
static Size
flat_size(ExpandedObjectHeader *header)
{
	Tally	   *tally = (Tally *) header;

	if (tally->packed == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(header->eoh_context);

		tally->packed = tally->type->pack(tally);
		MemoryContextSwitchTo(caller);
	}
	return VARSIZE(tally->packed);
}

static void
flatten_into(ExpandedObjectHeader *header, void *result, Size size)
{
	Tally	   *tally = (Tally *) header;

	memcpy(result, tally->packed, size);
	pfree(tally->packed);
	tally->packed = NULL;
}

static const ExpandedObjectMethods tally_methods = {flat_size, flatten_into};

/*
 * All states of an aggregate share a context, unlike other expanded objects.
 * For each new group the server adds up the memory of all contexts there are:
 * with one per group, that would grow with their square. It would delete the
 * context of a single state only if that were replaced by another, and none is.
 */
static MemoryContext
context_below(MemoryContext parent)
{
	static const char name[] = "customer_centric tallies";

	if (parent->firstchild != NULL && parent->firstchild->name == name)
		return parent->firstchild;
	return AllocSetContextCreateInternal(parent, name, ALLOCSET_DEFAULT_SIZES);
}

void *
tally_make(const TallyType *type, Size size, MemoryContext parent)
{
	MemoryContext context = context_below(parent);
	Tally	   *tally = MemoryContextAllocZero(context, size);

	EOH_init_header(&tally->header, &tally_methods, context);
	tally->type = type;
	tally->room = INITIAL_ROOM;
	tally->entries = MemoryContextAlloc(context, INITIAL_ROOM * sizeof(TallyEntry));
	return tally;
}

void *
tally_to_read(Datum value)
{
	return VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)) ? DatumGetEOHP(value) : NULL;
}

struct varlena *
tally_stored(Datum value)
{
	Tally	   *tally = tally_to_read(value);

	return tally != NULL ? tally->type->pack(tally) : PG_DETOAST_DATUM_PACKED(value);
}

void *
tally_to_write(Datum value)
{
	if (!VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(value)))
		return NULL;

	Tally	   *tally = (Tally *) DatumGetEOHP(value);

	/* If its size was asked for, and then nothing else. */
	if (unlikely(tally->packed != NULL))
	{
		pfree(tally->packed);
		tally->packed = NULL;
	}
	return tally;
}

MemoryContext
tally_parent(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	return AggCheckCallContext(fcinfo, &context) ? context : CurrentMemoryContext;
}

Datum
tally_result(FunctionCallInfo fcinfo, Tally *tally)
{
	return AggCheckCallContext(fcinfo, NULL) ? EOHPGetRWDatum(&tally->header)
		: PointerGetDatum(tally->type->pack(tally));
}

Datum
tally_unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

void
tally_out_of_range(const TallyType *type)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("a count in %s is out of range", type->name)));
}

/*
 * Many entries are sorted digit by digit, from the lowest (Knuth, TAOCP 3,
 * 5.2.5). Most of the 128 bits of a key are the same in all entries of a group's
 * kind, and only digits that differ take a pass.
 */
#define DIGIT_BITS 11
#define DIGITS (1 << DIGIT_BITS)

/* Eleven bits of one half of the key. */
typedef struct Digit
{
	bool		of_group;
	int			shift;
} Digit;

static inline uint32
digit_of(const TallyEntry *entry, Digit digit)
{
	return (uint32) ((digit.of_group ? entry->group : entry->detail) >> digit.shift) & (DIGITS - 1);
}

/* Adds the digits that cover these bits. */
static int
digits_of_bits(uint64 bits, bool of_group, Digit *digits, int count)
{
	while (bits != 0)
	{
		int			shift = pg_rightmost_one_pos64(bits);

		digits[count++] = (Digit) {of_group, shift};
		bits &= shift + DIGIT_BITS < 64 ? ~UINT64CONST(0) << (shift + DIGIT_BITS) : 0;
	}
	return count;
}

/* One pass: from entries to sorted. */
static void
sort_by_digit(const TallyEntry *entries, TallyEntry *sorted, uint32 count, Digit digit)
{
	uint32		starts[DIGITS] = {0};
	uint32		start = 0;

	for (uint32 i = 0; i < count; i++)
		starts[digit_of(&entries[i], digit)]++;
	for (int i = 0; i < DIGITS; i++)
	{
		uint32		size = starts[i];

		starts[i] = start;
		start += size;
	}
	for (uint32 i = 0; i < count; i++)
		sorted[starts[digit_of(&entries[i], digit)]++] = entries[i];
	CHECK_FOR_INTERRUPTS();
}

/* Entries whose groups have the same highest byte, to where there is room for as many. */
static void
sort_kind(TallyEntry *entries, TallyEntry *sorted, uint32 count)
{
	TallyEntry *from = entries;
	uint64		group_bits = 0;
	uint64		detail_bits = 0;
	Digit		digits[2 * (64 / DIGIT_BITS + 1)];
	int			n_digits = 0;

	for (uint32 i = 1; i < count; i++)
	{
		group_bits |= entries[i].group ^ entries[0].group;
		detail_bits |= entries[i].detail ^ entries[0].detail;
	}
	if (count >= FEW_ENTRIES)
		n_digits = digits_of_bits(group_bits, true, digits, digits_of_bits(detail_bits, false, digits, 0));
	for (int i = 0; i < n_digits; i++)
	{
		TallyEntry *to = from == entries ? sorted : entries;

		sort_by_digit(from, to, count, digits[i]);
		from = to;
	}
	if (from != sorted)
		memcpy(sorted, from, count * sizeof(TallyEntry));
	if (count < FEW_ENTRIES)
		sort_few(sorted, count);
}

void
tally_sort(TallyEntry *entries, uint32 count)
{
	TallyEntry *room;
	uint32		start = 0;

	if (count < FEW_ENTRIES)
	{
		sort_few(entries, count);
		return;
	}
	/* First by the kind. */
	room = make_entries(count);
	sort_by_digit(entries, room, count, (Digit) {true, 56});
	for (uint32 end = 1; end <= count; end++)
		if (end == count || room[end].group >> 56 != room[start].group >> 56)
		{
			sort_kind(room + start, entries + start, end - start);
			start = end;
		}
	pfree(room);
}

/* Merges the entries that were settled, and the sorted ones behind them, from the last on. */
static void
merge_unsettled(Tally *tally)
{
	uint32		count = tally->used - tally->settled;
	TallyEntry *entries = tally->entries;
	TallyEntry *unsettled = make_entries(count);
	uint32		settled = tally->settled;
	uint32		place = tally->used;

	memcpy(unsettled, entries + settled, count * sizeof(TallyEntry));
	while (count > 0 && settled > 0)
	{
		CHECK_FOR_INTERRUPTS();
		if (tally_compare(&entries[settled - 1], &unsettled[count - 1]) > 0)
			entries[--place] = entries[--settled];
		else
			entries[--place] = unsettled[--count];
	}
	memcpy(entries, unsettled, count * sizeof(TallyEntry));
	pfree(unsettled);
}

/* Sums up sorted entries with equal keys; how many are left that are not zero. */
static uint32
sum_up(const TallyType *type, TallyEntry *entries, uint32 count)
{
	uint32		kept = 0;

	for (uint32 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (kept == 0 || tally_compare(&entries[kept - 1], &entries[i]) != 0)
			entries[kept++] = entries[i];
		else if (unlikely(pg_add_s64_overflow(entries[kept - 1].value, entries[i].value, &entries[kept - 1].value)))
			tally_out_of_range(type);
		/* Positive and negative values can cancel: an entry of zero says nothing. */
		if (entries[kept - 1].value == 0)
			kept--;
	}
	return kept;
}

static bool
in_order(const TallyEntry *entries, uint32 count)
{
	for (uint32 i = 1; i < count; i++)
		if (tally_compare(&entries[i - 1], &entries[i]) > 0)
			return false;
	return true;
}

/* The type may put what was settled into another form, which is settled in turn. */
static void
settle_log(Tally *tally)
{
	const TallyType *type = tally->type;

	while (tally->settled < tally->used)
	{
		TallyEntry *unsettled = tally->entries + tally->settled;
		uint32		count = tally->used - tally->settled;

		if (!in_order(unsettled, count))
			tally_sort(unsettled, count);
		merge_unsettled(tally);
		tally->settled = tally->used = sum_up(type, tally->entries, tally->used);
		if (type->settled != NULL)
			type->settled(tally);
	}
	if (tally->used > type->most)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a %s cannot hold more than %u different %s", type->name, type->most, type->counted),
				 errhint("%s", type->hint)));
}

/* At least half of the room is free when this is done, so that entries are settled seldom. */
void
tally_make_room(Tally *tally, uint32 more)
{
	Size		needed;

	if (more <= tally->room - tally->used)
		return;
	settle_log(tally);
	needed = tally->used + (Size) Max(tally->used, more);
	if (needed <= tally->room)
		return;
	tally->room = (uint32) pg_nextpower2_64(needed);
	tally->entries = repalloc_huge(tally->entries, tally->room * sizeof(TallyEntry));
	if (tally->often == NULL && tally->room >= TALLY_OFTEN)
		tally->often = MemoryContextAllocZero(tally->header.eoh_context, TALLY_OFTEN * sizeof(TallyEntry));
}

void
tally_settle(Tally *tally)
{
	for (int i = 0; tally->often != NULL && i < TALLY_OFTEN; i++)
	{
		TallyEntry	entry = tally->often[i];

		tally->often[i] = (TallyEntry) {0};
		tally_add(tally, entry.group, entry.detail, entry.value);
	}
	settle_log(tally);
}

const TallyEntry *
tally_twice(const TallyEntry *entries, uint32 count)
{
	for (uint32 i = 1; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (tally_compare(&entries[i - 1], &entries[i]) == 0)
			return &entries[i];
	}
	return NULL;
}

const TallyEntry *
tally_find(const TallyEntry *entries, uint32 count, uint64 group, uint64 detail)
{
	TallyEntry	key = {group, detail, 0};
	uint32		low = 0;
	uint32		high = count;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (tally_compare(&entries[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return &entries[low];
}

struct varlena *
tally_pack(const TallyType *type, const uint8 *head, Size head_bytes, const TallyEntry *entries, uint32 count)
{
	Size		room = VARHDRSZ + head_bytes + (1 + (Size) count * 3) * MAX_VARINT_BYTES;
	struct varlena *value = MemoryContextAllocHuge(CurrentMemoryContext, room);
	uint8	   *at = (uint8 *) VARDATA(value);
	TallyEntry	previous = {0};

	memcpy(at, head, head_bytes);
	at = put_varint(at + head_bytes, count);
	for (uint32 i = 0; i < count; i++)
	{
		const TallyEntry *entry = &entries[i];

		CHECK_FOR_INTERRUPTS();
		if (entry->group != previous.group)
			previous.detail = 0;
		at = put_varint(at, entry->group - previous.group);
		at = put_varint(at, entry->detail - previous.detail);
		at = put_varint(at, fold_sign(entry->value));
		previous = *entry;
	}
	if (at - (uint8 *) value > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s is too large to be stored", type->name),
				 errhint("%s", type->hint)));
	SET_VARSIZE(value, at - (uint8 *) value);
	return repalloc(value, at - (uint8 *) value);
}

TallyEntry *
tally_receive(const TallyType *type, StringInfo in, uint32 *count)
{
	*count = pq_getmsgint(in, 4);
	if ((uint64) *count * WIRE_ENTRY_BYTES != (uint64) (in->len - in->cursor))
		bytes_malformed(type->name, "the length does not fit the number of entries");

	TallyEntry *entries = palloc_array(TallyEntry, Max(1, *count));

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
tally_send(StringInfo out, const TallyEntry *entry)
{
	pq_sendint64(out, entry->group);
	pq_sendint64(out, entry->detail);
	pq_sendint64(out, (uint64) entry->value);
}
