/*
 * base_covariates.c
 *	  Classes of customers with equal covariates.
 *
 * A state numbers its classes in the order in which they come. It finds the
 * class of a customer by a hash of the covariates, in its own table of entries:
 * under (BASE_CLASS, hash) stands the class's number plus one, and where another
 * class has the same hash the search goes on at the next one.
 */
#include "compat.h"

#include "common/hashfn.h"
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

static bool
has_covariates(BaseState *state, uint32 class, const double *covariates)
{
	for (int i = 0; i < state->head.covariates; i++)
		if (base_state_value(state, base_group(BASE_COVARIATE, class, i), 0) != covariate_value(covariates[i]))
			return false;
	return true;
}

BaseState *
base_state_class(BaseState *state, const double *covariates, uint32 *class)
{
	int			count = state->head.covariates;
	uint64		hash = hash_bytes_extended((const unsigned char *) covariates, count * sizeof(double), 0);
	uint64		group = base_group(BASE_CLASS, 0, 0);
	int64		found;

	for (; (found = base_state_value(state, group, hash)) != 0; hash++)
		if (has_covariates(state, (uint32) found - 1, covariates))
		{
			*class = (uint32) found - 1;
			return state;
		}

	*class = state->classes;
	if (*class == BASE_MAX_CLASSES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a customer_base cannot hold more than %d different covariates", BASE_MAX_CLASSES),
				 errhint("Round them, or put them into classes.")));
	state->classes++;
	state = base_state_add(state, group, hash, (int64) *class + 1);
	for (int i = 0; i < count; i++)
		state = base_state_add(state, base_group(BASE_COVARIATE, *class, i), 0, covariate_value(covariates[i]));
	return state;
}

double *
base_state_covariates(BaseState *state)
{
	int			count = state->head.covariates;
	double	   *covariates = MemoryContextAllocHuge(CurrentMemoryContext,
													Max(1, (Size) state->classes * count) * sizeof(double));

	for (uint32 class = 0; class < state->classes; class++)
		for (int i = 0; i < count; i++)
		{
			BaseEntry	entry = {.value = base_state_value(state, base_group(BASE_COVARIATE, class, i), 0)};

			covariates[(Size) class * count + i] = covariate_of(&entry);
		}
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

/* The place of each class in the order of their covariates. */
static uint32 *
class_ranks(BaseState *state)
{
	int			columns = state->head.covariates;
	double	   *covariates = base_state_covariates(state);
	double	  **rows = MemoryContextAllocHuge(CurrentMemoryContext, state->classes * sizeof(double *));
	uint32	   *ranks = palloc_array(uint32, state->classes);

	for (uint32 i = 0; i < state->classes; i++)
		rows[i] = covariates + (Size) i * columns;
	qsort_arg(rows, state->classes, sizeof(double *), compare_rows, &columns);
	for (uint32 i = 0; i < state->classes; i++)
		ranks[(rows[i] - covariates) / columns] = i;
	pfree(rows);
	pfree(covariates);
	return ranks;
}

void
base_renumber_classes(BaseState *state, BaseEntry *entries, uint32 count)
{
	uint32	   *ranks = class_ranks(state);

	for (uint32 i = 0; i < count; i++)
	{
		BaseEntry  *entry = &entries[i];
		BaseKind	kind = entry_kind(entry);

		CHECK_FOR_INTERRUPTS();
		if (kind == BASE_TIMING || kind == BASE_COVARIATE)
			entry->group = base_group(kind, ranks[entry_class(entry)], entry_x(entry));
	}
	pfree(ranks);
}

double *
base_covariates(Datum base, uint32 *classes)
{
	BaseReader	reader;
	double	   *covariates = NULL;

	*classes = 0;
	base_open(&reader, base);
	while (base_next(&reader))
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
