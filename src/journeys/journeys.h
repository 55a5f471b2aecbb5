/*
 * journeys.h
 *	  Journeys of customers through steps, and funnels over many of them.
 */
#ifndef JOURNEYS_JOURNEYS_H
#define JOURNEYS_JOURNEYS_H

#include "compat.h"

#include "models/decision/funnel.h"
#include "support/count_value.h"

/* journey: one customer's events; the group is the time, the detail the set of steps. */
extern const CountValueType journey_type;

/* A journey's events, sorted, in the caller's memory. */
extern FunnelEvent *journey_events(Datum journey, int *count);

/* The time of a funnel in microseconds; its mode, among so many of them. */
extern uint64 within_argument(FunctionCallInfo fcinfo, int argno, const char *name);
extern FunnelMode mode_argument(FunctionCallInfo fcinfo, int argno, int n_modes);

extern const char *const funnel_mode_names[];

/* A time of so many microseconds, as an interval of hours. */
extern Datum interval_of(double microseconds);

/*
 * journey_funnel: the group is a step and what is counted of it. Step 0 has those who took
 * none, the windows of time and the modes, of which there is one unless values were mixed.
 */
typedef enum FunnelCount
{
	FUNNEL_REACHED,        /* customers who came as far as this and no farther; the detail is 0 */
	FUNNEL_SINCE_PREVIOUS, /* customers who took the step, by the time since the one before */
	FUNNEL_SINCE_FIRST,    /* the same by the time since the first */
	FUNNEL_COUNTS,
	FUNNEL_WINDOW = FUNNEL_SINCE_PREVIOUS, /* of step 0: customers by the time of the funnel */
	FUNNEL_BY_MODE = FUNNEL_SINCE_FIRST,
} FunnelCount;

#define FUNNEL_GROUP(step, count) ((uint64) (step) *4 + (count))

/* Times are kept to so many bits: a part in 512. */
#define FUNNEL_TIME_BITS 9

extern const CountValueType journey_funnel_type;

#endif /* JOURNEYS_JOURNEYS_H */
