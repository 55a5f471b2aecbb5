/*
 * test_two_clocks.c
 *	  Pareto/NBD with a season: against values computed with 50 digits, rates that vary
 *	  over time, the plain model, and differences of the likelihood.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/competing_risks/two_clocks_scores.h"
#include "models/competing_risks/varying_clocks.h"
#include "models/core/simulate.h"

/* A clock with its memory. */
typedef struct TestClock
{
	double factor[SEASON_PLACES];
	double before[SEASON_PLACES + 1];
	SeasonDay days[2];
	SeasonClock clock;
} TestClock;

/* The factors of golden_files.py: not divided by their mean. */
static const double months[] = {0.5, 0.625, 0.75, 0.875, 1.0, 0.75, 0.5, 0.75, 1.0, 1.25, 3.0, 1.5};

static void
prepare(TestClock *test, SeasonBy by, int n_days)
{
	test->days[0] = (SeasonDay){.day = 8100, .factor = 5.0};
	test->days[1] = (SeasonDay){.day = 8465, .factor = 0.25};
	test->clock =
		(SeasonClock){.by = by, .factor = test->factor, .before = test->before, .n_days = n_days, .days = test->days};
	season_clock_prepare(&test->clock);
}

static void
make_clock(TestClock *test, SeasonBy by, int n_days)
{
	for (int i = 0; i < season_slots(by); i++)
		test->factor[i] = by == SEASON_BY_MONTH ? months[i] : 0.3 + (i * 7 % 11) / 5.0;
	prepare(test, by, n_days);
}

static DatedCustomer
customer_of(const double *params, const SeasonClock *clock, double first, double x)
{
	return (DatedCustomer){
		.law = paretonbd_model.lifetime,
		.params = params,
		.clock = clock,
		.unit_days = 7.0,
		.first = first,
		.x = x,
	};
}

static double
expected(const DatedCustomer *customer, double today, double horizon, double delta)
{
	static SeasonRule rule;
	SeasonBend bend = two_clocks_bend(customer->law, customer->params, customer->unit_days);

	season_purchase_rule(customer->clock, today, horizon, delta, &bend, &rule);
	return two_clocks_transactions_if_alive(customer, today, &rule);
}

static Population *
population_of_one(const SeasonClock *clock, double x, double first, double last, double today)
{
	PopulationCell cell = {(uint32_t) x, (int32_t) (last - first), (int32_t) (today - first), 1.0};

	return population_build_dated(&test_host, &cell, 1, 7.0, clock, (int32_t) today);
}

/* Days and factors of goldens are whole numbers and short fractions: nothing is rounded. */
static void
test_golden(void **state)
{
	Golden golden = golden_open("paretonbd_season.csv");
	TestClock test;

	(void) state;
	make_clock(&test, SEASON_BY_MONTH, 0);
	while (golden_next(&golden))
	{
		const double *params = &golden.field[0];
		double x = golden.field[4];
		double first = golden.field[5];
		double last = golden.field[6];
		double today = golden.field[7];
		const double *values = &golden.field[8];
		DatedCustomer customer = customer_of(params, &test.clock, first, x);
		Population *one = population_of_one(&test.clock, x, first, last, today);
		double gradient[4];
		double gone;

		assert_golden(&golden, "log-likelihood", paretonbd_model.log_likelihood(one, params, gradient, NULL), values[0],
					  1e-10, 1.0);
		for (int i = 0; i < 4; i++)
			assert_golden(&golden, "gradient", gradient[i] * params[i], values[1 + i] * params[i], 1e-9, 0.1);
		assert_golden(&golden, "alive", two_clocks_alive_prob(&customer, last, today, &gone), values[5], 1e-9, 0.0);
		assert_golden(&golden, "gone", gone, values[6], 1e-9, 0.0);
		assert_golden(&golden, "expected", expected(&customer, today, 365.0, 0.0), values[7], 1e-10, 0.0);
		assert_golden(&golden, "discounted", expected(&customer, today, 730.0, log(1.15) / 365.0), values[8], 1e-10,
					  0.0);
		assert_golden(&golden, "order", two_clocks_order_prob_if_alive(&customer, today, 90.0), values[9], 1e-9, 0.0);
		population_free(one);
	}
}

/* The runs of a clock as segments of rates, from the first day until a horizon. */
static VaryingClocks
segments_of(const SeasonClock *clock, double first, double until, ClockSegment *segments)
{
	VaryingClocks clocks = {.segments = segments};

	for (double day = first; day < until || clocks.n == 0;)
	{
		double change = season_next_change(clock, day);

		segments[clocks.n++] =
			(ClockSegment){(change - first) / 7.0, season_factor(clock, (int64_t) floor(day) + 1), 1.0};
		day = change;
	}
	return clocks;
}

#define N_CELLS 300

static const double sets[][4] = {
	{0.55, 10.6, 0.6, 11.7},  {2.0, 1.0, 0.3, 0.5},    {0.1, 0.05, 5.0, 100.0},
	{10.0, 100.0, 2.0, 0.02}, {0.3, 3.0, 0.01, 200.0},
};

#define N_SETS (sizeof(sets) / sizeof(*sets))

/* Many customers, some with very many purchases, on one day and on many. */
static size_t
list_cells(PopulationCell *cells)
{
	static const uint32_t counts[] = {0, 1, 2, 7, 40, 300};
	size_t n = 0;

	for (int i = 0; i < N_CELLS; i++)
	{
		uint32_t x = counts[i % 6];
		int32_t T = i * 37 % 900 + (i % 3 != 0 ? 100 : 0);
		int32_t t_x = x > 0 ? 1 + i * 53 % (T + 1) : 0;

		if (x == 0 || T > 0)
			cells[n++] = (PopulationCell){x, t_x < T ? t_x : T, T, 1.0 + i % 3};
	}
	return n;
}

/* The likelihood and its derivatives are the sums of those of customers with the season as their own path. */
static void
test_varying(void **state)
{
	static ClockSegment segments[1200];
	PopulationCell cells[N_CELLS];
	size_t n = list_cells(cells);
	const int32_t now = 8800;

	(void) state;
	for (int by = SEASON_BY_YEAR; by < SEASON_BYS; by++)
		for (size_t p = 0; p < N_SETS; p++)
		{
			double gradient[4], hessian[16];
			double sum = 0.0;
			double gradients[4] = {0}, hessians[16] = {0};
			TestClock test;
			Population *population;

			make_clock(&test, (SeasonBy) by, 2);
			population = population_build_dated(&test_host, cells, n, 7.0, &test.clock, now);
			for (size_t i = 0; i < n; i++)
			{
				VaryingClocks clocks = segments_of(&test.clock, (double) now - cells[i].T_days, now, segments);
				double g[4], h[16];

				sum += cells[i].customers *
					varying_derivatives(&clocks, sets[p], cells[i].x, cells[i].t_x_days / 7.0, cells[i].T_days / 7.0, g,
										h);
				for (int k = 0; k < 4; k++)
					gradients[k] += cells[i].customers * g[k];
				for (int k = 0; k < 16; k++)
					hessians[k] += cells[i].customers * h[k];
			}
			assert_near(paretonbd_model.log_likelihood(population, sets[p], gradient, hessian), sum, 1e-11);
			for (int k = 0; k < 4; k++)
				assert_near(gradient[k], gradients[k], 1e-9);
			for (int k = 0; k < 16; k++)
				assert_near(hessian[k], hessians[k], 1e-8);
			population_free(population);
		}
}

/* The scores are those of rates that vary over time. */
static void
test_scores(void **state)
{
	static ClockSegment segments[4000];
	static const double xs[] = {0.0, 1.0, 5.0, 60.0};

	(void) state;
	for (int by = SEASON_BY_MONTH; by < SEASON_BYS; by++)
		for (size_t p = 0; p < N_SETS; p++)
			for (size_t i = 0; i < 4; i++)
				for (double first = 7900.0; first < 8800.0; first += 217.0)
				{
					TestClock test;
					double last = xs[i] > 0.0 ? first + floor(0.6 * (8800.0 - first)) : first;
					double gone;

					make_clock(&test, (SeasonBy) by, 2);

					DatedCustomer customer = customer_of(sets[p], &test.clock, first, xs[i]);
					VaryingClocks clocks = segments_of(&test.clock, first, 10000.0, segments);
					double t_x = (last - first) / 7.0;
					double T = (8800.0 - first) / 7.0;

					assert_near(two_clocks_alive_prob(&customer, last, 8800.0, &gone),
								varying_alive_prob(&clocks, sets[p], xs[i], t_x, T), 1e-9);
					assert_near(gone, varying_gone_prob(&clocks, sets[p], xs[i], t_x, T), 1e-9);
					assert_near(expected(&customer, 8800.0, 1000.0, 0.001),
								varying_expected_transactions_if_alive(&clocks, sets[p], xs[i], T, 1000.0 / 7.0, 0.007),
								1e-10);
					assert_near(two_clocks_order_prob_if_alive(&customer, 8800.0, 1000.0),
								varying_order_prob_if_alive(&clocks, sets[p], xs[i], T, 1000.0 / 7.0), 1e-9);
				}
}

/* With equal factors all is the plain model's. */
static void
test_even(void **state)
{
	static const double horizons[] = {1.0, 30.0, 365.0, 3000.0};

	(void) state;
	for (size_t p = 0; p < N_SETS; p++)
		for (double x = 0.0; x < 40.0; x = 3.0 * x + 1.0)
		{
			const double *params = sets[p];
			DatedCustomer customer = customer_of(params, &season_even, 8000.0, x);
			double last = x > 0.0 ? 8200.0 : 8000.0;
			double t_x = (last - 8000.0) / 7.0;
			double T = 500.0 / 7.0;
			double q = 0.1;

			assert_near(two_clocks_alive_prob(&customer, last, 8500.0, NULL),
						paretonbd_model.prob_alive(params, x, t_x, T), 1e-9);
			for (size_t h = 0; h < 4; h++)
			{
				double horizon = horizons[h] / 7.0;

				assert_near(two_clocks_order_prob_if_alive(&customer, 8500.0, horizons[h]),
							paretonbd_model.order_prob_if_alive(params, x, t_x, T, horizon), 1e-9);
				assert_near(expected(&customer, 8500.0, horizons[h], 0.0),
							paretonbd_model.expected_transactions_if_alive(params, x, t_x, T, horizon, 0.0), 1e-10);
				for (double j = 1.0; j < 100.0; j = 2.0 * j + 1.0)
				{
					double pmf = paretonbd_model.future_transactions_pmf(params, x, t_x, T, horizon, j) /
						paretonbd_model.prob_alive(params, x, t_x, T);

					if (pmf > 1e-12)
						assert_near(two_clocks_pmf_if_alive(&customer, 8500.0, horizons[h], j), pmf, 3e-9);
				}
			}
			assert_near(expected(&customer, 8500.0, INFINITY, 0.0004),
						paretonbd_model.expected_transactions_if_alive(params, x, t_x, T, INFINITY, 0.0028), 1e-10);
			assert_near(two_clocks_order_prob_if_alive(&customer, 8500.0, INFINITY),
						paretonbd_model.order_prob_if_alive(params, x, t_x, T, INFINITY), 1e-6);
			for (; q < 0.95; q += 0.2)
				assert_near(two_clocks_next_order_quantile(&customer, 8500.0, q),
							7.0 * paretonbd_model.next_order_quantile(params, x, t_x, T, q), 1e-5);
		}
}

/*
 * GG/NBD: with equal factors the plain model, and derivatives are differences. Its b and beta
 * are of both sorts: lifetimes that wear out, and those of which the frail leave first.
 */
static void
test_gamma_gompertz(void **state)
{
	static const double points[][5] = {
		{0.55, 10.6, 0.03, 0.6, 2.0},
		{2.0, 1.0, 0.2, 0.3, 0.5},
		{0.3, 3.0, 1e-4, 0.8, 0.01},
		{1.5, 20.0, 0.1, 0.05, 40.0},
	};
	PopulationCell cells[N_CELLS];
	size_t n = list_cells(cells);

	(void) state;
	for (size_t p = 0; p < sizeof(points) / sizeof(*points); p++)
	{
		double gradient[5], hessian[25], plain[5], plain_hessian[25];
		TestClock test;
		Population *dated = population_build_dated(&test_host, cells, n, 7.0, &season_even, 8800);
		Population *even = population_build(&test_host, cells, n, 7.0);
		DatedCustomer customer = {ggnbd_model.lifetime, points[p], &season_even, 7.0, 8000.0, 3.0};
		double gone;

		assert_near(ggnbd_model.log_likelihood(dated, points[p], gradient, hessian),
					ggnbd_model.log_likelihood(even, points[p], plain, plain_hessian), 1e-10);
		for (int i = 0; i < 5; i++)
			assert_true(fabs(gradient[i] - plain[i]) * points[p][i] <= 1e-8 * (1.0 + fabs(plain[i] * points[p][i])));
		for (int i = 0; i < 25; i++)
			assert_true(fabs(hessian[i] - plain_hessian[i]) * points[p][i / 5] * points[p][i % 5] <=
						1e-6 * (1.0 + fabs(plain_hessian[i] * points[p][i / 5] * points[p][i % 5])));
		assert_near(two_clocks_alive_prob(&customer, 8200.0, 8500.0, &gone),
					ggnbd_model.prob_alive(points[p], 3.0, 200.0 / 7.0, 500.0 / 7.0), 1e-9);
		assert_near(gone, ggnbd_model.gone_prob(points[p], 3.0, 200.0 / 7.0, 500.0 / 7.0), 1e-8);
		assert_near(expected(&customer, 8500.0, 365.0, 0.0),
					ggnbd_model.expected_transactions_if_alive(points[p], 3.0, 200.0 / 7.0, 500.0 / 7.0, 365.0 / 7.0,
															   0.0),
					1e-9);
		assert_near(two_clocks_pmf_if_alive(&customer, 8500.0, 90.0, 2.0) *
						ggnbd_model.prob_alive(points[p], 3.0, 200.0 / 7.0, 500.0 / 7.0),
					ggnbd_model.future_transactions_pmf(points[p], 3.0, 200.0 / 7.0, 500.0 / 7.0, 90.0 / 7.0, 2.0),
					1e-8);

		/* with a season, differences */
		make_clock(&test, SEASON_BY_MONTH, 2);
		population_set_clock(dated, &test.clock);
		(void) ggnbd_model.log_likelihood(dated, points[p], gradient, hessian);
		for (int i = 0; i < 5; i++)
		{
			double moved[5];
			double difference = 0.0;

			for (int sign = -1; sign <= 1; sign += 2)
			{
				memcpy(moved, points[p], sizeof(moved));
				moved[i] *= 1.0 + sign * 1e-4;
				difference += sign * ggnbd_model.log_likelihood(dated, moved, NULL, NULL) / (2e-4 * points[p][i]);
			}
			assert_near(gradient[i], difference, 1e-5);
		}
		population_free(dated);
		population_free(even);
	}
}

/* What is expected of customers who leave fast at once, late, or as if by an exponential law: the plain model's. */
static void
test_leaving(void **state)
{
	static const struct
	{
		const Model *model;
		double params[5];
	} laws[] = {
		{&paretonbd_model, {0.5, 10.0, 50.0, 20.0}},  {&paretonbd_model, {0.5, 10.0, 50.0, 1000.0}},
		{&paretonbd_model, {0.5, 10.0, 1e4, 1e5}},    {&ggnbd_model, {0.5, 10.0, 0.01, 0.5, 1.0}},
		{&ggnbd_model, {0.5, 10.0, 0.02, 50.0, 4.0}}, {&ggnbd_model, {0.5, 10.0, 0.1, 2.0, 1e6}},
		{&ggnbd_model, {0.5, 10.0, 0.1, 0.05, 1e6}},  {&ggnbd_model, {0.5, 10.0, 0.05, 30.0, 1e5}},
		{&ggnbd_model, {0.5, 10.0, 0.05, 2.0, 1e-3}}, {&ggnbd_model, {0.5, 10.0, 0.03, 3.0, 0.99}},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(laws) / sizeof(*laws); i++)
		for (double today = 8000.0; today < 12000.0; today += 700.0)
		{
			const Model *model = laws[i].model;
			const double *params = laws[i].params;
			DatedCustomer customer = {model->lifetime, params, &season_even, 7.0, 8000.0, 0.0};
			double T = (today - 8000.0) / 7.0;

			assert_near(expected(&customer, today, 365.0, 0.0),
						model->expected_transactions_if_alive(params, 0.0, 0.0, T, 365.0 / 7.0, 0.0), 1e-9);
			assert_near(expected(&customer, today, INFINITY, 0.0004),
						model->expected_transactions_if_alive(params, 0.0, 0.0, T, INFINITY, 0.0028), 1e-9);
		}
}

/* Counts add up to one, and their mean is what is expected. */
static void
test_counts(void **state)
{
	TestClock test;

	(void) state;
	make_clock(&test, SEASON_BY_WEEK, 2);
	for (double horizon = 20.0; horizon < 900.0; horizon *= 3.0)
	{
		DatedCustomer customer = customer_of(sets[0], &test.clock, 8300.0, 4.0);
		double sum = 1.0 - two_clocks_order_prob_if_alive(&customer, 8500.0, horizon);
		double mean = 0.0;

		for (double j = 1.0; j < 1000.0; j++)
		{
			double prob = two_clocks_pmf_if_alive(&customer, 8500.0, horizon, j);

			if (j < 20.0 || fmod(j, 100.0) == 0.0)
				assert_near(two_clocks_fewer_prob_if_alive(&customer, 8500.0, horizon, j), sum, 1e-9);
			sum += prob;
			mean += j * prob;
		}
		assert_near(sum, 1.0, 1e-9);
		assert_near(mean, expected(&customer, 8500.0, horizon, 0.0), 1e-8);
	}
}

/* A few days of a season whose factors are as large as they may be, and thousands of purchases. */
static void
test_many_counts(void **state)
{
	TestClock test;
	DatedCustomer customer;
	double sum;

	(void) state;
	make_clock(&test, SEASON_BY_MONTH, 2);
	for (int i = 0; i < test.clock.n_days; i++)
		test.clock.days[i] = (SeasonDay){.day = 8520 + 30 * i, .factor = 3e4};
	season_clock_prepare(&test.clock);
	customer = customer_of(sets[0], &test.clock, 8300.0, 4.0);
	sum = 1.0 - two_clocks_order_prob_if_alive(&customer, 8500.0, 365.0);
	for (double j = 1.0; j < 4000.0; j++)
	{
		if (fmod(j, 250.0) == 0.0)
			assert_near(two_clocks_fewer_prob_if_alive(&customer, 8500.0, 365.0, j), sum, 1e-8);
		sum += two_clocks_pmf_if_alive(&customer, 8500.0, 365.0, j);
	}
	assert_true(two_clocks_fewer_prob_if_alive(&customer, 8500.0, 365.0, 1e6) <= 1.0);
	assert_true(sum < 1.0 - 1e-9);
}

/* What slots were exposed to is the derivative of the likelihood in ln of their factors, but for the purchases. */
static void
test_exposure(void **state)
{
	PopulationCell cells[N_CELLS];
	size_t n = list_cells(cells);
	const int32_t now = 8800;

	(void) state;
	for (size_t p = 0; p < N_SETS; p++)
	{
		TestClock test;
		Population *population;
		SeasonWeights weights = {.first = 8300, .last = now, .by_day = calloc(501, sizeof(double))};
		double gradient[4], same[4], slots[12];

		make_clock(&test, SEASON_BY_MONTH, 0);
		population = population_build_dated(&test_host, cells, n, 7.0, &test.clock, now);
		paretonbd_model.expose(population, sets[p], &weights, gradient);
		for (int64_t day = weights.first; day <= weights.last; day++)
			season_expose(&weights.before, day, weights.by_day[day - weights.first]);
		season_exposed(&weights.before, SEASON_BY_MONTH, slots);
		(void) paretonbd_model.log_likelihood(population, sets[p], same, NULL);
		for (int i = 0; i < 4; i++)
			assert_near(gradient[i], same[i], 1e-12);
		for (int slot = 0; slot < 12; slot++)
		{
			double difference = 0.0;

			for (int sign = -1; sign <= 1; sign += 2)
			{
				TestClock other;

				make_clock(&other, SEASON_BY_MONTH, 0);
				other.factor[slot] *= exp(sign * 1e-4);
				prepare(&other, SEASON_BY_MONTH, 0);
				population_set_clock(population, &other.clock);
				difference += sign * paretonbd_model.log_likelihood(population, sets[p], NULL, NULL) / 2e-4;
			}
			assert_near(-slots[slot] * months[slot], difference, 1e-6);
		}
		population_free(population);
		free(weights.by_day);
	}
}

/* Another clock is as if the population had been built with it; a coarse copy keeps its customers. */
static void
test_clock_set(void **state)
{
	PopulationCell cells[N_CELLS];
	size_t n = list_cells(cells);
	TestClock month, week;
	Population *population, *other, *coarse;
	long before = blocks_held;

	(void) state;
	make_clock(&month, SEASON_BY_MONTH, 2);
	make_clock(&week, SEASON_BY_WEEK, 2);
	population = population_build_dated(&test_host, cells, n, 7.0, &month.clock, 8800);
	other = population_build_dated(&test_host, cells, n, 7.0, &week.clock, 8800);
	population_set_clock(population, &week.clock);
	assert_true(population->mean_T == other->mean_T);
	assert_true(paretonbd_model.log_likelihood(population, sets[0], NULL, NULL) ==
				paretonbd_model.log_likelihood(other, sets[0], NULL, NULL));
	assert_true(bgnbd_model.log_likelihood(population, sets[0], NULL, NULL) ==
				bgnbd_model.log_likelihood(other, sets[0], NULL, NULL));
	coarse = population_coarsen(population, 1);
	assert_true(coarse->customers == population->customers && coarse->days != NULL);
	assert_near(paretonbd_model.log_likelihood(coarse, sets[0], NULL, NULL),
				paretonbd_model.log_likelihood(population, sets[0], NULL, NULL), 0.2);
	population_free(coarse);
	population_free(other);
	population_free(population);
	assert_int_equal(blocks_held, before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),         cmocka_unit_test(test_varying),  cmocka_unit_test(test_scores),
		cmocka_unit_test(test_gamma_gompertz), cmocka_unit_test(test_even),     cmocka_unit_test(test_counts),
		cmocka_unit_test(test_many_counts),    cmocka_unit_test(test_exposure), cmocka_unit_test(test_clock_set),
		cmocka_unit_test(test_leaving),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
