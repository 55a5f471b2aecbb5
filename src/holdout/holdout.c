/*
 * holdout.c
 *	  A holdout as a value: growing, stored, read, checked.
 */
#include "compat.h"

#include "miscadmin.h"

#include "holdout/holdout.h"

/* So many entries can be read back from text: the server's JSON arrays hold 256 MB, and a cell takes 72 bytes there. */
#define MAX_ENTRIES 3000000

/* Input may not count more than this, so that sums are exact in a double. */
#define MAX_COUNT ((double) (INT64CONST(1) << 53))

static struct varlena *pack_tally(Tally *tally);

const TallyType holdout_tally = {
	.name = "clv_holdout",
	.most = MAX_ENTRIES,
	.counted = "customers",
	.hint = "Build one per region or cohort.",
	.pack = pack_tally
};

int
holdout_model_id(const char *name)
{
	const Model *model = model_by_name(name);

	if (strcmp(name, "auto") == 0)
		return HOLDOUT_AUTO;
	return model == NULL || model->discrete ? -1 : model->id;
}

const char *
holdout_model_name(int model_id)
{
	return model_id == HOLDOUT_AUTO ? "auto" : model_by_id(model_id)->name;
}

HoldoutState *
holdout_state_make(const HoldoutHead *head, MemoryContext parent)
{
	HoldoutState *state = tally_make(&holdout_tally, sizeof(HoldoutState), parent);

	state->head = *head;
	return state;
}

/* The stored form of a state, to which nothing is fitted. */
static struct varlena *
pack_tally(Tally *tally)
{
	tally_settle(tally);
	return holdout_pack(tally->entries, tally->used, &((HoldoutState *) tally)->head, NULL);
}

struct varlena *
holdout_pack(const TallyEntry *entries, uint32 count, const HoldoutHead *head, const ClvModel *fit)
{
	Size		fit_bytes = fit == NULL ? 0 : VARSIZE(fit) - VARHDRSZ;
	uint8	   *start = palloc(2 + 3 * MAX_VARINT_BYTES + fit_bytes);
	uint8	   *at = start;

	*at++ = HOLDOUT_VERSION;
	*at++ = (uint8) head->model_id;
	at = put_varint(at, fold_sign(head->calibration_until));
	at = put_varint(at, (uint64) ((int64) head->holdout_until - head->calibration_until));
	at = put_varint(at, fit_bytes);
	if (fit != NULL)
		memcpy(at, VARDATA(fit), fit_bytes);

	struct varlena *value = tally_pack(&holdout_tally, start, at + fit_bytes - start, entries, count);

	pfree(start);
	return value;
}

/* The model between these bytes, where it can be used. */
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
	struct varlena *value = tally_stored(holdout);
	uint64		fit_bytes;

	*reader = (HoldoutReader) {.next = (const uint8 *) VARDATA_ANY(value)};
	reader->end = reader->next + VARSIZE_ANY_EXHDR(value);
	if (reader->end - reader->next < 2)
		bytes_end_early();
	if (*reader->next != HOLDOUT_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unknown version %d of a stored clv_holdout", *reader->next)));
	reader->head.model_id = reader->next[1];
	reader->next += 2;
	reader->head.calibration_until = (DateADT) unfold_sign(get_varint(&reader->next, reader->end));
	reader->head.holdout_until = (DateADT) (reader->head.calibration_until +
											(int64) get_varint(&reader->next, reader->end));
	fit_bytes = get_varint(&reader->next, reader->end);
	if (fit_bytes > reader->end - reader->next)
		bytes_end_early();
	if (fit_bytes > 0)
		reader->fit = unpack_fit(reader->next, fit_bytes);
	reader->next += fit_bytes;
	reader->left = tally_get_count(&reader->next, reader->end);
}

bool
holdout_next(HoldoutReader *reader)
{
	if (reader->left == 0)
		return false;
	reader->left--;
	tally_get(&reader->next, reader->end, &reader->entry);
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
	if (fit == NULL)
		return NULL;
	if (head->model_id != HOLDOUT_AUTO && head->model_id != fit->model_id)
		return "another model was fitted";
	if (clv_model_timing(fit)->discrete || fit->n_covariates > 0)
		return "the model was fitted to another base";
	return fit->as_of != head->calibration_until ? "the model was not fitted as of the end of the calibration" : NULL;
}

static const char *
customers_problem(const TallyEntry *entry, const HoldoutHead *head)
{
	int64		last = (int64) holdout_day(entry) + holdout_t_x(entry);

	if (!IS_VALID_DATE(holdout_day(entry)) || last > head->calibration_until)
		return "customers did not order in the calibration period";
	if (holdout_x(entry) > holdout_t_x(entry))
		return "there are more repeat transactions than days";
	if (holdout_x(entry) == 0 && holdout_t_x(entry) > 0)
		return "a last repeat transaction without repeat transactions";
	return holdout_orders(entry) > (int64) head->holdout_until - head->calibration_until
		? "there are more orders than days in the holdout" : NULL;
}

static const char *
entry_problem(const TallyEntry *entry, const HoldoutHead *head)
{
	HoldoutKind kind = holdout_kind(entry);

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
			if (holdout_t_x(entry) != 0 || !IS_VALID_DATE(holdout_day(entry)) || holdout_day(entry) > head->holdout_until)
				return "a day is out of range";
			return kind == HOLDOUT_ACQUIRED_LATER && holdout_day(entry) <= head->calibration_until
				? "customers acquired later were acquired in the calibration period" : NULL;
		case HOLDOUT_GAP:
			return entry->detail == 0 || entry->detail > PG_INT32_MAX ? "a gap between transactions is out of range" : NULL;
		case HOLDOUT_CUSTOMERS:
			break;
	}
	return "there is no such kind of entry";
}

/* What the entries come to. */
typedef struct HoldoutSums
{
	DateADT		first;			/* acquisition */
	double		customers;
	double		repeats;		/* of the customers in the calibration period, and */
	double		orders;			/* in the holdout */
	double		acquired_later;
	double		calibration_repeats;	/* of all, day by day */
	double		holdout_repeats;
	double		gaps;
} HoldoutSums;

/* Acquisitions come before repeats. */
static const char *
sum_entry(HoldoutSums *sums, const TallyEntry *entry, const HoldoutHead *head)
{
	double		value = (double) entry->value;

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
	}
	return NULL;
}

static const char *
sums_problem(const HoldoutSums *sums)
{
	if (sums->customers + sums->acquired_later > MAX_COUNT ||
		sums->repeats + sums->orders > MAX_COUNT || sums->holdout_repeats > MAX_COUNT)
		return "there are more customers or orders than can be counted";
	if (sums->calibration_repeats != sums->repeats || sums->holdout_repeats < sums->orders ||
		(sums->acquired_later == 0 && sums->holdout_repeats > sums->orders))
		return "the repeat transactions by day are not those of the customers";
	return sums->gaps != sums->repeats ? "there is not one gap for each repeat transaction" : NULL;
}

const char *
holdout_problem(const TallyEntry *entries, uint32 count, const HoldoutHead *head, const ClvModel *fit)
{
	HoldoutSums sums = {.first = DATEVAL_NOEND};
	const char *problem = head_problem(head, fit);

	for (uint32 i = 0; i < count && problem == NULL; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0 && tally_compare(&entries[i - 1], &entries[i]) >= 0)
			return "the entries are not in order";
		problem = entry_problem(&entries[i], head);
		if (problem == NULL)
			problem = sum_entry(&sums, &entries[i], head);
	}
	return problem != NULL ? problem : sums_problem(&sums);
}
