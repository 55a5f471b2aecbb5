/*
 * fill.h
 *	  Rows of a query into a relation that was just made.
 *
 * Private to this room. SPI must be connected.
 */
#ifndef REPORTS_FILL_H
#define REPORTS_FILL_H

#include "lib/stringinfo.h"

/*
 * Runs a query whose rows become those of a table, or materialized view, that this
 * transaction has made with the same query and WITH NO DATA; gives their number. Nobody else
 * can see the relation yet. If asked, the places of rows whose last column is not null are appended, as the
 * elements of an array of tid.
 */
extern uint64 fill_relation(Oid relation, const char *query, StringInfo places);

#endif /* REPORTS_FILL_H */
