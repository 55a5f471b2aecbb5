/*
 * markov.c
 *	  Markov chains with few states.
 */
#include "numerics/markov.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Squarings of the matrix whose norm tells the second eigenvalue: the error is a factor^(2^-48). */
#define SQUARINGS 48

/* Below this an eigenvalue is rounding. */
#define SMALLEST_MODULUS 1e-12

static void *
copy_of(const Host *host, const void *memory, size_t size)
{
	return memcpy(host->alloc(size), memory, size);
}

/* Rows of bits: result = a b, where one says that there is a way. */
static void
multiply_ways(const Host *host, const uint64_t *a, const uint64_t *b, int n, int words, uint64_t *result)
{
	memset(result, 0, (size_t) n * words * sizeof(uint64_t));
	for (int i = 0; i < n; i++)
	{
		host->check_interrupts();
		for (int k = 0; k < n; k++)
			if (a[(size_t) i * words + k / 64] >> (k % 64) & 1)
				for (int w = 0; w < words; w++)
					result[(size_t) i * words + w] |= b[(size_t) k * words + w];
	}
}

/* A chain is primitive if the power (n - 1)^2 + 1 has no zero (Wielandt), and then no later one has. */
bool
markov_ergodic(const Host *host, const double *p, int n)
{
	int words = (n + 63) / 64;
	size_t size = (size_t) n * words * sizeof(uint64_t);
	uint64_t *ways = host->alloc(size), *square = host->alloc(size);
	bool ergodic = true;

	memset(ways, 0, size);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			if (p[(size_t) i * n + j] > 0)
				ways[(size_t) i * words + j / 64] |= (uint64_t) 1 << (j % 64);
	for (long power = 1; power < (long) (n - 1) * (n - 1) + 1; power *= 2)
	{
		uint64_t *swapped = ways;

		multiply_ways(host, ways, ways, n, words, square);
		ways = square;
		square = swapped;
	}
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			ergodic = ergodic && (ways[(size_t) i * words + j / 64] >> (j % 64) & 1);
	host->release(ways);
	host->release(square);
	return ergodic;
}

/* States are left out one after the other, the last first; the others see the chain when it is with them. */
void
markov_stationary(const Host *host, const double *p, int n, double *shares)
{
	double *q = copy_of(host, p, (size_t) n * n * sizeof(double));
	double sum = 1;

	for (int k = n - 1; k > 0; k--)
	{
		double leaving = 0;

		host->check_interrupts();
		for (int j = 0; j < k; j++)
			leaving += q[(size_t) k * n + j];
		for (int i = 0; i < k; i++)
			q[(size_t) i * n + k] /= leaving;
		for (int i = 0; i < k; i++)
			for (int j = 0; j < k; j++)
				q[(size_t) i * n + j] += q[(size_t) i * n + k] * q[(size_t) k * n + j];
	}
	shares[0] = 1;
	for (int k = 1; k < n; k++)
	{
		shares[k] = 0;
		for (int i = 0; i < k; i++)
			shares[k] += shares[i] * q[(size_t) i * n + k];
		sum += shares[k];
	}
	for (int k = 0; k < n; k++)
		shares[k] /= sum;
	host->release(q);
}

/* Divides a matrix by its largest element, which is returned. */
static double
scale_down(double *a, int n)
{
	double largest = 0;

	for (size_t i = 0; i < (size_t) n * n; i++)
		largest = fmax(largest, fabs(a[i]));
	if (largest > 0)
		for (size_t i = 0; i < (size_t) n * n; i++)
			a[i] /= largest;
	return largest;
}

/*
 * Without its limit, whose every row is the long run, the chain has the other
 * eigenvalues only; the largest is the limit of the k-th root of the norm of the
 * k-th power (Gelfand).
 */
double
markov_second_modulus(const Host *host, const double *p, int n, const double *shares)
{
	size_t size = (size_t) n * n * sizeof(double);
	double *a = host->alloc(size), *square = host->alloc(size);
	double log_norm = 0, power = 1;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			a[(size_t) i * n + j] = p[(size_t) i * n + j] - shares[j];
	for (int step = 0; step <= SQUARINGS; step++)
	{
		double largest = scale_down(a, n);
		double *swapped = a;

		if (!(largest > 0))
		{
			log_norm = -INFINITY;
			break;
		}
		log_norm += log(largest) / power;
		memset(square, 0, size);
		for (int i = 0; i < n; i++)
		{
			host->check_interrupts();
			for (int k = 0; k < n; k++)
				for (int j = 0; j < n; j++)
					square[(size_t) i * n + j] += a[(size_t) i * n + k] * a[(size_t) k * n + j];
		}
		a = square;
		square = swapped;
		power *= 2;
	}
	host->release(a);
	host->release(square);
	return exp(log_norm) < SMALLEST_MODULUS ? 0 : exp(log_norm);
}

/* Marks the states from which there is a way to a marked one that does not lead through the target. */
static void
mark_sources(const Host *host, const double *p, int n, int target, bool *marked)
{
	bool changed = true;

	while (changed)
	{
		changed = false;
		host->check_interrupts();
		for (int i = 0; i < n; i++)
			for (int j = 0; j < n && !marked[i] && i != target; j++)
				if (marked[j] && p[(size_t) i * n + j] > 0)
					changed = marked[i] = true;
	}
}

/* The states from which the target is not reached for certain. */
static void
find_lost(const Host *host, const double *p, int n, int target, bool *lost)
{
	bool *reaching = host->alloc(n * sizeof(bool));

	memset(reaching, 0, n * sizeof(bool));
	reaching[target] = true;
	mark_sources(host, p, n, target, reaching);
	for (int i = 0; i < n; i++)
		lost[i] = !reaching[i];
	mark_sources(host, p, n, target, lost);
	host->release(reaching);
}

/*
 * States are left out one after the other: q are the probabilities among those
 * that are left, with the target as a column of its own, steps the time until one
 * of them is reached.
 */
void
markov_steps_to(const Host *host, const double *p, int n, int target, double *steps)
{
	double *q = copy_of(host, p, (size_t) n * n * sizeof(double));
	double *leaving = host->alloc(n * sizeof(double));
	bool *lost = host->alloc(n * sizeof(bool));

	find_lost(host, p, n, target, lost);
	for (int i = 0; i < n; i++)
		steps[i] = lost[i] ? INFINITY : i == target ? 0 : 1;
	for (int k = n - 1; k >= 0; k--)
	{
		if (lost[k] || k == target)
			continue;
		host->check_interrupts();
		leaving[k] = q[(size_t) k * n + target];
		for (int j = 0; j < k; j++)
			if (!lost[j] && j != target)
				leaving[k] += q[(size_t) k * n + j];
		for (int i = 0; i < k; i++)
		{
			double through = q[(size_t) i * n + k] / leaving[k];

			if (lost[i] || i == target || through == 0)
				continue;
			for (int j = 0; j < k; j++)
				q[(size_t) i * n + j] += through * q[(size_t) k * n + j];
			if (target > k)
				q[(size_t) i * n + target] += through * q[(size_t) k * n + target];
			steps[i] += through * steps[k];
		}
	}
	for (int k = 0; k < n; k++)
	{
		if (lost[k] || k == target)
			continue;
		for (int j = 0; j < k; j++)
			if (!lost[j] && j != target)
				steps[k] += q[(size_t) k * n + j] * steps[j];
		steps[k] /= leaving[k];
	}
	host->release(q);
	host->release(leaving);
	host->release(lost);
}
