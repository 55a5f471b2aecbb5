/*
 * history_period.c
 *	  A purchase history in discrete time: instead of days, calendar periods
 *	  with or without an order.
 */
#include "compat.h"

#include "history/history.h"

HistorySummary
history_summarise_periods(Datum history, DateADT until, Period period, GapSink sink, void *context)
{
	HistorySummary summary = {.recorded_until = DATEVAL_NOBEGIN};
	HistoryReader reader;
	PurchaseDay day;
	int32 last = 0;

	history_open(&reader, history, until);
	summary.encoding = reader.encoding;
	while (history_next_day(&reader, &day))
	{
		int32 number = period_number(period, day.day);

		summary.recorded_until = day.day;
		spend_merge(&summary.total, &day.spend);
		if (summary.transactions == 1 && number == last)
			summary.first_day = summary.total;
		if (day.orders == 0)
			continue;
		summary.orders += day.orders;
		if (summary.transactions > 0 && number == last)
			continue;

		summary.last = period_first_day(period, number);
		if (summary.transactions++ == 0)
		{
			summary.first = summary.last;
			summary.first_day = summary.total;
		}
		else if (sink != NULL)
			sink(context, number - last);
		last = number;
	}
	summary.complete = reader.left == 0;
	return summary;
}
