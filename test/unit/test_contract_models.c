/*
 * test_contract_models.c
 *	  What every retention model must hold: derivatives, survival and residual lifetimes, fits.
 *
 * All models of the table are tried, and one that is not in it: customers whose chance to renew is the same at
 * every renewal. What is computed through the interface must not rest on what the others happen to be.
 */
#include "support.h"

#include <math.h>
#include <string.h>

#include "models/retention/retention.h"

/* The geometric model: odds are those of a renewal. */
static double
geometric_ln_survival(const ContractModel *model, const double *params, double tenure, double periods)
{
	(void) model;
	(void) tenure;
	return -periods * log1p(1.0 / params[0]);
}

static double
geometric_residual(const ContractModel *model, const double *params, double tenure, double delta)
{
	double renewal = params[0] / (1.0 + params[0]);

	(void) model;
	(void) tenure;
	return renewal / (1.0 - renewal * exp(-delta));
}

static double
geometric_log_likelihood(const ContractData *data, const double *params, double *gradient, double *hessian)
{
	double odds = params[0];
	double made = 0.0;
	double missed = 0.0;

	for (size_t i = 0; i < data->n_cells; i++)
	{
		const ContractCell *cell = &data->cells[i];

		made += (double) cell->alive * cell->tenure + (double) cell->ended * (cell->tenure - 1.0);
		missed += (double) cell->ended;
	}
	if (gradient != NULL)
		gradient[0] = made / odds - (made + missed) / (1.0 + odds);
	if (hessian != NULL)
		hessian[0] = (made + missed) / ((1.0 + odds) * (1.0 + odds)) - made / (odds * odds);
	return made * log(odds) - (made + missed) * log1p(odds);
}

static double
geometric_likelihood(void *data, const double *params, double *gradient, double *hessian)
{
	return geometric_log_likelihood(data, params, gradient, hessian);
}

static void
geometric_fit(const ContractData *data, Fit *fit)
{
	ContractData copy = *data;

	fit_likelihood(data->host, geometric_likelihood, &copy, 1, (double[]){3.0}, (double[]){1.0}, fit);
}

static const ContractModel geometric_model = {
	.id = 200,
	.name = "geometric",
	.n_params = 1,
	.param_names = {"odds"},
	.ln_survival = geometric_ln_survival,
	.residual = geometric_residual,
	.log_likelihood = geometric_log_likelihood,
	.fit = geometric_fit,
};

/* The models of the table, then the one of the tests; NULL after that. */
static const ContractModel *
model_at(int i)
{
	if (contract_model_at(i) != NULL)
		return contract_model_at(i);
	return i > 0 && contract_model_at(i - 1) != NULL ? &geometric_model : NULL;
}

/* Parameters that suit any model of positive numbers around one. */
static const double some_params[CONTRACT_MAX_PARAMS] = {1.7, 4.2, 1.3};

static const ContractCell some_cells[] = {{0, 0, 5}, {1, 30, 4}, {2, 12, 7}, {5, 8, 9}, {12, 3, 20}};

static ContractData
some_data(const ContractModel *model)
{
	return (ContractData){&test_host, model, some_cells, sizeof(some_cells) / sizeof(some_cells[0])};
}

static void
table_is_in_order(void **state)
{
	const ContractModel *model;

	(void) state;
	for (int i = 0; (model = model_at(i)) != NULL; i++)
	{
		for (int k = 0; k < i; k++)
			assert_true(model_at(k)->id != model->id && strcmp(model_at(k)->name, model->name) != 0);
		assert_true(model->id > 0 && model->id <= 255);
		assert_true(model->n_params >= 1 && model->n_params <= CONTRACT_MAX_PARAMS);
		if (contract_model_at(i) != NULL)
			assert_true(contract_model_by_id(model->id) == model && contract_model_by_name(model->name) == model);
	}
	assert_null(contract_model_by_name("geometric"));
	assert_null(contract_model_by_id(0));
}

static void
derivatives_agree(void **state)
{
	const ContractModel *model;

	(void) state;
	for (int m = 0; (model = model_at(m)) != NULL; m++)
	{
		ContractData data = some_data(model);
		int n = model->n_params;
		double gradient[CONTRACT_MAX_PARAMS];
		double hessian[CONTRACT_MAX_PARAMS * CONTRACT_MAX_PARAMS];

		contract_log_likelihood(&data, some_params, gradient, hessian);
		for (int i = 0; i < n; i++)
		{
			double step = 1e-5 * some_params[i];
			double high[CONTRACT_MAX_PARAMS];
			double low[CONTRACT_MAX_PARAMS];
			double above[CONTRACT_MAX_PARAMS];
			double below[CONTRACT_MAX_PARAMS];
			double difference;

			memcpy(high, some_params, sizeof(high));
			memcpy(low, some_params, sizeof(low));
			high[i] += step;
			low[i] -= step;
			difference =
				contract_log_likelihood(&data, high, above, NULL) - contract_log_likelihood(&data, low, below, NULL);
			assert_near(gradient[i], difference / (2.0 * step), 1e-6);
			for (int k = 0; k < n; k++)
				assert_near(hessian[i * n + k], (above[k] - below[k]) / (2.0 * step), 1e-6);
		}
	}
}

/* The likelihood is of what survival says, steps of it multiply, and a residual lifetime adds them up. */
static void
survival_agrees(void **state)
{
	const ContractModel *model;

	(void) state;
	for (int m = 0; (model = model_at(m)) != NULL; m++)
	{
		const double delta = 0.1;
		ContractData data = some_data(model);
		double expected = 0.0;
		double sum = 0.0;

		for (size_t i = 0; i < data.n_cells; i++)
		{
			const ContractCell *cell = &some_cells[i];
			double to = contract_ln_survival(model, some_params, 0, cell->tenure);

			expected += (double) cell->alive * to;
			if (cell->ended > 0)
				expected += (double) cell->ended *
					log(exp(contract_ln_survival(model, some_params, 0, cell->tenure - 1.0)) - exp(to));
		}
		assert_near(contract_log_likelihood(&data, some_params, NULL, NULL), expected, 1e-10);
		assert_near(contract_ln_survival(model, some_params, 4, 9),
					contract_ln_survival(model, some_params, 4, 2) + contract_ln_survival(model, some_params, 6, 7),
					1e-12);
		for (int k = 1; k < 2000; k++)
			sum += exp(contract_ln_survival(model, some_params, 4, k) - delta * (k - 1));
		assert_near(contract_residual(model, some_params, 4, delta), sum, 1e-10);
	}
}

/* A fit of what a model expects finds the model. */
static void
fits_recover(void **state)
{
	const ContractModel *model;

	(void) state;
	for (int m = 0; (model = model_at(m)) != NULL; m++)
	{
		ContractCell cells[24];
		ContractData data = {&test_host, model, cells, 24};
		double survival = 1.0;
		Fit fit;

		for (int t = 1; t <= 24; t++)
		{
			double next = exp(contract_ln_survival(model, some_params, 0, t));

			cells[t - 1] = (ContractCell){(uint32_t) t, (int64_t) rint(1e12 * (survival - next)), 0};
			survival = next;
		}
		cells[23].alive = (int64_t) rint(1e12 * survival);
		contract_fit(&data, &fit);
		assert_true(fit.converged && fit.prior_sd == 0.0);
		assert_int_equal(fit.n_params, model->n_params);
		for (int i = 0; i < model->n_params; i++)
			assert_near(fit.params[i], some_params[i], 1e-4);
	}
	assert_int_equal(blocks_held, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_in_order),
		cmocka_unit_test(derivatives_agree),
		cmocka_unit_test(survival_agrees),
		cmocka_unit_test(fits_recover),
	};

	return cmocka_run_group_tests_name("retention models", tests, NULL, NULL);
}
