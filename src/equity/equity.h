/*
 * equity.h
 *	  customer_equity: what the customers there are will be worth, by horizon, with
 *	  what an interval takes.
 *
 * A stored value is small: the terms (model, day, margin, discount), how many customers
 * were valued and how many left out, and exact sums (see models/decision/equity.h). As
 * it grows in an aggregate, a value also has a log of customers that are not in the sums
 * yet, as a count map:
 *
 *	cell			(x, first day, t_x) → customers, and their spend in units
 *
 * (and where the spend model is not linear, (x, spend, first day, t_x) → customers)
 * because customers with the same numbers cost no more than one, and those with the
 * same x and first day share the costly part. The log is emptied into the sums when it
 * is stored, and when it holds too many entries. Since the sums are exact, it does not
 * matter when.
 */
#ifndef EQUITY_EQUITY_H
#define EQUITY_EQUITY_H

#include "compat.h"

#include "utils/date.h"

#include "clv_model/clv_model.h"
#include "models/decision/equity.h"
#include "support/count_map.h"

/* Customers of which the model cannot say what they are worth. */
typedef enum EquityLeftOut
{
	EQUITY_NO_ORDERS,
	EQUITY_NO_AMOUNTS,
	EQUITY_NO_REPEAT_SPEND,
	EQUITY_SPEND_UNDEFINED,
	EQUITY_OUT_OF_RANGE,
	EQUITY_LEFT_OUT,
} EquityLeftOut;

extern const char *const equity_left_out_words[EQUITY_LEFT_OUT];

/* On what terms customers are valued. */
typedef struct EquityHead
{
	const ClvModel *model;
	DateADT as_of;
	double margin;
	double annual_discount;
} EquityHead;

/* What is stored: the sums of equity_stored_sums(). */
typedef struct EquityContent
{
	EquityHead head;
	bool no_others; /* from a value that did not know of other discounts yet */
	int64 customers;
	int64 left_out[EQUITY_LEFT_OUT];
	EquitySums *sums;
} EquityContent;

/* Whether more than one in a hundred customers with orders could not be valued: the value is that of the others. */
extern bool equity_leaves_out(const EquityContent *content);

/* How many figures a model has, and where the sums of a horizon and of another discount are. */
static inline int
equity_model_figures(const ClvModel *model)
{
	return equity_figures(clv_model_timing(model), clv_model_spend(model));
}

static inline ExactSum *
equity_sums_of_horizon(const EquityContent *content, int horizon)
{
	const ClvModel *model = content->head.model;

	return &content->sums->sum[equity_value_sum(clv_model_timing(model), clv_model_spend(model), horizon)];
}

static inline ExactSum *
equity_sum_of_other(const EquityContent *content, int other)
{
	const ClvModel *model = content->head.model;

	return &content->sums->sum[equity_other_sum(clv_model_timing(model), clv_model_spend(model), other)];
}

static inline int
equity_stored_sums(const EquityContent *content)
{
	const ClvModel *model = content->head.model;

	return equity_sum_count(clv_model_timing(model), clv_model_spend(model)) -
		(content->no_others ? EQUITY_OTHER_DISCOUNTS : 0);
}

/* Says of content whether it has the sums of other discounts, by how many there are; false if that is neither number. */
extern bool equity_set_sum_count(EquityContent *content, uint64 count);

/* A value as it grows in an aggregate: the same SQL type. */
typedef struct EquityState
{
	CountMap map;
	EquityContent content; /* sums: NULL as long as nothing was added to them */
	EquityTerms terms;
} EquityState;

extern const CountMapType equity_map_type;

/* What is wrong with terms; NULL: nothing. */
extern const char *equity_head_problem(const EquityHead *head);

/* The annual discounts two points below and above; the lower one may not be above 0. */
static inline double
equity_other_discount(const EquityHead *head, int other)
{
	return head->annual_discount + (other == 0 ? -EQUITY_DISCOUNT_STEP : EQUITY_DISCOUNT_STEP);
}

extern EquityTerms equity_terms(const EquityHead *head);

/* A new state; the model is copied. */
extern EquityState *equity_state_make(const EquityHead *head, MemoryContext parent);

/* Adds customers to the log. */
extern void equity_state_add(EquityState *state, uint32 x, int32 first, uint32 t_x, double spend);
extern void equity_state_leave_out(EquityState *state, EquityLeftOut reason, int64 customers);

/* Adds what is stored in another value on the same terms. */
extern void equity_state_merge(EquityState *state, const EquityContent *other);

/* The content of a value in either form, toasted or not. */
extern EquityContent equity_get(Datum equity);

extern struct varlena *equity_pack(const EquityContent *content);

/* Allocates sums, all zero. */
extern EquitySums *equity_sums_make(MemoryContext context);

/* The covariance of the figures of both parts, row major [equity_model_figures() squared]. */
extern void equity_covariance(const ClvModel *model, double *covariance);

/* False if some parameter is not identified, or none was estimated: then there are no intervals. */
extern bool equity_is_identified(const ClvModel *model);

#endif /* EQUITY_EQUITY_H */
