/*
 * clv_memo.c
 *	  Answers remembered for the rest of a query.
 *
 * What a live customer will still order depends on x and T alone, and that is
 * the costly part of a value. A million customers of a shop have some thirty
 * thousand pairs (x, T), and most of them a few thousand; so a query that
 * scores them all asks the same questions over and over. The memo is a table
 * with one place per hash value: a new pair takes the place of an old one.
 *
 * The question, that is parameters, horizon and discount, is compared by
 * content: a model at the same address may be another one. When it changes,
 * all answers are forgotten at once, by a new generation number.
 */
#include "compat.h"

#include "clv/clv_memo.h"

#define MEMO_SLOTS 16384

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
	Question	question;
	uint64		generation;
	Answer		answers[MEMO_SLOTS];
};

OrdersMemo *
orders_memo(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(OrdersMemo));
	return fcinfo->flinfo->fn_extra;
}

static void
ask(OrdersMemo *memo, const ClvModel *model, double horizon, double delta)
{
	Question	question = {
		.model_id = model->model_id,
		.n_params = model->timing.n_params,
		.horizon = horizon,
		.delta = delta
	};

	memcpy(question.params, model->timing.params, sizeof(question.params));
	if (memo->generation > 0 && memcmp(&question, &memo->question, sizeof(question)) == 0)
		return;
	memo->question = question;
	memo->generation++;
}

static Answer *
find_answer(OrdersMemo *memo, double x, double T)
{
	uint64		x_bits,
				T_bits;

	memcpy(&x_bits, &x, sizeof(x));
	memcpy(&T_bits, &T, sizeof(T));

	uint64		hash = (x_bits * UINT64CONST(0x9E3779B97F4A7C15) ^ T_bits) * UINT64CONST(0xD6E8FEB86659FD93);

	return &memo->answers[(hash >> 40) % MEMO_SLOTS];
}

double
orders_remembered(OrdersMemo *memo, const ClvModel *model, double x, double T,
				  double horizon, double delta)
{
	const Model *timing = clv_model_timing(model);

	if (memo == NULL)
		return timing->live_orders(model->timing.params, x, T, horizon, delta);

	ask(memo, model, horizon, delta);

	Answer	   *answer = find_answer(memo, x, T);

	if (answer->generation != memo->generation || answer->x != x || answer->T != T)
		*answer = (Answer) {
			.generation = memo->generation,
			.x = x,
			.T = T,
			.orders = timing->live_orders(model->timing.params, x, T, horizon, delta)
		};
	return answer->orders;
}
