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

#include "rfm/segments.h"
#include "value/bytes.h"

const char *const segment_dimension_names[RFM_DIMENSIONS] = {"r", "f", "m"};

/*
 * The built-in segments cover each of the 125 codes exactly once. Recency
 * comes first, because it decides what can still be done; then frequency; then
 * money, which tells whom it is worth to win back. Customers with one order,
 * the largest group of most shops, go the way from New to Lost as time passes.
 */
#define RULE(segment, r1, r2, f1, f2, m1, m2) \
	{segment, sizeof(segment) - 1, {r1, f1, m1}, {r2, f2, m2}}

static const SegmentRule default_rules[] =
{
	/* bought lately */
	RULE("Champions", 4, 5, 4, 5, 4, 5),	/* often, and much */
	RULE("Loyal", 4, 5, 4, 5, 1, 3),	/* often, in small baskets */
	RULE("Loyal", 4, 5, 3, 3, 4, 5),
	RULE("Potential loyalists", 4, 5, 3, 3, 1, 3),	/* have come back, could do so more */
	RULE("Potential loyalists", 4, 5, 2, 2, 1, 5),
	RULE("New", 5, 5, 1, 1, 1, 5),	/* first order just now */
	RULE("Promising", 4, 4, 1, 1, 1, 5),	/* first order not long ago */

	/* some time ago */
	RULE("Loyal", 3, 3, 4, 5, 1, 5),	/* often enough to be expected back */
	RULE("Need attention", 3, 3, 2, 3, 3, 5),	/* good customers whose next order is due */
	RULE("Need attention", 3, 3, 1, 1, 4, 5),	/* one large order */
	RULE("About to sleep", 3, 3, 2, 3, 1, 2),
	RULE("About to sleep", 3, 3, 1, 1, 1, 3),

	/* long ago */
	RULE("Can't lose them", 1, 2, 4, 5, 4, 5),	/* were champions */
	RULE("At risk", 1, 2, 4, 5, 1, 3),	/* were loyal */
	RULE("At risk", 1, 2, 3, 3, 3, 5),
	RULE("At risk", 1, 2, 2, 2, 4, 5),
	RULE("Hibernating", 1, 2, 3, 3, 1, 2),
	RULE("Hibernating", 2, 2, 2, 2, 1, 3),
	RULE("Hibernating", 2, 2, 1, 1, 1, 5),
	RULE("Hibernating", 1, 1, 1, 1, 4, 5),	/* one large order */
	RULE("Lost", 1, 1, 1, 2, 1, 3)
};

const SegmentRule *
segment_defaults(int *count)
{
	*count = lengthof(default_rules);
	return default_rules;
}

static int
covered_codes(const SegmentRule *rule)
{
	int			codes = 1;

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
	int			order = covered_codes(a) - covered_codes(b);

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

const char *
segment_rule_problem(const SegmentRule *rule)
{
	if (rule->name_bytes < 1)
		return "the name is empty";
	if (rule->name_bytes > SEGMENT_MAX_NAME_BYTES)
		return "the name is too long";
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		if (rule->low[i] < SEGMENT_LOWEST_SCORE || rule->high[i] > SEGMENT_HIGHEST_SCORE ||
			rule->low[i] > rule->high[i])
			return "a range is empty or goes beyond 1 to 9";
	return NULL;
}

void
segment_open(SegmentReader *reader, Datum rules)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(rules);

	reader->next = (const uint8 *) VARDATA_ANY(value);
	reader->end = reader->next + VARSIZE_ANY_EXHDR(value);
	if (reader->end - reader->next < SEGMENT_RULES_HEAD_BYTES)
		bytes_end_early();
	if (reader->next[0] != SEGMENT_RULES_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unknown version %d of stored segment_rules", reader->next[0])));
	reader->left = reader->next[2] | reader->next[3] << 8;
	reader->next += SEGMENT_RULES_HEAD_BYTES;
}

bool
segment_next(SegmentReader *reader, SegmentRule *rule)
{
	const uint8 *at = reader->next;

	if (reader->left == 0)
		return false;
	reader->left--;
	if (reader->end - at < SEGMENT_RULE_HEAD_BYTES ||
		reader->end - at < SEGMENT_RULE_HEAD_BYTES + at[3])
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

/* Writes rules that come one by one, in order, into a value. */
typedef struct SegmentWriter
{
	struct varlena *value;
	uint8	   *next;
	int			count;
} SegmentWriter;

static void
writer_start(SegmentWriter *writer, Size rule_bytes)
{
	writer->value = palloc(VARHDRSZ + SEGMENT_RULES_HEAD_BYTES + rule_bytes);
	writer->next = (uint8 *) VARDATA(writer->value) + SEGMENT_RULES_HEAD_BYTES;
	writer->count = 0;
}

static void
writer_put(SegmentWriter *writer, const SegmentRule *rule)
{
	Assert(segment_rule_problem(rule) == NULL);
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
	uint8	   *head = (uint8 *) VARDATA(writer->value);

	head[0] = SEGMENT_RULES_VERSION;
	head[1] = 0;
	head[2] = (uint8) writer->count;
	head[3] = (uint8) (writer->count >> 8);
	SET_VARSIZE(writer->value, writer->next - (uint8 *) writer->value);
	return writer->value;
}

struct varlena *
segment_rules_pack(SegmentRule *rules, int count)
{
	SegmentWriter writer;

	qsort(rules, count, sizeof(SegmentRule), compare_rules);
	writer_start(&writer, (Size) count * (SEGMENT_RULE_HEAD_BYTES + SEGMENT_MAX_NAME_BYTES));
	for (int i = 0; i < count; i++)
		if (i == 0 || compare_rules(&rules[i - 1], &rules[i]) != 0)
			writer_put(&writer, &rules[i]);
	return writer_finish(&writer);
}

/* The rules of both values. */
static struct varlena *
rules_union(Datum left, Datum right)
{
	SegmentReader a,
				b;
	SegmentRule from_a,
				from_b;
	SegmentWriter writer;

	segment_open(&a, left);
	segment_open(&b, right);
	writer_start(&writer, (a.end - a.next) + (b.end - b.next));

	bool		more_a = segment_next(&a, &from_a);
	bool		more_b = segment_next(&b, &from_b);

	while (more_a || more_b)
	{
		int			order = !more_b ? -1 : !more_a ? 1 : compare_rules(&from_a, &from_b);

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
range_argument(FunctionCallInfo fcinfo, int place, SegmentRule *rule, int dimension)
{
	TypeCacheEntry *type = lookup_type_cache(INT4RANGEOID, TYPECACHE_RANGE_INFO);
	RangeBound	lower,
				upper;
	bool		empty;

	rule->low[dimension] = SEGMENT_LOWEST_SCORE;
	rule->high[dimension] = SEGMENT_HIGHEST_SCORE;
	if (PG_ARGISNULL(place))
		return;

	/* The server keeps ranges of whole numbers as [lower, upper). */
	range_deserialize(type, PG_GETARG_RANGE_P(place), &lower, &upper, &empty);
	if (empty)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("range %s of segment \"%.*s\" is empty",
						segment_dimension_names[dimension], rule->name_bytes, rule->name),
				 errhint("NULL stands for any score.")));

	int64		low = lower.infinite ? SEGMENT_LOWEST_SCORE : DatumGetInt32(lower.val);
	int64		high = upper.infinite ? SEGMENT_HIGHEST_SCORE : (int64) DatumGetInt32(upper.val) - 1;

	if (low < SEGMENT_LOWEST_SCORE || high > SEGMENT_HIGHEST_SCORE || low > high)
	{
		Oid			range_out;
		bool		is_varlena;

		getTypeOutputInfo(INT4RANGEOID, &range_out, &is_varlena);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("range %s of segment \"%.*s\" is %s, but scores are from %d to %d",
						segment_dimension_names[dimension], rule->name_bytes, rule->name,
						OidOutputFunctionCall(range_out, PG_GETARG_DATUM(place)),
						SEGMENT_LOWEST_SCORE, SEGMENT_HIGHEST_SCORE)));
	}
	rule->low[dimension] = (uint8) low;
	rule->high[dimension] = (uint8) high;
}

/* Adds one rule; one without a segment is skipped. */
PG_FUNCTION_INFO_V1(segment_rules_add);
Datum
segment_rules_add(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}

	text	   *segment = PG_GETARG_TEXT_PP(1);
	SegmentRule rule = {.name = VARDATA_ANY(segment), .name_bytes = VARSIZE_ANY_EXHDR(segment)};

	if (rule.name_bytes < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("segment must not be empty")));
	if (rule.name_bytes > SEGMENT_MAX_NAME_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("segment \"%.*s...\" is longer than %d bytes",
						pg_mbcliplen(rule.name, rule.name_bytes, 60), rule.name,
						SEGMENT_MAX_NAME_BYTES)));
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		range_argument(fcinfo, 2 + i, &rule, i);

	struct varlena *rules = segment_rules_pack(&rule, 1);

	if (!PG_ARGISNULL(0))
		rules = rules_union(PG_GETARG_DATUM(0), PointerGetDatum(rules));
	PG_RETURN_POINTER(rules);
}

/* The rules of both values: combines partial aggregates, and is the transition of rollup. */
PG_FUNCTION_INFO_V1(segment_rules_merge);
Datum
segment_rules_merge(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_DATUM(PG_GETARG_DATUM(PG_ARGISNULL(0) ? 1 : 0));
	PG_RETURN_POINTER(rules_union(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));
}

/* default_segment_rules() → segment_rules: the built-in rules as a value */
PG_FUNCTION_INFO_V1(default_segment_rules);
Datum
default_segment_rules(PG_FUNCTION_ARGS)
{
	SegmentRule rules[lengthof(default_rules)];

	memcpy(rules, default_rules, sizeof(default_rules));
	PG_RETURN_POINTER(segment_rules_pack(rules, lengthof(default_rules)));
}
