/*
 * rfm_io.c
 *	  The text and binary forms of rfm_cuts.
 *
 * Text:	{"levels": 5, "customers": 2357,
 *			 "recency": {"cuts": [90, 41, 20, 9], "effective_levels": 5},
 *			 "frequency": …, "monetary": …}
 *			or, of a state on its way between processes,
 *			{"levels": 5, "counting": {
 *			 "recency": {"binned": false, "values": [1, 4, …], "customers": [3, 1, …]},
 *			 "frequency": …, "monetary": …}}
 * Binary:	version byte, form byte, levels byte; then, if finished, the number of
 *			customers (int64) and of each dimension its effective levels (byte)
 *			and cuts (float8); if counting, of each dimension binned (byte), the
 *			number of values (int32), and value (float8) and customers (int64) of
 *			each in ascending order
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"

#include "rfm/rfm.h"
#include "rfm/rfm_counts.h"
#include "value/bytes.h"
#include "value/json.h"

#define WIRE_VERSION 1
#define WIRE_FINISHED 0
#define WIRE_COUNTING 1
#define WIRE_COUNT_BYTES 16

/* The cuts of one dimension. */
static bool
read_cuts(JsonInput *in, JsonbContainer *object, int dimension, RfmCuts *cuts)
{
	static const char *const members[] = {"cuts", "effective_levels", NULL};
	JsonbContainer *dimension_object;
	JsonbContainer *array;
	int64		number;

	if (!json_object_member(in, object, rfm_dimension_names[dimension], false, &dimension_object) ||
		!json_check_members(in, dimension_object, members) ||
		!json_array_member(in, dimension_object, "cuts", false, &array))
		return false;
	if (JsonContainerSize(array) != cuts->levels - 1)
		return json_fail(in, "Member \"%s\" must have %d cuts.",
						 rfm_dimension_names[dimension], cuts->levels - 1);
	for (int k = 0; k < cuts->levels - 1; k++)
	{
		if (!json_read_float(in, getIthJsonbValueFromContainer(array, k), "cuts",
							 &cuts->cuts[dimension][k]))
			return false;
		cuts->cuts[dimension][k] += 0.0;	/* no minus zero */
	}
	if (!json_read_int(in, json_member(dimension_object, "effective_levels"), "effective_levels",
					   1, cuts->levels, &number))
		return false;
	cuts->effective_levels[dimension] = (int) number;
	return true;
}

/* The counts of one dimension. */
static bool
read_counts(JsonInput *in, JsonbContainer *object, int dimension, RfmList *list)
{
	static const char *const members[] = {"binned", "values", "customers", NULL};
	JsonbContainer *dimension_object;
	JsonbContainer *values,
			   *customers;

	if (!json_object_member(in, object, rfm_dimension_names[dimension], false, &dimension_object) ||
		!json_check_members(in, dimension_object, members) ||
		!json_read_bool(in, json_member(dimension_object, "binned"), "binned", &list->binned) ||
		!json_array_member(in, dimension_object, "values", false, &values) ||
		!json_array_member(in, dimension_object, "customers", false, &customers))
		return false;
	list->length = JsonContainerSize(values);
	if (JsonContainerSize(customers) != list->length)
		return json_fail(in, "Member \"%s\" must have as many customers as values.",
						 rfm_dimension_names[dimension]);

	list->counts = palloc_array(RfmCount, Max(1, list->length));
	for (uint32 i = 0; i < list->length; i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(values, i);
		JsonbValue *number = getIthJsonbValueFromContainer(customers, i);

		CHECK_FOR_INTERRUPTS();
		if (!json_read_float(in, value, "values", &list->counts[i].value) ||
			!json_read_int(in, number, "customers", 1, RFM_MAX_CUSTOMERS, &list->counts[i].customers))
			return false;
		list->counts[i].value += 0.0;	/* no minus zero */
		pfree(value);
		pfree(number);
	}
	return true;
}

PG_FUNCTION_INFO_V1(rfm_cuts_in);
Datum
rfm_cuts_in(PG_FUNCTION_ARGS)
{
	static const char *const finished_members[] =
	{"levels", "customers", "recency", "frequency", "monetary", NULL};
	static const char *const counting_members[] = {"levels", "counting", NULL};
	static const char *const dimension_members[] = {"recency", "frequency", "monetary", NULL};
	JsonInput	in = {"rfm_cuts", fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	int64		levels;
	const char *problem;

	if (object == NULL)
		PG_RETURN_NULL();

	bool		counting = json_member(object, "counting") != NULL;

	if (!json_check_members(&in, object, counting ? counting_members : finished_members) ||
		!json_read_int(&in, json_member(object, "levels"), "levels",
					   RFM_MIN_LEVELS, RFM_MAX_LEVELS, &levels))
		PG_RETURN_NULL();

	if (counting)
	{
		RfmList		lists[RFM_DIMENSIONS];

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
		RfmCuts		cuts = {.levels = (int) levels};

		if (!json_read_int(&in, json_member(object, "customers"), "customers",
						   1, RFM_MAX_CUSTOMERS, &cuts.customers))
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

static void
write_counts(StringInfo out, const RfmList *list)
{
	appendStringInfo(out, "{\"binned\": %s, \"values\": [", list->binned ? "true" : "false");
	for (uint32 i = 0; i < list->length; i++)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfoString(out, i == 0 ? "" : ", ");
		json_append_float(out, list->counts[i].value);
	}
	appendStringInfoString(out, "], \"customers\": [");
	for (uint32 i = 0; i < list->length; i++)
		appendStringInfo(out, "%s" INT64_FORMAT, i == 0 ? "" : ", ", list->counts[i].customers);
	appendStringInfoString(out, "]}");
}

PG_FUNCTION_INFO_V1(rfm_cuts_out);
Datum
rfm_cuts_out(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);
	StringInfoData out;

	initStringInfo(&out);
	if (rfm_is_counts(value))
	{
		RfmCounts  *counts = (RfmCounts *) PG_GETARG_VARLENA_P(0);

		appendStringInfo(&out, "{\"levels\": %d, \"counting\": {", counts->levels);
		for (int i = 0; i < RFM_DIMENSIONS; i++)
		{
			RfmList		list = rfm_counts_list(counts, i);

			appendStringInfo(&out, "%s\"%s\": ", i == 0 ? "" : ", ", rfm_dimension_names[i]);
			write_counts(&out, &list);
			pfree(list.counts);
		}
		appendStringInfoString(&out, "}}");
		PG_RETURN_CSTRING(out.data);
	}

	RfmCuts		cuts;

	rfm_cuts_read(&cuts, PointerGetDatum(value));
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
	int			binned = pq_getmsgbyte(in);

	if (binned > 1)
		bytes_malformed("rfm_cuts", "a flag is neither 0 nor 1");
	list->binned = binned;
	list->length = pq_getmsgint(in, 4);
	if ((uint64) list->length * WIRE_COUNT_BYTES > (uint64) (in->len - in->cursor))
		bytes_malformed("rfm_cuts", "there are fewer values than announced");

	list->counts = palloc_array(RfmCount, Max(1, list->length));
	for (uint32 i = 0; i < list->length; i++)
	{
		CHECK_FOR_INTERRUPTS();
		list->counts[i].value = pq_getmsgfloat8(in) + 0.0;
		list->counts[i].customers = pq_getmsgint64(in);
	}
}

/* Bytes may come from anywhere (COPY BINARY): nothing is believed. */
PG_FUNCTION_INFO_V1(rfm_cuts_recv);
Datum
rfm_cuts_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	RfmCuts		cuts = {0};
	RfmList		lists[RFM_DIMENSIONS];
	const char *problem;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed("rfm_cuts", "the version is unknown");

	int			form = pq_getmsgbyte(in);

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
		/* The levels say how much is to be read, so they are looked at first. */
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
		RfmCounts  *counts = (RfmCounts *) PG_GETARG_VARLENA_P(0);

		pq_sendbyte(&out, WIRE_COUNTING);
		pq_sendbyte(&out, counts->levels);
		for (int i = 0; i < RFM_DIMENSIONS; i++)
		{
			RfmList		list = rfm_counts_list(counts, i);

			pq_sendbyte(&out, list.binned);
			pq_sendint32(&out, list.length);
			for (uint32 j = 0; j < list.length; j++)
			{
				pq_sendfloat8(&out, list.counts[j].value);
				pq_sendint64(&out, list.counts[j].customers);
			}
			pfree(list.counts);
		}
		PG_RETURN_BYTEA_P(pq_endtypsend(&out));
	}

	RfmCuts		cuts;

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
