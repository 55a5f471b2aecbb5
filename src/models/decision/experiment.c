/*
 * experiment.c
 *	  Randomised experiments: the effect of a treatment and its uncertainty.
 *
 * Rates: Newcombe's hybrid of two Wilson intervals ("Interval estimation for the
 * difference between independent proportions", Statistics in Medicine 17, 1998,
 * method 10). Other outcomes: Welch's t. A covariate from before the experiment
 * takes away the variance it explains (CUPED: Deng, Xu, Kohavi & Walker, WSDM 2013).
 * The any-time interval is the asymptotic confidence sequence of Waudby-Smith,
 * Arbour, Sinha, Kennedy & Ramdas (Annals of Statistics 52, 2024). Segments:
 * DerSimonian & Laird (Controlled Clinical Trials 7, 1986). Qini: Radcliffe (2007).
 */
#include "models/decision/experiment.h"

#include <math.h>

#include "numerics/normal.h"
#include "numerics/quantile.h"
#include "numerics/random.h"
#include "numerics/sum.h"
#include "numerics/tails.h"

/* Above this mean a Poisson variable is drawn from its expansion about the normal, below it one by one. */
#define POISSON_LARGE 100.0

ExperimentStatus
experiment_status(const Experiment *experiment)
{
	const ExperimentArm *treated = &experiment->treated;
	const ExperimentArm *control = &experiment->control;

	if (treated->count < 1.0)
		return EXPERIMENT_NO_TREATED;
	if (control->count < 1.0)
		return EXPERIMENT_NO_CONTROL;
	if (experiment->binary && !experiment->has_before)
		return EXPERIMENT_OK;
	if (treated->count < 2.0 || control->count < 2.0)
		return EXPERIMENT_TOO_FEW;
	if (!(treated->variance + control->variance > 0.0))
		return EXPERIMENT_NO_VARIATION;
	return EXPERIMENT_OK;
}

typedef struct Wilson
{
	double low;
	double high;
} Wilson;

/* Wilson's interval of a rate. */
static Wilson
wilson_interval(double rate, double n, double z)
{
	double z2 = z * z;
	double middle = (rate + z2 / (2.0 * n)) / (1.0 + z2 / n);
	double half = z / (1.0 + z2 / n) * sqrt(rate * (1.0 - rate) / n + z2 / (4.0 * n * n));

	return (Wilson){rate > 0.0 ? middle - half : 0.0, rate < 1.0 ? middle + half : 1.0};
}

/* The variance of a rate; of a rate of 0 or 1, as if half a unit had the other outcome. */
static double
rate_variance(double rate, double n)
{
	if (rate <= 0.0 || rate >= 1.0)
		rate = (rate * n + 0.5) / (n + 1.0);
	return rate * (1.0 - rate) / n;
}

double
any_time_half_width(double sd, double n, double tightest_at, double level)
{
	double ln_alpha = log1p(-level);
	double rho2 = (-2.0 * ln_alpha + log(-2.0 * ln_alpha + 1.0)) / tightest_at;
	double nr = n * rho2 + 1.0;

	return sd * sqrt(2.0 * nr / (n * n * rho2) * (0.5 * log(nr) - ln_alpha));
}

/* The effect on a rate that is detectable with this number of units; its variance depends on it. */
static double
detectable_rate(double rate, double n_treated, double n_control, double z)
{
	double low = 0.0;
	double high = 1.0 - rate;

	/* D - z sd(D) rises where it is zero for the last time, and is positive at the end if anywhere */
	if (!(high > z * sqrt(rate * (1.0 - rate) / n_control)))
		return NAN;
	for (int i = 0; i < 60; i++)
	{
		double middle = (low + high) / 2.0;
		double after = rate + middle;

		if (middle > z * sqrt(rate * (1.0 - rate) / n_control + after * (1.0 - after) / n_treated))
			high = middle;
		else
			low = middle;
	}
	return high;
}

/* Takes from both arms what the covariate explains, and sets their variances to what is left. */
static void
adjust_for_before(Experiment *experiment)
{
	ExperimentArm *arms[2] = {&experiment->treated, &experiment->control};
	double covariance = 0.0;
	double variance = 0.0;
	double units = 0.0;
	double mean = 0.0;
	double theta;

	for (int i = 0; i < 2; i++)
	{
		covariance += (arms[i]->count - 1.0) * arms[i]->covariance;
		variance += (arms[i]->count - 1.0) * arms[i]->before_variance;
		units += arms[i]->count;
	}
	for (int i = 0; i < 2; i++)
		mean += arms[i]->before_mean * (arms[i]->count / units);
	theta = variance > 0.0 ? covariance / variance : 0.0;
	for (int i = 0; i < 2; i++)
	{
		ExperimentArm *arm = arms[i];

		arm->mean -= theta * (arm->before_mean - mean);
		arm->variance += theta * (theta * arm->before_variance - 2.0 * arm->covariance);
		arm->variance = fmax(arm->variance, 0.0);
	}
}

/* Welch's degrees of freedom, from shares of the variance: squares of large ones would be infinite. */
static double
welch_df(double t, double n_treated, double c, double n_control)
{
	double of_treated = t / (t + c);
	double of_control = c / (t + c);

	return 1.0 / (of_treated * of_treated / (n_treated - 1.0) + of_control * of_control / (n_control - 1.0));
}

ExperimentEstimate
experiment_estimate(const Experiment *given, double level, double tightest_at)
{
	Experiment experiment = *given;
	const ExperimentArm *treated = &experiment.treated;
	const ExperimentArm *control = &experiment.control;
	double tail = (1.0 + level) / 2.0;
	double z = normal_quantile(tail);
	double both = treated->count + control->count;
	ExperimentEstimate estimate;

	if (experiment.has_before)
		adjust_for_before(&experiment);
	estimate.mean_treated = treated->mean;
	estimate.mean_control = control->mean;
	estimate.uplift = treated->mean - control->mean;

	if (experiment.binary && !experiment.has_before)
	{
		Wilson t = wilson_interval(treated->mean, treated->count, z);
		Wilson c = wilson_interval(control->mean, control->count, z);

		estimate.std_error =
			sqrt(rate_variance(treated->mean, treated->count) + rate_variance(control->mean, control->count));
		estimate.low = estimate.uplift - hypot(treated->mean - t.low, c.high - control->mean);
		estimate.high = estimate.uplift + hypot(t.high - treated->mean, control->mean - c.low);
		estimate.min_detectable =
			detectable_rate(control->mean, treated->count, control->count, z + normal_quantile(EXPERIMENT_POWER));
	}
	else
	{
		double t = treated->variance / treated->count;
		double c = control->variance / control->count;
		double half;

		estimate.std_error = sqrt(t + c);
		half = t + c > 0.0 ? student_quantile(tail, welch_df(t, treated->count, c, control->count)) * estimate.std_error
						   : 0.0;
		estimate.low = estimate.uplift - half;
		estimate.high = estimate.uplift + half;
		estimate.min_detectable = (z + normal_quantile(EXPERIMENT_POWER)) * estimate.std_error;
	}

	/* The effect is the mean of one influence per unit, of either arm, with this standard deviation. */
	double half = any_time_half_width(estimate.std_error * sqrt(both), both, tightest_at, level);

	estimate.low_any_time = estimate.uplift - half;
	estimate.high_any_time = estimate.uplift + half;
	return estimate;
}

double
sample_ratio_prob(double treated, double control, double control_share)
{
	double expected_control = (treated + control) * control_share;
	double expected_treated = (treated + control) * (1.0 - control_share);
	double off = control - expected_control;

	return chi_square_tail(off * off / expected_control + off * off / expected_treated, 1.0);
}

double
experiment_units(double base_rate, double effect, double power, double control_share, double level)
{
	double z = normal_quantile((1.0 + level) / 2.0) + normal_quantile(power);
	double after = base_rate + effect;

	return z * z / (effect * effect) *
		(base_rate * (1.0 - base_rate) / control_share + after * (1.0 - after) / (1.0 - control_share));
}

Heterogeneity
heterogeneity_of(const double *uplift, const double *std_error, int count)
{
	Heterogeneity among = {.segments = count, .q = 0.0, .p = NAN, .tau2 = 0.0, .mean = NAN, .weight = NAN};
	Sum weights = {0};
	Sum squares = {0};
	Sum weighted = {0};
	Sum q = {0};
	double least = INFINITY;
	double unit;

	if (count < 1)
		return among;

	/* Squares of weights are finite in a unit near the smallest error; a power of two costs no digit. */
	for (int i = 0; i < count; i++)
		least = fmin(least, std_error[i]);
	unit = ldexp(1.0, ilogb(least));
	for (int i = 0; i < count; i++)
	{
		double w = 1.0 / ((std_error[i] / unit) * (std_error[i] / unit));

		sum_add(&weights, w);
		sum_add(&squares, w * w);
		sum_add(&weighted, w * uplift[i]);
	}

	double weight = sum_value(&weights);
	double mean = sum_value(&weighted) / weight;
	double tau2 = 0.0;

	for (int i = 0; i < count; i++)
		sum_add(&q, pow((uplift[i] - mean) / std_error[i], 2));
	among.q = sum_value(&q);
	if (count > 1)
	{
		among.p = chi_square_tail(among.q, count - 1);
		tau2 = fmax(0.0, (among.q - (count - 1)) / (weight - sum_value(&squares) / weight));
	}

	weights = weighted = (Sum){0};
	for (int i = 0; i < count; i++)
	{
		double w = 1.0 / ((std_error[i] / unit) * (std_error[i] / unit) + tau2);

		sum_add(&weights, w);
		sum_add(&weighted, w * uplift[i]);
	}
	among.mean = sum_value(&weighted) / sum_value(&weights);
	among.weight = sum_value(&weights) / unit / unit;
	among.tau2 = tau2 * unit * unit;
	return among;
}

void
shrink_uplift(const Heterogeneity *among, double uplift, double std_error, double *shrunk, double *sd)
{
	double v = std_error * std_error;
	double b = v / (v + among->tau2);

	*shrunk = b * among->mean + (1.0 - b) * uplift;
	*sd = sqrt((1.0 - b) * v + b * b / among->weight);
}

/* The standard deviation among segments is integrated over so many values, of which the first is zero. */
#define TAU_POINTS 65

/* One value it may have, how probable that is, and the mean of all effects then. */
typedef struct TauPoint
{
	double tau2;
	double prob;
	double mean;
	double weight;
} TauPoint;

/*
 * The prior of tau, in units of s, the harmonic mean of the standard errors: tau^1.5, and that
 * there are no differences at all, with the weight 72 / count^2.  Both exponents are those with
 * which intervals have their nominal coverage in simulations (see the unit tests): of 2 to 40
 * segments, within one per cent of 90 % where segments differ by half a standard error or
 * more. A smooth prior alone has intervals that are too wide below that, or too narrow above.
 */
#define TAU_EXPONENT 1.5
#define NO_DIFFERENCE_WEIGHT 72.0

/* The logarithm of the likelihood of tau, and the mean of all effects with it. */
static double
tau_likelihood(const double *uplift, const double *std_error, int count, TauPoint *point)
{
	double ln_product = 0.0;
	double weighted = 0.0;
	double q = 0.0;

	point->weight = 0.0;
	for (int i = 0; i < count; i++)
	{
		double v = std_error[i] * std_error[i] + point->tau2;

		point->weight += 1.0 / v;
		weighted += uplift[i] / v;
		ln_product += log(v);
	}
	point->mean = weighted / point->weight;
	for (int i = 0; i < count; i++)
		q += pow(uplift[i] - point->mean, 2) / (std_error[i] * std_error[i] + point->tau2);
	return -0.5 * (ln_product + log(point->weight) + q);
}

/* The posterior of tau, on a grid that is even in how far effects are drawn to their mean. */
static void
tau_posterior(const double *uplift, const double *std_error, int count, TauPoint points[TAU_POINTS])
{
	double weights = 0.0;
	double largest = -INFINITY;
	double sum = 0.0;
	double s;

	for (int i = 0; i < count; i++)
		weights += 1.0 / (std_error[i] * std_error[i]);
	s = sqrt(count / weights);
	for (int k = 0; k < TAU_POINTS; k++)
	{
		TauPoint *point = &points[k];
		double share = (k - 0.5) / (TAU_POINTS - 1);
		double tau = k == 0 ? 0.0 : s * share / (1.0 - share);
		double ln_prior = k == 0 ? log(NO_DIFFERENCE_WEIGHT / ((double) count * count) * (TAU_POINTS - 1))
								 : TAU_EXPONENT * log(tau / s) - 2.0 * log(1.0 - share);

		point->tau2 = tau * tau;
		point->prob = ln_prior + tau_likelihood(uplift, std_error, count, point);
		largest = fmax(largest, point->prob);
	}
	for (int k = 0; k < TAU_POINTS; k++)
	{
		points[k].prob = exp(points[k].prob - largest);
		sum += points[k].prob;
	}
	for (int k = 0; k < TAU_POINTS; k++)
		points[k].prob /= sum;
}

/* The quantile of a mixture of normals, by bisection between those of its parts. */
static double
mixture_quantile(const TauPoint *points, const double *means, const double *sds, double p)
{
	double z = normal_quantile(p);
	double low = INFINITY;
	double high = -INFINITY;

	for (int k = 0; k < TAU_POINTS; k++)
	{
		low = fmin(low, means[k] + z * sds[k]);
		high = fmax(high, means[k] + z * sds[k]);
	}
	for (int step = 0; step < 40; step++)
	{
		double middle = (low + high) / 2.0;
		double below = 0.0;

		for (int k = 0; k < TAU_POINTS; k++)
			if (points[k].prob > 1e-9)
				below += points[k].prob * normal_prob((middle - means[k]) / sds[k]);
		if (below < p)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2.0;
}

void
shrunk_intervals(const double *uplift, const double *std_error, int count, double level, double *low, double *high,
				 const Host *host)
{
	TauPoint points[TAU_POINTS] = {0};
	double means[TAU_POINTS];
	double sds[TAU_POINTS];

	tau_posterior(uplift, std_error, count, points);
	for (int i = 0; i < count; i++)
	{
		host->check_interrupts();
		for (int k = 0; k < TAU_POINTS; k++)
		{
			Heterogeneity among = {.tau2 = points[k].tau2, .mean = points[k].mean, .weight = points[k].weight};

			shrink_uplift(&among, uplift[i], std_error[i], &means[k], &sds[k]);
		}
		low[i] = mixture_quantile(points, means, sds, (1.0 - level) / 2.0);
		high[i] = mixture_quantile(points, means, sds, (1.0 + level) / 2.0);
	}
}

void
qini_points(const UpliftTile *tiles, int count, double *points)
{
	UpliftTile so_far = {0};

	for (int i = 0; i < count; i++)
	{
		so_far.treated += tiles[i].treated;
		so_far.control += tiles[i].control;
		so_far.treated_sum += tiles[i].treated_sum;
		so_far.control_sum += tiles[i].control_sum;
		points[i] =
			so_far.control > 0.0 ? so_far.treated_sum - so_far.control_sum * (so_far.treated / so_far.control) : NAN;
	}
}

/* The area below the curve over the share of treated units, and below the line to its end. */
static Qini
qini_areas(const UpliftTile *tiles, int count, double *points)
{
	Qini qini = {NAN, NAN, NAN, NAN, NAN, NAN};
	double treated = 0.0;
	double area = 0.0;
	double before = 0.0;

	qini_points(tiles, count, points);
	for (int i = 0; i < count; i++)
		treated += tiles[i].treated;
	for (int i = 0; i < count; i++)
	{
		area += (before + points[i]) / 2.0 * (tiles[i].treated / treated);
		before = points[i];
	}
	qini.area = area;
	qini.random_area = before / 2.0;
	qini.qini = qini.area - qini.random_area;
	qini.auuc_per_head = qini.area / treated;
	return qini;
}

/* A Poisson variable. Large ones are within 1/sqrt(mean)^3 of the distribution (Cornish & Fisher). */
static double
random_poisson(Random *random, double mean)
{
	double count = 0.0;
	double time;

	if (mean >= POISSON_LARGE)
	{
		double z = random_normal(random);

		return fmax(0.0, floor(mean + sqrt(mean) * z + (z * z - 1.0) / 6.0 + 0.5));
	}
	for (time = random_exponential(random); time < mean; time += random_exponential(random))
		count++;
	return count;
}

/*
 * One arm of a tile, each unit drawn a Poisson(1) number of times. Units of a
 * binary outcome are of two kinds, whose numbers are Poisson variables; of
 * other outcomes only the moments are known, and sums of many are normal.
 */
static void
resample_arm(Random *random, bool binary, double *units, double *sum, double *squares)
{
	if (binary)
	{
		double with = random_poisson(random, *sum);

		*units = with + random_poisson(random, *units - *sum);
		*sum = *squares = with;
		return;
	}
	if (*units <= 0.0)
		return;

	double a = random_normal(random);
	double b = random_normal(random);
	double mean = *sum / *units;
	double more = sqrt(*units) * a;

	*sum += mean * more + sqrt(fmax(0.0, *squares - mean * *sum)) * b;
	*units = fmax(0.0, *units + more);
}

Qini
qini_of(const UpliftTile *tiles, int count, bool binary, int draws, uint64_t seed, double level, const Host *host)
{
	double *points = host->alloc(sizeof(double) * (size_t) count);
	Qini qini = qini_areas(tiles, count, points);

	if (draws > 0 && isfinite(qini.qini))
	{
		UpliftTile *resampled = host->alloc(sizeof(UpliftTile) * (size_t) count);
		double *drawn = host->alloc(sizeof(double) * (size_t) draws);
		int finite = 0;

		for (int i = 0; i < draws; i++)
		{
			Random random = random_start(seed, (uint64_t) i);
			double value;

			host->check_interrupts();
			for (int k = 0; k < count; k++)
			{
				resampled[k] = tiles[k];
				resample_arm(&random, binary, &resampled[k].treated, &resampled[k].treated_sum,
							 &resampled[k].treated_squares);
				resample_arm(&random, binary, &resampled[k].control, &resampled[k].control_sum,
							 &resampled[k].control_squares);
			}
			value = qini_areas(resampled, count, points).qini;
			if (isfinite(value))
				drawn[finite++] = value;
		}
		if (finite > 1)
		{
			sort_numbers(drawn, finite);
			qini.low = sorted_quantile(drawn, finite, (1.0 - level) / 2.0);
			qini.high = sorted_quantile(drawn, finite, (1.0 + level) / 2.0);
		}
		host->release(resampled);
		host->release(drawn);
	}
	host->release(points);
	return qini;
}
