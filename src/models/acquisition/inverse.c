/*
 * inverse.c
 *	  The inverse of a small information matrix. See inverse.h.
 */
#include "models/acquisition/inverse.h"

#include <math.h>

#include "numerics/trust_region.h"

#define NO_INFORMATION 1e-10

void
symmetric_inverse(int n, const double *matrix, double *inverse)
{
	double scale[TRUST_REGION_MAX];
	double scaled[TRUST_REGION_MAX * TRUST_REGION_MAX] = {0};
	double values[TRUST_REGION_MAX];
	double vectors[TRUST_REGION_MAX * TRUST_REGION_MAX];

	for (int i = 0; i < n; i++)
		scale[i] = matrix[i * n + i] > 0 ? 1 / sqrt(matrix[i * n + i]) : 0;
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			scaled[i * n + j] = matrix[i * n + j] * scale[i] * scale[j];
	symmetric_eigen(n, scaled, values, vectors);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
		{
			double sum = 0;

			for (int k = 0; k < n; k++)
				if (values[k] > NO_INFORMATION * values[n - 1])
					sum += vectors[i * n + k] * vectors[j * n + k] / values[k];
			inverse[i * n + j] = sum * scale[i] * scale[j];
		}
}
