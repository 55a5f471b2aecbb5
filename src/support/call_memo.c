/*
 * call_memo.c
 *	  A one-entry result cache per call site, for costly functions of one large
 *	  value.
 *
 * A cache holds two hashes and one result, independent of the size of the
 * value. The arguments are compared by SHA-256 of their bytes: values at the
 * same address may differ, and equal ones may lie at different addresses. A
 * value stored out of line (TOAST) is recognised by its pointer, and neither
 * read nor hashed again: the server does not reuse its value OID before it has
 * assigned all four billion others.
 */
#include "compat.h"

#include "access/detoast.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "utils/memutils.h"

#include "support/call_memo.h"

typedef struct Digest
{
	uint8 bytes[PG_SHA256_DIGEST_LENGTH];
} Digest;

struct CallMemo
{
	MemoryContext context;  /* of the result */
	struct varlena *answer; /* NULL: not known */
	Digest value;
	Digest options;
	bool on_disk; /* the value was last seen at: */
	struct varatt_external pointer;
};

CallMemo *
call_memo(FunctionCallInfo fcinfo)
{
	CallMemo *cache = fcinfo->flinfo->fn_extra;

	if (cache == NULL)
	{
		cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CallMemo));
		cache->context = fcinfo->flinfo->fn_mcxt;
		fcinfo->flinfo->fn_extra = cache;
	}
	return cache;
}

static Digest
digest_of(const void *data, Size size)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	Digest digest;

	if (hash == NULL || pg_cryptohash_init(hash) < 0 || pg_cryptohash_update(hash, data, size) < 0 ||
		pg_cryptohash_final(hash, digest.bytes, sizeof(digest.bytes)) < 0)
		elog(ERROR, "could not compute a SHA-256 hash");
	pg_cryptohash_free(hash);
	return digest;
}

static bool
same_digest(const Digest *a, const Digest *b)
{
	return memcmp(a, b, sizeof(Digest)) == 0;
}

/* The TOAST pointer of an out-of-line value; false for others. */
static bool
place_on_disk(Datum value, struct varatt_external *pointer)
{
	struct varlena *attribute = (struct varlena *) DatumGetPointer(value);

	if (!VARATT_IS_EXTERNAL_ONDISK(attribute))
		return false;
	VARATT_EXTERNAL_GET_POINTER(*pointer, attribute);
	return true;
}

static struct varlena *
copy_of(const struct varlena *value, MemoryContext context)
{
	return memcpy(MemoryContextAllocHuge(context, VARSIZE_ANY(value)), value, VARSIZE_ANY(value));
}

struct varlena *
call_memo_find(CallMemo *cache, Datum *value, const void *options, Size size)
{
	Digest option_digest = digest_of(options, size);
	struct varatt_external pointer;
	bool on_disk = place_on_disk(*value, &pointer);
	bool same = cache->answer != NULL && same_digest(&cache->options, &option_digest);
	Digest value_digest;
	struct varlena *detoasted;

	if (same && on_disk && cache->on_disk && memcmp(&pointer, &cache->pointer, sizeof(pointer)) == 0)
		return copy_of(cache->answer, CurrentMemoryContext);

	detoasted = PG_DETOAST_DATUM_PACKED(*value);
	value_digest = digest_of(VARDATA_ANY(detoasted), VARSIZE_ANY_EXHDR(detoasted));
	cache->on_disk = on_disk;
	if (on_disk)
		cache->pointer = pointer;
	if (same && same_digest(&cache->value, &value_digest))
		return copy_of(cache->answer, CurrentMemoryContext);

	/* A call that fails leaves the cache empty. */
	if (cache->answer != NULL)
		pfree(cache->answer);
	cache->answer = NULL;
	cache->value = value_digest;
	cache->options = option_digest;
	*value = PointerGetDatum(detoasted);
	return NULL;
}

void
call_memo_keep(CallMemo *cache, const struct varlena *answer)
{
	cache->answer = copy_of(answer, cache->context);
}
