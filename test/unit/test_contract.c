/*
 * test_contract.c
 *	  The contractual models against values computed with 40 digits, the
 *	  published fits, and Kaplan-Meier.
 */
#include "support.h"

#include <math.h>
#include <string.h>

#include "models/retention/beta_weibull.h"
#include "models/retention/life_table.h"
#include "numerics/random.h"

/* Customers of the paper's two panels still there after 0, 1, ... 12 years. */
static const int panels[2][13] = {{1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173},
								  {1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394}};

#define MAX_CELLS 200

static ContractCell cells[MAX_CELLS];

/* A panel as it was known after `last` years. */
static ContractData
panel_data(const ContractModel *model, int high_end, int last)
{
	const int *alive = panels[high_end];

	for (int t = 1; t <= last; t++)
		cells[t - 1] = (ContractCell){t, alive[t - 1] - alive[t], t == last ? alive[t] : 0};
	return (ContractData){&test_host, model, cells, last};
}

static ContractData
one_cell(const ContractModel *model, uint32_t tenure, int64_t ended, int64_t alive)
{
	cells[0] = (ContractCell){tenure, ended, alive};
	return (ContractData){&test_host, model, cells, 1};
}

static void
test_survival(void **state)
{
	Golden golden = golden_open("contract_survival.csv");

	(void) state;
	while (golden_next(&golden))
	{
		const double *params = golden.field;
		double t = golden.field[3];

		assert_golden(&golden, "survival", exp(contract_ln_survival(&bdw_model, params, 0, t)), golden.field[4], 1e-13,
					  0.0);
		if (params[2] == 1.0)
			assert_golden(&golden, "survival", exp(contract_ln_survival(&sbg_model, params, 0, t)), golden.field[4],
						  1e-13, 0.0);
		if (t == 0)
			continue;
		assert_golden(&golden, "retention", exp(contract_ln_survival(&bdw_model, params, t - 1, 1)), golden.field[6],
					  1e-13, 0.0);
		if (golden.field[5] > 1e-290)
		{
			ContractData data = one_cell(&bdw_model, (uint32_t) t, 1, 0);

			assert_golden(&golden, "probability to end", exp(contract_log_likelihood(&data, params, NULL, NULL)),
						  golden.field[5], 1e-11, 0.0);
		}
	}
}

/* For a whole number of periods, in one step or in many. */
static void
test_survival_is_product_of_retention(void **state)
{
	static const double params[][3] = {{0.26, 1.72, 1.58}, {30, 200, 0.6}, {1.3, 7.8, 1}};

	(void) state;
	for (int i = 0; i < 3; i++)
	{
		double sum = 0.0;

		for (int t = 5; t < 300; t++)
			sum += contract_ln_survival(&bdw_model, params[i], t, 1);
		assert_near(contract_ln_survival(&bdw_model, params[i], 5, 295), sum, 1e-12);
	}
}

static void
test_gradient(void **state)
{
	Golden golden = golden_open("contract_gradient.csv");

	(void) state;
	while (golden_next(&golden))
	{
		const double *params = golden.field;
		ContractData data = one_cell(&bdw_model, (uint32_t) golden.field[3], 1, 0);
		double gradient[3];

		contract_log_likelihood(&data, params, gradient, NULL);
		for (int i = 0; i < 3; i++)
			assert_golden(&golden, bdw_model.param_names[i], params[i] * gradient[i], params[i] * golden.field[4 + i],
						  1e-11, 1e-3);
	}
}

static void
test_hessian(void **state)
{
	Golden golden = golden_open("contract_hessian.csv");

	(void) state;
	while (golden_next(&golden))
	{
		bool ended = golden.field[0] != 0;
		const double *params = golden.field + 1;
		ContractData data = one_cell(&bdw_model, (uint32_t) golden.field[4], ended, !ended);
		double hessian[9];
		int field = 6;

		assert_golden(&golden, "log-likelihood", contract_log_likelihood(&data, params, NULL, hessian), golden.field[5],
					  1e-12, 1e-3);
		for (int i = 0; i < 3; i++)
			for (int k = i; k < 3; k++, field++)
			{
				double scale = params[i] * params[k];

				assert_golden(&golden, bdw_model.param_names[i], scale * hessian[i * 3 + k],
							  scale * golden.field[field], 1e-9, 1e-3);
				assert_true(hessian[i * 3 + k] == hessian[k * 3 + i]);
			}
	}
}

/* A customer's discounted lifetime, new and before the n-th renewal. */
static void
test_sbg_lifetime(void **state)
{
	static const int renewals[] = {1, 2, 5, 20};
	Golden golden = golden_open("contract_sbg_lifetime.csv");

	(void) state;
	while (golden_next(&golden))
	{
		const double *params = golden.field;
		double delta = log1p(golden.field[2]);

		assert_golden(&golden, "new customer",
					  1.0 + contract_residual(&sbg_model, params, 0, delta) / (1.0 + golden.field[2]), golden.field[3],
					  1e-12, 0.0);
		for (int i = 0; i < 4; i++)
			assert_golden(&golden, "residual lifetime", contract_residual(&sbg_model, params, renewals[i] - 1, delta),
						  golden.field[4 + i], 1e-12, 0.0);
	}
}

static void
test_residual(void **state)
{
	Golden golden = golden_open("contract_residual.csv");

	(void) state;
	while (golden_next(&golden))
		assert_golden(&golden, "residual lifetime",
					  contract_residual(&bdw_model, golden.field, golden.field[3],
										log1p(golden.field[4]) * golden.field[5] / 12),
					  golden.field[6], 1e-12, 0.0);
}

/* Without a discount the sbg has a closed form: (beta + n) / (alpha - 1). */
static void
test_undiscounted(void **state)
{
	static const double alphas[] = {1.001, 1.1, 1.28, 3.0, 50.0, 1e5};
	static const double betas[] = {1e-3, 0.5, 7.8, 2e3, 1e7};
	double worst = 0.0;

	(void) state;
	for (int i = 0; i < 6; i++)
		for (int k = 0; k < 5; k++)
			for (int n = 0; n < 200; n += 50)
			{
				double params[] = {alphas[i], betas[k]};
				double exact = (params[1] + n) / (params[0] - 1.0);

				worst = larger_error(worst, relative_error(contract_residual(&sbg_model, params, n, 0.0), exact, 0.0));
			}
	print_message("undiscounted residual lifetime: largest error %.2g\n", worst);
	assert_true(worst < 1e-12);

	assert_true(isinf(contract_residual(&sbg_model, (double[]){1.0, 3.0}, 5, 0.0)));
	assert_true(isinf(contract_residual(&bdw_model, (double[]){0.5, 3.0, 2.0}, 5, 0.0)));
	assert_true(isfinite(contract_residual(&bdw_model, (double[]){0.5, 3.0, 2.1}, 5, 0.0)));
}

/* Any parameters, tenure and discount: an answer, soon, and between its bounds. */
static void
test_everywhere(void **state)
{
	Random random = random_start(9, 0);

	(void) state;
	for (int i = 0; i < 20000; i++)
	{
		double params[3];
		double tenure = floor(random_uniform(&random) * (i % 3 == 0 ? 10 : CONTRACT_MAX_TENURE));
		double delta = i % 5 == 0 ? 0.0 : det_exp(det_log(1e-9) + random_uniform(&random) * det_log(1e12));
		double first;
		double residual;

		for (int k = 0; k < 3; k++)
		{
			double spread = k == 2 && i % 2 == 0 ? 10.0 : i % 7 == 0 ? CONTRACT_PARAM_MAX : 1e5;

			params[k] = det_exp((2.0 * random_uniform(&random) - 1.0) * det_log(spread));
		}
		first = exp(contract_ln_survival(&bdw_model, params, tenure, 1.0));
		residual = contract_residual(&bdw_model, params, tenure, delta);
		if (!(first >= 0.0 && first <= 1.0) || !(residual >= first * (1.0 - 1e-12)) ||
			!(delta == 0.0 || residual <= first / -expm1(-delta) * (1.0 + 1e-12)))
			fail_msg("params %.17g %.17g %.17g tenure %g delta %.17g: retention %.17g, residual %.17g", params[0],
					 params[1], params[2], tenure, delta, first, residual);
		/* one renewal more, told by the next tenure */
		if (tenure < 1000 && isfinite(residual) && residual > 1e-200)
			assert_near(first * (1.0 + exp(-delta) * contract_residual(&bdw_model, params, tenure + 1, delta)),
						residual, 1e-9);
	}
}

static void
test_published_fits(void **state)
{
	Golden golden = golden_open("contract_fits.csv");

	(void) state;
	while (golden_next(&golden))
	{
		int n = (int) golden.field[2];
		ContractData data = panel_data(n == 2 ? &sbg_model : &bdw_model, (int) golden.field[0], (int) golden.field[1]);
		Fit fit;

		contract_fit(&data, &fit);
		assert_true(fit.converged && fit.prior_sd == 0.0);
		assert_golden(&golden, "log-likelihood", fit.log_likelihood, golden.field[3], 1e-12, 0.0);
		for (int i = 0; i < n; i++)
		{
			assert_true(fit.identified[i]);
			assert_golden(&golden, bdw_model.param_names[i], fit.params[i], golden.field[4 + i], 1e-8, 0.0);
			assert_golden(&golden, "standard error", fit.std_errors[i], golden.field[7 + i], 1e-8, 0.0);
		}
	}
}

static double
likelihood(void *data, const double *params, double *gradient, double *hessian)
{
	return contract_log_likelihood(data, params, gradient, hessian);
}

/* The maximum is found from anywhere. */
static void
test_random_starts(void **state)
{
	static const double centre[3] = {0};
	Random random = random_start(11, 0);
	int most = 0;
	int elsewhere = 0;

	(void) state;
	for (int i = 0; i < 600; i++)
	{
		ContractData data = panel_data(i % 2 == 0 ? &sbg_model : &bdw_model, i / 2 % 2, 4 + i % 9);
		double start[3];
		Fit best;
		Fit fit;

		for (int k = 0; k < 3; k++)
			start[k] = 1e-2 * det_exp(random_uniform(&random) * det_log(k < 2 ? 1e4 : 1e3));
		contract_fit(&data, &best);
		fit_likelihood(&test_host, likelihood, &data, data.model->n_params, start, centre, &fit);
		/* from far off a fit of the bdw may climb the ridge instead, and says so */
		if (!fit.converged || !(fit.log_likelihood < best.log_likelihood + 1e-8) ||
			!(fit.log_likelihood >= best.log_likelihood - 1e-8 || fit.prior_sd != 0.0))
			fail_msg("%s, panel %d until %d from %g %g %g: %.10f instead of %.10f", data.model->name, i / 2 % 2,
					 4 + i % 9, start[0], start[1], start[2], fit.log_likelihood, best.log_likelihood);
		elsewhere += fit.log_likelihood < best.log_likelihood - 1e-8;
		most = fit.iterations > most ? fit.iterations : most;
	}
	print_message("600 random starts: %d evaluations at most, %d of the bdw up the ridge\n", most, elsewhere);
}

/* A customer's last period by the sbg or bdw model; `limit` if they outlive it. */
static int
draw_tenure(Random *random, const double *params, int limit)
{
	double x = random_gamma(random, params[0]);
	double p = x / (x + random_gamma(random, params[1]));
	double tosses = -random_exponential(random) / log1p(-p);
	int t = 0;

	while (t < limit && pow(t + 1, params[2]) <= tosses)
		t++;
	return t;
}

/* Customers who joined over three years, observed for at most five. */
static void
test_recovery(void **state)
{
	static const double truth[] = {0.6, 3.0, 1.4};
	ContractData data = {&test_host, &bdw_model, cells, 61};
	Fit fit;

	(void) state;
	for (int t = 0; t <= 60; t++)
		cells[t] = (ContractCell){.tenure = t};
	for (int i = 0; i < 100000; i++)
	{
		Random random = random_start(12, i);
		int observed = 24 + (int) (37 * random_uniform(&random));
		int survived = draw_tenure(&random, truth, observed);

		if (survived < observed)
			cells[survived + 1].ended++;
		else
			cells[observed].alive++;
	}
	contract_fit(&data, &fit);
	assert_true(fit.converged && fit.prior_sd == 0.0);
	for (int i = 0; i < 3; i++)
	{
		double z = (fit.params[i] - truth[i]) / fit.std_errors[i];

		print_message("%s = %g +- %g (truth %g, z = %.2f)\n", bdw_model.param_names[i], fit.params[i],
					  fit.std_errors[i], truth[i], z);
		assert_true(fabs(z) < 4.0);
	}
}

/* What is not identified is marked, and the fit ends. */
static void
test_degenerate(void **state)
{
	const ContractModel *both[] = {&sbg_model, &bdw_model};

	(void) state;
	for (int m = 0; m < 2; m++)
	{
		ContractData data = {&test_host, both[m], cells, 1};
		Fit fit;

		/* all contracts ended in the first period */
		cells[0] = (ContractCell){1, 100, 0};
		contract_fit(&data, &fit);
		assert_true(fit.converged && fit.prior_sd == 10.0);
		assert_true(!fit.identified[0] && !fit.identified[1]);
		assert_true(exp(contract_ln_survival(both[m], fit.params, 0, 1)) < 0.02);

		/* one period only: its rate is all there is */
		cells[0] = (ContractCell){1, 20, 80};
		contract_fit(&data, &fit);
		assert_true(fit.converged && fit.prior_sd == 10.0);
		assert_true(!fit.identified[0] && !fit.identified[1]);
		assert_near(exp(contract_ln_survival(both[m], fit.params, 0, 1)), 0.8, 1e-3);

		/* all customers have the same risk: alpha and beta without bound */
		data.n_cells = 12;
		for (int t = 1; t <= 12; t++)
			cells[t - 1] = (ContractCell){t, 1 << (12 - t), t == 12};
		contract_fit(&data, &fit);
		assert_true(fit.converged && fit.prior_sd == 10.0);
		assert_true(!fit.identified[0] && !fit.identified[1]);
		assert_near(exp(contract_ln_survival(both[m], fit.params, 0, 6)), 1.0 / 64, 5e-2);

		/* the weak all leave at once, the strong never do */
		data.n_cells = 2;
		cells[0] = (ContractCell){1, 500, 0};
		cells[1] = (ContractCell){60, 0, 500};
		contract_fit(&data, &fit);
		assert_true(fit.converged);
		assert_true(exp(contract_ln_survival(both[m], fit.params, 1, 59)) > 0.9);

		/* one of a million */
		cells[0] = (ContractCell){7, 1, 0};
		cells[1] = (ContractCell){1000, 0, 999999};
		contract_fit(&data, &fit);
		assert_true(fit.converged);

		/* all of them, late: their own risk grows without bound, up to the edge of what is allowed */
		data.n_cells = 1;
		cells[0] = (ContractCell){36, 1000, 0};
		contract_fit(&data, &fit);
		assert_true(fit.converged == (m == 0) && fit.boundary == (m == 1));
		assert_true(fit.prior_sd == 10.0);
	}
}

/* Nothing depends on how many customers stand behind each. */
static void
test_billions(void **state)
{
	ContractData data = panel_data(&bdw_model, 1, 12);
	Fit few;
	Fit many;

	(void) state;
	contract_fit(&data, &few);
	for (int i = 0; i < 12; i++)
	{
		cells[i].ended *= 1234567890;
		cells[i].alive *= 1234567890;
	}
	contract_fit(&data, &many);
	assert_true(many.converged && many.prior_sd == 0.0);
	for (int i = 0; i < 3; i++)
	{
		assert_near(many.params[i], few.params[i], 1e-7);
		assert_near(many.std_errors[i] * sqrt(1234567890.0), few.std_errors[i], 1e-6);
	}
}

/* Remission of leukaemia, 6-MP group: Freireich et al. (1963), the classic. */
static void
test_kaplan_meier(void **state)
{
	static const ContractCell group[] = {{6, 3, 1},  {7, 1, 0},  {9, 0, 1},  {10, 1, 1}, {11, 0, 1}, {13, 1, 0},
										 {16, 1, 0}, {17, 0, 1}, {19, 0, 1}, {20, 0, 1}, {22, 1, 0}, {23, 1, 0},
										 {25, 0, 1}, {32, 0, 2}, {34, 0, 1}, {35, 0, 1}};
	enum
	{
		N = sizeof(group) / sizeof(group[0]),
	};
	LifeTable table = life_table_start(group, N);
	LifeTable slow = life_table_start(group, N);
	Golden golden = golden_open("kaplan_meier.csv");

	(void) state;
	while (golden_next(&golden))
	{
		double low;
		double high;

		assert_true(life_table_step_to_end(&table));
		assert_int_equal(table.period, (int) golden.field[0]);
		assert_int_equal(table.at_risk, (int) golden.field[1]);
		assert_int_equal(table.ended, (int) golden.field[2]);
		assert_golden(&golden, "survival", table.survival, golden.field[3], 1e-15, 0.0);
		assert_golden(&golden, "standard error", life_table_std_error(&table), golden.field[4], 1e-14, 0.0);
		life_table_interval(&table, 0.95, &low, &high);
		assert_golden(&golden, "low", low, golden.field[5], 1e-14, 0.0);
		assert_golden(&golden, "high", high, golden.field[6], 1e-14, 0.0);

		/* period by period it is the same */
		while (slow.period < table.period)
			life_table_step(&slow);
		assert_true(slow.survival == table.survival && slow.greenwood == table.greenwood &&
					slow.at_risk == table.at_risk && slow.retention == table.retention);
	}
	assert_false(life_table_step_to_end(&table));

	for (; slow.period < 35; life_table_step(&slow))
		assert_true(slow.at_risk > 0);
	assert_true(slow.at_risk == 1 && slow.survival == table.survival && slow.retention == 1.0);
	life_table_step(&slow);
	assert_true(slow.at_risk == 0 && isnan(slow.survival) && isnan(slow.retention));
}

static void
test_life_table_edges(void **state)
{
	static const ContractCell group[] = {{0, 0, 5}, {2, 3, 0}};
	LifeTable table = life_table_start(group, 2);
	double low;
	double high;

	(void) state;
	assert_true(table.survival == 1.0 && table.at_risk == 8 && isnan(table.retention));
	life_table_step(&table);
	assert_true(table.survival == 1.0 && table.at_risk == 3 && table.retention == 1.0);
	life_table_interval(&table, 0.9, &low, &high);
	assert_true(low == 1.0 && high == 1.0 && life_table_std_error(&table) == 0.0);
	life_table_step(&table);
	assert_true(table.survival == 0.0 && isnan(life_table_std_error(&table)));
	life_table_interval(&table, 0.9, &low, &high);
	assert_true(isnan(low) && isnan(high));
	life_table_step(&table);
	assert_true(table.survival == 0.0 && isnan(table.retention) && isnan(life_table_std_error(&table)));

	table = life_table_start(NULL, 0);
	assert_false(life_table_step_to_end(&table));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_survival),         cmocka_unit_test(test_survival_is_product_of_retention),
		cmocka_unit_test(test_gradient),         cmocka_unit_test(test_hessian),
		cmocka_unit_test(test_sbg_lifetime),     cmocka_unit_test(test_residual),
		cmocka_unit_test(test_undiscounted),     cmocka_unit_test(test_everywhere),
		cmocka_unit_test(test_published_fits),   cmocka_unit_test(test_random_starts),
		cmocka_unit_test(test_recovery),         cmocka_unit_test(test_degenerate),
		cmocka_unit_test(test_billions),         cmocka_unit_test(test_kaplan_meier),
		cmocka_unit_test(test_life_table_edges),
	};

	return cmocka_run_group_tests_name("contract", tests, NULL, NULL);
}
