/*
 * model.h
 *	  The interface of a timing model.
 *
 * A model is a table of functions over a vector of natural parameters, all of
 * them positive. What the parameters mean is known in the model's own file
 * only; a new model is one new file and one line in model.c.
 *
 * Notation of the literature: x repeat purchases, the last of them at time t_x
 * after the first purchase, observed until age T. All times are in the time
 * unit of the parameters.
 *
 * Ranges: x whole, up to 1e4; 0 <= t_x <= T up to a century of days, t_x = 0
 * if x = 0; parameters within e^-16 .. e^16 (times the mean age, for those
 * that are times). Within them every function returns a finite number, except
 * for times where stated.
 */
#ifndef MODELS_CORE_MODEL_H
#define MODELS_CORE_MODEL_H

#include <stdbool.h>

#include "models/core/population.h"
#include "numerics/random.h"

#define MODEL_MAX_PARAMS 8
#define MODEL_MAX_EFFECTS 3

/*
 * The likelihood of a population in discrete time iterates over its periods,
 * and takes 80 bytes of memory for each: no age may be longer than this, two
 * hundred years of weeks. Functions of a single customer have no such limit.
 */
#define MODEL_MAX_PERIODS 10436

/* The largest value of an integer parameter. */
#define MODEL_MAX_WHOLE 24

/*
 * What a covariate z acts on: the parameter of a customer is that of the model
 * times e^(sign coefficient z). Signs are such that a positive coefficient
 * means more of what the name says.
 */
typedef struct Effect
{
	const char *name; /* of the process: rate, dropout, … */
	int param;
	double sign; /* +1 or -1 */
} Effect;

/*
 * The state of one simulated customer, from the first purchase on. A model
 * uses the members it needs.
 */
typedef struct SimulatedPath
{
	double mean_gap; /* between purchases, or stages, while alive; may be INFINITY */
	double
		dropout; /* a probability, a rate or a time: defined by the model; of one with a lifetime, the age at leaving */
	double stages; /* of each gap */
	double clock;  /* time of the last purchase */
	bool alive;
} SimulatedPath;

typedef struct Model
{
	int id;           /* stored on disk, never reused */
	const char *name; /* as users write it */
	int n_params;
	const char *param_names[MODEL_MAX_PARAMS];

	/*
	 * The last n_integer_params (0 or 1) parameters are integers from 1 on,
	 * without derivatives. Gradients and Hessians are in the n_params -
	 * n_integer_params parameters before them only.
	 */
	int n_integer_params;

	/*
	 * The model that this one is where its integer parameter is 1, with the same other
	 * parameters and effects in the same order, or NULL.
	 */
	const struct Model *at_one;

	/*
	 * Time comes in whole periods, in each of which there is one opportunity
	 * to buy, or none. x, t_x and T are then whole, x <= t_x, and a horizon
	 * has as many opportunities as whole periods. For a customer with x > t_x,
	 * which is impossible, the log-likelihood is -INFINITY, and results that
	 * depend on it are NAN.
	 */
	bool discrete;

	/*
	 * The future of a live customer depends on when the last purchase was, as
	 * it does wherever the time between purchases is not exponential.
	 */
	bool recency_matters;

	/* What covariates act on; none if the model takes no covariates. */
	int n_effects;
	Effect effects[MODEL_MAX_EFFECTS];

	/*
	 * The starting point of a fit. Only the totals of the population are set.
	 * NULL if the model has a nested model, below.
	 */
	void (*start)(const Population *population, double *params);

	/*
	 * The nested model: a simpler model, with the same effects, that this one
	 * becomes at an edge of its parameters, or NULL. A fit then starts from
	 * the best of the points that near_nested_model() gives for the nested
	 * model's parameters, near the edge and where the maximum might be
	 * instead; it returns false when there is no point of that number.
	 */
	const struct Model *limit;
	bool (*near_nested_model)(const Population *population, const double *limit_params, int number, double *params);

	/*
	 * A point so near the edge that forecasts are those of the nested model
	 * with limit_params, and for each parameter the index of its counterpart
	 * in the nested model, or -1. Parameters without one, and those of
	 * scales_with_limit, are identified only jointly there.
	 */
	void (*at_limit)(const Population *population, const double *limit_params, double *params);
	int limit_place[MODEL_MAX_PARAMS];
	bool scales_with_limit[MODEL_MAX_PARAMS];

	/*
	 * ln of the centre of the weak prior, which is also the centre of the box
	 * a fit stays in. Only the totals of the population are set.
	 */
	void (*prior_centre)(const Population *population, double *ln_params);

	/*
	 * Log-likelihood of a whole population. gradient[n] and hessian[n * n],
	 * n = n_params - n_integer_params, are in natural parameters; either may be NULL.
	 */
	double (*log_likelihood)(const Population *population, const double *params, double *gradient, double *hessian);

	/*
	 * Log-likelihood of one customer, without the term of the times between
	 * the purchases (population->log_gaps).
	 */
	double (*customer_log_likelihood)(const double *params, double x, double t_x, double T);

	/* Probability of being alive (still a customer) at age T; 0 .. 1. */
	double (*prob_alive)(const double *params, double x, double t_x, double T);

	/*
	 * ln of the probability that a customer who is alive makes no purchase between
	 * t_x and T; falls in T from 0 on. See model_overdue_prob().
	 */
	double (*ln_silence)(const double *params, double x, double t_x, double T);

	/*
	 * Probability of having left by then: 1 - alive_prob, without the
	 * cancellation of that subtraction.
	 */
	double (*gone_prob)(const double *params, double x, double t_x, double T);

	/*
	 * Expected purchases in the horizon (>= 0) after age T of a customer who
	 * is alive then, each discounted to age T at the continuous rate delta (>=
	 * 0) per time unit. An infinite horizon is allowed if delta > 0. Unless
	 * recency_matters, the result does not depend on t_x, so that a million
	 * customers have few different results.
	 */
	double (*expected_transactions_if_alive)(const double *params, double x, double t_x, double T, double horizon,
											 double delta);

	/* Expected repeat purchases of a new customer within time t of the first. */
	double (*new_customer_transactions)(const double *params, double t);

	/* Probability that a new customer makes x repeat purchases within time t of the first. */
	double (*new_customer_transactions_pmf)(const double *params, double t, double x);

	/*
	 * Probability that a customer, alive or not, makes j purchases (whole, >=
	 * 0) in the horizon (finite) after age T. Its mean over j is
	 * expected_transactions.
	 */
	double (*future_transactions_pmf)(const double *params, double x, double t_x, double T, double horizon, double j);

	/*
	 * The same of j purchases (whole, > 0) or more, where that is in closed form; or NULL.
	 */
	double (*future_transactions_tail)(const double *params, double x, double t_x, double T, double horizon, double j);

	/*
	 * Probability that a customer, alive or not, makes a purchase in the
	 * horizon after age T; an infinite horizon is allowed. Small probabilities
	 * are as exact as large ones, which 1 - future_transactions_pmf(0) is not.
	 */
	double (*order_prob)(const double *params, double x, double t_x, double T, double horizon);

	/*
	 * The same of a customer who is alive at T: order_prob is alive_prob times this. t_x
	 * counts as in expected_transactions_if_alive. NULL where order_prob costs little.
	 */
	double (*order_prob_if_alive)(const double *params, double x, double t_x, double T, double horizon);

	/*
	 * Of models that a season can be estimated with; NULL in others. Adds what a population
	 * with days was exposed to: the rate of purchases that their histories lead to expect of
	 * its customers, on the days on which they may have been customers. Gives the gradient of
	 * the log-likelihood too, as log_likelihood does.
	 */
	void (*expose)(const Population *population, const double *params, SeasonWeights *weights, double *gradient);

	/*
	 * Of models where with a season purchases go by its clock, and dropout by the calendar:
	 * how customers leave. The log-likelihood is then that of a population with days, and
	 * scores are those of two_clocks_scores.h. NULL: the model does not know seasons, or, if
	 * it has expose, is its plain form on the clock.
	 */
	const struct LifetimeLaw *lifetime;

	/* Of models with one clock: the time over which expected transactions bend near a horizon of 0; near another one, over so much more. */
	double (*bend)(const double *params);

	/*
	 * Of models of competing risks, for caches; NULL in others. The probability that a
	 * customer with x purchases who is alive at t leaves before the next purchase: phi,
	 * or phi - 1 where phi > 1/2, so that both outcomes keep all digits. And ln of the
	 * probability that a customer alive at t_x has not left until T. P(alive) is made of
	 * these and ln_silence, see model_weigh_risks().
	 */
	double (*first_event)(const double *params, double x, double t);
	double (*ln_survival)(const double *params, double t_x, double T);

	/*
	 * Of models whose customers leave at a purchase only; NULL in others. The odds of
	 * having left at the last one: with ln_silence P(alive), see model_weigh_dropout().
	 */
	double (*dropout_odds)(const double *params, double x);

	/*
	 * Time from age T to the next purchase, the quantile q (0 < q < 1) of its
	 * distribution among those who are alive at T and do buy again. That is
	 * the w with order_prob(w) = q order_prob(INFINITY); if time is discrete,
	 * the smallest whole w at which it is as much or more. May be INFINITY,
	 * when it is beyond the largest double.
	 */
	double (*next_order_quantile)(const double *params, double x, double t_x, double T, double q);

	/* It is a formula of elementary functions, which costs less than to look up what it was. */
	bool quantile_is_cheap;

	/* Draw a new customer, who has just made the first purchase, at time 0. */
	void (*begin_path)(const double *params, Random *random, SimulatedPath *path);

	/* Time of the next purchase, or INFINITY when there is none. */
	double (*next_order)(SimulatedPath *path, Random *random);
} Model;

/* By its name in any case; NULL if there is no such model. */
extern const Model *model_by_name(const char *name);
extern const Model *model_by_id(int id);

/* Whether the model knows seasons: that are given, at least. */
static inline bool
model_knows_seasons(const Model *model)
{
	return model->expose != NULL || model->lifetime != NULL;
}

/* Expected purchases in the horizon after age T of a customer, alive or not. */
extern double model_expected_transactions(const Model *model, const double *params, double x, double t_x, double T,
										  double horizon);

/* The same, discounted: see expected_transactions_if_alive. */
extern double model_discounted_transactions(const Model *model, const double *params, double x, double t_x, double T,
											double horizon, double delta);

/*
 * Probability that a customer who is still alive would have made another purchase between
 * t_x and T; 0 .. 1, rising in T: from ln_silence.
 */
extern double model_overdue_prob(double ln_silence);

/* prob_alive, and gone_prob: 1 less it, without the cancellation of that subtraction. */
typedef struct AliveOrGone
{
	double alive;
	double gone;
} AliveOrGone;

/* From dropout_odds and ln_silence. */
extern AliveOrGone model_weigh_dropout(double odds, double ln_silence);

/*
 * From the first events at t_x and T, and ln_silence and ln_survival together. Gone is NaN
 * where it would cancel, and has to be asked of the model.
 */
extern AliveOrGone model_weigh_risks(double first_event_then, double first_event_now, double ln_quiet);

/* The models, one per file. */
extern const Model bgnbd_model;
extern const Model paretonbd_model;
extern const Model mbgnbd_model;
extern const Model ggnbd_model;
extern const Model bgcnbd_model;
extern const Model mbgcnbd_model;
extern const Model bgbb_model;

#endif /* MODELS_CORE_MODEL_H */
