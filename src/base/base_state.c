/*
 * base_state.c
 *	  The growing map of a customer base.
 */
#include "compat.h"

#include <float.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/base_state.h"

/*
 * So many entries can be read back from text: the server's JSON arrays hold
 * 256 MB, and a cell takes 60 bytes there. Twenty million customers in two years
 * of orders have about as many.
 */
#define MAX_ENTRIES 4000000

static struct varlena *pack_tally(Tally *tally);
static void bin_spends(Tally *tally);

const TallyType base_tally = {
	.name = "customer_base",
	.most = MAX_ENTRIES,
	.counted = "customers",
	.hint = "Build one base per region or cohort.",
	.pack = pack_tally,
	.settled = bin_spends
};

BaseState *
base_state_make(MemoryContext parent)
{
	BaseState  *state = tally_make(&base_tally, sizeof(BaseState), parent);

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
				 errmsg("customers with %d covariates cannot be added to customers with %d",
						covariates, state->head.covariates),
				 errhint("All customers of a base have the same covariates, in the same order.")));
	state->shaped = true;
	state->head.period = period;
	state->head.covariates = covariates;
}

/* Adds customers with the same spend to the sums of their bin. */
static void
add_to_bin(BaseEntry *sums, double spend, int64 customers)
{
	double		deviation = spend / base_bin_centre(entry_bin(sums)) - 1;
	double		power = BASE_MOMENT_SCALE;
	int64		sum = customers;

	for (int k = 0; k < BASE_MOMENTS; k++)
	{
		if (k > 0 && pg_mul_s64_overflow((int64) rint(power *= deviation), customers, &sum))
			tally_out_of_range(&base_tally);
		if (pg_add_s64_overflow(sums[k].value, sum, &sums[k].value))
			tally_out_of_range(&base_tally);
	}
}

/*
 * The bins of sorted entries of exact spend, in order, with zeros among their
 * sums. There may be as many bins as entries.
 */
static BaseEntry *
bins_of(const BaseEntry *spends, uint32 n_spends, uint32 *n_sums)
{
	BaseEntry  *sums = MemoryContextAllocHuge(CurrentMemoryContext, (Size) n_spends * BASE_MOMENTS * sizeof(BaseEntry));
	BaseEntry  *last = NULL;

	*n_sums = 0;
	for (uint32 i = 0; i < n_spends; i++)
	{
		double		spend = Max(spend_of(&spends[i]), DBL_MIN);
		uint32		bin = base_bin(spend);
		uint64		group = base_group(BASE_SPEND_BIN, 0, entry_x(&spends[i]));

		CHECK_FOR_INTERRUPTS();
		if (last == NULL || last->group != group || entry_bin(last) != bin)
		{
			last = &sums[*n_sums];
			for (int k = 0; k < BASE_MOMENTS; k++)
				sums[(*n_sums)++] = (BaseEntry) {group, bin_detail(bin, k), 0};
		}
		add_to_bin(last, spend, spends[i].value);
	}
	return sums;
}

/* Replaces exact spend by bins, where there is too much of it or some is in bins already. */
static void
bin_spends(Tally *tally)
{
	const BaseEntry *end = tally->entries + tally->used;
	BaseEntry  *spends = (BaseEntry *) tally_find(tally->entries, tally->used, base_group(BASE_SPEND, 0, 0), 0);
	const BaseEntry *after = tally_find(spends, end - spends, base_group(BASE_SPEND + 1, 0, 0), 0);
	uint32		n_spends = after - spends;
	uint32		n_sums;

	if (n_spends == 0 ||
		(n_spends <= BASE_MAX_SPENDS && (after == end || entry_kind(after) != BASE_SPEND_BIN)))
		return;

	BaseEntry  *sums = bins_of(spends, n_spends, &n_sums);

	memmove(spends, after, (end - after) * sizeof(BaseEntry));
	tally->settled = tally->used -= n_spends;
	for (uint32 i = 0; i < n_sums; i++)
		tally_add(tally, sums[i].group, sums[i].detail, sums[i].value);
	pfree(sums);
}

/*
 * Adds an entry of another base, whose classes have these numbers here (NULL:
 * there are no covariates).
 */
static void
merge_entry(BaseState *state, const BaseEntry *entry, const uint32 *classes)
{
	uint64		group = entry->group;

	if (entry_kind(entry) == BASE_COVARIATE)
		return;					/* classes are merged first */
	if (entry_kind(entry) == BASE_TIMING && classes != NULL)
		group = base_group(BASE_TIMING, classes[entry_class(entry)], entry_x(entry));
	tally_add(&state->tally, group, entry->detail, entry->value);
}

/* Finds, or makes, the classes with the covariates of another base: their numbers here. */
static uint32 *
merge_classes(BaseState *state, Datum other)
{
	uint32		count;
	double	   *covariates = base_covariates(other, &count);
	uint32	   *classes = palloc_array(uint32, Max(1, count));

	for (uint32 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		classes[i] = base_state_class(state, covariates + (Size) i * state->head.covariates);
	}
	pfree(covariates);
	return classes;
}

void
base_state_merge(BaseState *state, Datum other)
{
	Datum		base = PointerGetDatum(tally_stored(other));
	BaseReader	reader;
	uint32	   *classes = NULL;

	base_open(&reader, base);
	state->head.until = Max(state->head.until, reader.head.until);
	tally_make_room(&state->tally, reader.left);
	for (bool first = true; base_next(&reader); first = false)
	{
		CHECK_FOR_INTERRUPTS();
		/* Timing comes first, if there is any. */
		if (first && entry_kind(&reader.entry) == BASE_TIMING)
		{
			base_state_shape(state, reader.head.period, reader.head.covariates);
			if (state->head.covariates > 0)
				classes = merge_classes(state, base);
		}
		merge_entry(state, &reader.entry, classes);
	}
}

/* Bases together may count more customers than one that is read. */
static void
check_customers(const Tally *tally)
{
	double		customers = 0;

	for (uint32 i = 0; i < tally->used && entry_kind(&tally->entries[i]) == BASE_TIMING; i++)
	{
		CHECK_FOR_INTERRUPTS();
		customers += (double) tally->entries[i].value;
	}
	if (customers > BASE_MAX_CUSTOMERS)
		tally_out_of_range(&base_tally);
}

struct varlena *
base_state_pack(BaseState *state)
{
	const Tally *tally = &state->tally;

	tally_settle(&state->tally);
	check_customers(tally);
	if (state->head.covariates == 0)
		return base_pack(tally->entries, tally->used, &state->head);

	/* The state goes on with its own numbers of the classes. */
	uint32		n_classes = base_state_classes(state);
	uint32		n_entries = tally->used;
	BaseEntry  *entries = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(BaseEntry) *
												 (n_entries + (Size) n_classes * state->head.covariates));

	memcpy(entries, tally->entries, n_entries * sizeof(BaseEntry));
	base_order_classes(state->covariates, n_classes, state->head.covariates, entries, &n_entries);

	struct varlena *result = base_pack(entries, n_entries, &state->head);

	pfree(entries);
	return result;
}

static struct varlena *
pack_tally(Tally *tally)
{
	return base_state_pack((BaseState *) tally);
}
