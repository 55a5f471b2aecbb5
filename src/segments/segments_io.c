/*
 * segments_io.c
 *	  The text and binary forms of segment_rules.
 *
 * Text:	{"levels": 3, "rules": [{"segment": "VIP", "r": [3, 3], "f": [2, 3]}, …]}
 *			with the lowest and the highest score; a range that is missing or
 *			null means any score, and without "levels" there are five (or nine,
 *			if a score needs them)
 * Binary:	version byte, levels byte, number of rules (int32), and of each the
 *			lowest and highest score of r, f and m (bytes), the length of the
 *			name (int32) and the name in the client's encoding. Version 1 had no
 *			levels
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"

#include "segments/segments.h"
#include "support/bytes.h"
#include "support/json.h"

#define WIRE_VERSION 2
#define WIRE_RULE_BYTES 10

/* Reads one range; a missing one is any score. Levels are zero while they are not known. */
static bool
read_range(JsonInput *in, JsonbContainer *object, int levels, int dimension, SegmentRule *rule)
{
	const char *name = segment_dimension_names[dimension];
	JsonbContainer *range;
	int64 lowest = segment_lowest_score(dimension);
	int64 highest = levels > 0 ? levels : SEGMENT_OLD_HIGHEST_SCORE;
	int64 low = levels > 0 ? lowest : 1;
	int64 high = highest;

	if (!json_array_member(in, object, name, true, &range))
		return false;
	if (range != NULL)
	{
		if (JsonContainerSize(range) != 2)
			return json_fail(in, "\"%s\" must be an array of 2.", name);
		if (!json_read_int(in, getIthJsonbValueFromContainer(range, 0), name, lowest, highest, &low) ||
			!json_read_int(in, getIthJsonbValueFromContainer(range, 1), name, lowest, highest, &high))
			return false;
	}
	rule->low[dimension] = (uint8) low;
	rule->high[dimension] = (uint8) high;
	return true;
}

PG_FUNCTION_INFO_V1(segment_rules_in);
Datum
segment_rules_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {"levels", "rules", NULL};
	static const char *const rule_members[] = {"segment", "r", "f", "m", NULL};
	JsonInput in = {"segment_rules", fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	JsonbContainer *array;
	int64 levels = 0;

	if (object == NULL || !json_check_members(&in, object, members) ||
		(json_member(object, "levels") != NULL &&
		 !json_read_int(&in, json_member(object, "levels"), "levels", RFM_MIN_LEVELS, RFM_MAX_LEVELS, &levels)) ||
		!json_array_member(&in, object, "rules", false, &array))
		PG_RETURN_NULL();

	uint32 count = JsonContainerSize(array);

	if (count > SEGMENT_MAX_RULES)
	{
		json_fail(&in, "There are more than %d rules.", SEGMENT_MAX_RULES);
		PG_RETURN_NULL();
	}

	SegmentRule *rules = palloc0_array(SegmentRule, Max(1, count));

	for (uint32 i = 0; i < count; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);
		JsonbContainer *rule;
		const char *problem;

		if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data))
		{
			json_fail(&in, "Element %u of \"rules\" must be an object.", i + 1);
			PG_RETURN_NULL();
		}
		rule = element->val.binary.data;
		if (!json_check_members(&in, rule, rule_members))
			PG_RETURN_NULL();
		rules[i].name = json_read_text(&in, json_member(rule, "segment"), "segment");
		if (rules[i].name == NULL)
			PG_RETURN_NULL();
		rules[i].name_bytes = strlen(rules[i].name);
		for (int j = 0; j < RFM_DIMENSIONS; j++)
			if (!read_range(&in, rule, (int) levels, j, &rules[i]))
				PG_RETURN_NULL();
		if ((problem = segment_rule_problem(levels > 0 ? (int) levels : SEGMENT_OLD_HIGHEST_SCORE, &rules[i])) != NULL)
		{
			json_fail(&in, "Rule %u: %s.", i + 1, problem);
			PG_RETURN_NULL();
		}
	}
	if (levels == 0)
		levels = segment_rules_find_levels(rules, count);
	PG_RETURN_POINTER(segment_rules_pack((int) levels, rules, count));
}

PG_FUNCTION_INFO_V1(segment_rules_out);
Datum
segment_rules_out(PG_FUNCTION_ARGS)
{
	SegmentReader reader;
	SegmentRule rule;
	StringInfoData out;
	const char *separator = "";

	segment_open(&reader, PG_GETARG_DATUM(0));
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	if (reader.levels != RFM_DEFAULT_LEVELS)
		appendStringInfo(&out, "\"levels\": %d, ", reader.levels);
	appendStringInfoString(&out, "\"rules\": [");
	while (segment_next(&reader, &rule))
	{
		char *name = pnstrdup(rule.name, rule.name_bytes);

		appendStringInfo(&out, "%s{\"segment\": ", separator);
		json_append_text(&out, name);
		for (int i = 0; i < RFM_DIMENSIONS; i++)
			if (!segment_any_score(&rule, i, reader.levels))
				appendStringInfo(&out, ", \"%s\": [%d, %d]", segment_dimension_names[i], rule.low[i], rule.high[i]);
		appendStringInfoChar(&out, '}');
		separator = ", ";
		pfree(name);
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

/*
 * The bytes are untrusted (COPY BINARY): everything is checked. The order of
 * names may differ in the client's encoding, so the rules are sorted here.
 */
PG_FUNCTION_INFO_V1(segment_rules_recv);
Datum
segment_rules_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);

	int version = pq_getmsgbyte(in);
	int levels = SEGMENT_OLD_HIGHEST_SCORE;

	if (version < 1 || version > WIRE_VERSION)
		bytes_malformed("segment_rules", "the version is unknown");
	if (version > 1)
		levels = pq_getmsgbyte(in);
	if (levels < RFM_MIN_LEVELS || levels > RFM_MAX_LEVELS)
		bytes_malformed("segment_rules", "levels are out of range");

	uint32 count = pq_getmsgint(in, 4);

	if (count > SEGMENT_MAX_RULES || count * WIRE_RULE_BYTES > (uint32) (in->len - in->cursor))
		bytes_malformed("segment_rules", "the length does not fit the number of rules");

	SegmentRule *rules = palloc0_array(SegmentRule, Max(1, count));

	for (uint32 i = 0; i < count; i++)
	{
		const char *problem;
		uint32 bytes;

		for (int j = 0; j < RFM_DIMENSIONS; j++)
		{
			rules[i].low[j] = pq_getmsgbyte(in);
			rules[i].high[j] = pq_getmsgbyte(in);
		}
		bytes = pq_getmsgint(in, 4);
		if (bytes > (uint32) (in->len - in->cursor))
			bytes_malformed("segment_rules", "a name is truncated");
		rules[i].name = pq_getmsgtext(in, (int) bytes, &rules[i].name_bytes);
		if ((problem = segment_rule_problem(levels, &rules[i])) != NULL)
			bytes_malformed("segment_rules", psprintf("rule %u: %s", i + 1, problem));
	}
	if (in->cursor != in->len)
		bytes_malformed("segment_rules", "there are bytes left over");
	if (version == 1)
		levels = segment_rules_find_levels(rules, (int) count);
	PG_RETURN_POINTER(segment_rules_pack(levels, rules, (int) count));
}

/* pq_sendcountedtext is not used: its arguments differ among server versions. */
static void
send_name(StringInfo out, const SegmentRule *rule)
{
	char *name = pg_server_to_client(rule->name, rule->name_bytes);
	int bytes = name == rule->name ? rule->name_bytes : (int) strlen(name);

	pq_sendint32(out, bytes);
	pq_sendbytes(out, name, bytes);
}

PG_FUNCTION_INFO_V1(segment_rules_send);
Datum
segment_rules_send(PG_FUNCTION_ARGS)
{
	SegmentReader reader;
	SegmentRule rule;
	StringInfoData out;

	segment_open(&reader, PG_GETARG_DATUM(0));
	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendbyte(&out, reader.levels);
	pq_sendint32(&out, reader.left);
	while (segment_next(&reader, &rule))
	{
		for (int i = 0; i < RFM_DIMENSIONS; i++)
		{
			pq_sendbyte(&out, rule.low[i]);
			pq_sendbyte(&out, rule.high[i]);
		}
		send_name(&out, &rule);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
