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

/* Below e^-700 a double loses digits. */
#define LN_SMALLEST (-700.0)

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

/* e^ln_quiet / all, also where e^ln_quiet is below the normal numbers. */
static double
share_of(double ln_quiet, double quiet, double all)
{
	return ln_quiet > LN_SMALLEST ? quiet / all : exp(ln_quiet - log(all));
}

/*
 * No purchase between t_x and T: the customer left before the next one, or it comes later.
 * Gone are those who leave before the next purchase, but not after T. Where that is at
 * least a hundredth of the first, two digits are lost at most.
 */
AliveOrGone
model_weigh_risks(double then, double now, double ln_quiet)
{
	double quiet = exp(ln_quiet);
	double no_purchase = dropout_first(then) + quiet * purchase_first(now);
	double later = quiet * dropout_first(now);

	return (AliveOrGone){
		.alive = fmin(1.0, share_of(ln_quiet, quiet, no_purchase)),
		.gone = later <= 0.99 * dropout_first(then) ? fmin(1.0, (dropout_first(then) - later) / no_purchase) : NAN,
	};
}

/* Without a dropout trial nobody has left, even where the silence is beyond the smallest number. */
AliveOrGone
model_weigh_dropout(double odds, double ln_silence)
{
	double silent = exp(ln_silence);

	if (odds == 0.0 && !isnan(ln_silence))
		return (AliveOrGone){.alive = 1.0, .gone = 0.0};
	return (AliveOrGone){
		.alive = share_of(ln_silence, silent, silent + odds),
		.gone = odds / (silent + odds),
	};
}

/* A sum of logarithms may have been rounded up just after a purchase. */
double
model_overdue_prob(double ln_silence)
{
	return ln_silence > 0.0 ? 0.0 : -expm1(ln_silence);
}
