/*
 * support.c
 *	  What the unit tests share: a host, golden files, comparisons.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/simulate.h"

long		interrupts_checked = 0;
long		blocks_held = 0;

const double cdnow_timing[4] = {0.2425945224, 4.413602019, 0.7929220172, 2.425906777};
const double cdnow_spend[3] = {6.249572271, 3.744224667, 15.44352096};

static void *
host_alloc(size_t size)
{
	void	   *memory = malloc(size);

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

const Host	test_host = {host_alloc, host_release, host_check_interrupts};

Golden
golden_open(const char *name)
{
	char		path[1024];
	char		header[1024];
	Golden		golden = {.name = name};

	snprintf(path, sizeof(path), "%s/%s", GOLDENS, name);
	golden.file = fopen(path, "r");
	if (golden.file == NULL || fgets(header, sizeof(header), golden.file) == NULL)
		fail_msg("cannot read %s", path);
	return golden;
}

bool
golden_next(Golden *golden)
{
	char		line[1024];
	char	   *at = line;

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
		char	   *end;

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
assert_golden(Golden *golden, const char *what,
			  double got, double expected, double tolerance, double floor)
{
	double		error = relative_error(got, expected, floor);

	golden->worst = fmax(golden->worst, error);
	if (!(error <= tolerance))
		fail_msg("%s row %d: %s is %.17g, should be %.17g (error %.3g)",
				 golden->name, golden->row, what, got, expected, error);
}

void
assert_near(double got, double expected, double tolerance)
{
	double		error = relative_error(got, expected, 0.0);

	if (!(error <= tolerance))
		fail_msg("%.17g should be %.17g (error %.3g)", got, expected, error);
}

Population *
simulated_population(const Model *model, const double *params, int n, int days, uint64_t seed)
{
	PopulationCell *cells = test_host.alloc(sizeof(PopulationCell) * n);
	Population *population;

	for (int i = 0; i < n; i++)
	{
		Random		random = random_start(seed, i);
		int			T = days - (int) (random_uniform(&random) * (days / 2));
		int			last = 0;
		SimulatedCustomer customer;
		double		time;
		double		amount;

		cells[i] = (PopulationCell) {.T_days = T, .customers = 1.0};
		simulate_customer(model, params, cdnow_spend, T / 7.0, random, &customer);
		while (simulate_next_order(&customer, &time, &amount))
		{
			/* orders of one day are one purchase */
			if ((int) (time * 7.0) == last)
				continue;
			last = (int) (time * 7.0);
			cells[i].x++;
			cells[i].t_x_days = last;
		}
	}
	population = population_build(&test_host, cells, n, 7.0);
	test_host.release(cells);
	return population;
}
