/*
 * count_value.c
 *	  Growing, merging, writing and reading values that are counts.
 */
#include "compat.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "support/count_value.h"

#define STORED_VERSION 1
#define WIRE_VERSION 1
#define HEAD_BYTES 2

/* The columns of a row of the widest type, its group among them. */
#define MAX_COLUMNS 20

struct varlena *
count_value_pack(const CountValueType *type, const CountValue *value)
{
	const uint8 head[HEAD_BYTES] = {STORED_VERSION, value->kind};

	return count_map_pack(&type->map, head, HEAD_BYTES, value->entries, value->count);
}

struct varlena *
count_value_pack_state(CountMap *map)
{
	const uint8 head[HEAD_BYTES] = {STORED_VERSION, ((CountValueState *) map)->kind};

	count_map_compact(map);
	return count_map_pack(map->type, head, HEAD_BYTES, map->entries, map->used);
}

/*
 * A value of few counts as it grows in an aggregate: its entries in the order of arrival,
 * as the stored form has them (of a key that is lower than the one before, the difference
 * wraps around). Of a type with a value for each customer there are millions.
 */
typedef struct SmallState
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	uint8 mark;    /* AGG_STATE_MARK */
	uint8 kind;
	bool in_order;                      /* each key is above the one before */
	uint8 unused;                       /* always zero */
	uint32 count;                       /* entries */
	uint32 used;                        /* bytes of them */
	uint8 previous[sizeof(uint64) * 2]; /* the last key, which need not be aligned: it may be in a tuple */
	uint8 bytes[FLEXIBLE_ARRAY_MEMBER];
} SmallState;

StaticAssertDecl(offsetof(SmallState, bytes) == 32, "the head has no hidden padding");

/* What becomes larger goes on as a count map. Sizes fill the allocator's powers of two. */
#define SMALL_INITIAL_SIZE 128
#ifdef COUNT_MAP_EAGER
#define SMALL_LARGEST_SIZE 128
#else
#define SMALL_LARGEST_SIZE 1024
#endif

static SmallState *
small_make(uint8 kind)
{
	SmallState *state = palloc0(SMALL_INITIAL_SIZE);

	SET_VARSIZE(state, SMALL_INITIAL_SIZE);
	state->mark = AGG_STATE_MARK;
	state->kind = kind;
	state->in_order = true;
	return state;
}

static inline bool
small_has_space(const SmallState *state, uint32 entries)
{
	return entries <= (SMALL_LARGEST_SIZE - offsetof(SmallState, bytes) - state->used) / MAX_ENTRY_BYTES;
}

/* Adds an entry for which there is space; the state or its replacement. */
static inline SmallState *
small_add(SmallState *state, uint64 group, uint64 detail, int64 value)
{
	CountEntry entry = {group, detail, value};
	CountEntry previous = {0};
	uint8 bytes[MAX_ENTRY_BYTES];
	Size length;

	if (value == 0)
		return state;
	memcpy(&previous, state->previous, sizeof(state->previous));
	length = count_map_put(bytes, &entry, &previous) - bytes;
	if (offsetof(SmallState, bytes) + state->used + length > VARSIZE(state))
		state = agg_state_doubled(state, offsetof(SmallState, bytes) + state->used);
	memcpy(state->bytes + state->used, bytes, length);
	memcpy(state->previous, &entry, sizeof(state->previous));
	state->in_order &= state->count == 0 || count_map_compare(&previous, &entry) < 0;
	state->used += length;
	state->count++;
	return state;
}

/* The content of a small state, whose bytes may begin anywhere. */
static CountValue
small_get(const CountValueType *type, const struct varlena *stored)
{
	const Size head_bytes = offsetof(SmallState, bytes) - VARHDRSZ;
	const uint8 *at = (const uint8 *) VARDATA_ANY(stored);
	const uint8 *end = at + VARSIZE_ANY_EXHDR(stored);
	SmallState head;
	CountValue value;
	CountEntry entry = {0};

	if (end - at < head_bytes)
		bytes_end_early();
	memcpy((char *) &head + VARHDRSZ, at, head_bytes);
	at += head_bytes;
	if (head.count > (end - at) / 3)
		bytes_end_early();
	value.kind = head.kind;
	value.count = head.count;
	value.entries = palloc_array(CountEntry, Max(1, head.count));
	for (uint32 i = 0; i < head.count; i++)
	{
		count_map_get(&at, end, &entry);
		value.entries[i] = entry;
	}
	if (!head.in_order)
	{
		count_map_sort(value.entries, value.count);
		value.count = count_map_sum_up(&type->map, value.entries, value.count);
	}
	return value;
}

/* The stored form of a small state: it has the bytes already if keys came in order. */
static struct varlena *
small_pack(const CountValueType *type, const struct varlena *stored)
{
	const SmallState *state = (const SmallState *) stored;
	struct varlena *value;
	uint8 *at;

	if (VARATT_IS_1B(stored) || !state->in_order)
	{
		CountValue content = small_get(type, stored);

		value = count_value_pack(type, &content);
		pfree(content.entries);
		return value;
	}
	value = palloc(VARHDRSZ + HEAD_BYTES + MAX_VARINT_BYTES + state->used);
	at = (uint8 *) VARDATA(value);
	*at++ = STORED_VERSION;
	*at++ = state->kind;
	at = put_varint(at, state->count);
	memcpy(at, state->bytes, state->used);
	SET_VARSIZE(value, at + state->used - (uint8 *) value);
	return value;
}

/* The stored form of a value in any form. */
static struct varlena *
stored_value(const CountValueType *type, Datum datum)
{
	struct varlena *value = agg_state_stored(datum);

	return agg_state_in_place(value) ? small_pack(type, value) : value;
}

CountValue
count_value_get(const CountValueType *type, Datum datum)
{
	struct varlena *stored = agg_state_stored(datum);

	if (agg_state_in_place(stored))
		return small_get(type, stored);

	const uint8 *at = (uint8 *) VARDATA_ANY(stored);
	const uint8 *end = at + VARSIZE_ANY_EXHDR(stored);
	CountValue value = {0};
	CountEntry entry = {0};

	if (end - at < HEAD_BYTES)
		bytes_end_early();
	if (at[0] != STORED_VERSION)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version %d of %s", at[0], type->map.name)));
	value.kind = at[1];
	at += HEAD_BYTES;
	value.count = count_map_get_count(&at, end);
	value.entries = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, value.count) * sizeof(CountEntry));
	for (uint32 i = 0; i < value.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		count_map_get(&at, end, &entry);
		value.entries[i] = entry;
	}
	return value;
}

int64
count_value_of(const CountValue *value, uint64 group, uint64 detail)
{
	const CountEntry *entry = count_map_find(value->entries, value->count, group, detail);

	return entry < value->entries + value->count && entry->group == group && entry->detail == detail ? entry->value : 0;
}

static void
add_all(CountValueState *state, const CountValue *value)
{
	count_map_reserve(&state->map, value->count);
	for (uint32 i = 0; i < value->count; i++)
		count_map_add(&state->map, value->entries[i].group, value->entries[i].detail, value->entries[i].value);
}

static void
check_kind(const CountValueType *type, uint8 kind, uint8 other)
{
	if (kind != other)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s by %s cannot be merged with one by %s", type->map.name, type->kind_names[other],
						type->kind_names[kind]),
				 errhint("Build one value for each.")));
}

CountValueState *
count_value_state(FunctionCallInfo fcinfo, const CountValueType *type, uint8 kind)
{
	CountValueState *state = PG_ARGISNULL(0) ? NULL : agg_state_to_write(PG_GETARG_DATUM(0));

	if (state != NULL)
	{
		check_kind(type, kind, state->kind);
		return state;
	}
	state = count_map_make(&type->map, sizeof(CountValueState), agg_state_parent(fcinfo));
	state->kind = kind;
	if (!PG_ARGISNULL(0))
	{
		CountValue value = count_value_get(type, PG_GETARG_DATUM(0));

		check_kind(type, kind, value.kind);
		add_all(state, &value);
	}
	return state;
}

/*
 * The small state in the first argument, or a new one, to which so many entries may be
 * added; NULL if there is none or it must not grow in place.
 */
static inline SmallState *
small_argument(FunctionCallInfo fcinfo, const CountValueType *type, uint8 kind, uint32 entries)
{
	SmallState *state;

	if (!aggregate_finishes(fcinfo))
		return NULL;
	if (PG_ARGISNULL(0))
		state = small_make(kind);
	else
	{
		if (VARATT_IS_EXTERNAL_EXPANDED(PG_GETARG_POINTER(0)) || !agg_state_in_place(PG_GETARG_VARLENA_P(0)))
			return NULL;
		state = (SmallState *) PG_GETARG_VARLENA_P(0);
		check_kind(type, kind, state->kind);
	}
	return small_has_space(state, entries) ? state : NULL;
}

Datum
count_value_add(FunctionCallInfo fcinfo, const CountValueType *type, uint8 kind, uint64 group, uint64 detail)
{
	SmallState *small = small_argument(fcinfo, type, kind, 1);
	CountValueState *state;

	if (likely(small != NULL))
		PG_RETURN_POINTER(small_add(small, group, detail, 1));
	state = count_value_state(fcinfo, type, kind);
	count_map_add_hot(&state->map, group, detail, 1);
	return agg_state_result(fcinfo, &state->map.growing);
}

Datum
count_value_merge(FunctionCallInfo fcinfo, const CountValueType *type)
{
	CountValueState *state;
	SmallState *small;
	CountValue other;

	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);
	other = count_value_get(type, PG_GETARG_DATUM(1));
	small = small_argument(fcinfo, type, other.kind, other.count);
	if (small != NULL)
	{
		for (uint32 i = 0; i < other.count; i++)
			small = small_add(small, other.entries[i].group, other.entries[i].detail, other.entries[i].value);
		pfree(other.entries);
		PG_RETURN_POINTER(small);
	}
	state = count_value_state(fcinfo, type, other.kind);
	add_all(state, &other);
	pfree(other.entries);
	return agg_state_result(fcinfo, &state->map.growing);
}

/* The kind of this name, or type->n_kinds. */
static int
find_kind(const CountValueType *type, const char *name)
{
	int kind = 0;

	while (kind < type->n_kinds && strcmp(type->kind_names[kind], name) != 0)
		kind++;
	return kind;
}

uint8
count_value_kind(const CountValueType *type, const char *argument, const char *name)
{
	int kind = find_kind(type, name);

	if (kind == type->n_kinds)
	{
		StringInfoData names;

		initStringInfo(&names);
		for (int i = 0; i < type->n_kinds; i++)
			appendStringInfo(&names, "%s%s", i == 0 ? "" : i + 1 < type->n_kinds ? ", " : " or ", type->kind_names[i]);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot be \"%s\"", argument, json_excerpt(name, strlen(name))),
				 errhint("It is %s.", names.data)));
	}
	return (uint8) kind;
}

/* What is wrong with a value that came from outside; NULL: nothing. */
static const char *
value_problem(const CountValueType *type, const CountValue *value)
{
	if (value->kind >= Max(1, type->n_kinds))
		return "the kind is unknown";
	if (value->count > type->map.max_entries)
		return "there are too many entries";
	for (uint32 i = 0; i < value->count; i++)
	{
		const CountEntry *entry = &value->entries[i];

		CHECK_FOR_INTERRUPTS();
		if (i > 0 && count_map_compare(entry - 1, entry) >= 0)
			return "the entries are not in order";
		if (entry->value <= 0)
			return "a count is not positive";
		if (entry->group == COUNT_VALUE_LEFT_OUT ? entry->detail != 0 : entry->group > type->max_group)
			return "a group is out of range";
		if (entry->group == COUNT_VALUE_LEFT_OUT)
			continue;
		if (type->rows == COUNT_ROWS_BY_GROUP && entry->detail >= type->columns)
			return "a detail is out of range";
		if (type->rows == COUNT_ROWS_BY_TIME && entry->detail > COUNT_VALUE_MAX_SECOND)
			return "a time is out of range";
		if (entry->detail > PG_INT64_MAX)
			return "a detail is out of range";
	}
	return type->problem == NULL ? NULL : type->problem(value);
}

/* The second that a time lies in: rounded down, before 2000, too. */
uint64
count_value_second(int64 timestamp)
{
	int64 second = timestamp / USECS_PER_SEC - (timestamp % USECS_PER_SEC < 0);

	return (uint64) (second - MIN_TIMESTAMP / USECS_PER_SEC);
}

int64
count_value_timestamp(uint64 second)
{
	return ((int64) second + MIN_TIMESTAMP / USECS_PER_SEC) * USECS_PER_SEC;
}

/* Times are written in UTC, in ISO form, whatever TimeZone and DateStyle are. */
static void
append_time(StringInfo out, Timestamp timestamp)
{
	struct pg_tm tm;
	fsec_t fsec;

	if (timestamp2tm(timestamp, NULL, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "a stored time is out of range");
	appendStringInfo(out, "\"%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year > 0 ? tm.tm_year : 1 - tm.tm_year, tm.tm_mon,
					 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (fsec != 0)
		appendStringInfo(out, ".%06d", (int) fsec);
	appendStringInfo(out, "Z%s\"", tm.tm_year > 0 ? "" : " BC");
}

/* Exactly so many digits, as a number; -1 if there is something else. */
static int
read_digits(const char **at, int digits)
{
	int number = 0;

	for (int i = 0; i < digits; i++)
	{
		if ((*at)[i] < '0' || (*at)[i] > '9')
			return -1;
		number = number * 10 + (*at)[i] - '0';
	}
	*at += digits;
	return number;
}

/* A time as append_time writes it, and in no other form: microseconds since the calendar begins. */
static bool
parse_time(const char *text, uint64 *moment)
{
	static const char separators[] = "--T::Z";
	int fraction = 0;
	int fields[6];
	const char *at = text;
	int year_digits = 0;
	bool before_christ;

	while (at[year_digits] >= '0' && at[year_digits] <= '9')
		year_digits++;
	if (year_digits < 4 || year_digits > 6)
		return false;
	for (int i = 0; i < 6; i++)
	{
		fields[i] = read_digits(&at, i == 0 ? year_digits : 2);
		if (i == 5 && *at == '.')
		{
			at++;
			fraction = read_digits(&at, 6);
			if (fraction <= 0)
				return false;
		}
		if (fields[i] < 0 || *at != separators[i])
			return false;
		at++;
	}
	before_christ = strcmp(at, " BC") == 0;
	if ((*at != '\0' && !before_christ) || fields[0] == 0 || fields[1] < 1 || fields[1] > 12 || fields[2] < 1 ||
		fields[3] > 23 || fields[4] > 59 || fields[5] > 59)
		return false;

	int year = before_christ ? 1 - fields[0] : fields[0];

	if (fields[2] > day_tab[isleap(year)][fields[1] - 1] || !IS_VALID_JULIAN(year, fields[1], fields[2]))
		return false;

	int64 days = (int64) date2j(year, fields[1], fields[2]) - POSTGRES_EPOCH_JDATE;
	int64 since_2000 = days * SECS_PER_DAY + fields[3] * SECS_PER_HOUR + fields[4] * SECS_PER_MINUTE + fields[5];

	if (since_2000 < MIN_TIMESTAMP / USECS_PER_SEC)
		return false;
	*moment = (uint64) (since_2000 - MIN_TIMESTAMP / USECS_PER_SEC) * USECS_PER_SEC + fraction;
	return *moment <= COUNT_VALUE_MAX_MOMENT;
}

/* In whole seconds or in microseconds. */
static bool
read_time(JsonInput *in, JsonbValue *value, bool seconds, uint64 *time)
{
	char *text = json_read_text(in, value, "time");

	if (text == NULL)
		return false;
	if (!parse_time(text, time) || (seconds && *time % USECS_PER_SEC != 0))
		return json_fail(in, "\"%s\" is no time such as \"2026-03-01T12:00:00Z\".", json_excerpt(text, strlen(text)));
	if (seconds)
		*time /= USECS_PER_SEC;
	return true;
}

/* A number that is not negative, as a group. */
static bool
read_number(JsonInput *in, JsonbValue *value, const char *what, uint64 *group)
{
	double number;

	if (!json_read_float(in, value, what, &number))
		return false;
	if (!(number >= 0) || isinf(number))
		return json_fail(in, "A number of \"%s\" is negative or infinite.", what);
	*group = count_value_number(number);
	return true;
}

/* The numbers of a row of the text form. */
static int
row_length(const CountValueType *type, JsonbContainer *rows, uint32 place)
{
	if (type->rows != COUNT_ROWS_BY_GROUP)
		return type->rows == COUNT_ROWS_BY_TIME ? 2 : 3;
	if (type->first_columns > 0)
	{
		JsonbValue *row = getIthJsonbValueFromContainer(rows, place);

		if (row->type == jbvBinary && JsonContainerSize(row->val.binary.data) == 1 + type->first_columns)
			return 1 + type->first_columns;
	}
	return 1 + type->columns;
}

/* One row of the text form. */
static bool
read_row(JsonInput *in, const CountValueType *type, JsonbContainer *rows, uint32 place, CountList *list)
{
	int length = row_length(type, rows, place);
	JsonbContainer *row = json_row(in, rows, place, length, type->rows_name);
	int64 numbers[MAX_COLUMNS];
	uint64 first = 0; /* where that is no integer */
	int i = 0;

	Assert(length <= MAX_COLUMNS);
	if (row == NULL)
		return false;
	if (type->rows == COUNT_ROWS_BY_TIME || type->rows == COUNT_ROWS_BY_MOMENT)
	{
		if (!read_time(in, getIthJsonbValueFromContainer(row, 0), type->rows == COUNT_ROWS_BY_TIME, &first))
			return false;
		i++;
	}
	else if (type->rows == COUNT_ROWS_BY_NUMBER)
	{
		if (!read_number(in, getIthJsonbValueFromContainer(row, 0), type->rows_name, &first))
			return false;
		i++;
	}
	for (; i < length; i++)
		if (!json_read_int(in, getIthJsonbValueFromContainer(row, i), type->rows_name, 0,
						   i == 0 ? (int64) type->max_group : PG_INT64_MAX, &numbers[i]))
			return false;
	if (type->rows == COUNT_ROWS_BY_TIME)
		count_list_add(list, 0, first, numbers[1]);
	else if (type->rows == COUNT_ROWS_BY_MOMENT || type->rows == COUNT_ROWS_BY_NUMBER)
		count_list_add(list, first, numbers[1], numbers[2]);
	else if (type->rows == COUNT_ROWS_BY_ENTRY)
		count_list_add(list, numbers[0], numbers[1], numbers[2]);
	else
		for (int column = 0; column < length - 1; column++)
			if (numbers[1 + column] != 0)
				count_list_add(list, numbers[0], column, numbers[1 + column]);
	return true;
}

/* All rows, and those left out, in order. */
static bool
read_entries(JsonInput *in, const CountValueType *type, JsonbContainer *object, CountList *list)
{
	JsonbContainer *rows;
	JsonbValue *left_out = json_member(object, "left_out");
	int64 n_left_out = 0;

	if (!json_array_member(in, object, type->rows_name, false, &rows) ||
		(left_out != NULL && !json_read_int(in, left_out, "left_out", 0, PG_INT64_MAX, &n_left_out)))
		return false;
	list->entries =
		MemoryContextAllocHuge(CurrentMemoryContext,
							   (1 + (Size) JsonContainerSize(rows) * Max(1, type->columns)) * sizeof(CountEntry));
	for (uint32 i = 0; i < JsonContainerSize(rows); i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!read_row(in, type, rows, i, list))
			return false;
	}
	if (n_left_out > 0)
		count_list_add(list, COUNT_VALUE_LEFT_OUT, 0, n_left_out);
	count_map_sort(list->entries, list->count);
	if (count_map_duplicate(list->entries, list->count) != NULL)
		return json_fail(in, "\"%s\" has a row twice.", type->rows_name);
	return true;
}

/* The stored form of a value that may be anything; NULL after a soft error. */
static struct varlena *
checked_value(JsonInput *in, const CountValueType *type, const CountValue *value)
{
	const char *problem = value_problem(type, value);

	if (problem == NULL)
		return count_value_pack(type, value);
	json_fail(in, "It cannot be used: %s.", problem);
	return NULL;
}

/* A value from the text of a state. */
static struct varlena *
read_state(JsonInput *in, const CountValueType *type, const char *base64, Size length)
{
	StateBytes bytes;
	CountValue value = {0};
	uint8 version;

	if (!state_text_read(in, base64, length, &bytes))
		return NULL;
	if (!state_byte(&bytes, &version) || version != STORED_VERSION || !state_byte(&bytes, &value.kind))
	{
		state_text_fail(in, "the version is unknown");
		return NULL;
	}
	if (!count_map_from_text(in, &bytes, &value.entries, &value.count))
		return NULL;
	return checked_value(in, type, &value);
}

Datum
count_value_final(FunctionCallInfo fcinfo, const CountValueType *type)
{
	PG_RETURN_POINTER(stored_value(type, PG_GETARG_DATUM(0)));
}

Datum
count_value_in(FunctionCallInfo fcinfo, const CountValueType *type)
{
	const char *const members[] = {type->rows_name, "left_out", type->n_kinds > 0 ? "by" : NULL, NULL};
	JsonInput in = {type->map.name, fcinfo->context};
	struct varlena *result;
	const char *base64;
	Size length;

	if (state_text_find(PG_GETARG_CSTRING(0), &base64, &length))
	{
		result = read_state(&in, type, base64, length);
		if (result == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(result);
	}

	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	CountList list = {0};
	CountValue value = {0};

	if (object == NULL || !json_check_members(&in, object, members))
		PG_RETURN_NULL();
	if (type->n_kinds > 0)
	{
		char *name = json_read_text(&in, json_member(object, "by"), "by");

		if (name == NULL)
			PG_RETURN_NULL();
		value.kind = find_kind(type, name);
		if (value.kind == type->n_kinds)
		{
			json_fail(&in, "\"by\" cannot be \"%s\".", json_excerpt(name, strlen(name)));
			PG_RETURN_NULL();
		}
	}
	if (!read_entries(&in, type, object, &list))
		PG_RETURN_NULL();
	value.entries = list.entries;
	value.count = list.count;
	result = checked_value(&in, type, &value);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(result);
}

/* Whether a group, whose entries begin here, has any of the columns that came later. */
static bool
has_later_columns(const CountValueType *type, const CountValue *value, uint32 place)
{
	for (uint32 i = place; i < value->count && value->entries[i].group == value->entries[place].group; i++)
		if (value->entries[i].detail >= type->first_columns)
			return true;
	return false;
}

/* The row that begins with this entry; the number of entries in it. */
static uint32
append_row(StringInfo out, const CountValueType *type, const CountValue *value, uint32 place)
{
	const CountEntry *entry = &value->entries[place];
	uint32 used = 0;
	int columns = type->columns;

	appendStringInfoChar(out, '[');
	if (type->rows == COUNT_ROWS_BY_TIME)
		append_time(out, count_value_timestamp(entry->detail));
	else if (type->rows == COUNT_ROWS_BY_MOMENT)
		append_time(out, count_value_moment_timestamp(entry->group));
	else if (type->rows == COUNT_ROWS_BY_NUMBER)
		json_append_float(out, count_value_double(entry->group));
	else
		appendStringInfo(out, UINT64_FORMAT, entry->group);
	if (type->rows != COUNT_ROWS_BY_GROUP)
	{
		if (type->rows != COUNT_ROWS_BY_TIME)
			appendStringInfo(out, ", " UINT64_FORMAT, entry->detail);
		appendStringInfo(out, ", " INT64_FORMAT "]", entry->value);
		return 1;
	}
	if (type->first_columns > 0 && !has_later_columns(type, value, place))
		columns = type->first_columns;
	for (int column = 0; column < columns; column++)
	{
		bool present = place + used < value->count && entry[used].group == entry->group && entry[used].detail == column;

		appendStringInfo(out, ", " INT64_FORMAT, present ? entry[used].value : (int64) 0);
		used += present;
	}
	appendStringInfoChar(out, ']');
	return used;
}

Datum
count_value_out(FunctionCallInfo fcinfo, const CountValueType *type)
{
	struct varlena *value_or_state = agg_state_stored(PG_GETARG_DATUM(0));
	struct varlena *stored = stored_value(type, PointerGetDatum(value_or_state));

	if (agg_state_to_read(PG_GETARG_DATUM(0)) != NULL || stored != value_or_state)
		PG_RETURN_CSTRING(
			state_text_write(type->map.name, (const uint8 *) VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored)));

	CountValue value = count_value_get(type, PointerGetDatum(stored));
	StringInfoData out;
	const char *separator = "";
	uint32 place = 0;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	if (type->n_kinds > 0)
		appendStringInfo(&out, "\"by\": \"%s\", ", type->kind_names[value.kind]);
	if (count_value_left_out(&value) > 0)
		appendStringInfo(&out, "\"left_out\": " INT64_FORMAT ", ", count_value_left_out(&value));
	appendStringInfo(&out, "\"%s\": [", type->rows_name);
	while (place < value.count && value.entries[place].group != COUNT_VALUE_LEFT_OUT)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfoString(&out, separator);
		place += append_row(&out, type, &value, place);
		separator = ", ";
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

Datum
count_value_send(FunctionCallInfo fcinfo, const CountValueType *type)
{
	CountValue value = count_value_get(type, PG_GETARG_DATUM(0));
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendbyte(&out, value.kind);
	pq_sendint32(&out, value.count);
	for (uint32 i = 0; i < value.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		count_map_send(&out, &value.entries[i]);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Bytes may come from anywhere (COPY BINARY): the input is untrusted, and checked. */
Datum
count_value_recv(FunctionCallInfo fcinfo, const CountValueType *type)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	CountValue value = {0};
	const char *problem;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed(type->map.name, "the version is unknown");
	value.kind = pq_getmsgbyte(in);
	value.entries = count_map_receive(&type->map, in, &value.count);
	problem = value_problem(type, &value);
	if (problem != NULL)
		bytes_malformed(type->map.name, problem);
	PG_RETURN_POINTER(count_value_pack(type, &value));
}
