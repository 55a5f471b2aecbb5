/*
 * replenishment.c
 *	  Moments of log intervals, within and between customers.
 *
 * The variance between customers is that of DerSimonian and Laird (Controlled
 * Clinical Trials 7, 1986). Theirs divides by the variance within, which may be
 * zero where all customers buy at fixed intervals; here it is multiplied out.
 *
 * Whether log intervals are normal is asked within customers and between them, by
 * skewness g and excess kurtosis k, each estimated without bias and so that errors of
 * mean and variance do not matter: between customers by the Hermite polynomials
 * z^3 - 3z and z^4 - 6z^2 + 3 of their standardised means (Neyman's smooth test, which
 * is that of Jarque & Bera, International Statistical Review 55, 1987); within them by
 * Fisher's k-statistics of each customer's intervals, which know nothing of other
 * customers, and, of those with two or three intervals, by how far their variances
 * differ, in the second Laguerre polynomial, to which a wrong sigma2 does not matter
 * either. Weights are the inverse variances of a normal distribution. That the shape is
 * another one than chance takes it is not enough: it must be one of two peaks, for which
 * (g^2 + 1) / (k + 3) is large (Pearson's bound for it is 1; normal: 1/3, uniform: 5/9).
 */
#include "models/decision/replenishment.h"

#include <math.h>
#include <stdbool.h>

#include "numerics/tails.h"

/* The level of each of the two tests. */
#define SHAPE_LEVEL 0.025

/* From here on a distribution is taken to have two peaks. */
#define TWO_PEAKS 0.5

/* Where intervals vary by less, in days, what is seen of their shape is that of whole days. */
#define LEAST_DAYS 1.0

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

/* Estimates of skewness or of kurtosis, weighed by the inverse of their variance. */
typedef struct ShapeSum
{
	double weighted; /* of estimate times weight */
	double weights;
} ShapeSum;

static void
shape_add(ShapeSum *sum, double estimates, double customers, double weight)
{
	sum->weighted += weight * estimates;
	sum->weights += weight * customers;
}

static double
shape_mean(const ShapeSum *sum)
{
	return sum->weights > 0.0 ? sum->weighted / sum->weights : 0.0;
}

/* Whether a shape is surely not normal, and one of two peaks; kurtosis_z is what its kurtosis is in standard errors. */
static bool
has_two_peaks(const ShapeSum *skewness, const ShapeSum *kurtosis, double kurtosis_z)
{
	double g = shape_mean(skewness);
	double k = shape_mean(kurtosis);
	double square = g * g * skewness->weights + kurtosis_z * kurtosis_z;
	double df = (skewness->weights > 0.0) + (kurtosis->weights > 0.0);

	return square > 0.0 && (g * g + 1.0) / fmax(k + 3.0, 0.0) > TWO_PEAKS && chi_square_tail(square, df) < SHAPE_LEVEL;
}

static double
usual_z(const ShapeSum *kurtosis)
{
	return shape_mean(kurtosis) * sqrt(kurtosis->weights);
}

/*
 * The kurtosis of independent numbers as a normal one: of few numbers a small one is rarer than its
 * standard error says (Anscombe & Glynn, Biometrika 70:227, 1983).
 */
static double
kurtosis_as_normal(const ShapeSum *kurtosis)
{
	double n = 24.0 * kurtosis->weights;

	if (n < 20.0)
		return usual_z(kurtosis);

	double mean = -6.0 / (n + 1.0);
	double variance = 24.0 * n * (n - 2.0) * (n - 3.0) / ((n + 1.0) * (n + 1.0) * (n + 3.0) * (n + 5.0));
	double x = (shape_mean(kurtosis) - mean) / sqrt(variance);
	double skew = 6.0 * (n * n - 5.0 * n + 2.0) / ((n + 7.0) * (n + 9.0)) *
		sqrt(6.0 * (n + 3.0) * (n + 5.0) / (n * (n - 2.0) * (n - 3.0)));
	double a = 6.0 + 8.0 / skew * (2.0 / skew + sqrt(1.0 + 4.0 / (skew * skew)));
	double root = cbrt((1.0 - 2.0 / a) / (1.0 + x * sqrt(2.0 / (a - 4.0))));

	return (1.0 - 2.0 / (9.0 * a) - root) / sqrt(2.0 / (9.0 * a));
}

/* The means of customers, standardised. */
static void
add_between(ShapeSum *skewness, ShapeSum *kurtosis, const IntervalGroup *group, const ReplenishmentFit *fit)
{
	double variance = fit->tau2 + fit->sigma2 / group->intervals;
	double mu = fit->mu0;
	double second = group->sum_square - 2.0 * mu * group->sum_mean + mu * mu * group->customers;
	double third = group->sum_cube - 3.0 * mu * group->sum_square + 3.0 * mu * mu * group->sum_mean -
		mu * mu * mu * group->customers;
	double fourth = group->sum_fourth - 4.0 * mu * group->sum_cube + 6.0 * mu * mu * group->sum_square -
		4.0 * mu * mu * mu * group->sum_mean + mu * mu * mu * mu * group->customers;

	shape_add(skewness, (third / variance - 3.0 * (group->sum_mean - mu * group->customers)) / sqrt(variance),
			  group->customers, 1.0 / 6.0);
	shape_add(kurtosis, fourth / (variance * variance) - 6.0 * second / variance + 3.0 * group->customers,
			  group->customers, 1.0 / 24.0);
}

/* The intervals of each customer. */
static void
add_within(ShapeSum *skewness, ShapeSum *kurtosis, const IntervalGroup *group, const ReplenishmentFit *fit)
{
	double n = group->intervals;
	double sigma2 = fit->sigma2;
	double below3 = (n - 1.0) * (n - 2.0);

	if (n >= 3.0)
		shape_add(skewness, n * n / below3 * group->sum_third_moment / (sigma2 * sqrt(sigma2)), group->customers,
				  below3 / (6.0 * n));
	if (n >= 4.0)
		shape_add(kurtosis,
				  n * n / (below3 * (n - 3.0)) *
					  ((n + 1.0) * group->sum_fourth_moment - 3.0 * (n - 1.0) * group->sum_variance_square) /
					  (sigma2 * sigma2),
				  group->customers, below3 * (n - 3.0) / (24.0 * n * (n + 1.0)));
	else if (n >= 2.0)
	{
		/* n / 2 times the variance over sigma2 has a gamma distribution of this shape */
		double a = (n - 1.0) / 2.0;
		double x = n / (2.0 * sigma2) * group->sum_variance;
		double squares = n * n / (4.0 * sigma2 * sigma2) * group->sum_variance_square;

		shape_add(kurtosis,
				  2.0 * n / (a * a) * (squares / 2.0 - (a + 1.0) * x + a * (a + 1.0) / 2.0 * group->customers),
				  group->customers, a * a * a / (2.0 * n * n * (a + 1.0)));
	}
}

/* Whether the intervals are of two kinds: within customers, or because there are two kinds of customers. */
static bool
fits_poorly(const IntervalGroup *groups, int count, const ReplenishmentFit *fit)
{
	ShapeSum between[2] = {0};
	ShapeSum within[2] = {0};
	double days = exp(fit->mu0);

	for (int i = 0; i < count; i++)
	{
		if (groups[i].shaped < groups[i].customers)
			return false;
		if (sqrt(fit->tau2 + fit->sigma2 / groups[i].intervals) * days > LEAST_DAYS)
			add_between(&between[0], &between[1], &groups[i], fit);
		if (sqrt(fit->sigma2) * days > LEAST_DAYS)
			add_within(&within[0], &within[1], &groups[i], fit);
	}
	return has_two_peaks(&between[0], &between[1], kurtosis_as_normal(&between[1])) ||
		has_two_peaks(&within[0], &within[1], usual_z(&within[1]));
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
	if (fits_poorly(groups, count, &fit))
		fit.status = REPLENISHMENT_POOR_FIT;
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
