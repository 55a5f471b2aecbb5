/*
 * holdout_io.c
 *	  The text and binary forms of clv_holdout.
 *
 * Text:	{"calibration_until": "1997-09-30", "holdout_until": "1998-06-30", "model": "bg/nbd",
 *			 "customers": [[x, t_x, "first day", orders, customers], …],
 *			 "acquired_later": [["day", customers], …], "repeats": [["day", transactions], …],
 *			 "gaps": [[days, how often], …], "fit": {a clv_model}}
 *			"fit" is null of a part that is still to be merged.
 * Binary:	version byte, model (1 byte), calibration_until and holdout_until (int32 each),
 *			length of the model (int32; 0: none), the binary form of the model, number of
 *			entries (int32), then group, detail and value (int64 each) of every entry in order
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "holdout/holdout.h"
#include "value/json.h"

#define WIRE_VERSION 1

static const char *const member_names[] = {
	[HOLDOUT_CUSTOMERS] = "customers",
	[HOLDOUT_ACQUIRED_LATER] = "acquired_later",
	[HOLDOUT_REPEATS] = "repeats",
	[HOLDOUT_GAP] = "gaps"
};

/* A holdout as it is read from text: its entries in the order of the text. */
typedef struct HoldoutText
{
	JsonInput  *in;
	HoldoutHead head;
	TallyList	list;			/* there is room for as many entries as the text has elements */
} HoldoutText;

static bool
read_customers(HoldoutText *text, JsonbContainer *rows)
{
	JsonInput  *in = text->in;

	for (uint32 i = 0; i < JsonContainerSize(rows); i++)
	{
		JsonbContainer *row = json_row(in, rows, i, 5, "customers");
		DateADT		first;
		int64		x,
					t_x,
					orders,
					customers;

		CHECK_FOR_INTERRUPTS();
		if (row == NULL ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 0), "x", 0, HOLDOUT_MAX_X, &x) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 1), "t_x", 0, PG_UINT32_MAX, &t_x) ||
			!json_read_date(in, getIthJsonbValueFromContainer(row, 2), "first day", &first) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 3), "orders", 0, PG_UINT32_MAX, &orders) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 4), "customers", 1, PG_INT64_MAX, &customers))
			return false;
		tally_list_add(&text->list, holdout_group(HOLDOUT_CUSTOMERS, (uint32) x, (uint32) orders),
					   holdout_detail((uint32) t_x, first), customers);
	}
	return true;
}

/* A member of rows [day, number], or [days, number] for gaps. */
static bool
read_counts(HoldoutText *text, JsonbContainer *rows, HoldoutKind kind)
{
	JsonInput  *in = text->in;

	for (uint32 i = 0; rows != NULL && i < JsonContainerSize(rows); i++)
	{
		JsonbContainer *row = json_row(in, rows, i, 2, member_names[kind]);
		DateADT		day = 0;
		int64		days = 0,
					number;

		CHECK_FOR_INTERRUPTS();
		if (row == NULL ||
			(kind == HOLDOUT_GAP
			 ? !json_read_int(in, getIthJsonbValueFromContainer(row, 0), "days", 1, PG_INT32_MAX, &days)
			 : !json_read_date(in, getIthJsonbValueFromContainer(row, 0), "day", &day)) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 1), "number", 1, PG_INT64_MAX, &number))
			return false;
		tally_list_add(&text->list, holdout_group(kind, 0, 0), kind == HOLDOUT_GAP ? (uint64) days : holdout_detail(0, day), number);
	}
	return true;
}

/* All members of entries, which are then in order. */
static bool
read_entries(HoldoutText *text, JsonbContainer *object)
{
	JsonbContainer *rows[HOLDOUT_GAP + 1];
	Size		most = 0;
	const TallyEntry *twice;

	for (int kind = HOLDOUT_CUSTOMERS; kind <= HOLDOUT_GAP; kind++)
	{
		if (!json_array_member(text->in, object, member_names[kind], kind != HOLDOUT_CUSTOMERS, &rows[kind]))
			return false;
		most += rows[kind] == NULL ? 0 : JsonContainerSize(rows[kind]);
	}
	text->list.entries = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, most) * sizeof(TallyEntry));
	if (!read_customers(text, rows[HOLDOUT_CUSTOMERS]))
		return false;
	for (int kind = HOLDOUT_ACQUIRED_LATER; kind <= HOLDOUT_GAP; kind++)
		if (!read_counts(text, rows[kind], kind))
			return false;
	tally_sort(text->list.entries, text->list.count);
	twice = tally_twice(text->list.entries, text->list.count);
	return twice == NULL ||
		json_fail(text->in, "\"%s\" has an element twice.", member_names[holdout_kind(twice)]);
}

static bool
read_head(JsonInput *in, JsonbContainer *object, HoldoutHead *head)
{
	char	   *name = json_read_text(in, json_member(object, "model"), "model");

	if (name == NULL ||
		!json_read_date(in, json_member(object, "calibration_until"), "calibration_until", &head->calibration_until) ||
		!json_read_date(in, json_member(object, "holdout_until"), "holdout_until", &head->holdout_until))
		return false;
	head->model_id = holdout_model_id(name);
	return head->model_id >= 0 || json_fail(in, "There is no model \"%s\".", json_excerpt(name, strlen(name)));
}

/* The fitted model is a value of its own, read by its own input function. */
static bool
read_fit(JsonInput *in, JsonbContainer *object, const ClvModel **fit)
{
	JsonbContainer *member;
	Datum		model;
	char	   *text;

	*fit = NULL;
	if (!json_object_member(in, object, "fit", true, &member))
		return false;
	if (member == NULL)
		return true;
	text = JsonbToCString(NULL, member, 0);
#if PG_VERSION_NUM >= 160000
	if (!DirectInputFunctionCallSafe(clv_model_in, text, InvalidOid, -1, in->escontext, &model))
		return false;
#else
	model = DirectFunctionCall1(clv_model_in, CStringGetDatum(text));
#endif
	*fit = clv_model_get(model);
	return true;
}

PG_FUNCTION_INFO_V1(clv_holdout_in);
Datum
clv_holdout_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {
		"calibration_until", "holdout_until", "model", "customers", "acquired_later", "repeats", "gaps", "fit", NULL
	};
	JsonInput	in = {"clv_holdout", fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	HoldoutText text = {&in};
	const ClvModel *fit;

	if (object == NULL || !json_check_members(&in, object, members) ||
		!read_head(&in, object, &text.head) || !read_fit(&in, object, &fit) ||
		!read_entries(&text, object))
		PG_RETURN_NULL();

	const char *problem = holdout_problem(text.list.entries, text.list.count, &text.head, fit);

	if (problem != NULL)
	{
		json_fail(&in, "The entries do not fit together: %s.", problem);
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(holdout_pack(text.list.entries, text.list.count, &text.head, fit));
}

static void
append_entry(StringInfo out, const TallyEntry *entry)
{
	switch (holdout_kind(entry))
	{
		case HOLDOUT_CUSTOMERS:
			appendStringInfo(out, "[%u, %u, ", holdout_x(entry), holdout_t_x(entry));
			json_append_date(out, holdout_day(entry));
			appendStringInfo(out, ", %u, " INT64_FORMAT "]", holdout_orders(entry), entry->value);
			break;
		case HOLDOUT_ACQUIRED_LATER:
		case HOLDOUT_REPEATS:
			appendStringInfoChar(out, '[');
			json_append_date(out, holdout_day(entry));
			appendStringInfo(out, ", " INT64_FORMAT "]", entry->value);
			break;
		case HOLDOUT_GAP:
			appendStringInfo(out, "[" UINT64_FORMAT ", " INT64_FORMAT "]", entry->detail, entry->value);
			break;
	}
}

PG_FUNCTION_INFO_V1(clv_holdout_out);
Datum
clv_holdout_out(PG_FUNCTION_ARGS)
{
	HoldoutReader reader;
	StringInfoData out;

	holdout_open(&reader, PG_GETARG_DATUM(0));
	initStringInfo(&out);
	appendStringInfoString(&out, "{\"calibration_until\": ");
	json_append_date(&out, reader.head.calibration_until);
	appendStringInfoString(&out, ", \"holdout_until\": ");
	json_append_date(&out, reader.head.holdout_until);
	appendStringInfo(&out, ", \"model\": \"%s\"", holdout_model_name(reader.head.model_id));

	bool		more = holdout_next(&reader);

	for (int kind = HOLDOUT_CUSTOMERS; kind <= HOLDOUT_GAP; kind++)
	{
		appendStringInfo(&out, ", \"%s\": [", member_names[kind]);
		for (bool first = true; more && holdout_kind(&reader.entry) == kind; first = false)
		{
			CHECK_FOR_INTERRUPTS();
			appendStringInfoString(&out, first ? "" : ", ");
			append_entry(&out, &reader.entry);
			more = holdout_next(&reader);
		}
		appendStringInfoChar(&out, ']');
	}
	appendStringInfo(&out, ", \"fit\": %s}", reader.fit == NULL ? "null"
					 : DatumGetCString(DirectFunctionCall1(clv_model_out, PointerGetDatum(reader.fit))));
	PG_RETURN_CSTRING(out.data);
}

/* The fitted model in a binary message, or NULL. */
static const ClvModel *
receive_fit(StringInfo in)
{
	int			bytes = pq_getmsgint(in, 4);
	StringInfoData part;

	if (bytes == 0)
		return NULL;
	initStringInfo(&part);
	appendBinaryStringInfo(&part, pq_getmsgbytes(in, bytes), bytes);

	Datum		model = DirectFunctionCall1(clv_model_recv, PointerGetDatum(&part));

	if (part.cursor != part.len)
		bytes_malformed("clv_holdout", "the length does not fit the model");
	return clv_model_get(model);
}

/* Bytes may come from anywhere (COPY BINARY): nothing is believed. */
PG_FUNCTION_INFO_V1(clv_holdout_recv);
Datum
clv_holdout_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	HoldoutHead head = {0};

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed("clv_holdout", "the version is unknown");
	head.model_id = pq_getmsgbyte(in);
	head.calibration_until = (DateADT) pq_getmsgint(in, 4);
	head.holdout_until = (DateADT) pq_getmsgint(in, 4);

	const ClvModel *fit = receive_fit(in);
	uint32		count;
	TallyEntry *entries = tally_receive(&holdout_tally, in, &count);
	const char *problem = holdout_problem(entries, count, &head, fit);

	if (problem != NULL)
		bytes_malformed("clv_holdout", problem);
	PG_RETURN_POINTER(holdout_pack(entries, count, &head, fit));
}

PG_FUNCTION_INFO_V1(clv_holdout_send);
Datum
clv_holdout_send(PG_FUNCTION_ARGS)
{
	HoldoutReader reader;
	StringInfoData out;

	holdout_open(&reader, PG_GETARG_DATUM(0));
	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendbyte(&out, (uint8) reader.head.model_id);
	pq_sendint32(&out, (uint32) reader.head.calibration_until);
	pq_sendint32(&out, (uint32) reader.head.holdout_until);
	if (reader.fit == NULL)
		pq_sendint32(&out, 0);
	else
	{
		bytea	   *model = DatumGetByteaP(DirectFunctionCall1(clv_model_send, PointerGetDatum(reader.fit)));

		pq_sendint32(&out, VARSIZE(model) - VARHDRSZ);
		pq_sendbytes(&out, VARDATA(model), VARSIZE(model) - VARHDRSZ);
	}
	pq_sendint32(&out, reader.left);
	while (holdout_next(&reader))
	{
		CHECK_FOR_INTERRUPTS();
		tally_send(&out, &reader.entry);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
