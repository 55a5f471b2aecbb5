/*
 * lifecycle.c
 *	  The lifecycle stage of a customer: new, active, slipping, probably lost,
 *	  lost.
 *
 * It is derived from two probabilities: alive_prob, that the customer is still
 * active, and overdue_prob, that a live customer would have ordered again by
 * now.
 *
 *	alive_prob < 1/10						lost
 *	alive_prob < 1/2						probably lost
 *	overdue_prob > 3/4						slipping
 *	one transaction							new
 *	otherwise								active
 *
 * In BG/NBD and BG/CNBD-k no customer can drop out before the second order:
 * alive_prob is 1 by construction, however long ago the first one is. There
 * overdue_prob alone decides:
 *
 *	overdue_prob > 9/10						lost
 *	overdue_prob > 3/4						probably lost
 *	overdue_prob > 1/2						slipping
 *	otherwise								new
 */
#include "compat.h"

#include <math.h>

#include "utils/builtins.h"

#include "scores/score.h"
#include "support/result.h"

#define SURELY_GONE 0.1
#define LATE 0.5
#define OVERDUE 0.75
#define LONG_OVERDUE 0.9

const char *const lifecycle_words[] = {
	[LIFECYCLE_NEW] = "new",           [LIFECYCLE_ACTIVE] = "active",
	[LIFECYCLE_SLIPPING] = "slipping", [LIFECYCLE_PROBABLY_LOST] = "probably lost",
	[LIFECYCLE_LOST] = "lost",
};

double
customer_overdue_prob(Customer *customer)
{
	double buf[MODEL_MAX_PARAMS];

	if (!customer->scorable)
		return NAN;
	if (isnan(customer->overdue))
		customer->overdue = model_overdue_prob(customer_ln_silence(customer, customer_params(customer, buf)));
	return customer->overdue;
}

/* The stage of a customer with one transaction, whose alive_prob is 1 by construction. */
static Lifecycle
lifecycle_of_silence(double overdue_prob)
{
	return overdue_prob > LONG_OVERDUE ? LIFECYCLE_LOST
		: overdue_prob > OVERDUE       ? LIFECYCLE_PROBABLY_LOST
		: overdue_prob > LATE          ? LIFECYCLE_SLIPPING
									   : LIFECYCLE_NEW;
}

Lifecycle
customer_lifecycle(Customer *customer)
{
	double alive_prob = customer_alive_prob(customer);
	double overdue_prob = customer_overdue_prob(customer);

	if (!isfinite(alive_prob) || !isfinite(overdue_prob))
		return LIFECYCLE_NONE;
	if (customer->x == 0 && alive_prob == 1)
		return lifecycle_of_silence(overdue_prob);
	return alive_prob < SURELY_GONE       ? LIFECYCLE_LOST
		: alive_prob < CLV_PROBABLY_ALIVE ? LIFECYCLE_PROBABLY_LOST
		: overdue_prob > OVERDUE          ? LIFECYCLE_SLIPPING
		: customer->x == 0                ? LIFECYCLE_NEW
										  : LIFECYCLE_ACTIVE;
}

static Datum
lifecycle_result(FunctionCallInfo fcinfo, Customer *customer)
{
	Lifecycle lifecycle;

	customer_use_cache(customer, transaction_cache(fcinfo));
	lifecycle = customer_lifecycle(customer);
	if (lifecycle == LIFECYCLE_NONE)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(lifecycle_words[lifecycle]));
}

/* overdue_prob(history, model [, as_of, covariates]) → float8 */
PG_FUNCTION_INFO_V1(overdue_prob);
Datum
overdue_prob(PG_FUNCTION_ARGS)
{
	Customer customer;

	customer_of_history(fcinfo, 2, &customer);
	return finite_or_null(fcinfo, customer_overdue_prob(&customer));
}

/* overdue_prob(repeat_count, recency_days, tenure_days, model [, covariates]) → float8 */
PG_FUNCTION_INFO_V1(overdue_prob_numbers);
Datum
overdue_prob_numbers(PG_FUNCTION_ARGS)
{
	Customer customer;

	customer_of_numbers(fcinfo, -1, 3, &customer);
	return finite_or_null(fcinfo, customer_overdue_prob(&customer));
}

/* lifecycle_of(history, model [, as_of, covariates]) → text */
PG_FUNCTION_INFO_V1(lifecycle_of);
Datum
lifecycle_of(PG_FUNCTION_ARGS)
{
	Customer customer;

	customer_of_history(fcinfo, 2, &customer);
	return lifecycle_result(fcinfo, &customer);
}

/* lifecycle_of(repeat_count, recency_days, tenure_days, model [, covariates]) → text */
PG_FUNCTION_INFO_V1(lifecycle_of_numbers);
Datum
lifecycle_of_numbers(PG_FUNCTION_ARGS)
{
	Customer customer;

	customer_of_numbers(fcinfo, -1, 3, &customer);
	return lifecycle_result(fcinfo, &customer);
}
