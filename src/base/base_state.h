/*
 * base_state.h
 *	  A customer base as it grows in an aggregate: the same SQL type, its map
 *	  an open hash table (linear probing, at most three quarters full).
 */
#ifndef BASE_BASE_STATE_H
#define BASE_BASE_STATE_H

#include "base/base.h"

/* Where the stored form has its version. */
#define BASE_STATE_MARK 0x80

typedef struct BaseState
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	uint8		mark;			/* BASE_STATE_MARK */
	bool		binned;			/* spend is in bins */
	bool		shaped;			/* a customer was counted: period and covariates are settled */
	uint8		unused;			/* always zero */
	BaseHead	head;
	uint32		slots;			/* a power of two */
	uint32		used;			/* entries in the table */
	uint32		spends;			/* BASE_SPEND entries among them */
	uint32		classes;		/* of customers with equal covariates, in the order of their coming */
	uint32		unused2;		/* always zero */
	BaseEntry	pending;		/* to be added with the next customer; group 0: none */
	BaseEntry	entries[FLEXIBLE_ARRAY_MEMBER]; /* group 0: empty */
} BaseState;

StaticAssertDecl(offsetof(BaseState, entries) == 64, "the entries are aligned");

static inline bool
base_is_state(struct varlena *value)
{
	return VARSIZE_ANY_EXHDR(value) > 0 && *(uint8 *) VARDATA_ANY(value) == BASE_STATE_MARK;
}

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

/*
 * Adds to a key, but not at once. Most of an addition's time goes into
 * waiting for memory: it is sent for now, and the addition done when the next
 * customer comes.
 */
extern BaseState *base_state_add_soon(BaseState *state, uint64 group, uint64 detail, int64 value);

/* Adds customers with this much spend on x repeat transactions. */
extern BaseState *base_state_add_spend(BaseState *state, uint32 x, double spend, int64 customers);

/* Adds everything in another base. */
extern BaseState *base_state_merge(BaseState *state, struct varlena *other);

/* The stored form of a state, which is left as it is. */
extern struct varlena *base_state_pack(BaseState *state);

#endif							/* BASE_BASE_STATE_H */
