/*
 * affinity.c
 *	  Similarities of items from the units that have them.
 */
#include "models/decision/affinity.h"

#include <math.h>

double
pair_cosine(const PairCounts *counts, double asymmetry)
{
	return counts->both / (pow(counts->left, 1.0 - asymmetry) * pow(counts->right, asymmetry));
}

double
pair_lift(const PairCounts *counts)
{
	return counts->both / counts->left * (counts->units / counts->right);
}

/* 2 k ln(k / expected), 0 for k = 0. */
static double
cell(double observed, double row, double column, double units)
{
	return observed > 0.0 ? 2.0 * observed * log(observed / row * (units / column)) : 0.0;
}

double
pair_llr(const PairCounts *counts)
{
	double n = counts->units;
	double a = counts->left;
	double b = counts->right;
	double ab = counts->both;

	/* rounding may leave less than nothing */
	return fmax(cell(ab, a, b, n) + cell(a - ab, a, n - b, n) + cell(b - ab, n - a, b, n) +
					cell(n - a - b + ab, n - a, n - b, n),
				0.0);
}

double
pair_signed_root(const PairCounts *counts)
{
	double root = sqrt(pair_llr(counts));

	return counts->both * counts->units < counts->left * counts->right ? -root : root;
}

double
pair_shrunk(const PairCounts *counts, double similarity, double shrink)
{
	return counts->both > 0.0 ? similarity * (counts->both / (counts->both + shrink)) : 0.0;
}
