/*
 * retention_model.c
 *	  A fitted model as a value: construction, checks, accessors.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "retention/retention.h"
#include "support/result.h"

RetentionModel *
retention_model_make(const ContractModel *kind, PeriodLength period)
{
	RetentionModel *model = palloc0(sizeof(RetentionModel));

	SET_VARSIZE(model, sizeof(RetentionModel));
	model->version = RETENTION_MODEL_VERSION;
	model->model_id = kind->id;
	model->period = period;
	return model;
}

const RetentionModel *
retention_model_get(Datum datum)
{
	const RetentionModel *model = (const RetentionModel *) PG_DETOAST_DATUM(datum);

	if (unlikely(VARSIZE(model) != sizeof(RetentionModel) || model->version != RETENTION_MODEL_VERSION))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version of a stored retention_model")));
	return model;
}

const ContractModel *
retention_model_kind(const RetentionModel *model)
{
	const ContractModel *kind = contract_model_by_id(model->model_id);

	if (unlikely(kind == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unknown model %d in a stored retention_model", model->model_id)));
	return kind;
}

char *
retention_model_names(const char *mark, const char *conjunction)
{
	const ContractModel *kind;
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; (kind = contract_model_at(i)) != NULL; i++)
	{
		if (i > 0)
			appendStringInfoString(&names, contract_model_at(i + 1) == NULL ? conjunction : ", ");
		appendStringInfo(&names, "%s%s%s", mark, kind->name, mark);
	}
	return names.data;
}

const char *
retention_model_problem(const RetentionModel *model)
{
	const ContractModel *kind = contract_model_by_id(model->model_id);

	if (!period_length_valid(model->period))
		return "the period is out of range";
	for (int i = 0; i < kind->n_params; i++)
		if (!(model->params[i] >= CONTRACT_PARAM_MIN && model->params[i] <= CONTRACT_PARAM_MAX))
			return "every parameter must be between 1e-12 and 1e12";
	if (!model->fitted)
	{
		static const RetentionModel blank;

		/* unknown members have one representation only */
		if (memcmp(&model->iterations, &blank.iterations,
				   offsetof(RetentionModel, params) - offsetof(RetentionModel, iterations)) != 0 ||
			memcmp(model->covariance, blank.covariance, sizeof(model->covariance)) != 0 || model->converged ||
			model->unidentified != 0)
			return "a model that was not fitted has no figures of a fit";
		return NULL;
	}
	if (model->unidentified >> kind->n_params != 0)
		return "an unidentified parameter does not exist";
	if (model->iterations < 0 || model->ended < 0 || model->customers < model->ended)
		return "a number of customers or iterations is out of range";
	if (!(model->prior_sd >= 0) || isinf(model->prior_sd))
		return "the standard deviation of the prior must not be negative";
	if (isinf(model->log_likelihood))
		return "the log-likelihood is infinite";
	for (int i = 0; i < RETENTION_COVARIANCES(kind->n_params); i++)
		if (isinf(model->covariance[i]))
			return "a covariance is infinite";
	for (int i = 0; i < kind->n_params; i++)
		if (model->covariance[RETENTION_COVARIANCES(i + 1) - 1] < 0)
			return "a variance is negative";
	return NULL;
}

/* Standard error of a natural parameter, by the delta method; NaN where unknown. */
static double
std_error(const RetentionModel *model, int param)
{
	double variance = model->covariance[RETENTION_COVARIANCES(param) + param];

	if (!model->fitted || (model->unidentified & (1 << param)) != 0 || !(variance >= 0))
		return NAN;
	return model->params[param] * sqrt(variance);
}

/* retention_params(retention_model) → setof (param, estimate, std_error, identified) */
PG_FUNCTION_INFO_V1(retention_params);
Datum
retention_params(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	const RetentionModel *model = PG_GETARG_RETENTION_MODEL(0);
	const ContractModel *kind = retention_model_kind(model);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < kind->n_params; i++)
	{
		double error = std_error(model, i);
		Datum values[4] = {
			CStringGetTextDatum(kind->param_names[i]),
			Float8GetDatum(model->params[i]),
			Float8GetDatum(error),
			BoolGetDatum((model->unidentified & (1 << i)) == 0),
		};
		bool nulls[4] = {false, false, !isfinite(error), !model->fitted};

		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* The log-likelihood; NaN if the model was not fitted. */
static double
log_likelihood(const RetentionModel *model)
{
	return model->fitted ? model->log_likelihood : NAN;
}

/* log_likelihood(retention_model) → float8 */
PG_FUNCTION_INFO_V1(retention_log_likelihood);
Datum
retention_log_likelihood(PG_FUNCTION_ARGS)
{
	return finite_or_null(fcinfo, log_likelihood(PG_GETARG_RETENTION_MODEL(0)));
}

/* aic(retention_model) → float8: Akaike's criterion, 2 k - 2 ln L; smaller is better */
PG_FUNCTION_INFO_V1(retention_aic);
Datum
retention_aic(PG_FUNCTION_ARGS)
{
	const RetentionModel *model = PG_GETARG_RETENTION_MODEL(0);

	return finite_or_null(fcinfo, 2.0 * retention_model_kind(model)->n_params - 2 * log_likelihood(model));
}

/* bic(retention_model) → float8: Schwarz's criterion, k ln(customers) - 2 ln L; smaller is better */
PG_FUNCTION_INFO_V1(retention_bic);
Datum
retention_bic(PG_FUNCTION_ARGS)
{
	const RetentionModel *model = PG_GETARG_RETENTION_MODEL(0);

	return finite_or_null(fcinfo,
						  retention_model_kind(model)->n_params * log((double) model->customers) -
							  2 * log_likelihood(model));
}

/* converged(retention_model) → boolean; NULL if it was not fitted */
PG_FUNCTION_INFO_V1(retention_converged);
Datum
retention_converged(PG_FUNCTION_ARGS)
{
	const RetentionModel *model = PG_GETARG_RETENTION_MODEL(0);

	if (!model->fitted)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(model->converged);
}

/* customer_count(retention_model) → bigint: customers it was fitted to; NULL likewise */
PG_FUNCTION_INFO_V1(retention_customer_count);
Datum
retention_customer_count(PG_FUNCTION_ARGS)
{
	const RetentionModel *model = PG_GETARG_RETENTION_MODEL(0);

	if (!model->fitted)
		PG_RETURN_NULL();
	PG_RETURN_INT64(model->customers);
}
