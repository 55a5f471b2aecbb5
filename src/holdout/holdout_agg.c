/*
 * holdout_agg.c
 *	  The aggregates holdout and rollup.
 */
#include "compat.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/base_state.h"
#include "history/history.h"
#include "holdout/holdout.h"

/* The model that is compared when none is named. */
#define DEFAULT_MODEL "auto"

static char *
date_text(DateADT day)
{
	return DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(day)));
}

/* The days and the model of two holdouts that are to be one. */
static void
check_same_head(const HoldoutHead *a, const HoldoutHead *b)
{
	if (a->calibration_until != b->calibration_until || a->holdout_until != b->holdout_until)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a clv_holdout has one calibration and one holdout, not both %s to %s and %s to %s",
						date_text(a->calibration_until), date_text(a->holdout_until),
						date_text(b->calibration_until), date_text(b->holdout_until)),
				 errhint("The days must be the same for all customers; build one clv_holdout for each pair of days.")));
	if (a->model_id != b->model_id)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a clv_holdout has one model, not both \"%s\" and \"%s\"",
						holdout_model_name(a->model_id), holdout_model_name(b->model_id)),
				 errhint("The model must be the same for all customers; build one clv_holdout for each model.")));
}

/* Adds everything in another holdout of the same days and the same model. */
static void
merge(HoldoutState *state, HoldoutReader *other)
{
	tally_make_room(&state->tally, other->left);
	while (holdout_next(other))
	{
		CHECK_FOR_INTERRUPTS();
		tally_add(&state->tally, other->entry.group, other->entry.detail, other->entry.value);
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

/* The state in the first argument, which an aggregate goes on with; otherwise a new one with what is in it. */
static HoldoutState *
state_argument(FunctionCallInfo fcinfo, const HoldoutHead *head)
{
	HoldoutState *state;

	if (PG_ARGISNULL(0))
		return holdout_state_make(head, tally_parent(fcinfo));
	state = tally_to_write(PG_GETARG_DATUM(0));
	if (state == NULL)
		state = state_of_value(PG_GETARG_DATUM(0), tally_parent(fcinfo));
	check_same_head(&state->head, head);
	return state;
}

static inline void
count_one(HoldoutState *state, HoldoutKind kind, uint64 detail)
{
	tally_add_often(&state->tally, holdout_group(kind, 0, 0), detail, 1);
}

/* One pass over a history: what was before the end of the calibration, and what came after it. */
static void
add_customer(HoldoutState *state, Datum history)
{
	DateADT		calibration_until = state->head.calibration_until;
	HistoryReader reader;
	PurchaseDay day;
	DateADT		first = DATEVAL_NOBEGIN,
				last = DATEVAL_NOBEGIN;
	uint32		x = 0,
				orders = 0;

	history_open(&reader, history, state->head.holdout_until);
	while (history_next_day(&reader, &day))
	{
		CHECK_FOR_INTERRUPTS();
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
		tally_add(&state->tally, holdout_group(HOLDOUT_CUSTOMERS, x, orders), holdout_detail(last - first, first), 1);
}

static DateADT
day_argument(FunctionCallInfo fcinfo, int place, const char *name)
{
	if (PG_ARGISNULL(place))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name),
				 errhint("Pass two days: holdout(history, date '2025-06-30', date '2025-12-31').")));

	DateADT		day = PG_GETARG_DATEADT(place);

	if (DATE_NOT_FINITE(day))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("%s is %s", name, date_text(day)),
				 errhint("Pass the last day whose orders are to be counted.")));
	return day;
}

/* Argument model, or the default where there is none. */
static int
model_argument(FunctionCallInfo fcinfo, int place)
{
	if (PG_NARGS() <= place)
		return holdout_model_id(DEFAULT_MODEL);
	if (PG_ARGISNULL(place))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("model must not be null"),
				 errhint("Leave it out for the default.")));

	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(place));
	int			model_id = holdout_model_id(name);

	if (model_id < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 model_by_name(name) == NULL ? errmsg("there is no model \"%s\"", name)
				 : errmsg("model \"%s\" counts periods, and a holdout counts days", name),
				 errhint("There are %s.", clv_model_names())));
	pfree(name);
	return model_id;
}

/* holdout(purchase_history, calibration_until, holdout_until [, model]): transition */
PG_FUNCTION_INFO_V1(clv_holdout_add);
Datum
clv_holdout_add(PG_FUNCTION_ARGS)
{
	HoldoutHead head = {
		.calibration_until = day_argument(fcinfo, 2, "calibration_until"),
		.holdout_until = day_argument(fcinfo, 3, "holdout_until"),
		.model_id = model_argument(fcinfo, 4)
	};

	if (head.calibration_until >= head.holdout_until)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("calibration_until %s is not before holdout_until %s",
						date_text(head.calibration_until), date_text(head.holdout_until)),
				 errhint("The model is fitted on the orders until the first day, and compared with those after it, until the second.")));
	if (PG_ARGISNULL(1))
		return tally_unchanged(fcinfo);

	HoldoutState *state = state_argument(fcinfo, &head);

	add_customer(state, PG_GETARG_DATUM(1));
	return tally_result(fcinfo, &state->tally);
}

/* Adds the second holdout to the first: combine, and transition of rollup. */
PG_FUNCTION_INFO_V1(clv_holdout_merge);
Datum
clv_holdout_merge(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return tally_unchanged(fcinfo);

	HoldoutReader other;

	holdout_open(&other, PG_GETARG_DATUM(1));

	HoldoutState *state = state_argument(fcinfo, &other.head);

	merge(state, &other);
	return tally_result(fcinfo, &state->tally);
}

/* The base of the customers as they stood at the end of the calibration, without spend. */
static Datum
calibration_base(const TallyEntry *entries, uint32 n_entries, const HoldoutHead *head)
{
	BaseState  *base = base_state_make(CurrentMemoryContext);

	base->head.until = head->calibration_until;
	for (uint32 i = 0; i < n_entries; i++)
	{
		const TallyEntry *entry = &entries[i];
		uint32		x = holdout_x(entry);

		CHECK_FOR_INTERRUPTS();
		switch (holdout_kind(entry))
		{
			case HOLDOUT_CUSTOMERS:
				base_state_shape(base, PERIOD_DAY, 0);
				base_state_add_timing(base, 0, x, holdout_t_x(entry), holdout_day(entry), entry->value);
				if (x > 0)
					base_state_leave_out(base, LEFT_OUT_NO_AMOUNTS, entry->value);
				break;
			case HOLDOUT_ACQUIRED_LATER:
				base_state_leave_out(base, LEFT_OUT_NO_ORDERS, entry->value);
				break;
			case HOLDOUT_GAP:
				base_state_add_gap(base, (uint32) entry->detail, entry->value);
				break;
			case HOLDOUT_REPEATS:
				break;
		}
	}
	return PointerGetDatum(base_state_pack(base));
}

/* Where errors and notices of the fit come from. What is allocated here would stay after a notice. */
static void
fit_context(void *calibration_day)
{
	errcontext("holdout, fitting to what was known on %s", (const char *) calibration_day);
}

static ClvModel *
fit_calibration(const TallyEntry *entries, uint32 n_entries, HoldoutHead *head)
{
	ErrorContextCallback context = {error_context_stack, fit_context, date_text(head->calibration_until)};
	ClvFitOptions options = {
		.model = holdout_model_name(head->model_id),
		.as_of = head->calibration_until,
		.unit_days = 7
	};

	error_context_stack = &context;

	ClvModel   *fit = clv_fit_base(calibration_base(entries, n_entries, head), &options);

	error_context_stack = context.previous;
	return fit;
}

/* Final function: the counts, and the model fitted to what was known at the end of the calibration. */
PG_FUNCTION_INFO_V1(clv_holdout_final);
Datum
clv_holdout_final(PG_FUNCTION_ARGS)
{
	HoldoutState *state = tally_to_read(PG_GETARG_DATUM(0));

	/* Called by hand, with a value. */
	if (state == NULL)
		state = state_of_value(PG_GETARG_DATUM(0), CurrentMemoryContext);
	tally_settle(&state->tally);
	PG_RETURN_POINTER(holdout_pack(state->tally.entries, state->tally.used, &state->head,
								   fit_calibration(state->tally.entries, state->tally.used, &state->head)));
}
