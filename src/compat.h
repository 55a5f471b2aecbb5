/*
 * compat.h
 *	  The one place that knows server versions.
 *
 * New names are used everywhere; servers that do not have them yet are given
 * them here. Supported: PostgreSQL 15 to 19.
 */
#ifndef CUSTOMER_CENTRIC_COMPAT_H
#define CUSTOMER_CENTRIC_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "customer_centric needs PostgreSQL 15 or later"
#endif

#include "fmgr.h"

#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#include "varatt.h"
#else

/* Before soft errors (16) every input error is raised at once. */
#define ereturn(escontext, dummy, ...) \
	do { (void) (escontext); ereport(ERROR, __VA_ARGS__); return dummy; } while (0)

#ifndef palloc_array			/* late minor releases have them */
#define palloc_array(type, count) ((type *) palloc(sizeof(type) * (count)))
#define palloc0_array(type, count) ((type *) palloc0(sizeof(type) * (count)))
#endif
#endif

/* Results of set-returning functions need a finished descriptor from 19 on. */
#if PG_VERSION_NUM < 190000
#define TupleDescFinalize(tupdesc) ((void) 0)
#endif

#endif							/* CUSTOMER_CENTRIC_COMPAT_H */
