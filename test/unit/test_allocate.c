/*
 * test_allocate.c
 *	  Allocation of a budget: known answers, a brute-force grid, and by simulation
 *	  how often the stated range holds the best spend.
 */
#include "support.h"

#include <math.h>
#include <time.h>

#include "models/decision/allocate.h"
#include "models/decision/concave.h"
#include "numerics/random.h"

/* A segment whose curve is certain. */
#define SEGMENT(n, worth, shape, first, second, least, most) \
	{ \
		.heads = (n), .value = (worth), .curve = {(shape), {(first), (second)}, {0}}, .min = (least), .max = (most) \
	}

/* One whose curve is not. */
#define UNCERTAIN(n, worth, shape, first, second, least, most, ...) \
	{ \
		.heads = (n), .value = (worth), .curve = {(shape), {(first), (second)}, {__VA_ARGS__}}, .min = (least), \
		.max = (most) \
	}

static const BudgetDraws no_draws = {0, 0, 0.9};

static double
total_value(const BudgetShare *shares, int count)
{
	double sum = 0.0;

	for (int i = 0; i < count; i++)
		sum += shares[i].value;
	return sum;
}

static double
total_spent(const BudgetSegment *segments, const BudgetShare *shares, int count)
{
	double sum = 0.0;

	for (int i = 0; i < count; i++)
		sum += segments[i].heads * shares[i].spend_per_head;
	return sum;
}

/* Three segments whose limits bind at some budgets. */
static void
test_three_segments(void **state)
{
	static const BudgetSegment segments[3] = {SEGMENT(1000, 0.4, RESPONSE_EXP, 60, .15, 0, 8),
											  SEGMENT(4000, 0.4, RESPONSE_EXP, 25, .3, 0, 5),
											  SEGMENT(20000, 0.4, RESPONSE_EXP, 6, .8, .1, 3)};
	static const double expected[3][6] = {/* budget, price, spend per head, value */
										  {3000, 3.09854872, 1, 0, .1, 7033.423939},
										  {20000, 1.54224811, 5.65128453, 2.21790374, .27385503, 42598.834886},
										  {50000, .74968910, 8, 4.62236327, 1.17552735, 76033.256735}};
	BudgetShare shares[3];

	(void) state;
	for (int k = 0; k < 3; k++)
	{
		BudgetOutcome outcome = allocate(segments, 3, expected[k][0], &no_draws, shares, &test_host);

		assert_true(outcome.unspent == 0.0 && isnan(outcome.regret));
		for (int i = 0; i < 3; i++)
			assert_true(fabs(shares[i].spend_per_head - expected[k][2 + i]) < 1e-8);
		assert_near(total_value(shares, 3), expected[k][5], 1e-9);
		assert_near(total_spent(segments, shares, 3), expected[k][0], 1e-14);
		/* the price is the marginal value of those who are not at a limit */
		assert_near(shares[k == 0 ? 0 : 1].marginal_value, expected[k][1], 1e-8);
		if (k < 2)
			assert_true(outcome.earns_less == 0.0);
		else
			assert_near(outcome.earns_less, 11043.71, 1e-6);
	}
	/* more than the maxima allow */
	BudgetOutcome outcome = allocate(segments, 3, 100000, &no_draws, shares, &test_host);

	assert_near(outcome.unspent, 100000.0 - 8000.0 - 20000.0 - 60000.0, 1e-14);
	assert_true(shares[0].spend_per_head == 8.0 && shares[1].spend_per_head == 5.0 && shares[2].spend_per_head == 3.0);
	/* exactly the minima */
	allocate(segments, 3, 2000, &no_draws, shares, &test_host);
	assert_true(shares[0].spend_per_head == 0.0 && shares[1].spend_per_head == 0.0 && shares[2].spend_per_head == .1);
	assert_int_equal(blocks_held, 0);
}

/* Four segments of saturating response without limits. */
static void
test_hill(void **state)
{
	static const BudgetSegment segments[4] = {SEGMENT(1, 1, RESPONSE_HILL, 24000, 4000, 0, INFINITY),
											  SEGMENT(1, 1, RESPONSE_HILL, 11000, 2500, 0, INFINITY),
											  SEGMENT(1, 1, RESPONSE_HILL, 9000, 9000, 0, INFINITY),
											  SEGMENT(1, 1, RESPONSE_HILL, 14400, 1500, 0, INFINITY)};
	static const double spend[4] = {8636.101370244798, 4263.069207849315, 2607.0002606936614, 4493.829161212226};
	BudgetShare shares[4];

	(void) state;
	allocate(segments, 4, 20000, &no_draws, shares, &test_host);
	for (int i = 0; i < 4; i++)
	{
		assert_near(shares[i].spend_per_head, spend[i], 1e-12);
		assert_near(shares[i].marginal_value, .6012360743343819, 1e-12);
	}
	assert_near(total_value(shares, 4), 36154.265249627875, 1e-13);
}

/* Power curves of one exponent share the budget as (value a)^(1 / (1 - e)). */
static void
test_power(void **state)
{
	BudgetSegment segments[3];
	BudgetShare shares[3];
	double sum = 0.0;

	(void) state;
	for (int i = 0; i < 3; i++)
	{
		segments[i] = (BudgetSegment) SEGMENT(1, 2.0 + i, RESPONSE_POWER, 1.0 + i * i, 0.4, 0, INFINITY);
		sum += pow((2.0 + i) * (1.0 + i * i), 1.0 / 0.6);
	}
	allocate(segments, 3, 1000, &no_draws, shares, &test_host);
	for (int i = 0; i < 3; i++)
		assert_near(shares[i].spend_per_head, 1000.0 * pow((2.0 + i) * (1.0 + i * i), 1.0 / 0.6) / sum, 1e-12);
	/* nothing to spend */
	allocate(segments, 3, 0, &no_draws, shares, &test_host);
	assert_true(total_spent(segments, shares, 3) == 0.0 && isinf(shares[0].marginal_value));
}

/*
 * Curves of which some are next to straight: their spend passes from next to nothing to beyond a double within a few
 * thousandths of the price. The budget is spent, all that get something are at one price, and more of it never means
 * that the price rises.
 */
static void
test_steep(void **state)
{
	static const BudgetSegment segments[4] = {SEGMENT(1000, 10, RESPONSE_EXP, .3, 1, 0, INFINITY),
											  SEGMENT(1000, 10, RESPONSE_POWER, .034, .999, 0, INFINITY),
											  SEGMENT(1000, 10, RESPONSE_HILL, .3, 1, 0, INFINITY),
											  SEGMENT(1000, 10, RESPONSE_POWER, .034, .5, 0, INFINITY)};

	(void) state;
	for (double budget = 1e-9, last = INFINITY; budget < 1e12; budget *= 7.0)
	{
		BudgetShare shares[4];
		BudgetOutcome outcome = allocate(segments, 4, budget, &no_draws, shares, &test_host);
		double price = shares[3].marginal_value;

		assert_true(outcome.unspent == 0.0);
		assert_near(total_spent(segments, shares, 4), budget, 1e-12);
		assert_true(price <= last * (1.0 + 1e-12));
		for (int i = 0; i < 3; i++)
			if (shares[i].spend_per_head > 0.0)
				assert_near(shares[i].marginal_value, price, 1e-9);
			else if (segments[i].curve.kind != RESPONSE_POWER)
				assert_true(shares[i].marginal_value <= price * (1.0 + 1e-12));
		last = price;
	}
}

/* Segments that bring nothing, or less than nothing, get their minimum only. */
static void
test_no_use(void **state)
{
	static const BudgetSegment segments[3] = {SEGMENT(100, 1, RESPONSE_EXP, 0, 1, 0.5, 10),
											  SEGMENT(100, -1, RESPONSE_HILL, 5, 1, 0, 10),
											  SEGMENT(0, 1, RESPONSE_EXP, 5, 1, 0, INFINITY)};
	BudgetShare shares[3];
	BudgetOutcome outcome = allocate(segments, 3, 1000, &no_draws, shares, &test_host);

	(void) state;
	assert_true(shares[0].spend_per_head == 0.5 && shares[1].spend_per_head == 0.0);
	assert_near(outcome.unspent, 950.0, 1e-15);
}

static BudgetSegment
random_segment(Random *random)
{
	BudgetSegment segment = {.heads = anywhere_between(random, 10, 10000),
							 .value = anywhere_between(random, 0.1, 10),
							 .curve = {.kind = (ResponseKind) (1 + random_bits(random) % 3)}};

	segment.curve.param[0] = anywhere_between(random, 0.1, 10);
	segment.curve.param[1] =
		segment.curve.kind == RESPONSE_POWER ? 0.1 + 0.8 * random_uniform(random) : anywhere_between(random, 0.1, 5);
	segment.min = random_bits(random) % 2 ? 0.0 : random_uniform(random);
	segment.max = segment.min + 0.5 + 5.0 * random_uniform(random);
	return segment;
}

static double
value_of(const BudgetSegment *segment, double spend)
{
	return segment->heads * segment->value * response_added(&segment->curve, spend);
}

/*
 * A hundred random problems of three segments with limits, against a grid of all
 * ways to spend the budget, refined around its best point: the grid never finds
 * anything better, and comes close.
 */
static void
test_brute_force(void **state)
{
	const int steps = 100;
	double worst = 0.0;

	(void) state;
	for (int problem = 0; problem < 100; problem++)
	{
		Random random = random_start(41, (uint64_t) problem);
		BudgetSegment s[3];
		BudgetShare shares[3];
		double least = 0.0, most = 0.0, budget, best = -INFINITY, at[2] = {0, 0}, low[2], high[2];

		for (int i = 0; i < 3; i++)
		{
			s[i] = random_segment(&random);
			least += s[i].heads * s[i].min;
			most += s[i].heads * s[i].max;
		}
		budget = least + (most - least) * random_uniform(&random);
		allocate(s, 3, budget, &no_draws, shares, &test_host);
		assert_near(total_spent(s, shares, 3), budget, 1e-12);
		for (int i = 0; i < 3; i++)
			assert_true(shares[i].spend_per_head >= s[i].min && shares[i].spend_per_head <= s[i].max);

		/* each of the three in turn gets what the other two leave, so that every limit is on a grid */
		for (int rest = 0; rest < 3; rest++)
		{
			const BudgetSegment *a = &s[(rest + 1) % 3], *b = &s[(rest + 2) % 3], *c = &s[rest];

			low[0] = a->min;
			high[0] = a->max;
			low[1] = b->min;
			high[1] = b->max;
			for (int round = 0; round < 5; round++)
			{
				double best_here = -INFINITY;

				for (int i = 0; i <= steps; i++)
					for (int k = 0; k <= steps; k++)
					{
						double x = low[0] + (high[0] - low[0]) * i / steps;
						double y = low[1] + (high[1] - low[1]) * k / steps;
						double z = (budget - a->heads * x - b->heads * y) / c->heads;
						double value;

						if (z < c->min || z > c->max)
							continue;
						value = value_of(a, x) + value_of(b, y) + value_of(c, z);
						if (value > best_here)
						{
							best_here = value;
							at[0] = x;
							at[1] = y;
						}
					}
				if (isinf(best_here))
					break;
				best = fmax(best, best_here);
				for (int i = 0; i < 2; i++)
				{
					double width = (high[i] - low[i]) / 8.0;

					low[i] = fmax(low[i], at[i] - width);
					high[i] = fmin(high[i], at[i] + width);
				}
			}
		}
		worst = larger_error(worst, 1.0 - best / total_value(shares, 3));
		if (!(best <= total_value(shares, 3) * (1.0 + 1e-12) && best >= total_value(shares, 3) * (1.0 - 1e-4)))
			fail_msg("problem %d: the grid's best is %.12g, the allocation's value %.12g", problem, best,
					 total_value(shares, 3));
	}
	print_message("the grid's best of 100 problems is at most %.2g below the allocation\n", worst);
}

/* With draws: the mean over curves is what is largest, by comparison with moves between two segments. */
static void
test_draws(void **state)
{
	static const BudgetDraws draws = {400, 5, 0.9};
	static const BudgetSegment segments[2] = {UNCERTAIN(1000, 1.0, RESPONSE_EXP, 10, .5, 0, INFINITY, .04, -.02, .09),
											  UNCERTAIN(3000, 1.0, RESPONSE_HILL, 4, 2, 0, INFINITY, .01, .005, .16)};
	BudgetShare shares[2], again[2], certain[2];
	BudgetOutcome outcome = allocate(segments, 2, 5000, &draws, shares, &test_host);

	(void) state;
	allocate(segments, 2, 5000, &draws, again, &test_host);
	assert_memory_equal(shares, again, sizeof(shares));
	assert_near(total_spent(segments, shares, 2), 5000, 1e-12);
	assert_near(shares[0].marginal_value, shares[1].marginal_value, 1e-9);
	assert_true(outcome.regret > 0.0 && outcome.regret < 0.05 * total_value(shares, 2));
	for (int i = 0; i < 2; i++)
		assert_true(shares[i].low < shares[i].spend_per_head && shares[i].spend_per_head < shares[i].high);

	/* the certain allocation is another, and worth less in the mean of the draws: its own regret is larger */
	allocate(segments, 2, 5000, &no_draws, certain, &test_host);
	assert_true(fabs(certain[0].spend_per_head - shares[0].spend_per_head) > 1e-3);

	BudgetSegment fixed[2] = {segments[0], segments[1]};
	BudgetShare at_certain[2];

	for (int i = 0; i < 2; i++)
		fixed[i].min = fixed[i].max = certain[i].spend_per_head;
	allocate(fixed, 2, 5000, &draws, at_certain, &test_host);
	assert_true(total_value(at_certain, 2) < total_value(shares, 2));
	assert_int_equal(blocks_held, 0);
}

/* The range of the best spend, stated 90 %: three segments, each with its own experiment of six levels. */
static void
test_coverage(void **state)
{
	static const BudgetSegment truth[3] = {SEGMENT(1000, 20, RESPONSE_EXP, .20, .7, 0, INFINITY),
										   SEGMENT(3000, 20, RESPONSE_EXP, .10, .9, 0, INFINITY),
										   SEGMENT(2000, 20, RESPONSE_EXP, .15, .5, 0, INFINITY)};
	const int runs = 800;
	BudgetShare best[3];
	int right = 0;
	double regret = 0.0, lost = 0.0;

	(void) state;
	allocate(truth, 3, 9000, &no_draws, best, &test_host);
	for (int run = 0; run < runs; run++)
	{
		Random random = random_start(42, (uint64_t) run);
		BudgetSegment seen[3];
		BudgetShare shares[3];
		BudgetDraws draws = {200, (uint64_t) run, 0.9};

		for (int s = 0; s < 3; s++)
		{
			ResponseLevel levels[6];

			for (int i = 0; i < 6; i++)
			{
				const double n = 2000.0;
				double rate = .02 + response_added(&truth[s].curve, i);
				double responses = 0.0;

				for (int k = 0; k < 2000; k++)
					responses += random_uniform(&random) < rate;
				levels[i] = (ResponseLevel){i, n, responses / n, responses / n * (1.0 - responses / n) * n / (n - 1.0)};
			}
			seen[s] = truth[s];
			seen[s].curve = response_fit(levels, 6, RESPONSE_EXP).curve;
		}
		regret += allocate(seen, 3, 9000, &draws, shares, &test_host).regret;
		for (int s = 0; s < 3; s++)
		{
			right += shares[s].low <= best[s].spend_per_head && best[s].spend_per_head <= shares[s].high;
			lost += best[s].value - value_of(&truth[s], shares[s].spend_per_head);
		}
	}
	print_message("range of the best spend: stated 90 %%, right in %.1f %%; regret stated %.0f, true %.0f\n",
				  100.0 * right / (3 * runs), regret / runs, lost / runs);
	if (!(right > 0.88 * 3 * runs && right < 0.92 * 3 * runs))
		fail_msg("right in %d of %d", right, 3 * runs);
	if (!(regret > 0.7 * lost && regret < 1.4 * lost))
		fail_msg("regret %.3f, truly %.3f", regret / runs, lost / runs);
}

/* Any budget of many segments is met to 1e-9, quickly. */
static void
test_many_segments(void **state)
{
	enum
	{
		COUNT = 1000,
		BUDGETS = 50,
	};
	static BudgetSegment segments[COUNT];
	static BudgetShare shares[COUNT];
	Random random = random_start(43, 0);
	double least = 0.0, most = 0.0;
	clock_t begin;

	(void) state;
	for (int i = 0; i < COUNT; i++)
	{
		segments[i] = random_segment(&random);
		least += segments[i].heads * segments[i].min;
		most += segments[i].heads * segments[i].max;
	}
	begin = clock();
	for (int k = 0; k < BUDGETS; k++)
	{
		double budget = least + (most - least) * (k + 0.5) / BUDGETS;

		allocate(segments, COUNT, budget, &no_draws, shares, &test_host);
		assert_near(total_spent(segments, shares, COUNT), budget, 1e-9);
	}
	print_message("1000 segments are allocated in %.2f ms\n",
				  1000.0 * (double) (clock() - begin) / CLOCKS_PER_SEC / BUDGETS);
}

/* What a price leaves of the best of some choices, or of none. */
static double
best_at_price(const double *costs, const double *gains, const int *chosen, int count, double price)
{
	double best = 0.0;

	for (int i = 0; i < count; i++)
	{
		int choice = chosen == NULL ? i : chosen[i];

		best = fmax(best, gains[choice] - price * costs[choice]);
	}
	return best;
}

/* At every price the hull has a choice as good as any; and from one to the next gain per cost falls. */
static void
test_concave_choices(void **state)
{
	Random random = random_start(9, 0);

	(void) state;
	for (int run = 0; run < 2000; run++)
	{
		double costs[8];
		double gains[8];
		int chosen[8];
		int count = 1 + run % 8;
		double last = INFINITY;
		int kept;

		for (int i = 0; i < count; i++)
		{
			/* some for nothing, some at the same cost, some that bring nothing */
			costs[i] = (i > 0 ? costs[i - 1] : 0.0) + floor(3.0 * random_uniform(&random));
			gains[i] = floor(20.0 * random_uniform(&random)) - 2.0;
			if (i > 0 && costs[i] == costs[i - 1])
				gains[i] = fmin(gains[i], gains[i - 1]);
		}
		kept = concave_choices(costs, gains, count, chosen);
		for (int i = 0; i < kept; i++)
		{
			double cost = costs[chosen[i]] - (i > 0 ? costs[chosen[i - 1]] : 0.0);
			double gain = gains[chosen[i]] - (i > 0 ? gains[chosen[i - 1]] : 0.0);

			assert_true(i == 0 || chosen[i] > chosen[i - 1]);
			assert_true(gain > 0.0 && (cost > 0.0 || i == 0));
			assert_true(cost == 0.0 || gain / cost <= last * (1.0 + 1e-12));
			if (cost > 0.0)
				last = gain / cost;
		}
		for (double price = 0.0; price < 25.0; price += 0.25)
			assert_true(best_at_price(costs, gains, chosen, kept, price) >=
						best_at_price(costs, gains, NULL, count, price) - 1e-12);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_concave_choices), cmocka_unit_test(test_three_segments), cmocka_unit_test(test_hill),
		cmocka_unit_test(test_power),           cmocka_unit_test(test_steep),          cmocka_unit_test(test_no_use),
		cmocka_unit_test(test_brute_force),     cmocka_unit_test(test_draws),          cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_many_segments),
	};

	return cmocka_run_group_tests_name("allocation", tests, NULL, NULL);
}
