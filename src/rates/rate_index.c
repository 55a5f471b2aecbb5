/*
 * rate_index.c
 *	  rate_index: how many are good of how many, by segment; the segments' rates drawn
 *	  towards that of all.
 *
 * Stored form: version (1 byte), rows left out (varint), number of segments (varint), and
 * of each, in byte order of their names, the length of the name (varint), the name, good
 * and total (varints).
 */
#include "compat.h"

#include <math.h>

#include "common/int.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "rates/rates.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/bytes.h"
#include "support/json.h"
#include "support/parts.h"
#include "support/result.h"
#include "support/server_host.h"

#define STORED_VERSION 1
#define WIRE_VERSION 1

/* The lengths, a name of one byte and two counts. */
#define LEAST_STORED_BYTES 4
#define LEAST_WIRE_BYTES (4 + 1 + 8 + 8)

static int
compare_names(const char *a, uint32 a_bytes, const char *b, uint32 b_bytes)
{
	int order = memcmp(a, b, Min(a_bytes, b_bytes));

	return order != 0 ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static int
compare_segments(const void *left, const void *right)
{
	const SegmentRate *a = left;
	const SegmentRate *b = right;

	return compare_names(a->name, a->name_bytes, b->name, b->name_bytes);
}

static struct varlena *
rate_index_pack(const RateIndex *index)
{
	Size size = VARHDRSZ + 1 + 2 * MAX_VARINT_BYTES;
	struct varlena *value;
	uint8 *at;

	for (uint32 i = 0; i < index->count; i++)
		size += index->segments[i].name_bytes + 3 * MAX_VARINT_BYTES;
	value = palloc(size);
	at = (uint8 *) VARDATA(value);
	*at++ = STORED_VERSION;
	at = put_varint(at, (uint64) index->left_out);
	at = put_varint(at, index->count);
	for (uint32 i = 0; i < index->count; i++)
	{
		const SegmentRate *segment = &index->segments[i];

		CHECK_FOR_INTERRUPTS();
		at = put_varint(at, segment->name_bytes);
		memcpy(at, segment->name, segment->name_bytes);
		at = put_varint(at + segment->name_bytes, (uint64) segment->good);
		at = put_varint(at, (uint64) segment->total);
	}
	SET_VARSIZE(value, at - (uint8 *) value);
	return value;
}

static struct varlena *
pack_state(GrowingState *state)
{
	return rate_index_pack(&((RateIndexState *) state)->index);
}

RateIndex
rate_index_get(Datum datum)
{
	struct varlena *stored = agg_state_stored(datum);
	const uint8 *at = (const uint8 *) VARDATA_ANY(stored);
	const uint8 *end = at + VARSIZE_ANY_EXHDR(stored);
	RateIndex index = {0};
	uint64 count;

	if (at >= end)
		bytes_end_early();
	if (*at != STORED_VERSION)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version %d of %s", *at, "rate_index")));
	at++;
	index.left_out = (int64) get_varint(&at, end);
	count = get_varint(&at, end);
	if (count > (uint64) (end - at) / LEAST_STORED_BYTES)
		bytes_end_early();
	index.count = index.capacity = (uint32) count;
	index.segments = palloc_array(SegmentRate, Max(1, count));
	for (uint32 i = 0; i < index.count; i++)
	{
		SegmentRate *segment = &index.segments[i];
		uint64 bytes = get_varint(&at, end);

		CHECK_FOR_INTERRUPTS();
		if (bytes > (uint64) (end - at))
			bytes_end_early();
		segment->name = (const char *) at;
		segment->name_bytes = (uint32) bytes;
		at += bytes;
		segment->good = (int64) get_varint(&at, end);
		segment->total = (int64) get_varint(&at, end);
	}
	return index;
}

static void
add_count(int64 *sum, int64 more)
{
	if (pg_add_s64_overflow(*sum, more, sum) || *sum > RATE_MOST_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("a count in %s is out of range", "rate_index")));
}

/* The place of a segment, or where to insert it. */
static uint32
find_segment(const RateIndex *index, const char *name, uint32 name_bytes, bool *found)
{
	uint32 low = 0;
	uint32 high = index->count;

	*found = false;
	while (low < high)
	{
		uint32 middle = low + (high - low) / 2;
		int order = compare_names(index->segments[middle].name, index->segments[middle].name_bytes, name, name_bytes);

		if (order == 0)
		{
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Inserts a new segment, with zero counts. */
static void
insert_segment(RateIndexState *state, uint32 place, const char *name, uint32 name_bytes)
{
	RateIndex *index = &state->index;
	MemoryContext context = agg_state_context(&state->growing);
	char *copy;

	if (index->count == RATE_INDEX_MOST_SEGMENTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a rate_index cannot hold more than %d different segments", RATE_INDEX_MOST_SEGMENTS),
				 errhint("For the rates of single customers or items use rate_prior and shrunken_rate.")));
	if (index->count == index->capacity)
	{
		index->capacity = Max(8, 2 * index->capacity);
		index->segments = index->segments == NULL ? MemoryContextAlloc(context, index->capacity * sizeof(SegmentRate))
												  : repalloc(index->segments, index->capacity * sizeof(SegmentRate));
	}
	copy = memcpy(MemoryContextAlloc(context, name_bytes), name, name_bytes);
	memmove(&index->segments[place + 1], &index->segments[place], (index->count - place) * sizeof(SegmentRate));
	index->segments[place] = (SegmentRate){.name = copy, .name_bytes = name_bytes};
	index->count++;
}

void
rate_index_count(RateIndexState *state, const char *name, uint32 name_bytes, int64 good, int64 total)
{
	RateIndex *index = &state->index;
	uint32 place = state->last;

	if (place >= index->count ||
		compare_names(index->segments[place].name, index->segments[place].name_bytes, name, name_bytes) != 0)
	{
		bool found;

		place = find_segment(index, name, name_bytes, &found);
		if (!found)
			insert_segment(state, place, name, name_bytes);
		state->last = place;
	}
	add_count(&index->segments[place].good, good);
	add_count(&index->segments[place].total, total);
}

void
rate_index_leave_out(RateIndexState *state)
{
	add_count(&state->index.left_out, 1);
}

static void
add_all(RateIndexState *state, Datum value)
{
	RateIndex index = rate_index_get(value);

	add_count(&state->index.left_out, index.left_out);
	for (uint32 i = 0; i < index.count; i++)
		rate_index_count(state, index.segments[i].name, index.segments[i].name_bytes, index.segments[i].good,
						 index.segments[i].total);
}

RateIndexState *
rate_index_state(FunctionCallInfo fcinfo)
{
	RateIndexState *state = PG_ARGISNULL(0) ? NULL : agg_state_to_write(PG_GETARG_DATUM(0));

	if (state != NULL)
		return state;
	state = agg_state_make(sizeof(RateIndexState), pack_state, agg_state_parent(fcinfo));
	if (!PG_ARGISNULL(0))
		add_all(state, PG_GETARG_DATUM(0));
	return state;
}

const char *
rate_segment_argument(FunctionCallInfo fcinfo, int argno, uint32 *name_bytes)
{
	NamedPart part;

	part_set_name(&part, PG_GETARG_DATUM(argno));
	*name_bytes = part.name_bytes;
	return part.name;
}

/* rate_index(segment, good, total): transition */
AGG_FUNCTION_INFO_V1(rate_index_add);
static Datum
rate_index_add_in_group(PG_FUNCTION_ARGS)
{
	RateIndexState *state;
	const char *name;
	uint32 name_bytes;
	int64 good;
	int64 total;

	if (any_null(fcinfo, 1, 3))
	{
		state = rate_index_state(fcinfo);
		rate_index_leave_out(state);
		return agg_state_result(fcinfo, &state->growing);
	}
	name = rate_segment_argument(fcinfo, 1, &name_bytes);
	good = PG_GETARG_INT64(2);
	total = PG_GETARG_INT64(3);
	if (good < 0 || good > total)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("good must be between 0 and total, but is " INT64_FORMAT " of " INT64_FORMAT, good, total)));
	state = rate_index_state(fcinfo);
	rate_index_count(state, name, name_bytes, good, total);
	return agg_state_result(fcinfo, &state->growing);
}

/* The segments of both: combine, and transition of rollup. */
AGG_FUNCTION_INFO_V1(rate_index_merge);
static Datum
rate_index_merge_in_group(PG_FUNCTION_ARGS)
{
	RateIndexState *state;

	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);
	state = rate_index_state(fcinfo);
	add_all(state, PG_GETARG_DATUM(1));
	return agg_state_result(fcinfo, &state->growing);
}

AGG_FUNCTION_INFO_V1(rate_index_final);
static Datum
rate_index_final_in_group(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(agg_state_stored(PG_GETARG_DATUM(0)));
}

/* What is wrong with a segment that came from outside; NULL: nothing. */
static const char *
segment_problem(const SegmentRate *segment)
{
	if (segment->name_bytes < 1)
		return "the name of a segment is empty";
	if (segment->name_bytes > PART_MAX_NAME_BYTES)
		return "the name of a segment is too long";
	if (segment->good < 0 || segment->good > segment->total || segment->total > RATE_MOST_COUNT)
		return "a count is out of range";
	return NULL;
}

/* The same of all segments, which are sorted. */
static const char *
index_problem(RateIndex *index)
{
	qsort(index->segments, index->count, sizeof(SegmentRate), compare_segments);
	if (index->left_out < 0 || index->left_out > RATE_MOST_COUNT)
		return "the number of rows left out is out of range";
	for (uint32 i = 0; i < index->count; i++)
	{
		const char *problem = segment_problem(&index->segments[i]);

		CHECK_FOR_INTERRUPTS();
		if (problem != NULL)
			return problem;
		if (i > 0 && compare_segments(&index->segments[i - 1], &index->segments[i]) == 0)
			return "a segment is there twice";
	}
	return NULL;
}

/* {"left_out": 1, "segments": [["Champions", 88, 100]]} */
static bool
read_json(JsonInput *in, char *text, RateIndex *index)
{
	static const char *const members[] = {"left_out", "segments", NULL};
	JsonbContainer *object = json_parse_object(in, text);
	JsonbContainer *array;
	const char *problem;

	if (object == NULL || !json_check_members(in, object, members) ||
		!json_array_member(in, object, "segments", false, &array) ||
		!json_optional_count(in, object, "left_out", RATE_MOST_COUNT, &index->left_out))
		return false;
	if (JsonContainerSize(array) > RATE_INDEX_MOST_SEGMENTS)
		return json_fail(in, "There are more than %d segments.", RATE_INDEX_MOST_SEGMENTS);
	index->count = JsonContainerSize(array);
	index->segments = palloc_array(SegmentRate, Max(1, index->count));
	for (uint32 i = 0; i < index->count; i++)
	{
		SegmentRate *segment = &index->segments[i];
		JsonbContainer *row = json_row(in, array, i, 3, "segments");
		char *name;

		CHECK_FOR_INTERRUPTS();
		if (row == NULL || (name = json_read_text(in, getIthJsonbValueFromContainer(row, 0), "segment")) == NULL ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 1), "good", 0, RATE_MOST_COUNT, &segment->good) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 2), "total", 0, RATE_MOST_COUNT, &segment->total))
			return false;
		segment->name = name;
		segment->name_bytes = (uint32) strlen(name);
	}
	problem = index_problem(index);
	return problem == NULL || json_fail(in, "It cannot be used: %s.", problem);
}

PG_FUNCTION_INFO_V1(rate_index_in);
Datum
rate_index_in(PG_FUNCTION_ARGS)
{
	JsonInput in = {"rate_index", fcinfo->context};
	RateIndex index = {0};

	if (!read_json(&in, PG_GETARG_CSTRING(0), &index))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(rate_index_pack(&index));
}

PG_FUNCTION_INFO_V1(rate_index_out);
Datum
rate_index_out(PG_FUNCTION_ARGS)
{
	RateIndex index = rate_index_get(PG_GETARG_DATUM(0));
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	if (index.left_out > 0)
		appendStringInfo(&out, "\"left_out\": " INT64_FORMAT ", ", index.left_out);
	appendStringInfoString(&out, "\"segments\": [");
	for (uint32 i = 0; i < index.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfoString(&out, i > 0 ? ", [" : "[");
		json_append_text(&out, pnstrdup(index.segments[i].name, index.segments[i].name_bytes));
		appendStringInfo(&out, ", " INT64_FORMAT ", " INT64_FORMAT "]", index.segments[i].good,
						 index.segments[i].total);
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(rate_index_send);
Datum
rate_index_send(PG_FUNCTION_ARGS)
{
	RateIndex index = rate_index_get(PG_GETARG_DATUM(0));
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendint64(&out, index.left_out);
	pq_sendint32(&out, index.count);
	for (uint32 i = 0; i < index.count; i++)
	{
		NamedPart part = {.name = index.segments[i].name, .name_bytes = index.segments[i].name_bytes};

		CHECK_FOR_INTERRUPTS();
		send_part_name(&out, &part);
		pq_sendint64(&out, index.segments[i].good);
		pq_sendint64(&out, index.segments[i].total);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Bytes may come from anywhere; the order of names may differ in the client's encoding. */
PG_FUNCTION_INFO_V1(rate_index_recv);
Datum
rate_index_recv(PG_FUNCTION_ARGS)
{
	static const char type[] = "rate_index";
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	RateIndex index = {0};
	const char *problem;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed(type, "the version is unknown");
	index.left_out = pq_getmsgint64(in);
	index.count = pq_getmsgint(in, 4);
	if (index.count > RATE_INDEX_MOST_SEGMENTS || index.count * LEAST_WIRE_BYTES > (uint32) (in->len - in->cursor))
		bytes_malformed(type, "the length does not fit the number of segments");
	index.segments = palloc_array(SegmentRate, Max(1, index.count));
	for (uint32 i = 0; i < index.count; i++)
	{
		NamedPart part;

		CHECK_FOR_INTERRUPTS();
		receive_part_name(in, type, &part);
		index.segments[i] = (SegmentRate){.name = part.name, .name_bytes = part.name_bytes};
		index.segments[i].good = pq_getmsgint64(in);
		index.segments[i].total = pq_getmsgint64(in);
	}
	if (in->cursor != in->len)
		bytes_malformed(type, "there are bytes left over");
	problem = index_problem(&index);
	if (problem != NULL)
		bytes_malformed(type, problem);
	PG_RETURN_POINTER(rate_index_pack(&index));
}

/* rate_indices(index, level) → setof (segment, good, total, rate, shrunk, low, high, status, low_any_prior, high_any_prior) */
PG_FUNCTION_INFO_V1(rate_indices);
Datum
rate_indices(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	double level = level_argument(fcinfo, 1);
	RateIndex index = rate_index_get(PG_GETARG_DATUM(0));
	RateUnits *rows = palloc_array(RateUnits, Max(1, index.count));
	RatePrior prior;
	RateSpread *spread = palloc(sizeof(RateSpread));
	int count = 0;

	for (uint32 i = 0; i < index.count; i++)
		if (index.segments[i].total > 0)
			rows[count++] = (RateUnits){(double) index.segments[i].good, (double) index.segments[i].total, 1.0};
	rate_prior_fit(&server_host, rows, count, false, &prior);
	rate_prior_spread(&server_host, rows, count, &prior, spread);
	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; i < index.count; i++)
	{
		const SegmentRate *segment = &index.segments[i];
		double good = (double) segment->good;
		double total = (double) segment->total;
		double low;
		double high;
		double low_any;
		double high_any;
		double shrunk = rate_shrunk(&prior, good, total);
		Datum values[10] = {
			PointerGetDatum(cstring_to_text_with_len(segment->name, (int) segment->name_bytes)),
			Int64GetDatum(segment->good),
			Int64GetDatum(segment->total),
		};
		bool nulls[10] = {false};

		CHECK_FOR_INTERRUPTS();
		rate_spread_interval(spread, good, total, level, &low_any, &high_any);
		rate_interval_holds(shrunk, &low_any, &high_any);
		low = low_any;
		high = high_any;
		/* where segments are alike no prior can be taken as known: that they differ is not seen, and yet may be so */
		if (prior.status != RATE_PRIOR_ALIKE)
		{
			rate_shrunk_interval(&prior, good, total, level, &low, &high);
			rate_interval_holds(shrunk, &low, &high);
		}
		set_float(values, nulls, 3, good / total);
		set_float(values, nulls, 4, shrunk);
		set_float(values, nulls, 5, low);
		set_float(values, nulls, 6, high);
		values[7] = CStringGetTextDatum(rate_prior_status_name(prior.status));
		set_float(values, nulls, 8, low_any);
		set_float(values, nulls, 9, high_any);
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}
