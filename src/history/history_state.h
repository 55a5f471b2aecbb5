/*
 * history_state.h
 *	  A purchase history as it grows in an aggregate: the same SQL type, its
 *	  purchases in an open array with room to spare.
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
	bool		sorted;			/* the purchases are in order */
	int16		unused;			/* always zero */
	uint32		count;			/* purchases in use; the rest is zero */
	uint32		unused2;		/* always zero */
	Purchase	purchases[FLEXIBLE_ARRAY_MEMBER];
} HistoryState;

StaticAssertDecl(offsetof(HistoryState, purchases) == 16, "the purchases are aligned");
StaticAssertDecl(sizeof(Purchase) == 16, "a purchase has no hidden padding");

static inline bool
history_is_state(struct varlena *value)
{
	return VARSIZE_ANY_EXHDR(value) > 0 && *(uint8 *) VARDATA_ANY(value) == HISTORY_STATE_MARK;
}

#endif							/* HISTORY_HISTORY_STATE_H */
