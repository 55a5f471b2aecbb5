/*
 * numeric.h
 *	  numeric to double without the detour through text.
 */
#ifndef VALUE_NUMERIC_H
#define VALUE_NUMERIC_H

#include "postgres.h"

/*
 * The double nearest to a numeric, as the server's own cast gives it; NaN and
 * the infinities as such. A value beyond the range of a double is the server's
 * error, which names it.
 */
extern double numeric_to_double(Datum numeric);

#endif							/* VALUE_NUMERIC_H */
