/*
 * paretonbd.c
 *	  The Pareto/NBD model: exponential lifetimes, negative binomial purchases.
 *
 * Schmittlein, Morrison & Colombo, "Counting Your Customers: Who Are They and
 * What Will They Do Next?", Management Science 33:1 (1987), 1-24.
 *
 * A live customer buys at a Poisson rate lambda ~ Gamma(r, rate alpha) and
 * leaves at a rate mu ~ Gamma(s, rate beta). Given x purchases and being alive
 * at t, the rates are Gamma(r + x, alpha + t) and Gamma(s, beta + t), so a
 * live customer is a new one with updated parameters, and dropout comes before
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
 * p = d ln D / du. Nothing is singular where the two forms meet, alpha = beta.
 * The purchase coming first, 1 - phi, is the same with the roles of the two
 * risks exchanged. As a function of complex v, ln phi has no singularity
 * nearer than i pi to the real axis, so a few points give it for all times of
 * a frequency class.
 *
 * The usual form of the likelihood subtracts two hypergeometric functions,
 * which loses all digits when T - t_x is small and overflows for large x; see
 * competing_risks.h for the form that does not.
 */
#include <float.h>
#include <math.h>

#include "models/competing_risks/attrition_integral.h"
#include "models/core/model.h"
#include "models/competing_risks/competing_risks.h"
#include "models/competing_risks/two_clocks.h"
#include "numerics/gamma_race.h"
#include "numerics/interpolate.h"
#include "numerics/root.h"
#include "numerics/special.h"

/*
 * Over longer intervals of v than this, with singularities at i pi, 16 points do
 * not suffice.
 */
#define CURVE_REACH 1.8

/* Where a continued fraction costs more than quadrature over panels. */
#define FRACTION_RATIO 0.005

/*
 * One of two clocks: it rings at a rate that is Gamma(shape, rate age)
 * distributed.
 */
typedef struct ParetoClock
{
	double shape;
	double age;
} ParetoClock;

/* The competing risks of a live customer: the next purchase, and dropout. */
typedef struct Clocks
{
	ParetoClock buying;
	ParetoClock leaving;
} Clocks;

/* ln of the probability that one of two risks occurs first, and its derivatives. */
typedef enum RingsFirst
{
	PARETO_LN,
	/* in ln shape of the first and of the other, and in v */
	PARETO_W,
	PARETO_O,
	PARETO_V,
	PARETO_WW,
	PARETO_WO,
	PARETO_WV,
	PARETO_OO,
	PARETO_OV,
	PARETO_VV,
	N_RINGS_FIRST,
} RingsFirst;

static inline Clocks
clocks_at(const double *params, double x, double t)
{
	return (Clocks){.buying = {params[RISKS_R] + x, params[RISKS_ALPHA] + t},
					.leaving = {params[PARETO_S], params[PARETO_BETA] + t}};
}

/* The integrand for the event that comes first, the ages being in the ratio e^v. */
static AttritionIntegral
ringing(double winner, double other, double ratio)
{
	if (ratio <= 1.0)
		return (AttritionIntegral){.linear = winner, .exponent = other, .kappa = ratio};
	return (AttritionIntegral){.linear = other, .exponent = winner, .kappa = 1.0 / ratio, .rising = true};
}

/* Two competing risks by their shapes alone. */
typedef struct Shapes
{
	double winner;
	double other;
} Shapes;

/* Means of u, ln D and c under the integrand, and their second moments. */
typedef struct ParetoMoments
{
	double sum;
	double u;
	double d;
	double c;
	double uu;
	double ud;
	double uc;
	double dd;
	double dc;
	double cc;
} ParetoMoments;

static ParetoMoments
moments_of(const AttritionIntegral *integral)
{
	ParetoMoments m = {0};
	double f = 1.0;

	for (Panel panel = panel_start(0.0); attrition_integral_next(integral, &panel, INFINITY);)
	{
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double u = panel_node(&panel, i);
			Attrition at = attrition_at(integral->kappa, u);
			double weight;

			f = exp(-integral->linear * u - integral->exponent * at.ln_D);
			if (integral->rising)
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
		if (attrition_integral_is_over(integral, &panel, f, m.sum))
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
 * The probability of one event coming first, with all derivatives, as a curve
 * over v. The integrand's logarithm has the derivatives -u in its linear rate,
 * -ln D in its exponent, and -exponent c (+ 1 - c from ln p, if rising) in ln
 * kappa.
 */
static void
rings_first(const void *data, double v, double *values)
{
	const Shapes *shapes = data;
	double w = shapes->winner;
	double o = shapes->other;
	AttritionIntegral integral = ringing(w, o, exp(v));
	ParetoMoments m = moments_of(&integral);
	double var_u = m.uu - m.u * m.u;
	double cov_ud = m.ud - m.u * m.d;
	double cov_uc = m.uc - m.u * m.c;
	double var_d = m.dd - m.d * m.d;
	double cov_dc = m.dc - m.d * m.c;
	double var_c = m.cc - m.c * m.c;

	values[PARETO_LN] = log(w * m.sum);
	if (!integral.rising)
	{
		values[PARETO_W] = 1.0 - w * m.u;
		values[PARETO_O] = -o * m.d;
		values[PARETO_V] = -o * m.c;
		values[PARETO_WW] = w * w * var_u - 1.0;
		values[PARETO_WO] = w * o * cov_ud;
		values[PARETO_WV] = w * o * cov_uc;
		values[PARETO_OO] = o * o * var_d;
		values[PARETO_OV] = o * (o * cov_dc - m.c);
		values[PARETO_VV] = o * (o * var_c - m.c + m.cc);
	}
	else
	{
		values[PARETO_W] = 1.0 - w * m.d;
		values[PARETO_O] = -o * m.u;
		values[PARETO_V] = (w + 1.0) * m.c - 1.0;
		values[PARETO_WW] = w * w * var_d - 1.0;
		values[PARETO_WO] = w * o * cov_ud;
		values[PARETO_WV] = w * (m.c - (w + 1.0) * cov_dc);
		values[PARETO_OO] = o * o * var_u;
		values[PARETO_OV] = -o * (w + 1.0) * cov_uc;
		values[PARETO_VV] = (w + 1.0) * ((w + 1.0) * var_c - m.c + m.cc);
	}
}

/* ln(a / b) without losing small differences. */
static double
ln_ratio(double a, double b)
{
	double excess = (a - b) / b;

	return fabs(excess) < 0.5 ? log1p(excess) : log(a / b);
}

/* Index of the pair (i, k) of parameters in a MixtureTerm's hessian. */
static inline int
pair_of(int i, int k)
{
	static const int row[PARETO_PARAMS] = {0, PARETO_PARAMS - 1, 2 * PARETO_PARAMS - 3, 3 * PARETO_PARAMS - 6};

	return i < k ? row[i] + k : row[k] + i;
}

/*
 * A mixture term: g, and the probability that the given event comes first. Its
 * shape and age are the parameters w and w + 1 (plus what was observed), those
 * of the other event o and o + 1.
 */
static void
evaluate_term(const double *params, const Clocks *clocks, int w, int o, double t, const double *first,
			  MixtureTerm *term)
{
	const ParetoClock *clock[2] = {&clocks->buying, &clocks->leaving};
	const ParetoClock *winner = clock[w == PARETO_S];
	const ParetoClock *other = clock[o == PARETO_S];
	double dv_w = 1.0 / winner->age; /* derivatives of v in both ages */
	double dv_o = -1.0 / other->age;

	term->ln = first[PARETO_LN];
	term->gradient[w] = first[PARETO_W] / winner->shape;
	term->gradient[w + 1] = first[PARETO_V] * dv_w;
	term->gradient[o] = first[PARETO_O] / other->shape;
	term->gradient[o + 1] = first[PARETO_V] * dv_o;
	term->hessian[pair_of(w, w)] = first[PARETO_WW] / (winner->shape * winner->shape);
	term->hessian[pair_of(w, w + 1)] = first[PARETO_WV] / winner->shape * dv_w;
	term->hessian[pair_of(w, o)] = first[PARETO_WO] / (winner->shape * other->shape);
	term->hessian[pair_of(w, o + 1)] = first[PARETO_WV] / winner->shape * dv_o;
	term->hessian[pair_of(w + 1, w + 1)] = (first[PARETO_VV] - first[PARETO_V]) * dv_w * dv_w;
	term->hessian[pair_of(w + 1, o)] = first[PARETO_OV] / other->shape * dv_w;
	term->hessian[pair_of(w + 1, o + 1)] = first[PARETO_VV] * dv_w * dv_o;
	term->hessian[pair_of(o, o)] = first[PARETO_OO] / (other->shape * other->shape);
	term->hessian[pair_of(o, o + 1)] = first[PARETO_OV] / other->shape * dv_o;
	term->hessian[pair_of(o + 1, o + 1)] = (first[PARETO_VV] + first[PARETO_V]) * dv_o * dv_o;

	/* ln g = -n log1p(t / alpha) - s log1p(t / beta) */
	for (int i = 0; i < 2; i++)
	{
		int shape = i == 0 ? RISKS_R : PARETO_S;
		double scale = params[shape + 1];
		double ln = log1p(t / scale);
		double slope = t / (scale * clock[i]->age);

		term->ln -= clock[i]->shape * ln;
		term->gradient[shape] -= ln;
		term->gradient[shape + 1] += clock[i]->shape * slope;
		term->hessian[pair_of(shape, shape + 1)] += slope;
		term->hessian[pair_of(shape + 1, shape + 1)] -= clock[i]->shape * slope * (1.0 / scale + 1.0 / clock[i]->age);
	}
}

static void
paretonbd_terms(const Host *host, const double *params, double x, FirstEvent kind, const double *times, size_t n,
				MixtureTerm *terms)
{
	int w = kind == DROPOUT_FIRST ? PARETO_S : RISKS_R;
	int o = kind == DROPOUT_FIRST ? RISKS_R : PARETO_S;
	double *v = host->alloc(n * sizeof(double));
	double *first = host->alloc(n * N_RINGS_FIRST * sizeof(double));
	Shapes shapes;
	Curve curve = {rings_first, &shapes, N_RINGS_FIRST, CURVE_REACH};

	shapes.winner = params[w] + (w == RISKS_R ? x : 0.0);
	shapes.other = params[o] + (o == RISKS_R ? x : 0.0);
	for (size_t i = 0; i < n; i++)
		v[i] = ln_ratio(params[w + 1] + times[i], params[o + 1] + times[i]);
	curve_values(&curve, v, n, first);
	for (size_t i = 0; i < n; i++)
	{
		Clocks clocks = clocks_at(params, x, times[i]);

		host_poll_at(i);
		evaluate_term(params, &clocks, w, o, times[i], &first[i * N_RINGS_FIRST], &terms[i]);
	}
	host->release(v);
	host->release(first);
}

/* The parameters of attrition as those of its law. */
enum
{
	PARETO_LIFETIME_S = PARETO_S - 2,
	PARETO_LIFETIME_BETA = PARETO_BETA - 2,
};

/* ln S = -s ln(1 + t / beta). Only its absolute error matters. */
static void
lomax_survival(const double *params, double age, LifetimeTerm *term)
{
	double s = params[PARETO_S];
	double beta = params[PARETO_BETA];
	double ln = log(1.0 + age / beta);
	double slope = age / (beta * (beta + age));

	term->ln = -s * ln;
	term->hazard = 1.0;
	term->gradient[PARETO_LIFETIME_S] = -ln;
	term->gradient[PARETO_LIFETIME_BETA] = s * slope;
	term->hessian[PARETO_LIFETIME_S][PARETO_LIFETIME_S] = 0.0;
	term->hessian[PARETO_LIFETIME_S][PARETO_LIFETIME_BETA] = slope;
	term->hessian[PARETO_LIFETIME_BETA][PARETO_LIFETIME_BETA] = -s * slope * (1.0 / beta + 1.0 / (beta + age));
}

/* The hazard is s / (beta + t). */
static void
lomax_density(const double *params, double age, LifetimeTerm *term)
{
	double s = params[PARETO_S];
	double rate = 1.0 / (params[PARETO_BETA] + age);

	lomax_survival(params, age, term);
	term->hazard = s * rate;
	term->gradient[PARETO_LIFETIME_S] += 1.0 / s;
	term->gradient[PARETO_LIFETIME_BETA] -= rate;
	term->hessian[PARETO_LIFETIME_S][PARETO_LIFETIME_S] -= 1.0 / (s * s);
	term->hessian[PARETO_LIFETIME_BETA][PARETO_LIFETIME_BETA] += rate * rate;
}

static double
lomax_ln_share(const double *params, double age, double *hazard)
{
	if (hazard != NULL)
		*hazard = params[PARETO_S] * (1.0 / (params[PARETO_BETA] + age));
	return -params[PARETO_S] * log(1.0 + age / params[PARETO_BETA]);
}

static double
lomax_room(const double *params, double age, double *rate)
{
	*rate = (params[PARETO_S] + 1.0) / (params[PARETO_BETA] + age);
	return params[PARETO_BETA] + age;
}

/* Customers of all ages are farther from the singularity, and leave less, than new ones. */
static SeasonBend
lomax_bend(const double *params)
{
	return (SeasonBend){params[PARETO_BETA] * fmin(1.0, LIFETIME_BEND / params[PARETO_S]), INFINITY, 0.0};
}

static const LifetimeLaw lomax = {
	.n_params = PARETO_PARAMS - 2,
	.survival = lomax_survival,
	.density = lomax_density,
	.ln_share = lomax_ln_share,
	.room = lomax_room,
	.bend = lomax_bend,
};

static double
paretonbd_log_likelihood(const Population *population, const double *params, double *gradient, double *hessian)
{
	static const CompetingRisksModel risks = {PARETO_PARAMS, paretonbd_terms};

	if (population->days != NULL)
		return two_clocks_log_likelihood(&lomax, population, params, gradient, hessian);
	return competing_risks_log_likelihood(&risks, population, params, gradient, hessian);
}

static void
paretonbd_expose(const Population *population, const double *params, SeasonWeights *weights, double *gradient)
{
	two_clocks_expose(&lomax, population, params, weights, gradient);
}

/* The probability that one event comes first, and within the time `limit`. */
static double
chance_within(const ParetoClock *winner, const ParetoClock *other, double limit)
{
	AttritionIntegral integral = ringing(winner->shape, other->shape, winner->age / other->age);
	double end = log1p(limit / (integral.rising ? other->age : winner->age));
	double sum = 0.0;
	double f = 1.0;

	for (Panel panel = panel_start(0.0); attrition_integral_next(&integral, &panel, end);)
	{
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double u = panel_node(&panel, i);
			Attrition at = attrition_at(integral.kappa, u);

			f = exp(-integral.linear * u - integral.exponent * at.ln_D) * (integral.rising ? at.p : 1.0);
			sum += f * panel_weight(&panel, i);
		}
		if (attrition_integral_is_over(&integral, &panel, f, sum))
			break;
	}
	return winner->shape * sum;
}

/* The probability that the winner rings first where the ages are far apart; NaN if a walk is needed. */
static double
chance_far(const ParetoClock *winner, const ParetoClock *other)
{
	double P;

	if (winner->age > other->age)
		return gamma_race_far(winner->shape, other->shape, (winner->age - other->age) / other->age);
	P = gamma_race_far(other->shape, winner->shape, (other->age - winner->age) / winner->age);
	/* two digits at most are lost */
	return P <= 0.99 ? 1.0 - P : NAN;
}

/* The probability that the winner rings first: E[mu / (lambda + mu)]. */
static double
chance(const ParetoClock *winner, const ParetoClock *other)
{
	double w = winner->shape;
	double both = w + other->shape;
	double ratio = winner->age / other->age;

	if (ratio < FRACTION_RATIO || ratio > 1.0 / FRACTION_RATIO)
	{
		double far = chance_far(winner, other);

		return isnan(far) ? chance_within(winner, other, INFINITY) : far;
	}
	if (ratio <= 1.0)
		return w / both * sf_hypergeometric1(other->shape, both + 1.0, (other->age - winner->age) / other->age);
	return w / both / ratio * sf_hypergeometric1(w + 1.0, both + 1.0, (winner->age - other->age) / winner->age);
}

/* phi, or phi - 1 where that is the smaller number. */
static double
paretonbd_first_event(const double *params, double x, double t)
{
	Clocks clocks = clocks_at(params, x, t);
	double phi = chance(&clocks.leaving, &clocks.buying);

	return phi <= 0.5 ? phi : -chance(&clocks.buying, &clocks.leaving);
}

static double
paretonbd_ln_survival(const double *params, double t_x, double T)
{
	return -params[PARETO_S] * log1p((T - t_x) / (params[PARETO_BETA] + t_x));
}

/* ln of the share that neither bought nor left between t_x and T. */
static double
ln_quiet(const double *params, double x, double t_x, double T)
{
	return competing_risks_ln_silence(params, x, t_x, T) + paretonbd_ln_survival(params, t_x, T);
}

/* ln of the probability of no purchase between t_x and T: both mixture terms. */
static double
ln_no_purchase(const double *params, double x, double t_x, double T)
{
	Clocks then = clocks_at(params, x, t_x);
	Clocks now = clocks_at(params, x, T);

	return log(chance(&then.leaving, &then.buying) +
			   exp(ln_quiet(params, x, t_x, T)) * chance(&now.buying, &now.leaving));
}

static double
paretonbd_customer_log_likelihood(const double *params, double x, double t_x, double T)
{
	return sf_lnpoch(params[RISKS_R], x) - params[RISKS_R] * log1p(t_x / params[RISKS_ALPHA]) -
		x * log(params[RISKS_ALPHA] + t_x) - params[PARETO_S] * log1p(t_x / params[PARETO_BETA]) +
		ln_no_purchase(params, x, t_x, T);
}

static double
paretonbd_alive_prob(const double *params, double x, double t_x, double T)
{
	return fmin(1.0, exp(ln_quiet(params, x, t_x, T) - ln_no_purchase(params, x, t_x, T)));
}

/* The share of those who left before T among all who did not buy. */
static double
paretonbd_gone_prob(const double *params, double x, double t_x, double T)
{
	Clocks then = clocks_at(params, x, t_x);

	return fmin(1.0, exp(log(chance_within(&then.leaving, &then.buying, T - t_x)) - ln_no_purchase(params, x, t_x, T)));
}

/*
 * Expected purchases of a live customer in the horizon, each discounted to now:
 * the mean rate of buying, times the integral of e^(-delta y) (1 + y / age)^-s.
 */
static double
expected_transactions_if_alive(const Clocks *clocks, double horizon, double delta)
{
	double rate = clocks->buying.shape / clocks->buying.age;
	double age = clocks->leaving.age;
	double growth = log1p(horizon / age);

	/* a discount too small to affect the result */
	if (!(delta * horizon > DBL_EPSILON / 16.0))
		return rate * age * sf_decayed_time(clocks->leaving.shape - 1.0, growth);
	return rate * age * sf_scaled_expint(clocks->leaving.shape, delta * age, growth);
}

static double
paretonbd_expected_transactions_if_alive(const double *params, double x, double t_x, double T, double horizon,
										 double delta)
{
	Clocks now = clocks_at(params, x, T);

	(void) t_x;
	return expected_transactions_if_alive(&now, horizon, delta);
}

static double
paretonbd_new_customer_transactions(const double *params, double t)
{
	Clocks now = clocks_at(params, 0.0, 0.0);

	return expected_transactions_if_alive(&now, t, 0.0);
}

/* What the density, over z, of leaving at e^z after j purchases depends on. */
typedef struct ParetoDeparture
{
	const Clocks *clocks;
	double j;
	double ln_ways;
} ParetoDeparture;

static double
ln_departure(const void *data, double z)
{
	const ParetoDeparture *departure = data;
	const ParetoClock *buying = &departure->clocks->buying;
	const ParetoClock *leaving = &departure->clocks->leaving;
	double y = exp(z);

	return departure->ln_ways - buying->shape * log1p(y / buying->age) - departure->j * log1p(buying->age / y) -
		leaving->shape * log1p(y / leaving->age) - log1p(leaving->age / y) + log(leaving->shape);
}

/* Its singularities: where 1 + e^z / age is 0. */
static double
departure_room(const void *data, double z)
{
	const ParetoDeparture *departure = data;

	return fmin(panel_room(z - log(departure->clocks->buying.age), M_PI),
				panel_room(z - log(departure->clocks->leaving.age), M_PI));
}

/* The probability that a live customer buys j times within t. */
static double
live_pmf(const Clocks *clocks, double t, double j)
{
	ParetoDeparture departure = {clocks, j, sf_lnchoose(clocks->buying.shape, j)};
	double stays;

	if (!(t > 0.0))
		return j == 0.0 ? 1.0 : 0.0;
	stays = exp(sf_ln_negative_binomial(clocks->buying.shape, t / clocks->buying.age, j) -
				clocks->leaving.shape * log1p(t / clocks->leaving.age));
	return stays +
		integral_below(
			   &(LnIntegrand){
				   .ln_value = ln_departure,
				   .room = departure_room,
				   .data = &departure,
			   },
			   log(t));
}

static double
paretonbd_new_customer_transactions_pmf(const double *params, double t, double x)
{
	Clocks now = clocks_at(params, 0.0, 0.0);

	return live_pmf(&now, t, x);
}

static double
paretonbd_future_transactions_pmf(const double *params, double x, double t_x, double T, double horizon, double j)
{
	Clocks now = clocks_at(params, x, T);
	double alive = paretonbd_alive_prob(params, x, t_x, T);

	if (j == 0.0)
		return 1.0 - alive * chance_within(&now.buying, &now.leaving, horizon);
	return alive * live_pmf(&now, horizon, j);
}

static double
paretonbd_order_prob_if_alive(const double *params, double x, double t_x, double T, double horizon)
{
	Clocks now = clocks_at(params, x, T);

	(void) t_x;
	return chance_within(&now.buying, &now.leaving, horizon);
}

static double
paretonbd_order_prob(const double *params, double x, double t_x, double T, double horizon)
{
	return paretonbd_alive_prob(params, x, t_x, T) * paretonbd_order_prob_if_alive(params, x, t_x, T, horizon);
}

/* A quantile to find. */
typedef struct ParetoQuantileTarget
{
	Clocks clocks;
	double q;
	double ever; /* the probability that there is a purchase at all */
} ParetoQuantileTarget;

/*
 * How far e^z is beyond the quantile of the next purchase's time, as a difference
 * of logarithms of the probability before, or, for high quantiles, after it.
 */
static double
beyond_quantile(const void *data, double z, double *slope)
{
	const ParetoQuantileTarget *target = data;
	const ParetoClock *buying = &target->clocks.buying;
	const ParetoClock *leaving = &target->clocks.leaving;
	double w = exp(z);
	double quiet = exp(-buying->shape * log1p(w / buying->age) - leaving->shape * log1p(w / leaving->age));
	double density = buying->shape * (w / (buying->age + w)) * quiet;
	double mass;

	if (target->q < 0.5)
	{
		mass = chance_within(buying, leaving, w);
		*slope = density / mass;
		return log(mass / (target->q * target->ever));
	}
	mass = quiet *
		chance(&(ParetoClock){buying->shape, buying->age + w}, &(ParetoClock){leaving->shape, leaving->age + w});
	*slope = density / mass;
	return log((1.0 - target->q) * target->ever / mass);
}

static double
paretonbd_next_order_quantile(const double *params, double x, double t_x, double T, double q)
{
	ParetoQuantileTarget target = {.clocks = clocks_at(params, x, T), .q = q};
	const ParetoClock *buying = &target.clocks.buying;

	(void) t_x;
	target.ever = chance(buying, &target.clocks.leaving);
	/* a customer who buys before leaving does so sooner than one who never leaves */
	return exp(
		rising_root(&(RisingFunction){beyond_quantile, &target}, log(buying->age * expm1(-log1p(-q) / buying->shape))));
}

static void
paretonbd_start(const Population *population, double *params)
{
	params[RISKS_R] = 1.0;
	params[RISKS_ALPHA] = 0.25 * population_time_scale(population);
	params[PARETO_S] = 1.0;
	params[PARETO_BETA] = 0.25 * population_time_scale(population);
}

static void
paretonbd_prior_centre(const Population *population, double *ln_params)
{
	ln_params[RISKS_R] = 0.0;
	ln_params[RISKS_ALPHA] = log(population_time_scale(population));
	ln_params[PARETO_S] = 0.0;
	ln_params[PARETO_BETA] = log(population_time_scale(population));
}

static void
paretonbd_begin_path(const double *params, Random *random, SimulatedPath *path)
{
	double ln_rate = random_ln_gamma(random, params[RISKS_R]) - det_log(params[RISKS_ALPHA]);
	double ln_leaving_rate = random_ln_gamma(random, params[PARETO_S]) - det_log(params[PARETO_BETA]);

	path->mean_gap = det_exp(-ln_rate);
	path->dropout = det_exp(-ln_leaving_rate) * random_exponential(random);
	path->clock = 0.0;
	path->alive = true;
}

const Model paretonbd_model = {
	.id = 2,
	.name = "pareto/nbd",
	.n_params = PARETO_PARAMS,
	.param_names = {"r", "alpha", "s", "beta"},
	.n_effects = 2,
	.effects = {{"rate", RISKS_ALPHA, -1.0}, {"dropout", PARETO_BETA, -1.0}},
	.start = paretonbd_start,
	.prior_centre = paretonbd_prior_centre,
	.log_likelihood = paretonbd_log_likelihood,
	.expose = paretonbd_expose,
	.lifetime = &lomax,
	.customer_log_likelihood = paretonbd_customer_log_likelihood,
	.prob_alive = paretonbd_alive_prob,
	.gone_prob = paretonbd_gone_prob,
	.ln_silence = competing_risks_ln_silence,
	.expected_transactions_if_alive = paretonbd_expected_transactions_if_alive,
	.new_customer_transactions = paretonbd_new_customer_transactions,
	.new_customer_transactions_pmf = paretonbd_new_customer_transactions_pmf,
	.future_transactions_pmf = paretonbd_future_transactions_pmf,
	.order_prob = paretonbd_order_prob,
	.order_prob_if_alive = paretonbd_order_prob_if_alive,
	.first_event = paretonbd_first_event,
	.ln_survival = paretonbd_ln_survival,
	.next_order_quantile = paretonbd_next_order_quantile,
	.begin_path = paretonbd_begin_path,
	.next_order = competing_risks_next_order,
};
