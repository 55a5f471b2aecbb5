/*
 * agg_group.c
 *	  Which group of an aggregate an error is in.
 *
 * A function of an aggregate is given values, and not the columns that they are grouped
 * by. Those are in the row that the executor is at. They are read when there is
 * an error, and cost nothing before.
 */
#include "compat.h"

#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/execnodes.h"
#include "nodes/plannodes.h"
#include "utils/lsyscache.h"

#include "support/agg_group.h"

/* Of a longer value so many bytes are shown. */
#define LONGEST_KEY 100

/* The row that the executor is at, and those of its columns that it is grouped by. */
typedef struct GroupedRow
{
	const TupleTableSlot *row;
	const AttrNumber *columns;
	int count; /* 0: not known */
} GroupedRow;

/* The row that is added; for a final function one of its group. Not known where a row is in several groups, or sorted. */
static GroupedRow
row_of_group(AggState *state, FunctionCallInfo fcinfo)
{
	const Agg *plan = (const Agg *) state->ss.ps.plan;
	Aggref *aggregate = AggGetAggref(fcinfo);

	if (plan->groupingSets != NIL || plan->chain != NIL || aggregate == NULL || aggregate->aggorder != NIL ||
		aggregate->aggdistinct != NIL)
		return (GroupedRow){0};
	return (GroupedRow){state->curperagg != NULL ? state->ss.ps.ps_ExprContext->ecxt_outertuple
												 : state->tmpcontext->ecxt_outertuple,
						plan->grpColIdx, plan->numCols};
}

/* The row that the result is for, in whose partition the rows are that are added. */
static GroupedRow
row_of_partition(WindowAggState *state)
{
	const WindowAgg *plan = (const WindowAgg *) state->ss.ps.plan;

	return (GroupedRow){state->ss.ss_ScanTupleSlot, plan->partColIdx, plan->partNumCols};
}

static void
append_key(StringInfo out, const TupleTableSlot *row, AttrNumber column)
{
	Oid output;
	bool varlena;
	bool isnull;
	Datum value = slot_getattr(unconstify(TupleTableSlot *, row), column, &isnull);

	if (isnull)
	{
		appendStringInfoString(out, "null");
		return;
	}
	getTypeOutputInfo(TupleDescAttr(row->tts_tupleDescriptor, column - 1)->atttypid, &output, &varlena);

	char *text = OidOutputFunctionCall(output, value);
	int length = strlen(text);

	if (length > LONGEST_KEY)
		appendStringInfo(out, "%.*s...", pg_mbcliplen(text, length, LONGEST_KEY), text);
	else
		appendStringInfoString(out, text);
}

void
agg_group_context(void *argument)
{
	FunctionCallInfo fcinfo = argument;
	int category = ERRCODE_TO_CATEGORY(geterrcode());
	GroupedRow group = {0};
	StringInfoData names;
	StringInfoData values;
	bool named = true;

	if ((category != ERRCODE_DATA_EXCEPTION && category != ERRCODE_PROGRAM_LIMIT_EXCEEDED) || fcinfo->context == NULL)
		return;
	if (IsA(fcinfo->context, AggState))
		group = row_of_group((AggState *) fcinfo->context, fcinfo);
	else if (IsA(fcinfo->context, WindowAggState))
		group = row_of_partition((WindowAggState *) fcinfo->context);
	if (group.count == 0 || group.row == NULL || TTS_EMPTY(group.row))
		return;
	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < group.count; i++)
	{
		const char *name = NameStr(TupleDescAttr(group.row->tts_tupleDescriptor, group.columns[i] - 1)->attname);

		named = named && name[0] != '\0';
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", name);
		if (i > 0)
			appendStringInfoString(&values, ", ");
		append_key(&values, group.row, group.columns[i]);
	}
	if (named)
		errcontext("group (%s)=(%s)", names.data, values.data);
	else
		errcontext("group (%s)", values.data);
}
