/*
 * clv_score.c
 *	  What a model says of one customer: the scores.
 *
 * Every score comes in two forms: from a purchase history, and from plain
 * numbers for users with a summary table of their own. Both end in the same
 * Customer. A customer that cannot be scored gets NULL, never NaN and never an
 * error, and score_status says why; a wrong parameter is an error.
 */
#include "compat.h"

#include <math.h>

#include "utils/builtins.h"

#include "base/base.h"
#include "clv/clv_score.h"
#include "history/history.h"
#include "models/gammagamma.h"
#include "value/result.h"

/* The words of score_status. */
static const char *const status_words[] = {
	[SCORE_OK] = "ok",
	[SCORE_ONE_ORDER] = "one_order",
	[SCORE_NO_MODEL] = "no_model",
	[SCORE_NO_ORDERS] = "no_orders",
	[SCORE_NO_COVARIATES] = "no_covariates",
	[SCORE_INCONSISTENT] = "inconsistent_numbers",
	[SCORE_NO_SPEND_MODEL] = "no_spend_model",
	[SCORE_NO_AMOUNTS] = "no_amounts",
	[SCORE_NO_SPEND] = "no_repeat_spend",
	[SCORE_SPEND_UNDEFINED] = "spend_mean_undefined",
	[SCORE_OUT_OF_RANGE] = "out_of_range"
};

static void
not_scorable(Customer *customer, ScoreStatus status)
{
	customer->scorable = false;
	customer->status = status;
}

bool
covariates_argument(FunctionCallInfo fcinfo, int place, const ClvModel *model, double *covariates)
{
	ArrayType  *array = PG_NARGS() <= place || PG_ARGISNULL(place) ? NULL : PG_GETARG_ARRAYTYPE_P(place);
	int			given = array == NULL ? 0 : ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (likely(array == NULL && model->n_covariates == 0))
		return true;
	if (array != NULL && given != model->n_covariates)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("the model has %d covariates, but the customer has %d", model->n_covariates, given),
				 model->n_covariates == 0 ? errhint("Leave covariates out, or fit a model with them.")
				 : errhint("Give the customer's covariates in the order of the fit, the first is \"%s\".",
						   clv_model_covariates(model)->name)));
	return covariates_of_array(array, covariates) == model->n_covariates;
}

const double *
customer_params(const Customer *customer, double *room)
{
	return clv_model_params(customer->model, customer->covariates, room);
}

/*
 * Times in the model's unit. A customer is made for every score: what is not used
 * is not set.
 */
static void
make_customer(Customer *customer, const ClvModel *model, double x, double t_x, double T, double spend)
{
	customer->model = model;
	customer->timing = clv_model_timing(model);
	customer->memo = NULL;
	customer->scorable = true;
	customer->status = x > 0 ? SCORE_OK : SCORE_ONE_ORDER;
	customer->as_of = DATEVAL_NOBEGIN;
	customer->x = x;
	customer->t_x = t_x;
	customer->T = T;
	customer->spend = spend;
}

/* Argument covariates of a customer, without which he may not be scorable. */
static void
set_covariates(FunctionCallInfo fcinfo, int place, Customer *customer)
{
	if (!covariates_argument(fcinfo, place, customer->model, customer->covariates))
		not_scorable(customer, SCORE_NO_COVARIATES);
}

/* The day that a score stands at: the argument, or the end of the model's observation. */
static DateADT
as_of_argument(FunctionCallInfo fcinfo, int place, const ClvModel *model)
{
	DateADT		as_of = PG_NARGS() <= place || PG_ARGISNULL(place)
		? model->as_of : PG_GETARG_DATEADT(place);

	if (!DATE_NOT_FINITE(as_of))
		return as_of;
	if (PG_NARGS() > place && !PG_ARGISNULL(place))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("as_of is %s", DATE_IS_NOBEGIN(as_of) ? "-infinity" : "infinity")));
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("as_of is needed: the model does not say when it was fitted"),
			 errhint("Pass the day the scores are to stand at, as_of => current_date for example.")));
}

void
customer_of_history(FunctionCallInfo fcinfo, int as_of_place, Customer *customer)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
	{
		not_scorable(customer, PG_ARGISNULL(1) ? SCORE_NO_MODEL : SCORE_NO_ORDERS);
		return;
	}

	const ClvModel *model = PG_GETARG_CLV_MODEL(1);
	DateADT		as_of = as_of_argument(fcinfo, as_of_place, model);
	Period		period = (Period) model->period;
	HistorySummary history = period == PERIOD_DAY ? history_summarise(PG_GETARG_DATUM(0), as_of)
		: history_summarise_periods(PG_GETARG_DATUM(0), as_of, period, NULL, NULL);

	if (history.transactions == 0)
	{
		not_scorable(customer, SCORE_NO_ORDERS);
		return;
	}

	/* Days, or periods, which are their own unit. */
	double		unit = period == PERIOD_DAY ? model->unit_days : 1;
	int32		first = period_number(period, history.first);

	make_customer(customer, model, history.transactions - 1,
				  (period_number(period, history.last) - first) / unit,
				  (period_number(period, as_of) - first) / unit,
				  history_repeat_spend(&history));
	customer->as_of = as_of;
	if (PG_NARGS() > as_of_place + 1)
		set_covariates(fcinfo, as_of_place + 1, customer);
}

/* Arguments (frequency, recency_days, tenure_days, …, covariates): numbers that somebody else has summed up. */
static void
customer_of_numbers(FunctionCallInfo fcinfo, int avg_value_place, int model_place, Customer *customer)
{
	if (PG_ARGISNULL(model_place) || PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		not_scorable(customer, PG_ARGISNULL(model_place) ? SCORE_NO_MODEL : SCORE_NO_ORDERS);
		return;
	}

	const ClvModel *model = PG_GETARG_CLV_MODEL(model_place);
	double		x = PG_GETARG_FLOAT8(0);
	double		recency = PG_GETARG_FLOAT8(1);
	double		tenure = PG_GETARG_FLOAT8(2);
	double		avg_value = avg_value_place < 0 || PG_ARGISNULL(avg_value_place)
		? NAN : PG_GETARG_FLOAT8(avg_value_place);

	make_customer(customer, model, x, clv_model_time(model, tenure) - clv_model_time(model, recency),
				  clv_model_time(model, tenure), avg_value * x);
	if (!(x >= 0) || x > PG_INT32_MAX || x != floor(x) ||
		!(recency >= 0) || !(tenure >= recency) || isinf(tenure) ||
		(x == 0) != (tenure == recency) ||
		(x > customer->T && model->period != PERIOD_DAY))
		not_scorable(customer, SCORE_INCONSISTENT);
	else
		set_covariates(fcinfo, PG_NARGS() - 1, customer);
}

/* Expected value of one order, or NaN with the status saying why there is none. */
static double
order_value(Customer *customer)
{
	const ClvPart *spend = &customer->model->spend;
	double		value;

	if (spend->n_params == 0)
		customer->status = SCORE_NO_SPEND_MODEL;
	else if (customer->x > 0 && isnan(customer->spend))
		customer->status = SCORE_NO_AMOUNTS;
	else if (customer->x > 0 && !(customer->spend > 0))
		customer->status = SCORE_NO_SPEND;
	else
	{
		value = gammagamma_expected_spend(spend->params, customer->x,
										  customer->x > 0 ? customer->spend / customer->x : 0);
		if (isfinite(value))
			return value;
		customer->status = isnan(value) ? SCORE_SPEND_UNDEFINED : SCORE_OUT_OF_RANGE;
	}
	return NAN;
}

/* A score as SQL sees it: nobody gets NaN or infinity. */
static Datum
score_result(FunctionCallInfo fcinfo, const Customer *customer, double score)
{
	if (!customer->scorable)
		PG_RETURN_NULL();
	return finite_or_null(fcinfo, score);
}

static double
alive(const Customer *customer)
{
	double		room[MODEL_MAX_PARAMS];

	return !customer->scorable ? NAN
		: customer->timing->alive_prob(customer_params(customer, room), customer->x, customer->t_x, customer->T);
}

/* In a model of discrete time the opportunities of a horizon are the periods that begin in it. */
double
customer_horizon(const Customer *customer, double horizon_days)
{
	Period		period = (Period) customer->model->period;
	double		last_day = DATE_END_JULIAN - POSTGRES_EPOCH_JDATE - 1;

	if (period == PERIOD_DAY || DATE_IS_NOBEGIN(customer->as_of) || isinf(horizon_days))
		return clv_model_time(customer->model, horizon_days);
	return period_number(period, (DateADT) Min(customer->as_of + horizon_days, last_day)) -
		period_number(period, customer->as_of);
}

double
horizon_argument(FunctionCallInfo fcinfo, int place)
{
	int32		days = PG_GETARG_INT32(place);

	if (days < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("horizon_days must not be negative, but is %d", days)));
	return days;
}

Outlook
outlook_arguments(FunctionCallInfo fcinfo, int place)
{
	Outlook		outlook = {
		.horizon_days = horizon_argument(fcinfo, place),
		.annual_discount = PG_GETARG_FLOAT8(place + 1),
		.margin = PG_GETARG_FLOAT8(place + 2)
	};

	if (!(outlook.annual_discount >= 0) || isinf(outlook.annual_discount))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("annual_discount must be a rate of at least 0, but is %g", outlook.annual_discount),
				 errhint("0.10 is ten per cent a year.")));
	if (!isfinite(outlook.margin))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("margin must be finite, but is %g", outlook.margin),
				 errhint("0.25 is a quarter of the amounts.")));
	return outlook;
}

double
level_argument(FunctionCallInfo fcinfo, int place)
{
	double		level = PG_GETARG_FLOAT8(place);

	if (!(level > 0) || !(level < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("level must be between 0 and 1, but is %g", level),
				 errhint("0.9 is an interval of ninety per cent.")));
	return level;
}

/* What is going to be looked up of the customer is sent for before anything is computed. */
static void
remember_orders(FunctionCallInfo fcinfo, Customer *customer)
{
	customer->memo = orders_memo(fcinfo);
	if (customer->scorable)
		orders_soon(customer->memo, customer->x, customer->T);
}

static double
discounted_orders_in(const Customer *customer, double horizon_days, double annual_discount)
{
	double		room[MODEL_MAX_PARAMS];

	return alive(customer) *
		orders_remembered(customer->memo, customer->model, customer->timing, customer_params(customer, room),
						  customer->x, customer->t_x, customer->T, customer_horizon(customer, horizon_days),
						  annual_discount);
}

double
expected_orders_in(const Customer *customer, double horizon_days)
{
	return customer->scorable ? discounted_orders_in(customer, horizon_days, 0) : NAN;
}

/*
 * Orders of the horizon, each discounted continuously from the day it falls
 * on, times what an order is worth, times the margin.
 */
double
lifetime_value(Customer *customer, const Outlook *outlook)
{
	if (!customer->scorable)
		return NAN;

	double		value = order_value(customer);

	if (isnan(value))
		return NAN;

	return value * outlook->margin *
		discounted_orders_in(customer, outlook->horizon_days, outlook->annual_discount);
}

bool
any_null(FunctionCallInfo fcinfo, int from, int to)
{
	for (int i = from; i <= to; i++)
		if (PG_ARGISNULL(i))
			return true;
	return false;
}

/* alive_prob(history, model [, as_of, covariates]) → float8: probability of being a customer still */
PG_FUNCTION_INFO_V1(alive_prob);
Datum
alive_prob(PG_FUNCTION_ARGS)
{
	Customer	customer;

	customer_of_history(fcinfo, 2, &customer);
	return score_result(fcinfo, &customer, alive(&customer));
}

/* churn_prob(history, model [, as_of, covariates]) → float8: probability of being gone */
PG_FUNCTION_INFO_V1(churn_prob);
Datum
churn_prob(PG_FUNCTION_ARGS)
{
	Customer	customer;

	customer_of_history(fcinfo, 2, &customer);
	return score_result(fcinfo, &customer, 1 - alive(&customer));
}

/* expected_orders(history, model [, horizon_days, as_of, covariates]) → float8 */
PG_FUNCTION_INFO_V1(expected_orders);
Datum
expected_orders(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(2))
		PG_RETURN_NULL();

	double		horizon_days = horizon_argument(fcinfo, 2);
	Customer	customer;

	customer_of_history(fcinfo, 3, &customer);
	remember_orders(fcinfo, &customer);
	return score_result(fcinfo, &customer, expected_orders_in(&customer, horizon_days));
}

/* expected_order_value(history, model [, as_of]) → float8: expected amount of one order */
PG_FUNCTION_INFO_V1(expected_order_value);
Datum
expected_order_value(PG_FUNCTION_ARGS)
{
	Customer	customer;

	customer_of_history(fcinfo, 2, &customer);
	/* What an order is worth does not depend on covariates. */
	return score_result(fcinfo, &customer, customer.scorable ? order_value(&customer) : NAN);
}

/* clv_estimate(history, model [, horizon_days, annual_discount, margin, as_of, covariates]) → float8 */
PG_FUNCTION_INFO_V1(clv_estimate);
Datum
clv_estimate(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 2, 4))
		PG_RETURN_NULL();

	Outlook		outlook = outlook_arguments(fcinfo, 2);
	Customer	customer;

	customer_of_history(fcinfo, 5, &customer);
	remember_orders(fcinfo, &customer);
	return score_result(fcinfo, &customer, lifetime_value(&customer, &outlook));
}

/* alive_prob(frequency, recency_days, tenure_days, model [, covariates]) → float8 */
PG_FUNCTION_INFO_V1(alive_prob_numbers);
Datum
alive_prob_numbers(PG_FUNCTION_ARGS)
{
	Customer	customer;

	customer_of_numbers(fcinfo, -1, 3, &customer);
	return score_result(fcinfo, &customer, alive(&customer));
}

/* churn_prob(frequency, recency_days, tenure_days, model [, covariates]) → float8 */
PG_FUNCTION_INFO_V1(churn_prob_numbers);
Datum
churn_prob_numbers(PG_FUNCTION_ARGS)
{
	Customer	customer;

	customer_of_numbers(fcinfo, -1, 3, &customer);
	return score_result(fcinfo, &customer, 1 - alive(&customer));
}

/* expected_orders(frequency, recency_days, tenure_days, model [, horizon_days, covariates]) → float8 */
PG_FUNCTION_INFO_V1(expected_orders_numbers);
Datum
expected_orders_numbers(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(4))
		PG_RETURN_NULL();

	double		horizon_days = horizon_argument(fcinfo, 4);
	Customer	customer;

	customer_of_numbers(fcinfo, -1, 3, &customer);
	remember_orders(fcinfo, &customer);
	return score_result(fcinfo, &customer, expected_orders_in(&customer, horizon_days));
}

/* expected_order_value(frequency, avg_value, model) → float8 */
PG_FUNCTION_INFO_V1(expected_order_value_numbers);
Datum
expected_order_value_numbers(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 0, 0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();

	double		x = PG_GETARG_FLOAT8(0);

	if (!(x >= 0) || isinf(x))
		PG_RETURN_NULL();

	Customer	customer;

	make_customer(&customer, PG_GETARG_CLV_MODEL(2), x, 0, 0, PG_ARGISNULL(1) ? NAN : PG_GETARG_FLOAT8(1) * x);
	return score_result(fcinfo, &customer, order_value(&customer));
}

/* clv_estimate(frequency, recency_days, tenure_days, avg_value, model [, horizon_days, …]) → float8 */
PG_FUNCTION_INFO_V1(clv_estimate_numbers);
Datum
clv_estimate_numbers(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 5, 7))
		PG_RETURN_NULL();

	Outlook		outlook = outlook_arguments(fcinfo, 5);
	Customer	customer;

	customer_of_numbers(fcinfo, 3, 4, &customer);
	remember_orders(fcinfo, &customer);
	return score_result(fcinfo, &customer, lifetime_value(&customer, &outlook));
}

/* Whether all scores of a customer can be had, for the usual horizon, or why not. */
static Datum
status_result(Customer *customer)
{
	if (customer->scorable)
	{
		double		orders = expected_orders_in(customer, CLV_YEAR_DAYS);
		double		value = order_value(customer);

		if (!isfinite(orders) || !isfinite(alive(customer)) || isinf(orders * value))
			customer->status = SCORE_OUT_OF_RANGE;
	}
	return CStringGetTextDatum(status_words[customer->status]);
}

/* score_status(history, model [, as_of, covariates]) → text */
PG_FUNCTION_INFO_V1(score_status);
Datum
score_status(PG_FUNCTION_ARGS)
{
	Customer	customer;

	customer_of_history(fcinfo, 2, &customer);
	return status_result(&customer);
}

/* score_status(frequency, recency_days, tenure_days, avg_value, model [, covariates]) → text */
PG_FUNCTION_INFO_V1(score_status_numbers);
Datum
score_status_numbers(PG_FUNCTION_ARGS)
{
	Customer	customer;

	customer_of_numbers(fcinfo, 3, 4, &customer);
	return status_result(&customer);
}
