/*
 * subscribers.c
 *	  The weibull-gamma model. See subscribers.h.
 *
 * Cohorts of the pool and of customers are walked period by period, each time with the
 * derivatives of the survival function by its own parameters: n^2 / 2 evaluations of each
 * process, with memory for n. Least squares by trust-region Gauss-Newton, from a few
 * starts.
 */
#include "models/acquisition/subscribers.h"

#include <math.h>
#include <string.h>

#include "models/acquisition/inverse.h"

#define MAX_ITERATIONS 400
#define BOX 25.0

/* Survival's own parameters: ln r, ln alpha, ln c, then the covariates'. */
#define SURVIVAL_MAX_PARAMS (3 + SUBSCRIBER_MAX_COVARIATES)

/* A survival process at its parameters, over all periods. */
typedef struct Process
{
	int n_covariates;
	double r;
	double alpha;
	const double *covariates; /* of each period */
	double *weight;           /* [n + 1]: i^c - (i - 1)^c, and its derivative by ln c */
	double *weight_by_c;
	double *hazard; /* [n + 1]: exp(beta x) */
} Process;

/* One cohort on its way. */
typedef struct Cohort
{
	double exposure;                /* B */
	double by[SURVIVAL_MAX_PARAMS]; /* its derivatives, from place 2 on */
	double survival;
	double gradient[SURVIVAL_MAX_PARAMS]; /* of the survival */
} Cohort;

static double *
numbers(const Host *host, size_t n)
{
	double *all = host->alloc((n > 0 ? n : 1) * sizeof(double));

	memset(all, 0, n * sizeof(double));
	return all;
}

static const double *
covariates_of(const Process *process, size_t period)
{
	return process->covariates + (period - 1) * process->n_covariates;
}

static Process
process_make(const SubscriberData *data, const double *baseline, const double *beta)
{
	double c = exp(baseline[2]);
	Process process = {
		.n_covariates = data->n_covariates,
		.r = exp(baseline[0]),
		.alpha = exp(baseline[1]),
		.covariates = data->covariates,
		.weight = numbers(data->host, data->n + 1),
		.weight_by_c = numbers(data->host, data->n + 1),
		.hazard = numbers(data->host, data->n + 1),
	};
	double power = 0;
	double by_c = 0;

	for (size_t i = 1; i <= data->n; i++)
	{
		double next = pow((double) i, c);
		double next_by_c = next * log((double) i) * c;
		double score = 0;

		for (int k = 0; k < data->n_covariates; k++)
			score += beta[k] * covariates_of(&process, i)[k];
		process.weight[i] = next - power;
		process.weight_by_c[i] = next_by_c - by_c;
		process.hazard[i] = exp(score);
		power = next;
		by_c = next_by_c;
	}
	return process;
}

static void
process_free(const Host *host, Process *process)
{
	host->release(process->weight);
	host->release(process->weight_by_c);
	host->release(process->hazard);
}

/* Takes a cohort through the period that is the age-th of its own. */
static void
cohort_age(const Process *process, Cohort *cohort, size_t period, size_t age, bool derive)
{
	double hazard = process->hazard[period];
	double more = process->weight[age] * hazard;
	double by_exposure;

	cohort->exposure += more;
	cohort->survival = exp(-process->r * log1p(cohort->exposure / process->alpha));
	if (!derive)
		return;
	cohort->by[2] += process->weight_by_c[age] * hazard;
	by_exposure = -cohort->survival * process->r / (process->alpha + cohort->exposure);
	cohort->gradient[0] = cohort->survival > 0 ? cohort->survival * log(cohort->survival) : 0;
	cohort->gradient[1] = -by_exposure * cohort->exposure;
	cohort->gradient[2] = by_exposure * cohort->by[2];
	for (int k = 0; k < process->n_covariates; k++)
	{
		cohort->by[3 + k] += more * covariates_of(process, period)[k];
		cohort->gradient[3 + k] = by_exposure * cohort->by[3 + k];
	}
}

/* Who enters the pool in a period; in period 0 all of the population. A shrinking population takes nobody out. */
static double
entering(const SubscriberData *data, size_t period)
{
	return period == 0 ? data->population[0] : fmax(0, data->population[period] - data->population[period - 1]);
}

/* Customers acquired in each period [n + 1], and unless gradient is NULL its derivatives [(n + 1) * subscriber_pool_params()]. */
static void
pool_acquired(const SubscriberData *data, const double *theta, double *acquired, double *gradient)
{
	int n = subscriber_pool_params(data);
	double ever = 1 / (1 + exp(-theta[3]));
	Process process = process_make(data, theta, theta + 4);

	for (size_t from = 0; from < data->n; from++)
	{
		double pool = entering(data, from) * ever;
		Cohort cohort = {.survival = 1};

		data->host->check_interrupts();
		if (pool == 0)
			continue;
		for (size_t m = from + 1; m <= data->n; m++)
		{
			double before = cohort.survival;
			double gradient_before[SURVIVAL_MAX_PARAMS];

			memcpy(gradient_before, cohort.gradient, sizeof(gradient_before));
			cohort_age(&process, &cohort, m, m - from, gradient != NULL);
			acquired[m] += pool * (before - cohort.survival);
			if (gradient == NULL)
				continue;
			for (int i = 0; i < 3; i++)
				gradient[m * n + i] += pool * (gradient_before[i] - cohort.gradient[i]);
			gradient[m * n + 3] += pool * (1 - ever) * (before - cohort.survival);
			for (int i = 4; i < n; i++)
				gradient[m * n + i] += pool * (gradient_before[i - 1] - cohort.gradient[i - 1]);
		}
	}
	process_free(data->host, &process);
}

/* Customers at the end of each period [n + 1], from those acquired, with the derivatives by all parameters. */
static void
customers_active(const SubscriberData *data, const double *theta, const double *acquired,
				 const double *acquired_gradient, double *active, double *gradient)
{
	int n_pool = subscriber_pool_params(data);
	int n = subscriber_params(data);
	Process process = process_make(data, theta + n_pool, theta + n_pool + 3);

	for (size_t from = 1; from <= data->n; from++)
	{
		Cohort cohort = {.survival = 1};

		data->host->check_interrupts();
		for (size_t m = from; m <= data->n; m++)
		{
			if (m > from)
				cohort_age(&process, &cohort, m, m - from, gradient != NULL);
			active[m] += acquired[from] * cohort.survival;
			if (gradient == NULL)
				continue;
			for (int i = 0; i < n_pool; i++)
				gradient[m * n + i] += acquired_gradient[from * n_pool + i] * cohort.survival;
			for (int i = n_pool; i < n; i++)
				gradient[m * n + i] += acquired[from] * cohort.gradient[i - n_pool];
		}
	}
	process_free(data->host, &process);
}

/* The figures in their places: acquired as it is, and what was lost since the period before. */
static void
gather(const SubscriberData *data, const double *acquired, int acquired_width, const double *active, int width,
	   double *figures)
{
	size_t block = data->n * width;

	for (size_t m = 1; m <= data->n; m++)
		for (int i = 0; i < width; i++)
		{
			double *at = &figures[(m - 1) * width + i];
			double came = i < acquired_width ? acquired[m * acquired_width + i] : 0;

			at[SUBSCRIBERS_ACQUIRED * block] = came;
			at[SUBSCRIBERS_LOST * block] =
				active == NULL ? NAN : active[(m - 1) * width + i] + came - active[m * width + i];
			at[SUBSCRIBERS_ACTIVE * block] = active == NULL ? NAN : active[m * width + i];
		}
}

void
subscribers_expect(const SubscriberData *data, const double *theta, double *expected, double *jacobian)
{
	int n_pool = subscriber_pool_params(data);
	int n = subscriber_params(data);
	bool stay = subscribers_stay(data);
	double *acquired = numbers(data->host, data->n + 1);
	double *acquired_gradient = jacobian == NULL ? NULL : numbers(data->host, (data->n + 1) * n_pool);
	double *active = stay ? numbers(data->host, data->n + 1) : NULL;
	double *active_gradient = stay && jacobian != NULL ? numbers(data->host, (data->n + 1) * n) : NULL;

	pool_acquired(data, theta, acquired, acquired_gradient);
	if (stay)
		customers_active(data, theta, acquired, acquired_gradient, active, active_gradient);
	gather(data, acquired, 1, active, 1, expected);
	if (jacobian != NULL)
		gather(data, acquired_gradient, n_pool, active_gradient, n, jacobian);
	data->host->release(acquired);
	if (acquired_gradient != NULL)
		data->host->release(acquired_gradient);
	if (active != NULL)
		data->host->release(active);
	if (active_gradient != NULL)
		data->host->release(active_gradient);
}

static double
observed_at(const SubscriberData *data, SubscriberFigure figure, size_t i)
{
	return data->observed[figure] == NULL ? NAN : data->observed[figure][i];
}

/* Customers at the end of a period: the last count of them with what came and left since. NaN: not known. */
static double
customers_counted(const SubscriberData *data, size_t period)
{
	double customers = 0;

	for (size_t i = 0; i < period; i++)
	{
		double counted = observed_at(data, SUBSCRIBERS_ACTIVE, i);

		host_poll_at(i);
		customers += observed_at(data, SUBSCRIBERS_ACQUIRED, i) - observed_at(data, SUBSCRIBERS_LOST, i);
		if (!isnan(counted))
			customers = counted;
	}
	return customers;
}

void
subscribers_continue(const SubscriberData *data, size_t known, double *expected)
{
	const double *acquired = &expected[SUBSCRIBERS_ACQUIRED * data->n];
	double *lost = &expected[SUBSCRIBERS_LOST * data->n];
	double *active = &expected[SUBSCRIBERS_ACTIVE * data->n];
	double customers = customers_counted(data, known);
	double before = known == 0 ? 0 : active[known - 1]; /* as the model expects them */

	for (size_t m = known; m < data->n && customers >= 0 && before > 0; m++)
	{
		host_poll_at(m);
		lost[m] *= customers / before;
		customers += acquired[m] - lost[m];
		before = active[m];
		active[m] = customers;
	}
}

size_t
subscriber_observations(const SubscriberData *data)
{
	size_t observations = 0;

	for (int figure = 0; figure < SUBSCRIBER_FIGURES; figure++)
		for (size_t i = 0; data->observed[figure] != NULL && i < data->n; i++)
			observations += !isnan(data->observed[figure][i]);
	return observations;
}

/* Half the sum of squares over their scale, as the minimiser sees it. */
typedef struct LeastSquares
{
	const SubscriberData *data;
	double scale;
	double *expected;
	double *jacobian;
} LeastSquares;

static void
least_squares(void *argument, const double *theta, double *value, double *gradient, double *hessian)
{
	LeastSquares *squares = argument;
	const SubscriberData *data = squares->data;
	int n = subscriber_params(data);

	subscribers_expect(data, theta, squares->expected, squares->jacobian);
	*value = 0;
	memset(gradient, 0, n * sizeof(double));
	memset(hessian, 0, n * n * sizeof(double));
	for (size_t i = 0; i < SUBSCRIBER_FIGURES * data->n; i++)
	{
		const double *observed = data->observed[i / data->n];
		const double *row = &squares->jacobian[i * n];
		double error;

		if (observed == NULL || isnan(observed[i % data->n]))
			continue;
		error = squares->expected[i] - observed[i % data->n];
		*value += error * error / (2 * squares->scale);
		for (int j = 0; j < n; j++)
		{
			gradient[j] += error * row[j] / squares->scale;
			for (int k = 0; k < n; k++)
				hessian[j * n + k] += row[j] * row[k] / squares->scale;
		}
	}
}

/* A start: half of the population ever comes or a tenth, and the rates are what the first figures make plausible. */
static void
start(const SubscriberData *data, double share, double c, double *theta)
{
	int n_pool = subscriber_pool_params(data);

	memset(theta, 0, subscriber_params(data) * sizeof(double));
	theta[1] = c * log((double) data->n) + log(2);
	theta[2] = log(c);
	theta[3] = log(share / (1 - share));
	if (subscribers_stay(data))
		theta[n_pool + 1] = log((double) data->n);
}

void
subscribers_fit(const SubscriberData *data, SubscriberFit *fit)
{
	static const double starts[][2] = {{0.1, 1.5}, {0.5, 1.0}, {0.9, 1.5}, {0.3, 2.0}};
	int n = subscriber_params(data);
	size_t observations = subscriber_observations(data);
	LeastSquares squares = {
		.data = data,
		.scale = 1,
		.expected = numbers(data->host, SUBSCRIBER_FIGURES * data->n),
		.jacobian = numbers(data->host, SUBSCRIBER_FIGURES * data->n * n),
	};
	TrustRegionResult result;

	/* Errors of a tenth of what is seen: the minimiser takes values near the number of observations. */
	for (int figure = 0; figure < SUBSCRIBER_FIGURES; figure++)
		for (size_t i = 0; data->observed[figure] != NULL && i < data->n; i++)
			if (!isnan(data->observed[figure][i]))
				squares.scale += 0.01 * data->observed[figure][i] * data->observed[figure][i] / observations;
	*fit = (SubscriberFit){.n_params = n, .squares = INFINITY};
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
	{
		double theta[SUBSCRIBER_MAX_PARAMS];

		start(data, starts[i][0], starts[i][1], theta);
		trust_region_minimise(data->host, least_squares, &squares, n, BOX, MAX_ITERATIONS, theta, &result);
		fit->iterations += result.iterations;
		if (!(2 * result.value * squares.scale < fit->squares))
			continue;
		fit->squares = 2 * result.value * squares.scale;
		fit->converged = result.outcome == TRUST_REGION_CONVERGED || result.outcome == TRUST_REGION_BOUNDARY;
		fit->variance = fit->squares / ((double) observations - n);
		memcpy(fit->theta, theta, n * sizeof(double));
		symmetric_inverse(n, result.hessian, fit->covariance);
		for (int j = 0; j < n * n; j++)
			fit->covariance[j] *= fit->variance / squares.scale;
	}
	data->host->release(squares.expected);
	data->host->release(squares.jacobian);
}
