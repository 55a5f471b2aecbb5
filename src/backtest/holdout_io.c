/*
 * holdout_io.c
 *	  The text and binary forms of clv_holdout.
 *
 * Text:	{"calibration_until": "1997-09-30", "holdout_until": "1998-06-30", "model": "bg/nbd",
 *			 "customers": [[x, t_x, "first day", orders, customers], …],
 *			 "acquired_later": [["day", customers], …], "repeats": [["day", transactions], …],
 *			 "gaps": [[days, how often], …], "spend": [[x, t_x, "first day", bin before, bin after,
 *			 customers], …], "spend_before": [[…, sum], …], "spend_after": […], "fit": {a clv_model}}
 *			"fit" is null in a partial result; with a season there is "season": "month".
 *			Of the state of an aggregate: {"base64": "…"}, the stored form without a fit
 *			(support/state_text.h).
 * Binary:	version byte, model (1 byte), in version 2 the season (1 byte), calibration_until and holdout_until (int32 each),
 *			length of the model (int32; 0: none), the binary form of the model, number of
 *			entries (int32), then group, detail and value (int64 each) of every entry in order
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "backtest/holdout.h"
#include "support/json.h"

#define WIRE_VERSION 1
#define WIRE_VERSION_SEASON 2

static const char *const member_names[] = {
	[HOLDOUT_CUSTOMERS] = "customers",
	[HOLDOUT_ACQUIRED_LATER] = "acquired_later",
	[HOLDOUT_REPEATS] = "repeats",
	[HOLDOUT_GAP] = "gaps",
	[HOLDOUT_SPEND] = "spend",
	[HOLDOUT_SPEND_BEFORE] = "spend_before",
	[HOLDOUT_SPEND_AFTER] = "spend_after",
};

/* A holdout while it is read from text: its entries in the order of the text. */
typedef struct HoldoutText
{
	JsonInput *in;
	HoldoutHead head;
	CountList list; /* capacity: the number of elements of the text */
} HoldoutText;

static bool
read_customers(HoldoutText *text, JsonbContainer *rows)
{
	JsonInput *in = text->in;

	for (uint32 i = 0; i < JsonContainerSize(rows); i++)
	{
		JsonbContainer *row = json_row(in, rows, i, 5, "customers");
		DateADT first;
		int64 x, t_x, orders, customers;

		CHECK_FOR_INTERRUPTS();
		if (row == NULL || !json_read_int(in, getIthJsonbValueFromContainer(row, 0), "x", 0, HOLDOUT_MAX_X, &x) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 1), "t_x", 0, PG_UINT32_MAX, &t_x) ||
			!json_read_date(in, getIthJsonbValueFromContainer(row, 2), "first day", &first) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 3), "orders", 0, PG_UINT32_MAX, &orders) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 4), "customers", 1, PG_INT64_MAX, &customers))
			return false;
		count_list_add(&text->list, holdout_group(HOLDOUT_CUSTOMERS, (uint32) x, (uint32) orders),
					   holdout_detail((uint32) t_x, first), customers);
	}
	return true;
}

/* A member of rows of spend, whose last number is a count or a sum. */
static bool
read_spend(HoldoutText *text, JsonbContainer *rows, HoldoutKind kind)
{
	JsonInput *in = text->in;

	for (uint32 i = 0; rows != NULL && i < JsonContainerSize(rows); i++)
	{
		JsonbContainer *row = json_row(in, rows, i, 6, member_names[kind]);
		DateADT first;
		int64 x, t_x, before, after, value;

		CHECK_FOR_INTERRUPTS();
		if (row == NULL || !json_read_int(in, getIthJsonbValueFromContainer(row, 0), "x", 0, HOLDOUT_MAX_X, &x) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 1), "t_x", 0, PG_UINT32_MAX, &t_x) ||
			!json_read_date(in, getIthJsonbValueFromContainer(row, 2), "first day", &first) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 3), "bin before", 0, PG_UINT16_MAX, &before) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 4), "bin after", 0, PG_UINT16_MAX, &after) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 5), "number", PG_INT64_MIN, PG_INT64_MAX, &value))
			return false;
		if (value == 0)
			return json_fail(in, "A number in \"%s\" must not be 0.", member_names[kind]);
		count_list_add(&text->list, holdout_group(kind, (uint32) x, holdout_bins((uint32) before, (uint32) after)),
					   holdout_detail((uint32) t_x, first), value);
	}
	return true;
}

/* A member of rows [day, number], or [days, number] for gaps. */
static bool
read_counts(HoldoutText *text, JsonbContainer *rows, HoldoutKind kind)
{
	JsonInput *in = text->in;

	for (uint32 i = 0; rows != NULL && i < JsonContainerSize(rows); i++)
	{
		JsonbContainer *row = json_row(in, rows, i, 2, member_names[kind]);
		DateADT day = 0;
		int64 days = 0, number;

		CHECK_FOR_INTERRUPTS();
		if (row == NULL ||
			(kind == HOLDOUT_GAP
				 ? !json_read_int(in, getIthJsonbValueFromContainer(row, 0), "days", 1, PG_INT32_MAX, &days)
				 : !json_read_date(in, getIthJsonbValueFromContainer(row, 0), "day", &day)) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 1), "number", 1, PG_INT64_MAX, &number))
			return false;
		count_list_add(&text->list, holdout_group(kind, 0, 0),
					   kind == HOLDOUT_GAP ? (uint64) days : holdout_detail(0, day), number);
	}
	return true;
}

/* All members of entries, which are then in order. */
static bool
read_entries(HoldoutText *text, JsonbContainer *object)
{
	JsonbContainer *rows[HOLDOUT_LAST_KIND + 1];
	Size most = 0;
	const CountEntry *twice;

	for (int kind = HOLDOUT_CUSTOMERS; kind <= HOLDOUT_LAST_KIND; kind++)
	{
		if (!json_array_member(text->in, object, member_names[kind], kind != HOLDOUT_CUSTOMERS, &rows[kind]))
			return false;
		most += rows[kind] == NULL ? 0 : JsonContainerSize(rows[kind]);
	}
	text->list.entries = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, most) * sizeof(CountEntry));
	if (!read_customers(text, rows[HOLDOUT_CUSTOMERS]))
		return false;
	for (int kind = HOLDOUT_ACQUIRED_LATER; kind <= HOLDOUT_GAP; kind++)
		if (!read_counts(text, rows[kind], kind))
			return false;
	for (int kind = HOLDOUT_SPEND; kind <= HOLDOUT_LAST_KIND; kind++)
		if (!read_spend(text, rows[kind], kind))
			return false;
	count_map_sort(text->list.entries, text->list.count);
	twice = count_map_duplicate(text->list.entries, text->list.count);
	return twice == NULL || json_fail(text->in, "\"%s\" has an element twice.", member_names[holdout_kind(twice)]);
}

/* What the season goes by, if there is one. */
static bool
read_season(JsonInput *in, JsonbValue *value, HoldoutHead *head)
{
	char *name = value == NULL ? NULL : json_read_text(in, value, "season");

	head->season = 0;
	if (value == NULL)
		return true;
	for (int by = 0; name != NULL && by < SEASON_BYS; by++)
		if (strcmp(season_by_names[by], name) == 0)
			head->season = by + 1;
	return head->season > 0 ||
		(name != NULL && json_fail(in, "There is no season by \"%s\".", json_excerpt(name, strlen(name))));
}

static bool
read_head(JsonInput *in, JsonbContainer *object, HoldoutHead *head)
{
	char *name = json_read_text(in, json_member(object, "model"), "model");

	if (name == NULL ||
		!json_read_date(in, json_member(object, "calibration_until"), "calibration_until", &head->calibration_until) ||
		!json_read_date(in, json_member(object, "holdout_until"), "holdout_until", &head->holdout_until))
		return false;
	head->model_id = holdout_model_id(name);
	if (head->model_id < 0)
		return json_fail(in, "There is no model \"%s\" for holdouts. There are %s.", json_excerpt(name, strlen(name)),
						 clv_model_names(true, false));
	return read_season(in, json_member(object, "season"), head);
}

/* The fitted model is read by the input function of its type. */
static bool
read_fit(JsonInput *in, JsonbContainer *object, const ClvModel **fit)
{
	JsonbContainer *member;
	Datum model;
	char *text;

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

/* A holdout from entries that may be anything; NULL after a soft error. */
static struct varlena *
checked_holdout(JsonInput *in, const CountEntry *entries, uint32 count, const HoldoutHead *head, const ClvModel *fit)
{
	const char *problem = holdout_problem(entries, count, head, fit);

	if (problem == NULL)
		return holdout_pack(entries, count, head, fit);
	json_fail(in, "The entries do not fit together: %s.", problem);
	return NULL;
}

/* The days of the text of a state; they are checked with the entries. */
static bool
read_state_days(StateBytes *bytes, HoldoutHead *head)
{
	uint64 until;
	uint64 days;

	if (!state_varint(bytes, &until) || until != (uint32) until || !state_varint(bytes, &days) || days > PG_INT32_MAX)
		return false;
	head->calibration_until = (DateADT) zigzag_decode(until);
	if ((int64) head->calibration_until + (int64) days > PG_INT32_MAX)
		return false;
	head->holdout_until = head->calibration_until + (DateADT) days;
	return true;
}

/* A holdout from the text of a state, which has no fitted model. */
static struct varlena *
read_state(JsonInput *in, const char *base64, Size length)
{
	StateBytes bytes;
	HoldoutHead head = {0};
	uint8 version, model_id;
	uint8 season = 0;
	uint64 fit_bytes;
	CountEntry *entries;
	uint32 count;

	if (!state_text_read(in, base64, length, &bytes))
		return NULL;
	if (!state_byte(&bytes, &version) || (version != HOLDOUT_VERSION && version != HOLDOUT_VERSION_SEASON))
	{
		state_text_fail(in, "the version is unknown");
		return NULL;
	}
	if (!state_byte(&bytes, &model_id) ||
		(version == HOLDOUT_VERSION_SEASON && (!state_byte(&bytes, &season) || season == 0)) ||
		!read_state_days(&bytes, &head) || !state_varint(&bytes, &fit_bytes) || fit_bytes > 0)
	{
		state_text_fail(in, "the head is not that of a state");
		return NULL;
	}
	head.model_id = model_id;
	head.season = season;
	if (!count_map_from_text(in, &bytes, &entries, &count))
		return NULL;
	return checked_holdout(in, entries, count, &head, NULL);
}

PG_FUNCTION_INFO_V1(clv_holdout_in);
Datum
clv_holdout_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {
		"calibration_until",
		"holdout_until",
		"model",
		"customers",
		"acquired_later",
		"repeats",
		"gaps",
		"spend",
		"spend_before",
		"spend_after",
		"fit",
		"season",
		NULL,
	};
	JsonInput in = {"clv_holdout", fcinfo->context};
	struct varlena *holdout;
	const char *base64;
	Size length;

	if (state_text_find(PG_GETARG_CSTRING(0), &base64, &length))
	{
		holdout = read_state(&in, base64, length);
		if (holdout == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(holdout);
	}

	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	HoldoutText text = {&in};
	const ClvModel *fit;

	if (object == NULL || !json_check_members(&in, object, members) || !read_head(&in, object, &text.head) ||
		!read_fit(&in, object, &fit) || !read_entries(&text, object))
		PG_RETURN_NULL();

	holdout = checked_holdout(&in, text.list.entries, text.list.count, &text.head, fit);
	if (holdout == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(holdout);
}

static void
append_entry(StringInfo out, const CountEntry *entry)
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
		case HOLDOUT_SPEND:
		case HOLDOUT_SPEND_BEFORE:
		case HOLDOUT_SPEND_AFTER:
			appendStringInfo(out, "[%u, %u, ", holdout_x(entry), holdout_t_x(entry));
			json_append_date(out, holdout_day(entry));
			appendStringInfo(out, ", %u, %u, " INT64_FORMAT "]", holdout_bin_before(entry), holdout_bin_after(entry),
							 entry->value);
			break;
	}
}

PG_FUNCTION_INFO_V1(clv_holdout_out);
Datum
clv_holdout_out(PG_FUNCTION_ARGS)
{
	HoldoutReader reader;
	StringInfoData out;

	if (agg_state_to_read(PG_GETARG_DATUM(0)) != NULL)
	{
		struct varlena *state = agg_state_stored(PG_GETARG_DATUM(0));

		PG_RETURN_CSTRING(
			state_text_write("clv_holdout", (const uint8 *) VARDATA_ANY(state), VARSIZE_ANY_EXHDR(state)));
	}
	holdout_open(&reader, PG_GETARG_DATUM(0));
	initStringInfo(&out);
	appendStringInfoString(&out, "{\"calibration_until\": ");
	json_append_date(&out, reader.head.calibration_until);
	appendStringInfoString(&out, ", \"holdout_until\": ");
	json_append_date(&out, reader.head.holdout_until);
	appendStringInfo(&out, ", \"model\": \"%s\"", holdout_model_name(reader.head.model_id));
	if (reader.head.season != 0)
		appendStringInfo(&out, ", \"season\": \"%s\"", season_by_names[reader.head.season - 1]);

	bool more = holdout_next(&reader);

	for (int kind = HOLDOUT_CUSTOMERS; kind <= HOLDOUT_LAST_KIND; kind++)
	{
		/* Holdouts without amounts look as they did before there was spend. */
		if (kind >= HOLDOUT_SPEND && (!more || holdout_kind(&reader.entry) != kind))
			continue;
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
	appendStringInfo(&out, ", \"fit\": %s}",
					 reader.fit == NULL
						 ? "null"
						 : DatumGetCString(DirectFunctionCall1(clv_model_out, PointerGetDatum(reader.fit))));
	PG_RETURN_CSTRING(out.data);
}

/* The fitted model in a binary message, or NULL. */
static const ClvModel *
receive_fit(StringInfo in)
{
	int bytes = pq_getmsgint(in, 4);
	StringInfoData part;

	if (bytes == 0)
		return NULL;
	initStringInfo(&part);
	appendBinaryStringInfo(&part, pq_getmsgbytes(in, bytes), bytes);

	Datum model = DirectFunctionCall1(clv_model_recv, PointerGetDatum(&part));

	if (part.cursor != part.len)
		bytes_malformed("clv_holdout", "the length does not fit the model");
	return clv_model_get(model);
}

/* The bytes are untrusted (COPY BINARY): everything is checked. */
PG_FUNCTION_INFO_V1(clv_holdout_recv);
Datum
clv_holdout_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	HoldoutHead head = {0};

	int version = pq_getmsgbyte(in);

	if (version != WIRE_VERSION && version != WIRE_VERSION_SEASON)
		bytes_malformed("clv_holdout", "the version is unknown");
	head.model_id = pq_getmsgbyte(in);
	if (version == WIRE_VERSION_SEASON)
		head.season = pq_getmsgbyte(in);
	if (version == WIRE_VERSION_SEASON && head.season == 0)
		bytes_malformed("clv_holdout", "there is no such season");
	head.calibration_until = (DateADT) pq_getmsgint(in, 4);
	head.holdout_until = (DateADT) pq_getmsgint(in, 4);

	const ClvModel *fit = receive_fit(in);
	uint32 count;
	CountEntry *entries = count_map_receive(&holdout_map_type, in, &count);
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
	pq_sendbyte(&out, reader.head.season == 0 ? WIRE_VERSION : WIRE_VERSION_SEASON);
	pq_sendbyte(&out, (uint8) reader.head.model_id);
	if (reader.head.season != 0)
		pq_sendbyte(&out, (uint8) reader.head.season);
	pq_sendint32(&out, (uint32) reader.head.calibration_until);
	pq_sendint32(&out, (uint32) reader.head.holdout_until);
	if (reader.fit == NULL)
		pq_sendint32(&out, 0);
	else
	{
		bytea *model = DatumGetByteaP(DirectFunctionCall1(clv_model_send, PointerGetDatum(reader.fit)));

		pq_sendint32(&out, VARSIZE(model) - VARHDRSZ);
		pq_sendbytes(&out, VARDATA(model), VARSIZE(model) - VARHDRSZ);
	}
	pq_sendint32(&out, reader.left);
	while (holdout_next(&reader))
	{
		CHECK_FOR_INTERRUPTS();
		count_map_send(&out, &reader.entry);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
