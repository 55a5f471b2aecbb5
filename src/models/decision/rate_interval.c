/*
 * rate_interval.c
 *	  Intervals of rates that allow for a prior which is an estimate itself.
 *
 * An interval that takes the fitted prior as known is too narrow where units are few: of thirty
 * units with ten trials each, 81 % of rates lie in one of 90 %. So the prior is integrated over.
 * It is its mean m and its strength s, which is a + b trials, or an exposure b. A priori every
 * share n / (n + s) by which the data of a typical unit count is as likely as any other, which is
 * a density of n / (n + s)^2 for s (Christiansen & Morris, JASA 92:618, 1997), where n is the
 * harmonic mean of the totals; for m it is Jeffreys' density. The posterior is proper also where
 * the likelihood has its maximum at an infinite strength, since units differ by no more than chance.
 *
 * The integral goes over ln s by the trapezoidal rule, from the mode outward with a standard
 * deviation a step, until the density is e^-7 of the highest; and over the logit of m (of
 * counts its logarithm) by the Gauss-Hermite rule with three points, around a quasi-likelihood
 * estimate for that s. The rate of a unit then is a mixture of beta (gamma) distributions, whose
 * quantiles are the interval.
 *
 * Where the strength is known to within two per cent, the fitted prior is as good, and taken.
 */
#include <math.h>

#include "models/decision/rate_likelihood.h"
#include "numerics/beta_prime.h"
#include "numerics/root.h"
#include "numerics/special.h"
#include "numerics/tails.h"
#include "numerics/trust_region.h"

#define KNOWN_WITHIN 0.02
#define STEP_IN_DEVIATIONS 1.0
#define LONGEST_STEP 1.0
#define LOWEST_DENSITY (-7.0)
#define MOST_STEPS 50
#define MEAN_POINTS 3
#define LEAST_WEIGHT 1e-4
#define LARGEST_LN_RATE 709.0

/* The search for the mean that is most likely for a strength: in logits, and in deviations. */
#define MOST_MODE_STEPS 50
#define LONGEST_MODE_STEP 3.0
#define MODE_WITHIN 0.001

/* Gauss-Hermite points and weights, of the standard normal density. */
static const double points[MEAN_POINTS] = {-1.7320508075688773, 0.0, 1.7320508075688773};
static const double weights[MEAN_POINTS] = {1.0 / 6.0, 2.0 / 3.0, 1.0 / 6.0};

typedef struct RatePosterior
{
	PriorLikelihood likelihood;
	double typical; /* total of a unit, in units of exposure */
	double highest; /* logarithm of the density at the mode, up to a constant */
} RatePosterior;

/* The logarithm of the prior density in ln a and ln b, which is that in ln s and the logit (or logarithm) of m. */
static double
prior_density(const RatePosterior *posterior, double a, double b)
{
	double s = posterior->likelihood.counts ? b : a + b;
	double of_mean = posterior->likelihood.counts ? 0.5 * log(a / b) : 0.5 * (log(a / s) + log(b / s));

	return of_mean + log(s) - 2.0 * log(s + posterior->typical);
}

/* Minus the posterior density, its gradient and its Hessian in ln a and ln b. */
static void
posterior_objective(void *data, const double *theta, double *value, double *gradient, double *hessian)
{
	const RatePosterior *posterior = data;
	bool counts = posterior->likelihood.counts;
	double a = exp(theta[0]);
	double b = exp(theta[1]);
	double s = counts ? b : a + b;
	double share[2] = {counts ? 0.0 : a / s, counts ? 1.0 : b / s}; /* derivatives of ln s */
	double of_mean[2] = {0.5, counts ? -0.5 : 0.5};
	double jeffreys = counts ? 0.0 : 1.0; /* times ln s, subtracted */
	double pull = 1.0 - jeffreys - 2.0 * s / (s + posterior->typical);
	double curve = -2.0 * s * posterior->typical / ((s + posterior->typical) * (s + posterior->typical));
	double bend = counts ? 0.0 : a * b / (s * s); /* second derivatives of ln s: bend, -bend, bend */

	rate_prior_objective((void *) &posterior->likelihood, theta, value, gradient, hessian);
	*value -= prior_density(posterior, a, b);
	for (int i = 0; i < 2; i++)
	{
		gradient[i] -= of_mean[i] + pull * share[i];
		for (int k = 0; k < 2; k++)
			hessian[2 * i + k] -= curve * share[i] * share[k] + pull * (i == k ? bend : -bend);
	}
}

/* The log-likelihood of priors with several means and one strength. */
static void
log_likelihoods(const PriorLikelihood *likelihood, const double *a, const double *b, double *values)
{
	for (int p = 0; p < MEAN_POINTS; p++)
		values[p] = 0.0;
	for (int i = 0; i < likelihood->count; i++)
	{
		const RateUnits *row = &likelihood->rows[i];
		double t = row->total / likelihood->unit;

		host_poll_at(i);
		for (int p = 0; p < MEAN_POINTS; p++)
			values[p] += row->units *
				(likelihood->counts ? sf_lnpoch(a[p], row->good) - a[p] * log1p(t / b[p]) - row->good * log(b[p] + t)
									: sf_lnpoch(a[p], row->good) + sf_lnpoch(b[p], row->total - row->good) -
						 sf_lnpoch(a[p] + b[p], row->total));
	}
}

/* Where the mean is for a strength, and how well it is known: each unit counts as far as it is not like itself. */
static void
mean_given_strength(const PriorLikelihood *likelihood, double s, double *center, double *deviation)
{
	double good = 0.5;
	double total = likelihood->counts ? 0.5 : 1.0;

	for (int i = 0; i < likelihood->count; i++)
	{
		const RateUnits *row = &likelihood->rows[i];
		double t = row->total / likelihood->unit;
		double share = likelihood->counts ? 1.0 / (1.0 + t / s) : 1.0 / (1.0 + (t - 1.0) / (s + 1.0));

		host_poll_at(i);
		good += row->units * share * row->good;
		total += row->units * share * t;
	}

	double mean = good / total;

	*center = likelihood->counts ? log(mean) : log(good / (total - good));
	*deviation = 1.0 / sqrt(likelihood->counts ? good : good * (1.0 - mean));
}

/* A prior by its strength and the logit (of counts the logarithm) of its mean. */
static void
prior_at(bool counts, double s, double u, double *a, double *b)
{
	*a = counts ? s * exp(u) : s / (1.0 + exp(-u));
	*b = counts ? s : s / (1.0 + exp(u));
}

/*
 * The derivative of the density in the mean, for a strength, divided by that of a: it falls with the mean, and is zero at one.
 * Sets its own, and what it was divided by.
 */
static double
mean_slope(const PriorLikelihood *likelihood, double s, double u, double *bend, double *scale)
{
	bool counts = likelihood->counts;
	double a;
	double b;
	double slope;

	prior_at(counts, s, u, &a, &b);
	*scale = counts ? a : a * (b / s);
	slope = 0.5 / a - (counts ? 0.0 : 0.5 / b);
	*bend = -0.5 / (a * a) - (counts ? 0.0 : 0.5 / (b * b));
	for (int i = 0; i < likelihood->count; i++)
	{
		const RateUnits *row = &likelihood->rows[i];
		double bad = row->total - row->good;

		host_poll_at(i);
		slope += row->units *
			(sf_dpoch(a, row->good) - (counts ? log1p(row->total / likelihood->unit / b) : sf_dpoch(b, bad)));
		*bend += row->units * (sf_tpoch(a, row->good) + (counts ? 0.0 : sf_tpoch(b, bad)));
	}
	*bend *= *scale;
	return slope;
}

/*
 * Where the density of the mean is highest for a strength, by Newton's method within a bracket, and its deviation there.
 * The quasi-likelihood estimate, from which it begins, is no such place where units of very different totals differ by
 * more than the strength has them differ.
 */
static void
mode_given_strength(const PriorLikelihood *likelihood, double s, double *center, double *deviation)
{
	double low = -INFINITY;
	double high = INFINITY;

	for (int i = 0; i < MOST_MODE_STEPS; i++)
	{
		double bend;
		double scale;
		double slope = mean_slope(likelihood, s, *center, &bend, &scale);
		double step = fmax(fmin(-slope / bend, LONGEST_MODE_STEP), -LONGEST_MODE_STEP);

		if (!(bend < 0.0) || !isfinite(slope))
			return;
		*deviation = 1.0 / sqrt(-bend * scale);
		if (slope > 0.0)
			low = *center;
		else
			high = *center;
		if (fabs(step) < MODE_WITHIN * *deviation)
			return;
		*center = *center + step > low && *center + step < high ? *center + step : 0.5 * (low + high);
	}
}

/* Adds the priors with one strength, with logarithms of weights; the highest of their density, relative to that at the mode. */
static double
add_strength(const RatePosterior *posterior, double ln_strength, RateSpread *spread)
{
	const PriorLikelihood *likelihood = &posterior->likelihood;
	double s = exp(ln_strength);
	double a[MEAN_POINTS];
	double b[MEAN_POINTS];
	double values[MEAN_POINTS];
	double center;
	double deviation;
	double highest = -INFINITY;

	mean_given_strength(likelihood, s, &center, &deviation);
	mode_given_strength(likelihood, s, &center, &deviation);
	for (int p = 0; p < MEAN_POINTS; p++)
		prior_at(likelihood->counts, s, center + deviation * points[p], &a[p], &b[p]);
	log_likelihoods(likelihood, a, b, values);
	for (int p = 0; p < MEAN_POINTS; p++)
	{
		double density = values[p] + prior_density(posterior, a[p], b[p]) - posterior->highest;
		double ln_weight = density + 0.5 * points[p] * points[p] + log(weights[p] * deviation);

		highest = fmax(highest, density);
		if (isfinite(ln_weight))
			spread->nodes[spread->count++] = (RateNode){a[p], b[p] * likelihood->unit, ln_weight};
	}
	return highest;
}

/* How far the data leave the logarithm of the strength open: of the Hessian's inverse. */
static double
strength_deviation(const double *theta, const double *hessian, bool counts)
{
	double odds = exp(theta[0] - theta[1]);
	double share[2] = {counts ? 0.0 : odds / (1.0 + odds), counts ? 1.0 : 1.0 / (1.0 + odds)};
	double determinant = hessian[0] * hessian[3] - hessian[1] * hessian[1];

	return sqrt(
		(share[0] * share[0] * hessian[3] - 2.0 * share[0] * share[1] * hessian[1] + share[1] * share[1] * hessian[0]) /
		determinant);
}

/* The fitted prior alone. */
static void
take_as_known(const RatePrior *prior, RateSpread *spread)
{
	spread->nodes[0] = (RateNode){prior->a, prior->b, 1.0};
	spread->count = 1;
}

/*
 * Makes weights of their logarithms, drops what has next to none, and makes the others add up to 1. Of very many units the
 * density is rounded by whole logarithms, and the highest is not that at the mode.
 */
static void
normalise(RateSpread *spread)
{
	double highest = -INFINITY;
	double sum = 0.0;
	double kept = 0.0;
	int count = 0;

	for (int i = 0; i < spread->count; i++)
		highest = fmax(highest, spread->nodes[i].weight);
	for (int i = 0; i < spread->count; i++)
	{
		spread->nodes[i].weight = exp(spread->nodes[i].weight - highest);
		sum += spread->nodes[i].weight;
	}
	for (int i = 0; i < spread->count; i++)
		if (spread->nodes[i].weight >= LEAST_WEIGHT * sum)
		{
			kept += spread->nodes[i].weight;
			spread->nodes[count++] = spread->nodes[i];
		}
	for (int i = 0; i < count; i++)
		spread->nodes[i].weight /= kept;
	spread->count = count;
}

void
rate_prior_spread(const Host *host, const RateUnits *rows, int count, const RatePrior *prior, RateSpread *spread)
{
	RatePosterior posterior = {.likelihood = {rows, count, prior->counts, 1.0}};
	TrustRegionResult result;
	double inverse = 0.0;
	double theta[2];

	spread->counts = prior->counts;
	spread->count = 0;
	if (prior->status == RATE_PRIOR_NO_UNITS)
		return;
	if (prior->counts)
		posterior.likelihood.unit = rate_typical_exposure(rows, count, prior->units);
	for (int i = 0; i < count; i++)
	{
		host_poll_at(i);
		inverse += rows[i].units * posterior.likelihood.unit / rows[i].total;
	}
	posterior.typical = prior->units / inverse;
	mean_given_strength(&posterior.likelihood, posterior.typical, &theta[0], &theta[1]);
	theta[1] = log(posterior.typical) - (prior->counts ? 0.0 : log1p(exp(theta[0])));
	theta[0] += theta[1];
	trust_region_minimise(host, posterior_objective, &posterior, 2, RATE_PRIOR_WIDEST, RATE_PRIOR_MAX_ITERATIONS, theta,
						  &result);

	double deviation = strength_deviation(theta, result.hessian, prior->counts);
	double mode = prior->counts ? theta[1] : log(exp(theta[0]) + exp(theta[1]));
	double step = fmin(STEP_IN_DEVIATIONS * deviation, LONGEST_STEP);

	if (prior->status == RATE_PRIOR_OK && deviation < KNOWN_WITHIN)
	{
		take_as_known(prior, spread);
		return;
	}
	if (!(step > 0.0))
		step = LONGEST_STEP;
	posterior.highest = -result.value;
	add_strength(&posterior, mode, spread);
	for (int side = -1; side <= 1; side += 2)
		for (int i = 1; i <= MOST_STEPS && add_strength(&posterior, mode + side * i * step, spread) > LOWEST_DENSITY;
			 i++)
			host_poll();
	normalise(spread);
}

/* The distribution of a unit's rate: a mixture, each part of which is a node's given the unit's data. */
typedef struct RateMixture
{
	const RateSpread *spread;
	double good;
	double total;
	double p;
	double ln_norm[RATE_SPREAD_MOST]; /* logarithms of the beta, or gamma, functions */
} RateMixture;

static double
gamma_prob(double a, double ln_gamma_a, double rate, double z, double *slope)
{
	double x = rate * exp(z);

	*slope = exp(a * log(x) - x - ln_gamma_a);
	return 1.0 - chi_square_tail(2.0 * x, 2.0 * a);
}

/* The probability below a rate, by the logarithm of its odds (of counts, its own), less the one that is sought. */
static double
mixture_target(const void *data, double z, double *slope)
{
	const RateMixture *mixture = data;
	const RateSpread *spread = mixture->spread;
	double sum = 0.0;

	*slope = 0.0;
	for (int i = 0; i < spread->count; i++)
	{
		const RateNode *node = &spread->nodes[i];
		double a = node->a + mixture->good;
		double slope_here = 0.0;

		host_poll();

		double prob = spread->counts
			? gamma_prob(a, mixture->ln_norm[i], node->b + mixture->total, z, &slope_here)
			: beta_prime_cdf(a, node->b + mixture->total - mixture->good, mixture->ln_norm[i], z, &slope_here);

		sum += node->weight * prob;
		*slope += node->weight * slope_here;
	}
	return sum - mixture->p;
}

/* A rate that is not below the quantile, by Cantelli's inequality: where the search for it begins. */
static double
not_below_quantile(const RateMixture *mixture)
{
	const RateSpread *spread = mixture->spread;
	double mean = 0.0;
	double square = 0.0;
	double within = 0.0;

	for (int i = 0; i < spread->count; i++)
	{
		const RateNode *node = &spread->nodes[i];
		double a = node->a + mixture->good;
		double rest = node->b + mixture->total - (spread->counts ? 0.0 : mixture->good);
		double m = spread->counts ? a / rest : a / (a + rest);

		mean += node->weight * m;
		square += node->weight * m * m;
		within += node->weight * (spread->counts ? m / rest : m * (rest / (a + rest)) / (a + rest + 1.0));
	}
	return mean + sqrt((within + fmax(square - mean * mean, 0.0)) * mixture->p / (1.0 - mixture->p));
}

static double
mixture_quantile(RateMixture *mixture, double p)
{
	RisingFunction f = {mixture_target, mixture};
	bool counts = mixture->spread->counts;
	double above;
	double z;

	mixture->p = p;
	above = not_below_quantile(mixture);
	if (counts)
		return exp(rising_root(&f, fmin(log(above) + 1e-9, LARGEST_LN_RATE)));
	z = rising_root(&f, above < 1.0 ? log(above / (1.0 - above)) + 1e-9 : INFINITY);
	return z > 0.0 ? 1.0 / (1.0 + exp(-z)) : exp(z) / (1.0 + exp(z));
}

void
rate_spread_interval(const RateSpread *spread, double good, double total, double level, double *low, double *high)
{
	double tail = (1.0 - level) / 2.0;
	RateMixture mixture = {.spread = spread, .good = good, .total = total};

	*low = *high = NAN;
	if (spread->count == 0)
		return;
	for (int i = 0; i < spread->count; i++)
	{
		double a = spread->nodes[i].a + good;

		mixture.ln_norm[i] = spread->counts ? lgamma(a) : ln_beta(a, spread->nodes[i].b + total - good);
	}
	*low = mixture_quantile(&mixture, tail);
	*high = mixture_quantile(&mixture, 1.0 - tail);
}
