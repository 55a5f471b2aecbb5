/*
 * retention.h
 *	  The interface of models of how long contractual customers stay, one renewal at a time.
 *
 * A contract runs for a period (a month, a year) and is then renewed or not.
 * A customer with tenure n has renewed n times, at the end of n whole periods.
 * Time is counted in periods; nothing here knows how long one is.
 *
 * A model is a table of functions over a vector of positive parameters. What they mean is
 * known in the model's own file only; a new model is one new file and one line in
 * retention.c.
 *
 * Ranges: tenure up to CONTRACT_MAX_TENURE; parameters within
 * CONTRACT_PARAM_MIN .. CONTRACT_PARAM_MAX. There nothing overflows.
 */
#ifndef MODELS_RETENTION_RETENTION_H
#define MODELS_RETENTION_RETENTION_H

#include <stddef.h>
#include <stdint.h>

#include "models/core/fit.h"
#include "numerics/host.h"

#define CONTRACT_MAX_PARAMS 3
#define CONTRACT_MAX_TENURE 1000000
#define CONTRACT_PARAM_MIN 1e-12
#define CONTRACT_PARAM_MAX 1e12

/* Customers with the same fate: those who ended in a period, those seen alive after it. */
typedef struct ContractCell
{
	uint32_t tenure;
	int64_t ended; /* customers who did not survive period `tenure`; none for 0 */
	int64_t alive; /* customers who survived `tenure` periods and were seen no further */
} ContractCell;

typedef struct ContractModel ContractModel;

/* What a likelihood is of: cells in ascending order of tenure, each tenure once. */
typedef struct ContractData
{
	const Host *host;
	const ContractModel *model;
	const ContractCell *cells;
	size_t n_cells;
} ContractData;

struct ContractModel
{
	int id;           /* stored on disk, never reused */
	const char *name; /* as users write it */
	int n_params;
	const char *param_names[CONTRACT_MAX_PARAMS];

	/*
	 * ln of the probability that a customer of this tenure stays for so many
	 * periods more: ln S(tenure + periods) / S(tenure). periods >= 0, and
	 * neither need be whole. Never positive.
	 */
	double (*ln_survival)(const ContractModel *model, const double *params, double tenure, double periods);

	/*
	 * The renewals to come of a customer of this tenure, each discounted at the
	 * continuous rate delta (>= 0) per period to the next renewal, which itself
	 * counts in full if it is made:
	 *
	 *		sum over k = 1, 2, ... of S(tenure + k) / S(tenure) e^(-delta (k - 1))
	 *
	 * This is the discounted expected residual lifetime of Fader & Hardie,
	 * "Customer-Base Valuation in a Contractual Setting", Marketing Science 29:1
	 * (2010), just before renewal number tenure + 1. INFINITY if delta is 0 and
	 * the mean does not exist or is beyond a double.
	 */
	double (*residual)(const ContractModel *model, const double *params, double tenure, double delta);

	/*
	 * Log-likelihood at params[n], with gradient[n] and hessian[n * n] in natural
	 * parameters, both exact; either may be NULL.
	 */
	double (*log_likelihood)(const ContractData *data, const double *params, double *gradient, double *hessian);

	/* Fits the model to data with at least one ended customer. */
	void (*fit)(const ContractData *data, Fit *fit);
};

/* The models, from 0 on; NULL after the last. Each is a line of retention.c. */
extern const ContractModel *contract_model_at(int i);

/* By its name in any case, or by its id; NULL if there is no such model. */
extern const ContractModel *contract_model_by_name(const char *name);
extern const ContractModel *contract_model_by_id(int id);

static inline double
contract_ln_survival(const ContractModel *model, const double *params, double tenure, double periods)
{
	return model->ln_survival(model, params, tenure, periods);
}

static inline double
contract_residual(const ContractModel *model, const double *params, double tenure, double delta)
{
	return model->residual(model, params, tenure, delta);
}

static inline double
contract_log_likelihood(const ContractData *data, const double *params, double *gradient, double *hessian)
{
	return data->model->log_likelihood(data, params, gradient, hessian);
}

static inline void
contract_fit(const ContractData *data, Fit *fit)
{
	data->model->fit(data, fit);
}

#endif /* MODELS_RETENTION_RETENTION_H */
