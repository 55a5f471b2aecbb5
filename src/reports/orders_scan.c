/*
 * orders_scan.c
 *	  The pass over orders: a receiver of rows in order of customer, time and amount.
 *
 * The executor hands every row over where it lies, so that nothing is copied but
 * the id of each customer.
 */
#include "compat.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "reports/orders_scan.h"
#include "support/numeric.h"

/* Amounts of one step agree in the exponent and six digits of the fraction. */
#define STEP_DROPPED_BITS 46
#define STEPS (UINT64CONST(0x7FF) << (52 - STEP_DROPPED_BITS))

/* So near to midnight the day depends on the time zone. */
#define NEAR_MIDNIGHT USECS_PER_HOUR

/* Days further from 2000 than this are beyond a timestamp. */
#define FARTHEST_DAY 100000000

/* An example is to be found again, not to be read whole. */
#define LONGEST_EXAMPLE 100

/* A value in the output form of its type, or its beginning: nobody's cast is called. */
static char *
column_text(OrdersScan *scan, OrdersColumn *column, Datum value)
{
	char *text = OutputFunctionCall(&column->output, value);
	int bytes = strlen(text);

	if (bytes > LONGEST_EXAMPLE)
		text = psprintf("%.*s...", pg_mbcliplen(text, bytes, LONGEST_EXAMPLE), text);
	return MemoryContextStrdup(scan->context, text);
}

/* Counts a row, and keeps the customer of the first one as an example. */
static void
count_row(OrdersScan *scan, OrdersCount *count, Datum customer)
{
	if (count->rows++ == 0)
		count->example = column_text(scan, &scan->customer, customer);
}

static inline uint32
amount_step(double amount)
{
	uint64 bits;

	memcpy(&bits, &amount, sizeof(bits));
	return (uint32) (bits >> STEP_DROPPED_BITS);
}

/* The smallest amount of a step. */
static double
step_amount(uint32 step)
{
	uint64 bits = (uint64) step << STEP_DROPPED_BITS;
	double amount;

	memcpy(&amount, &bits, sizeof(amount));
	return amount;
}

static void
add_moment(OrdersMoments *moments, double x, double y)
{
	double dx = x - moments->mean_x, dy = y - moments->mean_y;

	moments->n++;
	moments->mean_x += dx / moments->n;
	moments->mean_y += dy / moments->n;
	moments->xx += dx * (x - moments->mean_x);
	moments->yy += dy * (y - moments->mean_y);
	moments->xy += dx * (y - moments->mean_y);
}

/* Keeps the largest numbers of orders. */
static void
keep_largest(OrdersScan *scan, int64 orders)
{
	int least = 0;

	if (scan->n_largest < ORDERS_LARGEST)
	{
		scan->largest[scan->n_largest++] = orders;
		return;
	}
	for (int i = 1; i < ORDERS_LARGEST; i++)
		if (scan->largest[i] < scan->largest[least])
			least = i;
	if (orders > scan->largest[least])
		scan->largest[least] = orders;
}

/* All rows of a customer were read. */
static void
end_customer(OrdersScan *scan)
{
	OrdersCustomer *current = &scan->current;

	if (!current->any)
		return;
	if (current->orders == 0)
	{
		int64 refunds = current->refunds + current->refunds_of_day;

		if (refunds > 0 && scan->refund_before_order.rows == 0)
			scan->refund_before_order.example = column_text(scan, &scan->customer, current->id);
		scan->refund_before_order.rows += refunds;
	}
	else
	{
		scan->customers++;
		scan->orders += current->orders;
		scan->repeat_customers += current->days > 1;
		scan->one_order_customers += current->orders == 1;
		if (current->orders > 1)
		{
			keep_largest(scan, current->orders);
			if (scan->amount_type != InvalidOid)
				add_moment(&scan->moments, current->orders, current->spend / current->orders);
		}
		if (current->orders > scan->most)
		{
			scan->most = current->orders;
			scan->most_of = column_text(scan, &scan->customer, current->id);
		}
	}
	if (!scan->customer.by_value)
		pfree(DatumGetPointer(current->id));
	current->any = false;
}

static void
begin_customer(OrdersScan *scan, Datum customer)
{
	MemoryContext old = MemoryContextSwitchTo(scan->context);

	scan->current = (OrdersCustomer){
		.any = true,
		.id = datumCopy(customer, scan->customer.by_value, scan->customer.length),
	};
	MemoryContextSwitchTo(old);
}

static bool
is_current(OrdersScan *scan, Datum customer)
{
	return scan->current.any &&
		DatumGetBool(FunctionCall2Coll(&scan->customer.equal, scan->customer.collation, scan->current.id, customer));
}

/* Counts a day, if it is one of those that are counted one by one. */
static OrdersDay *
day_of_scan(OrdersScan *scan, DateADT day)
{
	int64 before = (int64) scan->last_allowed - day;

	return before < 0 || before >= ORDERS_DAYS ? NULL : &scan->days[before];
}

/* A row with a negative amount. */
static void
add_refund(OrdersScan *scan, DateADT day)
{
	OrdersCustomer *current = &scan->current;

	scan->refunds++;
	if (current->orders > 0)
		return;
	if (current->refunds_of_day > 0 && current->pending_day != day)
	{
		current->refunds += current->refunds_of_day;
		current->refunds_of_day = 0;
	}
	current->pending_day = day;
	current->refunds_of_day++;
}

/* The first order of a customer: what was paid back on days before it was never bought. */
static void
add_first_order(OrdersScan *scan, DateADT day)
{
	OrdersCustomer *current = &scan->current;
	OrdersDay *counted = day_of_scan(scan, day);
	int64 refunds = current->refunds + (current->pending_day != day ? current->refunds_of_day : 0);

	if (refunds > 0 && scan->refund_before_order.rows == 0)
		scan->refund_before_order.example = column_text(scan, &scan->customer, current->id);
	scan->refund_before_order.rows += refunds;
	if (counted != NULL)
		counted->first_seen++;
}

static void
add_order(OrdersScan *scan, DateADT day, Timestamp time, bool timed, double amount)
{
	OrdersCustomer *current = &scan->current;
	OrdersDay *counted = day_of_scan(scan, day);

	if (current->orders == 0)
		add_first_order(scan, day);
	else if (current->order_day == day)
	{
		count_row(scan, &scan->same_day, current->id);
		scan->same_time += timed && current->has_row && current->time == time;
	}
	if (current->orders == 0 || current->order_day != day)
	{
		current->days++;
		if (counted != NULL)
			counted->customers++;
	}
	current->order_day = day;
	current->orders++;
	current->spend += amount;
	if (counted == NULL && day <= scan->last_allowed)
		count_row(scan, &scan->old_date, current->id);
	if (day > scan->last_allowed)
		count_row(scan, &scan->future_date, current->id);
}

static void
add_amount(OrdersScan *scan, double amount)
{
	if (amount == 0)
		count_row(scan, &scan->zero_amount, scan->current.id);
	if (amount <= 0)
		return;
	scan->steps[amount_step(amount)]++;
	if (amount > scan->largest_amount)
	{
		scan->largest_amount = amount;
		scan->largest_amount_of = column_text(scan, &scan->customer, scan->current.id);
	}
}

/* A row that a history takes. */
static void
add_row(OrdersScan *scan, Timestamp time, double amount)
{
	OrdersCustomer *current = &scan->current;
	TimeOffset of_day = time % USECS_PER_DAY;
	DateADT day = (DateADT) (time / USECS_PER_DAY - (of_day < 0));
	bool timed = scan->time_type != DATEOID && of_day != 0;
	bool has_amount = scan->amount_type != InvalidOid;

	scan->used++;
	if (of_day < 0)
		of_day += USECS_PER_DAY;
	if (timed)
	{
		scan->timed++;
		scan->near_midnight += of_day < NEAR_MIDNIGHT || of_day >= USECS_PER_DAY - NEAR_MIDNIGHT;
	}
	if (current->has_row && current->time == time && (has_amount ? current->amount == amount : timed))
		count_row(scan, &scan->duplicate, current->id);
	if (has_amount)
		add_amount(scan, amount);
	if (amount < 0)
		add_refund(scan, day);
	else
		add_order(scan, day, time, timed, amount);
	current->has_row = true;
	current->time = time;
	current->amount = amount;
}

/* The local time of a row, false if it is infinite. */
static bool
row_time(const OrdersScan *scan, Datum value, Timestamp *time)
{
	if (scan->time_type == DATEOID)
	{
		DateADT day = DatumGetDateADT(value);

		/* dates reach further than timestamps do, and no further are they told apart here */
		*time = (Timestamp) Min(Max(day, -FARTHEST_DAY), FARTHEST_DAY) * USECS_PER_DAY;
		return !DATE_NOT_FINITE(day);
	}
	*time = DatumGetTimestamp(value);
	if (TIMESTAMP_NOT_FINITE(*time))
		return false;
	if (scan->time_type == TIMESTAMPTZOID)
		*time = DatumGetTimestamp(DirectFunctionCall1(timestamptz_timestamp, value));
	return true;
}

/* What cannot be told as a double is as bad as an infinite amount. */
static double
row_amount(const OrdersScan *scan, Datum value)
{
	return scan->amount_type == FLOAT8OID ? DatumGetFloat8(value) : numeric_to_double(value);
}

/* Whether a row has a time; what is wrong with it is counted. */
static bool
time_is_usable(OrdersScan *scan, const Datum *values, const bool *nulls, Timestamp *time)
{
	if (nulls[1])
		count_row(scan, &scan->no_date, values[0]);
	else if (!row_time(scan, values[1], time))
		count_row(scan, &scan->infinite_date, values[0]);
	else
		return true;
	return false;
}

/* The same of its amount, where orders have one. */
static bool
amount_is_usable(OrdersScan *scan, const Datum *values, const bool *nulls, double *amount)
{
	if (scan->amount_type == InvalidOid)
		return true;
	if (nulls[2])
		count_row(scan, &scan->no_amount, values[0]);
	else if (!isfinite(*amount = row_amount(scan, values[2])))
		count_row(scan, &scan->not_a_number, values[0]);
	else
		return true;
	return false;
}

/* Of a row with several defects each is counted. */
static void
read_row(OrdersScan *scan, const Datum *values, const bool *nulls)
{
	Timestamp time;
	double amount = 0;

	scan->rows++;
	if (scan->order_ids != NULL && !nulls[3])
		tuplesort_putdatum(scan->order_ids, values[3], false);
	if (nulls[0])
	{
		if (scan->no_customer.rows++ == 0 && scan->order_ids != NULL && !nulls[3])
			scan->no_customer.example = column_text(scan, &scan->order_id, values[3]);
		return;
	}

	bool has_time = time_is_usable(scan, values, nulls, &time);
	bool has_amount = amount_is_usable(scan, values, nulls, &amount);

	if (!has_time || !has_amount)
		return;
	if (!is_current(scan, values[0]))
	{
		end_customer(scan);
		begin_customer(scan, values[0]);
	}
	add_row(scan, time, amount);
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	OrdersScan *scan = (OrdersScan *) self;
	MemoryContext old = MemoryContextSwitchTo(scan->row_context);

	slot_getallattrs(slot);
	read_row(scan, slot->tts_values, slot->tts_isnull);
	MemoryContextSwitchTo(old);
	MemoryContextReset(scan->row_context);
	return true;
}

static void
receive_nothing(DestReceiver *self, int operation, TupleDesc type)
{
}

static void
receive_end(DestReceiver *self)
{
}

void
orders_column_init(OrdersColumn *column, const char *name, Oid type, Oid collation)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_EQ_OPR_FINFO | TYPECACHE_LT_OPR);
	Oid output;
	bool is_varlena;

	if (!OidIsValid(entry->eq_opr_finfo.fn_oid) || !OidIsValid(entry->lt_opr))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" must be of a type that can be sorted, but is %s", name, format_type_be(type)),
				 errhint("Make a view over the orders that casts it.")));
	column->type = type;
	column->collation = collation;
	column->length = entry->typlen;
	column->by_value = entry->typbyval;
	fmgr_info_copy(&column->equal, &entry->eq_opr_finfo, CurrentMemoryContext);
	getTypeOutputInfo(type, &output, &is_varlena);
	fmgr_info(output, &column->output);
}

OrdersScan *
orders_scan_make(Oid time_type, Oid amount_type)
{
	OrdersScan *scan = palloc0(sizeof(OrdersScan));

	scan->receiver = (DestReceiver){
		.receiveSlot = receive_row,
		.rStartup = receive_nothing,
		.rShutdown = receive_end,
		.rDestroy = receive_end,
		.mydest = DestNone,
	};
	scan->time_type = time_type;
	scan->amount_type = amount_type;
	scan->context = CurrentMemoryContext;
	scan->row_context = AllocSetContextCreate(CurrentMemoryContext, "row of check_orders", ALLOCSET_SMALL_SIZES);
	scan->days = palloc0_array(OrdersDay, ORDERS_DAYS);
	if (amount_type != InvalidOid)
		scan->steps = palloc0_array(int64, STEPS);
	return scan;
}

void
orders_scan_end(OrdersScan *scan)
{
	end_customer(scan);
}

OrdersCount
orders_scan_order_ids(OrdersScan *scan)
{
	OrdersCount duplicates = {0};
	Datum value, before = (Datum) 0;
	bool isnull, any = false;

	tuplesort_performsort(scan->order_ids);
	while (tuplesort_getdatum_copy(scan->order_ids, &value, &isnull))
	{
		CHECK_FOR_INTERRUPTS();
		if (any && DatumGetBool(FunctionCall2Coll(&scan->order_id.equal, scan->order_id.collation, before, value)) &&
			duplicates.rows++ == 0)
			duplicates.example = column_text(scan, &scan->order_id, value);
		if (any && !scan->order_id.by_value)
			pfree(DatumGetPointer(before));
		before = value;
		any = true;
	}
	tuplesort_end(scan->order_ids);
	scan->order_ids = NULL;
	return duplicates;
}

/* ---------------------------------------------------------------- amounts */

/* The step in which the median lies of the amounts in [from, to); to, if there are none. */
static uint32
median_step(const OrdersScan *scan, uint32 from, uint32 to)
{
	int64 all = 0, below = 0;

	for (uint32 i = from; i < to; i++)
		all += scan->steps[i];
	for (uint32 i = from; i < to; i++)
	{
		below += scan->steps[i];
		if (all > 0 && below >= (all + 1) / 2)
			return i;
	}
	return to;
}

double
orders_median_amount(const OrdersScan *scan)
{
	uint32 step = median_step(scan, 0, STEPS);

	return step < STEPS ? step_amount(step) : NAN;
}

int64
orders_amounts_above(const OrdersScan *scan, double limit)
{
	int64 above = 0;

	for (uint32 i = 0; i < STEPS; i++)
		if (scan->steps[i] > 0 && step_amount(i) > limit)
			above += scan->steps[i];
	return above;
}

/* Amounts are counted in sixteenths of a doubling, and groups of three quarters of a doubling compared. */
#define FINE_STEPS 4
#define GROUP_STEPS (STEPS / FINE_STEPS)
#define GROUP_RADIUS 6

/* The middles of two groups differ by a factor of 5 or more. */
#define GROUP_DISTANCE 37

/* The smaller group has so much of all amounts, and the gap so little of the smaller peak. */
#define GROUP_SHARE 0.05
#define GROUP_MIN 30
#define GROUP_GAP 0.25

/* How many amounts are around a step. */
static int64
amounts_around(const int64 *below, int step)
{
	return below[Min(step + GROUP_RADIUS + 1, (int) GROUP_STEPS)] - below[Max(step - GROUP_RADIUS, 0)];
}

/*
 * A group beyond a gap, in one direction from the highest peak: its middle, or -1. A
 * peak must rise above the gap by more than chance does (five standard deviations).
 */
static int
find_group(const int64 *below, int peak, int direction, int64 *members)
{
	int64 all = below[GROUP_STEPS];
	int64 lowest = amounts_around(below, peak);
	int gap = peak, found = -1;
	int64 highest = 0;

	for (int i = peak + direction; i >= 0 && i < (int) GROUP_STEPS; i += direction)
	{
		int64 here = amounts_around(below, i);

		if (here < lowest)
		{
			/* further down than the gap of what was found: another gap, unless little is left */
			if (found >= 0)
				continue;
			lowest = here;
			gap = i;
		}
		int64 beyond = direction > 0 ? all - below[gap] : below[gap];

		if (abs(i - peak) >= GROUP_DISTANCE && here > highest && lowest <= GROUP_GAP * here &&
			here - lowest > 5 * sqrt((double) here + lowest) && beyond >= GROUP_MIN && beyond >= GROUP_SHARE * all)
		{
			highest = here;
			found = i;
			*members = beyond;
		}
	}
	return found;
}

/* The number of the fewest digits in a step, of which there may be amounts. */
static double
shortest_amount(uint32 step)
{
	double least = step_amount(step), next = step_amount(step + 1);

	for (int digits = 1; digits <= DBL_DIG; digits++)
	{
		double amount = strtod(psprintf("%.*g", digits, (least + next) / 2), NULL);

		if (amount >= least && amount < next)
			return amount;
	}
	return least;
}

/* The amount in the middle of those around a step of groups. */
static double
amount_around(const OrdersScan *scan, int step)
{
	uint32 from = Max(step - GROUP_RADIUS, 0) * FINE_STEPS;
	uint32 to = Min(step + GROUP_RADIUS + 1, (int) GROUP_STEPS) * FINE_STEPS;

	return shortest_amount(median_step(scan, from, to));
}

bool
orders_two_groups(const OrdersScan *scan, double *low, double *high, int64 *smaller)
{
	int64 *below = palloc0_array(int64, GROUP_STEPS + 1);
	int peak = 0, other;

	for (uint32 i = 0; i < STEPS; i++)
		below[i / FINE_STEPS + 1] += scan->steps[i];
	for (uint32 i = 0; i < GROUP_STEPS; i++)
		below[i + 1] += below[i];
	for (int i = 1; i < (int) GROUP_STEPS; i++)
		if (amounts_around(below, i) > amounts_around(below, peak))
			peak = i;
	other = find_group(below, peak, 1, smaller);
	if (other < 0)
		other = find_group(below, peak, -1, smaller);
	pfree(below);
	if (other < 0)
		return false;
	*low = amount_around(scan, Min(peak, other));
	*high = amount_around(scan, Max(peak, other));
	return true;
}

/* ---------------------------------------------------------------- days */

/* Days around one that tell how many orders were to be expected. */
#define NEIGHBOURS 28

/* So improbable must be what is reported, over all days together. */
#define CHANCE 1e-3

/* The same weekday so often before. */
#define WEEKS 8
#define ENOUGH_WEEKS 4

/* The first and the last day with an order, as places; false: there is none. */
static bool
days_with_orders(const OrdersScan *scan, int *last, int *first)
{
	*last = -1;
	*first = -1;
	for (int i = 0; i < ORDERS_DAYS; i++)
		if (scan->days[i].customers > 0)
		{
			if (*last < 0)
				*last = i;
			*first = i;
		}
	return *last >= 0;
}

/* Weekdays on which there are orders more often than not: others are holidays of the shop. */
static void
find_open_weekdays(const OrdersScan *scan, int last, int first, bool open[7])
{
	int64 with[7] = {0}, all[7] = {0};

	for (int i = last; i <= first; i++)
	{
		all[i % 7]++;
		with[i % 7] += scan->days[i].customers > 0;
	}
	for (int i = 0; i < 7; i++)
		open[i] = with[i] * 2 >= all[i];
}

/* Customers on an open day, of the days next to one in one direction. */
static double
mean_customers(const OrdersScan *scan, const bool open[7], int from, int direction, int last, int first)
{
	int64 customers = 0, days = 0;

	for (int i = from; i >= last && i <= first && days < NEIGHBOURS; i += direction)
		if (open[i % 7])
		{
			days++;
			customers += scan->days[i].customers;
		}
	return days == 0 ? 0 : (double) customers / days;
}

int64
orders_empty_days(const OrdersScan *scan, int64 *open_days, DateADT *example)
{
	int last, first;
	bool open[7];
	int64 empty = 0;

	*open_days = 0;
	if (!days_with_orders(scan, &last, &first))
		return 0;
	find_open_weekdays(scan, last, first, open);
	for (int i = last; i <= first; i++)
		*open_days += open[i % 7];
	for (int i = last; i <= first; i++)
	{
		int begin = i;
		int64 run = 0;

		for (; i <= first && scan->days[i].customers == 0; i++)
			run += open[i % 7];
		if (run == 0)
			continue;

		double expected = run *
			Min(mean_customers(scan, open, begin - 1, -1, last, first), mean_customers(scan, open, i, 1, last, first));

		if (expected > log(*open_days / CHANCE))
		{
			empty += run;
			*example = scan->last_allowed - (i - 1);
		}
	}
	return empty;
}

bool
orders_last_day_incomplete(const OrdersScan *scan, bool until_today, DateADT *day, int64 *customers)
{
	int last, first, weeks = 0;
	int64 before = 0;

	if (!days_with_orders(scan, &last, &first))
		return false;
	*day = scan->last_allowed - last;
	*customers = scan->days[last].customers;
	for (int i = last + 7; i <= first && weeks < WEEKS; i += 7, weeks++)
		before += scan->days[i].customers;
	if (until_today && *day == scan->as_of)
		return true;
	if (weeks < ENOUGH_WEEKS)
		return false;

	double expected = (double) before / weeks;

	return *customers < expected / 2 && expected - *customers > 4 * sqrt(expected);
}

/* The share of customers that a day must have, and how often the mean of the other days. */
#define SPIKE_SHARE 0.05
#define SPIKE_TIMES_MEAN 10
#define SPIKE_MIN 20

bool
orders_first_seen_spike(const OrdersScan *scan, DateADT *day, int64 *customers)
{
	int64 all = 0;
	int most = 0, last = -1, first = 0;

	for (int i = 0; i < ORDERS_DAYS; i++)
	{
		if (scan->days[i].first_seen == 0)
			continue;
		all += scan->days[i].first_seen;
		if (last < 0)
			last = i;
		first = i;
		if (scan->days[i].first_seen > scan->days[most].first_seen)
			most = i;
	}
	*day = scan->last_allowed - most;
	*customers = scan->days[most].first_seen;
	return *customers >= SPIKE_MIN && *customers >= SPIKE_SHARE * all &&
		(double) *customers * (first - last) > SPIKE_TIMES_MEAN * (double) (all - *customers);
}
