/*
 * retention_state.c
 *	  The growing counts of a retention base.
 *
 * There is a place for every tenure up to the longest seen, since there are
 * few: a customer of ten years has renewed a monthly contract 120 times.
 */
#include "compat.h"

#include "common/int.h"
#include "miscadmin.h"

#include "contracts/retention_state.h"

#define INITIAL_PLACES 64

static RetentionState *
make_with_places(RetentionPeriod period, uint32 places)
{
	Size		size = offsetof(RetentionState, counts) + (Size) places * sizeof(RetentionCount);
	RetentionState *state = palloc0(size);

	SET_VARSIZE(state, size);
	state->mark = RETENTION_STATE_MARK;
	state->period = period;
	state->places = places;
	return state;
}

RetentionState *
retention_state_make(RetentionPeriod period)
{
	return make_with_places(period, INITIAL_PLACES);
}

void
retention_state_check_period(const RetentionState *state, RetentionPeriod period)
{
	if (!retention_period_equal(state->period, period))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a retention_base has one period, not both %s and %s",
						retention_period_text(state->period), retention_period_text(period)),
				 errhint("Build one base for each length of contract.")));
}

RetentionState *
retention_state_add(RetentionState *state, const ContractCell *cell)
{
	Assert(cell->tenure <= CONTRACT_MAX_TENURE && cell->ended >= 0 && cell->alive >= 0);
	if (cell->tenure >= state->places)
	{
		uint32		places = state->places;

		while (places <= cell->tenure)
			places *= 2;

		RetentionState *larger = make_with_places(state->period, places);

		memcpy(larger->counts, state->counts, state->places * sizeof(RetentionCount));
		larger->customers = state->customers;
		state = larger;
	}

	/* no count is larger than the number of customers */
	if (pg_add_s64_overflow(state->customers, cell->ended, &state->customers) ||
		pg_add_s64_overflow(state->customers, cell->alive, &state->customers))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("too many customers for a retention_base")));
	state->counts[cell->tenure].ended += cell->ended;
	state->counts[cell->tenure].alive += cell->alive;
	return state;
}

RetentionState *
retention_state_merge(RetentionState *state, const RetentionBase *base)
{
	retention_state_check_period(state, base->period);
	for (uint32 i = 0; i < base->n_cells; i++)
		state = retention_state_add(state, &base->cells[i]);
	return state;
}

RetentionState *
retention_state_of(struct varlena *value)
{
	if (retention_is_state(value))
		return (RetentionState *) PG_DETOAST_DATUM(PointerGetDatum(value));

	RetentionBase base = retention_base_get(PointerGetDatum(value));

	return retention_state_merge(retention_state_make(base.period), &base);
}

RetentionBase
retention_state_base(const RetentionState *state)
{
	RetentionBase base = {.period = state->period, .customers = state->customers};

	for (uint32 tenure = 0; tenure < state->places; tenure++)
		if (state->counts[tenure].ended > 0 || state->counts[tenure].alive > 0)
			base.n_cells++;
	base.cells = palloc_array(ContractCell, Max(1, base.n_cells));
	base.n_cells = 0;
	for (uint32 tenure = 0; tenure < state->places; tenure++)
	{
		const RetentionCount *count = &state->counts[tenure];

		if (count->ended == 0 && count->alive == 0)
			continue;
		base.cells[base.n_cells++] = (ContractCell) {tenure, count->ended, count->alive};
		base.ended += count->ended;
	}
	return base;
}
