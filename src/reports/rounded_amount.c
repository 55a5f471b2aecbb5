/*
 * rounded_amount.c
 *	  Amounts of the scores as numeric, with two decimals.
 *
 * The server's cast prints the double and parses the digits. A sum of money is nearly
 * always a whole number of hundredths, which needs neither: it becomes numeric by way of
 * an integer; and so does the mean of two, which is a whole number of thousandths. The result
 * is the same to the bit, also where the cast has to decide. Large amounts have their hundredths
 * beyond the fifteen digits that the cast keeps: of them all digits count.
 */
#include "compat.h"

#include <math.h>

#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "reports/rounded_amount.h"
#include "support/numeric.h"

/* From here on not even the tenths of a double are sure. */
#define TOO_LARGE 1e15

/*
 * Up to here the fifteen digits that the cast takes are five decimals or more: with the
 * product's rounding they move the hundredths by less than 0.0007, and so do not decide
 * which way a number is rounded that is not as near to a half.
 */
#define MOST_AS_INTEGER 1e10
#define SURELY_ROUNDED 0.499

/*
 * The hundredths of an amount, rounded as the cast and numeric_round do it; false where they must. A double
 * that is the nearest to a whole number of thousandths is printed as that: it is a half if it looks like one.
 */
static bool
whole_hundredths(double amount, int64 *hundredths)
{
	double exact = amount * 100;
	double thousandths = rint(amount * 1000);

	if (!(fabs(amount) < MOST_AS_INTEGER))
		return false;
	if (fabs(exact - rint(exact)) < SURELY_ROUNDED)
		*hundredths = (int64) rint(exact);
	else if (thousandths / 1000 == amount)
		*hundredths = ((int64) thousandths + (amount < 0 ? -5 : 5)) / 10;
	else
		return false;
	return true;
}

bool
amount_as_numeric(double amount, Datum *rounded)
{
	int64 hundredths;

	if (!(fabs(amount) < TOO_LARGE))
		return false;
	if (whole_hundredths(amount, &hundredths))
	{
		*rounded = NumericGetDatum(int64_div_fast_to_numeric(hundredths, 2));
		return true;
	}

	Datum exact = fabs(amount) < MOST_AS_INTEGER ? DirectFunctionCall1(float8_numeric, Float8GetDatum(amount))
												 : double_to_numeric(amount);

	*rounded = DirectFunctionCall2(numeric_round, exact, Int32GetDatum(2));
	return true;
}
