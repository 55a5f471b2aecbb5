/*
 * retention_io.c
 *	  The text and binary forms of retention_base and retention_model.
 *
 * Base:	{"period_months": 12, "tenures": [[tenure, ended, alive], …]}
 * Model:	{"model": "sbg", "period_months": 12, "params": {"alpha": 0.668, "beta": 3.806},
 *			 "fit": {…}}
 *
 *			with "period_days" instead where periods are days. A model with known
 *			parameters can be given as text; "fit" tells how they were found:
 *			converged, iterations, log_likelihood, customers, …, and the
 *			covariance of the log parameters, lower triangle by rows.
 *
 * Binary:	version byte, months and days (int32 each), and then for a base the
 *			number of cells (int32) and tenure (int32), ended and alive (int64
 *			each) of every cell in order; for a model its fields in order
 */
#include "compat.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "retention/retention.h"
#include "support/bytes.h"
#include "support/fit_record.h"

#define WIRE_VERSION 1
#define WIRE_CELL_BYTES 20

#define ST_SORT sort_cells
#define ST_ELEMENT_TYPE ContractCell
#define ST_COMPARE(a, b) ((a)->tenure < (b)->tenure ? -1 : (a)->tenure > (b)->tenure)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* The JSON member "period_months" or "period_days", of which there must be one. */
static void
append_period(StringInfo out, PeriodLength period)
{
	if (period.months > 0)
		appendStringInfo(out, "\"period_months\": %d", period.months);
	else
		appendStringInfo(out, "\"period_days\": %d", period.days);
}

static bool
read_period(JsonInput *in, JsonbContainer *object, PeriodLength *period)
{
	JsonbValue *in_months = json_member(object, "period_months");
	JsonbValue *in_days = json_member(object, "period_days");
	int64 count;

	*period = (PeriodLength){0};
	if ((in_months == NULL) == (in_days == NULL))
		return json_fail(in, "Either \"period_months\" or \"period_days\" must say how long a period is.");
	if (in_months != NULL)
	{
		if (!json_read_int(in, in_months, "period_months", 1, PERIOD_MAX_MONTHS, &count))
			return false;
		period->months = (int32) count;
	}
	else
	{
		if (!json_read_int(in, in_days, "period_days", 1, PERIOD_MAX_DAYS, &count))
			return false;
		period->days = (int32) count;
	}
	return true;
}

static bool
read_cell(JsonInput *in, JsonbContainer *rows, uint32 place, ContractCell *cell)
{
	JsonbContainer *row = json_row(in, rows, place, 3, "tenures");
	int64 tenure, ended, alive;

	if (row == NULL ||
		!json_read_int(in, getIthJsonbValueFromContainer(row, 0), "tenure", 0, CONTRACT_MAX_TENURE, &tenure) ||
		!json_read_int(in, getIthJsonbValueFromContainer(row, 1), "ended", 0, PG_INT64_MAX, &ended) ||
		!json_read_int(in, getIthJsonbValueFromContainer(row, 2), "alive", 0, PG_INT64_MAX, &alive))
		return false;
	*cell = (ContractCell){(uint32) tenure, ended, alive};
	return true;
}

PG_FUNCTION_INFO_V1(retention_base_in);
Datum
retention_base_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {"period_months", "period_days", "tenures", NULL};
	JsonInput in = {"retention_base", fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	JsonbContainer *rows;
	RetentionBase base = {0};

	if (object == NULL || !json_check_members(&in, object, members) || !read_period(&in, object, &base.period) ||
		!json_array_member(&in, object, "tenures", false, &rows))
		PG_RETURN_NULL();

	base.cells = palloc_array(ContractCell, Max(1, JsonContainerSize(rows)));
	for (uint32 i = 0; i < JsonContainerSize(rows); i++)
	{
		ContractCell *cell = &base.cells[base.n_cells];

		CHECK_FOR_INTERRUPTS();
		if (!read_cell(&in, rows, i, cell))
			PG_RETURN_NULL();
		if (cell->ended > 0 || cell->alive > 0)
			base.n_cells++; /* zero counts are dropped */
	}

	sort_cells(base.cells, base.n_cells);
	for (uint32 i = 1; i < base.n_cells; i++)
		if (base.cells[i].tenure == base.cells[i - 1].tenure)
		{
			json_fail(&in, "\"tenures\" has tenure %u twice.", base.cells[i].tenure);
			PG_RETURN_NULL();
		}

	const char *problem = retention_base_problem(&base);

	if (problem != NULL)
	{
		json_fail(&in, "It cannot be used: %s.", problem);
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(retention_base_pack(&base));
}

PG_FUNCTION_INFO_V1(retention_base_out);
Datum
retention_base_out(PG_FUNCTION_ARGS)
{
	RetentionBase base = PG_GETARG_RETENTION_BASE(0);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	append_period(&out, base.period);
	appendStringInfoString(&out, ", \"tenures\": [");
	for (uint32 i = 0; i < base.n_cells; i++)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfo(&out, "%s[%u, " INT64_FORMAT ", " INT64_FORMAT "]", i == 0 ? "" : ", ", base.cells[i].tenure,
						 (int64) base.cells[i].ended, (int64) base.cells[i].alive);
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(retention_base_send);
Datum
retention_base_send(PG_FUNCTION_ARGS)
{
	RetentionBase base = PG_GETARG_RETENTION_BASE(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendint32(&out, (uint32) base.period.months);
	pq_sendint32(&out, (uint32) base.period.days);
	pq_sendint32(&out, base.n_cells);
	for (uint32 i = 0; i < base.n_cells; i++)
	{
		CHECK_FOR_INTERRUPTS();
		pq_sendint32(&out, base.cells[i].tenure);
		pq_sendint64(&out, (uint64) base.cells[i].ended);
		pq_sendint64(&out, (uint64) base.cells[i].alive);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* The bytes are untrusted (COPY BINARY): everything is checked. */
PG_FUNCTION_INFO_V1(retention_base_recv);
Datum
retention_base_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	RetentionBase base = {0};

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed("retention_base", "the version is unknown");
	base.period.months = (int32) pq_getmsgint(in, 4);
	base.period.days = (int32) pq_getmsgint(in, 4);
	base.n_cells = pq_getmsgint(in, 4);
	if ((uint64) base.n_cells * WIRE_CELL_BYTES != (uint64) (in->len - in->cursor))
		bytes_malformed("retention_base", "the length does not fit the number of tenures");

	base.cells = palloc_array(ContractCell, Max(1, base.n_cells));
	for (uint32 i = 0; i < base.n_cells; i++)
	{
		CHECK_FOR_INTERRUPTS();
		base.cells[i].tenure = pq_getmsgint(in, 4);
		base.cells[i].ended = pq_getmsgint64(in);
		base.cells[i].alive = pq_getmsgint64(in);
	}

	const char *problem = retention_base_problem(&base);

	if (problem != NULL)
		bytes_malformed("retention_base", problem);
	PG_RETURN_POINTER(retention_base_pack(&base));
}

static bool
read_params(JsonInput *in, JsonbContainer *object, const ContractModel *kind, RetentionModel *model)
{
	const char *keys[CONTRACT_MAX_PARAMS + 1] = {NULL};

	memcpy(keys, kind->param_names, kind->n_params * sizeof(*keys));
	if (!json_check_members(in, object, keys))
		return false;
	for (int i = 0; i < kind->n_params; i++)
		if (!json_read_float(in, json_member(object, keys[i]), keys[i], &model->params[i]))
			return false;
	return true;
}

static double *
covariance_at(const void *model, int i)
{
	return &((RetentionModel *) unconstify(void *, model))->covariance[i];
}

/* The fit record of a model. */
static FitRecord
fit_of_model(const RetentionModel *model, const ContractModel *kind)
{
	return (FitRecord){
		.converged = model->converged,
		.iterations = model->iterations,
		.log_likelihood = model->log_likelihood,
		.customers = model->customers,
		.count_name = "ended",
		.count = model->ended,
		.prior_sd = model->prior_sd,
		.unidentified = model->unidentified,
		.n_figures = kind->n_params,
		.names = kind->param_names,
		.covariance = covariance_at,
		.figures = model,
	};
}

static bool
read_fit(JsonInput *in, JsonbContainer *fit, const ContractModel *kind, RetentionModel *model)
{
	FitRecord record = fit_of_model(model, kind);

	if (!fit_record_read(in, fit, &record))
		return false;
	model->fitted = true;
	model->converged = record.converged;
	model->iterations = record.iterations;
	model->log_likelihood = record.log_likelihood;
	model->customers = record.customers;
	model->ended = record.count;
	model->prior_sd = record.prior_sd;
	model->unidentified = (uint8) record.unidentified;
	return true;
}

/* The model in an object; NULL after a soft error. */
static RetentionModel *
read_model(JsonInput *in, JsonbContainer *object)
{
	PeriodLength period;
	JsonbContainer *params, *fit;
	char *name = json_read_text(in, json_member(object, "model"), "model");

	if (name == NULL || !read_period(in, object, &period) || !json_object_member(in, object, "params", true, &params) ||
		!json_object_member(in, object, "fit", true, &fit))
		return NULL;

	const ContractModel *kind = contract_model_by_name(name);

	if (kind == NULL || params == NULL)
	{
		if (kind == NULL)
			json_fail(in, "There is no model \"%s\". There are %s.", json_excerpt(name, strlen(name)),
					  retention_model_names("", " and "));
		else
			json_fail(in, "Member \"params\" is missing.");
		return NULL;
	}

	RetentionModel *model = retention_model_make(kind, period);

	if (!read_params(in, params, kind, model) || (fit != NULL && !read_fit(in, fit, kind, model)))
		return NULL;
	return model;
}

PG_FUNCTION_INFO_V1(retention_model_in);
Datum
retention_model_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {"model", "period_months", "period_days", "params", "fit", NULL};
	JsonInput in = {"retention_model", fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));

	if (object == NULL || !json_check_members(&in, object, members))
		PG_RETURN_NULL();

	RetentionModel *model = read_model(&in, object);

	if (model == NULL)
		PG_RETURN_NULL();

	const char *problem = retention_model_problem(model);

	if (problem != NULL)
	{
		json_fail(&in, "It cannot be used: %s.", problem);
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(model);
}

PG_FUNCTION_INFO_V1(retention_model_out);
Datum
retention_model_out(PG_FUNCTION_ARGS)
{
	const RetentionModel *model = PG_GETARG_RETENTION_MODEL(0);
	const ContractModel *kind = retention_model_kind(model);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"model\": \"%s\", ", kind->name);
	append_period(&out, model->period);
	appendStringInfoString(&out, ", \"params\": {");
	for (int i = 0; i < kind->n_params; i++)
	{
		appendStringInfo(&out, "%s\"%s\": ", i == 0 ? "" : ", ", kind->param_names[i]);
		json_append_float(&out, model->params[i]);
	}
	appendStringInfoChar(&out, '}');
	if (model->fitted)
	{
		FitRecord record = fit_of_model(model, kind);

		fit_record_append(&out, "fit", &record);
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(retention_model_send);
Datum
retention_model_send(PG_FUNCTION_ARGS)
{
	const RetentionModel *model = PG_GETARG_RETENTION_MODEL(0);
	int n = retention_model_kind(model)->n_params;
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendint32(&out, (uint32) model->period.months);
	pq_sendint32(&out, (uint32) model->period.days);
	pq_sendbyte(&out, model->model_id);
	pq_sendbyte(&out, model->fitted);
	pq_sendbyte(&out, model->converged);
	pq_sendbyte(&out, model->unidentified);
	pq_sendint32(&out, (uint32) model->iterations);
	pq_sendint64(&out, (uint64) model->customers);
	pq_sendint64(&out, (uint64) model->ended);
	pq_sendfloat8(&out, model->prior_sd);
	pq_sendfloat8(&out, model->log_likelihood);
	for (int i = 0; i < n; i++)
		pq_sendfloat8(&out, model->params[i]);
	for (int i = 0; i < RETENTION_COVARIANCES(n); i++)
		pq_sendfloat8(&out, model->covariance[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* The bytes are untrusted (COPY BINARY): everything is checked. */
PG_FUNCTION_INFO_V1(retention_model_recv);
Datum
retention_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	PeriodLength period;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed("retention_model", "the version is unknown");
	period.months = (int32) pq_getmsgint(in, 4);
	period.days = (int32) pq_getmsgint(in, 4);

	const ContractModel *kind = contract_model_by_id(pq_getmsgbyte(in));

	if (kind == NULL)
		bytes_malformed("retention_model", "the model is unknown");

	RetentionModel *model = retention_model_make(kind, period);

	model->fitted = receive_flag(in, "retention_model");
	model->converged = receive_flag(in, "retention_model");
	model->unidentified = pq_getmsgbyte(in);
	model->iterations = (int32) pq_getmsgint(in, 4);
	model->customers = pq_getmsgint64(in);
	model->ended = pq_getmsgint64(in);
	model->prior_sd = receive_float8(in);
	model->log_likelihood = receive_float8(in);
	for (int i = 0; i < kind->n_params; i++)
		model->params[i] = receive_float8(in);
	for (int i = 0; i < RETENTION_COVARIANCES(kind->n_params); i++)
		model->covariance[i] = receive_float8(in);

	const char *problem = retention_model_problem(model);

	if (problem != NULL)
		bytes_malformed("retention_model", problem);
	PG_RETURN_POINTER(model);
}
