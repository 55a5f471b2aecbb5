/*
 * history_state.c
 *	  The growing purchase history of an aggregate.
 *
 * A purchase whose amount the encoding does not hold, such as the first one
 * with cents, has all purchases written anew in an encoding that does. That
 * happens at most six times to a history, and mostly while it is short.
 */
#include "compat.h"

#include "history/history_state.h"

/* States fill the powers of two that memory comes in. */
#define INITIAL_SIZE 64

static HistoryState *
make(Size size, HistoryEncoding encoding)
{
	HistoryState *state = palloc0(size);

	SET_VARSIZE(state, size);
	state->mark = HISTORY_STATE_MARK;
	state->encoding = (uint8) encoding;
	state->sorted = true;
	return state;
}

/* A copy with twice the room. */
static HistoryState *
grow(const HistoryState *old)
{
	Size		size = (Size) VARSIZE(old) * 2;
	HistoryState *state = palloc0(size);

	memcpy(state, old, offsetof(HistoryState, bytes) + old->used);
	SET_VARSIZE(state, size);
	return state;
}

/* Adds a purchase in the state's encoding; NULL if that does not hold the amount. */
static inline HistoryState *
append(HistoryState *state, DateADT day, double amount)
{
	uint8		bytes[HISTORY_PURCHASE_BYTES];
	uint8	   *end = put_varint(bytes, state->count == 0 ? fold_sign(day) : (uint32) (day - state->last_day));
	Size		length;

	if ((end = history_put_amount(end, amount, (HistoryEncoding) state->encoding)) == NULL)
		return NULL;
	if (unlikely(state->count == HISTORY_MAX_PURCHASES))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a purchase_history cannot hold more than %d purchases", HISTORY_MAX_PURCHASES),
				 errhint("Is one customer_id used for all anonymous orders? Leave it out.")));

	length = end - bytes;
	if (offsetof(HistoryState, bytes) + state->used + length > VARSIZE(state))
		state = grow(state);
	memcpy(state->bytes + state->used, bytes, length);
	state->used += length;
	state->sorted &= state->count == 0 || day > state->last_day;
	state->last_day = day;
	state->count++;
	return state;
}

/* The purchases of a state, which may be NULL, and one more that its encoding does not hold. */
static HistoryState *
encode_anew(HistoryState *old, Purchase one)
{
	Purchase   *purchases = &one;
	uint32		count = 1;
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

	return likely(result != NULL) ? result : encode_anew(state, (Purchase) {.day = day, .amount = amount});
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

struct varlena *
history_state_pack(const HistoryState *state)
{
	if (state->sorted)
	{
		struct varlena *value = palloc(VARHDRSZ + HISTORY_HEAD_BYTES + state->used);
		uint8	   *start = (uint8 *) VARDATA(value);
		uint8	   *at = history_put_head(start, (HistoryEncoding) state->encoding, state->count);

		memcpy(at, state->bytes, state->used);
		SET_VARSIZE(value, VARHDRSZ + (at - start) + state->used);
		return value;
	}

	uint32		count;
	Purchase   *purchases = history_unpack((struct varlena *) unconstify(HistoryState *, state), &count);
	struct varlena *value = history_pack_as(purchases, count, (HistoryEncoding) state->encoding);

	pfree(purchases);
	return value;
}
