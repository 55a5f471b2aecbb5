/*
 * replenishment.c
 *	  Moments of log intervals, within and between customers.
 *
 * The variance between customers is that of DerSimonian and Laird (Controlled
 * Clinical Trials 7, 1986). Theirs divides by the variance within, which may be
 * zero where all customers buy at fixed intervals; here it is multiplied out.
 */
#include "models/decision/replenishment.h"

#include <math.h>

/* The mean of all customers, each weighed by how well their own is known. */
static double
overall_mean(const IntervalGroup *groups, int count, double sigma2, double tau2)
{
	double sum = 0.0;
	double weights = 0.0;

	for (int i = 0; i < count; i++)
	{
		double variance = tau2 + sigma2 / groups[i].intervals;
		double weight = variance > 0.0 ? 1.0 / variance : 1.0;

		sum += weight * groups[i].sum_mean;
		weights += weight * groups[i].customers;
	}
	return sum / weights;
}

ReplenishmentFit
replenishment_fit(const IntervalGroup *groups, int count)
{
	ReplenishmentFit fit = {REPLENISHMENT_OK, 0.0, 0.0, NAN, NAN, NAN};
	double sum = 0.0;
	double squares = 0.0;
	double within = 0.0;
	double sizes = 0.0;

	for (int i = 0; i < count; i++)
	{
		fit.customers += groups[i].customers;
		fit.intervals += groups[i].customers * groups[i].intervals;
		sum += groups[i].intervals * groups[i].sum_mean;
		squares += groups[i].intervals * groups[i].sum_square;
		within += groups[i].intervals * groups[i].sum_variance;
		sizes += groups[i].customers * groups[i].intervals * groups[i].intervals;
	}
	if (fit.customers == 0.0)
		fit.status = REPLENISHMENT_NO_INTERVALS;
	else if (fit.customers == 1.0)
		fit.status = REPLENISHMENT_ONE_CUSTOMER;
	else if (fit.intervals == fit.customers)
		fit.status = REPLENISHMENT_ONE_INTERVAL;
	if (fit.status != REPLENISHMENT_OK)
		return fit;

	double between = squares - sum * sum / fit.intervals;

	/* What is left of equal means is rounding. */
	if (between < 1e-11 * squares)
		between = 0.0;
	fit.sigma2 = fmax(0.0, within) / (fit.intervals - fit.customers);
	fit.tau2 = fmax(0.0, (between - (fit.customers - 1.0) * fit.sigma2) / (fit.intervals - sizes / fit.intervals));
	fit.mu0 = overall_mean(groups, count, fit.sigma2, fit.tau2);
	return fit;
}

void
replenishment_next(const ReplenishmentFit *fit, double intervals, double mean, double *next_mean, double *next_variance)
{
	double own = intervals * fit->tau2;
	double trust = own > 0.0 ? own / (own + fit->sigma2) : 0.0; /* in their own mean */

	*next_mean = trust > 0.0 ? trust * mean + (1.0 - trust) * fit->mu0 : fit->mu0;
	*next_variance = fit->tau2 * (1.0 - trust) + fit->sigma2;
}
