/*
 * bench.c
 *	  How fast the inner loops are: one likelihood, one score, one draw.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "models/core/fit.h"
#include "models/core/simulate.h"

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

/* Cells spread evenly over two years of days, about as many per x as shops have. */
static PopulationCell *
spread_cells(size_t n)
{
	PopulationCell *cells = test_host.alloc(n * sizeof(PopulationCell));
	Random random = random_start(1, 0);

	for (size_t i = 0; i < n; i++)
	{
		uint32_t x = (uint32_t) (1.0 + 8.0 * random_exponential(&random));
		int32_t T = 1 + (int32_t) (730.0 * random_uniform(&random));

		cells[i] = (PopulationCell){x, (int32_t) (T * random_uniform(&random)), T, 1.0};
	}
	return cells;
}

/* Every model. */
static const Model *const models[] = {
	&bgnbd_model, &paretonbd_model, &mbgnbd_model, &ggnbd_model, &bgcnbd_model, &mbgcnbd_model,
};

/* Parameters like those of CDNOW, for the shop of spread_cells(). */
static const double plausible[][5] = {{0.2425945224, 4.413602019, 0.7929220172, 2.425906777},
									  {0.5532770469, 10.57768346, 0.6062399891, 11.66873529},
									  {0.5248431591, 6.18308528, 0.8913593907, 1.61400224},
									  {0.5532770469, 10.57768346, 0.01, 0.49954486, 0.0941155},
									  {0.2425945224, 2.2, 0.7929220172, 2.425906777, 2},
									  {0.5248431591, 3.1, 0.8913593907, 1.61400224, 2}};

#define N_MODELS (sizeof(models) / sizeof(models[0]))

static void
bench_model(const Model *model, const double *params, const Population *population)
{
	double gradient[MODEL_MAX_PARAMS];
	double hessian[MODEL_MAX_PARAMS * MODEL_MAX_PARAMS];
	double began = seconds();
	double evaluated;
	Fit fit;

	for (int i = 0; i < 10; i++)
		model->log_likelihood(population, params, gradient, hessian);
	evaluated = seconds();
	fit_population(model, population, &fit);
	printf("    %s: likelihood %.1f ms; fit %.0f ms, %d evaluations\n", model->name, 1e2 * (evaluated - began),
		   1e3 * (seconds() - evaluated), fit.iterations);
}

static void
bench_population(size_t n)
{
	PopulationCell *cells = spread_cells(n);
	double began = seconds();
	Population *population = population_build(&test_host, cells, n, 7.0);

	printf("population of %zu cells: built in %.0f ms; %zu cells, %zu recencies, %zu ages\n", n,
		   1e3 * (seconds() - began), population->n_cells, population->n_recencies, population->n_ages);
	for (size_t i = 0; i < N_MODELS; i++)
		bench_model(models[i], plausible[i], population);
	population_free(population);
	test_host.release(cells);
}

/* Scores of customers as they live, at one year's horizon. */
static void
bench_scores(void)
{
	enum
	{
		CUSTOMERS = 20000,
		ROUNDS = 10,
	};
	static double x[CUSTOMERS];
	static double t_x[CUSTOMERS];
	static double T[CUSTOMERS];
	double sum = 0.0;
	double clock[7];

	for (int i = 0; i < CUSTOMERS; i++)
	{
		SimulatedCustomer customer;
		Random random = random_start(2, i);
		double amount;
		double when;

		T[i] = 1.0 + 100.0 * random_uniform(&random);
		simulate_customer(&bgnbd_model, cdnow_timing, &gammagamma_model, cdnow_spend, T[i], random, &customer);
		simulate_next_order(&customer, &when, &amount);
		for (; simulate_next_order(&customer, &when, &amount); x[i]++)
			t_x[i] = when;
	}

	for (size_t m = 0; m < N_MODELS; m++)
	{
		const Model *model = models[m];
		const double *params = plausible[m];

		clock[0] = seconds();
		for (int i = 0; i < ROUNDS * CUSTOMERS; i++)
			sum += model->prob_alive(params, x[i % CUSTOMERS], t_x[i % CUSTOMERS], T[i % CUSTOMERS]);
		clock[1] = seconds();
		for (int i = 0; i < ROUNDS * CUSTOMERS; i++)
			sum += model_expected_transactions(model, params, x[i % CUSTOMERS], t_x[i % CUSTOMERS], T[i % CUSTOMERS],
											   52.0);
		clock[2] = seconds();
		for (int i = 0; i < ROUNDS * CUSTOMERS; i++)
			sum += model_discounted_transactions(model, params, x[i % CUSTOMERS], t_x[i % CUSTOMERS], T[i % CUSTOMERS],
												 52.0, 0.0018);
		clock[3] = seconds();
		for (int i = 0; i < ROUNDS * CUSTOMERS; i++)
			sum += model->order_prob(params, x[i % CUSTOMERS], t_x[i % CUSTOMERS], T[i % CUSTOMERS], 13.0);
		clock[4] = seconds();
		for (int i = 0; i < CUSTOMERS; i++)
			sum += model->next_order_quantile(params, x[i], t_x[i], T[i], 0.5);
		clock[5] = seconds();
		for (int i = 0; i < CUSTOMERS; i++)
			sum += model->future_transactions_pmf(params, x[i], t_x[i], T[i], 52.0, 2.0);
		clock[6] = seconds();
		printf("%s per customer: alive_prob %.3f us, expected_transactions %.3f us, discounted_orders %.3f us, "
			   "order_prob %.3f us, next_order_quantile %.3f us, future_transactions_pmf %.3f us (%.3g)\n",
			   model->name, 1e6 * (clock[1] - clock[0]) / (ROUNDS * CUSTOMERS),
			   1e6 * (clock[2] - clock[1]) / (ROUNDS * CUSTOMERS), 1e6 * (clock[3] - clock[2]) / (ROUNDS * CUSTOMERS),
			   1e6 * (clock[4] - clock[3]) / (ROUNDS * CUSTOMERS), 1e6 * (clock[5] - clock[4]) / CUSTOMERS,
			   1e6 * (clock[6] - clock[5]) / CUSTOMERS, sum);
	}
}

static void
bench_simulation(void)
{
	double began = seconds();
	double spend = 0.0;
	long orders = 0;

	for (int i = 0; i < 1000000; i++)
	{
		SimulatedCustomer customer;
		double when;
		double amount;

		simulate_customer(&bgnbd_model, cdnow_timing, &gammagamma_model, cdnow_spend, 104.0, random_start(3, i),
						  &customer);
		while (simulate_next_order(&customer, &when, &amount))
		{
			orders++;
			spend += amount;
		}
	}
	printf("simulation: %ld orders of 1000000 customers, %.1f M orders/s (%.3g)\n", orders,
		   1e-6 * orders / (seconds() - began), spend);
}

int
main(void)
{
	bench_population(340000);
	bench_population(2000000);
	bench_scores();
	bench_simulation();
	return EXIT_SUCCESS;
}
