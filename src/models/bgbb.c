/*
 * bgbb.c
 *	  The BG/BB model: purchases at discrete opportunities.
 *
 * Fader, Hardie & Shang, "Customer-Base Analysis in a Discrete-Time Noncontractual
 * Setting", Marketing Science 29:6 (2010), 1086-1108.
 *
 * Time comes in periods (a year, a month), each of which is one opportunity to
 * buy or not.  At its start a customer leaves for good with probability
 * theta ~ Beta(gamma, delta); who stays buys with probability p ~ Beta(alpha, beta).
 * After the period of the first purchase there were T opportunities; x of them were
 * taken, the last one at t_x.  A customer alive at T is a new one with parameters
 * (alpha + x, beta + T - x, gamma, delta + T).
 *
 * Alive at T is who did not leave up to and including opportunity T; the table of
 * the paper is of being alive at T + 1, which is (delta + T) / (gamma + delta + T)
 * times as probable.  A horizon of h periods holds floor(h) opportunities.
 *
 * Where the paper has differences of beta functions, zero over zero at gamma = 1,
 * and hypergeometric functions, there are sums of positive terms here: see
 * numerics/coin.h.  The terms of a likelihood are walked along from t_x to T.
 */
#include "models/bgbb.h"

#include "models/model.h"
#include "numerics/coin.h"
#include "numerics/root.h"
#include "numerics/special.h"

/* A division may have taken a whole number of periods just below itself. */
#define ALMOST_A_PERIOD 1e-9

/* So many periods are looked through one by one for a quantile. */
#define MAX_PERIODS 1024

/* No time beyond this is told from infinity. */
#define LN_FURTHEST 667.0

/* Sums of probabilities are scaled down by this before they overflow. */
#define LARGE 0x1p900
#define LN_LARGE (900.0 * M_LN2)

/* A history in whole periods. */
typedef struct History
{
	double		x;
	double		t_x;
	double		T;
} History;

static History
history_make(double x, double t_x, double T)
{
	return (History) {rint(x), rint(t_x), rint(T)};
}

/* A live customer: the coins tossed at every opportunity, heads meaning the name. */
typedef struct Live
{
	Coin		buys;
	Coin		leaves;
} Live;

static Live
live_customer(const double *params, double x, double T)
{
	return (Live) {
		.buys = {params[ALPHA] + x, params[BETA] + (T - x)},
		.leaves = {params[GAMMA], params[DELTA] + T}
	};
}

/* The same customer, still alive after so many opportunities not taken. */
static Live
live_after(const Live *live, double periods)
{
	Live		later = *live;

	later.buys.b += periods;
	later.leaves.b += periods;
	return later;
}

static inline double
heads_prob(Coin coin)
{
	return coin.a / (coin.a + coin.b);
}

static inline double
tails_prob(Coin coin)
{
	return coin.b / (coin.a + coin.b);
}

/* The probability that the next opportunity is the customer's to take, but is not taken. */
static double
stays_away(const Live *live)
{
	return tails_prob(live->leaves) * tails_prob(live->buys);
}

/* The probability that it is taken. */
static double
buys_next(const Live *live)
{
	return tails_prob(live->leaves) * heads_prob(live->buys);
}

/* The opportunities that a horizon has room for. */
static double
opportunities(double horizon)
{
	return floor(horizon + ALMOST_A_PERIOD);
}

/*
 * What may have become of a customer since the last purchase, none having been
 * seen: the probabilities of both, given that the customer was alive then.
 */
typedef struct Stories
{
	double		alive;
	double		gone;
} Stories;

static Stories
stories_of(const double *params, const History *h)
{
	Live		then = live_customer(params, h->x, h->t_x);
	Stories		stories = {.alive = 1.0};

	/* more purchases than opportunities: there is no such story */
	if (h->x > h->t_x)
		return (Stories) {0};
	for (double t = h->t_x; t < h->T; t++)
	{
		Live		now = live_after(&then, t - h->t_x);

		stories.gone += stories.alive * heads_prob(now.leaves);
		stories.alive *= stays_away(&now);
	}
	return stories;
}

static double
bgbb_customer_log_likelihood(const double *params, double x, double t_x, double T)
{
	History		h = history_make(x, t_x, T);
	Stories		stories = stories_of(params, &h);

	return sf_lbeta_shift(params[BETA], params[ALPHA], h.x)
		+ sf_lbeta_shift(params[ALPHA] + h.x, params[BETA], h.t_x - h.x)
		+ sf_lbeta_shift(params[GAMMA], params[DELTA], h.t_x)
		+ log(stories.alive + stories.gone);
}

static double
bgbb_alive_prob(const double *params, double x, double t_x, double T)
{
	History		h = history_make(x, t_x, T);
	Stories		stories = stories_of(params, &h);

	return stories.alive / (stories.alive + stories.gone);
}

/* Expected purchases within n opportunities: the stay, tossed out, times p. */
static double
orders_of(const Live *live, double n, double delta)
{
	Coin		stay = {live->leaves.a, live->leaves.b + 1.0};

	return buys_next(live) * exp(-delta) * coin_tosses(&stay, 1, delta, n);
}

static double
bgbb_live_orders(const double *params, double x, double t_x, double T,
				 double horizon, double delta)
{
	History		h = history_make(x, t_x, T);
	Live		live = live_customer(params, h.x, h.T);

	return orders_of(&live, opportunities(horizon), delta);
}

static double
bgbb_expected_orders_new(const double *params, double t)
{
	Live		live = live_customer(params, 0.0, 0.0);

	return orders_of(&live, opportunities(t), 0.0);
}

/*
 * The probability of x purchases within n opportunities: the sum, over the last
 * opportunity lived through, of that of x purchases until then.  Walks along those
 * opportunities.
 */
static double
pmf_of(const Live *live, double n, double x)
{
	Live		then = {{live->buys.a + x, live->buys.b}, {live->leaves.a, live->leaves.b + x}};
	double		ln_scale = sf_lbeta_shift(live->buys.b, live->buys.a, x)
		+ sf_lbeta_shift(live->leaves.a, live->leaves.b, x);
	double		alive = 1.0;
	double		gone = 0.0;

	if (x > n)
		return 0.0;
	for (double misses = 0.0; misses < n - x; misses++)
	{
		Live		now = live_after(&then, misses);

		gone += alive * heads_prob(now.leaves);
		alive *= stays_away(&now) * ((x + misses + 1.0) / (misses + 1.0));
		if (alive > LARGE)
		{
			alive /= LARGE;
			gone /= LARGE;
			ln_scale += LN_LARGE;
		}
	}
	return exp(ln_scale + log(alive + gone));
}

static double
bgbb_orders_pmf(const double *params, double t, double x)
{
	Live		live = live_customer(params, 0.0, 0.0);

	return pmf_of(&live, opportunities(t), x);
}

/* The probability that the next purchase comes within n opportunities; n may be INFINITY. */
static double
buys_within(const Live *live, double n)
{
	/*
	 * Given that the k-th opportunity is taken (one head more), it must have been
	 * reached: no purchase before, and alive at it (one tail more).
	 */
	Coin		reaching[2] = {
		{live->buys.a + 1.0, live->buys.b}, {live->leaves.a, live->leaves.b + 1.0}
	};

	return fmin(1.0, buys_next(live) * coin_tosses(reaching, 2, 0.0, n));
}

static double
bgbb_order_prob(const double *params, double x, double t_x, double T, double horizon)
{
	History		h = history_make(x, t_x, T);
	Live		live = live_customer(params, h.x, h.T);

	return bgbb_alive_prob(params, x, t_x, T) * buys_within(&live, opportunities(horizon));
}

static double
bgbb_future_orders_pmf(const double *params, double x, double t_x, double T,
					   double horizon, double j)
{
	History		h = history_make(x, t_x, T);
	Live		live = live_customer(params, h.x, h.T);

	if (j == 0.0)
		return 1.0 - bgbb_order_prob(params, x, t_x, T, horizon);
	return bgbb_alive_prob(params, x, t_x, T) * pmf_of(&live, opportunities(horizon), j);
}

/* The search for the time after which this much is left of the chance to buy again. */
typedef struct Wait
{
	Live		live;
	double		ln_left;
} Wait;

/* How far below that the chance is e^z periods from now; rising. */
static double
ln_missed(const void *data, double z, double *slope)
{
	const Wait *wait = data;
	double		periods = exp(z);
	Live		then = live_after(&wait->live, periods);
	double		buys = buys_within(&then, INFINITY);

	*slope = periods * buys_next(&then) / buys;
	return wait->ln_left - log(buys)
		- sf_lbeta_shift(wait->live.buys.a, wait->live.buys.b, periods)
		- sf_lbeta_shift(wait->live.leaves.a, wait->live.leaves.b, periods);
}

/*
 * The first opportunity until which a purchase has come with probability q, given
 * that one does come.  Beyond MAX_PERIODS to within rounding.
 */
static double
bgbb_next_order_quantile(const double *params, double x, double t_x, double T, double q)
{
	History		h = history_make(x, t_x, T);
	Live		live = live_customer(params, h.x, h.T);
	double		ever = buys_within(&live, INFINITY);
	double		reached = 1.0;
	double		sum = 0.0;
	Wait		wait;
	double		z;

	if (h.x > h.t_x)
		return NAN;
	for (int periods = 0; periods < MAX_PERIODS; periods++)
	{
		Live		now = live_after(&live, periods);

		sum += reached * buys_next(&now);
		if (sum >= q * ever)
			return periods + 1;
		reached *= stays_away(&now);
	}

	wait = (Wait) {live_after(&live, MAX_PERIODS), log1p(-q) + log(ever) - log(reached)};
	if (!(wait.ln_left < log(buys_within(&wait.live, INFINITY))))
		return MAX_PERIODS;		/* but for rounding, sum would have told */
	z = rising_root(&(RisingFunction) {.value = ln_missed, .data = &wait}, LN_FURTHEST);
	return z < LN_FURTHEST ? MAX_PERIODS + ceil(exp(z)) : INFINITY;
}

/*
 * Lifetimes of the order of what was observed; as for purchases, no idea.  This is
 * where fits start, too.
 */
static void
bgbb_start(const Population *population, double *params)
{
	params[ALPHA] = 1.0;
	params[BETA] = 1.0;
	params[GAMMA] = 1.0;
	params[DELTA] = population_time_scale(population);
}

static void
bgbb_prior_centre(const Population *population, double *ln_params)
{
	bgbb_start(population, ln_params);
	for (int i = 0; i < BGBB_PARAMS; i++)
		ln_params[i] = log(ln_params[i]);
}

/*
 * The mean of an exponential time whose whole part has the distribution of the
 * tosses before the first head: -1 / ln(1 - p).
 */
static double
mean_time_to_heads(double p)
{
	return 1.0 / (p < 1e-5 ? p * (1.0 + 0.5 * p) : -det_log(1.0 - p));
}

/* Opportunities not taken, or survived, before the first head. */
static double
random_tails(Random *random, double mean_time)
{
	return floor(mean_time * random_exponential(random));
}

/* dropout is the last opportunity lived through. */
static void
bgbb_begin_life(const double *params, Random *random, Life *life)
{
	double		p = random_beta(random, params[ALPHA], params[BETA]);
	double		theta = random_beta(random, params[GAMMA], params[DELTA]);

	life->mean_gap = p < 1.0 ? mean_time_to_heads(p) : 0.0;
	life->dropout = theta < 1.0 ? random_tails(random, mean_time_to_heads(theta)) : 0.0;
	life->clock = 0.0;
	life->alive = true;
}

static double
bgbb_next_order(Life *life, Random *random)
{
	if (!life->alive)
		return INFINITY;
	life->clock += 1.0 + random_tails(random, life->mean_gap);
	life->alive = life->clock <= life->dropout && isfinite(life->clock);
	return life->alive ? life->clock : INFINITY;
}

const Model bgbb_model = {
	.id = 7,
	.name = "bg/bb",
	.n_params = BGBB_PARAMS,
	.param_names = {"alpha", "beta", "gamma", "delta"},
	.discrete = true,
	.start = bgbb_start,
	.prior_centre = bgbb_prior_centre,
	.log_likelihood = bgbb_log_likelihood,
	.customer_log_likelihood = bgbb_customer_log_likelihood,
	.alive_prob = bgbb_alive_prob,
	.live_orders = bgbb_live_orders,
	.expected_orders_new = bgbb_expected_orders_new,
	.orders_pmf = bgbb_orders_pmf,
	.future_orders_pmf = bgbb_future_orders_pmf,
	.order_prob = bgbb_order_prob,
	.next_order_quantile = bgbb_next_order_quantile,
	.begin_life = bgbb_begin_life,
	.next_order = bgbb_next_order
};
