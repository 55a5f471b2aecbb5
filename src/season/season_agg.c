/*
 * season_agg.c
 *	  The aggregates season and rollup: repeat transactions counted by slot.
 *
 * The state is the value itself, whose size does not change: it is written in place.
 */
#include "compat.h"

#include <string.h>

#include "miscadmin.h"
#include "utils/builtins.h"

#include "history/history.h"
#include "season/season.h"
#include "support/agg_group.h"
#include "support/agg_state.h"
#include "support/args.h"

/* The season in the first argument, which an aggregate may write to, or a copy of it, or a new one. */
static Season *
state_argument(FunctionCallInfo fcinfo, SeasonBy by)
{
	const Season *given;
	Season *copy;

	if (PG_ARGISNULL(0))
		return season_make(by, SEASON_HAS_COUNTS, 0);
	given = PG_GETARG_SEASON(0);
	if (!season_has_counts(given) || season_has_factors(given))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a season with factors cannot be added to"),
				 errhint("Only counts can: season(history, period).")));
	if (given->by != by)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a season is by one thing, not by both %s and %s", season_by_names[given->by],
						season_by_names[by])));
	if (AggCheckCallContext(fcinfo, NULL))
		return (Season *) given;
	copy = season_make(by, SEASON_HAS_COUNTS, 0);
	memcpy(copy, given, VARSIZE(given));
	return copy;
}

static void
add_to_slot(Season *season, int slot, int64 times)
{
	int64 *count = &season_counts_of(season)[slot];

	if ((double) times + (double) *count > SEASON_MOST_COUNTED)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %.0f transactions of a season cannot be counted", SEASON_MOST_COUNTED)));
	*count += times;
}

void
season_count(Season *season, DateADT day, int64 times)
{
	add_to_slot(season, season_slot_of_day((SeasonBy) season->by, day), times);
}

/* Argument period, in most rows the same as that of the state. */
static SeasonBy
by_argument(FunctionCallInfo fcinfo)
{
	text *word = PG_GETARG_TEXT_PP(2);

	for (int by = 0; by < SEASON_BYS; by++)
		if (by != SEASON_BY_YEAR && VARSIZE_ANY_EXHDR(word) == strlen(season_by_names[by]) &&
			memcmp(VARDATA_ANY(word), season_by_names[by], VARSIZE_ANY_EXHDR(word)) == 0)
			return (SeasonBy) by;
	return season_counted_by_named(text_to_cstring(word), "period");
}

/* season(history, period [, until]): transition; the days with an order after the first, up to a day */
AGG_FUNCTION_INFO_V1(season_add);
static Datum
season_add_in_group(PG_FUNCTION_ARGS)
{
	DateADT until = HISTORY_ALL;
	HistoryReader reader;
	PurchaseDay day;
	bool is_repeat = false;

	refuse_null(fcinfo, 2, "period", "Seasons are by month, week or day.");
	if (PG_NARGS() > 3)
		until = needed_day_argument(fcinfo, 3, "until", NULL);

	SeasonBy by = by_argument(fcinfo);

	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);

	Season *season = state_argument(fcinfo, by);

	history_open(&reader, PG_GETARG_DATUM(1), until);
	while (history_next_day(&reader, &day))
	{
		CHECK_FOR_INTERRUPTS();
		if (day.orders == 0)
			continue;
		if (is_repeat)
			season_count(season, day.day, 1);
		is_repeat = true;
	}
	PG_RETURN_POINTER(season);
}

/* Adds the counts of the second season to the first: combine, transition of rollup, and ||. */
AGG_FUNCTION_INFO_V1(season_merge);
static Datum
season_merge_in_group(PG_FUNCTION_ARGS)
{
	const Season *other;
	Season *season;

	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);
	other = PG_GETARG_SEASON(1);
	if (!season_has_counts(other) || season_has_factors(other))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a season with factors cannot be added"),
				 errhint("Only counts can: season(history, period).")));
	season = state_argument(fcinfo, (SeasonBy) other->by);
	for (int i = 0; i < season_slots((SeasonBy) other->by); i++)
		add_to_slot(season, i, season_counts_of(other)[i]);
	PG_RETURN_POINTER(season);
}

/* The finished value: a copy, as the state may go on. */
AGG_FUNCTION_INFO_V1(season_final);
static Datum
season_final_in_group(PG_FUNCTION_ARGS)
{
	const Season *state = PG_GETARG_SEASON(0);

	PG_RETURN_POINTER(memcpy(palloc(VARSIZE(state)), state, VARSIZE(state)));
}
