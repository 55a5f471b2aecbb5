/*
 * equity_read.c
 *	  What a customer_equity tells.
 */
#include "compat.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "equity/equity.h"
#include "numerics/normal.h"
#include "scores/score.h"
#include "support/args.h"

/* Whole numbers of the timing part are left out. */
void
equity_covariance(const ClvModel *model, double *covariance)
{
	int n = equity_timing_figures(clv_model_timing(model));
	int all = equity_model_figures(model);

	for (int i = 0; i < all; i++)
		for (int j = 0; j <= i; j++)
		{
			double entry = 0;

			if (i < n)
				entry = *clv_timing_covariance(model, i, j);
			else if (j >= n && model->spend.fitted)
				entry = model->spend.covariance[COVARIANCES(i - n) + j - n];
			covariance[i * all + j] = covariance[j * all + i] = entry;
		}
}

bool
equity_is_identified(const ClvModel *model)
{
	return model->timing.fitted && model->timing.unidentified == 0 &&
		(!model->spend.fitted || model->spend.unidentified == 0);
}

/* The standard deviation of ln(value) of a horizon; NaN if it is not identified. */
static double
log_deviation(const EquityContent *equity, int horizon)
{
	const ClvModel *model = equity->head.model;
	int n = equity_model_figures(model);
	ExactSum *value = equity_sums_of_horizon(equity, horizon);
	double gradient[EQUITY_MAX_FIGURES];
	double covariance[EQUITY_MAX_FIGURES * EQUITY_MAX_FIGURES];

	if (!equity_is_identified(model))
		return NAN;
	equity_covariance(model, covariance);
	for (int i = 0; i < n; i++)
		gradient[i] = exact_sum_value(&value[1 + i]);
	return sqrt(equity_log_variance(exact_sum_value(value), gradient, covariance, n));
}

/* Why the value without end is not known; NULL: it is. */
static const char *
unbounded_status(const EquityContent *equity, int horizon)
{
	EquityTerms terms = equity_terms(&equity->head);

	if (horizon != EQUITY_WITHOUT_END || !terms.unbounded)
		return NULL;
	return equity_is_infinite(&terms) ? "infinite" : "no_discount";
}

bool
equity_leaves_out(const EquityContent *content)
{
	double left_out = 0;

	for (int i = 0; i < EQUITY_LEFT_OUT; i++)
		left_out += i == EQUITY_NO_ORDERS ? 0 : (double) content->left_out[i];
	return 99 * left_out > (double) content->customers;
}

static void
put_horizon(ReturnSetInfo *results, const EquityContent *equity, int horizon, double level)
{
	const char *status = unbounded_status(equity, horizon);
	double value = status != NULL ? NAN : exact_sum_value(equity_sums_of_horizon(equity, horizon));
	double half = normal_quantile(0.5 + level / 2) * (value == 0 ? 0 : log_deviation(equity, horizon));
	double low = value * exp(value < 0 ? half : -half);
	double high = value * exp(value < 0 ? -half : half);
	Datum values[6] = {
		Float8GetDatum(equity_horizon_years[horizon]),
		Float8GetDatum(value),
		Float8GetDatum(low),
		Float8GetDatum(high),
		Float8GetDatum(exact_sum_value(&equity->sums->sum[0])),
		CStringGetTextDatum(status != NULL                        ? status
								: equity_leaves_out(equity)       ? "customers_left_out"
								: isfinite(low) && isfinite(high) ? "ok"
																  : "no_interval"),
	};
	bool nulls[6] = {
		isinf(equity_horizon_years[horizon]),
		!isfinite(value),
		!isfinite(low) || !isfinite(high),
		!isfinite(low) || !isfinite(high),
		false,
		false,
	};

	tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
}

/* equity_by_horizon(customer_equity [, level]) → setof (horizon_years, value, low, high, alive_customers, status) */
PG_FUNCTION_INFO_V1(equity_by_horizon);
Datum
equity_by_horizon(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	double level = level_argument(fcinfo, 1);
	EquityContent equity = equity_get(PG_GETARG_DATUM(0));

	InitMaterializedSRF(fcinfo, 0);
	for (int h = 0; h < EQUITY_HORIZONS; h++)
		put_horizon(results, &equity, h, level);
	return (Datum) 0;
}

/* customer_count(customer_equity) → bigint: customers that were valued */
PG_FUNCTION_INFO_V1(customer_equity_customer_count);
Datum
customer_equity_customer_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(equity_get(PG_GETARG_DATUM(0)).customers);
}

/* equity_left_out(customer_equity) → setof (reason, customer_count) */
PG_FUNCTION_INFO_V1(equity_left_out);
Datum
equity_left_out(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	EquityContent equity = equity_get(PG_GETARG_DATUM(0));

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < EQUITY_LEFT_OUT; i++)
		if (equity.left_out[i] > 0)
			tuplestore_putvalues(results->setResult, results->setDesc,
								 (Datum[]){CStringGetTextDatum(equity_left_out_words[i]),
										   Int64GetDatum(equity.left_out[i])},
								 (bool[]){false, false});
	return (Datum) 0;
}
