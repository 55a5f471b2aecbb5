/*
 * numeric.h
 *	  numeric to double without the detour through text, and double to numeric without loss.
 */
#ifndef SUPPORT_NUMERIC_H
#define SUPPORT_NUMERIC_H

#include "postgres.h"

/*
 * The double nearest to a numeric; NaN and the infinities as such. What is beyond the
 * range of a double is an infinity, and what is too small for one is zero, of its sign:
 * the server's own cast raises an error for both.
 */
extern double numeric_to_double(Datum numeric);

/* The shortest decimal number that reads back to a finite double; the server's own cast keeps fifteen digits of it. */
extern Datum double_to_numeric(double number);

#endif /* SUPPORT_NUMERIC_H */
