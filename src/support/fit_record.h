/*
 * fit_record.h
 *	  How the parameters of a model were obtained: the "fit" member of the text form
 *	  of a fitted model.
 */
#ifndef SUPPORT_FIT_RECORD_H
#define SUPPORT_FIT_RECORD_H

#include "support/json.h"

/*
 * The record of a fit, as it is read and written; each type of value stores it in
 * its own layout. Figures are parameters, and coefficients of covariates.
 */
typedef struct FitRecord
{
	bool converged;
	int32 iterations;
	double log_likelihood;
	int64 customers;        /* used in the fit */
	const char *count_name; /* the name of a second count of them */
	int64 count;
	bool has_penalty; /* the fit of this kind of model can have one */
	double penalty;
	double prior_sd;     /* of the weak prior on log parameters; 0: none */
	uint64 unidentified; /* bit i: figure i is not identified */
	int n_figures;
	const char *const *names; /* of the figures */

	/* Place i of the lower triangle of the figures' covariance, row by row; NaN: not known. */
	double *(*covariance)(const void *figures, int i);
	const void *figures;
} FitRecord;

/* The number of places of the lower triangle. */
static inline int
fit_record_covariances(const FitRecord *record)
{
	return record->n_figures * (record->n_figures + 1) / 2;
}

/* The members of this object; false after a soft error. The figures are set already. */
extern bool fit_record_read(JsonInput *in, JsonbContainer *object, FitRecord *record);
extern void fit_record_append(StringInfo out, const char *member, const FitRecord *record);

#endif /* SUPPORT_FIT_RECORD_H */
