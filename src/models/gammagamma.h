/*
 * gammagamma.h
 *	  The gamma-gamma model: what a customer spends per purchase.
 *
 * The amounts of one customer are Gamma(p, rate nu); nu differs from customer
 * to customer as Gamma(q, rate gamma).  Independent of how often the customer
 * buys.  Parameters in this order: p, q (pure numbers), gamma (money).
 *
 * Fader & Hardie, "The Gamma-Gamma Model of Monetary Value" (note 025, 2013);
 * Colombo & Jiang, Journal of Interactive Marketing 13:3 (1999).
 */
#ifndef MODELS_GAMMAGAMMA_H
#define MODELS_GAMMAGAMMA_H

#include <stddef.h>
#include <stdint.h>

#define GAMMAGAMMA_PARAMS 3

/* Customers with the same number of repeat purchases and the same spend. */
typedef struct SpendPoint
{
	uint32_t	x;				/* purchases the spend is of; > 0 */
	double		total;			/* their total spend, x times the mean m; > 0 */
	double		customers;		/* > 0, not necessarily whole */
} SpendPoint;

/*
 * Log-likelihood of points in ascending order of x (points of one x are
 * cheaper together).  gradient[3] and hessian[9] are in natural parameters;
 * either may be NULL.  Note 025, eq. (1a).
 */
extern double gammagamma_log_likelihood(const SpendPoint *points, size_t n_points,
										const double *params, double *gradient, double *hessian);

/*
 * Expected amount of a next purchase of a customer whose x purchases were
 * mean_spend on average: p (gamma + m x) / (p x + q - 1), note 025, eq. (5).
 * With x = 0 (mean_spend is then ignored) the mean over the population,
 * p gamma / (q - 1).  NAN if it does not exist, that is if p x + q <= 1: the
 * model's tail is then so heavy that the integral is infinite.
 */
extern double gammagamma_expected_spend(const double *params, double x, double mean_spend);

/*
 * Stand-ins for a bin of customers with the same x and similar totals S, of
 * which only moments were kept: how many there are (n > 0), and the sums s1,
 * s2, s3 of the first three powers of delta = (S - centre) / centre.  Writes
 * one or two points whose total weight is n and whose moments are the same
 * (the two-point Gauss quadrature of the bin's distribution), and returns how
 * many: one if all S are equal to within what the moments can tell.
 */
extern int	spend_bin_points(uint32_t x, double centre, double n,
							 double s1, double s2, double s3, SpendPoint points[2]);

#endif							/* MODELS_GAMMAGAMMA_H */
