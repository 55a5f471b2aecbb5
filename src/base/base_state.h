/*
 * base_state.h
 *	  A customer base as it grows in an aggregate: the same SQL type, a
 *	  tally with a head of its own.
 */
#ifndef BASE_BASE_STATE_H
#define BASE_BASE_STATE_H

#include "base/base.h"

/* A customer has many gaps, most of them short: these have places of their own, close together. */
#define BASE_SHORT_GAPS 256

typedef struct BaseState
{
	Tally		tally;
	BaseHead	head;
	uint32		spends;			/* BASE_SPEND entries among them */
	uint32		classes;		/* of customers with equal covariates, in the order of their coming */
	bool		binned;			/* spend is in bins */
	bool		shaped;			/* a customer was counted: period and covariates are settled */
	uint8		unused[2];		/* always zero */
	int64		short_gaps[BASE_SHORT_GAPS];	/* how often; longer ones are in the table */
	BaseEntry	entries[FLEXIBLE_ARRAY_MEMBER];
} BaseState;

StaticAssertDecl(offsetof(BaseState, short_gaps) == 64, "the counts are aligned");

extern const TallyType base_tally;

/* A new state without customers. */
extern BaseState *base_state_make(uint32 slots);

/* The state in this value for an aggregate to go on with; NULL makes a new one. */
extern BaseState *base_state_of(struct varlena *value);

/*
 * Settles what the state counts in and how many covariates its customers have,
 * or checks that it is this: an error if customers were counted otherwise.
 */
extern void base_state_shape(BaseState *state, Period period, int covariates);

/* The value of a key; 0 if it is not there. */
extern int64 base_state_value(BaseState *state, uint64 group, uint64 detail);

/* The class of customers with these covariates, of which there are as many as the state's shape says. */
extern BaseState *base_state_class(BaseState *state, const double *covariates, uint32 *class);

/* The covariates of all classes, row by row, in the order of their coming. */
extern double *base_state_covariates(BaseState *state);

/* Numbers the classes of these entries of a state in the order of their covariates. */
extern void base_renumber_classes(BaseState *state, BaseEntry *entries, uint32 count);

/* Adds to a key; the state returned takes the place of the one given. */
extern BaseState *base_state_add(BaseState *state, uint64 group, uint64 detail, int64 value);

/* Adds to a key, but not at once: the addition is done when the next customer comes. */
extern BaseState *base_state_add_soon(BaseState *state, uint64 group, uint64 detail, int64 value);

/* Counts a gap between two transactions, so many times. */
extern BaseState *base_state_add_gap(BaseState *state, uint32 gap, int64 times);

/* Adds customers with this much spend on x repeat transactions. */
extern BaseState *base_state_add_spend(BaseState *state, uint32 x, double spend, int64 customers);

/* Adds everything in another base. */
extern BaseState *base_state_merge(BaseState *state, struct varlena *other);

/* The stored form of a state, which is left as it is. */
extern struct varlena *base_state_pack(BaseState *state);

#endif							/* BASE_BASE_STATE_H */
