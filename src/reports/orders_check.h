/*
 * orders_check.h
 *	  Checks of a table of orders, before its scores are used.
 *
 * Private to this room: called by everything that makes views or tables from
 * orders. SPI must be connected; the queries follow the rules of
 * support/sql_text.h.
 */
#ifndef REPORTS_ORDERS_CHECK_H
#define REPORTS_ORDERS_CHECK_H

#include "utils/date.h"

/* A table of orders, as SQL text; the columns are those of the alias o. */
typedef struct OrdersTable
{
	const char *orders;
	const char *known;    /* the condition that a row is of a customer */
	const char *customer; /* the customer as one value */
	const char *time;     /* in its base type */
	const char *amount;   /* numeric or float8; NULL: there are no amounts */
	const char *amount_type;
	const char *window;   /* further condition, or "" */
	bool lines;           /* several rows may be one order */
	const char *order_id; /* the column by which they are, quoted; NULL: none */
} OrdersTable;

/*
 * Raises an error that names a customer with an order that a history cannot
 * contain, and a notice with the number of rows that are left out because they
 * have no customer, day or amount. Returns whether all histories are sure to be
 * short enough: to find one that is not costs as much as to make them.
 */
extern bool orders_check_rows(const OrdersTable *table);

/* Raises the error that names a customer with more orders than a history holds, if there is one. */
extern void orders_check_most(const OrdersTable *table);

/* An error that names a customer with a number in another column, such as the profit, that is NaN or infinite. */
extern void orders_check_numbers(const OrdersTable *table, const char *name);

/* The days of the first and the last order; both 0 where there are none. */
typedef struct OrdersSpan
{
	int64 customers;
	DateADT first;
	DateADT last;
} OrdersSpan;

/* Notices about orders, put together from their lines if there are any: order lines, tills, and days in the future. */
extern OrdersSpan orders_check_orders(const OrdersTable *table);

/* Whether the caller may read these columns, of which some may be NULL; and an error unless they may. */
extern bool orders_may_read(Oid relation, const char *const *columns, int count);
extern void orders_refuse_unreadable(Oid relation, const char *const *columns, int count);

/* The same for stored histories, which hold nothing invalid: how many have no customer, or are NULL. */
extern void orders_check_histories(const char *schema, const char *relation, const char *known, const char *history,
								   const char *window);

/* Says how many ids of orders several customers have. */
extern void orders_check_shared(const OrdersTable *table);

/* Says how many customers have several histories, whose purchases count together. */
extern void orders_check_single(const OrdersTable *table);

/* The same for scores, with the customer of the alias s as one value: order lines, tills, and days in the future. */
extern void orders_check_scores(const char *view, const char *customer, bool has_order_id);

#endif /* REPORTS_ORDERS_CHECK_H */
