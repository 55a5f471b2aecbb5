/*
 * history.h
 *	  purchase_history: one customer's purchases, compact and exact.
 *
 * A history is the sorted multiset of (day, amount). Nothing is aggregated, so
 * it does not depend on the order of rows, merges exactly, and every number is
 * computed when it is read. The terms:
 *
 *	purchase		one row: a day and an amount, which may be unknown
 *	refund			a row with a negative amount: it lowers spend on its day and
 *					is nothing else
 *	order			a row that is no refund
 *	transaction		a day with at least one order: what the models count
 */
#ifndef HISTORY_HISTORY_H
#define HISTORY_HISTORY_H

#include <math.h>

#include "compat.h"

#include "utils/date.h"

#include "support/bytes.h"
#include "support/calendar.h"

typedef struct Purchase
{
	double amount; /* NaN: not known */
	DateADT day;
	int32 unused; /* always zero */
} Purchase;

/*
 * The stored form is a string of bytes, the same on every platform:
 *
 *	version 1 byte, 1 encoding 1 byte, HistoryEncoding count varint first day
 *	zigzag varint, days since 2000-01-01 first amount see HistoryEncoding then
 *	for each further purchase: days since the one before (varint), amount
 *
 * Equal histories have equal bytes: the purchases are sorted by day, then
 * amount (unknown last), and the encoding is the first that holds all amounts.
 */
#define HISTORY_VERSION 1

typedef enum HistoryEncoding
{
	/* 0 to 4: integer multiples of 10^-encoding, as zigzag varints */
	HISTORY_MAX_DECIMALS = 4,
	HISTORY_FLOAT8,     /* 8 bytes, lowest first; NaN: not known */
	HISTORY_NO_AMOUNTS, /* no bytes: no amount is known */
} HistoryEncoding;

/* Decimal amounts have at most so many units, so that the units of a history add up in an int64. */
#define HISTORY_MAX_UNITS (INT64CONST(1) << 36)

/*
 * The number of purchases that can be read back from text with any amounts:
 * the server's JSON arrays are limited to 256 MB.
 */
#define HISTORY_MAX_PURCHASES 1000000

/*
 * A sum of amounts: exact for decimal ones, which are added in whole units;
 * for others an unevaluated sum of two doubles (Knuth's TwoSum), good to about
 * thirty digits of the largest amount. A sum with an unknown part is unknown.
 */
typedef struct Spend
{
	int64 units;
	double high, low;
	uint32 unknown; /* amounts that are not known */
} Spend;

/* The totals of one day. */
typedef struct PurchaseDay
{
	DateADT day;
	int64 orders; /* none: nothing but refunds, no transaction */
	Spend spend;  /* net of refunds */
} PurchaseDay;

/* Reads the purchases of a stored history in order. */
typedef struct HistoryReader
{
	const uint8 *next;
	const uint8 *end;
	uint32 left; /* purchases not yet read */
	HistoryEncoding encoding;
	DateADT until;    /* reading stops after this day */
	DateADT next_day; /* the day of the purchase that comes next, if any is left */
	DateADT day;      /* the purchase read last: its day, */
	int64 units;      /* its amount, if the encoding is decimal, */
	double amount;    /* or else */
} HistoryReader;

/* What the models and the accessors need, from one pass over a history. */
typedef struct HistorySummary
{
	int64 orders;
	int32 transactions;
	DateADT first; /* first and last transaction, if there is one */
	DateADT last;
	DateADT recorded_until; /* the last day with an order or a refund; DATEVAL_NOBEGIN: there is none */
	Spend total;            /* everything, refunds included */
	Spend first_day;        /* up to and including the first transaction's day */
	HistoryEncoding encoding;
	bool complete; /* nothing happened after the day it was read to */
} HistorySummary;

extern const double history_unit_scale[HISTORY_MAX_DECIMALS + 1];

/* The amount as a whole number of units of 10^-decimals, if it is exactly that. */
static inline bool
amount_in_units(double amount, int decimals, int64 *units)
{
	double scaled = amount * history_unit_scale[decimals];

	if (!(fabs(scaled) < HISTORY_MAX_UNITS))
		return false;
	*units = (int64) (scaled + copysign(0.5, scaled));
	return (double) *units / history_unit_scale[decimals] == amount;
}

/* The stored form of sorted purchases; the second is for callers that know the encoding. */
extern struct varlena *history_pack(const Purchase *purchases, uint32 count);
extern struct varlena *history_pack_as(const Purchase *purchases, uint32 count, HistoryEncoding encoding);

/* The purchases of a value in either form, sorted, in the caller's memory with space for one more. */
extern Purchase *history_unpack(struct varlena *value, uint32 *count);

/* The first encoding that holds all amounts. */
extern HistoryEncoding history_choose_encoding(const Purchase *purchases, uint32 count);

/* Writes what comes before the first purchase, at most HISTORY_HEAD_BYTES. */
#define HISTORY_HEAD_BYTES 7
extern uint8 *history_put_head(uint8 *at, HistoryEncoding encoding, uint32 count);

/* Writes an amount; NULL if the encoding does not hold it. With its day a purchase takes at most so many bytes. */
#define HISTORY_PURCHASE_BYTES 13
static inline uint8 *
history_put_amount(uint8 *at, double amount, HistoryEncoding encoding)
{
	int64 units;

	if (likely(encoding <= HISTORY_MAX_DECIMALS))
		return amount_in_units(amount, encoding, &units) ? put_varint(at, zigzag_encode(units)) : NULL;
	if (encoding == HISTORY_FLOAT8)
		return put_float8(at, isnan(amount) ? NAN : amount);
	return isnan(amount) ? at : NULL;
}

/* Sorts by day, then amount, unknown amounts last. */
extern void history_sort(Purchase *purchases, uint32 count);
extern int history_compare(const Purchase *a, const Purchase *b);

/* Begins to read the purchases up to and including a day. Takes any form, toasted or not. */
extern void history_open(HistoryReader *reader, Datum history, DateADT until);

/* The same up to, but not including, a day, which may be infinite. */
extern void history_open_window(HistoryReader *reader, Datum history, DateADT until);

/* Begins to read the purchases in the order of the value. */
extern void history_start(HistoryReader *reader, struct varlena *value, DateADT until);

extern bool history_next_day(HistoryReader *reader, PurchaseDay *day);
extern HistorySummary history_summarise(Datum history, DateADT until);

/* The same, passing to the sink for every transaction after the first the days since the one before. */
typedef void (*GapSink)(void *context, int32 days);
extern HistorySummary history_summarise_gaps(Datum history, DateADT until, GapSink sink, void *context);

/*
 * The same in calendar periods: a transaction is a period with an order, first
 * and last are the first days of their periods, and the sink gets numbers of
 * periods.
 */
extern HistorySummary history_summarise_periods(Datum history, DateADT until, Period period, GapSink sink,
												void *context);

/* A hash of the history, the same for equal histories in either form. */
extern uint64 history_hash(Datum history, uint64 seed);

/* Adds one sum of amounts to another of the same history. */
extern void spend_merge(Spend *spend, const Spend *other);

#define HISTORY_ALL DATEVAL_NOEND

/*
 * The number that a sum of amounts stands for: zero for no amounts, NaN if one
 * is not known, infinite if it is out of range.
 */
static inline double
spend_value(const Spend *spend, HistoryEncoding encoding)
{
	if (spend->unknown)
		return NAN;
	if (encoding <= HISTORY_MAX_DECIMALS)
		return (double) spend->units / history_unit_scale[encoding];

	double sum = spend->high + spend->low;

	return isnan(sum) ? INFINITY : sum; /* the result of overflow */
}

/* Net spend after the first transaction's day; NaN where an amount is not known. */
static inline double
history_repeat_spend(const HistorySummary *summary)
{
	Spend repeat = {
		.units = summary->total.units - summary->first_day.units,
		.high = summary->total.high - summary->first_day.high,
		.low = summary->total.low - summary->first_day.low,
		.unknown = summary->total.unknown - summary->first_day.unknown,
	};

	return spend_value(&repeat, summary->encoding);
}

/* The mean gap between transactions; NaN of fewer than two. */
static inline double
history_days_between_orders(const HistorySummary *summary)
{
	return summary->transactions < 2 ? NAN : (double) (summary->last - summary->first) / (summary->transactions - 1);
}

/* Reads one purchase; false at the end. The reader holds it, and knows the day of the one after. */
static inline bool
history_next(HistoryReader *reader)
{
	if (reader->left == 0 || reader->next_day > reader->until)
		return false;
	reader->day = reader->next_day;

	if (likely(reader->encoding <= HISTORY_MAX_DECIMALS))
		reader->units = zigzag_decode(get_varint(&reader->next, reader->end));
	else if (reader->encoding == HISTORY_FLOAT8)
		reader->amount = get_float8(&reader->next, reader->end);

	if (--reader->left > 0)
		reader->next_day += (DateADT) get_varint(&reader->next, reader->end);
	return true;
}

/* The amount of the purchase read last; NaN where it is not known. */
static inline double
history_amount(const HistoryReader *reader)
{
	return likely(reader->encoding <= HISTORY_MAX_DECIMALS)
		? (double) reader->units / history_unit_scale[reader->encoding]
		: reader->amount;
}

#endif /* HISTORY_HISTORY_H */
