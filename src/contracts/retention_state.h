/*
 * retention_state.h
 *	  A retention base as it grows in an aggregate: the same SQL type, its
 *	  counts in an array with a place for every tenure.
 */
#ifndef CONTRACTS_RETENTION_STATE_H
#define CONTRACTS_RETENTION_STATE_H

#include "contracts/contracts.h"

/* Where the stored form has its version. */
#define RETENTION_STATE_MARK 0x80

typedef struct RetentionCount
{
	int64		ended;
	int64		alive;
} RetentionCount;

typedef struct RetentionState
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	uint8		mark;			/* RETENTION_STATE_MARK */
	uint8		unused[3];		/* always zero */
	RetentionPeriod period;
	int64		customers;
	uint32		places;			/* for tenures below this there is a count */
	uint32		unused2;		/* always zero */
	RetentionCount counts[FLEXIBLE_ARRAY_MEMBER];
} RetentionState;

StaticAssertDecl(offsetof(RetentionState, counts) == 32, "the counts are aligned");

static inline bool
retention_is_state(struct varlena *value)
{
	return VARSIZE_ANY_EXHDR(value) > 0 && *(uint8 *) VARDATA_ANY(value) == RETENTION_STATE_MARK;
}

/* A new state without customers. */
extern RetentionState *retention_state_make(RetentionPeriod period);

/* The state in this value for an aggregate to go on with. */
extern RetentionState *retention_state_of(struct varlena *value);

/* Adds customers; the state returned takes the place of the one given. */
extern RetentionState *retention_state_add(RetentionState *state, const ContractCell *cell);

/* Adds everything in a base, which must have the same period. */
extern RetentionState *retention_state_merge(RetentionState *state, const RetentionBase *base);

/* An error if the state's period is another one. */
extern void retention_state_check_period(const RetentionState *state, RetentionPeriod period);

/* The base that the state stands for; the state is left as it is. */
extern RetentionBase retention_state_base(const RetentionState *state);

#endif							/* CONTRACTS_RETENTION_STATE_H */
