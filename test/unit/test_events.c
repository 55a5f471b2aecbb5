/*
 * test_events.c
 *	  Effects of events, changes of rates and of mixes: values computed apart, p of the
 *	  search for a change, recovery of known effects, and coverage.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/decision/events.h"
#include "numerics/random.h"
#include "numerics/tails.h"
#include "support.h"

#define CLOSE(value, expected, tolerance) assert_true(fabs((value) - (expected)) <= (tolerance))

static void
effects_of_events(void **state)
{
	RateRatio ratio = rate_ratio((RateData){40, 18000}, (RateData){45, 9000}, 0.95);
	RatioEffect effect =
		ratio_effect((RateData){40, 18000}, (RateData){45, 9000}, (RateData){200, 90000}, (RateData){105, 45000}, 0.95);

	(void) state;
	CLOSE(ratio.ratio, 2.25, 1e-14);
	CLOSE(ratio.low, 1.43675829, 5e-9);
	CLOSE(ratio.high, 3.53493573, 5e-9);
	CLOSE(effect.effect, 2.14285714, 5e-9);
	CLOSE(effect.low, 1.31668014, 5e-9);
	CLOSE(effect.high, 3.48743525, 5e-9);
	CLOSE(effect.p, 0.00216135, 5e-9);
	assert_false(effect.added_half);

	effect = ratio_effect((RateData){0, 100}, (RateData){3, 100}, (RateData){5, 100}, (RateData){5, 100}, 0.9);
	assert_true(effect.added_half);
	CLOSE(effect.effect, 7.0, 1e-12);
	assert_true(isnan(
		ratio_effect((RateData){0, 100}, (RateData){0, 100}, (RateData){5, 100}, (RateData){5, 100}, 0.9).effect));
	ratio = rate_ratio((RateData){0, 100}, (RateData){3, 100}, 0.9);
	assert_true(isinf(ratio.high) && ratio.low > 0.0);
	ratio = rate_ratio((RateData){3, 100}, (RateData){0, 100}, 0.9);
	assert_true(ratio.low == 0.0 && ratio.high > 0.0 && ratio.high < 2.0);
	assert_true(isnan(rate_ratio((RateData){0, 100}, (RateData){0, 100}, 0.9).ratio));
}

static const int changed[] = {20,  55,  90,  118, 160, 190, 226, 239, 243, 247,
							  252, 256, 259, 265, 270, 274, 278, 283, 288, 295};
static const int steady[] = {12, 40, 75, 101, 140, 171, 200, 231, 240, 249, 255, 262, 270, 275, 284, 290};

static void
changes_of_a_rate(void **state)
{
	RateChange change = rate_change(changed, 20, 300, 0.1);

	(void) state;
	CLOSE(change.log_lr, 9.16807499, 5e-9);
	assert_int_equal(change.changed, 238);
	CLOSE(change.rate_before, 7.0 / 238.0, 1e-15);
	CLOSE(change.rate_after, 13.0 / 62.0, 1e-15);
	/* 0.0003 from ten thousand simulations, 0.0005 from a million */
	assert_true(change.p > 0.0003 && change.p < 0.0006);
	CLOSE(change.log_bayes_factor, 4.53020267, 5e-9);
	CLOSE(change.prob, 0.91157169, 5e-9);

	change = rate_change(steady, 16, 300, 0.1);
	CLOSE(change.log_lr, 3.99247994, 5e-9);
	assert_int_equal(change.changed, 230);
	CLOSE(change.p, 0.076, 0.001);
	CLOSE(change.prob, 0.19463, 5e-6);

	assert_true(isnan(rate_change(steady, 1, 300, 0.1).p));
	assert_true(isnan(rate_change(steady, 0, 300, 0.1).p));
	assert_true(isnan(rate_change(steady, 0, 0, 0.1).p));
}

static int
compare_ints(const void *left, const void *right)
{
	return *(const int *) left - *(const int *) right;
}

/* So many orders, of which a share is in the last quarter of the days. */
static RateChange
simulated(Random *random, int count, int days, double late)
{
	int orders[256] = {0};

	for (int i = 0; i < count; i++)
	{
		bool is_late = random_uniform(random) < late;

		orders[i] = is_late ? (int) ceil(days * (0.75 + 0.25 * random_uniform(random)))
							: (int) ceil(days * 0.75 * random_uniform(random));
	}
	qsort(orders, count, sizeof(int), compare_ints);
	return rate_change(orders, count, days, 0.1);
}

/* Without a change p is below 5 % as often as it says, however many orders and days there are. */
static void
p_allows_for_the_search(void **state)
{
	static const int cases[][2] = {{4, 365}, {6, 365}, {16, 300}, {30, 730}, {50, 365}, {50, 3650}, {150, 1000}};
	Random random = random_start(23, 5);

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		int below = 0;
		int trials = 8000;

		for (int trial = 0; trial < trials; trial++)
			below += simulated(&random, cases[i][0], cases[i][1], 0.25).p < 0.05;
		print_message("%d orders in %d days: %.4f\n", cases[i][0], cases[i][1], (double) below / trials);
		/* four standard errors above, and some more below: few orders have few ratios */
		assert_true(below <= trials * (0.05 + 4.0 * sqrt(0.05 * 0.95 / trials)));
		assert_true(below >= trials * 0.035);
	}
}

/* A change that is there is found, and its day. */
static void
changes_are_found(void **state)
{
	Random random = random_start(23, 6);
	int found = 0;
	int near_day = 0;

	(void) state;
	for (int trial = 0; trial < 1000; trial++)
	{
		RateChange change = simulated(&random, 40, 400, 0.7);

		found += change.p < 0.01 && change.prob > 0.9;
		near_day += abs(change.changed - 300) <= 20;
	}
	assert_true(found > 950);
	assert_true(near_day > 850);
}

/*
 * Who ordered every week and stopped, or began to, is at the edge until the day of it is searched, whichever weekday
 * that is: then it is the day of the change.
 */
static void
changes_at_the_edge(void **state)
{
	static const int shapes[][2] = {{10, 200}, {20, 365}, {40, 400}, {150, 1000}};
	Random random = random_start(23, 7);
	int weekly[95];

	(void) state;
	for (int days = 95 * 7 + 21; days < 95 * 7 + 200; days++)
	{
		RateChange stopped;
		RateChange began;
		bool is_searched;

		for (int i = 0; i < 95; i++)
			weekly[i] = 7 * (i + 1);
		stopped = rate_change(weekly, 95, days, 0.1);
		is_searched = 95 * 7 <= 0.9 * days;
		assert_int_equal(stopped.at_edge, !is_searched);
		if (is_searched)
			assert_true(stopped.changed == 95 * 7 && stopped.rate_after == 0.0);
		for (int i = 0; i < 95; i++)
			weekly[i] += days - 95 * 7;
		began = rate_change(weekly, 95, days, 0.1);
		is_searched = days - 95 * 7 + 6 >= 0.1 * days;
		assert_int_equal(began.at_edge, !is_searched);
		if (is_searched)
			assert_true(began.changed == days - 95 * 7 + 6 && began.rate_before == 0.0);
	}

	/* a change within is seldom taken for one at the edge */
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
	{
		int seen = 0;
		int at_edge = 0;

		for (int trial = 0; trial < 4000; trial++)
		{
			RateChange change = simulated(&random, shapes[i][0], shapes[i][1], 0.7);

			seen += change.p < 0.05;
			at_edge += change.p < 0.05 && change.at_edge;
		}
		print_message("%d orders in %d days: %d changes, at the edge %.4f\n", shapes[i][0], shapes[i][1], seen,
					  (double) at_edge / seen);
		assert_true(seen > 1000 && at_edge <= 0.05 * seen);
	}
}

/* Long gaps are integrated: that is what going through all their days gives, and takes no longer. */
static void
long_histories(void **state)
{
	int orders[20];
	RateChange change;
	double sum = 0.0;
	int days = 40000;
	double scale = days / 20.0;

	(void) state;
	for (int i = 0; i < 20; i++)
		orders[i] = changed[i] * days / 300;
	change = rate_change(orders, 20, days, 0.1);
	for (int day = days / 10; day <= days / 10 * 9; day++)
	{
		int n = 0;

		while (n < 20 && orders[n] <= day)
			n++;
		sum += exp(lgamma(1.0 + n) + lgamma(21.0 - n) - lgamma(21.0) - (1.0 + n) * log1p(day / scale) -
				   (21.0 - n) * log1p((days - day) / scale) + 21.0 * log1p(days / scale));
	}
	CLOSE(sum * exp(-change.log_bayes_factor), days / 10 * 8 + 1, 1e-6 * days);
	for (int i = 0; i < 20; i++)
		orders[i] = changed[i] * 7000000;
	change = rate_change(orders, 20, 2100000000, 0.1);
	CLOSE(change.log_bayes_factor, 4.5, 0.1);
}

static void
changes_of_a_mix(void **state)
{
	const double before[] = {8, 5, 7, 0};
	const double after[] = {3, 4, 2, 6};
	const double padded_before[] = {8, 0, 5, 7, 0};
	const double padded_after[] = {3, 0, 4, 2, 6};
	const double none[] = {0, 0, 0, 0};
	MixChange change = mix_change(before, after, 4);

	(void) state;
	CLOSE(change.g, 13.01258976, 5e-9);
	CLOSE(change.df, 3.0, 0.0);
	CLOSE(change.p, 0.00460946, 5e-9);
	CLOSE(change.log_bayes_factor, 3.26077190, 5e-9);
	/* categories that nobody bought are none */
	CLOSE(mix_change(padded_before, padded_after, 5).log_bayes_factor, change.log_bayes_factor, 1e-14);
	assert_true(isnan(mix_change(before, none, 4).g));
	assert_true(isnan(mix_change(before, before, 1).p));
}

/* Intervals of an effect of 1.5 hold it as often as they say. */
static void
effects_are_recovered(void **state)
{
	Random random = random_start(6, 6);
	const double means[] = {60, 60 * 1.5 * 1.2, 300, 300 * 1.2};
	int covered = 0;
	int trials = 4000;

	(void) state;
	for (int trial = 0; trial < trials; trial++)
	{
		RateData data[4];
		RatioEffect effect;

		for (int i = 0; i < 4; i++)
		{
			double sum = random_exponential(&random);

			data[i] = (RateData){0, 1000};
			for (; sum <= means[i]; data[i].orders++)
				sum += random_exponential(&random);
		}
		effect = ratio_effect(data[0], data[1], data[2], data[3], 0.9);
		covered += effect.low <= 1.5 && 1.5 <= effect.high;
	}
	print_message("covered %.4f\n", (double) covered / trials);
	CLOSE((double) covered / trials, 0.9, 0.02);
}

/* So many orders of a Poisson count. */
static double
orders_of(Random *random, double mean)
{
	double count = 0.0;

	for (double sum = random_exponential(random); sum <= mean; sum += random_exponential(random))
		count++;
	return count;
}

static const double nobody_again[16] = {0};

/*
 * Where customers differ in how often they order, and leave, intervals by customer hold the effect in nine of ten
 * studies; those of Poisson counts in far fewer.
 */
static void
effects_by_customer_cover(void **state)
{
	const int sizes[] = {60, 150, 600};
	const double shapes[] = {0.25, 0.6, 2.0};

	(void) state;
	for (int shape = 0; shape < 3; shape++)
		for (int size = 0; size < 3; size++)
		{
			Random random = random_start(10, 10 * shape + size);
			int n = sizes[size];
			int studies = 0;
			int covered = 0;
			int counts = 0;

			for (int trial = 0; trial < 120000 / n; trial++)
			{
				RateData data[4] = {{0, n * 180.0}, {0, n * 90.0}, {0, n * 180.0}, {0, n * 90.0}};
				double products[16] = {0};
				RatioEffect plain;
				RatioEffect clustered;

				for (int i = 0; i < n; i++)
				{
					double x[4];

					for (int side = 0; side < 4; side += 2)
					{
						double rate = random_gamma(&random, shapes[shape]) / shapes[shape] / 50.0;
						double life = 300.0 * random_exponential(&random);

						x[side] = orders_of(&random, rate * fmin(180.0, life));
						x[side + 1] = orders_of(&random, rate * fmax(0.0, fmin(90.0, life - 194.0)));
					}
					for (int a = 0; a < 4; a++)
					{
						data[a].orders += x[a];
						for (int b = 0; b < 4; b++)
							products[4 * a + b] += x[a] * x[b];
					}
				}
				plain = ratio_effect(data[0], data[1], data[2], data[3], 0.9);
				if (isnan(plain.effect) || plain.added_half)
					continue;
				clustered = ratio_effect_of_clusters(plain.ln_effect, data, products, nobody_again, 4, n, 0.9);
				studies++;
				covered += clustered.low <= 1.0 && 1.0 <= clustered.high;
				counts += plain.low <= 1.0 && 1.0 <= plain.high;
			}
			print_message("%d customers, shape %g: covered %.3f, as counts %.3f\n", n, shapes[shape],
						  (double) covered / studies, (double) counts / studies);
			/* three standard errors of the simulation below 0.88 and above 0.92 */
			CLOSE((double) covered / studies, 0.9, 0.02 + 3.0 * sqrt(0.09 / studies));
			assert_true(counts < covered);
		}
}

/* Orders of a customer who joined at some time, in the windows around a day. */
typedef struct Person
{
	double rate;
	double joined;
	double left;
	int orders;
	double order[400];
} Person;

static Person
person(Random *random, double shape)
{
	Person drawn = {.rate = random_gamma(random, shape) / shape / 50.0};

	drawn.joined = 700.0 * random_uniform(random) - 350.0;
	drawn.left = drawn.joined + 600.0 * random_exponential(random);
	for (double at = drawn.joined; drawn.orders < 400; drawn.orders++)
	{
		at += random_exponential(random) / drawn.rate;
		if (!(at < fmin(drawn.left, 1200.0)))
			break;
		drawn.order[drawn.orders] = at;
	}
	return drawn;
}

static void
orders_around(const Person *one, double day, double *before, double *after)
{
	*before = *after = 0.0;
	for (int i = 0; i < one->orders; i++)
	{
		*before += one->order[i] >= day - 194.0 && one->order[i] < day - 14.0;
		*after += one->order[i] >= day && one->order[i] < day + 90.0;
	}
}

/*
 * Events without an effect at days of two months, five customers matched to each, who are drawn with replacement from a
 * pool: of as many as there are uses, or of so few that each serves fifty times. The intervals that allow for it hold
 * none in nine of ten studies, those by event alone in fewer where the pool is small.
 */
static void
customers_who_count_again(void **state)
{
	static const int pools[] = {30, 100, 400, 3000};
	static Person controls[3000];
	const int events = 300;

	(void) state;
	for (int size = 0; size < 4; size++)
	{
		Random random = random_start(12, size);
		int covered = 0;
		int by_event = 0;
		int studies = 0;

		for (int trial = 0; trial < 800; trial++)
		{
			RateData data[4] = {{0, events * 180.0}, {0, events * 90.0}, {0, events * 900.0}, {0, events * 450.0}};
			double products[16] = {0};
			double again[16] = {0};
			static double uses[3000][2];
			RatioEffect plain;
			RatioEffect two_way;
			RatioEffect one_way;

			memset(uses, 0, sizeof(uses));
			for (int i = 0; i < pools[size]; i++)
				controls[i] = person(&random, 0.6);
			for (int e = 0; e < events; e++)
			{
				Person own = person(&random, 0.6);
				double day = 500.0 + 60.0 * random_uniform(&random);
				double x[4] = {0.0, 0.0, 0.0, 0.0};

				orders_around(&own, day, &x[0], &x[1]);
				for (int m = 0; m < 5; m++)
				{
					int who = (int) (random_uniform(&random) * pools[size]);
					double of_one[2];

					orders_around(&controls[who], day, &of_one[0], &of_one[1]);
					for (int a = 0; a < 2; a++)
					{
						x[2 + a] += of_one[a];
						uses[who][a] += of_one[a];
						for (int b = 0; b < 2; b++)
							again[4 * (2 + a) + 2 + b] -= of_one[a] * of_one[b];
					}
				}
				for (int a = 0; a < 4; a++)
				{
					data[a].orders += x[a];
					for (int b = 0; b < 4; b++)
						products[4 * a + b] += x[a] * x[b];
				}
			}
			for (int i = 0; i < pools[size]; i++)
				for (int a = 0; a < 2; a++)
					for (int b = 0; b < 2; b++)
						again[4 * (2 + a) + 2 + b] += uses[i][a] * uses[i][b];
			plain = ratio_effect(data[0], data[1], data[2], data[3], 0.9);
			if (isnan(plain.effect) || plain.added_half)
				continue;
			two_way = ratio_effect_of_clusters(plain.ln_effect, data, products, again, 4, events, 0.9);
			one_way = ratio_effect_of_clusters(plain.ln_effect, data, products, nobody_again, 4, events, 0.9);
			studies++;
			covered += two_way.low <= 1.0 && 1.0 <= two_way.high;
			by_event += one_way.low <= 1.0 && 1.0 <= one_way.high;
		}
		print_message("pool of %d: covered %.3f, by event alone %.3f\n", pools[size], (double) covered / studies,
					  (double) by_event / studies);
		CLOSE((double) covered / studies, 0.9, 0.02 + 3.0 * sqrt(0.09 / studies));
		assert_true(by_event <= covered && (size > 1 || by_event < 0.75 * studies));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(effects_of_events),         cmocka_unit_test(changes_of_a_rate),
		cmocka_unit_test(p_allows_for_the_search),   cmocka_unit_test(changes_are_found),
		cmocka_unit_test(changes_at_the_edge),       cmocka_unit_test(long_histories),
		cmocka_unit_test(changes_of_a_mix),          cmocka_unit_test(effects_are_recovered),
		cmocka_unit_test(effects_by_customer_cover), cmocka_unit_test(customers_who_count_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
