/*
 * transitions_state.c
 *	  The growing and the stored form of segment_transitions.
 */
#include "compat.h"

#include "common/int.h"
#include "miscadmin.h"

#include "monitor/transitions.h"
#include "support/bytes.h"

#define INITIAL_CAPACITY 16

static inline uint8 *
state_name(const TransitionsState *state, int place)
{
	return unconstify(TransitionsState *, state)->data + (Size) place * TRANSITIONS_NAME_ROOM;
}

static inline int64 *
state_cell(const TransitionsState *state, int from, int to)
{
	int64 *counts = (int64 *) state_name(state, state->capacity);

	return &counts[(Size) from * state->capacity + to];
}

static TransitionsState *
make_with_capacity(int capacity)
{
	Size size = offsetof(TransitionsState, data) + (Size) capacity * (TRANSITIONS_NAME_ROOM + capacity * sizeof(int64));
	TransitionsState *state = palloc0(size);

	SET_VARSIZE(state, size);
	state->mark = TRANSITIONS_STATE_MARK;
	state->capacity = capacity;
	state->n = 1; /* outside */
	return state;
}

TransitionsState *
transitions_state_make(void)
{
	return make_with_capacity(INITIAL_CAPACITY);
}

static TransitionsState *
enlarge(const TransitionsState *state)
{
	TransitionsState *larger = make_with_capacity(state->capacity * 2);

	larger->n = state->n;
	larger->customers = state->customers;
	memcpy(state_name(larger, 0), state_name(state, 0), (Size) state->n * TRANSITIONS_NAME_ROOM);
	for (int i = 0; i < state->n; i++)
		memcpy(state_cell(larger, i, 0), state_cell(state, i, 0), state->n * sizeof(int64));
	return larger;
}

/* The place of a name, or -1. */
static int
known_place(const TransitionsState *state, SegmentName name)
{
	if (name.text == NULL)
		return 0;
	for (int i = 1; i < state->n; i++)
	{
		const uint8 *room = state_name(state, i);

		if (room[0] == name.bytes && memcmp(room + 1, name.text, name.bytes) == 0)
			return i;
	}
	return -1;
}

const char *
transitions_room_problem(const TransitionsState *state, SegmentName from, SegmentName to)
{
	int more = (known_place(state, from) < 0) + (known_place(state, to) < 0);

	return state->n + more <= TRANSITIONS_MAX_SEGMENTS + 1
		? NULL
		: psprintf("there are more than %d segments", TRANSITIONS_MAX_SEGMENTS);
}

/* The place of a name, which gets one if it has none yet. */
static int
place_of(TransitionsState **state, SegmentName name)
{
	int place = known_place(*state, name);
	uint8 *room;

	if (place >= 0)
		return place;
	if ((*state)->n > TRANSITIONS_MAX_SEGMENTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("segment_transitions hold at most %d segments", TRANSITIONS_MAX_SEGMENTS),
				 errhint("Group by segments, not by customers.")));
	if ((*state)->n == (*state)->capacity)
		*state = enlarge(*state);
	room = state_name(*state, (*state)->n);
	room[0] = (uint8) name.bytes;
	memcpy(room + 1, name.text, name.bytes);
	return (*state)->n++;
}

TransitionsState *
transitions_state_add(TransitionsState *state, SegmentName from, SegmentName to, int64 customers)
{
	int from_place = place_of(&state, from);
	int to_place = place_of(&state, to);

	/* no count is larger than the number of customers */
	if (pg_add_s64_overflow(state->customers, customers, &state->customers))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("too many customers for segment_transitions")));
	*state_cell(state, from_place, to_place) += customers;
	return state;
}

TransitionsState *
transitions_state_merge(TransitionsState *state, const Transitions *moves)
{
	for (int i = 0; i < moves->n; i++)
		for (int j = 0; j < moves->n; j++)
			if (*transitions_cell(moves, i, j) > 0)
				state = transitions_state_add(state, moves->names[i], moves->names[j], *transitions_cell(moves, i, j));
	return state;
}

static int
compare_names(SegmentName a, SegmentName b)
{
	int order = memcmp(a.text, b.text, Min(a.bytes, b.bytes));

	return order != 0 ? order : a.bytes - b.bytes;
}

static int
compare_places(const void *a, const void *b, void *state)
{
	const uint8 *first = state_name(state, *(const int *) a);
	const uint8 *second = state_name(state, *(const int *) b);

	return compare_names((SegmentName){(const char *) first + 1, first[0]},
						 (SegmentName){(const char *) second + 1, second[0]});
}

/* Names in order, whatever the order in which they came. */
static void
read_state(Transitions *moves, TransitionsState *state)
{
	int places[TRANSITIONS_MAX_SEGMENTS + 1];

	for (int i = 0; i < state->n; i++)
		places[i] = i;
	qsort_arg(places + 1, state->n - 1, sizeof(int), compare_places, state);
	moves->n = state->n;
	moves->customers = state->customers;
	moves->counts = palloc_array(int64, (Size) state->n * state->n);
	for (int i = 0; i < state->n; i++)
	{
		const uint8 *room = state_name(state, places[i]);

		moves->names[i] = i == 0 ? (SegmentName){0} : (SegmentName){(const char *) room + 1, room[0]};
		for (int j = 0; j < state->n; j++)
			*transitions_cell(moves, i, j) = *state_cell(state, places[i], places[j]);
	}
}

/* Reads the stored form, which was checked when it was made. */
static void
read_stored(Transitions *moves, struct varlena *value)
{
	const uint8 *at = (const uint8 *) VARDATA_ANY(value);
	const uint8 *end = at + VARSIZE_ANY_EXHDR(value);
	uint64 names, cells;

	if (at == end)
		bytes_end_early();
	if (*at != TRANSITIONS_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version %d of stored segment_transitions", *at)));
	at++;
	names = get_varint(&at, end);
	if (names > TRANSITIONS_MAX_SEGMENTS)
		bytes_end_early();
	moves->n = (int) names + 1;
	moves->customers = 0;
	moves->names[0] = (SegmentName){0};
	for (int i = 1; i < moves->n; i++)
	{
		if (at == end || end - at <= *at)
			bytes_end_early();
		moves->names[i] = (SegmentName){(const char *) at + 1, *at};
		at += 1 + *at;
	}
	moves->counts = palloc0_array(int64, (Size) moves->n * moves->n);
	cells = get_varint(&at, end);
	for (uint64 i = 0; i < cells; i++)
	{
		uint64 from = get_varint(&at, end);
		uint64 to = get_varint(&at, end);
		int64 customers = (int64) get_varint(&at, end);

		if (from >= (uint64) moves->n || to >= (uint64) moves->n)
			bytes_end_early();
		*transitions_cell(moves, (int) from, (int) to) = customers;
		moves->customers += customers;
	}
}

void
transitions_read(Transitions *moves, Datum datum)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(datum);

	if (transitions_is_state(value))
		read_state(moves, (TransitionsState *) PG_DETOAST_DATUM(PointerGetDatum(value)));
	else
		read_stored(moves, value);
}

struct varlena *
transitions_pack(const TransitionsState *state)
{
	Transitions moves;
	int cells = 0;

	read_state(&moves, unconstify(TransitionsState *, state));
	for (int i = 0; i < moves.n * moves.n; i++)
		cells += moves.counts[i] > 0;

	struct varlena *value =
		palloc(VARHDRSZ + 1 + (Size) moves.n * TRANSITIONS_NAME_ROOM + (2 + (Size) cells * 3) * MAX_VARINT_BYTES);
	uint8 *at = (uint8 *) VARDATA(value);

	*at++ = TRANSITIONS_VERSION;
	at = put_varint(at, moves.n - 1);
	for (int i = 1; i < moves.n; i++)
	{
		*at++ = (uint8) moves.names[i].bytes;
		memcpy(at, moves.names[i].text, moves.names[i].bytes);
		at += moves.names[i].bytes;
	}
	at = put_varint(at, cells);
	for (int i = 0; i < moves.n; i++)
		for (int j = 0; j < moves.n; j++)
			if (*transitions_cell(&moves, i, j) > 0)
				at = put_varint(put_varint(put_varint(at, i), j), *transitions_cell(&moves, i, j));
	pfree(moves.counts);
	SET_VARSIZE(value, at - (uint8 *) value);
	return repalloc(value, at - (uint8 *) value);
}

static bool
is_reserved(SegmentName name)
{
	return (name.bytes == (int) strlen(TRANSITIONS_NEW) && memcmp(name.text, TRANSITIONS_NEW, name.bytes) == 0) ||
		(name.bytes == (int) strlen(TRANSITIONS_GONE) && memcmp(name.text, TRANSITIONS_GONE, name.bytes) == 0);
}

static const char *
name_problem(SegmentName name)
{
	if (name.text == NULL)
		return NULL;
	if (name.bytes < 1 || name.bytes > TRANSITIONS_MAX_NAME_BYTES)
		return psprintf("the name of a segment must have 1 to %d bytes, but has %d", TRANSITIONS_MAX_NAME_BYTES,
						name.bytes);
	if (is_reserved(name))
		return psprintf("a segment cannot be called %.*s here", name.bytes, name.text);
	return NULL;
}

const char *
transitions_move_problem(SegmentName from, SegmentName to, int64 customers)
{
	const char *problem = name_problem(from);

	if (problem == NULL)
		problem = name_problem(to);
	if (problem == NULL && from.text == NULL && to.text == NULL)
		problem = "a customer who moves has been somewhere or goes somewhere";
	if (problem == NULL && customers < 0)
		problem = psprintf("customers must not be negative, but are " INT64_FORMAT, customers);
	return problem;
}

int
transitions_find(const Transitions *moves, SegmentName name)
{
	for (int i = 1; i < moves->n; i++)
		if (compare_names(moves->names[i], name) == 0)
			return i;
	return -1;
}
