/*
 * test_special.c
 *	  Special functions and quadrature against values with 20 digits.
 */
#include "support.h"

#include <math.h>

#include "numerics/quadrature.h"
#include "numerics/special.h"
#include "numerics/sum.h"

static void
test_gauss_legendre(void **state)
{
	Golden		golden = golden_open("gauss_legendre16.csv");

	(void) state;
	while (golden_next(&golden))
	{
		assert_golden(&golden, "node", gauss_node[golden.row - 1], golden.field[0], 0.0, 0.0);
		assert_golden(&golden, "weight", gauss_weight[golden.row - 1], golden.field[1], 0.0, 0.0);
	}
	assert_int_equal(golden.row, GAUSS_POINTS);
}

static void
test_scaled_expint(void **state)
{
	Golden		golden = golden_open("scaled_expint.csv");

	(void) state;
	while (golden_next(&golden))
		assert_golden(&golden, "e^k E_nu(k)",
					  sf_scaled_expint(golden.field[0], golden.field[1], INFINITY),
					  golden.field[2], 1e-14, 0.0);
}

/* With k going to 0 the integral is elementary, and it is additive in its range. */
static void
test_scaled_expint_finite(void **state)
{
	(void) state;
	for (double nu = 0.25; nu < 1e4; nu *= 3.0)
		for (double upper = 0.01; upper < 20.0; upper *= 2.0)
			assert_near(sf_scaled_expint(nu, 1e-300, upper),
						expm1((1.0 - nu) * upper) / (1.0 - nu), 1e-13);

	/* E_nu by parts: nu E_(nu+1)(k) = e^-k - k E_nu(k) */
	assert_near(3.5 * sf_scaled_expint(4.5, 0.7, INFINITY),
				1.0 - 0.7 * sf_scaled_expint(3.5, 0.7, INFINITY), 1e-14);
}

/* The short products and the long series must be the same function. */
static void
test_ratios_of_gammas(void **state)
{
	(void) state;
	for (double r = 1e-7; r < 1e7; r *= 7.3)
		for (double x = 1.0; x <= 128.0; x += x < 8.0 ? 1.0 : 40.0)
		{
			/* one step of the recurrence either side of a fractional shift */
			double		half = x - 0.5;

			assert_true(relative_error(sf_lpoch(r, half) + sf_lpoch(r + half, 0.5),
									   sf_lpoch(r, x), 1.0) < 2e-13);
			assert_true(relative_error(sf_dpoch(r, half) + sf_dpoch(r + half, 0.5),
									   sf_dpoch(r, x), 0.0) < 2e-13);
			assert_true(relative_error(sf_tpoch(r, half) + sf_tpoch(r + half, 0.5),
									   sf_tpoch(r, x), 0.0) < 2e-13);
			assert_true(relative_error(sf_lbeta_shift(2.5, r, half)
									   + sf_lbeta_shift(2.5, r + half, 0.5),
									   sf_lbeta_shift(2.5, r, x), 1.0) < 2e-13);
		}

	/* 128 is short, 129 is long */
	assert_near(sf_lpoch(0.3, 129.0), sf_lpoch(0.3, 128.0) + log(128.3), 1e-15);
	assert_near(sf_dpoch(0.3, 129.0), sf_dpoch(0.3, 128.0) + 1.0 / 128.3, 1e-15);
	assert_near(sf_lbeta_shift(4.0, 0.3, 129.0),
				sf_lbeta_shift(4.0, 0.3, 128.0) - log1p(4.0 / 128.3), 1e-14);

	/* nothing at all, and nothing that overflows */
	assert_true(sf_lpoch(0.5, 0.0) == 0.0 && sf_lbeta_shift(1.0, 1.0, 0.0) == 0.0);
	assert_true(isfinite(sf_lpoch(1e-7, 1e4)) && isfinite(sf_lpoch(9e6, 1e4)));
}

static void
test_trigamma(void **state)
{
	(void) state;
	assert_near(sf_trigamma(1.0), 1.6449340668482264365, 1e-14);
	assert_near(sf_trigamma(0.5), 4.9348022005446793094, 1e-14);
	assert_near(sf_trigamma(100.0), 0.010050166663333571395, 1e-14);
}

static double
one_and_p(double p, const void *data)
{
	(void) data;
	return 1.0 + p;
}

static double
power_of_q(double p, const void *data)
{
	return pow(1.0 - p, *(const double *) data);
}

/* E[(1-p)^h] = B(a, b+h) / B(a, b) and E[1 + p] = 1 + a / (a+b), for all shapes. */
static void
test_beta_mean(void **state)
{
	double		h = 2.0;

	(void) state;
	for (double a = 1e-7; a < 1e7; a *= 11.0)
		for (double b = 1e-7; b < 1e7; b *= 11.0)
		{
			BetaIntegrand survive = {power_of_q, &h, 1.0, 2.0, 0.0};
			BetaIntegrand mean = {one_and_p, NULL, 1.0, -1.0, 2.0};

			/* p below 1e-9 / (a+b) is taken as 0, hence the floors */
			assert_true(relative_error(beta_mean(a, b, &survive),
									   exp(sf_lbeta_shift(a, b, h)), 1e-8) < 1e-12);
			assert_true(relative_error(beta_mean(a, b, &mean), 1.0 + a / (a + b), 0.0) < 1e-12);
		}
}

static void
test_compensated_sum(void **state)
{
	Sum			sum = {0};

	(void) state;
	sum_add(&sum, 1.0);
	sum_add(&sum, 1e100);
	sum_add(&sum, 1.0);
	sum_add(&sum, -1e100);
	assert_true(sum_value(&sum) == 2.0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gauss_legendre),
		cmocka_unit_test(test_scaled_expint),
		cmocka_unit_test(test_scaled_expint_finite),
		cmocka_unit_test(test_ratios_of_gammas),
		cmocka_unit_test(test_trigamma),
		cmocka_unit_test(test_beta_mean),
		cmocka_unit_test(test_compensated_sum),
	};

	return cmocka_run_group_tests_name("special functions", tests, NULL, NULL);
}
