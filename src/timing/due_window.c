/*
 * due_window.c
 *	  The ends of an interval as quantiles of the day of the next order.
 */
#include "compat.h"

#include "support/args.h"

/* level_quantile(level, upper) → the quantile at the end of an interval of so much probability */
PG_FUNCTION_INFO_V1(level_quantile);
Datum
level_quantile(PG_FUNCTION_ARGS)
{
	double level = level_argument(fcinfo, 0);

	PG_RETURN_FLOAT8((PG_GETARG_BOOL(1) ? 1 + level : 1 - level) / 2);
}
