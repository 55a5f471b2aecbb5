/*
 * equity_io.c
 *	  The text and binary forms of customer_equity.
 *
 * Text:	{"model": {a clv_model}, "as_of": "1997-09-30", "margin": 0.3, "annual_discount": 0.15,
 *			 "customers": n, "left_out": {"no_orders": n, …}, "sums": [[doubles that add up to it], …]}
 *			The sums are those of P(alive), and of each horizon the value and its gradient.
 * Binary:	version byte, length of the model (int32), its binary form, as_of (int32), margin and
 *			annual_discount (float8), customers and those left out by reason (int64), number of sums
 *			(int32), and of each the number of doubles (1 byte) and these (float8)
 */
#include "compat.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "miscadmin.h"

#include "equity/equity.h"
#include "support/sums.h"

#define WIRE_VERSION 1

/* The sums of valued customers do not leave the range that the sums are made for. */
#define LARGEST_PART 1e300

static const char *
content_problem(const EquityContent *content)
{
	const char *problem = equity_head_problem(&content->head);
	int64 counted = 0;

	if (content->customers < 0 || pg_add_s64_overflow(counted, content->customers, &counted))
		problem = "a number of customers is out of range";
	for (int i = 0; i < EQUITY_LEFT_OUT; i++)
		if (content->left_out[i] < 0 || pg_add_s64_overflow(counted, content->left_out[i], &counted))
			problem = "a number of customers is out of range";
	return problem;
}

static bool
read_model(JsonInput *in, JsonbContainer *object, const ClvModel **model)
{
	JsonbContainer *member;
	Datum value;
	char *text;

	if (!json_object_member(in, object, "model", false, &member))
		return false;
	text = JsonbToCString(NULL, member, 0);
#if PG_VERSION_NUM >= 160000
	if (!DirectInputFunctionCallSafe(clv_model_in, text, InvalidOid, -1, in->escontext, &value))
		return false;
#else
	value = DirectFunctionCall1(clv_model_in, CStringGetDatum(text));
#endif
	*model = clv_model_get(value);
	return true;
}

static bool
read_left_out(JsonInput *in, JsonbContainer *object, int64 *left_out)
{
	const char *members[EQUITY_LEFT_OUT + 1] = {0};
	JsonbContainer *counts;

	if (!json_object_member(in, object, "left_out", true, &counts))
		return false;
	if (counts == NULL)
		return true;
	memcpy(members, equity_left_out_words, sizeof(equity_left_out_words));
	if (!json_check_members(in, counts, members))
		return false;
	for (int i = 0; i < EQUITY_LEFT_OUT; i++)
	{
		JsonbValue *value = json_member(counts, members[i]);

		if (value != NULL && !json_read_int(in, value, members[i], 0, PG_INT64_MAX, &left_out[i]))
			return false;
	}
	return true;
}

/* One sum: an array of numbers. */
static bool
read_sum(JsonInput *in, JsonbValue *value, ExactSum *sum)
{
	JsonbContainer *parts = value->type == jbvBinary ? value->val.binary.data : NULL;

	if (parts == NULL || !JsonContainerIsArray(parts) || JsonContainerSize(parts) > EXACT_SUM_MAX_PARTS)
		return json_fail(in, "An element of \"sums\" must be an array of at most %d numbers.", EXACT_SUM_MAX_PARTS);
	for (uint32 i = 0; i < JsonContainerSize(parts); i++)
	{
		double part;

		if (!json_read_float(in, getIthJsonbValueFromContainer(parts, i), "sums", &part))
			return false;
		if (fabs(part) > LARGEST_PART)
			return json_fail(in, "\"sums\" is out of range.");
		exact_sum_add(sum, part);
	}
	exact_sum_settle(sum);
	return true;
}

static bool
read_sums(JsonInput *in, JsonbContainer *object, EquityContent *content)
{
	uint32 count = equity_stored_sums(content);
	JsonbContainer *sums;

	if (!json_array_member(in, object, "sums", false, &sums))
		return false;
	if (!equity_set_sum_count(content, JsonContainerSize(sums)))
		return json_fail(in, "\"sums\" must have %u elements for this model, not %u.", count, JsonContainerSize(sums));
	for (uint32 i = 0; i < equity_stored_sums(content); i++)
		if (!read_sum(in, getIthJsonbValueFromContainer(sums, i), &content->sums->sum[i]))
			return false;
	return true;
}

PG_FUNCTION_INFO_V1(customer_equity_in);
Datum
customer_equity_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {
		"model", "as_of", "margin", "annual_discount", "customers", "left_out", "sums", NULL,
	};
	JsonInput in = {"customer_equity", fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	EquityContent content = {.sums = equity_sums_make(CurrentMemoryContext)};

	if (object == NULL || !json_check_members(&in, object, members) || !read_model(&in, object, &content.head.model) ||
		!json_read_date(&in, json_member(object, "as_of"), "as_of", &content.head.as_of) ||
		!json_read_float(&in, json_member(object, "margin"), "margin", &content.head.margin) ||
		!json_read_float(&in, json_member(object, "annual_discount"), "annual_discount",
						 &content.head.annual_discount) ||
		!json_read_int(&in, json_member(object, "customers"), "customers", 0, PG_INT64_MAX, &content.customers) ||
		!read_left_out(&in, object, content.left_out))
		PG_RETURN_NULL();

	const char *problem = content_problem(&content);

	if (problem != NULL)
	{
		json_fail(&in, "The members do not fit together: %s.", problem);
		PG_RETURN_NULL();
	}
	if (!read_sums(&in, object, &content))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(equity_pack(&content));
}

PG_FUNCTION_INFO_V1(customer_equity_out);
Datum
customer_equity_out(PG_FUNCTION_ARGS)
{
	EquityContent content = equity_get(PG_GETARG_DATUM(0));
	StringInfoData out;
	const char *comma = "";

	initStringInfo(&out);
	appendStringInfo(&out, "{\"model\": %s, \"as_of\": ",
					 DatumGetCString(DirectFunctionCall1(clv_model_out, PointerGetDatum(content.head.model))));
	json_append_date(&out, content.head.as_of);
	appendStringInfoString(&out, ", \"margin\": ");
	json_append_float(&out, content.head.margin);
	appendStringInfoString(&out, ", \"annual_discount\": ");
	json_append_float(&out, content.head.annual_discount);
	appendStringInfo(&out, ", \"customers\": " INT64_FORMAT ", \"left_out\": {", content.customers);
	for (int i = 0; i < EQUITY_LEFT_OUT; i++)
		if (content.left_out[i] > 0)
		{
			appendStringInfo(&out, "%s\"%s\": " INT64_FORMAT, comma, equity_left_out_words[i], content.left_out[i]);
			comma = ", ";
		}
	appendStringInfoString(&out, "}, \"sums\": [");
	for (int i = 0; i < equity_stored_sums(&content); i++)
	{
		appendStringInfoString(&out, i == 0 ? "" : ", ");
		json_append_exact_sum(&out, &content.sums->sum[i]);
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

/* The model in a binary message. */
static const ClvModel *
receive_model(StringInfo in)
{
	int bytes = pq_getmsgint(in, 4);
	StringInfoData part;

	initStringInfo(&part);
	appendBinaryStringInfo(&part, pq_getmsgbytes(in, bytes), bytes);

	Datum model = DirectFunctionCall1(clv_model_recv, PointerGetDatum(&part));

	if (part.cursor != part.len)
		bytes_malformed("customer_equity", "the length does not fit the model");
	return clv_model_get(model);
}

/* Bytes may come from anywhere (COPY BINARY): the input is untrusted, and checked. */
PG_FUNCTION_INFO_V1(customer_equity_recv);
Datum
customer_equity_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	EquityContent content = {.sums = equity_sums_make(CurrentMemoryContext)};
	const char *problem;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed("customer_equity", "the version is unknown");
	content.head.model = receive_model(in);
	content.head.as_of = (DateADT) pq_getmsgint(in, 4);
	content.head.margin = pq_getmsgfloat8(in) + 0.0;
	content.head.annual_discount = pq_getmsgfloat8(in) + 0.0;
	content.customers = pq_getmsgint64(in);
	for (int i = 0; i < EQUITY_LEFT_OUT; i++)
		content.left_out[i] = pq_getmsgint64(in);
	problem = content_problem(&content);
	if (problem != NULL)
		bytes_malformed("customer_equity", problem);
	if (!equity_set_sum_count(&content, pq_getmsgint(in, 4)))
		bytes_malformed("customer_equity", "there are not as many sums as the model has");
	for (int i = 0; i < equity_stored_sums(&content); i++)
		receive_exact_sum(in, "customer_equity", &content.sums->sum[i]);
	PG_RETURN_POINTER(equity_pack(&content));
}

PG_FUNCTION_INFO_V1(customer_equity_send);
Datum
customer_equity_send(PG_FUNCTION_ARGS)
{
	EquityContent content = equity_get(PG_GETARG_DATUM(0));
	bytea *model = DatumGetByteaP(DirectFunctionCall1(clv_model_send, PointerGetDatum(content.head.model)));
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendint32(&out, VARSIZE(model) - VARHDRSZ);
	pq_sendbytes(&out, VARDATA(model), VARSIZE(model) - VARHDRSZ);
	pq_sendint32(&out, (uint32) content.head.as_of);
	pq_sendfloat8(&out, content.head.margin);
	pq_sendfloat8(&out, content.head.annual_discount);
	pq_sendint64(&out, (uint64) content.customers);
	for (int i = 0; i < EQUITY_LEFT_OUT; i++)
		pq_sendint64(&out, (uint64) content.left_out[i]);
	pq_sendint32(&out, equity_stored_sums(&content));
	for (int i = 0; i < equity_stored_sums(&content); i++)
		send_exact_sum(&out, &content.sums->sum[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
