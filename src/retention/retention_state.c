/*
 * retention_state.c
 *	  The transition state of a retention base.
 *
 * The array has an element for every tenure up to the longest observed, since
 * there are few: a customer of ten years has renewed a monthly contract 120
 * times.
 */
#include "compat.h"

#include "common/int.h"
#include "miscadmin.h"

#include "retention/retention_state.h"

#define INITIAL_CAPACITY 64

static struct varlena *pack_state(GrowingState *growing);

RetentionState *
retention_state_make(PeriodLength period, MemoryContext parent)
{
	RetentionState *state = agg_state_make(sizeof(RetentionState), pack_state, parent);

	state->period = period;
	state->capacity = INITIAL_CAPACITY;
	state->counts =
		MemoryContextAllocZero(agg_state_context(&state->growing), INITIAL_CAPACITY * sizeof(RetentionCount));
	return state;
}

/* Ensures capacity for a tenure. */
static void
reserve_tenure(RetentionState *state, uint32 tenure)
{
	uint32 capacity = state->capacity;

	while (capacity <= tenure)
		capacity *= 2;
	state->counts = repalloc(state->counts, capacity * sizeof(RetentionCount));
	memset(state->counts + state->capacity, 0, (capacity - state->capacity) * sizeof(RetentionCount));
	state->capacity = capacity;
}

void
retention_state_check_period(const RetentionState *state, PeriodLength period)
{
	if (!period_lengths_equal(state->period, period))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a retention_base has one period, not both %s and %s", period_length_text(state->period),
						period_length_text(period)),
				 errhint("Build one base for each length of contract.")));
}

void
retention_state_add(RetentionState *state, const ContractCell *cell)
{
	Assert(cell->tenure <= CONTRACT_MAX_TENURE && cell->ended >= 0 && cell->alive >= 0);
	if (cell->tenure >= state->capacity)
		reserve_tenure(state, cell->tenure);

	/* no count is larger than the number of customers */
	if (pg_add_s64_overflow(state->customers, cell->ended, &state->customers) ||
		pg_add_s64_overflow(state->customers, cell->alive, &state->customers))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("too many customers for a retention_base")));
	state->counts[cell->tenure].ended += cell->ended;
	state->counts[cell->tenure].alive += cell->alive;
}

void
retention_state_merge(RetentionState *state, const RetentionBase *base)
{
	retention_state_check_period(state, base->period);
	for (uint32 i = 0; i < base->n_cells; i++)
		retention_state_add(state, &base->cells[i]);
}

/* The stored form of a state. */
static struct varlena *
pack_state(GrowingState *growing)
{
	const RetentionState *state = (const RetentionState *) growing;
	RetentionBase base = {.period = state->period, .customers = state->customers};

	for (uint32 tenure = 0; tenure < state->capacity; tenure++)
		if (state->counts[tenure].ended > 0 || state->counts[tenure].alive > 0)
			base.n_cells++;
	base.cells = palloc_array(ContractCell, Max(1, base.n_cells));
	base.n_cells = 0;
	for (uint32 tenure = 0; tenure < state->capacity; tenure++)
	{
		const RetentionCount *count = &state->counts[tenure];

		if (count->ended == 0 && count->alive == 0)
			continue;
		base.cells[base.n_cells++] = (ContractCell){tenure, count->ended, count->alive};
		base.ended += count->ended;
	}

	struct varlena *value = retention_base_pack(&base);

	pfree(base.cells);
	return value;
}
