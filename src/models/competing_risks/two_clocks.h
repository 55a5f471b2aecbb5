/*
 * two_clocks.h
 *	  Competing risks on two clocks: purchases by the clock of a season, dropout by the
 *	  calendar.
 *
 * A live customer buys at a rate that is Gamma(r, rate alpha) distributed, times the factor
 * of the day, and leaves at an age that has a law of its own, whatever the season. With
 * x purchases, the last at age t_x, and Λ(y) the time that the season's clock has gone from
 * the first purchase to age y, the likelihood is, with n = r + x,
 *
 *		Gamma(n) / Gamma(r) alpha^r [ (alpha + Λ(T))^-n S(T)
 *			+ integral over t_x <= y <= T of (alpha + Λ(y))^-n f(y) dy ],
 *
 * where S is the share that stays longer than an age and f the density of leaving there
 * (Bachmann, Meierer & Näf, Marketing Science 40:4 (2021), with one covariate path for all
 * and none on dropout), times the factors of the days of the purchases, which only matter
 * where these are estimated.
 *
 * For all customers with one first day the integrals are one sweep backwards from T, which
 * passes their t_x from the latest to the earliest; what differs between their x is a
 * power. Nothing is subtracted. Derivatives of the logarithm of the sum are means under the
 * probabilities of its terms (Fisher's identity), and second derivatives their covariances
 * (Louis, JRSS B 44, 1982).
 */
#ifndef MODELS_COMPETING_RISKS_TWO_CLOCKS_H
#define MODELS_COMPETING_RISKS_TWO_CLOCKS_H

#include "models/competing_risks/competing_risks.h"
#include "models/core/population.h"
#include "models/core/season_rule.h"

#define LIFETIME_MAX_PARAMS 3

/*
 * The share that stays longer than an age, or the density of leaving there: hazard e^ln, with
 * the derivatives of its logarithm in the parameters of attrition.
 */
typedef struct LifetimeTerm
{
	double ln;
	double hazard; /* of the density; 1 of the share */
	double gradient[LIFETIME_MAX_PARAMS];
	double hessian[LIFETIME_MAX_PARAMS][LIFETIME_MAX_PARAMS]; /* upper triangle */
} LifetimeTerm;

/* How customers leave. Parameters are all those of the model; ages are >= 0, in time units. */
typedef struct LifetimeLaw
{
	int n_params; /* those of attrition, which come after r and alpha */
	void (*survival)(const double *params, double age, LifetimeTerm *term);
	void (*density)(const double *params, double age, LifetimeTerm *term);

	/* ln of the share that stays longer, and the hazard (unless NULL): the same, without derivatives. */
	double (*ln_share)(const double *params, double age, double *hazard);

	/* How far the nearest singularity of the density is from an age, and the size of the slope of its logarithm there. */
	double (*room)(const double *params, double age, double *rate);

	/* How the share bends that stays on from an age, whatever this is: in time units. */
	SeasonBend (*bend)(const double *params);
} LifetimeLaw;

/* Of shares e^-rate w, this many 1 / rate are the scale on which they bend. */
#define LIFETIME_BEND 2.0

/*
 * Log-likelihood of a population with days, without the factors of the days of purchases.
 * gradient[n] and hessian[n * n], n = 2 + the law's n_params, are in natural parameters;
 * either may be NULL.
 */
extern double two_clocks_log_likelihood(const LifetimeLaw *law, const Population *population, const double *params,
										double *gradient, double *hessian);

/*
 * Adds what the population was exposed to: the rate at which its customers are expected to
 * have bought, on the days on which they may have been customers. The gradient comes with it.
 */
extern void two_clocks_expose(const LifetimeLaw *law, const Population *population, const double *params,
							  SeasonWeights *weights, double *gradient);

#endif /* MODELS_COMPETING_RISKS_TWO_CLOCKS_H */
