/*
 * test_special.c
 *	  Special functions and quadrature against values with 20 digits.
 */
#include "support.h"

#include <math.h>

#include "numerics/interpolate.h"
#include "numerics/quadrature.h"
#include "numerics/root.h"
#include "numerics/special.h"
#include "numerics/sum.h"

static void
test_gauss_legendre(void **state)
{
	Golden golden = golden_open("gauss_legendre16.csv");

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
	Golden golden = golden_open("scaled_expint.csv");

	(void) state;
	while (golden_next(&golden))
		assert_golden(&golden, "e^k E_nu(k)", sf_scaled_expint(golden.field[0], golden.field[1], INFINITY),
					  golden.field[2], 1e-14, 0.0);
}

/* With k going to 0 the integral is elementary, and it is additive in its range. */
static void
test_scaled_expint_finite(void **state)
{
	(void) state;
	for (double nu = 0.25; nu < 1e4; nu *= 3.0)
		for (double upper = 0.01; upper < 20.0; upper *= 2.0)
			assert_near(sf_scaled_expint(nu, 1e-300, upper), expm1((1.0 - nu) * upper) / (1.0 - nu), 1e-13);

	/* E_nu by parts: nu E_(nu+1)(k) = e^-k - k E_nu(k) */
	assert_near(3.5 * sf_scaled_expint(4.5, 0.7, INFINITY), 1.0 - 0.7 * sf_scaled_expint(3.5, 0.7, INFINITY), 1e-14);
}

/* Shifts so small that the functions of both ends have most digits in common; 60-digit values. */
static void
test_small_shifts(void **state)
{
	Golden golden = golden_open("lpoch.csv");

	(void) state;
	while (golden_next(&golden))
	{
		double r = golden.field[0];
		double x = golden.field[1];

		assert_golden(&golden, "sf_lnpoch", sf_lnpoch(r, x), golden.field[2], 3e-14, 0.0);
		assert_golden(&golden, "sf_dpoch", sf_dpoch(r, x), golden.field[3], 3e-14, 0.0);
		/* here the end of the series is seen, which is nothing to a Hessian */
		assert_golden(&golden, "sf_tpoch", sf_tpoch(r, x), golden.field[4], 3e-13, 0.0);
	}

	golden = golden_open("lbeta_shift.csv");
	while (golden_next(&golden))
		assert_golden(&golden, "sf_lbeta_shift", sf_lbeta_shift(golden.field[0], golden.field[1], golden.field[2]),
					  golden.field[3], 2e-13, 0.0);
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
			double half = x - 0.5;

			assert_true(relative_error(sf_lnpoch(r, half) + sf_lnpoch(r + half, 0.5), sf_lnpoch(r, x), 1.0) < 2e-13);
			assert_true(relative_error(sf_dpoch(r, half) + sf_dpoch(r + half, 0.5), sf_dpoch(r, x), 0.0) < 2e-13);
			assert_true(relative_error(sf_tpoch(r, half) + sf_tpoch(r + half, 0.5), sf_tpoch(r, x), 0.0) < 2e-13);
			assert_true(relative_error(sf_lbeta_shift(2.5, r, half) + sf_lbeta_shift(2.5, r + half, 0.5),
									   sf_lbeta_shift(2.5, r, x), 1.0) < 2e-13);
		}

	/* 128 is short, 129 is long */
	assert_near(sf_lnpoch(0.3, 129.0), sf_lnpoch(0.3, 128.0) + log(128.3), 1e-15);
	assert_near(sf_dpoch(0.3, 129.0), sf_dpoch(0.3, 128.0) + 1.0 / 128.3, 1e-15);
	assert_near(sf_lbeta_shift(4.0, 0.3, 129.0), sf_lbeta_shift(4.0, 0.3, 128.0) - log1p(4.0 / 128.3), 1e-14);

	/* nothing at all, and nothing that overflows */
	assert_true(sf_lnpoch(0.5, 0.0) == 0.0 && sf_lbeta_shift(1.0, 1.0, 0.0) == 0.0);
	assert_true(isfinite(sf_lnpoch(1e-7, 1e4)) && isfinite(sf_lnpoch(9e6, 1e4)));
}

static void
test_hypergeometric1(void **state)
{
	Golden golden = golden_open("hypergeometric1.csv");

	(void) state;
	while (golden_next(&golden))
		assert_golden(&golden, "F(1, b; c; z)", sf_hypergeometric1(golden.field[0], golden.field[1], golden.field[2]),
					  golden.field[3], golden.field[2] < 0.999 ? 1e-12 : 1e-11, 0.0);
}

/* Probabilities of a count add up to one, however large or small its parameters. */
static void
test_negative_binomial(void **state)
{
	(void) state;
	for (double n = 1e-6; n < 1e4; n *= 30.0)
		for (double tau = 1e-5; tau < 100.0; tau *= 20.0)
		{
			double sum = 0.0;

			if (n * tau > 1e4)
				continue;
			for (double x = 0.0; x < 30000.0 && 1.0 - sum > 1e-15; x++)
				sum += exp(sf_ln_negative_binomial(n, tau, x));
			assert_near(sum, 1.0, 1e-11);
		}
	/* whole n: binomial coefficients; n = 1: nothing but one way */
	assert_near(sf_lnchoose(3.0, 7.0), log(36.0), 1e-15);
	assert_true(sf_lnchoose(1.0, 1000.0) == 0.0 && sf_lnchoose(0.3, 0.0) == 0.0);
	assert_near(sf_lnchoose(0.3, 1000.0), sf_lnpoch(0.3, 1000.0) - sf_lnpoch(1.0, 1000.0), 1e-12);
}

/* The tail is the sum of what is in it, however small. */
static void
test_negative_binomial_tail(void **state)
{
	static const double ns[] = {1e-7, 0.3, 1.0, 5.0, 300.0};
	static const double taus[] = {1e-9, 0.1, 3.0, 200.0};
	static const double xs[] = {1.0, 2.0, 7.0, 40.0};

	(void) state;
	for (int i = 0; i < 5 * 4 * 4; i++)
	{
		double n = ns[i % 5];
		double tau = taus[i / 5 % 4];
		double sum = 0.0;
		double pi = 1.0;

		for (double x = xs[i / 20]; x <= n * tau || pi * (1.0 + tau) > 1e-17 * sum; x++)
			sum += pi = exp(sf_ln_negative_binomial(n, tau, x));
		assert_near(sf_negative_binomial_tail(n, tau, xs[i / 20]), sum, 1e-11);
	}
}

static void
test_decayed_time(void **state)
{
	(void) state;
	assert_true(sf_decayed_time(0.0, 3.0) == 3.0);
	assert_near(sf_decayed_time(1e-17, 3.0), 3.0, 1e-15);
	assert_near(sf_decayed_time(-0.5, 3.0), (exp(1.5) - 1.0) / 0.5, 1e-15);
	assert_near(sf_decayed_time(0.5, 3.0), (1.0 - exp(-1.5)) / 0.5, 1e-15);
}

static void
logistic(const void *data, double z, double *values)
{
	double steepness = *(const double *) data;

	values[0] = log1p(exp(steepness * z));
	values[1] = 1.0 / (1.0 + exp(-steepness * z));
	values[2] = z * z;
}

/* Smooth or steep, few places or many, up or down: the curve itself. */
static void
test_curve(void **state)
{
	double z[300];
	double values[900];
	double worst = 0.0;

	(void) state;
	for (double steepness = 0.01; steepness < 1e4; steepness *= 3.0)
		for (int n = 1; n <= 300; n += n < 30 ? 1 : 90)
			for (int down = 0; down < 2; down++)
			{
				Curve curve = {logistic, &steepness, 3, n % 2 ? INFINITY : 0.7};

				for (int i = 0; i < n; i++)
					z[i] = (down ? -1.0 : 1.0) * (-1.0 + 2.5 * i / n * i / n);
				/* some places more than once */
				if (n > 10)
					z[4] = z[5] = z[6];
				curve_values(&curve, z, n, values);
				for (int i = 0; i < n; i++)
				{
					double expected[3];

					logistic(&steepness, z[i], expected);
					for (int k = 0; k < 3; k++)
						worst = larger_error(worst, relative_error(values[3 * i + k], expected[k], 1.0));
				}
			}
	print_message("largest error of a curve: %.2g\n", worst);
	assert_true(worst < 3e-14);
}

/* The density of ln(G / shape), G gamma distributed, over that at its peak, 0. */
static double
gamma_density(const void *data, double z)
{
	return -*(const double *) data * (expm1(z) - z);
}

static double
any_room(const void *data, double z)
{
	(void) data;
	(void) z;
	return 2.0;
}

static double
no_number(const void *data, double z)
{
	(void) data;
	return z * NAN;
}

/* All of it, however narrow, by Stirling's series; for shape 1 what is below e^z. */
static void
test_integral_below(void **state)
{
	double one = 1.0;

	(void) state;
	for (double k = 200.0; k < 1e12; k *= 7.0)
		assert_near(integral_below(&(LnIntegrand){gamma_density, any_room, &k}, 5.0),
					sqrt(2.0 * M_PI / k) * (1.0 + 1.0 / (12 * k) + 1.0 / (288 * k * k) - 139.0 / (51840 * k * k * k)),
					1e-11);
	for (double high = -20.0; high < 5.0; high += 1.0)
		assert_near(integral_below(&(LnIntegrand){gamma_density, any_room, &one}, high), -expm1(-exp(high)) * exp(1.0),
					1e-13);
	/* What is no number has no integral, and comes to an end. */
	assert_true(isnan(integral_below(&(LnIntegrand){no_number, any_room, NULL}, 5.0)));
	assert_true(isnan(integral_below(&(LnIntegrand){gamma_density, any_room, &one}, INFINITY)));
}

static double
cubic(const void *data, double z, double *slope)
{
	*slope = 3.0 * z * z;
	return z * z * z - *(const double *) data;
}

static void
test_rising_root(void **state)
{
	(void) state;
	/* up to ln of the largest double, where the search begins */
	for (double root = -1e3; root < 700.0; root += 99.0)
	{
		double level = root * root * root;
		RisingFunction f = {cubic, &level};

		assert_near(rising_root(&f, INFINITY), root, 1e-13);
		assert_near(rising_root(&f, root + 1e-3), root, 1e-13);
	}
	assert_true(rising_root(&(RisingFunction){cubic, &(double){8.0}}, 1.0) == 1.0);
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
	double h = 2.0;

	(void) state;
	for (double a = 1e-7; a < 1e7; a *= 11.0)
		for (double b = 1e-7; b < 1e7; b *= 11.0)
		{
			BetaIntegrand survive = {power_of_q, &h, 1.0, 2.0, 0.0};
			BetaIntegrand mean = {one_and_p, NULL, 1.0, -1.0, 2.0};

			/* p below 1e-9 / (a+b) is taken as 0, hence the floors */
			assert_true(relative_error(beta_mean(a, b, &survive), exp(sf_lbeta_shift(a, b, h)), 1e-8) < 1e-12);
			assert_true(relative_error(beta_mean(a, b, &mean), 1.0 + a / (a + b), 0.0) < 1e-12);
		}
}

static void
test_compensated_sum(void **state)
{
	Sum sum = {0};

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
		cmocka_unit_test(test_small_shifts),
		cmocka_unit_test(test_ratios_of_gammas),
		cmocka_unit_test(test_hypergeometric1),
		cmocka_unit_test(test_negative_binomial),
		cmocka_unit_test(test_negative_binomial_tail),
		cmocka_unit_test(test_decayed_time),
		cmocka_unit_test(test_curve),
		cmocka_unit_test(test_integral_below),
		cmocka_unit_test(test_rising_root),
		cmocka_unit_test(test_trigamma),
		cmocka_unit_test(test_beta_mean),
		cmocka_unit_test(test_compensated_sum),
	};

	return cmocka_run_group_tests_name("special functions", tests, NULL, NULL);
}
