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

#include "utils/array.h"
#include "utils/date.h"

#include "models/fit.h"
#include "models/model.h"
#include "value/period.h"

#define CLV_MODEL_VERSION 1
#define COVARIANCES(n) ((n) * ((n) + 1) / 2)

/* How the parameters of a part came about, and how well the data hold them. */
typedef struct ClvPart
{
	uint8		n_params;		/* 0: the model has no such part */
	bool		fitted;			/* false: given by the user, the rest is unknown */
	bool		converged;
	uint8		unused;			/* always zero */
	int32		iterations;
	int64		customers;		/* that were fitted */
	int64		left_out;		/* that could not be */
	uint64		unidentified;	/* bit i: the data do not tell figure i */
	double		penalty;		/* on log parameters and coefficients, as asked for */
	double		prior_sd;		/* of the weak prior on log parameters; 0: none */
	double		log_likelihood;
	double		params[MODEL_MAX_PARAMS];

	/* Of the log parameters, the lower triangle row by row; NaN: not known. */
	double		covariance[COVARIANCES(MODEL_MAX_PARAMS)];
} ClvPart;

/* A model that was tried, and how well it did. */
typedef struct ClvCandidate
{
	uint8		model_id;
	uint8		n_figures;		/* parameters and coefficients */
	bool		converged;
	uint8		unused[5];		/* always zero */
	double		log_likelihood;
	double		bic;
} ClvCandidate;

#define CLV_MAX_CANDIDATES 16

/* The name of a covariate. */
typedef struct ClvCovariate
{
	char		name[NAMEDATALEN];
} ClvCovariate;

/*
 * The figures of the timing part are its parameters and then the coefficients
 * of its covariates: those of all covariates on the model's first effect, then
 * on the second, and so on. Most models have no covariates, and all their figures
 * are in `timing`; coefficients, and the rows of the covariance that belong to
 * them, follow the struct.
 */
typedef struct ClvModel
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	uint8		version;		/* CLV_MODEL_VERSION */
	uint8		model_id;		/* of the timing model, see models/model.h */
	uint8		period;			/* what a discrete timing model counts in; PERIOD_DAY for others */
	uint8		n_covariates;
	DateADT		as_of;			/* end of observation; DATEVAL_NOBEGIN if not known */
	uint8		n_candidates;	/* models that were tried to find this one */
	uint8		unused[3];		/* always zero */
	int64		repeat_customers;
	double		unit_days;		/* length of the time unit of the parameters */
	ClvPart		timing;
	ClvPart		spend;			/* gamma-gamma: p, q, gamma */

	/* ClvCovariate[n_covariates], ClvCandidate[n_candidates], then the figures of the coefficients */
	double		more[FLEXIBLE_ARRAY_MEMBER];
} ClvModel;

StaticAssertDecl(sizeof(ClvPart) == 56 + 8 * (MODEL_MAX_PARAMS + COVARIANCES(MODEL_MAX_PARAMS)),
				 "a part has no hidden padding");
StaticAssertDecl(sizeof(ClvCandidate) == 24, "a candidate has no hidden padding");
StaticAssertDecl(sizeof(ClvCovariate) % sizeof(double) == 0, "what follows names is aligned");
StaticAssertDecl(offsetof(ClvModel, more) == 32 + 2 * sizeof(ClvPart), "a model has no hidden padding");

#define DatumGetClvModel(datum) clv_model_get(datum)
#define PG_GETARG_CLV_MODEL(n) DatumGetClvModel(PG_GETARG_DATUM(n))

/* Names of the spend parameters, in order. */
#define SPEND_PARAMS 3
extern const char *const spend_param_names[SPEND_PARAMS];

/* A model in plain memory, its version checked. */
extern const ClvModel *clv_model_get(Datum model);
extern ClvModel *clv_model_make(const Model *model, int n_covariates, int n_candidates);

/* The functions of its timing part. */
extern const Model *clv_model_timing(const ClvModel *model);

/* What follows the struct. */
static inline ClvCovariate *
clv_model_covariates(const ClvModel *model)
{
	return (ClvCovariate *) model->more;
}

static inline ClvCandidate *
clv_model_candidates(const ClvModel *model)
{
	return (ClvCandidate *) (clv_model_covariates(model) + model->n_covariates);
}

/* How many coefficients the model has, and the first of them. */
extern int	clv_model_coefficient_count(const ClvModel *model);
extern double *clv_model_coefficients(const ClvModel *model);

/*
 * The figures of the timing part, i >= j: how many there are, the i-th, what it
 * is called ("r", or "rate:channel"), and the covariance of the logarithms of
 * parameters and of coefficients as they are.
 */
extern int	clv_timing_figure_count(const ClvModel *model);
extern double *clv_timing_figure(const ClvModel *model, int i);
extern char *clv_timing_figure_name(const ClvModel *model, int i);
extern double *clv_timing_covariance(const ClvModel *model, int i, int j);

/* The parameters of a customer with these covariates (NULL if the model has none), into room. */
extern const double *clv_model_params(const ClvModel *model, const double *covariates, double *room);

/*
 * The time unit of a model, in days: from a second to a century. With shorter
 * ones what is years ago is beyond what the models can tell, or infinity.
 */
#define CLV_SHORTEST_UNIT 0.00001
#define CLV_LONGEST_UNIT 36525

/* So many days in time units of the model, of which discrete ones have whole ones only. */
extern double clv_model_time(const ClvModel *model, double days);

/* An annual discount as a continuous rate per time unit of the model; a year has so many days. */
#define CLV_YEAR_DAYS 365.0
extern double clv_model_discount_rate(const ClvModel *model, double annual_discount);

/* The covariance of log parameters i >= j. */
static inline double *
clv_part_covariance(ClvPart *part, int i, int j)
{
	return &part->covariance[COVARIANCES(i) + j];
}

/* Schwarz's criterion of the timing part; smaller is better. */
extern double clv_model_bic(const ClvModel *model);

/* What is wrong with a model that came from outside; NULL: nothing. */
extern const char *clv_model_problem(const ClvModel *model);

/* What is to be fitted, and how. */
typedef struct ClvFitOptions
{
	const char *model;			/* name of the timing model, or "auto" */
	DateADT		as_of;			/* DATEVAL_NOBEGIN: the base's end of observation */
	double		unit_days;
	double		penalty;
	ArrayType  *covariate_names;	/* text[]; NULL: z1, z2, … */
} ClvFitOptions;

/* The model fitted to a base, or an error that says why there is none. */
extern ClvModel *clv_fit_base(Datum base, const ClvFitOptions *options);

/* The names of all models, for a hint. */
extern char *clv_model_names(void);

/* The text and binary forms of a model, for values that contain one. */
extern PGDLLEXPORT Datum clv_model_in(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum clv_model_out(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum clv_model_recv(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum clv_model_send(PG_FUNCTION_ARGS);

#endif							/* CLV_CLV_H */
