/*
 * within.c
 *	  Fatigue within customers. See within.h.
 *
 * The derivative of ln L rises with kappa, so that Newton's method within a bracket finds
 * its zero.
 */
#include "models/decision/within.h"

#include <math.h>
#include <stdbool.h>

#define MAX_STEPS 200
#define TOLERANCE 1e-13

/* Sums of the customers' scores at a kappa: minus the derivative of ln L. */
typedef struct WithinScores
{
	double sum;
	double squares;
	double slope; /* of the sum by kappa */
} WithinScores;

/* The mean of c and its variance over a customer's contacts, each weighted by e^(-kappa c). */
static void
weighted_contacts(const RateLevel *levels, size_t n, double kappa, double *mean, double *variance)
{
	/* from where the weights fall */
	double origin = levels[0].contacts;
	double sum = 0;
	double first = 0;
	double second = 0;

	for (size_t i = 1; i < n; i++)
		origin = kappa > 0 ? fmin(origin, levels[i].contacts) : fmax(origin, levels[i].contacts);
	for (size_t i = 0; i < n; i++)
	{
		double c = levels[i].contacts - origin;
		double weight = levels[i].heads * exp(-kappa * c);

		sum += weight;
		first += weight * c;
		second += weight * c * c;
	}
	*mean = origin + first / sum;
	*variance = fmax(0, second / sum - first / sum * (first / sum));
}

static double
responses_of(const RateLevel *levels, size_t n, double *contacts)
{
	double responses = 0;

	*contacts = 0;
	for (size_t i = 0; i < n; i++)
	{
		responses += levels[i].events;
		*contacts += levels[i].events * levels[i].contacts;
	}
	return responses;
}

static WithinScores
scores_at(const Host *host, const RateLevel *levels, const size_t *ends, size_t customers, double kappa)
{
	WithinScores scores = {0};

	for (size_t i = 0, first = 0; i < customers; first = ends[i++])
	{
		double contacts;
		double responses = responses_of(levels + first, ends[i] - first, &contacts);
		double mean;
		double variance;
		double score;

		host->check_interrupts();
		if (responses == 0)
			continue;
		weighted_contacts(levels + first, ends[i] - first, kappa, &mean, &variance);
		score = contacts - responses * mean;
		scores.sum += score;
		scores.squares += score * score;
		scores.slope += responses * variance;
	}
	return scores;
}

/* Counts those who tell something; false if kappa has no finite estimate. */
static bool
is_identified(const RateLevel *levels, const size_t *ends, size_t customers, WithinFit *fit)
{
	double above_lowest = 0;
	double below_highest = 0;

	for (size_t i = 0, first = 0; i < customers; first = ends[i++])
	{
		double lowest = INFINITY;
		double highest = -INFINITY;
		double contacts;
		double responses = responses_of(levels + first, ends[i] - first, &contacts);

		host_poll_at(i);
		for (size_t k = first; k < ends[i]; k++)
		{
			lowest = fmin(lowest, levels[k].contacts);
			highest = fmax(highest, levels[k].contacts);
		}
		if (responses == 0 || lowest == highest)
			continue;
		fit->customers++;
		fit->responses += responses;
		above_lowest += contacts - responses * lowest;
		below_highest += responses * highest - contacts;
	}
	return above_lowest > 0 && below_highest > 0;
}

WithinFit
within_fit(const Host *host, const RateLevel *levels, const size_t *ends, size_t customers)
{
	WithinFit fit = {.kappa = NAN, .std_error = NAN};
	double low = -INFINITY;
	double high = INFINITY;
	double kappa = 0;
	WithinScores scores;

	if (!is_identified(levels, ends, customers, &fit))
	{
		fit.status = fit.customers == 0 ? WITHIN_NO_CUSTOMERS : WITHIN_NOT_IDENTIFIED;
		return fit;
	}
	for (int step = 0; step < MAX_STEPS; step++)
	{
		double next;

		scores = scores_at(host, levels, ends, customers, kappa);
		if (scores.sum < 0)
			low = kappa;
		else
			high = kappa;
		next = kappa - scores.sum / scores.slope;
		/* a step out of the bracket, or far where there is none yet, is cut */
		if (!(next > low && next < high))
			next = isinf(low) ? high - 1 - fabs(high) : isinf(high) ? low + 1 + fabs(low) : (low + high) / 2;
		if (fabs(next - kappa) <= TOLERANCE * (1 + fabs(kappa)))
			break;
		kappa = next;
	}
	fit.kappa = kappa;
	/* one customer more or less, as in a sample variance */
	fit.std_error =
		fit.customers < 2 ? NAN : sqrt(scores.squares * fit.customers / (fit.customers - 1.0)) / scores.slope;
	return fit;
}
