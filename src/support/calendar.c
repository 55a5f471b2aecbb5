/*
 * calendar.c
 *	  Periods: their lengths, and those of the calendar, numbered consecutively.
 */
#include "compat.h"

#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"

#include "support/args.h"
#include "support/calendar.h"

#define YEAR_MONTHS 12

const char *const period_names[PERIODS] = {"day", "week", "month", "quarter", "year"};

static const PeriodLength period_lengths[PERIODS] = {
	[PERIOD_DAY] = {.days = 1},
	[PERIOD_WEEK] = {.days = 7},
	[PERIOD_MONTH] = {.months = 1},
	[PERIOD_QUARTER] = {.months = 3},
	[PERIOD_YEAR] = {.months = YEAR_MONTHS},
};

/* Days of 400 years, after which the calendar repeats itself. */
#define CYCLE_DAYS 146097.0
#define CYCLE_MONTHS 4800.0

/* 2000-01-03, day 2 of the server's calendar, was a Monday. */
#define FIRST_MONDAY 2

static bool
find_period(const char *name, Size length, Period *period)
{
	for (int i = PERIOD_WEEK; i < PERIODS; i++)
		if (strlen(period_names[i]) == length && memcmp(period_names[i], name, length) == 0)
		{
			*period = (Period) i;
			return true;
		}
	return false;
}

bool
period_by_name(const char *name, Period *period)
{
	return find_period(name, strlen(name), period);
}

bool
period_by_text(const text *name, Period *period)
{
	return find_period(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), period);
}

#define PERIOD_HINT "It is week, month, quarter or year."

Period
period_argument(FunctionCallInfo fcinfo, int argno, const char *name)
{
	Period period;

	refuse_null(fcinfo, argno, name, PERIOD_HINT);
	if (!period_by_text(PG_GETARG_TEXT_PP(argno), &period))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no %s \"%s\"", name, text_to_cstring(PG_GETARG_TEXT_PP(argno))),
				 errhint(PERIOD_HINT)));
	return period;
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
	int year, month, day_of_month;

	PeriodLength length = period_lengths[period];

	if (length.days > 0)
		return floor_division(day - FIRST_MONDAY, length.days);
	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &day_of_month);
	return floor_division(year * YEAR_MONTHS + month - 1, length.months);
}

DateADT
period_first_day(Period period, int32 number)
{
	if (period == PERIOD_DAY)
		return number;

	PeriodLength length = period_lengths[period];

	if (length.days > 0)
		return number * length.days + FIRST_MONDAY;

	int32 month = number * length.months;
	int32 year = floor_division(month, YEAR_MONTHS);

	return date2j(year, month - year * YEAR_MONTHS + 1, 1) - POSTGRES_EPOCH_JDATE;
}

PeriodLength
period_length(Period period)
{
	return period_lengths[period];
}

double
period_mean_days(Period period)
{
	PeriodLength length = period_lengths[period];

	return length.days > 0 ? length.days : length.months * CYCLE_DAYS / CYCLE_MONTHS;
}

bool
period_length_valid(PeriodLength length)
{
	return (length.months == 0) != (length.days == 0) && length.months >= 0 && length.months <= PERIOD_MAX_MONTHS &&
		length.days >= 0 && length.days <= PERIOD_MAX_DAYS;
}

double
period_length_years(PeriodLength length)
{
	return length.months / (double) YEAR_MONTHS + length.days / YEAR_DAYS;
}

PeriodLength
period_length_of(const Interval *interval)
{
	PeriodLength length = {interval->month, interval->day};

	if (interval->time != 0 || !period_length_valid(length))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("period must be whole months or whole days, up to a century, but is %s",
						DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(interval)))),
				 errhint("Write '1 month', '1 year' or '7 days'.")));
	return length;
}

char *
period_length_text(PeriodLength length)
{
	int32 count = length.months + length.days;

	return psprintf("%d %s%s", count, length.months > 0 ? "month" : "day", count == 1 ? "" : "s");
}

/*
 * The largest n for which from + n periods is not after to. Months are added
 * as the server does it: a contract that begins on the 31st ends a period on
 * the last day of a shorter month.
 */
int64
periods_between(DateADT from, DateADT to, PeriodLength length)
{
	int year[2], month[2], day[2];

	if (length.days > 0)
		return ((int64) to - from) / length.days;

	j2date(from + POSTGRES_EPOCH_JDATE, &year[0], &month[0], &day[0]);
	j2date(to + POSTGRES_EPOCH_JDATE, &year[1], &month[1], &day[1]);

	int last_day = day_tab[isleap(year[1])][month[1] - 1];
	int64 elapsed = ((int64) year[1] - year[0]) * YEAR_MONTHS + month[1] - month[0];

	if (day[1] < Min(day[0], last_day))
		elapsed--;
	return elapsed / length.months;
}

/* The digits at *at as a number, which *at is moved behind; -1: there are fewer than so many, or more. */
static int
read_digits(const char **at, const char *end, int least, int most)
{
	int number = 0;
	int count = 0;

	for (; *at < end && **at >= '0' && **at <= '9'; (*at)++)
		if (++count > most)
			return -1;
		else
			number = number * 10 + (**at - '0');
	return count >= least ? number : -1;
}

bool
calendar_read_day(const char **at, const char *end, int least_digits, DateADT *day)
{
	int year = read_digits(at, end, 4, 7);
	int month = year < 0 || *at == end || *(*at)++ != '-' ? -1 : read_digits(at, end, least_digits, 2);
	int of_month = month < 0 || *at == end || *(*at)++ != '-' ? -1 : read_digits(at, end, least_digits, 2);

	if (year < 1 || month < 1 || month > MONTHS_PER_YEAR || of_month < 1 ||
		of_month > day_tab[isleap(year)][month - 1] || !IS_VALID_JULIAN(year, month, of_month))
		return false;
	*day = date2j(year, month, of_month) - POSTGRES_EPOCH_JDATE;
	return IS_VALID_DATE(*day);
}
