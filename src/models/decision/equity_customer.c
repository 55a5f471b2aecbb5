/*
 * equity_customer.c
 *	  What equity is summed from. See equity_customer.h.
 *
 * What a live customer is going to buy depends on T as a function of ln(T + age), age
 * being the parameter that T is added to, whose singularities are at distance pi; so does
 * the probability phi of Pareto/NBD that a live customer leaves before buying. Where that
 * is known they are interpolated between Chebyshev points, to 1e-12 of themselves: a base of
 * many days then costs no more than one of a few. With n points of a panel of width w the
 * error falls as rho^-n, rho = 2 pi / w + sqrt((2 pi / w)^2 + 1). Orders are costly to compute
 * and asked for once per (x, T): few wide panels, from T = 0 on. phi is asked for twice per
 * cell: narrow panels of few points. Panels and nodes depend on the model and x alone, so that
 * the result does not depend on which customers come together.
 *
 * Derivatives are exact where P(alive) is elementary, and otherwise forward differences in
 * the logarithms of parameters: a step of 2^-20 leaves an error of about 1e-6, and the
 * functions themselves are exact to 1e-13.
 */
#include "models/decision/equity_customer.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "models/beta_geometric/beta_geometric.h"
#include "models/competing_risks/competing_risks.h"
#include "models/decision/buying_rate.h"

#define STEP 0x1p-20

/* The width of panels in ln(1 + T / age), their points, and repeat transactions up to which there are any. */
#define ORDERS_SPAN 4.0
#define FAST_ORDERS_SPAN 2.0
#define FAST 5.0
#define ORDERS_NODES PANEL_MAX_NODES
#define FIRST_EVENTS_SPAN 1.0
#define FIRST_EVENTS_NODES 12
#define PANEL_MAX_X 63

static Shifted
shift_params(const EquityTerms *terms)
{
	Shifted shifted = {0};

	for (int i = 0; i <= equity_timing_figures(terms->timing); i++)
	{
		for (int j = 0; j < terms->timing->n_params; j++)
			shifted.params[i][j] = terms->params[j];
		if (i > 0)
			shifted.params[i][i - 1] *= exp(STEP);
	}
	return shifted;
}

/* The parameter that T is added to; NAN where nothing is known to be a smooth function of the logarithm of the sum. */
static double
smooth_age(const EquityTerms *terms)
{
	if (terms->timing == &paretonbd_model)
		return fmin(terms->params[RISKS_ALPHA], terms->params[PARETO_BETA]);
	return terms->timing == &bgnbd_model || terms->timing == &mbgnbd_model ? terms->params[BETA_GEO_ALPHA] : NAN;
}

static Panels
panels_make(const EquityTerms *terms, double span, int n_nodes, int width)
{
	Panels panels = {.x = -1, .age = smooth_age(terms), .span = span, .n_nodes = n_nodes, .width = width};

	for (int k = 0; k < n_nodes; k++)
	{
		double angle = M_PI * (2 * k + 1) / (2 * n_nodes);

		panels.point[k] = cos(angle);
		panels.weight[k] = k % 2 == 0 ? sin(angle) : -sin(angle);
	}
	return panels;
}

/*
 * With a fast buying rate orders grow beyond a distance of pi / 2, too, as powers of r + x: they are
 * smooth in half of the strip.
 */
static double
orders_span(const EquityTerms *terms)
{
	bool fast = terms->timing != &paretonbd_model && !isnan(smooth_age(terms)) &&
		beta_geometric_steepness(terms->params) > FAST;

	return fast ? FAST_ORDERS_SPAN : ORDERS_SPAN;
}

Evaluator
evaluator_make(const Host *host, const EquityTerms *terms)
{
	return (Evaluator){
		.host = host,
		.terms = terms,
		.shifted = shift_params(terms),
		.rate = {.x = -1},
		.orders = panels_make(terms, orders_span(terms), ORDERS_NODES,
							  EQUITY_HORIZONS * (1 + equity_timing_figures(terms->timing)) + EQUITY_OTHER_DISCOUNTS),
		.first_events =
			panels_make(terms, FIRST_EVENTS_SPAN, FIRST_EVENTS_NODES, 1 + equity_timing_figures(terms->timing)),
	};
}

static void
forget_panels(const Host *host, Panels *panels)
{
	for (int i = 0; i < PANELS; i++)
		if (panels->nodes[i] != NULL)
		{
			host->release(panels->nodes[i]);
			panels->nodes[i] = NULL;
		}
}

void
evaluator_free(Evaluator *evaluator)
{
	forget_panels(evaluator->host, &evaluator->orders);
	forget_panels(evaluator->host, &evaluator->first_events);
	buying_rate_free(evaluator->host, &evaluator->rate);
	for (int i = 0; i < WEIGHTS_KEPT; i++)
		buying_weights_free(evaluator->host, &evaluator->weights[i]);
}

/* What a panel's nodes hold: the numbers of customers of this x at a time. */
typedef void (*NodeFunction)(Evaluator *evaluator, double x, double t, double *numbers);

/* Node k of a panel, in ln(1 + t / age). */
static inline double
node_place(const Panels *panels, int panel, int k)
{
	return panels->span * (panel + 0.5 + 0.5 * panels->point[k]);
}

static const double *
panel_nodes(Evaluator *evaluator, Panels *panels, int panel, NodeFunction function)
{
	if (panels->nodes[panel] == NULL)
	{
		size_t count = (size_t) panels->n_nodes * panels->width;
		double *nodes = evaluator->host->alloc(count * sizeof(double));

		memset(nodes, 0, count * sizeof(double));
		panels->nodes[panel] = nodes;
		for (int k = 0; k < panels->n_nodes; k++)
		{
			evaluator->host->check_interrupts();
			function(evaluator, panels->x, panels->age * expm1(node_place(panels, panel, k)),
					 nodes + k * panels->width);
		}
	}
	return panels->nodes[panel];
}

/* The numbers at a time by barycentric interpolation (Berrut & Trefethen, SIAM Review 46:3, 2004), or by the function. */
static void
numbers_at(Evaluator *evaluator, Panels *panels, double x, double t, NodeFunction function, double *numbers)
{
	double place = log1p(t / panels->age);
	double panel = floor(place / panels->span);
	double share[PANEL_MAX_NODES];
	double sum = 0;
	const double *nodes;

	if (!(panel >= 0 && panel < PANELS) || x > PANEL_MAX_X)
	{
		function(evaluator, x, t, numbers);
		return;
	}
	if (panels->x != x)
		forget_panels(evaluator->host, panels);
	panels->x = x;
	nodes = panel_nodes(evaluator, panels, (int) panel, function);
	for (int k = 0; k < panels->n_nodes; k++)
	{
		double distance = place - node_place(panels, (int) panel, k);

		if (distance == 0)
		{
			memcpy(numbers, nodes + k * panels->width, panels->width * sizeof(double));
			return;
		}
		share[k] = panels->weight[k] / distance;
		sum += share[k];
	}
	memset(numbers, 0, panels->width * sizeof(double));
	for (int k = 0; k < panels->n_nodes; k++)
	{
		double part = share[k] / sum;

		for (int i = 0; i < panels->width; i++)
			numbers[i] += part * nodes[k * panels->width + i];
	}
}

/* P(alive) as the model computes it. */
static void
alive_by_differences(const Evaluator *evaluator, double x, double t_x, double T, double *alive)
{
	const Model *timing = evaluator->terms->timing;

	for (int i = 0; i <= equity_timing_figures(timing); i++)
	{
		double at = timing->prob_alive(evaluator->shifted.params[i], x, t_x, T);

		alive[i] = i == 0 ? at : (at - alive[0]) / STEP;
	}
}

/* P(alive) = 1 / (1 + odds), ln odds = ln a / (b + extra) + (r + x) ln((alpha + T) / (alpha + t_x)). */
static void
beta_geometric_alive(const double *params, double extra, double x, double t_x, double T, double *alive)
{
	double alpha = params[BETA_GEO_ALPHA];
	double n = params[BETA_GEO_R] + x;
	double growth = log1p((T - t_x) / (alpha + t_x));
	double b = params[BETA_GEO_B] + extra;
	double odds = params[BETA_GEO_A] / b * exp(n * growth);
	double slope;

	alive[0] = 1 / (1 + odds);
	slope = isinf(odds) ? 0 : -alive[0] * (odds / (1 + odds));
	alive[1 + BETA_GEO_R] = slope * params[BETA_GEO_R] * growth;
	alive[1 + BETA_GEO_ALPHA] = slope * n * alpha * (t_x - T) / ((alpha + T) * (alpha + t_x));
	alive[1 + BETA_GEO_A] = slope;
	alive[1 + BETA_GEO_B] = -slope * params[BETA_GEO_B] / b;
}

/* phi of Pareto/NBD and its derivatives. */
static void
first_events(Evaluator *evaluator, double x, double t, double *phi)
{
	const Model *timing = evaluator->terms->timing;

	for (int i = 0; i < 1 + PARETO_PARAMS; i++)
	{
		double event = timing->first_event(evaluator->shifted.params[i], x, t);
		double at = event < 0 ? 1 + event : event;

		phi[i] = i == 0 ? at : (at - phi[0]) / STEP;
	}
}

/*
 * With E the probability of neither buying nor leaving between t_x and T, P(alive) is
 * E / (phi(t_x) + E (1 - phi(T))).
 */
static void
paretonbd_alive(Evaluator *evaluator, double x, double t_x, double T, double *alive)
{
	const double *z = evaluator->terms->params;
	double ages[2] = {z[RISKS_ALPHA], z[PARETO_BETA]};
	double shapes[2] = {z[RISKS_R] + x, z[PARETO_S]};
	double then[1 + PARETO_PARAMS];
	double now[1 + PARETO_PARAMS];
	double growth[2];
	double by_age[2];
	double quiet;
	double both;

	for (int i = 0; i < 2; i++)
	{
		growth[i] = log1p((T - t_x) / (ages[i] + t_x));
		by_age[i] = shapes[i] * ages[i] * (T - t_x) / ((ages[i] + T) * (ages[i] + t_x));
	}
	numbers_at(evaluator, &evaluator->first_events, x, t_x, first_events, then);
	numbers_at(evaluator, &evaluator->first_events, x, T, first_events, now);
	quiet = exp(-shapes[0] * growth[0] - shapes[1] * growth[1]);
	both = then[0] + quiet * (1 - now[0]);
	alive[0] = fmin(1, quiet / both);

	double ln_quiet_by[PARETO_PARAMS] = {-z[RISKS_R] * growth[0], by_age[0], -z[PARETO_S] * growth[1], by_age[1]};

	for (int i = 1; i <= PARETO_PARAMS; i++)
		alive[i] =
			alive[0] * (ln_quiet_by[i - 1] - (then[i] + quiet * (ln_quiet_by[i - 1] * (1 - now[0]) - now[i])) / both);
}

void
evaluator_alive(Evaluator *evaluator, double x, double t_x, double T, double *alive)
{
	const EquityTerms *terms = evaluator->terms;

	/* after the first order nobody has left yet, in BG/NBD */
	if ((terms->timing == &bgnbd_model && x > 0) || terms->timing == &mbgnbd_model)
		beta_geometric_alive(terms->params, terms->timing == &bgnbd_model ? x - 1 : x, x, t_x, T, alive);
	else if (terms->timing == &paretonbd_model && x <= PANEL_MAX_X)
		paretonbd_alive(evaluator, x, t_x, T, alive);
	else
		alive_by_differences(evaluator, x, t_x, T, alive);
}

static double
orders_until(const EquityTerms *terms, const double *params, double x, double t_x, double T, int horizon)
{
	/* without a discount the value without end is not computed */
	return horizon == EQUITY_WITHOUT_END && terms->unbounded
		? 0
		: terms->timing->expected_transactions_if_alive(params, x, t_x, T, terms->horizon[horizon], terms->delta);
}

static void
orders_directly(const Evaluator *evaluator, double x, double t_x, double T, Orders *orders)
{
	const EquityTerms *terms = evaluator->terms;

	for (int i = 0; i <= equity_timing_figures(terms->timing); i++)
		for (int h = 0; h < EQUITY_HORIZONS; h++)
		{
			double at = orders_until(terms, evaluator->shifted.params[i], x, t_x, T, h);

			orders->by_horizon[h][i] = i == 0 ? at : (at - orders->by_horizon[h][0]) / STEP;
		}
	for (int other = 0; other < EQUITY_OTHER_DISCOUNTS; other++)
		orders->other[other] = isnan(terms->other_delta[other])
			? 0
			: terms->timing->expected_transactions_if_alive(terms->params, x, t_x, T, INFINITY,
															terms->other_delta[other]);
}

/* Orders as the numbers of a panel, which has only those there are, or back. */
static void
copy_orders(const EquityTerms *terms, Orders *orders, double *numbers, bool to_numbers)
{
	int n = 1 + equity_timing_figures(terms->timing);

	for (int h = 0; h <= EQUITY_HORIZONS; h++)
	{
		double *part = h < EQUITY_HORIZONS ? orders->by_horizon[h] : orders->other;
		size_t bytes = (h < EQUITY_HORIZONS ? n : EQUITY_OTHER_DISCOUNTS) * sizeof(double);

		if (to_numbers)
			memcpy(numbers + h * n, part, bytes);
		else
			memcpy(part, numbers + h * n, bytes);
	}
}

/* The weights of an age, kept or made; NULL: there are none. */
static const BuyingWeights *
weights_at(Evaluator *evaluator, const BuyingTerms *asked, double age)
{
	BuyingWeights *weights;

	for (int i = 0; i < WEIGHTS_KEPT && evaluator->weights[i].numbers != NULL; i++)
		if (evaluator->weights[i].age == age)
			return &evaluator->weights[i];
	weights = &evaluator->weights[evaluator->n_weights % WEIGHTS_KEPT];
	buying_weights_free(evaluator->host, weights);
	if (!buying_weights_make(evaluator->host, asked, age, weights))
		return NULL;
	evaluator->n_weights++;
	return weights;
}

/* Orders of the beta-geometric family; false if they have to be computed otherwise. */
static bool
orders_by_rate(Evaluator *evaluator, double x, double t, Orders *orders)
{
	const EquityTerms *terms = evaluator->terms;
	bool mbg = terms->timing == &mbgnbd_model;
	double alpha = terms->params[BETA_GEO_ALPHA];
	BuyingTerms asked = {
		.scale = beta_geometric_steepness(terms->params),
		.n_horizons = EQUITY_HORIZONS,
		.horizon = terms->horizon,
		.delta = terms->delta,
		.n_others = EQUITY_OTHER_DISCOUNTS,
		.other_delta = terms->other_delta,
	};
	const BuyingWeights *weights;

	if ((terms->timing != &bgnbd_model && !mbg) || terms->unbounded ||
		(weights = weights_at(evaluator, &asked, alpha + t)) == NULL ||
		!buying_rate_start(evaluator->host, &evaluator->rate, terms->params, x, mbg ? x + 1 : x))
		return false;
	buying_rate_orders(evaluator->host, &evaluator->rate, &asked, weights, alpha, orders->by_horizon[0],
					   1 + MODEL_MAX_PARAMS, orders->other);
	return true;
}

/* The same for panels: of models for which it does not matter when the last purchase was. */
static void
orders_at_node(Evaluator *evaluator, double x, double t, double *numbers)
{
	Orders orders = {0};

	if (!orders_by_rate(evaluator, x, t, &orders))
		orders_directly(evaluator, x, 0, t, &orders);
	copy_orders(evaluator->terms, &orders, numbers, true);
}

/* From orders of a customer of x = 0 those of one of this x, in Pareto/NBD: they are in proportion to r + x. */
static void
scale_orders(const EquityTerms *terms, double x, Orders *orders)
{
	double factor = (terms->params[RISKS_R] + x) / terms->params[RISKS_R];

	for (int h = 0; h < EQUITY_HORIZONS; h++)
		for (int i = 0; i <= PARETO_PARAMS; i++)
			if (i != 1 + RISKS_R) /* r + x by ln r is r for every x */
				orders->by_horizon[h][i] *= factor;
	for (int other = 0; other < EQUITY_OTHER_DISCOUNTS; other++)
		orders->other[other] *= factor;
}

void
evaluator_orders(Evaluator *evaluator, double x, double t_x, double T, Orders *orders)
{
	bool proportional = evaluator->terms->timing == &paretonbd_model;

	if (isnan(evaluator->orders.age))
		orders_directly(evaluator, x, t_x, T, orders);
	else
	{
		double numbers[sizeof(Orders) / sizeof(double)];

		numbers_at(evaluator, &evaluator->orders, proportional ? 0 : x, T, orders_at_node, numbers);
		copy_orders(evaluator->terms, orders, numbers, false);
	}
	if (proportional)
		scale_orders(evaluator->terms, x, orders);
}

double
new_customer_orders(const EquityTerms *terms, double *gradient)
{
	Shifted shifted = shift_params(terms);
	double orders = 0;

	for (int i = 0; i <= equity_timing_figures(terms->timing); i++)
	{
		double at = terms->timing->prob_alive(shifted.params[i], 0, 0, 0) *
			terms->timing->expected_transactions_if_alive(shifted.params[i], 0, 0, 0, INFINITY, terms->delta);

		if (i == 0)
			orders = at;
		else
			gradient[i - 1] = (at - orders) / STEP;
	}
	return orders;
}
