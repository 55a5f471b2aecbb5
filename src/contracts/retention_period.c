/*
 * retention_period.c
 *	  The length of a contract period, and how many fit between two days.
 */
#include "compat.h"

#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"

#include "contracts/contracts.h"

/* A year of discounting, as in clv_estimate. */
#define DISCOUNT_YEAR_MONTHS 12.0
#define DISCOUNT_YEAR_DAYS 365.0

bool
retention_period_valid(RetentionPeriod period)
{
	return (period.months == 0) != (period.days == 0) &&
		period.months >= 0 && period.months <= RETENTION_MAX_MONTHS &&
		period.days >= 0 && period.days <= RETENTION_MAX_DAYS;
}

double
retention_period_years(RetentionPeriod period)
{
	return period.months / DISCOUNT_YEAR_MONTHS + period.days / DISCOUNT_YEAR_DAYS;
}

RetentionPeriod
retention_period_of(const Interval *interval)
{
	RetentionPeriod period = {interval->month, interval->day};

	if (interval->time != 0 || !retention_period_valid(period))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("period must be whole months or whole days, up to a century, but is %s",
						DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(interval)))),
				 errhint("Write '1 month', '1 year' or '7 days'.")));
	return period;
}

char *
retention_period_text(RetentionPeriod period)
{
	int32		count = period.months + period.days;

	return psprintf("%d %s%s", count, period.months > 0 ? "month" : "day", count == 1 ? "" : "s");
}

void
retention_period_append(StringInfo out, RetentionPeriod period)
{
	if (period.months > 0)
		appendStringInfo(out, "\"period_months\": %d", period.months);
	else
		appendStringInfo(out, "\"period_days\": %d", period.days);
}

bool
retention_period_read(JsonInput *in, JsonbContainer *object, RetentionPeriod *period)
{
	JsonbValue *in_months = json_member(object, "period_months");
	JsonbValue *in_days = json_member(object, "period_days");
	int64		count;

	*period = (RetentionPeriod) {0};
	if ((in_months == NULL) == (in_days == NULL))
		return json_fail(in, "Either \"period_months\" or \"period_days\" must say how long a period is.");
	if (in_months != NULL)
	{
		if (!json_read_int(in, in_months, "period_months", 1, RETENTION_MAX_MONTHS, &count))
			return false;
		period->months = (int32) count;
	}
	else
	{
		if (!json_read_int(in, in_days, "period_days", 1, RETENTION_MAX_DAYS, &count))
			return false;
		period->days = (int32) count;
	}
	return true;
}

/*
 * The largest n for which from + n periods is not after to. Adding months goes
 * as the server does it: what begins on the 31st ends a month on the last day
 * of a shorter month.
 */
int64
retention_periods_between(DateADT from, DateADT to, RetentionPeriod period)
{
	int			year[2],
				month[2],
				day[2];

	if (period.days > 0)
		return ((int64) to - from) / period.days;

	j2date(from + POSTGRES_EPOCH_JDATE, &year[0], &month[0], &day[0]);
	j2date(to + POSTGRES_EPOCH_JDATE, &year[1], &month[1], &day[1]);

	int			last_day = day_tab[isleap(year[1])][month[1] - 1];
	int64		elapsed = ((int64) year[1] - year[0]) * 12 + month[1] - month[0];

	if (day[1] < Min(day[0], last_day))
		elapsed--;
	return elapsed / period.months;
}
