/*
 * group_notice.c
 *	  Groups of an aggregate without a result: counted, and reported once.
 *
 * Bad data in one group must not fail the others, and a notice for each of
 * thousands of groups would not be read. The executor calls the callbacks of
 * an expression context when it ends a statement, and not when the statement
 * fails. The context is created here: those of plan nodes are rescanned
 * whenever the node is.
 */
#include "compat.h"

#include "executor/executor.h"
#include "nodes/execnodes.h"

#include "support/group_notice.h"

/* The counts of one aggregate of a statement. */
typedef struct GroupNotice
{
	const char *aggregate;
	const char *hint;
	char *first_reason;
	int64 groups;
} GroupNotice;

static void
tell_groups(Datum argument)
{
	const GroupNotice *notice = (const GroupNotice *) DatumGetPointer(argument);

	ereport(NOTICE,
			(errmsg_plural("%s is NULL for " INT64_FORMAT " group", "%s is NULL for " INT64_FORMAT " groups",
						   (unsigned long) notice->groups, notice->aggregate, notice->groups),
			 errdetail("The first reason: %s.", notice->first_reason), errhint("%s", notice->hint)));
}

/* The executor state of the statement of an aggregate or window; NULL if there is none. */
static EState *
statement_of(FunctionCallInfo fcinfo)
{
	switch (AggCheckCallContext(fcinfo, NULL))
	{
		case AGG_CONTEXT_AGGREGATE:
			return ((AggState *) fcinfo->context)->ss.ps.state;
		case AGG_CONTEXT_WINDOW:
			return ((WindowAggState *) fcinfo->context)->ss.ps.state;
		default:
			return NULL;
	}
}

/* A new count in the memory of the statement, reported at its end. */
static GroupNotice *
begin_notice(EState *statement, const char *aggregate, const char *reason, const char *hint)
{
	MemoryContext caller = MemoryContextSwitchTo(statement->es_query_cxt);
	GroupNotice *notice = palloc0(sizeof(GroupNotice));

	notice->aggregate = aggregate;
	notice->hint = hint;
	notice->first_reason = pstrdup(reason);
	RegisterExprContextCallback(CreateExprContext(statement), tell_groups, PointerGetDatum(notice));
	MemoryContextSwitchTo(caller);
	return notice;
}

bool
group_without_result(FunctionCallInfo fcinfo, const char *aggregate, const char *reason, const char *hint)
{
	EState *statement = statement_of(fcinfo);

	if (statement == NULL)
		return false;
	/* The call site lives as long as the statement. */
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = begin_notice(statement, aggregate, reason, hint);
	((GroupNotice *) fcinfo->flinfo->fn_extra)->groups++;
	return true;
}
