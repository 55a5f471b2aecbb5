/*
 * simulate.h
 *	  Simulated customers: their purchases, one after another.
 *
 * Purchases are drawn on demand and not kept, so a simulation of any size
 * needs constant memory. A customer's purchases depend only on the parameters
 * and the random generator they begin with.
 */
#ifndef MODELS_CORE_SIMULATE_H
#define MODELS_CORE_SIMULATE_H

#include <stdbool.h>

#include "models/core/model.h"
#include "models/spend/spend_model.h"
#include "numerics/random.h"

typedef struct SimulatedCustomer
{
	const Model *model;
	Random random;
	SimulatedPath path;
	double window;
	const SpendModel *spend; /* NULL: there are no amounts */
	SpendCustomer amounts;
	bool seen; /* has the first purchase been returned? */
} SimulatedCustomer;

/*
 * Draw a customer with the given parameters of a timing model and of a spend
 * model (NULL: amounts are NAN), watched for `window` time units from the first
 * purchase.
 */
extern void simulate_customer(const Model *model, const double *params, const SpendModel *spend,
							  const double *spend_params, double window, Random random, SimulatedCustomer *customer);

/*
 * The customer's next purchase: its time, in time units since the first, and
 * its amount. The first purchase is at time 0; times ascend and are at most
 * `window`.  Returns false when there are no more. The amount is positive;
 * parameters p or q of gamma-gamma below about 0.05 can make it 0 or INFINITY.
 */
extern bool simulate_next_order(SimulatedCustomer *customer, double *time, double *amount);

#endif /* MODELS_CORE_SIMULATE_H */
