/*
 * test_funnel.c
 *	  Levels of funnels against a search through all chains.
 */
#include <math.h>

#include "models/decision/funnel.h"
#include "numerics/random.h"
#include "support.h"

/* The longest chain that goes on from this event: every choice of later events is tried. */
static int
longest(const FunnelEvent *events, int count, int from, int step, int n_steps, uint64_t start, uint64_t within,
		bool increase)
{
	int best = step;

	if (step == n_steps)
		return best;
	for (int i = from; i < count; i++)
	{
		bool later = increase ? events[i].at > events[from - 1].at : true;

		if (later && (events[i].steps >> step & 1) && events[i].at - start <= within)
		{
			int level = longest(events, count, i + 1, step + 1, n_steps, start, within, increase);

			best = level > best ? level : best;
		}
	}
	return best;
}

static int
level_by_search(const FunnelEvent *events, int count, uint64_t within, bool increase, int n_steps)
{
	int best = 0;

	for (int i = 0; i < count; i++)
		if (events[i].steps & 1)
		{
			int level = longest(events, count, i + 1, 1, n_steps, events[i].at, within, increase);

			best = level > best ? level : best;
		}
	return best;
}

/* A chain is one that the events allow. */
static void
check_chain(const FunnelChain *chain, const FunnelEvent *events, int count, uint64_t within, bool increase)
{
	for (int s = 0; s < chain->level; s++)
	{
		bool there = false;

		for (int i = 0; i < count; i++)
			there = there || (events[i].at == chain->at[s] && (events[i].steps >> s & 1));
		assert_true(there);
		if (s > 0)
			assert_true(increase ? chain->at[s] > chain->at[s - 1] : chain->at[s] >= chain->at[s - 1]);
		assert_true(chain->at[s] - chain->at[0] <= within);
	}
}

static void
levels_are_exact(void **state)
{
	Random random = random_start(33, 1);
	int levels[5] = {0};

	(void) state;
	for (int trial = 0; trial < 60000; trial++)
	{
		FunnelEvent events[9];
		int count = (int) (random_uniform(&random) * 10);
		int n_steps = 1 + (int) (random_uniform(&random) * 4);
		uint64_t within = (uint64_t) (random_uniform(&random) * 10);
		uint64_t at = 5;

		for (int i = 0; i < count; i++)
		{
			uint32_t steps = (uint32_t) (random_uniform(&random) * (1 << n_steps));

			/* mostly one step at a time */
			if (random_uniform(&random) < 0.7)
				steps = UINT32_C(1) << (int) (random_uniform(&random) * n_steps);
			at += (uint64_t) (random_uniform(&random) * 3);
			events[i] = (FunnelEvent){at, steps, 1};
			/* sorted by steps within a time */
			for (int k = i; k > 0 && events[k - 1].at == events[k].at && events[k - 1].steps > events[k].steps; k--)
			{
				FunnelEvent other = events[k];

				events[k] = events[k - 1];
				events[k - 1] = other;
			}
		}
		for (int increase = 0; increase <= 1; increase++)
		{
			FunnelChain chain = funnel_chain(events, count, within, increase ? FUNNEL_INCREASE : FUNNEL_ONCE, n_steps);

			assert_int_equal(chain.level, level_by_search(events, count, within, increase, n_steps));
			check_chain(&chain, events, count, within, increase);
			levels[chain.level]++;
		}
	}
	for (int i = 0; i < 5; i++)
		assert_true(levels[i] > 1000);
}

/* Each attempt goes as far as any chain that begins where it does, and the next one begins behind it. */
static void
attempts_are_exact(void **state)
{
	Random random = random_start(34, 1);
	int entries[4] = {0};

	(void) state;
	for (int trial = 0; trial < 30000; trial++)
	{
		FunnelEvent events[9];
		int count = (int) (random_uniform(&random) * 10);
		int n_steps = 1 + (int) (random_uniform(&random) * 4);
		uint64_t within = (uint64_t) (random_uniform(&random) * 6);
		uint64_t at = 5;
		bool increase = trial % 2 == 1;
		int from = 0;
		int n = 0;

		for (int i = 0; i < count; i++)
		{
			at += 1 + (uint64_t) (random_uniform(&random) * 3);
			events[i] = (FunnelEvent){at, UINT32_C(1) << (int) (random_uniform(&random) * n_steps), 1};
		}
		for (int first = 0; first < count; n++)
		{
			FunnelChain chain =
				funnel_attempt(events, count, &from, within, increase ? FUNNEL_INCREASE : FUNNEL_ONCE, n_steps);

			while (first < count && (events[first].steps & 1) == 0)
				first++;
			if (first == count)
			{
				assert_int_equal(chain.level, 0);
				break;
			}
			assert_int_equal(chain.at[0], events[first].at);
			assert_int_equal(chain.level,
							 longest(events, count, first + 1, 1, n_steps, events[first].at, within, increase));
			check_chain(&chain, events, count, within, increase);
			/* what is behind it: later than the last step if that was reached, else than the time */
			while (first < count &&
				   events[first].at <= (chain.level == n_steps ? chain.at[n_steps - 1] : chain.at[0] + within))
				first++;
			assert_int_equal(from, first);
		}
		entries[n < 3 ? n : 3]++;
	}
	for (int i = 0; i < 4; i++)
		assert_true(entries[i] > 1000);
}

/* So many of the same event are so many events. */
static void
events_have_numbers(void **state)
{
	const FunnelEvent all = {7, 15, INT64_MAX};
	const FunnelEvent two = {7, 15, 2};
	int from = 0;

	(void) state;
	assert_int_equal(funnel_attempt(&two, 1, &from, 0, FUNNEL_ONCE, 4).level, 2);
	assert_int_equal(from, 1);
	from = 0;
	assert_int_equal(funnel_attempt(&all, 1, &from, 0, FUNNEL_INCREASE, 4).level, 1);
	assert_int_equal(funnel_chain(&all, 1, 0, FUNNEL_ONCE, 4).level, 4);
	assert_int_equal(funnel_chain(&two, 1, 0, FUNNEL_ONCE, 4).level, 2);
	assert_int_equal(funnel_chain(&all, 1, 0, FUNNEL_INCREASE, 4).level, 1);
	assert_int_equal(funnel_clickhouse_level(&two, 1, 0, 4, (FunnelFlags){false, false}), 4);
	assert_int_equal(funnel_chain(&all, 0, 0, FUNNEL_ONCE, 4).level, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_are_exact),
		cmocka_unit_test(attempts_are_exact),
		cmocka_unit_test(events_have_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
