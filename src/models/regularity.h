/*
 * regularity.h
 *	  How regularly customers buy: the shape k of the times between purchases.
 */
#ifndef MODELS_REGULARITY_H
#define MODELS_REGULARITY_H

#include <stddef.h>

/* Customers with x repeat purchases. */
typedef struct RegularityClass
{
	double		x;
	double		customers;
} RegularityClass;

typedef struct Regularity
{
	double		k;				/* NAN: cannot be told */
	double		std_error;
	double		customers;		/* with at least two repeat purchases, who tell of it */
} Regularity;

/*
 * If the times between the purchases of each customer are Gamma(k) distributed,
 * at a rate of his own, then given t_x their shares in it are Dirichlet(k, …, k),
 * whatever the rates and whenever customers leave or are no longer observed. So k
 * has a likelihood of its own,
 *
 *		sum over customers of lgamma(k x) - x lgamma(k) + (k - 1) (litt - x ln t_x),
 *
 * litt being the sum of the logarithms of the x times between purchases. It is
 * concave in k; the maximum is exact. share is the sum of litt - x ln t_x. k is
 * INFINITY where all times of each customer are equal.
 *
 * k = 1: the purchases of a customer come at random. k > 1: more regularly, k < 1:
 * in bursts. Compare Wheat & Morrison, JRSS C 39 (1990), who use two of the times.
 */
extern Regularity regularity_estimate(const RegularityClass *classes, size_t n_classes, double share);

#endif							/* MODELS_REGULARITY_H */
