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
	double time[SEASON_RULE_NODES];   /* of the clock, in days since the start */
	double weight[SEASON_RULE_NODES]; /* D is the sum of weight X(time) */
} SeasonRule;

/*
 * The rule from a day on, for a horizon in days, which may be INFINITY, and a discount rate
 * delta > 0 per day. X must be analytic in u but for u <= -scale, in days. Exact to about
 * 1e-12; after 400 years the season counts by its mean, which leaves an error of 1e-8 at
 * the most.
 */
extern void season_discount_rule(const SeasonClock *clock, double from, double horizon, double delta, double scale,
								 SeasonRule *rule);

#endif /* MODELS_CORE_SEASON_RULE_H */
