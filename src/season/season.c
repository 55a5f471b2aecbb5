/*
 * season.c
 *	  season as a value: its layout, and seasons made by hand.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/tuplestore.h"

#include "season/season.h"
#include "support/args.h"
#include "support/result.h"

const char *const season_by_names[SEASON_BYS] = {
	[SEASON_BY_YEAR] = "year",
	[SEASON_BY_MONTH] = "month",
	[SEASON_BY_WEEK] = "week",
	[SEASON_BY_DAY] = "day",
};

/* Factors are normalised to mean 1; those that are read have it to rounding. */
#define MEAN_TOLERANCE 1e-9

/* The numbers of the factors, and of the counts. */
static Size
factor_numbers(const Season *season)
{
	return season_has_factors(season) ? 2 * season_slots((SeasonBy) season->by) + 1 : 0;
}

static Size
count_numbers(const Season *season)
{
	return season_has_counts(season) ? season_slots((SeasonBy) season->by) : 0;
}

static Size
season_size(const Season *season)
{
	return offsetof(Season, more) + (factor_numbers(season) + count_numbers(season)) * sizeof(double) +
		season->n_days * sizeof(SeasonDay);
}

Season *
season_make(SeasonBy by, int has, int n_days)
{
	Season head = {.version = SEASON_VERSION, .by = (uint8) by, .has = (uint8) has, .n_days = n_days};
	Season *season = palloc0(season_size(&head));

	memcpy(season, &head, offsetof(Season, more));
	SET_VARSIZE(season, season_size(&head));
	return season;
}

const Season *
season_get(Datum value)
{
	const Season *season = (const Season *) PG_DETOAST_DATUM(value);

	if (unlikely(VARSIZE(season) < offsetof(Season, more) || season->version != SEASON_VERSION))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version of a stored season")));
	return season;
}

double *
season_factors_of(const Season *season)
{
	return season_has_factors(season) ? (double *) season->more : NULL;
}

int64 *
season_counts_of(const Season *season)
{
	return season_has_counts(season) ? (int64 *) (season->more + factor_numbers(season)) : NULL;
}

SeasonDay *
season_days_of(const Season *season)
{
	return (SeasonDay *) (season->more + factor_numbers(season) + count_numbers(season));
}

SeasonClock
season_clock(const Season *season)
{
	double *factors = season_factors_of(season);

	Assert(factors != NULL);
	return (SeasonClock){
		.by = (SeasonBy) season->by,
		.factor = factors,
		.before = factors + season_slots((SeasonBy) season->by),
		.n_days = season->n_days,
		.days = season_days_of(season),
	};
}

void
season_complete(Season *season)
{
	SeasonClock clock = season_clock(season);

	season_clock_prepare(&clock);
}

Season *
season_with_factors(SeasonBy by, const double *factors, const Season *counted)
{
	Season *season = season_make(by, SEASON_HAS_FACTORS | SEASON_HAS_COUNTS, counted->n_days);

	memcpy(season_factors_of(season), factors, season_slots(by) * sizeof(double));
	memcpy(season_counts_of(season), season_counts_of(counted), season_slots(by) * sizeof(int64));
	memcpy(season_days_of(season), season_days_of(counted), counted->n_days * sizeof(SeasonDay));
	season_complete(season);
	return season;
}

Season *
season_without_counts(const Season *season)
{
	Season *copy = season_make((SeasonBy) season->by, SEASON_HAS_FACTORS, season->n_days);

	memcpy(copy->more, season->more, factor_numbers(season) * sizeof(double));
	memcpy(season_days_of(copy), season_days_of(season), season->n_days * sizeof(SeasonDay));
	return copy;
}

double
season_total(const Season *season)
{
	const int64 *counts = season_counts_of(season);
	double total = 0;

	for (int i = 0; i < season_slots((SeasonBy) season->by); i++)
		total += (double) counts[i];
	return total;
}

/* What is wrong with factors; NULL: nothing. */
static const char *
factors_problem(const Season *season)
{
	const double *factors = season_factors_of(season);

	for (int i = 0; i < season_slots((SeasonBy) season->by); i++)
		if (!(factors[i] >= SEASON_LOWEST && factors[i] <= SEASON_HIGHEST))
			return "every factor must be between 1e-6 and 1e6";
	if (!(fabs(season_mean((SeasonBy) season->by, factors) - 1) <= MEAN_TOLERANCE))
		return "the mean of the factors over a year of 365 days must be 1";
	return NULL;
}

static const char *
days_problem(const Season *season)
{
	const SeasonDay *days = season_days_of(season);

	for (int i = 0; i < season->n_days; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!IS_VALID_DATE(days[i].day))
			return "a day is out of range";
		if (i > 0 && days[i].day <= days[i - 1].day)
			return "the days must ascend";
		if (!(days[i].factor >= SEASON_LOWEST && days[i].factor <= SEASON_HIGHEST))
			return "every factor must be between 1e-6 and 1e6";
	}
	return NULL;
}

/* The ordinary days that the table adds to the clock, or takes away. */
static double
days_added(const Season *season)
{
	const SeasonDay *days = season_days_of(season);
	const double *factors = season_factors_of(season);
	double sum = 0;

	for (int i = 0; i < season->n_days; i++)
	{
		CHECK_FOR_INTERRUPTS();
		sum += fabs(days[i].factor - 1) * factors[season_slot_of_day((SeasonBy) season->by, days[i].day)];
	}
	return sum;
}

const char *
season_problem(const Season *season)
{
	const char *problem = season_has_factors(season) ? factors_problem(season) : NULL;

	if (problem != NULL)
		return problem;
	if (season->has == 0)
		return "there are neither factors nor counts";
	if (season_is_weak(season) && !(season_has_factors(season) && season_has_counts(season)))
		return "only a season that was estimated can be weak";
	if (season->n_days > 0 && season_has_counts(season))
		return "a season with counts has no table of days";
	for (int i = 0; season_has_counts(season) && i < season_slots((SeasonBy) season->by); i++)
		if (season_counts_of(season)[i] < 0 || (double) season_counts_of(season)[i] > SEASON_MOST_COUNTED)
			return "a count is out of range";
	problem = days_problem(season);
	if (problem == NULL && season_has_factors(season) && !(days_added(season) <= SEASON_MOST_ADDED))
		return "the table of days adds more than 1e6 ordinary days";
	return problem;
}

SeasonBy
season_by_named(const char *name)
{
	for (int by = 0; by < SEASON_BYS; by++)
		if (strcmp(season_by_names[by], name) == 0)
			return (SeasonBy) by;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a season cannot be by \"%s\"", name),
			 errhint("Seasons are by month (12 factors), week (53), day (366) or year (1, for a table of days).")));
}

SeasonBy
season_counted_by_named(const char *name, const char *argument)
{
	for (int by = 0; by < SEASON_BYS; by++)
		if (by != SEASON_BY_YEAR && strcmp(season_by_names[by], name) == 0)
			return (SeasonBy) by;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must be month, week or day, but is \"%s\"", argument, name),
			 errhint("A season that returns every year is by month, week or day of the year.")));
}

/* The numbers of an array argument without NULLs. */
static double *
numbers_argument(FunctionCallInfo fcinfo, int argno, const char *name, int *count)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(argno);

	*count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (ARR_NDIM(array) > 1 || array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR), errmsg("%s must be a list without NULL", name)));
	return (double *) ARR_DATA_PTR(array);
}

static void
check_factor(double factor, const char *name)
{
	if (!(factor >= SEASON_LOWEST && factor <= SEASON_HIGHEST))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 1e-6 and 1e6, but one is %g", name, factor),
				 errhint("1 is the rate of an average day, 4 is four times as much.")));
}

/* Factors, divided by their mean. */
static void
set_factors(Season *season, const double *numbers, int count)
{
	SeasonBy by = (SeasonBy) season->by;
	double *factors = season_factors_of(season);
	double mean;

	if (count != season_slots(by))
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("a season by %s has %d factors, not %d", season_by_names[by], season_slots(by), count)));
	for (int i = 0; i < count; i++)
		check_factor(numbers[i], "factors");
	mean = season_mean(by, numbers);
	for (int i = 0; i < count; i++)
	{
		factors[i] = numbers[i] / mean;
		if (!(factors[i] >= SEASON_LOWEST && factors[i] <= SEASON_HIGHEST))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("factors must be between 1e-6 and 1e6 times their mean, but one is %g, and the mean %g",
							numbers[i], mean),
					 errhint("1 is the rate of an average day, 4 is four times as much.")));
	}
}

static int
compare_days(const void *a, const void *b)
{
	DateADT x = ((const SeasonDay *) a)->day;
	DateADT y = ((const SeasonDay *) b)->day;

	return (x > y) - (x < y);
}

/* The table of days, in any order. */
static void
set_days(Season *season, const DateADT *days, const double *factors)
{
	SeasonDay *table = season_days_of(season);

	for (int i = 0; i < season->n_days; i++)
	{
		CHECK_FOR_INTERRUPTS();
		check_finite_day(days[i], "a day of the season", NULL);
		check_factor(factors[i], "day_factors");
		table[i] = (SeasonDay){.day = days[i], .factor = factors[i]};
	}
	qsort(table, season->n_days, sizeof(SeasonDay), compare_days);
	for (int i = 1; i < season->n_days; i++)
		if (table[i].day == table[i - 1].day)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("days has %s twice", date_text(table[i].day))));
	if (!(days_added(season) <= SEASON_MOST_ADDED))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("day_factors may add 1e6 ordinary days in all, but these add %g", days_added(season)),
				 errhint("A factor of 4 adds three ordinary days. What is beyond that is no season.")));
}

/* season_of_factors(period, factors [, days, day_factors]) → season: made by hand */
PG_FUNCTION_INFO_V1(season_of_factors);
Datum
season_of_factors(PG_FUNCTION_ARGS)
{
	int n_days = 0;
	int n_day_factors = 0;
	int n_factors;
	const DateADT *days = NULL;
	const double *day_factors = NULL;

	if (any_null(fcinfo, 0, 1))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(2) != PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("days and day_factors belong together"),
				 errhint("Give both: array_agg(day), array_agg(factor).")));

	SeasonBy by = season_by_named(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	const double *factors = numbers_argument(fcinfo, 1, "factors", &n_factors);

	if (!PG_ARGISNULL(2))
	{
		days = (const DateADT *) numbers_argument(fcinfo, 2, "days", &n_days);
		day_factors = numbers_argument(fcinfo, 3, "day_factors", &n_day_factors);
	}
	if (n_days != n_day_factors)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("there are %d days, but %d day_factors", n_days, n_day_factors)));
	if (n_days > SEASON_MAX_DAYS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a season has at most %d days in its table, not %d", SEASON_MAX_DAYS, n_days)));

	Season *season = season_make(by, SEASON_HAS_FACTORS, n_days);

	set_factors(season, factors, n_factors);
	if (days != NULL)
		set_days(season, days, day_factors);
	season_complete(season);
	PG_RETURN_POINTER(season);
}

/* The first day of a slot, as month and day. */
static char *
slot_begins(SeasonBy by, int slot)
{
	int year, month, day;

	/* a leap year */
	j2date(POSTGRES_EPOCH_JDATE + season_first_place(by, slot), &year, &month, &day);
	return psprintf("%02d-%02d", month, day);
}

static void
put_row(ReturnSetInfo *results, Datum *values, bool *nulls)
{
	tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
}

/* season_factors(season) → setof (slot, begins, "on", factor, transaction_count) */
PG_FUNCTION_INFO_V1(season_factors);
Datum
season_factors(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	const Season *season = PG_GETARG_SEASON(0);
	SeasonBy by = (SeasonBy) season->by;
	const double *factors = season_factors_of(season);
	const int64 *counts = season_counts_of(season);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < season_slots(by); i++)
	{
		Datum values[5] = {
			Int32GetDatum(i + 1),
			CStringGetTextDatum(slot_begins(by, i)),
			0,
			Float8GetDatum(factors == NULL ? 0 : factors[i]),
			Int64GetDatum(counts == NULL ? 0 : counts[i]),
		};
		bool nulls[5] = {false, false, true, factors == NULL, counts == NULL};

		put_row(results, values, nulls);
	}
	for (int i = 0; i < season->n_days; i++)
	{
		const SeasonDay *day = &season_days_of(season)[i];
		Datum values[5] = {0, 0, DateADTGetDatum(day->day), Float8GetDatum(day->factor), 0};
		bool nulls[5] = {true, true, false, false, true};

		CHECK_FOR_INTERRUPTS();
		put_row(results, values, nulls);
	}
	return (Datum) 0;
}

/* season_factor(season, day) → float8: the factor of a day; NULL if the season has none yet */
PG_FUNCTION_INFO_V1(season_factor_on);
Datum
season_factor_on(PG_FUNCTION_ARGS)
{
	const Season *season = PG_GETARG_SEASON(0);
	DateADT day = needed_day_argument(fcinfo, 1, "day", NULL);
	SeasonClock clock;

	if (!season_has_factors(season))
		PG_RETURN_NULL();
	clock = season_clock(season);
	PG_RETURN_FLOAT8(season_factor(&clock, day));
}
