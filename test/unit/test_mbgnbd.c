/*
 * test_mbgnbd.c
 *	  The MBG/NBD model against values computed with 40 to 60 digits.
 */
#include "support.h"

#include <math.h>

static const Model *const model = &mbgnbd_model;

static void
test_scores(void **state)
{
	Golden golden = golden_open("mbgnbd.csv");

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
	Golden golden = golden_open("mbgnbd_new_customer_transactions.csv");

	(void) state;
	while (golden_next(&golden))
		assert_golden(&golden, "new_customer_transactions",
					  model->new_customer_transactions(golden.field, golden.field[4]), golden.field[5], 1e-12, 0.0);
}

static void
test_discounted_orders(void **state)
{
	(void) state;
	check_discounted_orders(model, "mbgnbd_discounted_transactions.csv", 1e-12);
}

static void
test_probabilities(void **state)
{
	(void) state;
	check_order_prob(model, "mbgnbd_order_prob.csv", 1e-12);
}

static void
test_derivatives(void **state)
{
	(void) state;
	check_gradient(model, "mbgnbd_gradient.csv", 1e-12);
	check_hessian(model, "mbgnbd_hessian.csv", 1e-10);
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
	};

	return cmocka_run_group_tests_name("MBG/NBD", tests, NULL, NULL);
}
