/*
 * clv_memo.h
 *	  Answers remembered for the rest of a query.
 */
#ifndef CLV_CLV_MEMO_H
#define CLV_CLV_MEMO_H

#include "clv/clv.h"

typedef struct OrdersMemo OrdersMemo;

/* The memo of this call site, which lives as long as the query. */
extern OrdersMemo *orders_memo(FunctionCallInfo fcinfo);

/* Sends for the memory that orders_remembered() is going to look into. */
extern void orders_soon(OrdersMemo *memo, double x, double T);

/*
 * timing->live_orders() under this discount, remembered. With no memo (NULL) it is
 * computed, and so it is when recency matters. Times are in the model's unit, whose
 * timing has these parameters for the customer.
 */
extern double orders_remembered(OrdersMemo *memo, const ClvModel *model, const Model *timing, const double *params,
								double x, double t_x, double T, double horizon, double annual_discount);

#endif							/* CLV_CLV_MEMO_H */
