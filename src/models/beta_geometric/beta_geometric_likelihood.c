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
 * where tosses, the number of dropout trials so far, is x or x + 1; without
 * any trial there is no c. The sum q + c has two mixture terms: the customer
 * is still alive (q), or dropped out after the last purchase (c). P = q / (q +
 * c) is the probability of being alive, and the derivatives of ln(q + c) are
 * means under P and Q = 1 - P (Louis, JRSS B 44, 1982), which gives the exact
 * Hessian at little extra cost.
 */
#include "models/beta_geometric/beta_geometric.h"

#include <math.h>

#include "numerics/host.h"
#include "numerics/special.h"
#include "numerics/sum.h"

/* Cells between two checks for interrupts. */
#define INTERRUPT_CELLS 4096

/*
 * Sums over the customers of one frequency class, weighted by their number.
 * u = 1 / (alpha + time), v = 1 / alpha - u; D = dL / dalpha, negated.
 */
typedef enum BetaGeoClassSum
{
	/* over the times t_x (or T, if there was no dropout trial) */
	BETA_GEO_SUM_LN, /* log1p(time / alpha) */
	BETA_GEO_SUM_V,  /* v */
	BETA_GEO_SUM_V2, /* v (1 / alpha + u) */
	/* over the cells (x, t_x, T) */
	BETA_GEO_SUM_LN_K, /* ln(q + c) */
	BETA_GEO_SUM_Q,    /* Q */
	BETA_GEO_SUM_P_L,  /* P L */
	BETA_GEO_SUM_P_D,  /* P D */
	BETA_GEO_SUM_P_D2, /* P D (u(t_x) + u(T)), from the derivative of D */
	BETA_GEO_SUM_PQ,   /* P Q, and so on */
	BETA_GEO_SUM_PQ_L,
	BETA_GEO_SUM_PQ_D,
	BETA_GEO_SUM_PQ_LL,
	BETA_GEO_SUM_PQ_LD,
	BETA_GEO_SUM_PQ_DD,
	BETA_GEO_N_CLASS_SUMS,
} BetaGeoClassSum;

/* Terms that depend on a time alone. */
typedef struct TimeTerms
{
	double ln; /* log1p(time / alpha) */
	double u;  /* 1 / (alpha + time) */
} TimeTerms;

/* The log-likelihood and its derivatives in the order of the parameters. */
typedef struct BetaGeoTotals
{
	Sum value;
	Sum gradient[BETA_GEO_PARAMS];
	Sum hessian[BETA_GEO_PARAMS][BETA_GEO_PARAMS]; /* upper triangle */
} BetaGeoTotals;

/* One evaluation of the likelihood. */
typedef struct BetaGeoEvaluation
{
	const Population *population;
	const double *params;
	bool dropout_at_start;
	const TimeTerms *ages; /* of population->ages */
	size_t cells_seen;
} BetaGeoEvaluation;

static inline TimeTerms
time_terms(double alpha, double time)
{
	return (TimeTerms){.ln = log1p(time / alpha), .u = 1.0 / (alpha + time)};
}

static void
add_time(Sum *sums, double alpha, const TimeTerms *time, double customers)
{
	double v = 1.0 / alpha - time->u;

	sum_add(&sums[BETA_GEO_SUM_LN], customers * time->ln);
	sum_add(&sums[BETA_GEO_SUM_V], customers * v);
	sum_add(&sums[BETA_GEO_SUM_V2], customers * v * (1.0 / alpha + time->u));
}

/* One cell: the inner loop of every fit. */
static inline void
add_cell(double *cell_sums, const TimeTerms *last, const TimeTerms *now, double n, double c, double customers)
{
	double L = now->ln - last->ln;
	double D = last->u - now->u;
	double q = exp(-n * L);
	double K = q + c;
	double wP = customers * (q / K);
	double wQ = customers * (c / K);
	double wPQ = wP * (c / K);

	cell_sums[BETA_GEO_SUM_LN_K] += customers * log(K);
	cell_sums[BETA_GEO_SUM_Q] += wQ;
	cell_sums[BETA_GEO_SUM_P_L] += wP * L;
	cell_sums[BETA_GEO_SUM_P_D] += wP * D;
	cell_sums[BETA_GEO_SUM_P_D2] += wP * D * (last->u + now->u);
	cell_sums[BETA_GEO_SUM_PQ] += wPQ;
	cell_sums[BETA_GEO_SUM_PQ_L] += wPQ * L;
	cell_sums[BETA_GEO_SUM_PQ_D] += wPQ * D;
	cell_sums[BETA_GEO_SUM_PQ_LL] += wPQ * L * L;
	cell_sums[BETA_GEO_SUM_PQ_LD] += wPQ * L * D;
	cell_sums[BETA_GEO_SUM_PQ_DD] += wPQ * D * D;
}

/*
 * The cells of one recency, which are few enough for plain sums; those of many
 * recencies are compensated.
 */
static void
add_cells(const BetaGeoEvaluation *evaluation, Sum *sums, const RecencyClass *recency, const TimeTerms *last, double n,
		  double c)
{
	const AgedCell *cell = &evaluation->population->cells[recency[0].first_cell];
	const AgedCell *end = &evaluation->population->cells[recency[1].first_cell];
	double cell_sums[BETA_GEO_N_CLASS_SUMS] = {0};

	for (size_t i = 0; cell < end; i++, cell++)
	{
		host_poll_at(i);
		add_cell(cell_sums, last, &evaluation->ages[cell->age], n, c, cell->customers);
	}
	for (int i = BETA_GEO_SUM_LN_K; i < BETA_GEO_N_CLASS_SUMS; i++)
		sum_add(&sums[i], cell_sums[i]);
}

/* Customers without a repeat purchase: a cell per age. */
static void
add_ages(const BetaGeoEvaluation *evaluation, Sum *sums, const FrequencyClass *class, double n, double c)
{
	const AgeClass *ages = evaluation->population->ages;
	TimeTerms last = time_terms(evaluation->params[BETA_GEO_ALPHA], 0.0);
	double cell_sums[BETA_GEO_N_CLASS_SUMS] = {0};

	for (size_t i = class[0].first_age; i < class[1].first_age; i++)
	{
		host_poll_at(i);
		if (evaluation->dropout_at_start)
			add_cell(cell_sums, &last, &evaluation->ages[i], n, c, ages[i].customers);
		else
			add_time(sums, evaluation->params[BETA_GEO_ALPHA], &evaluation->ages[i], ages[i].customers);
	}
	for (int i = BETA_GEO_SUM_LN_K; i < BETA_GEO_N_CLASS_SUMS; i++)
		sum_add(&sums[i], cell_sums[i]);
}

/* The number of dropout trials of each customer of a class. */
static inline double
tosses_of(const BetaGeoEvaluation *evaluation, const FrequencyClass *class)
{
	return class->x + (evaluation->dropout_at_start ? 1.0 : 0.0);
}

/* Accumulate the sums of one frequency class. */
static void
sum_class(BetaGeoEvaluation *evaluation, const FrequencyClass *class, Sum *sums)
{
	const Population *population = evaluation->population;
	const double *params = evaluation->params;
	double n = params[BETA_GEO_R] + class->x;
	double c = params[BETA_GEO_A] / (params[BETA_GEO_B] + (tosses_of(evaluation, class) - 1.0));

	if (class->x == 0)
	{
		add_ages(evaluation, sums, class, n, c);
		return;
	}

	for (size_t i = class[0].first_recency; i < class[1].first_recency; i++)
	{
		const RecencyClass *recency = &population->recencies[i];
		TimeTerms last = time_terms(params[BETA_GEO_ALPHA], recency->t_x);

		add_time(sums, params[BETA_GEO_ALPHA], &last, recency->customers);
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
add_class(BetaGeoTotals *totals, const BetaGeoEvaluation *evaluation, const FrequencyClass *class, const Sum *sums)
{
	const double *params = evaluation->params;
	double s[BETA_GEO_N_CLASS_SUMS];
	double r = params[BETA_GEO_R];
	double alpha = params[BETA_GEO_ALPHA];
	double a = params[BETA_GEO_A];
	double b = params[BETA_GEO_B];
	double x = class->x;
	double w = class->customers;
	double n = r + x;
	double tosses = tosses_of(evaluation, class);
	/* before the first dropout trial this term is zero: m may be anything */
	double m = tosses > 0 ? b + (tosses - 1.0) : b;
	double d_ab = sf_dpoch(a + b, tosses);
	double t_ab = sf_tpoch(a + b, tosses);

	for (int i = 0; i < BETA_GEO_N_CLASS_SUMS; i++)
		s[i] = sum_value(&sums[i]);

	sum_add(&totals->value, w * (sf_lnpoch(r, x) + sf_lbeta_shift(a, b, tosses) - x * log(alpha)));
	sum_add(&totals->value, -n * s[BETA_GEO_SUM_LN]);
	sum_add(&totals->value, s[BETA_GEO_SUM_LN_K]);

	sum_add(&totals->gradient[BETA_GEO_R], w * sf_dpoch(r, x) - s[BETA_GEO_SUM_LN] - s[BETA_GEO_SUM_P_L]);
	sum_add(&totals->gradient[BETA_GEO_ALPHA], n * (s[BETA_GEO_SUM_V] + s[BETA_GEO_SUM_P_D]) - w * x / alpha);
	sum_add(&totals->gradient[BETA_GEO_A], s[BETA_GEO_SUM_Q] / a - w * d_ab);
	sum_add(&totals->gradient[BETA_GEO_B], w * (sf_dpoch(b, tosses) - d_ab) - s[BETA_GEO_SUM_Q] / m);

	sum_add(&totals->hessian[BETA_GEO_R][BETA_GEO_R], w * sf_tpoch(r, x) + s[BETA_GEO_SUM_PQ_LL]);
	sum_add(&totals->hessian[BETA_GEO_R][BETA_GEO_ALPHA],
			s[BETA_GEO_SUM_V] + s[BETA_GEO_SUM_P_D] - n * s[BETA_GEO_SUM_PQ_LD]);
	sum_add(&totals->hessian[BETA_GEO_R][BETA_GEO_A], s[BETA_GEO_SUM_PQ_L] / a);
	sum_add(&totals->hessian[BETA_GEO_R][BETA_GEO_B], -s[BETA_GEO_SUM_PQ_L] / m);
	sum_add(&totals->hessian[BETA_GEO_ALPHA][BETA_GEO_ALPHA],
			n * (n * s[BETA_GEO_SUM_PQ_DD] - s[BETA_GEO_SUM_V2] - s[BETA_GEO_SUM_P_D2]) + w * x / (alpha * alpha));
	sum_add(&totals->hessian[BETA_GEO_ALPHA][BETA_GEO_A], -n * s[BETA_GEO_SUM_PQ_D] / a);
	sum_add(&totals->hessian[BETA_GEO_ALPHA][BETA_GEO_B], n * s[BETA_GEO_SUM_PQ_D] / m);
	sum_add(&totals->hessian[BETA_GEO_A][BETA_GEO_A], (s[BETA_GEO_SUM_PQ] - s[BETA_GEO_SUM_Q]) / (a * a) - w * t_ab);
	sum_add(&totals->hessian[BETA_GEO_A][BETA_GEO_B], -s[BETA_GEO_SUM_PQ] / (a * m) - w * t_ab);
	sum_add(&totals->hessian[BETA_GEO_B][BETA_GEO_B],
			(s[BETA_GEO_SUM_PQ] + s[BETA_GEO_SUM_Q]) / (m * m) + w * (sf_tpoch(b, tosses) - t_ab));
}

double
beta_geometric_log_likelihood(const Population *population, const double *params, bool dropout_at_start,
							  double *gradient, double *hessian)
{
	const Host *host = population->host;
	TimeTerms *ages = host->alloc((population->n_ages + 1) * sizeof(TimeTerms));
	BetaGeoEvaluation evaluation = {
		.population = population,
		.params = params,
		.dropout_at_start = dropout_at_start,
		.ages = ages,
	};
	BetaGeoTotals totals = {0};

	for (size_t i = 0; i < population->n_ages; i++)
	{
		host_poll_at(i);
		ages[i] = time_terms(params[BETA_GEO_ALPHA], population->ages[i].T);
	}
	for (size_t i = 0; i < population->n_frequencies; i++)
	{
		Sum sums[BETA_GEO_N_CLASS_SUMS] = {{0}};

		sum_class(&evaluation, &population->frequencies[i], sums);
		add_class(&totals, &evaluation, &population->frequencies[i], sums);
	}
	host->release(ages);

	for (int i = 0; i < BETA_GEO_PARAMS && gradient != NULL; i++)
		gradient[i] = sum_value(&totals.gradient[i]);
	for (int i = 0; i < BETA_GEO_PARAMS && hessian != NULL; i++)
		for (int k = i; k < BETA_GEO_PARAMS; k++)
			hessian[i * BETA_GEO_PARAMS + k] = hessian[k * BETA_GEO_PARAMS + i] = sum_value(&totals.hessian[i][k]);
	return sum_value(&totals.value);
}
