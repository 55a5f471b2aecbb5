/*
 * citus.h
 *	  Tables that Citus distributes over several servers.
 *
 * Nothing here depends on Citus: where its catalog is missing no table is distributed.
 * The catalog, and the functions that distribute a table, are asked for in SQL.
 */
#ifndef REPORTS_CITUS_H
#define REPORTS_CITUS_H

/* The column that a table is distributed by, or NULL if it is not distributed by a hash. */
extern const char *citus_column(Oid relation);

/* Whether two tables are distributed together, each by this column (quoted): rows of equal values lie on one server. */
extern bool citus_together(Oid a, const char *column_a, Oid b, const char *column_b);

/*
 * Sets what Citus needs, until AtEOXact_GUC ends the level that this gives, or the
 * transaction ends. With one connection to each worker, all may be done in one transaction.
 */
extern int citus_settings(bool one_connection);

#endif /* REPORTS_CITUS_H */
