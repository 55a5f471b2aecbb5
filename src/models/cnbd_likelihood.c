/*
 * cnbd_likelihood.c
 *	  The likelihood of a population under BG/CNBD-k and MBG/CNBD-k.
 *
 * With n = r + k x, m = b + x - 1 (BG) or b + x (MBG) and
 *
 *		L = ln((alpha + T) / (alpha + t_x)),  rho = (T - t_x) / (alpha + T),
 *		S = sum over j < k of (n)_j rho^j / j!,  q = e^(-n L) S,  c = a / m
 *
 * the likelihood of one history is, in logarithms,
 *
 *		lpoch(r, k x) - r log1p(t_x / alpha) - k x ln(alpha + t_x) - x ln (k-1)!
 *		+ (k - 1) times the sum of ln(time between purchases)
 *		+ lbeta_shift(a, b, tosses) + ln(q + c).
 *
 * As in beta_geometric_likelihood.c, q + c has the two stories of a customer, and
 * q itself has k of them: so many stages are over since the last purchase.  The
 * derivatives of the logarithm of a sum of stories are means under the stories'
 * probabilities, and second derivatives their covariances (Louis, JRSS B 44, 1982).
 * This is done twice: for ln S over the stages, then for ln(q + c).
 */
#include "models/cnbd.h"

#include <math.h>

#include "numerics/special.h"
#include "numerics/sum.h"

#define N_FOUND 4				/* parameters with derivatives: all but k */

/* Stages between two looks for an interrupt. */
#define INTERRUPT_STAGES 8192

/*
 * Sums over the customers of one frequency class, weighted by their number.  P and
 * Q are the probabilities of being alive and not; indices are derivatives of ln q.
 */
typedef enum ClassSum
{
	/* over the times t_x; v = 1 / alpha - 1 / (alpha + t_x) */
	SUM_LN,						/* log1p(t_x / alpha) */
	SUM_V,						/* v */
	SUM_V2,						/* v (1 / alpha + 1 / (alpha + t_x)) */
	/* over the cells (x, t_x, T) */
	SUM_LN_K,					/* ln(q + c) */
	SUM_Q,						/* Q */
	SUM_P_R,					/* P q_r, and so on */
	SUM_P_ALPHA,
	SUM_P_RR,
	SUM_P_RALPHA,
	SUM_P_ALPHA2,
	SUM_PQ,						/* P Q, and so on */
	SUM_PQ_R,
	SUM_PQ_ALPHA,
	SUM_PQ_RR,
	SUM_PQ_RALPHA,
	SUM_PQ_ALPHA2,
	N_CLASS_SUMS
} ClassSum;

/* What the stages depend on besides rho, for one n. */
typedef struct StageTerms
{
	double		ratio;			/* (n + j - 1) / j, the growth of (n)_j / j! */
	double		psi;			/* d ln (n)_j / dn */
	double		psi1;			/* its derivative */
} StageTerms;

/* ln q, and its derivatives in r and alpha. */
typedef struct Silence
{
	double		q;
	double		ln;
	double		r;
	double		alpha;
	double		rr;
	double		ralpha;
	double		alpha2;
} Silence;

/* The log-likelihood and its derivatives in the order of the parameters. */
typedef struct Totals
{
	Sum			value;
	Sum			gradient[N_FOUND];
	Sum			hessian[N_FOUND][N_FOUND];	/* upper triangle */
} Totals;

/* One evaluation of the likelihood. */
typedef struct Evaluation
{
	const Population *population;
	const double *params;
	bool		coin_at_start;
	int			k;
	double		n;				/* of the class, and so on */
	double		c;				/* 0 if no coin was tossed */
	StageTerms	stages[CNBD_MAX_K];
	size_t		stages_seen;
} Evaluation;

static void
find_stages(Evaluation *evaluation)
{
	StageTerms *stages = evaluation->stages;

	stages[0] = (StageTerms) {1.0, 0.0, 0.0};
	for (int j = 1; j < evaluation->k; j++)
	{
		double		factor = evaluation->n + (j - 1);

		stages[j].ratio = factor / j;
		stages[j].psi = stages[j - 1].psi + 1.0 / factor;
		stages[j].psi1 = stages[j - 1].psi1 - 1.0 / (factor * factor);
	}
}

/* No purchase between t_x and T, from a live customer. */
static inline Silence
silence_of(const Evaluation *evaluation, double t_x, double T)
{
	double		from = evaluation->params[ALPHA] + t_x;
	double		to = evaluation->params[ALPHA] + T;
	double		rho = (T - t_x) / to;
	double		L = log1p((T - t_x) / from);
	double		D = (T - t_x) / (from * to);	/* -dL/dalpha */
	double		term = 1.0;
	double		S = 1.0;
	double		j1 = 0.0,		/* means over the stages j, times S */
				jj = 0.0,
				psi = 0.0,
				psi_psi = 0.0,	/* of psi^2 + psi1 */
				j_psi = 0.0;
	Silence		silence;

	for (int j = 1; j < evaluation->k; j++)
	{
		const StageTerms *stage = &evaluation->stages[j];

		term *= stage->ratio * rho;
		S += term;
		j1 += term * j;
		jj += term * j * j;
		psi += term * stage->psi;
		psi_psi += term * (stage->psi * stage->psi + stage->psi1);
		j_psi += term * j * stage->psi;
	}
	j1 /= S;
	psi /= S;

	silence.q = exp(-evaluation->n * L) * S;
	silence.ln = -evaluation->n * L + log(S);
	silence.r = psi - L;
	silence.alpha = evaluation->n * D - j1 / to;
	silence.rr = psi_psi / S - psi * psi;
	silence.ralpha = D - (j_psi / S - j1 * psi) / to;
	silence.alpha2 = (jj / S - j1 * j1 + j1) / (to * to) - evaluation->n * D * (1.0 / from + 1.0 / to);
	return silence;
}

static void
add_time(const Evaluation *evaluation, Sum *sums, double time, double customers)
{
	double		alpha = evaluation->params[ALPHA];
	double		u = 1.0 / (alpha + time);
	double		v = 1.0 / alpha - u;

	sum_add(&sums[SUM_LN], customers * log1p(time / alpha));
	sum_add(&sums[SUM_V], customers * v);
	sum_add(&sums[SUM_V2], customers * v * (1.0 / alpha + u));
}

/* One cell: the inner loop of every fit. */
static inline void
add_cell(const Evaluation *evaluation, double *cell_sums, double t_x, double T, double customers)
{
	Silence		s = silence_of(evaluation, t_x, T);
	double		c = evaluation->c;
	double		either = s.q + c;
	double		P = c > 0.0 ? s.q / either : 1.0;
	double		wP = customers * P;
	double		wQ = customers * (c > 0.0 ? c / either : 0.0);
	double		wPQ = wQ * P;

	/* a silence too long for q to be told from 0, but for its logarithm */
	cell_sums[SUM_LN_K] += customers * (c > 0.0 ? log(either) : s.ln);
	cell_sums[SUM_Q] += wQ;
	cell_sums[SUM_P_R] += wP * s.r;
	cell_sums[SUM_P_ALPHA] += wP * s.alpha;
	cell_sums[SUM_P_RR] += wP * s.rr;
	cell_sums[SUM_P_RALPHA] += wP * s.ralpha;
	cell_sums[SUM_P_ALPHA2] += wP * s.alpha2;
	cell_sums[SUM_PQ] += wPQ;
	cell_sums[SUM_PQ_R] += wPQ * s.r;
	cell_sums[SUM_PQ_ALPHA] += wPQ * s.alpha;
	cell_sums[SUM_PQ_RR] += wPQ * s.r * s.r;
	cell_sums[SUM_PQ_RALPHA] += wPQ * s.r * s.alpha;
	cell_sums[SUM_PQ_ALPHA2] += wPQ * s.alpha * s.alpha;
}

/* The cells of one recency are few enough for plain sums; those of many are compensated. */
static void
add_cell_sums(Evaluation *evaluation, Sum *sums, const double *cell_sums, size_t n_cells)
{
	for (int i = SUM_LN_K; i < N_CLASS_SUMS; i++)
		sum_add(&sums[i], cell_sums[i]);

	evaluation->stages_seen += n_cells * (size_t) evaluation->k;
	if (evaluation->stages_seen >= INTERRUPT_STAGES)
	{
		evaluation->population->host->check_interrupts();
		evaluation->stages_seen = 0;
	}
}

/* Customers without a repeat purchase: a cell per age. */
static void
add_ages(Evaluation *evaluation, Sum *sums, const FrequencyClass *class)
{
	const AgeClass *ages = evaluation->population->ages;
	double		cell_sums[N_CLASS_SUMS] = {0};

	for (size_t i = class[0].first_age; i < class[1].first_age; i++)
		add_cell(evaluation, cell_sums, 0.0, ages[i].T, ages[i].customers);
	add_cell_sums(evaluation, sums, cell_sums, class[1].first_age - class[0].first_age);
}

static void
add_recency(Evaluation *evaluation, Sum *sums, const RecencyClass *recency)
{
	const Population *population = evaluation->population;
	double		cell_sums[N_CLASS_SUMS] = {0};

	add_time(evaluation, sums, recency->t_x, recency->customers);
	for (size_t i = recency[0].first_cell; i < recency[1].first_cell; i++)
	{
		const AgedCell *cell = &population->cells[i];

		add_cell(evaluation, cell_sums, recency->t_x, population->ages[cell->age].T, cell->customers);
	}
	add_cell_sums(evaluation, sums, cell_sums, recency[1].first_cell - recency[0].first_cell);
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
	const double *params = evaluation->params;
	double		tosses = tosses_of(evaluation, class);

	evaluation->n = params[R] + params[K] * class->x;
	evaluation->c = tosses > 0.0 ? params[A] / (params[B] + (tosses - 1.0)) : 0.0;
	find_stages(evaluation);
	if (class->x == 0)
		add_ages(evaluation, sums, class);
	else
		for (size_t i = class[0].first_recency; i < class[1].first_recency; i++)
			add_recency(evaluation, sums, &evaluation->population->recencies[i]);
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
	double		stages = params[K] * class->x;
	double		w = class->customers;
	double		n = evaluation->n;
	double		tosses = tosses_of(evaluation, class);
	/* before the first toss there is nothing to it: whatever m, times 0 */
	double		m = tosses > 0 ? b + (tosses - 1.0) : b;
	double		d_ab = sf_dpoch(a + b, tosses);
	double		t_ab = sf_tpoch(a + b, tosses);

	for (int i = 0; i < N_CLASS_SUMS; i++)
		s[i] = sum_value(&sums[i]);

	sum_add(&totals->value, w * (sf_lpoch(r, stages) + sf_lbeta_shift(a, b, tosses)
								 - stages * log(alpha) - class->x * sf_lpoch(1.0, params[K] - 1.0)));
	sum_add(&totals->value, -n * s[SUM_LN]);
	sum_add(&totals->value, s[SUM_LN_K]);

	sum_add(&totals->gradient[R], w * sf_dpoch(r, stages) - s[SUM_LN] + s[SUM_P_R]);
	sum_add(&totals->gradient[ALPHA], n * s[SUM_V] + s[SUM_P_ALPHA] - w * stages / alpha);
	sum_add(&totals->gradient[A], s[SUM_Q] / a - w * d_ab);
	sum_add(&totals->gradient[B], w * (sf_dpoch(b, tosses) - d_ab) - s[SUM_Q] / m);

	sum_add(&totals->hessian[R][R], w * sf_tpoch(r, stages) + s[SUM_P_RR] + s[SUM_PQ_RR]);
	sum_add(&totals->hessian[R][ALPHA], s[SUM_V] + s[SUM_P_RALPHA] + s[SUM_PQ_RALPHA]);
	sum_add(&totals->hessian[R][A], -s[SUM_PQ_R] / a);
	sum_add(&totals->hessian[R][B], s[SUM_PQ_R] / m);
	sum_add(&totals->hessian[ALPHA][ALPHA],
			s[SUM_P_ALPHA2] + s[SUM_PQ_ALPHA2] - n * s[SUM_V2] + w * stages / (alpha * alpha));
	sum_add(&totals->hessian[ALPHA][A], -s[SUM_PQ_ALPHA] / a);
	sum_add(&totals->hessian[ALPHA][B], s[SUM_PQ_ALPHA] / m);
	sum_add(&totals->hessian[A][A], (s[SUM_PQ] - s[SUM_Q]) / (a * a) - w * t_ab);
	sum_add(&totals->hessian[A][B], -s[SUM_PQ] / (a * m) - w * t_ab);
	sum_add(&totals->hessian[B][B],
			(s[SUM_PQ] + s[SUM_Q]) / (m * m) + w * (sf_tpoch(b, tosses) - t_ab));
}

double
cnbd_log_likelihood(const Population *population, const double *params, bool coin_at_start,
					double *gradient, double *hessian)
{
	Evaluation	evaluation = {
		.population = population,
		.params = params,
		.coin_at_start = coin_at_start
	};
	Totals		totals = {0};

	if (!(params[K] <= CNBD_MAX_K))
		return NAN;
	evaluation.k = (int) params[K];
	for (size_t i = 0; i < population->n_frequencies; i++)
	{
		Sum			sums[N_CLASS_SUMS] = {{0}};

		sum_class(&evaluation, &population->frequencies[i], sums);
		add_class(&totals, &evaluation, &population->frequencies[i], sums);
	}
	if (evaluation.k > 1)
		sum_add(&totals.value, (evaluation.k - 1) * population->log_gaps);

	for (int i = 0; i < N_FOUND && gradient != NULL; i++)
		gradient[i] = sum_value(&totals.gradient[i]);
	for (int i = 0; i < N_FOUND && hessian != NULL; i++)
		for (int j = i; j < N_FOUND; j++)
			hessian[i * N_FOUND + j] = hessian[j * N_FOUND + i] = sum_value(&totals.hessian[i][j]);
	return sum_value(&totals.value);
}
