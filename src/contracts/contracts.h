/*
 * contracts.h
 *	  Customers with contracts: retention_base and retention_model.
 *
 * A contract runs for whole periods of one length. After each period it is
 * renewed or it ends, and that is seen. So all there is to know of customers
 * is how many came how far: of those whose contract ended, in which period it
 * did; of the others, how many periods they have survived. A retention_base
 * holds these counts, a retention_model what was fitted to them.
 *
 * These are types of their own, so that a score for customers without a
 * contract cannot be applied to them by mistake, nor the other way round.
 */
#ifndef CONTRACTS_CONTRACTS_H
#define CONTRACTS_CONTRACTS_H

#include "compat.h"

#include "utils/date.h"
#include "utils/timestamp.h"

#include "models/contract.h"
#include "value/json.h"

/* The length of a contract period: one of the two is zero. */
typedef struct RetentionPeriod
{
	int32		months;
	int32		days;
} RetentionPeriod;

#define RETENTION_MAX_MONTHS 1200
#define RETENTION_MAX_DAYS 36525

extern bool retention_period_valid(RetentionPeriod period);
extern double retention_period_years(RetentionPeriod period);

static inline bool
retention_period_equal(RetentionPeriod a, RetentionPeriod b)
{
	return a.months == b.months && a.days == b.days;
}

/* The period that an interval says; an error if it says none. */
extern RetentionPeriod retention_period_of(const Interval *interval);

/* In words for messages: "12 months". */
extern char *retention_period_text(RetentionPeriod period);

/* The JSON member "period_months" or "period_days", of which there must be one. */
extern void retention_period_append(StringInfo out, RetentionPeriod period);
extern bool retention_period_read(JsonInput *in, JsonbContainer *object, RetentionPeriod *period);

/* Whole periods from one day to another, if that is not before it. */
extern int64 retention_periods_between(DateADT from, DateADT to, RetentionPeriod period);

/*
 * A base as it is read. It is stored as a string of bytes, the same on every
 * platform: version byte, months, days, number of cells, and for every cell
 * the distance of its tenure from the one before and its two counts, all as
 * varints.
 */
#define RETENTION_BASE_VERSION 1

typedef struct RetentionBase
{
	RetentionPeriod period;
	uint32		n_cells;
	ContractCell *cells;		/* in order of tenure; none without customers */
	int64		customers;
	int64		ended;
} RetentionBase;

extern RetentionBase retention_base_get(Datum base);
extern struct varlena *retention_base_pack(const RetentionBase *base);

/* What is wrong with a base that came from outside; NULL: nothing. Sets the totals. */
extern const char *retention_base_problem(RetentionBase *base);

#define PG_GETARG_RETENTION_BASE(n) retention_base_get(PG_GETARG_DATUM(n))

/* A fitted model. */
#define RETENTION_MODEL_VERSION 1
#define RETENTION_COVARIANCES(n) ((n) * ((n) + 1) / 2)

typedef struct RetentionModel
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	uint8		version;		/* RETENTION_MODEL_VERSION */
	uint8		model_id;		/* see models/contract.h */
	bool		fitted;			/* false: given by the user, the rest is unknown */
	bool		converged;
	RetentionPeriod period;
	uint8		unidentified;	/* bit i: the data do not tell parameter i */
	uint8		unused[3];		/* always zero */
	int32		iterations;
	int64		customers;		/* that were fitted, and those of them who ended */
	int64		ended;
	double		prior_sd;		/* of the weak prior on log parameters; 0: none */
	double		log_likelihood;
	double		params[CONTRACT_MAX_PARAMS];

	/* Of the log parameters, the lower triangle row by row; NaN: not known. */
	double		covariance[RETENTION_COVARIANCES(CONTRACT_MAX_PARAMS)];
} RetentionModel;

StaticAssertDecl(sizeof(RetentionModel) ==
				 56 + 8 * (CONTRACT_MAX_PARAMS + RETENTION_COVARIANCES(CONTRACT_MAX_PARAMS)),
				 "a model has no hidden padding");

/* A model in plain memory, its version checked. */
extern const RetentionModel *retention_model_get(Datum model);
extern RetentionModel *retention_model_make(const ContractModel *kind, RetentionPeriod period);

#define PG_GETARG_RETENTION_MODEL(n) retention_model_get(PG_GETARG_DATUM(n))

/* Which of the models it is. */
extern const ContractModel *retention_model_kind(const RetentionModel *model);

/* What is wrong with a model that came from outside; NULL: nothing. */
extern const char *retention_model_problem(const RetentionModel *model);

#endif							/* CONTRACTS_CONTRACTS_H */
