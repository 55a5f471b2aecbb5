/*
 * bgbb_likelihood.c
 *	  The likelihood of a population under the BG/BB model.
 *
 * A customer with x purchases, the last at t_x, has one of these stories: left at
 * the start of opportunity m + 1, for one of m = t_x .. T - 1, or alive at m = T.  With
 * left = 1 or 0, each has the probability (Fader, Hardie & Shang, eq. 4)
 *
 *		B(alpha + x, beta + m - x) / B(alpha, beta) B(gamma + left, delta + m) / B(gamma, delta).
 *
 * Customers who differ in T only share the walk from t_x on along these stories,
 * whose probabilities are taken relative to that of being alive at t_x: they only
 * fall, and nothing overflows.
 *
 * The derivatives of the logarithm of the sum are means over the stories, and
 * covariances (Louis, JRSS B 44, 1982).  The probability of a story is made of six
 * rising factorials; so its derivatives are differences of sums of 1 / (z + i), which
 * one table per factorial holds for all customers.
 */
#include "models/bgbb.h"

#include <stdbool.h>
#include <string.h>

#include "numerics/special.h"
#include "numerics/sum.h"

#define N BGBB_PARAMS

/* Steps between two looks for an interrupt. */
#define INTERRUPT_STEPS 4096

/* The rising factorials of a story; those that change along a walk come first. */
typedef enum Factorial
{
	MISSED,						/* beta, m - x */
	OFFERED,					/* alpha + beta, m */
	STAYED,						/* delta, m */
	TOSSED,						/* gamma + delta, m + left */
	N_WALKING,
	BOUGHT = N_WALKING,			/* alpha, x */
	LEFT,						/* gamma, left */
	N_FACTORIALS
} Factorial;

/* Which of them a parameter is in: above and below the line. */
static const Factorial above[N] = {[ALPHA] = BOUGHT, [BETA] = MISSED, [GAMMA] = LEFT, [DELTA] = STAYED};
static const Factorial below[N] = {[ALPHA] = OFFERED, [BETA] = OFFERED, [GAMMA] = TOSSED, [DELTA] = TOSSED};

/* The first two derivatives of ln Gamma(z + n) / Gamma(z) in z. */
typedef struct Rise
{
	double		first;
	double		second;
} Rise;

/* Sums over stories, weighted by their probabilities, of derivatives relative to alive at t_x. */
typedef struct StorySums
{
	double		prob;
	double		first[N_WALKING];
	double		second[N_WALKING];
	double		product[N_WALKING][N_WALKING];	/* of two first ones */
} StorySums;

/* What they come to: means, and covariances of the first derivatives. */
typedef struct Moments
{
	double		first[N_FACTORIALS];
	double		second[N_FACTORIALS];
	double		covariance[N_FACTORIALS][N_FACTORIALS];
} Moments;

/* The log-likelihood and its derivatives; of the matrix only the upper triangle. */
typedef struct Totals
{
	Sum			value;
	Sum			gradient[N];
	Sum			hessian[N][N];
} Totals;

/* One evaluation of the likelihood. */
typedef struct Evaluation
{
	const Population *population;
	const double *params;
	Rise	   *rises[N_FACTORIALS];	/* by n */
	size_t		steps;			/* since the last look for an interrupt */
	Totals		totals;
} Evaluation;

static Rise *
rise_table(const Host *host, double z, size_t n)
{
	Rise	   *table = host->alloc((n + 1) * sizeof(Rise));

	table[0] = (Rise) {0.0, 0.0};
	for (size_t i = 0; i < n; i++)
	{
		double		step = 1.0 / (z + (double) i);

		table[i + 1] = (Rise) {table[i].first + step, table[i].second - step * step};
	}
	return table;
}

/* A walk along the stories of the customers with x purchases, the last at t_x. */
typedef struct Walk
{
	size_t		x;
	size_t		t_x;
	size_t		m;				/* opportunities up to here */
	double		alive;			/* the probability of being alive at m, relative to t_x */
	StorySums	gone;			/* the stories of having left before */
	double		ln_prob;		/* of being alive at t_x, with its derivatives */
	Rise		rises[N_FACTORIALS];
} Walk;

static Walk
walk_start(const Evaluation *e, size_t x, size_t t_x)
{
	const double *params = e->params;
	Walk		walk = {.x = x, .t_x = t_x, .m = t_x, .alive = 1.0};

	walk.ln_prob = sf_lbeta_shift(params[BETA], params[ALPHA], (double) x)
		+ sf_lbeta_shift(params[ALPHA] + (double) x, params[BETA], (double) (t_x - x))
		+ sf_lbeta_shift(params[GAMMA], params[DELTA], (double) t_x);
	walk.rises[BOUGHT] = e->rises[BOUGHT][x];
	walk.rises[MISSED] = e->rises[MISSED][t_x - x];
	walk.rises[OFFERED] = e->rises[OFFERED][t_x];
	walk.rises[LEFT] = e->rises[LEFT][0];
	walk.rises[STAYED] = e->rises[STAYED][t_x];
	walk.rises[TOSSED] = e->rises[TOSSED][t_x];
	return walk;
}

/* Add the story that ends here, alive (left = 0) or not (1). */
static inline void
add_story(StorySums *sums, const Evaluation *e, const Walk *walk, size_t left, double prob)
{
	const Rise *rises[N_WALKING] = {
		[MISSED] = &e->rises[MISSED][walk->m - walk->x],
		[OFFERED] = &e->rises[OFFERED][walk->m],
		[STAYED] = &e->rises[STAYED][walk->m],
		[TOSSED] = &e->rises[TOSSED][walk->m + left]
	};
	double		first[N_WALKING];

	sums->prob += prob;
	for (int i = 0; i < N_WALKING; i++)
	{
		first[i] = rises[i]->first - walk->rises[i].first;
		sums->first[i] += prob * first[i];
		sums->second[i] += prob * (rises[i]->second - walk->rises[i].second);
	}
	for (int i = 0; i < N_WALKING; i++)
		for (int k = 0; k < N_WALKING; k++)
			sums->product[i][k] += prob * first[i] * first[k];
}

/* Some leave now; the others do not buy at the next opportunity. */
static inline void
walk_step(const Evaluation *e, Walk *walk)
{
	const double *params = e->params;
	double		m = (double) walk->m;
	double		misses = (double) (walk->m - walk->x);
	double		tossed = params[GAMMA] + params[DELTA] + m;

	add_story(&walk->gone, e, walk, 1, walk->alive * (params[GAMMA] / tossed));
	walk->alive *= (params[DELTA] + m) / tossed
		* ((params[BETA] + misses) / (params[ALPHA] + params[BETA] + m));
	walk->m++;
}

/* Of all stories, and of those among them in which the customer left. */
static Moments
moments_of(const StorySums *all, const StorySums *gone, Rise left)
{
	Moments		moments = {0};

	for (int i = 0; i < N_WALKING; i++)
	{
		moments.first[i] = all->first[i] / all->prob;
		moments.second[i] = all->second[i] / all->prob;
	}
	moments.first[LEFT] = left.first * (gone->prob / all->prob);
	moments.second[LEFT] = left.second * (gone->prob / all->prob);

	for (int i = 0; i < N_WALKING; i++)
	{
		for (int k = 0; k < N_WALKING; k++)
			moments.covariance[i][k] = all->product[i][k] / all->prob - moments.first[i] * moments.first[k];
		moments.covariance[i][LEFT] = moments.covariance[LEFT][i] =
			left.first * (gone->first[i] / all->prob) - moments.first[LEFT] * moments.first[i];
	}
	moments.covariance[LEFT][LEFT] = moments.first[LEFT] * (left.first - moments.first[LEFT]);
	return moments;
}

/* Customers who were seen up to T. */
static void
add_customers(Evaluation *e, Walk *walk, double T, double customers)
{
	size_t		end = (size_t) rint(T);
	StorySums	all;
	Moments		moments;

	e->steps += end - walk->m + 1;
	while (walk->m < end)
		walk_step(e, walk);
	all = walk->gone;
	add_story(&all, e, walk, 0, walk->alive);
	moments = moments_of(&all, &walk->gone, e->rises[LEFT][1]);
	for (int i = 0; i < N_FACTORIALS; i++)
	{
		moments.first[i] += walk->rises[i].first;
		moments.second[i] += walk->rises[i].second;
	}

	sum_add(&e->totals.value, customers * (walk->ln_prob + log(all.prob)));
	for (int i = 0; i < N; i++)
	{
		sum_add(&e->totals.gradient[i],
				customers * (moments.first[above[i]] - moments.first[below[i]]));
		for (int k = i; k < N; k++)
			sum_add(&e->totals.hessian[i][k],
					customers * ((above[i] == above[k] ? moments.second[above[i]] : 0.0)
								 - (below[i] == below[k] ? moments.second[below[i]] : 0.0)
								 + (moments.covariance[above[i]][above[k]]
									- moments.covariance[above[i]][below[k]]
									- moments.covariance[below[i]][above[k]]
									+ moments.covariance[below[i]][below[k]])));
	}

	if (e->steps >= INTERRUPT_STEPS)
	{
		e->population->host->check_interrupts();
		e->steps = 0;
	}
}

/* Customers without a repeat purchase: all of one recency. */
static void
add_ages(Evaluation *e, const FrequencyClass *class)
{
	Walk		walk = walk_start(e, 0, 0);

	for (size_t i = class[0].first_age; i < class[1].first_age; i++)
		add_customers(e, &walk, e->population->ages[i].T, e->population->ages[i].customers);
}

static void
add_recency(Evaluation *e, size_t x, const RecencyClass *recency)
{
	const Population *population = e->population;
	Walk		walk = walk_start(e, x, (size_t) rint(recency->t_x));

	for (size_t i = recency[0].first_cell; i < recency[1].first_cell; i++)
		add_customers(e, &walk, population->ages[population->cells[i].age].T,
					  population->cells[i].customers);
}

static void
add_everybody(Evaluation *e)
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

/* Whether somebody bought more often than there were opportunities. */
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
	double		longest = 0.0;

	for (size_t i = 0; i < population->n_ages; i++)
		longest = fmax(longest, population->ages[i].T);
	return (size_t) rint(longest);
}

double
bgbb_log_likelihood(const Population *population, const double *params,
					double *gradient, double *hessian)
{
	const Host *host = population->host;
	Evaluation	e = {.population = population, .params = params};

	if (is_impossible(population))
	{
		if (gradient != NULL)
			memset(gradient, 0, sizeof(double) * N);
		if (hessian != NULL)
			memset(hessian, 0, sizeof(double) * N * N);
		return -INFINITY;
	}

	size_t		n = longest_age(population);

	e.rises[BOUGHT] = rise_table(host, params[ALPHA], n);
	e.rises[MISSED] = rise_table(host, params[BETA], n);
	e.rises[OFFERED] = rise_table(host, params[ALPHA] + params[BETA], n);
	e.rises[LEFT] = rise_table(host, params[GAMMA], 1);
	e.rises[STAYED] = rise_table(host, params[DELTA], n);
	e.rises[TOSSED] = rise_table(host, params[GAMMA] + params[DELTA], n);
	add_everybody(&e);
	for (int i = 0; i < N_FACTORIALS; i++)
		host->release(e.rises[i]);

	for (int i = 0; i < N && gradient != NULL; i++)
		gradient[i] = sum_value(&e.totals.gradient[i]);
	for (int i = 0; i < N && hessian != NULL; i++)
		for (int k = i; k < N; k++)
			hessian[i * N + k] = hessian[k * N + i] = sum_value(&e.totals.hessian[i][k]);
	return sum_value(&e.totals.value);
}
