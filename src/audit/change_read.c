/*
 * change_read.c
 *	  The accessors of period_change: lens 2 of The Customer-Base Audit.
 *
 * Totals of a group contain all amounts, including refunds to customers
 * without an order in that period: they match the ledger.
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "audit/audit_list.h"
#include "support/args.h"
#include "support/result.h"

/* The matrix has the square of these. */
#define MOST_CHANGE_TILES 100

typedef enum ChangeGroup
{
	CHANGE_BOTH,
	CHANGE_LAPSED,
	CHANGE_NEW,
	CHANGE_REACTIVATED,
	CHANGE_REFUNDS, /* no order in either period */
	CHANGE_GROUPS,
} ChangeGroup;

static const char *const group_names[CHANGE_GROUPS] = {"both", "lapsed", "new", "reactivated", "refunds only"};

/* Customers and their totals in each period. */
typedef struct ChangeSums
{
	int64 customers;
	int64 active[2];
	Sum sums[2][AUDIT_MEASURES]; /* in units */
} ChangeSums;

static ChangeGroup
group_of(const int64 *row)
{
	bool first = row[AUDIT_ORDERS] > 0;
	bool second = row[AUDIT_MEASURES + AUDIT_ORDERS] > 0;

	if (first)
		return second ? CHANGE_BOTH : CHANGE_LAPSED;
	if (second)
		return row[AUDIT_KNOWN] ? CHANGE_REACTIVATED : CHANGE_NEW;
	return CHANGE_REFUNDS;
}

static bool
buys_in(const int64 *row, int period)
{
	return row[period * AUDIT_MEASURES + AUDIT_ORDERS] > 0;
}

static void
add_period(ChangeSums *sums, const AuditView *view, const int64 *row, int period)
{
	int64 customers = audit_customers(view, row);

	if (buys_in(row, period))
		sums->active[period] += customers;
	for (int m = 0; m < AUDIT_MEASURES; m++)
		audit_sum(&sums->sums[period][m], audit_units(view, row, period * AUDIT_MEASURES + m), customers);
}

static void
add_row(ChangeSums *sums, const AuditView *view, const int64 *row)
{
	sums->customers += audit_customers(view, row);
	for (int period = 0; period < 2; period++)
		add_period(sums, view, row, period);
}

/* The sums of each group, and behind them those of all. */
static void
sum_groups(const AuditView *view, ChangeSums sums[CHANGE_GROUPS + 1])
{
	memset(sums, 0, (CHANGE_GROUPS + 1) * sizeof(ChangeSums));
	for (Size i = 0; i < view->count; i++)
	{
		const int64 *row = audit_row(view, i);

		if ((i & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		add_row(&sums[group_of(row)], view, row);
		add_row(&sums[CHANGE_GROUPS], view, row);
	}
}

/* A sum as a number; NaN for a missing profit. */
static double
sum_of(const AuditView *view, const ChangeSums *sums, int period, AuditMeasure measure)
{
	double value = sum_value(&sums->sums[period][measure]);

	if (measure == AUDIT_PROFIT && !view->head.has_profit)
		return NAN;
	return measure == AUDIT_ORDERS ? value : value / view->scale;
}

/* change_groups(period_change) → setof (group_name, customers, and for each period orders, spend, profit, aof, aov, margin) */
PG_FUNCTION_INFO_V1(change_groups);
Datum
change_groups(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	AuditView view = audit_view(PG_GETARG_DATUM(0), &change_type);
	ChangeSums sums[CHANGE_GROUPS + 1];

	InitMaterializedSRF(fcinfo, 0);
	sum_groups(&view, sums);
	for (int group = 0; group < CHANGE_GROUPS; group++)
	{
		Datum values[14] = {CStringGetTextDatum(group_names[group]), Int64GetDatum(sums[group].customers)};
		bool nulls[14] = {false};

		if (group == CHANGE_REFUNDS && sums[group].customers == 0)
			continue;
		for (int period = 0; period < 2; period++)
		{
			int at = 2 + period * 6;
			double orders = sum_of(&view, &sums[group], period, AUDIT_ORDERS);
			double spend = sum_of(&view, &sums[group], period, AUDIT_SPEND);
			double profit = sum_of(&view, &sums[group], period, AUDIT_PROFIT);

			values[at] = Int64GetDatum((int64) orders);
			set_float(values, nulls, at + 1, spend);
			set_float(values, nulls, at + 2, profit);
			set_float(values, nulls, at + 3, orders / (double) sums[group].active[period]);
			set_float(values, nulls, at + 4, spend / orders);
			set_float(values, nulls, at + 5, spend > 0 ? profit / spend : NAN);
		}
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static void
put_step(ReturnSetInfo *results, const char *step, int64 customers, double spend, double profit)
{
	Datum values[4] = {CStringGetTextDatum(step), Int64GetDatum(customers)};
	bool nulls[4] = {false};

	set_float(values, nulls, 2, spend);
	set_float(values, nulls, 3, profit);
	tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
}

/* change_bridge(period_change) → setof (step, customers, spend, profit): from the first period to the second */
PG_FUNCTION_INFO_V1(change_bridge);
Datum
change_bridge(PG_FUNCTION_ARGS)
{
	static const ChangeGroup steps[] = {CHANGE_LAPSED, CHANGE_BOTH, CHANGE_REACTIVATED, CHANGE_NEW, CHANGE_REFUNDS};
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	AuditView view = audit_view(PG_GETARG_DATUM(0), &change_type);
	ChangeSums sums[CHANGE_GROUPS + 1];
	const ChangeSums *all = &sums[CHANGE_GROUPS];

	InitMaterializedSRF(fcinfo, 0);
	sum_groups(&view, sums);
	put_step(results, "period 1", all->active[0], sum_of(&view, all, 0, AUDIT_SPEND),
			 sum_of(&view, all, 0, AUDIT_PROFIT));
	for (int i = 0; i < lengthof(steps); i++)
	{
		const ChangeSums *group = &sums[steps[i]];

		if (steps[i] == CHANGE_REFUNDS && group->customers == 0)
			continue;
		put_step(results, group_names[steps[i]], group->customers,
				 sum_of(&view, group, 1, AUDIT_SPEND) - sum_of(&view, group, 0, AUDIT_SPEND),
				 sum_of(&view, group, 1, AUDIT_PROFIT) - sum_of(&view, group, 0, AUDIT_PROFIT));
	}
	put_step(results, "period 2", all->active[1], sum_of(&view, all, 1, AUDIT_SPEND),
			 sum_of(&view, all, 1, AUDIT_PROFIT));
	return (Datum) 0;
}

/*
 * The contribution of a factor to the change of a product: (P₁ − P₀) / ln(P₁ /
 * P₀) · ln(f₁ / f₀), and P · ln(f₁ / f₀) where P₁ = P₀. These add up to the
 * change exactly. They are defined for positive P only.
 */
static double
contribution(const double product[2], const double factor[2])
{
	if (!(product[0] > 0 && product[1] > 0))
		return NAN;

	double mean = product[0];

	if (product[0] != product[1])
		mean = (product[1] - product[0]) / log1p((product[1] - product[0]) / product[0]);
	return mean * log(factor[1] / factor[0]);
}

/* Of each period, those with an order in it, as audit_summary counts them, and those with nothing but refunds. */
static void
sum_buyers(const AuditView *view, ChangeSums *buyers, ChangeSums *others)
{
	*buyers = *others = (ChangeSums){0};
	for (Size i = 0; i < view->count; i++)
	{
		const int64 *row = audit_row(view, i);

		if ((i & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		for (int period = 0; period < 2; period++)
			add_period(buys_in(row, period) ? buyers : others, view, row, period);
	}
}

/* change_drivers(period_change, of) → setof (driver, value_1, value_2, contribution) */
PG_FUNCTION_INFO_V1(change_drivers);
Datum
change_drivers(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	static const char *const names[] = {"customers", "aof", "aov", "margin"};
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	AuditView view = audit_view(PG_GETARG_DATUM(0), &change_type);
	AuditMeasure of = audit_measure_argument(fcinfo, 1, "of", view.head.has_profit);
	int n_factors = of == AUDIT_ORDERS ? 2 : of == AUDIT_SPEND ? 3 : 4;
	ChangeSums buyers, others;
	double factors[4][2];
	double product[2];
	double refunds[2];

	InitMaterializedSRF(fcinfo, 0);
	sum_buyers(&view, &buyers, &others);
	for (int period = 0; period < 2; period++)
	{
		double customers = (double) buyers.active[period];
		double orders = sum_of(&view, &buyers, period, AUDIT_ORDERS);
		double spend = sum_of(&view, &buyers, period, AUDIT_SPEND);

		factors[0][period] = customers;
		factors[1][period] = orders / customers;
		factors[2][period] = spend / orders;
		factors[3][period] = spend > 0 ? sum_of(&view, &buyers, period, AUDIT_PROFIT) / spend : NAN;
		product[period] = sum_of(&view, &buyers, period, of);
		refunds[period] = sum_of(&view, &others, period, of);
	}
	for (int i = 0; i < n_factors; i++)
	{
		Datum values[4] = {CStringGetTextDatum(names[i])};
		bool nulls[4] = {false};

		set_float(values, nulls, 1, factors[i][0]);
		set_float(values, nulls, 2, factors[i][1]);
		set_float(values, nulls, 3, contribution(product, factors[i]));
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	if (refunds[0] != 0 || refunds[1] != 0)
	{
		Datum values[4] = {CStringGetTextDatum(group_names[CHANGE_REFUNDS])};
		bool nulls[4] = {false};

		set_float(values, nulls, 1, refunds[0]);
		set_float(values, nulls, 2, refunds[1]);
		set_float(values, nulls, 3, refunds[1] - refunds[0]);
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

typedef enum Direction
{
	DIRECTION_DOWN,
	DIRECTION_SAME,
	DIRECTION_UP,
	DIRECTION_UNDEFINED,
	CHANGE_DIRECTIONS,
} Direction;

static Direction
direction(double difference)
{
	if (isnan(difference))
		return DIRECTION_UNDEFINED;
	return difference < 0 ? DIRECTION_DOWN : difference > 0 ? DIRECTION_UP : DIRECTION_SAME;
}

/* The sign of a * b - c * d, exactly: what rounding loses of each product is known (Dekker). */
static double
difference_of_products(double a, double b, double c, double d)
{
	double first = a * b;
	double second = c * d;

	return (first - second) + (fma(a, b, -first) - fma(c, d, -second));
}

/*
 * The directions of change of the measures of customers in both periods:
 * profit, orders, AOV, margin as digits in base 4.
 */
static int
directions_of(const AuditView *view, const int64 *row)
{
	double orders[2], spend[2], profit[2];
	bool has_margin;

	for (int period = 0; period < 2; period++)
	{
		orders[period] = audit_units(view, row, period * AUDIT_MEASURES + AUDIT_ORDERS);
		spend[period] = audit_units(view, row, period * AUDIT_MEASURES + AUDIT_SPEND);
		profit[period] = view->head.has_profit ? audit_units(view, row, period * AUDIT_MEASURES + AUDIT_PROFIT) : NAN;
	}
	has_margin = spend[0] > 0 && spend[1] > 0;
	return ((direction(profit[1] - profit[0]) * CHANGE_DIRECTIONS + direction(orders[1] - orders[0])) *
				CHANGE_DIRECTIONS +
			direction(difference_of_products(spend[1], orders[0], spend[0], orders[1]))) *
		CHANGE_DIRECTIONS +
		direction(has_margin ? difference_of_products(profit[1], spend[0], profit[0], spend[1]) : NAN);
}

/* change_directions(period_change) → setof (profit, orders, aov, margin, customers, …): customers of both periods */
PG_FUNCTION_INFO_V1(change_directions);
Datum
change_directions(PG_FUNCTION_ARGS)
{
	static const char *const names[CHANGE_DIRECTIONS] = {"down", "same", "up", NULL};
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	AuditView view = audit_view(PG_GETARG_DATUM(0), &change_type);
	int combinations = CHANGE_DIRECTIONS * CHANGE_DIRECTIONS * CHANGE_DIRECTIONS * CHANGE_DIRECTIONS;
	ChangeSums *sums = palloc0_array(ChangeSums, combinations);

	InitMaterializedSRF(fcinfo, 0);
	for (Size i = 0; i < view.count; i++)
	{
		const int64 *row = audit_row(&view, i);

		if ((i & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		if (group_of(row) == CHANGE_BOTH)
			add_row(&sums[directions_of(&view, row)], &view, row);
	}
	for (int i = 0; i < combinations; i++)
	{
		const ChangeSums *group = &sums[i];
		Datum values[8] = {0};
		bool nulls[8] = {false};

		if (group->customers == 0)
			continue;
		for (int column = 0, rest = i, power = combinations / CHANGE_DIRECTIONS; column < 4; column++)
		{
			const char *name = names[rest / power];

			nulls[column] = name == NULL;
			if (name != NULL)
				values[column] = CStringGetTextDatum(name);
			rest %= power;
			power = Max(1, power / CHANGE_DIRECTIONS);
		}
		values[4] = Int64GetDatum(group->customers);
		set_float(values, nulls, 5, sum_of(&view, group, 1, AUDIT_SPEND) - sum_of(&view, group, 0, AUDIT_SPEND));
		set_float(values, nulls, 6, sum_of(&view, group, 0, AUDIT_PROFIT));
		set_float(values, nulls, 7, sum_of(&view, group, 1, AUDIT_PROFIT) - sum_of(&view, group, 0, AUDIT_PROFIT));
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* The lowest value of each tile but the last, descending. */
typedef struct TileCuts
{
	double *cuts;
	int tiles;
} TileCuts;

static int
compare_descending(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x < y) - (x > y);
}

/* Cuts given by the caller, in any order. */
static TileCuts
given_cuts(ArrayType *array)
{
	TileCuts result;
	Datum *elements;
	bool *nulls;
	int count;

	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, &nulls, &count);
	result.tiles = count + 1;
	if (result.tiles < 2 || result.tiles > MOST_CHANGE_TILES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cuts must contain between 1 and %d numbers, but contain %d", MOST_CHANGE_TILES - 1, count)));
	result.cuts = palloc_array(double, count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i] || !isfinite(DatumGetFloat8(elements[i])))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("cut %d is not a number", i + 1)));
		result.cuts[i] = DatumGetFloat8(elements[i]);
	}
	qsort(result.cuts, count, sizeof(double), compare_descending);
	for (int i = 1; i < count; i++)
		if (result.cuts[i] == result.cuts[i - 1])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("two cuts are the same: %g", result.cuts[i])));
	return result;
}

/* Cuts that divide the customers of both periods together into tiles of equal size; equal values are of one tile. */
static TileCuts
common_cuts(const AuditView *view, AuditMeasure by, int tiles)
{
	TileCuts result = {palloc_array(double, tiles - 1), tiles};
	AuditCount *counts = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, 2 * view->count) * sizeof(AuditCount));
	Size count = 0;
	int64 customers = 0;
	int64 end;
	int cut = 0;

	for (Size i = 0; i < view->count; i++)
		for (int period = 0; period < 2; period++)
		{
			const int64 *row = audit_row(view, i);

			if (row[period * AUDIT_MEASURES + AUDIT_ORDERS] == 0)
				continue;
			counts[count++] = (AuditCount){
				audit_value(view, row, period * AUDIT_MEASURES + by),
				audit_customers(view, row),
			};
			customers += audit_customers(view, row);
		}
	audit_sort_counts(counts, count);
	end = customers / tiles + (customers % tiles > 0);
	for (int64 seen = 0; count > 0 && cut < tiles - 1;)
	{
		seen += counts[--count].customers;
		while (cut < tiles - 1 && seen >= end)
		{
			result.cuts[cut++] = counts[count].value;
			end += customers / tiles + (cut < customers % tiles);
		}
	}
	/* With fewer customers than tiles the last ones stay empty. */
	while (cut < tiles - 1)
		result.cuts[cut++] = -INFINITY;
	pfree(counts);
	return result;
}

/* The tile of a customer in a period, from 0; the number of tiles for those who did not order. */
static int
tile_of(const AuditView *view, const int64 *row, int period, AuditMeasure by, const TileCuts *cuts)
{
	double value = audit_value(view, row, period * AUDIT_MEASURES + by);
	int tile = 0;

	if (row[period * AUDIT_MEASURES + AUDIT_ORDERS] == 0)
		return cuts->tiles;
	while (tile < cuts->tiles - 1 && value < cuts->cuts[tile])
		tile++;
	return tile;
}

static void
put_change_tile(ReturnSetInfo *results, const AuditView *view, const ChangeSums *sums, int first, int second, int tiles)
{
	Datum values[5] = {Int32GetDatum(first + 1), Int32GetDatum(second + 1), Int64GetDatum(sums->customers)};
	bool nulls[5] = {first == tiles, second == tiles};

	set_float(values, nulls, 3, sum_of(view, sums, 1, AUDIT_SPEND) - sum_of(view, sums, 0, AUDIT_SPEND));
	set_float(values, nulls, 4, sum_of(view, sums, 1, AUDIT_PROFIT) - sum_of(view, sums, 0, AUDIT_PROFIT));
	tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
}

/* change_tiles(period_change, by, tiles, cuts) → setof (tile_1, tile_2, customers, …): every pair, NULL for no order */
PG_FUNCTION_INFO_V1(change_tiles);
Datum
change_tiles(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	AuditView view = audit_view(PG_GETARG_DATUM(0), &change_type);
	AuditMeasure by = audit_measure_argument(fcinfo, 1, "by", view.head.has_profit);
	int tiles = audit_tiles_argument(fcinfo, 2, MOST_CHANGE_TILES);

	TileCuts cuts = PG_ARGISNULL(3) ? common_cuts(&view, by, tiles) : given_cuts(PG_GETARG_ARRAYTYPE_P(3));
	int side = cuts.tiles + 1;
	ChangeSums *cells = palloc0_array(ChangeSums, side * side);

	InitMaterializedSRF(fcinfo, 0);
	for (Size i = 0; i < view.count; i++)
	{
		const int64 *row = audit_row(&view, i);

		if ((i & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		add_row(&cells[tile_of(&view, row, 0, by, &cuts) * side + tile_of(&view, row, 1, by, &cuts)], &view, row);
	}
	/* The last of all: customers without an order in either period. */
	for (int i = 0; i < side * side - 1; i++)
		put_change_tile((ReturnSetInfo *) fcinfo->resultinfo, &view, &cells[i], i / side, i % side, cuts.tiles);
	return (Datum) 0;
}
