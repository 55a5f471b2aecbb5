/*
 * fatigue.c
 *	  A binomial rate with a log link, and the contacts that it is worth.
 *
 * The log-likelihood, sum of y eta + (n - y) ln(1 - e^eta) with
 * eta = a + b c, is concave, so Newton's method with steps that are halved until
 * they stay inside the domain (eta < 0) and do not lose likelihood finds the
 * maximum wherever there is one.
 */
#include "models/decision/fatigue.h"

#include <math.h>
#include <stdbool.h>

#include "numerics/host.h"
#include "numerics/tails.h"

#define MAX_ITERATIONS 200
#define MAX_HALVINGS 60

/* Beyond this slope a contact more or less decides everything: the likelihood keeps rising. */
#define STEEPEST 30.0

/* Levels of which fewer events are expected are pooled: chi-squared is that of counts that are not small. */
#define FEWEST_EXPECTED 5.0

/* What is further from the curve by less than this of how levels differ fits, however many contacts there are. */
#define LEAST_LACK 1e-4

typedef struct RateLikelihood
{
	double value; /* -INFINITY outside the domain */
	double gradient[2];
	double information[3]; /* minus the Hessian: a, ab, b */
} RateLikelihood;

static RateLikelihood
likelihood(const RateLevel *levels, int count, double middle, double a, double b)
{
	RateLikelihood sum = {0};

	host_poll();
	for (int i = 0; i < count; i++)
	{
		double c = levels[i].contacts - middle;
		double eta = a + b * c;
		double p = exp(eta);
		double rest = levels[i].heads - levels[i].events;
		double first, second;

		if (levels[i].heads == 0.0)
			continue;
		if (!(eta < 0.0))
		{
			sum.value = -INFINITY;
			return sum;
		}
		first = levels[i].events - rest * p / -expm1(eta);
		second = rest * p / (expm1(eta) * expm1(eta));
		sum.value += levels[i].events * eta + rest * log(-expm1(eta));
		sum.gradient[0] += first;
		sum.gradient[1] += first * c;
		sum.information[0] += second;
		sum.information[1] += second * c;
		sum.information[2] += second * c * c;
	}
	return sum;
}

/* The largest logarithm of a rate at a level that was seen. */
static double
highest_eta(const RateLevel *levels, int count, double middle, double a, double b)
{
	double highest = -INFINITY;

	for (int i = 0; i < count; i++)
		if (levels[i].heads > 0.0)
			highest = fmax(highest, a + b * (levels[i].contacts - middle));
	return highest;
}

/*
 * Newton's method from a flat rate; true at a maximum. Where all have the event
 * the likelihood is not curved, and a little ridge keeps the step finite.
 */
static bool
maximise(const RateLevel *levels, int count, double middle, double *a, double *b, RateLikelihood *at)
{
	*at = likelihood(levels, count, middle, *a, *b);
	for (int i = 0; i < MAX_ITERATIONS; i++)
	{
		double ridge = 1e-9 * (at->information[0] + at->information[2]);
		double info_a = at->information[0] + ridge;
		double info_b = at->information[2] + ridge;
		double determinant = info_a * info_b - at->information[1] * at->information[1];
		double step_a = (info_b * at->gradient[0] - at->information[1] * at->gradient[1]) / determinant;
		double step_b = (info_a * at->gradient[1] - at->information[1] * at->gradient[0]) / determinant;
		double gain = at->gradient[0] * step_a + at->gradient[1] * step_b;
		RateLikelihood next;
		int halvings = 0;

		if (!(determinant > 0.0) || !isfinite(step_a) || !isfinite(step_b))
			return false;
		next = likelihood(levels, count, middle, *a + step_a, *b + step_b);
		while (!(next.value >= at->value - 1e-12 * fabs(at->value)) && halvings++ < MAX_HALVINGS)
		{
			step_a /= 2.0;
			step_b /= 2.0;
			next = likelihood(levels, count, middle, *a + step_a, *b + step_b);
		}
		if (halvings > MAX_HALVINGS)
			return false;
		*a += step_a;
		*b += step_b;
		*at = next;
		if (fabs(*b) > STEEPEST)
			return false;
		if (halvings == 0 && gain < 1e-18)
			return true;
	}
	return false;
}

/* Heads, events, and the mean of recent contacts; the number of levels with any customers. */
static int
totals(const RateLevel *levels, int count, double *heads, double *events, double *middle)
{
	int seen = 0;

	*heads = *events = *middle = 0.0;
	for (int i = 0; i < count; i++)
	{
		*heads += levels[i].heads;
		*events += levels[i].events;
		*middle += levels[i].heads * levels[i].contacts;
		seen += levels[i].heads > 0.0;
	}
	*middle /= *heads;
	return seen;
}

RateCurve
rate_curve_fit(const RateLevel *levels, int count)
{
	RateCurve curve = {RATE_OK, -INFINITY, NAN, {NAN, NAN, NAN}, 0.0};
	double heads, events, middle, a, b = 0.0, determinant, flat;
	RateLikelihood at;
	int seen = totals(levels, count, &heads, &events, &middle);

	if (events == 0.0)
	{
		curve.status = RATE_NO_EVENTS;
		return curve;
	}
	a = log(events / heads);
	curve.intercept = a;
	if (events == heads)
	{
		curve.status = RATE_REACHES_ONE;
		return curve;
	}
	if (seen == 1)
	{
		curve.status = RATE_ONE_LEVEL;
		return curve;
	}
	flat = likelihood(levels, count, middle, a, b).value;
	if (!maximise(levels, count, middle, &a, &b, &at))
	{
		curve.status = highest_eta(levels, count, middle, a, b) > -1e-6 ? RATE_REACHES_ONE : RATE_NOT_IDENTIFIED;
		return curve;
	}

	/* From the centre of the levels, where it was fitted, to no recent contacts. */
	determinant = at.information[0] * at.information[2] - at.information[1] * at.information[1];
	curve.intercept = a - b * middle;
	curve.slope = b;
	curve.evidence = 2.0 * (at.value - flat);
	curve.covariance[0] =
		(at.information[2] + 2.0 * middle * at.information[1] + middle * middle * at.information[0]) / determinant;
	curve.covariance[1] = -(at.information[1] + middle * at.information[0]) / determinant;
	curve.covariance[2] = at.information[0] / determinant;
	return curve;
}

double
rate_curve_by_customer(const RateCurve *curve, const RateLevel *levels, const size_t *ends, size_t customers,
					   double *covariance)
{
	const double *inverse = curve->covariance;
	double outer[3] = {0};
	double fourth = 0.0;
	size_t next = 0;

	for (size_t i = 0; i < customers; i++)
	{
		double score[2] = {0};
		double moved[2]; /* the estimate, by this customer */

		host_poll_at(i);
		for (; next < ends[i]; next++)
		{
			double eta = curve->intercept + curve->slope * levels[next].contacts;
			double first = levels[next].events - (levels[next].heads - levels[next].events) * exp(eta) / -expm1(eta);

			score[0] += first;
			score[1] += first * levels[next].contacts;
		}
		moved[0] = inverse[0] * score[0] + inverse[1] * score[1];
		moved[1] = inverse[1] * score[0] + inverse[2] * score[1];
		outer[0] += moved[0] * moved[0];
		outer[1] += moved[0] * moved[1];
		outer[2] += moved[1] * moved[1];
		fourth += moved[1] * moved[1] * moved[1] * moved[1];
	}
	for (int i = 0; i < 3; i++)
		covariance[i] = outer[i] * (double) customers / ((double) customers - 1.0);
	return fourth > 0.0 ? outer[2] * outer[2] / fourth : (double) customers;
}

/* Levels that are compared with a curve as one. */
typedef struct RatePool
{
	double events;
	double expected;
	double variance;
} RatePool;

static double
pool_square(const RatePool *pool)
{
	return (pool->events - pool->expected) * (pool->events - pool->expected) / pool->variance;
}

double
rate_curve_fit_prob(const RateCurve *curve, const RateLevel *levels, int count, double dispersion)
{
	RatePool pool = {0.0, 0.0, 0.0};
	RatePool last = {0.0, 0.0, 0.0}; /* complete, but takes what is left of the levels after it */
	double square = 0.0;
	int pools = 0;

	if (curve->status != RATE_OK)
		return NAN;
	for (int i = 0; i < count; i++)
	{
		double eta = curve->intercept + curve->slope * levels[i].contacts;
		double expected = levels[i].heads * exp(eta);

		pool.events += levels[i].events;
		pool.expected += expected;
		pool.variance += expected * -expm1(eta);
		if (pool.expected < FEWEST_EXPECTED)
			continue;
		square += pools++ > 0 ? pool_square(&last) : 0.0;
		last = pool;
		pool = (RatePool){0.0, 0.0, 0.0};
	}
	last.events += pool.events;
	last.expected += pool.expected;
	last.variance += pool.variance;
	square += pool_square(&last);
	if (pools < 3 || !(square > LEAST_LACK * (square + curve->evidence)))
		return NAN;
	return chi_square_tail(square / dispersion, pools - 2.0);
}

double
rate_at(const RateCurve *curve, double contacts)
{
	return exp(isnan(curve->slope) ? curve->intercept : curve->intercept + curve->slope * contacts);
}

double
contact_gain(const RateCurve *response, const RateCurve *unsubscribing, const ContactTerms *terms, double contacts)
{
	double gone = fmin(1.0, rate_at(unsubscribing, contacts));

	return rate_at(response, contacts) * terms->margin - terms->cost - gone * terms->remaining_value;
}

int
contact_cap(const RateCurve *response, const RateCurve *unsubscribing, const ContactTerms *terms)
{
	int contacts = 0;

	while (contacts < FATIGUE_MAX_CONTACTS && contact_gain(response, unsubscribing, terms, contacts) > 0.0)
		contacts++;
	return contacts;
}
