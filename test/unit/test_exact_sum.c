/*
 * test_exact_sum.c
 *	  Sums without rounding: in any order, split in any way, to the last bit.
 */
#include "support.h"

#include <math.h>

#include "numerics/exact_sum.h"
#include "numerics/random.h"

#define TERMS 2000

/* Any double whose square is finite. */
static double
any_double(Random *random)
{
	double size = ldexp(random_uniform(random), (int) (random_uniform(random) * 600.0) - 300);

	return random_bits(random) % 2 ? size : -size;
}

static void
assert_same_sum(ExactSum *a, ExactSum *b)
{
	exact_sum_settle(a);
	exact_sum_settle(b);
	assert_memory_equal(a, b, sizeof(*a));
}

/* Forwards, backwards, and in parts that are merged. */
static void
test_order(void **state)
{
	Random random = random_start(11, 0);
	double terms[TERMS];

	(void) state;
	for (int round = 0; round < 20; round++)
	{
		ExactSum forwards = {0};
		ExactSum backwards = {0};
		ExactSum parts[3] = {0};

		for (int i = 0; i < TERMS; i++)
			terms[i] = any_double(&random);
		for (int i = 0; i < TERMS; i++)
		{
			exact_sum_add(&forwards, terms[i]);
			exact_sum_add_product(&forwards, terms[i], terms[(i + 1) % TERMS]);
		}
		for (int i = TERMS - 1; i >= 0; i--)
		{
			exact_sum_add_product(&backwards, terms[(i + 1) % TERMS], terms[i]);
			exact_sum_add(&backwards, terms[i]);
			exact_sum_add(&parts[i % 3], terms[i]);
			exact_sum_add_product(&parts[(i + 1) % 3], terms[i], terms[(i + 1) % TERMS]);
		}
		for (int i = 0; i < 3; i++)
			exact_sum_settle(&parts[i]);
		exact_sum_merge(&parts[0], &parts[1]);
		exact_sum_merge(&parts[0], &parts[2]);
		assert_same_sum(&forwards, &backwards);
		assert_same_sum(&forwards, &parts[0]);
	}
}

/* What is added and taken away again leaves nothing, whatever came between. */
static void
test_nothing_is_lost(void **state)
{
	Random random = random_start(12, 0);
	ExactSum sum = {0};
	double terms[TERMS];

	(void) state;
	for (int i = 0; i < TERMS; i++)
	{
		terms[i] = any_double(&random);
		exact_sum_add(&sum, terms[i]);
	}
	exact_sum_add(&sum, 0x1p-1074);
	exact_sum_add(&sum, 0x1.fffffffffffffp1000);
	for (int i = 0; i < TERMS; i++)
		exact_sum_add(&sum, -terms[i]);
	exact_sum_add(&sum, -0x1.fffffffffffffp1000);
	assert_true(exact_sum_value(&sum) == 0x1p-1074);
	exact_sum_add(&sum, -0x1p-1074);
	assert_true(exact_sum_value(&sum) == 0.0);
	exact_sum_add_product(&sum, 1.0 + 0x1p-52, 1.0 + 0x1p-52);
	exact_sum_add(&sum, -1.0 - 0x1p-51);
	assert_true(exact_sum_value(&sum) == 0x1p-104);
}

/* The nearest double, halves to even: small sums against whole numbers, long ones against long double. */
static void
test_rounding(void **state)
{
	static const struct
	{
		double terms[3];
		double sum;
	} known[] = {
		{{0x1p53, 1.0, 0.0}, 0x1p53},
		{{0x1p53, 3.0, 0.0}, 0x1p53 + 4.0},
		{{0x1p53, 1.0, 0x1p-600}, 0x1p53 + 2.0},
		{{0x1p53, 1.0, -0x1p-600}, 0x1p53},
		{{-0x1p53, -1.0, -0x1p-600}, -0x1p53 - 2.0},
		{{0.1, 0.2, -0.3}, 0x1p-55},
		{{0x1p-1074, 0x1p-1073, 0.0}, 0x1.8p-1073},
		{{-0x1p-1074, 0.0, 0.0}, -0x1p-1074},
		{{1e100, 1.0, -1e100}, 1.0},
	};
	Random random = random_start(13, 0);

	(void) state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		ExactSum sum = {0};

		for (int k = 0; k < 3; k++)
			exact_sum_add(&sum, known[i].terms[k]);
		if (!(exact_sum_value(&sum) == known[i].sum))
			fail_msg("case %zu: %.17g, not %.17g", i, exact_sum_value(&sum), known[i].sum);
	}
	for (int i = 0; i < 100000; i++)
	{
		int shift = (int) (random_bits(&random) % 2000) - 1000;
		int64_t whole = (int64_t) (random_bits(&random) >> 2 >> random_bits(&random) % 60);
		ExactSum sum = {0};

		/* two halves of a number of up to 62 bits, each exact; the server's conversion rounds to even */
		if (i % 2)
			whole = -whole;
		exact_sum_add(&sum, ldexp((double) (whole / 1073741824), shift + 30));
		exact_sum_add(&sum, ldexp((double) (whole % 1073741824), shift));
		if (!(exact_sum_value(&sum) == ldexp((double) whole, shift)))
			fail_msg("%lld at %d: %.17g", (long long) whole, shift, exact_sum_value(&sum));
	}
}

/* The parts say all there is, and read back to the same sum. */
static void
test_parts(void **state)
{
	Random random = random_start(14, 0);

	(void) state;
	for (int round = 0; round < 200; round++)
	{
		ExactSum sum = {0};
		ExactSum again = {0};
		double parts[EXACT_SUM_MAX_PARTS];
		int count;

		for (int i = 0; i < 100; i++)
			exact_sum_add_product(&sum, any_double(&random), any_double(&random));
		count = exact_sum_parts(&sum, parts);
		assert_true(count >= 1 && count < EXACT_SUM_MAX_PARTS);
		for (int i = 0; i < count; i++)
			exact_sum_add(&again, parts[i]);
		assert_same_sum(&sum, &again);
	}

	/* the longest there is: every bit apart by 54 */
	ExactSum longest = {0};
	double parts[EXACT_SUM_MAX_PARTS];

	for (int place = -1074; place < 1023; place += 54)
		exact_sum_add(&longest, ldexp(1.0, place));
	assert_true(exact_sum_parts(&longest, parts) >= 39 && exact_sum_parts(&longest, parts) < EXACT_SUM_MAX_PARTS);
	assert_int_equal(exact_sum_parts(&(ExactSum){0}, parts), 0);
}

/* Carries can wait as long as the header says. */
static void
test_unsettled(void **state)
{
	ExactSum sum = {0};
	double largest = 2.0 - 0x1p-52;

	(void) state;
	for (uint32_t i = 0; i < EXACT_SUM_UNSETTLED; i++)
		exact_sum_add_product(&sum, largest, largest);
	exact_sum_add(&sum, -(double) EXACT_SUM_UNSETTLED * 4.0);
	/* (2 - e)^2 = 4 - 4e + e^2 */
	assert_true(exact_sum_value(&sum) == (double) EXACT_SUM_UNSETTLED * (-0x1p-50 + 0x1p-104));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order), cmocka_unit_test(test_nothing_is_lost), cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_parts), cmocka_unit_test(test_unsettled),
	};

	return cmocka_run_group_tests_name("exact sums", tests, NULL, NULL);
}
