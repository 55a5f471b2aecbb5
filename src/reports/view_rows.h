/*
 * view_rows.h
 *	  The rows of a view, with the records that functions return whole.
 *
 * Private to this room.
 */
#ifndef REPORTS_VIEW_ROWS_H
#define REPORTS_VIEW_ROWS_H

#include "compat.h"

#include "executor/tuptable.h"
#include "nodes/plannodes.h"
#include "tcop/dest.h"
#include "utils/rel.h"

/* Where a column of the view is found in a row of its plan. */
typedef struct ViewColumn
{
	int place; /* the column of the plan, from 0 */
	int field; /* of the record that stands there, from 1; 0: the column itself */
	int run;   /* so many columns from here on are fields one after the other */
} ViewColumn;

/* A record, opened once for a row: one that a function has made is open already, one from another process comes flat. */
typedef struct ViewRecord
{
	const Datum *values;
	const bool *nulls;
	bool open; /* in this row */

	/* What takes apart those that come flat. */
	TupleDesc type; /* NULL: none has come yet */
	Datum *flat_values;
	bool *flat_nulls;
} ViewRecord;

typedef struct ViewRows
{
	PlannedStmt *plan;
	ViewColumn *columns; /* as many as the view has */
	int n_columns;
	ViewRecord *records; /* by column of the plan */
	int n_records;
	MemoryContext row; /* of records that came flat */
} ViewRows;

/* Plans the query of a view, or of a materialized view, which the caller holds locked. */
extern ViewRows *view_rows_plan(Relation view);

/* Runs the plan; its rows, and not those of the view, go to the receiver. Gives their number. */
extern uint64 view_rows_run(const ViewRows *rows, DestReceiver *receiver);

/* A row of the view from one of the plan. The values live until the plan's row goes, or the next one is read. */
extern void view_rows_read(ViewRows *rows, TupleTableSlot *row, Datum *values, bool *nulls);

#endif /* REPORTS_VIEW_ROWS_H */
