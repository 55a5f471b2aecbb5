/*
 * anniversary.c
 *	  The same day in another year.
 */
#include "compat.h"

#include "utils/date.h"
#include "utils/datetime.h"
#include "support/args.h"

/* The anniversary of a day in a year (astronomical: 0 is 1 BC); 29 February is on the 28th in other years. */
static int
anniversary_in(int year, int month, int day)
{
	return date2j(year, month, Min(day, day_tab[isleap(year)][month - 1])) - POSTGRES_EPOCH_JDATE;
}

/* next_anniversary(on, as_of) → date: the first on as_of or later, but never the day itself */
PG_FUNCTION_INFO_V1(next_anniversary);
Datum
next_anniversary(PG_FUNCTION_ARGS)
{
	DateADT event = PG_GETARG_DATEADT(0);
	DateADT as_of = PG_GETARG_DATEADT(1);
	int year, month, day, this_year, ignored;
	int64 next;

	check_finite_day(event, "\"on\"", NULL);
	check_finite_day(as_of, "as_of", NULL);
	j2date(event + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	j2date(as_of + POSTGRES_EPOCH_JDATE, &this_year, &ignored, &ignored);
	this_year = Max(this_year, year + 1);
	if (this_year + 1 >= JULIAN_MAXYEAR)
		PG_RETURN_NULL();
	next = anniversary_in(this_year, month, day);
	if (next < as_of)
		next = anniversary_in(this_year + 1, month, day);
	if (!IS_VALID_DATE(next))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT((DateADT) next);
}
