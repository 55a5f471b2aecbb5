/*
 * base.h
 *	  customer_base: the population's sufficient statistics, without loss.
 *
 * The likelihoods of the models do not ask who a customer is, only how many
 * customers have the same numbers. So a base is a map from keys to whole
 * numbers, and merging two bases adds them: the order of customers and the
 * way they are split among processes cannot matter. The keys are
 *
 *	timing			(class, x, t_x, first day) → customers
 *	spend			(x, net spend on repeat transactions) → customers with x > 0
 *	spend bin		(x, bin, k) → sum of δ^k over the customers of the bin
 *	left out		(reason) → customers
 *	gap				(days between two transactions of a customer) → how often
 *	covariate		(class, place) → the number itself, as bits
 *
 * A class is made of the customers with equal covariates; without covariates
 * there is one. The classes of a stored base are numbered in the order of their
 * covariates, so that equal bases have equal bytes.
 *
 * A base counts days, or, for models of discrete time, calendar periods: then
 * a transaction is a period with at least one order, t_x and gaps are numbers of
 * periods, and the first day is that of the first period.
 *
 * A base holds exact spend up to BASE_MAX_SPENDS different pairs (x, spend),
 * so for up to that many customers in any case. With more, all spend is kept
 * in bins of 1/32 octave instead: for k = 0 … 3 the sums of the powers of
 * δ = spend/centre - 1, in fixed point. A function as smooth as log(γ + spend)
 * then has a relative error of about δ^4/4 ≤ 2^-26 in its fourth-order term
 * alone, and the fit differs from the exact one by far less than 1e-6. Whether
 * a base has bins depends on its customers only.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <float.h>
#include <math.h>

#include "compat.h"

#include "utils/array.h"
#include "utils/date.h"

#include "value/period.h"
#include "value/tally.h"

#ifndef BASE_MAX_SPENDS
#define BASE_MAX_SPENDS 100000
#endif

/* Input may not count more customers than this, so that their sum is exact in a double. */
#define BASE_MAX_CUSTOMERS ((double) (INT64CONST(1) << 53))

/* Room for the sums of powers of δ: 2^-40 is the unit. */
#define BASE_MOMENT_SCALE ((double) (INT64CONST(1) << 40))
#define BASE_MOMENTS 4

typedef enum BaseKind
{
	BASE_TIMING = 1,
	BASE_SPEND,
	BASE_SPEND_BIN,
	BASE_LEFT_OUT,
	BASE_GAP,
	BASE_COVARIATE
} BaseKind;

/* Why a customer is not, or not wholly, in the base. */
typedef enum BaseLeftOut
{
	LEFT_OUT_NO_ORDERS,			/* no order by the end of observation: not in the base */
	LEFT_OUT_NO_SPEND,			/* net spend on repeat transactions not positive: not in the spend model */
	LEFT_OUT_NO_AMOUNTS,		/* amounts unknown: not in the spend model */
	LEFT_OUT_NO_COVARIATES,		/* a covariate is NULL or no number: not in the base */
	LEFT_OUT_REASONS
} BaseLeftOut;

/*
 * One entry of the map. The group is made of kind (8 bits), class (24) and x (32);
 * the detail is the rest of the key, see the functions below.
 */
typedef TallyEntry BaseEntry;

extern const TallyType base_tally;

#define BASE_MAX_CLASSES (1 << 24)
#define BASE_MAX_COVARIATES 10

static inline uint64
base_group(BaseKind kind, uint32 class, uint32 x)
{
	return (uint64) kind << 56 | (uint64) class << 32 | x;
}

static inline BaseKind
entry_kind(const BaseEntry *entry)
{
	return (BaseKind) (entry->group >> 56);
}

static inline uint32
entry_class(const BaseEntry *entry)
{
	return (uint32) (entry->group >> 32) & (BASE_MAX_CLASSES - 1);
}

/* x of timing and spend, the place of a covariate; 0 of the others. */
static inline uint32
entry_x(const BaseEntry *entry)
{
	return (uint32) entry->group;
}

/* Timing: t_x above, the first day (shifted so that it sorts as unsigned) below. */
static inline uint64
timing_detail(uint32 t_x, DateADT first)
{
	return (uint64) t_x << 32 | ((uint32) first ^ 0x80000000U);
}

static inline uint32
timing_t_x(const BaseEntry *entry)
{
	return (uint32) (entry->detail >> 32);
}

static inline DateADT
timing_first(const BaseEntry *entry)
{
	return (DateADT) ((uint32) entry->detail ^ 0x80000000U);
}

/* Spend: the bits of a positive double, which sort as it does. */
static inline uint64
spend_detail(double spend)
{
	uint64		bits;

	memcpy(&bits, &spend, sizeof(bits));
	return bits;
}

static inline double
spend_of(const BaseEntry *entry)
{
	double		spend;

	memcpy(&spend, &entry->detail, sizeof(spend));
	return spend;
}

/* Spend bins: the bin, then the power of δ. */
static inline uint64
bin_detail(uint32 bin, int power)
{
	return (uint64) bin * BASE_MOMENTS + power;
}

static inline uint32
entry_bin(const BaseEntry *entry)
{
	return (uint32) (entry->detail / BASE_MOMENTS);
}

static inline int
entry_power(const BaseEntry *entry)
{
	return (int) (entry->detail % BASE_MOMENTS);
}

/* Covariates: the bits of a finite double, kept as if they were a number. Zero is not kept. */
static inline int64
covariate_value(double covariate)
{
	int64		bits;

	memcpy(&bits, &covariate, sizeof(bits));
	return bits;
}

static inline double
covariate_of(const BaseEntry *entry)
{
	double		covariate;

	memcpy(&covariate, &entry->value, sizeof(covariate));
	return covariate;
}

/* The bin of a positive amount, and a bin's centre. */
extern uint32 base_bin(double spend);
extern double base_bin_centre(uint32 bin);
#define BASE_BINS ((uint32) (DBL_MAX_EXP - DBL_MIN_EXP + 1) * 32)

/* What a base says before its entries. */
typedef struct BaseHead
{
	DateADT		until;			/* end of observation; DATEVAL_NOBEGIN if none was given */
	Period		period;			/* what it counts in */
	int			covariates;		/* of each customer */
} BaseHead;

/*
 * The stored form is a string of bytes, the same on every platform: version
 * byte, period (1 byte), number of covariates (1 byte), end of observation
 * (varint, sign folded), and the entries (see value/tally.h).
 */
#define BASE_VERSION 1

typedef struct BaseReader
{
	const uint8 *next;
	const uint8 *end;
	uint32		left;			/* entries not yet read */
	BaseHead	head;
	BaseEntry	entry;			/* the one read last */
} BaseReader;

extern void base_open(BaseReader *reader, Datum base);
extern bool base_next(BaseReader *reader);

/* The stored form of sorted entries. */
extern struct varlena *base_pack(const BaseEntry *entries, uint32 count, const BaseHead *head);

/* What is wrong with sorted entries that came from outside; NULL: nothing. */
extern const char *base_problem(const BaseEntry *entries, uint32 count, const BaseHead *head);

/* The day on which something t_x days (or periods) after the first one happened, or its period began. */
extern int64 base_day_after(const BaseHead *head, DateADT first, uint32 t_x);

/* The totals that diagnostics show and fits ask for. */
typedef struct BaseTotals
{
	int64		customers;		/* with at least one order */
	int64		repeaters;		/* with x > 0 */
	double		repeat_orders;	/* sum of x */
	double		gaps;			/* between transactions, that are counted: as many, if they are known */
	double		log_gaps;		/* the sum of their logarithms */
	uint32		classes;		/* of customers with equal covariates */
	int64		left_out[LEFT_OUT_REASONS];
	DateADT		last_day;		/* of the last order of anyone, or the first of its period */
	DateADT		observed_until; /* given end of observation, or the last day, or the last of its period */
	BaseHead	head;
} BaseTotals;

extern BaseTotals base_totals(Datum base);

/*
 * The covariates of one customer, for which there must be room for
 * BASE_MAX_COVARIATES; returns how many, or -1 if one is NULL or no number. An
 * array that is no list of 1 to BASE_MAX_COVARIATES is an error.
 */
extern int	covariates_of_array(ArrayType *array, double *covariates);

/* The covariates of all classes, row by row; there are totals.classes rows. */
extern double *base_covariates(Datum base, uint32 *classes);

/* Are two of these rows of covariates the same? */
extern bool base_class_twice(const double *covariates, uint32 classes, int columns);

/*
 * Numbers the classes of these entries in the order of their covariates, of which
 * there are so many rows and columns, and sorts the entries. There must be room
 * for the covariates, which are added.
 */
extern void base_order_classes(const double *covariates, uint32 classes, int columns,
							   BaseEntry *entries, uint32 *count);

#endif							/* BASE_BASE_H */
