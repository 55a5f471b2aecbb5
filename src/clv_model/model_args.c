/*
 * model_args.c
 *	  Arguments of SQL functions that are checked against a clv_model, or name one.
 */
#include "compat.h"

#include "clv_model/model_args.h"
#include "population/customer_base.h"
#include "support/args.h"

bool
covariates_argument(FunctionCallInfo fcinfo, int argno, const ClvModel *model, double *covariates)
{
	ArrayType *array = PG_NARGS() <= argno || PG_ARGISNULL(argno) ? NULL : PG_GETARG_ARRAYTYPE_P(argno);
	int given = array == NULL ? 0 : ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (likely(array == NULL && model->n_covariates == 0))
		return true;
	if (array != NULL && given != model->n_covariates)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("the model has %d covariates, but the customer has %d", model->n_covariates, given),
				 model->n_covariates == 0
					 ? errhint("Leave covariates out, or fit a model with them.")
					 : errhint("Pass the customer's covariates in the order of the fit, the first is \"%s\".",
							   clv_model_covariates(model)->name)));
	return covariates_of_array(array, covariates) == model->n_covariates;
}

DateADT
as_of_argument(FunctionCallInfo fcinfo, int argno, const ClvModel *model)
{
	if (PG_NARGS() > argno && !PG_ARGISNULL(argno))
		return finite_day_argument(fcinfo, argno, "as_of", NULL);
	if (DATE_NOT_FINITE(model->as_of))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("as_of is required: the model has no day of its fit"),
				 errhint("Pass the day of the scores, for example as_of => current_date.")));
	return model->as_of;
}

const Model *
daily_model_named(const char *name, const char *asker)
{
	const Model *timing = clv_model_named(name);

	if (timing != NULL && timing->discrete)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s counts periods, and %s counts days", timing->name, asker),
				 errhint("There are %s. For %s, fit customer_base(history, 'month').", clv_model_names(true, false),
						 timing->name)));
	return timing;
}
