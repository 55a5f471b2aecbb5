/*
 * life_table.c
 *	  The Kaplan-Meier estimate of customer survival.
 *
 * With n_t customers at risk in period t, of whom d_t end,
 *
 *		S(t) = prod of (1 - d/n),	Var S(t) = S(t)^2 sum of d / (n (n - d)),
 *
 * and the interval is S^exp(-+ z sqrt(sum) / ln S). Customers last seen after
 * t periods were at risk in period t, and in none after it.
 */
#include "models/retention/life_table.h"

#include <math.h>

#include "numerics/normal.h"

LifeTable
life_table_start(const ContractCell *cells, size_t n_cells)
{
	LifeTable table = {
		.next = cells,
		.end = cells + n_cells,
		.retention = NAN,
		.survival = 1.0,
	};

	for (size_t i = 0; i < n_cells; i++)
		table.left += cells[i].ended + cells[i].alive;
	table.at_risk = table.left;
	if (n_cells > 0 && cells[0].tenure == 0)
	{
		table.left -= cells[0].alive;
		table.next++;
	}
	return table;
}

void
life_table_step(LifeTable *table)
{
	double n = (double) table->left;
	double d;

	table->period++;
	table->at_risk = table->left;
	table->ended = 0;
	if (table->next < table->end && table->next->tenure == table->period)
	{
		table->ended = table->next->ended;
		table->left -= table->next->ended + table->next->alive;
		table->next++;
	}

	d = (double) table->ended;
	table->retention = table->at_risk > 0 ? (double) (table->at_risk - table->ended) / n : NAN;
	if (table->at_risk > 0)
	{
		table->survival *= table->retention;
		if (table->ended > 0)
			table->greenwood += d / n / (n - d);
	}
	else if (table->survival > 0.0)
		table->survival = NAN; /* all have ended: survival stays 0 */
}

bool
life_table_step_to_end(LifeTable *table)
{
	const ContractCell *cell = table->next;

	/* periods in which nobody ended change nothing: skip them */
	for (; cell < table->end && cell->ended == 0; cell++)
		table->left -= cell->alive;
	table->next = cell;
	if (cell == table->end)
		return false;
	table->period = cell->tenure - 1;
	life_table_step(table);
	return true;
}

double
life_table_std_error(const LifeTable *table)
{
	return isfinite(table->greenwood) ? table->survival * sqrt(table->greenwood) : NAN;
}

void
life_table_interval(const LifeTable *table, double level, double *low, double *high)
{
	double z = -normal_quantile(0.5 * (1.0 - level));
	double shift = z * sqrt(table->greenwood) / log(table->survival);

	*low = *high = NAN;
	if (table->survival == 1.0)
		*low = *high = 1.0;
	else if (table->survival > 0.0 && isfinite(shift))
	{
		*low = pow(table->survival, exp(-shift));
		*high = pow(table->survival, exp(shift));
	}
}
