/*
 * test_fit_season.c
 *	  A season estimated with the model: what was simulated is found again, at the
 *	  maximum of the likelihood.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/competing_risks/two_clocks_scores.h"
#include "models/core/fit_season.h"
#include "models/core/simulate.h"

/* A shop, observed from day 0 to `now`, with first purchases spread over `joining` days. */
typedef struct Shop
{
	PopulationCell *cells;
	size_t n;
	int32_t now;
	double counts[SEASON_PLACES];
	double later; /* purchases in the year after */
} Shop;

/* A clock with its memory. */
typedef struct TestClock
{
	double factor[SEASON_PLACES];
	double before[SEASON_PLACES + 1];
	SeasonClock clock;
} TestClock;

static void
prepare(TestClock *test, SeasonBy by)
{
	double mean = season_mean(by, test->factor);

	for (int i = 0; i < season_slots(by); i++)
		test->factor[i] /= mean;
	test->clock = (SeasonClock){.by = by, .factor = test->factor, .before = test->before};
	season_clock_prepare(&test->clock);
}

/* Four-fold Novembers. */
static void
november(TestClock *test)
{
	for (int i = 0; i < 12; i++)
		test->factor[i] = i == 10 ? 4.0 : 1.0;
	prepare(test, SEASON_BY_MONTH);
}

/* Purchases of a day are one; they are made on the clock. */
static Shop
simulate_shop(const Model *model, const double *params, int customers, int32_t joining, int32_t now,
			  const SeasonClock *clock, SeasonBy by)
{
	Shop shop = {.cells = malloc(sizeof(PopulationCell) * customers), .n = customers, .now = now};

	for (int i = 0; i < customers; i++)
	{
		SimulatedCustomer customer;
		int32_t first = (int32_t) ((int64_t) i * joining / customers);
		int32_t last = first;
		double time, amount;
		uint32_t x = 0;

		simulate_customer(model, params, NULL, NULL, 1e6, random_start(7, (uint64_t) i), &customer);
		/* who leaves by the calendar leaves on the clock */
		if (model->lifetime != NULL)
			customer.path.dropout = season_between(clock, first, first + 7.0 * customer.path.dropout) / 7.0;
		while (simulate_next_order(&customer, &time, &amount))
		{
			double at = ceil(season_after(clock, first, 7.0 * time));

			if (at > now + 365)
				break;
			if ((int32_t) at == last)
				continue;
			shop.later += at > now;
			if (at > now)
				continue;
			last = (int32_t) at;
			shop.counts[season_slot_of_day(by, last)]++;
			x++;
		}
		shop.cells[i] = (PopulationCell){.x = x, .t_x_days = last - first, .T_days = now - first, .customers = 1.0};
	}
	return shop;
}

/* Some of the customers, on the calendar's clock. */
static CovariateClass
class_of(const Shop *shop, size_t first, size_t n)
{
	return (CovariateClass){
		.population = population_build_dated(&test_host, shop->cells + first, n, 7.0, &season_even, shop->now),
	};
}

static void
class_free(CovariateClass *class)
{
	population_free((Population *) class->population);
}

static SeasonData
data_of(const Shop *shop, const CovariateClass *class, SeasonBy by)
{
	return (SeasonData){
		.host = &test_host,
		.classes = class,
		.n_classes = 1,
		.by = by,
		.counts = shop->counts,
	};
}

/* Expected purchases of the year after of a customer whose purchases go by the clock, and who leaves by the calendar. */
static double
forecast_dated(const PopulationCell *cell, const Model *model, const double *params, const SeasonClock *clock,
			   double now)
{
	static SeasonRule rule;
	double first = now - cell->T_days;
	DatedCustomer customer = {model->lifetime, params, clock, 7.0, first, cell->x};
	SeasonBend bend = two_clocks_bend(model->lifetime, params, 7.0);

	season_purchase_rule(clock, now, 365.0, 0.0, &bend, &rule);
	return two_clocks_alive_prob(&customer, first + cell->t_x_days, now, NULL) *
		two_clocks_transactions_if_alive(&customer, now, &rule);
}

/* Expected purchases of the year after, on a clock. */
static double
forecast(const Shop *shop, const Model *model, const double *params, const SeasonClock *clock)
{
	double sum = 0.0;

	for (size_t i = 0; i < shop->n; i++)
	{
		const PopulationCell *cell = &shop->cells[i];
		double first = (double) shop->now - cell->T_days;

		if (model->lifetime != NULL)
		{
			sum += cell->customers * forecast_dated(cell, model, params, clock, shop->now);
			continue;
		}
		sum += cell->customers *
			model_expected_transactions(model, params, cell->x,
										season_between(clock, first, first + cell->t_x_days) / 7.0,
										season_between(clock, first, shop->now) / 7.0,
										season_between(clock, shop->now, shop->now + 365.0) / 7.0);
	}
	return sum;
}

/* Log-likelihood with given effects, the parameters being fitted, less the penalty. */
static double
penalised(const Shop *shop, const SeasonData *data, const Model *model, const double *effects)
{
	TestClock test;
	Population *population;
	double penalty = 0.0;
	Fit fit;

	for (int i = 0; i < season_slots(data->by); i++)
	{
		test.factor[i] = exp(effects[i]);
		penalty += 0.5 * effects[i] * effects[i];
	}
	prepare(&test, data->by);
	population = population_build_dated(&test_host, shop->cells, shop->n, 7.0, &test.clock, shop->now);
	fit_population(model, population, &fit);
	population_free(population);
	return fit.log_likelihood + season_ln_factors(data->by, test.factor, data->counts) - penalty;
}

static const double truth[] = {0.8, 6.0, 0.9, 2.5};

static const double truth_of_pareto[] = {0.8, 6.0, 0.9, 25.0};

static const Model *const models[] = {&bgnbd_model, &mbgnbd_model, &paretonbd_model};

/* What was simulated is found; the estimate is where the likelihood has its maximum. */
static void
test_recovery(void **state)
{
	(void) state;
	for (size_t m = 0; m < sizeof(models) / sizeof(*models); m++)
	{
		TestClock season;
		TestClock found;
		Shop shop;
		CovariateClass class;
		SeasonData data;
		SeasonFit fitted;
		Fit fit;
		const double *of_model = models[m]->lifetime == NULL ? truth : truth_of_pareto;
		double effects[SEASON_PLACES] = {0};
		double mean = 0.0;
		double best;

		november(&season);
		shop = simulate_shop(models[m], of_model, 6000, 500, 730, &season.clock, SEASON_BY_MONTH);
		class = class_of(&shop, 0, shop.n);
		data = data_of(&shop, &class, SEASON_BY_MONTH);
		fit_season(&data, models[m], &fitted, &fit);
		assert_true(fit.converged && fitted.converged && season_free_factors(SEASON_BY_MONTH) == 11 &&
					fitted.observed_share == 1.0);
		assert_near(season_mean(SEASON_BY_MONTH, fitted.factors), 1.0, 1e-14);
		for (int i = 0; i < 12; i++)
			if (!(fabs(log(fitted.factors[i] / season.factor[i])) < 4.0 / sqrt(shop.counts[i])))
				fail_msg("month %d: %g, and was %g", i + 1, fitted.factors[i], season.factor[i]);
		for (int i = 0; i < 4; i++)
			assert_true(fabs(log(fit.params[i] / of_model[i])) < 4.0 * fit.std_errors[i] / fit.params[i]);

		/* a central difference of the likelihood at the estimate, in any direction, is zero */
		for (int i = 0; i < 12; i++)
			mean += log(fitted.factors[i]) / 12.0;
		for (int i = 0; i < 12; i++)
			effects[i] = log(fitted.factors[i]) - mean;
		best = penalised(&shop, &data, models[m], effects);
		for (int i = 0; i < 12; i += 5)
		{
			double up, down;

			effects[i] += 0.01;
			up = penalised(&shop, &data, models[m], effects);
			effects[i] -= 0.02;
			down = penalised(&shop, &data, models[m], effects);
			effects[i] += 0.01;
			assert_true(up < best && down < best);
			if (!(fabs(up - down) < 0.02 * (2.0 * best - up - down)))
				fail_msg("month %d: %.9g %.9g %.9g", i + 1, down - best, best, up - best);
		}

		/* the year after is forecast */
		memcpy(found.factor, fitted.factors, sizeof(found.factor));
		prepare(&found, SEASON_BY_MONTH);
		assert_true(fabs(forecast(&shop, models[m], fit.params, &found.clock) / shop.later - 1.0) < 0.05);
		class_free(&class);
		free(shop.cells);
	}
}

/* Many cells take the way over the copy, and come to the same as without it. */
static void
test_many(void **state)
{
	TestClock season;
	Shop shop;
	CovariateClass class, parts[4];
	SeasonData data;
	SeasonFit whole, in_parts;
	Fit fit, fit_in_parts;
	long before = blocks_held;

	(void) state;
	november(&season);
	shop = simulate_shop(&bgnbd_model, truth, 150000, 600, 730, &season.clock, SEASON_BY_MONTH);
	class = class_of(&shop, 0, shop.n);
	data = data_of(&shop, &class, SEASON_BY_MONTH);
	fit_season(&data, &bgnbd_model, &whole, &fit);
	assert_true(fit.converged && whole.iterations <= 4);

	/* in parts, in another order: the same maximum, to the precision of the search */
	for (size_t i = 0; i < 4; i++)
		parts[3 - i] = class_of(&shop, shop.n / 4 * i, shop.n / 4);
	data.classes = parts;
	data.n_classes = 4;
	fit_season(&data, &bgnbd_model, &in_parts, &fit_in_parts);
	for (int i = 0; i < 12; i++)
		assert_near(in_parts.factors[i], whole.factors[i], 1e-5);
	assert_near(fit_in_parts.log_likelihood, fit.log_likelihood, 1e-10);
	for (size_t i = 0; i < 4; i++)
		class_free(&parts[i]);
	class_free(&class);
	assert_int_equal(blocks_held, before);
	free(shop.cells);
}

/* By the day of the year: 12 waves cannot follow a month, but find where it is. */
static void
test_waves(void **state)
{
	TestClock season;
	CovariateClass class;
	SeasonData data;
	SeasonFit fitted;
	Shop shop;
	Fit fit;

	(void) state;
	november(&season);
	shop = simulate_shop(&mbgnbd_model, truth, 20000, 600, 730, &season.clock, SEASON_BY_DAY);
	class = class_of(&shop, 0, shop.n);
	data = data_of(&shop, &class, SEASON_BY_DAY);
	fit_season(&data, &mbgnbd_model, &fitted, &fit);
	assert_true(fit.converged && season_free_factors(SEASON_BY_DAY) == 2 * SEASON_WAVES);
	assert_near(season_mean(SEASON_BY_DAY, fitted.factors), 1.0, 1e-14);
	assert_true(fitted.factors[319] > 2.5);
	assert_true(fitted.factors[180] > 0.6 && fitted.factors[180] < 1.1);
	class_free(&class);
	free(shop.cells);
}

/* Half a year tells nothing of the other half: its factors are those of the penalty, and the share says so. */
static void
test_half_a_year(void **state)
{
	TestClock season;
	CovariateClass class;
	SeasonData data;
	SeasonFit fitted;
	Shop shop;
	Fit fit;

	(void) state;
	november(&season);
	shop = simulate_shop(&bgnbd_model, truth, 5000, 100, 180, &season.clock, SEASON_BY_MONTH);
	class = class_of(&shop, 0, shop.n);
	data = data_of(&shop, &class, SEASON_BY_MONTH);
	fit_season(&data, &bgnbd_model, &fitted, &fit);
	assert_near(fitted.observed_share, 180.0 / 366.0, 1e-12);
	assert_true(isfinite(fit.log_likelihood) && fitted.factors[11] == fitted.factors[8]);
	class_free(&class);
	free(shop.cells);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_waves),
		cmocka_unit_test(test_half_a_year),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
