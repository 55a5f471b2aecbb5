/*
 * fatigue.h
 *	  How response falls, and unsubscribing rises, with recent contacts.
 */
#ifndef MODELS_DECISION_FATIGUE_H
#define MODELS_DECISION_FATIGUE_H

#include <stddef.h>

/* Contacts with so many others in the days before: how many, and how many with the outcome. */
typedef struct RateLevel
{
	double contacts; /* recent ones */
	double heads;
	double events;
} RateLevel;

typedef enum RateStatus
{
	RATE_OK,
	RATE_NO_EVENTS,      /* nobody: the rate is zero, its slope unknown */
	RATE_ONE_LEVEL,      /* all had as many recent contacts: the slope is unknown */
	RATE_NOT_IDENTIFIED, /* the likelihood has no maximum: a level without any event decides */
	RATE_REACHES_ONE,    /* the fitted probability is 1 at a level that was seen */
} RateStatus;

/* rate(c) = exp(intercept + slope c) */
typedef struct RateCurve
{
	RateStatus status;
	double intercept;     /* -INFINITY: no events */
	double slope;         /* NaN where it is unknown */
	double covariance[3]; /* of intercept and slope: both variances around their covariance; NaN: unknown */
	double
		evidence; /* twice the log-likelihood above that of one rate for all; chi-squared with 1 degree if there is one */
} RateCurve;

/* Maximum likelihood of a binomial with a log link; count > 0 levels, 0 <= events <= heads, some heads. */
extern RateCurve rate_curve_fit(const RateLevel *levels, int count);

/*
 * The covariance of a fitted curve from how far independent customers are from it (a sandwich), whose contacts may depend
 * on each other: levels are theirs, one after the other, and ends[i] is the end of the i-th one's. Two customers or more.
 * Returns how many customers who are alike it is as certain as, for the degrees of freedom of Student's distribution.
 */
extern double rate_curve_by_customer(const RateCurve *curve, const RateLevel *levels, const size_t *ends,
									 size_t customers, double *covariance);

/* A curve whose levels are less likely than this is not the true one. */
#define RATE_POOR_PROB 0.05

/*
 * How likely levels as far from a fitted curve are, if that is the true one (Pearson's chi-squared; levels are pooled with
 * their neighbours until five events are expected). dispersion: how much further than independent contacts those of the
 * same customers are from it. NaN: there are too few levels, or it is as good as on the curve.
 */
extern double rate_curve_fit_prob(const RateCurve *curve, const RateLevel *levels, int count, double dispersion);

/* The rate at so many recent contacts; with an unknown slope that of all. */
extern double rate_at(const RateCurve *curve, double contacts);

/* What a contact earns and costs. */
typedef struct ContactTerms
{
	double margin;          /* of a response */
	double cost;            /* of a contact */
	double remaining_value; /* lost when a customer unsubscribes */
} ContactTerms;

/* The value of one more contact of a customer with this number of recent ones. */
extern double contact_gain(const RateCurve *response, const RateCurve *unsubscribing, const ContactTerms *terms,
						   double contacts);

/* So many contacts each bring more than they cost; FATIGUE_MAX_CONTACTS: as far as was looked. */
#define FATIGUE_MAX_CONTACTS 1000
extern int contact_cap(const RateCurve *response, const RateCurve *unsubscribing, const ContactTerms *terms);

#endif /* MODELS_DECISION_FATIGUE_H */
