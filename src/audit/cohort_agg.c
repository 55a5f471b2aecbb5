/*
 * cohort_agg.c
 *	  The aggregates cohort_audit and rollup.
 */
#include "compat.h"

#include <math.h>
#include <stdlib.h>

#include "miscadmin.h"
#include "utils/builtins.h"

#include "audit/audit.h"
#include "audit/cohort.h"
#include "support/agg_group.h"
#include "support/args.h"

/* Larger amounts are added bit by bit, so that the units of a cell do not overflow. */
#define MAX_CELL_UNITS (INT64CONST(1) << 36)

#define UNTIL_HINT "until is the first day whose orders are not in the data."

static void
check_same_head(const CohortHead *a, const CohortHead *b)
{
	if (a->grain != b->grain)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a cohort_audit has one grain, not both %s and %s", period_names[a->grain],
						period_names[b->grain])));
	if (a->until != b->until || a->has_since != b->has_since || a->since != b->since)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a cohort_audit has the same days for all customers, not both until %s and until %s",
						date_text(a->until), date_text(b->until)),
				 errhint("since and until must be the same for all customers.")));
	if (a->has_profit != b->has_profit)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a cohort_audit has profit for all customers or for none")));
}

/* A state of its own for a value. */
static CohortState *
state_of_view(const CohortView *view, MemoryContext parent)
{
	CohortState *state = cohort_state_make(&view->head, parent);

	for (uint32 i = 0; i < view->count; i++)
		count_map_add(&state->map, view->entries[i].group, view->entries[i].detail, view->entries[i].value);
	return state;
}

/* The state in the first argument if an aggregate may continue it; otherwise a new one with its contents. */
static CohortState *
state_argument(FunctionCallInfo fcinfo, const CohortHead *head)
{
	CohortState *state;

	if (PG_ARGISNULL(0))
		return cohort_state_make(head, agg_state_parent(fcinfo));
	state = agg_state_to_write(PG_GETARG_DATUM(0));
	if (state == NULL)
	{
		CohortView view = cohort_view(PG_GETARG_DATUM(0));

		state = state_of_view(&view, agg_state_parent(fcinfo));
	}
	check_same_head(&state->head, head);
	return state;
}

/* One customer, while their purchases are read. */
typedef struct CohortCustomer
{
	int32 cohort;
	int32 first_period; /* of their first cell as one of the cohort; PG_INT32_MAX: they have no order */
	DateADT since;      /* nothing before this day is counted */
	int32 first_refund; /* the first period with money before that; PG_INT32_MAX: there is none */
} CohortCustomer;

/* The cohort of what a customer did in a period. The first such period of refunds counts them. */
static int32
cohort_in(CohortState *state, CohortCustomer *customer, int32 period)
{
	if (likely(period >= customer->first_period))
		return customer->cohort;
	if (customer->first_refund == PG_INT32_MAX)
	{
		customer->first_refund = period;
		cohort_cell(state, COHORT_REFUNDS, period)->customers++;
	}
	return COHORT_REFUNDS;
}

/* The day of the first order; false if there is none that is observed. */
static bool
first_order(HistoryReader reader, DateADT *first)
{
	PurchaseDay day;

	while (history_next_day(&reader, &day))
	{
		CHECK_FOR_INTERRUPTS();
		if (day.orders > 0)
		{
			*first = day.day;
			return true;
		}
	}
	return false;
}

/* Adds an amount of a customer in a period. */
static void
add_amount(CohortState *state, CohortKind kind, CohortCustomer *customer, int32 period, const Spend *spend,
		   HistoryEncoding encoding)
{
	int32 cohort = cohort_in(state, customer, period);
	AuditWord word;

	if (!audit_spend(spend, encoding, &word))
	{
		count_map_add(&state->map,
					  cohort_group(kind == COHORT_SPEND ? COHORT_SPEND_UNKNOWN : COHORT_PROFIT_UNKNOWN, 0, cohort),
					  cohort_detail(period), 1);
		return;
	}
	if (unlikely(!word.exact || llabs(word.units) >= MAX_CELL_UNITS))
	{
		cohort_add_double(state, kind, cohort, period, word.exact ? (double) word.units / AUDIT_UNIT : word.value);
		return;
	}

	CohortCell *cell = cohort_cell(state, cohort, period);

	if (kind == COHORT_SPEND)
		cell->spend += word.units;
	else
		cell->profit += word.units;
}

/* What a customer did in one period. */
typedef struct CohortVisit
{
	int32 period;
	int64 orders;
	Spend spend;
	bool second_order;
} CohortVisit;

static void
add_visit(CohortState *state, CohortCustomer *customer, const CohortVisit *visit, int64 *last_active,
		  HistoryEncoding encoding)
{
	if (visit->orders > 0)
	{
		CohortCell *cell = cohort_cell(state, customer->cohort, visit->period);

		cell->active++;
		cell->orders += visit->orders;
		cell->active_before += *last_active == (int64) visit->period - 1;
		cell->second_order += visit->second_order;
		*last_active = visit->period;
	}
	add_amount(state, COHORT_SPEND, customer, visit->period, &visit->spend, encoding);
}

/* The customer's orders and spend, period by period. */
static void
add_orders(CohortState *state, CohortCustomer *customer, HistoryReader *reader)
{
	CohortVisit visit = {.period = customer->first_period};
	int64 last_active = PG_INT64_MIN;
	int64 transactions = 0;
	PurchaseDay day;
	bool any = false;

	while (history_next_day(reader, &day))
	{
		int32 period;

		CHECK_FOR_INTERRUPTS();
		transactions += day.orders > 0;
		period = cohort_period_of(state, day.day);
		if (day.day < customer->since)
		{
			/* So that customers active before the first period are known. */
			if (day.orders > 0)
				last_active = period;
			continue;
		}
		if (period != visit.period)
		{
			if (any)
				add_visit(state, customer, &visit, &last_active, reader->encoding);
			visit = (CohortVisit){.period = period};
		}
		any = true;
		visit.orders += day.orders;
		visit.second_order |= transactions == 2 && day.orders > 0;
		spend_merge(&visit.spend, &day.spend);
	}
	if (any)
		add_visit(state, customer, &visit, &last_active, reader->encoding);
}

/* The customer's profit, period by period. */
static void
add_profit(CohortState *state, CohortCustomer *customer, Datum history)
{
	HistoryReader reader;
	PurchaseDay day;
	int32 period = customer->first_period;
	Spend profit = {0};
	bool any = false;

	history_open(&reader, history, state->head.until - 1);
	while (history_next_day(&reader, &day))
	{
		int32 number;

		CHECK_FOR_INTERRUPTS();
		if (day.day < customer->since)
			continue;
		number = cohort_period_of(state, day.day);
		if (number != period)
		{
			if (any)
				add_amount(state, COHORT_PROFIT, customer, period, &profit, reader.encoding);
			profit = (Spend){0};
			period = number;
		}
		any = true;
		spend_merge(&profit, &day.spend);
	}
	if (any)
		add_amount(state, COHORT_PROFIT, customer, period, &profit, reader.encoding);
}

/* The customer's cohort, which is counted; without an order they have none. */
static CohortCustomer
enter_customer(CohortState *state, HistoryReader reader)
{
	const CohortHead *head = &state->head;
	CohortCustomer customer = {
		.cohort = COHORT_REFUNDS,
		.first_period = PG_INT32_MAX,
		.since = head->has_since ? head->since : DATEVAL_NOBEGIN,
		.first_refund = PG_INT32_MAX,
	};
	DateADT first;

	if (!first_order(reader, &first))
		return customer;
	customer.first_period = cohort_period_of(state, Max(first, customer.since));
	customer.cohort = first < customer.since ? COHORT_BEFORE : customer.first_period;
	cohort_cell(state, customer.cohort, customer.first_period)->customers++;
	return customer;
}

/* Their profit is not known: in the first period of each cohort that counts them. */
static void
add_unknown_profit(CohortState *state, const CohortCustomer *customer)
{
	if (customer->first_period != PG_INT32_MAX)
		count_map_add(&state->map, cohort_group(COHORT_PROFIT_UNKNOWN, 0, customer->cohort),
					  cohort_detail(customer->first_period), 1);
	if (customer->first_refund != PG_INT32_MAX)
		count_map_add(&state->map, cohort_group(COHORT_PROFIT_UNKNOWN, 0, COHORT_REFUNDS),
					  cohort_detail(customer->first_refund), 1);
}

/* Adds one customer; profit may be NULL, and is not known where it points to NULL. */
static void
add_customer(CohortState *state, Datum history, const NullableDatum *profit)
{
	CohortCustomer customer;
	HistoryReader reader;

	history_open(&reader, history, state->head.until - 1);
	cohort_expect_customer(state);
	customer = enter_customer(state, reader);
	add_orders(state, &customer, &reader);
	if (profit == NULL)
		return;
	if (profit->isnull)
		add_unknown_profit(state, &customer);
	else
		add_profit(state, &customer, profit->value);
}

/* Adds a customer; since and profit have these argument numbers (0: no such argument). */
static Datum
add_history(FunctionCallInfo fcinfo, int since_place, int profit_place)
{
	CohortHead head = {
		.grain = period_argument(fcinfo, 2, "grain"),
		.until = needed_day_argument(fcinfo, 3, "until", UNTIL_HINT),
		.has_since = since_place > 0,
		.has_profit = profit_place > 0,
	};

	if (head.has_since)
	{
		head.since = needed_day_argument(fcinfo, since_place, "since", UNTIL_HINT);
		check_days_ordered("since", head.since, "until", head.until,
						   "Pass the first day of the data as since, and the first day after them as until.");
	}
	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);

	CohortState *state = state_argument(fcinfo, &head);

	add_customer(state, PG_GETARG_DATUM(1), profit_place > 0 ? &fcinfo->args[profit_place] : NULL);
	return agg_state_result(fcinfo, &state->map.growing);
}

/* cohort_audit(purchase_history, grain, until): transition */
AGG_FUNCTION_INFO_V1(cohort_audit_add);
static Datum
cohort_audit_add_in_group(PG_FUNCTION_ARGS)
{
	return add_history(fcinfo, 0, 0);
}

/* cohort_audit(purchase_history, grain, until, profit_history): transition */
AGG_FUNCTION_INFO_V1(cohort_audit_add_profit);
static Datum
cohort_audit_add_profit_in_group(PG_FUNCTION_ARGS)
{
	return add_history(fcinfo, 0, 4);
}

/* cohort_audit(purchase_history, grain, until, since [, profit_history]): transition */
AGG_FUNCTION_INFO_V1(cohort_audit_add_since);
static Datum
cohort_audit_add_since_in_group(PG_FUNCTION_ARGS)
{
	return add_history(fcinfo, 4, PG_NARGS() > 5 ? 5 : 0);
}

/* Adds the second value to the first: combine, transition of rollup, and the operator. */
AGG_FUNCTION_INFO_V1(cohort_audit_merge);
static Datum
cohort_audit_merge_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);

	CohortView other = cohort_view(PG_GETARG_DATUM(1));
	CohortState *state = state_argument(fcinfo, &other.head);

	count_map_reserve(&state->map, other.count);
	for (uint32 i = 0; i < other.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		count_map_add(&state->map, other.entries[i].group, other.entries[i].detail, other.entries[i].value);
	}
	return agg_state_result(fcinfo, &state->map.growing);
}
