/*
 * path_fit.c
 *	  Fitting Pareto/NBD to customers with covariates that vary over time.
 *
 * What comes out is a clv_model with covariates: the coefficients mean the same
 * whether covariates vary or not, and those of a customer that do not vary are a
 * path with one step.
 */
#include "compat.h"

#include <math.h>

#include "common/int.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "models/competing_risks/varying_fit.h"
#include "paths/paths.h"
#include "support/args.h"
#include "support/server_host.h"

/* The customers of a base as a fit needs them. */
typedef struct PathPopulation
{
	int columns;
	VaryingCustomer *customers;
	DateADT *firsts; /* of each customer, and the days of the last transactions */
	DateADT *lasts;
	SpendPoint *points;
	size_t count;
	size_t n_points;
	DateADT last_day;
	ClvFitted fitted;
} PathPopulation;

static void *
alloc_many(Size count, Size size)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, Max(1, count) * size);
}

/* The steps of a customer in time units. */
static void
set_steps(VaryingCustomer *customer, const PathSteps *steps, double unit_days)
{
	double *until = palloc_array(double, steps->count);

	for (uint32 i = 0; i < steps->count; i++)
		until[i] = i + 1 < steps->count ? steps->from[i + 1] / unit_days : INFINITY;
	customer->n_steps = steps->count;
	customer->until = until;
	customer->covariates = steps->covariates;
}

static void
add_spend(PathPopulation *population, const PathCustomer *customer)
{
	if (customer->x == 0)
		return;
	population->fitted.repeaters += customer->customers;
	if (customer->spend > 0)
		population->points[population->n_points++] =
			(SpendPoint){customer->x, customer->spend, (double) customer->customers};
	else
		population->fitted.no_spend += customer->customers;
}

static void
add_customer(PathPopulation *population, const PathCustomer *customer, double unit_days)
{
	VaryingCustomer *varying = &population->customers[population->count];
	double *sums = palloc_array(double, population->columns);

	memcpy(sums, customer->sums, population->columns * sizeof(double));
	*varying = (VaryingCustomer){
		.x = customer->x,
		.t_x = customer->t_x / unit_days,
		.customers = (double) customer->customers,
		.sums = sums,
	};
	set_steps(varying, &customer->steps, unit_days);
	population->firsts[population->count] = customer->first;
	population->lasts[population->count++] = customer->first + (DateADT) customer->t_x;
	population->last_day = Max(population->last_day, customer->first + (DateADT) customer->t_x);
	if (pg_add_s64_overflow(population->fitted.customers, customer->customers, &population->fitted.customers))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("a path_base counts too many customers")));
	add_spend(population, customer);
}

static PathPopulation
population_of(Datum base, double unit_days, DateADT *until)
{
	PathPopulation population = {.last_day = DATEVAL_NOBEGIN};
	PathBaseReader reader;

	path_base_open(&reader, base);
	population.columns = reader.head.columns;
	population.customers = alloc_many(reader.left, sizeof(VaryingCustomer));
	population.firsts = alloc_many(reader.left, sizeof(DateADT));
	population.lasts = alloc_many(reader.left, sizeof(DateADT));
	population.points = alloc_many(reader.left, sizeof(SpendPoint));
	while (path_base_next(&reader))
	{
		PathCustomer customer;

		if (path_customer_get(&reader.entry, reader.head.columns, &customer) != NULL)
			ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("a stored path_base is corrupt")));
		add_customer(&population, &customer, unit_days);
	}
	*until = Max(reader.head.until, population.last_day);
	for (int i = 0; i < PATH_LEFT_OUT_REASONS; i++)
		population.fitted.left_out += reader.head.left_out[i];
	population.fitted.points = population.points;
	population.fitted.n_points = population.n_points;
	return population;
}

/* An error if there is no fit to these customers as of a day. */
static void
check_fittable(const PathPopulation *population, DateADT as_of)
{
	const char *problem = NULL;
	const char *hint = "path_base_left_out(base) says how many customers have no orders, or no path.";

	if (population->fitted.customers < FIT_FEWEST_CUSTOMERS)
		problem = psprintf("at least %d customers are needed, and it has " INT64_FORMAT, FIT_FEWEST_CUSTOMERS,
						   population->fitted.customers);
	else if (population->fitted.repeaters == 0)
		problem = "no customer has ordered on a second day";
	else if (as_of < population->last_day)
	{
		problem = "as_of is before its last order";
		hint = "Cut the histories off first: path_base(history, path, as_of).";
	}
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("pareto/nbd cannot be fitted to this base: %s", problem), errhint("%s", hint)));
}

/* path_fit(path_base [, as_of, time_unit_days, penalty, covariate_names]) → clv_model */
PG_FUNCTION_INFO_V1(path_fit);
Datum
path_fit(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"time_unit_days", "penalty"};
	ClvFitOptions options = {.model = paretonbd_model.name, .as_of = DATEVAL_NOBEGIN};
	PathPopulation population;
	Fit *fit;
	DateADT until;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	refuse_nulls(fcinfo, 2, names, lengthof(names));
	options.unit_days = PG_GETARG_FLOAT8(2);
	options.penalty = PG_GETARG_FLOAT8(3);
	options.covariate_names = PG_ARGISNULL(4) ? NULL : PG_GETARG_ARRAYTYPE_P(4);
	clv_check_fit_options(&options);
	population = population_of(PG_GETARG_DATUM(0), options.unit_days, &until);
	options.as_of = PG_ARGISNULL(1) ? until : finite_day_argument(fcinfo, 1, "as_of", NULL);
	check_fittable(&population, options.as_of);
	for (size_t i = 0; i < population.count; i++)
		population.customers[i].T = (options.as_of - population.firsts[i]) / options.unit_days;
	fit = palloc(sizeof(Fit));
	fit_varying(&server_host, population.customers, population.count, population.columns, options.penalty, fit);
	PG_RETURN_POINTER(clv_model_of_fit(&paretonbd_model, fit, population.columns, &options, &population.fitted));
}
