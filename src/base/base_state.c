/*
 * base_state.c
 *	  The growing map of a customer base.
 *
 * A key that is present is added to in place; a table that gets too full is
 * replaced by one of twice the size, which the executor then takes over.
 */
#include "compat.h"

#include <float.h>

#include "common/int.h"
#include "miscadmin.h"

#include "base/base_state.h"

#define INITIAL_SLOTS 32

/*
 * So many entries can be read back from text: the server's JSON arrays hold
 * 256 MB, and a cell takes 60 bytes there. Twenty million customers in two years
 * of orders have about as many.
 */
#define MAX_ENTRIES 4000000


#define ST_SORT sort_entries
#define ST_ELEMENT_TYPE BaseEntry
#define ST_COMPARE(a, b) base_compare(a, b)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

BaseState *
base_state_make(uint32 slots)
{
	Size		size = offsetof(BaseState, entries) + (Size) slots * sizeof(BaseEntry);
	BaseState  *state = palloc0(size);

	SET_VARSIZE(state, size);
	state->mark = BASE_STATE_MARK;
	state->head.until = DATEVAL_NOBEGIN;
	state->slots = slots;
	return state;
}

/*
 * Multiply and shift (Steele and Vigna's mixing function): keys that differ in
 * one bit differ in half of the bits of their hashes.
 */
static inline uint64
hash_key(uint64 group, uint64 detail)
{
	uint64		hash = (group * UINT64CONST(0x9E3779B97F4A7C15)) ^ detail;

	hash = (hash ^ (hash >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	hash = (hash ^ (hash >> 27)) * UINT64CONST(0x94D049BB133111EB);
	return hash ^ (hash >> 31);
}

/*
 * Where to look for a key first. Details that differ in their lowest bits only
 * are neighbours, so that the four sums of a spend bin share a cache line or two.
 */
static inline uint32
first_slot(const BaseState *state, uint64 group, uint64 detail)
{
	uint64		quarter = hash_key(group, detail / BASE_MOMENTS);

	return (uint32) (quarter * BASE_MOMENTS + detail % BASE_MOMENTS) & (state->slots - 1);
}

/* The entry of this key, or the empty one where it belongs. */
static inline BaseEntry *
find_entry(BaseState *state, uint64 group, uint64 detail)
{
	uint32		mask = state->slots - 1;
	uint32		slot = first_slot(state, group, detail);

	while (state->entries[slot].group != 0 &&
		   (state->entries[slot].group != group || state->entries[slot].detail != detail))
		slot = (slot + 1) & mask;
	return &state->entries[slot];
}

static inline void
add_to_value(BaseEntry *entry, int64 value)
{
	if (pg_add_s64_overflow(entry->value, value, &entry->value))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a count in customer_base is out of range")));
}

/* All but the entries and what they are. */
static void
copy_rest(BaseState *state, const BaseState *from)
{
	state->shaped = from->shaped;
	state->head = from->head;
	state->classes = from->classes;
	state->pending = from->pending;
}

/* A larger table with the same entries. */
static BaseState *
grow(BaseState *state)
{
	BaseState  *larger = base_state_make(state->slots * 2);

	CHECK_FOR_INTERRUPTS();
	for (uint32 i = 0; i < state->slots; i++)
		if (state->entries[i].group != 0)
			*find_entry(larger, state->entries[i].group, state->entries[i].detail) = state->entries[i];
	larger->binned = state->binned;
	copy_rest(larger, state);
	larger->used = state->used;
	larger->spends = state->spends;
	return larger;
}

int64
base_state_value(BaseState *state, uint64 group, uint64 detail)
{
	return find_entry(state, group, detail)->value;
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
				 errmsg("customers with %d covariates cannot be added to customers with %d",
						covariates, state->head.covariates),
				 errhint("All customers of a base have the same covariates, in the same order.")));
	state->shaped = true;
	state->head.period = period;
	state->head.covariates = covariates;
}

BaseState *
base_state_add(BaseState *state, uint64 group, uint64 detail, int64 value)
{
	if (value == 0)
		return state;

	BaseEntry  *entry = find_entry(state, group, detail);

	if (entry->group == 0)
	{
		if (state->used >= state->slots / 4 * 3)
		{
			state = grow(state);
			entry = find_entry(state, group, detail);
		}
		if (state->used >= MAX_ENTRIES)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("a customer_base cannot hold more than %d different customers", MAX_ENTRIES),
					 errhint("Build one base per region or cohort.")));
		entry->group = group;
		entry->detail = detail;
		state->used++;
	}
	add_to_value(entry, value);
	return state;
}

BaseState *
base_state_add_soon(BaseState *state, uint64 group, uint64 detail, int64 value)
{
	BaseEntry	previous = state->pending;

#ifdef __GNUC__
	__builtin_prefetch(&state->entries[first_slot(state, group, detail)], 1);
#endif
	state->pending = (BaseEntry) {group, detail, value};
	return base_state_add(state, previous.group, previous.detail, previous.value);
}

/*
 * The bins are 32 to the octave, counted from the smallest normal double; what
 * is less counts as that much. The arithmetic is exact, so that every platform
 * finds the same bin.
 */
#define LOWEST_EXPONENT DBL_MIN_EXP

uint32
base_bin(double spend)
{
	int			exponent;
	double		mantissa = frexp(spend, &exponent);	/* 1/2 <= mantissa < 1 */

	return (uint32) (exponent - LOWEST_EXPONENT) * 32 + (uint32) ((mantissa - 0.5) * 64);
}

double
base_bin_centre(uint32 bin)
{
	return ldexp(0.5 + (bin % 32 + 0.5) / 64, (int) (bin / 32) + LOWEST_EXPONENT);
}

static BaseState *
add_to_bin(BaseState *state, uint32 x, double spend, int64 customers)
{
	spend = Max(spend, DBL_MIN);

	uint32		bin = base_bin(spend);
	double		deviation = spend / base_bin_centre(bin) - 1;
	double		power = deviation * BASE_MOMENT_SCALE;
	uint64		group = base_group(BASE_SPEND_BIN, 0, x);

	state = base_state_add(state, group, bin_detail(bin, 0), customers);
	for (int k = 1; k < BASE_MOMENTS; k++, power *= deviation)
	{
		int64		sum;

		if (pg_mul_s64_overflow((int64) rint(power), customers, &sum))
			sum = PG_INT64_MAX; /* add_to_value will say so */
		state = base_state_add(state, group, bin_detail(bin, k), sum);
	}
	return state;
}

/* Replaces all exact spend by bins. */
static BaseState *
bin_spends(BaseState *state)
{
	BaseState  *binned = base_state_make(state->slots);

	binned->binned = true;
	copy_rest(binned, state);
	CHECK_FOR_INTERRUPTS();
	for (uint32 i = 0; i < state->slots; i++)
	{
		const BaseEntry *entry = &state->entries[i];

		if (entry->group == 0)
			continue;
		if (entry_kind(entry) == BASE_SPEND)
			binned = add_to_bin(binned, entry_x(entry), spend_of(entry), entry->value);
		else
			binned = base_state_add(binned, entry->group, entry->detail, entry->value);
	}
	return binned;
}

BaseState *
base_state_add_spend(BaseState *state, uint32 x, double spend, int64 customers)
{
	if (!state->binned)
	{
		uint32		before = state->used;

		state = base_state_add(state, base_group(BASE_SPEND, 0, x), spend_detail(spend), customers);
		state->spends += state->used - before;
		return state->spends > BASE_MAX_SPENDS ? bin_spends(state) : state;
	}
	return add_to_bin(state, x, spend, customers);
}

/*
 * Adds an entry of another base, whose classes have these numbers here (NULL:
 * there are no covariates).
 */
static BaseState *
merge_entry(BaseState *state, const BaseEntry *entry, const uint32 *classes)
{
	CHECK_FOR_INTERRUPTS();
	switch (entry_kind(entry))
	{
		case BASE_TIMING:
			if (classes != NULL)
				return base_state_add(state, base_group(BASE_TIMING, classes[entry_class(entry)], entry_x(entry)),
									  entry->detail, entry->value);
			break;
		case BASE_SPEND:
			return base_state_add_spend(state, entry_x(entry), spend_of(entry), entry->value);
		case BASE_SPEND_BIN:
			if (!state->binned)
				state = bin_spends(state);
			break;
		case BASE_COVARIATE:
		case BASE_CLASS:
			return state;		/* classes are merged first */
		default:
			break;
	}
	return base_state_add(state, entry->group, entry->detail, entry->value);
}

/* Finds, or makes, the classes with the covariates of another base: their numbers here. */
static BaseState *
merge_classes(BaseState *state, const double *covariates, uint32 count, uint32 **classes)
{
	*classes = NULL;
	if (state->head.covariates == 0)
		return state;

	*classes = palloc_array(uint32, Max(1, count));
	for (uint32 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		state = base_state_class(state, covariates + (Size) i * state->head.covariates, &(*classes)[i]);
	}
	return state;
}

/*
 * A state comes as it is from another process, and need not be packed first.
 * Its entries come in the order of their hashes and fill one stretch of the
 * table after another: unless there is room for all of them from the start,
 * they crowd there, and every search becomes long.
 */
static BaseState *
merge_state(BaseState *state, BaseState *other)
{
	uint32	   *classes = NULL;

	while (state->slots / 4 * 3 < state->used + other->used)
		state = grow(state);
	state->head.until = Max(state->head.until, other->head.until);
	if (other->shaped)
	{
		base_state_shape(state, other->head.period, other->head.covariates);
		state = merge_classes(state, base_state_covariates(other), other->classes, &classes);
	}
	if (other->pending.group != 0)
		state = merge_entry(state, &other->pending, classes);
	for (uint32 i = 0; i < other->slots; i++)
		if (other->entries[i].group != 0)
			state = merge_entry(state, &other->entries[i], classes);
	return state;
}

BaseState *
base_state_merge(BaseState *state, struct varlena *other)
{
	BaseReader	reader;
	uint32	   *classes = NULL;

	if (base_is_state(other))
		return merge_state(state, (BaseState *) PG_DETOAST_DATUM(PointerGetDatum(other)));

	base_open(&reader, PointerGetDatum(other));
	state->head.until = Max(state->head.until, reader.head.until);
	for (bool first = true; base_next(&reader); first = false)
	{
		/* Timing comes first, if there is any. */
		if (first && entry_kind(&reader.entry) == BASE_TIMING)
		{
			uint32		count;
			double	   *covariates = base_covariates(PointerGetDatum(other), &count);

			base_state_shape(state, reader.head.period, reader.head.covariates);
			state = merge_classes(state, covariates, count, &classes);
		}
		state = merge_entry(state, &reader.entry, classes);
	}
	return state;
}

BaseState *
base_state_of(struct varlena *value)
{
	if (value == NULL)
		return base_state_make(INITIAL_SLOTS);
	if (base_is_state(value))
		return (BaseState *) PG_DETOAST_DATUM(PointerGetDatum(value));
	return base_state_merge(base_state_make(INITIAL_SLOTS), value);
}

/* Sums up the values of equal keys that lie side by side, and leaves out what comes to zero. */
static uint32
sum_up(BaseEntry *entries, uint32 count)
{
	uint32		kept = 0;

	for (uint32 i = 0; i < count; i++)
	{
		if (kept > 0 && entries[kept - 1].group == entries[i].group &&
			entries[kept - 1].detail == entries[i].detail)
			add_to_value(&entries[kept - 1], entries[i].value);
		else
			entries[kept++] = entries[i];
		/* Sums of odd powers can cancel: an entry of zero says nothing. */
		if (entries[kept - 1].value == 0)
			kept--;
	}
	return kept;
}

/* The entries of a state, sorted, each key once, classes numbered as in the stored form. */
static BaseEntry *
sorted_entries(BaseState *state, uint32 *count)
{
	BaseEntry  *entries = MemoryContextAllocHuge(CurrentMemoryContext,
												 (state->used + 1) * sizeof(BaseEntry));

	*count = 0;
	if (state->pending.group != 0)
		entries[(*count)++] = state->pending;
	for (uint32 i = 0; i < state->slots; i++)
		if (state->entries[i].group != 0 && entry_kind(&state->entries[i]) != BASE_CLASS)
			entries[(*count)++] = state->entries[i];
	if (state->classes > 1)
		base_renumber_classes(state, entries, *count);
	sort_entries(entries, *count);
	*count = sum_up(entries, *count);
	return entries;
}

struct varlena *
base_state_pack(BaseState *state)
{
	uint32		count;
	BaseEntry  *entries = sorted_entries(state, &count);
	BaseHead	head = {.until = state->head.until};

	if (state->shaped)
		head = state->head;

	struct varlena *result = base_pack(entries, count, &head);

	pfree(entries);
	return result;
}
