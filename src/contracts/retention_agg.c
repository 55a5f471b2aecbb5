/*
 * retention_agg.c
 *	  The aggregates retention_base and rollup, and what a base tells.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/tuplestore.h"

#include "contracts/retention_state.h"

/* The state in the first argument, one that may be written in place; for NULL a new one. */
static RetentionState *
state_argument(FunctionCallInfo fcinfo, RetentionPeriod period)
{
	if (PG_ARGISNULL(0))
		return retention_state_make(period);

	struct varlena *value = PG_GETARG_VARLENA_P(0);
	RetentionState *state;

	/* Outside an aggregate the argument is somebody's value: work on another. */
	if (retention_is_state(value) && !AggCheckCallContext(fcinfo, NULL))
	{
		RetentionBase base = retention_state_base((RetentionState *) value);

		value = retention_base_pack(&base);
	}
	state = retention_state_of(value);
	retention_state_check_period(state, period);
	return state;
}

static struct varlena *
pack_state(const RetentionState *state)
{
	RetentionBase base = retention_state_base(state);

	return retention_base_pack(&base);
}

/* A state inside an aggregate; elsewhere the value it stands for. */
static Datum
state_result(FunctionCallInfo fcinfo, RetentionState *state)
{
	return AggCheckCallContext(fcinfo, NULL) ? PointerGetDatum(state) : PointerGetDatum(pack_state(state));
}

/* The state as it came, for a row that says nothing. */
static Datum
state_unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

static char *
date_text(DateADT day)
{
	return DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(day)));
}

static DateADT
finite_argument(FunctionCallInfo fcinfo, int place, const char *name)
{
	DateADT		day = PG_GETARG_DATEADT(place);

	if (DATE_NOT_FINITE(day))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("%s is %s", name, date_text(day))));
	return day;
}

/*
 * How far a customer came. Only periods that were over on the day as_of count,
 * for all customers alike: who leaves in one that is not over yet still counts
 * as alive, or those who left would be seen earlier than those who stay.
 *
 * A contract that ends on the day of a renewal, or on the last day before it,
 * was not renewed; one that ends within a period does not survive it.
 */
static ContractCell
customer_cell(DateADT started_on, DateADT ended_on, DateADT as_of, RetentionPeriod period)
{
	int64		seen = retention_periods_between(started_on, as_of, period);
	int64		ended = seen + 1;

	if (ended_on <= as_of)
		ended = ended_on > started_on ? retention_periods_between(started_on, ended_on - 1, period) + 1 : 1;
	if (Min(seen, ended) > CONTRACT_MAX_TENURE)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a customer since %s has more than %d periods of %s",
						date_text(started_on), CONTRACT_MAX_TENURE, retention_period_text(period))));
	return ended <= seen ? (ContractCell) {(uint32) ended, 1, 0} : (ContractCell) {(uint32) seen, 0, 1};
}

/* retention_base(started_on, ended_on, as_of [, period]): transition */
PG_FUNCTION_INFO_V1(retention_base_add);
Datum
retention_base_add(PG_FUNCTION_ARGS)
{
	bool		has_period = PG_NARGS() > 4;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(3) || (has_period && PG_ARGISNULL(4)))
		return state_unchanged(fcinfo);

	RetentionPeriod period = has_period ? retention_period_of(PG_GETARG_INTERVAL_P(4)) : (RetentionPeriod) {1, 0};
	DateADT		started_on = finite_argument(fcinfo, 1, "started_on");
	DateADT		ended_on = PG_ARGISNULL(2) ? DATEVAL_NOEND : PG_GETARG_DATEADT(2);
	DateADT		as_of = finite_argument(fcinfo, 3, "as_of");

	if (ended_on < started_on)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ended_on %s is before started_on %s", date_text(ended_on), date_text(started_on)),
				 errhint("Leave such rows out with FILTER (WHERE ended_on >= started_on OR ended_on IS NULL).")));
	if (started_on > as_of)
		return state_unchanged(fcinfo);

	ContractCell cell = customer_cell(started_on, ended_on, as_of, period);

	return state_result(fcinfo, retention_state_add(state_argument(fcinfo, period), &cell));
}

/* retention_base(tenure, ended, customers, period): transition, from counts */
PG_FUNCTION_INFO_V1(retention_base_add_count);
Datum
retention_base_add_count(PG_FUNCTION_ARGS)
{
	for (int i = 1; i <= 4; i++)
		if (PG_ARGISNULL(i))
			return state_unchanged(fcinfo);

	int32		tenure = PG_GETARG_INT32(1);
	bool		ended = PG_GETARG_BOOL(2);
	int64		customers = PG_GETARG_INT64(3);
	RetentionPeriod period = retention_period_of(PG_GETARG_INTERVAL_P(4));

	if (tenure < (ended ? 1 : 0) || tenure > CONTRACT_MAX_TENURE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("tenure must be from %d to %d, but is %d", ended ? 1 : 0, CONTRACT_MAX_TENURE, tenure),
				 ended ? errhint("Who ends in the first period has tenure 1.") : 0));
	if (customers < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("customers must not be negative, but is " INT64_FORMAT, customers)));

	ContractCell cell = {(uint32) tenure, ended ? customers : 0, ended ? 0 : customers};

	return state_result(fcinfo, retention_state_add(state_argument(fcinfo, period), &cell));
}

/* Adds the second base to the first: combine, and transition of rollup. */
PG_FUNCTION_INFO_V1(retention_base_merge);
Datum
retention_base_merge(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return state_unchanged(fcinfo);

	RetentionBase other = PG_GETARG_RETENTION_BASE(1);

	return state_result(fcinfo, retention_state_merge(state_argument(fcinfo, other.period), &other));
}

PG_FUNCTION_INFO_V1(retention_base_final);
Datum
retention_base_final(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_P(0);

	PG_RETURN_POINTER(retention_is_state(value) ? pack_state((RetentionState *) value) : value);
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
		Datum		values[3] = {
			Int32GetDatum((int32) base.cells[i].tenure),
			Int64GetDatum(base.cells[i].ended),
			Int64GetDatum(base.cells[i].alive)
		};
		bool		nulls[3] = {false};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}
