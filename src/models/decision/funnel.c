/*
 * funnel.c
 *	  Levels of funnels, by dynamic programming over the steps.
 *
 * For each step the chain to it that began last is kept. An event that is step s makes the
 * chain to s - 1 one to s, if it is within the time. Steps are gone through from the last to
 * the first, so that one event takes a chain one step on.
 */
#include "models/decision/funnel.h"

#include <string.h>

#include "numerics/host.h"

/* A chain to a step; none yet: level 0. */
typedef struct Chains
{
	FunnelChain to[FUNNEL_STEPS]; /* [s]: to step s + 1 */
	FunnelChain best;
} Chains;

/* One event of these steps at a time. */
static void
take_event(Chains *chains, uint32_t steps, uint64_t at, uint64_t within, int n_steps)
{
	for (int s = n_steps - 1; s >= 0; s--)
	{
		FunnelChain *to = &chains->to[s];
		const FunnelChain *from = s > 0 ? &chains->to[s - 1] : NULL;

		if ((steps >> s & 1) == 0)
			continue;
		if (from == NULL)
			to->at[0] = at;
		else if (from->level == 0 || at - from->at[0] > within || (to->level > 0 && to->at[0] >= from->at[0]))
			continue;
		else
		{
			memcpy(to->at, from->at, s * sizeof(to->at[0]));
			to->at[s] = at;
		}
		to->level = s + 1;
		if (to->level > chains->best.level)
			chains->best = *to;
	}
}

FunnelChain
funnel_chain(const FunnelEvent *events, int count, uint64_t within, FunnelMode mode, int n_steps)
{
	Chains chains = {0};

	for (int i = 0; i < count; i++)
	{
		uint32_t steps = events[i].steps;

		host_poll_at(i);
		if (mode == FUNNEL_INCREASE)
			while (i + 1 < count && events[i + 1].at == events[i].at)
				steps |= events[++i].steps;
		/* more of the same at one time take no chain farther than all steps */
		for (int64_t times = 0; times < (mode == FUNNEL_INCREASE ? 1 : events[i].times) && times < n_steps; times++)
			take_event(&chains, steps, events[i].at, within, n_steps);
	}
	return chains.best;
}

/* Whether a chain can go on with this event. */
static bool
goes_on(const FunnelChain *chain, const FunnelEvent *event, FunnelMode mode, int n_steps)
{
	return chain->level < n_steps && (event->steps >> chain->level & 1) != 0 &&
		(mode == FUNNEL_ONCE || chain->level == 0 || event->at > chain->at[chain->level - 1]);
}

FunnelChain
funnel_attempt(const FunnelEvent *events, int count, int *from, uint64_t within, FunnelMode mode, int n_steps)
{
	FunnelChain chain = {0};
	int i = *from;

	for (; i < count && (events[i].steps & 1) == 0; i++)
		host_poll_at(i);
	if (i < count)
		chain.at[0] = events[i].at;
	for (; i < count && chain.level < n_steps && events[i].at - chain.at[0] <= within; i++)
	{
		host_poll_at(i);
		for (int64_t left = events[i].times; left > 0 && goes_on(&chain, &events[i], mode, n_steps); left--)
			chain.at[chain.level++] = events[i].at;
	}
	*from = i;
	return chain;
}

/* What windowFunnel knows of each step. */
typedef struct StepState
{
	bool reached[FUNNEL_STEPS];
	uint64_t start[FUNNEL_STEPS];
	int previous; /* the step of the event before; -1: none of them */
	bool begun;
} StepState;

static int
highest_reached(const StepState *state, int n_steps)
{
	int level = n_steps;

	while (level > 0 && !state->reached[level - 1])
		level--;
	return level;
}

/* One event of one step, -1 for none; returns the level if it ends the search, else -1. */
static int
take_step(StepState *state, int step, uint64_t at, uint64_t within, int n_steps, FunnelFlags flags)
{
	if (step < 0)
		return flags.strict_order && state->begun ? highest_reached(state, n_steps) : -1;
	if (step == 0)
	{
		state->reached[0] = state->begun = true;
		state->start[0] = at;
	}
	else if (flags.dedup && state->reached[step])
		return state->previous + 1;
	else if (flags.strict_order && state->begun && !state->reached[step - 1])
		return highest_reached(state, step);
	else if (state->reached[step - 1] && at - state->start[step - 1] <= within)
	{
		state->reached[step] = true;
		state->start[step] = state->start[step - 1];
		if (step + 1 == n_steps)
			return n_steps;
	}
	state->previous = step;
	return -1;
}

int
funnel_clickhouse_level(const FunnelEvent *events, int count, uint64_t within, int n_steps, FunnelFlags flags)
{
	const uint32_t all = n_steps == FUNNEL_STEPS ? UINT32_MAX : (UINT32_C(1) << n_steps) - 1;
	StepState state = {.previous = -1};
	int next;

	for (int first = 0; first < count; first = next)
	{
		/* events of one time go by the numbers of their steps, those of none before them */
		for (next = first; next < count && events[next].at == events[first].at; next++)
			host_poll_at(next);
		for (int step = -1; step < n_steps; step++)
		{
			for (int i = first; i < next; i++)
			{
				bool is = step < 0 ? (events[i].steps & all) == 0 : (events[i].steps >> step & 1) != 0;

				/* of more than two of the same nothing new is learned */
				for (int64_t times = 0; is && times < events[i].times && times < 2; times++)
				{
					int level = take_step(&state, step, events[i].at, within, n_steps, flags);

					if (level >= 0)
						return level;
				}
			}
		}
	}
	return highest_reached(&state, n_steps);
}
