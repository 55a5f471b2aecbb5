/*
 * transitions_read.c
 *	  What moves tell: shares, the long run, how long it takes, what comes next.
 *
 * Segments are the states of a Markov chain; outside is treated as each question
 * needs it. Smoothed shares are (moves + 1/k) / (customers + 1), with k segments that
 * one may move to: a segment from which few have moved is not taken at its word.
 */
#include "compat.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "monitor/transitions.h"
#include "numerics/markov.h"
#include "support/args.h"
#include "support/result.h"
#include "support/server_host.h"

#define MAX_PERIODS 10000

static int64
row_sum(const Transitions *moves, int from)
{
	int64 sum = 0;

	for (int j = 0; j < moves->n; j++)
		sum += *transitions_cell(moves, from, j);
	return sum;
}

static int64
column_sum(const Transitions *moves, int to)
{
	int64 sum = 0;

	for (int i = 0; i < moves->n; i++)
		sum += *transitions_cell(moves, i, to);
	return sum;
}

/* The share of those in a state who move to another; NaN where nobody was there. */
static double
move_share(const Transitions *moves, int from, int to, bool smooth)
{
	/* nobody comes from outside and goes there, and without leavers there is no such state */
	bool may_leave = from != 0 && column_sum(moves, 0) > 0;
	int k = moves->n - 1 + (may_leave ? 1 : 0);
	int64 customers = row_sum(moves, from);

	if (to == 0 && !may_leave)
		return 0;
	if (smooth)
		return (*transitions_cell(moves, from, to) + 1.0 / k) / (customers + 1.0);
	return customers == 0 ? NAN : *transitions_cell(moves, from, to) / (double) customers;
}

/* All shares, by rows; where nobody was there, zeros. */
static double *
share_matrix(const Transitions *moves, bool smooth)
{
	int n = moves->n;
	double *shares = palloc_array(double, (Size) n *n);

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
		{
			double share = move_share(moves, i, j, smooth);

			shares[(Size) i * n + j] = isnan(share) ? 0 : share;
		}
	return shares;
}

/*
 * The segments alone: each customer who leaves is replaced by a new one, as in a base that
 * keeps its size. n - 1 states.
 */
static double *
closed_chain(const Transitions *moves, bool smooth)
{
	int n = moves->n;
	double *shares = share_matrix(moves, smooth);
	double *chain = palloc_array(double, (Size) n *n);

	for (int i = 1; i < n; i++)
		for (int j = 1; j < n; j++)
			chain[(Size) (i - 1) * (n - 1) + j - 1] = shares[(Size) i * n + j] + shares[(Size) i * n] * shares[j];
	pfree(shares);
	return chain;
}

/* Whether that chain has a long run; if so, its shares. */
static bool
long_run(const Transitions *moves, const double *chain, double *shares)
{
	int n = moves->n - 1;

	if (n == 0 || !markov_ergodic(&server_host, chain, n))
		return false;

	/* where customers leave and nobody comes, the base comes to an end */
	if (column_sum(moves, 0) > 0 && row_sum(moves, 0) == 0)
		return false;
	markov_stationary(&server_host, chain, n, shares);
	return true;
}

static Datum
name_datum(const Transitions *moves, int place, const char *outside)
{
	return place == 0 ? CStringGetTextDatum(outside)
					  : PointerGetDatum(cstring_to_text_with_len(moves->names[place].text, moves->names[place].bytes));
}

/* customer_count(segment_transitions) → bigint */
PG_FUNCTION_INFO_V1(segment_transitions_customer_count);
Datum
segment_transitions_customer_count(PG_FUNCTION_ARGS)
{
	Transitions moves;

	transitions_read(&moves, PG_GETARG_DATUM(0));
	PG_RETURN_INT64(moves.customers);
}

/* unnest(segment_transitions) → setof (from_segment, to_segment, customers) */
PG_FUNCTION_INFO_V1(segment_transitions_unnest);
Datum
segment_transitions_unnest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	Transitions moves;

	transitions_read(&moves, PG_GETARG_DATUM(0));
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < moves.n; i++)
		for (int j = 0; j < moves.n; j++)
		{
			bool nulls[3] = {false};

			CHECK_FOR_INTERRUPTS();
			if (*transitions_cell(&moves, i, j) == 0)
				continue;

			Datum values[3] = {
				name_datum(&moves, i, TRANSITIONS_NEW),
				name_datum(&moves, j, TRANSITIONS_GONE),
				Int64GetDatum(*transitions_cell(&moves, i, j)),
			};

			tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
		}
	return (Datum) 0;
}

/* transition_shares(segment_transitions [, smooth]) → setof (from_segment, to_segment, customers, share) */
PG_FUNCTION_INFO_V1(transition_shares);
Datum
transition_shares(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	bool smooth = PG_GETARG_BOOL(1);
	Transitions moves;

	transitions_read(&moves, PG_GETARG_DATUM(0));

	bool any_new = row_sum(&moves, 0) > 0;
	bool any_gone = column_sum(&moves, 0) > 0;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = any_new ? 0 : 1; i < moves.n; i++)
		for (int j = any_gone && i > 0 ? 0 : 1; j < moves.n; j++)
		{
			double share = move_share(&moves, i, j, smooth);
			Datum values[4] = {
				name_datum(&moves, i, TRANSITIONS_NEW),
				name_datum(&moves, j, TRANSITIONS_GONE),
				Int64GetDatum(*transitions_cell(&moves, i, j)),
				Float8GetDatum(share),
			};
			bool nulls[4] = {false, false, false, isnan(share)};

			CHECK_FOR_INTERRUPTS();
			tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
		}
	return (Datum) 0;
}

/* steady_state(segment_transitions [, smooth]) → setof (segment, share, status) */
PG_FUNCTION_INFO_V1(steady_state);
Datum
steady_state(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	Transitions moves;
	double shares[TRANSITIONS_MAX_SEGMENTS];
	bool ergodic;

	transitions_read(&moves, PG_GETARG_DATUM(0));
	ergodic = long_run(&moves, closed_chain(&moves, PG_GETARG_BOOL(1)), shares);
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 1; i < moves.n; i++)
	{
		Datum values[3] = {
			name_datum(&moves, i, NULL),
			Float8GetDatum(ergodic ? shares[i - 1] : 0),
			CStringGetTextDatum(ergodic ? "ok" : "not_ergodic"),
		};
		bool nulls[3] = {false, !ergodic, false};

		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* transition_half_life(segment_transitions [, smooth]) → float8 */
PG_FUNCTION_INFO_V1(transition_half_life);
Datum
transition_half_life(PG_FUNCTION_ARGS)
{
	Transitions moves;
	double shares[TRANSITIONS_MAX_SEGMENTS];
	double *chain;

	transitions_read(&moves, PG_GETARG_DATUM(0));
	chain = closed_chain(&moves, PG_GETARG_BOOL(1));
	if (!long_run(&moves, chain, shares))
		PG_RETURN_NULL();

	double left = markov_second_modulus(&server_host, chain, moves.n - 1, shares);

	return finite_or_null(fcinfo, left == 0 ? 0 : M_LN2 / -log(left));
}

/* expected_periods_to(segment_transitions, segment [, smooth]) → setof (from_segment, periods, status) */
PG_FUNCTION_INFO_V1(expected_periods_to);
Datum
expected_periods_to(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	text *segment = PG_GETARG_TEXT_PP(1);
	SegmentName name = {VARDATA_ANY(segment), (int) VARSIZE_ANY_EXHDR(segment)};
	char *name_text = text_to_cstring(segment);
	Transitions moves;
	double *chain;
	double periods[TRANSITIONS_MAX_SEGMENTS + 1];
	double of_new = 1;

	transitions_read(&moves, PG_GETARG_DATUM(0));

	int n = moves.n;
	bool any_gone = column_sum(&moves, 0) > 0;
	int target = strcmp(name_text, TRANSITIONS_GONE) == 0 && any_gone ? 0 : transitions_find(&moves, name);

	if (target < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nobody has moved from or to segment \"%s\"", name_text),
				 errhint("The segments are those that unnest(transitions) shows.")));

	/* who is gone stays gone */
	chain = share_matrix(&moves, PG_GETARG_BOOL(2));
	for (int j = 0; j < n; j++)
	{
		periods[j] = chain[j];
		chain[j] = 0;
	}

	double new_shares[TRANSITIONS_MAX_SEGMENTS + 1];

	memcpy(new_shares, periods, n * sizeof(double));
	markov_steps_to(&server_host, chain, n, target, periods);
	for (int j = 1; j < n; j++)
		if (new_shares[j] > 0 && j != target)
			of_new += new_shares[j] * periods[j];

	InitMaterializedSRF(fcinfo, 0);
	for (int i = row_sum(&moves, 0) > 0 ? 0 : 1; i < n; i++)
	{
		double expected = i == 0 ? of_new : periods[i];
		Datum values[3] = {
			name_datum(&moves, i, TRANSITIONS_NEW),
			Float8GetDatum(expected),
			CStringGetTextDatum(isfinite(expected) ? "ok" : "may_never_arrive"),
		};
		bool nulls[3] = {false, !isfinite(expected), false};

		if (i > 0 && i == target)
			continue;
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* The customers of one period as rows. */
static void
put_forecast(ReturnSetInfo *results, const Transitions *moves, int period, const double *customers)
{
	double all = 0;

	for (int i = 1; i < moves->n; i++)
		all += customers[i];
	for (int i = 1; i < moves->n; i++)
	{
		Datum values[4] = {
			Int32GetDatum(period),
			name_datum(moves, i, NULL),
			Float8GetDatum(customers[i]),
			Float8GetDatum(customers[i] / all),
		};
		bool nulls[4] = {false, false, !isfinite(customers[i]), !isfinite(customers[i] / all)};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
}

/*
 * transition_forecast(segment_transitions, periods [, smooth]) → setof (period, segment, customers, share)
 *
 * Period 0 is the beginning of the moves, period 1 their end; from then on customers
 * moves by the same shares, and as many come anew. From a segment that nobody has left
 * or stayed in yet nothing is known, and so neither of what comes after it.
 */
PG_FUNCTION_INFO_V1(transition_forecast);
Datum
transition_forecast(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	int32 periods = PG_GETARG_INT32(1);
	Transitions moves;
	double customers[TRANSITIONS_MAX_SEGMENTS + 1];

	if (periods < 0 || periods > MAX_PERIODS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("periods must be between 0 and %d, but is %d", MAX_PERIODS, periods)));
	transitions_read(&moves, PG_GETARG_DATUM(0));

	int n = moves.n;
	double *shares = palloc_array(double, (Size) n *n);

	for (int i = 1; i < n; i++)
	{
		customers[i] = (double) row_sum(&moves, i);
		for (int j = 1; j < n; j++)
			shares[(Size) i * n + j] = move_share(&moves, i, j, PG_GETARG_BOOL(2));
	}
	InitMaterializedSRF(fcinfo, 0);
	for (int period = 0; period <= periods; period++)
	{
		double next[TRANSITIONS_MAX_SEGMENTS + 1];

		put_forecast(results, &moves, period, customers);
		for (int j = 1; j < n; j++)
		{
			next[j] = (double) *transitions_cell(&moves, 0, j);
			for (int i = 1; i < n; i++)
				if (customers[i] != 0)
					next[j] += customers[i] * shares[(Size) i * n + j];
		}
		memcpy(customers, next, n * sizeof(double));
	}
	return (Datum) 0;
}
