/*
 * period.h
 *	  Calendar periods, numbered one after another: what discrete-time models
 *	  count in.
 */
#ifndef VALUE_PERIOD_H
#define VALUE_PERIOD_H

#include "utils/date.h"

/* Stored on disk: never renumbered. */
typedef enum Period
{
	PERIOD_DAY,					/* the calendar itself; days are numbered as dates are */
	PERIOD_WEEK,				/* Monday to Sunday */
	PERIOD_MONTH,
	PERIOD_QUARTER,
	PERIOD_YEAR,
	PERIODS
} Period;

/* The words for them, "day" first. */
extern const char *const period_names[PERIODS];

/* The period of this name; false if there is none. */
extern bool period_by_name(const char *name, Period *period);

/* The number of the period that a day lies in, and the first day of a period. Days are numbers already. */
extern int32 longer_period_number(Period period, DateADT day);
extern DateADT period_first_day(Period period, int32 number);

static inline int32
period_number(Period period, DateADT day)
{
	return likely(period == PERIOD_DAY) ? day : longer_period_number(period, day);
}

/* The mean length of a period in days, in the Gregorian calendar. */
extern double period_mean_days(Period period);

#endif							/* VALUE_PERIOD_H */
