/*
 * cache.c
 *	  What was computed of a customer, cached for the rest of a query.
 *
 * What a live customer will still do depends on x and T alone, or on x, t_x and T in
 * models in which recency matters; and it is the costly part of the scores. In models
 * of competing risks so does P(alive), but for elementary functions: it is made of one
 * probability at (x, t_x) and one at (x, T). A million customers of a shop have some
 * thirty thousand pairs of each kind, so a query that scores them all computes the same
 * things over and over. Of triples there are more, but most customers have ordered
 * once, and have few.
 *
 * To wait for memory is most of what a lookup costs. So an entry is one line of the
 * processor's cache, and entries lie in the order in which they came: those that many
 * customers share come first, and lie together. A hash table with open addressing has their
 * numbers, with some bits of the hash, which tell nearly always whether it is this one.
 * It begins small, because many queries score one customer, and grows up to 7 MB; when
 * that is full, the cache begins anew.
 *
 * Parameters and terms (horizon, discount, quantile) are compared by content: a model at
 * the same address may be another one, and covariates change the parameters. When they
 * change, all entries are forgotten.
 */
#include "compat.h"

#include <math.h>

#include "scores/cache.h"

#define FEWEST_SLOTS 64
#define MOST_SLOTS 131072

/* The entries for which there is room in so many slots. */
#define CAPACITY(slots) ((slots) / 4 * 3)

/* A slot: the number of an entry from 1 on, and bits of its hash above it; 0 is free. */
#define NUMBER_BITS 17
#define NUMBER_MASK ((1U << NUMBER_BITS) - 1)
StaticAssertDecl(CAPACITY(MOST_SLOTS) <= NUMBER_MASK, "a slot holds the number of any entry");

#define CACHE_LINE 64
#define ANSWERS_IN_LINE 5

/* The answers that do not fit into the line of a pair are in one more, whose x is ~x. */
typedef struct CacheEntry
{
	uint32 slot; /* that has its number */
	int32 x;
	double t_x; /* 0 unless recency matters */
	double T;
	double answer[ANSWERS_IN_LINE];
} CacheEntry;

StaticAssertDecl(sizeof(CacheEntry) == CACHE_LINE, "an entry is a line of the processor's cache");
StaticAssertDecl(N_CACHED_ANSWERS <= 2 * ANSWERS_IN_LINE, "two lines hold all answers");

/* The terms that the entries' answers of one kind were computed under. */
typedef struct CacheTerms
{
	double term;
	double other_term;
} CacheTerms;

/*
 * Rules of discounting by the season, of the last so many days and discounts: a rule by single days takes as long as the
 * scores of a hundred customers. 24 kB each.
 */
#define MOST_RULES 64

typedef struct KnownRule
{
	SeasonRuleKey key;
	uint64 used; /* the later, the larger; 0: there is no rule */
	SeasonRule *rule;
} KnownRule;

struct TransactionCache
{
	MemoryContext context; /* where the entries are */
	int model_id;          /* 0: nothing was asked yet */
	bool recency_matters;
	double unit_days;
	double params[MODEL_MAX_PARAMS];
	int spend_model; /* this and its parameters are set for the ranges of values only */
	double spend_params[SPEND_MAX_PARAMS];
	CacheTerms terms[N_CACHED_ANSWERS];
	Season *season;   /* NULL: none was seen */
	double today;     /* of its scores */
	KnownRule *rules; /* MOST_RULES; NULL: none was made for the season */
	uint64 rules_used;
	uint32 slots; /* a power of two */
	uint32 used;  /* entries */
	uint32 *slot;
	CacheEntry *entry;
	void *memory;                         /* what the entries were allocated as */
	uint64 hash[CACHE_EXPECTED];          /* of the pairs that will be asked for */
	CacheEntry *expected[CACHE_EXPECTED]; /* compared before a search; NULL: none */
};

static void
expect_nothing(TransactionCache *cache)
{
	memset(cache->expected, 0, sizeof(cache->expected));
}

/* Free slots, and memory for their entries, which begin where a line does. Where memory fails, the cache stays as it is. */
static void
allocate(TransactionCache *cache, uint32 slots)
{
	void *memory = MemoryContextAlloc(cache->context, CAPACITY(slots) * sizeof(CacheEntry) + CACHE_LINE);

	cache->slot = MemoryContextAllocZero(cache->context, slots * sizeof(uint32));
	cache->slots = slots;
	cache->memory = memory;
	cache->entry = (CacheEntry *) TYPEALIGN(CACHE_LINE, memory);
	expect_nothing(cache);
}

TransactionCache *
transaction_cache_make(MemoryContext context)
{
	TransactionCache *cache = MemoryContextAllocZero(context, sizeof(TransactionCache));

	cache->context = context;
	allocate(cache, FEWEST_SLOTS);
	return cache;
}

TransactionCache *
transaction_cache(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = transaction_cache_make(fcinfo->flinfo->fn_mcxt);
	return fcinfo->flinfo->fn_extra;
}

static void
forget(TransactionCache *cache)
{
	for (uint32 i = 0; i < cache->used; i++)
		cache->slot[cache->entry[i].slot] = 0;
	cache->used = 0;
	expect_nothing(cache);
}

void
transaction_cache_begin(TransactionCache *cache, const ClvModel *model, const Model *timing, const double *params)
{
	/* after a model with a season, one without is another, even with the same parameters */
	bool same_season = cache->season == NULL || clv_model_season(model) != NULL;

	if (likely(same_season && cache->model_id == timing->id && cache->unit_days == model->unit_days &&
			   memcmp(cache->params, params, timing->n_params * sizeof(double)) == 0))
		return;
	if (!same_season)
	{
		pfree(cache->season);
		cache->season = NULL;
	}
	cache->model_id = timing->id;
	cache->recency_matters = timing->recency_matters;
	cache->unit_days = model->unit_days;
	memcpy(cache->params, params, timing->n_params * sizeof(double));
	forget(cache);
}

void
transaction_cache_begin_values(TransactionCache *cache, const ClvModel *model, const Model *timing,
							   const double *params)
{
	transaction_cache_begin(cache, model, timing, params);
	cache->recency_matters = true;
	if (cache->spend_model == model->spend.spend_model &&
		memcmp(cache->spend_params, model->spend.params, sizeof(cache->spend_params)) == 0)
		return;
	cache->spend_model = model->spend.spend_model;
	memcpy(cache->spend_params, model->spend.params, sizeof(cache->spend_params));
	forget(cache);
}

static void
forget_rules(TransactionCache *cache)
{
	for (int i = 0; cache->rules != NULL && i < MOST_RULES; i++)
		cache->rules[i].used = 0;
}

void
transaction_cache_season(TransactionCache *cache, const Season *season, double today)
{
	bool is_new = cache->season == NULL || VARSIZE(cache->season) != VARSIZE(season) ||
		memcmp(cache->season, season, VARSIZE(season)) != 0;

	if (likely(!is_new && cache->today == today))
		return;
	if (is_new)
	{
		if (cache->season != NULL)
			pfree(cache->season);
		forget_rules(cache);
		cache->season = memcpy(MemoryContextAlloc(cache->context, VARSIZE(season)), season, VARSIZE(season));
	}
	cache->today = today;
	forget(cache);
}

/* The rule with a key, or the place of the one that was not used for longest. */
static KnownRule *
find_rule(TransactionCache *cache, const SeasonRuleKey *key)
{
	KnownRule *oldest = &cache->rules[0];

	for (int i = 0; i < MOST_RULES; i++)
	{
		KnownRule *known = &cache->rules[i];

		if (known->used > 0 && memcmp(&known->key, key, sizeof(SeasonRuleKey)) == 0)
			return known;
		if (known->used < oldest->used)
			oldest = known;
	}
	oldest->used = 0;
	return oldest;
}

void
season_rule_make(const SeasonClock *clock, const SeasonRuleKey *key, SeasonRule *rule)
{
	if (key->by_calendar != 0)
		season_purchase_rule(clock, key->from, key->horizon, key->delta, &key->bend, rule);
	else
		season_discount_rule(clock, key->from, key->horizon, key->delta, key->bend.scale, rule);
}

const SeasonRule *
transaction_cache_rule(TransactionCache *cache, const SeasonClock *clock, const SeasonRuleKey *key)
{
	KnownRule *known;

	if (cache->rules == NULL)
		cache->rules = MemoryContextAllocZero(cache->context, MOST_RULES * sizeof(KnownRule));
	known = find_rule(cache, key);
	if (known->used == 0)
	{
		if (known->rule == NULL)
			known->rule = MemoryContextAlloc(cache->context, sizeof(SeasonRule));
		/* if this is interrupted, there is no such rule */
		season_rule_make(clock, key, known->rule);
		known->key = *key;
	}
	known->used = ++cache->rules_used;
	return known->rule;
}

static inline uint64
hash_of(int32 x, double t_x, double T)
{
	uint64 t_x_bits, T_bits;

	memcpy(&t_x_bits, &t_x, sizeof(t_x));
	memcpy(&T_bits, &T, sizeof(T));

	/* Whole numbers differ in their upper bits only: these are brought down before they are mixed. */
	uint64 hash = ((uint64) x ^ t_x_bits ^ (t_x_bits >> 31)) * UINT64CONST(0x9E3779B97F4A7C15);

	return (hash ^ (hash >> 32) ^ T_bits ^ (T_bits >> 29)) * UINT64CONST(0xD6E8FEB86659FD93);
}

static inline uint32
first_slot(const TransactionCache *cache, uint64 hash)
{
	return (uint32) (hash >> 40) & (cache->slots - 1);
}

static inline uint32
next_slot(const TransactionCache *cache, uint32 slot)
{
	return (slot + 1) & (cache->slots - 1);
}

/* The bits of a hash that a slot holds, above the number of the entry. */
static inline uint32
bits_of(uint64 hash)
{
	return (uint32) (hash >> 8) & ~NUMBER_MASK;
}

static inline CacheEntry *
entry_in(const TransactionCache *cache, uint32 slot)
{
	return &cache->entry[(cache->slot[slot] & NUMBER_MASK) - 1];
}

static inline void
prefetch(const void *address)
{
#ifdef __GNUC__
	__builtin_prefetch(address);
#endif
}

void
transaction_cache_expect(TransactionCache *cache, int which, double x, double t_x, double T)
{
	cache->hash[which] = hash_of((int32) x, cache->recency_matters ? t_x : 0, T);
	prefetch(&cache->slot[first_slot(cache, cache->hash[which])]);
}

void
transaction_cache_prefetch(TransactionCache *cache, int which)
{
	uint64 hash = cache->hash[which];
	uint32 slot = first_slot(cache, hash);

	while (cache->slot[slot] != 0 && (cache->slot[slot] & ~NUMBER_MASK) != bits_of(hash))
		slot = next_slot(cache, slot);
	cache->expected[which] = cache->slot[slot] == 0 ? NULL : entry_in(cache, slot);
	prefetch(cache->expected[which]);
}

static inline bool
is_of(const CacheEntry *entry, int32 x, double t_x, double T)
{
	return entry->x == x && entry->t_x == t_x && entry->T == T;
}

static CacheEntry *
search(const TransactionCache *cache, int32 x, double t_x, double T)
{
	uint64 hash = hash_of(x, t_x, T);

	for (uint32 slot = first_slot(cache, hash); cache->slot[slot] != 0; slot = next_slot(cache, slot))
		if ((cache->slot[slot] & ~NUMBER_MASK) == bits_of(hash) && is_of(entry_in(cache, slot), x, t_x, T))
			return entry_in(cache, slot);
	return NULL;
}

/* Puts the number of an entry into a free slot. */
static void
enter(TransactionCache *cache, uint32 number)
{
	CacheEntry *entry = &cache->entry[number];
	uint64 hash = hash_of(entry->x, entry->t_x, entry->T);
	uint32 slot = first_slot(cache, hash);

	while (cache->slot[slot] != 0)
		slot = next_slot(cache, slot);
	cache->slot[slot] = bits_of(hash) | (number + 1);
	entry->slot = slot;
}

static void
grow(TransactionCache *cache)
{
	uint32 *slot = cache->slot;
	void *memory = cache->memory;
	const CacheEntry *entry = cache->entry;

	allocate(cache, cache->slots * 2);
	memcpy(cache->entry, entry, cache->used * sizeof(CacheEntry));
	for (uint32 i = 0; i < cache->used; i++)
		enter(cache, i);
	pfree(slot);
	pfree(memory);
}

/* An entry without answers. */
static CacheEntry *
add_entry(TransactionCache *cache, int32 x, double t_x, double T)
{
	CacheEntry *entry;

	if (cache->used == CAPACITY(cache->slots))
	{
		if (cache->slots < MOST_SLOTS)
			grow(cache);
		else
			forget(cache);
	}
	entry = &cache->entry[cache->used];
	*entry = (CacheEntry){.x = x, .t_x = t_x, .T = T};
	for (int i = 0; i < ANSWERS_IN_LINE; i++)
		entry->answer[i] = NAN;
	enter(cache, cache->used++);
	return entry;
}

static inline CacheEntry *
find_entry(TransactionCache *cache, int32 x, double t_x, double T)
{
	CacheEntry *entry;

	for (int i = 0; i < CACHE_EXPECTED; i++)
		if (cache->expected[i] != NULL && is_of(cache->expected[i], x, t_x, T))
			return cache->expected[i];
	entry = search(cache, x, t_x, T);
	if (entry == NULL)
		entry = add_entry(cache, x, t_x, T);
	/* scores of a customer ask for one several times, and for another in between */
	cache->expected[1] = cache->expected[0];
	return cache->expected[0] = entry;
}

double *
transaction_cache_slot(TransactionCache *cache, CachedAnswer kind, double x, double t_x, double T, double term,
					   double other_term)
{
	CacheTerms *terms = &cache->terms[kind];

	Assert(cache->model_id != 0);
	if (terms->term != term || terms->other_term != other_term)
	{
		*terms = (CacheTerms){term, other_term};
		forget(cache);
	}
	t_x = cache->recency_matters ? t_x : 0;
	if (unlikely(kind >= ANSWERS_IN_LINE))
		return &find_entry(cache, ~(int32) x, t_x, T)->answer[kind - ANSWERS_IN_LINE];
	return &find_entry(cache, (int32) x, t_x, T)->answer[kind];
}
