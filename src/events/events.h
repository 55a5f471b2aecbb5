/*
 * events.h
 *	  Events in customers' lives: what they change, and which of them were missed.
 */
#ifndef EVENTS_EVENTS_H
#define EVENTS_EVENTS_H

#include "compat.h"

#include "models/decision/events.h"
#include "support/count_value.h"

/*
 * event_study: the group is what is counted. Of the windows (and of matched customers) there
 * is one detail unless values were mixed: before, after and gap, 16 bits each.
 */
typedef enum StudyCount
{
	STUDY_WINDOWS,        /* customers with the event, by the windows */
	STUDY_ORDERS,         /* their orders, by the day from the event + STUDY_DAY_ZERO */
	STUDY_MATCHED_ORDERS, /* the same of matched customers */
	STUDY_MATCHED,        /* matched customers; the detail is 0 */
	STUDY_PRODUCTS,       /* sums over customers with the event of products of their counts */
	STUDY_BEFORE,         /* all orders before their events, by customer (a hash of the history) */
	STUDY_AFTER,          /* those after */
	STUDY_MATCHED_BEFORE, /* those of customers who are matched, before each event they are matched with */
	STUDY_MATCHED_AFTER,
	STUDY_COUNTS,
} StudyCount;

/*
 * What is counted of one customer with the event and those who are matched with them. The detail of the product of the
 * i-th and the k-th (i <= k) is 4 i + k; that of the number of customers of whom products are known is 16, and of whom it
 * is known as well who counts in several events 17. Then come the products of each matched customer's own orders.
 */
#define STUDY_SIDES 4 /* own orders before and after, matched ones before and after */
#define STUDY_KNOWN (STUDY_SIDES * STUDY_SIDES)
#define STUDY_AGAIN_KNOWN (STUDY_KNOWN + 1)
#define STUDY_OF_ONE (STUDY_KNOWN + 2)           /* before by before, before by after, after by after */
#define STUDY_MATCHED_SQUARES (STUDY_OF_ONE + 3) /* of the number of customers that are matched with an event */
#define STUDY_PRODUCT_DETAILS (STUDY_MATCHED_SQUARES + 1)

/* Hashes of histories are that many bits, so that they are exact in JSON everywhere. */
#define STUDY_HASH_BITS 53

#define STUDY_MOST_DAYS 36500
#define STUDY_DAY_ZERO (3 * STUDY_MOST_DAYS)

extern const CountValueType event_study_type;

#endif /* EVENTS_EVENTS_H */
