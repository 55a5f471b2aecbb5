/*
 * ggnbd.c
 *	  The GG/NBD model: gamma-Gompertz lifetimes, negative binomial purchases.
 *
 * Bemmaor & Glady, "Modeling Purchasing Behavior with Sudden 'Death': A Flexible
 * Customer Lifetime Model", Management Science 58:5 (2012), 1012-1021.  (Their
 * conditional expectation is wrong; Adler, arXiv 2022.  Not used here.)
 *
 * A live customer buys at a Poisson rate lambda ~ Gamma(r, rate alpha) and leaves
 * at the rate eta b e^(b t), which grows with the time t since the first
 * purchase; eta ~ Gamma(s, rate beta).  So
 *
 *		S(t) = (1 + (e^(b t) - 1) / beta)^-s
 *
 * stay longer than t.  Of those, with kappa(t) = 1 / (1 + (beta - 1) e^(-b t)),
 *
 *		S(t + w) / S(t) = D(b w)^-s,  D(u) = 1 + kappa (e^u - 1)
 *
 * stay on for w: the model again, with beta replaced by 1 / kappa.  With
 * n = r + x, A = b (alpha + t) and p = d ln D / du, leaving comes before the next
 * purchase, and buying before leaving, with probabilities
 *
 *		phi = s integral over u of p D^-s (1 + u/A)^-n,
 *		1 - phi = n/A integral over u of D^-s (1 + u/A)^-(n+1).
 *
 * For b -> 0 with beta / b fixed this is Pareto/NBD, whose beta that ratio then
 * is.  Many data sets prefer exactly that: their likelihood rises all the way,
 * and b and beta are not identified.
 */
#include <float.h>
#include <math.h>
#include <string.h>

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
	B,
	S,
	BETA,
	N_PARAMS
};

/* What the rest of a live customer's life depends on. */
typedef enum Coordinate
{
	N,							/* r + x */
	LN_A,						/* ln(b (alpha + t)) */
	FRAILTY,					/* s */
	LN_KAPPA,
	N_COORDINATES
} Coordinate;

#define N_PAIRS (N_COORDINATES * (N_COORDINATES + 1) / 2)

/* A curve's values: ln of a probability, its slopes, and its second derivatives. */
#define N_VALUES (1 + N_COORDINATES + N_PAIRS)

/* A live customer with x purchases at age t. */
typedef struct Customer
{
	double		n;
	double		age;			/* alpha + t */
	double		A;
	double		b;
	double		s;
	double		kappa;
	double		share;			/* e^(-b t) kappa = 1 / (beta - 1 + e^(b t)) */
} Customer;

static Customer
customer_at(const double *params, double x, double t)
{
	double		shrink = exp(-params[B] * t);
	double		kappa = 1.0 / (params[BETA] * shrink - expm1(-params[B] * t));

	return (Customer) {
		.n = params[R] + x,
		.age = params[ALPHA] + t,
		.A = params[B] * (params[ALPHA] + t),
		.b = params[B],
		.s = params[S],
		.kappa = kappa,
		.share = shrink * kappa
	};
}

/* -ln S(t) / s = ln(1 + (e^(b t) - 1) / beta) */
static double
wear(const double *params, double t)
{
	return ageing_at(1.0 / params[BETA], params[B] * t).ln_D;
}

/* The integrand of phi or 1 - phi, and the factor before the integral. */
static Decay
race_of(const Customer *customer, StoryKind kind, double *factor)
{
	bool		leaves = kind == LEAVES_FIRST;

	*factor = leaves ? customer->s : customer->n / customer->A;
	return (Decay) {
		.exponent = customer->s,
		.kappa = customer->kappa,
		.power = customer->n + (leaves ? 0.0 : 1.0),
		.scale = customer->A,
		.rising = leaves
	};
}

/* The integrand at u, ln(1 + u/A) given. */
static inline double
decay_value(const Decay *decay, const Ageing *at, double ln_power, double u)
{
	double		value = exp(-decay->linear * u - decay->exponent * at->ln_D - decay->power * ln_power);

	return decay->rising ? value * at->p : value;
}

/* phi or 1 - phi, within the time `limit`. */
static double
chance_within(const Customer *customer, StoryKind kind, double limit)
{
	double		factor;
	Decay		decay = race_of(customer, kind, &factor);
	double		sum = 0.0;
	double		f = 1.0;

	for (Panel panel = panel_start(0.0); decay_next(&decay, &panel, customer->b * limit);)
	{
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double		u = panel_node(&panel, i);
			Ageing		at = ageing_at(decay.kappa, u);

			f = decay_value(&decay, &at, quick_log1p(u / decay.scale), u);
			sum += f * panel_weight(&panel, i);
		}
		if (decay_is_over(&decay, &panel, f, sum))
			break;
	}
	return factor * sum;
}

/*
 * Means of ln(1 + u/A), u / (A + u), ln D and c under the integrand (see decay.h),
 * one for each coordinate, and their second moments, in the order of pairs.
 */
typedef struct Moments
{
	double		sum;
	double		mean[N_COORDINATES];
	double		product[N_COORDINATES][N_COORDINATES];	/* upper triangle */
} Moments;

static void
find_moments(const Decay *decay, Moments *m)
{
	double		f = 1.0;

	memset(m, 0, sizeof(Moments));
	for (Panel panel = panel_start(0.0); decay_next(decay, &panel, INFINITY);)
	{
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double		u = panel_node(&panel, i);
			Ageing		at = ageing_at(decay->kappa, u);
			double		statistic[N_COORDINATES] = {
				quick_log1p(u / decay->scale), u / (decay->scale + u), at.ln_D, at.c
			};
			double		weight;

			f = decay_value(decay, &at, statistic[N], u);
			weight = f * panel_weight(&panel, i);
			m->sum += weight;
			for (int j = 0; j < N_COORDINATES; j++)
			{
				double		weighted = weight * statistic[j];

				m->mean[j] += weighted;
				for (int k = j; k < N_COORDINATES; k++)
					m->product[j][k] += weighted * statistic[k];
			}
		}
		if (decay_is_over(decay, &panel, f, m->sum))
			break;
	}
	for (int j = 0; j < N_COORDINATES; j++)
	{
		m->mean[j] /= m->sum;
		for (int k = j; k < N_COORDINATES; k++)
			m->product[j][k] /= m->sum;
	}
}

/* A frequency class on its way through time. */
typedef struct Course
{
	const double *params;
	double		x;
	StoryKind	kind;
	double		scale;			/* of time: t = scale (e^z - 1) */
} Course;

/*
 * ln phi or ln(1 - phi) with all derivatives, as a curve over z = ln(1 + t/scale).
 * So that all values are about one, derivatives in n and s come multiplied by n
 * and s, as often as they are taken; the others are in ln A and ln kappa.
 *
 * Each first derivative of the integrand's logarithm is a multiple of one of the
 * statistics, plus something.  The second derivatives of the integral's are the
 * covariances of the first, plus the mean of the integrand's own.
 */
static void
race_curve(const void *data, double z, double *values)
{
	const Course *course = data;
	Customer	customer = customer_at(course->params, course->x, course->scale * expm1(z));
	double		factor;
	Decay		decay = race_of(&customer, course->kind, &factor);
	double		leaves = course->kind == LEAVES_FIRST ? 1.0 : 0.0;
	double		buys = 1.0 - leaves;
	double		n = customer.n;
	double		s = customer.s;
	double		multiple[N_COORDINATES] = {-n, n + buys, -s, -(s + leaves)};
	double		plus[N_COORDINATES] = {buys, -buys, leaves, leaves};
	Moments		m;
	double	   *second = &values[1 + N_COORDINATES];

	find_moments(&decay, &m);
	*values++ = log(factor * m.sum);
	for (int j = 0; j < N_COORDINATES; j++)
	{
		values[j] = multiple[j] * m.mean[j] + plus[j];
		for (int k = j; k < N_COORDINATES; k++, second++)
		{
			*second = multiple[j] * multiple[k] * (m.product[j][k] - m.mean[j] * m.mean[k]);
			if (j == N && k == N)
				*second -= buys;
			else if (j == N && k == LN_A)
				*second += n * m.mean[LN_A];
			else if (j == LN_A && k == LN_A)
				*second -= (n + buys) * (m.mean[LN_A] - m.product[LN_A][LN_A]);
			else if (j == FRAILTY && k == FRAILTY)
				*second -= leaves;
			else if (j == FRAILTY && k == LN_KAPPA)
				*second -= s * m.mean[LN_KAPPA];
			else if (j == LN_KAPPA && k == LN_KAPPA)
				*second -= (s + leaves) * (m.mean[LN_KAPPA] - m.product[LN_KAPPA][LN_KAPPA]);
		}
	}
}

/* Index of the pair (i, k), i <= k, of parameters in a Story's hessian. */
static inline int
pair_of(int i, int k)
{
	return i * N_PARAMS - i * (i - 1) / 2 + k - i;
}

/* The second derivatives of a curve, in the order in which it gives them. */
enum
{
	N_N, N_A, N_S, N_KAPPA, A_A, A_S, A_KAPPA, S_S, S_KAPPA, KAPPA_KAPPA
};

/*
 * The chain rule, from the coordinates to the parameters, at time t.  Most
 * coordinates depend on one or two of them.
 */
static void
tell_story(const double *params, const Customer *customer, double t, const double *values,
		   Story *story)
{
	const double *slope = &values[1];
	const double *second = &values[1 + N_COORDINATES];
	double	   *h = story->hessian;
	double		kappa = customer->kappa;
	double		share = customer->share;
	double		n_r = 1.0 / customer->n;
	double		a_alpha = 1.0 / customer->age;
	double		a_b = 1.0 / params[B];
	double		s_s = 1.0 / params[S];
	double		kappa_b = t * (1.0 - kappa);
	double		kappa_beta = -share;

	story->ln = values[0];
	story->gradient[R] = slope[N] * n_r;
	story->gradient[ALPHA] = slope[LN_A] * a_alpha;
	story->gradient[B] = slope[LN_A] * a_b + slope[LN_KAPPA] * kappa_b;
	story->gradient[S] = slope[FRAILTY] * s_s;
	story->gradient[BETA] = slope[LN_KAPPA] * kappa_beta;

	h[pair_of(R, R)] = second[N_N] * n_r * n_r;
	h[pair_of(R, ALPHA)] = second[N_A] * n_r * a_alpha;
	h[pair_of(R, B)] = n_r * (second[N_A] * a_b + second[N_KAPPA] * kappa_b);
	h[pair_of(R, S)] = second[N_S] * n_r * s_s;
	h[pair_of(R, BETA)] = second[N_KAPPA] * n_r * kappa_beta;
	h[pair_of(ALPHA, ALPHA)] = (second[A_A] - slope[LN_A]) * a_alpha * a_alpha;
	h[pair_of(ALPHA, B)] = a_alpha * (second[A_A] * a_b + second[A_KAPPA] * kappa_b);
	h[pair_of(ALPHA, S)] = second[A_S] * a_alpha * s_s;
	h[pair_of(ALPHA, BETA)] = second[A_KAPPA] * a_alpha * kappa_beta;
	h[pair_of(B, B)] = (second[A_A] - slope[LN_A]) * a_b * a_b
		+ 2.0 * second[A_KAPPA] * a_b * kappa_b + second[KAPPA_KAPPA] * kappa_b * kappa_b
		- slope[LN_KAPPA] * t * t * kappa * (1.0 - kappa);
	h[pair_of(B, S)] = s_s * (second[A_S] * a_b + second[S_KAPPA] * kappa_b);
	h[pair_of(B, BETA)] = kappa_beta * (second[A_KAPPA] * a_b + second[KAPPA_KAPPA] * kappa_b)
		+ slope[LN_KAPPA] * t * share * kappa;
	h[pair_of(S, S)] = second[S_S] * s_s * s_s;
	h[pair_of(S, BETA)] = second[S_KAPPA] * s_s * kappa_beta;
	h[pair_of(BETA, BETA)] = second[KAPPA_KAPPA] * kappa_beta * kappa_beta
		+ slope[LN_KAPPA] * share * share;
}

/* Multiply a story by g = (1 + t / alpha)^-n S(t). */
static void
add_survival(const double *params, const Customer *customer, double t, Story *story)
{
	double		alpha = params[ALPHA];
	double		ln = log1p(t / alpha);
	double		slope = t / (alpha * customer->age);
	double		s = params[S];
	double		worn = wear(params, t);
	double		by_b = t * customer->kappa;
	/* 1 / beta - share, where it does not cancel */
	double		by_beta = -expm1(-params[B] * t) * customer->kappa / params[BETA];

	story->ln -= customer->n * ln + s * worn;
	story->gradient[R] -= ln;
	story->gradient[ALPHA] += customer->n * slope;
	story->gradient[B] -= s * by_b;
	story->gradient[S] -= worn;
	story->gradient[BETA] += s * by_beta;
	story->hessian[pair_of(R, ALPHA)] += slope;
	story->hessian[pair_of(ALPHA, ALPHA)] -= customer->n * slope * (1.0 / alpha + 1.0 / customer->age);
	story->hessian[pair_of(B, B)] -= s * t * by_b * (1.0 - customer->kappa);
	story->hessian[pair_of(B, S)] -= by_b;
	story->hessian[pair_of(B, BETA)] += s * by_b * customer->share;
	story->hessian[pair_of(S, BETA)] += by_beta;
	story->hessian[pair_of(BETA, BETA)] -= s * by_beta * (1.0 / params[BETA] + customer->share);
}

static void
ggnbd_stories(const Host *host, const double *params, double x, StoryKind kind,
			  const double *times, size_t n, Story *stories)
{
	Course		course = {.params = params, .x = x, .kind = kind, .scale = params[ALPHA]};
	Curve		curve = {race_curve, &course, N_VALUES, INFINITY};
	double	   *z = host->alloc(n * sizeof(double));
	double	   *values = host->alloc(n * N_VALUES * sizeof(double));

	/* the nearest singularity below time 0 */
	if (params[BETA] < 1.0)
		course.scale = fmin(course.scale, -log1p(-params[BETA]) / params[B]);
	for (size_t i = 0; i < n; i++)
		z[i] = log1p(times[i] / course.scale);
	curve_values(&curve, z, n, values);
	for (size_t i = 0; i < n; i++)
	{
		Customer	customer = customer_at(params, x, times[i]);

		tell_story(params, &customer, times[i], &values[i * N_VALUES], &stories[i]);
		add_survival(params, &customer, times[i], &stories[i]);
	}
	host->release(z);
	host->release(values);
}

static double
ggnbd_log_likelihood(const Population *population, const double *params,
					 double *gradient, double *hessian)
{
	static const RaceModel race = {N_PARAMS, ggnbd_stories};

	return race_log_likelihood(&race, population, params, gradient, hessian);
}

/* ln of the share of live customers that neither buy nor leave within w. */
static double
ln_quiet(const Customer *customer, double w)
{
	return -customer->n * log1p(w / customer->age)
		- customer->s * ageing_at(customer->kappa, customer->b * w).ln_D;
}

/* ln of the probability of no purchase between t_x and T: both stories. */
static double
ln_no_purchase(const double *params, double x, double t_x, double T)
{
	Customer	then = customer_at(params, x, t_x);
	Customer	now = customer_at(params, x, T);

	return log(chance_within(&then, LEAVES_FIRST, INFINITY)
			   + exp(ln_quiet(&then, T - t_x)) * chance_within(&now, BUYS_FIRST, INFINITY));
}

static double
ggnbd_customer_log_likelihood(const double *params, double x, double t_x, double T)
{
	return sf_lpoch(params[R], x) - params[R] * log1p(t_x / params[ALPHA])
		- x * log(params[ALPHA] + t_x) - params[S] * wear(params, t_x)
		+ ln_no_purchase(params, x, t_x, T);
}

static double
ggnbd_alive_prob(const double *params, double x, double t_x, double T)
{
	Customer	then = customer_at(params, x, t_x);

	return fmin(1.0, exp(ln_quiet(&then, T - t_x) - ln_no_purchase(params, x, t_x, T)));
}

/*
 * Expected purchases of a live customer in the horizon, each discounted to now:
 * the mean rate of buying, times the integral of e^(-delta w) S(t + w) / S(t).
 */
static double
live_orders(const Customer *customer, double horizon, double delta)
{
	Decay		decay = {
		.linear = delta / customer->b,
		.exponent = customer->s,
		.kappa = customer->kappa
	};
	double		sum = 0.0;
	double		f = 1.0;

	for (Panel panel = panel_start(0.0); decay_next(&decay, &panel, customer->b * horizon);)
	{
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double		u = panel_node(&panel, i);
			Ageing		at = ageing_at(decay.kappa, u);

			f = decay_value(&decay, &at, 0.0, u);
			sum += f * panel_weight(&panel, i);
		}
		if (decay_is_over(&decay, &panel, f, sum))
			break;
	}
	return customer->n / customer->A * sum;
}

static double
ggnbd_live_orders(const double *params, double x, double t_x, double T,
				  double horizon, double delta)
{
	Customer	now = customer_at(params, x, T);

	(void) t_x;
	return live_orders(&now, horizon, delta);
}

static double
ggnbd_expected_orders_new(const double *params, double t)
{
	Customer	now = customer_at(params, 0.0, 0.0);

	return live_orders(&now, t, 0.0);
}

/* What the density, over z, of leaving at e^z after j purchases depends on. */
typedef struct Departure
{
	const Customer *customer;
	double		j;
	double		ln_ways;
} Departure;

static double
ln_departure(const void *data, double z)
{
	const Departure *departure = data;
	const Customer *customer = departure->customer;
	double		w = exp(z);
	Ageing		at = ageing_at(customer->kappa, customer->b * w);

	return departure->ln_ways - customer->n * log1p(w / customer->age)
		- departure->j * log1p(customer->age / w)
		- customer->s * at.ln_D + log(customer->s * customer->b * w * at.p);
}

/*
 * Its singularities: where 1 + w / age is 0 and where D is, the latter at the
 * logarithms of a row of points u + (2k+1) i pi (or u + 2k i pi, u < 0), none of
 * which is lower than that of the first, or nearer to the axis.
 */
static double
departure_room(const void *data, double z)
{
	const Customer *customer = ((const Departure *) data)->customer;
	double		room = panel_room(z - log(customer->age), M_PI);
	double		kappa = customer->kappa;
	double		ahead;
	double		height;

	if (kappa == 1.0)
		return room;
	if (kappa > 1.0)
	{
		ahead = z + log(customer->b) - log(-log1p(-1.0 / kappa));
		height = 0.5 * M_PI;
	}
	else
	{
		double		u = log1p(-kappa) - log(kappa);

		ahead = z + log(customer->b) - log(hypot(u, M_PI));
		height = fmin(0.5 * M_PI, atan2(M_PI, u));
	}
	return fmin(room, 0.5 * hypot(fmin(ahead, 0.0), height));
}

/*
 * The probability that a live customer buys j times within t.  Where parameters
 * are millions, rounding is larger than what is left of 1.
 */
static double
live_pmf(const Customer *customer, double t, double j)
{
	Departure	departure = {customer, j, sf_ln_ways(customer->n, j)};
	double		stays;

	if (!(t > 0.0))
		return j == 0.0 ? 1.0 : 0.0;
	stays = exp(sf_ln_negative_binomial(customer->n, t / customer->age, j)
				- customer->s * ageing_at(customer->kappa, customer->b * t).ln_D);
	return fmin(1.0, stays + integral_below(&(LnIntegrand) {
		.ln_value = ln_departure,
		.room = departure_room,
		.data = &departure
	}, log(t)));
}

static double
ggnbd_orders_pmf(const double *params, double t, double x)
{
	Customer	now = customer_at(params, 0.0, 0.0);

	return live_pmf(&now, t, x);
}

static double
ggnbd_order_prob(const double *params, double x, double t_x, double T, double horizon)
{
	Customer	now = customer_at(params, x, T);

	return ggnbd_alive_prob(params, x, t_x, T) * chance_within(&now, BUYS_FIRST, horizon);
}

static double
ggnbd_future_orders_pmf(const double *params, double x, double t_x, double T,
						double horizon, double j)
{
	Customer	now = customer_at(params, x, T);

	if (j == 0.0)
		return fmax(0.0, 1.0 - ggnbd_order_prob(params, x, t_x, T, horizon));
	return ggnbd_alive_prob(params, x, t_x, T) * live_pmf(&now, horizon, j);
}

/* A quantile that is looked for. */
typedef struct QuantileTarget
{
	const double *params;
	double		x;
	double		T;
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
	Customer	now = customer_at(target->params, target->x, target->T);
	Customer	then;
	double		w = exp(z);
	double		quiet = exp(ln_quiet(&now, w));
	double		density = now.n * (w / (now.age + w)) * quiet;
	double		mass;

	if (target->q < 0.5)
	{
		mass = chance_within(&now, BUYS_FIRST, w);
		*slope = density / mass;
		return log(mass / (target->q * target->ever));
	}
	then = customer_at(target->params, target->x, target->T + w);
	mass = quiet * chance_within(&then, BUYS_FIRST, INFINITY);
	*slope = density / mass;
	return log((1.0 - target->q) * target->ever / mass);
}

static double
ggnbd_next_order_quantile(const double *params, double x, double t_x, double T, double q)
{
	Customer	now = customer_at(params, x, T);
	QuantileTarget target = {
		.params = params,
		.x = x,
		.T = T,
		.q = q,
		.ever = chance_within(&now, BUYS_FIRST, INFINITY)
	};

	(void) t_x;
	/* who buys before leaving does so sooner than who never leaves */
	return exp(rising_root(&(RisingFunction) {beyond_quantile, &target},
						   log(now.age * expm1(-log1p(-q) / now.n))));
}

/*
 * From far away the ridge beta / b = constant, along which the model becomes
 * Pareto/NBD, is hard to find.  And from there it is hard to see that all customers
 * leave suddenly, at some age that most have in common: so look at some ages.
 */
static bool
ggnbd_near_paretonbd(const Population *population, const double *pareto, int number, double *params)
{
	static const double b[] = {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0};
	static const double ages[] = {0.5, 0.75, 1.0};
	const double sudden = 10.0;
	const int	n_b = sizeof(b) / sizeof(b[0]);
	const int	n_ages = sizeof(ages) / sizeof(ages[0]);
	double		T = population_time_scale(population);

	if (number >= n_b + n_ages)
		return false;
	params[R] = pareto[0];
	params[ALPHA] = pareto[1];
	if (number < n_b)
	{
		params[B] = b[number] / T;
		params[S] = pareto[2];
		params[BETA] = params[B] * pareto[3];
	}
	else
	{
		/* half of the customers have left at that age */
		params[B] = sudden / T;
		params[S] = 1.0;
		params[BETA] = expm1(sudden * ages[number - n_b]);
	}
	return true;
}

static void
ggnbd_prior_centre(const Population *population, double *ln_params)
{
	ln_params[R] = 0.0;
	ln_params[ALPHA] = log(population_time_scale(population));
	ln_params[B] = -log(population_time_scale(population));
	ln_params[S] = 0.0;
	ln_params[BETA] = 0.0;
}

static void
ggnbd_begin_life(const double *params, Random *random, Life *life)
{
	double		ln_rate = random_ln_gamma(random, params[R]) - det_log(params[ALPHA]);
	double		ln_eta = random_ln_gamma(random, params[S]) - det_log(params[BETA]);
	double		wait = random_exponential(random);
	double		growth = wait * det_exp(-ln_eta);	/* e^(b t) - 1 at the end t */
	double		one_more = 1.0 + growth;

	life->mean_gap = det_exp(-ln_rate);
	if (!isfinite(growth))
		life->dropout = (det_log(wait) - ln_eta) / params[B];
	else if (one_more == 1.0)
		life->dropout = growth / params[B];
	else
		/* the rounding of one_more cancels (Kahan's log1p) */
		life->dropout = det_log(one_more) * (growth / (one_more - 1.0)) / params[B];
	life->clock = 0.0;
	life->alive = true;
}

static double
ggnbd_next_order(Life *life, Random *random)
{
	if (life->alive)
		life->clock += life->mean_gap * random_exponential(random);
	life->alive = life->clock < life->dropout;
	return life->alive ? life->clock : INFINITY;
}

const Model ggnbd_model = {
	.id = 4,
	.name = "gg/nbd",
	.n_params = N_PARAMS,
	.param_names = {"r", "alpha", "b", "s", "beta"},
	.n_effects = 2,
	.effects = {{"rate", ALPHA, -1.0}, {"dropout", BETA, -1.0}},
	.limit = &paretonbd_model,
	.near_limit = ggnbd_near_paretonbd,
	.prior_centre = ggnbd_prior_centre,
	.log_likelihood = ggnbd_log_likelihood,
	.customer_log_likelihood = ggnbd_customer_log_likelihood,
	.alive_prob = ggnbd_alive_prob,
	.live_orders = ggnbd_live_orders,
	.expected_orders_new = ggnbd_expected_orders_new,
	.orders_pmf = ggnbd_orders_pmf,
	.future_orders_pmf = ggnbd_future_orders_pmf,
	.order_prob = ggnbd_order_prob,
	.next_order_quantile = ggnbd_next_order_quantile,
	.begin_life = ggnbd_begin_life,
	.next_order = ggnbd_next_order
};
