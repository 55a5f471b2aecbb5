/*
 * uplift.h
 *	  uplift: the outcomes of a treated and a control group, as counts and
 *	  exact sums.
 *
 * Of each arm the number of units, and the sums of their outcomes, of the outcomes'
 * squares and, with a covariate from before the experiment, of that, its squares and
 * its products with the outcomes. Sums are exact, so that the same rows in any order,
 * split in any way, give the same bytes.
 */
#ifndef EXPERIMENTS_UPLIFT_H
#define EXPERIMENTS_UPLIFT_H

#include "compat.h"

#include "models/decision/experiment.h"
#include "support/agg_state.h"
#include "support/parts.h"
#include "support/sums.h"

typedef enum UpliftArmName
{
	UPLIFT_TREATED,
	UPLIFT_CONTROL,
	UPLIFT_ARMS,
} UpliftArmName;

typedef enum UpliftSumName
{
	UPLIFT_OUTCOME,
	UPLIFT_SQUARES,
	UPLIFT_PLAIN_SUMS, /* their number without a covariate */
	UPLIFT_BEFORE = UPLIFT_PLAIN_SUMS,
	UPLIFT_BEFORE_SQUARES,
	UPLIFT_PRODUCTS,
	UPLIFT_ALL_SUMS,
} UpliftSumName;

typedef struct UpliftSums
{
	bool has_before;
	bool binary;   /* all outcomes were 0 or 1 */
	int64 skipped; /* rows with NULL */
	int64 units[UPLIFT_ARMS];
	ExactSum sums[UPLIFT_ARMS][UPLIFT_ALL_SUMS];
} UpliftSums;

static inline int
uplift_sum_count(const UpliftSums *sums)
{
	return sums->has_before ? UPLIFT_ALL_SUMS : UPLIFT_PLAIN_SUMS;
}

/* An uplift as a transition state: the same SQL type. */
typedef struct UpliftState
{
	GrowingState growing;
	uint32 unsettled; /* rows since the last carry propagation */
	UpliftSums sums;
} UpliftState;

/*
 * The stored form is a string of bytes, the same on every platform: version byte,
 * flags (1: covariate, 2: binary), rows skipped (varint), and of each arm the number
 * of units (varint) and the sums (see support/sums.h).
 */
#define UPLIFT_VERSION 1
#define UPLIFT_FLAG_BEFORE 1
#define UPLIFT_FLAG_BINARY 2

/* Outcomes are at most this large, so that no sum of squares is infinite. */
#define UPLIFT_LARGEST 1e100

/* Counts are exact as doubles. */
#define UPLIFT_MOST_UNITS (INT64CONST(1) << 53)

/* A value that may be toasted, or a transition state. */
extern void uplift_get(Datum value, UpliftSums *sums);
extern void uplift_read(const uint8 *at, const uint8 *end, UpliftSums *sums);

/* The stored form, with a given number of bytes reserved before it. */
extern struct varlena *uplift_pack(UpliftSums *sums);

/* Adds other sums; an error if only one of the two has a covariate. */
extern void uplift_merge_sums(UpliftSums *sums, const UpliftSums *other);

/* The error in sums from untrusted input; NULL if they are valid. */
extern const char *uplift_problem(UpliftSums *sums);

/* The moments of both arms. */
extern Experiment uplift_experiment(UpliftSums *sums);

/* The text and the binary form. */
extern void uplift_append_json(StringInfo out, UpliftSums *sums);
extern bool uplift_read_json(JsonInput *in, JsonbContainer *object, UpliftSums *sums);
extern void uplift_send_sums(StringInfo out, UpliftSums *sums);
extern void uplift_receive_sums(StringInfo in, const char *type, UpliftSums *sums);

/* uplift_segments: an uplift for each segment. */
extern const PartsType uplift_segments_parts;

/* The effect in a segment, drawn towards those of the others; NaN where it has no estimate. */
typedef struct ShrunkEffect
{
	const char *segment; /* not terminated */
	uint32 segment_bytes;
	double uplift;
	bool of_amounts; /* outcomes were not only 0 and 1 */
} ShrunkEffect;

extern ShrunkEffect *uplift_shrunk_effects(Datum segments, uint32 *count);

/* An error if a value above 1 is to multiply outcomes that are amounts: these are money already. */
extern void refuse_value_of_amounts(bool of_amounts, const char *measured, const char *name, double value);

#endif /* EXPERIMENTS_UPLIFT_H */
