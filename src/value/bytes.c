/*
 * bytes.c
 *	  Numbers of many bytes, and what happens when stored bytes are not what was
 *	  stored.
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

uint64
get_long_varint(const uint8 **at, const uint8 *end)
{
	const uint8 *byte = *at;
	uint64		number = 0;

	for (int shift = 0;; shift += 7)
	{
		if (unlikely(byte >= end || shift > 63))
			bytes_end_early();
		number |= (uint64) (*byte & 0x7f) << shift;
		if (*byte++ < 0x80)
			break;
	}
	*at = byte;
	return number;
}

void
bytes_malformed(const char *type, const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid binary form of type %s", type),
			 errdetail("Problem: %s.", problem)));
}
