/*
 * fit_record.c
 *	  How the parameters of a model were obtained: read and written.
 */
#include "compat.h"

#include <math.h>

#include "support/fit_record.h"

/* The lower triangle, row by row; all unknown without the member. */
static bool
read_covariance(JsonInput *in, JsonbContainer *object, const FitRecord *record)
{
	JsonbContainer *numbers;
	int count = fit_record_covariances(record);

	if (!json_array_member(in, object, "covariance", true, &numbers))
		return false;
	if (numbers != NULL && JsonContainerSize(numbers) != count)
		return json_fail(in, "\"covariance\" must have %d numbers.", count);
	for (int i = 0; i < count; i++)
	{
		JsonbValue *number = numbers == NULL ? NULL : getIthJsonbValueFromContainer(numbers, i);
		double *covariance = record->covariance(record->figures, i);

		*covariance = NAN;
		if (number != NULL && number->type != jbvNull && !json_read_float(in, number, "covariance", covariance))
			return false;
	}
	return true;
}

/* The names of figures that are not identified. */
static bool
read_unidentified(JsonInput *in, JsonbContainer *object, FitRecord *record)
{
	JsonbContainer *figures;

	if (!json_array_member(in, object, "unidentified", true, &figures))
		return false;
	for (uint32 i = 0; figures != NULL && i < JsonContainerSize(figures); i++)
	{
		char *name = json_read_text(in, getIthJsonbValueFromContainer(figures, i), "unidentified");
		int figure = 0;

		if (name == NULL)
			return false;
		while (figure < record->n_figures && strcmp(record->names[figure], name) != 0)
			figure++;
		if (figure == record->n_figures)
			return json_fail(in, "There is no parameter \"%s\".", json_excerpt(name, strlen(name)));
		record->unidentified |= UINT64CONST(1) << figure;
	}
	return true;
}

bool
fit_record_read(JsonInput *in, JsonbContainer *object, FitRecord *record)
{
	const char *const members[] = {
		"converged",    "iterations",       "log_likelihood",
		"customers",    record->count_name, "prior_sd",
		"unidentified", "covariance",       record->has_penalty ? "penalty" : NULL,
		NULL,
	};
	int64 iterations = 0;
	JsonbValue *converged = json_member(object, "converged");

	record->log_likelihood = NAN;
	if (!json_check_members(in, object, members) ||
		(converged != NULL && !json_read_bool(in, converged, "converged", &record->converged)) ||
		!json_optional_count(in, object, "iterations", PG_INT32_MAX, &iterations) ||
		!json_optional_float(in, object, "log_likelihood", &record->log_likelihood) ||
		!json_optional_count(in, object, "customers", PG_INT64_MAX, &record->customers) ||
		!json_optional_count(in, object, record->count_name, PG_INT64_MAX, &record->count) ||
		(record->has_penalty && !json_optional_float(in, object, "penalty", &record->penalty)) ||
		!json_optional_float(in, object, "prior_sd", &record->prior_sd))
		return false;
	record->iterations = (int32) iterations;
	return read_unidentified(in, object, record) && read_covariance(in, object, record);
}

void
fit_record_append(StringInfo out, const char *member, const FitRecord *record)
{
	const char *separator = "";

	appendStringInfo(out, ", \"%s\": {\"converged\": %s, \"iterations\": %d, \"log_likelihood\": ", member,
					 record->converged ? "true" : "false", record->iterations);
	json_append_float(out, record->log_likelihood);
	appendStringInfo(out, ", \"customers\": " INT64_FORMAT ", \"%s\": " INT64_FORMAT, record->customers,
					 record->count_name, record->count);
	if (record->has_penalty)
	{
		appendStringInfoString(out, ", \"penalty\": ");
		json_append_float(out, record->penalty);
	}
	appendStringInfoString(out, ", \"prior_sd\": ");
	json_append_float(out, record->prior_sd);

	appendStringInfoString(out, ", \"unidentified\": [");
	for (int i = 0; i < record->n_figures; i++)
		if ((record->unidentified & (UINT64CONST(1) << i)) != 0)
		{
			appendStringInfoString(out, separator);
			json_append_text(out, record->names[i]);
			separator = ", ";
		}

	appendStringInfoString(out, "], \"covariance\": [");
	for (int i = 0; i < fit_record_covariances(record); i++)
	{
		appendStringInfoString(out, i == 0 ? "" : ", ");
		json_append_float(out, *record->covariance(record->figures, i));
	}
	appendStringInfoString(out, "]}");
}
