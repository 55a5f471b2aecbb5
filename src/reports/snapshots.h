/*
 * snapshots.h
 *	  Snapshots that rest on scores, for who replaces these.
 *
 * Private to this room. SPI must be connected.
 */
#ifndef REPORTS_SNAPSHOTS_H
#define REPORTS_SNAPSHOTS_H

#include "nodes/pg_list.h"

/* The tables of changes, by OID, of the current role's snapshots that look at this relation. */
extern List *snapshots_over(Oid scores);

/* The view through which they do, with its schema, quoted. */
extern const char *snapshots_source(Oid changes);

/* Makes that view anew, over these scores; an error if they lack what it shows. */
extern void snapshots_make_source(Oid changes, Oid scores);

/* The column that is their expected value, clv_365d or of another horizon; NULL: there is none. */
extern const char *snapshots_value(Oid scores);

/* Which of the other columns that snapshots can do without there are, as a bitmask by their place in snapshots_others. */
extern int snapshots_has_others(Oid scores);

#define SNAPSHOTS_OTHERS 2
extern const char *const snapshots_others[SNAPSHOTS_OTHERS];

#endif /* REPORTS_SNAPSHOTS_H */
