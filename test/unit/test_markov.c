/*
 * test_markov.c
 *	  Markov chains against closed forms and other routes.
 */
#include "support.h"

#include <math.h>

#include "numerics/markov.h"
#include "numerics/random.h"

static void
assert_close(double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance))
		fail_msg("%.17g is not %.17g", got, expected);
}

/* Three segments, whose figures were computed elsewhere. */
static void
test_three_segments(void **state)
{
	static const double p[] = {.8, .15, .05, .1, .6, .3, .01, .09, .9};
	double shares[3], steps[3];

	(void) state;
	assert_true(markov_ergodic(&test_host, p, 3));
	markov_stationary(&test_host, p, 3, shares);
	assert_close(shares[0], 2.0 / 15, 1e-15);
	assert_close(shares[1], 0.2, 1e-15);
	assert_close(shares[2], 2.0 / 3, 1e-15);
	assert_close(markov_second_modulus(&test_host, p, 3, shares), 0.80811388, 5e-9);
	markov_steps_to(&test_host, p, 3, 2, steps);
	assert_close(steps[0], 110.0 / 13, 1e-14);
	assert_close(steps[1], 60.0 / 13, 1e-14);
	assert_true(steps[2] == 0);
	assert_int_equal(blocks_held, 0);
}

/* Two states: everything is elementary, however rarely one is left. */
static void
test_two_states(void **state)
{
	(void) state;
	for (double a = 1e-12; a < 1; a *= 7)
		for (double b = 1e-9; b < 1; b *= 11)
		{
			double p[] = {1 - a, a, b, 1 - b};
			double shares[2], steps[2];

			assert_true(markov_ergodic(&test_host, p, 2));
			markov_stationary(&test_host, p, 2, shares);
			assert_close(shares[0] / (b / (a + b)), 1, 1e-14);
			markov_steps_to(&test_host, p, 2, 1, steps);
			assert_close(steps[0] * a, 1, 1e-14);
			markov_steps_to(&test_host, p, 2, 0, steps);
			assert_close(steps[1] * b, 1, 1e-14);
			assert_close(markov_second_modulus(&test_host, p, 2, shares), fabs(1 - a - b), 1e-13);
		}
}

/* Chains that come to no rest, or not to the same one. */
static void
test_not_ergodic(void **state)
{
	static const double cycle[] = {0, 1, 0, 0, 0, 1, 1, 0, 0};
	static const double trap[] = {.5, .5, 0, 1};
	static const double apart[] = {1, 0, 0, 1};
	static const double unknown[] = {.5, .5, 0, 0};
	static const double one[] = {1};
	static const double slow[] = {0, 1, 0, 0, 0, 1, .5, .5, 0}; /* primitive in its fifth power only */
	double steps[2];

	(void) state;
	assert_false(markov_ergodic(&test_host, cycle, 3));
	assert_false(markov_ergodic(&test_host, trap, 2));
	assert_false(markov_ergodic(&test_host, apart, 2));
	assert_false(markov_ergodic(&test_host, unknown, 2));
	assert_true(markov_ergodic(&test_host, one, 1));
	assert_true(markov_ergodic(&test_host, slow, 3));
	markov_steps_to(&test_host, trap, 2, 1, steps);
	assert_close(steps[0], 2, 1e-15);
	markov_steps_to(&test_host, trap, 2, 0, steps);
	assert_true(isinf(steps[1]));
	markov_steps_to(&test_host, apart, 2, 0, steps);
	assert_true(isinf(steps[1]));
	assert_int_equal(blocks_held, 0);
}

/* Random chains, with zeros: the results solve the equations that define them. */
static void
test_equations(void **state)
{
	Random random = random_start(7, 0);

	(void) state;
	for (int round = 0; round < 300; round++)
	{
		int n = 2 + round % 30;
		double p[31 * 31], shares[31], steps[31];

		for (int i = 0; i < n; i++)
		{
			double sum = 0;

			for (int j = 0; j < n; j++)
			{
				double u = random_uniform(&random);

				p[i * n + j] = j == (i + 1) % n || j == i ? 0.01 + u : u < 0.7 ? 0 : u * u;
				sum += p[i * n + j];
			}
			for (int j = 0; j < n; j++)
				p[i * n + j] /= sum;
		}
		assert_true(markov_ergodic(&test_host, p, n));
		markov_stationary(&test_host, p, n, shares);
		for (int target = 0; target < n; target++)
		{
			double arriving = 0;

			for (int i = 0; i < n; i++)
				arriving += shares[i] * p[i * n + target];
			assert_close(arriving, shares[target], 1e-13);
			markov_steps_to(&test_host, p, n, target, steps);
			for (int i = 0; i < n; i++)
			{
				double expected = 1;

				for (int j = 0; j < n; j++)
					expected += p[i * n + j] * steps[j];
				/* the mean time of return is the reciprocal of the share (Kac) */
				assert_close((i == target ? 1 / shares[i] : steps[i]) / expected, 1, 1e-11);
			}
		}
	}
	assert_int_equal(blocks_held, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_three_segments),
		cmocka_unit_test(test_two_states),
		cmocka_unit_test(test_not_ergodic),
		cmocka_unit_test(test_equations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
