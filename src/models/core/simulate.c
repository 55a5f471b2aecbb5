/*
 * simulate.c
 *	  Simulated customers: their purchases, one after another.
 */
#include "models/core/simulate.h"

#include <math.h>

void
simulate_customer(const Model *model, const double *params, const SpendModel *spend, const double *spend_params,
				  double window, Random random, SimulatedCustomer *customer)
{
	*customer = (SimulatedCustomer){
		.model = model,
		.random = random,
		.window = window,
		.spend = spend,
	};
	model->begin_path(params, &customer->random, &customer->path);
	if (spend != NULL)
		customer->amounts = spend->draw_customer(spend_params, &customer->random);
}

bool
simulate_next_order(SimulatedCustomer *customer, double *time, double *amount)
{
	*time = customer->seen ? customer->model->next_order(&customer->path, &customer->random) : 0.0;
	customer->seen = true;
	if (!(*time <= customer->window))
		return false;
	*amount = customer->spend != NULL ? customer->spend->draw_amount(&customer->amounts, &customer->random) : NAN;
	return true;
}
