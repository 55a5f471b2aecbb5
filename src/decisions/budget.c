/*
 * budget.c
 *	  budget_plan: segments among which a budget is to be divided, and the
 *	  allocation.
 */
#include "compat.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "decisions/decisions.h"
#include "experiments/experiments.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/bytes.h"
#include "support/server_host.h"

#define BUDGET_PLAN_VERSION 1
#define MOST_DRAWS 10000

/* Heads are whole, so exact as doubles. */
#define PLAN_MOST_HEADS 0x1p53

/* All draws of all segments are in memory at once, 64 bytes each. */
#define MOST_DRAWN_CURVES 4000000

/* The number of segment names in the message about minima above the budget. */
#define MOST_NAMES 5

static void
get_curve(const uint8 **at, const uint8 *end, ResponseCurve *curve)
{
	for (int i = 0; i < RESPONSE_PARAMS; i++)
		curve->param[i] = get_float8(at, end);
	for (int i = 0; i < 3; i++)
		curve->covariance[i] = get_float8(at, end);
}

static uint8 *
put_curve(uint8 *at, const ResponseCurve *curve)
{
	for (int i = 0; i < RESPONSE_PARAMS; i++)
		at = put_float8(at, curve->param[i]);
	for (int i = 0; i < 3; i++)
		at = put_float8(at, curve->covariance[i]);
	return at;
}

void
plan_segment_read(const NamedPart *part, PlanSegment *plan)
{
	const uint8 *at = part->data;
	const uint8 *end = at + part->bytes;
	BudgetSegment *segment = &plan->segment;

	if (end - at < 2)
		bytes_end_early();
	segment->curve.kind = (ResponseKind) *at++;
	plan->status = (ResponseStatus) PLAN_STATUS(*at);
	segment->n_others = PLAN_OTHERS(*at++);
	if (segment->n_others > lengthof(segment->others))
		bytes_end_early();
	segment->heads = get_float8(&at, end);
	segment->value = get_float8(&at, end);
	get_curve(&at, end, &segment->curve);
	segment->min = get_float8(&at, end);
	segment->max = get_float8(&at, end);
	plan->tested_max = get_float8(&at, end);
	for (int i = 0; i < segment->n_others; i++)
	{
		if (at >= end)
			bytes_end_early();
		segment->others[i].curve.kind = (ResponseKind) *at++;
		get_curve(&at, end, &segment->others[i].curve);
		segment->others[i].weight = get_float8(&at, end);
	}
}

void
plan_segment_set(NamedPart *part, const PlanSegment *plan)
{
	const BudgetSegment *segment = &plan->segment;
	uint8 *data = palloc(PLAN_SEGMENT_BYTES + segment->n_others * PLAN_OTHER_BYTES);
	uint8 *at = data;

	*at++ = (uint8) segment->curve.kind;
	*at++ = PLAN_STATUS_BYTE(plan);
	at = put_float8(at, segment->heads);
	at = put_float8(at, segment->value);
	at = put_curve(at, &segment->curve);
	at = put_float8(at, segment->min);
	at = put_float8(at, segment->max);
	at = put_float8(at, plan->tested_max);
	for (int i = 0; i < segment->n_others; i++)
	{
		*at++ = (uint8) segment->others[i].curve.kind;
		at = put_curve(at, &segment->others[i].curve);
		at = put_float8(at, segment->others[i].weight);
	}
	part->data = data;
	part->bytes = (uint32) (at - data);
}

/* The weights of other curves leave something for the first. */
static const char *
others_problem(const BudgetSegment *segment)
{
	double sum = 0.0;

	for (int i = 0; i < segment->n_others; i++)
	{
		const WeightedCurve *other = &segment->others[i];

		if (!(other->weight > 0.0 && other->weight < 1.0))
			return "a weight is not between 0 and 1";
		if (response_curve_problem(&other->curve) != NULL)
			return response_curve_problem(&other->curve);
		if (!(other->curve.param[0] > 0.0))
			return "another curve has no response";
		sum += other->weight;
	}
	return sum < 1.0 ? NULL : "the weights of other curves leave nothing for the first";
}

const char *
plan_segment_problem(const PlanSegment *plan)
{
	const BudgetSegment *segment = &plan->segment;

	if (!(segment->heads >= 0.0 && segment->heads <= PLAN_MOST_HEADS) || segment->heads != floor(segment->heads))
		return "heads is out of range";
	if (!(fabs(segment->value) <= RESPONSE_LARGEST))
		return "value_per_response is out of range";
	if (!(segment->min >= 0.0 && segment->min <= RESPONSE_LARGEST))
		return "min_per_head is out of range";
	if (!(segment->max >= segment->min))
		return "max_per_head is below min_per_head";
	if (isfinite(segment->max) && segment->max > RESPONSE_LARGEST)
		return "max_per_head is out of range";
	if (!(plan->tested_max > 0.0))
		return "tested_max is not positive";
	return response_curve_problem(&segment->curve) != NULL ? response_curve_problem(&segment->curve)
														   : others_problem(segment);
}

/*
 * Two rows of a segment, such as those of two regions: the heads of both, if all else is equal. What differs has no
 * answer that would be that of one segment.
 */
static NamedPart
merge_parts(const NamedPart *a, const NamedPart *b)
{
	PlanSegment plan = {0};
	PlanSegment other = {0};
	NamedPart merged = *a;
	double heads;
	uint8 *same;

	plan_segment_read(a, &plan);
	plan_segment_read(b, &other);
	heads = plan.segment.heads + other.segment.heads;
	other.segment.heads = plan.segment.heads;
	plan_segment_set(&merged, &other);
	same = unconstify(uint8 *, merged.data);
	if (merged.bytes != a->bytes || memcmp(same, a->data, a->bytes) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("segment \"%s\" is in the budget_plan twice, with different arguments", part_name(a)),
				 errdetail("Only the heads of rows of one segment may differ: they are added."),
				 errhint("Give what differs a segment of its own.")));
	if (heads > PLAN_MOST_HEADS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the heads of segment \"%s\" are more than 2^53", part_name(a))));
	plan.segment.heads = heads;
	plan_segment_set(&merged, &plan);
	return merged;
}

const PartsType budget_plan_parts = {
	.name = "budget_plan",
	.version = BUDGET_PLAN_VERSION,
	.most = PARTS_MAX_SEGMENTS,
	.merge = merge_parts,
};

/* budget_plan(segment, heads, curve, value_per_response, min_per_head, max_per_head): transition */
AGG_FUNCTION_INFO_V1(budget_plan_add);
static Datum
budget_plan_add_in_group(PG_FUNCTION_ARGS)
{
	NamedPart part;
	/* a segment of which something is not known is kept, and has no response */
	ResponseFit fit = {.curve = {.kind = RESPONSE_EXP, .param = {0.0, 1.0}}, .status = RESPONSE_INCOMPLETE};
	double tested_max = INFINITY;
	WeightedCurve others[RESPONSE_KINDS - 1];
	int n_others = 0;
	PlanSegment plan;
	const char *problem;
	struct varlena *result;

	if (PG_ARGISNULL(1))
	{
		part_notice_unnamed(&budget_plan_parts);
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	part_set_name(&part, PG_GETARG_DATUM(1));
	if (!any_null(fcinfo, 2, 4))
	{
		ResponseValue response = response_value_get(PG_GETARG_DATUM(3));

		refuse_value_of_amounts(response_value_of_amounts(&response), "response", "value_per_response",
								PG_GETARG_FLOAT8(4));
		fit = response_value_fit_all(&response, others, &n_others);
		tested_max = response.tested_max;
	}
	/* without a limit in the last two, the segment has none */
	plan = (PlanSegment){
		.segment =
			{
				.heads = PG_ARGISNULL(2) ? 0.0 : (double) PG_GETARG_INT64(2),
				.value = PG_ARGISNULL(4) ? 0.0 : PG_GETARG_FLOAT8(4),
				.curve = fit.curve,
				.min = PG_ARGISNULL(5) ? 0.0 : PG_GETARG_FLOAT8(5) + 0.0,
				.max = PG_ARGISNULL(6) ? INFINITY : PG_GETARG_FLOAT8(6),
				.n_others = n_others,
			},
		.tested_max = tested_max,
		.status = fit.status,
	};
	for (int i = 0; i < n_others; i++)
		plan.segment.others[i] = others[i];
	problem = plan_segment_problem(&plan);
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("segment \"%s\": %s", part_name(&part), problem),
				 errdetail("There are %.0f heads, a value_per_response of %g, and %g to %g to spend per head.",
						   plan.segment.heads, plan.segment.value, plan.segment.min, plan.segment.max)));
	plan_segment_set(&part, &plan);
	result = parts_pack(&budget_plan_parts, &part, 1);
	if (!PG_ARGISNULL(0))
		result = parts_union(&budget_plan_parts, PG_GETARG_DATUM(0), PointerGetDatum(result));
	PG_RETURN_POINTER(result);
}

/* The segments of both plans: combine, and transition of rollup. */
AGG_FUNCTION_INFO_V1(budget_plan_merge);
static Datum
budget_plan_merge_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_DATUM(PG_GETARG_DATUM(PG_ARGISNULL(0) ? 1 : 0));
	PG_RETURN_POINTER(parts_union(&budget_plan_parts, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));
}

/* A budget below the sum of all minima is an error that names segments with a minimum. */
static void
check_budget(double budget, const NamedParts *parts, const BudgetSegment *segments)
{
	StringInfoData names;
	double least = 0.0;
	int told = 0;

	for (uint32 i = 0; i < parts->count; i++)
		least += segments[i].heads * segments[i].min;
	if (least <= budget * (1.0 + 1e-12))
		return;
	initStringInfo(&names);
	for (uint32 i = 0; i < parts->count; i++)
		if (segments[i].heads * segments[i].min > 0.0 && ++told <= MOST_NAMES)
			appendStringInfo(&names, "%s\"%s\" (%g)", told > 1 ? ", " : "", part_name(&parts->parts[i]),
							 segments[i].heads * segments[i].min);
	if (told > MOST_NAMES)
		appendStringInfo(&names, " and %d more", told - MOST_NAMES);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("budget %g is less than the %g that the segments must get", budget, least),
			 errdetail("These have a minimum: %s.", names.data), errhint("Raise the budget, or lower min_per_head.")));
}

/* What a segment has that its allocation does not need. */
typedef struct SegmentNotes
{
	const char *status;
	bool is_poor;       /* the levels contradict the curve, which is why it is not known either */
	const char *at_max; /* how its limit is called */
} SegmentNotes;

/* Reads the segments; without beyond_tested their spend is limited to the tested range. */
static BudgetSegment *
read_segments(const NamedParts *parts, bool beyond_tested, SegmentNotes **notes)
{
	BudgetSegment *segments = palloc_array(BudgetSegment, Max(1, parts->count));

	*notes = palloc_array(SegmentNotes, Max(1, parts->count));
	for (uint32 i = 0; i < parts->count; i++)
	{
		PlanSegment plan;

		CHECK_FOR_INTERRUPTS();
		plan_segment_read(&parts->parts[i], &plan);
		segments[i] = plan.segment;
		(*notes)[i] = (SegmentNotes){response_status_name(plan.status), plan.status == RESPONSE_POOR_FIT, "max"};
		if (beyond_tested || plan.tested_max >= segments[i].max)
			continue;
		if (segments[i].min > plan.tested_max)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("segment \"%s\" must get %g per head, but no more than %g was tested",
							part_name(&parts->parts[i]), segments[i].min, plan.tested_max),
					 errhint("allocate_budget(..., beyond_tested => true) extrapolates the curves beyond the tested "
							 "spend.")));
		segments[i].max = plan.tested_max;
		(*notes)[i].at_max = "tested_max";
	}
	return segments;
}

/*
 * A response whose logarithm deviates by so much is not told from none (nine in ten). The
 * mean of draws of it would be that of its few largest, and the least known segment would
 * get the budget: such a segment has its estimate alone.
 */
#define MOST_LOG_DEVIATION (1.0 / 1.6448536269514722)

/* In place of a spend of 0, whose response has no logarithm: a budget of 0 knows what the least budget does. */
#define LEAST_SPEND 1e-100

static bool
is_not_identified(const BudgetSegment *segment, double budget)
{
	double most = fmin(segment->max, fmax(segment->min, budget / segment->heads));

	if (budget_segment_is_certain(segment))
		return false;
	if (!(segment->heads > 0.0 && segment->curve.param[0] > 0.0))
		return false;
	most = fmax(most, LEAST_SPEND);
	return !(response_log_deviation(&segment->curve, most) <= MOST_LOG_DEVIATION);
}

/* The limit that a segment's spend reached, or NULL. */
static const char *
limit_name(const BudgetShare *share, const SegmentNotes *notes, const BudgetSegment *segment)
{
	if (share->spend_per_head <= segment->min)
		return "min";
	if (share->spend_per_head >= segment->max)
		return notes->at_max;
	return NULL;
}

/* allocate_budget(budget_plan, budget, draws, seed, level, beyond_tested) → setof (segment, spend_per_head, ...) */
PG_FUNCTION_INFO_V1(allocate_budget);
Datum
allocate_budget(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	NamedParts parts = parts_get(&budget_plan_parts, PG_GETARG_DATUM(0));
	double budget = nonnegative_argument(fcinfo, 1, "budget", NULL);
	BudgetDraws draws = {
		.count = int_argument(fcinfo, 2, "draws", 0, MOST_DRAWS, NULL),
		.seed = (uint64) PG_GETARG_INT64(3),
		.level = level_argument(fcinfo, 4),
	};
	SegmentNotes *notes;
	BudgetSegment *segments = read_segments(&parts, PG_GETARG_BOOL(5), &notes);
	BudgetShare *shares = palloc_array(BudgetShare, Max(1, parts.count));
	BudgetOutcome outcome = {0};
	bool *not_identified = palloc0_array(bool, Max(1, parts.count));
	bool certain = true;

	check_budget(budget, &parts, segments);
	for (uint32 i = 0; i < parts.count; i++)
	{
		not_identified[i] = is_not_identified(&segments[i], budget);
		if (not_identified[i])
		{
			memset(segments[i].curve.covariance, 0, sizeof(segments[i].curve.covariance));
			segments[i].n_others = 0;
		}
		certain = certain && budget_segment_is_certain(&segments[i]);
	}
	/* all draws of curves without uncertainty are the same */
	if (certain)
		draws.count = 0;
	if ((int64) draws.count * parts.count > MOST_DRAWN_CURVES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%d draws of %u segments are more than %d curves", draws.count, parts.count, MOST_DRAWN_CURVES),
				 errhint("Use fewer draws.")));
	if (parts.count > 0)
		outcome = allocate(segments, (int) parts.count, budget, &draws, shares, &server_host);

	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; i < parts.count; i++)
	{
		const BudgetShare *share = &shares[i];
		const char *limit = limit_name(share, &notes[i], &segments[i]);
		Datum values[12] = {
			PointerGetDatum(cstring_to_text_with_len(parts.parts[i].name, (int) parts.parts[i].name_bytes)),
		};
		bool nulls[12] = {false};

		CHECK_FOR_INTERRUPTS();
		put_number(values, nulls, 1, share->spend_per_head);
		put_number(values, nulls, 2, segments[i].heads * share->spend_per_head);
		put_number(values, nulls, 3, share->value);
		put_number(values, nulls, 4, share->marginal_value);
		nulls[5] = limit == NULL;
		if (limit != NULL)
			values[5] = PointerGetDatum(cstring_to_text(limit));
		put_number(values, nulls, 6, share->low);
		put_number(values, nulls, 7, share->high);
		put_number(values, nulls, 8, outcome.unspent);
		put_number(values, nulls, 9, outcome.earns_less);
		put_number(values, nulls, 10, outcome.regret);
		values[11] = PointerGetDatum(cstring_to_text(nulls[1] || nulls[2] || nulls[3]             ? OUT_OF_RANGE_STATUS
														 : not_identified[i] && !notes[i].is_poor ? "not_identified"
																								  : notes[i].status));
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
		/* memory that is used again costs less than new memory */
		pfree(DatumGetPointer(values[0]));
		pfree(DatumGetPointer(values[11]));
	}
	return (Datum) 0;
}
