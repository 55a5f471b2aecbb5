/*
 * hidden_rows.c
 *	  Whether row security may hide rows of a relation: also of the tables that views read.
 */
#include "compat.h"

#include "access/relation.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "reports/hidden_rows.h"

static bool hidden_from(Oid relation, Oid reader);

/* A view, and who reads what it reads. */
typedef struct ViewReader
{
	Oid view;
	Oid reader;
} ViewReader;

/* Looks at the relations of a view's query. Before PostgreSQL 16 it has the view itself among them. */
static bool
query_hides(Node *node, void *data)
{
	const ViewReader *view = data;

	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		const RangeTblEntry *entry = (const RangeTblEntry *) node;

		return entry->rtekind == RTE_RELATION && entry->relid != view->view && hidden_from(entry->relid, view->reader);
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, query_hides, data, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, query_hides, data);
}

static bool
view_hides(Oid view, Oid reader)
{
	Relation relation = relation_open(view, AccessShareLock);
	ViewReader of_view = {view, RelationHasSecurityInvoker(relation) ? reader : relation->rd_rel->relowner};
	bool hides = query_hides((Node *) get_view_query(relation), &of_view);

	relation_close(relation, AccessShareLock);
	return hides;
}

static bool
hidden_from(Oid relation, Oid reader)
{
	check_stack_depth();
	if (get_rel_relkind(relation) == RELKIND_VIEW)
		return view_hides(relation, reader);
	return check_enable_rls(relation, reader, true) == RLS_ENABLED;
}

bool
rows_may_be_hidden(Oid relation)
{
	return hidden_from(relation, GetUserId());
}

void
notice_hidden_rows(Oid relation)
{
	if (rows_may_be_hidden(relation))
		ereport(NOTICE,
				(errmsg("row security may hide rows of \"%s\" from %s", get_rel_name(relation),
						GetUserNameFromId(GetUserId(), false)),
				 errdetail("What is made here is of the rows that this role may read."),
				 errhint("A role that sees all rows (owner, or BYPASSRLS) makes it of all.")));
}
