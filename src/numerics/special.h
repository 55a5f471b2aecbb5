/*
 * special.h
 *	  Special functions of the customer models, in forms that do not cancel.
 *
 * The likelihoods are full of ratios of gamma and beta functions. Computed
 * as differences of lgamma() they lose every digit for large arguments, so
 * the ratios themselves are the functions here.
 */
#ifndef NUMERICS_SPECIAL_H
#define NUMERICS_SPECIAL_H

/*
 * ln Gamma(r + x) - ln Gamma(r), the logarithm of the rising factorial
 * (Pochhammer symbol) r (r+1) ... (r+x-1). r > 0, x >= 0, not necessarily
 * whole.
 */
extern double sf_lnpoch(double r, double x);

/* Its first derivative in r: psi(r + x) - psi(r). */
extern double sf_dpoch(double r, double x);

/* Its second derivative in r: psi'(r + x) - psi'(r), never positive. */
extern double sf_tpoch(double r, double x);

/* psi'(x), the second derivative of ln Gamma(x). x > 0. Abramowitz & Stegun 6.4.12. */
extern double sf_trigamma(double x);

/*
 * ln B(a, b + h) - ln B(a, b). a, b > 0, h >= 0. For whole h this is the
 * logarithm of the probability of h failures in a row when the success
 * probability is Beta(a, b) distributed. Never positive.
 */
extern double sf_lbeta_shift(double a, double b, double h);

/*
 * ln of Gamma(n + x) / (Gamma(n) x!), the binomial coefficient n + x - 1 over x.
 * n > 0; x whole, >= 0.
 */
extern double sf_lnchoose(double n, double x);

/*
 * ln of the negative binomial probability of x events within a time tau, when
 * the rate of the events is Gamma(n, rate 1) distributed. n > 0; x whole, >= 0;
 * tau > 0.
 */
extern double sf_ln_negative_binomial(double n, double tau, double x);

/*
 * The probability of x events or more. Small and large ones are equally exact.
 * n > 0; x whole, > 0; tau > 0.
 */
extern double sf_negative_binomial_tail(double n, double tau, double x);

/*
 * (1 - e^(-q t)) / q, the integral of e^(-q s) over s from 0 to t: t itself if
 * q = 0. t >= 0; q of either sign.
 */
extern double sf_decayed_time(double q, double t);

/*
 * Gauss's hypergeometric function F(1, b; c; z). 0 <= z < 1; c > b > 0, or b
 * >= c > 1 and z < about (c - 1) / (b - 1). Takes a few dozen steps; about a
 * thousand near z = 0.9999.
 */
extern double sf_hypergeometric1(double b, double c, double z);

/*
 * The scaled exponential integral, truncated at `upper`: integral over u from
 * 0 to upper of exp(-k (e^u - 1) + (1 - nu) u). With upper = INFINITY it is
 * e^k E_nu(k). nu >= 0, k > 0.
 */
extern double sf_scaled_expint(double nu, double k, double upper);

#endif /* NUMERICS_SPECIAL_H */
