/*
 * fit.c
 *	  Fit a model to data: maximum likelihood, honestly reported.
 *
 * The variables of the minimiser are theta = ln(param) - ln(prior centre), so
 * that zero is a plausible value of each and the box around it means the same
 * in any unit of time or money.  The covariance is the inverse of the observed
 * information in theta.
 */
#include "models/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/sum.h"
#include "numerics/trust_region.h"

/* Half-width of the box: parameters within a factor of nine million. */
#define BOX 16.0

/*
 * How far covariates may take the parameters of a customer out of the box: where
 * a model would be asked beyond that, a fit has nothing to look for.
 */
#define WALL (2.0 * BOX)

#define MAX_ITERATIONS 200

/* Of the logarithms: "within a factor of e^10", which is hardly a claim. */
#define PRIOR_SD 10.0
#define PRIOR_PRECISION (1.0 / (PRIOR_SD * PRIOR_SD))

/*
 * Information below this, relative to the largest, is none; nor is what does
 * not surpass the prior's own.
 */
#define WEAK_RELATIVE 1e-8

/*
 * Where the likelihood rises for ever, flattening like -e^-theta, the prior
 * stops the fit where slope, and so curvature, have fallen to BOX times its
 * precision or twice that.  Information that small is a mere trace of the
 * rise, not of a maximum.
 */
#define WEAK_UNDER_PRIOR 0.5

/* A parameter with this share of its unit direction in the weak is not identified. */
#define WEAK_SHARE 0.01

/* Whole numbers that are tried at the most. */
#define MAX_WHOLE 12

_Static_assert(FIT_MAX_PARAMS <= TRUST_REGION_MAX, "the minimiser must take all parameters");

/*
 * A log-likelihood at the logarithms of n parameters, or at coefficients, which
 * are their own logarithms.  Derivatives are in these.
 */
typedef double (*LnLikelihood) (void *data, const double *ln_params,
								double *gradient, double *hessian);

/* What the minimiser minimises: minus the log posterior. */
typedef struct Target
{
	LnLikelihood likelihood;
	void	   *data;
	int			n;
	int			n_coefficients; /* the last of the n */
	double		centre[FIT_MAX_PARAMS];
	double		penalty;
	double		prior;			/* precision of the weak prior; 0 for none */
} Target;

/* Eigenvalues and eigenvectors of the information without the prior, in theta. */
typedef struct Information
{
	double		values[FIT_MAX_PARAMS];
	double		vectors[FIT_MAX_PARAMS * FIT_MAX_PARAMS];
	double		floor;			/* directions below it are weak */
} Information;

/* Turns derivatives in n parameters into those in their logarithms. */
static void
to_logarithms(int n, const double *params, double *gradient, double *hessian)
{
	for (int i = 0; i < n; i++)
	{
		gradient[i] *= params[i];
		for (int k = 0; k < n; k++)
			hessian[i * n + k] *= params[i] * params[k];
		hessian[i * n + i] += gradient[i];
	}
}

static void
negative_log_posterior(void *data, const double *theta,
					   double *value, double *gradient, double *hessian)
{
	const Target *target = data;
	int			n = target->n;
	double		precision = target->penalty + target->prior;
	double		ln_params[FIT_MAX_PARAMS] = {0};

	for (int i = 0; i < n; i++)
		ln_params[i] = theta[i] + target->centre[i];
	*value = -target->likelihood(target->data, ln_params, gradient, hessian);
	for (int i = 0; i < n * n; i++)
		hessian[i] = -hessian[i];
	for (int i = 0; i < n; i++)
	{
		*value += 0.5 * precision * theta[i] * theta[i];
		gradient[i] = precision * theta[i] - gradient[i];
		hessian[i * n + i] += precision;
	}
}

static void
minimise(const Host *host, Target *target, const double *start, double *theta,
		 TrustRegionResult *result)
{
	for (int i = 0; i < target->n; i++)
		theta[i] = start[i] - target->centre[i];
	trust_region_minimise(host, negative_log_posterior, target, target->n, BOX, MAX_ITERATIONS,
						  theta, result);
}

static void
find_information(const Target *target, const TrustRegionResult *result, Information *information)
{
	int			n = target->n;
	double		hessian[FIT_MAX_PARAMS * FIT_MAX_PARAMS];
	bool		held = target->penalty + target->prior > 0.0;

	memcpy(hessian, result->hessian, sizeof(double) * n * n);
	for (int i = 0; i < n; i++)
		hessian[i * n + i] -= target->prior;
	symmetric_eigen(n, hessian, information->values, information->vectors);
	information->floor = fmax(held ? WEAK_UNDER_PRIOR : PRIOR_PRECISION,
							  WEAK_RELATIVE * information->values[n - 1]);
}

/* Parameters, and the likelihood without what was added to it. */
static void
report_maximum(const Target *target, const TrustRegionResult *result, const double *theta, Fit *fit)
{
	double		precision = target->penalty + target->prior;

	fit->converged = result->outcome == TRUST_REGION_CONVERGED;
	fit->boundary = result->outcome == TRUST_REGION_BOUNDARY;
	fit->log_likelihood = -result->value;
	for (int i = 0; i < target->n; i++)
	{
		double		ln_param = theta[i] + target->centre[i];

		fit->params[i] = i < target->n - target->n_coefficients ? exp(ln_param) : ln_param;
		fit->log_likelihood += 0.5 * precision * theta[i] * theta[i];
	}
}

/* Covariance, standard errors and what is identified. */
static void
report_precision(const Target *target, const Information *information, Fit *fit)
{
	int			n = target->n;

	for (int i = 0; i < n; i++)
	{
		double		weak_share = 0.0;
		double		scale = i < n - target->n_coefficients ? fit->params[i] : 1.0;

		for (int k = 0; k < n; k++)
		{
			double		vik = information->vectors[i * n + k];

			if (information->values[k] < information->floor)
			{
				weak_share += vik * vik;
				continue;
			}
			for (int j = 0; j < n; j++)
				fit->covariance[i * n + j] +=
					vik * information->vectors[j * n + k] / information->values[k];
		}
		fit->identified[i] = weak_share < WEAK_SHARE;
		fit->std_errors[i] = fit->identified[i] ? scale * sqrt(fit->covariance[i * n + i]) : NAN;
	}
}

/* Fit from the logarithms start[n]. */
static void
fit_target(const Host *host, Target *target, const double *start, Fit *fit)
{
	double		theta[FIT_MAX_PARAMS];
	TrustRegionResult result;
	Information information;

	*fit = (Fit) {.n_params = target->n, .penalty = target->penalty};
	target->prior = 0.0;
	minimise(host, target, start, theta, &result);
	fit->iterations = result.iterations;
	if (result.outcome == TRUST_REGION_CONVERGED)
		find_information(target, &result, &information);
	if (result.outcome != TRUST_REGION_CONVERGED || information.values[0] < information.floor)
	{
		target->prior = PRIOR_PRECISION;
		fit->prior_sd = PRIOR_SD;
		minimise(host, target, start, theta, &result);
		fit->iterations += result.iterations;
		if (result.outcome != TRUST_REGION_NOT_FINITE)
			find_information(target, &result, &information);
	}
	report_maximum(target, &result, theta, fit);
	if (result.outcome != TRUST_REGION_NOT_FINITE)
		report_precision(target, &information, fit);
}

/* A likelihood of natural parameters. */
typedef struct NaturalData
{
	Likelihood	likelihood;
	void	   *data;
	int			n;
} NaturalData;

static double
natural_likelihood(void *data, const double *ln_params, double *gradient, double *hessian)
{
	const NaturalData *natural = data;
	double		params[FIT_MAX_PARAMS];
	double		value;

	for (int i = 0; i < natural->n; i++)
		params[i] = exp(ln_params[i]);
	value = natural->likelihood(natural->data, params, gradient, hessian);
	to_logarithms(natural->n, params, gradient, hessian);
	return value;
}

void
fit_likelihood(const Host *host, Likelihood likelihood, void *data, int n,
			   const double *start, const double *prior_centre, Fit *fit)
{
	NaturalData natural = {likelihood, data, n};
	Target		target = {.likelihood = natural_likelihood, .data = &natural, .n = n};
	double		ln_start[FIT_MAX_PARAMS];

	for (int i = 0; i < n; i++)
	{
		ln_start[i] = log(start[i]);
		target.centre[i] = prior_centre[i];
	}
	fit_target(host, &target, ln_start, fit);
}

/* One class on its way through the sort. */
typedef struct SortClass
{
	CovariateClass class;
	int			n_covariates;
} SortClass;

/*
 * The data of a timing fit.  The variables are the logarithms of the model's
 * n_free parameters that are not whole numbers, and the coefficients.  Each
 * moves the logarithm of one parameter of each customer.
 */
typedef struct TimingData
{
	const Host *host;
	const Model *model;
	const SortClass *classes;
	size_t		n_classes;
	int			n_covariates;
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
		add_class(timing, &timing->classes[c].class, ln_params, &totals);
	}
	for (int i = 0; i < n; i++)
	{
		gradient[i] = sum_value(&totals.gradient[i]);
		for (int k = i; k < n; k++)
			hessian[i * n + k] = hessian[k * n + i] = sum_value(&totals.hessian[i][k]);
	}
	return sum_value(&totals.value);
}

static int
compare_doubles(double a, double b)
{
	return (a > b) - (a < b);
}

static int
compare_classes(const void *a, const void *b)
{
	const SortClass *p = a;
	const SortClass *q = b;
	int			result = 0;

	for (int i = 0; i < p->n_covariates && result == 0; i++)
		result = compare_doubles(p->class.covariates[i], q->class.covariates[i]);
	return result;
}

static SortClass *
sort_classes(const Host *host, const CovariateClass *classes, size_t n_classes, int n_covariates)
{
	SortClass  *sorted = host->alloc((n_classes + 1) * sizeof(SortClass));

	for (size_t i = 0; i < n_classes; i++)
		sorted[i] = (SortClass) {classes[i], n_covariates};
	qsort(sorted, n_classes, sizeof(SortClass), compare_classes);
	return sorted;
}

/* What is known of all customers together. */
static Population
add_up(const Host *host, const SortClass *classes, size_t n_classes)
{
	Population	totals = {.host = host};
	double		total_T = 0.0;

	for (size_t i = 0; i < n_classes; i++)
	{
		const Population *population = classes[i].class.population;

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

static TimingData
timing_data(const Host *host, const Model *model, const SortClass *classes, size_t n_classes,
			int n_covariates)
{
	TimingData	timing = {
		.host = host,
		.model = model,
		.classes = classes,
		.n_classes = n_classes,
		.n_covariates = n_covariates,
		.n_free = model->n_params - model->n_fixed,
		.whole = 1.0,
		.totals = add_up(host, classes, n_classes)
	};

	for (int i = 0; i < timing.n_free; i++)
		timing.moves[timing.n++] = i;
	for (int i = 0; i < model->n_effects; i++)
		for (int k = 0; k < n_covariates; k++)
		{
			timing.moves[timing.n] = model->effects[i].param;
			timing.covariate[timing.n] = k;
			timing.sign[timing.n++] = model->effects[i].sign;
		}
	return timing;
}

/* Logarithms to start from: those of the best point near the fit of the model's limit. */
static void
start_near_limit(TimingData *timing, const Fit *limit, double *start)
{
	const Model *model = timing->model;
	double		params[MODEL_MAX_PARAMS];
	double		ln_params[FIT_MAX_PARAMS];
	double		gradient[FIT_MAX_PARAMS];
	double		hessian[FIT_MAX_PARAMS * FIT_MAX_PARAMS];
	double		best = -INFINITY;

	for (int i = timing->n_free; i < timing->n; i++)
		ln_params[i] = limit->params[i - timing->n_free + model->limit->n_params];
	for (int k = 0; model->near_limit(&timing->totals, limit->params, k, params); k++)
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

/* Logarithms to start from. */
static void
find_start(const TimingData *timing, double *start)
{
	double		params[MODEL_MAX_PARAMS];

	timing->model->start(&timing->totals, params);
	for (int i = 0; i < timing->n; i++)
		start[i] = i < timing->n_free ? log(params[i]) : 0.0;
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

/* Search the best whole number, each starting where the best before it ended. */
static void
fit_whole(Target *target, TimingData *timing, double *start, Fit *fit)
{
	int			most = isnan(timing->totals.log_gaps) ? 1 : MAX_WHOLE;
	double		last = -INFINITY;
	int			falls = 0;
	int			iterations = 0;
	Fit			trial;

	for (int k = 1; k <= most && falls < 2; k++)
	{
		timing->whole = k;
		fit_target(timing->host, target, start, &trial);
		iterations += trial.iterations;
		falls = trial.log_likelihood > last || k == 1 ? 0 : falls + 1;
		last = trial.log_likelihood;
		if (k > 1 && !(trial.log_likelihood > fit->log_likelihood))
			continue;
		for (int i = 0; i < timing->n; i++)
			start[i] = i < timing->n_free ? log(trial.params[i]) : trial.params[i];
		*fit = trial;
		insert_whole(fit, timing->n_free, k);
	}
	fit->iterations = iterations;
}

void
fit_timing(const Host *host, const Model *model, const CovariateClass *classes,
		   size_t n_classes, int n_covariates, double penalty, Fit *fit)
{
	SortClass  *sorted = sort_classes(host, classes, n_classes, n_covariates);
	TimingData	timing = timing_data(host, model, sorted, n_classes, n_covariates);
	Target		target = {
		.likelihood = timing_likelihood,
		.data = &timing,
		.n = timing.n,
		.n_coefficients = timing.n - timing.n_free,
		.penalty = penalty
	};
	double		start[FIT_MAX_PARAMS];

	timing.centre = target.centre;
	model->prior_centre(&timing.totals, target.centre);
	for (int i = timing.n_free; i < timing.n; i++)
		target.centre[i] = 0.0;
	if (model->limit != NULL)
	{
		fit_timing(host, model->limit, classes, n_classes, n_covariates, penalty, fit);
		start_near_limit(&timing, fit, start);
	}
	else
		find_start(&timing, start);

	if (model->n_fixed > 0)
		fit_whole(&target, &timing, start, fit);
	else
		fit_target(host, &target, start, fit);
	host->release(sorted);
}

/* The data of a spend fit: points sorted by x. */
typedef struct SpendData
{
	const SpendPoint *points;
	size_t		n_points;
} SpendData;

static double
spend_likelihood(void *data, const double *params, double *gradient, double *hessian)
{
	const SpendData *spend = data;

	return gammagamma_log_likelihood(spend->points, spend->n_points, params, gradient, hessian);
}

/* By x, and then by everything else, so that the order of the input is forgotten. */
static int
compare_points(const void *a, const void *b)
{
	const SpendPoint *p = a;
	const SpendPoint *q = b;

	if (p->x != q->x)
		return p->x < q->x ? -1 : 1;
	if (p->total != q->total)
		return compare_doubles(p->total, q->total);
	return compare_doubles(p->customers, q->customers);
}

void
fit_spend(const Host *host, const SpendPoint *points, size_t n_points, Fit *fit)
{
	static const double start[GAMMAGAMMA_PARAMS] = {5.0, 5.0, 1.0};
	SpendPoint *sorted = host->alloc(n_points * sizeof(SpendPoint));
	SpendData	data = {sorted, n_points};
	double		centre[GAMMAGAMMA_PARAMS];
	double		customers = 0.0;
	double		mean = 0.0;

	memcpy(sorted, points, n_points * sizeof(SpendPoint));
	qsort(sorted, n_points, sizeof(SpendPoint), compare_points);

	/* measure money in the mean spend per purchase, so that gamma is about one */
	for (size_t i = 0; i < n_points; i++)
	{
		customers += sorted[i].customers;
		mean += sorted[i].customers * (sorted[i].total / sorted[i].x);
	}
	mean /= customers;
	for (size_t i = 0; i < n_points; i++)
		sorted[i].total /= mean;

	for (int i = 0; i < GAMMAGAMMA_PARAMS; i++)
		centre[i] = log(start[i]);
	fit_likelihood(host, spend_likelihood, &data, GAMMAGAMMA_PARAMS, start, centre, fit);
	host->release(sorted);

	/* back to the user's money; the density of m scales with it too */
	fit->params[2] *= mean;
	fit->std_errors[2] *= mean;
	fit->log_likelihood -= customers * log(mean);
}
