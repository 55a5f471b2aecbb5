/*
 * beta_geometric_family.c
 *	  What BG/NBD and MBG/NBD have in common besides their likelihood: they
 *	  differ only in whether a dropout trial follows the first purchase too.
 */
#include "models/beta_geometric/beta_geometric.h"

#include <math.h>

#include "models/core/silence.h"

void
beta_geometric_start(const Population *population, double *params)
{
	params[BETA_GEO_R] = 1.0;
	params[BETA_GEO_ALPHA] = 0.25 * population_time_scale(population);
	params[BETA_GEO_A] = 1.0;
	params[BETA_GEO_B] = 3.0;
}

void
beta_geometric_prior_centre(const Population *population, double *ln_params)
{
	ln_params[BETA_GEO_R] = 0.0;
	ln_params[BETA_GEO_ALPHA] = log(population_time_scale(population));
	ln_params[BETA_GEO_A] = 0.0;
	ln_params[BETA_GEO_B] = log(3.0);
}

double
beta_geometric_bend(const double *params)
{
	return params[BETA_GEO_ALPHA] / beta_geometric_steepness(params);
}

double
beta_geometric_next_order_quantile(const double *params, double x, double t_x, double T, double q)
{
	(void) t_x;
	return (params[BETA_GEO_ALPHA] + T) * expm1(-log1p(-q) / (params[BETA_GEO_R] + x));
}

/* A live customer cannot drop out before the next purchase. */
double
beta_geometric_order_prob_if_alive(const double *params, double x, double t_x, double T, double horizon)
{
	(void) t_x;
	return -expm1(-(params[BETA_GEO_R] + x) * log1p(horizon / (params[BETA_GEO_ALPHA] + T)));
}

double
beta_geometric_ln_silence(const double *params, double x, double t_x, double T)
{
	return gamma_ln_silence(params[BETA_GEO_R] + x, params[BETA_GEO_ALPHA] + t_x, T - t_x);
}

/* Given when they left, a customer's rate is Gamma(r + x, alpha + the time until then) distributed. */
void
beta_geometric_expose(const Population *population, const double *params,
					  double (*prob_alive)(const double *, double, double, double), SeasonWeights *weights)
{
	const PopulationDays *days = population->days;
	double unit_days = population->unit_days;
	double alpha = params[BETA_GEO_ALPHA];

	for (size_t i = 0; i < days->n_classes; i++)
	{
		int64_t first = (int64_t) days->now - days->classes[i].T_days;
		double T = season_table_between(&days->table, first, days->now) / unit_days;
		double alive = 0.0;
		double gone = 0.0;

		host_poll_at(i);
		for (size_t k = days->classes[i].first_cell; k < days->classes[i + 1].first_cell; k++)
		{
			const DatedCell *cell = &days->cells[k];
			double x = population->frequencies[cell->frequency].x;
			double n = cell->customers * (params[BETA_GEO_R] + x) / unit_days;
			double t_x = season_table_between(&days->table, first, first + cell->t_x_days) / unit_days;
			double stays = prob_alive(params, x, t_x, T);
			double until_last = n * (1.0 - stays) / (alpha + t_x);

			host_poll_at(k);
			alive += n * stays;
			gone += until_last;
			season_weigh_day(weights, first + cell->t_x_days, until_last);
		}
		alive /= alpha + T;
		season_weigh_day(weights, days->now, alive);
		season_weigh_day(weights, first, -(alive + gone));
	}
}

void
beta_geometric_begin_path(const double *params, Random *random, SimulatedPath *path)
{
	double ln_rate = random_ln_gamma(random, params[BETA_GEO_R]) - det_log(params[BETA_GEO_ALPHA]);

	path->mean_gap = det_exp(-ln_rate);
	path->dropout = random_beta(random, params[BETA_GEO_A], params[BETA_GEO_B]);
	path->clock = 0.0;
	path->alive = true;
}

double
beta_geometric_next_order(SimulatedPath *path, Random *random)
{
	if (!path->alive)
		return INFINITY;
	path->clock += path->mean_gap * random_exponential(random);
	path->alive = random_uniform(random) >= path->dropout;
	return path->clock;
}
