/*
 * sample.c
 *	  A sample of customers that is the same at any time and on every server.
 *
 * Whether a customer is in it depends on their id alone: by its hash, which is compared
 * with the share. So a larger share has all customers of a smaller one, a customer's rows
 * are all in or all out, and each server of several finds its own part.
 *
 * The id is hashed, not the history: customers with equal histories would be in together
 * or out together, and a fit to them would be far less precise than their number says.
 */
#include "compat.h"

#include <math.h>

#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "support/args.h"

/* The hash as a number from 0 to 1, below which a share of all customers are. */
static bool
hash_is_below(uint64 hash, double share)
{
	return ldexp((double) (hash >> 11), -53) < share;
}

#define SHARE_HINT "It is the share of customers that are in the sample, 0.01 for one in a hundred."

/* in_sample(customer_id bigint, share, seed) → boolean */
PG_FUNCTION_INFO_V1(in_sample_bigint);
Datum
in_sample_bigint(PG_FUNCTION_ARGS)
{
	double share = share_argument(fcinfo, 1, "share", SHARE_HINT);
	uint64 hash = DatumGetUInt64(DirectFunctionCall2(hashint8extended, PG_GETARG_DATUM(0), PG_GETARG_DATUM(2)));

	PG_RETURN_BOOL(hash_is_below(hash, share));
}

/* in_sample(customer_id text, share, seed) → boolean: by its UTF-8, whatever the collation */
PG_FUNCTION_INFO_V1(in_sample_text);
Datum
in_sample_text(PG_FUNCTION_ARGS)
{
	double share = share_argument(fcinfo, 1, "share", SHARE_HINT);
	size_t bytes;
	const uint8 *id = utf8_text_argument(fcinfo, 0, &bytes);
	uint64 hash = hash_bytes_extended(id, (int) bytes, (uint64) PG_GETARG_INT64(2));

	PG_RETURN_BOOL(hash_is_below(hash, share));
}
