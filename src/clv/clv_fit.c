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

/* The timing part of the base, with the age that every customer has as of this day. */
static Population *
population_of(Datum base, DateADT as_of, double unit_days)
{
	BaseReader	reader;

	base_open(&reader, base);

	PopulationCell *cells = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, reader.left) * sizeof(PopulationCell));
	size_t		count = 0;

	while (base_next(&reader) && entry_kind(&reader.entry) == BASE_TIMING)
	{
		CHECK_FOR_INTERRUPTS();
		cells[count++] = (PopulationCell) {
			.x = entry_x(&reader.entry),
			.t_x_days = (int32) timing_t_x(&reader.entry),
			.T_days = as_of - timing_first(&reader.entry),
			.customers = (double) reader.entry.value
		};
	}

	Population *population = population_build(&server_host, cells, count, unit_days);

	pfree(cells);
	return population;
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

/* Takes over what the engine found. */
static void
part_of_fit(ClvPart *part, const Fit *fit)
{
	part->n_params = fit->n_params;
	part->fitted = true;
	part->converged = fit->converged;
	part->iterations = fit->iterations;
	part->prior_sd = fit->prior_sd;
	part->log_likelihood = fit->log_likelihood;
	for (int i = 0; i < fit->n_params; i++)
	{
		part->params[i] = fit->params[i];
		if (!fit->identified[i])
			part->unidentified |= 1 << i;
		for (int j = 0; j <= i; j++)
			*clv_part_covariance(part, i, j) = fit->covariance[i * fit->n_params + j];
	}
}

/* Says what a user must know before trusting the fit. */
static void
report_fit(const char *name, const ClvPart *part, const char *const *param_names)
{
	if (!part->converged)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("the fit of %s did not reach the maximum of its likelihood", name),
				 errhint("Check the model with clv_params(model); a longer observation or more customers may help.")));
	if (part->prior_sd > 0)
	{
		StringInfoData names;

		initStringInfo(&names);
		for (int i = 0; i < part->n_params; i++)
			if ((part->unidentified & (1 << i)) != 0)
				appendStringInfo(&names, "%s%s", names.len == 0 ? "" : ", ", param_names[i]);
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("the data do not identify all parameters of %s", name),
				 errdetail("Parameters without a standard error: %s. A weak prior (standard deviation %g of the logarithms) was used.",
						   names.len == 0 ? "none" : names.data, part->prior_sd),
				 errhint("Scores can be used with care; a longer observation or more customers may help.")));
	}
}

static ClvModel *
fit_base(Datum base, const Model *timing, const BaseTotals *totals, DateADT as_of, double unit_days)
{
	ClvModel   *model = clv_model_make(timing);
	Population *population = population_of(base, as_of, unit_days);
	size_t		n_points;
	SpendPoint *points = spend_points_of(base, &n_points);
	Fit			fit;

	model->as_of = as_of;
	model->unit_days = unit_days;
	model->repeat_customers = totals->repeaters;

	fit_timing(&server_host, timing, &(CovariateClass) {.population = population}, 1, 0, 0.0, &fit);
	part_of_fit(&model->timing, &fit);
	model->timing.customers = totals->customers;
	model->timing.left_out = totals->left_out[LEFT_OUT_NO_ORDERS];
	population_free(population);
	report_fit(timing->name, &model->timing, timing->param_names);
	if (clv_model_problem(model) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s cannot be fitted to this base: %s", timing->name, clv_model_problem(model)),
				 errhint("Try another time_unit_days.")));

	if (n_points > 0)
	{
		fit_spend(&server_host, points, n_points, &fit);
		part_of_fit(&model->spend, &fit);
		model->spend.left_out = totals->left_out[LEFT_OUT_NO_SPEND] + totals->left_out[LEFT_OUT_NO_AMOUNTS];
		model->spend.customers = totals->repeaters - model->spend.left_out;
		if (clv_model_problem(model) == NULL)
			report_fit("gamma-gamma", &model->spend, spend_param_names);
		else
		{
			ereport(WARNING,
					(errcode(ERRCODE_WARNING),
					 errmsg("gamma-gamma cannot be fitted to this base: its amounts are out of range"),
					 errhint("The model has no spend part.")));
			memset(&model->spend, 0, sizeof(model->spend));
		}
	}
	pfree(points);
	return model;
}

/* The names of all models, for a hint. */
static char *
model_names(void)
{
	StringInfoData names;
	const Model *model;

	initStringInfo(&names);
	for (int id = 1; (model = model_by_id(id)) != NULL; id++)
		appendStringInfo(&names, "%s%s", id == 1 ? "" : ", ", model->name);
	return names.data;
}

/* The fit with everything as asked for, or an error that says why not. */
static ClvModel *
fit_or_refuse(Datum base, const char *model_name, DateADT as_of, double unit_days)
{
	const Model *timing = model_by_name(model_name);

	base = PointerGetDatum(base_stored(base));

	BaseTotals	totals = base_totals(base);

	if (timing == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no model \"%s\"", model_name),
				 errhint("There are %s.", model_names())));
	if (!(unit_days > 0) || !(unit_days <= 36525))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time_unit_days must be positive and at most 36525, but is %g", unit_days),
				 errhint("7 means that rates are per week.")));
	if (DATE_IS_NOBEGIN(as_of))
		as_of = totals.observed_until;

	const char *problem = unfittable(&totals, as_of);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot be fitted to this base: %s", timing->name, problem),
				 as_of < totals.last_day
				 ? errhint("Cut the histories off first: customer_base(history, as_of).")
				 : errhint("Ask first with fit_problem(base).")));
	if (totals.customers < FEW_CUSTOMERS || totals.repeaters < FEW_REPEATERS)
		ereport(NOTICE,
				(errmsg("the fit rests on " INT64_FORMAT " customers, " INT64_FORMAT " of them with repeat orders",
						totals.customers, totals.repeaters),
				 errhint("With fewer than %d and %d, look at the standard errors before you trust a score.",
						 FEW_CUSTOMERS, FEW_REPEATERS)));
	return fit_base(base, timing, &totals, as_of, unit_days);
}

/* clv_fit(customer_base [, model, as_of, time_unit_days]) → clv_model */
PG_FUNCTION_INFO_V1(clv_fit);
Datum
clv_fit(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(1) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", PG_ARGISNULL(1) ? "model" : "time_unit_days")));

	PG_RETURN_POINTER(fit_or_refuse(PG_GETARG_DATUM(0), text_to_cstring(PG_GETARG_TEXT_PP(1)),
									PG_ARGISNULL(2) ? DATEVAL_NOBEGIN : PG_GETARG_DATEADT(2),
									PG_GETARG_FLOAT8(3)));
}

/* Final function of the aggregate clv_model: the fit with every default. */
PG_FUNCTION_INFO_V1(clv_model_final);
Datum
clv_model_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(fit_or_refuse(PG_GETARG_DATUM(0), "bg/nbd", DATEVAL_NOBEGIN, 7));
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
