/*
 * segments_read.c
 *	  Segments of scores, and what segment rules leave open or cover twice.
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

#include "rfm/segments.h"

static void
bad_score(text *score, int highest)
{
	const char *given = VARDATA_ANY(score);
	int			shown = pg_mbcliplen(given, VARSIZE_ANY_EXHDR(score), 60);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("score must be three digits from 1 to %d, not \"%.*s\"", highest, shown, given),
			 highest == SEGMENT_HIGHEST_SCORE ? 0 :
			 errhint("The built-in segments are made for five levels. For others aggregate your own with segment_rules and give them as the second argument.")));
}

/* Takes a score such as '545' apart. */
static void
score_argument(FunctionCallInfo fcinfo, int highest, int code[RFM_DIMENSIONS])
{
	text	   *score = PG_GETARG_TEXT_PP(0);
	const char *digits = VARDATA_ANY(score);

	if (VARSIZE_ANY_EXHDR(score) != RFM_DIMENSIONS)
		bad_score(score, highest);
	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		code[i] = digits[i] - '0';
		if (code[i] < SEGMENT_LOWEST_SCORE || code[i] > highest)
			bad_score(score, highest);
	}
}

static Datum
name_result(const SegmentRule *rule)
{
	return PointerGetDatum(cstring_to_text_with_len(rule->name, rule->name_bytes));
}

/* segment_of(score text) → text: the built-in segment */
PG_FUNCTION_INFO_V1(segment_of);
Datum
segment_of(PG_FUNCTION_ARGS)
{
	int			code[RFM_DIMENSIONS];
	int			count;
	const SegmentRule *rules = segment_defaults(&count);

	score_argument(fcinfo, RFM_DEFAULT_LEVELS, code);
	for (int i = 0; i < count; i++)
		if (segment_covers(&rules[i], code))
			return name_result(&rules[i]);
	elog(ERROR, "built-in segments leave out %d%d%d", code[0], code[1], code[2]);
}

/* segment_of(score text, rules segment_rules) → text: the segment of the most specific rule */
PG_FUNCTION_INFO_V1(segment_of_rules);
Datum
segment_of_rules(PG_FUNCTION_ARGS)
{
	int			code[RFM_DIMENSIONS];
	SegmentReader reader;
	SegmentRule rule;

	score_argument(fcinfo, SEGMENT_HIGHEST_SCORE, code);
	segment_open(&reader, PG_GETARG_DATUM(1));
	while (segment_next(&reader, &rule))
		if (segment_covers(&rule, code))
			return name_result(&rule);
	PG_RETURN_NULL();
}

/*
 * segment_rules_gaps(rules, levels) → setof (score, segments): codes that no
 * segment or more than one claims. Two rules of one segment do not conflict.
 */
PG_FUNCTION_INFO_V1(segment_rules_gaps);
Datum
segment_rules_gaps(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	int			levels = PG_GETARG_INT32(1);
	SegmentReader reader;

	rfm_check_levels(levels);
	InitMaterializedSRF(fcinfo, 0);
	segment_open(&reader, PG_GETARG_DATUM(0));

	int			codes = levels * levels * levels;
	int			count = 0;
	SegmentRule *rules = palloc_array(SegmentRule, Max(1, reader.left));
	Datum	   *names = palloc_array(Datum, Max(1, reader.left));

	while (segment_next(&reader, &rules[count]))
		count++;

	for (int i = 0; i < codes; i++)
	{
		int			code[RFM_DIMENSIONS] = {i / levels / levels + 1, i / levels % levels + 1, i % levels + 1};
		char		score[RFM_DIMENSIONS];
		int			claims = 0;
		const SegmentRule **claiming = palloc_array(const SegmentRule *, Max(1, count));

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < count; j++)
		{
			bool		known = false;

			if (!segment_covers(&rules[j], code))
				continue;
			for (int k = 0; k < claims && !known; k++)
				known = claiming[k]->name_bytes == rules[j].name_bytes &&
					memcmp(claiming[k]->name, rules[j].name, rules[j].name_bytes) == 0;
			if (!known)
				claiming[claims++] = &rules[j];
		}
		if (claims != 1)
		{
			Datum		values[2];
			bool		nulls[2] = {false};

			for (int k = 0; k < claims; k++)
				names[k] = name_result(claiming[k]);
			for (int k = 0; k < RFM_DIMENSIONS; k++)
				score[k] = (char) ('0' + code[k]);
			values[0] = PointerGetDatum(cstring_to_text_with_len(score, RFM_DIMENSIONS));
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
	Oid			range_in,
				range_param;

	InitMaterializedSRF(fcinfo, 0);
	segment_open(&reader, PG_GETARG_DATUM(0));
	getTypeInputInfo(INT4RANGEOID, &range_in, &range_param);
	while (segment_next(&reader, &rule))
	{
		Datum		values[1 + RFM_DIMENSIONS] = {name_result(&rule)};
		bool		nulls[1 + RFM_DIMENSIONS] = {false};

		for (int i = 0; i < RFM_DIMENSIONS; i++)
		{
			char		range[] = {'[', '0' + rule.low[i], ',', '0' + rule.high[i], ']', '\0'};

			nulls[1 + i] = rule.low[i] == SEGMENT_LOWEST_SCORE && rule.high[i] == SEGMENT_HIGHEST_SCORE;
			/* Read from text, because the functions that make ranges differ among servers. */
			if (!nulls[1 + i])
				values[1 + i] = OidInputFunctionCall(range_in, range, range_param, -1);
		}
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}
