/*
 * retention_fit.c
 *	  Fitting a model to a retention base.
 *
 * What cannot be fitted is refused by name; what the data do not tell is said
 * in a warning and marked in the model.
 */
#include "compat.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "contracts/contracts.h"
#include "models/fit.h"
#include "value/server_host.h"

/* Fewer customers than this are people to be called, not a population. */
#define FEWEST_CUSTOMERS 5

/* With fewer than these a fit is worth a word of caution. */
#define FEW_CUSTOMERS 100
#define FEW_ENDED 50

/* Customers who were seen at the end of a period at least. */
static int64
seen_customers(const RetentionBase *base)
{
	return base->customers - (base->n_cells > 0 && base->cells[0].tenure == 0 ? base->cells[0].alive : 0);
}

/* Why a base cannot be fitted; NULL: it can. */
static const char *
unfittable(const RetentionBase *base)
{
	int64		seen = seen_customers(base);

	if (seen < FEWEST_CUSTOMERS)
		return psprintf(INT64_FORMAT " customers have completed a period, and at least %d are needed",
						seen, FEWEST_CUSTOMERS);
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

/* Says what a user must know before trusting the fit. */
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
				(errcode(ERRCODE_WARNING),
				 errmsg("the data do not identify all parameters of %s", kind->name),
				 errdetail("Parameters without a standard error: %s. A weak prior (standard deviation %g of the logarithms) was used.",
						   names.len == 0 ? "none" : names.data, model->prior_sd),
				 errhint("Within the periods observed the model can be used with care; more periods or more customers may help.")));
	}
}

/* retention_fit(retention_base [, model]) → retention_model */
PG_FUNCTION_INFO_V1(retention_fit);
Datum
retention_fit(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("model must not be null")));

	RetentionBase base = PG_GETARG_RETENTION_BASE(0);
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	const ContractModel *kind = contract_model_by_name(name);

	if (kind == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no model \"%s\" for contracts", name),
				 errhint("Use 'sbg' or 'bdw'.")));

	const char *problem = unfittable(&base);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot be fitted to this base: %s", kind->name, problem),
				 errhint("Ask first with retention_fit_problem(base).")));
	if (seen_customers(&base) < FEW_CUSTOMERS || base.ended < FEW_ENDED)
		ereport(NOTICE,
				(errmsg("the fit rests on " INT64_FORMAT " customers, " INT64_FORMAT " of whom ended",
						seen_customers(&base), base.ended),
				 errhint("With fewer than %d and %d, look at the standard errors before you trust a number.",
						 FEW_CUSTOMERS, FEW_ENDED)));

	ContractData data = {&server_host, kind, base.cells, base.n_cells};
	Fit			fit;

	contract_fit(&data, &fit);

	RetentionModel *model = model_of_fit(kind, &base, &fit);

	report_fit(kind, model);
	PG_RETURN_POINTER(model);
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
