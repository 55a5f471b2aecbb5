/*
 * base_agg.c
 *	  The aggregates customer_base and rollup, and what a base tells.
 */
#include "compat.h"

#include <ctype.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/tuplestore.h"

#include "base/base_state.h"
#include "history/history.h"

/* The state in the first argument, which an aggregate goes on with; otherwise a new one with what is in it. */
static BaseState *
state_argument(FunctionCallInfo fcinfo)
{
	BaseState  *state = PG_ARGISNULL(0) ? NULL : tally_to_write(PG_GETARG_DATUM(0));

	if (state != NULL)
		return state;
	state = base_state_make(tally_parent(fcinfo));
	if (!PG_ARGISNULL(0))
		base_state_merge(state, PG_GETARG_DATUM(0));
	return state;
}

/* How customers are to be counted: the arguments of an aggregate beside the history. */
typedef struct Counting
{
	DateADT		until;			/* HISTORY_ALL: as far as the histories go */
	Period		period;
	int64		times;			/* as many times as this; 0: not at all */
	int			covariates;		/* fewer than 0: they are not known */
	const double *covariate;
} Counting;

/* Where the gaps of a customer go. */
typedef struct GapCount
{
	BaseState  *state;
	int64		times;
} GapCount;

static void
count_gap(void *context, int32 gap)
{
	const GapCount *count = context;

	base_state_add_gap(count->state, (uint32) gap, count->times);
}

/* What the spend model needs of a customer with repeat transactions. */
static void
add_repeat_spend(BaseState *state, uint32 x, double spend, int64 times)
{
	if (isnan(spend))
		base_state_leave_out(state, LEFT_OUT_NO_AMOUNTS, times);
	else if (!(spend > 0) || isinf(spend))
		base_state_leave_out(state, LEFT_OUT_NO_SPEND, times);
	else
		base_state_add_spend(state, x, spend, times);
}

static void
add_customer(BaseState *state, Datum history, const Counting *counting)
{
	GapCount	gaps = {state, counting->times};

	if (counting->times == 0)
		return;
	if (counting->covariates < 0)
	{
		base_state_leave_out(state, LEFT_OUT_NO_COVARIATES, counting->times);
		return;
	}

	HistorySummary customer = counting->period == PERIOD_DAY
		? history_summarise_gaps(history, counting->until, count_gap, &gaps)
		: history_summarise_periods(history, counting->until, counting->period, count_gap, &gaps);

	if (customer.transactions == 0)
	{
		base_state_leave_out(state, LEFT_OUT_NO_ORDERS, counting->times);
		return;
	}

	uint32		x = customer.transactions - 1;
	uint32		t_x = period_number(counting->period, customer.last) - period_number(counting->period, customer.first);

	base_state_shape(state, counting->period, counting->covariates);
	base_state_add_timing(state, counting->covariates > 0 ? base_state_class(state, counting->covariate) : 0,
						  x, t_x, customer.first, counting->times);
	if (x > 0)
		add_repeat_spend(state, x, history_repeat_spend(&customer), counting->times);
}

/* One step of the aggregate: the customer whose history is the second argument. */
static Datum
count_customer(FunctionCallInfo fcinfo, const Counting *counting)
{
	BaseState  *state = state_argument(fcinfo);

	add_customer(state, PG_GETARG_DATUM(1), counting);
	if (counting->until != HISTORY_ALL)
		state->head.until = Max(state->head.until, counting->until);
	return tally_result(fcinfo, &state->tally);
}

/* Argument until, the end of observation. */
static DateADT
until_argument(FunctionCallInfo fcinfo, int place)
{
	DateADT		until = PG_GETARG_DATEADT(place);

	if (DATE_NOT_FINITE(until))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("until is %s", DATE_IS_NOBEGIN(until) ? "-infinity" : "infinity")));
	return until;
}

/* customer_base(purchase_history [, until date]): transition */
PG_FUNCTION_INFO_V1(customer_base_add);
Datum
customer_base_add(PG_FUNCTION_ARGS)
{
	Counting	counting = {.until = HISTORY_ALL, .times = 1};

	if (PG_ARGISNULL(1) || (PG_NARGS() > 2 && PG_ARGISNULL(2)))
		return tally_unchanged(fcinfo);
	if (PG_NARGS() > 2)
		counting.until = until_argument(fcinfo, 2);
	return count_customer(fcinfo, &counting);
}

/*
 * Argument period, one of the words for them. The server takes a literal
 * without a type for text: if it is a day, until is meant.
 */
static void
period_argument(FunctionCallInfo fcinfo, int place, Counting *counting)
{
	char	   *word = text_to_cstring(PG_GETARG_TEXT_PP(place));

	if (isdigit((unsigned char) *word))
		counting->until = DatumGetDateADT(DirectFunctionCall1(date_in, CStringGetDatum(word)));
	else if (!period_by_name(word, &counting->period))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no period \"%s\"", word),
				 errhint("There are week, month, quarter and year. The end of observation is a date: date '2026-12-31'.")));
	pfree(word);
}

/* customer_base(purchase_history, period text [, until date]): transition */
PG_FUNCTION_INFO_V1(customer_base_add_periods);
Datum
customer_base_add_periods(PG_FUNCTION_ARGS)
{
	Counting	counting = {.until = HISTORY_ALL, .times = 1};

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || (PG_NARGS() > 3 && PG_ARGISNULL(3)))
		return tally_unchanged(fcinfo);
	period_argument(fcinfo, 2, &counting);
	if (PG_NARGS() > 3)
		counting.until = until_argument(fcinfo, 3);
	return count_customer(fcinfo, &counting);
}

/* Argument covariates, of one customer. */
static void
counted_covariates(FunctionCallInfo fcinfo, int place, Counting *counting, double *room)
{
	counting->covariates = covariates_of_array(PG_ARGISNULL(place) ? NULL : PG_GETARG_ARRAYTYPE_P(place), room);
	counting->covariate = room;
}

/* customer_base(purchase_history, covariates float8[] [, until date]): transition */
PG_FUNCTION_INFO_V1(customer_base_add_covariates);
Datum
customer_base_add_covariates(PG_FUNCTION_ARGS)
{
	Counting	counting = {.until = HISTORY_ALL, .times = 1};
	double		room[BASE_MAX_COVARIATES];

	if (PG_ARGISNULL(1) || (PG_NARGS() > 3 && PG_ARGISNULL(3)))
		return tally_unchanged(fcinfo);
	counted_covariates(fcinfo, 2, &counting, room);
	if (PG_NARGS() > 3)
		counting.until = until_argument(fcinfo, 3);
	return count_customer(fcinfo, &counting);
}

/*
 * How often a customer is drawn into a replicate of the bootstrap: a Poisson(1)
 * number out of 64 random bits, by inversion. Chamandy, Muralidharan, Najmi &
 * Naidu, "Estimating uncertainty for massive data streams" (2012).
 */
static int64
times_drawn(uint64 bits)
{
	double		u = ldexp((double) (bits >> 11), -53);
	double		prob = 0.36787944117144233;	/* e^-1 */
	int64		times = 0;

	for (; u >= prob && prob > 0; prob /= times)
	{
		u -= prob;
		times++;
	}
	return times;
}

/* customer_base(purchase_history, replicate integer, seed bigint): transition */
PG_FUNCTION_INFO_V1(customer_base_add_replicate);
Datum
customer_base_add_replicate(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		return tally_unchanged(fcinfo);

	uint64		replicate = hash_combine64((uint64) PG_GETARG_INT64(3), (uint64) PG_GETARG_INT32(2));
	Counting	counting = {
		.until = HISTORY_ALL,
		.times = times_drawn(history_hash(PG_GETARG_DATUM(1), replicate))
	};

	return count_customer(fcinfo, &counting);
}

/* Adds the second base to the first: combine, and transition of rollup. */
PG_FUNCTION_INFO_V1(customer_base_merge);
Datum
customer_base_merge(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return tally_unchanged(fcinfo);

	BaseState  *state = state_argument(fcinfo);

	base_state_merge(state, PG_GETARG_DATUM(1));
	return tally_result(fcinfo, &state->tally);
}

PG_FUNCTION_INFO_V1(customer_base_final);
Datum
customer_base_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(tally_stored(PG_GETARG_DATUM(0)));
}

/* customer_count(customer_base) → bigint: customers with at least one order */
PG_FUNCTION_INFO_V1(customer_base_customer_count);
Datum
customer_base_customer_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(base_totals(PG_GETARG_DATUM(0)).customers);
}

/* repeat_customer_count(customer_base) → bigint: customers with at least two transactions */
PG_FUNCTION_INFO_V1(customer_base_repeat_customer_count);
Datum
customer_base_repeat_customer_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(base_totals(PG_GETARG_DATUM(0)).repeaters);
}

/* observed_until(customer_base) → date: end of observation, or the last order's day */
PG_FUNCTION_INFO_V1(customer_base_observed_until);
Datum
customer_base_observed_until(PG_FUNCTION_ARGS)
{
	BaseTotals	totals = base_totals(PG_GETARG_DATUM(0));

	if (DATE_NOT_FINITE(totals.observed_until))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(totals.observed_until);
}

/* The covariates of a class as an array. */
static Datum
covariates_array(const double *covariates, int count)
{
	Datum		elements[BASE_MAX_COVARIATES];

	for (int i = 0; i < count; i++)
		elements[i] = Float8GetDatum(covariates[i]);
	return PointerGetDatum(construct_array(elements, count, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* unnest(customer_base) → setof (repeat_count, last_order_days, first_order_on, customer_count, covariates) */
PG_FUNCTION_INFO_V1(customer_base_unnest);
Datum
customer_base_unnest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		base = PointerGetDatum(tally_stored(PG_GETARG_DATUM(0)));
	uint32		classes;
	double	   *covariates = base_covariates(base, &classes);
	BaseReader	reader;

	InitMaterializedSRF(fcinfo, 0);
	base_open(&reader, base);
	while (base_next(&reader) && entry_kind(&reader.entry) == BASE_TIMING)
	{
		const BaseEntry *entry = &reader.entry;
		int			count = reader.head.covariates;
		Datum		values[5] = {
			Int32GetDatum((int32) entry_x(entry)),
			Int32GetDatum((int32) timing_t_x(entry)),
			DateADTGetDatum(timing_first(entry)),
			Int64GetDatum(entry->value),
			count == 0 ? (Datum) 0 : covariates_array(covariates + (Size) entry_class(entry) * count, count)
		};
		bool		nulls[5] = {false, false, false, false, count == 0};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}
