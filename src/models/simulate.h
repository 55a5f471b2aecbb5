/*
 * simulate.h
 *	  Customers who live by the models: their purchases, one after another.
 *
 * Purchases are drawn as they are asked for and nothing is kept of them, so a
 * simulation of any size needs no memory.  A customer's purchases depend only
 * on the parameters and the random generator they begin with.
 */
#ifndef MODELS_SIMULATE_H
#define MODELS_SIMULATE_H

#include <stdbool.h>

#include "models/model.h"
#include "numerics/random.h"

typedef struct SimulatedCustomer
{
	const Model *model;
	Random		random;
	Life		life;
	double		window;
	double		amount_shape;	/* p of the gamma-gamma model */
	double		amount_scale;	/* 1 / nu: this customer's */
	bool		seen;			/* has the first purchase been given out? */
} SimulatedCustomer;

/*
 * Draw a customer with the given timing parameters (of `model`) and
 * gamma-gamma parameters spend_params[3], watched for `window` time units
 * from the first purchase.
 */
extern void simulate_customer(const Model *model, const double *params,
							  const double *spend_params, double window,
							  Random random, SimulatedCustomer *customer);

/*
 * The customer's next purchase: its time, in time units since the first, and
 * its amount.  The first purchase is at time 0; times ascend and are at most
 * `window`.  Returns false when there are no more.  The amount is positive;
 * parameters p or q below about 0.05 can make it 0 or INFINITY.
 */
extern bool simulate_next_order(SimulatedCustomer *customer, double *time, double *amount);

#endif							/* MODELS_SIMULATE_H */
