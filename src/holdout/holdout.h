/*
 * holdout.h
 *	  clv_holdout: what a model, fitted on the orders until one day, foretells of
 *	  those until another, and what came.
 *
 * As in a customer_base it does not matter who a customer is, only how many have
 * the same numbers; a transaction is a day with an order. So a holdout is a tally
 * of whole numbers, which merge exactly:
 *
 *	customers		(x, orders, t_x, first day) → customers acquired by calibration_until:
 *					x repeat transactions by then, the last t_x days after the first,
 *					and so many orders (transactions) after it, by holdout_until
 *	acquired later	(day) → customers whose first transaction was after calibration_until
 *	repeats			(day) → repeat transactions of all customers on that day
 *	gap				(days between two transactions until calibration_until) → how often
 *
 * Whoever has no transaction by holdout_until is left out. The model is fitted on
 * the customers, as they stood on calibration_until, when all are counted: the
 * finished value contains it.
 */
#ifndef HOLDOUT_HOLDOUT_H
#define HOLDOUT_HOLDOUT_H

#include "compat.h"

#include "utils/date.h"

#include "clv/clv.h"
#include "value/tally.h"

typedef enum HoldoutKind
{
	HOLDOUT_CUSTOMERS = 1,
	HOLDOUT_ACQUIRED_LATER,
	HOLDOUT_REPEATS,
	HOLDOUT_GAP
} HoldoutKind;

/* No history is longer. */
#define HOLDOUT_MAX_X 0xFFFFFF

/* The group of an entry: kind (8 bits), x (24), orders (32). */
static inline uint64
holdout_group(HoldoutKind kind, uint32 x, uint32 orders)
{
	return (uint64) kind << 56 | (uint64) x << 32 | orders;
}

static inline HoldoutKind
holdout_kind(const TallyEntry *entry)
{
	return (HoldoutKind) (entry->group >> 56);
}

static inline uint32
holdout_x(const TallyEntry *entry)
{
	return (uint32) (entry->group >> 32) & HOLDOUT_MAX_X;
}

static inline uint32
holdout_orders(const TallyEntry *entry)
{
	return (uint32) entry->group;
}

/* The detail: t_x above (0 of entries that are a day only), the day (shifted so that it sorts as unsigned) below. */
static inline uint64
holdout_detail(uint32 t_x, DateADT day)
{
	return (uint64) t_x << 32 | ((uint32) day ^ 0x80000000U);
}

static inline uint32
holdout_t_x(const TallyEntry *entry)
{
	return (uint32) (entry->detail >> 32);
}

static inline DateADT
holdout_day(const TallyEntry *entry)
{
	return (DateADT) ((uint32) entry->detail ^ 0x80000000U);
}

/* What is compared with what. */
typedef struct HoldoutHead
{
	DateADT		calibration_until;
	DateADT		holdout_until;
	int32		model_id;		/* of the model asked for; HOLDOUT_AUTO: the best one */
} HoldoutHead;

#define HOLDOUT_AUTO 0

/* A holdout as it grows in an aggregate: the same SQL type. */
typedef struct HoldoutState
{
	Tally		tally;
	HoldoutHead head;
} HoldoutState;

extern const TallyType holdout_tally;

extern HoldoutState *holdout_state_make(const HoldoutHead *head, MemoryContext parent);

/*
 * The stored form is a string of bytes: version byte, model (1 byte),
 * calibration_until (varint, sign folded), days from then to holdout_until
 * (varint), length of the fitted model (varint; 0: none), the model as it is
 * stored itself, and the entries (see value/tally.h).
 */
#define HOLDOUT_VERSION 1

typedef struct HoldoutReader
{
	const uint8 *next;
	const uint8 *end;
	uint32		left;			/* entries not yet read */
	HoldoutHead head;
	const ClvModel *fit;		/* NULL: nothing is fitted yet */
	TallyEntry	entry;			/* the one read last */
} HoldoutReader;

/* Takes a value that may be toasted or still growing. */
extern void holdout_open(HoldoutReader *reader, Datum holdout);
extern bool holdout_next(HoldoutReader *reader);

/* The stored form of sorted entries; fit may be NULL. */
extern struct varlena *holdout_pack(const TallyEntry *entries, uint32 count,
									const HoldoutHead *head, const ClvModel *fit);

/* What is wrong with sorted entries that came from outside; NULL: nothing. */
extern const char *holdout_problem(const TallyEntry *entries, uint32 count,
								   const HoldoutHead *head, const ClvModel *fit);

/* The model of this name: its number, HOLDOUT_AUTO, or -1 if there is none that can be compared in days. */
extern int	holdout_model_id(const char *name);
extern const char *holdout_model_name(int model_id);

#endif							/* HOLDOUT_HOLDOUT_H */
