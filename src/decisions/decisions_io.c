/*
 * decisions_io.c
 *	  The text and binary forms of response_curve and budget_plan.
 *
 * Text:	{"levels": [{"spend": 0, "heads": 500, "response": [70], "squares": [70]}, …],
 *			 "single_heads": true, "skipped": 0}, the squares only with single heads; or
 *			{"curve": "exp", "c": 60, "k": 0.15, "covariance": [0, 0, 0], "tested_max": null},
 *			of which the last two may be missing. A sum is the few doubles that add up to it.
 *			{"segments": [{"segment": "Loyal", "heads": 4000, "curve": {…}, "others":
 *			 [{"curve": "hill", …, "weight": 0.3}, …], "status": "ok",
 *			 "value_per_response": 0.4, "min_per_head": 0, "max_per_head": null}, …]}
 * Binary:	as the stored forms, with fixed numbers for varints: see the functions
 */
#include "compat.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "miscadmin.h"

#include "decisions/decisions.h"
#include "support/bytes.h"

#define WIRE_VERSION 1

/* Infinity has no JSON form and is null: no limit. */
static void
append_limit(StringInfo out, const char *name, double limit)
{
	appendStringInfo(out, "\"%s\": ", name);
	json_append_float(out, limit);
}

/* A curve, up to its last member. */
static void
append_open_curve(StringInfo out, const ResponseCurve *curve)
{
	appendStringInfo(out, "{\"curve\": \"%s\"", response_kind_names[curve->kind]);
	for (int i = 0; i < RESPONSE_PARAMS; i++)
	{
		appendStringInfo(out, ", \"%s\": ", response_param_names[curve->kind][i]);
		json_append_float(out, curve->param[i]);
	}
	appendStringInfoString(out, ", \"covariance\": ");
	json_append_floats(out, curve->covariance, 3);
	appendStringInfoString(out, ", ");
}

static void
append_curve(StringInfo out, const ResponseCurve *curve, double tested_max)
{
	append_open_curve(out, curve);
	append_limit(out, "tested_max", tested_max);
	appendStringInfoChar(out, '}');
}

/* An optional number. */
static bool
read_limit(JsonInput *in, JsonbContainer *object, const char *name, double missing, double *limit)
{
	*limit = missing;
	return json_member(object, name) == NULL || json_read_float(in, json_member(object, name), name, limit);
}

static bool
read_curve(JsonInput *in, JsonbContainer *object, bool weighted, ResponseCurve *curve, double *tested_max)
{
	char *name = json_read_text(in, json_member(object, "curve"), "curve");
	const char *members[6] = {"curve", "covariance", weighted ? "weight" : "tested_max", NULL, NULL, NULL};
	JsonbContainer *covariance;

	if (name == NULL)
		return false;
	memset(curve, 0, sizeof(*curve));
	for (int kind = 1; kind <= RESPONSE_KINDS; kind++)
		if (strcmp(name, response_kind_names[kind]) == 0)
			curve->kind = (ResponseKind) kind;
	if ((int) curve->kind == 0)
		return json_fail(in, "There is no curve \"%s\".", json_excerpt(name, (int) strlen(name)));
	for (int i = 0; i < RESPONSE_PARAMS; i++)
		members[3 + i] = response_param_names[curve->kind][i];
	if (!json_check_members(in, object, members))
		return false;
	for (int i = 0; i < RESPONSE_PARAMS; i++)
		if (!json_read_float(in, json_member(object, members[3 + i]), members[3 + i], &curve->param[i]))
			return false;
	if (!json_array_member(in, object, "covariance", true, &covariance))
		return false;
	if (covariance != NULL)
	{
		if (JsonContainerSize(covariance) != 3)
			return json_fail(in, "\"covariance\" must be an array of 3.");
		for (uint32 i = 0; i < 3; i++)
			if (!json_read_float(in, getIthJsonbValueFromContainer(covariance, i), "covariance", &curve->covariance[i]))
				return false;
	}
	return weighted || read_limit(in, object, "tested_max", INFINITY, tested_max);
}

static bool
read_level(JsonInput *in, JsonbValue *element, SpendLevel *level)
{
	static const char *const members[] = {"spend", "heads", "response", "squares", NULL};

	if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data))
		return json_fail(in, "Each of \"levels\" must be an object.");

	JsonbContainer *object = element->val.binary.data;

	return json_check_members(in, object, members) &&
		json_read_float(in, json_member(object, "spend"), "spend", &level->spend) &&
		json_read_int(in, json_member(object, "heads"), "heads", 1, INT64CONST(1) << 53, &level->heads) &&
		json_read_exact_sum(in, object, "response", &level->response) &&
		json_read_exact_sum(in, object, "squares", &level->squares);
}

static bool
read_response(JsonInput *in, JsonbContainer *object, ResponseValue *value)
{
	static const char *const members[] = {"levels", "single_heads", "skipped", NULL};
	JsonbContainer *levels;

	memset(value, 0, sizeof(*value));
	if (json_member(object, "curve") != NULL)
	{
		value->given = true;
		return read_curve(in, object, false, &value->curve, &value->tested_max);
	}
	if (!json_check_members(in, object, members) || !json_array_member(in, object, "levels", false, &levels) ||
		(json_member(object, "single_heads") != NULL &&
		 !json_read_bool(in, json_member(object, "single_heads"), "single_heads", &value->single)) ||
		(json_member(object, "skipped") != NULL &&
		 !json_read_int(in, json_member(object, "skipped"), "skipped", 0, PG_INT64_MAX, &value->skipped)))
		return false;
	if (JsonContainerSize(levels) > RESPONSE_MOST_LEVELS)
		return json_fail(in, "There are more than %d levels.", RESPONSE_MOST_LEVELS);
	value->n_levels = (int) JsonContainerSize(levels);
	value->levels = palloc0_array(SpendLevel, Max(1, value->n_levels));
	for (int i = 0; i < value->n_levels; i++)
		if (!read_level(in, getIthJsonbValueFromContainer(levels, (uint32) i), &value->levels[i]))
			return false;
	return true;
}

PG_FUNCTION_INFO_V1(response_curve_in);
Datum
response_curve_in(PG_FUNCTION_ARGS)
{
	JsonInput in = {"response_curve", fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	ResponseValue value;
	const char *problem;

	if (object == NULL || !read_response(&in, object, &value))
		PG_RETURN_NULL();
	if ((problem = response_value_problem(&value)) != NULL)
	{
		json_fail(&in, "It cannot be used: %s.", problem);
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(response_value_pack(&value));
}

PG_FUNCTION_INFO_V1(response_curve_out);
Datum
response_curve_out(PG_FUNCTION_ARGS)
{
	ResponseValue value = response_value_get(PG_GETARG_DATUM(0));
	StringInfoData out;

	initStringInfo(&out);
	if (value.given)
	{
		append_curve(&out, &value.curve, value.tested_max);
		PG_RETURN_CSTRING(out.data);
	}
	appendStringInfoString(&out, "{\"levels\": [");
	for (int i = 0; i < value.n_levels; i++)
	{
		SpendLevel *level = &value.levels[i];

		appendStringInfo(&out, "%s{\"spend\": ", i > 0 ? ", " : "");
		json_append_float(&out, level->spend);
		appendStringInfo(&out, ", \"heads\": " INT64_FORMAT ", \"response\": ", level->heads);
		json_append_exact_sum(&out, &level->response);
		if (value.single)
		{
			appendStringInfoString(&out, ", \"squares\": ");
			json_append_exact_sum(&out, &level->squares);
		}
		appendStringInfoChar(&out, '}');
	}
	appendStringInfo(&out, "], \"single_heads\": %s, \"skipped\": " INT64_FORMAT "}", value.single ? "true" : "false",
					 value.skipped);
	PG_RETURN_CSTRING(out.data);
}

static void
send_curve(StringInfo out, const ResponseCurve *curve)
{
	pq_sendbyte(out, (int) curve->kind);
	for (int i = 0; i < RESPONSE_PARAMS; i++)
		pq_sendfloat8(out, curve->param[i]);
	for (int i = 0; i < 3; i++)
		pq_sendfloat8(out, curve->covariance[i]);
}

/* Normalises zero: equal values have equal bytes. */
static double
receive_number(StringInfo in)
{
	return pq_getmsgfloat8(in) + 0.0;
}

static void
receive_curve(StringInfo in, const char *type, ResponseCurve *curve)
{
	int kind = pq_getmsgbyte(in);

	if (kind < 1 || kind > RESPONSE_KINDS)
		bytes_malformed(type, "the curve is unknown");
	curve->kind = (ResponseKind) kind;
	for (int i = 0; i < RESPONSE_PARAMS; i++)
		curve->param[i] = receive_number(in);
	for (int i = 0; i < 3; i++)
		curve->covariance[i] = receive_number(in);
}

/* version, flags, and a curve with its tested_max, or rows skipped, number of levels (int32) and these */
PG_FUNCTION_INFO_V1(response_curve_send);
Datum
response_curve_send(PG_FUNCTION_ARGS)
{
	ResponseValue value = response_value_get(PG_GETARG_DATUM(0));
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendbyte(&out, (value.given ? RESPONSE_FLAG_GIVEN : 0) | (value.single ? RESPONSE_FLAG_SINGLE : 0));
	if (value.given)
	{
		send_curve(&out, &value.curve);
		pq_sendfloat8(&out, value.tested_max);
		PG_RETURN_BYTEA_P(pq_endtypsend(&out));
	}
	pq_sendint64(&out, (uint64) value.skipped);
	pq_sendint32(&out, (uint32) value.n_levels);
	for (int i = 0; i < value.n_levels; i++)
	{
		pq_sendfloat8(&out, value.levels[i].spend);
		pq_sendint64(&out, (uint64) value.levels[i].heads);
		send_exact_sum(&out, &value.levels[i].response);
		send_exact_sum(&out, &value.levels[i].squares);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* The bytes are untrusted (COPY BINARY): everything is checked. */
PG_FUNCTION_INFO_V1(response_curve_recv);
Datum
response_curve_recv(PG_FUNCTION_ARGS)
{
	static const char type[] = "response_curve";
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	ResponseValue value = {0};
	const char *problem;
	int flags;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed(type, "the version is unknown");
	flags = pq_getmsgbyte(in);
	if (flags > RESPONSE_FLAG_SINGLE)
		bytes_malformed(type, "a flag is unknown");
	value.given = (flags & RESPONSE_FLAG_GIVEN) != 0;
	value.single = (flags & RESPONSE_FLAG_SINGLE) != 0;
	if (value.given)
	{
		receive_curve(in, type, &value.curve);
		value.tested_max = receive_number(in);
	}
	else
	{
		uint32 count;

		value.skipped = pq_getmsgint64(in);
		count = pq_getmsgint(in, 4);
		if (value.skipped < 0)
			bytes_malformed(type, "a count is negative");
		if (count > RESPONSE_MOST_LEVELS)
			bytes_malformed(type, "there are too many levels");
		value.n_levels = (int) count;
		value.levels = palloc0_array(SpendLevel, Max(1, count));
		for (int i = 0; i < value.n_levels; i++)
		{
			value.levels[i].spend = receive_number(in);
			value.levels[i].heads = pq_getmsgint64(in);
			receive_exact_sum(in, type, &value.levels[i].response);
			receive_exact_sum(in, type, &value.levels[i].squares);
		}
	}
	if ((problem = response_value_problem(&value)) != NULL)
		bytes_malformed(type, problem);
	if (in->cursor != in->len)
		bytes_malformed(type, "there are bytes left over");
	PG_RETURN_POINTER(response_value_pack(&value));
}

/* The status is a name of response_status_name(). */
static bool
read_status(JsonInput *in, JsonbValue *member, ResponseStatus *status)
{
	char *word;

	if (member == NULL)
		return true;
	if ((word = json_read_text(in, member, "status")) == NULL)
		return false;
	for (int known = RESPONSE_OK; known <= RESPONSE_POOR_FIT; known++)
		if (strcmp(word, response_status_name((ResponseStatus) known)) == 0)
		{
			*status = (ResponseStatus) known;
			return true;
		}
	return json_fail(in, "There is no status \"%s\".", json_excerpt(word, (int) strlen(word)));
}

static bool
read_other(JsonInput *in, JsonbValue *element, WeightedCurve *other)
{
	double unused;

	if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data))
		return json_fail(in, "Each of \"others\" must be an object.");

	JsonbContainer *object = element->val.binary.data;

	return read_curve(in, object, true, &other->curve, &unused) &&
		json_read_float(in, json_member(object, "weight"), "weight", &other->weight);
}

/* Curves of other kinds, if there are any. */
static bool
read_others(JsonInput *in, JsonbContainer *object, BudgetSegment *segment)
{
	JsonbContainer *others;

	if (!json_array_member(in, object, "others", true, &others))
		return false;
	if (others == NULL)
		return true;
	if (JsonContainerSize(others) > lengthof(segment->others))
		return json_fail(in, "There are more than %d other curves.", (int) lengthof(segment->others));
	segment->n_others = (int) JsonContainerSize(others);
	for (int i = 0; i < segment->n_others; i++)
		if (!read_other(in, getIthJsonbValueFromContainer(others, (uint32) i), &segment->others[i]))
			return false;
	return true;
}

static bool
read_segment(JsonInput *in, JsonbContainer *object, NamedPart *part)
{
	PlanSegment plan = {.status = RESPONSE_OK};
	JsonbContainer *curve;
	const char *problem;
	int64 heads;

	if (!json_read_int(in, json_member(object, "heads"), "heads", 0, INT64CONST(1) << 53, &heads) ||
		!json_object_member(in, object, "curve", false, &curve) ||
		!read_curve(in, curve, false, &plan.segment.curve, &plan.tested_max) ||
		!read_others(in, object, &plan.segment) ||
		!json_read_float(in, json_member(object, "value_per_response"), "value_per_response", &plan.segment.value) ||
		!read_limit(in, object, "min_per_head", 0.0, &plan.segment.min) ||
		!read_limit(in, object, "max_per_head", INFINITY, &plan.segment.max) ||
		!read_status(in, json_member(object, "status"), &plan.status))
		return false;
	plan.segment.heads = (double) heads;
	if ((problem = plan_segment_problem(&plan)) != NULL)
		return json_fail(in, "Segment \"%s\": %s.", json_excerpt(part->name, (int) part->name_bytes), problem);
	plan_segment_set(part, &plan);
	return true;
}

static void
append_segment(StringInfo out, const NamedPart *part)
{
	PlanSegment plan;

	plan_segment_read(part, &plan);
	appendStringInfo(out, "\"heads\": %.0f, \"curve\": ", plan.segment.heads);
	append_curve(out, &plan.segment.curve, plan.tested_max);
	for (int i = 0; i < plan.segment.n_others; i++)
	{
		appendStringInfoString(out, i == 0 ? ", \"others\": [" : ", ");
		append_open_curve(out, &plan.segment.others[i].curve);
		append_limit(out, "weight", plan.segment.others[i].weight);
		appendStringInfoString(out, i == plan.segment.n_others - 1 ? "}]" : "}");
	}
	appendStringInfo(out, ", \"status\": \"%s\", \"value_per_response\": ", response_status_name(plan.status));
	json_append_float(out, plan.segment.value);
	appendStringInfoString(out, ", ");
	append_limit(out, "min_per_head", plan.segment.min);
	appendStringInfoString(out, ", ");
	append_limit(out, "max_per_head", plan.segment.max);
}

/* Curve, status with the number of other curves, numbers, and the other curves with their weights. */
static void
send_segment(StringInfo out, const NamedPart *part)
{
	PlanSegment plan;

	plan_segment_read(part, &plan);
	send_curve(out, &plan.segment.curve);
	pq_sendbyte(out, PLAN_STATUS_BYTE(&plan));
	pq_sendfloat8(out, plan.segment.heads);
	pq_sendfloat8(out, plan.segment.value);
	pq_sendfloat8(out, plan.segment.min);
	pq_sendfloat8(out, plan.segment.max);
	pq_sendfloat8(out, plan.tested_max);
	for (int i = 0; i < plan.segment.n_others; i++)
	{
		send_curve(out, &plan.segment.others[i].curve);
		pq_sendfloat8(out, plan.segment.others[i].weight);
	}
}

static void
receive_segment(StringInfo in, NamedPart *part)
{
	const char *type = budget_plan_parts.name;
	PlanSegment plan;
	const char *problem;
	int status;

	receive_curve(in, type, &plan.segment.curve);
	status = pq_getmsgbyte(in);
	if (PLAN_STATUS(status) > RESPONSE_POOR_FIT || PLAN_OTHERS(status) > (int) lengthof(plan.segment.others))
		bytes_malformed(type, "the status is unknown");
	plan.status = (ResponseStatus) PLAN_STATUS(status);
	plan.segment.n_others = PLAN_OTHERS(status);
	plan.segment.heads = receive_number(in);
	plan.segment.value = receive_number(in);
	plan.segment.min = receive_number(in);
	plan.segment.max = receive_number(in);
	plan.tested_max = receive_number(in);
	for (int i = 0; i < plan.segment.n_others; i++)
	{
		receive_curve(in, type, &plan.segment.others[i].curve);
		plan.segment.others[i].weight = receive_number(in);
	}
	if ((problem = plan_segment_problem(&plan)) != NULL)
		bytes_malformed(type, problem);
	plan_segment_set(part, &plan);
}

static const PartsForm plan_form = {
	.type = &budget_plan_parts,
	.members =
		(const char *const[]){
			"segment",
			"heads",
			"curve",
			"others",
			"status",
			"value_per_response",
			"min_per_head",
			"max_per_head",
			NULL,
		},
	.least_wire_bytes = PLAN_SEGMENT_BYTES,
	.read = read_segment,
	.append = append_segment,
	.send = send_segment,
	.receive = receive_segment,
};

PG_FUNCTION_INFO_V1(budget_plan_in);
Datum
budget_plan_in(PG_FUNCTION_ARGS)
{
	return parts_in(&plan_form, fcinfo);
}

PG_FUNCTION_INFO_V1(budget_plan_out);
Datum
budget_plan_out(PG_FUNCTION_ARGS)
{
	return parts_out(&plan_form, fcinfo);
}

PG_FUNCTION_INFO_V1(budget_plan_send);
Datum
budget_plan_send(PG_FUNCTION_ARGS)
{
	return parts_send(&plan_form, fcinfo);
}

PG_FUNCTION_INFO_V1(budget_plan_recv);
Datum
budget_plan_recv(PG_FUNCTION_ARGS)
{
	return parts_recv(&plan_form, fcinfo);
}
