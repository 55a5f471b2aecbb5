/*
 * clv_model.h
 *	  clv_model: a fitted model as a value.
 *
 * A model has two parts. The timing part models when customers order and
 * whether they are still active; the spend part models how much an order is
 * worth. Without amounts there is no spend part.
 */
#ifndef CLV_MODEL_CLV_MODEL_H
#define CLV_MODEL_CLV_MODEL_H

#include <math.h>

#include "compat.h"

#include "utils/array.h"
#include "utils/date.h"

#include "models/core/fit.h"
#include "models/core/fit_season.h"
#include "models/core/model.h"
#include "season/season.h"
#include "support/calendar.h"

/* Models with a season have another version. */
#define CLV_MODEL_VERSION 1
#define CLV_MODEL_VERSION_SEASON 2
#define COVARIANCES(n) ((n) * ((n) + 1) / 2)

/*
 * The capacity of a stored part in parameters: part of version 1 of the stored
 * form, independent of the models. A model with more needs another version.
 */
#define CLV_PART_STORED_PARAMS 8
StaticAssertDecl(MODEL_MAX_PARAMS <= CLV_PART_STORED_PARAMS && SPEND_MAX_PARAMS <= CLV_PART_STORED_PARAMS,
				 "a stored part has the capacity for the parameters of all models");

/* How the parameters of a part were obtained, and how well the data determine them. */
typedef struct ClvPart
{
	uint8 n_params; /* 0: the model has no such part */
	bool fitted;    /* false: given by the user, the rest is unknown */
	bool converged;
	uint8 spend_model; /* of the spend part, see models/spend/spend_model.h; always zero in the timing part */
	int32 iterations;
	int64 customers;     /* that were fitted */
	int64 left_out;      /* that could not be */
	uint64 unidentified; /* bit i: parameter i is not identified */
	double penalty;      /* on log parameters and coefficients, as requested */
	double prior_sd;     /* of the weak prior on log parameters; 0: none */
	double log_likelihood;
	double params[CLV_PART_STORED_PARAMS];

	/* Of the log parameters, the lower triangle row by row; NaN: not known. */
	double covariance[COVARIANCES(CLV_PART_STORED_PARAMS)];
} ClvPart;

/* A candidate model, and how well it fits. */
typedef struct ClvCandidate
{
	uint8 model_id;
	uint8 n_figures; /* parameters and coefficients */
	bool converged;
	bool unidentified; /* not all parameters are identified */
	uint8 unused[4];   /* always zero */
	double log_likelihood;
	double bic; /* that of whole days, where regularity must be distinguished from rounding */
} ClvCandidate;

#define CLV_MAX_CANDIDATES 16

/* The name of a covariate. */
typedef struct ClvCovariate
{
	char name[NAMEDATALEN];
} ClvCovariate;

/*
 * The figures of the timing part are its parameters and then the coefficients
 * of its covariates: those of all covariates on the model's first effect, then
 * on the second, and so on. Most models have no covariates, and all their
 * figures are in `timing`; coefficients, and their rows of the covariance,
 * follow the struct.
 */
typedef struct ClvModel
{
	int32 vl_len_;  /* varlena header (do not touch directly!) */
	uint8 version;  /* CLV_MODEL_VERSION, or CLV_MODEL_VERSION_SEASON */
	uint8 model_id; /* of the timing model, see models/core/model.h */
	uint8 period;   /* the period of a discrete timing model; PERIOD_DAY for others */
	uint8 n_covariates;
	DateADT as_of;      /* end of observation; DATEVAL_NOBEGIN if not known */
	uint8 n_candidates; /* models that were tried to find this one */
	uint8 unused[3];    /* always zero */
	int64 repeat_customers;
	double unit_days; /* length of the time unit of the parameters */
	ClvPart timing;
	ClvPart spend;

	/* ClvCovariate[n_covariates], ClvCandidate[n_candidates], the figures of the coefficients, then a Season if there is one */
	double more[FLEXIBLE_ARRAY_MEMBER];
} ClvModel;

StaticAssertDecl(sizeof(ClvPart) == 56 + 8 * (CLV_PART_STORED_PARAMS + COVARIANCES(CLV_PART_STORED_PARAMS)),
				 "a part has no hidden padding");
StaticAssertDecl(sizeof(ClvCandidate) == 24, "a candidate has no hidden padding");
StaticAssertDecl(sizeof(ClvCovariate) % sizeof(double) == 0, "what follows names is aligned");
StaticAssertDecl(offsetof(ClvModel, more) == 32 + 2 * sizeof(ClvPart), "a model has no hidden padding");

#define DatumGetClvModel(datum) clv_model_get(datum)
#define PG_GETARG_CLV_MODEL(n) DatumGetClvModel(PG_GETARG_DATUM(n))

/* A model in plain memory, its version checked. */
extern const ClvModel *clv_model_get(Datum model);
extern ClvModel *clv_model_make(const Model *model, int n_covariates, int n_candidates);

/* The functions of its timing part, and of its spend part. */
extern const Model *clv_model_timing(const ClvModel *model);
extern const SpendModel *clv_model_spend(const ClvModel *model);

/* Its season, which has factors; NULL: it has none. A copy of a model that has one. */
extern const Season *clv_model_season(const ClvModel *model);
extern ClvModel *clv_model_add_season(const ClvModel *model, const Season *season);

/* An error where a model with a season cannot be used, as the caller named in the message cannot. */
extern void clv_model_refuse_season(const ClvModel *model, const char *asker);

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

/* The number of coefficients of the model, and the first of them. */
extern int clv_model_coefficient_count(const ClvModel *model);
extern double *clv_model_coefficients(const ClvModel *model);

/*
 * The figures of the timing part, i >= j: their number, the i-th, its name
 * ("r", or "rate:channel"), and the covariance of the logarithms of parameters
 * and of coefficients as they are.
 */
extern int clv_timing_figure_count(const ClvModel *model);
extern double *clv_timing_figure(const ClvModel *model, int i);
extern char *clv_timing_figure_name(const ClvModel *model, int i);
extern double *clv_timing_covariance(const ClvModel *model, int i, int j);

/* The parameters of a customer with these covariates (NULL if the model has none), into buf. */
extern const double *clv_model_shifted_params(const ClvModel *model, const double *covariates, double *buf);

static inline const double *
clv_model_params(const ClvModel *model, const double *covariates, double *buf)
{
	return likely(model->n_covariates == 0) ? model->timing.params : clv_model_shifted_params(model, covariates, buf);
}

/* Whether the covariates lead to parameters in the supported range, 1e-12 to 1e12. */
extern bool clv_params_possible(const ClvModel *model, const double *params);

/*
 * The time unit of a model, in days: from a second to a century. With shorter
 * ones, ages of years are beyond the range of the models.
 */
#define CLV_SHORTEST_UNIT 0.00001
#define CLV_LONGEST_UNIT 36525

/* A number of days in time units of the model, rounded to whole ones for discrete models. */
static inline double
clv_model_time(const ClvModel *model, double days)
{
	return likely(model->period == PERIOD_DAY) ? days / model->unit_days : rint(days / model->unit_days);
}

/* The time between two days, for a model that counts days: on the clock of its season, if it has one. */
extern double clv_model_time_between(const ClvModel *model, double from, double until);

/* An annual discount as a continuous rate per time unit of the model. */
extern double clv_model_discount_rate(const ClvModel *model, double annual_discount);

/* The covariance of log parameters i >= j. */
static inline double *
clv_part_covariance(ClvPart *part, int i, int j)
{
	return &part->covariance[COVARIANCES(i) + j];
}

/* Schwarz's criterion of the timing part; smaller is better. */
extern double clv_model_bic(const ClvModel *model);

/* With fewer of them a fit raises a notice. */
#define CLV_FEW_CUSTOMERS 100
#define CLV_FEW_REPEATERS 50

/*
 * Whether a fit is unreliable: it has few customers, parameters that are not
 * identified, or did not converge.
 */
extern bool clv_model_weak(const ClvModel *model);

/* The error in a model from untrusted input; NULL if it is valid. */
extern const char *clv_model_problem(const ClvModel *model);

/* The options of a fit. */
typedef struct ClvFitOptions
{
	const char *model; /* name of the timing model, or "auto" */
	DateADT as_of;     /* DATEVAL_NOBEGIN: the base's end of observation */
	double unit_days;
	double penalty;
	ArrayType *covariate_names; /* text[]; NULL: z1, z2, … */
	const Season *season;       /* NULL: none; without factors: to be estimated */
} ClvFitOptions;

/* The reason why no model can be fitted to a base. */
typedef struct ClvUnfit
{
	int sqlstate;
	const char *problem;
	const char *hint;
} ClvUnfit;

/*
 * The model fitted to a base, or an error with the reason. The second returns
 * NULL, with the reason, where the data do not allow a fit; invalid options
 * are errors in both.
 */
extern ClvModel *clv_fit_base(Datum base, const ClvFitOptions *options);
extern ClvModel *clv_try_fit(Datum base, const ClvFitOptions *options, ClvUnfit *why);

/* An error if one of the options is out of its range. */
extern void clv_check_fit_options(const ClvFitOptions *options);

/* Whom a fit was made of, and their spend. */
typedef struct ClvFitted
{
	int64 customers;
	int64 repeaters;
	int64 left_out;
	int64 no_spend; /* of the repeaters, those without a positive spend that is known */
	const SpendPoint *points;
	size_t n_points;
} ClvFitted;

/* The model of a fit of the timing part that was made elsewhere, in days, and of the spend; it reports like clv_fit. */
extern ClvModel *clv_model_of_fit(const Model *timing, const Fit *fit, int n_covariates, const ClvFitOptions *options,
								  const ClvFitted *fitted);

/* Whether this name, in any case, is "auto". */
extern bool clv_model_is_auto(const char *name);

/* The timing model of this name, in any case; NULL if that is "auto". An unknown name is an error that lists all. */
extern const Model *clv_model_named(const char *name);

/* The names of the timing models, for a hint: with or without auto, and those of discrete time. */
extern char *clv_model_names(bool with_auto, bool with_discrete);

/* The names of the spend models. */
extern char *clv_spend_names(void);

/* The text and binary forms of a model, for values that contain one. */
extern PGDLLEXPORT Datum clv_model_in(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum clv_model_out(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum clv_model_recv(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum clv_model_send(PG_FUNCTION_ARGS);

#endif /* CLV_MODEL_CLV_MODEL_H */
