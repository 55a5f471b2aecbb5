/*
 * attrition_integral.h
 *	  Integrals over a customer's remaining lifetime.
 *
 * The models with a continuous lifetime need integrals over u from 0 of
 *
 *		e^(-linear u) D^(-exponent) (1 + u / scale)^(-power),
 *		D(u) = 1 + kappa (e^u - 1),
 *
 * where u is time on a logarithmic scale (Pareto/NBD) or in units of the
 * growth of the dropout rate (GG/NBD). The walk below cuts the axis into
 * panels on which the 16-point rule is exact; the integrand stays in the
 * caller's loop, with whatever weights the caller gathers:
 *
 *		for (Panel panel = panel_start(0.0); attrition_integral_next(&decay, &panel, limit);)
 *			...
 */
#ifndef MODELS_COMPETING_RISKS_ATTRITION_INTEGRAL_H
#define MODELS_COMPETING_RISKS_ATTRITION_INTEGRAL_H

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "numerics/quadrature.h"

/* All >= 0, kappa > 0. scale is ignored if power is 0. */
typedef struct AttritionIntegral
{
	double linear;
	double exponent;
	double kappa;
	double power;
	double scale;
	bool rising; /* the integrand has a factor p (below) besides */
} AttritionIntegral;

/* The values of D at one u. */
typedef struct Attrition
{
	double ln_D;
	double c; /* d ln D / d ln kappa = kappa (e^u - 1) / D */
	double p; /* d ln D / du = kappa e^u / D */
} Attrition;

/* For e^u beyond this, 1 - kappa affects D to first order only. */
#define ATTRITION_LARGE 30.0

/* log1p of y >= 0, faster where log is as exact. */
static inline double
quick_log1p(double y)
{
	return y > 0.5 ? log(1.0 + y) : log1p(y);
}

/* expm1 of u >= 0, faster where exp is as exact. */
static inline double
quick_expm1(double u)
{
	return u > 0.7 ? exp(u) - 1.0 : expm1(u);
}

static inline Attrition
attrition_at(double kappa, double u)
{
	double grown;
	double D;

	if (u > ATTRITION_LARGE)
	{
		double e = exp(-u);
		double rest = (1.0 / kappa - 1.0) * e;

		return (Attrition){
			.ln_D = u + log(kappa) + log1p(rest),
			.c = (1.0 - e) / (1.0 + rest),
			.p = 1.0 / (1.0 + rest),
		};
	}
	grown = kappa * quick_expm1(u);
	D = 1.0 + grown;
	return (Attrition){.ln_D = quick_log1p(grown), .c = grown / D, .p = (grown + kappa) / D};
}

/* The integrand falls by at most about e^12 within a panel. */
#define ATTRITION_INTEGRAL_FALL 12.0

/*
 * Where D speeds up, D^-exponent may fall by e^6 within a panel: with twice as much an exponent of
 * a thousand cost six digits. From an exponent of 30 on it falls as e^(-e^u) does, and may do
 * little of that, e^0.05, in a panel longer than 5: otherwise an exponent of a million cost eight.
 */
#define ATTRITION_INTEGRAL_SPEEDING 6.0
#define ATTRITION_INTEGRAL_STEEP 30.0
#define ATTRITION_INTEGRAL_LONG 5.0
#define ATTRITION_INTEGRAL_SLOW 0.05

/* What is left of an integral beyond this share is nothing. */
#define ATTRITION_INTEGRAL_REST 1e-20

/* The distance from u to the nearest zero of D, which limits half a panel. */
static inline double
attrition_integral_room(const AttritionIntegral *integral, double u)
{
	double kappa = integral->kappa;
	double room = INFINITY;

	if (kappa > 1.0)
		room = u - log1p(-1.0 / kappa); /* a real zero below 0 */
	else if (kappa < 1.0)
		room = panel_room(log1p(-kappa) - log(kappa) - u, M_PI);
	if (integral->power > 0.0)
		room = fmin(room, integral->scale + u);
	return room;
}

/* How far from u D^-exponent falls by e^fall, where d ln D / du is p now and D speeds up. */
static inline double
attrition_integral_reach(double exponent, double p, double fall)
{
	return log1p(expm1(fall / fmax(exponent, DBL_MIN)) / p);
}

/* How long a panel may be where D speeds up. */
static inline double
attrition_integral_length(double exponent, double p)
{
	double length = attrition_integral_reach(exponent, p, ATTRITION_INTEGRAL_SPEEDING);

	if (length <= ATTRITION_INTEGRAL_LONG || exponent < ATTRITION_INTEGRAL_STEEP)
		return length;
	return fmax(ATTRITION_INTEGRAL_LONG, attrition_integral_reach(exponent, p, ATTRITION_INTEGRAL_SLOW));
}

/*
 * Move to the next panel, towards the limit (which may be INFINITY; it is then
 * the caller who ends the walk, by attrition_integral_is_over).
 */
static inline bool
attrition_integral_next(const AttritionIntegral *integral, Panel *panel, double limit)
{
	double u = panel->end;
	double p = attrition_at(integral->kappa, u).p;
	double rate = integral->linear;

	if (integral->rising)
		rate += fabs(1.0 - p);
	/* a factor that falls ever more slowly falls at its rate here; D of kappa < 1 accelerates */
	if (integral->kappa >= 1.0)
		rate += integral->exponent * p;
	else
		rate += ATTRITION_INTEGRAL_FALL / attrition_integral_length(integral->exponent, p);
	if (integral->power > 0.0)
		rate += integral->power / (integral->scale + u);
	return panel_next(panel, limit, attrition_integral_room(integral, u), rate);
}

/*
 * Whether the rest of an integral can be left out, when it was `sum` up to the
 * end of the panel and the integrand at the panel's last node was `last`.
 */
static inline bool
attrition_integral_is_over(const AttritionIntegral *integral, const Panel *panel, double last, double sum)
{
	double u = panel->end;
	double p = attrition_at(integral->kappa, u).p;
	double rate = integral->linear + integral->exponent * p - (integral->rising ? 1.0 - p : 0.0);

	if (integral->power > 0.0)
		rate += integral->power / (integral->scale + u);
	/* NaN must end the loop, too */
	return !(rate <= 0.0) && !(last * (u + 1.0 / rate) > ATTRITION_INTEGRAL_REST * sum);
}

#endif /* MODELS_COMPETING_RISKS_ATTRITION_INTEGRAL_H */
