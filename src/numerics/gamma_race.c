/*
 * gamma_race.c
 *	  Which of two clocks rings first, when they ring at gamma distributed rates.
 *
 * A recurrence in the shape of one of them, for ages that are far apart; see
 * gamma_race.h. It agrees with 50 digits to 1e-12, and takes some thirty nanoseconds.
 */
#include "numerics/gamma_race.h"

#include <float.h>
#include <math.h>

#include "numerics/special.h"

/*
 * How much the recurrence of gamma_race_far() may keep of an error in a step, and how much
 * of one does not matter.
 */
#define RECURRENCE_KEEPS 0.1
#define RECURRENCE_FORGOTTEN 1e-18

/*
 * The start of the recurrence below, for 0 < o < 3/2: with e = 1 - o,
 *
 *		P_o = w R^w / excess^(w + 1) { (excess^e Gamma(1 + w - e) Gamma(1 + e) / Gamma(1 + w) - 1) / e
 *			- sum over k >= 1 of (-1)^k (w + 1)_k / (k! excess^k (k + e)) },
 *
 * the first term of which is ln excess - psi(1 + w) + psi(1) at e = 0.
 */
static double
race_start(double w, double o, double excess)
{
	double e = 1.0 - o;
	double ln_gammas =
		e >= 0.0 ? sf_lnpoch(1.0, e) - sf_lnpoch(1.0 + w - e, e) : sf_lnpoch(1.0 + w, -e) - sf_lnpoch(1.0 + e, -e);
	double sum = e == 0.0 ? log(excess) - sf_dpoch(1.0, w) : expm1(ln_gammas + e * log(excess)) / e;
	double term = 1.0;

	for (int k = 1; fabs(term) > DBL_EPSILON / 16.0 * fabs(sum); k++)
	{
		term *= -(w + k) / (k * excess);
		sum -= term / (k + e);
	}
	return w / excess * exp(w * log1p(1.0 / excess)) * sum;
}

/*
 * In o, the shape of the younger, the probability P_o obeys
 *
 *		o excess P_(o+1) + (o + w) P_o = w,
 *
 * and upwards an error shrinks by (o + w) / (o excess) in every step. So from far below any
 * start will do; from nearby it has to be exact.
 */
double
gamma_race_far(double w, double o, double excess)
{
	double keeps = (1.0 + w) / excess;
	double steps;
	double P;

	if (!(keeps <= 0.5 * RECURRENCE_KEEPS))
		return NAN;
	steps = ceil(log(RECURRENCE_FORGOTTEN) / log(keeps));
	if (o - steps >= 1.0)
	{
		o -= steps;
		P = w / (w + o * excess);
	}
	else
	{
		steps = o < 1.5 ? 0.0 : floor(o - 0.5);
		o -= steps;
		P = race_start(w, o, excess);
	}
	for (; steps > 0.0; steps--, o++)
		P = (w - (o + w) * P) / (o * excess);
	return P;
}
