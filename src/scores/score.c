/*
 * score.c
 *	  The scores of one customer under a model.
 *
 * Every score comes in two forms: from a purchase history, and from plain
 * numbers for users with their own summary table. Both build the same
 * Customer. A customer who cannot be scored gets NULL, never NaN and never an
 * error, and score_status gives the reason; an invalid argument is an error.
 */
#include "compat.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/builtins.h"

#include "population/customer_base.h"
#include "scores/score.h"
#include "history/history.h"
#include "models/competing_risks/two_clocks_scores.h"
#include "support/result.h"

const char *const score_status_words[] = {
	[SCORE_OK] = "ok",
	[SCORE_ONE_ORDER] = "one_order",
	[SCORE_WEAK_FIT] = "weak_fit",
	[SCORE_LATER_ORDERS] = "later_orders",
	[SCORE_NO_MODEL] = "no_model",
	[SCORE_NO_ORDERS] = "no_orders",
	[SCORE_NOT_YET] = "not_yet_customer",
	[SCORE_NO_COVARIATES] = "no_covariates",
	[SCORE_INCONSISTENT] = "inconsistent_numbers",
	[SCORE_NO_SPEND_MODEL] = "no_spend_model",
	[SCORE_NO_AMOUNTS] = "no_amounts",
	[SCORE_NO_REPEAT_SPEND] = "no_repeat_spend",
	[SCORE_SPEND_UNDEFINED] = "spend_mean_undefined",
	[SCORE_OUT_OF_RANGE] = "out_of_range",
};

static void
not_scorable(Customer *customer, ScoreStatus status)
{
	customer->scorable = false;
	customer->status = status;
}

/*
 * Times in the model's unit. A customer is built for every score: unused
 * members are not set.
 */
static void
make_customer(Customer *customer, const ClvModel *model, double x, double t_x, double T, double spend)
{
	customer->model = model;
	customer->timing = clv_model_timing(model);
	customer->cache = NULL;
	customer->season = clv_model_season(model);
	customer->scorable = true;
	customer->status = x > 0 ? SCORE_OK : SCORE_ONE_ORDER;
	customer->as_of = DATEVAL_NOBEGIN;
	customer->x = x;
	customer->t_x = t_x;
	customer->T = T;
	customer->spend = spend;
	customer->value = NAN;
	customer->ln_silence = NAN;
	customer->alive = NAN;
	customer->gone = NAN;
	customer->overdue = NAN;
}

/* Times by the clock of the season, if the model has one: from the days of the first and the last transaction and of the score. */
static void
set_on_clock(Customer *customer, double first, double last, double today)
{
	double unit_days = customer->model->unit_days;

	if (likely(customer->season == NULL))
		return;
	customer->clock = season_clock(customer->season);
	customer->first = first;
	customer->last = last;
	customer->today = today;
	customer->t_x = season_between(&customer->clock, first, last) / unit_days;
	customer->T = season_between(&customer->clock, first, today) / unit_days;
}

void
customer_of_days(const ClvModel *model, double x, double first, double last, double today, Customer *customer)
{
	make_customer(customer, model, x, clv_model_time(model, last - first), clv_model_time(model, today - first), NAN);
	set_on_clock(customer, first, last, today);
}

/* Argument covariates of a customer, without which they may not be scorable. */
void
customer_add_covariates(FunctionCallInfo fcinfo, int argno, Customer *customer)
{
	double buf[MODEL_MAX_PARAMS];

	if (!covariates_argument(fcinfo, argno, customer->model, customer->covariates))
		not_scorable(customer, SCORE_NO_COVARIATES);
	else if (!clv_params_possible(customer->model, customer_params(customer, buf)))
		not_scorable(customer, SCORE_OUT_OF_RANGE);
}

void
customer_before_covariates(FunctionCallInfo fcinfo, int as_of_place, Customer *customer, HistorySummary *seen)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
	{
		not_scorable(customer, PG_ARGISNULL(1) ? SCORE_NO_MODEL : SCORE_NO_ORDERS);
		return;
	}

	const ClvModel *model = PG_GETARG_CLV_MODEL(1);
	DateADT as_of = as_of_argument(fcinfo, as_of_place, model);
	Period period = (Period) model->period;

	*seen = period == PERIOD_DAY ? history_summarise(PG_GETARG_DATUM(0), as_of)
								 : history_summarise_periods(PG_GETARG_DATUM(0), as_of, period, NULL, NULL);

	if (seen->transactions == 0)
	{
		not_scorable(customer, SCORE_NO_ORDERS);
		return;
	}

	/* Days, or periods, which are their own unit. */
	double unit = period == PERIOD_DAY ? model->unit_days : 1;
	int32 first = period_number(period, seen->first);

	make_customer(customer, model, seen->transactions - 1, (period_number(period, seen->last) - first) / unit,
				  (period_number(period, as_of) - first) / unit, history_repeat_spend(seen));
	set_on_clock(customer, seen->first, seen->last, as_of);
	customer->as_of = as_of;
}

/* Reads the history of argument 0 as argument 1, the model, sees it. */
static void
read_customer(FunctionCallInfo fcinfo, int as_of_place, Customer *customer, HistorySummary *seen)
{
	customer_before_covariates(fcinfo, as_of_place, customer, seen);
	if (customer->scorable && PG_NARGS() > as_of_place + 1)
		customer_add_covariates(fcinfo, as_of_place + 1, customer);
}

void
customer_of_history(FunctionCallInfo fcinfo, int as_of_place, Customer *customer)
{
	HistorySummary seen;

	read_customer(fcinfo, as_of_place, customer, &seen);
}

/* The day that plain numbers stand on: an argument, or the end of the model's observation. */
static DateADT
day_of_numbers(FunctionCallInfo fcinfo, int as_of_place, const ClvModel *model)
{
	if (as_of_place < 0 && DATE_NOT_FINITE(model->as_of))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("plain numbers have no day: the model has a season, but no day of its fit"),
				 errhint("Give the model an \"as_of\", or score histories.")));
	return as_of_place < 0 ? model->as_of : as_of_argument(fcinfo, as_of_place, model);
}

void
customer_of_numbers(FunctionCallInfo fcinfo, int avg_value_place, int model_place, Customer *customer)
{
	customer_of_numbers_as_of(fcinfo, avg_value_place, model_place, -1, customer);
}

void
customer_of_numbers_as_of(FunctionCallInfo fcinfo, int avg_value_place, int model_place, int as_of_place,
						  Customer *customer)
{
	if (PG_ARGISNULL(model_place) || PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		not_scorable(customer, PG_ARGISNULL(model_place) ? SCORE_NO_MODEL : SCORE_NO_ORDERS);
		return;
	}

	const ClvModel *model = PG_GETARG_CLV_MODEL(model_place);
	double x = PG_GETARG_FLOAT8(0);
	double recency = PG_GETARG_FLOAT8(1);
	double tenure = PG_GETARG_FLOAT8(2);
	double avg_value = avg_value_place < 0 || PG_ARGISNULL(avg_value_place) ? NAN : PG_GETARG_FLOAT8(avg_value_place);

	make_customer(customer, model, x, clv_model_time(model, tenure) - clv_model_time(model, recency),
				  clv_model_time(model, tenure), avg_value * x);
	if (!(x >= 0) || x > PG_INT32_MAX || x != floor(x) || !(recency >= 0) || !(tenure >= recency) || isinf(tenure) ||
		(x == 0) != (tenure == recency) || (x > customer->T && model->period != PERIOD_DAY))
		not_scorable(customer, SCORE_INCONSISTENT);
	else if (customer->season != NULL)
	{
		double today = day_of_numbers(fcinfo, as_of_place, model);

		set_on_clock(customer, today - tenure, today - recency, today);
	}
	if (!customer->scorable)
		return;
	if (!isfinite(customer->t_x) || !isfinite(customer->T))
		not_scorable(customer, SCORE_OUT_OF_RANGE);
	else
		customer_add_covariates(fcinfo, PG_NARGS() - 1, customer);
}

/* Expected value of one order, or NaN with the status saying why there is none. */
double
customer_transaction_value(Customer *customer)
{
	const ClvPart *spend = &customer->model->spend;

	if (!isnan(customer->value))
		return customer->value;
	if (spend->n_params == 0)
		customer->status = SCORE_NO_SPEND_MODEL;
	else if (customer->x > 0 && isnan(customer->spend))
		customer->status = SCORE_NO_AMOUNTS;
	else if (customer->x > 0 && !(customer->spend > 0))
		customer->status = SCORE_NO_REPEAT_SPEND;
	else
	{
		double value =
			clv_model_spend(customer->model)
				->expected_spend(spend->params, customer->x, customer->x > 0 ? customer->spend / customer->x : 0);

		if (isfinite(value))
			return customer->value = value;
		customer->status = isnan(value) ? SCORE_SPEND_UNDEFINED : SCORE_OUT_OF_RANGE;
	}
	return NAN;
}

/* A score as an SQL result: NaN and infinity become NULL. */
static Datum
score_result(FunctionCallInfo fcinfo, const Customer *customer, double score)
{
	if (!customer->scorable)
		PG_RETURN_NULL();
	return finite_or_null(fcinfo, score);
}

/* Whether the customer's model has a season that dropout does not go by. */
static inline bool
on_two_clocks(const Customer *customer)
{
	return customer->season != NULL && customer->timing->lifetime != NULL;
}

static DatedCustomer
dated(const Customer *customer, const double *params)
{
	return (DatedCustomer){
		.law = customer->timing->lifetime,
		.params = params,
		.clock = &customer->clock,
		.unit_days = customer->model->unit_days,
		.first = customer->first,
		.x = customer->x,
	};
}

/* The rule by which purchases are summed up from the customer's day on, from the cache, or made in the space for it. */
static const SeasonRule *
season_rule(const Customer *customer, const double *params, double horizon_days, double annual_discount,
			SeasonRule *space)
{
	double unit_days = customer->model->unit_days;
	bool by_calendar = on_two_clocks(customer);
	SeasonRuleKey key = {
		.from = customer->today,
		.horizon = horizon_days,
		.delta = clv_model_discount_rate(customer->model, annual_discount) / unit_days,
		.by_calendar = by_calendar,
	};

	if (by_calendar)
		key.bend = two_clocks_bend(customer->timing->lifetime, params, unit_days);
	else
		/* the same for parameters that are nearly the same */
		key.bend.scale = ldexp(1.0, (int) floor(log2(unit_days * customer->timing->bend(params))));

	if (customer->cache != NULL)
		return transaction_cache_rule(customer->cache, &customer->clock, &key);
	season_rule_make(&customer->clock, &key, space);
	return space;
}

/* Expected transactions of a live customer with a season, discounted by the calendar. */
static double
discounted_on_clock(const Customer *customer, const double *params, double T, double horizon_days,
					double annual_discount)
{
	SeasonRule space;
	const SeasonRule *rule;
	double sum = 0;

	if (annual_discount == 0)
		return customer->timing->expected_transactions_if_alive(params, customer->x, customer->t_x, T,
																customer_horizon(customer, horizon_days), 0);
	rule = season_rule(customer, params, horizon_days, annual_discount, &space);
	for (int i = 0; i < rule->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		sum += rule->weight[i] *
			customer->timing->expected_transactions_if_alive(params, customer->x, customer->t_x, T,
															 rule->time[i] / customer->model->unit_days, 0);
	}
	return sum;
}

/* An answer of a model on two clocks; horizons are in days, or of the calendar in the model's unit. */
static double
compute_dated(const Customer *customer, const double *params, CachedAnswer kind, double T, double term,
			  double other_term)
{
	DatedCustomer of = dated(customer, params);
	double unit_days = customer->model->unit_days;
	double from = T == customer->T ? customer->today : customer->last;
	SeasonRule space;

	switch (kind)
	{
		case CACHED_TRANSACTIONS:
			return two_clocks_transactions_if_alive(&of, from,
													season_rule(customer, params, term * unit_days, 0, &space));
		case CACHED_DISCOUNTED:
			return two_clocks_transactions_if_alive(&of, from, season_rule(customer, params, term, other_term, &space));
		case CACHED_ORDER_PROB:
			return two_clocks_order_prob_if_alive(&of, from, term * unit_days);
		case CACHED_NEXT_ORDER:
			return two_clocks_next_order_quantile(&of, from, term) / unit_days;
		default:
			return NAN;
	}
}

/* An answer that the cache may hold, computed. */
static double
compute(const Customer *customer, CachedAnswer kind, double T, double term, double other_term)
{
	double buf[MODEL_MAX_PARAMS];
	const double *params = customer_params(customer, buf);
	const Model *timing = customer->timing;
	double x = customer->x;
	double t_x = customer->t_x;

	if (on_two_clocks(customer))
		return compute_dated(customer, params, kind, T, term, other_term);
	switch (kind)
	{
		case CACHED_TRANSACTIONS:
			return timing->expected_transactions_if_alive(params, x, t_x, T, term, 0);
		case CACHED_DISCOUNTED:
			if (customer->season != NULL)
				return discounted_on_clock(customer, params, T, term, other_term);
			return timing->expected_transactions_if_alive(params, x, t_x, T, term,
														  clv_model_discount_rate(customer->model, other_term));
		case CACHED_ORDER_PROB:
			return timing->order_prob_if_alive(params, x, t_x, T, term);
		case CACHED_NEXT_ORDER:
			return timing->next_order_quantile(params, x, t_x, T, term);
		case CACHED_FIRST_EVENT:
			return timing->first_event(params, x, T);
		case CACHED_GONE:
			return timing->gone_prob(params, 0, 0, T);
		case CACHED_VALUE_LOW:
		case CACHED_VALUE_HIGH:
		case N_CACHED_ANSWERS:
			break;
	}
	return NAN;
}

double
customer_answer(const Customer *customer, CachedAnswer kind, double T, double term, double other_term)
{
	double *slot;

	/* what is cheap is looked up only where other answers are; on two clocks T tells the first day only if it is today's */
	if (customer->cache == NULL || (on_two_clocks(customer) && T != customer->T) ||
		(kind == CACHED_NEXT_ORDER && customer->timing->quantile_is_cheap && T != customer->T))
		return compute(customer, kind, T, term, other_term);
	slot = transaction_cache_slot(customer->cache, kind, customer->x, customer->t_x, T, term, other_term);
	if (isnan(*slot))
		*slot = compute(customer, kind, T, term, other_term);
	return *slot;
}

double
customer_ln_silence(Customer *customer, const double *params)
{
	if (isnan(customer->ln_silence))
		customer->ln_silence = customer->timing->ln_silence(params, customer->x, customer->t_x, customer->T);
	return customer->ln_silence;
}

/* P(alive) and P(gone) of a model of competing risks. The first is not NaN. */
static AliveOrGone
weigh_risks(Customer *customer, const double *params)
{
	double then = customer_answer(customer, CACHED_FIRST_EVENT, customer->t_x, 0, 0);
	double now = customer_answer(customer, CACHED_FIRST_EVENT, customer->T, 0, 0);

	return model_weigh_risks(then, now,
							 customer_ln_silence(customer, params) +
								 customer->timing->ln_survival(params, customer->t_x, customer->T));
}

/* Whether P(alive) is made of probabilities that the cache may hold. */
static bool
weighs_risks(const Customer *customer)
{
	return customer->cache != NULL && customer->timing->first_event != NULL && !on_two_clocks(customer);
}

/* P(alive) and P(gone) of a model on two clocks. */
static AliveOrGone
follow_clocks(const Customer *customer, const double *params)
{
	DatedCustomer of = dated(customer, params);
	AliveOrGone weights;

	weights.alive = two_clocks_alive_prob(&of, customer->last, customer->today, &weights.gone);
	return weights;
}

/* What the silence since the last purchase says, as far as it says it. */
static void
weigh_silence(Customer *customer, const double *params)
{
	const Model *timing = customer->timing;
	AliveOrGone weights = {NAN, NAN};

	if (on_two_clocks(customer))
		weights = follow_clocks(customer, params);
	else if (timing->dropout_odds != NULL)
		weights = model_weigh_dropout(timing->dropout_odds(params, customer->x), customer_ln_silence(customer, params));
	else if (weighs_risks(customer))
		weights = weigh_risks(customer, params);
	else
		weights.alive = timing->prob_alive(params, customer->x, customer->t_x, customer->T);
	customer->alive = weights.alive;
	customer->gone = weights.gone;
}

double
customer_alive_prob(Customer *customer)
{
	double buf[MODEL_MAX_PARAMS];

	if (!customer->scorable)
		return NAN;
	if (isnan(customer->alive))
		weigh_silence(customer, customer_params(customer, buf));
	return customer->alive;
}

/* What P(alive) does not tell: without a repeat transaction t_x is 0, and there are few ages. */
static double
gone_prob(const Customer *customer, const double *params)
{
	if (customer->x == 0 && weighs_risks(customer))
		return customer_answer(customer, CACHED_GONE, customer->T, 0, 0);
	return customer->timing->gone_prob(params, customer->x, customer->t_x, customer->T);
}

double
customer_churn_prob(Customer *customer)
{
	double buf[MODEL_MAX_PARAMS];
	const double *params;

	if (!customer->scorable)
		return NAN;
	params = customer_params(customer, buf);
	if (isnan(customer->alive))
		weigh_silence(customer, params);
	if (isnan(customer->gone))
		customer->gone = gone_prob(customer, params);
	return customer->gone;
}

/* In a model of discrete time the opportunities of a horizon are the periods that begin in it. */
double
customer_calendar_horizon(const Customer *customer, double horizon_days)
{
	Period period = (Period) customer->model->period;
	double last_day = DATE_END_JULIAN - POSTGRES_EPOCH_JDATE - 1;

	if (customer->season != NULL && isfinite(horizon_days) && !on_two_clocks(customer))
		return season_between(&customer->clock, customer->today, customer->today + horizon_days) /
			customer->model->unit_days;
	if (period == PERIOD_DAY || DATE_IS_NOBEGIN(customer->as_of) || isinf(horizon_days))
		return clv_model_time(customer->model, horizon_days);
	return period_number(period, (DateADT) Min(customer->as_of + horizon_days, last_day)) -
		period_number(period, customer->as_of);
}

ValueTerms
value_terms_arguments(FunctionCallInfo fcinfo, int argno)
{
	return (ValueTerms){
		.horizon_days = horizon_argument(fcinfo, argno),
		.annual_discount = discount_argument(fcinfo, argno + 1),
		.margin = margin_argument(fcinfo, argno + 2),
	};
}

void
customer_use_cache(Customer *customer, TransactionCache *cache)
{
	double buf[MODEL_MAX_PARAMS];

	if (!customer->scorable)
		return;
	customer->cache = cache;
	transaction_cache_begin(cache, customer->model, customer->timing, customer_params(customer, buf));
	if (customer->season != NULL)
		transaction_cache_season(cache, customer->season, customer->today);
	transaction_cache_expect(cache, 0, customer->x, customer->t_x, customer->T);
	if (weighs_risks(customer))
		transaction_cache_expect(cache, 1, customer->x, customer->t_x, customer->t_x);
}

void
customer_prefetch(const Customer *customer)
{
	if (!customer->scorable)
		return;
	transaction_cache_prefetch(customer->cache, 0);
	if (weighs_risks(customer))
		transaction_cache_prefetch(customer->cache, 1);
}

double
expected_transactions_in(Customer *customer, double horizon_days)
{
	if (!customer->scorable)
		return NAN;
	return customer_alive_prob(customer) *
		customer_answer(customer, CACHED_TRANSACTIONS, customer->T, customer_horizon(customer, horizon_days), 0);
}

/* With a season the horizon in days is the answer's term: its length on the clock does not tell its days. */
double
customer_discounted_if_alive(const Customer *customer, double horizon_days, double annual_discount)
{
	double horizon = customer->season != NULL ? horizon_days : customer_horizon(customer, horizon_days);

	return customer_answer(customer, CACHED_DISCOUNTED, customer->T, horizon, annual_discount);
}

double
customer_discounted_transactions(Customer *customer, double horizon_days, double annual_discount)
{
	if (!customer->scorable)
		return NAN;
	return customer_alive_prob(customer) * customer_discounted_if_alive(customer, horizon_days, annual_discount);
}

/*
 * Orders of the horizon, each discounted continuously from the day it falls
 * on, times what an order is worth, times the margin.
 */
double
lifetime_value(Customer *customer, const ValueTerms *terms)
{
	if (!customer->scorable)
		return NAN;

	double value = customer_transaction_value(customer);

	if (isnan(value))
		return NAN;

	return value * terms->margin *
		customer_discounted_transactions(customer, terms->horizon_days, terms->annual_discount);
}

double
customer_transactions_pmf(Customer *customer, double horizon, double transactions)
{
	double buf[MODEL_MAX_PARAMS];
	const double *params = customer_params(customer, buf);
	double horizon_days = horizon * customer->model->unit_days;

	if (!on_two_clocks(customer))
		return customer->timing->future_transactions_pmf(params, customer->x, customer->t_x, customer->T, horizon,
														 transactions);

	DatedCustomer of = dated(customer, params);
	double alive = customer_alive_prob(customer);

	if (transactions == 0)
		return 1 - alive * two_clocks_order_prob_if_alive(&of, customer->today, horizon_days);
	return alive * two_clocks_pmf_if_alive(&of, customer->today, horizon_days, transactions);
}

void
customer_order_probs(Customer *customer, int days, double *probs)
{
	double buf[MODEL_MAX_PARAMS];
	double alive;

	if (!on_two_clocks(customer))
	{
		for (int i = 0; i < days; i++)
		{
			CHECK_FOR_INTERRUPTS();
			probs[i] = customer_order_prob(customer, i + 1);
		}
		return;
	}

	DatedCustomer of = dated(customer, customer_params(customer, buf));

	alive = customer_alive_prob(customer);
	two_clocks_order_probs_if_alive(&of, customer->today, days, probs);
	for (int i = 0; i < days; i++)
		probs[i] *= alive;
}

bool
customer_knows_fewer_prob(const Customer *customer)
{
	return on_two_clocks(customer) || customer->timing->future_transactions_tail != NULL;
}

double
customer_fewer_prob(Customer *customer, double horizon, double transactions)
{
	double buf[MODEL_MAX_PARAMS];
	const double *params = customer_params(customer, buf);

	if (!on_two_clocks(customer))
		return 1 -
			customer->timing->future_transactions_tail(params, customer->x, customer->t_x, customer->T, horizon,
													   transactions);

	DatedCustomer of = dated(customer, params);
	double alive = customer_alive_prob(customer);

	return 1 - alive +
		alive *
		two_clocks_fewer_prob_if_alive(&of, customer->today, horizon * customer->model->unit_days, transactions);
}

/* A customer on the day of the first transaction, whose parameters are known. */
static bool
newcomer_on_two_clocks(const ClvModel *model, double from, Customer *newcomer)
{
	customer_of_days(model, 0, from, from, from, newcomer);
	return on_two_clocks(newcomer);
}

/* The time of a new customer in the model's unit, by its clock. */
static double
newcomer_time(const ClvModel *model, double from, double until)
{
	return clv_model_season(model) == NULL ? clv_model_time(model, until - from)
										   : clv_model_time_between(model, from, until);
}

double
newcomer_transactions(const ClvModel *model, const double *params, double from, double until)
{
	Customer newcomer;

	if (!newcomer_on_two_clocks(model, from, &newcomer))
		return newcomer.timing->new_customer_transactions(params, newcomer_time(model, from, until));
	return compute_dated(&newcomer, params, CACHED_TRANSACTIONS, newcomer.T, (until - from) / model->unit_days, 0);
}

double
newcomer_transactions_pmf(const ClvModel *model, const double *params, double from, double until, double transactions)
{
	Customer newcomer;

	if (!newcomer_on_two_clocks(model, from, &newcomer))
		return newcomer.timing->new_customer_transactions_pmf(params, newcomer_time(model, from, until), transactions);

	DatedCustomer of = dated(&newcomer, params);

	if (transactions == 0)
		return 1 - two_clocks_order_prob_if_alive(&of, from, until - from);
	return two_clocks_pmf_if_alive(&of, from, until - from, transactions);
}

/* alive_prob(history, model [, as_of, covariates]) → float8: probability of still being a customer */
PG_FUNCTION_INFO_V1(alive_prob);
Datum
alive_prob(PG_FUNCTION_ARGS)
{
	Customer customer;

	customer_of_history(fcinfo, 2, &customer);
	customer_use_cache(&customer, transaction_cache(fcinfo));
	return score_result(fcinfo, &customer, customer_alive_prob(&customer));
}

/* churn_prob(history, model [, as_of, covariates]) → float8: probability of having left */
PG_FUNCTION_INFO_V1(churn_prob);
Datum
churn_prob(PG_FUNCTION_ARGS)
{
	Customer customer;

	customer_of_history(fcinfo, 2, &customer);
	customer_use_cache(&customer, transaction_cache(fcinfo));
	return score_result(fcinfo, &customer, customer_churn_prob(&customer));
}

/* expected_transactions(history, model [, horizon_days, as_of, covariates]) → float8 */
PG_FUNCTION_INFO_V1(expected_transactions);
Datum
expected_transactions(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(2))
		PG_RETURN_NULL();

	double horizon_days = horizon_argument(fcinfo, 2);
	Customer customer;

	customer_of_history(fcinfo, 3, &customer);
	customer_use_cache(&customer, transaction_cache(fcinfo));
	return score_result(fcinfo, &customer, expected_transactions_in(&customer, horizon_days));
}

/* expected_transaction_value(history, model [, as_of]) → float8: expected amount of one order */
PG_FUNCTION_INFO_V1(expected_transaction_value);
Datum
expected_transaction_value(PG_FUNCTION_ARGS)
{
	Customer customer;

	customer_of_history(fcinfo, 2, &customer);
	/* What an order is worth does not depend on covariates. */
	return score_result(fcinfo, &customer, customer.scorable ? customer_transaction_value(&customer) : NAN);
}

/* clv_estimate(history, model [, horizon_days, annual_discount, margin, as_of, covariates]) → float8 */
PG_FUNCTION_INFO_V1(clv_estimate);
Datum
clv_estimate(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 2, 4))
		PG_RETURN_NULL();

	ValueTerms terms = value_terms_arguments(fcinfo, 2);
	Customer customer;

	customer_of_history(fcinfo, 5, &customer);
	customer_use_cache(&customer, transaction_cache(fcinfo));
	return score_result(fcinfo, &customer, lifetime_value(&customer, &terms));
}

/* alive_prob(repeat_count, recency_days, tenure_days, model [, covariates]) → float8 */
PG_FUNCTION_INFO_V1(alive_prob_numbers);
Datum
alive_prob_numbers(PG_FUNCTION_ARGS)
{
	Customer customer;

	customer_of_numbers(fcinfo, -1, 3, &customer);
	customer_use_cache(&customer, transaction_cache(fcinfo));
	return score_result(fcinfo, &customer, customer_alive_prob(&customer));
}

/* churn_prob(repeat_count, recency_days, tenure_days, model [, covariates]) → float8 */
PG_FUNCTION_INFO_V1(churn_prob_numbers);
Datum
churn_prob_numbers(PG_FUNCTION_ARGS)
{
	Customer customer;

	customer_of_numbers(fcinfo, -1, 3, &customer);
	customer_use_cache(&customer, transaction_cache(fcinfo));
	return score_result(fcinfo, &customer, customer_churn_prob(&customer));
}

/* expected_transactions(repeat_count, recency_days, tenure_days, model [, horizon_days, covariates]) → float8 */
PG_FUNCTION_INFO_V1(expected_transactions_numbers);
Datum
expected_transactions_numbers(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(4))
		PG_RETURN_NULL();

	double horizon_days = horizon_argument(fcinfo, 4);
	Customer customer;

	customer_of_numbers(fcinfo, -1, 3, &customer);
	customer_use_cache(&customer, transaction_cache(fcinfo));
	return score_result(fcinfo, &customer, expected_transactions_in(&customer, horizon_days));
}

double
numbers_transaction_value(FunctionCallInfo fcinfo, int avg_value_place, int model_place)
{
	Customer customer;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(model_place))
		return NAN;

	double x = PG_GETARG_FLOAT8(0);

	if (!(x >= 0) || isinf(x))
		return NAN;
	make_customer(&customer, PG_GETARG_CLV_MODEL(model_place), x, 0, 0,
				  PG_ARGISNULL(avg_value_place) ? NAN : PG_GETARG_FLOAT8(avg_value_place) * x);
	return customer_transaction_value(&customer);
}

/* expected_transaction_value(repeat_count, avg_value, model) → float8 */
PG_FUNCTION_INFO_V1(expected_transaction_value_numbers);
Datum
expected_transaction_value_numbers(PG_FUNCTION_ARGS)
{
	return finite_or_null(fcinfo, numbers_transaction_value(fcinfo, 1, 2));
}

/* clv_estimate(repeat_count, recency_days, tenure_days, avg_value, model [, horizon_days, …]) → float8 */
PG_FUNCTION_INFO_V1(clv_estimate_numbers);
Datum
clv_estimate_numbers(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 5, 7))
		PG_RETURN_NULL();

	ValueTerms terms = value_terms_arguments(fcinfo, 5);
	Customer customer;

	customer_of_numbers(fcinfo, 3, 4, &customer);
	customer_use_cache(&customer, transaction_cache(fcinfo));
	return score_result(fcinfo, &customer, lifetime_value(&customer, &terms));
}

/*
 * The effect of orders after as_of on the status: without an order by then
 * there is no customer yet, and a default day must not ignore later orders
 * silently. An explicit as_of is the caller's choice.
 */
static void
see_later_orders(Datum history, const HistorySummary *seen, bool by_default, Customer *customer)
{
	HistorySummary all;

	if (seen->complete || (!(customer->scorable && by_default) && customer->status != SCORE_NO_ORDERS))
		return;
	all = history_summarise(history, HISTORY_ALL);
	if (customer->status == SCORE_NO_ORDERS && all.transactions > 0)
		customer->status = SCORE_NOT_YET;
	else if (customer->scorable && all.last > customer->as_of)
		customer->status = SCORE_LATER_ORDERS;
}

/* Whether all scores of a customer can be had, for the usual horizon, or why not. */
static ScoreStatus
status_of(Customer *customer)
{
	if (customer->scorable)
	{
		double orders = expected_transactions_in(customer, YEAR_DAYS);
		double value = customer_transaction_value(customer);

		if (!isfinite(orders) || !isfinite(customer_alive_prob(customer)) || isinf(orders * value))
			customer->status = SCORE_OUT_OF_RANGE;
		else if ((customer->status == SCORE_OK || customer->status == SCORE_ONE_ORDER) &&
				 clv_model_weak(customer->model))
			customer->status = SCORE_WEAK_FIT;
	}
	return customer->status;
}

ScoreStatus
customer_status(Customer *customer, Datum history, const HistorySummary *seen, bool by_default)
{
	if (customer->status != SCORE_NO_MODEL && seen != NULL)
		see_later_orders(history, seen, by_default, customer);
	return status_of(customer);
}

static Datum
status_result(ScoreStatus status)
{
	PG_RETURN_TEXT_P(cstring_to_text(score_status_words[status]));
}

/* score_status(history, model [, as_of, covariates]) → text */
PG_FUNCTION_INFO_V1(score_status);
Datum
score_status(PG_FUNCTION_ARGS)
{
	Customer customer;
	HistorySummary seen;
	bool given = !any_null(fcinfo, 0, 1);

	read_customer(fcinfo, 2, &customer, &seen);
	customer_use_cache(&customer, transaction_cache(fcinfo));
	return status_result(customer_status(&customer, PG_GETARG_DATUM(0), given ? &seen : NULL, PG_ARGISNULL(2)));
}

/* score_status(repeat_count, recency_days, tenure_days, avg_value, model [, covariates]) → text */
PG_FUNCTION_INFO_V1(score_status_numbers);
Datum
score_status_numbers(PG_FUNCTION_ARGS)
{
	Customer customer;

	customer_of_numbers(fcinfo, 3, 4, &customer);
	customer_use_cache(&customer, transaction_cache(fcinfo));
	return status_result(status_of(&customer));
}
