/*
 * value_prediction.c
 *	  The predictive distribution of a customer's spend.
 *
 * Quantiles are zeros of the distribution function minus a probability, as a
 * function of z = ln(total / scale), found by Newton's method within a
 * bracket. Nothing is drawn at random.
 */
#include "models/spend/value_prediction.h"

#include <math.h>

/* Terms of less weight do not change a probability. */
#define SMALLEST_WEIGHT 1e-17

/* z lies within the exponents of doubles. */
#define LARGEST_Z 709.0

/* A quantile is as exact as this, relative to its value. */
#define TOLERANCE 1e-11
#define MAX_STEPS 200

/* Terms between two checks for interrupts. */
#define TERMS_PER_CHECK 64

/* A prediction prepared for its distribution function. */
typedef struct Mixture
{
	const Host *host;
	const ValuePrediction *prediction;
	SpendTotal total;
	double *constants; /* of the total of n orders */
} Mixture;

double
value_scale(const ValuePrediction *prediction)
{
	return prediction->spend_model->total_of(prediction->spend_params, prediction->x, prediction->spend).scale;
}

static Mixture
mixture_begin(const Host *host, const ValuePrediction *prediction)
{
	const SpendModel *model = prediction->spend_model;
	Mixture mixture = {
		.host = host,
		.prediction = prediction,
		.total = model->total_of(prediction->spend_params, prediction->x, prediction->spend),
		.constants = host->alloc((prediction->n_counts + 1) * sizeof(double)),
	};

	for (size_t n = 1; n < prediction->n_counts; n++)
	{
		if (n % TERMS_PER_CHECK == 0)
			host->check_interrupts();
		mixture.constants[n] = model->total_constant(&mixture.total, n);
	}
	return mixture;
}

/* The distribution function at scale e^z, and its derivative in z. */
static double
mixture_cdf(const Mixture *mixture, double z, double *slope)
{
	const ValuePrediction *prediction = mixture->prediction;
	double cdf = prediction->n_counts > 0 ? prediction->count_probs[0] : 0.0;

	*slope = 0.0;
	for (size_t n = 1; n < prediction->n_counts; n++)
	{
		double weight = prediction->count_probs[n];
		double density;

		if (n % TERMS_PER_CHECK == 0)
			mixture->host->check_interrupts();
		if (!(weight > SMALLEST_WEIGHT))
			continue;
		cdf += weight * prediction->spend_model->total_cdf(&mixture->total, n, mixture->constants[n], z, &density);
		*slope += weight * density;
	}
	return cdf;
}

/* The quantile at this probability, which is larger than that of no order, in units of the scale. */
static double
mixture_quantile(const Mixture *mixture, double probability)
{
	double low = -LARGEST_Z;
	double high = LARGEST_Z;
	double z = 0.0;

	for (int i = 0; i < MAX_STEPS && high - low > TOLERANCE; i++)
	{
		double slope;
		double excess = mixture_cdf(mixture, z, &slope) - probability;
		double next;

		if (excess < 0.0)
			low = z;
		else
			high = z;
		next = z - excess / slope;
		if (fabs(next - z) <= TOLERANCE)
			return exp(next);
		/* far out, where the function is flat, Newton's steps are no help */
		if (!(next > low && next < high))
			next = 0.5 * (low + high);
		z = next;
	}
	return z >= LARGEST_Z - 1.0 ? INFINITY : exp(z);
}

double
value_cdf(const Host *host, const ValuePrediction *prediction, double value)
{
	Mixture mixture = mixture_begin(host, prediction);
	double slope;
	double cdf =
		value > 0.0 ? mixture_cdf(&mixture, log(value / value_scale(prediction)), &slope) : prediction->count_probs[0];

	host->release(mixture.constants);
	return cdf;
}

ValueRange
value_range_of_scale(const Host *host, const ValuePrediction *prediction, double level)
{
	ValueRange range = {0.0, 0.0};
	double none = prediction->count_probs[0];
	double half = 0.5 * (1.0 - level);
	Mixture mixture;

	if (none >= fmax(half, level))
		return range;
	mixture = mixture_begin(host, prediction);
	if (none < half)
	{
		range.low = mixture_quantile(&mixture, half);
		range.high = mixture_quantile(&mixture, 1.0 - half);
	}
	else
		range.high = mixture_quantile(&mixture, level);
	host->release(mixture.constants);
	return range;
}

ValueRange
value_range(const Host *host, const ValuePrediction *prediction, double level)
{
	ValueRange range = value_range_of_scale(host, prediction, level);
	double scale = value_scale(prediction);

	return (ValueRange){scale * range.low, scale * range.high};
}
