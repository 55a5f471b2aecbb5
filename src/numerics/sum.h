/*
 * sum.h
 *	  Compensated sums.
 *
 * Neumaier's compensated summation (ZAMM 54, 1974): the rounding error of each
 * addition is accumulated separately and added at the end. The error is that
 * of one rounding, however many terms there are.
 */
#ifndef NUMERICS_SUM_H
#define NUMERICS_SUM_H

#include <math.h>

/* {0} is an empty sum. */
typedef struct Sum
{
	double total;
	double dropped;
} Sum;

static inline void
sum_add(Sum *sum, double term)
{
	double total = sum->total + term;

	if (fabs(sum->total) >= fabs(term))
		sum->dropped += (sum->total - total) + term;
	else
		sum->dropped += (term - total) + sum->total;
	sum->total = total;
}

static inline double
sum_value(const Sum *sum)
{
	return sum->total + sum->dropped;
}

#endif /* NUMERICS_SUM_H */
