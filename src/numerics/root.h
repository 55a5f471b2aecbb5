/*
 * root.h
 *	  Find the zero of a rising function.
 */
#ifndef NUMERICS_ROOT_H
#define NUMERICS_ROOT_H

/* Sets *slope > 0 (or INFINITY, or 0 if unknown). */
typedef struct RisingFunction
{
	double (*value)(const void *data, double z, double *slope);
	const void *data;
} RisingFunction;

/*
 * The zero of a rising function, which must be negative for z low enough, at or
 * below `high`; `high` itself if the function is negative there. Newton's
 * method, kept within a bracket. If high is INFINITY, so may the result be: the
 * search begins at the largest z for which e^z is finite.
 */
extern double rising_root(const RisingFunction *f, double high);

#endif /* NUMERICS_ROOT_H */
