/*
 * group_notice.h
 *	  Groups of an aggregate without a result: counted, and reported once.
 */
#ifndef SUPPORT_GROUP_NOTICE_H
#define SUPPORT_GROUP_NOTICE_H

#include "compat.h"

/*
 * Called by a final function whose group has no result, with the reason: true
 * inside an aggregate or window, where the result is to be NULL. When the
 * statement ends, a notice reports the number of such groups, and the reason
 * of the first. False in a direct call, which must raise an error. Aggregate
 * and hint are literals.
 */
extern bool group_without_result(FunctionCallInfo fcinfo, const char *aggregate, const char *reason, const char *hint);

#endif /* SUPPORT_GROUP_NOTICE_H */
