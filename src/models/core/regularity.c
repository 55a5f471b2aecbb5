/*
 * regularity.c
 *	  How regularly customers buy: the shape k of the times between purchases.
 */
#include "models/core/regularity.h"

#include <math.h>
#include <stdbool.h>

#include "numerics/host.h"
#include "models/core/whole_days.h"
#include "numerics/root.h"
#include "numerics/special.h"

typedef struct RegularityScore
{
	const RegularityClass *classes;
	size_t n_classes;
	double share;
} RegularityScore;

/* Minus the derivative of the log-likelihood by k, at k = e^z, and its slope in z. */
static double
falling_score(const void *data, double z, double *slope)
{
	const RegularityScore *score = data;
	double k = exp(z);
	double value = -score->share;

	*slope = 0.0;
	for (size_t i = 0; i < score->n_classes; i++)
	{
		double x = score->classes[i].x;
		double customers = score->classes[i].customers;

		host_poll_at(i);
		if (x < 2.0)
			continue;
		/* psi(kx) - psi(k), and trigamma likewise */
		value -= customers * x * sf_dpoch(k, k * (x - 1.0));
		*slope += customers * k * x * (sf_trigamma(k) - x * sf_trigamma(k * x));
	}
	return value;
}

/* Beyond this, times are equal up to rounding. */
#define LARGEST_LN_K 16.0

/* Up to this shape the likelihood of whole days is used; rounding cannot produce larger ones. */
#define SMALLEST_DAY_K 0.05
#define LARGEST_DAY_K 32.0

/* Of ln k: where the search ends, and the step of a second difference. */
#define PRECISION 1e-5
#define STEP 0.02

/* The maximum of the likelihood of times that are not rounded. */
static Regularity
continuous_estimate(const RegularityClass *classes, size_t n_classes, double share)
{
	Regularity result = {.k = INFINITY, .std_error = NAN};
	RegularityScore score = {classes, n_classes, share};
	RisingFunction f = {falling_score, &score};
	double z = rising_root(&f, LARGEST_LN_K);
	double slope;

	if (z >= LARGEST_LN_K)
		return result;
	falling_score(&score, z, &slope);
	result.k = exp(z);
	/* the slope in z is k times the information about k */
	result.std_error = sqrt(result.k / slope);
	return result;
}

/* Statistics in whole days of the customers whose gaps are not determined by x and t_x. */
typedef struct Days
{
	const Host *host;
	const RegularityClass *classes;
	size_t n_classes;
	const DayGaps *gaps;
	size_t n_gaps;
	double share;
} Days;

/* Whether x gaps of whole days that make up t_x may differ in more than their order. */
static bool
tells_of_k(const RegularityClass *class)
{
	return class->x >= 2.0 && class->t_x >= class->x + 2.0;
}

/* The log-likelihood of the days, given t_x, at k = e^z. */
static double
likelihood_of_days(const Days *days, double z)
{
	double k = exp(z);
	double value = (k - 1.0) * days->share;
	DayTable table;

	day_table_fill(days->host, k, &table);
	for (size_t i = 0; i < days->n_gaps; i++)
		if (days->gaps[i].count > 0.0)
			value += days->gaps[i].count * ln_day_weight(k, days->gaps[i].days, 0.0);
	for (size_t i = 0; i < days->n_classes; i++)
	{
		const RegularityClass *class = &days->classes[i];
		double ln_weight;
		double ln_variance;
		double x = class->x;
		DayTerms terms;

		if (!tells_of_k(class))
			continue;
		if (i % 256 == 0)
			days->host->check_interrupts();
		terms = day_terms(k, class->t_x / x);
		day_table_at(&table, class->t_x / x, &ln_weight, &ln_variance);
		value += class->customers *
			(sf_lnpoch(k, k * (x - 1.0)) - (x - 1.0) * lgamma(k) +
			 x * (ln_weight - (1.0 + k) * terms.ln_other_day - k * terms.same_day / (1.0 - terms.same_day)) +
			 0.5 * ln_variance);
	}
	return value;
}

/* The z between two others at which the likelihood is highest, by golden section. */
static double
best_of_days(const Days *days, double low, double high)
{
	const double golden = 0.6180339887498949;
	double left = high - golden * (high - low);
	double right = low + golden * (high - low);
	double at_left = likelihood_of_days(days, left);
	double at_right = likelihood_of_days(days, right);

	while (high - low > PRECISION)
	{
		if (at_left > at_right)
		{
			high = right;
			right = left;
			at_right = at_left;
			left = high - golden * (high - low);
			at_left = likelihood_of_days(days, left);
		}
		else
		{
			low = left;
			left = right;
			at_left = at_right;
			right = low + golden * (high - low);
			at_right = likelihood_of_days(days, right);
		}
	}
	return 0.5 * (low + high);
}

/* The number of gaps of so many days, of gaps in order; NULL if there is none. */
static double *
gaps_of(DayGaps *gaps, size_t n_gaps, double days)
{
	size_t low = 0;
	size_t high = n_gaps;

	while (low < high)
	{
		size_t middle = low + (high - low) / 2;

		if (gaps[middle].days == days)
			return &gaps[middle].count;
		if (gaps[middle].days < days)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void
take_gaps(DayGaps *gaps, size_t n_gaps, double days, double count)
{
	double *known = count > 0.0 ? gaps_of(gaps, n_gaps, days) : NULL;

	if (known != NULL)
		*known = fmax(0.0, *known - count);
}

/*
 * Keep in gaps those of the customers who are informative about k, and return
 * their share: the sum of ln(gap) - ln(t_x). *telling receives the number of
 * these customers.
 */
static double
keep_telling_gaps(const RegularityClass *classes, size_t n_classes, DayGaps *gaps, size_t n_gaps, double *telling)
{
	double share = 0.0;

	*telling = 0.0;
	for (size_t i = 0; i < n_classes; i++)
	{
		const RegularityClass *class = &classes[i];

		if (tells_of_k(class))
		{
			*telling += class->customers;
			share -= class->customers * class->x * log(class->t_x);
		}
		else if (class->x > 0.0)
		{
			/* all gaps but one are of one day, and that one is the remainder */
			take_gaps(gaps, n_gaps, 1.0, class->customers * (class->x - 1.0));
			take_gaps(gaps, n_gaps, class->t_x - (class->x - 1.0), class->customers);
		}
	}
	for (size_t j = 0; j < n_gaps; j++)
		share += gaps[j].count * log(gaps[j].days);
	return share;
}

/* The maximum of the likelihood of days; false if k is larger than rounding can produce. */
static bool
estimate_of_days(const Days *days, Regularity *result)
{
	double highest = log(LARGEST_DAY_K);
	double z = best_of_days(days, log(SMALLEST_DAY_K), highest);
	double curvature;

	if (z > highest - STEP)
		return false;
	curvature =
		(2.0 * likelihood_of_days(days, z) - likelihood_of_days(days, z - STEP) - likelihood_of_days(days, z + STEP)) /
		(STEP * STEP);
	result->k = exp(z);
	result->std_error = curvature > 0.0 ? result->k / sqrt(curvature) : NAN;
	return true;
}

/* The sum over all customers of ln(gap) - ln(t_x). */
static double
share_of(const RegularityClass *classes, size_t n_classes, const DayGaps *gaps, size_t n_gaps)
{
	double share = 0.0;

	for (size_t i = 0; i < n_gaps; i++)
		share += gaps[i].count * log(gaps[i].days);
	for (size_t i = 0; i < n_classes; i++)
		if (classes[i].x > 0.0)
			share -= classes[i].customers * classes[i].x * log(classes[i].t_x);
	return share;
}

Regularity
regularity_estimate(const Host *host, const RegularityClass *classes, size_t n_classes, DayGaps *gaps, size_t n_gaps)
{
	Regularity result = {.k = NAN, .std_error = NAN};
	Days days = {host, classes, n_classes, gaps, n_gaps, 0.0};
	double customers = 0.0;
	double telling;

	for (size_t i = 0; i < n_classes; i++)
		if (classes[i].x >= 2.0)
			customers += classes[i].customers;
	if (customers > 0.0 && n_gaps > 0)
	{
		result = continuous_estimate(classes, n_classes, share_of(classes, n_classes, gaps, n_gaps));
		days.share = keep_telling_gaps(classes, n_classes, gaps, n_gaps, &telling);
		if (telling > 0.0 && isfinite(result.k))
			estimate_of_days(&days, &result);
	}
	result.customers = customers;
	return result;
}
