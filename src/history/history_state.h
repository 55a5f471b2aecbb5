/*
 * history_state.h
 *	  Appending to the transition state of a purchase history.
 */
#ifndef HISTORY_HISTORY_STATE_H
#define HISTORY_HISTORY_STATE_H

#include "history/history_format.h"

/* Adds a purchase to a state, or to NULL. Returns the same state or its replacement. */
extern HistoryState *history_state_add(HistoryState *state, DateADT day, double amount);

/* A new state of the purchases of a value in either form. */
extern HistoryState *history_state_make(struct varlena *value);

#endif /* HISTORY_HISTORY_STATE_H */
