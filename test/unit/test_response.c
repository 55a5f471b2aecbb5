/*
 * test_response.c
 *	  Response curves: published data, curves that come back from their own points,
 *	  and by simulation how certain their parameters are.
 */
#include "support.h"

#include <math.h>

#include "models/decision/response.h"
#include "numerics/random.h"

#define LEVELS(array) (int) (sizeof(array) / sizeof((array)[0]))

/* A published test of contacts a week, and response. */
static const ResponseLevel contacts[] = {{0, 100, 0, NAN},   {1, 100, .10, NAN}, {2, 100, .17, NAN},
										 {3, 100, .19, NAN}, {4, 100, .20, NAN}, {5, 100, .205, NAN}};

static void
test_published(void **state)
{
	ResponseFit exponential = response_fit(contacts, LEVELS(contacts), RESPONSE_EXP);
	ResponseFit hill = response_fit(contacts, LEVELS(contacts), RESPONSE_HILL);
	ResponseFit best = response_fit_best(contacts, LEVELS(contacts), NULL, NULL);
	static const double cost[3] = {.01, .02, .03};
	static const double most_profit[3] = {2.55133647, 1.56691549, .99106612};

	(void) state;
	assert_near(exponential.curve.param[0], .214032, 1e-6);
	assert_near(exponential.curve.param[1], .70411662, 1e-8);
	assert_near(exponential.sse, 1.4835e-4, 1e-4);
	assert_near(exponential.std_error[0], .0062, 1e-2);
	assert_near(exponential.std_error[1], .0643, 1e-3);
	assert_near(hill.curve.param[0], .2740792, 1e-7);
	assert_near(hill.curve.param[1], 1.46206219, 1e-8);
	assert_near(hill.sse, 3.4755e-4, 1e-4);
	assert_int_equal(best.curve.kind, RESPONSE_EXP);

	/* contacts a week at which another one brings, at a margin of 0.4, what it costs */
	for (int i = 0; i < 3; i++)
		assert_near(0.4 * response_slope(&exponential.curve, most_profit[i]), cost[i], 1e-7);
}

/* Points on a curve give the curve back, whatever its parameters. */
static void
test_round_trip(void **state)
{
	Random random = random_start(31, 0);
	double worst = 0.0;

	(void) state;
	for (int run = 0; run < 600; run++)
	{
		ResponseCurve curve = {.kind = (ResponseKind) (1 + run % 3)};
		ResponseLevel levels[5];
		ResponseFit fit;
		double base = run % 2 ? anywhere_between(&random, 0.01, 1.0) : 0.0;

		curve.param[0] = anywhere_between(&random, 0.01, 100.0);
		curve.param[1] =
			curve.kind == RESPONSE_POWER ? 0.05 + 0.9 * random_uniform(&random) : anywhere_between(&random, 0.2, 3.0);
		for (int i = 0; i < 5; i++)
		{
			levels[i] = (ResponseLevel){.spend = i, .heads = 100 + 10 * i, .variance = NAN};
			levels[i].mean = base + response_added(&curve, i);
		}
		fit = response_fit(levels, 5, curve.kind);
		assert_int_equal(fit.status, RESPONSE_OK);
		for (int i = 0; i < 2; i++)
		{
			worst = larger_error(worst, relative_error(fit.curve.param[i], curve.param[i], 0.0));
			assert_near(fit.curve.param[i], curve.param[i], 1e-7);
		}
		assert_true(fabs(fit.base - base) < 1e-7 * (1.0 + curve.param[0]));
		assert_int_equal(response_fit_best(levels, 5, NULL, NULL).curve.kind, curve.kind);
		assert_null(response_curve_problem(&fit.curve));
	}
	print_message("largest error of a parameter: %.2g\n", worst);
}

/* The slope is the derivative. */
static void
test_slope(void **state)
{
	static const ResponseCurve curves[] = {{RESPONSE_EXP, {2.0, 0.7}, {0}},
										   {RESPONSE_HILL, {2.0, 0.7}, {0}},
										   {RESPONSE_POWER, {2.0, 0.7}, {0}}};

	(void) state;
	for (int i = 0; i < LEVELS(curves); i++)
		for (double x = 0.1; x < 10.0; x *= 1.5)
			assert_near((response_added(&curves[i], x + 1e-6) - response_added(&curves[i], x - 1e-6)) / 2e-6,
						response_slope(&curves[i], x), 1e-7);
}

/* What is not a rising curve with diminishing returns, and what is not known. */
static void
test_status(void **state)
{
	static const ResponseLevel falling[] = {{0, 100, .2, NAN}, {1, 100, .1, NAN}, {2, 100, .05, NAN}};
	static const ResponseLevel nothing[] = {{0, 100, 0, NAN}, {1, 100, 0, NAN}, {2, 100, 0, NAN}};
	static const ResponseLevel straight[] = {{0, 100, .1, NAN},
											 {1, 100, .2, NAN},
											 {2, 100, .3, NAN},
											 {3, 100, .4, NAN}};
	static const ResponseLevel few[] = {{0, 100, .1, NAN}, {1, 100, .2, NAN}, {2, 100, .25, NAN}};

	(void) state;
	for (ResponseKind kind = RESPONSE_EXP; kind <= RESPONSE_POWER; kind++)
	{
		ResponseFit fit = response_fit(falling, 3, kind);

		assert_int_equal(fit.status, RESPONSE_NO_RESPONSE);
		assert_true(fit.curve.param[0] == 0.0 && response_slope(&fit.curve, 0.0) == 0.0);
		assert_null(response_curve_problem(&fit.curve));
		assert_int_equal(response_fit(nothing, 3, kind).status, RESPONSE_NO_RESPONSE);

		/* three levels are three parameters: a curve, but no error */
		fit = response_fit(few, 3, kind);
		assert_int_equal(fit.status, RESPONSE_NO_ERROR);
		assert_true(isnan(fit.std_error[0]) && fit.curve.param[0] > 0.0);
	}

	ResponseFit fit = response_fit(straight, 4, RESPONSE_EXP);

	assert_int_equal(fit.status, RESPONSE_NO_SATURATION);
	assert_near(response_slope(&fit.curve, 1.0), 0.1, 0.01);
	assert_true(isnan(fit.std_error[1]) && fit.std_error[0] > 0.0);
}

/* Where all response is there at the lowest spend, a curve that is as steep as can be told; its height is known. */
static void
test_saturated(void **state)
{
	static const ResponseLevel full[] = {{0, 200, .02, .0196},
										 {1, 200, .115, .102},
										 {2, 200, .11, .098},
										 {3, 200, .115, .102},
										 {4, 200, .11, .098}};

	(void) state;
	for (ResponseKind kind = RESPONSE_EXP; kind <= RESPONSE_POWER; kind++)
	{
		ResponseFit fit = response_fit(full, 5, kind);

		assert_int_equal(fit.status, RESPONSE_SATURATED);
		assert_near(response_added(&fit.curve, 4.0), .0925, .05);
		assert_true(fit.std_error[0] > 0.0 && isnan(fit.std_error[1]));
		if (kind != RESPONSE_POWER)
			assert_near(response_added(&fit.curve, 1.0) / fit.curve.param[0], .99, 1e-3);
	}
}

/* The other kinds that may be true have the weights of their likelihoods; of points on a curve there is no other. */
static void
test_others(void **state)
{
	static const ResponseLevel seen[] = {{0, 400, .02, .0196},
										 {1, 400, .12, .1056},
										 {2, 400, .16, .1344},
										 {3, 400, .19, .1539},
										 {4, 400, .20, .16}};
	WeightedCurve others[RESPONSE_KINDS - 1];
	int n_others;
	ResponseFit best = response_fit_best(seen, 5, others, &n_others);
	double likelihoods = 0.0;

	(void) state;
	for (ResponseKind kind = RESPONSE_EXP; kind <= RESPONSE_POWER; kind++)
		likelihoods += exp(-0.5 * response_fit(seen, 5, kind).sse);
	assert_int_equal(n_others, 2);
	for (int i = 0; i < n_others; i++)
	{
		assert_int_not_equal(others[i].curve.kind, best.curve.kind);
		assert_near(others[i].weight, exp(-0.5 * response_fit(seen, 5, others[i].curve.kind).sse) / likelihoods, 1e-9);
	}
	response_fit_best(contacts, LEVELS(contacts), others, &n_others);
	for (int i = 0; i < n_others; i++)
		assert_near(others[i].weight / (1.0 - others[0].weight - (n_others > 1 ? others[1].weight : 0.0)),
					pow(response_fit(contacts, 6, others[i].curve.kind).sse /
							response_fit(contacts, 6, RESPONSE_EXP).sse,
						-3.0),
					1e-9);
}

/* Standard errors by simulation: customers at six levels who respond or do not. */
static void
test_standard_errors(void **state)
{
	const int runs = 1500;
	const double truth[2] = {.2, .7};
	int right[2] = {0, 0};

	(void) state;
	for (int run = 0; run < runs; run++)
	{
		Random random = random_start(32, (uint64_t) run);
		ResponseLevel levels[6];
		ResponseFit fit;

		for (int i = 0; i < 6; i++)
		{
			const double n = 3000.0;
			double rate = .02 + truth[0] * -expm1(-truth[1] * i);
			double seen = 0.0;

			for (int k = 0; k < 3000; k++)
				seen += random_uniform(&random) < rate;
			levels[i] = (ResponseLevel){i, n, seen / n, seen / n * (1.0 - seen / n) * n / (n - 1.0)};
		}
		fit = response_fit(levels, 6, RESPONSE_EXP);
		for (int p = 0; p < 2; p++)
			right[p] +=
				fabs(log(fit.curve.param[p] / truth[p])) <= 1.6448536269514722 * sqrt(fit.curve.covariance[2 * p]);
	}
	print_message("parameters within 90 %% of their distribution: c in %.1f %%, k in %.1f %%\n",
				  100.0 * right[0] / runs, 100.0 * right[1] / runs);
	for (int p = 0; p < 2; p++)
		if (!(right[p] > 0.88 * runs && right[p] < 0.92 * runs))
			fail_msg("parameter %d right in %d of %d", p, right[p], runs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published),       cmocka_unit_test(test_round_trip), cmocka_unit_test(test_slope),
		cmocka_unit_test(test_status),          cmocka_unit_test(test_saturated),  cmocka_unit_test(test_others),
		cmocka_unit_test(test_standard_errors),
	};

	return cmocka_run_group_tests_name("response curves", tests, NULL, NULL);
}
