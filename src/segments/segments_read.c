/*
 * segments_read.c
 *	  Segments of scores, and the gaps and overlaps of segment rules.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "segments/segments.h"

/*
 * Parses a score such as '545' or '333/3'. One without a number of levels has
 * as many as the argument, or five. It is an error if it contradicts them.
 */
static void
score_argument(FunctionCallInfo fcinfo, int told_levels, RfmCode *code)
{
	text *score = PG_GETARG_TEXT_PP(0);
	const char *given = VARDATA_ANY(score);
	int length = VARSIZE_ANY_EXHDR(score);
	bool valid = rfm_code_read(given, length, code);

	if (valid && code->levels == 0)
		code->levels = told_levels > 0 ? told_levels : RFM_DEFAULT_LEVELS;
	for (int i = 0; i < RFM_DIMENSIONS && valid; i++)
		valid = code->scores[i] <= code->levels;
	if (!valid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%.*s\" is not a score of %d levels", pg_mbcliplen(given, length, 60), given,
						code->levels > 0      ? code->levels
							: told_levels > 0 ? told_levels
											  : RFM_DEFAULT_LEVELS),
				 errhint("Scores of five levels look like \"545\" or, without a monetary score, \"54-\"; of other "
						 "levels like \"333/3\" or \"A93/10\".")));
}

/* Raises an error if a score, as it was given, and the cuts or rules have different levels. */
static void
check_same_levels(const RfmCode *code, const char *score, int levels, const char *what)
{
	if (code->levels != levels)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("score \"%s\" has %d levels, but %s %d", score, code->levels, what, levels),
				 errhint("The levels of rfm_cuts, rfm_score and segment_rules must be the same.")));
}

static Datum
name_result(const SegmentRule *rule)
{
	return PointerGetDatum(cstring_to_text_with_len(rule->name, rule->name_bytes));
}

/* segment_of(score text [, levels]) → text: the built-in segment */
PG_FUNCTION_INFO_V1(segment_of);
Datum
segment_of(PG_FUNCTION_ARGS)
{
	RfmCode code;
	int count;
	int levels = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1);

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(1))
		rfm_check_levels(levels);
	score_argument(fcinfo, levels, &code);
	if (levels > 0)
		check_same_levels(&code, text_to_cstring(PG_GETARG_TEXT_PP(0)), levels, "levels are said to be");

	const SegmentRule *rules = segment_defaults(code.levels, &count);

	for (int i = 0; i < count; i++)
		if (segment_covers(&rules[i], &code))
			return name_result(&rules[i]);
	elog(ERROR, "built-in segments leave out %s", text_to_cstring(PG_GETARG_TEXT_PP(0)));
}

/* The most specific rule that covers a code, which was written like this; false if none does. */
static bool
find_segment(const RfmCode *code, const char *score, Datum rules, SegmentRule *rule)
{
	SegmentReader reader;

	segment_open(&reader, rules);
	check_same_levels(code, score, reader.levels, "the rules are for");
	while (segment_next(&reader, rule))
		if (segment_covers(rule, code))
			return true;
	return false;
}

/* segment_of(score text, rules segment_rules) → text: the segment of the most specific rule */
PG_FUNCTION_INFO_V1(segment_of_rules);
Datum
segment_of_rules(PG_FUNCTION_ARGS)
{
	RfmCode code;
	SegmentRule rule;

	score_argument(fcinfo, 0, &code);
	if (!find_segment(&code, text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_DATUM(1), &rule))
		PG_RETURN_NULL();
	return name_result(&rule);
}

/* Codes have so many places in a cache, whatever their levels. */
#define CACHE_SCORES (RFM_MAX_LEVELS + 1)
#define CACHE_PLACES (CACHE_SCORES * CACHE_SCORES * CACHE_SCORES)

/* Forgets the names unless the rules are those of the call before. */
static void
cache_open(CachedSegments *cache, MemoryContext context, struct varlena *rules)
{
	Size size = VARSIZE_ANY(rules);

	if (cache->rules != NULL && VARSIZE_ANY(cache->rules) == size && memcmp(cache->rules, rules, size) == 0)
		return;
	if (cache->rules == NULL)
	{
		cache->names = MemoryContextAllocZero(context, CACHE_PLACES * sizeof(Datum));
		cache->known = MemoryContextAllocZero(context, CACHE_PLACES * sizeof(bool));
	}
	else
		pfree(cache->rules);
	for (int i = 0; i < CACHE_PLACES; i++)
	{
		if (cache->names[i] != 0)
			pfree(DatumGetPointer(cache->names[i]));
		cache->names[i] = 0;
		cache->known[i] = false;
	}
	cache->rules = memcpy(MemoryContextAlloc(context, size), rules, size);
}

bool
segment_once(CachedSegments *cache, MemoryContext context, const RfmCode *code, Datum rules, Datum *name)
{
	int place = (code->scores[RFM_RECENCY] * CACHE_SCORES + code->scores[RFM_FREQUENCY]) * CACHE_SCORES +
		code->scores[RFM_MONETARY];

	cache_open(cache, context, PG_DETOAST_DATUM_PACKED(rules));
	if (!cache->known[place])
	{
		char score[RFM_CODE_BYTES];
		SegmentRule rule;

		if (find_segment(code, pnstrdup(score, rfm_code_write(code, score)), PointerGetDatum(cache->rules), &rule))
		{
			MemoryContext caller = MemoryContextSwitchTo(context);

			cache->names[place] = name_result(&rule);
			MemoryContextSwitchTo(caller);
		}
		cache->known[place] = true;
	}
	*name = cache->names[place];
	return *name != 0;
}

/*
 * segment_rules_check(rules [, levels]) → setof (score, segments): codes that
 * no segment or more than one covers. Two rules of one segment do not
 * conflict.
 */
PG_FUNCTION_INFO_V1(segment_rules_check);
Datum
segment_rules_check(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	SegmentReader reader;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	segment_open(&reader, PG_GETARG_DATUM(0));
	if (!PG_ARGISNULL(1) && PG_GETARG_INT32(1) != reader.levels)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the rules are for %d levels, not %d", reader.levels, PG_GETARG_INT32(1)),
				 errhint("Aggregate them with segment_rules(segment, r, f, m, levels).")));

	int levels = reader.levels;
	int codes = levels * levels * (levels + 1);
	int count = 0;
	SegmentRule *rules = palloc_array(SegmentRule, Max(1, reader.left));
	Datum *names = palloc_array(Datum, Max(1, reader.left));

	while (segment_next(&reader, &rules[count]))
		count++;

	for (int i = 0; i < codes; i++)
	{
		RfmCode code = {.levels = levels,
						.scores = {i / (levels + 1) / levels + 1, i / (levels + 1) % levels + 1, i % (levels + 1)}};
		char score[RFM_CODE_BYTES];
		int claims = 0;
		const SegmentRule **claiming = palloc_array(const SegmentRule *, Max(1, count));

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < count; j++)
		{
			bool known = false;

			if (!segment_covers(&rules[j], &code))
				continue;
			for (int k = 0; k < claims && !known; k++)
				known = claiming[k]->name_bytes == rules[j].name_bytes &&
					memcmp(claiming[k]->name, rules[j].name, rules[j].name_bytes) == 0;
			if (!known)
				claiming[claims++] = &rules[j];
		}
		if (claims != 1)
		{
			Datum values[2];
			bool nulls[2] = {false};

			for (int k = 0; k < claims; k++)
				names[k] = name_result(claiming[k]);
			values[0] = PointerGetDatum(cstring_to_text_with_len(score, rfm_code_write(&code, score)));
			values[1] = PointerGetDatum(construct_array(names, claims, TEXTOID, -1, false, TYPALIGN_INT));
			tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
		}
		pfree(claiming);
	}
	return (Datum) 0;
}

/* unnest(segment_rules) → setof (segment, r, f, m): the rules as rows; NULL means any score */
PG_FUNCTION_INFO_V1(segment_rules_unnest);
Datum
segment_rules_unnest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	SegmentReader reader;
	SegmentRule rule;
	Oid range_in, range_param;

	InitMaterializedSRF(fcinfo, 0);
	segment_open(&reader, PG_GETARG_DATUM(0));
	getTypeInputInfo(INT4RANGEOID, &range_in, &range_param);
	while (segment_next(&reader, &rule))
	{
		Datum values[1 + RFM_DIMENSIONS] = {name_result(&rule)};
		bool nulls[1 + RFM_DIMENSIONS] = {false};

		for (int i = 0; i < RFM_DIMENSIONS; i++)
		{
			char *range = psprintf("[%d,%d]", rule.low[i], rule.high[i]);

			nulls[1 + i] = segment_any_score(&rule, i, reader.levels);
			/* Read from text, because the functions that make ranges differ among server versions. */
			if (!nulls[1 + i])
				values[1 + i] = OidInputFunctionCall(range_in, range, range_param, -1);
		}
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}
