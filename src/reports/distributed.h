/*
 * distributed.h
 *	  Scores of tables that Citus distributes over several servers.
 */
#ifndef REPORTS_DISTRIBUTED_H
#define REPORTS_DISTRIBUTED_H

#include "reports/progress.h"
#include "reports/scores_query.h"
#include "reports/scores_relations.h"

/*
 * Whether scores of this relation are to stay on the shards: it is distributed, by a part
 * of what identifies the customer. A warning if it is distributed but that is not so.
 */
extern bool distributed_scores_possible(Oid relation, const ScoresQuery *query);

/* Makes the query, the fit and the first generation of such scores; gives the number of customers. */
extern int64 distributed_make(const ScoresNames *names, Oid relation, const ScoresQuery *query, Progress *progress);

/*
 * A refresh: the histories of orders, the fit, and another generation beside the current
 * one, whose number of customers the last gives. Each in a transaction of its own, which
 * may then use several connections to a worker.
 */
extern void distributed_write_histories(const ScoresNames *names, Progress *progress);
extern void distributed_write_fit(const ScoresNames *names, Progress *progress);
extern int64 distributed_write(const ScoresNames *names, const char *current, const char *fresh, Progress *progress);

/* The rows of what was fitted, as scores_model_query reads them. */
extern char *distributed_refresh_rows(const ScoresNames *names);

#endif /* REPORTS_DISTRIBUTED_H */
