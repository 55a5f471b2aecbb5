/*
 * holdout_read.c
 *	  What a holdout tells: the tables behind the two plots of the literature,
 *	  and how far the model was off.
 *
 * Fader & Hardie plot the mean number of orders in the holdout against the
 * number of calibration transactions, and the cumulative number of repeat
 * transactions week by week, each with what the model expects.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/tuplestore.h"

#include "clv/clv_memo.h"
#include "holdout/holdout.h"
#include "numerics/sum.h"

/* Nobody plots more points. */
#define MOST_CLASSES 10000

/* The models are made for customers of at most a century. */
#define MOST_DAYS 36525

#define WEEK 7

/* A finite number, or NULL. */
static inline void
put_float(Datum *values, bool *nulls, int place, double number)
{
	values[place] = Float8GetDatum(number);
	nulls[place] = !isfinite(number);
}

/* Merging may have gone beyond what input allows. */
static void
count_more(int64 *count, int64 times, int64 number)
{
	if (pg_mul_s64_overflow(times, number, &number) || pg_add_s64_overflow(*count, number, count))
		tally_out_of_range(&holdout_tally);
}

/* Begins to read the argument, which must have its model. */
static void
open_fitted(HoldoutReader *reader, FunctionCallInfo fcinfo)
{
	holdout_open(reader, PG_GETARG_DATUM(0));
	if (reader->fit == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this clv_holdout has no fitted model: it is a part of a whole"),
				 errhint("rollup(holdout) merges parts and fits the model.")));
}

/* Customers with equal numbers, their days in the unit of the model. */
typedef struct HoldoutCell
{
	double		x;
	double		t_x;
	double		T;
	double		horizon;
	int64		orders;			/* each, in the holdout */
	int64		customers;
} HoldoutCell;

/* The next customers, as they stood at the end of the calibration; they come first in a holdout. */
static bool
next_cell(HoldoutReader *reader, HoldoutCell *cell)
{
	const HoldoutHead *head = &reader->head;
	const TallyEntry *entry = &reader->entry;
	double		unit_days = reader->fit->unit_days;

	CHECK_FOR_INTERRUPTS();
	if (!holdout_next(reader) || holdout_kind(entry) != HOLDOUT_CUSTOMERS)
		return false;
	*cell = (HoldoutCell) {
		.x = holdout_x(entry),
		.t_x = holdout_t_x(entry) / unit_days,
		.T = ((double) head->calibration_until - holdout_day(entry)) / unit_days,
		.horizon = ((double) head->holdout_until - head->calibration_until) / unit_days,
		.orders = holdout_orders(entry),
		.customers = entry->value
	};
	return true;
}

/* What the model expects of one of these customers. */
static double
expected_orders_each(const ClvModel *model, const HoldoutCell *cell, OrdersMemo *memo)
{
	const Model *timing = clv_model_timing(model);
	const double *params = model->timing.params;

	return timing->alive_prob(params, cell->x, cell->t_x, cell->T) *
		orders_remembered(memo, model, timing, params, cell->x, cell->t_x, cell->T, cell->horizon, 0);
}

/* All customers with so many repeat transactions in the calibration. */
typedef struct HoldoutClass
{
	int64		customers;
	int64		orders;
	Sum			expected;
} HoldoutClass;

/* holdout_by_frequency(clv_holdout [, max_count]) → setof (repeat_count, customer_count, actual_orders, expected_orders, …) */
PG_FUNCTION_INFO_V1(holdout_by_frequency);
Datum
holdout_by_frequency(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	int32		max_count = PG_GETARG_INT32(1);
	OrdersMemo *memo = orders_memo(fcinfo);
	HoldoutReader reader;
	HoldoutCell cell;

	if (max_count < 0 || max_count > MOST_CLASSES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_count must be from 0 to %d, but is %d", MOST_CLASSES, max_count),
				 errhint("The last row is of customers with max_count repeat transactions or more.")));
	open_fitted(&reader, fcinfo);

	HoldoutClass *classes = palloc0_array(HoldoutClass, max_count + 1);

	while (next_cell(&reader, &cell))
	{
		HoldoutClass *class = &classes[(int) Min(cell.x, max_count)];

		count_more(&class->customers, cell.customers, 1);
		count_more(&class->orders, cell.customers, cell.orders);
		sum_add(&class->expected, (double) cell.customers * expected_orders_each(reader.fit, &cell, memo));
	}

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i <= max_count; i++)
	{
		const HoldoutClass *class = &classes[i];
		double		expected = sum_value(&class->expected);
		Datum		values[6] = {
			Int32GetDatum(i),
			Int64GetDatum(class->customers),
			Int64GetDatum(class->orders)
		};
		bool		nulls[6] = {false};

		CHECK_FOR_INTERRUPTS();
		put_float(values, nulls, 3, expected);
		put_float(values, nulls, 4, (double) class->orders / (double) class->customers);
		put_float(values, nulls, 5, expected / (double) class->customers);
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* holdout_summary(clv_holdout) → (customer_count, actual_orders, expected_orders, total_error, mae, rmse, log_score) */
PG_FUNCTION_INFO_V1(holdout_summary);
Datum
holdout_summary(PG_FUNCTION_ARGS)
{
	OrdersMemo *memo = orders_memo(fcinfo);
	HoldoutReader reader;
	HoldoutCell cell;
	int64		customers = 0,
				orders = 0;
	Sum			expected = {0},
				absolute = {0},
				squared = {0},
				log_prob = {0};
	TupleDesc	row;

	open_fitted(&reader, fcinfo);

	const Model *timing = clv_model_timing(reader.fit);

	while (next_cell(&reader, &cell))
	{
		double		number = (double) cell.customers;
		double		each = expected_orders_each(reader.fit, &cell, memo);
		double		error = each - (double) cell.orders;

		count_more(&customers, cell.customers, 1);
		count_more(&orders, cell.customers, cell.orders);
		sum_add(&expected, number * each);
		sum_add(&absolute, number * fabs(error));
		sum_add(&squared, number * error * error);
		sum_add(&log_prob, number * log(timing->future_orders_pmf(reader.fit->timing.params, cell.x, cell.t_x, cell.T,
																  cell.horizon, (double) cell.orders)));
	}
	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	double		total = sum_value(&expected);
	double		number = (double) customers;
	Datum		values[7] = {Int64GetDatum(customers), Int64GetDatum(orders)};
	bool		nulls[7] = {false};

	put_float(values, nulls, 2, total);
	put_float(values, nulls, 3, total / (double) orders - 1);
	put_float(values, nulls, 4, sum_value(&absolute) / number);
	put_float(values, nulls, 5, sqrt(sum_value(&squared) / number));
	put_float(values, nulls, 6, sum_value(&log_prob) / number);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls)));
}

/* Day by day, from the first acquisition to the end of the holdout. */
typedef struct Diary
{
	DateADT		first;
	int32		days;			/* 0: nobody was acquired */
	int64	   *acquired;		/* customers, on each day */
	int64	   *repeats;		/* transactions, on each day */
	double	   *expected_new;	/* repeat transactions of a customer of so many days; NaN: not asked yet */
} Diary;

/* The day of the first acquisition, or DATEVAL_NOEND. */
static DateADT
first_acquisition(HoldoutReader reader)
{
	DateADT		first = DATEVAL_NOEND;

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
	Diary		diary = {.first = first_acquisition(*reader)};
	int64		days = (int64) reader->head.holdout_until - diary.first + 1;

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
		const TallyEntry *entry = &reader->entry;
		HoldoutKind kind = holdout_kind(entry);
		int64	   *counts = kind == HOLDOUT_REPEATS ? diary.repeats : diary.acquired;

		CHECK_FOR_INTERRUPTS();
		if (kind != HOLDOUT_GAP)
			count_more(&counts[holdout_day(entry) - diary.first], entry->value, 1);
	}
	return diary;
}

/* Repeat transactions, until the end of a day, of all customers acquired by then. */
static double
expected_until(const Diary *diary, int day, const ClvModel *model)
{
	const Model *timing = clv_model_timing(model);
	Sum			expected = {0};

	for (int acquired = 0; acquired <= day; acquired++)
	{
		double	   *each = &diary->expected_new[day - acquired];

		if (diary->acquired[acquired] == 0)
			continue;
		CHECK_FOR_INTERRUPTS();
		if (isnan(*each))
			*each = timing->expected_orders_new(model->timing.params, (day - acquired) / model->unit_days);
		sum_add(&expected, (double) diary->acquired[acquired] * *each);
	}
	return sum_value(&expected);
}

/* holdout_tracking(clv_holdout) → setof (period_end, week, actual_orders, expected_orders, actual_cumulative, expected_cumulative) */
PG_FUNCTION_INFO_V1(holdout_tracking);
Datum
holdout_tracking(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	HoldoutReader reader;
	int64		actual = 0;
	double		expected = 0;

	open_fitted(&reader, fcinfo);

	Diary		diary = read_diary(&reader);

	InitMaterializedSRF(fcinfo, 0);
	for (int start = 0; start < diary.days; start += WEEK)
	{
		int			last = Min(start + WEEK, diary.days) - 1;
		int64		actual_before = actual;
		double		expected_before = expected;

		CHECK_FOR_INTERRUPTS();
		for (int day = start; day <= last; day++)
			count_more(&actual, diary.repeats[day], 1);
		expected = expected_until(&diary, last, reader.fit);

		Datum		values[6] = {
			DateADTGetDatum(diary.first + last),
			Int32GetDatum(start / WEEK + 1),
			Int64GetDatum(actual - actual_before),
			(Datum) 0,
			Int64GetDatum(actual)
		};
		bool		nulls[6] = {false};

		put_float(values, nulls, 3, expected - expected_before);
		put_float(values, nulls, 5, expected);
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* holdout_model(clv_holdout) → clv_model: the one that is compared */
PG_FUNCTION_INFO_V1(holdout_model);
Datum
holdout_model(PG_FUNCTION_ARGS)
{
	HoldoutReader reader;

	open_fitted(&reader, fcinfo);
	PG_RETURN_POINTER(reader.fit);
}
