/*
 * clv_score.h
 *	  A customer as the models see him, and what they say of him.
 *
 * Inside the room: the scores and their intervals share it.
 */
#ifndef CLV_CLV_SCORE_H
#define CLV_CLV_SCORE_H

#include "clv/clv.h"
#include "clv/clv_memo.h"

typedef enum ScoreStatus
{
	SCORE_OK,
	SCORE_ONE_ORDER,			/* scored; spend is the population's */
	SCORE_NO_MODEL,
	SCORE_NO_ORDERS,
	SCORE_INCONSISTENT,			/* plain numbers that no customer can have */
	SCORE_NO_SPEND_MODEL,
	SCORE_NO_AMOUNTS,
	SCORE_NO_SPEND,				/* net spend on repeat transactions is not positive */
	SCORE_SPEND_UNDEFINED,		/* the spend model has no mean */
	SCORE_OUT_OF_RANGE
} ScoreStatus;

/* A customer as the models see him; times in the model's unit. */
typedef struct Customer
{
	const ClvModel *model;
	const Model *timing;
	bool		scorable;		/* if not, status says why and the rest is unset */
	ScoreStatus status;
	OrdersMemo *memo;			/* answers already found in this query; may be NULL */
	DateADT		as_of;			/* the day T is counted to; of plain numbers not known */
	double		x;
	double		t_x;
	double		T;
	double		spend;			/* on repeat transactions; NaN: not known */
} Customer;

/* How far ahead to look and at what price: the arguments that all values share. */
typedef struct Outlook
{
	double		horizon_days;
	double		annual_discount;
	double		margin;
} Outlook;

/* Arguments (history, model, …, as_of): the customer as he stood on that day. */
extern Customer customer_of_history(FunctionCallInfo fcinfo, int as_of_place);

/* Arguments horizon_days, annual_discount and margin, checked. */
extern double horizon_argument(FunctionCallInfo fcinfo, int place);
extern Outlook outlook_arguments(FunctionCallInfo fcinfo, int place);

/* Argument level of an interval, checked. */
extern double level_argument(FunctionCallInfo fcinfo, int place);

/* The continuous rate per time unit of an annual discount. */
extern double discount_rate(const ClvModel *model, double annual_discount);

/* The scores; NaN where there is none, and the customer's status may say why. */
extern double expected_orders_in(const Customer *customer, double horizon_days);
extern double lifetime_value(Customer *customer, const Outlook *outlook);

/* True if one of these arguments is NULL: one with a default, set to NULL, leaves the answer open. */
extern bool any_null(FunctionCallInfo fcinfo, int from, int to);

#endif							/* CLV_CLV_SCORE_H */
