/*
 * response.c
 *	  Response curves and their fit by least squares.
 *
 * Every curve is linear in its first parameter and in the response without spend,
 * so only the second is searched for (variable projection: Golub & Pereyra, 1973):
 * over a grid, then by golden section, which cannot diverge, then by Gauss and
 * Newton in all parameters, for the last digits.
 *
 * Levels weigh as much as their heads. Where the responses of single heads were
 * seen, their variances say how certain a level's mean is; otherwise the distances
 * of the means from the curve do.
 *
 * Whether a curve fits at all: the variance of heads at one level has nothing to do with
 * the curve. If that is the true one, the squared distances of the means from it, over
 * their variances, add up to chi-square (the test of lack of fit against pure error). Where
 * responses are 0 or 1 the variance is that of the fitted mean (Pearson): by its own, a
 * level that happened to have few would weigh too much. Without the variance of heads the
 * distances themselves are all there is. Then one more term, that bends the curve as a
 * threshold or a fall after a rise does, must not take away more of them than by chance.
 * Where no curve rises, what may be true is any mean that falls: the levels are compared
 * with the falling means that are nearest to them (Barlow et al. 1972), whose chi-square
 * has at most one degree of freedom for each level but the first.
 */
#include "models/decision/response.h"

#include <math.h>
#include <stddef.h>

#include "numerics/tails.h"

#define GRID 120
#define GOLDEN_STEPS 60
#define NEWTON_STEPS 20
#define INVERSE_GOLDEN 0.61803398874989484820

/* Spend at which a curve is half way up is looked for so far beyond the levels that were tried. */
#define REACH 200.0

/*
 * The steepest curve has this share of its response at the lowest level that was tried. No steeper one can be told
 * from it, and it promises the least for less spend than was tried.
 */
#define STEEPEST 0.99

/* A second parameter that is known worse than by this factor, e^2, is taken to be known so well: a weak prior. */
#define MOST_DEVIATION 2.0

/* Curves less likely than this are left out. */
#define LEAST_WEIGHT 0.01

/*
 * Exponents are from 0.04 to 0.999; these are their logits. With a smaller one the curve would be a step, and promise
 * all response for next to no spend.
 */
#define LEAST_LOGIT (-3.1780538303479458)
#define MOST_LOGIT 6.906754778648554

/* A level's own variance counts as much as its heads, that of all levels as much as two. */
#define PRIOR_HEADS 2.0

/* A curve that leaves less than this of the squares of the levels fits, however certain the levels are. */
#define LEAST_LACK 1e-4

/* Squares of levels that are less than this of the squares of their means are rounding errors. */
#define ROUNDING_SQUARES 1e-28

const char *const response_kind_names[RESPONSE_KINDS + 1] = {
	[RESPONSE_EXP] = "exp",
	[RESPONSE_HILL] = "hill",
	[RESPONSE_POWER] = "power",
};

const char *const response_param_names[RESPONSE_KINDS + 1][RESPONSE_PARAMS] =
	{[RESPONSE_EXP] = {"c", "k"}, [RESPONSE_HILL] = {"c", "h"}, [RESPONSE_POWER] = {"a", "e"}};

const char *
response_curve_problem(const ResponseCurve *curve)
{
	const double *v = curve->covariance;

	for (int i = 0; i < RESPONSE_PARAMS; i++)
		if (!isfinite(curve->param[i]) || curve->param[i] < 0.0)
			return "a parameter is negative";
	if (!(curve->param[1] > 0.0))
		return "the second parameter is not positive";
	if (curve->kind == RESPONSE_POWER && !(curve->param[1] < 1.0))
		return "the exponent is not below 1";
	if (!isfinite(v[0]) || !isfinite(v[1]) || !isfinite(v[2]) || v[0] < 0.0 || v[2] < 0.0 ||
		v[1] * v[1] > v[0] * v[2] * (1.0 + 1e-9))
		return "the covariance is none";
	return NULL;
}

/* The curve with a first parameter of 1. */
static double
shape(ResponseKind kind, double param, double x)
{
	switch (kind)
	{
		case RESPONSE_EXP:
			return -expm1(-param * x);
		case RESPONSE_HILL:
			return x / (x + param);
		case RESPONSE_POWER:
			return x > 0.0 ? pow(x, param) : 0.0;
	}
	return NAN;
}

/* Its derivative in the transformed second parameter. */
static double
shape_by_param(ResponseKind kind, double param, double x)
{
	switch (kind)
	{
		case RESPONSE_EXP:
			return param * x * exp(-param * x);
		case RESPONSE_HILL:
			return -x * param / ((x + param) * (x + param));
		case RESPONSE_POWER:
			return x > 0.0 ? pow(x, param) * log(x) * param * (1.0 - param) : 0.0;
	}
	return NAN;
}

static double
param_of(ResponseKind kind, double transformed)
{
	return kind == RESPONSE_POWER ? 1.0 / (1.0 + exp(-transformed)) : exp(transformed);
}

static double
transformed_of(ResponseKind kind, double param)
{
	return kind == RESPONSE_POWER ? log(param / (1.0 - param)) : log(param);
}

double
response_added(const ResponseCurve *curve, double spend)
{
	return curve->param[0] * shape(curve->kind, curve->param[1], spend);
}

double
response_slope(const ResponseCurve *curve, double spend)
{
	double c = curve->param[0];
	double k = curve->param[1];

	if (!(c > 0.0))
		return 0.0;
	switch (curve->kind)
	{
		case RESPONSE_EXP:
			return c * k * exp(-k * spend);
		case RESPONSE_HILL:
			return c * k / ((spend + k) * (spend + k));
		case RESPONSE_POWER:
			return c * k * pow(spend, k - 1.0);
	}
	return NAN;
}

ResponseCurve
response_moved(const ResponseCurve *curve, double first, double second)
{
	ResponseCurve moved = *curve;

	moved.param[0] *= exp(first);
	if (second != 0.0)
		moved.param[1] = param_of(curve->kind, transformed_of(curve->kind, curve->param[1]) + second);
	return moved;
}

double
response_log_deviation(const ResponseCurve *curve, double spend)
{
	const double step = 1e-4;
	const double *v = curve->covariance;
	ResponseCurve above = response_moved(curve, 0.0, step);
	ResponseCurve below = response_moved(curve, 0.0, -step);
	double by_second = (log(response_added(&above, spend)) - log(response_added(&below, spend))) / (2.0 * step);

	return sqrt(fmax(0.0, v[0] + by_second * (2.0 * v[1] + by_second * v[2])));
}

/* What a fit works on. */
typedef struct ResponseData
{
	const ResponseLevel *levels;
	int count;
	ResponseKind kind;
	bool has_base; /* there is response without spend, and it is not known exactly */
	bool known_variance;
	bool alike;    /* levels have several heads, and all heads of a level responded alike */
	double pooled; /* variance of a head's response */
	double mean_heads;
	const ResponseFit *fitted; /* responses of single heads are 0 or 1, and vary as much as by this fit; or NULL */
} ResponseData;

/* The mean at a spend, by a fit. */
static double
fitted_mean(const ResponseFit *fit, double spend)
{
	return fit->base + response_added(&fit->curve, spend);
}

/* The weight of a level: one over the variance of its mean, or its share of heads. */
static double
weight_of(const ResponseData *data, const ResponseLevel *level)
{
	double more = level->heads - 1.0;

	if (!data->known_variance)
		return level->heads / data->mean_heads;
	if (data->fitted != NULL)
	{
		double mean = fitted_mean(data->fitted, level->spend);

		/* a fit may go below what a response can be, by little */
		mean = fmax(mean, 0.0);
		mean = (mean * level->heads + PRIOR_HEADS * data->pooled) / (level->heads + PRIOR_HEADS);
		return level->heads / (mean * fmax(1.0 - mean, data->pooled));
	}
	return level->heads * (more + PRIOR_HEADS) / (more * level->variance + PRIOR_HEADS * data->pooled);
}

/* The best base and first parameter for a second one, and the sum of squares that remains. */
typedef struct Projection
{
	double base;
	double first;
	double sse;
} Projection;

static Projection
project(const ResponseData *data, double param)
{
	double w = 0.0, wg = 0.0, wy = 0.0, gg = 0.0, gy = 0.0;
	Projection best = {0.0, 0.0, 0.0};

	for (int i = 0; i < data->count; i++)
	{
		double weight = weight_of(data, &data->levels[i]);
		double g = shape(data->kind, param, data->levels[i].spend);

		w += weight;
		wg += weight * g;
		wy += weight * data->levels[i].mean;
		gg += weight * g * g;
		gy += weight * g * data->levels[i].mean;
	}
	if (data->has_base)
	{
		double determinant = w * gg - wg * wg;

		best.first = determinant > 0.0 ? (w * gy - wg * wy) / determinant : 0.0;
		best.base = (wy - best.first * wg) / w;
	}
	else
		best.first = gg > 0.0 ? gy / gg : 0.0;
	for (int i = 0; i < data->count; i++)
	{
		double error = data->levels[i].mean - best.base - best.first * shape(data->kind, param, data->levels[i].spend);

		best.sse += weight_of(data, &data->levels[i]) * error * error;
	}
	return best;
}

/* The same; a falling curve counts as no curve. */
static double
profile(const ResponseData *data, double transformed)
{
	Projection best = project(data, param_of(data->kind, transformed));

	return best.first > 0.0 ? best.sse : INFINITY;
}

/* Where the profile is smallest. *status: at an end of the range, or not. */
static double
search(const ResponseData *data, ResponseStatus *status)
{
	double largest = data->levels[data->count - 1].spend;
	double smallest = data->levels[1].spend;
	double low = LEAST_LOGIT;
	double high = MOST_LOGIT;
	double best = NAN;
	double least = INFINITY;
	double step;

	if (data->kind == RESPONSE_EXP)
	{
		low = -log(largest * REACH);
		high = log(-log1p(-STEEPEST) / smallest);
	}
	else if (data->kind == RESPONSE_HILL)
	{
		low = log(smallest * (1.0 - STEEPEST) / STEEPEST);
		high = log(largest * REACH);
	}
	step = (high - low) / GRID;
	for (int i = 0; i <= GRID; i++)
	{
		double sse = profile(data, low + i * step);

		if (sse < least)
		{
			least = sse;
			best = low + i * step;
		}
	}
	*status = RESPONSE_OK;
	if (isnan(best))
		return best;

	double a = fmax(low, best - step);
	double b = fmin(high, best + step);

	for (int i = 0; i < GOLDEN_STEPS; i++)
	{
		double left = b - INVERSE_GOLDEN * (b - a);
		double right = a + INVERSE_GOLDEN * (b - a);

		if (profile(data, left) < profile(data, right))
			b = right;
		else
			a = left;
	}
	best = (a + b) / 2.0;
	if (best - low < step / 1e3)
		*status = data->kind == RESPONSE_EXP ? RESPONSE_NO_SATURATION : RESPONSE_SATURATED;
	else if (high - best < step / 1e3)
		*status = data->kind == RESPONSE_EXP ? RESPONSE_SATURATED : RESPONSE_NO_SATURATION;
	return best;
}

/* The information of ln first, transformed second and base, in this order, and the gradient. */
static void
normal_equations(const ResponseData *data, const ResponseFit *fit, double information[3][3], double gradient[3])
{
	ResponseKind kind = fit->curve.kind;
	double c = fit->curve.param[0];
	double k = fit->curve.param[1];

	for (int p = 0; p < 3; p++)
		for (int q = 0; q < 3; q++)
			information[p][q] = gradient[p] = 0.0;
	for (int i = 0; i < data->count; i++)
	{
		double x = data->levels[i].spend;
		double weight = weight_of(data, &data->levels[i]);
		double error = data->levels[i].mean - fit->base - c * shape(kind, k, x);
		double slope[3] = {c * shape(kind, k, x), c * shape_by_param(kind, k, x), 1.0};

		for (int p = 0; p < 3; p++)
		{
			gradient[p] += weight * error * slope[p];
			for (int q = 0; q < 3; q++)
				information[p][q] += weight * slope[p] * slope[q];
		}
	}
}

/* Inverts the leading n by n part of a positive definite matrix, in place; false if it is none. */
static bool
invert(double matrix[3][3], int n)
{
	for (int pivot = 0; pivot < n; pivot++)
	{
		double d = matrix[pivot][pivot];

		if (!(d > 0.0) || !isfinite(1.0 / d))
			return false;
		matrix[pivot][pivot] = 1.0;
		for (int q = 0; q < n; q++)
			matrix[pivot][q] /= d;
		for (int p = 0; p < n; p++)
			if (p != pivot)
			{
				double factor = matrix[p][pivot];

				matrix[p][pivot] = 0.0;
				for (int q = 0; q < n; q++)
					matrix[p][q] -= factor * matrix[pivot][q];
			}
	}
	return true;
}

/* Steps of Gauss and Newton, as long as they do not lead uphill. */
static void
polish(const ResponseData *data, ResponseFit *fit)
{
	int n = data->has_base ? 3 : 2;

	for (int i = 0; i < NEWTON_STEPS; i++)
	{
		double information[3][3];
		double gradient[3];
		double step = 0.0;

		normal_equations(data, fit, information, gradient);
		if (!invert(information, n))
			return;
		for (int q = 0; q < n; q++)
			step += information[1][q] * gradient[q];

		double param = response_moved(&fit->curve, 0.0, step).param[1];

		if (!isfinite(param) || !(param > 0.0) || (fit->curve.kind == RESPONSE_POWER && !(param < 1.0)))
			return;

		Projection next = project(data, param);

		if (!(next.first > 0.0) || next.sse > fit->sse * (1.0 + 1e-9))
			return;
		fit->curve.param[0] = next.first;
		fit->curve.param[1] = param;
		fit->base = next.base;
		fit->sse = next.sse;
	}
}

/* Sets the covariance of the parameters, and their standard errors. */
static void
set_covariance(const ResponseData *data, ResponseFit *fit, bool at_limit)
{
	double information[3][3];
	double gradient[3];
	double scale = 1.0;
	int n_free = (data->has_base ? 3 : 2) - at_limit;
	double *v = fit->curve.covariance;

	normal_equations(data, fit, information, gradient);
	if (at_limit)
	{
		/* the second parameter is fixed: the base takes its place */
		information[0][1] = information[1][0] = information[0][2];
		information[1][1] = information[2][2];
	}
	if (!data->known_variance)
		scale = data->count > n_free ? fit->sse / (data->count - n_free) : NAN;
	if (isnan(scale) || !invert(information, n_free))
	{
		fit->status = RESPONSE_NO_ERROR;
		return;
	}
	v[0] = scale * information[0][0];
	v[1] = at_limit ? 0.0 : scale * information[0][1];
	v[2] = at_limit ? 0.0 : scale * information[1][1];

	if (v[2] > MOST_DEVIATION * MOST_DEVIATION)
	{
		/* what is known of the first parameter given the second stays */
		double slope = v[1] / v[2];

		v[0] += slope * (slope * MOST_DEVIATION * MOST_DEVIATION - v[1]);
		v[2] = MOST_DEVIATION * MOST_DEVIATION;
		v[1] = slope * v[2];
	}

	double k = fit->curve.param[1];

	fit->std_error[0] = fit->curve.param[0] * sqrt(v[0]);
	if (!at_limit)
		fit->std_error[1] = sqrt(v[2]) * (fit->curve.kind == RESPONSE_POWER ? k * (1.0 - k) : k);
}

static ResponseData
response_data(const ResponseLevel *levels, int count, ResponseKind kind)
{
	ResponseData data = {levels, count, kind, .known_variance = true};
	double squares = 0.0;
	double more = 0.0;
	double heads = 0.0;

	for (int i = 0; i < count; i++)
	{
		heads += levels[i].heads;
		if (isnan(levels[i].variance))
			data.known_variance = false;
		else
		{
			squares += (levels[i].heads - 1.0) * levels[i].variance;
			more += levels[i].heads - 1.0;
		}
	}
	data.mean_heads = heads / count;
	data.pooled = squares / more;
	data.alike = data.known_variance && more > 0.0 && !(squares > 0.0);
	if (!(more > 0.0) || !(squares > 0.0))
		data.known_variance = false;
	/* no response without spend, and that is not an estimate */
	data.has_base = levels[0].mean != 0.0 || data.known_variance;
	return data;
}

/* No rising curve fits: the slope is zero, and the second parameter is arbitrary. */
static void
set_flat(const ResponseData *data, ResponseFit *fit)
{
	double largest = data->levels[data->count - 1].spend;
	ResponseKind kind = fit->curve.kind;
	double weights = 0.0;
	double sum = 0.0;

	fit->status = RESPONSE_NO_RESPONSE;
	fit->curve.param[1] = kind == RESPONSE_POWER ? 0.5 : kind == RESPONSE_EXP ? 1.0 / largest : largest;
	for (int i = 0; i < data->count; i++)
	{
		weights += weight_of(data, &data->levels[i]);
		sum += weight_of(data, &data->levels[i]) * data->levels[i].mean;
	}
	fit->base = data->has_base ? sum / weights : 0.0;
	fit->sse = 0.0;
	for (int i = 0; i < data->count; i++)
		fit->sse += weight_of(data, &data->levels[i]) * pow(data->levels[i].mean - fit->base, 2);
}

/* The fit, without errors. */
static ResponseFit
fit_curve(const ResponseData *data)
{
	ResponseFit fit = {.curve = {.kind = data->kind},
					   .status = RESPONSE_OK,
					   .std_error = {NAN, NAN},
					   .fit_prob = NAN,
					   .dispersion = 1.0};
	double transformed = search(data, &fit.status);

	Projection best = {0.0, 0.0, 0.0};

	if (!isnan(transformed))
		best = project(data, param_of(data->kind, transformed));
	/* the last step of the search may be one too far, where the curve falls */
	if (!(best.first > 0.0))
	{
		set_flat(data, &fit);
		return fit;
	}
	fit.curve.param[0] = best.first;
	fit.curve.param[1] = param_of(data->kind, transformed);
	fit.base = best.base;
	fit.sse = best.sse;
	if (fit.status == RESPONSE_OK)
		polish(data, &fit);
	return fit;
}

/* Whether responses of single heads were 0 and 1: then their variance follows from their mean. */
static bool
is_binary(const ResponseData *data)
{
	for (int i = 0; i < data->count; i++)
	{
		const ResponseLevel *level = &data->levels[i];
		double squares = level->mean * (1.0 - level->mean) * level->heads;

		if (!(fabs(level->variance * (level->heads - 1.0) - squares) <= 1e-9 * level->heads))
			return false;
	}
	return true;
}

/* The squares of the levels around their mean. */
static double
total_squares(const ResponseData *data)
{
	double weights = 0.0;
	double sum = 0.0;
	double squares = 0.0;

	for (int i = 0; i < data->count; i++)
	{
		weights += weight_of(data, &data->levels[i]);
		sum += weight_of(data, &data->levels[i]) * data->levels[i].mean;
	}
	for (int i = 0; i < data->count; i++)
		squares += weight_of(data, &data->levels[i]) * pow(data->levels[i].mean - sum / weights, 2);
	return squares;
}

/*
 * The squared distances from the falling means that are nearest. Blocks of levels with one mean follow each other,
 * and each ends where the mean from its beginning is largest.
 */
static double
falling_squares(const ResponseData *data)
{
	double squares = 0.0;

	for (int first = 0; first < data->count;)
	{
		double weights = 0.0;
		double sum = 0.0;
		double largest = -INFINITY;
		int last = first;

		for (int i = first; i < data->count; i++)
		{
			weights += weight_of(data, &data->levels[i]);
			sum += weight_of(data, &data->levels[i]) * data->levels[i].mean;
			if (sum / weights >= largest)
			{
				largest = sum / weights;
				last = i;
			}
		}
		for (; first <= last; first++)
			squares += weight_of(data, &data->levels[first]) * pow(data->levels[first].mean - largest, 2);
	}
	return squares;
}

static int
free_params(const ResponseData *data, const ResponseFit *fit)
{
	return (data->has_base ? 2 : 1) + (fit->status == RESPONSE_OK ? 1 : 0);
}

/* The variance of all heads around their mean, where those of a level are alike. */
static double
variance_between(const ResponseData *data)
{
	return total_squares(data) * data->mean_heads / (data->mean_heads * data->count - 1.0);
}

/* Sets how likely levels as far from the curve are, by the variance of heads. */
static void
compare_with_heads(const ResponseData *data, ResponseFit *fit)
{
	ResponseData weighted = *data;
	ResponseFit compared = *fit;
	ResponseFit by_heads;
	double squares;
	int freedom;

	if (is_binary(data))
	{
		/* a fit that does not know the variances, to tell them */
		weighted.known_variance = false;
		by_heads = fit_curve(&weighted);
		weighted.known_variance = true;
		weighted.fitted = &by_heads;
		compared = fit_curve(&weighted);
	}
	else if (data->alike)
		compared = fit_curve(&weighted);
	if (compared.status == RESPONSE_NO_RESPONSE)
	{
		squares = falling_squares(&weighted);
		freedom = data->count - 1;
	}
	else
	{
		squares = compared.sse;
		freedom = data->count - free_params(data, &compared);
	}
	if (freedom < 1)
		return;
	fit->fit_prob = chi_square_tail(squares, freedom);
	fit->dispersion = squares / freedom;
}

/*
 * The terms of a fit to first order, at this share of the largest spend, and one more that bends it: one that is
 * straight by its square, and others straight.
 */
static int
terms_at(const ResponseData *data, const ResponseFit *fit, double share, double terms[3], double *more)
{
	double x = share * data->levels[data->count - 1].spend;
	ResponseKind kind = fit->curve.kind;
	bool straight = fit->status == RESPONSE_NO_RESPONSE || fit->status == RESPONSE_NO_SATURATION;
	int n = 0;

	if (fit->status == RESPONSE_NO_RESPONSE)
		terms[n++] = share;
	else
		terms[n++] = shape(kind, fit->curve.param[1], x);
	if (fit->status == RESPONSE_OK)
		terms[n++] = shape_by_param(kind, fit->curve.param[1], x);
	/* also where nobody responded without spend, by chance or not */
	terms[n++] = 1.0;
	*more = straight ? share * share : share;
	return n;
}

/* A number of each level, less what the terms of the fit explain of it: the coefficients of these. */
static bool
explained(const ResponseData *data, const ResponseFit *fit, bool of_more, double coefficients[3])
{
	double largest = data->levels[data->count - 1].spend;
	double information[3][3] = {{0.0}};
	double products[3] = {0.0, 0.0, 0.0};
	int n = 0;

	for (int i = 0; i < data->count; i++)
	{
		const ResponseLevel *level = &data->levels[i];
		double weight = weight_of(data, level);
		double terms[3] = {0.0, 0.0, 0.0};
		double more;
		double number;

		n = terms_at(data, fit, level->spend / largest, terms, &more);
		number = of_more ? more : level->mean - fitted_mean(fit, level->spend);
		for (int p = 0; p < n; p++)
		{
			products[p] += weight * terms[p] * number;
			for (int q = 0; q < n; q++)
				information[p][q] += weight * terms[p] * terms[q];
		}
	}
	if (!invert(information, n))
		return false;
	for (int p = 0; p < 3; p++)
	{
		coefficients[p] = 0.0;
		for (int q = 0; q < n && p < n; q++)
			coefficients[p] += information[p][q] * products[q];
	}
	return true;
}

/* Sets how likely one more term would take away as much of the distances, of which alone the variance is known. */
static void
compare_with_bend(const ResponseData *data, ResponseFit *fit)
{
	double largest = data->levels[data->count - 1].spend;
	double of_more[3];
	double of_error[3];
	double product = 0.0;
	double more_squares = 0.0;
	double all_squares = 0.0;
	double squares = 0.0;
	int freedom = data->count - 1;

	if (!explained(data, fit, true, of_more) || !explained(data, fit, false, of_error))
		return;
	for (int i = 0; i < data->count; i++)
	{
		const ResponseLevel *level = &data->levels[i];
		double weight = weight_of(data, level);
		double terms[3] = {0.0, 0.0, 0.0};
		double error = level->mean - fitted_mean(fit, level->spend);
		double more;
		int n = terms_at(data, fit, level->spend / largest, terms, &more);

		freedom = data->count - 1 - n;
		all_squares += weight * more * more;
		for (int p = 0; p < n; p++)
		{
			more -= of_more[p] * terms[p];
			error -= of_error[p] * terms[p];
		}
		product += weight * more * error;
		more_squares += weight * more * more;
		squares += weight * error * error;
	}
	if (freedom < 1 || !(more_squares > 1e-12 * all_squares))
		return;

	double gain = product * product / more_squares;

	fit->fit_prob = student_two_sided(sqrt(gain / (fmax(0.0, squares - gain) / freedom)), freedom);
	if (fit->status != RESPONSE_NO_RESPONSE || !(fit->fit_prob < RESPONSE_POOR_PROB))
		return;

	/* a response that does not rise may fall in any way: only one that turns within the levels is none of its curves */
	double bend = product / more_squares;
	double turn = -(of_error[0] - bend * of_more[0]) / (2.0 * bend);

	if (!(bend < 0.0 && turn > 0.0 && turn < 1.0))
		fit->fit_prob = NAN;
}

/* Sets the smaller probability of both comparisons: the heads of a level vary by nothing. */
static void
compare_with_alike(const ResponseData *data, ResponseFit *fit)
{
	ResponseData known = *data;
	ResponseFit by_heads = *fit;

	compare_with_bend(data, fit);
	known.known_variance = true;
	known.pooled = variance_between(data);
	compare_with_heads(&known, &by_heads);
	/* the covariance already follows from the distances, so that their dispersion is in it */
	if (!(fit->fit_prob <= by_heads.fit_prob))
		fit->fit_prob = by_heads.fit_prob;
}

/* The squares of the levels that are no more than the rounding of their means. */
static double
rounding_squares(const ResponseData *data)
{
	double squares = 0.0;

	for (int i = 0; i < data->count; i++)
		squares += weight_of(data, &data->levels[i]) * data->levels[i].mean * data->levels[i].mean;
	return ROUNDING_SQUARES * squares;
}

/* Whether the curve can be the true one. */
static void
check_fit(const ResponseData *data, ResponseFit *fit)
{
	if (fit->sse > LEAST_LACK * total_squares(data) && fit->sse > rounding_squares(data))
	{
		if (data->known_variance)
			compare_with_heads(data, fit);
		else if (data->alike)
			compare_with_alike(data, fit);
		else
			compare_with_bend(data, fit);
	}
	if (!(fit->fit_prob < RESPONSE_POOR_PROB))
		fit->dispersion = 1.0;
}

/* The curve is not the true one: how far the levels are from it adds to what is not known of it. */
static void
set_poor(ResponseFit *fit)
{
	fit->status = RESPONSE_POOR_FIT;
	for (int i = 0; i < 3; i++)
		fit->curve.covariance[i] *= fit->dispersion;
	for (int i = 0; i < RESPONSE_PARAMS; i++)
		fit->std_error[i] *= sqrt(fit->dispersion);
}

ResponseFit
response_fit(const ResponseLevel *levels, int count, ResponseKind kind)
{
	ResponseData data = response_data(levels, count, kind);
	ResponseFit fit = fit_curve(&data);

	check_fit(&data, &fit);
	if (fit.status != RESPONSE_NO_RESPONSE)
		set_covariance(&data, &fit, fit.status != RESPONSE_OK);
	if (fit.fit_prob < RESPONSE_POOR_PROB)
		set_poor(&fit);
	return fit;
}

/*
 * -2 ln of the likelihood of a fit, but for what all fits of these levels share; of levels that are further from the
 * best curve than their heads explain, over that dispersion (Burnham & Anderson 2002, 2.5).
 */
static double
deviance(const ResponseFit *fit, const ResponseData *data, double dispersion)
{
	return data->known_variance ? fit->sse / dispersion : data->count * log(fit->sse);
}

ResponseFit
response_fit_best(const ResponseLevel *levels, int count, WeightedCurve *others, int *n_others)
{
	ResponseFit fits[RESPONSE_KINDS];
	ResponseData data = response_data(levels, count, RESPONSE_EXP);
	double weights[RESPONSE_KINDS];
	double sum = 0.0;
	int best = 0;

	for (int i = 0; i < RESPONSE_KINDS; i++)
	{
		fits[i] = response_fit(levels, count, (ResponseKind) (i + 1));
		if (fits[i].sse < fits[best].sse)
			best = i;
	}
	if (others == NULL)
		return fits[best];
	for (int i = 0; i < RESPONSE_KINDS; i++)
	{
		weights[i] = exp(
			-0.5 *
			(deviance(&fits[i], &data, fits[best].dispersion) - deviance(&fits[best], &data, fits[best].dispersion)));
		/* also where the best fits exactly, or some have no curve */
		if (i == best)
			weights[i] = 1.0;
		else if (!(weights[i] >= LEAST_WEIGHT) || !(fits[i].curve.param[0] > 0.0) || !(fits[best].sse > 0.0) ||
				 fits[i].status == RESPONSE_NO_ERROR)
			weights[i] = 0.0;
		sum += weights[i];
	}
	*n_others = 0;
	for (int i = 0; i < RESPONSE_KINDS; i++)
		if (i != best && weights[i] > 0.0)
			others[(*n_others)++] = (WeightedCurve){fits[i].curve, weights[i] / sum};
	return fits[best];
}
