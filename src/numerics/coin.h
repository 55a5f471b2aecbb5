/*
 * coin.h
 *	  How long coins of unknown bias show nothing but tails.
 */
#ifndef NUMERICS_COIN_H
#define NUMERICS_COIN_H

/* A coin that shows heads with a probability that is Beta(a, b) distributed.  a, b > 0. */
typedef struct Coin
{
	double		a;
	double		b;
} Coin;

/*
 * One or two coins are tossed together, at most `limit` times (whole, >= 0, or
 * INFINITY), for as long as all show tails.  Their expected number of tosses, of
 * which the k-th after the first counts e^(-delta k):
 *
 *		sum over k < limit of e^(-delta k) prod over coins of B(a, b + k) / B(a, b)
 *
 * delta >= 0.  INFINITY if that is what the sum is, or beyond 1e300.  Its cost is
 * bounded: a few thousand terms, or a few dozen panels, whatever the limit.
 */
extern double coin_tosses(const Coin *coins, int n_coins, double delta, double limit);

#endif							/* NUMERICS_COIN_H */
