/*
 * test_population.c
 *	  Cells in, classes out: nothing lost, nothing double, one order.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void
test_tree(void **state)
{
	const PopulationCell cells[] = {{2, 14, 35, 1}, {0, 0, 70, 4},  {1, 7, 21, 2}, {2, 14, 21, 3}, {1, 7, 21, 5},
									{0, 0, 7, 1},   {2, 28, 35, 1}, {1, 0, 14, 0}, {2, 7, 70, 2}};
	Population *p = population_build(&test_host, cells, 9, 7.0);

	(void) state;
	assert_true(p->customers == 19 && p->repeat_customers == 14 && p->repeat_orders == 21);
	assert_near(p->mean_T, (4 * 10 + 1 + 7 * 3 + 3 * 3 + 2 * 5 + 2 * 10) / 19.0, 1e-15);

	/* three frequencies; the cell without customers is gone */
	assert_int_equal(p->n_frequencies, 3);
	assert_true(p->frequencies[0].x == 0 && p->frequencies[0].customers == 5);
	assert_true(p->frequencies[1].x == 1 && p->frequencies[1].customers == 7);
	assert_true(p->frequencies[2].x == 2 && p->frequencies[2].customers == 7);

	/* recencies of x > 0, by time; equal cells merged */
	assert_int_equal(p->n_recencies, 4);
	assert_int_equal(p->frequencies[1].first_recency, 0);
	assert_int_equal(p->frequencies[2].first_recency, 1);
	assert_int_equal(p->frequencies[3].first_recency, 4);
	assert_true(p->recencies[0].t_x == 1 && p->recencies[0].customers == 7);
	assert_true(p->recencies[1].t_x == 1 && p->recencies[1].customers == 2);
	assert_true(p->recencies[2].t_x == 2 && p->recencies[2].customers == 4);
	assert_true(p->recencies[3].t_x == 4 && p->recencies[3].customers == 1);
	assert_int_equal(p->n_cells, 5);
	assert_int_equal(p->recencies[2].first_cell, 2);
	assert_int_equal(p->recencies[3].first_cell, 4);
	assert_int_equal(p->recencies[4].first_cell, 5);

	/* ages of all x, by time, whatever the recency of their first cell */
	assert_int_equal(p->n_ages, 6);
	assert_int_equal(p->frequencies[1].first_age, 2);
	assert_int_equal(p->frequencies[2].first_age, 3);
	assert_int_equal(p->frequencies[3].first_age, 6);
	assert_true(p->ages[0].T == 1 && p->ages[0].customers == 1);
	assert_true(p->ages[1].T == 10 && p->ages[1].customers == 4);
	assert_true(p->ages[3].T == 3 && p->ages[3].customers == 3);
	assert_true(p->ages[4].T == 5 && p->ages[4].customers == 2);
	assert_true(p->ages[p->cells[1].age].T == 10);
	assert_true(p->ages[p->cells[2].age].T == 3 && p->cells[2].customers == 3);
	assert_true(p->ages[p->cells[3].age].T == 5 && p->cells[3].customers == 1);
	population_free(p);
}

static void
test_empty(void **state)
{
	Population *p = population_build(&test_host, NULL, 0, 7.0);

	(void) state;
	assert_true(p->customers == 0 && p->mean_T == 0);
	assert_true(p->n_frequencies == 0 && p->n_recencies == 0 && p->n_ages == 0 && p->n_cells == 0);
	population_free(p);
}

/* Keys of every width the sort may meet. */
static void
test_wide_keys(void **state)
{
	enum
	{
		N = 20000,
	};
	PopulationCell *cells = test_host.alloc(N * sizeof(PopulationCell));
	Random random = random_start(1, 0);
	Population *p;
	size_t seen = 0;

	(void) state;
	for (int i = 0; i < N; i++)
	{
		int width = (int) (31 * random_uniform(&random));
		int32_t T = (int32_t) (random_bits(&random) & ((UINT64_C(1) << width) - 1));

		cells[i] = (PopulationCell){
			.x = (uint32_t) random_bits(&random) >> (int) (32 * random_uniform(&random)),
			.t_x_days = (int32_t) (T * random_uniform(&random)),
			.T_days = T,
			.customers = 1.0,
		};
		if (cells[i].x == 0)
			cells[i].t_x_days = 0;
	}
	p = population_build(&test_host, cells, N, 1.0);
	assert_true(p->customers == N);

	for (size_t f = 0; f < p->n_frequencies; f++)
	{
		assert_true(f == 0 || p->frequencies[f].x > p->frequencies[f - 1].x);
		for (size_t r = p->frequencies[f].first_recency; r < p->frequencies[f + 1].first_recency; r++)
		{
			assert_true(r == p->frequencies[f].first_recency || p->recencies[r].t_x > p->recencies[r - 1].t_x);
			for (size_t c = p->recencies[r].first_cell; c < p->recencies[r + 1].first_cell; c++)
			{
				assert_true(p->cells[c].age >= p->frequencies[f].first_age &&
							p->cells[c].age < p->frequencies[f + 1].first_age);
				assert_true(c == p->recencies[r].first_cell || p->cells[c].age > p->cells[c - 1].age);
				assert_true(p->ages[p->cells[c].age].T >= p->recencies[r].t_x);
				seen += (size_t) p->cells[c].customers;
			}
		}
		for (size_t a = p->frequencies[f].first_age + 1; a < p->frequencies[f + 1].first_age; a++)
			assert_true(p->ages[a].T > p->ages[a - 1].T);
	}
	assert_true((double) seen == p->repeat_customers);
	population_free(p);
	test_host.release(cells);
}

/* The order of the input and the way it is split into cells do not matter. */
static void
test_order_is_forgotten(void **state)
{
	enum
	{
		N = 3000,
	};
	PopulationCell cells[2 * N];
	double value[2];
	double gradient[2][4];
	double hessian[2][16];

	(void) state;
	for (int round = 0; round < 2; round++)
	{
		Random random = random_start(2, 0);
		Population *p;

		for (int i = 0; i < N; i++)
		{
			int32_t T = 1 + (int32_t) (300 * random_uniform(&random));
			PopulationCell cell = {(uint32_t) (6 * random_uniform(&random)), T / 2, T, 2.0};

			if (cell.x == 0)
				cell.t_x_days = 0;
			if (round == 0)
				cells[i] = cell;
			else
			{
				/* backwards, every cell in two halves */
				cell.customers = 1.0;
				cells[2 * N - 1 - i] = cells[N - 1 - i] = cell;
			}
		}
		p = population_build(&test_host, cells, (round + 1) * N, 7.0);
		value[round] = bgnbd_model.log_likelihood(p, cdnow_timing, gradient[round], hessian[round]);
		population_free(p);
	}
	assert_true(value[0] == value[1]);
	assert_memory_equal(gradient[0], gradient[1], sizeof(gradient[0]));
	assert_memory_equal(hessian[0], hessian[1], sizeof(hessian[0]));
}

/* Long work asks for interrupts and gives back what it borrowed. */
static void
test_good_guest(void **state)
{
	long held = blocks_held;
	Population *p = simulated_population(&bgnbd_model, cdnow_timing, 50000, 700, 5);
	long asked = interrupts_checked;

	(void) state;
	bgnbd_model.log_likelihood(p, cdnow_timing, NULL, NULL);
	assert_true(interrupts_checked >= asked + (long) (p->n_cells / 10000));
	population_free(p);
	assert_int_equal(blocks_held, held);
}

/* A coarse copy has all customers, about where they were. */
static void
test_coarsen(void **state)
{
	long held = blocks_held;
	Population *p = simulated_population(&bgnbd_model, cdnow_timing, 50000, 700, 5);
	Population *coarse;
	double oldest = 0.0;

	(void) state;
	p->log_gaps = 1.5;
	for (size_t i = 0; i < p->n_ages; i++)
		oldest = fmax(oldest, p->ages[i].T);
	coarse = population_coarsen(p, 1);
	assert_true(coarse->customers == p->customers && coarse->log_gaps == p->log_gaps);
	assert_true(coarse->repeat_customers == p->repeat_customers);
	assert_near(coarse->repeat_orders, p->repeat_orders, 0.02);
	assert_true(fabs(coarse->mean_T - p->mean_T) < oldest / 48.0);
	assert_true(2 * coarse->n_cells < p->n_cells);
	assert_true(5 * (coarse->n_recencies + coarse->n_ages) < p->n_recencies + p->n_ages);
	for (size_t i = 0; i < coarse->n_recencies; i++)
		for (size_t k = coarse->recencies[i].first_cell; k < coarse->recencies[i + 1].first_cell; k++)
			assert_true(coarse->recencies[i].t_x <= coarse->ages[coarse->cells[k].age].T);
	for (size_t i = 0; i + 1 < coarse->n_frequencies; i++)
		assert_true(coarse->frequencies[i].x < coarse->frequencies[i + 1].x);
	population_free(coarse);
	population_free(p);

	p = population_build(&test_host, NULL, 0, 7.0);
	coarse = population_coarsen(p, 1);
	assert_true(coarse->customers == 0.0 && coarse->n_frequencies == 0);
	population_free(coarse);
	population_free(p);
	assert_int_equal(blocks_held, held);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),       cmocka_unit_test(test_empty),
		cmocka_unit_test(test_wide_keys),  cmocka_unit_test(test_order_is_forgotten),
		cmocka_unit_test(test_good_guest), cmocka_unit_test(test_coarsen),
	};

	return cmocka_run_group_tests_name("population", tests, NULL, NULL);
}
