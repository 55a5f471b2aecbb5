/*
 * test_rates.c
 *	  Priors of rates against values computed apart, recovery of known priors, coverage of
 *	  intervals; the three questions.
 */
#include <math.h>
#include <stdlib.h>

#include "models/decision/rates.h"
#include "numerics/random.h"
#include "numerics/tails.h"
#include "support.h"

#define CLOSE(value, expected, tolerance) assert_true(fabs((value) - (expected)) <= (tolerance))

static RatePrior
fit(const double *good, const double *total, int count, bool counts)
{
	RateUnits rows[64];
	RatePrior prior;

	for (int i = 0; i < count; i++)
		rows[i] = (RateUnits){good[i], total[i], 1.0};
	rate_prior_fit(&test_host, rows, count, counts, &prior);
	return prior;
}

/* Both fits were made by another program, with another optimiser. */
static void
published_fits(void **state)
{
	const double k[] = {0, 2, 5, 1, 9, 0, 3, 20, 7, 4};
	const double n[] = {5, 10, 50, 30, 40, 3, 12, 100, 20, 60};
	const double post[] = {0.12933101015845533, 0.16792699479255802, 0.11840844921286202, 0.08877349290311214,
						   0.19808465750798307, 0.13854774177782986, 0.18584569991768185, 0.19100766783076428,
						   0.2416155434539965,  0.09273278988974938};
	const double x[] = {0, 1, 0, 3, 2, 0, 9, 1, 0, 4, 2, 0, 1, 14, 5};
	const double t[] = {10, 12, 3, 20, 11, 8, 30, 5, 2, 16, 9, 7, 6, 25, 21};
	RatePrior prior = fit(k, n, 10, false);
	double low;
	double high;

	(void) state;
	assert_int_equal(prior.status, RATE_PRIOR_OK);
	CLOSE(prior.a, 3.8882589054959475, 1e-5);
	CLOSE(prior.b, 21.176138648749422, 1e-4);
	for (int i = 0; i < 10; i++)
		CLOSE(rate_shrunk(&prior, k[i], n[i]), post[i], 1e-7);

	prior = fit(x, t, 15, true);
	assert_int_equal(prior.status, RATE_PRIOR_OK);
	CLOSE(prior.a, 3.8652747932962375, 1e-4);
	CLOSE(prior.b, 19.271520287143723, 1e-3);
	CLOSE(rate_shrunk(&prior, 14, 25), 0.4035387688839826, 1e-6);
	rate_shrunk_interval(&prior, 14, 25, 0.9, &low, &high);
	CLOSE(low, 0.26034576751750343, 1e-6);
	CLOSE(high, 0.5723353100359104, 1e-6);
	rate_shrunk_interval(&prior, 0, 2, 0.9, &low, &high);
	CLOSE(low, 0.06058392258267427, 1e-6);
	CLOSE(high, 0.35545900489953275, 1e-6);
}

/* Units that differ by less than chance, have one trial each, or are all good or all bad. */
static void
units_that_are_alike(void **state)
{
	const double n[] = {10, 10, 10, 10};
	const double ones[] = {1, 1, 1, 1};
	const double same[] = {3, 3, 3, 3};
	const double none[] = {0, 0, 0, 0};
	const double some[] = {1, 0, 1, 0};
	double low;
	double high;
	RatePrior prior = fit(same, n, 4, false);

	(void) state;
	assert_int_equal(prior.status, RATE_PRIOR_ALIKE);
	CLOSE(rate_shrunk(&prior, 9, 10), 0.3, 1e-15);
	rate_shrunk_interval(&prior, 9, 10, 0.9, &low, &high);
	assert_true(isnan(low) && isnan(high));
	assert_int_equal(fit(some, ones, 4, false).status, RATE_PRIOR_ALIKE);
	assert_int_equal(fit(same, n, 4, true).status, RATE_PRIOR_ALIKE);
	prior = fit(none, n, 4, false);
	assert_int_equal(prior.status, RATE_PRIOR_ALIKE);
	CLOSE(rate_shrunk(&prior, 0, 10), 0.0, 0.0);
	prior = fit(n, n, 4, false);
	CLOSE(rate_shrunk(&prior, 0, 10), 1.0, 0.0);
	prior = fit(n, n, 0, true);
	assert_int_equal(prior.status, RATE_PRIOR_NO_UNITS);
	assert_true(isnan(rate_shrunk(&prior, 0, 10)));
}

static double
poisson(Random *random, double mean)
{
	double sum = random_exponential(random);
	double events = 0.0;

	for (; sum <= mean; events++)
		sum += random_exponential(random);
	return events;
}

/* Known priors are found, and intervals hold the true rates as often as they say. */
static void
priors_are_recovered(void **state)
{
	static RateUnits rows[6000];
	static double rates[6000];

	(void) state;
	for (int counts = 0; counts <= 1; counts++)
	{
		const double a = 2.5;
		const double b = counts ? 40.0 : 6.0;
		Random random = random_start(16, counts);
		RatePrior prior;
		int covered = 0;

		for (int i = 0; i < 6000; i++)
		{
			double total = 5 + (double) (i % 60);
			double good = 0.0;

			rates[i] = counts ? random_gamma(&random, a) / b : random_beta(&random, a, b);
			if (counts)
				good = poisson(&random, rates[i] * total);
			for (int k = 0; !counts && k < (int) total; k++)
				good += random_uniform(&random) < rates[i];
			rows[i] = (RateUnits){good, total, 1.0};
		}
		rate_prior_fit(&test_host, rows, 6000, counts, &prior);
		assert_int_equal(prior.status, RATE_PRIOR_OK);
		/* four standard errors or so */
		CLOSE(log(prior.a / a), 0.0, 0.12);
		CLOSE(log(prior.b / b), 0.0, 0.12);
		for (int i = 0; i < 6000; i++)
		{
			double low;
			double high;

			rate_shrunk_interval(&prior, rows[i].good, rows[i].total, 0.9, &low, &high);
			covered += low <= rates[i] && rates[i] <= high;
		}
		print_message("covered %.4f\n", covered / 6000.0);
		CLOSE(covered / 6000.0, 0.9, 0.016);
	}
}

/* What is left open of a prior, by sums over a fine grid of ln s and of the logit (or logarithm) of m. */
static void
moments_by_grid(const RateUnits *rows, int units, bool counts, double good, double total, double *mean,
				double *variance)
{
	double sum = 0.0;
	double first = 0.0;
	double second = 0.0;
	double inverse = 0.0;
	double highest = -INFINITY;

	for (int i = 0; i < units; i++)
		inverse += 1.0 / rows[i].total / units;
	for (int pass = 0; pass < 2; pass++)
		for (double w = -9.0; w < 16.0; w += 0.05)
			for (double u = -9.0; u < 9.0; u += 0.05)
			{
				double s = exp(w);
				double a = counts ? s * exp(u) : s / (1.0 + exp(-u));
				double b = counts ? s : s / (1.0 + exp(u));
				double m = counts ? (a + good) / (b + total) : (a + good) / (s + total);
				double v = counts ? m / (b + total) : m * (1.0 - m) / (s + total + 1.0);
				double density = w - 2.0 * log(s + 1.0 / inverse) + 0.5 * (counts ? u : log(a / s) + log(b / s));

				for (int i = 0; i < units; i++)
				{
					double k = rows[i].good;
					double n = rows[i].total;

					density += counts
						? lgamma(a + k) - lgamma(a) - a * log1p(n / b) - k * log(b + n)
						: lgamma(a + k) - lgamma(a) + lgamma(b + n - k) - lgamma(b) - lgamma(s + n) + lgamma(s);
				}
				if (pass == 0)
					highest = fmax(highest, density);
				else
				{
					double weight = exp(density - highest);

					sum += weight;
					first += weight * m;
					second += weight * (v + m * m);
				}
			}
	*mean = first / sum;
	*variance = second / sum - *mean * *mean;
}

static void
spread_is_the_integral(void **state)
{
	const RateUnits units[] = {{0, 5, 1}, {2, 10, 1}, {5, 50, 1}, {1, 30, 1}, {9, 40, 1}, {0, 3, 1}, {3, 12, 1}};
	const RateUnits alike[] = {{3, 10, 1}, {3, 10, 1}, {2, 10, 1}, {4, 10, 1}};
	RateSpread *spread = malloc(sizeof(RateSpread));

	(void) state;
	for (int i = 0; i < 4; i++)
	{
		const RateUnits *rows = i < 2 ? units : alike;
		int count = i < 2 ? 7 : 4;
		bool counts = i % 2 == 1;
		double mean;
		double variance;
		double sum = 0.0;
		double first = 0.0;
		double second = 0.0;
		RatePrior prior;

		rate_prior_fit(&test_host, rows, count, counts, &prior);
		rate_prior_spread(&test_host, rows, count, &prior, spread);
		moments_by_grid(rows, count, counts, 3, 12, &mean, &variance);
		for (int k = 0; k < spread->count; k++)
		{
			const RateNode *node = &spread->nodes[k];
			double m = (node->a + 3) / (counts ? node->b + 12 : node->a + node->b + 12);
			double v = counts ? m / (node->b + 12) : m * (1 - m) / (node->a + node->b + 13);

			sum += node->weight;
			first += node->weight * m;
			second += node->weight * (v + m * m);
		}
		print_message("mean %.4f of %.4f, variance %.5f of %.5f\n", first, mean, second - first * first, variance);
		CLOSE(sum, 1.0, 1e-12);
		CLOSE(first / mean, 1.0, 0.02);
		CLOSE((second - first * first) / variance, 1.0, 0.1);
	}
	free(spread);
}

/* Of few small units, too, intervals hold nine tenths of the rates, over strengths around the size of the data. */
static void
intervals_of_few_units_cover(void **state)
{
	const int sizes[] = {4, 8, 30, 60};
	RateSpread *spread = malloc(sizeof(RateSpread));

	(void) state;
	for (int counts = 0; counts <= 1; counts++)
		for (int size = 0; size < 4; size++)
		{
			int covered = 0;
			int known = 0;
			int all = 0;
			Random random = random_start(29, 10 * counts + size);

			for (int shop = 0; shop < 2400 / sizes[size]; shop++)
			{
				/* the strength by which a unit of ten trials counts as far as a uniform number says */
				double s = 10.0 * (1.0 / random_uniform(&random) - 1.0);
				double m = 0.1 + 0.4 * random_uniform(&random);
				RateUnits rows[60];
				double rates[60];
				RatePrior prior;

				for (int i = 0; i < sizes[size]; i++)
				{
					double good = 0.0;

					rates[i] = counts ? random_gamma(&random, s * m) / s : random_beta(&random, s * m, s * (1.0 - m));
					if (counts)
						good = poisson(&random, 10.0 * rates[i]);
					for (int k = 0; !counts && k < 10; k++)
						good += random_uniform(&random) < rates[i];
					rows[i] = (RateUnits){good, 10.0, 1.0};
				}
				rate_prior_fit(&test_host, rows, sizes[size], counts, &prior);
				rate_prior_spread(&test_host, rows, sizes[size], &prior, spread);
				for (int i = 0; i < sizes[size]; i++)
				{
					double low;
					double high;

					rate_spread_interval(spread, rows[i].good, 10.0, 0.9, &low, &high);
					covered += low <= rates[i] && rates[i] <= high;
					rate_shrunk_interval(&prior, rows[i].good, 10.0, 0.9, &low, &high);
					known += low <= rates[i] && rates[i] <= high;
					all++;
				}
			}
			print_message("%d units: covered %.4f, with the prior taken as known %.4f\n", sizes[size],
						  (double) covered / all, (double) known / all);
			CLOSE((double) covered / all, 0.9, 0.02);
		}
	free(spread);
}

/* Rates of units whose totals differ by up to twelve orders of magnitude, true to the prior: intervals hold nine tenths of them. */
static void
intervals_of_unequal_units_cover(void **state)
{
	RateSpread *spread = malloc(sizeof(RateSpread));

	(void) state;
	for (int counts = 0; counts <= 1; counts++)
	{
		int covered = 0;
		int all = 0;
		Random random = random_start(31, counts);

		for (int shop = 0; shop < 100; shop++)
		{
			double s = exp(4.0 * random_uniform(&random) - 1.0);
			double m = 0.1 + 0.4 * random_uniform(&random);
			double orders = counts ? 12.0 : 9.0;
			RateUnits rows[40];
			double rates[40];
			RatePrior prior;

			for (int i = 0; i < 40; i++)
			{
				double total = floor(5.0 * pow(10.0, orders * random_uniform(&random)));
				double good;

				rates[i] = counts ? random_gamma(&random, s * m) / s : random_beta(&random, s * m, s * (1.0 - m));
				/* of many trials or events the share says the rate */
				good = floor(total * rates[i] + 0.5);
				if (total < 1e4 && counts)
					good = poisson(&random, total * rates[i]);
				if (total < 1e4 && !counts)
				{
					good = 0.0;
					for (int k = 0; k < (int) total; k++)
						good += random_uniform(&random) < rates[i];
				}
				rows[i] = (RateUnits){good, total, 1.0};
			}
			rate_prior_fit(&test_host, rows, 40, counts, &prior);
			rate_prior_spread(&test_host, rows, 40, &prior, spread);
			for (int i = 0; i < 40; i++)
			{
				double low;
				double high;

				if (rows[i].total >= 1e4)
					continue;
				rate_spread_interval(spread, rows[i].good, rows[i].total, 0.9, &low, &high);
				covered += low <= rates[i] && rates[i] <= high;
				all++;
			}
		}
		print_message("%s: covered %.4f of %d\n", counts ? "counts" : "proportions", (double) covered / all, all);
		CLOSE((double) covered / all, 0.9, 0.02);
	}
	free(spread);
}

/* So, too, where the large units have rates that no prior of the small ones allows: of 300 units the prior is nearly known. */
static void
intervals_of_units_unlike_each_other(void **state)
{
	RateSpread *spread = malloc(sizeof(RateSpread));

	(void) state;
	for (int counts = 0; counts <= 1; counts++)
		for (double exposure = 1e2; exposure < (counts ? 1e16 : 1e12); exposure *= 10.0)
		{
			RateUnits rows[300];
			RatePrior prior;
			double low;
			double high;
			double known_low;
			double known_high;

			for (int i = 0; i < 300; i++)
				rows[i] = (RateUnits){i % 30, i % 10 == 0 ? exposure : counts ? 1.0 : 30.0, 1.0};
			rate_prior_fit(&test_host, rows, 300, counts, &prior);
			assert_int_equal(prior.status, RATE_PRIOR_OK);
			rate_prior_spread(&test_host, rows, 300, &prior, spread);
			rate_spread_interval(spread, 3.0, 5.0, 0.9, &low, &high);
			rate_shrunk_interval(&prior, 3.0, 5.0, 0.9, &known_low, &known_high);
			CLOSE(low / known_low, 1.0, 0.02);
			CLOSE(high / known_high, 1.0, 0.02);
		}
	free(spread);
}

/* In any unit of exposure the prior is the same. */
static void
exposure_has_no_unit(void **state)
{
	const double x[] = {0, 1, 0, 3, 2, 0, 9, 1, 0, 4};
	const double t[] = {10, 12, 3, 20, 11, 8, 30, 5, 2, 16};
	RatePrior prior = fit(x, t, 10, true);

	(void) state;
	for (double scale = 1e-9; scale < 1e10; scale *= 1e3)
	{
		double scaled[10];
		RatePrior other;

		for (int i = 0; i < 10; i++)
			scaled[i] = t[i] * scale;
		other = fit(x, scaled, 10, true);
		assert_int_equal(other.status, RATE_PRIOR_OK);
		CLOSE(other.a / prior.a, 1.0, 1e-7);
		CLOSE(other.b / scale / prior.b, 1.0, 1e-7);
	}
}

/* Quantiles and distribution functions undo each other; known points. */
static void
quantiles(void **state)
{
	(void) state;
	CLOSE(beta_quantile(0.05, 17.22421979, 14.31455040), 0.40062868, 1e-7);
	CLOSE(beta_quantile(0.25, 1.0, 1.0), 0.25, 1e-14);
	CLOSE(beta_quantile(0.5, 3.0, 1.0), cbrt(0.5), 1e-13);
	CLOSE(beta_quantile(0.5, 1e-3, 1e9), 0.0, 1e-300);
	CLOSE(gamma_quantile(0.5, 1.0), M_LN2, 1e-13);
	for (double a = 0.01; a < 1e9; a *= 7.3)
		for (double p = 0.01; p < 1.0; p += 0.07)
			CLOSE(1.0 - chi_square_tail(2.0 * gamma_quantile(p, a), 2.0 * a), p, a > 1e7 ? 1e-5 : 1e-11 + 1e-13 * a);
}

static void
the_three_questions(void **state)
{
	const double index[] = {0.82, 0.64, 0.91};
	const double equal[] = {1, 1, 1};
	const double given[] = {0.5, 0.2, 0.3};
	const double missing[] = {0.82, NAN, 0.91};
	const double zero[] = {0.82, 0.0, 0.91};
	QuestionIndex result = question_index(index, equal, QUESTIONS);

	(void) state;
	CLOSE(result.total, 0.78164893, 5e-9);
	CLOSE(result.gains[0], 0.00317743, 5e-9);
	CLOSE(result.gains[1], 0.00407109, 5e-9);
	CLOSE(result.gains[2], 0.00286318, 5e-9);
	assert_int_equal(result.improve, 1);
	CLOSE(result.coverage, 1.0, 0.0);
	CLOSE(question_index(index, given, QUESTIONS).total, 0.80511022, 5e-9);
	result = question_index(missing, given, QUESTIONS);
	CLOSE(result.coverage, 0.8, 1e-15);
	CLOSE(result.total, pow(0.82, 0.625) * pow(0.91, 0.375), 1e-15);
	assert_true(isnan(result.gains[1]));
	/* a zero cannot be bought off */
	result = question_index(zero, given, QUESTIONS);
	CLOSE(result.total, 0.0, 0.0);
	assert_int_equal(result.improve, 1);
}

/* What repurchase was drawn with is found again. */
static void
weights_are_recovered(void **state)
{
	static QuestionCell cells[40000];
	const double truth[] = {1.2, 0.9, 0.0, 1.8};
	Random random = random_start(9, 3);
	QuestionWeights weights;

	(void) state;
	for (int i = 0; i < 40000; i++)
	{
		double logit = truth[0];

		for (int q = 0; q < QUESTIONS; q++)
		{
			cells[i].index[q] = 0.05 + 0.95 * random_uniform(&random);
			logit += truth[1 + q] * log(cells[i].index[q]);
		}
		cells[i].customers = 1.0;
		cells[i].repurchased = random_uniform(&random) < 1.0 / (1.0 + exp(-logit));
	}
	weights = question_weights_fit(&test_host, cells, 40000);
	assert_true(weights.identified);
	for (int i = 0; i <= QUESTIONS; i++)
		CLOSE((weights.coefficient[i] - truth[i]) / weights.std_error[i], 0.0, 3.5);
	CLOSE(weights.weight[2], 2.0 / 3.0, 0.04);

	/* all who bought again had the higher index: no weight is high enough */
	for (int i = 0; i < 100; i++)
	{
		cells[i] = (QuestionCell){{0.5 + 0.4 * (i >= 50), 0.5 + i / 300.0, 0.9 - (i % 7) / 20.0}, 1.0, i >= 50};
	}
	assert_false(question_weights_fit(&test_host, cells, 100).identified);
	assert_false(question_weights_fit(&test_host, cells, 0).identified);

	/* all of them, or none, bought again */
	for (int all = 0; all <= 1; all++)
	{
		for (int i = 0; i < 100; i++)
			cells[i].repurchased = all;
		assert_false(question_weights_fit(&test_host, cells, 100).identified);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_fits),
		cmocka_unit_test(units_that_are_alike),
		cmocka_unit_test(priors_are_recovered),
		cmocka_unit_test(spread_is_the_integral),
		cmocka_unit_test(intervals_of_few_units_cover),
		cmocka_unit_test(intervals_of_unequal_units_cover),
		cmocka_unit_test(intervals_of_units_unlike_each_other),
		cmocka_unit_test(exposure_has_no_unit),
		cmocka_unit_test(quantiles),
		cmocka_unit_test(the_three_questions),
		cmocka_unit_test(weights_are_recovered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
