/*
 * spend_model.h
 *	  The interface of models of the amounts of orders, as models/core/model.h is
 *	  for the times of orders.
 *
 * A model is a table of functions over a vector of parameters, which are positive and
 * finite: fits take their logarithms. One of them is an amount, the others are pure
 * numbers. What they mean is known in the model's own file only; a new model is one new
 * file and one line in spend_model.c.
 *
 * Of a customer only the number of purchases and their total are known. Amounts are
 * positive, and do not depend on the number of purchases.
 */
#ifndef MODELS_SPEND_SPEND_MODEL_H
#define MODELS_SPEND_SPEND_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "numerics/random.h"

#define SPEND_MAX_PARAMS 4

/* Numbers that a model keeps of a customer, as it needs them. */
#define SPEND_MAX_STATE 4

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
	double state[SPEND_MAX_STATE];
} SpendCustomer;

/* What a customer's further orders come to: its distribution is that of a number of orders and z = ln(total / scale). */
typedef struct SpendTotal
{
	double scale;
	double state[SPEND_MAX_STATE];
} SpendTotal;

/*
 * An expected amount as a function of what was spent, worth (amount + spend), and its
 * derivatives by the logarithms of the parameters: worth (amount of_amount[i] + spend of_spend[i]).
 */
typedef struct SpendMean
{
	double worth; /* INFINITY if there is no mean */
	double amount;
	double of_amount[SPEND_MAX_PARAMS];
	double of_spend[SPEND_MAX_PARAMS];
} SpendMean;

typedef struct SpendModel
{
	int id;           /* stored on disk, never used again; SPEND_DEFAULT_ID is that of gamma-gamma */
	const char *name; /* as users write it */
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

	/*
	 * The same with derivatives. Where the model is linear it holds for any spend on x purchases, so that
	 * customers may be added up before they are valued. Otherwise it is worth * amount, for this spend alone.
	 */
	bool linear;
	SpendMean (*mean)(const double *params, double x, double spend);

	/* Draws a customer, and an amount of theirs. */
	SpendCustomer (*draw_customer)(const double *params, Random *random);
	double (*draw_amount)(const SpendCustomer *customer, Random *random);

	/*
	 * The total of further orders of a customer whose x purchases were `spend` together (ignored if x = 0): what its
	 * distribution depends on; a number for n >= 1 orders that is costly and is kept by the caller; and the
	 * probability that n orders come to at most scale * e^z, with its derivative in z.
	 */
	bool total_has_one_shape; /* of all that total_of gives, `spend` changes the scale alone */
	SpendTotal (*total_of)(const double *params, double x, double spend);
	double (*total_constant)(const SpendTotal *total, double n);
	double (*total_cdf)(const SpendTotal *total, double n, double constant, double z, double *density);
} SpendModel;

/* Stored models that name no spend model have this one. */
#define SPEND_DEFAULT_ID 0

/* The models, from 0 on; NULL after the last. Each is a line of spend_model.c. */
extern const SpendModel *spend_model_at(int i);

/* By its name in any case, or by its id; NULL if there is no such model. */
extern const SpendModel *spend_model_by_name(const char *name);
extern const SpendModel *spend_model_by_id(int id);

#endif /* MODELS_SPEND_SPEND_MODEL_H */
