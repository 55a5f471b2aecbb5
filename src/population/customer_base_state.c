/*
 * customer_base_state.c
 *	  The transition state of a customer base.
 */
#include "compat.h"

#include <float.h>

#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "population/customer_base_state.h"

/*
 * The number of entries that can be read back from text: the server's JSON
 * arrays are limited to 256 MB, and a cell takes 60 bytes there. Twenty
 * million customers in two years of orders have about as many.
 */
#define MAX_ENTRIES 4000000

static struct varlena *pack_map(CountMap *map);
static void after_compaction(CountMap *map);

const CountMapType customer_base_map_type = {
	.name = "customer_base",
	.max_entries = MAX_ENTRIES,
	.counted = "customers",
	.hint = "Build one base per region or cohort.",
	.pack = pack_map,
	.compacted = after_compaction,
};

BaseState *
base_state_make(MemoryContext parent)
{
	BaseState *state = count_map_make(&customer_base_map_type, sizeof(BaseState), parent);

	state->head.until = DATEVAL_NOBEGIN;
	return state;
}

void
base_state_shape(BaseState *state, Period period, int covariates)
{
	if (state->shaped && state->head.period != period)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("customers counted by the %s cannot be added to customers counted by the %s",
						period_names[period], period_names[state->head.period])));
	if (state->shaped && state->head.covariates != covariates)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("customers with %d covariates cannot be added to customers with %d", covariates,
						state->head.covariates),
				 errhint("All customers of a base have the same covariates, in the same order.")));
	state->shaped = true;
	state->head.period = period;
	state->head.covariates = covariates;
}

/*
 * Once spend is in bins, it is added to their sums, without a way through the
 * log: the sums of frequent bins are in a direct-mapped table, which has so
 * many places, and go into the log when another bin needs the place.
 */
#ifdef COUNT_MAP_EAGER
#define SPEND_BIN_BITS 1
#else
#define SPEND_BIN_BITS 11
#endif

static void
make_spend_bins(BaseState *state)
{
	if (state->spend_bins == NULL)
		state->spend_bins =
			MemoryContextAllocZero(agg_state_context(&state->map.growing), sizeof(SpendBin) << SPEND_BIN_BITS);
}

/* Gives the place to a bin (0, 0: to none), and what was there to the log. */
static void
replace_spend_bin(BaseState *state, SpendBin *place, uint64 group, uint32 bin)
{
	SpendBin other = *place;

	/* First of all, as a log that is full is settled, which may use the place itself. */
	*place = (SpendBin){group, bin, {0}};
	for (int k = 0; k < BASE_MOMENTS; k++)
		count_map_add(&state->map, other.group, bin_detail(other.bin, k), other.sums[k]);
}

static SpendBin *
spend_bin(BaseState *state, uint64 group, uint32 bin)
{
	uint64 hash = (group << 16 ^ bin) * UINT64CONST(0x9E3779B97F4A7C15);
	SpendBin *place = &state->spend_bins[hash >> (64 - SPEND_BIN_BITS)];

	while (place->group != group || place->bin != bin)
		replace_spend_bin(state, place, group, bin);
	return place;
}

/* Adds customers with the same spend to the sums of their bin. */
static void
add_to_bin(BaseState *state, uint32 x, double spend, int64 customers)
{
	SpendBin *bin = spend_bin(state, base_group(BASE_SPEND_BIN, 0, x), base_bin(spend));
	double deviation = Max(spend, DBL_MIN) / base_bin_centre(bin->bin) - 1;
	double power = BASE_MOMENT_SCALE;
	int64 sum = customers;

	for (int k = 0; k < BASE_MOMENTS; k++)
	{
		if (k > 0 && pg_mul_s64_overflow((int64) rint(power *= deviation), customers, &sum))
			count_map_out_of_range(&customer_base_map_type);
		if (pg_add_s64_overflow(bin->sums[k], sum, &bin->sums[k]))
			count_map_out_of_range(&customer_base_map_type);
	}
}

void
base_state_add_spend(BaseState *state, uint32 x, double spend, int64 customers)
{
	if (state->spend_bins != NULL)
		add_to_bin(state, x, spend, customers);
	else
		count_map_add(&state->map, base_group(BASE_SPEND, 0, x), spend_detail(spend), customers);
}

/* Replaces exact spend by bins, where there is too much of it or some is in bins already. */
static void
bin_spends(BaseState *state)
{
	CountMap *map = &state->map;
	const BaseEntry *end = map->entries + map->used;
	BaseEntry *first = (BaseEntry *) count_map_find(map->entries, map->used, base_group(BASE_SPEND, 0, 0), 0);
	const BaseEntry *after = count_map_find(first, end - first, base_group(BASE_SPEND + 1, 0, 0), 0);
	uint32 count = after - first;

	if (count > BASE_MAX_SPENDS || (after < end && entry_kind(after) == BASE_SPEND_BIN))
		make_spend_bins(state);
	if (count == 0 || state->spend_bins == NULL)
		return;

	BaseEntry *spends = MemoryContextAllocHuge(CurrentMemoryContext, count * sizeof(BaseEntry));

	memcpy(spends, first, count * sizeof(BaseEntry));
	memmove(first, after, (end - after) * sizeof(BaseEntry));
	map->n_sorted = map->used -= count;
	for (uint32 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_to_bin(state, entry_x(&spends[i]), spend_of(&spends[i]), spends[i].value);
	}
	pfree(spends);
}

static void
after_compaction(CountMap *map)
{
	BaseState *state = (BaseState *) map;

	bin_spends(state);
	if (map->hot != NULL && state->gaps == NULL)
		state->gaps = MemoryContextAllocZero(agg_state_context(&map->growing), GAPS_AT_HAND * sizeof(int64));
}

/* Everything is in the log afterwards, in order, each key once. */
static void
compact(BaseState *state)
{
	for (uint32 gap = 0; state->gaps != NULL && gap < GAPS_AT_HAND; gap++)
	{
		count_map_add(&state->map, base_group(BASE_GAP, 0, 0), gap, state->gaps[gap]);
		state->gaps[gap] = 0;
	}
	count_map_compact(&state->map);
	if (state->spend_bins == NULL)
		return;
	for (int i = 0; i < 1 << SPEND_BIN_BITS; i++)
		replace_spend_bin(state, &state->spend_bins[i], 0, 0);
	count_map_compact(&state->map);
}

/* Finds, or makes, the classes with the covariates of another base: their numbers here. */
static uint32 *
merge_classes(BaseState *state, Datum other)
{
	uint32 count;
	double *covariates = base_covariates(other, &count);
	uint32 *classes = palloc_array(uint32, Max(1, count));

	for (uint32 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		classes[i] = base_state_class(state, covariates + (Size) i * state->head.covariates);
	}
	pfree(covariates);
	return classes;
}

/* The entries of another base as they are added to a state. */
typedef struct BaseSource
{
	BaseReader reader;
	int times;
	const uint32 *classes; /* the numbers of its classes in the state; NULL: there are no covariates */
} BaseSource;

static bool
next_entry(void *context, BaseEntry *entry)
{
	BaseSource *source = context;

	do
		if (!base_next(&source->reader))
			return false;
	while (entry_kind(&source->reader.entry) == BASE_COVARIATE); /* classes are merged first */
	*entry = source->reader.entry;
	entry->value *= source->times;
	if (entry_kind(entry) == BASE_TIMING && source->classes != NULL)
		entry->group = base_group(BASE_TIMING, source->classes[entry_class(entry)], entry_x(entry));
	return true;
}

/* Adds another base with a factor: 1, or -1 to subtract it. */
static void
merge_times(BaseState *state, Datum other, int times)
{
	Datum base = PointerGetDatum(agg_state_stored(other));
	BaseSource source = {.times = times};
	BaseReader first;
	BaseEntry entry;

	base_open(&source.reader, base);
	if (times > 0)
		state->head.until = Max(state->head.until, source.reader.head.until);
	first = source.reader;
	/* Timing comes first, if there is any. */
	if (base_next(&first) && entry_kind(&first.entry) == BASE_TIMING)
	{
		base_state_shape(state, first.head.period, first.head.covariates);
		if (state->head.covariates > 0)
			source.classes = merge_classes(state, base);
	}
	if (source.classes == NULL)
	{
		count_map_merge(&state->map, source.reader.left, next_entry, &source);
		return;
	}
	/* The state numbers the classes in another order. */
	count_map_reserve(&state->map, source.reader.left);
	while (next_entry(&source, &entry))
	{
		CHECK_FOR_INTERRUPTS();
		count_map_add(&state->map, entry.group, entry.detail, entry.value);
	}
}

void
base_state_merge(BaseState *state, Datum other)
{
	merge_times(state, other, 1);
}

void
base_state_subtract(BaseState *state, Datum other)
{
	merge_times(state, other, -1);
}

/* Bases together may count more customers than one that is read. */
static void
check_customers(const CountMap *map)
{
	double customers = 0;

	for (uint32 i = 0; i < map->used && entry_kind(&map->entries[i]) == BASE_TIMING; i++)
	{
		CHECK_FOR_INTERRUPTS();
		customers += (double) map->entries[i].value;
	}
	if (customers > BASE_MAX_CUSTOMERS)
		count_map_out_of_range(&customer_base_map_type);
}

struct varlena *
base_state_pack(BaseState *state)
{
	const CountMap *map = &state->map;

	compact(state);
	check_customers(map);
	if (state->head.covariates == 0)
		return base_pack(map->entries, map->used, &state->head);

	/* The state keeps its own numbers of the classes. */
	uint32 n_classes = base_state_classes(state);
	uint32 n_entries = map->used;
	BaseEntry *entries =
		MemoryContextAllocHuge(CurrentMemoryContext,
							   sizeof(BaseEntry) * (n_entries + (Size) n_classes * state->head.covariates));

	memcpy(entries, map->entries, n_entries * sizeof(BaseEntry));
	base_order_classes(state->covariates, n_classes, state->head.covariates, entries, &n_entries);

	struct varlena *result = base_pack(entries, n_entries, &state->head);

	pfree(entries);
	return result;
}

/*
 * The error of subtracting what is not contained: names the first kind of
 * customers of which there are too few.
 */
static void
not_in_base(const BaseState *state, const char *problem)
{
	const CountMap *map = &state->map;

	for (uint32 i = 0; i < map->used && entry_kind(&map->entries[i]) == BASE_TIMING; i++)
	{
		const BaseEntry *entry = &map->entries[i];

		if (entry->value < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a base cannot be subtracted from one that does not contain its customers"),
					 errdetail("Customers with %u repeat transactions, the last %u %ss after the first, on %s, are "
							   "missing: " INT64_FORMAT ".",
							   entry_x(entry), timing_t_x(entry), period_names[state->head.period],
							   DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(timing_first(entry)))),
							   -entry->value),
					 errhint("Subtract only what was added: the same histories, counted until the same day.")));
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a base cannot be subtracted from one that does not contain its customers"),
			 errdetail("Problem in the difference: %s.", problem),
			 errhint("Subtract only what was added: the same histories, counted until the same day.")));
}

/* Removes classes without customers: the rows of the others move up, and the entries are renumbered. */
static uint32
drop_empty_classes(BaseState *state, double *covariates)
{
	CountMap *map = &state->map;
	int columns = state->head.covariates;
	uint32 classes = base_state_classes(state);
	uint32 *numbers = palloc0_array(uint32, Max(1, classes));
	uint32 kept = 0;

	for (uint32 i = 0; i < map->used && entry_kind(&map->entries[i]) == BASE_TIMING; i++)
		numbers[entry_class(&map->entries[i])] = 1;
	for (uint32 i = 0; i < classes; i++)
		if (numbers[i] != 0)
		{
			memmove(covariates + (Size) kept * columns, state->covariates + (Size) i * columns,
					columns * sizeof(double));
			numbers[i] = kept++;
		}
	for (uint32 i = 0; i < map->used && entry_kind(&map->entries[i]) == BASE_TIMING; i++)
	{
		BaseEntry *entry = &map->entries[i];

		entry->group = base_group(BASE_TIMING, numbers[entry_class(entry)], entry_x(entry));
	}
	pfree(numbers);
	return kept;
}

struct varlena *
base_state_pack_rest(BaseState *state)
{
	CountMap *map = &state->map;
	BaseHead head = state->head;
	BaseEntry *entries;
	uint32 count;
	const char *problem;

	compact(state);
	for (uint32 i = 0; i < map->used; i++)
	{
		CHECK_FOR_INTERRUPTS();
		/* Only the sums of odd powers of a deviation may be negative; base_problem checks those. */
		if (map->entries[i].value < 0 && entry_kind(&map->entries[i]) != BASE_SPEND_BIN)
			not_in_base(state, "a count is negative");
	}

	uint32 max_entries = base_state_classes(state);
	double *covariates =
		MemoryContextAllocHuge(CurrentMemoryContext, Max(1, (Size) max_entries * head.covariates) * sizeof(double));
	uint32 classes = head.covariates == 0 ? 0 : drop_empty_classes(state, covariates);

	entries = MemoryContextAllocHuge(CurrentMemoryContext,
									 (map->used + (Size) classes * head.covariates + 1) * sizeof(BaseEntry));
	memcpy(entries, map->entries, map->used * sizeof(BaseEntry));
	count = map->used;
	if (classes > 0)
		base_order_classes(covariates, classes, head.covariates, entries, &count);
	/* Without customers there is neither a period nor covariates. */
	if (count == 0 || entry_kind(&entries[0]) != BASE_TIMING)
	{
		head.period = PERIOD_DAY;
		head.covariates = 0;
	}
	problem = base_problem(entries, count, &head);
	if (problem != NULL)
		not_in_base(state, problem);
	return base_pack(entries, count, &head);
}

static struct varlena *
pack_map(CountMap *map)
{
	return base_state_pack((BaseState *) map);
}
