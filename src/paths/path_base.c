/*
 * path_base.c
 *	  path_base: customers with covariates that vary over time, for a fit.
 *
 * A base is a multiset of customers, each the string of bytes of what the
 * likelihood needs: x, t_x, the first day, spend, sums of the covariates at the
 * repeat transactions, and the steps since the first one. Customers with equal
 * bytes are counted once. A stored base has them in the order of their bytes,
 * so it does not depend on the order of rows or on how they were split.
 */
#include "compat.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "paths/paths.h"
#include "population/customer_base.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/bytes.h"
#include "support/result.h"

#define STORED_VERSION 1
#define INITIAL_ENTRIES 8

static struct varlena *
pack_state(GrowingState *growing)
{
	return path_base_state_pack((PathBaseState *) growing);
}

PathBaseState *
path_base_state_make(MemoryContext parent)
{
	PathBaseState *state = agg_state_make(sizeof(PathBaseState), pack_state, parent);

	state->head.until = DATEVAL_NOBEGIN;
	return state;
}

/* Fixes the number of covariates, or checks it. */
static void
set_columns(PathBaseState *state, int columns)
{
	if (state->head.columns != 0 && state->head.columns != columns)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("there are customers with %d covariates and with %d", state->head.columns, columns),
				 errhint("The paths of all customers have the same covariates.")));
	state->head.columns = columns;
}

void
path_base_state_add(PathBaseState *state, const PathEntry *entry)
{
	MemoryContext context = agg_state_context(&state->growing);
	uint8 *bytes = MemoryContextAlloc(context, entry->length);

	if (state->room == 0)
	{
		state->room = INITIAL_ENTRIES;
		state->entries = MemoryContextAlloc(context, state->room * sizeof(PathEntry));
	}
	else if (state->count == state->room)
	{
		state->room *= 2;
		state->entries = repalloc_huge(state->entries, state->room * sizeof(PathEntry));
	}
	memcpy(bytes, entry->bytes, entry->length);
	state->entries[state->count++] = (PathEntry){bytes, entry->length, entry->customers};
}

static int
compare_entries(const PathEntry *a, const PathEntry *b)
{
	int order = memcmp(a->bytes, b->bytes, Min(a->length, b->length));

	return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

static int
compare_for_sort(const void *a, const void *b, void *unused)
{
	return compare_entries(a, b);
}

/* Both are counts that can be stored; an error if their sum is none. */
static int64
add_customers(int64 a, int64 b)
{
	int64 sum = a + b;

	if (sum > (int64) BASE_MAX_CUSTOMERS)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("a path_base counts too many customers")));
	return sum;
}

/* Sorts entries and adds up those with equal bytes; returns how many remain. */
static uint32
merge_equal(PathEntry *entries, uint32 count)
{
	uint32 kept = 0;

	qsort_interruptible(entries, count, sizeof(PathEntry), compare_for_sort, NULL);
	for (uint32 i = 0; i < count; i++)
	{
		if (kept > 0 && compare_entries(&entries[kept - 1], &entries[i]) == 0)
		{
			entries[kept - 1].customers = add_customers(entries[kept - 1].customers, entries[i].customers);
		}
		else
			entries[kept++] = entries[i];
	}
	return kept;
}

static void
put_head(StringInfo out, const PathBaseHead *head, uint32 count)
{
	appendStringInfoChar(out, STORED_VERSION);
	appendStringInfoChar(out, (char) head->columns);
	put_varint_to(out, zigzag_encode(head->until));
	for (int i = 0; i < PATH_LEFT_OUT_REASONS; i++)
		put_varint_to(out, (uint64) head->left_out[i]);
	put_varint_to(out, count);
}

struct varlena *
path_base_state_pack(PathBaseState *state)
{
	PathEntry *entries = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, state->count) * sizeof(PathEntry));
	Size size = 0;
	uint32 count;
	StringInfoData out;

	if (state->count > 0)
		memcpy(entries, state->entries, state->count * sizeof(PathEntry));
	count = merge_equal(entries, state->count);
	for (uint32 i = 0; i < count; i++)
		size += entries[i].length + 2 * MAX_VARINT_BYTES;
	if (size > MaxAllocSize / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("a path_base would need more than %zu bytes", size),
				 errhint("Fit a sample of the customers: WHERE in_sample(customer_id, 0.1).")));

	initStringInfo(&out);
	appendBinaryStringInfo(&out, "\0\0\0\0", VARHDRSZ);
	put_head(&out, &state->head, count);
	for (uint32 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		put_varint_to(&out, entries[i].length);
		appendBinaryStringInfo(&out, (const char *) entries[i].bytes, entries[i].length);
		put_varint_to(&out, (uint64) entries[i].customers);
	}
	pfree(entries);
	SET_VARSIZE(out.data, out.len);
	return (struct varlena *) out.data;
}

const char *
path_base_begin(PathBaseReader *reader)
{
	StateBytes *in = &reader->bytes;
	uint8 version;
	uint8 columns;
	uint64 until;
	uint64 count;

	if (!state_byte(in, &version) || version != STORED_VERSION)
		return "the version is unknown";
	if (!state_byte(in, &columns) || !state_varint(in, &until))
		return "the bytes end early";
	reader->head = (PathBaseHead){.columns = columns, .until = (DateADT) zigzag_decode(until)};
	if (columns > FIT_MAX_COVARIATES)
		return "there are too many covariates";
	if (zigzag_decode(until) != reader->head.until ||
		(reader->head.until != DATEVAL_NOBEGIN && !IS_VALID_DATE(reader->head.until)))
		return "the end of observation is out of range";
	for (int i = 0; i < PATH_LEFT_OUT_REASONS; i++)
	{
		uint64 left_out;

		if (!state_varint(in, &left_out))
			return "the bytes end early";
		if (left_out > (uint64) BASE_MAX_CUSTOMERS)
			return "a number of customers is out of range";
		reader->head.left_out[i] = (int64) left_out;
	}
	if (!state_varint(in, &count))
		return "the bytes end early";
	if (count > (uint64) (in->end - in->at))
		return "there are more customers than bytes";
	if ((columns == 0) != (count == 0))
		return "there are covariates without customers, or customers without covariates";
	reader->left = (uint32) count;
	reader->entry = (PathEntry){0};
	return NULL;
}

const char *
path_base_read(PathBaseReader *reader)
{
	StateBytes *in = &reader->bytes;
	PathEntry before = reader->entry;
	uint64 length;
	uint64 customers;

	if (!state_varint(in, &length))
		return "the bytes end early";
	if (length == 0 || length > (uint64) (in->end - in->at))
		return "a customer is longer than the bytes";
	reader->entry.bytes = in->at;
	reader->entry.length = (uint32) length;
	in->at += length;
	if (!state_varint(in, &customers))
		return "the bytes end early";
	if (customers == 0 || customers > (uint64) BASE_MAX_CUSTOMERS)
		return "a number of customers is out of range";
	reader->entry.customers = (int64) customers;
	if (before.bytes != NULL && compare_entries(&before, &reader->entry) >= 0)
		return "the customers are not in order";
	reader->left--;
	return NULL;
}

static void
check_stored(const char *problem)
{
	if (unlikely(problem != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("a stored path_base is corrupt"),
				 errdetail_internal("%s", problem)));
}

void
path_base_open(PathBaseReader *reader, Datum base)
{
	struct varlena *stored = agg_state_stored(base);

	reader->bytes.at = (const uint8 *) VARDATA_ANY(stored);
	reader->bytes.end = reader->bytes.at + VARSIZE_ANY_EXHDR(stored);
	check_stored(path_base_begin(reader));
}

bool
path_base_next(PathBaseReader *reader)
{
	CHECK_FOR_INTERRUPTS();
	if (reader->left == 0)
		return false;
	check_stored(path_base_read(reader));
	return true;
}

static void
add_left_out(PathBaseState *state, PathLeftOut reason, int64 customers)
{
	state->head.left_out[reason] = add_customers(state->head.left_out[reason], customers);
}

static void
merge_base(PathBaseState *state, Datum other)
{
	PathBaseReader reader;

	path_base_open(&reader, other);
	if (reader.head.columns > 0)
		set_columns(state, reader.head.columns);
	state->head.until = Max(state->head.until, reader.head.until);
	for (int i = 0; i < PATH_LEFT_OUT_REASONS; i++)
		add_left_out(state, i, reader.head.left_out[i]);
	while (path_base_next(&reader))
		path_base_state_add(state, &reader.entry);
}

/* The state in the first argument if an aggregate may continue it; otherwise a new one with its contents. */
static PathBaseState *
state_argument(FunctionCallInfo fcinfo)
{
	PathBaseState *state = PG_ARGISNULL(0) ? NULL : agg_state_to_write(PG_GETARG_DATUM(0));

	if (state != NULL)
		return state;
	state = path_base_state_make(agg_state_parent(fcinfo));
	if (!PG_ARGISNULL(0))
		merge_base(state, PG_GETARG_DATUM(0));
	return state;
}

/* Sums of the covariates over the days of the repeat transactions. */
static void
add_up_covariates(Datum history, DateADT until, PathCustomer *customer)
{
	HistoryReader reader;
	DateADT seen = customer->first;

	history_open(&reader, history, until);
	while (history_next(&reader))
	{
		int64 step;

		CHECK_FOR_INTERRUPTS();
		/* refunds are no transactions */
		if (reader.day <= seen || history_amount(&reader) < 0)
			continue;
		seen = reader.day;
		step = path_steps_find(&customer->steps, reader.day - customer->first);
		for (int k = 0; k < customer->steps.columns; k++)
			customer->sums[k] += path_step_covariates(&customer->steps, step)[k];
	}
}

/* Why a customer is left out; PATH_LEFT_OUT_REASONS: they are not. */
static PathLeftOut
customer_of(Datum history, const HistorySummary *seen, const CovariatePath *path, DateADT until, PathCustomer *customer)
{
	if (seen->transactions == 0)
		return PATH_NO_ORDERS;
	*customer = (PathCustomer){
		.first = seen->first,
		.x = seen->transactions - 1,
		.t_x = seen->last - seen->first,
		.spend = seen->transactions > 1 ? history_repeat_spend(seen) : NAN,
		.customers = 1,
	};
	if (path == NULL || !path_from(path, seen->first, until, &customer->steps))
		return PATH_NO_PATH;
	if (!isfinite(customer->spend))
		customer->spend = NAN;
	add_up_covariates(history, until, customer);
	return PATH_LEFT_OUT_REASONS;
}

/*
 * The end of observation: the given day or, as that of a customer_base, the day of a refund
 * after all orders, which is part of the spend.
 */
static DateADT
observed_until(const HistorySummary *seen, DateADT until)
{
	if (until != HISTORY_ALL)
		return until;
	return seen->transactions == 0 || seen->recorded_until > seen->last ? seen->recorded_until : DATEVAL_NOBEGIN;
}

static void
add_customer(PathBaseState *state, const PathCustomer *customer)
{
	StringInfoData bytes;

	if (path_customer_problem(customer) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a customer cannot be counted: %s", path_customer_problem(customer)),
				 errhint("Covariates should be about one in size.")));
	set_columns(state, customer->steps.columns);
	initStringInfo(&bytes);
	path_customer_put(&bytes, customer);
	path_base_state_add(state, &(PathEntry){(const uint8 *) bytes.data, bytes.len, 1});
	pfree(bytes.data);
}

/* path_base(history, path [, until]): transition */
AGG_FUNCTION_INFO_V1(path_base_add);
static Datum
path_base_add_in_group(PG_FUNCTION_ARGS)
{
	DateADT until = HISTORY_ALL;
	HistorySummary seen;
	CovariatePath path;
	PathBaseState *state;
	PathCustomer customer;
	PathLeftOut reason;

	if (PG_ARGISNULL(1) || (PG_NARGS() > 3 && PG_ARGISNULL(3)))
		return agg_state_unchanged(fcinfo);
	if (PG_NARGS() > 3)
		until = finite_day_argument(fcinfo, 3, "until", NULL);
	state = state_argument(fcinfo);
	if (!PG_ARGISNULL(2))
		path = covariate_path_get(PG_GETARG_DATUM(2));
	seen = history_summarise(PG_GETARG_DATUM(1), until);
	reason = customer_of(PG_GETARG_DATUM(1), &seen, PG_ARGISNULL(2) ? NULL : &path, until, &customer);
	if (reason == PATH_LEFT_OUT_REASONS)
		add_customer(state, &customer);
	else
		add_left_out(state, reason, 1);
	state->head.until = Max(state->head.until, observed_until(&seen, until));
	return agg_state_result(fcinfo, &state->growing);
}

/* Adds the second base to the first: combine, transition of rollup, and operator. */
AGG_FUNCTION_INFO_V1(path_base_merge);
static Datum
path_base_merge_in_group(PG_FUNCTION_ARGS)
{
	PathBaseState *state;

	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);
	state = state_argument(fcinfo);
	merge_base(state, PG_GETARG_DATUM(1));
	return agg_state_result(fcinfo, &state->growing);
}

AGG_FUNCTION_INFO_V1(path_base_final);
static Datum
path_base_final_in_group(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(agg_state_stored(PG_GETARG_DATUM(0)));
}

/* customer_count(path_base) → bigint */
PG_FUNCTION_INFO_V1(path_base_customer_count);
Datum
path_base_customer_count(PG_FUNCTION_ARGS)
{
	PathBaseReader reader;
	int64 customers = 0;

	path_base_open(&reader, PG_GETARG_DATUM(0));
	while (path_base_next(&reader))
		if (pg_add_s64_overflow(customers, reader.entry.customers, &customers))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("a path_base counts too many customers")));
	PG_RETURN_INT64(customers);
}

/* path_base_left_out(path_base) → (no_orders, no_path): customers */
PG_FUNCTION_INFO_V1(path_base_left_out);
Datum
path_base_left_out(PG_FUNCTION_ARGS)
{
	PathBaseReader reader;
	Datum values[PATH_LEFT_OUT_REASONS];
	bool nulls[PATH_LEFT_OUT_REASONS] = {0};

	path_base_open(&reader, PG_GETARG_DATUM(0));
	for (int i = 0; i < PATH_LEFT_OUT_REASONS; i++)
		values[i] = Int64GetDatum(reader.head.left_out[i]);
	return row_result(fcinfo, values, nulls);
}
