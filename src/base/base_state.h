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
	int16		unused;			/* always zero */
	DateADT		until;			/* as in BaseReader */
	uint32		slots;			/* a power of two */
	uint32		used;			/* entries in the table */
	uint32		spends;			/* BASE_SPEND entries among them */
	BaseEntry	pending;		/* to be added with the next customer; group 0: none */
	BaseEntry	entries[FLEXIBLE_ARRAY_MEMBER]; /* group 0: empty */
} BaseState;

StaticAssertDecl(offsetof(BaseState, entries) == 48, "the entries are aligned");

static inline bool
base_is_state(struct varlena *value)
{
	return VARSIZE_ANY_EXHDR(value) > 0 && *(uint8 *) VARDATA_ANY(value) == BASE_STATE_MARK;
}

/* A new state without customers. */
extern BaseState *base_state_make(uint32 slots);

/* The state in this value for an aggregate to go on with; NULL makes a new one. */
extern BaseState *base_state_of(struct varlena *value);

/* Whether there is an entry of this key. */
extern bool base_state_has(BaseState *state, uint64 group, uint64 detail);

/* Adds to a key; the state returned takes the place of the one given. */
extern BaseState *base_state_add(BaseState *state, uint64 group, uint64 detail, int64 value);

/*
 * Adds one to a key, but not at once. Most of an addition's time goes into
 * waiting for memory: it is sent for now, and the addition done when the next
 * customer comes.
 */
extern BaseState *base_state_add_soon(BaseState *state, uint64 group, uint64 detail);

/* Adds customers with this much spend on x repeat transactions. */
extern BaseState *base_state_add_spend(BaseState *state, uint32 x, double spend, int64 customers);

/* Adds everything in another base. */
extern BaseState *base_state_merge(BaseState *state, struct varlena *other);

/* The stored form of a state, which is left as it is. */
extern struct varlena *base_state_pack(const BaseState *state);

#endif							/* BASE_BASE_STATE_H */
