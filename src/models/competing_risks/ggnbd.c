/*
 * ggnbd.c
 *	  The GG/NBD model: gamma-Gompertz lifetimes, negative binomial purchases.
 *
 * Bemmaor & Glady, "Modeling Purchasing Behavior with Sudden 'Death': A Flexible
 * Customer Lifetime Model", Management Science 58:5 (2012), 1012-1021. (Their
 * conditional expectation is wrong; Adler, arXiv 2022. Not used here.)
 *
 * A live customer buys at a Poisson rate lambda ~ Gamma(r, rate alpha) and leaves
 * at the rate eta b e^(b t), which grows with the time t since the first
 * purchase; eta ~ Gamma(s, rate beta). So
 *
 *		S(t) = (1 + (e^(b t) - 1) / beta)^-s
 *
 * is the share that stays longer than t. Of those, with kappa(t) = 1 / (1 +
 * (beta - 1) e^(-b t)),
 *
 *		S(t + w) / S(t) = D(b w)^-s,  D(u) = 1 + kappa (e^u - 1)
 *
 * is the share that stays for w more: the model again, with beta replaced by 1
 * / kappa. With n = r + x, A = b (alpha + t) and p = d ln D / du, dropout
 * comes before the next purchase, and the purchase before dropout, with
 * probabilities
 *
 *		phi = s integral over u of p D^-s (1 + u/A)^-n,
 *		1 - phi = n/A integral over u of D^-s (1 + u/A)^-(n+1).
 *
 * For b -> 0 with beta / b fixed this is Pareto/NBD, whose beta that ratio
 * then is. In many data sets the likelihood rises all the way to that limit,
 * and b and beta are not identified.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "models/competing_risks/attrition_integral.h"
#include "models/core/model.h"
#include "models/core/silence.h"
#include "models/competing_risks/competing_risks.h"
#include "models/competing_risks/two_clocks.h"
#include "numerics/interpolate.h"
#include "numerics/root.h"
#include "numerics/special.h"

enum
{
	GGNBD_B = RISKS_ALPHA + 1,
	GGNBD_S,
	GGNBD_BETA,
	GGNBD_PARAMS,
};

/* What the remaining lifetime of a live customer depends on. */
typedef enum Coordinate
{
	GGNBD_N,       /* r + x */
	GGNBD_LN_A,    /* ln(b (alpha + t)) */
	GGNBD_FRAILTY, /* s */
	GGNBD_LN_KAPPA,
	GGNBD_N_COORDINATES,
} Coordinate;

#define N_PAIRS (GGNBD_N_COORDINATES * (GGNBD_N_COORDINATES + 1) / 2)

/* A curve's values: ln of a probability, its slopes, and its second derivatives. */
#define N_VALUES (1 + GGNBD_N_COORDINATES + N_PAIRS)

/* A live customer with x purchases at age t. */
typedef struct GgnbdCustomer
{
	double n;
	double age; /* alpha + t */
	double A;
	double b;
	double s;
	double kappa;
	double share; /* e^(-b t) kappa = 1 / (beta - 1 + e^(b t)) */
} GgnbdCustomer;

static GgnbdCustomer
customer_at(const double *params, double x, double t)
{
	double shrink = exp(-params[GGNBD_B] * t);
	double kappa = 1.0 / (params[GGNBD_BETA] * shrink - expm1(-params[GGNBD_B] * t));

	return (GgnbdCustomer){
		.n = params[RISKS_R] + x,
		.age = params[RISKS_ALPHA] + t,
		.A = params[GGNBD_B] * (params[RISKS_ALPHA] + t),
		.b = params[GGNBD_B],
		.s = params[GGNBD_S],
		.kappa = kappa,
		.share = shrink * kappa,
	};
}

/* -ln S(t) / s = ln(1 + (e^(b t) - 1) / beta) */
static double
wear(const double *params, double t)
{
	return attrition_at(1.0 / params[GGNBD_BETA], params[GGNBD_B] * t).ln_D;
}

/* The integrand of phi or 1 - phi, and the factor before the integral. */
static AttritionIntegral
competing_risks_of(const GgnbdCustomer *customer, FirstEvent kind, double *factor)
{
	bool leaves = kind == DROPOUT_FIRST;

	*factor = leaves ? customer->s : customer->n / customer->A;
	return (AttritionIntegral){
		.exponent = customer->s,
		.kappa = customer->kappa,
		.power = customer->n + (leaves ? 0.0 : 1.0),
		.scale = customer->A,
		.rising = leaves,
	};
}

/* The integrand at u, ln(1 + u/A) given. */
static inline double
attrition_integral_value(const AttritionIntegral *integral, const Attrition *at, double ln_power, double u)
{
	double value = exp(-integral->linear * u - integral->exponent * at->ln_D - integral->power * ln_power);

	return integral->rising ? value * at->p : value;
}

/* phi or 1 - phi, within the time `limit`. */
static double
chance_within(const GgnbdCustomer *customer, FirstEvent kind, double limit)
{
	double factor;
	AttritionIntegral integral = competing_risks_of(customer, kind, &factor);
	double sum = 0.0;
	double f = 1.0;

	for (Panel panel = panel_start(0.0); attrition_integral_next(&integral, &panel, customer->b * limit);)
	{
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double u = panel_node(&panel, i);
			Attrition at = attrition_at(integral.kappa, u);

			f = attrition_integral_value(&integral, &at, quick_log1p(u / integral.scale), u);
			sum += f * panel_weight(&panel, i);
		}
		if (attrition_integral_is_over(&integral, &panel, f, sum))
			break;
	}
	return factor * sum;
}

/*
 * Means of ln(1 + u/A), u / (A + u), ln D and c under the integrand (see attrition_integral.h),
 * one for each coordinate, and their second moments, in the order of pairs.
 */
typedef struct GgnbdMoments
{
	double sum;
	double mean[GGNBD_N_COORDINATES];
	double product[GGNBD_N_COORDINATES][GGNBD_N_COORDINATES]; /* upper triangle */
} GgnbdMoments;

static void
find_moments(const AttritionIntegral *integral, GgnbdMoments *m)
{
	double f = 1.0;

	memset(m, 0, sizeof(GgnbdMoments));
	for (Panel panel = panel_start(0.0); attrition_integral_next(integral, &panel, INFINITY);)
	{
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double u = panel_node(&panel, i);
			Attrition at = attrition_at(integral->kappa, u);
			double statistic[GGNBD_N_COORDINATES] = {
				quick_log1p(u / integral->scale),
				u / (integral->scale + u),
				at.ln_D,
				at.c,
			};
			double weight;

			f = attrition_integral_value(integral, &at, statistic[GGNBD_N], u);
			weight = f * panel_weight(&panel, i);
			m->sum += weight;
			for (int j = 0; j < GGNBD_N_COORDINATES; j++)
			{
				double weighted = weight * statistic[j];

				m->mean[j] += weighted;
				for (int k = j; k < GGNBD_N_COORDINATES; k++)
					m->product[j][k] += weighted * statistic[k];
			}
		}
		if (attrition_integral_is_over(integral, &panel, f, m->sum))
			break;
	}
	for (int j = 0; j < GGNBD_N_COORDINATES; j++)
	{
		m->mean[j] /= m->sum;
		for (int k = j; k < GGNBD_N_COORDINATES; k++)
			m->product[j][k] /= m->sum;
	}
}

/* The curves of a frequency class over time. */
typedef struct Course
{
	const double *params;
	double x;
	FirstEvent kind;
	double scale; /* of time: t = scale (e^z - 1) */
} Course;

/*
 * ln phi or ln(1 - phi) with all derivatives, as a curve over z = ln(1 +
 * t/scale). For a common scale of about one, derivatives in n and s are
 * multiplied by n and s, once for each differentiation; the others are in ln A
 * and ln kappa.
 *
 * Each first derivative of the integrand's logarithm is a multiple of one of
 * the statistics, plus a constant. The second derivatives of the integral's
 * logarithm are the covariances of the first, plus the mean of the integrand's
 * own.
 */
static void
competing_risks_curve(const void *data, double z, double *values)
{
	const Course *course = data;
	GgnbdCustomer customer = customer_at(course->params, course->x, course->scale * expm1(z));
	double factor;
	AttritionIntegral integral = competing_risks_of(&customer, course->kind, &factor);
	double leaves = course->kind == DROPOUT_FIRST ? 1.0 : 0.0;
	double buys = 1.0 - leaves;
	double n = customer.n;
	double s = customer.s;
	double multiple[GGNBD_N_COORDINATES] = {-n, n + buys, -s, -(s + leaves)};
	double plus[GGNBD_N_COORDINATES] = {buys, -buys, leaves, leaves};
	GgnbdMoments m;
	double *second = &values[1 + GGNBD_N_COORDINATES];

	find_moments(&integral, &m);
	*values++ = log(factor * m.sum);
	for (int j = 0; j < GGNBD_N_COORDINATES; j++)
	{
		values[j] = multiple[j] * m.mean[j] + plus[j];
		for (int k = j; k < GGNBD_N_COORDINATES; k++, second++)
		{
			*second = multiple[j] * multiple[k] * (m.product[j][k] - m.mean[j] * m.mean[k]);
			if (j == GGNBD_N && k == GGNBD_N)
				*second -= buys;
			else if (j == GGNBD_N && k == GGNBD_LN_A)
				*second += n * m.mean[GGNBD_LN_A];
			else if (j == GGNBD_LN_A && k == GGNBD_LN_A)
				*second -= (n + buys) * (m.mean[GGNBD_LN_A] - m.product[GGNBD_LN_A][GGNBD_LN_A]);
			else if (j == GGNBD_FRAILTY && k == GGNBD_FRAILTY)
				*second -= leaves;
			else if (j == GGNBD_FRAILTY && k == GGNBD_LN_KAPPA)
				*second -= s * m.mean[GGNBD_LN_KAPPA];
			else if (j == GGNBD_LN_KAPPA && k == GGNBD_LN_KAPPA)
				*second -= (s + leaves) * (m.mean[GGNBD_LN_KAPPA] - m.product[GGNBD_LN_KAPPA][GGNBD_LN_KAPPA]);
		}
	}
}

/* Index of the pair (i, k), i <= k, of parameters in a MixtureTerm's hessian. */
static inline int
pair_of(int i, int k)
{
	return i * GGNBD_PARAMS - i * (i - 1) / 2 + k - i;
}

/* The second derivatives of a curve, in the order in which it gives them. */
enum
{
	GGNBD_N_N,
	GGNBD_N_A,
	GGNBD_N_S,
	GGNBD_N_KAPPA,
	GGNBD_A_A,
	GGNBD_A_S,
	GGNBD_A_KAPPA,
	GGNBD_S_S,
	GGNBD_S_KAPPA,
	GGNBD_KAPPA_KAPPA,
};

/*
 * The chain rule, from the coordinates to the parameters, at time t. Most
 * coordinates depend on one or two of them.
 */
static void
evaluate_term(const double *params, const GgnbdCustomer *customer, double t, const double *values, MixtureTerm *term)
{
	const double *slope = &values[1];
	const double *second = &values[1 + GGNBD_N_COORDINATES];
	double *h = term->hessian;
	double kappa = customer->kappa;
	double share = customer->share;
	double n_r = 1.0 / customer->n;
	double a_alpha = 1.0 / customer->age;
	double a_b = 1.0 / params[GGNBD_B];
	double s_s = 1.0 / params[GGNBD_S];
	double kappa_b = t * (1.0 - kappa);
	double kappa_beta = -share;

	term->ln = values[0];
	term->gradient[RISKS_R] = slope[GGNBD_N] * n_r;
	term->gradient[RISKS_ALPHA] = slope[GGNBD_LN_A] * a_alpha;
	term->gradient[GGNBD_B] = slope[GGNBD_LN_A] * a_b + slope[GGNBD_LN_KAPPA] * kappa_b;
	term->gradient[GGNBD_S] = slope[GGNBD_FRAILTY] * s_s;
	term->gradient[GGNBD_BETA] = slope[GGNBD_LN_KAPPA] * kappa_beta;

	h[pair_of(RISKS_R, RISKS_R)] = second[GGNBD_N_N] * n_r * n_r;
	h[pair_of(RISKS_R, RISKS_ALPHA)] = second[GGNBD_N_A] * n_r * a_alpha;
	h[pair_of(RISKS_R, GGNBD_B)] = n_r * (second[GGNBD_N_A] * a_b + second[GGNBD_N_KAPPA] * kappa_b);
	h[pair_of(RISKS_R, GGNBD_S)] = second[GGNBD_N_S] * n_r * s_s;
	h[pair_of(RISKS_R, GGNBD_BETA)] = second[GGNBD_N_KAPPA] * n_r * kappa_beta;
	h[pair_of(RISKS_ALPHA, RISKS_ALPHA)] = (second[GGNBD_A_A] - slope[GGNBD_LN_A]) * a_alpha * a_alpha;
	h[pair_of(RISKS_ALPHA, GGNBD_B)] = a_alpha * (second[GGNBD_A_A] * a_b + second[GGNBD_A_KAPPA] * kappa_b);
	h[pair_of(RISKS_ALPHA, GGNBD_S)] = second[GGNBD_A_S] * a_alpha * s_s;
	h[pair_of(RISKS_ALPHA, GGNBD_BETA)] = second[GGNBD_A_KAPPA] * a_alpha * kappa_beta;
	h[pair_of(GGNBD_B, GGNBD_B)] = (second[GGNBD_A_A] - slope[GGNBD_LN_A]) * a_b * a_b +
		2.0 * second[GGNBD_A_KAPPA] * a_b * kappa_b + second[GGNBD_KAPPA_KAPPA] * kappa_b * kappa_b -
		slope[GGNBD_LN_KAPPA] * t * t * kappa * (1.0 - kappa);
	h[pair_of(GGNBD_B, GGNBD_S)] = s_s * (second[GGNBD_A_S] * a_b + second[GGNBD_S_KAPPA] * kappa_b);
	h[pair_of(GGNBD_B, GGNBD_BETA)] = kappa_beta * (second[GGNBD_A_KAPPA] * a_b + second[GGNBD_KAPPA_KAPPA] * kappa_b) +
		slope[GGNBD_LN_KAPPA] * t * share * kappa;
	h[pair_of(GGNBD_S, GGNBD_S)] = second[GGNBD_S_S] * s_s * s_s;
	h[pair_of(GGNBD_S, GGNBD_BETA)] = second[GGNBD_S_KAPPA] * s_s * kappa_beta;
	h[pair_of(GGNBD_BETA, GGNBD_BETA)] =
		second[GGNBD_KAPPA_KAPPA] * kappa_beta * kappa_beta + slope[GGNBD_LN_KAPPA] * share * share;
}

/* Multiply a mixture term by g = (1 + t / alpha)^-n S(t). */
static void
add_survival(const double *params, const GgnbdCustomer *customer, double t, MixtureTerm *term)
{
	double alpha = params[RISKS_ALPHA];
	double ln = log1p(t / alpha);
	double slope = t / (alpha * customer->age);
	double s = params[GGNBD_S];
	double worn = wear(params, t);
	double by_b = t * customer->kappa;
	/* 1 / beta - share, where it does not cancel */
	double by_beta = -expm1(-params[GGNBD_B] * t) * customer->kappa / params[GGNBD_BETA];

	term->ln -= customer->n * ln + s * worn;
	term->gradient[RISKS_R] -= ln;
	term->gradient[RISKS_ALPHA] += customer->n * slope;
	term->gradient[GGNBD_B] -= s * by_b;
	term->gradient[GGNBD_S] -= worn;
	term->gradient[GGNBD_BETA] += s * by_beta;
	term->hessian[pair_of(RISKS_R, RISKS_ALPHA)] += slope;
	term->hessian[pair_of(RISKS_ALPHA, RISKS_ALPHA)] -= customer->n * slope * (1.0 / alpha + 1.0 / customer->age);
	term->hessian[pair_of(GGNBD_B, GGNBD_B)] -= s * t * by_b * (1.0 - customer->kappa);
	term->hessian[pair_of(GGNBD_B, GGNBD_S)] -= by_b;
	term->hessian[pair_of(GGNBD_B, GGNBD_BETA)] += s * by_b * customer->share;
	term->hessian[pair_of(GGNBD_S, GGNBD_BETA)] += by_beta;
	term->hessian[pair_of(GGNBD_BETA, GGNBD_BETA)] -= s * by_beta * (1.0 / params[GGNBD_BETA] + customer->share);
}

static void
ggnbd_terms(const Host *host, const double *params, double x, FirstEvent kind, const double *times, size_t n,
			MixtureTerm *terms)
{
	Course course = {.params = params, .x = x, .kind = kind, .scale = params[RISKS_ALPHA]};
	Curve curve = {competing_risks_curve, &course, N_VALUES, INFINITY};
	double *z = host->alloc(n * sizeof(double));
	double *values = host->alloc(n * N_VALUES * sizeof(double));

	/* the nearest singularity below time 0 */
	if (params[GGNBD_BETA] < 1.0)
		course.scale = fmin(course.scale, -log1p(-params[GGNBD_BETA]) / params[GGNBD_B]);
	for (size_t i = 0; i < n; i++)
		z[i] = log1p(times[i] / course.scale);
	curve_values(&curve, z, n, values);
	for (size_t i = 0; i < n; i++)
	{
		GgnbdCustomer customer = customer_at(params, x, times[i]);

		host_poll_at(i);
		evaluate_term(params, &customer, times[i], &values[i * N_VALUES], &terms[i]);
		add_survival(params, &customer, times[i], &terms[i]);
	}
	host->release(z);
	host->release(values);
}

/* The parameters of attrition as those of its law. */
enum
{
	GGNBD_LIFETIME_B = GGNBD_B - 2,
	GGNBD_LIFETIME_S = GGNBD_S - 2,
	GGNBD_LIFETIME_BETA = GGNBD_BETA - 2,
};

/* ln S = -s ln(1 + (e^(b t) - 1) / beta): see add_survival. */
static void
gamma_gompertz_survival(const double *params, double age, LifetimeTerm *term)
{
	GgnbdCustomer customer = customer_at(params, 0.0, age);
	double s = customer.s;
	double beta = params[GGNBD_BETA];
	double worn = wear(params, age);
	double by_b = age * customer.kappa;
	/* 1 / beta - share, where it does not cancel */
	double by_beta = -expm1(-customer.b * age) * customer.kappa / beta;

	term->ln = -s * worn;
	term->hazard = 1.0;
	term->gradient[GGNBD_LIFETIME_B] = -s * by_b;
	term->gradient[GGNBD_LIFETIME_S] = -worn;
	term->gradient[GGNBD_LIFETIME_BETA] = s * by_beta;
	term->hessian[GGNBD_LIFETIME_B][GGNBD_LIFETIME_B] = -s * age * by_b * (1.0 - customer.kappa);
	term->hessian[GGNBD_LIFETIME_B][GGNBD_LIFETIME_S] = -by_b;
	term->hessian[GGNBD_LIFETIME_B][GGNBD_LIFETIME_BETA] = s * by_b * customer.share;
	term->hessian[GGNBD_LIFETIME_S][GGNBD_LIFETIME_S] = 0.0;
	term->hessian[GGNBD_LIFETIME_S][GGNBD_LIFETIME_BETA] = by_beta;
	term->hessian[GGNBD_LIFETIME_BETA][GGNBD_LIFETIME_BETA] = -s * by_beta * (1.0 / beta + customer.share);
}

/* The hazard is s b kappa. */
static void
gamma_gompertz_density(const double *params, double age, LifetimeTerm *term)
{
	GgnbdCustomer customer = customer_at(params, 0.0, age);
	double kappa = customer.kappa;
	double share = customer.share;

	gamma_gompertz_survival(params, age, term);
	term->hazard = customer.s * customer.b * kappa;
	term->gradient[GGNBD_LIFETIME_B] += 1.0 / customer.b + age * (1.0 - kappa);
	term->gradient[GGNBD_LIFETIME_S] += 1.0 / customer.s;
	term->gradient[GGNBD_LIFETIME_BETA] -= share;
	term->hessian[GGNBD_LIFETIME_B][GGNBD_LIFETIME_B] -=
		1.0 / (customer.b * customer.b) + age * age * kappa * (1.0 - kappa);
	term->hessian[GGNBD_LIFETIME_B][GGNBD_LIFETIME_BETA] += age * share * kappa;
	term->hessian[GGNBD_LIFETIME_S][GGNBD_LIFETIME_S] -= 1.0 / (customer.s * customer.s);
	term->hessian[GGNBD_LIFETIME_BETA][GGNBD_LIFETIME_BETA] += share * share;
}

static double
gamma_gompertz_ln_share(const double *params, double age, double *hazard)
{
	if (hazard != NULL)
	{
		GgnbdCustomer customer = customer_at(params, 0.0, age);

		*hazard = customer.s * customer.b * customer.kappa;
	}
	return -params[GGNBD_S] * wear(params, age);
}

/* A share whose rate rises by e^(b w) bends on this scale, in 1 / b. */
#define GOMPERTZ_BEND 1.5

/* The zeros of 1 + (e^(b t) - 1) / beta: one below 0, or pairs beside the axis. */
static double
gamma_gompertz_room(const double *params, double age, double *rate)
{
	GgnbdCustomer customer = customer_at(params, 0.0, age);
	double beta = params[GGNBD_BETA];
	double u = customer.b * age;

	*rate = customer.b * (1.0 + (customer.s + 1.0) * customer.kappa);
	return (beta < 1.0 ? u - log1p(-beta) : hypot(u - log(beta - 1.0), M_PI)) / customer.b;
}

/*
 * The share that stays on is (1 + kappa (e^(b w) - 1))^-s, with kappa between 1 / beta, of
 * new customers, and 1. Where beta < 1, these leave faster than others, and the singularity
 * is behind all. Else customers of any age may leave at the highest rate, s b, and new ones
 * turn to it by w = ln(beta) / b, where there are singularities on both sides.
 */
static SeasonBend
gamma_gompertz_bend(const double *params)
{
	double b = params[GGNBD_B];
	double beta = params[GGNBD_BETA];
	double scale = LIFETIME_BEND * fmin(1.0, beta) / (params[GGNBD_S] * b);

	if (beta < 1.0)
		return (SeasonBend){fmin(scale, -log1p(-beta) / b), INFINITY, 0.0};
	return (SeasonBend){scale, GOMPERTZ_BEND / b, log(beta) / b};
}

static const LifetimeLaw gamma_gompertz = {
	.n_params = GGNBD_PARAMS - 2,
	.survival = gamma_gompertz_survival,
	.density = gamma_gompertz_density,
	.ln_share = gamma_gompertz_ln_share,
	.room = gamma_gompertz_room,
	.bend = gamma_gompertz_bend,
};

static double
ggnbd_log_likelihood(const Population *population, const double *params, double *gradient, double *hessian)
{
	static const CompetingRisksModel risks = {GGNBD_PARAMS, ggnbd_terms};

	if (population->days != NULL)
		return two_clocks_log_likelihood(&gamma_gompertz, population, params, gradient, hessian);
	return competing_risks_log_likelihood(&risks, population, params, gradient, hessian);
}

/* ln of the share of live customers that do not leave within w, and of those that do not buy either. */
static double
ln_survival(const GgnbdCustomer *customer, double w)
{
	return -customer->s * attrition_at(customer->kappa, customer->b * w).ln_D;
}

static double
ln_quiet(const GgnbdCustomer *customer, double w)
{
	return gamma_ln_silence(customer->n, customer->age, w) + ln_survival(customer, w);
}

/* ln of the probability of no purchase between t_x and T: both mixture terms. */
static double
ln_no_purchase(const double *params, double x, double t_x, double T)
{
	GgnbdCustomer then = customer_at(params, x, t_x);
	GgnbdCustomer now = customer_at(params, x, T);

	return log(chance_within(&then, DROPOUT_FIRST, INFINITY) +
			   exp(ln_quiet(&then, T - t_x)) * chance_within(&now, PURCHASE_FIRST, INFINITY));
}

static double
ggnbd_customer_log_likelihood(const double *params, double x, double t_x, double T)
{
	return sf_lnpoch(params[RISKS_R], x) - params[RISKS_R] * log1p(t_x / params[RISKS_ALPHA]) -
		x * log(params[RISKS_ALPHA] + t_x) - params[GGNBD_S] * wear(params, t_x) + ln_no_purchase(params, x, t_x, T);
}

/* phi, or phi - 1 where that is the smaller number. */
static double
ggnbd_first_event(const double *params, double x, double t)
{
	GgnbdCustomer customer = customer_at(params, x, t);
	double phi = chance_within(&customer, DROPOUT_FIRST, INFINITY);

	return phi <= 0.5 ? phi : -chance_within(&customer, PURCHASE_FIRST, INFINITY);
}

static double
ggnbd_ln_survival(const double *params, double t_x, double T)
{
	GgnbdCustomer then = customer_at(params, 0.0, t_x);

	return ln_survival(&then, T - t_x);
}

static double
ggnbd_alive_prob(const double *params, double x, double t_x, double T)
{
	GgnbdCustomer then = customer_at(params, x, t_x);

	return fmin(1.0, exp(ln_quiet(&then, T - t_x) - ln_no_purchase(params, x, t_x, T)));
}

/* The share of those who left before T among all who did not buy. */
static double
ggnbd_gone_prob(const double *params, double x, double t_x, double T)
{
	GgnbdCustomer then = customer_at(params, x, t_x);

	return fmin(1.0, exp(log(chance_within(&then, DROPOUT_FIRST, T - t_x)) - ln_no_purchase(params, x, t_x, T)));
}

/*
 * Expected purchases of a live customer in the horizon, each discounted to now:
 * the mean rate of buying, times the integral of e^(-delta w) S(t + w) / S(t).
 */
static double
expected_transactions_if_alive(const GgnbdCustomer *customer, double horizon, double delta)
{
	AttritionIntegral integral = {
		.linear = delta / customer->b,
		.exponent = customer->s,
		.kappa = customer->kappa,
	};
	double sum = 0.0;
	double f = 1.0;

	for (Panel panel = panel_start(0.0); attrition_integral_next(&integral, &panel, customer->b * horizon);)
	{
		for (int i = 0; i < GAUSS_POINTS; i++)
		{
			double u = panel_node(&panel, i);
			Attrition at = attrition_at(integral.kappa, u);

			f = attrition_integral_value(&integral, &at, 0.0, u);
			sum += f * panel_weight(&panel, i);
		}
		if (attrition_integral_is_over(&integral, &panel, f, sum))
			break;
	}
	return customer->n / customer->A * sum;
}

static double
ggnbd_expected_transactions_if_alive(const double *params, double x, double t_x, double T, double horizon, double delta)
{
	GgnbdCustomer now = customer_at(params, x, T);

	(void) t_x;
	return expected_transactions_if_alive(&now, horizon, delta);
}

static double
ggnbd_new_customer_transactions(const double *params, double t)
{
	GgnbdCustomer now = customer_at(params, 0.0, 0.0);

	return expected_transactions_if_alive(&now, t, 0.0);
}

/* What the density, over z, of leaving at e^z after j purchases depends on. */
typedef struct GgnbdDeparture
{
	const GgnbdCustomer *customer;
	double j;
	double ln_ways;
} GgnbdDeparture;

static double
ln_departure(const void *data, double z)
{
	const GgnbdDeparture *departure = data;
	const GgnbdCustomer *customer = departure->customer;
	double w = exp(z);
	Attrition at = attrition_at(customer->kappa, customer->b * w);

	return departure->ln_ways - customer->n * log1p(w / customer->age) - departure->j * log1p(customer->age / w) -
		customer->s * at.ln_D + log(customer->s * customer->b * w * at.p);
}

/*
 * Its singularities: where 1 + w / age is 0 and where D is, the latter at the
 * logarithms of a row of points u + (2k+1) i pi (or u + 2k i pi, u < 0), none of
 * which is lower than that of the first, or nearer to the axis.
 */
static double
departure_room(const void *data, double z)
{
	const GgnbdCustomer *customer = ((const GgnbdDeparture *) data)->customer;
	double room = panel_room(z - log(customer->age), M_PI);
	double kappa = customer->kappa;
	double ahead;
	double height;

	if (kappa == 1.0)
		return room;
	if (kappa > 1.0)
	{
		ahead = z + log(customer->b) - log(-log1p(-1.0 / kappa));
		height = 0.5 * M_PI;
	}
	else
	{
		double u = log1p(-kappa) - log(kappa);

		ahead = z + log(customer->b) - log(hypot(u, M_PI));
		height = fmin(0.5 * M_PI, atan2(M_PI, u));
	}
	return fmin(room, 0.5 * hypot(fmin(ahead, 0.0), height));
}

/*
 * The probability that a live customer buys j times within t. Where parameters
 * are millions, rounding is larger than what is left of 1.
 */
static double
live_pmf(const GgnbdCustomer *customer, double t, double j)
{
	GgnbdDeparture departure = {customer, j, sf_lnchoose(customer->n, j)};
	double stays;

	if (!(t > 0.0))
		return j == 0.0 ? 1.0 : 0.0;
	stays = exp(sf_ln_negative_binomial(customer->n, t / customer->age, j) -
				customer->s * attrition_at(customer->kappa, customer->b * t).ln_D);
	return fmin(1.0,
				stays +
					integral_below(
						&(LnIntegrand){
							.ln_value = ln_departure,
							.room = departure_room,
							.data = &departure,
						},
						log(t)));
}

static double
ggnbd_new_customer_transactions_pmf(const double *params, double t, double x)
{
	GgnbdCustomer now = customer_at(params, 0.0, 0.0);

	return live_pmf(&now, t, x);
}

static double
ggnbd_order_prob_if_alive(const double *params, double x, double t_x, double T, double horizon)
{
	GgnbdCustomer now = customer_at(params, x, T);

	(void) t_x;
	return chance_within(&now, PURCHASE_FIRST, horizon);
}

static double
ggnbd_order_prob(const double *params, double x, double t_x, double T, double horizon)
{
	return ggnbd_alive_prob(params, x, t_x, T) * ggnbd_order_prob_if_alive(params, x, t_x, T, horizon);
}

static double
ggnbd_future_transactions_pmf(const double *params, double x, double t_x, double T, double horizon, double j)
{
	GgnbdCustomer now = customer_at(params, x, T);

	if (j == 0.0)
		return fmax(0.0, 1.0 - ggnbd_order_prob(params, x, t_x, T, horizon));
	return ggnbd_alive_prob(params, x, t_x, T) * live_pmf(&now, horizon, j);
}

/* A quantile to find. */
typedef struct GgnbdQuantileTarget
{
	const double *params;
	double x;
	double T;
	double q;
	double ever; /* the probability that there is a purchase at all */
} GgnbdQuantileTarget;

/*
 * How far e^z is beyond the quantile of the next purchase's time, as a difference
 * of logarithms of the probability before, or, for high quantiles, after it.
 */
static double
beyond_quantile(const void *data, double z, double *slope)
{
	const GgnbdQuantileTarget *target = data;
	GgnbdCustomer now = customer_at(target->params, target->x, target->T);
	GgnbdCustomer then;
	double w = exp(z);
	double quiet = exp(ln_quiet(&now, w));
	double density = now.n * (w / (now.age + w)) * quiet;
	double mass;

	if (target->q < 0.5)
	{
		mass = chance_within(&now, PURCHASE_FIRST, w);
		*slope = density / mass;
		return log(mass / (target->q * target->ever));
	}
	then = customer_at(target->params, target->x, target->T + w);
	mass = quiet * chance_within(&then, PURCHASE_FIRST, INFINITY);
	*slope = density / mass;
	return log((1.0 - target->q) * target->ever / mass);
}

static double
ggnbd_next_order_quantile(const double *params, double x, double t_x, double T, double q)
{
	GgnbdCustomer now = customer_at(params, x, T);
	GgnbdQuantileTarget target = {
		.params = params,
		.x = x,
		.T = T,
		.q = q,
		.ever = chance_within(&now, PURCHASE_FIRST, INFINITY),
	};

	(void) t_x;
	/* a customer who buys before leaving does so sooner than one who never leaves */
	return exp(rising_root(&(RisingFunction){beyond_quantile, &target}, log(now.age * expm1(-log1p(-q) / now.n))));
}

/*
 * From a distant start a search does not find the ridge beta / b = constant,
 * along which the model becomes Pareto/NBD. From the ridge it does not find a
 * maximum where most customers leave at about the same age: so try some ages.
 */
static bool
ggnbd_near_paretonbd(const Population *population, const double *pareto, int number, double *params)
{
	static const double b[] = {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0};
	static const double ages[] = {0.5, 0.75, 1.0};
	const double sudden = 10.0;
	const int n_b = sizeof(b) / sizeof(b[0]);
	const int n_ages = sizeof(ages) / sizeof(ages[0]);
	double T = population_time_scale(population);

	if (number >= n_b + n_ages)
		return false;
	params[RISKS_R] = pareto[RISKS_R];
	params[RISKS_ALPHA] = pareto[RISKS_ALPHA];
	if (number < n_b)
	{
		params[GGNBD_B] = b[number] / T;
		params[GGNBD_S] = pareto[PARETO_S];
		params[GGNBD_BETA] = params[GGNBD_B] * pareto[PARETO_BETA];
	}
	else
	{
		/* half of the customers have left at that age */
		params[GGNBD_B] = sudden / T;
		params[GGNBD_S] = 1.0;
		params[GGNBD_BETA] = expm1(sudden * ages[number - n_b]);
	}
	return true;
}

/*
 * As near as the parameters' range allows: the largest share of customers that
 * leave sooner than under Pareto/NBD is of the order of b times the time.
 */
static void
ggnbd_at_paretonbd(const Population *population, const double *pareto, double *params)
{
	const double share = 1e-7;
	const double smallest = 1e-10;

	params[RISKS_R] = pareto[RISKS_R];
	params[RISKS_ALPHA] = pareto[RISKS_ALPHA];
	params[GGNBD_S] = pareto[PARETO_S];
	params[GGNBD_B] = fmax(fmax(share / population_time_scale(population), smallest), smallest / pareto[PARETO_BETA]);
	params[GGNBD_BETA] = params[GGNBD_B] * pareto[PARETO_BETA];
}

static void
ggnbd_prior_centre(const Population *population, double *ln_params)
{
	ln_params[RISKS_R] = 0.0;
	ln_params[RISKS_ALPHA] = log(population_time_scale(population));
	ln_params[GGNBD_B] = -log(population_time_scale(population));
	ln_params[GGNBD_S] = 0.0;
	ln_params[GGNBD_BETA] = 0.0;
}

static void
ggnbd_begin_path(const double *params, Random *random, SimulatedPath *path)
{
	double ln_rate = random_ln_gamma(random, params[RISKS_R]) - det_log(params[RISKS_ALPHA]);
	double ln_eta = random_ln_gamma(random, params[GGNBD_S]) - det_log(params[GGNBD_BETA]);
	double wait = random_exponential(random);
	double growth = wait * det_exp(-ln_eta); /* e^(b t) - 1 at the end t */
	double one_more = 1.0 + growth;

	path->mean_gap = det_exp(-ln_rate);
	if (!isfinite(growth))
		path->dropout = (det_log(wait) - ln_eta) / params[GGNBD_B];
	else if (one_more == 1.0)
		path->dropout = growth / params[GGNBD_B];
	else
		/* the rounding of one_more cancels (Kahan's log1p) */
		path->dropout = det_log(one_more) * (growth / (one_more - 1.0)) / params[GGNBD_B];
	path->clock = 0.0;
	path->alive = true;
}

const Model ggnbd_model = {
	.id = 4,
	.name = "gg/nbd",
	.n_params = GGNBD_PARAMS,
	.param_names = {"r", "alpha", "b", "s", "beta"},
	.n_effects = 2,
	.effects = {{"rate", RISKS_ALPHA, -1.0}, {"dropout", GGNBD_BETA, -1.0}},
	.limit = &paretonbd_model,
	.near_nested_model = ggnbd_near_paretonbd,
	.at_limit = ggnbd_at_paretonbd,
	.limit_place = {0, 1, -1, 2, 3},
	.scales_with_limit = {[GGNBD_BETA] = true},
	.prior_centre = ggnbd_prior_centre,
	.log_likelihood = ggnbd_log_likelihood,
	.lifetime = &gamma_gompertz,
	.customer_log_likelihood = ggnbd_customer_log_likelihood,
	.prob_alive = ggnbd_alive_prob,
	.gone_prob = ggnbd_gone_prob,
	.ln_silence = competing_risks_ln_silence,
	.expected_transactions_if_alive = ggnbd_expected_transactions_if_alive,
	.new_customer_transactions = ggnbd_new_customer_transactions,
	.new_customer_transactions_pmf = ggnbd_new_customer_transactions_pmf,
	.future_transactions_pmf = ggnbd_future_transactions_pmf,
	.order_prob = ggnbd_order_prob,
	.order_prob_if_alive = ggnbd_order_prob_if_alive,
	.first_event = ggnbd_first_event,
	.ln_survival = ggnbd_ln_survival,
	.next_order_quantile = ggnbd_next_order_quantile,
	.begin_path = ggnbd_begin_path,
	.next_order = competing_risks_next_order,
};
