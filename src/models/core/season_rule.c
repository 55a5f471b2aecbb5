/*
 * season_rule.c
 *	  Discounting on the clock of a season.
 *
 * The clock's time is cut into panels that are twice as long as X's singularity is far (those
 * of the calendar as its bend allows), on each of which the function is interpolated at Chebyshev
 * points. Of the discounting measure, over the runs of days with one factor, the moments of the
 * Chebyshev polynomials are summed up, by Gauss's rule; the weights of the points follow from
 * them, since the interpolant's coefficients are sums over the points (Trefethen, Approximation
 * Theory and Approximation Practice (2013), ch. 3 and 19). The calendar repeats itself after 400
 * years: later ones go by the mean of those.
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
	int panel;                         /* the one that the walk is in */
	double moment[SEASON_RULE_POINTS]; /* of the Chebyshev polynomials on it, so far */
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

/* Add the weight of X(u), u in the present panel, to the moments. */
static void
add_point(RuleBuilder *builder, double u, double weight)
{
	double begin = builder->end[builder->panel];
	double end = builder->end[builder->panel + 1];
	double t = fmin(fmax((2.0 * u - begin - end) / (end - begin), -1.0), 1.0);
	double before = 1.0;
	double polynomial = t;

	builder->moment[0] += weight;
	for (int k = 1; k < SEASON_RULE_POINTS; k++)
	{
		double next = 2.0 * t * polynomial - before;

		builder->moment[k] += weight * polynomial;
		before = polynomial;
		polynomial = next;
	}
}

/* Go on to the next panel: the weights of the points of this one follow from its moments. */
static void
end_panel(RuleBuilder *builder)
{
	const int last = SEASON_RULE_POINTS - 1;
	double *weights = &builder->rule->weight[builder->panel * last];

	for (int i = 0; i <= last; i++)
	{
		double sum = 0.0;

		/* T_k at the point is cos(k pi (last - i) / last) */
		for (int k = 0; k <= last; k++)
			sum += (k == 0 || k == last ? 0.5 : 1.0) * builder->moment[k] *
				cos(M_PI * (k * (last - i) % (2 * last)) / last);
		weights[i] += (i == 0 || i == last ? 0.5 : 1.0) * 2.0 / last * sum;
	}
	for (int k = 0; k <= last; k++)
		builder->moment[k] = 0.0;
	builder->panel++;
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
			end_panel(builder);
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
	while (w < seen)
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
	if (builder.panel < builder.panels)
		end_panel(&builder);
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
	if (builder.panel < builder.panels)
		end_panel(&builder);
}
