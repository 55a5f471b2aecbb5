/*
 * view_rows.c
 *	  The rows of a view, with the records that functions return whole.
 *
 * Where a view takes a record apart, (s.scores).churn_prob and so on, the executor opens the record once for every column.
 * What stores all of them has them sooner from the record itself: the plan made here gives the record instead of its
 * fields, and view_rows_read() spreads it.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteHandler.h"
#include "tcop/tcopprot.h"
#include "utils/expandedrecord.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "reports/view_rows.h"

/* The query that the view was made of, to be changed. */
static Query *
view_query(Relation view)
{
	const RuleLock *rules = view->rd_rules;

	if (rules == NULL || rules->numLocks != 1 || rules->rules[0]->event != CMD_SELECT)
		elog(ERROR, "\"%s\" is not a view of one query", RelationGetRelationName(view));
	return copyObject(linitial_node(Query, rules->rules[0]->actions));
}

/* The place of a column in a list of columns, where it is added if it is not there. */
static int
place_of(List **columns, Expr *expression)
{
	ListCell *cell;
	TargetEntry *entry;

	foreach (cell, *columns)
		if (equal(lfirst_node(TargetEntry, cell)->expr, expression))
			return foreach_current_index(cell);
	entry = makeTargetEntry(expression, list_length(*columns) + 1, NULL, false);
	*columns = lappend(*columns, entry);
	return entry->resno - 1;
}

/* The columns from here on that are the fields of one record one after the other, as many as there are. */
static int
run_of(const ViewRows *rows, int first)
{
	const ViewColumn *columns = rows->columns;
	int length = 1;

	while (columns[first].field != 0 && first + length < rows->n_columns &&
		   columns[first + length].place == columns[first].place &&
		   columns[first + length].field == columns[first].field + length)
		length++;
	return length;
}

/* Puts records in the place of their fields. */
static void
gather_fields(Query *query, ViewRows *rows)
{
	List *gathered = NIL;
	ListCell *cell;

	if (query->distinctClause != NIL || query->groupClause != NIL || query->sortClause != NIL ||
		query->setOperations != NULL)
		elog(ERROR, "the query of the view is not a plain list of columns");
	rows->n_columns = list_length(query->targetList);
	rows->columns = palloc0_array(ViewColumn, rows->n_columns);
	foreach (cell, query->targetList)
	{
		const TargetEntry *entry = lfirst_node(TargetEntry, cell);
		ViewColumn *column = &rows->columns[foreach_current_index(cell)];
		Expr *expression = entry->expr;

		if (IsA(expression, FieldSelect) && IsA(((FieldSelect *) expression)->arg, Var))
		{
			column->field = ((FieldSelect *) expression)->fieldnum;
			expression = ((FieldSelect *) expression)->arg;
		}
		column->place = place_of(&gathered, expression);
	}
	for (int i = 0; i < rows->n_columns; i++)
		rows->columns[i].run = run_of(rows, i);
	query->targetList = gathered;
	rows->n_records = list_length(gathered);
	rows->records = palloc0_array(ViewRecord, rows->n_records);
	rows->row = AllocSetContextCreate(CurrentMemoryContext, "records of a row", ALLOCSET_SMALL_SIZES);
}

ViewRows *
view_rows_plan(Relation view)
{
	ViewRows *rows = palloc0(sizeof(ViewRows));
	Query *query = view_query(view);

	gather_fields(query, rows);
	AcquireRewriteLocks(query, true, false);
	query = linitial_node(Query, QueryRewrite(query));
	rows->plan = plan_query(query, RelationGetRelationName(view), CURSOR_OPT_PARALLEL_OK);
	return rows;
}

uint64
view_rows_run(const ViewRows *rows, DestReceiver *receiver)
{
	QueryDesc *run;
	uint64 count;

	CommandCounterIncrement();
	PushCopiedSnapshot(GetTransactionSnapshot());
	UpdateActiveSnapshotCommandId();
	run = CreateQueryDesc(rows->plan, "", GetActiveSnapshot(), InvalidSnapshot, receiver, NULL, NULL, 0);
	ExecutorStart(run, 0);
	run_query(run);
	count = run->estate->es_processed;
	ExecutorFinish(run);
	ExecutorEnd(run);
	FreeQueryDesc(run);
	PopActiveSnapshot();
	return count;
}

/* Takes a record apart that came flat; it may have to be copied for that. */
static void
take_apart(ViewRows *rows, ViewRecord *record, Datum value)
{
	MemoryContext caller = MemoryContextSwitchTo(rows->row);
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header), .t_data = header};

	MemoryContextSwitchTo(caller);
	if (record->type == NULL)
	{
		MemoryContextSwitchTo(GetMemoryChunkContext(rows->records));
		record->type = lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
		record->flat_values = palloc_array(Datum, record->type->natts);
		record->flat_nulls = palloc_array(bool, record->type->natts);
		MemoryContextSwitchTo(caller);
	}
	heap_deform_tuple(&tuple, record->type, record->flat_values, record->flat_nulls);
	record->values = record->flat_values;
	record->nulls = record->flat_nulls;
}

/* Opens a record for this row. */
static void
open_record(ViewRows *rows, ViewRecord *record, Datum value)
{
	record->open = true;
	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
	{
		ExpandedRecordHeader *expanded = (ExpandedRecordHeader *) DatumGetEOHP(value);

		deconstruct_expanded_record(expanded);
		record->values = expanded->dvalues;
		record->nulls = expanded->dnulls;
	}
	else
		take_apart(rows, record, value);
}

void
view_rows_read(ViewRows *rows, TupleTableSlot *row, Datum *values, bool *nulls)
{
	slot_getallattrs(row);
	MemoryContextReset(rows->row);
	for (int i = 0; i < rows->n_records; i++)
		rows->records[i].open = false;
	for (int i = 0; i < rows->n_columns; i += rows->columns[i].run)
	{
		const ViewColumn *column = &rows->columns[i];
		ViewRecord *record = &rows->records[column->place];

		if (column->field == 0)
		{
			values[i] = row->tts_values[column->place];
			nulls[i] = row->tts_isnull[column->place];
			continue;
		}
		if (row->tts_isnull[column->place])
		{
			memset(&nulls[i], true, column->run * sizeof(bool));
			continue;
		}
		if (!record->open)
			open_record(rows, record, row->tts_values[column->place]);
		memcpy(&values[i], &record->values[column->field - 1], column->run * sizeof(Datum));
		memcpy(&nulls[i], &record->nulls[column->field - 1], column->run * sizeof(bool));
	}
}
