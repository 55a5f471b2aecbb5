/*
 * segments.h
 *	  segment_rules: which RFM scores belong to which segment.
 *
 * Rules are for scores with a fixed number of levels and apply to no others:
 * with three levels a 3 is the best score, with five it is not. A rule gives a
 * segment's name to a box of codes: a range of scores in each dimension, 1 to
 * levels. For codes without a monetary score m is RFM_NO_SCORE, which only
 * belongs to ranges that begin there. The rules of a value are a set. They are
 * stored in the order of evaluation: first the most specific, which cover the
 * fewest codes, ties by name in byte order. So the first rule that covers a
 * code applies, independent of the order in which the rules were given.
 */
#ifndef SEGMENTS_SEGMENTS_H
#define SEGMENTS_SEGMENTS_H

#include "compat.h"

#include "rfm/rfm.h"

#define SEGMENT_MAX_NAME_BYTES 255

/*
 * What transitions call customers who were not there before and who are not there any
 * more, and snapshots customers without a segment. No segment is called so: it could
 * not be told from them.
 */
#define SEGMENT_NEW "(new)"
#define SEGMENT_GONE "(gone)"
#define SEGMENT_NONE "(no segment)"

#define SEGMENT_RESERVED_HINT \
	"Customers who come, who leave and who have no segment are called " SEGMENT_NEW ", " SEGMENT_GONE \
	" and " SEGMENT_NONE "."

/* There are 1,100 codes of ten levels; more rules than this are a mistake. */
#define SEGMENT_MAX_RULES 4096

typedef struct SegmentRule
{
	const char *name; /* not null-terminated */
	int name_bytes;
	uint8 low[RFM_DIMENSIONS]; /* both ends belong to the box */
	uint8 high[RFM_DIMENSIONS];
} SegmentRule;

/*
 * The stored form is a string of bytes, the same on every platform:
 *
 *	version			1 byte, 2
 *	levels			1 byte
 *	rules			2 bytes, lowest first
 *	then each rule	3 bytes, its ranges of r, f and m: 16 * low + high
 *					1 byte, the length of the name, and the name
 *
 * It is also the transition state of the aggregates: there are few rules.
 *
 * Version 1 did not have the levels (a zero was there) nor codes without a
 * monetary score, and its scores went up to 9, where open ranges ended.
 */
#define SEGMENT_RULES_VERSION 2
#define SEGMENT_OLD_HIGHEST_SCORE 9
#define SEGMENT_RULES_HEAD_BYTES 4
#define SEGMENT_RULE_HEAD_BYTES 4

/* Reads the rules of a stored value in order. */
typedef struct SegmentReader
{
	const uint8 *next;
	const uint8 *end;
	int levels;
	int left; /* rules not yet read */
} SegmentReader;

extern const char *const segment_dimension_names[RFM_DIMENSIONS];

extern void segment_open(SegmentReader *reader, Datum rules);
extern bool segment_next(SegmentReader *reader, SegmentRule *rule);

/* The lowest score of a dimension in a range without a lower bound. */
static inline int
segment_lowest_score(int dimension)
{
	return dimension == RFM_MONETARY ? RFM_NO_SCORE : 1;
}

/* Whether a range of a rule covers all scores. */
static inline bool
segment_any_score(const SegmentRule *rule, int dimension, int levels)
{
	return rule->low[dimension] == segment_lowest_score(dimension) && rule->high[dimension] == levels;
}

/* The error in a rule from untrusted input, or NULL. */
extern const char *segment_rule_problem(int levels, const SegmentRule *rule);

/*
 * Rules without a number of levels, as in version 1: moves the ends of open
 * ranges to the highest score, and returns the levels.
 */
extern int segment_rules_find_levels(SegmentRule *rules, int count);

/* The stored form of rules in any order, which it sorts; duplicates are merged. */
extern struct varlena *segment_rules_pack(int levels, SegmentRule *rules, int count);

/* The built-in partition of all codes of so many levels. It is an error if there is none. */
extern const SegmentRule *segment_defaults(int levels, int *count);

/* Whether a rule covers a code. */
static inline bool
segment_covers(const SegmentRule *rule, const RfmCode *code)
{
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		if (code->scores[i] < rule->low[i] || code->scores[i] > rule->high[i])
			return false;
	return true;
}

/*
 * The names of segments for as long as a call site lives, each looked up once by the rules of the call before, which are
 * mostly those of all. All zero at first.
 */
typedef struct CachedSegments
{
	struct varlena *rules; /* NULL: none were read */
	Datum *names;          /* by code; zero: not looked up */
	bool *known;
} CachedSegments;

/* The segment of a code by rules, as segment_of() finds it; false if none covers it. */
extern bool segment_once(CachedSegments *cache, MemoryContext context, const RfmCode *code, Datum rules, Datum *name);

#endif /* SEGMENTS_SEGMENTS_H */
