/*
 * test_bgnbd.c
 *	  The BG/NBD model against values computed with 40 to 60 digits.
 */
#include "support.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "models/beta_geometric.h"

static const Model *const model = &bgnbd_model;

/* A population of one; times in the goldens are weeks, mostly not whole days. */
static Population *
one_customer(double x, double t_x, double T)
{
	PopulationCell cell = {.x = (uint32_t) x, .t_x_days = 0, .T_days = 1, .customers = 1.0};
	Population *population = population_build(&test_host, &cell, 1, 1.0);

	population->ages[0].T = T;
	if (x > 0)
		population->recencies[0].t_x = t_x;
	return population;
}

static void
test_scores(void **state)
{
	Golden		golden = golden_open("bgnbd.csv");

	(void) state;
	while (golden_next(&golden))
	{
		const double *params = golden.field;
		double		x = golden.field[4];
		double		t_x = golden.field[5];
		double		T = golden.field[6];
		Population *one = one_customer(x, t_x, T);

		assert_golden(&golden, "log-likelihood",
					  model->customer_log_likelihood(params, x, t_x, T), golden.field[7], 1e-13, 1.0);
		assert_golden(&golden, "log-likelihood of a population",
					  model->log_likelihood(one, params, NULL, NULL), golden.field[7], 1e-13, 1.0);
		population_free(one);
		if (golden.field[8] < 1e-290)
			continue;
		assert_golden(&golden, "alive_prob",
					  model->alive_prob(params, x, t_x, T), golden.field[8], 1e-13, 0.0);
		assert_golden(&golden, "expected_orders",
					  model->expected_orders(params, x, t_x, T, 39.0), golden.field[9], 1e-12, 0.0);
		if (!isnan(golden.field[10]))
			assert_golden(&golden, "discounted_orders",
						  model->discounted_orders(params, x, t_x, T, INFINITY, 0.002687729661060743),
						  golden.field[10], 1e-12, 0.0);
	}
}

static void
test_expected_orders_new(void **state)
{
	Golden		golden = golden_open("bgnbd_expected_orders_new.csv");

	(void) state;
	while (golden_next(&golden))
		assert_golden(&golden, "expected_orders_new",
					  model->expected_orders_new(golden.field, golden.field[4]),
					  golden.field[5], 1e-12, 0.0);
}

static void
test_discounted_orders(void **state)
{
	Golden		golden = golden_open("bgnbd_discounted_orders.csv");

	(void) state;
	while (golden_next(&golden))
		assert_golden(&golden, "discounted_orders",
					  model->discounted_orders(golden.field, golden.field[4], golden.field[5],
											   golden.field[6], golden.field[8], golden.field[7]),
					  golden.field[9], 1e-12, 0.0);
}

static void
test_gradient(void **state)
{
	Golden		golden = golden_open("bgnbd_gradient.csv");

	(void) state;
	while (golden_next(&golden))
	{
		const double *params = golden.field;
		Population *one = one_customer(golden.field[4], golden.field[5], golden.field[6]);
		double		gradient[4];

		model->log_likelihood(one, params, gradient, NULL);
		population_free(one);
		for (int i = 0; i < 4; i++)
			assert_golden(&golden, model->param_names[i], params[i] * gradient[i],
						  params[i] * golden.field[7 + i], 1e-12, 1e-3);
	}
}

static void
test_hessian(void **state)
{
	Golden		golden = golden_open("bgnbd_hessian.csv");

	(void) state;
	while (golden_next(&golden))
	{
		const double *params = golden.field;
		Population *one = one_customer(golden.field[4], golden.field[5], golden.field[6]);
		double		hessian[16];
		int			field = 7;

		model->log_likelihood(one, params, NULL, hessian);
		population_free(one);
		for (int i = 0; i < 4; i++)
			for (int k = i; k < 4; k++, field++)
			{
				double		scale = params[i] * params[k];

				assert_golden(&golden, model->param_names[i], scale * hessian[i * 4 + k],
							  scale * golden.field[field], 1e-10, 1e-3);
				assert_true(hessian[i * 4 + k] == hessian[k * 4 + i]);
			}
	}
}

static void
test_published(void **state)
{
	/* the estimates of Fader, Hardie & Lee (2005) */
	const double paper[] = {0.243, 4.414, 0.793, 2.426};

	(void) state;
	assert_true(fabs(model->expected_orders(paper, 2, 30.43, 38.86, 39.0) - 1.226) < 5e-4);
	assert_near(model->expected_orders_new(cdnow_timing, 52.0), 1.4440123973, 1e-9);
	assert_near(model->expected_orders(cdnow_timing, 26, 216.0 / 7, 31, 52), 25.7573370, 1e-8);
	/* increasing frequency, decreasing future: the BTYD vignette's table */
	assert_near(model->expected_orders(cdnow_timing, 10, 20, 39, 52), 0.34748377, 1e-7);
	assert_near(model->expected_orders(cdnow_timing, 25, 20, 39, 52), 0.00035839, 1e-4);
}

/* Doubling every customer must double everything; a sum must be the sum of its parts. */
static void
test_population_is_sum_of_customers(void **state)
{
	Population *population = simulated_population(model, cdnow_timing, 5000, 700, 1);
	double		sum = 0.0;

	(void) state;
	for (size_t f = 0; f < population->n_frequencies; f++)
	{
		const FrequencyClass *class = &population->frequencies[f];

		for (size_t i = class[0].first_age; i < class[1].first_age && class->x == 0; i++)
			sum += population->ages[i].customers
				* model->customer_log_likelihood(cdnow_timing, 0, 0, population->ages[i].T);
		for (size_t i = class[0].first_recency; i < class[1].first_recency; i++)
			for (size_t k = population->recencies[i].first_cell;
				 k < population->recencies[i + 1].first_cell; k++)
				sum += population->cells[k].customers
					* model->customer_log_likelihood(cdnow_timing, class->x,
													 population->recencies[i].t_x,
													 population->ages[population->cells[k].age].T);
	}
	assert_near(model->log_likelihood(population, cdnow_timing, NULL, NULL), sum, 1e-13);
	population_free(population);
}

/* Fourth-order central difference of the likelihood and of its gradient. */
static void
test_derivatives_against_differences(void **state)
{
	static const double points[][4] = {
		{0.24, 4.4, 0.79, 2.4}, {3.0, 40.0, 0.1, 5.0}, {0.05, 0.3, 8.0, 0.2}
	};
	static const double offsets[] = {-2, -1, 1, 2};
	static const double weights[] = {1.0 / 12, -2.0 / 3, 2.0 / 3, -1.0 / 12};
	Population *population = simulated_population(model, cdnow_timing, 2000, 400, 2);

	(void) state;
	for (int point = 0; point < 3; point++)
	{
		double		gradient[4];
		double		hessian[16];

		model->log_likelihood(population, points[point], gradient, hessian);
		for (int i = 0; i < 4; i++)
		{
			double		h = 1e-3 * points[point][i];
			double		slope = 0.0;
			double		curve[4] = {0};

			for (int k = 0; k < 4; k++)
			{
				double		moved[4];
				double		moved_gradient[4];

				memcpy(moved, points[point], sizeof(moved));
				moved[i] += offsets[k] * h;
				slope += weights[k] / h * model->log_likelihood(population, moved, moved_gradient, NULL);
				for (int j = 0; j < 4; j++)
					curve[j] += weights[k] / h * moved_gradient[j];
			}
			assert_near(slope, gradient[i], 1e-7);
			for (int j = 0; j < 4; j++)
				assert_true(relative_error(curve[j], hessian[i * 4 + j],
										   1e-6 * fabs(gradient[j] / points[point][i])) < 1e-6);
		}
	}
	population_free(population);
}

/* Log-uniform between two bounds. */
static double
anywhere(Random *random, double low, double high)
{
	return low * det_exp(random_uniform(random) * det_log(high / low));
}

/* The sum for E[X(t)] once more, however long, with the longest doubles there are. */
static long double
orders_by_long_sum(long double n, long double A, long double a, long double b, long double t)
{
	long double tau = t / A;
	long double pi = expl(-n * log1pl(tau));
	long double omega = 1.0L;
	long double W = 0.0L;
	long double sum = 0.0L;

	for (int j = 0; j <= n * tau || pi * (1 + tau) * W > 1e-20L * sum; j++)
	{
		sum += pi * W;
		W += omega;
		omega *= (b + j) / (a + b + j);
		pi *= tau / (1 + tau) * (n + j) / (j + 1.0L);
	}
	return sum;
}

static void
test_expected_everywhere(void **state)
{
	Random		random = random_start(7, 0);
	double		worst = 0.0;
	int			tried = 0;

	(void) state;
	/* where long double is double, the long sum is no better than what it tests */
	if (LDBL_MANT_DIG <= DBL_MANT_DIG)
		skip();
	while (tried < 5000)
	{
		double		n = anywhere(&random, 1e-6, 1e6);
		double		A = anywhere(&random, 0.1, 1e4);
		double		a = anywhere(&random, 1e-6, 1e6);
		double		b = anywhere(&random, 1e-6, 1e6);
		double		t = anywhere(&random, 1e-3, 1e4);
		double		error;

		/* where even the long sum underflows or takes too long */
		if (n * log1p(t / A) > 700.0 || n * t / A > 1e5 || t / A > 1e3)
			continue;
		error = relative_error(beta_geometric_orders(n, A, a, b, t),
							   (double) orders_by_long_sum(n, A, a, b, t), 0.0);
		worst = fmax(worst, error);
		if (error > 1e-12)
			fail_msg("n %.17g A %.17g a %.17g b %.17g t %.17g: error %.3g", n, A, a, b, t, error);
		tried++;
	}
	print_message("largest difference to the long sum: %.2g\n", worst);
}

/*
 * The short sum of beta_geometric_discounted() against an independent route:
 * the undiscounted expectation, integrated by parts with Gauss-Legendre panels
 * so short that they cannot be wrong.
 */
static double
discounted_by_parts(double n, double A, double a, double b, double t, double delta)
{
	static const double node[] = {0.1488743389816312, 0.4333953941292472, 0.6794095682990244, 0.8650633666889845, 0.9739065285171717};
	static const double weight[] = {0.2955242247147529, 0.2692667193099963, 0.2190863625159820, 0.1494513491505806, 0.0666713443086881};
	double		growth = log1p(t / A);
	int			panels = 4 + (int) (8 * growth);
	double		sum = 0.0;

	for (int panel = 0; panel < panels; panel++)
		for (int i = 0; i < 10; i++)
		{
			double		place = 0.5 * (1.0 + (i < 5 ? node[i] : -node[i - 5]));
			double		u = growth * (panel + place) / panels;
			double		s = A * expm1(u);

			sum += 0.5 * weight[i % 5] * growth / panels * (A + s)
				* exp(-delta * s) * beta_geometric_orders(n, A, a, b, s);
		}
	return exp(-delta * t) * beta_geometric_orders(n, A, a, b, t) + delta * sum;
}

static void
test_discounted_everywhere(void **state)
{
	Random		random = random_start(3, 0);
	double		worst = 0.0;

	(void) state;
	for (int i = 0; i < 3000; i++)
	{
		double		x = floor(anywhere(&random, 0.5, 300.0));
		double		r = anywhere(&random, 0.01, 30.0);
		double		a = anywhere(&random, 0.01, 30.0);
		double		b = anywhere(&random, 0.01, 30.0) + x;
		double		A = anywhere(&random, 0.5, 300.0);
		double		t = anywhere(&random, 0.1, 300.0);
		double		delta = anywhere(&random, 1e-5, 0.05);
		double		error = relative_error(beta_geometric_discounted(r + x, A, a, b, t, delta),
										   discounted_by_parts(r + x, A, a, b, t, delta), 0.0);

		worst = fmax(worst, error);
		if (error > 1e-11)
			fail_msg("n %.17g A %.17g a %.17g b %.17g t %.17g delta %.17g: error %.3g",
					 r + x, A, a, b, t, delta, error);
	}
	print_message("largest difference between the two routes: %.2g\n", worst);
}

/* Every score is a sane number wherever the optimiser or a user may go. */
static void
test_scores_are_finite_everywhere(void **state)
{
	Random		random = random_start(4, 0);

	(void) state;
	for (int i = 0; i < 2000; i++)
	{
		double		params[4];
		double		x = floor(anywhere(&random, 0.1, 1e4));
		double		T = anywhere(&random, 1.0, 36525.0);
		double		t_x = x > 0 ? T * random_uniform(&random) : 0.0;
		double		horizon = anywhere(&random, 1e-3, 36525.0);
		double		delta = anywhere(&random, 1e-9, 1.0);
		double		alive;
		double		orders;
		double		discounted;

		for (int k = 0; k < 4; k++)
			params[k] = anywhere(&random, 1.2e-7, 8.8e6);
		alive = model->alive_prob(params, x, t_x, T);
		orders = model->expected_orders(params, x, t_x, T, horizon);
		discounted = model->discounted_orders(params, x, t_x, T, horizon, delta);
		assert_true(isfinite(model->customer_log_likelihood(params, x, t_x, T)));
		assert_true(alive >= 0.0 && alive <= 1.0);
		assert_true(isfinite(orders) && orders >= 0.0);
		assert_true(orders <= (params[0] + x) / (params[1] + T) * horizon * (1 + 1e-12));
		assert_true(isfinite(discounted) && discounted >= 0.0);
		if (!(discounted <= orders * (1 + 1e-11)))
			fail_msg("r %.17g alpha %.17g a %.17g b %.17g x %.17g t_x %.17g T %.17g horizon %.17g delta %.17g: "
					 "orders %.17g discounted %.17g", params[0], params[1], params[2], params[3],
					 x, t_x, T, horizon, delta, orders, discounted);
	}
}

/* So are a population's likelihood and its derivatives, in every corner of the box. */
static void
test_likelihood_is_finite_everywhere(void **state)
{
	Population *population = simulated_population(model, cdnow_timing, 500, 700, 6);

	(void) state;
	for (int corner = 0; corner < 16; corner++)
	{
		double		params[4];
		double		values[1 + 4 + 16];
		double		ln_centre[4];

		model->prior_centre(population, ln_centre);
		for (int i = 0; i < 4; i++)
			params[i] = exp(ln_centre[i] + ((corner >> i) & 1 ? 16.0 : -16.0));
		values[0] = model->log_likelihood(population, params, &values[1], &values[5]);
		for (int i = 0; i < 1 + 4 + 16; i++)
			assert_true(isfinite(values[i]));
	}
	population_free(population);
}

static void
test_edges(void **state)
{
	(void) state;
	assert_true(model->expected_orders(cdnow_timing, 3, 10, 20, 0) == 0.0);
	assert_true(model->discounted_orders(cdnow_timing, 3, 10, 20, 0, 0.01) == 0.0);
	assert_true(model->discounted_orders(cdnow_timing, 3, 10, 20, 52, 0) ==
				model->expected_orders(cdnow_timing, 3, 10, 20, 52));
	assert_true(model->alive_prob(cdnow_timing, 0, 0, 5000) == 1.0);
	assert_true(model->customer_log_likelihood(cdnow_timing, 0, 0, 0) == 0.0);
	assert_true(model->alive_prob(cdnow_timing, 1000, 1, 5000) == 0.0);
	/* a = 1 and a + b = 1 are ordinary */
	assert_near(model->expected_orders((double[]) {0.5, 6, 1, 3.3}, 2, 10, 20, 39),
				model->expected_orders((double[]) {0.5, 6, 1 + 1e-12, 3.3}, 2, 10, 20, 39), 1e-11);
}

static void
test_lookup(void **state)
{
	(void) state;
	assert_ptr_equal(model_by_name("bg/nbd"), &bgnbd_model);
	assert_ptr_equal(model_by_id(1), &bgnbd_model);
	assert_null(model_by_name("no such model"));
	assert_null(model_by_id(0));
	assert_int_equal(model->n_params, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scores),
		cmocka_unit_test(test_expected_orders_new),
		cmocka_unit_test(test_discounted_orders),
		cmocka_unit_test(test_gradient),
		cmocka_unit_test(test_hessian),
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_population_is_sum_of_customers),
		cmocka_unit_test(test_derivatives_against_differences),
		cmocka_unit_test(test_expected_everywhere),
		cmocka_unit_test(test_discounted_everywhere),
		cmocka_unit_test(test_scores_are_finite_everywhere),
		cmocka_unit_test(test_likelihood_is_finite_everywhere),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_lookup),
	};

	return cmocka_run_group_tests_name("BG/NBD", tests, NULL, NULL);
}
