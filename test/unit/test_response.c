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

/* Levels 0, 1, ... of so many customers each, who respond with these probabilities. */
static void
draw_levels(Random *random, const double *rates, int count, int heads, ResponseLevel *levels)
{
	for (int i = 0; i < count; i++)
	{
		double n = heads;
		double seen = 0.0;

		for (int k = 0; k < heads; k++)
			seen += random_uniform(random) < rates[i];
		levels[i] = (ResponseLevel){i, n, seen / n, seen / n * (1.0 - seen / n) * n / (n - 1.0)};
	}
}

/* The share of experiments whose curve is told to fit poorly; by means alone, or with the variance of heads. */
static double
poor_share(const double *rates, int count, int heads, ResponseKind kind, bool means, uint64_t seed)
{
	const int runs = 1000;
	int poor = 0;

	for (int run = 0; run < runs; run++)
	{
		Random random = random_start(seed, (uint64_t) run);
		ResponseLevel levels[8];
		ResponseFit fit;

		draw_levels(&random, rates, count, heads, levels);
		for (int i = 0; means && i < count; i++)
			levels[i].variance = NAN;
		fit = kind == 0 ? response_fit_best(levels, count, NULL, NULL) : response_fit(levels, count, kind);
		poor += fit.status == RESPONSE_POOR_FIT;
		assert_int_equal(fit.status == RESPONSE_POOR_FIT, fit.fit_prob < RESPONSE_POOR_PROB);
		assert_null(response_curve_problem(&fit.curve));
	}
	return (double) poor / runs;
}

/*
 * Experiments on curves of each kind: a curve of that kind is told to fit poorly in about five of a hundred (the best
 * of the three in fewer), with few customers as with many; four standard errors of the simulation are 2.8 %.
 */
static void
test_false_alarms(void **state)
{
	static const int heads[] = {60, 200, 1000};

	(void) state;
	for (ResponseKind kind = RESPONSE_EXP; kind <= RESPONSE_POWER; kind++)
	{
		ResponseCurve curve = {kind, {kind == RESPONSE_POWER ? .08 : .2, kind == RESPONSE_HILL ? 1.5 : .6}, {0}};
		double rates[6];

		for (int i = 0; i < 6; i++)
			rates[i] = .02 + response_added(&curve, i);
		for (int h = 0; h < LEVELS(heads); h++)
		{
			double own = poor_share(rates, 6, heads[h], kind, false, 41);
			double best = poor_share(rates, 6, heads[h], 0, false, 41);
			double means = poor_share(rates, 6, heads[h], kind, true, 41);

			print_message("%s, %d customers a level: %.1f %%, of the best kind %.1f %%, by means alone %.1f %%\n",
						  response_kind_names[kind], heads[h], 100.0 * own, 100.0 * best, 100.0 * means);
			assert_true(own >= .02 && own <= .078);
			assert_true(best <= .078);
			assert_true(means <= .078);
		}
	}
	/* nor of a response that does not depend on spend, or falls */
	static const double flat[6] = {.1, .1, .1, .1, .1, .1};
	static const double falls[6] = {.1, .08, .07, .06, .05, .05};

	assert_true(poor_share(flat, 6, 1000, 0, false, 42) <= .078);
	assert_true(poor_share(falls, 6, 1000, 0, false, 42) <= .01);
}

/* A threshold, and a rise that a fall follows, are no curves: experiments of 1,000 customers a level say so. */
static void
test_poor_fit(void **state)
{
	static const double threshold[6] = {.02, .02, .02, .10, .10, .10};
	static const double hump[6] = {.02, .06, .10, .06, .02, .01};
	static const double late_hump[8] = {.02, .04, .06, .08, .10, .07, .04, .02};
	double found;
	ResponseLevel levels[6];
	Random random = random_start(43, 0);
	ResponseFit fit;
	WeightedCurve others[RESPONSE_KINDS - 1];
	int n_others;

	(void) state;
	for (ResponseKind kind = 0; kind <= RESPONSE_POWER; kind++)
	{
		assert_true(poor_share(threshold, 6, 1000, kind, false, 44) > .99);
		assert_true(poor_share(hump, 6, 1000, kind, false, 44) > .99);
	}
	assert_true(poor_share(threshold, 6, 200, 0, false, 45) > .6);
	/* means alone tell the fall of enough levels, and no threshold */
	found = poor_share(late_hump, 8, 1000, 0, true, 46);
	print_message("a rise and a fall, by means of eight levels alone: %.1f %%\n", 100.0 * found);
	assert_true(found > .5);

	/* what is not known of such a curve grows by how far the levels are from it */
	draw_levels(&random, threshold, 6, 1000, levels);
	fit = response_fit_best(levels, 6, others, &n_others);
	assert_int_equal(fit.status, RESPONSE_POOR_FIT);
	assert_true(fit.dispersion > 2.0);
	for (int i = 0; i < 6; i++)
		levels[i].mean = threshold[i], levels[i].variance = threshold[i] * (1.0 - threshold[i]);
	assert_near(fit.std_error[0] / response_fit(levels, 6, fit.curve.kind).std_error[0], 1.0, .5);
	assert_true(response_fit(levels, 6, RESPONSE_EXP).curve.covariance[0] > 0.0);

	/* levels that a large experiment tells from the curve, but are as good as on it, fit */
	for (int i = 0; i < 6; i++)
		levels[i] = (ResponseLevel){i, 1e9, .02 + .2 * -expm1(-.7 * i) + (i % 2 ? 1e-4 : -1e-4), .1};
	assert_int_equal(response_fit(levels, 6, RESPONSE_EXP).status, RESPONSE_OK);
}

/* All heads of a level respond alike: what no curve explains is told, as with one head that differs, if they are many. */
static void
test_alike(void **state)
{
	static const double peak[5] = {0.0, 0.0, 1.0, 0.0, 0.0};
	static const double threshold[5] = {0.0, 0.0, 0.0, 20.0, 20.0};
	static const double falls[5] = {1.0, 0.0, 0.0, 0.0, 0.0};
	static const struct
	{
		const double *means;
		double heads;
		bool poor;
	} cases[] = {{peak, 100, true},     {peak, 1, false},    {threshold, 100, true},
				 {threshold, 2, false}, {falls, 100, false}, {falls, 2, false}};

	(void) state;
	for (int c = 0; c < LEVELS(cases); c++)
		for (ResponseKind kind = RESPONSE_EXP; kind <= RESPONSE_POWER; kind++)
		{
			ResponseLevel levels[5];
			ResponseCurve curve = {.kind = kind, .param = {2.0, 0.7}};
			ResponseFit fit;

			for (int i = 0; i < 5; i++)
				levels[i] = (ResponseLevel){i, cases[c].heads, cases[c].means[i], 0.0};
			fit = response_fit(levels, 5, kind);
			assert_int_equal(fit.status == RESPONSE_POOR_FIT, cases[c].poor);
			/* levels on a curve fit, however alike their heads are */
			for (int i = 0; i < 5; i++)
				levels[i].mean = response_added(&curve, i);
			assert_int_equal(response_fit(levels, 5, kind).status, RESPONSE_OK);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published),       cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_slope),
		cmocka_unit_test(test_status),          cmocka_unit_test(test_saturated),    cmocka_unit_test(test_others),
		cmocka_unit_test(test_standard_errors), cmocka_unit_test(test_false_alarms), cmocka_unit_test(test_poor_fit),
		cmocka_unit_test(test_alike),
	};

	return cmocka_run_group_tests_name("response curves", tests, NULL, NULL);
}
