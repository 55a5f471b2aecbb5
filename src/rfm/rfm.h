/*
 * rfm.h
 *	  rfm_cuts: the cut points of the scores of recency, frequency and monetary
 *	  value.
 *
 * Frequency and monetary value are counted from the worst end, recency from
 * the best. Where many customers are tied, those who ordered once get the
 * worst score however many they are, and those who ordered today the best:
 *
 *	frequency, monetary		score = 1 + floor(levels * share of customers strictly worse)
 *	recency					score = levels - floor(levels * share strictly more recent)
 *
 * The best score is the number of levels in all three. Equal values always get
 * equal scores, independent of the order of the rows. Levels-1 cut points per
 * dimension determine the scores. With v(p) = percentile_disc(p), the smallest
 * value with share(<= v) >= p:
 *
 *	frequency, monetary		cut k = v(k/levels)
 *							score = 1 + the number of cuts below the value
 *	recency					cut k = v((levels-k)/levels) + 1, days being whole
 *							score = 1 + the number of cuts above the value
 *
 * An example. Ten customers ordered 1, 1, 1, 1, 1, 1, 2, 2, 3 and 5 times;
 * with five levels the cuts are 1, 1, 1, 2, because 60 % ordered at most once
 * and 80 % at most twice. One order: no customer is worse, score 1. Two
 * orders: 60 % are worse, three fifths, score 4. Three and five orders: 80 %
 * are worse, score 5. Scores 2 and 3 do not occur: there are three effective
 * levels, as many as the data can distinguish. (ntile would have given the six
 * equal customers scores 1, 2 and 3 by chance.) Had the six ordered today and
 * the others 10, 20, 30 and 40 days ago, the six would get 5, because no
 * customer is more recent, and the others, with 60, 70, 80 and 90 % more
 * recent, 2, 2, 1 and 1.
 *
 * Where all customers have the same monetary value, because there are no
 * amounts or one price for all, it carries no information and has no score:
 * '55-'. A customer whose monetary value is not known (NULL, NaN or infinite)
 * has none either; recency and frequency count and score as those of all
 * others, and the cuts of monetary value are those of the known ones.
 */
#ifndef RFM_RFM_H
#define RFM_RFM_H

#include <math.h>

#include "compat.h"

typedef enum RfmDimension
{
	RFM_RECENCY,   /* days since the last order: few are good */
	RFM_FREQUENCY, /* orders */
	RFM_MONETARY,  /* money */
} RfmDimension;

#define RFM_DIMENSIONS 3

#define RFM_MIN_LEVELS 2
#define RFM_MAX_LEVELS 10
#define RFM_DEFAULT_LEVELS 5

/* The maximum number of customers, so that their number times the levels fits an int64. */
#define RFM_MAX_CUSTOMERS (INT64CONST(1) << 59)

/*
 * The finished cut points. Their stored form is a string of bytes, the same on
 * every platform, numbers with the lowest byte first:
 *
 *	version				1 byte, 1
 *	levels				1 byte
 *	effective levels	3 bytes: recency, frequency, monetary
 *	padding				3 bytes, zero
 *	customers			8 bytes
 *	cuts				8 bytes each, levels-1 of each dimension
 */
#define RFM_CUTS_VERSION 1

typedef struct RfmCuts
{
	int levels;
	int effective_levels[RFM_DIMENSIONS]; /* scores that occur */
	int64 customers;
	double cuts[RFM_DIMENSIONS][RFM_MAX_LEVELS - 1]; /* from the worst score to the best */
} RfmCuts;

/* The names of the dimensions. */
extern const char *const rfm_dimension_names[RFM_DIMENSIONS];

/* The error in cut points from untrusted input, or NULL. */
extern const char *rfm_cuts_problem(const RfmCuts *cuts);

extern struct varlena *rfm_cuts_pack(const RfmCuts *cuts);

/* Reads a value of either form; a counting state is finalised first. */
extern void rfm_cuts_read(RfmCuts *cuts, Datum value);

/* Raises an error unless the number of levels is valid. */
extern void rfm_check_levels(int levels);

/*
 * A code is the scores of a customer, 1 to levels; a monetary score of
 * RFM_NO_SCORE means that there is none.
 *
 * Written it has a character for each, 1 to 9 and A for ten, and - for none.
 * So it is as wide for all customers, sorts as text, and substr() takes it
 * apart. Codes of other than five levels end with their number, 'A93/10': with
 * three levels '333/3' is the best score, with five '333' is in the middle, so
 * a code is unambiguous.
 */
#define RFM_NO_SCORE 0
#define RFM_CODE_BYTES 6 /* at most */

typedef struct RfmCode
{
	int levels;
	int scores[RFM_DIMENSIONS];
} RfmCode;

/* Writes a code, and returns its length. */
extern int rfm_code_write(const RfmCode *code, char text[RFM_CODE_BYTES]);

/* Reads a code; levels are zero if the code does not contain them. False if it is not a code. */
extern bool rfm_code_read(const char *text, int length, RfmCode *code);

/* The score of one value, 1 to levels. */
static inline int
rfm_digit(const RfmCuts *cuts, int dimension, double value)
{
	int score = 1;

	for (int k = 0; k < cuts->levels - 1; k++)
		score += dimension == RFM_RECENCY ? value < cuts->cuts[dimension][k] : value > cuts->cuts[dimension][k];
	return score;
}

/*
 * The scores of one customer. There is no monetary score where all customers have the same value, or this one has
 * none (NaN).
 */
extern RfmCode rfm_code_of(const RfmCuts *cuts, const double values[RFM_DIMENSIONS]);

/* Cut points for as long as a call site lives: those of the call before, which are mostly those of all. All zero at first. */
typedef struct CachedRfmCuts
{
	struct varlena *read; /* the value that cuts was read from; NULL: none was */
	RfmCuts cuts;
} CachedRfmCuts;

/* Reads cut points unless they are those of the call before. */
extern const RfmCuts *rfm_cuts_once(CachedRfmCuts *cache, MemoryContext context, Datum cuts);

#endif /* RFM_RFM_H */
