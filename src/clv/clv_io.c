/*
 * clv_io.c
 *	  The text and binary forms of clv_model.
 *
 * Text:	{"model": "bg/nbd", "time_unit_days": 7, "as_of": "1997-09-30",
 *			 "timing": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4},
 *			 "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44},
 *			 "timing_fit": {…}, "spend_fit": {…}}
 *
 *			Only "model" and "timing" are needed: whoever knows the parameters
 *			can write a model down. The two "fit" members tell how parameters
 *			were found: converged, iterations, log_likelihood, customers, …,
 *			and the covariance of the log parameters, lower triangle by rows.
 * Binary:	version byte, then the fields of ClvModel in order
 */
#include "compat.h"

#include <math.h>

#include "libpq/pqformat.h"

#include "clv/clv.h"
#include "value/bytes.h"
#include "value/json.h"

#define WIRE_VERSION 1

/* A member that may be missing: *number is left as it is then. */
static bool
optional_float(JsonInput *in, JsonbContainer *object, const char *key, double *number)
{
	JsonbValue *value = json_member(object, key);

	return value == NULL || json_read_float(in, value, key, number);
}

static bool
optional_count(JsonInput *in, JsonbContainer *object, const char *key, int64 highest, int64 *number)
{
	JsonbValue *value = json_member(object, key);

	return value == NULL || json_read_int(in, value, key, 0, highest, number);
}

static bool
read_params(JsonInput *in, JsonbContainer *object, const char *const *names, ClvPart *part)
{
	const char *keys[MODEL_MAX_PARAMS + 1] = {NULL};

	memcpy(keys, names, part->n_params * sizeof(*keys));
	if (!json_check_members(in, object, keys))
		return false;
	for (int i = 0; i < part->n_params; i++)
		if (!json_read_float(in, json_member(object, names[i]), names[i], &part->params[i]))
			return false;
	return true;
}

static bool
read_covariance(JsonInput *in, JsonbContainer *fit, ClvPart *part)
{
	JsonbContainer *numbers;

	if (!json_array_member(in, fit, "covariance", true, &numbers))
		return false;
	for (int i = 0; i < COVARIANCES(part->n_params); i++)
		part->covariance[i] = NAN;
	if (numbers == NULL)
		return true;
	if (JsonContainerSize(numbers) != COVARIANCES(part->n_params))
		return json_fail(in, "\"covariance\" must have %d numbers.", COVARIANCES(part->n_params));
	for (int i = 0; i < COVARIANCES(part->n_params); i++)
	{
		JsonbValue *number = getIthJsonbValueFromContainer(numbers, i);

		if (number->type != jbvNull &&
			!json_read_float(in, number, "covariance", &part->covariance[i]))
			return false;
	}
	return true;
}

static bool
read_unidentified(JsonInput *in, JsonbContainer *fit, const char *const *names, ClvPart *part)
{
	JsonbContainer *params;

	if (!json_array_member(in, fit, "unidentified", true, &params))
		return false;
	for (uint32 i = 0; params != NULL && i < JsonContainerSize(params); i++)
	{
		char	   *name = json_read_text(in, getIthJsonbValueFromContainer(params, i), "unidentified");
		int			param = 0;

		if (name == NULL)
			return false;
		while (param < part->n_params && strcmp(names[param], name) != 0)
			param++;
		if (param == part->n_params)
			return json_fail(in, "There is no parameter \"%s\".", json_excerpt(name, strlen(name)));
		part->unidentified |= 1 << param;
	}
	return true;
}

static bool
read_fit(JsonInput *in, JsonbContainer *fit, const char *const *names, ClvPart *part)
{
	static const char *const members[] = {
		"converged", "iterations", "log_likelihood", "customers", "left_out",
		"prior_sd", "unidentified", "covariance", NULL
	};
	int64		iterations = 0;
	JsonbValue *converged = json_member(fit, "converged");

	part->fitted = true;
	part->log_likelihood = NAN;
	if (!json_check_members(in, fit, members) ||
		(converged != NULL && !json_read_bool(in, converged, "converged", &part->converged)) ||
		!optional_count(in, fit, "iterations", PG_INT32_MAX, &iterations) ||
		!optional_float(in, fit, "log_likelihood", &part->log_likelihood) ||
		!optional_count(in, fit, "customers", PG_INT64_MAX, &part->customers) ||
		!optional_count(in, fit, "left_out", PG_INT64_MAX, &part->left_out) ||
		!optional_float(in, fit, "prior_sd", &part->prior_sd))
		return false;
	part->iterations = (int32) iterations;
	return read_unidentified(in, fit, names, part) && read_covariance(in, fit, part);
}

static bool
read_head(JsonInput *in, JsonbContainer *object, ClvModel *model)
{
	JsonbValue *as_of = json_member(object, "as_of");

	return optional_float(in, object, "time_unit_days", &model->unit_days) &&
		(as_of == NULL || json_read_date(in, as_of, "as_of", &model->as_of)) &&
		optional_count(in, object, "repeat_customers", PG_INT64_MAX, &model->repeat_customers);
}

/* The model with its two parts; NULL after a soft error. */
static ClvModel *
read_model(JsonInput *in, JsonbContainer *object)
{
	JsonbContainer *timing,
			   *spend,
			   *timing_fit,
			   *spend_fit;
	char	   *name = json_read_text(in, json_member(object, "model"), "model");

	if (name == NULL ||
		!json_object_member(in, object, "timing", true, &timing) ||
		!json_object_member(in, object, "spend", true, &spend) ||
		!json_object_member(in, object, "timing_fit", true, &timing_fit) ||
		!json_object_member(in, object, "spend_fit", true, &spend_fit))
		return NULL;

	const Model *kind = model_by_name(name);

	if (kind == NULL)
	{
		json_fail(in, "There is no model \"%s\".", json_excerpt(name, strlen(name)));
		return NULL;
	}
	if (timing == NULL || (spend == NULL && spend_fit != NULL))
	{
		json_fail(in, "Member \"%s\" is missing.", timing == NULL ? "timing" : "spend");
		return NULL;
	}

	ClvModel   *model = clv_model_make(kind);

	model->spend.n_params = spend == NULL ? 0 : SPEND_PARAMS;
	if (!read_head(in, object, model) ||
		!read_params(in, timing, kind->param_names, &model->timing) ||
		(spend != NULL && !read_params(in, spend, spend_param_names, &model->spend)) ||
		(timing_fit != NULL && !read_fit(in, timing_fit, kind->param_names, &model->timing)) ||
		(spend_fit != NULL && !read_fit(in, spend_fit, spend_param_names, &model->spend)))
		return NULL;
	return model;
}

PG_FUNCTION_INFO_V1(clv_model_in);
Datum
clv_model_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {
		"model", "time_unit_days", "as_of", "repeat_customers",
		"timing", "spend", "timing_fit", "spend_fit", NULL
	};
	JsonInput	in = {"clv_model", fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));

	if (object == NULL || !json_check_members(&in, object, members))
		PG_RETURN_NULL();

	ClvModel   *model = read_model(&in, object);

	if (model == NULL)
		PG_RETURN_NULL();

	const char *problem = clv_model_problem(model);

	if (problem != NULL)
	{
		json_fail(&in, "It cannot be used: %s.", problem);
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(model);
}

static void
append_params(StringInfo out, const char *member, const ClvPart *part, const char *const *names)
{
	appendStringInfo(out, ", \"%s\": {", member);
	for (int i = 0; i < part->n_params; i++)
	{
		appendStringInfo(out, "%s\"%s\": ", i == 0 ? "" : ", ", names[i]);
		json_append_float(out, part->params[i]);
	}
	appendStringInfoChar(out, '}');
}

static void
append_fit(StringInfo out, const char *member, const ClvPart *part, const char *const *names)
{
	const char *separator = "";

	appendStringInfo(out, ", \"%s\": {\"converged\": %s, \"iterations\": %d, \"log_likelihood\": ",
					 member, part->converged ? "true" : "false", part->iterations);
	json_append_float(out, part->log_likelihood);
	appendStringInfo(out, ", \"customers\": " INT64_FORMAT ", \"left_out\": " INT64_FORMAT ", \"prior_sd\": ",
					 part->customers, part->left_out);
	json_append_float(out, part->prior_sd);

	appendStringInfoString(out, ", \"unidentified\": [");
	for (int i = 0; i < part->n_params; i++)
		if ((part->unidentified & (1 << i)) != 0)
		{
			appendStringInfo(out, "%s\"%s\"", separator, names[i]);
			separator = ", ";
		}

	appendStringInfoString(out, "], \"covariance\": ");
	json_append_floats(out, part->covariance, COVARIANCES(part->n_params));
	appendStringInfoChar(out, '}');
}

PG_FUNCTION_INFO_V1(clv_model_out);
Datum
clv_model_out(PG_FUNCTION_ARGS)
{
	const ClvModel *model = PG_GETARG_CLV_MODEL(0);
	const Model *timing = clv_model_timing(model);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"model\": \"%s\", \"time_unit_days\": ", timing->name);
	json_append_float(&out, model->unit_days);
	if (model->as_of != DATEVAL_NOBEGIN)
	{
		appendStringInfoString(&out, ", \"as_of\": ");
		json_append_date(&out, model->as_of);
	}
	if (model->timing.fitted || model->repeat_customers > 0)
		appendStringInfo(&out, ", \"repeat_customers\": " INT64_FORMAT, model->repeat_customers);
	append_params(&out, "timing", &model->timing, timing->param_names);
	if (model->spend.n_params > 0)
		append_params(&out, "spend", &model->spend, spend_param_names);
	if (model->timing.fitted)
		append_fit(&out, "timing_fit", &model->timing, timing->param_names);
	if (model->spend.fitted)
		append_fit(&out, "spend_fit", &model->spend, spend_param_names);
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

static void
send_part(StringInfo out, const ClvPart *part)
{
	pq_sendbyte(out, part->n_params);
	pq_sendbyte(out, part->fitted);
	pq_sendbyte(out, part->converged);
	pq_sendbyte(out, part->unidentified);
	pq_sendint32(out, part->iterations);
	pq_sendint64(out, part->customers);
	pq_sendint64(out, part->left_out);
	pq_sendfloat8(out, part->prior_sd);
	pq_sendfloat8(out, part->log_likelihood);
	for (int i = 0; i < part->n_params; i++)
		pq_sendfloat8(out, part->params[i]);
	for (int i = 0; i < COVARIANCES(part->n_params); i++)
		pq_sendfloat8(out, part->covariance[i]);
}

PG_FUNCTION_INFO_V1(clv_model_send);
Datum
clv_model_send(PG_FUNCTION_ARGS)
{
	const ClvModel *model = PG_GETARG_CLV_MODEL(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendbyte(&out, model->model_id);
	pq_sendint32(&out, (uint32) model->as_of);
	pq_sendint64(&out, model->repeat_customers);
	pq_sendfloat8(&out, model->unit_days);
	send_part(&out, &model->timing);
	send_part(&out, &model->spend);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* One NaN, whatever the sender's: equal values have equal bytes. */
static double
receive_float(StringInfo in)
{
	double		number = pq_getmsgfloat8(in);

	return isnan(number) ? NAN : number;
}

static bool
receive_flag(StringInfo in)
{
	int			flag = pq_getmsgbyte(in);

	if (flag > 1)
		bytes_malformed("clv_model", "a flag is neither 0 nor 1");
	return flag != 0;
}

static void
receive_part(StringInfo in, ClvPart *part)
{
	part->n_params = pq_getmsgbyte(in);
	if (part->n_params > MODEL_MAX_PARAMS)
		bytes_malformed("clv_model", "there are too many parameters");
	part->fitted = receive_flag(in);
	part->converged = receive_flag(in);
	part->unidentified = pq_getmsgbyte(in);
	part->iterations = pq_getmsgint(in, 4);
	part->customers = pq_getmsgint64(in);
	part->left_out = pq_getmsgint64(in);
	part->prior_sd = receive_float(in);
	part->log_likelihood = receive_float(in);
	for (int i = 0; i < part->n_params; i++)
		part->params[i] = receive_float(in);
	for (int i = 0; i < COVARIANCES(part->n_params); i++)
		part->covariance[i] = receive_float(in);
}

/* Bytes may come from anywhere (COPY BINARY): nothing is believed. */
PG_FUNCTION_INFO_V1(clv_model_recv);
Datum
clv_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed("clv_model", "the version is unknown");

	const Model *timing = model_by_id(pq_getmsgbyte(in));

	if (timing == NULL)
		bytes_malformed("clv_model", "the model is unknown");

	ClvModel   *model = clv_model_make(timing);

	model->as_of = (DateADT) pq_getmsgint(in, 4);
	model->repeat_customers = pq_getmsgint64(in);
	model->unit_days = pq_getmsgfloat8(in);
	receive_part(in, &model->timing);
	receive_part(in, &model->spend);

	const char *problem = clv_model_problem(model);

	if (problem != NULL)
		bytes_malformed("clv_model", problem);
	PG_RETURN_POINTER(model);
}
