/*
 * season.h
 *	  The calendar clock of a season: time that runs faster when customers buy more.
 *
 * A season multiplies the rate of purchases of all customers by a factor A(day). The
 * factors go by the month, the week or the day of the year, with mean 1 over a common
 * year; a table of days, such as movable holidays, multiplies single days. A model
 * whose purchases are Poisson is then its plain form on the clock Λ, the sum of the
 * factors: Λ(t) in place of t (Bachmann, Meierer & Näf, Marketing Science 40:4 (2021),
 * with one covariate path for all).
 *
 * Day n is the time from n - 1 to n: what happens on a day stands at its end, so that
 * the time between two days is their difference. Days count from 2000-01-01, in the
 * Gregorian calendar without end.
 *
 * Λ is in closed form: years times their total, the part of a year by the slots before
 * it, and the table by binary search. It costs the same for any distance between days.
 */
#ifndef MODELS_CORE_SEASON_H
#define MODELS_CORE_SEASON_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "numerics/host.h"

/* What the factors go by. Stored on disk: never renumbered. */
typedef enum SeasonBy
{
	SEASON_BY_YEAR,  /* one slot: all there is comes from the table of days */
	SEASON_BY_MONTH, /* 12 */
	SEASON_BY_WEEK,  /* 53: days 1 to 7 of the year, and so on; 29 February has its place in all years */
	SEASON_BY_DAY,   /* 366, the 60th of which is 29 February */
	SEASON_BYS,
} SeasonBy;

#define SEASON_PLACES 366
#define SEASON_MAX_DAYS 36525

/* Factors beyond these are refused: days without any purchase are no season. */
#define SEASON_LOWEST 1e-6
#define SEASON_HIGHEST 1e6

/*
 * So many ordinary days may the table of days add, or take away, in all: sums up to here are exact to 1e-10 of a day,
 * and a difference of two of them is what the table says of any few days.
 */
#define SEASON_MOST_ADDED 1e6

/* A day of the table. */
typedef struct SeasonDay
{
	int32_t day;
	int32_t unused; /* always zero */
	double factor;  /* times that of its slot */
	double extra;   /* what this day and all before it in the table add to Λ; see season_clock_prepare() */
} SeasonDay;

/* A season as it is read. The arrays are the caller's. */
typedef struct SeasonClock
{
	SeasonBy by;
	const double *factor; /* of each slot */
	double *before;       /* Λ of the slots before each one, and of them all, in a year with 29 February */
	int n_days;
	SeasonDay *days; /* ascending */
} SeasonClock;

/* That of the calendar: every day's factor is 1. */
extern const SeasonClock season_even;

extern int season_slots(SeasonBy by);

/* The slot of a place in the year, and of a day; the first place of a slot (of the slot after the last: SEASON_PLACES). */
extern int season_slot_of_place(SeasonBy by, int place);
extern int season_slot_of_day(SeasonBy by, int64_t day);
extern int season_first_place(SeasonBy by, int slot);

/* The mean of factors over a common year. */
extern double season_mean(SeasonBy by, const double *factor);

/* Fill `before`, which has a slot more than there are, and `extra`, from the factors. */
extern void season_clock_prepare(SeasonClock *clock);

/* The factor of a day. */
extern double season_factor(const SeasonClock *clock, int64_t day);

/* Λ between two times, which may be parts of days: to the rounding of a year's days, or of Λ if that is more. */
extern double season_between(const SeasonClock *clock, double from, double until);

/*
 * Λ of whole days, looked up for the days of a century before `last`, computed for others:
 * what a population asks for millions of times.
 */
#define SEASON_TABLE_DAYS 36525

typedef struct SeasonTable
{
	const SeasonClock *clock;
	int64_t first; /* day of which Λ is until[0] */
	int64_t last;
	double *until; /* since the first day */
} SeasonTable;

extern SeasonTable season_table_make(const Host *host, const SeasonClock *clock, int64_t first, int64_t last);
extern void season_table_free(const Host *host, SeasonTable *table);

static inline double
season_table_between(const SeasonTable *table, int64_t from, int64_t until)
{
	if (from >= table->first && until >= table->first && from <= table->last && until <= table->last)
		return table->until[until - table->first] - table->until[from - table->first];
	return season_between(table->clock, (double) from, (double) until);
}

/* A run of days with one factor: from the end of day `from` to the end of day `until`. */
typedef struct SeasonRun
{
	int64_t from;
	int64_t until;
	double factor;
} SeasonRun;

/* The runs of the days of a table, ascending, one at least. */
extern SeasonRun *season_runs_make(const Host *host, const SeasonTable *table, size_t *n_runs);

/* The time at which Λ has grown by `amount` >= 0 since `from`; INFINITY for INFINITY. */
extern double season_after(const SeasonClock *clock, double from, double amount);

/* The end of the run of days with the factor of the day after `time`: the next time at which the factor may change. */
extern double season_next_change(const SeasonClock *clock, double time);

/*
 * Sums over times of weights, to be read as weights of the days before these times: what
 * each place of the year was exposed to. A stretch of time is its end with a weight and
 * its beginning with minus the weight.
 */
typedef struct SeasonExposure
{
	double years;
	double leap_years;
	double no_leap_day;
	double until[SEASON_PLACES];
} SeasonExposure;

extern void season_expose(SeasonExposure *exposure, int64_t day, double weight);

/*
 * The same weights, which may be negative, while they are many: those of the days of a table are
 * added up by the day. A weight of a part of a day is shared by its ends.
 */
typedef struct SeasonWeights
{
	int64_t first;
	int64_t last;
	double *by_day; /* last - first + 1 */
	SeasonExposure before;
} SeasonWeights;

static inline void
season_weigh_day(SeasonWeights *weights, int64_t day, double weight)
{
	if (day >= weights->first && day <= weights->last)
		weights->by_day[day - weights->first] += weight;
	else
		season_expose(&weights->before, day, weight);
}

static inline void
season_weigh(SeasonWeights *weights, double time, double weight)
{
	int64_t day = (int64_t) floor(time);
	double part = weight * (time - (double) day);

	season_weigh_day(weights, day, weight - part);
	if (part != 0.0)
		season_weigh_day(weights, day + 1, part);
}

/* The exposure of each slot. */
extern void season_exposed(const SeasonExposure *exposure, SeasonBy by, double *slots);

#endif /* MODELS_CORE_SEASON_H */
