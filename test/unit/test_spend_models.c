/*
 * test_spend_models.c
 *	  What every model of amounts must hold: derivatives, the unit of money, draws and totals.
 *
 * All models of the table are tried, each at the parameters its fits start from.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static const SpendPoint some_points[] = {{1, 0.7, 3.0}, {1, 1.9, 2.0}, {2, 1.5, 1.0}, {7, 9.0, 2.5}};

#define N_POINTS (sizeof(some_points) / sizeof(some_points[0]))
#define CUSTOMERS 8.5

static double
likelihood_near(const SpendModel *model, const double *params, int i, double step, double *gradient)
{
	double near[SPEND_MAX_PARAMS];

	memcpy(near, params, sizeof(near));
	near[i] += step;
	return model->log_likelihood(some_points, N_POINTS, near, gradient, NULL);
}

static void
derivatives_agree(void **state)
{
	const SpendModel *model;

	(void) state;
	assert_non_null(spend_model_at(0));
	for (int m = 0; (model = spend_model_at(m)) != NULL; m++)
	{
		int n = model->n_params;
		double gradient[SPEND_MAX_PARAMS];
		double hessian[SPEND_MAX_PARAMS * SPEND_MAX_PARAMS];

		assert_true(n >= 1 && n <= SPEND_MAX_PARAMS && model->money_param >= 0 && model->money_param < n);
		model->log_likelihood(some_points, N_POINTS, model->start, gradient, hessian);
		for (int i = 0; i < n; i++)
		{
			double step = 1e-5 * model->start[i];
			double above[SPEND_MAX_PARAMS];
			double below[SPEND_MAX_PARAMS];
			double difference = likelihood_near(model, model->start, i, step, above) -
				likelihood_near(model, model->start, i, -step, below);

			assert_near(gradient[i], difference / (2.0 * step), 1e-6);
			for (int k = 0; k < n; k++)
				assert_near(hessian[i * n + k], (above[k] - below[k]) / (2.0 * step), 1e-6);
		}
	}
}

/* In another unit of money only money_param differs, and the density of the mean amount. */
static void
money_has_any_unit(void **state)
{
	const SpendModel *model;

	(void) state;
	for (int m = 0; (model = spend_model_at(m)) != NULL; m++)
	{
		SpendPoint cents[N_POINTS];
		double params[SPEND_MAX_PARAMS];

		memcpy(params, model->start, sizeof(params));
		params[model->money_param] *= 100.0;
		memcpy(cents, some_points, sizeof(cents));
		for (size_t i = 0; i < N_POINTS; i++)
			cents[i].total *= 100.0;
		assert_near(model->log_likelihood(cents, N_POINTS, params, NULL, NULL),
					model->log_likelihood(some_points, N_POINTS, model->start, NULL, NULL) - CUSTOMERS * log(100.0),
					1e-9);
		assert_near(model->expected_spend(params, 3.0, 70.0), 100.0 * model->expected_spend(model->start, 3.0, 0.7),
					1e-9);
	}
}

static double
cdf_at(const SpendModel *model, const SpendTotal *total, double n, double z, double *density)
{
	return model->total_cdf(total, n, model->total_constant(total, n), z, density);
}

/* The mean of one more order is the expected amount, and the density is the derivative. */
static void
totals_have_their_mean(void **state)
{
	static const double known[][2] = {{0.0, NAN}, {3.0, 2.1}};
	const SpendModel *model;

	(void) state;
	for (int m = 0; (model = spend_model_at(m)) != NULL; m++)
		for (int k = 0; k < 2; k++)
		{
			SpendTotal total = model->total_of(model->start, known[k][0], known[k][1]);
			double step = 0.01;
			double mean = 0.0;
			double density;

			for (double z = -30.0; z < 30.0; z += step)
				mean += step * total.scale * exp(z) * (1.0 - cdf_at(model, &total, 1.0, z, &density));
			assert_near(mean, model->expected_spend(model->start, known[k][0], known[k][1] / known[k][0]), 1e-6);

			for (double z = 0.0; z < 3.0; z += 0.7)
			{
				double unused;
				double difference =
					cdf_at(model, &total, 4.0, z + 1e-5, &unused) - cdf_at(model, &total, 4.0, z - 1e-5, &unused);

				cdf_at(model, &total, 4.0, z, &density);
				assert_true(fabs(density - difference / 2e-5) <= 1e-8);
			}
		}
}

static int
compare(const void *a, const void *b)
{
	double difference = *(const double *) a - *(const double *) b;

	return (difference > 0.0) - (difference < 0.0);
}

/* Three amounts of a customer who was drawn come to what the distribution of a total says. */
static void
draws_agree(void **state)
{
	enum
	{
		DRAWS = 20000,
		ORDERS = 3,
	};
	double *totals = malloc(DRAWS * sizeof(double));
	const SpendModel *model;

	(void) state;
	for (int m = 0; (model = spend_model_at(m)) != NULL; m++)
	{
		Random random = random_start(11, (uint64_t) m);
		SpendTotal total = model->total_of(model->start, 0.0, NAN);
		double worst = 0.0;
		double density;

		for (int i = 0; i < DRAWS; i++)
		{
			SpendCustomer customer = model->draw_customer(model->start, &random);

			totals[i] = 0.0;
			for (int n = 0; n < ORDERS; n++)
				totals[i] += model->draw_amount(&customer, &random);
		}
		qsort(totals, DRAWS, sizeof(double), compare);
		for (int i = 0; i < DRAWS; i += 97)
			worst = larger_error(worst,
								 fabs(cdf_at(model, &total, ORDERS, log(totals[i] / total.scale), &density) -
									  (i + 0.5) / DRAWS));
		/* Kolmogorov's 99.9 % */
		assert_true(worst <= 1.95 / sqrt(DRAWS));
	}
	free(totals);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derivatives_agree),
		cmocka_unit_test(money_has_any_unit),
		cmocka_unit_test(totals_have_their_mean),
		cmocka_unit_test(draws_agree),
	};

	return cmocka_run_group_tests_name("spend models", tests, NULL, NULL);
}
