/*
 * clv_io.c
 *	  The text and binary forms of clv_model.
 *
 * Text:	{"model": "bg/nbd", "time_unit_days": 7, "as_of": "1997-09-30",
 *			 "timing": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4},
 *			 "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44},
 *			 "timing_fit": {…}, "spend_fit": {…}, "candidates": [{…}, …]}
 *
 *			Only "model" and "timing" are required: a model with known parameters
 *			can be given as text. The two "fit" members tell how parameters
 *			were found: converged, iterations, log_likelihood, customers, …,
 *			and the covariance of the log parameters, lower triangle by rows.
 *			Models of discrete time have a "period" in place of the unit; models
 *			with covariates their names, "covariates": ["channel"], and
 *			"coefficients": {"rate:channel": 0.2, …}, which the covariance of the
 *			timing fit goes on with. A "season" is as its own type shows it. A spend
 *			model other than gamma-gamma is named, "spend": {"model": "NAME", …}.
 * Binary:	version byte, which says what of the following there is; the spend model (1 byte);
 *			the fields of ClvModel in order; a season
 */
#include "compat.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"

#include "clv_model/clv_model.h"
#include "support/bytes.h"
#include "support/fit_record.h"

/* The version byte is the first version, plus a flag for each part that it did not have. */
#define WIRE_VERSION 1
#define WIRE_SEASON 1
#define WIRE_SPEND_MODEL 2

/* A part with its parameters: for timing, including the coefficients, which follow the struct. */
typedef struct Figures
{
	ClvModel *model;
	ClvPart *part;
	int count;
	const char *names[FIT_MAX_PARAMS];
} Figures;

static Figures
figures_of_timing(ClvModel *model)
{
	Figures figures = {.model = model, .part = &model->timing, .count = clv_timing_figure_count(model)};

	for (int i = 0; i < figures.count; i++)
		figures.names[i] = clv_timing_figure_name(model, i);
	return figures;
}

static Figures
figures_of_spend(ClvModel *model)
{
	Figures figures = {.model = model, .part = &model->spend, .count = clv_model_spend(model)->n_params};

	memcpy(figures.names, clv_model_spend(model)->param_names, figures.count * sizeof(*figures.names));
	return figures;
}

/* Place i of the covariance's lower triangle. */
static double *
figures_covariance(const void *of, int i)
{
	const Figures *figures = of;
	int n_params = figures->part->n_params;

	/* The rows of the coefficients follow one another behind the model. */
	return i < COVARIANCES(n_params) ? &figures->part->covariance[i]
									 : clv_timing_covariance(figures->model, n_params, 0) + (i - COVARIANCES(n_params));
}

/* Members of these names, and no others but one (NULL: none): all or some of the parameters of a part. */
static bool
read_figures(JsonInput *in, JsonbContainer *object, const char *const *names, int count, const char *other,
			 double *figures)
{
	const char *keys[FIT_MAX_PARAMS + 2] = {NULL};

	memcpy(keys, names, count * sizeof(*keys));
	keys[count] = other;
	if (!json_check_members(in, object, keys))
		return false;
	for (int i = 0; i < count; i++)
		if (!json_read_float(in, json_member(object, names[i]), names[i], &figures[i]))
			return false;
	return true;
}

/* The fit record of a part. */
static FitRecord
fit_of_figures(const Figures *figures)
{
	const ClvPart *part = figures->part;

	return (FitRecord){
		.converged = part->converged,
		.iterations = part->iterations,
		.log_likelihood = part->log_likelihood,
		.customers = part->customers,
		.count_name = "left_out",
		.count = part->left_out,
		.has_penalty = true,
		.penalty = part->penalty,
		.prior_sd = part->prior_sd,
		.unidentified = part->unidentified,
		.n_figures = figures->count,
		.names = figures->names,
		.covariance = figures_covariance,
		.figures = figures,
	};
}

static bool
read_fit(JsonInput *in, JsonbContainer *fit, const Figures *figures)
{
	FitRecord record = fit_of_figures(figures);
	ClvPart *part = figures->part;

	if (!fit_record_read(in, fit, &record))
		return false;
	part->fitted = true;
	part->converged = record.converged;
	part->iterations = record.iterations;
	part->log_likelihood = record.log_likelihood;
	part->customers = record.customers;
	part->left_out = record.count;
	part->penalty = record.penalty;
	part->prior_sd = record.prior_sd;
	part->unidentified = record.unidentified;
	return true;
}

static bool
read_period(JsonInput *in, JsonbValue *value, ClvModel *model)
{
	Period period;
	char *name = json_read_text(in, value, "period");

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
		json_optional_float(in, object, "time_unit_days", &model->unit_days) &&
		(as_of == NULL || json_read_date(in, as_of, "as_of", &model->as_of)) &&
		json_optional_count(in, object, "repeat_customers", PG_INT64_MAX, &model->repeat_customers);
}

static bool
read_covariate_names(JsonInput *in, JsonbContainer *names, ClvModel *model)
{
	for (int i = 0; i < model->n_covariates; i++)
	{
		char *name = json_read_text(in, getIthJsonbValueFromContainer(names, i), "covariates");

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
	static const char *const members[] = {
		"model", "param_count", "converged", "identified", "log_likelihood", "bic", NULL,
	};
	bool identified = true;
	JsonbContainer *object;
	const Model *timing;
	char *name;
	int64 n_figures;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		return json_fail(in, "\"candidates\" must be objects.");
	object = value->val.binary.data;
	name = json_read_text(in, json_member(object, "model"), "model");
	if (name == NULL || !json_check_members(in, object, members) ||
		!json_read_int(in, json_member(object, "param_count"), "param_count", 1, FIT_MAX_PARAMS, &n_figures) ||
		!json_read_bool(in, json_member(object, "converged"), "converged", &candidate->converged) ||
		(json_member(object, "identified") != NULL &&
		 !json_read_bool(in, json_member(object, "identified"), "identified", &identified)))
		return false;
	candidate->unidentified = !identified;
	timing = model_by_name(name);
	if (timing == NULL)
		return json_fail(in, "There is no model \"%s\". There are %s.", json_excerpt(name, strlen(name)),
						 clv_model_names(false, true));
	candidate->model_id = timing->id;
	candidate->n_figures = (uint8) n_figures;
	candidate->log_likelihood = candidate->bic = NAN;
	return json_optional_float(in, object, "log_likelihood", &candidate->log_likelihood) &&
		json_optional_float(in, object, "bic", &candidate->bic);
}

/* An optional member that is a list, and its length. */
static bool
optional_list(JsonInput *in, JsonbContainer *object, const char *key, int longest, JsonbContainer **list, int *length)
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
	JsonbContainer *timing, *fit, *coefficients, *names, *candidates;
	int n_covariates, n_candidates;

	if (!json_object_member(in, object, "timing", true, &timing) ||
		!json_object_member(in, object, "timing_fit", true, &fit) ||
		!json_object_member(in, object, "coefficients", true, &coefficients) ||
		!optional_list(in, object, "covariates", FIT_MAX_COVARIATES, &names, &n_covariates) ||
		!optional_list(in, object, "candidates", CLV_MAX_CANDIDATES, &candidates, &n_candidates))
		return NULL;
	if (timing == NULL || (n_covariates > 0) != (coefficients != NULL))
	{
		json_fail(in, "Member \"%s\" is missing.",
				  timing == NULL             ? "timing"
					  : coefficients == NULL ? "coefficients"
											 : "covariates");
		return NULL;
	}

	ClvModel *model = clv_model_make(kind, n_covariates, n_candidates);

	if (!read_head(in, object, model) || !read_covariate_names(in, names, model))
		return NULL;

	Figures figures = figures_of_timing(model);

	if (!read_figures(in, timing, figures.names, kind->n_params, NULL, model->timing.params) ||
		(coefficients != NULL &&
		 !read_figures(in, coefficients, figures.names + kind->n_params, figures.count - kind->n_params, NULL,
					   clv_model_coefficients(model))) ||
		(fit != NULL && !read_fit(in, fit, &figures)))
		return NULL;
	for (int i = 0; i < n_candidates; i++)
		if (!read_candidate(in, getIthJsonbValueFromContainer(candidates, i), &clv_model_candidates(model)[i]))
			return NULL;
	return model;
}

/* The spend model that a spend part names; without a name the default. */
static bool
read_spend_model(JsonInput *in, JsonbContainer *spend, ClvModel *model)
{
	JsonbValue *member = json_member(spend, "model");
	const SpendModel *kind;
	char *name;

	if (member == NULL)
		return true;
	name = json_read_text(in, member, "model");
	if (name == NULL)
		return false;
	kind = spend_model_by_name(name);
	if (kind == NULL)
		return json_fail(in, "There is no spend model \"%s\". Known are: %s.", json_excerpt(name, strlen(name)),
						 clv_spend_names());
	model->spend.spend_model = kind->id;
	return true;
}

static bool
read_spend(JsonInput *in, JsonbContainer *object, ClvModel *model)
{
	JsonbContainer *spend, *fit;

	if (!json_object_member(in, object, "spend", true, &spend) ||
		!json_object_member(in, object, "spend_fit", true, &fit))
		return false;
	if (spend == NULL)
		return fit == NULL || json_fail(in, "Member \"%s\" is missing.", "spend");
	if (!read_spend_model(in, spend, model))
		return false;

	Figures figures = figures_of_spend(model);

	model->spend.n_params = figures.count;
	return read_figures(in, spend, figures.names, figures.count, "model", model->spend.params) &&
		(fit == NULL || read_fit(in, fit, &figures));
}

/* The model with its season; NULL after a soft error. */
static ClvModel *
with_season_read(JsonInput *in, JsonbContainer *object, const ClvModel *model)
{
	const Season *season = season_read(in, object);

	return season == NULL ? NULL : clv_model_add_season(model, season);
}

/* The model with its two parts; NULL after a soft error. */
static ClvModel *
read_model(JsonInput *in, JsonbContainer *object)
{
	char *name = json_read_text(in, json_member(object, "model"), "model");

	if (name == NULL)
		return NULL;

	const Model *kind = model_by_name(name);

	if (kind == NULL)
	{
		json_fail(in, "There is no model \"%s\". There are %s.", json_excerpt(name, strlen(name)),
				  clv_model_names(false, true));
		return NULL;
	}

	ClvModel *model = read_timing(in, object, kind);
	JsonbContainer *season;

	if (model == NULL || !read_spend(in, object, model) || !json_object_member(in, object, "season", true, &season))
		return NULL;
	return season == NULL ? model : with_season_read(in, season, model);
}

PG_FUNCTION_INFO_V1(clv_model_in);
Datum
clv_model_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {
		"model",        "time_unit_days", "period",     "as_of",     "repeat_customers", "covariates", "timing",
		"coefficients", "spend",          "timing_fit", "spend_fit", "candidates",       "season",     NULL,
	};
	JsonInput in = {"clv_model", fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));

	if (object == NULL || !json_check_members(&in, object, members))
		PG_RETURN_NULL();

	ClvModel *model = read_model(&in, object);

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

/* The parameters of a part, and before them the model that they are of, unless it is NULL. */
static void
append_figures(StringInfo out, const char *member, const char *model, const double *figures, const char *const *names,
			   int count)
{
	appendStringInfo(out, ", \"%s\": {", member);
	if (model != NULL)
		appendStringInfo(out, "\"model\": \"%s\", ", model);
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
	FitRecord record = fit_of_figures(figures);

	fit_record_append(out, member, &record);
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

		appendStringInfo(out, "%s{\"model\": \"%s\", \"param_count\": %d, \"converged\": %s, %s\"log_likelihood\": ",
						 i == 0 ? ", \"candidates\": [" : ", ", model_by_id(candidate->model_id)->name,
						 candidate->n_figures, candidate->converged ? "true" : "false",
						 candidate->unidentified ? "\"identified\": false, " : "");
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
	ClvModel *model = (ClvModel *) PG_GETARG_CLV_MODEL(0);
	Figures timing = figures_of_timing(model);
	Figures spend = figures_of_spend(model);
	int n_params = model->timing.n_params;
	StringInfoData out;

	initStringInfo(&out);
	append_head(&out, model);
	append_figures(&out, "timing", NULL, model->timing.params, timing.names, n_params);
	if (model->n_covariates > 0)
		append_figures(&out, "coefficients", NULL, clv_model_coefficients(model), timing.names + n_params,
					   timing.count - n_params);
	if (model->spend.n_params > 0)
		append_figures(&out, "spend",
					   model->spend.spend_model == SPEND_DEFAULT_ID ? NULL : clv_model_spend(model)->name,
					   model->spend.params, spend.names, spend.count);
	if (model->timing.fitted)
		append_fit(&out, "timing_fit", &timing);
	if (model->spend.fitted)
		append_fit(&out, "spend_fit", &spend);
	append_candidates(&out, model);
	if (clv_model_season(model) != NULL)
	{
		appendStringInfoString(&out, ", \"season\": ");
		season_append(&out, clv_model_season(model));
	}
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

/* The number of doubles of the coefficients and the rows of their covariances. */
static int
coefficient_figures(const ClvModel *model)
{
	return clv_model_coefficient_count(model) + COVARIANCES(clv_timing_figure_count(model)) -
		COVARIANCES(model->timing.n_params);
}

/* pq_sendcountedtext is not used: its arguments differ among server versions. */
static void
send_name(StringInfo out, const char *name)
{
	char *converted = pg_server_to_client(name, strlen(name));

	pq_sendint32(out, strlen(converted));
	pq_sendbytes(out, converted, strlen(converted));
}

/* Flags of a candidate in the binary form. */
#define CANDIDATE_CONVERGED 1
#define CANDIDATE_UNIDENTIFIED 2

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
		pq_sendbyte(out,
					(candidate->converged ? CANDIDATE_CONVERGED : 0) |
						(candidate->unidentified ? CANDIDATE_UNIDENTIFIED : 0));
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
	bool names_spend = model->spend.spend_model != SPEND_DEFAULT_ID;
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out,
				WIRE_VERSION + (clv_model_season(model) == NULL ? 0 : WIRE_SEASON) +
					(names_spend ? WIRE_SPEND_MODEL : 0));
	if (names_spend)
		pq_sendbyte(&out, model->spend.spend_model);
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
	if (clv_model_season(model) != NULL)
		season_write(&out, clv_model_season(model));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

static void
receive_part(StringInfo in, ClvPart *part)
{
	part->n_params = pq_getmsgbyte(in);
	if (part->n_params > CLV_PART_STORED_PARAMS)
		bytes_malformed("clv_model", "there are too many parameters");
	part->fitted = receive_flag(in, "clv_model");
	part->converged = receive_flag(in, "clv_model");
	part->unidentified = pq_getmsgint64(in);
	part->iterations = pq_getmsgint(in, 4);
	part->customers = pq_getmsgint64(in);
	part->left_out = pq_getmsgint64(in);
	part->penalty = receive_float8(in);
	part->prior_sd = receive_float8(in);
	part->log_likelihood = receive_float8(in);
	for (int i = 0; i < part->n_params; i++)
		part->params[i] = receive_float8(in);
	for (int i = 0; i < COVARIANCES(part->n_params); i++)
		part->covariance[i] = receive_float8(in);
}

static void
receive_candidate_flags(StringInfo in, ClvCandidate *candidate)
{
	int flags = pq_getmsgbyte(in);

	if ((flags & ~(CANDIDATE_CONVERGED | CANDIDATE_UNIDENTIFIED)) != 0)
		bytes_malformed("clv_model", "a flag is neither true nor false");
	candidate->converged = (flags & CANDIDATE_CONVERGED) != 0;
	candidate->unidentified = (flags & CANDIDATE_UNIDENTIFIED) != 0;
}

/* pq_getmsgtext converts from the client's encoding and verifies the text. */
static void
receive_more(StringInfo in, ClvModel *model)
{
	for (int i = 0; i < model->n_covariates; i++)
	{
		int length = pq_getmsgint(in, 4);
		char *name;

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
		receive_candidate_flags(in, candidate);
		candidate->log_likelihood = receive_float8(in);
		candidate->bic = receive_float8(in);
	}
	for (int i = 0; i < coefficient_figures(model); i++)
		clv_model_coefficients(model)[i] = receive_float8(in);
}

/* The bytes are untrusted (COPY BINARY): everything is checked. */
PG_FUNCTION_INFO_V1(clv_model_recv);
Datum
clv_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int more = pq_getmsgbyte(in) - WIRE_VERSION;
	int spend_model = SPEND_DEFAULT_ID;

	if ((more & ~(WIRE_SEASON | WIRE_SPEND_MODEL)) != 0)
		bytes_malformed("clv_model", "the version is unknown");
	if ((more & WIRE_SPEND_MODEL) != 0)
		spend_model = pq_getmsgbyte(in);

	const Model *timing = model_by_id(pq_getmsgbyte(in));

	if (timing == NULL)
		bytes_malformed("clv_model", "the model is unknown");

	int period = pq_getmsgbyte(in);
	int n_covariates = pq_getmsgbyte(in);
	int n_candidates = pq_getmsgbyte(in);

	if (n_covariates > FIT_MAX_COVARIATES || n_candidates > CLV_MAX_CANDIDATES)
		bytes_malformed("clv_model", "there are too many covariates or candidates");

	ClvModel *model = clv_model_make(timing, n_covariates, n_candidates);

	model->period = period;
	model->as_of = (DateADT) pq_getmsgint(in, 4);
	model->repeat_customers = pq_getmsgint64(in);
	model->unit_days = pq_getmsgfloat8(in);
	receive_part(in, &model->timing);
	receive_part(in, &model->spend);
	model->spend.spend_model = spend_model;
	if (model->timing.n_params != timing->n_params)
		bytes_malformed("clv_model", "the number of parameters is wrong");
	receive_more(in, model);
	if ((more & WIRE_SEASON) != 0)
		model = clv_model_add_season(model, season_receive(in, "clv_model"));

	const char *problem = clv_model_problem(model);

	if (problem != NULL)
		bytes_malformed("clv_model", problem);
	PG_RETURN_POINTER(model);
}
