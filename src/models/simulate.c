/*
 * simulate.c
 *	  Customers who live by the models: their purchases, one after another.
 */
#include "models/simulate.h"

void
simulate_customer(const Model *model, const double *params, const double *spend_params,
				  double window, Random random, SimulatedCustomer *customer)
{
	*customer = (SimulatedCustomer) {
		.model = model,
		.random = random,
		.window = window,
		.amount_shape = spend_params[0]
	};
	model->begin_life(params, &customer->random, &customer->life);

	/* nu is Gamma(q, rate gamma) */
	customer->amount_scale = det_exp(det_log(spend_params[2])
									 - random_ln_gamma(&customer->random, spend_params[1]));
}

bool
simulate_next_order(SimulatedCustomer *customer, double *time, double *amount)
{
	*time = customer->seen ? customer->model->next_order(&customer->life, &customer->random) : 0.0;
	customer->seen = true;
	if (!(*time <= customer->window))
		return false;
	*amount = customer->amount_scale * random_gamma(&customer->random, customer->amount_shape);
	return true;
}
