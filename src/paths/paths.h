/*
 * paths.h
 *	  Covariates that vary over time: the path of one customer's, and a base of
 *	  customers with paths.
 *
 * A path is a list of steps: from a day on, until the day of the next step,
 * the covariates have these values; those of the last step hold on. A
 * covariate that is not known is NaN.
 */
#ifndef PATHS_PATHS_H
#define PATHS_PATHS_H

#include <math.h>

#include "compat.h"

#include "lib/stringinfo.h"
#include "utils/date.h"

#include "clv_model/clv_model.h"
#include "history/history.h"
#include "models/core/fit.h"
#include "support/agg_state.h"
#include "support/state_text.h"

/* Steps on each of 27 years of days. */
#define PATH_MAX_STEPS 10000

/* Steps in order; times are days, or days since a customer's first purchase. */
typedef struct PathSteps
{
	int columns; /* 0: there is no step */
	uint32 count;
	int32 *from;
	double *covariates; /* those of each step */
} PathSteps;

static inline double *
path_step_covariates(const PathSteps *steps, uint32 place)
{
	return steps->covariates + (Size) place * steps->columns;
}

/* The last step that begins by then; -1: there is none. */
extern int64 path_steps_find(const PathSteps *steps, int32 when);

/* Whether steps have the same covariates. */
extern bool path_steps_equal(const PathSteps *steps, uint32 a, uint32 b);

/*
 * The bytes of steps, the same on every platform: their number; the first time
 * (zigzag varint), then the times since the one before (varints); and after each
 * the set of covariates that are not those of the step before (varint; before the
 * first all are 0), with their values. Equal steps have equal bytes.
 *
 * Bytes may be untrusted: the second function returns what is wrong with
 * them, or NULL.
 */
extern void path_steps_put(StringInfo out, const PathSteps *steps);
extern const char *path_steps_get(StateBytes *in, int columns, PathSteps *steps);

/* What both types read and write. */
extern void put_varint_to(StringInfo out, uint64 number);
extern void put_float8_to(StringInfo out, double number);
extern bool state_float8(StateBytes *bytes, double *number);

/* The stored form: version (1 byte), number of covariates (1 byte), rows that were left out (varint), and the steps. */
typedef struct CovariatePath
{
	PathSteps steps;
	int64 left_out; /* rows without a day */
} CovariatePath;

/* A stored path, or one that is still growing, for reading. */
extern CovariatePath covariate_path_get(Datum path);

/* Why a customer is not in a base. */
typedef enum PathLeftOut
{
	PATH_NO_ORDERS, /* no order by the end of observation */
	PATH_NO_PATH,   /* no path, or one that begins after the first purchase, or a covariate is not known */
	PATH_LEFT_OUT_REASONS,
} PathLeftOut;

/* A customer of a base, and others like them. */
typedef struct PathCustomer
{
	DateADT first; /* day of the first transaction */
	uint32 x;
	uint32 t_x;                      /* days from the first transaction to the last */
	double spend;                    /* net spend on repeat transactions; NaN: not known, or x is 0 */
	double sums[FIT_MAX_COVARIATES]; /* over the days of repeat transactions */
	PathSteps steps;                 /* from day 0, that of the first transaction, on; neighbours differ */
	int64 customers;
} PathCustomer;

/*
 * The stored form of a base: version (1 byte), number of covariates (1 byte),
 * end of observation (zigzag varint; DATEVAL_NOBEGIN: not known), customers left
 * out by reason (varints), number of entries (varint), and of each, in the order of their
 * bytes, their number (varint), the bytes and the number of such customers (varint).
 * The bytes: first day (zigzag varint), x and t_x (varints), spend and sums if x > 0
 * (float8), and the steps.
 */
typedef struct PathBaseHead
{
	int columns; /* 0: there is no customer */
	DateADT until;
	int64 left_out[PATH_LEFT_OUT_REASONS];
} PathBaseHead;

/* The bytes of a customer, without the number of those like them. */
typedef struct PathEntry
{
	const uint8 *bytes;
	uint32 length;
	int64 customers;
} PathEntry;

/* The state of an aggregate. */
typedef struct PathBaseState
{
	GrowingState growing;
	PathBaseHead head;
	uint32 count;
	uint32 room;
	PathEntry *entries;
} PathBaseState;

/* Reads the entries of a stored base. */
typedef struct PathBaseReader
{
	StateBytes bytes;
	PathBaseHead head;
	uint32 left;
	PathEntry entry; /* the one read last */
} PathBaseReader;

extern PathBaseState *path_base_state_make(MemoryContext parent);
extern void path_base_state_add(PathBaseState *state, const PathEntry *entry);
extern struct varlena *path_base_state_pack(PathBaseState *state);

/* Untrusted bytes are read with these two, which return what is wrong, or NULL; entries must follow in order. */
extern const char *path_base_begin(PathBaseReader *reader);
extern const char *path_base_read(PathBaseReader *reader);

/* A stored base, of which all errors are those of corrupt data. */
extern void path_base_open(PathBaseReader *reader, Datum base);
extern bool path_base_next(PathBaseReader *reader);

/* The bytes of a customer, and what they say, or what is wrong with them. */
extern void path_customer_put(StringInfo out, const PathCustomer *customer);
extern const char *path_customer_get(const PathEntry *entry, int columns, PathCustomer *customer);
extern const char *path_customer_problem(const PathCustomer *customer);

/*
 * The path of a customer from the first transaction on; false if it does not say the
 * covariates of every day from then on until `until`.
 */
extern bool path_from(const CovariatePath *path, DateADT first, DateADT until, PathSteps *steps);

#endif /* PATHS_PATHS_H */
