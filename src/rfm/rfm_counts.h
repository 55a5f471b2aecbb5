/*
 * rfm_counts.h
 *	  The transition state of rfm_cuts: the same SQL type, with the number of
 *	  customers for every distinct value of each dimension.
 *
 * It leaves an aggregate only as a partial result, for another process. All
 * readers of rfm_cuts accept both forms.
 *
 * Counts are exact, however many different values there are. A dimension is
 * counted in a hash map until it has more than RFM_MAX_MAPPED values. From then
 * on its values are appended to a buffer; a full buffer of RFM_MAX_BUFFERED
 * values is sorted and merged into a run, which holds every different value
 * once, in ascending order, as differences in few bytes.
 *
 * Why there is no approximation: the result must have the same bytes for any
 * order of rows and merges, so that a state depends only on the multiset of
 * its values. No summary of bounded size can have this and guarantee a rank
 * error e for every distribution at a useful size. Let two multisets C + a and
 * C + b have the same state. Then so have C + ka and C + kb, for every k,
 * because each a can be exchanged for b in turn. For large k the common part C
 * is negligible: a and b themselves must have the same ranks within 2e. Bins
 * of any shape violate that for two values of one bin. Summaries that pass are
 * linear maps of the counts, and need of the order of 1/e^2 counters even for
 * the count of a single value (Ganguly, "Lower bounds on frequency estimation
 * of data streams", 2008): four million for e = 0.05 %, times the 64 levels of
 * a rank. The values themselves are smaller: a million different amounts take
 * about seven megabytes.
 *
 * All values are counted as doubles: frequencies above 2^53, should they
 * occur, are rounded, both here and when they are scored.
 */
#ifndef RFM_RFM_COUNTS_H
#define RFM_RFM_COUNTS_H

#include "rfm/rfm.h"
#include "support/agg_state.h"
#include "support/state_text.h"

/* More different values than this are not kept in a hash map. */
#define RFM_MAX_MAPPED 32768

/* The number of values that are appended before they are sorted and merged. */
#define RFM_MAX_BUFFERED (UINT32_C(1) << 22)

typedef struct RfmCount
{
	double value;    /* finite, never minus zero */
	int64 customers; /* none: the slot is free */
} RfmCount;

/* The counts of one dimension: either a map, or a buffer and a run. */
typedef struct RfmTally
{
	uint32 slots; /* of the map, a power of two; 0: there is none */
	uint32 used;
	uint32 capacity; /* of the buffer */
	uint32 buffered;
	uint32 run_bytes;
	uint32 unused; /* always zero */
	int64 run_values;
} RfmTally;

typedef struct RfmCounts
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	uint8 mark;    /* AGG_STATE_MARK */
	uint8 levels;
	uint16 unused; /* always zero */
	int64 customers;
	int64 without_money; /* those of them whose monetary value is not known: it has that many customers fewer */
	RfmTally tallies[RFM_DIMENSIONS];

	/*
	 * Of each dimension, one after the other: slots (RfmCount), buffer (keys,
	 * uint64) and run (bytes, padded to eight).
	 */
	uint64 data[FLEXIBLE_ARRAY_MEMBER];
} RfmCounts;

StaticAssertDecl(sizeof(RfmCount) == 16, "a count has no hidden padding");

static inline uint64
rfm_value_bits(double value)
{
	uint64 bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

#define RFM_SIGN_BIT (UINT64CONST(1) << 63)

/* An integer that sorts like the value. */
static inline uint64
rfm_value_key(double value)
{
	uint64 bits = rfm_value_bits(value);

	return bits & RFM_SIGN_BIT ? ~bits : bits | RFM_SIGN_BIT;
}

static inline double
rfm_key_value(uint64 key)
{
	uint64 bits = key & RFM_SIGN_BIT ? key & ~RFM_SIGN_BIT : ~key;
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}
StaticAssertDecl(offsetof(RfmCounts, data) == 120, "the data are aligned");

/* The counts of one dimension from untrusted input. */
typedef struct RfmList
{
	RfmCount *counts; /* with ascending values */
	uint32 length;
} RfmList;

/* Reads the different values of a dimension in ascending order. */
typedef struct RfmReader
{
	RfmCount current; /* valid after rfm_reader_next() was true */

	/* the sources, in ascending order; any of them may be empty */
	const RfmCount *counts;
	uint32 n_counts;
	const uint64 *keys; /* equal ones one after the other */
	uint32 n_keys;
	const uint8 *run;
	uint32 run_bytes;

	/* the position of the reader */
	uint32 next_count;
	uint32 next_key;
	uint32 run_at; /* behind the head of the run, unless at the end */
	bool run_ended;
	uint64 run_key;
	int64 run_customers;
	uint64 steps;
} RfmReader;

static inline bool
rfm_is_counts(struct varlena *value)
{
	return agg_state_in_place(value);
}

/* An empty state. */
extern RfmCounts *rfm_counts_make(int levels);

/*
 * Adds one customer, or all of another state. The result is the state itself,
 * or a larger copy in the current memory context if it had to grow.
 */
extern RfmCounts *rfm_counts_add(RfmCounts *counts, const double values[RFM_DIMENSIONS]);
extern RfmCounts *rfm_counts_merge(RfmCounts *counts, const RfmCounts *other);

/* The cut points of the customers counted, of which there must be at least one. */
extern void rfm_counts_finish(const RfmCounts *counts, RfmCuts *cuts);

/* Reads a dimension; sorted copies are in the caller's memory. */
extern void rfm_reader_open(RfmReader *reader, const RfmCounts *counts, int dimension);
extern void rfm_reader_rewind(RfmReader *reader);
extern bool rfm_reader_next(RfmReader *reader);
extern void rfm_reader_close(RfmReader *reader);

/* A copy whose bytes depend on what was counted only, and not on how. */
extern RfmCounts *rfm_counts_canonical(const RfmCounts *counts);

/* The error in counts from untrusted input, or NULL; and the state made from them. */
extern const char *rfm_lists_problem(int levels, const RfmList lists[RFM_DIMENSIONS]);
extern RfmCounts *rfm_counts_from_lists(int levels, const RfmList lists[RFM_DIMENSIONS]);

/* The text of a state (see support/state_text.h), and the lists in one; false after a soft error. */
extern char *rfm_counts_to_text(const RfmCounts *counts);
extern bool rfm_lists_from_text(JsonInput *in, const char *base64, Size length, int *levels,
								RfmList lists[RFM_DIMENSIONS]);

#endif /* RFM_RFM_COUNTS_H */
