/*
 * test_ggnbd.c
 *	  The GG/NBD model against values computed with 40 to 60 digits.
 */
#include "support.h"

#include <math.h>

static const Model *const model = &ggnbd_model;

static void
test_scores(void **state)
{
	Golden golden = golden_open("ggnbd.csv");

	(void) state;
	while (golden_next(&golden))
	{
		const double *params = golden.field;
		double x = golden.field[5];
		double t_x = golden.field[6];
		double T = golden.field[7];
		Population *one = one_customer(x, t_x, T);

		assert_golden(&golden, "log-likelihood", model->customer_log_likelihood(params, x, t_x, T), golden.field[8],
					  1e-13, 1.0);
		assert_golden(&golden, "log-likelihood of a population", model->log_likelihood(one, params, NULL, NULL),
					  golden.field[8], 1e-13, 1.0);
		population_free(one);
		if (golden.field[9] < 1e-290)
			continue;
		assert_golden(&golden, "alive_prob", model->prob_alive(params, x, t_x, T), golden.field[9], 1e-12, 0.0);
		assert_golden(&golden, "expected_transactions", model_expected_transactions(model, params, x, t_x, T, 52.0),
					  golden.field[10], 1e-12, 0.0);
		assert_golden(&golden, "discounted_orders",
					  model_discounted_transactions(model, params, x, t_x, T, INFINITY, 0.002687729661060743),
					  golden.field[11], 1e-12, 0.0);
	}
}

static void
test_gradient(void **state)
{
	(void) state;
	check_gradient(model, "ggnbd_gradient.csv", 1e-9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scores),
		cmocka_unit_test(test_gradient),
	};

	return cmocka_run_group_tests_name("GG/NBD", tests, NULL, NULL);
}
