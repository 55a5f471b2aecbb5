/*
 * orders_scan.h
 *	  Everything that one pass over orders tells, in order of customer and time.
 *
 * Memory is bounded, whatever the orders: a count for every day of the last half
 * century, one for every step of amounts (1.6 % wide), and the customers with most
 * orders. Only the ids of orders, where there are any, are sorted a second time.
 */
#ifndef REPORTS_ORDERS_SCAN_H
#define REPORTS_ORDERS_SCAN_H

#include "compat.h"

#include "tcop/dest.h"
#include "utils/date.h"
#include "utils/timestamp.h"
#include "utils/tuplesort.h"

/* Days before as_of that are counted one by one: 54 years. */
#define ORDERS_DAYS 20000

/* At most so many customers can have more than 1 % of the orders each. */
#define ORDERS_LARGEST 100

/* Rows that something is wrong with, and one of them. */
typedef struct OrdersCount
{
	int64 rows;
	char *example; /* NULL: none yet */
} OrdersCount;

/* A column as it arrives: its type, with domains looked through. */
typedef struct OrdersColumn
{
	Oid type; /* InvalidOid: there is none */
	Oid collation;
	int16 length;
	bool by_value;
	FmgrInfo equal;
	FmgrInfo output;
} OrdersColumn;

typedef struct OrdersDay
{
	int64 customers;  /* with an order: lines of one order are no sign of a busy day */
	int64 first_seen; /* those of them whose first order it is */
} OrdersDay;

/* Mean and spread of two measures of customers, and how they go together. */
typedef struct OrdersMoments
{
	int64 n;
	double mean_x, mean_y;
	double xx, yy, xy;
} OrdersMoments;

/* The customer whose rows are being read. */
typedef struct OrdersCustomer
{
	bool any;
	Datum id;
	int64 orders;
	int64 days;           /* with an order */
	int64 refunds;        /* of days before pending_day, while there is no order */
	int64 refunds_of_day; /* of pending_day */
	DateADT pending_day;
	double spend;      /* of orders */
	DateADT order_day; /* of the order before */
	bool has_row;
	Timestamp time; /* of the row before */
	double amount;
} OrdersCustomer;

typedef struct OrdersScan
{
	DestReceiver receiver; /* first: the executor knows this part */

	OrdersColumn customer;
	OrdersColumn order_id;
	Oid time_type;
	Oid amount_type; /* InvalidOid: there are no amounts */
	DateADT as_of;
	DateADT last_allowed; /* days after it are yet to come */

	MemoryContext context;     /* of what stays */
	MemoryContext row_context; /* of what a row needs */
	Tuplesortstate *order_ids;

	/* rows */
	int64 rows;
	OrdersCount no_customer, no_date, no_amount, infinite_date, not_a_number, future_date, old_date, duplicate,
		refund_before_order, same_day, zero_amount;
	int64 used; /* with a customer, a day and an amount */
	int64 refunds;
	int64 same_time; /* orders at the very time of another one of the customer */
	int64 timed;     /* with a time of day, and those of them near midnight */
	int64 near_midnight;

	/* amounts */
	int64 *steps; /* of positive amounts; NULL: there are none */
	double largest_amount;
	char *largest_amount_of;

	/* customers */
	int64 customers;
	int64 repeat_customers;
	int64 one_order_customers;
	int64 orders;
	int64 largest[ORDERS_LARGEST]; /* numbers of orders, in no order */
	int n_largest;
	int64 most;
	char *most_of;
	OrdersMoments moments; /* of orders and their mean amount, for those with two or more */

	OrdersDay *days; /* [0] is last_allowed, [1] the day before … */
	OrdersCustomer current;
} OrdersScan;

/* A scan that is ready to receive rows: customer, time, amount, order id. */
extern OrdersScan *orders_scan_make(Oid time_type, Oid amount_type);

/* What is said of a column of this type, which must be one that can be sorted. */
extern void orders_column_init(OrdersColumn *column, const char *name, Oid type, Oid collation);

/* To be called after the last row. */
extern void orders_scan_end(OrdersScan *scan);

/* Rows whose order id another row has too; needs order ids. */
extern OrdersCount orders_scan_order_ids(OrdersScan *scan);

/* The median of positive amounts, or NaN; and how many amounts are larger than a limit; within 1.6 %. */
extern double orders_median_amount(const OrdersScan *scan);
extern int64 orders_amounts_above(const OrdersScan *scan, double limit);

/* Whether amounts form two groups far apart; where most of each are, within 1.6 %, and the size of the smaller one. */
extern bool orders_two_groups(const OrdersScan *scan, double *low, double *high, int64 *smaller);

/* Days of the kind on which the shop is open that have no order although many were to be expected. */
extern int64 orders_empty_days(const OrdersScan *scan, int64 *open_days, DateADT *example);

/* Whether the last day has far fewer orders than its weekday has. */
extern bool orders_last_day_incomplete(const OrdersScan *scan, bool until_today, DateADT *day, int64 *customers);

/* Whether a day has far more new customers than all others. */
extern bool orders_first_seen_spike(const OrdersScan *scan, DateADT *day, int64 *customers);

#endif /* REPORTS_ORDERS_SCAN_H */
