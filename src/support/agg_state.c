/*
 * agg_state.c
 *	  The states of aggregates: expanded objects, and whether one may grow in place.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "support/agg_state.h"

/* The expanded object's size is that of its stored form, which is kept for the following call of flatten_into(). */
static Size
flat_size(ExpandedObjectHeader *header)
{
	GrowingState *state = (GrowingState *) header;

	if (state->packed == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(header->eoh_context);

		state->packed = state->pack(state);
		MemoryContextSwitchTo(caller);
	}
	return VARSIZE(state->packed);
}

static void
flatten_into(ExpandedObjectHeader *header, void *result, Size size)
{
	GrowingState *state = (GrowingState *) header;

	memcpy(result, state->packed, size);
	pfree(state->packed);
	state->packed = NULL;
}

static const ExpandedObjectMethods methods = {flat_size, flatten_into};

/*
 * All states of an aggregate share a context, unlike other expanded objects.
 * For each new group the server adds up the memory of all contexts there are:
 * with one per group, that would grow with their square. It would delete the
 * context of a single state only if that were replaced by another, and none is.
 */
static MemoryContext
context_below(MemoryContext parent)
{
	static const char name[] = "customer_centric states";

	if (parent->firstchild != NULL && parent->firstchild->name == name)
		return parent->firstchild;
	return AllocSetContextCreateInternal(parent, name, ALLOCSET_DEFAULT_SIZES);
}

void *
agg_state_make(Size size, PackState pack, MemoryContext parent)
{
	MemoryContext context = context_below(parent);
	GrowingState *state = MemoryContextAllocZero(context, size);

	EOH_init_header(&state->header, &methods, context);
	state->pack = pack;
	return state;
}

MemoryContext
agg_state_parent(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	return AggCheckCallContext(fcinfo, &context) ? context : CurrentMemoryContext;
}

struct varlena *
agg_state_stored(Datum value)
{
	GrowingState *state = agg_state_to_read(value);

	return state != NULL ? state->pack(state) : PG_DETOAST_DATUM_PACKED(value);
}

Datum
agg_state_result(FunctionCallInfo fcinfo, GrowingState *state)
{
	return AggCheckCallContext(fcinfo, NULL) ? EOHPGetRWDatum(&state->header) : PointerGetDatum(state->pack(state));
}

Datum
agg_state_unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

static const bool answers[] = {false, true};

/* The file of a C function; NULL for others. */
static char *
library_of(Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	char *library = NULL;
	Datum probin;
	bool none;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	probin = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &none);
	if (((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId && !none)
		library = TextDatumGetCString(probin);
	ReleaseSysCache(tuple);
	return library;
}

/* The final functions of this library return values; any other may return the state itself. */
static bool
gives_value(Oid final, Oid state_type, Oid ours)
{
	char *library;
	char *our_library;

	if (!OidIsValid(final))
		return false;
	if (get_func_rettype(final) != state_type)
		return true;
	library = library_of(final);
	our_library = library_of(ours);
	return library != NULL && our_library != NULL && strcmp(library, our_library) == 0;
}

/* Whether an aggregate has another transition function, or a final function that returns a value. */
static bool
finishes(Oid aggregate, Oid function)
{
	HeapTuple tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	Form_pg_aggregate form;
	bool result;

	/* A window function that is not an aggregate. */
	if (!HeapTupleIsValid(tuple))
		return true;
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	result = (form->aggtransfn != function && form->aggcombinefn != function && form->aggmtransfn != function) ||
		(gives_value(form->aggfinalfn, form->aggtranstype, function) && !OidIsValid(form->aggmtransfn));
	ReleaseSysCache(tuple);
	return result;
}

/* Aggregates of one node may share a state: all of them are checked. */
static bool
all_finish(FunctionCallInfo fcinfo)
{
	Oid function = fcinfo->flinfo->fn_oid;
	ListCell *cell;

	switch (AggCheckCallContext(fcinfo, NULL))
	{
		case AGG_CONTEXT_AGGREGATE:
			foreach (cell, ((AggState *) fcinfo->context)->aggs)
			{
				if (!finishes(lfirst_node(Aggref, cell)->aggfnoid, function))
					return false;
			}
			return true;
		case AGG_CONTEXT_WINDOW:
			foreach (cell, ((WindowAggState *) fcinfo->context)->funcs)
			{
				if (!finishes(lfirst_node(WindowFuncExprState, cell)->wfunc->winfnoid, function))
					return false;
			}
			return true;
		default:
			return false;
	}
}

bool
aggregate_finishes(FunctionCallInfo fcinfo)
{
	if (likely(fcinfo->flinfo->fn_extra != NULL))
		return *(const bool *) fcinfo->flinfo->fn_extra;

	bool result = all_finish(fcinfo);

	fcinfo->flinfo->fn_extra = unconstify(bool *, &answers[result]);
	return result;
}

void *
agg_state_doubled(const void *state, Size used)
{
	Size size = (Size) VARSIZE(state) * 2;
	void *copy = palloc0(size);

	memcpy(copy, state, used);
	SET_VARSIZE(copy, size);
	return copy;
}
