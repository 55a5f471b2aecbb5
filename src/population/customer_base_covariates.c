/*
 * customer_base_covariates.c
 *	  Classes of customers with equal covariates.
 *
 * A state numbers its classes in the order of arrival, a stored base in the
 * order of their covariates.
 */
#include "compat.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "population/customer_base_state.h"

#define INITIAL_CLASSES 8

int
covariates_of_array(ArrayType *array, double *covariates)
{
	int count;

	if (array == NULL)
		return -1;
	count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (ARR_NDIM(array) != 1 || count > FIT_MAX_COVARIATES)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("covariates must be a list of 1 to %d numbers, but are %d in %d dimensions", FIT_MAX_COVARIATES,
						count, ARR_NDIM(array))));
	if (array_contains_nulls(array))
		return -1;
	memcpy(covariates, ARR_DATA_PTR(array), count * sizeof(double));
	for (int i = 0; i < count; i++)
	{
		if (!isfinite(covariates[i]))
			return -1;
		covariates[i] += 0.0; /* normalises minus zero */
	}
	return count;
}

/*
 * The hash table of a state's classes. Unlike dynahash, simplehash needs no
 * memory context of its own; many groups would have too many (count_map.c).
 */
typedef struct ClassEntry
{
	uint32 number;
	uint32 hash;
	char status;
} ClassEntry;

static inline const double *
row_of_class(const BaseState *state, uint32 number)
{
	return state->covariates + (Size) number * state->head.covariates;
}

static inline uint32
hash_of_class(const BaseState *state, uint32 number)
{
	return hash_bytes((const unsigned char *) row_of_class(state, number), state->head.covariates * sizeof(double));
}

static inline bool
same_class(const BaseState *state, uint32 a, uint32 b)
{
	return memcmp(row_of_class(state, a), row_of_class(state, b), state->head.covariates * sizeof(double)) == 0;
}

#define SH_PREFIX classes
#define SH_ELEMENT_TYPE ClassEntry
#define SH_KEY_TYPE uint32
#define SH_KEY number
#define SH_HASH_KEY(table, number) hash_of_class((table)->private_data, number)
#define SH_EQUAL(table, a, b) same_class((table)->private_data, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static void
make_room_for_class(BaseState *state, uint32 count)
{
	MemoryContext context = agg_state_context(&state->map.growing);
	Size row = state->head.covariates * sizeof(double);

	if (count < state->class_room)
		return;
	if (state->classes == NULL)
	{
		state->class_room = INITIAL_CLASSES;
		state->classes = classes_create(context, INITIAL_CLASSES, state);
		state->covariates = MemoryContextAlloc(context, INITIAL_CLASSES * row);
		return;
	}
	state->class_room *= 2;
	state->covariates = repalloc_huge(state->covariates, state->class_room * row);
}

uint32
base_state_classes(const BaseState *state)
{
	return state->classes == NULL ? 0 : state->classes->members;
}

/* The covariates are appended to the known ones, and looked up. */
uint32
base_state_class(BaseState *state, const double *covariates)
{
	uint32 count = base_state_classes(state);
	bool found;
	ClassEntry *class;

	make_room_for_class(state, count);
	memcpy((double *) row_of_class(state, count), covariates, state->head.covariates * sizeof(double));
	class = classes_insert(state->classes, count, &found);
	if (!found && count == BASE_MAX_CLASSES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a customer_base cannot hold more than %d different covariates", BASE_MAX_CLASSES),
				 errhint("Round them, or put them into classes.")));
	return class->number;
}

static int
compare_rows(const void *a, const void *b, void *columns)
{
	const double *row = *(const double *const *) a;
	const double *other = *(const double *const *) b;

	for (int i = 0; i < *(int *) columns; i++)
		if (row[i] != other[i])
			return row[i] < other[i] ? -1 : 1;
	return 0;
}

/* The classes in the order of their covariates. */
static const double **
ordered_rows(const double *covariates, uint32 classes, int columns)
{
	const double **rows = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, classes) * sizeof(double *));

	for (uint32 i = 0; i < classes; i++)
		rows[i] = covariates + (Size) i * columns;
	qsort_interruptible(rows, classes, sizeof(double *), compare_rows, &columns);
	return rows;
}

bool
base_class_twice(const double *covariates, uint32 classes, int columns)
{
	const double **rows = ordered_rows(covariates, classes, columns);
	bool twice = false;

	for (uint32 i = 1; i < classes && !twice; i++)
		twice = compare_rows(&rows[i - 1], &rows[i], &columns) == 0;
	pfree(rows);
	return twice;
}

void
base_order_classes(const double *covariates, uint32 classes, int columns, BaseEntry *entries, uint32 *count)
{
	const double **rows = ordered_rows(covariates, classes, columns);
	uint32 *ranks = palloc_array(uint32, Max(1, classes));

	for (uint32 i = 0; i < classes; i++)
		ranks[(rows[i] - covariates) / columns] = i;
	for (uint32 i = 0; i < *count; i++)
	{
		BaseEntry *entry = &entries[i];

		CHECK_FOR_INTERRUPTS();
		if (entry_kind(entry) == BASE_TIMING)
			entry->group = base_group(BASE_TIMING, ranks[entry_class(entry)], entry_x(entry));
	}
	for (uint32 i = 0; i < classes; i++)
		for (int k = 0; k < columns; k++)
			if (rows[i][k] != 0)
				entries[(*count)++] = (BaseEntry){base_group(BASE_COVARIATE, i, k), 0, covariate_value(rows[i][k])};
	count_map_sort(entries, *count);
	pfree(ranks);
	pfree(rows);
}

/* The covariates of so many classes, before any that is not zero is known. */
static double *
no_covariates(uint32 classes, int columns)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, Max(1, (Size) classes * columns) * sizeof(double),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static inline void
put_covariate(double *covariates, int columns, const BaseEntry *entry)
{
	covariates[(Size) entry_class(entry) * columns + entry_x(entry)] = covariate_of(entry);
}

double *
base_covariates(Datum base, uint32 *classes)
{
	BaseReader reader;
	double *covariates = NULL;

	*classes = 0;
	base_open(&reader, base);
	while (base_next(&reader) && (reader.head.covariates > 0 || *classes == 0))
	{
		CHECK_FOR_INTERRUPTS();
		if (entry_kind(&reader.entry) == BASE_TIMING)
			*classes = entry_class(&reader.entry) + 1;
		else if (entry_kind(&reader.entry) == BASE_COVARIATE)
		{
			if (covariates == NULL)
				covariates = no_covariates(*classes, reader.head.covariates);
			put_covariate(covariates, reader.head.covariates, &reader.entry);
		}
	}
	/* A single class may have nothing but zeros. */
	return covariates != NULL ? covariates : no_covariates(*classes, reader.head.covariates);
}

double *
base_parts_covariates(const BaseParts *parts)
{
	BaseSlice slice = base_slice(parts, BASE_COVARIATE);
	int columns = parts->totals.head.covariates;
	double *covariates = no_covariates(parts->totals.classes, columns);

	for (uint32 i = 0; i < slice.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		put_covariate(covariates, columns, &slice.entries[i]);
	}
	return covariates;
}
