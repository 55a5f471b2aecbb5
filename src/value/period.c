/*
 * period.c
 *	  Calendar periods, numbered one after another.
 */
#include "compat.h"

#include "utils/datetime.h"

#include "value/period.h"

const char *const period_names[PERIODS] = {"day", "week", "month", "quarter", "year"};

/* Days of 400 years, after which the calendar repeats itself. */
#define CYCLE_DAYS 146097.0
#define CYCLE_MONTHS 4800.0

/* 2000-01-03, day 2 of the server's calendar, was a Monday. */
#define FIRST_MONDAY 2

bool
period_by_name(const char *name, Period *period)
{
	for (int i = PERIOD_WEEK; i < PERIODS; i++)
		if (strcmp(period_names[i], name) == 0)
		{
			*period = (Period) i;
			return true;
		}
	return false;
}

/* Months in a period that is made of them; nobody asks of days and weeks. */
static int
period_months(Period period)
{
	switch (period)
	{
		case PERIOD_QUARTER:
			return 3;
		case PERIOD_YEAR:
			return 12;
		default:
			return 1;
	}
}

/* Division that rounds down also below zero. */
static inline int32
floor_division(int32 number, int32 divisor)
{
	return number / divisor - (number % divisor < 0);
}

int32
longer_period_number(Period period, DateADT day)
{
	int			year,
				month,
				day_of_month;

	if (period == PERIOD_WEEK)
		return floor_division(day - FIRST_MONDAY, 7);
	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &day_of_month);
	return floor_division(year * 12 + month - 1, period_months(period));
}

DateADT
period_first_day(Period period, int32 number)
{
	if (period == PERIOD_DAY)
		return number;
	if (period == PERIOD_WEEK)
		return number * 7 + FIRST_MONDAY;

	int32		month = number * period_months(period);
	int32		year = floor_division(month, 12);

	return date2j(year, month - year * 12 + 1, 1) - POSTGRES_EPOCH_JDATE;
}

double
period_mean_days(Period period)
{
	if (period == PERIOD_DAY)
		return 1;
	return period == PERIOD_WEEK ? 7 : period_months(period) * CYCLE_DAYS / CYCLE_MONTHS;
}
