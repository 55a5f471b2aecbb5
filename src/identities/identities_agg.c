/*
 * identities_agg.c
 *	  The aggregates same_customer and rollup, and the accessors of the groups.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "support/agg_group.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "identities/identities_state.h"
#include "support/args.h"

/* The first argument as a state that an aggregate may continue; otherwise a new state with its contents. */
static IdentityState *
identity_state_argument(FunctionCallInfo fcinfo)
{
	IdentityState *state = PG_ARGISNULL(0) ? NULL : agg_state_to_write(PG_GETARG_DATUM(0));

	if (state == NULL)
	{
		state = identity_state_make(agg_state_parent(fcinfo));
		if (!PG_ARGISNULL(0))
			identity_state_merge(state, PG_GETARG_VARLENA_PP(0));
	}
	return state;
}

static void
check_identity(IdentityText id)
{
	if (id.length > IDENTITY_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an identifier of a customer is longer than %d bytes: %.*s...", IDENTITY_MAX_BYTES,
						pg_mbcliplen(id.bytes, (int) id.length, 40), id.bytes),
				 errhint("Use md5(id) as the key.")));
}

static Datum
same_customer(FunctionCallInfo fcinfo, IdentityText a, IdentityText b)
{
	IdentityState *state;

	check_identity(a);
	check_identity(b);
	state = identity_state_argument(fcinfo);
	identity_state_add(state, a, b);
	return agg_state_result(fcinfo, &state->growing);
}

static IdentityText
text_identity(text *id)
{
	return (IdentityText){VARDATA_ANY(id), VARSIZE_ANY_EXHDR(id)};
}

static IdentityText
cstring_identity(const char *id)
{
	return (IdentityText){id, strlen(id)};
}

/* same_customer(id_a text, id_b text): transition; pairs with a NULL are skipped */
AGG_FUNCTION_INFO_V1(same_customer_add_text);
static Datum
same_customer_add_text_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return agg_state_unchanged(fcinfo);
	return same_customer(fcinfo, text_identity(PG_GETARG_TEXT_PP(1)), text_identity(PG_GETARG_TEXT_PP(2)));
}

/* The same for bigint: identifiers are in their output form. */
AGG_FUNCTION_INFO_V1(same_customer_add_bigint);
static Datum
same_customer_add_bigint_in_group(PG_FUNCTION_ARGS)
{
	char a[MAXINT8LEN + 1];
	char b[MAXINT8LEN + 1];

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return agg_state_unchanged(fcinfo);
	pg_lltoa(PG_GETARG_INT64(1), a);
	pg_lltoa(PG_GETARG_INT64(2), b);
	return same_customer(fcinfo, cstring_identity(a), cstring_identity(b));
}

/* The same for uuid. */
AGG_FUNCTION_INFO_V1(same_customer_add_uuid);
static Datum
same_customer_add_uuid_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return agg_state_unchanged(fcinfo);
	return same_customer(fcinfo, cstring_identity(DatumGetCString(DirectFunctionCall1(uuid_out, PG_GETARG_DATUM(1)))),
						 cstring_identity(DatumGetCString(DirectFunctionCall1(uuid_out, PG_GETARG_DATUM(2)))));
}

/* The groups of both values: combines partial aggregates, is the transition of rollup, and the operator ||. */
AGG_FUNCTION_INFO_V1(customer_identities_merge);
static Datum
customer_identities_merge_in_group(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return agg_state_unchanged(fcinfo);

	IdentityState *state = identity_state_argument(fcinfo);

	identity_state_merge(state, PG_GETARG_VARLENA_PP(1));
	return agg_state_result(fcinfo, &state->growing);
}

/* The stored form of a state. */
AGG_FUNCTION_INFO_V1(customer_identities_final);
static Datum
customer_identities_final_in_group(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(agg_state_stored(PG_GETARG_DATUM(0)));
}

/* The groups of the last call, cached: they are the same for all rows of a query. */
typedef struct IdentityCache
{
	struct varlena *raw;   /* as passed: compressed, or a TOAST pointer */
	struct varlena *value; /* ready to be searched */
} IdentityCache;

static bool
same_raw(const struct varlena *a, const struct varlena *b)
{
	return VARSIZE_ANY(a) == VARSIZE_ANY(b) && memcmp(a, b, VARSIZE_ANY(a)) == 0;
}

/* The first argument, detoasted once while it does not change. */
static struct varlena *
cached_groups(FunctionCallInfo fcinfo)
{
	struct varlena *raw = (struct varlena *) DatumGetPointer(PG_GETARG_DATUM(0));
	IdentityCache *cache = fcinfo->flinfo->fn_extra;
	MemoryContext old;

	/* A value that must be fetched or decompressed is cached; others are used in place. */
	if (!VARATT_IS_EXTERNAL_ONDISK(raw) && !VARATT_IS_COMPRESSED(raw))
		return (struct varlena *) PG_DETOAST_DATUM_PACKED(PointerGetDatum(raw));
	if (cache != NULL && same_raw(cache->raw, raw))
		return cache->value;

	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	if (cache == NULL)
		cache = fcinfo->flinfo->fn_extra = palloc0(sizeof(IdentityCache));
	else
	{
		pfree(cache->raw);
		pfree(cache->value);
		cache->raw = cache->value = NULL;
	}
	fcinfo->flinfo->fn_extra = NULL;
	cache->value = (struct varlena *) PG_DETOAST_DATUM_COPY(PointerGetDatum(raw));
	cache->raw = palloc(VARSIZE_ANY(raw));
	memcpy(cache->raw, raw, VARSIZE_ANY(raw));
	fcinfo->flinfo->fn_extra = cache;
	MemoryContextSwitchTo(old);
	return cache->value;
}

/* canonical_id(customer_identities, id text) → text: the first identifier of the id's group, or the id itself */
PG_FUNCTION_INFO_V1(canonical_id);
Datum
canonical_id(PG_FUNCTION_ARGS)
{
	text *id = PG_GETARG_TEXT_PP(1);
	IdentitySet set;
	uint32 place;

	identities_open(&set, cached_groups(fcinfo));
	if (!identity_find(&set, text_identity(id), &place))
		PG_RETURN_TEXT_P(id);

	IdentityText canonical = identity_at(&set, identity_canonical_place(&set, place));

	PG_RETURN_TEXT_P(cstring_to_text_with_len(canonical.bytes, (int) canonical.length));
}

static Datum
identity_datum(const IdentitySet *set, uint32 place)
{
	IdentityText id = identity_at(set, place);

	return PointerGetDatum(cstring_to_text_with_len(id.bytes, (int) id.length));
}

/* unnest(customer_identities) → setof (id text, canonical_id text): the identifiers that are in a group */
PG_FUNCTION_INFO_V1(customer_identities_unnest);
Datum
customer_identities_unnest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	IdentitySet set;

	InitMaterializedSRF(fcinfo, 0);
	identities_open(&set, PG_GETARG_VARLENA_PP(0));
	for (uint32 i = 0; i < set.count; i++)
	{
		Datum values[2] = {identity_datum(&set, i), identity_datum(&set, identity_canonical_place(&set, i))};
		bool nulls[2] = {false};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
		pfree(DatumGetPointer(values[0]));
		pfree(DatumGetPointer(values[1]));
	}
	return (Datum) 0;
}

/* identity_groups(customer_identities [, max_size]) → setof (canonical_id, id_count, too_large, ids) */
PG_FUNCTION_INFO_V1(identity_groups);
Datum
identity_groups(PG_FUNCTION_ARGS)
{
	if (gives_no_rows(fcinfo))
		return (Datum) 0;

	ReturnSetInfo *results = (ReturnSetInfo *) fcinfo->resultinfo;
	int32 max_size = PG_GETARG_INT32(1);
	IdentitySet set;

	if (max_size < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("max_size must be at least 1, but is %d", max_size)));
	InitMaterializedSRF(fcinfo, 0);
	identities_open(&set, PG_GETARG_VARLENA_PP(0));

	int32 *next = identity_members(&set);
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "group of identities", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(row);

	for (uint32 i = 0; i < set.count; i++)
	{
		int count = 0;

		CHECK_FOR_INTERRUPTS();
		if (identity_canonical_place(&set, i) != i)
			continue;
		for (int32 at = (int32) i; at >= 0; at = next[at])
			count++;

		Datum *ids = palloc_array(Datum, count);
		int n = 0;

		for (int32 at = (int32) i; at >= 0; at = next[at])
			ids[n++] = identity_datum(&set, (uint32) at);

		Datum values[4] = {ids[0], Int32GetDatum(count), BoolGetDatum(count > max_size),
						   PointerGetDatum(construct_array(ids, count, TEXTOID, -1, false, TYPALIGN_INT))};
		bool nulls[4] = {false};

		tuplestore_putvalues(results->setResult, results->setDesc, values, nulls);
		MemoryContextReset(row);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(row);
	return (Datum) 0;
}
