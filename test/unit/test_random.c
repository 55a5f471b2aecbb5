/*
 * test_random.c
 *	  The generator: the same everywhere, and of the right distribution.
 */
#include "support.h"

#include <float.h>
#include <math.h>

#include "numerics/random.h"

/* Error in units of the last place of the expected value. */
static double
ulps(double got, double expected)
{
	int exponent;

	frexp(expected, &exponent);
	return fabs(got - expected) / ldexp(DBL_EPSILON, exponent - 1);
}

static void
test_det_log(void **state)
{
	Random random = random_start(1, 0);
	double worst = 0.0;

	(void) state;
	for (int i = 0; i < 1000000; i++)
	{
		double x = random_uniform(&random);

		worst = larger_error(worst, ulps(det_log(x), log(x)));
		x = 1.0 + 0.1 * (x - 0.5);
		worst = larger_error(worst, ulps(det_log(x), log(x)));
		x = ldexp(x, (int) (2000 * random_uniform(&random)) - 1000);
		worst = larger_error(worst, ulps(det_log(x), log(x)));
	}
	print_message("det_log: within %.2f ulp of libm\n", worst);
	assert_true(worst <= 4.0);
	assert_true(det_log(1.0) == 0.0);
}

static void
test_det_exp(void **state)
{
	Random random = random_start(2, 0);
	double worst = 0.0;

	(void) state;
	for (int i = 0; i < 1000000; i++)
	{
		double x = random_uniform(&random) - 0.5;

		worst = larger_error(worst, ulps(det_exp(x), exp(x)));
		worst = larger_error(worst, ulps(det_exp(1400.0 * x), exp(1400.0 * x)));
	}
	print_message("det_exp: within %.2f ulp of libm\n", worst);
	assert_true(worst <= 4.0);
	assert_true(det_exp(0.0) == 1.0);
	assert_true(isfinite(det_exp(709.7)) && det_exp(710.0) == INFINITY && det_exp(INFINITY) == INFINITY);
	assert_true(det_exp(-708.3) > 0.0 && det_exp(-709.0) == 0.0 && det_exp(-INFINITY) == 0.0);
}

/* The reference outputs of xoshiro256++ for the state 1, 2, 3, 4. */
static void
test_xoshiro(void **state)
{
	Random random = {{1, 2, 3, 4}};

	(void) state;
	assert_true(random_bits(&random) == UINT64_C(41943041));
	assert_true(random_bits(&random) == UINT64_C(58720359));
	assert_true(random_bits(&random) == UINT64_C(3588806011781223));
	assert_true(random_bits(&random) == UINT64_C(3591011842654386));
	assert_true(random_bits(&random) == UINT64_C(9228616714210784205));
	assert_true(random_bits(&random) == UINT64_C(9973669472204895162));
}

/* First outputs, frozen: simulated data must be the same for ever. */
static void
test_frozen(void **state)
{
	Random random = random_start(42, 7);

	(void) state;
	assert_true(random_bits(&random) == UINT64_C(3409545882473857721));
	assert_true(random_bits(&random) == UINT64_C(11773385008288523278));
	assert_true(random_bits(&random) == UINT64_C(15640253386848488616));
	assert_true(random_uniform(&random) == 0x1.008d70e8c4f9dp-1);
	assert_true(random_exponential(&random) == 0x1.968157e558e56p-2);
	assert_true(random_normal(&random) == 0x1.2aa6e7f7c3127p+0);
	assert_true(random_gamma(&random, 0.25) == 0x1.8855890b359d7p-1);
	assert_true(random_gamma(&random, 6.25) == 0x1.5304975944c9ap+2);
	assert_true(random_ln_gamma(&random, 0.01) == -0x1.4a395c1080951p+4);
	assert_true(random_beta(&random, 0.8, 2.4) == 0x1.d9351ce8987efp-6);
}

/* Streams of one seed, and seeds of one stream, have nothing in common. */
static void
test_streams_differ(void **state)
{
	Random a = random_start(1, 1);
	Random b = random_start(1, 2);
	Random c = random_start(2, 1);
	double ab = 0.0;
	double ac = 0.0;

	(void) state;
	for (int i = 0; i < 100000; i++)
	{
		double u = random_uniform(&a) - 0.5;

		ab += u * (random_uniform(&b) - 0.5);
		ac += u * (random_uniform(&c) - 0.5);
	}
	/* products have standard deviation 1/12 */
	assert_true(fabs(ab) < 4.0 / 12 * sqrt(100000.0));
	assert_true(fabs(ac) < 4.0 / 12 * sqrt(100000.0));
}

/* The mean of n draws must lie within 4 of its standard errors. */
static void
check_mean(const char *what, double sum, double n, double mean, double variance)
{
	double z = (sum / n - mean) / sqrt(variance / n);

	if (!(fabs(z) < 4.0))
		fail_msg("%s: mean %.10g, should be %.10g (z = %.2f)", what, sum / n, mean, z);
}

static void
test_moments(void **state)
{
	enum
	{
		N = 400000,
	};
	Random random = random_start(3, 0);
	double sum[8] = {0};

	(void) state;
	for (int i = 0; i < N; i++)
	{
		double u = random_uniform(&random);
		double e = random_exponential(&random);
		double z = random_normal(&random);

		assert_true(u > 0.0 && u < 1.0 && e > 0.0);
		sum[0] += u;
		sum[1] += u * u;
		sum[2] += e;
		sum[3] += e * e;
		sum[4] += z;
		sum[5] += z * z;
		sum[6] += z * z * z;
		sum[7] += z * z * z * z;
	}
	check_mean("u", sum[0], N, 1.0 / 2, 1.0 / 12);
	check_mean("u^2", sum[1], N, 1.0 / 3, 4.0 / 45);
	check_mean("e", sum[2], N, 1, 1);
	check_mean("e^2", sum[3], N, 2, 20);
	check_mean("z", sum[4], N, 0, 1);
	check_mean("z^2", sum[5], N, 1, 2);
	check_mean("z^3", sum[6], N, 0, 15);
	check_mean("z^4", sum[7], N, 3, 96);
}

static void
test_gamma(void **state)
{
	static const double shapes[] = {0.05, 0.25, 0.8, 1.0, 1.7, 6.0, 300.0};
	double n = 300000;

	(void) state;
	for (int k = 0; k < 7; k++)
	{
		double shape = shapes[k];
		Random random = random_start(4, k);
		double sum = 0.0;
		double squares = 0.0;
		double logarithms = 0.0;

		for (int i = 0; i < (int) n; i++)
		{
			double g = random_gamma(&random, shape);

			sum += g;
			squares += (g - shape) * (g - shape);
			logarithms += random_ln_gamma(&random, shape);
		}
		check_mean("gamma", sum, n, shape, shape);
		check_mean("gamma, squared", squares, n, shape, 2 * shape * shape + 6 * shape);
		/* E ln G = psi(shape) by a difference of lgamma; variance psi' < 1/shape^2 + 1/shape */
		check_mean("ln gamma", logarithms, n, (lgamma(shape * 1.0001) - lgamma(shape * 0.9999)) / (0.0002 * shape),
				   1 / (shape * shape) + 1 / shape);
	}
}

/* Shapes so small that the gamma itself is below the smallest double. */
static void
test_tiny_shapes(void **state)
{
	Random random = random_start(5, 0);
	double sum = 0.0;
	double p = 0.0;
	int n = 100000;

	(void) state;
	for (int i = 0; i < n; i++)
	{
		double ln_gamma = random_ln_gamma(&random, 0.001);
		double beta = random_beta(&random, 0.001, 0.003);

		assert_true(isfinite(ln_gamma) && random_gamma(&random, 0.001) >= 0.0);
		assert_true(beta >= 0.0 && beta <= 1.0);
		sum += ln_gamma;
		p += beta;
	}
	check_mean("ln gamma", sum, n, -1000.5755719, 1e6);
	check_mean("beta", p, n, 0.25, 0.25 * 0.75);
}

static void
test_beta(void **state)
{
	static const double shapes[][2] = {{0.8, 2.4}, {0.05, 0.1}, {1, 1}, {30, 4}, {0.2, 50}};
	double n = 200000;

	(void) state;
	for (int k = 0; k < 5; k++)
	{
		double a = shapes[k][0];
		double b = shapes[k][1];
		double mean = a / (a + b);
		double variance = mean * (1 - mean) / (a + b + 1);
		Random random = random_start(6, k);
		double sum = 0.0;
		double squares = 0.0;

		for (int i = 0; i < (int) n; i++)
		{
			double p = random_beta(&random, a, b);

			sum += p;
			squares += p * p;
		}
		check_mean("beta", sum, n, mean, variance);
		check_mean("beta^2", squares, n, mean * (a + 1) / (a + b + 1), 4 * variance);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_det_log), cmocka_unit_test(test_det_exp),        cmocka_unit_test(test_xoshiro),
		cmocka_unit_test(test_frozen),  cmocka_unit_test(test_streams_differ), cmocka_unit_test(test_moments),
		cmocka_unit_test(test_gamma),   cmocka_unit_test(test_tiny_shapes),    cmocka_unit_test(test_beta),
	};

	return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
