/*
 * equity.h
 *	  Customer equity: what all customers are going to be worth, and how far that may
 *	  be off because the parameters are estimates.
 *
 * The value of a customer within a horizon is
 *
 *		margin E(Z | x, S) P(alive | x, t_x, T) D(x, T; horizon, delta),
 *
 * with the expected value of a transaction E(Z) of the spend model (S: spend on the x
 * repeat transactions), and D the discounted expected transactions of a live customer. Equity is the sum over customers. The
 * delta method needs its gradient by the logarithms of all parameters, which is the
 * sum of the customers' gradients: value and gradient are gathered in one pass.
 *
 * All sums are exact, so that they depend neither on the order of customers nor on
 * how many of them are added at a time: both factors of each product are rounded for
 * themselves, and the products are added with all their bits.
 *
 * Fader, Hardie & Lee, "RFM and CLV", JMR 42 (2005); McCarthy & Fader, "Customer-Based
 * Corporate Valuation for Publicly Traded Noncontractual Firms", JMR 55 (2018).
 */
#ifndef MODELS_DECISION_EQUITY_H
#define MODELS_DECISION_EQUITY_H

#include <stdbool.h>
#include <stdint.h>

#include "models/decision/equity_terms.h"
#include "numerics/exact_sum.h"
#include "numerics/host.h"

/*
 * Customers with the same x, t_x and T. Under a linear spend model their spend on repeat
 * transactions is summed over them, in whole units of equity_spend_unit(); under others
 * it is the same for all of them.
 */
typedef struct EquityCell
{
	double x;
	double t_x;
	double T;
	int64_t customers;
	int64_t spend; /* of all, linear models only */
	double each;   /* of each, other models only */
} EquityCell;

/* The sums: P(alive), of each horizon the value and then its gradient, and the value without end at other discounts. */
#define EQUITY_MAX_SUMS (1 + EQUITY_HORIZONS * (1 + EQUITY_MAX_FIGURES) + EQUITY_OTHER_DISCOUNTS)

typedef struct EquitySums
{
	int64_t customers;
	int64_t out_of_range; /* customers whose value no double can hold */
	ExactSum sum[EQUITY_MAX_SUMS];
} EquitySums;

/* How many of the sums there are, and where those of a horizon are. */
static inline int
equity_sum_count(const Model *timing, const SpendModel *spend)
{
	return 1 + EQUITY_HORIZONS * (1 + equity_figures(timing, spend)) + EQUITY_OTHER_DISCOUNTS;
}

/* Where the value at another discount is. */
static inline int
equity_other_sum(const Model *timing, const SpendModel *spend, int other)
{
	return equity_sum_count(timing, spend) - EQUITY_OTHER_DISCOUNTS + other;
}

static inline int
equity_value_sum(const Model *timing, const SpendModel *spend, int horizon)
{
	return 1 + horizon * (1 + equity_figures(timing, spend));
}

/* True if without a discount the value without end is infinite; false as well where that is not known. */
extern bool equity_is_infinite(const EquityTerms *terms);
extern bool equity_can_do_without_discount(const Model *timing);

/*
 * The unit of spend: so small a part of the amount among the parameters that its rounding
 * changes no value of a gamma-gamma model by more than 2^-31 of itself.
 */
extern double equity_spend_unit(const SpendModel *spend, const double *spend_params);

/* Spend beyond this many units is added by equity_add_large. */
#define EQUITY_MAX_UNITS ((double) (INT64_C(1) << 42))

/* Adds cells that ascend in x, then T in either direction: neighbours with equal (x, T) share the costly part. */
extern void equity_add(const Host *host, const EquityTerms *terms, const EquityCell *cells, size_t n, EquitySums *sums);

/* Adds one customer, whatever their spend. */
extern void equity_add_large(const Host *host, const EquityTerms *terms, double x, double t_x, double T, double spend,
							 EquitySums *sums);

/*
 * The variance of ln(value) for a gradient of the value, given the covariance of the
 * logarithms of the parameters (row major, n * n).
 */
extern double equity_log_variance(double value, const double *gradient, const double *covariance, int n);

/*
 * What a new customer will be worth: margin times the value of the first order and that
 * of all orders to come, discounted from the first. first_value NaN: the first order is
 * worth what the others are. gradient[equity_figures()] is by the logarithms of the
 * parameters. NaN where there is no mean, INFINITY where it is infinite.
 */
extern double equity_new_customer(const EquityTerms *terms, double first_value, double *gradient);

#endif /* MODELS_DECISION_EQUITY_H */
