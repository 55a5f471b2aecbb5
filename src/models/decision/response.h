/*
 * response.h
 *	  How response grows with spend per head: curves with diminishing returns,
 *	  fitted to an experiment with randomised spend levels.
 */
#ifndef MODELS_DECISION_RESPONSE_H
#define MODELS_DECISION_RESPONSE_H

#include <stdbool.h>

/* Stored on disk: never renumbered. */
typedef enum ResponseKind
{
	RESPONSE_EXP = 1, /* c (1 - e^(-k x)) */
	RESPONSE_HILL,    /* c x / (x + h) */
	RESPONSE_POWER,   /* a x^e, 0 < e < 1 */
} ResponseKind;

#define RESPONSE_KINDS 3
#define RESPONSE_PARAMS 2

typedef enum ResponseStatus
{
	RESPONSE_OK,
	RESPONSE_NO_RESPONSE,   /* it does not rise with spend: the slope is zero */
	RESPONSE_NO_SATURATION, /* a straight line: the second parameter is at its limit */
	RESPONSE_NO_ERROR,      /* too few levels to say how uncertain the parameters are */
	RESPONSE_INCOMPLETE,    /* of a segment without heads, curve or value: nothing is spent for a response */
	RESPONSE_SATURATED,     /* all response is there at the lowest spend: the second parameter is at its limit */
	RESPONSE_POOR_FIT,      /* the levels are further from the curve than chance takes them */
} ResponseStatus;

/*
 * A curve. The covariance is that of the transformed parameters (the logarithm of
 * the first; the logarithm of the second, or the logit of an exponent): both
 * variances around their covariance. Zeros: certain.
 */
typedef struct ResponseCurve
{
	ResponseKind kind;
	double param[RESPONSE_PARAMS];
	double covariance[3];
} ResponseCurve;

/* Observations at one level of spend. */
typedef struct ResponseLevel
{
	double spend; /* per head */
	double heads;
	double mean;     /* response per head */
	double variance; /* of the responses of single heads; NAN: not known */
} ResponseLevel;

typedef struct ResponseFit
{
	ResponseCurve curve;
	ResponseStatus status;
	double base;                       /* response without spend */
	double sse;                        /* sum of squared errors, of levels as heavy as their heads (of mean 1) */
	double std_error[RESPONSE_PARAMS]; /* NAN: not known */
	double fit_prob;                   /* of levels as far from the true curve; NAN: cannot be told */
	double dispersion;                 /* their squared distances over those that chance explains, if POOR_FIT; 1 */
} ResponseFit;

/* The true curve is told to fit poorly in so many experiments. */
#define RESPONSE_POOR_PROB 0.05

extern const char *const response_kind_names[RESPONSE_KINDS + 1];
extern const char *const response_param_names[RESPONSE_KINDS + 1][RESPONSE_PARAMS];

/* The error in a curve, or NULL. */
extern const char *response_curve_problem(const ResponseCurve *curve);

/* The incremental response to spend per head, and its derivative. */
extern double response_added(const ResponseCurve *curve, double spend);
extern double response_slope(const ResponseCurve *curve, double spend);

/* The natural parameters at this offset from the curve's transformed ones. */
extern ResponseCurve response_moved(const ResponseCurve *curve, double first, double second);

/* The standard deviation of the logarithm of the response to this spend, to first order. */
extern double response_log_deviation(const ResponseCurve *curve, double spend);

/* Fits a curve to levels in order of spend, of which the first is zero and there are three or more. */
extern ResponseFit response_fit(const ResponseLevel *levels, int count, ResponseKind kind);

/* A curve, and how likely it is the true one among some. */
typedef struct WeightedCurve
{
	ResponseCurve curve;
	double weight;
} WeightedCurve;

/*
 * The curve with the smallest error, and those of other kinds that fit nearly as well: their number. Weights are
 * those of Akaike (Burnham & Anderson 2002, 2.9), of curves with equally many parameters; that of the best is what
 * is left of 1. others may be NULL.
 */
extern ResponseFit response_fit_best(const ResponseLevel *levels, int count, WeightedCurve *others, int *n_others);

#endif /* MODELS_DECISION_RESPONSE_H */
