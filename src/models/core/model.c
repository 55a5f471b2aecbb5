/*
 * model.c
 *	  The table of timing models.
 */
#include "models/core/model.h"

#include <math.h>
#include <stddef.h>

#include "numerics/name.h"

static const Model *const models[] = {
	&bgnbd_model, &paretonbd_model, &mbgnbd_model, &ggnbd_model, &bgcnbd_model, &mbgcnbd_model, &bgbb_model,
};

#define N_MODELS (sizeof(models) / sizeof(models[0]))

const Model *
model_by_name(const char *name)
{
	for (size_t i = 0; i < N_MODELS; i++)
		if (name_matches(models[i]->name, name))
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
model_expected_transactions(const Model *model, const double *params, double x, double t_x, double T, double horizon)
{
	return model_discounted_transactions(model, params, x, t_x, T, horizon, 0.0);
}

double
model_discounted_transactions(const Model *model, const double *params, double x, double t_x, double T, double horizon,
							  double delta)
{
	return model->prob_alive(params, x, t_x, T) *
		model->expected_transactions_if_alive(params, x, t_x, T, horizon, delta);
}

/* The two outcomes of what first_event() gives. */
static double
dropout_first(double first_event)
{
	return first_event < 0.0 ? 1.0 + first_event : first_event;
}

static double
purchase_first(double first_event)
{
	return first_event < 0.0 ? -first_event : 1.0 - first_event;
}

/* No purchase between t_x and T: the customer left before the next one, or it comes later. */
static double
no_purchase(double then, double now, double ln_quiet)
{
	return dropout_first(then) + exp(ln_quiet) * purchase_first(now);
}

double
model_alive_prob_of(double then, double now, double ln_quiet)
{
	return fmin(1.0, exp(ln_quiet - log(no_purchase(then, now, ln_quiet))));
}

/*
 * Who leaves before the next purchase, but not after T. Where that is at least a
 * hundredth of the first, two digits are lost at most.
 */
double
model_gone_prob_of(double then, double now, double ln_quiet)
{
	double later = exp(ln_quiet) * dropout_first(now);

	if (!(later <= 0.99 * dropout_first(then)))
		return NAN;
	return fmin(1.0, (dropout_first(then) - later) / no_purchase(then, now, ln_quiet));
}
