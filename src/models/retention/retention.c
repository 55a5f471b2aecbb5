/*
 * retention.c
 *	  The table of retention models. The build fails if one is missing here.
 */
#include "models/retention/retention.h"

#include "numerics/name.h"

/* A model is a line. */
#define MODELS(MODEL) \
	MODEL(sbg_model) \
	MODEL(bdw_model)

#define DECLARED(model) extern const ContractModel model;
#define ADDRESS(model) &model,

MODELS(DECLARED)

static const ContractModel *const models[] = {MODELS(ADDRESS)};

#define N_MODELS ((int) (sizeof(models) / sizeof(models[0])))

const ContractModel *
contract_model_at(int i)
{
	return i >= 0 && i < N_MODELS ? models[i] : NULL;
}

const ContractModel *
contract_model_by_name(const char *name)
{
	for (int i = 0; i < N_MODELS; i++)
		if (name_matches(models[i]->name, name))
			return models[i];
	return NULL;
}

const ContractModel *
contract_model_by_id(int id)
{
	for (int i = 0; i < N_MODELS; i++)
		if (models[i]->id == id)
			return models[i];
	return NULL;
}
