/*
 * test_equity.c
 *	  What equity is summed from: interpolation against the models' own functions, exact
 *	  derivatives against differences, and sums that no split changes.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gamma_lognormal.h"
#include "models/decision/equity.h"
#include "models/decision/equity_customer.h"
#include "numerics/random.h"

static EquityTerms
terms_of(const Model *timing, const double *params, double delta)
{
	EquityTerms terms = {
		.timing = timing,
		.spend = &gammagamma_model,
		.margin = 0.3,
		.delta = delta,
		.other_delta = {0.8 * delta, 1.2 * delta},
	};

	memcpy(terms.params, params, timing->n_params * sizeof(double));
	memcpy(terms.spend_params, cdnow_spend, sizeof(cdnow_spend));
	for (int h = 0; h < EQUITY_HORIZONS; h++)
		terms.horizon[h] = equity_horizon_years[h] * 365.0 / 7;
	return terms;
}

static const Model *const smooth_models[] = {&paretonbd_model, &bgnbd_model, &mbgnbd_model};
static const double *const cdnow_params[] = {cdnow_paretonbd, cdnow_timing, cdnow_mbgnbd};

/* Parameters of a model somewhere around those of CDNOW. */
static void
params_around(Random *random, const double *around, double spread, double *params)
{
	for (int i = 0; i < 4; i++)
		params[i] = around[i] * anywhere_between(random, 1 / spread, spread);
}

/* What the model itself says. */
static double
model_orders(const EquityTerms *terms, const double *params, double x, double t_x, double T, double horizon,
			 double delta)
{
	return terms->timing->expected_transactions_if_alive(params, x, t_x, T, horizon, delta);
}

/* Orders and P(alive) of customers anywhere are those of the model. */
static void
test_interpolation(void **state)
{
	Random random = random_start(17, 0);
	double worst_orders = 0;
	double worst_alive = 0;
	double worst_gradient = 0;

	(void) state;
	for (int run = 0; run < 30; run++)
	{
		int model = run % 3;
		double params[4];
		EquityTerms terms;
		Evaluator evaluator;

		params_around(&random, cdnow_params[model], run < 15 ? 3 : 10, params);
		terms = terms_of(smooth_models[model], params, anywhere_between(&random, 1e-3, 1e-2));
		evaluator = evaluator_make(&test_host, &terms);
		for (int customer = 0; customer < 20; customer++)
		{
			double x = customer < 4 ? customer : floor(anywhere_between(&random, 1, 80));
			double T = anywhere_between(&random, 0.2, 500);
			double t_x = x == 0 ? 0 : T * random_uniform(&random);
			double alive[1 + MODEL_MAX_PARAMS];
			Orders orders;

			evaluator_alive(&evaluator, x, t_x, T, alive);
			evaluator_orders(&evaluator, x, t_x, T, &orders);
			worst_alive =
				larger_error(worst_alive, relative_error(alive[0], terms.timing->prob_alive(params, x, t_x, T), 1e-6));
			for (int h = 0; h < EQUITY_HORIZONS; h++)
				worst_orders =
					larger_error(worst_orders,
								 relative_error(orders.by_horizon[h][0],
												model_orders(&terms, params, x, t_x, T, terms.horizon[h], terms.delta),
												0));
			for (int i = 0; i < EQUITY_OTHER_DISCOUNTS; i++)
				worst_orders =
					larger_error(worst_orders,
								 relative_error(orders.other[i],
												model_orders(&terms, params, x, t_x, T, INFINITY, terms.other_delta[i]),
												0));
			for (int i = 0; i < 4; i++)
			{
				double at = params[i];
				double high[2];
				double low[2];

				params[i] = at * exp(1e-5);
				high[0] = terms.timing->prob_alive(params, x, t_x, T);
				high[1] = model_orders(&terms, params, x, t_x, T, INFINITY, terms.delta);
				params[i] = at * exp(-1e-5);
				low[0] = terms.timing->prob_alive(params, x, t_x, T);
				low[1] = model_orders(&terms, params, x, t_x, T, INFINITY, terms.delta);
				params[i] = at;
				worst_gradient =
					larger_error(worst_gradient, relative_error(alive[1 + i], (high[0] - low[0]) / 2e-5, 1e-2));
				worst_gradient = larger_error(worst_gradient,
											  relative_error(orders.by_horizon[EQUITY_WITHOUT_END][1 + i],
															 (high[1] - low[1]) / 2e-5, 1e-2 * high[1]));
			}
		}
		evaluator_free(&evaluator);
	}
	print_message("interpolation: orders %.1e, P(alive) %.1e, derivatives %.1e\n", worst_orders, worst_alive,
				  worst_gradient);
	assert_true(worst_orders <= 5e-12);
	assert_true(worst_alive <= 1e-11);
	assert_true(worst_gradient <= 1e-4);
	assert_int_equal(blocks_held, 0);
}

/* The error of orders within a horizon. */
static double
orders_error(const EquityTerms *terms, const Orders *orders, double x, double T, int horizon)
{
	double expected = model_orders(terms, terms->params, x, 0, T, terms->horizon[horizon], terms->delta);

	return relative_error(orders->by_horizon[horizon][0], expected, 0);
}

/* Customers who all buy at nearly the same rate, or leave at nearly each purchase: they are gone at once. */
static void
test_fast_rates(void **state)
{
	static const double params[][4] = {
		{30, 60, 0.8, 0.44}, {300, 600, 0.8, 0.44}, {7000, 8000, 2.5, 0.49}, {90, 0.55, 20, 0.1}, {2, 6, 20, 0.1},
	};
	double worst = 0;

	(void) state;
	for (int run = 0; run < 10; run++)
	{
		EquityTerms terms = terms_of(smooth_models[1 + run % 2], params[run / 2], 0.0027);
		Evaluator evaluator = evaluator_make(&test_host, &terms);

		for (int x = 0; x < 40; x += 13)
			for (int T = 1; T < 100; T += 49)
			{
				Orders orders;

				evaluator_orders(&evaluator, x, 0, T, &orders);
				worst = larger_error(worst, orders_error(&terms, &orders, x, T, 0));
				worst = larger_error(worst, orders_error(&terms, &orders, x, T, EQUITY_WITHOUT_END));
			}
		evaluator_free(&evaluator);
	}
	print_message("fast rates: orders %.1e\n", worst);
	assert_true(worst <= 2e-9);
	assert_int_equal(blocks_held, 0);
}

/* Customers of a run with large counts and spend, and gradients of both signs. */
static size_t
random_cells(Random *random, EquityCell *cells)
{
	size_t n = 0;

	for (int x = 0; x < 40; x += x < 5 ? 1 : 7)
		for (int T = 10; T < 40; T += 9)
			for (int t_x = x == 0 ? 0 : 1; t_x <= (x == 0 ? 0 : 8); t_x += 3)
				cells[n++] = (EquityCell){
					.x = x,
					.t_x = t_x,
					.T = T,
					.customers = 1 + (int64_t) anywhere_between(random, 1, 1e9),
					.spend = x == 0 ? 0 : (int64_t) anywhere_between(random, 1, 4e18),
				};
	return n;
}

static bool
sums_equal(const EquityTerms *terms, EquitySums *a, EquitySums *b)
{
	for (int i = 0; i < equity_sum_count(terms->timing, terms->spend); i++)
		if (memcmp(&a->sum[i], &b->sum[i], sizeof(ExactSum)) != 0)
			return false;
	return a->customers == b->customers;
}

/* The same customers in pieces of any size, and counted in parts, give the same sums to the last bit. */
static void
test_splits(void **state)
{
	Random random = random_start(4, 0);
	static EquityCell cells[1000];
	static EquitySums whole;
	static EquitySums pieces;

	(void) state;
	for (int model = 0; model < 3; model++)
	{
		EquityTerms terms = terms_of(smooth_models[model], cdnow_params[model], 0.0027);
		size_t n = random_cells(&random, cells);

		memset(&whole, 0, sizeof(whole));
		memset(&pieces, 0, sizeof(pieces));
		equity_add(&test_host, &terms, cells, n, &whole);
		for (size_t i = 0; i < n;)
		{
			size_t some = 1 + (size_t) (random_uniform(&random) * 9);
			EquityCell half = cells[i];

			/* one of them in two halves */
			half.customers /= 2;
			half.spend /= 3;
			equity_add(&test_host, &terms, &half, 1, &pieces);
			half.customers = cells[i].customers - half.customers;
			half.spend = cells[i].spend - half.spend;
			equity_add(&test_host, &terms, &half, 1, &pieces);
			some = some < n - i ? some : n - i;
			equity_add(&test_host, &terms, &cells[i + 1], some - 1, &pieces);
			i += some;
		}
		assert_true(sums_equal(&terms, &whole, &pieces));
		assert_int_equal(whole.out_of_range, 0);
	}
	assert_int_equal(blocks_held, 0);
}

/* The sums are those of the customers' values one by one. */
static void
test_values(void **state)
{
	Random random = random_start(8, 0);
	static EquityCell cells[1000];
	static EquitySums sums;

	(void) state;
	for (int model = 0; model < 3; model++)
	{
		EquityTerms terms = terms_of(smooth_models[model], cdnow_params[model], 0.0027);
		const double *z = terms.spend_params;
		size_t n = random_cells(&random, cells);
		double unit = equity_spend_unit(terms.spend, z);

		memset(&sums, 0, sizeof(sums));
		equity_add(&test_host, &terms, cells, n, &sums);
		for (int h = 0; h < EQUITY_HORIZONS; h++)
		{
			long double expected = 0;

			for (size_t i = 0; i < n; i++)
			{
				const EquityCell *cell = &cells[i];
				double each = terms.margin * z[GG_P] / (z[GG_P] * cell->x + z[GG_Q] - 1);
				double alive = terms.timing->prob_alive(terms.params, cell->x, cell->t_x, cell->T);
				double orders =
					model_orders(&terms, terms.params, cell->x, cell->t_x, cell->T, terms.horizon[h], terms.delta);

				expected += (long double) (each * alive * orders) *
					(cell->customers * (long double) z[GG_GAMMA] + cell->spend * (long double) unit);
			}
			assert_near(exact_sum_value(&sums.sum[equity_value_sum(terms.timing, terms.spend, h)]), (double) expected,
						1e-11);
		}
	}
}

/* Customers of several x and spend, as cells of the model. */
static size_t
cells_of(const EquityTerms *terms, EquityCell *cells, double *spend)
{
	double unit = equity_spend_unit(terms->spend, terms->spend_params);
	size_t n = 0;

	for (int x = 0; x < 6; x++)
		for (int T = 20; T < 50; T += 7)
			for (int times = 1; times <= (x == 0 ? 1 : 3); times++)
			{
				int64_t units = (int64_t) nearbyint(13.0 * x * times / unit);

				spend[n] = x == 0 ? 0 : (double) units * unit;
				cells[n++] = (EquityCell){
					.x = x,
					.t_x = x == 0 ? 0 : T - 8.0,
					.T = T,
					.customers = 1,
					.spend = terms->spend->linear ? units : 0,
					.each = terms->spend->linear || x == 0 ? 0 : (double) units * unit,
				};
			}
	return n;
}

/* The value of all of them within a horizon, one by one. */
static double
value_one_by_one(const EquityTerms *terms, const EquityCell *cells, const double *spend, size_t n, int horizon)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
	{
		double x = cells[i].x;

		sum += terms->margin * terms->spend->expected_spend(terms->spend_params, x, x > 0 ? spend[i] / x : 0) *
			terms->timing->prob_alive(terms->params, x, cells[i].t_x, cells[i].T) *
			model_orders(terms, terms->params, x, cells[i].t_x, cells[i].T, terms->horizon[horizon], terms->delta);
	}
	return sum;
}

/* Values and their derivatives by the parameters of the spend model, whatever that is; also of customers one by one. */
static void
test_spend_models(void **state)
{
	static const SpendModel *const spend_models[] = {&gammagamma_model, &gamma_lognormal_model};
	static EquityCell cells[200];
	static double spend[200];
	static EquitySums sums;
	static EquitySums large;

	(void) state;
	for (int m = 0; m < 2; m++)
	{
		const SpendModel *model = spend_models[m];
		EquityTerms terms = terms_of(&bgnbd_model, cdnow_timing, 0.0027);
		int n_timing = equity_timing_figures(terms.timing);
		double gradient[EQUITY_MAX_FIGURES];
		double unused[EQUITY_MAX_FIGURES];
		size_t n;

		terms.spend = model;
		memcpy(terms.spend_params, model->start, sizeof(terms.spend_params));
		terms.spend_params[model->money_param] *= 20.0;
		n = cells_of(&terms, cells, spend);
		memset(&sums, 0, sizeof(sums));
		memset(&large, 0, sizeof(large));
		equity_add(&test_host, &terms, cells, n, &sums);
		for (size_t i = 0; i < n; i++)
			equity_add_large(&test_host, &terms, cells[i].x, cells[i].t_x, cells[i].T, spend[i], &large);
		equity_new_customer(&terms, NAN, gradient);
		assert_int_equal(sums.out_of_range + large.out_of_range, 0);
		for (int h = 0; h < EQUITY_HORIZONS; h++)
		{
			int place = equity_value_sum(terms.timing, model, h);

			assert_near(exact_sum_value(&sums.sum[place]), value_one_by_one(&terms, cells, spend, n, h), 1e-11);
			for (int i = 0; i <= equity_figures(terms.timing, model); i++)
				assert_near(exact_sum_value(&large.sum[place + i]), exact_sum_value(&sums.sum[place + i]), 1e-8);
		}
		for (int i = 0; i < model->n_params; i++)
		{
			EquityTerms high = terms;
			EquityTerms low = terms;
			int place = equity_value_sum(terms.timing, model, EQUITY_WITHOUT_END) + 1 + n_timing + i;

			high.spend_params[i] *= exp(1e-5);
			low.spend_params[i] *= exp(-1e-5);
			assert_near(exact_sum_value(&sums.sum[place]),
						(value_one_by_one(&high, cells, spend, n, EQUITY_WITHOUT_END) -
						 value_one_by_one(&low, cells, spend, n, EQUITY_WITHOUT_END)) /
							2e-5,
						1e-6);
			assert_near(gradient[n_timing + i],
						(equity_new_customer(&high, NAN, unused) - equity_new_customer(&low, NAN, unused)) / 2e-5,
						1e-6);
		}
	}
	assert_int_equal(blocks_held, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interpolation), cmocka_unit_test(test_fast_rates),   cmocka_unit_test(test_splits),
		cmocka_unit_test(test_values),        cmocka_unit_test(test_spend_models),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
