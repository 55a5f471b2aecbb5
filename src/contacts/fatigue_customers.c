/*
 * fatigue_customers.c
 *	  The contacts of each of several customers, for what compares them.
 */
#include "compat.h"

#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "contacts/contacts.h"

static void
add_level(FatigueCustomers *customers, RateLevel level)
{
	if (customers->count == customers->capacity)
	{
		customers->capacity *= 2;
		customers->levels = repalloc_huge(customers->levels, customers->capacity * sizeof(RateLevel));
	}
	customers->levels[customers->count++] = level;
}

/* A customer's contacts by the number of recent ones, and how many of them had the outcome. */
static void
add_customer(FatigueCustomers *customers, Datum datum, FatigueDetail outcome)
{
	CountValue value = count_value_get(&fatigue_type, datum);

	for (uint32 i = 0; i < value.count && value.entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
	{
		const CountEntry *entry = &value.entries[i];

		if (entry->detail == FATIGUE_HEADS)
			add_level(customers, (RateLevel){(double) entry->group, (double) entry->value, 0});
		else if (entry->detail == outcome)
			customers->levels[customers->count - 1].events = (double) entry->value;
	}
	customers->ends[customers->n++] = customers->count;
	pfree(value.entries);
}

FatigueCustomers
fatigue_customers(ArrayType *array, FatigueDetail outcome)
{
	Oid type = ARR_ELEMTYPE(array);
	FatigueCustomers customers = {.capacity = 64};
	int16 length;
	bool by_value;
	char align;
	Datum *elements;
	bool *nulls;
	int count;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	deconstruct_array(array, type, length, by_value, align, &elements, &nulls, &count);
	customers.levels = MemoryContextAllocHuge(CurrentMemoryContext, customers.capacity * sizeof(RateLevel));
	customers.ends = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, count) * sizeof(size_t));
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!nulls[i])
			add_customer(&customers, elements[i], outcome);
	}
	return customers;
}
