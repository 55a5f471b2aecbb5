/*
 * two_clocks_scores.h
 *	  What a model on two clocks says of one customer.
 *
 * See two_clocks.h. Days are those of the season's clock, times are in time units. What is
 * said of a customer who is alive on a day depends on their purchases by their number alone.
 */
#ifndef MODELS_COMPETING_RISKS_TWO_CLOCKS_SCORES_H
#define MODELS_COMPETING_RISKS_TWO_CLOCKS_SCORES_H

#include "models/competing_risks/two_clocks.h"

/* A customer, under a model. */
typedef struct DatedCustomer
{
	const LifetimeLaw *law;
	const double *params;
	const SeasonClock *clock;
	double unit_days;
	double first; /* the day of the first purchase */
	double x;     /* repeat purchases */
} DatedCustomer;

/* Probability of being alive on a day, with the last purchase on another; and, unless NULL, of having left by then. */
extern double two_clocks_alive_prob(const DatedCustomer *customer, double last, double today, double *gone);

/* Expected purchases, by a rule of season_purchase_rule() from today on, for what is two_clocks_bend() of the parameters. */
extern double two_clocks_transactions_if_alive(const DatedCustomer *customer, double today, const SeasonRule *rule);

/* How the share of customers bends that stay, in days: the same for parameters that are nearly the same. */
extern SeasonBend two_clocks_bend(const LifetimeLaw *law, const double *params, double unit_days);

/* Probability of a purchase in a horizon in days, which may be INFINITY. */
extern double two_clocks_order_prob_if_alive(const DatedCustomer *customer, double today, double horizon);

/* The same of 1, 2, ... days, in one walk. */
extern void two_clocks_order_probs_if_alive(const DatedCustomer *customer, double today, int days, double *probs);

/* Probability of j purchases (whole, > 0) in a finite horizon in days. */
extern double two_clocks_pmf_if_alive(const DatedCustomer *customer, double today, double horizon, double j);

/* Probability of fewer than j purchases (whole, > 0) in a finite horizon in days. */
extern double two_clocks_fewer_prob_if_alive(const DatedCustomer *customer, double today, double horizon, double j);

/* Days to the next purchase: the quantile q (0 < q < 1) of its distribution among those who are alive and buy again. */
extern double two_clocks_next_order_quantile(const DatedCustomer *customer, double today, double q);

#endif /* MODELS_COMPETING_RISKS_TWO_CLOCKS_SCORES_H */
