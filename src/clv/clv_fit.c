/*
 * clv_fit.c
 *	  Fitting a model to a customer base.
 *
 * The base is turned into what the likelihoods work on (cells with ages for
 * the timing model, weighted points for the spend model), the engine in models/
 * finds the maxima, and the result becomes a clv_model. What cannot be fitted
 * is refused by name; what the data do not tell is said in a warning and
 * marked in the model.
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "clv/clv.h"
#include "models/fit.h"
#include "models/gammagamma.h"
#include "models/population.h"
#include "value/server_host.h"

/* Fewer customers than this are people to be called, not a population. */
#define FEWEST_CUSTOMERS 5

/* With fewer than these a fit is worth a word of caution. */
#define FEW_CUSTOMERS 100
#define FEW_REPEATERS 50

/* Why a base cannot be fitted as of a day; NULL: it can. */
static const char *
unfittable(const BaseTotals *totals, DateADT as_of)
{
	if (totals->customers < FEWEST_CUSTOMERS)
		return psprintf("at least %d customers are needed, and it has " INT64_FORMAT,
						FEWEST_CUSTOMERS, totals->customers);
	if (totals->repeaters == 0)
		return "no customer has ordered on a second day";
	if (as_of < totals->last_day)
		return "as_of is before its last order";
	if (DATE_IS_NOEND(as_of))
		return "as_of is infinite";
	return NULL;
}

/* Regular customers are known by their gaps, which a base that was written down may lack. */
static bool
gaps_known(const BaseTotals *totals)
{
	return totals->gaps == totals->repeat_orders;
}

/* The customers of a base as likelihoods see them: a population for each class of equal covariates. */
typedef struct Populations
{
	CovariateClass *classes;
	uint32		count;
	int			n_covariates;
} Populations;

static Population *
population_of(const PopulationCell *cells, size_t count, const BaseTotals *totals, bool first, double unit_days)
{
	Population *population = population_build(&server_host, cells, count, unit_days);

	/* Only the sum over all populations matters: the first one has it. */
	if (gaps_known(totals))
		population->log_gaps = first ? totals->log_gaps - totals->gaps * log(unit_days) : 0;
	return population;
}

/*
 * The timing part of the base, with the age that every customer has as of this
 * day. Times are days, or periods, which are their own unit.
 */
static Populations
populations_of(Datum base, const BaseTotals *totals, DateADT as_of, double unit_days)
{
	Period		period = totals->head.period;
	Populations populations = {.n_covariates = totals->head.covariates};
	double	   *covariates = base_covariates(base, &populations.count);
	BaseReader	reader;

	base_open(&reader, base);

	PopulationCell *cells = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, reader.left) * sizeof(PopulationCell));
	size_t		count = 0;
	uint32		class = 0;
	bool		more = base_next(&reader);

	populations.classes = MemoryContextAllocHuge(CurrentMemoryContext,
												 Max(1, populations.count) * sizeof(CovariateClass));
	for (; class < populations.count; class++)
	{
		for (count = 0; more && entry_kind(&reader.entry) == BASE_TIMING && entry_class(&reader.entry) == class;
			 more = base_next(&reader))
		{
			CHECK_FOR_INTERRUPTS();
			cells[count++] = (PopulationCell) {
				.x = entry_x(&reader.entry),
				.t_x_days = (int32) timing_t_x(&reader.entry),
				.T_days = period_number(period, as_of) - period_number(period, timing_first(&reader.entry)),
				.customers = (double) reader.entry.value
			};
		}
		populations.classes[class] = (CovariateClass) {
			.population = population_of(cells, count, totals, class == 0, period == PERIOD_DAY ? unit_days : 1),
			.covariates = covariates + (Size) class * populations.n_covariates
		};
	}
	pfree(cells);
	return populations;
}

static void
populations_free(Populations *populations)
{
	for (uint32 i = 0; i < populations->count; i++)
		population_free((Population *) populations->classes[i].population);
	pfree(populations->classes);
}

static void
add_bin(SpendPoint *points, size_t *count, const BaseEntry *bin, const double *sums)
{
	*count += spend_bin_points(entry_x(bin), base_bin_centre(entry_bin(bin)),
							   sums[0], sums[1], sums[2], sums[3], &points[*count]);
}

/* The spend part of the base; a bin becomes the two points with its moments. */
static SpendPoint *
spend_points_of(Datum base, size_t *count)
{
	BaseReader	reader;
	BaseEntry	bin = {0};
	double		sums[BASE_MOMENTS] = {0};

	base_open(&reader, base);

	SpendPoint *points = MemoryContextAllocHuge(CurrentMemoryContext, (reader.left * 2 + 1) * sizeof(SpendPoint));

	*count = 0;
	while (base_next(&reader))
	{
		const BaseEntry *entry = &reader.entry;

		CHECK_FOR_INTERRUPTS();
		if (entry_kind(entry) == BASE_SPEND)
			points[(*count)++] = (SpendPoint) {entry_x(entry), spend_of(entry), (double) entry->value};
		else if (entry_kind(entry) == BASE_SPEND_BIN)
		{
			if (entry_power(entry) == 0)
			{
				if (bin.value > 0)
					add_bin(points, count, &bin, sums);
				bin = *entry;
				memset(sums, 0, sizeof(sums));
			}
			sums[entry_power(entry)] = entry_power(entry) == 0 ? (double) entry->value
				: (double) entry->value / BASE_MOMENT_SCALE;
		}
	}
	if (bin.value > 0)
		add_bin(points, count, &bin, sums);
	return points;
}

/* Takes over what the engine found, but for the figures. */
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
spend_of_fit(ClvPart *spend, const Fit *fit)
{
	spend->n_params = SPEND_PARAMS;
	part_of_fit(spend, fit);
	for (int i = 0; i < SPEND_PARAMS; i++)
	{
		spend->params[i] = fit->params[i];
		for (int j = 0; j <= i; j++)
			*clv_part_covariance(spend, i, j) = fit->covariance[i * SPEND_PARAMS + j];
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

/* Says what a user must know before trusting the fit. */
static void
report_fit(const char *name, const ClvPart *part, const char *unidentified)
{
	if (!part->converged)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("the fit of %s did not reach the maximum of its likelihood", name),
				 errhint("Check the model with clv_params(model); a longer observation or more customers may help.")));
	if (part->prior_sd > 0)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("the data do not identify all parameters of %s", name),
				 errdetail("Parameters without a standard error: %s. A weak prior (standard deviation %g of the logarithms) was used.",
						   *unidentified == '\0' ? "none" : unidentified, part->prior_sd),
				 errhint("Scores can be used with care; a longer observation or more customers may help.")));
}

/* The names of the figures that the data do not tell, for a message. */
static char *
unidentified_names(const ClvModel *model, bool of_spend)
{
	const ClvPart *part = of_spend ? &model->spend : &model->timing;
	int			count = of_spend ? SPEND_PARAMS : clv_timing_figure_count(model);
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < count; i++)
		if ((part->unidentified & (UINT64CONST(1) << i)) != 0)
			appendStringInfo(&names, "%s%s", names.len == 0 ? "" : ", ",
							 of_spend ? spend_param_names[i] : clv_timing_figure_name(model, i));
	return names.data;
}

char *
clv_model_names(void)
{
	StringInfoData names;
	const Model *model;

	initStringInfo(&names);
	appendStringInfoString(&names, "auto");
	for (int id = 1; (model = model_by_id(id)) != NULL; id++)
		appendStringInfo(&names, ", %s", model->name);
	return names.data;
}

/* Whether a model can be fitted to what the base counts at all. */
static bool
suits(const Model *timing, const BaseTotals *totals)
{
	return timing->discrete == (totals->head.period != PERIOD_DAY) &&
		(totals->head.covariates == 0 || timing->n_effects > 0) &&
		(timing->n_fixed == 0 || gaps_known(totals));
}

/* The model of this name, if it suits the base. */
static const Model *
named_model(const char *name, const BaseTotals *totals)
{
	const Model *timing = model_by_name(name);

	if (timing == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no model \"%s\"", name),
				 errhint("There are %s.", clv_model_names())));
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
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s takes no covariates", name)));
	if (!suits(timing, totals))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot be fitted to this base: the gaps between transactions are not known", name),
				 errhint("Bases made by customer_base(history) know them.")));
	return timing;
}

/* The names of the covariates: those given, or z1, z2, … */
static void
name_covariates(ClvModel *model, ArrayType *names)
{
	Datum	   *elements = NULL;
	int			count = model->n_covariates;

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

/* A fit of one model, as a value whose spend part is still empty. */
static ClvModel *
fit_timing_model(const Model *timing, const Populations *populations, const BaseTotals *totals,
				 const ClvFitOptions *options)
{
	ClvModel   *model = clv_model_make(timing, populations->n_covariates, 0);
	Fit		   *fit = palloc(sizeof(Fit));

	name_covariates(model, options->covariate_names);
	model->as_of = options->as_of;
	model->period = (uint8) totals->head.period;
	model->unit_days = timing->discrete ? period_mean_days(totals->head.period) : options->unit_days;
	model->repeat_customers = totals->repeaters;
	fit_timing(&server_host, timing, populations->classes, populations->count, populations->n_covariates,
			   options->penalty, fit);
	timing_of_fit(model, fit);
	model->timing.customers = totals->customers;
	model->timing.left_out = totals->left_out[LEFT_OUT_NO_ORDERS] + totals->left_out[LEFT_OUT_NO_COVARIATES];
	pfree(fit);
	return model;
}

/* One that reached its maximum is better than one that did not, then the lower criterion is. */
static bool
better(const ClvModel *model, const ClvModel *other)
{
	if (other == NULL || model->timing.converged != other->timing.converged)
		return other == NULL || model->timing.converged;
	return clv_model_bic(model) < clv_model_bic(other);
}

/* The model with the figures of all that were tried. */
static ClvModel *
with_candidates(const ClvModel *model, const ClvCandidate *candidates, int count)
{
	ClvModel   *result = clv_model_make(clv_model_timing(model), model->n_covariates, count);
	int32		size = result->vl_len_;

	memcpy(result, model, offsetof(ClvModel, more));
	result->vl_len_ = size;
	result->n_candidates = count;
	memcpy(clv_model_covariates(result), clv_model_covariates(model), model->n_covariates * sizeof(ClvCovariate));
	memcpy(clv_model_candidates(result), candidates, count * sizeof(ClvCandidate));
	for (int i = model->timing.n_params; i < clv_timing_figure_count(model); i++)
	{
		*clv_timing_figure(result, i) = *clv_timing_figure(model, i);
		for (int j = 0; j <= i; j++)
			*clv_timing_covariance(result, i, j) = *clv_timing_covariance(model, i, j);
	}
	return result;
}

/* All models that suit the base are fitted; the one with the lowest criterion is kept, with the figures of all. */
static ClvModel *
fit_best(const Populations *populations, const BaseTotals *totals, const ClvFitOptions *options)
{
	const Model *candidates[CLV_MAX_CANDIDATES];
	ClvCandidate figures[CLV_MAX_CANDIDATES] = {0};
	ClvModel   *best = NULL;
	const Model *timing;
	int			count = 0;

	for (int id = 1; count < CLV_MAX_CANDIDATES && (timing = model_by_id(id)) != NULL; id++)
		if (suits(timing, totals))
			candidates[count++] = timing;
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("no model that counts by the %s takes covariates", period_names[totals->head.period])));

	for (int i = 0; i < count; i++)
	{
		ClvModel   *model = fit_timing_model(candidates[i], populations, totals, options);

		figures[i].model_id = model->model_id;
		figures[i].n_figures = clv_timing_figure_count(model);
		figures[i].converged = model->timing.converged;
		figures[i].log_likelihood = model->timing.log_likelihood;
		figures[i].bic = clv_model_bic(model);
		if (clv_model_problem(model) == NULL && better(model, best))
			best = model;
	}
	return best == NULL ? NULL : with_candidates(best, figures, count);
}

/* The spend part, if anything was spent on repeat transactions. */
static void
fit_spend_part(ClvModel *model, Datum base, const BaseTotals *totals)
{
	size_t		n_points;
	SpendPoint *points = spend_points_of(base, &n_points);
	Fit		   *fit = palloc(sizeof(Fit));

	if (n_points > 0)
	{
		fit_spend(&server_host, points, n_points, fit);
		spend_of_fit(&model->spend, fit);
		model->spend.left_out = totals->left_out[LEFT_OUT_NO_SPEND] + totals->left_out[LEFT_OUT_NO_AMOUNTS];
		model->spend.customers = totals->repeaters - model->spend.left_out;
		if (clv_model_problem(model) == NULL)
			report_fit("gamma-gamma", &model->spend, unidentified_names(model, true));
		else
		{
			ereport(WARNING,
					(errcode(ERRCODE_WARNING),
					 errmsg("gamma-gamma cannot be fitted to this base: its amounts are out of range"),
					 errhint("The model has no spend part.")));
			memset(&model->spend, 0, sizeof(model->spend));
		}
	}
	pfree(fit);
	pfree(points);
}

/* Everything that is asked for, once it is known to be reasonable. */
static ClvModel *
fit_parts(Datum base, const BaseTotals *totals, const ClvFitOptions *options)
{
	bool		automatic = strcmp(options->model, "auto") == 0;
	const Model *timing = automatic ? NULL : named_model(options->model, totals);
	Populations populations = populations_of(base, totals, options->as_of, options->unit_days);
	ClvModel   *model = automatic ? fit_best(&populations, totals, options)
		: fit_timing_model(timing, &populations, totals, options);

	populations_free(&populations);
	if (model == NULL || clv_model_problem(model) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s cannot be fitted to this base: %s", options->model,
						model == NULL ? "no model has parameters within all reason" : clv_model_problem(model)),
				 errhint("Try another time_unit_days.")));
	report_fit(clv_model_timing(model)->name, &model->timing, unidentified_names(model, false));
	fit_spend_part(model, base, totals);
	return model;
}

/* What is wrong with the options themselves. */
static void
check_options(const ClvFitOptions *options)
{
	if (!(options->unit_days >= CLV_SHORTEST_UNIT && options->unit_days <= CLV_LONGEST_UNIT))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time_unit_days must be from %.5f to %d, but is %g", CLV_SHORTEST_UNIT, CLV_LONGEST_UNIT, options->unit_days),
				 errhint("7 means that rates are per week.")));
	if (!(options->penalty >= 0) || isinf(options->penalty))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("penalty must not be negative, but is %g", options->penalty),
				 errhint("0 is no penalty; 1 holds logarithms and coefficients within about one of their centres.")));
	if (options->covariate_names != NULL &&
		(ARR_NDIM(options->covariate_names) > 1 || array_contains_nulls(options->covariate_names)))
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("covariate_names must be a list of names")));
}

ClvModel *
clv_fit_base(Datum base, const ClvFitOptions *asked)
{
	ClvFitOptions options = *asked;

	check_options(&options);
	base = PointerGetDatum(tally_stored(base));

	BaseTotals	totals = base_totals(base);

	if (strcmp(options.model, "auto") != 0)
		named_model(options.model, &totals);
	if (DATE_IS_NOBEGIN(options.as_of))
		options.as_of = totals.observed_until;

	const char *problem = unfittable(&totals, options.as_of);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot be fitted to this base: %s",
						strcmp(options.model, "auto") == 0 ? "a model" : options.model, problem),
				 options.as_of < totals.last_day
				 ? errhint("Cut the histories off first: customer_base(history, as_of).")
				 : errhint("Ask first with fit_problem(base).")));
	if (totals.customers < FEW_CUSTOMERS || totals.repeaters < FEW_REPEATERS)
		ereport(NOTICE,
				(errmsg("the fit rests on " INT64_FORMAT " customers, " INT64_FORMAT " of them with repeat orders",
						totals.customers, totals.repeaters),
				 errhint("With fewer than %d and %d, look at the standard errors before you trust a score.",
						 FEW_CUSTOMERS, FEW_REPEATERS)));
	return fit_parts(base, &totals, &options);
}

/* clv_fit(customer_base [, model, as_of, time_unit_days, penalty, covariate_names]) → clv_model */
PG_FUNCTION_INFO_V1(clv_fit);
Datum
clv_fit(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"base", "model", "as_of", "time_unit_days", "penalty"};

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	for (int i = 1; i < lengthof(names); i++)
		if (i != 2 && PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be null", names[i])));

	ClvFitOptions options = {
		.model = text_to_cstring(PG_GETARG_TEXT_PP(1)),
		.as_of = PG_ARGISNULL(2) ? DATEVAL_NOBEGIN : PG_GETARG_DATEADT(2),
		.unit_days = PG_GETARG_FLOAT8(3),
		.penalty = PG_GETARG_FLOAT8(4),
		.covariate_names = PG_ARGISNULL(5) ? NULL : PG_GETARG_ARRAYTYPE_P(5)
	};

	PG_RETURN_POINTER(clv_fit_base(PG_GETARG_DATUM(0), &options));
}

/* Final function of the aggregate clv_model: the fit with every default. */
PG_FUNCTION_INFO_V1(clv_model_final);
Datum
clv_model_final(PG_FUNCTION_ARGS)
{
	ClvFitOptions options = {.model = "auto", .as_of = DATEVAL_NOBEGIN, .unit_days = 7};

	PG_RETURN_POINTER(clv_fit_base(PG_GETARG_DATUM(0), &options));
}

/* fit_problem(customer_base [, as_of]) → text: why the base cannot be fitted, or NULL */
PG_FUNCTION_INFO_V1(fit_problem);
Datum
fit_problem(PG_FUNCTION_ARGS)
{
	BaseTotals	totals = {.last_day = DATEVAL_NOBEGIN, .observed_until = DATEVAL_NOBEGIN};

	if (!PG_ARGISNULL(0))
		totals = base_totals(PG_GETARG_DATUM(0));

	const char *problem = unfittable(&totals, PG_ARGISNULL(1) ? totals.observed_until : PG_GETARG_DATEADT(1));

	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}
