/*
 * tails.h
 *	  Student's t, chi-square, beta and gamma distributions, as tests and intervals need
 *	  them.
 */
#ifndef NUMERICS_TAILS_H
#define NUMERICS_TAILS_H

/*
 * t with P(T <= t) = p for Student's t with df > 0 degrees of freedom, not
 * necessarily whole; 0 < p < 1. Relative error below 1e-10 for df >= 0.5.
 */
extern double student_quantile(double p, double df);

/* P(|T| > t), t >= 0; NaN for NaN. */
extern double student_two_sided(double t, double df);

/*
 * P(X >= x) for chi-square with df > 0 degrees of freedom, x >= 0. Small and large
 * ones are equally exact: relative error below 1e-10 for df <= 1e5.
 */
extern double chi_square_tail(double x, double df);

/* P(Z <= z) for standard normal Z; small ones are exact, too. */
extern double normal_prob(double z);

/*
 * Quantiles of Beta(a, b) and of Gamma(a, rate 1); a, b > 0, 0 < p < 1. The probability
 * below them is p to about 1e-12, or of a gamma distribution to 1e-14 a where that is more.
 */
extern double beta_quantile(double p, double a, double b);
extern double gamma_quantile(double p, double a);

#endif /* NUMERICS_TAILS_H */
