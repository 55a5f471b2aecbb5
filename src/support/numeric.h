/*
 * numeric.h
 *	  numeric to double without the detour through text.
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

#endif /* SUPPORT_NUMERIC_H */
