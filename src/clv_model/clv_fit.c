/*
 * clv_fit.c
 *	  Fitting a model to a customer base.
 *
 * The base is converted into the input of the likelihoods (cells with ages for
 * the timing model, weighted points for the spend model), the engine in
 * models/ finds the maxima, and the result becomes a clv_model. A base that
 * cannot be fitted is an error with the reason; parameters that are not
 * identified are reported in a warning and marked in the model.
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "population/customer_base.h"
#include "clv_model/clv_model.h"
#include "models/core/fit.h"
#include "models/core/model.h"
#include "models/core/population.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/call_memo.h"
#include "support/group_notice.h"
#include "support/server_host.h"

StaticAssertDecl(MODEL_MAX_PERIODS == CALENDAR_MAX_PERIODS, "bases and tables by the calendar have one limit");

/* The number of periods that a base of periods spans; 0 for a base of days. */
static int32
periods_observed(const BaseTotals *totals, DateADT as_of)
{
	Period period = totals->head.period;

	return period == PERIOD_DAY ? 0 : period_number(period, as_of) - period_number(period, totals->first_day);
}

/* Why a base cannot be fitted as of a day; NULL if it can. */
static const char *
unfittable(const BaseTotals *totals, DateADT as_of)
{
	if (totals->customers < FIT_FEWEST_CUSTOMERS)
		return psprintf("at least %d customers are needed, and it has " INT64_FORMAT, FIT_FEWEST_CUSTOMERS,
						totals->customers);
	if (totals->repeaters == 0)
		return "no customer has ordered on a second day";
	if (as_of < totals->last_day)
		return "as_of is before its last order";
	if (DATE_IS_NOEND(as_of))
		return "as_of is infinite";
	if (periods_observed(totals, as_of) > MODEL_MAX_PERIODS)
		return psprintf("it goes over %d %ss, and no more than %d can be fitted", periods_observed(totals, as_of),
						period_names[totals->head.period], MODEL_MAX_PERIODS);
	return NULL;
}

/* The populations of a base: one for each class of equal covariates. */
typedef struct Populations
{
	CovariateClass *classes;
	uint32 count;
	int n_covariates;
	SeasonClock *clock; /* of a season that is given, or of the calendar until one is estimated */
	DayGaps *day_gaps;
} Populations;

/* Whether a season is to be estimated. */
static bool
estimates_season(const ClvFitOptions *options)
{
	return options->season != NULL && !season_has_factors(options->season);
}

/* How populations are built: by a clock or without, and with the days that a fit of two clocks or of a season needs. */
typedef struct PopulationPlan
{
	const BaseTotals *totals;
	double unit_days;
	const SeasonClock *clock; /* NULL: none */
	DateADT now;
	bool dated;
} PopulationPlan;

static Population *
population_of(const PopulationPlan *plan, const PopulationCell *cells, size_t count, bool first)
{
	Population *population = plan->dated
		? population_build_dated(&server_host, cells, count, plan->unit_days, plan->clock, plan->now)
		: population_build_on(&server_host, cells, count, plan->unit_days, plan->clock, plan->now);

	/* Only the sum over all populations matters: the first one holds it. */
	if (base_gaps_known(plan->totals))
		population->log_gaps = first ? plan->totals->log_gaps - plan->totals->gaps * log(plan->unit_days) : 0;
	return population;
}

/* The cells of the next class, from an entry on, into an array; returns their number. */
static size_t
read_class(const BaseSlice *timing, uint32 *next, uint32 class, Period period, DateADT as_of, PopulationCell *cells)
{
	size_t count = 0;

	for (; *next < timing->count && entry_class(&timing->entries[*next]) == class; ++*next)
	{
		const BaseEntry *entry = &timing->entries[*next];

		CHECK_FOR_INTERRUPTS();
		cells[count++] = (PopulationCell){
			.x = entry_x(entry),
			.t_x_days = (int32) timing_t_x(entry),
			.T_days = period_number(period, as_of) - period_number(period, timing_first(entry)),
			.customers = (double) entry->value,
		};
	}
	return count;
}

/*
 * The timing part of the base, with the age of every customer as of this day, for a model
 * or, if that is NULL, any. Times are in days, or in periods, which are their own unit.
 */
static Populations
populations_of(const BaseParts *parts, const Model *timing, const ClvFitOptions *options)
{
	const BaseTotals *totals = &parts->totals;
	Period period = totals->head.period;
	BaseSlice entries = base_slice(parts, BASE_TIMING);
	PopulationCell *cells =
		MemoryContextAllocHuge(CurrentMemoryContext, Max(1, entries.count) * sizeof(PopulationCell));
	double *covariates = base_parts_covariates(parts);
	Populations populations = {
		.count = totals->classes,
		.n_covariates = totals->head.covariates,
		.clock = palloc(sizeof(SeasonClock)),
		.classes =
			MemoryContextAllocHuge(CurrentMemoryContext, (Size) Max(1, totals->classes) * sizeof(CovariateClass)),
	};
	PopulationPlan plan = {
		.totals = totals,
		.unit_days = period == PERIOD_DAY ? options->unit_days : 1,
		.clock = options->season == NULL ? NULL : populations.clock,
		.now = options->as_of,
		.dated = options->season != NULL && (estimates_season(options) || timing == NULL || timing->lifetime != NULL),
	};
	uint32 entry = 0;

	*populations.clock =
		options->season == NULL || estimates_season(options) ? season_even : season_clock(options->season);
	for (uint32 class = 0; class < populations.count; class ++)
	{
		size_t count = read_class(&entries, &entry, class, period, options->as_of, cells);

		populations.classes[class] = (CovariateClass){
			.population = population_of(&plan, cells, count, class == 0),
			.covariates = covariates + (Size) class * populations.n_covariates,
		};
	}
	pfree(cells);
	if (period == PERIOD_DAY && base_gaps_known(totals) && populations.count > 0 && options->season == NULL)
	{
		Population *first = (Population *) populations.classes[0].population;

		/* Like log_gaps, they are those of all populations. */
		first->day_gaps = populations.day_gaps = base_gaps(parts, &first->n_day_gaps);
	}
	return populations;
}

static void
populations_free(Populations *populations)
{
	for (uint32 i = 0; i < populations->count; i++)
		population_free((Population *) populations->classes[i].population);
	pfree(populations->classes);
	pfree(populations->clock);
	if (populations->day_gaps != NULL)
		pfree(populations->day_gaps);
}

/* Copies the result of the engine, except for the parameters. */
static void
part_of_fit(ClvPart *part, const Fit *fit)
{
	part->n_params = Min(part->n_params, fit->n_params);
	part->fitted = true;
	part->converged = fit->converged;
	part->iterations = fit->iterations;
	part->penalty = fit->penalty;
	part->prior_sd = fit->prior_sd;
	part->log_likelihood = fit->log_likelihood;
	for (int i = 0; i < fit->n_params; i++)
		if (!fit->identified[i])
			part->unidentified |= UINT64CONST(1) << i;
}

static void
spend_of_fit(ClvPart *spend, const SpendModel *kind, const Fit *fit)
{
	*spend = (ClvPart){.n_params = kind->n_params, .spend_model = kind->id};
	part_of_fit(spend, fit);
	for (int i = 0; i < spend->n_params; i++)
	{
		spend->params[i] = fit->params[i];
		for (int j = 0; j <= i; j++)
			*clv_part_covariance(spend, i, j) = fit->covariance[i * fit->n_params + j];
	}
}

static void
timing_of_fit(ClvModel *model, const Fit *fit)
{
	part_of_fit(&model->timing, fit);
	for (int i = 0; i < fit->n_params; i++)
	{
		*clv_timing_figure(model, i) = fit->params[i];
		for (int j = 0; j <= i; j++)
			*clv_timing_covariance(model, i, j) = fit->covariance[i * fit->n_params + j];
	}
}

/* Warns of whatever limits the use of the fit. */
static void
report_fit(const char *name, const ClvPart *part, const char *unidentified)
{
	if (!part->converged)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING), errmsg("the fit of %s did not reach the maximum of its likelihood", name),
				 errhint("Check the model with clv_params(model); a longer observation or more customers may help.")));
	if (part->prior_sd > 0)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING), errmsg("the data do not identify all parameters of %s", name),
				 errdetail("Parameters without a standard error: %s. A weak prior (standard deviation %g of the "
						   "logarithms) was used.",
						   *unidentified == '\0' ? "none" : unidentified, part->prior_sd),
				 errhint("Scores can be used with care; a longer observation or more customers may help.")));
	else if (part->unidentified != 0)
		ereport(NOTICE,
				(errmsg("%s fits no better than its nested model, whose forecasts it gives", name),
				 errdetail("Parameters without a standard error: %s.", unidentified)));
}

/* The names of the parameters that are not identified, for a message. */
static char *
unidentified_names(const ClvModel *model, bool of_spend)
{
	const ClvPart *part = of_spend ? &model->spend : &model->timing;
	int count = of_spend ? clv_model_spend(model)->n_params : clv_timing_figure_count(model);
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < count; i++)
		if ((part->unidentified & (UINT64CONST(1) << i)) != 0)
			appendStringInfo(&names, "%s%s", names.len == 0 ? "" : ", ",
							 of_spend ? clv_model_spend(model)->param_names[i] : clv_timing_figure_name(model, i));
	return names.data;
}

/* Whether a model can be fitted with a season, given or to be estimated; or without, if that is NULL. */
static bool
takes_season(const Model *timing, const Season *season)
{
	return season == NULL || (season_has_factors(season) ? model_knows_seasons(timing) : timing->expose != NULL);
}

/* Whether a model suits the period of the base. */
static bool
suits(const Model *timing, const BaseTotals *totals, const Season *season)
{
	return takes_season(timing, season) && timing->discrete == (totals->head.period != PERIOD_DAY) &&
		(totals->head.covariates == 0 || timing->n_effects > 0) &&
		(timing->n_integer_params == 0 || base_gaps_known(totals));
}

/* The models that can be fitted with the season. */
static char *
seasonal_names(const Season *season)
{
	StringInfoData names;
	const Model *timing;

	initStringInfo(&names);
	for (int id = 1; (timing = model_by_id(id)) != NULL; id++)
		if (takes_season(timing, season))
			appendStringInfo(&names, "%s%s", names.len == 0 ? "" : ", ", timing->name);
	return names.data;
}

/* The model of this name, if it suits the base. */
static const Model *
named_model(const char *name, const BaseTotals *totals, const Season *season)
{
	const Model *timing = clv_model_named(name);

	if (!takes_season(timing, season) && model_knows_seasons(timing))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s knows seasons that are given, but a season cannot be estimated with it", timing->name),
				 errhint("Estimate it with one of %s, and give it: season => season(model).", seasonal_names(season))));
	if (!takes_season(timing, season))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s does not know seasons", timing->name),
				 errhint("Those that do are %s.", seasonal_names(season))));

	if (timing->discrete && totals->head.period == PERIOD_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s counts in periods, but the base counts in days", name),
				 errhint("Count by the period: customer_base(history, 'month').")));
	if (!timing->discrete && totals->head.period != PERIOD_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s counts in days, but the base counts by the %s", name, period_names[totals->head.period]),
				 errhint("Count by the day: customer_base(history).")));
	if (totals->head.covariates > 0 && timing->n_effects == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s takes no covariates", name)));
	if (!suits(timing, totals, season))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot be fitted to this base: the gaps between transactions are not known", name),
				 errhint("Bases built by customer_base(history) have them.")));
	return timing;
}

/* The names of the covariates: those given, or z1, z2, … */
static void
name_covariates(ClvModel *model, ArrayType *names)
{
	Datum *elements = NULL;
	int count = model->n_covariates;

	if (names != NULL)
		deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	if (count != model->n_covariates)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("the base has %d covariates, but covariate_names has %d", model->n_covariates, count)));
	for (int i = 0; i < count; i++)
		strlcpy(clv_model_covariates(model)[i].name,
				elements == NULL ? psprintf("z%d", i + 1) : TextDatumGetCString(elements[i]), NAMEDATALEN);
}

/* Fits a model and its season, which is returned. */
static const Season *
fit_with_season(const Model *timing, const Populations *populations, const ClvFitOptions *options, Fit *fit)
{
	const Season *counted = options->season;
	SeasonBy by = (SeasonBy) counted->by;
	double *counts = palloc_array(double, season_slots(by));
	SeasonFit *estimate = palloc(sizeof(SeasonFit));
	SeasonData data = {
		.host = &server_host,
		.classes = populations->classes,
		.n_classes = populations->count,
		.n_covariates = populations->n_covariates,
		.by = by,
		.counts = counts,
		.penalty = options->penalty,
	};
	const Season *season;

	for (int i = 0; i < season_slots(by); i++)
		counts[i] = (double) season_counts_of(counted)[i];
	fit_season(&data, timing, estimate, fit);
	season = season_with_factors(by, estimate->factors, counted);
	pfree(estimate);
	pfree(counts);
	return season;
}

/* The value of a fit of the timing part. */
static ClvModel *
model_of_fit(const Model *timing, const Fit *fit, int n_covariates, const ClvFitOptions *options, Period period)
{
	ClvModel *model = clv_model_make(timing, n_covariates, 0);

	name_covariates(model, options->covariate_names);
	model->as_of = options->as_of;
	model->period = (uint8) period;
	model->unit_days = timing->discrete ? period_mean_days(period) : options->unit_days;
	timing_of_fit(model, fit);
	return model;
}

/*
 * A fit of one model, as a value with an empty spend part, and the
 * log-likelihood for comparison with other models.
 */
static ClvModel *
fit_timing_model(const Model *timing, TimingFits *fits, const Populations *populations, const BaseTotals *totals,
				 const ClvFitOptions *options, double *comparable)
{
	Fit *fit = palloc(sizeof(Fit));
	const Season *season = options->season;
	ClvModel *model;

	if (fits != NULL)
		timing_fits_model(fits, timing, fit);
	else
		season = fit_with_season(timing, populations, options, fit);
	model = model_of_fit(timing, fit, populations->n_covariates, options, totals->head.period);
	*comparable = fit->comparable;
	model->repeat_customers = totals->repeaters;
	model->timing.customers = totals->customers;
	model->timing.left_out = totals->left_out[LEFT_OUT_NO_ORDERS] + totals->left_out[LEFT_OUT_NO_COVARIATES];
	pfree(fit);
	return season == NULL ? model : clv_model_add_season(model, season);
}

/* A model with identified parameters is preferred to one that is better by less than this. */
#define MUCH_BETTER 10

/* A model that was tried, and its criterion: that of whole days, where models with k are compared. */
typedef struct Trial
{
	ClvModel *model;
	double bic;
} Trial;

/* Orders by convergence, then by the criterion, lower being better. */
static bool
better(const Trial *trial, const Trial *other)
{
	if (other == NULL || trial->model->timing.converged != other->model->timing.converged)
		return other == NULL || trial->model->timing.converged;
	return trial->bic < other->bic;
}

/* The model to choose: the best, unless its parameters are not identified and another one is nearly as good. */
static ClvModel *
choose(const Trial *trials, int count)
{
	const Trial *best = NULL;
	const Trial *told = NULL;

	for (int i = 0; i < count; i++)
	{
		const ClvPart *timing = &trials[i].model->timing;

		if (clv_model_problem(trials[i].model) != NULL)
			continue;
		if (better(&trials[i], best))
			best = &trials[i];
		if (timing->converged && timing->unidentified == 0 && better(&trials[i], told))
			told = &trials[i];
	}
	if (told != NULL && told->bic <= best->bic + MUCH_BETTER)
		best = told;
	return best == NULL ? NULL : best->model;
}

/* The chosen model, with the results of all that were tried. */
static ClvModel *
with_candidates(const ClvModel *model, const ClvCandidate *candidates, int count)
{
	ClvModel *result = clv_model_make(clv_model_timing(model), model->n_covariates, count);
	int32 size = result->vl_len_;

	memcpy(result, model, offsetof(ClvModel, more));
	result->vl_len_ = size;
	result->version = CLV_MODEL_VERSION;
	result->n_candidates = count;
	memcpy(clv_model_covariates(result), clv_model_covariates(model), model->n_covariates * sizeof(ClvCovariate));
	memcpy(clv_model_candidates(result), candidates, count * sizeof(ClvCandidate));
	for (int i = model->timing.n_params; i < clv_timing_figure_count(model); i++)
	{
		*clv_timing_figure(result, i) = *clv_timing_figure(model, i);
		for (int j = 0; j <= i; j++)
			*clv_timing_covariance(result, i, j) = *clv_timing_covariance(model, i, j);
	}
	return clv_model_season(model) == NULL ? result : clv_model_add_season(result, clv_model_season(model));
}

/* Fits all models that suit the base, and returns the best one, with the results of all. */
static ClvModel *
fit_best(TimingFits *fits, const Populations *populations, const BaseTotals *totals, const ClvFitOptions *options)
{
	const Model *candidates[CLV_MAX_CANDIDATES];
	ClvCandidate figures[CLV_MAX_CANDIDATES] = {0};
	Trial trials[CLV_MAX_CANDIDATES];
	ClvModel *best;
	const Model *timing;
	int count = 0;

	for (int id = 1; count < CLV_MAX_CANDIDATES && (timing = model_by_id(id)) != NULL; id++)
		if (suits(timing, totals, options->season))
			candidates[count++] = timing;
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("no model that counts by the %s takes covariates", period_names[totals->head.period])));

	for (int i = 0; i < count; i++)
	{
		double comparable;
		ClvModel *model = fit_timing_model(candidates[i], fits, populations, totals, options, &comparable);

		trials[i].model = model;
		trials[i].bic = clv_model_bic(model) - 2 * (comparable - model->timing.log_likelihood);
		figures[i].model_id = model->model_id;
		figures[i].n_figures = clv_timing_figure_count(model);
		figures[i].converged = model->timing.converged;
		figures[i].log_likelihood = model->timing.log_likelihood;
		figures[i].unidentified = model->timing.unidentified != 0;
		figures[i].bic = trials[i].bic;
	}
	best = choose(trials, count);
	return best == NULL ? NULL : with_candidates(best, figures, count);
}

/* Orders fits of spend models by convergence, then by Schwarz's criterion, lower being better. */
static bool
better_spend(const ClvPart *spend, const ClvPart *other)
{
	double customers = (double) spend->customers;

	if (other->n_params == 0 || spend->converged != other->converged)
		return other->n_params == 0 || spend->converged;
	return spend->n_params * log(customers) - 2 * spend->log_likelihood <
		other->n_params * log(customers) - 2 * other->log_likelihood;
}

/* Fits all spend models and keeps the best; none, and false, if no fit is a valid model. */
static bool
fit_best_spend(ClvModel *model, const SpendPoint *points, size_t n_points, int64 left_out)
{
	Fit *fit = palloc(sizeof(Fit));
	ClvPart best = {0};
	const SpendModel *kind;

	for (int i = 0; (kind = spend_model_at(i)) != NULL; i++)
	{
		fit_spend(&server_host, kind, points, n_points, fit);
		spend_of_fit(&model->spend, kind, fit);
		model->spend.left_out = left_out;
		model->spend.customers = model->repeat_customers - left_out;
		if (clv_model_problem(model) == NULL && better_spend(&model->spend, &best))
			best = model->spend;
	}
	model->spend = best;
	pfree(fit);
	return best.n_params > 0;
}

/* The spend part of points, if there are any; of the customers with repeat transactions so many are left out. */
static void
fit_spend_points(ClvModel *model, const SpendPoint *points, size_t n_points, int64 left_out)
{
	if (n_points == 0)
		return;
	if (fit_best_spend(model, points, n_points, left_out))
		report_fit(clv_model_spend(model)->name, &model->spend, unidentified_names(model, true));
	else
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("%s cannot be fitted to this base: its amounts are out of range", clv_spend_names()),
				 errhint("The model has no spend part.")));
}

/*
 * The fit, after the options are checked; NULL, and the reason, if the data do not allow it.
 * The entries of the base are released as soon as they are the input of likelihoods.
 */
static ClvModel *
fit_parts(BaseParts *parts, const ClvFitOptions *options, ClvUnfit *why)
{
	const BaseTotals *totals = &parts->totals;
	bool automatic = clv_model_is_auto(options->model);
	const Model *timing = automatic ? NULL : named_model(options->model, totals, options->season);
	size_t n_points;
	SpendPoint *points = base_spend_points(parts, &n_points);
	Populations populations = populations_of(parts, timing, options);

	pfree(parts->entries);

	TimingFits *fits = estimates_season(options)
		? NULL
		: timing_fits_make(&server_host, populations.classes, populations.count, populations.n_covariates,
						   options->penalty);
	double comparable;
	ClvModel *model = automatic ? fit_best(fits, &populations, totals, options)
								: fit_timing_model(timing, fits, &populations, totals, options, &comparable);

	if (fits != NULL)
		timing_fits_free(fits);
	populations_free(&populations);
	*why = (ClvUnfit){
		.sqlstate = ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
		.problem = model == NULL ? "no model has parameters between 1e-12 and 1e12" : clv_model_problem(model),
		.hint = "Try another time_unit_days.",
	};
	if (model == NULL || why->problem != NULL)
		return NULL;
	report_fit(clv_model_timing(model)->name, &model->timing, unidentified_names(model, false));
	fit_spend_points(model, points, n_points,
					 totals->left_out[LEFT_OUT_NO_SPEND] + totals->left_out[LEFT_OUT_NO_AMOUNTS]);
	pfree(points);
	return model;
}

/* What is said of days that lie far from all others: often a wrong date. */
typedef struct SpanWarning
{
	char *message;
	char *detail; /* NULL: none */
	char *hint;
} SpanWarning;

#define SPAN_WARNINGS 2

/* Where a few customers, or the end of observation, lie far from all others; gives the number of warnings. */
static int
span_warnings(const BaseParts *parts, DateADT as_of, SpanWarning *warnings)
{
	const BaseTotals *totals = &parts->totals;
	BaseSpan span = base_span(parts, as_of);
	int count = 0;

	if (span.far_last > 0)
		warnings[count++] = (SpanWarning){
			psprintf("the last order is on %s, but all customers except " INT64_FORMAT " of " INT64_FORMAT
					 " have their last order by %s",
					 date_text(totals->last_day), span.far_last, totals->customers, date_text(span.last)),
			psprintf("Customers without an order until %s count as lost.", date_text(as_of)),
			psprintf("Correct the dates, or let observation end earlier: customer_base(history, '%s'), or as_of => "
					 "'%s' in create_customer_scores.",
					 date_text(span.last), date_text(span.last)),
		};
	else if (span.far_as_of)
		warnings[count++] = (SpanWarning){
			psprintf("as_of is %s, but the last order is on %s", date_text(as_of), date_text(totals->last_day)),
			"Customers without an order until then count as lost.",
			psprintf("If later orders are missing, let observation end with the last one: as_of => '%s'.",
					 date_text(span.last)),
		};
	if (span.far_first > 0)
		warnings[count++] = (SpanWarning){
			psprintf("the first order is on %s, but all customers except " INT64_FORMAT " of " INT64_FORMAT
					 " have their first order on %s or later",
					 date_text(span.earliest), span.far_first, totals->customers, date_text(span.first)),
			NULL,
			"Correct the dates, or leave such orders out with WHERE.",
		};
	return count;
}

static void
report_span(const BaseParts *parts, DateADT as_of)
{
	SpanWarning warnings[SPAN_WARNINGS];
	int count = span_warnings(parts, as_of, warnings);

	for (int i = 0; i < count; i++)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING), errmsg("%s", warnings[i].message),
				 warnings[i].detail == NULL ? 0 : errdetail("%s", warnings[i].detail),
				 errhint("%s", warnings[i].hint)));
}

/* Fewer days than a year's. */
#define LEAST_SEASON_DAYS 365

/* Checks of the options. */
void
clv_check_fit_options(const ClvFitOptions *options)
{
	if (!(options->unit_days >= CLV_SHORTEST_UNIT && options->unit_days <= CLV_LONGEST_UNIT))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time_unit_days must be between %.5f and %d, but is %g", CLV_SHORTEST_UNIT, CLV_LONGEST_UNIT,
						options->unit_days),
				 errhint("With 7, rates are per week.")));
	if (!(options->penalty >= 0) || isinf(options->penalty))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("penalty must not be negative, but is %g", options->penalty),
				 errhint("0 is no penalty; 1 keeps logarithms and coefficients within about one of their centres.")));
	if (options->covariate_names != NULL &&
		(ARR_NDIM(options->covariate_names) > 1 || array_contains_nulls(options->covariate_names)))
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR), errmsg("covariate_names must be a list of names")));
}

#define SHORT_SEASON "a season is estimated from " INT64_FORMAT " days, less than a year"

/* Whether a season is to be estimated from less than a year. */
static bool
season_is_short(const Season *season, const BaseTotals *totals, DateADT as_of)
{
	return !season_has_factors(season) && (int64) as_of - totals->first_day < LEAST_SEASON_DAYS;
}

/* Whether the season can be that of the base; an error, or a warning where it is seen in part. */
static void
check_season(const Season *season, const BaseTotals *totals, DateADT as_of)
{
	if (totals->head.period != PERIOD_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a base that counts by the %s has no season", period_names[totals->head.period]),
				 errhint("Count by the day: customer_base(history).")));
	if (season_has_factors(season))
		return;
	if (season_total(season) != totals->repeat_orders)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the season counts %.0f repeat transactions, but the base has %.0f", season_total(season),
						totals->repeat_orders),
				 errhint("Count the same customers until the same day: season(history, '%s', until) for "
						 "customer_base(history, until).",
						 season_by_names[season->by])));
	if (season_is_short(season, totals, as_of))
		ereport(WARNING,
				(errcode(ERRCODE_WARNING), errmsg(SHORT_SEASON, (int64) as_of - totals->first_day),
				 errdetail(
					 "Days of the year that were not observed have factors near the mean; a season cannot be told "
					 "from growth or decline."),
				 errhint("Give known factors: season_of_factors('month', factors).")));
}

/* Tells of a fit that rests on few. */
static void
report_few(int64 customers, int64 repeaters)
{
	if (customers < CLV_FEW_CUSTOMERS || repeaters < CLV_FEW_REPEATERS)
		ereport(NOTICE,
				(errmsg("the fit rests on " INT64_FORMAT " customers, " INT64_FORMAT " of them with repeat orders",
						customers, repeaters),
				 errhint("With fewer than %d and %d, check the standard errors before relying on a score.",
						 CLV_FEW_CUSTOMERS, CLV_FEW_REPEATERS)));
}

static void
unfit_error(const ClvFitOptions *options, const ClvUnfit *why)
{
	ereport(ERROR,
			(errcode(why->sqlstate),
			 errmsg("%s cannot be fitted to this base: %s",
					clv_model_is_auto(options->model) ? "a model" : options->model, why->problem),
			 errhint("%s", why->hint)));
}

ClvModel *
clv_fit_base(Datum base, const ClvFitOptions *options)
{
	ClvUnfit why;
	ClvModel *model = clv_try_fit(base, options, &why);

	if (model == NULL)
		unfit_error(options, &why);
	return model;
}

/* The BIC of the same model without the season that was estimated with it. */
static double
bic_without_season(const ClvModel *model, Datum base, const ClvFitOptions *asked)
{
	const Model *timing = clv_model_timing(model);
	ClvFitOptions options = *asked;
	BaseParts parts = base_parts(base);
	Fit *fit = palloc(sizeof(Fit));
	Populations populations;
	double bic;

	options.season = NULL;
	populations = populations_of(&parts, timing, &options);
	pfree(parts.entries);
	fit_timing(&server_host, timing, populations.classes, populations.count, populations.n_covariates, options.penalty,
			   fit);
	populations_free(&populations);
	bic = clv_timing_figure_count(model) * log((double) model->timing.customers) - 2 * fit->log_likelihood;
	pfree(fit);
	return bic;
}

/* Marks a season that costs more than it explains, and warns of it. A model that has another fault says that. */
static void
check_season_helps(ClvModel *model, Datum base, const ClvFitOptions *options)
{
	const Season *season = clv_model_season(model);
	double plain;

	if (!model->timing.converged || model->timing.prior_sd > 0)
		return;
	plain = bic_without_season(model, base, options);
	if (!(plain + MUCH_BETTER < clv_model_bic(model)))
		return;
	((Season *) season)->has |= SEASON_IS_WEAK;
	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg("the season by %s explains less than its %d factors cost: the BIC of %s is %.1f with it, and %.1f "
					"without",
					season_by_names[season->by], season_free_factors((SeasonBy) season->by),
					clv_model_timing(model)->name, clv_model_bic(model), plain),
			 season->by == SEASON_BY_WEEK
				 ? errhint("Leave the season out, or estimate fewer factors, by month.")
				 : errhint("Leave the season out, or give one that is known from more customers: season_of_factors.")));
}

ClvModel *
clv_try_fit(Datum base, const ClvFitOptions *asked, ClvUnfit *why)
{
	ClvFitOptions options = *asked;

	clv_check_fit_options(&options);

	BaseParts parts = base_parts(base);
	const BaseTotals *totals = &parts.totals;

	if (!clv_model_is_auto(options.model))
		named_model(options.model, totals, options.season);
	if (DATE_IS_NOBEGIN(options.as_of))
		options.as_of = totals->observed_until;

	*why = (ClvUnfit){
		.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
		.problem = unfittable(totals, options.as_of),
		.hint = options.as_of < totals->last_day ? "Cut the histories off first: customer_base(history, as_of)."
			: periods_observed(totals, options.as_of) > MODEL_MAX_PERIODS
			? "Is there an order with a wrong day, or as_of far beyond the orders?"
			: "Check the base with clv_fit_problem(base) first.",
	};
	if (why->problem != NULL)
		return NULL;
	report_few(totals->customers, totals->repeaters);
	report_span(&parts, options.as_of);
	if (options.season != NULL)
		check_season(options.season, totals, options.as_of);

	ClvModel *model = fit_parts(&parts, &options, why);

	if (model != NULL && estimates_season(&options))
		check_season_helps(model, base, &options);
	return model;
}

ClvModel *
clv_model_of_fit(const Model *timing, const Fit *fit, int n_covariates, const ClvFitOptions *options,
				 const ClvFitted *fitted)
{
	ClvModel *model = model_of_fit(timing, fit, n_covariates, options, PERIOD_DAY);
	const char *problem;

	model->repeat_customers = fitted->repeaters;
	model->timing.customers = fitted->customers;
	model->timing.left_out = fitted->left_out;
	problem = clv_model_problem(model);
	if (problem != NULL)
		unfit_error(options, &(ClvUnfit){ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, problem, "Try another time_unit_days."});
	report_few(fitted->customers, fitted->repeaters);
	report_fit(timing->name, &model->timing, unidentified_names(model, false));
	fit_spend_points(model, fitted->points, fitted->n_points, fitted->no_spend);
	return model;
}

/* The options that change the fit of a base. */
static StringInfoData
option_bytes(const ClvFitOptions *options)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	appendBinaryStringInfo(&bytes, (const char *) &options->as_of, sizeof(options->as_of));
	appendBinaryStringInfo(&bytes, (const char *) &options->unit_days, sizeof(options->unit_days));
	appendBinaryStringInfo(&bytes, (const char *) &options->penalty, sizeof(options->penalty));
	appendBinaryStringInfo(&bytes, options->model, strlen(options->model) + 1);
	if (options->covariate_names != NULL)
		appendBinaryStringInfo(&bytes, (const char *) options->covariate_names, VARSIZE(options->covariate_names));
	if (options->season != NULL)
		appendBinaryStringInfo(&bytes, (const char *) options->season, VARSIZE(options->season));
	return bytes;
}

/* A fit, or the cached one of this call site. */
static ClvModel *
fit_remembered(CallMemo *cache, Datum base, const ClvFitOptions *options)
{
	StringInfoData bytes = option_bytes(options);
	ClvModel *model = (ClvModel *) call_memo_find(cache, &base, bytes.data, bytes.len);

	if (model == NULL)
	{
		model = clv_fit_base(base, options);
		call_memo_keep(cache, (struct varlena *) model);
	}
	pfree(bytes.data);
	return model;
}

/* Argument season: one with factors is given, and what it was estimated from is not the matter. */
static const Season *
season_argument(FunctionCallInfo fcinfo, int argno)
{
	const Season *season;

	if (PG_ARGISNULL(argno))
		return NULL;
	season = PG_GETARG_SEASON(argno);
	return season_has_factors(season) ? season_without_counts(season) : season;
}

/* clv_fit(customer_base [, model, as_of, time_unit_days, penalty, covariate_names, season]) → clv_model */
PG_FUNCTION_INFO_V1(clv_fit);
Datum
clv_fit(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"model", NULL, "time_unit_days", "penalty"};

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	refuse_nulls(fcinfo, 1, names, lengthof(names));

	ClvFitOptions options = {
		.model = text_to_cstring(PG_GETARG_TEXT_PP(1)),
		.as_of = PG_ARGISNULL(2) ? DATEVAL_NOBEGIN : PG_GETARG_DATEADT(2),
		.unit_days = PG_GETARG_FLOAT8(3),
		.penalty = PG_GETARG_FLOAT8(4),
		.covariate_names = PG_ARGISNULL(5) ? NULL : PG_GETARG_ARRAYTYPE_P(5),
		.season = season_argument(fcinfo, 6),
	};

	PG_RETURN_POINTER(fit_remembered(call_memo(fcinfo), PG_GETARG_DATUM(0), &options));
}

/* Final function of the aggregate clv_model: the fit with every default; NULL for a group that has none. */
AGG_FUNCTION_INFO_V1(clv_model_final);
static Datum
clv_model_final_in_group(PG_FUNCTION_ARGS)
{
	ClvFitOptions options = {.model = "auto", .as_of = DATEVAL_NOBEGIN, .unit_days = 7};
	ClvUnfit why;
	ClvModel *model = clv_try_fit(PG_GETARG_DATUM(0), &options, &why);

	if (model != NULL)
		PG_RETURN_POINTER(model);
	if (!group_without_result(fcinfo, "clv_model", why.problem,
							  "clv_fit_problem(customer_base(history)) returns the reason for each group."))
		unfit_error(&options, &why);
	PG_RETURN_NULL();
}

/* clv_fit_problem(customer_base [, as_of]) → text: why the base cannot be fitted, or NULL */
PG_FUNCTION_INFO_V1(clv_fit_problem);
Datum
clv_fit_problem(PG_FUNCTION_ARGS)
{
	BaseTotals totals = {.last_day = DATEVAL_NOBEGIN, .observed_until = DATEVAL_NOBEGIN};

	if (!PG_ARGISNULL(0))
		totals = base_totals(PG_GETARG_DATUM(0));

	const char *problem = unfittable(&totals, PG_ARGISNULL(1) ? totals.observed_until : PG_GETARG_DATEADT(1));

	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}

/* clv_fit_warning(customer_base [, as_of, season]) → text: what a fit would warn of in the days of the base, or NULL */
PG_FUNCTION_INFO_V1(clv_fit_warning);
Datum
clv_fit_warning(PG_FUNCTION_ARGS)
{
	SpanWarning warnings[SPAN_WARNINGS];
	StringInfoData text;
	int count;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();

	BaseParts parts = base_parts(PG_GETARG_DATUM(0));
	DateADT as_of = PG_ARGISNULL(1) ? parts.totals.observed_until : finite_day_argument(fcinfo, 1, "as_of", NULL);

	initStringInfo(&text);
	count = span_warnings(&parts, as_of, warnings);
	for (int i = 0; i < count; i++)
		appendStringInfo(&text, "%s%s%s%s", i > 0 ? "; " : "", warnings[i].message,
						 warnings[i].detail == NULL ? "" : ". ", warnings[i].detail == NULL ? "" : warnings[i].detail);
	if (!PG_ARGISNULL(2) && parts.totals.customers > 0 && season_is_short(PG_GETARG_SEASON(2), &parts.totals, as_of))
		appendStringInfo(&text, "%s" SHORT_SEASON, text.len > 0 ? "; " : "", (int64) as_of - parts.totals.first_day);
	if (text.len == 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(text.data, text.len));
}
