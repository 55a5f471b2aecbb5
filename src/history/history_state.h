/*
 * history_state.h
 *	  A purchase history as it grows in an aggregate: the same SQL type, with
 *	  room to spare.
 *
 * Groups are many, and what each costs is above all waiting for its memory. So
 * the purchases are kept as the stored form keeps them: a dozen fit into 64
 * bytes, and finishing a history in order is a copy.
 *
 * It leaves an aggregate only on its way to another process, as a partial
 * result. Everything that reads a history takes both forms.
 */
#ifndef HISTORY_HISTORY_STATE_H
#define HISTORY_HISTORY_STATE_H

#include "history/history.h"

/* Where the stored form has its version. */
#define HISTORY_STATE_MARK 0x80

typedef struct HistoryState
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	uint8		mark;			/* HISTORY_STATE_MARK */
	uint8		encoding;		/* HistoryEncoding: the first that holds all amounts so far */
	bool		sorted;			/* each purchase is of a later day than the one before */
	uint8		unused;			/* always zero */
	uint32		count;			/* purchases */
	uint32		used;			/* bytes in use; the rest is zero */
	DateADT		last_day;		/* of the purchase added last */

	/*
	 * What follows the count in the stored form, but in the order in which the
	 * purchases came: a step back in time is the uint32 that arrives there by
	 * overflow, and takes five bytes.
	 */
	uint8		bytes[FLEXIBLE_ARRAY_MEMBER];
} HistoryState;

StaticAssertDecl(offsetof(HistoryState, bytes) == 20, "the head has no hidden padding");

static inline bool
history_is_state(struct varlena *value)
{
	return VARSIZE_ANY_EXHDR(value) > 0 && *(uint8 *) VARDATA_ANY(value) == HISTORY_STATE_MARK;
}

/* Adds a purchase to a state, or to none (NULL). The result is the same state, or another that takes its place. */
extern HistoryState *history_state_add(HistoryState *state, DateADT day, double amount);

/* A new state of the purchases of a value in either form. */
extern HistoryState *history_state_make(struct varlena *value);

/* The stored form of a state, which is left as it is. */
extern struct varlena *history_state_pack(const HistoryState *state);

#endif							/* HISTORY_HISTORY_STATE_H */
