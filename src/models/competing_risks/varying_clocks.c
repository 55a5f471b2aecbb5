/*
 * varying_clocks.c
 *	  The Pareto/NBD model with rates that vary over time.
 *
 * All integrals are walks over the stretches of constant rates between two
 * ages. On a stretch both clocks are linear, and the logarithm of an integrand
 *
 *		-n ln(1 + (Lambda(y) - Lambda(from)) / (alpha + Lambda(from)))
 *		-s ln(1 + (M(y) - M(from)) / (beta + M(from)))
 *
 * falls ever more slowly. Clocks are counted from where the walk begins, so
 * short waits after long histories keep all digits.
 */
#include "models/competing_risks/varying_clocks.h"

#include <float.h>
#include <math.h>

#include "models/competing_risks/varying_walk.h"
#include "models/core/model.h"
#include "numerics/special.h"

/* The event that ends an integral's interval of nothing. */
typedef enum VaryingEvent
{
	VARYING_LEAVES,
	VARYING_BUYS,
} VaryingEvent;

/*
 * The probability that a customer who is alive at `from` leaves, or buys, as
 * the first event, before `until`. What is left of it beyond some time is at
 * most the probability that nothing has happened until then.
 */
static double
first_event_within(const VaryingClocks *clocks, const VaryingAges *ages, VaryingEvent event, double from, double until)
{
	VaryingWalk walk = varying_walk_start(clocks, from);
	double sum = 0.0;

	for (VaryingStretch stretch; varying_walk_next(&walk, until, &stretch);)
	{
		double hazard = event == VARYING_LEAVES ? ages->s * stretch.leaving : ages->n * stretch.buying;

		for (Panel panel = panel_start(0.0); varying_panel_next(&panel, &stretch, ages);)
		{
			const GaussRule *rule = varying_rule(&panel, &stretch, ages);

			for (int i = 0; i < rule->points; i++)
			{
				VaryingTimes at = varying_times(&stretch, varying_node(&panel, rule, i));
				double age = event == VARYING_LEAVES ? ages->leaving + at.leaving : ages->buying + at.buying;

				sum += varying_weight(&panel, rule, i) * hazard / age * exp(varying_ln_quiet(ages, &at));
			}
			if (varying_is_over(ages, &stretch, panel.end, sum))
				return sum;
		}
	}
	return sum;
}

/* Both terms of the likelihood, relative to the history until t_x: alive at T, and gone by then. */
typedef struct VaryingTerms
{
	double ln_alive;
	double gone;
} VaryingTerms;

static VaryingTerms
terms_of(const VaryingClocks *clocks, const VaryingAges *ages, double t_x, double T)
{
	VaryingTimes quiet = varying_times_between(clocks, t_x, T);

	return (VaryingTerms){
		.ln_alive = varying_ln_quiet(ages, &quiet),
		.gone = first_event_within(clocks, ages, VARYING_LEAVES, t_x, T),
	};
}

double
varying_log_likelihood(const VaryingClocks *clocks, const double *params, double x, double t_x, double T)
{
	VaryingAges ages = varying_ages_at(clocks, params, x, t_x);
	VaryingTerms terms = terms_of(clocks, &ages, t_x, T);

	return varying_ln_history(params, &ages, x) + log(exp(terms.ln_alive) + terms.gone);
}

double
varying_alive_prob(const VaryingClocks *clocks, const double *params, double x, double t_x, double T)
{
	VaryingAges ages = varying_ages_at(clocks, params, x, t_x);
	VaryingTerms terms = terms_of(clocks, &ages, t_x, T);

	return fmin(1.0, exp(terms.ln_alive - log(exp(terms.ln_alive) + terms.gone)));
}

double
varying_gone_prob(const VaryingClocks *clocks, const double *params, double x, double t_x, double T)
{
	VaryingAges ages = varying_ages_at(clocks, params, x, t_x);
	VaryingTerms terms = terms_of(clocks, &ages, t_x, T);

	return terms.gone / (exp(terms.ln_alive) + terms.gone);
}

/* The integral of e^(-delta y) (1 + C y / age)^-s over a stretch, the last of which may be infinite. */
static double
decayed_stretch(const VaryingStretch *stretch, double s, double age, double delta)
{
	double scale = age / stretch->leaving;
	double growth = log1p(stretch->length / scale);

	/* a discount too small to affect the result */
	if (!(delta * stretch->length > DBL_EPSILON / 16.0))
		return scale * sf_decayed_time(s - 1.0, growth);
	return scale * sf_scaled_expint(s, delta * scale, growth);
}

double
varying_expected_transactions_if_alive(const VaryingClocks *clocks, const double *params, double x, double T,
									   double horizon, double delta)
{
	VaryingAges ages = varying_ages_at(clocks, params, x, T);
	VaryingWalk walk = varying_walk_start(clocks, T);
	double sum = 0.0;

	for (VaryingStretch stretch; varying_walk_next(&walk, T + horizon, &stretch);)
	{
		double stays = exp(-delta * (stretch.begins - T) - ages.s * log1p(stretch.since.leaving / ages.leaving));

		host_poll();
		sum += stretch.buying * stays * decayed_stretch(&stretch, ages.s, ages.leaving + stretch.since.leaving, delta);
	}
	return ages.n / ages.buying * sum;
}

/* The probability of a purchase after the beginning of the last stretch, which has no end: the plain model. */
static double
order_prob_without_end(const VaryingStretch *stretch, const VaryingAges *ages)
{
	double params[PARETO_PARAMS] = {
		[RISKS_R] = ages->n,
		[RISKS_ALPHA] = (ages->buying + stretch->since.buying) / stretch->buying,
		[PARETO_S] = ages->s,
		[PARETO_BETA] = (ages->leaving + stretch->since.leaving) / stretch->leaving,
	};

	return exp(varying_ln_quiet(ages, &stretch->since)) *
		paretonbd_model.order_prob_if_alive(params, 0.0, 0.0, 0.0, INFINITY);
}

double
varying_order_prob_if_alive(const VaryingClocks *clocks, const double *params, double x, double T, double horizon)
{
	VaryingAges ages = varying_ages_at(clocks, params, x, T);
	VaryingWalk walk = varying_walk_start(clocks, T);
	double end = T + horizon;
	double later = 0.0;

	for (VaryingStretch stretch; isinf(horizon) && varying_walk_next(&walk, INFINITY, &stretch);)
		if (isinf(stretch.length))
		{
			end = stretch.begins;
			later = order_prob_without_end(&stretch, &ages);
			break;
		}
	return fmin(1.0, first_event_within(clocks, &ages, VARYING_BUYS, T, end) + later);
}
