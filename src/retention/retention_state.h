/*
 * retention_state.h
 *	  The transition state of a retention base: the same SQL type, its counts
 *	  in an array with an element for every tenure.
 */
#ifndef RETENTION_RETENTION_STATE_H
#define RETENTION_RETENTION_STATE_H

#include "retention/retention.h"
#include "support/agg_state.h"

typedef struct RetentionCount
{
	int64 ended;
	int64 alive;
} RetentionCount;

typedef struct RetentionState
{
	GrowingState growing;
	PeriodLength period;
	int64 customers;
	uint32 capacity; /* number of elements: tenures below this have a count */
	RetentionCount *counts;
} RetentionState;

/* A new state without customers, in a memory context below this one. */
extern RetentionState *retention_state_make(PeriodLength period, MemoryContext parent);

/* Adds customers. */
extern void retention_state_add(RetentionState *state, const ContractCell *cell);

/* Adds a base, which must have the same period. */
extern void retention_state_merge(RetentionState *state, const RetentionBase *base);

/* Raises an error if the state's period differs. */
extern void retention_state_check_period(const RetentionState *state, PeriodLength period);

#endif /* RETENTION_RETENTION_STATE_H */
