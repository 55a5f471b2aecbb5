/*
 * test_cnbd.c
 *	  BG/CNBD-k and MBG/CNBD-k against values computed with 24 to 60 digits, and
 *	  against BG/NBD and MBG/NBD, which they are for k = 1.
 *
 * The discounted orders were computed as a mean over the rate of the stages, in
 * mpmath: of F(1, b; a + b; v^k) for an infinite horizon, and of the sum over the
 * purchases, each with its incomplete gamma function, for a finite one. Neither
 * integrates over time or over p, which is what the functions tested here do.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>

#include "models/cnbd/cnbd.h"
#include "models/core/fit.h"

static const Model *const with_rhythm[] = {&bgcnbd_model, &mbgcnbd_model};
static const Model *const without[] = {&bgnbd_model, &mbgnbd_model};

static void
check_scores(const Model *model, const char *name)
{
	Golden golden = golden_open(name);

	while (golden_next(&golden))
	{
		const double *params = golden.field;
		double x = golden.field[5];
		double t_x = golden.field[6];
		double T = golden.field[7];
		double gaps = (params[CNBD_K] - 1.0) * golden.field[8];
		Population *one = one_customer(x, t_x, T);

		one->log_gaps = golden.field[8];
		assert_golden(&golden, "log-likelihood", model->customer_log_likelihood(params, x, t_x, T) + gaps,
					  golden.field[9], 1e-13, 1.0);
		assert_golden(&golden, "log-likelihood of a population", model->log_likelihood(one, params, NULL, NULL),
					  golden.field[9], 1e-13, 1.0);
		population_free(one);
		if (golden.field[10] < 1e-290)
			continue;
		assert_golden(&golden, "alive_prob", model->prob_alive(params, x, t_x, T), golden.field[10], 1e-12, 0.0);
		assert_golden(&golden, "expected_transactions", model_expected_transactions(model, params, x, t_x, T, 32.0),
					  golden.field[11], 1e-12, 0.0);
	}
}

static void
test_scores(void **state)
{
	(void) state;
	check_scores(&bgcnbd_model, "bgcnbd.csv");
	check_scores(&mbgcnbd_model, "mbgcnbd.csv");
}

static void
test_gradient(void **state)
{
	(void) state;
	check_gradient(&bgcnbd_model, "bgcnbd_gradient.csv", 1e-11);
	check_gradient(&mbgcnbd_model, "mbgcnbd_gradient.csv", 1e-11);
}

static void
test_discounted_orders(void **state)
{
	(void) state;
	check_discounted_orders(&bgcnbd_model, "bgcnbd_discounted_transactions.csv", 1e-11);
	check_discounted_orders(&mbgcnbd_model, "mbgcnbd_discounted_transactions.csv", 1e-11);
}

/* The times between purchases count for k > 1, and are not asked for when k = 1. */
static void
test_log_gaps(void **state)
{
	(void) state;
	for (int i = 0; i < 2; i++)
	{
		const Model *model = with_rhythm[i];
		double params[CNBD_PARAMS] = {0.85, 1.45, 0.79, 2.42, 1.0};
		Population *one = one_customer(2, 20, 30);
		double known;

		one->log_gaps = NAN;
		assert_true(isfinite(model->log_likelihood(one, params, NULL, NULL)));
		params[CNBD_K] = 3.0;
		assert_true(isnan(model->log_likelihood(one, params, NULL, NULL)));
		one->log_gaps = 0.0;
		known = model->log_likelihood(one, params, NULL, NULL);
		one->log_gaps = 5.0;
		assert_near(model->log_likelihood(one, params, NULL, NULL), known + 2.0 * 5.0, 1e-14);
		population_free(one);
	}
}

/* Customers with little and much, recent and old history. */
static const double histories[][3] = {{0, 0, 30}, {0, 0, 300},    {1, 10, 30},   {2, 28.5, 30},
									  {7, 5, 39}, {26, 30.9, 31}, {30, 200, 310}};

#define N_HISTORIES ((int) (sizeof(histories) / sizeof(histories[0])))

/* Without a rhythm, everything is as it was. */
static void
test_k_1(void **state)
{
	static const double params[][CNBD_PARAMS] = {{0.24, 4.4, 0.79, 2.4, 1},
												 {3.0, 40.0, 0.1, 5.0, 1},
												 {0.05, 0.3, 8.0, 0.2, 1}};
	static const double horizons[] = {1e-6, 1.0, 52.0, 1e4};

	(void) state;
	for (int i = 0; i < 2 * 3 * N_HISTORIES; i++)
	{
		const Model *model = with_rhythm[i % 2];
		const Model *known = without[i % 2];
		const double *p = params[i / 2 % 3];
		double x = histories[i / 6][0];
		double t_x = histories[i / 6][1];
		double T = histories[i / 6][2];
		Population *one = one_customer(x, t_x, T);
		double gradient[2][4];
		double hessian[2][16];

		assert_near(model->customer_log_likelihood(p, x, t_x, T), known->customer_log_likelihood(p, x, t_x, T), 1e-13);
		assert_near(model->log_likelihood(one, p, gradient[0], hessian[0]),
					known->log_likelihood(one, p, gradient[1], hessian[1]), 1e-13);
		for (int k = 0; k < 4; k++)
			assert_true(relative_error(gradient[0][k], gradient[1][k], 1e-3) < 1e-12);
		for (int k = 0; k < 16; k++)
			assert_true(relative_error(hessian[0][k], hessian[1][k], 1e-3) < 1e-11);
		population_free(one);

		assert_near(model->prob_alive(p, x, t_x, T), known->prob_alive(p, x, t_x, T), 1e-12);
		assert_near(model->expected_transactions_if_alive(p, x, t_x, T, INFINITY, 0.003),
					known->expected_transactions_if_alive(p, x, t_x, T, INFINITY, 0.003), 1e-11);
		assert_near(model->next_order_quantile(p, x, t_x, T, 0.4), known->next_order_quantile(p, x, t_x, T, 0.4),
					1e-11);
		for (int h = 0; h < 4; h++)
		{
			assert_near(model->expected_transactions_if_alive(p, x, t_x, T, horizons[h], 0.0),
						known->expected_transactions_if_alive(p, x, t_x, T, horizons[h], 0.0), 1e-12);
			assert_near(model->expected_transactions_if_alive(p, x, t_x, T, horizons[h], 0.003),
						known->expected_transactions_if_alive(p, x, t_x, T, horizons[h], 0.003), 1e-11);
			assert_near(model->new_customer_transactions(p, horizons[h]),
						known->new_customer_transactions(p, horizons[h]), 1e-12);
			assert_near(model->order_prob(p, x, t_x, T, horizons[h]), known->order_prob(p, x, t_x, T, horizons[h]),
						1e-12);
			for (double j = 0.0; j < 5.0; j++)
			{
				assert_near(model->new_customer_transactions_pmf(p, horizons[h], j),
							known->new_customer_transactions_pmf(p, horizons[h], j), 1e-11);
				assert_near(model->future_transactions_pmf(p, x, t_x, T, horizons[h], j),
							known->future_transactions_pmf(p, x, t_x, T, horizons[h], j), 1e-11);
			}
		}
	}
}

/*
 * Long sums are taken as means over p. Both must say the same: by the chance of
 * each number of orders, of which there are as many as it takes.
 */
static void
test_two_routes(void **state)
{
	static const double params[][CNBD_PARAMS] = {{0.3, 2.0, 0.8, 2.5, 3},
												 {60.0, 1.0, 1.5, 9.0, 6},
												 {2.0, 0.5, 3.0, 1.0, 2},
												 {9.0, 0.1, 2.0, 2.0, 12}};

	(void) state;
	for (int i = 0; i < 4; i++)
		for (double t = 100.0; t < 1e3; t *= 3.0)
		{
			const double *p = params[i];
			double mean = 0.0;
			double term = 1.0;

			for (double j = 1.0; j < 1e5 && (term > 1e-14 * mean || j < 10.0); j++)
			{
				term = j * bgcnbd_model.future_transactions_pmf(p, 2.0, 3.0, 4.0, t, j);
				mean += term;
			}
			print_message("k = %g, t = %g: %.15g\n", p[CNBD_K], t, mean);
			assert_near(model_expected_transactions(&bgcnbd_model, p, 2.0, 3.0, 4.0, t), mean, 1e-10);
		}
}

/*
 * An infinite horizon is a mean over the rates, a long one an integral over time, at
 * first of the sum and later of means over p. Where nothing is left to come, both
 * must say the same.
 */
static void
test_long_horizons(void **state)
{
	/* short sums; long ones; dropout trials far apart; all gone at once */
	static const double customers[][CNBD_PARAMS] = {{2.0, 4.0, 0.5, 4.0, 3},
													{2.0, 0.1, 0.5, 4.0, 6},
													{9.0, 0.1, 1e-3, 1e-3, 2},
													{400.0, 1.0, 3e5, 4e5, 1}};

	(void) state;
	for (int i = 0; i < 4; i++)
		for (double delta = 0.02; delta < 10.0; delta *= 10.0)
		{
			const double *params = customers[i];
			double horizon = (40.0 + 2.5 * params[CNBD_K]) / delta;
			double for_ever = bgcnbd_model.expected_transactions_if_alive(params, 3, 4, 5, INFINITY, delta);

			assert_true(bgcnbd_model.expected_transactions_if_alive(params, 3, 4, 5, 1.01 * horizon, delta) ==
						for_ever);
			assert_near(bgcnbd_model.expected_transactions_if_alive(params, 3, 4, 5, 0.99 * horizon, delta), for_ever,
						1e-11);
		}
}

/* The same customer, but for when the last purchase was: someone with a rhythm is due. */
static void
test_recency_matters(void **state)
{
	const double params[CNBD_PARAMS] = {2.0, 4.0, 0.5, 4.0, 6.0};

	(void) state;
	assert_true(bgcnbd_model.recency_matters && mbgcnbd_model.recency_matters);
	assert_true(bgcnbd_model.next_order_quantile(params, 10, 29.9, 30, 0.5) >
				1.5 * bgcnbd_model.next_order_quantile(params, 10, 28, 30, 0.5));
	assert_true(bgcnbd_model.expected_transactions_if_alive(params, 10, 29.9, 30, 3, 0) <
				bgcnbd_model.expected_transactions_if_alive(params, 10, 28, 30, 3, 0));
}

/* A k that nobody asked for is not answered, nor does it do harm. */
static void
test_k_too_large(void **state)
{
	const double params[CNBD_PARAMS] = {0.85, 1.45, 0.79, 2.42, CNBD_MAX_K + 1.0};

	(void) state;
	for (int i = 0; i < 2; i++)
	{
		const Model *model = with_rhythm[i];
		Population *one = one_customer(2, 20, 30);

		one->log_gaps = 1.0;
		assert_true(isnan(model->log_likelihood(one, params, NULL, NULL)));
		assert_true(isnan(model->customer_log_likelihood(params, 2, 20, 30)));
		assert_true(isnan(model->prob_alive(params, 2, 20, 30)));
		assert_true(isnan(model->expected_transactions_if_alive(params, 2, 20, 30, 10, 0)));
		assert_true(isnan(model->new_customer_transactions(params, 10)));
		assert_true(isnan(model->new_customer_transactions_pmf(params, 10, 1)));
		assert_true(isnan(model->future_transactions_pmf(params, 2, 20, 30, 10, 1)));
		assert_true(isnan(model->future_transactions_pmf(params, 2, 20, 30, 10, 0)));
		assert_true(isnan(model->order_prob(params, 2, 20, 30, 10)));
		assert_true(isnan(model->next_order_quantile(params, 2, 20, 30, 0.5)));
		population_free(one);
	}
}

/*
 * Customers of an online shop for groceries, from the authors of the model (package
 * BTYDplus): a year of purchases, by cell.
 */
#define GROCERY_LOG_GAPS 5539.048349633356

static Population *
grocery(void)
{
	Golden golden = golden_open("grocery.csv");
	PopulationCell *cells = test_host.alloc(sizeof(PopulationCell) * 1525);
	Population *population;
	size_t n = 0;

	while (golden_next(&golden))
		cells[n++] = (PopulationCell){
			.x = (uint32_t) golden.field[0],
			.t_x_days = (int32_t) golden.field[1],
			.T_days = (int32_t) golden.field[2],
			.customers = golden.field[3],
		};
	population = population_build(&test_host, cells, n, 7.0);
	population->log_gaps = GROCERY_LOG_GAPS;
	test_host.release(cells);
	return population;
}

/* A model with its k given. */
typedef struct Regularity
{
	const Model *model;
	const Population *population;
	double k;
} Regularity;

static double
likelihood_given_k(void *data, const double *params, double *gradient, double *hessian)
{
	const Regularity *given = data;
	const double all[CNBD_PARAMS] = {params[CNBD_R], params[CNBD_ALPHA], params[CNBD_A], params[CNBD_B], given->k};

	return given->model->log_likelihood(given->population, all, gradient, hessian);
}

/* What the population is expected to order in the next year. */
static double
sum_of_orders(const Model *model, const Population *population, const double *params)
{
	double sum = 0.0;

	for (size_t f = 0; f < population->n_frequencies; f++)
	{
		const FrequencyClass *class = &population->frequencies[f];

		for (size_t i = class[0].first_age; i < class[1].first_age && class->x == 0; i++)
			sum += population->ages[i].customers *
				model_expected_transactions(model, params, 0, 0, population->ages[i].T, 52.0);
		for (size_t i = class[0].first_recency; i < class[1].first_recency; i++)
			for (size_t k = population->recencies[i].first_cell; k < population->recencies[i + 1].first_cell; k++)
				sum += population->cells[k].customers *
					model_expected_transactions(model, params, class->x, population->recencies[i].t_x,
												population->ages[population->cells[k].age].T, 52.0);
	}
	return sum;
}

/* Likelihoods and parameters as published; expectations exact, where the package approximates. */
static void
test_grocery(void **state)
{
	static const struct
	{
		const Model *model;
		double params[CNBD_PARAMS];
		double log_likelihood;
		double orders; /* of the next year */
	} fits[] = {{&mbgcnbd_model,
				 {1.2569384335055576, 6.0392418878449305, 0.36828192242275837, 0.7157747437465778, 1},
				 -15781.939374927686,
				 4024.8242722451164},
				{&mbgcnbd_model,
				 {1.3291848903454606, 2.8125703130615154, 0.42471097887139175, 0.7900317278321741, 2},
				 -14978.210731587464,
				 3811.5386480277098},
				{&mbgcnbd_model,
				 {1.3026234410594724, 1.749790328070777, 0.44944273035823357, 0.8354088411387276, 3},
				 -14996.85041579911,
				 3710.032668136009},
				{&mbgcnbd_model, {0, 0, 0, 0, 4}, -15326.9226, 0},
				{&bgcnbd_model,
				 {0.34864541136039123, 2.58166387976548, 0.5038463303181575, 3.644379434240086, 1},
				 -15836.566230554328,
				 3996.4061570177855},
				{&bgcnbd_model,
				 {0.35906520363851835, 1.1293898552914305, 0.5228119214443205, 2.7853739292497903, 2},
				 -15054.172904385858,
				 3818.431927794263}};
	Population *population = grocery();

	(void) state;
	for (int i = 0; i < 6; i++)
	{
		const double *params = fits[i].params;
		Regularity given = {fits[i].model, population, params[CNBD_K]};
		double start[CNBD_PARAMS];
		double centre[CNBD_PARAMS];
		Fit fit;

		given.model->start(population, start);
		given.model->prior_centre(population, centre);
		fit_likelihood(&test_host, likelihood_given_k, &given, 4, start, centre, &fit);
		assert_true(fit.converged && fit.prior_sd == 0.0);
		print_message("%s, k = %g: log-likelihood %.4f after %d evaluations\n", given.model->name, params[CNBD_K],
					  fit.log_likelihood, fit.iterations);
		assert_true(fabs(fit.log_likelihood - fits[i].log_likelihood) < (params[CNBD_R] > 0 ? 1e-7 : 1e-4));
		if (params[CNBD_R] == 0)
			continue;
		/* ours is the peak itself; theirs is as near as their optimiser went */
		assert_true(fit.log_likelihood > fits[i].log_likelihood - 1e-10);
		for (int k = 0; k < 4; k++)
			assert_near(fit.params[k], params[k], 1e-4);
		assert_near(sum_of_orders(given.model, population, params), fits[i].orders, 1e-10);
	}
	population_free(population);
}

/* The search among all k finds the same. */
static void
test_grocery_k(void **state)
{
	Population *population = grocery();
	CovariateClass all = {.population = population};

	(void) state;
	for (int i = 0; i < 2; i++)
	{
		Fit fit;

		fit_timing(&test_host, with_rhythm[i], &all, 1, 0, 0.0, &fit);
		assert_true(fit.converged && fit.prior_sd == 0.0);
		assert_true(fit.params[CNBD_K] == 2.0);
		assert_near(fit.log_likelihood, i == 0 ? -15054.172904385858 : -14978.210731587464, 1e-11);
	}
	population_free(population);
}

/*
 * A discount of nearly nothing changes nearly nothing: the integral of the rate of
 * purchases, by polynomials, is their sum, which is computed in another way.
 */
static void
test_rates_add_up(void **state)
{
	Random random = random_start(11, 0);

	(void) state;
	for (int i = 0; i < 1500; i++)
	{
		const Model *subject = i % 2 == 0 ? &bgcnbd_model : &mbgcnbd_model;
		double params[] = {anywhere_between(&random, 0.01, 20.0), anywhere_between(&random, 0.1, 1e4),
						   anywhere_between(&random, 1e-3, 10.0), anywhere_between(&random, 0.05, 10.0), 1.0 + i % 24};
		double x = i % 3 == 0 ? 0.0 : floor(anywhere_between(&random, 1.0, 2000.0));
		double t_x = x > 0.0 ? anywhere_between(&random, 1.0, 5000.0) : 0.0;
		double T = t_x + anywhere_between(&random, 1.0, 10957.0 - t_x);
		double horizon = i % 5 == 0 ? 1.0 : anywhere_between(&random, 1.0, 18262.0);
		double orders = subject->expected_transactions_if_alive(params, x, t_x, T, horizon, 0.0);

		if (orders > 1e-290)
			assert_near(subject->expected_transactions_if_alive(params, x, t_x, T, horizon, 1e-13 / horizon) / orders,
						1.0, 1e-10);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scores),        cmocka_unit_test(test_discounted_orders),
		cmocka_unit_test(test_gradient),      cmocka_unit_test(test_log_gaps),
		cmocka_unit_test(test_k_1),           cmocka_unit_test(test_two_routes),
		cmocka_unit_test(test_long_horizons), cmocka_unit_test(test_recency_matters),
		cmocka_unit_test(test_k_too_large),   cmocka_unit_test(test_grocery),
		cmocka_unit_test(test_grocery_k),     cmocka_unit_test(test_rates_add_up),
	};

	return cmocka_run_group_tests_name("(M)BG/CNBD-k", tests, NULL, NULL);
}
