/*
 * segments.c
 *	  The stored form of segment rules, the aggregates that make it, and the
 *	  built-in rules.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

#include "segments/segments.h"
#include "support/agg_group.h"
#include "support/bytes.h"

const char *const segment_dimension_names[RFM_DIMENSIONS] = {"r", "f", "m"};

/*
 * The built-in segments cover each code exactly once, those without a monetary
 * score too. Recency comes first, because it determines which action is
 * possible; then frequency; then monetary value, which decides who is worth
 * winning back. Customers with one order, the largest group of most shops,
 * move from New to Lost over time. M ranges from 0 where monetary value makes
 * no difference, and where there is no monetary score the rules with m 0
 * replace those that need one.
 */
#define RULE(segment, r1, r2, f1, f2, m1, m2) \
	{ \
		segment, sizeof(segment) - 1, {r1, f1, m1}, \
		{ \
			r2, f2, m2 \
		} \
	}

static const SegmentRule rules_of_three[] = {
	/* bought lately */
	RULE("Champions", 3, 3, 3, 3, 3, 3), /* often, and much */
	RULE("Champions", 3, 3, 3, 3, 0, 0),
	RULE("Loyal", 3, 3, 3, 3, 1, 2), /* often, in small baskets */
	RULE("Loyal", 3, 3, 2, 2, 3, 3),
	RULE("Potential loyalists", 3, 3, 2, 2, 0, 2), /* have come back, could do so more */
	RULE("New", 3, 3, 1, 1, 0, 3),                 /* first order just now */

	/* some time ago */
	RULE("Loyal", 2, 2, 3, 3, 0, 3),          /* often enough to be expected back */
	RULE("Need attention", 2, 2, 2, 2, 2, 3), /* good customers whose next order is due */
	RULE("Need attention", 2, 2, 2, 2, 0, 0),
	RULE("Need attention", 2, 2, 1, 1, 3, 3), /* one large order */
	RULE("About to sleep", 2, 2, 2, 2, 1, 1),
	RULE("About to sleep", 2, 2, 1, 1, 0, 2),

	/* long ago */
	RULE("Can't lose them", 1, 1, 3, 3, 3, 3), /* were champions */
	RULE("Can't lose them", 1, 1, 3, 3, 0, 0),
	RULE("At risk", 1, 1, 3, 3, 1, 2), /* were loyal */
	RULE("At risk", 1, 1, 2, 2, 3, 3),
	RULE("Hibernating", 1, 1, 2, 2, 0, 2),
	RULE("Hibernating", 1, 1, 1, 1, 3, 3), /* one large order */
	RULE("Lost", 1, 1, 1, 1, 0, 2),
};

static const SegmentRule rules_of_four[] = {
	/* bought lately */
	RULE("Champions", 3, 4, 4, 4, 3, 4),
	RULE("Champions", 3, 4, 4, 4, 0, 0),
	RULE("Loyal", 3, 4, 4, 4, 1, 2),
	RULE("Loyal", 3, 4, 3, 3, 3, 4),
	RULE("Loyal", 3, 4, 3, 3, 0, 0),
	RULE("Potential loyalists", 3, 4, 3, 3, 1, 2),
	RULE("Potential loyalists", 3, 4, 2, 2, 0, 4),
	RULE("New", 4, 4, 1, 1, 0, 4),
	RULE("Promising", 3, 3, 1, 1, 0, 4),

	/* some time ago */
	RULE("Loyal", 2, 2, 4, 4, 0, 4),
	RULE("Need attention", 2, 2, 2, 3, 3, 4),
	RULE("Need attention", 2, 2, 2, 3, 0, 0),
	RULE("Need attention", 2, 2, 1, 1, 4, 4),
	RULE("About to sleep", 2, 2, 2, 3, 1, 2),
	RULE("About to sleep", 2, 2, 1, 1, 0, 3),

	/* long ago */
	RULE("Can't lose them", 1, 1, 4, 4, 3, 4),
	RULE("Can't lose them", 1, 1, 4, 4, 0, 0),
	RULE("At risk", 1, 1, 4, 4, 1, 2),
	RULE("At risk", 1, 1, 3, 3, 3, 4),
	RULE("At risk", 1, 1, 3, 3, 0, 0),
	RULE("At risk", 1, 1, 2, 2, 4, 4),
	RULE("Hibernating", 1, 1, 3, 3, 1, 2),
	RULE("Hibernating", 1, 1, 2, 2, 0, 3),
	RULE("Hibernating", 1, 1, 1, 1, 4, 4),
	RULE("Lost", 1, 1, 1, 1, 0, 3),
};

static const SegmentRule rules_of_five[] = {
	/* bought lately */
	RULE("Champions", 4, 5, 4, 5, 4, 5),
	RULE("Champions", 4, 5, 5, 5, 0, 0),
	RULE("Loyal", 4, 5, 4, 5, 1, 3),
	RULE("Loyal", 4, 5, 3, 3, 4, 5),
	RULE("Loyal", 4, 5, 4, 4, 0, 0),
	RULE("Potential loyalists", 4, 5, 3, 3, 0, 3),
	RULE("Potential loyalists", 4, 5, 2, 2, 0, 5),
	RULE("New", 5, 5, 1, 1, 0, 5),
	RULE("Promising", 4, 4, 1, 1, 0, 5),

	/* some time ago */
	RULE("Loyal", 3, 3, 4, 5, 0, 5),
	RULE("Need attention", 3, 3, 2, 3, 3, 5),
	RULE("Need attention", 3, 3, 2, 3, 0, 0),
	RULE("Need attention", 3, 3, 1, 1, 4, 5),
	RULE("About to sleep", 3, 3, 2, 3, 1, 2),
	RULE("About to sleep", 3, 3, 1, 1, 0, 3),

	/* long ago */
	RULE("Can't lose them", 1, 2, 4, 5, 4, 5),
	RULE("Can't lose them", 1, 2, 5, 5, 0, 0),
	RULE("At risk", 1, 2, 4, 5, 1, 3),
	RULE("At risk", 1, 2, 3, 3, 3, 5),
	RULE("At risk", 1, 2, 2, 2, 4, 5),
	RULE("At risk", 1, 2, 3, 4, 0, 0),
	RULE("Hibernating", 1, 2, 3, 3, 1, 2),
	RULE("Hibernating", 2, 2, 2, 2, 0, 3),
	RULE("Hibernating", 2, 2, 1, 1, 0, 5),
	RULE("Hibernating", 1, 1, 2, 2, 0, 0),
	RULE("Hibernating", 1, 1, 1, 1, 4, 5),
	RULE("Lost", 1, 1, 2, 2, 1, 3),
	RULE("Lost", 1, 1, 1, 1, 0, 3),
};

const SegmentRule *
segment_defaults(int levels, int *count)
{
	switch (levels)
	{
		case 3:
			*count = lengthof(rules_of_three);
			return rules_of_three;
		case 4:
			*count = lengthof(rules_of_four);
			return rules_of_four;
		case 5:
			*count = lengthof(rules_of_five);
			return rules_of_five;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there are built-in segments for 3, 4 and 5 levels, not for %d", levels),
			 errhint("Aggregate your own with segment_rules(segment, r, f, m, levels), and pass them to segment_of.")));
}

static int
covered_codes(const SegmentRule *rule)
{
	int codes = 1;

	for (int i = 0; i < RFM_DIMENSIONS; i++)
		codes *= rule->high[i] - rule->low[i] + 1;
	return codes;
}

/* The order in which rules are tried; zero only for the same rule. */
static int
compare_rules(const void *left, const void *right)
{
	const SegmentRule *a = left;
	const SegmentRule *b = right;
	int order = covered_codes(a) - covered_codes(b);

	if (order == 0)
		order = memcmp(a->name, b->name, Min(a->name_bytes, b->name_bytes));
	if (order == 0)
		order = a->name_bytes - b->name_bytes;
	if (order == 0)
		order = memcmp(a->low, b->low, sizeof(a->low));
	if (order == 0)
		order = memcmp(a->high, b->high, sizeof(a->high));
	return order;
}

/* Whether a name is one that stands for something else. */
static bool
is_reserved(const char *name, int bytes)
{
	static const char *const reserved[] = {SEGMENT_NEW, SEGMENT_GONE, SEGMENT_NONE};

	for (int i = 0; i < lengthof(reserved); i++)
		if (bytes == (int) strlen(reserved[i]) && memcmp(name, reserved[i], bytes) == 0)
			return true;
	return false;
}

const char *
segment_rule_problem(int levels, const SegmentRule *rule)
{
	if (rule->name_bytes < 1)
		return "the name is empty";
	if (rule->name_bytes > SEGMENT_MAX_NAME_BYTES)
		return "the name is too long";
	if (is_reserved(rule->name, rule->name_bytes))
		return psprintf("a segment cannot be called %.*s", rule->name_bytes, rule->name);
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		if (rule->low[i] < segment_lowest_score(i) || rule->high[i] > levels || rule->low[i] > rule->high[i])
			return psprintf("range %s is empty or goes beyond %d to %d", segment_dimension_names[i],
							segment_lowest_score(i), levels);
	return NULL;
}

int
segment_rules_find_levels(SegmentRule *rules, int count)
{
	int levels = RFM_DEFAULT_LEVELS;

	/* A rule with a score above five implies more levels; the highest score determines how many. */
	for (int i = 0; i < count; i++)
		for (int j = 0; j < RFM_DIMENSIONS; j++)
			if (rules[i].low[j] > levels ||
				(rules[i].high[j] > levels && rules[i].high[j] != SEGMENT_OLD_HIGHEST_SCORE))
				levels = SEGMENT_OLD_HIGHEST_SCORE;

	for (int i = 0; i < count; i++)
		for (int j = 0; j < RFM_DIMENSIONS; j++)
		{
			if (rules[i].high[j] != SEGMENT_OLD_HIGHEST_SCORE)
				continue;
			if (rules[i].low[j] == 1)
				rules[i].low[j] = (uint8) segment_lowest_score(j);
			rules[i].high[j] = (uint8) levels;
		}
	return levels;
}

/* Reads rules of any version; those of version 1 must be converted. */
static void
open_version(SegmentReader *reader, Datum rules, int *version)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(rules);
	const uint8 *head = (const uint8 *) VARDATA_ANY(value);

	reader->end = head + VARSIZE_ANY_EXHDR(value);
	if (reader->end - head < SEGMENT_RULES_HEAD_BYTES)
		bytes_end_early();
	*version = head[0];
	if (*version < 1 || *version > SEGMENT_RULES_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version %d of stored segment_rules", *version)));
	reader->levels = head[1];
	reader->left = head[2] | head[3] << 8;
	reader->next = head + SEGMENT_RULES_HEAD_BYTES;
}

void
segment_open(SegmentReader *reader, Datum rules)
{
	int version;
	int count = 0;

	open_version(reader, rules, &version);
	if (version == SEGMENT_RULES_VERSION)
		return;

	SegmentRule *old = palloc_array(SegmentRule, Max(1, reader->left));

	while (segment_next(reader, &old[count]))
		count++;
	open_version(reader, PointerGetDatum(segment_rules_pack(segment_rules_find_levels(old, count), old, count)),
				 &version);
}

bool
segment_next(SegmentReader *reader, SegmentRule *rule)
{
	const uint8 *at = reader->next;

	if (reader->left == 0)
		return false;
	reader->left--;
	if (reader->end - at < SEGMENT_RULE_HEAD_BYTES || reader->end - at < SEGMENT_RULE_HEAD_BYTES + at[3])
		bytes_end_early();
	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		rule->low[i] = at[i] >> 4;
		rule->high[i] = at[i] & 0x0f;
	}
	rule->name_bytes = at[3];
	rule->name = (const char *) at + SEGMENT_RULE_HEAD_BYTES;
	reader->next = at + SEGMENT_RULE_HEAD_BYTES + rule->name_bytes;
	return true;
}

/* Writes rules one by one, in order, into a value. */
typedef struct SegmentWriter
{
	struct varlena *value;
	uint8 *next;
	int levels;
	int count;
} SegmentWriter;

static void
writer_start(SegmentWriter *writer, int levels, Size rule_bytes)
{
	writer->levels = levels;
	writer->value = palloc(VARHDRSZ + SEGMENT_RULES_HEAD_BYTES + rule_bytes);
	writer->next = (uint8 *) VARDATA(writer->value) + SEGMENT_RULES_HEAD_BYTES;
	writer->count = 0;
}

static void
writer_put(SegmentWriter *writer, const SegmentRule *rule)
{
	Assert(segment_rule_problem(writer->levels, rule) == NULL);
	if (++writer->count > SEGMENT_MAX_RULES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("segment_rules cannot hold more than %d rules", SEGMENT_MAX_RULES)));
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		*writer->next++ = (uint8) (rule->low[i] << 4 | rule->high[i]);
	*writer->next++ = (uint8) rule->name_bytes;
	memcpy(writer->next, rule->name, rule->name_bytes);
	writer->next += rule->name_bytes;
}

static struct varlena *
writer_finish(SegmentWriter *writer)
{
	uint8 *head = (uint8 *) VARDATA(writer->value);

	head[0] = SEGMENT_RULES_VERSION;
	head[1] = (uint8) writer->levels;
	head[2] = (uint8) writer->count;
	head[3] = (uint8) (writer->count >> 8);
	SET_VARSIZE(writer->value, writer->next - (uint8 *) writer->value);
	return writer->value;
}

struct varlena *
segment_rules_pack(int levels, SegmentRule *rules, int count)
{
	SegmentWriter writer;

	qsort(rules, count, sizeof(SegmentRule), compare_rules);
	writer_start(&writer, levels, (Size) count * (SEGMENT_RULE_HEAD_BYTES + SEGMENT_MAX_NAME_BYTES));
	for (int i = 0; i < count; i++)
		if (i == 0 || compare_rules(&rules[i - 1], &rules[i]) != 0)
			writer_put(&writer, &rules[i]);
	return writer_finish(&writer);
}

/* The rules of both values. */
static struct varlena *
rules_union(Datum left, Datum right)
{
	SegmentReader a, b;
	SegmentRule from_a, from_b;
	SegmentWriter writer;

	segment_open(&a, left);
	segment_open(&b, right);
	if (a.levels != b.levels)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("levels must be the same for all rules, not both %d and %d", Min(a.levels, b.levels),
						Max(a.levels, b.levels))));
	writer_start(&writer, a.levels, (a.end - a.next) + (b.end - b.next));

	bool more_a = segment_next(&a, &from_a);
	bool more_b = segment_next(&b, &from_b);

	while (more_a || more_b)
	{
		int order = !more_b ? -1 : !more_a ? 1 : compare_rules(&from_a, &from_b);

		writer_put(&writer, order <= 0 ? &from_a : &from_b);
		if (order <= 0)
			more_a = segment_next(&a, &from_a);
		if (order >= 0)
			more_b = segment_next(&b, &from_b);
	}
	return writer_finish(&writer);
}

/* Reads a range of scores; no range means any score. */
static void
range_argument(FunctionCallInfo fcinfo, int argno, int levels, SegmentRule *rule, int dimension)
{
	TypeCacheEntry *type = lookup_type_cache(INT4RANGEOID, TYPECACHE_RANGE_INFO);
	RangeBound lower, upper;
	bool empty;

	int lowest = segment_lowest_score(dimension);

	rule->low[dimension] = (uint8) lowest;
	rule->high[dimension] = (uint8) levels;
	if (PG_ARGISNULL(argno))
		return;

	/* The server normalises integer ranges to [lower, upper). */
	range_deserialize(type, PG_GETARG_RANGE_P(argno), &lower, &upper, &empty);
	if (empty)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("range %s of segment \"%.*s\" is empty", segment_dimension_names[dimension], rule->name_bytes,
						rule->name),
				 errhint("NULL stands for any score.")));

	/* An open end is the lowest or the highest score; the absence of a score must be given explicitly. */
	int64 low = lower.infinite ? 1 : DatumGetInt32(lower.val);
	int64 high = upper.infinite ? levels : (int64) DatumGetInt32(upper.val) - 1;

	if (low < lowest || high > levels || low > high)
	{
		Oid range_out;
		bool is_varlena;

		getTypeOutputInfo(INT4RANGEOID, &range_out, &is_varlena);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("range %s of segment \"%.*s\" is %s, but scores are from %d to %d",
						segment_dimension_names[dimension], rule->name_bytes, rule->name,
						OidOutputFunctionCall(range_out, PG_GETARG_DATUM(argno)), lowest, levels),
				 high <= levels || PG_NARGS() > 5
					 ? 0
					 : errhint("For more levels, pass their number: segment_rules(segment, r, f, m, levels).")));
	}
	rule->low[dimension] = (uint8) low;
	rule->high[dimension] = (uint8) high;
}

/* Adds one rule; one without a segment is skipped. */
AGG_FUNCTION_INFO_V1(segment_rules_add);
static Datum
segment_rules_add_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}

	int levels = RFM_DEFAULT_LEVELS;

	if (PG_NARGS() > 5)
	{
		if (PG_ARGISNULL(5))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("levels must be between %d and %d, not NULL", RFM_MIN_LEVELS, RFM_MAX_LEVELS)));
		levels = PG_GETARG_INT32(5);
		rfm_check_levels(levels);
	}

	text *segment = PG_GETARG_TEXT_PP(1);
	SegmentRule rule = {.name = VARDATA_ANY(segment), .name_bytes = VARSIZE_ANY_EXHDR(segment)};

	if (rule.name_bytes < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("segment must not be empty")));
	if (rule.name_bytes > SEGMENT_MAX_NAME_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("segment \"%.*s...\" is longer than %d bytes", pg_mbcliplen(rule.name, rule.name_bytes, 60),
						rule.name, SEGMENT_MAX_NAME_BYTES)));
	if (is_reserved(rule.name, rule.name_bytes))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a segment cannot be called %.*s", rule.name_bytes, rule.name),
				 errhint(SEGMENT_RESERVED_HINT)));
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		range_argument(fcinfo, 2 + i, levels, &rule, i);

	struct varlena *rules = segment_rules_pack(levels, &rule, 1);

	if (!PG_ARGISNULL(0))
		rules = rules_union(PG_GETARG_DATUM(0), PointerGetDatum(rules));
	PG_RETURN_POINTER(rules);
}

/* The rules of both values: combines partial aggregates, and is the transition of rollup. */
AGG_FUNCTION_INFO_V1(segment_rules_merge);
static Datum
segment_rules_merge_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_DATUM(PG_GETARG_DATUM(PG_ARGISNULL(0) ? 1 : 0));
	PG_RETURN_POINTER(rules_union(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));
}

/* default_segment_rules(levels) → segment_rules: the built-in rules as a value */
PG_FUNCTION_INFO_V1(default_segment_rules);
Datum
default_segment_rules(PG_FUNCTION_ARGS)
{
	int levels = PG_GETARG_INT32(0);
	int count;
	const SegmentRule *defaults = segment_defaults(levels, &count);
	SegmentRule *rules = palloc_array(SegmentRule, count);

	memcpy(rules, defaults, count * sizeof(SegmentRule));
	PG_RETURN_POINTER(segment_rules_pack(levels, rules, count));
}
