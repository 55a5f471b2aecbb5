/*
 * test_within.c
 *	  Fatigue within customers: against a search of the likelihood, the truth of
 *	  simulations, and at its limits.
 */
#include <math.h>

#include "models/decision/within.h"
#include "numerics/random.h"
#include "numerics/tails.h"
#include "support.h"

#define CUSTOMERS 300
#define LEVELS 6

typedef struct Shop
{
	RateLevel levels[CUSTOMERS * LEVELS];
	size_t ends[CUSTOMERS];
} Shop;

/* The engaged respond more, and have more contacts before each. */
static void
simulate_shop(Shop *shop, Random *random, double kappa)
{
	size_t count = 0;

	for (int i = 0; i < CUSTOMERS; i++)
	{
		double engaged = random_uniform(random);
		RateLevel own[LEVELS] = {0};

		for (int contact = 0; contact < 14; contact++)
		{
			int recent = (int) (random_uniform(random) * (2 + 4 * engaged));

			own[recent].heads++;
			own[recent].events += random_uniform(random) < (0.02 + 0.28 * engaged) * exp(-kappa * recent);
		}
		for (int c = 0; c < LEVELS; c++)
			if (own[c].heads > 0)
			{
				own[c].contacts = c;
				shop->levels[count++] = own[c];
			}
		shop->ends[i] = count;
	}
}

/* Stated 90 per cent, whatever the engaged do; all contacts together show too little fatigue. */
static void
test_coverage(void **state)
{
	const int runs = 3000;
	const double truth = 0.25;
	double mean = 0, pooled = 0;
	int right = 0;
	static Shop shop;

	(void) state;
	for (int run = 0; run < runs; run++)
	{
		Random random = random_start(91, (uint64_t) run);
		RateLevel all[LEVELS] = {0};
		WithinFit fit;

		simulate_shop(&shop, &random, truth);
		fit = within_fit(&test_host, shop.levels, shop.ends, CUSTOMERS);
		assert_int_equal(fit.status, WITHIN_OK);
		mean += fit.kappa / runs;
		right += fabs(fit.kappa - truth) <= 1.6448536269514722 * fit.std_error;
		for (int c = 0; c < LEVELS; c++)
			all[c].contacts = c;
		for (size_t i = 0; i < shop.ends[CUSTOMERS - 1]; i++)
		{
			all[(int) shop.levels[i].contacts].heads += shop.levels[i].heads;
			all[(int) shop.levels[i].contacts].events += shop.levels[i].events;
		}
		pooled -= rate_curve_fit(all, LEVELS).slope / runs;
	}
	print_message("kappa 0.25: within customers %.4f, right in %.1f %% of the stated 90, all together %.4f\n", mean,
				  100.0 * right / runs, pooled);
	assert_true(fabs(mean - truth) < 0.01);
	assert_true(right > 0.88 * runs && right < 0.92 * runs);
	assert_true(pooled < 0.2);
}

static double
ln_likelihood(const Shop *shop, double kappa)
{
	double sum = 0;

	for (size_t i = 0, k = 0; i < CUSTOMERS; i++)
	{
		double contacts = 0;
		double responses = 0;

		for (; k < shop->ends[i]; k++)
		{
			sum -= shop->levels[k].events * kappa * shop->levels[k].contacts;
			responses += shop->levels[k].events;
			contacts += shop->levels[k].heads * exp(-kappa * shop->levels[k].contacts);
		}
		sum -= responses > 0 ? responses * log(contacts) : 0;
	}
	return sum;
}

/* It is where the likelihood is largest: a search by thirds. */
static void
test_maximum(void **state)
{
	static Shop shop;

	(void) state;
	for (int run = 0; run < 20; run++)
	{
		Random random = random_start(92, (uint64_t) run);
		double low = -30;
		double high = 30;

		simulate_shop(&shop, &random, run - 4);
		for (int step = 0; step < 200; step++)
		{
			double third = (high - low) / 3;

			if (ln_likelihood(&shop, low + third) < ln_likelihood(&shop, high - third))
				low += third;
			else
				high -= third;
		}
		WithinFit fit = within_fit(&test_host, shop.levels, shop.ends, CUSTOMERS);

		if (fit.status == WITHIN_OK)
			assert_true(fabs(fit.kappa - low) <= 1e-6 * (1 + fabs(low)));
		else
			assert_true(fabs(low) > 10);
	}
}

/* Two customers by hand: of each, y = (2, 1) of n = (4, 4) and (3, 6): e^(-kappa) solves a quadratic equation. */
static void
test_by_hand(void **state)
{
	const RateLevel levels[] = {{0, 4, 2}, {1, 4, 1}, {0, 3, 2}, {1, 6, 1}};
	const size_t ends[] = {2, 4};
	WithinFit fit = within_fit(&test_host, levels, ends, 2);
	double q = (-3.0 + sqrt(9.0 + 4.0 * 8.0 * 2.0)) / 16.0;
	double shares[] = {q / (1 + q), 2 * q / (1 + 2 * q)};
	double information = 3 * shares[0] * (1 - shares[0]) + 3 * shares[1] * (1 - shares[1]);
	double squares = pow(1 - 3 * shares[0], 2) + pow(1 - 3 * shares[1], 2);

	(void) state;
	assert_int_equal(fit.status, WITHIN_OK);
	/* 3 q / (1 + q) + 6 q / (1 + 2 q) = 2, that is 8 q^2 + 3 q - 2 = 0 */
	assert_near(fit.kappa, -log(q), 1e-12);
	assert_near(fit.std_error, sqrt(2 * squares) / information, 1e-10);
	assert_int_equal(fit.customers, 2);
	assert_near(fit.responses, 6, 0);
}

static void
test_limits(void **state)
{
	const RateLevel one_level[] = {{3, 10, 4}};
	const RateLevel lowest[] = {{0, 4, 2}, {1, 4, 0}};
	const RateLevel highest[] = {{0, 4, 0}, {1000, 4, 2}};
	const RateLevel silent[] = {{0, 4, 0}, {1, 4, 0}};
	const RateLevel far[] = {{0, 1e15, 3}, {10000, 2, 1}};
	const size_t one = 1;
	const size_t two = 2;

	(void) state;
	assert_int_equal(within_fit(&test_host, NULL, NULL, 0).status, WITHIN_NO_CUSTOMERS);
	assert_int_equal(within_fit(&test_host, one_level, &one, 1).status, WITHIN_NO_CUSTOMERS);
	assert_int_equal(within_fit(&test_host, silent, &two, 1).status, WITHIN_NO_CUSTOMERS);
	assert_int_equal(within_fit(&test_host, lowest, &two, 1).status, WITHIN_NOT_IDENTIFIED);
	assert_int_equal(within_fit(&test_host, highest, &two, 1).status, WITHIN_NOT_IDENTIFIED);
	/* 3 to 1 where 1e15 to 2 were sent: rising, by ln(5e14 / 3) in 10,000 steps */
	assert_near(within_fit(&test_host, far, &two, 1).kappa, -log(5e14 / 3) / 10000, 1e-9);
	/* of one customer there is no spread of scores */
	assert_true(isnan(within_fit(&test_host, far, &two, 1).std_error));
}

/*
 * Contacts of one customer depend on each other where customers differ in how readily they respond: errors of
 * independent contacts are too small then, and those by customer hold, also where numbers were assigned at random.
 */
static void
test_errors_by_customer(void **state)
{
	const int sizes[] = {60, 300};
	const double truth = 0.2;

	(void) state;
	for (int size = 0; size < 2; size++)
	{
		int n = sizes[size];
		int runs = 120000 / n;
		int right[2] = {0};
		int fits = 0;

		for (int run = 0; run < runs; run++)
		{
			Random random = random_start(57, (uint64_t) (10000 * size + run));
			RateLevel levels[300];
			RateLevel all[LEVELS] = {0};
			size_t ends[300];
			RateCurve curve;
			double by_customer[3];
			double alike;

			for (int i = 0; i < n; i++)
			{
				int c = (int) (random_uniform(&random) * LEVELS);
				double rate = fmin(0.9, 0.15 * random_gamma(&random, 0.8) / 0.8 * exp(-truth * c));

				levels[i] = (RateLevel){c, 20, 0};
				for (int k = 0; k < 20; k++)
					levels[i].events += random_uniform(&random) < rate;
				ends[i] = (size_t) i + 1;
				all[c].contacts = c;
				all[c].heads += 20;
				all[c].events += levels[i].events;
			}
			curve = rate_curve_fit(all, LEVELS);
			if (curve.status != RATE_OK)
				continue;
			fits++;
			alike = rate_curve_by_customer(&curve, levels, ends, (size_t) n, by_customer);
			right[0] += fabs(-curve.slope - truth) <= 1.6448536269514722 * sqrt(curve.covariance[2]);
			right[1] +=
				fabs(-curve.slope - truth) <= student_quantile(0.95, fmax(1.0, alike - 1.0)) * sqrt(by_customer[2]);
		}
		print_message("%d customers: right in %.1f %% of the stated 90 by customer, in %.1f %% as independent "
					  "contacts\n",
					  n, 100.0 * right[1] / fits, 100.0 * right[0] / fits);
		assert_true(fits > 0.95 * runs);
		assert_true(right[1] > 0.88 * fits && right[1] < 0.93 * fits);
		assert_true(right[0] < 0.75 * fits);
	}
}

/* Of customers with one contact each the errors are those of independent contacts, but for chance. */
static void
test_one_contact_each(void **state)
{
	Random random = random_start(58, 1);
	static RateLevel levels[40000];
	static size_t ends[40000];
	RateLevel all[LEVELS] = {0};
	RateCurve curve;
	double by_customer[3];

	(void) state;
	for (int i = 0; i < 40000; i++)
	{
		int c = i % LEVELS;

		levels[i] = (RateLevel){c, 1, random_uniform(&random) < 0.3 * exp(-0.2 * c)};
		ends[i] = (size_t) i + 1;
		all[c].contacts = c;
		all[c].heads++;
		all[c].events += levels[i].events;
	}
	curve = rate_curve_fit(all, LEVELS);
	assert_true(rate_curve_by_customer(&curve, levels, ends, 40000, by_customer) > 1000);
	for (int i = 0; i < 3; i++)
		assert_true(fabs(by_customer[i] / curve.covariance[i] - 1.0) <= 0.03);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_maximum),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_errors_by_customer),
		cmocka_unit_test(test_one_contact_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
