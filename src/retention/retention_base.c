/*
 * retention_base.c
 *	  The stored form of a retention base: packing, reading, checking.
 */
#include "compat.h"

#include "common/int.h"
#include "miscadmin.h"

#include "retention/retention.h"
#include "support/agg_state.h"
#include "support/bytes.h"

struct varlena *
retention_base_pack(const RetentionBase *base)
{
	Size room = VARHDRSZ + 1 + (3 + (Size) base->n_cells * 3) * MAX_VARINT_BYTES;
	struct varlena *value = palloc(room);
	uint8 *at = (uint8 *) VARDATA(value);
	uint32 tenure = 0;

	*at++ = RETENTION_BASE_VERSION;
	at = put_varint(at, base->period.months);
	at = put_varint(at, base->period.days);
	at = put_varint(at, base->n_cells);
	for (uint32 i = 0; i < base->n_cells; i++)
	{
		const ContractCell *cell = &base->cells[i];

		at = put_varint(at, cell->tenure - tenure);
		at = put_varint(at, cell->ended);
		at = put_varint(at, cell->alive);
		tenure = cell->tenure;
	}
	SET_VARSIZE(value, at - (uint8 *) value);
	return repalloc(value, at - (uint8 *) value);
}

/* Reads the stored form, which was checked when it was made; a growing state is packed first. */
RetentionBase
retention_base_get(Datum datum)
{
	struct varlena *value = agg_state_stored(datum);
	const uint8 *at = (const uint8 *) VARDATA_ANY(value);
	const uint8 *end = at + VARSIZE_ANY_EXHDR(value);
	RetentionBase base = {0};
	uint32 tenure = 0;

	if (at == end)
		bytes_end_early();
	if (*at != RETENTION_BASE_VERSION)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version %d of a stored retention_base", *at)));
	at++;
	base.period.months = (int32) get_varint(&at, end);
	base.period.days = (int32) get_varint(&at, end);
	base.n_cells = (uint32) get_varint(&at, end);

	/* a cell has at least three bytes */
	if (base.n_cells > (end - at) / 3)
		bytes_end_early();
	base.cells = palloc_array(ContractCell, Max(1, base.n_cells));
	for (uint32 i = 0; i < base.n_cells; i++)
	{
		ContractCell *cell = &base.cells[i];

		tenure += (uint32) get_varint(&at, end);
		cell->tenure = tenure;
		cell->ended = (int64) get_varint(&at, end);
		cell->alive = (int64) get_varint(&at, end);
		base.customers += cell->ended + cell->alive;
		base.ended += cell->ended;
	}
	return base;
}

const char *
retention_base_problem(RetentionBase *base)
{
	base->customers = base->ended = 0;
	if (!period_length_valid(base->period))
		return "the period is out of range";
	for (uint32 i = 0; i < base->n_cells; i++)
	{
		const ContractCell *cell = &base->cells[i];

		if (cell->tenure > CONTRACT_MAX_TENURE)
			return "a tenure is out of range";
		if (i > 0 && cell[-1].tenure >= cell->tenure)
			return "the tenures are not in order";
		if (cell->ended < 0 || cell->alive < 0 || (cell->ended == 0 && cell->alive == 0))
			return "a number of customers is not positive";
		if (cell->tenure == 0 && cell->ended > 0)
			return "no customer can end before the first period";
		if (pg_add_s64_overflow(base->customers, cell->ended, &base->customers) ||
			pg_add_s64_overflow(base->customers, cell->alive, &base->customers))
			return "there are too many customers";
		base->ended += cell->ended;
	}
	return NULL;
}
