/*
 * acquisition.h
 *	  acquisition_model: a series of counts of new customers with a model of it.
 *
 * The value contains the series, since forecasts begin where it ends. It is a struct with
 * a string of numbers: acquired[n], population[1 + n], lost[n], active[n], event[n] (those
 * that the flags name), params[n_params], and the lower triangle of their covariance.
 */
#ifndef EQUITY_ACQUISITION_H
#define EQUITY_ACQUISITION_H

#include "compat.h"

#include "models/acquisition/acquisition.h"
#include "models/acquisition/subscribers.h"
#include "support/calendar.h"

/* Stored: never renumbered. */
typedef enum AcquisitionMethod
{
	ACQUISITION_NAIVE,
	ACQUISITION_SEASONAL,
	ACQUISITION_WEIBULL_GAMMA,
	ACQUISITION_METHODS,
} AcquisitionMethod;

extern const char *const acquisition_methods[ACQUISITION_METHODS];

#define ACQUISITION_IS_SEASONAL 1
#define ACQUISITION_POPULATION 2
#define ACQUISITION_LOST 4
#define ACQUISITION_ACTIVE 8
#define ACQUISITION_EVENT 16
#define ACQUISITION_CONVERGED 32
#define ACQUISITION_FLAGS 63

/* Periods of a series, and of a forecast. */
#define ACQUISITION_FEWEST_PERIODS 8
#define ACQUISITION_MAX_PERIODS 1200
#define ACQUISITION_MAX_COUNT 1e15

#define ACQUISITION_MODEL_VERSION 1

typedef struct AcquisitionModel
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	uint8 version;
	uint8 method;
	uint8 period;
	uint8 flags;
	int32 first; /* number of the first period */
	int32 n;     /* periods */
	int32 iterations;
	int32 n_params;
	double dispersion;                /* naive, seasonal: phi; weibull-gamma: variance of an error */
	double mape[ACQUISITION_METHODS]; /* of the back-test; NaN: not tried */
	double numbers[FLEXIBLE_ARRAY_MEMBER];
} AcquisitionModel;

StaticAssertDecl(offsetof(AcquisitionModel, numbers) == 56, "an acquisition model has no hidden padding");

/* The parts of a model, as pointers into it (NULL: it has none). */
typedef struct AcquisitionParts
{
	double *acquired;
	double *population;
	double *lost;
	double *active;
	double *event;
	double *params;
	double *covariance;
} AcquisitionParts;

/* How many numbers the head says that there are; the parts are set if the argument is not NULL. */
extern Size acquisition_numbers(const AcquisitionModel *model, AcquisitionParts *parts);

static inline AcquisitionParts
acquisition_parts(const AcquisitionModel *model)
{
	AcquisitionParts parts;

	acquisition_numbers(model, &parts);
	return parts;
}

/* A model with the head given and its numbers zero. */
extern AcquisitionModel *acquisition_make(const AcquisitionModel *head);

extern const AcquisitionModel *acquisition_get(Datum value);
extern const char *acquisition_problem(const AcquisitionModel *model);

/* The parameters that a method has with these flags and period. */
extern int acquisition_n_params(AcquisitionMethod method, Period period, int flags);

extern int acquisition_n_seasons(Period period, int flags);
extern double acquisition_periods_per_year(Period period);

/* Seasons of so many periods from a first one on. */
extern int *acquisition_seasons(Period period, int flags, int32 first, int32 n);

/* Covariates of the weibull-gamma model: seasons but the first, then the event; count[] of each of n periods. */
extern int acquisition_covariate_count(Period period, int flags);
extern double *acquisition_covariates(Period period, int flags, int32 first, int32 n, const double *event);

/* The series of a model. */
extern AcquisitionSeries acquisition_series(const AcquisitionModel *model);

/* What weibull-gamma is of: the model's periods, and so many more, of which nothing is observed (see below). */
extern SubscriberData acquisition_subscribers(const AcquisitionModel *model, int32 periods, const double *population,
											  const double *event);

/*
 * A forecast of the periods after the last; variance is that of the acquired. Where lost
 * and active are not known, they are NaN. Where it is NULL, the population grows as in the
 * last year, and there are no events.
 */
typedef struct AcquisitionForecast
{
	double *acquired;
	double *variance;
	double *lost;
	double *active;
} AcquisitionForecast;

extern AcquisitionForecast acquisition_forecast_periods(const AcquisitionModel *model, int32 periods,
														const double *population, const double *event);

/*
 * What speaks against a forecast up to this number of new customers in a period; NULL: nothing. Ten times as many as were
 * ever acquired in one are extrapolated.
 */
#define ACQUISITION_EXTRAPOLATED 10.0
extern const char *acquisition_forecast_status(const AcquisitionModel *model, double largest);

/* The variance of the sum of the next acquired customers, times these weights. */
extern double acquisition_total_variance(const AcquisitionModel *model, int32 periods, const double *weights);

/* The numbers of an array argument with n_lowest to n_highest elements, each at least 0; NULLs are NaN, or refused. */
extern double *acquisition_array(FunctionCallInfo fcinfo, int argno, const char *name, int32 lowest, int32 highest,
								 bool nulls_allowed, int32 *n);

#endif /* EQUITY_ACQUISITION_H */
