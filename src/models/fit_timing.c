/*
 * fit_timing.c
 *	  Fit a timing model to customers in classes.
 *
 * A class are the customers with the same covariates, and so with the same
 * parameters.  The logarithms of these are linear in the variables of the fit,
 * so the chain rule makes the derivatives of all classes from those of each.
 *
 * A fit of many customers looks for the neighbourhood of the maximum among
 * coarse copies of the populations (see population_coarsen), which costs next to
 * nothing, and goes the last steps on the populations themselves.  Where it ends,
 * and when it stops, has nothing to do with the copies; but where these plainly
 * do not determine the parameters, the fit has the weak prior from the beginning.
 */
#include "models/fit_engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/sum.h"

/*
 * How far covariates may take the parameters of a customer out of the box: where
 * a model would be asked beyond that, a fit has nothing to look for.
 */
#define WALL (2.0 * FIT_BOX)

/* Whole numbers that are tried at the most. */
#define MAX_WHOLE 12

/* With fewer pairs than this a fit is quick anyhow; copies must have several times fewer. */
#define LARGE 2000
#define WORTH_IT 3

/*
 * The data of a timing fit.  The variables are the logarithms of the model's
 * n_free parameters that are not whole numbers, and the coefficients.  Each
 * moves the logarithm of one parameter of each customer.
 */
typedef struct TimingData
{
	const Host *host;
	const Model *model;
	const CovariateClass *classes;
	size_t		n_classes;
	int			n_free;
	int			n;				/* variables */
	int			moves[FIT_MAX_PARAMS];	/* the parameter that variable i moves … */
	int			covariate[FIT_MAX_PARAMS];	/* … by this covariate, times … */
	double		sign[FIT_MAX_PARAMS];	/* … this */
	double		whole;			/* the parameter that is a whole number, if there is one */
	const double *centre;		/* of the model's parameters */
	Population	totals;
} TimingData;

/* A log-likelihood and its derivatives in the variables. */
typedef struct Totals
{
	Sum			value;
	Sum			gradient[FIT_MAX_PARAMS];
	Sum			hessian[FIT_MAX_PARAMS][FIT_MAX_PARAMS];	/* upper triangle */
} Totals;

/* How far each variable moves its parameter for the customers of a class. */
static void
find_leverage(const TimingData *timing, const CovariateClass *class, double *leverage)
{
	for (int i = 0; i < timing->n; i++)
		leverage[i] = i < timing->n_free ? 1.0
			: timing->sign[i] * class->covariates[timing->covariate[i]];
}

/* The parameters of the customers of a class.  Returns false if they are out of all bounds. */
static bool
find_class_params(const TimingData *timing, const double *ln_params, const double *leverage,
				  double *params)
{
	double		ln_class[MODEL_MAX_PARAMS] = {0};
	bool		sane = true;

	for (int i = 0; i < timing->n; i++)
		ln_class[timing->moves[i]] += leverage[i] * ln_params[i];
	for (int i = 0; i < timing->n_free; i++)
	{
		params[i] = exp(ln_class[i]);
		sane &= fabs(ln_class[i] - timing->centre[i]) <= WALL;
	}
	if (timing->model->n_fixed > 0)
		params[timing->n_free] = timing->whole;
	return sane;
}

/* Add one class's likelihood and, by the chain rule, its derivatives. */
static void
add_class(const TimingData *timing, const CovariateClass *class, const double *ln_params,
		  Totals *totals)
{
	double		leverage[FIT_MAX_PARAMS];
	double		params[MODEL_MAX_PARAMS];
	double		gradient[MODEL_MAX_PARAMS];
	double		hessian[MODEL_MAX_PARAMS * MODEL_MAX_PARAMS];

	find_leverage(timing, class, leverage);
	if (!find_class_params(timing, ln_params, leverage, params))
	{
		totals->value.total = NAN;
		return;
	}
	sum_add(&totals->value,
			timing->model->log_likelihood(class->population, params, gradient, hessian));
	to_logarithms(timing->n_free, params, gradient, hessian);
	for (int i = 0; i < timing->n; i++)
	{
		const double *row = &hessian[timing->moves[i] * timing->n_free];

		sum_add(&totals->gradient[i], leverage[i] * gradient[timing->moves[i]]);
		for (int k = i; k < timing->n; k++)
			sum_add(&totals->hessian[i][k], leverage[i] * leverage[k] * row[timing->moves[k]]);
	}
}

static double
timing_likelihood(void *data, const double *ln_params, double *gradient, double *hessian)
{
	const TimingData *timing = data;
	int			n = timing->n;
	Totals		totals = {0};

	for (size_t c = 0; c < timing->n_classes && !isnan(totals.value.total); c++)
	{
		timing->host->check_interrupts();
		add_class(timing, &timing->classes[c], ln_params, &totals);
	}
	for (int i = 0; i < n; i++)
	{
		gradient[i] = sum_value(&totals.gradient[i]);
		for (int k = i; k < n; k++)
			hessian[i * n + k] = hessian[k * n + i] = sum_value(&totals.hessian[i][k]);
	}
	return sum_value(&totals.value);
}

/* One class on its way through the sort. */
typedef struct SortClass
{
	CovariateClass class;
	int			n_covariates;
} SortClass;

static int
compare_classes(const void *a, const void *b)
{
	const SortClass *p = a;
	const SortClass *q = b;
	int			result = 0;

	for (int i = 0; i < p->n_covariates && result == 0; i++)
		result = (p->class.covariates[i] > q->class.covariates[i])
			- (p->class.covariates[i] < q->class.covariates[i]);
	return result;
}

static CovariateClass *
sort_classes(const Host *host, const CovariateClass *classes, size_t n_classes, int n_covariates)
{
	CovariateClass *sorted = host->alloc((n_classes + 1) * sizeof(CovariateClass));
	SortClass  *keys = host->alloc((n_classes + 1) * sizeof(SortClass));

	for (size_t i = 0; i < n_classes; i++)
		keys[i] = (SortClass) {classes[i], n_covariates};
	qsort(keys, n_classes, sizeof(SortClass), compare_classes);
	for (size_t i = 0; i < n_classes; i++)
		sorted[i] = keys[i].class;
	host->release(keys);
	return sorted;
}

/* What is known of all customers together. */
static Population
add_up(const Host *host, const CovariateClass *classes, size_t n_classes)
{
	Population	totals = {.host = host};
	double		total_T = 0.0;

	for (size_t i = 0; i < n_classes; i++)
	{
		const Population *population = classes[i].population;

		totals.unit_days = population->unit_days;
		totals.customers += population->customers;
		totals.repeat_customers += population->repeat_customers;
		totals.repeat_orders += population->repeat_orders;
		totals.log_gaps += population->log_gaps;
		total_T += population->customers * population->mean_T;
	}
	totals.mean_T = totals.customers > 0.0 ? total_T / totals.customers : 0.0;
	return totals;
}

/* The pairs of a frequency and a time in all classes: what a likelihood mostly costs. */
static size_t
count_pairs(const CovariateClass *classes, size_t n_classes)
{
	size_t		pairs = 0;

	for (size_t i = 0; i < n_classes; i++)
		pairs += classes[i].population->n_recencies + classes[i].population->n_ages;
	return pairs;
}

static void
free_copies(const Host *host, CovariateClass *copies, size_t n_classes)
{
	for (size_t i = 0; i < n_classes; i++)
		population_free((Population *) copies[i].population);
	host->release(copies);
}

/* Coarse copies of the classes, or NULL if they would save too little. */
static CovariateClass *
copy_coarsely(const Host *host, const CovariateClass *classes, size_t n_classes)
{
	size_t		pairs = count_pairs(classes, n_classes);
	CovariateClass *copies;

	if (pairs < LARGE)
		return NULL;
	copies = host->alloc(n_classes * sizeof(CovariateClass));
	for (size_t i = 0; i < n_classes; i++)
		copies[i] = (CovariateClass) {
			.population = population_coarsen(classes[i].population),
			.covariates = classes[i].covariates
		};
	if (WORTH_IT * count_pairs(copies, n_classes) > pairs)
	{
		free_copies(host, copies, n_classes);
		return NULL;
	}
	return copies;
}

/* One fit of one model. */
typedef struct TimingFit
{
	const Host *host;
	const Model *model;
	const CovariateClass *classes;	/* in order */
	const CovariateClass *copies;	/* the same, coarse; or NULL */
	size_t		n_classes;
	int			n_covariates;
	double		penalty;
} TimingFit;

static TimingData
timing_data(const TimingFit *job)
{
	const Model *model = job->model;
	TimingData	timing = {
		.host = job->host,
		.model = model,
		.classes = job->classes,
		.n_classes = job->n_classes,
		.n_free = model->n_params - model->n_fixed,
		.whole = 1.0,
		.totals = add_up(job->host, job->classes, job->n_classes)
	};

	for (int i = 0; i < timing.n_free; i++)
		timing.moves[timing.n++] = i;
	for (int i = 0; i < model->n_effects; i++)
		for (int k = 0; k < job->n_covariates; k++)
		{
			timing.moves[timing.n] = model->effects[i].param;
			timing.covariate[timing.n] = k;
			timing.sign[timing.n++] = model->effects[i].sign;
		}
	return timing;
}

static void fit_classes(const TimingFit *job, Fit *fit);

/* Logarithms to start from: those of the best point near the fit of the model's limit. */
static void
start_near_limit(const TimingFit *job, TimingData *timing, double *start)
{
	const Model *model = job->model;
	TimingFit	limit_job = *job;
	Fit			limit;
	double		params[MODEL_MAX_PARAMS];
	double		ln_params[FIT_MAX_PARAMS];
	double		gradient[FIT_MAX_PARAMS];
	double		hessian[FIT_MAX_PARAMS * FIT_MAX_PARAMS];
	double		best = -INFINITY;

	limit_job.model = model->limit;
	limit_job.classes = timing->classes;
	limit_job.copies = NULL;
	fit_classes(&limit_job, &limit);
	for (int i = timing->n_free; i < timing->n; i++)
		ln_params[i] = limit.params[i - timing->n_free + model->limit->n_params];
	for (int k = 0; model->near_limit(&timing->totals, limit.params, k, params); k++)
	{
		double		value;

		for (int i = 0; i < timing->n_free; i++)
			ln_params[i] = log(params[i]);
		value = timing_likelihood(timing, ln_params, gradient, hessian);
		if (k == 0 || value > best)
		{
			best = value;
			memcpy(start, ln_params, sizeof(double) * timing->n);
		}
	}
}

static void
find_start(const TimingFit *job, TimingData *timing, Start *start)
{
	double		params[MODEL_MAX_PARAMS];

	if (job->model->limit != NULL)
		start_near_limit(job, timing, start->alone);
	else
	{
		job->model->start(&timing->totals, params);
		for (int i = 0; i < timing->n; i++)
			start->alone[i] = i < timing->n_free ? log(params[i]) : 0.0;
	}
	memcpy(start->with_prior, start->alone, sizeof(start->alone));
	start->needs_prior = false;
}

/* Put the whole number where it belongs among the parameters of a fit. */
static void
insert_whole(Fit *fit, int at, double whole)
{
	Fit			free = *fit;
	int			n = free.n_params + 1;

	fit->n_params = n;
	memset(fit->covariance, 0, sizeof(fit->covariance));
	for (int i = 0; i < n; i++)
	{
		int			from = i > at ? i - 1 : i;

		fit->params[i] = i == at ? whole : free.params[from];
		fit->std_errors[i] = i == at ? NAN : free.std_errors[from];
		fit->identified[i] = i == at || free.identified[from];
		for (int k = 0; k < n; k++)
			if (i != at && k != at)
				fit->covariance[i * n + k] =
					free.covariance[from * free.n_params + (k > at ? k - 1 : k)];
	}
}

/* Fit the copies, if there are any, and from there the classes. */
static void
fit_variables(const TimingFit *job, Target *target, TimingData *timing, Start *start, Fit *fit)
{
	if (job->copies != NULL)
	{
		timing->classes = job->copies;
		fit_target(job->host, target, start, fit);
		timing->classes = job->classes;
	}
	fit_target(job->host, target, start, fit);
}

/* Search the best whole number, each starting where the one before it ended. */
static void
fit_whole(const TimingFit *job, Target *target, TimingData *timing, Start *start, Fit *fit)
{
	int			most = isnan(timing->totals.log_gaps) ? 1 : MAX_WHOLE;
	double		last = -INFINITY;
	int			falls = 0;
	int			iterations = 0;
	Fit			trial;

	for (int k = 1; k <= most && falls < 2; k++)
	{
		timing->whole = k;
		fit_variables(job, target, timing, start, &trial);
		iterations += trial.iterations;
		falls = trial.log_likelihood > last || k == 1 ? 0 : falls + 1;
		last = trial.log_likelihood;
		if (k > 1 && !(trial.log_likelihood > fit->log_likelihood))
			continue;
		*fit = trial;
		insert_whole(fit, timing->n_free, k);
	}
	fit->iterations = iterations;
}

static void
fit_classes(const TimingFit *job, Fit *fit)
{
	TimingData	timing = timing_data(job);
	Target		target = {
		.likelihood = timing_likelihood,
		.data = &timing,
		.n = timing.n,
		.n_coefficients = timing.n - timing.n_free,
		.penalty = job->penalty
	};
	Start		start;

	timing.centre = target.centre;
	job->model->prior_centre(&timing.totals, target.centre);
	for (int i = timing.n_free; i < timing.n; i++)
		target.centre[i] = 0.0;

	if (job->copies != NULL)
		timing.classes = job->copies;
	find_start(job, &timing, &start);
	timing.classes = job->classes;

	if (job->model->n_fixed > 0)
		fit_whole(job, &target, &timing, &start, fit);
	else
		fit_variables(job, &target, &timing, &start, fit);
}

void
fit_timing(const Host *host, const Model *model, const CovariateClass *classes,
		   size_t n_classes, int n_covariates, double penalty, Fit *fit)
{
	CovariateClass *sorted = sort_classes(host, classes, n_classes, n_covariates);
	/* Whole periods cannot be rounded: there might be more purchases than opportunities. */
	CovariateClass *copies = model->discrete ? NULL : copy_coarsely(host, sorted, n_classes);

	fit_classes(&(TimingFit) {
		.host = host,
		.model = model,
		.classes = sorted,
		.copies = copies,
		.n_classes = n_classes,
		.n_covariates = n_covariates,
		.penalty = penalty
	}, fit);
	if (copies != NULL)
		free_copies(host, copies, n_classes);
	host->release(sorted);
}
