/*
 * json.c
 *	  Reading and writing the text form of values.
 */
#include "compat.h"

#include <ctype.h>
#include <math.h>

#include "common/shortest_dec.h"
#include "miscadmin.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/numeric.h"

#include "support/json.h"

bool
json_fail(JsonInput *in, const char *detail, ...)
{
	char text[512];
	va_list args;

	va_start(args, detail);
	vsnprintf(text, sizeof(text), detail, args);
	va_end(args);

	ereturn(in->escontext, false,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("invalid input syntax for type %s", in->type),
			 errdetail_internal("%s", text)));
}

JsonbContainer *
json_parse_object(JsonInput *in, char *text)
{
	Datum parsed;

#if PG_VERSION_NUM >= 160000
	if (!DirectInputFunctionCallSafe(jsonb_in, text, InvalidOid, -1, in->escontext, &parsed))
		return NULL;
#else
	parsed = DirectFunctionCall1(jsonb_in, CStringGetDatum(text));
#endif

	JsonbContainer *root = &DatumGetJsonbP(parsed)->root;

	if (!JsonContainerIsObject(root))
	{
		json_fail(in, "The text must be a JSON object.");
		return NULL;
	}
	return root;
}

JsonbValue *
json_member(JsonbContainer *object, const char *key)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, key, strlen(key), NULL);

	return value != NULL && value->type == jbvNull ? NULL : value;
}

bool
json_check_members(JsonInput *in, JsonbContainer *object, const char *const *keys)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue value;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;

		const char *const *known = keys;

		while (
			*known != NULL &&
			(strlen(*known) != value.val.string.len || memcmp(*known, value.val.string.val, value.val.string.len) != 0))
			known++;
		if (*known == NULL)
			return json_fail(in, "Unknown member \"%s\".", json_excerpt(value.val.string.val, value.val.string.len));
	}
	return true;
}

bool
json_array_member(JsonInput *in, JsonbContainer *object, const char *key, bool optional, JsonbContainer **array)
{
	JsonbValue *value = json_member(object, key);

	*array = NULL;
	if (value == NULL)
		return optional || json_fail(in, "Member \"%s\" is missing.", key);
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		return json_fail(in, "Member \"%s\" must be an array.", key);
	*array = value->val.binary.data;
	return true;
}

bool
json_object_member(JsonInput *in, JsonbContainer *parent, const char *key, bool optional, JsonbContainer **object)
{
	JsonbValue *value = json_member(parent, key);

	*object = NULL;
	if (value == NULL && optional)
		return true;
	if (value == NULL || value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		return json_fail(in, "Member \"%s\" must be an object.", key);
	*object = value->val.binary.data;
	return true;
}

char *
json_excerpt(const char *text, int length)
{
	return pnstrdup(text, pg_mbcliplen(text, length, 60));
}

JsonbContainer *
json_row(JsonInput *in, JsonbContainer *array, uint32 place, uint32 length, const char *what)
{
	JsonbValue *value = getIthJsonbValueFromContainer(array, place);
	JsonbContainer *row = NULL;

	if (value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data) &&
		JsonContainerSize(value->val.binary.data) == length)
		row = value->val.binary.data;
	else
		json_fail(in, "Element %u of \"%s\" must be an array of %u.", place + 1, what, length);
	pfree(value);
	return row;
}

bool
json_read_float(JsonInput *in, JsonbValue *value, const char *what, double *result)
{
	if (value == NULL || value->type != jbvNumeric)
		return json_fail(in, "\"%s\" must be a number.", what);

	*result = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
	if (!isfinite(*result))
		return json_fail(in, "\"%s\" is out of range.", what);
	*result += 0.0; /* minus zero becomes zero: equal values, equal bytes */
	return true;
}

bool
json_read_int(JsonInput *in, JsonbValue *value, const char *what, int64 lowest, int64 highest, int64 *result)
{
	if (value == NULL || value->type != jbvNumeric)
		return json_fail(in, "\"%s\" must be an integer.", what);

	/* Read from the digits: a double does not represent every bigint. */
	char *digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	char *end;

	errno = 0;
	long long number = strtoll(digits, &end, 10);

	if (errno != 0 || *end != '\0' || number < lowest || number > highest)
		return json_fail(in, "\"%s\" must be an integer between " INT64_FORMAT " and " INT64_FORMAT ", not %s.", what,
						 lowest, highest, json_excerpt(digits, strlen(digits)));
	pfree(digits);
	*result = number;
	return true;
}

/* year-month-day, the year in four digits or more, perhaps with BC. */
static bool
is_iso_date(const char *text)
{
	size_t year = strspn(text, "0123456789");
	const char *rest = text + year;

	return year >= 4 && year <= 7 && rest[0] == '-' && isdigit((unsigned char) rest[1]) &&
		isdigit((unsigned char) rest[2]) && rest[3] == '-' && isdigit((unsigned char) rest[4]) &&
		isdigit((unsigned char) rest[5]) && (rest[6] == '\0' || strcmp(rest + 6, " BC") == 0);
}

/*
 * Dates are read by the server, but only in ISO form: the meaning of a stored
 * value must depend neither on the clock ("today") nor on DateStyle ("01-02-2003").
 */
bool
json_read_date(JsonInput *in, JsonbValue *value, const char *what, DateADT *result)
{
	char *text = json_read_text(in, value, what);
	Datum day;

	if (text == NULL)
		return false;

	if (!is_iso_date(text))
		return json_fail(in, "\"%s\" must be a date such as \"2026-01-31\", not \"%s\".", what,
						 json_excerpt(text, strlen(text)));

#if PG_VERSION_NUM >= 160000
	if (!DirectInputFunctionCallSafe(date_in, text, InvalidOid, -1, in->escontext, &day))
		return false;
#else
	day = DirectFunctionCall1(date_in, CStringGetDatum(text));
#endif
	pfree(text);
	*result = DatumGetDateADT(day);
	return true;
}

bool
json_read_bool(JsonInput *in, JsonbValue *value, const char *what, bool *result)
{
	if (value == NULL || value->type != jbvBool)
		return json_fail(in, "\"%s\" must be true or false.", what);
	*result = value->val.boolean;
	return true;
}

char *
json_read_text(JsonInput *in, JsonbValue *value, const char *what)
{
	if (value == NULL || value->type != jbvString)
	{
		json_fail(in, "\"%s\" must be a string.", what);
		return NULL;
	}
	return pnstrdup(value->val.string.val, value->val.string.len);
}

bool
json_optional_float(JsonInput *in, JsonbContainer *object, const char *key, double *number)
{
	JsonbValue *value = json_member(object, key);

	return value == NULL || json_read_float(in, value, key, number);
}

bool
json_optional_count(JsonInput *in, JsonbContainer *object, const char *key, int64 highest, int64 *number)
{
	JsonbValue *value = json_member(object, key);

	return value == NULL || json_read_int(in, value, key, 0, highest, number);
}

void
json_append_float(StringInfo out, double value)
{
	char digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (!isfinite(value)) /* JSON has no NaN: null means not known */
	{
		appendStringInfoString(out, "null");
		return;
	}
	double_to_shortest_decimal_buf(value, digits);
	appendStringInfoString(out, digits);
}

void
json_append_floats(StringInfo out, const double *values, int count)
{
	appendStringInfoChar(out, '[');
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		json_append_float(out, values[i]);
	}
	appendStringInfoChar(out, ']');
}

void
json_append_date(StringInfo out, DateADT day)
{
	struct pg_tm tm = {0};
	char text[MAXDATELEN + 1];

	j2date(day + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	EncodeDateOnly(&tm, USE_ISO_DATES, text);
	appendStringInfo(out, "\"%s\"", text);
}

void
json_append_text(StringInfo out, const char *text)
{
	escape_json(out, text);
}
