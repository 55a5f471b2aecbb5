/*
 * parts.c
 *	  Values with an item for each of a few names.
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "support/bytes.h"
#include "support/parts.h"

#define WIRE_VERSION 1

/* The binary form of a name of one byte. */
#define LEAST_NAME_BYTES 5

/* The lengths of a name and of its bytes. */
#define MAX_PART_HEAD_BYTES (2 * MAX_VARINT_BYTES)

static int
compare_parts(const void *left, const void *right)
{
	const NamedPart *a = left;
	const NamedPart *b = right;
	int order = memcmp(a->name, b->name, Min(a->name_bytes, b->name_bytes));

	return order != 0 ? order : (a->name_bytes > b->name_bytes) - (a->name_bytes < b->name_bytes);
}

NamedParts
parts_get(const PartsType *type, Datum value)
{
	struct varlena *stored = PG_DETOAST_DATUM_PACKED(value);
	const uint8 *at = (const uint8 *) VARDATA_ANY(stored);
	const uint8 *end = at + VARSIZE_ANY_EXHDR(stored);
	NamedParts parts;
	uint64 count;

	if (at >= end)
		bytes_end_early();
	if (*at != type->version)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version %d of stored %s", *at, type->name)));
	at++;
	count = get_varint(&at, end);
	if (count > (uint64) (end - at))
		bytes_end_early();
	parts.count = (uint32) count;
	parts.parts = palloc_array(NamedPart, Max(1, count));
	for (uint32 i = 0; i < parts.count; i++)
	{
		NamedPart *part = &parts.parts[i];
		uint64 bytes = get_varint(&at, end);

		if (bytes > (uint64) (end - at))
			bytes_end_early();
		part->name = (const char *) at;
		part->name_bytes = (uint32) bytes;
		at += bytes;
		bytes = get_varint(&at, end);
		if (bytes > (uint64) (end - at))
			bytes_end_early();
		part->data = at;
		part->bytes = (uint32) bytes;
		at += bytes;
	}
	return parts;
}

/* The value of parts in order, each name once. */
static struct varlena *
pack_sorted(const PartsType *type, const NamedPart *parts, uint32 count)
{
	Size size = VARHDRSZ + 1 + MAX_VARINT_BYTES;
	struct varlena *value;
	uint8 *at;

	if (count > type->most)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s cannot hold more than %u segments", type->name, type->most)));
	for (uint32 i = 0; i < count; i++)
		size += parts[i].name_bytes + parts[i].bytes + MAX_PART_HEAD_BYTES;
	value = palloc(size);
	at = (uint8 *) VARDATA(value);
	*at++ = type->version;
	at = put_varint(at, count);
	for (uint32 i = 0; i < count; i++)
	{
		at = put_varint(at, parts[i].name_bytes);
		memcpy(at, parts[i].name, parts[i].name_bytes);
		at = put_varint(at + parts[i].name_bytes, parts[i].bytes);
		memcpy(at, parts[i].data, parts[i].bytes);
		at += parts[i].bytes;
	}
	SET_VARSIZE(value, at - (uint8 *) value);
	return value;
}

bool
parts_sort(NamedPart *parts, uint32 count)
{
	qsort(parts, count, sizeof(NamedPart), compare_parts);
	for (uint32 i = 1; i < count; i++)
		if (compare_parts(&parts[i - 1], &parts[i]) == 0)
			return false;
	return true;
}

struct varlena *
parts_pack(const PartsType *type, NamedPart *parts, uint32 count)
{
	uint32 kept = 0;

	qsort(parts, count, sizeof(NamedPart), compare_parts);
	for (uint32 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (kept > 0 && compare_parts(&parts[kept - 1], &parts[i]) == 0)
			parts[kept - 1] = type->merge(&parts[kept - 1], &parts[i]);
		else
			parts[kept++] = parts[i];
	}
	return pack_sorted(type, parts, kept);
}

struct varlena *
parts_union(const PartsType *type, Datum left, Datum right)
{
	NamedParts a = parts_get(type, left);
	NamedParts b = parts_get(type, right);
	NamedPart *all = palloc_array(NamedPart, Max(1, a.count + b.count));
	uint32 count = 0;
	uint32 i = 0;
	uint32 k = 0;

	while (i < a.count || k < b.count)
	{
		int order = k == b.count ? -1 : i == a.count ? 1 : compare_parts(&a.parts[i], &b.parts[k]);

		CHECK_FOR_INTERRUPTS();
		all[count++] = order < 0 ? a.parts[i] : order > 0 ? b.parts[k] : type->merge(&a.parts[i], &b.parts[k]);
		i += order <= 0;
		k += order >= 0;
	}
	return pack_sorted(type, all, count);
}

/* The error in a name from untrusted input, or NULL. */
static const char *
part_name_problem(const NamedPart *part)
{
	if (part->name_bytes < 1)
		return "the name is empty";
	if (part->name_bytes > PART_MAX_NAME_BYTES)
		return "the name is too long";
	return NULL;
}

void
part_notice_unnamed(const PartsType *type)
{
	ereport(NOTICE,
			(errmsg("a row without a segment is left out of the %s", type->name),
			 errhint("Name it, with coalesce(segment, 'none') for example.")));
}

void
part_set_name(NamedPart *part, Datum name)
{
	text *segment = DatumGetTextPP(name);

	part->name = VARDATA_ANY(segment);
	part->name_bytes = VARSIZE_ANY_EXHDR(segment);
	if (part->name_bytes < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("segment must not be empty")));
	if (part->name_bytes > PART_MAX_NAME_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("segment \"%.*s...\" is longer than %d bytes",
						pg_mbcliplen(part->name, (int) part->name_bytes, 60), part->name, PART_MAX_NAME_BYTES)));
}

char *
part_name(const NamedPart *part)
{
	return pnstrdup(part->name, part->name_bytes);
}

/* pq_sendcountedtext is not used: its arguments differ among server versions. */
void
send_part_name(StringInfo out, const NamedPart *part)
{
	char *name = pg_server_to_client(part->name, (int) part->name_bytes);
	int bytes = name == part->name ? (int) part->name_bytes : (int) strlen(name);

	pq_sendint32(out, (uint32) bytes);
	pq_sendbytes(out, name, bytes);
}

void
receive_part_name(StringInfo in, const char *type, NamedPart *part)
{
	uint32 bytes = pq_getmsgint(in, 4);
	int name_bytes;
	const char *problem;

	if (bytes > (uint32) (in->len - in->cursor))
		bytes_malformed(type, "a name is truncated");
	part->name = pq_getmsgtext(in, (int) bytes, &name_bytes);
	part->name_bytes = (uint32) name_bytes;
	if ((problem = part_name_problem(part)) != NULL)
		bytes_malformed(type, problem);
}

/* Reads one element of "segments". */
static bool
read_part(const PartsForm *form, JsonInput *in, JsonbContainer *array, uint32 i, NamedPart *part)
{
	JsonbValue *element = getIthJsonbValueFromContainer(array, i);
	const char *problem;

	if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data))
		return json_fail(in, "Element %u of \"segments\" must be an object.", i + 1);
	if (!json_check_members(in, element->val.binary.data, form->members) ||
		(part->name = json_read_text(in, json_member(element->val.binary.data, "segment"), "segment")) == NULL)
		return false;
	part->name_bytes = (uint32) strlen(part->name);
	if ((problem = part_name_problem(part)) != NULL)
		return json_fail(in, "Segment %u: %s.", i + 1, problem);
	return form->read(in, element->val.binary.data, part);
}

Datum
parts_in(const PartsForm *form, FunctionCallInfo fcinfo)
{
	static const char *const members[] = {"segments", NULL};
	JsonInput in = {form->type->name, fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	JsonbContainer *array;
	NamedPart *parts;
	uint32 count;

	if (object == NULL || !json_check_members(&in, object, members) ||
		!json_array_member(&in, object, "segments", false, &array))
		PG_RETURN_NULL();
	count = JsonContainerSize(array);
	if (count > form->type->most)
	{
		json_fail(&in, "There are more than %u segments.", form->type->most);
		PG_RETURN_NULL();
	}
	parts = palloc0_array(NamedPart, Max(1, count));
	for (uint32 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!read_part(form, &in, array, i, &parts[i]))
			PG_RETURN_NULL();
	}
	if (!parts_sort(parts, count))
	{
		json_fail(&in, "A segment is there twice.");
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(parts_pack(form->type, parts, count));
}

Datum
parts_out(const PartsForm *form, FunctionCallInfo fcinfo)
{
	NamedParts parts = parts_get(form->type, PG_GETARG_DATUM(0));
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "{\"segments\": [");
	for (uint32 i = 0; i < parts.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfo(&out, "%s{\"segment\": ", i > 0 ? ", " : "");
		json_append_text(&out, part_name(&parts.parts[i]));
		appendStringInfoString(&out, ", ");
		form->append(&out, &parts.parts[i]);
		appendStringInfoChar(&out, '}');
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

Datum
parts_send(const PartsForm *form, FunctionCallInfo fcinfo)
{
	NamedParts parts = parts_get(form->type, PG_GETARG_DATUM(0));
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendint32(&out, parts.count);
	for (uint32 i = 0; i < parts.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		send_part_name(&out, &parts.parts[i]);
		form->send(&out, &parts.parts[i]);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* The order of names may differ in the client's encoding, so the parts are sorted here. */
Datum
parts_recv(const PartsForm *form, FunctionCallInfo fcinfo)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	const char *type = form->type->name;
	NamedPart *parts;
	uint64 count;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed(type, "the version is unknown");
	count = pq_getmsgint(in, 4);
	if (count > form->type->most ||
		count * (LEAST_NAME_BYTES + form->least_wire_bytes) > (uint64) (in->len - in->cursor))
		bytes_malformed(type, "the length does not fit the number of segments");
	parts = palloc0_array(NamedPart, Max(1, count));
	for (uint64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		receive_part_name(in, type, &parts[i]);
		form->receive(in, &parts[i]);
	}
	if (in->cursor != in->len)
		bytes_malformed(type, "there are bytes left over");
	if (!parts_sort(parts, (uint32) count))
		bytes_malformed(type, "a segment is there twice");
	PG_RETURN_POINTER(parts_pack(form->type, parts, (uint32) count));
}
