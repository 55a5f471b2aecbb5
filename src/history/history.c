/*
 * history.c
 *	  The stored form of a purchase history: packing, sorting, reading.
 */
#include "compat.h"

#include "common/hashfn.h"
#include "miscadmin.h"

#include "history/history.h"
#include "history/history_format.h"

const double history_unit_scale[HISTORY_MAX_DECIMALS + 1] = {1, 10, 100, 1000, 10000};

int
history_compare(const Purchase *a, const Purchase *b)
{
	if (a->day != b->day)
		return a->day < b->day ? -1 : 1;
	if (isnan(a->amount) || isnan(b->amount))
		return (int) isnan(a->amount) - (int) isnan(b->amount);
	return (a->amount > b->amount) - (a->amount < b->amount);
}

#define ST_SORT sort_purchases
#define ST_ELEMENT_TYPE Purchase
#define ST_COMPARE(a, b) history_compare(a, b)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

void
history_sort(Purchase *purchases, uint32 count)
{
	sort_purchases(purchases, count);
}

static bool
all_in_units(const Purchase *purchases, uint32 count, int decimals)
{
	int64 units;

	for (uint32 i = 0; i < count; i++)
		if (!amount_in_units(purchases[i].amount, decimals, &units))
			return false;
	return true;
}

/* Finer units have a smaller range: each encoding is checked against all amounts. */
HistoryEncoding
history_choose_encoding(const Purchase *purchases, uint32 count)
{
	uint32 unknown = 0;

	for (uint32 i = 0; i < count; i++)
		unknown += isnan(purchases[i].amount);
	if (unknown > 0)
		return unknown == count ? HISTORY_NO_AMOUNTS : HISTORY_FLOAT8;
	for (int decimals = 0; decimals <= HISTORY_MAX_DECIMALS; decimals++)
		if (all_in_units(purchases, count, decimals))
			return (HistoryEncoding) decimals;
	return HISTORY_FLOAT8;
}

uint8 *
history_put_head(uint8 *at, HistoryEncoding encoding, uint32 count)
{
	*at++ = HISTORY_VERSION;
	*at++ = (uint8) encoding;
	return put_varint(at, count);
}

struct varlena *
history_pack(const Purchase *purchases, uint32 count)
{
	return history_pack_as(purchases, count, history_choose_encoding(purchases, count));
}

struct varlena *
history_pack_as(const Purchase *purchases, uint32 count, HistoryEncoding encoding)
{
	struct varlena *value = palloc(VARHDRSZ + HISTORY_HEAD_BYTES + (Size) count * HISTORY_PURCHASE_BYTES);
	uint8 *start = (uint8 *) VARDATA(value);
	uint8 *at = history_put_head(start, encoding, count);

	for (uint32 i = 0; i < count; i++)
	{
		at = put_varint(at,
						i == 0 ? zigzag_encode(purchases[i].day) : (uint32) (purchases[i].day - purchases[i - 1].day));
		at = history_put_amount(at, purchases[i].amount, encoding);
		if (unlikely(at == NULL))
			elog(ERROR, "an amount does not fit the encoding of its history");
	}
	SET_VARSIZE(value, VARHDRSZ + (at - start));
	return value;
}

/* Reads the head of the stored form. */
static inline void
read_head(HistoryReader *reader, struct varlena *value)
{
	reader->next = (const uint8 *) VARDATA_ANY(value);
	reader->end = reader->next + VARSIZE_ANY_EXHDR(value);
	if (reader->end - reader->next < 3)
		bytes_end_early();
	if (reader->next[0] != HISTORY_VERSION || reader->next[1] > HISTORY_NO_AMOUNTS)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unknown version %d or encoding %d of a stored purchase_history", reader->next[0],
						reader->next[1])));
	reader->encoding = (HistoryEncoding) reader->next[1];
	reader->next += 2;
	reader->left = (uint32) get_varint(&reader->next, reader->end);
}

void
history_start(HistoryReader *reader, struct varlena *value, DateADT until)
{
	if (unlikely(agg_state_in_place(value)))
	{
		HistoryState *state = (HistoryState *) PG_DETOAST_DATUM(PointerGetDatum(value));

		reader->next = state->bytes;
		reader->end = state->bytes + state->used;
		reader->encoding = (HistoryEncoding) state->encoding;
		reader->left = state->count;
	}
	else
		read_head(reader, value);
	reader->until = until;
	reader->units = 0;
	reader->amount = NAN;
	reader->next_day = reader->left == 0 ? 0 : (DateADT) zigzag_decode(get_varint(&reader->next, reader->end));
	reader->day = reader->next_day;
}

struct varlena *
history_state_pack(const HistoryState *state)
{
	if (state->sorted)
	{
		struct varlena *value = palloc(VARHDRSZ + HISTORY_HEAD_BYTES + state->used);
		uint8 *start = (uint8 *) VARDATA(value);
		uint8 *at = history_put_head(start, (HistoryEncoding) state->encoding, state->count);

		memcpy(at, state->bytes, state->used);
		SET_VARSIZE(value, VARHDRSZ + (at - start) + state->used);
		return value;
	}

	uint32 count;
	Purchase *purchases = history_unpack((struct varlena *) unconstify(HistoryState *, state), &count);
	struct varlena *value = history_pack_as(purchases, count, (HistoryEncoding) state->encoding);

	pfree(purchases);
	return value;
}

/* The stored form of a history in any form. */
static struct varlena *
history_stored(Datum history)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(history);

	if (agg_state_in_place(value))
		value = history_state_pack((HistoryState *) PG_DETOAST_DATUM(PointerGetDatum(value)));
	return value;
}

uint64
history_hash(Datum history, uint64 seed)
{
	struct varlena *value = history_stored(history);

	return hash_bytes_extended((const unsigned char *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), seed);
}

void
history_open(HistoryReader *reader, Datum history, DateADT until)
{
	history_start(reader, history_stored(history), until);
}

Purchase *
history_unpack(struct varlena *value, uint32 *count)
{
	HistoryReader reader;

	history_start(&reader, value, HISTORY_ALL);
	/* Do not allocate memory for a count that the bytes cannot contain; the first day is read already. */
	if (reader.left > reader.end - reader.next + 1)
		bytes_end_early();
	*count = reader.left;

	Purchase *purchases = palloc0(((Size) reader.left + 1) * sizeof(Purchase));

	for (uint32 i = 0; history_next(&reader); i++)
	{
		purchases[i].day = reader.day;
		purchases[i].amount = history_amount(&reader);
	}
	if (agg_state_in_place(value))
		history_sort(purchases, *count);
	return purchases;
}

/* Adds the amount of the purchase read last; true unless it is a refund. */
static inline bool
spend_add(Spend *spend, const HistoryReader *reader)
{
	if (likely(reader->encoding <= HISTORY_MAX_DECIMALS))
	{
		spend->units += reader->units;
		return reader->units >= 0;
	}
	if (isnan(reader->amount))
	{
		spend->unknown++;
		return true;
	}

	double sum = spend->high + reader->amount;
	double amount = sum - spend->high;

	spend->low += (spend->high - (sum - amount)) + (reader->amount - amount);
	spend->high = sum;
	return reader->amount >= 0;
}

void
spend_merge(Spend *spend, const Spend *other)
{
	double sum = spend->high + other->high;
	double part = sum - spend->high;

	spend->low += (spend->high - (sum - part)) + (other->high - part) + other->low;
	spend->high = sum;
	spend->units += other->units;
	spend->unknown += other->unknown;
}

/* Adds up the rest of the day whose first purchase was just read; its orders. */
static inline int64
read_day(HistoryReader *reader, Spend *spend)
{
	int64 orders = 0;

	do
		orders += spend_add(spend, reader);
	while (reader->next_day == reader->day && history_next(reader));
	return orders;
}

bool
history_next_day(HistoryReader *reader, PurchaseDay *day)
{
	if (!history_next(reader))
		return false;
	*day = (PurchaseDay){.day = reader->day};
	day->orders = read_day(reader, &day->spend);
	return true;
}

/* One body for both: without a sink the compiler removes the check. */
static pg_attribute_always_inline HistorySummary
summarise(Datum history, DateADT until, GapSink sink, void *context)
{
	HistorySummary summary = {.recorded_until = DATEVAL_NOBEGIN};
	HistoryReader reader;

	history_open(&reader, history, until);
	summary.encoding = reader.encoding;
	while (history_next(&reader))
	{
		int64 orders = read_day(&reader, &summary.total);

		summary.recorded_until = reader.day;
		if (orders == 0)
			continue;
		if (summary.transactions++ == 0)
		{
			summary.first = reader.day;
			summary.first_day = summary.total;
		}
		else if (sink != NULL)
			sink(context, reader.day - summary.last);
		summary.last = reader.day;
		summary.orders += orders;
	}
	summary.complete = reader.left == 0;
	return summary;
}

HistorySummary
history_summarise(Datum history, DateADT until)
{
	return summarise(history, until, NULL, NULL);
}

HistorySummary
history_summarise_gaps(Datum history, DateADT until, GapSink sink, void *context)
{
	return summarise(history, until, sink, context);
}
