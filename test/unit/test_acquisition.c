/*
 * test_acquisition.c
 *	  Models of acquisition: 50-digit goldens, gradients, parameters that are recovered
 *	  from what was simulated with them, and damping.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/acquisition/acquisition.h"
#include "models/acquisition/inverse.h"
#include "models/acquisition/subscribers.h"
#include "numerics/random.h"

#define PERIODS 80
#define FIGURES (SUBSCRIBER_FIGURES * PERIODS)

/* Arrays that a test's data point to. */
typedef struct Arrays
{
	double observed[SUBSCRIBER_FIGURES][PERIODS];
	double population[PERIODS + 1];
	double covariates[PERIODS];
} Arrays;

/* A population that grows evenly, and every fourth period from the second on special. */
static SubscriberData
growing(Arrays *arrays, size_t n, double population, double growth)
{
	for (size_t i = 0; i < n; i++)
	{
		arrays->population[i] = population + growth * i;
		arrays->covariates[i] = i % 4 == 1;
		for (int figure = 0; figure < SUBSCRIBER_FIGURES; figure++)
			arrays->observed[figure][i] = NAN;
	}
	arrays->population[n] = population + growth * n;
	return (SubscriberData){
		.host = &test_host,
		.n = n,
		.observed = {arrays->observed[0], arrays->observed[1], arrays->observed[2]},
		.population = arrays->population,
		.n_covariates = 1,
		.covariates = arrays->covariates,
	};
}

/* The minimiser's parameters, of r, alpha, c, never, beta and those of staying r, alpha, c, beta. */
static void
to_theta(const double *natural, double *theta)
{
	for (int i = 0; i < 9; i++)
		theta[i] = i == 3 ? log((1 - natural[3]) / natural[3]) : i == 4 || i == 8 ? natural[i] : log(natural[i]);
}

static void
test_goldens(void **state)
{
	Golden golden = golden_open("subscribers.csv");
	static const int by[] = {2, 3, 4, 1, 5, 7, 8};
	static double expected[FIGURES];
	static double jacobian[FIGURES * 9];
	Arrays arrays;

	(void) state;
	while (golden_next(&golden))
	{
		size_t m = (size_t) golden.field[9];
		SubscriberData data = growing(&arrays, 20, 1000, 30);
		double theta[9];

		to_theta(golden.field, theta);
		subscribers_expect(&data, theta, expected, jacobian);
		for (int figure = 0; figure < SUBSCRIBER_FIGURES; figure++)
			assert_golden(&golden, "figure", expected[figure * data.n + m - 1], golden.field[10 + figure], 1e-12, 1.0);
		for (int i = 0; i < 7; i++)
			assert_golden(&golden, "derivative",
						  jacobian[((i < 3 ? SUBSCRIBERS_ACQUIRED : SUBSCRIBERS_ACTIVE) * data.n + m - 1) * 9 + by[i]],
						  golden.field[13 + i], 1e-12, 1.0);
	}
	assert_int_equal(blocks_held, 0);
}

/* All derivatives of all figures, against differences. */
static void
test_gradient(void **state)
{
	static const double natural[9] = {1.2, 300, 1.6, .4, .2, 1.1, 30, 1.3, -.3};
	static double low[FIGURES];
	static double high[FIGURES];
	static double expected[FIGURES];
	static double jacobian[FIGURES * 9];
	double theta[9];
	Arrays arrays;
	SubscriberData data = growing(&arrays, 30, 1000, 30);

	(void) state;
	to_theta(natural, theta);
	subscribers_expect(&data, theta, expected, jacobian);
	for (int i = 0; i < 9; i++)
	{
		double at = theta[i];

		theta[i] = at + 1e-5;
		subscribers_expect(&data, theta, high, NULL);
		theta[i] = at - 1e-5;
		subscribers_expect(&data, theta, low, NULL);
		theta[i] = at;
		for (size_t k = 0; k < SUBSCRIBER_FIGURES * data.n; k++)
			assert_true(fabs(jacobian[k * 9 + i] - (high[k] - low[k]) / 2e-5) <= 1e-6);
	}
	assert_int_equal(blocks_held, 0);
}

/* Flows balance whatever the parameters: active = active before + acquired - lost. */
static void
test_balance(void **state)
{
	Random random = random_start(11, 0);

	(void) state;
	for (int run = 0; run < 200; run++)
	{
		static double expected[FIGURES];
		Arrays arrays;
		SubscriberData data = growing(&arrays, 40, 1e6, 1000 * (run % 3));
		double theta[9];
		double before = 0;
		double all = 0;

		for (int i = 0; i < 9; i++)
			theta[i] = (i == 2 || i == 7 ? 0.2 : 1) * log(anywhere_between(&random, 1e-3, 1e3));
		subscribers_expect(&data, theta, expected, NULL);
		for (size_t m = 0; m < data.n; m++)
		{
			double acquired = expected[m];
			double lost = expected[data.n + m];
			double active = expected[2 * data.n + m];

			assert_true(acquired >= 0 && lost >= -1e-6 && active >= 0);
			assert_true(fabs(before + acquired - lost - active) <= 1e-6);
			before = active;
			all += acquired;
		}
		assert_true(all <= data.population[data.n]);
	}
}

/*
 * Customers simulated one by one, with their own gamma rates: the fit finds the parameters
 * within four standard errors, and what it forecasts within four deviations of chance.
 */
static void
test_recovery(void **state)
{
	static const double natural[9] = {1.5, 60, 1.2, .4, .3, 1.2, 20, 1.1, -.4};
	static double expected[FIGURES];
	double truth[9];
	Arrays arrays;
	SubscriberData data = growing(&arrays, 60, 200000, 0);
	SubscriberData known;
	SubscriberFit fit;
	Random random = random_start(5, 0);
	double acquired[PERIODS] = {0};
	double active[PERIODS] = {0};

	(void) state;
	to_theta(natural, truth);
	for (int person = 0; person < 200000; person++)
	{
		double rate = random_gamma(&random, natural[0]) / natural[1];
		double wait = random_exponential(&random) / rate;
		double exposure = 0;
		size_t came = 0;

		if (random_uniform(&random) < natural[3])
			continue;
		for (; came < data.n && exposure < wait; came++)
			exposure += (pow(came + 1, natural[2]) - pow(came, natural[2])) * exp(natural[4] * arrays.covariates[came]);
		if (exposure < wait)
			continue;
		acquired[came - 1]++;
		rate = random_gamma(&random, natural[5]) / natural[6];
		wait = random_exponential(&random) / rate;
		exposure = 0;
		for (size_t m = came - 1; m < data.n && exposure < wait; m++)
		{
			active[m]++;
			if (m + 1 < data.n)
				exposure += (pow(m - came + 2, natural[7]) - pow(m - came + 1, natural[7])) *
					exp(natural[8] * arrays.covariates[m + 1]);
		}
	}
	known = data;
	known.n = 48;
	for (size_t m = 0; m < known.n; m++)
	{
		arrays.observed[SUBSCRIBERS_ACQUIRED][m] = acquired[m];
		arrays.observed[SUBSCRIBERS_LOST][m] = m == 0 ? 0 : active[m - 1] + acquired[m] - active[m];
		arrays.observed[SUBSCRIBERS_ACTIVE][m] = m == 0 ? active[m] : NAN;
	}
	subscribers_fit(&known, &fit);
	assert_true(fit.converged);
	for (int i = 0; i < 9; i++)
		assert_true(fabs(fit.theta[i] - truth[i]) <= 4 * sqrt(fit.covariance[i * 9 + i]));
	/* the covariates' coefficients are identified well */
	assert_true(fabs(fit.theta[4] - natural[4]) <= 0.05);
	assert_true(fabs(fit.theta[8] - natural[8]) <= 0.1);
	subscribers_expect(&data, fit.theta, expected, NULL);
	for (size_t m = known.n; m < data.n; m++)
	{
		assert_true(fabs(expected[m] - acquired[m]) <= 5 * sqrt(acquired[m]));
		assert_true(fabs(expected[2 * data.n + m] - active[m]) <= 0.02 * active[m]);
	}
	assert_int_equal(blocks_held, 0);
}

/*
 * A forecast begins with the customers that were counted: a tenth of them more, and a tenth more leave. The last count
 * comes two periods before the end; what came and left since is added to it.
 */
static void
test_continued(void **state)
{
	static const double natural[9] = {1.5, 60, 1.2, .4, .3, 1.2, 20, 1.1, -.4};
	static const double factors[] = {1, 1.1, 0.9};
	static double expected[FIGURES];
	static double continued[FIGURES];
	const size_t known = 48;
	double theta[9];
	Arrays arrays;
	SubscriberData data = growing(&arrays, 60, 200000, 0);
	const double *active = expected + SUBSCRIBERS_ACTIVE * data.n;
	const double *lost = expected + SUBSCRIBERS_LOST * data.n;

	(void) state;
	to_theta(natural, theta);
	subscribers_expect(&data, theta, expected, NULL);
	for (size_t i = 0; i < 3; i++)
	{
		double customers = factors[i] * active[known - 1];

		arrays.observed[SUBSCRIBERS_ACTIVE][known - 3] = customers - 15;
		for (size_t m = known - 2; m < known; m++)
		{
			arrays.observed[SUBSCRIBERS_ACQUIRED][m] = (double) m;
			arrays.observed[SUBSCRIBERS_LOST][m] = (double) m - 7.5;
		}
		memcpy(continued, expected, sizeof(continued));
		subscribers_continue(&data, known, continued);
		assert_memory_equal(continued, expected, (data.n + known) * sizeof(double));
		for (size_t m = known; m < data.n; m++)
		{
			double share = lost[m] / active[m - 1];

			assert_true(fabs(continued[SUBSCRIBERS_LOST * data.n + m] - share * customers) <= 1e-9 * customers);
			customers += expected[m] - share * customers;
			assert_true(fabs(continued[SUBSCRIBERS_ACTIVE * data.n + m] - customers) <= 1e-9 * customers);
		}
	}
	/* where losses since the count are not known, neither are the customers: what the model expects stays */
	arrays.observed[SUBSCRIBERS_LOST][known - 1] = NAN;
	memcpy(continued, expected, sizeof(continued));
	subscribers_continue(&data, known, continued);
	assert_memory_equal(continued, expected, sizeof(continued));
	assert_int_equal(blocks_held, 0);
}

static void
test_seasonal(void **state)
{
	Golden golden = golden_open("seasonal_fit.csv");
	double counts[16];
	int season[16];
	AcquisitionSeries series = {16, counts, season, 4, 4};
	SeasonalFit fit;

	(void) state;
	for (int i = 0; i < 16; i++)
	{
		counts[i] = 100 + 7 * i + 31 * (i % 4) + i * i * 17 % 23;
		season[i] = i % 4;
	}
	seasonal_fit(&test_host, &series, &fit);
	assert_true(fit.converged);
	for (int i = 0; golden_next(&golden); i++)
		if (i < 5)
		{
			assert_golden(&golden, "estimate", fit.params[i], golden.field[0], 1e-11, 1.0);
			assert_golden(&golden, "standard error", sqrt(fit.covariance[i * 5 + i] / fit.dispersion), golden.field[1],
						  1e-9, 0.0);
		}
		else
			assert_golden(&golden, "dispersion", fit.dispersion, golden.field[0], 1e-10, 0.0);
}

/* Overdispersed counts: the intervals of forecasts hold as often as they say. */
static void
test_coverage(void **state)
{
	static const double coefficient[5] = {6, .1, -.2, .1, .6};
	Random random = random_start(3, 0);
	int within = 0;
	int recovered = 0;

	(void) state;
	for (int run = 0; run < 400; run++)
	{
		double counts[24];
		int season[24];
		AcquisitionSeries series = {20, counts, season, 4, 4};
		SeasonalFit fit;

		for (int i = 0; i < 24; i++)
		{
			double mean = exp(coefficient[0] + coefficient[1] * i / 4.0 + (i % 4 > 0 ? coefficient[1 + i % 4] : 0));

			season[i] = i % 4;
			/* gamma with variance 9 times the mean, rounded */
			counts[i] = rint(random_gamma(&random, mean / 9) * 9);
		}
		seasonal_fit(&test_host, &series, &fit);
		recovered += fabs(fit.params[1] - coefficient[1]) <= 1.6448536269514722 * sqrt(fit.covariance[1 * 5 + 1]);
		for (int i = 20; i < 24; i++)
		{
			double variance;
			double expected = seasonal_forecast(&fit, 20, i - 19, 4, i % 4, &variance);

			within += fabs(counts[i] - expected) <= 1.6448536269514722 * sqrt(variance);
		}
	}
	/* of 1,600 and 400, 90 per cent; quasi-likelihood has normal instead of t quantiles */
	assert_true(within >= 1600 * 86 / 100 && within <= 1600 * 93 / 100);
	assert_true(recovered >= 400 * 83 / 100 && recovered <= 400 * 94 / 100);
}

/* Variances of sums: of one period that of its count, and of all by adding up what they share. */
static void
test_total_variance(void **state)
{
	double counts[] = {10, 20, 30, 40, 12, 18, 33, 44};
	int season[] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1};
	AcquisitionSeries series = {8, counts, season, 4, 4};
	double dispersion = acquisition_naive_dispersion(&series);
	SeasonalFit fit;

	(void) state;
	assert_near(dispersion, 33.0 / 100, 1e-15);
	seasonal_fit(&test_host, &series, &fit);
	for (int only = 0; only < 6; only++)
	{
		double weights[6] = {0};
		double variance;

		weights[only] = 2;
		acquisition_naive(&series, only + 1, dispersion, &variance);
		assert_near(acquisition_naive_total_variance(&series, 6, dispersion, weights), 4 * variance, 1e-14);
		seasonal_forecast(&fit, 8, only + 1, 4, season[only], &variance);
		assert_near(seasonal_total_variance(&fit, 8, 6, 4, season, weights), 4 * variance, 1e-13);
	}
	/* quarters 1 and 5 share a step: (1 + 1)^2 + 1 */
	assert_near(acquisition_naive_total_variance(&series, 5, dispersion, (double[]){1, 0, 0, 0, 1}),
				dispersion * 12 * 5, 1e-14);
}

static void
test_damping(void **state)
{
	(void) state;
	assert_near(damped_years(0.25), 0.25, 1e-15);
	assert_near(damped_years(1), 1, 1e-15);
	/* growth in a year is 0.8 of the year before, and its sum has a bound */
	assert_near((damped_years(4) - damped_years(3)) / (damped_years(3) - damped_years(2)), 0.8, 1e-12);
	assert_near(damped_years(1000), 1 - 1 / log(0.8), 1e-12);
}

/* A direction without information is left out; the others are inverted. */
static void
test_inverse(void **state)
{
	static const double matrix[9] = {4, 2, 0, 2, 3, 0, 0, 0, 0};
	double inverse[9];

	(void) state;
	symmetric_inverse(3, matrix, inverse);
	assert_near(inverse[0], 3.0 / 8, 1e-14);
	assert_near(inverse[1], -2.0 / 8, 1e-14);
	assert_near(inverse[4], 4.0 / 8, 1e-14);
	assert_true(inverse[8] == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goldens),  cmocka_unit_test(test_gradient),       cmocka_unit_test(test_balance),
		cmocka_unit_test(test_recovery), cmocka_unit_test(test_continued),      cmocka_unit_test(test_seasonal),
		cmocka_unit_test(test_coverage), cmocka_unit_test(test_total_variance), cmocka_unit_test(test_damping),
		cmocka_unit_test(test_inverse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
