/*
 * bgbb_likelihood.c
 *	  The likelihood of a population under the BG/BB model.
 *
 * A customer with x purchases, the last at t_x, contributes these mixture
 * terms: left at the start of opportunity m + 1, for one of m = t_x .. T - 1,
 * or alive at m = T. With left = 1 or 0, each has the probability (Fader,
 * Hardie & Shang, eq. 4)
 *
 *		B(alpha + x, beta + m - x) / B(alpha, beta) B(gamma + left, delta + m) / B(gamma, delta).
 *
 * Customers who differ in T only share the loop from t_x on over these terms,
 * whose probabilities are taken relative to that of being alive at t_x: they
 * only fall, and nothing overflows.
 *
 * The derivatives of the logarithm of the sum are means over the terms, and
 * covariances (Louis, JRSS B 44, 1982). The probability of a term is a product
 * of six rising factorials; so its derivatives are differences of sums of 1 /
 * (z + i), which one table per factorial holds for all customers.
 */
#include "models/discrete/bgbb.h"

#include <stdbool.h>
#include <string.h>

#include "numerics/special.h"
#include "numerics/sum.h"

#define N BGBB_PARAMS

/* Steps between two checks for interrupts. */
#define INTERRUPT_STEPS 4096

/* The rising factorials of a mixture term; those that change along the loop come first. */
typedef enum Factorial
{
	BGBB_MISSED,  /* beta, m - x */
	BGBB_OFFERED, /* alpha + beta, m */
	BGBB_STAYED,  /* delta, m */
	BGBB_TOSSED,  /* gamma + delta, m + left */
	BGBB_N_WALKING,
	BGBB_BOUGHT = BGBB_N_WALKING, /* alpha, x */
	BGBB_LEFT,                    /* gamma, left */
	BGBB_N_FACTORIALS,
} Factorial;

/* The factorials in which a parameter occurs: in the numerator and in the denominator. */
static const Factorial above[N] =
	{[BGBB_ALPHA] = BGBB_BOUGHT, [BGBB_BETA] = BGBB_MISSED, [BGBB_GAMMA] = BGBB_LEFT, [BGBB_DELTA] = BGBB_STAYED};
static const Factorial below[N] =
	{[BGBB_ALPHA] = BGBB_OFFERED, [BGBB_BETA] = BGBB_OFFERED, [BGBB_GAMMA] = BGBB_TOSSED, [BGBB_DELTA] = BGBB_TOSSED};

/* The first two derivatives of ln Gamma(z + n) / Gamma(z) in z. */
typedef struct Rise
{
	double first;
	double second;
} Rise;

/* Sums over mixture terms, weighted by their probabilities, of derivatives relative to alive at t_x. */
typedef struct TermSums
{
	double prob;
	double first[BGBB_N_WALKING];
	double second[BGBB_N_WALKING];
	double product[BGBB_N_WALKING][BGBB_N_WALKING]; /* of two first ones */
} TermSums;

/* The results: means, and covariances of the first derivatives. */
typedef struct BgbbMoments
{
	double first[BGBB_N_FACTORIALS];
	double second[BGBB_N_FACTORIALS];
	double covariance[BGBB_N_FACTORIALS][BGBB_N_FACTORIALS];
} BgbbMoments;

/* The log-likelihood and its derivatives; of the matrix only the upper triangle. */
typedef struct BgbbTotals
{
	Sum value;
	Sum gradient[N];
	Sum hessian[N][N];
} BgbbTotals;

/* One evaluation of the likelihood. */
typedef struct BgbbEvaluation
{
	const Population *population;
	const double *params;
	Rise *rises[BGBB_N_FACTORIALS]; /* by n */
	size_t steps;                   /* since the last check for interrupts */
	BgbbTotals totals;
} BgbbEvaluation;

static Rise *
rise_table(const Host *host, double z, size_t n)
{
	Rise *table = host->alloc((n + 1) * sizeof(Rise));

	table[0] = (Rise){0.0, 0.0};
	for (size_t i = 0; i < n; i++)
	{
		double step = 1.0 / (z + (double) i);

		table[i + 1] = (Rise){table[i].first + step, table[i].second - step * step};
	}
	return table;
}

/* The loop over the mixture terms of the customers with x purchases, the last at t_x. */
typedef struct Walk
{
	size_t x;
	size_t t_x;
	size_t m;       /* opportunities up to here */
	double alive;   /* the probability of being alive at m, relative to t_x */
	TermSums gone;  /* the terms of having left before */
	double ln_prob; /* of being alive at t_x, with its derivatives */
	Rise rises[BGBB_N_FACTORIALS];
} Walk;

static Walk
walk_start(const BgbbEvaluation *e, size_t x, size_t t_x)
{
	const double *params = e->params;
	Walk walk = {.x = x, .t_x = t_x, .m = t_x, .alive = 1.0};

	walk.ln_prob = sf_lbeta_shift(params[BGBB_BETA], params[BGBB_ALPHA], (double) x) +
		sf_lbeta_shift(params[BGBB_ALPHA] + (double) x, params[BGBB_BETA], (double) (t_x - x)) +
		sf_lbeta_shift(params[BGBB_GAMMA], params[BGBB_DELTA], (double) t_x);
	walk.rises[BGBB_BOUGHT] = e->rises[BGBB_BOUGHT][x];
	walk.rises[BGBB_MISSED] = e->rises[BGBB_MISSED][t_x - x];
	walk.rises[BGBB_OFFERED] = e->rises[BGBB_OFFERED][t_x];
	walk.rises[BGBB_LEFT] = e->rises[BGBB_LEFT][0];
	walk.rises[BGBB_STAYED] = e->rises[BGBB_STAYED][t_x];
	walk.rises[BGBB_TOSSED] = e->rises[BGBB_TOSSED][t_x];
	return walk;
}

/* Add the mixture term that ends here, alive (left = 0) or not (1). */
static inline void
add_term(TermSums *sums, const BgbbEvaluation *e, const Walk *walk, size_t left, double prob)
{
	const Rise *rises[BGBB_N_WALKING] = {
		[BGBB_MISSED] = &e->rises[BGBB_MISSED][walk->m - walk->x],
		[BGBB_OFFERED] = &e->rises[BGBB_OFFERED][walk->m],
		[BGBB_STAYED] = &e->rises[BGBB_STAYED][walk->m],
		[BGBB_TOSSED] = &e->rises[BGBB_TOSSED][walk->m + left],
	};
	double first[BGBB_N_WALKING];

	sums->prob += prob;
	for (int i = 0; i < BGBB_N_WALKING; i++)
	{
		first[i] = rises[i]->first - walk->rises[i].first;
		sums->first[i] += prob * first[i];
		sums->second[i] += prob * (rises[i]->second - walk->rises[i].second);
	}
	for (int i = 0; i < BGBB_N_WALKING; i++)
		for (int k = 0; k < BGBB_N_WALKING; k++)
			sums->product[i][k] += prob * first[i] * first[k];
}

/* Some leave now; the others do not buy at the next opportunity. */
static inline void
walk_step(const BgbbEvaluation *e, Walk *walk)
{
	const double *params = e->params;
	double m = (double) walk->m;
	double misses = (double) (walk->m - walk->x);
	double tossed = params[BGBB_GAMMA] + params[BGBB_DELTA] + m;

	add_term(&walk->gone, e, walk, 1, walk->alive * (params[BGBB_GAMMA] / tossed));
	walk->alive *= (params[BGBB_DELTA] + m) / tossed *
		((params[BGBB_BETA] + misses) / (params[BGBB_ALPHA] + params[BGBB_BETA] + m));
	walk->m++;
}

/* Of all mixture terms, and of those in which the customer left. */
static BgbbMoments
moments_of(const TermSums *all, const TermSums *gone, Rise left)
{
	BgbbMoments moments = {0};

	for (int i = 0; i < BGBB_N_WALKING; i++)
	{
		moments.first[i] = all->first[i] / all->prob;
		moments.second[i] = all->second[i] / all->prob;
	}
	moments.first[BGBB_LEFT] = left.first * (gone->prob / all->prob);
	moments.second[BGBB_LEFT] = left.second * (gone->prob / all->prob);

	for (int i = 0; i < BGBB_N_WALKING; i++)
	{
		for (int k = 0; k < BGBB_N_WALKING; k++)
			moments.covariance[i][k] = all->product[i][k] / all->prob - moments.first[i] * moments.first[k];
		moments.covariance[i][BGBB_LEFT] = moments.covariance[BGBB_LEFT][i] =
			left.first * (gone->first[i] / all->prob) - moments.first[BGBB_LEFT] * moments.first[i];
	}
	moments.covariance[BGBB_LEFT][BGBB_LEFT] = moments.first[BGBB_LEFT] * (left.first - moments.first[BGBB_LEFT]);
	return moments;
}

/* Customers who were observed up to T. */
static void
add_customers(BgbbEvaluation *e, Walk *walk, double T, double customers)
{
	size_t end = (size_t) rint(T);
	TermSums all;
	BgbbMoments moments;

	e->steps += end - walk->m + 1;
	while (walk->m < end)
		walk_step(e, walk);
	all = walk->gone;
	add_term(&all, e, walk, 0, walk->alive);
	moments = moments_of(&all, &walk->gone, e->rises[BGBB_LEFT][1]);
	for (int i = 0; i < BGBB_N_FACTORIALS; i++)
	{
		moments.first[i] += walk->rises[i].first;
		moments.second[i] += walk->rises[i].second;
	}

	sum_add(&e->totals.value, customers * (walk->ln_prob + log(all.prob)));
	for (int i = 0; i < N; i++)
	{
		sum_add(&e->totals.gradient[i], customers * (moments.first[above[i]] - moments.first[below[i]]));
		for (int k = i; k < N; k++)
			sum_add(&e->totals.hessian[i][k],
					customers *
						((above[i] == above[k] ? moments.second[above[i]] : 0.0) -
						 (below[i] == below[k] ? moments.second[below[i]] : 0.0) +
						 (moments.covariance[above[i]][above[k]] - moments.covariance[above[i]][below[k]] -
						  moments.covariance[below[i]][above[k]] + moments.covariance[below[i]][below[k]])));
	}

	if (e->steps >= INTERRUPT_STEPS)
	{
		e->population->host->check_interrupts();
		e->steps = 0;
	}
}

/* Customers without a repeat purchase: all of one recency. */
static void
add_ages(BgbbEvaluation *e, const FrequencyClass *class)
{
	Walk walk = walk_start(e, 0, 0);

	for (size_t i = class[0].first_age; i < class[1].first_age; i++)
		add_customers(e, &walk, e->population->ages[i].T, e->population->ages[i].customers);
}

static void
add_recency(BgbbEvaluation *e, size_t x, const RecencyClass *recency)
{
	const Population *population = e->population;
	Walk walk = walk_start(e, x, (size_t) rint(recency->t_x));

	for (size_t i = recency[0].first_cell; i < recency[1].first_cell; i++)
		add_customers(e, &walk, population->ages[population->cells[i].age].T, population->cells[i].customers);
}

static void
add_everybody(BgbbEvaluation *e)
{
	const Population *population = e->population;

	for (size_t f = 0; f < population->n_frequencies; f++)
	{
		const FrequencyClass *class = &population->frequencies[f];

		if (class->x == 0)
			add_ages(e, class);
		for (size_t i = class[0].first_recency; i < class[1].first_recency; i++)
			add_recency(e, class->x, &population->recencies[i]);
	}
}

/* Whether a customer has more purchases than opportunities. */
static bool
is_impossible(const Population *population)
{
	for (size_t f = 0; f < population->n_frequencies; f++)
	{
		const FrequencyClass *class = &population->frequencies[f];

		/* the earliest recency comes first */
		if (class->x > 0 && class->x > rint(population->recencies[class->first_recency].t_x))
			return true;
	}
	return false;
}

static size_t
longest_age(const Population *population)
{
	double longest = 0.0;

	for (size_t i = 0; i < population->n_ages; i++)
		longest = fmax(longest, population->ages[i].T);
	return (size_t) rint(longest);
}

double
bgbb_log_likelihood(const Population *population, const double *params, double *gradient, double *hessian)
{
	const Host *host = population->host;
	BgbbEvaluation e = {.population = population, .params = params};

	if (is_impossible(population))
	{
		if (gradient != NULL)
			memset(gradient, 0, sizeof(double) * N);
		if (hessian != NULL)
			memset(hessian, 0, sizeof(double) * N * N);
		return -INFINITY;
	}

	size_t n = longest_age(population);

	e.rises[BGBB_BOUGHT] = rise_table(host, params[BGBB_ALPHA], n);
	e.rises[BGBB_MISSED] = rise_table(host, params[BGBB_BETA], n);
	e.rises[BGBB_OFFERED] = rise_table(host, params[BGBB_ALPHA] + params[BGBB_BETA], n);
	e.rises[BGBB_LEFT] = rise_table(host, params[BGBB_GAMMA], 1);
	e.rises[BGBB_STAYED] = rise_table(host, params[BGBB_DELTA], n);
	e.rises[BGBB_TOSSED] = rise_table(host, params[BGBB_GAMMA] + params[BGBB_DELTA], n);
	add_everybody(&e);
	for (int i = 0; i < BGBB_N_FACTORIALS; i++)
		host->release(e.rises[i]);

	for (int i = 0; i < N && gradient != NULL; i++)
		gradient[i] = sum_value(&e.totals.gradient[i]);
	for (int i = 0; i < N && hessian != NULL; i++)
		for (int k = i; k < N; k++)
			hessian[i * N + k] = hessian[k * N + i] = sum_value(&e.totals.hessian[i][k]);
	return sum_value(&e.totals.value);
}
