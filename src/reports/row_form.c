/*
 * row_form.c
 *	  Rows of one type, formed one after the other.
 *
 * heap_form_tuple goes through the type of a row twice, once for its length and once for its bytes, and asks of each column
 * anew what it is. Of a million rows of scores that is a sixth of all the time. Here this is asked once, and rows are written
 * once, to where the longest fits.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"

#include "reports/row_form.h"

/* Longer rows are for the server to form, which has to store parts of them elsewhere. */
#define MOST_BYTES BLCKSZ

typedef struct FormColumn
{
	int16 length; /* of all values; -1: each has its own */
	uint8 align;  /* a power of two */
	bool by_value;
	bool packed; /* short values have a short header */
} FormColumn;

struct RowForm
{
	TupleDesc type;
	bool simple;  /* no column but of these kinds */
	Size fixed;   /* bytes that columns take at most, those of values with a length of their own apart */
	char *buffer; /* a row, aligned as rows are */
	FormColumn columns[FLEXIBLE_ARRAY_MEMBER];
};

static uint8
alignment_of(char align)
{
	switch (align)
	{
		case TYPALIGN_DOUBLE:
			return ALIGNOF_DOUBLE;
		case TYPALIGN_INT:
			return ALIGNOF_INT;
		case TYPALIGN_SHORT:
			return ALIGNOF_SHORT;
		default:
			return 1;
	}
}

RowForm *
row_form_make(TupleDesc type)
{
	RowForm *form = palloc0(offsetof(RowForm, columns) + type->natts * sizeof(FormColumn));

	form->type = type;
	form->buffer = palloc(MAXALIGN(SizeofHeapTupleHeader + BITMAPLEN(type->natts)) + MOST_BYTES + MAXIMUM_ALIGNOF);
	form->simple = true;
	for (int i = 0; i < type->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(type, i);
		FormColumn *column = &form->columns[i];

		column->length = attribute->attlen;
		column->align = alignment_of(attribute->attalign);
		column->by_value = attribute->attbyval;
		column->packed = attribute->attstorage != TYPSTORAGE_PLAIN;
		form->simple = form->simple && attribute->attlen >= -1;
		form->fixed += Max(column->length, 0) + column->align - 1;
	}
	return form;
}

/* The bytes that the values take at most, or 0 where one of them is not in the row itself: that is the server's to fetch. */
static Size
most_bytes(const RowForm *form, const Datum *values, const bool *nulls, bool *has_null)
{
	Size bytes = form->fixed;

	*has_null = false;
	for (int i = 0; i < form->type->natts; i++)
		if (nulls[i])
			*has_null = true;
		else if (form->columns[i].length == -1)
		{
			const void *value = DatumGetPointer(values[i]);

			if (VARATT_IS_EXTERNAL(value))
				return 0;
			bytes += VARSIZE_ANY(value);
		}
	return form->simple ? bytes : 0;
}

/* Goes on to where a value may stand. Bytes in between are zero; those behind, of the longest such gap, will be written. */
static inline char *
aligned(char *at, uint8 align)
{
	memset(at, 0, MAXIMUM_ALIGNOF);
	return (char *) TYPEALIGN(align, at);
}

/* Writes a value with a length of its own. */
static inline char *
write_varlena(char *at, const FormColumn *column, Datum datum)
{
	const void *value = DatumGetPointer(datum);
	Size bytes;

	if (VARATT_IS_SHORT(value))
	{
		bytes = VARSIZE_SHORT(value);
		memcpy(at, value, bytes);
	}
	else if (column->packed && VARATT_CAN_MAKE_SHORT(value))
	{
		bytes = VARATT_CONVERTED_SHORT_SIZE(value);
		SET_VARSIZE_SHORT(at, bytes);
		memcpy(at + VARHDRSZ_SHORT, VARDATA(value), bytes - VARHDRSZ_SHORT);
	}
	else
	{
		at = aligned(at, column->align);
		bytes = VARSIZE(value);
		memcpy(at, value, bytes);
	}
	return at + bytes;
}

/* Writes a value of the length that all have. */
static inline char *
write_fixed(char *at, const FormColumn *column, Datum value)
{
	at = aligned(at, column->align);
	if (column->by_value)
		store_att_byval(at, value, column->length);
	else
		memcpy(at, DatumGetPointer(value), column->length);
	return at + column->length;
}

/* Writes all values, and which of them there are; gives the end of the row. */
static char *
write_values(const RowForm *form, HeapTupleHeader header, const Datum *values, const bool *nulls)
{
	char *at = (char *) header + header->t_hoff;

	for (int i = 0; i < form->type->natts; i++)
	{
		const FormColumn *column = &form->columns[i];

		if (nulls[i])
			continue;
		if ((header->t_infomask & HEAP_HASNULL) != 0)
			header->t_bits[i >> 3] |= 1 << (i & 7);
		if (column->length == -1)
		{
			header->t_infomask |= HEAP_HASVARWIDTH;
			at = write_varlena(at, column, values[i]);
		}
		else
			at = write_fixed(at, column, values[i]);
	}
	return at;
}

/* The header of a row, which is in the buffer. */
static HeapTupleHeader
start_row(const RowForm *form, bool has_null)
{
	Size offset = MAXALIGN(SizeofHeapTupleHeader + (has_null ? BITMAPLEN(form->type->natts) : 0));
	HeapTupleHeader header = (HeapTupleHeader) form->buffer;

	memset(header, 0, offset);
	HeapTupleHeaderSetNatts(header, form->type->natts);
	header->t_hoff = offset;
	header->t_infomask = has_null ? HEAP_HASNULL : 0;
	HeapTupleHeaderSetTypeId(header, form->type->tdtypeid);
	HeapTupleHeaderSetTypMod(header, form->type->tdtypmod);
	ItemPointerSetInvalid(&header->t_ctid);
	return header;
}

HeapTuple
row_form(RowForm *form, const Datum *values, const bool *nulls)
{
	bool has_null;
	Size bytes = most_bytes(form, values, nulls, &has_null);
	HeapTupleHeader header;
	HeapTuple row;
	Size length;

	if (bytes == 0 || bytes > MOST_BYTES)
		return heap_form_tuple(form->type, unconstify(Datum *, values), unconstify(bool *, nulls));
	header = start_row(form, has_null);
	length = write_values(form, header, values, nulls) - (char *) header;
	HeapTupleHeaderSetDatumLength(header, length);
	row = palloc(HEAPTUPLESIZE + length);
	row->t_len = length;
	ItemPointerSetInvalid(&row->t_self);
	row->t_tableOid = InvalidOid;
	row->t_data = (HeapTupleHeader) ((char *) row + HEAPTUPLESIZE);
	memcpy(row->t_data, header, length);
	return row;
}
