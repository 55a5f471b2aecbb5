/*
 * numeric.c
 *	  numeric to double without the detour through text, and double to numeric without loss.
 *
 * The server's cast prints the numeric and parses the digits, which costs as
 * much as all other processing of an amount. Amounts are short: up to four
 * digits of base 10,000. Such a number is m * 10^e with whole m, and if m <
 * 2^53 and |e| <= 22, then m and 10^|e| are doubles, and one multiplication or
 * division gives the correctly rounded result, the same as the server's
 * (Clinger, "How to read floating point numbers accurately", PLDI 1990).
 *
 * The digits are read from the stored form of numeric, which has been the same
 * since PostgreSQL 9.1 and cannot change without breaking pg_upgrade. Other
 * forms are left to the server's conversion.
 */
#include "compat.h"

#include "common/shortest_dec.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "support/numeric.h"

/*
 * The stored form: a 16-bit header and digits of base 10,000, the most
 * significant first. In the short header, the highest two bits are 10, then
 * follow the sign, six bits of display scale, and the weight (of the first
 * digit, as a power of 10,000) in seven bits of two's complement.
 */
#define SHORT_FORM_MASK 0xC000
#define SHORT_FORM 0x8000
#define SHORT_SIGN 0x2000
#define SHORT_WEIGHT_SIGN 0x0040
#define SHORT_WEIGHT 0x003F

#define DECIMALS_PER_DIGIT 4
#define MOST_DIGITS 4
#define LARGEST_EXACT (INT64CONST(1) << 53)
#define LARGEST_EXACT_POWER 22

static const double powers_of_ten[LARGEST_EXACT_POWER + 1] = {
	1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* True, and the double, if the value is short enough. */
static bool
short_numeric(const char *data, Size size, double *result)
{
	uint16 header;
	int16 digits[MOST_DIGITS];
	int count = (int) (size / sizeof(int16)) - 1;

	if (size < sizeof(header) || size > sizeof(header) + sizeof(digits))
		return false;
	memcpy(&header, data, sizeof(header));
	if ((header & SHORT_FORM_MASK) != SHORT_FORM)
		return false;
	memcpy(digits, data + sizeof(header), count * sizeof(int16));

	int64 whole = 0;
	int weight = (header & SHORT_WEIGHT) - (header & SHORT_WEIGHT_SIGN);
	int power = (weight - count + 1) * DECIMALS_PER_DIGIT;

	for (int i = 0; i < count; i++)
		whole = whole * 10000 + digits[i];
	if (whole >= LARGEST_EXACT || abs(power) > LARGEST_EXACT_POWER)
		return false;

	*result = power < 0 ? (double) whole / powers_of_ten[-power] : (double) whole * powers_of_ten[power];
	if ((header & SHORT_SIGN) != 0)
		*result = -*result;
	return true;
}

double
numeric_to_double(Datum numeric)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(numeric);
	double result;

	if (short_numeric(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), &result))
		return result;
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, numeric));
}

Datum
double_to_numeric(double number)
{
	char text[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(number, text);
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}
