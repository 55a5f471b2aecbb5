/*
 * buying_rate.h
 *	  How the rate of purchases of a live customer of the beta-geometric family goes on,
 *	  and from it what they are going to buy until several horizons at once.
 *
 * A customer of n = r + x, A = alpha + T, and dropout probability p ~ Beta(a, b) at each
 * purchase, alive now, buys in s from now at the expected rate
 *
 *		(n / A) R(s / A),	R(v) = E (1 + p v)^-(n + 1).
 *
 * R does not depend on T. It falls by half in about 1 / (n p): with a scale of that size it is a
 * smooth function of w = ln(1 + scale v), whose singularities are at distance pi, and which is not
 * large below pi / 2; and so are its derivatives. They are computed once for an x, at Chebyshev
 * points of panels of w that are RATE_SPAN wide. Then
 *
 *		D = n / scale integral from w = 0 to ln(1 + scale h / A) of e^(-delta A v) R e^w
 *
 * takes Gauss-Legendre points between the horizons, for all horizons and discounts alike. Being
 * linear in R it is a weighted sum of R at the Chebyshev points, and the weights depend on A and
 * the terms alone: they are computed once for an A, and serve every x.
 */
#ifndef MODELS_DECISION_BUYING_RATE_H
#define MODELS_DECISION_BUYING_RATE_H

#include <stdbool.h>

#include "numerics/host.h"

/* With so many nodes, interpolation errs by some 4.4^-22 of the largest in a panel. */
#define RATE_SPAN 3.0
#define RATE_NODES 22
#define RATE_PANELS 22

/* R, and its derivatives by ln r, ln a and ln b. */
enum
{
	RATE_OF_BUYING,
	RATE_BY_R,
	RATE_BY_A,
	RATE_BY_B,
	RATE_NUMBERS,
};

typedef struct BuyingRate
{
	double x;     /* of whom the panels are; negative: of nobody yet */
	double scale; /* of v: the steepness of the model */
	double r;
	double a;
	double b; /* of a customer, and the parameter, which is less by purchases */
	double b_param;
	int n_points; /* of p: ln of each, ln (1 - p), and weights that add up to 1 */
	double *p;
	double *ln_p;
	double *ln_rest;
	double *weight;
	double *panel[RATE_PANELS]; /* [RATE_NODES * RATE_NUMBERS]; NULL: not needed yet */
} BuyingRate;

/*
 * Makes it that of customers of x; params are r, alpha, a, b, and b is more by `survived`.
 * False if it takes too many points.
 */
extern bool buying_rate_start(const Host *host, BuyingRate *rate, const double *params, double x, double survived);
extern void buying_rate_free(const Host *host, BuyingRate *rate);

/* What is asked of a customer: horizons in ascending order, the last of which may be without end. */
typedef struct BuyingTerms
{
	double scale; /* that of the model's buying rates */
	int n_horizons;
	const double *horizon;
	double delta;
	int n_others; /* other discounts, without end; NaN: none */
	const double *other_delta;
} BuyingTerms;

#define BUYING_MAX_HORIZONS 8
#define BUYING_MAX_OTHERS 4

/* What the nodes of the panels weigh in what is asked of a customer of age A. */
typedef struct BuyingWeights
{
	double age;
	int n_panels;
	double *numbers;                       /* NULL: nothing is kept here */
	int panels_until[BUYING_MAX_HORIZONS]; /* how many panels a horizon needs */
} BuyingWeights;

/* False if there are not as many panels; nothing is kept then. */
extern bool buying_weights_make(const Host *host, const BuyingTerms *terms, double A, BuyingWeights *weights);
extern void buying_weights_free(const Host *host, BuyingWeights *weights);

/*
 * For a customer of the weights' age: by horizon D and its derivatives by ln r, ln alpha, ln a,
 * ln b, [n_horizons][stride], and D without end at the other discounts (0 where there is none).
 */
extern void buying_rate_orders(const Host *host, BuyingRate *rate, const BuyingTerms *terms,
							   const BuyingWeights *weights, double alpha, double *by_horizon, int stride,
							   double *others);

#endif /* MODELS_DECISION_BUYING_RATE_H */
