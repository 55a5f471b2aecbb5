/*
 * spend_model.c
 *	  The table of models of amounts. The build fails if one is missing here.
 */
#include "models/spend/spend_model.h"

#include "numerics/name.h"

/* A model is a line; fits try them in this order. */
#define MODELS(MODEL) MODEL(gammagamma_model)

#define DECLARED(model) extern const SpendModel model;
#define ADDRESS(model) &model,

MODELS(DECLARED)

static const SpendModel *const models[] = {MODELS(ADDRESS)};

#define N_MODELS ((int) (sizeof(models) / sizeof(models[0])))

const SpendModel *
spend_model_at(int i)
{
	return i >= 0 && i < N_MODELS ? models[i] : NULL;
}

const SpendModel *
spend_model_by_name(const char *name)
{
	for (int i = 0; i < N_MODELS; i++)
		if (name_matches(models[i]->name, name))
			return models[i];
	return NULL;
}

const SpendModel *
spend_model_by_id(int id)
{
	for (int i = 0; i < N_MODELS; i++)
		if (models[i]->id == id)
			return models[i];
	return NULL;
}
