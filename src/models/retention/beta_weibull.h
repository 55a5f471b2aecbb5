/*
 * beta_weibull.h
 *	  The shifted beta-geometric and the beta-discrete-Weibull model of renewals.
 */
#ifndef MODELS_RETENTION_BETA_WEIBULL_H
#define MODELS_RETENTION_BETA_WEIBULL_H

#include "models/retention/retention.h"

extern const ContractModel sbg_model;
extern const ContractModel bdw_model;

#endif /* MODELS_RETENTION_BETA_WEIBULL_H */
