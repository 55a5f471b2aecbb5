/*
 * root.c
 *	  Find the zero of a rising function.
 */
#include "numerics/root.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "numerics/host.h"

/* ln of the largest double. */
#define LN_MAX 709.78

#define MAX_STEPS 200

/* Newton's steps as short as this that no longer shrink are the rounding of the function. */
#define ROUNDING 1e-12

static bool
is_rounding(double step, double last, double z)
{
	double scale = fmax(1.0, fabs(z));

	return fabs(step) <= 2.0 * DBL_EPSILON * scale || (fabs(step) <= ROUNDING * scale && fabs(step) > 0.5 * fabs(last));
}

double
rising_root(const RisingFunction *f, double high)
{
	double slope;
	double z = fmin(high, LN_MAX);
	double value = f->value(f->data, z, &slope);
	double low = -INFINITY;
	double stride = 1.0;
	double step = INFINITY;

	if (value < 0.0)
		return high;

	high = z;
	for (int i = 0; i < MAX_STEPS || isinf(low); i++)
	{
		double last = step;
		double next;

		host_poll();
		step = value / slope;
		next = z - step;
		/* rounding may lead out of the bracket, half of which may be far away */
		if (isfinite(slope) && is_rounding(step, last, z))
			return next;
		/* steps that shrink by half need no bracket; else strides downwards, each twice the one before */
		if (isinf(low) && !(step > 0.0 && step < stride && step < 0.5 * last))
		{
			next = high - stride;
			stride *= 2.0;
			/* a function that is never negative has no zero */
			if (isinf(next))
				return next;
		}
		else if (!isinf(low) && !(next > low && next < high))
		{
			next = 0.5 * (low + high);
			if (fabs(next - z) <= 2.0 * DBL_EPSILON * fmax(1.0, fabs(z)))
				return next;
		}
		z = next;
		value = f->value(f->data, z, &slope);
		if (value >= 0.0)
			high = z;
		else
			low = z;
	}
	return z;
}
