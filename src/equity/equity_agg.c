/*
 * equity_agg.c
 *	  The aggregates customer_equity and rollup.
 */
#include "compat.h"

#include <math.h>

#include "support/agg_group.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "equity/equity.h"
#include "history/history.h"
#include "scores/score.h"

/* The defaults of the aggregates with fewer arguments, as those of clv_estimate. */
#define DEFAULT_MARGIN 1.0
#define DEFAULT_DISCOUNT 0.10

/* The largest x that a cell can have. */
#define MAX_X 0xFFFFFF

static void
check_same_head(const EquityHead *a, const EquityHead *b)
{
	const char *what = NULL;

	if (a->as_of != b->as_of)
		what = "as_of";
	else if (a->margin != b->margin)
		what = "margin";
	else if (a->annual_discount != b->annual_discount)
		what = "annual_discount";
	else if (a->model != b->model &&
			 (VARSIZE(a->model) != VARSIZE(b->model) || memcmp(a->model, b->model, VARSIZE(a->model)) != 0))
		what = "model";
	if (unlikely(what != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a customer_equity has one %s for all customers, not two", what),
				 errhint("Build one customer_equity for each, and add up what they say.")));
}

/* Argument number of the aggregate, or its default where there is none. */
static double
number_argument(FunctionCallInfo fcinfo, int argno, const char *name, double otherwise)
{
	if (PG_NARGS() <= argno)
		return otherwise;
	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name),
				 errhint("Leave it out for the default.")));
	return PG_GETARG_FLOAT8(argno);
}

static void
check_head(const EquityHead *head)
{
	if (!(head->margin > -1) || !(head->margin <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("margin must be above -1 and at most 1, but is %g", head->margin),
				 errhint("0.3 is thirty per cent of the amounts.")));
	if (!(head->annual_discount >= 0) || isinf(head->annual_discount))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("annual_discount must be a rate of at least 0, but is %g", head->annual_discount),
				 errhint("0.10 is ten per cent a year.")));
	notice_percent_discount(head->annual_discount);
	if (head->model->spend.n_params == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the model does not say what a transaction is worth: it has no spend part"),
				 errhint("Fit it to histories with amounts.")));
	if (head->model->n_covariates > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("customer_equity takes no model with covariates, and this one has %d",
						head->model->n_covariates),
				 errhint("Add up clv_estimate(..., covariates) over the customers.")));
}

/* The first argument as a state that an aggregate may continue; otherwise a new state with its contents. */
static EquityState *
state_argument(FunctionCallInfo fcinfo, const EquityHead *head)
{
	EquityState *state;

	if (PG_ARGISNULL(0))
		return equity_state_make(head, agg_state_parent(fcinfo));
	state = agg_state_to_write(PG_GETARG_DATUM(0));
	if (state == NULL)
	{
		EquityContent content = equity_get(PG_GETARG_DATUM(0));

		state = equity_state_make(&content.head, agg_state_parent(fcinfo));
		equity_state_merge(state, &content);
	}
	check_same_head(&state->content.head, head);
	return state;
}

static void
add_customer(EquityState *state, Datum value)
{
	const EquityHead *head = &state->content.head;
	const EquityTerms *terms = &state->terms;
	Period period = (Period) head->model->period;
	HistorySummary history = period == PERIOD_DAY ? history_summarise(value, head->as_of)
												  : history_summarise_periods(value, head->as_of, period, NULL, NULL);
	double x = history.transactions - 1.0;
	double spend = history_repeat_spend(&history);

	if (history.transactions == 0)
		equity_state_leave_out(state, EQUITY_NO_ORDERS, 1);
	else if (x > 0 && isnan(spend))
		equity_state_leave_out(state, EQUITY_NO_AMOUNTS, 1);
	else if (x > 0 && !(spend > 0))
		equity_state_leave_out(state, EQUITY_NO_REPEAT_SPEND, 1);
	else if (isnan(terms->spend->expected_spend(terms->spend_params, x, x > 0 ? spend / x : 0)))
		equity_state_leave_out(state, EQUITY_SPEND_UNDEFINED, 1);
	else if (x > MAX_X)
		equity_state_leave_out(state, EQUITY_OUT_OF_RANGE, 1);
	else
	{
		int32 first = period_number(period, history.first);

		equity_state_add(state, (uint32) x, first, (uint32) (period_number(period, history.last) - first), spend);
	}
}

/* customer_equity(purchase_history, clv_model [, margin, annual_discount [, as_of]]): transition */
AGG_FUNCTION_INFO_V1(customer_equity_add);
static Datum
customer_equity_add_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return agg_state_unchanged(fcinfo);

	EquityHead head = {
		.model = PG_GETARG_CLV_MODEL(2),
		.margin = number_argument(fcinfo, 3, "margin", DEFAULT_MARGIN),
		.annual_discount = number_argument(fcinfo, 4, "annual_discount", DEFAULT_DISCOUNT),
	};

	clv_model_refuse_season(head.model, "customer_equity");
	head.as_of = as_of_argument(fcinfo, 5, head.model);
	check_head(&head);

	EquityState *state = state_argument(fcinfo, &head);

	add_customer(state, PG_GETARG_DATUM(1));
	return agg_state_result(fcinfo, &state->map.growing);
}

/* Adds the second value to the first: combine, transition of rollup, and operator || */
AGG_FUNCTION_INFO_V1(customer_equity_merge);
static Datum
customer_equity_merge_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);

	EquityContent other = equity_get(PG_GETARG_DATUM(1));
	EquityState *state = state_argument(fcinfo, &other.head);

	equity_state_merge(state, &other);
	return agg_state_result(fcinfo, &state->map.growing);
}

/* Final function: the stored form. */
AGG_FUNCTION_INFO_V1(customer_equity_final);
static Datum
customer_equity_final_in_group(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(agg_state_stored(PG_GETARG_DATUM(0)));
}
