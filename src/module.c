/*
 * module.c
 *	  Tells the server what is loaded, and nothing else: the extension has no
 *	  hooks, no settings and no state of its own.
 */
#include "compat.h"

#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "customer_centric");
#else
PG_MODULE_MAGIC;
#endif
