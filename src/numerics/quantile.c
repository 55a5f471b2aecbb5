/*
 * quantile.c
 *	  Quantiles of a few thousand numbers.
 */
#include "numerics/quantile.h"

/* Sorts ascending, by Shell's method: there are only a few thousand draws. */
void
sort_numbers(double *numbers, int count)
{
	for (int gap = count / 2; gap > 0; gap = gap == 2 ? 1 : (int) (gap / 2.2))
		for (int i = gap; i < count; i++)
		{
			double number = numbers[i];
			int j = i;

			for (; j >= gap && numbers[j - gap] > number; j -= gap)
				numbers[j] = numbers[j - gap];
			numbers[j] = number;
		}
}

double
sorted_quantile(const double *numbers, int count, double p)
{
	double place = p * (count - 1);
	int below = (int) place;

	if (below >= count - 1)
		return numbers[count - 1];
	return numbers[below] + (place - below) * (numbers[below + 1] - numbers[below]);
}
