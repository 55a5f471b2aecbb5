/*
 * quadrature.c
 *	  Gauss-Legendre nodes, and the mean of a function of a Beta variable.
 *
 * beta_mean() integrates over u = logit p, where the Beta density is
 * log-concave with exponential tails whatever a and b are: panels are walked
 * outwards from its mode in both directions. What lies beyond the last
 * representable probabilities is added by the first terms of its power series.
 * The density is not normalised by a beta function but by the same quadrature
 * without g, so errors of the weight largely cancel.
 */
#include "numerics/quadrature.h"

#include <float.h>

const double gauss_node[GAUSS_POINTS] = {
	-0.9894009349916499325961542, -0.9445750230732325760779884,  -0.8656312023878317438804679,
	-0.7554044083550030338951012, -0.6178762444026437484466718,  -0.4580167776572273863424194,
	-0.2816035507792589132304605, -0.09501250983763744018531934, 0.09501250983763744018531934,
	0.2816035507792589132304605,  0.4580167776572273863424194,   0.6178762444026437484466718,
	0.7554044083550030338951012,  0.8656312023878317438804679,   0.9445750230732325760779884,
	0.9894009349916499325961542,
};

const double gauss_weight[GAUSS_POINTS] = {
	0.02715245941175409485178057, 0.06225352393864789286284384, 0.09515851168249278480992511,
	0.1246289712555338720524763,  0.1495959888165767320815017,  0.1691565193950025381893121,
	0.1826034150449235888667637,  0.1894506104550684962853967,  0.1894506104550684962853967,
	0.1826034150449235888667637,  0.1691565193950025381893121,  0.1495959888165767320815017,
	0.1246289712555338720524763,  0.09515851168249278480992511, 0.06225352393864789286284384,
	0.02715245941175409485178057,
};

static const double eight_nodes[] = {
	-0.9602898564975362316835609, -0.7966664774136267395915539, -0.525532409916328985817739,
	-0.1834346424956498049394761, 0.1834346424956498049394761,  0.525532409916328985817739,
	0.7966664774136267395915539,  0.9602898564975362316835609,
};

static const double eight_weights[] = {
	0.1012285362903762591525314, 0.222381034453374470544356,  0.3137066458778872873379622, 0.3626837833783619829651504,
	0.3626837833783619829651504, 0.3137066458778872873379622, 0.222381034453374470544356,  0.1012285362903762591525314,
};

static const double three_nodes[] = {-0.7745966692414833770358531, 0.0, 0.7745966692414833770358531};

static const double three_weights[] = {0.5555555555555555555555556, 0.8888888888888888888888889,
									   0.5555555555555555555555556};

const GaussRule gauss_16 = {GAUSS_POINTS, gauss_node, gauss_weight};
const GaussRule gauss_8 = {8, eight_nodes, eight_weights};
const GaussRule gauss_3 = {3, three_nodes, three_weights};

/* Panels stop where the weight has fallen by these exponents. */
#define NEGLIGIBLE_ABOVE -50.0
#define NEGLIGIBLE_BELOW -60.0

/* The range and tolerance of the search for the peak of a function of ln(time). */
#define PEAK_RANGE 300.0
#define PEAK_STEPS 60
#define END_STEPS 40

/*
 * A panel in which the logarithm of a function changes by more is too wide,
 * and so is one with a larger second difference between its ends and middle,
 * which is that of five standard deviations of a normal density.
 */
#define MAX_FALL 12.0
#define MAX_BEND 6.0

/*
 * The widest panel below z, and at most `width`, in which change and second
 * difference are small enough, or NaN throughout.
 */
static double
width_below(const LnIntegrand *f, double z, double width)
{
	double here = f->ln_value(f->data, z);

	for (;;)
	{
		double middle = f->ln_value(f->data, z - 0.5 * width);
		double there = f->ln_value(f->data, z - width);

		if (!(fmax(here, fmax(middle, there)) - fmin(here, fmin(middle, there)) > MAX_FALL ||
			  fabs(here - 2.0 * middle + there) > MAX_BEND))
			return width;
		width *= 0.5;
	}
}

/* The position of the function's peak, below `high`, by golden section. */
static double
find_peak(const LnIntegrand *f, double high)
{
	const double golden = 0.61803398874989484820;
	double low = fmin(high, 0.0) - PEAK_RANGE;
	double left = high - golden * (high - low);
	double right = low + golden * (high - low);
	double at_left = f->ln_value(f->data, left);
	double at_right = f->ln_value(f->data, right);

	for (int i = 0; i < PEAK_STEPS; i++)
	{
		if (at_left > at_right)
		{
			high = right;
			right = left;
			at_right = at_left;
			left = high - golden * (high - low);
			at_left = f->ln_value(f->data, left);
		}
		else
		{
			low = left;
			left = right;
			at_left = at_right;
			right = low + golden * (high - low);
			at_right = f->ln_value(f->data, right);
		}
	}
	return 0.5 * (left + right);
}

/* The point between the peak and `high` from which the function is negligible. */
static double
find_end(const LnIntegrand *f, double peak, double high)
{
	double negligible = f->ln_value(f->data, peak) + NEGLIGIBLE_BELOW;

	if (f->ln_value(f->data, high) >= negligible)
		return high;
	for (int i = 0; i < END_STEPS; i++)
	{
		double middle = 0.5 * (peak + high);

		if (f->ln_value(f->data, middle) >= negligible)
			peak = middle;
		else
			high = middle;
	}
	return high;
}

double
integral_below(const LnIntegrand *f, double high)
{
	double peak = find_peak(f, high);
	double negligible = f->ln_value(f->data, peak) + NEGLIGIBLE_BELOW;
	Panel panel = panel_start(find_end(f, peak, high));
	double sum = 0.0;
	double begin;

	do
	{
		host_poll();
		begin = panel.end;
		panel_move(&panel, -width_below(f, begin, 2.0 * f->room(f->data, begin)));
		for (int i = 0; i < GAUSS_POINTS; i++)
			sum += panel_weight(&panel, i) * exp(f->ln_value(f->data, panel_node(&panel, i)));
		/* a panel narrower than double precision: the function is not continuous */
	} while (panel.end < begin && (panel.end > peak || f->ln_value(f->data, panel.end) > negligible));
	return sum;
}

/* A probability by its logit, with derived values. */
typedef struct Logit
{
	double p;
	double q; /* 1 - p */
	double ln_p;
	double ln_q;
} Logit;

/* The state of one beta_mean(). */
typedef struct BetaWalk
{
	double a;
	double b;
	const BetaIntegrand *g;
	double ln_scale; /* ln density at the mode */
	double sum;      /* of weight times g */
	double norm;     /* of weight */
} BetaWalk;

static Logit
logit_at(double u)
{
	double e = exp(-fabs(u));
	double ln_rest = -log1p(e); /* ln of the larger of p and q */
	double large = 1.0 / (1.0 + e);
	double small = e * large;

	if (u < 0)
		return (Logit){small, large, u + ln_rest, ln_rest};
	return (Logit){large, small, ln_rest, ln_rest - u};
}

static double
ln_weight(const BetaWalk *walk, const Logit *l)
{
	return walk->a * l->ln_p + walk->b * l->ln_q - walk->ln_scale;
}

/*
 * A panel short against the distance pi/2 at which the integrand, continued
 * to complex u, stops decaying, and against the scale of the weight.
 */
static double
beta_panel_width(const BetaWalk *walk, const Logit *l)
{
	double rate = fabs(walk->a * l->q - walk->b * l->p);
	double curvature = (walk->a + walk->b) * l->p * l->q;

	return fmin(1.0, fmin(6.0 / fmax(rate, DBL_MIN), 3.0 / sqrt(fmax(curvature, DBL_MIN))));
}

/*
 * Walk from the mode to `end`.  Returns true if everything up to there was
 * worth counting, so that the tail beyond has to be added.
 */
static bool
beta_walk(BetaWalk *walk, double mode, double end, double negligible)
{
	double direction = end > mode ? 1.0 : -1.0;
	Panel panel = panel_start(mode);
	Logit l = logit_at(mode);

	while ((end - panel.end) * direction > 1e-14)
	{
		double width = beta_panel_width(walk, &l);
		double begin = panel.end;

		host_poll();
		panel_move(&panel, direction * fmin(width, (end - begin) * direction));
		if (panel.end == begin)
			return false; /* narrower than double precision: a point mass */
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double weight;

			l = logit_at(panel_node(&panel, i));
			weight = panel_weight(&panel, i) * exp(ln_weight(walk, &l));
			walk->norm += weight;
			walk->sum += weight * walk->g->value(l.p, walk->g->data);
		}
		l = logit_at(panel.end);
		if (ln_weight(walk, &l) < negligible)
			return false;
	}
	return true;
}

/*
 * Add the tail where one of p and q is below `small`: the integral of
 * s^(power-1) (1-s)^(other-1) g(s), with g(s) ~ edge (1 - slope s).
 */
static void
beta_tail(BetaWalk *walk, double small, double power, double other, double edge, double slope)
{
	double mass = exp(power * log(small) - walk->ln_scale) / power;
	double first = power / (power + 1.0) * small;

	walk->norm += mass * (1.0 - first * (other - 1.0));
	walk->sum += edge * mass * (1.0 - first * (other - 1.0 + slope));
}

double
beta_mean(double a, double b, const BetaIntegrand *g)
{
	BetaWalk walk = {.a = a, .b = b, .g = g};
	double mode = log(a / b);
	Logit l = logit_at(mode);
	double small = fmax(1e-12 / fmax(fmax(a + b, 2.0 * g->slope), 1.0), DBL_MIN);
	double edge = log1p(-small) - log(small); /* logit(1 - small) */
	double gain = log(fmax(g->at_zero / fmax(g->at_one, DBL_MIN), 1.0));

	walk.ln_scale = 0.0;
	walk.ln_scale = ln_weight(&walk, &l);
	if (beta_walk(&walk, mode, edge, NEGLIGIBLE_ABOVE))
		beta_tail(&walk, small, b, a, g->at_one, 0.0);
	if (beta_walk(&walk, mode, -edge, NEGLIGIBLE_BELOW - gain))
		beta_tail(&walk, small, a, b, g->at_zero, g->slope);
	return walk.sum / walk.norm;
}
