/*
 * within.h
 *	  How response falls with recent contacts, each customer compared with themselves.
 *
 * Customer i responds to a contact with c recent ones before it at the rate a_i e^(-kappa c).
 * The engaged have larger a_i and mostly get more contacts; given how often each customer
 * responded, a_i is no part of the likelihood any more: their Y_i responses fall on contacts
 * in proportion to n_ic e^(-kappa c), n_ic being their contacts with c recent ones,
 *
 *		ln L = sum over i and c of y_ic (-kappa c) - sum over i of Y_i ln (sum over c of n_ic e^(-kappa c)).
 *
 * It is exact for rare responses (Poisson). The estimate needs no more than the rate
 * (Wooldridge, "Distribution-free estimation of some nonlinear panel data models", Journal of
 * Econometrics 90, 1999), and its error, from the customers' scores, allows for whatever
 * else there is. What it does need: that contacts do not follow from earlier responses.
 */
#ifndef MODELS_DECISION_WITHIN_H
#define MODELS_DECISION_WITHIN_H

#include <stddef.h>

#include "models/decision/fatigue.h"
#include "numerics/host.h"

typedef enum WithinStatus
{
	WITHIN_OK,
	WITHIN_NO_CUSTOMERS,   /* nobody who responded was contacted after different numbers of others */
	WITHIN_NOT_IDENTIFIED, /* all responses are at each customer's lowest level, or all at the highest */
} WithinStatus;

typedef struct WithinFit
{
	WithinStatus status;
	double kappa; /* NaN unless status is WITHIN_OK */
	double std_error;
	size_t customers; /* who tell something */
	double responses; /* of theirs */
} WithinFit;

/* Customers have their levels one after the other, each c once; those of customer i end before ends[i]. */
extern WithinFit within_fit(const Host *host, const RateLevel *levels, const size_t *ends, size_t customers);

#endif /* MODELS_DECISION_WITHIN_H */
