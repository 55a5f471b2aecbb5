/*
 * holdout.h
 *	  clv_holdout: the forecasts of a model fitted to the orders until one day,
 *	  for the orders until another, and the actual numbers.
 *
 * As in a customer_base only the number of customers with the same data
 * matters; a transaction is a day with an order. So a holdout is a count map,
 * which merges exactly:
 *
 *	customers		(x, orders, t_x, first day) → customers acquired by calibration_until:
 *					x repeat transactions by then, the last t_x days after the first,
 *					and so many orders (transactions) after it, by holdout_until
 *	acquired later	(day) → customers whose first transaction was after calibration_until
 *	repeats			(day) → repeat transactions of all customers on that day
 *	gap				(days between two transactions until calibration_until) → how often
 *	spend			(x, bins of spend, t_x, first day) → those of the customers whose amounts
 *					are known, by the bins of what they spent on repeat transactions until
 *					calibration_until, and of what they spent after it
 *	spend before	(the same) → sum over them of δ = spend before / centre of the bin - 1
 *	spend after		(the same) → the same of spend after it
 *
 * Bins are those of a customer_base, plus 1; bin 0 has no spend before, or none above
 * zero after. δ is in fixed point, so that with its bin it is the spend to twelve
 * digits; in bin 0 the sum is of the spend itself, in units of 2^-20.
 *
 * Nearly all customers have a cell of spend of their own. Of more than 2^19 customers
 * half of the cells are kept, of more than 2^20 a quarter, and so on, each for as many
 * more customers; cells without any spend, which are few, are all kept. Which they are
 * depends on a hash of their numbers and on how many customers there are at last, so
 * that it depends neither on the order of customers nor on how they are split.
 *
 * Customers without a transaction by holdout_until are left out. The final
 * function fits the model to the customers as of calibration_until; the final
 * value contains it.
 */
#ifndef BACKTEST_HOLDOUT_H
#define BACKTEST_HOLDOUT_H

#include "compat.h"

#include "utils/date.h"

#include "clv_model/clv_model.h"
#include "support/count_map.h"

typedef enum HoldoutKind
{
	HOLDOUT_CUSTOMERS = 1,
	HOLDOUT_ACQUIRED_LATER,
	HOLDOUT_REPEATS,
	HOLDOUT_GAP,
	HOLDOUT_SPEND,
	HOLDOUT_SPEND_BEFORE,
	HOLDOUT_SPEND_AFTER,
} HoldoutKind;

#define HOLDOUT_LAST_KIND HOLDOUT_SPEND_AFTER

/* The maximum length of a history. */
#define HOLDOUT_MAX_X 0xFFFFFF

/* The group of an entry: kind (8 bits), x (24), orders (32). */
static inline uint64
holdout_group(HoldoutKind kind, uint32 x, uint32 orders)
{
	return (uint64) kind << 56 | (uint64) x << 32 | orders;
}

static inline HoldoutKind
holdout_kind(const CountEntry *entry)
{
	return (HoldoutKind) (entry->group >> 56);
}

static inline uint32
holdout_x(const CountEntry *entry)
{
	return (uint32) (entry->group >> 32) & HOLDOUT_MAX_X;
}

static inline uint32
holdout_orders(const CountEntry *entry)
{
	return (uint32) entry->group;
}

/* Entries of spend: the bins of spend in the calibration and after it, 16 bits each, are where others have orders. */
static inline uint32
holdout_bins(uint32 before, uint32 after)
{
	return before << 16 | after;
}

static inline uint32
holdout_bin_before(const CountEntry *entry)
{
	return (uint32) entry->group >> 16;
}

static inline uint32
holdout_bin_after(const CountEntry *entry)
{
	return (uint32) entry->group & 0xFFFF;
}

/* The same cell, as an entry of another kind of spend. */
static inline uint64
holdout_spend_group(const CountEntry *entry, HoldoutKind kind)
{
	return (entry->group & ((UINT64CONST(1) << 56) - 1)) | (uint64) kind << 56;
}

/* The mean spend of the customers of a bin, and what one of them adds to the sum. */
extern double holdout_mean_spend(uint32 bin, int64 customers, int64 sum);
extern uint32 holdout_spend_bin(double spend, int64 *deviation);

/* The detail: t_x above (0 of entries that are a day only), the day (shifted so that it sorts as unsigned) below. */
static inline uint64
holdout_detail(uint32 t_x, DateADT day)
{
	return (uint64) t_x << 32 | ((uint32) day ^ 0x80000000U);
}

static inline uint32
holdout_t_x(const CountEntry *entry)
{
	return (uint32) (entry->detail >> 32);
}

static inline DateADT
holdout_day(const CountEntry *entry)
{
	return (DateADT) ((uint32) entry->detail ^ 0x80000000U);
}

/* The days and the model of the comparison. */
typedef struct HoldoutHead
{
	DateADT calibration_until;
	DateADT holdout_until;
	int32 model_id; /* of the requested model; HOLDOUT_AUTO: the best one */
	int32 season;   /* 0: none; what it goes by (SeasonBy), plus 1: one that is estimated with the model */
} HoldoutHead;

#define HOLDOUT_AUTO 0

/* A holdout as a transition state: the same SQL type. */
typedef struct HoldoutState
{
	CountMap map;
	HoldoutHead head;
} HoldoutState;

/* Of so many customers all cells of spend are kept. */
#define HOLDOUT_MAX_SPENDERS (INT64CONST(1) << 19)

/* Of so many customers, how many each cell of spend stands for; how many those of an entry stand for, 0: it is not kept. */
extern int64 holdout_sample_weight(int64 customers);
extern int64 holdout_spend_weight(const CountEntry *entry, int64 sample_weight);

/* The customers of sorted entries. */
extern int64 holdout_customer_count(const CountEntry *entries, uint32 count);

/* Drops the cells of spend that are not kept; to be called before the entries of a state are used. */
extern void holdout_state_sample(HoldoutState *state);

extern const CountMapType holdout_map_type;

extern HoldoutState *holdout_state_make(const HoldoutHead *head, MemoryContext parent);

/*
 * The stored form is a string of bytes: version byte, model (1 byte), in version 2 the season (1 byte),
 * calibration_until (varint, zigzag-encoded), days from then to holdout_until
 * (varint), length of the fitted model (varint; 0: none), the stored form of
 * the model, and the entries (see support/count_map.h).
 */
#define HOLDOUT_VERSION 1
#define HOLDOUT_VERSION_SEASON 2

typedef struct HoldoutReader
{
	const uint8 *next;
	const uint8 *end;
	uint32 left; /* entries not yet read */
	HoldoutHead head;
	const ClvModel *fit; /* NULL: not fitted yet */
	CountEntry entry;    /* the one read last */
} HoldoutReader;

/* Accepts a value that may be toasted or a transition state. */
extern void holdout_open(HoldoutReader *reader, Datum holdout);
extern bool holdout_next(HoldoutReader *reader);

/* The stored form of sorted entries; fit may be NULL. */
extern struct varlena *holdout_pack(const CountEntry *entries, uint32 count, const HoldoutHead *head,
									const ClvModel *fit);

/* The error in sorted entries from untrusted input; NULL if they are valid. */
extern const char *holdout_problem(const CountEntry *entries, uint32 count, const HoldoutHead *head,
								   const ClvModel *fit);

/* The model of this name: its number, HOLDOUT_AUTO, or -1 if there is none that can be compared in days. */
extern int holdout_model_id(const char *name);
extern const char *holdout_model_name(int model_id);

#endif /* BACKTEST_HOLDOUT_H */
