/*
 * test_coin.c
 *	  Tosses of coins: the sum by other routes.
 */
#include "support.h"

#include <math.h>

#include "numerics/coin.h"
#include "numerics/special.h"

/* One coin, discounted, to infinity: Gauss's hypergeometric function. */
static void
test_two_routes(void **state)
{
	Random		random = random_start(1, 0);
	double		worst = 0.0;

	(void) state;
	for (int i = 0; i < 2000; i++)
	{
		Coin		coin = {anywhere_between(&random, 1e-4, 1e4), anywhere_between(&random, 1.0, 1e4)};
		double		delta = anywhere_between(&random, 1e-3, 3.0);
		double		error = relative_error(coin_tosses(&coin, 1, delta, INFINITY),
										   sf_hypergeometric1(coin.b, coin.a + coin.b, exp(-delta)), 0.0);

		worst = fmax(worst, error);
		if (!(error < 1e-11))
			fail_msg("a %.17g b %.17g delta %.17g: error %.3g", coin.a, coin.b, delta, error);
	}
	print_message("largest difference to the hypergeometric function: %.2g\n", worst);
}

/* A long sum, without any shortcut. */
static double
tosses_one_by_one(const Coin *coins, double delta, double limit)
{
	long double	term = 1.0L;
	long double	sum = 0.0L;

	for (double k = 0.0; k < limit; k++)
	{
		sum += term;
		term *= expl(-delta);
		for (int i = 0; i < 2; i++)
			term *= (coins[i].b + (long double) k) / (coins[i].a + coins[i].b + (long double) k);
	}
	return (double) sum;
}

/* The integral takes over from the sum without a seam, whatever the coins. */
static void
test_long_sums(void **state)
{
	Random		random = random_start(2, 0);
	double		worst = 0.0;

	(void) state;
	if (!long_double_is_longer())
		skip();
	for (int i = 0; i < 1000; i++)
	{
		Coin		coins[2];
		double		delta = i % 2 ? anywhere_between(&random, 1e-7, 0.1) : 0.0;
		double		limit = floor(anywhere_between(&random, 1000.0, 10000.0));
		double		error;

		for (int k = 0; k < 2; k++)
			coins[k] = (Coin) {anywhere_between(&random, 1e-6, 1e6), anywhere_between(&random, 1e-6, 1e6)};
		error = relative_error(coin_tosses(coins, 2, delta, limit),
							   tosses_one_by_one(coins, delta, limit), 0.0);
		worst = fmax(worst, error);
		if (!(error < 1e-11))
			fail_msg("a %.17g b %.17g, a %.17g b %.17g delta %.17g limit %g: error %.3g", coins[0].a,
					 coins[0].b, coins[1].a, coins[1].b, delta, limit, error);
	}
	print_message("largest difference to the long sum: %.2g\n", worst);
}

/* No toss, one toss, a coin that never shows heads. */
static void
test_edges(void **state)
{
	const Coin	coins[2] = {{2.0, 3.0}, {1e-300, 1.0}};

	(void) state;
	assert_true(coin_tosses(coins, 2, 0.5, 0.0) == 0.0);
	assert_true(coin_tosses(coins, 2, 0.5, 1.0) == 1.0);
	assert_true(coin_tosses(coins, 2, 0.1, 5000.0) == coin_tosses(coins, 1, 0.1, 5000.0));
	/* what diverges, and what only just does not */
	assert_true(isinf(coin_tosses(&(Coin) {1.0, 5.0}, 1, 0.0, INFINITY)));
	assert_near(coin_tosses(&(Coin) {1.5, 5.0}, 1, 0.0, INFINITY), 5.5 / 0.5, 1e-12);
	assert_near(coin_tosses(&(Coin) {1.0 + 0x1p-20, 5.0}, 1, 0.0, INFINITY), 5.0 * 0x1p20 + 1.0, 1e-12);
	/* everything is discounted away */
	assert_near(coin_tosses(coins, 1, 1000.0, INFINITY), 1.0, 1e-15);
	/* nearly nothing is, and a limit beyond all reach is none */
	assert_near(coin_tosses(coins, 1, 1e-300, INFINITY), coin_tosses(coins, 1, 0.0, INFINITY), 1e-12);
	assert_near(coin_tosses(coins, 1, 0.0, 1e250), 4.0, 1e-12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_routes),
		cmocka_unit_test(test_long_sums),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests_name("coins", tests, NULL, NULL);
}
