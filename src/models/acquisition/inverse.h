/*
 * inverse.h
 *	  The inverse of a small information matrix.
 */
#ifndef MODELS_ACQUISITION_INVERSE_H
#define MODELS_ACQUISITION_INVERSE_H

/*
 * inverse[n * n] of the symmetric positive matrix[n * n], scaled to a unit diagonal first.
 * Directions without information (an eigenvalue below 1e-10 of the largest) are left
 * out: what is asked of it must not depend on them. n <= TRUST_REGION_MAX.
 */
extern void symmetric_inverse(int n, const double *matrix, double *inverse);

#endif /* MODELS_ACQUISITION_INVERSE_H */
