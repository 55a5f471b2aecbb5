/*
 * clv_model.c
 *	  A fitted model as a value: construction, checks, accessors.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "clv_model/clv_model.h"
#include "numerics/name.h"
#include "numerics/normal.h"
#include "support/result.h"

/* The number of doubles that follow the struct. */
static Size
more_figures(const Model *timing, int n_covariates, int n_candidates)
{
	int n_coefficients = timing->n_effects * n_covariates;

	return (n_covariates * sizeof(ClvCovariate) + n_candidates * sizeof(ClvCandidate)) / sizeof(double) +
		n_coefficients + COVARIANCES(timing->n_params + n_coefficients) - COVARIANCES(timing->n_params);
}

ClvModel *
clv_model_make(const Model *timing, int n_covariates, int n_candidates)
{
	Size size = offsetof(ClvModel, more) + more_figures(timing, n_covariates, n_candidates) * sizeof(double);
	ClvModel *model = palloc0(size);

	SET_VARSIZE(model, size);
	model->version = CLV_MODEL_VERSION;
	model->model_id = timing->id;
	model->n_covariates = n_covariates;
	model->n_candidates = n_candidates;
	model->as_of = DATEVAL_NOBEGIN;
	model->unit_days = 7;
	model->timing.n_params = timing->n_params;
	return model;
}

const ClvModel *
clv_model_get(Datum datum)
{
	const ClvModel *model = (const ClvModel *) PG_DETOAST_DATUM(datum);

	if (unlikely(VARSIZE(model) < offsetof(ClvModel, more) ||
				 (model->version != CLV_MODEL_VERSION && model->version != CLV_MODEL_VERSION_SEASON)))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version of a stored clv_model")));
	return model;
}

const Model *
clv_model_timing(const ClvModel *model)
{
	const Model *timing = model_by_id(model->model_id);

	if (unlikely(timing == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown model %d in a stored clv_model", model->model_id)));
	return timing;
}

const SpendModel *
clv_model_spend(const ClvModel *model)
{
	const SpendModel *spend = spend_model_by_id(model->spend.spend_model);

	if (unlikely(spend == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unknown spend model %d in a stored clv_model", model->spend.spend_model)));
	return spend;
}

/* The size of a model without its season. */
static Size
plain_size(const ClvModel *model)
{
	return offsetof(ClvModel, more) +
		more_figures(clv_model_timing(model), model->n_covariates, model->n_candidates) * sizeof(double);
}

const Season *
clv_model_season(const ClvModel *model)
{
	return likely(model->version == CLV_MODEL_VERSION) ? NULL
													   : (const Season *) ((const char *) model + plain_size(model));
}

ClvModel *
clv_model_add_season(const ClvModel *model, const Season *season)
{
	Size size = plain_size(model);
	ClvModel *result = palloc0(size + VARSIZE(season));

	memcpy(result, model, size);
	memcpy((char *) result + size, season, VARSIZE(season));
	SET_VARSIZE(result, size + VARSIZE(season));
	result->version = CLV_MODEL_VERSION_SEASON;
	return result;
}

void
clv_model_refuse_season(const ClvModel *model, const char *asker)
{
	if (clv_model_season(model) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s does not know seasons yet", asker),
				 errhint("Fit a model without one: clv_fit(base).")));
}

bool
clv_model_is_auto(const char *name)
{
	return name_matches("auto", name);
}

const Model *
clv_model_named(const char *name)
{
	const Model *timing = model_by_name(name);

	if (timing == NULL && !clv_model_is_auto(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no model \"%s\"", name),
				 errhint("There are %s.", clv_model_names(true, true))));
	return timing;
}

char *
clv_model_names(bool with_auto, bool with_discrete)
{
	StringInfoData names;
	const Model *model;

	initStringInfo(&names);
	if (with_auto)
		appendStringInfoString(&names, "auto");
	for (int id = 1; (model = model_by_id(id)) != NULL; id++)
		if (with_discrete || !model->discrete)
			appendStringInfo(&names, "%s%s", names.len == 0 ? "" : ", ", model->name);
	return names.data;
}

char *
clv_spend_names(void)
{
	StringInfoData names;
	const SpendModel *spend;

	initStringInfo(&names);
	for (int i = 0; (spend = spend_model_at(i)) != NULL; i++)
		appendStringInfo(&names, "%s%s", i == 0 ? "" : ", ", spend->name);
	return names.data;
}

int
clv_model_coefficient_count(const ClvModel *model)
{
	return model->n_covariates == 0 ? 0 : model->n_covariates * clv_model_timing(model)->n_effects;
}

double *
clv_model_coefficients(const ClvModel *model)
{
	return (double *) (clv_model_candidates(model) + model->n_candidates);
}

int
clv_timing_figure_count(const ClvModel *model)
{
	return model->timing.n_params + clv_model_coefficient_count(model);
}

double *
clv_timing_figure(const ClvModel *model, int i)
{
	int n_params = model->timing.n_params;

	return i < n_params ? (double *) &model->timing.params[i] : clv_model_coefficients(model) + (i - n_params);
}

char *
clv_timing_figure_name(const ClvModel *model, int i)
{
	const Model *timing = clv_model_timing(model);
	int coefficient = i - timing->n_params;

	if (coefficient < 0)
		return pstrdup(timing->param_names[i]);
	return psprintf("%s:%s", timing->effects[coefficient / model->n_covariates].name,
					clv_model_covariates(model)[coefficient % model->n_covariates].name);
}

double *
clv_timing_covariance(const ClvModel *model, int i, int j)
{
	int n_params = model->timing.n_params;

	if (i < n_params)
		return (double *) &model->timing.covariance[COVARIANCES(i) + j];
	return clv_model_coefficients(model) + clv_model_coefficient_count(model) + COVARIANCES(i) - COVARIANCES(n_params) +
		j;
}

const double *
clv_model_shifted_params(const ClvModel *model, const double *covariates, double *buf)
{
	const Model *timing = clv_model_timing(model);
	const double *coefficient = clv_model_coefficients(model);

	memcpy(buf, model->timing.params, sizeof(model->timing.params));
	for (int effect = 0; effect < timing->n_effects; effect++)
	{
		double sum = 0;

		for (int i = 0; i < model->n_covariates; i++)
			sum += *coefficient++ * covariates[i];
		buf[timing->effects[effect].param] *= exp(timing->effects[effect].sign * sum);
	}
	return buf;
}

double
clv_model_time_between(const ClvModel *model, double from, double until)
{
	const Season *season = clv_model_season(model);
	SeasonClock clock;

	if (season == NULL)
		return (until - from) / model->unit_days;
	clock = season_clock(season);
	return season_between(&clock, from, until) / model->unit_days;
}

double
clv_model_discount_rate(const ClvModel *model, double annual_discount)
{
	/* Four quarters are a year, independent of their days. */
	double year_days = model->period == PERIOD_DAY ? YEAR_DAYS : period_mean_days(PERIOD_YEAR);

	return log1p(annual_discount) * model->unit_days / year_days;
}

/* The range that the models support; fits stay within it. */
#define SMALLEST_PARAM 1e-12
#define LARGEST_PARAM 1e12
#define LARGEST_COEFFICIENT 1000

bool
clv_params_possible(const ClvModel *model, const double *params)
{
	for (int i = 0; model->n_covariates > 0 && i < model->timing.n_params; i++)
		if (!(params[i] >= SMALLEST_PARAM && params[i] <= LARGEST_PARAM))
			return false;
	return true;
}

static const char *
part_problem(const ClvPart *part)
{
	static const ClvPart nothing = {0};

	for (int i = 0; i < part->n_params; i++)
		if (!(part->params[i] > 0) || !isfinite(part->params[i]))
			return "every parameter must be positive and finite";
	if (!part->fitted)
	{
		ClvPart rest = *part;

		if (rest.n_params > 0)
			rest.n_params = rest.spend_model = 0;
		memset(rest.params, 0, part->n_params * sizeof(double));
		return memcmp(&rest, &nothing, sizeof(rest)) == 0 ? NULL : "there are results of a fit without a fit";
	}
	if (part->n_params == 0)
		return "there is a fit without parameters";
	if (part->customers < 0 || part->left_out < 0 || part->iterations < 0)
		return "a number of customers or iterations is negative";
	if (!(part->prior_sd >= 0) || !isfinite(part->prior_sd))
		return "the standard deviation of the prior must not be negative";
	if (!(part->penalty >= 0) || !isfinite(part->penalty))
		return "the penalty must not be negative";
	if (isinf(part->log_likelihood))
		return "the log-likelihood is infinite";
	for (int i = 0; i < COVARIANCES(part->n_params); i++)
		if (isinf(part->covariance[i]))
			return "a covariance is infinite";
	for (int i = 0; i < part->n_params; i++)
		if (part->covariance[COVARIANCES(i) + i] < 0)
			return "a variance is negative";
	return NULL;
}

/* Checks integer parameters. */
static const char *
params_problem(const ClvModel *model, const Model *timing)
{
	for (int i = 0; i < timing->n_params; i++)
	{
		double param = model->timing.params[i];

		if (param < SMALLEST_PARAM || param > LARGEST_PARAM)
			return "timing parameters must be between 1e-12 and 1e12";
		if (i >= timing->n_params - timing->n_integer_params && (param != floor(param) || param > MODEL_MAX_WHOLE))
			return "k must be an integer between 1 and " CppAsString2(MODEL_MAX_WHOLE);
	}
	return NULL;
}

static bool
name_twice(const ClvModel *model, int i)
{
	const ClvCovariate *covariates = clv_model_covariates(model);

	for (int k = 0; k < i; k++)
		if (strcmp(covariates[k].name, covariates[i].name) == 0)
			return true;
	return false;
}

/* What follows the struct. */
static const char *
more_problem(const ClvModel *model)
{
	int n_figures = clv_timing_figure_count(model);

	for (int i = 0; i < model->n_covariates; i++)
		if (*clv_model_covariates(model)[i].name == '\0' || name_twice(model, i))
			return "every covariate must have a name of its own";
	for (int i = 0; i < model->n_candidates; i++)
	{
		const ClvCandidate *candidate = &clv_model_candidates(model)[i];

		if (model_by_id(candidate->model_id) == NULL || candidate->n_figures < 1 ||
			candidate->n_figures > FIT_MAX_PARAMS || isinf(candidate->log_likelihood) || isinf(candidate->bic))
			return "a candidate is not a model, or its numbers are out of range";
	}
	for (int i = model->timing.n_params; i < n_figures; i++)
	{
		if (!isfinite(*clv_timing_figure(model, i)) || fabs(*clv_timing_figure(model, i)) > LARGEST_COEFFICIENT)
			return "coefficients must be between -1000 and 1000";
		for (int j = 0; j <= i; j++)
			if (isinf(*clv_timing_covariance(model, i, j)))
				return "a covariance is infinite";
		if (*clv_timing_covariance(model, i, i) < 0)
			return "a variance is negative";
	}
	if (model->timing.unidentified >> n_figures != 0 || model->spend.unidentified >> model->spend.n_params != 0)
		return "an unidentified parameter does not exist";
	return NULL;
}

static const char *
model_season_problem(const ClvModel *model, const Model *timing)
{
	const Season *season = clv_model_season(model);

	if (season == NULL)
		return NULL;
	if (!model_knows_seasons(timing))
		return "the model does not know seasons";
	if (!season_has_factors(season))
		return "the season has no factors";
	return season_has_counts(season) && !model->timing.fitted ? "a season was estimated without a fit"
															  : season_problem(season);
}

const char *
clv_model_problem(const ClvModel *model)
{
	const Model *timing = model_by_id(model->model_id);
	const SpendModel *spend = spend_model_by_id(model->spend.spend_model);

	if (timing == NULL || spend == NULL)
		return "there is no such model";
	if (model->timing.n_params != timing->n_params ||
		(model->spend.n_params != 0 && model->spend.n_params != spend->n_params))
		return "the number of parameters is wrong";
	if (model->n_covariates > FIT_MAX_COVARIATES || model->n_candidates > CLV_MAX_CANDIDATES ||
		(model->n_covariates > 0 && timing->n_effects == 0))
		return "there are too many covariates or candidates";
	if (model->period >= PERIODS || timing->discrete != (model->period != PERIOD_DAY))
		return timing->discrete ? "a model of discrete time must have a period"
								: "only a model of discrete time has a period";
	if (model->as_of != DATEVAL_NOBEGIN && !IS_VALID_DATE(model->as_of))
		return "as_of is out of range";
	if (!(model->unit_days >= CLV_SHORTEST_UNIT && model->unit_days <= CLV_LONGEST_UNIT))
		return "time_unit_days must be between a second (0.00001) and a century (36525)";
	if (timing->discrete && model->unit_days != period_mean_days((Period) model->period))
		return "time_unit_days is not the length of the period";
	if (model->repeat_customers < 0)
		return "a number of customers is negative";

	const char *problem = part_problem(&model->timing);

	if (problem == NULL)
		problem = params_problem(model, timing);
	if (problem == NULL)
		problem = part_problem(&model->spend);
	if (problem == NULL)
		problem = more_problem(model);
	return problem == NULL ? model_season_problem(model, timing) : problem;
}

/*
 * One row of clv_params. Parameters estimated on the logarithmic scale have
 * their interval there, which therefore stays positive.
 */
static void
put_param(ReturnSetInfo *results, const char *part_name, const char *name, const ClvPart *part, int i, double estimate,
		  double variance, bool logarithmic)
{
	bool identified = (part->unidentified & (UINT64CONST(1) << i)) == 0;
	double sd = part->fitted && identified && variance > 0 ? sqrt(variance) : NAN;
	double half = normal_quantile(0.975) * sd;
	double std_error = logarithmic ? estimate * sd : sd;
	double low = logarithmic ? estimate * exp(-half) : estimate - half;
	double high = logarithmic ? estimate * exp(half) : estimate + half;
	Datum values[7] = {
		CStringGetTextDatum(part_name), CStringGetTextDatum(name), Float8GetDatum(estimate),
		Float8GetDatum(std_error),      Float8GetDatum(low),       Float8GetDatum(high),
		BoolGetDatum(identified),
	};
	bool nulls[7] = {
		false,
		false,
		false,
		!isfinite(std_error),
		!isfinite(low) || !isfinite(high),
		!isfinite(low) || !isfinite(high),
		!part->fitted,
	};

	tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
}

/* The factors of a season. Their uncertainty is not known. */
static void
put_season(ReturnSetInfo *results, const Season *season)
{
	static const ClvPart given = {0};
	SeasonBy by = (SeasonBy) season->by;

	for (int i = 0; i < season_slots(by); i++)
		put_param(results, "season", psprintf("%s:%d", season_by_names[by], i + 1), &given, 0,
				  season_factors_of(season)[i], NAN, true);
}

/* clv_params(clv_model) → setof (part, param, estimate, std_error, low, high, identified) */
PG_FUNCTION_INFO_V1(clv_params);
Datum
clv_params(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	const ClvModel *model = PG_GETARG_CLV_MODEL(0);
	const ClvPart *spend = &model->spend;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < clv_timing_figure_count(model); i++)
		put_param(results, i < model->timing.n_params ? "timing" : "coefficients", clv_timing_figure_name(model, i),
				  &model->timing, i, *clv_timing_figure(model, i), *clv_timing_covariance(model, i, i),
				  i < model->timing.n_params);
	for (int i = 0; i < spend->n_params; i++)
		put_param(results, "spend", clv_model_spend(model)->param_names[i], spend, i, spend->params[i],
				  spend->covariance[COVARIANCES(i) + i], true);
	if (clv_model_season(model) != NULL)
		put_season(results, clv_model_season(model));
	return (Datum) 0;
}

/* The factors of an estimated season that are free. */
static int
free_factors(const ClvModel *model)
{
	const Season *season = clv_model_season(model);

	return season != NULL && season_has_counts(season) ? season_free_factors((SeasonBy) season->by) : 0;
}

/* clv_candidates(clv_model) → setof (model, param_count, converged, identified, log_likelihood, bic, chosen) */
PG_FUNCTION_INFO_V1(clv_candidates);
Datum
clv_candidates(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	const ClvModel *model = PG_GETARG_CLV_MODEL(0);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < model->n_candidates; i++)
	{
		/* all were fitted with a season, or none */
		const ClvCandidate *candidate = &clv_model_candidates(model)[i];
		Datum values[7] = {
			CStringGetTextDatum(model_by_id(candidate->model_id)->name),
			Int32GetDatum(candidate->n_figures + free_factors(model)),
			BoolGetDatum(candidate->converged),
			BoolGetDatum(!candidate->unidentified),
			Float8GetDatum(candidate->log_likelihood),
			Float8GetDatum(candidate->bic),
			BoolGetDatum(candidate->model_id == model->model_id),
		};
		bool nulls[7] = {false, false, false, false, isnan(candidate->log_likelihood), isnan(candidate->bic), false};

		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* The log-likelihood of the timing part; NaN if it was not fitted. */
static double
timing_log_likelihood(const ClvModel *model)
{
	return model->timing.fitted ? model->timing.log_likelihood : NAN;
}

/* log_likelihood(clv_model) → float8: of the timing part */
PG_FUNCTION_INFO_V1(clv_log_likelihood);
Datum
clv_log_likelihood(PG_FUNCTION_ARGS)
{
	return finite_or_null(fcinfo, timing_log_likelihood(PG_GETARG_CLV_MODEL(0)));
}

/* spend_log_likelihood(clv_model) → float8: of the spend part */
PG_FUNCTION_INFO_V1(clv_spend_log_likelihood);
Datum
clv_spend_log_likelihood(PG_FUNCTION_ARGS)
{
	const ClvModel *model = PG_GETARG_CLV_MODEL(0);

	return finite_or_null(fcinfo, model->spend.fitted ? model->spend.log_likelihood : NAN);
}

/* Estimated figures of the timing part, with those of an estimated season. */
static int
estimated_count(const ClvModel *model)
{
	return clv_timing_figure_count(model) + free_factors(model);
}

/* aic(clv_model) → float8: Akaike's criterion of the timing part, 2 k - 2 ln L; smaller is better */
PG_FUNCTION_INFO_V1(clv_aic);
Datum
clv_aic(PG_FUNCTION_ARGS)
{
	const ClvModel *model = PG_GETARG_CLV_MODEL(0);

	return finite_or_null(fcinfo, 2.0 * estimated_count(model) - 2 * timing_log_likelihood(model));
}

double
clv_model_bic(const ClvModel *model)
{
	return estimated_count(model) * log((double) model->timing.customers) - 2 * timing_log_likelihood(model);
}

/* bic(clv_model) → float8: Schwarz's criterion, k ln(customers) - 2 ln L; smaller is better */
PG_FUNCTION_INFO_V1(clv_bic);
Datum
clv_bic(PG_FUNCTION_ARGS)
{
	return finite_or_null(fcinfo, clv_model_bic(PG_GETARG_CLV_MODEL(0)));
}

/* converged(clv_model) → boolean: both parts are at their maximum; NULL if nothing was fitted */
PG_FUNCTION_INFO_V1(clv_converged);
Datum
clv_converged(PG_FUNCTION_ARGS)
{
	const ClvModel *model = PG_GETARG_CLV_MODEL(0);

	if (!model->timing.fitted)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(model->timing.converged && (!model->spend.fitted || model->spend.converged));
}

/*
 * Whether the data determine every parameter of this part. Where they do not,
 * a weak prior has helped; at its nested model a part has parameters that are
 * not identified individually, but needs no prior.
 */
static bool
part_identified(const ClvPart *part)
{
	return !(part->prior_sd > 0);
}

/* The worst problem of a fit; NULL if there is none. */
static const char *
fit_weakness(const ClvModel *model)
{
	if (!model->timing.converged || (model->spend.fitted && !model->spend.converged))
		return "not_converged";
	if (!part_identified(&model->timing) || !part_identified(&model->spend))
		return "not_identified";
	if (model->timing.customers < CLV_FEW_CUSTOMERS || model->repeat_customers < CLV_FEW_REPEATERS)
		return "few_customers";
	if (clv_model_season(model) != NULL && season_is_weak(clv_model_season(model)))
		return "weak_season";
	return NULL;
}

bool
clv_model_weak(const ClvModel *model)
{
	return model->timing.fitted && fit_weakness(model) != NULL;
}

/* fit_status(clv_model) → text: the reliability of the fit; NULL if nothing was fitted */
PG_FUNCTION_INFO_V1(clv_fit_status);
Datum
clv_fit_status(PG_FUNCTION_ARGS)
{
	const ClvModel *model = PG_GETARG_CLV_MODEL(0);

	if (!model->timing.fitted)
		PG_RETURN_NULL();

	const char *weakness = fit_weakness(model);

	PG_RETURN_TEXT_P(cstring_to_text(weakness == NULL ? "ok" : weakness));
}

/* customer_count(clv_model) → bigint: customers that the timing part was fitted to */
PG_FUNCTION_INFO_V1(clv_customer_count);
Datum
clv_customer_count(PG_FUNCTION_ARGS)
{
	const ClvModel *model = PG_GETARG_CLV_MODEL(0);

	if (!model->timing.fitted)
		PG_RETURN_NULL();
	PG_RETURN_INT64(model->timing.customers);
}

/* fitted_as_of(clv_model) → date: end of observation of the fit, the default as_of of scores */
PG_FUNCTION_INFO_V1(clv_fitted_as_of);
Datum
clv_fitted_as_of(PG_FUNCTION_ARGS)
{
	const ClvModel *model = PG_GETARG_CLV_MODEL(0);

	if (model->as_of == DATEVAL_NOBEGIN)
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(model->as_of);
}

/* season(clv_model) → season: that of its fit, or NULL */
PG_FUNCTION_INFO_V1(clv_season);
Datum
clv_season(PG_FUNCTION_ARGS)
{
	const Season *season = clv_model_season(PG_GETARG_CLV_MODEL(0));

	if (season == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(memcpy(palloc(VARSIZE(season)), season, VARSIZE(season)));
}

/* model_name(clv_model) → text: of the timing model */
PG_FUNCTION_INFO_V1(clv_model_name);
Datum
clv_model_name(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(clv_model_timing(PG_GETARG_CLV_MODEL(0))->name));
}
