/*
 * customer_base_io.c
 *	  The text and binary forms of customer_base.
 *
 * Text:	{"observed_until": "1997-09-30", "timing": [[x, t_x, "first day", customers], …],
 *			 "spend": [[x, spend, customers], …], "gaps": [[days, how often], …],
 *			 "left_out": {"no_orders": 1, "no_repeat_spend": 1, "no_amounts": 1, "no_covariates": 1}}
 *			or, for "spend", "spend_bins": [[x, bin, customers, s1, s2, s3], …]
 *			With "period": "month" times are in months, not in days. With "covariates":
 *			[[z1, z2], …] a row of timing has a fifth element, the place (from 0) of
 *			its customers' covariates in that list.
 *			Of the state of an aggregate: {"base64": "…"}, the stored form (support/state_text.h).
 * Binary:	version byte, period (1 byte), number of covariates (1 byte), end of observation
 *			(int32), number of entries (int32), then group, detail and value (int64 each)
 *			of every entry in order
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"

#include "utils/memutils.h"

#include "population/customer_base.h"
#include "support/bytes.h"
#include "support/json.h"

#define WIRE_VERSION 1

static const char *const left_out_names[LEFT_OUT_REASONS + 1] = {
	"no_orders", "no_repeat_spend", "no_amounts", "no_covariates", NULL,
};

/* A base while it is read from text: its entries in the order of the text. */
typedef struct BaseText
{
	JsonInput *in;
	BaseHead head;
	uint32 classes;
	double *covariates; /* of the classes, row by row */
	CountList list;     /* capacity: the number of elements of the text */
} BaseText;

static bool
read_period(BaseText *text, JsonbContainer *object)
{
	JsonbValue *value = json_member(object, "period");
	char *name;

	if (value == NULL)
		return true;
	name = json_read_text(text->in, value, "period");
	if (name == NULL)
		return false;
	return period_by_name(name, &text->head.period) ||
		json_fail(text->in, "There is no period \"%s\".", json_excerpt(name, strlen(name)));
}

/* The list of covariates, as many numbers each: a class for each. */
static bool
read_covariates(BaseText *text, JsonbContainer *rows)
{
	int columns = text->head.covariates;

	text->covariates = palloc_array(double, text->classes *columns);
	for (uint32 i = 0; i < text->classes; i++)
	{
		JsonbContainer *row = json_row(text->in, rows, i, columns, "covariates");
		double *covariates = text->covariates + (Size) i * columns;

		CHECK_FOR_INTERRUPTS();
		if (row == NULL)
			return false;
		for (int k = 0; k < columns; k++)
		{
			if (!json_read_float(text->in, getIthJsonbValueFromContainer(row, k), "covariates", &covariates[k]))
				return false;
			covariates[k] += 0.0;
		}
	}
	return !base_class_twice(text->covariates, text->classes, columns) ||
		json_fail(text->in, "\"%s\" has an element twice.", "covariates");
}

/* Period and covariates: how the customers are counted. */
static bool
read_shape(BaseText *text, JsonbContainer *object)
{
	JsonbContainer *rows;

	if (!read_period(text, object) || !json_array_member(text->in, object, "covariates", true, &rows))
		return false;
	if (rows == NULL)
		return true;

	JsonbValue *first = getIthJsonbValueFromContainer(rows, 0);

	text->classes = JsonContainerSize(rows);
	if (first == NULL || first->type != jbvBinary || !JsonContainerIsArray(first->val.binary.data) ||
		JsonContainerSize(first->val.binary.data) == 0 ||
		JsonContainerSize(first->val.binary.data) > FIT_MAX_COVARIATES)
		return json_fail(text->in, "\"covariates\" must be lists of 1 to %d numbers.", FIT_MAX_COVARIATES);
	text->head.covariates = JsonContainerSize(first->val.binary.data);
	return read_covariates(text, rows);
}

static bool
read_timing(BaseText *text, JsonbContainer *rows)
{
	JsonInput *in = text->in;

	for (uint32 i = 0; i < JsonContainerSize(rows); i++)
	{
		JsonbContainer *row = json_row(in, rows, i, text->classes > 0 ? 5 : 4, "timing");
		int64 x, t_x, customers, class = 0;
		DateADT first;

		CHECK_FOR_INTERRUPTS();
		if (row == NULL || !json_read_int(in, getIthJsonbValueFromContainer(row, 0), "x", 0, PG_INT32_MAX, &x) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 1), "t_x", 0, PG_UINT32_MAX, &t_x) ||
			!json_read_date(in, getIthJsonbValueFromContainer(row, 2), "first day", &first) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 3), "customers", 1, PG_INT64_MAX, &customers) ||
			(text->classes > 0 &&
			 !json_read_int(in, getIthJsonbValueFromContainer(row, 4), "covariates", 0, text->classes - 1, &class)))
			return false;
		count_list_add(&text->list, base_group(BASE_TIMING, (uint32) class, (uint32) x),
					   timing_detail((uint32) t_x, first), customers);
	}
	return true;
}

static bool
read_gaps(BaseText *text, JsonbContainer *rows)
{
	for (uint32 i = 0; i < JsonContainerSize(rows); i++)
	{
		JsonbContainer *row = json_row(text->in, rows, i, 2, "gaps");
		int64 days, count;

		CHECK_FOR_INTERRUPTS();
		if (row == NULL ||
			!json_read_int(text->in, getIthJsonbValueFromContainer(row, 0), "days", 1, PG_UINT32_MAX, &days) ||
			!json_read_int(text->in, getIthJsonbValueFromContainer(row, 1), "gaps", 1, PG_INT64_MAX, &count))
			return false;
		count_list_add(&text->list, base_group(BASE_GAP, 0, 0), (uint64) days, count);
	}
	return true;
}

static bool
read_spends(BaseText *text, JsonbContainer *rows)
{
	JsonInput *in = text->in;

	if (JsonContainerSize(rows) > BASE_MAX_SPENDS)
		return json_fail(in, "\"spend\" has more than %d elements.", BASE_MAX_SPENDS);
	for (uint32 i = 0; i < JsonContainerSize(rows); i++)
	{
		JsonbContainer *row = json_row(in, rows, i, 3, "spend");
		int64 x, customers;
		double spend;

		CHECK_FOR_INTERRUPTS();
		if (row == NULL || !json_read_int(in, getIthJsonbValueFromContainer(row, 0), "x", 1, PG_INT32_MAX, &x) ||
			!json_read_float(in, getIthJsonbValueFromContainer(row, 1), "spend", &spend) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 2), "customers", 1, PG_INT64_MAX, &customers))
			return false;
		if (!(spend > 0))
			return json_fail(in, "\"spend\" must be positive.");
		count_list_add(&text->list, base_group(BASE_SPEND, 0, (uint32) x), spend_detail(spend), customers);
	}
	return true;
}

static bool
read_spend_bins(BaseText *text, JsonbContainer *rows)
{
	JsonInput *in = text->in;

	for (uint32 i = 0; i < JsonContainerSize(rows); i++)
	{
		JsonbContainer *row = json_row(in, rows, i, 2 + BASE_MOMENTS, "spend_bins");
		int64 x, bin;

		CHECK_FOR_INTERRUPTS();
		if (row == NULL || !json_read_int(in, getIthJsonbValueFromContainer(row, 0), "x", 1, PG_INT32_MAX, &x) ||
			!json_read_int(in, getIthJsonbValueFromContainer(row, 1), "bin", 0, BASE_BINS - 1, &bin))
			return false;
		for (int k = 0; k < BASE_MOMENTS; k++)
		{
			int64 sum;

			if (!json_read_int(in, getIthJsonbValueFromContainer(row, 2 + k), "sum", PG_INT64_MIN, PG_INT64_MAX, &sum))
				return false;
			count_list_add(&text->list, base_group(BASE_SPEND_BIN, 0, (uint32) x), bin_detail((uint32) bin, k), sum);
		}
	}
	return true;
}

static bool
read_left_out(BaseText *text, JsonbContainer *object)
{
	JsonInput *in = text->in;
	JsonbValue *value = json_member(object, "left_out");

	if (value == NULL)
		return true;
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		return json_fail(in, "Member \"left_out\" must be an object.");
	if (!json_check_members(in, value->val.binary.data, left_out_names))
		return false;
	for (int reason = 0; reason < LEFT_OUT_REASONS; reason++)
	{
		JsonbValue *count = json_member(value->val.binary.data, left_out_names[reason]);
		int64 customers;

		if (count == NULL)
			continue;
		if (!json_read_int(in, count, left_out_names[reason], 0, PG_INT64_MAX, &customers))
			return false;
		count_list_add(&text->list, base_group(BASE_LEFT_OUT, 0, 0), reason, customers);
	}
	return true;
}

/*
 * Puts the entries in order. Text that counts the same customers twice is
 * invalid; entries of zero are dropped.
 */
static bool
order_entries(BaseText *text)
{
	static const char *const members[] = {
		[BASE_TIMING] = "timing",
		[BASE_SPEND] = "spend",
		[BASE_SPEND_BIN] = "spend_bins",
		[BASE_GAP] = "gaps",
	};
	CountList *list = &text->list;
	const BaseEntry *twice;
	uint32 kept = 0;

	if (text->classes > 0)
		base_order_classes(text->covariates, text->classes, text->head.covariates, list->entries, &list->count);
	else
		count_map_sort(list->entries, list->count);
	twice = count_map_duplicate(list->entries, list->count);
	if (twice != NULL)
		return json_fail(text->in, "\"%s\" has an element twice.", members[entry_kind(twice)]);
	for (uint32 i = 0; i < list->count; i++)
		if (list->entries[i].value != 0)
			list->entries[kept++] = list->entries[i];
	list->count = kept;
	return true;
}

/* A base from entries that may be anything; NULL after a soft error. */
static struct varlena *
checked_base(JsonInput *in, const BaseEntry *entries, uint32 count, const BaseHead *head)
{
	const char *problem = base_problem(entries, count, head);

	if (problem == NULL)
		return base_pack(entries, count, head);
	json_fail(in, "The entries do not fit together: %s.", problem);
	return NULL;
}

/* A base from the text of a state. */
static struct varlena *
read_state(JsonInput *in, const char *base64, Size length)
{
	StateBytes bytes;
	BaseHead head = {0};
	uint8 version, period, covariates;
	uint64 until;
	CountEntry *entries;
	uint32 count;

	if (!state_text_read(in, base64, length, &bytes))
		return NULL;
	if (!state_byte(&bytes, &version) || version != BASE_VERSION)
	{
		state_text_fail(in, "the version is unknown");
		return NULL;
	}
	if (!state_byte(&bytes, &period) || !state_byte(&bytes, &covariates) || !state_varint(&bytes, &until) ||
		until != (uint32) until)
	{
		state_text_fail(in, "it ends early");
		return NULL;
	}
	head.period = (Period) period;
	head.covariates = covariates;
	head.until = (DateADT) zigzag_decode(until);
	if (head.until != DATEVAL_NOBEGIN && !IS_VALID_DATE(head.until))
	{
		state_text_fail(in, "the end of observation is out of range");
		return NULL;
	}
	if (!count_map_from_text(in, &bytes, &entries, &count))
		return NULL;
	return checked_base(in, entries, count, &head);
}

PG_FUNCTION_INFO_V1(customer_base_in);
Datum
customer_base_in(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {
		"observed_until", "period", "covariates", "timing", "spend", "spend_bins", "gaps", "left_out", NULL,
	};
	JsonInput in = {"customer_base", fcinfo->context};
	struct varlena *base;
	const char *base64;
	Size length;

	if (state_text_find(PG_GETARG_CSTRING(0), &base64, &length))
	{
		base = read_state(&in, base64, length);
		if (base == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(base);
	}

	JsonbContainer *object = json_parse_object(&in, PG_GETARG_CSTRING(0));
	JsonbContainer *timing, *spends, *bins, *gaps;
	BaseText text = {&in, {.until = DATEVAL_NOBEGIN}};

	if (object == NULL || !json_check_members(&in, object, members) ||
		!json_array_member(&in, object, "timing", false, &timing) ||
		!json_array_member(&in, object, "spend", true, &spends) ||
		!json_array_member(&in, object, "spend_bins", true, &bins) ||
		!json_array_member(&in, object, "gaps", true, &gaps) || !read_shape(&text, object))
		PG_RETURN_NULL();

	JsonbValue *until = json_member(object, "observed_until");
	Size most = JsonContainerSize(timing) + LEFT_OUT_REASONS + (Size) text.classes * text.head.covariates;

	most += spends == NULL ? 0 : JsonContainerSize(spends);
	most += bins == NULL ? 0 : (Size) JsonContainerSize(bins) * BASE_MOMENTS;
	most += gaps == NULL ? 0 : JsonContainerSize(gaps);
	text.list.entries = MemoryContextAllocHuge(CurrentMemoryContext, most * sizeof(BaseEntry));

	if ((until != NULL && !json_read_date(&in, until, "observed_until", &text.head.until)) ||
		!read_timing(&text, timing) || (bins != NULL && !read_spend_bins(&text, bins)) ||
		(spends != NULL && !read_spends(&text, spends)) || (gaps != NULL && !read_gaps(&text, gaps)) ||
		!read_left_out(&text, object) || !order_entries(&text))
		PG_RETURN_NULL();

	/* Zero counts are not stored. */
	if (JsonContainerSize(timing) == 0)
		text.head = (BaseHead){.until = text.head.until};

	base = checked_base(&in, text.list.entries, text.list.count, &text.head);
	if (base == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(base);
}

static void
append_timing(StringInfo out, const BaseReader *reader)
{
	const BaseEntry *entry = &reader->entry;

	appendStringInfo(out, "[%u, %u, ", entry_x(entry), timing_t_x(entry));
	json_append_date(out, timing_first(entry));
	appendStringInfo(out, ", " INT64_FORMAT, entry->value);
	if (reader->head.covariates > 0)
		appendStringInfo(out, ", %u", entry_class(entry));
	appendStringInfoChar(out, ']');
}

static void
append_spend(StringInfo out, const BaseEntry *entry)
{
	appendStringInfo(out, "[%u, ", entry_x(entry));
	json_append_float(out, spend_of(entry));
	appendStringInfo(out, ", " INT64_FORMAT "]", entry->value);
}

/* Begins a member of the object, or continues it. */
static void
append_separator(StringInfo out, const char *member, bool first)
{
	if (first)
		appendStringInfo(out, "], \"%s\": [", member);
	else
		appendStringInfoString(out, ", ");
}

/* The bin whose customers were read last, with its sums: missing ones are zero. */
static bool
append_bin(StringInfo out, BaseReader *reader)
{
	BaseEntry bin = reader->entry;
	int64 sums[BASE_MOMENTS] = {0};
	bool more;

	do
	{
		sums[entry_power(&reader->entry)] = reader->entry.value;
		more = base_next(reader);
	} while (more && reader->entry.group == bin.group && entry_bin(&reader->entry) == entry_bin(&bin));

	appendStringInfo(out, "[%u, %u", entry_x(&bin), entry_bin(&bin));
	for (int k = 0; k < BASE_MOMENTS; k++)
		appendStringInfo(out, ", " INT64_FORMAT, sums[k]);
	appendStringInfoChar(out, ']');
	return more;
}

/* The members before the rows of timing. */
static void
append_head(StringInfo out, Datum base, const BaseHead *head)
{
	uint32 classes;

	appendStringInfoString(out, "{\"observed_until\": ");
	if (head->until == DATEVAL_NOBEGIN)
		appendStringInfoString(out, "null");
	else
		json_append_date(out, head->until);
	if (head->period != PERIOD_DAY)
		appendStringInfo(out, ", \"period\": \"%s\"", period_names[head->period]);
	if (head->covariates > 0)
	{
		double *covariates = base_covariates(base, &classes);

		appendStringInfoString(out, ", \"covariates\": [");
		for (uint32 i = 0; i < classes; i++)
		{
			CHECK_FOR_INTERRUPTS();
			appendStringInfoString(out, i == 0 ? "" : ", ");
			json_append_floats(out, covariates + (Size) i * head->covariates, head->covariates);
		}
		appendStringInfoChar(out, ']');
	}
	appendStringInfoString(out, ", \"timing\": [");
}

static void
append_left_out(StringInfo out, const int64 *left_out)
{
	appendStringInfoString(out, "], \"left_out\": {");
	for (int reason = 0; reason < LEFT_OUT_REASONS; reason++)
		appendStringInfo(out, "%s\"%s\": " INT64_FORMAT, reason == 0 ? "" : ", ", left_out_names[reason],
						 left_out[reason]);
	appendStringInfoString(out, "}}");
}

PG_FUNCTION_INFO_V1(customer_base_out);
Datum
customer_base_out(PG_FUNCTION_ARGS)
{
	struct varlena *stored = agg_state_stored(PG_GETARG_DATUM(0));
	Datum base = PointerGetDatum(stored);
	BaseReader reader;
	StringInfoData out;
	BaseKind kind = BASE_TIMING;
	bool first = true;
	bool more;
	int64 left_out[LEFT_OUT_REASONS] = {0};

	if (agg_state_to_read(PG_GETARG_DATUM(0)) != NULL)
		PG_RETURN_CSTRING(
			state_text_write("customer_base", (const uint8 *) VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored)));
	base_open(&reader, base);
	initStringInfo(&out);
	append_head(&out, base, &reader.head);
	for (more = base_next(&reader); more;)
	{
		const BaseEntry *entry = &reader.entry;

		CHECK_FOR_INTERRUPTS();
		if (entry_kind(entry) != kind)
		{
			kind = entry_kind(entry);
			first = true;
		}
		switch (kind)
		{
			case BASE_TIMING:
				appendStringInfoString(&out, first ? "" : ", ");
				append_timing(&out, &reader);
				break;
			case BASE_SPEND:
				append_separator(&out, "spend", first);
				append_spend(&out, entry);
				break;
			case BASE_SPEND_BIN:
				append_separator(&out, "spend_bins", first);
				more = append_bin(&out, &reader);
				first = false;
				continue;
			case BASE_LEFT_OUT:
				left_out[entry->detail] = entry->value;
				break;
			case BASE_GAP:
				append_separator(&out, "gaps", first);
				appendStringInfo(&out, "[" UINT64_FORMAT ", " INT64_FORMAT "]", entry->detail, entry->value);
				break;
			case BASE_COVARIATE:
				break; /* written in the header */
		}
		first = false;
		more = base_next(&reader);
	}
	append_left_out(&out, left_out);
	PG_RETURN_CSTRING(out.data);
}

/* The bytes are untrusted (COPY BINARY): everything is checked. */
PG_FUNCTION_INFO_V1(customer_base_recv);
Datum
customer_base_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);

	if (pq_getmsgbyte(in) != WIRE_VERSION)
		bytes_malformed("customer_base", "the version is unknown");

	BaseHead head = {0};

	head.period = (Period) pq_getmsgbyte(in);
	head.covariates = pq_getmsgbyte(in);
	head.until = (DateADT) pq_getmsgint(in, 4);

	if (head.until != DATEVAL_NOBEGIN && !IS_VALID_DATE(head.until))
		bytes_malformed("customer_base", "the end of observation is out of range");

	uint32 count;
	BaseEntry *entries = count_map_receive(&customer_base_map_type, in, &count);
	const char *problem = base_problem(entries, count, &head);

	if (problem != NULL)
		bytes_malformed("customer_base", problem);
	PG_RETURN_POINTER(base_pack(entries, count, &head));
}

PG_FUNCTION_INFO_V1(customer_base_send);
Datum
customer_base_send(PG_FUNCTION_ARGS)
{
	BaseReader reader;
	StringInfoData out;

	base_open(&reader, PG_GETARG_DATUM(0));
	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendbyte(&out, (uint8) reader.head.period);
	pq_sendbyte(&out, (uint8) reader.head.covariates);
	pq_sendint32(&out, (uint32) reader.head.until);
	pq_sendint32(&out, reader.left);
	while (base_next(&reader))
	{
		CHECK_FOR_INTERRUPTS();
		count_map_send(&out, &reader.entry);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
