/*
 * identities_state.c
 *	  The transition state of an aggregate: a log of pairs.
 */
#include "compat.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "identities/identities_state.h"

#define INITIAL_CAPACITY 1024

/* The next identifier of a log. */
static IdentityText
next_identity(const uint8 **at, const uint8 *end)
{
	IdentityText id;

	if (*at >= end || end - *at < 1 + (ptrdiff_t) * *at)
		bytes_end_early();
	id.length = **at;
	id.bytes = (const char *) *at + 1;
	*at += 1 + id.length;
	return id;
}

/* The stored form of the groups that the pairs make. */
static struct varlena *
pack_state(GrowingState *growing)
{
	const IdentityState *state = (const IdentityState *) growing;
	const uint8 *at = state->bytes;
	const uint8 *end = state->bytes + state->used;
	struct varlena *value;
	IdentityPairs pairs;

	identity_pairs_make(&pairs, state->pairs);
	for (uint32 i = 0; i < state->pairs; i++)
	{
		IdentityText a = next_identity(&at, end);
		IdentityText b = next_identity(&at, end);

		identity_pairs_add(&pairs, a, b);
	}
	value = identity_pairs_pack(&pairs);
	pfree(pairs.ids);
	return value;
}

IdentityState *
identity_state_make(MemoryContext parent)
{
	IdentityState *state = agg_state_make(sizeof(IdentityState), pack_state, parent);

	state->capacity = INITIAL_CAPACITY;
	state->bytes = MemoryContextAlloc(agg_state_context(&state->growing), INITIAL_CAPACITY);
	return state;
}

static inline void
put_identity(IdentityState *state, IdentityText id)
{
	state->bytes[state->used++] = (uint8) id.length;
	memcpy(state->bytes + state->used, id.bytes, id.length);
	state->used += id.length;
}

static inline void
put_pair(IdentityState *state, IdentityText a, IdentityText b)
{
	put_identity(state, a);
	put_identity(state, b);
	state->pairs++;
}

/* Writes the groups of the log back as pairs, into one that is at most half full. */
static void
settle_state(IdentityState *state)
{
	struct varlena *value = pack_state(&state->growing);
	IdentitySet set;
	Size needed = 0;

	identities_open(&set, value);
	for (uint32 i = 0; i < set.count; i++)
		needed += 2 + identity_at(&set, i).length + identity_at(&set, identity_canonical_place(&set, i)).length;
	if (needed > state->capacity / 2)
	{
		while (needed > state->capacity / 2)
			state->capacity *= 2;
		if (!AllocSizeIsValid(state->capacity))
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("there are too many pairs of identifiers"),
					 errhint("Make one value for each region, and give each pair once.")));
		pfree(state->bytes);
		state->bytes = MemoryContextAlloc(agg_state_context(&state->growing), state->capacity);
	}
	state->used = 0;
	state->pairs = 0;
	for (uint32 i = 0; i < set.count; i++)
	{
		uint32 canonical = identity_canonical_place(&set, i);

		CHECK_FOR_INTERRUPTS();
		if (canonical != i)
			put_pair(state, identity_at(&set, canonical), identity_at(&set, i));
	}
	pfree(value);
}

void
identity_state_add(IdentityState *state, IdentityText a, IdentityText b)
{
	if (2 + (Size) a.length + b.length > state->capacity - state->used)
		settle_state(state);
	put_pair(state, a, b);
}

void
identity_state_merge(IdentityState *state, struct varlena *value)
{
	IdentitySet set;

	identities_open(&set, value);
	for (uint32 i = 0; i < set.count; i++)
	{
		uint32 canonical = identity_canonical_place(&set, i);

		CHECK_FOR_INTERRUPTS();
		if (canonical != i)
			identity_state_add(state, identity_at(&set, canonical), identity_at(&set, i));
	}
}
