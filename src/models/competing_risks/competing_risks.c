/*
 * competing_risks.c
 *	  The likelihood of models in which dropout and purchase are competing
 *	  risks.
 */
#include "models/competing_risks/competing_risks.h"

#include <math.h>
#include <string.h>

#include "models/core/silence.h"
#include "numerics/host.h"
#include "numerics/random.h"
#include "numerics/special.h"
#include "numerics/sum.h"

/* Cells between two checks for interrupts. */
#define INTERRUPT_CELLS 4096

/* One evaluation of the likelihood, with its buffers for one class. */
typedef struct RisksEvaluation
{
	const CompetingRisksModel *model;
	const Population *population;
	const double *params;
	double *times;
	MixtureTerm *leaving; /* at the recencies of the class */
	MixtureTerm *buying;  /* at its ages */
	double *buyers;       /* customers of each age, weighted by the probability of that term */
	size_t cells_seen;
} RisksEvaluation;

/* The log-likelihood and its derivatives in the order of the parameters. */
typedef struct RisksTotals
{
	Sum value;
	Sum gradient[COMPETING_RISKS_MAX_PARAMS];
	Sum hessian[COMPETING_RISKS_MAX_PAIRS]; /* upper triangle, row by row */
} RisksTotals;

/* Sums over the cells of one recency. */
typedef struct CellSums
{
	double ln;      /* of the sum of both terms, relative to the first */
	double leavers; /* customers, weighted by the probability of having left */
	double covariance[COMPETING_RISKS_MAX_PAIRS];
} CellSums;

/*
 * One cell: weigh the two mixture terms. Returns the expected number of
 * customers for whom the purchase came first. The inner loop of every fit;
 * n_params is a constant where it is called.
 */
static inline double
add_cell(const int n_params, CellSums *sums, const MixtureTerm *leaving, const MixtureTerm *buying, double customers)
{
	double odds = exp(buying->ln - leaving->ln);
	double leaves = 1.0 / (1.0 + odds);
	double buys = customers * (odds * leaves);
	double spread = buys * leaves;
	double apart[COMPETING_RISKS_MAX_PARAMS];
	int pair = 0;

	sums->ln += customers * log(1.0 + odds);
	sums->leavers += customers * leaves;
	for (int i = 0; i < n_params; i++)
		apart[i] = buying->gradient[i] - leaving->gradient[i];
	for (int i = 0; i < n_params; i++)
	{
		double scaled = spread * apart[i];

		for (int k = i; k < n_params; k++)
			sums->covariance[pair++] += scaled * apart[k];
	}
	return buys;
}

/* The cells of one recency. */
static inline void
add_cells(const int n_params, RisksEvaluation *evaluation, CellSums *sums, const MixtureTerm *leaving,
		  const RecencyClass *recency, size_t first_age)
{
	const AgedCell *cell = &evaluation->population->cells[recency[0].first_cell];
	const AgedCell *end = &evaluation->population->cells[recency[1].first_cell];

	for (; cell < end; cell++)
	{
		size_t age = cell->age - first_age;

		host_poll_at(age);
		evaluation->buyers[age] += add_cell(n_params, sums, leaving, &evaluation->buying[age], cell->customers);
	}
}

/* The cells of customers without a repeat purchase: one per age. */
static inline void
add_ages(const int n_params, RisksEvaluation *evaluation, CellSums *sums, const MixtureTerm *leaving,
		 const AgeClass *ages, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		host_poll_at(i);
		evaluation->buyers[i] += add_cell(n_params, sums, leaving, &evaluation->buying[i], ages[i].customers);
	}
}

/* Add a mixture term, weighted by its number of customers. */
static void
add_term(RisksTotals *totals, int n_params, const MixtureTerm *term, double customers)
{
	for (int i = 0; i < n_params; i++)
		sum_add(&totals->gradient[i], customers * term->gradient[i]);
	for (int i = 0; i < n_params * (n_params + 1) / 2; i++)
		sum_add(&totals->hessian[i], customers * term->hessian[i]);
}

/* Add the sums over the cells of one recency, which have this number of customers. */
static void
add_recency(RisksTotals *totals, int n_params, const MixtureTerm *leaving, const CellSums *sums, double customers)
{
	sum_add(&totals->value, customers * leaving->ln);
	sum_add(&totals->value, sums->ln);
	add_term(totals, n_params, leaving, sums->leavers);
	for (int i = 0; i < n_params * (n_params + 1) / 2; i++)
		sum_add(&totals->hessian[i], sums->covariance[i]);
}

/* ln of Gamma(r + x) / (Gamma(r) alpha^x), which all customers of a class share. */
static void
add_class(RisksTotals *totals, const double *params, int n_params, const FrequencyClass *class)
{
	double x = class->x;
	double w = class->customers;

	sum_add(&totals->value, w * (sf_lnpoch(params[RISKS_R], x) - x * log(params[RISKS_ALPHA])));
	sum_add(&totals->gradient[RISKS_R], w * sf_dpoch(params[RISKS_R], x));
	sum_add(&totals->gradient[RISKS_ALPHA], -w * x / params[RISKS_ALPHA]);
	sum_add(&totals->hessian[0], w * sf_tpoch(params[RISKS_R], x));
	sum_add(&totals->hessian[n_params], w * x / (params[RISKS_ALPHA] * params[RISKS_ALPHA]));
}

/* Evaluate the mixture terms of a class at all its recencies and ages. */
static void
find_stories(RisksEvaluation *evaluation, const FrequencyClass *class, size_t n_recencies, size_t n_ages)
{
	const Population *population = evaluation->population;

	evaluation->times[0] = 0.0;
	for (size_t i = 0; i<n_recencies &&class->x> 0; i++)
		evaluation->times[i] = population->recencies[class->first_recency + i].t_x;
	evaluation->model->terms(population->host, evaluation->params, class->x, DROPOUT_FIRST, evaluation->times,
							 n_recencies, evaluation->leaving);

	for (size_t i = 0; i < n_ages; i++)
		evaluation->times[i] = population->ages[class->first_age + i].T;
	evaluation->model->terms(population->host, evaluation->params, class->x, PURCHASE_FIRST, evaluation->times, n_ages,
							 evaluation->buying);
	memset(evaluation->buyers, 0, n_ages * sizeof(double));
}

/* How many recencies and ages a class has. */
static size_t
recencies_of(const FrequencyClass *class)
{
	return class->x > 0 ? class[1].first_recency - class[0].first_recency : 1;
}

static size_t
ages_of(const FrequencyClass *class)
{
	return class[1].first_age - class[0].first_age;
}

/* One frequency class. */
static inline void
evaluate_class(const int n_params, RisksEvaluation *evaluation, RisksTotals *totals, const FrequencyClass *class)
{
	const Population *population = evaluation->population;
	const RecencyClass *recencies = &population->recencies[class->first_recency];
	size_t n_recencies = recencies_of(class);
	size_t n_ages = ages_of(class);

	population->host->check_interrupts();
	find_stories(evaluation, class, n_recencies, n_ages);
	for (size_t i = 0; i < n_recencies; i++)
	{
		const MixtureTerm *leaving = &evaluation->leaving[i];
		CellSums sums = {0};

		if (class->x > 0)
			add_cells(n_params, evaluation, &sums, leaving, &recencies[i], class->first_age);
		else
			add_ages(n_params, evaluation, &sums, leaving, &population->ages[class->first_age], n_ages);
		add_recency(totals, n_params, leaving, &sums, class->x > 0 ? recencies[i].customers : class->customers);

		evaluation->cells_seen += class->x > 0 ? recencies[i + 1].first_cell - recencies[i].first_cell : n_ages;
		if (evaluation->cells_seen >= INTERRUPT_CELLS)
		{
			population->host->check_interrupts();
			evaluation->cells_seen = 0;
		}
	}
	for (size_t i = 0; i < n_ages; i++)
	{
		host_poll_at(i);
		add_term(totals, n_params, &evaluation->buying[i], evaluation->buyers[i]);
	}
	add_class(totals, evaluation->params, n_params, class);
}

double
competing_risks_log_likelihood(const CompetingRisksModel *model, const Population *population, const double *params,
							   double *gradient, double *hessian)
{
	const Host *host = population->host;
	RisksEvaluation evaluation = {.model = model, .population = population, .params = params};
	RisksTotals totals = {0};
	int n = model->n_params;
	size_t most_recencies = 1;
	size_t most_ages = 1;
	int pair = 0;

	for (size_t i = 0; i < population->n_frequencies; i++)
	{
		const FrequencyClass *class = &population->frequencies[i];

		most_recencies = recencies_of(class) > most_recencies ? recencies_of(class) : most_recencies;
		most_ages = ages_of(class) > most_ages ? ages_of(class) : most_ages;
	}
	evaluation.times = host->alloc((most_recencies + most_ages) * sizeof(double));
	evaluation.leaving = host->alloc(most_recencies * sizeof(MixtureTerm));
	evaluation.buying = host->alloc(most_ages * sizeof(MixtureTerm));
	evaluation.buyers = host->alloc(most_ages * sizeof(double));

	for (size_t i = 0; i < population->n_frequencies; i++)
	{
		/* with a constant for the number of parameters the loops unroll */
		if (n == 4)
			evaluate_class(4, &evaluation, &totals, &population->frequencies[i]);
		else
			evaluate_class(5, &evaluation, &totals, &population->frequencies[i]);
	}

	host->release(evaluation.times);
	host->release(evaluation.leaving);
	host->release(evaluation.buying);
	host->release(evaluation.buyers);

	for (int i = 0; i < n && gradient != NULL; i++)
		gradient[i] = sum_value(&totals.gradient[i]);
	for (int i = 0; i < n && hessian != NULL; i++)
		for (int k = i; k < n; k++)
			hessian[i * n + k] = hessian[k * n + i] = sum_value(&totals.hessian[pair++]);
	return sum_value(&totals.value);
}

double
competing_risks_ln_silence(const double *params, double x, double t_x, double T)
{
	return gamma_ln_silence(params[RISKS_R] + x, params[RISKS_ALPHA] + t_x, T - t_x);
}

double
competing_risks_next_order(SimulatedPath *path, Random *random)
{
	if (path->alive)
		path->clock += path->mean_gap * random_exponential(random);
	path->alive = path->clock < path->dropout;
	return path->alive ? path->clock : INFINITY;
}
