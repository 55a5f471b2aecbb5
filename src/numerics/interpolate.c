/*
 * interpolate.c
 *	  Evaluate a smooth curve at many points from a few evaluations.
 *
 * The curve is evaluated at the Chebyshev points cos(j pi / N) of the
 * interval, for N = 8 and, reusing these, 16 and 32. Where the last
 * coefficients of the series in Chebyshev polynomials have not decayed, the
 * interval is halved; where there are not many more places than points, the
 * curve is evaluated at the places themselves. So the result is always
 * accurate, at worst slow.
 *
 * Trefethen, Approximation Theory and Approximation Practice (2013), ch. 3, 8;
 * the series is summed by Clenshaw's recurrence (ch. 19).
 */
#include "numerics/interpolate.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "numerics/host.h"

#define FEW 8
#define MANY 32

/* Coefficients below this, against the largest value or one, are noise. */
#define NEGLIGIBLE 1e-14

/*
 * They decay geometrically: twice as many reach about the square of the last.
 * Intervals on which that remains larger than this with the most points are
 * halved at once.
 */
#define HOPELESS 1e-12

/* The curve on one interval. */
typedef struct Piece
{
	double low;
	double high;
	double values[MANY + 1][CURVE_MAX]; /* at the points */
	double coefficients[MANY + 1][CURVE_MAX];
	int degree;
} Piece;

/* cos(k pi / MANY) */
static double
cosine(int k)
{
	static const double table[] = {
		1.0,
		0.99518472667219688624,
		0.98078528040323044913,
		0.95694033573220886494,
		0.92387953251128675613,
		0.88192126434835502971,
		0.83146961230254523708,
		0.77301045336273696081,
		0.70710678118654752440,
		0.63439328416364549822,
		0.55557023301960222474,
		0.47139673682599764856,
		0.38268343236508977173,
		0.29028467725446236764,
		0.19509032201612826785,
		0.098017140329560601994,
		0.0,
	};

	k %= 2 * MANY;
	if (k > MANY)
		k = 2 * MANY - k;
	return k <= MANY / 2 ? table[k] : -table[MANY - k];
}

/* Take the curve at the points first, first + step, ... */
static void
sample(const Curve *curve, Piece *piece, int first, int step)
{
	double middle = 0.5 * (piece->low + piece->high);
	double half = 0.5 * (piece->high - piece->low);

	for (int j = first; j <= MANY; j += step)
		curve->at(curve->data, middle + half * cosine(j), piece->values[j]);
}

/* Find the series of the given degree. Returns how large its last coefficients are. */
static double
transform(const Curve *curve, Piece *piece, int degree)
{
	int step = MANY / degree;
	double scale[CURVE_MAX];
	double last = 0.0;

	piece->degree = degree;
	for (int v = 0; v < curve->n_values; v++)
		scale[v] = 1.0;
	for (int k = 0; k <= degree; k++)
	{
		double *c = piece->coefficients[k];
		double share = (k == 0 || k == degree ? 1.0 : 2.0) / degree;

		memset(c, 0, sizeof(double) * curve->n_values);
		for (int j = 0; j <= degree; j++)
		{
			double weight = share * (j == 0 || j == degree ? 0.5 : 1.0) * cosine(j * k * step);

			for (int v = 0; v < curve->n_values; v++)
				c[v] += weight * piece->values[j * step][v];
		}
		for (int v = 0; v < curve->n_values; v++)
		{
			scale[v] = fmax(scale[v], fabs(c[v]));
			/* NaN counts as large */
			if (k >= degree - 1 && !(fabs(c[v]) <= last * scale[v]))
				last = isfinite(c[v]) ? fabs(c[v]) / scale[v] : INFINITY;
		}
	}
	return last;
}

static void
sum_series(const Curve *curve, const Piece *piece, double z, double *values)
{
	double half = 0.5 * (piece->high - piece->low);
	double y = 2.0 * ((z - 0.5 * (piece->low + piece->high)) / half);
	double b1[CURVE_MAX] = {0};
	double b2[CURVE_MAX] = {0};

	for (int k = piece->degree; k > 0; k--)
		for (int v = 0; v < CURVE_MAX; v++)
		{
			double b = piece->coefficients[k][v] + y * b1[v] - b2[v];

			b2[v] = b1[v];
			b1[v] = b;
		}
	for (int v = 0; v < curve->n_values; v++)
		values[v] = piece->coefficients[0][v] + 0.5 * y * b1[v] - b2[v];
}

/* Whether a series represents the curve between the outermost places. */
static bool
find_series(const Curve *curve, Piece *piece, size_t n)
{
	memset(piece->coefficients, 0, sizeof(piece->coefficients));
	sample(curve, piece, 0, MANY / FEW);
	for (int degree = FEW;; degree *= 2)
	{
		double last = transform(curve, piece, degree);

		if (last <= NEGLIGIBLE)
			return true;
		if (degree == MANY || n <= 2 * (size_t) degree || pow(last, (double) MANY / degree) > HOPELESS)
			return false;
		sample(curve, piece, MANY / degree / 2, MANY / degree);
	}
}

void
curve_values(const Curve *curve, const double *z, size_t n, double *values)
{
	Piece piece = {.degree = 0};
	size_t half = 0;

	if (n > FEW + 1 && z[0] != z[n - 1])
	{
		piece.low = z[0];
		piece.high = z[n - 1];
		if (fabs(piece.high - piece.low) <= curve->reach && find_series(curve, &piece, n))
		{
			for (size_t i = 0; i < n; i++)
			{
				host_poll_at(i);
				sum_series(curve, &piece, z[i], &values[i * curve->n_values]);
			}
			return;
		}

		/* the places in the first half of the interval, at least one and not all */
		for (half = 1; half < n - 1 && fabs(z[half] - z[0]) < fabs(z[half] - z[n - 1]);)
			half++;
		curve_values(curve, z, half, values);
		curve_values(curve, z + half, n - half, values + half * curve->n_values);
		return;
	}

	for (size_t i = 0; i < n; i++)
	{
		if (i > 0 && z[i] == z[i - 1])
			memcpy(&values[i * curve->n_values], &values[(i - 1) * curve->n_values], sizeof(double) * curve->n_values);
		else
			curve->at(curve->data, z[i], &values[i * curve->n_values]);
	}
}
