/*
 * row_form.h
 *	  Rows of one type, formed one after the other.
 *
 * Private to this room.
 */
#ifndef REPORTS_ROW_FORM_H
#define REPORTS_ROW_FORM_H

#include "compat.h"

#include "access/htup.h"
#include "access/tupdesc.h"

typedef struct RowForm RowForm;

/* For rows of this type, which must live as long. */
extern RowForm *row_form_make(TupleDesc type);

/* The row of these values, as heap_form_tuple forms it, to the byte. It is the caller's, to be freed with heap_freetuple. */
extern HeapTuple row_form(RowForm *form, const Datum *values, const bool *nulls);

#endif /* REPORTS_ROW_FORM_H */
