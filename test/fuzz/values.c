/*
 * values.c
 *	  Fuzz target: the input and receive functions of a type, and what may be
 *	  done with a value that they have accepted.
 *
 * The functions of a type need a server around them. So this one is linked
 * into a build of the extension of its own, which a single-user server loads;
 * libFuzzer then mutates texts or messages in there, led by what the extension
 * covers, and ends the process when the time is over.
 *
 *		fuzz_values(type regtype, is_binary boolean, uses text[], options text[])
 *
 * uses are queries with one parameter of the type, each run on every accepted
 * value. options are libFuzzer's.
 *
 * Held against every input:
 *
 *		what is refused is refused with an error about data or limits;
 *		what is accepted reads back, from its text and from its bytes, as
 *		  the same bytes it is stored in;
 *		what is accepted can be used.
 */
#include "compat.h"

#include <signal.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define MAX_USES 64

typedef struct Target
{
	Oid type;
	bool is_binary;
	int n_uses;
	SPIPlanPtr uses[MAX_USES];
	FmgrInfo input;
	FmgrInfo output;
	FmgrInfo receive;
	FmgrInfo send;
	Oid param;            /* what input and receive are told of the type */
	MemoryContext memory; /* of one input */
} Target;

/* libFuzzer's callback takes no state. */
static Target target;

extern int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

pg_attribute_printf(1, 2) static void broken_promise(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("broken promise: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	abort();
}

/* ---------------------------------------------------------------- errors */

/* Data (22), limits of the program (54), what is not supported (0A), a message too short (08P01). */
static void
check_error(const char *of)
{
	ErrorData *error;
	int category;

	MemoryContextSwitchTo(target.memory);
	error = CopyErrorData();
	FlushErrorState();
	category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	if (category != ERRCODE_DATA_EXCEPTION && category != ERRCODE_PROGRAM_LIMIT_EXCEEDED &&
		category != ERRCODE_FEATURE_NOT_SUPPORTED && error->sqlerrcode != ERRCODE_PROTOCOL_VIOLATION)
		broken_promise("%s: error %s: %s (%s)", of, unpack_sql_state(error->sqlerrcode), error->message,
					   error->detail ? error->detail : "no detail");
}

/* ---------------------------------------------------------------- reading and writing */

static Datum
from_text(char *text)
{
	return InputFunctionCall(&target.input, text, target.param, -1);
}

static Datum
from_bytes(const void *bytes, int length)
{
	StringInfoData message;
	Datum value;

	initStringInfo(&message);
	appendBinaryStringInfo(&message, bytes, length);
	value = ReceiveFunctionCall(&target.receive, &message, target.param, -1);
	/* as COPY and the protocol do */
	if (message.cursor != message.len)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("incorrect binary data format")));
	return value;
}

/* A text comes from a client in a valid encoding, and ends with a zero. */
static bool
read_value(const uint8_t *data, size_t size, Datum *value)
{
	volatile bool accepted = true;

	if (!target.is_binary && !pg_verifymbstr((const char *) data, strnlen((const char *) data, size), true))
		return false;
	PG_TRY();
	{
		*value = target.is_binary ? from_bytes(data, (int) size) : from_text(pnstrdup((const char *) data, size));
	}
	PG_CATCH();
	{
		check_error("input");
		accepted = false;
	}
	PG_END_TRY();
	return accepted;
}

static void
check_same(Datum value, Datum again, const char *what)
{
	if (!datumIsEqual(value, again, false, -1))
		broken_promise("%s of %s reads back as %s", what, OutputFunctionCall(&target.output, value),
					   OutputFunctionCall(&target.output, again));
}

static void
check_round_trips(Datum value)
{
	char *text = OutputFunctionCall(&target.output, value);
	bytea *bytes = SendFunctionCall(&target.send, value);

	PG_TRY();
	{
		check_same(value, from_text(text), "the text");
		check_same(value, from_bytes(VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ), "the binary form");
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(target.memory);
		broken_promise("%s was given out and is not read: %s", text, CopyErrorData()->message);
	}
	PG_END_TRY();
}

/* ---------------------------------------------------------------- use */

static void
use_value(SPIPlanPtr plan, Datum value)
{
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		SPI_execute_plan(plan, &value, NULL, true, 0);
		SPI_freetuptable(SPI_tuptable);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		check_error("use");
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(target.memory);
	CurrentResourceOwner = owner;
}

static int
try_input(const uint8_t *data, size_t size)
{
	MemoryContext before = MemoryContextSwitchTo(target.memory);
	Datum value;

	CHECK_FOR_INTERRUPTS();
	if (read_value(data, size, &value))
	{
		check_round_trips(value);
		for (int i = 0; i < target.n_uses; i++)
			use_value(target.uses[i], value);
	}
	MemoryContextSwitchTo(before);
	MemoryContextReset(target.memory);
	return 0;
}

/* ---------------------------------------------------------------- the SQL function */

static char **
texts_of_array(ArrayType *array, int *n)
{
	Datum *elements;
	char **texts;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, n);
	texts = palloc0_array(char *, *n + 2);
	for (int i = 0; i < *n; i++)
		texts[i] = TextDatumGetCString(elements[i]);
	return texts;
}

static void
find_functions(void)
{
	Oid function;
	bool is_varlena;

	getTypeInputInfo(target.type, &function, &target.param);
	fmgr_info(function, &target.input);
	getTypeOutputInfo(target.type, &function, &is_varlena);
	fmgr_info(function, &target.output);
	getTypeBinaryInputInfo(target.type, &function, &target.param);
	fmgr_info(function, &target.receive);
	getTypeBinaryOutputInfo(target.type, &function, &is_varlena);
	fmgr_info(function, &target.send);
}

extern PGDLLEXPORT Datum fuzz_values(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(fuzz_values);

Datum
fuzz_values(PG_FUNCTION_ARGS)
{
	int n_options;
	char **uses;
	char **options = texts_of_array(PG_GETARG_ARRAYTYPE_P(3), &n_options);
	int argc = n_options + 1;

	target.type = PG_GETARG_OID(0);
	target.is_binary = PG_GETARG_BOOL(1);
	uses = texts_of_array(PG_GETARG_ARRAYTYPE_P(2), &target.n_uses);
	if (target.n_uses > MAX_USES)
		elog(ERROR, "too many uses");
	target.memory = AllocSetContextCreate(TopMemoryContext, "one input", ALLOCSET_DEFAULT_SIZES);
	find_functions();
	SPI_connect();
	for (int i = 0; i < target.n_uses; i++)
	{
		target.uses[i] = SPI_prepare(uses[i], 1, &target.type);
		if (target.uses[i] == NULL)
			elog(ERROR, "cannot prepare: %s", uses[i]);
	}
	memmove(options + 1, options, sizeof(char *) * n_options);
	options[0] = pstrdup("fuzz_values");
	/* An input that takes too long is libFuzzer's to report. */
	pqsignal(SIGALRM, SIG_DFL);
	exit(LLVMFuzzerRunDriver(&argc, &options, try_input));
}
