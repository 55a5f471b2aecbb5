/*
 * simulation.c
 *	  simulate_orders: the orders of simulated customers under a model.
 *
 * Customers are drawn one after another and not kept, so that ten million of
 * them need no more memory than one. Customer n has an independent random
 * stream, seeded from the seed and n: their orders are the same in a small and
 * in a large simulation, and on every platform.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "clv_model/model_args.h"
#include "models/core/simulate.h"
#include "support/args.h"

typedef struct Simulation
{
	const ClvModel *model;
	const Model *timing;
	const Season *season; /* NULL: none */
	SeasonClock clock;
	const double *params; /* of the timing model, for customers with these covariates */
	double buf[MODEL_MAX_PARAMS];
	TupleDesc row;
	int64 customers;
	int64 seed;
	DateADT since;
	double window_days;
	double unit_days;
	int64 current;     /* customer being simulated, from 1 */
	double birth_days; /* of the first order, in days after since */
	SimulatedCustomer customer;
} Simulation;

/* Window days [since, until), both finite and in order. */
static void
check_window(DateADT since, DateADT until)
{
	check_finite_day(since, "since", NULL);
	check_finite_day(until, "until", NULL);
	check_days_ordered("since", since, "until", until, "Orders are drawn from since up to, but not including, until.");
	if (!IS_VALID_TIMESTAMP((Timestamp) since * USECS_PER_DAY) ||
		!IS_VALID_TIMESTAMP((Timestamp) until * USECS_PER_DAY))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("the days of a simulation are out of range for a timestamp")));
}

/*
 * The day, counted from since, of an event at a time, in time units, after the
 * first order. In discrete time that is a period; within it the customer's
 * offset in the month (or week, or year) is kept.
 */
static double
day_of_order(const Simulation *simulation, double time)
{
	Period period = (Period) simulation->model->period;

	if (simulation->season != NULL)
	{
		/* a moment of a day is before its end, where the clock puts the day */
		double birth = simulation->since + simulation->birth_days - 1;

		return season_after(&simulation->clock, birth, time * simulation->unit_days) + 1 - simulation->since;
	}
	if (period == PERIOD_DAY)
		return simulation->birth_days + time * simulation->unit_days;

	DateADT birth = simulation->since + (DateADT) simulation->birth_days;
	int32 first = period_number(period, birth);
	int32 number = first + (int32) time;
	double begun = period_first_day(period, first) - simulation->since;
	double length = period_first_day(period, first + 1) - period_first_day(period, first);
	double share = (simulation->birth_days - begun) / length;

	return period_first_day(period, number) - simulation->since +
		share * (period_first_day(period, number + 1) - period_first_day(period, number));
}

/* The observation time of a customer, in time units from their first order on. */
static double
time_watched(const Simulation *simulation)
{
	Period period = (Period) simulation->model->period;

	if (simulation->season != NULL)
		return season_between(&simulation->clock, simulation->since + simulation->birth_days - 1,
							  simulation->since + simulation->window_days - 1) /
			simulation->unit_days;
	if (period == PERIOD_DAY)
		return (simulation->window_days - simulation->birth_days) / simulation->unit_days;
	return period_number(period, simulation->since + (DateADT) simulation->window_days - 1) -
		period_number(period, simulation->since + (DateADT) simulation->birth_days);
}

/* Where customers leave by the calendar, the time of that on the clock, which orders go by. */
static void
leave_on_clock(Simulation *simulation)
{
	double birth = simulation->since + simulation->birth_days - 1;
	SimulatedPath *path = &simulation->customer.path;

	path->dropout = season_between(&simulation->clock, birth, birth + path->dropout * simulation->unit_days) /
		simulation->unit_days;
}

/* The next customer, whose first order is on a day of the window, uniformly distributed. */
static void
begin_customer(Simulation *simulation)
{
	Random random = random_start((uint64) simulation->seed, (uint64) ++simulation->current);

	simulation->birth_days = random_uniform(&random) * simulation->window_days;
	simulate_customer(simulation->timing, simulation->params,
					  simulation->model->spend.n_params > 0 ? clv_model_spend(simulation->model) : NULL,
					  simulation->model->spend.params, time_watched(simulation), random, &simulation->customer);
	if (simulation->season != NULL && simulation->timing->lifetime != NULL)
		leave_on_clock(simulation);
}

/* Covariates of all simulated customers. */
static void
settle_params(FunctionCallInfo fcinfo, Simulation *simulation)
{
	double covariates[FIT_MAX_COVARIATES];

	if (!covariates_argument(fcinfo, 5, simulation->model, covariates))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the model has covariates, but none are given for the customers"),
				 errhint("Pass them: covariates => ARRAY[...], in the order of the fit.")));
	simulation->params = clv_model_params(simulation->model, covariates, simulation->buf);
	if (!clv_params_possible(simulation->model, simulation->params))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("with these covariates a parameter of the model is out of range"),
				 errhint("Parameters must be between 1e-12 and 1e12. Pass covariates like those of the fit.")));
}

static Simulation *
begin_simulation(FunctionCallInfo fcinfo)
{
	Simulation *simulation = palloc0(sizeof(Simulation));
	const ClvModel *model = PG_GETARG_CLV_MODEL(1);

	model = memcpy(palloc(VARSIZE(model)), model, VARSIZE(model));
	simulation->model = model;
	simulation->timing = clv_model_timing(model);
	simulation->season = clv_model_season(model);
	if (simulation->season != NULL)
		simulation->clock = season_clock(simulation->season);
	simulation->customers = big_count_argument(fcinfo, 0, "customers");
	simulation->since = PG_GETARG_DATEADT(2);
	simulation->seed = PG_GETARG_INT64(4);
	simulation->unit_days = model->unit_days;

	check_window(simulation->since, PG_GETARG_DATEADT(3));
	simulation->window_days = (double) PG_GETARG_DATEADT(3) - simulation->since;
	settle_params(fcinfo, simulation);
	if (get_call_result_type(fcinfo, NULL, &simulation->row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	simulation->row = BlessTupleDesc(simulation->row);
	return simulation;
}

/* The next order; false after the last customer. */
static bool
next_order(Simulation *simulation, double *days, double *amount)
{
	double time;

	while (simulation->current == 0 || !simulate_next_order(&simulation->customer, &time, amount))
	{
		if (simulation->current == simulation->customers)
			return false;
		begin_customer(simulation);
	}
	*days = day_of_order(simulation, time);
	return true;
}

/*
 * Whole seconds before the end of the window, and amounts in hundredths, at
 * least one, as in a shop's table. Without a spend model amounts are not
 * known.
 */
static HeapTuple
order_row(Simulation *simulation, double days, double amount)
{
	double seconds = floor(Min(days, simulation->window_days) * SECS_PER_DAY);
	double last = simulation->window_days * SECS_PER_DAY - 1;
	Timestamp ordered_at =
		(Timestamp) simulation->since * USECS_PER_DAY + (Timestamp) Min(seconds, last) * USECS_PER_SEC;
	double hundredths = Min(Max(rint(amount * 100), 1), 1e15);
	Datum values[3] = {
		Int64GetDatum(simulation->current),
		TimestampGetDatum(ordered_at),
		Float8GetDatum(hundredths / 100),
	};
	bool nulls[3] = {false, false, isnan(amount)};

	return heap_form_tuple(simulation->row, values, nulls);
}

/* simulate_orders(customers, model, since, until, seed [, covariates]) → setof (customer_id, ordered_at, amount) */
PG_FUNCTION_INFO_V1(simulate_orders);
Datum
simulate_orders(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;

	if (SRF_IS_FIRSTCALL())
	{
		static const char *const names[] = {"customers", NULL, "since", "until", "seed"};

		refuse_nulls(fcinfo, 0, names, lengthof(names));
		if (PG_ARGISNULL(1))
		{
			ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;

			results->isDone = ExprEndResult;
			PG_RETURN_NULL();
		}
		call = SRF_FIRSTCALL_INIT();

		MemoryContext old = MemoryContextSwitchTo(call->multi_call_memory_ctx);

		call->user_fctx = begin_simulation(fcinfo);
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();

	Simulation *simulation = call->user_fctx;
	double days, amount;

	CHECK_FOR_INTERRUPTS();
	if (!next_order(simulation, &days, &amount))
		SRF_RETURN_DONE(call);
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(order_row(simulation, days, amount)));
}
