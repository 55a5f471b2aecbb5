/*
 * beta_survival_sum.h
 *	  Expected length of a run of failures in beta-binomial trials.
 */
#ifndef NUMERICS_BETA_SURVIVAL_SUM_H
#define NUMERICS_BETA_SURVIVAL_SUM_H

/* A Bernoulli trial whose success probability is Beta(a, b) distributed. a, b > 0. */
typedef struct BetaSurvival
{
	double a;
	double b;
} BetaSurvival;

/*
 * One or two kinds of trials are made together, at most `limit` times (whole,
 * >= 0, or INFINITY), for as long as all fail. The expected number of rounds,
 * of which the k-th after the first counts e^(-delta k):
 *
 *		sum over k < limit of e^(-delta k) prod over kinds of B(a, b + k) /
 *		B(a, b)
 *
 * delta >= 0. INFINITY if that is what the sum is, or beyond 1e300. Its cost is
 * bounded: a few thousand terms, or a few dozen panels, whatever the limit.
 */
extern double beta_survival_sum(const BetaSurvival *factors, int n_factors, double delta, double limit);

/*
 * ln of the same sum without discount, but in which the k-th term after the
 * first is multiplied by the number of ways to place `heads` successes (whole,
 * >= 0) among k trials:
 *
 *		ln of sum over k < limit of (heads + k choose k) prod of B(a, b + k) / B(a, b)
 *
 * The sum of all a must be larger than 1 + heads. -INFINITY if limit is 0. Its
 * cost is bounded by some ten terms for every success, whatever the limit.
 */
extern double coin_ln_ways(const BetaSurvival *factors, int n_factors, double heads, double limit);

#endif /* NUMERICS_BETA_SURVIVAL_SUM_H */
