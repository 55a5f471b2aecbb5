/*
 * identities_state.h
 *	  The transition state of customer_identities: the same SQL type, with
 *	  spare capacity.
 *
 * It is a log of pairs. When the log is full the pairs become groups, which are
 * written back as pairs of an identifier and the canonical one; unless that frees
 * half of the log, it doubles. So memory is bounded by the different identifiers.
 */
#ifndef IDENTITIES_IDENTITIES_STATE_H
#define IDENTITIES_IDENTITIES_STATE_H

#include "identities/identities.h"
#include "support/agg_state.h"

typedef struct IdentityState
{
	GrowingState growing;
	uint32 pairs;
	Size capacity; /* bytes */
	Size used;

	/* Of each pair both identifiers: a byte with the length, and the text. */
	uint8 *bytes;
} IdentityState;

StaticAssertDecl(IDENTITY_MAX_BYTES <= 255, "a length takes one byte");

/* A new state without pairs, in a memory context below this one. */
extern IdentityState *identity_state_make(MemoryContext parent);

/* Adds a pair. */
extern void identity_state_add(IdentityState *state, IdentityText a, IdentityText b);

/* Adds a stored value. */
extern void identity_state_merge(IdentityState *state, struct varlena *value);

#endif /* IDENTITIES_IDENTITIES_STATE_H */
