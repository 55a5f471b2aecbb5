/*
 * test_bgnbd.c
 *	  The BG/NBD model against values computed with 40 to 60 digits.
 */
#include "support.h"

#include <math.h>

#include "models/beta_geometric/beta_geometric.h"

static const Model *const model = &bgnbd_model;

static void
test_scores(void **state)
{
	Golden golden = golden_open("bgnbd.csv");

	(void) state;
	while (golden_next(&golden))
	{
		const double *params = golden.field;
		double x = golden.field[4];
		double t_x = golden.field[5];
		double T = golden.field[6];
		Population *one = one_customer(x, t_x, T);

		assert_golden(&golden, "log-likelihood", model->customer_log_likelihood(params, x, t_x, T), golden.field[7],
					  1e-13, 1.0);
		assert_golden(&golden, "log-likelihood of a population", model->log_likelihood(one, params, NULL, NULL),
					  golden.field[7], 1e-13, 1.0);
		population_free(one);
		if (golden.field[8] < 1e-290)
			continue;
		assert_golden(&golden, "alive_prob", model->prob_alive(params, x, t_x, T), golden.field[8], 1e-13, 0.0);
		assert_golden(&golden, "expected_transactions", model_expected_transactions(model, params, x, t_x, T, 39.0),
					  golden.field[9], 1e-12, 0.0);
		if (!isnan(golden.field[10]))
			assert_golden(&golden, "discounted_orders",
						  model_discounted_transactions(model, params, x, t_x, T, INFINITY, 0.002687729661060743),
						  golden.field[10], 1e-12, 0.0);
	}
}

static void
test_expected_orders_new(void **state)
{
	Golden golden = golden_open("bgnbd_new_customer_transactions.csv");

	(void) state;
	while (golden_next(&golden))
		assert_golden(&golden, "new_customer_transactions",
					  model->new_customer_transactions(golden.field, golden.field[4]), golden.field[5], 1e-12, 0.0);
}

static void
test_discounted_orders(void **state)
{
	(void) state;
	check_discounted_orders(model, "bgnbd_discounted_transactions.csv", 1e-12);
}

static void
test_probabilities(void **state)
{
	(void) state;
	check_orders_pmf(model, "bgnbd_new_customer_transactions_pmf.csv", 1e-12);
	check_order_prob(model, "bgnbd_order_prob.csv", 1e-12);
}

static void
test_derivatives(void **state)
{
	(void) state;
	check_gradient(model, "bgnbd_gradient.csv", 1e-12);
	check_hessian(model, "bgnbd_hessian.csv", 1e-10);
}

static void
test_published(void **state)
{
	/* the estimates of Fader, Hardie & Lee (2005) */
	const double paper[] = {0.243, 4.414, 0.793, 2.426};

	(void) state;
	assert_true(fabs(model_expected_transactions(model, paper, 2, 30.43, 38.86, 39.0) - 1.226) < 5e-4);
	assert_near(model->new_customer_transactions(cdnow_timing, 52.0), 1.4440123973, 1e-9);
	assert_near(model_expected_transactions(model, cdnow_timing, 26, 216.0 / 7, 31, 52), 25.7573370, 1e-8);
	/* increasing frequency, decreasing future: the BTYD vignette's table */
	assert_near(model_expected_transactions(model, cdnow_timing, 10, 20, 39, 52), 0.34748377, 1e-7);
	assert_near(model_expected_transactions(model, cdnow_timing, 25, 20, 39, 52), 0.00035839, 1e-4);
}

/* The sum for E[X(t)] once more, however long, with the longest doubles there are. */
static long double
orders_by_long_sum(long double n, long double A, long double a, long double b, long double t)
{
	long double tau = t / A;
	long double pi = expl(-n * log1pl(tau));
	long double omega = 1.0L;
	long double W = 0.0L;
	long double sum = 0.0L;

	for (int j = 0; j <= n * tau || pi * (1 + tau) * W > 1e-20L * sum; j++)
	{
		sum += pi * W;
		W += omega;
		omega *= (b + j) / (a + b + j);
		pi *= tau / (1 + tau) * (n + j) / (j + 1.0L);
	}
	return sum;
}

static void
test_expected_everywhere(void **state)
{
	Random random = random_start(7, 0);
	double worst = 0.0;
	int tried = 0;

	(void) state;
	if (!long_double_is_longer())
		skip();
	while (tried < 5000)
	{
		double n = anywhere_between(&random, 1e-6, 1e6);
		double A = anywhere_between(&random, 0.1, 1e4);
		double a = anywhere_between(&random, 1e-6, 1e6);
		double b = anywhere_between(&random, 1e-6, 1e6);
		double t = anywhere_between(&random, 1e-3, 1e4);
		double error;

		/* where even the long sum underflows or takes too long */
		if (n * log1p(t / A) > 700.0 || n * t / A > 1e5 || t / A > 1e3)
			continue;
		error = relative_error(beta_geometric_orders(n, A, a, b, t), (double) orders_by_long_sum(n, A, a, b, t), 0.0);
		worst = larger_error(worst, error);
		if (!(error <= 1e-12))
			fail_msg("n %.17g A %.17g a %.17g b %.17g t %.17g: error %.3g", n, A, a, b, t, error);
		tried++;
	}
	print_message("largest difference to the long sum: %.2g\n", worst);
}

/*
 * The short sum of beta_geometric_discounted() against an independent route:
 * the undiscounted expectation, integrated by parts with Gauss-Legendre panels
 * so short that they cannot be wrong.
 */
static double
discounted_by_parts(double n, double A, double a, double b, double t, double delta)
{
	static const double node[] = {0.1488743389816312, 0.4333953941292472, 0.6794095682990244, 0.8650633666889845,
								  0.9739065285171717};
	static const double weight[] = {0.2955242247147529, 0.2692667193099963, 0.2190863625159820, 0.1494513491505806,
									0.0666713443086881};
	double growth = log1p(t / A);
	int panels = 4 + (int) (8 * growth);
	double sum = 0.0;

	for (int panel = 0; panel < panels; panel++)
		for (int i = 0; i < 10; i++)
		{
			double place = 0.5 * (1.0 + (i < 5 ? node[i] : -node[i - 5]));
			double u = growth * (panel + place) / panels;
			double s = A * expm1(u);

			sum += 0.5 * weight[i % 5] * growth / panels * (A + s) * exp(-delta * s) *
				beta_geometric_orders(n, A, a, b, s);
		}
	return exp(-delta * t) * beta_geometric_orders(n, A, a, b, t) + delta * sum;
}

static void
test_discounted_everywhere(void **state)
{
	Random random = random_start(3, 0);
	double worst = 0.0;

	(void) state;
	for (int i = 0; i < 3000; i++)
	{
		double x = floor(anywhere_between(&random, 0.5, 300.0));
		double r = anywhere_between(&random, 0.01, 30.0);
		double a = anywhere_between(&random, 0.01, 30.0);
		double b = anywhere_between(&random, 0.01, 30.0) + x;
		double A = anywhere_between(&random, 0.5, 300.0);
		double t = anywhere_between(&random, 0.1, 300.0);
		double delta = anywhere_between(&random, 1e-5, 0.05);
		double error = relative_error(beta_geometric_discounted(r + x, A, a, b, t, delta),
									  discounted_by_parts(r + x, A, a, b, t, delta), 0.0);

		worst = larger_error(worst, error);
		if (!(error <= 1e-11))
			fail_msg("n %.17g A %.17g a %.17g b %.17g t %.17g delta %.17g: error %.3g", r + x, A, a, b, t, delta,
					 error);
	}
	print_message("largest difference between the two routes: %.2g\n", worst);
}

/*
 * All orders to come, a mean over the rate, against a horizon so long that it might be
 * infinite, a mean over the probability of leaving: also in the corners.
 */
static void
test_residual_everywhere(void **state)
{
	Random random = random_start(4, 0);
	double worst = 0.0;

	(void) state;
	for (int i = 0; i < 1500; i++)
	{
		double x = floor(anywhere_between(&random, 0.5, 2000.0));
		double r = anywhere_between(&random, 0.01, 30.0);
		double a = anywhere_between(&random, 1e-3, 100.0);
		double b = anywhere_between(&random, 1e-3, 30.0) + x;
		double A = anywhere_between(&random, 0.01, 11000.0);
		double delta = anywhere_between(&random, 1e-6, 1.0);
		double residual = beta_geometric_discounted(r + x, A, a, b, INFINITY, delta);
		double error = relative_error(residual, beta_geometric_discounted(r + x, A, a, b, 1e9 / delta, delta), 0.0);

		worst = larger_error(worst, error);
		if (!(error <= 1e-12))
			fail_msg("n %.17g A %.17g a %.17g b %.17g delta %.17g: error %.3g", r + x, A, a, b, delta, error);
	}
	print_message("largest difference between the means over rates and over dropouts: %.2g\n", worst);
}

static void
test_edges(void **state)
{
	(void) state;
	assert_true(model->prob_alive(cdnow_timing, 0, 0, 5000) == 1.0);
	assert_true(model->customer_log_likelihood(cdnow_timing, 0, 0, 0) == 0.0);
	assert_true(model->prob_alive(cdnow_timing, 1000, 1, 5000) == 0.0);
	/* a = 1 and a + b = 1 are ordinary */
	assert_near(model_expected_transactions(model, (double[]){0.5, 6, 1, 3.3}, 2, 10, 20, 39),
				model_expected_transactions(model, (double[]){0.5, 6, 1 + 1e-12, 3.3}, 2, 10, 20, 39), 1e-11);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scores),
		cmocka_unit_test(test_expected_orders_new),
		cmocka_unit_test(test_discounted_orders),
		cmocka_unit_test(test_probabilities),
		cmocka_unit_test(test_derivatives),
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_expected_everywhere),
		cmocka_unit_test(test_discounted_everywhere),
		cmocka_unit_test(test_residual_everywhere),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests_name("BG/NBD", tests, NULL, NULL);
}
