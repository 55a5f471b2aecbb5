/*
 * competing_risks.h
 *	  The likelihood of models in which dropout and purchase are competing
 *	  risks.
 *
 * A live customer buys at a rate that is Gamma(r, rate alpha) distributed, and
 * leaves for good, unseen, at a time that is independent of the purchases:
 * Pareto/NBD, GG/NBD. For a customer with x purchases, the last at t_x, and
 * none since until T, the likelihood is a mixture of two mutually exclusive
 * events:
 *
 *		dropout comes before the next purchase, or
 *		the next purchase comes first, but only after T.
 *
 * The first does not depend on T and the second not on t_x (both depend on the
 * purchases up to then). So, with n = r + x and the share S(t) of customers
 * that stay longer than t, the likelihood is
 *
 *		Gamma(n) / (Gamma(r) alpha^x) [g(t_x) phi(t_x) + g(T) (1 - phi(T))],
 *		g(t) = (1 + t / alpha)^-n S(t),
 *
 * where phi(t) is the probability that a customer who is alive at t leaves
 * before buying. Both mixture terms are positive, nothing is subtracted, and
 * the costly functions belong to the few pairs (x, t_x) and (x, T); a customer
 * cell only weighs one term against the other. Derivatives of the logarithm of
 * a sum of mixture terms are means under the terms' probabilities, and second
 * derivatives their covariances (Louis, JRSS B 44, 1982).
 */
#ifndef MODELS_COMPETING_RISKS_COMPETING_RISKS_H
#define MODELS_COMPETING_RISKS_COMPETING_RISKS_H

#include <stddef.h>

#include "models/core/model.h"
#include "models/core/population.h"

/* The parameters of all these models that orders depend on; those of attrition come after them. */
enum
{
	RISKS_R,
	RISKS_ALPHA,
};

/* The parameters of attrition of Pareto/NBD, which GG/NBD contains as a limit. */
enum
{
	PARETO_S = RISKS_ALPHA + 1,
	PARETO_BETA,
	PARETO_PARAMS,
};

#define COMPETING_RISKS_MAX_PARAMS 5
#define COMPETING_RISKS_MAX_PAIRS (COMPETING_RISKS_MAX_PARAMS * (COMPETING_RISKS_MAX_PARAMS + 1) / 2)

/* A term of the sum above: its logarithm and its derivatives in the parameters. */
typedef struct MixtureTerm
{
	double ln;
	double gradient[COMPETING_RISKS_MAX_PARAMS];
	double hessian[COMPETING_RISKS_MAX_PAIRS]; /* upper triangle, row by row */
} MixtureTerm;

typedef enum FirstEvent
{
	DROPOUT_FIRST,  /* g phi */
	PURCHASE_FIRST, /* g (1 - phi) */
} FirstEvent;

typedef struct CompetingRisksModel
{
	int n_params; /* 4 or 5; the first two are r and alpha */

	/* The mixture terms of customers with x purchases, at n > 0 ascending times. */
	void (*terms)(const Host *host, const double *params, double x, FirstEvent kind, const double *times, size_t n,
				  MixtureTerm *terms);
} CompetingRisksModel;

/*
 * Log-likelihood of a whole population. gradient[n] and hessian[n * n] are in
 * natural parameters; either may be NULL.
 */
extern double competing_risks_log_likelihood(const CompetingRisksModel *model, const Population *population,
											 const double *params, double *gradient, double *hessian);

/*
 * What the models have in common, see model.h: the purchase rate does not depend on the lifetime, and a simulated
 * path, whose dropout is the day of leaving, ends with it.
 */
extern double competing_risks_ln_silence(const double *params, double x, double t_x, double T);
extern double competing_risks_next_order(SimulatedPath *path, Random *random);

#endif /* MODELS_COMPETING_RISKS_COMPETING_RISKS_H */
