/*
 * path_steps.c
 *	  Steps of covariates over time, and their bytes.
 */
#include "compat.h"

#include "miscadmin.h"

#include "paths/paths.h"
#include "support/bytes.h"

void
put_varint_to(StringInfo out, uint64 number)
{
	uint8 bytes[MAX_VARINT_BYTES];
	uint8 *end = put_varint(bytes, number);

	appendBinaryStringInfo(out, (char *) bytes, end - bytes);
}

void
put_float8_to(StringInfo out, double number)
{
	uint8 bytes[sizeof(double)];

	put_float8(bytes, isnan(number) ? NAN : number);
	appendBinaryStringInfo(out, (char *) bytes, sizeof(bytes));
}

bool
state_float8(StateBytes *bytes, double *number)
{
	if (bytes->end - bytes->at < (ptrdiff_t) sizeof(double))
		return false;
	*number = get_float8(&bytes->at, bytes->end);
	/* equal values have equal bytes */
	*number = isnan(*number) ? NAN : *number + 0.0;
	return true;
}

int64
path_steps_find(const PathSteps *steps, int32 when)
{
	int64 low = 0;
	int64 high = steps->count;

	/* the first that begins later is at low in the end */
	while (low < high)
	{
		int64 middle = low + (high - low) / 2;

		if (steps->from[middle] <= when)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

bool
path_steps_equal(const PathSteps *steps, uint32 a, uint32 b)
{
	return memcmp(path_step_covariates(steps, a), path_step_covariates(steps, b), steps->columns * sizeof(double)) == 0;
}

/* The set of covariates of a step that are not those before it. */
static uint64
changed_set(const double *before, const double *covariates, int columns)
{
	uint64 set = 0;

	for (int i = 0; i < columns; i++)
		if (memcmp(&before[i], &covariates[i], sizeof(double)) != 0)
			set |= UINT64CONST(1) << i;
	return set;
}

void
path_steps_put(StringInfo out, const PathSteps *steps)
{
	static const double zeros[FIT_MAX_COVARIATES] = {0};
	const double *before = zeros;

	put_varint_to(out, steps->count);
	for (uint32 i = 0; i < steps->count; i++)
	{
		const double *covariates = path_step_covariates(steps, i);
		uint64 changed = changed_set(before, covariates, steps->columns);

		CHECK_FOR_INTERRUPTS();
		put_varint_to(out,
					  i == 0 ? zigzag_encode(steps->from[0]) : (uint64) ((int64) steps->from[i] - steps->from[i - 1]));
		put_varint_to(out, changed);
		for (int k = 0; k < steps->columns; k++)
			if (changed >> k & 1)
				put_float8_to(out, covariates[k]);
		before = covariates;
	}
}

/* The time of a step. */
static const char *
get_time(StateBytes *in, PathSteps *steps, uint32 place)
{
	uint64 number;
	int64 from;

	if (!state_varint(in, &number))
		return "the bytes end early";
	from = place == 0 ? zigzag_decode(number) : (int64) Min(number, PG_UINT32_MAX) + steps->from[place - 1];
	if (from < PG_INT32_MIN || from > PG_INT32_MAX)
		return "a day is out of range";
	if (place > 0 && number == 0)
		return "two steps begin at the same time";
	steps->from[place] = (int32) from;
	return NULL;
}

/* The covariates of a step, given those before it. */
static const char *
get_covariates(StateBytes *in, const double *before, double *covariates, int columns)
{
	uint64 changed;

	if (!state_varint(in, &changed))
		return "the bytes end early";
	if (changed >> columns != 0)
		return "a covariate does not exist";
	memcpy(covariates, before, columns * sizeof(double));
	for (int k = 0; k < columns; k++)
		if (changed >> k & 1)
		{
			if (!state_float8(in, &covariates[k]))
				return "the bytes end early";
			if (isinf(covariates[k]))
				return "a covariate is infinite";
		}
	return NULL;
}

const char *
path_steps_get(StateBytes *in, int columns, PathSteps *steps)
{
	double before[FIT_MAX_COVARIATES] = {0};
	uint64 count;
	const char *problem = NULL;

	if (!state_varint(in, &count))
		return "the bytes end early";
	/* a step takes two bytes or more */
	if (count > PATH_MAX_STEPS || count > (uint64) (in->end - in->at) / 2)
		return "there are too many steps";
	if (count > 0 && columns == 0)
		return "there are steps without covariates";
	*steps = (PathSteps){
		.columns = columns,
		.count = (uint32) count,
		.from = palloc_array(int32, Max(1, count)),
		.covariates = palloc_array(double, Max(1, count * columns)),
	};
	for (uint32 i = 0; i < count && problem == NULL; i++)
	{
		double *covariates = path_step_covariates(steps, i);

		problem = get_time(in, steps, i);
		if (problem == NULL)
			problem = get_covariates(in, before, covariates, columns);
		if (problem == NULL)
			memcpy(before, covariates, columns * sizeof(double));
	}
	return problem;
}
