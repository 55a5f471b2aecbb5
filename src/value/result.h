/*
 * result.h
 *	  Numbers as SQL sees them.
 */
#ifndef VALUE_RESULT_H
#define VALUE_RESULT_H

#include <math.h>

#include "compat.h"

/* Nobody gets NaN or infinity: what cannot be said, or is beyond a double's range, is NULL. */
static inline Datum
finite_or_null(FunctionCallInfo fcinfo, double number)
{
	if (!isfinite(number))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(number);
}

#endif							/* VALUE_RESULT_H */
