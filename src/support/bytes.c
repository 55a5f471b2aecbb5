/*
 * bytes.c
 *	  Multi-byte integers, and the errors for corrupt stored bytes.
 */
#include "compat.h"

#include <math.h>

#include "libpq/pqformat.h"

#include "support/bytes.h"

void
bytes_end_early(void)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("stored customer_centric value is truncated")));
}

uint64
get_long_varint(const uint8 **at, const uint8 *end)
{
	const uint8 *byte = *at;
	uint64 number = 0;

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
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("invalid binary form of type %s", type),
			 errdetail("Problem: %s.", problem)));
}

double
receive_float8(StringInfo in)
{
	double number = pq_getmsgfloat8(in);

	return isnan(number) ? NAN : number + 0.0;
}

bool
receive_flag(StringInfo in, const char *type)
{
	int flag = pq_getmsgbyte(in);

	if (flag > 1)
		bytes_malformed(type, "a flag is neither 0 nor 1");
	return flag != 0;
}
