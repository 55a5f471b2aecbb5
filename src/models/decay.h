/*
 * decay.h
 *	  Integrals over the rest of a customer's life.
 *
 * What the models of a continuous lifetime need are integrals over u from 0 of
 *
 *		e^(-linear u) D^(-exponent) (1 + u / scale)^(-power),
 *		D(u) = 1 + kappa (e^u - 1),
 *
 * where u is time on a logarithmic scale (Pareto/NBD) or in units of the rate
 * at which customers age (GG/NBD).  The walk below cuts the axis into panels on
 * which the 16-point rule is exact; the integrand stays in the caller's loop,
 * with whatever weights the caller gathers:
 *
 *		for (Panel panel = panel_start(0.0); decay_next(&decay, &panel, limit);)
 *			...
 */
#ifndef MODELS_DECAY_H
#define MODELS_DECAY_H

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "numerics/quadrature.h"

/* All >= 0, kappa > 0.  scale is ignored if power is 0. */
typedef struct Decay
{
	double		linear;
	double		exponent;
	double		kappa;
	double		power;
	double		scale;
	bool		rising;			/* the integrand has a factor p (below) besides */
} Decay;

/* What there is to know of D at one u. */
typedef struct Ageing
{
	double		ln_D;
	double		c;				/* d ln D / d ln kappa = kappa (e^u - 1) / D */
	double		p;				/* d ln D / du = kappa e^u / D */
} Ageing;

/* e^u beyond this leaves no trace of the 1 - kappa in D but one of first order. */
#define AGEING_LARGE 30.0

/* log1p of y >= 0, but quicker where log loses nothing. */
static inline double
quick_log1p(double y)
{
	return y > 0.5 ? log(1.0 + y) : log1p(y);
}

/* expm1 of u >= 0, but quicker where exp loses nothing. */
static inline double
quick_expm1(double u)
{
	return u > 0.7 ? exp(u) - 1.0 : expm1(u);
}

static inline Ageing
ageing_at(double kappa, double u)
{
	double		grown;
	double		D;

	if (u > AGEING_LARGE)
	{
		double		e = exp(-u);
		double		rest = (1.0 / kappa - 1.0) * e;

		return (Ageing) {
			.ln_D = u + log(kappa) + log1p(rest),
			.c = (1.0 - e) / (1.0 + rest),
			.p = 1.0 / (1.0 + rest)
		};
	}
	grown = kappa * quick_expm1(u);
	D = 1.0 + grown;
	return (Ageing) {.ln_D = quick_log1p(grown), .c = grown / D, .p = (grown + kappa) / D};
}

/* The integrand falls by at most about e^12 within a panel. */
#define DECAY_FALL 12.0

/* What is left of an integral beyond this share is nothing. */
#define DECAY_REST 1e-20

/* How far from u the zeros of D leave room for half a panel. */
static inline double
decay_room(const Decay *decay, double u)
{
	double		kappa = decay->kappa;
	double		room = INFINITY;

	if (kappa > 1.0)
		room = u - log1p(-1.0 / kappa); /* a real zero below 0 */
	else if (kappa < 1.0)
		room = panel_room(log1p(-kappa) - log(kappa) - u, M_PI);
	if (decay->power > 0.0)
		room = fmin(room, decay->scale + u);
	return room;
}

/*
 * Move to the next panel, towards the limit (which may be INFINITY; it is then
 * the caller who ends the walk, by decay_is_over).
 */
static inline bool
decay_next(const Decay *decay, Panel *panel, double limit)
{
	double		u = panel->end;
	double		p = ageing_at(decay->kappa, u).p;
	double		rate = decay->linear;

	if (decay->rising)
		rate += fabs(1.0 - p);
	/* what falls ever more slowly falls at its rate here; D of kappa < 1 speeds up */
	if (decay->kappa >= 1.0)
		rate += decay->exponent * p;
	else
		rate += DECAY_FALL / log1p(expm1(DECAY_FALL / fmax(decay->exponent, DBL_MIN)) / p);
	if (decay->power > 0.0)
		rate += decay->power / (decay->scale + u);
	return panel_next(panel, limit, decay_room(decay, u), rate);
}

/*
 * Whether the rest of an integral can be left out, when it was `sum` up to the
 * end of the panel and the integrand at the panel's last node was `last`.
 */
static inline bool
decay_is_over(const Decay *decay, const Panel *panel, double last, double sum)
{
	double		u = panel->end;
	double		p = ageing_at(decay->kappa, u).p;
	double		rate = decay->linear + decay->exponent * p - (decay->rising ? 1.0 - p : 0.0);

	if (decay->power > 0.0)
		rate += decay->power / (decay->scale + u);
	return rate > 0.0 && last * (u + 1.0 / rate) <= DECAY_REST * sum;
}

#endif							/* MODELS_DECAY_H */
