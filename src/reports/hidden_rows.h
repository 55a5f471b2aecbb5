/*
 * hidden_rows.h
 *	  Whether row security may hide rows of a relation.
 */
#ifndef REPORTS_HIDDEN_ROWS_H
#define REPORTS_HIDDEN_ROWS_H

#include "compat.h"

/*
 * Whether row security may hide rows of this relation from the caller, or, of a view, rows of a
 * table that it reads, as who it reads that: its owner, or its caller (security_invoker). What
 * functions in a view read, and foreign servers, is not known.
 */
extern bool rows_may_be_hidden(Oid relation);

/* A notice if so: what is made of the relation is of the rows that the caller may read. */
extern void notice_hidden_rows(Oid relation);

#endif /* REPORTS_HIDDEN_ROWS_H */
