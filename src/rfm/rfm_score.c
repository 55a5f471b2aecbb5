/*
 * rfm_score.c
 *	  Scores from cut points, and the accessors of cut points.
 *
 * The window function counts its partition with the same machinery that the
 * aggregate uses, so that both give the same scores.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"
#include "windowapi.h"

#include "rfm/rfm.h"
#include "rfm/rfm_counts.h"
#include "support/result.h"

static const char score_characters[] = "-123456789A";

int
rfm_code_write(const RfmCode *code, char text[RFM_CODE_BYTES])
{
	int length = RFM_DIMENSIONS;

	for (int i = 0; i < RFM_DIMENSIONS; i++)
		text[i] = score_characters[code->scores[i]];
	if (code->levels == RFM_DEFAULT_LEVELS)
		return length;
	text[length++] = '/';
	if (code->levels >= 10)
		text[length++] = '1';
	text[length++] = (char) ('0' + code->levels % 10);
	return length;
}

/* The score that a character stands for; -1: none. */
static int
score_of_character(char c)
{
	return c >= '1' && c <= '9' ? c - '0' : c == 'A' ? 10 : c == '-' ? RFM_NO_SCORE : -1;
}

bool
rfm_code_read(const char *text, int length, RfmCode *code)
{
	code->levels = 0;
	if (length < RFM_DIMENSIONS)
		return false;
	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		int score = score_of_character(text[i]);

		if (score < 0 || (score == RFM_NO_SCORE && i != RFM_MONETARY))
			return false;
		code->scores[i] = score;
	}
	text += RFM_DIMENSIONS;
	length -= RFM_DIMENSIONS;
	if (length == 0)
		return true;
	if (length == 3 && memcmp(text, "/10", 3) == 0)
		code->levels = 10;
	else if (length == 2 && text[0] == '/' && text[1] >= '2' && text[1] <= '9')
		code->levels = text[1] - '0';
	return code->levels != 0;
}

RfmCode
rfm_code_of(const RfmCuts *cuts, const double values[RFM_DIMENSIONS])
{
	RfmCode code = {.levels = cuts->levels};

	for (int i = 0; i < RFM_DIMENSIONS; i++)
		code.scores[i] = rfm_digit(cuts, i, values[i]);
	if (cuts->effective_levels[RFM_MONETARY] == 1 || !isfinite(values[RFM_MONETARY]))
		code.scores[RFM_MONETARY] = RFM_NO_SCORE;
	return code;
}

static Datum
score_result(const RfmCuts *cuts, const double values[RFM_DIMENSIONS])
{
	RfmCode code = rfm_code_of(cuts, values);
	char text[RFM_CODE_BYTES];

	return PointerGetDatum(cstring_to_text_with_len(text, rfm_code_write(&code, text)));
}

/* rfm_score(recency_days, frequency, monetary, cuts rfm_cuts) → text: the scores, '545' */
PG_FUNCTION_INFO_V1(rfm_score);
Datum
rfm_score(PG_FUNCTION_ARGS)
{
	RfmCuts cuts;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
		PG_RETURN_NULL();

	const double values[RFM_DIMENSIONS] = {
		[RFM_RECENCY] = PG_GETARG_INT32(0),
		[RFM_FREQUENCY] = (double) PG_GETARG_INT64(1),
		[RFM_MONETARY] = PG_ARGISNULL(2) ? NAN : PG_GETARG_FLOAT8(2),
	};

	rfm_cuts_read(&cuts, PG_GETARG_DATUM(3));
	return score_result(&cuts, values);
}

const RfmCuts *
rfm_cuts_once(CachedRfmCuts *cache, MemoryContext context, Datum cuts)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(cuts);
	Size size = VARSIZE_ANY(value);

	if (cache->read != NULL && VARSIZE_ANY(cache->read) == size && memcmp(cache->read, value, size) == 0)
		return &cache->cuts;
	if (cache->read != NULL)
		pfree(cache->read);
	cache->read = NULL;
	rfm_cuts_read(&cache->cuts, PointerGetDatum(value));
	cache->read = memcpy(MemoryContextAlloc(context, size), value, size);
	return &cache->cuts;
}

/* The state between the rows of a partition: all zero before the first. */
typedef struct ScoredPartition
{
	bool counted;
	RfmCuts cuts; /* valid if there are customers */
} ScoredPartition;

/* An argument for a row of the partition, or the current one. */
typedef struct PartitionRow
{
	WindowObject window;
	int position; /* -1: current */
	bool beyond;  /* there is no such row */
} PartitionRow;

#define CURRENT_ROW (-1)

static Datum
row_argument(PartitionRow *row, int argument, bool *isnull)
{
	if (row->position == CURRENT_ROW)
		return WinGetFuncArgCurrent(row->window, argument, isnull);
	return WinGetFuncArgInPartition(row->window, argument, row->position, WINDOW_SEEK_HEAD, false, isnull,
									&row->beyond);
}

/* The values of a row; false if the customer is not counted. */
static bool
row_values(PartitionRow *row, double values[RFM_DIMENSIONS])
{
	bool isnull[RFM_DIMENSIONS];

	values[RFM_RECENCY] = DatumGetInt32(row_argument(row, 0, &isnull[0]));
	if (row->beyond)
		return false;
	values[RFM_FREQUENCY] = isnull[0] ? 0 : (double) DatumGetInt64(row_argument(row, 1, &isnull[1]));
	if (isnull[0] || isnull[1])
		return false;

	Datum monetary = row_argument(row, 2, &isnull[2]);

	values[RFM_MONETARY] = isnull[2] ? NAN : DatumGetFloat8(monetary);
	return true;
}

static int
row_levels(WindowObject window)
{
	bool isnull;
	int levels = DatumGetInt32(WinGetFuncArgCurrent(window, 3, &isnull));

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("levels must be between %d and %d, not NULL", RFM_MIN_LEVELS, RFM_MAX_LEVELS)));
	rfm_check_levels(levels);
	return levels;
}

/* Counts all rows of the partition, of which the first is the current one. */
static void
count_partition(WindowObject window, ScoredPartition *partition)
{
	PartitionRow row = {.window = window};
	MemoryContext counting = AllocSetContextCreate(CurrentMemoryContext, "rfm_score counts", ALLOCSET_DEFAULT_SIZES);
	MemoryContext per_row = AllocSetContextCreate(CurrentMemoryContext, "rfm_score row", ALLOCSET_DEFAULT_SIZES);
	MemoryContext outside = MemoryContextSwitchTo(per_row);
	RfmCounts *counts = NULL;
	int levels = row_levels(window);

	for (;; row.position++)
	{
		double values[RFM_DIMENSIONS];
		bool counted = row_values(&row, values);

		if (row.beyond)
			break;
		if (row.position == PG_INT32_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many rows in a partition of rfm_score"),
					 errhint("Aggregate them with rfm_cuts, then score with the result.")));
		if (counted)
		{
			RfmCounts *old;

			MemoryContextSwitchTo(counting);
			if (counts == NULL)
				counts = rfm_counts_make(levels);
			old = counts;
			counts = rfm_counts_add(counts, values);
			if (old != counts)
				pfree(old);
			MemoryContextSwitchTo(per_row);
		}
		/* Argument expressions may allocate memory. */
		MemoryContextReset(per_row);
		CHECK_FOR_INTERRUPTS();
	}

	MemoryContextSwitchTo(outside);
	if (counts != NULL)
		rfm_counts_finish(counts, &partition->cuts);
	partition->cuts.levels = levels;
	partition->counted = true;
	MemoryContextDelete(per_row);
	MemoryContextDelete(counting);
}

/*
 * rfm_score(recency_days, frequency, monetary [, levels]) OVER (…) → text:
 * the scores among the customers of the partition
 */
PG_FUNCTION_INFO_V1(rfm_score_window);
Datum
rfm_score_window(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	ScoredPartition *partition = WinGetPartitionLocalMemory(window, sizeof(ScoredPartition));
	PartitionRow current = {.window = window, .position = CURRENT_ROW};
	double values[RFM_DIMENSIONS];

	WinCheckAndInitializeNullTreatment(window, false, fcinfo);
	if (!partition->counted)
		count_partition(window, partition);
	if (row_levels(window) != partition->cuts.levels)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("levels must be the same for all rows of a partition, not both %d and %d",
						Min(row_levels(window), partition->cuts.levels),
						Max(row_levels(window), partition->cuts.levels))));
	if (!row_values(&current, values))
		PG_RETURN_NULL();
	return score_result(&partition->cuts, values);
}

/* customer_count(rfm_cuts) → bigint: customers that the cut points come from */
PG_FUNCTION_INFO_V1(rfm_cuts_customer_count);
Datum
rfm_cuts_customer_count(PG_FUNCTION_ARGS)
{
	RfmCuts cuts;

	rfm_cuts_read(&cuts, PG_GETARG_DATUM(0));
	PG_RETURN_INT64(cuts.customers);
}

/* rfm_levels(rfm_cuts) → setof (dimension, levels, effective_levels): requested, and effective */
PG_FUNCTION_INFO_V1(rfm_levels);
Datum
rfm_levels(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	RfmCuts cuts;

	InitMaterializedSRF(fcinfo, 0);
	rfm_cuts_read(&cuts, PG_GETARG_DATUM(0));
	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		Datum values[3] = {
			CStringGetTextDatum(rfm_dimension_names[i]),
			Int32GetDatum(cuts.levels),
			Int32GetDatum(cuts.effective_levels[i]),
		};
		bool nulls[3] = {false};

		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * rfm_cut_points(rfm_cuts) → setof (dimension, score, bound, attained): a
 * customer has at least this score if recency < bound, frequency > bound,
 * monetary > bound
 */
PG_FUNCTION_INFO_V1(rfm_cut_points);
Datum
rfm_cut_points(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	RfmCuts cuts;

	InitMaterializedSRF(fcinfo, 0);
	rfm_cuts_read(&cuts, PG_GETARG_DATUM(0));
	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		const double *cut = cuts.cuts[i];
		int different = 1;

		/* There are customers at every different cut, and perhaps some beyond the best (of recency the worst). */
		for (int k = 1; k < cuts.levels - 1; k++)
			different += cut[k] != cut[k - 1];

		for (int score = 1; score <= cuts.levels; score++)
		{
			int certain = i == RFM_RECENCY ? cuts.levels : 1;
			int uncertain = i == RFM_RECENCY ? 1 : cuts.levels;
			bool attained = score == certain ||
				(score == uncertain ? different < cuts.effective_levels[i] : cut[score - 2] != cut[score - 1]);
			Datum values[4] = {
				CStringGetTextDatum(rfm_dimension_names[i]),
				Int32GetDatum(score),
				score == 1 ? (Datum) 0 : Float8GetDatum(cut[score - 2]),
				BoolGetDatum(attained),
			};
			bool nulls[4] = {[2] = score == 1};

			tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
		}
	}
	return (Datum) 0;
}
