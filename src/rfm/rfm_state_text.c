/*
 * rfm_state_text.c
 *	  The text of a state of rfm_cuts, on its way between servers: {"base64": "…"}.
 *
 * Bytes:	version, levels; of each dimension the number of values (varint), the number of
 *			decimals (1 byte), and of each value in ascending order the difference of its
 *			key from the one before and the customers (varints).
 *
 * Amounts of money have few decimals, so that nearly all keys are amounts in cents and
 * their differences take a byte or two. The key of a value is the whole number whose
 * quotient by that power of ten it is, to the bit; where a value of the dimension is no
 * such quotient, the keys are integers that sort like the values (RAW_KEYS).
 */
#include "compat.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "rfm/rfm_counts.h"
#include "support/bytes.h"

#define TEXT_VERSION 1

/* In place of the number of decimals. */
#define RAW_KEYS 255

static const double powers_of_ten[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};

#define MAX_DECIMALS (lengthof(powers_of_ten) - 1)

/* Whole numbers up to this are exact. */
#define MAX_WHOLE ((double) (INT64CONST(1) << 53))

/* Whether the value is exactly a whole number divided by this power of ten. */
static inline bool
has_decimals(double value, double power)
{
	return rint(value * power) / power == value;
}

/* The decimals that all values of a dimension have at most, or RAW_KEYS; and how many values there are. */
static uint8
common_decimals(RfmReader *reader, uint64 *length)
{
	int decimals = 0;
	double largest = 0;

	*length = 0;
	while (rfm_reader_next(reader))
	{
		double value = reader->current.value;

		(*length)++;
		largest = Max(largest, fabs(value));
		while (decimals <= MAX_DECIMALS && !has_decimals(value, powers_of_ten[decimals]))
			decimals++;
	}
	rfm_reader_rewind(reader);
	return decimals <= MAX_DECIMALS && largest * powers_of_ten[decimals] < MAX_WHOLE ? (uint8) decimals : RAW_KEYS;
}

/* The key of a value, and its value. */
static inline uint64
text_key(double value, uint8 decimals)
{
	return decimals == RAW_KEYS ? rfm_value_key(value) : (uint64) (int64) rint(value * powers_of_ten[decimals]);
}

static inline double
text_value(uint64 key, uint8 decimals)
{
	return decimals == RAW_KEYS ? rfm_key_value(key) : (double) (int64) key / powers_of_ten[decimals];
}

/* The first difference may be negative, all others are positive; as uint64 they add up in either case. */
static void
append_dimension(StringInfo out, const RfmCounts *counts, int dimension)
{
	RfmReader reader;
	uint64 length;
	uint64 last = 0;
	uint8 decimals;

	rfm_reader_open(&reader, counts, dimension);
	decimals = common_decimals(&reader, &length);
	enlargeStringInfo(out, MAX_VARINT_BYTES);
	out->len = (int) ((char *) put_varint((uint8 *) out->data + out->len, length) - out->data);
	appendStringInfoChar(out, (char) decimals);
	while (rfm_reader_next(&reader))
	{
		uint64 key = text_key(reader.current.value, decimals);
		uint8 *at;

		enlargeStringInfo(out, 2 * MAX_VARINT_BYTES);
		at = put_varint((uint8 *) out->data + out->len, key - last);
		at = put_varint(at, (uint64) reader.current.customers);
		out->len = (int) ((char *) at - out->data);
		last = key;
	}
	rfm_reader_close(&reader);
}

char *
rfm_counts_to_text(const RfmCounts *counts)
{
	StringInfoData out;
	char *text;

	initStringInfo(&out);
	appendStringInfoChar(&out, TEXT_VERSION);
	appendStringInfoChar(&out, (char) counts->levels);
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		append_dimension(&out, counts, i);
	text = state_text_write("rfm_cuts", (const uint8 *) out.data, out.len);
	pfree(out.data);
	return text;
}

/* Values that are out of order or not finite are left to the checker of lists. */
static bool
read_dimension(JsonInput *in, StateBytes *bytes, RfmList *list)
{
	uint64 length;
	uint64 key = 0;
	uint8 decimals;

	/* An entry takes two bytes at least. */
	if (!state_varint(bytes, &length) || length > (uint64) (bytes->end - bytes->at) / 2)
		return state_text_fail(in, "there are fewer values than announced");
	if (!state_byte(bytes, &decimals) || (decimals > MAX_DECIMALS && decimals != RAW_KEYS))
		return state_text_fail(in, "a number of decimals is out of range");
	list->length = (uint32) length;
	list->counts = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(RfmCount) * Max(1, length));
	for (uint32 i = 0; i < list->length; i++)
	{
		uint64 step;
		uint64 customers;

		CHECK_FOR_INTERRUPTS();
		if (!state_varint(bytes, &step) || !state_varint(bytes, &customers))
			return state_text_fail(in, "a value is incomplete");
		key += step;
		list->counts[i].value = text_value(key, decimals) + 0.0;
		list->counts[i].customers = (int64) customers;
	}
	return true;
}

bool
rfm_lists_from_text(JsonInput *in, const char *base64, Size length, int *levels, RfmList lists[RFM_DIMENSIONS])
{
	StateBytes bytes;
	uint8 version;
	uint8 n_levels;

	if (!state_text_read(in, base64, length, &bytes))
		return false;
	if (!state_byte(&bytes, &version) || version != TEXT_VERSION || !state_byte(&bytes, &n_levels))
		return state_text_fail(in, "the version is unknown");
	*levels = n_levels;
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		if (!read_dimension(in, &bytes, &lists[i]))
			return false;
	return bytes.at == bytes.end || state_text_fail(in, "there are bytes left over");
}
