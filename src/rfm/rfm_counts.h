/*
 * rfm_counts.h
 *	  rfm_cuts as it grows in an aggregate: the same SQL type, with the number
 *	  of customers for every distinct value of each dimension.
 *
 * It leaves an aggregate only on its way to another process, as a partial
 * result. Everything that reads rfm_cuts takes both forms.
 *
 * Up to RFM_MAX_EXACT distinct values a dimension is counted exactly. One that
 * has more is counted in bins that are 2^-11 wide relative to their values, so
 * that every cut is within 0.1 % of the exact one and memory stays bounded.
 * A bin is known by the best value of its customers: the largest frequency and
 * monetary value, the smallest recency. So a cut is still the value of some
 * customer, and at least the asked-for share of customers are not better.
 * Whether a dimension is binned depends on the number of its distinct values
 * alone, so the result depends neither on the order of rows nor on how they
 * are split among workers.
 *
 * All values are counted as doubles: frequencies above 2^53, should they
 * occur, are rounded, both here and when they are scored.
 */
#ifndef RFM_RFM_COUNTS_H
#define RFM_RFM_COUNTS_H

#include "rfm/rfm.h"

/* Where the stored form has its version. */
#define RFM_COUNTS_MARK 0x80

#define RFM_MAX_EXACT 32768

typedef struct RfmCount
{
	double		value;			/* finite, never minus zero; of a bin the best */
	int64		customers;		/* none: the slot is free */
} RfmCount;

/* A hash table with linear probing, at most three quarters full. */
typedef struct RfmMap
{
	uint32		slots;			/* a power of two */
	uint32		used;
	bool		binned;
	uint8		unused[7];		/* always zero */
} RfmMap;

typedef struct RfmCounts
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	uint8		mark;			/* RFM_COUNTS_MARK */
	uint8		levels;
	uint16		unused;			/* always zero */
	int64		customers;
	RfmMap		maps[RFM_DIMENSIONS];
	RfmCount	slots[FLEXIBLE_ARRAY_MEMBER];	/* of all maps, one after the other */
} RfmCounts;

StaticAssertDecl(sizeof(RfmCount) == 16, "a count has no hidden padding");
StaticAssertDecl(offsetof(RfmCounts, slots) == 64, "the slots are aligned");

/* The counts of one dimension as they come from outside, or in order. */
typedef struct RfmList
{
	RfmCount   *counts;			/* with ascending values */
	uint32		length;
	bool		binned;
} RfmList;

static inline bool
rfm_is_counts(struct varlena *value)
{
	return VARSIZE_ANY_EXHDR(value) > 0 && *(uint8 *) VARDATA_ANY(value) == RFM_COUNTS_MARK;
}

/* An empty state. */
extern RfmCounts *rfm_counts_make(int levels);

/*
 * Adds one customer, or all of another state. The result is the state itself,
 * or a larger copy in the current memory context if it had to grow.
 */
extern RfmCounts *rfm_counts_add(RfmCounts *counts, const double values[RFM_DIMENSIONS]);
extern RfmCounts *rfm_counts_merge(RfmCounts *counts, const RfmCounts *other);

/* The cut points of the customers counted, of whom there must be some. */
extern void rfm_counts_finish(const RfmCounts *counts, RfmCuts *cuts);

/* The counts of a dimension in ascending order of values, in memory of the caller's. */
extern RfmList rfm_counts_list(const RfmCounts *counts, int dimension);

/* What is wrong with counts that came from outside, or NULL; and the state that they make. */
extern const char *rfm_lists_problem(int levels, const RfmList lists[RFM_DIMENSIONS]);
extern RfmCounts *rfm_counts_from_lists(int levels, const RfmList lists[RFM_DIMENSIONS]);

#endif							/* RFM_RFM_COUNTS_H */
