/*
 * history_format.h
 *	  The layout of the transition state of a purchase history: the same SQL
 *	  type, with spare capacity.
 *
 * With many groups, cache misses dominate the cost. So it grows in place (see
 * support/agg_state.h), and the purchases are encoded as in the stored form: a
 * dozen fit into 64 bytes, and the final function copies a history that is in
 * order.
 *
 * A state leaves an aggregate only as a partial result, for another process.
 * All readers of a history accept both forms.
 */
#ifndef HISTORY_HISTORY_FORMAT_H
#define HISTORY_HISTORY_FORMAT_H

#include "history/history.h"
#include "support/agg_state.h"

typedef struct HistoryState
{
	int32 vl_len_;    /* varlena header (do not touch directly!) */
	uint8 mark;       /* AGG_STATE_MARK */
	uint8 encoding;   /* HistoryEncoding: the first that holds all amounts so far */
	bool sorted;      /* each purchase is of a later day than the one before */
	uint8 unused;     /* always zero */
	uint32 count;     /* purchases */
	uint32 used;      /* bytes in use; the rest is zero */
	DateADT last_day; /* of the purchase added last */

	/*
	 * What follows the count in the stored form, but in the order of arrival:
	 * a negative difference of days is stored as the uint32 that wraps around
	 * to it, in five bytes.
	 */
	uint8 bytes[FLEXIBLE_ARRAY_MEMBER];
} HistoryState;

StaticAssertDecl(offsetof(HistoryState, bytes) == 20, "the head has no hidden padding");

/* The stored form of a state, which is not modified. */
extern struct varlena *history_state_pack(const HistoryState *state);

#endif /* HISTORY_HISTORY_FORMAT_H */
