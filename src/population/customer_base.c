/*
 * customer_base.c
 *	  The stored form of a customer base: packing, reading, checking.
 */
#include "compat.h"

#include "miscadmin.h"

#include "population/customer_base.h"

/* The day of the last order in sorted entries, or the first of its period. */
static DateADT
last_order_day(const BaseEntry *entries, uint32 count, const BaseHead *head)
{
	DateADT last = DATEVAL_NOBEGIN;

	for (uint32 i = 0; i < count && entry_kind(&entries[i]) == BASE_TIMING; i++)
	{
		CHECK_FOR_INTERRUPTS();
		last = Max(last, (DateADT) base_day_after(head, timing_first(&entries[i]), timing_t_x(&entries[i])));
	}
	return last;
}

struct varlena *
base_pack(const BaseEntry *entries, uint32 count, const BaseHead *head)
{
	uint8 start[3 + MAX_VARINT_BYTES] = {BASE_VERSION, (uint8) head->period, (uint8) head->covariates};
	DateADT until = head->until;
	uint8 *end;

	if (until != DATEVAL_NOBEGIN && until < last_order_day(entries, count, head))
		until = DATEVAL_NOBEGIN;
	end = put_varint(start + 3, zigzag_encode(until));

	return count_map_pack(&customer_base_map_type, start, end - start, entries, count);
}

void
base_open(BaseReader *reader, Datum base)
{
	struct varlena *value = agg_state_stored(base);

	reader->next = (const uint8 *) VARDATA_ANY(value);
	reader->end = reader->next + VARSIZE_ANY_EXHDR(value);
	if (reader->end - reader->next < 3)
		bytes_end_early();
	if (*reader->next != BASE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unknown version %d of a stored customer_base", *reader->next)));
	reader->head.period = (Period) reader->next[1];
	reader->head.covariates = reader->next[2];
	reader->next += 3;
	reader->head.until = (DateADT) zigzag_decode(get_varint(&reader->next, reader->end));
	reader->left = count_map_get_count(&reader->next, reader->end);
	reader->entry = (BaseEntry){0};
}

bool
base_next(BaseReader *reader)
{
	if (reader->left == 0)
		return false;
	reader->left--;
	count_map_get(&reader->next, reader->end, &reader->entry);
	return true;
}

int64
base_day_after(const BaseHead *head, DateADT first, uint32 t_x)
{
	if (head->period == PERIOD_DAY)
		return (int64) first + t_x;
	/* Beyond what the calendar holds, in whatever period. */
	if (t_x > DATE_END_JULIAN)
		return PG_INT64_MAX;

	int64 number = (int64) period_number(head->period, first) + t_x;

	if (number > period_number(head->period, DATE_END_JULIAN - POSTGRES_EPOCH_JDATE - 1))
		return PG_INT64_MAX;
	return period_first_day(head->period, (int32) number);
}

static const char *
timing_problem(const BaseEntry *entry, const BaseHead *head)
{
	DateADT first = timing_first(entry);

	if (!IS_VALID_DATE(first))
		return "a day is out of range";

	int64 last = base_day_after(head, first, timing_t_x(entry));

	if (last > PG_INT32_MAX || !IS_VALID_DATE((DateADT) last))
		return "a day is out of range";
	if (period_first_day(head->period, period_number(head->period, first)) != first)
		return "a first day is not that of a period";
	if (entry_x(entry) > timing_t_x(entry))
		return "there are more repeat transactions than days";
	if (entry_x(entry) == 0 && timing_t_x(entry) > 0)
		return "a last repeat transaction without repeat transactions";
	return entry->value < 0 ? "a number of customers is negative" : NULL;
}

static const char *
entry_problem(const BaseEntry *entry, const BaseHead *head)
{
	if (entry->value == 0)
		return "an entry is zero";
	if (entry_class(entry) != 0 && entry_kind(entry) != BASE_TIMING && entry_kind(entry) != BASE_COVARIATE)
		return "only timing has classes";
	switch (entry_kind(entry))
	{
		case BASE_TIMING:
			return timing_problem(entry, head);
		case BASE_SPEND:
			if (entry_x(entry) == 0 || entry_x(entry) > PG_INT32_MAX)
				return "there is no such number of repeat transactions";
			if (!isfinite(spend_of(entry)) || !(spend_of(entry) > 0))
				return "spend on repeat transactions must be positive";
			return entry->value < 0 ? "a number of customers is negative" : NULL;
		case BASE_SPEND_BIN:
			if (entry_x(entry) == 0 || entry_x(entry) > PG_INT32_MAX ||
				entry->detail >= (uint64) BASE_BINS * BASE_MOMENTS)
				return "there is no such spend bin";
			return entry_power(entry) == 0 && entry->value < 0 ? "a number of customers is negative" : NULL;
		case BASE_LEFT_OUT:
			if (entry_x(entry) != 0 || entry->detail >= LEFT_OUT_REASONS)
				return "there is no such reason to leave customers out";
			return entry->value < 0 ? "a number of customers is negative" : NULL;
		case BASE_GAP:
			if (entry_x(entry) != 0 || entry->detail == 0 || entry->detail > PG_UINT32_MAX)
				return "a gap between transactions is out of range";
			return entry->value < 0 ? "a number of gaps is negative" : NULL;
		case BASE_COVARIATE:
			if (entry_x(entry) >= (uint32) head->covariates || entry->detail != 0)
				return "there is no such covariate";
			return !isfinite(covariate_of(entry)) || covariate_of(entry) == 0 ? "a covariate must be a finite number"
																			  : NULL;
	}
	return "there is no such kind of entry";
}

/* |δ| < 2^-6 in a bin, so a sum of δ^k is smaller than that many customers times 2^-6k. */
static bool
moment_fits(const BaseEntry *entry, int64 customers)
{
	return fabs((double) entry->value) <= (double) customers * ldexp(BASE_MOMENT_SCALE, -6 * entry_power(entry)) + 1;
}

/* What the entries come to, while they are checked. */
typedef struct BaseCheck
{
	double customers;
	double repeaters;
	double repeat_orders;
	double with_reason; /* repeat customers whose spend is told, or why it is not */
	double gaps;
	uint32 classes;
	uint32 spends;
	uint32 bins;
	const BaseEntry *bin; /* the one whose sums are being read */
} BaseCheck;

static const char *
check_entry(BaseCheck *check, const BaseEntry *entry)
{
	switch (entry_kind(entry))
	{
		case BASE_TIMING:
			if (entry_class(entry) > check->classes)
				return "a class has no customers";
			check->classes = entry_class(entry) + 1;
			check->customers += entry->value;
			check->repeaters += entry_x(entry) > 0 ? entry->value : 0;
			check->repeat_orders += (double) entry->value * entry_x(entry);
			break;
		case BASE_SPEND:
			check->spends++;
			check->with_reason += entry->value;
			break;
		case BASE_SPEND_BIN:
			if (entry_power(entry) == 0)
			{
				check->bin = entry;
				check->bins++;
				check->with_reason += entry->value;
			}
			else if (check->bin == NULL || check->bin->group != entry->group ||
					 entry_bin(check->bin) != entry_bin(entry) || !moment_fits(entry, check->bin->value))
				return "the sums of a spend bin do not fit its customers";
			break;
		case BASE_LEFT_OUT:
			if (entry->detail == LEFT_OUT_NO_SPEND || entry->detail == LEFT_OUT_NO_AMOUNTS)
				check->with_reason += entry->value;
			break;
		case BASE_GAP:
			check->gaps += entry->value;
			break;
		case BASE_COVARIATE:
			if (entry_class(entry) >= check->classes)
				return "a class has no customers";
			break;
	}
	return NULL;
}

/* A covariate of a class; zero is not kept. */
static double
class_covariate(const BaseEntry *entries, uint32 count, uint32 class, int place)
{
	uint64 group = base_group(BASE_COVARIATE, class, place);
	const BaseEntry *entry = count_map_find(entries, count, group, 0);

	return entry < entries + count && entry->group == group ? covariate_of(entry) : 0;
}

/* The covariates of the classes must be told apart, and be in order. */
static const char *
classes_problem(const BaseEntry *entries, uint32 count, const BaseHead *head, uint32 classes)
{
	for (uint32 class = 1; class < classes; class ++)
	{
		double difference = 0;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < head->covariates && difference == 0; i++)
			difference = class_covariate(entries, count, class, i) - class_covariate(entries, count, class - 1, i);
		if (!(difference > 0))
			return "the classes are not in the order of their covariates";
	}
	return NULL;
}

const char *
base_problem(const BaseEntry *entries, uint32 count, const BaseHead *head)
{
	BaseCheck check = {0};

	if (head->period >= PERIODS || head->covariates > FIT_MAX_COVARIATES)
		return "there is no such period, or there are too many covariates";
	for (uint32 i = 0; i < count; i++)
	{
		const BaseEntry *entry = &entries[i];
		const char *problem = entry_problem(entry, head);

		CHECK_FOR_INTERRUPTS();
		if (problem == NULL && i > 0 && count_map_compare(&entry[-1], entry) >= 0)
			problem = "the entries are not in order";
		if (problem == NULL)
			problem = check_entry(&check, entry);
		if (problem != NULL)
			return problem;
	}
	if (check.spends > BASE_MAX_SPENDS || (check.spends > 0 && check.bins > 0))
		return "there is too much exact spend";
	if (check.customers > BASE_MAX_CUSTOMERS)
		return "the number of customers is too large";
	if (check.repeaters != check.with_reason)
		return "the spend is not that of the repeat customers";
	if (check.gaps > check.repeat_orders)
		return "there are more gaps than repeat transactions";
	if (check.customers == 0 && (head->period != PERIOD_DAY || head->covariates != 0))
		return "without customers there is neither a period nor a covariate";
	return classes_problem(entries, count, head, check.classes);
}
