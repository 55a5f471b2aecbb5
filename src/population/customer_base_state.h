/*
 * customer_base_state.h
 *	  The transition state of a customer base: the same SQL type, a count map
 *	  with further members.
 */
#ifndef POPULATION_CUSTOMER_BASE_STATE_H
#define POPULATION_CUSTOMER_BASE_STATE_H

#include "population/customer_base.h"

/* Gaps below this are counted in an array, as soon as there are many. */
#define GAPS_AT_HAND 512

/* The sums of a bin of spend, which are not in the log yet. */
typedef struct SpendBin
{
	uint64 group;
	uint32 bin;
	int64 sums[BASE_MOMENTS];
} SpendBin;

typedef struct BaseState
{
	CountMap map;
	BaseHead head;
	bool shaped; /* a customer was counted: period and covariates are fixed */

	/* Classes of customers with equal covariates, numbered in the order of arrival; NULL: there is none. */
	struct classes_hash *classes; /* numbers, found by covariates */
	double *covariates;           /* of the classes, row by row */
	uint32 class_room;            /* for so many */

	int64 *gaps;          /* NULL, or GAPS_AT_HAND counts that are not in the log yet */
	SpendBin *spend_bins; /* NULL: spend is exact so far; otherwise bins by the hash of their keys */
} BaseState;

/* A new state without customers. */
extern BaseState *base_state_make(MemoryContext parent);

/*
 * Fixes the state's period and number of covariates, or checks them: an error
 * if customers were counted with others.
 */
extern void base_state_shape(BaseState *state, Period period, int covariates);

/* The class of customers with these covariates, of which there are as many as the state's shape has. */
extern uint32 base_state_class(BaseState *state, const double *covariates);

/* The number of classes. */
extern uint32 base_state_classes(const BaseState *state);

/* Counts a gap between two transactions, `times` times. */
static inline void
base_state_add_gap(BaseState *state, uint32 gap, int64 times)
{
	if (likely(state->gaps != NULL && gap < GAPS_AT_HAND))
		state->gaps[gap] += times;
	else
		count_map_add_hot(&state->map, base_group(BASE_GAP, 0, 0), gap, times);
}

/* Counts customers who are left out. */
static inline void
base_state_leave_out(BaseState *state, BaseLeftOut reason, int64 customers)
{
	count_map_add_hot(&state->map, base_group(BASE_LEFT_OUT, 0, 0), reason, customers);
}

/* Counts customers with this timing. Those with one transaction are many, and differ in the first day alone. */
static inline void
base_state_add_timing(BaseState *state, uint32 class, uint32 x, uint32 t_x, DateADT first, int64 customers)
{
	if (x == 0)
		count_map_add_hot(&state->map, base_group(BASE_TIMING, class, x), timing_detail(t_x, first), customers);
	else
		count_map_add(&state->map, base_group(BASE_TIMING, class, x), timing_detail(t_x, first), customers);
}

/* Counts customers with this much spend on x repeat transactions. */
extern void base_state_add_spend(BaseState *state, uint32 x, double spend, int64 customers);

/* Adds another base. */
extern void base_state_merge(BaseState *state, Datum other);

/* Subtracts another base. The difference may be invalid: see below. */
extern void base_state_subtract(BaseState *state, Datum other);

/* The stored form of the difference; an error if the state did not contain what was subtracted. */
extern struct varlena *base_state_pack_rest(BaseState *state);

/* The stored form of a state. */
extern struct varlena *base_state_pack(BaseState *state);

#endif /* POPULATION_CUSTOMER_BASE_STATE_H */
