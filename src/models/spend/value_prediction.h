/*
 * value_prediction.h
 *	  The predictive distribution of a customer's spend: a number of orders
 *	  from the timing model, amounts from the spend model.
 *
 * The models assume number and amounts to be independent, so the total is the
 * mixture over n of what n orders come to.
 */
#ifndef MODELS_SPEND_VALUE_PREDICTION_H
#define MODELS_SPEND_VALUE_PREDICTION_H

#include <stddef.h>

#include "models/spend/spend_model.h"
#include "numerics/host.h"

/* The inputs of the distribution of a customer's future spend. */
typedef struct ValuePrediction
{
	const double *count_probs; /* of 0, 1, … n_counts - 1 orders; they sum to about 1 */
	size_t n_counts;
	const SpendModel *spend_model;
	const double *spend_params;
	double x;     /* orders whose amounts are known */
	double spend; /* their total; ignored if x = 0 */
} ValuePrediction;

/* A range of values. */
typedef struct ValueRange
{
	double low;
	double high;
} ValueRange;

/* The probability of a total of at most `value` >= 0. */
extern double value_cdf(const Host *host, const ValuePrediction *prediction, double value);

/*
 * A range that contains the total with probability level (0 < level < 1): half
 * of the rest lies below and half above. Where no order is at least as likely
 * as that half, the range begins at zero and all of the rest lies above; where
 * no order is as likely as the level, the range is just zero and its coverage
 * is larger than the level. high may be INFINITY.
 */
extern ValueRange value_range(const Host *host, const ValuePrediction *prediction, double level);

/*
 * The same in units of the scale. Where the model's totals have one shape, it is that of every customer with the same
 * x and the same probabilities, whatever they spent.
 */
extern double value_scale(const ValuePrediction *prediction);
extern ValueRange value_range_of_scale(const Host *host, const ValuePrediction *prediction, double level);

#endif /* MODELS_SPEND_VALUE_PREDICTION_H */
