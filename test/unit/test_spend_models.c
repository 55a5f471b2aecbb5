/*
 * test_spend_models.c
 *	  What every model of amounts must hold: derivatives, the unit of money, draws and totals.
 *
 * All models of the table are tried, each at the parameters its fits start from, and one that is not in it: what
 * is computed through the interface must not rest on what gamma-gamma happens to be.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "gamma_lognormal.h"
#include "models/core/fit.h"
#include "models/core/simulate.h"
#include "models/spend/value_prediction.h"

/* The models of the table, then the one of the tests; NULL after that. */
static const SpendModel *
model_at(int i)
{
	return spend_model_at(i) != NULL             ? spend_model_at(i)
		: i > 0 && spend_model_at(i - 1) != NULL ? &gamma_lognormal_model
												 : NULL;
}

/* Names, ids and the default. */
static void
table_is_in_order(void **state)
{
	const SpendModel *model;

	(void) state;
	for (int i = 0; (model = model_at(i)) != NULL; i++)
	{
		for (int k = 0; k < i; k++)
			assert_true(model_at(k)->id != model->id && strcmp(model_at(k)->name, model->name) != 0);
		assert_true(model->id >= 0 && model->id <= 255);
		if (spend_model_at(i) != NULL)
			assert_true(spend_model_by_id(model->id) == model && spend_model_by_name(model->name) == model);
	}
	assert_string_equal(spend_model_by_id(SPEND_DEFAULT_ID)->name, "gamma-gamma");
	assert_true(spend_model_by_name("GAMMA-GAMMA") == spend_model_by_id(SPEND_DEFAULT_ID));
	assert_null(spend_model_by_name("gamma"));
	assert_null(spend_model_by_id(gamma_lognormal_model.id));
}

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
	for (int m = 0; (model = model_at(m)) != NULL; m++)
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
	for (int m = 0; (model = model_at(m)) != NULL; m++)
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

/* The expected amount with derivatives is the expected amount, and they are its. */
static void
means_agree(void **state)
{
	static const double known[][2] = {{0.0, 0.0}, {1.0, 0.4}, {3.0, 2.1}, {3.0, 9.0}};
	const SpendModel *model;

	(void) state;
	for (int m = 0; (model = model_at(m)) != NULL; m++)
		for (int k = 0; k < 4; k++)
		{
			double x = known[k][0];
			double average = x > 0.0 ? known[k][1] / x : 0.0;
			SpendMean mean = model->mean(model->start, x, known[k][1]);
			double spend = model->linear ? known[k][1] : 0.0;

			assert_near(mean.worth * (mean.amount + spend), model->expected_spend(model->start, x, average), 1e-12);
			for (int i = 0; i < model->n_params; i++)
			{
				double high[SPEND_MAX_PARAMS];
				double low[SPEND_MAX_PARAMS];

				memcpy(high, model->start, sizeof(high));
				memcpy(low, model->start, sizeof(low));
				high[i] *= exp(1e-5);
				low[i] *= exp(-1e-5);
				assert_true(fabs(mean.worth * (mean.amount * mean.of_amount[i] + spend * mean.of_spend[i]) -
								 (model->expected_spend(high, x, average) - model->expected_spend(low, x, average)) /
									 2e-5) <= 1e-8);
			}
			/* linear in what was spent, or not */
			if (x > 0.0)
			{
				SpendMean other = model->mean(model->start, x, 5.0 * known[k][1]);

				assert_int_equal(model->linear,
								 fabs(other.worth * other.amount - mean.worth * mean.amount) <= 1e-9 * mean.worth);
			}
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
	for (int m = 0; (model = model_at(m)) != NULL; m++)
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

/* Whether customers who spent differently have totals that differ in their scale alone is as the model says. */
static void
totals_have_a_shape(void **state)
{
	const SpendModel *model;

	(void) state;
	for (int m = 0; (model = model_at(m)) != NULL; m++)
	{
		SpendTotal total = model->total_of(model->start, 3.0, 2.1);
		SpendTotal other = model->total_of(model->start, 3.0, 21.0);
		double unused;

		assert_int_equal(model->total_has_one_shape,
						 fabs(cdf_at(model, &total, 2.0, 0.5, &unused) - cdf_at(model, &other, 2.0, 0.5, &unused)) <=
							 1e-12);
	}
}

/* A fit finds the parameters that amounts were drawn with, in any unit of money. */
static void
fits_recover(void **state)
{
	enum
	{
		CUSTOMERS_DRAWN = 4000,
	};
	SpendPoint *points = malloc(CUSTOMERS_DRAWN * sizeof(SpendPoint));
	const SpendModel *model;

	(void) state;
	for (int m = 0; (model = model_at(m)) != NULL; m++)
	{
		Random random = random_start(5, (uint64_t) m);
		Fit fit;

		for (int i = 0; i < CUSTOMERS_DRAWN; i++)
		{
			SpendCustomer customer = model->draw_customer(model->start, &random);

			points[i] = (SpendPoint){.x = 1 + (uint32_t) i % 7, .customers = 1.0};
			for (uint32_t n = 0; n < points[i].x; n++)
				points[i].total += 30.0 * model->draw_amount(&customer, &random);
		}
		fit_spend(&test_host, model, points, CUSTOMERS_DRAWN, &fit);
		assert_true(fit.converged && fit.prior_sd == 0.0);
		for (int i = 0; i < model->n_params; i++)
		{
			double param = model->start[i] * (i == model->money_param ? 30.0 : 1.0);

			assert_true(fit.identified[i] && fabs(fit.params[i] - param) <= 4.0 * fit.std_errors[i]);
			assert_true(fit.std_errors[i] < 0.5 * param);
		}
	}
	assert_int_equal(blocks_held, 0);
	free(points);
}

/* The range of a customer's value holds what is drawn as often as it says. */
static void
ranges_hold(void **state)
{
	enum
	{
		DRAWS = 4000,
	};
	/* 0 to 3 orders */
	static const double probs[] = {0.02, 0.18, 0.5, 0.3};
	const SpendModel *model;

	(void) state;
	for (int m = 0; (model = model_at(m)) != NULL; m++)
	{
		ValuePrediction prediction = {probs, 4, model, model->start, 0.0, NAN};
		ValueRange range = value_range(&test_host, &prediction, 0.8);
		Random random = random_start(6, (uint64_t) m);
		int held = 0;

		for (int i = 0; i < DRAWS; i++)
		{
			SpendCustomer customer = model->draw_customer(model->start, &random);
			double u = random_uniform(&random);
			double total = 0.0;
			int n = u < probs[0] ? 0 : u < probs[0] + probs[1] ? 1 : u < 1.0 - probs[3] ? 2 : 3;

			for (int order = 0; order < n; order++)
				total += model->draw_amount(&customer, &random);
			held += total >= range.low && total <= range.high;
		}
		assert_true(fabs((double) held / DRAWS - 0.8) <= 4.0 * sqrt(0.8 * 0.2 / DRAWS));
	}
	assert_int_equal(blocks_held, 0);
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
	for (int m = 0; (model = model_at(m)) != NULL; m++)
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
		cmocka_unit_test(table_is_in_order),
		cmocka_unit_test(derivatives_agree),
		cmocka_unit_test(money_has_any_unit),
		cmocka_unit_test(means_agree),
		cmocka_unit_test(totals_have_their_mean),
		cmocka_unit_test(totals_have_a_shape),
		cmocka_unit_test(fits_recover),
		cmocka_unit_test(ranges_hold),
		cmocka_unit_test(draws_agree),
	};

	return cmocka_run_group_tests_name("spend models", tests, NULL, NULL);
}
