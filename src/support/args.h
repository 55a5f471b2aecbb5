/*
 * args.h
 *	  Arguments of SQL functions, checked: in one place, with one vocabulary.
 *
 * A message names the argument, its condition and its value. The caller passes
 * the hint; NULL: none.
 */
#ifndef SUPPORT_ARGS_H
#define SUPPORT_ARGS_H

#include "compat.h"

#include "utils/date.h"

/*
 * True if one of these arguments is NULL: an explicit NULL for an argument
 * with a default makes the result NULL.
 */
static inline bool
any_null(FunctionCallInfo fcinfo, int from, int to)
{
	for (int i = from; i <= to; i++)
		if (PG_ARGISNULL(i))
			return true;
	return false;
}

/*
 * A setting is an argument with a default, unless that is NULL. One that is NULL is a mistake: the function would
 * give nothing, and not say why.
 */
extern void refuse_null_settings(FunctionCallInfo fcinfo);

/* The same, and whether an argument without a default is NULL: then there is nothing to tell of. */
extern bool lacks_value(FunctionCallInfo fcinfo);

/* The same for a function that returns a set, which then is empty. */
extern bool gives_no_rows(FunctionCallInfo fcinfo);

/* An error if the argument is NULL. */
extern void refuse_null(FunctionCallInfo fcinfo, int argno, const char *name, const char *hint);

/* The same for an element of a list, counted from 0. */
extern void refuse_null_element(bool isnull, int element, const char *name);

/* The same for the arguments from argno on that have a name in the list. */
extern void refuse_nulls(FunctionCallInfo fcinfo, int argno, const char *const *names, int count);

/*
 * An error in a transaction that is read only, which names the function that is called: the server would name
 * the statement in it that writes. A temporary relation may be written; InvalidOid: a relation is made.
 */
extern void refuse_read_only(FunctionCallInfo fcinfo, Oid written);

/* The name of a column, of an argument that may be NULL. */
extern const char *optional_name_argument(FunctionCallInfo fcinfo, int argno);

/* The bytes of a text as UTF-8, whatever the encoding of the database: what a hash of it has to see. */
extern const uint8 *utf8_text_argument(FunctionCallInfo fcinfo, int argno, size_t *bytes);

/* A day for a message, in the session's DateStyle. */
extern char *date_text(DateADT day);

/* An error unless the day is finite. */
extern void check_finite_day(DateADT day, const char *name, const char *hint);

/* An error unless one day comes before the other, or is not after it. */
extern void check_days_ordered(const char *first_name, DateADT first, const char *last_name, DateADT last,
							   const char *hint);
extern void check_days_not_reversed(const char *first_name, DateADT first, const char *last_name, DateADT last,
									const char *hint);

/* A finite day; of an argument that may be NULL, and of one that must not be. */
extern DateADT finite_day_argument(FunctionCallInfo fcinfo, int argno, const char *name, const char *hint);
extern DateADT needed_day_argument(FunctionCallInfo fcinfo, int argno, const char *name, const char *hint);

/* Whole numbers within a range, and of any size that is not negative. */
extern int32 int_argument(FunctionCallInfo fcinfo, int argno, const char *name, int32 lowest, int32 highest,
						  const char *hint);
extern int32 count_argument(FunctionCallInfo fcinfo, int argno, const char *name);
extern int64 big_count_argument(FunctionCallInfo fcinfo, int argno, const char *name);

/* A finite number; one that is not negative; one within (0, 1). */
extern double finite_argument(FunctionCallInfo fcinfo, int argno, const char *name, const char *hint);
extern double nonnegative_argument(FunctionCallInfo fcinfo, int argno, const char *name, const char *hint);
extern double positive_days_argument(FunctionCallInfo fcinfo, int argno, const char *name);
extern double share_argument(FunctionCallInfo fcinfo, int argno, const char *name, const char *hint);

/*
 * Arguments that many functions have, under the same name. A margin above 1, or a discount of 1 or more, looks like a
 * percentage: a notice says so, once in a statement.
 */
extern double level_argument(FunctionCallInfo fcinfo, int argno);
extern double quantile_argument(FunctionCallInfo fcinfo, int argno);
extern int32 horizon_argument(FunctionCallInfo fcinfo, int argno);
extern double discount_argument(FunctionCallInfo fcinfo, int argno);
extern double positive_discount_argument(FunctionCallInfo fcinfo, int argno);
extern double margin_argument(FunctionCallInfo fcinfo, int argno);
extern void notice_percent_discount(double annual_discount);

#endif /* SUPPORT_ARGS_H */
