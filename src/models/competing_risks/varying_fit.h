/*
 * varying_fit.h
 *	  Fit Pareto/NBD to customers whose covariates vary over time.
 */
#ifndef MODELS_COMPETING_RISKS_VARYING_FIT_H
#define MODELS_COMPETING_RISKS_VARYING_FIT_H

#include "models/core/fit.h"
#include "numerics/host.h"

/* Customers with the same history and the same covariates at all times. */
typedef struct VaryingCustomer
{
	double x;
	double t_x; /* in time units */
	double T;
	double customers; /* how many */
	size_t n_steps;
	const double *until;      /* the age at which each step ends; the last has no end, whatever it says */
	const double *covariates; /* of each step */
	const double *sums;       /* of each covariate over the times of the repeat purchases */
} VaryingCustomer;

/*
 * Fit Pareto/NBD with rates lambda e^(g' z) and mu e^(h' z) to n customers, whose
 * n_covariates covariates z are steps over time. The parameters of the fit are r,
 * alpha, s and beta, and then the coefficients g and h, as those of a fit with
 * covariates that do not vary; so are the penalty and the weak prior. The order
 * of the customers matters to rounding only.
 */
extern void fit_varying(const Host *host, const VaryingCustomer *customers, size_t n, int n_covariates, double penalty,
						Fit *fit);

#endif /* MODELS_COMPETING_RISKS_VARYING_FIT_H */
