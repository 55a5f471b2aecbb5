/*
 * model_args.h
 *	  Arguments of SQL functions that are checked against a clv_model, or name one.
 */
#ifndef CLV_MODEL_MODEL_ARGS_H
#define CLV_MODEL_MODEL_ARGS_H

#include "clv_model/clv_model.h"

/* The day of a score: the argument, or the end of the model's observation. */
extern DateADT as_of_argument(FunctionCallInfo fcinfo, int argno, const ClvModel *model);

/*
 * The covariates of a customer under this model, from an argument; false if
 * one of them is NULL or not finite. It is an error if their number differs
 * from the model's.
 */
extern bool covariates_argument(FunctionCallInfo fcinfo, int argno, const ClvModel *model, double *covariates);

/* The timing model of this name, which must count in days, as the caller named in the message does; NULL: "auto". */
extern const Model *daily_model_named(const char *name, const char *asker);

#endif /* CLV_MODEL_MODEL_ARGS_H */
