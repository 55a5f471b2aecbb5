/*
 * relevance.c
 *	  relevance_audit: how many contacts were trivial, and why.
 *
 * A contact may be trivial for several reasons, so contacts are counted by the
 * set of their reasons: each reason by itself, and any of them once.
 */
#include "compat.h"

#include "funcapi.h"
#include "support/agg_group.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "contacts/contacts.h"

/* The arguments of the aggregate, in order; stored as bits: only added to at the end. */
static const char *const reason_names[AUDIT_REASONS] = {
	"owned", "out_of_stock", "buys_anyway", "low_affinity", "over_cap", "below_cost",
};

const CountValueType relevance_audit_type = {
	.map =
		{
			.name = "relevance_audit",
			.max_entries = (1 << AUDIT_REASONS) + 1,
			.counted = "sets of reasons",
			.hint = "There are no more.",
			.pack = count_value_pack_state,
		},
	.rows_name = "contacts",
	.rows = COUNT_ROWS_BY_GROUP,
	.columns = 1,
	.max_group = (1 << AUDIT_REASONS) - 1,
};

COUNT_VALUE_FUNCTIONS(relevance_audit, relevance_audit_type);

/* relevance_audit(owned, out_of_stock, …): transition; what is not known is no reason */
AGG_FUNCTION_INFO_V1(relevance_audit_add);
static Datum
relevance_audit_add_in_group(PG_FUNCTION_ARGS)
{
	CountValueState *state = count_value_state(fcinfo, &relevance_audit_type, 0);
	uint64 reasons = 0;

	for (int i = 0; i < AUDIT_REASONS; i++)
		if (!PG_ARGISNULL(1 + i) && PG_GETARG_BOOL(1 + i))
			reasons |= UINT64CONST(1) << i;
	count_map_add_hot(&state->map, reasons, 0, 1);
	return agg_state_result(fcinfo, &state->map.growing);
}

/* Contacts that have one of these reasons. */
static int64
contacts_with(const CountValue *audit, uint64 reasons)
{
	int64 contacts = 0;

	for (uint32 i = 0; i < audit->count; i++)
		if (audit->entries[i].group != COUNT_VALUE_LEFT_OUT && (audit->entries[i].group & reasons) != 0 &&
			pg_add_s64_overflow(contacts, audit->entries[i].value, &contacts))
			count_map_out_of_range(&relevance_audit_type.map);
	return contacts;
}

static int64
contacts_in_all(const CountValue *audit)
{
	int64 contacts = contacts_with(audit, ~UINT64CONST(0));

	if (pg_add_s64_overflow(contacts, count_value_of(audit, 0, 0), &contacts))
		count_map_out_of_range(&relevance_audit_type.map);
	return contacts;
}

/* trivial_contacts(audit) → setof (reason, contacts, trivial, share) */
PG_FUNCTION_INFO_V1(trivial_contacts);
Datum
trivial_contacts(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	CountValue audit = count_value_get(&relevance_audit_type, PG_GETARG_DATUM(0));
	int64 all = contacts_in_all(&audit);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i <= AUDIT_REASONS; i++)
	{
		int64 trivial = contacts_with(&audit, i < AUDIT_REASONS ? UINT64CONST(1) << i : ~UINT64CONST(0));
		Datum values[4] = {
			CStringGetTextDatum(i < AUDIT_REASONS ? reason_names[i] : "any"),
			Int64GetDatum(all),
			Int64GetDatum(trivial),
			Float8GetDatum((double) trivial / (double) Max(1, all)),
		};
		bool nulls[4] = {false, false, false, all == 0};

		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
	}
	return (Datum) 0;
}
