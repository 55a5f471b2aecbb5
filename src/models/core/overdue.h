/*
 * overdue.h
 *	  How overdue the next purchase is when its rate is gamma distributed.
 */
#ifndef MODELS_CORE_OVERDUE_H
#define MODELS_CORE_OVERDUE_H

#include <math.h>

/*
 * The probability that a live customer with a Poisson rate ~ Gamma(n, rate
 * age) at the last purchase would have made another one in the time since
 * then: 1 - (age / (age + silence))^n.
 */
static inline double
gamma_overdue_prob(double n, double age, double silence)
{
	return -expm1(-n * log1p(silence / age));
}

#endif /* MODELS_CORE_OVERDUE_H */
