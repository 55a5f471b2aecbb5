/*
 * mbgnbd.c
 *	  The MBG/NBD model: BG/NBD, with a coin after the first purchase too.
 *
 * Batislam, Denizel & Filiztekin, "Empirical validation and comparison of models
 * for customer base analysis", International Journal of Research in Marketing 24
 * (2007), 201-209; Hoppe & Wagner, "Customer base analysis: The case for a central
 * variant of the Betageometric/NBD model", Marketing JRM 3 (2007), 75-90.
 *
 * A live customer buys at a Poisson rate lambda ~ Gamma(r, rate alpha).  After
 * every purchase, the first included, the customer leaves for good with
 * probability p ~ Beta(a, b).  So even a customer who bought but once may be gone,
 * which BG/NBD excludes.  Whoever is still alive has won that toss and is, from
 * then on, a BG/NBD customer with parameters (r + x, alpha + T, a, b + x + 1).
 */
#include <math.h>

#include "models/beta_geometric.h"
#include "models/model.h"
#include "numerics/special.h"

enum
{
	R,
	ALPHA,
	A,
	B,
	N_PARAMS
};

static double
mbgnbd_log_likelihood(const Population *population, const double *params,
					 double *gradient, double *hessian)
{
	return beta_geometric_log_likelihood(population, params, true, gradient, hessian);
}

static double
mbgnbd_customer_log_likelihood(const double *params, double x, double t_x, double T)
{
	double		r = params[R];
	double		alpha = params[ALPHA];
	double		a = params[A];
	double		b = params[B];
	double		q = exp(-(r + x) * log1p((T - t_x) / (alpha + t_x)));

	return sf_lpoch(r, x) - r * log1p(t_x / alpha) - x * log(alpha + t_x)
		+ sf_lbeta_shift(a, b, x + 1.0) + log(q + a / (b + x));
}

static double
mbgnbd_alive_prob(const double *params, double x, double t_x, double T)
{
	double		ln_odds_dead = log(params[A]) - log(params[B] + x)
		+ (params[R] + x) * log1p((T - t_x) / (params[ALPHA] + t_x));
	return 1.0 / (1.0 + exp(ln_odds_dead));
}

/* The probability that a new customer does not leave after the first purchase. */
static double
stays_at_first(const double *params)
{
	return params[B] / (params[A] + params[B]);
}

/* A live customer is a new one, with updated parameters. */
static double
mbgnbd_live_orders(const double *params, double x, double t_x, double T,
				   double horizon, double delta)
{
	double		n = params[R] + x;
	double		age = params[ALPHA] + T;
	double		b = params[B] + x + 1.0;

	(void) t_x;
	return delta == 0.0 ? beta_geometric_orders(n, age, params[A], b, horizon)
		: beta_geometric_discounted(n, age, params[A], b, horizon, delta);
}

static double
mbgnbd_expected_orders_new(const double *params, double t)
{
	return stays_at_first(params)
		* beta_geometric_orders(params[R], params[ALPHA], params[A], params[B] + 1.0, t);
}

/* A live customer's future: that of a new one, with updated parameters. */
static double
live_pmf(const double *params, double x, double T, double t, double j)
{
	return beta_geometric_pmf(params[R] + x, params[ALPHA] + T, params[A], params[B] + x + 1.0, t, j);
}

static double
mbgnbd_orders_pmf(const double *params, double t, double x)
{
	double		stays = stays_at_first(params);

	return stays * live_pmf(params, 0.0, 0.0, t, x) + (x == 0.0 ? 1.0 - stays : 0.0);
}

static double
mbgnbd_order_prob(const double *params, double x, double t_x, double T, double horizon)
{
	/* who is alive cannot leave before the next purchase */
	return mbgnbd_alive_prob(params, x, t_x, T)
		* -expm1(-(params[R] + x) * log1p(horizon / (params[ALPHA] + T)));
}

static double
mbgnbd_future_orders_pmf(const double *params, double x, double t_x, double T,
						double horizon, double j)
{
	if (j == 0.0)
		return 1.0 - mbgnbd_order_prob(params, x, t_x, T, horizon);
	return mbgnbd_alive_prob(params, x, t_x, T) * live_pmf(params, x, T, horizon, j);
}

static void
mbgnbd_begin_life(const double *params, Random *random, Life *life)
{
	beta_geometric_begin_life(params, random, life);
	life->alive = random_uniform(random) >= life->dropout;
}

const Model mbgnbd_model = {
	.id = 3,
	.name = "mbg/nbd",
	.n_params = N_PARAMS,
	.param_names = {"r", "alpha", "a", "b"},
	.n_effects = 3,
	.effects = {{"rate", ALPHA, -1.0}, {"dropout_a", A, 1.0}, {"dropout_b", B, 1.0}},
	.start = beta_geometric_start,
	.prior_centre = beta_geometric_prior_centre,
	.log_likelihood = mbgnbd_log_likelihood,
	.customer_log_likelihood = mbgnbd_customer_log_likelihood,
	.alive_prob = mbgnbd_alive_prob,
	.live_orders = mbgnbd_live_orders,
	.expected_orders_new = mbgnbd_expected_orders_new,
	.orders_pmf = mbgnbd_orders_pmf,
	.future_orders_pmf = mbgnbd_future_orders_pmf,
	.order_prob = mbgnbd_order_prob,
	.next_order_quantile = beta_geometric_next_order_quantile,
	.begin_life = mbgnbd_begin_life,
	.next_order = beta_geometric_next_order
};
