/*
 * spend_model.c
 *	  The table of models of amounts. The build fails if one is missing here.
 */
#include "models/spend/spend_model.h"

static const SpendModel *const models[] = {
	&gammagamma_model,
};

const SpendModel *
spend_model_at(int i)
{
	return i >= 0 && (size_t) i < sizeof(models) / sizeof(models[0]) ? models[i] : NULL;
}
