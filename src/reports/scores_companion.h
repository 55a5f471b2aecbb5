/*
 * scores_companion.h
 *	  NAME_model: what each refresh of scores fitted.
 *
 * Of scores in tables it is a table. Of a materialized view it is a view of what the last
 * refresh fitted, and of the table NAME_refreshes once refresh_customer_scores has kept some.
 *
 * Private to this room. SPI must be connected.
 */
#ifndef REPORTS_SCORES_COMPANION_H
#define REPORTS_SCORES_COMPANION_H

#include "reports/scores_query.h"
#include "reports/scores_relations.h"

/* Makes the view of what the last refresh fitted, and of those before it that are kept. */
extern void companion_make_view(const ScoresNames *names, const ScoresQuery *query);

/* Makes the table, or goes on with the one that is kept, from rows that say what was fitted. */
extern void companion_make_table(const ScoresNames *names, const ScoresQuery *query, const char *rows);

/* Adds what a refresh fitted: from such rows to the table, or from the materialized view to what is kept of it. */
extern void companion_add(const char *schema, const ScoresNames *names, const char *rows);
extern void companion_keep(const char *schema, const ScoresNames *names, bool refreshed);

/*
 * The column of the table, or the view, that says this of a fit, quoted: of its name, or in its place, where users
 * have renamed it. They may add columns, too.
 */
extern const char *companion_column(const char *companion, const char *name);

/*
 * Before scores are dropped: keeps what their last refresh fitted. After that: gives the table of
 * what refreshes fitted the name that it has with the new storage; NULL: there is no such table.
 */
extern void companion_save(const char *schema, const ScoresNames *names);
extern const char *companion_place(const ScoresNames *names, bool table);

#endif /* REPORTS_SCORES_COMPANION_H */
