/*
 * segments.c
 *	  uplift_segments: an experiment's uplift in each of several segments, and
 *	  their meta-analysis; with numbered tiles as segments, Qini curves.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "experiments/experiments.h"
#include "numerics/normal.h"
#include "numerics/tails.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/server_host.h"

#define UPLIFT_SEGMENTS_VERSION 1
#define MOST_DRAWS 10000

/* Merges the uplifts of two rows or shards of one segment. */
static NamedPart
merge_parts(const NamedPart *a, const NamedPart *b)
{
	UpliftSums sums;
	UpliftSums other;
	NamedPart merged = *a;

	uplift_read(a->data, a->data + a->bytes, &sums);
	uplift_read(b->data, b->data + b->bytes, &other);
	uplift_merge_sums(&sums, &other);

	struct varlena *value = uplift_pack(&sums);

	merged.data = (const uint8 *) VARDATA(value);
	merged.bytes = VARSIZE(value) - VARHDRSZ;
	return merged;
}

const PartsType uplift_segments_parts = {
	.name = "uplift_segments",
	.version = UPLIFT_SEGMENTS_VERSION,
	.most = PARTS_MAX_SEGMENTS,
	.merge = merge_parts,
};

/* Adds the uplift of one segment. */
static Datum
add_segment(FunctionCallInfo fcinfo, NamedPart *part)
{
	UpliftSums sums;

	uplift_get(PG_GETARG_DATUM(2), &sums);

	struct varlena *uplift = uplift_pack(&sums);

	part->data = (const uint8 *) VARDATA(uplift);
	part->bytes = VARSIZE(uplift) - VARHDRSZ;

	struct varlena *segments = parts_pack(&uplift_segments_parts, part, 1);

	if (!PG_ARGISNULL(0))
		segments = parts_union(&uplift_segments_parts, PG_GETARG_DATUM(0), PointerGetDatum(segments));
	PG_RETURN_POINTER(segments);
}

static Datum
unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* uplift_segments(segment, uplift): transition */
AGG_FUNCTION_INFO_V1(uplift_segments_add);
static Datum
uplift_segments_add_in_group(PG_FUNCTION_ARGS)
{
	NamedPart part;

	if (PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		part_notice_unnamed(&uplift_segments_parts);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return unchanged(fcinfo);
	part_set_name(&part, PG_GETARG_DATUM(1));
	return add_segment(fcinfo, &part);
}

/* uplift_segments(tile, uplift): transition; a tile's name is its number */
AGG_FUNCTION_INFO_V1(uplift_segments_add_tile);
static Datum
uplift_segments_add_tile_in_group(PG_FUNCTION_ARGS)
{
	NamedPart part;
	char number[12];

	if (PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		part_notice_unnamed(&uplift_segments_parts);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return unchanged(fcinfo);
	part.name_bytes = (uint32) pg_ltoa(PG_GETARG_INT32(1), number);
	part.name = number;
	return add_segment(fcinfo, &part);
}

/* The segments of both values: combine, and transition of rollup. */
AGG_FUNCTION_INFO_V1(uplift_segments_merge);
static Datum
uplift_segments_merge_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_DATUM(PG_GETARG_DATUM(PG_ARGISNULL(0) ? 1 : 0));
	PG_RETURN_POINTER(parts_union(&uplift_segments_parts, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));
}

/* unnest(uplift_segments) → setof (segment, u) */
PG_FUNCTION_INFO_V1(uplift_segments_unnest);
Datum
uplift_segments_unnest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	NamedParts parts = parts_get(&uplift_segments_parts, PG_GETARG_DATUM(0));

	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; i < parts.count; i++)
	{
		NamedPart *part = &parts.parts[i];
		struct varlena *uplift = palloc(VARHDRSZ + part->bytes);
		Datum values[2];
		bool nulls[2] = {false, false};

		CHECK_FOR_INTERRUPTS();
		SET_VARSIZE(uplift, VARHDRSZ + part->bytes);
		memcpy(VARDATA(uplift), part->data, part->bytes);
		values[0] = PointerGetDatum(cstring_to_text_with_len(part->name, (int) part->name_bytes));
		values[1] = PointerGetDatum(uplift);
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
		pfree(uplift);
	}
	return (Datum) 0;
}

/* Rates of arms with fewer units than this say nothing of a segment. */
#define FEWEST_UNITS 10

static bool
has_few_units(const Experiment *experiment)
{
	return experiment->binary && (experiment->treated.count < FEWEST_UNITS || experiment->control.count < FEWEST_UNITS);
}

/* Segments for a comparison, without those that have no estimate. */
typedef struct SegmentEffects
{
	NamedParts parts;
	Experiment *experiments;
	ExperimentStatus *status;
	int count; /* with an estimate; their numbers follow */
	double *uplift;
	double *std_error;
} SegmentEffects;

static SegmentEffects
read_effects(Datum value)
{
	SegmentEffects effects = {.parts = parts_get(&uplift_segments_parts, value)};
	uint32 n = Max(1, effects.parts.count);

	effects.experiments = palloc_array(Experiment, n);
	effects.status = palloc_array(ExperimentStatus, n);
	effects.uplift = palloc_array(double, n);
	effects.std_error = palloc_array(double, n);
	for (uint32 i = 0; i < effects.parts.count; i++)
	{
		const NamedPart *part = &effects.parts.parts[i];
		UpliftSums sums;

		CHECK_FOR_INTERRUPTS();
		uplift_read(part->data, part->data + part->bytes, &sums);
		effects.experiments[i] = uplift_experiment(&sums);
		effects.status[i] = experiment_status(&effects.experiments[i]);
		/* the errors of few responses are no errors to weigh a segment by, or to act on */
		if (effects.status[i] == EXPERIMENT_OK && has_few_units(&effects.experiments[i]))
			effects.status[i] = EXPERIMENT_TOO_FEW;
		if (effects.status[i] == EXPERIMENT_OK)
		{
			ExperimentEstimate e = experiment_estimate(&effects.experiments[i], 0.9, 1);

			/* a covariate may explain an outcome entirely: the variance, and so the weight, is undefined */
			if (!(e.std_error > 0.0))
			{
				effects.status[i] = EXPERIMENT_NO_VARIATION;
				continue;
			}
			effects.uplift[effects.count] = e.uplift;
			effects.std_error[effects.count++] = e.std_error;
		}
	}
	return effects;
}

ShrunkEffect *
uplift_shrunk_effects(Datum segments, uint32 *count)
{
	SegmentEffects effects = read_effects(segments);
	Heterogeneity among = heterogeneity_of(effects.uplift, effects.std_error, effects.count);
	ShrunkEffect *shrunk = palloc_array(ShrunkEffect, Max(1, effects.parts.count));
	int next = 0;

	*count = effects.parts.count;
	for (uint32 i = 0; i < effects.parts.count; i++)
	{
		const NamedPart *part = &effects.parts.parts[i];
		double sd;

		shrunk[i] = (ShrunkEffect){part->name, (uint32) part->name_bytes, NAN, !effects.experiments[i].binary};
		if (effects.status[i] != EXPERIMENT_OK)
			continue;
		shrink_uplift(&among, effects.uplift[next], effects.std_error[next], &shrunk[i].uplift, &sd);
		next++;
	}
	return shrunk;
}

void
refuse_value_of_amounts(bool of_amounts, const char *measured, const char *name, double value)
{
	if (of_amounts && value > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be at most 1 where the %s is of amounts, but is %g", name, measured, value),
				 errhint("What a contact brings is in the %s then: %s is the margin in it, or 1. Or give responses "
						 "(outcomes that are 0 or 1); of numbers of orders give their value.",
						 measured, name)));
}

/* uplift_shrunk(uplift_segments, level, value_per_response, cost) → setof (segment, …) */
PG_FUNCTION_INFO_V1(uplift_shrunk);
Datum
uplift_shrunk(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	double level = level_argument(fcinfo, 1);
	double value = finite_argument(fcinfo, 2, "value_per_response", NULL);
	double cost = finite_argument(fcinfo, 3, "cost", NULL);
	SegmentEffects effects = read_effects(PG_GETARG_DATUM(0));
	Heterogeneity among = heterogeneity_of(effects.uplift, effects.std_error, effects.count);
	double *low = palloc_array(double, Max(1, effects.count));
	double *high = palloc_array(double, Max(1, effects.count));
	int next = 0;

	for (uint32 i = 0; i < effects.parts.count; i++)
		refuse_value_of_amounts(!effects.experiments[i].binary, "uplift", "value_per_response", value);
	if (effects.count > 0)
		shrunk_intervals(effects.uplift, effects.std_error, effects.count, level, low, high, &server_host);
	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; i < effects.parts.count; i++)
	{
		const NamedPart *part = &effects.parts.parts[i];
		Datum values[11] = {
			PointerGetDatum(cstring_to_text_with_len(part->name, (int) part->name_bytes)),
			Int64GetDatum((int64) effects.experiments[i].treated.count),
			Int64GetDatum((int64) effects.experiments[i].control.count),
		};
		bool nulls[11] = {false, false, false, true, true, true, true, true, true, true, false};

		CHECK_FOR_INTERRUPTS();
		values[10] = PointerGetDatum(cstring_to_text(experiment_status_name(effects.status[i])));
		if (effects.status[i] == EXPERIMENT_OK)
		{
			double shrunk;
			double sd;
			double prob;

			shrink_uplift(&among, effects.uplift[next], effects.std_error[next], &shrunk, &sd);
			prob = value == 0.0 ? (0.0 > cost ? 1.0 : 0.0) : normal_prob((shrunk * value - cost) / (sd * fabs(value)));
			put_number(values, nulls, 3, effects.uplift[next]);
			put_number(values, nulls, 4, shrunk);
			put_number(values, nulls, 5, sd);
			put_number(values, nulls, 6, low[next]);
			put_number(values, nulls, 7, high[next]);
			put_number(values, nulls, 8, prob);
			values[9] = BoolGetDatum(prob >= level);
			nulls[9] = nulls[8];
			for (int k = 3; k <= 8; k++)
				if (nulls[k])
					values[10] = PointerGetDatum(cstring_to_text(OUT_OF_RANGE_STATUS));
			next++;
		}
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* uplift_heterogeneity(uplift_segments) → (segments, q, tau2, p, mean, std_error) */
PG_FUNCTION_INFO_V1(uplift_heterogeneity);
Datum
uplift_heterogeneity(PG_FUNCTION_ARGS)
{
	SegmentEffects effects = read_effects(PG_GETARG_DATUM(0));
	Heterogeneity among = heterogeneity_of(effects.uplift, effects.std_error, effects.count);
	Datum values[6] = {Int32GetDatum(among.segments)};
	bool nulls[6] = {false};

	put_number(values, nulls, 1, effects.count > 0 ? among.q : NAN);
	put_number(values, nulls, 2, effects.count > 1 ? among.tau2 : NAN);
	put_number(values, nulls, 3, among.p);
	put_number(values, nulls, 4, among.mean);
	put_number(values, nulls, 5, 1.0 / sqrt(among.weight));
	return row_result(fcinfo, values, nulls);
}

/* Tiles in order of their numbers. */
typedef struct NumberedTile
{
	int32 number;
	int64 treated;
	int64 control;
	UpliftTile sums;
	bool binary;
} NumberedTile;

static int
compare_tiles(const void *left, const void *right)
{
	const NumberedTile *a = left;
	const NumberedTile *b = right;

	return (a->number > b->number) - (a->number < b->number);
}

/* The number in a segment's name. */
static int32
tile_number(const NamedPart *part)
{
	char *name = part_name(part);
	char *end;
	long number;

	errno = 0;
	number = strtol(name, &end, 10);
	if (errno != 0 || *end != '\0' || end == name || number < PG_INT32_MIN || number > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("segment \"%s\" is not the number of a tile", name),
				 errhint("A Qini curve goes over tiles of a score, the best first: uplift_segments(ntile, u).")));
	pfree(name);
	return (int32) number;
}

static NumberedTile *
read_tiles(Datum value, uint32 *count)
{
	NamedParts parts = parts_get(&uplift_segments_parts, value);
	NumberedTile *tiles = palloc_array(NumberedTile, Max(1, parts.count));

	for (uint32 i = 0; i < parts.count; i++)
	{
		const NamedPart *part = &parts.parts[i];
		UpliftSums sums;

		CHECK_FOR_INTERRUPTS();
		uplift_read(part->data, part->data + part->bytes, &sums);
		tiles[i] =
			(NumberedTile){.number = tile_number(part),
						   .treated = sums.units[UPLIFT_TREATED],
						   .control = sums.units[UPLIFT_CONTROL],
						   .binary = sums.binary,
						   .sums = {.treated = (double) sums.units[UPLIFT_TREATED],
									.control = (double) sums.units[UPLIFT_CONTROL],
									.treated_sum = exact_sum_value(&sums.sums[UPLIFT_TREATED][UPLIFT_OUTCOME]),
									.control_sum = exact_sum_value(&sums.sums[UPLIFT_CONTROL][UPLIFT_OUTCOME]),
									.treated_squares = exact_sum_value(&sums.sums[UPLIFT_TREATED][UPLIFT_SQUARES]),
									.control_squares = exact_sum_value(&sums.sums[UPLIFT_CONTROL][UPLIFT_SQUARES])}};
	}
	qsort(tiles, parts.count, sizeof(NumberedTile), compare_tiles);
	*count = parts.count;
	return tiles;
}

/* qini_curve(uplift_segments) → setof (tile, n_treated, n_control, share_treated, gain, random_gain) */
PG_FUNCTION_INFO_V1(qini_curve);
Datum
qini_curve(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	uint32 count;
	NumberedTile *tiles = read_tiles(PG_GETARG_DATUM(0), &count);
	UpliftTile *sums = palloc_array(UpliftTile, Max(1, count));
	double *points = palloc_array(double, Max(1, count));
	double treated = 0.0;
	double so_far = 0.0;

	for (uint32 i = 0; i < count; i++)
	{
		sums[i] = tiles[i].sums;
		treated += sums[i].treated;
	}
	qini_points(sums, (int) count, points);
	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; i < count; i++)
	{
		Datum values[6] = {
			Int32GetDatum(tiles[i].number),
			Int64GetDatum(tiles[i].treated),
			Int64GetDatum(tiles[i].control),
		};
		bool nulls[6] = {false};

		CHECK_FOR_INTERRUPTS();
		so_far += sums[i].treated;
		put_number(values, nulls, 3, so_far / treated);
		put_number(values, nulls, 4, points[i]);
		put_number(values, nulls, 5, points[count - 1] * (so_far / treated));
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* qini(uplift_segments, seed, draws, level) → (area, random_area, qini, low, high, auuc_per_head) */
PG_FUNCTION_INFO_V1(qini);
Datum
qini(PG_FUNCTION_ARGS)
{
	if (lacks_value(fcinfo))
		PG_RETURN_NULL();

	int64 seed = PG_GETARG_INT64(1);
	int32 draws = int_argument(fcinfo, 2, "draws", 0, MOST_DRAWS, NULL);
	double level = level_argument(fcinfo, 3);
	uint32 count;
	NumberedTile *tiles = read_tiles(PG_GETARG_DATUM(0), &count);
	UpliftTile *sums = palloc_array(UpliftTile, Max(1, count));
	bool binary = true;
	Qini result = {NAN, NAN, NAN, NAN, NAN, NAN};
	Datum values[6];
	bool nulls[6];

	for (uint32 i = 0; i < count; i++)
	{
		sums[i] = tiles[i].sums;
		binary = binary && tiles[i].binary;
	}
	if (count > 0)
		result = qini_of(sums, (int) count, binary, draws, (uint64) seed, level, &server_host);
	put_number(values, nulls, 0, result.area);
	put_number(values, nulls, 1, result.random_area);
	put_number(values, nulls, 2, result.qini);
	put_number(values, nulls, 3, result.low);
	put_number(values, nulls, 4, result.high);
	put_number(values, nulls, 5, result.auuc_per_head);
	return row_result(fcinfo, values, nulls);
}
