/*
 * test_fit.c
 *	  Fits: the maximum from anywhere, honesty where there is none.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/core/fit_engine.h"
#include "models/core/simulate.h"
#include "models/spend/gammagamma.h"

/* A model and a population to fit it to. */
typedef struct Subject
{
	const Model *model;
	Population *population;
} Subject;

static double
timing(void *data, const double *params, double *gradient, double *hessian)
{
	const Subject *subject = data;

	return subject->model->log_likelihood(subject->population, params, gradient, hessian);
}

/* Log-uniform between 1e-3 and 1e3. */
static double
anywhere(Random *random)
{
	return anywhere_between(random, 1e-3, 1e3);
}

/* Fit from many places: there is one maximum, and all find it. */
static void
check_random_starts(const Model *model, Population *population, int starts)
{
	Subject subject = {model, population};
	Random random = random_start(2, 0);
	double centre[MODEL_MAX_PARAMS];
	int most = 0;
	long all = 0;
	Fit best;

	fit_population(model, population, &best);
	assert_true(best.converged && best.prior_sd == 0.0);
	print_message("%s, default start: %d evaluations\n", model->name, best.iterations);

	model->prior_centre(population, centre);
	for (int i = 0; i < starts; i++)
	{
		double start[MODEL_MAX_PARAMS];
		Fit fit;

		for (int k = 0; k < model->n_params; k++)
			start[k] = anywhere(&random);
		fit_likelihood(&test_host, timing, &subject, model->n_params, start, centre, &fit);
		if (!fit.converged || fit.prior_sd != 0.0)
			fail_msg("start %g %g %g %g did not converge", start[0], start[1], start[2], start[3]);
		assert_true(fabs(fit.log_likelihood - best.log_likelihood) < 1e-12 * fabs(best.log_likelihood));
		for (int k = 0; k < model->n_params; k++)
			assert_near(fit.params[k], best.params[k], 1e-8);
		most = fit.iterations > most ? fit.iterations : most;
		all += fit.iterations;
	}
	print_message("%d of %d random starts: %.1f evaluations on average, %d at most\n", starts, starts,
				  (double) all / starts, most);
}

static void
test_random_starts(void **state)
{
	static const struct
	{
		const Model *model;
		const double *truth;
		int starts;
	} subjects[] = {{&bgnbd_model, cdnow_timing, 300},
					{&mbgnbd_model, cdnow_mbgnbd, 300},
					{&paretonbd_model, cdnow_paretonbd, 40}};

	(void) state;
	for (int i = 0; i < 3; i++)
	{
		Population *population = simulated_population(subjects[i].model, subjects[i].truth, 2000, 400, 1);

		check_random_starts(subjects[i].model, population, subjects[i].starts);
		population_free(population);
	}
}

/*
 * A large population, whose fit begins on a coarse copy of it, ends where one does
 * that knows nothing but the population.
 */
static void
check_large(const Model *model, const double *truth)
{
	Population *population = simulated_population(model, truth, 100000, 700, 11);
	Subject subject = {model, population};
	double centre[MODEL_MAX_PARAMS];
	Fit fit;
	Fit plain;

	fit_population(model, population, &fit);
	model->prior_centre(population, centre);
	fit_likelihood(&test_host, timing, &subject, model->n_params, truth, centre, &plain);
	print_message("%s, %zu pairs: %d evaluations of all (%d from the truth)\n", model->name,
				  population->n_recencies + population->n_ages, fit.iterations, plain.iterations);
	assert_true(fit.converged && fit.prior_sd == 0.0 && fit.iterations <= 5);
	assert_near(fit.log_likelihood, plain.log_likelihood, 1e-14);
	for (int i = 0; i < model->n_params; i++)
	{
		assert_near(fit.params[i], plain.params[i], 1e-9);
		assert_near(fit.std_errors[i], plain.std_errors[i], 1e-8);
	}
	population_free(population);
}

static void
test_large(void **state)
{
	long held = blocks_held;

	(void) state;
	check_large(&bgnbd_model, cdnow_timing);
	check_large(&mbgnbd_model, cdnow_mbgnbd);
	check_large(&paretonbd_model, cdnow_paretonbd);
	check_large(&ggnbd_model, (double[]){0.8, 5.0, 0.06, 1.2, 15.0});
	assert_int_equal(blocks_held, held);
}

/* Two hills: of the first variable always one, of the second one or, without curvature, none. */
static double
hills(void *data, const double *ln_params, double *gradient, double *hessian)
{
	const double *curvature = data;
	double value = 0.0;

	for (int i = 0; i < 4; i++)
		hessian[i] = 0.0;
	for (int i = 0; i < 2; i++)
	{
		double off = ln_params[i] - 0.5;

		value -= 0.5 * curvature[i] * off * off;
		gradient[i] = -curvature[i] * off;
		hessian[3 * i] = -curvature[i];
	}
	return value;
}

/* What a copy made believe about the prior is held against the data themselves. */
static void
test_prior_presumed(void **state)
{
	double curvature[] = {50.0, 0.0};
	Target target = {.likelihood = hills, .data = curvature, .n = 2};
	Start start = {.needs_prior = false};
	Fit fit;

	(void) state;
	fit_target(&test_host, &target, &start, &fit);
	assert_true(fit.converged && fit.prior_sd == 10.0 && fit.identified[0] && !fit.identified[1]);
	assert_true(start.needs_prior);
	assert_near(start.with_prior[0], 0.5, 1e-3);

	/* with the prior from the beginning: the same, sooner */
	fit_target(&test_host, &target, &start, &fit);
	assert_true(fit.converged && fit.prior_sd == 10.0 && fit.identified[0] && !fit.identified[1]);
	assert_true(start.needs_prior && fit.iterations <= 2);

	/* data that can do without */
	curvature[1] = 20.0;
	fit_target(&test_host, &target, &start, &fit);
	assert_true(fit.converged && fit.prior_sd == 0.0 && fit.identified[0] && fit.identified[1]);
	assert_true(!start.needs_prior);
	assert_near(log(fit.params[1]), 0.5, 1e-9);
	assert_near(fit.covariance[3], 1.0 / 20.0, 1e-12);
}

/* Twenty thousand customers tell their parameters. */
static void
check_recovery(const Model *model, const double *truth)
{
	Population *population = simulated_by_the_clock(model, truth, 20000, 1400, 1440, 3);
	Fit fit;
	int n = model->n_params;

	fit_population(model, population, &fit);
	assert_true(fit.converged && !fit.boundary && fit.prior_sd == 0.0);
	for (int i = 0; i < n; i++)
	{
		double z = (log(fit.params[i]) - log(truth[i])) / sqrt(fit.covariance[i * n + i]);

		print_message("%s: %s = %g +- %g (truth %g, z = %.2f)\n", model->name, model->param_names[i], fit.params[i],
					  fit.std_errors[i], truth[i], z);
		assert_true(fit.identified[i]);
		assert_true(fabs(z) < 4.0);
		assert_near(fit.std_errors[i], fit.params[i] * sqrt(fit.covariance[i * n + i]), 1e-12);
	}
	population_free(population);
}

static void
test_recovery(void **state)
{
	(void) state;
	check_recovery(&bgnbd_model, (double[]){0.6, 8.0, 1.2, 4.0});
	check_recovery(&paretonbd_model, (double[]){0.8, 5.0, 1.5, 60.0});
	check_recovery(&mbgnbd_model, (double[]){0.6, 8.0, 1.2, 4.0});
	/* lifetimes that end rather suddenly, so that they are not Pareto's */
	check_recovery(&ggnbd_model, (double[]){1.5, 3.0, 0.06, 1.2, 15.0});
}

/*
 * Lifetimes that do not age: GG/NBD can say no more than Pareto/NBD, and must say
 * that it does not know b.
 */
static void
test_no_ageing(void **state)
{
	Population *population = simulated_population(&paretonbd_model, cdnow_paretonbd, 2000, 400, 1);
	Fit pareto;
	Fit fit;

	(void) state;
	fit_population(&paretonbd_model, population, &pareto);
	fit_population(&ggnbd_model, population, &fit);
	print_message("gg/nbd without ageing: %g %g %g %g %g LL %.6f (pareto/nbd %.6f), prior %g, %d evaluations\n",
				  fit.params[0], fit.params[1], fit.params[2], fit.params[3], fit.params[4], fit.log_likelihood,
				  pareto.log_likelihood, fit.prior_sd, fit.iterations);
	/* no prior is needed: the answer is the limit's */
	assert_true(fit.converged && fit.boundary);
	assert_true(fit.prior_sd == 0.0);
	assert_true(!fit.identified[2] && !fit.identified[4]);
	assert_true(isnan(fit.std_errors[2]) && isnan(fit.std_errors[4]));
	/* what can be known is known as well as by Pareto/NBD */
	assert_true(fit.log_likelihood == pareto.log_likelihood);
	assert_true(fit.params[0] == pareto.params[0] && fit.std_errors[0] == pareto.std_errors[0]);
	assert_near(fit.params[4] / fit.params[2], pareto.params[3], 1e-14);
	assert_near(ggnbd_model.log_likelihood(population, fit.params, NULL, NULL), fit.log_likelihood, 1e-9);
	for (double horizon = 4.0; horizon < 600.0; horizon *= 2.0)
		assert_near(ggnbd_model.expected_transactions_if_alive(fit.params, 3.0, 10.0, 30.0, horizon, 0.0),
					paretonbd_model.expected_transactions_if_alive(pareto.params, 3.0, 10.0, 30.0, horizon, 0.0), 1e-5);
	population_free(population);
}

/*
 * Where a coarse copy shows that a model is its nested model, nothing is searched among all customers. Its
 * twin, which is not given copies, searches, and must come to the same end. Gives whether a copy has shown it.
 */
static bool
check_shown_by_copy(const double *truth, int sample)
{
	Population *population = simulated_population(&ggnbd_model, truth, 3000, 500, 100 + sample);
	Model without_copies = ggnbd_model;
	Fit fit;
	Fit twin;
	Fit nested;
	bool shown;

	without_copies.discrete = true;
	fit_population(&ggnbd_model, population, &fit);
	fit_population(&without_copies, population, &twin);
	fit_population(&paretonbd_model, population, &nested);
	population_free(population);

	/* it stands at the limit, and all evaluations are the nested model's own */
	shown = fit.boundary && fit.iterations == nested.iterations;
	assert_true(fit.converged && twin.converged && twin.iterations > nested.iterations);
	assert_true(fit.boundary == twin.boundary);
	assert_near(fit.log_likelihood, twin.log_likelihood, 1e-9);
	return shown;
}

static void
test_limit_shown_by_copy(void **state)
{
	/*
	 * Lifetimes that do not age, that hardly do, that age a little, and that do; and such that end together,
	 * so that s is not identified either, but of which Pareto/NBD knows nothing.
	 */
	static const double truths[][MODEL_MAX_PARAMS] = {{0.8, 5.0, 1e-6, 0.6, 1.2e-5},
													  {0.8, 5.0, 0.002, 0.6, 0.03},
													  {0.8, 5.0, 0.01, 0.7, 0.3},
													  {1.5, 3.0, 0.06, 1.2, 15.0},
													  {1.5, 3.0, 0.3, 1000.0, 1e7}};
	int shown[5] = {0};

	(void) state;
	for (int i = 0; i < 20; i++)
		shown[i % 5] += check_shown_by_copy(truths[i % 5], i);
	print_message("gg/nbd is pareto/nbd, shown by a copy: %d, %d, %d, %d and %d of 4\n", shown[0], shown[1], shown[2],
				  shown[3], shown[4]);
	assert_true(shown[0] > 0 && shown[0] + shown[1] + shown[2] < 12 && shown[3] == 0 && shown[4] == 0);
}

/* Customers of whom a share orders at regular times, in whole days; the others at random. */
typedef struct RegularShop
{
	Population *population;
	DayGaps gaps[1000];
} RegularShop;

static void
open_shop(RegularShop *shop, double share, int stages, uint64_t seed)
{
	enum
	{
		N = 6000,
		DAYS = 600,
	};
	PopulationCell *cells = test_host.alloc(sizeof(PopulationCell) * N);
	double log_gaps = 0.0;

	memset(shop->gaps, 0, sizeof(shop->gaps));
	for (int i = 0; i < N; i++)
	{
		Random random = random_start(seed, i);
		double rate = random_gamma(&random, 1.5) / 40.0;
		double dropout = random_beta(&random, 1.0, 4.0);
		int k = random_uniform(&random) < share ? stages : 1;
		int32_t T = DAYS - (int32_t) (DAYS / 2 * random_uniform(&random));
		double time = random_uniform(&random);

		cells[i] = (PopulationCell){.T_days = T, .customers = 1.0};
		do
		{
			int32_t gap;

			for (int stage = 0; stage < k; stage++)
				time += random_exponential(&random) / (k * rate);
			if (!(time < T))
				break;
			gap = (int32_t) time - cells[i].t_x_days;
			if (gap == 0)
				continue;
			cells[i].x++;
			cells[i].t_x_days += gap;
			log_gaps += log(gap / 7.0);
			shop->gaps[gap] = (DayGaps){gap, shop->gaps[gap].count + 1.0};
		} while (random_uniform(&random) >= dropout);
	}
	shop->population = population_build(&test_host, cells, N, 7.0);
	shop->population->log_gaps = log_gaps;
	test_host.release(cells);
}

/* Gaps in a row, as a population has them. */
static void
count_days(RegularShop *shop)
{
	size_t count = 0;

	for (size_t i = 0; i < sizeof(shop->gaps) / sizeof(shop->gaps[0]); i++)
		if (shop->gaps[i].count > 0.0)
			shop->gaps[count++] = shop->gaps[i];
	shop->population->day_gaps = shop->gaps;
	shop->population->n_day_gaps = count;
}

/*
 * Where a coarse copy shows that an integer parameter is not the best, it is not searched among all customers.
 * The twin, which is not given copies, searches, and must come to the same end. Gives how many evaluations of
 * all customers were spared.
 */
static int
check_worse_shown_by_copy(const Model *model, const Population *population, int *stages)
{
	Model without_copies = *model;
	int k = model->n_params - 1;
	Fit fit;
	Fit twin;

	without_copies.discrete = true;
	fit_population(model, population, &fit);
	fit_population(&without_copies, population, &twin);
	assert_true(fit.converged && twin.converged && fit.params[k] == twin.params[k]);
	assert_near(fit.log_likelihood, twin.log_likelihood, 1e-10);
	assert_near(fit.comparable, twin.comparable, 1e-10);
	for (int i = 0; i < k; i++)
		assert_near(fit.params[i], twin.params[i], 1e-6);
	*stages = (int) fit.params[k];
	return twin.iterations - fit.iterations;
}

static void
test_worse_shown_by_copy(void **state)
{
	static const struct
	{
		double share;
		int stages;
	} shops[] = {{0, 1}, {1, 2}, {1, 3}, {0.25, 3}, {0.35, 3}, {0.45, 3}, {0.55, 3}};
	long held = blocks_held;

	(void) state;
	for (size_t i = 0; i < sizeof(shops) / sizeof(shops[0]); i++)
		for (int days = 0; days < 2; days++)
		{
			RegularShop shop;
			int stages;
			int spared;

			open_shop(&shop, shops[i].share, shops[i].stages, 700 + i);
			if (days)
				count_days(&shop);
			spared = check_worse_shown_by_copy(i % 2 ? &mbgcnbd_model : &bgcnbd_model, shop.population, &stages);
			print_message("%g of %d stages%s: %d, %d evaluations spared\n", shops[i].share, shops[i].stages,
						  days ? ", in days" : "", stages, spared);
			if (shops[i].share == 0.0 || shops[i].share == 1.0)
				assert_true(stages == shops[i].stages && spared > 5);
			population_free(shop.population);
		}
	assert_int_equal(blocks_held, held);
}

static void
test_spend_recovery(void **state)
{
	enum
	{
		N = 20000,
	};
	static const double truth[] = {2.5, 4.0, 60.0};
	SpendPoint *points = test_host.alloc(N * sizeof(SpendPoint));
	Fit fit;
	Fit cents;

	(void) state;
	for (int i = 0; i < N; i++)
	{
		Random random = random_start(4, i);
		double nu = random_gamma(&random, truth[1]) / truth[2];

		points[i] = (SpendPoint){.x = 1 + (uint32_t) (5 * random_uniform(&random)), .customers = 1};
		for (uint32_t k = 0; k < points[i].x; k++)
			points[i].total += random_gamma(&random, truth[0]) / nu;
	}
	fit_spend(&test_host, &gammagamma_model, points, N, &fit);
	assert_true(fit.converged && fit.prior_sd == 0.0);
	for (int i = 0; i < 3; i++)
		assert_true(fabs(fit.params[i] - truth[i]) < 4.0 * fit.std_errors[i]);

	/* the same in cents */
	for (int i = 0; i < N; i++)
		points[i].total *= 100.0;
	fit_spend(&test_host, &gammagamma_model, points, N, &cents);
	assert_near(cents.params[0], fit.params[0], 1e-9);
	assert_near(cents.params[2], 100.0 * fit.params[2], 1e-9);
	assert_near(cents.std_errors[2], 100.0 * fit.std_errors[2], 1e-9);
	assert_near(cents.log_likelihood, fit.log_likelihood - N * log(100.0), 1e-12);
	test_host.release(points);
}

/*
 * Billions of customers: the likelihood's rounding is larger than what the
 * last steps gain, and the fit must end where that of the few ends.
 */
static void
test_billions(void **state)
{
	Population *few = simulated_population(&bgnbd_model, cdnow_timing, 2000, 400, 7);
	Population *many = simulated_population(&bgnbd_model, cdnow_timing, 2000, 400, 7);
	Subject subject = {&bgnbd_model, many};
	double factor = 1234567.0;
	double centre[4];
	Random random = random_start(8, 0);
	Fit expected;

	(void) state;
	for (size_t i = 0; i < many->n_frequencies; i++)
		many->frequencies[i].customers *= factor;
	for (size_t i = 0; i < many->n_recencies; i++)
		many->recencies[i].customers *= factor;
	for (size_t i = 0; i < many->n_ages; i++)
		many->ages[i].customers *= factor;
	for (size_t i = 0; i < many->n_cells; i++)
		many->cells[i].customers *= factor;

	fit_population(&bgnbd_model, few, &expected);
	bgnbd_model.prior_centre(many, centre);
	for (int i = 0; i < 100; i++)
	{
		double start[4];
		Fit fit;

		for (int k = 0; k < 4; k++)
			start[k] = anywhere(&random);
		fit_likelihood(&test_host, timing, &subject, 4, start, centre, &fit);
		assert_true(fit.converged && fit.prior_sd == 0.0);
		for (int k = 0; k < 4; k++)
		{
			assert_near(fit.params[k], expected.params[k], 1e-8);
			assert_near(fit.std_errors[k], expected.std_errors[k] / sqrt(factor), 1e-6);
		}
	}
	population_free(few);
	population_free(many);
}

/*
 * Days, weeks or years: the same fit. A density of times by the year is so many
 * times that by the day, once for each purchase.
 */
static void
test_time_unit_does_not_matter(void **state)
{
	enum
	{
		N = 500,
		DAYS = 0,
		UNITS = 3,
	};
	static const Model *const models[] = {
		&bgnbd_model, &mbgnbd_model, &paretonbd_model, &ggnbd_model, &bgcnbd_model, &mbgcnbd_model,
	};
	static const double unit_days[UNITS] = {1.0, 7.0, 365.25};
	PopulationCell cells[N];
	double log_gaps = 0.0;
	double orders = 0.0;

	(void) state;
	for (int i = 0; i < N; i++)
	{
		Random random = random_start(5, i);
		double rate = random_gamma(&random, 1.5) / 20.0;
		double dropout = random_beta(&random, 1.0, 3.0);
		int32_t T = 200 + (int32_t) (200 * random_uniform(&random));
		bool alive = true;

		cells[i] = (PopulationCell){.T_days = T, .customers = 1.0};
		while (alive)
		{
			/* a little regular, for the models that see it */
			double gap = 1.0 + floor(0.5 * (random_exponential(&random) + random_exponential(&random)) / rate);

			if (cells[i].t_x_days + gap > T)
				break;
			cells[i].x++;
			cells[i].t_x_days += (int32_t) gap;
			log_gaps += log(gap);
			orders++;
			alive = random_uniform(&random) >= dropout;
		}
	}
	for (size_t m = 0; m < sizeof(models) / sizeof(models[0]); m++)
	{
		const Model *model = models[m];
		double centre[UNITS][MODEL_MAX_PARAMS];
		Fit fit[UNITS];

		for (int u = 0; u < UNITS; u++)
		{
			Population *population = population_build(&test_host, cells, N, unit_days[u]);

			population->log_gaps = log_gaps - orders * log(unit_days[u]);
			fit_population(model, population, &fit[u]);
			model->prior_centre(population, centre[u]);
			population_free(population);
			assert_true(fit[u].converged || fit[u].boundary);
			assert_true(fit[u].prior_sd == fit[DAYS].prior_sd);
			/* to rounding of the likelihood, or of its slope times the distance to the prior's centre */
			assert_near(fit[u].log_likelihood, fit[DAYS].log_likelihood + orders * log(unit_days[u]),
						fit[u].prior_sd > 0.0 ? 1e-9 : 1e-13);
			for (int i = 0; i < model->n_params; i++)
			{
				double scale = exp(centre[u][i] - centre[DAYS][i]);

				if (!fit[DAYS].identified[i])
					continue;
				assert_near(fit[u].params[i], scale * fit[DAYS].params[i], 1e-7);
				if (i < model->n_params - model->n_integer_params)
					assert_near(fit[u].std_errors[i], scale * fit[DAYS].std_errors[i], 1e-6);
			}
		}
	}
}

/* How good a fit is with its prior. */
static double
log_posterior(const Model *model, const double *ln_centre, const Fit *fit)
{
	double value = fit->log_likelihood;

	for (int i = 0; i < model->n_params; i++)
		value -= 0.5 * pow((log(fit->params[i]) - ln_centre[i]) / fit->prior_sd, 2.0);
	return value;
}

/* It must have ended, with the prior, and name what is not identified. */
static void
assert_degenerate(const Fit *fit)
{
	/* where it ends at the edge of its box it says so */
	assert_true((fit->converged || fit->boundary) && fit->prior_sd == 10.0);
	assert_true(isfinite(fit->log_likelihood) && fit->iterations < 400);
	for (int i = 0; i < fit->n_params; i++)
	{
		assert_true(isfinite(fit->params[i]) && fit->params[i] > 0.0);
		assert_true(isnan(fit->std_errors[i]) == !fit->identified[i]);
	}
}

/*
 * Data that do not determine the parameters: the fit of every model from anywhere
 * comes to the same end, but for the hills and hollows of a ridge which the prior
 * does not level. Returns the fit of BG/NBD.
 */
static Fit
fit_degenerate(const PopulationCell *cells, size_t n)
{
	static const Model *const models[] = {&ggnbd_model, &paretonbd_model, &mbgnbd_model, &bgnbd_model};
	Population *population = population_build(&test_host, cells, n, 7.0);
	Random random = random_start(12, 0);
	Fit fit;

	for (size_t m = 0; m < sizeof(models) / sizeof(models[0]); m++)
	{
		const Model *model = models[m];
		Subject subject = {model, population};
		double centre[MODEL_MAX_PARAMS];

		fit_population(model, population, &fit);
		assert_degenerate(&fit);
		if (model == &ggnbd_model)
			continue;
		assert_true(fit.converged);
		model->prior_centre(population, centre);
		for (int i = 0; i < 10; i++)
		{
			double start[MODEL_MAX_PARAMS];
			Fit other;

			for (int k = 0; k < model->n_params; k++)
				start[k] = anywhere(&random);
			fit_likelihood(&test_host, timing, &subject, model->n_params, start, centre, &other);
			assert_degenerate(&other);
			assert_true(other.converged);
			assert_true(fabs(log_posterior(model, centre, &other) - log_posterior(model, centre, &fit)) < 0.2);
		}
	}
	population_free(population);
	return fit;
}

static void
test_nobody_came_back(void **state)
{
	const PopulationCell cells[] = {{0, 0, 100, 50}, {0, 0, 200, 70}, {0, 0, 300, 20}};
	Fit fit = fit_degenerate(cells, 3);

	(void) state;
	/* no dropout trial yet */
	assert_true(!fit.identified[2] && !fit.identified[3]);
}

static void
test_no_dropout(void **state)
{
	PopulationCell cells[2000];
	Fit fit;

	(void) state;
	for (int i = 0; i < 2000; i++)
	{
		Random random = random_start(6, i);
		double rate = random_gamma(&random, 2.0) / 100.0;
		double time = random_exponential(&random) / rate;

		cells[i] = (PopulationCell){0, 0, 365, 1};
		for (; time < 365; time += random_exponential(&random) / rate)
		{
			cells[i].x++;
			cells[i].t_x_days = (int32_t) time;
		}
	}
	fit = fit_degenerate(cells, 2000);
	/* the rates are known well, dropout is not seen: a is next to nothing against b */
	assert_true(fit.identified[0] && fit.identified[1]);
	assert_true(!fit.identified[2] || !fit.identified[3]);
	assert_true(fit.params[2] / (fit.params[2] + fit.params[3]) < 0.01);
	assert_true(fabs(fit.params[0] - 2.0) < 6.0 * fit.std_errors[0]);
}

static void
test_same_rate_for_all(void **state)
{
	PopulationCell cells[2000];
	Fit fit;

	(void) state;
	for (int i = 0; i < 2000; i++)
	{
		/* more regular than any Poisson process: the rates can only be equal */
		int32_t T = 300 + i % 60;

		cells[i] = (PopulationCell){5 + i % 2, T - 30 - i % 100, T, 1};
	}
	fit = fit_degenerate(cells, 2000);
	assert_true(!fit.identified[0] && !fit.identified[1]);
	/* their ratio is known all the same */
	assert_true(fabs(fit.params[0] / fit.params[1] / (5.5 / 47.0) - 1.0) < 0.3);
}

static void
test_everybody_bought_today(void **state)
{
	const PopulationCell cells[] = {{3, 100, 100, 30}, {4, 150, 150, 30}, {5, 200, 200, 30}, {2, 80, 80, 10}};

	(void) state;
	fit_degenerate(cells, 4);
}

static void
test_one_customer(void **state)
{
	const PopulationCell repeat = {4, 100, 150, 1};
	const PopulationCell once = {0, 0, 150, 1};
	const PopulationCell today = {0, 0, 0, 1};

	(void) state;
	fit_degenerate(&repeat, 1);
	fit_degenerate(&once, 1);
	fit_degenerate(&today, 1);
}

static void
test_two_customers(void **state)
{
	const PopulationCell some[] = {{4, 100, 150, 1}, {0, 0, 90, 1}};
	const PopulationCell others[] = {{1, 3, 150, 1}, {7, 149, 150, 1}};

	(void) state;
	fit_degenerate(some, 2);
	fit_degenerate(others, 2);
}

/* As many purchases as there may be: the maximum is found, from anywhere. */
static void
test_thousands_of_purchases(void **state)
{
	enum
	{
		N = 300,
	};
	static const Model *const models[] = {&bgnbd_model, &mbgnbd_model, &paretonbd_model, &ggnbd_model};
	PopulationCell cells[N];
	Population *population;

	(void) state;
	for (int i = 0; i < N; i++)
	{
		Random random = random_start(13, i);
		double daily = -expm1(-random_gamma(&random, 0.5));
		double last = 5000.0 * random_exponential(&random) / random_gamma(&random, 2.0);

		cells[i] = (PopulationCell){.T_days = 3000 + (int32_t) (2300 * random_uniform(&random)), .customers = 1.0};
		for (int32_t day = 1; day <= cells[i].T_days && day <= last; day++)
			if (random_uniform(&random) < daily)
			{
				cells[i].x++;
				cells[i].t_x_days = day;
			}
	}
	cells[0] = (PopulationCell){5000, 5295, 5300, 1.0};
	population = population_build(&test_host, cells, N, 7.0);
	for (size_t m = 0; m < sizeof(models) / sizeof(models[0]); m++)
	{
		if (models[m] == &ggnbd_model)
		{
			Fit fit;

			fit_population(models[m], population, &fit);
			assert_true(fit.converged || (fit.boundary && fit.prior_sd == 10.0));
		}
		else
			check_random_starts(models[m], population, 20);
	}
	population_free(population);
}

/* All customers leave at about the same age, which no Pareto lifetime fits; GG/NBD does. */
static void
test_sudden_departure(void **state)
{
	enum
	{
		N = 2000,
	};
	PopulationCell cells[N];
	Population *population;
	Fit pareto;
	Fit fit;

	(void) state;
	for (int i = 0; i < N; i++)
	{
		int32_t T = 300 + i % 60;

		cells[i] = (PopulationCell){5 + i % 2, T - 30 - i % 100, T, 1};
	}
	population = population_build(&test_host, cells, N, 7.0);
	fit_population(&paretonbd_model, population, &pareto);
	fit_population(&ggnbd_model, population, &fit);
	assert_true(fit.log_likelihood > pareto.log_likelihood + 700.0);
	population_free(population);
}

static void
test_gone_after_one_repeat(void **state)
{
	PopulationCell cells[300];

	(void) state;
	for (int i = 0; i < 300; i++)
		cells[i] = (PopulationCell){1, 1 + i % 40, 1000, 1};
	fit_degenerate(cells, 300);
}

static void
test_degenerate_spend(void **state)
{
	const SpendPoint one[] = {{3, 60, 1}};
	const SpendPoint same[] = {{1, 20, 100}, {2, 40, 50}, {3, 60, 20}};
	const SpendPoint single[] = {{1, 10, 40}, {1, 20, 50}, {1, 40, 40}, {1, 80, 10}};
	Fit fit;

	(void) state;
	/* the likelihood has no bound where all amounts are equal: not even the prior gives a maximum */
	fit_spend(&test_host, &gammagamma_model, one, 1, &fit);
	assert_true((fit.converged || fit.boundary) && fit.prior_sd == 10.0);
	fit_spend(&test_host, &gammagamma_model, same, 3, &fit);
	assert_true((fit.converged || fit.boundary) && fit.prior_sd == 10.0);
	assert_near(gammagamma_expected_spend(fit.params, 0, 0), 20.0, 0.01);
	fit_spend(&test_host, &gammagamma_model, single, 4, &fit);
	assert_true(fit.converged && fit.prior_sd == 10.0);
	assert_true(!fit.identified[0]);
}

/* Two covariates: one of two kinds of customers, and a number with some values. */
#define N_COVARIATES 2
#define N_CLASSES 10

/* Customers in ten classes, whose lives depend on their covariates. */
typedef struct Classified
{
	double covariates[N_CLASSES][FIT_MAX_COVARIATES];
	CovariateClass classes[N_CLASSES];
} Classified;

/* The parameters of a class; params are those of the model, then the coefficients. */
static void
class_params(const Model *model, const double *params, int n_covariates, const double *covariates, double *result)
{
	memcpy(result, params, sizeof(double) * model->n_params);
	for (int i = 0; i < model->n_effects; i++)
		for (int k = 0; k < n_covariates; k++)
			result[model->effects[i].param] *=
				exp(model->effects[i].sign * covariates[k] * params[model->n_params + i * n_covariates + k]);
}

static void
classify(const Model *model, const double *params, int customers, int ticks, Classified *all)
{
	for (int c = 0; c < N_CLASSES; c++)
	{
		double *z = all->covariates[c];
		double truth[MODEL_MAX_PARAMS];

		z[0] = c % 2 - 0.5;
		z[1] = c / 2 * 0.7 - 1.4;
		class_params(model, params, N_COVARIATES, z, truth);
		all->classes[c] = (CovariateClass){
			.population = simulated_by_the_clock(model, truth, customers, 1400, ticks, 20 + c),
			.covariates = z,
		};
	}
}

static void
free_classes(Classified *all)
{
	for (int c = 0; c < N_CLASSES; c++)
		population_free((Population *) all->classes[c].population);
}

/* The log-likelihood of all classes, class by class, and its slopes in the variables of the fit. */
static double
likelihood_of_classes(const Model *model, const Classified *all, int n_covariates, const double *params, double *slopes)
{
	int n = model->n_params;
	double sum = 0.0;

	memset(slopes, 0, sizeof(double) * FIT_MAX_PARAMS);
	for (int c = 0; c < N_CLASSES; c++)
	{
		double own[MODEL_MAX_PARAMS];
		double gradient[MODEL_MAX_PARAMS];

		class_params(model, params, n_covariates, all->covariates[c], own);
		sum += model->log_likelihood(all->classes[c].population, own, gradient, NULL);
		for (int i = 0; i < n; i++)
			slopes[i] += own[i] * gradient[i];
		for (int i = 0; i < model->n_effects; i++)
			for (int k = 0; k < n_covariates; k++)
				slopes[n + i * n_covariates + k] += model->effects[i].sign * all->covariates[c][k] *
					own[model->effects[i].param] * gradient[model->effects[i].param];
	}
	return sum;
}

/* What was maximised, when one variable is moved away from the fit. */
static double
moved_posterior(const Model *model, const Classified *all, const Fit *fit, int moved, double by, double *slopes)
{
	double params[FIT_MAX_PARAMS];
	double theta[FIT_MAX_PARAMS];
	double ln_centre[MODEL_MAX_PARAMS];
	Population totals = {.mean_T = 0.0};
	double customers = 0.0;
	double value;

	for (int c = 0; c < N_CLASSES; c++)
	{
		totals.mean_T += all->classes[c].population->mean_T * all->classes[c].population->customers;
		customers += all->classes[c].population->customers;
	}
	totals.mean_T /= customers;
	model->prior_centre(&totals, ln_centre);
	for (int i = 0; i < fit->n_params; i++)
	{
		params[i] = fit->params[i];
		if (i == moved)
			params[i] = i < model->n_params ? params[i] * exp(by) : params[i] + by;
		theta[i] = i < model->n_params ? log(params[i]) - ln_centre[i] : params[i];
	}
	value = likelihood_of_classes(model, all, N_COVARIATES, params, slopes);
	for (int i = 0; i < fit->n_params; i++)
	{
		value -= 0.5 * fit->penalty * theta[i] * theta[i];
		slopes[i] -= fit->penalty * theta[i];
	}
	return value;
}

/* No slopes, and the covariance is the inverse of the curvatures: by differences. */
static void
check_maximum(const Model *model, const Classified *all, const Fit *fit)
{
	int n = fit->n_params;
	double information[FIT_MAX_PARAMS][FIT_MAX_PARAMS];

	for (int i = 0; i < n; i++)
	{
		double h = 1e-3 * sqrt(fit->covariance[i * n + i]);
		double above[FIT_MAX_PARAMS];
		double below[FIT_MAX_PARAMS];
		double rise = moved_posterior(model, all, fit, i, h, above) - moved_posterior(model, all, fit, i, -h, below);

		/* in standard errors */
		assert_true(fabs(rise / 2e-3) < 1e-4);
		assert_true(fabs(above[i] + below[i]) * h < 1e-8);
		for (int k = 0; k < n; k++)
			information[i][k] = (below[k] - above[k]) / (2.0 * h);
	}
	for (int i = 0; i < n; i++)
		for (int k = 0; k < n; k++)
		{
			double product = 0.0;
			double scale = sqrt(fit->covariance[k * n + k] / fit->covariance[i * n + i]);

			for (int j = 0; j < n; j++)
				product += information[i][j] * fit->covariance[j * n + k];
			assert_true(fabs(product / scale - (i == k)) < 1e-4);
		}
}

static void
check_covariates(const Model *model, const double *truth, int customers)
{
	Classified all = {0};
	CovariateClass shuffled[N_CLASSES];
	double slopes[FIT_MAX_PARAMS];
	Fit fit;
	Fit again;
	long interrupts = interrupts_checked;
	int n;

	classify(model, truth, customers, 24, &all);
	fit_timing(&test_host, model, all.classes, N_CLASSES, N_COVARIATES, 0.0, &fit);
	n = fit.n_params;
	assert_int_equal(n, model->n_params + N_COVARIATES * model->n_effects);
	assert_true(fit.converged && !fit.boundary && fit.prior_sd == 0.0 && fit.penalty == 0.0);
	assert_true(interrupts_checked > interrupts + N_CLASSES * fit.iterations);
	print_message("%s with covariates, %d evaluations:", model->name, fit.iterations);
	for (int i = 0; i < n; i++)
	{
		double sd = sqrt(fit.covariance[i * n + i]);
		double error = i < model->n_params ? log(fit.params[i] / truth[i]) : fit.params[i] - truth[i];

		print_message(" %.3f (%.3f, z %.1f)", fit.params[i], truth[i], error / sd);
		assert_true(fit.identified[i] && fabs(error) < 4.0 * sd);
		assert_near(fit.std_errors[i], sd * (i < model->n_params ? fit.params[i] : 1.0), 1e-12);
	}
	print_message("\n");
	assert_near(fit.log_likelihood, likelihood_of_classes(model, &all, N_COVARIATES, fit.params, slopes), 1e-12);
	check_maximum(model, &all, &fit);

	/* the order of classes does not matter */
	for (int c = 0; c < N_CLASSES; c++)
		shuffled[c] = all.classes[(7 * c + 3) % N_CLASSES];
	fit_timing(&test_host, model, shuffled, N_CLASSES, N_COVARIATES, 0.0, &again);
	assert_memory_equal(fit.params, again.params, sizeof(fit.params));
	assert_memory_equal(fit.covariance, again.covariance, sizeof(fit.covariance));
	assert_true(fit.log_likelihood == again.log_likelihood && fit.iterations == again.iterations);
	free_classes(&all);
}

static const double bgnbd_with_effects[] = {0.6, 8.0, 1.2, 4.0, 0.5, -0.3, 0.4, 0.2, -0.3, 0.25};
static const double paretonbd_with_effects[] = {0.8, 5.0, 1.5, 60.0, 0.5, -0.3, -0.6, 0.2};

static void
test_covariates(void **state)
{
	(void) state;
	check_covariates(&bgnbd_model, bgnbd_with_effects, 800);
	check_covariates(&mbgnbd_model, bgnbd_with_effects, 800);
	check_covariates(&paretonbd_model, paretonbd_with_effects, 500);
	check_covariates(&ggnbd_model, (double[]){1.5, 3.0, 0.06, 1.2, 15.0, 0.3, -0.2, -0.4, 0.3}, 200);
}

/* Many customers in each class: the fit begins on coarse copies of all of them. */
static void
test_many_in_classes(void **state)
{
	Classified all = {0};
	Fit fit;

	(void) state;
	classify(&mbgnbd_model, bgnbd_with_effects, 8000, 1, &all);
	fit_timing(&test_host, &mbgnbd_model, all.classes, N_CLASSES, N_COVARIATES, 0.0, &fit);
	assert_true(fit.converged && fit.prior_sd == 0.0 && fit.iterations <= 5);
	check_maximum(&mbgnbd_model, &all, &fit);
	free_classes(&all);
}

/* Customers apart or together, with covariates that say nothing: the same fit. */
static void
test_equal_classes(void **state)
{
	PopulationCell cells[600];
	double zero = 0.0;
	CovariateClass classes[2];
	Population *both;
	Fit apart;
	Fit together;

	(void) state;
	for (int i = 0; i < 600; i++)
	{
		Random random = random_start(9, i);
		int32_t T = 200 + (int32_t) (200 * random_uniform(&random));
		uint32_t x = (uint32_t) (random_exponential(&random) / random_uniform(&random));

		cells[i] = (PopulationCell){x, x ? (int32_t) (T * random_uniform(&random)) : 0, T, 1};
	}
	both = population_build(&test_host, cells, 600, 7.0);
	fit_population(&bgnbd_model, both, &together);
	assert_true(together.converged && together.prior_sd == 0.0);

	for (int c = 0; c < 2; c++)
		classes[c] = (CovariateClass){population_build(&test_host, &cells[c * 200], 200 + c * 200, 7.0), &zero};
	fit_timing(&test_host, &bgnbd_model, classes, 2, 0, 0.0, &apart);
	assert_int_equal(apart.n_params, 4);
	for (int i = 0; i < 4; i++)
	{
		assert_near(apart.params[i], together.params[i], 1e-9);
		assert_near(apart.std_errors[i], together.std_errors[i], 1e-9);
	}
	assert_near(apart.log_likelihood, together.log_likelihood, 1e-13);

	/* a constant covariate has no effect that could be known, and spoils nothing else */
	fit_timing(&test_host, &bgnbd_model, classes, 2, 1, 0.0, &apart);
	assert_int_equal(apart.n_params, 7);
	assert_true(apart.converged && apart.prior_sd == 10.0);
	for (int i = 0; i < 7; i++)
	{
		assert_true(apart.identified[i] == (i < 4));
		if (i >= 4)
			assert_true(fabs(apart.params[i]) < 1e-9 && isnan(apart.std_errors[i]));
		else
			assert_true(fabs(apart.params[i] - together.params[i]) < 0.01 * together.std_errors[i]);
	}
	for (int c = 0; c < 2; c++)
		population_free((Population *) classes[c].population);
	population_free(both);
}

/* The same covariate twice: only the sum of its coefficients is known. */
static void
test_collinear_covariates(void **state)
{
	const Model *model = &paretonbd_model;
	Classified all = {0};
	Fit once;
	Fit twice;

	(void) state;
	classify(model, paretonbd_with_effects, 1000, 24, &all);
	fit_timing(&test_host, model, all.classes, N_CLASSES, 2, 0.0, &once);
	for (int c = 0; c < N_CLASSES; c++)
		all.covariates[c][2] = all.covariates[c][1];
	fit_timing(&test_host, model, all.classes, N_CLASSES, 3, 0.0, &twice);
	assert_true(once.converged && twice.converged && twice.prior_sd == 10.0);
	for (int i = 0; i < 4; i++)
		assert_true(twice.identified[i] && fabs(twice.params[i] - once.params[i]) < 0.05 * once.std_errors[i]);
	for (int i = 0; i < 2; i++)
	{
		assert_true(twice.identified[4 + 3 * i]);
		assert_true(!twice.identified[5 + 3 * i] && !twice.identified[6 + 3 * i]);
		assert_near(twice.params[5 + 3 * i], twice.params[6 + 3 * i], 1e-6);
		assert_true(fabs(twice.params[5 + 3 * i] + twice.params[6 + 3 * i] - once.params[5 + 2 * i]) <
					0.01 * once.std_errors[5 + 2 * i]);
	}
	free_classes(&all);
}

/* As many covariates as there may be, nearly as many as classes: the fit ends, and is a maximum. */
static void
test_many_covariates(void **state)
{
	const Model *model = &bgnbd_model;
	Classified all = {0};
	Fit fit;
	Random random = random_start(10, 0);

	(void) state;
	classify(model, bgnbd_with_effects, 300, 24, &all);
	for (int c = 0; c < N_CLASSES; c++)
		for (int k = 0; k < FIT_MAX_COVARIATES; k++)
			all.covariates[c][k] = random_normal(&random);
	fit_timing(&test_host, model, all.classes, N_CLASSES, FIT_MAX_COVARIATES, 0.0, &fit);
	print_message("%d parameters: %d evaluations\n", fit.n_params, fit.iterations);
	assert_int_equal(fit.n_params, 34);
	assert_true((fit.converged || fit.boundary) && fit.prior_sd == 10.0);
	fit_timing(&test_host, model, all.classes, N_CLASSES, FIT_MAX_COVARIATES, 1.0, &fit);
	assert_true(fit.converged && fit.prior_sd == 0.0);
	free_classes(&all);
}

static void
test_penalty(void **state)
{
	const Model *model = &bgnbd_model;
	const double penalties[] = {0.0, 10.0, 1000.0, 1e5};
	Classified all = {0};
	double before = INFINITY;

	(void) state;
	classify(model, bgnbd_with_effects, 500, 24, &all);
	for (int i = 0; i < 4; i++)
	{
		double size = 0.0;
		double slopes[FIT_MAX_PARAMS];
		Fit fit;

		fit_timing(&test_host, model, all.classes, N_CLASSES, N_COVARIATES, penalties[i], &fit);
		assert_true(fit.converged && fit.prior_sd == 0.0 && fit.penalty == penalties[i]);
		check_maximum(model, &all, &fit);
		assert_near(fit.log_likelihood, likelihood_of_classes(model, &all, N_COVARIATES, fit.params, slopes), 1e-12);
		for (int k = model->n_params; k < fit.n_params; k++)
			size += fit.params[k] * fit.params[k];
		assert_true(size < before);
		before = size;
	}
	assert_true(before < 1e-3);
	free_classes(&all);

	/* it holds what the data do not */
	{
		const PopulationCell cells[] = {{0, 0, 100, 50}, {0, 0, 200, 70}, {0, 0, 300, 20}};
		Population *population = population_build(&test_host, cells, 3, 7.0);
		CovariateClass class = {.population = population};
		Fit fit;

		fit_timing(&test_host, model, &class, 1, 0, 2.0, &fit);
		assert_true(fit.converged && fit.prior_sd == 0.0);
		assert_near(fit.params[2], 1.0, 1e-12);
		assert_near(fit.params[3], 3.0, 1e-12);
		assert_near(fit.std_errors[2], sqrt(0.5), 1e-9);
		population_free(population);
	}
}

/*
 * A model with a whole number: one peak at r = k + 1 (e^coefficient and covariate
 * included), as high as a table says.
 */
static const double heights[] = {-10.0, -5.0, -7.0, -4.0, -6.0, -8.0, -1.0};

static double
peak_likelihood(const Population *population, const double *params, double *gradient, double *hessian)
{
	double off = log(params[0] / (params[1] + 1.0));

	*gradient = -2.0 * population->customers * off / params[0];
	*hessian = 2.0 * population->customers * (off - 1.0) / (params[0] * params[0]);
	return heights[(int) params[1] - 1] - population->customers * off * off;
}

static void
peak_start(const Population *population, double *params)
{
	(void) population;
	params[0] = 1.0;
	params[1] = 1.0;
}

static void
peak_centre(const Population *population, double *ln_params)
{
	(void) population;
	ln_params[0] = ln_params[1] = 0.0;
}

static const Model peak_model = {
	.name = "peak",
	.n_params = 2,
	.param_names = {"r", "k"},
	.n_integer_params = 1,
	.n_effects = 1,
	.effects = {{"rate", 0, -1.0}},
	.start = peak_start,
	.prior_centre = peak_centre,
	.log_likelihood = peak_likelihood,
};

static void
test_whole_number(void **state)
{
	Population populations[2] = {{.customers = 10, .log_gaps = 1.0, .host = &test_host},
								 {.customers = 20, .log_gaps = 1.0, .host = &test_host}};
	const double z[] = {-1.0, 0.5};
	const CovariateClass classes[] = {{&populations[0], &z[0]}, {&populations[1], &z[1]}};
	Fit fit;

	(void) state;
	/* the search does not end at the first fall, and does not see k = 7 */
	fit_timing(&test_host, &peak_model, classes, 1, 0, 0.0, &fit);
	assert_true(fit.converged && fit.n_params == 2 && fit.params[1] == 4.0);
	assert_near(fit.params[0], 5.0, 1e-9);
	assert_near(fit.log_likelihood, -4.0, 1e-12);
	assert_near(fit.std_errors[0], 5.0 / sqrt(20.0), 1e-9);
	assert_true(fit.identified[1] && isnan(fit.std_errors[1]));
	assert_near(fit.covariance[0], 0.05, 1e-12);
	for (int i = 1; i < 4; i++)
		assert_true(fit.covariance[i] == 0.0);

	/* coefficients come after it */
	fit_timing(&test_host, &peak_model, classes, 2, 1, 0.0, &fit);
	assert_true(fit.converged && fit.n_params == 3 && fit.params[1] == 4.0);
	assert_near(fit.params[0], 5.0, 1e-9);
	assert_true(fabs(fit.params[2]) < 1e-9);
	/* 2 sum w (1, -z)(1, -z)' = (60, 0; 0, 30) */
	for (int i = 0; i < 9; i++)
		assert_true(fabs(fit.covariance[i] - (i == 0 ? 1.0 / 60.0 : i == 8 ? 1.0 / 30.0 : 0.0)) < 1e-12);
	assert_near(fit.std_errors[2], sqrt(1.0 / 30.0), 1e-9);

	/* without what it needs of the data, it is 1 */
	populations[1].log_gaps = NAN;
	fit_timing(&test_host, &peak_model, classes, 2, 1, 0.0, &fit);
	assert_true(fit.converged && fit.params[1] == 1.0);
	assert_near(fit.params[0], 2.0, 1e-9);
}

/* Days since 1970-01-01 of a date as 1997-01-31. */
static int
day_number(int year, int month, int day)
{
	int y = month > 2 ? year : year - 1;
	int m = month > 2 ? month - 3 : month + 9;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 719469;
}

/* A customer of CDNOW on the way through the log, sorted by customer and date. */
typedef struct Buyer
{
	int id;
	int first;
	int last;
	double repeat_spend;
	uint32_t x;
} Buyer;

/* The maximum is where the references say, to all their digits. */
static void
check_cdnow(const Model *model, const Population *population, const double *params, double log_likelihood,
			const double *std_errors)
{
	Fit fit;

	fit_population(model, population, &fit);
	print_message("%s: %.10g %.10g %.10g %.10g LL %.10f, %d evaluations\n", model->name, fit.params[0], fit.params[1],
				  fit.params[2], fit.params[3], fit.log_likelihood, fit.iterations);
	assert_true(fit.converged && fit.prior_sd == 0.0);
	assert_near(fit.log_likelihood, log_likelihood, 1e-13);
	for (int i = 0; i < 4; i++)
	{
		assert_near(fit.params[i], params[i], 1e-8);
		if (std_errors != NULL)
			assert_near(fit.std_errors[i], std_errors[i], 1e-5);
	}
}

/* CDNOW's first 39 weeks, by customer. */
typedef struct Cdnow
{
	PopulationCell cells[3000];
	SpendPoint points[3000];
	int n_cells;
	size_t n_points;
} Cdnow;

/* Returns false when the log is not at hand. */
static bool
load_cdnow(Cdnow *cdnow)
{
	const char *path = getenv("CDNOW_CSV");
	FILE *file = path != NULL && *path != '\0' ? fopen(path, "r") : NULL;
	int until = day_number(1997, 9, 30);
	Buyer buyer = {.id = -1};
	char line[256];
	bool more = true;

	if (file == NULL)
		return false;
	cdnow->n_cells = 0;
	cdnow->n_points = 0;
	assert_non_null(fgets(line, sizeof(line), file));
	while (more)
	{
		int id = -1;
		int year = 0;
		int month = 0;
		int day = 0;
		int date;
		double amount = 0.0;

		more = fgets(line, sizeof(line), file) != NULL &&
			sscanf(line, "%d,%d-%d-%d,%lf", &id, &year, &month, &day, &amount) == 5;
		date = day_number(year, month, day);
		if (more && id == buyer.id)
		{
			if (date > until)
				continue;
			/* orders of one day are one purchase */
			if (date > buyer.last)
				buyer.x++;
			if (date > buyer.first)
				buyer.repeat_spend += amount;
			buyer.last = date;
			continue;
		}
		if (buyer.id >= 0)
		{
			assert_true(cdnow->n_cells < 3000);
			cdnow->cells[cdnow->n_cells++] =
				(PopulationCell){buyer.x, buyer.last - buyer.first, until - buyer.first, 1};
			if (buyer.x > 0 && buyer.repeat_spend > 0)
				cdnow->points[cdnow->n_points++] = (SpendPoint){buyer.x, buyer.repeat_spend, 1};
		}
		buyer = (Buyer){.id = id, .first = date, .last = date};
	}
	fclose(file);
	return true;
}

/* Fader, Hardie & Lee (2005); note 025. */
static void
test_cdnow(void **state)
{
	static Cdnow cdnow;
	Population *population;
	Fit fit;

	(void) state;
	if (!load_cdnow(&cdnow))
		skip();
	population = population_build(&test_host, cdnow.cells, cdnow.n_cells, 7.0);
	assert_true(population->customers == 2357 && population->repeat_orders == 2457);
	check_cdnow(&bgnbd_model, population, cdnow_timing, -9582.4292066739,
				(double[]){0.0125574, 0.378224, 0.185734, 0.705414});
	check_cdnow(&paretonbd_model, population, cdnow_paretonbd, -9594.9761789396,
				(double[]){0.0476279, 0.842723, 0.187281, 6.21111});
	check_cdnow(&mbgnbd_model, population, cdnow_mbgnbd, -9582.1357155538, NULL);

	/* no ageing is seen: no better than Pareto/NBD, and it says so */
	fit_population(&ggnbd_model, population, &fit);
	print_message("gg/nbd: %.6g %.6g %.6g %.6g %.6g LL %.6f, prior %g, %d evaluations\n", fit.params[0], fit.params[1],
				  fit.params[2], fit.params[3], fit.params[4], fit.log_likelihood, fit.prior_sd, fit.iterations);
	assert_true(fit.prior_sd == 0.0 && !fit.identified[2] && !fit.identified[4]);
	assert_near(fit.log_likelihood, -9594.9761789396, 1e-12);
	population_free(population);

	assert_int_equal(cdnow.n_points, 946);
	fit_spend(&test_host, &gammagamma_model, cdnow.points, cdnow.n_points, &fit);
	print_message("gamma-gamma: p %.10g q %.10g gamma %.10g LL %.10f, %d evaluations\n", fit.params[0], fit.params[1],
				  fit.params[2], fit.log_likelihood, fit.iterations);
	assert_true(fit.converged && fit.prior_sd == 0.0);
	assert_near(fit.log_likelihood, -4055.9176948019, 1e-13);
	for (int i = 0; i < 3; i++)
		assert_near(fit.params[i], cdnow_spend[i], 1e-8);
}

/* From any start to the maximum. */
static void
test_cdnow_random_starts(void **state)
{
	static Cdnow cdnow;
	Population *population;

	(void) state;
	if (!load_cdnow(&cdnow))
		skip();
	population = population_build(&test_host, cdnow.cells, cdnow.n_cells, 7.0);
	check_random_starts(&bgnbd_model, population, 300);
	check_random_starts(&mbgnbd_model, population, 300);
	check_random_starts(&paretonbd_model, population, 40);
	population_free(population);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_starts),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_prior_presumed),
		cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_no_ageing),
		cmocka_unit_test(test_limit_shown_by_copy),
		cmocka_unit_test(test_worse_shown_by_copy),
		cmocka_unit_test(test_spend_recovery),
		cmocka_unit_test(test_billions),
		cmocka_unit_test(test_time_unit_does_not_matter),
		cmocka_unit_test(test_nobody_came_back),
		cmocka_unit_test(test_no_dropout),
		cmocka_unit_test(test_same_rate_for_all),
		cmocka_unit_test(test_everybody_bought_today),
		cmocka_unit_test(test_one_customer),
		cmocka_unit_test(test_two_customers),
		cmocka_unit_test(test_thousands_of_purchases),
		cmocka_unit_test(test_sudden_departure),
		cmocka_unit_test(test_gone_after_one_repeat),
		cmocka_unit_test(test_degenerate_spend),
		cmocka_unit_test(test_covariates),
		cmocka_unit_test(test_many_in_classes),
		cmocka_unit_test(test_equal_classes),
		cmocka_unit_test(test_collinear_covariates),
		cmocka_unit_test(test_many_covariates),
		cmocka_unit_test(test_penalty),
		cmocka_unit_test(test_whole_number),
		cmocka_unit_test(test_cdnow),
		cmocka_unit_test(test_cdnow_random_starts),
	};

	return cmocka_run_group_tests_name("fit", tests, NULL, NULL);
}
