/*
 * all_scores.h
 *	  Every score of a customer, computed together.
 */
#ifndef SCORES_ALL_SCORES_H
#define SCORES_ALL_SCORES_H

#include "compat.h"

#include "history/history.h"

/* The columns of customer_scores, in the order of their declaration. */
typedef enum ScoreColumn
{
	COLUMN_ALIVE_PROB,
	COLUMN_CHURN_PROB,
	COLUMN_EXPECTED_TRANSACTIONS,
	COLUMN_EXPECTED_TRANSACTION_VALUE,
	COLUMN_CLV_ESTIMATE,
	COLUMN_ORDER_PROB,
	COLUMN_NEXT_ORDER_ON,
	COLUMN_DAYS_OVERDUE,
	COLUMN_OVERDUE_PROB,
	COLUMN_LIFECYCLE,
	COLUMN_STATUS,
	N_SCORE_COLUMNS,
} ScoreColumn;

/* What a call site keeps as long as the query lives: words, and what was computed of other customers. */
typedef struct ScoresCall ScoresCall;

extern ScoresCall *scores_call_make(MemoryContext context);

/* The scores of one customer; values that are passed by reference live as long as the call site. */
typedef struct Scores
{
	Datum values[N_SCORE_COLUMNS];
	bool nulls[N_SCORE_COLUMNS];
} Scores;

/*
 * The scores from arguments (history, model, as_of, horizon_days, annual_discount, margin, covariates), any of
 * which may be NULL. If all of the history was read for them, day by day, whole receives what was seen, and the result is true.
 */
extern bool scores_of_history(FunctionCallInfo fcinfo, ScoresCall *call, Scores *scores, HistorySummary *whole);

#endif /* SCORES_ALL_SCORES_H */
