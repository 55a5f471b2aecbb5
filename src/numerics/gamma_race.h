/*
 * gamma_race.h
 *	  Which of two clocks rings first, when they ring at gamma distributed rates.
 */
#ifndef NUMERICS_GAMMA_RACE_H
#define NUMERICS_GAMMA_RACE_H

/*
 * E[X / (X + R Y)], X ~ Gamma(w), Y ~ Gamma(o), with R = 1 + excess: the probability that a
 * clock of shape w rings before one of shape o, where the ages' ratio is R. w, o > 0. NaN
 * unless excess is large, twenty times 1 + w.
 */
extern double gamma_race_far(double w, double o, double excess);

#endif /* NUMERICS_GAMMA_RACE_H */
