/*
 * in_part.c
 *	  Customers in parts, of which each may be read by a process of its own.
 */
#include "compat.h"

#include "fmgr.h"

/*
 * in_part(hash, part, parts) → boolean: whether a hash falls into this part, of 0 to parts - 1, of all values in order.
 * It is a function so that the planner takes a part of the rows for what it is, more than a few: of a plain
 * comparison for equality it expects one row in two hundred.
 */
PG_FUNCTION_INFO_V1(in_part);
Datum
in_part(PG_FUNCTION_ARGS)
{
	uint64 hash = (uint32) PG_GETARG_INT32(0);
	int32 parts = PG_GETARG_INT32(2);

	if (parts < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("parts must be at least 1, but is %d", parts),
				 errhint("It is the number of parts that there are.")));
	PG_RETURN_BOOL((int64) (hash * (uint32) parts >> 32) == PG_GETARG_INT32(1));
}
