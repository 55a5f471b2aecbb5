/*
 * base_state.h
 *	  A customer base as it grows in an aggregate: the same SQL type, a
 *	  tally with more of its own.
 */
#ifndef BASE_BASE_STATE_H
#define BASE_BASE_STATE_H

#include "base/base.h"

typedef struct BaseState
{
	Tally		tally;
	BaseHead	head;
	bool		shaped;			/* a customer was counted: period and covariates are settled */

	/* Classes of customers with equal covariates, numbered in the order of their coming; NULL: there is none. */
	struct classes_hash *classes;	/* numbers, found by covariates */
	double	   *covariates;		/* of the classes, row by row */
	uint32		class_room;		/* for so many */
} BaseState;

/* A new state without customers. */
extern BaseState *base_state_make(MemoryContext parent);

/*
 * Settles what the state counts in and how many covariates its customers have,
 * or checks that it is this: an error if customers were counted otherwise.
 */
extern void base_state_shape(BaseState *state, Period period, int covariates);

/* The class of customers with these covariates, of which there are as many as the state's shape says. */
extern uint32 base_state_class(BaseState *state, const double *covariates);

/* How many classes there are. */
extern uint32 base_state_classes(const BaseState *state);

/* Counts a gap between two transactions, so many times. */
static inline void
base_state_add_gap(BaseState *state, uint32 gap, int64 times)
{
	tally_add_often(&state->tally, base_group(BASE_GAP, 0, 0), gap, times);
}

/* Counts customers who are left out. */
static inline void
base_state_leave_out(BaseState *state, BaseLeftOut reason, int64 customers)
{
	tally_add_often(&state->tally, base_group(BASE_LEFT_OUT, 0, 0), reason, customers);
}

/* Counts customers with this timing. */
static inline void
base_state_add_timing(BaseState *state, uint32 class, uint32 x, uint32 t_x, DateADT first, int64 customers)
{
	tally_add(&state->tally, base_group(BASE_TIMING, class, x), timing_detail(t_x, first), customers);
}

/* Counts customers with this much spend on x repeat transactions. */
static inline void
base_state_add_spend(BaseState *state, uint32 x, double spend, int64 customers)
{
	tally_add(&state->tally, base_group(BASE_SPEND, 0, x), spend_detail(spend), customers);
}

/* Adds everything in another base. */
extern void base_state_merge(BaseState *state, Datum other);

/* The stored form of a state. */
extern struct varlena *base_state_pack(BaseState *state);

#endif							/* BASE_BASE_STATE_H */
