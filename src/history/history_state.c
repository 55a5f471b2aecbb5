/*
 * history_state.c
 *	  The growing purchase history of an aggregate.
 *
 * If the encoding cannot represent the amount of a purchase, such as the first
 * one with cents, all purchases are re-encoded. That happens at most six times
 * to a history, and mostly while it is short.
 */
#include "compat.h"

#include "history/history_state.h"

/* State sizes fill the allocator's powers of two. */
#define INITIAL_SIZE 64

static HistoryState *
make(Size size, HistoryEncoding encoding)
{
	HistoryState *state = palloc0(size);

	SET_VARSIZE(state, size);
	state->mark = AGG_STATE_MARK;
	state->encoding = (uint8) encoding;
	state->sorted = true;
	return state;
}

/* Adds a purchase in the state's encoding; NULL if that cannot represent the amount. */
static inline HistoryState *
append(HistoryState *state, DateADT day, double amount)
{
	uint8 bytes[HISTORY_PURCHASE_BYTES];
	uint8 *end = put_varint(bytes, state->count == 0 ? zigzag_encode(day) : (uint32) (day - state->last_day));
	Size length;

	if ((end = history_put_amount(end, amount, (HistoryEncoding) state->encoding)) == NULL)
		return NULL;
	if (unlikely(state->count == HISTORY_MAX_PURCHASES))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a purchase_history cannot hold more than %d purchases", HISTORY_MAX_PURCHASES),
				 errhint("Is one customer_id used for all anonymous orders? Leave it out.")));

	length = end - bytes;
	if (offsetof(HistoryState, bytes) + state->used + length > VARSIZE(state))
		state = agg_state_doubled(state, offsetof(HistoryState, bytes) + state->used);
	memcpy(state->bytes + state->used, bytes, length);
	state->used += length;
	state->sorted &= state->count == 0 || day > state->last_day;
	state->last_day = day;
	state->count++;
	return state;
}

/* The purchases of a state, which may be NULL, and one more that its encoding cannot represent. */
static HistoryState *
encode_anew(HistoryState *old, Purchase one)
{
	Purchase *purchases = &one;
	uint32 count = 1;
	HistoryState *state;

	if (old != NULL)
	{
		purchases = history_unpack((struct varlena *) old, &count);
		purchases[count++] = one;
	}
	state = make(INITIAL_SIZE, history_choose_encoding(purchases, count));
	for (uint32 i = 0; i < count; i++)
		state = append(state, purchases[i].day, purchases[i].amount);
	if (old != NULL)
		pfree(purchases);
	return state;
}

HistoryState *
history_state_add(HistoryState *state, DateADT day, double amount)
{
	HistoryState *result = state == NULL ? NULL : append(state, day, amount);

	return likely(result != NULL) ? result : encode_anew(state, (Purchase){.day = day, .amount = amount});
}

HistoryState *
history_state_make(struct varlena *value)
{
	HistoryReader reader;
	HistoryState *state;

	history_start(&reader, value, HISTORY_ALL);
	state = make(INITIAL_SIZE, reader.encoding);
	while (history_next(&reader))
		state = history_state_add(state, reader.day, history_amount(&reader));
	return state;
}
