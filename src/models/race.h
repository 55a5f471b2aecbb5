/*
 * race.h
 *	  The likelihood of models in which leaving and buying race each other.
 *
 * A live customer buys at a rate that is Gamma(r, rate alpha) distributed, and
 * leaves for good, unseen, at some moment that has nothing to do with the
 * purchases: Pareto/NBD, GG/NBD.  What is seen of a customer with x purchases,
 * the last at t_x, and none since until T, has two stories that exclude each
 * other:
 *
 *		leaving comes before the next purchase, or
 *		buying comes first, but only after T.
 *
 * The first does not depend on T and the second not on t_x (of both only the
 * purchases up to then).  So, with n = r + x and the share S(t) of customers
 * that stay longer than t, the likelihood is
 *
 *		Gamma(n) / (Gamma(r) alpha^x) [g(t_x) phi(t_x) + g(T) (1 - phi(T))],
 *		g(t) = (1 + t / alpha)^-n S(t),
 *
 * where phi(t) is the probability that a customer who is alive at t leaves
 * before buying.  Both terms are positive, nothing is subtracted, and the
 * functions that cost something belong to the few pairs (x, t_x) and (x, T);
 * a customer cell only weighs one against the other.  Derivatives of the
 * logarithm of a sum of stories are means under the stories' probabilities, and
 * second derivatives their covariances (Louis, JRSS B 44, 1982).
 */
#ifndef MODELS_RACE_H
#define MODELS_RACE_H

#include <stddef.h>

#include "models/population.h"

#define RACE_MAX_PARAMS 5
#define RACE_MAX_PAIRS (RACE_MAX_PARAMS * (RACE_MAX_PARAMS + 1) / 2)

/* A term of the sum above: its logarithm and its derivatives in the parameters. */
typedef struct Story
{
	double		ln;
	double		gradient[RACE_MAX_PARAMS];
	double		hessian[RACE_MAX_PAIRS];	/* upper triangle, row by row */
} Story;

typedef enum StoryKind
{
	LEAVES_FIRST,				/* g phi */
	BUYS_FIRST					/* g (1 - phi) */
} StoryKind;

typedef struct RaceModel
{
	int			n_params;		/* 4 or 5; the first two are r and alpha */

	/* The stories of customers with x purchases, at n > 0 ascending times. */
	void		(*stories) (const Host *host, const double *params, double x, StoryKind kind,
							const double *times, size_t n, Story *stories);
} RaceModel;

/*
 * Log-likelihood of a whole population.  gradient[n] and hessian[n * n] are in
 * natural parameters; either may be NULL.
 */
extern double race_log_likelihood(const RaceModel *model, const Population *population,
								  const double *params, double *gradient, double *hessian);

#endif							/* MODELS_RACE_H */
