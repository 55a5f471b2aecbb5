/*
 * fill.c
 *	  Rows of a view into a relation that was just made.
 *
 * CREATE TABLE AS stores row by row: each takes a lock of the page and a record of the log.
 * Here rows are stored as COPY (FREEZE) does, a thousand at a time, a page with one record.
 * They are frozen: every transaction that sees the relation sees them, also one whose snapshot is older
 * than the relation, to which it would otherwise seem empty; and neither the first reader nor VACUUM
 * has to write them again.
 *
 * Memory: as many rows as are stored at a time, or 64 kB of them and one more.
 */
#include "compat.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "commands/matview.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "reports/fill.h"
#include "reports/row_form.h"
#include "reports/view_rows.h"
#include "support/sql_text.h"

/* As COPY does. */
#define MOST_ROWS 1000
#define MOST_BYTES 65535
#define FILL_OPTIONS (TABLE_INSERT_SKIP_FSM | TABLE_INSERT_FROZEN)

/* Where the executor sends its rows. */
typedef struct Filler
{
	DestReceiver receiver; /* first */
	Relation relation;
	CommandId command;
	BulkInsertState state;
	MemoryContext context; /* where the slots are: the executor's own goes with the query */
	MemoryContext scratch; /* what storing takes */
	TupleTableSlot *slots[MOST_ROWS];
	int made; /* slots that there are */
	int rows; /* those that wait */
	Size bytes;
	ViewRows *view;
	RowForm *form; /* of rows in a heap; NULL: what stores them forms them */
	Datum *values; /* a row */
	bool *nulls;
	StringInfo places;      /* where rows are stored whose last column is not null; NULL: nobody asks */
	bool marked[MOST_ROWS]; /* the rows that wait and are such */
} Filler;

/* Notes where a row is stored, in the output form of an array of tid. */
static void
note_place(StringInfo places, const ItemPointerData *place)
{
	appendStringInfo(places, "%s\"(%u,%u)\"", places->len > 0 ? "," : "", ItemPointerGetBlockNumber(place),
					 ItemPointerGetOffsetNumber(place));
}

static void
store_rows(Filler *filler)
{
	MemoryContext caller = MemoryContextSwitchTo(filler->scratch);

	table_multi_insert(filler->relation, filler->slots, filler->rows, filler->command, FILL_OPTIONS, filler->state);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(filler->scratch);
	for (int i = 0; i < filler->rows; i++)
	{
		if (filler->marked[i])
			note_place(filler->places, &filler->slots[i]->tts_tid);
		ExecClearTuple(filler->slots[i]);
	}
	filler->rows = 0;
	filler->bytes = 0;
}

static void
start_rows(DestReceiver *receiver, int operation, TupleDesc row)
{
}

/* The next slot that is free. */
static TupleTableSlot *
free_slot(Filler *filler)
{
	if (filler->rows == filler->made)
		filler->slots[filler->made++] = filler->form != NULL
			? MakeSingleTupleTableSlot(RelationGetDescr(filler->relation), &TTSOpsHeapTuple)
			: table_slot_create(filler->relation, NULL);
	return filler->slots[filler->rows];
}

/* A row in a slot of its own; gives its length. */
static Size
keep_row(Filler *filler, TupleTableSlot *slot)
{
	HeapTuple tuple;
	bool release;
	Size length;

	if (filler->form != NULL)
	{
		tuple = row_form(filler->form, filler->values, filler->nulls);
		ExecStoreHeapTuple(tuple, slot, true);
		return tuple->t_len;
	}
	memcpy(slot->tts_values, filler->values, filler->view->n_columns * sizeof(Datum));
	memcpy(slot->tts_isnull, filler->nulls, filler->view->n_columns * sizeof(bool));
	ExecStoreVirtualTuple(slot);
	ExecMaterializeSlot(slot);
	tuple = ExecFetchSlotHeapTuple(slot, false, &release);
	length = tuple->t_len;
	if (release)
		heap_freetuple(tuple);
	return length;
}

static bool
receive_row(TupleTableSlot *row, DestReceiver *receiver)
{
	Filler *filler = (Filler *) receiver;
	MemoryContext caller = MemoryContextSwitchTo(filler->context);

	view_rows_read(filler->view, row, filler->values, filler->nulls);
	filler->bytes += keep_row(filler, free_slot(filler));
	filler->marked[filler->rows++] = filler->places != NULL && !filler->nulls[filler->view->n_columns - 1];
	MemoryContextSwitchTo(caller);
	if (filler->rows == MOST_ROWS || filler->bytes > MOST_BYTES)
		store_rows(filler);
	return true;
}

static void
end_rows(DestReceiver *receiver)
{
}

/* Runs the query of a materialized view in the security context in which the server does. */
static uint64
run_restricted(Relation view, Filler *filler)
{
	Oid user;
	int security;
	int level;
	uint64 rows;

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(user, security | SECURITY_RESTRICTED_OPERATION);
	level = sql_settings();
	RestrictSearchPath();
	filler->view = view_rows_plan(view);
	rows = view_rows_run(filler->view, &filler->receiver);
	AtEOXact_GUC(false, level);
	SetUserIdAndSecContext(user, security);
	return rows;
}

/* Runs the query of a plain view. */
static uint64
run_view(Oid source, Filler *filler)
{
	Relation view = table_open(source, AccessShareLock);
	int level = sql_settings();
	uint64 rows;

	filler->view = view_rows_plan(view);
	rows = view_rows_run(filler->view, &filler->receiver);
	AtEOXact_GUC(true, level);
	table_close(view, NoLock);
	return rows;
}

uint64
fill_relation(Oid relation, Oid source, StringInfo places)
{
	Filler *filler = palloc0(sizeof(Filler));
	uint64 rows;

	filler->places = places;
	filler->receiver = (DestReceiver){.receiveSlot = receive_row,
									  .rStartup = start_rows,
									  .rShutdown = end_rows,
									  .rDestroy = end_rows,
									  .mydest = DestIntoRel};
	filler->relation = table_open(relation, AccessExclusiveLock);
	if (filler->relation->rd_createSubid == InvalidSubTransactionId)
		elog(ERROR, "relation \"%s\" was not made in this transaction", RelationGetRelationName(filler->relation));
	filler->command = GetCurrentCommandId(true);
	filler->state = GetBulkInsertState();
	filler->context = CurrentMemoryContext;
	if (filler->relation->rd_rel->relam == HEAP_TABLE_AM_OID)
		filler->form = row_form_make(RelationGetDescr(filler->relation));
	filler->values = palloc_array(Datum, RelationGetNumberOfAttributes(filler->relation));
	filler->nulls = palloc_array(bool, RelationGetNumberOfAttributes(filler->relation));
	filler->scratch = AllocSetContextCreate(CurrentMemoryContext, "rows of scores", ALLOCSET_DEFAULT_SIZES);

	rows = source == relation ? run_restricted(filler->relation, filler) : run_view(source, filler);

	if (filler->rows > 0)
		store_rows(filler);
	for (int i = 0; i < filler->made; i++)
		ExecDropSingleTupleTableSlot(filler->slots[i]);
	FreeBulkInsertState(filler->state);
	table_finish_bulk_insert(filler->relation, FILL_OPTIONS);
	MemoryContextDelete(filler->scratch);
	if (source == relation)
		SetMatViewPopulatedState(filler->relation, true);
	table_close(filler->relation, NoLock);
	pfree(filler);
	CommandCounterIncrement();
	return rows;
}
