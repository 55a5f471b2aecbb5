/*
 * test_varying_clocks.c
 *	  Pareto/NBD with rates that vary over time, against values computed with 50
 *	  digits, the plain model, and differences of the gradient.
 */
#include "support.h"

#include <math.h>
#include <string.h>

#include "models/competing_risks/varying_clocks.h"

#define YEAR(k) \
	{52.0 * (k) + 4, 0.5, 1}, {52.0 * (k) + 8, 0.625, 1}, {52.0 * (k) + 13, 0.75, 1}, {52.0 * (k) + 17, 0.875, 1}, \
		{52.0 * (k) + 22, 1, 1}, {52.0 * (k) + 26, 0.75, 1}, {52.0 * (k) + 30, 0.5, 1}, {52.0 * (k) + 35, 0.75, 1}, \
		{52.0 * (k) + 39, 1, 1}, {52.0 * (k) + 44, 1.25, 1}, {52.0 * (k) + 48, 3, 1}, \
	{ \
		52.0 * (k) + 52, 1.5, 1 \
	}

/* The schedules of golden_files.py: (until, A, C). */
static const ClockSegment schedule_1[] = {
	{10, 0.8, 1.1}, {13, 2, 0.6}, {36, 0.8, 1.1}, {39, 2, 0.6}, {100, 0.9, 1},
};
static const ClockSegment schedule_2[] = {YEAR(0), YEAR(1), YEAR(2)};
static const ClockSegment schedule_3[] = {{7, 1, 1}, {50, 1, 1}, {60, 1, 1}};
static const ClockSegment schedule_4[] = {{60, 1.75, 0.375}};
static const ClockSegment schedule_5[] = {
	{2, 0.001, 300}, {30, 50, 0.01}, {31, 1000, 1}, {38, 0.01, 40}, {45, 3, 0.5},
};

static const VaryingClocks schedules[] = {
	{.n = 5, .segments = schedule_1}, {.n = 36, .segments = schedule_2}, {.n = 3, .segments = schedule_3},
	{.n = 1, .segments = schedule_4}, {.n = 5, .segments = schedule_5},
};

/* (until, z1, z2) */
static const double covariates_1[][3] = {{10, 0, 1}, {13, 1, 0.5}, {30, -0.5, 0}, {39, 2, -1}, {60, 0, 0}};
static const double covariates_2[][3] = {{50, 0.25, -1}, {90, 0.25, 2}};

#define MOST_SEGMENTS 5
#define COVARIATES 2
#define COEFFICIENTS (2 * COVARIATES)
#define VARIABLES (PARETO_PARAMS + COEFFICIENTS)

/* Segments with covariates under coefficients. */
typedef struct Schedule
{
	ClockSegment segments[MOST_SEGMENTS];
	double z[MOST_SEGMENTS * COVARIATES];
	VaryingClocks clocks;
} Schedule;

static void
make_schedule(int number, const double *coefficients, Schedule *schedule)
{
	const double(*rows)[3] = number == 1 ? covariates_1 : covariates_2;
	size_t n = number == 1 ? 5 : 2;

	for (size_t i = 0; i < n; i++)
	{
		const double *z = &rows[i][1];

		schedule->segments[i] = (ClockSegment){
			.until = rows[i][0],
			.buying = exp(coefficients[0] * z[0] + coefficients[1] * z[1]),
			.leaving = exp(coefficients[2] * z[0] + coefficients[3] * z[1]),
		};
		memcpy(&schedule->z[i * COVARIATES], z, COVARIATES * sizeof(double));
	}
	schedule->clocks =
		(VaryingClocks){.n = n, .segments = schedule->segments, .n_covariates = COVARIATES, .covariates = schedule->z};
}

/* Fail when two logarithms differ by more than the tolerance, relative to the second where that is above 1. */
static void
assert_close(double got, double expected, double tolerance)
{
	assert_true(relative_error(got, expected, 1.0) <= tolerance);
}

static void
test_scores(void **state)
{
	Golden golden = golden_open("paretonbd_varying.csv");

	(void) state;
	while (golden_next(&golden))
	{
		const VaryingClocks *clocks = &schedules[(int) golden.field[0] - 1];
		const double *params = &golden.field[1];
		double x = golden.field[5];
		double t_x = golden.field[6];
		double T = golden.field[7];
		const double *expected = &golden.field[8];
		double gradient[PARETO_PARAMS];

		assert_golden(&golden, "log-likelihood", varying_log_likelihood(clocks, params, x, t_x, T), expected[0], 1e-12,
					  1.0);
		assert_golden(&golden, "log-likelihood with derivatives",
					  varying_derivatives(clocks, params, x, t_x, T, gradient, NULL), expected[0], 1e-12, 1.0);
		if (expected[1] > 1e-290)
			assert_golden(&golden, "alive_prob", varying_alive_prob(clocks, params, x, t_x, T), expected[1], 1e-11,
						  0.0);
		assert_golden(&golden, "gone_prob", varying_gone_prob(clocks, params, x, t_x, T), expected[2], 1e-11, 0.0);
		assert_golden(&golden, "expected transactions",
					  varying_expected_transactions_if_alive(clocks, params, x, T, 39.0, 0.0), expected[3], 1e-12, 0.0);
		assert_golden(&golden, "discounted transactions",
					  varying_expected_transactions_if_alive(clocks, params, x, T, INFINITY, 0.002687729661060743),
					  expected[4], 1e-12, 0.0);
		assert_golden(&golden, "order_prob", varying_order_prob_if_alive(clocks, params, x, T, 39.0), expected[5],
					  1e-12, 0.0);
	}
}

static void
test_gradient(void **state)
{
	Golden golden = golden_open("paretonbd_varying_gradient.csv");

	(void) state;
	while (golden_next(&golden))
	{
		const double *params = &golden.field[1];
		Schedule schedule;
		double gradient[VARIABLES];
		double likelihood;

		make_schedule((int) golden.field[0], &golden.field[5], &schedule);
		likelihood = varying_derivatives(&schedule.clocks, params, golden.field[9], golden.field[10], golden.field[11],
										 gradient, NULL);
		assert_near(likelihood,
					varying_log_likelihood(&schedule.clocks, params, golden.field[9], golden.field[10],
										   golden.field[11]),
					1e-13);
		for (int i = 0; i < VARIABLES; i++)
		{
			double scale = i < PARETO_PARAMS ? params[i] : 1.0;

			assert_golden(&golden, "gradient", scale * gradient[i], scale * golden.field[12 + i], 1e-10,
						  GRADIENT_FLOOR);
		}
	}
}

/* The gradient at a point moved by a step in one variable (a parameter by its logarithm). */
static void
moved_gradient(int number, const double *point, int i, double step, const double *history, double *gradient)
{
	double moved[VARIABLES];
	Schedule schedule;

	memcpy(moved, point, sizeof(moved));
	moved[i] += i < PARETO_PARAMS ? moved[i] * expm1(step) : step;
	make_schedule(number, &moved[PARETO_PARAMS], &schedule);
	varying_derivatives(&schedule.clocks, moved, history[0], history[1], history[2], gradient, NULL);
	for (int k = 0; k < PARETO_PARAMS; k++)
		gradient[k] *= moved[k];
}

/* The Hessian against differences of the gradient, in logarithms of the parameters. */
static void
test_hessian(void **state)
{
	Golden golden = golden_open("paretonbd_varying_gradient.csv");
	const double step = 1e-3;

	(void) state;
	while (golden_next(&golden))
	{
		int number = (int) golden.field[0];
		const double *point = &golden.field[1];
		const double *history = &golden.field[9];
		Schedule schedule;
		double gradient[VARIABLES];
		double hessian[VARIABLES * VARIABLES];

		make_schedule(number, &point[PARETO_PARAMS], &schedule);
		varying_derivatives(&schedule.clocks, point, history[0], history[1], history[2], gradient, hessian);
		for (int i = 0; i < VARIABLES; i++)
		{
			double at[4][VARIABLES];

			for (int k = 0; k < 4; k++)
				moved_gradient(number, point, i, step * (k < 2 ? k - 2 : k - 1), history, at[k]);
			for (int k = 0; k < VARIABLES; k++)
			{
				double scale = (i < PARETO_PARAMS ? point[i] : 1.0) * (k < PARETO_PARAMS ? point[k] : 1.0);
				double got =
					scale * hessian[i * VARIABLES + k] + (i == k && i < PARETO_PARAMS ? point[i] * gradient[i] : 0.0);
				double difference = (at[0][k] - 8.0 * at[1][k] + 8.0 * at[2][k] - at[3][k]) / (12.0 * step);

				assert_golden(&golden, "Hessian", got, difference, 1e-7, 1e-3 * (1.0 + history[0]));
			}
		}
	}
}

/* Without steps, or with steps of nothing, it is the plain model; constants are static covariates. */
static void
test_plain(void **state)
{
	Random random = random_start(3, 0);
	const Model *plain = &paretonbd_model;

	(void) state;
	for (int i = 0; i < 3000; i++)
	{
		double A = anywhere_between(&random, 0.01, 100.0);
		double C = anywhere_between(&random, 0.01, 100.0);
		ClockSegment steps[] = {{5.0, A, C}, {17.5, A, C}, {90.0, A, C}};
		VaryingClocks clocks = {.n = 3, .segments = steps};
		double params[] = {anywhere_between(&random, 0.01, 20.0), anywhere_between(&random, 0.05, 500.0),
						   anywhere_between(&random, 1e-3, 20.0), anywhere_between(&random, 0.05, 500.0)};
		double static_params[] = {params[0], params[1] / A, params[2], params[3] / C};
		double x = i % 3 == 0 ? 0.0 : floor(anywhere_between(&random, 1.0, 2000.0));
		double t_x = x > 0.0 ? anywhere_between(&random, 0.1, 300.0) : 0.0;
		double T = t_x + anywhere_between(&random, 0.01, 300.0);
		double horizon = anywhere_between(&random, 0.1, 1000.0);

		/* with the factors at the times of the purchases */
		assert_close(varying_log_likelihood(&clocks, params, x, t_x, T) + x * log(A),
					 plain->customer_log_likelihood(static_params, x, t_x, T), 1e-12);
		if (plain->prob_alive(static_params, x, t_x, T) > 1e-250)
			assert_near(varying_alive_prob(&clocks, params, x, t_x, T), plain->prob_alive(static_params, x, t_x, T),
						1e-10);
		assert_near(varying_gone_prob(&clocks, params, x, t_x, T), plain->gone_prob(static_params, x, t_x, T), 1e-10);
		assert_near(varying_expected_transactions_if_alive(&clocks, params, x, T, horizon, 0.0),
					plain->expected_transactions_if_alive(static_params, x, t_x, T, horizon, 0.0), 1e-11);
		assert_near(varying_expected_transactions_if_alive(&clocks, params, x, T, INFINITY, 0.01),
					plain->expected_transactions_if_alive(static_params, x, t_x, T, INFINITY, 0.01), 1e-11);
		assert_near(varying_order_prob_if_alive(&clocks, params, x, T, horizon),
					plain->order_prob_if_alive(static_params, x, t_x, T, horizon), 1e-11);
		assert_near(varying_order_prob_if_alive(&clocks, params, x, T, INFINITY),
					plain->order_prob_if_alive(static_params, x, t_x, T, INFINITY), 1e-11);
	}
}

/* Alive and gone are all there is; where a segment is cut does not matter. */
static void
test_consistent(void **state)
{
	Random random = random_start(4, 0);

	(void) state;
	for (int i = 0; i < 2000; i++)
	{
		ClockSegment steps[4];
		ClockSegment cut[5];
		VaryingClocks clocks = {.n = 4, .segments = steps};
		VaryingClocks cut_clocks = {.n = 5, .segments = cut};
		double params[] = {anywhere_between(&random, 0.01, 20.0), anywhere_between(&random, 0.05, 500.0),
						   anywhere_between(&random, 1e-3, 20.0), anywhere_between(&random, 0.05, 1e5)};
		double x = i % 3 == 0 ? 0.0 : floor(anywhere_between(&random, 1.0, 2000.0));
		double t_x = x > 0.0 ? anywhere_between(&random, 0.1, 100.0) : 0.0;
		double T = t_x + anywhere_between(&random, 0.01, 5000.0);
		double age = 0.0;

		for (int k = 0; k < 4; k++)
		{
			age += anywhere_between(&random, 0.1, 50.0);
			steps[k] =
				(ClockSegment){age, anywhere_between(&random, 0.01, 100.0), anywhere_between(&random, 0.01, 100.0)};
		}
		memcpy(&cut[1], steps, sizeof(steps));
		cut[0] = steps[0];
		cut[0].until *= 0.375;
		assert_near(varying_alive_prob(&clocks, params, x, t_x, T) + varying_gone_prob(&clocks, params, x, t_x, T), 1.0,
					1e-14);
		assert_close(varying_log_likelihood(&cut_clocks, params, x, t_x, T),
					 varying_log_likelihood(&clocks, params, x, t_x, T), 1e-12);
		assert_near(varying_expected_transactions_if_alive(&cut_clocks, params, x, T, 39.0, 0.001),
					varying_expected_transactions_if_alive(&clocks, params, x, T, 39.0, 0.001), 1e-12);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scores), cmocka_unit_test(test_gradient),   cmocka_unit_test(test_hessian),
		cmocka_unit_test(test_plain),  cmocka_unit_test(test_consistent),
	};

	return cmocka_run_group_tests_name("Pareto/NBD with varying rates", tests, NULL, NULL);
}
