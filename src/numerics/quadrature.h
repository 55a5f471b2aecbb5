/*
 * quadrature.h
 *	  Gauss-Legendre quadrature over a walk of panels.
 *
 * The integrals of the customer models are over positive, analytic functions
 * with known singularities on the far side of the integration interval. Such
 * an interval is cut into panels that are short against the distance to the
 * nearest singularity and against the scale on which the logarithm of the
 * integrand changes; on each panel the 16-point rule is then exact to double
 * precision.
 *
 * The walk is an iterator rather than a function with a callback, so that the
 * integrand stays inside the caller's loop, and any number of integrals with
 * other weights (derivatives, say) can be accumulated on the same nodes:
 *
 *		for (Panel p = panel_start(lo); panel_next(&p, hi, distance, rate);)
 *			for (int i = 0; i < GAUSS_POINTS; i++)
 *				sum += panel_weight(&p, i) * f(panel_node(&p, i));
 */
#ifndef NUMERICS_QUADRATURE_H
#define NUMERICS_QUADRATURE_H

#include <math.h>
#include <stdbool.h>

#include "numerics/host.h"

#define GAUSS_POINTS 16

/* Nodes on (-1, 1) in ascending order, and weights with sum 2. */
extern const double gauss_node[GAUSS_POINTS];
extern const double gauss_weight[GAUSS_POINTS];

/* A rule: that of 16 points, and those of fewer for smoother integrands. */
typedef struct GaussRule
{
	int points;
	const double *node;
	const double *weight;
} GaussRule;

extern const GaussRule gauss_16;
extern const GaussRule gauss_8;
extern const GaussRule gauss_3;

/* One panel of a walk along the real axis. */
typedef struct Panel
{
	double middle;
	double half_width; /* signed: negative when walking downwards */
	double end;        /* where the next panel begins */
} Panel;

/* A walk that starts at `lo`. */
static inline Panel
panel_start(double lo)
{
	return (Panel){.middle = lo, .half_width = 0.0, .end = lo};
}

/* Move to the panel of the given (signed) width that begins where this ends. */
static inline void
panel_move(Panel *panel, double width)
{
	panel->half_width = 0.5 * width;
	panel->middle = panel->end + panel->half_width;
	panel->end += width;
}

/*
 * Walk on towards `hi`.  `distance` is how far the nearest singularity is from
 * panel->end, `rate` the size of d ln(integrand) there. A panel is at most
 * two distances wide, which keeps the singularity outside the Bernstein
 * ellipse of radius 3.7 (error 3.7^-32), and lets the integrand change by at
 * most e^12. Returns false at the end of the walk. Asks for interrupts.
 */
static inline bool
panel_next(Panel *panel, double hi, double distance, double rate)
{
	double start = panel->end;
	double width = 2.0 * distance;

	host_poll();
	if (!(start < hi))
		return false;
	if (rate * width > 12.0)
		width = 12.0 / rate;
	if (start + width > start && start + width < hi)
		panel_move(panel, width);
	else
	{
		panel_move(panel, hi - start);
		panel->end = hi; /* not a rounding error before it */
	}
	return true;
}

static inline double
panel_node(const Panel *panel, int i)
{
	return panel->middle + panel->half_width * gauss_node[i];
}

static inline double
panel_weight(const Panel *panel, int i)
{
	return fabs(panel->half_width) * gauss_weight[i];
}

/*
 * The largest half panel that a pair of singularities allows, where they are
 * `ahead` (behind, if negative) in the direction of the walk, at `height`
 * above and below the axis: the half panel is at most a third of the way to
 * them, or half the way from them.
 */
static inline double
panel_room(double ahead, double height)
{
	return fmax(0.5 * height, ahead > 0.0 ? ahead / 3.0 : 0.5 * hypot(ahead, height));
}

/*
 * A positive function by its logarithm. `room` is that of panel_room() for a
 * walk downwards.
 */
typedef struct LnIntegrand
{
	double (*ln_value)(const void *data, double z);
	double (*room)(const void *data, double z);
	const void *data;
} LnIntegrand;

/*
 * The integral from minus infinity to `high` of a function that has one peak
 * and decays towards minus infinity as e^z or faster.
 */
extern double integral_below(const LnIntegrand *f, double high);

/*
 * A function of a probability p whose mean is to be computed. `value` must be
 * positive and smooth on (0, 1), with value(p) ~ at_zero (1 - slope p) as p
 * goes to 0 and value(1) = at_one.
 */
typedef struct BetaIntegrand
{
	double (*value)(double p, const void *data);
	const void *data;
	double at_zero;
	double slope;
	double at_one;
} BetaIntegrand;

/*
 * The mean of a function of p when p is Beta(a, b) distributed. a, b >= 1e-8.
 * Relative error of a few 1e-13 at the worst.
 */
extern double beta_mean(double a, double b, const BetaIntegrand *g);

#endif /* NUMERICS_QUADRATURE_H */
