/*
 * varying_fit.c
 *	  Fit Pareto/NBD to customers whose covariates vary over time.
 *
 * The variables are the logarithms of the parameters, and the coefficients. Each
 * customer's steps become the segments of their clocks at the coefficients; the
 * likelihood and its exact derivatives are those of varying_derivatives().
 */
#include "models/competing_risks/varying_fit.h"

#include <math.h>
#include <string.h>

#include "models/competing_risks/varying_clocks.h"
#include "models/core/fit_engine.h"
#include "models/core/model.h"
#include "numerics/sum.h"

/* How far covariates may move the logarithm of a rate: a fit does not search beyond. */
#define WALL (2.0 * FIT_BOX)

/* The data of a fit. */
typedef struct VaryingData
{
	const Host *host;
	const VaryingCustomer *customers;
	size_t n_customers;
	int n_covariates;
	int n;                  /* variables */
	ClockSegment *segments; /* for those of one customer */
} VaryingData;

/* A log-likelihood and its derivatives in the variables. */
typedef struct VaryingTotals
{
	Sum value;
	Sum gradient[VARYING_MAX_VARIABLES];
	Sum hessian[VARYING_MAX_VARIABLES][VARYING_MAX_VARIABLES]; /* upper triangle */
} VaryingTotals;

/* The factors of the rates in each step; false if one is beyond the wall. */
static bool
find_segments(const VaryingData *data, const VaryingCustomer *customer, const double *coefficients)
{
	int n = data->n_covariates;
	bool sane = true;

	for (size_t step = 0; step < customer->n_steps; step++)
	{
		const double *z = &customer->covariates[step * n];
		double buying = 0.0;
		double leaving = 0.0;

		host_poll_at(step);
		for (int i = 0; i < n; i++)
		{
			buying += coefficients[i] * z[i];
			leaving += coefficients[n + i] * z[i];
		}
		sane &= fabs(buying) <= WALL && fabs(leaving) <= WALL;
		data->segments[step] = (ClockSegment){customer->until[step], exp(buying), exp(leaving)};
	}
	return sane;
}

/* Turn derivatives in parameters and coefficients into those in the variables. */
static void
to_variables(int n, const double *params, double *gradient, double *hessian)
{
	for (int i = 0; i < PARETO_PARAMS; i++)
	{
		gradient[i] *= params[i];
		for (int k = 0; k < n; k++)
		{
			hessian[i * n + k] *= params[i];
			hessian[k * n + i] *= params[i];
		}
		hessian[i * n + i] += gradient[i];
	}
}

/* Add the likelihood of one customer, or of several like them. */
static void
add_customer(const VaryingData *data, const VaryingCustomer *customer, const double *params, const double *coefficients,
			 VaryingTotals *totals)
{
	int n = data->n;
	double gradient[VARYING_MAX_VARIABLES];
	double hessian[VARYING_MAX_VARIABLES * VARYING_MAX_VARIABLES];
	double value;
	VaryingClocks clocks = {
		.n = customer->n_steps,
		.segments = data->segments,
		.n_covariates = data->n_covariates,
		.covariates = customer->covariates,
	};

	if (!find_segments(data, customer, coefficients))
	{
		totals->value.total = NAN;
		return;
	}
	value = varying_derivatives(&clocks, params, customer->x, customer->t_x, customer->T, gradient, hessian);
	for (int i = 0; i < data->n_covariates; i++)
	{
		value += coefficients[i] * customer->sums[i];
		gradient[PARETO_PARAMS + i] += customer->sums[i];
	}
	to_variables(n, params, gradient, hessian);
	sum_add(&totals->value, customer->customers * value);
	for (int i = 0; i < n; i++)
	{
		sum_add(&totals->gradient[i], customer->customers * gradient[i]);
		for (int k = i; k < n; k++)
			sum_add(&totals->hessian[i][k], customer->customers * hessian[i * n + k]);
	}
}

static double
varying_likelihood(void *arg, const double *ln_params, double *gradient, double *hessian)
{
	const VaryingData *data = arg;
	VaryingTotals totals = {0};
	double params[PARETO_PARAMS];
	int n = data->n;

	for (int i = 0; i < PARETO_PARAMS; i++)
		params[i] = exp(ln_params[i]);
	for (size_t c = 0; c < data->n_customers && !isnan(totals.value.total); c++)
	{
		data->host->check_interrupts();
		add_customer(data, &data->customers[c], params, &ln_params[PARETO_PARAMS], &totals);
	}
	for (int i = 0; i < n; i++)
	{
		gradient[i] = sum_value(&totals.gradient[i]);
		for (int k = i; k < n; k++)
			hessian[i * n + k] = hessian[k * n + i] = sum_value(&totals.hessian[i][k]);
	}
	return sum_value(&totals.value);
}

/* Totals over all customers, as a start and the prior need them. */
static Population
totals_of(const VaryingData *data)
{
	Population totals = {.host = data->host, .unit_days = 1.0};
	Sum customers = {0};
	Sum T = {0};

	for (size_t c = 0; c < data->n_customers; c++)
	{
		host_poll_at(c);
		sum_add(&customers, data->customers[c].customers);
		sum_add(&T, data->customers[c].customers * data->customers[c].T);
	}
	totals.customers = sum_value(&customers);
	totals.mean_T = totals.customers > 0.0 ? sum_value(&T) / totals.customers : 0.0;
	return totals;
}

static size_t
most_steps(const VaryingCustomer *customers, size_t n)
{
	size_t most = 1;

	for (size_t c = 0; c < n; c++)
		if (customers[c].n_steps > most)
			most = customers[c].n_steps;
	return most;
}

void
fit_varying(const Host *host, const VaryingCustomer *customers, size_t n, int n_covariates, double penalty, Fit *fit)
{
	VaryingData data = {
		.host = host,
		.customers = customers,
		.n_customers = n,
		.n_covariates = n_covariates,
		.n = PARETO_PARAMS + 2 * n_covariates,
		.segments = host->alloc(most_steps(customers, n) * sizeof(ClockSegment)),
	};
	Population totals = totals_of(&data);
	Target target = {
		.likelihood = varying_likelihood,
		.data = &data,
		.n = data.n,
		.n_coefficients = 2 * n_covariates,
		.penalty = penalty,
	};
	Start start = {.needs_prior = false};

	paretonbd_model.prior_centre(&totals, target.centre);
	paretonbd_model.start(&totals, start.alone);
	for (int i = 0; i < data.n; i++)
		start.alone[i] = start.with_prior[i] = i < PARETO_PARAMS ? log(start.alone[i]) : 0.0;
	fit_target(host, &target, &start, fit);
	host->release(data.segments);
}
