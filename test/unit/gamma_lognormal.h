/*
 * gamma_lognormal.h
 *	  A second model of amounts, for tests of what rests on the interface alone.
 */
#ifndef GAMMA_LOGNORMAL_H
#define GAMMA_LOGNORMAL_H

#include "models/spend/spend_model.h"

extern const SpendModel gamma_lognormal_model;

#endif /* GAMMA_LOGNORMAL_H */
