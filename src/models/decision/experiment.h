/*
 * experiment.h
 *	  Randomised experiments: the effect of a treatment and its uncertainty.
 *
 * Two arms, of which each is known by its count and its moments. Formulas and
 * where they come from are in experiment.c.
 */
#ifndef MODELS_DECISION_EXPERIMENT_H
#define MODELS_DECISION_EXPERIMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "numerics/host.h"

/* One arm. Variances are those of a sample: divided by count - 1. */
typedef struct ExperimentArm
{
	double count;
	double mean;
	double variance;
	double before_mean; /* of the covariate; zeros without one */
	double before_variance;
	double covariance; /* of outcome and covariate */
} ExperimentArm;

typedef struct Experiment
{
	bool binary; /* all outcomes are 0 or 1 */
	bool has_before;
	ExperimentArm treated;
	ExperimentArm control;
} Experiment;

typedef enum ExperimentStatus
{
	EXPERIMENT_OK,
	EXPERIMENT_NO_TREATED,
	EXPERIMENT_NO_CONTROL,
	EXPERIMENT_TOO_FEW,      /* one unit in an arm has no variance */
	EXPERIMENT_NO_VARIATION, /* all outcomes that are not 0 or 1 are the same, or what the covariate makes of them */
} ExperimentStatus;

typedef struct ExperimentEstimate
{
	double mean_treated; /* adjusted for the covariate, if there is one */
	double mean_control;
	double uplift;
	double std_error;
	double low;
	double high;
	double low_any_time;
	double high_any_time;
	double min_detectable; /* NAN: no effect is detectable in so few */
} ExperimentEstimate;

extern ExperimentStatus experiment_status(const Experiment *experiment);

/*
 * The effect with its intervals at a level within (0, 1). The any-time interval
 * is narrowest when tightest_at units have been seen. The status must be OK.
 */
extern ExperimentEstimate experiment_estimate(const Experiment *experiment, double level, double tightest_at);

/* The power for which effects count as detectable. */
#define EXPERIMENT_POWER 0.8

/* P of arms as unequal as these, or more, if each unit is in control with this probability. */
extern double sample_ratio_prob(double treated, double control, double control_share);

/* Half the width of an any-time interval of a mean: n units of this standard deviation. */
extern double any_time_half_width(double sd, double n, double tightest_at, double level);

/* Units in both arms needed to detect an effect on a rate with this power; INFINITY: too many. */
extern double experiment_units(double base_rate, double effect, double power, double control_share, double level);

/* A meta-analysis of experiments in several segments. */
typedef struct Heterogeneity
{
	int segments;
	double q;      /* Cochran's statistic */
	double p;      /* of so much or more, if the effect is the same everywhere */
	double tau2;   /* variance of true effects among segments */
	double mean;   /* of the effects, as random ones */
	double weight; /* of that mean: one over its variance */
} Heterogeneity;

extern Heterogeneity heterogeneity_of(const double *uplift, const double *std_error, int count);

/* The effect in one of the segments, drawn towards the mean, and its standard deviation. */
extern void shrink_uplift(const Heterogeneity *among, double uplift, double std_error, double *shrunk, double *sd);

/*
 * An interval about each shrunken effect that allows for the variance among segments being an
 * estimate, too: low[count] and high[count].
 */
extern void shrunk_intervals(const double *uplift, const double *std_error, int count, double level, double *low,
							 double *high, const Host *host);

/* One tile of units, all of a similar score: sums of both arms. */
typedef struct UpliftTile
{
	double treated; /* units */
	double control;
	double treated_sum; /* of outcomes */
	double control_sum;
	double treated_squares;
	double control_squares;
} UpliftTile;

/* A Qini curve's numbers; NAN where control is empty. */
typedef struct Qini
{
	double area;
	double random_area; /* of the straight line to the end of the curve */
	double qini;        /* the difference */
	double low;         /* of the qini; NAN without draws */
	double high;
	double auuc_per_head; /* area per treated unit */
} Qini;

/* Points of the curve: the excess of the treated of tiles 0 … i over as many untreated. */
extern void qini_points(const UpliftTile *tiles, int count, double *points);

/* The curve's numbers, with an interval from so many draws of the Poisson bootstrap. */
extern Qini qini_of(const UpliftTile *tiles, int count, bool binary, int draws, uint64_t seed, double level,
					const Host *host);

#endif /* MODELS_DECISION_EXPERIMENT_H */
