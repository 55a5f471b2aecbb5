/*
 * holdout_agg.c
 *	  The aggregates holdout and rollup.
 */
#include "compat.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/builtins.h"

#include "population/customer_base_state.h"
#include "history/history.h"
#include "backtest/holdout.h"
#include "clv_model/model_args.h"
#include "support/agg_group.h"
#include "support/args.h"
#include "support/group_notice.h"

/* The default model. */
#define DEFAULT_MODEL "auto"

/* What to do when there are not two days. */
#define DAYS_HINT "Pass two days: holdout(history, date '2025-06-30', date '2025-12-31')."

/* Checks that two holdouts to be merged have the same days and model. */
static void
check_same_head(const HoldoutHead *a, const HoldoutHead *b)
{
	if (a->calibration_until != b->calibration_until || a->holdout_until != b->holdout_until)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a clv_holdout has one calibration and one holdout, not both %s to %s and %s to %s",
						date_text(a->calibration_until), date_text(a->holdout_until), date_text(b->calibration_until),
						date_text(b->holdout_until)),
				 errhint("The days must be the same for all customers; build one clv_holdout for each pair of days.")));
	if (a->model_id != b->model_id)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a clv_holdout has one model, not both \"%s\" and \"%s\"", holdout_model_name(a->model_id),
						holdout_model_name(b->model_id)),
				 errhint("The model must be the same for all customers; build one clv_holdout for each model.")));
	if (a->season != b->season)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a clv_holdout has one season, not two"),
				 errhint("The season must be the same for all customers.")));
}

/* Adds another holdout with the same days and model. */
static void
merge(HoldoutState *state, HoldoutReader *other)
{
	count_map_reserve(&state->map, other->left);
	while (holdout_next(other))
	{
		CHECK_FOR_INTERRUPTS();
		count_map_add(&state->map, other->entry.group, other->entry.detail, other->entry.value);
	}
}

/* A state of its own for a value. */
static HoldoutState *
state_of_value(Datum value, MemoryContext parent)
{
	HoldoutReader reader;
	HoldoutState *state;

	holdout_open(&reader, value);
	state = holdout_state_make(&reader.head, parent);
	merge(state, &reader);
	return state;
}

/* The state in the first argument if an aggregate may continue it; otherwise a new one with its contents. */
static HoldoutState *
state_argument(FunctionCallInfo fcinfo, const HoldoutHead *head)
{
	HoldoutState *state;

	if (PG_ARGISNULL(0))
		return holdout_state_make(head, agg_state_parent(fcinfo));
	state = agg_state_to_write(PG_GETARG_DATUM(0));
	if (state == NULL)
		state = state_of_value(PG_GETARG_DATUM(0), agg_state_parent(fcinfo));
	check_same_head(&state->head, head);
	return state;
}

static inline void
count_one(HoldoutState *state, HoldoutKind kind, uint64 detail)
{
	count_map_add_hot(&state->map, holdout_group(kind, 0, 0), detail, 1);
}

/* What a customer spent on repeat transactions in the calibration, and after it, where all amounts are known. */
static void
add_spend(HoldoutState *state, uint32 x, uint32 t_x, DateADT first, double before, double after)
{
	uint64 detail = holdout_detail(t_x, first);
	int64 deviation_before, deviation_after;
	uint32 bin_before, bin_after;

	if (!isfinite(before) || !isfinite(after))
		return;
	bin_before = holdout_spend_bin(Max(before, 0), &deviation_before);
	bin_after = holdout_spend_bin(after, &deviation_after);

	uint32 bins = holdout_bins(bin_before, bin_after);

	count_map_add(&state->map, holdout_group(HOLDOUT_SPEND, x, bins), detail, 1);
	count_map_add(&state->map, holdout_group(HOLDOUT_SPEND_BEFORE, x, bins), detail, deviation_before);
	count_map_add(&state->map, holdout_group(HOLDOUT_SPEND_AFTER, x, bins), detail, deviation_after);
}

/* One pass over a history: the data before the end of the calibration, and after it. */
static void
add_customer(HoldoutState *state, Datum history)
{
	DateADT calibration_until = state->head.calibration_until;
	HistoryReader reader;
	PurchaseDay day;
	DateADT first = DATEVAL_NOBEGIN, last = DATEVAL_NOBEGIN;
	Spend before = {0}, after = {0};
	uint32 x = 0, orders = 0;

	history_open(&reader, history, state->head.holdout_until);
	while (history_next_day(&reader, &day))
	{
		CHECK_FOR_INTERRUPTS();
		if (first != DATEVAL_NOBEGIN)
			spend_merge(day.day > calibration_until ? &after : &before, &day.spend);
		if (day.orders == 0)
			continue;
		if (first == DATEVAL_NOBEGIN)
		{
			first = last = day.day;
			continue;
		}
		count_one(state, HOLDOUT_REPEATS, holdout_detail(0, day.day));
		if (day.day > calibration_until)
		{
			orders++;
			continue;
		}
		count_one(state, HOLDOUT_GAP, day.day - last);
		last = day.day;
		x++;
	}
	if (first == DATEVAL_NOBEGIN)
		return;
	if (first > calibration_until)
		count_one(state, HOLDOUT_ACQUIRED_LATER, holdout_detail(0, first));
	else
	{
		count_map_add(&state->map, holdout_group(HOLDOUT_CUSTOMERS, x, orders), holdout_detail(last - first, first), 1);
		add_spend(state, x, last - first, first, spend_value(&before, reader.encoding),
				  spend_value(&after, reader.encoding));
	}
}

/* Argument model, or the default where there is none. */
static int
model_argument(FunctionCallInfo fcinfo, int argno)
{
	if (PG_NARGS() <= argno)
		return holdout_model_id(DEFAULT_MODEL);
	refuse_null(fcinfo, argno, "model", "Leave it out for the default.");

	char *name = text_to_cstring(PG_GETARG_TEXT_PP(argno));
	const Model *timing = daily_model_named(name, "a holdout");

	pfree(name);
	return holdout_model_id(timing == NULL ? DEFAULT_MODEL : timing->name);
}

/* Argument season: what a season goes by; 0 where there is none. */
static int
season_argument(FunctionCallInfo fcinfo, int argno)
{
	if (PG_NARGS() <= argno)
		return 0;
	refuse_null(fcinfo, argno, "season", "Leave it out for a model without a season.");
	return season_counted_by_named(text_to_cstring(PG_GETARG_TEXT_PP(argno)), "season") + 1;
}

/* holdout(purchase_history, calibration_until, holdout_until [, model [, season]]): transition */
AGG_FUNCTION_INFO_V1(clv_holdout_add);
static Datum
clv_holdout_add_in_group(PG_FUNCTION_ARGS)
{
	HoldoutHead head = {
		.calibration_until = needed_day_argument(fcinfo, 2, "calibration_until", DAYS_HINT),
		.holdout_until = needed_day_argument(fcinfo, 3, "holdout_until", DAYS_HINT),
		.model_id = model_argument(fcinfo, 4),
		.season = season_argument(fcinfo, 5),
	};

	check_days_ordered("calibration_until", head.calibration_until, "holdout_until", head.holdout_until,
					   "The model is fitted to the orders until the first day, and compared with those after it, until "
					   "the second.");
	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);

	HoldoutState *state = state_argument(fcinfo, &head);

	add_customer(state, PG_GETARG_DATUM(1));
	return agg_state_result(fcinfo, &state->map.growing);
}

/* Adds the second holdout to the first: combine, and transition of rollup. */
AGG_FUNCTION_INFO_V1(clv_holdout_merge);
static Datum
clv_holdout_merge_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);

	HoldoutReader other;

	holdout_open(&other, PG_GETARG_DATUM(1));

	HoldoutState *state = state_argument(fcinfo, &other.head);

	merge(state, &other);
	return agg_state_result(fcinfo, &state->map.growing);
}

/* The spend of a cell, in which all are as good as equal, for as many customers as it stands for. */
static void
add_spend_to_base(BaseState *base, const CountEntry *entries, uint32 n_entries, const CountEntry *cell, int64 customers)
{
	uint64 group = holdout_spend_group(cell, HOLDOUT_SPEND_BEFORE);
	const CountEntry *sum = count_map_find(entries, n_entries, group, cell->detail);
	bool found = sum < entries + n_entries && sum->group == group && sum->detail == cell->detail;

	if (holdout_bin_before(cell) == 0)
		base_state_leave_out(base, LEFT_OUT_NO_SPEND, customers);
	else
		base_state_add_spend(base, holdout_x(cell),
							 holdout_mean_spend(holdout_bin_before(cell), cell->value, found ? sum->value : 0),
							 customers);
}

/* The base of the customers as they stood at the end of the calibration. */
static Datum
calibration_base(const CountEntry *entries, uint32 n_entries, const HoldoutHead *head)
{
	BaseState *base = base_state_make(CurrentMemoryContext);
	int64 weight = holdout_sample_weight(holdout_customer_count(entries, n_entries));
	int64 repeaters = 0;

	base->head.until = head->calibration_until;
	for (uint32 i = 0; i < n_entries; i++)
	{
		const CountEntry *entry = &entries[i];
		uint32 x = holdout_x(entry);

		CHECK_FOR_INTERRUPTS();
		switch (holdout_kind(entry))
		{
			case HOLDOUT_CUSTOMERS:
				base_state_shape(base, PERIOD_DAY, 0);
				base_state_add_timing(base, 0, x, holdout_t_x(entry), holdout_day(entry), entry->value);
				if (x > 0)
					repeaters += entry->value;
				break;
			case HOLDOUT_ACQUIRED_LATER:
				base_state_leave_out(base, LEFT_OUT_NO_ORDERS, entry->value);
				break;
			case HOLDOUT_GAP:
				base_state_add_gap(base, (uint32) entry->detail, entry->value);
				break;
			case HOLDOUT_SPEND:
				if (x > 0)
				{
					int64 customers;

					if (pg_mul_s64_overflow(entry->value, holdout_spend_weight(entry, weight), &customers))
						count_map_out_of_range(&holdout_map_type);
					add_spend_to_base(base, entries, n_entries, entry, customers);
					repeaters -= customers;
				}
				break;
			case HOLDOUT_REPEATS:
			case HOLDOUT_SPEND_BEFORE:
			case HOLDOUT_SPEND_AFTER:
				break;
		}
	}
	/* The customers whose amounts are not known. */
	if (repeaters > 0)
		base_state_leave_out(base, LEFT_OUT_NO_AMOUNTS, repeaters);
	return PointerGetDatum(base_state_pack(base));
}

/* The repeat transactions of the calibration, by slots of the season. */
static const Season *
calibration_season(const CountEntry *entries, uint32 n_entries, const HoldoutHead *head)
{
	SeasonBy by = (SeasonBy) (head->season - 1);
	Season *season = season_make(by, SEASON_HAS_COUNTS, 0);

	for (uint32 i = 0; i < n_entries; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (holdout_kind(&entries[i]) == HOLDOUT_REPEATS && holdout_day(&entries[i]) <= head->calibration_until)
			season_count(season, holdout_day(&entries[i]), entries[i].value);
	}
	return season;
}

/* The error context of the fit. Memory allocated here would not be freed after a notice. */
static void
fit_context(void *calibration_day)
{
	errcontext("holdout, fit to the orders until %s", (const char *) calibration_day);
}

/* The model fitted to the calibration period; NULL, and the reason, if there is none. */
static ClvModel *
fit_calibration(const CountEntry *entries, uint32 n_entries, HoldoutHead *head, ClvUnfit *why)
{
	ErrorContextCallback context = {error_context_stack, fit_context, date_text(head->calibration_until)};
	ClvFitOptions options = {
		.model = holdout_model_name(head->model_id),
		.as_of = head->calibration_until,
		.unit_days = 7,
		.season = head->season == 0 ? NULL : calibration_season(entries, n_entries, head),
	};

	error_context_stack = &context;

	ClvModel *fit = clv_try_fit(calibration_base(entries, n_entries, head), &options, why);

	error_context_stack = context.previous;
	return fit;
}

/* So many transactions are missed where there are none until the end of the holdout. */
#define MISSED_TRANSACTIONS 10

/*
 * Warns of a holdout that goes on after the orders end: what did not happen yet counts
 * as if customers had not come. A quiet end is no reason, nor is a shop with few orders.
 */
static void
warn_of_end(const CountEntry *entries, uint32 n_entries, const HoldoutHead *head)
{
	DateADT first = DATEVAL_NOEND, last = DATEVAL_NOBEGIN;
	double transactions = 0;

	for (uint32 i = 0; i < n_entries; i++)
	{
		HoldoutKind kind = holdout_kind(&entries[i]);

		CHECK_FOR_INTERRUPTS();
		if (kind > HOLDOUT_REPEATS)
			break;
		first = Min(first, holdout_day(&entries[i]));
		last = Max(last, holdout_day(&entries[i]));
		transactions += (double) entries[i].value;
	}
	if (last == DATEVAL_NOBEGIN)
		return;

	double missed = transactions / ((double) last - first + 1) * ((double) head->holdout_until - last);

	if (last > head->calibration_until && missed < MISSED_TRANSACTIONS)
		return;
	ereport(WARNING,
			(errmsg("the last order is of %s, and the holdout lasts until %s", date_text(last),
					date_text(head->holdout_until)),
			 errdetail("The model is compared with days of which there are no orders."),
			 errhint("Let holdout_until be the last day whose orders are known.")));
}

/*
 * Final function: the counts, and the model fitted to the calibration period;
 * NULL for a group that has none.
 */
AGG_FUNCTION_INFO_V1(clv_holdout_final);
static Datum
clv_holdout_final_in_group(PG_FUNCTION_ARGS)
{
	HoldoutState *state = agg_state_to_read(PG_GETARG_DATUM(0));
	ClvModel *fit;
	ClvUnfit why;

	/* Called directly, with a value. */
	if (state == NULL)
		state = state_of_value(PG_GETARG_DATUM(0), CurrentMemoryContext);
	count_map_compact(&state->map);
	holdout_state_sample(state);
	fit = fit_calibration(state->map.entries, state->map.used, &state->head, &why);
	if (fit != NULL)
	{
		warn_of_end(state->map.entries, state->map.used, &state->head);
		PG_RETURN_POINTER(holdout_pack(state->map.entries, state->map.used, &state->head, fit));
	}
	if (group_without_result(fcinfo, "holdout", why.problem,
							 "A group needs customers with repeat orders before calibration_until."))
		PG_RETURN_NULL();
	ereport(ERROR,
			(errcode(why.sqlstate),
			 errmsg("%s cannot be fitted to the orders until %s: %s", holdout_model_name(state->head.model_id),
					date_text(state->head.calibration_until), why.problem)));
}
