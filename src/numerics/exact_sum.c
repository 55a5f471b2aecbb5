/*
 * exact_sum.c
 *	  Exact sums: carry propagation, and rounding to doubles.
 */
#include "numerics/exact_sum.h"

#include <math.h>

void
exact_sum_settle(ExactSum *sum)
{
	int64_t carry = 0;

	for (int i = 0; i < EXACT_SUM_CHUNKS - 1; i++)
	{
		int64_t chunk = sum->chunk[i] + carry;

		sum->chunk[i] = chunk & UINT32_MAX;
		carry = (chunk - sum->chunk[i]) / (INT64_C(1) << 32);
	}
	sum->chunk[EXACT_SUM_CHUNKS - 1] += carry;
}

void
exact_sum_merge(ExactSum *sum, const ExactSum *other)
{
	for (int i = 0; i < EXACT_SUM_CHUNKS; i++)
		sum->chunk[i] += other->chunk[i];
	exact_sum_settle(sum);
}

/*
 * The 64 bits of a positive normalised sum from its highest set bit on; the
 * last one is sticky: set if any lower bit is.
 */
static double
round_positive(const ExactSum *sum)
{
	int top = EXACT_SUM_CHUNKS - 1;
	uint64_t bits = 0;
	int missing = 64;
	int i;

	while (top > 0 && sum->chunk[top] == 0)
		top--;
	for (i = top; i >= 0 && missing > 0; i--)
	{
		uint64_t chunk = (uint64_t) sum->chunk[i];
		int width = 32;

		if (i == top)
			while (width > 0 && chunk >> (width - 1) == 0)
				width--;
		if (width > missing)
		{
			int cut = width - missing;

			bits = bits << missing | chunk >> cut;
			if ((chunk & ((UINT64_C(1) << cut) - 1)) != 0)
				bits |= 1;
			missing = 0;
		}
		else
		{
			bits = width < 64 ? bits << width | chunk : chunk;
			missing -= width;
		}
	}

	int below = i + 1; /* chunks entirely below these bits */

	for (int j = 0; j < below; j++)
		if (sum->chunk[j] != 0)
			bits |= 1;

	/* The lowest bit stands for 2^(place - 1074). */
	int place = 0;

	if (missing == 0)
	{
		int width = 0;

		while (width < 32 && (uint64_t) sum->chunk[top] >> width != 0)
			width++;
		place = 32 * top + width - 64;
	}
	return ldexp((double) bits, place - 1074);
}

double
exact_sum_value(ExactSum *sum)
{
	exact_sum_settle(sum);
	if (sum->chunk[EXACT_SUM_CHUNKS - 1] >= 0)
		return round_positive(sum);

	ExactSum negated;

	for (int i = 0; i < EXACT_SUM_CHUNKS; i++)
		negated.chunk[i] = -sum->chunk[i];
	exact_sum_settle(&negated);
	return -round_positive(&negated);
}

int
exact_sum_parts(ExactSum *sum, double parts[EXACT_SUM_MAX_PARTS])
{
	ExactSum rest;
	int count = 0;

	exact_sum_settle(sum);
	rest = *sum;
	while (count < EXACT_SUM_MAX_PARTS)
	{
		double part = exact_sum_value(&rest);

		if (part == 0.0)
			break;
		parts[count++] = part;
		exact_sum_add(&rest, -part);
	}
	return count;
}
