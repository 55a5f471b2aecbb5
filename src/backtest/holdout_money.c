/*
 * holdout_money.c
 *	  Whether a holdout's model also foretold what customers spend.
 *
 * Normalised Gini: customers in the order of their predicted spend; how far the curve
 * of their actual spend, cumulated, is from that of the same spend in any order, as a
 * share of how far it would be in the order of the actual spend itself. 1: the order
 * is right, 0: it says nothing.
 *
 * Decile MAPE: customers in ten groups of equal size by predicted spend; the mean, over
 * groups, of how far the predicted mean is from the actual one, relative to that.
 *
 * The gamma-gamma model takes the number of transactions and their mean amount to be
 * independent of each other: their correlation, over customers with repeat
 * transactions in the calibration period, says whether they are.
 */
#include "compat.h"

#include <math.h>

#include "miscadmin.h"

#include "backtest/holdout.h"
#include "backtest/holdout_money.h"
#include "numerics/correlation.h"
#include "numerics/sum.h"
#include "scores/score.h"

#define DECILES 10

/* Customers with the same numbers. */
typedef struct MoneyCell
{
	double predicted; /* of each */
	double actual;    /* of each */
	double customers;
} MoneyCell;

#define ST_SORT sort_by_predicted
#define ST_ELEMENT_TYPE MoneyCell
#define ST_COMPARE(a, b) (((a)->predicted > (b)->predicted) - ((a)->predicted < (b)->predicted))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_by_actual
#define ST_ELEMENT_TYPE MoneyCell
#define ST_COMPARE(a, b) (((a)->actual > (b)->actual) - ((a)->actual < (b)->actual))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* The entries of spend, which are the last of a holdout, by kind. Also counts the customers. */
typedef struct SpendEntries
{
	CountEntry *entries;
	uint32 count;
} SpendEntries;

static SpendEntries
read_entries(HoldoutReader *reader, int64 *customers)
{
	SpendEntries spend = {MemoryContextAllocHuge(CurrentMemoryContext, Max(1, reader->left) * sizeof(CountEntry))};

	while (holdout_next(reader))
	{
		CHECK_FOR_INTERRUPTS();
		if (holdout_kind(&reader->entry) >= HOLDOUT_SPEND)
			spend.entries[spend.count++] = reader->entry;
		else if (holdout_kind(&reader->entry) == HOLDOUT_CUSTOMERS &&
				 pg_add_s64_overflow(*customers, reader->entry.value, customers))
			count_map_out_of_range(&holdout_map_type);
	}
	return spend;
}

/* The sum of another kind that belongs to a cell. */
static int64
sum_of(const SpendEntries *spend, const CountEntry *cell, HoldoutKind kind)
{
	uint64 group = holdout_spend_group(cell, kind);
	const CountEntry *entry = count_map_find(spend->entries, spend->count, group, cell->detail);

	return entry < spend->entries + spend->count && entry->group == group && entry->detail == cell->detail
		? entry->value
		: 0;
}

/* Sums for a correlation, weighted by customers. */
typedef struct Moments
{
	Sum n;
	Sum x;
	Sum y;
	Sum xx;
	Sum xy;
	Sum yy;
} Moments;

static void
add_moments(Moments *moments, double n, double x, double y)
{
	sum_add(&moments->n, n);
	sum_add(&moments->x, n * x);
	sum_add(&moments->y, n * y);
	sum_add(&moments->xx, n * x * x);
	sum_add(&moments->xy, n * x * y);
	sum_add(&moments->yy, n * y * y);
}

static double
correlation_of(const Moments *moments)
{
	double n = sum_value(&moments->n);
	double x = sum_value(&moments->x) / n;
	double y = sum_value(&moments->y) / n;
	double xx = sum_value(&moments->xx) / n - x * x;
	double xy = sum_value(&moments->xy) / n - x * y;
	double yy = sum_value(&moments->yy) / n - y * y;

	return correlation(x, y, xx, yy, xy);
}

/* What the model predicts of each customer of a cell; NaN where it predicts nothing. */
static double
predicted_spend(const HoldoutReader *reader, const CountEntry *cell, double before, TransactionCache *cache)
{
	const ClvModel *model = reader->fit;
	double x = holdout_x(cell);
	double first = holdout_day(cell);
	double horizon_days = (double) reader->head.holdout_until - reader->head.calibration_until;
	Customer customer;

	if (model->spend.n_params == 0 || (x > 0 && !(before > 0)))
		return NAN;
	customer_of_days(model, x, first, first + holdout_t_x(cell), reader->head.calibration_until, &customer);
	customer_use_cache(&customer, cache);
	return clv_model_spend(model)->expected_spend(model->spend.params, x, x > 0 ? before / x : 0) *
		expected_transactions_in(&customer, horizon_days);
}

/* The Gini coefficient's numerator for cells in ascending order; those with equal keys have their mean rank. */
static double
gini(const MoneyCell *cells, uint32 count, bool by_predicted, double customers)
{
	Sum sum = {0};
	double below = 0;

	for (uint32 i = 0; i < count;)
	{
		double n = 0;
		Sum actual = {0};
		uint32 start = i;

		for (; i < count &&
			 (by_predicted ? cells[i].predicted == cells[start].predicted : cells[i].actual == cells[start].actual);
			 i++)
		{
			CHECK_FOR_INTERRUPTS();
			n += cells[i].customers;
			sum_add(&actual, cells[i].customers * cells[i].actual);
		}
		sum_add(&sum, (2 * below + n - customers) * sum_value(&actual));
		below += n;
	}
	return sum_value(&sum);
}

/* Cells in the order of what was predicted; a cell on the border of two groups belongs to both in part. */
static double
decile_mape(const MoneyCell *cells, uint32 count, double customers)
{
	Sum predicted[DECILES] = {{0}};
	Sum actual[DECILES] = {{0}};
	double size = customers / DECILES;
	double room = size;
	double error = 0;
	int decile = 0;

	for (uint32 i = 0; i < count; i++)
		for (double left = cells[i].customers; left > 0;)
		{
			double part = decile == DECILES - 1 ? left : fmin(left, room);

			CHECK_FOR_INTERRUPTS();
			sum_add(&predicted[decile], part * cells[i].predicted);
			sum_add(&actual[decile], part * cells[i].actual);
			left -= part;
			room -= part;
			if (!(room > 0) && decile < DECILES - 1)
			{
				decile++;
				room = size;
			}
		}
	for (int i = 0; i < DECILES; i++)
	{
		if (!(sum_value(&actual[i]) > 0))
			return NAN;
		error += fabs(sum_value(&predicted[i]) / sum_value(&actual[i]) - 1) / DECILES;
	}
	return error;
}

/* How far the cells' predictions are from what came. */
static void
judge(MoneyCell *cells, uint32 count, HoldoutMoney *money)
{
	Sum predicted = {0}, actual = {0}, absolute = {0};
	double customers = 0;

	for (uint32 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		customers += cells[i].customers;
		sum_add(&predicted, cells[i].customers * cells[i].predicted);
		sum_add(&actual, cells[i].customers * cells[i].actual);
		sum_add(&absolute, cells[i].customers * fabs(cells[i].predicted - cells[i].actual));
	}
	money->customers = (int64) customers;
	money->actual = sum_value(&actual);
	money->predicted = sum_value(&predicted);
	money->mae = sum_value(&absolute) / customers;
	sort_by_actual(cells, count);

	double best = gini(cells, count, false, customers);

	sort_by_predicted(cells, count);
	money->normalized_gini = best > 0 ? gini(cells, count, true, customers) / best : NAN;
	money->decile_mape = decile_mape(cells, count, customers);
}

HoldoutMoney
holdout_money(HoldoutReader reader, TransactionCache *cache)
{
	HoldoutMoney money = {
		.actual = NAN,
		.predicted = NAN,
		.mae = NAN,
		.normalized_gini = NAN,
		.decile_mape = NAN,
		.correlation = NAN,
	};
	int64 customers = 0;
	SpendEntries spend = read_entries(&reader, &customers);
	int64 weight = holdout_sample_weight(customers);
	MoneyCell *cells = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, spend.count) * sizeof(MoneyCell));
	uint32 count = 0;
	Moments moments = {0};

	for (uint32 i = 0; i < spend.count && holdout_kind(&spend.entries[i]) == HOLDOUT_SPEND; i++)
	{
		const CountEntry *cell = &spend.entries[i];
		double n = (double) cell->value * (double) holdout_spend_weight(cell, weight);
		double x = holdout_x(cell);
		double before = holdout_bin_before(cell) == 0
			? 0
			: holdout_mean_spend(holdout_bin_before(cell), cell->value, sum_of(&spend, cell, HOLDOUT_SPEND_BEFORE));
		double predicted = predicted_spend(&reader, cell, before, cache);

		CHECK_FOR_INTERRUPTS();
		if (n == 0)
			continue;
		if (before > 0)
			add_moments(&moments, n, x, before / x);
		if (isfinite(predicted))
			cells[count++] = (MoneyCell){
				.predicted = predicted,
				.actual =
					holdout_mean_spend(holdout_bin_after(cell), cell->value, sum_of(&spend, cell, HOLDOUT_SPEND_AFTER)),
				.customers = n,
			};
	}
	if (count > 0)
		judge(cells, count, &money);
	money.correlation = correlation_of(&moments);
	return money;
}
