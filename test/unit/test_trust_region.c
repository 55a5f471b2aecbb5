/*
 * test_trust_region.c
 *	  The minimiser on functions that are hard to minimise.
 */
#include "support.h"

#include <math.h>
#include <string.h>

#include "numerics/trust_region.h"

static TrustRegionResult
minimise(Objective objective, int n, double *theta)
{
	TrustRegionResult result;
	long asked = interrupts_checked;

	trust_region_minimise(&test_host, objective, NULL, n, 16.0, 200, theta, &result);
	assert_int_equal(interrupts_checked - asked, result.iterations);
	return result;
}

/* (1 - e^s)^2 + 100 (e^t - e^2s)^2: Rosenbrock's valley in logarithms; minimum at 0, 0. */
static void
rosenbrock(void *data, const double *theta, double *value, double *gradient, double *hessian)
{
	double x = exp(theta[0]);
	double y = exp(theta[1]);
	double valley = y - x * x;

	(void) data;
	*value = (1 - x) * (1 - x) + 100 * valley * valley;
	gradient[0] = -2 * x * (1 - x) - 400 * x * x * valley;
	gradient[1] = 200 * y * valley;
	hessian[0] = -2 * x + 4 * x * x - 800 * x * x * valley + 800 * x * x * x * x;
	hessian[1] = hessian[2] = -400 * x * x * y;
	hessian[3] = 200 * y * valley + 200 * y * y;
}

static void
test_rosenbrock(void **state)
{
	(void) state;
	for (double s = -3.0; s <= 3.0; s += 1.5)
		for (double t = -3.0; t <= 3.0; t += 1.5)
		{
			double theta[2] = {s, t};
			TrustRegionResult result = minimise(rosenbrock, 2, theta);

			assert_int_equal(result.outcome, TRUST_REGION_CONVERGED);
			assert_true(fabs(theta[0]) < 1e-6 && fabs(theta[1]) < 1e-6);
		}
}

/* Near enough ends near the minimum, with fewer evaluations; the value is within what was asked for. */
static void
test_approach(void **state)
{
	(void) state;
	for (double within = 1e-2; within > 1e-7; within /= 10)
		for (double s = -3.0; s <= 3.0; s += 1.5)
		{
			double there[2] = {s, 1.5};
			double near[2] = {s, 1.5};
			TrustRegionResult minimum = minimise(rosenbrock, 2, there);
			TrustRegionResult result;

			trust_region_approach(&test_host, rosenbrock, NULL, 2, 16.0, 200, within, near, &result);
			assert_int_equal(result.outcome, TRUST_REGION_CONVERGED);
			assert_true(result.iterations < minimum.iterations);
			assert_true(result.value >= 0 && result.value < 2 * within);
		}
}

/* (s^2 - 1)^2 + t^2 + s t / 10: a saddle at 0, where it starts. */
static void
double_well(void *data, const double *theta, double *value, double *gradient, double *hessian)
{
	double s = theta[0];
	double t = theta[1];

	(void) data;
	*value = (s * s - 1) * (s * s - 1) + t * t + 0.1 * s * t;
	gradient[0] = 4 * s * (s * s - 1) + 0.1 * t;
	gradient[1] = 2 * t + 0.1 * s;
	hessian[0] = 12 * s * s - 4;
	hessian[1] = hessian[2] = 0.1;
	hessian[3] = 2;
}

static void
test_indefinite_start(void **state)
{
	static const double starts[][2] = {{0, 0}, {1e-9, 5}, {0.1, -0.1}};

	(void) state;
	for (int i = 0; i < 3; i++)
	{
		double theta[2];
		TrustRegionResult result;

		memcpy(theta, starts[i], sizeof(theta));
		result = minimise(double_well, 2, theta);
		assert_int_equal(result.outcome, TRUST_REGION_CONVERGED);
		assert_near(fabs(theta[0]), sqrt(1 + 0.0025 / 2), 1e-7);
		assert_near(theta[1], -0.05 * theta[0], 1e-7);
	}
}

/* e^-s + t^2: falls for ever towards large s. */
static void
endless_slope(void *data, const double *theta, double *value, double *gradient, double *hessian)
{
	(void) data;
	*value = 1e6 * exp(-0.5 * theta[0]) + theta[1] * theta[1];
	gradient[0] = -5e5 * exp(-0.5 * theta[0]);
	gradient[1] = 2 * theta[1];
	hessian[0] = 2.5e5 * exp(-0.5 * theta[0]);
	hessian[1] = hessian[2] = 0;
	hessian[3] = 2;
}

static void
test_boundary(void **state)
{
	double theta[2] = {0, 3};
	TrustRegionResult result = minimise(endless_slope, 2, theta);

	(void) state;
	assert_int_equal(result.outcome, TRUST_REGION_BOUNDARY);
	assert_true(theta[0] == 16.0 && fabs(theta[1]) < 1e-9);
}

/* -ln(s) + s beyond s = 0 only; NaN elsewhere. */
static void
half_line(void *data, const double *theta, double *value, double *gradient, double *hessian)
{
	(void) data;
	*value = theta[0] > 0 ? theta[0] - log(theta[0]) : NAN;
	gradient[0] = 1 - 1 / theta[0];
	hessian[0] = 1 / (theta[0] * theta[0]);
}

static void
test_not_finite(void **state)
{
	double theta = 15.9;
	TrustRegionResult result = minimise(half_line, 1, &theta);

	(void) state;
	assert_int_equal(result.outcome, TRUST_REGION_CONVERGED);
	assert_near(theta, 1.0, 1e-9);

	theta = -1.0;
	result = minimise(half_line, 1, &theta);
	assert_int_equal(result.outcome, TRUST_REGION_NOT_FINITE);
	assert_true(theta == -1.0);
}

/* Bounded whatever happens. */
static void
liar(void *data, const double *theta, double *value, double *gradient, double *hessian)
{
	(void) data;
	*value = theta[0] * theta[0];
	gradient[0] = theta[0] > 0 ? -1e9 : 1e9;
	hessian[0] = 1.0;
}

static void
test_wrong_gradient(void **state)
{
	double theta = 1.0;

	(void) state;
	assert_int_equal(minimise(liar, 1, &theta).outcome, TRUST_REGION_MAX_ITERATIONS);
}

static void
test_eigen(void **state)
{
	enum
	{
		N = 8,
	};
	Random random = random_start(6, 0);
	double matrix[N * N];
	double values[N];
	double vectors[N * N];

	(void) state;
	for (int i = 0; i < N; i++)
		for (int k = i; k < N; k++)
			matrix[i * N + k] = matrix[k * N + i] =
				random_normal(&random) * pow(10.0, i - N / 2) * pow(10.0, k - N / 2);
	symmetric_eigen(N, matrix, values, vectors);
	for (int k = 0; k < N; k++)
	{
		assert_true(k == 0 || values[k] >= values[k - 1]);
		for (int i = 0; i < N; i++)
		{
			double product = 0.0;
			double dot = 0.0;

			for (int j = 0; j < N; j++)
			{
				product += matrix[i * N + j] * vectors[j * N + k];
				dot += vectors[j * N + i] * vectors[j * N + k];
			}
			assert_true(fabs(product - values[k] * vectors[i * N + k]) <
						1e-14 * fmax(fabs(values[0]), fabs(values[N - 1])));
			assert_true(fabs(dot - (i == k)) < 1e-14);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rosenbrock), cmocka_unit_test(test_approach),   cmocka_unit_test(test_indefinite_start),
		cmocka_unit_test(test_boundary),   cmocka_unit_test(test_not_finite), cmocka_unit_test(test_wrong_gradient),
		cmocka_unit_test(test_eigen),
	};

	return cmocka_run_group_tests_name("trust region", tests, NULL, NULL);
}
