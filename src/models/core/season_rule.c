/*
 * season_rule.c
 *	  Discounting on the clock of a season.
 *
 * The clock's time is cut into panels that are twice as long as X's singularity is far (those
 * of the calendar as its bend allows), on each of which the function is interpolated at Chebyshev
 * points (Berrut & Trefethen, SIAM Review 46 (2004), eq. (5.4)); their weights are integrals
 * of the Lagrange polynomials under the discounting measure, over the runs of days with one
 * factor, by Gauss's rule. The calendar repeats itself after 400 years: later ones go by the
 * mean of those.
 */
#include "models/core/season_rule.h"

#include <math.h>

#include "numerics/host.h"
#include "numerics/quadrature.h"

/* e^-42 is below the rounding of anything. */
#define LAST_EXPONENT 42.0

#define ERA_DAYS 146097.0

/* Runs this short, as a share of their panel, are integrated exactly enough with eight points, or with one. */
#define SHORT_RUN 0.5
#define TINY_RUN 1e-4

/* How much a discount may change within a part that is integrated at once. */
#define PART_EXPONENT 2.0

typedef struct RuleBuilder
{
	SeasonRule *rule;
	double delta;
	double reach;                       /* of a panel, as a multiple of the distance to the singularity */
	double end[SEASON_RULE_PANELS + 1]; /* of the panels; the first begins at end[0] = 0 */
	int panels;
	int panel; /* the one that the walk is in */
} RuleBuilder;

/* The point of a panel, 0 to SEASON_RULE_POINTS - 1, ascending in -1 .. 1. */
static double
chebyshev_point(int i)
{
	return -cos(M_PI * i / (SEASON_RULE_POINTS - 1));
}

/* Panels up to the end of the time that they divide. */
static void
lay_panels(RuleBuilder *builder, double until, const SeasonBend *bend)
{
	SeasonRule *rule = builder->rule;

	builder->end[0] = 0.0;
	builder->panels = 0;
	rule->time[0] = 0.0;
	while (builder->end[builder->panels] < until)
	{
		double start = builder->end[builder->panels];
		double width = builder->reach * fmin(bend->scale + start, bend->most + fmax(0.0, start - bend->turn));
		double end = builder->panels == SEASON_RULE_PANELS - 1 ? until : fmin(until, start + width);

		for (int i = 0; i < SEASON_RULE_POINTS; i++)
			rule->time[builder->panels * (SEASON_RULE_POINTS - 1) + i] = i == 0 ? start
				: i == SEASON_RULE_POINTS - 1                                   ? end
											  : 0.5 * (start + end) + 0.5 * (end - start) * chebyshev_point(i);
		builder->end[++builder->panels] = end;
	}
	rule->n = builder->panels * (SEASON_RULE_POINTS - 1) + 1;
	for (int i = 0; i < rule->n; i++)
		rule->weight[i] = 0.0;
}

/* Add the weight of X(u), u in the present panel, to those of its points. */
static void
add_point(RuleBuilder *builder, double u, double weight)
{
	const double *time = &builder->rule->time[builder->panel * (SEASON_RULE_POINTS - 1)];
	double *weights = &builder->rule->weight[builder->panel * (SEASON_RULE_POINTS - 1)];
	double share[SEASON_RULE_POINTS];
	double sum = 0.0;

	for (int i = 0; i < SEASON_RULE_POINTS; i++)
	{
		double apart = u - time[i];

		if (apart == 0.0)
		{
			weights[i] += weight;
			return;
		}
		share[i] = (i % 2 == 0 ? 1.0 : -1.0) * (i == 0 || i == SEASON_RULE_POINTS - 1 ? 0.5 : 1.0) / apart;
		sum += share[i];
	}
	for (int i = 0; i < SEASON_RULE_POINTS; i++)
		weights[i] += weight * (share[i] / sum);
}

/* A run of days: how fast its points move along the panels, and the density of the measure before discounting. */
typedef struct RuleRun
{
	double speed;
	double density;
	double days;
} RuleRun;

/* A part of a run, from day w and point u on, within the present panel and with little discount. */
static void
add_part(RuleBuilder *builder, double w, double u, const RuleRun *part)
{
	double days = part->days;
	double speed = part->speed;
	double length = builder->end[builder->panel + 1] - builder->end[builder->panel];
	double run = speed * days;

	if (run < TINY_RUN * length && builder->delta * days < TINY_RUN)
	{
		add_point(builder, u + 0.5 * run, part->density * days * exp(-builder->delta * (w + 0.5 * days)));
		return;
	}

	const GaussRule *gauss = run < SHORT_RUN * length ? &gauss_8 : &gauss_16;

	for (int i = 0; i < gauss->points; i++)
	{
		double share = 0.5 * (1.0 + gauss->node[i]);

		add_point(builder, u + share * run,
				  0.5 * gauss->weight[i] * part->density * days * exp(-builder->delta * (w + share * days)));
	}
}

/* A run from day w and point u on, cut where panels end and the discount changes much. */
static void
add_run(RuleBuilder *builder, double w, double u, const RuleRun *run)
{
	double speed = run->speed;
	double end = w + run->days;

	while (w < end && builder->panel < builder->panels)
	{
		double room = (builder->end[builder->panel + 1] - u) / speed;
		double part = fmin(fmin(room, PART_EXPONENT / builder->delta), end - w);

		host_poll();
		if (part > 0.0)
			add_part(builder, w, u, &(RuleRun){speed, run->density, part});
		w += part;
		u += speed * part;
		if (part >= room)
		{
			builder->panel++;
			u = fmax(u, builder->end[builder->panel]);
		}
		else if (!(part > 0.0))
			break;
	}
}

void
season_discount_rule(const SeasonClock *clock, double from, double horizon, double delta, double scale,
					 SeasonRule *rule)
{
	RuleBuilder builder = {.rule = rule, .delta = delta, .reach = 2.0};
	double until = fmin(horizon, LAST_EXPONENT / delta);
	double seen = fmin(until, ERA_DAYS);
	double era = season_between(clock, from, from + ERA_DAYS);
	double mean = era / ERA_DAYS;
	double u = 0.0;
	double w = 0.0;
	double ahead = 0.0; /* integral of how far the clock is ahead of its mean */
	double last = until <= ERA_DAYS ? season_between(clock, from, from + until) : era + mean * (until - ERA_DAYS);

	/* the mean of a season that is ahead or behind may end a little later */
	lay_panels(&builder, until <= ERA_DAYS ? last : last + era / 100.0, &(SeasonBend){scale, INFINITY, 0.0});
	for (size_t i = 0; w < seen; i++)
	{
		double days = fmin(season_next_change(clock, from + w) - from, seen) - w;
		double speed = season_factor(clock, (int64_t) floor(from + w) + 1);

		add_run(&builder, w, u, &(RuleRun){speed, delta, days});
		ahead += days * (u - mean * w + 0.5 * days * (speed - mean));
		w += days;
		u = season_between(clock, from, from + w);
	}
	if (until > ERA_DAYS)
		add_run(&builder, w, fmax(u + ahead / ERA_DAYS, builder.end[builder.panel]),
				&(RuleRun){mean, delta, until - w});
	if (horizon <= until && rule->n > 0)
	{
		rule->time[rule->n] = season_between(clock, from, from + horizon);
		rule->weight[rule->n] = exp(-delta * horizon);
		rule->n++;
	}
}

void
season_purchase_rule(const SeasonClock *clock, double from, double horizon, double delta, const SeasonBend *bend,
					 SeasonRule *rule)
{
	RuleBuilder builder = {.rule = rule, .delta = delta, .reach = 0.7};
	double until = fmin(horizon, LAST_EXPONENT / delta);
	double seen = fmin(until, ERA_DAYS);
	double w = 0.0;

	lay_panels(&builder, until, bend);
	while (w < seen)
	{
		double days = fmin(season_next_change(clock, from + w) - from, seen) - w;

		add_run(&builder, w, w, &(RuleRun){1.0, season_factor(clock, (int64_t) floor(from + w) + 1), days});
		w += days;
	}
	if (until > ERA_DAYS)
		add_run(&builder, w, w, &(RuleRun){1.0, season_between(clock, from, from + ERA_DAYS) / ERA_DAYS, until - w});
}
