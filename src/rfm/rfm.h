/*
 * rfm.h
 *	  rfm_cuts: where the scores of recency, frequency and monetary value begin.
 *
 * A score says how many customers are strictly worse:
 *
 *	score = 1 + the number of k in 1 … levels-1 for which at least k/levels of
 *			all customers are strictly worse
 *
 * Worse means longer ago, more rarely, for less money; the best score is the
 * number of levels in all three. Equal values therefore always get equal
 * scores, in whatever order the rows are stored. Per dimension levels-1 cut
 * points say it all:
 *
 *	frequency, monetary		cut k = the smallest value v with share(<= v) >= k/levels
 *							score = 1 + the number of cuts below the value
 *	recency					cut k = the largest value v with share(>= v) >= k/levels
 *							score = 1 + the number of cuts above the value
 *
 * These are percentile_disc(k/levels), for recency in descending order.
 *
 * An example. Ten customers ordered 1, 1, 1, 1, 1, 1, 2, 2, 3 and 5 times; with
 * five levels the cuts are 1, 1, 1, 2, because 60 % ordered at most once and
 * 80 % at most twice. One order: nobody is worse, score 1. Two orders: 60 % are
 * worse, three fifths, score 4. Three and five orders: 80 % are worse, score 5.
 * Scores 2 and 3 do not occur: there are three effective levels, which is what
 * the data can tell apart. (ntile would have given the six equal customers
 * scores 1, 2 and 3 by chance.)
 */
#ifndef RFM_RFM_H
#define RFM_RFM_H

#include <math.h>

#include "compat.h"

typedef enum RfmDimension
{
	RFM_RECENCY,				/* days since the last order: few are good */
	RFM_FREQUENCY,				/* orders */
	RFM_MONETARY				/* money */
} RfmDimension;

#define RFM_DIMENSIONS 3

#define RFM_MIN_LEVELS 2
#define RFM_MAX_LEVELS 9		/* a score is one digit */
#define RFM_DEFAULT_LEVELS 5

/* So many customers that their number times the levels stays within an int64. */
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
	int			levels;
	int			effective_levels[RFM_DIMENSIONS];	/* scores that occur */
	int64		customers;
	double		cuts[RFM_DIMENSIONS][RFM_MAX_LEVELS - 1];	/* from worst to best */
} RfmCuts;

/* What the dimensions are called wherever they have a name. */
extern const char *const rfm_dimension_names[RFM_DIMENSIONS];

/* What is wrong with cut points that came from outside, or NULL. */
extern const char *rfm_cuts_problem(const RfmCuts *cuts);

extern struct varlena *rfm_cuts_pack(const RfmCuts *cuts);

/* Reads a value of either form; a counting state is finished for it. */
extern void rfm_cuts_read(RfmCuts *cuts, Datum value);

/* Raises an error unless there may be so many levels. */
extern void rfm_check_levels(int levels);

/* Whether a customer with these values counts and gets a score. */
static inline bool
rfm_counted(const double values[RFM_DIMENSIONS])
{
	return isfinite(values[RFM_MONETARY]);
}

/* The score of one value, 1 to levels. */
static inline int
rfm_digit(const RfmCuts *cuts, int dimension, double value)
{
	int			score = 1;

	for (int k = 0; k < cuts->levels - 1; k++)
		score += dimension == RFM_RECENCY ? value < cuts->cuts[dimension][k]
			: value > cuts->cuts[dimension][k];
	return score;
}

#endif							/* RFM_RFM_H */
