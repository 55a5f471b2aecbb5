/*
 * trust_region.c
 *	  Minimise a smooth function of a few variables by a trust-region Newton
 *	  method.
 *
 * A quadratic model of the function is minimised inside a ball around the
 * current point: with the Hessian's eigenvalues w and eigenvectors V and the
 * gradient g, the step is s(l) = -V (V'g / (w + l)), where the shift l >= 0 is
 * as small as positive curvature and |s| <= radius allow (More & Sorensen,
 * SIAM J. Sci. Stat. Comput. 4:3, 1983). Far from the minimum this follows the
 * gradient and leaves saddle points; near it, it is Newton's method.
 *
 * It stops when the model predicts less than PROMISE of improvement (half the
 * squared distance to the minimum, in standard errors when the function is a
 * negative log-likelihood) and then takes one last Newton step, which makes
 * the distance itself as small as its square was.
 *
 * A variable that reaches the box with a step pointing outwards is held there:
 * its gradient is taken as zero until it points inwards again.
 */
#include "numerics/trust_region.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define START_RADIUS 1.0
#define MAX_RADIUS 4.0
#define MIN_RADIUS 1e-12

/* The predicted improvement that is still worth a step, absolutely and relative to rounding of the value. */
#define PROMISE 1e-9
#define ROUNDING (64.0 * DBL_EPSILON)

/*
 * A last step shorter than this is taken without another evaluation: it ends at the minimum
 * all the same, where the value and the second derivatives are those of the point before to nine digits.
 */
#define SHORT_STEP 2e-9

#define ACCEPT 1e-4 /* actual over predicted improvement: accept the step */
#define GOOD 0.75   /* widen the region */
#define POOR 0.25   /* narrow it */

#define JACOBI_SWEEPS 60
#define BISECTIONS 60

/* A point with the function's value and derivatives there. */
typedef struct Point
{
	double theta[TRUST_REGION_MAX];
	double value;
	double gradient[TRUST_REGION_MAX];
	double hessian[TRUST_REGION_MAX * TRUST_REGION_MAX];
} Point;

/* The quadratic model at a point, in the eigenvectors of its Hessian. */
typedef struct QuadraticModel
{
	int n;
	double values[TRUST_REGION_MAX];
	double vectors[TRUST_REGION_MAX * TRUST_REGION_MAX];
	double slopes[TRUST_REGION_MAX]; /* V'g */
	bool held[TRUST_REGION_MAX];     /* at the box, pointing outwards */
	bool any_held;
} QuadraticModel;

/* A trial step: its end point and predicted improvement. */
typedef struct Move
{
	Point to;
	double length;
	double promise; /* fall of the value */
	bool clipped;   /* by the box */
} Move;

/* The constants of one minimisation. */
typedef struct TrustRegionSearch
{
	const Host *host;
	Objective objective;
	void *data;
	int n;
	double box;
	double promise; /* of improvement, that is worth a step */
	bool polishes;  /* takes the last Newton step */
} TrustRegionSearch;

/* One rotation in the plane of p and q, zeroing a[p][q]. */
static void
jacobi_rotate(int n, double *a, double *v, int p, int q)
{
	double theta = (a[q * n + q] - a[p * n + p]) / (2.0 * a[p * n + q]);
	double t = copysign(1.0, theta) / (fabs(theta) + hypot(theta, 1.0));
	double c = 1.0 / hypot(t, 1.0);
	double s = t * c;

	for (int k = 0; k < n; k++)
	{
		double akp = a[k * n + p];
		double akq = a[k * n + q];
		double vkp = v[k * n + p];
		double vkq = v[k * n + q];

		a[k * n + p] = c * akp - s * akq;
		a[k * n + q] = s * akp + c * akq;
		v[k * n + p] = c * vkp - s * vkq;
		v[k * n + q] = s * vkp + c * vkq;
	}
	for (int k = 0; k < n; k++)
	{
		double apk = a[p * n + k];
		double aqk = a[q * n + k];

		a[p * n + k] = c * apk - s * aqk;
		a[q * n + k] = s * apk + c * aqk;
	}
	a[p * n + q] = a[q * n + p] = 0.0;
}

/* One sweep over all planes. Returns false when there was nothing to do. */
static bool
jacobi_sweep(int n, double *a, double *v)
{
	bool rotated = false;

	for (int p = 0; p < n - 1; p++)
		for (int q = p + 1; q < n; q++)
		{
			double scale = sqrt(fabs(a[p * n + p])) * sqrt(fabs(a[q * n + q]));

			/* relative to the diagonal, so that small eigenvalues stay exact */
			if (fabs(a[p * n + q]) <= 0.1 * DBL_EPSILON * scale || fabs(a[p * n + q]) < DBL_MIN)
				continue;
			jacobi_rotate(n, a, v, p, q);
			rotated = true;
		}
	return rotated;
}

void
symmetric_eigen(int n, const double *matrix, double *values, double *vectors)
{
	double a[TRUST_REGION_MAX * TRUST_REGION_MAX];
	double v[TRUST_REGION_MAX * TRUST_REGION_MAX];
	int order[TRUST_REGION_MAX];

	memcpy(a, matrix, sizeof(double) * n * n);
	for (int i = 0; i < n * n; i++)
		v[i] = (i % (n + 1) == 0) ? 1.0 : 0.0;
	for (int sweep = 0; sweep < JACOBI_SWEEPS && jacobi_sweep(n, a, v); sweep++)
		;

	/* by insertion into ascending order */
	for (int k = 0; k < n; k++)
	{
		int at = k;

		for (; at > 0 && a[order[at - 1] * (n + 1)] > a[k * (n + 1)]; at--)
			order[at] = order[at - 1];
		order[at] = k;
	}
	for (int k = 0; k < n; k++)
	{
		values[k] = a[order[k] * (n + 1)];
		for (int i = 0; i < n; i++)
			vectors[i * n + k] = v[i * n + order[k]];
	}
}

/* Evaluate the objective at point->theta. Returns false when it is not finite. */
static bool
evaluate(const TrustRegionSearch *search, Point *point)
{
	int n = search->n;
	double sum;

	search->host->check_interrupts();
	search->objective(search->data, point->theta, &point->value, point->gradient, point->hessian);

	/* a sum times zero is zero unless something in it is not finite */
	sum = 0.0 * point->value;
	for (int i = 0; i < n; i++)
		sum += 0.0 * point->gradient[i];
	for (int i = 0; i < n * n; i++)
		sum += 0.0 * point->hessian[i];
	return sum == 0.0;
}

static void
build_model(const TrustRegionSearch *search, const Point *point, QuadraticModel *model)
{
	int n = search->n;
	double gradient[TRUST_REGION_MAX];
	double hessian[TRUST_REGION_MAX * TRUST_REGION_MAX];

	model->n = n;
	model->any_held = false;
	memcpy(gradient, point->gradient, sizeof(double) * n);
	memcpy(hessian, point->hessian, sizeof(double) * n * n);
	for (int i = 0; i < n; i++)
	{
		double theta = point->theta[i];

		model->held[i] = fabs(theta) >= search->box && gradient[i] * theta < 0.0;
		if (!model->held[i])
			continue;
		model->any_held = true;
		gradient[i] = 0.0;
		for (int k = 0; k < n; k++)
			hessian[i * n + k] = hessian[k * n + i] = 0.0;
		hessian[i * n + i] = 1.0;
	}

	symmetric_eigen(n, hessian, model->values, model->vectors);
	for (int k = 0; k < n; k++)
	{
		model->slopes[k] = 0.0;
		for (int i = 0; i < n; i++)
			model->slopes[k] += model->vectors[i * n + k] * gradient[i];
	}
}

/* The length of the step for one shift of the eigenvalues. */
static double
step_length(const QuadraticModel *model, double shift)
{
	double sum = 0.0;

	for (int k = 0; k < model->n; k++)
	{
		double component = model->slopes[k] / (model->values[k] + shift);

		sum += component * component;
	}
	return sqrt(sum);
}

/*
 * The smallest shift that makes all eigenvalues positive and the step no
 * longer than the radius.
 */
static double
find_shift(const QuadraticModel *model, double radius)
{
	double smallest = model->values[0];
	double largest = fmax(fabs(model->values[0]), fabs(model->values[model->n - 1]));
	double floor_shift = 0.0;
	double low;
	double high;

	if (!(smallest > 0.0))
		floor_shift = -smallest + DBL_EPSILON * largest + DBL_MIN;
	if (step_length(model, floor_shift) <= radius)
		return floor_shift;

	low = floor_shift;
	high = fmax(2.0 * floor_shift, largest) + 1.0;
	while (step_length(model, high) > radius)
		high *= 4.0;
	for (int i = 0; i < BISECTIONS; i++)
	{
		/* over many orders of magnitude: bisect geometrically once possible */
		double middle = low > 0.0 ? sqrt(low) * sqrt(high) : 1e-3 * high;

		if (step_length(model, middle) > radius)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/*
 * The model's step for `shift`. In the hard case, where the gradient has no
 * component in the direction of most negative curvature, the step is
 * lengthened along that direction to the edge of the region.
 */
static void
model_step(const QuadraticModel *model, double radius, double shift, double *step)
{
	int n = model->n;
	double length = step_length(model, shift);

	for (int i = 0; i < n; i++)
	{
		step[i] = 0.0;
		for (int k = 0; k < n; k++)
			step[i] -= model->vectors[i * n + k] * model->slopes[k] / (model->values[k] + shift);
	}
	if (model->values[0] < 0.0 && length < 0.9 * radius)
	{
		double more = copysign(sqrt(radius * radius - length * length), -model->slopes[0]);

		for (int i = 0; i < n; i++)
			step[i] += more * model->vectors[i * n];
	}
}

/* Move from a point by a step, clipped to the box, and predict the improvement. */
static Move
make_move(const TrustRegionSearch *search, const Point *from, const double *step)
{
	int n = search->n;
	double taken[TRUST_REGION_MAX];
	Move move = {.clipped = false};

	for (int i = 0; i < n; i++)
	{
		double target = from->theta[i] + step[i];

		move.to.theta[i] = fmax(-search->box, fmin(search->box, target));
		move.clipped |= move.to.theta[i] != target;
		taken[i] = move.to.theta[i] - from->theta[i];
		move.length = hypot(move.length, taken[i]);
	}
	for (int i = 0; i < n; i++)
	{
		double slope = from->gradient[i];

		for (int k = 0; k < n; k++)
			slope += 0.5 * from->hessian[i * n + k] * taken[k];
		move.promise -= slope * taken[i];
	}
	return move;
}

/*
 * The last Newton step. So close to the minimum rounding hides differences of
 * the value, but not of the gradient.
 */
static void
polish(const TrustRegionSearch *search, const QuadraticModel *model, Point *point, TrustRegionResult *result)
{
	double step[TRUST_REGION_MAX];
	Move move;
	QuadraticModel after;
	double length = model->values[0] > 0.0 ? step_length(model, 0.0) : INFINITY;

	if (length > START_RADIUS)
		return;
	model_step(model, START_RADIUS, 0.0, step);
	move = make_move(search, point, step);
	if (length < SHORT_STEP)
	{
		memcpy(point->theta, move.to.theta, sizeof(double) * search->n);
		return;
	}
	result->iterations++;
	if (!evaluate(search, &move.to))
		return;
	build_model(search, &move.to, &after);
	if (after.values[0] > 0.0 && step_length(&after, 0.0) < move.length)
		*point = move.to;
}

static TrustRegionOutcome
search_minimum(const TrustRegionSearch *search, int max_iterations, Point *point, TrustRegionResult *result)
{
	QuadraticModel model;
	double radius = START_RADIUS;

	result->iterations = 1;
	if (!evaluate(search, point))
		return TRUST_REGION_NOT_FINITE;
	build_model(search, point, &model);

	while (result->iterations < max_iterations && radius > MIN_RADIUS)
	{
		double step[TRUST_REGION_MAX];
		Move move;
		double kept = -1.0;

		model_step(&model, radius, find_shift(&model, radius), step);
		move = make_move(search, point, step);
		if (move.promise < fmax(search->promise, ROUNDING * fabs(point->value)))
		{
			if (move.clipped)
			{
				/* the box limited the step; this is not yet a minimum */
				radius *= 0.25;
				continue;
			}
			if (search->polishes)
				polish(search, &model, point, result);
			return model.any_held ? TRUST_REGION_BOUNDARY : TRUST_REGION_CONVERGED;
		}

		result->iterations++;
		if (evaluate(search, &move.to))
			kept = (point->value - move.to.value) / move.promise;
		if (kept > GOOD && move.length > 0.8 * radius)
			radius = fmin(2.0 * radius, MAX_RADIUS);
		else if (kept < POOR)
			radius = 0.25 * fmin(radius, move.length);
		if (kept > ACCEPT)
		{
			*point = move.to;
			build_model(search, point, &model);
		}
	}
	return TRUST_REGION_MAX_ITERATIONS;
}

static void
minimise(const TrustRegionSearch *search, int max_iterations, double *theta, TrustRegionResult *result)
{
	int n = search->n;
	Point point;

	for (int i = 0; i < n; i++)
		point.theta[i] = fmax(-search->box, fmin(search->box, theta[i]));
	result->outcome = search_minimum(search, max_iterations, &point, result);
	memcpy(theta, point.theta, sizeof(double) * n);
	result->value = point.value;
	memcpy(result->gradient, point.gradient, sizeof(double) * n);
	memcpy(result->hessian, point.hessian, sizeof(double) * n * n);
}

void
trust_region_minimise(const Host *host, Objective objective, void *data, int n, double box, int max_iterations,
					  double *theta, TrustRegionResult *result)
{
	TrustRegionSearch search = {host, objective, data, n, box, PROMISE, true};

	minimise(&search, max_iterations, theta, result);
}

void
trust_region_approach(const Host *host, Objective objective, void *data, int n, double box, int max_iterations,
					  double within, double *theta, TrustRegionResult *result)
{
	TrustRegionSearch search = {host, objective, data, n, box, within, false};

	minimise(&search, max_iterations, theta, result);
}
