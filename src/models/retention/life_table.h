/*
 * life_table.h
 *	  The Kaplan-Meier estimate of customer survival.
 *
 * Kaplan & Meier, Journal of the American Statistical Association 53 (1958);
 * variance of Greenwood (1926); intervals on the scale of log(-log S), of
 * Kalbfleisch & Prentice (1980), which never leave 0 .. 1.
 */
#ifndef MODELS_RETENTION_LIFE_TABLE_H
#define MODELS_RETENTION_LIFE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "models/retention/retention.h"

/* An iterator over the periods: the estimate after the current one. */
typedef struct LifeTable
{
	const ContractCell *next;
	const ContractCell *end;
	int64_t left; /* customers of the cells not yet passed */

	uint32_t period;
	int64_t at_risk;  /* customers observed at its end */
	int64_t ended;    /* those of them who did not renew */
	double retention; /* 1 - ended / at_risk; NAN: nobody was at risk */
	double survival;  /* to the end of the period; NAN: nobody was observed for so long */
	double greenwood; /* sum of ended / (at_risk (at_risk - ended)); INFINITY at survival 0 */
} LifeTable;

/* Starts an iteration at period 0. The cells are in ascending order of tenure. */
extern LifeTable life_table_start(const ContractCell *cells, size_t n_cells);

/* Advances to the next period. */
extern void life_table_step(LifeTable *table);

/* Advances to the next period in which a customer ended; false if there is none. */
extern bool life_table_step_to_end(LifeTable *table);

/* Standard error of the survival; NAN where nobody is at risk. */
extern double life_table_std_error(const LifeTable *table);

/* The interval that holds the survival with this confidence, 0 < level < 1; NAN likewise. */
extern void life_table_interval(const LifeTable *table, double level, double *low, double *high);

#endif /* MODELS_RETENTION_LIFE_TABLE_H */
