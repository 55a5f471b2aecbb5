/*
 * regularity.h
 *	  How regularly customers buy: the shape k of the times between purchases.
 */
#ifndef MODELS_CORE_REGULARITY_H
#define MODELS_CORE_REGULARITY_H

#include <stddef.h>

#include "models/core/population.h"

/* Customers with x repeat purchases, the last of them t_x whole days after the first purchase. */
typedef struct RegularityClass
{
	double x;
	double t_x;
	double customers;
} RegularityClass;

typedef struct Regularity
{
	double k; /* NAN: not identified */
	double std_error;
	double customers; /* with at least two repeat purchases, which are informative */
} Regularity;

/*
 * If the times between the purchases of each customer are Gamma(k) distributed,
 * at a rate of their own, then given t_x their shares in it are Dirichlet(k, …, k),
 * whatever the rates and whenever customers leave or are no longer observed. So k
 * has a likelihood of its own,
 *
 *		sum over customers of lgamma(k x) - x lgamma(k) + (k - 1) (litt - x ln t_x),
 *
 * litt being the sum of the logarithms of the x times between purchases. It is
 * concave in k; the maximum is exact.
 *
 * Days are whole, and no time between transactions is less than one, which
 * looks like regularity. The likelihood of whole days given t_x (see
 * whole_days.h), by the saddlepoint approximation, is the one above and, for
 * each customer,
 *
 *		sum of ln_day_weight(k, d, lambda) - x ((1 + k) ln(1 - s) + k s / (1 - s))
 *		+ 1/2 ln(variance k x^2 / (k t_x)^2),
 *
 * with lambda, s and the variance those at which t_x / x is the mean. Its
 * maximum is the result; where it lies beyond LARGEST_DAY_K rounding does not
 * matter, and the continuous one is returned. Customers whose gaps are
 * determined by t_x carry no information.
 *
 * k is INFINITY where all times of each customer are equal. k = 1: the purchases
 * of a customer come at random. k > 1: more regularly, k < 1: in bursts. Compare
 * Wheat & Morrison, JRSS C 39 (1990), who use two of the times.
 *
 * gaps are those of all customers, in the order of days; none if they are not
 * known. Their counts are overwritten.
 */
extern Regularity regularity_estimate(const Host *host, const RegularityClass *classes, size_t n_classes, DayGaps *gaps,
									  size_t n_gaps);

#endif /* MODELS_CORE_REGULARITY_H */
