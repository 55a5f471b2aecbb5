/*
 * orders_findings.h
 *	  What may be wrong with a table of orders: every check by its name, where it
 *	  begins to matter, and what to do about it, in one place.
 *
 * check_orders finds it by one pass over the orders, and whatever writes a report
 * finds the cheap part of it. Both ask here when a count is too many, and both say
 * the same remedy.
 */
#ifndef REPORTS_ORDERS_FINDINGS_H
#define REPORTS_ORDERS_FINDINGS_H

#include "postgres.h"

typedef enum OrdersSeverity
{
	ORDERS_ERROR, /* no scores can be made, or they mean nothing */
	ORDERS_WARN,  /* scores would be wrong without a word */
	ORDERS_INFO,  /* to know when reading them */
} OrdersSeverity;

/* In the order in which they are reported. */
typedef enum OrdersCheck
{
	ORDERS_NOT_READABLE,
	ORDERS_NO_CUSTOMERS,
	ORDERS_INFINITE_DATE,
	ORDERS_NOT_A_NUMBER,
	ORDERS_TOO_MANY_ORDERS,
	ORDERS_NO_CUSTOMER,
	ORDERS_NO_DATE,
	ORDERS_NO_AMOUNT,
	ORDERS_FUTURE_DATE,
	ORDERS_OLD_DATE,
	ORDERS_DUPLICATE_ORDER_ID,
	ORDERS_DUPLICATE_ORDER,
	ORDERS_ORDER_LINES,
	ORDERS_TILL,
	ORDERS_ONE_ORDER_IDS,
	ORDERS_LARGE_AMOUNT,
	ORDERS_TWO_CURRENCIES,
	ORDERS_MANY_REFUNDS,
	ORDERS_REFUND_BEFORE_ORDER,
	ORDERS_DAYS_WITHOUT_ORDERS,
	ORDERS_INCOMPLETE_LAST_DAY,
	ORDERS_FIRST_SEEN_SPIKE,
	ORDERS_NEAR_MIDNIGHT,
	ORDERS_FEW_CUSTOMERS,
	ORDERS_FEW_REPEAT_CUSTOMERS,
	ORDERS_SAME_DAY_ORDERS,
	ORDERS_ZERO_AMOUNT,
	ORDERS_ONE_ORDER_SHARE,
	ORDERS_COUNT_AMOUNT_CORRELATION,
	ORDERS_HIDDEN_ROWS,
	ORDERS_CHECKS,
} OrdersCheck;

typedef struct OrdersCheckInfo
{
	const char *name; /* as it stands in the column check_name */
	OrdersSeverity severity;
	const char *fix;
} OrdersCheckInfo;

extern const OrdersCheckInfo orders_checks[ORDERS_CHECKS];
extern const char *const orders_severity_names[];

/* Whether so many orders on a day with an earlier one of the same customer look like lines of orders. */
extern bool orders_look_like_lines(int64 same_day, int64 orders);

/* Whether a customer with so many of the orders looks like a till, beside the one with that rank. */
#define ORDERS_TILL_RANK 20
extern bool orders_look_like_till(int64 most, int64 orders, int64 customers, int64 of_rank);

/* Whether ids look as if every order had its own. */
extern bool orders_look_like_one_each(int64 most, int64 customers);

/* Whether so many of the rows are too many refunds. */
extern bool orders_are_refunded(int64 refunds, int64 rows);

#endif /* REPORTS_ORDERS_FINDINGS_H */
