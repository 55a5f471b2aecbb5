/*
 * test_normal.c
 *	  Quantiles of the normal distribution.
 */
#include <float.h>
#include <math.h>

#include "numerics/normal.h"
#include "support.h"

/* Published values (Abramowitz & Stegun, table 26.5), and the tails. */
static void
known_quantiles(void **state)
{
	(void) state;
	assert_true(fabs(normal_quantile(0.975) - 1.959963984540054) < 1e-15);
	assert_true(fabs(normal_quantile(0.95) - 1.6448536269514722) < 1e-15);
	assert_true(fabs(normal_quantile(0.5)) < 1e-16);
	assert_true(fabs(normal_quantile(1e-20) + 9.262340089798408) < 1e-14);
}

/*
 * The distribution function undoes the quantile, in both tails. There it
 * magnifies the rounding of z by z^2.
 */
static void
inverts_the_distribution(void **state)
{
	(void) state;
	for (double p = 1e-250; p < 1; p = p < 0.4 ? p * 1.7 : p + 0.01)
	{
		double z = normal_quantile(p);
		double below = 0.5 * erfc(-z * M_SQRT1_2);

		assert_true(fabs(below - p) <= 4 * (1 + z * z) * DBL_EPSILON * p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_quantiles),
		cmocka_unit_test(inverts_the_distribution),
	};

	return cmocka_run_group_tests_name("normal", tests, NULL, NULL);
}
