/*
 * equity_terms.h
 *	  What customer equity is computed with: the model, money and time.
 */
#ifndef MODELS_DECISION_EQUITY_TERMS_H
#define MODELS_DECISION_EQUITY_TERMS_H

#include <stdbool.h>

#include "models/core/model.h"
#include "models/spend/spend_model.h"

/* 1, 3, 5 and 10 years, and without end. */
#define EQUITY_HORIZONS 5
#define EQUITY_WITHOUT_END (EQUITY_HORIZONS - 1)
extern const double equity_horizon_years[EQUITY_HORIZONS];

/* The value without end is also gathered for discounts of two points less and more. */
#define EQUITY_OTHER_DISCOUNTS 2
#define EQUITY_DISCOUNT_STEP 0.02

/* Parameters that the value is differentiated by: those of the timing model that are no whole numbers, then the spend model's. */
#define EQUITY_MAX_FIGURES (MODEL_MAX_PARAMS + SPEND_MAX_PARAMS)

/* What a customer's value is computed with; times in the model's unit. */
typedef struct EquityTerms
{
	const Model *timing;
	double params[MODEL_MAX_PARAMS];
	const SpendModel *spend;
	double spend_params[SPEND_MAX_PARAMS];
	double margin;
	double delta;                               /* discount, as a rate per unit of time */
	double other_delta[EQUITY_OTHER_DISCOUNTS]; /* NaN: there is no such discount */
	double horizon[EQUITY_HORIZONS];
	bool unbounded; /* without a discount the value without end is not computed */
} EquityTerms;

static inline int
equity_timing_figures(const Model *timing)
{
	return timing->n_params - timing->n_integer_params;
}

static inline int
equity_figures(const Model *timing, const SpendModel *spend)
{
	return equity_timing_figures(timing) + spend->n_params;
}

#endif /* MODELS_DECISION_EQUITY_TERMS_H */
