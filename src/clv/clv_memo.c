/*
 * clv_memo.c
 *	  Answers remembered for the rest of a query.
 *
 * What a live customer will still order depends on x and T alone, but for models
 * in which recency matters, which are not remembered; and it is the costly part
 * of a value. A million customers of a shop have some thirty thousand pairs
 * (x, T), so a query that scores them all asks the same questions over and
 * over. The memo is a table with two places per hash value; a new pair takes the
 * place of the older of two others. It begins small, because many queries score
 * one customer, and grows while new pairs keep coming, up to 2 MB.
 *
 * The question, that is parameters, horizon and discount, is compared by
 * content: a model at the same address may be another one, and covariates change the parameters. When it changes,
 * all answers are forgotten at once, by a new generation number.
 */
#include "compat.h"

#include "clv/clv_memo.h"

#define FEWEST_SLOTS 64
#define MOST_SLOTS 65536

typedef struct Question
{
	int			model_id;
	int			n_params;
	double		params[MODEL_MAX_PARAMS];
	double		horizon;
	double		delta;
} Question;

typedef struct Answer
{
	uint64		generation;
	double		x;
	double		T;
	double		orders;
} Answer;

struct OrdersMemo
{
	MemoryContext context;		/* where the answers are */
	Question	question;
	uint64		generation;
	uint32		slots;			/* a power of two */
	uint32		misses;			/* answers that were not there, since the table last grew */
	Answer	   *answers;
};

OrdersMemo *
orders_memo(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
	{
		OrdersMemo *memo = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(OrdersMemo));

		memo->context = fcinfo->flinfo->fn_mcxt;
		memo->slots = FEWEST_SLOTS;
		memo->answers = MemoryContextAllocZero(memo->context, memo->slots * sizeof(Answer));
		fcinfo->flinfo->fn_extra = memo;
	}
	return fcinfo->flinfo->fn_extra;
}

static void
ask(OrdersMemo *memo, const Model *timing, const double *params, double horizon, double delta)
{
	Question	question = {
		.model_id = timing->id,
		.n_params = timing->n_params,
		.horizon = horizon,
		.delta = delta
	};

	memcpy(question.params, params, sizeof(question.params));
	if (memo->generation > 0 && memcmp(&question, &memo->question, sizeof(question)) == 0)
		return;
	memo->question = question;
	memo->generation++;
}

static inline bool
is_answer_to(const OrdersMemo *memo, const Answer *answer, double x, double T)
{
	return answer->generation == memo->generation && answer->x == x && answer->T == T;
}

/* The first of the two places of a pair, which lie in one cache line. */
static Answer *
find_places(OrdersMemo *memo, double x, double T)
{
	uint64		x_bits,
				T_bits;

	memcpy(&x_bits, &x, sizeof(x));
	memcpy(&T_bits, &T, sizeof(T));

	/* Whole numbers differ in their upper bits only: these are brought down before they are mixed. */
	uint64		hash = x_bits * UINT64CONST(0x9E3779B97F4A7C15);

	hash = (hash ^ (hash >> 32) ^ T_bits ^ (T_bits >> 29)) * UINT64CONST(0xD6E8FEB86659FD93);
	return &memo->answers[(hash >> 40) & (memo->slots - 2)];
}

/* A table that misses as often as it has places is too small: a larger one, empty, takes its place. */
static void
count_miss(OrdersMemo *memo)
{
	if (++memo->misses <= memo->slots || memo->slots == MOST_SLOTS)
		return;
	memo->misses = 0;
	memo->slots *= 4;
	pfree(memo->answers);
	memo->answers = MemoryContextAllocZero(memo->context, memo->slots * sizeof(Answer));
}

double
orders_remembered(OrdersMemo *memo, const Model *timing, const double *params,
				  double x, double t_x, double T, double horizon, double delta)
{
	if (memo == NULL || timing->recency_matters)
		return timing->live_orders(params, x, t_x, T, horizon, delta);

	ask(memo, timing, params, horizon, delta);

	Answer	   *places = find_places(memo, x, T);

	for (int i = 0; i < 2; i++)
		if (is_answer_to(memo, &places[i], x, T))
			return places[i].orders;

	double		orders = timing->live_orders(params, x, t_x, T, horizon, delta);

	count_miss(memo);
	places = find_places(memo, x, T);
	places[1] = places[0];
	places[0] = (Answer) {memo->generation, x, T, orders};
	return orders;
}
