/*
 * season.h
 *	  season: how the rate of all customers' purchases goes by the calendar.
 *
 * A season has factors, or counts that a fit estimates them from, or both: then the
 * factors were estimated from these counts.
 *
 * Text:	{"by": "month", "factors": [0.9, …], "counts": [120, …], "days": [["2025-11-28", 3], …],
 *			"weak": true}, the last only where it is
 * Stored:	the struct, as this machine has it
 * Binary:	version, by and what it has (1 byte each), the number of days of the table
 *			(int32), factors (float8), counts (int8), and the table: days (int32) and
 *			factors (float8)
 */
#ifndef SEASON_SEASON_H
#define SEASON_SEASON_H

#include "compat.h"

#include "utils/date.h"

#include "models/core/season.h"
#include "support/json.h"

#define SEASON_VERSION 1

#define SEASON_HAS_FACTORS 1
#define SEASON_HAS_COUNTS 2

/* Beside both: the model that was fitted with the season has a far lower BIC without it. */
#define SEASON_IS_WEAK 4

typedef struct Season
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	uint8 version;
	uint8 by;     /* SeasonBy */
	uint8 has;    /* SEASON_HAS_…, SEASON_IS_WEAK */
	uint8 unused; /* always zero */
	int32 n_days;
	int32 unused_too; /* always zero */

	/* factors and what is before each slot, if it has them; counts (int64), if it has them; SeasonDay[n_days] */
	double more[FLEXIBLE_ARRAY_MEMBER];
} Season;

StaticAssertDecl(offsetof(Season, more) == 16, "a season has no hidden padding");
StaticAssertDecl(sizeof(SeasonDay) == 24, "a day of a season has no hidden padding");
StaticAssertDecl(sizeof(DateADT) == sizeof(((SeasonDay *) 0)->day), "days are dates");

/* Counts are exact in a double, and so is their sum. */
#define SEASON_MOST_COUNTED ((double) (INT64CONST(1) << 44))

#define PG_GETARG_SEASON(n) season_get(PG_GETARG_DATUM(n))

extern const char *const season_by_names[SEASON_BYS];

/* What the factors of a season go by, by its name; an unknown name is an error that lists all. */
extern SeasonBy season_by_named(const char *name);

/* The same of a season that is counted, as this argument: by month, week or day. */
extern SeasonBy season_counted_by_named(const char *name, const char *argument);

static inline bool
season_has_factors(const Season *season)
{
	return (season->has & SEASON_HAS_FACTORS) != 0;
}

static inline bool
season_has_counts(const Season *season)
{
	return (season->has & SEASON_HAS_COUNTS) != 0;
}

static inline bool
season_is_weak(const Season *season)
{
	return (season->has & SEASON_IS_WEAK) != 0;
}

/* A season in plain memory, its version checked; and a new one, all zero. */
extern const Season *season_get(Datum value);
extern Season *season_make(SeasonBy by, int has, int n_days);

/* Its parts; NULL where it has none. */
extern double *season_factors_of(const Season *season);
extern int64 *season_counts_of(const Season *season);
extern SeasonDay *season_days_of(const Season *season);

/* The clock of a season that has factors; it points into the season. */
extern SeasonClock season_clock(const Season *season);

/* Completes the clock of a season whose factors and days are set. */
extern void season_complete(Season *season);

/* A season of these factors, completed, with the counts of another that has them (NULL: without counts) and its table. */
extern Season *season_with_factors(SeasonBy by, const double *factors, const Season *counted);

/* A copy without counts. */
extern Season *season_without_counts(const Season *season);

/* Counts repeat transactions of a day. */
extern void season_count(Season *season, DateADT day, int64 times);

/* The sum of the counts. */
extern double season_total(const Season *season);

/* The error in a season from untrusted input; NULL if it is valid. */
extern const char *season_problem(const Season *season);

/* The forms of a season, for values that contain one. Reading returns NULL after a soft error. */
extern void season_append(StringInfo out, const Season *season);
extern Season *season_read(JsonInput *in, JsonbContainer *object);
extern void season_write(StringInfo out, const Season *season);
extern Season *season_receive(StringInfo in, const char *type);

#endif /* SEASON_SEASON_H */
