/*
 * transitions.h
 *	  segment_transitions: how many customers moved from which segment to which.
 *
 * Segments are known by name. There is one state more, outside, at place 0: who
 * comes from there is new, who goes there is gone. Without them shares would lie.
 */
#ifndef MONITOR_TRANSITIONS_H
#define MONITOR_TRANSITIONS_H

#include "compat.h"

#include "segments/segments.h"

/* Names have 1 to so many bytes, and there are at most so many, besides outside. */
#define TRANSITIONS_MAX_NAME_BYTES SEGMENT_MAX_NAME_BYTES
#define TRANSITIONS_MAX_SEGMENTS 255

/* What outside is called in results, and may be called in arguments. */
#define TRANSITIONS_NEW SEGMENT_NEW
#define TRANSITIONS_GONE SEGMENT_GONE

typedef struct SegmentName
{
	const char *text; /* not terminated */
	int bytes;
} SegmentName;

/*
 * As it is read: names in the order of their bytes, each with a move, and the matrix
 * of counts by rows. Place 0 is outside; nobody moves from there to there.
 *
 * The stored form is a string of bytes, the same on every platform: version byte,
 * number of names (varint), of each its length (byte) and the name; number of moves
 * (varint), of each from, to and customers (varints), in order.
 */
#define TRANSITIONS_VERSION 1

typedef struct Transitions
{
	int n;                                           /* states, with outside */
	SegmentName names[TRANSITIONS_MAX_SEGMENTS + 1]; /* [0] is nothing */
	int64 *counts;                                   /* n * n */
	int64 customers;                                 /* in all moves together */
} Transitions;

static inline int64 *
transitions_cell(const Transitions *moves, int from, int to)
{
	return &moves->counts[(Size) from * moves->n + to];
}

/*
 * As it grows in an aggregate: names in the order of their coming, in places of a
 * fixed size, and a matrix with spare capacity. It is the same SQL type.
 */
#define TRANSITIONS_STATE_MARK 0x80
#define TRANSITIONS_NAME_ROOM (TRANSITIONS_MAX_NAME_BYTES + 1)

typedef struct TransitionsState
{
	int32 vl_len_;   /* varlena header (do not touch directly!) */
	uint8 mark;      /* TRANSITIONS_STATE_MARK */
	uint8 unused[3]; /* always zero */
	int32 n;         /* states, with outside */
	int32 capacity;  /* for so many */
	int64 customers;
	uint8 data[FLEXIBLE_ARRAY_MEMBER]; /* names (length byte first), then counts */
} TransitionsState;

StaticAssertDecl(offsetof(TransitionsState, data) == 24, "the counts are aligned");

static inline bool
transitions_is_state(struct varlena *value)
{
	return VARSIZE_ANY_EXHDR(value) > 0 && *(uint8 *) VARDATA_ANY(value) == TRANSITIONS_STATE_MARK;
}

/* A state without moves. */
extern TransitionsState *transitions_state_make(void);

/* Adds customers; a name without text is outside. The state returned takes the place of the one given. */
extern TransitionsState *transitions_state_add(TransitionsState *state, SegmentName from, SegmentName to,
											   int64 customers);

/* Adds all moves of a value. */
extern TransitionsState *transitions_state_merge(TransitionsState *state, const Transitions *moves);

/* The moves of a stored value or a state. */
extern void transitions_read(Transitions *moves, Datum value);

/* The stored form of a state. */
extern struct varlena *transitions_pack(const TransitionsState *state);

/* What is wrong with a move that comes from outside, or NULL. */
extern const char *transitions_move_problem(SegmentName from, SegmentName to, int64 customers);

/* What is wrong with a state that is to take another move, or NULL: names beyond its capacity. */
extern const char *transitions_room_problem(const TransitionsState *state, SegmentName from, SegmentName to);

/* The place of a segment, or -1. */
extern int transitions_find(const Transitions *moves, SegmentName name);

#endif /* MONITOR_TRANSITIONS_H */
