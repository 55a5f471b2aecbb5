/*
 * random.h
 *	  Random numbers that are the same on every platform.
 *
 * A generator is a value: start one per customer, from a seed and the
 * customer's number, and every customer's draws are the same whatever order
 * or process they are made in.
 */
#ifndef NUMERICS_RANDOM_H
#define NUMERICS_RANDOM_H

#include <stdint.h>

typedef struct Random
{
	uint64_t state[4];
} Random;

/* A generator for one of 2^64 independent streams of a seed. */
extern Random random_start(uint64_t seed, uint64_t stream);

/* 64 random bits. */
extern uint64_t random_bits(Random *random);

/* Uniform on the open interval (0, 1): never 0, never 1. */
extern double random_uniform(Random *random);

/* Exponential with mean 1. */
extern double random_exponential(Random *random);

/* Normal with mean 0 and standard deviation 1. */
extern double random_normal(Random *random);

/* Gamma with the given shape > 0 and rate 1. May underflow to 0 below shape 0.05. */
extern double random_gamma(Random *random, double shape);

/* The logarithm of such a variable, exact for the tiniest shapes. */
extern double random_ln_gamma(Random *random, double shape);

/* Beta(a, b); a, b > 0. May be exactly 0 or 1 when a or b is tiny. */
extern double random_beta(Random *random, double a, double b);

/*
 * ln x for finite normal x > 0, and e^x (0 below the smallest normal number,
 * INFINITY beyond the largest), within 4 units in the last place and equal on
 * every platform.
 */
extern double det_log(double x);
extern double det_exp(double x);

#endif /* NUMERICS_RANDOM_H */
