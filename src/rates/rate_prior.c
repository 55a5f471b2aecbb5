/*
 * rate_prior.c
 *	  rate_prior: how the rates of many units are distributed; the rate of one of
 *	  them, drawn towards those of all as far as its own data are few.
 *
 * Units are counted by their total and by what was good of it, so a prior has as many
 * entries as there are different pairs. Totals of proportions are whole numbers, kept
 * exactly. Exposures of counts may be any number: they are kept to 13 bits (one part in
 * 8192), so that there are few pairs however many units there are.
 */
#include "compat.h"

#include <float.h>
#include <math.h>

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "rates/rates.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/result.h"
#include "support/server_host.h"

typedef enum RateKind
{
	RATES_OF_PROPORTIONS, /* stored on disk: never renumbered */
	RATES_OF_COUNTS,
} RateKind;

static const char *const kind_names[] = {"proportion", "count"};

static const char *rate_prior_problem(const CountValue *value);

const CountValueType rate_prior_type = {
	.map =
		{
			.name = "rate_prior",
			.max_entries = 1000000,
			.counted = "pairs of a count and its total",
			.hint = "Count fewer units, or units with smaller totals.",
			.pack = count_value_pack_state,
		},
	.rows_name = "units",
	.rows = COUNT_ROWS_BY_NUMBER,
	.max_group = COUNT_VALUE_MAX_NUMBER,
	.n_kinds = 2,
	.kind_names = kind_names,
	.problem = rate_prior_problem,
};

COUNT_VALUE_FUNCTIONS(rate_prior, rate_prior_type);

/* An exposure to 13 bits. */
static double
rounded_exposure(double exposure)
{
	int exponent;
	double fraction = frexp(exposure, &exponent);

	return ldexp(rint(ldexp(fraction, 13)), exponent - 13);
}

static const char *
rate_prior_problem(const CountValue *value)
{
	for (uint32 i = 0; i < value->count && value->entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
	{
		const CountEntry *entry = &value->entries[i];
		double total = count_value_double(entry->group);

		if (entry->detail > RATE_MOST_COUNT || total == 0)
			return "a count or its total is out of range";
		if (value->kind == RATES_OF_PROPORTIONS &&
			(total != rint(total) || total > RATE_MOST_COUNT || entry->detail > total))
			return "a total is not whole, or less than what is good of it";
		if (value->kind == RATES_OF_COUNTS && total != rounded_exposure(total))
			return "an exposure has too many digits";
	}
	return NULL;
}

/* One unit's data from the arguments. */
static void
check_unit(RateKind kind, int64 good, double total)
{
	if (good < 0 || good > RATE_MOST_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("good must be between 0 and 2^53, but is " INT64_FORMAT, good)));
	if (!(total >= 0) || isinf(total))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("total must not be negative or infinite, but is %g", total)));
	if (kind == RATES_OF_PROPORTIONS && (total != rint(total) || total > RATE_MOST_COUNT))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("total must be a whole number, but is %g", total),
				 errhint("Of events in an exposure, which may be any number, the kind is count.")));
	if (kind == RATES_OF_PROPORTIONS && good > total)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("good must not exceed total, but is " INT64_FORMAT " of %.0f", good, total),
				 errhint("Of events in an exposure, which may be more, the kind is count.")));
}

/* rate_prior(good, total [, kind]): transition */
AGG_FUNCTION_INFO_V1(rate_prior_add);
static Datum
rate_prior_add_in_group(PG_FUNCTION_ARGS)
{
	CountValueState *state;
	RateKind kind = RATES_OF_PROPORTIONS;
	double total;

	if (PG_NARGS() > 3)
	{
		refuse_null(fcinfo, 3, "kind", "It is proportion, of good ones among all, or count, of events in an exposure.");
		kind = count_value_kind(&rate_prior_type, "kind", text_to_cstring(PG_GETARG_TEXT_PP(3)));
	}
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_GETARG_FLOAT8(2) == 0)
	{
		state = count_value_state(fcinfo, &rate_prior_type, kind);
		count_map_add_hot(&state->map, COUNT_VALUE_LEFT_OUT, 0, 1);
		return agg_state_result(fcinfo, &state->map.growing);
	}
	total = PG_GETARG_FLOAT8(2);
	check_unit(kind, PG_GETARG_INT64(1), total);
	state = count_value_state(fcinfo, &rate_prior_type, kind);
	if (kind == RATES_OF_COUNTS)
		total = Max(Min(rounded_exposure(total), DBL_MAX), DBL_MIN);
	count_map_add_hot(&state->map, count_value_number(total), (uint64) PG_GETARG_INT64(1), 1);
	return agg_state_result(fcinfo, &state->map.growing);
}

/* An interval that was computed: many units have the same few data. */
typedef struct KnownInterval
{
	double good;
	double total;
	double level; /* 0: none */
	double low;
	double high;
} KnownInterval;

#define KNOWN_INTERVALS 256

/* The fit, cached for as long as the query calls the function with the same value. */
typedef struct PriorCache
{
	struct varlena *value;
	RatePrior prior;
	RateSpread spread; /* for intervals */
	KnownInterval known[KNOWN_INTERVALS];
	RateKind kind;
	int64 left_out;
} PriorCache;

static void
fit_value(Datum datum, bool with_spread, PriorCache *cache)
{
	CountValue value = count_value_get(&rate_prior_type, datum);
	RateUnits *rows = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, value.count) * sizeof(RateUnits));
	int count = 0;

	for (uint32 i = 0; i < value.count && value.entries[i].group != COUNT_VALUE_LEFT_OUT; i++)
		rows[count++] = (RateUnits){
			(double) value.entries[i].detail,
			count_value_double(value.entries[i].group),
			(double) value.entries[i].value,
		};
	rate_prior_fit(&server_host, rows, count, value.kind == RATES_OF_COUNTS, &cache->prior);
	if (with_spread)
		rate_prior_spread(&server_host, rows, count, &cache->prior, &cache->spread);
	cache->kind = value.kind;
	cache->left_out = count_value_left_out(&value);
	pfree(rows);
	pfree(value.entries);
}

static PriorCache *
fitted_prior(FunctionCallInfo fcinfo, bool with_spread)
{
	PriorCache *cache = fcinfo->flinfo->fn_extra;
	struct varlena *value = agg_state_stored(PG_GETARG_DATUM(0));
	Size bytes = VARSIZE_ANY(value);

	if (cache == NULL)
		cache = fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(PriorCache));
	if (cache->value != NULL && VARSIZE_ANY(cache->value) == bytes && memcmp(cache->value, value, bytes) == 0)
		return cache;
	if (cache->value != NULL)
		pfree(cache->value);
	cache->value = NULL;
	memset(cache->known, 0, sizeof(cache->known));
	fit_value(PointerGetDatum(value), with_spread, cache);
	cache->value = memcpy(MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, bytes), value, bytes);
	return cache;
}

/* shrunken_rate(prior, good, total) → float8 */
PG_FUNCTION_INFO_V1(shrunken_rate);
Datum
shrunken_rate(PG_FUNCTION_ARGS)
{
	const PriorCache *cache = fitted_prior(fcinfo, false);

	check_unit(cache->kind, PG_GETARG_INT64(1), PG_GETARG_FLOAT8(2));
	return finite_or_null(fcinfo, rate_shrunk(&cache->prior, (double) PG_GETARG_INT64(1), PG_GETARG_FLOAT8(2)));
}

static const KnownInterval *
unit_interval(PriorCache *cache, double good, double total, double level)
{
	const double key[] = {good, total};
	KnownInterval *known = &cache->known[hash_bytes((const unsigned char *) key, sizeof(key)) % KNOWN_INTERVALS];

	if (known->good != good || known->total != total || known->level != level)
	{
		rate_spread_interval(&cache->spread, good, total, level, &known->low, &known->high);
		rate_interval_holds(rate_shrunk(&cache->prior, good, total), &known->low, &known->high);
		known->good = good;
		known->total = total;
		known->level = level;
	}
	return known;
}

/* rate_interval(prior, good, total, level) → (low, high) */
PG_FUNCTION_INFO_V1(rate_interval);
Datum
rate_interval(PG_FUNCTION_ARGS)
{
	double level = level_argument(fcinfo, 3);
	PriorCache *cache = fitted_prior(fcinfo, true);
	const KnownInterval *interval;
	Datum values[2];
	bool nulls[2];

	check_unit(cache->kind, PG_GETARG_INT64(1), PG_GETARG_FLOAT8(2));
	interval = unit_interval(cache, (double) PG_GETARG_INT64(1), PG_GETARG_FLOAT8(2), level);
	set_float(values, nulls, 0, interval->low);
	set_float(values, nulls, 1, interval->high);
	return row_result(fcinfo, values, nulls);
}

const char *
rate_prior_status_name(RatePriorStatus status)
{
	static const char *const names[] = {
		[RATE_PRIOR_OK] = "ok",
		[RATE_PRIOR_NO_UNITS] = "no_units",
		[RATE_PRIOR_ALIKE] = "alike",
		[RATE_PRIOR_NOT_CONVERGED] = "not_converged",
	};

	return names[status];
}

/* rate_prior_params(prior) → (kind, units, good, total, pooled_rate, a, b, log_likelihood, left_out, status) */
PG_FUNCTION_INFO_V1(rate_prior_params);
Datum
rate_prior_params(PG_FUNCTION_ARGS)
{
	PriorCache cache;
	Datum values[10];
	bool nulls[10] = {false};

	fit_value(PG_GETARG_DATUM(0), false, &cache);
	values[0] = CStringGetTextDatum(kind_names[cache.kind]);
	set_float(values, nulls, 1, cache.prior.units);
	set_float(values, nulls, 2, cache.prior.good);
	set_float(values, nulls, 3, cache.prior.total);
	set_float(values, nulls, 4, cache.prior.total > 0 ? cache.prior.good / cache.prior.total : NAN);
	set_float(values, nulls, 5, cache.prior.a);
	set_float(values, nulls, 6, cache.prior.b);
	set_float(values, nulls, 7, cache.prior.log_likelihood);
	values[8] = Int64GetDatum(cache.left_out);
	values[9] = CStringGetTextDatum(rate_prior_status_name(cache.prior.status));
	return row_result(fcinfo, values, nulls);
}
