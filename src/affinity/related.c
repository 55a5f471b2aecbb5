/*
 * related.c
 *	  What goes with an item, and what to recommend to a customer.
 *
 * Both need the pairs of an item from either side. A value is unpacked for that once, and
 * kept for as long as the query calls the function with the same one: 8 bytes for each pair
 * and side, 24 for each item.
 */
#include "compat.h"

#include <math.h>

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "affinity/affinity.h"
#include "models/decision/affinity.h"
#include "support/args.h"
#include "support/json.h"
#include "support/result.h"

#define MOST_ROWS 10000

/* A value that was unpacked. */
typedef struct PairsCache
{
	MemoryContext context; /* of all below */
	struct varlena *value; /* NULL: nothing yet */
	bool on_disk;          /* it was last seen at: */
	struct varatt_external pointer;
	ItemPairs pairs;
	double *related; /* [count], zero between calls; as are the following */
	double *own;
	uint8 *marks;
} PairsCache;

/* A function's caches: of the pairs, and of what is popular. */
typedef struct CallCaches
{
	PairsCache pairs;
	PairsCache popular;
} CallCaches;

static CallCaches *
call_caches(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CallCaches));
	return fcinfo->flinfo->fn_extra;
}

/* Whether the cache holds this value: by its place on disk, or by its size and the hash in its head. */
static bool
cache_holds(const PairsCache *cache, const struct varlena *stored)
{
	return cache->value != NULL && VARSIZE_ANY_EXHDR(cache->value) == VARSIZE_ANY_EXHDR(stored) &&
		VARSIZE_ANY_EXHDR(stored) >= ITEM_PAIRS_HEAD_BYTES &&
		memcmp(VARDATA_ANY(cache->value), VARDATA_ANY(stored), ITEM_PAIRS_HEAD_BYTES) == 0;
}

static void
fill_cache(PairsCache *cache, MemoryContext parent, const struct varlena *stored, ItemPairsExtent extent)
{
	MemoryContext caller;
	struct varlena *copy;

	if (cache->context != NULL)
		MemoryContextDelete(cache->context);
	memset(cache, 0, sizeof(PairsCache));
	cache->context = AllocSetContextCreate(parent, "item_pairs", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(cache->context);
	copy = memcpy(palloc(VARSIZE_ANY(stored)), stored, VARSIZE_ANY(stored));
	item_pairs_read(copy, extent, &cache->pairs);
	cache->related = MemoryContextAllocExtended(cache->context, (cache->pairs.count + 1) * sizeof(double),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	cache->own = MemoryContextAllocExtended(cache->context, (cache->pairs.count + 1) * sizeof(double),
											MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	cache->marks = palloc0(cache->pairs.count + 1);
	MemoryContextSwitchTo(caller);
	cache->value = copy;
}

/* The unpacked form of an argument. */
static PairsCache *
cached_pairs(FunctionCallInfo fcinfo, PairsCache *cache, int argno, ItemPairsExtent extent)
{
	struct varlena *attribute = (struct varlena *) DatumGetPointer(PG_GETARG_DATUM(argno));
	struct varatt_external pointer = {0};
	bool on_disk = VARATT_IS_EXTERNAL_ONDISK(attribute);
	struct varlena *stored;

	if (on_disk)
		VARATT_EXTERNAL_GET_POINTER(pointer, attribute);
	if (on_disk && cache->value != NULL && cache->on_disk && memcmp(&pointer, &cache->pointer, sizeof(pointer)) == 0)
		return cache;
	stored = agg_state_stored(PG_GETARG_DATUM(argno));
	if (!cache_holds(cache, stored))
		fill_cache(cache, fcinfo->flinfo->fn_mcxt, stored, extent);
	cache->on_disk = on_disk;
	cache->pointer = pointer;
	return cache;
}

static Datum
item_text(const ItemUnits *item)
{
	return PointerGetDatum(cstring_to_text_with_len(item->name, (int) item->name_bytes));
}

/* Measures by which related items are ranked. */
typedef enum Measure
{
	MEASURE_COSINE,
	MEASURE_SHRUNK,
	MEASURE_LIFT,
	MEASURE_LLR,
	MEASURES,
} Measure;

static const char *const measure_names[MEASURES] = {"cosine", "shrunk", "lift", "llr"};

static Measure
measure_argument(FunctionCallInfo fcinfo, int argno)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(argno));

	for (int i = 0; i < MEASURES; i++)
		if (strcmp(name, measure_names[i]) == 0)
			return (Measure) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("by cannot be \"%s\"", json_excerpt(name, strlen(name))),
			 errhint("It is cosine, shrunk (cosine, less where few units have both), lift or llr (the root of the "
					 "log-likelihood ratio, negative below chance).")));
}

/* An item with its scores, as it is ranked. */
typedef struct Ranked
{
	uint32 item;
	uint32 units; /* with both, or with it */
	bool first;   /* before all that are not */
	double score;
} Ranked;

/* The best first; ties by more units, then by name. */
static int
compare_ranked(const void *left, const void *right)
{
	const Ranked *a = left;
	const Ranked *b = right;

	if (a->first != b->first)
		return a->first ? -1 : 1;
	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	if (a->units != b->units)
		return a->units > b->units ? -1 : 1;
	return (a->item > b->item) - (a->item < b->item);
}

/* related_items(pairs, item, by, limit_count, shrink, asymmetry) → setof (item, pairs, cosine, lift, llr, score) */
PG_FUNCTION_INFO_V1(related_items);
Datum
related_items(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	Measure by = measure_argument(fcinfo, 2);
	int32 limit = int_argument(fcinfo, 3, "limit_count", 1, MOST_ROWS, NULL);
	double shrink = nonnegative_argument(fcinfo, 4, "shrink", NULL);
	double asymmetry = nonnegative_argument(fcinfo, 5, "asymmetry",
											"It is 0.5 for the cosine, 0 for the share of those with the item who have "
											"the other, 1 for the reverse.");
	const ItemPairs *pairs = &cached_pairs(fcinfo, &call_caches(fcinfo)->pairs, 0, ITEMS_WITH_ALL)->pairs;
	text *name = PG_GETARG_TEXT_PP(1);
	uint32 item = item_find(pairs, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	Ranked *ranked;
	uint64 count = 0;

	if (asymmetry > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("asymmetry must be between 0 and 1, but is %g", asymmetry)));
	InitMaterializedSRF(fcinfo, 0);
	if (item == pairs->count)
		return (Datum) 0;
	ranked = MemoryContextAllocHuge(CurrentMemoryContext,
									(pairs->first[item + 1] - pairs->first[item] + 1) * sizeof(Ranked));
	for (uint64 k = pairs->first[item]; k < pairs->first[item + 1]; k++)
	{
		const Partner *partner = &pairs->partners[k];
		PairCounts counts = {(double) pairs->units, pairs->items[item].units, pairs->items[partner->item].units,
							 partner->units};
		double score = by == MEASURE_LIFT ? pair_lift(&counts)
			: by == MEASURE_LLR           ? pair_signed_root(&counts)
										  : pair_cosine(&counts, asymmetry);

		CHECK_FOR_INTERRUPTS();
		if (by == MEASURE_SHRUNK)
			score = pair_shrunk(&counts, score, shrink);
		ranked[count++] = (Ranked){partner->item, partner->units, false, score};
	}
	qsort(ranked, count, sizeof(Ranked), compare_ranked);
	for (uint64 i = 0; i < Min(count, (uint64) limit); i++)
	{
		const ItemUnits *other = &pairs->items[ranked[i].item];
		PairCounts counts = {(double) pairs->units, pairs->items[item].units, other->units, ranked[i].units};
		Datum values[6] = {item_text(other), Int64GetDatum(ranked[i].units)};
		bool nulls[6] = {false};

		CHECK_FOR_INTERRUPTS();
		set_float(values, nulls, 2, pair_cosine(&counts, 0.5));
		set_float(values, nulls, 3, pair_lift(&counts));
		set_float(values, nulls, 4, pair_llr(&counts));
		set_float(values, nulls, 5, ranked[i].score);
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* Why an item is not to be recommended, or comes first. */
enum
{
	MARK_TOUCHED = 1,
	MARK_OWNED = 2,
	MARK_UNAVAILABLE = 4,
	MARK_DUE = 8,
};

/* A call's items whose marks or scores are not zero. */
typedef struct Touched
{
	PairsCache *cache;
	uint32 *items;
	uint64 count;
	uint64 capacity;
} Touched;

static void
touch(Touched *touched, uint32 item, uint8 mark)
{
	uint8 *marks = &touched->cache->marks[item];

	if (*marks == 0)
	{
		if (touched->count == touched->capacity)
		{
			touched->capacity *= 2;
			touched->items = repalloc_huge(touched->items, touched->capacity * sizeof(uint32));
		}
		touched->items[touched->count++] = item;
	}
	*marks |= MARK_TOUCHED | mark;
}

/* Marks the items of an array of names, if there is one; those that no unit has are unknown. */
static void
mark_items(FunctionCallInfo fcinfo, int argno, uint8 mark, Touched *touched)
{
	Datum *elements;
	bool *nulls;
	int count;

	if (PG_ARGISNULL(argno))
		return;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argno), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		text *name = nulls[i] ? NULL : DatumGetTextPP(elements[i]);
		uint32 item = name == NULL ? touched->cache->pairs.count
								   : item_find(&touched->cache->pairs, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));

		CHECK_FOR_INTERRUPTS();
		if (item < touched->cache->pairs.count)
			touch(touched, item, mark);
	}
}

/* The customer's own items, with how often they had each; 1 where no counts are given. */
static void
mark_own(FunctionCallInfo fcinfo, Touched *touched)
{
	Datum *names;
	Datum *counts = NULL;
	bool *name_nulls;
	bool *count_nulls = NULL;
	int count;
	int n_counts;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &names, &name_nulls, &count);
	if (!PG_ARGISNULL(2))
	{
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &counts,
						  &count_nulls, &n_counts);
		if (n_counts != count)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("items and counts must have as many elements, but have %d and %d", count, n_counts)));
	}
	for (int i = 0; i < count; i++)
	{
		text *name;
		uint32 item;

		CHECK_FOR_INTERRUPTS();
		if (name_nulls[i] || (counts != NULL && count_nulls[i]))
			continue;
		if (counts != NULL && DatumGetInt64(counts[i]) < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("counts must not be negative, but element %d is " INT64_FORMAT, i + 1,
							DatumGetInt64(counts[i]))));
		name = DatumGetTextPP(names[i]);
		item = item_find(&touched->cache->pairs, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
		if (item == touched->cache->pairs.count)
			continue;
		touch(touched, item, MARK_OWNED);
		touched->cache->own[item] += counts == NULL ? 1.0 : (double) DatumGetInt64(counts[i]);
	}
}

/* Adds the similarities of all items to those that the customer has. */
static void
add_related(Touched *touched, double shrink)
{
	PairsCache *cache = touched->cache;
	const ItemPairs *pairs = &cache->pairs;
	uint64 owned = touched->count;

	for (uint64 i = 0; i < owned; i++)
	{
		uint32 item = touched->items[i];
		double units = pairs->items[item].units;

		if ((cache->marks[item] & MARK_OWNED) == 0)
			continue;
		for (uint64 k = pairs->first[item]; k < pairs->first[item + 1]; k++)
		{
			const Partner *partner = &pairs->partners[k];
			double both = partner->units;

			if ((k & 0x3fff) == 0)
				CHECK_FOR_INTERRUPTS();
			touch(touched, partner->item, 0);
			cache->related[partner->item] +=
				both / sqrt(units * pairs->items[partner->item].units) * (both / (both + shrink));
		}
	}
}

/* What the function is asked for. */
typedef struct RecommendTerms
{
	int32 limit;
	bool include_owned;
	double weight;
	double shrink;
	double popularity_weight;
	const ItemPairs *popular;
} RecommendTerms;

static double
popularity_of(const RecommendTerms *terms, const ItemPairs *pairs, const ItemUnits *item)
{
	uint32 place = (uint32) (item - pairs->items);

	if (terms->popular->units == 0)
		return 0.0;
	if (terms->popular != pairs)
		place = item_find(terms->popular, item->name, item->name_bytes);
	return place == terms->popular->count ? 0.0 : terms->popular->items[place].units / (double) terms->popular->units;
}

static double
score_of(const PairsCache *cache, const RecommendTerms *terms, uint32 item)
{
	return cache->own[item] + terms->weight * cache->related[item] +
		(terms->popularity_weight > 0.0
			 ? terms->popularity_weight * popularity_of(terms, &cache->pairs, &cache->pairs.items[item])
			 : 0.0);
}

/* The best so far, of which there are at most so many, in order. */
typedef struct BestItems
{
	Ranked *ranked;
	int count;
	int most;
} BestItems;

static void
keep_best(BestItems *best, const Ranked *candidate)
{
	int low = 0;
	int high = best->count;

	if (best->count == best->most && compare_ranked(candidate, &best->ranked[best->count - 1]) >= 0)
		return;
	while (low < high)
	{
		int middle = (low + high) / 2;

		if (compare_ranked(&best->ranked[middle], candidate) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (best->count < best->most)
		best->count++;
	memmove(&best->ranked[low + 1], &best->ranked[low], (best->count - 1 - low) * sizeof(Ranked));
	best->ranked[low] = *candidate;
}

/* The items to recommend. */
static BestItems
rank_items(Touched *touched, const RecommendTerms *terms)
{
	PairsCache *cache = touched->cache;
	bool all = terms->popularity_weight > 0.0;
	uint64 candidates = all ? cache->pairs.count : touched->count;
	BestItems best = {palloc_array(Ranked, terms->limit), 0, terms->limit};

	for (uint64 i = 0; i < candidates; i++)
	{
		uint32 item = all ? (uint32) i : touched->items[i];
		uint8 marks = cache->marks[item];
		bool due = (marks & MARK_DUE) != 0;
		double score;

		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		if ((marks & MARK_UNAVAILABLE) || ((marks & MARK_OWNED) && !terms->include_owned && !due))
			continue;
		score = score_of(cache, terms, item);
		if (score > 0.0 || due)
			keep_best(&best, &(Ranked){item, cache->pairs.items[item].units, due, score});
	}
	return best;
}

static void
put_ranked(ReturnSetInfo *results, const PairsCache *cache, const RecommendTerms *terms, const Ranked *ranked)
{
	uint32 item = ranked->item;
	double related = terms->weight * cache->related[item];
	Datum values[6] = {item_text(&cache->pairs.items[item])};
	bool nulls[6] = {false};

	set_float(values, nulls, 1, ranked->score);
	set_float(values, nulls, 2, cache->own[item]);
	set_float(values, nulls, 3, related);
	set_float(values, nulls, 4, popularity_of(terms, &cache->pairs, &cache->pairs.items[item]));
	values[5] = CStringGetTextDatum(ranked->first                ? "due"
										: cache->own[item] > 0.0 ? "own"
										: related > 0.0          ? "related"
																 : "popular");
	tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
}

/* Leaves the cache as it was; an error before leaves it to be filled again. */
static void
untouch(Touched *touched)
{
	for (uint64 i = 0; i < touched->count; i++)
	{
		touched->cache->related[touched->items[i]] = 0.0;
		touched->cache->own[touched->items[i]] = 0.0;
		touched->cache->marks[touched->items[i]] = 0;
	}
	pfree(touched->items);
}

/* recommend_items(pairs, items, counts, limit_count, include_owned, weight, shrink, …) → setof (item, score, …) */
PG_FUNCTION_INFO_V1(recommend_items);
Datum
recommend_items(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	CallCaches *caches = call_caches(fcinfo);
	RecommendTerms terms;
	Touched touched = {.capacity = 256};
	struct varlena *kept;
	BestItems best;

	InitMaterializedSRF(fcinfo, 0);
	terms.limit = int_argument(fcinfo, 3, "limit_count", 1, MOST_ROWS, NULL);
	terms.include_owned = PG_GETARG_BOOL(4);
	terms.weight = nonnegative_argument(fcinfo, 5, "weight", NULL);
	terms.shrink = nonnegative_argument(fcinfo, 6, "shrink", NULL);
	terms.popularity_weight = nonnegative_argument(fcinfo, 8, "popularity_weight", NULL);
	touched.cache = cached_pairs(fcinfo, &caches->pairs, 0, ITEMS_WITH_ALL);
	terms.popular =
		PG_ARGISNULL(7) ? &touched.cache->pairs : &cached_pairs(fcinfo, &caches->popular, 7, ITEMS_ALONE)->pairs;
	touched.items = palloc_array(uint32, touched.capacity);

	/* if an error comes in between, which a caller may catch, the scores are not zero */
	kept = touched.cache->value;
	touched.cache->value = NULL;
	mark_own(fcinfo, &touched);
	mark_items(fcinfo, 9, MARK_UNAVAILABLE, &touched);
	mark_items(fcinfo, 10, MARK_DUE, &touched);
	add_related(&touched, terms.shrink);
	best = rank_items(&touched, &terms);
	for (int i = 0; i < best.count; i++)
		put_ranked(results, touched.cache, &terms, &best.ranked[i]);
	untouch(&touched);
	touched.cache->value = kept;
	return (Datum) 0;
}

/* item_popularity(pairs) → setof (item, units, share) */
PG_FUNCTION_INFO_V1(item_popularity);
Datum
item_popularity(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	ItemPairs pairs;
	Ranked *ranked;

	item_pairs_read(agg_state_stored(PG_GETARG_DATUM(0)), ITEMS_ALONE, &pairs);
	ranked = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, pairs.count) * sizeof(Ranked));
	for (uint32 i = 0; i < pairs.count; i++)
		ranked[i] = (Ranked){i, pairs.items[i].units, false, pairs.items[i].units};
	qsort(ranked, pairs.count, sizeof(Ranked), compare_ranked);
	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; i < pairs.count; i++)
	{
		Datum values[3] = {item_text(&pairs.items[ranked[i].item]), Int64GetDatum(ranked[i].units)};
		bool nulls[3] = {false};

		CHECK_FOR_INTERRUPTS();
		set_float(values, nulls, 2, ranked[i].units / (double) pairs.units);
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* item_pairs_size(pairs) → (units, items, pairs, skipped) */
PG_FUNCTION_INFO_V1(item_pairs_size);
Datum
item_pairs_size(PG_FUNCTION_ARGS)
{
	ItemPairs pairs;
	Datum values[4];
	bool nulls[4] = {false};

	item_pairs_read(agg_state_stored(PG_GETARG_DATUM(0)), ITEMS_WITH_LATER, &pairs);
	values[0] = Int64GetDatum((int64) pairs.units);
	values[1] = Int64GetDatum(pairs.count);
	values[2] = Int64GetDatum((int64) pairs.pairs);
	values[3] = Int64GetDatum((int64) pairs.skipped);
	return row_result(fcinfo, values, nulls);
}
