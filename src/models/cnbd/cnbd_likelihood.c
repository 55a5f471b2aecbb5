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
 * As in beta_geometric_likelihood.c, q + c has two mixture terms, and q itself
 * has k, one for each number of stages complete since the last purchase. The
 * derivatives of the logarithm of a sum of mixture terms are means under the
 * terms' probabilities, and second derivatives their covariances (Louis, JRSS
 * B 44, 1982). This is done twice: for ln S over the stages, then for ln(q +
 * c).
 */
#include "models/cnbd/cnbd.h"

#include <math.h>

#include "numerics/host.h"
#include "numerics/special.h"
#include "numerics/sum.h"

#define N_FOUND 4 /* parameters with derivatives: all but k */

/* Stages between two checks for interrupts. */
#define INTERRUPT_STAGES 8192

/*
 * Sums over the customers of one frequency class, weighted by their number. P and
 * Q are the probabilities of being alive and not; indices are derivatives of ln q.
 */
typedef enum CnbdClassSum
{
	/* over the times t_x; v = 1 / alpha - 1 / (alpha + t_x) */
	CNBD_SUM_LN, /* log1p(t_x / alpha) */
	CNBD_SUM_V,  /* v */
	CNBD_SUM_V2, /* v (1 / alpha + 1 / (alpha + t_x)) */
	/* over the cells (x, t_x, T) */
	CNBD_SUM_LN_K, /* ln(q + c) */
	CNBD_SUM_Q,    /* Q */
	CNBD_SUM_P_R,  /* P q_r, and so on */
	CNBD_SUM_P_ALPHA,
	CNBD_SUM_P_RR,
	CNBD_SUM_P_RALPHA,
	CNBD_SUM_P_ALPHA2,
	CNBD_SUM_PQ, /* P Q, and so on */
	CNBD_SUM_PQ_R,
	CNBD_SUM_PQ_ALPHA,
	CNBD_SUM_PQ_RR,
	CNBD_SUM_PQ_RALPHA,
	CNBD_SUM_PQ_ALPHA2,
	CNBD_N_CLASS_SUMS,
} CnbdClassSum;

/* Coefficients of the stages that do not depend on rho, for one n. */
typedef struct StageTerms
{
	double ratio; /* (n + j - 1) / j, the growth of (n)_j / j! */
	double psi;   /* d ln (n)_j / dn */
	double psi1;  /* its derivative */
} StageTerms;

/* ln q, and its derivatives in r and alpha. */
typedef struct Silence
{
	double q;
	double ln;
	double r;
	double alpha;
	double rr;
	double ralpha;
	double alpha2;
} Silence;

/* The log-likelihood and its derivatives in the order of the parameters. */
typedef struct CnbdTotals
{
	Sum value;
	Sum gradient[N_FOUND];
	Sum hessian[N_FOUND][N_FOUND]; /* upper triangle */
} CnbdTotals;

/* One evaluation of the likelihood. */
typedef struct CnbdEvaluation
{
	const Population *population;
	const double *params;
	bool dropout_at_start;
	int k;
	double n; /* of the class, and so on */
	double c; /* 0 if there was no dropout trial */
	StageTerms stages[CNBD_MAX_K];
	size_t stages_seen;
} CnbdEvaluation;

static void
find_stages(CnbdEvaluation *evaluation)
{
	StageTerms *stages = evaluation->stages;

	stages[0] = (StageTerms){1.0, 0.0, 0.0};
	for (int j = 1; j < evaluation->k; j++)
	{
		double factor = evaluation->n + (j - 1);

		stages[j].ratio = factor / j;
		stages[j].psi = stages[j - 1].psi + 1.0 / factor;
		stages[j].psi1 = stages[j - 1].psi1 - 1.0 / (factor * factor);
	}
}

/* No purchase between t_x and T, from a live customer. */
static inline Silence
silence_of(const CnbdEvaluation *evaluation, double t_x, double T)
{
	double from = evaluation->params[CNBD_ALPHA] + t_x;
	double to = evaluation->params[CNBD_ALPHA] + T;
	double rho = (T - t_x) / to;
	double L = log1p((T - t_x) / from);
	double D = (T - t_x) / (from * to); /* -dL/dalpha */
	double term = 1.0;
	double S = 1.0;
	double j1 = 0.0,                        /* means over the stages j, times S */
		jj = 0.0, psi = 0.0, psi_psi = 0.0, /* of psi^2 + psi1 */
		j_psi = 0.0;
	Silence silence;

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
add_time(const CnbdEvaluation *evaluation, Sum *sums, double time, double customers)
{
	double alpha = evaluation->params[CNBD_ALPHA];
	double u = 1.0 / (alpha + time);
	double v = 1.0 / alpha - u;

	sum_add(&sums[CNBD_SUM_LN], customers * log1p(time / alpha));
	sum_add(&sums[CNBD_SUM_V], customers * v);
	sum_add(&sums[CNBD_SUM_V2], customers * v * (1.0 / alpha + u));
}

/* One cell: the inner loop of every fit. */
static inline void
add_cell(const CnbdEvaluation *evaluation, double *cell_sums, double t_x, double T, double customers)
{
	Silence s = silence_of(evaluation, t_x, T);
	double c = evaluation->c;
	double either = s.q + c;
	double P = c > 0.0 ? s.q / either : 1.0;
	double wP = customers * P;
	double wQ = customers * (c > 0.0 ? c / either : 0.0);
	double wPQ = wQ * P;

	/* so long without a purchase that q underflows; its logarithm does not */
	cell_sums[CNBD_SUM_LN_K] += customers * (c > 0.0 ? log(either) : s.ln);
	cell_sums[CNBD_SUM_Q] += wQ;
	cell_sums[CNBD_SUM_P_R] += wP * s.r;
	cell_sums[CNBD_SUM_P_ALPHA] += wP * s.alpha;
	cell_sums[CNBD_SUM_P_RR] += wP * s.rr;
	cell_sums[CNBD_SUM_P_RALPHA] += wP * s.ralpha;
	cell_sums[CNBD_SUM_P_ALPHA2] += wP * s.alpha2;
	cell_sums[CNBD_SUM_PQ] += wPQ;
	cell_sums[CNBD_SUM_PQ_R] += wPQ * s.r;
	cell_sums[CNBD_SUM_PQ_ALPHA] += wPQ * s.alpha;
	cell_sums[CNBD_SUM_PQ_RR] += wPQ * s.r * s.r;
	cell_sums[CNBD_SUM_PQ_RALPHA] += wPQ * s.r * s.alpha;
	cell_sums[CNBD_SUM_PQ_ALPHA2] += wPQ * s.alpha * s.alpha;
}

/* The cells of one recency are few enough for plain sums; those of many are compensated. */
static void
add_cell_sums(CnbdEvaluation *evaluation, Sum *sums, const double *cell_sums, size_t n_cells)
{
	for (int i = CNBD_SUM_LN_K; i < CNBD_N_CLASS_SUMS; i++)
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
add_ages(CnbdEvaluation *evaluation, Sum *sums, const FrequencyClass *class)
{
	const AgeClass *ages = evaluation->population->ages;
	double cell_sums[CNBD_N_CLASS_SUMS] = {0};

	for (size_t i = class[0].first_age; i < class[1].first_age; i++)
	{
		host_poll_at(i);
		add_cell(evaluation, cell_sums, 0.0, ages[i].T, ages[i].customers);
	}
	add_cell_sums(evaluation, sums, cell_sums, class[1].first_age - class[0].first_age);
}

static void
add_recency(CnbdEvaluation *evaluation, Sum *sums, const RecencyClass *recency)
{
	const Population *population = evaluation->population;
	double cell_sums[CNBD_N_CLASS_SUMS] = {0};

	add_time(evaluation, sums, recency->t_x, recency->customers);
	for (size_t i = recency[0].first_cell; i < recency[1].first_cell; i++)
	{
		const AgedCell *cell = &population->cells[i];

		host_poll_at(i);
		add_cell(evaluation, cell_sums, recency->t_x, population->ages[cell->age].T, cell->customers);
	}
	add_cell_sums(evaluation, sums, cell_sums, recency[1].first_cell - recency[0].first_cell);
}

/* The number of dropout trials of each customer of a class. */
static inline double
tosses_of(const CnbdEvaluation *evaluation, const FrequencyClass *class)
{
	return class->x + (evaluation->dropout_at_start ? 1.0 : 0.0);
}

/* Accumulate the sums of one frequency class. */
static void
sum_class(CnbdEvaluation *evaluation, const FrequencyClass *class, Sum *sums)
{
	const double *params = evaluation->params;
	double tosses = tosses_of(evaluation, class);

	evaluation->n = params[CNBD_R] + params[CNBD_K] * class->x;
	evaluation->c = tosses > 0.0 ? params[CNBD_A] / (params[CNBD_B] + (tosses - 1.0)) : 0.0;
	find_stages(evaluation);
	if (class->x == 0)
		add_ages(evaluation, sums, class);
	else
		for (size_t i = class[0].first_recency; i < class[1].first_recency; i++)
			add_recency(evaluation, sums, &evaluation->population->recencies[i]);
}

/* Turn the sums of a class into its likelihood and derivatives. */
static void
add_class(CnbdTotals *totals, const CnbdEvaluation *evaluation, const FrequencyClass *class, const Sum *sums)
{
	const double *params = evaluation->params;
	double s[CNBD_N_CLASS_SUMS];
	double r = params[CNBD_R];
	double alpha = params[CNBD_ALPHA];
	double a = params[CNBD_A];
	double b = params[CNBD_B];
	double stages = params[CNBD_K] * class->x;
	double w = class->customers;
	double n = evaluation->n;
	double tosses = tosses_of(evaluation, class);
	/* before the first dropout trial this term is zero: m may be anything */
	double m = tosses > 0 ? b + (tosses - 1.0) : b;
	double d_ab = sf_dpoch(a + b, tosses);
	double t_ab = sf_tpoch(a + b, tosses);

	for (int i = 0; i < CNBD_N_CLASS_SUMS; i++)
		s[i] = sum_value(&sums[i]);

	sum_add(&totals->value,
			w *
				(sf_lnpoch(r, stages) + sf_lbeta_shift(a, b, tosses) - stages * log(alpha) -
				 class->x * sf_lnpoch(1.0, params[CNBD_K] - 1.0)));
	sum_add(&totals->value, -n * s[CNBD_SUM_LN]);
	sum_add(&totals->value, s[CNBD_SUM_LN_K]);

	sum_add(&totals->gradient[CNBD_R], w * sf_dpoch(r, stages) - s[CNBD_SUM_LN] + s[CNBD_SUM_P_R]);
	sum_add(&totals->gradient[CNBD_ALPHA], n * s[CNBD_SUM_V] + s[CNBD_SUM_P_ALPHA] - w * stages / alpha);
	sum_add(&totals->gradient[CNBD_A], s[CNBD_SUM_Q] / a - w * d_ab);
	sum_add(&totals->gradient[CNBD_B], w * (sf_dpoch(b, tosses) - d_ab) - s[CNBD_SUM_Q] / m);

	sum_add(&totals->hessian[CNBD_R][CNBD_R], w * sf_tpoch(r, stages) + s[CNBD_SUM_P_RR] + s[CNBD_SUM_PQ_RR]);
	sum_add(&totals->hessian[CNBD_R][CNBD_ALPHA], s[CNBD_SUM_V] + s[CNBD_SUM_P_RALPHA] + s[CNBD_SUM_PQ_RALPHA]);
	sum_add(&totals->hessian[CNBD_R][CNBD_A], -s[CNBD_SUM_PQ_R] / a);
	sum_add(&totals->hessian[CNBD_R][CNBD_B], s[CNBD_SUM_PQ_R] / m);
	sum_add(&totals->hessian[CNBD_ALPHA][CNBD_ALPHA],
			s[CNBD_SUM_P_ALPHA2] + s[CNBD_SUM_PQ_ALPHA2] - n * s[CNBD_SUM_V2] + w * stages / (alpha * alpha));
	sum_add(&totals->hessian[CNBD_ALPHA][CNBD_A], -s[CNBD_SUM_PQ_ALPHA] / a);
	sum_add(&totals->hessian[CNBD_ALPHA][CNBD_B], s[CNBD_SUM_PQ_ALPHA] / m);
	sum_add(&totals->hessian[CNBD_A][CNBD_A], (s[CNBD_SUM_PQ] - s[CNBD_SUM_Q]) / (a * a) - w * t_ab);
	sum_add(&totals->hessian[CNBD_A][CNBD_B], -s[CNBD_SUM_PQ] / (a * m) - w * t_ab);
	sum_add(&totals->hessian[CNBD_B][CNBD_B],
			(s[CNBD_SUM_PQ] + s[CNBD_SUM_Q]) / (m * m) + w * (sf_tpoch(b, tosses) - t_ab));
}

double
cnbd_log_likelihood(const Population *population, const double *params, bool dropout_at_start, double *gradient,
					double *hessian)
{
	CnbdEvaluation evaluation = {
		.population = population,
		.params = params,
		.dropout_at_start = dropout_at_start,
	};
	CnbdTotals totals = {0};

	if (!(params[CNBD_K] <= CNBD_MAX_K))
		return NAN;
	evaluation.k = (int) params[CNBD_K];
	for (size_t i = 0; i < population->n_frequencies; i++)
	{
		Sum sums[CNBD_N_CLASS_SUMS] = {{0}};

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
