/*
 * args.c
 *	  Arguments of SQL functions, checked.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "nodes/bitmapset.h"
#include "nodes/primnodes.h"
#include "nodes/readfuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "support/args.h"

/* The hint of an error, if there is one. */
#define OPTIONAL_HINT(hint) ((hint) != NULL ? errhint("%s", hint) : 0)

void
refuse_null(FunctionCallInfo fcinfo, int argno, const char *name, const char *hint)
{
	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name), OPTIONAL_HINT(hint)));
}

void
refuse_null_element(bool isnull, int element, const char *name)
{
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("element %d of %s must not be null", element + 1, name)));
}

void
refuse_nulls(FunctionCallInfo fcinfo, int argno, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (names[i] != NULL)
			refuse_null(fcinfo, argno + i, names[i], NULL);
}

void
refuse_read_only(FunctionCallInfo fcinfo, Oid written)
{
	if (!XactReadOnly || (OidIsValid(written) && get_rel_persistence(written) == RELPERSISTENCE_TEMP))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
			 errmsg("cannot execute %s in a read-only transaction", get_func_name(fcinfo->flinfo->fn_oid)),
			 RecoveryInProgress() ? errhint("It writes: call it on the primary server.")
								  : errhint("It writes: SET transaction_read_only = off at the beginning of the "
											"transaction, or SET default_transaction_read_only = off.")));
}

/* The settings among the arguments of a function, as a bitmap set. */
static Bitmapset *
settings_of(HeapTuple function)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(function);
	int argno = form->pronargs - form->pronargdefaults;
	Bitmapset *settings = NULL;
	ListCell *cell;
	bool isnull;
	Datum defaults = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_proargdefaults, &isnull);

	if (isnull)
		return NULL;
	foreach (cell, castNode(List, stringToNode(TextDatumGetCString(defaults))))
	{
		Node *value = lfirst(cell);

		if (!IsA(value, Const) || !((Const *) value)->constisnull)
			settings = bms_add_member(settings, argno);
		argno++;
	}
	return settings;
}

/* The name of an argument. */
static char *
argument_name(HeapTuple function, int argno)
{
	int subscript = argno + 1;
	bool isnull;
	Datum names = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_proargnames, &isnull);
	Datum name = array_get_element(names, 1, &subscript, -1, -1, false, TYPALIGN_INT, &isnull);

	return TextDatumGetCString(name);
}

/* The catalog is asked only where an argument is NULL. */
bool
lacks_value(FunctionCallInfo fcinfo)
{
	HeapTuple function;
	Bitmapset *settings;
	bool lacking = false;

	if (!any_null(fcinfo, 0, PG_NARGS() - 1))
		return false;
	function = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	if (!HeapTupleIsValid(function))
		elog(ERROR, "cache lookup failed for function %u", fcinfo->flinfo->fn_oid);
	settings = settings_of(function);
	for (int i = 0; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i) && bms_is_member(i, settings))
			refuse_null(fcinfo, i, argument_name(function, i), "Leave it out, and it has its default.");
		else
			lacking |= PG_ARGISNULL(i) && i < PG_NARGS() - ((Form_pg_proc) GETSTRUCT(function))->pronargdefaults;
	ReleaseSysCache(function);
	return lacking;
}

void
refuse_null_settings(FunctionCallInfo fcinfo)
{
	(void) lacks_value(fcinfo);
}

bool
gives_no_rows(FunctionCallInfo fcinfo)
{
	if (!lacks_value(fcinfo))
		return false;
	InitMaterializedSRF(fcinfo, 0);
	return true;
}

const char *
optional_name_argument(FunctionCallInfo fcinfo, int argno)
{
	return PG_ARGISNULL(argno) ? NULL : NameStr(*PG_GETARG_NAME(argno));
}

const uint8 *
utf8_text_argument(FunctionCallInfo fcinfo, int argno, size_t *bytes)
{
	text *argument = PG_GETARG_TEXT_PP(argno);
	char *data = VARDATA_ANY(argument);
	int length = VARSIZE_ANY_EXHDR(argument);

	if (GetDatabaseEncoding() != PG_UTF8)
	{
		char *converted = pg_server_to_any(data, length, PG_UTF8);

		if (converted != data)
		{
			data = converted;
			length = (int) strlen(converted);
		}
	}
	*bytes = (size_t) length;
	return (const uint8 *) data;
}

char *
date_text(DateADT day)
{
	return DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(day)));
}

void
check_finite_day(DateADT day, const char *name, const char *hint)
{
	if (DATE_NOT_FINITE(day))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("%s must be finite, but is %s", name, date_text(day)), OPTIONAL_HINT(hint)));
}

void
check_days_ordered(const char *first_name, DateADT first, const char *last_name, DateADT last, const char *hint)
{
	if (first >= last)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be before %s, but is %s, and %s is %s", first_name, last_name, date_text(first),
						last_name, date_text(last)),
				 OPTIONAL_HINT(hint)));
}

void
check_days_not_reversed(const char *first_name, DateADT first, const char *last_name, DateADT last, const char *hint)
{
	if (first > last)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be before %s, but is %s, and %s is %s", last_name, first_name, date_text(last),
						first_name, date_text(first)),
				 OPTIONAL_HINT(hint)));
}

DateADT
finite_day_argument(FunctionCallInfo fcinfo, int argno, const char *name, const char *hint)
{
	DateADT day = PG_GETARG_DATEADT(argno);

	check_finite_day(day, name, hint);
	return day;
}

DateADT
needed_day_argument(FunctionCallInfo fcinfo, int argno, const char *name, const char *hint)
{
	refuse_null(fcinfo, argno, name, hint);
	return finite_day_argument(fcinfo, argno, name, hint);
}

int32
int_argument(FunctionCallInfo fcinfo, int argno, const char *name, int32 lowest, int32 highest, const char *hint)
{
	int32 number = PG_GETARG_INT32(argno);

	if (number < lowest || number > highest)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between %d and %d, but is %d", name, lowest, highest, number),
				 OPTIONAL_HINT(hint)));
	return number;
}

/* An error for a number below zero. */
static void
check_count(int64 number, const char *name)
{
	if (number < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be negative, but is " INT64_FORMAT, name, number)));
}

int32
count_argument(FunctionCallInfo fcinfo, int argno, const char *name)
{
	check_count(PG_GETARG_INT32(argno), name);
	return PG_GETARG_INT32(argno);
}

int64
big_count_argument(FunctionCallInfo fcinfo, int argno, const char *name)
{
	check_count(PG_GETARG_INT64(argno), name);
	return PG_GETARG_INT64(argno);
}

double
finite_argument(FunctionCallInfo fcinfo, int argno, const char *name, const char *hint)
{
	double number = PG_GETARG_FLOAT8(argno);

	if (!isfinite(number))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be finite, but is %g", name, number),
				 OPTIONAL_HINT(hint)));
	return number;
}

double
nonnegative_argument(FunctionCallInfo fcinfo, int argno, const char *name, const char *hint)
{
	double number = finite_argument(fcinfo, argno, name, hint);

	if (number < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must not be negative, but is %g", name, number),
				 OPTIONAL_HINT(hint)));
	return number;
}

double
share_argument(FunctionCallInfo fcinfo, int argno, const char *name, const char *hint)
{
	double share = PG_GETARG_FLOAT8(argno);

	if (!(share > 0 && share < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be between 0 and 1, but is %g", name, share),
				 OPTIONAL_HINT(hint)));
	return share;
}

double
positive_days_argument(FunctionCallInfo fcinfo, int argno, const char *name)
{
	double number = PG_GETARG_FLOAT8(argno);

	if (!(number > 0) || isinf(number))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be positive and finite, but is %g", name, number),
				 errhint("It is a number of days; parts of a day count, too.")));
	return number;
}

double
level_argument(FunctionCallInfo fcinfo, int argno)
{
	return share_argument(fcinfo, argno, "level", "0.9 is an interval of ninety per cent.");
}

double
quantile_argument(FunctionCallInfo fcinfo, int argno)
{
	return share_argument(fcinfo, argno, "quantile",
						  "0.5 is the day before which the next order is as likely as after it.");
}

int32
horizon_argument(FunctionCallInfo fcinfo, int argno)
{
	return count_argument(fcinfo, argno, "horizon_days");
}

/*
 * Whether this is the first time in a statement of the client. Processes of a parallel plan say it each: which of them
 * will get a row is not known.
 */
static bool
first_in_statement(TimestampTz *last)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();

	if (*last == now)
		return false;
	*last = now;
	return true;
}

void
notice_percent_discount(double annual_discount)
{
	static TimestampTz last = 0;

	if (unlikely(annual_discount >= 1) && first_in_statement(&last))
		ereport(NOTICE,
				(errmsg("annual_discount => %g values an order in one year at %.2g times its value today",
						annual_discount, 1 / (1 + annual_discount)),
				 errhint("annual_discount is a share: 10 %% are 0.1.")));
}

static void
notice_percent_margin(double margin)
{
	static TimestampTz last = 0;

	if (unlikely(margin > 1) && first_in_statement(&last))
		ereport(NOTICE,
				(errmsg("margin => %g values every order at %g times its amount", margin, margin),
				 errhint("margin is a share: 40 %% are 0.4.")));
}

double
discount_argument(FunctionCallInfo fcinfo, int argno)
{
	double annual_discount = nonnegative_argument(fcinfo, argno, "annual_discount", "0.10 is ten per cent a year.");

	notice_percent_discount(annual_discount);
	return annual_discount;
}

double
positive_discount_argument(FunctionCallInfo fcinfo, int argno)
{
	double annual_discount = finite_argument(fcinfo, argno, "annual_discount", "0.10 is ten per cent a year.");

	if (!(annual_discount > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("annual_discount must be positive, but is %g", annual_discount),
				 errhint("Without a discount the sum over all future orders is infinite.")));
	notice_percent_discount(annual_discount);
	return annual_discount;
}

double
margin_argument(FunctionCallInfo fcinfo, int argno)
{
	double margin = finite_argument(fcinfo, argno, "margin", "0.25 is a quarter of the amounts.");

	notice_percent_margin(margin);
	return margin;
}
