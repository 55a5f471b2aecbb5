/*
 * clv.h
 *	  clv_model: a fitted model as a value, and what it says of a customer.
 *
 * A model has two parts. The timing part says when a customer orders and
 * whether he still will; the spend part says how much an order is worth.
 * Without amounts there is no spend part.
 */
#ifndef CLV_CLV_H
#define CLV_CLV_H

#include "compat.h"

#include "utils/date.h"

#include "models/model.h"

#define CLV_MODEL_VERSION 1
#define COVARIANCES(n) ((n) * ((n) + 1) / 2)

/* How the parameters of a part came about, and how well the data hold them. */
typedef struct ClvPart
{
	uint8		n_params;		/* 0: the model has no such part */
	bool		fitted;			/* false: given by the user, the rest is unknown */
	bool		converged;
	uint8		unidentified;	/* bit i: the data do not tell parameter i */
	int32		iterations;
	int64		customers;		/* that were fitted */
	int64		left_out;		/* that could not be */
	double		prior_sd;		/* of the weak prior on log parameters; 0: none */
	double		log_likelihood;
	double		params[MODEL_MAX_PARAMS];

	/* Of the log parameters, the lower triangle row by row; NaN: not known. */
	double		covariance[COVARIANCES(MODEL_MAX_PARAMS)];
} ClvPart;

typedef struct ClvModel
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	uint8		version;		/* CLV_MODEL_VERSION */
	uint8		model_id;		/* of the timing model, see models/model.h */
	int16		unused;			/* always zero */
	DateADT		as_of;			/* end of observation; DATEVAL_NOBEGIN if not known */
	int32		unused2;		/* always zero */
	int64		repeat_customers;
	double		unit_days;		/* length of the time unit of the parameters */
	ClvPart		timing;
	ClvPart		spend;			/* gamma-gamma: p, q, gamma */
} ClvModel;

StaticAssertDecl(sizeof(ClvPart) == 40 + 8 * (MODEL_MAX_PARAMS + COVARIANCES(MODEL_MAX_PARAMS)),
				 "a part has no hidden padding");
StaticAssertDecl(sizeof(ClvModel) == 32 + 2 * sizeof(ClvPart), "a model has no hidden padding");

#define DatumGetClvModel(datum) clv_model_get(datum)
#define PG_GETARG_CLV_MODEL(n) DatumGetClvModel(PG_GETARG_DATUM(n))

/* Names of the spend parameters, in order. */
#define SPEND_PARAMS 3
extern const char *const spend_param_names[SPEND_PARAMS];

/* A model in plain memory, its version checked. */
extern const ClvModel *clv_model_get(Datum model);
extern ClvModel *clv_model_make(const Model *model);

/* The functions of its timing part. */
extern const Model *clv_model_timing(const ClvModel *model);

/* Standard error of a natural parameter, by the delta method; NaN where unknown. */
extern double clv_part_std_error(const ClvPart *part, int param);

/* The covariance of log parameters i >= j. */
static inline double *
clv_part_covariance(ClvPart *part, int i, int j)
{
	return &part->covariance[COVARIANCES(i) + j];
}

/* What is wrong with a model that came from outside; NULL: nothing. */
extern const char *clv_model_problem(const ClvModel *model);

#endif							/* CLV_CLV_H */
