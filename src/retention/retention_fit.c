/*
 * retention_fit.c
 *	  Fitting a model to a retention base.
 *
 * A base that cannot be fitted is an error with the reason; parameters that
 * are not identified are reported in a warning and marked in the model.
 */
#include "compat.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "retention/retention.h"
#include "models/core/fit.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/call_memo.h"
#include "support/group_notice.h"
#include "support/server_host.h"

/* The default model of retention_fit. */
#define DEFAULT_MODEL "sbg"

/* With fewer than these a fit raises a notice. */
#define FEW_CUSTOMERS 100
#define FEW_ENDED 50

/* Customers observed for at least one period. */
static int64
seen_customers(const RetentionBase *base)
{
	return base->customers - (base->n_cells > 0 && base->cells[0].tenure == 0 ? base->cells[0].alive : 0);
}

/* Why a base cannot be fitted; NULL if it can. */
static const char *
unfittable(const RetentionBase *base)
{
	int64 seen = seen_customers(base);

	if (seen < FIT_FEWEST_CUSTOMERS)
		return psprintf(INT64_FORMAT " customers have completed a period, and at least %d are needed", seen,
						FIT_FEWEST_CUSTOMERS);
	if (base->ended == 0)
		return "nobody has ended";
	return NULL;
}

static RetentionModel *
model_of_fit(const ContractModel *kind, const RetentionBase *base, const Fit *fit)
{
	RetentionModel *model = retention_model_make(kind, base->period);

	model->fitted = true;
	model->converged = fit->converged;
	model->iterations = fit->iterations;
	model->customers = seen_customers(base);
	model->ended = base->ended;
	model->prior_sd = fit->prior_sd;
	model->log_likelihood = fit->log_likelihood;
	for (int i = 0; i < kind->n_params; i++)
	{
		model->params[i] = fit->params[i];
		if (!fit->identified[i])
			model->unidentified |= 1 << i;
		for (int j = 0; j <= i; j++)
			model->covariance[RETENTION_COVARIANCES(i) + j] = fit->covariance[i * kind->n_params + j];
	}
	Assert(retention_model_problem(model) == NULL);
	return model;
}

/* Warns of whatever limits the use of the fit. */
static void
report_fit(const ContractModel *kind, const RetentionModel *model)
{
	if (!model->converged)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("the fit of %s did not reach the maximum of its likelihood", kind->name),
				 errhint("Check the model with retention_params(model); more periods or more customers may help.")));
	if (model->prior_sd > 0)
	{
		StringInfoData names;

		initStringInfo(&names);
		for (int i = 0; i < kind->n_params; i++)
			if ((model->unidentified & (1 << i)) != 0)
				appendStringInfo(&names, "%s%s", names.len == 0 ? "" : ", ", kind->param_names[i]);
		ereport(WARNING,
				(errcode(ERRCODE_WARNING), errmsg("the data do not identify all parameters of %s", kind->name),
				 errdetail("Parameters without a standard error: %s. A weak prior (standard deviation %g of the "
						   "logarithms) was used.",
						   names.len == 0 ? "none" : names.data, model->prior_sd),
				 errhint("Within the periods observed the model can be used with care; more periods or more customers "
						 "may help.")));
	}
}

/* The model of this name. */
static const ContractModel *
named_model(const char *name)
{
	const ContractModel *kind = contract_model_by_name(name);

	if (kind == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no retention model \"%s\"", name),
				 errhint("Use %s.", retention_model_names("'", " or "))));
	return kind;
}

/* The model fitted to a base that can be fitted. */
static RetentionModel *
fit_base(const RetentionBase *base, const ContractModel *kind)
{
	ContractData data = {&server_host, kind, base->cells, base->n_cells};
	RetentionModel *model;
	Fit fit;

	if (seen_customers(base) < FEW_CUSTOMERS || base->ended < FEW_ENDED)
		ereport(NOTICE,
				(errmsg("the fit rests on " INT64_FORMAT " customers, " INT64_FORMAT " of whom ended",
						seen_customers(base), base->ended),
				 errhint("With fewer than %d and %d, check the standard errors before relying on a number.",
						 FEW_CUSTOMERS, FEW_ENDED)));
	contract_fit(&data, &fit);
	model = model_of_fit(kind, base, &fit);
	report_fit(kind, model);
	return model;
}

/* The same, or an error with the reason. */
static RetentionModel *
fit_or_fail(Datum value, const ContractModel *kind)
{
	RetentionBase base = retention_base_get(value);
	const char *problem = unfittable(&base);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot be fitted to this base: %s", kind->name, problem),
				 errhint("Check the base with retention_fit_problem(base) first.")));
	return fit_base(&base, kind);
}

/* retention_fit(retention_base [, model]) → retention_model */
PG_FUNCTION_INFO_V1(retention_fit);
Datum
retention_fit(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	refuse_null(fcinfo, 1, "model", NULL);

	const ContractModel *kind = named_model(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	CallMemo *cache = call_memo(fcinfo);
	Datum base = PG_GETARG_DATUM(0);
	struct varlena *model = call_memo_find(cache, &base, &kind->id, sizeof(kind->id));

	if (model == NULL)
	{
		model = (struct varlena *) fit_or_fail(base, kind);
		call_memo_keep(cache, model);
	}
	PG_RETURN_POINTER(model);
}

/* Final function of the aggregate retention_model: the fit of the default; NULL for a group that has none. */
AGG_FUNCTION_INFO_V1(retention_model_final);
static Datum
retention_model_final_in_group(PG_FUNCTION_ARGS)
{
	RetentionBase base = PG_GETARG_RETENTION_BASE(0);
	const char *problem = unfittable(&base);

	if (problem != NULL &&
		group_without_result(fcinfo, "retention_model", problem,
							 "retention_fit_problem(retention_base(started_on, ended_on, as_of)) returns the reason "
							 "for each group."))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(fit_or_fail(PG_GETARG_DATUM(0), named_model(DEFAULT_MODEL)));
}

/* retention_fit_problem(retention_base) → text: why the base cannot be fitted, or NULL */
PG_FUNCTION_INFO_V1(retention_fit_problem);
Datum
retention_fit_problem(PG_FUNCTION_ARGS)
{
	RetentionBase base = {0};

	if (!PG_ARGISNULL(0))
		base = PG_GETARG_RETENTION_BASE(0);

	const char *problem = unfittable(&base);

	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}
