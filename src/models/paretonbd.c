/*
 * paretonbd.c
 *	  The Pareto/NBD model: exponential lifetimes, negative binomial purchases.
 *
 * Schmittlein, Morrison & Colombo, "Counting Your Customers: Who Are They and
 * What Will They Do Next?", Management Science 33:1 (1987), 1-24.
 *
 * A live customer buys at a Poisson rate lambda ~ Gamma(r, rate alpha) and
 * leaves at a rate mu ~ Gamma(s, rate beta).  Having bought x times and lived
 * until t, the rates are Gamma(r + x, alpha + t) and Gamma(s, beta + t), so a
 * live customer is a new one with updated parameters, and leaving comes before
 * the next purchase with probability phi = E[mu / (lambda + mu)].
 *
 * phi is a function of n = r + x, s and v = ln((beta + t) / (alpha + t)) alone.
 * With y = (beta + t) (e^u - 1) for the time until leaving, rho = e^v,
 *
 *		phi = s integral over u of e^(-s u) (1 + rho (e^u - 1))^-n,
 *
 * which is well-behaved for rho <= 1; for rho > 1, with y = (alpha + t) (e^u - 1),
 *
 *		phi = s integral over u of p e^(-n u) D^-s,  D = 1 + (e^u - 1) / rho,
 *
 * p = d ln D / du.  Nothing happens where the two meet, alpha = beta.  Buying
 * first, 1 - phi, is the same with the roles of the two clocks exchanged.  As a
 * function of complex v, ln phi has no singularity nearer than i pi to the real
 * axis, so a few points give it for all times of a frequency class.
 *
 * The usual form of the likelihood subtracts two hypergeometric functions, which
 * costs all digits when T - t_x is small and overflows for large x; see race.h
 * for the one that does not.
 */
#include <float.h>
#include <math.h>

#include "models/decay.h"
#include "models/model.h"
#include "models/race.h"
#include "numerics/interpolate.h"
#include "numerics/root.h"
#include "numerics/special.h"

enum
{
	R,
	ALPHA,
	S,
	BETA,
	N_PARAMS
};

/*
 * Over longer intervals of v than this, with singularities at i pi, 16 points do
 * not suffice.
 */
#define CURVE_REACH 1.8

/* Where a continued fraction takes longer than a walk of panels. */
#define FRACTION_RATIO 0.005

/*
 * One of two clocks: it rings at a rate that is Gamma(shape, rate age)
 * distributed.
 */
typedef struct Clock
{
	double		shape;
	double		age;
} Clock;

/* A live customer's clocks: the next purchase, and the end. */
typedef struct Clocks
{
	Clock		buying;
	Clock		leaving;
} Clocks;

/* ln of the probability that one of two clocks rings first, and its derivatives. */
typedef enum RingsFirst
{
	LN,
	/* by the winner's and the other's ln shape, and by v */
	W,
	O,
	V,
	WW,
	WO,
	WV,
	OO,
	OV,
	VV,
	N_RINGS_FIRST
} RingsFirst;

static inline Clocks
clocks_at(const double *params, double x, double t)
{
	return (Clocks) {
		.buying = {params[R] + x, params[ALPHA] + t},
		.leaving = {params[S], params[BETA] + t}
	};
}

/* The integrand for the winner to ring, the ages being in the ratio e^v. */
static Decay
ringing(double winner, double other, double ratio)
{
	if (ratio <= 1.0)
		return (Decay) {.linear = winner, .exponent = other, .kappa = ratio};
	return (Decay) {.linear = other, .exponent = winner, .kappa = 1.0 / ratio, .rising = true};
}

/* Two clocks by their shapes alone. */
typedef struct Shapes
{
	double		winner;
	double		other;
} Shapes;

/* Means of u, ln D and c under the integrand, and their second moments. */
typedef struct Moments
{
	double		sum;
	double		u;
	double		d;
	double		c;
	double		uu;
	double		ud;
	double		uc;
	double		dd;
	double		dc;
	double		cc;
} Moments;

static Moments
moments_of(const Decay *decay)
{
	Moments		m = {0};
	double		f = 1.0;

	for (Panel panel = panel_start(0.0); decay_next(decay, &panel, INFINITY);)
	{
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double		u = panel_node(&panel, i);
			Ageing		at = ageing_at(decay->kappa, u);
			double		weight;

			f = exp(-decay->linear * u - decay->exponent * at.ln_D);
			if (decay->rising)
				f *= at.p;
			weight = f * panel_weight(&panel, i);
			m.sum += weight;
			m.u += weight * u;
			m.d += weight * at.ln_D;
			m.c += weight * at.c;
			m.uu += weight * u * u;
			m.ud += weight * u * at.ln_D;
			m.uc += weight * u * at.c;
			m.dd += weight * at.ln_D * at.ln_D;
			m.dc += weight * at.ln_D * at.c;
			m.cc += weight * at.c * at.c;
		}
		if (decay_is_over(decay, &panel, f, m.sum))
			break;
	}
	m.u /= m.sum;
	m.d /= m.sum;
	m.c /= m.sum;
	m.uu = m.uu / m.sum;
	m.ud = m.ud / m.sum;
	m.uc = m.uc / m.sum;
	m.dd = m.dd / m.sum;
	m.dc = m.dc / m.sum;
	m.cc = m.cc / m.sum;
	return m;
}

/*
 * The winner's chance with all derivatives, as a curve over v.  The integrand's
 * logarithm has the derivatives -u in its linear rate, -ln D in its exponent,
 * and -exponent c (+ 1 - c from ln p, if rising) in ln kappa.
 */
static void
rings_first(const void *data, double v, double *values)
{
	const Shapes *shapes = data;
	double		w = shapes->winner;
	double		o = shapes->other;
	Decay		decay = ringing(w, o, exp(v));
	Moments		m = moments_of(&decay);
	double		var_u = m.uu - m.u * m.u;
	double		cov_ud = m.ud - m.u * m.d;
	double		cov_uc = m.uc - m.u * m.c;
	double		var_d = m.dd - m.d * m.d;
	double		cov_dc = m.dc - m.d * m.c;
	double		var_c = m.cc - m.c * m.c;

	values[LN] = log(w * m.sum);
	if (!decay.rising)
	{
		values[W] = 1.0 - w * m.u;
		values[O] = -o * m.d;
		values[V] = -o * m.c;
		values[WW] = w * w * var_u - 1.0;
		values[WO] = w * o * cov_ud;
		values[WV] = w * o * cov_uc;
		values[OO] = o * o * var_d;
		values[OV] = o * (o * cov_dc - m.c);
		values[VV] = o * (o * var_c - m.c + m.cc);
	}
	else
	{
		values[W] = 1.0 - w * m.d;
		values[O] = -o * m.u;
		values[V] = (w + 1.0) * m.c - 1.0;
		values[WW] = w * w * var_d - 1.0;
		values[WO] = w * o * cov_ud;
		values[WV] = w * (m.c - (w + 1.0) * cov_dc);
		values[OO] = o * o * var_u;
		values[OV] = -o * (w + 1.0) * cov_uc;
		values[VV] = (w + 1.0) * ((w + 1.0) * var_c - m.c + m.cc);
	}
}

/* ln(a / b) without losing small differences. */
static double
ln_ratio(double a, double b)
{
	double		excess = (a - b) / b;

	return fabs(excess) < 0.5 ? log1p(excess) : log(a / b);
}

/* Index of the pair (i, k) of parameters in a Story's hessian. */
static inline int
pair_of(int i, int k)
{
	static const int row[N_PARAMS] = {0, N_PARAMS - 1, 2 * N_PARAMS - 3, 3 * N_PARAMS - 6};

	return i < k ? row[i] + k : row[k] + i;
}

/*
 * A story: g, and the probability that the winner rings first.  The winner's
 * shape and age are the parameters w and w + 1 (plus what was observed), the
 * other's o and o + 1.
 */
static void
tell_story(const double *params, const Clocks *clocks, int w, int o, double t,
		   const double *first, Story *story)
{
	const Clock *clock[2] = {&clocks->buying, &clocks->leaving};
	const Clock *winner = clock[w == S];
	const Clock *other = clock[o == S];
	double		dv_w = 1.0 / winner->age;	/* v by the winner's age, and by the other's */
	double		dv_o = -1.0 / other->age;

	story->ln = first[LN];
	story->gradient[w] = first[W] / winner->shape;
	story->gradient[w + 1] = first[V] * dv_w;
	story->gradient[o] = first[O] / other->shape;
	story->gradient[o + 1] = first[V] * dv_o;
	story->hessian[pair_of(w, w)] = first[WW] / (winner->shape * winner->shape);
	story->hessian[pair_of(w, w + 1)] = first[WV] / winner->shape * dv_w;
	story->hessian[pair_of(w, o)] = first[WO] / (winner->shape * other->shape);
	story->hessian[pair_of(w, o + 1)] = first[WV] / winner->shape * dv_o;
	story->hessian[pair_of(w + 1, w + 1)] = (first[VV] - first[V]) * dv_w * dv_w;
	story->hessian[pair_of(w + 1, o)] = first[OV] / other->shape * dv_w;
	story->hessian[pair_of(w + 1, o + 1)] = first[VV] * dv_w * dv_o;
	story->hessian[pair_of(o, o)] = first[OO] / (other->shape * other->shape);
	story->hessian[pair_of(o, o + 1)] = first[OV] / other->shape * dv_o;
	story->hessian[pair_of(o + 1, o + 1)] = (first[VV] + first[V]) * dv_o * dv_o;

	/* ln g = -n log1p(t / alpha) - s log1p(t / beta) */
	for (int i = 0; i < 2; i++)
	{
		int			shape = i == 0 ? R : S;
		double		scale = params[shape + 1];
		double		ln = log1p(t / scale);
		double		slope = t / (scale * clock[i]->age);

		story->ln -= clock[i]->shape * ln;
		story->gradient[shape] -= ln;
		story->gradient[shape + 1] += clock[i]->shape * slope;
		story->hessian[pair_of(shape, shape + 1)] += slope;
		story->hessian[pair_of(shape + 1, shape + 1)] -=
			clock[i]->shape * slope * (1.0 / scale + 1.0 / clock[i]->age);
	}
}

static void
paretonbd_stories(const Host *host, const double *params, double x, StoryKind kind,
				  const double *times, size_t n, Story *stories)
{
	int			w = kind == LEAVES_FIRST ? S : R;
	int			o = kind == LEAVES_FIRST ? R : S;
	double	   *v = host->alloc(n * sizeof(double));
	double	   *first = host->alloc(n * N_RINGS_FIRST * sizeof(double));
	Shapes		shapes;
	Curve		curve = {rings_first, &shapes, N_RINGS_FIRST, CURVE_REACH};

	shapes.winner = params[w] + (w == R ? x : 0.0);
	shapes.other = params[o] + (o == R ? x : 0.0);
	for (size_t i = 0; i < n; i++)
		v[i] = ln_ratio(params[w + 1] + times[i], params[o + 1] + times[i]);
	curve_values(&curve, v, n, first);
	for (size_t i = 0; i < n; i++)
	{
		Clocks		clocks = clocks_at(params, x, times[i]);

		tell_story(params, &clocks, w, o, times[i], &first[i * N_RINGS_FIRST], &stories[i]);
	}
	host->release(v);
	host->release(first);
}

static double
paretonbd_log_likelihood(const Population *population, const double *params,
						 double *gradient, double *hessian)
{
	static const RaceModel race = {N_PARAMS, paretonbd_stories};

	return race_log_likelihood(&race, population, params, gradient, hessian);
}

/* The probability that the winner rings first, and within the time `limit`. */
static double
chance_within(const Clock *winner, const Clock *other, double limit)
{
	Decay		decay = ringing(winner->shape, other->shape, winner->age / other->age);
	double		end = log1p(limit / (decay.rising ? other->age : winner->age));
	double		sum = 0.0;
	double		f = 1.0;

	for (Panel panel = panel_start(0.0); decay_next(&decay, &panel, end);)
	{
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double		u = panel_node(&panel, i);
			Ageing		at = ageing_at(decay.kappa, u);

			f = exp(-decay.linear * u - decay.exponent * at.ln_D) * (decay.rising ? at.p : 1.0);
			sum += f * panel_weight(&panel, i);
		}
		if (decay_is_over(&decay, &panel, f, sum))
			break;
	}
	return winner->shape * sum;
}

/* The probability that the winner rings first: E[mu / (lambda + mu)]. */
static double
chance(const Clock *winner, const Clock *other)
{
	double		w = winner->shape;
	double		both = w + other->shape;
	double		ratio = winner->age / other->age;

	if (ratio < FRACTION_RATIO || ratio > 1.0 / FRACTION_RATIO)
		return chance_within(winner, other, INFINITY);
	if (ratio <= 1.0)
		return w / both * sf_hypergeometric1(other->shape, both + 1.0,
											 (other->age - winner->age) / other->age);
	return w / both / ratio * sf_hypergeometric1(w + 1.0, both + 1.0,
												 (winner->age - other->age) / winner->age);
}

/* ln of the share that neither bought nor left between t_x and T. */
static double
ln_quiet(const double *params, double x, double t_x, double T)
{
	return -(params[R] + x) * log1p((T - t_x) / (params[ALPHA] + t_x))
		- params[S] * log1p((T - t_x) / (params[BETA] + t_x));
}

/* ln of the probability of no purchase between t_x and T: both stories. */
static double
ln_no_purchase(const double *params, double x, double t_x, double T)
{
	Clocks		then = clocks_at(params, x, t_x);
	Clocks		now = clocks_at(params, x, T);

	return log(chance(&then.leaving, &then.buying)
			   + exp(ln_quiet(params, x, t_x, T)) * chance(&now.buying, &now.leaving));
}

static double
paretonbd_customer_log_likelihood(const double *params, double x, double t_x, double T)
{
	return sf_lpoch(params[R], x) - params[R] * log1p(t_x / params[ALPHA])
		- x * log(params[ALPHA] + t_x) - params[S] * log1p(t_x / params[BETA])
		+ ln_no_purchase(params, x, t_x, T);
}

static double
paretonbd_alive_prob(const double *params, double x, double t_x, double T)
{
	return fmin(1.0, exp(ln_quiet(params, x, t_x, T) - ln_no_purchase(params, x, t_x, T)));
}

/*
 * Expected purchases of a live customer in the horizon, each discounted to now:
 * the mean rate of buying, times the integral of e^(-delta y) (1 + y / age)^-s.
 */
static double
live_orders(const Clocks *clocks, double horizon, double delta)
{
	double		rate = clocks->buying.shape / clocks->buying.age;
	double		age = clocks->leaving.age;
	double		growth = log1p(horizon / age);

	/* a discount too small to be seen in the result */
	if (!(delta * horizon > DBL_EPSILON / 16.0))
		return rate * age * sf_decayed_time(clocks->leaving.shape - 1.0, growth);
	return rate * age * sf_scaled_expint(clocks->leaving.shape, delta * age, growth);
}

static double
paretonbd_live_orders(const double *params, double x, double t_x, double T,
					  double horizon, double delta)
{
	Clocks		now = clocks_at(params, x, T);

	(void) t_x;
	return live_orders(&now, horizon, delta);
}

static double
paretonbd_expected_orders_new(const double *params, double t)
{
	Clocks		now = clocks_at(params, 0.0, 0.0);

	return live_orders(&now, t, 0.0);
}

/* What the density, over z, of leaving at e^z after j purchases depends on. */
typedef struct Departure
{
	const Clocks *clocks;
	double		j;
	double		ln_ways;
} Departure;

static double
ln_departure(const void *data, double z)
{
	const Departure *departure = data;
	const Clock *buying = &departure->clocks->buying;
	const Clock *leaving = &departure->clocks->leaving;
	double		y = exp(z);

	return departure->ln_ways - buying->shape * log1p(y / buying->age)
		- departure->j * log1p(buying->age / y)
		- leaving->shape * log1p(y / leaving->age) - log1p(leaving->age / y) + log(leaving->shape);
}

/* Its singularities: where 1 + e^z / age is 0. */
static double
departure_room(const void *data, double z)
{
	const Departure *departure = data;

	return fmin(panel_room(z - log(departure->clocks->buying.age), M_PI),
				panel_room(z - log(departure->clocks->leaving.age), M_PI));
}

/* The probability that a live customer buys j times within t. */
static double
live_pmf(const Clocks *clocks, double t, double j)
{
	Departure	departure = {clocks, j, sf_ln_ways(clocks->buying.shape, j)};
	double		stays;

	if (!(t > 0.0))
		return j == 0.0 ? 1.0 : 0.0;
	stays = exp(sf_ln_negative_binomial(clocks->buying.shape, t / clocks->buying.age, j)
				- clocks->leaving.shape * log1p(t / clocks->leaving.age));
	return stays + integral_below(&(LnIntegrand) {
		.ln_value = ln_departure,
		.room = departure_room,
		.data = &departure
	}, log(t));
}

static double
paretonbd_orders_pmf(const double *params, double t, double x)
{
	Clocks		now = clocks_at(params, 0.0, 0.0);

	return live_pmf(&now, t, x);
}

static double
paretonbd_future_orders_pmf(const double *params, double x, double t_x, double T,
							double horizon, double j)
{
	Clocks		now = clocks_at(params, x, T);
	double		alive = paretonbd_alive_prob(params, x, t_x, T);

	if (j == 0.0)
		return 1.0 - alive * chance_within(&now.buying, &now.leaving, horizon);
	return alive * live_pmf(&now, horizon, j);
}

static double
paretonbd_order_prob(const double *params, double x, double t_x, double T, double horizon)
{
	Clocks		now = clocks_at(params, x, T);

	return paretonbd_alive_prob(params, x, t_x, T)
		* chance_within(&now.buying, &now.leaving, horizon);
}

/* A quantile that is looked for. */
typedef struct QuantileTarget
{
	Clocks		clocks;
	double		q;
	double		ever;			/* the probability that there is a purchase at all */
} QuantileTarget;

/*
 * How far e^z is beyond the quantile of the next purchase's time, as a difference
 * of logarithms of the probability before, or, for high quantiles, after it.
 */
static double
beyond_quantile(const void *data, double z, double *slope)
{
	const QuantileTarget *target = data;
	const Clock *buying = &target->clocks.buying;
	const Clock *leaving = &target->clocks.leaving;
	double		w = exp(z);
	double		quiet = exp(-buying->shape * log1p(w / buying->age)
							- leaving->shape * log1p(w / leaving->age));
	double		density = buying->shape * (w / (buying->age + w)) * quiet;
	double		mass;

	if (target->q < 0.5)
	{
		mass = chance_within(buying, leaving, w);
		*slope = density / mass;
		return log(mass / (target->q * target->ever));
	}
	mass = quiet * chance(&(Clock) {buying->shape, buying->age + w},
						  &(Clock) {leaving->shape, leaving->age + w});
	*slope = density / mass;
	return log((1.0 - target->q) * target->ever / mass);
}

static double
paretonbd_next_order_quantile(const double *params, double x, double t_x, double T, double q)
{
	QuantileTarget target = {.clocks = clocks_at(params, x, T), .q = q};
	const Clock *buying = &target.clocks.buying;

	(void) t_x;
	target.ever = chance(buying, &target.clocks.leaving);
	/* who buys before leaving does so sooner than who never leaves */
	return exp(rising_root(&(RisingFunction) {beyond_quantile, &target},
						   log(buying->age * expm1(-log1p(-q) / buying->shape))));
}

static void
paretonbd_start(const Population *population, double *params)
{
	params[R] = 1.0;
	params[ALPHA] = 0.25 * population_time_scale(population);
	params[S] = 1.0;
	params[BETA] = 0.25 * population_time_scale(population);
}

static void
paretonbd_prior_centre(const Population *population, double *ln_params)
{
	ln_params[R] = 0.0;
	ln_params[ALPHA] = log(population_time_scale(population));
	ln_params[S] = 0.0;
	ln_params[BETA] = log(population_time_scale(population));
}

static void
paretonbd_begin_life(const double *params, Random *random, Life *life)
{
	double		ln_rate = random_ln_gamma(random, params[R]) - det_log(params[ALPHA]);
	double		ln_leaving_rate = random_ln_gamma(random, params[S]) - det_log(params[BETA]);

	life->mean_gap = det_exp(-ln_rate);
	life->dropout = det_exp(-ln_leaving_rate) * random_exponential(random);
	life->clock = 0.0;
	life->alive = true;
}

static double
paretonbd_next_order(Life *life, Random *random)
{
	if (life->alive)
		life->clock += life->mean_gap * random_exponential(random);
	life->alive = life->clock < life->dropout;
	return life->alive ? life->clock : INFINITY;
}

const Model paretonbd_model = {
	.id = 2,
	.name = "pareto/nbd",
	.n_params = N_PARAMS,
	.param_names = {"r", "alpha", "s", "beta"},
	.n_effects = 2,
	.effects = {{"rate", ALPHA, -1.0}, {"dropout", BETA, -1.0}},
	.start = paretonbd_start,
	.prior_centre = paretonbd_prior_centre,
	.log_likelihood = paretonbd_log_likelihood,
	.customer_log_likelihood = paretonbd_customer_log_likelihood,
	.alive_prob = paretonbd_alive_prob,
	.live_orders = paretonbd_live_orders,
	.expected_orders_new = paretonbd_expected_orders_new,
	.orders_pmf = paretonbd_orders_pmf,
	.future_orders_pmf = paretonbd_future_orders_pmf,
	.order_prob = paretonbd_order_prob,
	.next_order_quantile = paretonbd_next_order_quantile,
	.begin_life = paretonbd_begin_life,
	.next_order = paretonbd_next_order
};
