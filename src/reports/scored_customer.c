/*
 * scored_customer.c
 *	  A customer as the scores have them: all columns in one row, the history read once for all of them.
 *
 * The columns are those of history_summary, rfm_scores, segment_of and customer_scores. To call these one by one,
 * and to take their rows apart, would cost more than what they compute.
 */
#include "compat.h"

#include <math.h>

#include "reports/rounded_amount.h"
#include "rfm/rfm.h"
#include "scores/all_scores.h"
#include "segments/segments.h"
#include "support/result.h"

/* The arguments after those of customer_scores. */
#define CUTS_ARGUMENT 7
#define RULES_ARGUMENT 8

/* The columns, in the order of the declaration. */
enum
{
	CUSTOMER_FIRST_ORDER_ON,
	CUSTOMER_LAST_ORDER_ON,
	CUSTOMER_ORDER_COUNT,
	CUSTOMER_TOTAL_SPEND,
	CUSTOMER_AVG_ORDER_VALUE,
	CUSTOMER_RECENCY_DAYS,
	CUSTOMER_TENURE_DAYS,
	CUSTOMER_AVG_DAYS_BETWEEN_ORDERS,
	CUSTOMER_R_SCORE,
	CUSTOMER_F_SCORE,
	CUSTOMER_M_SCORE,
	CUSTOMER_RFM_SCORE,
	CUSTOMER_SEGMENT,
	CUSTOMER_SCORES,
};

/* Those of customer_scores that come after them, in order. */
static const ScoreColumn score_columns[] = {
	COLUMN_LIFECYCLE,     COLUMN_CHURN_PROB,   COLUMN_EXPECTED_TRANSACTIONS,      COLUMN_ORDER_PROB,
	COLUMN_NEXT_ORDER_ON, COLUMN_DAYS_OVERDUE, COLUMN_EXPECTED_TRANSACTION_VALUE, COLUMN_CLV_ESTIMATE,
	COLUMN_STATUS,
};

#define N_COLUMNS (CUSTOMER_SCORES + lengthof(score_columns))

/* What lives as long as a call site. */
typedef struct CustomerCall
{
	CallRow *row;
	ScoresCall *scores;
	CachedRfmCuts cuts;
	CachedSegments segments;
	char rfm_score[VARHDRSZ + RFM_CODE_BYTES];
} CustomerCall;

/* One customer. */
typedef struct CustomerRow
{
	Datum values[N_COLUMNS];
	bool nulls[N_COLUMNS];
} CustomerRow;

static CustomerCall *
open_call(FunctionCallInfo fcinfo)
{
	CustomerCall *call = fcinfo->flinfo->fn_extra;

	if (call == NULL)
	{
		call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CustomerCall));
		call->row = call_row(fcinfo);
		call->scores = scores_call_make(fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = call;
	}
	return call;
}

static void
set_column(CustomerRow *row, int column, Datum value)
{
	row->values[column] = value;
	row->nulls[column] = false;
}

static void
set_amount(CustomerRow *row, int column, double amount)
{
	row->nulls[column] = !amount_as_numeric(amount, &row->values[column]);
}

/* What happened. The mean of amounts is missing where their sum is. */
static void
add_summary(CustomerRow *row, const HistorySummary *summary, double spend)
{
	set_column(row, CUSTOMER_ORDER_COUNT, Int64GetDatum(summary->orders));
	set_amount(row, CUSTOMER_TOTAL_SPEND, spend);
	if (!row->nulls[CUSTOMER_TOTAL_SPEND] && summary->orders == 1)
		set_column(row, CUSTOMER_AVG_ORDER_VALUE, row->values[CUSTOMER_TOTAL_SPEND]);
	else if (!row->nulls[CUSTOMER_TOTAL_SPEND] && summary->orders > 0)
		set_amount(row, CUSTOMER_AVG_ORDER_VALUE, spend / summary->orders);
	if (summary->transactions > 0)
	{
		set_column(row, CUSTOMER_FIRST_ORDER_ON, DateADTGetDatum(summary->first));
		set_column(row, CUSTOMER_LAST_ORDER_ON, DateADTGetDatum(summary->last));
	}
	set_float(row->values, row->nulls, CUSTOMER_AVG_DAYS_BETWEEN_ORDERS, history_days_between_orders(summary));
}

/* The scores by cut points, and the segment by rules. */
static void
add_rfm(FunctionCallInfo fcinfo, CustomerCall *call, CustomerRow *row, const HistorySummary *summary, double spend)
{
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	const double values[RFM_DIMENSIONS] = {
		[RFM_RECENCY] = DatumGetInt32(row->values[CUSTOMER_RECENCY_DAYS]),
		[RFM_FREQUENCY] = (double) summary->orders,
		[RFM_MONETARY] = spend,
	};
	RfmCode code = rfm_code_of(rfm_cuts_once(&call->cuts, context, PG_GETARG_DATUM(CUTS_ARGUMENT)), values);

	for (int i = 0; i < RFM_DIMENSIONS; i++)
		if (code.scores[i] != RFM_NO_SCORE)
			set_column(row, CUSTOMER_R_SCORE + i, Int16GetDatum((int16) code.scores[i]));
	SET_VARSIZE(call->rfm_score, VARHDRSZ + rfm_code_write(&code, VARDATA(call->rfm_score)));
	set_column(row, CUSTOMER_RFM_SCORE, PointerGetDatum(call->rfm_score));
	if (!PG_ARGISNULL(RULES_ARGUMENT))
		row->nulls[CUSTOMER_SEGMENT] = !segment_once(&call->segments, context, &code, PG_GETARG_DATUM(RULES_ARGUMENT),
													 &row->values[CUSTOMER_SEGMENT]);
}

/* How long ago that is, and what depends on it. */
static void
add_days_until(FunctionCallInfo fcinfo, CustomerCall *call, CustomerRow *row, const HistorySummary *summary,
			   double spend)
{
	DateADT as_of = PG_GETARG_DATEADT(2);

	set_column(row, CUSTOMER_RECENCY_DAYS, Int32GetDatum(as_of - summary->last));
	set_column(row, CUSTOMER_TENURE_DAYS, Int32GetDatum(as_of - summary->first));
	if (!PG_ARGISNULL(CUTS_ARGUMENT))
		add_rfm(fcinfo, call, row, summary, spend);
}

/*
 * scored_customer(history, model, as_of, horizon_days, annual_discount, margin, covariates, cuts, rules) → one row:
 * what happened, all of it, and the scores as of the day
 */
PG_FUNCTION_INFO_V1(scored_customer);
Datum
scored_customer(PG_FUNCTION_ARGS)
{
	CustomerCall *call = open_call(fcinfo);
	CustomerRow row;
	Scores scores;
	HistorySummary summary;
	bool whole = scores_of_history(fcinfo, call->scores, &scores, &summary);

	memset(row.nulls, true, sizeof(row.nulls));
	for (int i = 0; i < lengthof(score_columns); i++)
	{
		row.values[CUSTOMER_SCORES + i] = scores.values[score_columns[i]];
		row.nulls[CUSTOMER_SCORES + i] = scores.nulls[score_columns[i]];
	}
	if (!PG_ARGISNULL(0))
	{
		if (!whole)
			summary = history_summarise(PG_GETARG_DATUM(0), HISTORY_ALL);

		double spend = spend_value(&summary.total, summary.encoding);

		add_summary(&row, &summary, spend);
		if (summary.transactions > 0 && !PG_ARGISNULL(2))
			add_days_until(fcinfo, call, &row, &summary, spend);
	}
	return call_row_fill(call->row, row.values, row.nulls);
}
