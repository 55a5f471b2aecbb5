/*
 * test_varying_fit.c
 *	  Fits of Pareto/NBD with covariates that vary over time: simulated customers
 *	  give the coefficients back, and covariates that do not vary are static ones.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/competing_risks/varying_clocks.h"
#include "models/competing_risks/varying_fit.h"

#define COVARIATES 2
#define STEPS 24
#define STEP_LENGTH 4.0
#define SPAN (STEPS * STEP_LENGTH)

/* One simulated customer with their data. */
typedef struct Simulated
{
	double until[STEPS];
	double z[STEPS * COVARIATES];
	double sums[COVARIATES];
} Simulated;

/* The age at which a clock, which runs at these rates in the steps, shows `time`; INFINITY: not within the span. */
static double
age_of_clock(const double *rates, double time)
{
	for (int i = 0; i < STEPS; i++)
	{
		if (time < rates[i] * STEP_LENGTH)
			return i * STEP_LENGTH + time / rates[i];
		time -= rates[i] * STEP_LENGTH;
	}
	return INFINITY;
}

/* A customer whose first covariate is on in some steps and whose second one is constant, observed until T. */
static VaryingCustomer
simulate(Random *random, const double *params, const double *coefficients, double T, Simulated *data)
{
	double buying[STEPS];
	double leaving[STEPS];
	double rate = det_exp(random_ln_gamma(random, params[0])) / params[1];
	double leaving_rate = det_exp(random_ln_gamma(random, params[2])) / params[3];
	double constant = random_uniform(random) < 0.5 ? 0.0 : 1.0;
	double clock = 0.0;
	VaryingCustomer customer = {.T = T, .customers = 1.0, .n_steps = STEPS};
	double death;

	memset(data->sums, 0, sizeof(data->sums));
	for (int i = 0; i < STEPS; i++)
	{
		double *z = &data->z[i * COVARIATES];

		data->until[i] = (i + 1) * STEP_LENGTH;
		z[0] = random_uniform(random) < 0.3 ? 1.0 : 0.0;
		z[1] = constant;
		buying[i] = exp(coefficients[0] * z[0] + coefficients[1] * z[1]);
		leaving[i] = exp(coefficients[2] * z[0] + coefficients[3] * z[1]);
	}
	death = age_of_clock(leaving, random_exponential(random) / leaving_rate);
	for (;;)
	{
		double age;

		clock += random_exponential(random) / rate;
		age = age_of_clock(buying, clock);
		if (!(age < death && age < T))
			break;
		customer.x++;
		customer.t_x = age;
		for (int k = 0; k < COVARIATES; k++)
			data->sums[k] += data->z[(int) (age / STEP_LENGTH) * COVARIATES + k];
	}
	customer.until = data->until;
	customer.covariates = data->z;
	customer.sums = data->sums;
	return customer;
}

#define CUSTOMERS 4000

static void
test_recovery(void **state)
{
	const double params[] = {0.8, 6.0, 0.9, 15.0};
	const double coefficients[] = {0.9, -0.5, 0.6, -0.7};
	Random random = random_start(11, 0);
	Simulated *data = malloc(CUSTOMERS * sizeof(Simulated));
	VaryingCustomer *customers = malloc(CUSTOMERS * sizeof(VaryingCustomer));
	Fit fit;

	(void) state;
	for (int i = 0; i < CUSTOMERS; i++)
		customers[i] = simulate(&random, params, coefficients, SPAN * (0.5 + 0.5 * random_uniform(&random)), &data[i]);
	fit_varying(&test_host, customers, CUSTOMERS, COVARIATES, 0.0, &fit);
	assert_true(fit.converged);
	assert_true(fit.prior_sd == 0.0);
	for (int i = 0; i < fit.n_params; i++)
	{
		double truth = i < 4 ? params[i] : coefficients[i - 4];

		print_message("%d: %g, standard error %g, truth %g\n", i, fit.params[i], fit.std_errors[i], truth);
		assert_true(fabs(fit.params[i] - truth) <= 3.5 * fit.std_errors[i]);
		assert_true(i < 4 || fit.std_errors[i] < 0.2);
	}
	free(customers);
	free(data);
}

/* Covariates that never change: the fit is that of the same customers in classes. */
static void
test_static(void **state)
{
	const double params[] = {0.8, 6.0, 0.9, 15.0};
	Random random = random_start(12, 0);
	static PopulationCell cells[3][600];
	static VaryingCustomer customers[1800];
	static double sums[1800][COVARIATES];
	static const double values[3][COVARIATES] = {{0.0, 1.0}, {1.0, -0.5}, {0.5, 0.5}};
	static const double until[] = {INFINITY};
	CovariateClass classes[3];
	Fit varying;
	Fit fixed;

	(void) state;
	for (int c = 0; c < 3; c++)
	{
		double own[] = {params[0], params[1] * exp(-0.4 * values[c][0]), params[2],
						params[3] * exp(0.3 * values[c][1])};

		for (int i = 0; i < 600; i++)
		{
			SimulatedPath path;
			double T = 52.0 + 26.0 * (i % 3);
			int at = c * 600 + i;
			double order;
			VaryingCustomer *customer = &customers[at];

			*customer = (VaryingCustomer){.T = T,
										  .customers = 1.0,
										  .n_steps = 1,
										  .until = until,
										  .covariates = values[c],
										  .sums = sums[at]};
			paretonbd_model.begin_path(own, &random, &path);
			while ((order = paretonbd_model.next_order(&path, &random)) <= T)
			{
				double day = ceil(order * 7.0) / 7.0;

				if (day <= customer->t_x || day > T)
					continue;
				customer->x++;
				customer->t_x = day;
			}
			for (int k = 0; k < COVARIATES; k++)
				sums[at][k] = customer->x * values[c][k];
			cells[c][i] = (PopulationCell){.x = (uint32_t) customer->x,
										   .t_x_days = (int32_t) rint(customer->t_x * 7.0),
										   .T_days = (int32_t) rint(T * 7.0),
										   .customers = 1.0};
		}
		classes[c] = (CovariateClass){population_build(&test_host, cells[c], 600, 7.0), values[c]};
	}
	fit_varying(&test_host, customers, 1800, COVARIATES, 0.0, &varying);
	fit_timing(&test_host, &paretonbd_model, classes, 3, COVARIATES, 0.0, &fixed);
	assert_true(varying.converged && fixed.converged);
	assert_near(varying.log_likelihood, fixed.log_likelihood, 1e-11);
	for (int i = 0; i < fixed.n_params; i++)
	{
		assert_true(fabs(varying.params[i] - fixed.params[i]) <= 1e-4 * fixed.std_errors[i]);
		assert_near(varying.std_errors[i], fixed.std_errors[i], 1e-4);
	}

	/* and with a penalty */
	fit_varying(&test_host, customers, 1800, COVARIATES, 2.0, &varying);
	fit_timing(&test_host, &paretonbd_model, classes, 3, COVARIATES, 2.0, &fixed);
	for (int i = 0; i < fixed.n_params; i++)
		assert_true(fabs(varying.params[i] - fixed.params[i]) <= 1e-4 * fixed.std_errors[i]);
	for (int c = 0; c < 3; c++)
		population_free((Population *) classes[c].population);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_static),
	};

	return cmocka_run_group_tests_name("fits with varying rates", tests, NULL, NULL);
}
