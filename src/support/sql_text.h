/*
 * sql_text.h
 *	  SQL that the extension generates.
 *
 * Such a text runs later, with the rights of the role that runs it, so no
 * object that another role may create anywhere must be resolved instead of
 * ours. It follows three rules, which test/tap/006_generated_sql.pl checks for
 * every generated text:
 *
 *	- Functions, types and operators have their schema: @name( in a template is a
 *	  function of the extension, all else is pg_catalog.name( and
 *	  OPERATOR(pg_catalog.=). Constructs that look up an operator implicitly
 *	  are not used: IN, BETWEEN, LIKE, ANY, USING, NULLIF, IS DISTINCT FROM,
 *	  CASE x WHEN.
 *	- Arguments have exactly the types that the function is declared with, also the
 *	  optional ones, all of which are given. Users' columns are cast to their
 *	  base type (a domain is a better match for a function over that domain).
 *	- Users' names are quoted.
 */
#ifndef SUPPORT_SQL_TEXT_H
#define SUPPORT_SQL_TEXT_H

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/date.h"

/* The replacement of a name in braces, which are part of the name. */
typedef struct SqlPart
{
	const char *name;
	const char *text;
} SqlPart;

/* Appends a template, with each {name} replaced by its part and @ by the schema of the extension. */
extern void sql_append_template(StringInfo out, const char *template, const char *schema, const SqlPart *parts,
								int count);

/* The schema of the function that is being called, which is the extension's, as it stands in SQL. */
extern const char *sql_extension_schema(FunctionCallInfo fcinfo);

/* A relation or a type with its schema; an error if there is none. */
extern const char *sql_relation(Oid relation);
extern const char *sql_type(Oid type);

/* The name of a relation to be made, name and suffix, with the schema that it will be made in. */
extern const char *sql_new_relation(text *name, const char *suffix);

/* The type of a column, domains looked through; an error that knows similar names if there is no such column. */
extern Oid sql_column_type(Oid relation, const char *column);

/*
 * The equality that values of a type are grouped by, OPERATOR(schema.=), and the type of
 * what it compares. An error that names the column if there is none.
 */
extern const char *sql_equality(Oid type, const char *column, Oid *compared);

/* A column by which rows are put together, quoted; an error unless its type has an equality. */
extern const char *sql_id_column(Oid relation, const char *column);

/* The column of a relation that goes by this alias, cast to a type. */
extern const char *sql_column(const char *alias, const char *column, Oid type);

/* Whether a type is one of the server's, so that no other role can make a cast of it. */
extern bool sql_is_server_type(Oid type);

/*
 * The column of a relation in the type that a query wants. A user's type comes through its
 * text form, which no cast of its owner can change.
 */
extern const char *sql_column_as(const char *alias, Oid relation, const char *column, Oid type);

/*
 * A column that identifies a customer, as a text that is the same for equal numbers (1.0 and 1.00).
 */
extern const char *sql_key_as_text(const char *alias, Oid relation, const char *column);

/*
 * A column of numbers as float8, NULL where they are NaN or beyond SQL_LARGEST_NUMBER: so
 * neither their conversion nor a sum or a product of two can fail. An error for other types.
 */
#define SQL_LARGEST_NUMBER "1e+100"
#define SQL_SMALLEST_NUMBER "1e-100"
extern const char *sql_finite_column(const char *alias, Oid relation, const char *column);

/* A condition that is true where that column has a number which is left out. */
extern const char *sql_is_out_of_range(const char *alias, Oid relation, const char *column);

/*
 * Whether two expressions of a type are equal, by the equality of the type, which may be of
 * any schema; an error if it has none that nobody can come before.
 */
extern const char *sql_equal(Oid type, const char *column, const char *a, const char *b);

/* Whether values of a type can be hashed, as the server does it where it hashes rows. */
extern bool sql_can_hash(Oid type);

/* A hash of a value of a type that can be hashed, of type int4: the same for values that are equal. */
extern const char *sql_hash(Oid type, const char *value);

/* An error if the relation belongs to another role, whose `what` (triggers, views) would run with the caller's rights. */
extern void sql_refuse_other_owner(Oid relation, const char *what);

/*
 * A column that says when an order was (date, timestamp or timestamptz), and one that says
 * what it was worth, and the type that this is handed on in: numeric or float8. An error
 * for other types. With exact_sums float8 is handed on as numeric, so that sums do not
 * depend on the order of rows.
 */
extern const char *sql_time_column(const char *alias, Oid relation, const char *column, Oid *type);
extern const char *sql_amount_column(const char *alias, Oid relation, const char *column, bool exact_sums, Oid *type);

/*
 * The time of a purchase of this type as purchase_history is to take it. Of a timestamptz it is
 * the day already: an aggregate over the column itself could run on another server, whose
 * sessions are in another time zone; the cast is stable, and stays here.
 */
extern const char *sql_purchase_time(const char *time, Oid type);

/* The column of the extension's type purchase_history; NULL: there is none; an error: there are more. */
extern const char *sql_history_column(Oid relation, Oid extension_schema);

/* Whether an index keeps these columns, and no others, unique in all rows. */
extern bool sql_is_unique_over(Oid relation, List *columns);

/* The one of these names that is most like a wrong one, or NULL if none is much like it. */
extern const char *sql_similar_name(const char *wrong, List *names);

/*
 * Settings for statements that the extension has written, until AtEOXact_GUC(true, the result). Without just-in-time
 * compilation: their estimates are those of functions, so high that the server would compile all of a statement, which
 * costs as much as the rest and does not heed a timeout. And with quotes where they are needed: where all names have
 * them, the server's own REFRESH ... CONCURRENTLY is a syntax error.
 */
extern int sql_settings(void);

/*
 * Runs a statement that the extension has written, with these settings; gives the number of rows. An error of it
 * does not show the statement, which nobody has written.
 */
extern uint64 sql_run(const char *statement);

/*
 * The same for a query that sees what the caller's sees: for functions that are stable. No command begins, which would
 * be an error where the caller's plan is parallel and makes a table.
 */
extern uint64 sql_read(const char *statement);

/* Literals with their types. A number reads back to the same double. */
extern const char *sql_text_literal(const char *text);
extern const char *sql_float8_literal(double number);
extern const char *sql_date_literal(DateADT day);

/* A value of a type, in its text form. */
extern const char *sql_value_literal(Oid type, Datum value);

#endif /* SUPPORT_SQL_TEXT_H */
