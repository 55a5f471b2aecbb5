/*
 * json.h
 *	  The text form of every value type is JSON. The server parses it; this
 *	  reads the parsed members, with soft errors where the caller requests
 *	  them.
 *
 * The functions that read return false (or NULL) after a soft error; with no
 * soft-error context an error is raised instead.
 */
#ifndef SUPPORT_JSON_H
#define SUPPORT_JSON_H

#include "lib/stringinfo.h"
#include "nodes/nodes.h"
#include "utils/date.h"
#include "utils/jsonb.h"

/* The context of a read, for the error messages. */
typedef struct JsonInput
{
	const char *type; /* name of the SQL type */
	Node *escontext;  /* fcinfo->context of the input function */
} JsonInput;

/* Parses text whose top level must be an object. */
extern JsonbContainer *json_parse_object(JsonInput *in, char *text);

/* Raises 22P02 with this detail; returns false, for the caller to pass on. */
extern bool json_fail(JsonInput *in, const char *detail, ...) pg_attribute_printf(2, 3);

/* The member of an object, or NULL where there is none or it is null. */
extern JsonbValue *json_member(JsonbContainer *object, const char *key);

/* Raises an error if the object has a member that is not among the keys (NULL ends the list). */
extern bool json_check_members(JsonInput *in, JsonbContainer *object, const char *const *keys);

/* The member that must be an array (or, if optional, may be missing: *array is NULL then). */
extern bool json_array_member(JsonInput *in, JsonbContainer *object, const char *key, bool optional,
							  JsonbContainer **array);

/* The same for a member that must be an object. */
extern bool json_object_member(JsonInput *in, JsonbContainer *parent, const char *key, bool optional,
							   JsonbContainer **object);

/* The array at this index of an array, which must have the given length. */
extern JsonbContainer *json_row(JsonInput *in, JsonbContainer *array, uint32 place, uint32 length, const char *what);

/* The part of a text to quote in an error message, clipped between characters. */
extern char *json_excerpt(const char *text, int length);

/* Scalars. The message names the index or key. */
extern bool json_read_int(JsonInput *in, JsonbValue *value, const char *what, int64 lowest, int64 highest,
						  int64 *result);
extern bool json_read_float(JsonInput *in, JsonbValue *value, const char *what, double *result);
extern bool json_read_date(JsonInput *in, JsonbValue *value, const char *what, DateADT *result);
extern bool json_read_bool(JsonInput *in, JsonbValue *value, const char *what, bool *result);
extern char *json_read_text(JsonInput *in, JsonbValue *value, const char *what);

/* Optional members: *number is unchanged if it is missing. */
extern bool json_optional_float(JsonInput *in, JsonbContainer *object, const char *key, double *number);
extern bool json_optional_count(JsonInput *in, JsonbContainer *object, const char *key, int64 highest, int64 *number);

/* Writing: the shortest digits that read back to the same double, and ISO dates. */
extern void json_append_float(StringInfo out, double value);
extern void json_append_floats(StringInfo out, const double *values, int count);
extern void json_append_date(StringInfo out, DateADT day);
extern void json_append_text(StringInfo out, const char *text);

#endif /* SUPPORT_JSON_H */
