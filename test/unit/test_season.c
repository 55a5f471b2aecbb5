/*
 * test_season.c
 *	  The clock of a season against the sum of its days, one by one.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/core/season_rule.h"
#include "numerics/quadrature.h"

#define CLOCK_FACTORS (SEASON_PLACES + 1)

/* A clock with its memory. */
typedef struct TestClock
{
	double factor[SEASON_PLACES];
	double before[CLOCK_FACTORS];
	SeasonDay days[4];
	SeasonClock clock;
} TestClock;

static void
make_clock(TestClock *test, SeasonBy by, int n_days)
{
	double mean;

	for (int i = 0; i < season_slots(by); i++)
		test->factor[i] = 0.3 + (i * 7 % 11) / 5.0;
	mean = season_mean(by, test->factor);
	for (int i = 0; i < season_slots(by); i++)
		test->factor[i] /= mean;
	test->days[0] = (SeasonDay){.day = -40, .factor = 3.0};
	test->days[1] = (SeasonDay){.day = 59, .factor = 5.5}; /* 2000-02-29 */
	test->days[2] = (SeasonDay){.day = 60, .factor = 0.25};
	test->days[3] = (SeasonDay){.day = 700, .factor = 2.0};
	test->clock =
		(SeasonClock){.by = by, .factor = test->factor, .before = test->before, .n_days = n_days, .days = test->days};
	season_clock_prepare(&test->clock);
}

/* To the rounding of the sum of a few years, day by day. */
static void
assert_days(double got, double expected)
{
	if (!(fabs(got - expected) <= 1e-11))
		fail_msg("%.17g should be %.17g", got, expected);
}

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Walks the calendar from 1600-01-01 on, a day at a time, the slow way. */
static void
test_calendar(void **state)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t day = -146097;

	(void) state;
	for (int year = 1600; year < 2410; year++)
	{
		int place = 0;

		for (int month = 0; month < 12; month++)
			for (int of_month = 1; of_month <= lengths[month] + (month == 1); of_month++, place++)
			{
				if (month == 1 && of_month == 29 && !is_leap(year))
					continue;
				assert_int_equal(season_slot_of_day(SEASON_BY_DAY, day), place);
				assert_int_equal(season_slot_of_day(SEASON_BY_MONTH, day), month);
				assert_int_equal(season_slot_of_day(SEASON_BY_WEEK, day), place / 7);
				assert_int_equal(season_slot_of_day(SEASON_BY_YEAR, day), 0);
				day++;
			}
	}
	for (int by = 0; by < SEASON_BYS; by++)
		for (int slot = 0; slot <= season_slots((SeasonBy) by); slot++)
		{
			int first = season_first_place((SeasonBy) by, slot);

			if (slot == season_slots((SeasonBy) by))
				assert_int_equal(first, SEASON_PLACES);
			else
				assert_int_equal(season_slot_of_place((SeasonBy) by, first), slot);
			if (first > 0)
				assert_int_equal(season_slot_of_place((SeasonBy) by, first - 1), slot - 1);
		}
}

/* Λ from any day to any other is the sum of the factors of the days between them. */
static void
test_sums(void **state)
{
	TestClock test;

	(void) state;
	for (int by = 0; by < SEASON_BYS; by++)
		for (int n_days = 0; n_days <= 4; n_days += 4)
		{
			make_clock(&test, (SeasonBy) by, n_days);
			assert_near(season_mean((SeasonBy) by, test.factor), 1.0, 1e-15);
			for (int64_t start = -800; start < 1500; start += 97)
			{
				double sum = 0.0;

				for (int64_t day = start; day < start + 1600; day++)
				{
					assert_days(season_between(&test.clock, (double) start, (double) day), sum);
					assert_days(season_between(&test.clock, (double) day, (double) start), -sum);
					assert_days(season_between(&test.clock, (double) start, (double) day + 0.25),
								sum + 0.25 * season_factor(&test.clock, day + 1));
					sum += season_factor(&test.clock, day + 1);
				}
			}
		}
}

/* The inverse of the clock, and where its speed may change. */
static void
test_inverse(void **state)
{
	TestClock test;

	(void) state;
	for (int by = 0; by < SEASON_BYS; by++)
	{
		make_clock(&test, (SeasonBy) by, 4);
		for (double from = -500.0; from < 800.0; from += 41.3)
			for (double amount = 0.0; amount < 5000.0; amount = amount * 3.0 + 0.1)
				assert_near(season_between(&test.clock, from, season_after(&test.clock, from, amount)), amount, 1e-12);
		for (double time = -400.0; time < 1000.0; time += 0.5)
		{
			double change = season_next_change(&test.clock, time);
			double factor = season_factor(&test.clock, (int64_t) floor(time) + 1);

			assert_true(change > time);
			for (int64_t day = (int64_t) floor(time) + 1; day <= (int64_t) change; day++)
				assert_true(season_factor(&test.clock, day) == factor);
		}
	}
	assert_true(isinf(season_after(&test.clock, 0.0, INFINITY)));

	/* days of the table that follow each other with one factor are one run, until the slot's end; others are not */
	make_clock(&test, SEASON_BY_MONTH, 4);
	for (int i = 0; i < 4; i++)
		test.days[i] = (SeasonDay){.day = 28 + i + (i == 3), .factor = 2.0};
	season_clock_prepare(&test.clock);
	/* 2000-01-28 is day 27: 29 to 31 January are 28 to 30, 2 February is 32 */
	assert_true(season_next_change(&test.clock, 26.0) == 27.0);
	assert_true(season_next_change(&test.clock, 27.0) == 30.0);
	assert_true(season_next_change(&test.clock, 28.5) == 30.0);
	assert_true(season_next_change(&test.clock, 30.0) == 31.0);
	assert_true(season_next_change(&test.clock, 31.0) == 32.0);
	test.days[1].factor = 3.0;
	season_clock_prepare(&test.clock);
	assert_true(season_next_change(&test.clock, 27.0) == 28.0);
}

/* Far away it costs the same, and the mean of four hundred years is nearly that of one. */
static void
test_far(void **state)
{
	TestClock test;
	double era;

	(void) state;
	make_clock(&test, SEASON_BY_DAY, 4);
	era = season_between(&test.clock, 1000.0, 1000.0 + 146097.0);
	for (int eras = 1; eras < 1000; eras += 37)
		assert_near(season_between(&test.clock, 1000.0, 1000.0 + eras * 146097.0), eras * era, 1e-13);
	assert_near(era, 400.0 * 365.0 + 97.0 * test.factor[59], 1e-13);
	assert_true(isinf(season_between(&test.clock, 0.0, INFINITY)));

	/* constant factors are the calendar itself, to the bit */
	for (int i = 0; i < SEASON_PLACES; i++)
		test.factor[i] = 1.0;
	test.clock.n_days = 0;
	season_clock_prepare(&test.clock);
	for (double from = -1000.0; from < 1000.0; from += 13.0)
		for (double until = from; until < 4000.0; until += 17.0)
			assert_true(season_between(&test.clock, from, until) == until - from);
}

/* Exposure by slots, against its days. */
static void
test_exposure(void **state)
{
	static const struct
	{
		int64_t from, until;
		double weight;
	} stretches[] = {{-900, -30, 2.0}, {57, 62, 1.0}, {300, 2300, 0.125}, {20, 21, 4.0}, {800, 800, 3.0}};
	SeasonExposure exposure = {0};
	double places[SEASON_PLACES] = {0};

	(void) state;
	for (size_t i = 0; i < sizeof(stretches) / sizeof(*stretches); i++)
	{
		season_expose(&exposure, stretches[i].until, stretches[i].weight);
		season_expose(&exposure, stretches[i].from, -stretches[i].weight);
		for (int64_t day = stretches[i].from + 1; day <= stretches[i].until; day++)
			places[season_slot_of_day(SEASON_BY_DAY, day)] += stretches[i].weight;
	}
	for (int by = 0; by < SEASON_BYS; by++)
	{
		double slots[SEASON_PLACES];
		double expected[SEASON_PLACES] = {0};

		season_exposed(&exposure, (SeasonBy) by, slots);
		for (int place = 0; place < SEASON_PLACES; place++)
			expected[season_slot_of_place((SeasonBy) by, place)] += places[place];
		for (int slot = 0; slot < season_slots((SeasonBy) by); slot++)
			assert_near(slots[slot], expected[slot], 1e-12);
	}
}

/* The population on a clock: the times of the cells are the clock's, and nothing is lost. */
static void
test_population(void **state)
{
	const PopulationCell cells[] = {{2, 14, 35, 1}, {0, 0, 70, 4}, {1, 7, 21, 2},
									{2, 14, 40, 3}, {1, 7, 21, 5}, {2, 28, 35, 1}};
	TestClock test;
	Population *p;
	double t_x[] = {7, 14, 14, 28};
	double T[] = {21, 35, 40, 35};
	size_t seen = 0;

	(void) state;
	make_clock(&test, SEASON_BY_WEEK, 4);
	p = population_build_on(&test_host, cells, 6, 7.0, &test.clock, 80);
	assert_true(p->customers == 16 && p->repeat_orders == 7 + 2 * 5);
	assert_int_equal(p->n_recencies, 4);
	assert_int_equal(p->n_ages, 4);
	assert_int_equal(p->n_cells, 4);
	assert_near(p->ages[0].T, season_between(&test.clock, 10.0, 80.0) / 7.0, 1e-15);
	for (size_t f = 0; f < p->n_frequencies; f++)
		for (size_t i = p->frequencies[f].first_recency; i < p->frequencies[f + 1].first_recency; i++)
			for (size_t k = p->recencies[i].first_cell; k < p->recencies[i + 1].first_cell; k++, seen++)
			{
				double first = 80.0 - T[seen];

				assert_near(p->recencies[i].t_x, season_between(&test.clock, first, first + t_x[seen]) / 7.0, 1e-15);
				assert_near(p->ages[p->cells[k].age].T, season_between(&test.clock, first, 80.0) / 7.0, 1e-15);
			}
	assert_int_equal(seen, 4);
	population_free(p);
}

/* A model whose discounted purchases are known to the rule only by those of some horizons. */
static double
purchases(double u)
{
	return model_expected_transactions(&mbgnbd_model, cdnow_mbgnbd, 0.0, 0.0, 0.0, u / 7.0);
}

/* The same by parts, over every day, by 16 points. */
static double
discounted_by_days(const SeasonClock *clock, double from, double horizon, double delta)
{
	double sum = exp(-delta * horizon) * purchases(season_between(clock, from, from + horizon));

	for (double day = 0.0; day < horizon; day++)
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double w = day + 0.5 * (1.0 + gauss_node[i]);

			sum += 0.5 * gauss_weight[i] * delta * exp(-delta * w) * purchases(season_between(clock, from, from + w));
		}
	return sum;
}

static double
discounted_by_rule(const SeasonClock *clock, double from, double horizon, double delta)
{
	static SeasonRule rule;
	double sum = 0.0;

	season_discount_rule(clock, from, horizon, delta, 7.0 * cdnow_mbgnbd[1], &rule);
	for (int i = 0; i < rule.n; i++)
		sum += rule.weight[i] * purchases(rule.time[i]);
	return sum;
}

static void
test_discount(void **state)
{
	static const double horizons[] = {1.0, 30.0, 365.0, 1500.0};
	static const double deltas[] = {1e-6, 2.6e-4, 0.01};
	static SeasonRule empty;
	TestClock test;

	(void) state;
	for (int by = 0; by < SEASON_BYS; by++)
		for (size_t h = 0; h < 4; h++)
			for (size_t d = 0; d < 3; d++)
			{
				make_clock(&test, (SeasonBy) by, 4);
				assert_near(discounted_by_rule(&test.clock, 31.0, horizons[h], deltas[d]),
							discounted_by_days(&test.clock, 31.0, horizons[h], deltas[d]), 1e-11);
			}

	/* a horizon of no days has nothing, whatever there was in memory before */
	memset(&empty, 0xff, sizeof(empty));
	season_discount_rule(&test.clock, 31.0, 0.0, 0.01, 50.0, &empty);
	for (int i = 0; i < empty.n; i++)
		assert_true(empty.time[i] == 0.0);

	/* without an end: of constant factors the plain model's, also where 400 years are not all */
	make_clock(&test, SEASON_BY_MONTH, 0);
	for (int i = 0; i < 12; i++)
		test.factor[i] = 1.0;
	season_clock_prepare(&test.clock);
	for (size_t d = 0; d < 3; d++)
		assert_near(discounted_by_rule(&test.clock, 31.0, INFINITY, deltas[d]),
					model_discounted_transactions(&mbgnbd_model, cdnow_mbgnbd, 0.0, 0.0, 0.0, INFINITY,
												  7.0 * deltas[d]),
					1e-10);

	/* a discount so high that the end does not matter */
	make_clock(&test, SEASON_BY_WEEK, 4);
	assert_near(discounted_by_rule(&test.clock, 31.0, INFINITY, 0.02),
				discounted_by_days(&test.clock, 31.0, 2000.0, 0.02), 1e-11);
}

/* A long table with large factors loses no digit of what its days say of a short time. */
static void
test_long_table(void **state)
{
	enum
	{
		DAYS = SEASON_MAX_DAYS
	};
	double factor = 1.0;
	double before[2];
	SeasonDay *days = calloc(DAYS, sizeof(SeasonDay));
	SeasonClock clock = {.by = SEASON_BY_YEAR, .factor = &factor, .before = before, .n_days = DAYS, .days = days};

	(void) state;
	/* it adds nearly as many days as a table may */
	for (int i = 0; i < DAYS; i++)
		days[i] = (SeasonDay){.day = i, .factor = 1.0 + SEASON_MOST_ADDED / DAYS * (1.0 - 1e-6) + 1e-3 / (i + 3.0)};
	season_clock_prepare(&clock);
	for (int day = 0; day + 1 < DAYS; day += 97)
		if (!(fabs(season_between(&clock, day, day + 1.0) - days[day + 1].factor) <= 3e-10))
			fail_msg("day %d: %.17g should be %.17g", day, season_between(&clock, day, day + 1.0),
					 days[day + 1].factor);
	free(days);
}

/* Rules for purchases by the calendar: those of a customer who never leaves are the clock's. */
static void
test_purchases(void **state)
{
	static const double horizons[] = {1.0, 30.0, 365.0, 1500.0};
	static const SeasonBend bend = {50.0, INFINITY, 0.0};
	static SeasonRule rule;
	TestClock test;

	(void) state;
	for (int by = 0; by < SEASON_BYS; by++)
		for (size_t h = 0; h < 4; h++)
		{
			double sum = 0.0;
			double left = 0.0;
			double by_days = 0.0;

			make_clock(&test, (SeasonBy) by, 4);
			season_purchase_rule(&test.clock, 31.0, horizons[h], 0.0, &bend, &rule);
			for (int i = 0; i < rule.n; i++)
			{
				sum += rule.weight[i];
				left += rule.weight[i] / (50.0 + rule.time[i]);
			}
			for (double w = 0.0; w < horizons[h]; w++)
				by_days += season_factor(&test.clock, (int64_t) (31.0 + w) + 1) * log1p(1.0 / (50.0 + w));
			assert_near(sum, season_between(&test.clock, 31.0, 31.0 + horizons[h]), 1e-12);
			assert_near(left, by_days, 1e-11);
		}

	/* without an end it is a mean that discounts */
	season_purchase_rule(&season_even, 31.0, INFINITY, 1e-3, &bend, &rule);

	double total = 0.0;

	for (int i = 0; i < rule.n; i++)
		total += rule.weight[i];
	assert_near(total, 1000.0, 1e-11);
}

/* BG/NBD on the clock, against 50 digits. */
static void
test_golden(void **state)
{
	static const double months[] = {0.5, 0.625, 0.75, 0.875, 1.0, 0.75, 0.5, 0.75, 1.0, 1.25, 3.0, 1.5};
	Golden golden = golden_open("bgnbd_season.csv");
	TestClock test;

	(void) state;
	memcpy(test.factor, months, sizeof(months));
	test.clock = (SeasonClock){.by = SEASON_BY_MONTH, .factor = test.factor, .before = test.before};
	season_clock_prepare(&test.clock);
	while (golden_next(&golden))
	{
		const double *params = &golden.field[0];
		double x = golden.field[4];
		double first = golden.field[5];
		double today = golden.field[7];
		double t_x = season_between(&test.clock, first, golden.field[6]) / 7.0;
		double T = season_between(&test.clock, first, today) / 7.0;
		double horizon = season_between(&test.clock, today, today + 365.0) / 7.0;
		PopulationCell cell = {(uint32_t) x, (int32_t) (golden.field[6] - first), (int32_t) (today - first), 1.0};
		Population *one = population_build_on(&test_host, &cell, 1, 7.0, &test.clock, (int32_t) today);

		assert_golden(&golden, "log-likelihood", bgnbd_model.log_likelihood(one, params, NULL, NULL), golden.field[8],
					  1e-12, 1.0);
		assert_golden(&golden, "alive", bgnbd_model.prob_alive(params, x, t_x, T), golden.field[9], 1e-12, 0.0);
		assert_golden(&golden, "expected", model_expected_transactions(&bgnbd_model, params, x, t_x, T, horizon),
					  golden.field[10], 1e-11, 0.0);
		population_free(one);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calendar),   cmocka_unit_test(test_long_table), cmocka_unit_test(test_sums),
		cmocka_unit_test(test_inverse),    cmocka_unit_test(test_far),        cmocka_unit_test(test_exposure),
		cmocka_unit_test(test_population), cmocka_unit_test(test_discount),   cmocka_unit_test(test_purchases),
		cmocka_unit_test(test_golden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
