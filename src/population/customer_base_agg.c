/*
 * customer_base_agg.c
 *	  The aggregates customer_base and rollup, and the accessors of a base.
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

#include "population/customer_base_state.h"
#include "history/history.h"
#include "support/agg_group.h"
#include "support/args.h"

/* The state in the first argument if an aggregate may continue it; otherwise a new one with its contents. */
static BaseState *
state_argument(FunctionCallInfo fcinfo)
{
	BaseState *state = PG_ARGISNULL(0) ? NULL : agg_state_to_write(PG_GETARG_DATUM(0));

	if (state != NULL)
		return state;
	state = base_state_make(agg_state_parent(fcinfo));
	if (!PG_ARGISNULL(0))
		base_state_merge(state, PG_GETARG_DATUM(0));
	return state;
}

/* How to count customers: the arguments of an aggregate besides the history. */
typedef struct Counting
{
	DateADT until; /* HISTORY_ALL: until the end of the histories */
	Period period;
	int64 times;    /* weight of the customer; 0: not counted */
	int covariates; /* negative: they are not known */
	const double *covariate;
} Counting;

/* The sink for the gaps of a customer. */
typedef struct GapCount
{
	BaseState *state;
	int64 times;
} GapCount;

static void
count_gap(void *context, int32 gap)
{
	const GapCount *count = context;

	base_state_add_gap(count->state, (uint32) gap, count->times);
}

/* Adds the spend of a customer with repeat transactions, for the spend model. */
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

/*
 * Without an explicit day, the base is observed until its last day. That may
 * be the day of a refund, which is part of the spend: a score as of the day of
 * the last order would not include it, and disagree with the base.
 */
static void
observe_refunds(BaseState *state, const HistorySummary *customer, const Counting *counting)
{
	if (counting->until != HISTORY_ALL || customer->recorded_until == DATEVAL_NOBEGIN)
		return;
	if (customer->transactions == 0 || customer->recorded_until > base_period_end(counting->period, customer->last))
		state->head.until = Max(state->head.until, base_period_end(counting->period, customer->recorded_until));
}

static void
add_customer(BaseState *state, Datum history, const Counting *counting)
{
	GapCount gaps = {state, counting->times};

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

	observe_refunds(state, &customer, counting);
	if (customer.transactions == 0)
	{
		base_state_leave_out(state, LEFT_OUT_NO_ORDERS, counting->times);
		return;
	}

	uint32 x = customer.transactions - 1;
	uint32 t_x = period_number(counting->period, customer.last) - period_number(counting->period, customer.first);

	base_state_shape(state, counting->period, counting->covariates);
	base_state_add_timing(state, counting->covariates > 0 ? base_state_class(state, counting->covariate) : 0, x, t_x,
						  customer.first, counting->times);
	if (x > 0)
		add_repeat_spend(state, x, history_repeat_spend(&customer), counting->times);
}

/* One step of the aggregate: the customer whose history is the second argument. */
static Datum
count_customer(FunctionCallInfo fcinfo, const Counting *counting)
{
	BaseState *state = state_argument(fcinfo);

	add_customer(state, PG_GETARG_DATUM(1), counting);
	if (counting->until != HISTORY_ALL)
		state->head.until = Max(state->head.until, counting->until);
	return agg_state_result(fcinfo, &state->map.growing);
}

/* customer_base(purchase_history [, until date]): transition */
AGG_FUNCTION_INFO_V1(customer_base_add);
static Datum
customer_base_add_in_group(PG_FUNCTION_ARGS)
{
	Counting counting = {.until = HISTORY_ALL, .times = 1};

	if (PG_ARGISNULL(1) || (PG_NARGS() > 2 && PG_ARGISNULL(2)))
		return agg_state_unchanged(fcinfo);
	if (PG_NARGS() > 2)
		counting.until = finite_day_argument(fcinfo, 2, "until", NULL);
	return count_customer(fcinfo, &counting);
}

/*
 * Argument period, the name of a period. The server resolves an untyped
 * literal as text: if it is a date, argument until was meant.
 */
static void
period_or_day_argument(FunctionCallInfo fcinfo, int argno, Counting *counting)
{
	text *name = PG_GETARG_TEXT_PP(argno);

	if (period_by_text(name, &counting->period))
		return;

	char *word = text_to_cstring(name);

	if (!isdigit((unsigned char) *word))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no period \"%s\"", word),
				 errhint("Periods are week, month, quarter and year. The end of observation is a date: date "
						 "'2026-12-31'.")));
	counting->until = DatumGetDateADT(DirectFunctionCall1(date_in, CStringGetDatum(word)));
	pfree(word);
}

/* customer_base(purchase_history, period text [, until date]): transition */
AGG_FUNCTION_INFO_V1(customer_base_add_periods);
static Datum
customer_base_add_periods_in_group(PG_FUNCTION_ARGS)
{
	Counting counting = {.until = HISTORY_ALL, .times = 1};

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || (PG_NARGS() > 3 && PG_ARGISNULL(3)))
		return agg_state_unchanged(fcinfo);
	period_or_day_argument(fcinfo, 2, &counting);
	if (PG_NARGS() > 3)
		counting.until = finite_day_argument(fcinfo, 3, "until", NULL);
	return count_customer(fcinfo, &counting);
}

/* Argument covariates, of one customer. */
static void
counted_covariates(FunctionCallInfo fcinfo, int argno, Counting *counting, double *buf)
{
	counting->covariates = covariates_of_array(PG_ARGISNULL(argno) ? NULL : PG_GETARG_ARRAYTYPE_P(argno), buf);
	counting->covariate = buf;
}

/* customer_base(purchase_history, covariates float8[] [, until date]): transition */
AGG_FUNCTION_INFO_V1(customer_base_add_covariates);
static Datum
customer_base_add_covariates_in_group(PG_FUNCTION_ARGS)
{
	Counting counting = {.until = HISTORY_ALL, .times = 1};
	double buf[FIT_MAX_COVARIATES];

	if (PG_ARGISNULL(1) || (PG_NARGS() > 3 && PG_ARGISNULL(3)))
		return agg_state_unchanged(fcinfo);
	counted_covariates(fcinfo, 2, &counting, buf);
	if (PG_NARGS() > 3)
		counting.until = finite_day_argument(fcinfo, 3, "until", NULL);
	return count_customer(fcinfo, &counting);
}

/*
 * The weight of a customer in a bootstrap replicate: a Poisson(1) number from
 * 64 random bits, by inversion. Chamandy, Muralidharan, Najmi & Naidu,
 * "Estimating uncertainty for massive data streams" (2012).
 */
static int64
times_drawn(uint64 bits)
{
	double u = ldexp((double) (bits >> 11), -53);
	double prob = 0.36787944117144233; /* e^-1 */
	int64 times = 0;

	for (; u >= prob && prob > 0; prob /= times)
	{
		u -= prob;
		times++;
	}
	return times;
}

/* customer_base(purchase_history, replicate integer, seed bigint): transition */
AGG_FUNCTION_INFO_V1(customer_base_add_replicate);
static Datum
customer_base_add_replicate_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		return agg_state_unchanged(fcinfo);

	uint64 replicate = hash_combine64((uint64) PG_GETARG_INT64(3), (uint64) PG_GETARG_INT32(2));
	Counting counting = {
		.until = HISTORY_ALL,
		.times = times_drawn(history_hash(PG_GETARG_DATUM(1), replicate)),
	};

	return count_customer(fcinfo, &counting);
}

/* Adds the second base to the first: combine, and transition of rollup. */
AGG_FUNCTION_INFO_V1(customer_base_merge);
static Datum
customer_base_merge_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);

	BaseState *state = state_argument(fcinfo);

	base_state_merge(state, PG_GETARG_DATUM(1));
	return agg_state_result(fcinfo, &state->map.growing);
}

/* customer_base - customer_base → customer_base: the customers of the first without those of the second */
PG_FUNCTION_INFO_V1(customer_base_subtract);
Datum
customer_base_subtract(PG_FUNCTION_ARGS)
{
	BaseState *state = base_state_make(CurrentMemoryContext);

	base_state_merge(state, PG_GETARG_DATUM(0));
	base_state_subtract(state, PG_GETARG_DATUM(1));
	PG_RETURN_POINTER(base_state_pack_rest(state));
}

AGG_FUNCTION_INFO_V1(customer_base_final);
static Datum
customer_base_final_in_group(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(agg_state_stored(PG_GETARG_DATUM(0)));
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
	BaseTotals totals = base_totals(PG_GETARG_DATUM(0));

	if (DATE_NOT_FINITE(totals.observed_until))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(totals.observed_until);
}

/* The covariates of a class as an array. */
static Datum
covariates_array(const double *covariates, int count)
{
	Datum elements[FIT_MAX_COVARIATES];

	for (int i = 0; i < count; i++)
		elements[i] = Float8GetDatum(covariates[i]);
	return PointerGetDatum(
		construct_array(elements, count, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* unnest(customer_base) → setof (repeat_count, last_order_days, first_order_on, customer_count, covariates) */
PG_FUNCTION_INFO_V1(customer_base_unnest);
Datum
customer_base_unnest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum base = PointerGetDatum(agg_state_stored(PG_GETARG_DATUM(0)));
	uint32 classes;
	double *covariates = base_covariates(base, &classes);
	BaseReader reader;

	InitMaterializedSRF(fcinfo, 0);
	base_open(&reader, base);
	while (base_next(&reader) && entry_kind(&reader.entry) == BASE_TIMING)
	{
		const BaseEntry *entry = &reader.entry;
		int count = reader.head.covariates;
		Datum values[5] = {
			Int32GetDatum((int32) entry_x(entry)),
			Int32GetDatum((int32) timing_t_x(entry)),
			DateADTGetDatum(timing_first(entry)),
			Int64GetDatum(entry->value),
			count == 0 ? (Datum) 0 : covariates_array(covariates + (Size) entry_class(entry) * count, count),
		};
		bool nulls[5] = {false, false, false, false, count == 0};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}
