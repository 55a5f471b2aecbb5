/*
 * retention_agg.c
 *	  The aggregates retention_base and rollup, and the accessors of a base.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/tuplestore.h"

#include "retention/retention_state.h"
#include "support/agg_group.h"
#include "support/args.h"

/* The first argument as a state that an aggregate may continue; otherwise a new state with its contents. */
static RetentionState *
state_argument(FunctionCallInfo fcinfo, PeriodLength period)
{
	RetentionState *state = PG_ARGISNULL(0) ? NULL : agg_state_to_write(PG_GETARG_DATUM(0));

	if (state == NULL)
	{
		RetentionBase base = {.period = period};

		if (!PG_ARGISNULL(0))
			base = PG_GETARG_RETENTION_BASE(0);
		state = retention_state_make(base.period, agg_state_parent(fcinfo));
		retention_state_merge(state, &base);
	}
	retention_state_check_period(state, period);
	return state;
}

/*
 * The tenure of a customer. Only periods that were complete on the day as_of
 * count, for all customers alike: one who leaves in an incomplete period still
 * counts as alive, or ended contracts would be observed earlier than live
 * ones.
 *
 * A contract that ends on the day of a renewal, or on the last day before it,
 * was not renewed; one that ends within a period does not survive it.
 */
static ContractCell
customer_cell(DateADT started_on, DateADT ended_on, DateADT as_of, PeriodLength period)
{
	int64 seen = periods_between(started_on, as_of, period);
	int64 ended = seen + 1;

	if (ended_on <= as_of)
		ended = ended_on > started_on ? periods_between(started_on, ended_on - 1, period) + 1 : 1;
	if (Min(seen, ended) > CONTRACT_MAX_TENURE)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a customer since %s has more than %d periods of %s", date_text(started_on),
						CONTRACT_MAX_TENURE, period_length_text(period))));
	return ended <= seen ? (ContractCell){(uint32) ended, 1, 0} : (ContractCell){(uint32) seen, 0, 1};
}

/* retention_base(started_on, ended_on, as_of [, period]): transition */
AGG_FUNCTION_INFO_V1(retention_base_add);
static Datum
retention_base_add_in_group(PG_FUNCTION_ARGS)
{
	bool has_period = PG_NARGS() > 4;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(3) || (has_period && PG_ARGISNULL(4)))
		return agg_state_unchanged(fcinfo);

	PeriodLength period = has_period ? period_length_of(PG_GETARG_INTERVAL_P(4)) : (PeriodLength){1, 0};
	DateADT started_on = finite_day_argument(fcinfo, 1, "started_on", NULL);
	DateADT ended_on = PG_ARGISNULL(2) ? DATEVAL_NOEND : PG_GETARG_DATEADT(2);
	DateADT as_of = finite_day_argument(fcinfo, 3, "as_of", NULL);

	check_days_not_reversed("started_on", started_on, "ended_on", ended_on,
							"Leave such rows out with FILTER (WHERE ended_on >= started_on OR ended_on IS NULL).");
	if (started_on > as_of)
		return agg_state_unchanged(fcinfo);

	ContractCell cell = customer_cell(started_on, ended_on, as_of, period);

	RetentionState *state = state_argument(fcinfo, period);

	retention_state_add(state, &cell);
	return agg_state_result(fcinfo, &state->growing);
}

/* retention_base(tenure, ended, customers, period): transition, from counts */
AGG_FUNCTION_INFO_V1(retention_base_add_count);
static Datum
retention_base_add_count_in_group(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 1, 4))
		return agg_state_unchanged(fcinfo);

	bool ended = PG_GETARG_BOOL(2);
	int32 tenure = int_argument(fcinfo, 1, "tenure", ended ? 1 : 0, CONTRACT_MAX_TENURE,
								ended ? "A contract that ends in the first period has tenure 1." : NULL);
	int64 customers = big_count_argument(fcinfo, 3, "customers");
	PeriodLength period = period_length_of(PG_GETARG_INTERVAL_P(4));

	ContractCell cell = {(uint32) tenure, ended ? customers : 0, ended ? 0 : customers};

	RetentionState *state = state_argument(fcinfo, period);

	retention_state_add(state, &cell);
	return agg_state_result(fcinfo, &state->growing);
}

/* Adds the second base to the first: combine, and transition of rollup. */
AGG_FUNCTION_INFO_V1(retention_base_merge);
static Datum
retention_base_merge_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);

	RetentionBase other = PG_GETARG_RETENTION_BASE(1);

	RetentionState *state = state_argument(fcinfo, other.period);

	retention_state_merge(state, &other);
	return agg_state_result(fcinfo, &state->growing);
}

AGG_FUNCTION_INFO_V1(retention_base_final);
static Datum
retention_base_final_in_group(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(agg_state_stored(PG_GETARG_DATUM(0)));
}

/* customer_count(retention_base) → bigint */
PG_FUNCTION_INFO_V1(retention_base_customer_count);
Datum
retention_base_customer_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(PG_GETARG_RETENTION_BASE(0).customers);
}

/* ended_customer_count(retention_base) → bigint */
PG_FUNCTION_INFO_V1(retention_base_ended_count);
Datum
retention_base_ended_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(PG_GETARG_RETENTION_BASE(0).ended);
}

/* unnest(retention_base) → setof (tenure, ended_count, alive_count) */
PG_FUNCTION_INFO_V1(retention_base_unnest);
Datum
retention_base_unnest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	RetentionBase base = PG_GETARG_RETENTION_BASE(0);

	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; i < base.n_cells; i++)
	{
		Datum values[3] = {
			Int32GetDatum((int32) base.cells[i].tenure),
			Int64GetDatum(base.cells[i].ended),
			Int64GetDatum(base.cells[i].alive),
		};
		bool nulls[3] = {false};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}
