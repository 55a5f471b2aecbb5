/*
 * item_pairs_agg.c
 *	  Counting the items of units, and their pairs, in an aggregate.
 *
 * Items have numbers in order of their appearance. The pairs of the first thousand are
 * counted in a triangle of numbers, all others in a hash table with linear probing, which
 * doubles when it is five eighths full. So a pair takes some nanoseconds. The memory is 4 MB
 * for the triangle at most, 16 bytes for each place of the table, whose places are at most
 * four times its pairs, and the names.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#include "affinity/affinity.h"
#include "support/agg_group.h"
#include "support/args.h"

#define TRIANGLE_ITEMS 1024
#define FIRST_PLACES 1024
#define FIRST_ITEMS 64

typedef struct PairCount
{
	uint64 key; /* the numbers of both items, the smaller one above; 0: none (an item has no pair with itself) */
	int64 units;
} PairCount;

typedef struct ItemPairsState
{
	GrowingState growing;
	uint64 units;
	uint64 skipped;
	uint32 count;
	uint32 capacity;
	ItemUnits *items;                 /* by number */
	uint32 *places;                   /* of items by the hash of their names, number + 1; 0: none */
	uint32 n_places;                  /* a power of two */
	uint32 *triangle[TRIANGLE_ITEMS]; /* [j]: units with items i < j and j */
	uint64 pairs;                     /* in the table */
	uint64 pair_places;               /* a power of two */
	PairCount *table;
} ItemPairsState;

/* Memory of a state: zero. */
static void *
state_alloc(ItemPairsState *state, Size size)
{
	return MemoryContextAllocExtended(agg_state_context(&state->growing), size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static void
item_limit(const char *what, uint64 most)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("item_pairs cannot hold more than " UINT64_FORMAT " different %s", most, what),
			 errhint("Use categories instead of items, leave out rare items, or take the order as the unit instead of "
					 "the customer.")));
}

static uint32
place_of_name(const ItemPairsState *state, const char *name, uint32 name_bytes)
{
	uint32 place = DatumGetUInt32(hash_any((const unsigned char *) name, (int) name_bytes));

	for (;; place++)
	{
		uint32 number;

		place &= state->n_places - 1;
		number = state->places[place];
		if (number == 0 ||
			(state->items[number - 1].name_bytes == name_bytes &&
			 memcmp(state->items[number - 1].name, name, name_bytes) == 0))
			return place;
	}
}

/* Makes space for one more item. */
static void
grow_items(ItemPairsState *state)
{
	ItemUnits *items = state_alloc(state, (Size) Max(FIRST_ITEMS, 2 * state->capacity) * sizeof(ItemUnits));

	if (state->count == ITEM_PAIRS_MOST_ITEMS)
		item_limit("items", ITEM_PAIRS_MOST_ITEMS);
	if (state->capacity > 0)
	{
		memcpy(items, state->items, state->count * sizeof(ItemUnits));
		pfree(state->items);
		pfree(state->places);
	}
	state->items = items;
	state->capacity = Max(FIRST_ITEMS, 2 * state->capacity);
	state->n_places = 2 * state->capacity;
	state->places = state_alloc(state, state->n_places * sizeof(uint32));
	for (uint32 i = 0; i < state->count; i++)
		state->places[place_of_name(state, items[i].name, items[i].name_bytes)] = i + 1;
}

/* The number of an item, which may be a new one. */
static uint32
item_number(ItemPairsState *state, const char *name, uint32 name_bytes)
{
	uint32 place;

	if (state->count == state->capacity)
		grow_items(state);
	place = place_of_name(state, name, name_bytes);
	if (state->places[place] == 0)
	{
		char *copy;

		if (state->count == ITEM_PAIRS_MOST_ITEMS)
			item_limit("items", ITEM_PAIRS_MOST_ITEMS);
		copy = memcpy(MemoryContextAlloc(agg_state_context(&state->growing), Max(1, name_bytes)), name, name_bytes);
		state->items[state->count] = (ItemUnits){copy, name_bytes, 0};
		state->places[place] = ++state->count;
	}
	return state->places[place] - 1;
}

static uint64
place_of_pair(const ItemPairsState *state, uint64 key)
{
	uint64 place = (key * UINT64CONST(0x9E3779B97F4A7C15)) >> 20;

	for (;; place++)
	{
		place &= state->pair_places - 1;
		if (state->table[place].key == key || state->table[place].key == 0)
			return place;
	}
}

static void
grow_table(ItemPairsState *state)
{
	PairCount *old = state->table;
	uint64 places = state->pair_places;

	state->pair_places = Max(FIRST_PLACES, 2 * places);
	state->table = state_alloc(state, state->pair_places * sizeof(PairCount));
	for (uint64 i = 0; i < places; i++)
		if (old[i].key != 0)
			state->table[place_of_pair(state, old[i].key)] = old[i];
	if (old != NULL)
		pfree(old);
	CHECK_FOR_INTERRUPTS();
}

/* Adds units that have both of two items, the first of which has the smaller number. */
static void
add_pair(ItemPairsState *state, uint32 i, uint32 j, int64 units)
{
	PairCount *pair;
	uint64 key = (uint64) i << 32 | j;

	if (j < TRIANGLE_ITEMS)
	{
		if (unlikely(state->triangle[j] == NULL))
			state->triangle[j] = state_alloc(state, j * sizeof(uint32));
		state->triangle[j][i] += (uint32) units;
		return;
	}
	if (unlikely(state->pairs >= state->pair_places / 8 * 5))
		grow_table(state);
	pair = &state->table[place_of_pair(state, key)];
	if (pair->key == 0)
	{
		if (state->pairs == ITEM_PAIRS_MOST_PAIRS)
			item_limit("pairs of items", ITEM_PAIRS_MOST_PAIRS);
		state->pairs++;
		pair->key = key;
	}
	pair->units += units;
}

/* Units fit into 32 bits, and so do those of any item or pair. */
static void
add_units(uint64 *sum, uint64 units)
{
	*sum += units;
	if (*sum > ITEM_PAIRS_MOST_UNITS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("item_pairs cannot count more than 2^32 - 1 units")));
}

static int
compare_numbers(const void *left, const void *right)
{
	uint32 a = *(const uint32 *) left;
	uint32 b = *(const uint32 *) right;

	return (a > b) - (a < b);
}

/* Adds one unit with these items, among which may be duplicates. */
static void
add_unit(ItemPairsState *state, uint32 *numbers, int count)
{
	int kept = 0;

	qsort(numbers, count, sizeof(uint32), compare_numbers);
	for (int i = 0; i < count; i++)
		if (i == 0 || numbers[i] != numbers[i - 1])
			numbers[kept++] = numbers[i];
	add_units(&state->units, 1);
	for (int j = 0; j < kept; j++)
	{
		CHECK_FOR_INTERRUPTS();
		state->items[numbers[j]].units++;
		for (int i = 0; i < j; i++)
			add_pair(state, numbers[i], numbers[j], 1);
	}
}

/* Items in the order of their names. */
static int
compare_places(const void *left, const void *right, void *items)
{
	return item_compare(&((ItemUnits *) items)[*(const uint32 *) left],
						&((ItemUnits *) items)[*(const uint32 *) right]);
}

/* A pair between items as they are sorted. */
typedef struct SortedPair
{
	uint64 key;
	uint32 units;
} SortedPair;

static int
compare_pairs(const SortedPair *a, const SortedPair *b)
{
	return (a->key > b->key) - (a->key < b->key);
}

#define ST_SORT sort_pairs
#define ST_ELEMENT_TYPE SortedPair
#define ST_COMPARE(a, b) compare_pairs(a, b)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

static void
put_sorted(SortedPair *sorted, uint64 *count, const uint32 *rank, uint32 i, uint32 j, int64 units)
{
	uint64 low = Min(rank[i], rank[j]);
	uint64 high = Max(rank[i], rank[j]);

	sorted[(*count)++] = (SortedPair){low << 32 | high, (uint32) units};
}

/* All pairs of a state, in the order of the names. */
static SortedPair *
sorted_pairs(const ItemPairsState *state, const uint32 *rank, uint64 *count)
{
	uint64 most = state->pairs;
	SortedPair *sorted;

	for (uint32 j = 1; j < Min(state->count, TRIANGLE_ITEMS); j++)
		most += state->triangle[j] != NULL ? j : 0;
	sorted = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, most) * sizeof(SortedPair));
	*count = 0;
	for (uint32 j = 1; j < Min(state->count, TRIANGLE_ITEMS); j++)
		for (uint32 i = 0; state->triangle[j] != NULL && i < j; i++)
			if (state->triangle[j][i] != 0)
				put_sorted(sorted, count, rank, i, j, state->triangle[j][i]);
	for (uint64 place = 0; place < state->pair_places; place++)
		if (state->table[place].key != 0)
			put_sorted(sorted, count, rank, (uint32) (state->table[place].key >> 32), (uint32) state->table[place].key,
					   state->table[place].units);
	sort_pairs(sorted, *count);
	return sorted;
}

static struct varlena *
pack_state(GrowingState *growing)
{
	ItemPairsState *state = (ItemPairsState *) growing;
	ItemPairs pairs = {.units = state->units, .skipped = state->skipped, .count = state->count};
	uint32 *order = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, state->count) * sizeof(uint32));
	uint32 *rank = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, state->count) * sizeof(uint32));
	SortedPair *sorted;
	struct varlena *value;

	for (uint32 i = 0; i < state->count; i++)
		order[i] = i;
	qsort_arg(order, state->count, sizeof(uint32), compare_places, state->items);
	pairs.items = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, state->count) * sizeof(ItemUnits));
	for (uint32 i = 0; i < state->count; i++)
	{
		rank[order[i]] = i;
		pairs.items[i] = state->items[order[i]];
	}
	sorted = sorted_pairs(state, rank, &pairs.pairs);
	if (pairs.pairs > ITEM_PAIRS_MOST_PAIRS)
		item_limit("pairs of items", ITEM_PAIRS_MOST_PAIRS);
	pairs.first = MemoryContextAllocHuge(CurrentMemoryContext, (pairs.count + 1) * sizeof(uint64));
	pairs.partners = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, pairs.pairs) * sizeof(Partner));
	for (uint64 item = 0, k = 0; item <= pairs.count; item++)
	{
		pairs.first[item] = k;
		for (; k < pairs.pairs && sorted[k].key >> 32 == item; k++)
			pairs.partners[k] = (Partner){(uint32) sorted[k].key, sorted[k].units};
	}
	value = item_pairs_pack(&pairs);
	pfree(sorted);
	pfree(pairs.partners);
	pfree(pairs.first);
	pfree(pairs.items);
	pfree(rank);
	pfree(order);
	return value;
}

/* Adds the units of a stored value. */
static void
add_all(ItemPairsState *state, Datum datum)
{
	struct varlena *stored = agg_state_stored(datum);
	ItemPairs other;
	uint32 *numbers;

	item_pairs_read(stored, ITEMS_WITH_LATER, &other);
	numbers = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, other.count) * sizeof(uint32));
	add_units(&state->units, other.units);
	add_units(&state->skipped, other.skipped);
	for (uint32 i = 0; i < other.count; i++)
	{
		numbers[i] = item_number(state, other.items[i].name, other.items[i].name_bytes);
		state->items[numbers[i]].units += other.items[i].units;
	}
	for (uint32 i = 0; i < other.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint64 k = other.first[i]; k < other.first[i + 1]; k++)
		{
			uint32 a = numbers[i];
			uint32 b = numbers[other.partners[k].item];

			add_pair(state, Min(a, b), Max(a, b), other.partners[k].units);
		}
	}
	pfree(numbers);
	pfree(other.items);
	pfree(other.first);
	pfree(other.partners);
}

static ItemPairsState *
item_pairs_state(FunctionCallInfo fcinfo)
{
	ItemPairsState *state = PG_ARGISNULL(0) ? NULL : agg_state_to_write(PG_GETARG_DATUM(0));

	if (state != NULL)
		return state;
	state = agg_state_make(sizeof(ItemPairsState), pack_state, agg_state_parent(fcinfo));
	if (!PG_ARGISNULL(0))
		add_all(state, PG_GETARG_DATUM(0));
	return state;
}

/* An element of the array as text. */
static uint32
element_name(Oid type, Datum element, char *buffer, const char **name)
{
	if (type == INT8OID)
	{
		*name = buffer;
		return (uint32) pg_lltoa(DatumGetInt64(element), buffer);
	}
	if (type == UUIDOID)
	{
		static const char digits[] = "0123456789abcdef";
		const pg_uuid_t *uuid = DatumGetUUIDP(element);
		char *at = buffer;

		for (int i = 0; i < UUID_LEN; i++)
		{
			if (i == 4 || i == 6 || i == 8 || i == 10)
				*at++ = '-';
			*at++ = digits[uuid->data[i] >> 4];
			*at++ = digits[uuid->data[i] & 15];
		}
		*name = buffer;
		return (uint32) (at - buffer);
	}

	text *item = DatumGetTextPP(element);

	*name = VARDATA_ANY(item);
	if (VARSIZE_ANY_EXHDR(item) < 1 || VARSIZE_ANY_EXHDR(item) > ITEM_MAX_NAME_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an item must have between 1 and %d bytes, but one has %d", ITEM_MAX_NAME_BYTES,
						(int) VARSIZE_ANY_EXHDR(item)),
				 errhint("Name it by its number or code.")));
	return (uint32) VARSIZE_ANY_EXHDR(item);
}

static void
take_elements(ArrayType *array, Datum **elements, bool **nulls, int *count)
{
	switch (ARR_ELEMTYPE(array))
	{
		case INT8OID:
			deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, elements, nulls, count);
			break;
		case UUIDOID:
			deconstruct_array(array, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR, elements, nulls, count);
			break;
		default:
			deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, elements, nulls, count);
	}
}

/* item_pairs(items [, max_items]): transition */
AGG_FUNCTION_INFO_V1(item_pairs_add);
static Datum
item_pairs_add_in_group(PG_FUNCTION_ARGS)
{
	ItemPairsState *state;
	ArrayType *array;
	Datum *elements;
	bool *nulls;
	uint32 *numbers;
	int max_items = ITEM_PAIRS_MAX_ITEMS;
	int count;
	int known = 0;

	if (PG_NARGS() > 2)
	{
		refuse_null(fcinfo, 2, "max_items", "Units with more items are skipped and counted.");
		max_items = int_argument(fcinfo, 2, "max_items", 2, ITEM_PAIRS_MOST_MAX_ITEMS,
								 "Units with more items are skipped and counted.");
	}
	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);
	array = PG_GETARG_ARRAYTYPE_P(1);
	take_elements(array, &elements, &nulls, &count);
	numbers = palloc_array(uint32, Max(1, count));
	state = item_pairs_state(fcinfo);
	if (count > max_items)
		add_units(&state->skipped, 1);
	else
	{
		for (int i = 0; i < count; i++)
		{
			char buffer[40];
			const char *name;
			uint32 bytes;

			if (nulls[i])
				continue;
			bytes = element_name(ARR_ELEMTYPE(array), elements[i], buffer, &name);
			numbers[known++] = item_number(state, name, bytes);
		}
		if (known > 0)
			add_unit(state, numbers, known);
	}
	pfree(numbers);
	pfree(elements);
	pfree(nulls);
	return agg_state_result(fcinfo, &state->growing);
}

/* The units of both: combine, and transition of rollup. */
AGG_FUNCTION_INFO_V1(item_pairs_merge);
static Datum
item_pairs_merge_in_group(PG_FUNCTION_ARGS)
{
	ItemPairsState *state;

	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);
	state = item_pairs_state(fcinfo);
	add_all(state, PG_GETARG_DATUM(1));
	return agg_state_result(fcinfo, &state->growing);
}

AGG_FUNCTION_INFO_V1(item_pairs_final);
static Datum
item_pairs_final_in_group(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(agg_state_stored(PG_GETARG_DATUM(0)));
}
