/*
 * all_scores.c
 *	  Every score of a customer in one row.
 *
 * The single functions read the history once each; here it is read once for all,
 * and what several scores depend on, above all P(alive), is computed once. Each
 * column is what the single function gives, NULL included.
 */
#include "compat.h"

#include <math.h>

#include "scores/all_scores.h"
#include "scores/score.h"
#include "support/result.h"

struct ScoresCall
{
	Datum *lifecycle_texts;
	Datum *status_texts;
	TransactionCache *cache;
	TransactionCache *status_cache; /* for its horizon of a year, if the other is not */
};

ScoresCall *
scores_call_make(MemoryContext context)
{
	ScoresCall *call = MemoryContextAllocZero(context, sizeof(ScoresCall));

	call->lifecycle_texts = word_texts(lifecycle_words, N_LIFECYCLES, context);
	call->status_texts = word_texts(score_status_words, N_SCORE_STATUSES, context);
	call->cache = transaction_cache_make(context);
	call->status_cache = transaction_cache_make(context);
	return call;
}

/* The call site of a function whose row these scores are. */
typedef struct RowCall
{
	CallRow *row;
	ScoresCall *scores;
} RowCall;

static RowCall *
open_call(FunctionCallInfo fcinfo)
{
	RowCall *call = fcinfo->flinfo->fn_extra;

	if (call == NULL)
	{
		call = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(RowCall));
		call->row = call_row(fcinfo);
		call->scores = scores_call_make(fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = call;
	}
	return call;
}

/* How far and at what terms to look ahead, and which arguments leave which columns open. */
typedef struct ScoreTerms
{
	bool horizon_given;
	bool all_given; /* all that a value depends on */
	ValueTerms value;
} ScoreTerms;

/* Arguments horizon_days, annual_discount and margin, any of which may be NULL. */
static ScoreTerms
terms_arguments(FunctionCallInfo fcinfo, int argno)
{
	ScoreTerms terms = {.horizon_given = !PG_ARGISNULL(argno), .all_given = !any_null(fcinfo, argno, argno + 2)};

	if (terms.all_given)
		terms.value = value_terms_arguments(fcinfo, argno);
	else if (terms.horizon_given)
		terms.value.horizon_days = horizon_argument(fcinfo, argno);
	return terms;
}

static void
clear_scores(Scores *scores)
{
	memset(scores->nulls, true, sizeof(scores->nulls));
}

static void
set_column(Scores *scores, int column, Datum value)
{
	scores->values[column] = value;
	scores->nulls[column] = false;
}

static void
set_score(Scores *scores, int column, double score)
{
	set_float(scores->values, scores->nulls, column, score);
}

/* It does not depend on covariates. Why there is no value is the business of score_status alone. */
static void
add_transaction_value(Scores *scores, Customer *customer)
{
	ScoreStatus status = customer->status;

	set_score(scores, COLUMN_EXPECTED_TRANSACTION_VALUE, customer_transaction_value(customer));
	customer->status = status;
}

/* The scores that look ahead as far as the horizon. */
static void
add_horizon_scores(Scores *scores, const ScoreTerms *terms, Customer *customer)
{
	if (terms->horizon_given)
	{
		set_score(scores, COLUMN_EXPECTED_TRANSACTIONS, expected_transactions_in(customer, terms->value.horizon_days));
		set_score(scores, COLUMN_ORDER_PROB, customer_order_prob(customer, terms->value.horizon_days));
	}
	if (terms->all_given)
	{
		ScoreStatus status = customer->status;

		set_score(scores, COLUMN_CLV_ESTIMATE, lifetime_value(customer, &terms->value));
		customer->status = status;
	}
}

/* All but the expected value of a transaction, the next order and the status. */
static void
add_scores(Scores *scores, const ScoreTerms *terms, const ScoresCall *call, Customer *customer)
{
	int32 overdue;
	Lifecycle lifecycle;

	customer_prefetch(customer);
	/* does not ask the cache, which is on its way */
	set_score(scores, COLUMN_OVERDUE_PROB, customer_overdue_prob(customer));
	if (customer_days_overdue(customer, &overdue))
		set_column(scores, COLUMN_DAYS_OVERDUE, Int32GetDatum(overdue));
	set_score(scores, COLUMN_ALIVE_PROB, customer_alive_prob(customer));
	set_score(scores, COLUMN_CHURN_PROB, customer_churn_prob(customer));
	lifecycle = customer_lifecycle(customer);
	if (lifecycle != LIFECYCLE_NONE)
		set_column(scores, COLUMN_LIFECYCLE, call->lifecycle_texts[lifecycle]);
	add_horizon_scores(scores, terms, customer);
}

static void
add_next_order(Scores *scores, Customer *customer)
{
	DateADT next_order;

	if (customer_next_order(customer, 0.5, &next_order))
		set_column(scores, COLUMN_NEXT_ORDER_ON, DateADTGetDatum(next_order));
}

/* The status goes by a year, which would push the answers of another horizon out of the cache. */
static void
add_status(Scores *scores, const ScoreTerms *terms, const ScoresCall *call, Customer *customer, Datum history,
		   const HistorySummary *seen, bool by_default)
{
	if (terms->horizon_given && terms->value.horizon_days != YEAR_DAYS)
		customer_use_cache(customer, call->status_cache);
	set_column(scores, COLUMN_STATUS, call->status_texts[customer_status(customer, history, seen, by_default)]);
}

bool
scores_of_history(FunctionCallInfo fcinfo, ScoresCall *call, Scores *scores, HistorySummary *whole)
{
	Customer customer;
	ScoreTerms terms;
	bool read = !any_null(fcinfo, 0, 1);
	bool known;

	customer_before_covariates(fcinfo, 2, &customer, whole);
	known = customer.scorable;
	if (known)
		customer_add_covariates(fcinfo, 6, &customer);
	customer_use_cache(&customer, call->cache);
	terms = terms_arguments(fcinfo, 3);
	clear_scores(scores);
	if (known)
		add_transaction_value(scores, &customer);
	add_scores(scores, &terms, call, &customer);
	add_next_order(scores, &customer);
	add_status(scores, &terms, call, &customer, PG_GETARG_DATUM(0), read ? whole : NULL, PG_ARGISNULL(2));
	return read && whole->complete && PG_GETARG_CLV_MODEL(1)->period == PERIOD_DAY;
}

/* customer_scores(history, model [, as_of, horizon_days, annual_discount, margin, covariates]) → one row */
PG_FUNCTION_INFO_V1(customer_scores);
Datum
customer_scores(PG_FUNCTION_ARGS)
{
	RowCall *call = open_call(fcinfo);
	Scores scores;
	HistorySummary seen;

	(void) scores_of_history(fcinfo, call->scores, &scores, &seen);
	return call_row_fill(call->row, scores.values, scores.nulls);
}

/* customer_scores(repeat_count, recency_days, tenure_days, avg_value, model [, as_of, …, covariates]) → one row */
PG_FUNCTION_INFO_V1(customer_scores_numbers);
Datum
customer_scores_numbers(PG_FUNCTION_ARGS)
{
	RowCall *call = open_call(fcinfo);
	ScoreTerms terms = terms_arguments(fcinfo, 6);
	Scores scores;
	Customer customer;

	clear_scores(&scores);
	customer_of_numbers_as_of(fcinfo, 3, 4, 5, &customer);
	customer_use_cache(&customer, call->scores->cache);
	set_score(&scores, COLUMN_EXPECTED_TRANSACTION_VALUE, numbers_transaction_value(fcinfo, 3, 4));
	add_scores(&scores, &terms, call->scores, &customer);

	/* only the day of the next order needs to know which day it is, and the horizons of the others must not */
	if (customer.scorable)
	{
		DateADT as_of = customer.as_of;

		customer.as_of = as_of_argument(fcinfo, 5, customer.model);
		add_next_order(&scores, &customer);
		customer.as_of = as_of;
	}
	add_status(&scores, &terms, call->scores, &customer, 0, NULL, false);
	return call_row_fill(call->row, scores.values, scores.nulls);
}
