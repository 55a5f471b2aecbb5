/*
 * state_text.h
 *	  A short text form, for states of aggregates on their way between servers.
 *
 * Cluster engines (Citus) send the transition state of a partial aggregate as
 * text, through the output and input functions of its type. For a customer base
 * the JSON parser would then take most of the time of the whole query. So the
 * text of a state is a JSON object with one member, the stored bytes in base64:
 *
 *	{"base64": "AQAA…"}
 *
 * Output functions write it for states that are still growing, which nobody sees
 * but an aggregate without a final function; finished values are written in full.
 * Input functions accept it for any value of the type.
 *
 * The text is untrusted. What it contains is never used as it is: the reader of
 * the type takes it apart with the functions below, checks the parts as it does
 * those of JSON and of binary input, and packs them again.
 */
#ifndef SUPPORT_STATE_TEXT_H
#define SUPPORT_STATE_TEXT_H

#include "compat.h"

#include "support/json.h"

/* Bytes that are read; at moves. */
typedef struct StateBytes
{
	const uint8 *at;
	const uint8 *end;
} StateBytes;

/* The text form of these bytes; the noun of the type is for the error of too many. */
extern char *state_text_write(const char *type, const uint8 *bytes, Size length);

/* Whether a text is of this form; then *base64 and *length are its characters. */
extern bool state_text_find(const char *text, const char **base64, Size *length);

/* The bytes of a text that state_text_find found; false after a soft error. */
extern bool state_text_read(JsonInput *in, const char *base64, Size length, StateBytes *bytes);

/* Reads a byte; false at the end. */
static inline bool
state_byte(StateBytes *bytes, uint8 *byte)
{
	if (bytes->at >= bytes->end)
		return false;
	*byte = *bytes->at++;
	return true;
}

/* Reads an integer as put_varint writes it; false if the bytes end or it is longer than 64 bits. */
static inline bool
state_varint(StateBytes *bytes, uint64 *number)
{
	uint64 sum = 0;

	for (int shift = 0; shift < 64; shift += 7)
	{
		uint8 byte;

		if (!state_byte(bytes, &byte) || (shift == 63 && byte > 1))
			return false;
		sum |= (uint64) (byte & 0x7f) << shift;
		if (byte < 0x80)
		{
			*number = sum;
			return true;
		}
	}
	return false;
}

/* Raises the error of bytes that are no value of the type; returns false. */
extern bool state_text_fail(JsonInput *in, const char *problem);

#endif /* SUPPORT_STATE_TEXT_H */
