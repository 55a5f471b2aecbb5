/*
 * within.c
 *	  fatigue_within: how response falls with recent contacts, within customers.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "contacts/contacts.h"
#include "models/decision/within.h"
#include "numerics/normal.h"
#include "support/args.h"
#include "support/result.h"
#include "support/server_host.h"

/* fatigue_within(customers, level) → (kappa, std_error, low, high, customer_count, responses, status) */
PG_FUNCTION_INFO_V1(fatigue_within);
Datum
fatigue_within(PG_FUNCTION_ARGS)
{
	if (lacks_value(fcinfo))
		PG_RETURN_NULL();

	static const char *const problems[] = {
		[WITHIN_NO_CUSTOMERS] = "no_customers",
		[WITHIN_NOT_IDENTIFIED] = "not_identified",
	};
	double half = normal_quantile(0.5 + level_argument(fcinfo, 1) / 2);
	FatigueCustomers customers = fatigue_customers(PG_GETARG_ARRAYTYPE_P(0), FATIGUE_RESPONSES);
	WithinFit fit = within_fit(&server_host, customers.levels, customers.ends, customers.n);
	Datum values[7];
	bool nulls[7] = {false};
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "fatigue_within returns a row");
	set_float(values, nulls, 0, fit.kappa);
	set_float(values, nulls, 1, fit.std_error);
	set_float(values, nulls, 2, fit.kappa - half * fit.std_error);
	set_float(values, nulls, 3, fit.kappa + half * fit.std_error);
	values[4] = Int64GetDatum((int64) fit.customers);
	set_float(values, nulls, 5, fit.responses);
	values[6] = CStringGetTextDatum(fit.status != WITHIN_OK  ? problems[fit.status]
										: !(fit.kappa > 0)   ? "no_fatigue_seen"
										: fit.customers == 1 ? "no_interval"
															 : "ok");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
