/*
 * models.c
 *	  Fuzz target: every model, at any parameters and histories in range, gives
 *	  finite numbers in range.
 *
 * The input is a row of numbers, read from its bytes as the target needs them:
 * parameters from the box that fits stay in, histories a shop can produce.
 * What model.h, retention.h and gammagamma.h promise is asserted; sanitizers
 * watch the rest.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/competing_risks/varying_clocks.h"
#include "models/retention/beta_weibull.h"
#include "models/core/fit.h"
#include "models/spend/gammagamma.h"
#include "models/core/model.h"
#include "models/core/simulate.h"

#define CENTURY 36525
#define LARGEST_MODEL_ID 255
#define MAX_CELLS 20
#define MAX_TENURES 10
#define MAX_CLASSES 3

/* Rounding's share of a bound. */
#define SLACK 1e-6

/* ---------------------------------------------------------------- the input */

typedef struct Input
{
	const uint8_t *at;
	const uint8_t *end;
} Input;

/* Past its end an input goes on with zeros. */
static uint32_t
take(Input *input)
{
	uint32_t bits = 0;

	for (int i = 0; i < 4 && input->at < input->end; i++)
		bits |= (uint32_t) *input->at++ << (8 * i);
	return bits;
}

/* 0 .. 1, both included: the edges are where the mistakes are. */
static double
take_share(Input *input)
{
	return take(input) / 4294967295.0;
}

static double
take_between(Input *input, double low, double high)
{
	return fmin(high, fmax(low, low * pow(high / low, take_share(input))));
}

/* Whole, 0 .. largest; small numbers are as likely as large ones. */
static uint32_t
take_count(Input *input, uint32_t largest)
{
	return (uint32_t) (take_between(input, 1.0, largest + 1.0) - 1.0);
}

/* ---------------------------------------------------------------- the host */

static void *
fuzz_alloc(size_t size)
{
	void *memory = malloc(size);

	if (memory == NULL || size == 0)
		abort();
	memset(memory, 0xA5, size);
	return memory;
}

static void
fuzz_check_interrupts(void)
{
}

static const Host fuzz_host = {fuzz_alloc, free, fuzz_check_interrupts};

/* ---------------------------------------------------------------- verdicts */

#define promise(condition, ...) \
	do \
	{ \
		if (!(condition)) \
		{ \
			fprintf(stderr, "broken promise: %s\n", #condition); \
			fprintf(stderr, __VA_ARGS__); \
			fputc('\n', stderr); \
			abort(); \
		} \
	} while (0)

/* A string that names the point: good until the next call. */
static const char *
row(const char *name, const double *numbers, int n)
{
	static char text[512];
	int length = snprintf(text, sizeof(text), "%s", name);

	for (int i = 0; i < n; i++)
		length += snprintf(text + length, sizeof(text) - length, " %.17g", numbers[i]);
	return text;
}

static int
is_prob(double p)
{
	return p >= 0.0 && p <= 1.0 + SLACK;
}

/* ---------------------------------------------------------------- one customer */

static void
check_customer(const Model *model, const double *params, Input *input)
{
	double point[MODEL_MAX_PARAMS + 7];
	int n = model->n_params;
	double x = take_count(input, 10000);
	double T = model->discrete ? fmax(x, take_count(input, CENTURY)) : take_between(input, 1.0 / 365, CENTURY);
	double t_x = x == 0 ? 0.0 : model->discrete ? fmax(x, floor(T * take_share(input))) : T * take_share(input);
	double horizon = model->discrete ? take_count(input, CENTURY) : take_between(input, 1e-3, CENTURY);
	double delta = take_between(input, 1e-9, 1.0);
	double j = take_count(input, 3000);
	double q = fmin(fmax(take_share(input), 1e-9), 1.0 - 1e-9);

	if (x > 0 && t_x == 0.0)
		t_x = T;
	memcpy(point, params, sizeof(double) * n);
	memcpy(point + n, (double[]){x, t_x, T, horizon, delta, j, q}, 7 * sizeof(double));

	double likelihood = model->customer_log_likelihood(params, x, t_x, T);
	double alive = model->prob_alive(params, x, t_x, T);
	double orders = model_expected_transactions(model, params, x, t_x, T, horizon);
	double discounted = model_discounted_transactions(model, params, x, t_x, T, horizon, delta);
	double for_ever = model_discounted_transactions(model, params, x, t_x, T, INFINITY, delta);
	double buys = model->order_prob(params, x, t_x, T, horizon);
	double ever = model->order_prob(params, x, t_x, T, INFINITY);
	double pmf = model->future_transactions_pmf(params, x, t_x, T, horizon, j);
	double wait = model->next_order_quantile(params, x, t_x, T, q);
	double of_new = model->new_customer_transactions(params, horizon);
	double pmf_new = model->new_customer_transactions_pmf(params, horizon, j);
	const char *name = row(model->name, point, n + 7);

	promise(isfinite(likelihood), "%s: log-likelihood %g", name, likelihood);
	promise(is_prob(alive), "%s: alive %.17g", name, alive);
	promise(isfinite(orders) && orders >= 0.0, "%s: orders %.17g", name, orders);
	promise(discounted >= 0.0 && discounted <= orders * (1 + SLACK), "%s: discounted %.17g of %.17g", name, discounted,
			orders);
	promise(isfinite(for_ever) && for_ever >= discounted * (1 - SLACK), "%s: for ever %.17g, discounted %.17g", name,
			for_ever, discounted);
	promise(is_prob(buys), "%s: buys %.17g", name, buys);
	promise(buys <= orders * (1 + SLACK), "%s: buys %.17g, orders %.17g", name, buys, orders);
	promise(is_prob(ever) && ever >= buys * (1 - SLACK), "%s: ever %.17g, buys %.17g", name, ever, buys);
	promise(is_prob(pmf), "%s: probability %.17g of j", name, pmf);
	promise(wait >= 0.0, "%s: wait %.17g", name, wait);
	promise(isfinite(of_new) && of_new >= 0.0, "%s: a new customer's orders %.17g", name, of_new);
	promise(is_prob(pmf_new), "%s: probability %.17g of a new customer's j", name, pmf_new);
}

/* ---------------------------------------------------------------- a population */

static Population *
take_population(const Model *model, Input *input)
{
	PopulationCell cells[MAX_CELLS];
	size_t n = 1 + take_count(input, MAX_CELLS - 1);

	for (size_t i = 0; i < n; i++)
	{
		PopulationCell *cell = &cells[i];

		cell->x = take_count(input, 10000);
		cell->T_days = (int32_t) take_count(input, CENTURY);
		if (model->discrete || cell->T_days == 0)
			cell->x = cell->x < (uint32_t) cell->T_days ? cell->x : (uint32_t) cell->T_days;
		cell->t_x_days = cell->x == 0 ? 0 : 1 + (int32_t) ((cell->T_days - 1) * take_share(input));
		if (model->discrete && cell->x > (uint32_t) cell->t_x_days)
			cell->x = cell->t_x_days;
		cell->customers = take_between(input, 1.0, 1e8);
	}
	return population_build(&fuzz_host, cells, n, model->discrete ? 1.0 : take_between(input, 1.0, 365.0));
}

/* The likelihood of a population and its derivatives, where a fit may come by. */
static void
check_likelihood(const Model *model, Input *input)
{
	Population *population = take_population(model, input);
	int n = model->n_params - model->n_integer_params;
	double params[MODEL_MAX_PARAMS];
	double values[1 + MODEL_MAX_PARAMS + MODEL_MAX_PARAMS * MODEL_MAX_PARAMS];

	population->log_gaps = 0.0;
	model->prior_centre(population, params);
	for (int i = 0; i < n; i++)
		params[i] = exp(params[i] + 32.0 * take_share(input) - 16.0);
	for (int i = n; i < model->n_params; i++)
		params[i] = 1.0 + take_count(input, 9);
	values[0] = model->log_likelihood(population, params, &values[1], &values[1 + n]);
	for (int i = 0; i < 1 + n + n * n; i++)
		promise(isfinite(values[i]), "%s: value %d is %g", row(model->name, params, model->n_params), i, values[i]);
	population_free(population);
}

/* ---------------------------------------------------------------- rates that vary over time */

#define MAX_SEGMENTS 5

/* Pareto/NBD with covariates that move the rates as far as a fit lets them. */
static void
check_varying(Input *input)
{
	ClockSegment segments[MAX_SEGMENTS];
	double covariates[MAX_SEGMENTS];
	VaryingClocks clocks = {.segments = segments, .n_covariates = 1, .covariates = covariates};
	int n = PARETO_PARAMS + 2;
	double params[PARETO_PARAMS];
	double values[1 + (PARETO_PARAMS + 2) + (PARETO_PARAMS + 2) * (PARETO_PARAMS + 2)];
	double x = take_count(input, 10000);
	double t_x = x > 0.0 ? x / 7.0 + take_between(input, 0.01, 5000.0) : 0.0;
	double T = t_x + take_between(input, 0.01, 5000.0) * take_share(input);
	double horizon = take_between(input, 0.01, 5000.0);
	double age = 0.0;
	double alive;
	double gone;
	double soon;
	double ever;

	clocks.n = 1 + take(input) % MAX_SEGMENTS;
	for (size_t i = 0; i < clocks.n; i++)
	{
		age += take_between(input, 0.01, 3000.0);
		covariates[i] = 2.0 * take_share(input) - 1.0;
		segments[i] = (ClockSegment){age, exp(64.0 * take_share(input) - 32.0), exp(64.0 * take_share(input) - 32.0)};
	}
	for (int i = 0; i < PARETO_PARAMS; i++)
		params[i] = take_between(input, 1.2e-7, 8.8e6);
	values[0] = varying_derivatives(&clocks, params, x, t_x, T, &values[1], &values[1 + n]);
	for (int i = 0; i < 1 + n + n * n; i++)
		promise(isfinite(values[i]), "%s: value %d is %g", row("varying", params, PARETO_PARAMS), i, values[i]);
	alive = varying_alive_prob(&clocks, params, x, t_x, T);
	gone = varying_gone_prob(&clocks, params, x, t_x, T);
	promise(is_prob(alive) && is_prob(gone) && fabs(alive + gone - 1.0) <= SLACK, "%s: alive %g, gone %g",
			row("varying", params, PARETO_PARAMS), alive, gone);
	soon = varying_order_prob_if_alive(&clocks, params, x, T, horizon);
	ever = varying_order_prob_if_alive(&clocks, params, x, T, INFINITY);
	promise(is_prob(soon) && is_prob(ever) && soon <= ever + SLACK, "%s: an order soon %g, ever %g",
			row("varying", params, PARETO_PARAMS), soon, ever);
	for (int k = 0; k < 2; k++)
	{
		double orders = varying_expected_transactions_if_alive(&clocks, params, x, T, k == 0 ? horizon : INFINITY,
															   k == 0 ? 0.0 : take_between(input, 1e-6, 1.0));

		promise(orders >= 0.0 && isfinite(orders), "%s: %g orders", row("varying", params, PARETO_PARAMS), orders);
	}
}

/* ---------------------------------------------------------------- a whole fit */

static void
check_fit(const Model *model, Input *input)
{
	CovariateClass classes[MAX_CLASSES];
	double covariates[MAX_CLASSES];
	int n_classes = 1 + (int) take_count(input, MAX_CLASSES - 1);
	double penalty = take(input) % 2 ? take_between(input, 1e-6, 1e3) : 0.0;
	Fit fit;

	for (int i = 0; i < n_classes; i++)
	{
		Population *population = take_population(model, input);

		population->log_gaps = 0.0;
		/* about one in size, as fit.h asks for */
		covariates[i] = 3.0 * take_share(input) - 1.5;
		classes[i] = (CovariateClass){population, &covariates[i]};
	}
	fit_timing(&fuzz_host, model, classes, n_classes, n_classes > 1 && model->n_effects > 0, penalty, &fit);
	for (int i = 0; i < fit.n_params; i++)
		promise(isfinite(fit.params[i]) && (i >= model->n_params || fit.params[i] > 0.0),
				"fit of %s: parameter %d is %g", model->name, i, fit.params[i]);
	promise(!fit.converged || isfinite(fit.log_likelihood), "fit of %s: log-likelihood %g", model->name,
			fit.log_likelihood);
	for (int i = 0; i < n_classes; i++)
		population_free((Population *) classes[i].population);
}

/* ---------------------------------------------------------------- other models */

static void
check_spend(Input *input)
{
	SpendPoint points[MAX_CELLS];
	size_t n = 1 + take_count(input, MAX_CELLS - 1);
	uint32_t x = 1;
	double params[GAMMAGAMMA_PARAMS];
	double values[1 + GAMMAGAMMA_PARAMS + GAMMAGAMMA_PARAMS * GAMMAGAMMA_PARAMS];

	for (int i = 0; i < GAMMAGAMMA_PARAMS; i++)
		params[i] = take_between(input, 1.2e-7, 8.8e6);
	for (size_t i = 0; i < n; i++)
	{
		x += take_count(input, 500);
		points[i] = (SpendPoint){x, take_between(input, 1e-6, 1e15), take_between(input, 1.0, 1e9)};
	}
	values[0] = gammagamma_log_likelihood(points, n, params, &values[1], &values[1 + GAMMAGAMMA_PARAMS]);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		promise(isfinite(values[i]), "%s: value %zu is %g", row("gamma-gamma", params, GAMMAGAMMA_PARAMS), i,
				values[i]);

	double spend = gammagamma_expected_spend(params, x, points[n - 1].total / x);

	promise(params[0] * x + params[1] > 1.0 ? spend > 0.0 && isfinite(spend) : isnan(spend),
			"%s: expected spend %g of %u at %g", row("gamma-gamma", params, GAMMAGAMMA_PARAMS), spend, x,
			points[n - 1].total);
}

static void
check_contract(const ContractModel *model, Input *input)
{
	ContractCell cells[MAX_TENURES];
	size_t n = 1 + take_count(input, MAX_TENURES - 1);
	uint32_t tenure = 0;
	int n_params = model->n_params;
	double params[CONTRACT_MAX_PARAMS + 3];
	double values[1 + CONTRACT_MAX_PARAMS + CONTRACT_MAX_PARAMS * CONTRACT_MAX_PARAMS];

	for (int i = 0; i < n_params; i++)
		params[i] = take_between(input, CONTRACT_PARAM_MIN, CONTRACT_PARAM_MAX);

	double age = take_count(input, CONTRACT_MAX_TENURE);
	double periods = take_between(input, 1e-3, CONTRACT_MAX_TENURE);
	double delta = take_share(input);
	double survival = contract_ln_survival(model, params, age, periods);
	double residual = contract_residual(model, params, age, delta);

	memcpy(params + n_params, (double[]){age, periods, delta}, 3 * sizeof(double));
	promise(survival <= 0.0 && isfinite(survival), "%s: ln survival %g", row(model->name, params, n_params + 3),
			survival);
	promise(residual >= 0.0, "%s: residual %g", row(model->name, params, n_params + 3), residual);
	promise(delta == 0.0 || residual <= 1.0 / -expm1(-delta) * (1 + SLACK), "%s: residual %g",
			row(model->name, params, n_params + 3), residual);

	for (size_t i = 0; i < n; i++)
	{
		tenure += 1 + take_count(input, 100);
		cells[i] = (ContractCell){tenure, 1 + take_count(input, 1000000), take_count(input, 1000000)};
	}

	ContractData data = {&fuzz_host, model, cells, n};

	/* only fits ask for it, and they stay in their box */
	for (int i = 0; i < n_params; i++)
		params[i] = take_between(input, 1.2e-7, 8.8e6);
	values[0] = contract_log_likelihood(&data, params, &values[1], &values[1 + n_params]);
	for (int i = 0; i < 1 + n_params + n_params * n_params; i++)
		promise(isfinite(values[i]), "%s: value %d is %g", row(model->name, params, n_params), i, values[i]);
}

/* ---------------------------------------------------------------- the target */

static const Model *
take_model(Input *input)
{
	const Model *models[LARGEST_MODEL_ID + 1] = {NULL};
	uint32_t n = 0;

	for (int id = 0; id <= LARGEST_MODEL_ID; id++)
		if (model_by_id(id) != NULL)
			models[n++] = model_by_id(id);
	return models[take(input) % n];
}

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input = {data, data + size};
	uint32_t what = take(&input) % 64;
	const Model *model = take_model(&input);
	double params[MODEL_MAX_PARAMS];

	/* a fit takes as long as a thousand of the others */
	if (what == 63)
		check_fit(model, &input);
	else if (what >= 60)
		check_varying(&input);
	else if (what >= 56)
		check_likelihood(model, &input);
	else if (what >= 48)
		check_spend(&input);
	else if (what >= 40)
		check_contract(take(&input) % 2 ? &sbg_model : &bdw_model, &input);
	else
	{
		for (int i = 0; i < model->n_params; i++)
			params[i] = i < model->n_params - model->n_integer_params ? take_between(&input, 1.2e-7, 8.8e6)
																	  : 1.0 + take_count(&input, 9);
		check_customer(model, params, &input);
	}
	return 0;
}
