/*
 * fit_timing.c
 *	  Fit a timing model to customers in classes.
 *
 * A class are the customers with the same covariates, and so with the same
 * parameters. The logarithms of these are linear in the variables of the fit,
 * so the chain rule makes the derivatives of all classes from those of each.
 *
 * A fit of many customers first searches on coarse copies of the populations
 * (see population_coarsen), which is cheap, and takes the last steps on the
 * populations themselves. Result and stopping rule do not depend on the
 * copies; but where these clearly do not determine the parameters, the fit
 * uses the weak prior from the beginning, and where a model is clearly its
 * nested model at the edge of its parameters, it is taken for that; an
 * integer parameter that is clearly not the best is not searched among all customers.
 */
#include "models/core/fit_engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/core/whole_days.h"
#include "numerics/sum.h"

/*
 * How far covariates may move the parameters of a customer out of the box: a
 * fit does not search beyond.
 */
#define WALL (2.0 * FIT_BOX)

/* The largest integer parameter that is tried. */
#define MAX_WHOLE 12

/*
 * With fewer pairs than this a fit is fast anyway; copies must have several times fewer.
 * A search goes through copies of these finenesses: each begins so near its end that the
 * populations themselves are left one or two steps.
 */
#define LARGE 2000
#define WORTH_IT 3
#define NEAR_ENOUGH 1e-4 /* on a copy, whose maximum is further from that of all customers */
#define N_COPIES 2
static const int finenesses[N_COPIES] = {1, 4};

/*
 * The data of a timing fit. The variables are the logarithms of the model's
 * n_free continuous parameters, and the coefficients. Each moves the logarithm
 * of one parameter of each customer.
 */
typedef struct TimingData
{
	const Host *host;
	const Model *model;
	const CovariateClass *classes;
	size_t n_classes;
	int n_free;
	int n;                         /* variables */
	int moves[FIT_MAX_PARAMS];     /* the parameter that variable i moves … */
	int covariate[FIT_MAX_PARAMS]; /* … by this covariate, times … */
	double sign[FIT_MAX_PARAMS];   /* … this */
	double whole;                  /* the integer parameter, if there is one */
	const double *centre;          /* of the model's parameters */
	const double *tilt;            /* added to the gradient; NULL: nothing */
	Population totals;
} TimingData;

/* A log-likelihood and its derivatives in the variables. */
typedef struct TimingTotals
{
	Sum value;
	Sum gradient[FIT_MAX_PARAMS];
	Sum hessian[FIT_MAX_PARAMS][FIT_MAX_PARAMS]; /* upper triangle */
} TimingTotals;

/* How far each variable moves its parameter for the customers of a class. */
static void
find_leverage(const TimingData *timing, const CovariateClass *class, double *leverage)
{
	for (int i = 0; i < timing->n; i++)
		leverage[i] = i < timing->n_free ? 1.0 : timing->sign[i] * class->covariates[timing->covariate[i]];
}

/* The parameters of the customers of a class. Returns false if they are out of bounds. */
static bool
find_class_params(const TimingData *timing, const double *ln_params, const double *leverage, double *params)
{
	double ln_class[MODEL_MAX_PARAMS] = {0};
	bool sane = true;

	for (int i = 0; i < timing->n; i++)
		ln_class[timing->moves[i]] += leverage[i] * ln_params[i];
	for (int i = 0; i < timing->n_free; i++)
	{
		params[i] = exp(ln_class[i]);
		sane &= fabs(ln_class[i] - timing->centre[i]) <= WALL;
	}
	if (timing->model->n_integer_params > 0)
		params[timing->n_free] = timing->whole;
	return sane;
}

/* Add one class's likelihood and, by the chain rule, its derivatives. */
static void
add_class(const TimingData *timing, const CovariateClass *class, const double *ln_params, TimingTotals *totals)
{
	double leverage[FIT_MAX_PARAMS];
	double params[MODEL_MAX_PARAMS];
	double gradient[MODEL_MAX_PARAMS];
	double hessian[MODEL_MAX_PARAMS * MODEL_MAX_PARAMS];

	find_leverage(timing, class, leverage);
	if (!find_class_params(timing, ln_params, leverage, params))
	{
		totals->value.total = NAN;
		return;
	}
	sum_add(&totals->value, timing->model->log_likelihood(class->population, params, gradient, hessian));
	to_logarithms(timing->n_free, params, gradient, hessian);
	for (int i = 0; i < timing->n; i++)
	{
		const double *row = &hessian[timing->moves[i] * timing->n_free];

		sum_add(&totals->gradient[i], leverage[i] * gradient[timing->moves[i]]);
		for (int k = i; k < timing->n; k++)
			sum_add(&totals->hessian[i][k], leverage[i] * leverage[k] * row[timing->moves[k]]);
	}
}

static double
timing_likelihood(void *data, const double *ln_params, double *gradient, double *hessian)
{
	const TimingData *timing = data;
	int n = timing->n;
	TimingTotals totals = {0};

	for (size_t c = 0; c < timing->n_classes && !isnan(totals.value.total); c++)
	{
		timing->host->check_interrupts();
		add_class(timing, &timing->classes[c], ln_params, &totals);
	}
	for (int i = 0; i < n && timing->tilt != NULL; i++)
	{
		sum_add(&totals.value, timing->tilt[i] * ln_params[i]);
		sum_add(&totals.gradient[i], timing->tilt[i]);
	}
	for (int i = 0; i < n; i++)
	{
		gradient[i] = sum_value(&totals.gradient[i]);
		for (int k = i; k < n; k++)
			hessian[i * n + k] = hessian[k * n + i] = sum_value(&totals.hessian[i][k]);
	}
	return sum_value(&totals.value);
}

/* One class while it is sorted. */
typedef struct SortClass
{
	CovariateClass class;
	int n_covariates;
} SortClass;

static int
compare_classes(const void *a, const void *b)
{
	const SortClass *p = a;
	const SortClass *q = b;
	int result = 0;

	for (int i = 0; i < p->n_covariates && result == 0; i++)
		result = (p->class.covariates[i] > q->class.covariates[i]) - (p->class.covariates[i] < q->class.covariates[i]);
	return result;
}

static CovariateClass *
sort_classes(const Host *host, const CovariateClass *classes, size_t n_classes, int n_covariates)
{
	CovariateClass *sorted = host->alloc((n_classes + 1) * sizeof(CovariateClass));
	SortClass *keys = host->alloc((n_classes + 1) * sizeof(SortClass));

	for (size_t i = 0; i < n_classes; i++)
		keys[i] = (SortClass){classes[i], n_covariates};
	qsort(keys, n_classes, sizeof(SortClass), compare_classes);
	for (size_t i = 0; i < n_classes; i++)
		sorted[i] = keys[i].class;
	host->release(keys);
	return sorted;
}

/* Totals over all customers. */
static Population
add_up(const Host *host, const CovariateClass *classes, size_t n_classes)
{
	Population totals = {.host = host};
	double total_T = 0.0;

	for (size_t i = 0; i < n_classes; i++)
	{
		const Population *population = classes[i].population;

		totals.unit_days = population->unit_days;
		totals.customers += population->customers;
		totals.repeat_customers += population->repeat_customers;
		totals.repeat_orders += population->repeat_orders;
		totals.log_gaps += population->log_gaps;
		total_T += population->customers * population->mean_T;
	}
	totals.mean_T = totals.customers > 0.0 ? total_T / totals.customers : 0.0;
	return totals;
}

/* The number of pairs of a frequency and a time in all classes, which dominates the cost of a likelihood. */
static size_t
count_pairs(const CovariateClass *classes, size_t n_classes)
{
	size_t pairs = 0;

	for (size_t i = 0; i < n_classes; i++)
		pairs += classes[i].population->n_recencies + classes[i].population->n_ages;
	return pairs;
}

static void
free_copies(const Host *host, CovariateClass *copies, size_t n_classes)
{
	for (size_t i = 0; i < n_classes; i++)
		population_free((Population *) copies[i].population);
	host->release(copies);
}

/* Coarse copies of the classes, or NULL if they would save too little time. */
static CovariateClass *
copy_coarsely(const Host *host, const CovariateClass *classes, size_t n_classes, int fineness)
{
	size_t pairs = count_pairs(classes, n_classes);
	CovariateClass *copies;

	if (pairs < LARGE)
		return NULL;
	copies = host->alloc(n_classes * sizeof(CovariateClass));
	for (size_t i = 0; i < n_classes; i++)
		copies[i] = (CovariateClass){
			.population = population_coarsen(classes[i].population, fineness),
			.covariates = classes[i].covariates,
		};
	if (WORTH_IT * count_pairs(copies, n_classes) > pairs)
	{
		free_copies(host, copies, n_classes);
		return NULL;
	}
	return copies;
}

/* The fit of a model to the classes, or to a copy, which may be the nested model of another. */
typedef struct KnownFit
{
	const Model *model;
	const CovariateClass *classes;
	Fit fit;
} KnownFit;

/* More than there are models and copies. */
#define MOST_KNOWN 24

struct TimingFits
{
	const Host *host;
	CovariateClass *classes;          /* in order */
	CovariateClass *copies[N_COPIES]; /* ever finer; or NULL */
	size_t n_classes;
	int n_covariates;
	double penalty;
	int n_known;
	KnownFit known[MOST_KNOWN];
};

/* One fit of one model. */
typedef struct TimingFit
{
	const Host *host;
	const Model *model;
	const CovariateClass *classes;          /* in order */
	const CovariateClass *copies[N_COPIES]; /* the same, coarse, ever finer; or NULL */
	size_t n_classes;
	int n_covariates;
	double penalty;
	TimingFits *fits;   /* where fits are known; NULL: nowhere */
	const double *near; /* parameters and coefficients to start from; NULL: the model's own start */
	const double *tilt; /* as of fit_timing_near */
} TimingFit;

static TimingData
timing_data(const TimingFit *job)
{
	const Model *model = job->model;
	TimingData timing = {
		.host = job->host,
		.model = model,
		.classes = job->classes,
		.n_classes = job->n_classes,
		.n_free = model->n_params - model->n_integer_params,
		.whole = 1.0,
		.tilt = job->tilt,
		.totals = add_up(job->host, job->classes, job->n_classes),
	};

	for (int i = 0; i < timing.n_free; i++)
		timing.moves[timing.n++] = i;
	for (int i = 0; i < model->n_effects; i++)
		for (int k = 0; k < job->n_covariates; k++)
		{
			timing.moves[timing.n] = model->effects[i].param;
			timing.covariate[timing.n] = k;
			timing.sign[timing.n++] = model->effects[i].sign;
		}
	return timing;
}

static void fit_classes(const TimingFit *job, Fit *fit);

/* Logarithms to start from: those of the best point near the fit of the nested model. */
static void
start_near_limit(const TimingFit *job, TimingData *timing, double *start)
{
	const Model *model = job->model;
	TimingFit limit_job = *job;
	Fit limit;
	double params[MODEL_MAX_PARAMS];
	double ln_params[FIT_MAX_PARAMS];
	double gradient[FIT_MAX_PARAMS];
	double hessian[FIT_MAX_PARAMS * FIT_MAX_PARAMS];
	double best = -INFINITY;

	limit_job.model = model->limit;
	limit_job.classes = timing->classes;
	for (int i = 0; i < N_COPIES; i++)
		limit_job.copies[i] = NULL;
	fit_classes(&limit_job, &limit);
	for (int i = timing->n_free; i < timing->n; i++)
		ln_params[i] = limit.params[i - timing->n_free + model->limit->n_params];
	for (int k = 0; model->near_nested_model(&timing->totals, limit.params, k, params); k++)
	{
		double value;

		for (int i = 0; i < timing->n_free; i++)
			ln_params[i] = log(params[i]);
		value = timing_likelihood(timing, ln_params, gradient, hessian);
		if (k == 0 || value > best)
		{
			best = value;
			memcpy(start, ln_params, sizeof(double) * timing->n);
		}
	}
}

static void
find_start(const TimingFit *job, TimingData *timing, Start *start)
{
	double params[MODEL_MAX_PARAMS];

	if (job->near != NULL)
		for (int i = 0; i < timing->n; i++)
			start->alone[i] = i < timing->n_free ? log(job->near[i]) : job->near[i];
	else if (job->model->limit != NULL)
		start_near_limit(job, timing, start->alone);
	else
	{
		job->model->start(&timing->totals, params);
		for (int i = 0; i < timing->n; i++)
			start->alone[i] = i < timing->n_free ? log(params[i]) : 0.0;
	}
	memcpy(start->with_prior, start->alone, sizeof(start->alone));
	start->needs_prior = false;
}

/* Insert the integer parameter at its place among the parameters of a fit. */
static void
insert_whole(Fit *fit, int at, double whole)
{
	Fit free = *fit;
	int n = free.n_params + 1;

	fit->n_params = n;
	memset(fit->covariance, 0, sizeof(fit->covariance));
	for (int i = 0; i < n; i++)
	{
		int from = i > at ? i - 1 : i;

		fit->params[i] = i == at ? whole : free.params[from];
		fit->std_errors[i] = i == at ? NAN : free.std_errors[from];
		fit->identified[i] = i == at || free.identified[from];
		for (int k = 0; k < n; k++)
			if (i != at && k != at)
				fit->covariance[i * n + k] = free.covariance[from * free.n_params + (k > at ? k - 1 : k)];
	}
}

static bool
all_identified(const Fit *fit)
{
	for (int i = 0; i < fit->n_params; i++)
		if (!fit->identified[i])
			return false;
	return fit->converged;
}

/*
 * With less than this above the nested model on a copy, which is equally coarse for both, a
 * model whose parameters it does not determine either is its nested model.
 */
#define CLEARLY_LIMIT 0.2

/*
 * Whether a copy already shows that the model is its nested model at the edge of its
 * parameters: then there is nothing to search among all customers, where such a search is long.
 */
static bool
copy_shows_limit(const TimingFit *job, const Fit *fit, const CovariateClass *copy)
{
	TimingFit limit_job = *job;
	Fit limit;

	if (!fit->converged || all_identified(fit))
		return false;
	limit_job.model = job->model->limit;
	limit_job.classes = copy;
	for (int i = 0; i < N_COPIES; i++)
		limit_job.copies[i] = NULL;
	fit_classes(&limit_job, &limit);
	return limit.converged && fit->log_likelihood <= limit.log_likelihood + CLEARLY_LIMIT;
}

/* Known from here on, if there is a place for it. */
static void
remember(const TimingFit *job, const CovariateClass *classes, const Fit *fit)
{
	TimingFits *fits = job->fits;

	if (fits != NULL && fits->n_known < MOST_KNOWN)
		fits->known[fits->n_known++] = (KnownFit){job->model, classes, *fit};
}

/*
 * Fit the copies, if there are any, and from there the classes. Returns true, and only the
 * fit to a copy, if the model is to be compared with its nested model and clearly is that.
 */
static bool
fit_variables(const TimingFit *job, bool compares, Target *target, TimingData *timing, Start *start, Fit *fit)
{
	for (int i = 0; i < N_COPIES; i++)
		if (job->copies[i] != NULL)
		{
			timing->classes = job->copies[i];
			target->within = NEAR_ENOUGH;
			fit_target(job->host, target, start, fit);
			target->within = 0.0;
			if (job->model->n_integer_params == 0)
				remember(job, job->copies[i], fit);
			if (compares && copy_shows_limit(job, fit, job->copies[i]))
			{
				timing->classes = job->classes;
				fit->iterations = 0;
				return true;
			}
		}
	timing->classes = job->classes;
	fit_target(job->host, target, start, fit);
	return false;
}

/* Whether the days of the gaps are known for one of the classes; they are those of all classes. */
static bool
days_known(const TimingFit *job)
{
	for (size_t i = 0; i < job->n_classes; i++)
		if (job->classes[i].population->day_gaps != NULL)
			return true;
	return false;
}

/*
 * The maximum log-likelihood of whole days with this integer parameter,
 * searched from the maximum of the continuous likelihood. Adds its evaluations
 * to the fit's.
 */
static double
likelihood_of_days(const TimingFit *job, Target *target, TimingData *timing, const Start *near, int *iterations)
{
	const Host *host = job->host;
	CovariateClass *days = host->alloc(job->n_classes * sizeof(CovariateClass));
	Start start = *near;
	DayTable table;
	Fit fit;
	double constant = 0.0;

	day_table_fill(host, (int) timing->whole, &table);
	for (size_t i = 0; i < job->n_classes; i++)
	{
		double part;

		days[i] = (CovariateClass){
			.population = population_in_days(job->classes[i].population, &table, &part),
			.covariates = job->classes[i].covariates,
		};
		constant += part;
	}
	timing->classes = days;
	fit_target(host, target, &start, &fit);
	timing->classes = job->classes;
	free_copies(host, days, job->n_classes);
	*iterations += fit.iterations;
	return fit.log_likelihood + constant;
}

/* Fit with the integer parameter at 1. Where there is a model that this one then is, its fit is known, or costs less. */
static void
fit_at_one(const TimingFit *job, Target *target, TimingData *timing, Start *start, Fit *fit)
{
	TimingFit simpler = *job;

	timing->whole = 1.0;
	if (job->model->at_one == NULL)
	{
		(void) fit_variables(job, false, target, timing, start, fit);
		return;
	}
	simpler.model = job->model->at_one;
	fit_classes(&simpler, fit);
	for (int i = 0; i < timing->n; i++)
		start->alone[i] = start->with_prior[i] = i < timing->n_free ? log(fit->params[i]) : fit->params[i];
	start->needs_prior = fit->prior_sd > 0.0;
}

/*
 * With so much less for each customer than the best on the coarsest copy, an integer parameter is not the best among
 * all customers. Of shops such as those of test_fit.c coarseness changed the difference of two neighbours by
 * 0.017, always for the larger one. Between 1 and 2 it is 0.5 where orders come at random.
 */
#define CLEARLY_WORSE 0.1

/* The search for the best integer parameter. */
typedef struct WholeSearch
{
	bool by_days;       /* values are likelihoods of whole days */
	double first;       /* the log-likelihood at 1 */
	double first_value; /* and its value; NAN: nothing had to be compared with it */
	double best;        /* values */
	double last;
	Start coarse;       /* on the coarsest copy, if there is one: where the search before ended, … */
	double best_coarse; /* … and values */
	double last_coarse;
	int falls; /* in a row, up to now */
	int iterations;
} WholeSearch;

/* What is compared of an integer parameter, at the end of its search. */
static double
whole_value(const TimingFit *job, Target *target, TimingData *timing, const Start *end, double log_likelihood,
			WholeSearch *search)
{
	return search->by_days ? likelihood_of_days(job, target, timing, end, &search->iterations) : log_likelihood;
}

/* The same on the coarsest copy, whose evaluations are not counted. */
static double
coarse_value(const TimingFit *job, Target *target, TimingData *timing, WholeSearch *search)
{
	TimingFit coarse = *job;
	int iterations = search->iterations;
	double value;
	Fit fit;

	coarse.classes = job->copies[0];
	timing->classes = coarse.classes;
	target->within = NEAR_ENOUGH;
	fit_target(job->host, target, &search->coarse, &fit);
	value = whole_value(&coarse, target, timing, &search->coarse, fit.log_likelihood, search);
	target->within = 0.0;
	timing->classes = job->classes;
	search->iterations = iterations;
	return value;
}

/* Whether the coarsest copy shows that the integer parameter of now is not the best one. */
static bool
copy_shows_worse(const TimingFit *job, Target *target, TimingData *timing, WholeSearch *search)
{
	double value;
	bool worse;

	if (job->copies[0] == NULL)
		return false;
	value = coarse_value(job, target, timing, search);
	worse = value < search->best_coarse - CLEARLY_WORSE * timing->totals.customers;
	if (worse)
	{
		search->falls = value > search->last_coarse ? 0 : search->falls + 1;
		/* whatever is not worse has risen from it */
		search->last = -INFINITY;
	}
	search->last_coarse = value;
	return worse;
}

static void
begin_whole(const TimingFit *job, Target *target, TimingData *timing, const Start *end, const Fit *fit,
			WholeSearch *search)
{
	*search = (WholeSearch){
		.by_days = days_known(job),
		.first = fit->log_likelihood,
		.first_value = NAN,
		.iterations = fit->iterations,
		.coarse = *end,
	};
	if (job->copies[0] != NULL)
		search->best_coarse = search->last_coarse = coarse_value(job, target, timing, search);
}

/* The value at 1 is needed once another one is not clearly worse. */
static void
value_at_one(const TimingFit *job, Target *target, TimingData *timing, const Start *end, WholeSearch *search)
{
	double whole = timing->whole;

	if (!isnan(search->first_value))
		return;
	timing->whole = 1.0;
	search->first_value = search->best = whole_value(job, target, timing, end, search->first, search);
	timing->whole = whole;
	if (search->falls == 0)
		search->last = search->best;
}

/* Search the best integer parameter; each search starts where the one before it ended. */
static void
fit_whole(const TimingFit *job, Target *target, TimingData *timing, Start *start, Fit *fit)
{
	int most = isnan(timing->totals.log_gaps) ? 1 : MAX_WHOLE;
	WholeSearch search = {0};
	Start at_one;
	Fit trial;

	fit_at_one(job, target, timing, start, fit);
	insert_whole(fit, timing->n_free, 1.0);
	if (most == 1)
		return;
	at_one = *start;
	begin_whole(job, target, timing, start, fit, &search);
	for (int k = 2; k <= most && search.falls < 2; k++)
	{
		double value;

		timing->whole = k;
		if (copy_shows_worse(job, target, timing, &search))
			continue;
		value_at_one(job, target, timing, &at_one, &search);
		(void) fit_variables(job, false, target, timing, start, &trial);
		search.iterations += trial.iterations;
		value = whole_value(job, target, timing, start, trial.log_likelihood, &search);
		search.falls = value > search.last ? 0 : search.falls + 1;
		search.last = value;
		if (!(value > search.best))
			continue;
		search.best = value;
		search.best_coarse = search.last_coarse;
		*fit = trial;
		insert_whole(fit, timing->n_free, k);
		fit->comparable = search.first + (value - search.first_value);
	}
	fit->iterations = search.iterations;
}

/*
 * With less than this above the nested model, which chance alone exceeds in
 * one of twenty samples, a model whose parameters are not identified adds
 * nothing.
 */
#define MORE_THAN_LIMIT 2.0

/*
 * Turn the nested model's fit into one of the model, at the edge of its
 * parameters: forecasts are those of the nested model.
 */
static void
stand_at_limit(const Model *model, const TimingData *timing, const Fit *limit, Fit *fit)
{
	int from[FIT_MAX_PARAMS];
	int iterations = fit->iterations + limit->iterations;
	int n = timing->n;

	*fit = (Fit){
		.n_params = n,
		.log_likelihood = limit->log_likelihood,
		.comparable = limit->comparable,
		.converged = limit->converged,
		.boundary = true,
		.penalty = limit->penalty,
		.prior_sd = limit->prior_sd,
		.iterations = iterations,
	};
	model->at_limit(&timing->totals, limit->params, fit->params);
	for (int i = 0; i < n; i++)
	{
		bool coefficient = i >= model->n_params;

		from[i] = coefficient ? i - model->n_params + model->limit->n_params : model->limit_place[i];
		if (coefficient)
			fit->params[i] = limit->params[from[i]];
		fit->identified[i] =
			from[i] >= 0 && limit->identified[from[i]] && (coefficient || !model->scales_with_limit[i]);
		fit->std_errors[i] = fit->identified[i] ? limit->std_errors[from[i]] : NAN;
	}
	for (int i = 0; i < n; i++)
		for (int k = 0; k < n; k++)
			if (from[i] >= 0 && from[k] >= 0)
				fit->covariance[i * n + k] = limit->covariance[from[i] * limit->n_params + from[k]];
}

/*
 * A model never fits worse than its nested model: where it would, or where its
 * parameters are not identified and its fit is not much better, the result is the
 * nested model's. A requested penalty may make it worse.
 */
static void
compare_with_limit(const TimingFit *job, const TimingData *timing, bool is_limit, Fit *fit)
{
	TimingFit limit_job = *job;
	Fit limit;

	limit_job.model = job->model->limit;
	fit_classes(&limit_job, &limit);
	if (is_limit || !(fit->log_likelihood >= limit.log_likelihood) ||
		(!all_identified(fit) && !(fit->log_likelihood > limit.log_likelihood + MORE_THAN_LIMIT)))
		stand_at_limit(job->model, timing, &limit, fit);
}

static void
fit_anew(const TimingFit *job, Fit *fit)
{
	TimingData timing = timing_data(job);
	Target target = {
		.likelihood = timing_likelihood,
		.data = &timing,
		.n = timing.n,
		.n_coefficients = timing.n - timing.n_free,
		.penalty = job->penalty,
	};
	bool compares = job->model->limit != NULL && job->penalty == 0.0;
	bool is_limit = false;
	Start start;

	timing.centre = target.centre;
	job->model->prior_centre(&timing.totals, target.centre);
	for (int i = timing.n_free; i < timing.n; i++)
		target.centre[i] = 0.0;

	if (job->copies[0] != NULL)
		timing.classes = job->copies[0];
	find_start(job, &timing, &start);
	timing.classes = job->classes;

	if (job->model->n_integer_params > 0)
		fit_whole(job, &target, &timing, &start, fit);
	else
		is_limit = fit_variables(job, compares, &target, &timing, &start, fit);
	if (compares)
		compare_with_limit(job, &timing, is_limit, fit);
}

/* A fit that is the nested model's of several is made once. */
static void
fit_classes(const TimingFit *job, Fit *fit)
{
	const TimingFits *fits = job->fits;

	for (int i = 0; fits != NULL && i < fits->n_known; i++)
		if (fits->known[i].model == job->model && fits->known[i].classes == job->classes)
		{
			*fit = fits->known[i].fit;
			return;
		}
	fit_anew(job, fit);
	remember(job, job->classes, fit);
}

TimingFits *
timing_fits_make(const Host *host, const CovariateClass *classes, size_t n_classes, int n_covariates, double penalty)
{
	TimingFits *fits = host->alloc(sizeof(TimingFits));

	fits->host = host;
	fits->classes = sort_classes(host, classes, n_classes, n_covariates);
	fits->n_classes = n_classes;
	fits->n_covariates = n_covariates;
	fits->penalty = penalty;
	fits->n_known = 0;
	for (int i = 0; i < N_COPIES; i++)
		fits->copies[i] = copy_coarsely(host, fits->classes, n_classes, finenesses[i]);
	return fits;
}

void
timing_fits_model(TimingFits *fits, const Model *model, Fit *fit)
{
	TimingFit job = {
		.host = fits->host,
		.model = model,
		.classes = fits->classes,
		.n_classes = fits->n_classes,
		.n_covariates = fits->n_covariates,
		.penalty = fits->penalty,
		.fits = fits,
	};

	/* Whole periods must not be rounded: there might be more purchases than opportunities. */
	for (int i = 0; i < N_COPIES && !model->discrete; i++)
		job.copies[i] = fits->copies[i];
	fit_classes(&job, fit);
}

void
timing_fits_free(TimingFits *fits)
{
	for (int i = 0; i < N_COPIES; i++)
		if (fits->copies[i] != NULL)
			free_copies(fits->host, fits->copies[i], fits->n_classes);
	fits->host->release(fits->classes);
	fits->host->release(fits);
}

void
fit_timing(const Host *host, const Model *model, const CovariateClass *classes, size_t n_classes, int n_covariates,
		   double penalty, Fit *fit)
{
	TimingFits *fits = timing_fits_make(host, classes, n_classes, n_covariates, penalty);

	timing_fits_model(fits, model, fit);
	timing_fits_free(fits);
}

void
fit_timing_near(const Host *host, const Model *model, const CovariateClass *classes, size_t n_classes, int n_covariates,
				double penalty, const double *near, const double *tilt, Fit *fit)
{
	TimingFit job = {
		.host = host,
		.model = model,
		.classes = sort_classes(host, classes, n_classes, n_covariates),
		.n_classes = n_classes,
		.n_covariates = n_covariates,
		.penalty = penalty,
		.near = near,
		.tilt = tilt,
	};

	fit_anew(&job, fit);
	host->release((void *) job.classes);
}

void
fit_timing_expose(const Host *host, const Model *model, const CovariateClass *classes, size_t n_classes,
				  int n_covariates, const Fit *fit, SeasonWeights *weights, double *gradient)
{
	TimingFit job = {
		.host = host,
		.model = model,
		.classes = sort_classes(host, classes, n_classes, n_covariates),
		.n_classes = n_classes,
		.n_covariates = n_covariates,
	};
	TimingData timing = timing_data(&job);
	Sum sums[FIT_MAX_PARAMS] = {{0}};

	for (size_t c = 0; c < n_classes; c++)
	{
		const CovariateClass *class = &job.classes[c];
		double leverage[FIT_MAX_PARAMS];
		double params[MODEL_MAX_PARAMS];
		double of_class[MODEL_MAX_PARAMS];

		host->check_interrupts();
		find_leverage(&timing, class, leverage);
		fit_class_params(model, fit, n_covariates, class->covariates, params);
		model->expose(class->population, params, weights, of_class);
		for (int i = 0; i < timing.n; i++)
			sum_add(&sums[i], leverage[i] * params[timing.moves[i]] * of_class[timing.moves[i]]);
	}
	for (int i = 0; i < timing.n; i++)
		gradient[i] = sum_value(&sums[i]);
	host->release((void *) job.classes);
}

void
fit_class_params(const Model *model, const Fit *fit, int n_covariates, const double *covariates, double *params)
{
	const double *coefficient = fit->params + model->n_params;

	memcpy(params, fit->params, sizeof(double) * model->n_params);
	for (int effect = 0; effect < model->n_effects; effect++)
	{
		double sum = 0.0;

		for (int i = 0; i < n_covariates; i++)
			sum += *coefficient++ * covariates[i];
		params[model->effects[effect].param] *= exp(model->effects[effect].sign * sum);
	}
}
