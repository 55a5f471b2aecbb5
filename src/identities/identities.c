/*
 * identities.c
 *	  The groups of identifiers: their order, their stored form, and how pairs
 *	  become groups (union-find with path halving, Tarjan and van Leeuwen 1984).
 */
#include "compat.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "identities/identities.h"

/* Whether it is an integer in canonical notation. */
static inline bool
is_whole_number(const IdentityText *id)
{
	uint32 at = 0;

	if (id->length > 1 && id->bytes[0] == '-')
		at = 1;
	if (at == id->length || (id->bytes[at] == '0' && id->length > 1))
		return false;
	for (; at < id->length; at++)
		if (id->bytes[at] < '0' || id->bytes[at] > '9')
			return false;
	return true;
}

static int
compare_bytes(const IdentityText *a, const IdentityText *b)
{
	int order = memcmp(a->bytes, b->bytes, Min(a->length, b->length));

	return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

/* The order of integers of any length. */
static int
compare_numbers(const IdentityText *a, const IdentityText *b)
{
	bool minus_a = a->bytes[0] == '-';
	bool minus_b = b->bytes[0] == '-';
	int order;

	if (minus_a != minus_b)
		return minus_a ? -1 : 1;
	order = a->length != b->length ? (a->length > b->length) - (a->length < b->length)
								   : memcmp(a->bytes, b->bytes, a->length);
	return minus_a ? -order : order;
}

int
identity_compare(const IdentityText *a, const IdentityText *b)
{
	bool number_a = is_whole_number(a);
	bool number_b = is_whole_number(b);

	if (number_a != number_b)
		return number_a ? -1 : 1;
	return number_a ? compare_numbers(a, b) : compare_bytes(a, b);
}

static inline uint32
get_uint32(const uint8 *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (uint32) at[3] << 24;
}

static inline uint8 *
put_uint32(uint8 *at, uint32 number)
{
	for (int i = 0; i < 4; i++)
		*at++ = (uint8) (number >> (8 * i));
	return at;
}

void
identities_open(IdentitySet *set, struct varlena *value)
{
	const uint8 *at = (const uint8 *) VARDATA_ANY(value);
	Size bytes = VARSIZE_ANY_EXHDR(value);

	if (bytes < IDENTITIES_HEAD_BYTES)
		bytes_end_early();
	if (at[0] != IDENTITIES_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version %d of stored customer_identities", at[0])));
	set->count = get_uint32(at + 4);
	set->table = at + IDENTITIES_HEAD_BYTES;
	if (set->count > (bytes - IDENTITIES_HEAD_BYTES) / IDENTITIES_ROW_BYTES)
		bytes_end_early();
	set->texts = set->table + (Size) set->count * IDENTITIES_ROW_BYTES;
	set->text_bytes = (uint32) (bytes - IDENTITIES_HEAD_BYTES - (Size) set->count * IDENTITIES_ROW_BYTES);
}

IdentityText
identity_at(const IdentitySet *set, uint32 place)
{
	uint32 start = place == 0 ? 0 : get_uint32(set->table + (Size) (place - 1) * IDENTITIES_ROW_BYTES);
	uint32 end = get_uint32(set->table + (Size) place * IDENTITIES_ROW_BYTES);

	if (unlikely(start > end || end > set->text_bytes))
		bytes_end_early();
	return (IdentityText){(const char *) set->texts + start, end - start};
}

uint32
identity_canonical_place(const IdentitySet *set, uint32 place)
{
	uint32 canonical = get_uint32(set->table + (Size) place * IDENTITIES_ROW_BYTES + 4);

	if (unlikely(canonical > place))
		bytes_end_early();
	return canonical;
}

bool
identity_find(const IdentitySet *set, IdentityText id, uint32 *place)
{
	uint32 low = 0;
	uint32 high = set->count;

	while (low < high)
	{
		uint32 middle = low + (high - low) / 2;
		IdentityText text = identity_at(set, middle);
		int order = identity_compare(&text, &id);

		if (order == 0)
		{
			*place = middle;
			return true;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

int32 *
identity_members(const IdentitySet *set)
{
	int32 *next = MemoryContextAllocHuge(CurrentMemoryContext, ((Size) set->count + 1) * sizeof(int32));
	int32 *last = MemoryContextAllocHuge(CurrentMemoryContext, ((Size) set->count + 1) * sizeof(int32));

	for (uint32 i = 0; i < set->count; i++)
	{
		uint32 canonical = identity_canonical_place(set, i);

		next[i] = -1;
		if (canonical != i)
			next[last[canonical]] = (int32) i;
		last[canonical] = (int32) i;
	}
	pfree(last);
	return next;
}

void
identity_pairs_make(IdentityPairs *pairs, uint32 capacity)
{
	pairs->capacity = Max(capacity, 8);
	pairs->count = 0;
	pairs->ids = MemoryContextAllocHuge(CurrentMemoryContext, (Size) pairs->capacity * 2 * sizeof(IdentityText));
}

void
identity_pairs_add(IdentityPairs *pairs, IdentityText a, IdentityText b)
{
	if (pairs->count == pairs->capacity)
	{
		pairs->capacity *= 2;
		pairs->ids = repalloc_huge(pairs->ids, (Size) pairs->capacity * 2 * sizeof(IdentityText));
	}
	pairs->ids[2 * pairs->count] = a;
	pairs->ids[2 * pairs->count + 1] = b;
	pairs->count++;
}

/* One end of a pair, while the identifiers are put in order. */
typedef struct IdentityEnd
{
	IdentityText text;
	uint32 end; /* number of the end: two for each pair */
} IdentityEnd;

#define ST_SORT sort_identity_ends
#define ST_ELEMENT_TYPE IdentityEnd
#define ST_COMPARE(a, b) identity_compare(&(a)->text, &(b)->text)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* The representative of an identifier's component; paths are halved on the way. */
static uint32
find_root(uint32 *parents, uint32 place)
{
	while (parents[place] != place)
		place = parents[place] = parents[parents[place]];
	return place;
}

/* Numbers the ends by their identifiers, in order; returns the number of identifiers. */
static uint32
number_ends(const IdentityPairs *pairs, IdentityText *texts, uint32 *places)
{
	uint32 ends = 2 * pairs->count;
	IdentityEnd *sorted = MemoryContextAllocHuge(CurrentMemoryContext, ((Size) ends + 1) * sizeof(IdentityEnd));
	uint32 count = 0;

	for (uint32 i = 0; i < ends; i++)
		sorted[i] = (IdentityEnd){pairs->ids[i], i};
	sort_identity_ends(sorted, ends);
	for (uint32 i = 0; i < ends; i++)
	{
		if (count == 0 || identity_compare(&texts[count - 1], &sorted[i].text) != 0)
			texts[count++] = sorted[i].text;
		places[sorted[i].end] = count - 1;
	}
	pfree(sorted);
	return count;
}

/* Writes components, given by the first of each identifier's; those of one identifier are left out. */
static struct varlena *
pack_components(const IdentityText *texts, const uint32 *firsts, const bool *alone, uint32 count)
{
	uint32 *numbers = MemoryContextAllocHuge(CurrentMemoryContext, ((Size) count + 1) * sizeof(uint32));
	uint32 kept = 0;
	Size text_bytes = 0;

	for (uint32 i = 0; i < count; i++)
		if (!alone[i])
		{
			numbers[i] = kept++;
			text_bytes += texts[i].length;
		}
	if (kept > IDENTITY_MAX_IDS || text_bytes > IDENTITY_MAX_TEXT)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("customer_identities cannot hold more than %d identifiers, or %d MB of them", IDENTITY_MAX_IDS,
						IDENTITY_MAX_TEXT / (1024 * 1024)),
				 errhint("Give pairs of different identifiers only, and make one value for each region.")));

	Size size = VARHDRSZ + IDENTITIES_HEAD_BYTES + (Size) kept * IDENTITIES_ROW_BYTES + text_bytes;
	struct varlena *value = palloc0(size);
	uint8 *at = (uint8 *) VARDATA(value);
	char *text = (char *) at + IDENTITIES_HEAD_BYTES + (Size) kept * IDENTITIES_ROW_BYTES;
	uint32 end = 0;

	SET_VARSIZE(value, size);
	at[0] = IDENTITIES_VERSION;
	at = put_uint32(at + 4, kept);
	for (uint32 i = 0; i < count; i++)
		if (!alone[i])
		{
			memcpy(text + end, texts[i].bytes, texts[i].length);
			end += texts[i].length;
			at = put_uint32(at, end);
			at = put_uint32(at, numbers[firsts[i]]);
		}
	pfree(numbers);
	return value;
}

struct varlena *
identity_pairs_pack(const IdentityPairs *pairs)
{
	Size ends = 2 * (Size) pairs->count + 1;
	IdentityText *texts = MemoryContextAllocHuge(CurrentMemoryContext, ends * sizeof(IdentityText));
	uint32 *places = MemoryContextAllocHuge(CurrentMemoryContext, ends * sizeof(uint32));
	uint32 *parents = MemoryContextAllocHuge(CurrentMemoryContext, ends * sizeof(uint32));
	bool *alone = MemoryContextAllocHuge(CurrentMemoryContext, ends * sizeof(bool));
	uint32 count = number_ends(pairs, texts, places);

	for (uint32 i = 0; i < count; i++)
	{
		parents[i] = i;
		alone[i] = true;
	}
	for (uint32 i = 0; i < pairs->count; i++)
	{
		uint32 a = find_root(parents, places[2 * i]);
		uint32 b = find_root(parents, places[2 * i + 1]);

		CHECK_FOR_INTERRUPTS();
		/* The earlier one represents both, so that roots are the canonical identifiers. */
		if (a != b)
			parents[Max(a, b)] = Min(a, b);
	}
	for (uint32 i = 0; i < count; i++)
	{
		parents[i] = find_root(parents, i);
		if (parents[i] != i)
			alone[i] = alone[parents[i]] = false;
	}

	struct varlena *value = pack_components(texts, parents, alone, count);

	pfree(texts);
	pfree(places);
	pfree(parents);
	pfree(alone);
	return value;
}
