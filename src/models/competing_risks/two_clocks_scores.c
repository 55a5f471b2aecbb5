/*
 * two_clocks_scores.c
 *	  What a model on two clocks says of one customer.
 *
 * All integrals but that of expected purchases are walks over the runs of days with one
 * factor, of which each is cut into panels. A walk without end takes longer steps after
 * two years, of a tenth of the time that it has gone, in which the season counts by its
 * mean; after twenty years the mean of the calendar goes on.
 */
#include "models/competing_risks/two_clocks_scores.h"

#include <math.h>

#include "models/core/model.h"
#include "numerics/quadrature.h"
#include "numerics/special.h"

#define EXACT_DAYS 730.0
#define STEP_SHARE 0.1
#define LAST_DAYS 7305.0

/* The calendar repeats itself after so many days. */
#define ERA_DAYS 146097.0

/* What is left of an integral beyond this share is nothing, and in a walk without end. */
#define REST 1e-17
#define ENDLESS_REST 1e-11

/* How wide a panel may be: as a multiple of the distance to a singularity, and the change of the logarithm on it. */
typedef struct WalkLimit
{
	const GaussRule *rule;
	double distances;
	double change;
} WalkLimit;

/*
 * Errors are below 1e-10 of the integral; in a walk without end, below 1e-7 where factors are equal. A month of five
 * times the purchases makes them 1e-4 there: the median of the next order is a day off at the most, quantiles beyond
 * two years up to 3 %.
 */
static const WalkLimit long_panel = {&gauss_8, 1.0, 4.5};
static const WalkLimit short_panel = {&gauss_3, 0.07, 0.2};
static const WalkLimit endless_panel = {&gauss_3, 0.25, 0.7};

/* Powers of so many purchases at most are polynomials that a panel of 8 points takes whole. */
#define FEW_PURCHASES 8

/* Of more, what is this much less likely than the most is nothing. */
#define LN_NOTHING -46.0

/* The search of a quantile within a panel. */
#define QUANTILE_STEPS 100
#define QUANTILE_PRECISION 1e-10
#define FARTHEST_DAYS 1e9

typedef enum WalkEvent
{
	WALK_LEAVES, /* leaving, without a purchase before */
	WALK_BUYS,   /* the first purchase, without leaving before */
	WALK_COUNTS, /* leaving, with j purchases before */
	WALK_BELOW,  /* leaving, with fewer than j purchases before */
} WalkEvent;

/* A walk on from a day on which the customer is alive. */
typedef struct ClockWalk
{
	const DatedCustomer *customer;
	WalkEvent event;
	double n; /* r + x */
	double j;
	double ln_ways; /* of j purchases */
	bool endless;   /* steps get longer */
	double from;
	double clock_then; /* alpha + Λ on that day */
	double ln_alive;   /* of the share that stays until that day */
	double gone;       /* days since then; added to the day they would lose their last digits */
	double passed;     /* Λ since that day */
	double sum;
} ClockWalk;

/* A part of the way, on which the clock goes evenly. */
typedef struct ClockStretch
{
	double days;
	double factor;
} ClockStretch;

/* The age so many days after a day. */
static double
age_after(const DatedCustomer *customer, double day, double days)
{
	return (day - customer->first + days) / customer->unit_days;
}

/* ln of the share that stays until an age, and the hazard at it, unless NULL. */
static double
ln_share(const DatedCustomer *customer, double age, double *hazard)
{
	return customer->law->ln_share(customer->params, age, hazard);
}

/* The day on which a walk is. */
static double
walk_day(const ClockWalk *walk)
{
	return walk->from + walk->gone;
}

static ClockWalk
walk_start(const DatedCustomer *customer, WalkEvent event, double from)
{
	ClockWalk walk = {
		.customer = customer,
		.event = event,
		.n = customer->params[RISKS_R] + customer->x,
		.from = from,
		.clock_then = customer->params[RISKS_ALPHA] +
			season_between(customer->clock, customer->first, from) / customer->unit_days,
	};

	walk.ln_alive = ln_share(customer, age_after(customer, from, 0.0), NULL);
	return walk;
}

/* ln of the probability of neither a purchase nor leaving until a time on the clock, and ln of the share that stays. */
static double
ln_quiet(const ClockWalk *walk, double passed, double ln_stays)
{
	return ln_stays - walk->ln_alive - walk->n * log1p(passed / walk->clock_then);
}

/* The probability of fewer than j purchases until a time on the clock, without leaving. */
static double
fewer_than(const ClockWalk *walk, double passed, double j)
{
	return passed > 0.0 ? 1.0 - sf_negative_binomial_tail(walk->n, passed / walk->clock_then, j) : 1.0;
}

/* What is integrated over time, in time units. */
static double
integrand(const ClockWalk *walk, double passed, double gone, double factor)
{
	const DatedCustomer *customer = walk->customer;
	double hazard;
	double ln_stays =
		ln_share(customer, age_after(customer, walk->from, gone), walk->event == WALK_BUYS ? NULL : &hazard);
	double ln;

	if (walk->event == WALK_BELOW)
		return hazard * exp(ln_stays - walk->ln_alive) * fewer_than(walk, passed, walk->j);
	ln = ln_quiet(walk, passed, ln_stays);
	switch (walk->event)
	{
		case WALK_LEAVES:
			return hazard * exp(ln);
		case WALK_BUYS:
			return factor * walk->n / (walk->clock_then + passed) * exp(ln);
		default:
			return hazard * exp(ln + walk->ln_ways + walk->j * log(passed / (walk->clock_then + passed)));
	}
}

/* The integral over so many days from where the walk is. */
static double
over_days(const ClockWalk *walk, const GaussRule *rule, double factor, double days)
{
	double unit_days = walk->customer->unit_days;
	double sum = 0.0;

	for (int i = 0; i < rule->points; i++)
	{
		double on = 0.5 * days * (1.0 + rule->node[i]);

		sum += rule->weight[i] * integrand(walk, walk->passed + factor * on / unit_days, walk->gone + on, factor);
	}
	return 0.5 * days / unit_days * sum;
}

/* The next stretch before a day; false if the walk has come there. */
static bool
walk_next(const ClockWalk *walk, double until, ClockStretch *stretch)
{
	const SeasonClock *clock = walk->customer->clock;
	double day = walk_day(walk);
	double end;

	host_poll();
	if (!(day < until))
		return false;
	end = season_next_change(clock, day);
	stretch->factor = season_factor(clock, (int64_t) floor(day) + 1);
	if (walk->endless && walk->gone > EXACT_DAYS && end < day + STEP_SHARE * walk->gone)
	{
		end = day + STEP_SHARE * walk->gone;
		stretch->factor = season_between(clock, day, end) / (end - day);
	}
	stretch->days = fmin(end, until) - day;
	return true;
}

/* A part of a stretch from its beginning that one rule takes, in days. */
static double
panel_days(const ClockWalk *walk, const ClockStretch *stretch, const GaussRule **rule)
{
	const DatedCustomer *customer = walk->customer;
	const WalkLimit *quick = walk->endless ? &endless_panel : &short_panel;
	double clock = walk->clock_then + walk->passed;
	double width = stretch->days / customer->unit_days;
	double rate, distance, most;

	distance = fmin(clock / stretch->factor,
					customer->law->room(customer->params, age_after(customer, walk->from, walk->gone), &rate));
	rate += (walk->n + 1.0) * stretch->factor / clock;
	*rule = quick->rule;
	if (width <= quick->distances * distance && width * rate <= quick->change && walk->event != WALK_COUNTS)
		return stretch->days;
	*rule = long_panel.rule;
	most = fmin(long_panel.distances * distance, long_panel.change / rate);
	if (walk->event == WALK_COUNTS && walk->j > FEW_PURCHASES)
		most = fmin(most, long_panel.change * walk->passed / (walk->j * stretch->factor));
	/* the power of the counts changes, too */
	if (walk->event == WALK_COUNTS)
		most *= 0.5;
	return width <= most || !(most > 0.0) ? stretch->days : most * customer->unit_days;
}

static void
walk_on(ClockWalk *walk, const ClockStretch *stretch, double days)
{
	walk->gone += days;
	walk->passed += stretch->factor * days / walk->customer->unit_days;
}

/* The most that the sum may still gain: the probability of what must not have happened until now for it. */
static double
rest_at_most(const ClockWalk *walk)
{
	double ln_stays = ln_share(walk->customer, age_after(walk->customer, walk->from, walk->gone), NULL);
	double bought = walk->passed / (walk->clock_then + walk->passed);

	switch (walk->event)
	{
		case WALK_BELOW:
			return exp(ln_stays - walk->ln_alive) * fewer_than(walk, walk->passed, walk->j);
		case WALK_COUNTS:
			/* j purchases become less likely from here on, or not yet */
			return walk->passed > 0.0 && bought * (walk->n + walk->j) >= walk->j
				? exp(ln_quiet(walk, walk->passed, ln_stays) + walk->ln_ways + walk->j * log(bought))
				: exp(ln_stays - walk->ln_alive);
		default:
			return exp(ln_quiet(walk, walk->passed, ln_stays));
	}
}

/* Whether what the sum may still gain can be left out. */
static bool
is_over(const ClockWalk *walk)
{
	/* NaN must end the walk, too */
	return !(rest_at_most(walk) > (walk->endless ? ENDLESS_REST : REST) * walk->sum);
}

/* ClockWalk to a day, or until the sum is as large: then to the beginning of the panel in which it becomes that. Returns whether it is. */
static bool
walk_until(ClockWalk *walk, double until, double enough, ClockStretch *last)
{
	for (ClockStretch stretch; walk_next(walk, until, &stretch) && !is_over(walk);)
		while (stretch.days > 0.0)
		{
			const GaussRule *rule;
			double days = panel_days(walk, &stretch, &rule);
			double part = over_days(walk, rule, stretch.factor, days);

			if (walk->sum + part >= enough)
			{
				*last = (ClockStretch){days, stretch.factor};
				return true;
			}
			walk->sum += part;
			walk_on(walk, &stretch, days);
			stretch.days = days < stretch.days ? stretch.days - days : 0.0;
			/* where a customer buys or leaves many times a day, a day has as many panels: the first of them are enough */
			host_poll();
			if (stretch.days > 0.0 && is_over(walk))
				return false;
		}
	return false;
}

double
two_clocks_alive_prob(const DatedCustomer *customer, double last, double today, double *gone)
{
	ClockWalk walk = walk_start(customer, WALK_LEAVES, last);
	ClockStretch unused;
	double ln_alive;

	(void) walk_until(&walk, today, INFINITY, &unused);
	ln_alive = ln_quiet(&walk, season_between(customer->clock, last, today) / customer->unit_days,
						ln_share(customer, age_after(customer, today, 0.0), NULL));
	if (gone != NULL)
		*gone = walk.sum / (exp(ln_alive) + walk.sum);
	return fmin(1.0, exp(ln_alive - log(exp(ln_alive) + walk.sum)));
}

/* The next power of two that is lower, or not; INFINITY of INFINITY. */
static double
power_below(double number)
{
	return isfinite(number) ? ldexp(1.0, (int) floor(log2(number))) : number;
}

SeasonBend
two_clocks_bend(const LifetimeLaw *law, const double *params, double unit_days)
{
	SeasonBend bend = law->bend(params);

	return (SeasonBend){
		.scale = power_below(bend.scale * unit_days),
		.most = power_below(bend.most * unit_days),
		.turn = bend.turn > 0.0 ? 2.0 * power_below(bend.turn * unit_days) : 0.0,
	};
}

double
two_clocks_transactions_if_alive(const DatedCustomer *customer, double today, const SeasonRule *rule)
{
	ClockWalk walk = walk_start(customer, WALK_BUYS, today);
	double sum = 0.0;

	for (int i = 0; i < rule->n; i++)
		sum +=
			rule->weight[i] * exp(ln_share(customer, age_after(customer, today, rule->time[i]), NULL) - walk.ln_alive);
	return walk.n / walk.clock_then * sum / customer->unit_days;
}

/* The probability of a purchase after the walk has come to its end: the season counts by its mean. */
static double
later_order_prob(const ClockWalk *walk)
{
	const DatedCustomer *customer = walk->customer;
	double factor = season_between(customer->clock, walk_day(walk), walk_day(walk) + ERA_DAYS) / ERA_DAYS;
	ClockWalk rest = *walk;
	double sum = 0.0;

	for (double days = LAST_DAYS; !is_over(&rest); days *= 2.0)
	{
		const GaussRule *rule;
		ClockStretch stretch = {days, factor};

		for (double done = 0.0; done < days;)
		{
			double part = panel_days(&rest, &stretch, &rule);

			host_poll();
			sum += over_days(&rest, rule, factor, part);
			walk_on(&rest, &stretch, part);
			done += part;
			stretch.days = days - done;
		}
		rest.sum = walk->sum + sum;
		if (!isfinite(rest.gone * 4.0))
			break;
	}
	return sum;
}

double
two_clocks_order_prob_if_alive(const DatedCustomer *customer, double today, double horizon)
{
	ClockWalk walk = walk_start(customer, WALK_BUYS, today);
	ClockStretch unused;

	walk.endless = isinf(horizon);
	(void) walk_until(&walk, today + (walk.endless ? LAST_DAYS : horizon), INFINITY, &unused);
	if (walk.endless)
		walk.sum += later_order_prob(&walk);
	return fmin(1.0, walk.sum);
}

double
two_clocks_pmf_if_alive(const DatedCustomer *customer, double today, double horizon, double j)
{
	ClockWalk walk = walk_start(customer, WALK_COUNTS, today);
	double passed = season_between(customer->clock, today, today + horizon) / customer->unit_days;
	ClockStretch unused;
	double stays;

	if (!(horizon > 0.0))
		return 0.0;
	walk.j = j;
	walk.ln_ways = sf_lnchoose(walk.n, j);
	stays = exp(sf_ln_negative_binomial(walk.n, passed / walk.clock_then, j) +
				ln_share(customer, age_after(customer, today, horizon), NULL) - walk.ln_alive);
	if (j > FEW_PURCHASES)
	{
		/* the share of purchases until a time: where so many are likely, or at the end */
		double most = fmin(passed / (walk.clock_then + passed), j / (walk.n + j));
		double least = most * exp((LN_NOTHING + walk.n * log1p(-most)) / j);

		walk.passed = walk.clock_then * least / (1.0 - least);
		walk.gone = season_after(customer->clock, today, walk.passed * customer->unit_days) - today;
	}
	(void) walk_until(&walk, today + horizon, INFINITY, &unused);
	return stays + walk.sum;
}

void
two_clocks_order_probs_if_alive(const DatedCustomer *customer, double today, int days, double *probs)
{
	ClockWalk walk = walk_start(customer, WALK_BUYS, today);
	ClockStretch unused;

	for (int i = 0; i < days; i++)
	{
		(void) walk_until(&walk, today + i + 1, INFINITY, &unused);
		probs[i] = fmin(1.0, walk.sum);
	}
}

/*
 * Fewer than j until the horizon or leaving: the customer stays and buys fewer by then, or leaves with fewer.
 * sum over i < j of two_clocks_pmf_if_alive(i), in one walk.
 */
double
two_clocks_fewer_prob_if_alive(const DatedCustomer *customer, double today, double horizon, double j)
{
	ClockWalk walk = walk_start(customer, WALK_BELOW, today);
	double passed = season_between(customer->clock, today, today + horizon) / customer->unit_days;
	ClockStretch unused;

	if (!(horizon > 0.0))
		return 1.0;
	walk.j = j;
	(void) walk_until(&walk, today + horizon, INFINITY, &unused);
	return fmin(1.0,
				exp(ln_share(customer, age_after(customer, today, horizon), NULL) - walk.ln_alive) *
						fewer_than(&walk, passed, j) +
					walk.sum);
}

/* Days within a panel at which its part of the integral is a goal: Newton's method, kept in a bracket. */
static double
days_to_sum(const ClockWalk *walk, const ClockStretch *panel, double goal)
{
	double unit_days = walk->customer->unit_days;
	double low = 0.0;
	double high = panel->days;
	double days = 0.5 * high;

	for (int i = 0; i < QUANTILE_STEPS && high - low > QUANTILE_PRECISION * panel->days; i++)
	{
		double off = over_days(walk, &gauss_8, panel->factor, days) - goal;
		double step = off * unit_days /
			integrand(walk, walk->passed + panel->factor * days / unit_days, walk->gone + days, panel->factor);

		if (off < 0.0)
			low = days;
		else
			high = days;
		if (fabs(step) <= QUANTILE_PRECISION * panel->days)
			break;
		days = days - step > low && days - step < high ? days - step : 0.5 * (low + high);
	}
	return days;
}

double
two_clocks_next_order_quantile(const DatedCustomer *customer, double today, double q)
{
	double goal = q * two_clocks_order_prob_if_alive(customer, today, INFINITY);
	ClockWalk walk = walk_start(customer, WALK_BUYS, today);
	ClockStretch panel;
	double far = LAST_DAYS;

	walk.endless = true;
	/* INFINITY where it is beyond any calendar */
	for (; !walk_until(&walk, today + far, goal, &panel); far *= 4.0)
		if (!(far < FARTHEST_DAYS))
			return INFINITY;
	return walk.gone + days_to_sum(&walk, &panel, goal - walk.sum);
}
