/*
 * orders_findings.c
 *	  The checks of orders, and where each begins to matter.
 */
#include "compat.h"

#include "reports/orders_findings.h"

/* From this share of orders on a day that has another of the same customer, they may be lines of orders. */
#define MANY_LINES 0.2

/*
 * A customer may be a till with more than this share of all orders, and so many times the
 * mean of the others and the orders of the customer of ORDERS_TILL_RANK: a few customers
 * order far more often than most, and are none.
 */
#define TILL_SHARE 0.01
#define TILL_TIMES_MEAN 10
#define TILL_TIMES_RANK 3

/* So few customers may have one order each by chance. */
#define FEW_IDS 10

/* More refunds than this are a sign of another meaning of the sign. */
#define MANY_REFUNDS 0.2

const char *const orders_severity_names[] = {
	[ORDERS_ERROR] = "error",
	[ORDERS_WARN] = "warn",
	[ORDERS_INFO] = "info",
};

const OrdersCheckInfo orders_checks[ORDERS_CHECKS] = {
	[ORDERS_NOT_READABLE] =
		{"not_readable", ORDERS_ERROR,
		 "Ask its owner for the right: GRANT SELECT ON the relation, and GRANT USAGE ON its schema."},
	[ORDERS_NO_CUSTOMERS] = {"no_customers", ORDERS_ERROR,
							 "Every row lacks a customer: name the column that says whose order it is."},
	[ORDERS_INFINITE_DATE] = {"infinite_date", ORDERS_ERROR,
							  "Correct such orders, or make a view that leaves them out."},
	[ORDERS_NOT_A_NUMBER] = {"not_a_number", ORDERS_ERROR, "Correct such orders, or make a view that leaves them out."},
	[ORDERS_TOO_MANY_ORDERS] =
		{"too_many_orders", ORDERS_ERROR,
		 "If this is a till, or an id for all anonymous orders, make a view that leaves it out."},
	[ORDERS_NO_CUSTOMER] = {"no_customer", ORDERS_WARN, "If the customers are known, make a view that adds them."},
	[ORDERS_NO_DATE] = {"no_date", ORDERS_WARN, "Make a view that gives them one, or leaves them out."},
	[ORDERS_NO_AMOUNT] = {"no_amount", ORDERS_WARN,
						  "To count them, make a view that gives them an amount (0, or the usual one). Without the "
						  "argument amount all orders count, and their spend is unknown."},
	[ORDERS_FUTURE_DATE] = {"future_date", ORDERS_WARN, "Correct the dates, or leave later orders out with as_of."},
	[ORDERS_OLD_DATE] = {"old_date", ORDERS_WARN,
						 "If the day is a default value such as 1900-01-01, make a view that gives the true one, or "
						 "leaves such orders out."},
	[ORDERS_DUPLICATE_ORDER_ID] =
		{"duplicate_order_id", ORDERS_WARN,
		 "If rows are lines of orders, name their order with order_id, or make a view with "
		 "one row for each order (an id that several customers have counts as an order of each); if "
		 "they were loaded twice, remove the copies."},
	[ORDERS_DUPLICATE_ORDER] = {"duplicate_order", ORDERS_WARN,
								"If they were loaded twice, remove the copies: SELECT DISTINCT in a view does."},
	[ORDERS_ORDER_LINES] = {"order_lines", ORDERS_WARN,
							"If rows are lines of orders, name their order with order_id, or make a view with one row "
							"for each order: its customer, its time and the sum of its amounts."},
	[ORDERS_TILL] =
		{"till", ORDERS_WARN,
		 "If this is a till, a marketplace or an id for all anonymous orders, make a view that leaves it out."},
	[ORDERS_ONE_ORDER_IDS] = {"one_order_ids", ORDERS_WARN,
							  "Every id has exactly one order: if ids are made for each order, name a column that "
							  "stays the same for a customer (account, e-mail, loyalty card)."},
	[ORDERS_LARGE_AMOUNT] = {"large_amount", ORDERS_WARN,
							 "If these are typing errors or business customers, make a view that corrects them or "
							 "leaves them out: a few decide every mean."},
	[ORDERS_TWO_CURRENCIES] =
		{"two_currencies", ORDERS_WARN,
		 "If these are two currencies, or cents and whole units, make a view that converts them to one."},
	[ORDERS_MANY_REFUNDS] =
		{"many_refunds", ORDERS_WARN,
		 "If the sign means something else (bookings, credits), make a view in which only refunds are negative."},
	[ORDERS_REFUND_BEFORE_ORDER] =
		{"refund_before_order", ORDERS_WARN,
		 "The order is missing: load the time before, or make a view that leaves such refunds out."},
	[ORDERS_DAYS_WITHOUT_ORDERS] = {"days_without_orders", ORDERS_WARN,
									"If the shop was open, load these days again: customers seem to have been silent."},
	[ORDERS_INCOMPLETE_LAST_DAY] = {"incomplete_last_day", ORDERS_WARN,
									"Load the rest of the day, or let scores stand at the day before with as_of."},
	[ORDERS_FIRST_SEEN_SPIKE] = {"first_seen_spike", ORDERS_WARN,
								 "If customers were moved from another system on that day, load their orders from "
								 "there: they are taken for new."},
	[ORDERS_NEAR_MIDNIGHT] = {"near_midnight", ORDERS_WARN,
							  "To which day these orders belong depends on the time zone: make a view with ordered_at "
							  "AT TIME ZONE that of the shop."},
	[ORDERS_FEW_CUSTOMERS] =
		{"few_customers", ORDERS_WARN,
		 "Parameters of so few customers are guesses: load more, or use a model fitted to a similar shop."},
	[ORDERS_FEW_REPEAT_CUSTOMERS] =
		{"few_repeat_customers", ORDERS_WARN,
		 "So few who came back say little of how often customers do: wait for more orders, or load an earlier time."},
	[ORDERS_SAME_DAY_ORDERS] =
		{"same_day_orders", ORDERS_INFO,
		 "Models take the orders of a day for one transaction; if they are parts of one, sum them up in a view."},
	[ORDERS_ZERO_AMOUNT] =
		{"zero_amount", ORDERS_INFO,
		 "If these are gifts, samples or exchanges, make a view that leaves them out: they count as orders."},
	[ORDERS_ONE_ORDER_SHARE] = {"one_order_share", ORDERS_INFO,
								"Most customers are known by one order: look at whether the log is long enough, and "
								"whether guests get a new id each time."},
	[ORDERS_COUNT_AMOUNT_CORRELATION] = {"count_amount_correlation", ORDERS_INFO,
										 "The spend model takes the two for independent: score groups of similar "
										 "customers by models of their own, or compare with a holdout."},
	[ORDERS_HIDDEN_ROWS] = {"hidden_rows", ORDERS_INFO,
							"Row security hides rows from you: what is said here holds for those that you may read."},
};

bool
orders_look_like_lines(int64 same_day, int64 orders)
{
	return same_day > MANY_LINES * orders;
}

/* In a small shop each customer has a large share: a till also stands out from the others. */
bool
orders_look_like_till(int64 most, int64 orders, int64 customers, int64 of_rank)
{
	return most > TILL_SHARE * orders && most > TILL_TIMES_RANK * (double) of_rank &&
		(double) most * (customers - 1) > TILL_TIMES_MEAN * (double) (orders - most);
}

bool
orders_look_like_one_each(int64 most, int64 customers)
{
	return most == 1 && customers >= FEW_IDS;
}

bool
orders_are_refunded(int64 refunds, int64 rows)
{
	return refunds > MANY_REFUNDS * rows;
}
