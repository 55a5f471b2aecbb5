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
 * The cache is a hash table whose slots come in twos; a new entry takes the place of the
 * older of the two with its hash value. It begins small, because many queries score one
 * customer, and grows while new entries keep coming, up to 4.5 MB.
 *
 * Parameters and terms (horizon, discount, quantile) are compared by content: a model at
 * the same address may be another one, and covariates change the parameters. When they
 * change, all entries are forgotten at once, by a new generation number.
 */
#include "compat.h"

#include <math.h>

#include "scores/cache.h"

#define FEWEST_SLOTS 64
#define MOST_SLOTS 65536

typedef struct CacheEntry
{
	uint32 generation;
	int32 x;
	double t_x; /* 0 unless recency matters */
	double T;
	double answer[N_CACHED_ANSWERS];
} CacheEntry;

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
	uint32 generation; /* 0: of no entry */
	uint32 slots;      /* a power of two */
	uint32 misses;     /* entries that were not there, of any generation */
	CacheEntry *entries;
	CacheEntry *last; /* the entry asked for before: scores of a customer ask for one several times */
};

TransactionCache *
transaction_cache_make(MemoryContext context)
{
	TransactionCache *cache = MemoryContextAllocZero(context, sizeof(TransactionCache));

	cache->context = context;
	cache->slots = FEWEST_SLOTS;
	cache->entries = MemoryContextAllocZero(context, cache->slots * sizeof(CacheEntry));
	cache->last = cache->entries;
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
	if (++cache->generation > 0)
		return;
	/* all numbers were used: the entries of the first must not come back */
	memset(cache->entries, 0, cache->slots * sizeof(CacheEntry));
	cache->generation = 1;
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
		season_discount_rule(clock, key->from, key->horizon, key->delta, key->scale, known->rule);
		known->key = *key;
	}
	known->used = ++cache->rules_used;
	return known->rule;
}

/* The first of the two slots of an entry. */
static CacheEntry *
find_slots(TransactionCache *cache, int32 x, double t_x, double T)
{
	uint64 t_x_bits, T_bits;

	memcpy(&t_x_bits, &t_x, sizeof(t_x));
	memcpy(&T_bits, &T, sizeof(T));

	/* Whole numbers differ in their upper bits only: these are brought down before they are mixed. */
	uint64 hash = ((uint64) x ^ t_x_bits ^ (t_x_bits >> 31)) * UINT64CONST(0x9E3779B97F4A7C15);

	hash = (hash ^ (hash >> 32) ^ T_bits ^ (T_bits >> 29)) * UINT64CONST(0xD6E8FEB86659FD93);
	return &cache->entries[(hash >> 40) & (cache->slots - 2)];
}

/* Puts an entry into its first slot; what was there moves to the second. */
static CacheEntry *
add_entry(TransactionCache *cache, const CacheEntry *entry)
{
	CacheEntry *slots = find_slots(cache, entry->x, entry->t_x, entry->T);

	slots[1] = slots[0];
	slots[0] = *entry;
	return slots;
}

/* A table that has missed nearly as often as it has slots is too small. */
static void
count_miss(TransactionCache *cache)
{
	CacheEntry *entries = cache->entries;
	uint32 slots = cache->slots;

	if (++cache->misses <= slots / 4 * 3 || slots == MOST_SLOTS)
		return;
	cache->entries = MemoryContextAllocZero(cache->context, slots * 2 * sizeof(CacheEntry));
	cache->slots = slots * 2;
	for (uint32 i = 0; i < slots; i++)
		if (entries[i].generation == cache->generation)
			add_entry(cache, &entries[i]);
	pfree(entries);
}

void
transaction_cache_prefetch(TransactionCache *cache, double x, double t_x, double T)
{
#ifdef __GNUC__
	CacheEntry *slots = find_slots(cache, (int32) x, cache->recency_matters ? t_x : 0, T);

	/* an entry begins in one line of the processor's cache and may end in the next */
	__builtin_prefetch(&slots[0]);
	__builtin_prefetch(&slots[1]);
	__builtin_prefetch((const char *) &slots[2] - 1);
#endif
}

static inline bool
is_entry(const TransactionCache *cache, const CacheEntry *entry, int32 x, double t_x, double T)
{
	return entry->generation == cache->generation && entry->x == x && entry->t_x == t_x && entry->T == T;
}

static CacheEntry *
find_entry(TransactionCache *cache, int32 x, double t_x, double T)
{
	CacheEntry entry = {cache->generation, x, t_x, T};
	CacheEntry *slots;

	if (is_entry(cache, cache->last, x, t_x, T))
		return cache->last;
	slots = find_slots(cache, x, t_x, T);
	for (int i = 0; i < 2; i++)
		if (is_entry(cache, &slots[i], x, t_x, T))
			return cache->last = &slots[i];
	for (int kind = 0; kind < N_CACHED_ANSWERS; kind++)
		entry.answer[kind] = NAN;
	count_miss(cache);
	return cache->last = add_entry(cache, &entry);
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
	return &find_entry(cache, (int32) x, cache->recency_matters ? t_x : 0, T)->answer[kind];
}

double
transaction_cache_get(TransactionCache *cache, const ClvModel *model, const Model *timing, const double *params,
					  double x, double t_x, double T, double horizon)
{
	double *transactions;

	transaction_cache_begin(cache, model, timing, params);
	transactions = transaction_cache_slot(cache, CACHED_TRANSACTIONS, x, t_x, T, horizon, 0);
	if (isnan(*transactions))
		*transactions = timing->expected_transactions_if_alive(params, x, t_x, T, horizon, 0);
	return *transactions;
}
