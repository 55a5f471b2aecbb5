/*
 * audit.h
 *	  period_audit and period_change: what every customer did in one period, or
 *	  in two, after Fader, Hardie & Ross, The Customer-Base Audit (2022).
 *
 * Only the number of customers with the same data matters. So both are
 * multisets of rows of integers, which merge exactly:
 *
 *	period_audit	spend, profit, orders
 *	period_change	the same in the first period, the same in the second, and
 *					whether the first order ever was before the second period
 *
 * A customer without an order in any period has a row only if there are
 * amounts, such as a refund of an earlier order: totals match the ledger.
 *
 * An amount is a whole number of units of 10^-4, if all amounts of the value
 * are exactly that and smaller than 2^50 units; otherwise all are doubles, in
 * the order-preserving form of their bits. Either way the stored form depends
 * only on the customers, not on their order or on how they were split.
 *
 * Memory of a state: 8 * (words + 1) bytes (32 for period_audit, 64 for
 * period_change) for each row, of which there are at most eight times as many
 * as different ones; twice that while it is sorted. The stored form takes about
 * 8 (16) bytes for each different row.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include "compat.h"

#include "utils/date.h"

#include "history/history.h"
#include "numerics/sum.h"
#include "support/count_map.h"

/* Measures, as indices of their words in a row; those of the second period follow in the same order. */
typedef enum AuditMeasure
{
	AUDIT_SPEND,
	AUDIT_PROFIT,
	AUDIT_ORDERS,
	AUDIT_MEASURES,
} AuditMeasure;

/* Of a period_change, behind the measures: 1, or 0 if the first order ever was in or after the second period. */
#define AUDIT_KNOWN (2 * AUDIT_MEASURES)
#define AUDIT_MAX_WORDS (2 * AUDIT_MEASURES + 1)

#define AUDIT_DECIMALS 4
#define AUDIT_UNIT 10000.0
#define AUDIT_MAX_UNITS (INT64CONST(1) << 50)

/* Input may not count more than this, so that sums are exact in a double. */
#define AUDIT_MAX_COUNT (INT64CONST(1) << 53)

/* The parameters of a value. */
typedef struct AuditHead
{
	int periods; /* 0: counts from a table of customers */
	bool has_profit;
	DateADT since[2];
	DateADT until[2]; /* half-open */
} AuditHead;

/* One of the two types. */
typedef struct AuditType
{
	CountMapType map;
	int words; /* of a row; the number of customers is behind them */
	int most_periods;
	int members; /* numbers of a row in the text form, the number of customers last */
} AuditType;

extern const AuditType audit_type;
extern const AuditType change_type;

/* The transition state: the same SQL type, an expanded object like every count map. */
typedef struct AuditState
{
	CountMap map;
	const AuditType *type;
	AuditHead head;
	int64 left_out; /* customers with an amount that is not known */
	bool floats;    /* amounts are doubles */
	int64 *rows;
	Size capacity; /* for so many rows */
	Size used;
	Size distinct; /* so many, from the first, are in order, each once */
} AuditState;

/* An integer number of units, or of orders; otherwise a double. */
typedef struct AuditWord
{
	int64 units;
	double value; /* if it is not exact */
	bool exact;
} AuditWord;

static inline bool
audit_is_money(int word)
{
	return word < 2 * AUDIT_MEASURES && word % AUDIT_MEASURES != AUDIT_ORDERS;
}

static inline AuditWord
audit_count(int64 count)
{
	return (AuditWord){.units = count, .exact = true};
}

/* The same, inline, for the loop over customers. */
static inline void
audit_set_count(AuditWord *word, int64 count)
{
	word->units = count;
	word->exact = true;
}

/* A finite amount. */
static inline AuditWord
audit_amount(double amount)
{
	double scaled = amount * AUDIT_UNIT;
	AuditWord word = {.value = amount};

	if (fabs(scaled) < (double) AUDIT_MAX_UNITS - 1)
	{
		word.units = (int64) (scaled + copysign(0.5, scaled));
		word.exact = (double) word.units / AUDIT_UNIT == amount;
	}
	return word;
}

/* A sum of amounts of a history; false if it is not known or out of range. */
extern bool audit_spend(const Spend *spend, HistoryEncoding encoding, AuditWord *word);

extern AuditState *audit_state_make(const AuditType *type, const AuditHead *head, MemoryContext parent);

/* The state of an aggregate in the first argument; otherwise a new one with its contents. */
extern AuditState *audit_state_argument(FunctionCallInfo fcinfo, const AuditType *type, const AuditHead *head);

/* Adds customers with the same data. */
extern void audit_add(AuditState *state, const AuditWord *row, int64 customers);
extern void audit_leave_out(AuditState *state, int64 customers);

typedef struct AuditView AuditView;

/* Adds another value. */
extern void audit_merge(AuditState *state, const AuditView *view);

/* Sorts rows by their words, the first above all. */
extern void audit_sort(int64 *rows, Size count, int words);

/*
 * The stored form: version byte; flags byte (1: doubles, 2: profit, 4: times
 * the number of periods); decimals of the units (1 byte); for each period
 * since (varint, zigzag-encoded) and days until its end (varint); customers left
 * out (varint); number of rows (varint); and the rows in order: the first word's
 * distance from the one before (varint; of the first row, the word itself with
 * its zigzag-encoded), the other words (varint, zigzag-encoded; doubles 8 bytes) and
 * the number of customers (varint).
 */
#define AUDIT_VERSION 1

/* A value while it is read: all rows. */
struct AuditView
{
	AuditHead head;
	int64 left_out;
	bool floats;
	double scale; /* units of an amount */
	int words;
	int64 *rows; /* of words + 1 */
	Size count;
};

extern AuditView audit_view(Datum value, const AuditType *type);

static inline const int64 *
audit_row(const AuditView *view, Size argno)
{
	return view->rows + argno * (view->words + 1);
}

static inline int64
audit_customers(const AuditView *view, const int64 *row)
{
	return row[view->words];
}

/* Maps doubles to integers of the same order, and back: the bits of negative ones are inverted. */
static inline int64
audit_sortable(double value)
{
	int64 bits;

	value += 0.0; /* minus zero becomes zero */
	memcpy(&bits, &value, sizeof(bits));
	return bits < 0 ? bits ^ PG_INT64_MAX : bits;
}

static inline double
audit_unsortable(int64 bits)
{
	double value;

	bits = bits < 0 ? bits ^ PG_INT64_MAX : bits;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* An amount of a row, in units of the view; or a number of orders. */
static inline double
audit_units(const AuditView *view, const int64 *row, int word)
{
	return view->floats && audit_is_money(word) ? audit_unsortable(row[word]) : (double) row[word];
}

/* The same as a number in the unit of the currency. */
static inline double
audit_value(const AuditView *view, const int64 *row, int word)
{
	double units = audit_units(view, row, word);

	return audit_is_money(word) ? units / view->scale : units;
}

/* Adds a measure of a number of customers; exact as long as all units are less than 2^53. */
static inline void
audit_sum(Sum *sum, double units, int64 customers)
{
	sum_add(sum, units * (double) customers);
}

/* Checks that two values have the same parameters; raises an error if not. */
extern void audit_check_same(const AuditType *type, const AuditHead *a, const AuditHead *b);

/* Check that a day of a period is finite, and that a period is not empty. */
extern void audit_period_argument(FunctionCallInfo fcinfo, int argno, const char *const names[2], AuditHead *head,
								  int period);

#endif /* AUDIT_AUDIT_H */
