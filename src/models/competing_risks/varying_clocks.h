/*
 * varying_clocks.h
 *	  The Pareto/NBD model with rates that vary over time.
 *
 * Bachmann, Meierer & Näf, "The Role of Time-Varying Contextual Factors in
 * Latent Attrition Models for Customer Base Analysis", Marketing Science 40:4
 * (2021), 783-809.
 *
 * At age t a live customer buys at the rate lambda A(t) and leaves at the rate
 * mu C(t), with lambda ~ Gamma(r, rate alpha) and mu ~ Gamma(s, rate beta).
 * A and C are steps: constant within a segment. So the model is the plain
 * Pareto/NBD on two operational clocks,
 *
 *		Lambda(t) = integral of A, M(t) = integral of C, from 0 to t,
 *
 * and its likelihood a sum of positive terms: alive at T, or gone at some time
 * between t_x and T. The integral over that time is taken segment by segment,
 * over panels that are short against the distance to the nearest singularity,
 * where a clock would show -alpha or -beta. There are no hypergeometric
 * functions, and nothing is subtracted.
 *
 * Parameters are those of Pareto/NBD: r, alpha, s, beta. Times are in their unit.
 */
#ifndef MODELS_COMPETING_RISKS_VARYING_CLOCKS_H
#define MODELS_COMPETING_RISKS_VARYING_CLOCKS_H

#include <stddef.h>

#include "models/competing_risks/competing_risks.h"
#include "models/core/fit.h"

/* A time during which the rates do not change. */
typedef struct ClockSegment
{
	double until;   /* the age at which it ends; ascending */
	double buying;  /* A: the factor of the purchase rate, > 0 */
	double leaving; /* C: the factor of the dropout rate, > 0 */
} ClockSegment;

/*
 * The segments of a customer from age 0 on, at least one. The last holds for
 * ever, whatever its end.
 *
 * Where the factors are A = e^(g' z) and C = e^(h' z) with covariates z, which
 * are constant within a segment, derivatives are in the coefficients g and h, too.
 */
typedef struct VaryingClocks
{
	size_t n;
	const ClockSegment *segments;
	int n_covariates;         /* 0 to FIT_MAX_COVARIATES */
	const double *covariates; /* those of each segment; read for derivatives only */
} VaryingClocks;

/* Variables of the derivatives: the parameters, the coefficients of buying, and those of leaving. */
#define VARYING_MAX_VARIABLES (PARETO_PARAMS + 2 * FIT_MAX_COVARIATES)

static inline int
varying_variables(const VaryingClocks *clocks)
{
	return PARETO_PARAMS + 2 * clocks->n_covariates;
}

/*
 * Log-likelihood of a customer, without the sum of ln A over the times of the
 * repeat purchases, which does not depend on the parameters.
 */
extern double varying_log_likelihood(const VaryingClocks *clocks, const double *params, double x, double t_x, double T);

/*
 * The same with its derivatives: gradient[n], and hessian[n * n] unless that is
 * NULL, for n = varying_variables(), in natural parameters and in coefficients.
 * The derivatives of the sum that is left out are not among them: it adds the
 * sum of the covariates at the times of the repeat purchases to the gradient
 * in the coefficients of buying, and nothing to the Hessian.
 *
 * Fisher's identity: the gradient of the logarithm of a sum of terms is the
 * mean of theirs; that of Louis (1982) adds their covariance to the mean of
 * their Hessians.
 */
extern double varying_derivatives(const VaryingClocks *clocks, const double *params, double x, double t_x, double T,
								  double *gradient, double *hessian);

/* Probability of being alive at age T, and of having left by then. */
extern double varying_alive_prob(const VaryingClocks *clocks, const double *params, double x, double t_x, double T);
extern double varying_gone_prob(const VaryingClocks *clocks, const double *params, double x, double t_x, double T);

/*
 * Expected purchases in the horizon (>= 0) after age T of a customer who is
 * alive then, each discounted to age T at the continuous rate delta (>= 0) per
 * time unit. An infinite horizon is allowed if delta > 0.
 */
extern double varying_expected_transactions_if_alive(const VaryingClocks *clocks, const double *params, double x,
													 double T, double horizon, double delta);

/* Probability that a customer who is alive at T buys in the horizon, which may be infinite. */
extern double varying_order_prob_if_alive(const VaryingClocks *clocks, const double *params, double x, double T,
										  double horizon);

#endif /* MODELS_COMPETING_RISKS_VARYING_CLOCKS_H */
