/*
 * test_bgbb.c
 *	  The BG/BB model against values computed with 30 to 50 digits, and its fits.
 */
#include "support.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "models/core/fit.h"

static const Model *const model = &bgbb_model;

/* Of the fit to the donations of Fader, Hardie & Shang (2010). */
static const double donations[4] = {1.203522351601914, 0.749716358172939, 0.6567182084418324, 2.783442232577381};

static void
test_scores(void **state)
{
	Golden golden = golden_open("bgbb.csv");

	(void) state;
	while (golden_next(&golden))
	{
		const double *params = golden.field;
		double x = golden.field[4];
		double t_x = golden.field[5];
		double T = golden.field[6];
		Population *one = one_customer(x, t_x, T);
		double alive = model->prob_alive(params, x, t_x, T);
		double stays = (params[3] + T) / (params[2] + params[3] + T);

		assert_golden(&golden, "log-likelihood", model->customer_log_likelihood(params, x, t_x, T), golden.field[7],
					  1e-12, 1.0);
		assert_golden(&golden, "log-likelihood of a population", model->log_likelihood(one, params, NULL, NULL),
					  golden.field[7], 1e-12, 1.0);
		population_free(one);
		if (golden.field[8] < 1e-290)
			continue;
		assert_golden(&golden, "alive_prob", alive, golden.field[8], 1e-12, 0.0);
		assert_golden(&golden, "alive_prob at the next opportunity", alive * stays, golden.field[9], 1e-12, 0.0);
		assert_golden(&golden, "expected_transactions", model_expected_transactions(model, params, x, t_x, T, 5.0),
					  golden.field[10], 1e-12, 0.0);
		assert_golden(&golden, "discounted_orders at 10%",
					  model_discounted_transactions(model, params, x, t_x, T, INFINITY, log1p(0.1)), golden.field[11],
					  1e-12, 0.0);
		assert_golden(&golden, "discounted_orders at 0.1%",
					  model_discounted_transactions(model, params, x, t_x, T, INFINITY, log1p(0.001)), golden.field[12],
					  1e-12, 0.0);
	}
}

static void
test_discounted_orders(void **state)
{
	(void) state;
	check_discounted_orders(model, "bgbb_discounted_transactions.csv", 1e-12);
}

static void
test_probabilities(void **state)
{
	(void) state;
	check_order_prob(model, "bgbb_order_prob.csv", 1e-12);
	check_orders_pmf(model, "bgbb_new_customer_transactions_pmf.csv", 1e-12);
	/* up to 60,000 opportunities; logarithms of thousands have lost as many digits */
	check_orders_pmf(model, "bgbb_orders_pmf_long.csv", 4e-12);
}

static void
test_derivatives(void **state)
{
	(void) state;
	check_gradient(model, "bgbb_gradient.csv", 1e-12);
	check_hessian(model, "bgbb_hessian.csv", 1e-10);
}

/* The paper's donations, at the parameters that BTYD prints for its fit, and at those of the maximum. */
static void
test_published(void **state)
{
	static const double btyd[] = {1.203507, 0.7497667, 0.6567568, 2.783887};
	static const double orders[] = {0.498537, 0.923342, 1.296868, 1.632304, 1.938134, 2.220167};
	double delta = log1p(0.1);

	(void) state;
	for (int n = 1; n <= 6; n++)
		assert_near(model->new_customer_transactions(btyd, n), orders[n - 1], 2e-6);
	assert_near(model_discounted_transactions(model, donations, 6, 6, 6, INFINITY, delta), 5.90989425, 1e-8);
	assert_near(model_discounted_transactions(model, donations, 0, 0, 6, INFINITY, delta), 0.11475272, 1e-7);
	assert_near(model->prob_alive(donations, 2, 4, 6) * (donations[3] + 6.0) / (donations[2] + donations[3] + 6.0),
				0.589657, 1e-6);
}

/* Horizons and ages that are almost whole periods; customers whom there cannot be. */
static void
test_edges(void **state)
{
	PopulationCell impossible = {.x = 3, .t_x_days = 2, .T_days = 6, .customers = 1.0};
	Population *population = population_build(&test_host, &impossible, 1, 1.0);
	double gradient[4];
	double hessian[16];

	(void) state;
	assert_true(model->new_customer_transactions(donations, 2.9) == model->new_customer_transactions(donations, 2));
	assert_true(model->new_customer_transactions(donations, 3 * 0.99999999999999) ==
				model->new_customer_transactions(donations, 3));
	assert_true(model->prob_alive(donations, 2, 4.0000000000001, 5.9999999999999) ==
				model->prob_alive(donations, 2, 4, 6));
	assert_true(model->prob_alive(donations, 6, 6, 6) == 1.0);

	assert_true(model->log_likelihood(population, donations, gradient, hessian) == -INFINITY);
	assert_true(model->customer_log_likelihood(donations, 3, 2, 6) == -INFINITY);
	assert_true(isnan(model->prob_alive(donations, 3, 2, 6)));
	assert_true(isnan(model->order_prob(donations, 7, 2, 6, 5)));
	assert_true(isnan(model->next_order_quantile(donations, 7, 2, 6, 0.5)));
	for (int i = 0; i < 16; i++)
		assert_true(hessian[i] == 0.0 && gradient[i % 4] == 0.0);
	population_free(population);

	/* ages and horizons beyond any calendar */
	assert_true(model->prob_alive(donations, 0, 1e300, 1e300) == 1.0);
	assert_true(model->gone_prob(donations, 2, 4, 1e300) == 1.0);
	assert_near(model->new_customer_transactions_pmf((double[]){1, 1, 1, 1}, 1e300, 0), M_PI * M_PI / 6.0 - 1.0, 1e-13);

	/* gamma = 1 is ordinary */
	assert_near(model_expected_transactions(model, (double[]){1.2, 0.7, 1.0, 2.8}, 2, 4, 6, 5000),
				model_expected_transactions(model, (double[]){1.2, 0.7, 1.0 + 1e-12, 2.8}, 2, 4, 6, 5000), 1e-10);
	/* a quantile so high that rounding decides about it */
	for (int i = 0; i < 100; i++)
	{
		double params[4] = {5.0 + i, 3.0, 2.0, 30.0};
		double wait = model->next_order_quantile(params, 0, 0, 6, 1.0 - DBL_EPSILON / 2);

		assert_near(model->order_prob(params, 0, 0, 6, wait), model->order_prob(params, 0, 0, 6, INFINITY), 1e-12);
	}
	/* a wait of thousands of periods, and one beyond all */
	assert_true(model->next_order_quantile((double[]){0.1, 5.0, 0.1, 5.0}, 0, 0, 6, 0.9) > 1e5);
	assert_true(isinf(model->next_order_quantile((double[]){1e-4, 5.0, 1e-4, 5.0}, 0, 0, 6, 0.9)));
}

static double
population_likelihood(void *data, const double *params, double *gradient, double *hessian)
{
	return model->log_likelihood(data, params, gradient, hessian);
}

/* Fit simulated customers from many places: there is one maximum, and all find it. */
static void
test_random_starts(void **state)
{
	Population *population = simulated_population(model, donations, 2000, 84, 1);
	Random random = random_start(2, 0);
	double centre[4];
	int most = 0;
	Fit best;

	(void) state;
	fit_population(model, population, &best);
	assert_true(best.converged && best.prior_sd == 0.0);
	model->prior_centre(population, centre);
	for (int i = 0; i < 100; i++)
	{
		double start[4];
		Fit fit;

		for (int k = 0; k < 4; k++)
			start[k] = anywhere_between(&random, 1e-3, 1e3);
		fit_likelihood(&test_host, population_likelihood, population, 4, start, centre, &fit);
		if (!fit.converged || fit.prior_sd != 0.0)
			fail_msg("start %g %g %g %g did not converge", start[0], start[1], start[2], start[3]);
		for (int k = 0; k < 4; k++)
			assert_near(fit.params[k], best.params[k], 1e-7);
		most = fit.iterations > most ? fit.iterations : most;
	}
	print_message("default start: %d evaluations; random starts: %d at most\n", best.iterations, most);
	population_free(population);
}

/* Twenty thousand customers tell their parameters, after years or after weeks. */
static void
test_recovery(void **state)
{
	static const double truths[][4] = {{1.2035, 0.7497, 0.6567, 2.7834}, {0.8, 12.0, 1.5, 40.0}};
	static const int days[] = {7 * 8, 7 * 260};

	(void) state;
	for (int i = 0; i < 2; i++)
	{
		Population *population = simulated_population(model, truths[i], 20000, days[i], 3);
		Fit fit;

		fit_population(model, population, &fit);
		print_message("%zu cells, %d evaluations\n", population->n_cells, fit.iterations);
		assert_true(fit.converged && !fit.boundary && fit.prior_sd == 0.0);
		for (int k = 0; k < 4; k++)
		{
			double z = (log(fit.params[k]) - log(truths[i][k])) / sqrt(fit.covariance[k * 4 + k]);

			print_message("%s = %g +- %g (truth %g, z = %.2f)\n", model->param_names[k], fit.params[k],
						  fit.std_errors[k], truths[i][k], z);
			assert_true(fit.identified[k] && fabs(z) < 4.0);
		}
		population_free(population);
	}
}

/* Data that do not determine the parameters: the fit ends all the same, and says so. */
static void
test_degenerate(void **state)
{
	static const PopulationCell nobody[] = {{0, 0, 6, 100}, {0, 0, 4, 50}};
	static const PopulationCell always[] = {{6, 6, 6, 100}, {4, 4, 4, 50}};
	static const PopulationCell one[] = {{2, 4, 6, 1}};
	static const PopulationCell today[] = {{0, 0, 0, 10}};
	static const struct
	{
		const PopulationCell *cells;
		size_t n;
	} cases[] = {{nobody, 2}, {always, 2}, {one, 1}, {today, 1}};

	(void) state;
	for (int i = 0; i < 4; i++)
	{
		Population *population = population_build(&test_host, cases[i].cells, cases[i].n, 1.0);
		Fit fit;

		fit_population(model, population, &fit);
		assert_true((fit.converged || fit.boundary) && fit.prior_sd == 10.0);
		assert_true(isfinite(fit.log_likelihood) && fit.log_likelihood <= 1e-9);
		for (int k = 0; k < 4; k++)
			assert_true(isfinite(fit.params[k]) && isnan(fit.std_errors[k]) == !fit.identified[k]);
		population_free(population);
	}
}

/* The published fit: 11,104 donors, six years. */
static void
test_donations(void **state)
{
	/* at the maximum of a likelihood with 50 digits, as are the parameters above */
	static const double std_errors[] = {0.06939136238888156, 0.02944771666038576, 0.05100985895641319,
										0.3208190030432685};
	const char *path = getenv("DONATIONS_CSV");
	FILE *file = path != NULL && *path != '\0' ? fopen(path, "r") : NULL;
	PopulationCell cells[64];
	Population *population;
	char line[256];
	size_t n = 0;
	double expected = 0.0;
	Fit fit;

	(void) state;
	if (file == NULL)
		skip();
	assert_non_null(fgets(line, sizeof(line), file));
	while (n < 64 && fgets(line, sizeof(line), file) != NULL)
	{
		cells[n] = (PopulationCell){0};
		assert_int_equal(sscanf(line, "%u,%d,%d,%lf", &cells[n].x, &cells[n].t_x_days, &cells[n].T_days,
								&cells[n].customers),
						 4);
		n++;
	}
	fclose(file);
	assert_int_equal(n, 22);

	population = population_build(&test_host, cells, n, 1.0);
	assert_true(population->customers == 11104);
	fit_population(model, population, &fit);
	population_free(population);
	print_message("donations: %.10g %.10g %.10g %.10g LL %.10f, %d evaluations\n", fit.params[0], fit.params[1],
				  fit.params[2], fit.params[3], fit.log_likelihood, fit.iterations);
	assert_true(fit.converged && fit.prior_sd == 0.0);
	assert_near(fit.log_likelihood, -33225.581274347, 1e-13);
	for (int k = 0; k < 4; k++)
	{
		assert_near(fit.params[k], donations[k], 1e-8);
		assert_near(fit.std_errors[k], std_errors[k], 1e-7);
	}
	for (size_t i = 0; i < n; i++)
		expected += cells[i].customers *
			model_expected_transactions(model, fit.params, cells[i].x, cells[i].t_x_days, cells[i].T_days, 5);
	assert_near(expected, 12884.157, 1e-7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scores),        cmocka_unit_test(test_discounted_orders),
		cmocka_unit_test(test_probabilities), cmocka_unit_test(test_derivatives),
		cmocka_unit_test(test_published),     cmocka_unit_test(test_edges),
		cmocka_unit_test(test_random_starts), cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_degenerate),    cmocka_unit_test(test_donations),
	};

	return cmocka_run_group_tests_name("BG/BB", tests, NULL, NULL);
}
