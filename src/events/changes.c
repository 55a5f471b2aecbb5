/*
 * changes.c
 *	  Whether one customer's rate of orders has changed, or their mix of categories; and
 *	  which events were missed.
 */
#include "compat.h"

#include <ctype.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/formatting.h"
#include "utils/timestamp.h"

#include "contacts/contacts.h"
#include "events/events.h"
#include "history/history.h"
#include "rates/rates.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/result.h"

/* rate_change(history, as_of, prior) → (changed_on, rate_before, rate_after, log_lr, p, prob, log_bayes_factor, status) */
PG_FUNCTION_INFO_V1(purchase_rate_change);
Datum
purchase_rate_change(PG_FUNCTION_ARGS)
{
	DateADT as_of = finite_day_argument(fcinfo, 1, "as_of", NULL);
	double prior =
		share_argument(fcinfo, 2, "prior",
					   "It is the probability that a customer's rate has changed, before the orders are seen.");
	Datum history = PointerGetDatum(PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0)));
	HistorySummary summary = history_summarise(history, as_of);
	int *orders = palloc_array(int, Max(1, summary.transactions));
	RateChange change = {0, NAN, NAN, NAN, NAN, NAN, NAN, false};
	HistoryReader reader;
	PurchaseDay day;
	int count = 0;
	Datum values[8];
	bool nulls[8] = {false};

	history_open(&reader, history, as_of);
	while (history_next_day(&reader, &day))
		if (day.orders > 0 && day.day > summary.first)
			orders[count++] = day.day - summary.first;
	if (summary.transactions > 0)
		change = rate_change(orders, count, as_of - summary.first, prior);
	nulls[0] = isnan(change.log_lr);
	values[0] = DateADTGetDatum(nulls[0] ? 0 : summary.first + change.changed);
	set_float(values, nulls, 1, change.rate_before);
	set_float(values, nulls, 2, change.rate_after);
	set_float(values, nulls, 3, change.log_lr);
	set_float(values, nulls, 4, change.p);
	set_float(values, nulls, 5, change.prob);
	set_float(values, nulls, 6, change.log_bayes_factor);
	values[7] = CStringGetTextDatum(isnan(change.log_lr) ? "too_few" : change.at_edge ? "at_the_edge" : "ok");
	return row_result(fcinfo, values, nulls);
}

/* Counts of categories; NULL is none, as an outer join of both mixes gives it. */
static double *
counts_argument(FunctionCallInfo fcinfo, int argno, const char *name, int *count)
{
	Datum *elements;
	bool *nulls;
	double *counts;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argno), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements,
					  &nulls, count);
	counts = palloc_array(double, Max(1, *count));
	for (int i = 0; i < *count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		counts[i] = nulls[i] ? 0.0 : (double) DatumGetInt64(elements[i]);
		if (counts[i] < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must not be negative, but element %d is %.0f", name, i + 1, counts[i])));
	}
	return counts;
}

/* mix_change(before, after) → (g, df, p, log_bayes_factor) */
PG_FUNCTION_INFO_V1(purchase_mix_change);
Datum
purchase_mix_change(PG_FUNCTION_ARGS)
{
	int n_before;
	int n_after;
	double *before = counts_argument(fcinfo, 0, "before", &n_before);
	double *after = counts_argument(fcinfo, 1, "after", &n_after);
	MixChange change;
	Datum values[4];
	bool nulls[4] = {false};

	if (n_before != n_after)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("before and after must have as many elements, but have %d and %d", n_before, n_after),
				 errhint("Each element counts one category, in the same order.")));
	change = mix_change(before, after, n_before);
	set_float(values, nulls, 0, change.g);
	values[1] = Int32GetDatum(isnan(change.df) ? 0 : (int32) change.df);
	nulls[1] = isnan(change.df);
	set_float(values, nulls, 2, change.p);
	set_float(values, nulls, 3, change.log_bayes_factor);
	return row_result(fcinfo, values, nulls);
}

/* Kinds of events that nobody is contacted about, or counted with, who has not said so. */
static const char *const sensitive_kinds[] = {
	"adopted",   "adoption",   "bankrupt",    "bankruptcies", "bankruptcy", "bereaved",     "bereavement", "birth",
	"dead",      "death",      "debt",        "deceased",     "died",       "disabilities", "disability",  "disabled",
	"divorce",   "divorced",   "fertility",   "funeral",      "health",     "ill",          "illness",     "job loss",
	"marriage",  "married",    "miscarriage", "pregnancies",  "pregnancy",  "pregnant",     "religion",    "religious",
	"separated", "separation", "sexuality",   "sick",         "sickness",   "stillbirth",   "wedding",     "widowed",
};

/* A kind without what surrounds it, in small letters with blanks between words. */
static char *
plain_kind(const text *kind)
{
	char *name = asc_tolower(VARDATA_ANY(kind), VARSIZE_ANY_EXHDR(kind));
	char *end;

	for (char *at = name; *at != '\0'; at++)
		if (*at == '_' || *at == '-' || isspace((unsigned char) *at))
			*at = ' ';
	while (*name == ' ')
		name++;
	end = name + strlen(name);
	while (end > name && end[-1] == ' ')
		*--end = '\0';
	return name;
}

/* Letters, digits, and all that is not ASCII. */
static bool
is_of_word(char c)
{
	return IS_HIGHBIT_SET(c) || isalnum((unsigned char) c);
}

/* Whether these words stand among those of a kind: "birth of a child" is a birth, "weddings" are, and "birthday" is none. */
static bool
has_words(const char *kind, const char *words)
{
	size_t length = strlen(words);

	for (const char *at = kind; (at = strstr(at, words)) != NULL; at++)
	{
		const char *end = at + length;

		end += strncmp(end, "es", 2) == 0 ? 2 : *end == 's' ? 1 : 0;
		if ((at == kind || !is_of_word(at[-1])) && !is_of_word(*end))
			return true;
	}
	return false;
}

/* Whether an event may be used: with consent, or without a refusal if it has a kind that is not sensitive. */
static bool
may_use_event(text *kind, bool knows, bool consent)
{
	char *name;

	if (knows)
		return consent;
	name = plain_kind(kind);
	for (int i = 0; i < lengthof(sensitive_kinds); i++)
		if (has_words(name, sensitive_kinds[i]))
			return false;
	return *name != '\0';
}

/* event_allowed(kind, consent) → boolean */
PG_FUNCTION_INFO_V1(event_allowed);
Datum
event_allowed(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(may_use_event(PG_GETARG_TEXT_PP(0), !PG_ARGISNULL(1), !PG_ARGISNULL(1) && PG_GETARG_BOOL(1)));
}

/* Whether there is a contact from the day of the event on, within so many days (UTC) and until the last day. */
static bool
contacted_within(const CountValue *log, DateADT event_on, int32 days, DateADT last_day)
{
	int64 since = (int64) event_on * SECS_PER_DAY - MIN_TIMESTAMP / USECS_PER_SEC;
	int64 until = since + Min((int64) days, (int64) last_day + 1 - event_on) * SECS_PER_DAY;

	for (uint32 i = 0; i < log->count && log->entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
		if ((int64) log->entries[i].detail >= since && (int64) log->entries[i].detail < until)
			return true;
	return false;
}

/* The last arguments of both functions below: log, within_days. A customer without a log has had no contact. */
static bool
contacted_argument(FunctionCallInfo fcinfo, int event_at, DateADT last_day)
{
	DateADT event_on = finite_day_argument(fcinfo, event_at, "event_on", NULL);
	int32 days = int_argument(fcinfo, event_at + 2, "within_days", 1, STUDY_MOST_DAYS, NULL);
	CountValue log = {0};

	if (!PG_ARGISNULL(event_at + 1))
		log = count_value_get(&contact_log_type, PG_GETARG_DATUM(event_at + 1));
	return contacted_within(&log, event_on, days, last_day);
}

/* Whether the days in which an event may be followed go on after a day; without one they are over. */
static bool
is_open(FunctionCallInfo fcinfo)
{
	return !PG_ARGISNULL(5) &&
		(int64) finite_day_argument(fcinfo, 5, "as_of", NULL) + 1 < (int64) PG_GETARG_DATEADT(1) + PG_GETARG_INT32(3);
}

/* event_status(kind, event_on, log, within_days, consent, as_of) → text */
PG_FUNCTION_INFO_V1(event_status);
Datum
event_status(PG_FUNCTION_ARGS)
{
	const char *status = "no_consent";

	if (any_null(fcinfo, 0, 1) || PG_ARGISNULL(3))
		PG_RETURN_NULL();
	if (may_use_event(PG_GETARG_TEXT_PP(0), !PG_ARGISNULL(4), !PG_ARGISNULL(4) && PG_GETARG_BOOL(4)))
	{
		DateADT last_day = PG_ARGISNULL(5) ? DATEVAL_NOEND : finite_day_argument(fcinfo, 5, "as_of", NULL);

		status = contacted_argument(fcinfo, 1, last_day) ? "contacted" : is_open(fcinfo) ? "open" : "missed";
	}
	PG_RETURN_TEXT_P(cstring_to_text(status));
}

/* event_contacts(kind, event_on, log, within_days [, consent]): transition */
AGG_FUNCTION_INFO_V1(event_contacts_add);
static Datum
event_contacts_add_in_group(PG_FUNCTION_ARGS)
{
	RateIndexState *state;
	const char *name;
	uint32 name_bytes;
	bool knows = PG_NARGS() > 5 && !PG_ARGISNULL(5);
	bool contacted;

	if (any_null(fcinfo, 1, 2) || PG_ARGISNULL(4) ||
		!may_use_event(PG_GETARG_TEXT_PP(1), knows, knows && PG_GETARG_BOOL(5)))
	{
		state = rate_index_state(fcinfo);
		rate_index_leave_out(state);
		return agg_state_result(fcinfo, &state->growing);
	}
	name = rate_segment_argument(fcinfo, 1, &name_bytes);
	contacted = contacted_argument(fcinfo, 2, DATEVAL_NOEND);
	state = rate_index_state(fcinfo);
	rate_index_count(state, name, name_bytes, contacted, 1);
	return agg_state_result(fcinfo, &state->growing);
}
