/*
 * whole_days.h
 *	  The likelihood of orders observed in whole days.
 *
 * Models are continuous, data are days: orders of one day are one transaction,
 * so that no time between transactions is shorter than a day. A continuous
 * likelihood mistakes that for regularity. This is the likelihood of the days.
 *
 * Times between orders are Gamma(k, rate lambda) distributed, per day, and an order
 * comes at any hour of its day. Then the next one falls d days later with
 * probability
 *
 *		p(d) = integral over v from -1 to 1 of (1 - |v|) f(d + v),
 *
 * on the same day with s = p(0), and a time that is known to end on another day
 * is d with probability p(d) / (1 - s). Its mean is (k / lambda) / (1 - s), exactly.
 */
#ifndef MODELS_CORE_WHOLE_DAYS_H
#define MODELS_CORE_WHOLE_DAYS_H

#include <stddef.h>

#include "models/core/population.h"

/* Statistics of customers whose mean gap between transactions is g days. */
typedef struct DayTerms
{
	double lambda;       /* the rate per day at which g is the mean */
	double same_day;     /* s: the share of orders on the day of the one before */
	double ln_other_day; /* ln(1 - s) */
} DayTerms;

/* The probability s that the next order falls on the same day. k, lambda > 0. */
extern double same_day_prob(double k, double lambda);

/* g > 1. */
extern DayTerms day_terms(double k, double g);

/*
 * ln of the integral over v of (1 - |v|) (1 + v/d)^(k-1) e^(-lambda v): how much
 * likelier a gap of d >= 1 whole days is than the density of a gap there.
 */
extern double ln_day_weight(double k, double d, double lambda);

/*
 * Mean and variance over gaps d, at the rate at which g is their mean, of the
 * whole days; and the mean of ln_day_weight(k, d, lambda) - ln_day_weight(k,
 * d, 0), for which the gaps alone do not give the rate.
 */
typedef struct DayMoments
{
	double variance;
	double ln_weight;
} DayMoments;

extern DayMoments day_moments(double k, double g);

/* The results of day_moments() for one k, tabulated over the mean gap. */
#define DAY_TABLE_SIZE 64

typedef struct DayTable
{
	double k;
	double ln_weight[DAY_TABLE_SIZE];
	double ln_variance[DAY_TABLE_SIZE]; /* over g^2 / k, what it is without days */
} DayTable;

extern void day_table_fill(const Host *host, double k, DayTable *table);

/* ln_weight, and ln of the variance over g^2 / k, at the mean gap g > 1. */
extern void day_table_at(const DayTable *table, double g, double *ln_weight, double *ln_variance);

/*
 * A population whose continuous likelihood, for times between orders of k stages,
 * is the likelihood of the whole days of this one, less *constant.
 *
 * ln(p(d) / f(d) / (1 - s)) is taken as linear in lambda, around the rate
 * given by each customer's mean gap: so it takes the share s of the time
 * between the first and the last order off both t_x and T. For k = 1 this is
 * half a day for each repeat transaction, nearly.
 */
extern Population *population_in_days(const Population *population, const DayTable *table, double *constant);

#endif /* MODELS_CORE_WHOLE_DAYS_H */
