/*
 * rfm_cuts.c
 *	  The aggregate rfm_cuts, and the stored form of its result.
 *
 * The transition state is the type itself. It is written in place, and so its
 * functions only run inside an aggregate; the final function never modifies
 * it, because window frames and other aggregates may continue with it.
 */
#include "compat.h"

#include "utils/datum.h"

#include "rfm/rfm.h"
#include "rfm/rfm_counts.h"
#include "support/agg_group.h"
#include "support/bytes.h"

#define CUTS_HEAD_BYTES 16

const char *const rfm_dimension_names[RFM_DIMENSIONS] = {"recency", "frequency", "monetary"};

void
rfm_check_levels(int levels)
{
	if (levels < RFM_MIN_LEVELS || levels > RFM_MAX_LEVELS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("levels must be between %d and %d, not %d", RFM_MIN_LEVELS, RFM_MAX_LEVELS, levels)));
}

const char *
rfm_cuts_problem(const RfmCuts *cuts)
{
	if (cuts->levels < RFM_MIN_LEVELS || cuts->levels > RFM_MAX_LEVELS)
		return "Levels are out of range";
	if (cuts->customers < 1 || cuts->customers > RFM_MAX_CUSTOMERS)
		return "the number of customers is out of range";

	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		const char *name = rfm_dimension_names[i];
		const double *cut = cuts->cuts[i];
		int different = 1;

		for (int k = 0; k < cuts->levels - 1; k++)
		{
			if (!isfinite(cut[k]))
				return psprintf("%s: a cut is not finite", name);
			if (i != RFM_MONETARY && rint(cut[k]) != cut[k])
				return psprintf("%s: a cut is not whole", name);
			if (k > 0 && (i == RFM_RECENCY ? cut[k] > cut[k - 1] : cut[k] < cut[k - 1]))
				return psprintf("%s: the cuts are not in order", name);
			if (k > 0 && cut[k] != cut[k - 1])
				different++;
		}
		/* Each different cut is some customer's value; beyond the last there may be customers or not. */
		if (cuts->effective_levels[i] != different && cuts->effective_levels[i] != different + 1)
			return psprintf("%s: the effective levels do not fit the cuts", name);
	}
	return NULL;
}

struct varlena *
rfm_cuts_pack(const RfmCuts *cuts)
{
	Size size = VARHDRSZ + CUTS_HEAD_BYTES + RFM_DIMENSIONS * (cuts->levels - 1) * sizeof(double);
	struct varlena *value = palloc0(size);
	uint8 *at = (uint8 *) VARDATA(value);

	Assert(rfm_cuts_problem(cuts) == NULL);
	SET_VARSIZE(value, size);
	at[0] = RFM_CUTS_VERSION;
	at[1] = (uint8) cuts->levels;
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		at[2 + i] = (uint8) cuts->effective_levels[i];
	for (int i = 0; i < 8; i++)
		at[8 + i] = (uint8) (cuts->customers >> (8 * i));
	at += CUTS_HEAD_BYTES;
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		for (int k = 0; k < cuts->levels - 1; k++)
			at = put_float8(at, cuts->cuts[i][k]);
	return value;
}

void
rfm_cuts_read(RfmCuts *cuts, Datum datum)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(datum);

	if (rfm_is_counts(value))
	{
		rfm_counts_finish((RfmCounts *) PG_DETOAST_DATUM(PointerGetDatum(value)), cuts);
		return;
	}

	const uint8 *at = (const uint8 *) VARDATA_ANY(value);
	const uint8 *end = at + VARSIZE_ANY_EXHDR(value);

	if (end - at < CUTS_HEAD_BYTES)
		bytes_end_early();
	if (at[0] != RFM_CUTS_VERSION || at[1] < RFM_MIN_LEVELS || at[1] > RFM_MAX_LEVELS)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unknown version %d or levels %d of stored rfm_cuts", at[0], at[1])));
	cuts->levels = at[1];
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		cuts->effective_levels[i] = at[2 + i];

	uint64 customers = 0;

	for (int i = 0; i < 8; i++)
		customers |= (uint64) at[8 + i] << (8 * i);
	cuts->customers = (int64) customers;
	at += CUTS_HEAD_BYTES;
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		for (int k = 0; k < cuts->levels - 1; k++)
			cuts->cuts[i][k] = get_float8(&at, end);
}

static void
require_aggregate(FunctionCallInfo fcinfo, const char *function)
{
	if (!AggCheckCallContext(fcinfo, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s can only be called by an aggregate", function)));
}

/* A state in this argument, which the caller knows is not NULL. */
static RfmCounts *
counts_argument(FunctionCallInfo fcinfo, int argno)
{
	struct varlena *value = PG_GETARG_VARLENA_P(argno);

	if (!rfm_is_counts(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("final rfm_cuts cannot be aggregated further"),
				 errhint("Cut points do not contain the counts of values: aggregate the customers again.")));
	return (RfmCounts *) value;
}

static void
levels_differ(int levels, int other_levels)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("levels must be the same for all customers, not both %d and %d", Min(levels, other_levels),
					Max(levels, other_levels))));
}

/*
 * What an aggregate without our final function leaves may be stored. There the state is an
 * expanded object around the counts, whose stored form depends on the customers only.
 */
typedef struct StoredCounts
{
	GrowingState head;
	RfmCounts *counts; /* in the memory context of the state */
} StoredCounts;

static struct varlena *
pack_counts(GrowingState *state)
{
	return (struct varlena *) rfm_counts_canonical(((StoredCounts *) state)->counts);
}

/* The state in the first argument, or a new one with counts of its own: those of a value, or none. */
static StoredCounts *
stored_argument(FunctionCallInfo fcinfo, int levels)
{
	StoredCounts *state = PG_ARGISNULL(0) ? NULL : agg_state_to_write(PG_GETARG_DATUM(0));

	if (state != NULL)
		return state;
	state = agg_state_make(sizeof(StoredCounts), pack_counts, agg_state_parent(fcinfo));

	MemoryContext caller = MemoryContextSwitchTo(agg_state_context(&state->head));

	state->counts = PG_ARGISNULL(0)
		? rfm_counts_make(levels)
		: (RfmCounts *) DatumGetPointer(datumCopy(PointerGetDatum(counts_argument(fcinfo, 0)), false, -1));
	MemoryContextSwitchTo(caller);
	return state;
}

static void
refuse_other_levels(const RfmCounts *counts, int levels)
{
	if (counts->levels != levels)
		levels_differ(counts->levels, levels);
}

/* Adds a customer, or all of other counts, to a state that may be stored. */
static Datum
stored_add(FunctionCallInfo fcinfo, int levels, const double *values, const RfmCounts *other)
{
	StoredCounts *state = stored_argument(fcinfo, levels);
	MemoryContext caller = MemoryContextSwitchTo(agg_state_context(&state->head));
	RfmCounts *old = state->counts;

	refuse_other_levels(old, levels);
	state->counts = values != NULL ? rfm_counts_add(old, values) : rfm_counts_merge(old, other);
	if (state->counts != old)
		pfree(old);
	MemoryContextSwitchTo(caller);
	return agg_state_result(fcinfo, &state->head);
}

/*
 * Counts one customer. One of unknown recency or frequency is left out; where the monetary
 * value is unknown, NaN or infinite, the others count.
 */
AGG_FUNCTION_INFO_V1(rfm_cuts_add);
static Datum
rfm_cuts_add_in_group(PG_FUNCTION_ARGS)
{
	int levels = RFM_DEFAULT_LEVELS;

	require_aggregate(fcinfo, "rfm_cuts_add");
	if (PG_NARGS() > 4)
	{
		if (PG_ARGISNULL(4))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("levels must be between %d and %d, not NULL", RFM_MIN_LEVELS, RFM_MAX_LEVELS)));
		levels = PG_GETARG_INT32(4);
		rfm_check_levels(levels);
	}

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return agg_state_unchanged(fcinfo);

	const double values[RFM_DIMENSIONS] = {
		[RFM_RECENCY] = PG_GETARG_INT32(1),
		[RFM_FREQUENCY] = (double) PG_GETARG_INT64(2),
		[RFM_MONETARY] = PG_ARGISNULL(3) ? NAN : PG_GETARG_FLOAT8(3),
	};

	if (!aggregate_finishes(fcinfo))
		return stored_add(fcinfo, levels, values, NULL);

	RfmCounts *counts = PG_ARGISNULL(0) ? rfm_counts_make(levels) : counts_argument(fcinfo, 0);

	refuse_other_levels(counts, levels);
	PG_RETURN_POINTER(rfm_counts_add(counts, values));
}

/* Combines partial aggregates. */
AGG_FUNCTION_INFO_V1(rfm_cuts_merge);
static Datum
rfm_cuts_merge_in_group(PG_FUNCTION_ARGS)
{
	require_aggregate(fcinfo, "rfm_cuts_merge");
	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);

	RfmCounts *other = counts_argument(fcinfo, 1);

	if (!aggregate_finishes(fcinfo))
		return stored_add(fcinfo, other->levels, NULL, other);
	/* The executor copies the result into the aggregate's memory. */
	if (PG_ARGISNULL(0))
		PG_RETURN_POINTER(other);

	RfmCounts *counts = counts_argument(fcinfo, 0);

	refuse_other_levels(counts, other->levels);
	PG_RETURN_POINTER(rfm_counts_merge(counts, other));
}

/* The cut points of the customers counted. */
AGG_FUNCTION_INFO_V1(rfm_cuts_final);
static Datum
rfm_cuts_final_in_group(PG_FUNCTION_ARGS)
{
	RfmCuts cuts;

	rfm_cuts_read(&cuts, PG_GETARG_DATUM(0));
	PG_RETURN_POINTER(rfm_cuts_pack(&cuts));
}
