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
	SCORE_NO_COVARIATES,		/* one is NULL or no number */
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
	bool		scorable;		/* if not, status says why and the rest is unset */
	ScoreStatus status;
	const ClvModel *model;
	const Model *timing;
	OrdersMemo *memo;			/* answers already found in this query; may be NULL */
	DateADT		as_of;			/* the day T is counted to; of plain numbers not known */
	double		x;
	double		t_x;
	double		T;
	double		spend;			/* on repeat transactions; NaN: not known */
	double		covariates[FIT_MAX_COVARIATES]; /* as many as the model has */
} Customer;

/* How far ahead to look and at what price: the arguments that all values share. */
typedef struct Outlook
{
	double		horizon_days;
	double		annual_discount;
	double		margin;
} Outlook;

/*
 * Arguments (history, model, …, as_of, covariates): the customer as he stood on
 * that day. Functions that do not need covariates end with as_of.
 */
extern void customer_of_history(FunctionCallInfo fcinfo, int as_of_place, Customer *customer);

/* Arguments horizon_days, annual_discount and margin, checked. */
extern double horizon_argument(FunctionCallInfo fcinfo, int place);
extern Outlook outlook_arguments(FunctionCallInfo fcinfo, int place);

/* The parameters of the timing model for this customer; room is for those that covariates change. */
extern const double *customer_params(const Customer *customer, double *room);

/* A horizon in the model's unit, counted from the day the customer stands at. */
extern double customer_horizon(const Customer *customer, double horizon_days);

/*
 * The covariates of a customer under this model, from an argument; false if one of
 * them is NULL or no number. It is an error if there are not as many as the model has.
 */
extern bool covariates_argument(FunctionCallInfo fcinfo, int place, const ClvModel *model, double *covariates);

/* Argument level of an interval, checked. */
extern double level_argument(FunctionCallInfo fcinfo, int place);

/* The scores; NaN where there is none, and the customer's status may say why. */
extern double expected_orders_in(const Customer *customer, double horizon_days);
extern double lifetime_value(Customer *customer, const Outlook *outlook);

/* True if one of these arguments is NULL: one with a default, set to NULL, leaves the answer open. */
extern bool any_null(FunctionCallInfo fcinfo, int from, int to);

#endif							/* CLV_CLV_SCORE_H */
