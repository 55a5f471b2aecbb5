/*
 * retention_curve.c
 *	  Survival curves of customers: estimated from a base, or by a model.
 *
 * A customer's tenure is the number of completed periods, so it is also the
 * number of renewals. A number that does not exist (no customer was at risk,
 * an infinite mean) is NULL; an invalid argument is an error.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/tuplestore.h"

#include "retention/retention.h"
#include "support/args.h"
#include "support/result.h"
#include "models/retention/life_table.h"

/* kaplan_meier(retention_base [, level]) → setof (period, at_risk, ended, survival, std_error, low, high) */
PG_FUNCTION_INFO_V1(kaplan_meier);
Datum
kaplan_meier(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	RetentionBase base = PG_GETARG_RETENTION_BASE(0);
	double level = level_argument(fcinfo, 1);

	LifeTable table = life_table_start(base.cells, base.n_cells);

	InitMaterializedSRF(fcinfo, 0);
	while (life_table_step_to_end(&table))
	{
		double std_error = life_table_std_error(&table);
		double low, high;

		life_table_interval(&table, level, &low, &high);

		Datum values[7] = {
			Int32GetDatum((int32) table.period),
			Int64GetDatum(table.at_risk),
			Int64GetDatum(table.ended),
			Float8GetDatum(table.survival),
			Float8GetDatum(std_error),
			Float8GetDatum(low),
			Float8GetDatum(high),
		};
		bool nulls[7] = {false, false, false, false, isnan(std_error), isnan(low), isnan(high)};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static int32
periods_argument(FunctionCallInfo fcinfo, int argno, const char *name)
{
	return int_argument(fcinfo, argno, name, 0, CONTRACT_MAX_TENURE, NULL);
}

/* One row of a curve; NaN becomes NULL. */
static void
put_point(ReturnSetInfo *results, int32 period, double survival, double retention)
{
	Datum values[3] = {Int32GetDatum(period), Float8GetDatum(survival), Float8GetDatum(retention)};
	bool nulls[3] = {false, isnan(survival), isnan(retention)};

	CHECK_FOR_INTERRUPTS();
	tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
}

/* retention_curve(retention_base, periods) → setof (period, survival_prob, retention_rate) */
PG_FUNCTION_INFO_V1(retention_curve_base);
Datum
retention_curve_base(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	RetentionBase base = PG_GETARG_RETENTION_BASE(0);
	int32 periods = periods_argument(fcinfo, 1, "periods");
	LifeTable table = life_table_start(base.cells, base.n_cells);

	InitMaterializedSRF(fcinfo, 0);
	for (int32 period = 0; period <= periods; period++)
	{
		if (period > 0)
			life_table_step(&table);
		put_point(results, period, table.survival, table.retention);
	}
	return (Datum) 0;
}

/* retention_curve(retention_model, periods) → setof (period, survival_prob, retention_rate) */
PG_FUNCTION_INFO_V1(retention_curve_model);
Datum
retention_curve_model(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	const RetentionModel *model = PG_GETARG_RETENTION_MODEL(0);
	const ContractModel *kind = retention_model_kind(model);
	int32 periods = periods_argument(fcinfo, 1, "periods");

	InitMaterializedSRF(fcinfo, 0);
	for (int32 period = 0; period <= periods; period++)
		put_point(results, period, exp(contract_ln_survival(kind, model->params, 0, period)),
				  period == 0 ? NAN : exp(contract_ln_survival(kind, model->params, period - 1, 1)));
	return (Datum) 0;
}

/* renewal_prob(retention_model, tenure) → float8: of the next renewal */
PG_FUNCTION_INFO_V1(renewal_prob);
Datum
renewal_prob(PG_FUNCTION_ARGS)
{
	const RetentionModel *model = PG_GETARG_RETENTION_MODEL(0);
	int32 tenure = periods_argument(fcinfo, 1, "tenure");

	PG_RETURN_FLOAT8(exp(contract_ln_survival(retention_model_kind(model), model->params, tenure, 1)));
}

/* An annual rate as a continuous rate per period. */
static double
period_discount_argument(FunctionCallInfo fcinfo, int argno, PeriodLength period)
{
	return log1p(discount_argument(fcinfo, argno)) * period_length_years(period);
}

/* residual_tenure(retention_model, tenure [, annual_discount]) → float8: renewals to come */
PG_FUNCTION_INFO_V1(residual_tenure);
Datum
residual_tenure(PG_FUNCTION_ARGS)
{
	const RetentionModel *model = PG_GETARG_RETENTION_MODEL(0);
	int32 tenure = periods_argument(fcinfo, 1, "tenure");
	double delta = period_discount_argument(fcinfo, 2, model->period);

	return finite_or_null(fcinfo, contract_residual(retention_model_kind(model), model->params, tenure, delta));
}

/* expected_tenure(retention_model [, annual_discount]) → float8: periods of a new customer, the first included */
PG_FUNCTION_INFO_V1(expected_tenure);
Datum
expected_tenure(PG_FUNCTION_ARGS)
{
	const RetentionModel *model = PG_GETARG_RETENTION_MODEL(0);
	double delta = period_discount_argument(fcinfo, 1, model->period);

	return finite_or_null(fcinfo,
						  1 + exp(-delta) * contract_residual(retention_model_kind(model), model->params, 0, delta));
}
