/*
 * test_timing.c
 *	  Fatigue, replenishment and preferred slots: published numbers, limits, and how often intervals cover.
 */
#include <math.h>

#include "models/decision/fatigue.h"
#include "models/decision/replenishment.h"
#include "models/decision/slots.h"
#include "numerics/normal.h"
#include "numerics/random.h"
#include "support.h"

static const RateLevel weeks[] = {{0, 4000, 240}, {1, 5000, 262}, {2, 4000, 180},
								  {3, 2500, 98},  {4, 1500, 50},  {5, 800, 24}};
#define WEEKS 6

static void
rate_is_at_its_maximum(void **state)
{
	RateCurve curve = rate_curve_fit(weeks, WEEKS);

	(void) state;
	assert_int_equal(curve.status, RATE_OK);
	assert_true(fabs(exp(curve.intercept) - 0.06016414) < 1e-8);
	assert_true(fabs(curve.slope + 0.14349463) < 1e-8);
	assert_true(fabs(sqrt(curve.covariance[2]) - 0.02545964) < 1e-8);

	/* The score of a binomial with log link is zero. */
	for (int power = 0; power <= 1; power++)
	{
		double score = 0.0;

		for (int i = 0; i < WEEKS; i++)
		{
			double p = rate_at(&curve, weeks[i].contacts);

			score += pow(weeks[i].contacts, power) * (weeks[i].events - weeks[i].heads * p) / (1 - p);
		}
		assert_true(fabs(score) < 1e-7);
	}
}

/* Stated 90 %: between 88 and 92. */
static void
rate_intervals_cover(void **state)
{
	const double intercept = log(0.06);
	const double slope = -0.15;
	const double z = normal_quantile(0.95);
	Random random = random_start(20260301, 1);
	int covered[2] = {0};
	int trials = 3000;

	(void) state;
	for (int trial = 0; trial < trials; trial++)
	{
		RateLevel levels[WEEKS];

		for (int i = 0; i < WEEKS; i++)
		{
			double p = exp(intercept + slope * i);

			levels[i] = (RateLevel){i, 1500, 0};
			for (int head = 0; head < 1500; head++)
				levels[i].events += random_uniform(&random) < p;
		}

		RateCurve curve = rate_curve_fit(levels, WEEKS);

		assert_int_equal(curve.status, RATE_OK);
		covered[0] += fabs(curve.intercept - intercept) <= z * sqrt(curve.covariance[0]);
		covered[1] += fabs(curve.slope - slope) <= z * sqrt(curve.covariance[2]);
	}
	for (int i = 0; i < 2; i++)
	{
		double share = (double) covered[i] / trials;

		print_message("covered %.4f\n", share);
		assert_true(share >= 0.88 && share <= 0.92);
	}
}

static void
rate_without_maximum(void **state)
{
	const RateLevel nobody[] = {{0, 10, 0}, {1, 10, 0}};
	const RateLevel everybody[] = {{0, 10, 10}, {1, 10, 3}};
	const RateLevel none_later[] = {{0, 100, 10}, {1, 100, 0}};
	const RateLevel one_level[] = {{2, 100, 10}};

	(void) state;
	assert_int_equal(rate_curve_fit(nobody, 2).status, RATE_NO_EVENTS);
	assert_int_equal(rate_curve_fit(everybody, 2).status, RATE_REACHES_ONE);
	assert_int_equal(rate_curve_fit(none_later, 2).status, RATE_NOT_IDENTIFIED);
	assert_int_equal(rate_curve_fit(one_level, 1).status, RATE_ONE_LEVEL);
}

static void
cap_is_where_gains_end(void **state)
{
	const double expected[] = {1.284041, 1.037455, .800484, .562989, .312830, .034861, -.290426};
	const RateLevel leaving[] = {{0, 4000, 8}, {1, 5000, 14}, {2, 4000, 15}, {3, 2500, 13}, {4, 1500, 11}, {5, 800, 8}};
	const ContactTerms terms = {25, 0.10, 60};
	RateCurve response = rate_curve_fit(weeks, WEEKS);
	RateCurve unsubscribing = rate_curve_fit(leaving, WEEKS);

	(void) state;
	assert_true(fabs(sqrt(unsubscribing.covariance[2]) - 0.07832183) < 1e-8);
	for (int i = 0; i < 7; i++)
		assert_true(fabs(contact_gain(&response, &unsubscribing, &terms, i) - expected[i]) < 5e-7);
	assert_int_equal(contact_cap(&response, &unsubscribing, &terms), 6);
}

/* The right answers of seven customers: medians of what comes next. */
static void
needs_are_drawn_to_the_mean(void **state)
{
	static const double days[7][5] = {{30, 29, 33}, {28, 30},         {45},    {27, 30, 26, 29, 28},
									  {20},         {40, 43, 45, 42}, {38, 39}};
	static const double expected[7] = {30.648141, 29.062056, 44.271771, 28.005543, 20.477242, 42.313633, 38.326712};
	IntervalGroup groups[7];
	double mean, variance;

	(void) state;
	for (int i = 0; i < 7; i++)
	{
		double squares = 0.0;

		groups[i] = (IntervalGroup){.customers = 1};
		for (int j = 0; j < 5 && days[i][j] > 0; j++)
		{
			groups[i].intervals++;
			groups[i].sum_mean += log(days[i][j]);
			squares += log(days[i][j]) * log(days[i][j]);
		}
		groups[i].sum_mean /= groups[i].intervals;
		groups[i].sum_square = groups[i].sum_mean * groups[i].sum_mean;
		groups[i].sum_variance = squares / groups[i].intervals - groups[i].sum_square;
	}

	ReplenishmentFit fit = replenishment_fit(groups, 7);

	assert_true(fabs(fit.sigma2 - .0028825079) < 1e-10);
	assert_true(fabs(fit.tau2 - .0557060308) < 1e-10);
	assert_true(fabs(fit.mu0 - 3.4750465305) < 1e-10);
	for (int i = 0; i < 7; i++)
	{
		replenishment_next(&fit, groups[i].intervals, groups[i].sum_mean, &mean, &variance);
		assert_true(fabs(exp(mean) - expected[i]) < 1e-6);
	}

	double z = normal_quantile(0.9);

	replenishment_next(&fit, 1, log(45), &mean, &variance);
	assert_true(fabs(exp(mean - z * sqrt(variance)) - 40.215250) < 1e-6);
	assert_true(fabs(exp(mean + z * sqrt(variance)) - 48.737475) < 1e-6);
	replenishment_next(&fit, 0, 0, &mean, &variance);
	assert_true(fabs(exp(mean) - 32.299331) < 1e-6);
	assert_true(fabs(exp(mean - z * sqrt(variance)) - 23.685098) < 1e-6);
	assert_true(fabs(exp(mean + z * sqrt(variance)) - 44.046548) < 1e-6);
}

/* Customers with up to six intervals, of log means that differ by between and log intervals that differ by within, in two kinds. */
static ReplenishmentFit
drawn_fit(Random *random, int customers, double between, double within)
{
	IntervalGroup groups[6] = {0};

	for (int i = 0; i < customers; i++)
	{
		int n = 1 + i % 6;
		IntervalGroup *group = &groups[n - 1];
		double mu = 3.4 + 0.3 * random_normal(random) + (random_uniform(random) < 0.5 ? -between : between) / 2.0;
		double y[6];
		double mean = 0.0;
		double moments[5] = {0};

		for (int j = 0; j < n; j++)
		{
			y[j] = mu + 0.4 * random_normal(random) + (random_uniform(random) < 0.5 ? -within : within) / 2.0;
			y[j] = log(fmax(1.0, rint(exp(y[j]))));
			mean += y[j] / n;
		}
		for (int j = 0; j < n; j++)
			for (int power = 2; power <= 4; power++)
				moments[power] += pow(y[j] - mean, power) / n;
		group->intervals = n;
		group->customers++;
		group->shaped++;
		group->sum_mean += mean;
		group->sum_square += mean * mean;
		group->sum_cube += mean * mean * mean;
		group->sum_fourth += mean * mean * mean * mean;
		group->sum_variance += moments[2];
		group->sum_variance_square += moments[2] * moments[2];
		group->sum_third_moment += moments[3];
		group->sum_fourth_moment += moments[4];
	}
	return replenishment_fit(groups, 6);
}

static double
share_poor(int customers, double between, double within)
{
	Random random = random_start(11, customers);
	int poor = 0;

	for (int i = 0; i < 500; i++)
		poor += drawn_fit(&random, customers, between, within).status == REPLENISHMENT_POOR_FIT;
	return poor / 500.0;
}

/* Two kinds of customers or of intervals are seen, and rarely where there is one kind. */
static void
two_kinds_fit_poorly(void **state)
{
	const int customers[] = {18, 48, 198, 996};

	(void) state;
	for (int i = 0; i < 4; i++)
		assert_true(share_poor(customers[i], 0.0, 0.0) <= 0.05);
	assert_true(share_poor(48, 3.0, 0.0) > 0.9);
	assert_true(share_poor(198, 3.0, 0.0) > 0.99);
	assert_true(share_poor(198, 0.0, 1.6) > 0.5);
	assert_true(share_poor(996, 0.0, 1.6) > 0.95);
}

/* Sums of binomial probabilities, to which beta tails are equal for whole numbers. */
static void
beta_tail_is_binomial(void **state)
{
	(void) state;
	for (int n = 1; n <= 40; n++)
		for (int a = 1; a <= n; a++)
			for (double x = 0.02; x < 1; x += 0.07)
			{
				double sum = 0.0;

				for (int k = 0; k < a; k++)
					sum += exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(x) + (n - k) * log1p(-x));
				assert_true(fabs(beta_upper_tail(a, n - a + 1, x) - sum) < 1e-10);
			}
}

/* The prior that made customers' events is found again. */
static void
slot_prior_is_found(void **state)
{
	static const double alpha[3] = {0.5, 1.5, 3.0};
	SlotCount counts[4 * 21] = {{0}};
	Random random = random_start(7, 7);
	SlotPrior prior;
	int used = 0;

	(void) state;
	for (int slot = 0; slot <= 3; slot++)
		for (int events = 0; events <= 20; events++)
			counts[slot * 21 + events] = (SlotCount){slot, events, 0};
	for (int customer = 0; customer < 20000; customer++)
	{
		double gamma[3];
		int events[3] = {0};

		for (int i = 0; i < 3; i++)
			gamma[i] = random_gamma(&random, alpha[i]);
		for (int i = 0; i < 20; i++)
		{
			double u = random_uniform(&random) * (gamma[0] + gamma[1] + gamma[2]);

			events[u < gamma[0] ? 0 : u < gamma[0] + gamma[1] ? 1 : 2]++;
		}
		for (int i = 0; i < 3; i++)
			counts[i * 21 + events[i]].customers++;
		counts[3 * 21 + 20].customers++;
	}
	for (int i = 0; i < 4 * 21; i++)
		if (counts[i].events > 0 && counts[i].customers > 0)
			counts[used++] = counts[i];
	slot_prior_fit(&test_host, counts, used, 3, &prior);
	for (int i = 0; i < 3; i++)
		assert_true(fabs(prior.alpha[i] / alpha[i] - 1) < 0.04);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_is_at_its_maximum),      cmocka_unit_test(rate_intervals_cover),
		cmocka_unit_test(rate_without_maximum),        cmocka_unit_test(cap_is_where_gains_end),
		cmocka_unit_test(needs_are_drawn_to_the_mean), cmocka_unit_test(beta_tail_is_binomial),
		cmocka_unit_test(two_kinds_fit_poorly),        cmocka_unit_test(slot_prior_is_found),
	};

	return cmocka_run_group_tests_name("timing", tests, NULL, NULL);
}
