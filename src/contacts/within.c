/*
 * within.c
 *	  fatigue_within: how response falls with recent contacts, within customers.
 */
#include "compat.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "contacts/contacts.h"
#include "models/decision/within.h"
#include "numerics/normal.h"
#include "support/args.h"
#include "support/result.h"
#include "support/server_host.h"

/* All customers' levels, one after the other. */
typedef struct Customers
{
	RateLevel *levels;
	size_t count;
	size_t capacity;
	size_t *ends;
	size_t n;
} Customers;

static void
add_level(Customers *customers, RateLevel level)
{
	if (customers->count == customers->capacity)
	{
		customers->capacity *= 2;
		customers->levels = repalloc_huge(customers->levels, customers->capacity * sizeof(RateLevel));
	}
	customers->levels[customers->count++] = level;
}

/* A customer's contacts by the number of recent ones, and how many of them were answered. */
static void
add_customer(Customers *customers, Datum datum)
{
	CountValue value = count_value_get(&fatigue_type, datum);

	for (uint32 i = 0; i < value.count && value.entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
	{
		const CountEntry *entry = &value.entries[i];

		if (entry->detail == FATIGUE_HEADS)
			add_level(customers, (RateLevel){(double) entry->group, (double) entry->value, 0});
		else if (entry->detail == FATIGUE_RESPONSES)
			customers->levels[customers->count - 1].events = (double) entry->value;
	}
	customers->ends[customers->n++] = customers->count;
	pfree(value.entries);
}

static Customers
customers_of(ArrayType *array)
{
	Oid type = ARR_ELEMTYPE(array);
	Customers customers = {.capacity = 64};
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
			add_customer(&customers, elements[i]);
	}
	return customers;
}

/* fatigue_within(customers, level) → (kappa, std_error, low, high, customer_count, responses, status) */
PG_FUNCTION_INFO_V1(fatigue_within);
Datum
fatigue_within(PG_FUNCTION_ARGS)
{
	static const char *const problems[] = {
		[WITHIN_NO_CUSTOMERS] = "no_customers",
		[WITHIN_NOT_IDENTIFIED] = "not_identified",
	};
	double half = normal_quantile(0.5 + level_argument(fcinfo, 1) / 2);
	Customers customers = customers_of(PG_GETARG_ARRAYTYPE_P(0));
	WithinFit fit = within_fit(&server_host, customers.levels, customers.ends, customers.n);
	Datum values[7];
	bool nulls[7] = {false};
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "fatigue_within returns a row");
	set_float(values, nulls, 0, fit.kappa);
	set_float(values, nulls, 1, fit.std_error);
	set_float(values, nulls, 2, fit.kappa - half * fit.std_error);
	set_float(values, nulls, 3, fit.kappa + half * fit.std_error);
	values[4] = Int64GetDatum((int64) fit.customers);
	set_float(values, nulls, 5, fit.responses);
	values[6] = CStringGetTextDatum(fit.status != WITHIN_OK  ? problems[fit.status]
										: !(fit.kappa > 0)   ? "no_fatigue_seen"
										: fit.customers == 1 ? "no_interval"
															 : "ok");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
