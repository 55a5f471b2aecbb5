/*
 * audit_agg.c
 *	  The aggregates period_audit, period_change and their rollup.
 */
#include "compat.h"

#include "miscadmin.h"
#include "support/agg_group.h"
#include "utils/fmgrprotos.h"

#include "audit/audit.h"

/* The data of a customer in one period. */
typedef struct PeriodSums
{
	int64 orders;
	Spend spend;
} PeriodSums;

/* Whether a day lies in a period: a day before it has a difference that is large without a sign. */
static inline bool
in_period(const AuditHead *head, int i, DateADT day)
{
	return (uint32) day - (uint32) head->since[i] < (uint32) head->until[i] - (uint32) head->since[i];
}

/* read_periods() for amounts that are integer numbers of units, whose sums always fit an int64. */
static DateADT
read_units(HistoryReader *reader, const AuditHead *head, PeriodSums *sums)
{
	DateADT first = DATEVAL_NOEND;

	while (history_next(reader))
	{
		CHECK_FOR_INTERRUPTS();
		/* Negative amounts are refunds. */
		if (first == DATEVAL_NOEND && reader->units >= 0)
			first = reader->day;
		for (int i = 0; i < head->periods; i++)
			if (in_period(head, i, reader->day))
			{
				sums[i].orders += reader->units >= 0;
				sums[i].spend.units += reader->units;
			}
	}
	return first;
}

/* One pass over a history: sums by period, and the day of the first order ever before the last period ends. */
static DateADT
read_periods(HistoryReader *reader, Datum history, const AuditHead *head, PeriodSums *sums)
{
	PurchaseDay day;
	DateADT first = DATEVAL_NOEND;

	memset(sums, 0, head->periods * sizeof(PeriodSums));
	history_open(reader, history, head->until[head->periods - 1] - 1);
	if (likely(reader->encoding <= HISTORY_MAX_DECIMALS))
		return read_units(reader, head, sums);
	while (history_next_day(reader, &day))
	{
		CHECK_FOR_INTERRUPTS();
		if (day.orders > 0 && first == DATEVAL_NOEND)
			first = day.day;
		for (int i = 0; i < head->periods; i++)
			if (in_period(head, i, day.day))
			{
				sums[i].orders += day.orders;
				spend_merge(&sums[i].spend, &day.spend);
			}
	}
	return first;
}

/* A customer with a row of zeros is not counted. */
static bool
nothing_happened(const AuditWord *row, int periods)
{
	for (int i = 0; i < periods * AUDIT_MEASURES; i++)
		if (!row[i].exact || row[i].units != 0)
			return false;
	return true;
}

/* Adds one customer; profit may be NULL. */
static void
add_customer(AuditState *state, Datum history, const Datum *profit)
{
	const AuditHead *head = &state->head;
	AuditWord row[AUDIT_MAX_WORDS];
	PeriodSums sums[2];
	HistoryReader reader;
	bool known = true;
	DateADT first = read_periods(&reader, history, head, sums);

	for (int i = 0; i < AUDIT_MAX_WORDS; i++)
		audit_set_count(&row[i], 0);
	for (int i = 0; i < head->periods; i++)
	{
		AuditWord *words = row + i * AUDIT_MEASURES;

		audit_set_count(&words[AUDIT_ORDERS], sums[i].orders);
		known &= audit_spend(&sums[i].spend, reader.encoding, &words[AUDIT_SPEND]);
	}
	if (profit != NULL)
	{
		read_periods(&reader, *profit, head, sums);
		for (int i = 0; i < head->periods; i++)
			known &= audit_spend(&sums[i].spend, reader.encoding, &row[i * AUDIT_MEASURES + AUDIT_PROFIT]);
	}
	if (!known)
		audit_leave_out(state, 1);
	else if (!nothing_happened(row, head->periods))
	{
		audit_set_count(&row[AUDIT_KNOWN], head->periods == 2 && first < head->since[1]);
		audit_add(state, row, 1);
	}
}

/* A customer whose profit is not known is left out; the others are kept. */
static Datum
add_row(FunctionCallInfo fcinfo, AuditState *state, int profit_place)
{
	if (!state->head.has_profit)
		add_customer(state, PG_GETARG_DATUM(1), NULL);
	else if (PG_ARGISNULL(profit_place))
		audit_leave_out(state, 1);
	else
		add_customer(state, PG_GETARG_DATUM(1), &fcinfo->args[profit_place].value);
	return agg_state_result(fcinfo, &state->map.growing);
}

static Datum
add_history(FunctionCallInfo fcinfo, const AuditType *type, AuditHead *head, int profit_place)
{
	head->has_profit = PG_NARGS() > profit_place;
	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);
	return add_row(fcinfo, audit_state_argument(fcinfo, type, head), profit_place);
}

/*
 * The state of an aggregate whose days are those given, as they are from the second row on: then they were
 * checked. NULL: they are to be.
 */
static AuditState *
state_with_these_days(FunctionCallInfo fcinfo)
{
	AuditState *state = PG_ARGISNULL(0) || PG_ARGISNULL(1) ? NULL : agg_state_to_write(PG_GETARG_DATUM(0));

	for (int i = 0; state != NULL && i < state->head.periods; i++)
	{
		int at = 2 + 2 * i;

		if (PG_ARGISNULL(at) || PG_ARGISNULL(at + 1) || PG_GETARG_DATEADT(at) != state->head.since[i] ||
			PG_GETARG_DATEADT(at + 1) != state->head.until[i])
			return NULL;
	}
	return state;
}

/* period_audit(purchase_history, since, until [, profit_history]): transition */
AGG_FUNCTION_INFO_V1(period_audit_add);
static Datum
period_audit_add_in_group(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"since", "until"};
	AuditHead head = {0};

	audit_period_argument(fcinfo, 2, names, &head, 0);
	return add_history(fcinfo, &audit_type, &head, 4);
}

/* period_change(purchase_history, since_1, until_1, since_2, until_2 [, profit_history]): transition */
AGG_FUNCTION_INFO_V1(period_change_add);
static Datum
period_change_add_in_group(PG_FUNCTION_ARGS)
{
	static const char *const first[] = {"since_1", "until_1"};
	static const char *const second[] = {"since_2", "until_2"};
	AuditState *state = state_with_these_days(fcinfo);
	AuditHead head = {0};

	if (state != NULL)
		return add_row(fcinfo, state, 6);
	audit_period_argument(fcinfo, 2, first, &head, 0);
	audit_period_argument(fcinfo, 4, second, &head, 1);
	if (head.until[0] > head.since[1])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the periods overlap: the first ends after since_2 %s",
						DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(head.since[1])))),
				 errhint("The earlier period comes first; until_1 is the first day after it, and may be since_2.")));
	return add_history(fcinfo, &change_type, &head, 6);
}

/* An amount argument; false if it is NULL. */
static bool
money_argument(FunctionCallInfo fcinfo, int argno, const char *name, AuditWord *word)
{
	if (PG_ARGISNULL(argno))
		return false;

	double amount = PG_GETARG_FLOAT8(argno);

	if (!isfinite(amount))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s is %s", name,
						isnan(amount)    ? "NaN"
							: amount < 0 ? "-Infinity"
										 : "Infinity"),
				 errhint("Leave such rows out with FILTER (WHERE ...).")));
	*word = audit_amount(amount);
	return true;
}

/* period_audit(orders, spend [, profit]): transition, from a table of customers */
AGG_FUNCTION_INFO_V1(period_audit_add_counts);
static Datum
period_audit_add_counts_in_group(PG_FUNCTION_ARGS)
{
	AuditHead head = {.has_profit = PG_NARGS() > 3};
	AuditWord row[AUDIT_MEASURES] = {0};
	bool known = !PG_ARGISNULL(1);

	row[AUDIT_PROFIT] = audit_count(0);
	known &= money_argument(fcinfo, 2, "spend", &row[AUDIT_SPEND]);
	if (head.has_profit)
		known &= money_argument(fcinfo, 3, "profit", &row[AUDIT_PROFIT]);
	row[AUDIT_ORDERS] = audit_count(PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1));
	if (row[AUDIT_ORDERS].units < 0 || row[AUDIT_ORDERS].units > AUDIT_MAX_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("orders must be between 0 and " INT64_FORMAT ", but is " INT64_FORMAT, AUDIT_MAX_COUNT,
						row[AUDIT_ORDERS].units)));

	AuditState *state = audit_state_argument(fcinfo, &audit_type, &head);

	if (!known)
		audit_leave_out(state, 1);
	else if (!nothing_happened(row, 1))
		audit_add(state, row, 1);
	return agg_state_result(fcinfo, &state->map.growing);
}

/* Adds the second value to the first: combine, transition of rollup, and the operator. */
static Datum
merge_values(FunctionCallInfo fcinfo, const AuditType *type)
{
	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);

	AuditView other = audit_view(PG_GETARG_DATUM(1), type);
	AuditState *state = audit_state_argument(fcinfo, type, &other.head);

	audit_merge(state, &other);
	return agg_state_result(fcinfo, &state->map.growing);
}

AGG_FUNCTION_INFO_V1(period_audit_merge);
static Datum
period_audit_merge_in_group(PG_FUNCTION_ARGS)
{
	return merge_values(fcinfo, &audit_type);
}

AGG_FUNCTION_INFO_V1(period_change_merge);
static Datum
period_change_merge_in_group(PG_FUNCTION_ARGS)
{
	return merge_values(fcinfo, &change_type);
}

/* Final function of all: the stored form. */
AGG_FUNCTION_INFO_V1(audit_final);
static Datum
audit_final_in_group(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(agg_state_stored(PG_GETARG_DATUM(0)));
}
