/*
 * varying_derivatives.c
 *	  Derivatives of the likelihood of Pareto/NBD with rates that vary over time.
 *
 * The likelihood is a sum of terms: the customer leaves at y (d = 1), or is
 * alive at y = T (d = 0). With Lambda and M at y the logarithm of a term is
 *
 *		ln Gamma(n) / Gamma(r) - r ln(1 + Lambda / alpha) - x ln(alpha + Lambda)
 *			- s ln(1 + M / beta) - d ln(beta + M) + d (ln s + ln C).
 *
 * So the two clocks enter in the same way: with shape p, scale a and the number
 * of events of a clock that shows c,
 *
 *		-p ln(1 + c / a) - events ln(a + c),
 *
 * where the derivative of c in a coefficient is the integral of its covariate
 * on the clock. First derivatives are gathered as differences from those at
 * t_x, which keeps the digits of their covariances.
 */
#include <math.h>
#include <string.h>

#include "models/competing_risks/varying_walk.h"

#define MAX_COVARIATES FIT_MAX_COVARIATES
#define MAX_VARIABLES VARYING_MAX_VARIABLES

/* What a clock shows, and its derivatives: integrals of the covariates, and of their products, on it. */
typedef struct CovariateClock
{
	double time;
	double z[MAX_COVARIATES];
	double products[MAX_COVARIATES][MAX_COVARIATES]; /* upper triangle */
} CovariateClock;

/* The two clocks of a customer at the same age. */
typedef struct ClockPair
{
	CovariateClock buying;
	CovariateClock leaving;
} ClockPair;

/* A clock as a part of a term. */
typedef struct TermClock
{
	const CovariateClock *clock;
	int shape;       /* the variable; the scale is the one after it */
	int coefficient; /* the first of its variables */
	double p;
	double a;
	double events;
} TermClock;

/* The derivatives of a term. */
typedef struct TermDerivatives
{
	double first[MAX_VARIABLES];
	double second[MAX_VARIABLES][MAX_VARIABLES]; /* upper triangle */
} TermDerivatives;

/* The sums over the terms of one customer. */
typedef struct Derivation
{
	const double *params;
	double x;
	int covariates;
	int n; /* variables */
	bool with_hessian;
	VaryingAges ages;              /* at t_x */
	double history[MAX_VARIABLES]; /* first derivatives of a term at t_x, d = 0 */
	double total;                  /* of the terms */
	TermDerivatives
		sums; /* of first derivatives less those of the history; of second ones, and products of the first */
} Derivation;

/* Let a clock go on by a time on it, during which the covariates are z. */
static void
clock_advance(const CovariateClock *from, double time, const double *z, int covariates, bool with_products,
			  CovariateClock *to)
{
	to->time = from->time + time;
	for (int i = 0; i < covariates; i++)
	{
		to->z[i] = from->z[i] + time * z[i];
		for (int k = i; k < covariates && with_products; k++)
			to->products[i][k] = from->products[i][k] + time * z[i] * z[k];
	}
}

/* Let both clocks go on by y after the beginning of a stretch. */
static void
pair_advance(const Derivation *customer, const ClockPair *from, const VaryingStretch *stretch, double y,
			 const double *z, ClockPair *to)
{
	clock_advance(&from->buying, stretch->buying * y, z, customer->covariates, customer->with_hessian, &to->buying);
	clock_advance(&from->leaving, stretch->leaving * y, z, customer->covariates, customer->with_hessian, &to->leaving);
}

static TermClock
buying_clock(const Derivation *customer, const ClockPair *clocks)
{
	return (TermClock){
		.clock = &clocks->buying,
		.shape = RISKS_R,
		.coefficient = PARETO_PARAMS,
		.p = customer->params[RISKS_R],
		.a = customer->params[RISKS_ALPHA],
		.events = customer->x,
	};
}

static TermClock
leaving_clock(const Derivation *customer, const ClockPair *clocks, bool leaves)
{
	return (TermClock){
		.clock = &clocks->leaving,
		.shape = PARETO_S,
		.coefficient = PARETO_PARAMS + customer->covariates,
		.p = customer->params[PARETO_S],
		.a = customer->params[PARETO_BETA],
		.events = leaves ? 1.0 : 0.0,
	};
}

static void
first_of_clock(const TermClock *part, int covariates, double *first)
{
	double age = part->a + part->clock->time;

	first[part->shape] = -log1p(part->clock->time / part->a);
	first[part->shape + 1] = (part->p * (part->clock->time / part->a) - part->events) / age;
	for (int i = 0; i < covariates; i++)
		first[part->coefficient + i] = -(part->p + part->events) * part->clock->z[i] / age;
}

static void
second_of_clock(const TermClock *part, int covariates, double weight, double (*second)[MAX_VARIABLES])
{
	double age = part->a + part->clock->time;
	double all = weight * (part->p + part->events) / age;
	double share = part->clock->time / part->a;

	second[part->shape][part->shape + 1] += weight * share / age;
	second[part->shape + 1][part->shape + 1] -=
		weight * (part->p * share * (1.0 / part->a + 1.0 / age) - part->events / age) / age;
	for (int i = 0; i < covariates; i++)
	{
		const double *z = part->clock->z;

		second[part->shape][part->coefficient + i] -= weight * z[i] / age;
		second[part->shape + 1][part->coefficient + i] += all * z[i] / age;
		for (int k = i; k < covariates; k++)
			second[part->coefficient + i][part->coefficient + k] -=
				all * (part->clock->products[i][k] - z[i] * z[k] / age);
	}
}

/* Derivatives of a term that are not those of the clocks: of d (ln s + ln C). */
static void
add_leaving(const Derivation *customer, const double *z, double *first)
{
	first[PARETO_S] += 1.0 / customer->params[PARETO_S];
	for (int i = 0; i < customer->covariates; i++)
		first[PARETO_PARAMS + customer->covariates + i] += z[i];
}

/* Add a term at the place of the clocks: that of leaving there, with the covariates z, or, if z is NULL, of staying. */
static void
add_term(Derivation *customer, const ClockPair *clocks, bool leaves, const double *z, double weight)
{
	TermClock buying = buying_clock(customer, clocks);
	TermClock leaving = leaving_clock(customer, clocks, leaves);
	double first[MAX_VARIABLES];

	first_of_clock(&buying, customer->covariates, first);
	first_of_clock(&leaving, customer->covariates, first);
	if (leaves)
		add_leaving(customer, z, first);
	customer->total += weight;
	for (int i = 0; i < customer->n; i++)
	{
		first[i] -= customer->history[i];
		customer->sums.first[i] += weight * first[i];
	}
	if (!customer->with_hessian)
		return;
	for (int i = 0; i < customer->n; i++)
		for (int k = i; k < customer->n; k++)
			customer->sums.second[i][k] += weight * first[i] * first[k];
	second_of_clock(&buying, customer->covariates, weight, customer->sums.second);
	second_of_clock(&leaving, customer->covariates, weight, customer->sums.second);
	if (leaves)
		customer->sums.second[PARETO_S][PARETO_S] -= weight / (customer->params[PARETO_S] * customer->params[PARETO_S]);
}

/* Add the terms of leaving within a stretch. Returns false if those after it are nothing. */
static bool
add_stretch(Derivation *customer, const VaryingStretch *stretch, const ClockPair *begin, const double *z)
{
	const VaryingAges *ages = &customer->ages;
	ClockPair clocks;

	for (Panel panel = panel_start(0.0); varying_panel_next(&panel, stretch, ages);)
	{
		const GaussRule *rule = varying_rule(&panel, stretch, ages);

		for (int i = 0; i < rule->points; i++)
		{
			double y = varying_node(&panel, rule, i);
			VaryingTimes at = varying_times(stretch, y);

			pair_advance(customer, begin, stretch, y, z, &clocks);
			add_term(customer, &clocks, true, z,
					 varying_weight(&panel, rule, i) * ages->s * stretch->leaving / (ages->leaving + at.leaving) *
						 exp(varying_ln_quiet(ages, &at)));
		}
		if (varying_is_over(ages, stretch, panel.end, customer->total))
			return false;
	}
	return true;
}

static const double *
stretch_covariates(const VaryingClocks *clocks, const VaryingStretch *stretch)
{
	return clocks->covariates + stretch->segment * clocks->n_covariates;
}

/* Let both clocks go on between two ages, without terms. */
static void
pair_walk(const Derivation *customer, const VaryingClocks *clocks, double from, double until, ClockPair *pair)
{
	VaryingWalk walk = varying_walk_start(clocks, from);

	for (VaryingStretch stretch; varying_walk_next(&walk, until, &stretch);)
		pair_advance(customer, pair, &stretch, stretch.length, stretch_covariates(clocks, &stretch), pair);
}

/* First derivatives of the history until t_x; where the clocks are then. */
static void
begin_at_last_purchase(Derivation *customer, const VaryingClocks *clocks, double t_x, ClockPair *pair)
{
	TermClock buying;
	TermClock leaving;

	memset(pair, 0, sizeof(*pair));
	pair_walk(customer, clocks, 0.0, t_x, pair);
	buying = buying_clock(customer, pair);
	leaving = leaving_clock(customer, pair, false);
	first_of_clock(&buying, customer->covariates, customer->history);
	first_of_clock(&leaving, customer->covariates, customer->history);
}

/* Add all terms: of leaving between t_x and T, and of being alive at T. */
static void
add_terms(Derivation *customer, const VaryingClocks *clocks, double t_x, double T, ClockPair *pair)
{
	VaryingWalk walk = varying_walk_start(clocks, t_x);
	bool matters = true;

	for (VaryingStretch stretch; varying_walk_next(&walk, T, &stretch);)
	{
		const double *z = stretch_covariates(clocks, &stretch);

		if (matters)
			matters = add_stretch(customer, &stretch, pair, z);
		pair_advance(customer, pair, &stretch, stretch.length, z, pair);
	}
	add_term(customer, pair, false, NULL, exp(varying_ln_quiet(&customer->ages, &walk.since)));
}

/* Turn sums into the derivatives of the logarithm of the total. */
static void
report_derivatives(const Derivation *customer, double *gradient, double *hessian)
{
	int n = customer->n;

	for (int i = 0; i < n; i++)
		gradient[i] = customer->history[i] + customer->sums.first[i] / customer->total;
	gradient[RISKS_R] += sf_dpoch(customer->params[RISKS_R], customer->x);
	if (hessian == NULL)
		return;
	for (int i = 0; i < n; i++)
		for (int k = i; k < n; k++)
			hessian[i * n + k] = hessian[k * n + i] = customer->sums.second[i][k] / customer->total -
				customer->sums.first[i] / customer->total * (customer->sums.first[k] / customer->total);
	hessian[RISKS_R * n + RISKS_R] += sf_tpoch(customer->params[RISKS_R], customer->x);
}

double
varying_derivatives(const VaryingClocks *clocks, const double *params, double x, double t_x, double T, double *gradient,
					double *hessian)
{
	ClockPair pair;
	Derivation customer = {
		.params = params,
		.x = x,
		.covariates = clocks->n_covariates,
		.n = varying_variables(clocks),
		.with_hessian = hessian != NULL,
		.ages = varying_ages_at(clocks, params, x, t_x),
	};

	begin_at_last_purchase(&customer, clocks, t_x, &pair);
	add_terms(&customer, clocks, t_x, T, &pair);
	report_derivatives(&customer, gradient, hessian);
	return varying_ln_history(params, &customer.ages, x) + log(customer.total);
}
