/*
 * test_experiment.c
 *	  Effects of experiments: known answers, and by simulation how often the
 *	  intervals are right.
 */
#include "support.h"

#include <math.h>

#include "models/decision/experiment.h"
#include "numerics/random.h"

#define Z95 1.9599639845400542355

static Experiment
of_rates(double n1, double x1, double n0, double x0)
{
	return (
		Experiment){.binary = true,
					.treated = {.count = n1, .mean = x1 / n1, .variance = x1 / n1 * (1.0 - x1 / n1) * n1 / (n1 - 1.0)},
					.control = {.count = n0, .mean = x0 / n0, .variance = x0 / n0 * (1.0 - x0 / n0) * n0 / (n0 - 1.0)}};
}

static const double segments[4][4] = {{2000, 300, 500, 70},
									  {3000, 270, 750, 60},
									  {2500, 150, 600, 21},
									  {4000, 60, 1000, 14}};

/* Four segments: effect, interval, and what can be detected, at 95 %. */
static void
test_rates(void **state)
{
	static const double expected[4][4] = {{.01, -.02639184, .04213033, .04993828},
										  {.01, -.01370990, .03041683, .03210379},
										  {.025, .00510803, .04061824, .02487045},
										  {.001, -.00893609, .00806940, .01261681}};

	(void) state;
	for (int i = 0; i < 4; i++)
	{
		Experiment experiment = of_rates(segments[i][0], segments[i][1], segments[i][2], segments[i][3]);
		ExperimentEstimate e = experiment_estimate(&experiment, 0.95, 5000);

		assert_int_equal(experiment_status(&experiment), EXPERIMENT_OK);
		assert_near(e.uplift, expected[i][0], 1e-12);
		assert_true(fabs(e.low - expected[i][1]) < 5e-9);
		assert_true(fabs(e.high - expected[i][2]) < 5e-9);
		assert_true(fabs(e.min_detectable - expected[i][3]) < 5e-9);
		assert_true(e.low_any_time < e.low && e.high_any_time > e.high);
	}
	assert_near(sample_ratio_prob(11500, 2850, 0.2), erfc(sqrt(0.17421602787456446 / 2.0)), 1e-10);
	assert_near(any_time_half_width(0.4, 5000, 5000, 0.95), .01716973, 5e-7);
}

/* None and all: the interval stays within what is possible, and is not a point. */
static void
test_certain_rates(void **state)
{
	Experiment none = of_rates(50, 0, 50, 0);
	Experiment all = of_rates(50, 50, 50, 0);
	ExperimentEstimate e = experiment_estimate(&none, 0.9, 100);

	(void) state;
	assert_true(e.uplift == 0.0 && e.low < -0.01 && e.high > 0.01 && e.low_any_time < e.low && e.std_error > 0.0);
	assert_near(e.high, -e.low, 1e-12);
	e = experiment_estimate(&all, 0.9, 100);
	assert_true(e.uplift == 1.0 && e.high == 1.0 && e.low > 0.8);
	assert_true(isnan(e.min_detectable) || e.min_detectable < 1.0);

	Experiment lonely = of_rates(3, 1, 1, 1);

	e = experiment_estimate(&lonely, 0.9, 100);
	assert_true(isnan(e.min_detectable));
}

/* The size of an experiment is the inverse of what it detects. */
static void
test_size(void **state)
{
	(void) state;
	for (double share = 0.1; share < 0.95; share += 0.1)
	{
		double units = experiment_units(0.05, 0.01, 0.8, share, 0.95);
		Experiment experiment = of_rates(units * (1.0 - share), 0, units * share, units * share * 0.05);

		assert_near(experiment_estimate(&experiment, 0.95, 1000).min_detectable, 0.01, 1e-9);
	}
	/* the textbook's two equal arms: 5 % to 6 % */
	assert_true(fabs(experiment_units(0.05, 0.01, 0.8, 0.5, 0.95) / 2.0 - 8155.0) < 3.0);
}

static void
test_segments(void **state)
{
	static const double expected[4][3] = {{.01011617, .00960251, .40197038},
										  {.01008876, .00810553, .38304946},
										  {.01781204, .00712245, .77211083},
										  {.00257600, .00396932, .00620655}};
	double uplift[4];
	double std_error[4];

	(void) state;
	for (int i = 0; i < 4; i++)
	{
		Experiment experiment = of_rates(segments[i][0], segments[i][1], segments[i][2], segments[i][3]);
		ExperimentEstimate e = experiment_estimate(&experiment, 0.95, 5000);

		uplift[i] = e.uplift;
		std_error[i] = e.std_error;
	}

	Heterogeneity among = heterogeneity_of(uplift, std_error, 4);

	assert_near(among.q, 6.18706528, 1e-8);
	assert_near(among.tau2, 8.40715771e-5, 1e-8);
	assert_near(among.mean, .01014824, 1e-6);
	for (int i = 0; i < 4; i++)
	{
		double shrunk;
		double sd;

		shrink_uplift(&among, uplift[i], std_error[i], &shrunk, &sd);
		assert_true(fabs(shrunk - expected[i][0]) < 5e-9);
		assert_true(fabs(sd - expected[i][1]) < 5e-9);
		assert_true(fabs(0.5 * erfc(-(40.0 * shrunk - 0.5) / (40.0 * sd) / sqrt(2.0)) - expected[i][2]) < 5e-9);
	}
	/* one segment has nothing to be drawn to */
	among = heterogeneity_of(uplift, std_error, 1);
	assert_true(among.q < 1e-20 && among.tau2 == 0.0 && isnan(among.p));
	assert_near(among.mean, uplift[0], 1e-15);
}

static const UpliftTile tiles[5] = {{1000, 250, 130, 20, 130, 20},
									{1000, 250, 95, 18, 95, 18},
									{1000, 250, 70, 15, 70, 15},
									{1000, 250, 52, 13, 52, 13},
									{1000, 250, 40, 11, 40, 11}};

static void
test_qini(void **state)
{
	static const double expected[5] = {50, 73, 83, 83, 79};
	double points[5];
	Qini a = qini_of(tiles, 5, true, 1000, 7, 0.9, &test_host);
	Qini b = qini_of(tiles, 5, true, 1000, 7, 0.9, &test_host);
	Qini other = qini_of(tiles, 5, false, 1000, 7, 0.9, &test_host);

	(void) state;
	qini_points(tiles, 5, points);
	for (int i = 0; i < 5; i++)
		assert_near(points[i], expected[i], 1e-12);
	assert_near(a.area, 65.7, 1e-12);
	assert_near(a.random_area, 39.5, 1e-12);
	assert_near(a.qini, 26.2, 1e-12);
	assert_near(a.auuc_per_head, .01314, 1e-12);
	assert_true(a.low < a.qini && a.qini < a.high);
	assert_memory_equal(&a, &b, sizeof(a));
	/* moments say what counts say */
	assert_near(other.low, a.low, 0.15);
	assert_near(other.high, a.high, 0.08);
	assert_true(isnan(qini_of(tiles, 5, true, 0, 7, 0.9, &test_host).low));
	assert_int_equal(blocks_held, 0);
}

/* Moments of an arm, one unit after the other (Welford's updates). */
typedef struct Moments
{
	ExperimentArm arm;
	double yy;
	double xx;
	double xy;
} Moments;

static void
see(Moments *m, double y, double x)
{
	double dy = y - m->arm.mean;
	double dx = x - m->arm.before_mean;

	m->arm.count++;
	m->arm.mean += dy / m->arm.count;
	m->arm.before_mean += dx / m->arm.count;
	m->yy += dy * (y - m->arm.mean);
	m->xx += dx * (x - m->arm.before_mean);
	m->xy += dy * (x - m->arm.before_mean);
	m->arm.variance = m->yy / (m->arm.count - 1.0);
	m->arm.before_variance = m->xx / (m->arm.count - 1.0);
	m->arm.covariance = m->xy / (m->arm.count - 1.0);
}

#define RUNS 4000

static void
check_coverage(const char *what, int right)
{
	double share = (double) right / RUNS;

	print_message("%s: stated 90 %%, right in %.1f %%\n", what, 100.0 * share);
	if (!(share > 0.88 && share < 0.92))
		fail_msg("%s is right in %.4f", what, share);
}

/* Stated 90 %: rates, skewed spend, and spend with a covariate. */
static void
test_coverage(void **state)
{
	int rates = 0, spends = 0, adjusted = 0;
	double narrower = 0.0;

	(void) state;
	for (int run = 0; run < RUNS; run++)
	{
		Random random = random_start(21, (uint64_t) run);
		Moments rate[2] = {0};
		Moments spend[2] = {0};

		for (int i = 0; i < 600; i++)
		{
			int arm = random_uniform(&random) < 0.25 ? 1 : 0;
			double before = random_gamma(&random, 2.0);
			double after = 5.0 * before + 10.0 * random_gamma(&random, 1.0) + (arm == 0 ? 1.5 : 0.0);

			see(&rate[arm], random_uniform(&random) < (arm == 0 ? 0.09 : 0.06), 0.0);
			see(&spend[arm], after, before);
		}

		Experiment of_rate = {.binary = true, .treated = rate[0].arm, .control = rate[1].arm};
		Experiment of_spend = {.treated = spend[0].arm, .control = spend[1].arm};
		ExperimentEstimate e = experiment_estimate(&of_rate, 0.9, 600);

		rates += e.low <= 0.03 && 0.03 <= e.high;
		e = experiment_estimate(&of_spend, 0.9, 600);
		spends += e.low <= 1.5 && 1.5 <= e.high;
		narrower -= e.high - e.low;
		of_spend.has_before = true;
		e = experiment_estimate(&of_spend, 0.9, 600);
		adjusted += e.low <= 1.5 && 1.5 <= e.high;
		narrower += e.high - e.low;
	}
	check_coverage("the interval of rates", rates);
	check_coverage("the interval of spend", spends);
	check_coverage("the interval of spend with a covariate", adjusted);
	assert_true(narrower < 0.0);
}

/*
 * The variance that a covariate takes away is the squared correlation: 50 of 150
 * in the shop above, where sd(5 before) = 5 sqrt 2 and sd(10 gamma) = 10.
 */
static void
test_variance_ratio(void **state)
{
	Random random = random_start(22, 0);
	Moments arms[2] = {0};

	(void) state;
	for (int i = 0; i < 400000; i++)
	{
		double before = random_gamma(&random, 2.0);

		see(&arms[i % 2], 5.0 * before + 10.0 * random_gamma(&random, 1.0), before);
	}

	Experiment plain = {.treated = arms[0].arm, .control = arms[1].arm};
	Experiment adjusted = plain;

	adjusted.has_before = true;

	double ratio =
		pow(experiment_estimate(&adjusted, 0.9, 100).std_error / experiment_estimate(&plain, 0.9, 100).std_error, 2);

	if (!(fabs(ratio - 2.0 / 3.0) < 0.01))
		fail_msg("ratio of variances %.4f", ratio);
}

/* Looked at after every hundred units, without an effect: the any-time interval is hardly ever wrong, the fixed one often. */
static void
test_peeking(void **state)
{
	const int runs = 2000;
	int any_time = 0, fixed = 0, rates_any_time = 0;

	(void) state;
	for (int run = 0; run < runs; run++)
	{
		Random random = random_start(23, (uint64_t) run);
		Moments spend[2] = {0};
		Moments rate[2] = {0};
		bool wrong = false, fixed_wrong = false, rate_wrong = false;

		for (int i = 1; i <= 10000; i++)
		{
			int arm = random_bits(&random) % 2;

			see(&spend[arm], random_exponential(&random), 0.0);
			see(&rate[arm], random_uniform(&random) < 0.1, 0.0);
			if (i % 100 != 0)
				continue;

			Experiment of_spend = {.treated = spend[0].arm, .control = spend[1].arm};
			Experiment of_rate = {.binary = true, .treated = rate[0].arm, .control = rate[1].arm};
			ExperimentEstimate e = experiment_estimate(&of_spend, 0.95, 2000);

			wrong |= e.low_any_time > 0.0 || e.high_any_time < 0.0;
			fixed_wrong |= e.low > 0.0 || e.high < 0.0;
			e = experiment_estimate(&of_rate, 0.95, 2000);
			rate_wrong |= e.low_any_time > 0.0 || e.high_any_time < 0.0;
		}
		any_time += wrong;
		fixed += fixed_wrong;
		rates_any_time += rate_wrong;
	}
	print_message("ever wrong of 100 looks, stated 5 %%: spend %.1f %%, rates %.1f %%; fixed interval %.1f %%\n",
				  100.0 * any_time / runs, 100.0 * rates_any_time / runs, 100.0 * fixed / runs);
	if (!(any_time <= 0.05 * runs && rates_any_time <= 0.05 * runs))
		fail_msg("ever wrong in %d and %d of %d", any_time, rates_any_time, runs);
	assert_true(fixed > 0.2 * runs);
}

/* The Qini's interval, stated 90 %, against the Qini of the true rates. */
static void
test_qini_coverage(void **state)
{
	static const double treated_rate[5] = {0.13, 0.095, 0.07, 0.052, 0.04};
	static const double control_rate[5] = {0.08, 0.072, 0.06, 0.052, 0.044};
	const int runs = 2000;
	UpliftTile truth[5];
	int right = 0, right_moments = 0;
	double expected;

	(void) state;
	for (int k = 0; k < 5; k++)
		truth[k] = (UpliftTile){1000, 500, 1000 * treated_rate[k], 500 * control_rate[k], 0, 0};
	expected = qini_of(truth, 5, true, 0, 0, 0.9, &test_host).qini;
	for (int run = 0; run < runs; run++)
	{
		Random random = random_start(24, (uint64_t) run);
		UpliftTile seen[5];
		Qini qini;

		for (int k = 0; k < 5; k++)
		{
			seen[k] = truth[k];
			seen[k].treated_sum = seen[k].control_sum = 0;
			for (int i = 0; i < 1000; i++)
				seen[k].treated_sum += random_uniform(&random) < treated_rate[k];
			for (int i = 0; i < 500; i++)
				seen[k].control_sum += random_uniform(&random) < control_rate[k];
			seen[k].treated_squares = seen[k].treated_sum;
			seen[k].control_squares = seen[k].control_sum;
		}
		qini = qini_of(seen, 5, true, 200, (uint64_t) run, 0.9, &test_host);
		right += qini.low <= expected && expected <= qini.high;
		qini = qini_of(seen, 5, false, 200, (uint64_t) run, 0.9, &test_host);
		right_moments += qini.low <= expected && expected <= qini.high;
	}
	print_message("the Qini's interval: stated 90 %%, right in %.1f %%, from moments %.1f %%\n", 100.0 * right / runs,
				  100.0 * right_moments / runs);
	if (!(right > 0.88 * runs && right < 0.92 * runs && right_moments > 0.88 * runs && right_moments < 0.92 * runs))
		fail_msg("right in %d and %d of %d", right, right_moments, runs);
}

#define MOST_SEGMENTS 60

/* How much the standard errors of segments differ: not at all, or up to fourfold. */
typedef enum Errors
{
	EQUAL_ERRORS,
	UNEQUAL_ERRORS,
} Errors;

/*
 * Segments whose effects differ by so many standard errors: intervals of shrunken effects are right in 90 %, however
 * many segments there are, and whether or not they differ. Where there are enough to learn from, effects drawn to their
 * mean are nearer the truth. (The plain standard deviation takes the variance among few segments for known.)
 */
static void
check_shrinkage(int count, double spread, Errors errors)
{
	const int runs = count > 10 ? 3000 : 6000;
	int right = 0;
	double shrunk_error = 0.0, plain_error = 0.0;

	for (int run = 0; run < runs; run++)
	{
		Random random = random_start(25 + (uint64_t) count, (uint64_t) run);
		double truth[MOST_SEGMENTS], seen[MOST_SEGMENTS], std_error[MOST_SEGMENTS], low[MOST_SEGMENTS],
			high[MOST_SEGMENTS];
		double weight = 0.0;
		Heterogeneity among;

		for (int i = 0; i < count; i++)
		{
			std_error[i] = errors == EQUAL_ERRORS ? 1.0 : exp2(2.0 * random_uniform(&random) - 1.0);
			weight += 1.0 / (std_error[i] * std_error[i]);
		}
		for (int i = 0; i < count; i++)
		{
			truth[i] = 0.3 + spread * sqrt(count / weight) * random_normal(&random);
			seen[i] = truth[i] + std_error[i] * random_normal(&random);
		}
		among = heterogeneity_of(seen, std_error, count);
		shrunk_intervals(seen, std_error, count, 0.9, low, high, &test_host);
		for (int i = 0; i < count; i++)
		{
			double shrunk;
			double sd;

			shrink_uplift(&among, seen[i], std_error[i], &shrunk, &sd);
			assert_true(low[i] < shrunk && shrunk < high[i]);
			right += low[i] <= truth[i] && truth[i] <= high[i];
			shrunk_error += pow(shrunk - truth[i], 2);
			plain_error += pow(seen[i] - truth[i], 2);
		}
	}
	print_message("%d segments %.2f apart, %s errors: stated 90 %%, right in %.1f %%; squared error %.2f of the plain "
				  "one\n",
				  count, spread, errors == EQUAL_ERRORS ? "equal" : "unequal", 100.0 * right / (runs * count),
				  shrunk_error / plain_error);
	if (!(right > 0.88 * runs * count && right < 0.92 * runs * count))
		fail_msg("right in %d of %d", right, runs * count);
	if (count >= 8)
		assert_true(shrunk_error < (spread > 2.0 ? 1.0 : 0.95) * plain_error);
}

static void
test_shrinkage(void **state)
{
	static const int counts[] = {2, 3, 4, 8, 30, MOST_SEGMENTS};
	static const double spreads[] = {0.0, 0.25, 0.5, 1.0, 2.0, 3.0};

	(void) state;
	for (int c = 0; c < 6; c++)
		for (int s = 0; s < 6; s++)
		{
			check_shrinkage(counts[c], spreads[s], EQUAL_ERRORS);
			check_shrinkage(counts[c], spreads[s], UNEQUAL_ERRORS);
		}
}

/* Of one segment the interval is that of its own estimate; of segments that are alike to the last digit it is no point. */
static void
test_shrunk_limits(void **state)
{
	static const double uplift[3] = {0.02, 0.02, 0.02};
	static const double std_error[3] = {0.01, 0.01, 0.02};
	double low[3];
	double high[3];

	(void) state;
	shrunk_intervals(uplift, std_error, 1, 0.95, low, high, &test_host);
	assert_near(low[0], 0.02 - Z95 * 0.01, 1e-12);
	assert_near(high[0], 0.02 + Z95 * 0.01, 1e-12);
	shrunk_intervals(uplift, std_error, 3, 0.95, low, high, &test_host);
	for (int i = 0; i < 3; i++)
		assert_near(high[i] - low[i], 2.0 * Z95 * 0.25 * (1.0 + 0.4 / 3.0) * 0.01 / 1.5, 1e-12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),          cmocka_unit_test(test_certain_rates),
		cmocka_unit_test(test_size),           cmocka_unit_test(test_segments),
		cmocka_unit_test(test_qini),           cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_variance_ratio), cmocka_unit_test(test_peeking),
		cmocka_unit_test(test_qini_coverage),  cmocka_unit_test(test_shrinkage),
		cmocka_unit_test(test_shrunk_limits),
	};

	return cmocka_run_group_tests_name("experiments", tests, NULL, NULL);
}
