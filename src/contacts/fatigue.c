/*
 * fatigue.c
 *	  fatigue: how response and unsubscribing depend on recent contacts, and the cap.
 */
#include "compat.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "contacts/contacts.h"
#include "models/decision/fatigue.h"
#include "numerics/normal.h"
#include "numerics/tails.h"
#include "support/agg_group.h"
#include "support/args.h"

static const char *fatigue_problem(const CountValue *value);

const CountValueType fatigue_type = {
	.map =
		{
			.name = "fatigue",
			.max_entries = FATIGUE_DETAILS * (FATIGUE_MOST_RECENT + 1) + 1,
			.counted = "numbers of recent contacts",
			.hint = "Count the contacts of fewer days.",
			.pack = count_value_pack_state,
		},
	.rows_name = "contacts",
	.rows = COUNT_ROWS_BY_GROUP,
	.columns = FATIGUE_DETAILS,
	.max_group = FATIGUE_MOST_RECENT,
	.problem = fatigue_problem,
};

COUNT_VALUE_FUNCTIONS(fatigue, fatigue_type);

/* Nobody responds who was not contacted. */
static const char *
fatigue_problem(const CountValue *value)
{
	int64 heads = 0;

	for (uint32 i = 0; i < value->count && value->entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
	{
		const CountEntry *entry = &value->entries[i];

		if (entry->detail == FATIGUE_HEADS)
			heads = entry->value;
		else if (i == 0 || entry[-1].group != entry->group || entry->value > heads)
			return "there are more responses or unsubscriptions than contacts";
	}
	return NULL;
}

static int32
recent_argument(FunctionCallInfo fcinfo, int argno)
{
	int32 recent = PG_GETARG_INT32(argno);

	if (recent < 0 || recent > FATIGUE_MOST_RECENT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("recent_contacts must be between 0 and %d, but is %d", FATIGUE_MOST_RECENT, recent),
				 errhint("Contacts before this one, within the days that the cap is for.")));
	return recent;
}

/* A row that cannot be counted is counted as left out. */
static Datum
leave_out(FunctionCallInfo fcinfo)
{
	CountValueState *state = count_value_state(fcinfo, &fatigue_type, 0);

	count_map_add_hot(&state->map, COUNT_VALUE_LEFT_OUT, 0, 1);
	return agg_state_result(fcinfo, &state->map.growing);
}

static void
add_contacts(CountValueState *state, int32 recent, int64 heads, int64 responses, int64 unsubscribed)
{
	count_map_add_hot(&state->map, recent, FATIGUE_HEADS, heads);
	count_map_add_hot(&state->map, recent, FATIGUE_RESPONSES, responses);
	count_map_add_hot(&state->map, recent, FATIGUE_UNSUBSCRIBED, unsubscribed);
}

/* fatigue(recent_contacts, responded, unsubscribed): transition */
AGG_FUNCTION_INFO_V1(fatigue_add);
static Datum
fatigue_add_in_group(PG_FUNCTION_ARGS)
{
	CountValueState *state;

	for (int i = 1; i <= 3; i++)
		if (PG_ARGISNULL(i))
			return leave_out(fcinfo);

	int32 recent = recent_argument(fcinfo, 1);

	state = count_value_state(fcinfo, &fatigue_type, 0);
	add_contacts(state, recent, 1, PG_GETARG_BOOL(2), PG_GETARG_BOOL(3));
	return agg_state_result(fcinfo, &state->map.growing);
}

/* fatigue(recent_contacts, contacts, responses, unsubscribed): transition, from counts */
AGG_FUNCTION_INFO_V1(fatigue_add_counts);
static Datum
fatigue_add_counts_in_group(PG_FUNCTION_ARGS)
{
	CountValueState *state;

	for (int i = 1; i <= 4; i++)
		if (PG_ARGISNULL(i))
			return leave_out(fcinfo);

	int32 recent = recent_argument(fcinfo, 1);
	int64 heads = PG_GETARG_INT64(2);
	int64 responses = PG_GETARG_INT64(3);
	int64 unsubscribed = PG_GETARG_INT64(4);

	if (responses < 0 || unsubscribed < 0 || Max(responses, unsubscribed) > heads)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("responses and unsubscribed must be between 0 and contacts, but are " INT64_FORMAT
						" and " INT64_FORMAT " of " INT64_FORMAT,
						responses, unsubscribed, heads)));
	state = count_value_state(fcinfo, &fatigue_type, 0);
	add_contacts(state, recent, heads, responses, unsubscribed);
	return agg_state_result(fcinfo, &state->map.growing);
}

/* The two rates as fitted. */
typedef struct FatigueFit
{
	RateCurve response;
	RateCurve unsubscribing;
	int most_recent; /* contacts of the highest level seen */
	bool any;        /* false: there are no contacts at all */
	bool falls;      /* response, by more than chance explains, in 95 of 100 cases */
	bool rises;      /* unsubscribing */
	bool poor;       /* the levels of either contradict its curve */
} FatigueFit;

/* Of fewer customers it cannot be said how far they vary. */
#define FEWEST_CUSTOMERS 10

/* A change in one direction is judged at a level of 95 %. */
#define JUDGED_LEVEL 0.95

/* Whether a rate changes in this direction by more than chance explains, if contacts are independent. */
static bool
change_seen(const RateCurve *curve, double direction)
{
	double quantile = normal_quantile((1 + JUDGED_LEVEL) / 2);

	return direction * curve->slope > 0 && curve->evidence > quantile * quantile;
}

/* Whether levels are further from the curve than chance takes them. */
static bool
fits_poorly(const RateCurve *curve, const RateLevel *levels, int count, double dispersion)
{
	return rate_curve_fit_prob(curve, levels, count, dispersion) < RATE_POOR_PROB;
}

static RateCurve
fit_outcome(const CountValue *value, RateLevel *levels, FatigueDetail outcome, bool *poor)
{
	RateCurve curve;
	int count = 0;

	for (uint32 i = 0; i < value->count && value->entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
	{
		const CountEntry *entry = &value->entries[i];

		if (entry->detail == FATIGUE_HEADS)
			levels[count++] = (RateLevel){(double) entry->group, (double) entry->value, 0};
		else if (entry->detail == outcome)
			levels[count - 1].events = (double) entry->value;
	}
	curve = rate_curve_fit(levels, count);
	*poor = *poor || fits_poorly(&curve, levels, count, 1.0);
	return curve;
}

static FatigueFit
fit_fatigue(Datum datum)
{
	CountValue value = count_value_get(&fatigue_type, datum);
	RateLevel *levels = palloc_array(RateLevel, Max(1, value.count));
	FatigueFit fit = {0};

	for (uint32 i = 0; i < value.count && value.entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
	{
		fit.any = true;
		fit.most_recent = (int) value.entries[i].group;
	}
	if (fit.any)
	{
		fit.response = fit_outcome(&value, levels, FATIGUE_RESPONSES, &fit.poor);
		fit.unsubscribing = fit_outcome(&value, levels, FATIGUE_UNSUBSCRIBED, &fit.poor);
		fit.falls = change_seen(&fit.response, -1);
		fit.rises = change_seen(&fit.unsubscribing, 1);
	}
	return fit;
}

/* Whether frequency was assigned at random: if not, those who get more are others than those who get less. */
static bool
design_argument(FunctionCallInfo fcinfo, int argno)
{
	char *design = text_to_cstring(PG_GETARG_TEXT_PP(argno));

	if (strcmp(design, "randomised") != 0 && strcmp(design, "observed") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("design cannot be \"%s\"", json_excerpt(design, strlen(design))),
				 errhint("It is randomised, if the number of contacts was assigned at random, or observed.")));
	return strcmp(design, "randomised") == 0;
}

/* Why the curve cannot be used as it is, or ok. */
static const char *
fit_status(const FatigueFit *fit, bool randomised)
{
	static const char *const problems[] = {
		[RATE_NO_EVENTS] = "no_responses",
		[RATE_ONE_LEVEL] = "one_level",
		[RATE_NOT_IDENTIFIED] = "not_identified",
		[RATE_REACHES_ONE] = "rate_reaches_one",
	};

	if (!fit->any)
		return "no_contacts";
	if (fit->response.status != RATE_OK)
		return problems[fit->response.status];
	if (fit->unsubscribing.status == RATE_NOT_IDENTIFIED || fit->unsubscribing.status == RATE_REACHES_ONE)
		return "unsubscribing_not_identified";
	if (fit->response.slope > 0)
		return "no_fatigue_seen";
	if (!randomised)
		return "confounded";
	return fit->poor ? "poor_fit" : "ok";
}

typedef struct ParamRow
{
	const char *name;
	double estimate;
	double std_error;
	double low;
	double high;
} ParamRow;

static void
put_param(ReturnSetInfo *results, const ParamRow *row, const char *status)
{
	const double numbers[] = {row->estimate, row->std_error, row->low, row->high};
	Datum values[6];
	bool nulls[6] = {false};

	values[0] = CStringGetTextDatum(row->name);
	for (int i = 0; i < 4; i++)
	{
		nulls[1 + i] = !isfinite(numbers[i]);
		values[1 + i] = Float8GetDatum(numbers[i]);
	}
	values[5] = CStringGetTextDatum(status);
	tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
}

/* The rate without recent contacts, and how fast it changes; intervals of rates are those of their logarithms. */
static void
put_params(ReturnSetInfo *results, const RateCurve *curve, const char *rate, const char *slope, double sign, double z,
		   const char *status)
{
	double intercept_error = sqrt(curve->covariance[0]);
	double slope_error = sqrt(curve->covariance[2]);
	double at_none = curve->status == RATE_OK || curve->status == RATE_NO_EVENTS ? exp(curve->intercept) : NAN;
	double change = sign * curve->slope;

	put_param(results,
			  &(ParamRow){rate, at_none, at_none * intercept_error, exp(curve->intercept - z * intercept_error),
						  exp(curve->intercept + z * intercept_error)},
			  status);
	put_param(results, &(ParamRow){slope, change, slope_error, change - z * slope_error, change + z * slope_error},
			  status);
}

/* fatigue_params(v [, design, level]) → setof (param, estimate, std_error, low, high, status) */
PG_FUNCTION_INFO_V1(fatigue_params);
Datum
fatigue_params(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	FatigueFit fit = fit_fatigue(PG_GETARG_DATUM(0));
	const char *status = fit_status(&fit, design_argument(fcinfo, 1));
	double level = level_argument(fcinfo, 2);

	InitMaterializedSRF(fcinfo, 0);
	if (fit.any)
	{
		double z = normal_quantile((1 + level) / 2);

		put_params(results, &fit.response, "p0", "kappa", -1, z, status);
		/* that nobody has left yet does not say that nobody will */
		put_params(results, &fit.unsubscribing, "h0", "eta", 1, z,
				   fit.unsubscribing.status == RATE_NO_EVENTS ? "no_unsubscriptions" : status);
	}
	return (Datum) 0;
}

/* The contacts of all customers by the number of recent ones, as far as there are any: the curve is the same for all of them. */
static RateLevel *
levels_of_customers(const FatigueCustomers *customers, int *count)
{
	RateLevel *all = palloc0_array(RateLevel, FATIGUE_MOST_RECENT + 1);

	for (int i = 0; i <= FATIGUE_MOST_RECENT; i++)
		all[i].contacts = i;
	for (size_t i = 0; i < customers->count; i++)
	{
		RateLevel *level = &all[(int) customers->levels[i].contacts];

		level->heads += customers->levels[i].heads;
		level->events += customers->levels[i].events;
	}
	*count = 0;
	for (int i = 0; i <= FATIGUE_MOST_RECENT; i++)
		if (all[i].heads > 0)
			all[(*count)++] = all[i];
	return all;
}

/* Puts the errors by customers in place of those of independent contacts; returns their degrees of freedom. */
static double
errors_by_customer(RateCurve *curve, const FatigueCustomers *customers)
{
	double covariance[3] = {NAN, NAN, NAN};
	double alike = 2.0;

	if (curve->status == RATE_OK && customers->n >= FEWEST_CUSTOMERS)
	{
		alike = rate_curve_by_customer(curve, customers->levels, customers->ends, customers->n, covariance);
		/* that customers are more alike than contacts by chance would be is chance, too */
		for (int i = 0; i < 3; i += 2)
			covariance[i] = fmax(covariance[i], curve->covariance[i]);
	}
	memcpy(curve->covariance, covariance, sizeof(covariance));
	return fmax(1.0, alike - 1.0);
}

/* The same by errors that go by customers. */
static bool
change_seen_by_customer(const RateCurve *curve, double direction, double freedom)
{
	return direction * curve->slope > student_quantile((1 + JUDGED_LEVEL) / 2, freedom) * sqrt(curve->covariance[2]);
}

/* The fit from a value for each customer, and its degrees of freedom; *status: few_customers, or that of the fit. */
static FatigueFit
fit_customers(ArrayType *array, bool randomised, double *freedom, const char **status)
{
	static const FatigueDetail outcomes[] = {FATIGUE_RESPONSES, FATIGUE_UNSUBSCRIBED};
	FatigueFit fit = {0};
	RateCurve *curves[] = {&fit.response, &fit.unsubscribing};
	size_t n = 0;

	for (int i = 0; i < 2; i++)
	{
		FatigueCustomers customers = fatigue_customers(array, outcomes[i]);
		RateLevel *levels;
		int count;
		double of_contacts;

		n = customers.n;
		fit.any = customers.count > 0;
		if (!fit.any)
			break;
		for (size_t k = 0; k < customers.count; k++)
			fit.most_recent = Max(fit.most_recent, (int) customers.levels[k].contacts);
		levels = levels_of_customers(&customers, &count);
		*curves[i] = rate_curve_fit(levels, count);
		of_contacts = curves[i]->covariance[2];
		freedom[i] = errors_by_customer(curves[i], &customers);
		/* the first-order correction of Rao & Scott (1984) for what customers differ by */
		fit.poor = fit.poor || fits_poorly(curves[i], levels, count, curves[i]->covariance[2] / of_contacts);
	}
	if (fit.any)
	{
		fit.falls = change_seen_by_customer(&fit.response, -1, freedom[0]);
		fit.rises = change_seen_by_customer(&fit.unsubscribing, 1, freedom[1]);
	}
	*status = fit_status(&fit, randomised);
	if (n < FEWEST_CUSTOMERS &&
		(strcmp(*status, "ok") == 0 || strcmp(*status, "poor_fit") == 0 || strcmp(*status, "confounded") == 0))
		*status = "few_customers";
	return fit;
}

/* fatigue_params(customers [, design, level]) → setof (param, estimate, std_error, low, high, status) */
PG_FUNCTION_INFO_V1(fatigue_params_of_customers);
Datum
fatigue_params_of_customers(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	bool randomised = design_argument(fcinfo, 1);
	double middle = (1 + level_argument(fcinfo, 2)) / 2;
	double freedom[2] = {NAN, NAN};
	const char *status;
	FatigueFit fit = fit_customers(PG_GETARG_ARRAYTYPE_P(0), randomised, freedom, &status);

	InitMaterializedSRF(fcinfo, 0);
	if (fit.any)
	{
		put_params(results, &fit.response, "p0", "kappa", -1, student_quantile(middle, freedom[0]), status);
		put_params(results, &fit.unsubscribing, "h0", "eta", 1, student_quantile(middle, freedom[1]),
				   fit.unsubscribing.status == RATE_NO_EVENTS ? "no_unsubscriptions" : status);
	}
	return (Datum) 0;
}

static double
terms_argument(FunctionCallInfo fcinfo, int argno, const char *name)
{
	double number = PG_GETARG_FLOAT8(argno);

	if (!(number >= 0) || isinf(number))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be negative or infinite, but is %g", name, number)));
	return number;
}

/* Whether the data tell that contacts lose value with every further one. */
static bool
value_falls(const FatigueFit *fit, const ContactTerms *terms)
{
	return fit->falls || (terms->remaining_value > 0 && fit->rises);
}

static ContactTerms
contact_terms(FunctionCallInfo fcinfo)
{
	return (ContactTerms){
		terms_argument(fcinfo, 1, "margin"),
		terms_argument(fcinfo, 2, "cost"),
		terms_argument(fcinfo, 3, "remaining_value"),
	};
}

/* Rows contact_no, marginal_value, cap, status. */
static void
put_curve(FunctionCallInfo fcinfo, const FatigueFit *fit, const ContactTerms *terms, const char *status)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	bool fitted = fit->any && fit->response.status == RATE_OK && strcmp(status, "unsubscribing_not_identified") != 0;
	int cap = fitted ? contact_cap(&fit->response, &fit->unsubscribing, terms) : 0;
	bool told = fitted && value_falls(fit, terms);
	bool has_cap = told && fit->response.slope <= 0 && cap < FATIGUE_MAX_CONTACTS;
	int rows = !fitted ? 0 : Max(fit->most_recent, has_cap ? cap : 0) + 1;

	if (has_cap && strcmp(status, "ok") == 0 && cap > fit->most_recent + 1)
		status = "beyond_tested";
	else if (fitted && fit->response.slope <= 0 && !told && strcmp(status, "few_customers") != 0 &&
			 strcmp(status, "poor_fit") != 0)
		status = "not_told";
	else if (told && !has_cap && fit->response.slope <= 0 && strcmp(status, "poor_fit") != 0)
		status = "no_cap";
	InitMaterializedSRF(fcinfo, 0);
	for (int contact = 1; contact <= rows; contact++)
	{
		double gain = contact_gain(&fit->response, &fit->unsubscribing, terms, contact - 1);
		Datum values[4] = {Int32GetDatum(contact), Float8GetDatum(gain), Int32GetDatum(cap),
						   CStringGetTextDatum(status)};
		bool nulls[4] = {false, !isfinite(gain), !has_cap, false};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	if (rows == 0)
	{
		Datum values[4] = {0, 0, 0, CStringGetTextDatum(status)};
		bool nulls[4] = {true, true, true, false};

		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
}

/* fatigue_curve(v, margin, cost, remaining_value [, design]) → setof (contact_no, marginal_value, cap, status) */
PG_FUNCTION_INFO_V1(fatigue_curve);
Datum
fatigue_curve(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ContactTerms terms = contact_terms(fcinfo);
	FatigueFit fit = fit_fatigue(PG_GETARG_DATUM(0));

	put_curve(fcinfo, &fit, &terms, fit_status(&fit, design_argument(fcinfo, 4)));
	return (Datum) 0;
}

/* fatigue_curve(customers, margin, cost, remaining_value [, design]) → setof (contact_no, marginal_value, cap, status) */
PG_FUNCTION_INFO_V1(fatigue_curve_of_customers);
Datum
fatigue_curve_of_customers(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ContactTerms terms = contact_terms(fcinfo);
	double freedom[2] = {NAN, NAN};
	const char *status;
	FatigueFit fit = fit_customers(PG_GETARG_ARRAYTYPE_P(0), design_argument(fcinfo, 4), freedom, &status);

	put_curve(fcinfo, &fit, &terms, status);
	return (Datum) 0;
}
