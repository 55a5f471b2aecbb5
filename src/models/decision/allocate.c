/*
 * allocate.c
 *	  A budget among segments, by equal marginal return (water filling).
 *
 * A segment's spend at a price has a closed form, total spend falls with the
 * price, and Newton's method within a bracket finds the price whose total is the
 * budget. With uncertain curves the segment's expected marginal value is a mean
 * over draws, whose spend at a price is searched for in the same way.
 */
#include "models/decision/allocate.h"

#include <float.h>
#include <math.h>

#include "numerics/quantile.h"
#include "numerics/random.h"
#include "numerics/sum.h"

#define MOST_STEPS 200

/* Newton's method needs fewer steps, or does not get near: then every other one halves the bracket. */
#define NEWTON_STEPS 20
#define LN_MOST 700.0

/* Segments between two checks for interrupts. */
#define SEGMENTS_AT_ONCE 4096

/* A segment prepared for the search: what does not depend on the price is computed once. */
typedef struct Bidder
{
	const BudgetSegment *segment;
	const ResponseCurve *drawn; /* NULL: the curve is the segment's own */
	int draws;
	const ResponseCurve *curve;
	double ln_first; /* see spend_of_curve */
	double rate;
	double last; /* the spend found last, to begin with next time */
} Bidder;

static double
clip(const BudgetSegment *segment, double spend)
{
	return fmin(segment->max, fmax(segment->min, spend));
}

/* What one more unit of spend per head brings, per unit; the mean of all draws. */
static double
marginal_value(const Bidder *bidder, double spend)
{
	double sum = 0.0;

	if (bidder->drawn == NULL)
		return bidder->segment->value * response_slope(bidder->curve, spend);
	for (int i = 0; i < bidder->draws; i++)
		sum += response_slope(&bidder->drawn[i], spend);
	return bidder->segment->value * sum / bidder->draws;
}

/* The value per head that spend adds; the mean of all draws. */
static double
added_value(const Bidder *bidder, double spend)
{
	double sum = 0.0;

	if (bidder->drawn == NULL)
		return bidder->segment->value * response_added(bidder->curve, spend);
	for (int i = 0; i < bidder->draws; i++)
		sum += response_added(&bidder->drawn[i], spend);
	return bidder->segment->value * sum / bidder->draws;
}

/* Whether more spend brings more at all. */
static bool
responds(const Bidder *bidder)
{
	return bidder->segment->heads > 0.0 && bidder->segment->value > 0.0 &&
		(bidder->drawn != NULL ? bidder->drawn[0].param[0] : bidder->curve->param[0]) > 0.0;
}

static void
prepare(Bidder *bidder, const BudgetSegment *segment, const ResponseCurve *curve)
{
	double vc = segment->value * curve->param[0];
	double k = curve->param[1];

	*bidder = (Bidder){.segment = segment, .curve = curve, .last = segment->min};
	if (!(vc > 0.0))
		return;
	bidder->ln_first = log(vc * k);
	bidder->rate = 1.0 / k;
	if (curve->kind == RESPONSE_HILL)
		bidder->rate = sqrt(vc * k);
	else if (curve->kind == RESPONSE_POWER)
		bidder->rate = 1.0 / (1.0 - k);
}

/* Spend per head at a price, and its derivative in ln price; inverse of the marginal value (spec of the curves). */
static double
spend_of_curve(const Bidder *bidder, double ln_price, double root_price, double *slope)
{
	double spend = NAN;

	switch (bidder->curve->kind)
	{
		case RESPONSE_EXP:
			spend = (bidder->ln_first - ln_price) * bidder->rate;
			*slope = -bidder->rate;
			break;
		case RESPONSE_HILL:
			spend = bidder->rate / root_price;
			*slope = -0.5 * spend;
			spend -= bidder->curve->param[1];
			break;
		case RESPONSE_POWER:
			spend = exp((bidder->ln_first - ln_price) * bidder->rate);
			*slope = -bidder->rate * spend;
			break;
	}
	return spend;
}

/* The same over all draws: the spend whose expected marginal value is the price. */
static double
spend_of_draws(Bidder *bidder, double ln_price, double *slope)
{
	const BudgetSegment *segment = bidder->segment;
	double price = exp(ln_price);
	double low = segment->min;
	double high = segment->max;
	double spend = bidder->last;
	double step = spend < DBL_MAX ? fmax(1.0, spend) : 1.0;

	*slope = 0.0;
	if (marginal_value(bidder, low) <= price)
		return low;
	if (isfinite(high) && marginal_value(bidder, high) >= price)
		return high;
	for (double more = step; !isfinite(high) && more < DBL_MAX / 4.0; more *= 2.0)
		if (marginal_value(bidder, low + more) < price)
			high = low + more;
	if (!isfinite(high))
		return DBL_MAX / 4.0;
	if (!(spend > low && spend < high))
		spend = low + (high - low) / 2.0;
	for (int i = 0; i < MOST_STEPS; i++)
	{
		double value = marginal_value(bidder, spend);
		double near = spend + (high - spend) * 1e-6;
		double by_spend = (log(marginal_value(bidder, near)) - log(value)) / (near - spend);
		double next = spend - (log(value) - ln_price) / by_spend;

		if (value > price)
			low = spend;
		else
			high = spend;
		*slope = 1.0 / by_spend;
		if (!(next > low && next < high))
			next = low + (high - low) / 2.0;
		if (fabs(next - spend) <= 1e-14 * fabs(spend) || high - low <= 1e-15 * fabs(high))
			break;
		spend = next;
	}
	if (!isfinite(*slope))
		*slope = 0.0;
	bidder->last = spend;
	return spend;
}

/* All spend at a price, and its derivative in ln price. */
static double
total_spend(Bidder *bidders, int count, double ln_price, double *slope, const Host *host)
{
	double root_price = exp(0.5 * ln_price);
	Sum total = {0};

	*slope = 0.0;
	for (int i = 0; i < count; i++)
	{
		Bidder *bidder = &bidders[i];
		const BudgetSegment *segment = bidder->segment;
		double by_price = 0.0;
		double spend = segment->min;

		if (i % SEGMENTS_AT_ONCE == 0 || bidder->drawn != NULL)
			host->check_interrupts();
		if (responds(bidder))
		{
			spend = bidder->drawn != NULL ? spend_of_draws(bidder, ln_price, &by_price)
										  : spend_of_curve(bidder, ln_price, root_price, &by_price);
			if (!(spend > segment->min && spend < segment->max))
			{
				spend = clip(segment, spend);
				by_price = 0.0;
			}
		}
		bidder->last = spend;
		sum_add(&total, segment->heads * spend);
		*slope += segment->heads * by_price;
	}
	/* Neumaier's sum of infinities is NaN; a price so low that spend is beyond a double is one that is too low */
	return isfinite(total.total) ? sum_value(&total) : total.total;
}

/*
 * Newton's step in ln price; where much too much is spent in the logarithm of that: with curves that are next to
 * straight spend is so steep in the price that the step would take away no more than a part of it.
 */
static double
price_step(double total, double budget, double slope)
{
	if (total > 4.0 * budget && budget > 0.0)
		return log(budget / total) * total / slope;
	return (budget - total) / slope;
}

/* Finds the price whose total is the budget; the bidders' last spends are the allocation. */
static void
find_price(Bidder *bidders, int count, double budget, const Host *host)
{
	double low = -LN_MOST;
	double high = LN_MOST;
	double ln_price = 0.0;

	for (int i = 0; i < MOST_STEPS; i++)
	{
		double slope;
		double total = total_spend(bidders, count, ln_price, &slope, host);
		double next;

		if (total == budget)
			return;
		if (total > budget)
			low = ln_price;
		else
			high = ln_price;
		next = ln_price + price_step(total, budget, slope);
		if (!(next > low && next < high) || (i >= NEWTON_STEPS && i % 2 == 0))
			next = low > -LN_MOST && high < LN_MOST ? 0.5 * (low + high)
				: high < LN_MOST                    ? ln_price - ldexp(1.0, i < 9 ? i : 9)
													: ln_price + ldexp(1.0, i < 9 ? i : 9);
		next = fmin(LN_MOST, fmax(-LN_MOST, next));
		if (fabs(next - ln_price) <= DBL_EPSILON * fmax(1.0, fabs(ln_price)))
			return;
		ln_price = next;
	}
}

/*
 * Distributes what rounding left of the budget over the segments that are not at a limit, in proportion to their
 * spend: a segment that is to get next to nothing would not be at the price any more by what is rounding of another.
 */
static void
settle_rest(Bidder *bidders, int count, double budget)
{
	for (int round = 0; round < 3; round++)
	{
		Sum spent = {0};
		Sum free = {0};
		double share;
		double rest;

		for (int i = 0; i < count; i++)
		{
			const BudgetSegment *segment = bidders[i].segment;

			sum_add(&spent, segment->heads * bidders[i].last);
			if (bidders[i].last > segment->min && bidders[i].last < segment->max)
				sum_add(&free, segment->heads * bidders[i].last);
		}
		rest = budget - sum_value(&spent);
		share = rest / sum_value(&free);
		if (rest == 0.0 || !isfinite(share))
			return;
		for (int i = 0; i < count; i++)
		{
			const BudgetSegment *segment = bidders[i].segment;

			if (bidders[i].last > segment->min && bidders[i].last < segment->max)
				bidders[i].last = clip(segment, bidders[i].last * (1.0 + share));
		}
	}
}

/* Spends the budget as far as limits and returns allow; returns the amount spent. */
static double
spend_budget(Bidder *bidders, int count, double budget, const Host *host)
{
	Sum room = {0};

	for (int i = 0; i < count; i++)
	{
		const BudgetSegment *segment = bidders[i].segment;

		bidders[i].last = responds(&bidders[i]) ? segment->max : segment->min;
		if (segment->heads > 0.0)
			sum_add(&room, segment->heads * bidders[i].last);
	}
	/* Neumaier's sum of infinities is NaN */
	if (isfinite(room.total) && sum_value(&room) <= budget)
		return sum_value(&room);
	find_price(bidders, count, budget, host);
	settle_rest(bidders, count, budget);
	return budget;
}

/* One of the curves that a segment may have. */
static const ResponseCurve *
draw_kind(const BudgetSegment *segment, Random *random)
{
	double place = segment->n_others > 0 ? random_uniform(random) : 1.0;

	for (int i = 0; i < segment->n_others; i++)
	{
		if (place < segment->others[i].weight)
			return &segment->others[i].curve;
		place -= segment->others[i].weight;
	}
	return &segment->curve;
}

static ResponseCurve
draw_curve(const ResponseCurve *curve, Random *random)
{
	const double *v = curve->covariance;
	double first = sqrt(v[0]);
	double across = first > 0.0 ? v[1] / first : 0.0;
	double second = sqrt(fmax(0.0, v[2] - across * across));
	double a = random_normal(random);
	double b = random_normal(random);

	return response_moved(curve, first * a, across * a + second * b);
}

/* Draws of every segment's curve, one segment after the other. */
static ResponseCurve *
draw_curves(const BudgetSegment *segments, int count, const BudgetDraws *draws, const Host *host)
{
	ResponseCurve *drawn = host->alloc(sizeof(ResponseCurve) * (size_t) count * (size_t) draws->count);

	for (int i = 0; i < count; i++)
	{
		Random random = random_start(draws->seed, (uint64_t) i);

		host->check_interrupts();
		for (int k = 0; k < draws->count; k++)
			drawn[(size_t) i * (size_t) draws->count + (size_t) k] =
				draw_curve(draw_kind(&segments[i], &random), &random);
	}
	return drawn;
}

bool
budget_segment_is_certain(const BudgetSegment *segment)
{
	const double *v = segment->curve.covariance;

	return !(v[0] > 0.0) && !(v[2] > 0.0) && segment->n_others == 0;
}

/* The best allocation of each draw: where spend may lie, and what not knowing it costs. */
static double
compare_draws(const BudgetSegment *segments, int count, double budget, const BudgetDraws *draws,
			  const ResponseCurve *drawn, BudgetShare *shares, const Host *host)
{
	double *best = host->alloc(sizeof(double) * (size_t) count * (size_t) draws->count);
	Bidder *bidders = host->alloc(sizeof(Bidder) * (size_t) count);
	Sum regret = {0};

	for (int k = 0; k < draws->count; k++)
	{
		Sum gained = {0};

		host->check_interrupts();
		for (int i = 0; i < count; i++)
			prepare(&bidders[i], &segments[i], &drawn[(size_t) i * (size_t) draws->count + (size_t) k]);
		spend_budget(bidders, count, budget, host);
		for (int i = 0; i < count; i++)
		{
			best[(size_t) i * (size_t) draws->count + (size_t) k] = bidders[i].last;
			sum_add(&gained,
					segments[i].heads *
						(added_value(&bidders[i], bidders[i].last) -
						 added_value(&bidders[i], shares[i].spend_per_head)));
		}
		/* the plan is among what could be done: where a curve is too steep for the search, it is the best that is known */
		sum_add(&regret, sum_value(&gained) < 0.0 ? 0.0 : sum_value(&gained));
	}
	for (int i = 0; i < count; i++)
	{
		double *spends = best + (size_t) i * (size_t) draws->count;

		host->check_interrupts();
		sort_numbers(spends, draws->count);
		shares[i].low = sorted_quantile(spends, draws->count, (1.0 - draws->level) / 2.0);
		shares[i].high = sorted_quantile(spends, draws->count, (1.0 + draws->level) / 2.0);
	}
	host->release(bidders);
	host->release(best);
	return sum_value(&regret) / draws->count;
}

BudgetOutcome
allocate(const BudgetSegment *segments, int count, double budget, const BudgetDraws *draws, BudgetShare *shares,
		 const Host *host)
{
	Bidder *bidders = host->alloc(sizeof(Bidder) * (size_t) count);
	ResponseCurve *drawn = draws->count > 0 ? draw_curves(segments, count, draws, host) : NULL;
	BudgetOutcome outcome = {0.0, 0.0, NAN};
	double spent;
	double slope;

	for (int i = 0; i < count; i++)
	{
		prepare(&bidders[i], &segments[i], &segments[i].curve);
		if (drawn != NULL && !budget_segment_is_certain(&segments[i]))
		{
			bidders[i].drawn = drawn + (size_t) i * (size_t) draws->count;
			bidders[i].draws = draws->count;
		}
	}
	spent = spend_budget(bidders, count, budget, host);
	outcome.unspent = budget - spent;
	for (int i = 0; i < count; i++)
	{
		double spend = bidders[i].last;

		shares[i] = (BudgetShare){
			.spend_per_head = spend,
			.value = segments[i].heads * added_value(&bidders[i], spend),
			.marginal_value = marginal_value(&bidders[i], spend),
			.low = NAN,
			.high = NAN,
		};
	}
	/* at a price of one, a unit of spend brings what it costs */
	outcome.earns_less = fmax(0.0, spent - total_spend(bidders, count, 0.0, &slope, host));
	if (drawn != NULL)
	{
		outcome.regret = compare_draws(segments, count, budget, draws, drawn, shares, host);
		host->release(drawn);
	}
	host->release(bidders);
	return outcome;
}
