/*
 * test_models.c
 *	  What must be true of every model, whatever its formulas.
 */
#include "support.h"

#include <math.h>
#include <string.h>

#include "models/cnbd/cnbd.h"

#define lengthof(array) ((int) (sizeof(array) / sizeof((array)[0])))

/* A model with parameters to try it at, the first plausible, the others less so. */
#define N_POINTS 5

typedef struct Subject
{
	const Model *model;
	double points[N_POINTS][MODEL_MAX_PARAMS];
} Subject;

static const Subject subjects[] = {
	{&bgnbd_model,
	 {{0.24, 4.4, 0.79, 2.4},
	  {3.0, 40.0, 0.1, 5.0},
	  {0.05, 0.3, 8.0, 0.2},
	  {0.6, 8.0, 1.0, 4.0},
	  {12.0, 9.0, 1e-3, 1e-3}}},
	/* alpha above, below, equal to, and next to beta; s = 1 */
	{&paretonbd_model,
	 {{0.55, 10.6, 0.61, 11.7},
	  {3.0, 40.0, 0.1, 5.0},
	  {0.05, 0.3, 8.0, 90.0},
	  {0.6, 8.0, 1.0, 8.0},
	  {12.0, 9.0, 1.0, 9.0 + 1e-9}}},
	{&mbgnbd_model,
	 {{0.52, 6.2, 0.89, 1.6},
	  {3.0, 40.0, 0.1, 5.0},
	  {0.05, 0.3, 8.0, 0.2},
	  {0.6, 8.0, 1.0, 4.0},
	  {12.0, 9.0, 1e-3, 1e-3}}},
	/* ageing much, hardly, and suddenly; beta = 1 */
	{&ggnbd_model,
	 {{0.55, 10.6, 0.03, 0.37, 0.2},
	  {3.0, 40.0, 1e-5, 0.6, 1e-4},
	  {0.6, 8.0, 0.5, 0.3, 1e4},
	  {0.6, 8.0, 0.05, 1.0, 1.0},
	  {1.2, 9.0, 2.0, 0.01, 0.5}}},
	/* with a slight rhythm, a strict one, and none */
	{&bgcnbd_model,
	 {{0.36, 1.1, 0.52, 2.8, 2},
	  {3.0, 12.0, 0.1, 5.0, 3},
	  {0.05, 0.3, 8.0, 0.2, 1},
	  {0.6, 8.0, 1.0, 4.0, 6},
	  {12.0, 1.5, 1e-3, 1e-3, 12}}},
	{&mbgcnbd_model,
	 {{1.33, 2.8, 0.42, 0.79, 2},
	  {3.0, 12.0, 0.1, 5.0, 3},
	  {0.05, 0.3, 8.0, 0.2, 1},
	  {0.6, 8.0, 1.0, 4.0, 6},
	  {12.0, 1.5, 1e-3, 1e-3, 12}}},
	/* gamma above, below, and equal to 1 */
	{&bgbb_model,
	 {{1.2, 0.75, 0.66, 2.8},
	  {3.0, 40.0, 2.5, 300.0},
	  {0.05, 0.3, 8.0, 90.0},
	  {0.6, 8.0, 1.0, 4.0},
	  {12.0, 9.0, 1e-3, 1e-3}}},
};

/* Customers with little and much, recent and old history. */
static const double histories[][3] = {{0, 0, 30}, {0, 0, 300},    {1, 10, 30},   {2, 28.5, 30},
									  {7, 5, 39}, {26, 30.9, 31}, {30, 200, 310}};

/* The customer nearest to one of these whom there can be under the model. */
static void
history_under(const Model *model, const double *history, double *possible)
{
	memcpy(possible, history, 3 * sizeof(double));
	if (model->discrete)
		for (int i = 1; i < 3; i++)
			possible[i] = fmax(floor(possible[i]), possible[0]);
}

#define for_each_subject(subject) \
	for (const Subject *subject = subjects; subject < subjects + lengthof(subjects); subject++)

static void
test_lookup(void **state)
{
	(void) state;
	for_each_subject(subject)
	{
		const Model *model = subject->model;

		assert_ptr_equal(model_by_name(model->name), model);
		assert_ptr_equal(model_by_id(model->id), model);
		for (const Subject *other = subjects; other < subject; other++)
			assert_true(other->model->id < model->id);
		assert_true(model->n_params <= MODEL_MAX_PARAMS);
		for (int i = 0; i < model->n_params; i++)
			assert_non_null(model->param_names[i]);
	}
	assert_null(model_by_name("no such model"));
	assert_ptr_equal(model_by_name("BG/NBD"), model_by_name("bg/nbd"));
	assert_ptr_equal(model_by_name("Pareto/NBD"), model_by_name("pareto/nbd"));
	assert_null(model_by_name("bg/nbd "));
	assert_null(model_by_name("bg/nb"));
	assert_null(model_by_name(""));
	assert_null(model_by_id(0));
}

/* Parameters from all over. */
static void
random_params(const Model *model, Random *random, double low, double high, double *params)
{
	int n = model->n_params - model->n_integer_params;

	for (int i = 0; i < n; i++)
		params[i] = anywhere_between(random, low, high);
	for (int i = n; i < model->n_params; i++)
		params[i] = floor(anywhere_between(random, 1.0, CNBD_MAX_K + 1.0));
}

/* How many stages the time between two purchases has. */
static double
stages_of(const Model *model, const double *params)
{
	return model->n_integer_params > 0 ? params[model->n_params - 1] : 1.0;
}

static double
sum_of_customers(const Model *model, const Population *population, const double *params)
{
	double sum = stages_of(model, params) > 1.0 ? (stages_of(model, params) - 1.0) * population->log_gaps : 0.0;

	for (size_t f = 0; f < population->n_frequencies; f++)
	{
		const FrequencyClass *class = &population->frequencies[f];

		for (size_t i = class[0].first_age; i < class[1].first_age && class->x == 0; i++)
			sum += population->ages[i].customers * model->customer_log_likelihood(params, 0, 0, population->ages[i].T);
		for (size_t i = class[0].first_recency; i < class[1].first_recency; i++)
			for (size_t k = population->recencies[i].first_cell; k < population->recencies[i + 1].first_cell; k++)
				sum += population->cells[k].customers *
					model->customer_log_likelihood(params, class->x, population->recencies[i].t_x,
												   population->ages[population->cells[k].age].T);
	}
	return sum;
}

/* A sum must be the sum of its parts. */
static void
test_population_is_sum_of_customers(void **state)
{
	(void) state;
	for_each_subject(subject)
	{
		const Model *model = subject->model;
		Population *population = simulated_population(model, subject->points[0], 5000, 700, 1);

		for (int point = 0; point < N_POINTS; point++)
			assert_near(model->log_likelihood(population, subject->points[point], NULL, NULL),
						sum_of_customers(model, population, subject->points[point]), 2e-13);
		population_free(population);
	}
}

/*
 * The same at parameters from all over: the sum of customers takes continued
 * fractions, or panels for each; the population interpolates.
 */
static void
test_two_routes(void **state)
{
	Random random = random_start(8, 0);
	double worst = 0.0;

	(void) state;
	for_each_subject(subject)
	{
		const Model *model = subject->model;
		Population *population = simulated_population(model, subject->points[0], 400, 700, 7);

		for (int i = 0; i < 100; i++)
		{
			double params[MODEL_MAX_PARAMS];
			double values[2];

			random_params(model, &random, 1e-3, 1e3, params);
			values[0] = model->log_likelihood(population, params, NULL, NULL);
			values[1] = sum_of_customers(model, population, params);
			worst = larger_error(worst, relative_error(values[0], values[1], population->customers));
			if (!(relative_error(values[0], values[1], population->customers) < 1e-12))
				fail_msg("%s at %.17g %.17g %.17g %.17g %.17g: %.17g of a population, %.17g of its customers",
						 model->name, params[0], params[1], params[2], params[3], params[4], values[0], values[1]);
		}
		population_free(population);
	}
	print_message("largest difference between the two routes: %.2g\n", worst);
}

/* Fourth-order central difference of the likelihood and of its gradient. */
static void
check_derivatives(const Model *model, const Population *population, const double *params)
{
	static const double offsets[] = {-2, -1, 1, 2};
	static const double weights[] = {1.0 / 12, -2.0 / 3, 2.0 / 3, -1.0 / 12};
	int n = model->n_params - model->n_integer_params;
	double gradient[MODEL_MAX_PARAMS];
	double hessian[MODEL_MAX_PARAMS * MODEL_MAX_PARAMS];
	double size = fabs(model->log_likelihood(population, params, gradient, hessian));

	for (int i = 0; i < n; i++)
	{
		double h = 1e-3 * params[i];
		double slope = 0.0;
		double curve[MODEL_MAX_PARAMS] = {0};

		for (int k = 0; k < 4; k++)
		{
			double moved[MODEL_MAX_PARAMS];
			double moved_gradient[MODEL_MAX_PARAMS];

			memcpy(moved, params, sizeof(moved));
			moved[i] += offsets[k] * h;
			slope += weights[k] / h * model->log_likelihood(population, moved, moved_gradient, NULL);
			for (int j = 0; j < n; j++)
				curve[j] += weights[k] / h * moved_gradient[j];
		}
		/* the differences' own rounding is some 1e-16 / 1e-3 of what they are of */
		if (!(fabs(slope - gradient[i]) * params[i] <= 1e-9 * fabs(gradient[i]) * params[i] + 1e-11 * size))
			fail_msg("%s: d %s is %.15g, differences say %.15g", model->name, model->param_names[i], gradient[i],
					 slope);
		for (int j = 0; j < n; j++)
		{
			double scale = params[i] * params[j];
			double difference = fabs(curve[j] - hessian[i * n + j]) * scale;

			if (!(difference <=
				  1e-8 * fabs(hessian[i * n + j]) * scale + 1e-8 * fabs(gradient[j]) * params[j] + 1e-10 * size))
				fail_msg("%s at %g %g %g %g %g: d %s d %s is %.15g, differences say %.15g", model->name, params[0],
						 params[1], params[2], params[3], params[4], model->param_names[i], model->param_names[j],
						 hessian[i * n + j], curve[j]);
		}
	}
}

static void
test_derivatives_against_differences(void **state)
{
	(void) state;
	for_each_subject(subject)
	{
		Population *population = simulated_population(subject->model, subject->points[0], 1000, 400, 2);

		for (int point = 0; point < N_POINTS; point++)
			check_derivatives(subject->model, population, subject->points[point]);
		population_free(population);
	}
}

/* The distribution of a count: sums to one, has the mean it should. */
static void
test_pmf_adds_up(void **state)
{
	(void) state;
	for_each_subject(subject)
	{
		const Model *model = subject->model;

		for (int point = 0; point < N_POINTS; point++)
			for (double t = 0.5; t < 40.0; t *= 8.0)
			{
				const double *params = subject->points[point];
				double sum = 0.0;
				double mean = 0.0;

				for (double j = 0.0; j < 3000.0 && (1.0 - sum > 1e-14 || j < 10.0); j++)
				{
					double p = model->new_customer_transactions_pmf(params, t, j);

					assert_true(p >= 0.0 && p <= 1.0);
					sum += p;
					mean += j * p;
				}
				assert_near(sum, 1.0, 1e-11);
				/* what the tail beyond the last j has of the mean is beyond rounding's reach */
				assert_true(relative_error(mean, model->new_customer_transactions(params, t), 1e-2) < 1e-8);
			}
		assert_true(model->new_customer_transactions_pmf(subject->points[0], 0.0, 0.0) == 1.0);
		assert_true(model->new_customer_transactions_pmf(subject->points[0], 0.0, 3.0) == 0.0);
	}
}

/* A purchase comes within w with this probability, but not (in discrete time) within less. */
static void
check_quantile(const Model *model, const double *params, const double *h, double w, double prob)
{
	double at = model->order_prob(params, h[0], h[1], h[2], w);

	if (!model->discrete)
	{
		assert_near(at, prob, 1e-11);
		return;
	}
	/* beyond this, one period more or less is not told by a probability */
	if (w > 1e12)
	{
		assert_near(at, prob, 1e-10);
		return;
	}
	assert_true(w >= 1.0 && w == floor(w));
	assert_true(at >= prob * (1 - 1e-12));
	assert_true(model->order_prob(params, h[0], h[1], h[2], w - 1.0) < prob * (1 + 1e-12));
}

/* What a customer does next, told in four ways that must agree. */
static void
test_future(void **state)
{
	(void) state;
	for_each_subject(subject)
	{
		const Model *model = subject->model;

		for (int point = 0; point < N_POINTS; point++)
			for (int i = 0; i < lengthof(histories); i++)
			{
				const double *params = subject->points[point];
				double h[3];
				double alive;
				double ever;
				double orders;
				double soon = model->discrete ? 1.0 : 1e-9;
				double sum = 0.0;
				double mean = 0.0;
				double last = 0.0;

				history_under(model, histories[i], h);
				alive = model->prob_alive(params, h[0], h[1], h[2]);
				ever = model->order_prob(params, h[0], h[1], h[2], INFINITY);
				orders = model_expected_transactions(model, params, h[0], h[1], h[2], 20.0);
				assert_true(ever <= alive * (1 + 1e-12));
				for (double j = 0.0; j < 2000.0 && (1.0 - sum > 1e-13 || j < 3.0); j++)
				{
					double p = model->future_transactions_pmf(params, h[0], h[1], h[2], 20.0, j);

					assert_true(p >= 0.0 && p <= 1.0);
					/* so many or more are those that are not fewer */
					if (j > 0.0 && model->future_transactions_tail != NULL)
						assert_true(fabs(model->future_transactions_tail(params, h[0], h[1], h[2], 20.0, j) -
										 (1.0 - sum)) < 1e-11);
					sum += p;
					mean += j * p;
				}
				assert_near(sum, 1.0, 1e-11);
				assert_true(relative_error(mean, orders, 1e-4) < 1e-7);
				assert_true(relative_error(model->order_prob(params, h[0], h[1], h[2], 20.0),
										   1.0 - model->future_transactions_pmf(params, h[0], h[1], h[2], 20.0, 0.0),
										   1e-3) < 1e-12);

				/* a short horizon: at most one order, exactly */
				assert_near(model->order_prob(params, h[0], h[1], h[2], soon),
							model_expected_transactions(model, params, h[0], h[1], h[2], soon), 1e-7);

				for (double q = 0.001; q < 1.0; q += 0.111)
				{
					double w = model->next_order_quantile(params, h[0], h[1], h[2], q);

					assert_true(w > last || (model->discrete && w == last));
					last = w;
					if (isfinite(w) && ever > 1e-290)
						check_quantile(model, params, h, w, q * ever);
				}
			}
	}
}

static void
test_edges(void **state)
{
	(void) state;
	for_each_subject(subject)
	{
		const Model *model = subject->model;
		const double *params = subject->points[0];

		assert_true(model_expected_transactions(model, params, 3, 10, 20, 0) == 0.0);
		assert_true(model->new_customer_transactions(params, 0) == 0.0);
		assert_true(model_discounted_transactions(model, params, 3, 10, 20, 0, 0.01) == 0.0);
		assert_true(model->order_prob(params, 3, 10, 20, 0) == 0.0);
		assert_true(model_discounted_transactions(model, params, 3, 10, 20, 52, 0) ==
					model_expected_transactions(model, params, 3, 10, 20, 52));
		assert_near(model_discounted_transactions(model, params, 3, 10, 20, 52, 1e-14),
					model_expected_transactions(model, params, 3, 10, 20, 52), 1e-11);
		assert_near(model_discounted_transactions(model, params, 3, 10, 20, 1e9, 0.05),
					model_discounted_transactions(model, params, 3, 10, 20, INFINITY, 0.05), 1e-11);
		/* just bought: alive, but for the dropout trial */
		assert_true(model->prob_alive(params, 1000, model->discrete ? 1000 : 1, 5000) < 1e-100);
		assert_true(model->customer_log_likelihood(params, 0, 0, 0) <= 1e-15);
	}
}

/* What a customer would buy who never left, or more. */
static double
most_orders(const Model *model, const double *params, double x, double T, double horizon)
{
	double k = stages_of(model, params);

	if (model->discrete)
		return (params[0] + x) / (params[0] + params[1] + T) * horizon;
	/* of the k stages before a purchase up to k - 1 may be over */
	return ((params[0] + (k * x + (k - 1))) / (params[1] + T) * horizon + (k - 1)) / k;
}

/* Every score is a sane number wherever the optimiser or a user may go. */
static void
test_scores_are_finite_everywhere(void **state)
{
	Random random = random_start(4, 0);

	(void) state;
	for_each_subject(subject)
		/* those with a rhythm take their time where nobody is */
		for (int i = 0; i < (subject->model->recency_matters ? 150 : 1000); i++)
	{
		const Model *model = subject->model;
		double params[MODEL_MAX_PARAMS];
		double x = floor(anywhere_between(&random, 0.1, 1e4));
		double T = anywhere_between(&random, 1.0, 36525.0);
		double t_x = x > 0 ? T * random_uniform(&random) : 0.0;
		double horizon = anywhere_between(&random, 1e-3, 36525.0);
		double delta = anywhere_between(&random, 1e-9, 1.0);
		double j = floor(anywhere_between(&random, 0.3, 300.0));
		double alive;
		double overdue;
		double orders;
		double discounted;
		double buys;
		double pmf;
		double wait;

		if (model->discrete)
		{
			x = floor(T * random_uniform(&random) * random_uniform(&random));
			T = ceil(T);
			t_x = x > 0 ? ceil(fmax(t_x, x)) : 0.0;
		}
		random_params(model, &random, 1.2e-7, 8.8e6, params);
		alive = model->prob_alive(params, x, t_x, T);
		overdue = model_overdue_prob(model->ln_silence(params, x, t_x, T));
		orders = model_expected_transactions(model, params, x, t_x, T, horizon);
		discounted = model_discounted_transactions(model, params, x, t_x, T, horizon, delta);
		buys = model->order_prob(params, x, t_x, T, horizon);
		pmf = model->future_transactions_pmf(params, x, t_x, T, horizon, j);
		wait = model->next_order_quantile(params, x, t_x, T, 0.5);
		if (!(isfinite(model->customer_log_likelihood(params, x, t_x, T)) && alive >= 0.0 && alive <= 1.0 &&
			  overdue >= 0.0 && overdue <= 1.0 &&
			  overdue <= model_overdue_prob(model->ln_silence(params, x, t_x, T + 1.0)) + 1e-15 && isfinite(orders) &&
			  orders >= 0.0 && orders <= most_orders(model, params, x, T, horizon) * (1 + 1e-12) &&
			  isfinite(discounted) && discounted >= 0.0 && discounted <= orders * (1 + 1e-11) && buys >= 0.0 &&
			  buys <= alive * (1 + 1e-12) && buys <= orders * (1 + 1e-11) && pmf >= 0.0 && pmf <= 1.0 + 1e-11 &&
			  pmf <= (j == 0 ? 1.0 : buys) * (1 + 1e-9) + 1e-300 && wait >= 0.0 &&
			  isfinite(model->new_customer_transactions_pmf(params, horizon, j)) &&
			  isfinite(model->new_customer_transactions(params, horizon))))
			fail_msg("%s %.17g %.17g %.17g %.17g %.17g x %.17g t_x %.17g T %.17g horizon %.17g delta %.17g j %g: "
					 "alive %.17g orders %.17g discounted %.17g buys %.17g pmf %.17g wait %.17g LL %g",
					 model->name, params[0], params[1], params[2], params[3], params[4], x, t_x, T, horizon, delta, j,
					 alive, orders, discounted, buys, pmf, wait, model->customer_log_likelihood(params, x, t_x, T));
	}
}

/* So are a population's likelihood and its derivatives, in every corner of the box. */
static void
test_likelihood_is_finite_everywhere(void **state)
{
	(void) state;
	for_each_subject(subject)
	{
		const Model *model = subject->model;
		int n = model->n_params - model->n_integer_params;
		Population *population = simulated_population(model, subject->points[0], 200, 700, 6);

		for (int corner = 0; corner < 1 << n; corner++)
		{
			double params[MODEL_MAX_PARAMS] = {[4] = 3};
			double values[1 + MODEL_MAX_PARAMS + MODEL_MAX_PARAMS * MODEL_MAX_PARAMS];
			double ln_centre[MODEL_MAX_PARAMS];

			model->prior_centre(population, ln_centre);
			for (int i = 0; i < n; i++)
				params[i] = exp(ln_centre[i] + ((corner >> i) & 1 ? 16.0 : -16.0));
			values[0] = model->log_likelihood(population, params, &values[1], &values[1 + n]);
			for (int i = 0; i < 1 + n + n * n; i++)
				if (!isfinite(values[i]))
					fail_msg("%s corner %d: value %d is %g", model->name, corner, i, values[i]);
		}
		population_free(population);
	}
}

/* Long work asks for interrupts and gives back what it borrowed. */
static void
test_good_guests(void **state)
{
	(void) state;
	for_each_subject(subject)
	{
		long held = blocks_held;
		Population *population = simulated_population(subject->model, subject->points[0], 30000, 700, 5);
		long asked = interrupts_checked;

		subject->model->log_likelihood(population, subject->points[0], NULL, NULL);
		assert_true(interrupts_checked >= asked + (long) (population->n_cells / 10000));
		population_free(population);
		assert_int_equal(blocks_held, held);
	}
}

/*
 * P(alive) and P(gone) made of first events, as caches do: 1 if the latter does not cancel.
 * What cancels is left to gone_prob.
 */
static int
check_parts(Golden *golden, const Model *model, const double *params, double x, double t_x, double T, double right_gone)
{
	double then = model->first_event(params, x, t_x);
	double now = model->first_event(params, x, T);
	double ln_quiet = model->ln_silence(params, x, t_x, T) + model->ln_survival(params, t_x, T);
	AliveOrGone weights = model_weigh_risks(then, now, ln_quiet);

	assert_golden(golden, model->name, weights.alive, model->prob_alive(params, x, t_x, T), 1e-11, 0.0);
	if (isnan(weights.gone))
		return 0;
	assert_golden(golden, model->name, weights.gone, right_gone, 1e-11, 0.0);
	return 1;
}

/*
 * P(alive) falls by e^-0.2 wherever the silence is longer by that, also where e^ln is no normal
 * number any more; a customer who cannot have left is alive all the same.
 */
static void
test_long_silence(void **state)
{
	(void) state;
	for (double ln_silence = -690.0; ln_silence > -744.0; ln_silence -= 0.2)
	{
		AliveOrGone dropout = model_weigh_dropout(1e-20, ln_silence);
		AliveOrGone longer_dropout = model_weigh_dropout(1e-20, ln_silence - 0.2);
		AliveOrGone risks = model_weigh_risks(1e-20, -0.3, ln_silence);
		AliveOrGone longer_risks = model_weigh_risks(1e-20, -0.3, ln_silence - 0.2);

		assert_near(longer_dropout.alive / dropout.alive, exp(-0.2), 1e-11);
		assert_near(longer_risks.alive / risks.alive, exp(-0.2), 1e-11);
		assert_near(dropout.gone, 1.0, 1e-15);
		assert_near(risks.gone, 1.0, 1e-15);
	}
	assert_true(model_weigh_dropout(0.0, -1e4).alive == 1.0);
	assert_true(model_weigh_dropout(0.0, -1e4).gone == 0.0);
	assert_true(isnan(model_weigh_dropout(0.0, NAN).alive));
	assert_true(model_overdue_prob(1e-16) == 0.0);
}

/* The probability of having left, small ones too, computed with 50 digits for all models. */
static void
test_gone(void **state)
{
	Golden golden = golden_open("churn.csv");
	int rows[8] = {0};
	int gone_of_parts = 0;

	(void) state;
	while (golden_next(&golden))
	{
		const Model *model = model_by_id((int) golden.field[0]);
		const double *params = &golden.field[1];
		double x = golden.field[6];
		double t_x = golden.field[7];
		double T = golden.field[8];
		double gone = model->gone_prob(params, x, t_x, T);

		rows[model->id]++;
		assert_golden(&golden, model->name, gone, golden.field[9], 1e-12, 0.0);
		assert_golden(&golden, model->name, gone + model->prob_alive(params, x, t_x, T), 1.0, 1e-12, 0.0);
		if (model->first_event != NULL)
			gone_of_parts += check_parts(&golden, model, params, x, t_x, T, golden.field[9]);
	}
	for (int id = 1; model_by_id(id) != NULL; id++)
		assert_true(rows[id] > 10);
	assert_true(gone_of_parts > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_population_is_sum_of_customers),
		cmocka_unit_test(test_two_routes),
		cmocka_unit_test(test_derivatives_against_differences),
		cmocka_unit_test(test_pmf_adds_up),
		cmocka_unit_test(test_future),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_long_silence),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_scores_are_finite_everywhere),
		cmocka_unit_test(test_likelihood_is_finite_everywhere),
		cmocka_unit_test(test_good_guests),
	};

	return cmocka_run_group_tests_name("all models", tests, NULL, NULL);
}
