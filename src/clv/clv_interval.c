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

/* ∂ ln f / ∂ ln param of one parameter of the model, which is varied in place. */
static double
log_derivative(const Score *score, const ClvModel *model, double *param)
{
	double		centre = *param;
	double		difference = 0;
	static const struct
	{
		int			steps;
		double		weight;
	}			nodes[] = {{-2, 1}, {-1, -8}, {1, 8}, {2, -1}};

	for (int i = 0; i < lengthof(nodes); i++)
	{
		*param = centre * exp(nodes[i].steps * STEP);
		difference += nodes[i].weight * log_score(score, model);
	}
	*param = centre;
	return difference / (12 * STEP);
}

/* g' Σ g over the parameters of one part; NaN where the data do not tell one of them. */
static double
part_variance(const Score *score, const ClvModel *model, ClvPart *part)
{
	double		gradient[MODEL_MAX_PARAMS];
	double		variance = part->unidentified == 0 ? 0 : NAN;

	for (int i = 0; i < part->n_params; i++)
	{
		gradient[i] = log_derivative(score, model, &part->params[i]);
		for (int j = 0; j <= i; j++)
			variance += (i == j ? 1 : 2) * gradient[i] * gradient[j] * *clv_part_covariance(part, i, j);
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
		ClvModel	model = *score->customer.model;
		double		centre = log_score(score, &model);
		double		variance = part_variance(score, &model, &model.timing) +
			(score->outlook != NULL && model.spend.fitted ? part_variance(score, &model, &model.spend) : 0);
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

/* clv_interval(history, model [, level, horizon_days, annual_discount, margin, as_of]) → (low, high) */
PG_FUNCTION_INFO_V1(clv_interval);
Datum
clv_interval(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 2, 5))
		PG_RETURN_NULL();

	double		level = level_argument(fcinfo, 2);
	Outlook		outlook = outlook_arguments(fcinfo, 3);
	Score		score = {.customer = customer_of_history(fcinfo, 6), .outlook = &outlook};

	return interval_result(fcinfo, &score, level);
}

/* expected_orders_interval(history, model [, level, horizon_days, as_of]) → (low, high) */
PG_FUNCTION_INFO_V1(expected_orders_interval);
Datum
expected_orders_interval(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 2, 3))
		PG_RETURN_NULL();

	double		level = level_argument(fcinfo, 2);
	double		horizon_days = horizon_argument(fcinfo, 3);
	Score		score = {.customer = customer_of_history(fcinfo, 4), .horizon_days = horizon_days};

	return interval_result(fcinfo, &score, level);
}
