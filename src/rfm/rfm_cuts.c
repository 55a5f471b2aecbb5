/*
 * rfm_cuts.c
 *	  The aggregate rfm_cuts, and the stored form of what it finds.
 *
 * The transition state is the type itself. It is written in place, and so its
 * functions only run inside an aggregate; the final function never touches it,
 * because window frames and other aggregates may go on with it.
 */
#include "compat.h"

#include "rfm/rfm.h"
#include "rfm/rfm_counts.h"
#include "value/bytes.h"

#define CUTS_HEAD_BYTES 16

const char *const rfm_dimension_names[RFM_DIMENSIONS] = {"recency", "frequency", "monetary"};

void
rfm_check_levels(int levels)
{
	if (levels < RFM_MIN_LEVELS || levels > RFM_MAX_LEVELS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("levels must be from %d to %d, not %d",
						RFM_MIN_LEVELS, RFM_MAX_LEVELS, levels)));
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
		int			different = 1;

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
	Size		size = VARHDRSZ + CUTS_HEAD_BYTES +
		RFM_DIMENSIONS * (cuts->levels - 1) * sizeof(double);
	struct varlena *value = palloc0(size);
	uint8	   *at = (uint8 *) VARDATA(value);

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

	uint64		customers = 0;

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
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s can only be called by an aggregate", function)));
}

/* A state in this argument, which the caller knows is not NULL. */
static RfmCounts *
counts_argument(FunctionCallInfo fcinfo, int place)
{
	struct varlena *value = PG_GETARG_VARLENA_P(place);

	if (!rfm_is_counts(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("finished rfm_cuts cannot be continued"),
				 errhint("Cut points do not tell how many customers have which value: aggregate the customers again.")));
	return (RfmCounts *) value;
}

static void
levels_differ(int levels, int other_levels)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("levels must be the same for all customers, not both %d and %d",
					Min(levels, other_levels), Max(levels, other_levels))));
}

/*
 * Counts one customer. A customer of whom something is not known is left out,
 * and so is one whose monetary value is NaN or infinite.
 */
PG_FUNCTION_INFO_V1(rfm_cuts_add);
Datum
rfm_cuts_add(PG_FUNCTION_ARGS)
{
	int			levels = RFM_DEFAULT_LEVELS;

	require_aggregate(fcinfo, "rfm_cuts_add");
	if (PG_NARGS() > 4)
	{
		if (PG_ARGISNULL(4))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("levels must be from %d to %d, not NULL", RFM_MIN_LEVELS, RFM_MAX_LEVELS)));
		levels = PG_GETARG_INT32(4);
		rfm_check_levels(levels);
	}

	bool		known = !PG_ARGISNULL(1) && !PG_ARGISNULL(2) && !PG_ARGISNULL(3);
	double		values[RFM_DIMENSIONS] = {0};

	if (known)
	{
		values[RFM_RECENCY] = PG_GETARG_INT32(1);
		values[RFM_FREQUENCY] = (double) PG_GETARG_INT64(2);
		values[RFM_MONETARY] = PG_GETARG_FLOAT8(3);
	}
	if (!known || !rfm_counted(values))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}

	RfmCounts  *counts = PG_ARGISNULL(0) ? rfm_counts_make(levels) : counts_argument(fcinfo, 0);

	if (counts->levels != levels)
		levels_differ(counts->levels, levels);
	PG_RETURN_POINTER(rfm_counts_add(counts, values));
}

/* Combines partial aggregates. */
PG_FUNCTION_INFO_V1(rfm_cuts_merge);
Datum
rfm_cuts_merge(PG_FUNCTION_ARGS)
{
	require_aggregate(fcinfo, "rfm_cuts_merge");
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}

	RfmCounts  *other = counts_argument(fcinfo, 1);

	/* The executor copies what it is given into the aggregate's memory. */
	if (PG_ARGISNULL(0))
		PG_RETURN_POINTER(other);

	RfmCounts  *counts = counts_argument(fcinfo, 0);

	if (counts->levels != other->levels)
		levels_differ(counts->levels, other->levels);
	PG_RETURN_POINTER(rfm_counts_merge(counts, other));
}

/* The cut points of the customers counted. */
PG_FUNCTION_INFO_V1(rfm_cuts_final);
Datum
rfm_cuts_final(PG_FUNCTION_ARGS)
{
	RfmCuts		cuts;

	rfm_cuts_read(&cuts, PG_GETARG_DATUM(0));
	PG_RETURN_POINTER(rfm_cuts_pack(&cuts));
}
