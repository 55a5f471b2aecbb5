/*
 * affinity.h
 *	  item_pairs: which items the same customers (or orders) have; and how good
 *	  recommendations are.
 *
 * Stored form: version (1 byte), a hash of what follows (8 bytes, lowest first), units with
 * items (varint), units skipped as too large (varint), the number of items (varint), of each,
 * in byte order, the length of its name (varint), the name and its units (varint); then of
 * each item the number of later items that some unit has with it (varint), and of each of
 * these the distance from the one before, or from the item itself (varint), and the units that
 * have both (varint).
 */
#ifndef AFFINITY_AFFINITY_H
#define AFFINITY_AFFINITY_H

#include "compat.h"

#include "support/agg_state.h"
#include "support/count_value.h"

#define ITEM_PAIRS_VERSION 1
#define ITEM_PAIRS_HEAD_BYTES 9

#define ITEM_MAX_NAME_BYTES 255
#define ITEM_PAIRS_MOST_ITEMS 1000000
#define ITEM_PAIRS_MOST_PAIRS 10000000
#define ITEM_PAIRS_MOST_UNITS UINT64CONST(0xffffffff)

/* Units with more items than this are skipped, unless told otherwise. */
#define ITEM_PAIRS_MAX_ITEMS 1000
#define ITEM_PAIRS_MOST_MAX_ITEMS 10000

typedef struct ItemUnits
{
	const char *name; /* not null-terminated */
	uint32 name_bytes;
	uint32 units;
} ItemUnits;

/* An item that some units have together with another one. */
typedef struct Partner
{
	uint32 item;
	uint32 units; /* that have both */
} Partner;

/* A value as it is read, in the caller's memory; names stay in the value. */
typedef struct ItemPairs
{
	uint64 units;
	uint64 skipped;
	uint32 count;
	ItemUnits *items; /* in byte order of their names */
	uint64 pairs;
	uint64 *first;     /* [count + 1]: where the partners of an item begin; NULL: not read */
	Partner *partners; /* in order; of later items only, or of all */
} ItemPairs;

/* What is read of a value. */
typedef enum ItemPairsExtent
{
	ITEMS_ALONE,
	ITEMS_WITH_LATER,
	ITEMS_WITH_ALL,
} ItemPairsExtent;

extern void item_pairs_read(const struct varlena *stored, ItemPairsExtent extent, ItemPairs *pairs);

/* The stored form of items in order and of their later partners. */
extern struct varlena *item_pairs_pack(const ItemPairs *pairs);

/* The order of items. */
extern int item_compare(const ItemUnits *a, const ItemUnits *b);

/* An item by its name; pairs->count if it is not there. */
extern uint32 item_find(const ItemPairs *pairs, const char *name, uint32 name_bytes);

/* recommendation_check: the group is what is added up, the detail 0 or the length of the lists. */
typedef enum CheckSum
{
	CHECK_CUSTOMERS,
	CHECK_RECALL, /* sums of shares in units of 2^-32 */
	CHECK_NDCG,
	CHECK_HIT,              /* customers */
	CHECK_REPEAT_CUSTOMERS, /* customers whose next items they had before */
	CHECK_REPEAT_RECALL,
	CHECK_EXPLORE_CUSTOMERS,
	CHECK_EXPLORE_RECALL,
	CHECK_LENGTH, /* customers by k */
	CHECK_SUMS,
} CheckSum;

extern const CountValueType recommendation_check_type;

#endif /* AFFINITY_AFFINITY_H */
