/*
 * correlation.c
 *	  How two quantities go together.
 */
#include "numerics/correlation.h"

#include <math.h>
#include <stdbool.h>

/*
 * A variance as a difference of two sums is wrong by some 1e-16 of the mean's square, and so is that of means of equal
 * amounts, which differ in their last digits.
 */
#define ROUNDING 1e-14

static bool
varies(double mean, double variance)
{
	return variance > ROUNDING * mean * mean;
}

double
correlation(double mean_x, double mean_y, double variance_x, double variance_y, double covariance)
{
	if (!varies(mean_x, variance_x) || !varies(mean_y, variance_y))
		return NAN;
	return covariance / (sqrt(variance_x) * sqrt(variance_y));
}
