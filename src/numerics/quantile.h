/*
 * quantile.h
 *	  Quantiles of a few thousand numbers, such as draws.
 */
#ifndef NUMERICS_QUANTILE_H
#define NUMERICS_QUANTILE_H

/* Sorts ascending; there must be no NaN. */
extern void sort_numbers(double *numbers, int count);

/* The quantile of sorted numbers, linear between them; count > 0, 0 <= p <= 1. */
extern double sorted_quantile(const double *numbers, int count, double p);

#endif /* NUMERICS_QUANTILE_H */
