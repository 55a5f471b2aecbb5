/*
 * count_value.h
 *	  Value types that are counts and nothing else: what they all do alike.
 *
 * Such a value is a kind (which of a few things is counted) and the entries of a
 * count map. A type says what its entries are called and which of them fit
 * together; growing in an aggregate, merging, the text and the binary form are
 * the same for all.
 *
 * Text:	{"by": kind, "left_out": rows, "NAME": [[…], …]}, "by" only where a type has
 *			kinds, "left_out" where rows were left out
 *			of a state {"base64": "…"}, the stored form (support/state_text.h)
 * Stored:	version (1 byte), kind (1 byte), and the entries as count_map_pack writes them
 * Binary:	version (1 byte), kind (1 byte), and the entries as count_map_send writes them
 */
#ifndef SUPPORT_COUNT_VALUE_H
#define SUPPORT_COUNT_VALUE_H

#include "support/agg_group.h"
#include "support/count_map.h"
#include "support/json.h"

/* The group of rows that could not be counted; their number is the value of detail 0. */
#define COUNT_VALUE_LEFT_OUT PG_UINT64_MAX

/* What a row of the text form shows. */
typedef enum CountValueRows
{
	COUNT_ROWS_BY_GROUP,  /* the group, and the values of details 0, 1, … */
	COUNT_ROWS_BY_ENTRY,  /* the group, the detail and the value */
	COUNT_ROWS_BY_TIME,   /* the detail as a time (UTC, whole seconds) and the value; the group is 0 */
	COUNT_ROWS_BY_NUMBER, /* the group as a number (see count_value_number), the detail and the value */
	COUNT_ROWS_BY_MOMENT, /* the group as a time (UTC, microseconds), the detail and the value */
} CountValueRows;

typedef struct CountValue
{
	uint8 kind;
	uint32 count;
	CountEntry *entries; /* in order; those left out come last */
} CountValue;

typedef struct CountValueType
{
	CountMapType map;      /* pack is count_value_pack_state */
	const char *rows_name; /* member of the text form */
	CountValueRows rows;
	int columns;       /* details of a group, for COUNT_ROWS_BY_GROUP */
	int first_columns; /* without those that came later, which a row may lack; 0: there are none */
	uint64 max_group;
	int n_kinds; /* 0: there is only one, which has no name */
	const char *const *kind_names;

	/* What is wrong with entries that are in order and in range; NULL: nothing. May be NULL. */
	const char *(*problem)(const CountValue *value);
} CountValueType;

/* The state of an aggregate. */
typedef struct CountValueState
{
	CountMap map;
	uint8 kind;
} CountValueState;

extern struct varlena *count_value_pack_state(CountMap *map);

/* A stored value, or one that is still growing, for reading. */
extern CountValue count_value_get(const CountValueType *type, Datum value);

/* The stored form of entries that are in order. */
extern struct varlena *count_value_pack(const CountValueType *type, const CountValue *value);

/* The state in the first argument, which an aggregate goes on with, or a new one; an error if its kind is another. */
extern CountValueState *count_value_state(FunctionCallInfo fcinfo, const CountValueType *type, uint8 kind);

/*
 * Counts one more of a key: the body of the transition function of a type of which there is a
 * value for each customer. As long as there are few, they grow in place (see support/agg_state.h).
 */
extern Datum count_value_add(FunctionCallInfo fcinfo, const CountValueType *type, uint8 kind, uint64 group,
							 uint64 detail);

/* The value of a group's detail; 0 if there is none. */
extern int64 count_value_of(const CountValue *value, uint64 group, uint64 detail);

/* Rows that were left out. */
static inline int64
count_value_left_out(const CountValue *value)
{
	return count_value_of(value, COUNT_VALUE_LEFT_OUT, 0);
}

/* The kind of this name, from an argument of an SQL function. */
extern uint8 count_value_kind(const CountValueType *type, const char *argument, const char *name);

/* The bodies of the SQL functions that every type has. */
extern Datum count_value_final(FunctionCallInfo fcinfo, const CountValueType *type);
extern Datum count_value_merge(FunctionCallInfo fcinfo, const CountValueType *type);
extern Datum count_value_in(FunctionCallInfo fcinfo, const CountValueType *type);
extern Datum count_value_out(FunctionCallInfo fcinfo, const CountValueType *type);
extern Datum count_value_recv(FunctionCallInfo fcinfo, const CountValueType *type);
extern Datum count_value_send(FunctionCallInfo fcinfo, const CountValueType *type);

/* Those functions of a type: NAME_in, NAME_out, NAME_recv, NAME_send, NAME_merge, NAME_final. */
#define COUNT_VALUE_FUNCTIONS(name, type) \
	PG_FUNCTION_INFO_V1(name##_in); \
	Datum name##_in(PG_FUNCTION_ARGS) \
	{ \
		return count_value_in(fcinfo, &(type)); \
	} \
	PG_FUNCTION_INFO_V1(name##_out); \
	Datum name##_out(PG_FUNCTION_ARGS) \
	{ \
		return count_value_out(fcinfo, &(type)); \
	} \
	PG_FUNCTION_INFO_V1(name##_recv); \
	Datum name##_recv(PG_FUNCTION_ARGS) \
	{ \
		return count_value_recv(fcinfo, &(type)); \
	} \
	PG_FUNCTION_INFO_V1(name##_send); \
	Datum name##_send(PG_FUNCTION_ARGS) \
	{ \
		return count_value_send(fcinfo, &(type)); \
	} \
	AGG_FUNCTION_INFO_V1(name##_merge); \
	static Datum name##_merge_in_group(PG_FUNCTION_ARGS) \
	{ \
		return count_value_merge(fcinfo, &(type)); \
	} \
	AGG_FUNCTION_INFO_V1(name##_final); \
	static Datum name##_final_in_group(PG_FUNCTION_ARGS) \
	{ \
		return count_value_final(fcinfo, &(type)); \
	} \
	extern int no_such_variable

/* Seconds since the beginning of the server's calendar, as details of COUNT_ROWS_BY_TIME have them, and back. */
#define COUNT_VALUE_MAX_SECOND ((uint64) (END_TIMESTAMP / USECS_PER_SEC - MIN_TIMESTAMP / USECS_PER_SEC) - 1)
extern uint64 count_value_second(int64 timestamp);
extern int64 count_value_timestamp(uint64 second);

/* Microseconds since then, as groups of COUNT_ROWS_BY_MOMENT have them, and back. */
#define COUNT_VALUE_MAX_MOMENT ((uint64) END_TIMESTAMP - (uint64) MIN_TIMESTAMP - 1)
static inline uint64
count_value_moment(int64 timestamp)
{
	return (uint64) timestamp - (uint64) MIN_TIMESTAMP;
}

static inline int64
count_value_moment_timestamp(uint64 moment)
{
	return (int64) (moment + (uint64) MIN_TIMESTAMP);
}

/*
 * A number that is not negative as the group of COUNT_ROWS_BY_NUMBER, and back: its bits,
 * whose order is that of the numbers.
 */
#define COUNT_VALUE_MAX_NUMBER UINT64CONST(0x7FEFFFFFFFFFFFFF)
static inline uint64
count_value_number(double number)
{
	uint64 bits;

	/* no negative zero */
	number += 0.0;
	memcpy(&bits, &number, sizeof(bits));
	return bits;
}

static inline double
count_value_double(uint64 group)
{
	double number;

	memcpy(&number, &group, sizeof(number));
	return number;
}

#endif /* SUPPORT_COUNT_VALUE_H */
