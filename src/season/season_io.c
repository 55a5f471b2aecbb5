/*
 * season_io.c
 *	  The text and binary forms of season.
 */
#include "compat.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "miscadmin.h"

#include "season/season.h"
#include "support/bytes.h"

#define WIRE_VERSION 1

void
season_append(StringInfo out, const Season *season)
{
	SeasonBy by = (SeasonBy) season->by;
	const int64 *counts = season_counts_of(season);

	appendStringInfo(out, "{\"by\": \"%s\"", season_by_names[by]);
	if (season_has_factors(season))
	{
		appendStringInfoString(out, ", \"factors\": ");
		json_append_floats(out, season_factors_of(season), season_slots(by));
	}
	for (int i = 0; counts != NULL && i < season_slots(by); i++)
		appendStringInfo(out, "%s" INT64_FORMAT, i == 0 ? ", \"counts\": [" : ", ", counts[i]);
	if (counts != NULL)
		appendStringInfoChar(out, ']');
	for (int i = 0; i < season->n_days; i++)
	{
		const SeasonDay *day = &season_days_of(season)[i];

		CHECK_FOR_INTERRUPTS();
		appendStringInfoString(out, i == 0 ? ", \"days\": [[" : ", [");
		json_append_date(out, day->day);
		appendStringInfoString(out, ", ");
		json_append_float(out, day->factor);
		appendStringInfoChar(out, ']');
	}
	if (season->n_days > 0)
		appendStringInfoChar(out, ']');
	appendStringInfoString(out, season_is_weak(season) ? ", \"weak\": true}" : "}");
}

PG_FUNCTION_INFO_V1(season_out);
Datum
season_out(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	initStringInfo(&out);
	season_append(&out, PG_GETARG_SEASON(0));
	PG_RETURN_CSTRING(out.data);
}

/* Member "by"; false after a soft error. */
static bool
read_by(JsonInput *in, JsonbContainer *object, SeasonBy *by)
{
	char *name = json_read_text(in, json_member(object, "by"), "by");

	if (name == NULL)
		return false;
	for (int i = 0; i < SEASON_BYS; i++)
		if (strcmp(season_by_names[i], name) == 0)
		{
			*by = (SeasonBy) i;
			return true;
		}
	return json_fail(in, "\"by\" must be month, week, day or year, not \"%s\".", json_excerpt(name, strlen(name)));
}

/* A member that is missing, or has a number for each slot. */
static bool
read_slots(JsonInput *in, JsonbContainer *object, const char *key, SeasonBy by, JsonbContainer **array)
{
	if (!json_array_member(in, object, key, true, array))
		return false;
	return *array == NULL || JsonContainerSize(*array) == season_slots(by) ||
		json_fail(in, "\"%s\" must have %d elements.", key, season_slots(by));
}

static bool
read_numbers(JsonInput *in, JsonbContainer *factors, JsonbContainer *counts, Season *season)
{
	for (int i = 0; i < season_slots((SeasonBy) season->by); i++)
		if ((factors != NULL &&
			 !json_read_float(in, getIthJsonbValueFromContainer(factors, i), "factors",
							  &season_factors_of(season)[i])) ||
			(counts != NULL &&
			 !json_read_int(in, getIthJsonbValueFromContainer(counts, i), "counts", 0, (int64) SEASON_MOST_COUNTED,
							&season_counts_of(season)[i])))
			return false;
	return true;
}

static bool
read_days(JsonInput *in, JsonbContainer *array, Season *season)
{
	for (int i = 0; i < season->n_days; i++)
	{
		SeasonDay *day = &season_days_of(season)[i];
		JsonbContainer *row = json_row(in, array, i, 2, "days");
		DateADT date;

		CHECK_FOR_INTERRUPTS();
		if (row == NULL || !json_read_date(in, getIthJsonbValueFromContainer(row, 0), "days", &date) ||
			!json_read_float(in, getIthJsonbValueFromContainer(row, 1), "days", &day->factor))
			return false;
		day->day = date;
	}
	return true;
}

Season *
season_read(JsonInput *in, JsonbContainer *object)
{
	static const char *const members[] = {"by", "factors", "counts", "days", "weak", NULL};
	JsonbContainer *factors, *counts, *days;
	const char *problem;
	Season *season;
	SeasonBy by = SEASON_BY_YEAR;
	bool weak = false;
	int n_days;

	if (!json_check_members(in, object, members) || !read_by(in, object, &by) ||
		!read_slots(in, object, "factors", by, &factors) || !read_slots(in, object, "counts", by, &counts) ||
		!json_array_member(in, object, "days", true, &days) ||
		(json_member(object, "weak") != NULL && !json_read_bool(in, json_member(object, "weak"), "weak", &weak)))
		return NULL;
	n_days = days == NULL ? 0 : JsonContainerSize(days);
	if (n_days > SEASON_MAX_DAYS)
	{
		json_fail(in, "\"%s\" has more than %d elements.", "days", SEASON_MAX_DAYS);
		return NULL;
	}
	season =
		season_make(by, (factors != NULL ? SEASON_HAS_FACTORS : 0) | (counts != NULL ? SEASON_HAS_COUNTS : 0), n_days);
	if (!read_numbers(in, factors, counts, season) || !read_days(in, days, season))
		return NULL;
	season->has |= weak ? SEASON_IS_WEAK : 0;
	problem = season_problem(season);
	if (problem != NULL)
	{
		json_fail(in, "It cannot be used: %s.", problem);
		return NULL;
	}
	if (factors != NULL)
		season_complete(season);
	return season;
}

PG_FUNCTION_INFO_V1(season_in);
Datum
season_in(PG_FUNCTION_ARGS)
{
	JsonInput in = {"season", fcinfo->context};
	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	Season *season = object == NULL ? NULL : season_read(&in, object);

	if (season == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(season);
}

void
season_write(StringInfo out, const Season *season)
{
	int slots = season_slots((SeasonBy) season->by);

	pq_sendbyte(out, WIRE_VERSION);
	pq_sendbyte(out, season->by);
	pq_sendbyte(out, season->has);
	pq_sendint32(out, season->n_days);
	for (int i = 0; season_has_factors(season) && i < slots; i++)
		pq_sendfloat8(out, season_factors_of(season)[i]);
	for (int i = 0; season_has_counts(season) && i < slots; i++)
		pq_sendint64(out, season_counts_of(season)[i]);
	for (int i = 0; i < season->n_days; i++)
	{
		CHECK_FOR_INTERRUPTS();
		pq_sendint32(out, (uint32) season_days_of(season)[i].day);
		pq_sendfloat8(out, season_days_of(season)[i].factor);
	}
}

PG_FUNCTION_INFO_V1(season_send);
Datum
season_send(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	pq_begintypsend(&out);
	season_write(&out, PG_GETARG_SEASON(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* The bytes are untrusted: the number of days is held against what is left of them before memory is taken. */
Season *
season_receive(StringInfo in, const char *type)
{
	const char *problem;
	Season *season;
	int by, has, n_days;

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed(type, "the version of the season is unknown");
	by = pq_getmsgbyte(in);
	has = pq_getmsgbyte(in);
	n_days = (int) pq_getmsgint(in, 4);
	if (by >= SEASON_BYS || (has & ~(SEASON_HAS_FACTORS | SEASON_HAS_COUNTS | SEASON_IS_WEAK)) != 0)
		bytes_malformed(type, "the kind of the season is unknown");
	if (n_days < 0 || n_days > SEASON_MAX_DAYS || n_days > (in->len - in->cursor) / 12)
		bytes_malformed(type, "there are too many days in the table of the season");
	season = season_make((SeasonBy) by, has, n_days);
	for (int i = 0; season_has_factors(season) && i < season_slots((SeasonBy) by); i++)
		season_factors_of(season)[i] = receive_float8(in);
	for (int i = 0; season_has_counts(season) && i < season_slots((SeasonBy) by); i++)
		season_counts_of(season)[i] = pq_getmsgint64(in);
	for (int i = 0; i < n_days; i++)
	{
		CHECK_FOR_INTERRUPTS();
		season_days_of(season)[i].day = (DateADT) pq_getmsgint(in, 4);
		season_days_of(season)[i].factor = receive_float8(in);
	}
	problem = season_problem(season);
	if (problem != NULL)
		bytes_malformed(type, problem);
	if (season_has_factors(season))
		season_complete(season);
	return season;
}

PG_FUNCTION_INFO_V1(season_recv);
Datum
season_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(season_receive((StringInfo) PG_GETARG_POINTER(0), "season"));
}
