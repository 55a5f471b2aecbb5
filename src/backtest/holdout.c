/*
 * holdout.c
 *	  A holdout as a value: transition state, stored form, reader, checks.
 */
#include "compat.h"

#include "miscadmin.h"

#include <math.h>

#include "backtest/holdout.h"
#include "population/customer_base.h"

/*
 * The number of entries that can be read back from text: the server's JSON
 * arrays are limited to 256 MB, and a cell takes 72 bytes there.
 */
#define MAX_ENTRIES 3000000

/* Input may not count more than this, so that sums are exact in a double. */
#define MAX_COUNT ((double) (INT64CONST(1) << 53))

static struct varlena *pack_map(CountMap *map);
static void sample_map(CountMap *map);

const CountMapType holdout_map_type = {
	.name = "clv_holdout",
	.max_entries = MAX_ENTRIES,
	.counted = "customers",
	.hint = "Build one per region or cohort.",
	.pack = pack_map,
	.compacted = sample_map,
};

int
holdout_model_id(const char *name)
{
	const Model *model = model_by_name(name);

	if (clv_model_is_auto(name))
		return HOLDOUT_AUTO;
	return model == NULL || model->discrete ? -1 : model->id;
}

const char *
holdout_model_name(int model_id)
{
	return model_id == HOLDOUT_AUTO ? "auto" : model_by_id(model_id)->name;
}

int64
holdout_sample_weight(int64 customers)
{
	int64 weight = 1;

	while (customers / weight > HOLDOUT_MAX_SPENDERS ||
		   (customers / weight == HOLDOUT_MAX_SPENDERS && customers % weight > 0))
		weight *= 2;
	return weight;
}

int64
holdout_spend_weight(const CountEntry *entry, int64 sample_weight)
{
	uint64 hash = (holdout_spend_group(entry, 0) ^ entry->detail * UINT64CONST(0x9E3779B97F4A7C15)) *
		UINT64CONST(0xD6E8FEB86659FD93);

	if (holdout_bin_before(entry) == 0 && holdout_bin_after(entry) == 0)
		return 1;
	return ((hash >> 32) & (uint64) (sample_weight - 1)) == 0 ? sample_weight : 0;
}

int64
holdout_customer_count(const CountEntry *entries, uint32 count)
{
	int64 customers = 0;

	for (uint32 i = 0; i < count && holdout_kind(&entries[i]) == HOLDOUT_CUSTOMERS; i++)
		if (pg_add_s64_overflow(customers, entries[i].value, &customers))
			count_map_out_of_range(&holdout_map_type);
	return customers;
}

/* Drops what is not kept of the spend of so many customers. */
static void
sample_map(CountMap *map)
{
	int64 weight = holdout_sample_weight(holdout_customer_count(map->entries, map->used));
	uint32 kept = 0;

	for (uint32 i = 0; weight > 1 && i < map->used; i++)
	{
		const CountEntry *entry = &map->entries[i];

		CHECK_FOR_INTERRUPTS();
		if (holdout_kind(entry) < HOLDOUT_SPEND || holdout_spend_weight(entry, weight) > 0)
			map->entries[kept++] = *entry;
	}
	if (weight > 1)
		map->used = map->n_sorted = kept;
}

void
holdout_state_sample(HoldoutState *state)
{
	sample_map(&state->map);
}

/* Units of spend that is not above zero, and how many of them are counted with. */
#define SPEND_SCALE ((double) (1 << 20))
#define MAX_UNITS ((double) (INT64CONST(1) << 50))

/* A deviation from a bin's centre is less than this, in the units of a base. */
#define MAX_DEVIATION (BASE_MOMENT_SCALE / 16)

double
holdout_mean_spend(uint32 bin, int64 customers, int64 sum)
{
	double mean = (double) sum / (double) customers;

	return bin == 0 ? mean / SPEND_SCALE : base_bin_centre(bin - 1) * (1 + mean / BASE_MOMENT_SCALE);
}

/* Spend below zero is kept, down to the largest loss that fits. */
uint32
holdout_spend_bin(double spend, int64 *deviation)
{
	uint32 bin;

	if (!(spend > 0))
	{
		*deviation = (int64) rint(Max(spend * SPEND_SCALE, -MAX_UNITS));
		return 0;
	}
	bin = base_bin(spend);
	*deviation = (int64) rint((spend / base_bin_centre(bin) - 1) * BASE_MOMENT_SCALE);
	return bin + 1;
}

HoldoutState *
holdout_state_make(const HoldoutHead *head, MemoryContext parent)
{
	HoldoutState *state = count_map_make(&holdout_map_type, sizeof(HoldoutState), parent);

	state->head = *head;
	return state;
}

/* The stored form of a state, without a fitted model. */
static struct varlena *
pack_map(CountMap *map)
{
	count_map_compact(map);
	sample_map(map);
	return holdout_pack(map->entries, map->used, &((HoldoutState *) map)->head, NULL);
}

struct varlena *
holdout_pack(const CountEntry *entries, uint32 count, const HoldoutHead *head, const ClvModel *fit)
{
	Size fit_bytes = fit == NULL ? 0 : VARSIZE(fit) - VARHDRSZ;
	uint8 *start = palloc(3 + 3 * MAX_VARINT_BYTES + fit_bytes);
	uint8 *at = start;

	*at++ = head->season == 0 ? HOLDOUT_VERSION : HOLDOUT_VERSION_SEASON;
	*at++ = (uint8) head->model_id;
	if (head->season != 0)
		*at++ = (uint8) head->season;
	at = put_varint(at, zigzag_encode(head->calibration_until));
	at = put_varint(at, (uint64) ((int64) head->holdout_until - head->calibration_until));
	at = put_varint(at, fit_bytes);
	if (fit != NULL)
		memcpy(at, VARDATA(fit), fit_bytes);

	struct varlena *value = count_map_pack(&holdout_map_type, start, at + fit_bytes - start, entries, count);

	pfree(start);
	return value;
}

/* The model between these bytes, aligned. */
static const ClvModel *
unpack_fit(const uint8 *at, Size bytes)
{
	struct varlena *fit = palloc(VARHDRSZ + bytes);

	SET_VARSIZE(fit, VARHDRSZ + bytes);
	memcpy(VARDATA(fit), at, bytes);
	return clv_model_get(PointerGetDatum(fit));
}

void
holdout_open(HoldoutReader *reader, Datum holdout)
{
	struct varlena *value = agg_state_stored(holdout);
	uint64 fit_bytes;

	*reader = (HoldoutReader){.next = (const uint8 *) VARDATA_ANY(value)};
	reader->end = reader->next + VARSIZE_ANY_EXHDR(value);
	if (reader->end - reader->next < 2)
		bytes_end_early();
	if (*reader->next != HOLDOUT_VERSION && *reader->next != HOLDOUT_VERSION_SEASON)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version %d of a stored clv_holdout", *reader->next)));
	reader->head.model_id = reader->next[1];
	if (*reader->next == HOLDOUT_VERSION_SEASON)
	{
		if (reader->end - reader->next < 3)
			bytes_end_early();
		reader->head.season = reader->next++[2];
	}
	reader->next += 2;
	reader->head.calibration_until = (DateADT) zigzag_decode(get_varint(&reader->next, reader->end));
	reader->head.holdout_until =
		(DateADT) (reader->head.calibration_until + (int64) get_varint(&reader->next, reader->end));
	fit_bytes = get_varint(&reader->next, reader->end);
	if (fit_bytes > reader->end - reader->next)
		bytes_end_early();
	if (fit_bytes > 0)
		reader->fit = unpack_fit(reader->next, fit_bytes);
	reader->next += fit_bytes;
	reader->left = count_map_get_count(&reader->next, reader->end);
}

bool
holdout_next(HoldoutReader *reader)
{
	if (reader->left == 0)
		return false;
	reader->left--;
	count_map_get(&reader->next, reader->end, &reader->entry);
	return true;
}

static const char *
head_problem(const HoldoutHead *head, const ClvModel *fit)
{
	const Model *model = model_by_id(head->model_id);

	if (!IS_VALID_DATE(head->calibration_until) || !IS_VALID_DATE(head->holdout_until))
		return "a day is out of range";
	if (head->calibration_until >= head->holdout_until)
		return "the holdout does not end after the calibration";
	if (head->model_id != HOLDOUT_AUTO && (model == NULL || model->discrete))
		return "there is no such model";
	if (head->season < 0 || head->season > SEASON_BYS)
		return "there is no such season";
	if (fit == NULL)
		return NULL;
	if ((clv_model_season(fit) == NULL ? 0 : clv_model_season(fit)->by + 1) != head->season)
		return "the model was fitted with another season";
	if (head->model_id != HOLDOUT_AUTO && head->model_id != fit->model_id)
		return "another model was fitted";
	if (clv_model_timing(fit)->discrete || fit->n_covariates > 0)
		return "the model was fitted to another base";
	return fit->as_of != head->calibration_until ? "the model was not fitted as of the end of the calibration" : NULL;
}

static const char *
customers_problem(const CountEntry *entry, const HoldoutHead *head)
{
	int64 last = (int64) holdout_day(entry) + holdout_t_x(entry);

	if (!IS_VALID_DATE(holdout_day(entry)) || last > head->calibration_until)
		return "customers did not order in the calibration period";
	if (holdout_x(entry) > holdout_t_x(entry))
		return "there are more repeat transactions than days";
	if (holdout_x(entry) == 0 && holdout_t_x(entry) > 0)
		return "a last repeat transaction without repeat transactions";
	return holdout_orders(entry) > (int64) head->holdout_until - head->calibration_until
		? "there are more orders than days in the holdout"
		: NULL;
}

/* Cells of spend are of customers; what is kept of their spend lies within their bins. */
static const char *
spend_problem(const CountEntry *entries, uint32 count, const CountEntry *entry, const HoldoutHead *head)
{
	HoldoutKind kind = holdout_kind(entry);
	uint32 bin = kind == HOLDOUT_SPEND_BEFORE ? holdout_bin_before(entry) : holdout_bin_after(entry);
	const CountEntry *cell;
	CountEntry timing = *entry;

	timing.group = holdout_group(HOLDOUT_CUSTOMERS, holdout_x(entry), 0);
	if (customers_problem(&timing, head) != NULL)
		return customers_problem(&timing, head);
	if (holdout_bin_before(entry) > BASE_BINS || holdout_bin_after(entry) > BASE_BINS)
		return "there is no such bin of spend";
	if (holdout_x(entry) == 0 && holdout_bin_before(entry) != 0)
		return "customers without repeat transactions spent on them";
	if (kind == HOLDOUT_SPEND)
		return entry->value <= 0 ? "a number is not positive" : NULL;
	cell = count_map_find(entries, count, holdout_spend_group(entry, HOLDOUT_SPEND), entry->detail);
	if (cell == entries + count || cell->group != holdout_spend_group(entry, HOLDOUT_SPEND) ||
		cell->detail != entry->detail)
		return "there is spend of no customers";
	if (bin == 0 && (kind == HOLDOUT_SPEND_BEFORE || entry->value > 0))
		return "there is spend where there is none";
	return fabs((double) entry->value) > (double) cell->value * (bin == 0 ? MAX_UNITS : MAX_DEVIATION)
		? "spend is not in its bin"
		: NULL;
}

static const char *
entry_problem(const CountEntry *entries, uint32 count, const CountEntry *entry, const HoldoutHead *head)
{
	HoldoutKind kind = holdout_kind(entry);

	if (kind >= HOLDOUT_SPEND && kind <= HOLDOUT_LAST_KIND)
		return spend_problem(entries, count, entry, head);
	if (entry->value <= 0)
		return "a number is not positive";
	if (kind == HOLDOUT_CUSTOMERS)
		return customers_problem(entry, head);
	if (entry->group != holdout_group(kind, 0, 0))
		return "there is no such kind of entry";
	switch (kind)
	{
		case HOLDOUT_ACQUIRED_LATER:
		case HOLDOUT_REPEATS:
			if (holdout_t_x(entry) != 0 || !IS_VALID_DATE(holdout_day(entry)) ||
				holdout_day(entry) > head->holdout_until)
				return "a day is out of range";
			return kind == HOLDOUT_ACQUIRED_LATER && holdout_day(entry) <= head->calibration_until
				? "customers acquired later were acquired in the calibration period"
				: NULL;
		case HOLDOUT_GAP:
			return entry->detail == 0 || entry->detail > PG_INT32_MAX ? "a gap between transactions is out of range"
																	  : NULL;
		case HOLDOUT_CUSTOMERS:
		case HOLDOUT_SPEND:
		case HOLDOUT_SPEND_BEFORE:
		case HOLDOUT_SPEND_AFTER:
			break;
	}
	return "there is no such kind of entry";
}

/* Totals of the entries. */
typedef struct HoldoutSums
{
	DateADT first; /* acquisition */
	double customers;
	double repeats; /* of the customers in the calibration period, and */
	double orders;  /* in the holdout */
	double acquired_later;
	double calibration_repeats; /* of all, day by day */
	double holdout_repeats;
	double gaps;
	double spenders;        /* customers whose amounts are known, and */
	double spender_repeats; /* their repeat transactions in the calibration period */
} HoldoutSums;

/* Acquisitions come before repeats. */
static const char *
sum_entry(HoldoutSums *sums, const CountEntry *entry, const HoldoutHead *head)
{
	double value = (double) entry->value;

	switch (holdout_kind(entry))
	{
		case HOLDOUT_CUSTOMERS:
			sums->first = Min(sums->first, holdout_day(entry));
			sums->customers += value;
			sums->repeats += value * holdout_x(entry);
			sums->orders += value * holdout_orders(entry);
			break;
		case HOLDOUT_ACQUIRED_LATER:
			sums->first = Min(sums->first, holdout_day(entry));
			sums->acquired_later += value;
			break;
		case HOLDOUT_REPEATS:
			if (holdout_day(entry) <= sums->first)
				return "a repeat transaction is before the first acquisition";
			if (holdout_day(entry) <= head->calibration_until)
				sums->calibration_repeats += value;
			else
				sums->holdout_repeats += value;
			break;
		case HOLDOUT_GAP:
			sums->gaps += value;
			break;
		case HOLDOUT_SPEND:
			sums->spenders += value;
			sums->spender_repeats += value * holdout_x(entry);
			break;
		case HOLDOUT_SPEND_BEFORE:
		case HOLDOUT_SPEND_AFTER:
			break;
	}
	return NULL;
}

static const char *
sums_problem(const HoldoutSums *sums)
{
	if (sums->customers + sums->acquired_later > MAX_COUNT || sums->repeats + sums->orders > MAX_COUNT ||
		sums->holdout_repeats > MAX_COUNT)
		return "the number of customers or orders is too large";
	if (sums->calibration_repeats != sums->repeats || sums->holdout_repeats < sums->orders ||
		(sums->acquired_later == 0 && sums->holdout_repeats > sums->orders))
		return "the repeat transactions by day are not those of the customers";
	if (sums->spenders > sums->customers || sums->spender_repeats > sums->repeats)
		return "there are more customers with spend than customers";
	return sums->gaps != sums->repeats ? "the number of gaps differs from that of repeat transactions" : NULL;
}

const char *
holdout_problem(const CountEntry *entries, uint32 count, const HoldoutHead *head, const ClvModel *fit)
{
	HoldoutSums sums = {.first = DATEVAL_NOEND};
	const char *problem = head_problem(head, fit);

	for (uint32 i = 0; i < count && problem == NULL; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0 && count_map_compare(&entries[i - 1], &entries[i]) >= 0)
			return "the entries are not in order";
		problem = entry_problem(entries, count, &entries[i], head);
		if (problem == NULL)
			problem = sum_entry(&sums, &entries[i], head);
	}
	return problem != NULL ? problem : sums_problem(&sums);
}
