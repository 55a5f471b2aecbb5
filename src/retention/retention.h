/*
 * retention.h
 *	  Customers with contracts: retention_base and retention_model.
 *
 * A contract runs for whole periods of one length. After each period it is
 * renewed or it ends, and that is observed. So the data are counts of
 * customers: of those whose contract ended, by the period in which it did; of
 * the others, by the number of periods survived. A retention_base holds these
 * counts, a retention_model a model fitted to them.
 *
 * These are types of their own, so that a score for customers without a
 * contract cannot be applied to them by mistake, or vice versa.
 */
#ifndef RETENTION_RETENTION_H
#define RETENTION_RETENTION_H

#include "compat.h"

#include "utils/date.h"
#include "utils/timestamp.h"

#include "models/retention/retention.h"
#include "support/calendar.h"
#include "support/json.h"

/*
 * A base while it is read. It is stored as a string of bytes, the same on
 * every platform: version byte, months, days, number of cells, and for every
 * cell the difference of its tenure from the one before and its two counts,
 * all as varints.
 */
#define RETENTION_BASE_VERSION 1

typedef struct RetentionBase
{
	PeriodLength period;
	uint32 n_cells;
	ContractCell *cells; /* in order of tenure; none without customers */
	int64 customers;
	int64 ended;
} RetentionBase;

extern RetentionBase retention_base_get(Datum base);
extern struct varlena *retention_base_pack(const RetentionBase *base);

/* The error in a base from untrusted input; NULL if it is valid. Sets the totals. */
extern const char *retention_base_problem(RetentionBase *base);

#define PG_GETARG_RETENTION_BASE(n) retention_base_get(PG_GETARG_DATUM(n))

/* A fitted model. */
#define RETENTION_MODEL_VERSION 1
#define RETENTION_COVARIANCES(n) ((n) * ((n) + 1) / 2)

/* The capacity of a stored model in parameters: part of version 1, independent of the models. */
#define RETENTION_STORED_PARAMS 3
StaticAssertDecl(CONTRACT_MAX_PARAMS <= RETENTION_STORED_PARAMS,
				 "a stored model has the capacity for the parameters of all models");

typedef struct RetentionModel
{
	int32 vl_len_;  /* varlena header (do not touch directly!) */
	uint8 version;  /* RETENTION_MODEL_VERSION */
	uint8 model_id; /* see models/retention/retention.h */
	bool fitted;    /* false: given by the user, the rest is unknown */
	bool converged;
	PeriodLength period;
	uint8 unidentified; /* bit i: parameter i is not identified */
	uint8 unused[3];    /* always zero */
	int32 iterations;
	int64 customers; /* that were fitted, and those of them that ended */
	int64 ended;
	double prior_sd; /* of the weak prior on log parameters; 0: none */
	double log_likelihood;
	double params[RETENTION_STORED_PARAMS];

	/* Of the log parameters, the lower triangle row by row; NaN: not known. */
	double covariance[RETENTION_COVARIANCES(RETENTION_STORED_PARAMS)];
} RetentionModel;

StaticAssertDecl(sizeof(RetentionModel) ==
					 56 + 8 * (RETENTION_STORED_PARAMS + RETENTION_COVARIANCES(RETENTION_STORED_PARAMS)),
				 "a model has no hidden padding");

/* A model in plain memory, its version checked. */
extern const RetentionModel *retention_model_get(Datum model);
extern RetentionModel *retention_model_make(const ContractModel *kind, PeriodLength period);

#define PG_GETARG_RETENTION_MODEL(n) retention_model_get(PG_GETARG_DATUM(n))

/* The kind of model. */
extern const ContractModel *retention_model_kind(const RetentionModel *model);

/* The names of all kinds for a message: "sbg and bdw", or with quotation marks and another conjunction. */
extern char *retention_model_names(const char *mark, const char *conjunction);

/* The error in a model from untrusted input; NULL if it is valid. */
extern const char *retention_model_problem(const RetentionModel *model);

#endif /* RETENTION_RETENTION_H */
