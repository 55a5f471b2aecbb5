/*
 * item_pairs_io.c
 *	  The stored, text and binary forms of item_pairs.
 *
 * Text:	{"units": 10, "skipped": 0, "items": [["a", 7], …], "pairs": [[0, 1, 5], …]}: an item
 *			and its units; the places of two items, the smaller first, and the units that have both
 * Binary:	version byte, units, skipped (int64), number of items (int32), of each the length of
 *			its name (int32), the name in the client's encoding and units (int32); number of pairs
 *			(int32), of each two places and units (int32 each)
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "affinity/affinity.h"
#include "support/bytes.h"
#include "support/json.h"

#define WIRE_VERSION 1
#define LEAST_STORED_ITEM_BYTES 3
#define LEAST_WIRE_ITEM_BYTES 9
#define WIRE_PAIR_BYTES 12

static void *
alloc_many(Size count, Size size)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, Max(1, count) * size);
}

int
item_compare(const ItemUnits *a, const ItemUnits *b)
{
	int order = memcmp(a->name, b->name, Min(a->name_bytes, b->name_bytes));

	return order != 0 ? order : (a->name_bytes > b->name_bytes) - (a->name_bytes < b->name_bytes);
}

uint32
item_find(const ItemPairs *pairs, const char *name, uint32 name_bytes)
{
	const ItemUnits key = {name, name_bytes, 0};
	uint32 low = 0;
	uint32 high = pairs->count;

	while (low < high)
	{
		uint32 middle = low + (high - low) / 2;
		int order = item_compare(&pairs->items[middle], &key);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return pairs->count;
}

struct varlena *
item_pairs_pack(const ItemPairs *pairs)
{
	Size size = VARHDRSZ + ITEM_PAIRS_HEAD_BYTES + 3 * MAX_VARINT_BYTES + pairs->pairs * 10;
	struct varlena *value;
	uint8 *start;
	uint8 *at;
	uint64 hash;

	for (uint32 i = 0; i < pairs->count; i++)
		size += pairs->items[i].name_bytes + 3 * MAX_VARINT_BYTES;
	value = alloc_many(size, 1);
	start = (uint8 *) VARDATA(value) + ITEM_PAIRS_HEAD_BYTES;
	at = put_varint(start, pairs->units);
	at = put_varint(at, pairs->skipped);
	at = put_varint(at, pairs->count);
	for (uint32 i = 0; i < pairs->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		at = put_varint(at, pairs->items[i].name_bytes);
		memcpy(at, pairs->items[i].name, pairs->items[i].name_bytes);
		at = put_varint(at + pairs->items[i].name_bytes, pairs->items[i].units);
	}
	for (uint32 i = 0; i < pairs->count; i++)
	{
		uint32 previous = i;

		CHECK_FOR_INTERRUPTS();
		at = put_varint(at, pairs->first[i + 1] - pairs->first[i]);
		for (uint64 k = pairs->first[i]; k < pairs->first[i + 1]; k++)
		{
			at = put_varint(at, pairs->partners[k].item - previous);
			at = put_varint(at, pairs->partners[k].units);
			previous = pairs->partners[k].item;
		}
	}
	if (at - (uint8 *) value > MaxAllocSize)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("%s is too large to be stored", "item_pairs")));
	hash = lowest_byte_first(bytes_hash(start, at));
	*(uint8 *) VARDATA(value) = ITEM_PAIRS_VERSION;
	memcpy(VARDATA(value) + 1, &hash, sizeof(hash));
	SET_VARSIZE(value, at - (uint8 *) value);
	return repalloc(value, at - (uint8 *) value);
}

/* Reads the later partners of each item. */
static void
read_later(const uint8 **at, const uint8 *end, ItemPairs *pairs)
{
	uint64 capacity = (uint64) (end - *at) / 2 + 1;

	pairs->first = alloc_many(pairs->count + 1, sizeof(uint64));
	pairs->partners = alloc_many(capacity, sizeof(Partner));
	pairs->pairs = 0;
	for (uint32 i = 0; i < pairs->count; i++)
	{
		uint64 count = get_varint(at, end);
		uint64 item = i;

		CHECK_FOR_INTERRUPTS();
		pairs->first[i] = pairs->pairs;
		if (count > (uint64) (end - *at) / 2)
			bytes_end_early();
		for (uint64 k = 0; k < count; k++)
		{
			uint64 units;

			item += get_varint(at, end);
			units = get_varint(at, end);
			if (item >= pairs->count)
				bytes_end_early();
			pairs->partners[pairs->pairs++] = (Partner){(uint32) item, (uint32) units};
		}
	}
	pairs->first[pairs->count] = pairs->pairs;
}

/* Adds to each item's later partners those before it. */
static void
add_earlier(ItemPairs *pairs)
{
	uint64 *first = alloc_many(pairs->count + 1, sizeof(uint64));
	uint64 *next = alloc_many(pairs->count + 1, sizeof(uint64));
	Partner *partners = alloc_many(2 * pairs->pairs, sizeof(Partner));
	uint64 start = 0;

	memset(next, 0, (pairs->count + 1) * sizeof(uint64));
	for (uint64 k = 0; k < pairs->pairs; k++)
		next[pairs->partners[k].item]++;
	for (uint32 i = 0; i < pairs->count; i++)
	{
		first[i] = start;
		start += next[i] + pairs->first[i + 1] - pairs->first[i];
		next[i] = first[i];
	}
	first[pairs->count] = start;
	/* in this order those before an item come before those behind it */
	for (uint32 i = 0; i < pairs->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint64 k = pairs->first[i]; k < pairs->first[i + 1]; k++)
		{
			Partner partner = pairs->partners[k];

			partners[next[i]++] = partner;
			partners[next[partner.item]++] = (Partner){i, partner.units};
		}
	}
	pfree(next);
	pfree(pairs->first);
	pfree(pairs->partners);
	pairs->first = first;
	pairs->partners = partners;
}

void
item_pairs_read(const struct varlena *stored, ItemPairsExtent extent, ItemPairs *pairs)
{
	const uint8 *at = (const uint8 *) VARDATA_ANY(stored);
	const uint8 *end = at + VARSIZE_ANY_EXHDR(stored);
	uint64 count;

	memset(pairs, 0, sizeof(ItemPairs));
	if (end - at < ITEM_PAIRS_HEAD_BYTES)
		bytes_end_early();
	if (*at != ITEM_PAIRS_VERSION)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version %d of %s", *at, "item_pairs")));
	at += ITEM_PAIRS_HEAD_BYTES;
	pairs->units = get_varint(&at, end);
	pairs->skipped = get_varint(&at, end);
	count = get_varint(&at, end);
	if (count > (uint64) (end - at) / LEAST_STORED_ITEM_BYTES)
		bytes_end_early();
	pairs->count = (uint32) count;
	pairs->items = alloc_many(count, sizeof(ItemUnits));
	for (uint32 i = 0; i < pairs->count; i++)
	{
		uint64 bytes = get_varint(&at, end);

		CHECK_FOR_INTERRUPTS();
		if (bytes > (uint64) (end - at))
			bytes_end_early();
		pairs->items[i].name = (const char *) at;
		pairs->items[i].name_bytes = (uint32) bytes;
		at += bytes;
		pairs->items[i].units = (uint32) get_varint(&at, end);
	}
	if (extent == ITEMS_ALONE)
		return;
	read_later(&at, end, pairs);
	if (extent == ITEMS_WITH_ALL)
		add_earlier(pairs);
}

/* Items and pairs as they come from outside. */
typedef struct RawPair
{
	uint32 left;
	uint32 right;
	uint32 units;
} RawPair;

typedef struct RawItems
{
	ItemPairs pairs;
	RawPair *raw;
} RawItems;

/* What is wrong with the items; NULL: nothing. They are in order. */
static const char *
items_problem(const ItemPairs *pairs)
{
	if (pairs->units > ITEM_PAIRS_MOST_UNITS || pairs->skipped > ITEM_PAIRS_MOST_UNITS)
		return "the units are too many";
	if (pairs->count > ITEM_PAIRS_MOST_ITEMS)
		return "the items are too many";
	for (uint32 i = 0; i < pairs->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (pairs->items[i].name_bytes < 1 || pairs->items[i].name_bytes > ITEM_MAX_NAME_BYTES)
			return "the name of an item is empty or too long";
		if (pairs->items[i].units < 1 || pairs->items[i].units > pairs->units)
			return "an item has no units, or more than there are";
	}
	return NULL;
}

/* The same for pairs, which are in order of their places. */
static const char *
pairs_problem(const RawItems *in)
{
	if (in->pairs.pairs > ITEM_PAIRS_MOST_PAIRS)
		return "the pairs are too many";
	for (uint64 k = 0; k < in->pairs.pairs; k++)
	{
		const RawPair *pair = &in->raw[k];

		CHECK_FOR_INTERRUPTS();
		if (pair->left >= pair->right || pair->right >= in->pairs.count)
			return "a pair names no two items";
		if (k > 0 && (pair[-1].left > pair->left || (pair[-1].left == pair->left && pair[-1].right >= pair->right)))
			return "the pairs are not in order";
		if (pair->units < 1 || pair->units > Min(in->pairs.items[pair->left].units, in->pairs.items[pair->right].units))
			return "a pair has no units, or more than an item of it";
	}
	return NULL;
}

typedef struct ItemPlace
{
	ItemUnits item;
	uint32 place;
} ItemPlace;

static int
compare_item_places(const void *left, const void *right)
{
	return item_compare(&((const ItemPlace *) left)->item, &((const ItemPlace *) right)->item);
}

static int
compare_raw(const void *left, const void *right)
{
	const RawPair *a = left;
	const RawPair *b = right;

	if (a->left != b->left)
		return a->left < b->left ? -1 : 1;
	return (a->right > b->right) - (a->right < b->right);
}

/* Puts items in order (that of names differs in the client's encoding); a problem if one is there twice. */
static const char *
sort_items(RawItems *in)
{
	ItemPairs *pairs = &in->pairs;
	ItemPlace *places = alloc_many(pairs->count, sizeof(ItemPlace));
	uint32 *rank = alloc_many(pairs->count, sizeof(uint32));
	bool moved = false;

	for (uint32 i = 0; i < pairs->count; i++)
		places[i] = (ItemPlace){pairs->items[i], i};
	qsort(places, pairs->count, sizeof(ItemPlace), compare_item_places);
	for (uint32 i = 0; i < pairs->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0 && item_compare(&places[i - 1].item, &places[i].item) == 0)
			return "an item is there twice";
		moved = moved || places[i].place != i;
		rank[places[i].place] = i;
		pairs->items[i] = places[i].item;
	}
	if (!moved)
		return NULL;
	for (uint64 k = 0; k < pairs->pairs; k++)
	{
		RawPair *pair = &in->raw[k];
		uint32 a = rank[pair->left];
		uint32 b = rank[pair->right];

		pair->left = Min(a, b);
		pair->right = Max(a, b);
	}
	qsort(in->raw, pairs->pairs, sizeof(RawPair), compare_raw);
	return NULL;
}

/* Checks all, puts it in order and packs it; NULL and a problem if it is no value. */
static struct varlena *
finish_input(RawItems *in, const char **problem)
{
	ItemPairs *pairs = &in->pairs;

	if ((*problem = items_problem(pairs)) != NULL || (*problem = pairs_problem(in)) != NULL ||
		(*problem = sort_items(in)) != NULL)
		return NULL;
	pairs->first = alloc_many(pairs->count + 1, sizeof(uint64));
	pairs->partners = alloc_many(pairs->pairs, sizeof(Partner));
	for (uint64 item = 0, k = 0; item <= pairs->count; item++)
	{
		pairs->first[item] = k;
		for (; k < pairs->pairs && in->raw[k].left == item; k++)
			pairs->partners[k] = (Partner){in->raw[k].right, in->raw[k].units};
	}
	return item_pairs_pack(pairs);
}

static bool
read_item(JsonInput *in, JsonbContainer *array, uint32 i, ItemUnits *item)
{
	JsonbContainer *row = json_row(in, array, i, 2, "items");
	int64 units;
	char *name;

	if (row == NULL || (name = json_read_text(in, getIthJsonbValueFromContainer(row, 0), "item")) == NULL ||
		!json_read_int(in, getIthJsonbValueFromContainer(row, 1), "units", 1, ITEM_PAIRS_MOST_UNITS, &units))
		return false;
	*item = (ItemUnits){name, (uint32) strlen(name), (uint32) units};
	return true;
}

static bool
read_pair(JsonInput *in, JsonbContainer *array, uint32 i, RawPair *pair)
{
	JsonbContainer *row = json_row(in, array, i, 3, "pairs");
	int64 numbers[3];

	if (row == NULL)
		return false;
	for (int k = 0; k < 3; k++)
		if (!json_read_int(in, getIthJsonbValueFromContainer(row, k), "pairs", 0, ITEM_PAIRS_MOST_UNITS, &numbers[k]))
			return false;
	*pair = (RawPair){(uint32) numbers[0], (uint32) numbers[1], (uint32) numbers[2]};
	return true;
}

static bool
read_json(JsonInput *in, char *text, RawItems *result)
{
	static const char *const members[] = {"units", "skipped", "items", "pairs", NULL};
	JsonbContainer *object = json_parse_object(in, text);
	JsonbContainer *items;
	JsonbContainer *pairs;
	int64 units;
	int64 skipped = 0;

	if (object == NULL || !json_check_members(in, object, members) ||
		!json_read_int(in, json_member(object, "units"), "units", 0, ITEM_PAIRS_MOST_UNITS, &units) ||
		!json_optional_count(in, object, "skipped", ITEM_PAIRS_MOST_UNITS, &skipped) ||
		!json_array_member(in, object, "items", false, &items) ||
		!json_array_member(in, object, "pairs", false, &pairs))
		return false;
	result->pairs = (ItemPairs){.units = units,
								.skipped = skipped,
								.count = JsonContainerSize(items),
								.pairs = JsonContainerSize(pairs)};
	result->pairs.items = alloc_many(result->pairs.count, sizeof(ItemUnits));
	result->raw = alloc_many(result->pairs.pairs, sizeof(RawPair));
	for (uint32 i = 0; i < result->pairs.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!read_item(in, items, i, &result->pairs.items[i]))
			return false;
	}
	for (uint32 i = 0; i < result->pairs.pairs; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!read_pair(in, pairs, i, &result->raw[i]))
			return false;
	}
	return true;
}

PG_FUNCTION_INFO_V1(item_pairs_in);
Datum
item_pairs_in(PG_FUNCTION_ARGS)
{
	JsonInput in = {"item_pairs", fcinfo->context};
	RawItems result = {0};
	struct varlena *value;
	const char *problem;

	if (!read_json(&in, PG_GETARG_CSTRING(0), &result))
		PG_RETURN_NULL();
	value = finish_input(&result, &problem);
	if (value == NULL)
	{
		json_fail(&in, "It cannot be used: %s.", problem);
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(value);
}

PG_FUNCTION_INFO_V1(item_pairs_out);
Datum
item_pairs_out(PG_FUNCTION_ARGS)
{
	ItemPairs pairs;
	StringInfoData out;
	const char *separator = "";

	item_pairs_read(agg_state_stored(PG_GETARG_DATUM(0)), ITEMS_WITH_LATER, &pairs);
	initStringInfo(&out);
	appendStringInfo(&out, "{\"units\": " UINT64_FORMAT ", \"skipped\": " UINT64_FORMAT ", \"items\": [", pairs.units,
					 pairs.skipped);
	for (uint32 i = 0; i < pairs.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfoString(&out, i > 0 ? ", [" : "[");
		json_append_text(&out, pnstrdup(pairs.items[i].name, pairs.items[i].name_bytes));
		appendStringInfo(&out, ", %u]", pairs.items[i].units);
	}
	appendStringInfoString(&out, "], \"pairs\": [");
	for (uint32 i = 0; i < pairs.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint64 k = pairs.first[i]; k < pairs.first[i + 1]; k++)
		{
			appendStringInfo(&out, "%s[%u, %u, %u]", separator, i, pairs.partners[k].item, pairs.partners[k].units);
			separator = ", ";
		}
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(item_pairs_send);
Datum
item_pairs_send(PG_FUNCTION_ARGS)
{
	ItemPairs pairs;
	StringInfoData out;

	item_pairs_read(agg_state_stored(PG_GETARG_DATUM(0)), ITEMS_WITH_LATER, &pairs);
	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendint64(&out, pairs.units);
	pq_sendint64(&out, pairs.skipped);
	pq_sendint32(&out, pairs.count);
	for (uint32 i = 0; i < pairs.count; i++)
	{
		char *name = pg_server_to_client(pairs.items[i].name, (int) pairs.items[i].name_bytes);
		int bytes = name == pairs.items[i].name ? (int) pairs.items[i].name_bytes : (int) strlen(name);

		CHECK_FOR_INTERRUPTS();
		pq_sendint32(&out, (uint32) bytes);
		pq_sendbytes(&out, name, bytes);
		pq_sendint32(&out, pairs.items[i].units);
	}
	pq_sendint32(&out, (uint32) pairs.pairs);
	for (uint32 i = 0; i < pairs.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint64 k = pairs.first[i]; k < pairs.first[i + 1]; k++)
		{
			pq_sendint32(&out, i);
			pq_sendint32(&out, pairs.partners[k].item);
			pq_sendint32(&out, pairs.partners[k].units);
		}
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Bytes may come from anywhere (COPY BINARY): the input is untrusted, and checked. */
PG_FUNCTION_INFO_V1(item_pairs_recv);
Datum
item_pairs_recv(PG_FUNCTION_ARGS)
{
	static const char type[] = "item_pairs";
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	RawItems result = {0};
	ItemPairs *pairs = &result.pairs;
	struct varlena *value;
	const char *problem;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed(type, "the version is unknown");
	pairs->units = (uint64) pq_getmsgint64(in);
	pairs->skipped = (uint64) pq_getmsgint64(in);
	pairs->count = pq_getmsgint(in, 4);
	if ((uint64) pairs->count * LEAST_WIRE_ITEM_BYTES > (uint64) (in->len - in->cursor))
		bytes_malformed(type, "the length does not fit the number of items");
	pairs->items = alloc_many(pairs->count, sizeof(ItemUnits));
	for (uint32 i = 0; i < pairs->count; i++)
	{
		uint32 bytes = pq_getmsgint(in, 4);
		int name_bytes;

		CHECK_FOR_INTERRUPTS();
		if (bytes > (uint32) (in->len - in->cursor))
			bytes_malformed(type, "a name is truncated");
		pairs->items[i].name = pq_getmsgtext(in, (int) bytes, &name_bytes);
		pairs->items[i].name_bytes = (uint32) name_bytes;
		pairs->items[i].units = pq_getmsgint(in, 4);
	}
	pairs->pairs = pq_getmsgint(in, 4);
	if (pairs->pairs * WIRE_PAIR_BYTES != (uint64) (in->len - in->cursor))
		bytes_malformed(type, "the length does not fit the number of pairs");
	result.raw = alloc_many(pairs->pairs, sizeof(RawPair));
	for (uint64 k = 0; k < pairs->pairs; k++)
	{
		CHECK_FOR_INTERRUPTS();
		result.raw[k].left = pq_getmsgint(in, 4);
		result.raw[k].right = pq_getmsgint(in, 4);
		result.raw[k].units = pq_getmsgint(in, 4);
	}
	value = finish_input(&result, &problem);
	if (value == NULL)
		bytes_malformed(type, problem);
	PG_RETURN_POINTER(value);
}
