/*
 * result.h
 *	  Results of SQL functions: numbers and rows.
 */
#ifndef SUPPORT_RESULT_H
#define SUPPORT_RESULT_H

#include <math.h>

#include "compat.h"

#include "access/tupdesc.h"
#include "utils/builtins.h"

/* Nobody gets NaN or infinity: what cannot be said, or is beyond a double's range, is NULL. */
static inline Datum
finite_or_null(FunctionCallInfo fcinfo, double number)
{
	if (!isfinite(number))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(number);
}

/* The same for a column of a row: a finite number, or NULL. */
static inline void
set_float(Datum *values, bool *nulls, int place, double number)
{
	values[place] = Float8GetDatum(number);
	nulls[place] = !isfinite(number);
}

/* A word, or NULL for none, in a column of a row. */
static inline void
set_word(Datum *values, bool *nulls, int place, const char *word)
{
	if (word != NULL)
		values[place] = CStringGetTextDatum(word);
	nulls[place] = word == NULL;
}

/* Words as texts that live as long as the context: a column is then a choice among them. */
extern Datum *word_texts(const char *const *words, int count, MemoryContext context);

/* The row type that a function returns, for as long as its call site lives; look it up once. */
extern TupleDesc result_row_type(FunctionCallInfo fcinfo);

/*
 * The row of a function that is called for many customers. It is made once for each call site, and
 * lives as long as that does; each result takes the place of the one before it, which the
 * executor has copied if it goes on reading it.
 */
typedef struct ExpandedRecordHeader CallRow;

extern CallRow *call_row(FunctionCallInfo fcinfo);

/* Fills the row; values that are passed by reference stay where they are. */
extern Datum call_row_fill(CallRow *row, const Datum *values, const bool *nulls);

/* The row that a function returns. */
extern Datum row_result(FunctionCallInfo fcinfo, Datum *values, bool *nulls);

#endif /* SUPPORT_RESULT_H */
