/*
 * equity_customer.h
 *	  P(alive) of a customer and what they are going to buy, with derivatives by the
 *	  logarithms of the parameters: what equity is summed from.
 */
#ifndef MODELS_DECISION_EQUITY_CUSTOMER_H
#define MODELS_DECISION_EQUITY_CUSTOMER_H

#include "models/decision/buying_rate.h"
#include "models/decision/equity_terms.h"
#include "numerics/host.h"

/* Transactions to come of a live customer: by horizon, each with derivatives, and without end at other discounts. */
typedef struct Orders
{
	double by_horizon[EQUITY_HORIZONS][1 + MODEL_MAX_PARAMS];
	double other[EQUITY_OTHER_DISCOUNTS];
} Orders;

/* Parameter vectors: the point, and figure i a step further. */
typedef struct Shifted
{
	double params[1 + MODEL_MAX_PARAMS][MODEL_MAX_PARAMS];
} Shifted;

/* Numbers of customers with the same x as functions of time, between nodes; see equity_customer.c. */
#define PANEL_MAX_NODES 26
#define PANELS 80

typedef struct Panels
{
	double x;
	double age;
	double span;                   /* of a panel, in ln(1 + T / age) */
	int n_nodes;                   /* of a panel */
	double point[PANEL_MAX_NODES]; /* Chebyshev points of -1 ... 1, and their barycentric weights */
	double weight[PANEL_MAX_NODES];
	int width;             /* how many numbers */
	double *nodes[PANELS]; /* [n_nodes * width]; NULL: not needed yet */
} Panels;

/* Ages of which weights are kept: those of the nodes of two panels, and some more. */
#define WEIGHTS_KEPT 64

typedef struct Evaluator
{
	const Host *host;
	const EquityTerms *terms;
	Shifted shifted;
	Panels orders;
	Panels first_events;
	BuyingRate rate; /* of models of the beta-geometric family */
	BuyingWeights weights[WEIGHTS_KEPT];
	int n_weights; /* ever made; the oldest is replaced */
} Evaluator;

extern Evaluator evaluator_make(const Host *host, const EquityTerms *terms);
extern void evaluator_free(Evaluator *evaluator);

/* P(alive) and its derivatives. Customers of the same x one after the other cost less. */
extern void evaluator_alive(Evaluator *evaluator, double x, double t_x, double T, double *alive);
extern void evaluator_orders(Evaluator *evaluator, double x, double t_x, double T, Orders *orders);

/* All discounted transactions to come of a customer who has just come, with derivatives. */
extern double new_customer_orders(const EquityTerms *terms, double *gradient);

#endif /* MODELS_DECISION_EQUITY_CUSTOMER_H */
