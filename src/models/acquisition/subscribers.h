/*
 * subscribers.h
 *	  The weibull-gamma model: how many of a population become customers, when, and, where
 *	  losses or customers at the end of each period are known, how long they stay.
 *
 * Who enters the pool of possible customers in period m' (all of the population before
 * the first, its growth later) becomes a customer by period m with probability
 *
 *		F(m', m) = (1 - pi) (1 - S(m', m)),  S(m', m) = (alpha / (alpha + B))^r,
 *		B = sum over i = 1 ... m - m' of (i^c - (i - 1)^c) exp(beta x[m' + i]):
 *
 * a share pi never does, and the others have proportional Weibull hazards with gamma
 * distributed rates. Customers of period m stay until period m'' with a probability S of
 * the same form, of its own parameters. Losses of a period are of the customers before it.
 *
 * Fitted by least squares on everything observed: acquired, lost, active at the end. The
 * baselines r, alpha and c lie on a ridge; what they predict does not. McCarthy, Fader &
 * Hardie, "Valuing Subscription-Based Businesses Using Publicly Disclosed Customer Data",
 * Journal of Marketing 81 (2017).
 */
#ifndef MODELS_ACQUISITION_SUBSCRIBERS_H
#define MODELS_ACQUISITION_SUBSCRIBERS_H

#include <stdbool.h>
#include <stddef.h>

#include "numerics/host.h"
#include "numerics/trust_region.h"

#define SUBSCRIBER_MAX_COVARIATES 15
#define SUBSCRIBER_MAX_PARAMS (7 + 2 * SUBSCRIBER_MAX_COVARIATES)

/* What is observed of each period. */
typedef enum SubscriberFigure
{
	SUBSCRIBERS_ACQUIRED,
	SUBSCRIBERS_LOST,
	SUBSCRIBERS_ACTIVE,
	SUBSCRIBER_FIGURES,
} SubscriberFigure;

typedef struct SubscriberData
{
	const Host *host;
	size_t n;                                   /* periods */
	const double *observed[SUBSCRIBER_FIGURES]; /* [n]; NaN: not known; NULL: none is; that of acquired is needed */
	const double *population;                   /* [1 + n]: before the first period, and at the end of each */
	int n_covariates;
	const double *covariates; /* [n * n_covariates] */
} SubscriberData;

/* Those of acquisition (ln r, ln alpha, ln c, ln (1 - pi) / pi, beta), then of staying (ln r, ln alpha, ln c, beta). */
static inline int
subscriber_pool_params(const SubscriberData *data)
{
	return 4 + data->n_covariates;
}

/* True if the data tell of staying too. */
static inline bool
subscribers_stay(const SubscriberData *data)
{
	return data->observed[SUBSCRIBERS_LOST] != NULL || data->observed[SUBSCRIBERS_ACTIVE] != NULL;
}

static inline int
subscriber_params(const SubscriberData *data)
{
	return subscriber_pool_params(data) + (subscribers_stay(data) ? 3 + data->n_covariates : 0);
}

/*
 * What the model expects of each period at theta: expected[SUBSCRIBER_FIGURES * n], and
 * unless it is NULL jacobian[SUBSCRIBER_FIGURES * n * subscriber_params()], exact.
 */
extern void subscribers_expect(const SubscriberData *data, const double *theta, double *expected, double *jacobian);

/*
 * Continues the counts: of the customers there were at the end of period `known`, as they
 * were counted, as large a share leaves in each later period as the model expects. Lost and
 * active of these periods are set in expected; where the count is not known they stay.
 */
extern void subscribers_continue(const SubscriberData *data, size_t known, double *expected);

typedef struct SubscriberFit
{
	bool converged;
	int iterations;
	int n_params;
	double theta[SUBSCRIBER_MAX_PARAMS];
	double squares;  /* sum of squared errors */
	double variance; /* of an error */
	double covariance[SUBSCRIBER_MAX_PARAMS * SUBSCRIBER_MAX_PARAMS];
} SubscriberFit;

/* Fits the model. The number of observations must exceed that of the parameters. */
extern void subscribers_fit(const SubscriberData *data, SubscriberFit *fit);

/* How many numbers are observed. */
extern size_t subscriber_observations(const SubscriberData *data);

#endif /* MODELS_ACQUISITION_SUBSCRIBERS_H */
