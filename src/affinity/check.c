/*
 * check.c
 *	  recommendation_check: how many of the things that customers had next a list of
 *	  recommendations contained.
 *
 * Recall is the share of the next items that are among the first k of the list. NDCG gives
 * an item at place r the gain 1 / log2(r + 1), against that of the best order. Both are means
 * over customers, whose shares are added up in units of 2^-32, so that sums are exact.
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "affinity/affinity.h"
#include "numerics/random.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/result.h"

#define MOST_K 1000
#define SHARE_UNIT 0x1p32

static const char *recommendation_check_problem(const CountValue *value);

const CountValueType recommendation_check_type = {
	.map =
		{
			.name = "recommendation_check",
			.max_entries = CHECK_SUMS + MOST_K + 1,
			.counted = "sums",
			.hint = "There are no more.",
			.pack = count_value_pack_state,
		},
	.rows_name = "sums",
	.rows = COUNT_ROWS_BY_ENTRY,
	.max_group = CHECK_SUMS - 1,
	.problem = recommendation_check_problem,
};

COUNT_VALUE_FUNCTIONS(recommendation_check, recommendation_check_type);

static const char *
recommendation_check_problem(const CountValue *value)
{
	double customers = (double) count_value_of(value, CHECK_CUSTOMERS, 0);
	double by_length = 0;

	for (uint32 i = 0; i < value->count && value->entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
	{
		const CountEntry *entry = &value->entries[i];

		if (entry->group == CHECK_LENGTH ? entry->detail < 1 || entry->detail > MOST_K : entry->detail != 0)
			return "a sum has no name";
		if (entry->group == CHECK_LENGTH)
			by_length += (double) entry->value;
		else if (entry->value > customers * SHARE_UNIT)
			return "a sum is more than its customers can have";
	}
	if (by_length != customers)
		return "the customers are not those of the lengths of lists";
	return NULL;
}

static int
compare_texts(const void *left, const void *right)
{
	text *a = *(text *const *) left;
	text *b = *(text *const *) right;
	int a_bytes = VARSIZE_ANY_EXHDR(a);
	int b_bytes = VARSIZE_ANY_EXHDR(b);
	int order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(a_bytes, b_bytes));

	return order != 0 ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

/* Items in an array's order, without those that are NULL. */
typedef struct ItemList
{
	text **items;
	int count;
} ItemList;

static ItemList
list_argument(FunctionCallInfo fcinfo, int argno)
{
	ItemList list = {NULL, 0};
	Datum *elements;
	bool *nulls;
	int count;

	if (PG_ARGISNULL(argno))
		return list;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argno), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	list.items = palloc_array(text *, Max(1, count));
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			list.items[list.count++] = DatumGetTextPP(elements[i]);
	return list;
}

/* Sorted, each item once. */
static void
make_set(ItemList *list)
{
	int kept = 0;

	qsort(list->items, list->count, sizeof(text *), compare_texts);
	for (int i = 0; i < list->count; i++)
		if (i == 0 || compare_texts(&list->items[kept - 1], &list->items[i]) != 0)
			list->items[kept++] = list->items[i];
	list->count = kept;
}

static bool
contains(const ItemList *set, text *item)
{
	return set->count > 0 && bsearch(&item, set->items, set->count, sizeof(text *), compare_texts) != NULL;
}

/* The gain of an item at this place, from 1; the same on every platform. */
static double
gain_at(int place)
{
	return det_log(2.0) / det_log(place + 1.0);
}

static void
add_share(CountMap *map, CheckSum sum, double share)
{
	count_map_add_hot(map, sum, 0, (int64) rint(share * SHARE_UNIT));
}

/* Adds one customer: what was recommended, had before and had next. */
static void
add_customer(CountMap *map, const ItemList *recommended, const ItemList *owned, const ItemList *next, int k)
{
	double gain = 0;
	double best = 0;
	int repeats = 0;
	int hits[2] = {0, 0}; /* new ones, and repeats */

	for (int i = 0; i < next->count; i++)
		repeats += contains(owned, next->items[i]);
	for (int i = 0; i < Min(k, next->count); i++)
		best += gain_at(i + 1);
	for (int i = 0; i < Min(k, recommended->count); i++)
	{
		bool before = false;

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < i && !before; j++)
			before = compare_texts(&recommended->items[i], &recommended->items[j]) == 0;
		if (before || !contains(next, recommended->items[i]))
			continue;
		gain += gain_at(i + 1);
		hits[contains(owned, recommended->items[i])]++;
	}
	count_map_add_hot(map, CHECK_CUSTOMERS, 0, 1);
	count_map_add_hot(map, CHECK_LENGTH, k, 1);
	count_map_add_hot(map, CHECK_HIT, 0, hits[0] + hits[1] > 0);
	add_share(map, CHECK_RECALL, (double) (hits[0] + hits[1]) / next->count);
	add_share(map, CHECK_NDCG, gain / best);
	if (repeats > 0)
	{
		count_map_add_hot(map, CHECK_REPEAT_CUSTOMERS, 0, 1);
		add_share(map, CHECK_REPEAT_RECALL, (double) hits[1] / repeats);
	}
	if (repeats < next->count)
	{
		count_map_add_hot(map, CHECK_EXPLORE_CUSTOMERS, 0, 1);
		add_share(map, CHECK_EXPLORE_RECALL, (double) hits[0] / (next->count - repeats));
	}
}

/* recommendation_check(recommended, owned, next_items, k): transition */
AGG_FUNCTION_INFO_V1(recommendation_check_add);
static Datum
recommendation_check_add_in_group(PG_FUNCTION_ARGS)
{
	ItemList recommended = list_argument(fcinfo, 1);
	ItemList owned = list_argument(fcinfo, 2);
	ItemList next = list_argument(fcinfo, 3);
	CountValueState *state;
	int32 k;

	refuse_null(fcinfo, 4, "k", "So many of the recommended items, the first, are looked at.");
	k = int_argument(fcinfo, 4, "k", 1, MOST_K, "So many of the recommended items, the first, are looked at.");
	make_set(&owned);
	make_set(&next);
	state = count_value_state(fcinfo, &recommendation_check_type, 0);
	if (next.count == 0)
		count_map_add_hot(&state->map, COUNT_VALUE_LEFT_OUT, 0, 1);
	else
		add_customer(&state->map, &recommended, &owned, &next, k);
	return agg_state_result(fcinfo, &state->map.growing);
}

/* recommendation_quality(check) → (customers, recall, ndcg, hit_rate, repeat_customers, repeat_recall, …) */
PG_FUNCTION_INFO_V1(recommendation_quality);
Datum
recommendation_quality(PG_FUNCTION_ARGS)
{
	CountValue value = count_value_get(&recommendation_check_type, PG_GETARG_DATUM(0));
	int64 sums[CHECK_SUMS];
	Datum values[10];
	bool nulls[10] = {false};
	int lengths = 0;

	for (int i = 0; i < CHECK_SUMS; i++)
		sums[i] = count_value_of(&value, i, 0);
	nulls[0] = true;
	for (uint32 i = 0; i < value.count; i++)
		if (value.entries[i].group == CHECK_LENGTH)
		{
			values[0] = Int32GetDatum((int32) value.entries[i].detail);
			nulls[0] = ++lengths > 1;
		}
	if (lengths > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this recommendation_check was merged from checks with different k"),
				 errhint("Build one value for each.")));
	values[1] = Int64GetDatum(sums[CHECK_CUSTOMERS]);
	set_float(values, nulls, 2, sums[CHECK_RECALL] / SHARE_UNIT / sums[CHECK_CUSTOMERS]);
	set_float(values, nulls, 3, sums[CHECK_NDCG] / SHARE_UNIT / sums[CHECK_CUSTOMERS]);
	set_float(values, nulls, 4, (double) sums[CHECK_HIT] / sums[CHECK_CUSTOMERS]);
	values[5] = Int64GetDatum(sums[CHECK_REPEAT_CUSTOMERS]);
	set_float(values, nulls, 6, sums[CHECK_REPEAT_RECALL] / SHARE_UNIT / sums[CHECK_REPEAT_CUSTOMERS]);
	values[7] = Int64GetDatum(sums[CHECK_EXPLORE_CUSTOMERS]);
	set_float(values, nulls, 8, sums[CHECK_EXPLORE_RECALL] / SHARE_UNIT / sums[CHECK_EXPLORE_CUSTOMERS]);
	values[9] = Int64GetDatum(count_value_left_out(&value));
	return row_result(fcinfo, values, nulls);
}
