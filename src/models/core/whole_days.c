/*
 * whole_days.c
 *	  The likelihood of orders observed in whole days.
 */
#include "models/core/whole_days.h"

#include <math.h>
#include <stdbool.h>

#include "numerics/quadrature.h"

/* Cells between two checks for interrupts. */
#define INTERRUPT_CELLS 256

/* Rates beyond this put every order on the day after the one before. */
#define LARGEST_LAMBDA 500.0

/* The limit of a series that converges long before. */
#define MOST_TERMS 4000

/* Steps to a rate, which converge in a few; where gaps are a day, in some dozens. */
#define MOST_STEPS 100

/*
 * F, the probability that a Gamma(k + 1, rate lambda) time is over within a day, and
 * s: sums of positive terms, lambda^j / Gamma(k + j + 2) times 1 and j + 1.
 */
static void
day_probabilities(double k, double lambda, double *over, double *same_day)
{
	double term = exp(k * log(lambda) - lambda - lgamma(k + 2.0));
	double tail = 0.0;
	double same = 0.0;

	for (int j = 0; j < MOST_TERMS; j++)
	{
		tail += term;
		same += term * (j + 1.0);
		term *= lambda / (k + j + 2.0);
		if (term * (j + 2.0) < 1e-17 * same && j > lambda - k)
			break;
	}
	*over = lambda * tail;
	*same_day = fmin(same, 1.0 - 1e-12);
}

double
same_day_prob(double k, double lambda)
{
	double over;
	double same_day;

	day_probabilities(k, lambda, &over, &same_day);
	return same_day;
}

/*
 * z + ln(1 - s) rises in z = ln lambda, ever more slowly, to ln(k / g): Newton's
 * method comes to it from below, where no order falls on the day of another.
 */
DayTerms
day_terms(double k, double g)
{
	double z = log(k / g);
	double over;
	double same_day;
	double step = INFINITY;

	for (int i = 0; i < MOST_STEPS && step > 1e-13 && z < log(LARGEST_LAMBDA); i++)
	{
		double lambda = exp(z);

		day_probabilities(k, lambda, &over, &same_day);
		/* ds / d lambda = k F / lambda^2 */
		step = (log(k / g) - z - log1p(-same_day)) / (1.0 - k * over / (lambda * (1.0 - same_day)));
		if (!(step > 0.0))
			break;
		z = fmin(z + step, log(LARGEST_LAMBDA));
	}
	same_day = same_day_prob(k, exp(z));
	return (DayTerms){
		.lambda = exp(z),
		.same_day = same_day,
		.ln_other_day = log1p(-same_day),
	};
}

double
ln_day_weight(double k, double d, double lambda)
{
	double sum = 0.0;

	for (int i = 0; i < GAUSS_POINTS; i++)
	{
		double v = 0.5 * (1.0 + gauss_node[i]);
		double weight = 0.5 * gauss_weight[i] * (1.0 - v);

		sum += weight * (exp((k - 1.0) * log1p(v / d) - lambda * v) + exp((k - 1.0) * log1p(-v / d) + lambda * v));
	}
	return log(sum);
}

/* Gaps so much longer than their mean have negligible probability. */
#define LONGEST_GAP 60.0

DayMoments
day_moments(double k, double g)
{
	DayTerms terms = day_terms(k, g);
	double lambda = terms.lambda;
	double total = 0.0, days = 0.0, squares = 0.0, weight = 0.0;

	for (double d = 1.0; d < LONGEST_GAP * g; d++)
	{
		double ln_weight = ln_day_weight(k, d, lambda);
		double p = exp(k * log(lambda) - lgamma(k) + (k - 1.0) * log(d) - lambda * d + ln_weight);

		total += p;
		days += p * d;
		squares += p * d * d;
		weight += p * (ln_weight - ln_day_weight(k, d, 0.0));
		if (d > g && p * d * d < 1e-12 * squares)
			break;
	}
	days /= total;
	return (DayMoments){
		.variance = squares / total - days * days,
		.ln_weight = weight / total,
	};
}

/* The table has equal steps of ln ln g between these values of ln g. */
#define TABLE_LOWEST 1e-4
#define TABLE_HIGHEST 4.0

static double
table_step(void)
{
	return log(TABLE_HIGHEST / TABLE_LOWEST) / (DAY_TABLE_SIZE - 1);
}

void
day_table_fill(const Host *host, double k, DayTable *table)
{
	table->k = k;
	for (int i = 0; i < DAY_TABLE_SIZE; i++)
	{
		double g = exp(TABLE_LOWEST * exp(i * table_step()));
		DayMoments moments = day_moments(k, g);

		host->check_interrupts();
		table->ln_weight[i] = moments.ln_weight;
		table->ln_variance[i] = log(moments.variance * k / (g * g));
	}
}

/* The cubic through the four entries around a place. */
static double
table_value(const double *values, double place)
{
	int first = (int) fmin(fmax(floor(place) - 1.0, 0.0), DAY_TABLE_SIZE - 4);
	double u = place - first;
	const double *v = &values[first];

	return v[0] * (u - 1.0) * (u - 2.0) * (u - 3.0) / -6.0 + v[1] * u * (u - 2.0) * (u - 3.0) / 2.0 +
		v[2] * u * (u - 1.0) * (u - 3.0) / -2.0 + v[3] * u * (u - 1.0) * (u - 2.0) / 6.0;
}

void
day_table_at(const DayTable *table, double g, double *ln_weight, double *ln_variance)
{
	double ln_g = fmax(log(g), TABLE_LOWEST);
	double place = log(fmin(ln_g, TABLE_HIGHEST) / TABLE_LOWEST) / table_step();
	/* for long gaps both fall as 1 / g^2, except for k = 1, and are negligible */
	double fall = ln_g > TABLE_HIGHEST ? exp(2.0 * (TABLE_HIGHEST - ln_g)) : 1.0;

	*ln_weight = fall * table_value(table->ln_weight, place);
	*ln_variance = fall * table_value(table->ln_variance, place);
}

/* A population while it is converted to whole days. Times are in fractions of a day. */
typedef struct DayWalk
{
	const Population *population;
	const DayTable *table;
	double fractions; /* of a day */
	PopulationCell *cells;
	size_t n_cells;
	double constant;
} DayWalk;

/* This number of fractions makes times precise enough and keeps them within the range of the cells. */
static double
fractions_of_day(const Population *population)
{
	double oldest = 0.0;
	double fractions = 64.0;

	for (size_t i = 0; i < population->n_ages; i++)
		oldest = fmax(oldest, population->ages[i].T * population->unit_days);
	while (fractions > 1.0 && oldest * fractions > 2e9)
		fractions *= 0.5;
	return fractions;
}

static void
add_cell(DayWalk *walk, uint32_t x, double t_x, double T, double customers)
{
	walk->cells[walk->n_cells++] = (PopulationCell){
		.x = x,
		.t_x_days = (int32_t) rint(t_x * walk->fractions),
		.T_days = (int32_t) rint(T * walk->fractions),
		.customers = customers,
	};
	if (walk->n_cells % INTERRUPT_CELLS == 0)
		walk->population->host->check_interrupts();
}

/* The customers of one recency: their time together is shorter by the share of orders not seen. */
static void
add_recency(DayWalk *walk, uint32_t x, const RecencyClass *recency)
{
	const Population *population = walk->population;
	double t_x = recency->t_x * population->unit_days;
	/* half a day more, so that orders on every day do not give an infinite rate */
	double g = (t_x + 0.5) / x;
	DayTerms terms = day_terms(walk->table->k, g);
	double ln_weight;
	double ln_variance;
	double hidden = fmin(x * g * terms.same_day, 0.9 * t_x);

	day_table_at(walk->table, g, &ln_weight, &ln_variance);
	walk->constant += recency->customers * (x * (ln_weight - terms.ln_other_day) - terms.lambda * hidden);
	for (size_t i = recency[0].first_cell; i < recency[1].first_cell; i++)
	{
		const AgedCell *cell = &population->cells[i];

		add_cell(walk, x, t_x - hidden, population->ages[cell->age].T * population->unit_days - hidden,
				 cell->customers);
	}
}

static void
add_class(DayWalk *walk, const FrequencyClass *class)
{
	const Population *population = walk->population;

	if (class->x == 0)
		for (size_t i = class[0].first_age; i < class[1].first_age; i++)
			add_cell(walk, 0, 0.0, population->ages[i].T * population->unit_days, population->ages[i].customers);
	else
		for (size_t i = class[0].first_recency; i < class[1].first_recency; i++)
			add_recency(walk, class->x, &population->recencies[i]);
}

Population *
population_in_days(const Population *population, const DayTable *table, double *constant)
{
	const Host *host = population->host;
	DayWalk walk = {.population = population, .table = table, .fractions = fractions_of_day(population)};
	Population *result;

	walk.cells = host->alloc((population->n_ages + population->n_cells + 1) * sizeof(PopulationCell));
	for (size_t i = 0; i < population->n_frequencies; i++)
		add_class(&walk, &population->frequencies[i]);
	for (size_t i = 0; i < population->n_day_gaps; i++)
		walk.constant += population->day_gaps[i].count * ln_day_weight(table->k, population->day_gaps[i].days, 0.0);

	result = population_build(host, walk.cells, walk.n_cells, population->unit_days * walk.fractions);
	result->log_gaps = population->log_gaps;
	host->release(walk.cells);
	*constant = walk.constant;
	return result;
}
