/*
 * rfm_counts.c
 *	  Counting customers by their distinct values, and cut points from the
 *	  counts.
 */
#include "compat.h"

#include "common/int.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "rfm/rfm_counts.h"

#define INITIAL_SLOTS 16
#define INITIAL_CAPACITY (UINT32_C(1) << 16)

/*
 * The growth factor of a buffer: large, because all other data are copied with
 * it; its limit is a power of four times the start.
 */
#define GROWTH 4

/* A value and its number of customers in a run: a difference of 64 bits and a number of 59, seven in a byte. */
#define MAX_ENTRY_BYTES 20

/* Values between two checks for interrupts. */
#define INTERRUPT_STEPS 65536

/* Spreads the bits of a value (the finalizer of MurmurHash3). */
static inline uint32
hash_value(double value)
{
	uint64 key = rfm_value_bits(value);

	key ^= key >> 33;
	key *= UINT64CONST(0xff51afd7ed558ccd);
	key ^= key >> 33;
	key *= UINT64CONST(0xc4ceb9fe1a85ec53);
	key ^= key >> 33;
	return (uint32) key;
}

/* The bytes that a dimension takes. */
static inline Size
count_map_bytes(const RfmTally *map)
{
	return map->slots * sizeof(RfmCount) + map->capacity * sizeof(uint64) + MAXALIGN(map->run_bytes);
}

static inline char *
count_map_data(const RfmCounts *counts, int dimension)
{
	char *data = unconstify(char *, (const char *) counts->data);

	for (int i = 0; i < dimension; i++)
		data += count_map_bytes(&counts->tallies[i]);
	return data;
}

static inline RfmCount *
map_slots(const RfmCounts *counts, int dimension)
{
	return (RfmCount *) count_map_data(counts, dimension);
}

static inline uint64 *
count_map_buffer(const RfmCounts *counts, int dimension)
{
	return (uint64 *) (map_slots(counts, dimension) + counts->tallies[dimension].slots);
}

static inline uint8 *
count_map_run(const RfmCounts *counts, int dimension)
{
	return (uint8 *) (count_map_buffer(counts, dimension) + counts->tallies[dimension].capacity);
}

/* The first slot to probe for a value. */
static inline RfmCount *
first_slot(const RfmCounts *counts, int dimension, double value)
{
	return &map_slots(counts, dimension)[hash_value(value) & (counts->tallies[dimension].slots - 1)];
}

/* The slot of a value, or the free one where it is to be inserted. */
static inline RfmCount *
find_slot(const RfmCounts *counts, int dimension, double value)
{
	RfmCount *slots = map_slots(counts, dimension);
	uint32 mask = counts->tallies[dimension].slots - 1;
	uint32 at = hash_value(value) & mask;

	while (slots[at].customers != 0 && slots[at].value != value)
		at = (at + 1) & mask;
	return &slots[at];
}

/* Counts customers with a value in the slot that was found for it. */
static inline void
fill_slot(RfmCounts *counts, int dimension, RfmCount *slot, double value, int64 customers)
{
	if (slot->customers == 0)
	{
		counts->tallies[dimension].used++;
		slot->value = value;
	}
	slot->customers += customers;
}

/* Raises an error if a state would be larger than any value can be. */
static void
check_size(Size size)
{
	if (size > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many different values for rfm_cuts"),
				 errdetail("They take more than 1 GB."), errhint("Round the monetary value.")));
}

static RfmCounts *
allocate_counts(int levels, const RfmTally tallies[RFM_DIMENSIONS])
{
	Size size = offsetof(RfmCounts, data);
	RfmCounts *counts;

	for (int i = 0; i < RFM_DIMENSIONS; i++)
		size += count_map_bytes(&tallies[i]);
	check_size(size);
	counts = palloc(size);
	memset(counts, 0, offsetof(RfmCounts, data));
	SET_VARSIZE(counts, size);
	counts->mark = AGG_STATE_MARK;
	counts->levels = levels;
	memcpy(counts->tallies, tallies, sizeof(counts->tallies));
	return counts;
}

/*
 * A copy in which one dimension has another capacity: the slots of a map, or a
 * buffer and a run. It is empty, except for `filled` bytes that the caller
 * will fill; the others are copied with their contents.
 */
static RfmCounts *
rebuild(const RfmCounts *old, int dimension, RfmTally map, Size filled)
{
	RfmTally tallies[RFM_DIMENSIONS];
	RfmCounts *counts;

	memcpy(tallies, old->tallies, sizeof(tallies));
	tallies[dimension] = map;
	counts = allocate_counts(old->levels, tallies);
	counts->customers = old->customers;
	counts->without_money = old->without_money;
	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		if (i != dimension)
			memcpy(count_map_data(counts, i), count_map_data(old, i), count_map_bytes(&tallies[i]));
		else
			/* unused bytes are sent between processes, too */
			memset(count_map_data(counts, i) + filled, 0, count_map_bytes(&tallies[i]) - filled);
	}
	return counts;
}

RfmCounts *
rfm_counts_make(int levels)
{
	static const RfmTally empty[RFM_DIMENSIONS] = {{.slots = INITIAL_SLOTS},
												   {.slots = INITIAL_SLOTS},
												   {.slots = INITIAL_SLOTS}};
	RfmCounts *counts = allocate_counts(levels, empty);

	memset(counts->data, 0, RFM_DIMENSIONS * INITIAL_SLOTS * sizeof(RfmCount));
	return counts;
}

/* A copy with twice the slots for a dimension, rehashed. */
static RfmCounts *
enlarge_map(const RfmCounts *old, int dimension)
{
	const RfmTally *map = &old->tallies[dimension];
	const RfmCount *from = map_slots(old, dimension);
	RfmCounts *counts = rebuild(old, dimension, (RfmTally){.slots = map->slots * 2}, 0);

	for (uint32 j = 0; j < map->slots; j++)
		if (from[j].customers != 0)
			fill_slot(counts, dimension, find_slot(counts, dimension, from[j].value), from[j].value, from[j].customers);
	return counts;
}

#define ST_SORT sort_counts
#define ST_ELEMENT_TYPE RfmCount
#define ST_COMPARE(a, b) ((a)->value < (b)->value ? -1 : (a)->value > (b)->value)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* The counts of a map in ascending order of values. */
static RfmCount *
sorted_map(const RfmCounts *counts, int dimension)
{
	const RfmTally *map = &counts->tallies[dimension];
	const RfmCount *slots = map_slots(counts, dimension);
	RfmCount *sorted = palloc_array(RfmCount, Max(1, map->used));
	uint32 length = 0;

	for (uint32 i = 0; i < map->slots; i++)
		if (slots[i].customers != 0)
			sorted[length++] = slots[i];
	sort_counts(sorted, length);
	return sorted;
}

#define RADIX_BITS 8
#define RADIX_VALUES (1 << RADIX_BITS)
#define RADIX_PASSES (64 / RADIX_BITS)

/*
 * Sorts keys byte by byte, from the lowest. The result is in one of the two
 * arrays, both of which are overwritten.
 */
static uint64 *
sort_keys(uint64 *keys, uint64 *scratch, uint32 length)
{
	uint32(*places)[RADIX_VALUES] = palloc0(sizeof(uint32) * RADIX_PASSES * RADIX_VALUES);

	for (uint32 i = 0; i < length; i++)
		for (int pass = 0; pass < RADIX_PASSES; pass++)
			places[pass][keys[i] >> (pass * RADIX_BITS) & (RADIX_VALUES - 1)]++;

	for (int pass = 0; pass < RADIX_PASSES; pass++)
	{
		uint32 *place = places[pass];
		int shift = pass * RADIX_BITS;
		uint32 sum = 0;
		uint64 *from = keys;

		CHECK_FOR_INTERRUPTS();
		/* a byte that all keys have in common needs no pass */
		if (length > 0 && place[keys[0] >> shift & (RADIX_VALUES - 1)] == length)
			continue;
		for (int i = 0; i < RADIX_VALUES; i++)
		{
			uint32 here = place[i];

			place[i] = sum;
			sum += here;
		}
		for (uint32 i = 0; i < length; i++)
			scratch[place[from[i] >> shift & (RADIX_VALUES - 1)]++] = from[i];
		keys = scratch;
		scratch = from;
	}
	pfree(places);
	return keys;
}

/* A sorted copy of the buffer of a dimension. */
static uint64 *
sorted_buffer(const RfmCounts *counts, int dimension)
{
	uint32 length = counts->tallies[dimension].buffered;
	uint64 *keys = palloc_array(uint64, Max(1, length));
	uint64 *scratch = palloc_array(uint64, Max(1, length));
	uint64 *sorted;

	memcpy(keys, count_map_buffer(counts, dimension), length * sizeof(uint64));
	sorted = sort_keys(keys, scratch, length);
	pfree(sorted == keys ? scratch : keys);
	return sorted;
}

static inline uint8 *
put_varint(uint8 *at, uint64 number)
{
	for (; number >= 0x80; number >>= 7)
		*at++ = (uint8) (number | 0x80);
	*at++ = (uint8) number;
	return at;
}

static inline uint64
read_varint(const uint8 *bytes, uint32 *at)
{
	uint64 number = 0;

	for (int shift = 0;; shift += 7)
	{
		uint8 byte = bytes[(*at)++];

		number |= (uint64) (byte & 0x7f) << shift;
		if (byte < 0x80)
			return number;
	}
}

/* Reads the next entry of the run, if there is one. */
static inline void
advance_run(RfmReader *reader)
{
	reader->run_ended = reader->run_at == reader->run_bytes;
	if (reader->run_ended)
		return;
	reader->run_key += read_varint(reader->run, &reader->run_at);
	reader->run_customers = (int64) read_varint(reader->run, &reader->run_at);
}

void
rfm_reader_rewind(RfmReader *reader)
{
	reader->next_count = reader->next_key = reader->run_at = 0;
	reader->run_key = reader->steps = 0;
	advance_run(reader);
}

void
rfm_reader_open(RfmReader *reader, const RfmCounts *counts, int dimension)
{
	const RfmTally *map = &counts->tallies[dimension];

	memset(reader, 0, sizeof(*reader));
	if (map->slots > 0)
	{
		reader->counts = sorted_map(counts, dimension);
		reader->n_counts = map->used;
	}
	else
	{
		reader->keys = sorted_buffer(counts, dimension);
		reader->n_keys = map->buffered;
		reader->run = count_map_run(counts, dimension);
		reader->run_bytes = map->run_bytes;
	}
	rfm_reader_rewind(reader);
}

void
rfm_reader_close(RfmReader *reader)
{
	if (reader->counts != NULL)
		pfree(unconstify(RfmCount *, reader->counts));
	if (reader->keys != NULL)
		pfree(unconstify(uint64 *, reader->keys));
}

bool
rfm_reader_next(RfmReader *reader)
{
	bool found = false;
	uint64 key = 0;

	if (unlikely(++reader->steps % INTERRUPT_STEPS == 0))
		CHECK_FOR_INTERRUPTS();
	if (reader->next_key < reader->n_keys)
	{
		key = reader->keys[reader->next_key];
		found = true;
	}
	if (!reader->run_ended && (!found || reader->run_key < key))
	{
		key = reader->run_key;
		found = true;
	}
	if (reader->next_count < reader->n_counts)
	{
		uint64 other = rfm_value_key(reader->counts[reader->next_count].value);

		if (!found || other < key)
			key = other;
		found = true;
	}
	if (!found)
		return false;

	reader->current = (RfmCount){.value = rfm_key_value(key)};
	while (reader->next_key < reader->n_keys && reader->keys[reader->next_key] == key)
	{
		reader->current.customers++;
		reader->next_key++;
	}
	if (!reader->run_ended && reader->run_key == key)
	{
		reader->current.customers += reader->run_customers;
		advance_run(reader);
	}
	if (reader->next_count < reader->n_counts && reader->counts[reader->next_count].value == reader->current.value)
		reader->current.customers += reader->counts[reader->next_count++].customers;
	return true;
}

/* A run as it is written. */
typedef struct RunWriter
{
	StringInfoData bytes;
	int64 values;
	uint64 last_key;
} RunWriter;

static void
write_entry(RunWriter *writer, const RfmCount *count)
{
	uint64 key = rfm_value_key(count->value);
	uint8 *at;

	/* The server's own limit would report a string buffer. */
	check_size((Size) writer->bytes.len + 2 * MAX_ENTRY_BYTES);
	enlargeStringInfo(&writer->bytes, MAX_ENTRY_BYTES);
	at = (uint8 *) writer->bytes.data + writer->bytes.len;
	at = put_varint(at, key - writer->last_key);
	at = put_varint(at, (uint64) count->customers);
	writer->bytes.len = (int) (at - (uint8 *) writer->bytes.data);
	writer->last_key = key;
	writer->values++;
}

/*
 * A copy in which a dimension has the run that the reader gives, and an empty
 * buffer. The reader may read from the old one.
 */
static RfmCounts *
rebuild_run(const RfmCounts *old, int dimension, RfmReader *reader, uint32 capacity)
{
	RunWriter writer = {.values = 0};
	RfmCounts *counts;

	initStringInfo(&writer.bytes);
	while (rfm_reader_next(reader))
		write_entry(&writer, &reader->current);
	counts = rebuild(old, dimension,
					 (RfmTally){
						 .capacity = capacity,
						 .run_bytes = (uint32) writer.bytes.len,
						 .run_values = writer.values,
					 },
					 0);
	memcpy(count_map_run(counts, dimension), writer.bytes.data, writer.bytes.len);
	pfree(writer.bytes.data);
	return counts;
}

/* A copy in which the buffer is merged into the run. */
static RfmCounts *
flush_buffer(const RfmCounts *old, int dimension)
{
	RfmReader reader;
	RfmCounts *counts;

	rfm_reader_open(&reader, old, dimension);
	counts = rebuild_run(old, dimension, &reader, old->tallies[dimension].capacity);
	rfm_reader_close(&reader);
	return counts;
}

/* A copy with a larger buffer. */
static RfmCounts *
enlarge_buffer(const RfmCounts *old, int dimension, uint32 capacity)
{
	RfmTally map = old->tallies[dimension];
	RfmCounts *counts;

	map.capacity = capacity;
	counts = rebuild(old, dimension, map, map.buffered * sizeof(uint64));
	memcpy(count_map_buffer(counts, dimension), count_map_buffer(old, dimension), map.buffered * sizeof(uint64));
	memcpy(count_map_run(counts, dimension), count_map_run(old, dimension), map.run_bytes);
	return counts;
}

/*
 * A copy in which a dimension has a buffer and a run instead of a map. Few
 * customers are appended to the buffer one by one, and sorted with those that
 * follow.
 */
static RfmCounts *
leave_map(const RfmCounts *old, int dimension)
{
	const RfmTally *map = &old->tallies[dimension];
	const RfmCount *slots = map_slots(old, dimension);
	RfmCounts *counts;
	int64 customers = 0;

	for (uint32 i = 0; i < map->slots; i++)
		customers += slots[i].customers;
	if (customers <= INITIAL_CAPACITY)
	{
		uint64 *buffer;
		uint32 buffered = 0;

		counts = rebuild(old, dimension, (RfmTally){.capacity = INITIAL_CAPACITY}, 0);
		buffer = count_map_buffer(counts, dimension);
		for (uint32 i = 0; i < map->slots; i++)
			for (int64 j = 0; j < slots[i].customers; j++)
				buffer[buffered++] = rfm_value_key(slots[i].value);
		counts->tallies[dimension].buffered = buffered;
	}
	else
	{
		RfmReader reader;

		rfm_reader_open(&reader, old, dimension);
		counts = rebuild_run(old, dimension, &reader, INITIAL_CAPACITY);
		rfm_reader_close(&reader);
	}
	return counts;
}

/* The counts with capacity for one more value in the buffer: the same, or a copy. */
static RfmCounts *
make_room(RfmCounts *counts, int dimension)
{
	const RfmTally *map = &counts->tallies[dimension];

	if (map->buffered < map->capacity)
		return counts;
	if (map->capacity < RFM_MAX_BUFFERED)
		return enlarge_buffer(counts, dimension, map->capacity * GROWTH);
	return flush_buffer(counts, dimension);
}

/* Counts one customer in a dimension that has no map. */
static RfmCounts *
append_key(RfmCounts *counts, int dimension, uint64 key)
{
	RfmCounts *room = make_room(counts, dimension);

	count_map_buffer(room, dimension)[room->tallies[dimension].buffered++] = key;
	return room;
}

/* Counts customers with a value in a map; false if it has as many values as it may have. */
static inline bool
count_in_map(RfmCounts **counts, int dimension, double value, int64 customers)
{
	RfmCount *slot = find_slot(*counts, dimension, value);

	if (unlikely(slot->customers == 0))
	{
		const RfmTally *map = &(*counts)->tallies[dimension];

		if (map->used == RFM_MAX_MAPPED)
			return false;
		if (map->used >= map->slots / 4 * 3)
		{
			*counts = enlarge_map(*counts, dimension);
			slot = find_slot(*counts, dimension, value);
		}
	}
	fill_slot(*counts, dimension, slot, value, customers);
	return true;
}

/* Counts one customer, in a larger copy if the capacity is exhausted. */
static inline RfmCounts *
count_value(RfmCounts *counts, int dimension, double value)
{
	if (counts->tallies[dimension].slots > 0)
	{
		if (likely(count_in_map(&counts, dimension, value, 1)))
			return counts;
		counts = leave_map(counts, dimension);
	}
	return append_key(counts, dimension, rfm_value_key(value));
}

RfmCounts *
rfm_counts_add(RfmCounts *counts, const double values[RFM_DIMENSIONS])
{
	bool has_money = isfinite(values[RFM_MONETARY]);

#ifdef __GNUC__
	/* Monetary value has by far the most different values: prefetch its slot before the others are counted. */
	if (has_money && counts->tallies[RFM_MONETARY].slots > 0)
		__builtin_prefetch(first_slot(counts, RFM_MONETARY, values[RFM_MONETARY] + 0.0), 1);
#endif
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		if (i != RFM_MONETARY || has_money)
			counts = count_value(counts, i, values[i] + 0.0);
	counts->customers++;
	counts->without_money += !has_money;
	return counts;
}

/* Adds the map or the run of another state to the run of a dimension that has no map. */
static RfmCounts *
merge_run(RfmCounts *counts, const RfmCounts *other, int dimension)
{
	const RfmTally *theirs = &other->tallies[dimension];
	RfmReader reader = {.run = count_map_run(counts, dimension), .run_bytes = counts->tallies[dimension].run_bytes};
	RfmReader their_reader = {.run = count_map_run(other, dimension), .run_bytes = theirs->run_bytes};
	RfmCount *list;
	RfmCounts *merged;
	uint64 length = 0;

	if (theirs->slots > 0)
	{
		list = sorted_map(other, dimension);
		length = theirs->used;
	}
	else
	{
		if (theirs->run_values == 0)
			return counts;
		list = MemoryContextAllocHuge(CurrentMemoryContext, theirs->run_values * sizeof(RfmCount));
		rfm_reader_rewind(&their_reader);
		while (rfm_reader_next(&their_reader))
			list[length++] = their_reader.current;
	}
	reader.counts = list;
	reader.n_counts = (uint32) length;
	rfm_reader_rewind(&reader);

	/* The reader does not read the buffer, which is kept. */
	merged = rebuild_run(counts, dimension, &reader, counts->tallies[dimension].capacity);
	memcpy(count_map_buffer(merged, dimension), count_map_buffer(counts, dimension),
		   counts->tallies[dimension].buffered * sizeof(uint64));
	merged->tallies[dimension].buffered = counts->tallies[dimension].buffered;
	pfree(list);
	return merged;
}

/* Adds a dimension of another state. */
static RfmCounts *
merge_dimension(RfmCounts *counts, const RfmCounts *other, int dimension)
{
	const RfmTally *theirs = &other->tallies[dimension];
	const uint64 *keys = count_map_buffer(other, dimension);
	const RfmCount *slots = map_slots(other, dimension);

	if (counts->tallies[dimension].slots > 0 && theirs->slots > 0)
	{
		uint32 at = 0;

		while (at < theirs->slots &&
			   (slots[at].customers == 0 || count_in_map(&counts, dimension, slots[at].value, slots[at].customers)))
			at++;
		if (at == theirs->slots)
			return counts;

		/* Too many for a map: those that are left are few enough to be appended, or go into the run. */
		counts = leave_map(counts, dimension);
		RfmCount *rest = palloc_array(RfmCount, theirs->used);
		RfmReader reader = {.run = count_map_run(counts, dimension), .run_bytes = counts->tallies[dimension].run_bytes};
		RfmCounts *merged;
		uint32 length = 0;

		for (; at < theirs->slots; at++)
			if (slots[at].customers != 0)
				rest[length++] = slots[at];
		sort_counts(rest, length);
		reader.counts = rest;
		reader.n_counts = length;
		reader.keys = sorted_buffer(counts, dimension);
		reader.n_keys = counts->tallies[dimension].buffered;
		rfm_reader_rewind(&reader);
		merged = rebuild_run(counts, dimension, &reader, counts->tallies[dimension].capacity);
		rfm_reader_close(&reader);
		return merged;
	}
	if (counts->tallies[dimension].slots > 0)
		counts = leave_map(counts, dimension);
	counts = merge_run(counts, other, dimension);
	for (uint32 i = 0; i < theirs->buffered; i++)
	{
		if (i % INTERRUPT_STEPS == 0)
			CHECK_FOR_INTERRUPTS();
		counts = append_key(counts, dimension, keys[i]);
	}
	return counts;
}

RfmCounts *
rfm_counts_merge(RfmCounts *counts, const RfmCounts *other)
{
	int64 customers;

	if (pg_add_s64_overflow(counts->customers, other->customers, &customers) || customers > RFM_MAX_CUSTOMERS)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("too many customers for rfm_cuts")));

	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		counts = merge_dimension(counts, other, i);
		CHECK_FOR_INTERRUPTS();
	}
	counts->customers = customers;
	counts->without_money += other->without_money;
	return counts;
}

/*
 * The cuts of one dimension. The j-th percentile is the smallest value with at
 * least j/levels of the customers at or below it. Frequency and money are cut
 * above it; recency is counted from the best end, which is its lowest, and is
 * cut above the percentile too: there the next day is worse. Where nothing is
 * known of money all have the same, which is no score.
 */
static void
find_cuts(const RfmCounts *counts, int dimension, RfmCuts *cuts)
{
	RfmReader reader;
	int levels = cuts->levels;
	int64 customers = counts->customers - (dimension == RFM_MONETARY ? counts->without_money : 0);
	int64 up_to = 0;
	double last = 0;
	int j = 1;

	rfm_reader_open(&reader, counts, dimension);
	while (rfm_reader_next(&reader))
	{
		bool cut = false;

		up_to += reader.current.customers;
		last = reader.current.value;
		for (; j < levels && up_to * levels >= j * customers; j++)
		{
			cuts->cuts[dimension][dimension == RFM_RECENCY ? levels - 1 - j : j - 1] =
				dimension == RFM_RECENCY ? last + 1 : last;
			cut = true;
		}
		/* Every value cut at ends a level; there may be customers beyond the last. */
		if (cut)
			cuts->effective_levels[dimension]++;
		else if (j == levels)
		{
			cuts->effective_levels[dimension]++;
			break;
		}
	}
	rfm_reader_close(&reader);
	if (customers == 0)
		cuts->effective_levels[dimension] = 1;
}

void
rfm_counts_finish(const RfmCounts *counts, RfmCuts *cuts)
{
	memset(cuts, 0, sizeof(*cuts));
	cuts->levels = counts->levels;
	cuts->customers = counts->customers;
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		find_cuts(counts, i, cuts);
}

/* The error in the counts of one dimension, or NULL; sets their sum. */
static const char *
list_problem(int dimension, const RfmList *list, int64 *customers)
{
	*customers = 0;
	for (uint32 i = 0; i < list->length; i++)
	{
		const RfmCount *count = &list->counts[i];

		CHECK_FOR_INTERRUPTS();
		if (!isfinite(count->value))
			return "a value is not finite";
		if (dimension != RFM_MONETARY && rint(count->value) != count->value)
			return "a value is not whole";
		if (i > 0 && !(list->counts[i - 1].value < count->value))
			return "the values are not in order";
		if (count->customers < 1 || count->customers > RFM_MAX_CUSTOMERS - *customers)
			return "a number of customers is out of range";
		*customers += count->customers;
	}
	if (*customers == 0 && dimension != RFM_MONETARY)
		return "there are no customers";
	return NULL;
}

const char *
rfm_lists_problem(int levels, const RfmList lists[RFM_DIMENSIONS])
{
	int64 customers[RFM_DIMENSIONS];

	if (levels < RFM_MIN_LEVELS || levels > RFM_MAX_LEVELS)
		return "Levels are out of range";
	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		const char *problem = list_problem(i, &lists[i], &customers[i]);

		if (problem != NULL)
			return psprintf("%s: %s", rfm_dimension_names[i], problem);
		if (i == RFM_MONETARY ? customers[i] > customers[0] : customers[i] != customers[0])
			return psprintf("%s: counts other customers than %s", rfm_dimension_names[i], rfm_dimension_names[0]);
	}
	return NULL;
}

RfmCounts *
rfm_counts_from_lists(int levels, const RfmList lists[RFM_DIMENSIONS])
{
	RfmCounts *counts = rfm_counts_make(levels);

	Assert(rfm_lists_problem(levels, lists) == NULL);
	for (int i = 0; i < RFM_DIMENSIONS; i++)
	{
		if (lists[i].length <= RFM_MAX_MAPPED)
		{
			for (uint32 j = 0; j < lists[i].length; j++)
				(void) count_in_map(&counts, i, lists[i].counts[j].value, lists[i].counts[j].customers);
		}
		else
		{
			RfmReader reader = {.counts = lists[i].counts, .n_counts = lists[i].length};

			rfm_reader_rewind(&reader);
			counts = rebuild_run(counts, i, &reader, INITIAL_CAPACITY);
		}
	}
	for (uint32 j = 0; j < lists[0].length; j++)
		counts->customers += lists[0].counts[j].customers;
	counts->without_money = counts->customers;
	for (uint32 j = 0; j < lists[RFM_MONETARY].length; j++)
		counts->without_money -= lists[RFM_MONETARY].counts[j].customers;
	return counts;
}

/* The different values of a dimension, in ascending order. */
static RfmList
sorted_list(const RfmCounts *counts, int dimension)
{
	const RfmTally *tally = &counts->tallies[dimension];
	RfmList list = {0};
	RfmReader reader;

	list.counts =
		MemoryContextAllocHuge(CurrentMemoryContext,
							   sizeof(RfmCount) * Max(1, (Size) tally->used + tally->buffered + tally->run_values));
	rfm_reader_open(&reader, counts, dimension);
	while (rfm_reader_next(&reader))
		list.counts[list.length++] = reader.current;
	rfm_reader_close(&reader);
	return list;
}

RfmCounts *
rfm_counts_canonical(const RfmCounts *counts)
{
	RfmList lists[RFM_DIMENSIONS];
	RfmCounts *canonical;

	for (int i = 0; i < RFM_DIMENSIONS; i++)
		lists[i] = sorted_list(counts, i);
	canonical = rfm_counts_from_lists(counts->levels, lists);
	for (int i = 0; i < RFM_DIMENSIONS; i++)
		pfree(lists[i].counts);
	return canonical;
}
