/*
 * bench.c
 *	  How fast the inner loops are: one likelihood, one score, one draw.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "models/fit.h"
#include "models/simulate.h"

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
	Random		random = random_start(1, 0);

	for (size_t i = 0; i < n; i++)
	{
		uint32_t	x = (uint32_t) (1.0 + 8.0 * random_exponential(&random));
		int32_t		T = 1 + (int32_t) (730.0 * random_uniform(&random));

		cells[i] = (PopulationCell) {x, (int32_t) (T * random_uniform(&random)), T, 1.0};
	}
	return cells;
}

static void
bench_population(size_t n)
{
	PopulationCell *cells = spread_cells(n);
	double		gradient[4];
	double		hessian[16];
	double		began = seconds();
	Population *population = population_build(&test_host, cells, n, 7.0);
	double		built = seconds();
	Fit			fit;

	for (int i = 0; i < 10; i++)
		bgnbd_model.log_likelihood(population, cdnow_timing, gradient, hessian);
	printf("population of %zu cells: built in %.0f ms; %zu cells, %zu recencies, %zu ages; "
		   "likelihood %.1f ms", n, 1e3 * (built - began),
		   population->n_cells, population->n_recencies, population->n_ages,
		   1e2 * (seconds() - built));
	built = seconds();
	fit_timing(&test_host, &bgnbd_model, population, &fit);
	printf("; fit %.0f ms, %d evaluations\n", 1e3 * (seconds() - built), fit.iterations);
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
		ROUNDS = 10
	};
	static double x[CUSTOMERS];
	static double t_x[CUSTOMERS];
	static double T[CUSTOMERS];
	double		sum = 0.0;
	double		clock[4];

	for (int i = 0; i < CUSTOMERS; i++)
	{
		SimulatedCustomer customer;
		Random		random = random_start(2, i);
		double		amount;
		double		when;

		T[i] = 1.0 + 100.0 * random_uniform(&random);
		simulate_customer(&bgnbd_model, cdnow_timing, cdnow_spend, T[i], random, &customer);
		simulate_next_order(&customer, &when, &amount);
		for (; simulate_next_order(&customer, &when, &amount); x[i]++)
			t_x[i] = when;
	}

	clock[0] = seconds();
	for (int i = 0; i < ROUNDS * CUSTOMERS; i++)
		sum += bgnbd_model.alive_prob(cdnow_timing, x[i % CUSTOMERS], t_x[i % CUSTOMERS], T[i % CUSTOMERS]);
	clock[1] = seconds();
	for (int i = 0; i < ROUNDS * CUSTOMERS; i++)
		sum += bgnbd_model.expected_orders(cdnow_timing, x[i % CUSTOMERS], t_x[i % CUSTOMERS], T[i % CUSTOMERS], 52.0);
	clock[2] = seconds();
	for (int i = 0; i < ROUNDS * CUSTOMERS; i++)
		sum += bgnbd_model.discounted_orders(cdnow_timing, x[i % CUSTOMERS], t_x[i % CUSTOMERS], T[i % CUSTOMERS], 52.0, 0.0018);
	clock[3] = seconds();
	printf("per customer: alive_prob %.3f us, expected_orders %.3f us, discounted_orders %.3f us (%.3g)\n",
		   1e6 * (clock[1] - clock[0]) / (ROUNDS * CUSTOMERS),
		   1e6 * (clock[2] - clock[1]) / (ROUNDS * CUSTOMERS),
		   1e6 * (clock[3] - clock[2]) / (ROUNDS * CUSTOMERS), sum);
}

static void
bench_simulation(void)
{
	double		began = seconds();
	double		spend = 0.0;
	long		orders = 0;

	for (int i = 0; i < 1000000; i++)
	{
		SimulatedCustomer customer;
		double		when;
		double		amount;

		simulate_customer(&bgnbd_model, cdnow_timing, cdnow_spend, 104.0, random_start(3, i), &customer);
		while (simulate_next_order(&customer, &when, &amount))
		{
			orders++;
			spend += amount;
		}
	}
	printf("simulation: %ld orders of 1000000 customers, %.1f M orders/s (%.3g)\n",
		   orders, 1e-6 * orders / (seconds() - began), spend);
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
