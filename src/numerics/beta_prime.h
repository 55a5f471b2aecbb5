/*
 * beta_prime.h
 *	  The beta prime distribution: a quotient of two gamma variables.
 */
#ifndef NUMERICS_BETA_PRIME_H
#define NUMERICS_BETA_PRIME_H

/* ln B(a, b). a, b > 0. */
extern double ln_beta(double a, double b);

/*
 * The probability that X / Y <= e^z, where X is Gamma(a) and Y is Gamma(b)
 * distributed with the same rate: the regularised incomplete beta function
 * I_u(a, b) with ln(u / (1 - u)) = z. ln_beta_ab is ln_beta(a, b), which callers
 * need for many z. Adds its derivative in z to *slope. a, b > 0.
 */
extern double beta_prime_cdf(double a, double b, double ln_beta_ab, double z, double *slope);

#endif /* NUMERICS_BETA_PRIME_H */
