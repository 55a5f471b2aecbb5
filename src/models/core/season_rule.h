/*
 * season_rule.h
 *	  Discounting on the clock of a season: the calendar discounts, the clock buys.
 *
 * X(u) are the purchases expected while the clock goes on by u, a smooth function. Their
 * discounted value is, by parts,
 *
 *		D = e^(-delta H) X(Λ(H)) + integral over 0 <= w <= H of delta e^(-delta w) X(Λ(w)) dw,
 *
 * a mean of X under a measure that depends on the clock, the day, the horizon and the
 * discount, but not on the customer. So it is turned into nodes and weights once, for all
 * customers of a query.
 */
#ifndef MODELS_CORE_SEASON_RULE_H
#define MODELS_CORE_SEASON_RULE_H

#include "models/core/season.h"

#define SEASON_RULE_PANELS 100
#define SEASON_RULE_POINTS 16
#define SEASON_RULE_NODES (SEASON_RULE_PANELS * (SEASON_RULE_POINTS - 1) + 2)

typedef struct SeasonRule
{
	int n;
	double time[SEASON_RULE_NODES];   /* in days since the start, of the clock or of the calendar */
	double weight[SEASON_RULE_NODES]; /* the result is the sum of weight times function of time */
} SeasonRule;

/*
 * The rule from a day on, for a horizon in days, which may be INFINITY, and a discount rate
 * delta > 0 per day. X must be analytic in u but for u <= -scale, in days. Exact to about
 * 1e-12; after 400 years the season counts by its mean, which leaves an error of 1e-8 at
 * the most.
 */
extern void season_discount_rule(const SeasonClock *clock, double from, double horizon, double delta, double scale,
								 SeasonRule *rule);

/*
 * How S bends, in days. Near w it is a polynomial over about scale + w, but up to the time
 * `turn`, by which its slope may have changed, over no more than `most`.
 */
typedef struct SeasonBend
{
	double scale;
	double most; /* INFINITY: there is no turn */
	double turn;
} SeasonBend;

/*
 * Where customers leave by the calendar, and buy by the clock: the expected purchases of one
 * whose rate is 1 a day, each discounted, are
 *
 *		integral over 0 <= w <= H of A(w) e^(-delta w) S(w) dw,
 *
 * with the share S(w) of customers that stay until w. This is a rule for S at times of the
 * calendar, in days. delta >= 0; the horizon may be INFINITY if delta > 0.
 */
extern void season_purchase_rule(const SeasonClock *clock, double from, double horizon, double delta,
								 const SeasonBend *bend, SeasonRule *rule);

#endif /* MODELS_CORE_SEASON_RULE_H */
