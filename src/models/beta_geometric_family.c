/*
 * beta_geometric_family.c
 *	  What BG/NBD and MBG/NBD have in common beside their likelihood: they differ
 *	  only in whether the dropout coin is tossed after the first purchase too.
 */
#include "models/beta_geometric.h"

#include <math.h>

enum
{
	R,
	ALPHA,
	A,
	B
};

void
beta_geometric_start(const Population *population, double *params)
{
	params[R] = 1.0;
	params[ALPHA] = 0.25 * population_time_scale(population);
	params[A] = 1.0;
	params[B] = 3.0;
}

void
beta_geometric_prior_centre(const Population *population, double *ln_params)
{
	ln_params[R] = 0.0;
	ln_params[ALPHA] = log(population_time_scale(population));
	ln_params[A] = 0.0;
	ln_params[B] = log(3.0);
}

double
beta_geometric_next_order_quantile(const double *params, double x, double t_x, double T, double q)
{
	(void) t_x;
	return (params[ALPHA] + T) * expm1(-log1p(-q) / (params[R] + x));
}

void
beta_geometric_begin_life(const double *params, Random *random, Life *life)
{
	double		ln_rate = random_ln_gamma(random, params[R]) - det_log(params[ALPHA]);

	life->mean_gap = det_exp(-ln_rate);
	life->dropout = random_beta(random, params[A], params[B]);
	life->clock = 0.0;
	life->alive = true;
}

double
beta_geometric_next_order(Life *life, Random *random)
{
	if (!life->alive)
		return INFINITY;
	life->clock += life->mean_gap * random_exponential(random);
	life->alive = random_uniform(random) >= life->dropout;
	return life->clock;
}
