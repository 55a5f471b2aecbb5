/*
 * bytes.h
 *	  Small whole numbers in few bytes: variable-length integers, seven bits a
 *	  byte with the lowest first, and signed ones zigzag-encoded so that
 *	  numbers near zero stay short (0, -1, 1, -2 … become 0, 1, 2, 3 …).
 *
 * The bytes are the same on every platform. Readers never run past the end:
 * stored bytes that end too early are reported as corrupt.
 */
#ifndef SUPPORT_BYTES_H
#define SUPPORT_BYTES_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "port/pg_bswap.h"

#define MAX_VARINT_BYTES 10

static inline uint8 *
put_varint(uint8 *at, uint64 number)
{
	while (number >= 0x80)
	{
		*at++ = (uint8) (number | 0x80);
		number >>= 7;
	}
	*at++ = (uint8) number;
	return at;
}

static inline uint64
zigzag_encode(int64 number)
{
	return ((uint64) number << 1) ^ (uint64) (number >> 63);
}

static inline int64
zigzag_decode(uint64 folded)
{
	return (int64) (folded >> 1) ^ -(int64) (folded & 1);
}

/* FNV-1a, the same on every platform. */
static inline uint64
bytes_hash(const uint8 *at, const uint8 *end)
{
	uint64 hash = UINT64CONST(14695981039346656037);

	for (; at < end; at++)
		hash = (hash ^ *at) * UINT64CONST(1099511628211);
	return hash;
}

/* Raises the error of truncated stored bytes. */
extern _Noreturn void bytes_end_early(void);

/* Raises the error of a binary message (COPY BINARY, a client) that is not a valid value of the type. */
extern _Noreturn void bytes_malformed(const char *type, const char *problem);

/* Reads an integer of any length. */
extern uint64 get_long_varint(const uint8 **at, const uint8 *end);

/* Most numbers take one byte or two. */
static inline uint64
get_varint(const uint8 **at, const uint8 *end)
{
	const uint8 *byte = *at;

	if (likely(end - byte >= 2))
	{
		if (byte[0] < 0x80)
		{
			*at = byte + 1;
			return byte[0];
		}
		if (byte[1] < 0x80)
		{
			*at = byte + 2;
			return (byte[0] & 0x7f) | (uint64) byte[1] << 7;
		}
	}
	return get_long_varint(at, end);
}

static inline uint64
lowest_byte_first(uint64 bits)
{
#ifdef WORDS_BIGENDIAN
	return pg_bswap64(bits);
#else
	return bits;
#endif
}

static inline uint8 *
put_float8(uint8 *at, double number)
{
	uint64 bits;

	memcpy(&bits, &number, sizeof(bits));
	bits = lowest_byte_first(bits);
	memcpy(at, &bits, sizeof(bits));
	return at + sizeof(bits);
}

static inline double
get_float8(const uint8 **at, const uint8 *end)
{
	uint64 bits;
	double number;

	if (unlikely(end - *at < (ptrdiff_t) sizeof(bits)))
		bytes_end_early();
	memcpy(&bits, *at, sizeof(bits));
	bits = lowest_byte_first(bits);
	*at += sizeof(bits);
	memcpy(&number, &bits, sizeof(number));
	return number;
}

/* From a binary message; normalises NaN and zero: equal values have equal bytes. */
extern double receive_float8(StringInfo in);

/* The same for a byte that is 0 or 1; the type is for the error. */
extern bool receive_flag(StringInfo in, const char *type);

#endif /* SUPPORT_BYTES_H */
