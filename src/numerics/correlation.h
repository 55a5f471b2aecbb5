/*
 * correlation.h
 *	  How two quantities go together.
 */
#ifndef NUMERICS_CORRELATION_H
#define NUMERICS_CORRELATION_H

/*
 * Pearson's correlation, -1 to 1, from means, variances and the covariance. NaN where one of the two does not vary: a
 * variance that is no more than what rounding leaves of one (see correlation.c) would have any correlation.
 */
extern double correlation(double mean_x, double mean_y, double variance_x, double variance_y, double covariance);

#endif /* NUMERICS_CORRELATION_H */
