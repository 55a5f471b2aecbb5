/*
 * clv_mean_interval.c
 *	  Intervals of scores for the uncertainty of the parameters.
 *
 * The delta method: a score f is a function of the log parameters θ, whose
 * covariance Σ the fit has left in the model. On the logarithm of a positive
 * score, var(ln f) = g' Σ g with g = ∂ ln f / ∂θ, taken by central differences
 * of fourth order; the interval is f e^(±z sd). Timing and spend are fitted
 * apart, so their parts of the variance add.
 *
 * The interval covers the uncertainty of the parameters only: neither the
 * randomness of the customer's own future orders nor a wrong model.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "scores/score.h"
#include "numerics/normal.h"

/* Steps of the log parameters: the error of the differences is about its fourth power. */
#define STEP 1e-3

/* A score of a customer, as a function of the model. */
typedef struct Score
{
	Customer customer;
	const ValueTerms *terms; /* a value; NULL: a number of orders */
	double horizon_days;
} Score;

static double
log_score(const Score *score, const ClvModel *model)
{
	Customer customer = score->customer;

	customer.model = model;
	return log(fabs(score->terms != NULL ? lifetime_value(&customer, score->terms)
										 : expected_transactions_in(&customer, score->horizon_days)));
}

/* Four points of a difference of fourth order. */
static const struct
{
	int steps;
	double weight;
} nodes[] = {{-2, 1}, {-1, -8}, {1, 8}, {2, -1}};

/*
 * The derivative of ln f by the logarithm of a parameter, or by a coefficient
 * as it is. The parameter is modified in place in the model.
 */
static double
log_derivative(const Score *score, const ClvModel *model, double *figure, bool logarithmic)
{
	double centre = *figure;
	double difference = 0;

	for (int i = 0; i < lengthof(nodes); i++)
	{
		double step = nodes[i].steps * STEP;

		*figure = logarithmic ? centre * exp(step) : centre + step;
		difference += nodes[i].weight * log_score(score, model);
	}
	*figure = centre;
	return difference / (12 * STEP);
}

/* g' Σ g over the figures of the timing part; NaN where one of them is not identified. */
static double
timing_variance(const Score *score, ClvModel *model)
{
	const Model *timing = clv_model_timing(model);
	int first_fixed = timing->n_params - timing->n_integer_params;
	double gradient[FIT_MAX_PARAMS] = {0};
	/* Without a prior, parameters are unidentified only at the nested model, whose covariance is known. */
	double variance = model->timing.unidentified == 0 || model->timing.prior_sd == 0 ? 0 : NAN;

	for (int i = 0; i < clv_timing_figure_count(model); i++)
	{
		/* Integer parameters are taken as fixed. */
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
	ClvPart *spend = &model->spend;
	double gradient[SPEND_MAX_PARAMS];
	double variance = spend->unidentified == 0 ? 0 : NAN;

	for (int i = 0; i < spend->n_params; i++)
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
	TupleDesc row;
	Datum values[2] = {0};
	bool nulls[2] = {true, true};

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	if (score->customer.scorable && score->customer.model->timing.fitted)
	{
		ClvModel *model =
			memcpy(palloc(VARSIZE(score->customer.model)), score->customer.model, VARSIZE(score->customer.model));
		double centre = log_score(score, model);
		double variance = timing_variance(score, model) +
			(score->terms != NULL && model->spend.fitted ? spend_variance(score, model) : 0);
		double half = normal_quantile(0.5 + level / 2) * sqrt(variance);
		double low = exp(centre - half);
		double high = exp(centre + half);

		/* A horizon of zero days has an expectation of exactly zero. */
		if (centre == -INFINITY)
			low = high = 0;
		/* A negative margin exchanges the ends of the interval. */
		if (score->terms != NULL && score->terms->margin < 0)
		{
			double worst = -high;

			high = -low;
			low = worst;
		}
		nulls[0] = nulls[1] = !isfinite(low) || !isfinite(high);
		values[0] = Float8GetDatum(low);
		values[1] = Float8GetDatum(high);
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls));
}

/* clv_mean_interval(history, model [, level, horizon_days, annual_discount, margin, as_of, covariates]) → (low, high) */
PG_FUNCTION_INFO_V1(clv_mean_interval);
Datum
clv_mean_interval(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 2, 5))
		PG_RETURN_NULL();

	double level = level_argument(fcinfo, 2);
	ValueTerms terms = value_terms_arguments(fcinfo, 3);
	Score score = {.terms = &terms};

	customer_of_history(fcinfo, 6, &score.customer);
	return interval_result(fcinfo, &score, level);
}

/* expected_transactions_interval(history, model [, level, horizon_days, as_of, covariates]) → (low, high) */
PG_FUNCTION_INFO_V1(expected_transactions_interval);
Datum
expected_transactions_interval(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 2, 3))
		PG_RETURN_NULL();

	double level = level_argument(fcinfo, 2);
	double horizon_days = horizon_argument(fcinfo, 3);
	Score score = {.horizon_days = horizon_days};

	customer_of_history(fcinfo, 4, &score.customer);
	return interval_result(fcinfo, &score, level);
}

/* clv_mean_interval(repeat_count, recency_days, tenure_days, avg_value, model [, level, horizon_days, …, covariates]) → (low, high) */
PG_FUNCTION_INFO_V1(clv_mean_interval_numbers);
Datum
clv_mean_interval_numbers(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 5, 8))
		PG_RETURN_NULL();

	double level = level_argument(fcinfo, 5);
	ValueTerms terms = value_terms_arguments(fcinfo, 6);
	Score score = {.terms = &terms};

	customer_of_numbers(fcinfo, 3, 4, &score.customer);
	return interval_result(fcinfo, &score, level);
}

/* expected_transactions_interval(repeat_count, recency_days, tenure_days, model [, level, horizon_days, covariates]) → (low, high) */
PG_FUNCTION_INFO_V1(expected_transactions_interval_numbers);
Datum
expected_transactions_interval_numbers(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 4, 5))
		PG_RETURN_NULL();

	double level = level_argument(fcinfo, 4);
	double horizon_days = horizon_argument(fcinfo, 5);
	Score score = {.horizon_days = horizon_days};

	customer_of_numbers(fcinfo, -1, 3, &score.customer);
	return interval_result(fcinfo, &score, level);
}

/* Why the scores of a model have no intervals; NULL if they have. */
static const char *
no_interval(const ClvModel *model)
{
	if (!model->timing.fitted)
		return "the parameters were given, not fitted";
	if (model->timing.unidentified != 0 && model->timing.prior_sd > 0)
		return "not all parameters of the timing model are identified";
	if (model->spend.n_params > 0 && model->spend.unidentified != 0)
		return "not all parameters of the spend model are identified: only numbers of orders have intervals";
	return NULL;
}

/* interval_problem(clv_model) → text: why clv_mean_interval is NULL, or NULL */
PG_FUNCTION_INFO_V1(interval_problem);
Datum
interval_problem(PG_FUNCTION_ARGS)
{
	const char *problem = no_interval(PG_GETARG_CLV_MODEL(0));

	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}
