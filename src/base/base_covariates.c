/*
 * base_covariates.c
 *	  Classes of customers with equal covariates.
 *
 * A state numbers its classes in the order in which they come, a stored base in
 * the order of their covariates.
 */
#include "compat.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/base_state.h"

int
covariates_of_array(ArrayType *array, double *covariates)
{
	int			count;

	if (array == NULL)
		return -1;
	count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (ARR_NDIM(array) != 1 || count > BASE_MAX_COVARIATES)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("covariates must be a list of 1 to %d numbers, but are %d in %d dimensions",
						BASE_MAX_COVARIATES, count, ARR_NDIM(array))));
	if (array_contains_nulls(array))
		return -1;
	memcpy(covariates, ARR_DATA_PTR(array), count * sizeof(double));
	for (int i = 0; i < count; i++)
	{
		if (!isfinite(covariates[i]))
			return -1;
		covariates[i] += 0.0;	/* one zero, not two */
	}
	return count;
}

/* What a state's hash table knows of a class. */
typedef struct CovariateClass
{
	double		covariates[BASE_MAX_COVARIATES];	/* the key: as many as there are */
	uint32		number;
} CovariateClass;

static HTAB *
make_classes(BaseState *state)
{
	HASHCTL		control = {
		.keysize = state->head.covariates * sizeof(double),
		.entrysize = sizeof(CovariateClass),
		.hcxt = state->tally.header.eoh_context
	};

	return hash_create("classes of customers", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

uint32
base_state_class(BaseState *state, const double *covariates)
{
	if (state->classes == NULL)
		state->classes = make_classes(state);

	uint32		count = (uint32) hash_get_num_entries(state->classes);
	bool		found;
	CovariateClass *class = hash_search(state->classes, covariates, HASH_ENTER, &found);

	if (found)
		return class->number;
	if (count == BASE_MAX_CLASSES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a customer_base cannot hold more than %d different covariates", BASE_MAX_CLASSES),
				 errhint("Round them, or put them into classes.")));
	return class->number = count;
}

double *
base_state_covariates(BaseState *state, uint32 *classes)
{
	Size		columns = state->head.covariates;
	HASH_SEQ_STATUS all;
	CovariateClass *class;
	double	   *covariates;

	*classes = state->classes == NULL ? 0 : (uint32) hash_get_num_entries(state->classes);
	covariates = MemoryContextAllocHuge(CurrentMemoryContext, Max(1, *classes * columns) * sizeof(double));
	if (*classes == 0)
		return covariates;
	hash_seq_init(&all, state->classes);
	while ((class = hash_seq_search(&all)) != NULL)
		memcpy(covariates + class->number * columns, class->covariates, columns * sizeof(double));
	return covariates;
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
	qsort_arg(rows, classes, sizeof(double *), compare_rows, &columns);
	return rows;
}

bool
base_class_twice(const double *covariates, uint32 classes, int columns)
{
	const double **rows = ordered_rows(covariates, classes, columns);
	bool		twice = false;

	for (uint32 i = 1; i < classes && !twice; i++)
		twice = compare_rows(&rows[i - 1], &rows[i], &columns) == 0;
	pfree(rows);
	return twice;
}

void
base_order_classes(const double *covariates, uint32 classes, int columns, BaseEntry *entries, uint32 *count)
{
	const double **rows = ordered_rows(covariates, classes, columns);
	uint32	   *ranks = palloc_array(uint32, Max(1, classes));

	for (uint32 i = 0; i < classes; i++)
		ranks[(rows[i] - covariates) / columns] = i;
	for (uint32 i = 0; i < *count; i++)
	{
		BaseEntry  *entry = &entries[i];

		CHECK_FOR_INTERRUPTS();
		if (entry_kind(entry) == BASE_TIMING)
			entry->group = base_group(BASE_TIMING, ranks[entry_class(entry)], entry_x(entry));
	}
	for (uint32 i = 0; i < classes; i++)
		for (int k = 0; k < columns; k++)
			if (rows[i][k] != 0)
				entries[(*count)++] = (BaseEntry) {base_group(BASE_COVARIATE, i, k), 0, covariate_value(rows[i][k])};
	tally_sort(entries, *count);
	pfree(ranks);
	pfree(rows);
}

double *
base_covariates(Datum base, uint32 *classes)
{
	BaseReader	reader;
	double	   *covariates = NULL;

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
				covariates = MemoryContextAllocExtended(CurrentMemoryContext,
														Max(1, (Size) *classes * reader.head.covariates) * sizeof(double),
														MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
			covariates[(Size) entry_class(&reader.entry) * reader.head.covariates + entry_x(&reader.entry)] =
				covariate_of(&reader.entry);
		}
	}
	/* A single class may have nothing but zeros. */
	return covariates != NULL ? covariates : palloc0(Max(1, (Size) *classes * reader.head.covariates) * sizeof(double));
}
