/*
 * two_clocks.c
 *	  The likelihood of competing risks on two clocks.
 *
 * All terms are relative to that of a customer who is alive at T. At an age y at which the
 * clock is at c = alpha + Λ(y), that of having left is
 *
 *		(c(T) / c)^n f(y) / S(T),
 *
 * so that from one x to the next it is multiplied by c(T) / c. It grows backwards in time:
 * for x so large that it might overflow, sums are divided by e^shift, which grows with them.
 *
 * A run of days with one factor is cut into panels that are short against the distance to
 * the singularities of the integrand, which are before the first purchase, and against the
 * scale on which its logarithm changes. Where a t_x is within a panel, the integral from
 * there is that of the polynomial through its points, by their Legendre series: the points
 * are the same for all customers.
 */
#include "models/competing_risks/two_clocks.h"

#include <math.h>
#include <string.h>

#include "numerics/host.h"
#include "numerics/quadrature.h"
#include "numerics/special.h"
#include "numerics/sum.h"

#define MAX_PARAMS (2 + LIFETIME_MAX_PARAMS)
#define MAX_PAIRS (MAX_PARAMS * (MAX_PARAMS + 1) / 2)

/* Terms that may be larger than e to this power are shifted, by steps of that. */
#define MOST_EXPONENT 200.0
#define SHIFT_STEP 50.0

/* With a gap to the next x that is longer, its power is computed anew. */
#define LONGEST_GAP 8

/*
 * How wide a panel may be: as a multiple of the distance to a singularity, and how much
 * the logarithm of the integrand may change on it. Errors are then below 1e-10 of the
 * integral, of which those with a t_x inside are the larger ones.
 */
typedef struct PanelLimit
{
	const GaussRule *rule;
	double distances;
	double change;
} PanelLimit;

#define PANEL_POINTS 8

static const PanelLimit short_panel = {&gauss_3, 0.07, 0.2};
static const PanelLimit panel_without_cells = {&gauss_8, 1.0, 4.5};
static const PanelLimit panel_with_cells = {&gauss_8, 0.25, 0.8};

/* So many panels to the next cell are worth a look whether they hold anything: if not e to this power of what is there. */
#define MANY_PANELS 16.0
#define LN_NOTHING_LEFT -60.0

/*
 * What is summed over the points of a sweep, for each x, and a law with n parameters: 1, the
 * derivatives of the term's logarithm (that in alpha divided by -n), and those products of
 * two that come before the second derivatives of the term.
 */
#define SUM_ONE 0
#define SUM_R 1
#define SUM_ALPHA 2
#define SUM_LIFETIME 3
#define SLOPE_SUMS(n) (SUM_LIFETIME + (n))
#define SUM_R_R(n) SLOPE_SUMS(n)
#define SUM_R_ALPHA(n) (SUM_R_R(n) + 1)
#define SUM_ALPHA_ALPHA(n) (SUM_R_R(n) + 2)
#define SUM_R_LIFETIME(n) (SUM_R_R(n) + 3)
#define SUM_ALPHA_LIFETIME(n) (SUM_R_LIFETIME(n) + (n))
#define SUM_PAIRS(n) (SUM_ALPHA_LIFETIME(n) + (n))
#define SUMS(n) (SUM_PAIRS(n) + (n) * ((n) + 1) / 2)
#define MAX_SUMS SUMS(LIFETIME_MAX_PARAMS)

/* The customers with one x in a sweep. */
typedef struct SweepOfX
{
	uint32_t cells; /* that are still to come */
	bool shifts;    /* its sums are divided by e^shift */
	double x;
	double n; /* r + x */
	double shift;
	double terms[PANEL_POINTS]; /* of having left, at the points of the panel, divided by e^shift */
	double sums[MAX_SUMS];      /* from T to the panel */
} SweepOfX;

/* A part of a run of days, before where the sweep is, and its points in the order of age. */
typedef struct SweepPanel
{
	const GaussRule *rule;
	double begin; /* the earlier end */
	double width;
	double factor;
	double age[PANEL_POINTS];
	double clock[PANEL_POINTS];
	double grows[PANEL_POINTS];    /* c(T) / c */
	double ln_grows[PANEL_POINTS]; /* its logarithm */
	double hazard[PANEL_POINTS];
	double ln_left[PANEL_POINTS]; /* of the term of having left of x = 0, without the hazard */
	double left[PANEL_POINTS];    /* that term */
} SweepPanel;

/* A sweep over the ages of customers with one first day, backwards from T. */
typedef struct Sweep
{
	const LifetimeLaw *law;
	const Population *population;
	const double *params;
	const PopulationDays *days;
	double unit_days;
	double first; /* the day of the first purchase */
	double age;   /* where the sweep is, in time units */
	double clock; /* alpha + Λ there */
	size_t run;   /* the run of days that ends there, or around it, plus one; 0: before the first */
	double older; /* the factor of the days before the first run */
	double clock_at_T;
	LifetimeTerm alive; /* survival at T */
	SweepOfX *of_x;     /* by frequency */
	uint32_t *present;  /* the frequencies with cells to come, ascending */
	size_t n_present;
	double legendre[PANEL_POINTS][PANEL_POINTS]; /* the polynomials at the points */
} Sweep;

/* The first n + 1 Legendre polynomials. */
static void
legendre_at(double u, int n, double *polynomials)
{
	polynomials[0] = 1.0;
	polynomials[1] = u;
	for (int k = 1; k < n; k++)
		polynomials[k + 1] = ((2 * k + 1) * u * polynomials[k] - k * polynomials[k - 1]) / (k + 1);
}

static Sweep
sweep_make(const LifetimeLaw *law, const Population *population, const double *params)
{
	const Host *host = population->host;
	Sweep sweep = {
		.law = law,
		.population = population,
		.params = params,
		.days = population->days,
		.unit_days = population->unit_days,
		.of_x = host->alloc((population->n_frequencies + 1) * sizeof(SweepOfX)),
		.present = host->alloc((population->n_frequencies + 1) * sizeof(uint32_t)),
	};

	memset(sweep.of_x, 0, (population->n_frequencies + 1) * sizeof(SweepOfX));
	for (size_t i = 0; i < population->n_frequencies; i++)
	{
		host_poll_at(i);
		sweep.of_x[i].x = population->frequencies[i].x;
		sweep.of_x[i].n = params[RISKS_R] + sweep.of_x[i].x;
	}
	for (int i = 0; i < PANEL_POINTS; i++)
		legendre_at(gauss_8.node[i], PANEL_POINTS - 1, sweep.legendre[i]);
	return sweep;
}

static void
sweep_free(Sweep *sweep)
{
	sweep->population->host->release(sweep->of_x);
	sweep->population->host->release(sweep->present);
}

/* The largest logarithm of a term of having left, but for the power of the clock. */
static double
most_ln_left(const Sweep *sweep)
{
	LifetimeTerm first, last;

	sweep->law->density(sweep->params, 0.0, &first);
	sweep->law->density(sweep->params, sweep->age, &last);
	return fmax(0.0, log(fmax(first.hazard, last.hazard))) - sweep->alive.ln;
}

/* Count the cells of a class by x, and list the x with any. */
static void
sweep_count(Sweep *sweep, const DatedClass *class)
{
	const DatedCell *cells = sweep->days->cells;
	uint32_t least = UINT32_MAX;
	uint32_t most = 0;
	double left = most_ln_left(sweep);
	double grows = log(sweep->clock_at_T / sweep->params[RISKS_ALPHA]);

	for (size_t i = class[0].first_cell; i < class[1].first_cell; i++)
	{
		uint32_t frequency = cells[i].frequency;

		sweep->of_x[frequency].cells++;
		least = frequency < least ? frequency : least;
		most = frequency > most ? frequency : most;
	}
	sweep->n_present = 0;
	for (uint32_t i = least; i <= most; i++)
		if (sweep->of_x[i].cells > 0)
		{
			SweepOfX *of_x = &sweep->of_x[i];

			sweep->present[sweep->n_present++] = i;
			/* NaN shifts, too */
			of_x->shifts = !(left + of_x->n * grows < MOST_EXPONENT);
			of_x->shift = 0.0;
			memset(of_x->sums, 0, sizeof(of_x->sums));
		}
}

/* The start of the sweep for a class. */
static void
sweep_begin(Sweep *sweep, const DatedClass *class)
{
	const SeasonTable *table = &sweep->days->table;
	int64_t first = (int64_t) sweep->days->now - class->T_days;

	host_poll();
	sweep->first = (double) first;
	sweep->age = class->T_days / sweep->unit_days;
	sweep->clock_at_T =
		sweep->params[RISKS_ALPHA] + season_table_between(table, first, sweep->days->now) / sweep->unit_days;
	sweep->clock = sweep->clock_at_T;
	sweep->run = sweep->days->n_runs;
	sweep->older = first < table->first
		? season_between(table->clock, (double) first, (double) table->first) / (double) (table->first - first)
		: 0.0;
	sweep->law->survival(sweep->params, sweep->age, &sweep->alive);
	sweep_count(sweep, class);
}

/* Narrow a panel, which ends where the sweep is, until it is within the limit; false if it must not be narrowed and is wider. */
static bool
fit_panel(const Sweep *sweep, SweepPanel *panel, const PanelLimit *limit, bool narrows)
{
	double most_n = sweep->of_x[sweep->present[sweep->n_present - 1]].n;

	for (double width = panel->width;; width *= 0.7)
	{
		double buying = (sweep->clock - panel->factor * width) / panel->factor;
		double rate;
		double distance = fmin(buying, sweep->law->room(sweep->params, sweep->age - width, &rate));
		bool fits = width <= limit->distances * distance && width * (rate + most_n / buying) <= limit->change;

		if (!fits && !narrows)
			return false;
		/* NaN must end the search, too */
		if (!fits && width > 1e-9 * sweep->age)
			continue;
		if (width < panel->width)
		{
			panel->begin = sweep->age - width;
			panel->width = sweep->age - panel->begin;
		}
		panel->rule = limit->rule;
		return true;
	}
}

/* The points of a panel. */
static void
set_points(const Sweep *sweep, SweepPanel *panel, LifetimeTerm *leaving)
{
	for (int i = 0; i < panel->rule->points; i++)
	{
		double back = 0.5 * panel->width * (1.0 - panel->rule->node[i]);

		panel->age[i] = sweep->age - back;
		panel->clock[i] = sweep->clock - panel->factor * back;
		panel->grows[i] = sweep->clock_at_T / panel->clock[i];
		panel->ln_grows[i] = log(panel->grows[i]);
		sweep->law->density(sweep->params, panel->age[i], &leaving[i]);
		panel->hazard[i] = leaving[i].hazard;
		panel->ln_left[i] = sweep->params[RISKS_R] * panel->ln_grows[i] + leaving[i].ln - sweep->alive.ln;
		panel->left[i] = panel->hazard[i] * exp(panel->ln_left[i]);
	}
}

/* The rest of the run that the sweep is in, or of the days before the first, not beyond the last cell. */
static void
set_rest_of_run(Sweep *sweep, double last, SweepPanel *panel)
{
	panel->begin = last;
	panel->factor = sweep->older;
	for (; sweep->run > 0; sweep->run--)
	{
		const SeasonRun *run = &sweep->days->runs[sweep->run - 1];
		double begins = ((double) run->from - sweep->first) / sweep->unit_days;

		if (begins < sweep->age)
		{
			panel->factor = run->factor;
			panel->begin = fmax(last, begins);
			break;
		}
	}
	panel->width = fmax(sweep->age - panel->begin, 0.0);
}

/* Whether so few stay from one age to another that those who do are nothing in the integrals from the first on. */
static bool
have_left(const Sweep *sweep, double from, double until)
{
	LifetimeTerm before, after;

	sweep->law->survival(sweep->params, from, &before);
	sweep->law->survival(sweep->params, until, &after);
	return after.ln - before.ln < LN_NOTHING_LEFT;
}

/*
 * Where customers leave soon after their last purchase, years may lie between the next cell and where the sweep is, in
 * many panels that hold nothing: moves on to a day half way to the cell. Returns whether it has.
 */
static bool
skip_nothing(Sweep *sweep, const SweepPanel *panel, double next)
{
	const PopulationDays *days = sweep->days;
	double half = next + 0.5 * (sweep->age - next);
	int64_t day = (int64_t) ceil(sweep->first + half * sweep->unit_days);
	double to = ((double) day - sweep->first) / sweep->unit_days;

	if (!(sweep->age - next > MANY_PANELS * panel->width) || !(to < sweep->age) || !have_left(sweep, next, to))
		return false;
	sweep->clock = sweep->clock_at_T - season_table_between(&days->table, day, days->now) / sweep->unit_days;
	sweep->age = to;
	return true;
}

/* The next panel, whose cells are the next ones, those of a day of its beginning included; false after the last cell. */
static bool
sweep_next(Sweep *sweep, const DatedCell *cell, const DatedCell *end, SweepPanel *panel, LifetimeTerm *leaving)
{
	double next;

	if (cell == end)
		return false;
	next = cell->t_x_days / sweep->unit_days;
	do
	{
		set_rest_of_run(sweep, end[-1].t_x_days / sweep->unit_days, panel);
		if (next > panel->begin)
			(void) fit_panel(sweep, panel, &panel_with_cells, true);
		else if (!fit_panel(sweep, panel, &short_panel, false))
			(void) fit_panel(sweep, panel, &panel_without_cells, true);
	} while (skip_nothing(sweep, panel, next));
	set_points(sweep, panel, leaving);
	return true;
}

/* Move to the beginning of a panel. */
static void
sweep_move(Sweep *sweep, const SweepPanel *panel)
{
	sweep->age = panel->begin;
	sweep->clock -= panel->factor * panel->width;
}

/* Weights of a panel's points in the integral from an age in it on. */
static void
weigh_part(const Sweep *sweep, const SweepPanel *panel, double age, double *weights)
{
	double at[PANEL_POINTS + 1];
	double from = fmin(fmax(2.0 * (age - panel->begin) / panel->width - 1.0, -1.0), 1.0);

	legendre_at(from, PANEL_POINTS, at);
	for (int i = 0; i < PANEL_POINTS; i++)
	{
		double sum = 1.0 - from;

		for (int k = 1; k < PANEL_POINTS; k++)
			sum += sweep->legendre[i][k] * (at[k - 1] - at[k + 1]);
		weights[i] = 0.25 * panel->width * panel->rule->weight[i] * sum;
	}
}

/* The same of the whole panel. */
static void
weigh_whole(const SweepPanel *panel, double *weights)
{
	for (int i = 0; i < panel->rule->points; i++)
		weights[i] = 0.5 * panel->width * panel->rule->weight[i];
	for (int i = panel->rule->points; i < PANEL_POINTS; i++)
		weights[i] = 0.0;
}

/* The weights of the panel's points for a cell: from its t_x on, or all. */
static void
weigh_cell(const Sweep *sweep, const SweepPanel *panel, const DatedCell *cell, double *weights)
{
	double age = cell->t_x_days / sweep->unit_days;

	if (age > panel->begin)
		weigh_part(sweep, panel, age, weights);
	else
		weigh_whole(panel, weights);
}

/* The logarithm of the term of having left at a point, without the hazard. */
static double
ln_term(const SweepOfX *of_x, const SweepPanel *panel, int i)
{
	return panel->ln_left[i] + of_x->x * panel->ln_grows[i];
}

static void
shift_sums(SweepOfX *of_x, double ln)
{
	double scale = exp(of_x->shift - ln);

	for (int i = 0; i < MAX_SUMS; i++)
		of_x->sums[i] *= scale;
	of_x->shift = ln;
}

/* The terms of an x that shifts: the first point has the largest. */
static void
find_shifted_terms(SweepOfX *of_x, const SweepPanel *panel)
{
	double most = ln_term(of_x, panel, 0);

	if (most > of_x->shift + SHIFT_STEP)
		shift_sums(of_x, most);
	for (int i = 0; i < panel->rule->points; i++)
		of_x->terms[i] = panel->hazard[i] * exp(ln_term(of_x, panel, i) - of_x->shift);
}

/* Powers of the growth at all points, from those of a smaller exponent. */
static void
raise_powers(const SweepPanel *panel, double from, double to, double *powers)
{
	if (to - from > LONGEST_GAP)
		for (int i = 0; i < panel->rule->points; i++)
			powers[i] = exp(to * panel->ln_grows[i]);
	else
		for (; from < to; from++)
			for (int i = 0; i < panel->rule->points; i++)
				powers[i] *= panel->grows[i];
}

/* The terms of having left at the points of a panel, of all x that are present. */
static void
find_terms(Sweep *sweep, const SweepPanel *panel)
{
	double powers[PANEL_POINTS];
	double x = 0.0;

	for (int i = 0; i < PANEL_POINTS; i++)
		powers[i] = 1.0;
	for (size_t k = 0; k < sweep->n_present; k++)
	{
		SweepOfX *of_x = &sweep->of_x[sweep->present[k]];

		if (of_x->shifts)
		{
			find_shifted_terms(of_x, panel);
			continue;
		}
		raise_powers(panel, x, of_x->x, powers);
		x = of_x->x;
		for (int i = 0; i < panel->rule->points; i++)
			of_x->terms[i] = panel->left[i] * powers[i];
	}
}

/* What the points of a panel add to the sums of the derivatives, times their terms. n is the number of parameters of attrition. */
static inline void
set_slopes(const int n, const Sweep *sweep, const SweepPanel *panel, const LifetimeTerm *leaving,
		   double (*figures)[PANEL_POINTS])
{
	for (int i = 0; i < panel->rule->points; i++)
	{
		figures[SUM_ONE][i] = 1.0;
		figures[SUM_R][i] = panel->ln_grows[i];
		figures[SUM_ALPHA][i] = 1.0 / panel->clock[i] - 1.0 / sweep->clock_at_T;
		for (int j = 0; j < n; j++)
			figures[SUM_LIFETIME + j][i] = leaving[i].gradient[j] - sweep->alive.gradient[j];
	}
	for (int j = 0; j < SLOPE_SUMS(n); j++)
		for (int i = panel->rule->points; i < PANEL_POINTS; i++)
			figures[j][i] = 0.0;
}

/* The same for the second derivatives, from these. */
static inline void
set_curvatures(const int n, const Sweep *sweep, const SweepPanel *panel, const LifetimeTerm *leaving,
			   double (*figures)[PANEL_POINTS])
{
	for (int i = 0; i < panel->rule->points; i++)
	{
		double ln = figures[SUM_R][i];
		double slower = figures[SUM_ALPHA][i];
		int pair = SUM_PAIRS(n);

		figures[SUM_R_R(n)][i] = ln * ln;
		figures[SUM_R_ALPHA(n)][i] = ln * slower;
		figures[SUM_ALPHA_ALPHA(n)][i] = slower * slower;
		for (int j = 0; j < n; j++)
		{
			double slope = figures[SUM_LIFETIME + j][i];

			figures[SUM_R_LIFETIME(n) + j][i] = ln * slope;
			figures[SUM_ALPHA_LIFETIME(n) + j][i] = slower * slope;
			for (int k = j; k < n; k++)
				figures[pair++][i] =
					slope * figures[SUM_LIFETIME + k][i] + (leaving[i].hessian[j][k] - sweep->alive.hessian[j][k]);
		}
	}
	for (int j = SLOPE_SUMS(n); j < SUMS(n); j++)
		for (int i = panel->rule->points; i < PANEL_POINTS; i++)
			figures[j][i] = 0.0;
}

/* The integrals over the panel, by weights of its points, added to the sums until there. */
static inline void
add_points(const int n_sums, const SweepOfX *of_x, double (*figures)[PANEL_POINTS], const double *weights, double *sums)
{
	double terms[PANEL_POINTS];

	for (int i = 0; i < PANEL_POINTS; i++)
		terms[i] = weights[i] * of_x->terms[i];
	for (int j = 0; j < n_sums; j++)
	{
		double even = 0.0;
		double odd = 0.0;

		for (int i = 0; i < PANEL_POINTS; i += 2)
		{
			even += terms[i] * figures[j][i];
			odd += terms[i + 1] * figures[j][i + 1];
		}
		sums[j] = of_x->sums[j] + (even + odd);
	}
}

/* A cell is passed. */
static void
sweep_pass(Sweep *sweep, uint32_t frequency)
{
	size_t at = 0;

	if (--sweep->of_x[frequency].cells > 0)
		return;
	while (sweep->present[at] != frequency)
		at++;
	sweep->n_present--;
	memmove(&sweep->present[at], &sweep->present[at + 1], (sweep->n_present - at) * sizeof(uint32_t));
}

/* The log-likelihood and its derivatives in the order of the parameters. */
typedef struct ClockTotals
{
	Sum value;
	Sum gradient[MAX_PARAMS];
	Sum hessian[MAX_PAIRS]; /* upper triangle, row by row */
} ClockTotals;

/* Sums over the cells of a class. */
typedef struct ClassSums
{
	double customers;
	double purchases;
	double value;
	double gradient[MAX_PARAMS];
	double hessian[MAX_PAIRS];
} ClassSums;

/* The sum of a cell's terms, divided by e^shift. */
static inline double
all_terms(const SweepOfX *of_x, const double *sums)
{
	return exp(-of_x->shift) + sums[SUM_ONE];
}

static inline double
ln_all_terms(const SweepOfX *of_x, const double *sums)
{
	return of_x->shift > 0.0 ? of_x->shift + log(all_terms(of_x, sums)) : log1p(sums[SUM_ONE]);
}

/* The means of the derivatives of the terms' logarithms. n is the number of parameters of attrition. */
static inline void
find_means(const int n, const SweepOfX *of_x, const double *sums, double *mean)
{
	double part = 1.0 / all_terms(of_x, sums);

	mean[RISKS_R] = sums[SUM_R] * part;
	mean[RISKS_ALPHA] = -of_x->n * sums[SUM_ALPHA] * part;
	for (int i = 0; i < n; i++)
		mean[2 + i] = sums[SUM_LIFETIME + i] * part;
}

/* Add the logarithm of the sum of a cell's terms, and its derivatives. */
static inline void
add_slopes(const int n, const SweepOfX *of_x, const double *mean, double ln_all, double customers, ClassSums *class)
{
	class->customers += customers;
	class->purchases += customers * of_x->x;
	class->value += customers * ln_all;
	for (int i = 0; i < 2 + n; i++)
		class->gradient[i] += customers * mean[i];
}

/* Add its second derivatives. */
static inline void
add_curvatures(const int n, const Sweep *sweep, const SweepOfX *of_x, const double *sums, const double *mean,
			   double customers, ClassSums *class)
{
	double part = 1.0 / all_terms(of_x, sums);
	double second[MAX_PAIRS];
	int pair = 0;

	second[pair++] = sums[SUM_R_R(n)];
	second[pair++] = -of_x->n * sums[SUM_R_ALPHA(n)] - sums[SUM_ALPHA];
	for (int i = 0; i < n; i++)
		second[pair++] = sums[SUM_R_LIFETIME(n) + i];
	second[pair++] = of_x->n * ((of_x->n + 1.0) * sums[SUM_ALPHA_ALPHA(n)] + 2.0 / sweep->clock_at_T * sums[SUM_ALPHA]);
	for (int i = 0; i < n; i++)
		second[pair++] = -of_x->n * sums[SUM_ALPHA_LIFETIME(n) + i];
	for (int i = 0; i < n * (n + 1) / 2; i++)
		second[pair++] = sums[SUM_PAIRS(n) + i];
	pair = 0;
	for (int i = 0; i < 2 + n; i++)
		for (int k = i; k < 2 + n; k++, pair++)
			class->hessian[pair] += customers * (second[pair] * part - mean[i] * mean[k]);
}

/* One class: the sweep past its cells. */
static inline void
evaluate_class(const int n, Sweep *sweep, const DatedClass *class, ClassSums *result)
{
	const DatedCell *cell = &sweep->days->cells[class[0].first_cell];
	const DatedCell *end = &sweep->days->cells[class[1].first_cell];
	LifetimeTerm leaving[PANEL_POINTS];

	for (SweepPanel panel; sweep_next(sweep, cell, end, &panel, leaving); sweep_move(sweep, &panel))
	{
		double figures[MAX_SUMS][PANEL_POINTS];
		double weights[PANEL_POINTS];
		int32_t weighed = -1;

		host_poll();
		find_terms(sweep, &panel);
		set_slopes(n, sweep, &panel, leaving, figures);
		set_curvatures(n, sweep, &panel, leaving, figures);
		for (; cell < end && cell->t_x_days / sweep->unit_days >= panel.begin; cell++)
		{
			const SweepOfX *of_x = &sweep->of_x[cell->frequency];
			double sums[MAX_SUMS];
			double mean[MAX_PARAMS];

			if (cell->t_x_days != weighed)
				weigh_cell(sweep, &panel, cell, weights);
			weighed = cell->t_x_days;
			add_points(SUMS(n), of_x, figures, weights, sums);
			find_means(n, of_x, sums, mean);
			add_slopes(n, of_x, mean, ln_all_terms(of_x, sums), cell->customers, result);
			add_curvatures(n, sweep, of_x, sums, mean, cell->customers, result);
			sweep_pass(sweep, cell->frequency);
		}
		weigh_whole(&panel, weights);
		for (size_t k = 0; k < sweep->n_present; k++)
		{
			SweepOfX *of_x = &sweep->of_x[sweep->present[k]];

			add_points(SUMS(n), of_x, figures, weights, of_x->sums);
		}
	}
}

/* Add the sums of a class, and the term of being alive at T that they are relative to. */
static void
add_class(ClockTotals *totals, const Sweep *sweep, const ClassSums *class)
{
	double r = sweep->params[RISKS_R];
	double alpha = sweep->params[RISKS_ALPHA];
	double clock = sweep->clock_at_T;
	double passed = clock - alpha;
	double ln = log1p(passed / alpha);
	double w = class->customers;
	int n = 2 + sweep->law->n_params;
	int pair = 0;

	sum_add(&totals->value, class->value + w * (sweep->alive.ln - r * ln) - class->purchases * log(clock));
	for (int i = 0; i < n; i++)
		sum_add(&totals->gradient[i], class->gradient[i] + (i < 2 ? 0.0 : w * sweep->alive.gradient[i - 2]));
	sum_add(&totals->gradient[RISKS_R], -w * ln);
	sum_add(&totals->gradient[RISKS_ALPHA], (w * r * passed / alpha - class->purchases) / clock);
	for (int i = 0; i < n; i++)
		for (int k = i; k < n; k++, pair++)
			sum_add(&totals->hessian[pair],
					class->hessian[pair] + (i < 2 ? 0.0 : w * sweep->alive.hessian[i - 2][k - 2]));
	sum_add(&totals->hessian[1], w * passed / (alpha * clock));
	sum_add(&totals->hessian[n], (w * r + class->purchases) / (clock * clock) - w * r / (alpha * alpha));
}

/* ln (Gamma(r + x) / Gamma(r)) of all customers. */
static void
add_frequencies(ClockTotals *totals, const Population *population, double r)
{
	for (size_t i = 0; i < population->n_frequencies; i++)
	{
		double x = population->frequencies[i].x;
		double w = population->frequencies[i].customers;

		host_poll_at(i);
		sum_add(&totals->value, w * sf_lnpoch(r, x));
		sum_add(&totals->gradient[RISKS_R], w * sf_dpoch(r, x));
		sum_add(&totals->hessian[0], w * sf_tpoch(r, x));
	}
}

double
two_clocks_log_likelihood(const LifetimeLaw *law, const Population *population, const double *params, double *gradient,
						  double *hessian)
{
	const PopulationDays *days = population->days;
	Sweep sweep = sweep_make(law, population, params);
	ClockTotals totals = {0};
	int n = 2 + law->n_params;
	int pair = 0;

	for (size_t i = 0; i < days->n_classes; i++)
	{
		ClassSums class = {0};

		sweep_begin(&sweep, &days->classes[i]);
		/* with a constant for the number of parameters the loops unroll */
		if (law->n_params == 2)
			evaluate_class(2, &sweep, &days->classes[i], &class);
		else
			evaluate_class(3, &sweep, &days->classes[i], &class);
		add_class(&totals, &sweep, &class);
	}
	add_frequencies(&totals, population, params[RISKS_R]);
	sweep_free(&sweep);
	for (int i = 0; i < n && gradient != NULL; i++)
		gradient[i] = sum_value(&totals.gradient[i]);
	for (int i = 0; i < n && hessian != NULL; i++)
		for (int k = i; k < n; k++)
			hessian[i * n + k] = hessian[k * n + i] = sum_value(&totals.hessian[pair++]);
	return sum_value(&totals.value);
}

/* The sum of a cell's terms: its logarithm if x shifts, and its inverse. */
typedef struct CellTerms
{
	double ln_all;
	double part;
} CellTerms;

/* The panels of the sweep for a class, kept for the way back, and for each cell the sum of its terms. */
typedef struct KeptSweep
{
	const Host *host;
	SweepPanel *panels;
	size_t *before; /* by panel: cells until it */
	size_t n;
	size_t size;
	CellTerms *terms; /* by cell */
	uint32_t *all;    /* the frequencies of the class */
	size_t n_all;
} KeptSweep;

/* Panels that are kept before there is more memory for them. */
#define FEW_PANELS 64

static KeptSweep
kept_make(const Population *population)
{
	const Host *host = population->host;
	const PopulationDays *days = population->days;
	size_t most = 1;

	for (size_t i = 0; i < days->n_classes; i++)
	{
		size_t n = days->classes[i + 1].first_cell - days->classes[i].first_cell;

		host_poll_at(i);
		most = n > most ? n : most;
	}
	return (KeptSweep){
		.host = host,
		.panels = host->alloc(FEW_PANELS * sizeof(SweepPanel)),
		.before = host->alloc(FEW_PANELS * sizeof(size_t)),
		.size = FEW_PANELS,
		.terms = host->alloc(most * sizeof(CellTerms)),
		.all = host->alloc((population->n_frequencies + 1) * sizeof(uint32_t)),
	};
}

static void
kept_free(KeptSweep *kept)
{
	kept->host->release(kept->panels);
	kept->host->release(kept->before);
	kept->host->release(kept->terms);
	kept->host->release(kept->all);
}

/* Twice the memory for a growing array. */
static void *
grown(const Host *host, void *old, size_t size)
{
	void *larger = memcpy(host->alloc(2 * size), old, size);

	host->release(old);
	return larger;
}

static CellTerms
cell_terms(const SweepOfX *of_x, const double *sums)
{
	if (!of_x->shifts)
		return (CellTerms){.part = 1.0 / all_terms(of_x, sums)};

	double ln_all = ln_all_terms(of_x, sums);

	return (CellTerms){ln_all, exp(-ln_all)};
}

static void
keep_panel(KeptSweep *kept, const SweepPanel *panel, size_t cells)
{
	if (kept->n == kept->size)
	{
		kept->panels = grown(kept->host, kept->panels, kept->size * sizeof(SweepPanel));
		kept->before = grown(kept->host, kept->before, kept->size * sizeof(size_t));
		kept->size *= 2;
	}
	kept->panels[kept->n] = *panel;
	kept->before[kept->n++] = cells;
}

/* The sweep past the cells of a class, which keeps its panels. n is the number of parameters of attrition. */
static inline void
keep_class(const int n, Sweep *sweep, const DatedClass *class, KeptSweep *kept, ClassSums *result)
{
	const DatedCell *cells = &sweep->days->cells[class[0].first_cell];
	const DatedCell *end = &sweep->days->cells[class[1].first_cell];
	const DatedCell *cell = cells;
	LifetimeTerm leaving[PANEL_POINTS];

	kept->n = 0;
	kept->n_all = sweep->n_present;
	memcpy(kept->all, sweep->present, sweep->n_present * sizeof(uint32_t));
	for (SweepPanel panel; sweep_next(sweep, cell, end, &panel, leaving); sweep_move(sweep, &panel))
	{
		double figures[SLOPE_SUMS(LIFETIME_MAX_PARAMS)][PANEL_POINTS];
		double weights[PANEL_POINTS];
		int32_t weighed = -1;

		host_poll();
		keep_panel(kept, &panel, (size_t) (cell - cells));
		find_terms(sweep, &panel);
		set_slopes(n, sweep, &panel, leaving, figures);
		for (; cell < end && cell->t_x_days / sweep->unit_days >= panel.begin; cell++)
		{
			const SweepOfX *of_x = &sweep->of_x[cell->frequency];
			double sums[SLOPE_SUMS(LIFETIME_MAX_PARAMS)];
			double mean[MAX_PARAMS];

			if (cell->t_x_days != weighed)
				weigh_cell(sweep, &panel, cell, weights);
			weighed = cell->t_x_days;
			add_points(SLOPE_SUMS(n), of_x, figures, weights, sums);
			kept->terms[cell - cells] = cell_terms(of_x, sums);
			find_means(n, of_x, sums, mean);
			add_slopes(n, of_x, mean, 0.0, cell->customers, result);
			sweep_pass(sweep, cell->frequency);
		}
		weigh_whole(&panel, weights);
		for (size_t k = 0; k < sweep->n_present; k++)
		{
			SweepOfX *of_x = &sweep->of_x[sweep->present[k]];

			add_points(SLOPE_SUMS(n), of_x, figures, weights, of_x->sums);
		}
	}
}

/*
 * On the way back the first sum of an x is that over its cells so far of their customers,
 * divided by the sums of their terms, times e^shift. Adds a cell. Returns what it adds.
 */
static double
add_leavers(SweepOfX *of_x, double customers, const CellTerms *terms)
{
	double added = customers * terms->part;

	if (of_x->shifts)
	{
		added = customers;
		of_x->sums[SUM_ONE] *= exp(terms->ln_all - of_x->shift);
		of_x->shift = terms->ln_all;
	}
	of_x->sums[SUM_ONE] += added;
	return added;
}

/* The terms of the x of a class at the points of a panel, on the way back: times n, and divided by e^shift. */
static void
find_terms_back(Sweep *sweep, const KeptSweep *kept, const SweepPanel *panel)
{
	double powers[PANEL_POINTS];
	double x = 0.0;

	for (int i = 0; i < PANEL_POINTS; i++)
		powers[i] = 1.0;
	for (size_t k = 0; k < kept->n_all; k++)
	{
		SweepOfX *of_x = &sweep->of_x[kept->all[k]];

		if (!of_x->shifts)
			raise_powers(panel, x, of_x->x, powers);
		x = of_x->shifts ? x : of_x->x;
		/* where no cell has come yet, a term may be as large as it likes, and does not count */
		for (int i = 0; i < panel->rule->points; i++)
			of_x->terms[i] = of_x->n *
				(of_x->shifts ? panel->hazard[i] * exp(fmin(ln_term(of_x, panel, i) - of_x->shift, SHIFT_STEP))
							  : panel->left[i] * powers[i]);
	}
}

/* Add the rates of purchases of customers who left at the points of a panel: as many of an x as its weights say. */
static void
add_rates(const SweepOfX *of_x, const SweepPanel *panel, const double *weights, double customers, double *rates)
{
	for (int i = 0; i < panel->rule->points; i++)
		rates[i] += customers * weights[i] * of_x->terms[i];
}

/* What the customers of a class were exposed to: those who left until then, and those who are alive until T. */
static void
expose_class(Sweep *sweep, const DatedClass *class, const KeptSweep *kept, SeasonWeights *weights)
{
	const DatedCell *cells = &sweep->days->cells[class->first_cell];
	size_t cell = class[1].first_cell - class[0].first_cell;
	double alive = 0.0;
	double left = 0.0;

	for (size_t k = 0; k < kept->n_all; k++)
		sweep->of_x[kept->all[k]].sums[SUM_ONE] = 0.0;
	/* of the first cell on the way back, whose terms are the largest */
	for (size_t i = 0; i < cell; i++)
		sweep->of_x[cells[i].frequency].shift = kept->terms[i].ln_all;
	for (size_t i = kept->n; i-- > 0;)
	{
		const SweepPanel *panel = &kept->panels[i];
		double rates[PANEL_POINTS] = {0};
		double points[PANEL_POINTS];
		int32_t weighed = -1;

		host_poll();
		find_terms_back(sweep, kept, panel);
		weigh_whole(panel, points);
		for (size_t k = 0; k < kept->n_all; k++)
			add_rates(&sweep->of_x[kept->all[k]], panel, points, sweep->of_x[kept->all[k]].sums[SUM_ONE], rates);
		for (; cell > kept->before[i]; cell--)
		{
			const DatedCell *leavers = &cells[cell - 1];
			const CellTerms *terms = &kept->terms[cell - 1];
			SweepOfX *of_x = &sweep->of_x[leavers->frequency];
			double before = of_x->shift;
			double added = add_leavers(of_x, leavers->customers, terms);

			if (leavers->t_x_days != weighed)
				weigh_cell(sweep, panel, leavers, points);
			weighed = leavers->t_x_days;
			add_rates(of_x, panel, points, of_x->shifts ? added * exp(before - of_x->shift) : added, rates);
			alive += leavers->customers * terms->part * of_x->n;
		}
		for (int k = 0; k < panel->rule->points; k++)
		{
			double rate = rates[k] / (panel->clock[k] * sweep->unit_days);

			season_weigh(weights, sweep->first + panel->age[k] * sweep->unit_days, rate);
			left += rate;
		}
	}
	alive /= sweep->clock_at_T * sweep->unit_days;
	season_weigh_day(weights, sweep->days->now, alive);
	season_weigh_day(weights, (int64_t) sweep->first, -(alive + left));
}

void
two_clocks_expose(const LifetimeLaw *law, const Population *population, const double *params, SeasonWeights *weights,
				  double *gradient)
{
	const PopulationDays *days = population->days;
	Sweep sweep = sweep_make(law, population, params);
	KeptSweep kept = kept_make(population);
	ClockTotals totals = {0};

	for (size_t i = 0; i < days->n_classes; i++)
	{
		ClassSums class = {0};

		sweep_begin(&sweep, &days->classes[i]);
		if (law->n_params == 2)
			keep_class(2, &sweep, &days->classes[i], &kept, &class);
		else
			keep_class(3, &sweep, &days->classes[i], &kept, &class);
		add_class(&totals, &sweep, &class);
		expose_class(&sweep, &days->classes[i], &kept, weights);
	}
	add_frequencies(&totals, population, params[RISKS_R]);
	for (int i = 0; i < 2 + law->n_params; i++)
		gradient[i] = sum_value(&totals.gradient[i]);
	kept_free(&kept);
	sweep_free(&sweep);
}
