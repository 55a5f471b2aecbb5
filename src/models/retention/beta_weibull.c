/*
 * beta_weibull.c
 *	  The shifted beta-geometric and the beta-discrete-Weibull model of renewals.
 *
 *	sbg Each customer ends with an individual probability at every renewal,
 *			Beta(alpha, beta) distributed over the customers. Fader & Hardie,
 *			"How to Project Customer Retention", Journal of Interactive
 *			Marketing 21:1 (2007).
 *	bdw The same, but by period t a customer has survived t^c renewal trials:
 *			with c > 1 each customer's risk grows with tenure, with c < 1 it
 *			falls. Fader, Hardie, Liu, Davin & Steenburgh, "How to Project
 *			Customer Retention" Revisited, Journal of Interactive Marketing 43
 *			(2018). With c = 1 it is the sbg.
 *
 * Both have the survival function S(t) = B(alpha, beta + t^c) / B(alpha, beta).
 *
 * Everything is derived from one quantity, the probability to stay from tenure
 * n to n + k. With p = n^c and h = (n + k)^c - p it is
 *
 *		ln S(n + k) / S(n) = ln B(a, b + p + h) - ln B(a, b + p),
 *
 * taken as one ratio of beta functions: S(t) has n = 0, the retention rate has
 * k = 1, and the probability to end in period t is S(t - 1) (1 - retention),
 * with expm1 instead of a subtraction.
 *
 * Where t^c is beyond BEYOND the survival function is a power of t to the last
 * digit, S(t) ~ Gamma(a + b) / Gamma(b) t^(-a c); t^c is then held at BEYOND
 * and the rest of its logarithm goes into that power.
 */
#include "models/retention/beta_weibull.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "numerics/host.h"
#include "numerics/quadrature.h"
#include "numerics/special.h"
#include "numerics/sum.h"

/* Small enough for its square to be a double, large against any parameters. */
#define BEYOND 1e140

/* How far along the ridge of the bdw model the second start is. */
#define RIDGE 10.0

/* The parameters of either model. */
typedef struct Shape
{
	double a;
	double b;
	double c;
} Shape;

static Shape
shape_of(const ContractModel *model, const double *params)
{
	return (Shape){params[0], params[1], model->n_params > 2 ? params[2] : 1.0};
}

/* A tenure t, transformed to the number of renewal trials. */
typedef struct ContractClock
{
	double ln_t;
	double h;      /* t^c, but at most BEYOND */
	double excess; /* ln(t^c / h) */
} ContractClock;

static ContractClock
clock_at(double c, double t)
{
	ContractClock clock = {0};

	if (t == 0.0)
		return clock;
	clock.ln_t = log(t);
	if (c * clock.ln_t <= log(BEYOND))
		clock.h = c == 1.0 ? t : pow(t, c);
	else
	{
		clock.h = BEYOND;
		clock.excess = c * clock.ln_t - log(BEYOND);
	}
	return clock;
}

/* From tenure n to n + k: both ends, and the trials between them. */
typedef struct Stretch
{
	ContractClock from;
	ContractClock to;
	double h;      /* to.h - from.h, without cancellation */
	double excess; /* to.excess - from.excess, likewise */
} Stretch;

static Stretch
stretch_make(double c, double n, double k)
{
	Stretch stretch = {clock_at(c, n), clock_at(c, n + k), 0.0, 0.0};

	if (stretch.from.excess > 0.0)
		stretch.excess = c * log1p(k / n);
	else
	{
		stretch.excess = stretch.to.excess;
		if (c == 1.0)
			stretch.h = k;
		else if (n == 0.0 || stretch.to.excess > 0.0)
			stretch.h = stretch.to.h - stretch.from.h;
		else
			stretch.h = stretch.from.h * expm1(c * log1p(k / n));
	}
	return stretch;
}

/* For tiny losses rounding is larger than the result. */
static double
ln_survival(const Shape *s, const Stretch *stretch)
{
	double ln_prob = sf_lbeta_shift(s->a, s->b + stretch->from.h, stretch->h) - s->a * stretch->excess;

	return ln_prob > 0.0 ? 0.0 : ln_prob;
}

static double
ln_survival_from(const ContractModel *model, const double *params, double tenure, double periods)
{
	Shape s = shape_of(model, params);
	Stretch stretch = stretch_make(s.c, tenure, periods);

	return ln_survival(&s, &stretch);
}

/* A logarithm with its derivatives in a, b and c. */
typedef struct Jet
{
	double value;
	double gradient[3];
	double hessian[3][3]; /* symmetric; only the upper triangle is set */
} Jet;

/*
 * d/dc of -ln S(t), and the second derivatives that involve c. With h = t^c,
 * h' = h ln t and h'' = h (ln t)^2:
 *
 *		c	h' (psi(a + b + h) - psi(b + h))
 *		ac	h' psi'(a + b + h)
 *		bc	h' (psi'(a + b + h) - psi'(b + h))
 *		cc	h'' (psi(a + b + h) - psi(b + h)) + h'^2 (psi'(a + b + h) - psi'(b + h))
 */
typedef struct ClockSlopes
{
	double c;
	double ac;
	double bc;
	double cc;
} ClockSlopes;

static ClockSlopes
clock_slopes(const Shape *s, const ContractClock *clock)
{
	double step = clock->h * clock->ln_t;
	double psi;
	double tri;

	if (step == 0.0)
		return (ClockSlopes){0};
	psi = sf_dpoch(s->b + clock->h, s->a);
	tri = sf_tpoch(s->b + clock->h, s->a);
	return (ClockSlopes){
		.c = step * psi,
		.ac = step * sf_trigamma(s->a + s->b + clock->h),
		.bc = step * tri,
		.cc = clock->ln_t * step * psi + step * (step * tri),
	};
}

/* ln S(n + k) / S(n), with derivatives. */
static void
survival_jet(const Shape *s, double n, double k, Jet *jet)
{
	Stretch stretch = stretch_make(s->c, n, k);
	double b = s->b + stretch.from.h;
	double tri = sf_tpoch(s->a + b, stretch.h);
	double psi = sf_dpoch(s->a + b, stretch.h);
	ClockSlopes from = clock_slopes(s, &stretch.from);
	ClockSlopes to = clock_slopes(s, &stretch.to);

	jet->value = ln_survival(s, &stretch);
	jet->gradient[0] = -psi - stretch.excess;
	jet->gradient[1] = sf_dpoch(b, stretch.h) - psi;
	jet->gradient[2] = from.c - to.c;
	jet->hessian[0][0] = -tri;
	jet->hessian[0][1] = -tri;
	jet->hessian[0][2] = from.ac - to.ac;
	jet->hessian[1][1] = sf_tpoch(b, stretch.h) - tri;
	jet->hessian[1][2] = from.bc - to.bc;
	jet->hessian[2][2] = from.cc - to.cc;
}

/* ln of the probability to end in period t: ln S(t - 1) + ln(1 - r), with r = S(t) / S(t - 1). */
static void
end_jet(const Shape *s, double t, Jet *jet)
{
	Jet renewal;
	double odds; /* r / (1 - r) */

	survival_jet(s, 0.0, t - 1.0, jet);
	survival_jet(s, t - 1.0, 1.0, &renewal);
	odds = 1.0 / expm1(-renewal.value);
	jet->value += log(-expm1(renewal.value));
	for (int i = 0; i < 3; i++)
	{
		jet->gradient[i] -= odds * renewal.gradient[i];
		for (int k = i; k < 3; k++)
			jet->hessian[i][k] -=
				odds * renewal.hessian[i][k] + odds * (1.0 + odds) * renewal.gradient[i] * renewal.gradient[k];
	}
}

/* Compensated sums of all members of a jet. */
typedef struct JetSum
{
	Sum value;
	Sum gradient[3];
	Sum hessian[3][3];
} JetSum;

static void
jet_add(JetSum *sum, const Jet *jet, double weight)
{
	sum_add(&sum->value, weight * jet->value);
	for (int i = 0; i < 3; i++)
	{
		sum_add(&sum->gradient[i], weight * jet->gradient[i]);
		for (int k = i; k < 3; k++)
			sum_add(&sum->hessian[i][k], weight * jet->hessian[i][k]);
	}
}

static double
log_likelihood(const ContractData *data, const double *params, double *gradient, double *hessian)
{
	Shape s = shape_of(data->model, params);
	int n = data->model->n_params;
	JetSum sum = {0};
	Jet jet;

	for (size_t i = 0; i < data->n_cells; i++)
	{
		const ContractCell *cell = &data->cells[i];

		host_poll_at(i);
		if (cell->ended > 0)
		{
			end_jet(&s, cell->tenure, &jet);
			jet_add(&sum, &jet, (double) cell->ended);
		}
		if (cell->alive > 0 && cell->tenure > 0)
		{
			survival_jet(&s, 0.0, cell->tenure, &jet);
			jet_add(&sum, &jet, (double) cell->alive);
		}
	}

	for (int i = 0; gradient != NULL && i < n; i++)
		gradient[i] = sum_value(&sum.gradient[i]);
	for (int i = 0; hessian != NULL && i < n; i++)
		for (int k = i; k < n; k++)
			hessian[i * n + k] = hessian[k * n + i] = sum_value(&sum.hessian[i][k]);
	return sum_value(&sum.value);
}

static double
likelihood(void *data, const double *params, double *gradient, double *hessian)
{
	return log_likelihood(data, params, gradient, hessian);
}

/* The share of renewals that were not made, all tenures together. */
static double
crude_end_rate(const ContractData *data)
{
	double renewals = 0.0;
	double ended = 0.0;

	for (size_t i = 0; i < data->n_cells; i++)
	{
		const ContractCell *cell = &data->cells[i];

		renewals += (double) cell->tenure * ((double) cell->ended + (double) cell->alive);
		ended += (double) cell->ended;
	}
	return (ended + 0.5) / (renewals + 1.0);
}

/* Whether to report this fit rather than the other. */
static bool
is_better(const Fit *fit, const Fit *other)
{
	double gain = fit->log_likelihood - other->log_likelihood;

	if (fit->converged != other->converged)
		return fit->converged;
	if (fabs(gain) < 1e-6)
		return fit->prior_sd < other->prior_sd;
	return gain > 0.0;
}

/*
 * The fit of the sbg as one of the bdw, which it is at c = 1. A weak prior may
 * have moved the bdw below it: then c is not identified.
 */
static void
stand_at_sbg(const Fit *sbg, Fit *fit)
{
	int n = bdw_model.n_params;
	int m = sbg_model.n_params;
	int iterations = fit->iterations;

	*fit = *sbg;
	fit->n_params = n;
	fit->iterations += iterations;
	memset(fit->covariance, 0, sizeof(fit->covariance));
	for (int i = 0; i < m; i++)
		for (int k = 0; k < m; k++)
			fit->covariance[i * n + k] = sbg->covariance[i * m + k];
	fit->params[m] = 1.0;
	fit->std_errors[m] = NAN;
	fit->identified[m] = false;
}

/*
 * The bdw model starts where the sbg ended. Its likelihood can have a second
 * maximum, along the ridge on which c grows while alpha c and alpha / beta
 * stay, and S(t) becomes a power of t: search there too.
 */
static void
fit_contracts(const ContractData *data, Fit *fit)
{
	ContractData plain = *data;
	double rate = crude_end_rate(data);
	double odds = fmax(0.1, fmin(1e4, (1.0 - rate) / rate));
	double start[CONTRACT_MAX_PARAMS] = {1.0, odds, 1.0};
	double centre[CONTRACT_MAX_PARAMS] = {0.0, log(odds), 0.0};
	Fit sbg;
	Fit other;

	plain.model = &sbg_model;
	fit_likelihood(data->host, likelihood, &plain, sbg_model.n_params, start, centre, fit);
	if (data->model == &sbg_model)
		return;

	sbg = *fit;
	if (fit->converged && fit->prior_sd == 0.0)
		memcpy(start, fit->params, sizeof(double) * sbg_model.n_params);
	plain.model = &bdw_model;
	fit_likelihood(data->host, likelihood, &plain, bdw_model.n_params, start, centre, fit);

	for (int i = 0; i < CONTRACT_MAX_PARAMS; i++)
		start[i] *= i < 2 ? 1.0 / RIDGE : RIDGE;
	fit_likelihood(data->host, likelihood, &plain, bdw_model.n_params, start, centre, &other);
	if (is_better(&other, fit))
		*fit = other;
	if (!(fit->log_likelihood >= sbg.log_likelihood))
		stand_at_sbg(&sbg, fit);
}

/* d ln(1 / S(t)) / d ln t: grows from 0 to a c. */
static double
integral(const Shape *s, const ContractClock *clock)
{
	return s->c * clock->h * sf_dpoch(s->b + clock->h, s->a);
}

/* Where t^c is so large that S(t) is a power of t to the last digit. */
static bool
is_power(const Shape *s, const ContractClock *clock, double precision)
{
	return clock->h > precision * (1.0 + s->a) * (1.0 + s->a + 2.0 * s->b);
}

/*
 * Whether the terms of the sum change so slowly from here on that it is an
 * integral with small corrections: by a fiftieth from one to the next, on a
 * scale of fifty terms.
 */
static bool
is_smooth(const Shape *s, double t, double delta)
{
	ContractClock clock = clock_at(s->c, t);

	return t >= 64.0 && (t >= 50.0 * s->c || is_power(s, &clock, 1e8)) && integral(s, &clock) / t + delta <= 0.02;
}

/* integral over x >= 0 of S(t + x) / S(t) e^(-delta x), over w = ln(1 + x / t) */
static double
tail_integral(const Shape *s, double t, double delta)
{
	double limit = s->a * s->c - 1.0;
	double furthest = log(1e300 / t);
	double sum = 0.0;
	Panel panel = panel_start(0.0);

	for (;;)
	{
		double x = t * expm1(panel.end);
		ContractClock clock = clock_at(s->c, t + x);
		Stretch stretch = stretch_make(s->c, t, x);
		double value = exp(ln_survival(s, &stretch) - delta * x);
		double fall = integral(s, &clock);
		double rest = INFINITY; /* a bound of the remainder */

		if (panel.end >= furthest)
			return INFINITY;
		if (delta > 0.0)
			rest = value / delta;
		if (fall > 1.0)
			rest = fmin(rest, value * (t + x) / (fall - 1.0));
		if (!(rest > 1e-17 * sum))
			return sum;
		if (delta == 0.0 && is_power(s, &clock, 1e18 * (1.0 + 1.0 / limit)))
			return sum + value * (t + x) / limit;

		/* the poles of S(t e^w) are pi / c away from the real axis, unless they do not matter */
		panel_next(&panel, furthest, is_power(s, &clock, 1e18) ? 1.0 : fmin(1.0, 0.5 * M_PI / s->c),
				   fall + 1.0 + delta * (t + x));
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double w = panel_node(&panel, i);

			x = t * expm1(w);
			stretch = stretch_make(s->c, t, x);
			sum += panel_weight(&panel, i) * t * exp(w + ln_survival(s, &stretch) - delta * x);
		}
	}
}

/*
 * sum over j = 0, 1, ... of S(t + j) / S(t) e^(-delta j), where that is smooth:
 * the integral, and Gregory's corrections from the first forward differences
 * (what Euler and Maclaurin's are from derivatives).
 */
static double
smooth_tail(const Shape *s, double t, double delta)
{
	static const double corrections[] = {
		1.0 / 2, -1.0 / 12, 1.0 / 24, -19.0 / 720, 3.0 / 160, -863.0 / 60480, 275.0 / 24192,
	};
	enum
	{
		SURVIVAL_TERMS = sizeof(corrections) / sizeof(corrections[0]),
	};
	double difference[SURVIVAL_TERMS];
	double sum = 0.0;

	for (int j = 0; j < SURVIVAL_TERMS; j++)
	{
		Stretch stretch = stretch_make(s->c, t, j);

		difference[j] = exp(ln_survival(s, &stretch) - delta * j);
	}
	for (int order = 0; order < SURVIVAL_TERMS; order++)
	{
		sum += corrections[order] * difference[0];
		for (int j = 0; j < SURVIVAL_TERMS - 1 - order; j++)
			difference[j] = difference[j + 1] - difference[j];
	}
	return sum + tail_integral(s, t, delta);
}

static double
residual(const ContractModel *model, const double *params, double tenure, double delta)
{
	Shape s = shape_of(model, params);
	double term = 1.0;
	double t = tenure;
	Sum sum = {0};

	if (delta < 1e-200)
		delta = 0.0;
	if (delta == 0.0 && !(s.a * s.c > 1.0))
		return INFINITY;
	for (int k = 1;; k++)
	{
		Stretch stretch = stretch_make(s.c, t, 1.0);

		host_poll_at((size_t) k);
		/* the first renewal is not discounted */
		term *= exp(ln_survival(&s, &stretch) - (k > 1 ? delta : 0.0));
		t += 1.0;
		if (k % 16 == 0 && is_smooth(&s, t, delta))
		{
			double tail = term * smooth_tail(&s, t, delta);

			if (!isfinite(tail))
				return INFINITY;
			sum_add(&sum, tail);
			return sum_value(&sum);
		}
		sum_add(&sum, term);

		/* the remainder is less than this, or the terms have fallen too far to rise again */
		if (delta > 0.0 && !(term > 1e-17 * expm1(delta) * sum_value(&sum)))
			return sum_value(&sum);
		if (!(term > 1e-40 * sum_value(&sum)))
			return sum_value(&sum);
	}
}

const ContractModel sbg_model = {
	.id = 1,
	.name = "sbg",
	.n_params = 2,
	.param_names = {"alpha", "beta"},
	.ln_survival = ln_survival_from,
	.residual = residual,
	.log_likelihood = log_likelihood,
	.fit = fit_contracts,
};

const ContractModel bdw_model = {
	.id = 2,
	.name = "bdw",
	.n_params = 3,
	.param_names = {"alpha", "beta", "c"},
	.ln_survival = ln_survival_from,
	.residual = residual,
	.log_likelihood = log_likelihood,
	.fit = fit_contracts,
};
