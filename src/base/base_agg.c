/*
 * base_agg.c
 *	  The aggregates customer_base and rollup, and what a base tells.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/tuplestore.h"

#include "base/base_state.h"
#include "history/history.h"

/* The state in the first argument: one that may be written in place. */
static BaseState *
state_argument(FunctionCallInfo fcinfo, bool in_aggregate)
{
	struct varlena *value = PG_ARGISNULL(0) ? NULL : PG_GETARG_VARLENA_P(0);

	/* Outside an aggregate the argument is somebody's value: work on another. */
	if (value != NULL && base_is_state(value) && !in_aggregate)
		value = base_state_pack((BaseState *) value);
	return base_state_of(value);
}

/* A state inside an aggregate; elsewhere the value it stands for. */
static Datum
state_result(BaseState *state, bool in_aggregate)
{
	return in_aggregate ? PointerGetDatum(state) : PointerGetDatum(base_state_pack(state));
}

/* Nothing was added: the first argument as it is, which only inside an aggregate may be a state. */
static Datum
unchanged_result(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (AggCheckCallContext(fcinfo, NULL))
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	PG_RETURN_POINTER(base_stored(PG_GETARG_DATUM(0)));
}

/* What the spend model needs of a customer with repeat transactions. */
static BaseState *
add_repeat_spend(BaseState *state, uint32 x, double spend)
{
	uint64		left_out = base_group(BASE_LEFT_OUT, 0);

	if (isnan(spend))
		return base_state_add(state, left_out, LEFT_OUT_NO_AMOUNTS, 1);
	if (!(spend > 0) || isinf(spend))
		return base_state_add(state, left_out, LEFT_OUT_NO_SPEND, 1);
	return base_state_add_spend(state, x, spend, 1);
}

static BaseState *
add_customer(BaseState *state, const HistorySummary *customer)
{
	if (customer->transactions == 0)
		return base_state_add(state, base_group(BASE_LEFT_OUT, 0), LEFT_OUT_NO_ORDERS, 1);

	uint32		x = customer->transactions - 1;
	uint64		timing = timing_detail(customer->last - customer->first, customer->first);

	state = base_state_add_soon(state, base_group(BASE_TIMING, x), timing);
	return x == 0 ? state : add_repeat_spend(state, x, history_repeat_spend(customer));
}

/* customer_base(purchase_history [, until date]): transition */
PG_FUNCTION_INFO_V1(customer_base_add);
Datum
customer_base_add(PG_FUNCTION_ARGS)
{
	bool		has_until = PG_NARGS() > 2;

	if (PG_ARGISNULL(1) || (has_until && PG_ARGISNULL(2)))
		return unchanged_result(fcinfo);

	DateADT		until = has_until ? PG_GETARG_DATEADT(2) : HISTORY_ALL;

	if (has_until && DATE_NOT_FINITE(until))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("until is %s", DATE_IS_NOBEGIN(until) ? "-infinity" : "infinity")));

	HistorySummary customer = history_summarise(PG_GETARG_DATUM(1), until);
	bool		in_aggregate = AggCheckCallContext(fcinfo, NULL) != 0;
	BaseState  *state = add_customer(state_argument(fcinfo, in_aggregate), &customer);

	if (has_until)
		state->until = Max(state->until, until);
	return state_result(state, in_aggregate);
}

/* Adds the second base to the first: combine, and transition of rollup. */
PG_FUNCTION_INFO_V1(customer_base_merge);
Datum
customer_base_merge(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return unchanged_result(fcinfo);

	bool		in_aggregate = AggCheckCallContext(fcinfo, NULL) != 0;
	struct varlena *other = PG_GETARG_VARLENA_PP(1);

	/* What the first process has counted is where the sum begins: the executor copies it. */
	if (in_aggregate && PG_ARGISNULL(0) && base_is_state(other))
		PG_RETURN_POINTER(PG_GETARG_VARLENA_P(1));
	return state_result(base_state_merge(state_argument(fcinfo, in_aggregate), other), in_aggregate);
}

PG_FUNCTION_INFO_V1(customer_base_final);
Datum
customer_base_final(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_P(0);

	PG_RETURN_POINTER(base_is_state(value) ? base_state_pack((BaseState *) value) : value);
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

/* unnest(customer_base) → setof (repeat_count, last_order_days, first_order_on, customer_count) */
PG_FUNCTION_INFO_V1(customer_base_unnest);
Datum
customer_base_unnest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	BaseReader	reader;

	InitMaterializedSRF(fcinfo, 0);
	base_open(&reader, PG_GETARG_DATUM(0));
	while (base_next(&reader) && entry_kind(&reader.entry) == BASE_TIMING)
	{
		Datum		values[4] = {
			Int32GetDatum((int32) entry_x(&reader.entry)),
			Int32GetDatum((int32) timing_t_x(&reader.entry)),
			DateADTGetDatum(timing_first(&reader.entry)),
			Int64GetDatum(reader.entry.value)
		};
		bool		nulls[4] = {false};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}
