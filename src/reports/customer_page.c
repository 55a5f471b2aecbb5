/*
 * customer_page.c
 *	  customer_360: one customer on one page, and what its JSON of events says.
 *
 * The page is a SQL function (one_customer.sql). It is called from here, so that an error
 * in any of what the page is made of names the customer: of a million pages in one query it
 * would not be known which one failed. Events come from elsewhere, as JSON: one that cannot
 * be read is on the page as that, and does not fail it.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "events/events.h"
#include "journeys/journeys.h"
#include "support/args.h"
#include "support/calendar.h"
#include "support/json.h"
#include "support/result.h"

static char *
quoted_customer(FunctionCallInfo fcinfo)
{
	text *customer;

	if (PG_ARGISNULL(0))
		return "without a name";
	customer = PG_GETARG_TEXT_PP(0);
	return psprintf("\"%s\"", json_excerpt(VARDATA_ANY(customer), (int) VARSIZE_ANY_EXHDR(customer)));
}

static void
name_customer(void *argument)
{
	errcontext("page of customer %s", quoted_customer(argument));
}

/* The function of this name in the schema, and with the arguments, of the one that is called. */
static Oid
function_beside(FunctionCallInfo fcinfo, const char *name)
{
	HeapTuple own = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	Form_pg_proc form;
	Oid beside;

	if (!HeapTupleIsValid(own))
		elog(ERROR, "cache lookup failed for function %u", fcinfo->flinfo->fn_oid);
	form = (Form_pg_proc) GETSTRUCT(own);
	beside = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
							 PointerGetDatum(&form->proargtypes), ObjectIdGetDatum(form->pronamespace));
	ReleaseSysCache(own);
	if (!OidIsValid(beside))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION), errmsg("there is no function %s", name)));
	return beside;
}

/* The arguments that the functions behind the page call otherwise. */
enum PageArgument
{
	PAGE_JOURNEY_WITHIN = 11,
	PAGE_CONTACT_CAP = 13,
	PAGE_CAP_DAYS = 14,
	PAGE_EVENT_DAYS = 16,
};

/* Errors name an argument as it was written in the call. */
static void
check_page_arguments(FunctionCallInfo fcinfo)
{
	if (!PG_ARGISNULL(PAGE_JOURNEY_WITHIN))
		(void) within_argument(fcinfo, PAGE_JOURNEY_WITHIN, "journey_within");
	if (!PG_ARGISNULL(PAGE_CONTACT_CAP))
		(void) count_argument(fcinfo, PAGE_CONTACT_CAP, "contact_cap");
	if (!PG_ARGISNULL(PAGE_CAP_DAYS))
		(void) positive_days_argument(fcinfo, PAGE_CAP_DAYS, "cap_days");
	if (!PG_ARGISNULL(PAGE_EVENT_DAYS))
		(void) int_argument(fcinfo, PAGE_EVENT_DAYS, "event_days", 1, STUDY_MOST_DAYS, NULL);
}

/* customer_360(customer, history, model, …) → jsonb */
PG_FUNCTION_INFO_V1(customer_360);
Datum
customer_360(PG_FUNCTION_ARGS)
{
	ErrorContextCallback customer = {error_context_stack, name_customer, fcinfo};
	FmgrInfo *page = fcinfo->flinfo->fn_extra;
	FmgrInfo *own = fcinfo->flinfo;
	Datum result;

	error_context_stack = &customer;
	check_page_arguments(fcinfo);
	if (page == NULL)
	{
		page = MemoryContextAllocZero(own->fn_mcxt, sizeof(FmgrInfo));
		fmgr_info_cxt(function_beside(fcinfo, "customer_page"), page, own->fn_mcxt);
		own->fn_extra = page;
	}
	fcinfo->flinfo = page;
	result = FunctionCallInvoke(fcinfo);
	fcinfo->flinfo = own;
	error_context_stack = customer.previous;
	return result;
}

/* An event of the argument, as far as it can be read. */
typedef struct PageEvent
{
	char *kind; /* NULL: cannot be read */
	bool knows_consent;
	bool consent;
	DateADT on;
	char *problem; /* NULL: none */
} PageEvent;

static const char *
json_type(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return "null";
		case jbvString:
			return "a string";
		case jbvNumeric:
			return "a number";
		case jbvBool:
			return "true or false";
		case jbvBinary:
			return JsonContainerIsArray(value->val.binary.data) ? "an array" : "an object";
		default:
			return "something else";
	}
}

/* A day, whatever the session's DateStyle; a time of it may follow. */
static bool
read_day(const char *at, int length, DateADT *day)
{
	const char *end = at + length;

	return calendar_read_day(&at, end, 2, day) && (at == end || *at == 'T' || *at == ' ');
}

/* What is wrong with a member of an event: its value may be personal, and is shown only where it explains the error. */
static char *
member_problem(const char *member, const char *expected, const JsonbValue *value)
{
	if (value == NULL)
		return psprintf("\"%s\" is missing", member);
	if (value->type == jbvString)
		return psprintf("\"%s\" must be %s, but is \"%s\"", member, expected,
						json_excerpt(value->val.string.val, value->val.string.len));
	return psprintf("\"%s\" must be %s, but is %s", member, expected, json_type(value));
}

static PageEvent
read_event(const JsonbValue *element)
{
	PageEvent event = {0};
	JsonbContainer *object;
	JsonbValue *kind;
	JsonbValue *on;
	JsonbValue *consent;

	if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data))
	{
		event.problem = psprintf("it must be an object, but is %s", json_type(element));
		return event;
	}
	object = element->val.binary.data;
	kind = json_member(object, "kind");
	on = json_member(object, "on");
	consent = json_member(object, "consent");
	if (kind != NULL && kind->type == jbvString && kind->val.string.len > 0)
		event.kind = pnstrdup(kind->val.string.val, kind->val.string.len);
	else
		event.problem =
			kind != NULL && kind->type == jbvString ? "\"kind\" is empty" : member_problem("kind", "a string", kind);
	if (consent != NULL)
	{
		event.knows_consent = true;
		/* what cannot be read is no consent */
		if (consent->type == jbvBool)
			event.consent = consent->val.boolean;
		else if (consent->type != jbvString ||
				 !parse_bool_with_len(consent->val.string.val, (size_t) consent->val.string.len, &event.consent))
			event.problem = member_problem("consent", "true or false", consent);
	}
	if (on == NULL || on->type != jbvString || !read_day(on->val.string.val, on->val.string.len, &event.on))
		event.problem = member_problem("on", "a date such as \"2026-01-31\"", on);
	return event;
}

static void
put_event(FunctionCallInfo fcinfo, const PageEvent *event)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[4] = {0, DateADTGetDatum(event->on), BoolGetDatum(event->consent)};
	bool nulls[4] = {false, event->problem != NULL, !event->knows_consent, false};

	set_word(values, nulls, 0, event->kind);
	set_word(values, nulls, 3, event->problem);
	if (event->problem != NULL)
		ereport(WARNING,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an event of customer %s cannot be read: %s", quoted_customer(fcinfo), event->problem),
				 errhint(
					 "events is an array of {\"kind\": \"moved house\", \"on\": \"2026-01-31\", \"consent\": true}.")));
	tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
}

/* page_events(customer, events) → setof (kind, "on", consent, problem) */
PG_FUNCTION_INFO_V1(page_events);
Datum
page_events(PG_FUNCTION_ARGS)
{
	JsonbContainer *events;
	JsonbValue value;
	PageEvent event = {0};
	int count;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(1))
		return (Datum) 0;
	events = &PG_GETARG_JSONB_P(1)->root;
	if (JsonContainerIsScalar(events) || !JsonContainerIsArray(events))
	{
		if (JsonContainerIsScalar(events) && getIthJsonbValueFromContainer(events, 0)->type == jbvNull)
			return (Datum) 0;
		value = JsonContainerIsScalar(events) ? *getIthJsonbValueFromContainer(events, 0)
											  : (JsonbValue){.type = jbvBinary, .val.binary.data = events};
		event.problem = psprintf("events must be an array, but is %s", json_type(&value));
		put_event(fcinfo, &event);
		return (Datum) 0;
	}
	count = (int) JsonContainerSize(events);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		event = read_event(getIthJsonbValueFromContainer(events, (uint32) i));
		if (event.problem != NULL)
			event.problem = psprintf("element %d of events: %s", i + 1, event.problem);
		put_event(fcinfo, &event);
	}
	return (Datum) 0;
}
