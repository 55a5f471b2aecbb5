/*
 * action_steps.c
 *	  A customer's actions as steps, each at more cost and for more gain than
 *	  the one before: see models/decision/concave.h.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"

#include "models/decision/concave.h"

/* Beyond this a sum or a product would not be finite. */
#define LARGEST 1e200

typedef struct ActionSteps
{
	const double *costs;
	const double *gains;
	int *chosen;
	double last_ratio;
} ActionSteps;

/* The numbers of a one-dimensional array; an error unless all are finite. */
static double *
numbers_of(FunctionCallInfo fcinfo, int argno, const char *name, int *count)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P_COPY(argno);
	double *numbers;

	if (ARR_NDIM(array) > 1 || array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be a list of numbers", name)));
	numbers = (double *) ARR_DATA_PTR(array);
	*count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	for (int i = 0; i < *count; i++)
		if (!(fabs(numbers[i]) <= LARGEST))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must not be beyond %g, but one is %g", name, LARGEST, numbers[i])));
	return numbers;
}

/* Reads the arguments, and finds the steps. */
static ActionSteps *
action_steps_start(FunctionCallInfo fcinfo, FuncCallContext *call)
{
	ActionSteps *steps = palloc0(sizeof(ActionSteps));
	int n_costs;
	int n_gains;

	steps->costs = numbers_of(fcinfo, 0, "costs", &n_costs);
	steps->gains = numbers_of(fcinfo, 1, "gains", &n_gains);
	if (n_costs != n_gains)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are %d costs, but %d gains", n_costs, n_gains)));
	for (int i = 0; i < n_costs; i++)
		if (steps->costs[i] < 0.0 || (i > 0 && steps->costs[i] < steps->costs[i - 1]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("costs must be in order, and not be negative")));
	steps->chosen = palloc_array(int, Max(1, n_costs));
	steps->last_ratio = INFINITY;
	call->max_calls = (uint64) concave_choices(steps->costs, steps->gains, n_costs, steps->chosen);
	return steps;
}

/* action_steps(costs, gains) → setof (choice, cost, gain, gain_per_cost) */
PG_FUNCTION_INFO_V1(action_steps);
Datum
action_steps(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	ActionSteps *steps;

	if (SRF_IS_FIRSTCALL())
	{
		call = SRF_FIRSTCALL_INIT();

		MemoryContext caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);

		if (get_call_result_type(fcinfo, NULL, &call->tuple_desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		call->tuple_desc = BlessTupleDesc(call->tuple_desc);
		call->user_fctx = action_steps_start(fcinfo, call);
		MemoryContextSwitchTo(caller);
	}
	call = SRF_PERCALL_SETUP();
	if (call->call_cntr >= call->max_calls)
		SRF_RETURN_DONE(call);
	steps = call->user_fctx;

	int choice = steps->chosen[call->call_cntr];
	int before = call->call_cntr == 0 ? -1 : steps->chosen[call->call_cntr - 1];
	double cost = steps->costs[choice] - (before < 0 ? 0.0 : steps->costs[before]);
	double gain = steps->gains[choice] - (before < 0 ? 0.0 : steps->gains[before]);
	Datum values[4] = {Int32GetDatum(choice + 1), Float8GetDatum(cost), Float8GetDatum(gain)};
	bool nulls[4] = {false};

	/* rounding must not put a step before the one that it builds on */
	steps->last_ratio = Min(steps->last_ratio, cost > 0.0 ? gain / cost : INFINITY);
	values[3] = Float8GetDatum(steps->last_ratio);
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc, values, nulls)));
}
