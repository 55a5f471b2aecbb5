/*
 * agg_state.h
 *	  The states of aggregates whose transition type is the value type itself.
 *
 * A state grows as an expanded object: the server leaves it where it is, and
 * flattens it to the stored form when it goes to another process or is stored.
 * So readers of a value always get the stored form, and a state can never be
 * stored. A type begins its state with a GrowingState and provides the function
 * that makes the stored form.
 *
 * Where groups are very many and small (a purchase_history for each customer), the
 * header of an expanded object and the memory behind it would cost more than the
 * state. Such a state is grown in place: a varlena with a mark where the stored form
 * has its version. Readers must accept both forms, and it may remain a state only
 * inside an aggregate whose final function returns a value.
 */
#ifndef SUPPORT_AGG_STATE_H
#define SUPPORT_AGG_STATE_H

#include "compat.h"

#include "utils/expandeddatum.h"

typedef struct GrowingState GrowingState;

/* Makes the stored form of a state, whose value must not change. */
typedef struct varlena *(*PackState)(GrowingState *state);

/* The head of a state. */
struct GrowingState
{
	ExpandedObjectHeader header;
	PackState pack;
	struct varlena *packed; /* set between the calls for the size of the stored form and for its bytes */
};

/* A new state of the given size, zero behind its head, in a memory context below this one. */
extern void *agg_state_make(Size size, PackState pack, MemoryContext parent);

/* The memory context of a state, and of everything it points to. */
static inline MemoryContext
agg_state_context(const GrowingState *state)
{
	return state->header.eoh_context;
}

/* The parent of the memory context of a state of this call: the aggregate's, or elsewhere the call's. */
extern MemoryContext agg_state_parent(FunctionCallInfo fcinfo);

/* The value as a state that an aggregate may continue; NULL if it is a stored form. */
static inline void *
agg_state_to_write(Datum value)
{
	if (!VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(value)))
		return NULL;

	GrowingState *state = (GrowingState *) DatumGetEOHP(value);

	/* If the size was requested without flattening. */
	if (unlikely(state->packed != NULL))
	{
		pfree(state->packed);
		state->packed = NULL;
	}
	return state;
}

/* The same, read-only. */
static inline void *
agg_state_to_read(Datum value)
{
	return VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)) ? DatumGetEOHP(value) : NULL;
}

/*
 * The stored form of a value that may be toasted or a growing state; use it
 * for values that are read more than once.
 */
extern struct varlena *agg_state_stored(Datum value);

/* The result of a call that added to a state: the state inside an aggregate, its stored form elsewhere. */
extern Datum agg_state_result(FunctionCallInfo fcinfo, GrowingState *state);

/* The result of a call that added nothing: the first argument unchanged. */
extern Datum agg_state_unchanged(FunctionCallInfo fcinfo);

/* The value of a state that grows in place, in place of the stored form's version. */
#define AGG_STATE_MARK 0x80

static inline bool
agg_state_in_place(const struct varlena *value)
{
	return VARSIZE_ANY_EXHDR(value) > 0 && *(const uint8 *) VARDATA_ANY(value) == AGG_STATE_MARK;
}

/* A copy of such a state with twice the capacity, of which so many bytes are used. */
extern void *agg_state_doubled(const void *state, Size used);

/*
 * True inside an aggregate or window whose aggregates over the called function
 * all have a final function that returns a value. Only then may a state grow in
 * place: a user-defined aggregate may lack a final function, or have one that
 * returns the state itself. The result is cached in fn_extra.
 */
extern bool aggregate_finishes(FunctionCallInfo fcinfo);

#endif /* SUPPORT_AGG_STATE_H */
