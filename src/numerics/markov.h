/*
 * markov.h
 *	  Markov chains with few states: where they come to rest, how fast, and how
 *	  long it takes to reach a state.
 *
 * A chain of n states is a matrix by rows, p[i * n + j] the probability to go
 * from i to j. The sums of rows are 1, but for rounding; a row of zeros is a state
 * from which nothing is known. The results keep their relative accuracy, since
 * nothing is subtracted (Grassmann, Taksar & Heyman, Operations Research 1985).
 */
#ifndef NUMERICS_MARKOV_H
#define NUMERICS_MARKOV_H

#include <stdbool.h>

#include "numerics/host.h"

/* Whether every state can be reached from every other one, in one and the same number of steps. */
extern bool markov_ergodic(const Host *host, const double *p, int n);

/* The shares of an ergodic chain in the long run. */
extern void markov_stationary(const Host *host, const double *p, int n, double *shares);

/*
 * The modulus of the second largest eigenvalue of an ergodic chain: so much of
 * the distance to the long run is left after a step. Zero below 1e-12.
 */
extern double markov_second_modulus(const Host *host, const double *p, int n, const double *shares);

/*
 * The expected number of steps from each state to a target; INFINITY where it
 * may never be reached, 0 for the target itself.
 */
extern void markov_steps_to(const Host *host, const double *p, int n, int target, double *steps);

#endif /* NUMERICS_MARKOV_H */
