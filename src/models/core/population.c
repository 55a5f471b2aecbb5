/*
 * population.c
 *	  A population of customers as the input of a likelihood.
 *
 * The cells are grouped by x, unless they arrive grouped. Those of an x are
 * sorted by T, which lets the ages be numbered in one pass, and then by t_x,
 * which keeps the order of T within equal keys, so that afterwards the cells
 * stand in the order (x, t_x, T) and everything else is found in one more
 * pass. The sort is a radix sort from the least significant digit (Knuth,
 * TAOCP 3, 5.2.5), as many digits as the largest key has.
 */
#include "models/core/population.h"

#include <math.h>

#include <stdbool.h>
#include <string.h>

#define DIGIT_BITS 11
#define DIGITS (1 << DIGIT_BITS)

/* A cell while it is sorted. */
typedef struct SortCell
{
	uint32_t x;
	uint32_t t_x;
	uint32_t T;
	uint32_t age; /* its age class, once numbered */
	double customers;
} SortCell;

typedef enum SortKey
{
	BY_X,
	BY_T_X,
	BY_T,
} SortKey;

/* The cells and a buffer of equal size: a sort moves them from one to the other. */
typedef struct Sorter
{
	const Host *host;
	SortCell *cells;
	SortCell *spare;
	size_t n;
} Sorter;

/* Fewer are sorted by insertion. */
#define FEW_CELLS 64

static inline uint32_t
key_of(const SortCell *cell, SortKey key)
{
	return key == BY_X ? cell->x : key == BY_T_X ? cell->t_x : cell->T;
}

static inline uint32_t
digit_of(const SortCell *cell, SortKey key, int shift)
{
	return (key_of(cell, key) >> shift) & (DIGITS - 1);
}

/* One stable pass, by one digit of the key. */
static void
sort_pass(const SortCell *cells, SortCell *sorted, size_t n, SortKey key, int shift)
{
	size_t start[DIGITS] = {0};
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		start[digit_of(&cells[i], key, shift)]++;
	for (int d = 0; d < DIGITS; d++)
	{
		size_t count = start[d];

		start[d] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		sorted[start[digit_of(&cells[i], key, shift)]++] = cells[i];
}

static void
insert_by(SortCell *cells, size_t n, SortKey key)
{
	for (size_t i = 1; i < n; i++)
	{
		SortCell cell = cells[i];
		size_t place = i;

		for (; place > 0 && key_of(&cells[place - 1], key) > key_of(&cell, key); place--)
			cells[place] = cells[place - 1];
		cells[place] = cell;
	}
}

/* Stable sort by one key. Returns where the cells are then: in place, or in the buffer. */
static SortCell *
sort_by(const Host *host, SortCell *cells, SortCell *spare, size_t n, SortKey key)
{
	uint32_t bits = 0;

	if (n < FEW_CELLS)
	{
		insert_by(cells, n, key);
		return cells;
	}
	for (size_t i = 0; i < n; i++)
		bits |= key_of(&cells[i], key);
	for (int shift = 0; shift < 32 && (bits >> shift) != 0; shift += DIGIT_BITS)
	{
		SortCell *sorted = spare;

		host->check_interrupts();
		sort_pass(cells, sorted, n, key, shift);
		spare = cells;
		cells = sorted;
	}
	return cells;
}

/* An array of n items, or of one if n is 0. */
static void *
allocate(const Host *host, size_t n, size_t size)
{
	return host->alloc((n > 0 ? n : 1) * size);
}

static void
load_cells(Sorter *sorter, const PopulationCell *cells, size_t n_cells)
{
	sorter->cells = allocate(sorter->host, n_cells, sizeof(SortCell));
	sorter->spare = allocate(sorter->host, n_cells, sizeof(SortCell));
	sorter->n = 0;
	for (size_t i = 0; i < n_cells; i++)
	{
		if (cells[i].customers > 0.0)
			sorter->cells[sorter->n++] = (SortCell){
				.x = cells[i].x,
				.t_x = (uint32_t) cells[i].t_x_days,
				.T = (uint32_t) cells[i].T_days,
				.customers = cells[i].customers,
			};
	}
}

/* Groups the cells by x. */
static void
sort_by_x(Sorter *sorter)
{
	size_t i = 1;
	SortCell *sorted;

	while (i < sorter->n && sorter->cells[i - 1].x <= sorter->cells[i].x)
		i++;
	if (i >= sorter->n)
		return;
	sorted = sort_by(sorter->host, sorter->cells, sorter->spare, sorter->n, BY_X);
	if (sorted == sorter->spare)
	{
		sorter->spare = sorter->cells;
		sorter->cells = sorted;
	}
}

/* The n cells of one x: numbers their ages from the next one on, and sorts them by (t_x, T). */
static void
sort_class(const Host *host, SortCell *cells, SortCell *spare, size_t n, size_t *n_ages)
{
	SortCell *by_T = sort_by(host, cells, spare, n, BY_T);

	host->check_interrupts();
	for (size_t i = 0; i < n; i++)
	{
		if (i == 0 || by_T[i].T != by_T[i - 1].T)
			++*n_ages;
		by_T[i].age = (uint32_t) (*n_ages - 1);
	}

	SortCell *sorted = sort_by(host, by_T, by_T == cells ? spare : cells, n, BY_T_X);

	if (sorted != cells)
		memcpy(cells, sorted, n * sizeof(SortCell));
}

/* Sorts cells that are sorted by x wholly, and numbers their ages. */
static void
sort_classes(Population *population, Sorter *sorter)
{
	size_t start = 0;

	for (size_t end = 1; end <= sorter->n; end++)
		if (end == sorter->n || sorter->cells[end].x != sorter->cells[start].x)
		{
			sort_class(sorter->host, sorter->cells + start, sorter->spare, end - start, &population->n_ages);
			start = end;
		}
}

/* What turns days before now into times. */
typedef struct TimeScale
{
	double unit_days;
	int32_t now;
	bool on_clock;
	SeasonTable table;
} TimeScale;

static TimeScale
make_time_scale(const Sorter *sorter, double unit_days, const SeasonClock *clock, int32_t now)
{
	TimeScale scale = {.unit_days = unit_days, .now = now, .on_clock = clock != NULL};
	uint32_t oldest = 0;

	if (!scale.on_clock)
		return scale;
	for (size_t i = 0; i < sorter->n; i++)
		oldest = sorter->cells[i].T > oldest ? sorter->cells[i].T : oldest;
	scale.table = season_table_make(sorter->host, clock, (int64_t) now - oldest, now);
	return scale;
}

/* A time between two days before now, in time units. */
static inline double
time_between(const TimeScale *scale, uint32_t from_days, uint32_t until_days)
{
	double days = (double) (from_days - until_days);

	if (scale->on_clock)
		days = season_table_between(&scale->table, (int64_t) scale->now - from_days, (int64_t) scale->now - until_days);
	return days / scale->unit_days;
}

/* Lists the ages, which are numbered. */
static void
build_ages(Population *population, const Sorter *sorter, const TimeScale *scale)
{
	population->ages = allocate(population->host, population->n_ages, sizeof(AgeClass));
	memset(population->ages, 0, population->n_ages * sizeof(AgeClass));
	for (size_t i = 0; i < sorter->n; i++)
	{
		AgeClass *age = &population->ages[sorter->cells[i].age];

		host_poll_at(i);
		if (age->customers == 0.0)
			age->T = time_between(scale, sorter->cells[i].T, 0);
		age->customers += sorter->cells[i].customers;
	}
}

/* How a cell differs from the one before it, in the order (x, t_x, T). */
typedef struct Difference
{
	bool frequency;
	bool recency;
	bool age;
} Difference;

static inline Difference
difference_at(const TimeScale *scale, const SortCell *cells, size_t i)
{
	Difference is_new = {true, true, true};

	if (i > 0)
	{
		is_new.frequency = cells[i].x != cells[i - 1].x;
		is_new.recency = is_new.frequency || cells[i].t_x != cells[i - 1].t_x;
		is_new.age = is_new.recency || cells[i].T != cells[i - 1].T;
		is_new.recency |= is_new.age && scale->on_clock;
	}
	return is_new;
}

static void
count_classes(Population *population, const Sorter *sorter, const TimeScale *scale)
{
	for (size_t i = 0; i < sorter->n; i++)
	{
		Difference is_new = difference_at(scale, sorter->cells, i);

		population->n_frequencies += is_new.frequency;
		if (sorter->cells[i].x > 0)
		{
			population->n_recencies += is_new.recency;
			population->n_cells += is_new.age;
		}
	}
}

/* Frequencies, recencies and cells, of cells sorted by (x, t_x, T). */
static void
build_classes(Population *population, const Sorter *sorter, const TimeScale *scale)
{
	FrequencyClass *frequency = population->frequencies;
	RecencyClass *recency = population->recencies;
	AgedCell *aged = population->cells;
	size_t n_recencies = 0;
	size_t n_cells = 0;

	for (size_t i = 0; i < sorter->n; i++)
	{
		const SortCell *cell = &sorter->cells[i];

		host_poll_at(i);

		Difference is_new = difference_at(scale, sorter->cells, i);

		if (is_new.frequency)
		{
			frequency += i > 0;
			*frequency = (FrequencyClass){
				.x = cell->x,
				.first_recency = n_recencies,
				.first_age = cell->age,
			};
		}
		frequency->customers += cell->customers;
		if (cell->age < frequency->first_age)
			frequency->first_age = cell->age;
		if (cell->x == 0)
			continue;

		if (is_new.recency)
			recency[n_recencies++] = (RecencyClass){
				.t_x = time_between(scale, cell->T, cell->T - cell->t_x),
				.first_cell = n_cells,
			};
		recency[n_recencies - 1].customers += cell->customers;
		if (is_new.age)
			aged[n_cells++] = (AgedCell){.age = cell->age};
		aged[n_cells - 1].customers += cell->customers;
	}

	population->frequencies[population->n_frequencies] = (FrequencyClass){
		.first_recency = n_recencies,
		.first_age = population->n_ages,
	};
	recency[n_recencies] = (RecencyClass){.first_cell = n_cells};
}

/* The mean age, of the ages. */
static void
average_ages(Population *population)
{
	double total_T = 0.0;

	for (size_t i = 0; i < population->n_ages; i++)
		total_T += population->ages[i].customers * population->ages[i].T;
	population->mean_T = population->customers > 0.0 ? total_T / population->customers : 0.0;
}

static void
sum_up(Population *population)
{
	for (size_t i = 0; i < population->n_frequencies; i++)
	{
		const FrequencyClass *frequency = &population->frequencies[i];

		population->customers += frequency->customers;
		population->repeat_orders += frequency->customers * frequency->x;
		if (frequency->x > 0)
			population->repeat_customers += frequency->customers;
	}
	average_ages(population);
	population->log_gaps = NAN;
}

/* The days of ages and recencies, of cells sorted by (x, t_x, T). */
static void
list_days(PopulationDays *days, const Sorter *sorter, const TimeScale *scale)
{
	size_t n_recencies = 0;

	for (size_t i = 0; i < sorter->n; i++)
	{
		const SortCell *cell = &sorter->cells[i];

		host_poll_at(i);
		days->T_days[cell->age] = (int32_t) cell->T;
		if (cell->x > 0 && difference_at(scale, sorter->cells, i).recency)
			days->t_x_days[n_recencies++] = (int32_t) cell->t_x;
	}
}

/* Number the frequencies of cells sorted by x, in place of their ages. */
static void
number_frequencies(Sorter *sorter)
{
	uint32_t frequency = 0;

	for (size_t i = 0; i < sorter->n; i++)
	{
		host_poll_at(i);
		frequency += i > 0 && sorter->cells[i].x != sorter->cells[i - 1].x;
		sorter->cells[i].age = frequency;
	}
}

/* Append a cell of the present class, or add its customers to the one before. */
static inline void
add_dated_cell(PopulationDays *days, const SortCell *cell, size_t *n_cells)
{
	DatedCell *next = &days->cells[*n_cells];

	if (*n_cells > days->classes[days->n_classes - 1].first_cell && next[-1].frequency == cell->age &&
		next[-1].t_x_days == (int32_t) cell->t_x)
		next[-1].customers += cell->customers;
	else
	{
		*next = (DatedCell){cell->age, (int32_t) cell->t_x, cell->customers};
		++*n_cells;
	}
}

/* The classes by first day, whose cells arrive sorted by x. */
static void
build_dated(PopulationDays *days, Sorter *sorter)
{
	const Host *host = sorter->host;
	SortCell *by_t_x, *sorted;
	size_t n_cells = 0;
	size_t n_days = 0;

	number_frequencies(sorter);
	by_t_x = sort_by(host, sorter->cells, sorter->spare, sorter->n, BY_T_X);
	sorted = sort_by(host, by_t_x, by_t_x == sorter->cells ? sorter->spare : sorter->cells, sorter->n, BY_T);
	for (size_t i = 0; i < sorter->n; i++)
		n_days += i == 0 || sorted[i].T != sorted[i - 1].T;
	days->n_classes = 0;
	days->classes = allocate(host, n_days + 1, sizeof(DatedClass));
	days->cells = allocate(host, sorter->n, sizeof(DatedCell));
	for (size_t start = 0, end = 0; start < sorter->n; start = end)
	{
		days->classes[days->n_classes++] = (DatedClass){(int32_t) sorted[start].T, n_cells};
		for (end = start; end < sorter->n && sorted[end].T == sorted[start].T; end++)
			host_poll_at(end);
		for (size_t i = end; i-- > start;)
			add_dated_cell(days, &sorted[i], &n_cells);
	}
	days->classes[days->n_classes] = (DatedClass){.first_cell = n_cells};
}

static void
set_table(const Host *host, PopulationDays *days, const SeasonTable *table)
{
	days->table = *table;
	days->runs = season_runs_make(host, table, &days->n_runs);
}

/* Keep the days, and the table of the scale. The order of the sorter's cells is lost. */
static void
build_days(Population *population, Sorter *sorter, const TimeScale *scale)
{
	const Host *host = population->host;
	PopulationDays *days = host->alloc(sizeof(PopulationDays));

	days->now = scale->now;
	set_table(host, days, &scale->table);
	days->T_days = allocate(host, population->n_ages, sizeof(int32_t));
	days->t_x_days = allocate(host, population->n_recencies, sizeof(int32_t));
	list_days(days, sorter, scale);
	host->check_interrupts();
	build_dated(days, sorter);
	population->days = days;
}

void
population_set_clock(Population *population, const SeasonClock *clock)
{
	const Host *host = population->host;
	PopulationDays *days = population->days;
	SeasonTable table = season_table_make(host, clock, days->table.first, days->table.last);
	TimeScale scale = {.unit_days = population->unit_days, .now = days->now, .on_clock = true, .table = table};

	season_table_free(host, &days->table);
	host->release(days->runs);
	set_table(host, days, &table);
	for (size_t i = 0; i < population->n_ages; i++)
	{
		host_poll_at(i);
		population->ages[i].T = time_between(&scale, (uint32_t) days->T_days[i], 0);
	}
	for (size_t i = 0; i < population->n_recencies; i++)
	{
		uint32_t T = (uint32_t) days->T_days[population->cells[population->recencies[i].first_cell].age];

		host_poll_at(i);
		population->recencies[i].t_x = time_between(&scale, T, T - (uint32_t) days->t_x_days[i]);
	}
	average_ages(population);
}

Population *
population_build(const Host *host, const PopulationCell *cells, size_t n_cells, double unit_days)
{
	return population_build_on(host, cells, n_cells, unit_days, NULL, 0);
}

static Population *
build(const Host *host, const PopulationCell *cells, size_t n_cells, double unit_days, const SeasonClock *clock,
	  int32_t now, bool with_days)
{
	Population *population = host->alloc(sizeof(Population));
	Sorter sorter = {.host = host};

	*population = (Population){.unit_days = unit_days, .host = host};
	load_cells(&sorter, cells, n_cells);

	TimeScale scale = make_time_scale(&sorter, unit_days, clock, now);

	sort_by_x(&sorter);
	sort_classes(population, &sorter);
	host->check_interrupts();
	build_ages(population, &sorter, &scale);
	host->check_interrupts();
	count_classes(population, &sorter, &scale);
	host->check_interrupts();
	population->frequencies = allocate(host, population->n_frequencies + 1, sizeof(FrequencyClass));
	population->recencies = allocate(host, population->n_recencies + 1, sizeof(RecencyClass));
	population->cells = allocate(host, population->n_cells, sizeof(AgedCell));
	build_classes(population, &sorter, &scale);
	sum_up(population);

	if (with_days)
		build_days(population, &sorter, &scale);
	else if (scale.on_clock)
		season_table_free(host, &scale.table);
	host->release(sorter.cells);
	host->release(sorter.spare);
	return population;
}

Population *
population_build_on(const Host *host, const PopulationCell *cells, size_t n_cells, double unit_days,
					const SeasonClock *clock, int32_t now)
{
	return build(host, cells, n_cells, unit_days, clock, now, false);
}

Population *
population_build_dated(const Host *host, const PopulationCell *cells, size_t n_cells, double unit_days,
					   const SeasonClock *clock, int32_t now)
{
	return build(host, cells, n_cells, unit_days, clock, now, true);
}

/* Steps of time in a coarse population of fineness 1. */
#define COARSE_STEPS 48

/*
 * Groups of x in a coarse population reach this far from their middles, at
 * least relative to where they begin. The mean x of a group is near its
 * middle.
 */
#define COARSE_REACH 0.1

/* Cells of a population while they are coarsened. */
typedef struct Coarsening
{
	const Population *population;
	int fineness;
	int32_t step_days;
	int32_t *T_days; /* of each age, in the coarse population */
	PopulationCell *cells;
	size_t n_cells;
} Coarsening;

/* The middle of the group that x belongs to. */
static uint32_t
middle_of_group(uint32_t x, int fineness)
{
	uint32_t first = 0;

	for (;;)
	{
		uint32_t reach = (uint32_t) (COARSE_REACH / fineness * first);

		if (x <= first + 2 * reach)
			return first + reach;
		first += 2 * reach + 1;
	}
}

/* A time in days, of the calendar where they are known, else of the clock. */
static int64_t
days_of(const Coarsening *coarsening, double time)
{
	return (int64_t) (time * coarsening->population->unit_days + 0.5);
}

static int64_t
days_of_age(const Coarsening *coarsening, size_t age)
{
	const Population *population = coarsening->population;

	return population->days != NULL ? population->days->T_days[age] : days_of(coarsening, population->ages[age].T);
}

static int64_t
days_of_recency(const Coarsening *coarsening, size_t recency)
{
	const Population *population = coarsening->population;

	return population->days != NULL ? population->days->t_x_days[recency]
									: days_of(coarsening, population->recencies[recency].t_x);
}

/* The middle of the step that days belong to. */
static int32_t
middle_of_step(const Coarsening *coarsening, int64_t days)
{
	days += coarsening->step_days / 2 - days % coarsening->step_days;
	return days < INT32_MAX ? (int32_t) days : INT32_MAX;
}

/* Append a cell, or add its customers to the one before. */
static inline void
add_coarse_cell(Coarsening *coarsening, const PopulationCell *cell)
{
	PopulationCell *next = &coarsening->cells[coarsening->n_cells];

	if (coarsening->n_cells > 0 && cell->T_days == next[-1].T_days && cell->t_x_days == next[-1].t_x_days &&
		cell->x == next[-1].x)
		next[-1].customers += cell->customers;
	else
	{
		*next = *cell;
		coarsening->n_cells++;
	}
}

static void
coarsen_class(Coarsening *coarsening, const FrequencyClass *class)
{
	const Population *population = coarsening->population;
	PopulationCell cell = {.x = middle_of_group(class->x, coarsening->fineness)};

	population->host->check_interrupts();
	for (size_t i = class[0].first_age; i < class[1].first_age && class->x == 0; i++)
	{
		cell.T_days = coarsening->T_days[i];
		cell.customers = population->ages[i].customers;
		add_coarse_cell(coarsening, &cell);
	}
	for (size_t i = class[0].first_recency; i < class[1].first_recency; i++)
	{
		const RecencyClass *recency = &population->recencies[i];

		cell.t_x_days = middle_of_step(coarsening, days_of_recency(coarsening, i));
		for (size_t k = recency[0].first_cell; k < recency[1].first_cell; k++)
		{
			cell.T_days = coarsening->T_days[population->cells[k].age];
			cell.customers = population->cells[k].customers;
			add_coarse_cell(coarsening, &cell);
		}
	}
}

/* The step that all times are rounded to, and the ages after rounding. */
static void
coarsen_ages(Coarsening *coarsening)
{
	const Population *population = coarsening->population;
	double oldest = 0.0;

	for (size_t i = 0; i < population->n_ages; i++)
		oldest = fmax(oldest,
					  population->days != NULL ? (double) population->days->T_days[i]
											   : population->ages[i].T * population->unit_days);
	coarsening->step_days = 1 + (int32_t) (oldest / (COARSE_STEPS * coarsening->fineness));
	for (size_t i = 0; i < population->n_ages; i++)
		coarsening->T_days[i] = middle_of_step(coarsening, days_of_age(coarsening, i));
}

Population *
population_coarsen(const Population *population, int fineness)
{
	const Host *host = population->host;
	Coarsening coarsening = {
		.population = population,
		.fineness = fineness,
		.T_days = allocate(host, population->n_ages, sizeof(int32_t)),
		.cells = allocate(host, population->n_ages + population->n_cells, sizeof(PopulationCell)),
	};
	Population *coarse;

	coarsen_ages(&coarsening);
	for (size_t i = 0; i < population->n_frequencies; i++)
		coarsen_class(&coarsening, &population->frequencies[i]);
	coarse = population->days == NULL
		? population_build(host, coarsening.cells, coarsening.n_cells, population->unit_days)
		: population_build_dated(host, coarsening.cells, coarsening.n_cells, population->unit_days,
								 population->days->table.clock, population->days->now);
	coarse->log_gaps = population->log_gaps;
	coarse->n_day_gaps = population->n_day_gaps;
	coarse->day_gaps = population->day_gaps;
	host->release(coarsening.cells);
	host->release(coarsening.T_days);
	return coarse;
}

static void
free_days(const Host *host, PopulationDays *days)
{
	season_table_free(host, &days->table);
	host->release(days->runs);
	host->release(days->T_days);
	host->release(days->t_x_days);
	host->release(days->classes);
	host->release(days->cells);
	host->release(days);
}

void
population_free(Population *population)
{
	const Host *host = population->host;

	host->release(population->frequencies);
	host->release(population->recencies);
	host->release(population->ages);
	host->release(population->cells);
	if (population->days != NULL)
		free_days(host, population->days);
	host->release(population);
}
