/*
 * bytes.c
 *	  What happens when stored bytes are not what was stored.
 */
#include "compat.h"

#include "value/bytes.h"

void
bytes_end_early(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("stored customer_centric value ends too early")));
}

void
bytes_malformed(const char *type, const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid binary form of type %s", type),
			 errdetail("Problem: %s.", problem)));
}
