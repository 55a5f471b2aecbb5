/*
 * predictive.c
 *	  Predictive distributions: the next order, its probability, the number of
 *	  orders, and the orders of a new customer.
 *
 * While score.c computes means, this computes distributions: they come from
 * the same model and include the randomness of the customer's own orders, but
 * take the parameters as known.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/tuplestore.h"

#include "scores/score.h"
#include "history/history.h"
#include "support/result.h"

/* The largest count of a prediction. */
#define MOST_ORDERS 1000000

/* More are not summed up one by one where the model knows the probability of fewer. */
#define MOST_SUMMED_ORDERS 40

/* Of at least one order, dead or alive. */
double
customer_order_prob(Customer *customer, double horizon_days)
{
	double buf[MODEL_MAX_PARAMS];
	double horizon;
	double probability;

	if (!customer->scorable)
		return NAN;
	horizon = customer_horizon(customer, horizon_days);
	if (customer->timing->order_prob_if_alive != NULL)
		probability =
			customer_alive_prob(customer) * customer_answer(customer, CACHED_ORDER_PROB, customer->T, horizon, 0);
	else
		probability = customer->timing->order_prob(customer_params(customer, buf), customer->x, customer->t_x,
												   customer->T, horizon);
	return isfinite(probability) ? Min(Max(probability, 0), 1) : NAN;
}

/* order_prob(history, model [, horizon_days, as_of, covariates]) → float8 */
PG_FUNCTION_INFO_V1(order_prob);
Datum
order_prob(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(2))
		PG_RETURN_NULL();

	double horizon_days = horizon_argument(fcinfo, 2);
	Customer customer;

	customer_of_history(fcinfo, 3, &customer);
	customer_use_cache(&customer, transaction_cache(fcinfo));
	return finite_or_null(fcinfo, customer_order_prob(&customer, horizon_days));
}

/* order_prob(repeat_count, recency_days, tenure_days, model [, horizon_days, covariates]) → float8 */
PG_FUNCTION_INFO_V1(order_prob_numbers);
Datum
order_prob_numbers(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(4))
		PG_RETURN_NULL();

	double horizon_days = horizon_argument(fcinfo, 4);
	Customer customer;

	customer_of_numbers(fcinfo, -1, 3, &customer);
	customer_use_cache(&customer, transaction_cache(fcinfo));
	return finite_or_null(fcinfo, customer_order_prob(&customer, horizon_days));
}

/*
 * Days from T to the next order of a customer who is alive then and orders
 * again: a quantile. INFINITY where it is beyond any calendar.
 */
static double
days_to_next_order(const Customer *customer, double T, double quantile)
{
	double days = customer->model->unit_days * customer_answer(customer, CACHED_NEXT_ORDER, T, quantile, 0);
	double from;

	if (customer->season == NULL || customer->timing->lifetime != NULL)
		return days;
	from = T == customer->T ? customer->today : customer->last;
	return season_after(&customer->clock, from, days) - from;
}

/* The day this many days after the customer's as_of; in discrete time the last of its period. */
static double
day_after(const Customer *customer, double days)
{
	Period period = (Period) customer->model->period;
	double last_day = DATE_END_JULIAN - POSTGRES_EPOCH_JDATE;
	double number = period_number(period, customer->as_of) + rint(days / customer->model->unit_days);

	if (period == PERIOD_DAY)
		return customer->as_of + ceil(days);
	return number < period_number(period, (DateADT) last_day - 1) ? period_first_day(period, (int32) number + 1) - 1
																  : last_day;
}

bool
customer_next_order(Customer *customer, double quantile, DateADT *day)
{
	double exact;

	if (!customer->scorable || !(customer_alive_prob(customer) >= CLV_PROBABLY_ALIVE))
		return false;
	exact = day_after(customer, days_to_next_order(customer, customer->T, quantile));
	if (!(exact < DATE_END_JULIAN - POSTGRES_EPOCH_JDATE))
		return false;
	*day = (DateADT) exact;
	return true;
}

static Datum
next_order_result(FunctionCallInfo fcinfo, Customer *customer, double quantile)
{
	DateADT day;

	customer_use_cache(customer, transaction_cache(fcinfo));
	if (!customer_next_order(customer, quantile, &day))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(day);
}

/* next_order_on(history, model [, quantile, as_of, covariates]) → date */
PG_FUNCTION_INFO_V1(next_order_on);
Datum
next_order_on(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(2))
		PG_RETURN_NULL();

	double quantile = quantile_argument(fcinfo, 2);
	Customer customer;

	customer_of_history(fcinfo, 3, &customer);
	return next_order_result(fcinfo, &customer, quantile);
}

/* next_order_on(repeat_count, recency_days, tenure_days, model [, quantile, as_of, covariates]) → date */
PG_FUNCTION_INFO_V1(next_order_on_numbers);
Datum
next_order_on_numbers(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(4))
		PG_RETURN_NULL();

	double quantile = quantile_argument(fcinfo, 4);
	Customer customer;

	customer_of_numbers_as_of(fcinfo, -1, 3, 5, &customer);
	if (customer.scorable)
		customer.as_of = as_of_argument(fcinfo, 5, customer.model);
	return next_order_result(fcinfo, &customer, quantile);
}

/*
 * Days since the median day of the next order, as expected on the day of the
 * last order, when the customer was alive. Negative if that day has not come
 * yet.
 */
bool
customer_days_overdue(const Customer *customer, int32 *days)
{
	double overdue;
	double silent;

	if (!customer->scorable)
		return false;
	silent = customer->season != NULL ? customer->today - customer->last
									  : (customer->T - customer->t_x) * customer->model->unit_days;
	overdue = rint(silent) - ceil(days_to_next_order(customer, customer->t_x, 0.5));
	if (!(overdue > PG_INT32_MIN) || overdue > PG_INT32_MAX)
		return false;
	*days = (int32) overdue;
	return true;
}

static Datum
days_overdue_result(FunctionCallInfo fcinfo, Customer *customer)
{
	int32 days;

	customer_use_cache(customer, transaction_cache(fcinfo));
	if (!customer_days_overdue(customer, &days))
		PG_RETURN_NULL();
	PG_RETURN_INT32(days);
}

/* days_overdue(history, model [, as_of, covariates]) → integer */
PG_FUNCTION_INFO_V1(days_overdue);
Datum
days_overdue(PG_FUNCTION_ARGS)
{
	Customer customer;

	customer_of_history(fcinfo, 2, &customer);
	return days_overdue_result(fcinfo, &customer);
}

/* days_overdue(repeat_count, recency_days, tenure_days, model [, covariates]) → integer */
PG_FUNCTION_INFO_V1(days_overdue_numbers);
Datum
days_overdue_numbers(PG_FUNCTION_ARGS)
{
	Customer customer;

	customer_of_numbers(fcinfo, -1, 3, &customer);
	return days_overdue_result(fcinfo, &customer);
}

/* All future orders, discounted. */
static Datum
residual_orders_result(FunctionCallInfo fcinfo, Customer *customer, double annual_discount)
{
	customer_use_cache(customer, transaction_cache(fcinfo));
	return finite_or_null(fcinfo, customer_discounted_transactions(customer, INFINITY, annual_discount));
}

/* discounted_transactions(history, model [, annual_discount, as_of, covariates]) → float8 */
PG_FUNCTION_INFO_V1(discounted_transactions);
Datum
discounted_transactions(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(2))
		PG_RETURN_NULL();

	double annual_discount = positive_discount_argument(fcinfo, 2);
	Customer customer;

	customer_of_history(fcinfo, 3, &customer);
	return residual_orders_result(fcinfo, &customer, annual_discount);
}

/* discounted_transactions(repeat_count, recency_days, tenure_days, model [, annual_discount, covariates]) → float8 */
PG_FUNCTION_INFO_V1(discounted_transactions_numbers);
Datum
discounted_transactions_numbers(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(4))
		PG_RETURN_NULL();

	double annual_discount = positive_discount_argument(fcinfo, 4);
	Customer customer;

	customer_of_numbers(fcinfo, -1, 3, &customer);
	return residual_orders_result(fcinfo, &customer, annual_discount);
}

/* The smallest n such that n or fewer orders have at least this probability, between powers of two: about 2 log2 n are tried. */
static int32
orders_quantile_between(Customer *customer, double horizon, double probability)
{
	int32 low = 0; /* fewer than so many are less probable */
	int32 high = 1;

	while (high < MOST_ORDERS && customer_fewer_prob(customer, horizon, high) < probability)
	{
		CHECK_FOR_INTERRUPTS();
		low = high;
		high = Min(2 * high, MOST_ORDERS);
	}
	while (high - low > 1)
	{
		int32 middle = low + (high - low) / 2;

		CHECK_FOR_INTERRUPTS();
		if (customer_fewer_prob(customer, horizon, middle) < probability)
			low = middle;
		else
			high = middle;
	}
	return high == MOST_ORDERS ? MOST_ORDERS : high - 1;
}

/*
 * The smallest n such that n or fewer orders have at least this probability. Few are summed up, which is exact; many
 * would take as long as there are.
 */
static int32
orders_quantile(Customer *customer, double horizon, double probability)
{
	int32 most = customer_knows_fewer_prob(customer) ? MOST_SUMMED_ORDERS : MOST_ORDERS;
	double below = 0;

	for (int32 orders = 0; orders < most; orders++)
	{
		CHECK_FOR_INTERRUPTS();
		below += customer_transactions_pmf(customer, horizon, orders);
		if (!(below < probability))
			return orders;
	}
	return most == MOST_ORDERS ? MOST_ORDERS : orders_quantile_between(customer, horizon, probability);
}

/* The row (low, high) of the customer's own number of orders. */
static Datum
orders_prediction_result(FunctionCallInfo fcinfo, Customer *customer, double level, double horizon_days)
{
	TupleDesc row;
	Datum values[2] = {0};
	bool nulls[2] = {true, true};

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (customer->scorable)
	{
		double horizon = customer_horizon(customer, horizon_days);

		values[0] = Int32GetDatum(orders_quantile(customer, horizon, (1 - level) / 2));
		values[1] = Int32GetDatum(orders_quantile(customer, horizon, (1 + level) / 2));
		nulls[0] = nulls[1] = false;
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls));
}

/* transactions_prediction_interval(history, model [, level, horizon_days, as_of, covariates]) → (low, high) */
PG_FUNCTION_INFO_V1(transactions_prediction_interval);
Datum
transactions_prediction_interval(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 2, 3))
		PG_RETURN_NULL();

	double level = level_argument(fcinfo, 2);
	double horizon_days = horizon_argument(fcinfo, 3);
	Customer customer;

	customer_of_history(fcinfo, 4, &customer);
	return orders_prediction_result(fcinfo, &customer, level, horizon_days);
}

/* transactions_prediction_interval(repeat_count, recency_days, tenure_days, model [, level, horizon_days, covariates]) → (low, high) */
PG_FUNCTION_INFO_V1(transactions_prediction_interval_numbers);
Datum
transactions_prediction_interval_numbers(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 4, 5))
		PG_RETURN_NULL();

	double level = level_argument(fcinfo, 4);
	double horizon_days = horizon_argument(fcinfo, 5);
	Customer customer;

	customer_of_numbers(fcinfo, -1, 3, &customer);
	return orders_prediction_result(fcinfo, &customer, level, horizon_days);
}

/* The arguments (model, days, …, covariates) of the functions of a new customer. */
typedef struct Newcomer
{
	const ClvModel *model;
	const double *params; /* NULL: the covariates are not known, or lead to parameters out of range */
	double from;          /* days: of the first order, and the end of those after it */
	double until;
	double buf[MODEL_MAX_PARAMS];
} Newcomer;

/* The day of a new customer: with a season it is that of the fit, and without any. */
static double
day_of_newcomer(const ClvModel *model)
{
	if (clv_model_season(model) == NULL)
		return 0;
	if (DATE_NOT_FINITE(model->as_of))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a new customer has no day: the model has a season, but no day of its fit"),
				 errhint("Give the model an \"as_of\", the day of the first order.")));
	return model->as_of;
}

static void
newcomer_arguments(FunctionCallInfo fcinfo, Newcomer *newcomer)
{
	const ClvModel *model = PG_GETARG_CLV_MODEL(0);
	double covariates[FIT_MAX_COVARIATES];

	newcomer->model = model;
	newcomer->from = day_of_newcomer(model);
	newcomer->until = newcomer->from + count_argument(fcinfo, 1, "days");
	newcomer->params = NULL;
	if (!covariates_argument(fcinfo, PG_NARGS() - 1, model, covariates))
		return;

	const double *params = clv_model_params(model, covariates, newcomer->buf);

	if (clv_params_possible(model, params))
		newcomer->params = params;
}

/* new_customer_transactions(model, days [, covariates]) → float8: of a customer just acquired, after the first order */
PG_FUNCTION_INFO_V1(new_customer_transactions);
Datum
new_customer_transactions(PG_FUNCTION_ARGS)
{
	Newcomer newcomer;

	if (any_null(fcinfo, 0, 1))
		PG_RETURN_NULL();
	newcomer_arguments(fcinfo, &newcomer);
	if (newcomer.params == NULL)
		PG_RETURN_NULL();
	return finite_or_null(fcinfo,
						  newcomer_transactions(newcomer.model, newcomer.params, newcomer.from, newcomer.until));
}

/* new_customer_transactions_pmf(model, days, max_count [, covariates]) → setof (order_count, prob): of a customer just acquired */
PG_FUNCTION_INFO_V1(new_customer_transactions_pmf);
Datum
new_customer_transactions_pmf(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	Newcomer newcomer;
	int32 max_count;

	InitMaterializedSRF(fcinfo, 0);
	if (any_null(fcinfo, 0, 2))
		return (Datum) 0;
	max_count = int_argument(fcinfo, 2, "max_count", 0, MOST_ORDERS, NULL);

	newcomer_arguments(fcinfo, &newcomer);
	for (int32 orders = 0; orders <= max_count && newcomer.params != NULL; orders++)
	{
		double probability =
			newcomer_transactions_pmf(newcomer.model, newcomer.params, newcomer.from, newcomer.until, orders);
		Datum values[2] = {Int32GetDatum(orders), Float8GetDatum(probability)};
		bool nulls[2] = {false, !isfinite(probability)};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}
