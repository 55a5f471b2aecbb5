/*
 * scores_query.h
 *	  The scoring query: what is asked for, what it is called, its text.
 */
#ifndef REPORTS_SCORES_QUERY_H
#define REPORTS_SCORES_QUERY_H

#include "fmgr.h"
#include "nodes/pg_list.h"

/* Where the scores stand. */
typedef enum ScoresDay
{
	SCORES_LAST_DAY, /* the last day observed, in each group */
	SCORES_GIVEN_DAY,
	SCORES_REFRESH_DAY, /* the day on which the query runs */
} ScoresDay;

/* A column of the input that the scores are kept by: a part of the key, or a group. */
typedef struct ScoresKey
{
	const char *input;  /* column of the input, quoted */
	const char *output; /* column of the scores, quoted */
	const char *inner;  /* what it is called within the query, quoted */
	Oid type;
	bool hashed; /* the type can be hashed */
	bool group;
} ScoresKey;

/* Everything that differs from query to query, ready to stand in SQL text. */
typedef struct ScoresQuery
{
	const char *schema;
	const char *relation; /* orders or histories */
	List *keys;           /* of ScoresKey: the parts of the key, then the groups */
	bool grouped;
	const char *history; /* the stored history of a row; NULL: the input are orders */
	bool one_row_each;   /* the stored histories have one row for each customer */
	const char *time;
	const char *purchase_time; /* the same as an argument of purchase_history */
	const char *amount;        /* NULL: there are no amounts */
	const char *amount_type;
	const char *order_id;  /* NULL: each row is an order */
	const char *window;    /* further condition on the input */
	int workers;           /* parts that the histories of orders are built in */
	int part;              /* of these, the one that is written down */
	const char *part_hash; /* what they go by, where there are several */
	ScoresDay day;
	const char *as_of;      /* NULL: the last day observed */
	const char *model;      /* name of the model to be fitted, as a literal, or NULL */
	const char *kept_model; /* the model, as a literal, or NULL */
	const char *season;     /* what its season goes by, as a literal, or NULL */
	const char *kept_cuts;
	int levels; /* of the RFM scores */
	const char *rules;
	const char *days;
	const char *discount;
	const char *margin;
	const bool *chosen; /* which of the columns */
	bool all_chosen;    /* at least those that are there by default */
	bool with_refresh;  /* and one with what was fitted */

	/* Tables that lie on several servers (see reports/distributed.h). */
	bool on_shards;        /* customers must stay where they are: what is fenced would travel */
	const char *fit_table; /* a reference table with model, as_of and cuts; NULL: the query finds them itself */
} ScoresQuery;

/* A column of the scores: its name, and the comment that tools show. */
typedef struct ScoresColumn
{
	const char *name; /* quoted */
	const char *comment;
} ScoresColumn;

/* The arguments orders, customer_id, …, columns of a function, from this one on. */
extern ScoresQuery scores_query_arguments(FunctionCallInfo fcinfo, int first);

/*
 * The text of the query. With the refresh there is one more column, which holds in one
 * row of each group what was fitted, and when.
 */
extern char *scores_query_text(const ScoresQuery *query, bool with_refresh);

/* The histories of all customers, a column for each part of the key and then the history; and what is fitted to them: model, as_of, cuts. */
extern char *scores_histories_text(const ScoresQuery *query);
extern char *scores_fit_text(const ScoresQuery *query);

/* The same query over a table with the histories that the first of these texts gives. */
extern ScoresQuery scores_query_over(const ScoresQuery *query, const char *histories);

/* The columns, of ScoresColumn, without that one. */
extern List *scores_query_columns(const ScoresQuery *query);

/* Comments by which relations are known again, and of what is not in the lists of columns. */
#define SCORES_COMMENT "one row per customer: what happened, RFM, and what to expect"
#define SCORES_LAST_COMMENT "what the last refresh of the scores fitted"
#define SCORES_KEPT_COMMENT \
	"what refreshes of the scores fitted: each one by refresh_customer_scores, and the last by REFRESH"
#define SCORES_EACH_COMMENT "what each refresh of the scores fitted"
#define SCORES_REFRESH_COMMENT "in one row only, or one of each group: what was fitted, and when"
#define SCORES_GROUP_COMMENT "the group, as in the scores"

/* Whether a comment is one of ours, and not one that a user has made. */
extern bool scores_own_comment(const char *text);

/* What the column with the refresh is called, and says of itself. */
#define SCORES_REFRESH "refresh"

/* The index of a materialized view that finds the rows with one, as the server writes it behind the relation. */
#define SCORES_FIT_INDEX " USING btree (((" SCORES_REFRESH " IS NOT NULL))) WHERE (" SCORES_REFRESH " IS NOT NULL)"

/* The query over scores with that column that says what was fitted: a row for each group. */
extern char *scores_model_query(const char *schema, const char *scores, List *groups);

/* Its columns, of ScoresColumn, after the groups. */
extern List *scores_model_columns(void);

/* The conditions that rows must meet to be of a customer, and the customer as one value, for checks. */
extern char *scores_known(const ScoresQuery *query);
extern char *scores_customer(const ScoresQuery *query);

/* The names of the keys, in a list with commas; of groups only, or of all. */
extern char *scores_key_list(const ScoresQuery *query, const char *alias, bool groups_only);

#endif /* REPORTS_SCORES_QUERY_H */
