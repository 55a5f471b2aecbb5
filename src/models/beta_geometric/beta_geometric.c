/*
 * beta_geometric.c
 *	  Expected future purchases of a live customer of the beta-geometric
 *	  family.
 *
 * If the customer never left, the number of purchases in time t would be
 * negative binomial with probabilities pi_j(t); the (j+1)-th purchase takes
 * place with probability
 *
 *		omega_j = E[(1-p)^j] = prod over i < j of (b+i) / (a+b+i),
 *
 * so that with W_j = omega_0 + ... + omega_(j-1)
 *
 *		E[X(t)] = sum over j of pi_j(t) W_j.
 *
 * All terms are positive, nothing cancels, and no value of a or b is special,
 * unlike in the hypergeometric form of the literature. Purchase j+1 comes at
 * the rate (n+j) / (A+s) pi_j(s), hence with discounting
 *
 *		D = integral over s of e^(-delta s) sum omega_j (n+j) / (A+s) pi_j(s).
 *
 * With u = ln(1 + s/A) this is, at each u, a polynomial in z = 1 - e^-u with
 * the same coefficients, and so smooth in u that the 16-point rule is exact to
 * double precision.
 *
 * Where the sums would be long (a high rate, or a horizon far beyond A), both
 * are instead taken as means over p, by quadrature.
 *
 * Without an end, D is a mean over the rate lambda instead, of E[lambda / (delta + lambda p)],
 * which is a hypergeometric function: see residual_orders().
 */
#include "models/beta_geometric/beta_geometric.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "numerics/gamma_race.h"
#include "numerics/host.h"
#include "numerics/quadrature.h"
#include "numerics/special.h"

/* Sums longer than this cost more than the quadrature. */
#define MAX_TERMS 4000.0

/* Below e^-600 the first probability nears underflow. */
#define MAX_LN_ODDS 600.0

/* A remainder below this does not change a sum. */
#define NEGLIGIBLE 1e-17

/*
 * The discounted sum keeps its coefficients, in an array of this size, below
 * this largest number.
 */
#define MAX_COEFFICIENTS 1024
#define MAX_COEFFICIENT 1e280

/* How far the 16-point rule may reach; see discounted_is_smooth(). */
#define MAX_GROWTH 4.0
#define MAX_DECAY 16.0
#define MAX_SURPLUS 24.0
#define MAX_DISCOUNT 4.0

/* The arguments of both functions. */
typedef struct BetaGeoNewCustomer
{
	double n;
	double A;
	double a;
	double b;
	double t;
	double delta;
} BetaGeoNewCustomer;

/* E[X(t)] by the sum; `mean` and `sd` are those of the negative binomial. */
static double
orders_by_series(const BetaGeoNewCustomer *c, double mean, double sd)
{
	double tau = c->t / c->A;
	double z = c->t / (c->A + c->t);
	double ln_first = -c->n * log1p(tau);
	double pi = exp(ln_first);
	double omega = 1.0;
	double W = 0.0;
	double sum = 0.0;
	double norm = 1.0;
	double j = 0.0;

	if (ln_first < -MAX_LN_ODDS)
	{
		/* begin where the probabilities do, and scale them by their sum */
		double first = fmax(0.0, floor(mean - 14.0 * sd - 20.0));

		for (; j < first; j++)
		{
			W += omega;
			omega *= (c->b + j) / (c->a + c->b + j);
		}
		pi = 1.0;
		norm = 0.0;
	}

	do
	{
		double over = 1.0 / ((c->a + c->b + j) * (j + 1.0));

		sum += pi * W;
		if (ln_first < -MAX_LN_ODDS)
			norm += pi;
		W += omega;
		omega *= (c->b + j) * (j + 1.0) * over;
		pi *= z * (c->n + j) * (c->a + c->b + j) * over;
		j++;
	} while (j <= mean || pi * (1.0 + tau) * W > NEGLIGIBLE * sum);
	return sum / norm;
}

/* E[X(t) | p]: (1 - (1 + p t/A)^-n) / p */
static double
orders_given_p(double p, const void *data)
{
	const BetaGeoNewCustomer *c = data;

	return -expm1(-c->n * log1p(p * c->t / c->A)) / p;
}

double
beta_geometric_orders(double n, double A, double a, double b, double t)
{
	BetaGeoNewCustomer c = {.n = n, .A = A, .a = a, .b = b, .t = t};
	double tau = t / A;
	double mean = n * tau;
	double sd = sqrt(mean * (1.0 + tau));

	if (!(tau > 0.0))
		return 0.0;
	if (mean + 14.0 * sd + 40.0 / log1p(1.0 / tau) <= MAX_TERMS)
		return orders_by_series(&c, mean, sd);
	return beta_mean(a, b,
					 &(BetaIntegrand){
						 .value = orders_given_p,
						 .data = &c,
						 .at_zero = mean,
						 .slope = 0.5 * (n + 1.0) * tau,
						 .at_one = orders_given_p(1.0, &c),
					 });
}

/*
 * The coefficients omega_j (n)_(j+1) / j! of the polynomial in z, as many as
 * are needed at the horizon. Returns their number, or 0 if that is too many.
 */
static int
discounted_coefficients(const BetaGeoNewCustomer *c, double *coefficient)
{
	double tau = c->t / c->A;
	double z = c->t / (c->A + c->t);
	double value = c->n;
	double power = 1.0;
	double sum = 0.0;

	for (int j = 0; j < MAX_COEFFICIENTS && value < MAX_COEFFICIENT; j++)
	{
		coefficient[j] = value;
		sum += value * power;
		value *= (c->b + j) * (c->n + j + 1.0) / ((c->a + c->b + j) * (j + 1.0));
		power *= z;
		if (j > c->n * tau && value * power * (1.0 + tau) < NEGLIGIBLE * sum)
			return j + 1;
	}
	return 0;
}

/*
 * The rule that is exact over 0 <= u <= growth, or NULL.
 *
 * The integrand's singularities, as a function of u, are at imaginary part pi,
 * so the interval must not be long. At the mean of p the integrand falls by (1
 * + p t/A)^-n, at p near 1 by e^(-n u), which must not be too steep for 16
 * points; but there the density of p, (1-p)^(b-1), compensates, so that only
 * the excess of n over b matters: it is small for a customer with a history,
 * since b includes it. The limits are where the difference to a rule of many
 * more points was still at the level of rounding, 3e-13. Half of the points
 * suffice for a quarter of the interval and a sixth of the change: the error
 * terms are then of the same size.
 */
static const GaussRule *
discounted_rule(const BetaGeoNewCustomer *c, double growth)
{
	double integral = c->n * log1p(c->a / (c->a + c->b) * c->t / c->A);
	double change =
		fmax(fmax(integral / MAX_DECAY, (c->n - c->b) * growth / MAX_SURPLUS), c->delta * c->t / MAX_DISCOUNT);

	if (growth > MAX_GROWTH || change > 1.0 || c->n * growth > MAX_LN_ODDS)
		return NULL;
	return 4.0 * growth <= MAX_GROWTH && 6.0 * change <= 1.0 ? &gauss_8 : &gauss_16;
}

/* Values of the polynomial at eight nodes, the number that fits into the processor's registers. */
static void
polynomial_at(const double *coefficient, int count, const double *z, double *value)
{
	double v0 = 0.0, v1 = 0.0, v2 = 0.0, v3 = 0.0, v4 = 0.0, v5 = 0.0, v6 = 0.0, v7 = 0.0;

	for (int j = count - 1; j >= 0; j--)
	{
		v0 = v0 * z[0] + coefficient[j];
		v1 = v1 * z[1] + coefficient[j];
		v2 = v2 * z[2] + coefficient[j];
		v3 = v3 * z[3] + coefficient[j];
		v4 = v4 * z[4] + coefficient[j];
		v5 = v5 * z[5] + coefficient[j];
		v6 = v6 * z[6] + coefficient[j];
		v7 = v7 * z[7] + coefficient[j];
	}
	value[0] = v0, value[1] = v1, value[2] = v2, value[3] = v3;
	value[4] = v4, value[5] = v5, value[6] = v6, value[7] = v7;
}

/* D by the sum, if it is short and smooth enough. */
static bool
discounted_by_series(const BetaGeoNewCustomer *c, double *result)
{
	double growth = log1p(c->t / c->A);
	const GaussRule *rule = discounted_rule(c, growth);
	double coefficient[MAX_COEFFICIENTS];
	double z[GAUSS_POINTS];
	double weight[GAUSS_POINTS];
	double polynomial[GAUSS_POINTS];
	int n_coefficients;

	if (rule == NULL)
		return false;
	n_coefficients = discounted_coefficients(c, coefficient);
	if (n_coefficients == 0)
		return false;

	for (int i = 0; i < rule->points; i++)
	{
		double u = 0.5 * growth * (1.0 + rule->node[i]);
		double tau = expm1(u);

		z[i] = tau / (1.0 + tau);
		weight[i] = 0.5 * growth * rule->weight[i] * exp(-c->n * u - c->delta * c->A * tau);
	}
	for (int i = 0; i < rule->points; i += 8)
		polynomial_at(coefficient, n_coefficients, z + i, polynomial + i);

	*result = 0.0;
	for (int i = 0; i < rule->points; i++)
		*result += weight[i] * polynomial[i];
	return true;
}

/* D given p: integral of e^(-delta s) n/A (1 + p s/A)^(-n-1) */
static double
discounted_given_p(double p, const void *data)
{
	const BetaGeoNewCustomer *c = data;

	return c->n / p * sf_scaled_expint(c->n + 1.0, c->delta * c->A / p, log1p(p * c->t / c->A));
}

/*
 * Mean arrival time of a unit of discounted money in an even flow until t: the
 * slope of D given p at p = 0 depends on it.
 */
static double
discounted_mean_time(double t, double delta)
{
	double y = delta * t;

	if (y < 1e-3)
		return t * (0.5 - y / 12.0); /* the formula below suffers cancellation here */
	if (y > MAX_LN_ODDS)
		return 1.0 / delta;
	return (-expm1(-y) - y * exp(-y)) / (-expm1(-y) * delta);
}

/* From this ratio of the rate to the discount on a recurrence is faster than the continued fraction. */
#define FAR_RATE 200.0

/* E[lambda / (delta + lambda p)], p ~ Beta(a, b), with z = lambda / delta: z 2F1(1, a; a + b; -z). */
static double
lasting_orders(double z, double a, double b)
{
	double far = z < FAR_RATE ? NAN : gamma_race_far(b, a, z);

	/* all terms of the fraction are positive here */
	if (isnan(far))
		return z * sf_hypergeometric1(a, a + b, -z);
	return z * far + z / (1.0 + z) * (1.0 - far);
}

/* n^n e^-n / Gamma(n): the density of ln(Gamma(n) / n) at 0. */
static double
density_at_centre(double n)
{
	double over = 1.0 / (n * n);

	if (n < 16.0)
		return exp(n * log(n) - n - lgamma(n));
	/* what Stirling's formula leaves of ln Gamma(n) */
	return sqrt(n / (2.0 * M_PI)) *
		exp(-(1.0 / 12.0 - over * (1.0 / 360.0 - over * (1.0 / 1260.0 - over * (1.0 / 1680.0 - over / 1188.0)))) / n);
}

/*
 * D without an end. Over u = ln(lambda A / n) the integrand, the gamma density times
 * lasting_orders(), is analytic for |Im u| < pi, falls like e^((n+1) u) on one side and like
 * e^-e^u on the other, and has one maximum. So the trapezoid rule converges exponentially: with
 * the step below its error, e^(-2 pi d / step) cos(d)^-n for the best d < pi / 2, is less than 1e-15.
 */
static double
residual_orders(double n, double A, double a, double b, double delta)
{
	double step = 0.25 / sqrt(1.0 + n / 8.0);
	double scale = n / (delta * A);
	double sum = lasting_orders(scale, a, b);

	for (int side = -1; side <= 1; side += 2)
	{
		double term;
		int i = 0;

		do
		{
			double u = side * ++i * step;

			host_poll_at((size_t) i);
			term = exp(-n * (expm1(u) - u)) * lasting_orders(scale * exp(u), a, b);
			sum += term;
		} while (term > NEGLIGIBLE * sum);
	}
	return sum * step * density_at_centre(n);
}

double
beta_geometric_discounted(double n, double A, double a, double b, double t, double delta)
{
	BetaGeoNewCustomer c = {.n = n, .A = A, .a = a, .b = b, .t = t, .delta = delta};
	double result;

	/* a discount too small to affect the result */
	if (!(delta * t > DBL_EPSILON / 16.0))
		return beta_geometric_orders(n, A, a, b, t);
	if (isinf(t))
		return residual_orders(n, A, a, b, delta);
	if (discounted_by_series(&c, &result))
		return result;
	return beta_mean(a, b,
					 &(BetaIntegrand){
						 .value = discounted_given_p,
						 .data = &c,
						 .at_zero = n * -expm1(-delta * t) / (delta * A),
						 .slope = (n + 1.0) * discounted_mean_time(t, delta) / A,
						 .at_one = discounted_given_p(1.0, &c),
					 });
}

double
beta_geometric_pmf(double n, double A, double a, double b, double t, double x)
{
	double tau = t / A;
	double exactly;

	if (!(tau > 0.0))
		return x == 0.0 ? 1.0 : 0.0;
	exactly = exp(sf_ln_negative_binomial(n, tau, x));
	if (x == 0.0)
		return exactly;

	/* survived x dropout trials without a purchase since, or dropped out at the x-th */
	return exp(sf_lbeta_shift(a, b, x)) * (exactly + a / (b + (x - 1.0)) * sf_negative_binomial_tail(n, tau, x));
}

double
beta_geometric_tail(double n, double A, double a, double b, double t, double x)
{
	double tau = t / A;

	return tau > 0.0 ? exp(sf_lbeta_shift(a, b, x - 1.0)) * sf_negative_binomial_tail(n, tau, x) : 0.0;
}
