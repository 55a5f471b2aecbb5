/*
 * interpolate.h
 *	  Evaluate a smooth curve at many points from a few evaluations.
 *
 * A likelihood needs the same costly functions at the hundreds of ages and
 * recencies that customers of one frequency have. The functions are analytic,
 * so polynomials through a few points give all the others to double precision.
 */
#ifndef NUMERICS_INTERPOLATE_H
#define NUMERICS_INTERPOLATE_H

#include <stddef.h>

#define CURVE_MAX 16

/* A smooth function of z with several values, of a natural scale of about one. */
typedef struct Curve
{
	void (*at)(const void *data, double z, double *values);
	const void *data;
	int n_values; /* <= CURVE_MAX */
	double reach; /* no longer intervals are worth trying; may be INFINITY */
} Curve;

/*
 * The values at the places z[0 .. n-1], which ascend or descend: those at z[i]
 * begin at values[i * n_values]. Absolute error of about 1e-14, relative to the
 * values or to one, whichever is larger.
 */
extern void curve_values(const Curve *curve, const double *z, size_t n, double *values);

#endif /* NUMERICS_INTERPOLATE_H */
