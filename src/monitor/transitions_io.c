/*
 * transitions_io.c
 *	  The text and binary forms of segment_transitions.
 *
 * Text:	{"moves": [["Loyal", "At risk", 15], [null, "New", 3], …]}
 *			from, to and the number of customers; null is outside
 * Binary:	version byte, number of moves (int32), of each the length of the name of
 *			from (int32, -1: outside) and the name in the client's encoding, the same
 *			of to, and the number of customers (int64)
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "monitor/transitions.h"
#include "support/bytes.h"
#include "support/json.h"

#define WIRE_VERSION 1
#define WIRE_MOVE_BYTES 16

/* A name or null. */
static bool
read_name(JsonInput *in, JsonbValue *value, const char *what, SegmentName *name)
{
	*name = (SegmentName){0};
	if (value->type == jbvNull)
		return true;
	name->text = json_read_text(in, value, what);
	if (name->text == NULL)
		return false;
	name->bytes = (int) strlen(name->text);
	return true;
}

/*
 * Adds a move that came from outside; what is wrong with it, or NULL. A move is there
 * once, or two texts would stand for a value.
 */
static const char *
add_move(TransitionsState **state, SegmentName from, SegmentName to, int64 customers)
{
	const char *problem = transitions_move_problem(from, to, customers);

	if (problem != NULL)
		return problem;
	if (customers == 0)
		return "a move needs customers";
	if (customers > PG_INT64_MAX - (*state)->customers)
		return "there are too many customers";
	if ((problem = transitions_room_problem(*state, from, to)) != NULL)
		return problem;
	*state = transitions_state_add(*state, from, to, customers);
	return NULL;
}

/* A value whose moves were counted; fewer of them than were given are a repetition. */
static const char *
finish(const TransitionsState *state, uint32 given, struct varlena **value)
{
	Transitions moves;
	uint32 found = 0;

	*value = transitions_pack(state);
	transitions_read(&moves, PointerGetDatum(*value));
	for (int i = 0; i < moves.n * moves.n; i++)
		found += moves.counts[i] > 0;
	return found < given ? "a move is there twice" : NULL;
}

PG_FUNCTION_INFO_V1(segment_transitions_in);
Datum
segment_transitions_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {"moves", NULL};
	JsonInput in = {"segment_transitions", fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	JsonbContainer *rows;
	TransitionsState *state = transitions_state_make();
	struct varlena *value;
	const char *problem = NULL;

	if (object == NULL || !json_check_members(&in, object, members) ||
		!json_array_member(&in, object, "moves", false, &rows))
		PG_RETURN_NULL();
	if (JsonContainerSize(rows) > (TRANSITIONS_MAX_SEGMENTS + 1) * (TRANSITIONS_MAX_SEGMENTS + 1))
	{
		json_fail(&in, "There are too many moves.");
		PG_RETURN_NULL();
	}
	for (uint32 i = 0; i < JsonContainerSize(rows); i++)
	{
		JsonbContainer *row = json_row(&in, rows, i, 3, "moves");
		SegmentName from, to;
		int64 customers;

		CHECK_FOR_INTERRUPTS();
		if (row == NULL || !read_name(&in, getIthJsonbValueFromContainer(row, 0), "from", &from) ||
			!read_name(&in, getIthJsonbValueFromContainer(row, 1), "to", &to) ||
			!json_read_int(&in, getIthJsonbValueFromContainer(row, 2), "customers", 1, PG_INT64_MAX, &customers))
			PG_RETURN_NULL();
		if ((problem = add_move(&state, from, to, customers)) != NULL)
			break;
	}
	if (problem == NULL)
		problem = finish(state, JsonContainerSize(rows), &value);
	if (problem != NULL)
	{
		json_fail(&in, "It cannot be used: %s.", problem);
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(value);
}

static void
append_name(StringInfo out, SegmentName name)
{
	if (name.text == NULL)
		appendStringInfoString(out, "null");
	else
		json_append_text(out, pnstrdup(name.text, name.bytes));
}

PG_FUNCTION_INFO_V1(segment_transitions_out);
Datum
segment_transitions_out(PG_FUNCTION_ARGS)
{
	Transitions moves;
	StringInfoData out;
	const char *separator = "";

	transitions_read(&moves, PG_GETARG_DATUM(0));
	initStringInfo(&out);
	appendStringInfoString(&out, "{\"moves\": [");
	for (int i = 0; i < moves.n; i++)
		for (int j = 0; j < moves.n; j++)
		{
			if (*transitions_cell(&moves, i, j) == 0)
				continue;
			CHECK_FOR_INTERRUPTS();
			appendStringInfo(&out, "%s[", separator);
			append_name(&out, moves.names[i]);
			appendStringInfoString(&out, ", ");
			append_name(&out, moves.names[j]);
			appendStringInfo(&out, ", " INT64_FORMAT "]", *transitions_cell(&moves, i, j));
			separator = ", ";
		}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

static SegmentName
receive_name(StringInfo in)
{
	SegmentName name = {0};
	int32 bytes = (int32) pq_getmsgint(in, 4);

	if (bytes == -1)
		return name;
	if (bytes < 0 || bytes > in->len - in->cursor)
		bytes_malformed("segment_transitions", "a name ends too early");
	name.text = pq_getmsgtext(in, bytes, &name.bytes);
	return name;
}

/* Bytes may come from anywhere (COPY BINARY): the input is untrusted, and checked. */
PG_FUNCTION_INFO_V1(segment_transitions_recv);
Datum
segment_transitions_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	TransitionsState *state = transitions_state_make();
	struct varlena *value;
	const char *problem;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed("segment_transitions", "the version is unknown");

	uint32 count = pq_getmsgint(in, 4);

	if (count > (uint32) (in->len - in->cursor) / WIRE_MOVE_BYTES)
		bytes_malformed("segment_transitions", "there are fewer moves than announced");
	for (uint32 i = 0; i < count; i++)
	{
		SegmentName from = receive_name(in);
		SegmentName to = receive_name(in);
		int64 customers = pq_getmsgint64(in);

		CHECK_FOR_INTERRUPTS();
		problem = add_move(&state, from, to, customers);
		if (problem != NULL)
			bytes_malformed("segment_transitions", problem);
	}
	if (in->cursor != in->len)
		bytes_malformed("segment_transitions", "there are bytes left over");
	if ((problem = finish(state, count, &value)) != NULL)
		bytes_malformed("segment_transitions", problem);
	PG_RETURN_POINTER(value);
}

/* pq_sendcountedtext would do, but its arguments differ among servers. */
static void
send_name(StringInfo out, SegmentName name)
{
	if (name.text == NULL)
	{
		pq_sendint32(out, (uint32) -1);
		return;
	}

	char *text = pg_server_to_client(name.text, name.bytes);
	int bytes = text == name.text ? name.bytes : (int) strlen(text);

	pq_sendint32(out, bytes);
	pq_sendbytes(out, text, bytes);
}

PG_FUNCTION_INFO_V1(segment_transitions_send);
Datum
segment_transitions_send(PG_FUNCTION_ARGS)
{
	Transitions moves;
	StringInfoData out;
	uint32 count = 0;

	transitions_read(&moves, PG_GETARG_DATUM(0));
	for (int i = 0; i < moves.n * moves.n; i++)
		count += moves.counts[i] > 0;
	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendint32(&out, count);
	for (int i = 0; i < moves.n; i++)
		for (int j = 0; j < moves.n; j++)
		{
			if (*transitions_cell(&moves, i, j) == 0)
				continue;
			send_name(&out, moves.names[i]);
			send_name(&out, moves.names[j]);
			pq_sendint64(&out, (uint64) *transitions_cell(&moves, i, j));
		}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
