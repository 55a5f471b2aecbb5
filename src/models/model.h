/*
 * model.h
 *	  What a timing model owes to the rest of the house.
 *
 * A model is a table of functions over a vector of natural parameters, all of
 * them positive.  Nothing outside its own file knows what the parameters
 * mean; a new model is one new file and one line in model.c.
 *
 * Notation of the literature: x repeat purchases, the last of them at time t_x
 * after the first purchase, observed until age T.  All times are in the time
 * unit of the parameters.
 *
 * Ranges: x whole, up to 1e4; 0 <= t_x <= T up to a century of days, t_x = 0
 * if x = 0; parameters within e^-16 .. e^16 (times the mean age, for those that
 * are times).  Within them every function returns a finite number, but for the
 * times that say so.
 */
#ifndef MODELS_MODEL_H
#define MODELS_MODEL_H

#include <stdbool.h>

#include "models/population.h"
#include "numerics/random.h"

#define MODEL_MAX_PARAMS 8
#define MODEL_MAX_EFFECTS 3

/* The largest value of a parameter that is a whole number. */
#define MODEL_MAX_WHOLE 24

/*
 * What a covariate z acts on: the parameter of a customer is that of the model
 * times e^(sign coefficient z).  Signs are such that a positive coefficient
 * means more of what the name says.
 */
typedef struct Effect
{
	const char *name;			/* of the process: rate, dropout, … */
	int			param;
	double		sign;			/* +1 or -1 */
} Effect;

/*
 * One simulated customer's life with the shop, from the first purchase on.  A
 * model uses of it what it needs.
 */
typedef struct Life
{
	double		mean_gap;		/* between purchases, or stages, while alive; may be INFINITY */
	double		dropout;		/* a probability, a rate or a date: the model's */
	double		stages;			/* of each gap */
	double		clock;			/* time of the last purchase */
	bool		alive;
} Life;

typedef struct Model
{
	int			id;				/* stored on disk, never reused */
	const char *name;			/* as users write it */
	int			n_params;
	const char *param_names[MODEL_MAX_PARAMS];

	/*
	 * The last n_fixed (0 or 1) parameters are whole numbers from 1 on that no
	 * derivative can find.  Gradients and Hessians are of those before them only,
	 * n_params - n_fixed of them.
	 */
	int			n_fixed;

	/*
	 * Time comes in whole periods, in each of which there is one opportunity to
	 * buy, or none.  x, t_x and T are then whole, x <= t_x, and a horizon has as
	 * many opportunities as whole periods.  Of a customer with x > t_x, whom there
	 * cannot be, the log-likelihood is -INFINITY, and what depends on that NAN.
	 */
	bool		discrete;

	/*
	 * What a live customer does next depends on when the last purchase was, as it
	 * does wherever the time between purchases has a memory.
	 */
	bool		recency_matters;

	/* What covariates act on; none if the model takes no covariates. */
	int			n_effects;
	Effect		effects[MODEL_MAX_EFFECTS];

	/*
	 * Where to start a fit.  Of the population only the totals are there.  NULL if
	 * the model has a limit, below.
	 */
	void		(*start) (const Population *population, double *params);

	/*
	 * A simpler model, with the same effects, that this one becomes at an edge of
	 * its parameters, or NULL.  A fit then starts from the best of the points that
	 * near_limit() gives for the limit's parameters, on the way there and where the
	 * maximum might be instead; it returns false when there is no point of that
	 * number.
	 */
	const struct Model *limit;
	bool		(*near_limit) (const Population *population, const double *limit_params,
							   int number, double *params);

	/*
	 * ln of the centre of the weak prior, which is also the centre of the box
	 * a fit stays in.  Of the population only the totals are there.
	 */
	void		(*prior_centre) (const Population *population, double *ln_params);

	/*
	 * Log-likelihood of a whole population.  gradient[n] and hessian[n * n],
	 * n = n_params - n_fixed, are in natural parameters; either may be NULL.
	 */
	double		(*log_likelihood) (const Population *population, const double *params,
								   double *gradient, double *hessian);

	/*
	 * Log-likelihood of one customer, but for what depends on the times between
	 * the purchases (population->log_gaps).
	 */
	double		(*customer_log_likelihood) (const double *params, double x, double t_x, double T);

	/* Probability of being alive (still a customer) at age T; 0 .. 1. */
	double		(*alive_prob) (const double *params, double x, double t_x, double T);

	/*
	 * Expected purchases in the horizon (>= 0) after age T of a customer who is
	 * alive then, each discounted to age T at the continuous rate delta (>= 0)
	 * per time unit.  An infinite horizon is allowed if delta > 0.  Unless
	 * recency_matters, t_x does not any more, so that a million customers have few
	 * different answers.
	 */
	double		(*live_orders) (const double *params, double x, double t_x, double T,
								double horizon, double delta);

	/* Expected repeat purchases of a new customer within time t of the first. */
	double		(*expected_orders_new) (const double *params, double t);

	/* Probability that a new customer makes x repeat purchases within time t of the first. */
	double		(*orders_pmf) (const double *params, double t, double x);

	/*
	 * Probability that a customer, dead or alive, makes j purchases (whole,
	 * >= 0) in the horizon (finite) after age T.  Its mean over j is
	 * expected_orders.
	 */
	double		(*future_orders_pmf) (const double *params, double x, double t_x, double T,
									  double horizon, double j);

	/*
	 * Probability that a customer, dead or alive, makes a purchase in the horizon
	 * after age T; an infinite horizon is allowed.  Small probabilities are as
	 * exact as large ones, which 1 - future_orders_pmf(0) is not.
	 */
	double		(*order_prob) (const double *params, double x, double t_x, double T,
							   double horizon);

	/*
	 * Time from age T to the next purchase, the quantile q (0 < q < 1) of its
	 * distribution among those who are alive at T and do buy again.  That is the w
	 * with order_prob(w) = q order_prob(INFINITY); if time is discrete, the smallest
	 * whole w at which it is as much or more.  May be INFINITY, when it is beyond the
	 * largest number.
	 */
	double		(*next_order_quantile) (const double *params, double x, double t_x, double T,
										double q);

	/* Draw a new customer, who has just made the first purchase, at time 0. */
	void		(*begin_life) (const double *params, Random *random, Life *life);

	/* Time of the next purchase, or INFINITY when there is none. */
	double		(*next_order) (Life *life, Random *random);
} Model;

/* NULL if there is no such model. */
extern const Model *model_by_name(const char *name);
extern const Model *model_by_id(int id);

/* Expected purchases in the horizon after age T of a customer, dead or alive. */
extern double model_expected_orders(const Model *model, const double *params,
									double x, double t_x, double T, double horizon);

/* The same, discounted: see live_orders. */
extern double model_discounted_orders(const Model *model, const double *params,
									  double x, double t_x, double T, double horizon, double delta);

/* The models, one per file. */
extern const Model bgnbd_model;
extern const Model paretonbd_model;
extern const Model mbgnbd_model;
extern const Model ggnbd_model;
extern const Model bgcnbd_model;
extern const Model mbgcnbd_model;
extern const Model bgbb_model;

#endif							/* MODELS_MODEL_H */
