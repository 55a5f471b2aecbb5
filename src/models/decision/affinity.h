/*
 * affinity.h
 *	  How much more often two items are together than by chance.
 */
#ifndef MODELS_DECISION_AFFINITY_H
#define MODELS_DECISION_AFFINITY_H

/* Of so many units, those with one item, with the other, and with both. */
typedef struct PairCounts
{
	double units;
	double left;  /* > 0 */
	double right; /* > 0 */
	double both;
} PairCounts;

/* both / (left^(1 - asymmetry) right^asymmetry): the cosine at 0.5, the share of `left` at 0. */
extern double pair_cosine(const PairCounts *counts, double asymmetry);

/* How many times as often as by chance. */
extern double pair_lift(const PairCounts *counts);

/* The log-likelihood ratio G^2 of independence (Dunning, Computational Linguistics 19:61, 1993). */
extern double pair_llr(const PairCounts *counts);

/* Its root, negative for items that are together less often than by chance. */
extern double pair_signed_root(const PairCounts *counts);

/* What a similarity is worth if it rests on so few units: both / (both + shrink) of it. */
extern double pair_shrunk(const PairCounts *counts, double similarity, double shrink);

#endif /* MODELS_DECISION_AFFINITY_H */
