/*
 * rounded_amount.h
 *	  Amounts of the scores as numeric, with two decimals.
 */
#ifndef REPORTS_ROUNDED_AMOUNT_H
#define REPORTS_ROUNDED_AMOUNT_H

#include "compat.h"

/* An amount as numeric(18,2), all of whose digits count; false for what is not shown: NaN, and from 1e15 on. */
extern bool amount_as_numeric(double amount, Datum *rounded);

#endif /* REPORTS_ROUNDED_AMOUNT_H */
