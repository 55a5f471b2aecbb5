/*
 * tally.c
 *	  Growing, sorting and storing counts.
 *
 * A key that is present is added to in place; a table that gets too full is
 * replaced by one of twice the size, which the executor then takes over.
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "value/tally.h"

#define WIRE_ENTRY_BYTES 24

#define ST_SORT sort_few
#define ST_ELEMENT_TYPE TallyEntry
#define ST_COMPARE(a, b) tally_compare(a, b)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

void
tally_out_of_range(const TallyType *type)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("a count in %s is out of range", type->name)));
}

void
tally_too_large(const TallyType *type)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("a %s cannot hold more than %u different %s", type->name, type->most, type->counted),
			 errhint("%s", type->hint)));
}

Tally *
tally_make(const TallyType *type, uint32 slots)
{
	Size		size = type->table + (Size) slots * sizeof(TallyEntry);
	Tally	   *tally = palloc0(size);

	SET_VARSIZE(tally, size);
	tally->mark = TALLY_MARK;
	tally->slots = slots;
	return tally;
}

/* An empty table behind a copy of a state's head. */
static Tally *
make_like(const TallyType *type, const Tally *tally, uint32 slots)
{
	Tally	   *like = tally_make(type, slots);

	memcpy((char *) like + sizeof(Tally), (const char *) tally + sizeof(Tally), type->table - sizeof(Tally));
	like->pending = tally->pending;
	return like;
}

Tally *
tally_emptied(const TallyType *type, const Tally *tally)
{
	return make_like(type, tally, tally->slots);
}

Tally *
tally_make_room(const TallyType *type, Tally *tally, uint32 more)
{
	uint32		slots = tally->slots;

	while (slots / 4 * 3 < tally->used + more)
		slots *= 2;
	if (slots == tally->slots)
		return tally;

	Tally	   *larger = make_like(type, tally, slots);
	const TallyEntry *entry = tally_table(type, tally);

	CHECK_FOR_INTERRUPTS();
	for (uint32 i = 0; i < tally->slots; i++, entry++)
		if (entry->group != 0)
			*tally_find(type, larger, entry->group, entry->detail) = *entry;
	larger->used = tally->used;
	return larger;
}

TallyEntry *
tally_entries(const TallyType *type, const Tally *tally, uint32 *count)
{
	TallyEntry *entries = MemoryContextAllocHuge(CurrentMemoryContext,
												 ((Size) tally->used + 1) * sizeof(TallyEntry));
	const TallyEntry *entry = tally_table(type, tally);

	*count = 0;
	if (tally->pending.group != 0)
		entries[(*count)++] = tally->pending;
	for (uint32 i = 0; i < tally->slots; i++, entry++)
		if (entry->group != 0)
			entries[(*count)++] = *entry;
	return entries;
}

/*
 * Many entries are sorted digit by digit, from the lowest (Knuth, TAOCP 3,
 * 5.2.5). Most of the 128 bits of a key are the same in all entries of a group's
 * kind, and only digits that differ take a pass.
 */
#define FEW_ENTRIES 1024
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

/* Entries whose groups have the same highest byte; room is for as many. */
static void
sort_kind(TallyEntry *entries, TallyEntry *room, uint32 count)
{
	TallyEntry *from = entries;
	uint64		group_bits = 0;
	uint64		detail_bits = 0;
	Digit		digits[2 * (64 / DIGIT_BITS + 1)];
	int			n_digits;

	if (count < FEW_ENTRIES)
	{
		sort_few(entries, count);
		return;
	}
	for (uint32 i = 1; i < count; i++)
	{
		group_bits |= entries[i].group ^ entries[0].group;
		detail_bits |= entries[i].detail ^ entries[0].detail;
	}
	n_digits = digits_of_bits(group_bits, true, digits, digits_of_bits(detail_bits, false, digits, 0));
	for (int i = 0; i < n_digits; i++)
	{
		TallyEntry *to = from == entries ? room : entries;

		sort_by_digit(from, to, count, digits[i]);
		from = to;
	}
	if (from != entries)
		memcpy(entries, from, count * sizeof(TallyEntry));
}

/* First by the highest byte of the group, which for types of several kinds of entries is the kind. */
static void
sort_entries(TallyEntry *entries, uint32 count)
{
	TallyEntry *room;
	uint32		start = 0;

	if (count < FEW_ENTRIES)
	{
		sort_few(entries, count);
		return;
	}
	room = MemoryContextAllocHuge(CurrentMemoryContext, count * sizeof(TallyEntry));
	sort_by_digit(entries, room, count, (Digit) {true, 56});
	memcpy(entries, room, count * sizeof(TallyEntry));
	for (uint32 end = 1; end <= count; end++)
		if (end == count || entries[end].group >> 56 != entries[start].group >> 56)
		{
			sort_kind(entries + start, room, end - start);
			start = end;
		}
	pfree(room);
}

uint32
tally_sort(const TallyType *type, TallyEntry *entries, uint32 count)
{
	uint32		kept = 0;

	sort_entries(entries, count);
	for (uint32 i = 0; i < count; i++)
	{
		if (kept > 0 && tally_compare(&entries[kept - 1], &entries[i]) == 0)
			tally_add_to_value(type, &entries[kept - 1], entries[i].value);
		else
			entries[kept++] = entries[i];
		/* Positive and negative values can cancel: an entry of zero says nothing. */
		if (entries[kept - 1].value == 0)
			kept--;
	}
	return kept;
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
