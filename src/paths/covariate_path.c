/*
 * covariate_path.c
 *	  covariate_path: one customer's covariates over time.
 *
 * Text:	{"steps": [["2026-01-01", 0, 1.5], ["2026-03-01", 1, null], …]}
 *			each a day and the covariates from then on, null for one that is not known;
 *			"left_out": rows without a day, where there were any; of a state {"base64": "…"}
 * Binary:	version (1 byte), and the stored form
 *
 * The steps of a state are kept in order: rows mostly come in the order of their days.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "common/int.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "paths/paths.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/bytes.h"
#include "support/json.h"

#define STORED_VERSION 1
#define WIRE_VERSION 1
#define INITIAL_STEPS 4

/* The state of an aggregate. */
typedef struct PathState
{
	GrowingState growing;
	CovariatePath path;
	uint32 room; /* for so many steps */
} PathState;

/* The stored form without its version. */
static void
put_path(StringInfo out, const CovariatePath *path)
{
	appendStringInfoChar(out, (char) path->steps.columns);
	put_varint_to(out, (uint64) path->left_out);
	path_steps_put(out, &path->steps);
}

static struct varlena *
path_pack(const CovariatePath *path)
{
	StringInfoData out;

	initStringInfo(&out);
	appendBinaryStringInfo(&out, "\0\0\0\0", VARHDRSZ);
	appendStringInfoChar(&out, STORED_VERSION);
	put_path(&out, path);
	SET_VARSIZE(out.data, out.len);
	return (struct varlena *) out.data;
}

static struct varlena *
pack_state(GrowingState *growing)
{
	return path_pack(&((PathState *) growing)->path);
}

/* The error in a path from untrusted input, or NULL. */
static const char *
path_problem(const CovariatePath *path)
{
	for (uint32 i = 0; i < path->steps.count; i++)
		if (!IS_VALID_DATE(path->steps.from[i]))
			return "a day is out of range";
	return NULL;
}

/* What the stored form without its version says, to the end of the bytes. */
static const char *
get_path(StateBytes *in, CovariatePath *path)
{
	uint8 columns;
	uint64 left_out;
	const char *problem;

	if (!state_byte(in, &columns) || !state_varint(in, &left_out))
		return "the bytes end early";
	if (columns > FIT_MAX_COVARIATES || left_out > PG_INT64_MAX)
		return "a number is out of range";
	problem = path_steps_get(in, columns, &path->steps);
	path->left_out = (int64) left_out;
	if (problem == NULL && in->at != in->end)
		problem = "there are bytes after the end";
	if (problem == NULL && (columns == 0) != (path->steps.count == 0))
		problem = "there are covariates without steps";
	return problem == NULL ? path_problem(path) : problem;
}

CovariatePath
covariate_path_get(Datum datum)
{
	PathState *state = agg_state_to_read(datum);
	CovariatePath path;
	struct varlena *stored;
	StateBytes in;

	if (state != NULL)
		return state->path;
	stored = PG_DETOAST_DATUM_PACKED(datum);
	in.at = (const uint8 *) VARDATA_ANY(stored);
	in.end = in.at + VARSIZE_ANY_EXHDR(stored);
	if (in.at == in.end || *in.at++ != STORED_VERSION || get_path(&in, &path) != NULL)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("a stored covariate_path is corrupt")));
	return path;
}

/* Makes place for a step before the one at `place`. */
static void
make_place(PathState *state, uint32 place)
{
	PathSteps *steps = &state->path.steps;
	MemoryContext context = agg_state_context(&state->growing);
	Size row = steps->columns * sizeof(double);

	if (state->room == 0)
	{
		state->room = INITIAL_STEPS;
		steps->from = MemoryContextAlloc(context, state->room * sizeof(int32));
		steps->covariates = MemoryContextAlloc(context, state->room * row);
	}
	else if (steps->count == state->room)
	{
		state->room *= 2;
		steps->from = repalloc(steps->from, state->room * sizeof(int32));
		steps->covariates = repalloc(steps->covariates, state->room * row);
	}
	memmove(&steps->from[place + 1], &steps->from[place], (steps->count - place) * sizeof(int32));
	memmove(path_step_covariates(steps, place + 1), path_step_covariates(steps, place), (steps->count - place) * row);
	steps->count++;
}

static void
refuse_contradiction(DateADT day)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there are two steps on %s with different covariates", date_text(day)),
			 errhint("A path is of one customer, with one row for each day on which a covariate changes.")));
}

/* Adds a step; one that is there already changes nothing. */
static void
add_step(PathState *state, DateADT day, const double *covariates, int columns)
{
	PathSteps *steps = &state->path.steps;
	int64 before;

	if (steps->count > 0 && steps->columns != columns)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("there are steps with %d covariates and with %d", steps->columns, columns),
				 errhint("All steps have the same covariates; one that is not known is NULL.")));
	steps->columns = columns;
	before = path_steps_find(steps, day);
	if (before >= 0 && steps->from[before] == day)
	{
		if (memcmp(path_step_covariates(steps, before), covariates, columns * sizeof(double)) != 0)
			refuse_contradiction(day);
		return;
	}
	if (steps->count == PATH_MAX_STEPS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a covariate_path cannot hold more than %d steps", PATH_MAX_STEPS),
				 errhint(
					 "A path is of one customer: group by customer, and leave out days on which nothing changes.")));
	make_place(state, before + 1);
	steps->from[before + 1] = day;
	memcpy(path_step_covariates(steps, before + 1), covariates, columns * sizeof(double));
}

static void
merge_path(PathState *state, Datum other)
{
	CovariatePath path = covariate_path_get(other);

	for (uint32 i = 0; i < path.steps.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_step(state, path.steps.from[i], path_step_covariates(&path.steps, i), path.steps.columns);
	}
	if (pg_add_s64_overflow(state->path.left_out, path.left_out, &state->path.left_out))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("too many rows were left out")));
}

/* The state in the first argument if an aggregate may continue it; otherwise a new one with its contents. */
static PathState *
state_argument(FunctionCallInfo fcinfo)
{
	PathState *state = PG_ARGISNULL(0) ? NULL : agg_state_to_write(PG_GETARG_DATUM(0));

	if (state != NULL)
		return state;
	state = agg_state_make(sizeof(PathState), pack_state, agg_state_parent(fcinfo));
	if (!PG_ARGISNULL(0))
		merge_path(state, PG_GETARG_DATUM(0));
	return state;
}

/* The covariates of a row, those that are NULL or not finite as not known; returns their number. */
static int
row_covariates(ArrayType *array, double *covariates)
{
	Datum *elements;
	bool *nulls;
	int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (ARR_NDIM(array) != 1 || count > FIT_MAX_COVARIATES)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("covariates must be a list of 1 to %d numbers, but are %d in %d dimensions", FIT_MAX_COVARIATES,
						count, ARR_NDIM(array))));
	deconstruct_array(array, FLOAT8OID, sizeof(double), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		double covariate = nulls[i] ? NAN : DatumGetFloat8(elements[i]);

		covariates[i] = isfinite(covariate) ? covariate + 0.0 : NAN;
	}
	return count;
}

/* covariate_path(valid_from, covariates …): transition */
AGG_FUNCTION_INFO_V1(covariate_path_add);
static Datum
covariate_path_add_in_group(PG_FUNCTION_ARGS)
{
	double covariates[FIT_MAX_COVARIATES];
	PathState *state = state_argument(fcinfo);

	if (PG_ARGISNULL(1))
		state->path.left_out++;
	else
	{
		DateADT day = finite_day_argument(fcinfo, 1, "valid_from", "The first step begins by the first order.");

		refuse_null(fcinfo, 2, "covariates", "One that is not known is NULL within the list.");
		add_step(state, day, covariates, row_covariates(PG_GETARG_ARRAYTYPE_P(2), covariates));
	}
	return agg_state_result(fcinfo, &state->growing);
}

/* Adds the steps of the second path: combine, transition of rollup, and operator. */
AGG_FUNCTION_INFO_V1(covariate_path_merge);
static Datum
covariate_path_merge_in_group(PG_FUNCTION_ARGS)
{
	PathState *state;

	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);
	state = state_argument(fcinfo);
	merge_path(state, PG_GETARG_DATUM(1));
	return agg_state_result(fcinfo, &state->growing);
}

AGG_FUNCTION_INFO_V1(covariate_path_final);
static Datum
covariate_path_final_in_group(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(agg_state_stored(PG_GETARG_DATUM(0)));
}

/* A state that was sent as text. */
static bool
read_state(JsonInput *in, const char *base64, Size length, CovariatePath *path)
{
	StateBytes bytes;
	uint8 version;
	const char *problem;

	if (!state_text_read(in, base64, length, &bytes))
		return false;
	problem =
		!state_byte(&bytes, &version) || version != STORED_VERSION ? "the version is unknown" : get_path(&bytes, path);
	return problem == NULL || state_text_fail(in, problem);
}

/* The covariates of a step, after its day. */
static bool
read_covariates(JsonInput *in, JsonbContainer *row, double *covariates, int columns)
{
	for (int k = 0; k < columns; k++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(row, k + 1);

		if (value->type == jbvNull)
			covariates[k] = NAN;
		else if (!json_read_float(in, value, "covariate", &covariates[k]))
			return false;
		else if (isinf(covariates[k]))
			return json_fail(in, "A covariate is infinite.");
		covariates[k] += 0.0;
		pfree(value);
	}
	return true;
}

/* The number of covariates of the first of these rows; 0 if there is none, -1 after an error. */
static int
row_columns(JsonInput *in, JsonbContainer *rows)
{
	JsonbValue *first = JsonContainerSize(rows) == 0 ? NULL : getIthJsonbValueFromContainer(rows, 0);
	int columns;

	if (first == NULL)
		return 0;
	columns = first->type == jbvBinary && JsonContainerIsArray(first->val.binary.data)
		? (int) JsonContainerSize(first->val.binary.data) - 1
		: 0;
	if (columns >= 1 && columns <= FIT_MAX_COVARIATES)
		return columns;
	json_fail(in, "An element of \"steps\" must be an array of a day and 1 to %d covariates.", FIT_MAX_COVARIATES);
	return -1;
}

static bool
read_steps(JsonInput *in, JsonbContainer *rows, PathSteps *steps)
{
	uint32 count = JsonContainerSize(rows);
	int columns = row_columns(in, rows);

	if (columns < 0)
		return false;
	if (count > PATH_MAX_STEPS)
		return json_fail(in, "There are more than %d steps.", PATH_MAX_STEPS);
	*steps = (PathSteps){
		.columns = columns,
		.count = count,
		.from = palloc_array(int32, Max(1, count)),
		.covariates = palloc_array(double, Max(1, count * columns)),
	};
	for (uint32 i = 0; i < count; i++)
	{
		JsonbContainer *row = json_row(in, rows, i, columns + 1, "steps");

		CHECK_FOR_INTERRUPTS();
		if (row == NULL || !json_read_date(in, getIthJsonbValueFromContainer(row, 0), "day", &steps->from[i]) ||
			!read_covariates(in, row, path_step_covariates(steps, i), columns))
			return false;
		if (i > 0 && steps->from[i] <= steps->from[i - 1])
			return json_fail(in, "The steps must be in the order of their days.");
	}
	return true;
}

PG_FUNCTION_INFO_V1(covariate_path_in);
Datum
covariate_path_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {"steps", "left_out", NULL};
	JsonInput in = {"covariate_path", fcinfo->context};
	CovariatePath path = {0};
	JsonbContainer *object;
	JsonbContainer *rows;
	const char *base64;
	const char *problem;
	Size length;

	if (state_text_find(PG_GETARG_CSTRING(0), &base64, &length))
	{
		if (!read_state(&in, base64, length, &path))
			PG_RETURN_NULL();
		PG_RETURN_POINTER(path_pack(&path));
	}
	object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	if (object == NULL || !json_check_members(&in, object, members) ||
		!json_array_member(&in, object, "steps", false, &rows) ||
		!json_optional_count(&in, object, "left_out", PG_INT64_MAX, &path.left_out) ||
		!read_steps(&in, rows, &path.steps))
		PG_RETURN_NULL();
	problem = path_problem(&path);
	if (problem != NULL)
	{
		json_fail(&in, "It cannot be used: %s.", problem);
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(path_pack(&path));
}

PG_FUNCTION_INFO_V1(covariate_path_out);
Datum
covariate_path_out(PG_FUNCTION_ARGS)
{
	CovariatePath path = covariate_path_get(PG_GETARG_DATUM(0));
	StringInfoData out;

	if (agg_state_to_read(PG_GETARG_DATUM(0)) != NULL)
	{
		struct varlena *stored = agg_state_stored(PG_GETARG_DATUM(0));

		PG_RETURN_CSTRING(
			state_text_write("covariate_path", (const uint8 *) VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored)));
	}
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	if (path.left_out > 0)
		appendStringInfo(&out, "\"left_out\": " INT64_FORMAT ", ", path.left_out);
	appendStringInfoString(&out, "\"steps\": [");
	for (uint32 i = 0; i < path.steps.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfoString(&out, i == 0 ? "[" : ", [");
		json_append_date(&out, path.steps.from[i]);
		for (int k = 0; k < path.steps.columns; k++)
		{
			appendStringInfoString(&out, ", ");
			json_append_float(&out, path_step_covariates(&path.steps, i)[k]);
		}
		appendStringInfoChar(&out, ']');
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

/* The bytes are untrusted (COPY BINARY): everything is checked. */
PG_FUNCTION_INFO_V1(covariate_path_recv);
Datum
covariate_path_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	CovariatePath path;
	const char *problem;
	StateBytes bytes;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed("covariate_path", "the version is unknown");
	bytes.at = (const uint8 *) in->data + in->cursor;
	bytes.end = (const uint8 *) in->data + in->len;
	in->cursor = in->len;
	problem = get_path(&bytes, &path);
	if (problem != NULL)
		bytes_malformed("covariate_path", problem);
	PG_RETURN_POINTER(path_pack(&path));
}

PG_FUNCTION_INFO_V1(covariate_path_send);
Datum
covariate_path_send(PG_FUNCTION_ARGS)
{
	CovariatePath path = covariate_path_get(PG_GETARG_DATUM(0));
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	put_path(&out, &path);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* The covariates of a step as an SQL array, NULL for those that are not known. */
static Datum
covariates_array(const PathSteps *steps, uint32 place)
{
	Datum elements[FIT_MAX_COVARIATES];
	bool nulls[FIT_MAX_COVARIATES];
	int dims[1] = {steps->columns};
	int lower[1] = {1};

	for (int k = 0; k < steps->columns; k++)
	{
		double covariate = path_step_covariates(steps, place)[k];

		elements[k] = Float8GetDatum(covariate);
		nulls[k] = isnan(covariate);
	}
	return PointerGetDatum(construct_md_array(elements, nulls, 1, dims, lower, FLOAT8OID, sizeof(double),
											  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* path_steps(covariate_path) → setof (valid_from, valid_until, covariates) */
PG_FUNCTION_INFO_V1(covariate_path_steps);
Datum
covariate_path_steps(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	CovariatePath path = covariate_path_get(PG_GETARG_DATUM(0));

	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; i < path.steps.count; i++)
	{
		bool last = i + 1 == path.steps.count;
		Datum values[3] = {
			DateADTGetDatum(path.steps.from[i]),
			last ? (Datum) 0 : DateADTGetDatum(path.steps.from[i + 1]),
			covariates_array(&path.steps, i),
		};
		bool nulls[3] = {false, last, false};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* covariates_on(covariate_path, day) → float8[]; NULL before the first step */
PG_FUNCTION_INFO_V1(covariates_on);
Datum
covariates_on(PG_FUNCTION_ARGS)
{
	CovariatePath path = covariate_path_get(PG_GETARG_DATUM(0));
	int64 place = path_steps_find(&path.steps, finite_day_argument(fcinfo, 1, "day", NULL));

	if (place < 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(covariates_array(&path.steps, (uint32) place));
}

/* path_left_out(covariate_path) → bigint: rows without a day */
PG_FUNCTION_INFO_V1(covariate_path_left_out);
Datum
covariate_path_left_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(covariate_path_get(PG_GETARG_DATUM(0)).left_out);
}

bool
path_from(const CovariatePath *path, DateADT first, DateADT until, PathSteps *steps)
{
	const PathSteps *all = &path->steps;
	int64 begin = path_steps_find(all, first);

	*steps = (PathSteps){.columns = all->columns};
	if (begin < 0)
		return false;
	steps->from = palloc_array(int32, all->count - begin);
	steps->covariates = palloc_array(double, (all->count - begin) * all->columns);
	for (uint32 i = (uint32) begin; i < all->count && (i == begin || all->from[i] <= until); i++)
	{
		const double *covariates = path_step_covariates(all, i);

		for (int k = 0; k < all->columns; k++)
			if (isnan(covariates[k]))
				return false;
		if (i > begin && path_steps_equal(all, i - 1, i))
			continue;
		steps->from[steps->count] = i == begin ? 0 : all->from[i] - first;
		memcpy(path_step_covariates(steps, steps->count), covariates, all->columns * sizeof(double));
		steps->count++;
	}
	return true;
}
