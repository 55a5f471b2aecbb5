/*
 * buying_rate.c
 *	  The rate of purchases to come. See buying_rate.h.
 *
 * The mean over p is a trapezoid rule in ln(p / (1 - p)), where the density falls
 * exponentially on both sides and everything is analytic for an imaginary part below pi:
 * the rule converges exponentially.
 */
#include "models/decision/buying_rate.h"

#include <math.h>
#include <string.h>

#include "models/beta_geometric/beta_geometric.h"
#include "numerics/quadrature.h"

/* The step of the trapezoid rule, for few purchases; with many the integrand is narrower. */
#define STEP 0.45
#define NARROWER 12.0

#define MAX_POINTS 8192

/* Weights below this part of the largest are left out. */
#define LEAST_WEIGHT 1e-17

/* Discounts by e^-40 and more are those of nothing. */
#define LAST_DISCOUNT 40.0

static double *
numbers(const Host *host, size_t n)
{
	return host->alloc(n * sizeof(double));
}

void
buying_rate_free(const Host *host, BuyingRate *rate)
{
	if (rate->n_points > 0)
	{
		host->release(rate->p);
		host->release(rate->ln_p);
		host->release(rate->ln_rest);
		host->release(rate->weight);
	}
	for (int i = 0; i < RATE_PANELS; i++)
		if (rate->panel[i] != NULL)
			host->release(rate->panel[i]);
	*rate = (BuyingRate){.x = -1};
}

/* ln p, ln (1 - p) and ln of the weight at ln(p / (1 - p)) = y. */
static double
point_at(const BuyingRate *rate, double y, double *ln_p, double *ln_rest)
{
	*ln_p = y < 0 ? y - log1p(exp(y)) : -log1p(exp(-y));
	*ln_rest = *ln_p - y;
	return rate->a * *ln_p + rate->b * *ln_rest;
}

/* Points with weight on one side of the mode. */
static int
points_beside(const BuyingRate *rate, double mode, double step)
{
	double ln_p;
	double ln_rest;
	double largest = point_at(rate, mode, &ln_p, &ln_rest);
	int n = 1;

	while (n < MAX_POINTS && point_at(rate, mode + n * step, &ln_p, &ln_rest) > largest + log(LEAST_WEIGHT))
	{
		host_poll_at((size_t) n);
		n++;
	}
	return n;
}

bool
buying_rate_start(const Host *host, BuyingRate *rate, const double *params, double x, double survived)
{
	double step = STEP / sqrt(1 + (params[0] + x + params[3] + survived) / NARROWER);
	double mode = log(params[2] / (params[3] + survived));
	double ln_p;
	double ln_rest;
	double largest;
	double sum = 0;
	int below;
	int above;

	if (rate->x == x)
		return true;
	buying_rate_free(host, rate);
	rate->scale = beta_geometric_steepness(params);
	rate->r = params[0];
	rate->a = params[2];
	rate->b_param = params[3];
	rate->b = params[3] + survived;
	below = points_beside(rate, mode, -step);
	above = points_beside(rate, mode, step);
	if (below + above >= MAX_POINTS)
		return false;
	rate->x = x;
	rate->n_points = below + above - 1;
	rate->p = numbers(host, rate->n_points);
	rate->ln_p = numbers(host, rate->n_points);
	rate->ln_rest = numbers(host, rate->n_points);
	rate->weight = numbers(host, rate->n_points);
	largest = point_at(rate, mode, &ln_p, &ln_rest);
	for (int i = 0; i < rate->n_points; i++)
	{
		double ln_weight = point_at(rate, mode + (i - below + 1) * step, &rate->ln_p[i], &rate->ln_rest[i]);

		host_poll_at((size_t) i);
		rate->p[i] = exp(rate->ln_p[i]);
		rate->weight[i] = exp(ln_weight - largest);
		sum += rate->weight[i];
	}

	double mean_ln_p = 0;
	double mean_ln_rest = 0;

	for (int i = 0; i < rate->n_points; i++)
	{
		rate->weight[i] /= sum;
		mean_ln_p += rate->weight[i] * rate->ln_p[i];
		mean_ln_rest += rate->weight[i] * rate->ln_rest[i];
	}
	/* as derivatives of the density by a and b need them */
	for (int i = 0; i < rate->n_points; i++)
	{
		rate->ln_p[i] -= mean_ln_p;
		rate->ln_rest[i] -= mean_ln_rest;
	}
	return true;
}

/* R and its derivatives at v. */
static void
rate_at(const BuyingRate *rate, double v, double *number)
{
	double power = rate->r + rate->x + 1;

	memset(number, 0, RATE_NUMBERS * sizeof(double));
	for (int i = 0; i < rate->n_points; i++)
	{
		double growth = log1p(rate->p[i] * v);
		double value = rate->weight[i] * exp(-power * growth);

		host_poll_at((size_t) i);
		number[RATE_OF_BUYING] += value;
		number[RATE_BY_R] -= value * growth;
		number[RATE_BY_A] += value * rate->ln_p[i];
		number[RATE_BY_B] += value * rate->ln_rest[i];
	}
	number[RATE_BY_R] *= rate->r;
	number[RATE_BY_A] *= rate->a;
	number[RATE_BY_B] *= rate->b_param;
}

/* Chebyshev point k of 0 ... 1. */
static double
chebyshev_point(int k)
{
	static const double points[RATE_NODES] = {
		0.9987260573051268,  0.9885734329855798,    0.9684748624998809,  0.9388394947836278,   0.9002706204621802,
		0.8535533905932737,  0.7996388332556734,    0.7396244933600284,  0.6747320897995491,   0.6062826447764883,
		0.5356695915996161,  0.4643304084003838,    0.39371735522351164, 0.3252679102004508,   0.2603755066399716,
		0.20036116674432652, 0.14644660940672624,   0.0997293795378198,  0.061160505216372195, 0.031525137500119135,
		0.01142656701442024, 0.0012739426948732294,
	};

	return points[k];
}

static const double *
panel_at(const Host *host, BuyingRate *rate, int panel)
{
	if (rate->panel[panel] == NULL)
	{
		rate->panel[panel] = numbers(host, RATE_NODES * RATE_NUMBERS);
		for (int k = 0; k < RATE_NODES; k++)
		{
			host->check_interrupts();
			rate_at(rate, expm1(RATE_SPAN * (panel + chebyshev_point(k))) / rate->scale,
					rate->panel[panel] + k * RATE_NUMBERS);
		}
	}
	return rate->panel[panel];
}

/* What the nodes of its panel weigh in a number at w: barycentric interpolation. */
static void
shares_of_nodes(double w, int panel, double *share)
{
	static const double weights[RATE_NODES] = {
		0.07133918319923234, -0.21256528955297668, 0.3494641795990983,  -0.47924898672005684, 0.599277666511347,
		-0.7071067811865476, 0.8005412409243604,   -0.8776789895672557, 0.9369497249997617,   -0.9771468659711595,
		0.9974521146102535,  -0.9974521146102535,  0.9771468659711595,  -0.9369497249997617,  0.8776789895672557,
		-0.8005412409243604, 0.7071067811865476,   -0.599277666511347,  0.47924898672005684,  -0.3494641795990983,
		0.21256528955297668, -0.07133918319923234,
	};
	double sum = 0;

	for (int k = 0; k < RATE_NODES; k++)
	{
		double distance = w / RATE_SPAN - panel - chebyshev_point(k);

		if (distance == 0)
		{
			memset(share, 0, RATE_NODES * sizeof(double));
			share[k] = 1;
			return;
		}
		share[k] = weights[k] / distance;
		sum += share[k];
	}
	for (int k = 0; k < RATE_NODES; k++)
		share[k] /= sum;
}

/* Where a discount leaves nothing; the smallest of those given decides. */
static double
last_time(const BuyingTerms *terms)
{
	double smallest = terms->delta;

	for (int i = 0; i < terms->n_others; i++)
		if (!isnan(terms->other_delta[i]))
			smallest = fmin(smallest, terms->other_delta[i]);
	return smallest > 0 ? LAST_DISCOUNT / smallest : 0;
}

/* Weights of all nodes in: D, its part by age, R at the horizon; then those of D at the other discounts. */
enum
{
	IN_ORDERS,
	IN_AGE,
	AT_HORIZON,
	WEIGHTS_OF_HORIZON,
};

static double *
weights_of(const BuyingWeights *weights, int row)
{
	return weights->numbers + (size_t) row * weights->n_panels * RATE_NODES;
}

static int
other_row(const BuyingTerms *terms, int other)
{
	return terms->n_horizons * WEIGHTS_OF_HORIZON + other;
}

/*
 * Adds the integral from one w to another, MOST_W apart at most: everything is analytic for an
 * imaginary part below pi, and the discount is no larger than one for one below pi / 2.
 */
#define MOST_W 2.0

static void
integrate(const BuyingTerms *terms, BuyingWeights *weights, int h, double from, double to)
{
	double *in_orders = weights_of(weights, h * WEIGHTS_OF_HORIZON + IN_ORDERS);
	double *in_age = weights_of(weights, h * WEIGHTS_OF_HORIZON + IN_AGE);

	for (int i = 0; i < gauss_16.points; i++)
	{
		double w = from + 0.5 * (to - from) * (1 + gauss_16.node[i]);
		double v = expm1(w) / terms->scale;
		double part = 0.5 * (to - from) * gauss_16.weight[i] * exp(w) / terms->scale;
		double discounted = part * exp(-terms->delta * weights->age * v);
		int panel = (int) (w / RATE_SPAN);
		double share[RATE_NODES];

		shares_of_nodes(w, panel, share);
		for (int k = 0; k < RATE_NODES; k++)
		{
			in_orders[panel * RATE_NODES + k] += discounted * share[k];
			in_age[panel * RATE_NODES + k] += discounted * v * share[k];
		}
		for (int other = 0; other < terms->n_others; other++)
		{
			double *in_other = weights_of(weights, other_row(terms, other)) + panel * RATE_NODES;
			double otherwise =
				isnan(terms->other_delta[other]) ? 0 : part * exp(-terms->other_delta[other] * weights->age * v);

			for (int k = 0; k < RATE_NODES; k++)
				in_other[k] += otherwise * share[k];
		}
	}
}

/* Continues the weights of the horizon before, which ends at w, to this one, of which it gives the end. */
static double
weights_until(const Host *host, const BuyingTerms *terms, BuyingWeights *weights, int h, double w)
{
	bool endless = isinf(terms->horizon[h]);
	double end = log1p(terms->scale * (endless ? last_time(terms) : terms->horizon[h]) / weights->age);
	int panel = (int) (end / RATE_SPAN);

	if (h > 0)
		memcpy(weights_of(weights, h * WEIGHTS_OF_HORIZON), weights_of(weights, (h - 1) * WEIGHTS_OF_HORIZON),
			   AT_HORIZON * (size_t) weights->n_panels * RATE_NODES * sizeof(double));
	while (w < end)
	{
		double next = fmin(end, w + MOST_W);

		host->check_interrupts();
		integrate(terms, weights, h, w, next);
		w = next;
	}
	if (!endless)
		shares_of_nodes(end, panel, weights_of(weights, h * WEIGHTS_OF_HORIZON + AT_HORIZON) + panel * RATE_NODES);
	weights->panels_until[h] = (int) (w / RATE_SPAN) + 1;
	return w;
}

bool
buying_weights_make(const Host *host, const BuyingTerms *terms, double A, BuyingWeights *weights)
{
	double last = terms->horizon[terms->n_horizons - 1];
	double panels =
		floor(log1p(terms->scale *
					(isinf(last) ? fmax(last_time(terms), terms->horizon[terms->n_horizons - 2]) : last) / A) /
			  RATE_SPAN) +
		1;
	int rows = other_row(terms, terms->n_others);
	double w = 0;

	*weights = (BuyingWeights){.age = A};
	if (!(panels <= RATE_PANELS))
		return false;
	weights->n_panels = (int) panels;
	weights->numbers = numbers(host, (size_t) rows * weights->n_panels * RATE_NODES);
	memset(weights->numbers, 0, (size_t) rows * weights->n_panels * RATE_NODES * sizeof(double));
	for (int h = 0; h < terms->n_horizons; h++)
		w = weights_until(host, terms, weights, h, w);
	return true;
}

void
buying_weights_free(const Host *host, BuyingWeights *weights)
{
	if (weights->numbers != NULL)
		host->release(weights->numbers);
	*weights = (BuyingWeights){0};
}

/* A number of R's, weighted: that at a place of each node. */
static double
weighted(const Host *host, BuyingRate *rate, const double *weight, int panels, int place)
{
	double sum = 0;

	for (int panel = 0; panel < panels; panel++)
	{
		const double *nodes = panel_at(host, rate, panel) + place;

		for (int k = 0; k < RATE_NODES; k++)
			sum += weight[panel * RATE_NODES + k] * nodes[k * RATE_NUMBERS];
	}
	return sum;
}

void
buying_rate_orders(const Host *host, BuyingRate *rate, const BuyingTerms *terms, const BuyingWeights *weights,
				   double alpha, double *by_horizon, int stride, double *others)
{
	double n = rate->r + rate->x;
	double A = weights->age;
	int last = terms->n_horizons - 1;

	for (int h = 0; h <= last; h++)
	{
		const double *in_orders = weights_of(weights, h * WEIGHTS_OF_HORIZON + IN_ORDERS);
		const double *in_age = weights_of(weights, h * WEIGHTS_OF_HORIZON + IN_AGE);
		const double *at_horizon = weights_of(weights, h * WEIGHTS_OF_HORIZON + AT_HORIZON);
		double horizon = terms->horizon[h];
		int panels = weights->panels_until[h];
		double *result = by_horizon + h * stride;
		double sum[RATE_NUMBERS];
		double end = 0;

		for (int i = 0; i < RATE_NUMBERS; i++)
			sum[i] = weighted(host, rate, in_orders, panels, i);
		if (!isinf(horizon))
			end = exp(-terms->delta * horizon) * weighted(host, rate, at_horizon, panels, RATE_OF_BUYING) * horizon /
				(A * A);
		result[0] = n * sum[RATE_OF_BUYING];
		result[1] = rate->r * sum[RATE_OF_BUYING] + n * sum[RATE_BY_R];
		result[2] = -n * alpha * (terms->delta * weighted(host, rate, in_age, panels, RATE_OF_BUYING) + end);
		result[3] = n * sum[RATE_BY_A];
		result[4] = n * sum[RATE_BY_B];
	}
	for (int i = 0; i < terms->n_others; i++)
		others[i] = n *
			weighted(host, rate, weights_of(weights, other_row(terms, i)), weights->panels_until[last], RATE_OF_BUYING);
}
