/*
 * event_study.c
 *	  event_study: the orders of customers around an event in their life, and of matched
 *	  customers around the same day.
 *
 * Orders are counted by their day from the event, so that the effect and its curve come from
 * one value. Before the event is a gap (people act in advance); before that the days that
 * the days from the event on are compared with.
 *
 * A customer may count in several events: matched with many, or with events of their own.
 * Their orders are summed by a hash of their history as well, so that what is known of them
 * counts once. Customers whose histories are the same to the day and the amount are one to
 * it: intervals are somewhat wider then, never narrower.
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/int.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/tuplestore.h"

#include "events/events.h"
#include "history/history.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/bytes.h"
#include "support/result.h"

static const char *event_study_problem(const CountValue *value);

const CountValueType event_study_type = {
	.map =
		{
			.name = "event_study",
			.max_entries = 4000000,
			.counted = "days and customers",
			.hint = "Use shorter windows, or a sample of the customers.",
			.pack = count_value_pack_state,
		},
	.rows_name = "counts",
	.rows = COUNT_ROWS_BY_ENTRY,
	.max_group = STUDY_COUNTS - 1,
	.problem = event_study_problem,
};

COUNT_VALUE_FUNCTIONS(event_study, event_study_type);

typedef struct StudyWindows
{
	int32 before;
	int32 after;
	int32 gap;
} StudyWindows;

static uint64
pack_windows(StudyWindows windows)
{
	return (uint64) windows.before << 32 | (uint64) windows.after << 16 | (uint64) windows.gap;
}

static StudyWindows
unpack_windows(uint64 detail)
{
	return (StudyWindows){(int32) (detail >> 32), (int32) (detail >> 16 & 0xffff), (int32) (detail & 0xffff)};
}

static bool
windows_are_valid(uint64 detail)
{
	StudyWindows windows = unpack_windows(detail);

	return detail >> 48 == 0 && windows.before >= 1 && windows.before <= STUDY_MOST_DAYS && windows.after >= 1 &&
		windows.after <= STUDY_MOST_DAYS && windows.gap <= STUDY_MOST_DAYS;
}

static const char *
event_study_problem(const CountValue *value)
{
	int64 longest_before = 0;
	int64 longest_after = 0;

	for (uint32 i = 0; i < value->count && value->entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
	{
		const CountEntry *entry = &value->entries[i];

		if (entry->group == STUDY_WINDOWS)
		{
			StudyWindows windows = unpack_windows(entry->detail);

			if (!windows_are_valid(entry->detail))
				return "the windows are out of range";
			longest_before = Max(longest_before, windows.before + windows.gap);
			longest_after = Max(longest_after, windows.after);
		}
		else if (entry->group == STUDY_PRODUCTS)
		{
			if (entry->detail >= STUDY_PRODUCT_DETAILS ||
				(entry->detail < STUDY_KNOWN && entry->detail / STUDY_SIDES > entry->detail % STUDY_SIDES))
				return "there is no such product";
		}
		else if (entry->group >= STUDY_BEFORE)
		{
			if (entry->detail >> STUDY_HASH_BITS != 0)
				return "there is no such history";
		}
		else if (entry->group == STUDY_MATCHED ? entry->detail != 0
											   : (int64) entry->detail < STUDY_DAY_ZERO - longest_before ||
						 (int64) entry->detail >= STUDY_DAY_ZERO + longest_after)
			return "a day is outside of the windows";
	}
	return NULL;
}

/* The arguments before_days, after_days and gap_days. */
static StudyWindows
windows_argument(FunctionCallInfo fcinfo, int argno)
{
	static const char *const names[] = {"before_days", "after_days", "gap_days"};
	int32 days[3];

	for (int i = 0; i < 3; i++)
	{
		refuse_null(fcinfo, argno + i, names[i], "The windows are the same for all customers.");
		days[i] = int_argument(fcinfo, argno + i, names[i], i < 2 ? 1 : 0, STUDY_MOST_DAYS, NULL);
	}
	return (StudyWindows){days[0], days[1], days[2]};
}

/* Counts a history's orders by their day from the event; those before and after it are added to two numbers. */
static void
count_orders(CountMap *map, StudyCount group, Datum history, DateADT event_on, StudyWindows windows, int64 *both)
{
	HistoryReader reader;
	PurchaseDay day;
	int64 since = (int64) event_on - windows.gap - windows.before;
	int64 until = (int64) event_on + windows.after;

	history_open_window(&reader, history, until >= DATEVAL_NOEND ? DATEVAL_NOEND : (DateADT) until);
	while (history_next_day(&reader, &day))
		if (day.day >= since && day.orders > 0)
		{
			int64 from_event = (int64) day.day - event_on;

			count_map_add_hot(map, group, (uint64) (from_event + STUDY_DAY_ZERO), day.orders);
			if (from_event >= 0)
				both[1] += day.orders;
			else if (from_event < -windows.gap)
				both[0] += day.orders;
		}
}

static void
count_product(CountMap *map, int detail, int64 one, int64 other)
{
	int64 product;

	if (pg_mul_s64_overflow(one, other, &product))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the orders of one customer and of those matched are too many for an event_study")));
	if (product > 0)
		count_map_add_hot(map, STUDY_PRODUCTS, (uint64) detail, product);
}

/* Counts what the orders of one customer, and of those matched with them, say of how far counts vary by customer. */
static void
count_products(CountMap *map, const int64 *sides)
{
	for (int i = 0; i < STUDY_SIDES; i++)
		for (int k = i; k < STUDY_SIDES; k++)
			count_product(map, STUDY_SIDES * i + k, sides[i], sides[k]);
	count_map_add_hot(map, STUDY_PRODUCTS, STUDY_KNOWN, 1);
	count_map_add_hot(map, STUDY_PRODUCTS, STUDY_AGAIN_KNOWN, 1);
}

/* A customer around one event: a hash of their history, and their orders before and after it. */
typedef struct StudyCustomer
{
	uint64 hash;
	int64 both[2];
} StudyCustomer;

static StudyCustomer
customer_around(CountMap *map, StudyCount group, Datum history, DateADT event_on, StudyWindows windows)
{
	struct varlena *stored = PG_DETOAST_DATUM_PACKED(history);
	const uint8 *bytes = (const uint8 *) VARDATA_ANY(stored);
	/* the upper bits depend on all of the bytes */
	StudyCustomer customer = {.hash = bytes_hash(bytes, bytes + VARSIZE_ANY_EXHDR(stored)) >> (64 - STUDY_HASH_BITS)};

	count_orders(map, group, history, event_on, windows, customer.both);
	return customer;
}

/* Adds the orders of one customer around one event to all that they count for. */
static void
count_customer(CountMap *map, StudyCount before, const StudyCustomer *customer)
{
	for (int i = 0; i < 2; i++)
		if (customer->both[i] > 0)
			count_map_add_hot(map, before + i, customer->hash, customer->both[i]);
}

static int
compare_customers(const void *left, const void *right, void *unused)
{
	uint64 a = ((const StudyCustomer *) left)->hash;
	uint64 b = ((const StudyCustomer *) right)->hash;

	return a < b ? -1 : a > b ? 1 : 0;
}

/* Counts those who are matched with one event, each once: one who is there twice counts twice as much. */
static void
count_matched(CountMap *map, StudyCustomer *customers, int count, int64 *sides)
{
	if (count > 0)
		count_map_add_hot(map, STUDY_MATCHED, 0, count);
	count_product(map, STUDY_MATCHED_SQUARES, count, count);
	if (count > 1)
		qsort_interruptible(customers, count, sizeof(StudyCustomer), compare_customers, NULL);
	for (int i = 0; i < count; i++)
	{
		StudyCustomer *customer = &customers[i];

		CHECK_FOR_INTERRUPTS();
		if (i + 1 < count && customers[i + 1].hash == customer->hash)
		{
			for (int k = 0; k < 2; k++)
				customers[i + 1].both[k] += customer->both[k];
			continue;
		}
		count_customer(map, STUDY_MATCHED_BEFORE, customer);
		for (int k = 0, detail = STUDY_OF_ONE; k < 2; k++)
		{
			sides[2 + k] += customer->both[k];
			for (int other = k; other < 2; other++)
				count_product(map, detail++, customer->both[k], customer->both[other]);
		}
	}
}

/* Counts the histories in an array. */
static void
count_all_matched(CountMap *map, ArrayType *array, DateADT event_on, StudyWindows windows, int64 *sides)
{
	int places = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	StudyCustomer *customers = palloc_array(StudyCustomer, Max(1, places));
	ArrayIterator iterator = array_create_iterator(array, 0, NULL);
	Datum history;
	bool is_null;
	int count = 0;

	while (array_iterate(iterator, &history, &is_null))
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_null)
			customers[count++] = customer_around(map, STUDY_MATCHED_ORDERS, history, event_on, windows);
	}
	array_free_iterator(iterator);
	count_matched(map, customers, count, sides);
	pfree(customers);
}

/* Where the optional arguments of an aggregate stand. */
typedef struct StudyForm
{
	int matched; /* 0: there is none */
	bool array;  /* several matched histories */
} StudyForm;

/*
 * Whether an event counts as far as those matched with it go: without any in a study of matched customers it would be
 * compared with the matched of other events, who are others.
 */
static bool
has_match(FunctionCallInfo fcinfo, StudyForm form)
{
	ArrayType *array;
	int places;

	if (form.matched == 0)
		return true;
	if (PG_ARGISNULL(form.matched))
		return false;
	if (!form.array)
		return true;
	array = PG_GETARG_ARRAYTYPE_P(form.matched);
	places = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (!ARR_HASNULL(array))
		return places > 0;
	for (int i = 0; i < places; i++)
		if (ARR_NULLBITMAP(array)[i / 8] & 1 << i % 8)
			return true;
	return false;
}

static Datum
add_event(FunctionCallInfo fcinfo, StudyForm form)
{
	int windows_at = form.matched == 0 ? 3 : 4;
	StudyWindows windows = windows_argument(fcinfo, windows_at);
	bool usable = !any_null(fcinfo, 1, 2) && has_match(fcinfo, form);
	int64 sides[STUDY_SIDES] = {0};
	CountValueState *state;
	StudyCustomer own;
	DateADT event_on = 0;

	if (usable)
	{
		event_on =
			finite_day_argument(fcinfo, 2, "event_on", "Customers without the event are left out if it is NULL.");
		/* a window that is not over is not compared */
		if (PG_NARGS() > windows_at + 3 && !PG_ARGISNULL(windows_at + 3))
			usable = (int64) event_on + windows.after <=
				(int64) finite_day_argument(fcinfo, windows_at + 3, "observed_until", NULL) + 1;
	}
	state = count_value_state(fcinfo, &event_study_type, 0);
	if (!usable)
	{
		count_map_add_hot(&state->map, COUNT_VALUE_LEFT_OUT, 0, 1);
		return agg_state_result(fcinfo, &state->map.growing);
	}
	count_map_add_hot(&state->map, STUDY_WINDOWS, pack_windows(windows), 1);
	own = customer_around(&state->map, STUDY_ORDERS, PG_GETARG_DATUM(1), event_on, windows);
	count_customer(&state->map, STUDY_BEFORE, &own);
	memcpy(sides, own.both, sizeof(own.both));
	if (form.matched > 0)
	{
		if (form.array)
			count_all_matched(&state->map, PG_GETARG_ARRAYTYPE_P(form.matched), event_on, windows, sides);
		else
		{
			StudyCustomer matched =
				customer_around(&state->map, STUDY_MATCHED_ORDERS, PG_GETARG_DATUM(form.matched), event_on, windows);

			count_matched(&state->map, &matched, 1, sides);
		}
	}
	count_products(&state->map, sides);
	return agg_state_result(fcinfo, &state->map.growing);
}

/* event_study(history, event_on, before_days, after_days, gap_days [, observed_until]): transition */
AGG_FUNCTION_INFO_V1(event_study_add);
static Datum
event_study_add_in_group(PG_FUNCTION_ARGS)
{
	return add_event(fcinfo, (StudyForm){0, false});
}

/* event_study(history, event_on, matched_history, before_days, …): transition */
AGG_FUNCTION_INFO_V1(event_study_add_matched);
static Datum
event_study_add_matched_in_group(PG_FUNCTION_ARGS)
{
	return add_event(fcinfo, (StudyForm){3, false});
}

/* event_study(history, event_on, matched_histories, before_days, …): transition */
AGG_FUNCTION_INFO_V1(event_study_add_all_matched);
static Datum
event_study_add_all_matched_in_group(PG_FUNCTION_ARGS)
{
	return add_event(fcinfo, (StudyForm){3, true});
}

/* Of fewer customers it cannot be said how far they vary. */
#define STUDY_FEWEST_CUSTOMERS 10

/*
 * A variance by customers that is a tenth above that of Poisson counts, and further than in four of five cases by chance
 * (the relative error of a variance is the root of 2 / df): at a tenth, intervals of 90 % hold 88.
 */
#define STUDY_OVERDISPERSED 0.1
#define STUDY_CHANCE 0.84

#define STUDY_UNEVEN 0.25

/* A study as it is read. */
typedef struct Study
{
	CountValue value;
	StudyWindows windows;
	int64 customers;
	int64 matched;
} Study;

static Study
read_study(Datum datum)
{
	Study study = {.value = count_value_get(&event_study_type, datum)};
	int kinds = 0;

	for (uint32 i = 0; i < study.value.count && study.value.entries[i].group == STUDY_WINDOWS; i++, kinds++)
	{
		study.windows = unpack_windows(study.value.entries[i].detail);
		study.customers = study.value.entries[i].value;
	}
	if (kinds > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this event_study was merged from studies with different windows"),
				 errhint("Build one value for each.")));
	study.matched = count_value_of(&study.value, STUDY_MATCHED, 0);
	return study;
}

/* The orders of one side from one day up to another, and the days of all its customers. */
static RateData
rate_between(const Study *study, StudyCount group, int64 from, int64 until)
{
	const CountEntry *entry =
		count_map_find(study->value.entries, study->value.count, group, (uint64) (from + STUDY_DAY_ZERO));
	RateData data = {0, (double) (group == STUDY_ORDERS ? study->customers : study->matched) * (double) (until - from)};

	for (; entry < study->value.entries + study->value.count && entry->group == group &&
		 (int64) entry->detail < until + STUDY_DAY_ZERO;
		 entry++)
		data.orders += (double) entry->value;
	return data;
}

/* Before and after, of one side. */
static void
both_windows(const Study *study, StudyCount group, RateData *before, RateData *after)
{
	*before = rate_between(study, group, -(study->windows.gap + study->windows.before), -study->windows.gap);
	*after = rate_between(study, group, 0, study->windows.after);
}

static RatioEffect
study_effect(const Study *study, double level)
{
	RateData data[4] = {{0, 0}, {0, 0}, {0, 0}, {0, 0}};

	both_windows(study, STUDY_ORDERS, &data[0], &data[1]);
	if (study->matched > 0)
		both_windows(study, STUDY_MATCHED_ORDERS, &data[2], &data[3]);
	if (study->customers == 0)
		return (RatioEffect) RATIO_EFFECT_UNKNOWN;
	return ratio_effect(data[0], data[1], data[2], data[3], level);
}

/* Where a group begins, and the first entry after it. */
typedef struct StudyGroup
{
	const CountEntry *at;
	const CountEntry *end;
} StudyGroup;

static StudyGroup
study_group(const Study *study, StudyCount group)
{
	const CountEntry *entries = study->value.entries;

	return (StudyGroup){
		count_map_find(entries, study->value.count, group, 0),
		count_map_find(entries, study->value.count, group + 1, 0),
	};
}

/* The orders of the customer with the smallest hash that is left, by side; false: there is none. */
static bool
next_customer(StudyGroup *groups, uint64 *customer, double *orders)
{
	*customer = PG_UINT64_MAX;
	for (int i = 0; i < STUDY_SIDES; i++)
		if (groups[i].at < groups[i].end)
			*customer = Min(*customer, groups[i].at->detail);
	if (*customer == PG_UINT64_MAX)
		return false;
	for (int i = 0; i < STUDY_SIDES; i++)
	{
		bool is_theirs = groups[i].at < groups[i].end && groups[i].at->detail == *customer;

		orders[i] = is_theirs ? (double) groups[i].at->value : 0.0;
		groups[i].at += is_theirs ? 1 : 0;
	}
	return true;
}

/* Products of the orders of those who count in several events, less those within each: see ratio_effect_of_clusters. */
static void
products_again(const Study *study, int sides, double *again)
{
	StudyGroup groups[STUDY_SIDES];
	double orders[STUDY_SIDES];
	uint64 customer;

	memset(again, 0, sizeof(double) * sides * sides);
	for (int i = 0; i < STUDY_SIDES; i++)
		groups[i] = study_group(study, STUDY_BEFORE + i);
	while (next_customer(groups, &customer, orders))
	{
		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < sides; i++)
			for (int k = 0; k < sides; k++)
				again[i * sides + k] += orders[i] * orders[k];
	}
	for (int side = 0; side < sides; side += 2)
		for (int i = 0; i < 2; i++)
			for (int k = 0; k < 2; k++)
				again[(side + i) * sides + side + k] -=
					(double) count_value_of(&study->value, STUDY_PRODUCTS,
											(uint64) (side == 0 ? STUDY_SIDES * Min(i, k) + Max(i, k)
																: STUDY_OF_ONE + i + k));
}

/*
 * The effect with an error by customers: orders of one customer depend on each other, since customers differ in how
 * often they order and leave. NaN where that is not known, or of fewer than ten customers.
 */
static RatioEffect
effect_by_customer(const Study *study, const RatioEffect *effect, double level)
{
	RatioEffect unknown = RATIO_EFFECT_UNKNOWN;
	RateData data[STUDY_SIDES];
	double products[STUDY_SIDES * STUDY_SIDES] = {0};
	double again[STUDY_SIDES * STUDY_SIDES];
	int sides = study->matched > 0 ? STUDY_SIDES : 2;
	double customers = (double) study->customers;

	if (isnan(effect->effect) || effect->added_half || study->customers < STUDY_FEWEST_CUSTOMERS ||
		count_value_of(&study->value, STUDY_PRODUCTS, STUDY_AGAIN_KNOWN) != study->customers)
		return unknown;
	both_windows(study, STUDY_ORDERS, &data[0], &data[1]);
	if (sides > 2)
		both_windows(study, STUDY_MATCHED_ORDERS, &data[2], &data[3]);
	for (int i = 0; i < sides; i++)
		for (int k = 0; k < sides; k++)
			products[i * sides + k] =
				(double) count_value_of(&study->value, STUDY_PRODUCTS, (uint64) (STUDY_SIDES * Min(i, k) + Max(i, k)));
	products_again(study, sides, again);
	return ratio_effect_of_clusters(effect->ln_effect, data, products, again, sides, customers, level);
}

/*
 * Whether events weigh more than others by how many are matched with them: those with many decide what the matched do, and
 * are others than those with few. By the coefficient of variation, of which a quarter is what a few events with fewer make.
 */
static bool
has_uneven_matches(const Study *study)
{
	double squares = (double) count_value_of(&study->value, STUDY_PRODUCTS, STUDY_MATCHED_SQUARES);
	double mean = (double) study->matched / (double) study->customers;

	return squares / (double) study->customers - mean * mean > STUDY_UNEVEN * STUDY_UNEVEN * mean * mean;
}

static const char *
study_status(const Study *study, const RatioEffect *effect, const RatioEffect *clustered)
{
	if (study->customers == 0)
		return "no_events";
	if (isnan(effect->effect))
		return "no_orders";
	if (study->matched == 0)
		return "not_matched";
	if (effect->added_half)
		return "added_half";
	if (has_uneven_matches(study))
		return "uneven_matches";
	return clustered->variance / effect->variance - 1.0 >
			fmax(STUDY_OVERDISPERSED, STUDY_CHANCE * sqrt(2.0 / clustered->df))
		? "overdispersed"
		: "ok";
}

/* event_effect(study, level) → (customers, matched, rate_before, rate_after, rate_ratio, …) */
PG_FUNCTION_INFO_V1(event_effect);
Datum
event_effect(PG_FUNCTION_ARGS)
{
	if (lacks_value(fcinfo))
		PG_RETURN_NULL();

	double level = level_argument(fcinfo, 1);
	Study study = read_study(PG_GETARG_DATUM(0));
	RateData before;
	RateData after;
	RateRatio own = {NAN, NAN, NAN};
	RateRatio matched = {NAN, NAN, NAN};
	RatioEffect effect = study_effect(&study, level);
	RatioEffect clustered = effect_by_customer(&study, &effect, level);
	Datum values[17];
	bool nulls[17] = {false};

	if (study.matched > 0)
	{
		both_windows(&study, STUDY_MATCHED_ORDERS, &before, &after);
		matched = rate_ratio(before, after, level);
	}
	both_windows(&study, STUDY_ORDERS, &before, &after);
	if (study.customers > 0)
		own = rate_ratio(before, after, level);
	values[0] = Int64GetDatum(study.customers);
	values[1] = Int64GetDatum(study.matched);
	set_float(values, nulls, 2, before.orders / before.days);
	set_float(values, nulls, 3, after.orders / after.days);
	set_float(values, nulls, 4, own.ratio);
	set_float(values, nulls, 5, own.low);
	set_float(values, nulls, 6, own.high);
	set_float(values, nulls, 7, matched.ratio);
	set_float(values, nulls, 8, effect.effect);
	set_float(values, nulls, 9, effect.low);
	set_float(values, nulls, 10, effect.high);
	set_float(values, nulls, 11, effect.p);
	values[12] = Int64GetDatum(count_value_left_out(&study.value));
	values[13] = CStringGetTextDatum(study_status(&study, &effect, &clustered));
	set_float(values, nulls, 14, clustered.low);
	set_float(values, nulls, 15, clustered.high);
	set_float(values, nulls, 16, clustered.p);
	return row_result(fcinfo, values, nulls);
}

/* event_curve(study, step_days, level) → setof (from_day, until_day, orders, rate, matched_rate, rate_ratio, low, high) */
PG_FUNCTION_INFO_V1(event_curve);
Datum
event_curve(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	int32 step = int_argument(fcinfo, 1, "step_days", 1, STUDY_MOST_DAYS, NULL);
	double level = level_argument(fcinfo, 2);
	Study study = read_study(PG_GETARG_DATUM(0));
	int64 first = -(int64) study.windows.gap - study.windows.before;
	RateData before;
	RateData after;

	InitMaterializedSRF(fcinfo, 0);
	if (study.customers == 0)
		return (Datum) 0;
	both_windows(&study, STUDY_ORDERS, &before, &after);
	/* so that a step begins on the day of the event; the first may be shorter */
	for (int64 from = -(-first + step - 1) / step * step; from < study.windows.after; from += step)
	{
		int64 since = Max(from, first);
		int64 until = Min(from + step, study.windows.after);
		RateData own = rate_between(&study, STUDY_ORDERS, since, until);
		RateData matched = rate_between(&study, STUDY_MATCHED_ORDERS, since, until);
		RateRatio ratio = rate_ratio(before, own, level);
		Datum values[8] = {Int32GetDatum((int32) since), Int32GetDatum((int32) until),
						   Int64GetDatum((int64) own.orders)};
		bool nulls[8] = {false};

		CHECK_FOR_INTERRUPTS();
		set_float(values, nulls, 3, own.orders / own.days);
		set_float(values, nulls, 4, matched.orders / matched.days);
		set_float(values, nulls, 5, ratio.ratio);
		set_float(values, nulls, 6, ratio.low);
		set_float(values, nulls, 7, ratio.high);
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* The customers of a study one after the other, with what each adds to the logarithm of its effect. */
typedef struct StudyWalk
{
	StudyGroup groups[STUDY_SIDES];
	double by_order[STUDY_SIDES]; /* what an order adds: 1 / the orders of its side, with its sign */
	uint64 customer;
	double adds;
	bool ended;
} StudyWalk;

static void
walk_on(StudyWalk *walk)
{
	double orders[STUDY_SIDES];

	walk->ended = !next_customer(walk->groups, &walk->customer, orders);
	walk->adds = 0.0;
	for (int i = 0; i < STUDY_SIDES && !walk->ended; i++)
		walk->adds += walk->by_order[i] * orders[i];
}

static StudyWalk
walk_study(const Study *study)
{
	static const double signs[] = {-1.0, 1.0, 1.0, -1.0};
	StudyWalk walk = {0};
	RateData data[STUDY_SIDES];

	both_windows(study, STUDY_ORDERS, &data[0], &data[1]);
	both_windows(study, STUDY_MATCHED_ORDERS, &data[2], &data[3]);
	for (int i = 0; i < STUDY_SIDES; i++)
	{
		walk.groups[i] = study_group(study, STUDY_BEFORE + i);
		walk.by_order[i] = data[i].orders > 0.0 ? signs[i] / data[i].orders : 0.0;
	}
	walk_on(&walk);
	return walk;
}

/* What customers who count in both studies, as matched or with events, add to the variance of each, and of their ratio. */
typedef struct SharedVariance
{
	double of[2];
	double of_ratio;
	double fourth; /* sum of squares of the terms of of_ratio */
} SharedVariance;

static SharedVariance
shared_variance(const Study *studies)
{
	StudyWalk walks[2] = {walk_study(&studies[0]), walk_study(&studies[1])};
	SharedVariance shared = {0};

	while (!walks[0].ended && !walks[1].ended)
	{
		CHECK_FOR_INTERRUPTS();
		if (walks[0].customer == walks[1].customer)
		{
			double square = (walks[0].adds - walks[1].adds) * (walks[0].adds - walks[1].adds);

			shared.of_ratio += square;
			shared.fourth += square * square;
			for (int i = 0; i < 2; i++)
			{
				shared.of[i] += walks[i].adds * walks[i].adds;
				walk_on(&walks[i]);
			}
		}
		else
			walk_on(&walks[walks[0].customer < walks[1].customer ? 0 : 1]);
	}
	return shared;
}

/*
 * The ratio of both effects, with their errors by customers. Who is matched with events of both studies says the same of
 * both, and does not make their ratio less certain. Degrees of freedom are Satterthwaite's: those of each study for its own
 * customers, and of the shared ones how many would be as certain.
 */
static RatioEffect
recovery_by_customer(const Study *studies, const RatioEffect *effects, const RatioEffect *clustered, double level)
{
	SharedVariance shared = shared_variance(studies);
	double variance = shared.of_ratio;
	double doubt = shared.fourth;

	for (int i = 0; i < 2; i++)
	{
		/* products of a customer with themselves may be more than all products, of which some are negative */
		double own = clustered[i].variance - fmin(shared.of[i], clustered[i].variance);

		variance += own;
		doubt += own * own / clustered[i].df;
	}
	return effect_of_clusters(effects[0].ln_effect - effects[1].ln_effect, variance,
							  fmax(1.0, variance * variance / doubt), level);
}

/* recovery_effect(solved, unsolved, level) → (solved_effect, unsolved_effect, recovery, low, high, p, status) */
PG_FUNCTION_INFO_V1(recovery_effect);
Datum
recovery_effect(PG_FUNCTION_ARGS)
{
	if (lacks_value(fcinfo))
		PG_RETURN_NULL();

	double level = level_argument(fcinfo, 2);
	Study studies[2] = {read_study(PG_GETARG_DATUM(0)), read_study(PG_GETARG_DATUM(1))};
	RatioEffect effects[2];
	RatioEffect clustered[2];
	RatioEffect recovery;
	const char *status = "ok";
	Datum values[10];
	bool nulls[10] = {false};

	for (int i = 1; i >= 0; i--)
	{
		const char *own;

		effects[i] = study_effect(&studies[i], level);
		clustered[i] = effect_by_customer(&studies[i], &effects[i], level);
		own = study_status(&studies[i], &effects[i], &clustered[i]);
		status = strcmp(own, "ok") == 0 ? status : own;
	}
	recovery = effect_of(effects[0].ln_effect - effects[1].ln_effect, effects[0].variance + effects[1].variance, level);
	set_float(values, nulls, 0, effects[0].effect);
	set_float(values, nulls, 1, effects[1].effect);
	set_float(values, nulls, 2, recovery.effect);
	set_float(values, nulls, 3, recovery.low);
	set_float(values, nulls, 4, recovery.high);
	set_float(values, nulls, 5, recovery.p);
	values[6] = CStringGetTextDatum(status);
	recovery = recovery_by_customer(studies, effects, clustered, level);
	set_float(values, nulls, 7, recovery.low);
	set_float(values, nulls, 8, recovery.high);
	set_float(values, nulls, 9, recovery.p);
	return row_result(fcinfo, values, nulls);
}
