/*
 * cache.h
 *	  What was computed of a customer, cached for the rest of a query.
 */
#ifndef SCORES_CACHE_H
#define SCORES_CACHE_H

#include "clv_model/clv_model.h"
#include "models/core/season_rule.h"

typedef struct TransactionCache TransactionCache;

/*
 * What is cached of a pair (x, T), or a triple (x, t_x, T) if recency matters to the
 * model, with the two terms that it depends on besides the model's parameters.
 */
typedef enum CachedAnswer
{
	CACHED_TRANSACTIONS, /* expected_transactions_if_alive; horizon */
	CACHED_DISCOUNTED,   /* the same, discounted; horizon, annual discount */
	CACHED_ORDER_PROB,   /* order_prob_if_alive; horizon */
	CACHED_NEXT_ORDER,   /* next_order_quantile; quantile */
	CACHED_FIRST_EVENT,  /* first_event */

	/* in lines of their own (cache.c) */
	CACHED_GONE,      /* gone_prob of customers without a repeat transaction: their t_x is 0 */
	CACHED_VALUE_LOW, /* the range of the value in units of its scale; horizon, level */
	CACHED_VALUE_HIGH,
	N_CACHED_ANSWERS,
} CachedAnswer;

/* The cache of this call site, which lives as long as the query; and one in memory of the caller's. */
extern TransactionCache *transaction_cache(FunctionCallInfo fcinfo);
extern TransactionCache *transaction_cache_make(MemoryContext context);

/* From here on the cache is asked of customers with these parameters. It compares them by content. */
extern void transaction_cache_begin(TransactionCache *cache, const ClvModel *model, const Model *timing,
									const double *params);

/* The same of a cache for the ranges of values, in which recency matters whatever the model, and amounts do. */
extern void transaction_cache_begin_values(TransactionCache *cache, const ClvModel *model, const Model *timing,
										   const double *params);

/* After that, of a model with a season: it, and the day of the scores, by content too. */
extern void transaction_cache_season(TransactionCache *cache, const Season *season, double today);

/*
 * What a rule depends on, besides the season: the arguments of season_discount_rule(), or, if
 * purchases are by the calendar, of season_purchase_rule().
 */
typedef struct SeasonRuleKey
{
	double from;
	double horizon;
	double delta;
	SeasonBend bend;   /* the scale alone, unless by the calendar */
	int64 by_calendar; /* 0 or 1; without padding, to be compared by bytes */
} SeasonRuleKey;

/*
 * The rule for a clock, which is that of the cache's season. It is valid until the next call.
 */
extern const SeasonRule *transaction_cache_rule(TransactionCache *cache, const SeasonClock *clock,
												const SeasonRuleKey *key);

/* The same, made. */
extern void season_rule_make(const SeasonClock *clock, const SeasonRuleKey *key, SeasonRule *rule);

/*
 * Prefetches the two pairs of a customer, 0 and 1, in two steps: where their entries are, and
 * the entries. Memory answers each only after the time of some logarithms: ask early.
 */
#define CACHE_EXPECTED 2
extern void transaction_cache_expect(TransactionCache *cache, int which, double x, double t_x, double T);
extern void transaction_cache_prefetch(TransactionCache *cache, int which);

/*
 * The place of an answer: NaN if it is not known, and then the caller puts it there. It is
 * valid until the next call. x is a count, times are in the model's unit.
 */
extern double *transaction_cache_slot(TransactionCache *cache, CachedAnswer kind, double x, double t_x, double T,
									  double term, double other_term);

#endif /* SCORES_CACHE_H */
