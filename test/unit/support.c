/*
 * support.c
 *	  What the unit tests share: a host, golden files, comparisons.
 */
#include "support.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/core/simulate.h"

long interrupts_checked = 0;
long blocks_held = 0;

const double cdnow_timing[4] = {0.2425945224, 4.413602019, 0.7929220172, 2.425906777};
const double cdnow_paretonbd[4] = {0.5532770469, 10.57768346, 0.6062399891, 11.66873529};
const double cdnow_mbgnbd[4] = {0.5248431591, 6.18308528, 0.8913593907, 1.61400224};
const double cdnow_spend[3] = {6.249572271, 3.744224667, 15.44352096};

static void *
host_alloc(size_t size)
{
	void *memory = malloc(size);

	if (memory == NULL || size == 0)
		abort();
	blocks_held++;
	/* nobody may rely on fresh memory being zero */
	memset(memory, 0xA5, size);
	return memory;
}

static void
host_release(void *memory)
{
	blocks_held--;
	free(memory);
}

static void
host_check_interrupts(void)
{
	interrupts_checked++;
}

const Host test_host = {host_alloc, host_release, host_check_interrupts};

Golden
golden_open(const char *name)
{
	char path[1024];
	char header[1024];
	Golden golden = {.name = name};

	snprintf(path, sizeof(path), "%s/%s", GOLDENS, name);
	golden.file = fopen(path, "r");
	if (golden.file == NULL || fgets(header, sizeof(header), golden.file) == NULL)
		fail_msg("cannot read %s", path);
	return golden;
}

bool
golden_next(Golden *golden)
{
	char line[1024];
	char *at = line;

	if (fgets(line, sizeof(line), golden->file) == NULL)
	{
		fclose(golden->file);
		assert_true(golden->row > 0);
		print_message("%s: %d rows, largest error %.2g\n", golden->name, golden->row, golden->worst);
		return false;
	}
	golden->row++;
	for (golden->n_fields = 0; at != NULL; golden->n_fields++)
	{
		char *end;

		assert_true(golden->n_fields < MAX_FIELDS);
		golden->field[golden->n_fields] = strtod(at, &end);
		if (end == at)
			golden->field[golden->n_fields] = NAN;
		at = strchr(at, ',');
		if (at != NULL)
			at++;
	}
	return true;
}

double
relative_error(double got, double expected, double floor)
{
	if (got == expected)
		return 0.0;
	return fabs(got - expected) / fmax(fabs(expected), floor);
}

void
assert_golden(Golden *golden, const char *what, double got, double expected, double tolerance, double floor)
{
	double error = relative_error(got, expected, floor);

	golden->worst = larger_error(golden->worst, error);
	if (!(error <= tolerance))
		fail_msg("%s row %d: %s is %.17g, should be %.17g (error %.3g)", golden->name, golden->row, what, got, expected,
				 error);
}

void
assert_near(double got, double expected, double tolerance)
{
	double error = relative_error(got, expected, 0.0);

	if (!(error <= tolerance))
		fail_msg("%.17g should be %.17g (error %.3g)", got, expected, error);
}

Population *
one_customer(double x, double t_x, double T)
{
	PopulationCell cell = {.x = (uint32_t) x, .t_x_days = 0, .T_days = 1, .customers = 1.0};
	Population *population = population_build(&test_host, &cell, 1, 1.0);

	population->ages[0].T = T;
	if (x > 0)
		population->recencies[0].t_x = t_x;
	return population;
}

void
fit_population(const Model *model, const Population *population, Fit *fit)
{
	fit_timing(&test_host, model, &(CovariateClass){.population = population}, 1, 0, 0.0, fit);
}

void
check_gradient(const Model *model, const char *name, double tolerance)
{
	Golden golden = golden_open(name);
	int n = model->n_params - model->n_integer_params;

	while (golden_next(&golden))
	{
		const double *params = golden.field;
		const double *history = &golden.field[model->n_params];
		const double *expected = &history[3];
		Population *one = one_customer(history[0], history[1], history[2]);
		double gradient[MODEL_MAX_PARAMS];

		model->log_likelihood(one, params, gradient, NULL);
		population_free(one);
		for (int i = 0; i < n; i++)
			assert_golden(&golden, model->param_names[i], params[i] * gradient[i], params[i] * expected[i], tolerance,
						  GRADIENT_FLOOR);
	}
}

void
check_hessian(const Model *model, const char *name, double tolerance)
{
	Golden golden = golden_open(name);
	int n = model->n_params - model->n_integer_params;

	while (golden_next(&golden))
	{
		const double *params = golden.field;
		const double *history = &golden.field[model->n_params];
		const double *expected = &history[3];
		Population *one = one_customer(history[0], history[1], history[2]);
		double hessian[MODEL_MAX_PARAMS * MODEL_MAX_PARAMS];

		model->log_likelihood(one, params, NULL, hessian);
		population_free(one);
		for (int i = 0; i < n; i++)
			for (int k = i; k < n; k++, expected++)
			{
				double scale = params[i] * params[k];

				assert_golden(&golden, model->param_names[i], scale * hessian[i * n + k], scale * *expected, tolerance,
							  GRADIENT_FLOOR);
				assert_true(hessian[i * n + k] == hessian[k * n + i]);
			}
	}
}

void
check_orders_pmf(const Model *model, const char *name, double tolerance)
{
	Golden golden = golden_open(name);
	int n = model->n_params;

	while (golden_next(&golden))
		assert_golden(&golden, "new_customer_transactions_pmf",
					  model->new_customer_transactions_pmf(golden.field, golden.field[n], golden.field[n + 1]),
					  golden.field[n + 2], tolerance, 1e-290);
}

void
check_order_prob(const Model *model, const char *name, double tolerance)
{
	static const double horizons[] = {0.1, 10.0, 52.0, 10000.0, INFINITY};
	Golden golden = golden_open(name);
	int n = model->n_params;

	while (golden_next(&golden))
		for (int i = 0; i < 5; i++)
			assert_golden(&golden, "order_prob",
						  model->order_prob(golden.field, golden.field[n], golden.field[n + 1], golden.field[n + 2],
											horizons[i]),
						  golden.field[n + 3 + i], tolerance, 0.0);
}

void
check_discounted_orders(const Model *model, const char *name, double tolerance)
{
	Golden golden = golden_open(name);
	int n = model->n_params;

	while (golden_next(&golden))
		assert_golden(&golden, "discounted_orders",
					  model_discounted_transactions(model, golden.field, golden.field[n], golden.field[n + 1],
													golden.field[n + 2], golden.field[n + 4], golden.field[n + 3]),
					  golden.field[n + 5], tolerance, 1e-290);
}

double
anywhere_between(Random *random, double low, double high)
{
	return low * det_exp(random_uniform(random) * det_log(high / low));
}

Population *
simulated_by_the_clock(const Model *model, const double *params, int n, int days, int ticks, uint64_t seed)
{
	PopulationCell *cells = test_host.alloc(sizeof(PopulationCell) * n);
	Population *population;
	double week = 7.0 * ticks;
	double log_gaps = 0.0;

	if (model->discrete)
	{
		days /= 7;
		ticks = 1;
		week = 1.0;
	}
	for (int i = 0; i < n; i++)
	{
		Random random = random_start(seed, i);
		int T = (days - (int) (random_uniform(&random) * (days / 2))) * ticks;
		int last = 0;
		SimulatedCustomer customer;
		double time;
		double amount;

		cells[i] = (PopulationCell){.T_days = T, .customers = 1.0};
		simulate_customer(model, params, &gammagamma_model, cdnow_spend, T / week, random, &customer);
		while (simulate_next_order(&customer, &time, &amount))
		{
			/* orders of one tick are one purchase */
			if ((int) (time * week) == last)
				continue;
			log_gaps += log(((int) (time * week) - last) / week);
			last = (int) (time * week);
			cells[i].x++;
			cells[i].t_x_days = last;
		}
	}
	population = population_build(&test_host, cells, n, week);
	population->log_gaps = log_gaps;
	test_host.release(cells);
	return population;
}

Population *
simulated_population(const Model *model, const double *params, int n, int days, uint64_t seed)
{
	return simulated_by_the_clock(model, params, n, days, 1, seed);
}

bool
long_double_is_longer(void)
{
	volatile long double sum = 1.0L;

	sum += DBL_EPSILON / 4;
	return sum != 1.0L;
}
