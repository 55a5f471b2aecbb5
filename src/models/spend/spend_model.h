/*
 * spend_model.h
 *	  The interface of models of the amounts of orders, as models/core/model.h is
 *	  for the times of orders.
 */
#ifndef MODELS_SPEND_SPEND_MODEL_H
#define MODELS_SPEND_SPEND_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/random.h"

#define SPEND_MAX_PARAMS 3

/* Customers with the same number of repeat purchases and the same spend. */
typedef struct SpendPoint
{
	uint32_t x;       /* purchases the spend is of; > 0 */
	double total;     /* their total spend, x times the mean m; > 0 */
	double customers; /* > 0, not necessarily whole */
} SpendPoint;

/*
 * Representative points for a bin of customers with the same x and similar
 * totals S, of which only moments were kept: their number (n > 0), and the
 * sums s1, s2, s3 of the first three powers of delta = (S - centre) / centre.
 * Writes one or two points whose total weight is n and whose moments are the
 * same (the two-point Gauss quadrature of the bin's distribution), and returns
 * how many: one if all S are equal within the precision of the moments.
 */
extern int spend_bin_points(uint32_t x, double centre, double n, double s1, double s2, double s3, SpendPoint points[2]);

/* A customer who was drawn: what their amounts are drawn from. */
typedef struct SpendCustomer
{
	double state[2]; /* as the model needs it */
} SpendCustomer;

/* What a customer's further orders come to: its distribution is that of a number of orders and z = ln(total / scale). */
typedef struct SpendTotal
{
	double scale;
	double state[2]; /* as the model needs it */
} SpendTotal;

typedef struct SpendModel
{
	const char *name;
	int n_params;
	const char *param_names[SPEND_MAX_PARAMS];
	int money_param; /* the parameter that is an amount: it scales with the unit of money */

	/* Where a fit starts, and the centre of its prior; amounts are measured in their mean. */
	double start[SPEND_MAX_PARAMS];

	/*
	 * Log-likelihood of points in ascending order of x, with gradient[n] and
	 * hessian[n * n] in natural parameters, either of which may be NULL.
	 */
	double (*log_likelihood)(const SpendPoint *points, size_t n_points, const double *params, double *gradient,
							 double *hessian);

	/*
	 * Expected amount of a next purchase of a customer whose x purchases were
	 * mean_spend on average; of a new customer if x is 0. NAN if it does not exist.
	 */
	double (*expected_spend)(const double *params, double x, double mean_spend);

	/* Draws a customer, and an amount of theirs. */
	SpendCustomer (*draw_customer)(const double *params, Random *random);
	double (*draw_amount)(const SpendCustomer *customer, Random *random);

	/*
	 * The total of further orders of a customer whose x purchases were `spend` together (ignored if x = 0): what its
	 * distribution depends on, of which only the scale may depend on `spend`; a number for n >= 1 orders that is costly and is kept by the caller; and the probability
	 * that n orders come to at most scale * e^z, with its derivative in z.
	 */
	SpendTotal (*total_of)(const double *params, double x, double spend);
	double (*total_constant)(const SpendTotal *total, double n);
	double (*total_cdf)(const SpendTotal *total, double n, double constant, double z, double *density);
} SpendModel;

/* The models of amounts, from 0 on; NULL after the last. Each is a line of spend_model.c. */
extern const SpendModel *spend_model_at(int i);

/* The one of stored models, which name none. */
extern const SpendModel gammagamma_model;

#endif /* MODELS_SPEND_SPEND_MODEL_H */
