/*
 * bgnbd.c
 *	  The BG/NBD model: beta-geometric dropout, negative binomial purchases.
 *
 * Fader, Hardie & Lee, "'Counting Your Customers' the Easy Way: An Alternative
 * to the Pareto/NBD Model", Marketing Science 24:2 (2005), 275-284.
 *
 * A live customer buys at a Poisson rate lambda ~ Gamma(r, rate alpha).  After
 * every repeat purchase (not after the first) the customer leaves for good
 * with probability p ~ Beta(a, b).  With n = r + x and
 *
 *		L = ln((alpha + T) / (alpha + t_x)),  q = e^(-n L),  c = a / (b + x - 1)
 *
 * the likelihood of one history (eq. 6) is, in logarithms,
 *
 *		lpoch(r, x) - r log1p(t_x / alpha) - x ln(alpha + t_x)
 *		+ lbeta_shift(a, b, x) + ln(q + c),
 *
 * without the last term's c for x = 0.  The sum q + c has the two stories of a
 * customer with repeat purchases: still alive (q), or gone after the last
 * purchase (c).  P = q / (q + c) is the probability of being alive, and the
 * derivatives of ln(q + c) are means under P and Q = 1 - P (Louis, JRSS B 44,
 * 1982), which gives the exact Hessian almost for free.
 */
#include <math.h>
#include <string.h>

#include "models/beta_geometric.h"
#include "models/model.h"
#include "numerics/special.h"
#include "numerics/sum.h"

enum
{
	R,
	ALPHA,
	A,
	B,
	N_PARAMS
};

/* Cells between two looks for an interrupt. */
#define INTERRUPT_CELLS 4096

/*
 * Sums over the customers of one frequency class, weighted by their number.
 * u = 1 / (alpha + time), v = 1 / alpha - u; D = dL / dalpha, negated.
 */
typedef enum ClassSum
{
	/* over the times t_x (or T, if x = 0) */
	SUM_LN,						/* log1p(time / alpha) */
	SUM_V,						/* v */
	SUM_V2,						/* v (1 / alpha + u) */
	/* over the cells (x, t_x, T) */
	SUM_LN_K,					/* ln(q + c) */
	SUM_Q,						/* Q */
	SUM_P_L,					/* P L */
	SUM_P_D,					/* P D */
	SUM_P_D2,					/* P D (u(t_x) + u(T)), from the derivative of D */
	SUM_PQ,						/* P Q, and so on */
	SUM_PQ_L,
	SUM_PQ_D,
	SUM_PQ_LL,
	SUM_PQ_LD,
	SUM_PQ_DD,
	N_CLASS_SUMS
} ClassSum;

/* What depends on a time alone. */
typedef struct TimeTerms
{
	double		ln;				/* log1p(time / alpha) */
	double		u;				/* 1 / (alpha + time) */
} TimeTerms;

/* The log-likelihood and its derivatives in the order of the parameters. */
typedef struct Totals
{
	Sum			value;
	Sum			gradient[N_PARAMS];
	Sum			hessian[N_PARAMS][N_PARAMS];	/* upper triangle */
} Totals;

/* One evaluation of the likelihood. */
typedef struct Evaluation
{
	const Population *population;
	const double *params;
	const TimeTerms *ages;		/* of population->ages */
	size_t		cells_seen;
} Evaluation;

static inline TimeTerms
time_terms(double alpha, double time)
{
	return (TimeTerms) {.ln = log1p(time / alpha), .u = 1.0 / (alpha + time)};
}

static void
add_time(Sum *sums, double alpha, const TimeTerms *time, double customers)
{
	double		v = 1.0 / alpha - time->u;

	sum_add(&sums[SUM_LN], customers * time->ln);
	sum_add(&sums[SUM_V], customers * v);
	sum_add(&sums[SUM_V2], customers * v * (1.0 / alpha + time->u));
}

/*
 * The cells of one recency: the inner loop of every fit.  A recency has few
 * enough cells for plain sums; those of many recencies are compensated.
 */
static void
add_cells(const Evaluation *evaluation, Sum *sums, const RecencyClass *recency,
		  const TimeTerms *last, double n, double c)
{
	const AgedCell *cell = &evaluation->population->cells[recency[0].first_cell];
	const AgedCell *end = &evaluation->population->cells[recency[1].first_cell];
	double		cell_sums[N_CLASS_SUMS] = {0};

	for (; cell < end; cell++)
	{
		const TimeTerms *now = &evaluation->ages[cell->age];
		double		L = now->ln - last->ln;
		double		D = last->u - now->u;
		double		q = exp(-n * L);
		double		K = q + c;
		double		w = cell->customers;
		double		wP = w * (q / K);
		double		wQ = w * (c / K);
		double		wPQ = wP * (c / K);

		cell_sums[SUM_LN_K] += w * log(K);
		cell_sums[SUM_Q] += wQ;
		cell_sums[SUM_P_L] += wP * L;
		cell_sums[SUM_P_D] += wP * D;
		cell_sums[SUM_P_D2] += wP * D * (last->u + now->u);
		cell_sums[SUM_PQ] += wPQ;
		cell_sums[SUM_PQ_L] += wPQ * L;
		cell_sums[SUM_PQ_D] += wPQ * D;
		cell_sums[SUM_PQ_LL] += wPQ * L * L;
		cell_sums[SUM_PQ_LD] += wPQ * L * D;
		cell_sums[SUM_PQ_DD] += wPQ * D * D;
	}
	for (int i = SUM_LN_K; i < N_CLASS_SUMS; i++)
		sum_add(&sums[i], cell_sums[i]);
}

/* Gather the sums of one frequency class. */
static void
sum_class(Evaluation *evaluation, const FrequencyClass *class, Sum *sums)
{
	const Population *population = evaluation->population;
	const double *params = evaluation->params;
	double		n = params[R] + class->x;
	double		c = params[A] / (params[B] + (class->x - 1.0));

	if (class->x == 0)
	{
		for (size_t i = class[0].first_age; i < class[1].first_age; i++)
			add_time(sums, params[ALPHA], &evaluation->ages[i], population->ages[i].customers);
		return;
	}

	for (size_t i = class[0].first_recency; i < class[1].first_recency; i++)
	{
		const RecencyClass *recency = &population->recencies[i];
		TimeTerms	last = time_terms(params[ALPHA], recency->t_x);

		add_time(sums, params[ALPHA], &last, recency->customers);
		add_cells(evaluation, sums, recency, &last, n, c);

		evaluation->cells_seen += recency[1].first_cell - recency[0].first_cell;
		if (evaluation->cells_seen >= INTERRUPT_CELLS)
		{
			population->host->check_interrupts();
			evaluation->cells_seen = 0;
		}
	}
}

/* Turn the sums of a class into its likelihood and derivatives. */
static void
add_class(Totals *totals, const double *params, const FrequencyClass *class, const Sum *sums)
{
	double		s[N_CLASS_SUMS];
	double		r = params[R];
	double		alpha = params[ALPHA];
	double		a = params[A];
	double		b = params[B];
	double		x = class->x;
	double		w = class->customers;
	double		n = r + x;
	/* before the first repeat purchase there is no coin: whatever m, times 0 */
	double		m = x > 0 ? b + (x - 1.0) : b;
	double		d_ab = sf_dpoch(a + b, x);
	double		t_ab = sf_tpoch(a + b, x);

	for (int i = 0; i < N_CLASS_SUMS; i++)
		s[i] = sum_value(&sums[i]);

	sum_add(&totals->value, w * (sf_lpoch(r, x) + sf_lbeta_shift(a, b, x) - x * log(alpha)));
	sum_add(&totals->value, -n * s[SUM_LN]);
	sum_add(&totals->value, s[SUM_LN_K]);

	sum_add(&totals->gradient[R], w * sf_dpoch(r, x) - s[SUM_LN] - s[SUM_P_L]);
	sum_add(&totals->gradient[ALPHA], n * (s[SUM_V] + s[SUM_P_D]) - w * x / alpha);
	sum_add(&totals->gradient[A], s[SUM_Q] / a - w * d_ab);
	sum_add(&totals->gradient[B], w * (sf_dpoch(b, x) - d_ab) - s[SUM_Q] / m);

	sum_add(&totals->hessian[R][R], w * sf_tpoch(r, x) + s[SUM_PQ_LL]);
	sum_add(&totals->hessian[R][ALPHA], s[SUM_V] + s[SUM_P_D] - n * s[SUM_PQ_LD]);
	sum_add(&totals->hessian[R][A], s[SUM_PQ_L] / a);
	sum_add(&totals->hessian[R][B], -s[SUM_PQ_L] / m);
	sum_add(&totals->hessian[ALPHA][ALPHA],
			n * (n * s[SUM_PQ_DD] - s[SUM_V2] - s[SUM_P_D2]) + w * x / (alpha * alpha));
	sum_add(&totals->hessian[ALPHA][A], -n * s[SUM_PQ_D] / a);
	sum_add(&totals->hessian[ALPHA][B], n * s[SUM_PQ_D] / m);
	sum_add(&totals->hessian[A][A], (s[SUM_PQ] - s[SUM_Q]) / (a * a) - w * t_ab);
	sum_add(&totals->hessian[A][B], -s[SUM_PQ] / (a * m) - w * t_ab);
	sum_add(&totals->hessian[B][B],
			(s[SUM_PQ] + s[SUM_Q]) / (m * m) + w * (sf_tpoch(b, x) - t_ab));
}

static double
bgnbd_log_likelihood(const Population *population, const double *params,
					 double *gradient, double *hessian)
{
	const Host *host = population->host;
	TimeTerms  *ages = host->alloc((population->n_ages + 1) * sizeof(TimeTerms));
	Evaluation	evaluation = {.population = population, .params = params, .ages = ages};
	Totals		totals = {0};

	for (size_t i = 0; i < population->n_ages; i++)
		ages[i] = time_terms(params[ALPHA], population->ages[i].T);
	for (size_t i = 0; i < population->n_frequencies; i++)
	{
		Sum			sums[N_CLASS_SUMS] = {{0}};

		sum_class(&evaluation, &population->frequencies[i], sums);
		add_class(&totals, params, &population->frequencies[i], sums);
	}
	host->release(ages);

	for (int i = 0; i < N_PARAMS && gradient != NULL; i++)
		gradient[i] = sum_value(&totals.gradient[i]);
	for (int i = 0; i < N_PARAMS && hessian != NULL; i++)
		for (int k = i; k < N_PARAMS; k++)
			hessian[i * N_PARAMS + k] = hessian[k * N_PARAMS + i] = sum_value(&totals.hessian[i][k]);
	return sum_value(&totals.value);
}

static double
bgnbd_customer_log_likelihood(const double *params, double x, double t_x, double T)
{
	double		r = params[R];
	double		alpha = params[ALPHA];
	double		a = params[A];
	double		b = params[B];
	double		q;

	if (x == 0)
		return -r * log1p(T / alpha);
	q = exp(-(r + x) * log1p((T - t_x) / (alpha + t_x)));
	return sf_lpoch(r, x) - r * log1p(t_x / alpha) - x * log(alpha + t_x)
		+ sf_lbeta_shift(a, b, x) + log(q + a / (b + (x - 1.0)));
}

static double
bgnbd_alive_prob(const double *params, double x, double t_x, double T)
{
	double		ln_odds_dead;

	if (x == 0)
		return 1.0;
	ln_odds_dead = log(params[A]) - log(params[B] + (x - 1.0))
		+ (params[R] + x) * log1p((T - t_x) / (params[ALPHA] + t_x));
	return 1.0 / (1.0 + exp(ln_odds_dead));
}

static double
bgnbd_expected_orders(const double *params, double x, double t_x, double T, double horizon)
{
	/* a live customer is a new one with updated parameters */
	return bgnbd_alive_prob(params, x, t_x, T)
		* beta_geometric_orders(params[R] + x, params[ALPHA] + T, params[A], params[B] + x, horizon);
}

static double
bgnbd_discounted_orders(const double *params, double x, double t_x, double T,
						double horizon, double delta)
{
	return bgnbd_alive_prob(params, x, t_x, T)
		* beta_geometric_discounted(params[R] + x, params[ALPHA] + T, params[A], params[B] + x,
									horizon, delta);
}

static double
bgnbd_expected_orders_new(const double *params, double t)
{
	return beta_geometric_orders(params[R], params[ALPHA], params[A], params[B], t);
}

/* The time unit in which ages are about one. */
static double
time_scale(const Population *population)
{
	return population->mean_T > 0.0 ? population->mean_T : 1.0;
}

static void
bgnbd_start(const Population *population, double *params)
{
	params[R] = 1.0;
	params[ALPHA] = 0.25 * time_scale(population);
	params[A] = 1.0;
	params[B] = 3.0;
}

static void
bgnbd_prior_centre(const Population *population, double *ln_params)
{
	ln_params[R] = 0.0;
	ln_params[ALPHA] = log(time_scale(population));
	ln_params[A] = 0.0;
	ln_params[B] = log(3.0);
}

static void
bgnbd_begin_life(const double *params, Random *random, Life *life)
{
	double		ln_rate = random_ln_gamma(random, params[R]) - det_log(params[ALPHA]);

	life->mean_gap = det_exp(-ln_rate);
	life->dropout = random_beta(random, params[A], params[B]);
	life->clock = 0.0;
	life->alive = true;
}

static double
bgnbd_next_order(Life *life, Random *random)
{
	if (!life->alive)
		return INFINITY;
	life->clock += life->mean_gap * random_exponential(random);
	life->alive = random_uniform(random) >= life->dropout;
	return life->clock;
}

const Model bgnbd_model = {
	.id = 1,
	.name = "bg/nbd",
	.n_params = N_PARAMS,
	.param_names = {"r", "alpha", "a", "b"},
	.start = bgnbd_start,
	.prior_centre = bgnbd_prior_centre,
	.log_likelihood = bgnbd_log_likelihood,
	.customer_log_likelihood = bgnbd_customer_log_likelihood,
	.alive_prob = bgnbd_alive_prob,
	.expected_orders = bgnbd_expected_orders,
	.discounted_orders = bgnbd_discounted_orders,
	.expected_orders_new = bgnbd_expected_orders_new,
	.begin_life = bgnbd_begin_life,
	.next_order = bgnbd_next_order
};
