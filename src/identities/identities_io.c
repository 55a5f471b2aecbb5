/*
 * identities_io.c
 *	  The text and binary forms of customer_identities.
 *
 * Text:	{"groups": [["17", "a@b.example"], ["18", "19", "20"], …]}
 *			each identifier in one group, in any order
 * Binary:	version byte, number of groups (int32), and of each the number of its
 *			identifiers (int32), and of each of those the length (int32) and the text
 *			in the client's encoding
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "identities/identities.h"
#include "support/json.h"

#define WIRE_VERSION 1
#define WIRE_MIN_ID_BYTES 4

/* The pairs of one group of a text. */
static bool
read_group(JsonInput *in, JsonbContainer *group, IdentityPairs *pairs)
{
	uint32 count = JsonContainerSize(group);
	IdentityText first = {NULL, 0};

	if (count < 2)
		return json_fail(in, "A group must have at least two identifiers.");
	for (uint32 i = 0; i < count; i++)
	{
		char *text = json_read_text(in, getIthJsonbValueFromContainer(group, i), "identifier");

		CHECK_FOR_INTERRUPTS();
		if (text == NULL)
			return false;

		IdentityText id = {text, strlen(text)};

		if (id.length > IDENTITY_MAX_BYTES)
			return json_fail(in, "An identifier is longer than %d bytes.", IDENTITY_MAX_BYTES);
		if (i == 0)
			first = id;
		else
			identity_pairs_add(pairs, first, id);
	}
	return true;
}

/* Checks by the numbers of identifiers and groups that each identifier was given once. */
static bool
given_once(struct varlena *value, uint32 ids)
{
	IdentitySet set;

	identities_open(&set, value);
	return set.count == ids;
}

PG_FUNCTION_INFO_V1(customer_identities_in);
Datum
customer_identities_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {"groups", NULL};
	JsonInput in = {"customer_identities", fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	JsonbContainer *groups;
	IdentityPairs pairs;
	uint32 ids = 0;

	if (object == NULL || !json_check_members(&in, object, members) ||
		!json_array_member(&in, object, "groups", false, &groups))
		PG_RETURN_NULL();
	identity_pairs_make(&pairs, JsonContainerSize(groups));
	for (uint32 i = 0; i < JsonContainerSize(groups); i++)
	{
		JsonbValue *group = getIthJsonbValueFromContainer(groups, i);

		CHECK_FOR_INTERRUPTS();
		if (group->type != jbvBinary || !JsonContainerIsArray(group->val.binary.data))
		{
			json_fail(&in, "Element %u of \"groups\" must be an array.", i + 1);
			PG_RETURN_NULL();
		}
		if (!read_group(&in, group->val.binary.data, &pairs))
			PG_RETURN_NULL();
		ids += JsonContainerSize(group->val.binary.data);
	}
	if (ids > IDENTITY_MAX_IDS)
	{
		json_fail(&in, "There are more than %d identifiers.", IDENTITY_MAX_IDS);
		PG_RETURN_NULL();
	}

	struct varlena *value = identity_pairs_pack(&pairs);

	if (!given_once(value, ids))
	{
		json_fail(&in, "An identifier is given twice.");
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(value);
}

PG_FUNCTION_INFO_V1(customer_identities_out);
Datum
customer_identities_out(PG_FUNCTION_ARGS)
{
	IdentitySet set;
	StringInfoData out;
	const char *separator = "";

	identities_open(&set, PG_GETARG_VARLENA_PP(0));

	int32 *next = identity_members(&set);

	initStringInfo(&out);
	appendStringInfoString(&out, "{\"groups\": [");
	for (uint32 i = 0; i < set.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (identity_canonical_place(&set, i) != i)
			continue;
		appendStringInfo(&out, "%s[", separator);
		for (int32 at = (int32) i; at >= 0; at = next[at])
		{
			IdentityText id = identity_at(&set, (uint32) at);
			char *text = pnstrdup(id.bytes, id.length);

			if (at != (int32) i)
				appendStringInfoString(&out, ", ");
			json_append_text(&out, text);
			pfree(text);
		}
		appendStringInfoChar(&out, ']');
		separator = ", ";
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

static IdentityText
receive_identity(StringInfo in)
{
	uint32 bytes = pq_getmsgint(in, 4);
	int length;
	IdentityText id;

	if (bytes > (uint32) (in->len - in->cursor))
		bytes_malformed("customer_identities", "an identifier is truncated");
	id.bytes = pq_getmsgtext(in, (int) bytes, &length);
	id.length = (uint32) length;
	if (id.length > IDENTITY_MAX_BYTES)
		bytes_malformed("customer_identities", "an identifier is too long");
	return id;
}

/* The bytes are untrusted (COPY BINARY): everything is checked. */
PG_FUNCTION_INFO_V1(customer_identities_recv);
Datum
customer_identities_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	IdentityPairs pairs;
	uint32 ids = 0;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed("customer_identities", "the version is unknown");

	uint32 groups = pq_getmsgint(in, 4);

	if (groups > (uint32) (in->len - in->cursor) / WIRE_MIN_ID_BYTES)
		bytes_malformed("customer_identities", "the length does not fit the number of groups");
	identity_pairs_make(&pairs, groups);
	for (uint32 i = 0; i < groups; i++)
	{
		uint32 count = pq_getmsgint(in, 4);

		if (count < 2 || count > (uint32) (in->len - in->cursor) / WIRE_MIN_ID_BYTES)
			bytes_malformed("customer_identities", "the length does not fit the number of identifiers");
		ids += count;

		IdentityText first = receive_identity(in);

		for (uint32 k = 1; k < count; k++)
		{
			CHECK_FOR_INTERRUPTS();
			identity_pairs_add(&pairs, first, receive_identity(in));
		}
	}
	if (in->cursor != in->len)
		bytes_malformed("customer_identities", "there are bytes left over");

	struct varlena *value = identity_pairs_pack(&pairs);

	if (!given_once(value, ids))
		bytes_malformed("customer_identities", "an identifier is given twice");
	PG_RETURN_POINTER(value);
}

static void
send_identity(StringInfo out, IdentityText id)
{
	char *text = pg_server_to_client(id.bytes, (int) id.length);
	int bytes = text == id.bytes ? (int) id.length : (int) strlen(text);

	pq_sendint32(out, bytes);
	pq_sendbytes(out, text, bytes);
}

PG_FUNCTION_INFO_V1(customer_identities_send);
Datum
customer_identities_send(PG_FUNCTION_ARGS)
{
	IdentitySet set;
	StringInfoData out;
	uint32 groups = 0;

	identities_open(&set, PG_GETARG_VARLENA_PP(0));

	int32 *next = identity_members(&set);

	for (uint32 i = 0; i < set.count; i++)
		groups += identity_canonical_place(&set, i) == i;
	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendint32(&out, groups);
	for (uint32 i = 0; i < set.count; i++)
	{
		uint32 count = 0;

		CHECK_FOR_INTERRUPTS();
		if (identity_canonical_place(&set, i) != i)
			continue;
		for (int32 at = (int32) i; at >= 0; at = next[at])
			count++;
		pq_sendint32(&out, count);
		for (int32 at = (int32) i; at >= 0; at = next[at])
			send_identity(&out, identity_at(&set, (uint32) at));
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
