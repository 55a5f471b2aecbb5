/*
 * clv_io.c
 *	  The text and binary forms of clv_model.
 *
 * Text:	{"model": "bg/nbd", "time_unit_days": 7, "as_of": "1997-09-30",
 *			 "timing": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4},
 *			 "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44},
 *			 "timing_fit": {…}, "spend_fit": {…}, "candidates": [{…}, …]}
 *
 *			Only "model" and "timing" are needed: whoever knows the parameters
 *			can write a model down. The two "fit" members tell how parameters
 *			were found: converged, iterations, log_likelihood, customers, …,
 *			and the covariance of the log parameters, lower triangle by rows.
 *			Models of discrete time have a "period" in place of the unit; models
 *			with covariates their names, "covariates": ["channel"], and
 *			"coefficients": {"rate:channel": 0.2, …}, which the covariance of the
 *			timing fit goes on with.
 * Binary:	version byte, then the fields of ClvModel in order
 */
#include "compat.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"

#include "clv/clv.h"
#include "value/bytes.h"
#include "value/json.h"

#define WIRE_VERSION 1

/* A part with its figures: for timing, coefficients among them, which follow the model. */
typedef struct Figures
{
	ClvModel   *model;
	ClvPart    *part;
	int			count;
	const char *names[FIT_MAX_PARAMS];
} Figures;

static Figures
figures_of_timing(ClvModel *model)
{
	Figures		figures = {.model = model, .part = &model->timing, .count = clv_timing_figure_count(model)};

	for (int i = 0; i < figures.count; i++)
		figures.names[i] = clv_timing_figure_name(model, i);
	return figures;
}

static Figures
figures_of_spend(ClvModel *model)
{
	Figures		figures = {.model = model, .part = &model->spend, .count = SPEND_PARAMS};

	memcpy(figures.names, spend_param_names, sizeof(spend_param_names));
	return figures;
}

/* Place i of the covariance's lower triangle. */
static double *
figures_covariance(const Figures *figures, int i)
{
	int			n_params = figures->part->n_params;

	/* The rows of the coefficients follow one another behind the model. */
	return i < COVARIANCES(n_params) ? &figures->part->covariance[i]
		: clv_timing_covariance(figures->model, n_params, 0) + (i - COVARIANCES(n_params));
}

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

/* Members of these names, and no others: the figures of a part, or some of them. */
static bool
read_figures(JsonInput *in, JsonbContainer *object, const char *const *names, int count, double *figures)
{
	const char *keys[FIT_MAX_PARAMS + 1] = {NULL};

	memcpy(keys, names, count * sizeof(*keys));
	if (!json_check_members(in, object, keys))
		return false;
	for (int i = 0; i < count; i++)
		if (!json_read_float(in, json_member(object, names[i]), names[i], &figures[i]))
			return false;
	return true;
}

/* The lower triangle, row by row: first what the part has room for, then what follows the model. */
static bool
read_covariance(JsonInput *in, JsonbContainer *fit, const Figures *figures)
{
	JsonbContainer *numbers;
	int			count = COVARIANCES(figures->count);

	if (!json_array_member(in, fit, "covariance", true, &numbers))
		return false;
	if (numbers != NULL && JsonContainerSize(numbers) != count)
		return json_fail(in, "\"covariance\" must have %d numbers.", count);
	for (int i = 0; i < count; i++)
	{
		JsonbValue *number = numbers == NULL ? NULL : getIthJsonbValueFromContainer(numbers, i);
		double	   *covariance = figures_covariance(figures, i);

		*covariance = NAN;
		if (number != NULL && number->type != jbvNull && !json_read_float(in, number, "covariance", covariance))
			return false;
	}
	return true;
}

static bool
read_unidentified(JsonInput *in, JsonbContainer *fit, const Figures *figures)
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
		while (param < figures->count && strcmp(figures->names[param], name) != 0)
			param++;
		if (param == figures->count)
			return json_fail(in, "There is no parameter \"%s\".", json_excerpt(name, strlen(name)));
		figures->part->unidentified |= UINT64CONST(1) << param;
	}
	return true;
}

static bool
read_fit(JsonInput *in, JsonbContainer *fit, const Figures *figures)
{
	static const char *const members[] = {
		"converged", "iterations", "log_likelihood", "customers", "left_out",
		"penalty", "prior_sd", "unidentified", "covariance", NULL
	};
	ClvPart    *part = figures->part;
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
		!optional_float(in, fit, "penalty", &part->penalty) ||
		!optional_float(in, fit, "prior_sd", &part->prior_sd))
		return false;
	part->iterations = (int32) iterations;
	return read_unidentified(in, fit, figures) && read_covariance(in, fit, figures);
}

static bool
read_period(JsonInput *in, JsonbValue *value, ClvModel *model)
{
	Period		period;
	char	   *name = json_read_text(in, value, "period");

	if (name == NULL)
		return false;
	if (!period_by_name(name, &period))
		return json_fail(in, "There is no period \"%s\".", json_excerpt(name, strlen(name)));
	model->period = period;
	model->unit_days = period_mean_days(period);
	return true;
}

static bool
read_head(JsonInput *in, JsonbContainer *object, ClvModel *model)
{
	JsonbValue *as_of = json_member(object, "as_of");
	JsonbValue *period = json_member(object, "period");

	return (period == NULL || read_period(in, period, model)) &&
		optional_float(in, object, "time_unit_days", &model->unit_days) &&
		(as_of == NULL || json_read_date(in, as_of, "as_of", &model->as_of)) &&
		optional_count(in, object, "repeat_customers", PG_INT64_MAX, &model->repeat_customers);
}

static bool
read_covariate_names(JsonInput *in, JsonbContainer *names, ClvModel *model)
{
	for (int i = 0; i < model->n_covariates; i++)
	{
		char	   *name = json_read_text(in, getIthJsonbValueFromContainer(names, i), "covariates");

		if (name == NULL)
			return false;
		if (strlen(name) >= NAMEDATALEN)
			return json_fail(in, "A name in \"covariates\" is longer than %d bytes.", NAMEDATALEN - 1);
		strlcpy(clv_model_covariates(model)[i].name, name, NAMEDATALEN);
	}
	return true;
}

static bool
read_candidate(JsonInput *in, JsonbValue *value, ClvCandidate *candidate)
{
	static const char *const members[] = {"model", "param_count", "converged", "log_likelihood", "bic", NULL};
	JsonbContainer *object;
	const Model *timing;
	char	   *name;
	int64		n_figures;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		return json_fail(in, "\"candidates\" must be objects.");
	object = value->val.binary.data;
	name = json_read_text(in, json_member(object, "model"), "model");
	if (name == NULL || !json_check_members(in, object, members) ||
		!json_read_int(in, json_member(object, "param_count"), "param_count", 1, FIT_MAX_PARAMS, &n_figures) ||
		!json_read_bool(in, json_member(object, "converged"), "converged", &candidate->converged))
		return false;
	timing = model_by_name(name);
	if (timing == NULL)
		return json_fail(in, "There is no model \"%s\".", json_excerpt(name, strlen(name)));
	candidate->model_id = timing->id;
	candidate->n_figures = (uint8) n_figures;
	candidate->log_likelihood = candidate->bic = NAN;
	return optional_float(in, object, "log_likelihood", &candidate->log_likelihood) &&
		optional_float(in, object, "bic", &candidate->bic);
}

/* A member that is a list, and how long it is; none is a short one. */
static bool
optional_list(JsonInput *in, JsonbContainer *object, const char *key, int longest,
			  JsonbContainer **list, int *length)
{
	if (!json_array_member(in, object, key, true, list))
		return false;
	*length = *list == NULL ? 0 : JsonContainerSize(*list);
	return *length <= longest || json_fail(in, "\"%s\" has more than %d elements.", key, longest);
}

/* The timing part, with covariates and candidates; NULL after a soft error. */
static ClvModel *
read_timing(JsonInput *in, JsonbContainer *object, const Model *kind)
{
	JsonbContainer *timing,
			   *fit,
			   *coefficients,
			   *names,
			   *candidates;
	int			n_covariates,
				n_candidates;

	if (!json_object_member(in, object, "timing", true, &timing) ||
		!json_object_member(in, object, "timing_fit", true, &fit) ||
		!json_object_member(in, object, "coefficients", true, &coefficients) ||
		!optional_list(in, object, "covariates", FIT_MAX_COVARIATES, &names, &n_covariates) ||
		!optional_list(in, object, "candidates", CLV_MAX_CANDIDATES, &candidates, &n_candidates))
		return NULL;
	if (timing == NULL || (n_covariates > 0) != (coefficients != NULL))
	{
		json_fail(in, "Member \"%s\" is missing.",
				  timing == NULL ? "timing" : coefficients == NULL ? "coefficients" : "covariates");
		return NULL;
	}

	ClvModel   *model = clv_model_make(kind, n_covariates, n_candidates);

	if (!read_head(in, object, model) || !read_covariate_names(in, names, model))
		return NULL;

	Figures		figures = figures_of_timing(model);

	if (!read_figures(in, timing, figures.names, kind->n_params, model->timing.params) ||
		(coefficients != NULL &&
		 !read_figures(in, coefficients, figures.names + kind->n_params, figures.count - kind->n_params,
					   clv_model_coefficients(model))) ||
		(fit != NULL && !read_fit(in, fit, &figures)))
		return NULL;
	for (int i = 0; i < n_candidates; i++)
		if (!read_candidate(in, getIthJsonbValueFromContainer(candidates, i), &clv_model_candidates(model)[i]))
			return NULL;
	return model;
}

static bool
read_spend(JsonInput *in, JsonbContainer *object, ClvModel *model)
{
	Figures		figures = figures_of_spend(model);
	JsonbContainer *spend,
			   *fit;

	if (!json_object_member(in, object, "spend", true, &spend) ||
		!json_object_member(in, object, "spend_fit", true, &fit))
		return false;
	if (spend == NULL)
		return fit == NULL || json_fail(in, "Member \"%s\" is missing.", "spend");
	model->spend.n_params = SPEND_PARAMS;
	return read_figures(in, spend, figures.names, SPEND_PARAMS, model->spend.params) &&
		(fit == NULL || read_fit(in, fit, &figures));
}

/* The model with its two parts; NULL after a soft error. */
static ClvModel *
read_model(JsonInput *in, JsonbContainer *object)
{
	char	   *name = json_read_text(in, json_member(object, "model"), "model");

	if (name == NULL)
		return NULL;

	const Model *kind = model_by_name(name);

	if (kind == NULL)
	{
		json_fail(in, "There is no model \"%s\".", json_excerpt(name, strlen(name)));
		return NULL;
	}

	ClvModel   *model = read_timing(in, object, kind);

	return model == NULL || !read_spend(in, object, model) ? NULL : model;
}

PG_FUNCTION_INFO_V1(clv_model_in);
Datum
clv_model_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {
		"model", "time_unit_days", "period", "as_of", "repeat_customers", "covariates",
		"timing", "coefficients", "spend", "timing_fit", "spend_fit", "candidates", NULL
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
append_figures(StringInfo out, const char *member, const double *figures, const char *const *names, int count)
{
	appendStringInfo(out, ", \"%s\": {", member);
	for (int i = 0; i < count; i++)
	{
		appendStringInfoString(out, i == 0 ? "" : ", ");
		json_append_text(out, names[i]);
		appendStringInfoString(out, ": ");
		json_append_float(out, figures[i]);
	}
	appendStringInfoChar(out, '}');
}

static void
append_fit(StringInfo out, const char *member, const Figures *figures)
{
	const ClvPart *part = figures->part;
	const char *separator = "";

	appendStringInfo(out, ", \"%s\": {\"converged\": %s, \"iterations\": %d, \"log_likelihood\": ",
					 member, part->converged ? "true" : "false", part->iterations);
	json_append_float(out, part->log_likelihood);
	appendStringInfo(out, ", \"customers\": " INT64_FORMAT ", \"left_out\": " INT64_FORMAT ", \"penalty\": ",
					 part->customers, part->left_out);
	json_append_float(out, part->penalty);
	appendStringInfoString(out, ", \"prior_sd\": ");
	json_append_float(out, part->prior_sd);

	appendStringInfoString(out, ", \"unidentified\": [");
	for (int i = 0; i < figures->count; i++)
		if ((part->unidentified & (UINT64CONST(1) << i)) != 0)
		{
			appendStringInfoString(out, separator);
			json_append_text(out, figures->names[i]);
			separator = ", ";
		}

	appendStringInfoString(out, "], \"covariance\": [");
	for (int i = 0; i < COVARIANCES(figures->count); i++)
	{
		appendStringInfoString(out, i == 0 ? "" : ", ");
		json_append_float(out, *figures_covariance(figures, i));
	}
	appendStringInfoString(out, "]}");
}

static void
append_head(StringInfo out, const ClvModel *model)
{
	appendStringInfo(out, "{\"model\": \"%s\", ", clv_model_timing(model)->name);
	if (model->period != PERIOD_DAY)
		appendStringInfo(out, "\"period\": \"%s\"", period_names[model->period]);
	else
	{
		appendStringInfoString(out, "\"time_unit_days\": ");
		json_append_float(out, model->unit_days);
	}
	if (model->as_of != DATEVAL_NOBEGIN)
	{
		appendStringInfoString(out, ", \"as_of\": ");
		json_append_date(out, model->as_of);
	}
	if (model->timing.fitted || model->repeat_customers > 0)
		appendStringInfo(out, ", \"repeat_customers\": " INT64_FORMAT, model->repeat_customers);
	for (int i = 0; i < model->n_covariates; i++)
	{
		appendStringInfoString(out, i == 0 ? ", \"covariates\": [" : ", ");
		json_append_text(out, clv_model_covariates(model)[i].name);
	}
	if (model->n_covariates > 0)
		appendStringInfoChar(out, ']');
}

static void
append_candidates(StringInfo out, const ClvModel *model)
{
	for (int i = 0; i < model->n_candidates; i++)
	{
		const ClvCandidate *candidate = &clv_model_candidates(model)[i];

		appendStringInfo(out, "%s{\"model\": \"%s\", \"param_count\": %d, \"converged\": %s, \"log_likelihood\": ",
						 i == 0 ? ", \"candidates\": [" : ", ", model_by_id(candidate->model_id)->name,
						 candidate->n_figures, candidate->converged ? "true" : "false");
		json_append_float(out, candidate->log_likelihood);
		appendStringInfoString(out, ", \"bic\": ");
		json_append_float(out, candidate->bic);
		appendStringInfoChar(out, '}');
	}
	if (model->n_candidates > 0)
		appendStringInfoChar(out, ']');
}

PG_FUNCTION_INFO_V1(clv_model_out);
Datum
clv_model_out(PG_FUNCTION_ARGS)
{
	ClvModel   *model = (ClvModel *) PG_GETARG_CLV_MODEL(0);
	Figures		timing = figures_of_timing(model);
	Figures		spend = figures_of_spend(model);
	int			n_params = model->timing.n_params;
	StringInfoData out;

	initStringInfo(&out);
	append_head(&out, model);
	append_figures(&out, "timing", model->timing.params, timing.names, n_params);
	if (model->n_covariates > 0)
		append_figures(&out, "coefficients", clv_model_coefficients(model), timing.names + n_params,
					   timing.count - n_params);
	if (model->spend.n_params > 0)
		append_figures(&out, "spend", model->spend.params, spend.names, SPEND_PARAMS);
	if (model->timing.fitted)
		append_fit(&out, "timing_fit", &timing);
	if (model->spend.fitted)
		append_fit(&out, "spend_fit", &spend);
	append_candidates(&out, model);
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

static void
send_part(StringInfo out, const ClvPart *part)
{
	pq_sendbyte(out, part->n_params);
	pq_sendbyte(out, part->fitted);
	pq_sendbyte(out, part->converged);
	pq_sendint64(out, part->unidentified);
	pq_sendint32(out, part->iterations);
	pq_sendint64(out, part->customers);
	pq_sendint64(out, part->left_out);
	pq_sendfloat8(out, part->penalty);
	pq_sendfloat8(out, part->prior_sd);
	pq_sendfloat8(out, part->log_likelihood);
	for (int i = 0; i < part->n_params; i++)
		pq_sendfloat8(out, part->params[i]);
	for (int i = 0; i < COVARIANCES(part->n_params); i++)
		pq_sendfloat8(out, part->covariance[i]);
}

/* How many doubles the coefficients and the rows of their covariances take. */
static int
coefficient_figures(const ClvModel *model)
{
	return clv_model_coefficient_count(model) +
		COVARIANCES(clv_timing_figure_count(model)) - COVARIANCES(model->timing.n_params);
}

/* pq_sendcountedtext would do, but its arguments differ among servers. */
static void
send_name(StringInfo out, const char *name)
{
	char	   *converted = pg_server_to_client(name, strlen(name));

	pq_sendint32(out, strlen(converted));
	pq_sendbytes(out, converted, strlen(converted));
}

static void
send_more(StringInfo out, const ClvModel *model)
{
	for (int i = 0; i < model->n_covariates; i++)
		send_name(out, clv_model_covariates(model)[i].name);
	for (int i = 0; i < model->n_candidates; i++)
	{
		const ClvCandidate *candidate = &clv_model_candidates(model)[i];

		pq_sendbyte(out, candidate->model_id);
		pq_sendbyte(out, candidate->n_figures);
		pq_sendbyte(out, candidate->converged);
		pq_sendfloat8(out, candidate->log_likelihood);
		pq_sendfloat8(out, candidate->bic);
	}
	for (int i = 0; i < coefficient_figures(model); i++)
		pq_sendfloat8(out, clv_model_coefficients(model)[i]);
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
	pq_sendbyte(&out, model->period);
	pq_sendbyte(&out, model->n_covariates);
	pq_sendbyte(&out, model->n_candidates);
	pq_sendint32(&out, (uint32) model->as_of);
	pq_sendint64(&out, model->repeat_customers);
	pq_sendfloat8(&out, model->unit_days);
	send_part(&out, &model->timing);
	send_part(&out, &model->spend);
	send_more(&out, model);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* One NaN and one zero, whatever the sender's: equal values have equal bytes. */
static double
receive_float(StringInfo in)
{
	double		number = pq_getmsgfloat8(in);

	return isnan(number) ? NAN : number + 0.0;
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
	part->unidentified = pq_getmsgint64(in);
	part->iterations = pq_getmsgint(in, 4);
	part->customers = pq_getmsgint64(in);
	part->left_out = pq_getmsgint64(in);
	part->penalty = receive_float(in);
	part->prior_sd = receive_float(in);
	part->log_likelihood = receive_float(in);
	for (int i = 0; i < part->n_params; i++)
		part->params[i] = receive_float(in);
	for (int i = 0; i < COVARIANCES(part->n_params); i++)
		part->covariance[i] = receive_float(in);
}

/* pq_getmsgtext converts from the client's encoding, and what comes out of it is text. */
static void
receive_more(StringInfo in, ClvModel *model)
{
	for (int i = 0; i < model->n_covariates; i++)
	{
		int			length = pq_getmsgint(in, 4);
		char	   *name;

		if (length < 0 || length > in->len - in->cursor)
			bytes_malformed("clv_model", "the name of a covariate is too long");
		name = pq_getmsgtext(in, length, &length);
		if (length >= NAMEDATALEN || strlen(name) != length)
			bytes_malformed("clv_model", "the name of a covariate is too long");
		strlcpy(clv_model_covariates(model)[i].name, name, NAMEDATALEN);
	}
	for (int i = 0; i < model->n_candidates; i++)
	{
		ClvCandidate *candidate = &clv_model_candidates(model)[i];

		candidate->model_id = pq_getmsgbyte(in);
		candidate->n_figures = pq_getmsgbyte(in);
		candidate->converged = receive_flag(in);
		candidate->log_likelihood = receive_float(in);
		candidate->bic = receive_float(in);
	}
	for (int i = 0; i < coefficient_figures(model); i++)
		clv_model_coefficients(model)[i] = receive_float(in);
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

	int			period = pq_getmsgbyte(in);
	int			n_covariates = pq_getmsgbyte(in);
	int			n_candidates = pq_getmsgbyte(in);

	if (n_covariates > FIT_MAX_COVARIATES || n_candidates > CLV_MAX_CANDIDATES)
		bytes_malformed("clv_model", "there are too many covariates or candidates");

	ClvModel   *model = clv_model_make(timing, n_covariates, n_candidates);

	model->period = period;
	model->as_of = (DateADT) pq_getmsgint(in, 4);
	model->repeat_customers = pq_getmsgint64(in);
	model->unit_days = pq_getmsgfloat8(in);
	receive_part(in, &model->timing);
	receive_part(in, &model->spend);
	if (model->timing.n_params != timing->n_params)
		bytes_malformed("clv_model", "the number of parameters is wrong");
	receive_more(in, model);

	const char *problem = clv_model_problem(model);

	if (problem != NULL)
		bytes_malformed("clv_model", problem);
	PG_RETURN_POINTER(model);
}
