/*
 * clv_interval.c
 *	  How far a score may be off because the parameters are estimates.
 *
 * The delta method: a score f is a function of the log parameters θ, whose
 * covariance Σ the fit has left in the model. On the logarithm of a positive
 * score, var(ln f) = g' Σ g with g = ∂ ln f / ∂θ, taken by central differences
 * of fourth order; the interval is f e^(±z sd). Timing and spend are fitted
 * apart, so their parts of the variance add.
 *
 * The interval covers the uncertainty of the parameters, and nothing else: not
 * the chance in the customer's own future orders, and not a wrong model.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"

#include "clv/clv_score.h"
#include "numerics/normal.h"

/* Steps of the log parameters: the error of the differences is about its fourth power. */
#define STEP 1e-3

/* A score of a customer, as a function of the model he stands under. */
typedef struct Score
{
	Customer	customer;
	const Outlook *outlook;		/* a value; NULL: a number of orders */
	double		horizon_days;
} Score;

static double
log_score(const Score *score, const ClvModel *model)
{
	Customer	customer = score->customer;

	customer.model = model;
	return log(fabs(score->outlook != NULL ? lifetime_value(&customer, score->outlook)
					: expected_orders_in(&customer, score->horizon_days)));
}

/* Four points of a difference of fourth order. */
static const struct
{
	int			steps;
	double		weight;
}			nodes[] = {{-2, 1}, {-1, -8}, {1, 8}, {2, -1}};

/*
 * The derivative of ln f by the logarithm of a parameter, or by a coefficient
 * as it is. The figure belongs to the model and is varied in place.
 */
static double
log_derivative(const Score *score, const ClvModel *model, double *figure, bool logarithmic)
{
	double		centre = *figure;
	double		difference = 0;

	for (int i = 0; i < lengthof(nodes); i++)
	{
		double		step = nodes[i].steps * STEP;

		*figure = logarithmic ? centre * exp(step) : centre + step;
		difference += nodes[i].weight * log_score(score, model);
	}
	*figure = centre;
	return difference / (12 * STEP);
}

/* g' Σ g over the figures of the timing part; NaN where the data do not tell one of them. */
static double
timing_variance(const Score *score, ClvModel *model)
{
	const Model *timing = clv_model_timing(model);
	int			first_fixed = timing->n_params - timing->n_fixed;
	double		gradient[FIT_MAX_PARAMS] = {0};
	double		variance = model->timing.unidentified == 0 ? 0 : NAN;

	for (int i = 0; i < clv_timing_figure_count(model); i++)
	{
		/* Whole numbers are taken as they are. */
		if (i >= first_fixed && i < timing->n_params)
			continue;
		gradient[i] = log_derivative(score, model, clv_timing_figure(model, i), i < timing->n_params);
		for (int j = 0; j <= i; j++)
			variance += (i == j ? 1 : 2) * gradient[i] * gradient[j] * *clv_timing_covariance(model, i, j);
	}
	return variance;
}

/* The same over the parameters of the spend part. */
static double
spend_variance(const Score *score, ClvModel *model)
{
	ClvPart    *spend = &model->spend;
	double		gradient[SPEND_PARAMS];
	double		variance = spend->unidentified == 0 ? 0 : NAN;

	for (int i = 0; i < SPEND_PARAMS; i++)
	{
		gradient[i] = log_derivative(score, model, &spend->params[i], true);
		for (int j = 0; j <= i; j++)
			variance += (i == j ? 1 : 2) * gradient[i] * gradient[j] * *clv_part_covariance(spend, i, j);
	}
	return variance;
}

/* The row (low, high); both NULL where there is no score, or its uncertainty is not known. */
static Datum
interval_result(FunctionCallInfo fcinfo, const Score *score, double level)
{
	TupleDesc	row;
	Datum		values[2] = {0};
	bool		nulls[2] = {true, true};

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	if (score->customer.scorable && score->customer.model->timing.fitted)
	{
		ClvModel   *model = memcpy(palloc(VARSIZE(score->customer.model)), score->customer.model,
								   VARSIZE(score->customer.model));
		double		centre = log_score(score, model);
		double		variance = timing_variance(score, model) +
			(score->outlook != NULL && model->spend.fitted ? spend_variance(score, model) : 0);
		double		half = normal_quantile(0.5 + level / 2) * sqrt(variance);
		double		low = exp(centre - half);
		double		high = exp(centre + half);

		/* Nothing is expected of a horizon of no days, for certain. */
		if (centre == -INFINITY)
			low = high = 0;
		/* A negative margin turns the interval over. */
		if (score->outlook != NULL && score->outlook->margin < 0)
		{
			double		worst = -high;

			high = -low;
			low = worst;
		}
		nulls[0] = nulls[1] = !isfinite(low) || !isfinite(high);
		values[0] = Float8GetDatum(low);
		values[1] = Float8GetDatum(high);
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls));
}

/* clv_interval(history, model [, level, horizon_days, annual_discount, margin, as_of, covariates]) → (low, high) */
PG_FUNCTION_INFO_V1(clv_interval);
Datum
clv_interval(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 2, 5))
		PG_RETURN_NULL();

	double		level = level_argument(fcinfo, 2);
	Outlook		outlook = outlook_arguments(fcinfo, 3);
	Score		score = {.outlook = &outlook};

	customer_of_history(fcinfo, 6, &score.customer);
	return interval_result(fcinfo, &score, level);
}

/* expected_orders_interval(history, model [, level, horizon_days, as_of, covariates]) → (low, high) */
PG_FUNCTION_INFO_V1(expected_orders_interval);
Datum
expected_orders_interval(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 2, 3))
		PG_RETURN_NULL();

	double		level = level_argument(fcinfo, 2);
	double		horizon_days = horizon_argument(fcinfo, 3);
	Score		score = {.horizon_days = horizon_days};

	customer_of_history(fcinfo, 4, &score.customer);
	return interval_result(fcinfo, &score, level);
}
