/*
 * beta_geometric_likelihood.c
 *	  The likelihood of a population under BG/NBD and MBG/NBD.
 *
 * With n = r + x, m = b + x - 1 (BG/NBD) or b + x (MBG/NBD) and
 *
 *		L = ln((alpha + T) / (alpha + t_x)),  q = e^(-n L),  c = a / m
 *
 * the likelihood of one history is, in logarithms,
 *
 *		lpoch(r, x) - r log1p(t_x / alpha) - x ln(alpha + t_x)
 *		+ lbeta_shift(a, b, tosses) + ln(q + c),
 *
 * where tosses, the number of coins tossed so far, is x or x + 1; without any
 * toss there is no c.  The sum q + c has the two stories of a customer: still
 * alive (q), or gone after the last purchase (c).  P = q / (q + c) is the
 * probability of being alive, and the derivatives of ln(q + c) are means under P
 * and Q = 1 - P (Louis, JRSS B 44, 1982), which gives the exact Hessian almost
 * for free.
 */
#include "models/beta_geometric.h"

#include <math.h>

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
	/* over the times t_x (or T, if no coin was tossed) */
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
	bool		coin_at_start;
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

/* One cell: the inner loop of every fit. */
static inline void
add_cell(double *cell_sums, const TimeTerms *last, const TimeTerms *now, double n, double c,
		 double customers)
{
	double		L = now->ln - last->ln;
	double		D = last->u - now->u;
	double		q = exp(-n * L);
	double		K = q + c;
	double		wP = customers * (q / K);
	double		wQ = customers * (c / K);
	double		wPQ = wP * (c / K);

	cell_sums[SUM_LN_K] += customers * log(K);
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

/*
 * The cells of one recency, which are few enough for plain sums; those of many
 * recencies are compensated.
 */
static void
add_cells(const Evaluation *evaluation, Sum *sums, const RecencyClass *recency,
		  const TimeTerms *last, double n, double c)
{
	const AgedCell *cell = &evaluation->population->cells[recency[0].first_cell];
	const AgedCell *end = &evaluation->population->cells[recency[1].first_cell];
	double		cell_sums[N_CLASS_SUMS] = {0};

	for (; cell < end; cell++)
		add_cell(cell_sums, last, &evaluation->ages[cell->age], n, c, cell->customers);
	for (int i = SUM_LN_K; i < N_CLASS_SUMS; i++)
		sum_add(&sums[i], cell_sums[i]);
}

/* Customers without a repeat purchase: a cell per age. */
static void
add_ages(const Evaluation *evaluation, Sum *sums, const FrequencyClass *class, double n, double c)
{
	const AgeClass *ages = evaluation->population->ages;
	TimeTerms	last = time_terms(evaluation->params[ALPHA], 0.0);
	double		cell_sums[N_CLASS_SUMS] = {0};

	for (size_t i = class[0].first_age; i < class[1].first_age; i++)
	{
		if (evaluation->coin_at_start)
			add_cell(cell_sums, &last, &evaluation->ages[i], n, c, ages[i].customers);
		else
			add_time(sums, evaluation->params[ALPHA], &evaluation->ages[i], ages[i].customers);
	}
	for (int i = SUM_LN_K; i < N_CLASS_SUMS; i++)
		sum_add(&sums[i], cell_sums[i]);
}

/* How often each customer of a class has tossed the coin. */
static inline double
tosses_of(const Evaluation *evaluation, const FrequencyClass *class)
{
	return class->x + (evaluation->coin_at_start ? 1.0 : 0.0);
}

/* Gather the sums of one frequency class. */
static void
sum_class(Evaluation *evaluation, const FrequencyClass *class, Sum *sums)
{
	const Population *population = evaluation->population;
	const double *params = evaluation->params;
	double		n = params[R] + class->x;
	double		c = params[A] / (params[B] + (tosses_of(evaluation, class) - 1.0));

	if (class->x == 0)
	{
		add_ages(evaluation, sums, class, n, c);
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
add_class(Totals *totals, const Evaluation *evaluation, const FrequencyClass *class, const Sum *sums)
{
	const double *params = evaluation->params;
	double		s[N_CLASS_SUMS];
	double		r = params[R];
	double		alpha = params[ALPHA];
	double		a = params[A];
	double		b = params[B];
	double		x = class->x;
	double		w = class->customers;
	double		n = r + x;
	double		tosses = tosses_of(evaluation, class);
	/* before the first toss there is nothing to it: whatever m, times 0 */
	double		m = tosses > 0 ? b + (tosses - 1.0) : b;
	double		d_ab = sf_dpoch(a + b, tosses);
	double		t_ab = sf_tpoch(a + b, tosses);

	for (int i = 0; i < N_CLASS_SUMS; i++)
		s[i] = sum_value(&sums[i]);

	sum_add(&totals->value, w * (sf_lpoch(r, x) + sf_lbeta_shift(a, b, tosses) - x * log(alpha)));
	sum_add(&totals->value, -n * s[SUM_LN]);
	sum_add(&totals->value, s[SUM_LN_K]);

	sum_add(&totals->gradient[R], w * sf_dpoch(r, x) - s[SUM_LN] - s[SUM_P_L]);
	sum_add(&totals->gradient[ALPHA], n * (s[SUM_V] + s[SUM_P_D]) - w * x / alpha);
	sum_add(&totals->gradient[A], s[SUM_Q] / a - w * d_ab);
	sum_add(&totals->gradient[B], w * (sf_dpoch(b, tosses) - d_ab) - s[SUM_Q] / m);

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
			(s[SUM_PQ] + s[SUM_Q]) / (m * m) + w * (sf_tpoch(b, tosses) - t_ab));
}

double
beta_geometric_log_likelihood(const Population *population, const double *params,
							  bool coin_at_start, double *gradient, double *hessian)
{
	const Host *host = population->host;
	TimeTerms  *ages = host->alloc((population->n_ages + 1) * sizeof(TimeTerms));
	Evaluation	evaluation = {
		.population = population,
		.params = params,
		.coin_at_start = coin_at_start,
		.ages = ages
	};
	Totals		totals = {0};

	for (size_t i = 0; i < population->n_ages; i++)
		ages[i] = time_terms(params[ALPHA], population->ages[i].T);
	for (size_t i = 0; i < population->n_frequencies; i++)
	{
		Sum			sums[N_CLASS_SUMS] = {{0}};

		sum_class(&evaluation, &population->frequencies[i], sums);
		add_class(&totals, &evaluation, &population->frequencies[i], sums);
	}
	host->release(ages);

	for (int i = 0; i < N_PARAMS && gradient != NULL; i++)
		gradient[i] = sum_value(&totals.gradient[i]);
	for (int i = 0; i < N_PARAMS && hessian != NULL; i++)
		for (int k = i; k < N_PARAMS; k++)
			hessian[i * N_PARAMS + k] = hessian[k * N_PARAMS + i] = sum_value(&totals.hessian[i][k]);
	return sum_value(&totals.value);
}
