/*
 * population.h
 *	  A population of customers as the input of a likelihood.
 *
 * The likelihood of a timing model depends, for each customer, only on the
 * number x of repeat purchases, the time t_x of the last one and the age T.
 * All times are whole days, so customers share cells (x, t_x, T), cells share
 * the pairs (x, t_x) and (x, T), and pairs share x. The costly functions
 * belong to the pairs and to x; what is left per cell is cheap. Hence this
 * shape, a tree of classes over x and recency whose leaves point at the ages:
 *
 *		frequencies x --+-- recencies (x, t_x) ---- cells --.
 *		                |                                   |
 *		                '-- ages (x, T)  <------------------'
 *
 * Everything is sorted by x, then by time, so the order of summation does not
 * depend on the order of the input.
 *
 * On the clock of a season (see season.h) times are those of the clock, which
 * depend on the day of the first purchase: customers then share (x, t_x) only
 * if they share T, too. A coarse copy shares them as without a season.
 *
 * A population with days keeps those of its customers, too: for models on two
 * clocks, which need both, and where the season is to be set anew. Its coarse
 * copies have days as well.
 */
#ifndef MODELS_CORE_POPULATION_H
#define MODELS_CORE_POPULATION_H

#include <stddef.h>
#include <stdint.h>

#include "models/core/season.h"
#include "numerics/host.h"

/* Customers with the same history, as given by the caller. */
typedef struct PopulationCell
{
	uint32_t x;       /* repeat purchases */
	int32_t t_x_days; /* from the first purchase to the last; 0 if x = 0 */
	int32_t T_days;   /* from the first purchase to now; >= t_x_days */
	double customers; /* how many; cells with none are ignored */
} PopulationCell;

/* All customers with x repeat purchases. */
typedef struct FrequencyClass
{
	uint32_t x;
	double customers;
	size_t first_recency; /* its recencies end where the next class's begin */
	size_t first_age;     /* and so do its ages */
} FrequencyClass;

/* All customers with x repeat purchases of which the last was at t_x, and on a clock with one age. x > 0. */
typedef struct RecencyClass
{
	double t_x; /* in time units */
	double customers;
	size_t first_cell; /* its cells end where the next class's begin */
} RecencyClass;

/* All customers with x repeat purchases and age T. */
typedef struct AgeClass
{
	double T; /* in time units */
	double customers;
} AgeClass;

/* One cell (x, t_x, T), x > 0: a member of its recency, with its age. */
typedef struct AgedCell
{
	size_t age; /* index into ages */
	double customers;
} AgedCell;

/* Times between purchases of so many days, and how many there are. */
typedef struct DayGaps
{
	double days; /* whole, >= 1 */
	double count;
} DayGaps;

/* All customers with one first day. */
typedef struct DatedClass
{
	int32_t T_days;
	size_t first_cell; /* its cells end where the next class's begin */
} DatedClass;

/* Of those the ones with one frequency and one day of the last purchase; the latest come first. */
typedef struct DatedCell
{
	uint32_t frequency; /* index into frequencies */
	int32_t t_x_days;
	double customers;
} DatedCell;

/* The days of a population, and the clock that its times are those of. */
typedef struct PopulationDays
{
	int32_t now;
	SeasonTable table; /* from the first day of any customer on, or for a century */
	size_t n_runs;
	SeasonRun *runs;   /* of the table's days */
	int32_t *T_days;   /* of each age */
	int32_t *t_x_days; /* of each recency */
	size_t n_classes;
	DatedClass *classes; /* n_classes + 1, the last a sentinel */
	DatedCell *cells;
} PopulationDays;

/* The three upper arrays end with a sentinel: entry n closes entry n - 1. */
typedef struct Population
{
	double unit_days; /* days in one time unit; 7 for weeks */
	double customers;
	double repeat_customers; /* with x > 0 */
	double repeat_orders;    /* sum of x */
	double mean_T;           /* in time units */

	/*
	 * Sum, over all purchases but the first of each customer, of ln(time since
	 * the one before). population_build() leaves it NAN; a caller that knows
	 * the sum sets it.
	 */
	double log_gaps;

	/* The same times one by one, where they are whole days; NULL: not known. Owned by the caller. */
	size_t n_day_gaps;
	const DayGaps *day_gaps;

	size_t n_frequencies;
	FrequencyClass *frequencies; /* n_frequencies + 1 */
	size_t n_recencies;
	RecencyClass *recencies; /* n_recencies + 1 */
	size_t n_ages;
	AgeClass *ages; /* n_ages */
	size_t n_cells;
	AgedCell *cells; /* n_cells */

	PopulationDays *days; /* NULL: not known */

	const Host *host;
} Population;

/*
 * Build a population from cells in any order and with any duplicates.
 * 0 <= t_x_days <= T_days is the caller's promise. Radix sort: a few linear
 * passes over the cells. Memory comes from host, which must outlive it.
 */
extern Population *population_build(const Host *host, const PopulationCell *cells, size_t n_cells, double unit_days);

/* The same in the time of a clock that has come to the day `now`; NULL: the calendar's. */
extern Population *population_build_on(const Host *host, const PopulationCell *cells, size_t n_cells, double unit_days,
									   const SeasonClock *clock, int32_t now);

/* The same with days. The clock must stay as long as the population, or until another one is set. */
extern Population *population_build_dated(const Host *host, const PopulationCell *cells, size_t n_cells,
										  double unit_days, const SeasonClock *clock, int32_t now);

/* Another clock for a population with days. */
extern void population_set_clock(Population *population, const SeasonClock *clock);

/*
 * An approximation with far fewer classes: the times in a few dozen steps,
 * large x in groups. Its likelihoods have their maxima near those of the
 * population; with so many times as many steps they are nearer, by its square.
 */
extern Population *population_coarsen(const Population *population, int fineness);

extern void population_free(Population *population);

/* The time, in time units, in which ages are about one: where fits look for parameters that are times. */
static inline double
population_time_scale(const Population *population)
{
	return population->mean_T > 0.0 ? population->mean_T : 1.0;
}

#endif /* MODELS_CORE_POPULATION_H */
