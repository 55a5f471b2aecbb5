/*
 * silence.h
 *	  The time since the last purchase of a customer whose rate is gamma distributed.
 */
#ifndef MODELS_CORE_SILENCE_H
#define MODELS_CORE_SILENCE_H

#include <math.h>

/*
 * ln of the probability that a live customer with a Poisson rate ~ Gamma(n, rate age) at
 * the last purchase makes no other one in the time since then: (age / (age + silence))^n.
 */
static inline double
gamma_ln_silence(double n, double age, double silence)
{
	return -n * log1p(silence / age);
}

#endif /* MODELS_CORE_SILENCE_H */
