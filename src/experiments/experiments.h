/*
 * experiments.h
 *	  Arguments and rows shared by the functions of experiments and budgets.
 */
#ifndef EXPERIMENTS_EXPERIMENTS_H
#define EXPERIMENTS_EXPERIMENTS_H

#include "compat.h"

#include <math.h>

#include "experiments/uplift.h"
#include "support/args.h"
#include "support/result.h"

/* A finite number, or NULL; never -0, which nobody understands. */
static inline void
put_number(Datum *values, bool *nulls, int argno, double number)
{
	values[argno] = Float8GetDatum(number + 0.0);
	nulls[argno] = !isfinite(number);
}

/* The status of numbers that came out beyond a double, or as no number. */
#define OUT_OF_RANGE_STATUS "out_of_range"

/* The name of a status. */
extern const char *experiment_status_name(ExperimentStatus status);

#endif /* EXPERIMENTS_EXPERIMENTS_H */
