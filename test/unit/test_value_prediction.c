/*
 * test_value_prediction.c
 *	  The distribution of what a customer will spend, and the beta prime
 *	  distribution that it is made of.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>

#include "models/spend/gammagamma.h"
#include "models/spend/value_prediction.h"
#include "numerics/beta_prime.h"
#include "numerics/random.h"

/* To 20 digits, by mpmath's betainc with 40. */
static void
known_values(void **state)
{
	static const double values[][5] = {
		/* a, b, z, I_u(a, b) at u = 1 / (1 + e^-z), ln B(a, b) */
		{0.3, 0.7, -5.0, 0.19123683317812812378, 1.3566652413497420971},
		{0.3, 0.7, 4.0, 0.97779580711853472447, 1.3566652413497420971},
		{6.25, 3.74, 0.5, 0.46986111297534826051, -6.0847057402123881962},
		{6.25, 3.74, -6.0, 3.5593612700037098368e-15, -6.0847057402123881962},
		{6.25, 3.74, 12.0, 0.99999999999999999621, -6.0847057402123881962},
		{62.5, 41.2, 0.4, 0.46137859540559879261, -70.360763869075561269},
		{1000, 3, 6.0, 0.5494276586636002433, -20.033116159382222436},
		{1000, 900, 0.1, 0.453246185577714674, -1316.5080476586944108},
		{1000, 900, -0.2, 1.4575606818914439763e-11, -1316.5080476586944108},
		{50000, 12.5, 8.2, 0.33307446821504397268, -116.51431842820586724},
		{50000, 12.5, 9.0, 0.98359588293926251469, -116.51431842820586724},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
	{
		const double *v = values[i];
		double slope = 0.0;

		assert_near(ln_beta(v[0], v[1]), v[4], 1e-13);
		assert_near(ln_beta(v[1], v[0]), v[4], 1e-13);
		/* the rounding of the factor's logarithm grows with the shapes */
		assert_near(beta_prime_cdf(v[0], v[1], v[4], v[2], &slope), v[3], 1e-14 * (10.0 + v[0] + v[1]));
	}
}

/* X / Y <= e^z or Y / X < e^-z, and the slope is the derivative. */
static void
complements_and_slope(void **state)
{
	(void) state;
	for (double a = 0.01; a < 1e4; a *= 7.3)
		for (double b = 0.02; b < 1e3; b *= 5.1)
			for (double z = -20.0; z <= 20.0; z += 0.7)
			{
				double ln_b = ln_beta(a, b);
				double slope = 0.0;
				double other = 0.0;
				double h = 1e-5;
				double difference;

				assert_near(beta_prime_cdf(a, b, ln_b, z, &slope) + beta_prime_cdf(b, a, ln_b, -z, &other), 1.0, 1e-10);
				assert_near(slope, other, 1e-10);
				difference =
					(beta_prime_cdf(a, b, ln_b, z + h, &other) - beta_prime_cdf(a, b, ln_b, z - h, &other)) / (2 * h);
				assert_true(fabs(difference - slope) <= 1e-4 * slope + 1e-8);
			}
}

/* The probabilities of 0, 1, … orders of a customer with a mean of `mean`, from a negative binomial of shape r. */
static size_t
some_counts(double alive, double r, double mean, double *probs, size_t n)
{
	double share = mean / (mean + r);
	double prob = pow(1.0 - share, r);

	for (size_t i = 0; i < n; i++)
	{
		probs[i] = alive * prob + (i == 0 ? 1.0 - alive : 0.0);
		prob *= share * (r + i) / (i + 1.0);
	}
	return n;
}

#define COUNTS 400

/* The range has the probability it says, and its ends are where they should be. */
static void
ranges_contain_the_level(void **state)
{
	static const double shares[] = {1.0, 0.93, 0.5, 0.02};
	static const double levels[] = {0.01, 0.5, 0.9, 0.999};
	double probs[COUNTS] = {0};

	(void) state;
	for (int i = 0; i < 4; i++)
		for (double mean = 0.3; mean < 30.0; mean *= 4.0)
			for (int k = 0; k < 4; k++)
			{
				ValuePrediction prediction = {probs,
											  some_counts(shares[i], 1.5, mean, probs, COUNTS),
											  &gammagamma_model,
											  cdnow_spend,
											  3.0,
											  90.0};
				ValueRange range = value_range(&test_host, &prediction, levels[k]);
				double half = 0.5 * (1.0 - levels[k]);

				if (probs[0] < half)
				{
					assert_near(value_cdf(&test_host, &prediction, range.low), half, 1e-9);
					assert_near(value_cdf(&test_host, &prediction, range.high), 1.0 - half, 1e-9);
				}
				else if (probs[0] < levels[k])
				{
					assert_true(range.low == 0.0);
					assert_near(value_cdf(&test_host, &prediction, range.high), levels[k], 1e-9);
				}
				else
					assert_true(range.low == 0.0 && range.high == 0.0);
			}
	assert_int_equal(blocks_held, 0);
}

static int
compare(const void *a, const void *b)
{
	double difference = *(const double *) a - *(const double *) b;

	return (difference > 0.0) - (difference < 0.0);
}

/* Totals that are drawn one by one have the distribution that is computed. */
static void
draws_agree(void **state)
{
	enum
	{
		DRAWS = 100000,
	};
	double probs[COUNTS] = {0};
	ValuePrediction prediction = {probs, some_counts(0.9, 2.0, 4.0, probs, COUNTS), &gammagamma_model, cdnow_spend, 2.0,
								  80.0};
	Random random = random_start(7, 1);
	double *totals = malloc(DRAWS * sizeof(double));
	double worst = 0.0;

	(void) state;
	for (int i = 0; i < DRAWS; i++)
	{
		double u = random_uniform(&random);
		int n = 0;
		double rate = random_gamma(&random, cdnow_spend[1] + 2.0 * cdnow_spend[0]) / (cdnow_spend[2] + 80.0);

		while (n < COUNTS - 1 && u >= probs[n])
			u -= probs[n++];
		totals[i] = n == 0 ? 0.0 : random_gamma(&random, cdnow_spend[0] * n) / rate;
	}
	qsort(totals, DRAWS, sizeof(double), compare);
	for (int i = 0; i < DRAWS; i += 997)
		if (totals[i] > 0.0)
			worst = larger_error(worst, fabs(value_cdf(&test_host, &prediction, totals[i]) - (i + 1.0) / DRAWS));
	free(totals);
	/* Kolmogorov's 99.9 % */
	assert_true(worst <= 1.95 / sqrt(DRAWS));
}

/* Of one order, whose mean is known: that of the gamma-gamma model. */
static void
mean_is_that_of_the_spend_model(void **state)
{
	static const double probs[] = {0.0, 1.0};
	ValuePrediction prediction = {probs, 2, &gammagamma_model, cdnow_spend, 5.0, 130.0};
	double mean = 0.0;
	double step = 0.01;

	(void) state;
	for (double value = 0.5 * step; value < 2000.0; value += step)
		mean += step * (1.0 - value_cdf(&test_host, &prediction, value));
	assert_near(mean, gammagamma_expected_spend(cdnow_spend, 5.0, 26.0), 1e-5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values),
		cmocka_unit_test(complements_and_slope),
		cmocka_unit_test(ranges_contain_the_level),
		cmocka_unit_test(draws_agree),
		cmocka_unit_test(mean_is_that_of_the_spend_model),
	};

	return cmocka_run_group_tests_name("value_prediction", tests, NULL, NULL);
}
