/*
 * bgbb.c
 *	  The BG/BB model: purchases at discrete opportunities.
 *
 * Fader, Hardie & Shang, "Customer-Base Analysis in a Discrete-Time Noncontractual
 * Setting", Marketing Science 29:6 (2010), 1086-1108.
 *
 * Time comes in periods (a year, a month), each of which is one opportunity to
 * buy or not. At its start a customer leaves for good with probability theta ~
 * Beta(gamma, delta); a customer who stays buys with probability p ~
 * Beta(alpha, beta). After the period of the first purchase there were T
 * opportunities; x of them were taken, the last one at t_x. A customer alive
 * at T is a new one with parameters (alpha + x, beta + T - x, gamma, delta +
 * T).
 *
 * Alive at T means not having left up to and including opportunity T; the
 * table of the paper is of being alive at T + 1, which is (delta + T) / (gamma
 * + delta + T) times as probable. A horizon of h periods holds floor(h)
 * opportunities.
 *
 * Where the paper has differences of beta functions, zero over zero at gamma =
 * 1, and hypergeometric functions, there are sums of positive terms here: see
 * numerics/beta_survival_sum.h. The terms of a likelihood are summed from t_x
 * to T.
 */
#include "models/discrete/bgbb.h"

#include "models/core/model.h"
#include "numerics/beta_survival_sum.h"
#include "numerics/root.h"
#include "numerics/special.h"

/* Rounding in a division may leave a whole number of periods slightly too small. */
#define ALMOST_A_PERIOD 1e-9

/* The number of periods that are searched or summed one by one. */
#define MAX_PERIODS 1024

/* Times beyond this count as infinite. */
#define LN_FURTHEST 667.0

/* Sums of probabilities are scaled down by this before they overflow. */
#define LARGE 0x1p900
#define LN_LARGE (900.0 * M_LN2)

/* A history in whole periods. */
typedef struct History
{
	double x;
	double t_x;
	double T;
} History;

static History
history_make(double x, double t_x, double T)
{
	return (History){rint(x), rint(t_x), rint(T)};
}

/* A live customer: the Bernoulli trials at every opportunity, with success as the member's name says. */
typedef struct Live
{
	BetaSurvival buys;
	BetaSurvival leaves;
} Live;

static Live
live_customer(const double *params, double x, double T)
{
	return (Live){.buys = {params[BGBB_ALPHA] + x, params[BGBB_BETA] + (T - x)},
				  .leaves = {params[BGBB_GAMMA], params[BGBB_DELTA] + T}};
}

/* The same customer, still alive after so many opportunities not taken. */
static Live
live_after(const Live *live, double periods)
{
	Live later = *live;

	later.buys.b += periods;
	later.leaves.b += periods;
	return later;
}

static inline double
heads_prob(BetaSurvival factor)
{
	return factor.a / (factor.a + factor.b);
}

static inline double
tails_prob(BetaSurvival factor)
{
	return factor.b / (factor.a + factor.b);
}

/* The probability that the customer is alive at the next opportunity but does not take it. */
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

/* The number of opportunities within a horizon. */
static double
opportunities(double horizon)
{
	return floor(horizon + ALMOST_A_PERIOD);
}

/*
 * The two mixture terms of a customer without a purchase since the last one:
 * their probabilities, given that the customer was alive then.
 */
typedef struct Stories
{
	double alive;
	double gone;
} Stories;

/*
 * The same for many periods, without a loop over them. Given that the customer
 * leaves (one success more), it is at the first opportunity after those
 * survived and not taken.
 */
static Stories
long_stories(const Live *then, double periods)
{
	BetaSurvival missing[2] = {then->buys, {then->leaves.a + 1.0, then->leaves.b}};

	return (Stories){
		.alive = exp(sf_lbeta_shift(then->buys.a, then->buys.b, periods) +
					 sf_lbeta_shift(then->leaves.a, then->leaves.b, periods)),
		.gone = heads_prob(then->leaves) * beta_survival_sum(missing, 2, 0.0, periods),
	};
}

static Stories
stories_of(const double *params, const History *h)
{
	Live then = live_customer(params, h->x, h->t_x);
	Stories terms = {.alive = 1.0};

	/* more purchases than opportunities: impossible */
	if (h->x > h->t_x)
		return (Stories){0};
	if (h->T - h->t_x > MAX_PERIODS)
		return long_stories(&then, h->T - h->t_x);
	for (double t = h->t_x; t < h->T; t++)
	{
		Live now = live_after(&then, t - h->t_x);

		terms.gone += terms.alive * heads_prob(now.leaves);
		terms.alive *= stays_away(&now);
	}
	return terms;
}

static double
bgbb_customer_log_likelihood(const double *params, double x, double t_x, double T)
{
	History h = history_make(x, t_x, T);
	Stories terms = stories_of(params, &h);

	return sf_lbeta_shift(params[BGBB_BETA], params[BGBB_ALPHA], h.x) +
		sf_lbeta_shift(params[BGBB_ALPHA] + h.x, params[BGBB_BETA], h.t_x - h.x) +
		sf_lbeta_shift(params[BGBB_GAMMA], params[BGBB_DELTA], h.t_x) + log(terms.alive + terms.gone);
}

static double
bgbb_alive_prob(const double *params, double x, double t_x, double T)
{
	History h = history_make(x, t_x, T);
	Stories terms = stories_of(params, &h);

	return terms.alive / (terms.alive + terms.gone);
}

static double
bgbb_gone_prob(const double *params, double x, double t_x, double T)
{
	History h = history_make(x, t_x, T);
	Stories terms = stories_of(params, &h);

	return terms.gone / (terms.alive + terms.gone);
}

/* Expected purchases within n opportunities: the expected number survived, times p. */
static double
orders_of(const Live *live, double n, double delta)
{
	BetaSurvival stay = {live->leaves.a, live->leaves.b + 1.0};

	return buys_next(live) * exp(-delta) * beta_survival_sum(&stay, 1, delta, n);
}

static double
bgbb_expected_transactions_if_alive(const double *params, double x, double t_x, double T, double horizon, double delta)
{
	History h = history_make(x, t_x, T);
	Live live = live_customer(params, h.x, h.T);

	return orders_of(&live, opportunities(horizon), delta);
}

static double
bgbb_new_customer_transactions(const double *params, double t)
{
	Live live = live_customer(params, 0.0, 0.0);

	return orders_of(&live, opportunities(t), 0.0);
}

/*
 * The sum of pmf_of() where the opportunities missed are too many for a loop:
 * its logarithm, without the factor of x purchases in a row.
 */
static double
ln_pmf_rest(const Live *then, double x, double misses)
{
	BetaSurvival leaving[2] = {then->buys, {then->leaves.a + 1.0, then->leaves.b}};
	double ln_alive = sf_lbeta_shift(then->buys.a, then->buys.b, misses) +
		sf_lbeta_shift(then->leaves.a, then->leaves.b, misses) - (x > 0.0 ? sf_lbeta_shift(x, 1.0, misses) : 0.0);
	double ln_gone = log(heads_prob(then->leaves)) + coin_ln_ways(leaving, 2, x, misses);

	return fmax(ln_alive, ln_gone) + log1p(exp(-fabs(ln_alive - ln_gone)));
}

/*
 * The probability of x purchases within n opportunities: the sum, over the
 * last opportunity lived through, of that of x purchases until then. Loops
 * over those opportunities.
 */
static double
pmf_of(const Live *live, double n, double x)
{
	Live then = {{live->buys.a + x, live->buys.b}, {live->leaves.a, live->leaves.b + x}};
	double ln_scale = sf_lbeta_shift(live->buys.b, live->buys.a, x) + sf_lbeta_shift(live->leaves.a, live->leaves.b, x);
	double alive = 1.0;
	double gone = 0.0;

	if (x > n)
		return 0.0;
	if (n - x > MAX_PERIODS)
		return exp(ln_scale + ln_pmf_rest(&then, x, n - x));
	for (double misses = 0.0; misses < n - x; misses++)
	{
		Live now = live_after(&then, misses);

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
bgbb_new_customer_transactions_pmf(const double *params, double t, double x)
{
	Live live = live_customer(params, 0.0, 0.0);

	return pmf_of(&live, opportunities(t), x);
}

/* The probability that the next purchase comes within n opportunities; n may be INFINITY. */
static double
buys_within(const Live *live, double n)
{
	/*
	 * Given that the k-th opportunity is taken (one success more), it must
	 * have been reached: no purchase before, and alive at it (one failure
	 * more).
	 */
	BetaSurvival reaching[2] = {{live->buys.a + 1.0, live->buys.b}, {live->leaves.a, live->leaves.b + 1.0}};

	return fmin(1.0, buys_next(live) * beta_survival_sum(reaching, 2, 0.0, n));
}

static double
bgbb_order_prob(const double *params, double x, double t_x, double T, double horizon)
{
	History h = history_make(x, t_x, T);
	Live live = live_customer(params, h.x, h.T);

	return bgbb_alive_prob(params, x, t_x, T) * buys_within(&live, opportunities(horizon));
}

static double
bgbb_future_transactions_pmf(const double *params, double x, double t_x, double T, double horizon, double j)
{
	History h = history_make(x, t_x, T);
	Live live = live_customer(params, h.x, h.T);

	if (j == 0.0)
		return 1.0 - bgbb_order_prob(params, x, t_x, T, horizon);
	return bgbb_alive_prob(params, x, t_x, T) * pmf_of(&live, opportunities(horizon), j);
}

/* The search for the time after which this share of the probability to buy again remains. */
typedef struct BgbbWait
{
	Live live;
	double ln_left;
} BgbbWait;

/* How far below that the probability is e^z periods from now; rising. */
static double
ln_missed(const void *data, double z, double *slope)
{
	const BgbbWait *wait = data;
	double periods = exp(z);
	Live then = live_after(&wait->live, periods);
	double buys = buys_within(&then, INFINITY);

	*slope = periods * buys_next(&then) / buys;
	return wait->ln_left - log(buys) - sf_lbeta_shift(wait->live.buys.a, wait->live.buys.b, periods) -
		sf_lbeta_shift(wait->live.leaves.a, wait->live.leaves.b, periods);
}

/*
 * The first opportunity until which a purchase has come with probability q, given
 * that one does come. Beyond MAX_PERIODS to within rounding.
 */
static double
bgbb_next_order_quantile(const double *params, double x, double t_x, double T, double q)
{
	History h = history_make(x, t_x, T);
	Live live = live_customer(params, h.x, h.T);
	double ever = buys_within(&live, INFINITY);
	double reached = 1.0;
	double sum = 0.0;
	BgbbWait wait;
	double z;

	if (h.x > h.t_x)
		return NAN;
	for (int periods = 0; periods < MAX_PERIODS; periods++)
	{
		Live now = live_after(&live, periods);

		sum += reached * buys_next(&now);
		if (sum >= q * ever)
			return periods + 1;
		reached *= stays_away(&now);
	}

	wait = (BgbbWait){live_after(&live, MAX_PERIODS), log1p(-q) + log(ever) - log(reached)};
	if (!(wait.ln_left < log(buys_within(&wait.live, INFINITY))))
		return MAX_PERIODS; /* reached only by rounding; otherwise the loop would have returned */
	z = rising_root(&(RisingFunction){.value = ln_missed, .data = &wait}, LN_FURTHEST);
	return z < LN_FURTHEST ? MAX_PERIODS + ceil(exp(z)) : INFINITY;
}

/*
 * Lifetimes of the order of the observation; for purchases an uninformative
 * centre. Fits start here, too.
 */
static void
bgbb_start(const Population *population, double *params)
{
	params[BGBB_ALPHA] = 1.0;
	params[BGBB_BETA] = 1.0;
	params[BGBB_GAMMA] = 1.0;
	params[BGBB_DELTA] = population_time_scale(population);
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
 * trials before the first success: -1 / ln(1 - p).
 */
static double
mean_time_to_heads(double p)
{
	return 1.0 / (p < 1e-5 ? p * (1.0 + 0.5 * p) : -det_log(1.0 - p));
}

/* Opportunities not taken, or survived, before the first success. */
static double
random_tails(Random *random, double mean_time)
{
	return floor(mean_time * random_exponential(random));
}

/* dropout is the last opportunity at which the customer was alive. */
static void
bgbb_begin_path(const double *params, Random *random, SimulatedPath *path)
{
	double p = random_beta(random, params[BGBB_ALPHA], params[BGBB_BETA]);
	double theta = random_beta(random, params[BGBB_GAMMA], params[BGBB_DELTA]);

	path->mean_gap = p < 1.0 ? mean_time_to_heads(p) : 0.0;
	path->dropout = theta < 1.0 ? random_tails(random, mean_time_to_heads(theta)) : 0.0;
	path->clock = 0.0;
	path->alive = true;
}

static double
bgbb_next_order(SimulatedPath *path, Random *random)
{
	if (!path->alive)
		return INFINITY;
	path->clock += 1.0 + random_tails(random, path->mean_gap);
	path->alive = path->clock <= path->dropout && isfinite(path->clock);
	return path->alive ? path->clock : INFINITY;
}

/* The probability that no opportunity since the last purchase is taken is that of so many failures. */
static double
bgbb_ln_silence(const double *params, double x, double t_x, double T)
{
	History h = history_make(x, t_x, T);
	Live live = live_customer(params, h.x, h.t_x);

	if (h.x > h.t_x)
		return NAN;
	return sf_lbeta_shift(live.buys.a, live.buys.b, h.T - h.t_x);
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
	.prob_alive = bgbb_alive_prob,
	.gone_prob = bgbb_gone_prob,
	.ln_silence = bgbb_ln_silence,
	.expected_transactions_if_alive = bgbb_expected_transactions_if_alive,
	.new_customer_transactions = bgbb_new_customer_transactions,
	.new_customer_transactions_pmf = bgbb_new_customer_transactions_pmf,
	.future_transactions_pmf = bgbb_future_transactions_pmf,
	.order_prob = bgbb_order_prob,
	.next_order_quantile = bgbb_next_order_quantile,
	.begin_path = bgbb_begin_path,
	.next_order = bgbb_next_order,
};
