/*
 * test_paretonbd.c
 *	  The Pareto/NBD model against values computed with 40 to 60 digits.
 */
#include "support.h"

#include <math.h>

static const Model *const model = &paretonbd_model;

static void
test_scores(void **state)
{
	Golden		golden = golden_open("paretonbd.csv");

	(void) state;
	while (golden_next(&golden))
	{
		const double *params = golden.field;
		double		x = golden.field[4];
		double		t_x = golden.field[5];
		double		T = golden.field[6];
		Population *one = one_customer(x, t_x, T);

		assert_golden(&golden, "log-likelihood",
					  model->customer_log_likelihood(params, x, t_x, T), golden.field[7], 1e-13, 1.0);
		assert_golden(&golden, "log-likelihood of a population",
					  model->log_likelihood(one, params, NULL, NULL), golden.field[7], 1e-13, 1.0);
		population_free(one);
		if (golden.field[8] < 1e-290)
			continue;
		assert_golden(&golden, "alive_prob",
					  model->alive_prob(params, x, t_x, T), golden.field[8], 1e-12, 0.0);
		assert_golden(&golden, "expected_orders",
					  model_expected_orders(model, params, x, t_x, T, 0.001), golden.field[10], 1e-12, 0.0);
		assert_golden(&golden, "expected_orders",
					  model_expected_orders(model, params, x, t_x, T, 52.0), golden.field[11], 1e-12, 0.0);
		assert_golden(&golden, "discounted_orders",
					  model_discounted_orders(model, params, x, t_x, T, INFINITY, 0.002687729661060743),
					  golden.field[12], 1e-12, 0.0);
	}
}

static void
test_discounted_orders(void **state)
{
	(void) state;
	check_discounted_orders(model, "paretonbd_discounted_orders.csv", 1e-12);
}

static void
test_probabilities(void **state)
{
	(void) state;
	check_orders_pmf(model, "paretonbd_orders_pmf.csv", 1e-12);
	check_order_prob(model, "paretonbd_order_prob.csv", 1e-12);
}

static void
test_derivatives(void **state)
{
	(void) state;
	check_gradient(model, "paretonbd_gradient.csv", 1e-11);
	check_hessian(model, "paretonbd_hessian.csv", 1e-10);
}

static void
test_published(void **state)
{
	(void) state;
	/* the BTYD vignette's customer, and its table of increasing frequency */
	assert_near(model_expected_orders(model, cdnow_paretonbd, 26, 216.0 / 7, 31, 52), 25.4551835, 1e-8);
	assert_near(model->alive_prob(cdnow_paretonbd, 26, 216.0 / 7, 31), 0.9978734, 1e-7);
	assert_near(model->expected_orders_new(cdnow_paretonbd, 52.0), 1.4734342883, 1e-9);
	assert_near(model_expected_orders(model, cdnow_paretonbd, 10, 20, 39, 52), 0.70588845, 1e-7);
	assert_near(model_expected_orders(model, cdnow_paretonbd, 25, 20, 39, 52), 0.00309007, 1e-5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scores),
		cmocka_unit_test(test_discounted_orders),
		cmocka_unit_test(test_probabilities),
		cmocka_unit_test(test_derivatives),
		cmocka_unit_test(test_published),
	};

	return cmocka_run_group_tests_name("Pareto/NBD", tests, NULL, NULL);
}
