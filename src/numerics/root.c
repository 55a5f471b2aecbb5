/*
 * root.c
 *	  Find the zero of a rising function.
 */
#include "numerics/root.h"

#include <float.h>
#include <math.h>

#include "numerics/host.h"

/* ln of the largest double. */
#define LN_MAX 709.78

#define MAX_STEPS 200

double
rising_root(const RisingFunction *f, double high)
{
	double slope;
	double z = fmin(high, LN_MAX);
	double value = f->value(f->data, z, &slope);
	double low;
	double stride = 1.0;

	if (value < 0.0)
		return high;

	/* a bracket: strides downwards, each twice the one before */
	high = z;
	for (low = high - stride; f->value(f->data, low, &slope) >= 0.0; stride *= 2.0)
	{
		host_poll();
		high = low;
		low -= 2.0 * stride;
		/* a function that is never negative has no zero */
		if (isinf(low))
			return low;
	}

	z = 0.5 * (low + high);
	for (int i = 0; i < MAX_STEPS; i++)
	{
		double next;

		host_poll();
		value = f->value(f->data, z, &slope);
		if (value >= 0.0)
			high = z;
		else
			low = z;
		next = z - value / slope;
		if (!(next > low && next < high))
			next = 0.5 * (low + high);
		if (fabs(next - z) <= 2.0 * DBL_EPSILON * fmax(1.0, fabs(z)))
			return next;
		z = next;
	}
	return z;
}
