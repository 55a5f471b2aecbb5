/*
 * fit.c
 *	  Fit a model to data by maximum likelihood.
 *
 * The variables of the minimiser are theta = ln(param) - ln(prior centre), so
 * that zero is a plausible value of each and the box around it means the same
 * in any unit of time or money. The covariance is the inverse of the observed
 * information in theta.
 */
#include "models/core/fit_engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/trust_region.h"

#define MAX_ITERATIONS 200

/* Standard deviation of the logarithms: "within a factor of e^10", a weak prior. */
#define PRIOR_SD 10.0
#define PRIOR_PRECISION (1.0 / (PRIOR_SD * PRIOR_SD))

/*
 * Information below this, relative to the largest, counts as none; so does
 * information that does not exceed the prior's own.
 */
#define WEAK_RELATIVE 1e-8

/*
 * Where the likelihood rises for ever, flattening like -e^-theta, the prior
 * stops the fit where slope, and so curvature, have fallen to FIT_BOX times
 * its precision or twice that. Information that small comes from the rise, not
 * from a maximum.
 */
#define WEAK_UNDER_PRIOR 0.5

/*
 * Information below this share of the floor is so weak that a search on nearly
 * the same data need not be repeated without the prior.
 */
#define PLAINLY_WEAK 0.5

/* A parameter with this share of its unit direction in the weak directions is not identified. */
#define WEAK_SHARE 0.01

_Static_assert(FIT_MAX_PARAMS <= TRUST_REGION_MAX, "the minimiser must take all parameters");

/* The objective of the minimiser: minus the log posterior. */
typedef struct Posterior
{
	const Target *target;
	double prior;     /* precision of the weak prior; 0 for none */
	double precision; /* of prior and penalty together */
} Posterior;

/* Eigenvalues and eigenvectors of the information without the prior, in theta. */
typedef struct Information
{
	double values[FIT_MAX_PARAMS];
	double vectors[FIT_MAX_PARAMS * FIT_MAX_PARAMS];
	double floor; /* directions below it are weak */
} Information;

void
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
negative_log_posterior(void *data, const double *theta, double *value, double *gradient, double *hessian)
{
	const Posterior *posterior = data;
	const Target *target = posterior->target;
	int n = target->n;
	double ln_params[FIT_MAX_PARAMS] = {0};

	for (int i = 0; i < n; i++)
		ln_params[i] = theta[i] + target->centre[i];
	*value = -target->likelihood(target->data, ln_params, gradient, hessian);
	for (int i = 0; i < n * n; i++)
		hessian[i] = -hessian[i];
	for (int i = 0; i < n; i++)
	{
		*value += 0.5 * posterior->precision * theta[i] * theta[i];
		gradient[i] = posterior->precision * theta[i] - gradient[i];
		hessian[i * n + i] += posterior->precision;
	}
}

/* Search from `ln_params`, which receives the end of the search. */
static void
minimise(const Host *host, Posterior *posterior, double *ln_params, TrustRegionResult *result)
{
	const Target *target = posterior->target;
	double theta[FIT_MAX_PARAMS];

	posterior->precision = target->penalty + posterior->prior;
	for (int i = 0; i < target->n; i++)
		theta[i] = ln_params[i] - target->centre[i];
	if (target->within > 0.0)
		trust_region_approach(host, negative_log_posterior, posterior, target->n, FIT_BOX, MAX_ITERATIONS,
							  target->within, theta, result);
	else
		trust_region_minimise(host, negative_log_posterior, posterior, target->n, FIT_BOX, MAX_ITERATIONS, theta,
							  result);
	for (int i = 0; i < target->n; i++)
		ln_params[i] = theta[i] + target->centre[i];
}

static void
find_information(const Posterior *posterior, const TrustRegionResult *result, Information *information)
{
	int n = posterior->target->n;
	double hessian[FIT_MAX_PARAMS * FIT_MAX_PARAMS];

	memcpy(hessian, result->hessian, sizeof(double) * n * n);
	for (int i = 0; i < n; i++)
		hessian[i * n + i] -= posterior->prior;
	symmetric_eigen(n, hessian, information->values, information->vectors);
	information->floor = fmax(posterior->precision > 0.0 ? WEAK_UNDER_PRIOR : PRIOR_PRECISION,
							  WEAK_RELATIVE * information->values[n - 1]);
}

/* Parameters, and the likelihood without prior and penalty. */
static void
report_maximum(const Posterior *posterior, const TrustRegionResult *result, const double *ln_params, Fit *fit)
{
	const Target *target = posterior->target;

	fit->converged = result->outcome == TRUST_REGION_CONVERGED;
	fit->boundary = result->outcome == TRUST_REGION_BOUNDARY;
	fit->log_likelihood = -result->value;
	for (int i = 0; i < target->n; i++)
	{
		double theta = ln_params[i] - target->centre[i];

		fit->params[i] = i < target->n - target->n_coefficients ? exp(ln_params[i]) : ln_params[i];
		fit->log_likelihood += 0.5 * posterior->precision * theta * theta;
	}
	fit->comparable = fit->log_likelihood;
}

/* Covariance, standard errors and what is identified. */
static void
report_precision(const Target *target, const Information *information, Fit *fit)
{
	int n = target->n;

	for (int i = 0; i < n; i++)
	{
		double weak_share = 0.0;
		double scale = i < n - target->n_coefficients ? fit->params[i] : 1.0;

		for (int k = 0; k < n; k++)
		{
			double vik = information->vectors[i * n + k];

			if (information->values[k] < information->floor)
			{
				weak_share += vik * vik;
				continue;
			}
			for (int j = 0; j < n; j++)
				fit->covariance[i * n + j] += vik * information->vectors[j * n + k] / information->values[k];
		}
		fit->identified[i] = weak_share < WEAK_SHARE;
		fit->std_errors[i] = fit->identified[i] ? scale * sqrt(fit->covariance[i * n + i]) : NAN;
	}
}

/* One search and its outcome. */
typedef struct FitSearch
{
	double *ln_params;
	TrustRegionResult result;
	Information information;
} FitSearch;

/* Whether it found a maximum with information above a share of the floor in all directions. */
static bool
is_determined(const FitSearch *search, double share_of_floor)
{
	return search->result.outcome == TRUST_REGION_CONVERGED &&
		search->information.values[0] >= share_of_floor * search->information.floor;
}

static void
find_maximum(const Host *host, Posterior *posterior, FitSearch *search, Fit *fit)
{
	minimise(host, posterior, search->ln_params, &search->result);
	fit->iterations += search->result.iterations;
	if (search->result.outcome != TRUST_REGION_NOT_FINITE)
		find_information(posterior, &search->result, &search->information);
}

void
fit_target(const Host *host, const Target *target, Start *start, Fit *fit)
{
	Posterior posterior = {.target = target};
	FitSearch search = {.ln_params = start->alone};
	bool presumed = start->needs_prior;

	*fit = (Fit){.n_params = target->n, .penalty = target->penalty};
	if (!presumed)
	{
		find_maximum(host, &posterior, &search, fit);
		start->needs_prior = !is_determined(&search, PLAINLY_WEAK);
	}
	if (presumed || !is_determined(&search, 1.0))
	{
		posterior.prior = PRIOR_PRECISION;
		fit->prior_sd = PRIOR_SD;
		search.ln_params = start->with_prior;
		find_maximum(host, &posterior, &search, fit);
	}
	if (presumed && is_determined(&search, 1.0))
	{
		/* these data determine what the others did not */
		start->needs_prior = false;
		fit_target(host, target, start, fit);
		return;
	}
	report_maximum(&posterior, &search.result, search.ln_params, fit);
	if (search.result.outcome != TRUST_REGION_NOT_FINITE)
		report_precision(target, &search.information, fit);
}

/* A likelihood of natural parameters. */
typedef struct NaturalData
{
	Likelihood likelihood;
	void *data;
	int n;
} NaturalData;

static double
natural_likelihood(void *data, const double *ln_params, double *gradient, double *hessian)
{
	const NaturalData *natural = data;
	double params[FIT_MAX_PARAMS];
	double value;

	for (int i = 0; i < natural->n; i++)
		params[i] = exp(ln_params[i]);
	value = natural->likelihood(natural->data, params, gradient, hessian);
	to_logarithms(natural->n, params, gradient, hessian);
	return value;
}

void
fit_likelihood(const Host *host, Likelihood likelihood, void *data, int n, const double *start,
			   const double *prior_centre, Fit *fit)
{
	NaturalData natural = {likelihood, data, n};
	Target target = {.likelihood = natural_likelihood, .data = &natural, .n = n};
	Start ln_start = {.needs_prior = false};

	for (int i = 0; i < n; i++)
	{
		ln_start.alone[i] = ln_start.with_prior[i] = log(start[i]);
		target.centre[i] = prior_centre[i];
	}
	fit_target(host, &target, &ln_start, fit);
}

/* The data of a spend fit: points sorted by x. */
typedef struct SpendData
{
	const SpendModel *model;
	const SpendPoint *points;
	size_t n_points;
} SpendData;

static double
spend_likelihood(void *data, const double *params, double *gradient, double *hessian)
{
	const SpendData *spend = data;

	return spend->model->log_likelihood(spend->points, spend->n_points, params, gradient, hessian);
}

static int
compare_doubles(double a, double b)
{
	return (a > b) - (a < b);
}

/* By x, then by all other members, so that the result does not depend on the input order. */
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
fit_spend(const Host *host, const SpendModel *model, const SpendPoint *points, size_t n_points, Fit *fit)
{
	SpendPoint *sorted = host->alloc(n_points * sizeof(SpendPoint));
	SpendData data = {model, sorted, n_points};
	double centre[SPEND_MAX_PARAMS];
	double customers = 0.0;
	double mean = 0.0;

	memcpy(sorted, points, n_points * sizeof(SpendPoint));
	qsort(sorted, n_points, sizeof(SpendPoint), compare_points);

	/* measure money in the mean spend per purchase, so that the amount among the parameters is about one */
	for (size_t i = 0; i < n_points; i++)
	{
		customers += sorted[i].customers;
		mean += sorted[i].customers * (sorted[i].total / sorted[i].x);
	}
	mean /= customers;
	for (size_t i = 0; i < n_points; i++)
		sorted[i].total /= mean;

	for (int i = 0; i < model->n_params; i++)
		centre[i] = log(model->start[i]);
	fit_likelihood(host, spend_likelihood, &data, model->n_params, model->start, centre, fit);
	host->release(sorted);

	/* back to the user's money; the density of m scales with it too */
	fit->params[model->money_param] *= mean;
	fit->std_errors[model->money_param] *= mean;
	fit->log_likelihood -= customers * log(mean);
}
