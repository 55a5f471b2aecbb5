/*
 * rates.h
 *	  Rates of many units, each drawn towards those of all as far as its data are
 *	  few (empirical Bayes); and the index of the three questions.
 */
#ifndef MODELS_DECISION_RATES_H
#define MODELS_DECISION_RATES_H

#include <math.h>
#include <stdbool.h>

#include "numerics/host.h"

/* So many units have so much of the same total: k of n, or events in an exposure. */
typedef struct RateUnits
{
	double good;  /* >= 0; whole */
	double total; /* > 0; for proportions whole, and not below good */
	double units; /* > 0 */
} RateUnits;

typedef enum RatePriorStatus
{
	RATE_PRIOR_OK,
	RATE_PRIOR_NO_UNITS,      /* nothing is known */
	RATE_PRIOR_ALIKE,         /* units differ no more than by chance: all have the pooled rate */
	RATE_PRIOR_NOT_CONVERGED, /* the fit stopped at a limit */
} RatePriorStatus;

/*
 * Proportions: the rate of a unit is Beta(a, b) distributed. Counts: it is Gamma
 * distributed with shape a and rate b.
 */
typedef struct RatePrior
{
	bool counts;
	RatePriorStatus status;
	double a; /* NaN without a fit */
	double b;
	double log_likelihood; /* without the terms that do not depend on a and b */
	double units;
	double good;
	double total;
} RatePrior;

/* Maximum likelihood of the beta-binomial or the gamma-Poisson distribution. */
extern void rate_prior_fit(const Host *host, const RateUnits *rows, int count, bool counts, RatePrior *prior);

/* The rate of a unit, given its own data; NaN if nothing is known. */
extern double rate_shrunk(const RatePrior *prior, double good, double total);

/*
 * The central interval of a unit's rate if the prior were known, which is too narrow where units are few. NaN where
 * there is no prior: units that are alike take that of rate_spread_interval().
 */
extern void rate_shrunk_interval(const RatePrior *prior, double good, double total, double level, double *low,
								 double *high);

/*
 * Widens an interval by as much as it takes to hold the estimate: at an end of the range, and of units that are
 * alike, it is no quantile's business to do so.
 */
static inline void
rate_interval_holds(double shrunk, double *low, double *high)
{
	*low = fmin(*low, shrunk);
	*high = fmax(*high, shrunk);
}

/* A prior with the probability that it is the one of the units. */
typedef struct RateNode
{
	double a;
	double b;
	double weight;
} RateNode;

#define RATE_SPREAD_MOST 512

/* What the data leave open of the prior: priors whose weights add up to 1; none: nothing is known. */
typedef struct RateSpread
{
	bool counts;
	int count;
	RateNode nodes[RATE_SPREAD_MOST];
} RateSpread;

/* Of the units that a prior was fitted to. */
extern void rate_prior_spread(const Host *host, const RateUnits *rows, int count, const RatePrior *prior,
							  RateSpread *spread);

/* The central interval of a unit's rate; NaN if nothing is known. */
extern void rate_spread_interval(const RateSpread *spread, double good, double total, double level, double *low,
								 double *high);

#define QUESTIONS 3

/* What a weighted geometric mean of the questions' indices says; NaN: not known. */
typedef struct QuestionIndex
{
	double total;
	double coverage;         /* share of the weights whose question has an index */
	double gains[QUESTIONS]; /* what the total gains from 0.01 more of a question */
	int improve;             /* the question that gains most; -1: none */
} QuestionIndex;

/* A missing index (NaN) is left out. Indices within [0, 1]; weights not negative, some positive. */
extern QuestionIndex question_index(const double *index, const double *weights, int questions);

/* So many customers have these indices, of whom so many bought again. */
typedef struct QuestionCell
{
	double index[QUESTIONS]; /* within [0, 1] */
	double customers;
	double repurchased;
} QuestionCell;

/* Below this an index counts as this: the logarithm of zero is no number. */
#define QUESTION_LEAST 0.005

/* Logistic regression of repurchase on the logarithms of the indices. */
typedef struct QuestionWeights
{
	bool identified;                   /* the likelihood has a maximum, and its Hessian an inverse */
	double coefficient[1 + QUESTIONS]; /* the constant comes first */
	double std_error[1 + QUESTIONS];
	double weight[QUESTIONS]; /* shares of the positive coefficients; NaN: there is none */
} QuestionWeights;

extern QuestionWeights question_weights_fit(const Host *host, const QuestionCell *cells, int count);

#endif /* MODELS_DECISION_RATES_H */
