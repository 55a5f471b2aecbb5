/*
 * slots.h
 *	  Preference for hours, weekdays or parts of the day: a customer's shares of the
 *	  slots come from a Dirichlet distribution that all customers tell of.
 */
#ifndef MODELS_DECISION_SLOTS_H
#define MODELS_DECISION_SLOTS_H

#include "numerics/host.h"

#define SLOTS_MAX 24

/* So many customers have so many events in a slot, or in all slots together. */
typedef struct SlotCount
{
	int slot;      /* 0 to slots - 1; slots: all together */
	double events; /* > 0 */
	double customers;
} SlotCount;

typedef struct SlotPrior
{
	int slots;
	double alpha[SLOTS_MAX];
	double sum;            /* of all alpha */
	double log_likelihood; /* of a Dirichlet-multinomial, without the multinomial coefficients */
} SlotPrior;

/* Maximum likelihood. There must be some counts. */
extern void slot_prior_fit(const Host *host, const SlotCount *counts, int count, int slots, SlotPrior *prior);

/* The slot with the largest share, that share, and how it compares with the share of all customers. */
typedef struct SlotChoice
{
	int slot;
	double share;
	double lift; /* 1 unless the customer's share is larger with the asked-for probability */
} SlotChoice;

/* Of a customer with these events in each slot. */
extern SlotChoice slot_choose(const SlotPrior *prior, const double *events, double level);

/* P(X > x) for X Beta(a, b) distributed; a, b > 0, 0 < x < 1. */
extern double beta_upper_tail(double a, double b, double x);

#endif /* MODELS_DECISION_SLOTS_H */
