/*
 * allocate.h
 *	  A budget among segments, by equal marginal return.
 *
 * Of all ways to spend the budget within the segments' limits, the one with the
 * largest expected value. Response curves are concave, so that it is found by
 * its price: each segment spends until its next unit brings no more than that.
 */
#ifndef MODELS_DECISION_ALLOCATE_H
#define MODELS_DECISION_ALLOCATE_H

#include <stdbool.h>
#include <stdint.h>

#include "models/decision/response.h"
#include "numerics/host.h"

typedef struct BudgetSegment
{
	double heads;
	double value; /* of a response */
	ResponseCurve curve;
	double min; /* spend per head */
	double max; /* INFINITY: none */

	/* Curves of other kinds that may be the true one; used in draws only. */
	int n_others;
	WeightedCurve others[RESPONSE_KINDS - 1];
} BudgetSegment;

/* Whether its curve is known: all draws are the same. */
extern bool budget_segment_is_certain(const BudgetSegment *segment);

typedef struct BudgetShare
{
	double spend_per_head;
	double value;          /* expected, of the whole segment */
	double marginal_value; /* of the next unit of spend; INFINITY: without spend on a power curve */
	double low;            /* where the best spend per head may lie; NAN without draws */
	double high;
} BudgetShare;

typedef struct BudgetOutcome
{
	double unspent;    /* what no segment can spend within its limits with any return */
	double earns_less; /* the part of the budget that returns less than it costs */
	double regret;     /* expected value that knowing the curves would add; NAN without draws */
} BudgetOutcome;

/* How to allow for curves that are not certain. */
typedef struct BudgetDraws
{
	int count; /* 0: take the curves as they are */
	uint64_t seed;
	double level; /* of low and high */
} BudgetDraws;

/*
 * Allocates a budget, which must not be below the sum of all minima. With draws,
 * the value is its mean over curves drawn from their distribution.
 */
extern BudgetOutcome allocate(const BudgetSegment *segments, int count, double budget, const BudgetDraws *draws,
							  BudgetShare *shares, const Host *host);

#endif /* MODELS_DECISION_ALLOCATE_H */
