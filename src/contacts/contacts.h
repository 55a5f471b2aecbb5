/*
 * contacts.h
 *	  Contacts with customers: when they were contacted, how response tires, and
 *	  which contacts were of no use.
 */
#ifndef CONTACTS_CONTACTS_H
#define CONTACTS_CONTACTS_H

#include "compat.h"

#include "utils/array.h"

#include "models/decision/fatigue.h"
#include "support/count_value.h"

/* contact_log: one customer's contacts, in whole seconds. */
extern const CountValueType contact_log_type;

/* fatigue: contacts by the number of recent ones, which is the group. */
#define FATIGUE_MOST_RECENT 10000

typedef enum FatigueDetail
{
	FATIGUE_HEADS,
	FATIGUE_RESPONSES,
	FATIGUE_UNSUBSCRIBED,
	FATIGUE_DETAILS,
} FatigueDetail;

extern const CountValueType fatigue_type;

/* The contacts of each of several customers, one after the other, and how many of them had an outcome. */
typedef struct FatigueCustomers
{
	RateLevel *levels;
	size_t count;
	size_t capacity;
	size_t *ends; /* of each customer's levels */
	size_t n;
} FatigueCustomers;

/* From an array of fatigue values, one for each customer; those that are NULL are left out. */
extern FatigueCustomers fatigue_customers(ArrayType *array, FatigueDetail outcome);

/* relevance_audit: contacts by their reasons to be trivial, a set of bits, which is the group. */
#define AUDIT_REASONS 6
extern const CountValueType relevance_audit_type;

#endif /* CONTACTS_CONTACTS_H */
