/*
 * call_memo.h
 *	  A one-entry result cache per call site, for costly functions of one large
 *	  value.
 *
 * The planner may pull a subquery such as (SELECT clv_fit(base) AS m FROM
 * bases) into the query around it, and then the function is called for every
 * row, with the same arguments. So the last result is cached, and returned
 * again when all the arguments are the same.
 */
#ifndef SUPPORT_CALL_MEMO_H
#define SUPPORT_CALL_MEMO_H

#include "compat.h"

typedef struct CallMemo CallMemo;

/* The cache of this call site, which lives as long as the query. It uses fn_extra. */
extern CallMemo *call_memo(FunctionCallInfo fcinfo);

/*
 * A copy of the cached result for this value and these bytes, which stand for
 * all the other arguments. On a miss, NULL; the value is then detoasted, and
 * the caller must store the result.
 */
extern struct varlena *call_memo_find(CallMemo *cache, Datum *value, const void *options, Size size);

/* Stores a copy of the result for the last key looked up. */
extern void call_memo_keep(CallMemo *cache, const struct varlena *answer);

#endif /* SUPPORT_CALL_MEMO_H */
