/*
 * base.c
 *	  The stored form of a customer base: packing, reading, checking.
 */
#include "compat.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/base_state.h"
#include "value/bytes.h"

struct varlena *
base_pack(const BaseEntry *entries, uint32 count, DateADT until)
{
	Size		room = VARHDRSZ + 1 + (2 + (Size) count * 3) * MAX_VARINT_BYTES;
	struct varlena *value = MemoryContextAllocHuge(CurrentMemoryContext, room);
	uint8	   *start = (uint8 *) VARDATA(value);
	uint8	   *at = start;
	BaseEntry	previous = {0};

	*at++ = BASE_VERSION;
	at = put_varint(at, fold_sign(until));
	at = put_varint(at, count);
	for (uint32 i = 0; i < count; i++)
	{
		const BaseEntry *entry = &entries[i];

		CHECK_FOR_INTERRUPTS();
		if (entry->group != previous.group)
			previous.detail = 0;
		at = put_varint(at, entry->group - previous.group);
		at = put_varint(at, entry->detail - previous.detail);
		at = put_varint(at, fold_sign(entry->value));
		previous = *entry;
	}
	if (at - (uint8 *) value > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("customer_base is too large to be stored"),
				 errhint("Build one base per region or cohort.")));
	SET_VARSIZE(value, at - (uint8 *) value);
	return repalloc(value, at - (uint8 *) value);
}

struct varlena *
base_stored(Datum base)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(base);

	return base_is_state(value)
		? base_state_pack((BaseState *) PG_DETOAST_DATUM(PointerGetDatum(value))) : value;
}

void
base_open(BaseReader *reader, Datum base)
{
	struct varlena *value = base_stored(base);

	reader->next = (const uint8 *) VARDATA_ANY(value);
	reader->end = reader->next + VARSIZE_ANY_EXHDR(value);
	if (reader->next == reader->end)
		bytes_end_early();
	if (*reader->next != BASE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unknown version %d of a stored customer_base", *reader->next)));
	reader->next++;
	reader->until = (DateADT) unfold_sign(get_varint(&reader->next, reader->end));
	reader->left = (uint32) get_varint(&reader->next, reader->end);
	reader->entry = (BaseEntry) {0};
}

bool
base_next(BaseReader *reader)
{
	if (reader->left == 0)
		return false;
	reader->left--;

	uint64		step = get_varint(&reader->next, reader->end);
	uint64		detail = get_varint(&reader->next, reader->end);

	reader->entry.detail = step == 0 ? reader->entry.detail + detail : detail;
	reader->entry.group += step;
	reader->entry.value = unfold_sign(get_varint(&reader->next, reader->end));
	return true;
}

static const char *
timing_problem(const BaseEntry *entry)
{
	int64		first = timing_first(entry);
	int64		last = first + timing_t_x(entry);

	if (!IS_VALID_DATE(first) || last > PG_INT32_MAX || !IS_VALID_DATE((DateADT) last))
		return "a day is out of range";
	if (entry_x(entry) > timing_t_x(entry))
		return "there are more repeat transactions than days";
	if (entry_x(entry) == 0 && timing_t_x(entry) > 0)
		return "a last repeat transaction without repeat transactions";
	return entry->value < 0 ? "a number of customers is negative" : NULL;
}

static const char *
entry_problem(const BaseEntry *entry)
{
	if (entry->value == 0)
		return "an entry is zero";
	switch (entry_kind(entry))
	{
		case BASE_TIMING:
			return timing_problem(entry);
		case BASE_SPEND:
			if (entry_x(entry) == 0 || !isfinite(spend_of(entry)) || !(spend_of(entry) > 0))
				return "spend on repeat transactions must be positive";
			return entry->value < 0 ? "a number of customers is negative" : NULL;
		case BASE_SPEND_BIN:
			if (entry_x(entry) == 0 || entry->detail >= (uint64) BASE_BINS * BASE_MOMENTS)
				return "there is no such spend bin";
			return entry_power(entry) == 0 && entry->value < 0
				? "a number of customers is negative" : NULL;
		case BASE_LEFT_OUT:
			if (entry_x(entry) != 0 || entry->detail >= LEFT_OUT_REASONS)
				return "there is no such reason to leave customers out";
			return entry->value < 0 ? "a number of customers is negative" : NULL;
	}
	return "there is no such kind of entry";
}

/* |δ| < 2^-6 in a bin, so a sum of δ^k is smaller than that many customers times 2^-6k. */
static bool
moment_fits(const BaseEntry *entry, int64 customers)
{
	return fabs((double) entry->value) <= (double) customers * ldexp(BASE_MOMENT_SCALE, -6 * entry_power(entry)) + 1;
}

const char *
base_problem(const BaseEntry *entries, uint32 count)
{
	double		customers = 0;
	double		repeaters = 0;
	double		with_reason = 0;
	uint32		spends = 0;
	uint32		bins = 0;
	const BaseEntry *bin = NULL;

	for (uint32 i = 0; i < count; i++)
	{
		const BaseEntry *entry = &entries[i];
		const char *problem = entry_problem(entry);

		CHECK_FOR_INTERRUPTS();
		if (problem != NULL)
			return problem;
		if (i > 0 && (entry[-1].group > entry->group ||
					  (entry[-1].group == entry->group && entry[-1].detail >= entry->detail)))
			return "the entries are not in order";

		switch (entry_kind(entry))
		{
			case BASE_TIMING:
				customers += entry->value;
				repeaters += entry_x(entry) > 0 ? entry->value : 0;
				break;
			case BASE_SPEND:
				spends++;
				with_reason += entry->value;
				break;
			case BASE_SPEND_BIN:
				if (entry_power(entry) == 0)
				{
					bin = entry;
					bins++;
					with_reason += entry->value;
				}
				else if (bin == NULL || bin->group != entry->group || entry_bin(bin) != entry_bin(entry) ||
						 !moment_fits(entry, bin->value))
					return "the sums of a spend bin do not fit its customers";
				break;
			case BASE_LEFT_OUT:
				with_reason += entry->detail == LEFT_OUT_NO_ORDERS ? 0 : entry->value;
				break;
		}
	}
	if (spends > BASE_MAX_SPENDS || (spends > 0 && bins > 0))
		return "there is too much exact spend";
	if (customers > BASE_MAX_CUSTOMERS)
		return "there are more customers than can be counted";
	if (repeaters != with_reason)
		return "the spend is not that of the repeat customers";
	return NULL;
}

/* Merging may have gone beyond what input allows. */
static void
count_customers(int64 *count, int64 more)
{
	if (pg_add_s64_overflow(*count, more, count))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the number of customers in customer_base is out of range")));
}

BaseTotals
base_totals(Datum base)
{
	BaseTotals	totals = {.last_day = DATEVAL_NOBEGIN};
	BaseReader	reader;

	base_open(&reader, base);
	while (base_next(&reader))
	{
		const BaseEntry *entry = &reader.entry;

		CHECK_FOR_INTERRUPTS();
		if (entry_kind(entry) == BASE_TIMING)
		{
			count_customers(&totals.customers, entry->value);
			totals.repeaters += entry_x(entry) > 0 ? entry->value : 0;
			totals.last_day = Max(totals.last_day, timing_first(entry) + (DateADT) timing_t_x(entry));
		}
		else if (entry_kind(entry) == BASE_LEFT_OUT)
			totals.left_out[entry->detail] = entry->value;
	}
	totals.observed_until = Max(reader.until, totals.last_day);
	return totals;
}
