/*
 * exact_sum.h
 *	  Sums without any rounding: the same terms in any order, split in any way,
 *	  give the same sum to the last bit.
 *
 * The sum is a whole number of 2^-1074, the smallest positive double, kept in
 * chunks of 32 bits (a superaccumulator: Neal, "Fast exact summation using
 * small and large superaccumulators", 2015). A chunk is 64 bits wide, so that
 * carries can wait for EXACT_SUM_UNSETTLED additions.
 */
#ifndef NUMERICS_EXACT_SUM_H
#define NUMERICS_EXACT_SUM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* All bits of a finite double, and space for the carries of 2^64 of them. */
#define EXACT_SUM_CHUNKS 69

/* So many terms, or products, may be added before exact_sum_settle. */
#define EXACT_SUM_UNSETTLED (1u << 27)

/* The maximum number of doubles that represent a sum. */
#define EXACT_SUM_MAX_PARTS 42

/* {0} is an empty sum. */
typedef struct ExactSum
{
	int64_t chunk[EXACT_SUM_CHUNKS];
} ExactSum;

/* A finite double is mantissa * 2^(place - 1074), or minus that. */
typedef struct BinaryFloat
{
	uint64_t mantissa;
	int place;
	bool negative;
} BinaryFloat;

static inline BinaryFloat
binary_float(double number)
{
	uint64_t bits;
	int exponent;

	memcpy(&bits, &number, sizeof(bits));
	exponent = (int) (bits >> 52) & 0x7ff;
	return (BinaryFloat){
		.mantissa = (bits & ((UINT64_C(1) << 52) - 1)) | (exponent > 0 ? UINT64_C(1) << 52 : 0),
		.place = exponent > 0 ? exponent - 1 : 0,
		.negative = bits >> 63,
	};
}

/*
 * Adds mantissa * 2^(place - 1074). Bits below 2^-1074 are dropped, from each
 * term separately, so the result does not depend on the order.
 */
static inline void
exact_sum_add_bits(ExactSum *sum, uint64_t mantissa, int place, bool negative)
{
	int64_t *chunk;
	uint64_t low;
	uint64_t high;
	int shift;

	if (place < 0)
	{
		mantissa = place > -64 ? mantissa >> -place : 0;
		place = 0;
	}
	chunk = &sum->chunk[place >> 5];
	shift = place & 31;
	low = mantissa << shift;
	high = (mantissa >> 1) >> (63 - shift);
	if (negative)
	{
		chunk[0] -= (int64_t) (low & UINT32_MAX);
		chunk[1] -= (int64_t) (low >> 32);
		chunk[2] -= (int64_t) high;
	}
	else
	{
		chunk[0] += (int64_t) (low & UINT32_MAX);
		chunk[1] += (int64_t) (low >> 32);
		chunk[2] += (int64_t) high;
	}
}

/* Adds a finite number. */
static inline void
exact_sum_add(ExactSum *sum, double term)
{
	BinaryFloat x = binary_float(term);

	exact_sum_add_bits(sum, x.mantissa, x.place, x.negative);
}

/* Adds a product, all 106 bits of it; it must not be larger than the largest double. */
static inline void
exact_sum_add_product(ExactSum *sum, double a, double b)
{
	BinaryFloat x = binary_float(a);
	BinaryFloat y = binary_float(b);
	uint64_t x_high = x.mantissa >> 32;
	uint64_t y_high = y.mantissa >> 32;
	uint64_t x_low = x.mantissa & UINT32_MAX;
	uint64_t y_low = y.mantissa & UINT32_MAX;
	uint64_t middle = x_high * y_low + x_low * y_high;
	uint64_t low = x_low * y_low + (middle << 32);
	uint64_t high = x_high * y_high + (middle >> 32) + (low < middle << 32);
	int place = x.place + y.place - 1074;
	bool negative = x.negative != y.negative;

	exact_sum_add_bits(sum, low, place, negative);
	exact_sum_add_bits(sum, high, place + 64, negative);
}

/* Propagates the carries, after which EXACT_SUM_UNSETTLED additions can follow again. */
extern void exact_sum_settle(ExactSum *sum);

/* Adds another sum; both must be normalised by exact_sum_settle, and so is the result. */
extern void exact_sum_merge(ExactSum *sum, const ExactSum *other);

/* The double nearest to a sum, which it normalises. */
extern double exact_sum_value(ExactSum *sum);

/*
 * The sum as doubles that add up to it: each is the nearest to what those
 * before it leave. None if the sum is zero. Equal sums have equal parts.
 * Normalises the sum.
 */
extern int exact_sum_parts(ExactSum *sum, double parts[EXACT_SUM_MAX_PARTS]);

#endif /* NUMERICS_EXACT_SUM_H */
