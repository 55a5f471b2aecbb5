/*
 * clv_prediction.c
 *	  The prediction interval of a customer's value, which includes the
 *	  randomness of their own orders.
 *
 * clv_mean_interval is an interval of the mean; this one contains the
 * customer's own value if the parameters are right. The number of orders comes
 * from the timing model's predictive distribution, the amounts from the
 * spend model's given the customer's own (models/spend/value_prediction.h).
 *
 * The days of the orders within the horizon are not modelled: each order is
 * discounted by the mean factor of the horizon, which is that of the expected
 * orders. So the mean of the distribution is clv_estimate.
 *
 * Where the totals of the spend model have one shape, a customer's amounts only stretch the
 * range: in units of its scale it depends on x, t_x and T alone. That is the costly part, and
 * it is cached.
 */
#include "compat.h"

#include <math.h>

#include "miscadmin.h"

#include "scores/score.h"
#include "models/spend/value_prediction.h"
#include "support/result.h"
#include "support/server_host.h"

/* A distribution of more orders is not computed: that would take seconds. Ten thousand are an order a day for 27 years. */
#define MOST_COUNTED_ORDERS 10000
#define FIRST_COUNTS 64

/* The share of the probability outside the range that may be neglected, and the level of rounding. */
#define LEFT_OUT_OF_TAIL 1e-9
#define ROUNDING 1e-13

/* The probabilities of 0, 1, … orders, as many as affect a range of this level; false if they are too many. */
static bool
count_orders(Customer *customer, double horizon, double level, ValuePrediction *prediction)
{
	double mean =
		customer_alive_prob(customer) * customer_answer(customer, CACHED_TRANSACTIONS, customer->T, horizon, 0);
	double rest = 1;
	double *probs;
	int size = FIRST_COUNTS;
	int n = 0;

	if (!(mean < MOST_COUNTED_ORDERS))
		return false;
	probs = palloc_array(double, size);

	while (!(rest <= LEFT_OUT_OF_TAIL * (1 - level) / 2 + ROUNDING))
	{
		double prob;

		CHECK_FOR_INTERRUPTS();
		if (n == MOST_COUNTED_ORDERS)
			return false;
		if (n == size)
			probs = repalloc(probs, (size *= 2) * sizeof(double));
		prob = customer_transactions_pmf(customer, horizon, n);
		if (!isfinite(prob))
			return false;
		probs[n++] = prob;
		rest -= prob;
		/* Rounding may keep the remainder from reaching zero. */
		if (n > mean && prob < ROUNDING / MOST_COUNTED_ORDERS)
			break;
	}
	prediction->count_probs = probs;
	prediction->n_counts = n;
	return true;
}

/* The factor by which a value of the horizon is discounted; 1 if no order is expected. */
static double
mean_discount(const Customer *customer, double horizon, const ValueTerms *terms)
{
	double orders = customer_answer(customer, CACHED_TRANSACTIONS, customer->T, horizon, 0);

	if (!(orders > 0) || terms->annual_discount == 0)
		return 1;
	return customer_discounted_if_alive(customer, terms->horizon_days, terms->annual_discount) / orders;
}

/* The range of the value in units of its scale; infinite if there are too many orders. */
static ValueRange
range_of_scale(Customer *customer, double horizon, double level, ValuePrediction *prediction)
{
	ValueRange range = {INFINITY, INFINITY};

	if (count_orders(customer, horizon, level, prediction))
		range = value_range_of_scale(&server_host, prediction, level);
	return range;
}

/* The same, from the cache or computed for it, unless it is that of the customer's amounts alone. */
static ValueRange
cached_range(Customer *customer, double horizon, double level, ValuePrediction *prediction)
{
	if (!prediction->spend_model->total_has_one_shape)
		return range_of_scale(customer, horizon, level, prediction);

	double *low = transaction_cache_slot(customer->cache, CACHED_VALUE_LOW, customer->x, customer->t_x, customer->T,
										 horizon, level);
	ValueRange range = {.low = *low};

	if (!isnan(range.low))
		range.high = *transaction_cache_slot(customer->cache, CACHED_VALUE_HIGH, customer->x, customer->t_x,
											 customer->T, horizon, level);
	else
	{
		range = range_of_scale(customer, horizon, level, prediction);
		*transaction_cache_slot(customer->cache, CACHED_VALUE_LOW, customer->x, customer->t_x, customer->T, horizon,
								level) = range.low;
		*transaction_cache_slot(customer->cache, CACHED_VALUE_HIGH, customer->x, customer->t_x, customer->T, horizon,
								level) = range.high;
	}
	return range;
}

/* The range of a customer's value; false where there is none. */
static bool
predict_value(Customer *customer, double level, const ValueTerms *terms, ValueRange *range)
{
	ValuePrediction prediction = {0};
	double horizon;
	double scale;
	double factor;

	/* Where the value has no mean, or the amounts are not known, there is no score. */
	if (!customer->scorable || !isfinite(lifetime_value(customer, terms)))
		return false;
	prediction.spend_model = clv_model_spend(customer->model);
	prediction.spend_params = customer->model->spend.params;
	prediction.x = customer->x;
	prediction.spend = customer->spend;
	horizon = customer_horizon(customer, terms->horizon_days);
	*range = cached_range(customer, horizon, level, &prediction);
	if (!isfinite(range->high))
		return false;
	scale = value_scale(&prediction);
	factor = mean_discount(customer, horizon, terms) * fabs(terms->margin);
	range->low = scale * range->low * factor;
	range->high = scale * range->high * factor;
	/* A negative margin exchanges the ends of the range. */
	if (terms->margin < 0)
		*range = (ValueRange){range->high == 0 ? 0 : -range->high, range->low == 0 ? 0 : -range->low};
	return isfinite(range->low) && isfinite(range->high);
}

/* What lives as long as the query. */
typedef struct RangeCall
{
	CallRow *row;
	TransactionCache *cache;
} RangeCall;

static RangeCall *
range_call(FunctionCallInfo fcinfo)
{
	RangeCall *call = fcinfo->flinfo->fn_extra;

	if (call == NULL)
	{
		call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(RangeCall));
		call->row = call_row(fcinfo);
		call->cache = transaction_cache_make(fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = call;
	}
	return call;
}

static Datum
range_result(FunctionCallInfo fcinfo, Customer *customer, double level, const ValueTerms *terms)
{
	RangeCall *call = range_call(fcinfo);
	double buf[MODEL_MAX_PARAMS];
	ValueRange range = {0, 0};

	if (customer->scorable)
	{
		customer->cache = call->cache;
		transaction_cache_begin_values(call->cache, customer->model, customer->timing, customer_params(customer, buf));
		if (customer->season != NULL)
			transaction_cache_season(call->cache, customer->season, customer->today);
	}

	bool known = predict_value(customer, level, terms, &range);
	Datum values[2] = {Float8GetDatum(range.low), Float8GetDatum(range.high)};
	bool nulls[2] = {!known, !known};

	return call_row_fill(call->row, values, nulls);
}

/* clv_prediction_interval(history, model [, level, horizon_days, annual_discount, margin, as_of, covariates]) → (low, high) */
PG_FUNCTION_INFO_V1(clv_prediction_interval);
Datum
clv_prediction_interval(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 2, 5))
		PG_RETURN_NULL();

	double level = level_argument(fcinfo, 2);
	ValueTerms terms = value_terms_arguments(fcinfo, 3);
	Customer customer;

	customer_of_history(fcinfo, 6, &customer);
	return range_result(fcinfo, &customer, level, &terms);
}

/* clv_prediction_interval(repeat_count, recency_days, tenure_days, avg_value, model [, level, …, covariates]) → (low, high) */
PG_FUNCTION_INFO_V1(clv_prediction_interval_numbers);
Datum
clv_prediction_interval_numbers(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 5, 8))
		PG_RETURN_NULL();

	double level = level_argument(fcinfo, 5);
	ValueTerms terms = value_terms_arguments(fcinfo, 6);
	Customer customer;

	customer_of_numbers(fcinfo, 3, 4, &customer);
	return range_result(fcinfo, &customer, level, &terms);
}
