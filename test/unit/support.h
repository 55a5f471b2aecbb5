/*
 * support.h
 *	  What the unit tests share: a host, golden files, comparisons.
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>

#include "models/spend/gammagamma.h"
#include "models/core/fit.h"
#include "models/core/population.h"
#include "models/core/model.h"
#include "numerics/host.h"

/* malloc and free; check_interrupts counts. */
extern const Host test_host;
extern long interrupts_checked;

/* Blocks allocated from the host and not yet released. */
extern long blocks_held;

/* Parameters of the BG/NBD, Pareto/NBD, MBG/NBD and gamma-gamma fits of CDNOW. */
extern const double cdnow_timing[4];
extern const double cdnow_paretonbd[4];
extern const double cdnow_mbgnbd[4];
extern const double cdnow_spend[3];

/*
 * Whether a long sum is better than what it tests: not where long double is
 * double, nor under valgrind, which computes with as many bits.
 */
extern bool long_double_is_longer(void);

/* A golden file, read row by row; an empty field is NAN. */
#define MAX_FIELDS 20

typedef struct Golden
{
	void *file;
	const char *name;
	int row;
	int n_fields;
	double field[MAX_FIELDS];
	double worst; /* error seen so far; printed at the end */
} Golden;

extern Golden golden_open(const char *name);
extern bool golden_next(Golden *golden);

/* |got - expected| / max(|expected|, floor) */
extern double relative_error(double got, double expected, double floor);

/* The larger of two errors; NaN, which fmax() would drop, if one of them is. */
static inline double
larger_error(double worst, double error)
{
	return error <= worst ? worst : isnan(worst) ? worst : error;
}

/* Fail, naming the row, when a number is not what the golden file says. */
extern void assert_golden(Golden *golden, const char *what, double got, double expected, double tolerance,
						  double floor);

/* Fail when two numbers differ by more than the tolerance, relative to the second. */
extern void assert_near(double got, double expected, double tolerance);

/* A population of one; times in the goldens are weeks, mostly not whole days. */
extern Population *one_customer(double x, double t_x, double T);

/* Fit a model to a population, without covariates. */
extern void fit_population(const Model *model, const Population *population, Fit *fit);

/* Gradients are compared in the logarithms of the parameters, from this size on. */
#define GRADIENT_FLOOR 1e-3

/*
 * What golden files of every model have in common. The first fields are the
 * model's parameters.
 *
 *		gradient: x, t_x, T and the derivatives
 *		hessian: x, t_x, T and the upper triangle
 *		new_customer_transactions_pmf: t, x, the probability
 *		order_prob: x, t_x, T and the probabilities for 0.1, 10, 52, 10000 and INFINITY
 *		discounted_orders: x, t_x, T, delta, horizon, the orders
 */
extern void check_gradient(const Model *model, const char *golden, double tolerance);
extern void check_hessian(const Model *model, const char *golden, double tolerance);
extern void check_orders_pmf(const Model *model, const char *golden, double tolerance);
extern void check_order_prob(const Model *model, const char *golden, double tolerance);
extern void check_discounted_orders(const Model *model, const char *golden, double tolerance);

/* Log-uniform between two bounds. */
extern double anywhere_between(Random *random, double low, double high);

/*
 * A population of n customers who live by the model, with first purchases
 * spread over the first half of `days`.  The time unit is a week, and each week a
 * period if the model's time is discrete.
 */
extern Population *simulated_population(const Model *model, const double *params, int n, int days, uint64_t seed);

/*
 * The same with purchases timed to a fraction of a day, so that fewer of a
 * customer's purchases fall together. Discrete time knows no fractions.
 */
extern Population *simulated_by_the_clock(const Model *model, const double *params, int n, int days, int ticks,
										  uint64_t seed);

#endif /* SUPPORT_H */
