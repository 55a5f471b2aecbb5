/*
 * module.c
 *	  Tells the server what is loaded, and the pure C rooms who their host is. The
 *	  extension has no hooks, no settings and no other state of its own.
 */
#include "compat.h"

#include "support/server_host.h"

#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "customer_centric");
#else
PG_MODULE_MAGIC;
#endif

extern PGDLLEXPORT void _PG_init(void);

/* From here on the loops of numerics/ and models/ look for the server's interrupts. */
void
_PG_init(void)
{
	host_interrupts = server_host.check_interrupts;
}
