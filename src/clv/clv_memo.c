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
 * content: a model at the same address may be another one, and covariates change
 * the parameters. When it changes, all answers are forgotten at once, by a new
 * generation number.
 */
#include "compat.h"

#include "clv/clv_memo.h"

#define FEWEST_SLOTS 64
#define MOST_SLOTS 65536

typedef struct Question
{
	int			model_id;		/* 0: nothing was asked yet */
	double		params[MODEL_MAX_PARAMS];
	double		unit_days;
	double		horizon;
	double		annual_discount;
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
	double		delta;			/* the discount, as a rate per unit of time */
	uint64		generation;
	uint32		slots;			/* a power of two */
	uint32		misses;			/* answers that were not there, to any question */
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
ask(OrdersMemo *memo, const ClvModel *model, const Model *timing, const double *params,
	double horizon, double annual_discount)
{
	Question   *question = &memo->question;

	if (likely(question->model_id == timing->id && question->unit_days == model->unit_days &&
			   question->horizon == horizon && question->annual_discount == annual_discount &&
			   memcmp(question->params, params, timing->n_params * sizeof(double)) == 0))
		return;
	*question = (Question) {timing->id, {0}, model->unit_days, horizon, annual_discount};
	memcpy(question->params, params, timing->n_params * sizeof(double));
	memo->delta = clv_model_discount_rate(model, annual_discount);
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

/* Puts an answer into its first place; what was there moves to the second. */
static void
remember(OrdersMemo *memo, const Answer *answer)
{
	Answer	   *places = find_places(memo, answer->x, answer->T);

	places[1] = places[0];
	places[0] = *answer;
}

/* A table that has missed nearly as often as it has places is too small. */
static void
count_miss(OrdersMemo *memo)
{
	Answer	   *answers = memo->answers;
	uint32		slots = memo->slots;

	if (++memo->misses <= slots / 4 * 3 || slots == MOST_SLOTS)
		return;
	memo->slots = slots * 2;
	memo->answers = MemoryContextAllocZero(memo->context, memo->slots * sizeof(Answer));
	for (uint32 i = 0; i < slots; i++)
		if (answers[i].generation == memo->generation)
			remember(memo, &answers[i]);
	pfree(answers);
}

void
orders_soon(OrdersMemo *memo, double x, double T)
{
#ifdef __GNUC__
	__builtin_prefetch(find_places(memo, x, T));
#endif
}

double
orders_remembered(OrdersMemo *memo, const ClvModel *model, const Model *timing, const double *params,
				  double x, double t_x, double T, double horizon, double annual_discount)
{
	if (memo == NULL || timing->recency_matters)
		return timing->live_orders(params, x, t_x, T, horizon, clv_model_discount_rate(model, annual_discount));

	ask(memo, model, timing, params, horizon, annual_discount);

	Answer	   *places = find_places(memo, x, T);

	for (int i = 0; i < 2; i++)
		if (is_answer_to(memo, &places[i], x, T))
			return places[i].orders;

	double		orders = timing->live_orders(params, x, t_x, T, horizon, memo->delta);

	count_miss(memo);
	remember(memo, &(Answer) {memo->generation, x, T, orders});
	return orders;
}
