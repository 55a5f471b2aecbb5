/*
 * path_base_io.c
 *	  The text and binary forms of path_base.
 *
 * Text:	{"covariates": 2, "observed_until": "2026-06-30", "left_out": {"no_path": 1},
 *			 "customers": [["2026-01-05", 2, 40, 12.5, [1, 0], [[0, 0, 0], [31, 1, 0]], 1], …]}
 *			each the first day, x, t_x in days, spend on repeat transactions (or null), the sums
 *			of the covariates over these, the steps (days since the first, and the covariates), and how many
 *			customers; of a state {"base64": "…"}
 * Binary:	version (1 byte), and the stored form
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"

#include "paths/paths.h"
#include "population/customer_base.h"
#include "support/bytes.h"
#include "support/json.h"

#define WIRE_VERSION 1

static const char *const reason_names[] = {[PATH_NO_ORDERS] = "no_orders", [PATH_NO_PATH] = "no_path"};

static void
free_steps(PathCustomer *customer)
{
	pfree(customer->steps.from);
	pfree(customer->steps.covariates);
}

/* Adds a checked customer, in its canonical bytes. */
static void
add_checked(PathBaseState *state, const PathCustomer *customer)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	path_customer_put(&bytes, customer);
	path_base_state_add(state, &(PathEntry){(const uint8 *) bytes.data, bytes.len, customer->customers});
	pfree(bytes.data);
}

/* Reads untrusted bytes, whose customers must be in order, into a state; returns what is wrong with them, or NULL. */
static const char *
read_bytes(StateBytes bytes, PathBaseState *state)
{
	PathBaseReader reader = {.bytes = bytes};
	const char *problem = path_base_begin(&reader);

	if (problem == NULL)
		state->head = reader.head;
	while (problem == NULL && reader.left > 0)
	{
		PathCustomer customer = {0};

		CHECK_FOR_INTERRUPTS();
		problem = path_base_read(&reader);
		if (problem == NULL)
			problem = path_customer_get(&reader.entry, reader.head.columns, &customer);
		if (problem != NULL)
			break;
		add_checked(state, &customer);
		free_steps(&customer);
	}
	if (problem == NULL && reader.bytes.at != reader.bytes.end)
		problem = "there are bytes after the end";
	return problem;
}

static bool
read_left_out(JsonInput *in, JsonbContainer *object, PathBaseHead *head)
{
	static const char *const members[] = {"no_orders", "no_path", NULL};
	JsonbContainer *left_out;

	if (!json_object_member(in, object, "left_out", true, &left_out))
		return false;
	if (left_out == NULL)
		return true;
	if (!json_check_members(in, left_out, members))
		return false;
	for (int i = 0; i < PATH_LEFT_OUT_REASONS; i++)
		if (!json_optional_count(in, left_out, reason_names[i], (int64) BASE_MAX_CUSTOMERS, &head->left_out[i]))
			return false;
	return true;
}

/* The element of a row that must be an array of this length; of any length up to a limit if that is given. */
static JsonbContainer *
element_array(JsonInput *in, JsonbContainer *row, uint32 place, uint32 most, const char *what)
{
	JsonbValue *value = getIthJsonbValueFromContainer(row, place);

	if (value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data) &&
		JsonContainerSize(value->val.binary.data) <= most)
		return value->val.binary.data;
	json_fail(in, "\"%s\" must be an array of at most %u.", what, most);
	return NULL;
}

/* Finite numbers of an array, from an element on. */
static bool
read_numbers(JsonInput *in, JsonbContainer *array, uint32 from, int count, const char *what, double *numbers)
{
	for (int k = 0; k < count; k++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(array, from + k);

		if (!json_read_float(in, value, what, &numbers[k]))
			return false;
		numbers[k] += 0.0;
		pfree(value);
	}
	return true;
}

static bool
read_steps(JsonInput *in, JsonbContainer *rows, int columns, PathSteps *steps)
{
	uint32 count = JsonContainerSize(rows);

	*steps = (PathSteps){
		.columns = columns,
		.count = count,
		.from = palloc_array(int32, Max(1, count)),
		.covariates = palloc_array(double, Max(1, count * columns)),
	};
	for (uint32 i = 0; i < count; i++)
	{
		JsonbContainer *row = json_row(in, rows, i, columns + 1, "steps");
		int64 day;

		CHECK_FOR_INTERRUPTS();
		if (row == NULL ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 0), "day",
						   i == 0 ? 0 : steps->from[i - 1] + INT64CONST(1), PG_INT32_MAX, &day) ||
			!read_numbers(in, row, 1, columns, "covariate", path_step_covariates(steps, i)))
			return false;
		steps->from[i] = (int32) day;
	}
	return true;
}

/* A row of the text form. */
static bool
read_customer(JsonInput *in, JsonbContainer *row, int columns, PathCustomer *customer)
{
	JsonbContainer *sums = element_array(in, row, 4, columns, "sums");
	JsonbContainer *steps = sums == NULL ? NULL : element_array(in, row, 5, PATH_MAX_STEPS, "steps");
	JsonbValue *spend = getIthJsonbValueFromContainer(row, 3);
	int64 x;
	int64 t_x;

	*customer = (PathCustomer){.spend = NAN};
	if (steps == NULL)
		return false;
	if (JsonContainerSize(sums) != columns)
		return json_fail(in, "There must be %d sums of covariates.", columns);
	if (!json_read_date(in, getIthJsonbValueFromContainer(row, 0), "first day", &customer->first) ||
		!json_read_int(in, getIthJsonbValueFromContainer(row, 1), "x", 0, HISTORY_MAX_PURCHASES, &x) ||
		!json_read_int(in, getIthJsonbValueFromContainer(row, 2), "t_x", 0, PG_INT32_MAX, &t_x) ||
		(spend->type != jbvNull && !json_read_float(in, spend, "spend", &customer->spend)) ||
		!read_numbers(in, sums, 0, columns, "sum", customer->sums) ||
		!read_steps(in, steps, columns, &customer->steps) ||
		!json_read_int(in, getIthJsonbValueFromContainer(row, 6), "customers", 1, (int64) BASE_MAX_CUSTOMERS,
					   &customer->customers))
		return false;
	customer->x = (uint32) x;
	customer->t_x = (uint32) t_x;
	customer->spend += 0.0;
	return true;
}

static bool
read_customers(JsonInput *in, JsonbContainer *rows, PathBaseState *state)
{
	uint32 count = JsonContainerSize(rows);

	if ((count == 0) != (state->head.columns == 0))
		return json_fail(in, "\"covariates\" must be 0 if and only if there are no customers.");
	for (uint32 i = 0; i < count; i++)
	{
		JsonbContainer *row = json_row(in, rows, i, 7, "customers");
		PathCustomer customer;
		const char *problem;

		CHECK_FOR_INTERRUPTS();
		if (row == NULL || !read_customer(in, row, state->head.columns, &customer))
			return false;
		problem = path_customer_problem(&customer);
		if (problem != NULL)
			return json_fail(in, "Customer %u: %s.", i + 1, problem);
		add_checked(state, &customer);
		free_steps(&customer);
	}
	return true;
}

static bool
read_text(JsonInput *in, char *text, PathBaseState *state)
{
	static const char *const members[] = {"covariates", "observed_until", "left_out", "customers", NULL};
	JsonbContainer *object = json_parse_object(in, text);
	JsonbContainer *customers;
	JsonbValue *until;
	int64 columns;

	if (object == NULL || !json_check_members(in, object, members) ||
		!json_read_int(in, json_member(object, "covariates"), "covariates", 0, FIT_MAX_COVARIATES, &columns) ||
		!json_array_member(in, object, "customers", false, &customers) || !read_left_out(in, object, &state->head))
		return false;
	until = json_member(object, "observed_until");
	if (until != NULL && !json_read_date(in, until, "observed_until", &state->head.until))
		return false;
	if (until != NULL && !IS_VALID_DATE(state->head.until))
		return json_fail(in, "\"observed_until\" is out of range.");
	state->head.columns = (int) columns;
	return read_customers(in, customers, state);
}

PG_FUNCTION_INFO_V1(path_base_in);
Datum
path_base_in(PG_FUNCTION_ARGS)
{
	JsonInput in = {"path_base", fcinfo->context};
	PathBaseState *state = path_base_state_make(CurrentMemoryContext);
	StateBytes bytes;
	const char *base64;
	const char *problem;
	Size length;

	if (!state_text_find(PG_GETARG_CSTRING(0), &base64, &length))
	{
		if (!read_text(&in, PG_GETARG_CSTRING(0), state))
			PG_RETURN_NULL();
		PG_RETURN_POINTER(path_base_state_pack(state));
	}
	if (!state_text_read(&in, base64, length, &bytes))
		PG_RETURN_NULL();
	problem = read_bytes(bytes, state);
	if (problem != NULL)
	{
		state_text_fail(&in, problem);
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(path_base_state_pack(state));
}

static void
append_numbers(StringInfo out, const double *numbers, int count)
{
	for (int k = 0; k < count; k++)
	{
		if (k > 0)
			appendStringInfoString(out, ", ");
		json_append_float(out, numbers[k]);
	}
}

static void
append_customer(StringInfo out, const PathCustomer *customer)
{
	const PathSteps *steps = &customer->steps;

	appendStringInfoChar(out, '[');
	json_append_date(out, customer->first);
	appendStringInfo(out, ", %u, %u, ", customer->x, customer->t_x);
	json_append_float(out, customer->spend);
	appendStringInfoString(out, ", [");
	append_numbers(out, customer->sums, steps->columns);
	appendStringInfoString(out, "], [");
	for (uint32 i = 0; i < steps->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfo(out, "%s[%d, ", i == 0 ? "" : ", ", steps->from[i]);
		append_numbers(out, path_step_covariates(steps, i), steps->columns);
		appendStringInfoChar(out, ']');
	}
	appendStringInfo(out, "], " INT64_FORMAT "]", customer->customers);
}

static void
append_head(StringInfo out, const PathBaseHead *head)
{
	const char *separator = "";

	appendStringInfo(out, "{\"covariates\": %d, ", head->columns);
	if (head->until != DATEVAL_NOBEGIN)
	{
		appendStringInfoString(out, "\"observed_until\": ");
		json_append_date(out, head->until);
		appendStringInfoString(out, ", ");
	}
	for (int i = 0; i < PATH_LEFT_OUT_REASONS; i++)
		if (head->left_out[i] > 0)
		{
			appendStringInfo(out, "%s\"%s\": " INT64_FORMAT, *separator == '\0' ? "\"left_out\": {" : separator,
							 reason_names[i], head->left_out[i]);
			separator = ", ";
		}
	if (*separator != '\0')
		appendStringInfoString(out, "}, ");
	appendStringInfoString(out, "\"customers\": [");
}

PG_FUNCTION_INFO_V1(path_base_out);
Datum
path_base_out(PG_FUNCTION_ARGS)
{
	struct varlena *stored = agg_state_stored(PG_GETARG_DATUM(0));
	PathBaseReader reader;
	StringInfoData out;
	const char *separator = "";

	if (agg_state_to_read(PG_GETARG_DATUM(0)) != NULL)
		PG_RETURN_CSTRING(
			state_text_write("path_base", (const uint8 *) VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored)));
	path_base_open(&reader, PointerGetDatum(stored));
	initStringInfo(&out);
	append_head(&out, &reader.head);
	while (path_base_next(&reader))
	{
		PathCustomer customer;

		if (path_customer_get(&reader.entry, reader.head.columns, &customer) != NULL)
			ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("a stored path_base is corrupt")));
		appendStringInfoString(&out, separator);
		append_customer(&out, &customer);
		free_steps(&customer);
		separator = ", ";
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

/* The bytes are untrusted (COPY BINARY): everything is checked. */
PG_FUNCTION_INFO_V1(path_base_recv);
Datum
path_base_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	PathBaseState *state = path_base_state_make(CurrentMemoryContext);
	StateBytes bytes;
	const char *problem;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed("path_base", "the version is unknown");
	bytes.at = (const uint8 *) in->data + in->cursor;
	bytes.end = (const uint8 *) in->data + in->len;
	in->cursor = in->len;
	problem = read_bytes(bytes, state);
	if (problem != NULL)
		bytes_malformed("path_base", problem);
	PG_RETURN_POINTER(path_base_state_pack(state));
}

PG_FUNCTION_INFO_V1(path_base_send);
Datum
path_base_send(PG_FUNCTION_ARGS)
{
	struct varlena *stored = agg_state_stored(PG_GETARG_DATUM(0));
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendbytes(&out, VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
