/*
 * holdout_money.h
 *	  Whether a holdout's model also foretold what customers spend.
 */
#ifndef BACKTEST_HOLDOUT_MONEY_H
#define BACKTEST_HOLDOUT_MONEY_H

#include "backtest/holdout.h"
#include "scores/cache.h"

/* NaN: not known. */
typedef struct HoldoutMoney
{
	int64 customers; /* that were judged: whose amounts are known, and to whom the model gives a value */
	double actual;
	double predicted;
	double mae; /* of a customer's spend */
	double normalized_gini;
	double decile_mape;
	double correlation; /* of the number of transactions with their mean amount, in the calibration */
} HoldoutMoney;

/* The reader is at its beginning. */
extern HoldoutMoney holdout_money(HoldoutReader reader, TransactionCache *cache);

#endif /* BACKTEST_HOLDOUT_MONEY_H */
