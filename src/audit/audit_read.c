/*
 * audit_read.c
 *	  The accessors of period_audit: lens 1 of The Customer-Base Audit.
 *
 * AOF = orders / customers, AOV = spend / orders and margin = profit / spend are
 * ratios of totals, never means of ratios.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "audit/audit_list.h"
#include "support/args.h"
#include "support/result.h"

#define MOST_TILES 1000
#define MOST_POINTS 10000

static const char *const measure_names[AUDIT_MEASURES] = {
	[AUDIT_SPEND] = "spend",
	[AUDIT_PROFIT] = "profit",
	[AUDIT_ORDERS] = "orders",
};

AuditMeasure
audit_measure_argument(FunctionCallInfo fcinfo, int argno, const char *name, bool has_profit)
{
	char *given = text_to_cstring(PG_GETARG_TEXT_PP(argno));
	int measure = 0;

	while (measure < AUDIT_MEASURES && strcmp(measure_names[measure], given) != 0)
		measure++;
	if (measure == AUDIT_MEASURES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be orders, spend or profit, not \"%s\"", name, given)));
	if (measure == AUDIT_PROFIT && !has_profit)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no profit in this value"),
				 errhint("Pass a history of profit to the aggregate as its last argument.")));
	pfree(given);
	return (AuditMeasure) measure;
}

int
audit_tiles_argument(FunctionCallInfo fcinfo, int argno, int most)
{
	return int_argument(fcinfo, argno, "tiles", 2, most, NULL);
}

/* Keeps the customers with an order in one of the periods: their measures in sort order, and their number. */
static void
keep_period(AuditList *list, AuditView *view, int period, const AuditMeasure *order)
{
	int64 *to = view->rows;

	for (Size i = 0; i < view->count; i++)
	{
		const int64 *row = audit_row(view, i);
		const int64 *words = row + period * AUDIT_MEASURES;
		int64 customers = audit_customers(view, row);
		int64 kept[AUDIT_MEASURES];

		if ((i & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		if (words[AUDIT_ORDERS] == 0)
		{
			double spend = audit_units(view, row, period * AUDIT_MEASURES + AUDIT_SPEND);

			if (spend != 0)
			{
				list->refund_only += customers;
				audit_sum(&list->refund_only_spend, spend, customers);
				audit_sum(&list->refund_only_profit, audit_units(view, row, period * AUDIT_MEASURES + AUDIT_PROFIT),
						  customers);
			}
			continue;
		}
		for (int m = 0; m < AUDIT_MEASURES; m++)
			audit_sum(&list->totals[m], audit_units(view, row, period * AUDIT_MEASURES + m), customers);
		for (int m = 0; m < AUDIT_MEASURES; m++)
			kept[m] = words[order[m]];
		list->customers += customers;
		memcpy(to, kept, sizeof(kept));
		to[AUDIT_MEASURES] = customers;
		to += AUDIT_MEASURES + 1;
	}
	view->count = (to - view->rows) / (AUDIT_MEASURES + 1);
}

AuditList
audit_list(AuditView *view, int period, AuditMeasure by)
{
	static const AuditMeasure orders[AUDIT_MEASURES][AUDIT_MEASURES] =
		{[AUDIT_SPEND] = {AUDIT_SPEND, AUDIT_PROFIT, AUDIT_ORDERS},
		 [AUDIT_PROFIT] = {AUDIT_PROFIT, AUDIT_SPEND, AUDIT_ORDERS},
		 [AUDIT_ORDERS] = {AUDIT_ORDERS, AUDIT_PROFIT, AUDIT_SPEND}};
	AuditList list = {0};

	keep_period(&list, view, period, orders[by]);
	for (int m = 0; m < AUDIT_MEASURES; m++)
		list.argno[orders[by][m]] = m;
	view->words = AUDIT_MEASURES;
	list.view = *view;
	audit_sort(list.view.rows, list.view.count, list.view.words);
	return list;
}

/* The list of the first argument. */
static AuditList
list_argument(FunctionCallInfo fcinfo, AuditMeasure by)
{
	AuditView view = audit_view(PG_GETARG_DATUM(0), &audit_type);

	return audit_list(&view, 0, by);
}

/* The same, sorted by the measure named in another argument. */
static AuditList
list_by_argument(FunctionCallInfo fcinfo, int argno, const char *name, AuditMeasure *by)
{
	AuditView view = audit_view(PG_GETARG_DATUM(0), &audit_type);

	*by = audit_measure_argument(fcinfo, argno, name, view.head.has_profit);
	return audit_list(&view, 0, *by);
}

/* Gini = Σ (2i − n − 1) v₍ᵢ₎ / (n Σ v), i ascending from 1; NaN if Σ v ≤ 0. */
static double
gini(const AuditList *list, AuditMeasure measure)
{
	double total = sum_value(&list->totals[measure]);
	double n = (double) list->customers;
	double before = 0;
	Sum sum = {0};

	if (!(total > 0))
		return NAN;
	for (Size i = 0; i < list->view.count; i++)
	{
		double customers = (double) list_customers(list, i);

		sum_add(&sum, customers * (2 * before + customers - n) * list_units(list, i, measure));
		before += customers;
	}
	return sum_value(&sum) / (n * total);
}

/* The measure of the customer at this index (from 0, ascending). */
static double
value_at(const AuditList *list, AuditMeasure measure, int64 argno)
{
	for (Size i = 0; i < list->view.count; i++)
	{
		int64 customers = list_customers(list, i);

		if (argno < customers)
			return list_value(list, i, measure);
		argno -= customers;
	}
	return NAN;
}

static double
median(const AuditList *list, AuditMeasure measure)
{
	if (list->customers == 0)
		return NAN;
	return (value_at(list, measure, (list->customers - 1) / 2) + value_at(list, measure, list->customers / 2)) / 2;
}

/* The results of one pass over a list sorted by spend. */
typedef struct AuditCounts
{
	int64 below_mean; /* spend */
	int64 one_order;
	int64 unprofitable;
	Sum aov; /* of each customer, in units */
} AuditCounts;

static AuditCounts
count_list(const AuditList *list)
{
	AuditCounts counts = {0};
	double mean = sum_value(&list->totals[AUDIT_SPEND]) / (double) list->customers;

	for (Size i = 0; i < list->view.count; i++)
	{
		int64 customers = list_customers(list, i);
		double spend = list_units(list, i, AUDIT_SPEND);
		double orders = list_units(list, i, AUDIT_ORDERS);

		counts.below_mean += spend < mean ? customers : 0;
		counts.one_order += orders == 1 ? customers : 0;
		counts.unprofitable += list_units(list, i, AUDIT_PROFIT) < 0 ? customers : 0;
		sum_add(&counts.aov, spend / orders * (double) customers);
	}
	return counts;
}

/* The columns of audit_summary. */
enum
{
	SUMMARY_CUSTOMERS,
	SUMMARY_ORDERS,
	SUMMARY_SPEND,
	SUMMARY_PROFIT,
	SUMMARY_AOF,
	SUMMARY_AOV,
	SUMMARY_MARGIN,
	SUMMARY_MEAN_CUSTOMER_AOV,
	SUMMARY_MEAN_SPEND,
	SUMMARY_MEDIAN_SPEND,
	SUMMARY_MEAN_PROFIT,
	SUMMARY_MEDIAN_PROFIT,
	SUMMARY_BELOW_MEAN_SHARE,
	SUMMARY_ONE_ORDER_SHARE,
	SUMMARY_UNPROFITABLE_SHARE,
	SUMMARY_GINI_ORDERS,
	SUMMARY_GINI_SPEND,
	SUMMARY_GINI_PROFIT,
	SUMMARY_REFUND_ONLY_CUSTOMERS,
	SUMMARY_REFUND_ONLY_SPEND,
	SUMMARY_REFUND_ONLY_PROFIT,
	SUMMARY_LEFT_OUT,
	SUMMARY_COLUMNS,
};

/* The margin is a ratio of totals, too; it is NULL where there is no profit. */
static void
summarise_profit(FunctionCallInfo fcinfo, Datum *values, bool *nulls, double spend, int64 customers, int64 unprofitable)
{
	AuditList list = list_argument(fcinfo, AUDIT_PROFIT);
	double profit = list.view.head.has_profit ? list_sum_value(&list, &list.totals[AUDIT_PROFIT], AUDIT_PROFIT) : NAN;

	set_float(values, nulls, SUMMARY_PROFIT, profit);
	set_float(values, nulls, SUMMARY_MARGIN, spend > 0 ? profit / spend : NAN);
	set_float(values, nulls, SUMMARY_MEAN_PROFIT, profit / (double) customers);
	set_float(values, nulls, SUMMARY_MEDIAN_PROFIT, isnan(profit) ? NAN : median(&list, AUDIT_PROFIT));
	set_float(values, nulls, SUMMARY_UNPROFITABLE_SHARE,
			  isnan(profit) ? NAN : (double) unprofitable / (double) customers);
	set_float(values, nulls, SUMMARY_GINI_PROFIT, gini(&list, AUDIT_PROFIT));
}

/* audit_summary(period_audit) → record: one row */
PG_FUNCTION_INFO_V1(audit_summary);
Datum
audit_summary(PG_FUNCTION_ARGS)
{
	AuditList by_orders = list_argument(fcinfo, AUDIT_ORDERS);
	AuditList list = list_argument(fcinfo, AUDIT_SPEND);
	AuditCounts counts = count_list(&list);
	double n = (double) list.customers;
	double orders = sum_value(&list.totals[AUDIT_ORDERS]);
	double spend = list_sum_value(&list, &list.totals[AUDIT_SPEND], AUDIT_SPEND);
	Datum values[SUMMARY_COLUMNS] = {0};
	bool nulls[SUMMARY_COLUMNS] = {false};
	TupleDesc row;

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[SUMMARY_CUSTOMERS] = Int64GetDatum(list.customers);
	values[SUMMARY_ORDERS] = Int64GetDatum((int64) orders);
	set_float(values, nulls, SUMMARY_SPEND, spend);
	set_float(values, nulls, SUMMARY_AOF, orders / n);
	set_float(values, nulls, SUMMARY_AOV, spend / orders);
	set_float(values, nulls, SUMMARY_MEAN_CUSTOMER_AOV, list_sum_value(&list, &counts.aov, AUDIT_SPEND) / n);
	set_float(values, nulls, SUMMARY_MEAN_SPEND, spend / n);
	set_float(values, nulls, SUMMARY_MEDIAN_SPEND, median(&list, AUDIT_SPEND));
	set_float(values, nulls, SUMMARY_BELOW_MEAN_SHARE, (double) counts.below_mean / n);
	set_float(values, nulls, SUMMARY_ONE_ORDER_SHARE, (double) counts.one_order / n);
	set_float(values, nulls, SUMMARY_GINI_ORDERS, gini(&by_orders, AUDIT_ORDERS));
	set_float(values, nulls, SUMMARY_GINI_SPEND, gini(&list, AUDIT_SPEND));
	summarise_profit(fcinfo, values, nulls, spend, list.customers, counts.unprofitable);
	values[SUMMARY_REFUND_ONLY_CUSTOMERS] = Int64GetDatum(list.refund_only);
	set_float(values, nulls, SUMMARY_REFUND_ONLY_SPEND, list_sum_value(&list, &list.refund_only_spend, AUDIT_SPEND));
	set_float(values, nulls, SUMMARY_REFUND_ONLY_PROFIT,
			  list.view.head.has_profit ? list_sum_value(&list, &list.refund_only_profit, AUDIT_PROFIT) : NAN);
	values[SUMMARY_LEFT_OUT] = Int64GetDatum(list.view.left_out);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls)));
}

/* A tile while it is filled, from the best customer down. */
typedef struct AuditTile
{
	int64 customers;
	Sum sums[AUDIT_MEASURES]; /* in units */
	double low;               /* of the sort measure, as a number */
	double high;
} AuditTile;

static void
fill_tile(AuditTile *tile, const AuditList *list, Size run, AuditMeasure by, int64 customers)
{
	double value = list_value(list, run, by);

	if (tile->customers == 0)
		tile->high = value;
	tile->low = value;
	tile->customers += customers;
	for (int m = 0; m < AUDIT_MEASURES; m++)
		audit_sum(&tile->sums[m], list_units(list, run, m), customers);
}

/* Equal numbers of customers: the first n mod k tiles get one more. */
static void
tile_customers(AuditTile *tiles, int n_tiles, const AuditList *list, AuditMeasure by)
{
	int64 each = list->customers / n_tiles;
	int64 larger = list->customers % n_tiles;
	int tile = 0;

	for (Size run = list->view.count; run-- > 0;)
	{
		int64 left = list_customers(list, run);

		while (left > 0)
		{
			int64 room = each + (tile < larger) - tiles[tile].customers;

			if (room == 0)
			{
				tile++;
				continue;
			}
			fill_tile(&tiles[tile], list, run, by, Min(left, room));
			left -= Min(left, room);
		}
	}
}

/*
 * The number of customers of a run until the sum reaches a share of the total;
 * more than there are if it does not.
 */
static int64
customers_to_reach(double sum, double each, double share_of, int64 customers)
{
	double needed = each > 0 ? ceil((share_of - sum) / each) : 0;
	int64 count = (int64) Min(Max(needed, 1), (double) customers + 1);

	/* Corrects rounding by one. */
	while (count > 1 && sum + each * (double) (count - 1) >= share_of)
		count--;
	while (count <= customers && sum + each * (double) count < share_of)
		count++;
	return count;
}

/*
 * Equal value: a tile ends with the customer with whom the running sum first
 * reaches j/k of the total; the last gets the rest. With losses the running
 * sum passes the total early.
 */
static void
tile_value(AuditTile *tiles, int n_tiles, const AuditList *list, AuditMeasure by)
{
	double total = sum_value(&list->totals[by]);
	Sum reached = {0};
	int tile = 0;

	for (Size run = list->view.count; run-- > 0;)
	{
		int64 left = list_customers(list, run);
		double each = list_units(list, run, by) * n_tiles;

		while (left > 0)
		{
			int64 count = left;

			/* A customer with much value may pass more than one boundary. */
			while (tile < n_tiles - 1 && sum_value(&reached) >= total * (tile + 1))
				tile++;
			if (tile < n_tiles - 1 && each > 0)
				count = Min(left, customers_to_reach(sum_value(&reached), each, total * (tile + 1), left));
			fill_tile(&tiles[tile], list, run, by, count);
			audit_sum(&reached, each, count);
			left -= count;
		}
	}
}

/* A share of the total, which has shares only if it is above zero: those of a loss would have the wrong sign. */
static double
share_of_total(const AuditList *list, AuditMeasure of, double value)
{
	double total = list_sum_value(list, &list->totals[of], of);

	return total > 0 ? value / total : NAN;
}

static void
put_tile(ReturnSetInfo *results, int number, const AuditTile *tile, const AuditList *list)
{
	double orders = sum_value(&tile->sums[AUDIT_ORDERS]);
	double spend = list_sum_value(list, &tile->sums[AUDIT_SPEND], AUDIT_SPEND);
	double profit = list->view.head.has_profit ? list_sum_value(list, &tile->sums[AUDIT_PROFIT], AUDIT_PROFIT) : NAN;
	bool empty = tile->customers == 0;
	Datum values[14] = {Int32GetDatum(number), Int64GetDatum(tile->customers), Int64GetDatum((int64) orders)};
	bool nulls[14] = {false};

	set_float(values, nulls, 3, spend);
	set_float(values, nulls, 4, profit);
	set_float(values, nulls, 5, (double) tile->customers / (double) list->customers);
	set_float(values, nulls, 6, orders / sum_value(&list->totals[AUDIT_ORDERS]));
	set_float(values, nulls, 7, share_of_total(list, AUDIT_SPEND, spend));
	set_float(values, nulls, 8, share_of_total(list, AUDIT_PROFIT, profit));
	set_float(values, nulls, 9, orders / (double) tile->customers);
	set_float(values, nulls, 10, spend / orders);
	set_float(values, nulls, 11, spend > 0 ? profit / spend : NAN);
	set_float(values, nulls, 12, empty ? NAN : tile->low);
	set_float(values, nulls, 13, empty ? NAN : tile->high);
	tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
}

/* audit_tiles(period_audit, by, tiles, equal) → setof (tile, customers, …), the best first */
PG_FUNCTION_INFO_V1(audit_tiles);
Datum
audit_tiles(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	AuditMeasure by;
	int n_tiles = audit_tiles_argument(fcinfo, 2, MOST_TILES);
	char *equal = text_to_cstring(PG_GETARG_TEXT_PP(3));
	AuditList list = list_by_argument(fcinfo, 1, "by", &by);
	AuditTile *tiles = palloc0_array(AuditTile, n_tiles);
	bool equal_customers = strcmp(equal, "customers") == 0;

	if (!equal_customers && strcmp(equal, "value") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("equal must be customers or value, not \"%s\"", equal)));
	InitMaterializedSRF(fcinfo, 0);
	if (equal_customers)
		tile_customers(tiles, n_tiles, &list, by);
	else
		tile_value(tiles, n_tiles, &list, by);
	for (int i = 0; i < n_tiles && list.customers > 0; i++)
		put_tile((ReturnSetInfo *) fcinfo->resultinfo, i + 1, &tiles[i], &list);
	return (Datum) 0;
}

/* What an audit_distribution is of: a measure, or a ratio of two. */
typedef struct AuditRatio
{
	const char *name;
	AuditMeasure of;
	AuditMeasure by; /* AUDIT_MEASURES: nothing */
} AuditRatio;

static AuditRatio
ratio_argument(FunctionCallInfo fcinfo, int argno, bool has_profit)
{
	static const AuditRatio ratios[] = {{"orders", AUDIT_ORDERS, AUDIT_MEASURES},
										{"spend", AUDIT_SPEND, AUDIT_MEASURES},
										{"profit", AUDIT_PROFIT, AUDIT_MEASURES},
										{"aov", AUDIT_SPEND, AUDIT_ORDERS},
										{"margin", AUDIT_PROFIT, AUDIT_SPEND}};
	char *given = text_to_cstring(PG_GETARG_TEXT_PP(argno));

	for (int i = 0; i < lengthof(ratios); i++)
		if (strcmp(ratios[i].name, given) == 0)
		{
			if (ratios[i].of == AUDIT_PROFIT && !has_profit)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no profit in this value"),
						 errhint("Pass a history of profit to the aggregate as its last argument.")));
			return ratios[i];
		}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("of must be orders, spend, profit, aov or margin, not \"%s\"", given)));
}

/* The bin of a value: a value on a boundary, up to rounding, belongs to the upper bin. */
static double
bin_of(double value, double width)
{
	double quotient = value / width;
	double nearest = rint(quotient);

	return fabs(quotient - nearest) <= 1e-12 * Max(1, fabs(nearest)) ? nearest : floor(quotient);
}

#define ST_SORT audit_sort_counts
#define ST_ELEMENT_TYPE AuditCount
#define ST_COMPARE(a, b) (((a)->value > (b)->value) - ((a)->value < (b)->value))
#define ST_SCOPE
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* audit_distribution(period_audit, of, bin_width) → setof (low_value, high_value, customers, share): bins with customers */
PG_FUNCTION_INFO_V1(audit_distribution);
Datum
audit_distribution(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	AuditList list = list_argument(fcinfo, AUDIT_SPEND);
	AuditRatio ratio = ratio_argument(fcinfo, 1, list.view.head.has_profit);
	double width = PG_GETARG_FLOAT8(2);
	AuditCount *bins = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, list.view.count) * sizeof(AuditCount));
	Size count = 0;

	if (!isfinite(width) || width <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bin_width must be a positive number, but is %g", width)));
	for (Size i = 0; i < list.view.count; i++)
	{
		double value = list_value(&list, i, ratio.of);

		/* A customer whose spend is not positive has no margin. */
		if (ratio.by != AUDIT_MEASURES && !(list_value(&list, i, ratio.by) > 0))
			continue;
		if (ratio.by != AUDIT_MEASURES)
			value /= list_value(&list, i, ratio.by);
		bins[count++] = (AuditCount){bin_of(value, width), list_customers(&list, i)};
	}
	audit_sort_counts(bins, count);
	InitMaterializedSRF(fcinfo, 0);
	for (Size i = 0; i < count;)
	{
		double bin = bins[i].value;
		int64 customers = 0;
		Datum values[4];
		bool nulls[4] = {false};

		CHECK_FOR_INTERRUPTS();
		while (i < count && bins[i].value == bin)
			customers += bins[i++].customers;
		set_float(values, nulls, 0, bin * width);
		set_float(values, nulls, 1, (bin + 1) * width);
		values[2] = Int64GetDatum(customers);
		set_float(values, nulls, 3, (double) customers / (double) list.customers);
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* lorenz_curve(period_audit, of, points) → setof (share_customers, share_value), the least first */
PG_FUNCTION_INFO_V1(lorenz_curve);
Datum
lorenz_curve(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	AuditMeasure of;
	AuditList list = list_by_argument(fcinfo, 1, "of", &of);
	int32 points = int_argument(fcinfo, 2, "points", 1, MOST_POINTS, NULL);
	double total = sum_value(&list.totals[of]);
	double before = 0;
	Sum sum = {0};
	Size run = 0;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i <= points && list.customers > 0; i++)
	{
		double argno = (double) list.customers * i / points;
		Datum values[2];
		bool nulls[2] = {false};

		CHECK_FOR_INTERRUPTS();
		while (run < list.view.count && before + (double) list_customers(&list, run) <= argno)
		{
			before += (double) list_customers(&list, run);
			audit_sum(&sum, list_units(&list, run, of), list_customers(&list, run));
			run++;
		}

		double within = run < list.view.count ? (argno - before) * list_units(&list, run, of) : 0;

		set_float(values, nulls, 0, (double) i / points);
		set_float(values, nulls, 1, total > 0 ? (sum_value(&sum) + within) / total : NAN);
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* top_share(period_audit, share, of) → float8: the share of the total of the best customers */
PG_FUNCTION_INFO_V1(top_share);
Datum
top_share(PG_FUNCTION_ARGS)
{
	double share = PG_GETARG_FLOAT8(1);
	AuditMeasure of;
	AuditList list = list_by_argument(fcinfo, 2, "of", &of);
	double total = sum_value(&list.totals[of]);
	double left = share * (double) list.customers;
	Sum sum = {0};

	if (!(share >= 0 && share <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("share must be between 0 and 1, but is %g", share),
				 errhint("For a fifth of the customers pass 0.2.")));
	if (!(total > 0))
		PG_RETURN_NULL();
	for (Size run = list.view.count; run-- > 0 && left > 0;)
	{
		double customers = Min(left, (double) list_customers(&list, run));

		sum_add(&sum, customers * list_units(&list, run, of));
		left -= customers;
	}
	return finite_or_null(fcinfo, sum_value(&sum) / total);
}
