/*
 * model.c
 *	  The timing models there are.
 */
#include "models/model.h"

#include <stddef.h>
#include <string.h>

static const Model *const models[] = {
	&bgnbd_model,
	&paretonbd_model,
	&mbgnbd_model,
	&ggnbd_model,
	&bgcnbd_model,
	&mbgcnbd_model,
	&bgbb_model
};

#define N_MODELS (sizeof(models) / sizeof(models[0]))

const Model *
model_by_name(const char *name)
{
	for (size_t i = 0; i < N_MODELS; i++)
		if (strcmp(models[i]->name, name) == 0)
			return models[i];
	return NULL;
}

const Model *
model_by_id(int id)
{
	for (size_t i = 0; i < N_MODELS; i++)
		if (models[i]->id == id)
			return models[i];
	return NULL;
}

double
model_expected_orders(const Model *model, const double *params,
					  double x, double t_x, double T, double horizon)
{
	return model_discounted_orders(model, params, x, t_x, T, horizon, 0.0);
}

double
model_discounted_orders(const Model *model, const double *params,
						double x, double t_x, double T, double horizon, double delta)
{
	return model->alive_prob(params, x, t_x, T)
		* model->live_orders(params, x, t_x, T, horizon, delta);
}
