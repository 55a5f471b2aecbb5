/*
 * gamma_lognormal.c
 *	  Gamma distributed amounts of customers whose means are log-normal.
 *
 * A customer's amounts are Gamma(p, mean mu), and mu = median e^(sigma u) with u ~ N(0, 1). It
 * is a model that gamma-gamma is not: the expected amount is not linear in what was spent, and
 * totals of customers who spent differently differ in more than their scale.
 *
 * Given x purchases of S in total, with t = ln(S / median) and e = e^(t - sigma u),
 *
 *		L(u) = p x (ln p + t - sigma u) - p e - ln Gamma(p x) - ln m
 *
 * is the logarithm of the density of their mean m. What the model tells are moments of u with
 * the weight e^(L(u) - u^2 / 2): sums over equal steps around its mode.
 */
#include "gamma_lognormal.h"

#include <math.h>

#include "numerics/host.h"
#include "numerics/normal.h"
#include "numerics/special.h"
#include "numerics/sum.h"
#include "numerics/tails.h"

enum
{
	GL_P,
	GL_SIGMA,
	GL_MEDIAN,
	GL_PARAMS,
};

/* Steps are a quarter of the standard deviation at the mode. */
#define STEPS 48
#define STEP 0.25
#define EULER 0.57721566490153286061

/* The customer's u: weights that add up to one, and what they add up to without that, as a logarithm. */
typedef struct Posterior
{
	double u[2 * STEPS + 1];
	double weight[2 * STEPS + 1];
	double ln_sum;
} Posterior;

/* L(u) without what does not depend on u, less u^2 / 2. */
static double
ln_weight(double px, double p, double sigma, double t, double u)
{
	return px > 0.0 ? -px * sigma * u - p * exp(t - sigma * u) - 0.5 * u * u : -0.5 * u * u;
}

/* The mode, from the side from which Newton's method approaches it steadily. */
static double
mode_of(double p, double sigma, double x, double t)
{
	double u = fmin(0.0, (t - log(x)) / sigma);

	for (int i = 0; i < 200; i++)
	{
		double e = exp(t - sigma * u);
		double step = (p * sigma * (e - x) - u) / (p * sigma * sigma * e + 1.0);

		u += step;
		if (fabs(step) < 1e-9)
			break;
	}
	return u;
}

static void
posterior_of(double p, double sigma, double x, double t, Posterior *posterior)
{
	double mode = x > 0.0 ? mode_of(p, sigma, x, t) : 0.0;
	double curvature = x > 0.0 ? p * sigma * sigma * exp(t - sigma * mode) + 1.0 : 1.0;
	double step = STEP / sqrt(curvature);
	double highest = ln_weight(p * x, p, sigma, t, mode);
	double sum = 0.0;

	for (int k = -STEPS; k <= STEPS; k++)
	{
		double u = mode + k * step;

		posterior->u[k + STEPS] = u;
		posterior->weight[k + STEPS] = exp(ln_weight(p * x, p, sigma, t, u) - highest);
		sum += posterior->weight[k + STEPS];
	}
	for (int k = 0; k <= 2 * STEPS; k++)
		posterior->weight[k] /= sum;
	posterior->ln_sum = highest + log(sum * step) - 0.5 * log(2.0 * M_PI);
}

/* The derivatives of L at a u. */
static void
slopes_at(const double *z, double x, double t, double u, double *slope)
{
	double e = exp(t - z[GL_SIGMA] * u);
	double px = z[GL_P] * x;
	double digamma = sf_dpoch(1.0, px) - EULER - 1.0 / px;

	slope[GL_P] = x * (log(z[GL_P]) + 1.0 + t - z[GL_SIGMA] * u - digamma) - e;
	slope[GL_SIGMA] = z[GL_P] * u * (e - x);
	slope[GL_MEDIAN] = z[GL_P] * (e - x) / z[GL_MEDIAN];
}

static void
curvatures_at(const double *z, double x, double t, double u, double *curvature)
{
	double p = z[GL_P];
	double m = z[GL_MEDIAN];
	double e = exp(t - z[GL_SIGMA] * u);

	curvature[GL_P * 3 + GL_P] = x / p - x * x * sf_trigamma(p * x);
	curvature[GL_P * 3 + GL_SIGMA] = curvature[GL_SIGMA * 3 + GL_P] = u * (e - x);
	curvature[GL_P * 3 + GL_MEDIAN] = curvature[GL_MEDIAN * 3 + GL_P] = (e - x) / m;
	curvature[GL_SIGMA * 3 + GL_SIGMA] = -p * u * u * e;
	curvature[GL_SIGMA * 3 + GL_MEDIAN] = curvature[GL_MEDIAN * 3 + GL_SIGMA] = -p * u * e / m;
	curvature[GL_MEDIAN * 3 + GL_MEDIAN] = p * (x - 2.0 * e) / (m * m);
}

static double
log_likelihood(const SpendPoint *points, size_t n_points, const double *z, double *gradient, double *hessian)
{
	Sum value = {0};
	Sum slopes[3] = {{0}};
	Sum curvatures[9] = {{0}};

	for (size_t i = 0; i < n_points; i++)
	{
		double x = points[i].x;
		double px = z[GL_P] * x;
		double t = log(points[i].total / z[GL_MEDIAN]);
		double w = points[i].customers;
		double mean[3] = {0};
		double second[9] = {0};
		Posterior posterior;

		host_poll_at(i);
		posterior_of(z[GL_P], z[GL_SIGMA], x, t, &posterior);
		sum_add(&value,
				w * (posterior.ln_sum + px * (log(z[GL_P]) + t) - lgamma(px) - log(points[i].total / points[i].x)));
		for (int k = 0; k <= 2 * STEPS; k++)
		{
			double slope[3];
			double curvature[9];

			slopes_at(z, x, t, posterior.u[k], slope);
			curvatures_at(z, x, t, posterior.u[k], curvature);
			for (int a = 0; a < 3; a++)
			{
				mean[a] += posterior.weight[k] * slope[a];
				for (int b = 0; b < 3; b++)
					second[a * 3 + b] += posterior.weight[k] * (curvature[a * 3 + b] + slope[a] * slope[b]);
			}
		}
		for (int a = 0; a < 3; a++)
		{
			sum_add(&slopes[a], w * mean[a]);
			for (int b = 0; b < 3; b++)
				sum_add(&curvatures[a * 3 + b], w * (second[a * 3 + b] - mean[a] * mean[b]));
		}
	}
	for (int a = 0; gradient != NULL && a < 3; a++)
		gradient[a] = sum_value(&slopes[a]);
	for (int a = 0; hessian != NULL && a < 9; a++)
		hessian[a] = sum_value(&curvatures[a]);
	return sum_value(&value);
}

/* The mean of mu, and its derivatives where they are asked for. */
static double
mean_amount(const double *z, double x, double spend, double *gradient)
{
	double t = x > 0.0 ? log(spend / z[GL_MEDIAN]) : 0.0;
	double mean = 0.0;
	double slopes[3] = {0};
	double products[3] = {0};
	Posterior posterior;

	posterior_of(z[GL_P], z[GL_SIGMA], x, t, &posterior);
	for (int k = 0; k <= 2 * STEPS; k++)
	{
		double u = posterior.u[k];
		double mu = z[GL_MEDIAN] * exp(z[GL_SIGMA] * u);
		double slope[3] = {0};

		mean += posterior.weight[k] * mu;
		if (gradient == NULL)
			continue;
		if (x > 0.0)
			slopes_at(z, x, t, u, slope);
		for (int a = 0; a < 3; a++)
		{
			slopes[a] += posterior.weight[k] * slope[a];
			products[a] += posterior.weight[k] * mu * slope[a];
		}
		products[GL_SIGMA] += posterior.weight[k] * mu * u;
		products[GL_MEDIAN] += posterior.weight[k] * mu / z[GL_MEDIAN];
	}
	for (int a = 0; gradient != NULL && a < 3; a++)
		gradient[a] = products[a] - mean * slopes[a];
	return mean;
}

static double
expected_spend(const double *params, double x, double mean_spend)
{
	return mean_amount(params, x, x * mean_spend, NULL);
}

static SpendMean
mean_of(const double *params, double x, double spend)
{
	SpendMean mean = {.amount = 1.0};
	double gradient[GL_PARAMS];

	mean.worth = mean_amount(params, x, spend, gradient);
	for (int a = 0; a < GL_PARAMS; a++)
		mean.of_amount[a] = params[a] * gradient[a] / mean.worth;
	return mean;
}

static SpendCustomer
draw_customer(const double *params, Random *random)
{
	double u = normal_quantile(random_uniform(random));

	return (SpendCustomer){{params[GL_P], params[GL_MEDIAN] * exp(params[GL_SIGMA] * u) / params[GL_P]}};
}

static double
draw_amount(const SpendCustomer *customer, Random *random)
{
	return customer->state[1] * random_gamma(random, customer->state[0]);
}

static SpendTotal
total_of(const double *params, double x, double spend)
{
	return (SpendTotal){
		.scale = params[GL_MEDIAN],
		.state = {params[GL_P], params[GL_SIGMA], x, x > 0.0 ? log(spend / params[GL_MEDIAN]) : 0.0},
	};
}

static double
total_constant(const SpendTotal *total, double n)
{
	return lgamma(total->state[0] * n);
}

/* Given mu, n amounts are Gamma(p n, mean n mu). */
static double
total_cdf(const SpendTotal *total, double n, double constant, double z, double *density)
{
	double p = total->state[0];
	double sigma = total->state[1];
	double tail = 0.0;
	Posterior posterior;

	*density = 0.0;
	posterior_of(p, sigma, total->state[2], total->state[3], &posterior);
	for (int k = 0; k <= 2 * STEPS; k++)
	{
		double ln_y = log(p) + z - sigma * posterior.u[k];

		if (ln_y > 600.0)
			continue;
		tail += posterior.weight[k] * chi_square_tail(2.0 * exp(ln_y), 2.0 * p * n);
		*density += posterior.weight[k] * exp(p * n * ln_y - exp(ln_y) - constant);
	}
	return 1.0 - tail;
}

const SpendModel gamma_lognormal_model = {
	.id = 1,
	.name = "gamma-lognormal",
	.n_params = GL_PARAMS,
	.param_names = {"p", "sigma", "median"},
	.money_param = GL_MEDIAN,
	.start = {2.0, 0.7, 1.0},
	.log_likelihood = log_likelihood,
	.expected_spend = expected_spend,
	.linear = false,
	.mean = mean_of,
	.draw_customer = draw_customer,
	.draw_amount = draw_amount,
	.total_has_one_shape = false,
	.total_of = total_of,
	.total_constant = total_constant,
	.total_cdf = total_cdf,
};
