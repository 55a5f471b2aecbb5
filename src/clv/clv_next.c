/*
 * clv_next.c
 *	  The customer's own future: the next order, the chance of one, the
 *	  number of them, and what a new customer will do.
 *
 * Where clv_score.c gives means, this gives distributions: they come from the
 * same model and contain the chance in the customer's own orders, but take the
 * parameters as they are.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/tuplestore.h"

#include "clv/clv_score.h"
#include "history/history.h"
#include "value/result.h"

/* A prediction never has to count further than this. */
#define MOST_ORDERS 1000000

static Datum
probability_result(FunctionCallInfo fcinfo, double probability)
{
	if (!isfinite(probability))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(Min(Max(probability, 0), 1));
}

/* order_prob(history, model [, horizon_days, as_of, covariates]) → float8: of at least one order, dead or alive */
PG_FUNCTION_INFO_V1(order_prob);
Datum
order_prob(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(2))
		PG_RETURN_NULL();

	double		horizon_days = horizon_argument(fcinfo, 2);
	double		room[MODEL_MAX_PARAMS];
	Customer	customer;

	customer_of_history(fcinfo, 3, &customer);
	if (!customer.scorable)
		PG_RETURN_NULL();
	return probability_result(fcinfo, customer.timing->order_prob(customer_params(&customer, room),
																   customer.x, customer.t_x, customer.T,
																   customer_horizon(&customer, horizon_days)));
}

/*
 * Days from the customer's T to the next order, if he is alive and orders
 * again: a quantile. INFINITY where it is beyond any calendar.
 */
static double
days_to_next_order(const Customer *customer, double quantile)
{
	double		room[MODEL_MAX_PARAMS];

	return customer->model->unit_days *
		customer->timing->next_order_quantile(customer_params(customer, room),
											  customer->x, customer->t_x, customer->T, quantile);
}

/* The day so many days after the one the customer stands at; in discrete time the last of its period. */
static double
day_after(const Customer *customer, double days)
{
	Period		period = (Period) customer->model->period;
	double		last_day = DATE_END_JULIAN - POSTGRES_EPOCH_JDATE;
	double		number = period_number(period, customer->as_of) + rint(days / customer->model->unit_days);

	if (period == PERIOD_DAY)
		return customer->as_of + ceil(days);
	return number < period_number(period, (DateADT) last_day - 1)
		? period_first_day(period, (int32) number + 1) - 1 : last_day;
}

/* A day, or NULL beyond the calendar's end. */
static Datum
date_result(FunctionCallInfo fcinfo, double day)
{
	if (!(day < DATE_END_JULIAN - POSTGRES_EPOCH_JDATE))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT((DateADT) day);
}

/* next_order_on(history, model [, quantile, as_of, covariates]) → date */
PG_FUNCTION_INFO_V1(next_order_on);
Datum
next_order_on(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(2))
		PG_RETURN_NULL();

	double		quantile = PG_GETARG_FLOAT8(2);

	if (!(quantile > 0) || !(quantile < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantile must be between 0 and 1, but is %g", quantile),
				 errhint("0.5 is the day before which the next order is as likely as after it.")));

	Customer	customer;

	customer_of_history(fcinfo, 3, &customer);
	if (!customer.scorable)
		PG_RETURN_NULL();
	return date_result(fcinfo, day_after(&customer, days_to_next_order(&customer, quantile)));
}

/*
 * days_overdue(history, model [, as_of, covariates]) → integer
 *
 * On the day of his last order the customer was alive, and his next order was
 * to be expected (median) so many days later. How long ago is that? Negative:
 * it is not due yet.
 */
PG_FUNCTION_INFO_V1(days_overdue);
Datum
days_overdue(PG_FUNCTION_ARGS)
{
	Customer	customer;

	customer_of_history(fcinfo, 2, &customer);
	if (!customer.scorable)
		PG_RETURN_NULL();

	double		silent_days = (customer.T - customer.t_x) * customer.model->unit_days;

	customer.T = customer.t_x;

	double		overdue = rint(silent_days) - ceil(days_to_next_order(&customer, 0.5));

	if (!(overdue > PG_INT32_MIN))
		PG_RETURN_NULL();
	PG_RETURN_INT32((int32) overdue);
}

/* residual_orders(history, model [, annual_discount, as_of, covariates]) → float8: all orders to come, discounted */
PG_FUNCTION_INFO_V1(residual_orders);
Datum
residual_orders(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(2))
		PG_RETURN_NULL();

	double		annual_discount = PG_GETARG_FLOAT8(2);

	if (!(annual_discount > 0) || isinf(annual_discount))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("annual_discount must be positive, but is %g", annual_discount),
				 errhint("Without discount the orders of all time have no finite sum.")));

	Customer	customer;

	customer_of_history(fcinfo, 3, &customer);
	if (!customer.scorable)
		PG_RETURN_NULL();

	double		room[MODEL_MAX_PARAMS];
	double		orders = model_discounted_orders(customer.timing, customer_params(&customer, room),
												  customer.x, customer.t_x, customer.T, INFINITY,
												  clv_model_discount_rate(customer.model, annual_discount));

	return finite_or_null(fcinfo, orders);
}

/* The smallest number of orders with at least this probability of so many or fewer. */
static int32
orders_quantile(const Customer *customer, double horizon, double probability)
{
	double		room[MODEL_MAX_PARAMS];
	const double *params = customer_params(customer, room);
	double		below = 0;

	for (int32 orders = 0; orders < MOST_ORDERS; orders++)
	{
		CHECK_FOR_INTERRUPTS();
		below += customer->timing->future_orders_pmf(params,
													 customer->x, customer->t_x, customer->T,
													 horizon, orders);
		if (!(below < probability))
			return orders;
	}
	return MOST_ORDERS;
}

/* orders_prediction(history, model [, level, horizon_days, as_of, covariates]) → (low, high): the customer's own number */
PG_FUNCTION_INFO_V1(orders_prediction);
Datum
orders_prediction(PG_FUNCTION_ARGS)
{
	TupleDesc	row;
	Datum		values[2] = {0};
	bool		nulls[2] = {true, true};

	if (any_null(fcinfo, 2, 3))
		PG_RETURN_NULL();

	double		level = level_argument(fcinfo, 2);
	double		horizon_days = horizon_argument(fcinfo, 3);
	Customer	customer;

	customer_of_history(fcinfo, 4, &customer);
	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (customer.scorable)
	{
		double		horizon = customer_horizon(&customer, horizon_days);

		values[0] = Int32GetDatum(orders_quantile(&customer, horizon, (1 - level) / 2));
		values[1] = Int32GetDatum(orders_quantile(&customer, horizon, (1 + level) / 2));
		nulls[0] = nulls[1] = false;
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls));
}

static double
days_argument(FunctionCallInfo fcinfo, int place)
{
	int32		days = PG_GETARG_INT32(place);

	if (days < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("days must not be negative, but is %d", days)));
	return days;
}

/* The arguments (model, days, …, covariates) of what is asked of a customer just acquired. */
typedef struct Newcomer
{
	const Model *timing;
	const double *params;		/* NULL: the covariates are not known */
	double		time;			/* after the first order, in the model's unit */
	double		room[MODEL_MAX_PARAMS];
} Newcomer;

static void
newcomer_arguments(FunctionCallInfo fcinfo, Newcomer *newcomer)
{
	const ClvModel *model = PG_GETARG_CLV_MODEL(0);
	double		covariates[FIT_MAX_COVARIATES];

	newcomer->timing = clv_model_timing(model);
	newcomer->time = clv_model_time(model, days_argument(fcinfo, 1));
	newcomer->params = covariates_argument(fcinfo, PG_NARGS() - 1, model, covariates)
		? clv_model_params(model, covariates, newcomer->room) : NULL;
}

/* expected_orders_new(model, days [, covariates]) → float8: of a customer just acquired, after the first order */
PG_FUNCTION_INFO_V1(expected_orders_new);
Datum
expected_orders_new(PG_FUNCTION_ARGS)
{
	Newcomer	newcomer;

	if (any_null(fcinfo, 0, 1))
		PG_RETURN_NULL();
	newcomer_arguments(fcinfo, &newcomer);
	if (newcomer.params == NULL)
		PG_RETURN_NULL();
	return finite_or_null(fcinfo, newcomer.timing->expected_orders_new(newcomer.params, newcomer.time));
}

/* orders_pmf(model, days, max_count [, covariates]) → setof (order_count, prob): of a customer just acquired */
PG_FUNCTION_INFO_V1(orders_pmf);
Datum
orders_pmf(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	Newcomer	newcomer;
	int32		max_count = PG_ARGISNULL(2) ? -1 : PG_GETARG_INT32(2);

	InitMaterializedSRF(fcinfo, 0);
	if (any_null(fcinfo, 0, 2))
		return (Datum) 0;
	if (max_count < 0 || max_count > MOST_ORDERS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_count must be from 0 to %d, but is %d", MOST_ORDERS, max_count)));

	newcomer_arguments(fcinfo, &newcomer);
	for (int32 orders = 0; orders <= max_count && newcomer.params != NULL; orders++)
	{
		double		probability = newcomer.timing->orders_pmf(newcomer.params, newcomer.time, orders);
		Datum		values[2] = {Int32GetDatum(orders), Float8GetDatum(probability)};
		bool		nulls[2] = {false, !isfinite(probability)};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}
