/*
 * clv_model.c
 *	  A fitted model as a value: making, checking, reading its figures.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "clv/clv.h"
#include "value/result.h"

const char *const spend_param_names[SPEND_PARAMS] = {"p", "q", "gamma"};

ClvModel *
clv_model_make(const Model *timing)
{
	ClvModel   *model = palloc0(sizeof(ClvModel));

	SET_VARSIZE(model, sizeof(ClvModel));
	model->version = CLV_MODEL_VERSION;
	model->model_id = timing->id;
	model->as_of = DATEVAL_NOBEGIN;
	model->unit_days = 7;
	model->timing.n_params = timing->n_params;
	return model;
}

const ClvModel *
clv_model_get(Datum datum)
{
	const ClvModel *model = (const ClvModel *) PG_DETOAST_DATUM(datum);

	if (unlikely(VARSIZE(model) != sizeof(ClvModel) || model->version != CLV_MODEL_VERSION))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unknown version of a stored clv_model")));
	return model;
}

const Model *
clv_model_timing(const ClvModel *model)
{
	const Model *timing = model_by_id(model->model_id);

	if (unlikely(timing == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unknown model %d in a stored clv_model", model->model_id)));
	return timing;
}

double
clv_part_std_error(const ClvPart *part, int param)
{
	double		variance = part->covariance[COVARIANCES(param) + param];

	if (!part->fitted || (part->unidentified & (1 << param)) != 0 || !(variance >= 0))
		return NAN;
	return part->params[param] * sqrt(variance);
}

/* What the models are made for; no data lead to anything beyond. */
#define SMALLEST_PARAM 1e-12
#define LARGEST_PARAM 1e12

static const char *
part_problem(const ClvPart *part)
{
	static const ClvPart nothing = {0};

	for (int i = 0; i < part->n_params; i++)
		if (!(part->params[i] > 0) || !isfinite(part->params[i]))
			return "every parameter must be positive and finite";
	if (!part->fitted)
	{
		ClvPart		rest = *part;

		rest.n_params = 0;
		memset(rest.params, 0, part->n_params * sizeof(double));
		return memcmp(&rest, &nothing, sizeof(rest)) == 0 ? NULL : "there are figures of a fit without a fit";
	}
	if (part->n_params == 0)
		return "there is a fit without parameters";
	if (part->unidentified >> part->n_params != 0)
		return "an unidentified parameter does not exist";
	if (part->customers < 0 || part->left_out < 0 || part->iterations < 0)
		return "a number of customers or iterations is negative";
	if (!(part->prior_sd >= 0) || !isfinite(part->prior_sd))
		return "the standard deviation of the prior must not be negative";
	if (isinf(part->log_likelihood))
		return "the log-likelihood is infinite";
	for (int i = 0; i < COVARIANCES(part->n_params); i++)
		if (isinf(part->covariance[i]))
			return "a covariance is infinite";
	return NULL;
}

const char *
clv_model_problem(const ClvModel *model)
{
	const Model *timing = model_by_id(model->model_id);

	if (timing == NULL)
		return "there is no such model";
	if (model->timing.n_params != timing->n_params ||
		(model->spend.n_params != 0 && model->spend.n_params != SPEND_PARAMS))
		return "the number of parameters is wrong";
	if (model->as_of != DATEVAL_NOBEGIN && !IS_VALID_DATE(model->as_of))
		return "as_of is out of range";
	if (!(model->unit_days > 0) || !(model->unit_days <= 36525))
		return "time_unit_days must be positive and at most a century";
	if (model->repeat_customers < 0)
		return "a number of customers is negative";

	const char *problem = part_problem(&model->timing);

	if (problem != NULL)
		return problem;
	for (int i = 0; i < timing->n_params; i++)
		if (model->timing.params[i] < SMALLEST_PARAM || model->timing.params[i] > LARGEST_PARAM)
			return "a parameter of timing is beyond all reason, which is from 1e-12 to 1e12";
	return part_problem(&model->spend);
}

/* clv_params(clv_model) → setof (part, param, estimate, std_error, identified) */
PG_FUNCTION_INFO_V1(clv_params);
Datum
clv_params(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	const ClvModel *model = PG_GETARG_CLV_MODEL(0);
	const Model *timing = clv_model_timing(model);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < model->timing.n_params + model->spend.n_params; i++)
	{
		bool		is_spend = i >= model->timing.n_params;
		const ClvPart *part = is_spend ? &model->spend : &model->timing;
		int			param = is_spend ? i - model->timing.n_params : i;
		double		std_error = clv_part_std_error(part, param);
		const char *name = is_spend ? spend_param_names[param] : timing->param_names[param];
		Datum		values[5] = {
			CStringGetTextDatum(is_spend ? "spend" : "timing"),
			CStringGetTextDatum(name),
			Float8GetDatum(part->params[param]),
			Float8GetDatum(std_error),
			BoolGetDatum((part->unidentified & (1 << param)) == 0)
		};
		bool		nulls[5] = {false, false, false, !isfinite(std_error), !part->fitted};

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

/* aic(clv_model) → float8: Akaike's criterion of the timing part, 2 k - 2 ln L; smaller is better */
PG_FUNCTION_INFO_V1(clv_aic);
Datum
clv_aic(PG_FUNCTION_ARGS)
{
	const ClvModel *model = PG_GETARG_CLV_MODEL(0);

	return finite_or_null(fcinfo, 2.0 * model->timing.n_params - 2 * timing_log_likelihood(model));
}

/* bic(clv_model) → float8: Schwarz's criterion, k ln(customers) - 2 ln L; smaller is better */
PG_FUNCTION_INFO_V1(clv_bic);
Datum
clv_bic(PG_FUNCTION_ARGS)
{
	const ClvModel *model = PG_GETARG_CLV_MODEL(0);

	return finite_or_null(fcinfo, model->timing.n_params * log((double) model->timing.customers) -
						  2 * timing_log_likelihood(model));
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

/* fitted_as_of(clv_model) → date: end of observation of the fit, where scores stand by default */
PG_FUNCTION_INFO_V1(clv_fitted_as_of);
Datum
clv_fitted_as_of(PG_FUNCTION_ARGS)
{
	const ClvModel *model = PG_GETARG_CLV_MODEL(0);

	if (model->as_of == DATEVAL_NOBEGIN)
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(model->as_of);
}
