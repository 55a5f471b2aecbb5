/*
 * sums.c
 *	  Stored, text and binary forms of exact sums.
 */
#include "compat.h"

#include <math.h>

#include "libpq/pqformat.h"

#include "support/bytes.h"
#include "support/sums.h"

/* Parts are at most this large, so that no sum of them is infinite. */
#define LARGEST_PART 1e300

uint8 *
put_exact_sum(uint8 *at, ExactSum *sum)
{
	double parts[EXACT_SUM_MAX_PARTS];
	int count = exact_sum_parts(sum, parts);

	*at++ = (uint8) count;
	for (int i = 0; i < count; i++)
		at = put_float8(at, parts[i]);
	return at;
}

void
get_exact_sum(const uint8 **at, const uint8 *end, ExactSum *sum)
{
	int count;

	if (*at >= end)
		bytes_end_early();
	count = *(*at)++;
	memset(sum, 0, sizeof(*sum));
	for (int i = 0; i < count; i++)
		exact_sum_add(sum, get_float8(at, end));
	exact_sum_settle(sum);
}

void
json_append_exact_sum(StringInfo out, ExactSum *sum)
{
	double parts[EXACT_SUM_MAX_PARTS];

	json_append_floats(out, parts, exact_sum_parts(sum, parts));
}

bool
json_read_exact_sum(JsonInput *in, JsonbContainer *object, const char *key, ExactSum *sum)
{
	JsonbContainer *array;

	memset(sum, 0, sizeof(*sum));
	if (!json_array_member(in, object, key, true, &array))
		return false;
	if (array == NULL)
		return true;
	if (JsonContainerSize(array) > EXACT_SUM_MAX_PARTS)
		return json_fail(in, "\"%s\" must have at most %d parts.", key, EXACT_SUM_MAX_PARTS);
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		double part;

		if (!json_read_float(in, getIthJsonbValueFromContainer(array, i), key, &part))
			return false;
		if (fabs(part) > LARGEST_PART)
			return json_fail(in, "\"%s\" is out of range.", key);
		exact_sum_add(sum, part);
	}
	exact_sum_settle(sum);
	return true;
}

void
send_exact_sum(StringInfo out, ExactSum *sum)
{
	double parts[EXACT_SUM_MAX_PARTS];
	int count = exact_sum_parts(sum, parts);

	pq_sendbyte(out, count);
	for (int i = 0; i < count; i++)
		pq_sendfloat8(out, parts[i]);
}

void
receive_exact_sum(StringInfo in, const char *type, ExactSum *sum)
{
	int count = pq_getmsgbyte(in);

	if (count > EXACT_SUM_MAX_PARTS)
		bytes_malformed(type, "a sum has too many parts");
	memset(sum, 0, sizeof(*sum));
	for (int i = 0; i < count; i++)
	{
		double part = pq_getmsgfloat8(in);

		if (!(fabs(part) <= LARGEST_PART))
			bytes_malformed(type, "a sum is out of range");
		exact_sum_add(sum, part);
	}
	exact_sum_settle(sum);
}
