/*
 * replenishment.h
 *	  When a customer needs something again: their own intervals, drawn towards
 *	  those of all.
 *
 * The logarithm of an interval is normal with variance sigma2 around the
 * customer's mean, and these means are normal with variance tau2 around mu0.
 *
 * That is contradicted where intervals, or customers, are of two kinds, short and
 * long, with few between: the typical interval is then one that few have.
 */
#ifndef MODELS_DECISION_REPLENISHMENT_H
#define MODELS_DECISION_REPLENISHMENT_H

/* Customers who have the same number of intervals. */
typedef struct IntervalGroup
{
	double intervals; /* of each, > 0 */
	double customers;
	double sum_mean;     /* of each one's mean log interval, */
	double sum_square;   /* of its square, */
	double sum_variance; /* and of the variance around it (sum of squares / intervals) */

	/* The shape, of those customers for whom it is known: sums of powers of their means, and of moments around them. */
	double shaped;
	double sum_cube;
	double sum_fourth;
	double sum_third_moment;
	double sum_fourth_moment;
	double sum_variance_square;
} IntervalGroup;

typedef enum ReplenishmentStatus
{
	REPLENISHMENT_OK,
	REPLENISHMENT_NO_INTERVALS, /* nobody bought twice */
	REPLENISHMENT_ONE_CUSTOMER, /* how customers differ is unknown */
	REPLENISHMENT_ONE_INTERVAL, /* nobody bought three times: how intervals of a customer differ is unknown */
	REPLENISHMENT_POOR_FIT,     /* fitted, but there are two kinds of intervals, or of customers */
} ReplenishmentStatus;

typedef struct ReplenishmentFit
{
	ReplenishmentStatus status;
	double customers;
	double intervals;
	double sigma2;
	double tau2;
	double mu0;
} ReplenishmentFit;

extern ReplenishmentFit replenishment_fit(const IntervalGroup *groups, int count);

/* The distribution of the next log interval of a customer with so many intervals (none: 0) of this mean. */
extern void replenishment_next(const ReplenishmentFit *fit, double intervals, double mean, double *next_mean,
							   double *next_variance);

#endif /* MODELS_DECISION_REPLENISHMENT_H */
