/*
 * path_scores.c
 *	  Scores of a customer whose covariates vary over time.
 *
 * The path has to say the covariates of every day since the first purchase; what
 * it says of days to come is what the scores expect, and its last step holds on.
 */
#include "compat.h"

#include <math.h>

#include "utils/builtins.h"

#include "clv_model/model_args.h"
#include "models/competing_risks/varying_clocks.h"
#include "paths/paths.h"
#include "support/args.h"
#include "support/result.h"

/* The columns of path_scores. */
enum
{
	PATH_ALIVE,
	PATH_CHURN,
	PATH_TRANSACTIONS,
	PATH_TRANSACTION_VALUE,
	PATH_CLV,
	PATH_DISCOUNTED,
	PATH_ORDER_PROB,
	PATH_STATUS,
	PATH_SCORES,
};

/* A customer with a path, in the model's time unit. */
typedef struct PathScored
{
	const ClvModel *model;
	VaryingClocks clocks;
	double x;
	double t_x;
	double T;
	double spend;
	bool later; /* there are orders after the day, which nobody has named */
} PathScored;

/* An error unless the model is one of covariates that may vary, and has as many as the path. */
static void
check_model(const ClvModel *model, const CovariatePath *path)
{
	if (clv_model_timing(model) != &paretonbd_model)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s takes no covariates that vary over time", clv_model_timing(model)->name),
				 errhint("Fit pareto/nbd with path_fit(path_base(history, path)).")));
	clv_model_refuse_season(model, "path_scores");
	if (path != NULL && path->steps.count > 0 && path->steps.columns != model->n_covariates)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("the model has %d covariates, but the path has %d", model->n_covariates, path->steps.columns),
				 errhint("Give the path the covariates of the fit, in their order.")));
}

/* The factors of both rates in each step; false if they are out of range. */
static bool
set_clocks(PathScored *customer, const PathSteps *steps)
{
	const double *coefficients = clv_model_coefficients(customer->model);
	ClockSegment *segments = palloc_array(ClockSegment, steps->count);
	bool possible = true;

	for (uint32 i = 0; i < steps->count; i++)
	{
		double buying = 0;
		double leaving = 0;
		double params[CLV_PART_STORED_PARAMS];

		for (int k = 0; k < steps->columns; k++)
		{
			buying += coefficients[k] * path_step_covariates(steps, i)[k];
			leaving += coefficients[steps->columns + k] * path_step_covariates(steps, i)[k];
		}
		segments[i] = (ClockSegment){
			.until = i + 1 < steps->count ? steps->from[i + 1] / customer->model->unit_days : INFINITY,
			.buying = exp(buying),
			.leaving = exp(leaving),
		};
		possible &= clv_params_possible(customer->model,
										clv_model_params(customer->model, path_step_covariates(steps, i), params));
	}
	customer->clocks = (VaryingClocks){.n = steps->count, .segments = segments};
	return possible;
}

/* The customer of the arguments; a word for why there is none, or NULL. */
static const char *
read_customer(FunctionCallInfo fcinfo, PathScored *customer)
{
	CovariatePath path;
	PathSteps steps;
	HistorySummary seen;
	DateADT as_of;

	if (PG_ARGISNULL(2))
		return "no_model";
	customer->model = PG_GETARG_CLV_MODEL(2);
	if (!PG_ARGISNULL(1))
		path = covariate_path_get(PG_GETARG_DATUM(1));
	check_model(customer->model, PG_ARGISNULL(1) ? NULL : &path);
	as_of = as_of_argument(fcinfo, 3, customer->model);
	if (PG_ARGISNULL(0))
		return "no_orders";
	seen = history_summarise(PG_GETARG_DATUM(0), as_of);
	if (seen.transactions == 0)
		return !seen.complete && history_summarise(PG_GETARG_DATUM(0), HISTORY_ALL).transactions > 0
			? "not_yet_customer"
			: "no_orders";
	customer->later =
		PG_ARGISNULL(3) && !seen.complete && history_summarise(PG_GETARG_DATUM(0), HISTORY_ALL).last > as_of;
	customer->x = seen.transactions - 1;
	customer->t_x = (seen.last - seen.first) / customer->model->unit_days;
	customer->T = (as_of - seen.first) / customer->model->unit_days;
	customer->spend = history_repeat_spend(&seen);
	if (PG_ARGISNULL(1) || !path_from(&path, seen.first, HISTORY_ALL, &steps))
		return "no_covariates";
	return set_clocks(customer, &steps) ? NULL : "out_of_range";
}

/* Expected value of a transaction; NaN where there is none, and why. */
static double
transaction_value(const PathScored *customer, const char **status)
{
	const ClvPart *spend = &customer->model->spend;
	double value = NAN;

	if (spend->n_params == 0)
		*status = "no_spend_model";
	else if (customer->x > 0 && isnan(customer->spend))
		*status = "no_amounts";
	else if (customer->x > 0 && !(customer->spend > 0))
		*status = "no_repeat_spend";
	else
	{
		value = clv_model_spend(customer->model)
					->expected_spend(spend->params, customer->x, customer->x > 0 ? customer->spend / customer->x : 0);
		if (!isfinite(value))
			*status = isnan(value) ? "spend_mean_undefined" : "out_of_range";
		else if (customer->later)
			*status = "later_orders";
		else if (clv_model_weak(customer->model))
			*status = "weak_fit";
		else if (customer->x == 0)
			*status = "one_order";
	}
	return value;
}

static double
transactions_if_alive(const PathScored *customer, double horizon, double delta)
{
	return varying_expected_transactions_if_alive(&customer->clocks, customer->model->timing.params, customer->x,
												  customer->T, horizon, delta);
}

/* path_scores(history, path, model [, as_of, horizon_days, annual_discount, margin]) → record */
PG_FUNCTION_INFO_V1(path_scores);
Datum
path_scores(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"horizon_days", "annual_discount", "margin"};
	Datum values[PATH_SCORES] = {0};
	bool nulls[PATH_SCORES];
	PathScored customer = {0};
	const char *status;

	memset(nulls, true, sizeof(nulls));
	refuse_nulls(fcinfo, 4, names, lengthof(names));

	double horizon_days = horizon_argument(fcinfo, 4);
	double discount = discount_argument(fcinfo, 5);
	double margin = margin_argument(fcinfo, 6);

	status = read_customer(fcinfo, &customer);
	if (status == NULL)
	{
		const double *params = customer.model->timing.params;
		double horizon = clv_model_time(customer.model, horizon_days);
		double delta = clv_model_discount_rate(customer.model, discount);
		double alive = varying_alive_prob(&customer.clocks, params, customer.x, customer.t_x, customer.T);
		double value;

		status = "ok";
		value = transaction_value(&customer, &status);
		set_float(values, nulls, PATH_ALIVE, alive);
		set_float(values, nulls, PATH_CHURN,
				  varying_gone_prob(&customer.clocks, params, customer.x, customer.t_x, customer.T));
		set_float(values, nulls, PATH_TRANSACTIONS, alive * transactions_if_alive(&customer, horizon, 0));
		set_float(values, nulls, PATH_TRANSACTION_VALUE, value);
		set_float(values, nulls, PATH_CLV, margin * value * alive * transactions_if_alive(&customer, horizon, delta));
		set_float(values, nulls, PATH_DISCOUNTED,
				  delta > 0 ? alive * transactions_if_alive(&customer, INFINITY, delta) : NAN);
		set_float(values, nulls, PATH_ORDER_PROB,
				  alive * varying_order_prob_if_alive(&customer.clocks, params, customer.x, customer.T, horizon));
	}
	set_word(values, nulls, PATH_STATUS, status);
	return row_result(fcinfo, values, nulls);
}
