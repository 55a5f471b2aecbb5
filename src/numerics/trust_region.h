/*
 * trust_region.h
 *	  Minimise a smooth function of a few variables by a trust-region Newton
 *	  method.
 *
 * Designed for negative log-likelihoods of at most a few dozen parameters,
 * with exact gradients and Hessians. The variables should be of a natural
 * scale of one (logarithms of parameters are), since steps and limits are
 * absolute.
 */
#ifndef NUMERICS_TRUST_REGION_H
#define NUMERICS_TRUST_REGION_H

#include "numerics/host.h"

#define TRUST_REGION_MAX 40

typedef enum TrustRegionOutcome
{
	TRUST_REGION_CONVERGED,      /* a minimum, to rounding */
	TRUST_REGION_BOUNDARY,       /* a minimum with a variable held at the box */
	TRUST_REGION_MAX_ITERATIONS, /* stopped; the best point so far */
	TRUST_REGION_NOT_FINITE,     /* not finite at the starting point */
} TrustRegionOutcome;

/*
 * The function to minimise: its value, gradient[n] and Hessian[n * n] (row
 * major, symmetric) at theta[n]. A NaN or infinity anywhere means that theta
 * is out of its domain; the minimiser then takes a shorter step.
 */
typedef void (*Objective)(void *data, const double *theta, double *value, double *gradient, double *hessian);

typedef struct TrustRegionResult
{
	TrustRegionOutcome outcome;
	int iterations; /* evaluations of the objective */
	double value;
	double gradient[TRUST_REGION_MAX];
	double hessian[TRUST_REGION_MAX * TRUST_REGION_MAX]; /* n * n used */
} TrustRegionResult;

/*
 * Minimise over theta[n], n <= TRUST_REGION_MAX, within |theta| <= box. theta
 * holds the starting point (moved into the box if need be) and receives the
 * minimum. At most max_iterations evaluations; the host checks for interrupts
 * before each.
 *
 * More & Sorensen, "Computing a trust region step", SIAM J. Sci. Stat.
 * Comput. 4:3 (1983), by eigendecomposition since n is small.
 */
extern void trust_region_minimise(const Host *host, Objective objective, void *data, int n, double box,
								  int max_iterations, double *theta, TrustRegionResult *result);

/*
 * The same, but it ends where less than `within` of improvement is predicted: near enough
 * for a search that goes on from there with another objective.
 */
extern void trust_region_approach(const Host *host, Objective objective, void *data, int n, double box,
								  int max_iterations, double within, double *theta, TrustRegionResult *result);

/*
 * Eigenvalues of the symmetric matrix[n * n] in ascending order, and the unit
 * eigenvectors: vectors[i * n + k] is component i of the k-th. Cyclic Jacobi
 * rotations (Golub & Van Loan, Matrix Computations, 8.5).
 */
extern void symmetric_eigen(int n, const double *matrix, double *values, double *vectors);

#endif /* NUMERICS_TRUST_REGION_H */
