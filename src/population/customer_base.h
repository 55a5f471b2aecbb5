/*
 * customer_base.h
 *	  customer_base: the exact sufficient statistics of a population.
 *
 * The likelihoods of the models depend only on how many customers have the
 * same numbers. So a base is a map from keys to integers, and merging two
 * bases adds them: the result does not depend on the order of customers or on
 * how they are split among processes. The keys are
 *
 *	timing			(class, x, t_x, first day) → customers
 *	spend			(x, net spend on repeat transactions) → customers with x > 0
 *	spend bin		(x, bin, k) → sum of δ^k over the customers of the bin
 *	left out		(reason) → customers
 *	gap				(days between two transactions of a customer) → how often
 *	covariate		(class, place) → the number itself, as bits
 *
 * A class consists of the customers with equal covariates; without covariates
 * there is one. The classes of a stored base are numbered in the order of
 * their covariates, so that equal bases have equal bytes.
 *
 * A base counts days, or, for models of discrete time, calendar periods: then
 * a transaction is a period with at least one order, t_x and gaps are numbers of
 * periods, and the first day is that of the first period.
 *
 * A base holds exact spend up to BASE_MAX_SPENDS different pairs (x, spend),
 * so for up to that many customers in any case. With more, all spend is kept
 * in bins of 1/32 octave instead: for k = 0 … 3 the sums of the powers of δ =
 * spend/centre - 1, in fixed point. A function as smooth as log(γ + spend)
 * then has a relative error of about δ^4/4 ≤ 2^-26 in its fourth-order term
 * alone, and the fit differs from the exact one by far less than 1e-6. Whether
 * a base has bins depends only on its customers.
 */
#ifndef POPULATION_CUSTOMER_BASE_H
#define POPULATION_CUSTOMER_BASE_H

#include <float.h>
#include <math.h>

#include "compat.h"

#include "utils/array.h"
#include "utils/date.h"

#include "models/core/fit.h"
#include "models/core/population.h"
#include "support/calendar.h"
#include "support/count_map.h"

#ifndef BASE_MAX_SPENDS
#define BASE_MAX_SPENDS 100000
#endif

/* Input may not count more customers than this, so that their sum is exact in a double. */
#define BASE_MAX_CUSTOMERS ((double) (INT64CONST(1) << 53))

/* Fixed point of the sums of powers of δ: the unit is 2^-40. */
#define BASE_MOMENT_SCALE ((double) (INT64CONST(1) << 40))
#define BASE_MOMENTS 4

typedef enum BaseKind
{
	BASE_TIMING = 1,
	BASE_SPEND,
	BASE_SPEND_BIN,
	BASE_LEFT_OUT,
	BASE_GAP,
	BASE_COVARIATE,
} BaseKind;

#define BASE_KINDS (BASE_COVARIATE + 1) /* more than any of them */

/* Why a customer is not, or only partly, in the base. */
typedef enum BaseLeftOut
{
	LEFT_OUT_NO_ORDERS,     /* no order by the end of observation: not in the base */
	LEFT_OUT_NO_SPEND,      /* net spend on repeat transactions not positive: not in the spend model */
	LEFT_OUT_NO_AMOUNTS,    /* amounts unknown: not in the spend model */
	LEFT_OUT_NO_COVARIATES, /* a covariate is NULL or not finite: not in the base */
	LEFT_OUT_REASONS,
} BaseLeftOut;

/*
 * One entry of the map. The group is made of kind (8 bits), class (24) and x (32);
 * the detail is the rest of the key, see the functions below.
 */
typedef CountEntry BaseEntry;

extern const CountMapType customer_base_map_type;

#define BASE_MAX_CLASSES (1 << 24)

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

/* Spend: the bits of a positive double, which sort like the double. */
static inline uint64
spend_detail(double spend)
{
	uint64 bits;

	memcpy(&bits, &spend, sizeof(bits));
	return bits;
}

static inline double
spend_of(const BaseEntry *entry)
{
	double spend;

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

/* Covariates: the bits of a finite double, stored as an integer. Zero is not stored. */
static inline int64
covariate_value(double covariate)
{
	int64 bits;

	memcpy(&bits, &covariate, sizeof(bits));
	return bits;
}

static inline double
covariate_of(const BaseEntry *entry)
{
	double covariate;

	memcpy(&covariate, &entry->value, sizeof(covariate));
	return covariate;
}

/*
 * The bins are 32 to the octave, counted from the smallest normal double;
 * smaller amounts count as that much. So the exponent and the five highest
 * bits of the fraction are the bin, counted from those of DBL_MIN.
 */
#define BIN_SHIFT (DBL_MANT_DIG - 1 - 5)
#define BIN_OF_DBL_MIN 32
#define BASE_BINS ((uint32) (DBL_MAX_EXP - DBL_MIN_EXP + 1) * 32)

/* The bin of a positive amount. */
static inline uint32
base_bin(double spend)
{
	return (uint32) (spend_detail(Max(spend, DBL_MIN)) >> BIN_SHIFT) - BIN_OF_DBL_MIN;
}

static inline double
base_bin_centre(uint32 bin)
{
	BaseEntry centre = {.detail = (((uint64) bin + BIN_OF_DBL_MIN) << BIN_SHIFT) | UINT64CONST(1) << (BIN_SHIFT - 1)};

	return spend_of(&centre);
}

/* The header of a base. */
typedef struct BaseHead
{
	DateADT until;  /* end of observation, if it is known to be later than the last order; or DATEVAL_NOBEGIN */
	Period period;  /* the period of counting */
	int covariates; /* of each customer */
} BaseHead;

/*
 * The stored form is a string of bytes, the same on every platform: version
 * byte, period (1 byte), number of covariates (1 byte), end of observation
 * (zigzag varint), and the entries (see support/count_map.h).
 */
#define BASE_VERSION 1

typedef struct BaseReader
{
	const uint8 *next;
	const uint8 *end;
	uint32 left; /* entries not yet read */
	BaseHead head;
	BaseEntry entry; /* the one read last */
} BaseReader;

extern void base_open(BaseReader *reader, Datum base);
extern bool base_next(BaseReader *reader);

/*
 * The stored form of sorted entries. An end of observation before the last
 * order is dropped: merging may have added the later order.
 */
extern struct varlena *base_pack(const BaseEntry *entries, uint32 count, const BaseHead *head);

/* The error in sorted entries from untrusted input; NULL if they are valid. */
extern const char *base_problem(const BaseEntry *entries, uint32 count, const BaseHead *head);

/* The day t_x days after the first one, or the first day of the period t_x periods after it. */
extern int64 base_day_after(const BaseHead *head, DateADT first, uint32 t_x);

/* The last day of the period that a day lies in. */
static inline DateADT
base_period_end(Period period, DateADT day)
{
	DateADT last = period_first_day(period, period_number(period, day) + 1) - 1;

	/* the last period may go on after the calendar has ended */
	return Min(last, DATE_END_JULIAN - POSTGRES_EPOCH_JDATE - 1);
}

/* The totals for diagnostics and fits. */
typedef struct BaseTotals
{
	int64 customers;      /* with at least one order */
	int64 repeaters;      /* with x > 0 */
	double repeat_orders; /* sum of x */
	double gaps;          /* counted gaps between transactions: as many as repeat transactions, if they are known */
	double log_gaps;      /* the sum of their logarithms */
	uint32 classes;       /* of customers with equal covariates */
	int64 left_out[LEFT_OUT_REASONS];
	DateADT first_day;      /* of the first order of anyone, or of its period; DATEVAL_NOEND if there is none */
	DateADT last_day;       /* of the last order of anyone, or the first of its period */
	DateADT observed_until; /* end of observation, or the last day, or the last of its period */
	BaseHead head;
} BaseTotals;

extern BaseTotals base_totals(Datum base);

/* Regularity is estimated from gaps, which a base that was read from text may lack. */
static inline bool
base_gaps_known(const BaseTotals *totals)
{
	return totals->gaps == totals->repeat_orders;
}

/* A base that was decoded: its entries in order, and what they come to. */
typedef struct BaseParts
{
	BaseTotals totals;
	BaseEntry *entries;           /* pfree() them */
	uint32 begin[BASE_KINDS + 1]; /* of the entries of each kind; they end where the next kind begins */
} BaseParts;

extern BaseParts base_parts(Datum base);

/* The entries of one kind. */
typedef struct BaseSlice
{
	const BaseEntry *entries;
	uint32 count;
} BaseSlice;

static inline BaseSlice
base_slice(const BaseParts *parts, BaseKind kind)
{
	return (BaseSlice){parts->entries + parts->begin[kind], parts->begin[kind + 1] - parts->begin[kind]};
}

/* The gaps between transactions, of all customers together, the shortest first. */
extern DayGaps *base_gaps(const BaseParts *parts, size_t *count);

/* The spend in ascending order of x, as a likelihood takes it; a bin becomes the two points with its moments. */
extern SpendPoint *base_spend_points(const BaseParts *parts, size_t *count);

/* Outliers among the first and last days of customers, see customer_base_span.c. */
typedef struct BaseSpan
{
	int64 far_last;   /* customers whose last order is an outlier after that of the others; 0: none */
	DateADT last;     /* of the last order of the others, or the last of its period */
	bool far_as_of;   /* no customer's is, but the end of observation is an outlier */
	int64 far_first;  /* customers whose first order is an outlier before that of the others; 0: none */
	DateADT first;    /* of the first order of the others */
	DateADT earliest; /* of the first order of all */
} BaseSpan;

extern BaseSpan base_span(const BaseParts *parts, DateADT as_of);

/*
 * The covariates of one customer, into an array of FIT_MAX_COVARIATES; returns
 * their number, or -1 if one is NULL or not finite. An array that is not a
 * list of 1 to FIT_MAX_COVARIATES is an error.
 */
extern int covariates_of_array(ArrayType *array, double *covariates);

/* The covariates of all classes, row by row: of a stored base, and of one that was decoded (totals.classes rows). */
extern double *base_covariates(Datum base, uint32 *classes);
extern double *base_parts_covariates(const BaseParts *parts);

/* Whether two of these rows of covariates are equal. */
extern bool base_class_twice(const double *covariates, uint32 classes, int columns);

/*
 * Numbers the classes of these entries in the order of their covariates, a
 * matrix with the given rows and columns, and sorts the entries. Appends the
 * entries of the covariates, for which there must be space.
 */
extern void base_order_classes(const double *covariates, uint32 classes, int columns, BaseEntry *entries,
							   uint32 *count);

#endif /* POPULATION_CUSTOMER_BASE_H */
