/*
 * test_correlation.c
 *	  How two quantities go together, and that rounding does not.
 */
#include <math.h>

#include "numerics/correlation.h"
#include "support.h"

static void
known_correlations(void **state)
{
	(void) state;
	assert_near(correlation(3, 7, 4, 9, 6), 1, 1e-15);
	assert_near(correlation(3, 7, 4, 9, -6), -1, 1e-15);
	assert_near(correlation(0, 0, 4, 9, 3), 0.5, 1e-15);
	assert_near(correlation(0, 0, 1e-200, 1e-200, 5e-201), 0.5, 1e-12);
}

static void
nothing_without_variance(void **state)
{
	(void) state;
	assert_true(isnan(correlation(3, 7, 0, 9, 0)));
	assert_true(isnan(correlation(3, 7, 4, 0, 0)));
	assert_true(isnan(correlation(0, 7, 0, 9, 0)));
	assert_true(isnan(correlation(NAN, NAN, NAN, NAN, NAN)));
	/* what rounding leaves of a mean of 9.99, also below zero */
	assert_true(isnan(correlation(3, 9.99, 4, 9.99 * 9.99 * 1e-15, 1e-8)));
	assert_true(isnan(correlation(3, 9.99, 4, -9.99 * 9.99 * 1e-15, 1e-8)));
	assert_true(isnan(correlation(3, -9.99, 4, 1e-30, 1e-15)));
	/* but not a cent that one in ten thousand pays more */
	assert_near(correlation(3, 9.99, 4, 1e-4 * 1e-4, 1e-4), 0.5, 1e-12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_correlations),
		cmocka_unit_test(nothing_without_variance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
