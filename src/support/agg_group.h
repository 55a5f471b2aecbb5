/*
 * agg_group.h
 *	  Which group of an aggregate an error is in.
 */
#ifndef SUPPORT_AGG_GROUP_H
#define SUPPORT_AGG_GROUP_H

#include "compat.h"

/*
 * The callback of an ErrorContextCallback, whose argument is the call of a transition or
 * combine function: it adds the group of the current row to an error about the data, as
 * in CONTEXT:  group (customer_id)=(42). So a failing REFRESH names the customer.
 */
extern void agg_group_context(void *fcinfo);

/*
 * Declares a function of an aggregate (transition, combine, final), in place of PG_FUNCTION_INFO_V1:
 * its body is NAME_in_group, and an error about the data in it says in which group they are.
 */
#define AGG_FUNCTION_INFO_V1(name) \
	static Datum name##_in_group(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name); \
	Datum name(PG_FUNCTION_ARGS) \
	{ \
		ErrorContextCallback group = {error_context_stack, agg_group_context, fcinfo}; \
		error_context_stack = &group; \
		Datum result = name##_in_group(fcinfo); \
		error_context_stack = group.previous; \
		return result; \
	} \
	extern int no_such_variable

#endif /* SUPPORT_AGG_GROUP_H */
