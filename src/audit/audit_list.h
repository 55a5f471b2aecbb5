/*
 * audit_list.h
 *	  The customers of one period, sorted by one of their measures.
 */
#ifndef AUDIT_AUDIT_LIST_H
#define AUDIT_AUDIT_LIST_H

#include "audit/audit.h"

/*
 * Customers with an order, ascending by a measure; ties are broken by profit,
 * then spend, then orders, after which customers are identical. Such customers
 * are one run.
 */
typedef struct AuditList
{
	AuditView view;            /* its rows are the list */
	int argno[AUDIT_MEASURES]; /* of a measure's word */
	int64 customers;
	Sum totals[AUDIT_MEASURES]; /* in units */
	int64 refund_only;          /* customers without an order, which are not in the list, */
	Sum refund_only_spend;      /* and theirs, in units */
	Sum refund_only_profit;
} AuditList;

/* The customers of one period (0 or 1) of a view, whose rows are overwritten. */
extern AuditList audit_list(AuditView *view, int period, AuditMeasure by);

static inline int64
list_customers(const AuditList *list, Size run)
{
	return audit_customers(&list->view, audit_row(&list->view, run));
}

/* The measure of each customer of a run: in units, and as a number. */
static inline double
list_units(const AuditList *list, Size run, AuditMeasure measure)
{
	int64 word = audit_row(&list->view, run)[list->argno[measure]];

	return list->view.floats && measure != AUDIT_ORDERS ? audit_unsortable(word) : (double) word;
}

static inline double
list_scale(const AuditList *list, AuditMeasure measure)
{
	return measure == AUDIT_ORDERS ? 1 : list->view.scale;
}

static inline double
list_value(const AuditList *list, Size run, AuditMeasure measure)
{
	return list_units(list, run, measure) / list_scale(list, measure);
}

/* A sum of a measure, as a number. */
static inline double
list_sum_value(const AuditList *list, const Sum *sum, AuditMeasure measure)
{
	return sum_value(sum) / list_scale(list, measure);
}

/* A number of customers with a value; sorted ascending. */
typedef struct AuditCount
{
	double value;
	int64 customers;
} AuditCount;

extern void audit_sort_counts(AuditCount *counts, size_t count);

/* The measure of this name; an error if there is none, or if the value has no profit. */
extern AuditMeasure audit_measure_argument(FunctionCallInfo fcinfo, int argno, const char *name, bool has_profit);

/* The number of tiles. */
extern int audit_tiles_argument(FunctionCallInfo fcinfo, int argno, int most);

#endif /* AUDIT_AUDIT_LIST_H */
