/*
 * cnbd.c
 *	  What BG/CNBD-k and MBG/CNBD-k have in common, except for the likelihood
 *	  of a population and the expectations.
 */
#include "models/cnbd/cnbd.h"

#include <math.h>

#include "models/beta_geometric/beta_geometric.h"
#include "numerics/root.h"
#include "numerics/special.h"

double
cnbd_stage_weights(int k, double n, double rho, double *weight)
{
	double sum = 1.0;

	weight[0] = 1.0;
	for (int j = 1; j < k; j++)
	{
		weight[j] = weight[j - 1] * rho * (n + (j - 1)) / j;
		sum += weight[j];
	}
	return sum;
}

/* The number of dropout trials after x repeat purchases. */
static inline double
tosses_after(double x, bool dropout_at_start)
{
	return dropout_at_start ? x + 1.0 : x;
}

/* ln q. As a sum it may be rounded up just after a purchase. */
double
cnbd_ln_silence(const double *params, double x, double t_x, double T)
{
	double n = params[CNBD_R] + params[CNBD_K] * x;
	double rho = (T - t_x) / (params[CNBD_ALPHA] + T);
	double weight[CNBD_MAX_K];

	if (!(params[CNBD_K] <= CNBD_MAX_K))
		return NAN;
	return log(cnbd_stage_weights((int) params[CNBD_K], n, rho, weight)) -
		n * log1p((T - t_x) / (params[CNBD_ALPHA] + t_x));
}

double
cnbd_customer_log_likelihood(const double *params, bool dropout_at_start, double x, double t_x, double T)
{
	double r = params[CNBD_R];
	double alpha = params[CNBD_ALPHA];
	double stages = params[CNBD_K] * x;
	double tosses = tosses_after(x, dropout_at_start);
	double ln_q = cnbd_ln_silence(params, x, t_x, T);

	if (tosses > 0.0)
		ln_q = log(exp(ln_q) + params[CNBD_A] / (params[CNBD_B] + (tosses - 1.0)));
	return sf_lnpoch(r, stages) - r * log1p(t_x / alpha) - stages * log(alpha + t_x) -
		x * sf_lnpoch(1.0, params[CNBD_K] - 1.0) + sf_lbeta_shift(params[CNBD_A], params[CNBD_B], tosses) + ln_q;
}

double
cnbd_dropout_odds(const double *params, bool dropout_at_start, double x)
{
	double tosses = tosses_after(x, dropout_at_start);

	return tosses == 0.0 ? 0.0 : params[CNBD_A] / (params[CNBD_B] + (tosses - 1.0));
}

double
cnbd_alive_prob(const double *params, bool dropout_at_start, double x, double t_x, double T)
{
	return model_weigh_dropout(cnbd_dropout_odds(params, dropout_at_start, x), cnbd_ln_silence(params, x, t_x, T))
		.alive;
}

double
cnbd_gone_prob(const double *params, bool dropout_at_start, double x, double t_x, double T)
{
	return model_weigh_dropout(cnbd_dropout_odds(params, dropout_at_start, x), cnbd_ln_silence(params, x, t_x, T)).gone;
}

/* The state of a customer alive at T. Returns false if k is out of range. */
static bool
find_live_customer(const double *params, bool dropout_at_start, double x, double t_x, double T, LiveCustomer *customer)
{
	double sum;

	if (!(params[CNBD_K] <= CNBD_MAX_K))
		return false;
	customer->k = (int) params[CNBD_K];
	customer->n = params[CNBD_R] + params[CNBD_K] * x;
	customer->age = params[CNBD_ALPHA] + T;
	customer->a = params[CNBD_A];
	customer->b = params[CNBD_B] + tosses_after(x, dropout_at_start);
	sum = cnbd_stage_weights(customer->k, customer->n, (T - t_x) / customer->age, customer->stage);
	for (int j = 0; j < customer->k; j++)
		customer->stage[j] /= sum;
	return true;
}

/* The probability that a new customer does not leave after the first purchase. */
static double
stays_at_first(const double *params, bool dropout_at_start)
{
	return dropout_at_start ? params[CNBD_B] / (params[CNBD_A] + params[CNBD_B]) : 1.0;
}

double
cnbd_expected_transactions_if_alive(const double *params, bool dropout_at_start, double x, double t_x, double T,
									double horizon, double delta)
{
	LiveCustomer customer;

	if (!find_live_customer(params, dropout_at_start, x, t_x, T, &customer))
		return NAN;
	return cnbd_orders(&customer, horizon, delta);
}

double
cnbd_new_customer_transactions(const double *params, bool dropout_at_start, double t)
{
	return stays_at_first(params, dropout_at_start) *
		cnbd_expected_transactions_if_alive(params, dropout_at_start, 0.0, 0.0, 0.0, t, 0.0);
}

/* The probability that at least `purchases` > 0 would come within time tau ages. */
static double
reach(const LiveCustomer *customer, double tau, double purchases)
{
	double sum = 0.0;

	for (int j = 0; j < customer->k; j++)
		if (customer->stage[j] > 0.0)
			sum += customer->stage[j] * sf_negative_binomial_tail(customer->n + j, tau, customer->k * purchases - j);
	return sum;
}

/* The probability of exactly that many. */
static double
stop_at(const LiveCustomer *customer, double tau, double purchases)
{
	double sum = 0.0;
	double z = tau / (1.0 + tau);

	for (int j = 0; j < customer->k; j++)
	{
		double n = customer->n + j;
		double m = fmax(0.0, customer->k * purchases - j);
		double pi = exp(sf_ln_negative_binomial(n, tau, m));

		for (; m < customer->k * (purchases + 1.0) - j; m++)
		{
			sum += customer->stage[j] * pi;
			pi *= z * (n + m) / (m + 1.0);
		}
	}
	return sum;
}

/* The distribution of a live customer's purchases within time t. */
static double
live_pmf(const LiveCustomer *customer, double t, double j)
{
	double tau = t / customer->age;
	double b = customer->b;
	double stop;

	if (!(tau > 0.0))
		return j == 0.0 ? 1.0 : 0.0;
	stop = stop_at(customer, tau, j);
	if (j == 0.0)
		return stop;

	/* survived j dropout trials without a purchase since, or dropped out at the j-th */
	return exp(sf_lbeta_shift(customer->a, b, j)) * (stop + customer->a / (b + (j - 1.0)) * reach(customer, tau, j));
}

double
cnbd_new_customer_transactions_pmf(const double *params, bool dropout_at_start, double t, double x)
{
	LiveCustomer customer;
	double stays = stays_at_first(params, dropout_at_start);

	if (!find_live_customer(params, dropout_at_start, 0.0, 0.0, 0.0, &customer))
		return NAN;
	return stays * live_pmf(&customer, t, x) + (x == 0.0 ? 1.0 - stays : 0.0);
}

double
cnbd_order_prob_if_alive(const double *params, double x, double t_x, double T, double horizon)
{
	LiveCustomer customer;
	double tau;

	/* a live customer cannot leave before the next purchase, whether dropout is tried at the start or not */
	if (!find_live_customer(params, false, x, t_x, T, &customer))
		return NAN;
	tau = horizon / customer.age;
	if (isinf(tau))
		return 1.0;
	return tau > 0.0 ? reach(&customer, tau, 1.0) : 0.0;
}

double
cnbd_order_prob(const double *params, bool dropout_at_start, double x, double t_x, double T, double horizon)
{
	return cnbd_alive_prob(params, dropout_at_start, x, t_x, T) * cnbd_order_prob_if_alive(params, x, t_x, T, horizon);
}

double
cnbd_future_transactions_pmf(const double *params, bool dropout_at_start, double x, double t_x, double T,
							 double horizon, double j)
{
	LiveCustomer customer;

	if (j == 0.0)
		return 1.0 - cnbd_order_prob(params, dropout_at_start, x, t_x, T, horizon);
	if (!find_live_customer(params, dropout_at_start, x, t_x, T, &customer))
		return NAN;
	return cnbd_alive_prob(params, dropout_at_start, x, t_x, T) * live_pmf(&customer, horizon, j);
}

/* The time to the next purchase, and the quantile of its distribution to find. */
typedef struct CnbdWait
{
	LiveCustomer customer;
	double q;
} CnbdWait;

/* ln of the odds against having to wait longer than age e^z, less those of q. */
static double
wait_odds(const void *data, double z, double *slope)
{
	const CnbdWait *wait = data;
	double tau = exp(z);
	double over = reach(&wait->customer, tau, 1.0);
	double waits = stop_at(&wait->customer, tau, 0.0);
	double density = 0.0;

	/* the stage before the last is over, and the last comes now */
	for (int j = 0; j < wait->customer.k; j++)
	{
		double n = wait->customer.n + j;
		double m = wait->customer.k - 1.0 - j;

		density += wait->customer.stage[j] * (n + m) * tau / (1.0 + tau) * exp(sf_ln_negative_binomial(n, tau, m));
	}
	*slope = density / (over * waits);
	return log(over / waits) - log(wait->q / (1.0 - wait->q));
}

double
cnbd_next_order_quantile(const double *params, double x, double t_x, double T, double q)
{
	CnbdWait wait = {.q = q};

	/* whether there was a dropout trial at the start does not matter for a live customer */
	if (!find_live_customer(params, false, x, t_x, T, &wait.customer))
		return NAN;
	return wait.customer.age * exp(rising_root(&(RisingFunction){.value = wait_odds, .data = &wait}, INFINITY));
}

void
cnbd_start(const Population *population, double *params)
{
	beta_geometric_start(population, params);
	params[CNBD_K] = 1.0;
}

void
cnbd_prior_centre(const Population *population, double *ln_params)
{
	beta_geometric_prior_centre(population, ln_params);
	ln_params[CNBD_K] = 0.0;
}

void
cnbd_begin_path(const double *params, bool dropout_at_start, Random *random, SimulatedPath *path)
{
	beta_geometric_begin_path(params, random, path);
	path->stages = params[CNBD_K];
	if (dropout_at_start)
		path->alive = random_uniform(random) >= path->dropout;
}

double
cnbd_next_order(SimulatedPath *path, Random *random)
{
	if (!path->alive)
		return INFINITY;
	for (double stage = 0.0; stage < path->stages; stage++)
		path->clock += path->mean_gap * random_exponential(random);
	path->alive = random_uniform(random) >= path->dropout;
	return path->clock;
}
