/*
 * test_gammagamma.c
 *	  The gamma-gamma spend model against values with 20 digits.
 */
#include "support.h"

#include <math.h>
#include <string.h>

#include "models/spend/gammagamma.h"

static void
test_scores(void **state)
{
	Golden golden = golden_open("gammagamma.csv");

	(void) state;
	while (golden_next(&golden))
	{
		const double *params = golden.field;
		double x = golden.field[3];
		double mean_spend = golden.field[4];
		SpendPoint point = {(uint32_t) x, x * mean_spend, 1.0};
		double expected = gammagamma_expected_spend(params, x, mean_spend);

		assert_golden(&golden, "log-likelihood", gammagamma_log_likelihood(&point, 1, params, NULL, NULL),
					  golden.field[5], 1e-13, 1.0);
		if (isnan(golden.field[6]))
			assert_true(isnan(expected));
		else
			assert_golden(&golden, "expected spend", expected, golden.field[6], 1e-12, 0.0);
	}
}

static void
test_gradient(void **state)
{
	Golden golden = golden_open("gammagamma_gradient.csv");

	(void) state;
	while (golden_next(&golden))
	{
		const double *params = golden.field;
		SpendPoint point = {
			(uint32_t) golden.field[3],
			golden.field[3] * golden.field[4],
			1.0,
		};
		double gradient[3];

		gammagamma_log_likelihood(&point, 1, params, gradient, NULL);
		for (int i = 0; i < 3; i++)
			assert_golden(&golden, "gradient", params[i] * gradient[i], params[i] * golden.field[5 + i], 1e-11, 1e-3);
	}
}

static void
test_hessian_against_differences(void **state)
{
	static const double points[][3] = {{6.25, 3.74, 15.44}, {0.3, 1.2, 400.0}, {80.0, 30.0, 0.5}};
	static const double offsets[] = {-2, -1, 1, 2};
	static const double weights[] = {1.0 / 12, -2.0 / 3, 2.0 / 3, -1.0 / 12};
	const SpendPoint data[] = {{1, 20, 3}, {1, 35, 1.5}, {2, 90, 2}, {7, 100, 1}, {200, 9000, 1}};

	(void) state;
	for (int point = 0; point < 3; point++)
	{
		double hessian[9];

		gammagamma_log_likelihood(data, 5, points[point], NULL, hessian);
		for (int i = 0; i < 3; i++)
		{
			double h = 1e-3 * points[point][i];
			double curve[3] = {0};

			for (int k = 0; k < 4; k++)
			{
				double moved[3];
				double gradient[3];

				memcpy(moved, points[point], sizeof(moved));
				moved[i] += offsets[k] * h;
				gammagamma_log_likelihood(data, 5, moved, gradient, NULL);
				for (int j = 0; j < 3; j++)
					curve[j] += weights[k] / h * gradient[j];
			}
			for (int j = 0; j < 3; j++)
				assert_near(curve[j], hessian[i * 3 + j], 1e-8);
		}
	}
}

static void
test_published(void **state)
{
	(void) state;
	/* customers 1, 2, 6, 9 of CDNOW, and the population */
	assert_near(gammagamma_expected_spend(cdnow_spend, 2, 22.345), 24.653919, 1e-6);
	assert_near(gammagamma_expected_spend(cdnow_spend, 1, 11.77), 18.910018, 1e-6);
	assert_near(gammagamma_expected_spend(cdnow_spend, 7, 73.74142857), 71.464706, 1e-6);
	assert_near(gammagamma_expected_spend(cdnow_spend, 0, NAN), 35.17037, 1e-6);
}

static void
test_expectation_may_not_exist(void **state)
{
	const double heavy[] = {0.3, 0.6, 10.0};

	(void) state;
	assert_true(isnan(gammagamma_expected_spend(heavy, 0, 0)));
	assert_true(isnan(gammagamma_expected_spend(heavy, 1, 50)));
	assert_true(gammagamma_expected_spend(heavy, 2, 50) > 0);
}

/* The points must have the moments of the bin. */
static void
check_bin(const double *totals, int n, double centre, int expected_points)
{
	double moment[4] = {0};
	double found[4] = {0};
	double scale = 0.0;
	SpendPoint points[2];
	int n_points;

	for (int i = 0; i < n; i++)
	{
		double delta = (totals[i] - centre) / centre;

		for (int k = 0; k < 4; k++)
			moment[k] += pow(delta, k);
		scale = fmax(scale, fabs(delta));
	}
	n_points = spend_bin_points(3, centre, moment[0], moment[1], moment[2], moment[3], points);
	assert_int_equal(n_points, expected_points);
	for (int i = 0; i < n_points; i++)
	{
		assert_int_equal(points[i].x, 3);
		assert_true(points[i].total > 0 && points[i].customers > 0);
		for (int k = 0; k < 4; k++)
			found[k] += points[i].customers * pow((points[i].total - centre) / centre, k);
	}
	for (int k = 0; k < 4; k++)
		assert_true(fabs(found[k] - moment[k]) <= 1e-9 * n * pow(scale, k) + 1e-300);
}

static void
test_bins(void **state)
{
	(void) state;
	check_bin((double[]){101}, 1, 100, 1);
	check_bin((double[]){100}, 1, 100, 1);
	check_bin((double[]){102, 102, 102}, 3, 100, 1);
	check_bin((double[]){100, 100}, 2, 100, 1);
	check_bin((double[]){98, 103}, 2, 100, 2);
	check_bin((double[]){99, 99, 99, 104}, 4, 100, 2);
	check_bin((double[]){97, 103, 103, 103, 103, 103, 103}, 7, 100, 2);
	check_bin((double[]){95, 97, 100, 101, 104, 108}, 6, 100, 2);
	check_bin((double[]){1, 30, 500}, 3, 100, 2);
}

/* Two points in place of a hundred: the likelihood hardly notices. */
static void
test_bin_likelihood(void **state)
{
	Random random = random_start(1, 0);
	SpendPoint all[100];
	SpendPoint points[2];
	double s[4] = {0};

	(void) state;
	for (int i = 0; i < 100; i++)
	{
		double delta = 0.03 * (2.0 * random_uniform(&random) - 1.0);

		all[i] = (SpendPoint){2, 80.0 * (1.0 + delta), 1.0};
		for (int k = 0; k < 4; k++)
			s[k] += pow(delta, k);
	}
	assert_int_equal(spend_bin_points(2, 80.0, s[0], s[1], s[2], s[3], points), 2);
	assert_near(gammagamma_log_likelihood(points, 2, cdnow_spend, NULL, NULL),
				gammagamma_log_likelihood(all, 100, cdnow_spend, NULL, NULL), 1e-7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scores),
		cmocka_unit_test(test_gradient),
		cmocka_unit_test(test_hessian_against_differences),
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_expectation_may_not_exist),
		cmocka_unit_test(test_bins),
		cmocka_unit_test(test_bin_likelihood),
	};

	return cmocka_run_group_tests_name("gamma-gamma", tests, NULL, NULL);
}
