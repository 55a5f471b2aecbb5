/*
 * events.c
 *	  Ratios of rates, a change of one rate, and a change of a mix.
 *
 * A ratio of rates: of all orders the later ones are binomial, with odds that are the ratio
 * times that of the days; so Clopper and Pearson's interval is exact.
 *
 * A change of a rate is looked for on every day, so the largest log-likelihood ratio is larger
 * than that of a day fixed beforehand: its 95 % point is 4.1 to 4.6, not 1.92. Without a change
 * the orders are uniform on the days, and the ratio stays below c where the count of orders
 * until each day stays within two bounds. The probability of that is a recursion over the
 * bounds (Noe, Ann. Math. Statist. 43:58, 1972), from which the table below was computed.
 */
#include "models/decision/events.h"

#include <math.h>

#include "numerics/host.h"
#include "numerics/normal.h"
#include "numerics/quadrature.h"
#include "numerics/special.h"
#include "numerics/tails.h"

RateRatio
rate_ratio(RateData before, RateData after, double level)
{
	double tail = (1.0 - level) / 2.0;
	double days = before.days / after.days;
	RateRatio ratio = {.ratio = after.orders / before.orders * days, .low = 0.0, .high = INFINITY};

	if (!(before.orders + after.orders > 0.0))
		return (RateRatio){NAN, NAN, NAN};
	if (after.orders > 0.0)
	{
		double share = beta_quantile(tail, after.orders, before.orders + 1.0);

		ratio.low = share / (1.0 - share) * days;
	}
	if (before.orders > 0.0)
	{
		double share = beta_quantile(1.0 - tail, after.orders + 1.0, before.orders);

		ratio.high = share / (1.0 - share) * days;
	}
	return ratio;
}

RatioEffect
effect_of(double ln_effect, double variance, double level)
{
	double error = sqrt(variance);
	double z = normal_quantile((1.0 + level) / 2.0);

	return (RatioEffect){
		.effect = exp(ln_effect),
		.low = exp(ln_effect - z * error),
		.high = exp(ln_effect + z * error),
		.p = 2.0 * normal_prob(-fabs(ln_effect) / error),
		.ln_effect = ln_effect,
		.variance = variance,
		.df = INFINITY,
	};
}

RatioEffect
effect_of_clusters(double ln_effect, double variance, double df, double level)
{
	RatioEffect effect = effect_of(ln_effect, variance, level);
	double margin = student_quantile((1.0 + level) / 2.0, df) * sqrt(variance);

	effect.low = exp(ln_effect - margin);
	effect.high = exp(ln_effect + margin);
	effect.p = student_two_sided(fabs(ln_effect) / sqrt(variance), df);
	effect.df = df;
	return effect;
}

RatioEffect
ratio_effect(RateData before, RateData after, RateData matched_before, RateData matched_after, double level)
{
	const RateData data[] = {after, before, matched_before, matched_after};
	int count = matched_before.days > 0.0 ? 4 : 2;
	double added = 0.0;
	double ln_effect = 0.0;
	double variance = 0.0;
	RatioEffect effect = RATIO_EFFECT_UNKNOWN;

	for (int i = 0; i < count; i++)
		if (data[i].orders == 0.0)
			added = 0.5;
	if (!(before.orders + after.orders > 0.0) || (count == 4 && !(matched_before.orders + matched_after.orders > 0.0)))
		return effect;
	for (int i = 0; i < count; i++)
	{
		double orders = data[i].orders + added;

		ln_effect += (i % 2 == 0 ? 1.0 : -1.0) * log(orders / data[i].days);
		variance += 1.0 / orders;
	}
	effect = effect_of(ln_effect, variance, level);
	effect.added_half = added > 0.0;
	return effect;
}

/*
 * How many customers a sum of orders is as certain as: (sum)^2 / sum of squares. Of customers who order alike it is their
 * number; where few have most of the orders, not many more than those.
 */
static double
effective_customers(double orders, double squares)
{
	return orders * orders / squares;
}

RatioEffect
ratio_effect_of_clusters(double ln_effect, const RateData *data, const double *by_event, const double *again, int sides,
						 double customers, double level)
{
	static const double signs[] = {-1.0, 1.0, 1.0, -1.0};
	double products[EFFECT_SIDES * EFFECT_SIDES];
	double variance = 0.0;
	double of_events = 0.0;
	double doubt = 0.0; /* sum of squared variances by their degrees of freedom (Satterthwaite, 1946) */

	for (int i = 0; i < sides; i++)
		for (int k = 0; k < sides; k++)
		{
			double weight = signs[i] / data[i].orders * signs[k] / data[k].orders;

			products[i * sides + k] = by_event[i * sides + k] + again[i * sides + k];
			variance += weight * products[i * sides + k];
			of_events += weight * by_event[i * sides + k];
		}
	/* a sum of products that are as often negative as positive may be below zero */
	variance = fmax(variance, of_events);
	for (int i = 0; i < sides; i += 2)
	{
		double before = products[i * sides + i] / (data[i].orders * data[i].orders);
		double after = products[(i + 1) * sides + i + 1] / (data[i + 1].orders * data[i + 1].orders);
		double both = products[i * sides + i + 1] / (data[i].orders * data[i + 1].orders);
		double own = before - 2.0 * both + after;
		double alike = fmin(effective_customers(data[i].orders, products[i * sides + i]),
							effective_customers(data[i + 1].orders, products[(i + 1) * sides + i + 1]));

		doubt += own * own / fmax(1.0, alike - 1.0);
	}
	variance = fmax(variance, 0.0);
	return effect_of_clusters(ln_effect, variance * customers / (customers - 1.0),
							  doubt > 0.0 ? fmax(1.0, variance * variance / doubt) : customers - 1.0, level);
}

/* The largest log-likelihood ratio that so many orders exceed with these probabilities. */
#define TABLE_COLUMNS 15

static const double table_p[TABLE_COLUMNS] = {
	.9, .7, .5, .3, .2, .1, .05, .02, .01, .003, .001, .0003, .0001, 1e-5, 1e-6,
};

static const struct
{
	int count;
	double log_lr[TABLE_COLUMNS];
} table[] = {
	{2,
	 {0.8479, 1.0217, 1.3863, 1.8971, 2.3026, 2.9957, 3.6889, 4.6052, 4.6052, 4.6052, 4.6052, 4.6052, 4.6052, 4.6052,
	  4.6052}},
	{3,
	 {0.7361, 1.1596, 1.5779, 2.1313, 2.5554, 2.9957, 3.6889, 4.6052, 5.2983, 6.5023, 6.9078, 6.9078, 6.9078, 6.9078,
	  6.9078}},
	{4,
	 {0.8280, 1.2606, 1.6907, 2.1027, 2.5287, 3.2446, 3.9554, 4.7638, 5.2983, 6.5023, 7.6009, 8.8049, 9.2103, 9.2103,
	  9.2103}},
	{5,
	 {0.8849, 1.3303, 1.6446, 2.2270, 2.6639, 3.3931, 3.9384, 4.8718, 5.5754, 6.7937, 7.6009, 8.8049, 9.9035, 11.5129,
	  11.5129}},
	{6,
	 {0.9283, 1.2750, 1.7236, 2.3163, 2.7602, 3.3681, 4.0871, 5.0301, 5.6020, 6.7815, 7.8901, 8.9149, 9.9035, 12.2061,
	  13.8155}},
	{8,
	 {0.8991, 1.3744, 1.8347, 2.3524, 2.8018, 3.5461, 4.1718, 5.1202, 5.8330, 6.9324, 8.0465, 9.2642, 10.1923, 12.5055,
	  14.5087}},
	{10,
	 {0.8969, 1.4436, 1.8397, 2.4535, 2.9096, 3.5837, 4.3169, 5.1855, 5.9006, 7.1355, 8.1506, 9.3717, 10.3531, 12.6726,
	  14.8063}},
	{12,
	 {0.8735, 1.4320, 1.9071, 2.4659, 2.9246, 3.6808, 4.3504, 5.3095, 6.0287, 7.1906, 8.3136, 9.4507, 10.5643, 12.7862,
	  14.9744}},
	{16,
	 {0.8048, 1.4208, 1.9541, 2.5845, 3.0005, 3.7636, 4.4551, 5.4201, 6.1013, 7.3312, 8.3987, 9.6274, 10.6792, 13.0115,
	  15.2615}},
	{20,
	 {0.8369, 1.3175, 1.9124, 2.6251, 3.0733, 3.8219, 4.5388, 5.4958, 6.2210, 7.4246, 8.5085, 9.7404, 10.8110, 13.0953,
	  15.3658}},
	{25,
	 {0.8425, 1.2931, 1.8431, 2.6720, 3.1447, 3.8842, 4.6005, 5.5731, 6.2653, 7.5166, 8.6131, 9.8103, 10.9322, 13.2344,
	  15.5250}},
	{32,
	 {0.8422, 1.3237, 1.8223, 2.5061, 3.0849, 3.9577, 4.6843, 5.6334, 6.3626, 7.5894, 8.6966, 9.9338, 11.0289, 13.3447,
	  15.6495}},
	{40,
	 {0.8506, 1.3209, 1.8310, 2.4915, 2.9796, 3.9052, 4.7553, 5.7123, 6.4212, 7.6560, 8.7936, 10.0102, 11.1131, 13.4386,
	  15.7534}},
	{50,
	 {0.8576, 1.3477, 1.8204, 2.5123, 3.0052, 3.8064, 4.6557, 5.7696, 6.4843, 7.7258, 8.8653, 10.0883, 11.1975, 13.5310,
	  15.8347}},
	{64,
	 {0.8582, 1.3442, 1.8265, 2.4956, 2.9939, 3.8424, 4.6015, 5.6388, 6.4974, 7.8067, 8.9337, 10.1625, 11.2772, 13.6178,
	  15.9327}},
	{80,
	 {0.8639, 1.3524, 1.8340, 2.4999, 2.9843, 3.8058, 4.5873, 5.6306, 6.3710, 7.7309, 8.9950, 10.2280, 11.3468, 13.6811,
	  16.0157}},
	{100,
	 {0.8609, 1.3418, 1.8366, 2.5055, 2.9849, 3.8079, 4.5869, 5.6148, 6.3680, 7.6927, 8.8600, 10.2351, 11.4167, 13.7576,
	  16.0872}},
	{128,
	 {0.8692, 1.3532, 1.8488, 2.5034, 2.9997, 3.8011, 4.5970, 5.6155, 6.3703, 7.6909, 8.8421, 10.1470, 11.2883, 13.8270,
	  16.1626}},
	{160,
	 {0.8721, 1.3581, 1.8514, 2.5051, 2.9951, 3.8089, 4.6007, 5.6161, 6.3643, 7.6694, 8.8446, 10.1216, 11.2794, 13.6975,
	  16.1252}},
	{200,
	 {0.8793, 1.3584, 1.8533, 2.5100, 3.0007, 3.8141, 4.6005, 5.6138, 6.3738, 7.6695, 8.8482, 10.1193, 11.2699, 13.6763,
	  16.0715}},
	{256,
	 {0.8794, 1.3679, 1.8571, 2.5148, 3.0063, 3.8191, 4.6006, 5.6158, 6.3716, 7.6713, 8.8458, 10.1161, 11.2637, 13.6745,
	  16.0572}},
	{320,
	 {0.8843, 1.3661, 1.8631, 2.5215, 3.0149, 3.8231, 4.6079, 5.6198, 6.3777, 7.6747, 8.8456, 10.1162, 11.2680, 13.6676,
	  16.0509}},
	{400,
	 {0.8862, 1.3699, 1.8634, 2.5228, 3.0172, 3.8250, 4.6102, 5.6237, 6.3771, 7.6753, 8.8437, 10.1178, 11.2681, 13.6682,
	  16.0544}},
	{512,
	 {0.8897, 1.3751, 1.8687, 2.5266, 3.0206, 3.8304, 4.6162, 5.6290, 6.3823, 7.6803, 8.8496, 10.1172, 11.2692, 13.6675,
	  16.0509}},
};

#define TABLE_ROWS ((int) (sizeof(table) / sizeof(table[0])))

/*
 * On whole days the ratio is seen a day before or after it is largest: so much is missing of
 * it, about (from simulations of 6 to 50 orders on 300 to 3650 days).
 */
static double
missing_on_whole_days(int count, int days)
{
	return fmin(count, 16.0) / days;
}

double
rate_change_p(double log_lr, int count, int days)
{
	int row = 0;
	double share = 0.0;
	double below = 0.0;
	double ln_below = 0.0;

	log_lr += missing_on_whole_days(count, days);
	while (row + 1 < TABLE_ROWS && table[row + 1].count <= count)
		row++;
	if (row + 1 < TABLE_ROWS && count > table[row].count)
		share = log((double) count / table[row].count) / log((double) table[row + 1].count / table[row].count);
	for (int i = 0; i < TABLE_COLUMNS; i++)
	{
		double point = table[row].log_lr[i];
		double ln_p = log(table_p[i]);

		if (share > 0.0)
			point += share * (table[row + 1].log_lr[i] - point);
		if (log_lr < point)
			return exp(ln_below + (ln_p - ln_below) * fmax(log_lr - below, 0.0) / (point - below));
		/* few orders have few ratios, and several probabilities the same point: then the largest holds */
		if (point > below)
		{
			below = point;
			ln_below = ln_p;
		}
	}
	return exp(ln_below - (log_lr - below));
}

/* n ln(n / days) */
static double
rate_term(double orders, double days)
{
	return orders > 0.0 ? orders * log(orders / days) : 0.0;
}

/* All that is asked of each day. */
typedef struct ChangeData
{
	double count;
	double days;
	double scale; /* days / count, the rate of the prior of rates */
} ChangeData;

static double
log_ratio_at(const ChangeData *data, double before, double day)
{
	return rate_term(before, day) + rate_term(data->count - before, data->days - day) -
		rate_term(data->count, data->days);
}

/* The logarithm of the Bayes factor of a change on a day, without the terms of the counts. */
static double
log_bayes_at(const ChangeData *data, double before, double day)
{
	/* neither quotient is small: log1p would only take longer */
	return -(1.0 + before) * log(1.0 + day / data->scale) -
		(1.0 + data->count - before) * log(1.0 + (data->days - day) / data->scale);
}

/* Those terms, and the probability without a change. */
static double
log_bayes_counts(const ChangeData *data, double before)
{
	return lgamma(1.0 + before) + lgamma(1.0 + data->count - before) - lgamma(1.0 + data->count) +
		(1.0 + data->count) * log1p(data->days / data->scale);
}

/* Up to so many days every day is gone through; of more, long gaps between orders are integrated. */
#define DAYS_ONE_BY_ONE 1500
#define SHORT_GAP 32

/* The sum of Bayes factors over days with the same number of orders before them. */
static double
sum_of_gap(const ChangeData *data, double before, int first, int last, double reference)
{
	double shift = log_bayes_counts(data, before) - reference;
	double sum = 0.0;

	if (data->days <= DAYS_ONE_BY_ONE || last - first < SHORT_GAP)
	{
		for (int day = first; day <= last; day++)
			sum += exp(log_bayes_at(data, before, day) + shift);
		return sum;
	}
	for (Panel p = panel_start(first - 0.5);
		 panel_next(&p, last + 0.5, 0.5 * fmin(p.end + data->scale, data->days - p.end + data->scale),
					(1.0 + before) / (p.end + data->scale) +
						(1.0 + data->count - before) / (data->days - p.end + data->scale));)
		for (int i = 0; i < GAUSS_POINTS; i++)
			sum += panel_weight(&p, i) * exp(log_bayes_at(data, before, panel_node(&p, i)) + shift);
	return sum;
}

/* The largest ratio of these days, -infinity if there are none, and where asked on which day, after how many orders. */
static double
largest_ratio(const ChangeData *data, const int *orders, int earliest, int latest, int *best_day, double *best_before)
{
	int count = (int) data->count;
	double largest = -INFINITY;

	/* of all days between two orders the first or the last is best */
	for (int i = 0; i <= count; i++)
	{
		int first = i == 0 ? earliest : orders[i - 1];
		int last = i == count ? latest : orders[i] - 1;

		host_poll_at(i);
		first = first < earliest ? earliest : first;
		last = last > latest ? latest : last;
		for (int end = 0; first <= last && end < 2; end++)
		{
			int day = end == 0 ? first : last;
			double ratio = log_ratio_at(data, i, day);

			if (ratio > largest)
			{
				largest = ratio;
				if (best_day != NULL)
					*best_day = day;
				if (best_before != NULL)
					*best_before = i;
			}
		}
	}
	return largest;
}

RateChange
rate_change(const int *orders, int count, int days, double prior)
{
	const ChangeData data = {count, days, (double) days / count};
	RateChange change = {0, NAN, NAN, NAN, NAN, NAN, NAN, false};
	int earliest = (int) ceil(0.1 * days - 1e-9);
	int latest = (int) floor(0.9 * days + 1e-9);
	double best_before = 0.0;
	double reference;
	double sum = 0.0;

	if (count < 2 || earliest > latest || earliest < 1 || latest >= days)
		return change;
	change.log_lr = largest_ratio(&data, orders, earliest, latest, &change.changed, &best_before);
	change.at_edge = largest_ratio(&data, orders, 1, earliest - 1, NULL, NULL) > change.log_lr ||
		largest_ratio(&data, orders, latest + 1, days - 1, NULL, NULL) > change.log_lr;
	change.rate_before = best_before / change.changed;
	change.rate_after = (count - best_before) / (days - change.changed);
	change.p = rate_change_p(change.log_lr, count, days);

	reference = log_bayes_at(&data, best_before, change.changed) + log_bayes_counts(&data, best_before);
	for (int i = 0; i <= count; i++)
	{
		int first = i == 0 ? earliest : orders[i - 1];
		int last = i == count ? latest : orders[i] - 1;

		host_poll_at(i);
		first = first < earliest ? earliest : first;
		last = last > latest ? latest : last;
		if (first <= last)
			sum += sum_of_gap(&data, i, first, last, reference);
	}
	change.log_bayes_factor = reference + log(sum / (latest - earliest + 1.0));
	change.prob = 1.0 / (1.0 + (1.0 - prior) / prior * exp(-change.log_bayes_factor));
	return change;
}

/* ln of the Dirichlet-multinomial probability of a mix, without the multinomial coefficient. */
static double
ln_mix(const double *counts, const double *more, const double *all, int categories, double *used)
{
	double sum = 0.0;
	double result = 0.0;

	*used = 0.0;
	for (int i = 0; i < categories; i++)
	{
		double count = counts[i] + (more == NULL ? 0.0 : more[i]);

		host_poll_at(i);
		if (counts[i] + all[i] == 0.0)
			continue;
		*used += 1.0;
		sum += count;
		result += sf_lnpoch(0.5, count);
	}
	return result - sf_lnpoch(0.5 * *used, sum);
}

MixChange
mix_change(const double *before, const double *after, int categories)
{
	MixChange change = {NAN, NAN, NAN, NAN};
	double totals[2] = {0.0, 0.0};
	double g = 0.0;
	double used;
	double apart;
	double together;

	for (int i = 0; i < categories; i++)
	{
		totals[0] += before[i];
		totals[1] += after[i];
	}
	if (!(totals[0] > 0.0) || !(totals[1] > 0.0))
		return change;
	for (int i = 0; i < categories; i++)
	{
		double share = (before[i] + after[i]) / (totals[0] + totals[1]);

		host_poll_at(i);
		if (before[i] > 0.0)
			g += 2.0 * before[i] * log(before[i] / (share * totals[0]));
		if (after[i] > 0.0)
			g += 2.0 * after[i] * log(after[i] / (share * totals[1]));
	}
	apart = ln_mix(before, NULL, after, categories, &used) + ln_mix(after, NULL, before, categories, &used);
	together = ln_mix(before, after, after, categories, &used);
	change.g = fmax(g, 0.0);
	change.df = used - 1.0;
	change.p = change.df > 0.0 ? chi_square_tail(change.g, change.df) : NAN;
	change.log_bayes_factor = change.df > 0.0 ? apart - together : NAN;
	return change;
}
