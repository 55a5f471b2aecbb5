/*
 * test_simulate.c
 *	  Simulated customers: their averages are those the formulas promise.
 */
#include "support.h"

#include <math.h>

#include "models/spend/gammagamma.h"
#include "models/core/simulate.h"

static const Model *const model = &bgnbd_model;

/* Every model, with customers who buy and leave within the windows below. */
static const struct
{
	const Model *model;
	double params[5];
} lives[] = {
	{&bgnbd_model, {1.5, 5.0, 1.0, 3.0}},     {&paretonbd_model, {1.5, 5.0, 1.2, 20.0}},
	{&mbgnbd_model, {1.5, 5.0, 1.0, 3.0}},    {&ggnbd_model, {1.5, 5.0, 0.08, 1.2, 6.0}},
	{&bgcnbd_model, {1.5, 1.5, 1.0, 3.0, 3}}, {&mbgcnbd_model, {1.5, 2.5, 1.0, 3.0, 2}},
	{&bgbb_model, {1.5, 4.0, 1.2, 20.0}},
};

#define N_LIVES 7

static void
test_orders(void **state)
{
	SimulatedCustomer customer;
	double last = -1.0;
	double time;
	double amount;

	(void) state;
	for (int i = 0; i < 1000; i++)
	{
		bool first = true;

		simulate_customer(model, cdnow_timing, &gammagamma_model, cdnow_spend, 100.0, random_start(1, i), &customer);
		for (; simulate_next_order(&customer, &time, &amount); last = time, first = false)
		{
			assert_true(first ? time == 0.0 : time > last && time <= 100.0);
			assert_true(amount > 0.0 && isfinite(amount));
		}
		/* all customers buy once; those who left stay away */
		assert_false(first);
		assert_false(simulate_next_order(&customer, &time, &amount));
	}
}

static void
test_same_seed_same_life(void **state)
{
	SimulatedCustomer a;
	SimulatedCustomer b;
	double time[2];
	double amount[2];

	(void) state;
	for (int i = 0; i < 100; i++)
	{
		bool more = true;

		simulate_customer(model, cdnow_timing, &gammagamma_model, cdnow_spend, 50.0, random_start(2, i), &a);
		simulate_customer(model, cdnow_timing, &gammagamma_model, cdnow_spend, 50.0, random_start(2, i), &b);
		while (more)
		{
			more = simulate_next_order(&a, &time[0], &amount[0]);
			assert_true(more == simulate_next_order(&b, &time[1], &amount[1]));
			assert_true(!more || (time[0] == time[1] && amount[0] == amount[1]));
		}
	}
}

/* A window cuts a life off; it does not change it. */
static void
test_window_only_cuts(void **state)
{
	SimulatedCustomer shorter;
	SimulatedCustomer longer;
	double time[2];
	double amount[2];

	(void) state;
	for (int i = 0; i < 100; i++)
	{
		simulate_customer(model, cdnow_timing, &gammagamma_model, cdnow_spend, 20.0, random_start(3, i), &shorter);
		simulate_customer(model, cdnow_timing, &gammagamma_model, cdnow_spend, 200.0, random_start(3, i), &longer);
		while (simulate_next_order(&shorter, &time[0], &amount[0]))
		{
			assert_true(simulate_next_order(&longer, &time[1], &amount[1]));
			assert_true(time[0] == time[1] && amount[0] == amount[1]);
		}
		assert_true(!simulate_next_order(&longer, &time[1], &amount[1]) || time[1] > 20.0);
	}
}

/* Mean number of orders, and mean amount, of many. */
static void
test_averages(void **state)
{
	enum
	{
		N = 200000,
	};
	double orders = 0.0;
	double squares = 0.0;
	double spend = 0.0;
	double spend_squares = 0.0;
	double mean;
	double expected = model->new_customer_transactions(cdnow_timing, 52.0);

	(void) state;
	for (int i = 0; i < N; i++)
	{
		SimulatedCustomer customer;
		double time;
		double amount;
		double x = 0.0;

		simulate_customer(model, cdnow_timing, &gammagamma_model, cdnow_spend, 52.0, random_start(4, i), &customer);
		/* one amount per customer, so that they are independent */
		assert_true(simulate_next_order(&customer, &time, &amount));
		spend += amount;
		spend_squares += amount * amount;
		while (simulate_next_order(&customer, &time, &amount))
			x++;
		orders += x;
		squares += x * x;
	}
	mean = orders / N;
	print_message("orders in a year: %.4f, should be %.4f\n", mean, expected);
	assert_true(fabs(mean - expected) < 4.0 * sqrt((squares / N - mean * mean) / N));
	mean = spend / N;
	expected = gammagamma_expected_spend(cdnow_spend, 0, 0);
	print_message("mean amount: %.4f, should be %.4f\n", mean, expected);
	assert_true(fabs(mean - expected) < 4.0 * sqrt((spend_squares / N - mean * mean) / N));
}

/*
 * The scores, held against what simulated customers did next: of those with
 * the same history up to T, how many bought in the horizon after it.
 */
static void
check_predictions(const Model *lived, const double *params, double wanted_x)
{
	enum
	{
		ORDERS,
		DISCOUNTED,
		ANY,
		TWO,
		SOON,
		N_SCORES,
	};
	static const char *const names[] = {
		"expected_transactions", "discounted_orders", "order_prob", "future_transactions_pmf", "next_order_quantile",
	};
	const double T = 20.0;
	const double horizon = 20.0;
	const double delta = 0.02;
	double n = 0.0;
	double sum[N_SCORES] = {0};
	double squares[N_SCORES] = {0};

	for (int i = 0; i < 100000; i++)
	{
		SimulatedCustomer customer;
		double x = 0.0;
		double t_x = 0.0;
		double next = INFINITY;
		double soon;
		double excess[N_SCORES] = {0};
		double time;
		double amount;

		simulate_customer(lived, params, &gammagamma_model, cdnow_spend, T + horizon, random_start(5, i), &customer);
		simulate_next_order(&customer, &time, &amount);
		while (simulate_next_order(&customer, &time, &amount))
		{
			if (time <= T)
			{
				x++;
				t_x = time;
				continue;
			}
			next = fmin(next, time - T);
			excess[ORDERS]++;
			excess[DISCOUNTED] += exp(-delta * (time - T));
		}
		if (x != wanted_x)
			continue;
		excess[ANY] = (next <= horizon) - lived->order_prob(params, x, t_x, T, horizon);
		excess[TWO] = (excess[ORDERS] == 2.0) - lived->future_transactions_pmf(params, x, t_x, T, horizon, 2.0);
		excess[ORDERS] -= model_expected_transactions(lived, params, x, t_x, T, horizon);
		excess[DISCOUNTED] -= model_discounted_transactions(lived, params, x, t_x, T, horizon, delta);
		soon = lived->next_order_quantile(params, x, t_x, T, 0.3);
		excess[SOON] = (next <= soon) -
			(lived->discrete ? lived->order_prob(params, x, t_x, T, soon)
							 : 0.3 * lived->order_prob(params, x, t_x, T, INFINITY));
		n++;
		for (int k = 0; k < N_SCORES; k++)
		{
			sum[k] += excess[k];
			squares[k] += excess[k] * excess[k];
		}
	}
	assert_true(n > 1000);
	for (int k = 0; k < N_SCORES; k++)
	{
		print_message("%s, x = %g: %s: z = %.2f over %.0f customers\n", lived->name, wanted_x, names[k],
					  sum[k] / sqrt(squares[k]), n);
		assert_true(fabs(sum[k]) < 4.0 * sqrt(squares[k]));
	}
}

static void
test_scores_predict(void **state)
{
	(void) state;
	for (int i = 0; i < N_LIVES; i++)
	{
		check_predictions(lives[i].model, lives[i].params, 0.0);
		check_predictions(lives[i].model, lives[i].params, 3.0);
	}
}

/* New customers' purchases, counted. */
static void
test_counts(void **state)
{
	enum
	{
		N = 100000,
		COUNTS = 6,
	};

	(void) state;
	for (int i = 0; i < N_LIVES; i++)
	{
		const Model *lived = lives[i].model;
		const double *params = lives[i].params;
		double seen[COUNTS] = {0};
		double orders = 0.0;
		double squares = 0.0;
		double expected = lived->new_customer_transactions(params, 30.0);

		for (int k = 0; k < N; k++)
		{
			SimulatedCustomer customer;
			double time;
			double amount;
			double x = -1.0;

			simulate_customer(lived, params, &gammagamma_model, cdnow_spend, 30.0, random_start(6, k), &customer);
			while (simulate_next_order(&customer, &time, &amount))
				x++;
			orders += x;
			squares += x * x;
			if (x < COUNTS)
				seen[(int) x]++;
		}
		assert_true(fabs(orders / N - expected) < 4.0 * sqrt((squares / N - orders / N * orders / N) / N));
		for (int x = 0; x < COUNTS; x++)
		{
			double p = lived->new_customer_transactions_pmf(params, 30.0, x);

			if (!(fabs(seen[x] / N - p) < 4.0 * sqrt(p * (1.0 - p) / N)))
				fail_msg("%s: %d purchases: %g of them, should be %g", lived->name, x, seen[x] / N, p);
		}
	}
}

/*
 * Whether a simulated customer, of whom all orders up to T were taken, is alive: the
 * last day is known, or else there is another order to come.
 */
static bool
is_alive(const Model *lived, const SimulatedCustomer *customer, double T, double next)
{
	if (lived == &paretonbd_model || lived == &ggnbd_model || lived == &bgbb_model)
		return customer->path.dropout >= T;
	return isfinite(next);
}

/* Of the customers with a score of 0.7, 70 % are alive. */
static void
test_alive_prob_is_calibrated(void **state)
{
	enum
	{
		N = 40000,
		BINS = 10,
	};

	(void) state;
	for (int i = 0; i < N_LIVES; i++)
	{
		const Model *lived = lives[i].model;
		double n[BINS] = {0};
		double excess[BINS] = {0};
		double variance[BINS] = {0};
		int tested = 0;

		for (int k = 0; k < N; k++)
		{
			Random random = random_start(7, k);
			double T = 4.0 + floor(30.0 * random_uniform(&random));
			double x = 0.0;
			double t_x = 0.0;
			double p;
			int bin;
			SimulatedCustomer customer;
			double time;
			double amount;

			simulate_customer(lived, lives[i].params, &gammagamma_model, cdnow_spend, T, random, &customer);
			simulate_next_order(&customer, &time, &amount);
			for (; simulate_next_order(&customer, &time, &amount); x++)
				t_x = time;
			p = lived->prob_alive(lives[i].params, x, t_x, T);
			bin = p < 1.0 ? (int) (BINS * p) : BINS - 1;
			n[bin]++;
			excess[bin] += is_alive(lived, &customer, T, time) - p;
			variance[bin] += p * (1.0 - p);
		}
		for (int bin = 0; bin < BINS; bin++)
		{
			if (variance[bin] < 20.0)
				continue;
			tested++;
			if (!(fabs(excess[bin]) < 4.0 * sqrt(variance[bin])))
				fail_msg("%s: of %.0f customers scored about %g, %+.0f too many are alive (z = %.1f)", lived->name,
						 n[bin], (bin + 0.5) / BINS, excess[bin], excess[bin] / sqrt(variance[bin]));
		}
		print_message("%s: calibrated in %d tenths\n", lived->name, tested);
		assert_true(tested >= 7);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_same_seed_same_life),
		cmocka_unit_test(test_window_only_cuts),
		cmocka_unit_test(test_averages),
		cmocka_unit_test(test_scores_predict),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_alive_prob_is_calibrated),
	};

	return cmocka_run_group_tests_name("simulation", tests, NULL, NULL);
}
