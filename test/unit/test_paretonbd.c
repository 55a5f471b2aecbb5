/*
 * test_paretonbd.c
 *	  The Pareto/NBD model against values computed with 40 to 60 digits.
 */
#include "support.h"

#include <math.h>

#include "models/competing_risks/attrition_integral.h"

static const Model *const model = &paretonbd_model;

static void
test_scores(void **state)
{
	Golden golden = golden_open("paretonbd.csv");

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
		assert_golden(&golden, "alive_prob", model->prob_alive(params, x, t_x, T), golden.field[8], 1e-12, 0.0);
		assert_golden(&golden, "expected_transactions", model_expected_transactions(model, params, x, t_x, T, 0.001),
					  golden.field[10], 1e-12, 0.0);
		assert_golden(&golden, "expected_transactions", model_expected_transactions(model, params, x, t_x, T, 52.0),
					  golden.field[11], 1e-12, 0.0);
		assert_golden(&golden, "discounted_orders",
					  model_discounted_transactions(model, params, x, t_x, T, INFINITY, 0.002687729661060743),
					  golden.field[12], 1e-12, 0.0);
	}
}

static void
test_discounted_orders(void **state)
{
	(void) state;
	check_discounted_orders(model, "paretonbd_discounted_transactions.csv", 1e-12);
}

static void
test_probabilities(void **state)
{
	(void) state;
	check_orders_pmf(model, "paretonbd_new_customer_transactions_pmf.csv", 1e-12);
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
	assert_near(model_expected_transactions(model, cdnow_paretonbd, 26, 216.0 / 7, 31, 52), 25.4551835, 1e-8);
	assert_near(model->prob_alive(cdnow_paretonbd, 26, 216.0 / 7, 31), 0.9978734, 1e-7);
	assert_near(model->new_customer_transactions(cdnow_paretonbd, 52.0), 1.4734342883, 1e-9);
	assert_near(model_expected_transactions(model, cdnow_paretonbd, 10, 20, 39, 52), 0.70588845, 1e-7);
	assert_near(model_expected_transactions(model, cdnow_paretonbd, 25, 20, 39, 52), 0.00309007, 1e-5);
}

/*
 * Where the two ages are more than 200 times apart, alive_prob and one side of first_event
 * go by a recurrence; gone_prob and order_prob_if_alive walk along panels. They must tell
 * the same: alive and gone add up to 1, and so do the two first events. Small probabilities
 * count as much as large ones, so points where alive_prob is nearly 1 are left out.
 */
static void
test_ages_far_apart(void **state)
{
	Random random = random_start(7, 0);
	int tried = 0;
	int near_integer = 0;

	(void) state;
	for (int i = 0; i < 20000; i++)
	{
		bool old_leaving = i % 2 == 0;
		double params[] = {anywhere_between(&random, 0.01, 20.0), anywhere_between(&random, 0.5, 50.0),
						   anywhere_between(&random, 1e-3, 20.0), anywhere_between(&random, 0.5, 50.0)};
		double x = i % 3 == 0 ? 0.0 : floor(anywhere_between(&random, 1.0, 2000.0));
		double t_x = x > 0.0 ? anywhere_between(&random, 1.0, 5000.0) : 0.0;
		double T = t_x + anywhere_between(&random, 1.0, 10957.0 - t_x);
		double alive;
		double event;
		double order;

		params[old_leaving ? 3 : 1] = anywhere_between(&random, 250.0, 1e5) * (50.0 + T);
		if (i % 5 == 0)
		{
			params[0] = 1.0 + anywhere_between(&random, 1e-12, 1e-3) * (i % 10 == 0 ? 1.0 : -1.0);
			near_integer++;
		}
		alive = model->prob_alive(params, x, t_x, T);
		event = model->first_event(params, x, T);
		order = model->order_prob_if_alive(params, x, t_x, T, INFINITY);
		assert_near(event < 0.0 ? -event / order : (1.0 - event) / order, 1.0, 1e-10);
		if (!(alive < 0.99))
			continue;
		tried++;
		assert_near(alive + model->gone_prob(params, x, t_x, T), 1.0, 1e-10);
	}
	assert_true(tried > 2000 && near_integer > 1000);
}

/* Quadrature over panels, each cut into so many. */
static double
attrition_integral_of(const AttritionIntegral *integral, int parts)
{
	double sum = 0.0;
	double f = 1.0;

	for (Panel panel = panel_start(0.0); attrition_integral_next(integral, &panel, INFINITY);)
	{
		double half_width = panel.half_width / parts;

		for (int i = 0; i < parts * GAUSS_POINTS; i++)
		{
			int part = i / GAUSS_POINTS;
			double middle = panel.middle + half_width * (2 * part + 1 - parts);
			double u = middle + half_width * gauss_node[i % GAUSS_POINTS];
			Attrition at = attrition_at(integral->kappa, u);

			f = exp(-integral->linear * u - integral->exponent * at.ln_D) * (integral->rising ? at.p : 1.0);
			sum += f * half_width * gauss_weight[i % GAUSS_POINTS];
		}
		if (attrition_integral_is_over(integral, &panel, f, sum))
			break;
	}
	return sum;
}

/* The rule is exact on every panel: on eighths of them it tells the same. */
static void
test_panels(void **state)
{
	static const double exponents[] = {1e-6, 1e-3, 0.1, 1.0, 10.0, 30.0, 100.0, 1e3, 1e4, 1e6, 1e8};
	static const double kappas[] = {1e-12, 1e-9, 1e-6, 1e-4, 0.01, 0.1, 0.5, 0.9};
	static const double linears[] = {1e-6, 1e-3, 0.1, 1.0, 10.0, 100.0};
	static const double corner[] = {1e6, 1e6, 1e-6, 1e-6};

	(void) state;
	for (int i = 0; i < 2 * 11 * 8 * 6; i++)
	{
		AttritionIntegral integral = {.linear = linears[i % 6],
									  .kappa = kappas[i / 6 % 8],
									  .exponent = exponents[i / 48 % 11],
									  .rising = i >= 11 * 48};

		assert_near(attrition_integral_of(&integral, 1), attrition_integral_of(&integral, 8), 5e-14);
	}
	/* of 40 digits, where it was seven */
	assert_near(model->prob_alive(corner, 0.0, 0.0, 100.0 / 7.0), 0.04507838697703826, 1e-12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scores),        cmocka_unit_test(test_discounted_orders),
		cmocka_unit_test(test_probabilities), cmocka_unit_test(test_derivatives),
		cmocka_unit_test(test_published),     cmocka_unit_test(test_ages_far_apart),
		cmocka_unit_test(test_panels),
	};

	return cmocka_run_group_tests_name("Pareto/NBD", tests, NULL, NULL);
}
