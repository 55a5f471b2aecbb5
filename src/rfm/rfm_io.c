/*
 * rfm_io.c
 *	  The text and binary forms of rfm_cuts.
 *
 * Text:	{"levels": 5, "customers": 2357,
 *			 "recency": {"cuts": [90, 41, 20, 9], "effective_levels": 5},
 *			 "frequency": …, "monetary": …}
 *			or, of a state on its way between servers, {"base64": "…"} (rfm_state_text.c);
 *			it may also be written as
 *			{"levels": 5, "counting": {
 *			 "recency": {"values": [1, 4, …], "customers": [3, 1, …]},
 *			 "frequency": …, "monetary": …}}
 * Binary:	version byte, form byte, levels byte; then, if finished, the number of
 *			customers (int64) and of each dimension its effective levels (byte)
 *			and cuts (float8); if counting, of each dimension the number of values
 *			(int32), and value (float8) and customers (int64) of each in ascending
 *			order
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/memutils.h"

#include "rfm/rfm.h"
#include "rfm/rfm_counts.h"
#include "support/bytes.h"
#include "support/json.h"

#define WIRE_VERSION 1
#define WIRE_FINISHED 0
#define WIRE_COUNTING 2 /* 1 had bins */
#define WIRE_COUNT_BYTES 16

/* The cuts of one dimension. */
static bool
read_cuts(JsonInput *in, JsonbContainer *object, int dimension, RfmCuts *cuts)
{
	static const char *const members[] = {"cuts", "effective_levels", NULL};
	JsonbContainer *dimension_object;
	JsonbContainer *array;
	int64 number;

	if (!json_object_member(in, object, rfm_dimension_names[dimension], false, &dimension_object) ||
		!json_check_members(in, dimension_object, members) ||
		!json_array_member(in, dimension_object, "cuts", false, &array))
		return false;
	if (JsonContainerSize(array) != cuts->levels - 1)
		return json_fail(in, "Member \"%s\" must have %d cuts.", rfm_dimension_names[dimension], cuts->levels - 1);
	for (int k = 0; k < cuts->levels - 1; k++)
	{
		if (!json_read_float(in, getIthJsonbValueFromContainer(array, k), "cuts", &cuts->cuts[dimension][k]))
			return false;
		cuts->cuts[dimension][k] += 0.0; /* no minus zero */
	}
	if (!json_read_int(in, json_member(dimension_object, "effective_levels"), "effective_levels", 1, cuts->levels,
					   &number))
		return false;
	cuts->effective_levels[dimension] = (int) number;
	return true;
}

/* The counts of one dimension. */
static bool
read_counts(JsonInput *in, JsonbContainer *object, int dimension, RfmList *list)
{
	static const char *const members[] = {"values", "customers", NULL};
	JsonbContainer *dimension_object;
	JsonbContainer *values, *customers;

	if (!json_object_member(in, object, rfm_dimension_names[dimension], false, &dimension_object) ||
		!json_check_members(in, dimension_object, members) ||
		!json_array_member(in, dimension_object, "values", false, &values) ||
		!json_array_member(in, dimension_object, "customers", false, &customers))
		return false;
	list->length = JsonContainerSize(values);
	if (JsonContainerSize(customers) != list->length)
		return json_fail(in, "Member \"%s\" must have as many customers as values.", rfm_dimension_names[dimension]);

	list->counts = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(RfmCount) * Max(1, list->length));
	for (uint32 i = 0; i < list->length; i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(values, i);
		JsonbValue *number = getIthJsonbValueFromContainer(customers, i);

		CHECK_FOR_INTERRUPTS();
		if (!json_read_float(in, value, "values", &list->counts[i].value) ||
			!json_read_int(in, number, "customers", 1, RFM_MAX_CUSTOMERS, &list->counts[i].customers))
			return false;
		list->counts[i].value += 0.0; /* no minus zero */
		pfree(value);
		pfree(number);
	}
	return true;
}

/* A state from its text; NULL after a soft error. */
static RfmCounts *
read_state(JsonInput *in, const char *base64, Size length)
{
	RfmList lists[RFM_DIMENSIONS];
	int levels;
	const char *problem;

	if (!rfm_lists_from_text(in, base64, length, &levels, lists))
		return NULL;
	problem = rfm_lists_problem(levels, lists);
	if (problem == NULL)
		return rfm_counts_from_lists(levels, lists);
	json_fail(in, "%s.", problem);
	return NULL;
}

PG_FUNCTION_INFO_V1(rfm_cuts_in);
Datum
rfm_cuts_in(PG_FUNCTION_ARGS)
{
	static const char *const finished_members[] = {"levels", "customers", "recency", "frequency", "monetary", NULL};
	static const char *const counting_members[] = {"levels", "counting", NULL};
	static const char *const dimension_members[] = {"recency", "frequency", "monetary", NULL};
	JsonInput in = {"rfm_cuts", fcinfo->context};
	const char *base64;
	Size length;

	if (state_text_find(PG_GETARG_CSTRING(0), &base64, &length))
	{
		RfmCounts *counts = read_state(&in, base64, length);

		if (counts == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(counts);
	}

	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	int64 levels;
	const char *problem;

	if (object == NULL)
		PG_RETURN_NULL();

	bool counting = json_member(object, "counting") != NULL;

	if (!json_check_members(&in, object, counting ? counting_members : finished_members) ||
		!json_read_int(&in, json_member(object, "levels"), "levels", RFM_MIN_LEVELS, RFM_MAX_LEVELS, &levels))
		PG_RETURN_NULL();

	if (counting)
	{
		RfmList lists[RFM_DIMENSIONS];

		if (!json_object_member(&in, object, "counting", false, &object) ||
			!json_check_members(&in, object, dimension_members))
			PG_RETURN_NULL();
		for (int i = 0; i < RFM_DIMENSIONS; i++)
			if (!read_counts(&in, object, i, &lists[i]))
				PG_RETURN_NULL();
		if ((problem = rfm_lists_problem((int) levels, lists)) == NULL)
			PG_RETURN_POINTER(rfm_counts_from_lists((int) levels, lists));
	}
	else
	{
		RfmCuts cuts = {.levels = (int) levels};

		if (!json_read_int(&in, json_member(object, "customers"), "customers", 1, RFM_MAX_CUSTOMERS, &cuts.customers))
			PG_RETURN_NULL();
		for (int i = 0; i < RFM_DIMENSIONS; i++)
			if (!read_cuts(&in, object, i, &cuts))
				PG_RETURN_NULL();
		if ((problem = rfm_cuts_problem(&cuts)) == NULL)
			PG_RETURN_POINTER(rfm_cuts_pack(&cuts));
	}
	json_fail(&in, "%s.", problem);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(rfm_cuts_out);
Datum
rfm_cuts_out(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);
	StringInfoData out;

	if (rfm_is_counts(value))
		PG_RETURN_CSTRING(rfm_counts_to_text((RfmCounts *) PG_GETARG_VARLENA_P(0)));

	RfmCuts cuts;

	rfm_cuts_read(&cuts, PointerGetDatum(value));
	initStringInfo(&out);
	appendStringInfo(&out, "{\"levels\": %d, \"customers\": " INT64_FORMAT, cuts.levels, cuts.customers);
	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		appendStringInfo(&out, ", \"%s\": {\"cuts\": ", rfm_dimension_names[i]);
		json_append_floats(&out, cuts.cuts[i], cuts.levels - 1);
		appendStringInfo(&out, ", \"effective_levels\": %d}", cuts.effective_levels[i]);
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

static void
receive_list(StringInfo in, RfmList *list)
{
	list->length = pq_getmsgint(in, 4);
	if ((uint64) list->length * WIRE_COUNT_BYTES > (uint64) (in->len - in->cursor))
		bytes_malformed("rfm_cuts", "there are fewer values than announced");

	list->counts = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(RfmCount) * Max(1, list->length));
	for (uint32 i = 0; i < list->length; i++)
	{
		CHECK_FOR_INTERRUPTS();
		list->counts[i].value = pq_getmsgfloat8(in) + 0.0;
		list->counts[i].customers = pq_getmsgint64(in);
	}
}

/* The bytes are untrusted (COPY BINARY): everything is checked. */
PG_FUNCTION_INFO_V1(rfm_cuts_recv);
Datum
rfm_cuts_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	RfmCuts cuts = {0};
	RfmList lists[RFM_DIMENSIONS];
	const char *problem;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed("rfm_cuts", "the version is unknown");

	int form = pq_getmsgbyte(in);

	if (form != WIRE_FINISHED && form != WIRE_COUNTING)
		bytes_malformed("rfm_cuts", "the form is unknown");
	cuts.levels = pq_getmsgbyte(in);

	if (form == WIRE_COUNTING)
	{
		for (int i = 0; i < RFM_DIMENSIONS; i++)
			receive_list(in, &lists[i]);
		problem = rfm_lists_problem(cuts.levels, lists);
	}
	else
	{
		/* The levels determine how much is to be read, so they are checked first. */
		if (cuts.levels < RFM_MIN_LEVELS || cuts.levels > RFM_MAX_LEVELS)
			bytes_malformed("rfm_cuts", "levels are out of range");
		cuts.customers = pq_getmsgint64(in);
		for (int i = 0; i < RFM_DIMENSIONS; i++)
		{
			cuts.effective_levels[i] = pq_getmsgbyte(in);
			for (int k = 0; k < cuts.levels - 1; k++)
				cuts.cuts[i][k] = pq_getmsgfloat8(in) + 0.0;
		}
		problem = rfm_cuts_problem(&cuts);
	}
	if (problem != NULL)
		bytes_malformed("rfm_cuts", problem);
	if (in->cursor != in->len)
		bytes_malformed("rfm_cuts", "there are bytes left over");
	if (form == WIRE_COUNTING)
		PG_RETURN_POINTER(rfm_counts_from_lists(cuts.levels, lists));
	PG_RETURN_POINTER(rfm_cuts_pack(&cuts));
}

/* The number of values is known when they are written. */
static void
send_counts(StringInfo out, const RfmCounts *counts, int dimension)
{
	RfmReader reader;
	int length_at = out->len;
	uint32 length = 0;

	rfm_reader_open(&reader, counts, dimension);
	pq_sendint32(out, 0);
	for (; rfm_reader_next(&reader); length++)
	{
		pq_sendfloat8(out, reader.current.value);
		pq_sendint64(out, reader.current.customers);
	}
	rfm_reader_close(&reader);
	length = pg_hton32(length);
	memcpy(out->data + length_at, &length, sizeof(length));
}

PG_FUNCTION_INFO_V1(rfm_cuts_send);
Datum
rfm_cuts_send(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	if (rfm_is_counts(value))
	{
		RfmCounts *counts = (RfmCounts *) PG_GETARG_VARLENA_P(0);

		pq_sendbyte(&out, WIRE_COUNTING);
		pq_sendbyte(&out, counts->levels);
		for (int i = 0; i < RFM_DIMENSIONS; i++)
			send_counts(&out, counts, i);
		PG_RETURN_BYTEA_P(pq_endtypsend(&out));
	}

	RfmCuts cuts;

	rfm_cuts_read(&cuts, PointerGetDatum(value));
	pq_sendbyte(&out, WIRE_FINISHED);
	pq_sendbyte(&out, cuts.levels);
	pq_sendint64(&out, cuts.customers);
	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		pq_sendbyte(&out, cuts.effective_levels[i]);
		for (int k = 0; k < cuts.levels - 1; k++)
			pq_sendfloat8(&out, cuts.cuts[i][k]);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
