/*
 * random.c
 *	  Random numbers that are the same on every platform.
 *
 * Bits come from xoshiro256++ (Blackman & Vigna, "Scrambled linear
 * pseudorandom number generators", ACM TOMS 47:4, 2021), seeded by splitmix64
 * (Steele, Lea & Flood, OOPSLA 2014). Normals are made by Marsaglia's polar
 * method (Marsaglia & Bray, SIAM Review 6, 1964), gammas by Marsaglia & Tsang
 * ("A simple method for generating gamma variables", ACM TOMS 26:3, 2000).
 *
 * The C library promises exact results for + - * /, sqrt, frexp and ldexp but
 * not for exp and log, whose last bit differs between platforms; one
 * different bit in an acceptance test changes every later draw. So this file
 * brings its own exp and log, made of the exact operations alone. It must be
 * compiled without contraction of a * b + c into one fused operation.
 */
#include "numerics/random.h"

#include <math.h>

/* ln 2 in two parts; the first has 21 trailing zero bits, so k * LN2_HIGH is exact. */
#define LN2_HIGH 0x1.62e42fee00000p-1
#define LN2_LOW 0x1.a39ef35793c76p-33

#define INVERSE_LN2 1.44269504088896340736
#define SQRT_HALF 0.70710678118654752440

#define lengthof(array) ((int) (sizeof(array) / sizeof((array)[0])))

static uint64_t
splitmix64(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint64_t
rotate_left(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

Random
random_start(uint64_t seed, uint64_t stream)
{
	Random random;
	uint64_t mixed = splitmix64(&seed) ^ stream;

	for (int i = 0; i < 4; i++)
		random.state[i] = splitmix64(&mixed);
	return random;
}

uint64_t
random_bits(Random *random)
{
	uint64_t *s = random->state;
	uint64_t result = rotate_left(s[0] + s[3], 23) + s[0];
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

double
random_uniform(Random *random)
{
	/* the midpoints of 2^52 equal cells */
	return ((double) (random_bits(random) >> 12) + 0.5) * 0x1p-52;
}

double
random_exponential(Random *random)
{
	return -det_log(random_uniform(random));
}

double
random_normal(Random *random)
{
	double u;
	double v;
	double s;

	/* the second variate of the pair is discarded, to keep the state small */
	do
	{
		u = 2.0 * random_uniform(random) - 1.0;
		v = 2.0 * random_uniform(random) - 1.0;
		s = u * u + v * v;
	} while (s >= 1.0 || s == 0.0);
	return u * sqrt(-2.0 * det_log(s) / s);
}

/* Gamma with shape >= 1. */
static double
large_shape_gamma(Random *random, double shape)
{
	double d = shape - 1.0 / 3.0;
	double c = 1.0 / sqrt(9.0 * d);

	for (;;)
	{
		double x = random_normal(random);
		double root = 1.0 + c * x;
		double v = root * root * root;
		double u;

		if (root <= 0.0)
			continue;
		u = random_uniform(random);
		if (u < 1.0 - 0.0331 * (x * x) * (x * x) || det_log(u) < 0.5 * x * x + d * (1.0 - v + det_log(v)))
			return d * v;
	}
}

double
random_gamma(Random *random, double shape)
{
	if (shape >= 1.0)
		return large_shape_gamma(random, shape);
	return det_exp(random_ln_gamma(random, shape));
}

double
random_ln_gamma(Random *random, double shape)
{
	if (shape >= 1.0)
		return det_log(large_shape_gamma(random, shape));

	/* a gamma of one more, times a uniform to the power 1 / shape */
	return det_log(large_shape_gamma(random, shape + 1.0)) - random_exponential(random) / shape;
}

double
random_beta(Random *random, double a, double b)
{
	double ln_x = random_ln_gamma(random, a);
	double ln_y = random_ln_gamma(random, b);

	/* x / (x + y) */
	return 1.0 / (1.0 + det_exp(ln_y - ln_x));
}

double
det_log(double x)
{
	/* 1/3, 1/5, ... 1/23: the series of atanh(s) / s without its leading 1 */
	static const double odd[] = {
		1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23,
	};
	int k;
	double m = frexp(x, &k);
	double s;
	double s2;
	double series = 0.0;

	/* x = 2^k m, with m around 1 */
	if (m < SQRT_HALF)
	{
		m *= 2.0;
		k--;
	}

	/* ln m = 2 atanh(s) = 2s + 2s (s^2/3 + s^4/5 + ...), where |s| < 0.172 */
	s = (m - 1.0) / (m + 1.0);
	s2 = s * s;
	for (int i = lengthof(odd) - 1; i >= 0; i--)
		series = s2 * (odd[i] + series);
	return k * LN2_HIGH + (2.0 * s + (2.0 * s * series + k * LN2_LOW));
}

double
det_exp(double x)
{
	/* 1/1, 1/2, ... 1/14: e^r = 1 + r/1 (1 + r/2 (1 + r/3 (...))) */
	static const double over[] = {
		1.0,     1.0 / 2, 1.0 / 3,  1.0 / 4,  1.0 / 5,  1.0 / 6,  1.0 / 7,
		1.0 / 8, 1.0 / 9, 1.0 / 10, 1.0 / 11, 1.0 / 12, 1.0 / 13, 1.0 / 14,
	};
	double k;
	double r;
	double series = 1.0;

	if (x > 709.78)
		return INFINITY;
	if (x < -708.39)
		return 0.0;

	/* e^x = 2^k e^r, with |r| below ln(2) / 2 */
	k = floor(x * INVERSE_LN2 + 0.5);
	r = (x - k * LN2_HIGH) - k * LN2_LOW;
	for (int i = lengthof(over) - 1; i >= 0; i--)
		series = 1.0 + r * over[i] * series;
	return ldexp(series, (int) k);
}
