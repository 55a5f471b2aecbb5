/*
 * test_beta_survival_sum.c
 *	  Sums of beta survival probabilities, computed by other routes.
 */
#include "support.h"

#include <math.h>

#include "numerics/beta_survival_sum.h"
#include "numerics/special.h"

/* One kind of trial, discounted, to infinity: Gauss's hypergeometric function. */
static void
test_two_routes(void **state)
{
	Random random = random_start(1, 0);
	double worst = 0.0;

	(void) state;
	for (int i = 0; i < 2000; i++)
	{
		BetaSurvival factor = {anywhere_between(&random, 1e-4, 1e4), anywhere_between(&random, 1.0, 1e4)};
		double delta = anywhere_between(&random, 1e-3, 3.0);
		double error = relative_error(beta_survival_sum(&factor, 1, delta, INFINITY),
									  sf_hypergeometric1(factor.b, factor.a + factor.b, exp(-delta)), 0.0);

		worst = larger_error(worst, error);
		if (!(error < 1e-11))
			fail_msg("a %.17g b %.17g delta %.17g: error %.3g", factor.a, factor.b, delta, error);
	}
	print_message("largest difference to the hypergeometric function: %.2g\n", worst);
}

/* A long sum, without any shortcut. */
static double
tosses_one_by_one(const BetaSurvival *factors, double delta, double limit)
{
	long double term = 1.0L;
	long double sum = 0.0L;

	for (double k = 0.0; k < limit; k++)
	{
		sum += term;
		term *= expl(-delta);
		for (int i = 0; i < 2; i++)
			term *= (factors[i].b + (long double) k) / (factors[i].a + factors[i].b + (long double) k);
	}
	return (double) sum;
}

/* The integral takes over from the sum without a seam, for all parameters. */
static void
test_long_sums(void **state)
{
	Random random = random_start(2, 0);
	double worst = 0.0;

	(void) state;
	if (!long_double_is_longer())
		skip();
	for (int i = 0; i < 1000; i++)
	{
		BetaSurvival factors[2];
		double delta = i % 2 ? anywhere_between(&random, 1e-7, 0.1) : 0.0;
		double limit = floor(anywhere_between(&random, 1000.0, 10000.0));
		double error;

		for (int k = 0; k < 2; k++)
			factors[k] = (BetaSurvival){anywhere_between(&random, 1e-6, 1e6), anywhere_between(&random, 1e-6, 1e6)};
		error =
			relative_error(beta_survival_sum(factors, 2, delta, limit), tosses_one_by_one(factors, delta, limit), 0.0);
		worst = larger_error(worst, error);
		if (!(error < 1e-11))
			fail_msg("a %.17g b %.17g, a %.17g b %.17g delta %.17g limit %g: error %.3g", factors[0].a, factors[0].b,
					 factors[1].a, factors[1].b, delta, limit, error);
	}
	print_message("largest difference to the long sum: %.2g\n", worst);
}

/* No trial, one trial, a trial that never succeeds. */
static void
test_edges(void **state)
{
	const BetaSurvival factors[2] = {{2.0, 3.0}, {1e-300, 1.0}};

	(void) state;
	assert_true(beta_survival_sum(factors, 2, 0.5, 0.0) == 0.0);
	assert_true(beta_survival_sum(factors, 2, 0.5, 1.0) == 1.0);
	assert_true(beta_survival_sum(factors, 2, 0.1, 5000.0) == beta_survival_sum(factors, 1, 0.1, 5000.0));
	/* what diverges, and what only just does not */
	assert_true(isinf(beta_survival_sum(&(BetaSurvival){1.0, 5.0}, 1, 0.0, INFINITY)));
	assert_near(beta_survival_sum(&(BetaSurvival){1.5, 5.0}, 1, 0.0, INFINITY), 5.5 / 0.5, 1e-12);
	assert_near(beta_survival_sum(&(BetaSurvival){1.0 + 0x1p-20, 5.0}, 1, 0.0, INFINITY), 5.0 * 0x1p20 + 1.0, 1e-12);
	/* everything is discounted away */
	assert_near(beta_survival_sum(factors, 1, 1000.0, INFINITY), 1.0, 1e-15);
	/* nearly nothing is, and a limit beyond all reach is none */
	assert_near(beta_survival_sum(factors, 1, 1e-300, INFINITY), beta_survival_sum(factors, 1, 0.0, INFINITY), 1e-12);
	assert_near(beta_survival_sum(factors, 1, 0.0, 1e250), 4.0, 1e-12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_routes),
		cmocka_unit_test(test_long_sums),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests_name("beta survival sums", tests, NULL, NULL);
}
