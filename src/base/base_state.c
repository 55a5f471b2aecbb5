/*
 * base_state.c
 *	  The growing map of a customer base.
 */
#include "compat.h"

#include <float.h>

#include "miscadmin.h"

#include "base/base_state.h"

#define INITIAL_SLOTS 32

/*
 * So many entries can be read back from text: the server's JSON arrays hold
 * 256 MB, and a cell takes 60 bytes there. Twenty million customers in two years
 * of orders have about as many.
 */
#define MAX_ENTRIES 4000000

const TallyType base_tally = {
	.name = "customer_base",
	.table = offsetof(BaseState, entries),
	.most = MAX_ENTRIES,
	.counted = "customers",
	.hint = "Build one base per region or cohort."
};

BaseState *
base_state_make(uint32 slots)
{
	BaseState  *state = (BaseState *) tally_make(&base_tally, slots);

	state->head.until = DATEVAL_NOBEGIN;
	return state;
}

int64
base_state_value(BaseState *state, uint64 group, uint64 detail)
{
	return tally_value(&base_tally, &state->tally, group, detail);
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
	return (BaseState *) tally_add(&base_tally, &state->tally, group, detail, value);
}

BaseState *
base_state_add_soon(BaseState *state, uint64 group, uint64 detail, int64 value)
{
	return (BaseState *) tally_add_soon(&base_tally, &state->tally, group, detail, value);
}

BaseState *
base_state_add_gap(BaseState *state, uint32 gap, int64 times)
{
	if (gap >= BASE_SHORT_GAPS)
		return base_state_add(state, base_group(BASE_GAP, 0, 0), gap, times);
	if (pg_add_s64_overflow(state->short_gaps[gap], times, &state->short_gaps[gap]))
		tally_out_of_range(&base_tally);
	return state;
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

/* The sums of a bin that is there, if they lie side by side, as they do unless another key came between; or NULL. */
static BaseEntry *
find_bin(BaseState *state, uint64 group, uint64 detail)
{
	BaseEntry  *sums = tally_find(&base_tally, &state->tally, group, detail);

	if (sums + BASE_MOMENTS > state->entries + state->tally.slots)
		return NULL;
	for (int k = 0; k < BASE_MOMENTS; k++)
		if (sums[k].group != group || sums[k].detail != detail + k)
			return NULL;
	return sums;
}

static BaseState *
add_to_bin(BaseState *state, uint32 x, double spend, int64 customers)
{
	spend = Max(spend, DBL_MIN);

	uint32		bin = base_bin(spend);
	double		deviation = spend / base_bin_centre(bin) - 1;
	double		power = BASE_MOMENT_SCALE;
	uint64		group = base_group(BASE_SPEND_BIN, 0, x);
	BaseEntry  *there = find_bin(state, group, bin_detail(bin, 0));
	int64		sum = customers;

	for (int k = 0; k < BASE_MOMENTS; k++)
	{
		if (k > 0 && pg_mul_s64_overflow((int64) rint(power *= deviation), customers, &sum))
			sum = PG_INT64_MAX; /* the addition will say so */
		if (there != NULL)
			tally_add_to_value(&base_tally, &there[k], sum);
		else
			state = base_state_add(state, group, bin_detail(bin, k), sum);
	}
	return state;
}

/* Replaces all exact spend by bins. */
static BaseState *
bin_spends(BaseState *state)
{
	BaseState  *binned = (BaseState *) tally_emptied(&base_tally, &state->tally);

	binned->binned = true;
	binned->spends = 0;
	CHECK_FOR_INTERRUPTS();
	for (uint32 i = 0; i < state->tally.slots; i++)
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
		uint32		before = state->tally.used;

		state = base_state_add(state, base_group(BASE_SPEND, 0, x), spend_detail(spend), customers);
		state->spends += state->tally.used - before;
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
		case BASE_GAP:
			return base_state_add_gap(state, (uint32) entry->detail, entry->value);
		case BASE_LEFT_OUT:
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

	state = (BaseState *) tally_make_room(&base_tally, &state->tally, other->tally.used);
	state->head.until = Max(state->head.until, other->head.until);
	if (other->shaped)
	{
		base_state_shape(state, other->head.period, other->head.covariates);
		state = merge_classes(state, base_state_covariates(other), other->classes, &classes);
	}
	for (uint32 gap = 0; gap < BASE_SHORT_GAPS; gap++)
		state = base_state_add_gap(state, gap, other->short_gaps[gap]);
	if (other->tally.pending.group != 0)
		state = merge_entry(state, &other->tally.pending, classes);
	for (uint32 i = 0; i < other->tally.slots; i++)
		if (other->entries[i].group != 0)
			state = merge_entry(state, &other->entries[i], classes);
	return state;
}

BaseState *
base_state_merge(BaseState *state, struct varlena *other)
{
	BaseReader	reader;
	uint32	   *classes = NULL;

	if (tally_is_state(other))
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
	if (tally_is_state(value))
		return (BaseState *) PG_DETOAST_DATUM(PointerGetDatum(value));
	return base_state_merge(base_state_make(INITIAL_SLOTS), value);
}

/* The entries of a state, sorted, classes numbered as in the stored form. */
static BaseEntry *
sorted_entries(BaseState *state, uint32 *count)
{
	BaseEntry  *entries = tally_entries(&base_tally, &state->tally, count);

	entries = repalloc_huge(entries, ((Size) *count + BASE_SHORT_GAPS) * sizeof(BaseEntry));
	for (uint32 gap = 0; gap < BASE_SHORT_GAPS; gap++)
		if (state->short_gaps[gap] != 0)
			entries[(*count)++] = (BaseEntry) {base_group(BASE_GAP, 0, 0), gap, state->short_gaps[gap]};
	if (state->classes > 1)
		base_renumber_classes(state, entries, *count);
	*count = tally_sort(&base_tally, entries, *count);
	/* These come last, and are the state's own. */
	while (*count > 0 && entry_kind(&entries[*count - 1]) == BASE_CLASS)
		(*count)--;
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
