/*
 * history_correct.c
 *	  Corrections: subtraction, containment and replacement of purchase
 *	  histories.
 *
 * A history is a sorted multiset, so each of these is one merge of two sorted
 * sequences. Two purchases are equal if day and amount are; unknown amounts
 * are equal to each other; the encodings of the two histories do not matter.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "history/history.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/json.h"

static inline Purchase
purchase_read(const HistoryReader *reader)
{
	return (Purchase){.day = reader->day, .amount = history_amount(reader)};
}

/* Compares the current purchases of two readers, as a btree comparison does. */
static inline int
compare_read(const HistoryReader *a, const HistoryReader *b)
{
	if (a->day != b->day)
		return a->day < b->day ? -1 : 1;
	if (likely(a->encoding == b->encoding && a->encoding <= HISTORY_MAX_DECIMALS))
		return (a->units > b->units) - (a->units < b->units);

	Purchase left = purchase_read(a);
	Purchase right = purchase_read(b);

	return history_compare(&left, &right);
}

/* Writes the purchases that are kept of a stored history, in its own encoding. */
typedef struct HistoryWriter
{
	struct varlena *value;
	uint8 *start;
	uint8 *at;
	HistoryEncoding encoding;
	HistoryEncoding needed; /* the first decimal encoding that holds what was written */
	DateADT last_day;
	uint32 count;
} HistoryWriter;

static void
writer_open(HistoryWriter *writer, HistoryEncoding encoding, uint32 most)
{
	writer->value = palloc(VARHDRSZ + HISTORY_HEAD_BYTES + (Size) most * HISTORY_PURCHASE_BYTES);
	/* The length of the head depends on the count: it is written last, in front of this. */
	writer->start = writer->at = (uint8 *) VARDATA(writer->value) + HISTORY_HEAD_BYTES;
	writer->encoding = encoding;
	writer->needed = 0;
	writer->last_day = 0;
	writer->count = 0;
}

/* Writes the purchase read last, by a reader with the writer's encoding. */
static inline void
writer_put(HistoryWriter *writer, const HistoryReader *reader)
{
	writer->at =
		put_varint(writer->at,
				   writer->count == 0 ? zigzag_encode(reader->day) : (uint32) (reader->day - writer->last_day));
	if (likely(writer->encoding <= HISTORY_MAX_DECIMALS))
	{
		int64 unit = 1;

		/* A whole number of units is one of ten times as large a unit only if ten divides it. */
		if (unlikely(writer->needed < writer->encoding))
		{
			for (int i = writer->needed; i < (int) writer->encoding; i++)
				unit *= 10;
			while (writer->needed < writer->encoding && reader->units % unit != 0)
			{
				writer->needed++;
				unit /= 10;
			}
		}
		writer->at = put_varint(writer->at, zigzag_encode(reader->units));
	}
	else if (writer->encoding == HISTORY_FLOAT8)
		writer->at = put_float8(writer->at, reader->amount);
	writer->last_day = reader->day;
	writer->count++;
}

/*
 * The history that was written: re-encoded if an earlier encoding holds the
 * remaining amounts, so that equal histories have equal bytes.
 */
static struct varlena *
writer_close(HistoryWriter *writer)
{
	uint8 *start = (uint8 *) VARDATA(writer->value);
	uint8 *head = history_put_head(start, writer->encoding, writer->count);
	Size bytes = writer->at - writer->start;
	bool first_choice = writer->encoding <= HISTORY_MAX_DECIMALS
		? writer->needed == writer->encoding
		: writer->encoding == HISTORY_NO_AMOUNTS && writer->count > 0;

	memmove(head, writer->start, bytes);
	SET_VARSIZE(writer->value, VARHDRSZ + (head - start) + bytes);
	if (first_choice)
		return writer->value;

	uint32 count;
	Purchase *purchases = history_unpack(writer->value, &count);

	return history_pack(purchases, count);
}

static void
not_held(const HistoryReader *gone)
{
	StringInfoData purchase;

	initStringInfo(&purchase);
	json_append_date(&purchase, gone->day);
	appendStringInfoString(&purchase, ", ");
	json_append_float(&purchase, history_amount(gone));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("purchase [%s] cannot be removed: the history does not contain it", purchase.data),
			 errhint("Each purchase is removed once. h @> g is true if h contains all purchases of g.")));
}

/*
 * purchase_history - purchase_history → purchase_history
 *
 * The first history without the purchases of the second, each taken out once.
 */
PG_FUNCTION_INFO_V1(purchase_history_subtract);
Datum
purchase_history_subtract(PG_FUNCTION_ARGS)
{
	HistoryReader held, gone;
	HistoryWriter writer;

	history_open(&held, PG_GETARG_DATUM(0), HISTORY_ALL);
	history_open(&gone, PG_GETARG_DATUM(1), HISTORY_ALL);
	writer_open(&writer, held.encoding, held.left);

	bool more_gone = history_next(&gone);

	while (history_next(&held))
	{
		int order = more_gone ? compare_read(&held, &gone) : -1;

		if (order > 0)
			not_held(&gone);
		if (order == 0)
			more_gone = history_next(&gone);
		else
			writer_put(&writer, &held);
	}
	if (more_gone)
		not_held(&gone);
	PG_RETURN_POINTER(writer_close(&writer));
}

/* The number of purchases of the second history that the first does not contain; stops counting at `enough`. */
static int64
count_not_held(Datum history, Datum other, int64 enough)
{
	HistoryReader held, wanted;
	int64 missing = 0;

	history_open(&held, history, HISTORY_ALL);
	history_open(&wanted, other, HISTORY_ALL);

	bool more = history_next(&held);

	while (missing < enough && history_next(&wanted))
	{
		while (more && compare_read(&held, &wanted) < 0)
			more = history_next(&held);
		if (more && compare_read(&held, &wanted) == 0)
			more = history_next(&held);
		else
			missing++;
	}
	return missing;
}

/* purchase_history @> purchase_history → boolean: does the first contain all of the second? */
PG_FUNCTION_INFO_V1(purchase_history_contains);
Datum
purchase_history_contains(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(count_not_held(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), 1) == 0);
}

/* purchase_history <@ purchase_history → boolean: the same with the arguments exchanged */
PG_FUNCTION_INFO_V1(purchase_history_contained);
Datum
purchase_history_contained(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(count_not_held(PG_GETARG_DATUM(1), PG_GETARG_DATUM(0), 1) == 0);
}

/*
 * purchases_missing_from(purchase_history, other purchase_history) → bigint:
 * purchases that the other does not contain
 */
PG_FUNCTION_INFO_V1(purchases_missing_from);
Datum
purchases_missing_from(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(count_not_held(PG_GETARG_DATUM(1), PG_GETARG_DATUM(0), PG_INT64_MAX));
}

/* The half-open window [since, until), either end of which may be infinite. */
typedef struct Window
{
	DateADT since;
	DateADT until;
} Window;

static Window
window_arguments(FunctionCallInfo fcinfo, int first)
{
	Window window = {PG_GETARG_DATEADT(first), PG_GETARG_DATEADT(first + 1)};

	check_days_not_reversed("since", window.since, "until", window.until, NULL);
	return window;
}

static inline bool
in_window(const Window *window, DateADT day)
{
	return day >= window->since && (day < window->until || DATE_IS_NOEND(window->until));
}

/* has_purchases_between(purchase_history, since date, until date) → boolean: refunds are purchases, too */
PG_FUNCTION_INFO_V1(has_purchases_between);
Datum
has_purchases_between(PG_FUNCTION_ARGS)
{
	Window window = window_arguments(fcinfo, 1);
	HistoryReader reader;

	history_open(&reader, PG_GETARG_DATUM(0), HISTORY_ALL);
	while (history_next(&reader) && (reader.day < window.until || DATE_IS_NOEND(window.until)))
		if (reader.day >= window.since)
			PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(false);
}

/* Appends the purchases that are in the window. */
static uint32
take(Datum history, const Window *window, Purchase *purchases, uint32 count)
{
	HistoryReader reader;

	history_open(&reader, history, HISTORY_ALL);
	while (history_next(&reader))
		if (in_window(window, reader.day))
			purchases[count++] = purchase_read(&reader);
	return count;
}

static uint32
count_purchases(Datum history)
{
	HistoryReader reader;

	history_open(&reader, history, HISTORY_ALL);
	/* Do not allocate memory for a count that the bytes cannot contain; the first day is read already. */
	if (reader.left > reader.end - reader.next + 1)
		bytes_end_early();
	return reader.left;
}

/*
 * history_replace(purchase_history, fresh purchase_history, since date [, until date]) → purchase_history
 *
 * What the first holds outside [since, until), and what fresh holds inside.
 */
PG_FUNCTION_INFO_V1(history_replace);
Datum
history_replace(PG_FUNCTION_ARGS)
{
	Window window = window_arguments(fcinfo, 2);
	Size most = (Size) count_purchases(PG_GETARG_DATUM(0)) + count_purchases(PG_GETARG_DATUM(1));
	Purchase *purchases = MemoryContextAllocHuge(CurrentMemoryContext, (most + 1) * sizeof(Purchase));
	Window before = {DATEVAL_NOBEGIN, window.since};
	Window after = {window.until, DATEVAL_NOEND};
	uint32 count = 0;

	/* Concatenated in this order, the purchases are sorted. */
	if (!DATE_IS_NOBEGIN(window.since))
		count = take(PG_GETARG_DATUM(0), &before, purchases, count);
	count = take(PG_GETARG_DATUM(1), &window, purchases, count);
	if (!DATE_IS_NOEND(window.until))
		count = take(PG_GETARG_DATUM(0), &after, purchases, count);

	if (count > HISTORY_MAX_PURCHASES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a purchase_history cannot hold more than %d purchases", HISTORY_MAX_PURCHASES)));
	PG_RETURN_POINTER(history_pack(purchases, count));
}

/*
 * The transition state of remove: the history that purchases are taken out of,
 * and those purchases. Partial results of one customer can only be combined
 * this way: the differences in two processes do not determine the difference
 * of both.
 */
typedef struct Removal
{
	Datum history;
	Datum gone;
} Removal;

static Removal
removal_argument(FunctionCallInfo fcinfo, int argno)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(argno);
	Datum *elements;
	bool *nulls;
	int count;

	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_DOUBLE, &elements, &nulls, &count);
	if (count != 2 || nulls[0] || nulls[1])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the state of remove must be an array of two histories")));
	return (Removal){elements[0], elements[1]};
}

static Datum
removal_result(const Removal *removal, Oid type)
{
	Datum elements[] = {removal->history, removal->gone};

	PG_RETURN_POINTER(construct_array(elements, 2, type, -1, false, TYPALIGN_DOUBLE));
}

/* Checks that both are the same history, possibly in other bytes; or raises an error. */
static void
check_same_history(Datum a, Datum b)
{
	if (count_not_held(a, b, 1) != 0 || count_not_held(b, a, 1) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the first argument of remove must be the same history in all rows"),
				 errhint("GROUP BY the customer.")));
}

/* All purchases of both. */
static Datum
join_histories(Datum a, Datum b)
{
	uint32 count = count_purchases(a);
	uint32 more = count_purchases(b);
	Purchase *purchases = MemoryContextAllocHuge(CurrentMemoryContext, ((Size) count + more + 1) * sizeof(Purchase));
	Window always = {DATEVAL_NOBEGIN, DATEVAL_NOEND};

	count = take(a, &always, purchases, 0);
	count = take(b, &always, purchases, count);
	history_sort(purchases, count);
	return PointerGetDatum(history_pack(purchases, count));
}

/* The type of the elements of the state. */
static Oid
history_type(FunctionCallInfo fcinfo)
{
	return get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
}

/* remove(purchase_history, purchase_history): transition; without a history a row is skipped, and NULL takes nothing out */
AGG_FUNCTION_INFO_V1(purchase_history_remove_add);
static Datum
purchase_history_remove_add_in_group(PG_FUNCTION_ARGS)
{
	Removal removal;
	Datum gone;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	gone = PG_ARGISNULL(2) ? PointerGetDatum(history_pack(NULL, 0)) : PG_GETARG_DATUM(2);
	if (PG_ARGISNULL(0))
		removal = (Removal){
			PG_GETARG_DATUM(1),
			gone,
		};
	else
	{
		removal = removal_argument(fcinfo, 0);
		check_same_history(removal.history, PG_GETARG_DATUM(1));
		removal.gone = join_histories(removal.gone, gone);
	}
	return removal_result(&removal, history_type(fcinfo));
}

AGG_FUNCTION_INFO_V1(purchase_history_remove_merge);
static Datum
purchase_history_remove_merge_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_DATUM(PG_GETARG_DATUM(PG_ARGISNULL(0) ? 1 : 0));

	Removal removal = removal_argument(fcinfo, 0);
	Removal other = removal_argument(fcinfo, 1);

	check_same_history(removal.history, other.history);
	removal.gone = join_histories(removal.gone, other.gone);
	return removal_result(&removal, history_type(fcinfo));
}

AGG_FUNCTION_INFO_V1(purchase_history_remove_final);
static Datum
purchase_history_remove_final_in_group(PG_FUNCTION_ARGS)
{
	Removal removal = removal_argument(fcinfo, 0);

	return DirectFunctionCall2(purchase_history_subtract, removal.history, removal.gone);
}
