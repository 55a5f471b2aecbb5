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

#include "numerics/trust_region.h"

/* Half-width of the box: parameters within a factor of nine million. */
#define BOX 16.0

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

/* The likelihood as the minimiser wants it. */
typedef struct Target
{
	Likelihood	likelihood;
	void	   *data;
	int			n;
	const double *centre;
	double		precision;		/* of the prior; 0 for none */
} Target;

/* Eigenvalues and eigenvectors of the information of the data, in theta. */
typedef struct Information
{
	double		values[MODEL_MAX_PARAMS];
	double		vectors[MODEL_MAX_PARAMS * MODEL_MAX_PARAMS];
	double		floor;			/* directions below it are weak */
} Information;

/* Minus the log posterior, by the chain rule for p = exp(theta + centre). */
static void
negative_log_posterior(void *data, const double *theta,
					   double *value, double *gradient, double *hessian)
{
	const Target *target = data;
	int			n = target->n;
	double		p[MODEL_MAX_PARAMS] = {0};

	for (int i = 0; i < n; i++)
		p[i] = exp(theta[i] + target->centre[i]);
	*value = -target->likelihood(target->data, p, gradient, hessian);
	for (int i = 0; i < n; i++)
	{
		for (int k = 0; k < n; k++)
			hessian[i * n + k] *= -p[i] * p[k];
		hessian[i * n + i] += target->precision - p[i] * gradient[i];
		gradient[i] = target->precision * theta[i] - p[i] * gradient[i];
		*value += 0.5 * target->precision * theta[i] * theta[i];
	}
}

static void
minimise(const Host *host, Target *target, const double *start, double *theta,
		 TrustRegionResult *result)
{
	for (int i = 0; i < target->n; i++)
		theta[i] = log(start[i]) - target->centre[i];
	trust_region_minimise(host, negative_log_posterior, target, target->n, BOX, MAX_ITERATIONS,
						  theta, result);
}

static void
find_information(const Target *target, const TrustRegionResult *result, Information *information)
{
	int			n = target->n;
	double		hessian[MODEL_MAX_PARAMS * MODEL_MAX_PARAMS];

	memcpy(hessian, result->hessian, sizeof(double) * n * n);
	for (int i = 0; i < n; i++)
		hessian[i * n + i] -= target->precision;
	symmetric_eigen(n, hessian, information->values, information->vectors);
	information->floor = fmax(target->precision > 0.0 ? WEAK_UNDER_PRIOR : PRIOR_PRECISION,
							  WEAK_RELATIVE * information->values[n - 1]);
}

/* Covariance, standard errors and what is identified. */
static void
report_precision(const Information *information, Fit *fit)
{
	int			n = fit->n_params;

	for (int i = 0; i < n; i++)
	{
		double		weak_share = 0.0;

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
		fit->std_errors[i] = fit->identified[i]
			? fit->params[i] * sqrt(fit->covariance[i * n + i]) : NAN;
	}
}

void
fit_likelihood(const Host *host, Likelihood likelihood, void *data, int n,
			   const double *start, const double *prior_centre, Fit *fit)
{
	Target		target = {likelihood, data, n, prior_centre, 0.0};
	double		theta[MODEL_MAX_PARAMS];
	TrustRegionResult result;
	Information information;

	*fit = (Fit) {.n_params = n};
	minimise(host, &target, start, theta, &result);
	fit->iterations = result.iterations;
	if (result.outcome == TRUST_REGION_CONVERGED)
		find_information(&target, &result, &information);
	if (result.outcome != TRUST_REGION_CONVERGED || information.values[0] < information.floor)
	{
		target.precision = PRIOR_PRECISION;
		fit->prior_sd = PRIOR_SD;
		minimise(host, &target, start, theta, &result);
		fit->iterations += result.iterations;
		if (result.outcome != TRUST_REGION_NOT_FINITE)
			find_information(&target, &result, &information);
	}

	fit->converged = result.outcome == TRUST_REGION_CONVERGED;
	fit->boundary = result.outcome == TRUST_REGION_BOUNDARY;
	fit->log_likelihood = -result.value;
	for (int i = 0; i < n; i++)
	{
		fit->params[i] = exp(theta[i] + prior_centre[i]);
		fit->log_likelihood += 0.5 * target.precision * theta[i] * theta[i];
	}
	if (result.outcome != TRUST_REGION_NOT_FINITE)
		report_precision(&information, fit);
}

/* The data of a timing fit. */
typedef struct TimingData
{
	const Model *model;
	const Population *population;
} TimingData;

static double
timing_likelihood(void *data, const double *params, double *gradient, double *hessian)
{
	const TimingData *timing = data;

	return timing->model->log_likelihood(timing->population, params, gradient, hessian);
}

void
fit_timing(const Host *host, const Model *model, const Population *population, Fit *fit)
{
	TimingData	data = {model, population};
	double		start[MODEL_MAX_PARAMS];
	double		centre[MODEL_MAX_PARAMS];

	model->start(population, start);
	model->prior_centre(population, centre);
	fit_likelihood(host, timing_likelihood, &data, model->n_params, start, centre, fit);
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

static int
compare_doubles(double a, double b)
{
	return (a > b) - (a < b);
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
