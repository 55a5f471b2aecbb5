/*
 * cnbd_orders.c
 *	  Expected future purchases of a live customer who buys regularly.
 *
 * Let M(t) be the number of stages complete after time t, if the customer
 * never left: negative binomial with probabilities pi_m, given the j stages
 * before. The i-th purchase comes with stage k i - j, and takes place with
 * probability
 *
 *		omega_(i-1) = E[(1-p)^(i-1)] = prod over h < i - 1 of (b+h) / (a+b+h),
 *
 * so that with W_i = omega_0 + ... + omega_(i-1) and the mean taken over j
 *
 *		E[X(t)] = mean of sum over m of pi_m W_floor((m + j) / k).
 *
 * All terms are positive. Where that sum is long, it is a mean over p instead, of
 *
 *		E[X(t) | p] = (1 - E[(1-p)^floor((M + j) / k)]) / p,
 *
 * whose power is a sum over the k-th roots of unity, because m + j - (its remainder
 * by k) is: with y = (1-p)^(1/k) e^(2 pi i l / k), l = 0 ... k - 1, it is
 *
 *		sum over l of c_l E[y^(M + j)],  c_l = p / (1-p) y / (k (1 - y)),
 *		E[y^M] = (1 + (1 - y) t / age)^(-n-j).
 *
 * l = 0 is the mean rate of the purchases; the others are its periodic part,
 * which decays fast.
 *
 * Discounted, purchases count at the time they arrive, by the rate of the sum;
 * where the sum is long, by partial integration of the undiscounted
 * expectation. For an infinite horizon there is a closed form given lambda and
 * p, and both means are quadratures.
 */
#include "models/cnbd/cnbd.h"

#include <complex.h>
#include <float.h>
#include <math.h>

#include "numerics/quadrature.h"
#include "numerics/special.h"

/* Sums longer than this cost more than the quadrature. */
#define MAX_TERMS 4000

/* Below e^-600 the first probability nears underflow. */
#define MAX_LN_ODDS 600.0

/* A remainder below this does not change a sum. */
#define NEGLIGIBLE 1e-17

/* e^-40 is negligible: the periodic part has decayed, and so has discounted money. */
#define FORGOTTEN 40.0

/* Tolerance for the time at which a sum becomes long; it need not be exact. */
#define BISECTIONS 60

/* With a dropout probability below this, nobody has left over so many purchases. */
#define FIRST_PURCHASES 56
#define LARGE_P 0.5

/* Stands for 0, which has no root. */
#define TINY_P 1e-200

/* The range of an infinite horizon: enough to reach the smallest discount. */
#define MAX_PACES 8192
#define MAX_WIDTH 2.0

/* How far the negative binomial sum goes. */
static double
series_length(const LiveCustomer *c, double t)
{
	double tau = t / c->age;
	double mean = (c->n + c->k - 1.0) * tau;

	return mean + 14.0 * sqrt(mean * (1.0 + tau)) + FORGOTTEN / log1p(1.0 / tau);
}

/* E[X(t) | j] by the sum. */
static double
orders_from_stage(const LiveCustomer *c, double t, int j)
{
	double n = c->n + j;
	double tau = t / c->age;
	double z = t / (c->age + t);
	double mean = n * tau;
	double m = 0.0;
	double pi;
	double omega = 1.0;
	double W = 0.0;
	double sum = 0.0;
	double purchases = 0.0;
	int stage;

	/* begin where the probabilities do */
	if (n * log1p(tau) > MAX_LN_ODDS)
		m = fmax(0.0, floor(mean - 14.0 * sqrt(mean * (1.0 + tau)) - 20.0));
	pi = exp(sf_ln_negative_binomial(n, tau, m));
	for (double before = floor((m + j) / c->k); purchases < before; purchases++)
	{
		W += omega;
		omega *= (c->b + purchases) / (c->a + c->b + purchases);
	}
	stage = (int) (m + j - purchases * c->k);

	do
	{
		sum += pi * W;
		pi *= z * (n + m) / (m + 1.0);
		m++;
		if (++stage == c->k)
		{
			stage = 0;
			W += omega;
			omega *= (c->b + purchases) / (c->a + c->b + purchases);
			purchases++;
		}
	} while (m <= mean || W == 0.0 || pi * (1.0 + tau) * W > NEGLIGIBLE * sum);
	return sum;
}

static double
orders_by_series(const LiveCustomer *c, double t)
{
	double orders = 0.0;

	for (int j = 0; j < c->k; j++)
		if (c->stage[j] > 0.0)
			orders += c->stage[j] * orders_from_stage(c, t, j);
	return orders;
}

/* What does not depend on p. */
typedef struct CnbdNewCustomer
{
	const LiveCustomer *customer;
	double tau;
	double complex root[CNBD_MAX_K]; /* e^(2 pi i l / k) */
	double reach[FIRST_PURCHASES];   /* probability of so many purchases and one, without leaving */
} CnbdNewCustomer;

static void
find_roots(CnbdNewCustomer *prospect)
{
	int k = prospect->customer->k;

	for (int l = 0; l < k; l++)
		prospect->root[l] = cos(2.0 * M_PI * l / k) + I * sin(2.0 * M_PI * l / k);
}

/*
 * The probabilities of the first purchases, each from the one before by
 * subtraction. Where the sum is long, either so few stages are improbable, or
 * tau is large and all the probabilities are of one order of magnitude.
 */
static void
find_reach(CnbdNewCustomer *prospect)
{
	const LiveCustomer *c = prospect->customer;
	double z = prospect->tau / (1.0 + prospect->tau);

	for (int i = 0; i < FIRST_PURCHASES; i++)
		prospect->reach[i] = 0.0;
	for (int j = 0; j < c->k; j++)
	{
		double n = c->n + j;
		double pi = exp(-n * log1p(prospect->tau));
		double reach = -expm1(-n * log1p(prospect->tau));
		int m = 1;

		for (int i = 0; i < FIRST_PURCHASES; i++)
		{
			for (; m < c->k * (i + 1) - j; m++)
			{
				pi *= z * (n + (m - 1)) / m;
				reach -= pi;
			}
			prospect->reach[i] += c->stage[j] * fmax(reach, 0.0);
		}
	}
}

/* 1 - E[y^M], given the stages before, for j = 0: -expm1(-n ln D) */
static double complex
lost(double n, double complex D_less_1)
{
	double ln_D = 0.5 * log1p(creal(D_less_1) * (2.0 + creal(D_less_1)) + cimag(D_less_1) * cimag(D_less_1));
	double angle = -n * atan2(cimag(D_less_1), 1.0 + creal(D_less_1));
	double size = exp(-n * ln_D);
	double half = sin(0.5 * angle);

	return -expm1(-n * ln_D) + 2.0 * size * half * half - I * size * sin(angle);
}

/* E[X(t) | p] */
static double
orders_given_p(double p, const void *data)
{
	const CnbdNewCustomer *prospect = data;
	const LiveCustomer *c = prospect->customer;
	double ln_y = log1p(-p) / c->k;
	double size = exp(ln_y);
	double orders = 0.0;

	if (p > LARGE_P)
	{
		for (int i = FIRST_PURCHASES - 1; i >= 0; i--)
			orders = orders * (1.0 - p) + prospect->reach[i];
		return orders;
	}

	/* the roots come in pairs, but for 1 and perhaps -1 */
	for (int l = 0; 2 * l <= c->k; l++)
	{
		double complex y = size * prospect->root[l];
		double complex rest = l == 0 ? -expm1(ln_y) : 1.0 - y;
		double complex grown = prospect->tau * rest;
		double complex per_stage = 1.0 / (1.0 + grown);
		double complex gone = lost(c->n, grown);
		double complex power = 1.0;
		double complex sum = 0.0;

		for (int j = 0; j < c->k; j++)
		{
			sum += c->stage[j] * power * gone;
			power *= y;
			gone = (grown + gone) * per_stage;
		}
		sum *= y / rest;
		orders += (l == 0 || 2 * l == c->k ? 1.0 : 2.0) * creal(sum);
	}
	return orders / (c->k * (1.0 - p));
}

static double
orders_by_mean(const LiveCustomer *c, double t)
{
	CnbdNewCustomer prospect = {.customer = c, .tau = t / c->age};

	find_roots(&prospect);
	find_reach(&prospect);
	return beta_mean(c->a, c->b,
					 &(BetaIntegrand){
						 .value = orders_given_p,
						 .data = &prospect,
						 .at_zero = orders_given_p(TINY_P, &prospect),
						 .slope = 0.5 * (c->n + c->k) * prospect.tau,
						 .at_one = prospect.reach[0],
					 });
}

/* Undiscounted. */
static double
orders_within(const LiveCustomer *c, double t)
{
	if (!(t / c->age > 0.0))
		return 0.0;
	return series_length(c, t) <= MAX_TERMS ? orders_by_series(c, t) : orders_by_mean(c, t);
}

/* Whether the periodic part has decayed by time s: E[y^M] is negligible for the next root after 1. */
static bool
is_forgotten(const LiveCustomer *c, double s)
{
	double tau = s / c->age;
	double fall = 2.0 * tau * (1.0 + tau) * (1.0 - cos(2.0 * M_PI / c->k));

	return c->k == 1 || 0.5 * c->n * log1p(fall) > FORGOTTEN;
}

/*
 * The rate at which purchases come in at time s, by the sum, for all s up to a
 * maximum:
 *
 *		sum over i of omega_i times the mean of pi_(k (i+1) - j - 1) (n + k (i+1) - 1) / (age + s).
 *
 * From one i to the next, pi grows by z^k times a ratio that does not depend on s.
 */
typedef struct OrderRates
{
	const LiveCustomer *customer;
	double z_most;
	int n_orders;
	double omega[MAX_TERMS + 1];
	double ratio[MAX_TERMS + CNBD_MAX_K]; /* times z_most^k; of i and j */
} OrderRates;

static void
find_order_rates(const LiveCustomer *c, double most, OrderRates *rates)
{
	rates->customer = c;
	rates->z_most = most / (c->age + most);
	rates->n_orders = (int) ceil(series_length(c, most) / c->k);
	rates->omega[0] = 1.0;
	for (int i = 0; i < rates->n_orders; i++)
	{
		rates->omega[i + 1] = rates->omega[i] * (c->b + i) / (c->a + c->b + i);
		for (int j = 0; j < c->k; j++)
		{
			double m = c->k * (i + 1.0) - j;
			double ratio = 1.0;

			for (int h = 0; h < c->k; h++)
				ratio *= rates->z_most * (c->n + (j + m - 1.0 + h)) / (m + h);
			rates->ratio[i * c->k + j] = ratio;
		}
	}
}

static double
order_rate(const OrderRates *rates, double s)
{
	const LiveCustomer *c = rates->customer;
	double tau = s / c->age;
	double mean = c->n * tau;
	double growth = pow(tau / (1.0 + tau) / rates->z_most, c->k);
	double term[CNBD_MAX_K];
	double sum = 0.0;
	double here;
	/* begin where the probabilities do */
	int i = (int) fmax(0.0, floor((mean - 14.0 * sqrt(mean * (1.0 + tau)) - 20.0) / c->k - 1.0));

	for (int j = 0; j < c->k; j++)
		term[j] = c->stage[j] * exp(sf_ln_negative_binomial(c->n + j, tau, c->k * (i + 1.0) - j - 1.0));
	do
	{
		const double *ratio = &rates->ratio[i * c->k];

		here = 0.0;
		for (int j = 0; j < c->k; j++)
		{
			here += term[j];
			term[j] *= growth * ratio[j];
		}
		here *= rates->omega[i] * (c->n + (c->k * (i + 1.0) - 1.0));
		sum += here;
		i++;
	} while (i < rates->n_orders && (c->k * i <= mean || here > NEGLIGIBLE * sum));
	return sum / (c->age + s);
}

/*
 * The next panel of a walk over time. All singularities of a customer's
 * expectation are left of -age / 2. The panels must resolve powers of 1 + (1 -
 * y) s / age, with y as far from 1 as has not decayed yet: any y while there
 * is a periodic part, then real ones, for those who leave late.
 */
static bool
time_next(const LiveCustomer *c, double delta, double limit, Panel *panel)
{
	double s = panel->end;
	double lag = 1.0; /* the largest 1 - y */

	if (s > 0.0 && is_forgotten(c, s))
		lag = fmin(1.0, expm1(FORGOTTEN / c->n) * c->age / s);
	return panel_next(panel, limit, s + 0.5 * c->age, delta + lag * (c->n + c->k) / (c->age + lag * s));
}

/* Sums up to this long are evaluated whole, at all nodes of a panel at once. */
#define MAX_COEFFICIENTS 1024

/*
 * The rate of purchases as polynomials: with z = s / (age + s), m = k i + r and r = k - 1 - j,
 * the purchase i + 1 comes in at
 *
 *		(1 - z)^n / (age + s) times the sum over j of (1 - z)^j z^r sum over i of c_m (z^k)^i,
 *		c_m = stage_j omega_i (n + j)_(m + 1) / m!.
 *
 * The coefficients are taken relative to the horizon: c_m z^m (1 - z)^(n + j) there, and z in
 * parts of its value there. So none overflows, and all terms are positive.
 */
typedef struct RatePolynomials
{
	const LiveCustomer *customer;
	double growth; /* ln(1 + t / age) */
	double z_most;
	int n_rows;                           /* of i */
	double coefficient[MAX_COEFFICIENTS]; /* of r and i */
} RatePolynomials;

/* Returns false where they are too many, or too small. */
static bool
find_rate_polynomials(const LiveCustomer *c, double t, RatePolynomials *rates)
{
	int k = c->k;

	rates->customer = c;
	rates->growth = log1p(t / c->age);
	rates->z_most = t / (c->age + t);
	rates->n_rows = (int) ceil(series_length(c, t) / k) + 1;
	if (rates->n_rows * k > MAX_COEFFICIENTS || (c->n + k) * rates->growth > MAX_LN_ODDS)
		return false;
	for (int r = 0; r < k; r++)
	{
		int j = k - 1 - r;
		double n = c->n + j;
		double value = c->stage[j] * n * exp(-n * rates->growth);
		double omega = 1.0;

		for (int h = 1; h <= r; h++)
			value *= rates->z_most * (n + h) / h;
		for (int i = 0; i < rates->n_rows; i++)
		{
			int m = k * i + r;

			rates->coefficient[r * rates->n_rows + i] = omega * value;
			omega *= (c->b + i) / (c->a + c->b + i);
			for (int h = 1; h <= k; h++)
				value *= rates->z_most * (n + (m + h)) / (m + h);
		}
	}
	return true;
}

/* The integral over a panel. */
static double
panel_of_rates(const RatePolynomials *rates, const Panel *panel, double delta)
{
	const LiveCustomer *c = rates->customer;
	double z[GAUSS_POINTS];
	double z_k[GAUSS_POINTS];   /* z^k */
	double z_r[GAUSS_POINTS];   /* z^r */
	double grown[GAUSS_POINTS]; /* (1 - z), relative to that at the horizon */
	double weight[GAUSS_POINTS];
	double rate[GAUSS_POINTS];
	double value[GAUSS_POINTS];
	double sum = 0.0;

	for (int q = 0; q < GAUSS_POINTS; q++)
	{
		double s = panel_node(panel, q);
		double left = rates->growth - log1p(s / c->age);

		z[q] = s / (c->age + s) / rates->z_most;
		z_k[q] = pow(z[q], c->k);
		z_r[q] = 1.0;
		grown[q] = exp(left);
		weight[q] = panel_weight(panel, q) * exp(c->n * left - delta * s) / (c->age + s);
		rate[q] = 0.0;
	}
	for (int r = 0; r < c->k; r++)
	{
		const double *row = &rates->coefficient[r * rates->n_rows];

		for (int q = 0; q < GAUSS_POINTS; q++)
			value[q] = 0.0;
		for (int i = rates->n_rows - 1; i >= 0; i--)
			for (int q = 0; q < GAUSS_POINTS; q++)
				value[q] = value[q] * z_k[q] + row[i];
		for (int q = 0; q < GAUSS_POINTS; q++)
		{
			rate[q] = rate[q] * grown[q] + z_r[q] * value[q];
			z_r[q] *= z[q];
		}
	}
	for (int q = 0; q < GAUSS_POINTS; q++)
		sum += weight[q] * rate[q];
	return sum;
}

static bool
discounted_by_polynomials(const LiveCustomer *c, double t, double delta, double *result)
{
	RatePolynomials rates;

	if (!find_rate_polynomials(c, t, &rates))
		return false;
	*result = 0.0;
	for (Panel panel = panel_start(0.0); time_next(c, delta, t, &panel);)
		*result += panel_of_rates(&rates, &panel, delta);
	return true;
}

/* Until a time up to which the sum is short. */
static double
discounted_soon(const LiveCustomer *c, double t, double delta)
{
	OrderRates rates;
	double sum = 0.0;

	if (discounted_by_polynomials(c, t, delta, &sum))
		return sum;
	find_order_rates(c, t, &rates);
	for (Panel panel = panel_start(0.0); time_next(c, delta, t, &panel);)
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double s = panel_node(&panel, i);

			sum += panel_weight(&panel, i) * exp(-delta * s) * order_rate(&rates, s);
		}
	return sum;
}

/* The integral from `soon` to t, by partial integration. */
static double
discounted_later(const LiveCustomer *c, double soon, double t, double delta)
{
	double before = orders_within(c, soon);
	double sum = exp(-delta * t) * (orders_within(c, t) - before);

	for (Panel panel = panel_start(soon); time_next(c, delta, t, &panel);)
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double s = panel_node(&panel, i);

			sum += panel_weight(&panel, i) * delta * exp(-delta * s) * (orders_within(c, s) - before);
		}
	return sum;
}

/* The time until which the sum is short. */
static double
short_time(const LiveCustomer *c)
{
	double low = 0.0;
	double high = MAX_TERMS * c->age; /* 40 tau is in the length */

	for (int i = 0; i < BISECTIONS; i++)
	{
		double middle = 0.5 * (low + high);

		if (series_length(c, middle) <= MAX_TERMS)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static double
discounted_within(const LiveCustomer *c, double t, double delta)
{
	double soon;

	if (series_length(c, t) <= MAX_TERMS)
		return discounted_soon(c, t, delta);
	soon = short_time(c);
	return discounted_soon(c, soon, delta) + discounted_later(c, soon, t, delta);
}

/*
 * Given the rate u = age lambda, each stage is worth v = u / (u + age delta)
 * of the one before, and all orders together v^(k - j) / (1 - (1-p) v^k).
 */
typedef struct Pace
{
	double weight; /* probability times the mean of v^(k - j) */
	double loss;   /* 1 - v^k */
} Pace;

typedef struct Paces
{
	int n;
	Pace pace[MAX_PACES];
} Paces;

/* E[D | p] */
static double
discounted_given_p(double p, const void *data)
{
	const Paces *paces = data;
	double sum = 0.0;

	for (int i = 0; i < paces->n; i++)
		sum += paces->pace[i].weight / (p + (1.0 - p) * paces->pace[i].loss);
	return sum;
}

/* -d ln E[D | p] / dp at p = 0 */
static double
discounted_slope(const Paces *paces)
{
	double value = 0.0;
	double slope = 0.0;

	for (int i = 0; i < paces->n; i++)
	{
		double orders = paces->pace[i].weight / paces->pace[i].loss;

		value += orders;
		slope += orders * (1.0 - paces->pace[i].loss) / paces->pace[i].loss;
	}
	return slope / value;
}

/* The integration over all rates, downwards in z = ln u. */
typedef struct PaceWalk
{
	const LiveCustomer *customer;
	double loss;   /* age delta */
	double z_unit; /* the density is taken relative to that here, */
	double u_unit;
	double norm;    /* and this is its integral */
	double sum;     /* of weights */
	double density; /* both at the last node */
	double weight;
} PaceWalk;

/*
 * One rate. Its density, together with that of j, is
 *
 *		u^n e^-u / Gamma(n) times stage_j u^j / (n)_j.
 */
static Pace
pace_at(PaceWalk *walk, double z, double width)
{
	const LiveCustomer *c = walk->customer;
	double u = exp(z);
	double ln_v = -log1p(walk->loss / u);
	double v = exp(ln_v);
	double grown = exp(c->n * (z - walk->z_unit) - (u - walk->u_unit));

	walk->density = walk->weight = 0.0;
	for (int j = 0; j < c->k; j++)
	{
		walk->density += c->stage[j] * grown;
		walk->weight = walk->weight * v + c->stage[j] * grown;
		grown *= u / (c->n + j);
	}
	walk->weight *= v;
	return (Pace){.weight = width * walk->weight, .loss = -expm1(c->k * ln_v)};
}

/* Whether what lies below z does not matter, to the integral or to the norm. */
static bool
pace_is_over(const PaceWalk *walk, double z)
{
	double u = exp(z);
	double slope = walk->customer->n - u;
	double fall = slope + walk->loss / (walk->loss + u);

	return fall > 0.0 && walk->weight < NEGLIGIBLE * fall * walk->sum &&
		(walk->customer->n < 1.0 || (slope > 0.0 && walk->density < NEGLIGIBLE * slope * walk->norm));
}

/*
 * The integration begins above all likely rates. For n >= 1 it covers all of
 * the density, and so normalises it.
 */
static void
find_paces(const LiveCustomer *c, double delta, Paces *paces)
{
	double most = c->n + c->k;
	PaceWalk walk = {
		.customer = c,
		.loss = c->age * delta,
		.z_unit = c->n < 1.0 ? 0.0 : log(c->n),
		.u_unit = c->n < 1.0 ? 0.0 : c->n,
	};
	Panel panel = panel_start(log(most + 14.0 * sqrt(most) + 60.0));

	paces->n = 0;
	do
	{
		double u = exp(panel.end);
		double rate = fabs(c->n - u) + c->k * walk.loss / (walk.loss + u);

		panel_move(&panel, -fmin(MAX_WIDTH, fmin(12.0 / rate, 3.0 / sqrt(u))));
		for (int i = GAUSS_POINTS - 1; i >= 0; i--)
		{
			Pace *pace = &paces->pace[paces->n++];
			double width = panel_weight(&panel, i);

			*pace = pace_at(&walk, panel_node(&panel, i), width);
			walk.sum += pace->weight;
			walk.norm += width * walk.density;
		}
	} while (paces->n + GAUSS_POINTS <= MAX_PACES && !pace_is_over(&walk, panel.end));

	if (c->n < 1.0)
		walk.norm = tgamma(c->n);
	for (int i = 0; i < paces->n; i++)
		paces->pace[i].weight /= walk.norm;
}

static double
discounted_for_ever(const LiveCustomer *c, double delta)
{
	Paces paces;

	find_paces(c, delta, &paces);
	return beta_mean(c->a, c->b,
					 &(BetaIntegrand){
						 .value = discounted_given_p,
						 .data = &paces,
						 .at_zero = discounted_given_p(0.0, &paces),
						 .slope = discounted_slope(&paces),
						 .at_one = discounted_given_p(1.0, &paces),
					 });
}

double
cnbd_orders(const LiveCustomer *customer, double t, double delta)
{
	/* a discount too small to affect the result */
	if (!(delta * t > DBL_EPSILON / 16.0))
		return orders_within(customer, t);
	/* nothing after t counts, even where k stages take k / delta */
	if (delta * t > FORGOTTEN + 2.5 * customer->k)
		return discounted_for_ever(customer, delta);
	return discounted_within(customer, t, delta);
}
