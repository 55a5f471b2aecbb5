/*
 * season.c
 *	  The calendar clock of a season.
 *
 * Days become years and places by the algorithm of days from civil dates in eras of 400
 * years that begin in March (Fliegel & Van Flandern, CACM 11:10 (1968), in Hinnant's
 * form). A place is that of the day in a year with 29 February: other years jump over
 * place 59.
 */
#include "models/core/season.h"

#include <math.h>

#define LEAP_PLACE 59

/* From 0000-03-01 to 2000-01-01; days of 400 years. */
#define DAYS_BEFORE_2000 730425
#define ERA_DAYS 146097

/* In the years that begin in March, 1 January has this number; in the calendar's, 1 March has that place. */
#define JANUARY 306
#define MARCH 60

/* Whole days are exact up to here; beyond it the factors' mean, 1, is all that matters. */
#define FURTHEST 1e12

static const int month_starts[] = {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, SEASON_PLACES};

/* A day of the calendar. */
typedef struct YearDay
{
	int64_t year; /* since 2000 */
	int place;    /* 0 .. 365 */
	bool leap;
} YearDay;

static const double even_factor[] = {1.0};
static double even_before[] = {0.0, SEASON_PLACES};

const SeasonClock season_even = {.by = SEASON_BY_YEAR, .factor = even_factor, .before = even_before};

static int64_t
floor_divide(int64_t number, int64_t by)
{
	return number >= 0 ? number / by : -((by - 1 - number) / by);
}

static YearDay
year_day(int64_t day)
{
	int64_t since = day + DAYS_BEFORE_2000;
	int64_t era = floor_divide(since, ERA_DAYS);
	int64_t of_era = since - era * ERA_DAYS;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / (ERA_DAYS - 1)) / 365;
	int of_year = (int) (of_era - (365 * year + year / 4 - year / 100));
	YearDay result = {
		.year = year + 400 * era - 2000 + (of_year >= JANUARY),
		.place = of_year >= JANUARY ? of_year - JANUARY : of_year + MARCH,
	};

	result.leap = result.year % 4 == 0 && (result.year % 100 != 0 || result.year % 400 == 0);
	return result;
}

/* Leap years from 2000 to the one before; negative for those before 2000. */
static int64_t
leap_years_before(int64_t year)
{
	int64_t last = year - 1;

	return floor_divide(last, 4) - floor_divide(last, 100) + floor_divide(last, 400) + 1;
}

int
season_slots(SeasonBy by)
{
	static const int slots[SEASON_BYS] = {1, 12, 53, SEASON_PLACES};

	return slots[by];
}

int
season_first_place(SeasonBy by, int slot)
{
	switch (by)
	{
		case SEASON_BY_MONTH:
			return month_starts[slot];
		case SEASON_BY_WEEK:
			return slot < 53 ? slot * 7 : SEASON_PLACES;
		case SEASON_BY_DAY:
			return slot;
		default:
			return slot == 0 ? 0 : SEASON_PLACES;
	}
}

int
season_slot_of_place(SeasonBy by, int place)
{
	int slot;

	switch (by)
	{
		case SEASON_BY_MONTH:
			slot = place / 31;
			return slot + (place >= month_starts[slot + 1]);
		case SEASON_BY_WEEK:
			return place / 7;
		case SEASON_BY_DAY:
			return place;
		default:
			return 0;
	}
}

int
season_slot_of_day(SeasonBy by, int64_t day)
{
	return season_slot_of_place(by, year_day(day).place);
}

double
season_mean(SeasonBy by, const double *factor)
{
	double sum = 0.0;

	for (int slot = 0; slot < season_slots(by); slot++)
	{
		int first = season_first_place(by, slot);
		int end = season_first_place(by, slot + 1);

		sum += (end - first - (first <= LEAP_PLACE && LEAP_PLACE < end)) * factor[slot];
	}
	return sum / (SEASON_PLACES - 1);
}

void
season_clock_prepare(SeasonClock *clock)
{
	int slots = season_slots(clock->by);
	double extra = 0.0;
	double lost = 0.0;

	clock->before[0] = 0.0;
	for (int slot = 0; slot < slots; slot++)
		clock->before[slot + 1] = clock->before[slot] +
			(season_first_place(clock->by, slot + 1) - season_first_place(clock->by, slot)) * clock->factor[slot];
	for (int i = 0; i < clock->n_days; i++)
	{
		SeasonDay *special = &clock->days[i];

		/* Neumaier's sum: each is right to its last digit, however many there are before */
		double more = (special->factor - 1.0) * clock->factor[season_slot_of_day(clock->by, special->day)];
		double sum = extra + more;

		lost += fabs(extra) >= fabs(more) ? (extra - sum) + more : (more - sum) + extra;
		extra = sum;
		special->extra = extra + lost;
	}
}

/* The days of the table up to and including a day. */
static int
days_until(const SeasonClock *clock, int64_t day)
{
	int low = 0;
	int high = clock->n_days;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (clock->days[middle].day <= day)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

double
season_factor(const SeasonClock *clock, int64_t day)
{
	int until = days_until(clock, day);
	double factor = clock->factor[season_slot_of_day(clock->by, day)];

	return until > 0 && clock->days[until - 1].day == day ? factor * clock->days[until - 1].factor : factor;
}

/* Λ from the beginning of its year to the end of a day, without the table of days. */
static double
within_year(const SeasonClock *clock, const YearDay *day)
{
	int slot = season_slot_of_place(clock->by, day->place);
	double sum = clock->before[slot] + (day->place - season_first_place(clock->by, slot) + 1) * clock->factor[slot];

	return day->place > LEAP_PLACE && !day->leap ? sum - clock->factor[season_slot_of_place(clock->by, LEAP_PLACE)]
												 : sum;
}

/* Λ between the ends of two days. */
static double
between_days(const SeasonClock *clock, int64_t from, int64_t until)
{
	YearDay first = year_day(from);
	YearDay last = year_day(until);
	double leap_day = clock->factor[season_slot_of_place(clock->by, LEAP_PLACE)];
	double year = clock->before[season_slots(clock->by)] - leap_day;
	double sum = (double) (last.year - first.year) * year +
		(double) (leap_years_before(last.year) - leap_years_before(first.year)) * leap_day +
		(within_year(clock, &last) - within_year(clock, &first));

	if (clock->n_days > 0)
	{
		int before = days_until(clock, from);
		int through = days_until(clock, until);

		sum +=
			(through > 0 ? clock->days[through - 1].extra : 0.0) - (before > 0 ? clock->days[before - 1].extra : 0.0);
	}
	return sum;
}

double
season_between(const SeasonClock *clock, double from, double until)
{
	double first = floor(from);
	double last = floor(until);
	double sum;

	if (!(fabs(from) < FURTHEST) || !(fabs(until) < FURTHEST))
		return until - from;
	sum = between_days(clock, (int64_t) first, (int64_t) last);
	if (until > last)
		sum += (until - last) * season_factor(clock, (int64_t) last + 1);
	if (from > first)
		sum -= (from - first) * season_factor(clock, (int64_t) first + 1);
	return sum;
}

SeasonTable
season_table_make(const Host *host, const SeasonClock *clock, int64_t first, int64_t last)
{
	SeasonTable table = {.clock = clock, .first = first, .last = last};

	if (table.first < last - SEASON_TABLE_DAYS)
		table.first = last - SEASON_TABLE_DAYS;
	table.until = host->alloc(sizeof(double) * (size_t) (last - table.first + 1));
	for (int64_t day = table.first; day <= last; day++)
	{
		host_poll_at((size_t) (day - table.first));
		table.until[day - table.first] = between_days(clock, table.first, day);
	}
	return table;
}

void
season_table_free(const Host *host, SeasonTable *table)
{
	host->release(table->until);
}

double
season_after(const SeasonClock *clock, double from, double amount)
{
	int64_t start = (int64_t) floor(fmin(fmax(from, -FURTHEST), FURTHEST));
	double goal = amount + (from - (double) start) * season_factor(clock, start + 1);
	int64_t low = start;
	int64_t high;

	if (!(goal < FURTHEST) || !(fabs(from) < FURTHEST))
		return from + amount;

	/* the last day at whose end Λ has not grown by more */
	for (high = start + 1 + (int64_t) goal; between_days(clock, start, high) <= goal; high += high - start)
		low = high;
	while (high - low > 1)
	{
		int64_t middle = low + (high - low) / 2;

		if (between_days(clock, start, middle) <= goal)
			low = middle;
		else
			high = middle;
	}
	return (double) low + (goal - between_days(clock, start, low)) / season_factor(clock, low + 1);
}

double
season_next_change(const SeasonClock *clock, double time)
{
	int64_t next = (int64_t) floor(time) + 1;
	YearDay day = year_day(next);
	int slot = season_slot_of_place(clock->by, day.place);
	int end = season_first_place(clock->by, slot + 1);
	int64_t change = next + (end - 1 - day.place) - (day.place < LEAP_PLACE && LEAP_PLACE < end && !day.leap);
	int table = days_until(clock, next);

	/* days of the table, of one factor, that follow each other */
	if (table > 0 && clock->days[table - 1].day == next)
	{
		int last = table - 1;

		while (last + 1 < clock->n_days && clock->days[last + 1].day == clock->days[last].day + 1 &&
			   clock->days[last + 1].factor == clock->days[last].factor && clock->days[last + 1].day <= change)
			last++;
		return (double) clock->days[last].day;
	}
	if (table < clock->n_days && clock->days[table].day <= change)
		change = clock->days[table].day - 1;
	return (double) change;
}

SeasonRun *
season_runs_make(const Host *host, const SeasonTable *table, size_t *n_runs)
{
	SeasonRun *runs;
	size_t n = 0;

	for (int64_t day = table->first; day < table->last; n++)
	{
		host_poll_at(n);
		day = (int64_t) season_next_change(table->clock, (double) day);
	}
	runs = host->alloc(sizeof(SeasonRun) * (n + 1));
	*n_runs = 0;
	runs[0] = (SeasonRun){table->first, table->last, season_factor(table->clock, table->first + 1)};
	for (int64_t day = table->first; day < table->last; ++*n_runs)
	{
		int64_t change = (int64_t) season_next_change(table->clock, (double) day);

		host_poll_at(*n_runs);
		runs[*n_runs] =
			(SeasonRun){day, change < table->last ? change : table->last, season_factor(table->clock, day + 1)};
		day = change;
	}
	if (*n_runs == 0)
		*n_runs = 1;
	return runs;
}

void
season_expose(SeasonExposure *exposure, int64_t day, double weight)
{
	YearDay at = year_day(day);

	exposure->years += weight * (double) at.year;
	exposure->leap_years += weight * (double) leap_years_before(at.year);
	if (at.place > LEAP_PLACE && !at.leap)
		exposure->no_leap_day += weight;
	exposure->until[at.place] += weight;
}

void
season_exposed(const SeasonExposure *exposure, SeasonBy by, double *slots)
{
	double until = 0.0;

	for (int slot = 0; slot < season_slots(by); slot++)
		slots[slot] = 0.0;
	for (int place = SEASON_PLACES - 1; place >= 0; place--)
	{
		until += exposure->until[place];
		slots[season_slot_of_place(by, place)] +=
			until + (place == LEAP_PLACE ? exposure->leap_years - exposure->no_leap_day : exposure->years);
	}
}
