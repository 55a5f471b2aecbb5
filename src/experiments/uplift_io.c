/*
 * uplift_io.c
 *	  The text and binary forms of uplift and uplift_segments.
 *
 * Text:	{"treated": {"units": 2000, "outcome": [300], "squares": [300]}, "control": {…},
 *			 "binary": true, "skipped": 0}; with a covariate each arm has "before",
 *			"before_squares" and "products", too. A sum is the few doubles that add up to it.
 *			{"segments": [{"segment": "Champions", "uplift": {…}}, …]}
 * Binary:	version byte, flags (1 byte), rows skipped (int64), and of each arm units (int64)
 *			and sums (see support/sums.h); of segments: version byte, their number (int32), and
 *			of each the length of its name (int32), the name in the client's encoding, and
 *			its uplift
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"

#include "experiments/uplift.h"
#include "support/bytes.h"

#define WIRE_VERSION 1

/* The binary form of an uplift without units. */
#define LEAST_UPLIFT_BYTES 30

static const char *const arm_names[UPLIFT_ARMS] = {"treated", "control"};
static const char *const sum_names[UPLIFT_ALL_SUMS] = {"outcome", "squares", "before", "before_squares", "products"};

void
uplift_append_json(StringInfo out, UpliftSums *sums)
{
	appendStringInfoChar(out, '{');
	for (int arm = 0; arm < UPLIFT_ARMS; arm++)
	{
		appendStringInfo(out, "\"%s\": {\"units\": " INT64_FORMAT, arm_names[arm], sums->units[arm]);
		for (int i = 0; i < uplift_sum_count(sums); i++)
		{
			appendStringInfo(out, ", \"%s\": ", sum_names[i]);
			json_append_exact_sum(out, &sums->sums[arm][i]);
		}
		appendStringInfoString(out, "}, ");
	}
	appendStringInfo(out, "\"binary\": %s, \"skipped\": " INT64_FORMAT "}", sums->binary ? "true" : "false",
					 sums->skipped);
}

/* Reads one arm; the first says whether there is a covariate. */
static bool
read_arm(JsonInput *in, JsonbContainer *object, int arm, UpliftSums *sums)
{
	static const char *const members[] = {
		"units", "outcome", "squares", "before", "before_squares", "products", NULL,
	};
	JsonbContainer *container;
	bool has_before;

	if (!json_object_member(in, object, arm_names[arm], false, &container) ||
		!json_check_members(in, container, members) ||
		!json_read_int(in, json_member(container, "units"), "units", 0, UPLIFT_MOST_UNITS, &sums->units[arm]))
		return false;
	has_before = json_member(container, "before") != NULL;
	if (arm == 0)
		sums->has_before = has_before;
	else if (has_before != sums->has_before)
		return json_fail(in, "Only one of the two arms has the covariate \"before\".");
	for (int i = 0; i < UPLIFT_ALL_SUMS; i++)
	{
		if (i < uplift_sum_count(sums) ? json_member(container, sum_names[i]) == NULL
									   : json_member(container, sum_names[i]) != NULL)
			return json_fail(in, "Member \"%s\" is %s.", sum_names[i],
							 i < uplift_sum_count(sums) ? "missing" : "there without \"before\"");
		if (!json_read_exact_sum(in, container, sum_names[i], &sums->sums[arm][i]))
			return false;
	}
	return true;
}

bool
uplift_read_json(JsonInput *in, JsonbContainer *object, UpliftSums *sums)
{
	static const char *const members[] = {"treated", "control", "binary", "skipped", NULL};
	const char *problem;

	memset(sums, 0, sizeof(*sums));
	if (!json_check_members(in, object, members))
		return false;
	for (int arm = 0; arm < UPLIFT_ARMS; arm++)
		if (!read_arm(in, object, arm, sums))
			return false;
	if (!json_read_bool(in, json_member(object, "binary"), "binary", &sums->binary))
		return false;
	if (json_member(object, "skipped") != NULL &&
		!json_read_int(in, json_member(object, "skipped"), "skipped", 0, PG_INT64_MAX, &sums->skipped))
		return false;
	if ((problem = uplift_problem(sums)) != NULL)
		return json_fail(in, "It cannot be used: %s.", problem);
	return true;
}

PG_FUNCTION_INFO_V1(uplift_in);
Datum
uplift_in(PG_FUNCTION_ARGS)
{
	JsonInput in = {"uplift", fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	UpliftSums sums;

	if (object == NULL || !uplift_read_json(&in, object, &sums))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(uplift_pack(&sums));
}

PG_FUNCTION_INFO_V1(uplift_out);
Datum
uplift_out(PG_FUNCTION_ARGS)
{
	UpliftSums sums;
	StringInfoData out;

	uplift_get(PG_GETARG_DATUM(0), &sums);
	initStringInfo(&out);
	uplift_append_json(&out, &sums);
	PG_RETURN_CSTRING(out.data);
}

void
uplift_send_sums(StringInfo out, UpliftSums *sums)
{
	pq_sendbyte(out, WIRE_VERSION);
	pq_sendbyte(out, (sums->has_before ? UPLIFT_FLAG_BEFORE : 0) | (sums->binary ? UPLIFT_FLAG_BINARY : 0));
	pq_sendint64(out, (uint64) sums->skipped);
	for (int arm = 0; arm < UPLIFT_ARMS; arm++)
	{
		pq_sendint64(out, (uint64) sums->units[arm]);
		for (int i = 0; i < uplift_sum_count(sums); i++)
			send_exact_sum(out, &sums->sums[arm][i]);
	}
}

void
uplift_receive_sums(StringInfo in, const char *type, UpliftSums *sums)
{
	int flags;
	const char *problem;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed(type, "the version is unknown");
	flags = pq_getmsgbyte(in);
	if ((flags & ~(UPLIFT_FLAG_BEFORE | UPLIFT_FLAG_BINARY)) != 0)
		bytes_malformed(type, "a flag is unknown");
	memset(sums, 0, sizeof(*sums));
	sums->has_before = (flags & UPLIFT_FLAG_BEFORE) != 0;
	sums->binary = (flags & UPLIFT_FLAG_BINARY) != 0;
	sums->skipped = pq_getmsgint64(in);
	for (int arm = 0; arm < UPLIFT_ARMS; arm++)
	{
		sums->units[arm] = pq_getmsgint64(in);
		for (int i = 0; i < uplift_sum_count(sums); i++)
			receive_exact_sum(in, type, &sums->sums[arm][i]);
	}
	if ((problem = uplift_problem(sums)) != NULL)
		bytes_malformed(type, problem);
}

PG_FUNCTION_INFO_V1(uplift_send);
Datum
uplift_send(PG_FUNCTION_ARGS)
{
	UpliftSums sums;
	StringInfoData out;

	uplift_get(PG_GETARG_DATUM(0), &sums);
	pq_begintypsend(&out);
	uplift_send_sums(&out, &sums);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* The bytes are untrusted (COPY BINARY): everything is checked. */
PG_FUNCTION_INFO_V1(uplift_recv);
Datum
uplift_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	UpliftSums sums;

	uplift_receive_sums(in, "uplift", &sums);
	if (in->cursor != in->len)
		bytes_malformed("uplift", "there are bytes left over");
	PG_RETURN_POINTER(uplift_pack(&sums));
}

/* A part with these sums. */
static void
set_part(NamedPart *part, UpliftSums *sums)
{
	struct varlena *value = uplift_pack(sums);

	part->data = (const uint8 *) VARDATA(value);
	part->bytes = VARSIZE(value) - VARHDRSZ;
}

static bool
read_part(JsonInput *in, JsonbContainer *object, NamedPart *part)
{
	JsonbContainer *uplift;
	UpliftSums sums;

	if (!json_object_member(in, object, "uplift", false, &uplift) || !uplift_read_json(in, uplift, &sums))
		return false;
	set_part(part, &sums);
	return true;
}

static void
append_part(StringInfo out, const NamedPart *part)
{
	UpliftSums sums;

	uplift_read(part->data, part->data + part->bytes, &sums);
	appendStringInfoString(out, "\"uplift\": ");
	uplift_append_json(out, &sums);
}

static void
send_part(StringInfo out, const NamedPart *part)
{
	UpliftSums sums;

	uplift_read(part->data, part->data + part->bytes, &sums);
	uplift_send_sums(out, &sums);
}

static void
receive_part(StringInfo in, NamedPart *part)
{
	UpliftSums sums;

	uplift_receive_sums(in, uplift_segments_parts.name, &sums);
	set_part(part, &sums);
}

static const PartsForm segments_form = {
	.type = &uplift_segments_parts,
	.members = (const char *const[]){"segment", "uplift", NULL},
	.least_wire_bytes = LEAST_UPLIFT_BYTES,
	.read = read_part,
	.append = append_part,
	.send = send_part,
	.receive = receive_part,
};

PG_FUNCTION_INFO_V1(uplift_segments_in);
Datum
uplift_segments_in(PG_FUNCTION_ARGS)
{
	return parts_in(&segments_form, fcinfo);
}

PG_FUNCTION_INFO_V1(uplift_segments_out);
Datum
uplift_segments_out(PG_FUNCTION_ARGS)
{
	return parts_out(&segments_form, fcinfo);
}

PG_FUNCTION_INFO_V1(uplift_segments_send);
Datum
uplift_segments_send(PG_FUNCTION_ARGS)
{
	return parts_send(&segments_form, fcinfo);
}

PG_FUNCTION_INFO_V1(uplift_segments_recv);
Datum
uplift_segments_recv(PG_FUNCTION_ARGS)
{
	return parts_recv(&segments_form, fcinfo);
}
