/*
 * rates.c
 *	  Priors of rates by maximum likelihood, posteriors, and the three questions.
 *
 * Up to terms without parameters the likelihoods are, with ln(a)_k the logarithm of
 * the rising factorial,
 *
 *	k of n:				ln(a)_k + ln(b)_(n-k) - ln(a+b)_n
 *	k in exposure t:	ln(a)_k - a ln(1 + t/b) - k ln(b + t)
 *
 * If units differ no more than by chance, both have their maximum at infinity. That is
 * so, at least locally, where the likelihood does not rise with the first trace of a
 * difference: its derivative in 1 / (a + b), or in 1 / a, at the pooled rate is
 *
 *	sum of [k (k-1) / m + (n-k) (n-k-1) / (1-m) - n (n-1)] / 2,	or of [(k - m t)^2 - k] / 2
 *
 * (Tarone, Biometrika 66:585, 1979; Collings & Margolin, JASA 80:411, 1985).
 */
#include "models/decision/rate_likelihood.h"

#include <math.h>

#include "numerics/special.h"
#include "numerics/sum.h"
#include "numerics/tails.h"
#include "numerics/trust_region.h"

/* Adds the terms of k of n: derivatives in a and b, the second ones as aa, ab, bb. */
static void
add_proportion(const RateUnits *row, double a, double b, double *value, double *first, double *second)
{
	double bad = row->total - row->good;

	*value += row->units * (sf_lnpoch(a, row->good) + sf_lnpoch(b, bad) - sf_lnpoch(a + b, row->total));
	first[0] += row->units * (sf_dpoch(a, row->good) - sf_dpoch(a + b, row->total));
	first[1] += row->units * (sf_dpoch(b, bad) - sf_dpoch(a + b, row->total));
	second[0] += row->units * (sf_tpoch(a, row->good) - sf_tpoch(a + b, row->total));
	second[1] -= row->units * sf_tpoch(a + b, row->total);
	second[2] += row->units * (sf_tpoch(b, bad) - sf_tpoch(a + b, row->total));
}

/* The same for k events in exposure t. */
static void
add_count(const RateUnits *row, double t, double a, double b, double *value, double *first, double *second)
{
	double k = row->good;

	*value += row->units * (sf_lnpoch(a, k) - a * log1p(t / b) - k * log(b + t));
	first[0] += row->units * (sf_dpoch(a, k) - log1p(t / b));
	first[1] += row->units * (a * t / b - k) / (b + t);
	second[0] += row->units * sf_tpoch(a, k);
	second[1] += row->units * t / (b * (b + t));
	second[2] += row->units * (k - a * t / b * (2.0 + t / b)) / ((b + t) * (b + t));
}

void
rate_prior_objective(void *data, const double *theta, double *value, double *gradient, double *hessian)
{
	const PriorLikelihood *likelihood = data;
	double p[2] = {exp(theta[0]), exp(theta[1])};
	double first[2] = {0.0, 0.0};
	double second[3] = {0.0, 0.0, 0.0};

	*value = 0.0;
	for (int i = 0; i < likelihood->count; i++)
	{
		const RateUnits *row = &likelihood->rows[i];

		host_poll_at(i);
		if (likelihood->counts)
			add_count(row, row->total / likelihood->unit, p[0], p[1], value, first, second);
		else
			add_proportion(row, p[0], p[1], value, first, second);
	}
	*value = -*value;
	for (int i = 0; i < 2; i++)
		gradient[i] = -p[i] * first[i];
	hessian[0] = gradient[0] - p[0] * p[0] * second[0];
	hessian[1] = hessian[2] = -p[0] * p[1] * second[1];
	hessian[3] = gradient[1] - p[1] * p[1] * second[2];
}

double
rate_typical_exposure(const RateUnits *rows, int count, double units)
{
	double ln_product = 0.0;

	for (int i = 0; i < count; i++)
	{
		host_poll_at(i);
		ln_product += rows[i].units / units * log(rows[i].total);
	}
	return exp(ln_product);
}

/* Whether the likelihood rises with the first trace of a difference between units. */
static bool
units_differ(const PriorLikelihood *likelihood, const RatePrior *prior)
{
	double mean = prior->good / prior->total;
	Sum score = {0};
	Sum size = {0};

	for (int i = 0; i < likelihood->count; i++)
	{
		const RateUnits *row = &likelihood->rows[i];
		double k = row->good;
		double n = row->total;
		double expected = likelihood->counts ? mean * n : n;
		double term = likelihood->counts
			? (k - expected) * (k - expected) - k
			: k * (k - 1.0) / mean + (n - k) * (n - k - 1.0) / (1.0 - mean) - n * (n - 1.0);

		host_poll_at(i);
		sum_add(&score, row->units * term);
		sum_add(&size, row->units * (expected * expected + k));
	}
	/* what is left of the rounding of a sum that is zero is no difference */
	return sum_value(&score) > 1e-12 * sum_value(&size);
}

/* A start by the method of moments, in logarithms; kept within what a fit can leave again. */
static void
rate_start(const PriorLikelihood *likelihood, const RatePrior *prior, double *theta)
{
	double mean = prior->good / prior->total * (likelihood->counts ? likelihood->unit : 1.0);
	double squares = 0.0;
	double spread = 0.0;

	for (int i = 0; i < likelihood->count; i++)
	{
		const RateUnits *row = &likelihood->rows[i];
		double n = likelihood->counts ? row->total / likelihood->unit : row->total;
		double chance = likelihood->counts ? mean * n : n * mean * (1.0 - mean);
		double off = row->good - mean * n;

		squares += row->units * (off * off - chance);
		spread += row->units * n * fmax(n - (likelihood->counts ? 0.0 : 1.0), 0.0);
	}

	double variance = fmax(squares / spread, 0.0);
	double size = likelihood->counts ? mean * mean / variance : mean * (1.0 - mean) / variance - 1.0;

	if (!(size > 1e-3))
		size = 1e-3;
	if (!(size < 1e5))
		size = 1e5;
	theta[0] = log(likelihood->counts ? size : size * mean);
	theta[1] = log(likelihood->counts ? size / mean : size * (1.0 - mean));
}

void
rate_prior_fit(const Host *host, const RateUnits *rows, int count, bool counts, RatePrior *prior)
{
	PriorLikelihood likelihood = {rows, count, counts, 1.0};
	TrustRegionResult result;
	double theta[2];

	*prior = (RatePrior){.counts = counts, .status = RATE_PRIOR_NO_UNITS, .a = NAN, .b = NAN, .log_likelihood = NAN};
	for (int i = 0; i < count; i++)
	{
		host_poll_at(i);
		prior->units += rows[i].units;
		prior->good += rows[i].units * rows[i].good;
		prior->total += rows[i].units * rows[i].total;
	}
	if (!(prior->total > 0.0) || isinf(prior->total) || isinf(prior->good))
		return;
	prior->status = RATE_PRIOR_ALIKE;
	if (counts)
		likelihood.unit = rate_typical_exposure(rows, count, prior->units);
	if (!(prior->good > 0.0) || (!counts && prior->good >= prior->total) || !units_differ(&likelihood, prior))
		return;
	rate_start(&likelihood, prior, theta);
	trust_region_minimise(host, rate_prior_objective, &likelihood, 2, RATE_PRIOR_WIDEST, RATE_PRIOR_MAX_ITERATIONS,
						  theta, &result);
	prior->status = result.outcome == TRUST_REGION_CONVERGED ? RATE_PRIOR_OK : RATE_PRIOR_NOT_CONVERGED;
	prior->a = exp(theta[0]);
	prior->b = exp(theta[1]) * likelihood.unit;
	prior->log_likelihood = -result.value;
	if (counts)
		prior->log_likelihood -= prior->good * log(likelihood.unit);
}

double
rate_shrunk(const RatePrior *prior, double good, double total)
{
	if (prior->status == RATE_PRIOR_NO_UNITS)
		return NAN;
	if (prior->status == RATE_PRIOR_ALIKE)
		return prior->good / prior->total;
	return prior->counts ? (prior->a + good) / (prior->b + total) : (prior->a + good) / (prior->a + prior->b + total);
}

void
rate_shrunk_interval(const RatePrior *prior, double good, double total, double level, double *low, double *high)
{
	double a = prior->a + good;
	double rest = prior->b + (prior->counts ? total : total - good);
	double tail = (1.0 - level) / 2.0;

	*low = *high = NAN;
	if (isnan(prior->a))
		return;
	if (prior->counts)
	{
		*low = gamma_quantile(tail, a) / rest;
		*high = gamma_quantile(1.0 - tail, a) / rest;
	}
	else
	{
		*low = beta_quantile(tail, a, rest);
		*high = beta_quantile(1.0 - tail, a, rest);
	}
}

QuestionIndex
question_index(const double *index, const double *weights, int questions)
{
	QuestionIndex result = {.total = NAN, .coverage = 0.0, .gains = {NAN, NAN, NAN}, .improve = -1};
	double all = 0.0;
	double known = 0.0;
	double ln_total = 0.0;

	for (int i = 0; i < questions; i++)
	{
		all += weights[i];
		known += isnan(index[i]) ? 0.0 : weights[i];
	}
	if (!(known > 0.0))
		return result;
	result.coverage = known / all;
	for (int i = 0; i < questions; i++)
		if (!isnan(index[i]) && weights[i] > 0.0)
			ln_total += weights[i] / known * log(index[i]);
	result.total = exp(ln_total);
	for (int i = 0; i < questions; i++)
	{
		if (isnan(index[i]))
			continue;
		/* from zero any improvement is worth more than all others */
		result.gains[i] = weights[i] == 0.0 ? 0.0 : 0.01 * result.total * weights[i] / known / index[i];
		if (weights[i] > 0.0 && index[i] == 0.0)
			result.gains[i] = NAN;
		if (weights[i] > 0.0 && index[i] < 1.0 &&
			(result.improve < 0 || index[i] == 0.0 || result.gains[i] > result.gains[result.improve]) &&
			!(result.improve >= 0 && index[result.improve] == 0.0))
			result.improve = i;
	}
	return result;
}

typedef struct LogisticData
{
	const QuestionCell *cells;
	int count;
} LogisticData;

static double
logit_at(const QuestionCell *cell, const double *theta, double *x)
{
	double sum = theta[0];

	x[0] = 1.0;
	for (int i = 0; i < QUESTIONS; i++)
	{
		x[1 + i] = log(fmax(cell->index[i], QUESTION_LEAST));
		sum += theta[1 + i] * x[1 + i];
	}
	return sum;
}

/* Minus the log-likelihood of a logistic regression, its gradient and its Hessian. */
static void
logistic_objective(void *data, const double *theta, double *value, double *gradient, double *hessian)
{
	const LogisticData *logistic = data;
	const int n = 1 + QUESTIONS;

	*value = 0.0;
	for (int i = 0; i < n * n; i++)
		hessian[i] = 0.0;
	for (int i = 0; i < n; i++)
		gradient[i] = 0.0;
	for (int c = 0; c < logistic->count; c++)
	{
		const QuestionCell *cell = &logistic->cells[c];
		double x[1 + QUESTIONS];
		double logit = logit_at(cell, theta, x);
		double odds = exp(-fabs(logit));
		double p = (logit < 0.0 ? odds : 1.0) / (1.0 + odds);
		double spread = cell->customers * odds / ((1.0 + odds) * (1.0 + odds));

		host_poll_at(c);
		*value += cell->customers * (fmax(logit, 0.0) + log1p(odds)) - cell->repurchased * logit;
		for (int i = 0; i < n; i++)
		{
			gradient[i] += x[i] * (cell->customers * p - cell->repurchased);
			for (int j = 0; j < n; j++)
				hessian[i * n + j] += x[i] * x[j] * spread;
		}
	}
}

/* A step of Newton's that is longer leads to no maximum. In units of coefficients. */
#define LONGEST_LAST_STEP 0.01

/*
 * Whether the likelihood has a maximum where the search has ended. Where it rises without end, because all have
 * bought again, or indices tell exactly who has, the gradient and the Hessian vanish together, and Newton's step
 * remains one of about one logit, however far the search has come.
 */
static bool
ends_in_maximum(int n, const TrustRegionResult *result, const double *values, const double *vectors)
{
	double square = 0.0;

	for (int k = 0; k < n; k++)
	{
		double along = 0.0;

		for (int i = 0; i < n; i++)
			along += vectors[i * n + k] * result->gradient[i];
		square += (along / values[k]) * (along / values[k]);
	}
	return square < LONGEST_LAST_STEP * LONGEST_LAST_STEP;
}

QuestionWeights
question_weights_fit(const Host *host, const QuestionCell *cells, int count)
{
	const int n = 1 + QUESTIONS;
	LogisticData logistic = {cells, count};
	QuestionWeights weights;
	TrustRegionResult result;
	double theta[1 + QUESTIONS] = {0};
	double values[1 + QUESTIONS];
	double vectors[(1 + QUESTIONS) * (1 + QUESTIONS)];
	double positive = 0.0;

	trust_region_minimise(host, logistic_objective, &logistic, n, 30.0, RATE_PRIOR_MAX_ITERATIONS, theta, &result);
	symmetric_eigen(n, result.hessian, values, vectors);
	weights.identified = count > 0 && result.outcome == TRUST_REGION_CONVERGED && values[0] > 1e-9 * values[n - 1] &&
		ends_in_maximum(n, &result, values, vectors);
	for (int i = 0; i < n; i++)
	{
		double variance = 0.0;

		for (int k = 0; k < n; k++)
			variance += vectors[i * n + k] * vectors[i * n + k] / values[k];
		weights.coefficient[i] = weights.identified ? theta[i] : NAN;
		weights.std_error[i] = weights.identified ? sqrt(variance) : NAN;
	}
	for (int i = 0; i < QUESTIONS; i++)
		positive += fmax(weights.coefficient[1 + i], 0.0);
	for (int i = 0; i < QUESTIONS; i++)
		weights.weight[i] = positive > 0.0 ? fmax(weights.coefficient[1 + i], 0.0) / positive : NAN;
	return weights;
}
