/*
 * calendar.h
 *	  Periods: their lengths, and those of the calendar, numbered consecutively.
 *
 * A period has a length in whole months or whole days. Those of the calendar
 * (Period) begin on the same days for all customers and are the time axis of
 * discrete-time models; those of a contract begin on its own first day.
 */
#ifndef SUPPORT_CALENDAR_H
#define SUPPORT_CALENDAR_H

#include "fmgr.h"
#include "utils/date.h"
#include "utils/timestamp.h"

/* The length of a year, where a yearly rate is one of days; the server has DAYS_PER_YEAR, 365.25. */
#define YEAR_DAYS 365.0

/* The length of a period: one of the two is zero. */
typedef struct PeriodLength
{
	int32 months;
	int32 days;
} PeriodLength;

/* A century. */
#define PERIOD_MAX_MONTHS 1200
#define PERIOD_MAX_DAYS 36525

extern bool period_length_valid(PeriodLength length);

static inline bool
period_lengths_equal(PeriodLength a, PeriodLength b)
{
	return a.months == b.months && a.days == b.days;
}

/* The length given by an interval; an error if it is not a valid one. */
extern PeriodLength period_length_of(const Interval *interval);

/* As text for messages: "12 months". */
extern char *period_length_text(PeriodLength length);

/* In years of discounting, as in clv_estimate: of 12 months, or YEAR_DAYS. */
extern double period_length_years(PeriodLength length);

/* Whole periods from one day to another, if that is not before it. */
extern int64 periods_between(DateADT from, DateADT to, PeriodLength length);

/* Stored on disk: never renumbered. */
typedef enum Period
{
	PERIOD_DAY,  /* the calendar itself; days are numbered as dates are */
	PERIOD_WEEK, /* Monday to Sunday */
	PERIOD_MONTH,
	PERIOD_QUARTER,
	PERIOD_YEAR,
	PERIODS,
} Period;

/*
 * Tables and fits by the calendar cover at most so many periods, two hundred years of weeks: neither
 * memory nor time grows with the distance of two days. MODEL_MAX_PERIODS is the same, for models.
 */
#define CALENDAR_MAX_PERIODS 10436

/* The names of the periods, "day" first. */
extern const char *const period_names[PERIODS];

/* The period of this name, but PERIOD_DAY; false if there is none. The second allocates nothing: it may be called for each row. */
extern bool period_by_name(const char *name, Period *period);
extern bool period_by_text(const text *name, Period *period);

/* The period that an argument names; an error if it is NULL, or there is none of this name. */
extern Period period_argument(FunctionCallInfo fcinfo, int argno, const char *name);

/* The number of the period that a day lies in, and the first day of a period. Days are numbers already. */
extern int32 longer_period_number(Period period, DateADT day);
extern DateADT period_first_day(Period period, int32 number);

static inline int32
period_number(Period period, DateADT day)
{
	return likely(period == PERIOD_DAY) ? day : longer_period_number(period, day);
}

extern PeriodLength period_length(Period period);

/* The mean length of a period in days, in the Gregorian calendar. */
extern double period_mean_days(Period period);

/*
 * Reads a day as ISO 8601 has it, year-month-day, and moves *at behind it; false where none is there. Month and day of the month
 * have two digits, or at least so many.
 */
extern bool calendar_read_day(const char **at, const char *end, int least_digits, DateADT *day);

#endif /* SUPPORT_CALENDAR_H */
