/*
 * scores_relations.h
 *	  The relations of one set of scores: their names, and what is kept of them when they are replaced.
 *
 * Private to this room. SPI must be connected.
 */
#ifndef REPORTS_SCORES_RELATIONS_H
#define REPORTS_SCORES_RELATIONS_H

#include "nodes/pg_list.h"

/* All names of one set of scores, with their schema, quoted. */
typedef struct ScoresNames
{
	const char *scores;
	const char *bi;
	const char *model;
	const char *refreshes; /* what refresh_customer_scores has kept of a materialized view's */
	const char *query;
	const char *generations[2];

	/* Of tables on several servers. */
	const char *fit; /* reference table: model, as_of and cuts */
	const char *fit_query;
	const char *histories; /* of orders only */
	const char *input;     /* the query that gives them */
} ScoresNames;

/* The names of what stands beside scores of this name; an error if it is too long for that. */
extern ScoresNames scores_names(text *name);

/* Runs a statement made like printf; gives the number of rows. */
extern uint64 scores_run(const char *format, ...) pg_attribute_printf(1, 2);

/* The relation of this name, quoted and with its schema, or InvalidOid; and its kind, or '\0'. */
extern Oid scores_relation(const char *name);
extern char scores_kind(const char *name);

/*
 * Locks what is under this name against refreshes and replacement, but not against readers, and
 * gives what it then is; InvalidOid: nothing.
 */
extern Oid scores_lock(const ScoresNames *names);

/* The name of a relation, quoted, without its schema. */
extern const char *scores_bare_name(const char *name);

/* Whether scores in a materialized view can be read. */
extern bool scores_are_populated(const ScoresNames *names);

/* Are scores under this name, and not something else of the user's? */
extern bool are_scores(const ScoresNames *names);

/* An error unless all that belongs to the scores belongs to the current role, and not to another one that it may act for. */
extern void scores_refuse_other_owners(const ScoresNames *names);

/* What we make under a name that depends on that of the scores has a comment by which it is known again. */
typedef enum ScoresMark
{
	SCORES_MARK_QUERY,
	SCORES_MARK_GENERATION,
	SCORES_MARK_REFRESHES,
	SCORES_MARK_SHARDS,
} ScoresMark;

extern char *scores_mark(const ScoresNames *names, ScoresMark mark);
extern bool scores_has_mark(const char *name, ScoresMark mark);

/* An error unless a relation of this name, which is there, has this mark: then it is not ours. */
extern void scores_refuse_strangers(const char *name, ScoresMark mark);

/* Whether a relation is one of those that scores of a distributed table have besides (see distributed.h), and whether these are there. */
extern bool scores_of_shards(const char *relation);
extern bool scores_on_shards(const ScoresNames *names);

/* Comments on a relation of this kind, and on these columns (of ScoresColumn). */
extern void scores_comment_on(const char *kind, const char *relation, const char *comment, List *columns);

/* The options of a view as CREATE VIEW takes them, or nothing. */
extern char *scores_view_options(const char *view);

/*
 * The rights on a relation that was just made, which the owner's default privileges may have given to others: those on
 * another, and no more; or of its own those that are given on another, too.
 */
extern void scores_copy_grants(const char *from, const char *to);
extern void scores_narrow_grants(const char *like, const char *relation);

/* Drops these relations. */
extern void scores_drop_shards(const ScoresNames *names);

/* What users have added to scores: grants, comments, indexes, options, snapshots. */
typedef struct ScoresKept ScoresKept;

/*
 * Drops the scores of this name, but not what users have built on them: that is an error. Tables
 * of what refreshes fitted stay (see scores_companion.h).
 */
extern void scores_drop(const ScoresNames *names, const ScoresKept *kept);

/*
 * Drops what is left of scores that have been dropped by hand, but not the relation that is
 * kept, if there is one. Something of another origin that has a name which the new ones need
 * is an error.
 */
extern void scores_drop_leftovers(const ScoresNames *names, bool table, const char *kept);

/* Drops a relation that was to be kept, after a notice of what goes with it. */
extern void scores_lose(const char *name, const char *what);

/* An index, but for its name and its relation. */
typedef struct ScoresIndex
{
	const char *name; /* quoted */
	bool unique;
	const char *rest;    /* USING and what follows */
	const char *comment; /* NULL: none */
} ScoresIndex;

/* The indexes of a relation, of ScoresIndex, the oldest first. */
extern List *scores_indexes(const char *relation);

/* Gives the comment of an index to the one like it of another relation. */
extern void scores_comment_index(const ScoresIndex *index, const char *relation);

extern ScoresKept *scores_keep(const ScoresNames *names);

/*
 * Gives it to the scores that took their place, whose rows are in this relation. What
 * cannot be kept is named in a notice.
 */
extern void scores_restore(const ScoresKept *kept, const ScoresNames *names, const char *rows);

#endif /* REPORTS_SCORES_RELATIONS_H */
