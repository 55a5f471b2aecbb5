/*
 * audit_rows.c
 *	  The rows of period_audit and period_change: transition state, sort,
 *	  stored form.
 *
 * A growing multiset is an append-only log. When the log is full and may
 * contain many equal rows it is sorted and these are merged; otherwise its
 * capacity doubles. Rows are sorted digit by digit, from the lowest (Knuth,
 * TAOCP 3, 5.2.5), in as many passes as their ranges have digits.
 */
#include "compat.h"

#include <stdlib.h>

#include "common/int.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "audit/audit.h"
#include "support/args.h"

#define INITIAL_ROWS 8
#define MAX_ROWS ((Size) 1 << 27)

/* A log is sorted only after it has grown by this factor since the last sort. */
#define GROWTH_BEFORE_SORT 4
#define FEWEST_TO_SORT 1024

#define FLAG_FLOATS 1
#define FLAG_PROFIT 2
#define FLAG_PERIODS 4

static struct varlena *pack_state(CountMap *map);

const AuditType audit_type = {
	.map =
		{
			.name = "period_audit",
			.counted = "customers",
			.hint = "Build one per region or cohort.",
			.pack = pack_state,
		},
	.words = AUDIT_MEASURES,
	.most_periods = 1,
	.members = AUDIT_MEASURES + 1,
};

const AuditType change_type = {
	.map =
		{
			.name = "period_change",
			.counted = "customers",
			.hint = "Build one per region or cohort.",
			.pack = pack_state,
		},
	.words = AUDIT_MAX_WORDS,
	.most_periods = 2,
	.members = AUDIT_MAX_WORDS + 1,
};

static int64 *
allocate_rows(MemoryContext context, Size count, int words)
{
	return MemoryContextAllocHuge(context, Max(1, count) * (words + 1) * sizeof(int64));
}

bool
audit_spend(const Spend *spend, HistoryEncoding encoding, AuditWord *word)
{
	static const int64 powers[AUDIT_DECIMALS + 1] = {10000, 1000, 100, 10, 1};

	if (likely(encoding <= HISTORY_MAX_DECIMALS && llabs(spend->units) < AUDIT_MAX_UNITS / 10000))
	{
		audit_set_count(word, spend->units * powers[encoding]);
		return true;
	}

	double value = spend_value(spend, encoding);

	*word = audit_amount(value);
	return isfinite(value);
}

AuditState *
audit_state_make(const AuditType *type, const AuditHead *head, MemoryContext parent)
{
	AuditState *state = count_map_make(&type->map, sizeof(AuditState), parent);

	state->type = type;
	state->head = *head;
	state->capacity = INITIAL_ROWS;
	state->rows = allocate_rows(agg_state_context(&state->map.growing), state->capacity, type->words);
	return state;
}

void
audit_period_argument(FunctionCallInfo fcinfo, int argno, const char *const names[2], AuditHead *head, int period)
{
	static const char hint[] = "Pass the first day of the period, and the first day after it.";
	DateADT days[2];

	for (int i = 0; i < 2; i++)
		days[i] = needed_day_argument(fcinfo, argno + i, names[i], hint);
	check_days_ordered(names[0], days[0], names[1], days[1], hint);
	head->since[period] = days[0];
	head->until[period] = days[1];
	head->periods = period + 1;
}

void
audit_check_same(const AuditType *type, const AuditHead *a, const AuditHead *b)
{
	if (a->periods != b->periods)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a %s is of histories or of counts, not of both", type->map.name)));
	for (int i = 0; i < a->periods; i++)
		if (a->since[i] != b->since[i] || a->until[i] != b->until[i])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a %s has the same days for all customers, not both %s to %s and %s to %s", type->map.name,
							date_text(a->since[i]), date_text(a->until[i]), date_text(b->since[i]),
							date_text(b->until[i])),
					 errhint("Build one %s for each period.", type->map.name)));
	if (a->has_profit != b->has_profit)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a %s has profit for all customers or for none", type->map.name)));
}

/* Sorts by one digit of a word, whose least value is given. */
static void
sort_by_digit(const int64 *rows, int64 *sorted, Size count, int words, int word, int64 least, int shift, int bits)
{
	Size starts[1 << 11] = {0};
	Size start = 0;
	int stride = words + 1;
	uint64 mask = (1 << bits) - 1;

	for (Size i = 0; i < count; i++)
		starts[((uint64) rows[i * stride + word] - (uint64) least) >> shift & mask]++;
	for (int i = 0; i <= mask; i++)
	{
		Size size = starts[i];

		starts[i] = start;
		start += size;
	}
	for (Size i = 0; i < count; i++)
	{
		Size to = starts[((uint64) rows[i * stride + word] - (uint64) least) >> shift & mask]++;

		memcpy(sorted + to * stride, rows + i * stride, stride * sizeof(int64));
	}
	CHECK_FOR_INTERRUPTS();
}

static inline int
compare_rows(const int64 *a, const int64 *b, int words)
{
	for (int i = 0; i < words; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

/*
 * The results of one pass over rows: the minimum and the maximum of each word
 * and of the number of customers.
 */
typedef struct RowScan
{
	int64 least[AUDIT_MAX_WORDS + 1];
	int64 most[AUDIT_MAX_WORDS + 1];
	bool in_order;
} RowScan;

static void
scan_rows(const int64 *rows, Size count, int words, RowScan *scan)
{
	int stride = words + 1;

	memcpy(scan->least, rows, stride * sizeof(int64));
	memcpy(scan->most, rows, stride * sizeof(int64));
	scan->in_order = true;
	for (const int64 *row = rows + stride; row < rows + count * stride; row += stride)
	{
		for (int word = 0; word <= words; word++)
		{
			scan->least[word] = Min(scan->least[word], row[word]);
			scan->most[word] = Max(scan->most[word], row[word]);
		}
		scan->in_order = scan->in_order && compare_rows(row - stride, row, words) <= 0;
	}
}

/* Sorts the rows themselves, one pass over all of them for each digit. */
static void
sort_whole_rows(int64 *rows, Size count, int words, const RowScan *scan)
{
	int bits = count < 4096 ? 6 : 11;
	int64 *capacity = allocate_rows(CurrentMemoryContext, count, words);
	int64 *from = rows;

	for (int word = words - 1; word >= 0; word--)
	{
		uint64 range = (uint64) scan->most[word] - (uint64) scan->least[word];

		for (int shift = 0; shift < 64 && range >> shift != 0; shift += bits)
		{
			int64 *to = from == rows ? capacity : rows;

			sort_by_digit(from, to, count, words, word, scan->least[word], shift, bits);
			from = to;
		}
	}
	if (from != rows)
		memcpy(rows, from, count * (words + 1) * sizeof(int64));
	pfree(capacity);
}

/*
 * A row packed into 128 bits. Amounts of a shop have few digits, so that all
 * words of a row, less the minimum of each, nearly always fit into these; then
 * they are sorted instead of the rows. The number of customers lies below the
 * words.
 */
typedef struct PackedRow
{
	uint64 high;
	uint64 low;
} PackedRow;

/* The position of a word, and its common factor. */
typedef struct PackedWord
{
	int64 least;
	int64 divisor;
	int shift;
	int bits;
} PackedWord;

/* Division by a constant power of ten, which the compiler turns into a multiplication. */
static inline uint64
divide(uint64 number, int64 divisor)
{
	switch (divisor)
	{
		case 10000:
			return number / 10000;
		case 1000:
			return number / 1000;
		case 100:
			return number / 100;
		case 10:
			return number / 10;
		default:
			return number;
	}
}

/*
 * Finds for amounts the largest power of ten, up to 10^4, that divides all
 * values of a word less their minimum.
 */
static void
find_divisors(const int64 *rows, Size count, int words, PackedWord *layout)
{
	for (int word = 0; word <= words; word++)
		layout[word].divisor = audit_is_money(word) && word < words ? 10000 : 1;
	for (const int64 *row = rows; row < rows + count * (words + 1); row += words + 1)
		for (int word = 0; word < words; word++)
		{
			uint64 number = (uint64) row[word] - (uint64) layout[word].least;

			while (divide(number, layout[word].divisor) * layout[word].divisor != number)
				layout[word].divisor /= 10;
		}
}

/* Lays out the words of these rows; returns the number of bits of a row, which may exceed 128. */
static int
lay_out_words(const int64 *rows, Size count, int words, const RowScan *scan, PackedWord *layout)
{
	int total = 0;

	for (int word = 0; word <= words; word++)
		layout[word].least = scan->least[word];
	find_divisors(rows, count, words, layout);
	for (int word = words; word >= 0; word--)
	{
		uint64 range = divide((uint64) scan->most[word] - (uint64) scan->least[word], layout[word].divisor);

		layout[word].bits = range == 0 ? 0 : pg_leftmost_one_pos64(range) + 1;
		layout[word].shift = total;
		total += layout[word].bits;
	}
	return total;
}

static inline PackedRow
pack_row(const int64 *row, int words, const PackedWord *layout)
{
	PackedRow packed = {0};

	for (int word = 0; word <= words; word++)
	{
		int shift = layout[word].shift;
		uint64 value = divide((uint64) row[word] - (uint64) layout[word].least, layout[word].divisor);

		if (layout[word].bits == 0)
			continue;
		if (shift >= 64)
			packed.high |= value << (shift - 64);
		else
		{
			packed.low |= value << shift;
			if (shift + layout[word].bits > 64)
				packed.high |= value >> (64 - shift);
		}
	}
	return packed;
}

static inline void
unpack_row(const PackedRow *packed, int64 *row, int words, const PackedWord *layout)
{
	for (int word = 0; word <= words; word++)
	{
		int shift = layout[word].shift;
		int bits = layout[word].bits;
		uint64 value = 0;

		if (bits > 0)
		{
			value = shift >= 64 ? packed->high >> (shift - 64) : packed->low >> shift;
			if (shift < 64 && shift + bits > 64)
				value |= packed->high << (64 - shift);
			if (bits < 64)
				value &= (UINT64CONST(1) << bits) - 1;
		}
		row[word] = (int64) ((uint64) layout[word].least + value * (uint64) layout[word].divisor);
	}
}

static inline uint32
packed_digit(const PackedRow *row, int shift, uint32 mask)
{
	if (shift >= 64)
		return (uint32) (row->high >> (shift - 64)) & mask;
	if (shift > 0)
		return (uint32) (row->low >> shift | row->high << (64 - shift)) & mask;
	return (uint32) row->low & mask;
}

static void
sort_packed_by_digit(const PackedRow *rows, PackedRow *sorted, Size count, int shift, int bits)
{
	Size starts[1 << 11] = {0};
	Size start = 0;
	uint32 mask = (1 << bits) - 1;

	for (Size i = 0; i < count; i++)
		starts[packed_digit(&rows[i], shift, mask)]++;
	for (uint32 i = 0; i <= mask; i++)
	{
		Size size = starts[i];

		starts[i] = start;
		start += size;
	}
	for (Size i = 0; i < count; i++)
		sorted[starts[packed_digit(&rows[i], shift, mask)]++] = rows[i];
	CHECK_FOR_INTERRUPTS();
}

static void
sort_packed_rows(int64 *rows, Size count, int words, const PackedWord *layout, int total)
{
	int bits = count < 4096 ? 6 : 11;
	PackedRow *packed = MemoryContextAllocHuge(CurrentMemoryContext, count * sizeof(PackedRow));
	PackedRow *from = packed;
	PackedRow *to = (PackedRow *) rows; /* their memory is free once they are packed, and is no less */

	for (Size i = 0; i < count; i++)
		packed[i] = pack_row(rows + i * (words + 1), words, layout);
	for (int shift = layout[words].bits; shift < total; shift += bits)
	{
		PackedRow *sorted = to;

		sort_packed_by_digit(from, to, count, shift, bits);
		to = from;
		from = sorted;
	}
	if (from != packed)
		memcpy(packed, from, count * sizeof(PackedRow));
	for (Size i = 0; i < count; i++)
		unpack_row(&packed[i], rows + i * (words + 1), words, layout);
	pfree(packed);
}

void
audit_sort(int64 *rows, Size count, int words)
{
	PackedWord layout[AUDIT_MAX_WORDS + 1];
	RowScan scan;
	int total;

	if (count < 2)
		return;
	scan_rows(rows, count, words, &scan);
	if (scan.in_order)
		return;
	total = lay_out_words(rows, count, words, &scan, layout);
	if (total <= 128)
		sort_packed_rows(rows, count, words, layout, total);
	else
		sort_whole_rows(rows, count, words, &scan);
}

/* Merges two sorted parts of the rows in place, from the end. */
static void
merge_sorted(int64 *rows, Size first, Size count, int words)
{
	int stride = words + 1;
	Size second = count - first;
	int64 *capacity;

	if (first == 0 || second == 0 || compare_rows(rows + (first - 1) * stride, rows + first * stride, words) <= 0)
		return;
	capacity = allocate_rows(CurrentMemoryContext, second, words);
	memcpy(capacity, rows + first * stride, second * stride * sizeof(int64));
	while (second > 0)
	{
		bool from_first =
			first > 0 && compare_rows(rows + (first - 1) * stride, capacity + (second - 1) * stride, words) > 0;
		const int64 *row = from_first ? rows + --first * stride : capacity + --second * stride;

		memcpy(rows + --count * stride, row, stride * sizeof(int64));
		if ((count & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	pfree(capacity);
}

/* Sorts the log, and merges equal rows. */
static void
settle(AuditState *state)
{
	int words = state->type->words;
	Size kept = 0;

	audit_sort(state->rows + state->distinct * (words + 1), state->used - state->distinct, words);
	merge_sorted(state->rows, state->distinct, state->used, words);
	for (Size i = 0; i < state->used; i++)
	{
		int64 *row = state->rows + i * (words + 1);
		int64 *last = state->rows + (kept - 1) * (words + 1);

		if (kept == 0 || compare_rows(last, row, words) != 0)
		{
			if (kept != i)
				memcpy(state->rows + kept * (words + 1), row, (words + 1) * sizeof(int64));
			kept++;
		}
		else if (pg_add_s64_overflow(last[words], row[words], &last[words]))
			count_map_out_of_range(&state->type->map);
	}
	state->used = state->distinct = kept;
}

static void
make_room(AuditState *state)
{
	int words = state->type->words;

	if (state->used >= FEWEST_TO_SORT && state->used >= GROWTH_BEFORE_SORT * state->distinct)
		settle(state);
	if (state->used <= state->capacity / 2)
		return;
	if (state->capacity >= MAX_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a %s cannot hold more than %zu different %s", state->type->map.name, MAX_ROWS,
						state->type->map.counted),
				 errhint("%s", state->type->map.hint)));
	state->rows = repalloc_huge(state->rows, state->capacity * 2 * (words + 1) * sizeof(int64));
	state->capacity *= 2;
}

/* Converts units to doubles, at the first amount that is not an integer number of units. */
static void
turn_to_floats(AuditState *state)
{
	int words = state->type->words;

	for (Size i = 0; i < state->used; i++)
	{
		int64 *row = state->rows + i * (words + 1);

		CHECK_FOR_INTERRUPTS();
		for (int word = 0; word < words; word++)
			if (audit_is_money(word))
				row[word] = audit_sortable((double) row[word] / AUDIT_UNIT);
	}
	/* (Their order is the same.) */
	state->floats = true;
}

void
audit_leave_out(AuditState *state, int64 customers)
{
	if (pg_add_s64_overflow(state->left_out, customers, &state->left_out))
		count_map_out_of_range(&state->type->map);
}

void
audit_add(AuditState *state, const AuditWord *words, int64 customers)
{
	int n_words = state->type->words;

	if (unlikely(state->used == state->capacity))
		make_room(state);

	int64 *row = state->rows + state->used * (n_words + 1);

	for (int i = 0; i < n_words; i++)
	{
		if (unlikely(!words[i].exact && !state->floats))
			turn_to_floats(state);
		row[i] = words[i].units;
	}
	row[n_words] = customers;
	if (unlikely(state->floats))
		for (int i = 0; i < n_words; i++)
			if (audit_is_money(i))
				row[i] = audit_sortable(words[i].exact ? (double) words[i].units / AUDIT_UNIT : words[i].value);
	state->used++;
}

/* The rows of a view in units of 10^-4, for a state in units. */
static void
append_units(AuditState *state, const AuditView *view)
{
	int stride = view->words + 1;
	int64 units = (int64) (AUDIT_UNIT / view->scale);

	for (Size i = 0; i < view->count; i++)
	{
		const int64 *from = view->rows + i * stride;
		int64 *to;

		if (unlikely(state->used == state->capacity))
			make_room(state);
		to = state->rows + state->used++ * stride;
		for (int word = 0; word < stride; word++)
			to[word] = audit_is_money(word) && word < view->words ? from[word] * units : from[word];
	}
}

/* The same where one of them has doubles. */
static void
append_rows(AuditState *state, const AuditView *view)
{
	int64 units = (int64) (AUDIT_UNIT / view->scale);

	for (Size i = 0; i < view->count; i++)
	{
		const int64 *row = audit_row(view, i);
		AuditWord words[AUDIT_MAX_WORDS] = {0};

		CHECK_FOR_INTERRUPTS();
		for (int word = 0; word < view->words; word++)
		{
			if (!audit_is_money(word))
				words[word] = audit_count(row[word]);
			else if (view->floats)
				words[word] = audit_amount(audit_unsortable(row[word]));
			else
				words[word] = audit_count(row[word] * units);
		}
		audit_add(state, words, audit_customers(view, row));
	}
}

void
audit_merge(AuditState *state, const AuditView *view)
{
	bool first = state->used == 0;

	if (first && view->count > state->capacity)
	{
		state->capacity = pg_nextpower2_64(view->count);
		state->rows = repalloc_huge(state->rows, state->capacity * (view->words + 1) * sizeof(int64));
	}
	if (state->floats || view->floats)
		append_rows(state, view);
	else
		append_units(state, view);
	/* These are sorted and distinct: later rows are merged into them. */
	if (first)
		state->distinct = state->used;
	audit_leave_out(state, view->left_out);
}

AuditState *
audit_state_argument(FunctionCallInfo fcinfo, const AuditType *type, const AuditHead *head)
{
	AuditState *state;

	if (PG_ARGISNULL(0))
		return audit_state_make(type, head, agg_state_parent(fcinfo));
	state = agg_state_to_write(PG_GETARG_DATUM(0));
	if (state == NULL)
	{
		AuditView view = audit_view(PG_GETARG_DATUM(0), type);

		state = audit_state_make(type, &view.head, agg_state_parent(fcinfo));
		audit_merge(state, &view);
	}
	audit_check_same(type, &state->head, head);
	return state;
}

/* The largest power of ten, up to 10^AUDIT_DECIMALS, that divides all amounts. */
static int64
common_divisor(const AuditState *state)
{
	int words = state->type->words;
	int64 divisor = 10000;

	if (state->floats)
		return 1;
	for (Size i = 0; i < state->used && divisor > 1; i++)
		for (int word = 0; word < words; word++)
		{
			uint64 number = (uint64) llabs(state->rows[i * (words + 1) + word]);

			while (audit_is_money(word) && divide(number, divisor) * divisor != number)
				divisor /= 10;
		}
	return divisor;
}

/* Converts units to larger ones, of which they are integer multiples. */
static inline int64
in_units_of(int64 value, int64 divisor)
{
	return value < 0 ? -(int64) divide((uint64) -value, divisor) : (int64) divide((uint64) value, divisor);
}

static uint8 *
put_word(uint8 *at, const AuditState *state, int word, int64 value, int64 divisor)
{
	if (!audit_is_money(word))
		return put_varint(at, zigzag_encode(value));
	return state->floats ? put_float8(at, audit_unsortable(value))
						 : put_varint(at, zigzag_encode(in_units_of(value, divisor)));
}

static uint8 *
put_head(uint8 *at, const AuditState *state, int64 divisor)
{
	int decimals = AUDIT_DECIMALS;

	for (int64 power = divisor; power > 1; power /= 10)
		decimals--;
	*at++ = AUDIT_VERSION;
	*at++ = (state->floats ? FLAG_FLOATS : 0) | (state->head.has_profit ? FLAG_PROFIT : 0) |
		FLAG_PERIODS * state->head.periods;
	*at++ = decimals;
	for (int i = 0; i < state->head.periods; i++)
	{
		at = put_varint(at, zigzag_encode(state->head.since[i]));
		at = put_varint(at, (uint64) ((int64) state->head.until[i] - state->head.since[i]));
	}
	at = put_varint(at, state->left_out);
	return put_varint(at, state->used);
}

/* The stored form of a state. */
static struct varlena *
pack_state(CountMap *map)
{
	AuditState *state = (AuditState *) map;
	int words = state->type->words;
	int64 divisor;
	int64 previous = 0;

	settle(state);
	divisor = common_divisor(state);

	struct varlena *value =
		MemoryContextAllocHuge(CurrentMemoryContext, VARHDRSZ + 64 + state->used * (words + 1) * MAX_VARINT_BYTES);
	uint8 *at = put_head((uint8 *) VARDATA(value), state, divisor);

	for (Size i = 0; i < state->used; i++)
	{
		const int64 *row = state->rows + i * (words + 1);
		int64 first = state->floats ? row[0] : in_units_of(row[0], divisor);

		if ((i & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		at = put_varint(at, i == 0 ? zigzag_encode(first) : (uint64) first - (uint64) previous);
		for (int word = 1; word < words; word++)
			at = put_word(at, state, word, row[word], divisor);
		at = put_varint(at, row[words]);
		previous = first;
	}
	if (at - (uint8 *) value > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("%s is too large to be stored", state->type->map.name),
				 errhint("%s", state->type->map.hint)));
	SET_VARSIZE(value, at - (uint8 *) value);
	return repalloc(value, at - (uint8 *) value);
}

static const uint8 *
get_head(const uint8 *at, const uint8 *end, AuditView *view, const AuditType *type)
{
	if (end - at < 3)
		bytes_end_early();
	if (at[0] != AUDIT_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown version %d of a stored %s", at[0], type->map.name)));
	view->floats = (at[1] & FLAG_FLOATS) != 0;
	view->head.has_profit = (at[1] & FLAG_PROFIT) != 0;
	view->head.periods = Min(at[1] / FLAG_PERIODS, type->most_periods);
	view->scale = view->floats ? 1 : history_unit_scale[Min(at[2], HISTORY_MAX_DECIMALS)];
	at += 3;
	for (int i = 0; i < view->head.periods; i++)
	{
		view->head.since[i] = (DateADT) zigzag_decode(get_varint(&at, end));
		view->head.until[i] = (DateADT) (view->head.since[i] + (int64) get_varint(&at, end));
	}
	view->left_out = (int64) get_varint(&at, end);
	return at;
}

AuditView
audit_view(Datum value, const AuditType *type)
{
	struct varlena *stored = agg_state_stored(value);
	const uint8 *at = (const uint8 *) VARDATA_ANY(stored);
	const uint8 *end = at + VARSIZE_ANY_EXHDR(stored);
	AuditView view = {.words = type->words};
	uint64 count;

	at = get_head(at, end, &view, type);
	count = get_varint(&at, end);
	if (count > (end - at) / (type->words + 1))
		bytes_end_early();
	view.count = count;
	view.rows = allocate_rows(CurrentMemoryContext, count, type->words);

	for (Size i = 0; i < count; i++)
	{
		int64 *row = view.rows + i * (type->words + 1);
		uint64 first = get_varint(&at, end);

		if ((i & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		row[0] = i == 0 ? zigzag_decode(first) : (int64) ((uint64) row[-(type->words + 1)] + first);
		for (int word = 1; word < type->words; word++)
			row[word] = view.floats && audit_is_money(word) ? audit_sortable(get_float8(&at, end))
															: zigzag_decode(get_varint(&at, end));
		row[type->words] = (int64) get_varint(&at, end);
	}
	return view;
}
