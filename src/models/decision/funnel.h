/*
 * funnel.h
 *	  How far along a sequence of steps a customer came within a time.
 */
#ifndef MODELS_DECISION_FUNNEL_H
#define MODELS_DECISION_FUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#define FUNNEL_STEPS 32

/* What happened at a time: a set of steps, of which the first is bit 0; no step: something else. */
typedef struct FunnelEvent
{
	uint64_t at;
	uint32_t steps;
	int64_t times; /* > 0: so many such events */
} FunnelEvent;

typedef enum FunnelMode
{
	/* stored on disk: never renumbered */
	FUNNEL_ONCE,       /* an event takes a customer one step on; several may happen at one time */
	FUNNEL_INCREASE,   /* each step is later than the one before */
	FUNNEL_CLICKHOUSE, /* as windowFunnel: an event may take several steps, in order of their numbers */
} FunnelMode;

/* Conditions of windowFunnel. */
typedef struct FunnelFlags
{
	bool strict_order; /* no other event comes between two steps */
	bool dedup;        /* no step comes twice */
} FunnelFlags;

/* The level, and when each step of a chain that reached it first was taken. */
typedef struct FunnelChain
{
	int level;
	uint64_t at[FUNNEL_STEPS]; /* of the first level ones */
} FunnelChain;

/*
 * The most steps of 1, 2, …, n_steps that were taken in order, the last at most `within`
 * after the first. Events are sorted by time, then steps. Takes events x steps. Exact:
 * among chains to the same step the one that began last can go wherever another can.
 */
extern FunnelChain funnel_chain(const FunnelEvent *events, int count, uint64_t within, FunnelMode mode, int n_steps);

/*
 * One attempt: from the first event of step 1 at or behind *from as far as the events within
 * the time of it lead, or to step n_steps. *from becomes the first event behind the attempt;
 * the level is 0 if there is none. For a chain that begins with a given event it is exact to
 * take each step as early as possible.
 */
extern FunnelChain funnel_attempt(const FunnelEvent *events, int count, int *from, uint64_t within, FunnelMode mode,
								  int n_steps);

/* The level of windowFunnel. */
extern int funnel_clickhouse_level(const FunnelEvent *events, int count, uint64_t within, int n_steps,
								   FunnelFlags flags);

#endif /* MODELS_DECISION_FUNNEL_H */
