/*
 * transitions_agg.c
 *	  The aggregates segment_transitions and rollup.
 */
#include "compat.h"

#include "monitor/transitions.h"
#include "support/agg_group.h"
#include "support/agg_state.h"

/* The state in the first argument, one that may be written in place; for NULL a new one. */
static TransitionsState *
state_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		return transitions_state_make();

	struct varlena *value = PG_GETARG_VARLENA_P(0);
	Transitions moves;

	if (transitions_is_state(value) && aggregate_finishes(fcinfo))
		return (TransitionsState *) value;

	/* Elsewhere the argument is a value of the caller: work on a copy. */
	transitions_read(&moves, PointerGetDatum(value));
	return transitions_state_merge(transitions_state_make(), &moves);
}

/* A state inside an aggregate with our final function; elsewhere the value it stands for. */
static Datum
state_result(FunctionCallInfo fcinfo, TransitionsState *state)
{
	return aggregate_finishes(fcinfo) ? PointerGetDatum(state) : PointerGetDatum(transitions_pack(state));
}

/* The state as it came, for a row that says nothing. */
static Datum
state_unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* A segment; without text where it is NULL or called what outside is called on this side. */
static SegmentName
name_argument(FunctionCallInfo fcinfo, int argno, const char *outside)
{
	SegmentName name = {0};

	if (PG_ARGISNULL(argno))
		return name;

	text *value = PG_GETARG_TEXT_PP(argno);

	name = (SegmentName){VARDATA_ANY(value), (int) VARSIZE_ANY_EXHDR(value)};
	if (name.bytes == (int) strlen(outside) && memcmp(name.text, outside, name.bytes) == 0)
		return (SegmentName){0};
	return name;
}

/* segment_transitions(from_segment, to_segment [, customers]): transition */
AGG_FUNCTION_INFO_V1(segment_transitions_add);
static Datum
segment_transitions_add_in_group(PG_FUNCTION_ARGS)
{
	bool counted = PG_NARGS() > 3;
	SegmentName from = name_argument(fcinfo, 1, TRANSITIONS_NEW);
	SegmentName to = name_argument(fcinfo, 2, TRANSITIONS_GONE);
	int64 customers = !counted ? 1 : PG_ARGISNULL(3) ? 0 : PG_GETARG_INT64(3);

	if ((from.text == NULL && to.text == NULL) || customers == 0)
		return state_unchanged(fcinfo);

	const char *problem = transitions_move_problem(from, to, customers);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", problem),
				 errhint("NULL stands for customers who were not there before, or are not there any more.")));
	return state_result(fcinfo, transitions_state_add(state_argument(fcinfo), from, to, customers));
}

/* Adds the second value to the first: combine, transition of rollup, and the operator ||. */
AGG_FUNCTION_INFO_V1(segment_transitions_merge);
static Datum
segment_transitions_merge_in_group(PG_FUNCTION_ARGS)
{
	Transitions moves;

	if (PG_ARGISNULL(1))
		return state_unchanged(fcinfo);
	transitions_read(&moves, PG_GETARG_DATUM(1));
	return state_result(fcinfo, transitions_state_merge(state_argument(fcinfo), &moves));
}

AGG_FUNCTION_INFO_V1(segment_transitions_final);
static Datum
segment_transitions_final_in_group(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_P(0);

	PG_RETURN_POINTER(transitions_is_state(value) ? transitions_pack((TransitionsState *) value) : value);
}
