/*
 * test_whole_days.c
 *	  Orders in whole days: probabilities that add up, and what they take off time.
 */
#include "support.h"

#include <math.h>

#include "models/core/regularity.h"
#include "models/core/whole_days.h"

static const double shapes[] = {0.5, 1.0, 2.0, 3.0, 7.0};
static const double rates[] = {0.05, 0.5, 2.0, 6.0};

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* The probability of a gap of d whole days. */
static double
day_prob(double k, double lambda, double d)
{
	return exp(k * log(lambda) - lgamma(k) + (k - 1.0) * log(d) - lambda * d + ln_day_weight(k, d, lambda));
}

/* The next order falls on some day, and in the mean on that of the continuous gap. */
static void
test_days_add_up(void **state)
{
	(void) state;
	for (size_t i = 0; i < LENGTH(shapes); i++)
		for (size_t j = 0; j < LENGTH(rates); j++)
		{
			double total = same_day_prob(shapes[i], rates[j]);
			double mean = 0.0;

			for (double d = 1.0; d < 100.0 * shapes[i] / rates[j] + 100.0; d++)
			{
				total += day_prob(shapes[i], rates[j], d);
				mean += d * day_prob(shapes[i], rates[j], d);
			}
			/* of k < 1 the density has a pole, that a rule of 16 points feels at one day */
			assert_near(total, 1.0, shapes[i] < 1.0 ? 2e-4 : 1e-10);
			assert_near(mean, shapes[i] / rates[j], shapes[i] < 1.0 ? 2e-3 : 1e-9);
		}
}

/* At random, days with orders are independent: a gap is geometric. */
static void
test_random_days(void **state)
{
	(void) state;
	for (size_t j = 0; j < LENGTH(rates); j++)
	{
		double lambda = rates[j];

		assert_near(same_day_prob(1.0, lambda), 1.0 + expm1(-lambda) / lambda, 1e-13);
		for (double d = 1.0; d < 9.0; d++)
			assert_near(day_prob(1.0, lambda, d) / (1.0 - same_day_prob(1.0, lambda)) /
							(exp(-lambda * (d - 1.0)) * -expm1(-lambda)),
						1.0, 1e-11);
	}
}

/* s is (lambda)^k / (k + 1)! for small rates: nearly nothing for k > 1. */
static void
test_same_day(void **state)
{
	(void) state;
	for (size_t i = 0; i < LENGTH(shapes); i++)
		assert_near(same_day_prob(shapes[i], 1e-6) * tgamma(shapes[i] + 2.0) / pow(1e-6, shapes[i]), 1.0, 1e-5);
	assert_near(same_day_prob(2.0, 1.0), 1.0 - 2.0 * exp(-1.0) - 2.0 * (1.0 - 2.5 * exp(-1.0)), 1e-14);
}

/* The rate is the one at which gaps have that mean, however near to a day it is. */
static void
test_rate(void **state)
{
	static const double means[] = {1.0001, 1.01, 1.5, 4.0, 30.0, 3000.0};

	(void) state;
	for (size_t i = 0; i < LENGTH(shapes); i++)
		for (size_t j = 0; j < LENGTH(means); j++)
		{
			DayTerms terms = day_terms(shapes[i], means[j]);

			if (terms.lambda > 499.0)
				continue;
			assert_near(shapes[i] / terms.lambda / (1.0 - terms.same_day) / means[j], 1.0, 1e-9);
		}
}

/* The table is what it is a table of, between its entries too. */
static void
test_table(void **state)
{
	DayTable table;

	(void) state;
	day_table_fill(&test_host, 2.0, &table);
	for (double g = 1.003; g < 50.0; g *= 1.37)
	{
		DayMoments moments = day_moments(2.0, g);
		double ln_weight;
		double ln_variance;

		day_table_at(&table, g, &ln_weight, &ln_variance);
		assert_true(fabs(ln_weight - moments.ln_weight) <= 1e-3);
		assert_true(fabs(ln_variance - log(moments.variance * 2.0 / (g * g))) <= 2e-3);
	}
}

/* Each repeat transaction takes half a day off at k = 1, and nothing much at k = 3. */
static void
test_half_days(void **state)
{
	const PopulationCell cells[] = {{3, 90, 120, 1}, {0, 0, 200, 2}};
	const DayGaps gaps[] = {{20, 1}, {35, 2}};
	Population *population = population_build(&test_host, cells, 2, 7.0);
	DayTable table;
	double constant;
	Population *days;

	(void) state;
	population->day_gaps = gaps;
	population->n_day_gaps = 2;
	day_table_fill(&test_host, 1.0, &table);
	days = population_in_days(population, &table, &constant);
	assert_near(days->recencies[0].t_x * 7.0, 90.0 - 1.5, 0.05);
	assert_near(days->ages[days->cells[0].age].T * 7.0, 120.0 - 1.5, 0.05);
	assert_near(days->ages[0].T * 7.0, 200.0, 1e-9);
	assert_near(days->customers, 3.0, 0.0);
	population_free(days);

	day_table_fill(&test_host, 3.0, &table);
	days = population_in_days(population, &table, &constant);
	assert_near(days->recencies[0].t_x * 7.0, 90.0, 0.05);
	population_free(days);
	population_free(population);
	assert_int_equal(blocks_held, 0);
}

/* The largest times still resolve fractions of a day. */
static void
test_ages_of_the_world(void **state)
{
	const PopulationCell cells[] = {{2, 2000000000, 2147483647, 1}};
	Population *population = population_build(&test_host, cells, 1, 7.0);
	DayTable table;
	double constant;
	Population *days;

	(void) state;
	day_table_fill(&test_host, 1.0, &table);
	days = population_in_days(population, &table, &constant);
	assert_near(days->recencies[0].t_x * 7.0 / 2e9, 1.0, 1e-8);
	assert_near(days->ages[0].T * 7.0 / 2147483647.0, 1.0, 1e-8);
	assert_true(isfinite(constant));
	population_free(days);
	population_free(population);
}

/* Customers whose days allow of no other gaps tell nothing, and equal gaps are no finite k. */
static void
test_regularity_of_few(void **state)
{
	const RegularityClass daily[] = {{5, 5, 10}};
	const RegularityClass equal[] = {{5, 50, 10}};
	DayGaps ones[] = {{1, 50}};
	DayGaps tens[] = {{10, 50}};

	(void) state;
	assert_true(isinf(regularity_estimate(&test_host, daily, 1, ones, 1).k));
	assert_true(isinf(regularity_estimate(&test_host, equal, 1, tens, 1).k));
	assert_true(isnan(regularity_estimate(&test_host, equal, 1, NULL, 0).k));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days_add_up),
		cmocka_unit_test(test_random_days),
		cmocka_unit_test(test_same_day),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_half_days),
		cmocka_unit_test(test_ages_of_the_world),
		cmocka_unit_test(test_regularity_of_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
