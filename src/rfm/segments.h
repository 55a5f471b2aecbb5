/*
 * segments.h
 *	  segment_rules: which RFM scores belong to which segment.
 *
 * A rule gives a segment's name to a box of codes: a range of scores in each
 * dimension, 1 to 9. The rules of a value are a set. They stand in the order
 * in which they are tried: first the most specific, which cover the fewest of
 * the 729 codes, among equals by name in byte order. So the first rule that
 * covers a code decides, whatever the order in which the rules were given.
 */
#ifndef RFM_SEGMENTS_H
#define RFM_SEGMENTS_H

#include "compat.h"

#include "rfm/rfm.h"

#define SEGMENT_LOWEST_SCORE 1
#define SEGMENT_HIGHEST_SCORE RFM_MAX_LEVELS
#define SEGMENT_MAX_NAME_BYTES 255

/* There are 729 codes; more rules than this are a mistake. */
#define SEGMENT_MAX_RULES 4096

typedef struct SegmentRule
{
	const char *name;			/* not terminated */
	int			name_bytes;
	uint8		low[RFM_DIMENSIONS];	/* both ends belong to the box */
	uint8		high[RFM_DIMENSIONS];
} SegmentRule;

/*
 * The stored form is a string of bytes, the same on every platform:
 *
 *	version			1 byte, 1
 *	padding			1 byte, zero
 *	rules			2 bytes, lowest first
 *	then each rule	3 bytes, its ranges of r, f and m: 16 * low + high
 *					1 byte, the length of the name, and the name
 *
 * It is also the transition state of the aggregates: rules are few.
 */
#define SEGMENT_RULES_VERSION 1
#define SEGMENT_RULES_HEAD_BYTES 4
#define SEGMENT_RULE_HEAD_BYTES 4

/* Reads the rules of a stored value in order. */
typedef struct SegmentReader
{
	const uint8 *next;
	const uint8 *end;
	int			left;			/* rules not yet read */
} SegmentReader;

extern const char *const segment_dimension_names[RFM_DIMENSIONS];

extern void segment_open(SegmentReader *reader, Datum rules);
extern bool segment_next(SegmentReader *reader, SegmentRule *rule);

/* What is wrong with a rule that came from outside, or NULL. */
extern const char *segment_rule_problem(const SegmentRule *rule);

/* The stored form of rules in any order, which it sorts; doubles are one. */
extern struct varlena *segment_rules_pack(SegmentRule *rules, int count);

/* The built-in partition of the 125 codes with five levels. */
extern const SegmentRule *segment_defaults(int *count);

/* Whether a rule covers a code. */
static inline bool
segment_covers(const SegmentRule *rule, const int code[RFM_DIMENSIONS])
{
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		if (code[i] < rule->low[i] || code[i] > rule->high[i])
			return false;
	return true;
}

#endif							/* RFM_SEGMENTS_H */
