/*
 * path_customer.c
 *	  The bytes of a customer of a path_base: made, read, and checked.
 */
#include "compat.h"

#include "paths/paths.h"
#include "population/customer_base.h"
#include "support/bytes.h"

void
path_customer_put(StringInfo out, const PathCustomer *customer)
{
	put_varint_to(out, zigzag_encode(customer->first));
	put_varint_to(out, customer->x);
	put_varint_to(out, customer->t_x);
	if (customer->x > 0)
	{
		put_float8_to(out, customer->spend);
		for (int k = 0; k < customer->steps.columns; k++)
			put_float8_to(out, customer->sums[k]);
	}
	path_steps_put(out, &customer->steps);
}

/* The error in the timing of a customer. */
static const char *
timing_problem(const PathCustomer *customer)
{
	int64 last = (int64) customer->first + customer->t_x;

	if (!IS_VALID_DATE(customer->first) || last >= DATE_END_JULIAN - POSTGRES_EPOCH_JDATE)
		return "a day is out of range";
	if (customer->x > HISTORY_MAX_PURCHASES || customer->x > customer->t_x || (customer->x == 0 && customer->t_x != 0))
		return "there are more repeat transactions than days";
	if (isinf(customer->spend) || (customer->x == 0 && !isnan(customer->spend)))
		return "the spend is out of range";
	return NULL;
}

/* The error in the steps of a customer. */
static const char *
steps_problem(const PathSteps *steps)
{
	if (steps->count == 0 || steps->from[0] != 0)
		return "the steps do not begin with the first transaction";
	for (uint32 i = 0; i < steps->count; i++)
	{
		for (int k = 0; k < steps->columns; k++)
			if (!isfinite(path_step_covariates(steps, i)[k]))
				return "a covariate is not finite";
		if (i > 0 && path_steps_equal(steps, i - 1, i))
			return "a step changes nothing";
	}
	return NULL;
}

const char *
path_customer_problem(const PathCustomer *customer)
{
	const char *problem = timing_problem(customer);

	for (int k = 0; k < customer->steps.columns && problem == NULL; k++)
		if (!isfinite(customer->sums[k]) || (customer->x == 0 && customer->sums[k] != 0))
			problem = "a sum of covariates is out of range";
	return problem == NULL ? steps_problem(&customer->steps) : problem;
}

/* A number without a sign, in this range. */
static bool
get_uint32(StateBytes *in, uint32 *number)
{
	uint64 wide;

	if (!state_varint(in, &wide) || wide > PG_INT32_MAX)
		return false;
	*number = (uint32) wide;
	return true;
}

const char *
path_customer_get(const PathEntry *entry, int columns, PathCustomer *customer)
{
	StateBytes in = {entry->bytes, entry->bytes + entry->length};
	uint64 first;
	const char *problem;

	*customer = (PathCustomer){.spend = NAN, .customers = entry->customers};
	if (!state_varint(&in, &first) || !get_uint32(&in, &customer->x) || !get_uint32(&in, &customer->t_x))
		return "the bytes end early";
	customer->first = (DateADT) zigzag_decode(first);
	if (zigzag_decode(first) != customer->first)
		return "a day is out of range";
	if (customer->x > 0)
	{
		bool whole = state_float8(&in, &customer->spend);

		for (int k = 0; k < columns; k++)
			whole = whole && state_float8(&in, &customer->sums[k]);
		if (!whole)
			return "the bytes end early";
	}
	problem = path_steps_get(&in, columns, &customer->steps);
	if (problem == NULL && in.at != in.end)
		problem = "there are bytes after a customer's end";
	return problem == NULL ? path_customer_problem(customer) : problem;
}
