/*
 * normal.h
 *	  Quantiles of the normal distribution.
 */
#ifndef NUMERICS_NORMAL_H
#define NUMERICS_NORMAL_H

/*
 * z with P(Z <= z) = p for standard normal Z; 0 < p < 1. Relative error below
 * 1e-15 (checked against Newton steps on erfc in the unit tests).
 */
extern double normal_quantile(double p);

#endif /* NUMERICS_NORMAL_H */
