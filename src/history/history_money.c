/*
 * history_money.c
 *	  Amounts for reports: numeric, rounded to a number of digits.
 *
 * The accessors that models and scores use give float8, which is fast. These
 * give the exact sum of the decimal amounts: at one and a half times the cost,
 * or five times for an average, because every numeric is allocated separately.
 * Amounts stored as float8 count as the shortest decimal number that reads
 * back to them, which is the one that was written; each costs a numeric.
 */
#include "compat.h"

#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "history/history.h"
#include "support/numeric.h"

#define MOST_DIGITS 100

/*
 * With this many digits more, rounding a quotient twice equals rounding it
 * once: the divisor is at most 1e6 orders.
 */
#define GUARD_DIGITS 20

/* Argument digits, checked. */
static int32
digits_argument(FunctionCallInfo fcinfo, int argno)
{
	int32 digits = PG_GETARG_INT32(argno);

	if (digits < 0 || digits > MOST_DIGITS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("digits must be between 0 and %d, but is %d", MOST_DIGITS, digits), errhint("2 is cents.")));
	return digits;
}

static Datum
round_to(Datum number, int32 digits)
{
	return DirectFunctionCall2(numeric_round, number, Int32GetDatum(digits));
}

/* Totals of purchases. */
typedef struct ExactSpend
{
	Datum sum; /* numeric, net of refunds */
	int64 orders;
	bool known; /* every amount is known */
} ExactSpend;

/* Adds an amount to a sum, which it frees. */
static Datum
add_amount(Datum sum, double amount)
{
	Datum term = double_to_numeric(amount);
	Datum result = DirectFunctionCall2(numeric_add, sum, term);

	pfree(DatumGetPointer(sum));
	pfree(DatumGetPointer(term));
	return result;
}

/* Adds up the remaining purchases of a reader, from a day on. */
static ExactSpend
exact_spend(HistoryReader *reader, DateADT since)
{
	bool decimal = reader->encoding <= HISTORY_MAX_DECIMALS;
	ExactSpend spend = {.known = true};
	int64 units = 0;

	if (!decimal)
		spend.sum = double_to_numeric(0);
	while (history_next(reader))
	{
		double amount = history_amount(reader);

		CHECK_FOR_INTERRUPTS();
		if (reader->day < since)
			continue;
		spend.orders += !(amount < 0);
		if (decimal)
			units += reader->units;
		else if (isnan(amount))
			spend.known = false;
		else
			spend.sum = add_amount(spend.sum, amount);
	}
	if (decimal)
		spend.sum = NumericGetDatum(int64_div_fast_to_numeric(units, reader->encoding));
	return spend;
}

/* The amounts of all purchases. */
static ExactSpend
spend_argument(FunctionCallInfo fcinfo)
{
	HistoryReader reader;

	history_open(&reader, PG_GETARG_DATUM(0), HISTORY_ALL);
	return exact_spend(&reader, DATEVAL_NOBEGIN);
}

/* total_spend(purchase_history, digits integer) → numeric: all amounts, net of refunds */
PG_FUNCTION_INFO_V1(total_spend_rounded);
Datum
total_spend_rounded(PG_FUNCTION_ARGS)
{
	int32 digits = digits_argument(fcinfo, 1);
	ExactSpend spend = spend_argument(fcinfo);

	if (!spend.known)
		PG_RETURN_NULL();
	return round_to(spend.sum, digits);
}

/* avg_order_value(purchase_history, digits integer) → numeric: total spend over the number of orders */
PG_FUNCTION_INFO_V1(avg_order_value_rounded);
Datum
avg_order_value_rounded(PG_FUNCTION_ARGS)
{
	int32 digits = digits_argument(fcinfo, 1);
	ExactSpend spend = spend_argument(fcinfo);

	if (!spend.known || spend.orders == 0)
		PG_RETURN_NULL();

	/* A quotient has at least as many digits as the dividend. */
	Datum sum = DirectFunctionCall2(numeric_add, spend.sum, round_to(double_to_numeric(0), digits + GUARD_DIGITS));

	return round_to(DirectFunctionCall2(numeric_div, sum, NumericGetDatum(int64_to_numeric(spend.orders))), digits);
}

/* spend_between(purchase_history, since date, until date, digits integer) → numeric: spend in [since, until), net */
PG_FUNCTION_INFO_V1(spend_between_rounded);
Datum
spend_between_rounded(PG_FUNCTION_ARGS)
{
	int32 digits = digits_argument(fcinfo, 3);
	HistoryReader reader;
	ExactSpend spend;

	history_open_window(&reader, PG_GETARG_DATUM(0), PG_GETARG_DATEADT(2));
	spend = exact_spend(&reader, PG_GETARG_DATEADT(1));
	if (!spend.known)
		PG_RETURN_NULL();
	return round_to(spend.sum, digits);
}

/* rounded(value float8 [, digits integer]) → numeric: a score or a sum of them, to be read */
PG_FUNCTION_INFO_V1(float8_rounded);
Datum
float8_rounded(PG_FUNCTION_ARGS)
{
	double value = PG_GETARG_FLOAT8(0);
	int32 digits = digits_argument(fcinfo, 1);

	if (!isfinite(value))
		PG_RETURN_NULL();
	return round_to(double_to_numeric(value), digits);
}
