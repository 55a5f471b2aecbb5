/*
 * history_agg.c
 *	  The aggregates purchase_history and rollup, and the operator ||.
 *
 * The transition state is the type itself. It grows by doubling; while there
 * is capacity a purchase is written in place and the same pointer returned,
 * which the executor recognises and does not copy. The final function never
 * touches the state, because window frames and other aggregates may go on with
 * it. In a user-defined aggregate without such a final function, the state is
 * a stored form at every step: slower, but no other form is ever stored.
 */
#include "compat.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "history/history.h"
#include "history/history_state.h"
#include "support/agg_group.h"
#include "support/agg_state.h"
#include "support/numeric.h"

/* The state in the first argument: NULL, or one that may be written in place. */
static inline HistoryState *
state_argument(FunctionCallInfo fcinfo, bool in_aggregate)
{
	if (PG_ARGISNULL(0))
		return NULL;

	struct varlena *value = PG_GETARG_VARLENA_P(0);

	if (in_aggregate && agg_state_in_place(value))
		return (HistoryState *) value;
	/* Called as an ordinary function, or continuing a stored history. */
	return history_state_make(value);
}

/* The state inside an aggregate with our final function; the stored form elsewhere. */
static inline Datum
state_result(HistoryState *state, bool in_aggregate)
{
	return PointerGetDatum(in_aggregate ? (struct varlena *) state : history_state_pack(state));
}

/* Nothing was added: the first argument unchanged, which may be a state only inside an aggregate. */
static Datum
unchanged_result(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (aggregate_finishes(fcinfo))
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	return state_result(state_argument(fcinfo, false), false);
}

/* The day of each supported type of time. */
typedef DateADT (*DayOf)(Datum ordered_at);

static void
infinite_time(const char *value)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("ordered_at must be finite, but is %s", value),
			 errhint("A purchase must have a day. Leave such rows out with WHERE or FILTER.")));
}

static inline DateADT
day_of_date(Datum ordered_at)
{
	DateADT day = DatumGetDateADT(ordered_at);

	if (DATE_NOT_FINITE(day))
		infinite_time(DATE_IS_NOBEGIN(day) ? "-infinity" : "infinity");
	return day;
}

static inline DateADT
day_of_timestamp(Datum ordered_at)
{
	Timestamp time = DatumGetTimestamp(ordered_at);
	int64 day = time / USECS_PER_DAY;

	if (TIMESTAMP_NOT_FINITE(time))
		infinite_time(TIMESTAMP_IS_NOBEGIN(time) ? "-infinity" : "infinity");
	return (DateADT) (day - (time % USECS_PER_DAY < 0));
}

/* The day in the session's time zone. */
static inline DateADT
day_of_timestamptz(Datum ordered_at)
{
	TimestampTz time = DatumGetTimestampTz(ordered_at);

	if (TIMESTAMP_NOT_FINITE(time))
		infinite_time(TIMESTAMP_IS_NOBEGIN(time) ? "-infinity" : "infinity");
	return DatumGetDateADT(DirectFunctionCall1(timestamptz_date, ordered_at));
}

/* The amount of each supported type; internally NaN stands for unknown. */
typedef double (*AmountOf)(Datum amount);

static double
finite_amount(double amount)
{
	if (isfinite(amount))
		return amount + 0.0; /* minus zero becomes zero: equal amounts, equal bytes */
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("amount is %s",
					isnan(amount)    ? "NaN"
						: amount > 0 ? "Infinity"
									 : "-Infinity"),
			 errhint("Correct such rows, or leave them out with WHERE or FILTER.")));
}

static inline double
amount_of_float8(Datum amount)
{
	return finite_amount(DatumGetFloat8(amount));
}

static inline double
amount_of_numeric(Datum amount)
{
	double nearest = numeric_to_double(amount);

	if (unlikely(isinf(nearest)) && !numeric_is_inf(DatumGetNumeric(amount)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("amount is %s, which is out of range", numeric_out_sci(DatumGetNumeric(amount), 3)),
				 errhint("Correct such rows, or leave them out with WHERE or FILTER.")));
	return finite_amount(nearest);
}

static inline Datum
history_add(FunctionCallInfo fcinfo, DayOf day_of, AmountOf amount_of)
{
	if (PG_ARGISNULL(1) || (amount_of != NULL && PG_ARGISNULL(2)))
		return unchanged_result(fcinfo);

	DateADT day = day_of(PG_GETARG_DATUM(1));
	double amount = amount_of == NULL ? NAN : amount_of(PG_GETARG_DATUM(2));
	bool in_aggregate = aggregate_finishes(fcinfo);
	HistoryState *state = history_state_add(state_argument(fcinfo, in_aggregate), day, amount);

	return state_result(state, in_aggregate);
}

#define HISTORY_ADD(name, day_of, amount_of) \
	AGG_FUNCTION_INFO_V1(name); \
	static Datum name##_in_group(PG_FUNCTION_ARGS) \
	{ \
		return history_add(fcinfo, day_of, amount_of); \
	}

HISTORY_ADD(purchase_history_add_date, day_of_date, NULL)
HISTORY_ADD(purchase_history_add_date_numeric, day_of_date, amount_of_numeric)
HISTORY_ADD(purchase_history_add_date_float8, day_of_date, amount_of_float8)
HISTORY_ADD(purchase_history_add_timestamp, day_of_timestamp, NULL)
HISTORY_ADD(purchase_history_add_timestamp_numeric, day_of_timestamp, amount_of_numeric)
HISTORY_ADD(purchase_history_add_timestamp_float8, day_of_timestamp, amount_of_float8)
HISTORY_ADD(purchase_history_add_timestamptz, day_of_timestamptz, NULL)
HISTORY_ADD(purchase_history_add_timestamptz_numeric, day_of_timestamptz, amount_of_numeric)
HISTORY_ADD(purchase_history_add_timestamptz_float8, day_of_timestamptz, amount_of_float8)

/* The text form of money depends on the locale: rejected, with a hint. */
PG_FUNCTION_INFO_V1(purchase_history_add_money);
Datum
purchase_history_add_money(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("amounts of type money are not supported"),
			 errhint("Cast them: purchase_history(ordered_at, amount::numeric).")));
}

/*
 * Adds the purchases of the second history to the first: combines partial
 * aggregates, is the transition of rollup, and the operator ||.
 */
AGG_FUNCTION_INFO_V1(purchase_history_merge);
static Datum
purchase_history_merge_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return unchanged_result(fcinfo);

	bool in_aggregate = aggregate_finishes(fcinfo);

	/* The first value becomes the history, in either form: the executor copies it. */
	if (in_aggregate && PG_ARGISNULL(0))
		PG_RETURN_POINTER(PG_GETARG_VARLENA_P(1));

	/* The second may be empty: then no purchase would create a state from NULL. */
	if (PG_ARGISNULL(0))
		return state_result(history_state_make(PG_GETARG_VARLENA_PP(1)), false);

	HistoryState *state = state_argument(fcinfo, in_aggregate);
	HistoryReader reader;

	history_start(&reader, PG_GETARG_VARLENA_PP(1), HISTORY_ALL);
	while (history_next(&reader))
		state = history_state_add(state, reader.day, history_amount(&reader));
	return state_result(state, in_aggregate);
}

/* The stored form of what was collected. */
AGG_FUNCTION_INFO_V1(purchase_history_final);
static Datum
purchase_history_final_in_group(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);

	if (agg_state_in_place(value))
		value = history_state_pack((HistoryState *) PG_GETARG_VARLENA_P(0));
	PG_RETURN_POINTER(value);
}
