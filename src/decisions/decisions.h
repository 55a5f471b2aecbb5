/*
 * decisions.h
 *	  response_curve: how response grows with spend, observed at randomised
 *	  levels. budget_plan: segments among which a budget is to be divided.
 */
#ifndef DECISIONS_DECISIONS_H
#define DECISIONS_DECISIONS_H

#include "compat.h"

#include "models/decision/allocate.h"
#include "models/decision/response.h"
#include "support/parts.h"
#include "support/sums.h"

/* Observations at one level of spend. */
typedef struct SpendLevel
{
	double spend; /* per head */
	int64 heads;
	ExactSum response; /* of all heads */
	ExactSum squares;  /* of single heads' responses; zero unless all rows are of single heads */
} SpendLevel;

/*
 * A response_curve: levels in order of spend, or a curve that was given. The stored
 * form is a string of bytes, the same on every platform: version byte, flags (1: a
 * given curve, 2: all rows are of single heads), and of levels the rows skipped and
 * their number (varints), and of each spend (float8), heads (varint) and both sums
 * (see support/sums.h); of a curve its kind (1 byte), parameters, covariance and the
 * largest spend that was tested (float8; infinity: any).
 */
#define RESPONSE_CURVE_VERSION 1
#define RESPONSE_FLAG_GIVEN 1
#define RESPONSE_FLAG_SINGLE 2

#define RESPONSE_MOST_LEVELS 1000

/* Spend and response are no larger than this, so that no sum of squares is infinite. */
#define RESPONSE_LARGEST 1e100

typedef struct ResponseValue
{
	bool given;
	bool single; /* all rows are of single heads */
	int64 skipped;
	int n_levels;
	SpendLevel *levels;
	ResponseCurve curve; /* if given */
	double tested_max;
} ResponseValue;

extern ResponseValue response_value_get(Datum value);
extern struct varlena *response_value_pack(ResponseValue *value);

/* The error in a value from untrusted input; NULL if it is valid. */
extern const char *response_value_problem(ResponseValue *value);

/*
 * The curve that fits best, and the others that may be the true one, RESPONSE_KINDS - 1 of them at most; an error
 * unless the levels are those of a randomised experiment.
 */
extern ResponseFit response_value_fit_all(ResponseValue *value, WeightedCurve *others, int *n_others);

/* Whether responses of single heads were amounts: not only 0 and 1, of which the squares add up to what they do. */
extern bool response_value_of_amounts(const ResponseValue *value);

extern const char *response_status_name(ResponseStatus status);

/* A segment of a budget_plan. */
typedef struct PlanSegment
{
	BudgetSegment segment;
	double tested_max;     /* largest spend per head that was tested; INFINITY: any */
	ResponseStatus status; /* of the fit */
} PlanSegment;

/*
 * The bytes of a part: the kind of curve, the status with the number of other curves (in
 * the upper four bits), and numbers (float8); then of each other curve its kind, parameters, covariance and weight.
 */
#define PLAN_SEGMENT_BYTES (2 + 8 * 10)
#define PLAN_OTHER_BYTES (1 + 8 * 6)
#define PLAN_STATUS(byte) ((byte) &0x0f)
#define PLAN_OTHERS(byte) ((byte) >> 4)
#define PLAN_STATUS_BYTE(plan) ((uint8) ((plan)->status | (plan)->segment.n_others << 4))

extern const PartsType budget_plan_parts;
extern void plan_segment_read(const NamedPart *part, PlanSegment *segment);
extern void plan_segment_set(NamedPart *part, const PlanSegment *segment);
extern const char *plan_segment_problem(const PlanSegment *segment);

#endif /* DECISIONS_DECISIONS_H */
