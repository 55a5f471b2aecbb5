/*
 * events.h
 *	  What an event in a customer's life changes: ratios of rates, changes of a rate, and
 *	  changes of a mix.
 */
#ifndef MODELS_DECISION_EVENTS_H
#define MODELS_DECISION_EVENTS_H

#include <stdbool.h>

/* Orders in so many days. */
typedef struct RateData
{
	double orders;
	double days; /* > 0 */
} RateData;

/* A ratio of two rates, and the exact interval from Clopper and Pearson's of the later ones' share. */
typedef struct RateRatio
{
	double ratio; /* NaN: no order at all; INFINITY: none before */
	double low;
	double high;
} RateRatio;

extern RateRatio rate_ratio(RateData before, RateData after, double level);

/* A ratio of two ratios of rates, from the variance of the logarithms. */
typedef struct RatioEffect
{
	double effect; /* NaN: not known */
	double low;
	double high;
	double p; /* of no effect; two-sided */
	double ln_effect;
	double variance; /* of it */
	double df;       /* degrees of freedom of the variance; INFINITY: it is that of counts */
	bool added_half; /* a count was 0, and a half was added to all */
} RatioEffect;

#define RATIO_EFFECT_UNKNOWN \
	{ \
		NAN, NAN, NAN, NAN, NAN, NAN, NAN, false \
	}

/* The event's ratio against that of the matched; of matched days there may be none: against 1. */
extern RatioEffect ratio_effect(RateData before, RateData after, RateData matched_before, RateData matched_after,
								double level);

/* The effect with this logarithm and variance. */
extern RatioEffect effect_of(double ln_effect, double variance, double level);

/* The same with Student's interval of so many degrees of freedom, of a variance that was estimated. */
extern RatioEffect effect_of_clusters(double ln_effect, double variance, double df, double level);

/* Orders of the customers with the event before and after it, and of those matched before and after. */
#define EFFECT_SIDES 4

/*
 * The effect with an error from how far it varies over events (linearised, as of ratios): data are those of ratio_effect,
 * by_event[i * sides + k] the sums of products of the i-th and k-th orders of each event. Events are not independent
 * where the same customer counts in several, as one of those matched or with an event of their own: again[i * sides + k]
 * is the sum over customers of the products of all their i-th and k-th orders, less those within one event. The variance
 * is that of clusters in two ways, by event and by customer (Cameron, Gelbach & Miller, J. Bus. Econ. Stat. 29:238, 2011);
 * for matching with replacement it weighs a control by the square of its uses (Abadie & Imbens, Econometrica 74:235,
 * 2006). The interval is
 * Student's. Its degrees of freedom are Satterthwaite's, from how many customers who order alike would be as certain:
 * where a few have most of the orders, they decide, however many there are. Intervals of 90 % hold 88 to 93 of 100, more
 * where fewer than five would be as certain.
 */
extern RatioEffect ratio_effect_of_clusters(double ln_effect, const RateData *data, const double *by_event,
											const double *again, int sides, double customers, double level);

/* A rate that may have changed once. */
typedef struct RateChange
{
	int changed; /* the last day of the rate before */
	double rate_before;
	double rate_after;
	double log_lr; /* NaN: too few orders, or days */
	double p;      /* of a ratio as large at any day, if the rate has not changed */
	double log_bayes_factor;
	double prob;  /* that it has changed */
	bool at_edge; /* the ratio is larger on a day that is not looked at */
} RateChange;

/*
 * Orders on these days, in order, each within 1 to `days`. A change is looked for from a tenth
 * of the days to nine tenths. The Bayes factor has rates with a Gamma(1, days / count) prior
 * and every such day as likely. prior: the probability of a change, within (0, 1).
 */
extern RateChange rate_change(const int *orders, int count, int days, double prior);

/* p of the largest log-likelihood ratio of so many orders on so many days. */
extern double rate_change_p(double log_lr, int count, int days);

/* Whether the shares of two mixes differ. */
typedef struct MixChange
{
	double g; /* log-likelihood ratio, twice */
	double df;
	double p;
	double log_bayes_factor; /* two Dirichlet-multinomials (0.5) against one */
} MixChange;

extern MixChange mix_change(const double *before, const double *after, int categories);

#endif /* MODELS_DECISION_EVENTS_H */
