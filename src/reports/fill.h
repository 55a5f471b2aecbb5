/*
 * fill.h
 *	  Rows of a view into a relation that was just made.
 *
 * Private to this room.
 */
#ifndef REPORTS_FILL_H
#define REPORTS_FILL_H

#include "lib/stringinfo.h"

/*
 * Fills a table, which this transaction has made with the columns of a view, with the rows of that view; or a materialized
 * view, made WITH NO DATA, with its own: then both are the same. Gives their number. Nobody else can see the
 * relation yet. If asked, the places of rows whose last column is not null are appended, as the elements of an
 * array of tid.
 */
extern uint64 fill_relation(Oid relation, Oid source, StringInfo places);

#endif /* REPORTS_FILL_H */
