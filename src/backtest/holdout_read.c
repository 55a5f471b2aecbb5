/*
 * holdout_read.c
 *	  The accessors of a holdout: the data of the two plots of the literature,
 *	  and the forecast errors.
 *
 * Fader & Hardie plot the mean number of orders in the holdout against the
 * number of calibration transactions, and the cumulative number of repeat
 * transactions by week, each with the model's expectation.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/tuplestore.h"

#include "scores/score.h"
#include "support/args.h"
#include "backtest/holdout.h"
#include "backtest/holdout_money.h"
#include "numerics/sum.h"
#include "support/call_memo.h"

/* The maximum number of points of a plot. */
#define MOST_CLASSES 10000

/* The models support customers of at most a century. */
#define MOST_DAYS 36525

#define WEEK 7

/* A finite number, or NULL. */
static inline void
put_float(Datum *values, bool *nulls, int place, double number)
{
	values[place] = Float8GetDatum(number);
	nulls[place] = !isfinite(number);
}

/* Merging may exceed the limits of input. */
static void
count_more(int64 *count, int64 times, int64 number)
{
	if (pg_mul_s64_overflow(times, number, &number) || pg_add_s64_overflow(*count, number, count))
		count_map_out_of_range(&holdout_map_type);
}

/* Begins to read a holdout, which must have a fitted model. */
static void
open_fitted(HoldoutReader *reader, Datum holdout)
{
	holdout_open(reader, holdout);
	if (reader->fit == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this clv_holdout is a partial result without a fitted model"),
				 errhint("rollup(holdout) merges partial results and fits the model.")));
}

/* Customers with equal numbers, as one of them. */
typedef struct HoldoutCell
{
	Customer customer;
	double horizon_days;
	int64 orders; /* each, in the holdout */
	int64 customers;
} HoldoutCell;

/* The next customers, as of the end of the calibration; they come first in a holdout. */
static bool
next_cell(HoldoutReader *reader, TransactionCache *cache, HoldoutCell *cell)
{
	const HoldoutHead *head = &reader->head;
	const CountEntry *entry = &reader->entry;
	double first;

	CHECK_FOR_INTERRUPTS();
	if (!holdout_next(reader) || holdout_kind(entry) != HOLDOUT_CUSTOMERS)
		return false;
	first = holdout_day(entry);
	customer_of_days(reader->fit, holdout_x(entry), first, first + holdout_t_x(entry), head->calibration_until,
					 &cell->customer);
	customer_use_cache(&cell->customer, cache);
	cell->horizon_days = (double) head->holdout_until - head->calibration_until;
	cell->orders = holdout_orders(entry);
	cell->customers = entry->value;
	return true;
}

/* All customers with the same number of repeat transactions in the calibration. */
typedef struct HoldoutClass
{
	int64 customers;
	int64 orders;
	Sum expected;
} HoldoutClass;

/*
 * The classes from 0 to max_count transactions, the last with all who have
 * more; in a form that can be cached.
 */
typedef struct HoldoutClasses
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	int32 unused;
	HoldoutClass classes[FLEXIBLE_ARRAY_MEMBER];
} HoldoutClasses;

static HoldoutClasses *
count_classes(Datum holdout, int32 max_count)
{
	Size size = offsetof(HoldoutClasses, classes) + (max_count + 1) * sizeof(HoldoutClass);
	HoldoutClasses *result = palloc0(size);
	TransactionCache *cache = transaction_cache_make(CurrentMemoryContext);
	HoldoutReader reader;
	HoldoutCell cell;

	SET_VARSIZE(result, size);
	open_fitted(&reader, holdout);
	while (next_cell(&reader, cache, &cell))
	{
		HoldoutClass *class = &result->classes[(int) Min(cell.customer.x, max_count)];

		count_more(&class->customers, cell.customers, 1);
		count_more(&class->orders, cell.customers, cell.orders);
		sum_add(&class->expected,
				(double) cell.customers * expected_transactions_in(&cell.customer, cell.horizon_days));
	}
	return result;
}

/* holdout_by_repeat_count(clv_holdout [, max_count]) → setof (repeat_count, customer_count, actual_transactions, expected_transactions, …) */
PG_FUNCTION_INFO_V1(holdout_by_repeat_count);
Datum
holdout_by_repeat_count(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	int32 max_count = int_argument(fcinfo, 1, "max_count", 0, MOST_CLASSES,
								   "The last row is of customers with max_count repeat transactions or more.");
	CallMemo *cache = call_memo(fcinfo);
	Datum holdout = PG_GETARG_DATUM(0);
	HoldoutClasses *classes;

	classes = (HoldoutClasses *) call_memo_find(cache, &holdout, &max_count, sizeof(max_count));
	if (classes == NULL)
	{
		classes = count_classes(holdout, max_count);
		call_memo_keep(cache, (struct varlena *) classes);
	}

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i <= max_count; i++)
	{
		const HoldoutClass *class = &classes->classes[i];
		double expected = sum_value(&class->expected);
		Datum values[6] = {
			Int32GetDatum(i),
			Int64GetDatum(class->customers),
			Int64GetDatum(class->orders),
		};
		bool nulls[6] = {false};

		CHECK_FOR_INTERRUPTS();
		put_float(values, nulls, 3, expected);
		put_float(values, nulls, 4, (double) class->orders / (double) class->customers);
		put_float(values, nulls, 5, expected / (double) class->customers);
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* The row of holdout_summary(). */
static HeapTupleHeader
summarise_holdout(FunctionCallInfo fcinfo, Datum holdout)
{
	TransactionCache *cache = transaction_cache_make(CurrentMemoryContext);
	HoldoutReader reader;
	HoldoutCell cell;
	int64 customers = 0, orders = 0;
	Sum expected = {0}, absolute = {0}, squared = {0}, log_prob = {0};
	TupleDesc row;

	open_fitted(&reader, holdout);

	HoldoutMoney money = holdout_money(reader, cache);

	while (next_cell(&reader, cache, &cell))
	{
		double number = (double) cell.customers;
		double each = expected_transactions_in(&cell.customer, cell.horizon_days);
		double error = each - (double) cell.orders;

		count_more(&customers, cell.customers, 1);
		count_more(&orders, cell.customers, cell.orders);
		sum_add(&expected, number * each);
		sum_add(&absolute, number * fabs(error));
		sum_add(&squared, number * error * error);
		sum_add(&log_prob,
				number *
					log(customer_transactions_pmf(&cell.customer, customer_horizon(&cell.customer, cell.horizon_days),
												  (double) cell.orders)));
	}
	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	double total = sum_value(&expected);
	double number = (double) customers;
	Datum values[15] = {Int64GetDatum(customers), Int64GetDatum(orders)};
	bool nulls[15] = {false};

	put_float(values, nulls, 2, total);
	put_float(values, nulls, 3, total / (double) orders - 1);
	put_float(values, nulls, 4, sum_value(&absolute) / number);
	put_float(values, nulls, 5, sqrt(sum_value(&squared) / number));
	put_float(values, nulls, 6, sum_value(&log_prob) / number);
	values[7] = Int64GetDatum(money.customers);
	put_float(values, nulls, 8, money.actual);
	put_float(values, nulls, 9, money.predicted);
	put_float(values, nulls, 10, money.predicted / money.actual - 1);
	put_float(values, nulls, 11, money.mae);
	put_float(values, nulls, 12, money.normalized_gini);
	put_float(values, nulls, 13, money.decile_mape);
	put_float(values, nulls, 14, money.correlation);
	return DatumGetHeapTupleHeader(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls)));
}

/* holdout_summary(clv_holdout) → (customer_count, actual_transactions, expected_transactions, total_error, mae, rmse, log_score, spend_customer_count, …, count_value_correlation) */
PG_FUNCTION_INFO_V1(holdout_summary);
Datum
holdout_summary(PG_FUNCTION_ARGS)
{
	CallMemo *cache = call_memo(fcinfo);
	Datum holdout = PG_GETARG_DATUM(0);
	struct varlena *row = call_memo_find(cache, &holdout, NULL, 0);

	if (row == NULL)
	{
		row = (struct varlena *) summarise_holdout(fcinfo, holdout);
		call_memo_keep(cache, row);
	}
	PG_RETURN_POINTER(row);
}

/* Day by day, from the first acquisition to the end of the holdout. */
typedef struct Diary
{
	DateADT first;
	int32 days;           /* 0: no customers were acquired */
	int64 *acquired;      /* customers, on each day */
	int64 *repeats;       /* transactions, on each day */
	double *expected_new; /* expected repeat transactions by age in days; NaN: not computed yet */
} Diary;

/* The day of the first acquisition, or DATEVAL_NOEND. */
static DateADT
first_acquisition(HoldoutReader reader)
{
	DateADT first = DATEVAL_NOEND;

	while (holdout_next(&reader))
	{
		CHECK_FOR_INTERRUPTS();
		if (holdout_kind(&reader.entry) == HOLDOUT_CUSTOMERS || holdout_kind(&reader.entry) == HOLDOUT_ACQUIRED_LATER)
			first = Min(first, holdout_day(&reader.entry));
	}
	return first;
}

static Diary
read_diary(HoldoutReader *reader)
{
	Diary diary = {.first = first_acquisition(*reader)};
	int64 days = (int64) reader->head.holdout_until - diary.first + 1;

	if (days <= 0)
		return diary;
	if (days > MOST_DAYS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("holdout_tracking goes over at most %d days, not " INT64_FORMAT, MOST_DAYS, days),
				 errhint("Is there a history with a wrong day? See min(first_order_on(history)).")));
	diary.days = (int32) days;
	diary.acquired = palloc0_array(int64, days);
	diary.repeats = palloc0_array(int64, days);
	diary.expected_new = palloc_array(double, days);
	for (int i = 0; i < days; i++)
		diary.expected_new[i] = NAN;

	while (holdout_next(reader))
	{
		const CountEntry *entry = &reader->entry;
		HoldoutKind kind = holdout_kind(entry);
		int64 *counts = kind == HOLDOUT_REPEATS ? diary.repeats : diary.acquired;

		CHECK_FOR_INTERRUPTS();
		if (kind < HOLDOUT_GAP)
			count_more(&counts[holdout_day(entry) - diary.first], entry->value, 1);
	}
	return diary;
}

/* Expected repeat transactions of a new customer from one day to another. With a season they depend on both. */
static double
expected_of_newcomer(const ClvModel *model, double from, double until)
{
	return newcomer_transactions(model, model->timing.params, from, until);
}

/* Repeat transactions, until the end of a day, of all customers acquired by then. */
static double
expected_until(const Diary *diary, int day, const ClvModel *model)
{
	bool by_age = clv_model_season(model) == NULL;
	Sum expected = {0};

	for (int acquired = 0; acquired <= day; acquired++)
	{
		double *each = &diary->expected_new[day - acquired];

		if (diary->acquired[acquired] == 0)
			continue;
		CHECK_FOR_INTERRUPTS();
		if (isnan(*each) || !by_age)
			*each = expected_of_newcomer(model, (double) diary->first + acquired, (double) diary->first + day);
		sum_add(&expected, (double) diary->acquired[acquired] * *each);
	}
	return sum_value(&expected);
}

/* Repeat transactions until the end of each week; in a form that can be cached. */
typedef struct HoldoutWeek
{
	DateADT end;
	int32 days;
	int64 actual;
	double expected;
} HoldoutWeek;

typedef struct HoldoutWeeks
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	int32 count;
	HoldoutWeek weeks[FLEXIBLE_ARRAY_MEMBER];
} HoldoutWeeks;

static HoldoutWeeks *
follow_weeks(Datum holdout)
{
	HoldoutReader reader;
	HoldoutWeeks *result;
	int64 actual = 0;

	open_fitted(&reader, holdout);

	Diary diary = read_diary(&reader);
	int count = (diary.days + WEEK - 1) / WEEK;
	Size size = offsetof(HoldoutWeeks, weeks) + count * sizeof(HoldoutWeek);

	result = palloc0(size);
	SET_VARSIZE(result, size);
	result->count = count;
	for (int week = 0; week < count; week++)
	{
		int start = week * WEEK;
		int last = Min(start + WEEK, diary.days) - 1;

		CHECK_FOR_INTERRUPTS();
		for (int day = start; day <= last; day++)
			count_more(&actual, diary.repeats[day], 1);
		result->weeks[week] = (HoldoutWeek){
			.end = diary.first + last,
			.days = last - start + 1,
			.actual = actual,
			.expected = expected_until(&diary, last, reader.fit),
		};
	}
	return result;
}

/* holdout_tracking(clv_holdout) → setof (period_end, week, actual_transactions, expected_transactions, actual_cumulative, expected_cumulative, days) */
PG_FUNCTION_INFO_V1(holdout_tracking);
Datum
holdout_tracking(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	CallMemo *cache = call_memo(fcinfo);
	Datum holdout = PG_GETARG_DATUM(0);
	HoldoutWeeks *weeks = (HoldoutWeeks *) call_memo_find(cache, &holdout, NULL, 0);
	HoldoutWeek before = {0};

	if (weeks == NULL)
	{
		weeks = follow_weeks(holdout);
		call_memo_keep(cache, (struct varlena *) weeks);
	}

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < weeks->count; i++)
	{
		HoldoutWeek week = weeks->weeks[i];
		Datum values[7] = {
			DateADTGetDatum(week.end),
			Int32GetDatum(i + 1),
			Int64GetDatum(week.actual - before.actual),
			(Datum) 0,
			Int64GetDatum(week.actual),
			(Datum) 0,
			Int32GetDatum(week.days),
		};
		bool nulls[7] = {false};

		CHECK_FOR_INTERRUPTS();
		put_float(values, nulls, 3, week.expected - before.expected);
		put_float(values, nulls, 5, week.expected);
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
		before = week;
	}
	return (Datum) 0;
}

/* holdout_model(clv_holdout) → clv_model: the one that is tested */
PG_FUNCTION_INFO_V1(holdout_model);
Datum
holdout_model(PG_FUNCTION_ARGS)
{
	HoldoutReader reader;

	open_fitted(&reader, PG_GETARG_DATUM(0));
	PG_RETURN_POINTER(reader.fit);
}
