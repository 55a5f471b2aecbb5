/*
 * spend_points.c
 *	  Bins of spend, as the points that a likelihood is summed over.
 */
#include "models/spend/spend_model.h"

#include <math.h>

/* A bin narrower than this, relative to its distance from the centre, is a point. */
#define POINT_VARIANCE 1e-9

int
spend_bin_points(uint32_t x, double centre, double n, double s1, double s2, double s3, SpendPoint points[2])
{
	double mean = s1 / n;
	double square = s2 / n;
	double variance = square - mean * mean;
	double third;
	double middle;
	double reach;
	double below;
	double above;

	points[0] = (SpendPoint){.x = x, .total = centre * (1.0 + mean), .customers = n};
	if (n <= 1.0 || !(variance > POINT_VARIANCE * square))
		return 1;

	/*
	 * Around the mean the nodes are the roots of y^2 - (third / variance) y -
	 * variance: orthogonal to 1 and y.
	 */
	third = s3 / n - 3.0 * mean * square + 2.0 * mean * mean * mean;
	middle = 0.5 * third / variance;
	reach = sqrt(middle * middle + variance);
	/* of the two roots, take the one without cancellation; their product is -variance */
	above = middle > 0.0 ? middle + reach : variance / (reach - middle);
	below = -variance / above;

	/* rounding of the moments must not move a node below all spend */
	if (!(1.0 + mean + below > 0.0))
		return 1;
	points[0].total = centre * (1.0 + mean + below);
	points[0].customers = n * above / (above - below);
	points[1] = (SpendPoint){
		.x = x,
		.total = centre * (1.0 + mean + above),
		.customers = n * -below / (above - below),
	};
	return 2;
}
