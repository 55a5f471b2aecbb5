/*
 * state_text.c
 *	  The short text form of states: bytes in base64, in a JSON object.
 */
#include "compat.h"

#include "common/base64.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "support/state_text.h"

#define BEFORE "{\"base64\": \""
#define AFTER "\"}"

/* Bytes that are encoded between two checks for interrupts, a multiple of three. */
#define CHUNK_BYTES (3 << 18)
#define CHUNK_CHARS (CHUNK_BYTES / 3 * 4)

char *
state_text_write(const char *type, const uint8 *bytes, Size length)
{
	Size chars = (length + 2) / 3 * 4;
	Size before = sizeof(BEFORE) - 1;
	char *text;

	if (length > MaxAllocSize || before + chars + sizeof(AFTER) > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("%s is too large to be written as text", type)));
	text = palloc(before + chars + sizeof(AFTER));
	memcpy(text, BEFORE, sizeof(BEFORE));
	chars = before;
	for (Size done = 0; done < length; done += CHUNK_BYTES)
	{
		int part = (int) Min(length - done, CHUNK_BYTES);

		CHECK_FOR_INTERRUPTS();
		chars += encode_base64(bytes + done, part, text + chars, CHUNK_CHARS);
	}
	memcpy(text + chars, AFTER, sizeof(AFTER));
	return text;
}

/* Skips the white space of JSON, then this text; NULL if something else is there. */
static const char *
skip_token(const char *at, const char *token)
{
	Size length = strlen(token);

	at += strspn(at, " \t\n\r");
	return strncmp(at, token, length) == 0 ? at + length : NULL;
}

/* Other JSON objects have another member first, or none; they are found at once. */
bool
state_text_find(const char *text, const char **base64, Size *length)
{
	static const char *const tokens[] = {"{", "\"base64\"", ":", "\""};
	const char *end;

	for (int i = 0; i < lengthof(tokens); i++)
	{
		text = skip_token(text, tokens[i]);
		if (text == NULL)
			return false;
	}
	*base64 = text;
	end = strchr(text, '"');
	if (end == NULL)
		return false;
	*length = end - text;
	end = skip_token(end + 1, "}");
	return end != NULL && end[strspn(end, " \t\n\r")] == '\0';
}

bool
state_text_fail(JsonInput *in, const char *problem)
{
	return json_fail(in, "\"base64\" does not contain such a value: %s.", problem);
}

bool
state_text_read(JsonInput *in, const char *base64, Size length, StateBytes *bytes)
{
	uint8 *buf;
	Size used = 0;

	if (length % 4 != 0)
		return state_text_fail(in, "the length is no multiple of four characters");
	buf = palloc(Max(1, length / 4 * 3));
	for (Size done = 0; done < length; done += CHUNK_CHARS)
	{
		int part = (int) Min(length - done, CHUNK_CHARS);
		int decoded = decode_base64(base64 + done, part, buf + used, part / 4 * 3);

		CHECK_FOR_INTERRUPTS();
		/* Only the last four characters may be padded, and none may be white space. */
		if (decoded < 0 || decoded < part / 4 * 3 - (done + part == length ? 2 : 0))
			return state_text_fail(in, "it is not base64");
		used += decoded;
	}
	*bytes = (StateBytes){buf, buf + used};
	return true;
}
