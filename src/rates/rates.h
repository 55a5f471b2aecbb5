/*
 * rates.h
 *	  Rates of units and of segments, and the indices that are made of them.
 */
#ifndef RATES_RATES_H
#define RATES_RATES_H

#include "compat.h"

#include "models/decision/rates.h"
#include "support/agg_state.h"
#include "support/count_value.h"

/* rate_prior: units by their total, which is the group, and by what was good of it. */
extern const CountValueType rate_prior_type;

/* The name of a status. */
extern const char *rate_prior_status_name(RatePriorStatus status);

/* Whole numbers up to this are exact as doubles. */
#define RATE_MOST_COUNT (INT64CONST(1) << 53)

/* question_weights: customers by the hundredths of their three indices, which are the group. */
#define QUESTION_STEPS 100
extern const CountValueType question_weights_type;

/* rate_index: of each segment, how many are good of how many. */
#define RATE_INDEX_MOST_SEGMENTS 100000

typedef struct SegmentRate
{
	const char *name; /* not null-terminated */
	uint32 name_bytes;
	int64 good;
	int64 total;
} SegmentRate;

typedef struct RateIndex
{
	SegmentRate *segments; /* in byte order of their names */
	uint32 count;
	uint32 capacity;
	int64 left_out; /* rows without a segment or a number */
} RateIndex;

/* The state of an aggregate. */
typedef struct RateIndexState
{
	GrowingState growing;
	RateIndex index;
	uint32 last; /* the segment added to last */
} RateIndexState;

/* The state in the first argument, which an aggregate goes on with, or a new one. */
extern RateIndexState *rate_index_state(FunctionCallInfo fcinfo);

/* Adds to a segment of a state; the name is copied if it is new. */
extern void rate_index_count(RateIndexState *state, const char *name, uint32 name_bytes, int64 good, int64 total);

/* Counts a row that is left out. */
extern void rate_index_leave_out(RateIndexState *state);

/* A segment's name from an argument; an error if it is empty or too long. */
extern const char *rate_segment_argument(FunctionCallInfo fcinfo, int argno, uint32 *name_bytes);

extern RateIndex rate_index_get(Datum value);

#endif /* RATES_RATES_H */
