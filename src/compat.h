/*
 * compat.h
 *	  The one place that knows server versions.
 *
 * New names are used everywhere; servers that do not have them yet are given
 * them here. Supported: PostgreSQL 15 to 19.
 */
#ifndef COMPAT_H
#define COMPAT_H

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
	do \
	{ \
		(void) (escontext); \
		ereport(ERROR, __VA_ARGS__); \
		return dummy; \
	} while (0)

#ifndef palloc_array /* late minor releases have them */
#define palloc_array(type, count) ((type *) palloc(sizeof(type) * (count)))
#define palloc0_array(type, count) ((type *) palloc0(sizeof(type) * (count)))
#endif
#endif

/* The next datum of a sort, as a copy; since 16 the server asks whether it shall be one. */
#if PG_VERSION_NUM >= 160000
#define tuplesort_getdatum_copy(state, value, isnull) tuplesort_getdatum(state, true, true, value, isnull, NULL)
#else
#define tuplesort_getdatum_copy(state, value, isnull) tuplesort_getdatum(state, true, value, isnull, NULL)
#endif

/* Before 16 each kind of object has an ownership check of its own. */
#if PG_VERSION_NUM < 160000
#define object_ownercheck(class, object, role) pg_class_ownercheck(object, role)
#endif

/* Since 17 materialized views are filled under a search_path that they do not take from the session. */
#if PG_VERSION_NUM < 170000
#define RestrictSearchPath() ((void) 0)
#endif

/* Since 18 bytes are unsigned. */
#if PG_VERSION_NUM >= 180000
#define encode_base64(bytes, length, text, capacity) pg_b64_encode(bytes, length, text, capacity)
#define decode_base64(text, length, bytes, capacity) pg_b64_decode(text, length, bytes, capacity)
#else
#define encode_base64(bytes, length, text, capacity) pg_b64_encode((const char *) (bytes), length, text, capacity)
#define decode_base64(text, length, bytes, capacity) pg_b64_decode(text, length, (char *) (bytes), capacity)
#endif

/* Since 18 a query is run once anyway, and since 19 planning may explain itself. Callers include the headers. */
#if PG_VERSION_NUM >= 180000
#define run_query(query) ExecutorRun(query, ForwardScanDirection, 0)
#else
#define run_query(query) ExecutorRun(query, ForwardScanDirection, 0, true)
#endif
#if PG_VERSION_NUM >= 190000
#define plan_query(query, text, options) pg_plan_query(query, text, options, NULL, NULL)
#else
#define plan_query(query, text, options) pg_plan_query(query, text, options, NULL)
#endif

/* Servers that know IGNORE NULLS (19) ask a window function whether it does. */
#if PG_VERSION_NUM < 190000
#define WinCheckAndInitializeNullTreatment(window, allow, fcinfo) ((void) 0)
#endif

/*
 * The extension is built with hidden symbols, so that none of its names can
 * meet those of another one. Before 16 the server's macros do not say what
 * must be seen all the same.
 */
#if PG_VERSION_NUM < 160000 && defined(__GNUC__) && !defined(WIN32)
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#undef PG_FUNCTION_INFO_V1
#define PG_FUNCTION_INFO_V1(funcname) \
	extern PGDLLEXPORT Datum funcname(PG_FUNCTION_ARGS); \
	extern PGDLLEXPORT const Pg_finfo_record *CppConcat(pg_finfo_, funcname)(void); \
	const Pg_finfo_record *CppConcat(pg_finfo_, funcname)(void) \
	{ \
		static const Pg_finfo_record my_finfo = {1}; \
		return &my_finfo; \
	} \
	extern int no_such_variable
#endif

#endif /* COMPAT_H */
